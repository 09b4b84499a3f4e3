/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bloom.c: BPF_MAP_TYPE_BLOOM_FILTER: values are pushed and asked for; an
 * answer of yes may be wrong, no never is. Bits are set and never cleared.
 */
#include "maps/area.h"
#include "base/hash.h"
#include "base/os.h"

enum {
	BLOOM_FLAGS = BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | BPF_F_RDONLY |
		      BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
	HASHES_DEFAULT = 5, HASHES_MAX = 15,
};

static int bloom_check(const struct map_attr *a, struct skep_err *err)
{
	struct map_attr plain = *a;

	if (a->map_extra > HASHES_MAX)
		return attr_refuse(a, err, "EINVAL", "map_extra %llu exceeds %d hashes",
				   (unsigned long long)a->map_extra, HASHES_MAX);
	plain.map_extra = 0;
	return attr_keyless(&plain, BLOOM_FLAGS, err);
}

static u64 hashes(u64 map_extra) { return map_extra ? map_extra : HASHES_DEFAULT; }

/* A power of two of at least entries * hashes / ln 2, as in the kernel; above
 * 2^32 it takes 2^32. */
static u64 bits_of(const struct map_attr *a)
{
	u64 want = min_u64(a->max_entries * hashes(a->map_extra) * 7 / 5, 1ull << 32), n = 64;

	while (n < want)
		n *= 2;
	return n;
}

static u64 bloom_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + bits_of(a) / 8;
}

static void bloom_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->index_mask = (u32)((m->mem_bytes - sizeof(struct area_head)) * 8 - 1);
}

static struct map_mem bloom_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = 8 };
}

static u64 *bit_word(const struct map *m, u64 hash, u64 i, u64 *mask)
{
	u32 bit = (u32)(hash + i * (hash >> 32 | 1)) & m->index_mask;

	*mask = 1ull << bit % 64;
	return (u64 *)m->elems + bit / 64;
}

static void bit_set(const struct map *m, u64 hash, u64 i)
{
	u64 mask, *word = bit_word(m, hash, i, &mask);

	__atomic_fetch_or(word, mask, __ATOMIC_RELAXED);
}

static bool bit_is_set(const struct map *m, u64 hash, u64 i)
{
	u64 mask, *word = bit_word(m, hash, i, &mask);

	return load_relaxed(word) & mask;
}

static int bloom_push(struct map *m, const void *value, u64 flags, u32 cpu)
{
	u64 hash = hash_bytes(value, m->value_size, m->seed);

	if (flags != BPF_ANY)
		return -EINVAL;
	for (u64 i = 0; i < hashes(m->map_extra); i++)
		bit_set(m, hash, i);
	__atomic_fetch_add(&area_head(m)->count, 1, __ATOMIC_RELAXED);
	return 0;
}

static int bloom_peek(struct map *m, void *value, u32 cpu)
{
	u64 hash = hash_bytes(value, m->value_size, m->seed);

	for (u64 i = 0; i < hashes(m->map_extra); i++)
		if (!bit_is_set(m, hash, i))
			return -ENOENT;
	return 0;
}

static int no_pop(struct map *m, void *value, u32 cpu) { return -EOPNOTSUPP; }
static void *no_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }
static int no_remove(struct map *m, const void *key, u32 cpu) { return -EOPNOTSUPP; }
static int no_next_key(struct map *m, const void *key, void *next) { return -EOPNOTSUPP; }

static s64 no_update(struct map *m, const void *key, const void *value,
		     u64 flags, u32 cpu)
{
	return -EINVAL;
}

/* Values pushed, the same one counted again. */
static u64 bloom_count(const struct map *m)
{
	return load_relaxed(&area_head(m)->count);
}

const struct map_ops bloom_ops = {
	.type = BPF_MAP_TYPE_BLOOM_FILTER, .check = bloom_check,
	.bytes = bloom_bytes, .init = bloom_init, .values = bloom_values,
	.lookup = no_lookup, .update = no_update, .remove = no_remove,
	.next_key = no_next_key, .push = bloom_push, .pop = no_pop,
	.peek = bloom_peek, .count = bloom_count, .shares = true,
};

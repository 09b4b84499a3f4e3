/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack_trace.c: STACK_TRACE: chains of addresses by a number that their hash gives.
 * Programs put them in; user space reads and deletes. There are as many numbers as the
 * next power of two, and max_entries chains.
 */
#include "maps/area.h"
#include "base/hash.h"

enum {
	FLAGS = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_STACK_BUILD_ID,
	FRAMES_MAX = 127,		/* perf_event_max_stack */
	BUILD_ID_BYTES = 32,		/* struct bpf_stack_build_id */
	SLOTS_MAX = 1u << 31,
};

/* Before the chain, which is of the bytes that user space reads. */
struct chain {
	u32 free;	/* pools link through their first word */
	u32 hash, bytes, pad;
};

static u32 frame_bytes(u32 flags) { return flags & BPF_F_STACK_BUILD_ID ? BUILD_ID_BYTES : 8; }

static u64 slots(u32 max_entries)
{
	u64 n = 1;

	while (n < max_entries)
		n *= 2;
	return n;
}

static int stack_check(const struct map_attr *a, struct skep_err *err)
{
	u32 frame = frame_bytes(a->map_flags);

	if (a->map_flags & ~(u32)FLAGS)
		return attr_flags(a, FLAGS, err);
	if (a->key_size != 4)
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not 4", a->key_size);
	if (!a->max_entries)
		return attr_refuse(a, err, "EINVAL", "max_entries is 0");
	if (!a->value_size || a->value_size % frame || a->value_size / frame > FRAMES_MAX)
		return attr_refuse(a, err, "EINVAL", "value_size is %u, not %u for each of 1..%d "
				   "frames", a->value_size, frame, FRAMES_MAX);
	if (slots(a->max_entries) > SLOTS_MAX)
		return attr_refuse(a, err, "E2BIG", "max_entries %u exceeds %u", a->max_entries,
				   SLOTS_MAX);
	return attr_flags(a, FLAGS, err);
}

static u64 stack_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + round_up(slots(a->max_entries) * 4, 8) +
	       (a->max_entries + 1ull) * (sizeof(struct chain) + a->value_size);
}

static void stack_init(struct map *m)
{
	m->index = m->mem + sizeof(struct area_head);
	m->nr_index = (u32)slots(m->max_entries);
	m->index_mask = m->nr_index - 1;
	m->elems = m->mem + sizeof(struct area_head) + round_up(m->nr_index * 4ull, 8);
	m->elem_stride = sizeof(struct chain) + m->value_size;
	m->nr_elems = m->max_entries + 1;
}

/* No value is for programs to touch. */
static struct map_mem stack_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = (u32)m->elem_stride };
}

static struct pool_mem pool_mem(const struct map *m)
{
	return (struct pool_mem){ m->elems, m->elem_stride, m->nr_elems };
}

static u32 *slot_at(const struct map *m, u32 id)
{
	return id < m->nr_index ? (u32 *)m->index + id : NULL;
}

static struct chain *chain_at(const struct map *m, const u32 *slot)
{
	u32 e = slot ? *slot : 0;

	return e && e < m->nr_elems ? (struct chain *)(m->elems + e * m->elem_stride) : NULL;
}

static void lock(struct map *m) { lock_take(&area_head(m)->lock, lock_owner(MAP_USER)); }
static void unlock(struct map *m) { lock_drop(&area_head(m)->lock); }

static void drop(struct map *m, u32 *slot)
{
	struct pool_mem mem = pool_mem(m);

	pool_put(&area_head(m)->elems, &mem, *slot);
	*slot = 0;
}

/* ---- programs -------------------------------------------------------------------- */

static s64 put_locked(struct map *m, const void *chain, u32 bytes, u64 flags)
{
	u32 hash = (u32)hash_bytes(chain, bytes, m->seed), id = hash & m->index_mask, e;
	u32 *slot = slot_at(m, id);
	struct chain *old = chain_at(m, slot);
	bool same = old && old->hash == hash && old->bytes == bytes;
	struct pool_mem mem = pool_mem(m);

	if (old && old->hash == hash && flags & BPF_F_FAST_STACK_CMP)
		return id;
	if (same && !memcmp(old + 1, chain, bytes))
		return id;
	if (old && !(flags & BPF_F_REUSE_STACKID))
		return -EEXIST;
	e = pool_get(&area_head(m)->elems, &mem);
	if (!e)
		return -ENOMEM;
	if (old)
		drop(m, slot);
	*slot = e;
	*chain_at(m, slot) = (struct chain){ .hash = hash, .bytes = bytes };
	memcpy(chain_at(m, slot) + 1, chain, bytes);
	return id;
}

s64 map_stack_put(struct map *m, const void *chain, u32 bytes, u64 flags)
{
	s64 id;

	lock(m);
	id = put_locked(m, chain, bytes, flags);
	unlock(m);
	return id;
}

static void *stack_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }

static s64 stack_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	return -EINVAL;
}

/* ---- user space ------------------------------------------------------------------- */

static u32 key_id(const void *key)
{
	u32 id;

	memcpy(&id, key, sizeof(id));
	return id;
}

int map_stack_read(struct map *m, const void *key, void *value, bool take)
{
	u32 *slot = slot_at(m, key_id(key));
	const struct chain *c;

	lock(m);
	c = chain_at(m, slot);
	if (c) {
		memset(value, 0, m->value_size);
		memcpy(value, c + 1, min_u64(c->bytes, m->value_size));
	}
	if (c && take)
		drop(m, slot);
	unlock(m);
	return c ? 0 : -ENOENT;
}

static int stack_take(struct map *m, const void *key, void *value, u32 cpu)
{
	return map_stack_read(m, key, value, true);
}

static int stack_remove(struct map *m, const void *key, u32 cpu)
{
	u32 *slot = slot_at(m, key_id(key));
	bool there;

	if (!slot)
		return -E2BIG;
	lock(m);
	there = chain_at(m, slot);
	if (there)
		drop(m, slot);
	unlock(m);
	return there ? 0 : -ENOENT;
}

static int stack_next_key(struct map *m, const void *key, void *next)
{
	u32 id = key ? key_id(key) : 0;
	int r = -ENOENT;

	lock(m);
	if (key)
		id = chain_at(m, slot_at(m, id)) ? id + 1 : 0;
	while (id < m->nr_index && !chain_at(m, slot_at(m, id)))
		id++;
	if (id < m->nr_index) {
		memcpy(next, &id, sizeof(id));
		r = 0;
	}
	unlock(m);
	return r;
}

static u64 stack_count(const struct map *m)
{
	u64 n = 0;

	for (u32 i = 0; i < m->nr_index; i++)
		n += load_relaxed((u32 *)m->index + i) != 0;
	return n;
}

const struct map_ops stack_trace_ops = {
	.type = BPF_MAP_TYPE_STACK_TRACE, .check = stack_check, .bytes = stack_bytes,
	.init = stack_init, .values = stack_values, .lookup = stack_lookup,
	.update = stack_update, .remove = stack_remove, .take = stack_take,
	.next_key = stack_next_key, .count = stack_count,
};

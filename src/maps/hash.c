/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c: BPF_MAP_TYPE_HASH, PERCPU_HASH, LRU_HASH and LRU_PERCPU_HASH: where
 * things are, and looking. Changing is hash_change.c.
 *
 * The index is an array of buckets of one cache line: ten one-byte tags, of
 * which one comparison finds the candidates, and ten element numbers; full
 * buckets continue in overflow buckets. Entries never move, so a walk and a
 * lookup meet each once; a delete empties its place, which the next insert
 * into the bucket fills.
 *
 * Lookups take no lock. Every single store of a writer leaves a bucket whole;
 * what a reader could miss is that an element or overflow bucket was freed and
 * used again while it looked. So a writer advances the version in the first
 * bucket's ver between unlinking and freeing, and a reader that finds another
 * version looks again.
 *
 * Element: the key, padded to 8 bytes, then the value, padded to 8 bytes. The
 * values of per-cpu types lie apart from the keys, one array a cpu slot, so
 * that no two slots share a cache line.
 */
#include "maps/hash.h"
#include "model/run.h"

enum {
	HASH_FLAGS = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED |
		     BPF_F_NO_COMMON_LRU | BPF_F_RDONLY | BPF_F_WRONLY |
		     BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
	ELEM_BYTES_MAX = (4 << 20) - 48,	/* the kernel's limit */
	HALF_LOAD = 13,	/* twice the entries that a bucket has when all are there */
};

enum found { FOUND, NONE, UNCLEAR };

/* Where the parts of an area are. */
struct layout {
	u64 buckets;
	u64 overflow;		/* overflow buckets, number 0 unused */
	u64 elems;		/* number 0 unused */
	u64 slots_at, buckets_at, overflow_at, elems_at, marks_at, values_at, end;
	u64 stride;
	u64 cpu_step;		/* from one cpu's values to the next's */
};

static struct layout hash_layout(const struct map_attr *a, u32 cpus)
{
	struct layout l = { .stride = round_up(a->key_size, 8) };
	u64 value_stride = round_up(a->value_size, 8);

	if (!hash_is_percpu(a->type))
		l.stride += value_stride;
	l.buckets = 2ull * a->max_entries / HALF_LOAD + 1;
	l.overflow = (u64)a->max_entries + 1;
	l.elems = elem_count(a, cpus);
	l.slots_at = sizeof(struct area_head);
	l.buckets_at = l.slots_at + (cpus + 1ull) * sizeof(struct hash_slot);
	l.elems_at = l.buckets_at + l.buckets * sizeof(struct bucket);
	l.overflow_at = round_up(l.elems_at + l.elems * l.stride, AREA_PAGE);
	l.marks_at = l.overflow_at + l.overflow * sizeof(struct bucket);
	l.values_at = l.marks_at + (hash_is_lru(a->type) ? round_up(l.elems, AREA_LINE) : 0);
	l.end = l.values_at;
	if (hash_is_percpu(a->type)) {
		l.cpu_step = round_up(l.elems, 8) * value_stride;
		l.end += l.cpu_step * cpus;
	}
	return l;
}

static int lru_check(const struct map_attr *a, struct skep_err *err)
{
	if (!hash_is_lru(a->type) && a->map_flags & BPF_F_NO_COMMON_LRU)
		return attr_refuse(a, err, "EINVAL", "BPF_F_NO_COMMON_LRU is for "
				   "LRU types");
	if (hash_is_lru(a->type) && a->map_flags & BPF_F_NO_PREALLOC)
		return attr_refuse(a, err, "ENOTSUPP", "BPF_F_NO_PREALLOC is not for "
				   "LRU types");
	if (a->map_flags & BPF_F_NUMA_NODE &&
	    (hash_is_percpu(a->type) || a->map_flags & BPF_F_NO_COMMON_LRU))
		return attr_refuse(a, err, "EINVAL", "BPF_F_NUMA_NODE is not for "
				   "what each cpu has of its own");
	return 0;
}

static int hash_check(const struct map_attr *a, struct skep_err *err)
{
	int r = attr_flags(a, HASH_FLAGS, err);

	if (!r)
		r = lru_check(a, err);
	if (!r)
		r = attr_check(a, HASH_FLAGS, err);
	if (r)
		return r;
	if ((u64)a->key_size + a->value_size >= ELEM_BYTES_MAX)
		return attr_refuse(a, err, "E2BIG", "key_size %u + value_size "
				   "%u reach %d", a->key_size, a->value_size,
				   ELEM_BYTES_MAX);
	if (hash_is_percpu(a->type) && round_up(a->value_size, 8) > PERCPU_VALUE_MAX)
		return attr_refuse(a, err, "E2BIG", "value_size %u exceeds %d",
				   a->value_size, PERCPU_VALUE_MAX);
	if (a->max_entries > 1u << 31)
		return attr_refuse(a, err, "E2BIG", "max_entries %u exceed 2^31",
				   a->max_entries);
	return 0;
}

static u64 hash_bytes_needed(const struct map_attr *a, u32 cpus)
{
	return hash_layout(a, cpus).end;
}

/* The kernel, too, has all of a map from the start unless it was told not to. */
static u64 hash_dense(const struct map_attr *a, u32 cpus)
{
	return a->map_flags & BPF_F_NO_PREALLOC ? 0 : hash_layout(a, cpus).overflow_at;
}

static void hash_parts(struct map *m)
{
	const struct map_attr a = { .type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags };
	struct layout l = hash_layout(&a, m->cpus);

	m->slots = m->mem + l.slots_at;
	m->index = m->mem + l.buckets_at;
	m->nr_index = (u32)l.buckets;
	m->overflow = m->mem + l.overflow_at;
	m->nr_overflow = (u32)l.overflow;
	m->elems = m->mem + l.elems_at;
	m->elem_stride = l.stride;
	m->nr_elems = (u32)l.elems;
	m->marks = hash_is_lru(m->type) ? m->mem + l.marks_at : NULL;
	m->values = hash_is_percpu(m->type) ? m->mem + l.values_at : NULL;
	m->cpu_step = l.cpu_step;
}

static struct map_mem hash_values(const struct map *m)
{
	struct map_mem mem = {
		.base = m->elems + m->elem_stride + round_up(m->key_size, 8),
		.nr = m->nr_elems - 1, .stride = (u32)m->elem_stride,
		.value_bytes = m->value_size,
		.read_only = m->map_flags & BPF_F_RDONLY_PROG,
		.write_only = m->map_flags & BPF_F_WRONLY_PROG };

	if (m->values) {
		mem.base = m->values;
		mem.stride = m->value_stride;
		mem.nr = m->cpu_step / m->value_stride * m->cpus;
	}
	return mem;
}

/* The same of the key that element E has now, which may be in the making. */
static u64 hash_elem(const struct map *m, u32 e)
{
	const u64 *key = elem_key(m, e);
	u64 hash = m->seed;

	for (u32 n = (m->key_size + 7) / 8; n; n--)
		hash = fold(hash ^ load_relaxed(key++));
	return hash;
}

/* ---- looking ----------------------------------------------------------------- */

/* The element with KEY in bucket B, or 0; its slot goes to *SLOT. */
static INLINE u32 bucket_find(const struct map *m, const struct bucket *b,
			      u8 tag, const void *key, u32 n, u32 *slot, bool own)
{
	u32 match = bucket_match(b, tag);

	for (; match; match &= match - 1) {
		u32 i = (u32)__builtin_ctz(match);
		u32 e = load_acquire(&b->elem[i]);

		if (own)
			prefetch_own(elem_key(m, e));
		if (likely(e < m->nr_elems) &&
		    likely(words_equal(elem_key(m, e), key, n))) {
			*slot = i;
			return e;
		}
	}
	return 0;
}

/* As bucket_find, along the chain of AT->first, whose version is to be AT->ver. */
static INLINE u32 chain_find(const struct map *m, struct place *at, const void *key, u32 n,
			     bool own)
{
	struct bucket *next = at->first;
	u32 e = 0, hops = 0;

	do {
		at->b = next;
		e = bucket_find(m, at->b, at->tag, key, n, &at->slot, own);
	} while (unlikely(!e) && (next = chain_next(m, at, &hops)));
	return e;
}

static INLINE u32 find_sized(const struct map *m, struct place *at, const void *key, u32 n,
			     bool own)
{
	u64 hash = hash_key(m, key, n);
	u32 e;

	at->first = first_bucket(m, hash);
	at->tag = hash_tag(hash);
	if (own)
		prefetch_own(at->first);
	do {
		at->ver = load_acquire(&at->first->ver);
		e = chain_find(m, at, key, n, own);
		fence_acquire();
	} while (unlikely(!same_version(load_relaxed(&at->first->ver), at->ver)));
	return e;
}

/* Where it is not the first with its tag in its bucket, or somebody changed that meanwhile. */
static NOINLINE u32 find_on(struct map *m, const void *key)
{
	struct place at;

	return hash_find(m, &at, key);
}

static NOINLINE void *lookup_on(struct map *m, const void *key)
{
	u32 e = find_on(m, key);

	return e ? elem_value(m, e, 0) : NULL;
}

/* As most find what they look for: the first element whose tag is KEY's, *E, and its key, *WORDS.
 * UNCLEAR: it takes find_on() to say. The fewer instructions there are, the more of these does
 * a cpu have on their way at a time. */
static INLINE enum found find_first(const struct map *m, const void *key, u32 n, u32 *e,
				    const u64 **words)
{
	u64 hash = hash_key(m, key, n), ver;
	struct bucket *b = first_bucket(m, hash);
	u32 match;

	ver = load_acquire(&b->ver);
	match = bucket_match(b, hash_tag(hash));
	if (unlikely(!match)) {
		u32 next = load_acquire(&b->next);

		fence_acquire();
		return !next && same_version(load_relaxed(&b->ver), ver) ? NONE : UNCLEAR;
	}
	*e = load_acquire(&b->elem[__builtin_ctz(match)]);
	*words = elem_key(m, *e);
	if (unlikely(*e >= m->nr_elems) || unlikely(!words_equal(*words, key, n)))
		return UNCLEAR;
	fence_acquire();
	return likely(same_version(load_relaxed(&b->ver), ver)) ? FOUND : UNCLEAR;
}

static INLINE void *lookup_sized(struct map *m, const void *key, u32 n)
{
	const u64 *words = NULL;
	u32 e;

	switch (find_first(m, key, n, &e, &words)) {
	case FOUND:
		return (u8 *)words + round_up(n, 8);
	case NONE:
		return NULL;
	default:
		return lookup_on(m, key);
	}
}

static NOINLINE void *lookup_4(struct map *m, const void *key, u32 cpu)
{
	return lookup_sized(m, key, 4);
}

static NOINLINE void *lookup_8(struct map *m, const void *key, u32 cpu)
{
	return lookup_sized(m, key, 8);
}

static NOINLINE void *lookup_16(struct map *m, const void *key, u32 cpu)
{
	return lookup_sized(m, key, 16);
}

static NOINLINE void *lookup_any(struct map *m, const void *key, u32 cpu)
{
	return lookup_sized(m, key, m->key_size);
}

/* Other types than these look here, too. */
static void *hash_lookup(struct map *m, const void *key, u32 cpu)
{
	switch (m->key_size) {
	case 4:
		return lookup_4(m, key, cpu);
	case 8:
		return lookup_8(m, key, cpu);
	case 16:
		return lookup_16(m, key, cpu);
	default:
		return lookup_any(m, key, cpu);
	}
}

static void hash_init(struct map *m)
{
	hash_parts(m);
	if (m->type != BPF_MAP_TYPE_HASH)
		return;
	m->look = m->key_size == 8 ? lookup_8 : m->key_size == 4 ? lookup_4 :
		  m->key_size == 16 ? lookup_16 : lookup_any;
	m->plain = m->key_size == 8 && m->value_size % 8 == 0 && !m->nr_fields;
}

/* What compiled programs call: without asking for the key's size each time. */
MAP_INLINED(inlined_4, lookup_sized(m, key, 4))
MAP_INLINED(inlined_8, lookup_sized(m, key, 8))
MAP_INLINED(inlined_16, lookup_sized(m, key, 16))
MAP_INLINED(inlined_any, lookup_sized(m, key, m->key_size))

static void hash_inlined(const struct map *m, struct map_inline *out)
{
	*out = (struct map_inline){ .fn = m->key_size == 8 ? inlined_8 :
		m->key_size == 4 ? inlined_4 : m->key_size == 16 ? inlined_16 : inlined_any };
}

u32 hash_find(struct map *m, struct place *at, const void *key)
{
	if (likely(m->key_size == 8))
		return find_sized(m, at, key, 8, false);
	return m->key_size == 4 ? find_sized(m, at, key, 4, false) :
				  find_sized(m, at, key, m->key_size, false);
}

u32 hash_find_own(struct map *m, struct place *at, const void *key)
{
	if (likely(m->key_size == 8))
		return find_sized(m, at, key, 8, true);
	return find_sized(m, at, key, m->key_size, true);
}

static void *percpu_lookup(struct map *m, const void *key, u32 cpu)
{
	struct place at;
	u32 e = hash_find(m, &at, key);

	return likely(e) ? elem_value(m, e, cpu) : NULL;
}

/* A program's lookup counts as a use, a look from outside does not. */
static INLINE void *lru_value(struct map *m, u32 e, u32 cpu)
{
	if (unlikely(!e))
		return NULL;
	if (cpu != MAP_USER && !(load_relaxed(&m->marks[e]) & MARK_USED))
		elem_mark(m, e, MARK_IN_USE | MARK_USED);
	return elem_value(m, e, cpu);
}

static INLINE void *lru_sized(struct map *m, const void *key, u32 n, u32 cpu)
{
	const u64 *words;
	u32 e = 0;

	switch (find_first(m, key, n, &e, &words)) {
	case FOUND:
		return lru_value(m, e, cpu);
	case NONE:
		return NULL;
	default:
		return lru_value(m, find_on(m, key), cpu);
	}
}

static void *lru_lookup(struct map *m, const void *key, u32 cpu)
{
	return likely(m->key_size == 8) ? lru_sized(m, key, 8, cpu) :
					  lru_sized(m, key, m->key_size, cpu);
}

/* For programs; one value is for all cpus. */
MAP_INLINED(lru_4, lru_sized(m, key, 4, 0))
MAP_INLINED(lru_8, lru_sized(m, key, 8, 0))
MAP_INLINED(lru_16, lru_sized(m, key, 16, 0))
MAP_INLINED(lru_any, lru_sized(m, key, m->key_size, 0))

static void lru_inlined(const struct map *m, struct map_inline *out)
{
	*out = (struct map_inline){ .fn = m->key_size == 8 ? lru_8 : m->key_size == 4 ? lru_4 :
				    m->key_size == 16 ? lru_16 : lru_any };
}

void hash_prefetch(const struct map *m, u32 e)
{
	prefetch_own(first_bucket(m, hash_elem(m, e)));
}

bool hash_place(const struct map *m, struct place *at, u32 e)
{
	u64 hash = hash_elem(m, e);
	struct bucket *next;
	u32 hops = 0;

	next = at->first = first_bucket(m, hash);
	at->ver = load_acquire(&at->first->ver);
	do {
		u32 match = bucket_match(next, hash_tag(hash));

		at->b = next;
		for (; match; match &= match - 1) {
			at->slot = (u32)__builtin_ctz(match);
			if (load_acquire(&at->b->elem[at->slot]) == e)
				return true;
		}
	} while ((next = chain_next(m, at, &hops)));
	return false;
}

/* ---- the types ------------------------------------------------------------------ */

static u64 hash_count(const struct map *m) { return elem_used(m); }

#define HASH_OPS(number, lookup_fn, peek_fn, inlined_fn) { \
	.type = number, .check = hash_check, .bytes = hash_bytes_needed, \
	.dense = hash_dense, \
	.init = hash_init, .format = elem_format, .values = hash_values, \
	.lookup = lookup_fn, .peek_at = peek_fn, .inlined = inlined_fn, \
	.update = hash_update, \
	.remove = hash_remove, .take = hash_take, .walk = hash_walk, \
	.next_key = hash_next_key, .count = hash_count, .shares = true, \
	.bury = hash_bury, .adopt = hash_adopt, .sweep = hash_sweep }

const struct map_ops hash_ops =
	HASH_OPS(BPF_MAP_TYPE_HASH, hash_lookup, NULL, hash_inlined);
const struct map_ops percpu_hash_ops =
	HASH_OPS(BPF_MAP_TYPE_PERCPU_HASH, percpu_lookup, NULL, NULL);
const struct map_ops lru_hash_ops =
	HASH_OPS(BPF_MAP_TYPE_LRU_HASH, lru_lookup, NULL, lru_inlined);
const struct map_ops lru_percpu_hash_ops =
	HASH_OPS(BPF_MAP_TYPE_LRU_PERCPU_HASH, lru_lookup, percpu_lookup, NULL);

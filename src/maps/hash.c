/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c: BPF_MAP_TYPE_HASH, PERCPU_HASH, LRU_HASH and LRU_PERCPU_HASH.
 *
 * The index is an array of buckets of one cache line: eight one-byte tags, of
 * which one comparison finds the candidates, and eight element numbers; full
 * buckets continue in overflow buckets. Entries never move, so a walk and a
 * lookup meet each once; a delete empties its place, which the next insert
 * into the bucket fills.
 *
 * Lookups take no lock. Every single store of a writer leaves a bucket whole;
 * what a reader could miss is that an element or overflow bucket was freed and
 * used again while it looked. So a writer advances the bucket's ver between
 * unlinking and freeing, and a reader that finds ver changed looks again.
 *
 * Writers hold the lock of the bucket's stripe. A stripe keeps a few free
 * elements, so that overwriting costs no second atomic operation, and the pool
 * has that many elements more than max_entries: who could count its entry in
 * always finds an element, and a full map can still be overwritten.
 *
 * Element: the key, padded to 8 bytes, then the value, padded to 8 bytes. The
 * values of per-cpu types lie apart from the keys, one array a cpu slot, so
 * that no two slots share a cache line.
 *
 * LRU types give up an element when a new one finds no room. Every element has
 * a mark: in use, and used since the hand passed. The hand goes around the
 * elements, takes that second mark away and stops at the first element without
 * it (second chance). One list serves all cpus; BPF_F_NO_COMMON_LRU is allowed
 * and changes nothing but that.
 */
#include "maps/area.h"
#include "base/hash.h"
#include "base/os.h"

enum {
	HASH_FLAGS = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED |
		     BPF_F_NO_COMMON_LRU | BPF_F_RDONLY | BPF_F_WRONLY |
		     BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
	ELEM_BYTES_MAX = (4 << 20) - 48,	/* the kernel's limit */
	BUCKET_SLOTS = 8,
	STRIPE_SPARES = 8,
	STRIPES_MAX = 256,
	MARK_IN_USE = 1, MARK_USED = 2,
	EVICTIONS_MAX = 64,	/* for one insert; others may take the room */
};

struct bucket {
	u64 tags;	/* one byte a slot; 0 = free */
	u32 ver;	/* of first buckets only */
	u32 next;	/* number of an overflow bucket; 0 = none */
	u32 elem[BUCKET_SLOTS];
	u32 pad[4];
};
_Static_assert(sizeof(struct bucket) == AREA_LINE, "a bucket is a line");

struct stripe {
	u32 lock;
	u32 nr;		/* spares */
	u32 spares[STRIPE_SPARES];
	u32 pad[6];
};
_Static_assert(sizeof(struct stripe) == AREA_LINE, "a stripe is a line");

#define INLINE inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

/* Where the parts of an area are. */
struct layout {
	u64 buckets, stripes;	/* how many; powers of two */
	u64 overflow;		/* overflow buckets, number 0 unused */
	u64 elems;		/* number 0 unused */
	u64 stripes_at, buckets_at, overflow_at, elems_at, marks_at, values_at, end;
	u64 stride;
	u64 cpu_step;		/* from one cpu's values to the next's */
};

/* A place in the index while its stripe is locked. */
struct place {
	struct bucket *b;
	u32 slot;
};

static u64 power_of_2(u64 n)
{
	u64 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static bool is_lru(u32 type)
{
	return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_percpu(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static struct layout hash_layout(u32 type, u32 key_size, u32 value_size,
				 u32 max_entries, u32 cpus)
{
	struct layout l = { .stride = round_up(key_size, 8) };
	u64 value_stride = round_up(value_size, 8);

	if (!is_percpu(type))
		l.stride += value_stride;
	l.buckets = power_of_2(((u64)max_entries + 3) / 4);
	l.stripes = min_u64(STRIPES_MAX, power_of_2(max_entries / 64));
	l.overflow = (u64)max_entries + 1;
	l.elems = 1 + (u64)max_entries + l.stripes * (STRIPE_SPARES + 1);
	l.stripes_at = sizeof(struct area_head);
	l.buckets_at = l.stripes_at + l.stripes * sizeof(struct stripe);
	l.elems_at = l.buckets_at + l.buckets * sizeof(struct bucket);
	l.overflow_at = round_up(l.elems_at + l.elems * l.stride, AREA_PAGE);
	l.marks_at = l.overflow_at + l.overflow * sizeof(struct bucket);
	l.values_at = l.marks_at + (is_lru(type) ? round_up(l.elems, AREA_LINE) : 0);
	l.end = l.values_at;
	if (is_percpu(type)) {
		l.cpu_step = round_up(l.elems, 8) * value_stride;
		l.end += l.cpu_step * cpus;
	}
	return l;
}

static int lru_check(const struct map_attr *a, struct skep_err *err)
{
	if (!is_lru(a->type) && a->map_flags & BPF_F_NO_COMMON_LRU)
		return attr_refuse(a, err, "EINVAL", "BPF_F_NO_COMMON_LRU is for "
				   "LRU types");
	if (is_lru(a->type) && a->map_flags & BPF_F_NO_PREALLOC)
		return attr_refuse(a, err, "ENOTSUPP", "BPF_F_NO_PREALLOC is not for "
				   "LRU types");
	if (a->map_flags & BPF_F_NUMA_NODE &&
	    (is_percpu(a->type) || a->map_flags & BPF_F_NO_COMMON_LRU))
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
	if (is_percpu(a->type) && round_up(a->value_size, 8) > PERCPU_VALUE_MAX)
		return attr_refuse(a, err, "E2BIG", "value_size %u exceeds %d",
				   a->value_size, PERCPU_VALUE_MAX);
	if (a->max_entries > 1u << 31)
		return attr_refuse(a, err, "E2BIG", "max_entries %u exceed 2^31",
				   a->max_entries);
	return 0;
}

static u64 hash_bytes_needed(const struct map_attr *a, u32 cpus)
{
	return hash_layout(a->type, a->key_size, a->value_size, a->max_entries,
			   cpus).end;
}

static void hash_init(struct map *m)
{
	struct layout l = hash_layout(m->type, m->key_size, m->value_size,
				      m->max_entries, m->cpus);
	u64 entropy[2] = { os_clock_ns(), (uintptr_t)m->mem };

	m->stripes = m->mem + l.stripes_at;
	m->stripe_mask = (u32)l.stripes - 1;
	m->index = m->mem + l.buckets_at;
	m->index_mask = (u32)l.buckets - 1;
	m->overflow = m->mem + l.overflow_at;
	m->elems = m->mem + l.elems_at;
	m->elem_stride = l.stride;
	m->nr_elems = (u32)l.elems;
	m->marks = is_lru(m->type) ? m->mem + l.marks_at : NULL;
	m->values = is_percpu(m->type) ? m->mem + l.values_at : NULL;
	m->cpu_step = l.cpu_step;
	if (!(m->map_flags & BPF_F_ZERO_SEED))
		m->seed = hash_bytes(entropy, sizeof(entropy), 0);
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

/* ---- parts ----------------------------------------------------------------- */

/* Mixes: both halves of a product with an odd constant. */
static inline u64 fold(u64 v)
{
	unsigned __int128 p = (unsigned __int128)(v ^ 0x9e3779b97f4a7c15u) *
			      0xd6e8feb86659fd93u;

	return (u64)p ^ (u64)(p >> 64);
}

/* N is the key's size, here and below: constant where it matters. */
static INLINE u64 hash_key(const struct map *m, const void *key, u32 n)
{
	const u8 *p = key;
	u64 hash = m->seed;

	for (; n > 8; n -= 8, p += 8)
		hash = fold(hash ^ word_of(p, 8));
	return fold(hash ^ word_of(p, n));
}

static inline u64 hash_tag(u64 hash) { return hash >> 56 | 0x80; }

static inline struct bucket *first_bucket(const struct map *m, u64 hash)
{
	return (struct bucket *)m->index + ((u32)hash & m->index_mask);
}

static inline struct stripe *hash_stripe(const struct map *m, u64 hash)
{
	return (struct stripe *)m->stripes + ((u32)hash & m->stripe_mask);
}

static inline struct bucket *overflow_bucket(const struct map *m, u32 n)
{
	return likely(n <= m->max_entries) ? (struct bucket *)m->overflow + n : NULL;
}

static inline u64 *elem_key(const struct map *m, u32 e)
{
	return (u64 *)(m->elems + e * m->elem_stride);
}

/* CPU matters for per-cpu types only. */
static inline void *elem_value(const struct map *m, u32 e, u32 cpu)
{
	if (m->values)
		return m->values + cpu * m->cpu_step + (u64)e * m->value_stride;
	return (u8 *)elem_key(m, e) + round_up(m->key_size, 8);
}

static inline void elem_mark(const struct map *m, u32 e, u8 mark)
{
	if (unlikely(m->marks))
		store_relaxed(&m->marks[e], mark);
}

static struct pool_mem elem_mem(const struct map *m)
{
	return (struct pool_mem){ m->elems, m->elem_stride, m->nr_elems };
}

static struct pool_mem overflow_mem(const struct map *m)
{
	return (struct pool_mem){ m->overflow, sizeof(struct bucket),
				  m->max_entries + 1 };
}

/* ---- looking --------------------------------------------------------------- */

/* High bits of the bytes of TAGS that equal TAG, and of few that do not. */
static inline u64 tag_matches(u64 tags, u64 tag)
{
	u64 x = tags ^ tag * 0x0101010101010101u;

	return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

/* The element with KEY in bucket B, or 0; its slot goes to *SLOT. */
static INLINE u32 bucket_find(const struct map *m, const struct bucket *b,
			      u64 tag, const void *key, u32 n, u32 *slot)
{
	u64 match = tag_matches(load_acquire(&b->tags), tag);

	for (; match; match &= match - 1) {
		u32 i = (u32)__builtin_ctzll(match) / 8;
		u32 e = load_acquire(&b->elem[i]);

		if (likely(e < m->nr_elems) &&
		    likely(words_equal(elem_key(m, e), key, n))) {
			*slot = i;
			return e;
		}
	}
	return 0;
}

/* As bucket_find, along the chain of AT->b, the first bucket; stops early when
 * its ver is not WAS any more. */
static INLINE u32 chain_find(const struct map *m, struct place *at, u64 hash,
			     const void *key, u32 n, u32 was)
{
	const u32 *ver = &at->b->ver;
	struct bucket *next;
	u32 e;

	while (!(e = bucket_find(m, at->b, hash_tag(hash), key, n, &at->slot))) {
		u32 number = load_acquire(&at->b->next);

		if (likely(!number) || !(next = overflow_bucket(m, number)))
			return 0;
		fence_acquire();
		if (load_relaxed(ver) != was)
			return 0;
		at->b = next;
	}
	return e;
}

static INLINE u32 find_sized(struct map *m, const void *key, u32 n)
{
	u64 hash = hash_key(m, key, n);
	struct bucket *first = first_bucket(m, hash);
	u32 ver, e;

	do {
		struct place at = { .b = first };

		ver = load_acquire(&first->ver);
		e = chain_find(m, &at, hash, key, n, ver);
		fence_acquire();
	} while (unlikely(load_relaxed(&first->ver) != ver));
	return e;
}

static INLINE void *lookup_sized(struct map *m, const void *key, u32 n)
{
	u32 e = find_sized(m, key, n);

	return likely(e) ? (u8 *)elem_key(m, e) + round_up(n, 8) : NULL;
}

/* Functions of their own: the short ones need no stack. */
static NOINLINE void *lookup_4(struct map *m, const void *key)
{
	return lookup_sized(m, key, 4);
}

static NOINLINE void *lookup_8(struct map *m, const void *key)
{
	return lookup_sized(m, key, 8);
}

static NOINLINE void *lookup_any(struct map *m, const void *key)
{
	return lookup_sized(m, key, m->key_size);
}

static void *hash_lookup(struct map *m, const void *key, u32 cpu)
{
	if (likely(m->key_size == 8))
		return lookup_8(m, key);
	return m->key_size == 4 ? lookup_4(m, key) : lookup_any(m, key);
}

static NOINLINE u32 find_elem(struct map *m, const void *key)
{
	if (likely(m->key_size == 8))
		return find_sized(m, key, 8);
	return m->key_size == 4 ? find_sized(m, key, 4) : find_sized(m, key, m->key_size);
}

static void *percpu_lookup(struct map *m, const void *key, u32 cpu)
{
	u32 e = find_elem(m, key);

	return likely(e) ? elem_value(m, e, cpu) : NULL;
}

/* A program's lookup counts as a use, a look from outside does not. */
static void *lru_lookup(struct map *m, const void *key, u32 cpu)
{
	u32 e = find_elem(m, key);

	if (unlikely(!e))
		return NULL;
	if (cpu != MAP_USER && !(load_relaxed(&m->marks[e]) & MARK_USED))
		elem_mark(m, e, MARK_IN_USE | MARK_USED);
	return elem_value(m, e, cpu);
}

/* For writers: the stripe is locked. */
static u32 find_locked(const struct map *m, struct place *at, u64 hash,
		       const void *key)
{
	at->b = first_bucket(m, hash);
	if (likely(m->key_size == 8))
		return chain_find(m, at, hash, key, 8, at->b->ver);
	if (m->key_size == 4)
		return chain_find(m, at, hash, key, 4, at->b->ver);
	return chain_find(m, at, hash, key, m->key_size, at->b->ver);
}

/* ---- changing: the stripe is locked ----------------------------------------- */

static u32 elem_get(struct map *m, struct stripe *s)
{
	struct pool_mem mem = elem_mem(m);

	if (likely(s->nr && s->nr <= STRIPE_SPARES))
		return s->spares[--s->nr];
	return pool_get(&area_head(m)->elems, &mem);
}

static void elem_put(struct map *m, struct stripe *s, u32 e)
{
	struct pool_mem mem = elem_mem(m);

	value_retire(m, elem_value(m, e, 0));
	if (likely(s->nr < STRIPE_SPARES))
		s->spares[s->nr++] = e;
	else
		pool_put(&area_head(m)->elems, &mem, e);
}

/* Between unlinking something and freeing it. */
static inline void bucket_retire(struct bucket *first)
{
	store_release(&first->ver, first->ver + 1);
}

/* From user space VALUE has the values of all cpus, else that of CPU. */
static void percpu_set(struct map *m, u32 e, const u8 *value, u32 cpu)
{
	if (cpu != MAP_USER) {
		value_set(m, elem_value(m, e, cpu), value);
		return;
	}
	for (cpu = 0; cpu < m->cpus; cpu++, value += m->value_stride)
		words_set(elem_value(m, e, cpu), value, m->value_stride);
}

/* What other cpus see of a new element is zero. */
static void percpu_init(struct map *m, u32 e, const void *value, u32 cpu)
{
	for (u32 i = 0; cpu != MAP_USER && i < m->cpus; i++)
		if (i != cpu)
			memset(elem_value(m, e, i), 0, m->value_stride);
	percpu_set(m, e, value, cpu);
}

static u32 elem_new(struct map *m, struct stripe *s, const void *key,
		    const void *value, u32 cpu)
{
	u32 e = elem_get(m, s);

	if (unlikely(!e))
		return 0;
	words_set(elem_key(m, e), key, m->key_size);
	if (unlikely(m->values))
		percpu_init(m, e, value, cpu);
	else
		value_init(m, elem_value(m, e, cpu), value);
	return e;
}

static void tag_set(struct bucket *b, u32 slot, u64 tag)
{
	store_release(&b->tags, (b->tags & ~(0xffull << slot * 8)) | tag << slot * 8);
}

/* Appends an empty overflow bucket to the chain that ends with B. */
static struct bucket *chain_grow(struct map *m, struct bucket *b)
{
	struct pool_mem mem = overflow_mem(m);
	u32 n = pool_get(&area_head(m)->overflow, &mem);
	struct bucket *next = n ? overflow_bucket(m, n) : NULL;

	if (!next)
		return NULL;
	store_relaxed(&next->tags, 0);
	store_relaxed(&next->next, 0);
	store_release(&b->next, n);
	return next;
}

/* The first free slot of the chain of FIRST. */
static bool chain_room(struct map *m, struct bucket *first, struct place *at)
{
	u64 high = 0x8080808080808080u, free;
	struct bucket *b = first;

	while (!(free = ~b->tags & high)) {
		struct bucket *next = b->next ? overflow_bucket(m, b->next)
					      : chain_grow(m, b);
		if (!next)
			return false;
		b = next;
	}
	at->b = b;
	at->slot = (u32)__builtin_ctzll(free) / 8;
	return true;
}

/* Frees the overflow buckets at the chain's end that are empty. */
static void chain_trim(struct map *m, struct bucket *first)
{
	struct pool_mem mem = overflow_mem(m);

	for (;;) {
		struct bucket *b = first, *prev = NULL;
		u32 n;

		for (; b->next; b = overflow_bucket(m, b->next))
			prev = b;
		if (!prev || b->tags)
			return;
		n = prev->next;
		store_release(&prev->next, 0);
		bucket_retire(first);
		pool_put(&area_head(m)->overflow, &mem, n);
	}
}

static int hash_replace(struct map *m, struct stripe *s, struct bucket *first,
			struct place *at, const void *key, const void *value)
{
	u32 e = elem_new(m, s, key, value, MAP_USER), old = at->b->elem[at->slot];

	if (unlikely(!e))
		return -ENOMEM;
	elem_mark(m, old, 0);
	elem_mark(m, e, MARK_IN_USE | MARK_USED);
	store_release(&at->b->elem[at->slot], e);
	bucket_retire(first);
	elem_put(m, s, old);
	return 0;
}

static int hash_insert(struct map *m, struct stripe *s, struct bucket *first,
		       u64 tag, const void *key, const void *value, u32 cpu)
{
	struct area_head *head = area_head(m);
	struct place at;
	u32 e = 0;

	if (!count_take(&head->count, m->max_entries))
		return -E2BIG;
	if (unlikely(!chain_room(m, first, &at) ||
		     !(e = elem_new(m, s, key, value, cpu)))) {
		count_drop(&head->count);
		return -E2BIG;
	}
	elem_mark(m, e, MARK_IN_USE);
	store_release(&at.b->elem[at.slot], e);
	tag_set(at.b, at.slot, tag);
	return 0;
}

static int update_locked(struct map *m, struct stripe *s, u64 hash,
			 const void *key, const void *value, u64 flags, u32 cpu)
{
	struct bucket *first = first_bucket(m, hash);
	struct place at;
	u32 e = find_locked(m, &at, hash, key);

	if (!e)
		return flags & BPF_EXIST ? -ENOENT :
		       hash_insert(m, s, first, hash_tag(hash), key, value, cpu);
	if (flags & BPF_NOEXIST)
		return -EEXIST;
	if (unlikely(m->values)) {	/* in place, as in the kernel */
		elem_mark(m, e, MARK_IN_USE | MARK_USED);
		percpu_set(m, e, value, cpu);
		return 0;
	}
	if (!(flags & BPF_F_LOCK))
		return hash_replace(m, s, first, &at, key, value);
	value_set_locked(m, elem_value(m, e, cpu), value, cpu);
	return 0;
}

static int hash_update(struct map *m, const void *key, const void *value,
		       u64 flags, u32 cpu)
{
	u64 hash = hash_key(m, key, m->key_size);
	struct stripe *s = hash_stripe(m, hash);
	int r;

	if (unlikely((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST ||
		     (flags & BPF_F_LOCK && !m->lock_at)))
		return -EINVAL;
	/* The lock waits for all stores before it; the bucket need not wait. */
	__builtin_prefetch(first_bucket(m, hash), 1);
	lock_take(&s->lock, lock_owner(cpu));
	r = update_locked(m, s, hash, key, value, flags, cpu);
	lock_drop(&s->lock);
	return r;
}

static void unlink_locked(struct map *m, struct stripe *s, u64 hash,
			  const struct place *at, u32 e)
{
	struct bucket *first = first_bucket(m, hash);

	tag_set(at->b, at->slot, 0);
	elem_mark(m, e, 0);
	bucket_retire(first);
	elem_put(m, s, e);
	if (unlikely(at->b != first))
		chain_trim(m, first);
	count_drop(&area_head(m)->count);
}

static int remove_locked(struct map *m, struct stripe *s, u64 hash, const void *key)
{
	struct place at;
	u32 e = find_locked(m, &at, hash, key);

	if (!e)
		return -ENOENT;
	unlink_locked(m, s, hash, &at, e);
	return 0;
}

static int hash_remove(struct map *m, const void *key, u32 cpu)
{
	u64 hash = hash_key(m, key, m->key_size);
	struct stripe *s = hash_stripe(m, hash);
	int r;

	__builtin_prefetch(first_bucket(m, hash), 1);
	lock_take(&s->lock, lock_owner(cpu));
	r = remove_locked(m, s, hash, key);
	lock_drop(&s->lock);
	return r;
}

/* What user space sees of a value, taken in the same step as it goes. */
static int hash_take(struct map *m, const void *key, void *value, u32 cpu)
{
	u64 hash = hash_key(m, key, m->key_size);
	struct stripe *s = hash_stripe(m, hash);
	struct place at;
	u32 e;

	lock_take(&s->lock, lock_owner(cpu));
	e = find_locked(m, &at, hash, key);
	for (u32 i = 0; e && m->values && i < m->cpus; i++)
		words_get((u8 *)value + (u64)i * m->value_stride,
			  elem_value(m, e, i), m->value_stride);
	if (e && !m->values)
		value_get(m, value, elem_value(m, e, cpu));
	if (e)
		unlink_locked(m, s, hash, &at, e);
	lock_drop(&s->lock);
	return e ? 0 : -ENOENT;
}

/* ---- giving up elements ------------------------------------------------------ */

/* E may be free, or hold another key, by the time that its stripe is locked. */
static bool evict_elem(struct map *m, u32 e, u32 cpu)
{
	const u64 *key = elem_key(m, e);
	u64 hash = hash_key(m, key, m->key_size);
	struct stripe *s = hash_stripe(m, hash);
	struct place at;
	bool found;

	lock_take(&s->lock, lock_owner(cpu));
	found = load_relaxed(&m->marks[e]) == MARK_IN_USE &&
		find_locked(m, &at, hash, key) == e;
	if (found)
		unlink_locked(m, s, hash, &at, e);
	lock_drop(&s->lock);
	return found;
}

static bool lru_evict(struct map *m, u32 cpu)
{
	struct area_head *head = area_head(m);
	u64 rounds = 2 * (u64)m->nr_elems;

	while (rounds--) {
		u32 turn = __atomic_fetch_add(&head->hand, 1, __ATOMIC_RELAXED);
		u32 e = turn % (m->nr_elems - 1) + 1;
		u8 mark = load_relaxed(&m->marks[e]);

		if (mark == MARK_IN_USE && evict_elem(m, e, cpu))
			return true;
		if (mark & MARK_USED)
			store_relaxed(&m->marks[e], MARK_IN_USE);
	}
	return false;
}

static int lru_update(struct map *m, const void *key, const void *value,
		      u64 flags, u32 cpu)
{
	for (u32 i = 0; i < EVICTIONS_MAX; i++) {
		int r = hash_update(m, key, value, flags, cpu);

		if (likely(r != -E2BIG))
			return r;
		if (!lru_evict(m, cpu))
			break;
	}
	return -ENOMEM;
}

/* ---- walking ----------------------------------------------------------------- */

/*
 * The element at or after place FROM (counted along the chain) of bucket N;
 * its own place goes to *FROM. 0: none. The stripe is locked.
 */
static u32 chain_at(const struct map *m, u32 n, u32 *from)
{
	struct bucket *b = (struct bucket *)m->index + n;
	u32 place = 0;

	for (; b; b = b->next ? overflow_bucket(m, b->next) : NULL) {
		for (u32 i = 0; i < BUCKET_SLOTS; i++, place++) {
			if (place < *from || !(b->tags >> i * 8 & 0xff))
				continue;
			*from = place;
			return b->elem[i];
		}
	}
	return 0;
}

/* A position: bucket << 32 | place in its chain. */
static u32 walk_bucket(struct map *m, u32 n, u32 *place, void *key, u32 cpu)
{
	const struct bucket *b = (struct bucket *)m->index + n;
	struct stripe *s = hash_stripe(m, n);
	u32 e;

	if (!load_relaxed(&b->tags) && !load_relaxed(&b->next))
		return 0;
	lock_take(&s->lock, lock_owner(cpu));
	e = chain_at(m, n, place);
	if (e)
		words_get(key, elem_key(m, e), m->key_size);
	lock_drop(&s->lock);
	return e;
}

static bool hash_walk(struct map *m, u64 *pos, void *key, void **value, u32 cpu)
{
	u64 n = *pos >> 32;
	u32 place = (u32)*pos, e;

	for (; n <= m->index_mask; n++, place = 0) {
		e = walk_bucket(m, (u32)n, &place, key, cpu);
		if (!e)
			continue;
		*value = elem_value(m, e, cpu == MAP_USER ? 0 : cpu);
		*pos = n << 32 | (place + 1);
		return true;
	}
	*pos = n << 32;
	return false;
}

/* The position after KEY; 0, the start, when it is not there. */
static u64 position_after(struct map *m, const void *key)
{
	u64 hash = hash_key(m, key, m->key_size);
	u32 n = (u32)hash & m->index_mask, place = 0, e;
	struct stripe *s = hash_stripe(m, hash);

	lock_take(&s->lock, lock_owner(MAP_USER));
	for (; (e = chain_at(m, n, &place)) != 0; place++)
		if (words_equal(elem_key(m, e), key, m->key_size))
			break;
	lock_drop(&s->lock);
	return e ? (u64)n << 32 | (place + 1) : 0;
}

static int hash_next_key(struct map *m, const void *key, void *next)
{
	u64 pos = key ? position_after(m, key) : 0;
	void *value;

	return hash_walk(m, &pos, next, &value, MAP_USER) ? 0 : -ENOENT;
}

static u64 hash_count(const struct map *m)
{
	return load_relaxed(&area_head(m)->count);
}

#define HASH_OPS(number, lookup_fn, update_fn) { \
	.type = number, .check = hash_check, .bytes = hash_bytes_needed, \
	.init = hash_init, .values = hash_values, .lookup = lookup_fn, \
	.update = update_fn, .remove = hash_remove, .take = hash_take, \
	.walk = hash_walk, .next_key = hash_next_key, .count = hash_count }

const struct map_ops hash_ops =
	HASH_OPS(BPF_MAP_TYPE_HASH, hash_lookup, hash_update);
const struct map_ops percpu_hash_ops =
	HASH_OPS(BPF_MAP_TYPE_PERCPU_HASH, percpu_lookup, hash_update);
const struct map_ops lru_hash_ops =
	HASH_OPS(BPF_MAP_TYPE_LRU_HASH, lru_lookup, lru_update);
const struct map_ops lru_percpu_hash_ops = {
	.type = BPF_MAP_TYPE_LRU_PERCPU_HASH, .check = hash_check,
	.bytes = hash_bytes_needed, .init = hash_init, .values = hash_values,
	.lookup = lru_lookup, .peek_at = percpu_lookup, .update = lru_update,
	.remove = hash_remove, .take = hash_take, .walk = hash_walk,
	.next_key = hash_next_key, .count = hash_count };

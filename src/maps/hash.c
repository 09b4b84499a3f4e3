/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c: BPF_MAP_TYPE_HASH, PERCPU_HASH, LRU_HASH and LRU_PERCPU_HASH: looking
 * and changing.
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
 * Writers look as readers do, fill an element, and only then lock the bucket, by
 * an exchange of ver that fails when the version is not the one that they looked
 * at. So a bucket is locked for a few stores, and nothing is looked for twice. Who
 * will most likely overwrite or delete locks the bucket as soon as a tag is the
 * key's, and compares the key then: the lines of the bucket and of the element, which
 * another cpu may have written last, are on their way at the same time.
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
	AGAIN = 1,	/* somebody else changed the bucket */
};

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

static void hash_init(struct map *m)
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

/* ---- keys ------------------------------------------------------------------- */

/* Mixes: both halves of a product with an odd constant. */
static inline u64 fold(u64 v)
{
	unsigned __int128 p = (unsigned __int128)(v ^ 0x9e3779b97f4a7c15u) *
			      0xd6e8feb86659fd93u;

	return (u64)p ^ (u64)(p >> 64);
}

/* Eight bytes that were often stored as two fours just before, as addresses are: a load
 * of both would wait until they have left the store buffer. */
struct half { u32 v; } __attribute__((packed, may_alias));

static INLINE u64 word_of_two(const u8 *p)
{
	const volatile struct half *half = (const volatile void *)p;
	u64 a = half[0].v, b = half[1].v;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return a | b << 32;
#else
	return a << 32 | b;
#endif
}

/* N is the key's size, here and below: constant where it matters. */
static INLINE u64 hash_key(const struct map *m, const void *key, u32 n)
{
	const u8 *p = key;
	u64 hash = m->seed;

	if (__builtin_constant_p(n) && n == 16)
		return fold(fold(hash ^ word_of_two(p)) ^ word_of_two(p + 8));
	if (__builtin_constant_p(n) && n == 8)
		return fold(hash ^ word_of_two(p));
	for (; n > 8; n -= 8, p += 8)
		hash = fold(hash ^ word_of(p, 8));
	return fold(hash ^ word_of(p, n));
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

/* Bucket numbers come from the lower half of a hash, tags from the top. */
static inline struct bucket *first_bucket(const struct map *m, u64 hash)
{
	return (struct bucket *)m->index + ((u64)(u32)hash * m->nr_index >> 32);
}

static inline u8 hash_tag(u64 hash)
{
	u8 tag = (u8)(hash >> 56);

	return tag ? tag : 1;
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

static INLINE void *lookup_sized(struct map *m, const void *key, u32 n)
{
	struct place at;
	u32 e = find_sized(m, &at, key, n, false);

	return likely(e) ? (u8 *)elem_key(m, e) + round_up(n, 8) : NULL;
}

/* Functions of their own: the short ones need no stack. */
static NOINLINE void *lookup_4(struct map *m, const void *key)
{
	return lookup_sized(m, key, 4);
}

static NOINLINE void *lookup_16(struct map *m, const void *key)
{
	return lookup_sized(m, key, 16);
}

static NOINLINE void *lookup_any(struct map *m, const void *key)
{
	return lookup_sized(m, key, m->key_size);
}

static void *hash_lookup(struct map *m, const void *key, u32 cpu)
{
	if (likely(m->key_size == 8))
		return lookup_sized(m, key, 8);
	return m->key_size == 4 ? lookup_4(m, key) :
	       m->key_size == 16 ? lookup_16(m, key) : lookup_any(m, key);
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

/* The same for who will write to the bucket and the element. */
static u32 find_own(struct map *m, struct place *at, const void *key)
{
	if (likely(m->key_size == 8))
		return find_sized(m, at, key, 8, true);
	return find_sized(m, at, key, m->key_size, true);
}

/* ---- locking --------------------------------------------------------------------- */

/* Until nobody changes the bucket: who does only needs a few stores. */
static NOINLINE void bucket_wait(const struct map *m, const struct bucket *first)
{
	u32 owner;

	for (u32 spins = 1; (owner = load_relaxed(&first->ver) & OWNER_MASK); spins++) {
		lock_pause(spins);
		if (m->share && spins % SHARE_LOOKS == 0)
			share_dead(m, owner);
	}
}

static INLINE bool lock(const struct map *m, const struct place *at)
{
	u64 was = at->ver & ~(u64)OWNER_MASK;

	if (likely(__atomic_compare_exchange_n(&at->first->ver, &was, was | m->owner, false,
					       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		return true;
	if (was & OWNER_MASK)
		bucket_wait(m, at->first);
	return false;
}

static INLINE void unlock(const struct place *at)
{
	store_release(&at->first->ver, (at->ver & ~(u64)OWNER_MASK) + (1u << OWNER_BITS));
	/* before the stores of who uses again what was unlinked */
	fence_release();
}

bool bucket_lock(const struct map *m, const struct place *at) { return lock(m, at); }
void bucket_unlock(const struct place *at) { unlock(at); }

/* The place of the first element in AT->first that may be the one, by its tag, or 0. */
static INLINE u32 guess(const struct map *m, struct place *at, u64 hash)
{
	struct bucket *b = at->first = at->b = first_bucket(m, hash);
	u32 match, e;

	prefetch_own(b);
	at->tag = hash_tag(hash);
	at->ver = load_acquire(&b->ver);
	match = bucket_match(b, at->tag);
	if (unlikely(!match))
		return 0;
	at->slot = (u32)__builtin_ctz(match);
	e = load_acquire(&b->elem[at->slot]);
	return likely(e < m->nr_elems) ? e : 0;
}

/* As guess() for KEY, and its lines are on their way. */
static INLINE u32 guess_own(const struct map *m, struct place *at, const void *key, u32 n)
{
	u32 e = guess(m, at, hash_key(m, key, n));

	if (likely(e))
		prefetch_own(elem_key(m, e));
	return e;
}

/* Locks the bucket of a guess, the element with the key WORDS; false: KEY may be there all
 * the same. */
static INLINE bool lock_guess(const struct map *m, const struct place *at, const u64 *words,
			      const void *key, u32 n)
{
	u64 first = word_of(key, n < 8 ? n : 8);

	if (unlikely(!lock(m, at)))
		return false;
	if (likely(load_relaxed(words) == first) &&
	    (n <= 8 || words_equal(words + 1, (const u8 *)key + 8, n - 8)))
		return true;
	store_release(&at->first->ver, at->ver & ~(u64)OWNER_MASK);
	return false;
}

static INLINE u32 lock_sized(struct map *m, struct place *at, const void *key, u32 n)
{
	u32 e = guess_own(m, at, key, n);

	return likely(e) && likely(lock_guess(m, at, elem_key(m, e), key, n)) ? e : 0;
}

/* The element with KEY, and its bucket is locked; or 0. */
static NOINLINE u32 lock_found(struct map *m, struct place *at, const void *key)
{
	u32 e = likely(m->key_size == 8) ? lock_sized(m, at, key, 8) :
					   lock_sized(m, at, key, m->key_size);

	while (!e && (e = find_own(m, at, key)))
		if (!bucket_lock(m, at))
			e = 0;
	return e;
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

static void *lru_lookup(struct map *m, const void *key, u32 cpu)
{
	struct place at;

	return lru_value(m, hash_find(m, &at, key), cpu);
}

/* For programs; one value is for all cpus. */
static INLINE void *lru_sized(struct map *m, const void *key, u32 n)
{
	struct place at;

	return lru_value(m, find_sized(m, &at, key, n, false), 0);
}

MAP_INLINED(lru_4, lru_sized(m, key, 4))
MAP_INLINED(lru_8, lru_sized(m, key, 8))
MAP_INLINED(lru_16, lru_sized(m, key, 16))
MAP_INLINED(lru_any, lru_sized(m, key, m->key_size))

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

/* ---- changing ------------------------------------------------------------------ */

static struct pool_mem overflow_mem(const struct map *m)
{
	return (struct pool_mem){ m->overflow, sizeof(struct bucket), m->nr_overflow };
}

/* Appends an empty overflow bucket to the chain that ends with B. */
static struct bucket *chain_grow(struct map *m, struct bucket *b)
{
	struct pool_mem mem = overflow_mem(m);
	u32 n = pool_get(&area_head(m)->overflow, &mem);
	struct bucket *next = n ? overflow_bucket(m, n) : NULL;

	if (!next)
		return NULL;
	store_relaxed(&next->next, 0);
	store_release(&b->next, n);
	return next;
}

/* The first free slot of the chain of AT. */
static bool chain_room(struct map *m, struct place *at)
{
	u32 free, hops = 0;

	at->b = at->first;
	while (unlikely(!(free = bucket_match(at->b, 0)))) {
		u32 n = load_relaxed(&at->b->next);
		struct bucket *next = n ? overflow_bucket(m, n) : chain_grow(m, at->b);

		if (!next || ++hops > m->nr_overflow)
			return false;
		at->b = next;
	}
	at->slot = (u32)__builtin_ctz(free);
	return true;
}

/* Cuts off what is empty at the chain's end: its first bucket's number, or 0.
 * Not in the middle: places in the order of a walk stay what they are. */
static u32 chain_trim(const struct map *m, struct bucket *b)
{
	struct bucket *last = b;
	u32 n, hops = 0;

	while ((n = load_relaxed(&b->next)) && (b = overflow_bucket(m, n)) &&
	       hops++ < m->nr_overflow)
		if (bucket_match(b, 0) != (1u << BUCKET_SLOTS) - 1)
			last = b;
	n = load_relaxed(&last->next);
	store_release(&last->next, 0);
	return n;
}

static void overflow_free(struct map *m, u32 n)
{
	struct pool_mem mem = overflow_mem(m);

	for (u32 hops = 0; n && n < m->nr_overflow && hops < m->nr_overflow; hops++) {
		u32 next = load_relaxed(&overflow_bucket(m, n)->next);

		pool_put(&area_head(m)->overflow, &mem, n);
		n = next;
	}
}

/* Takes E out of its bucket, which stays locked; overflow buckets to be freed. */
static u32 take_out(struct map *m, const struct place *at, u32 e)
{
	store_release(&at->b->tags[at->slot], 0);
	elem_mark(m, e, 0);
	return unlikely(at->b != at->first) ? chain_trim(m, at->first) : 0;
}

void bucket_unlink(struct map *m, const struct place *at, u32 e)
{
	u32 empty = take_out(m, at, e);

	bucket_unlock(at);
	overflow_free(m, empty);
}

/* The same, and E is free. It is before the bucket is unlocked: who adds an element
 * then finds one, as long as there are fewer than max_entries. What fields of values
 * hold must be given up first, which may take long. */
static void unlink_free(struct map *m, const struct place *at, u32 e, u32 cpu)
{
	u32 empty;

	if (unlikely(m->nr_fields)) {
		bucket_unlink(m, at, e);
		value_retire(m, elem_value(m, e, 0));
		elem_put(m, slot_of(m, cpu), e);
		return;
	}
	empty = take_out(m, at, e);
	elem_put(m, slot_of(m, cpu), e);
	bucket_unlock(at);
	overflow_free(m, empty);
}

/* ---- updates -------------------------------------------------------------------- */

/* A change on its way. */
struct change {
	const void *key, *value;
	u64 flags;
	u32 cpu;
	u32 extra;	/* the slot's, which becomes the key's */
	u32 fresh;	/* a free element, when it was wanted once */
	bool built;	/* the extra element has key and value */
	struct hash_slot *s;
	struct place at;
};

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
	static const u64 zero;

	for (u32 i = 0; cpu != MAP_USER && i < m->cpus; i++)
		for (u32 at = 0; i != cpu && at < m->value_stride; at += 8)
			words_set((u64 *)elem_value(m, e, i) + at / 8, &zero, 8);
	percpu_set(m, e, value, cpu);
}

/* Element E, which nobody sees yet, gets KEY and VALUE. */
static INLINE void elem_build(struct map *m, u32 e, const void *key, u32 n, const void *value,
			      u32 cpu)
{
	words_set(elem_key(m, e), key, n);
	if (unlikely(m->values))
		percpu_init(m, e, value, cpu);
	else if (unlikely(m->nr_fields))
		value_init(m, elem_value(m, e, cpu), value);
	else if (likely(m->value_size == 8))
		words_set(elem_value(m, e, cpu), value, 8);
	else
		words_set(elem_value(m, e, cpu), value, m->value_size);
}

static void change_build(struct map *m, struct change *c)
{
	if (!c->built)
		elem_build(m, c->extra, c->key, m->key_size, c->value, c->cpu);
	c->built = true;
}

/* Publishes E, the extra element of S, at the place AT of OLD, which is the next extra. The
 * bucket is locked, and it is unlocked here. MARKS are the map's. */
static INLINE void replace(struct hash_slot *s, const struct place *at, u32 e, u32 old, u8 *marks)
{
	if (unlikely(marks)) {
		store_relaxed(&marks[old], 0);
		store_relaxed(&marks[e], MARK_IN_USE | MARK_USED);
	}
	store_relaxed(&s->next_extra, old);
	store_release(&at->b->elem[at->slot], e);
	unlock(at);
	store_relaxed(&s->extra, old);
}

/* The values of per-cpu types are written in place, as in the kernel. The same otherwise. */
static int rewrite(struct map *m, const struct place *at, u32 old, const void *value, u32 cpu)
{
	elem_mark(m, old, MARK_IN_USE | MARK_USED);
	percpu_set(m, old, value, cpu);
	unlock(at);
	return 0;
}

static int change_old(struct map *m, struct change *c, u32 old)
{
	if (unlikely(c->flags & BPF_NOEXIST))
		return -EEXIST;
	if (unlikely(c->flags & BPF_F_LOCK)) {
		value_set_locked(m, elem_value(m, old, c->cpu), c->value, c->cpu);
		return 0;
	}
	if (!m->values)
		change_build(m, c);
	if (!bucket_lock(m, &c->at))
		return AGAIN;
	if (m->values)
		return rewrite(m, &c->at, old, c->value, c->cpu);
	replace(c->s, &c->at, c->extra, old, m->marks);
	value_retire(m, elem_value(m, old, 0));
	return 0;
}

/* An overwrite as most are. AGAIN: it may be none, or the place is not clear. What comes behind
 * the exchange waits for it, and another cpu for that: so nothing is left to look up. */
static INLINE int overwrite_sized(struct map *m, struct hash_slot *s, const void *key, u32 n,
				  const void *value, u32 cpu)
{
	u32 e = load_relaxed(&s->extra), old;
	bool fields = m->nr_fields;
	u8 *marks = m->marks;
	struct place at;

	old = guess_own(m, &at, key, n);
	if (unlikely(!old || !e || e >= m->nr_elems))
		return AGAIN;
	elem_build(m, e, key, n, value, cpu);
	if (unlikely(!lock_guess(m, &at, elem_key(m, old), key, n)))
		return AGAIN;
	replace(s, &at, e, old, marks);
	if (unlikely(fields))
		value_retire(m, elem_value(m, old, 0));
	return 0;
}

static NOINLINE int overwrite_any(struct map *m, struct hash_slot *s, const void *key,
				  const void *value, u32 cpu)
{
	struct place at;
	u32 old;

	if (!m->values)
		return overwrite_sized(m, s, key, m->key_size, value, cpu);
	old = lock_found(m, &at, key);
	return old ? rewrite(m, &at, old, value, cpu) : AGAIN;
}

static INLINE int overwrite(struct map *m, struct hash_slot *s, const void *key,
			    const void *value, u32 cpu)
{
	if (likely(m->key_size == 8) && likely(!m->values))
		return overwrite_sized(m, s, key, 8, value, cpu);
	return overwrite_any(m, s, key, value, cpu);
}

/* Publishes the extra element in the first free place; the next extra is
 * C->fresh. The bucket is locked, and it is unlocked here. */
static int publish(struct map *m, struct change *c)
{
	u32 e = c->extra;

	if (unlikely(!chain_room(m, &c->at))) {
		bucket_unlock(&c->at);
		return -ENOMEM;
	}
	elem_mark(m, e, MARK_IN_USE);
	store_relaxed(&c->s->next_extra, c->fresh);
	store_release(&c->at.b->elem[c->at.slot], e);
	store_release(&c->at.b->tags[c->at.slot], c->at.tag);
	bucket_unlock(&c->at);
	store_relaxed(&c->s->extra, c->fresh);
	c->fresh = 0;
	return 0;
}

/* Free elements are only taken while the bucket is locked, when it is sure that
 * they are needed: else a map that is nearly full would now and then be full. */
static int insert(struct map *m, struct change *c)
{
	if (unlikely(c->flags & BPF_EXIST))
		return -ENOENT;
	change_build(m, c);
	if (unlikely(!bucket_lock(m, &c->at)))
		return AGAIN;
	if (likely(!c->fresh))
		c->fresh = elem_get(m, c->s);
	if (likely(c->fresh))
		return publish(m, c);
	bucket_unlock(&c->at);
	if (!hash_is_lru(m->type))
		return -E2BIG;
	c->fresh = elem_evict(m, c->s);
	return c->fresh ? AGAIN : -ENOMEM;
}

static int change(struct map *m, struct change *c)
{
	u32 old;
	int r;

	c->extra = load_relaxed(&c->s->extra);
	if (unlikely(!c->extra || c->extra >= m->nr_elems)) {
		if (!elem_extra(m, c->s))
			return hash_is_lru(m->type) ? -ENOMEM : -E2BIG;
		c->extra = load_relaxed(&c->s->extra) % m->nr_elems;
	}
	do {
		old = find_own(m, &c->at, c->key);
		r = old ? change_old(m, c, old) : insert(m, c);
	} while (r == AGAIN);
	if (unlikely(c->fresh))
		elem_put(m, c->s, c->fresh);
	return r;
}

/* As S, whatever it takes. */
static NOINLINE int change_as(struct map *m, struct hash_slot *s, const void *key,
			      const void *value, u64 flags, u32 cpu)
{
	struct change c = { .key = key, .value = value, .flags = flags, .cpu = cpu, .s = s };
	int r = change(m, &c);

	slot_drop(m, s);
	return r;
}

static int hash_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct hash_slot *s;

	if (unlikely((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST ||
		     (flags & BPF_F_LOCK && !m->lock_at)))
		return -EINVAL;
	s = slot_take(m, cpu);
	if (unlikely(flags & (BPF_NOEXIST | BPF_F_LOCK)) ||
	    unlikely(overwrite(m, s, key, value, cpu) == AGAIN))
		return change_as(m, s, key, value, flags, cpu);
	slot_drop(m, s);
	return 0;
}

static int hash_remove(struct map *m, const void *key, u32 cpu)
{
	struct place at;
	u32 e = lock_found(m, &at, key);

	if (!e)
		return -ENOENT;
	unlink_free(m, &at, e, cpu);
	return 0;
}

/* What user space sees of the value of E. */
static void value_out(const struct map *m, u8 *value, u32 e, u32 cpu)
{
	if (!m->values)
		value_get(m, value, elem_value(m, e, cpu));
	for (u32 i = 0; m->values && i < m->cpus; i++)
		words_get(value + (u64)i * m->value_stride, elem_value(m, e, i), m->value_stride);
}

/* The value is taken in the same step as it goes. */
static int hash_take(struct map *m, const void *key, void *value, u32 cpu)
{
	struct place at;
	u32 e = lock_found(m, &at, key);

	if (!e)
		return -ENOENT;
	value_out(m, value, e, cpu);
	unlink_free(m, &at, e, cpu);
	return 0;
}

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

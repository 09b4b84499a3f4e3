/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.h: what the files of the hash types share: hash.c (looking), hash_change.c,
 * hash_elem.c (free elements, giving up), hash_walk.c. doc/maps.md has the
 * invariants that this layout keeps.
 */
#ifndef MAPS_HASH_H
#define MAPS_HASH_H

#include "maps/area.h"
#include <endian.h>
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#include <emmintrin.h>
#define HASH_SSE 1
#endif

#define INLINE inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

enum {
	BUCKET_SLOTS = 10,
	OWNER_BITS = 16, OWNER_MASK = (1 << OWNER_BITS) - 1,
	MARK_IN_USE = 1, MARK_USED = 2,
};

/* One line: what a lookup needs besides the element itself. */
struct bucket {
	/* of first buckets only: changes so far << OWNER_BITS | who changes it now,
	   0 = nobody */
	u64 ver;
	u8 tags[BUCKET_SLOTS];	/* 0 = free */
	u8 pad[2];
	u32 next;		/* number of an overflow bucket; 0 = none */
	u32 elem[BUCKET_SLOTS];
};
_Static_assert(sizeof(struct bucket) == AREA_LINE, "a bucket is a line");

/*
 * What a virtual cpu has of its own, and one more that the callers without cpu
 * share. Free elements are linked through their first word.
 */
struct hash_slot {
	u32 lock;	/* of top .. fresh_end: others may take some */
	u32 busy;	/* of the shared one: somebody changes the map as it */
	u32 extra;	/* the element that the next update fills; 0: none */
	u32 top, nr;	/* free elements, the newest first */
	u32 fresh, fresh_end;	/* elements that were never used */
	u32 hand;	/* with BPF_F_NO_COMMON_LRU: what is looked at next */
	u32 turn;	/* of the shared one, with that flag: whose is filled next */
	u32 next_extra;	/* what becomes extra when extra is published: extra itself,
			   but for that moment */
	u32 pad[6];
};
_Static_assert(sizeof(struct hash_slot) == AREA_LINE, "a slot is a line");

/* Where a key is, or would be. */
struct place {
	struct bucket *first, *b;
	u64 ver;		/* of FIRST, before looking */
	u32 slot;
	u8 tag;
};

/* ---- parts ------------------------------------------------------------------ */

static inline bool hash_is_lru(u32 type)
{
	return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static inline bool hash_is_percpu(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* Has each cpu elements of its own? */
static inline bool hash_own_lists(const struct map *m)
{
	return m->map_flags & BPF_F_NO_COMMON_LRU;
}

static inline struct hash_slot *hash_slot(const struct map *m, u32 i)
{
	return (struct hash_slot *)m->slots + i;
}

static inline u64 *elem_key(const struct map *m, u32 e)
{
	return (u64 *)(m->elems + e * m->elem_stride);
}

/* CPU only matters to per-cpu types. */
static inline void *elem_value(const struct map *m, u32 e, u32 cpu)
{
	if (unlikely(m->values))
		return m->values + cpu * m->cpu_step + (u64)e * m->value_stride;
	return (u8 *)elem_key(m, e) + round_up(m->key_size, 8);
}

static inline void elem_mark(struct map *m, u32 e, u8 mark)
{
	if (unlikely(m->marks))
		store_relaxed(&m->marks[e], mark);
}

static inline struct bucket *overflow_bucket(const struct map *m, u32 number)
{
	return number < m->nr_overflow ? (struct bucket *)m->overflow + number : NULL;
}

/* Exactly the bytes of V that are 0, one bit each. */
static inline u32 zero_bytes(u64 v)
{
	const u64 low = 0x7f7f7f7f7f7f7f7fu;
	u64 zero = ~(((v & low) + low) | v | low);

	return (u32)((zero >> 7) * 0x0102040810204080u >> 56);
}

/* The slots of B whose tag is TAG; 0 finds free ones. */
static INLINE u32 bucket_match(const struct bucket *b, u8 tag)
{
#ifdef HASH_SSE
	__m128i tags = _mm_loadu_si128((const __m128i *)b->tags);
	__m128i all = _mm_set1_epi32((int)(tag * 0x01010101u));
	u32 match = (u32)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, all));
#else
	u64 all = tag * 0x0101010101010101u;
	u32 match = zero_bytes(le64toh(load_acquire((const u64 *)b->tags)) ^ all) |
		    zero_bytes(le32toh(load_acquire((const u32 *)(b->tags + 8))) ^ all) << 8;
#endif
	return match & ((1u << BUCKET_SLOTS) - 1);
}

static inline bool same_version(u64 a, u64 b) { return !((a ^ b) >> OWNER_BITS); }

/* The bucket after AT->b, or NULL: the last one, or the version is another. */
static inline struct bucket *chain_next(const struct map *m, const struct place *at, u32 *hops)
{
	u32 number = load_acquire(&at->b->next);
	struct bucket *next;

	if (likely(!number))
		return NULL;
	next = overflow_bucket(m, number);
	fence_acquire();
	if (!next || ++*hops > m->nr_overflow)
		return NULL;
	return same_version(load_relaxed(&at->first->ver), at->ver) ? next : NULL;
}

/* ---- keys ------------------------------------------------------------------- */

/* Mixes: both halves of a product with an odd constant. */
static inline u64 halves(u64 v)
{
	unsigned __int128 p = (unsigned __int128)v * 0xd6e8feb86659fd93u;

	return (u64)p ^ (u64)(p >> 64);
}

static inline u64 fold(u64 v) { return halves(v ^ HASH_SALT); }

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

/* Of a key of one word, or its first. */
static INLINE u64 hash_word(const struct map *m, u64 word) { return halves(m->salted ^ word); }

/* N is the key's size, here and below: constant where it matters. */
static INLINE u64 hash_key(const struct map *m, const void *key, u32 n)
{
	const u8 *p = key;
	u64 hash;

	if (__builtin_constant_p(n) && n == 16)
		return fold(hash_word(m, word_of_two(p)) ^ word_of_two(p + 8));
	if (__builtin_constant_p(n) && n == 8)
		return hash_word(m, word_of_two(p));
	hash = m->seed;
	for (; n > 8; n -= 8, p += 8)
		hash = fold(hash ^ word_of(p, 8));
	return fold(hash ^ word_of(p, n));
}

/* Bucket numbers come from the lower half of a hash, tags from the top. */
static inline struct bucket *first_bucket(const struct map *m, u64 hash)
{
	return (struct bucket *)m->index + ((u64)(u32)hash * m->nr_index >> 32);
}

static inline u8 hash_tag(u64 hash)
{
	u32 tag = (u32)(hash >> 56);

	return (u8)(tag + !tag);
}

/* ---- hash.c ------------------------------------------------------------------ */

/* The element with KEY, or 0, and where it is. */
u32 hash_find(struct map *m, struct place *at, const void *key);
/* Where element E is, by the key that it has; false when it is not there. */
bool hash_place(const struct map *m, struct place *at, u32 e);
/* Somebody will ask for that soon. */
void hash_prefetch(const struct map *m, u32 e);
/* As hash_find() for who will write to the bucket and the element. */
u32 hash_find_own(struct map *m, struct place *at, const void *key);

/* ---- hash_change.c -------------------------------------------------------------- */

s64 hash_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu);
int hash_remove(struct map *m, const void *key, u32 cpu);
/* The value is taken in the same step as it goes. */
int hash_take(struct map *m, const void *key, void *value, u32 cpu);
/* Locks the bucket of AT; false when it is not as AT says any more. */
bool bucket_lock(const struct map *m, const struct place *at);
/* What was unlinked since bucket_lock() may be reused from here on. */
void bucket_unlock(const struct place *at);
/* Takes element E out of the place AT. The bucket is locked. */
void bucket_unlink(struct map *m, const struct place *at, u32 e);

/* ---- hash_elem.c ------------------------------------------------------------- */

/* For attributes: elements of each cpu with BPF_F_NO_COMMON_LRU; all of them. */
u64 elem_share(u32 max_entries, u32 cpus);
u64 elem_count(const struct map_attr *a, u32 cpus);
/* Gives slots their first elements. */
void elem_format(struct map *m);
struct hash_slot *slot_take_shared(struct map *m);
/* The slot of CPU; that of all without a cpu is locked until it is given back. */
static inline struct hash_slot *slot_take(struct map *m, u32 cpu)
{
	return likely(cpu < m->cpus) ? hash_slot(m, cpu) : slot_take_shared(m);
}
static inline void slot_drop(struct map *m, struct hash_slot *s)
{
	if (unlikely(s == hash_slot(m, m->cpus)))
		lock_drop(&s->busy);
}
/* The slot of CPU for elem_put() only. */
static inline struct hash_slot *slot_of(const struct map *m, u32 cpu)
{
	return hash_slot(m, cpu < m->cpus ? cpu : m->cpus);
}
/* A free element for S, or 0. */
u32 elem_get(struct map *m, struct hash_slot *s);
/* Of LRU types: one that was given up for S, or 0. No bucket is locked. */
u32 elem_evict(struct map *m, struct hash_slot *s);
/* Whose E is with BPF_F_NO_COMMON_LRU. */
struct hash_slot *elem_home(const struct map *m, u32 e);
/* E, which nothing leads to any more. */
void elem_put(struct map *m, struct hash_slot *s, u32 e);
/* Gives S an extra element, which it has none of after a death; false: none is free. */
bool elem_extra(struct map *m, struct hash_slot *s);
/* Elements in use. */
u64 elem_used(const struct map *m);

/* ---- hash_mend.c: after somebody died in a shared map --------------------------- */

void hash_bury(struct map *m, u32 owner);
void hash_adopt(struct map *m, u32 cpu);
void hash_sweep(struct map *m);

/* ---- hash_walk.c --------------------------------------------------------------- */

bool hash_walk(struct map *m, u64 *pos, void *key, void **value, u32 cpu);
int hash_next_key(struct map *m, const void *key, void *next);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * area.h: what the map types share: the head of the flat area, pools of
 * numbered objects, locks, and copies that other threads may watch. All words
 * in an area that several threads touch go through the atomics below; no lock
 * is ever taken by a lookup.
 */
#ifndef MAPS_AREA_H
#define MAPS_AREA_H

#include "maps/map.h"

enum { AREA_MAGIC = 0x70656b73, AREA_VERSION = 1, AREA_LINE = 64,
       AREA_PAGE = 4096 };

enum { TIMER_BYTES = 16 };		/* of a struct bpf_timer, or bpf_wq */
enum { PERCPU_VALUE_MAX = 32768 };	/* bytes of a value of one cpu */

#define HASH_SALT 0x9e3779b97f4a7c15u	/* of each word that a hash table mixes */
#define AREA_TOO_BIG (1ull << 40)	/* bytes that no map may reach */

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
/* Loads before it happen before loads after it; no instruction on x86. */
#define fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
/* Stores before it are seen before stores after it; the same. */
#define fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)

/* Somebody will write to the line at P: fetched in one go, also from the cpu
 * that wrote to it last. Compilers would only fetch it for reading. */
static inline void prefetch_own(const void *p)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/*
 * A pool of objects with numbers 1..nr-1: a stack of free ones, linked through
 * their first word, above a mark below which every number was used once, so
 * that a new map touches no element. The tag changes with every pop (ABA).
 */
struct pool {
	u64 top;	/* tag << 32 | number; 0 number = empty */
	u32 fresh;	/* numbers handed out so far */
	u32 pad;
};

/* Where a pool's objects lie; BASE is the place of number 0. */
struct pool_mem {
	u8 *base;
	u64 stride;
	u32 nr;
};

/* The first AREA_LINE * 4 bytes of every area. */
struct area_head {
	u32 magic, version, type, key_size;
	u32 value_size, max_entries, map_flags, cpus;
	u64 map_extra, bytes;
	u64 seed;
	u32 lock;	/* of types that need one only */
	u32 ver;	/* grows whenever such a type frees an element */
	u32 root;
	u32 hand;	/* of LRU types: the element looked at next */
	u8 pad[AREA_LINE * 2 - 80];
	u32 count __attribute__((aligned(AREA_LINE)));	/* elements in it */
	struct pool elems __attribute__((aligned(AREA_LINE)));
	struct pool overflow;
};
_Static_assert(sizeof(struct area_head) == 4 * AREA_LINE, "head of an area");

static inline struct area_head *area_head(const struct map *m)
{
	return (struct area_head *)m->mem;
}

/* A free number, or 0. */
u32 pool_get(struct pool *p, const struct pool_mem *mem);
void pool_put(struct pool *p, const struct pool_mem *mem, u32 number);

/* A spin lock in a value. OWNER is any number but 0: the cpu slot + 1, ~0 for user
 * space. */
void lock_take_slow(u32 *word, u32 owner);
/* Between two looks at a lock, the SPINS-th, from 1. */
void lock_pause(u32 spins);
static inline u32 lock_owner(u32 cpu) { return cpu == MAP_USER ? cpu : cpu + 1; }

static inline bool lock_try(u32 *word, u32 owner)
{
	u32 none = 0;

	return __atomic_compare_exchange_n(word, &none, owner, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void lock_take(u32 *word, u32 owner)
{
	if (unlikely(!lock_try(word, owner)))
		lock_take_slow(word, owner);
}

static inline void lock_drop(u32 *word) { store_release(word, 0); }

/* A lock of M's area; a shared map's is taken over from who died with it. */
void area_lock_slow(const struct map *m, u32 *word);
static inline void area_lock(const struct map *m, u32 *word)
{
	if (unlikely(!lock_try(word, m->owner)))
		area_lock_slow(m, word);
}

/* One more element, unless MAX are there. */
bool count_take(u32 *count, u32 max);
void count_drop(u32 *count);

/* ---- files (share.c, share_member.c) ---------------------------------------- */

enum { SHARE_LOOKS = 1024 };	/* at a lock, from one question about its owner to the next */

const struct map_ops *map_ops_of(u32 type);	/* or NULL */
/* A map of attributes that passed check in memory MEM of its size. */
struct map *map_place(const struct map_attr *a, u32 cpus, u8 *mem, u64 seed);
void share_close(struct map *m);	/* of a map with m->share */
bool share_torn(const struct map *m);
bool share_frozen(const struct map *m);
void share_freeze(struct map *m);
/* MEMBER has a lock that somebody waits for: is it dead, what it held is given back. */
void share_dead(const struct map *m, u32 member);
bool share_is_dead(const struct map *m, u32 member);	/* of a map without file: false */

/* ---- counts (count.c) ------------------------------------------------------- */

void map_counts_free(struct map *m);	/* of a map that is in no file */
void map_counts_keep(struct map *m, keep_fn keep, void *arg);

/* ---- bytes ---------------------------------------------------------------- */

/* Where byte I of a word's memory stands when SIZE bytes are loaded there. */
static inline u32 byte_shift(u32 i, u32 size)
{
	return 8 * (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : 8 - i - size);
}

/* 1..8 bytes as one word in memory order, the rest 0. Put together without a
 * detour through memory, where a wide load would wait for narrow stores. */
static inline __attribute__((always_inline)) u64
word_of(const u8 *p, u32 n)
{
	u64 v = 0;
	u32 half, i = 0;
	u16 quarter;

	if (n == 8) {
		memcpy(&v, p, 8);
		return v;
	}
	if (n & 4) {
		memcpy(&half, p, 4);
		v = (u64)half << byte_shift(0, 4);
		i = 4;
	}
	if (n & 2) {
		memcpy(&quarter, p + i, 2);
		v |= (u64)quarter << byte_shift(i, 2);
		i += 2;
	}
	if (n & 1)
		v |= (u64)p[i] << byte_shift(i, 1);
	return v;
}

/* N bytes of SRC to words, padded with zeroes to whole ones. */
static inline void words_set(u64 *dst, const void *src, u32 n)
{
	const u8 *p = src;

	for (; n > 8; n -= 8, p += 8)
		store_relaxed(dst++, word_of(p, 8));
	store_relaxed(dst, word_of(p, n));
}

static inline __attribute__((always_inline)) bool
words_equal(const u64 *words, const void *bytes, u32 n)
{
	const u8 *p = bytes;

	for (; n > 8; n -= 8, p += 8)
		if (load_relaxed(words++) != word_of(p, 8))
			return false;
	return load_relaxed(words) == word_of(p, n);
}

/* N bytes from words that others may write meanwhile. */
void words_get(void *dst, const u64 *src, u32 n);

/*
 * Values: a copy into an element leaves its spin lock and timer alone, a copy
 * out shows them as 0, as in the kernel. value_init is for an element not yet published.
 */
void value_init(const struct map *m, void *elem, const void *value);
void value_set(const struct map *m, void *elem, const void *value);
/* The same while holding the element's own spin lock (BPF_F_LOCK). */
void value_set_locked(const struct map *m, void *elem, const void *value, u32 cpu);
/* Of an element that is no more, or overwritten: its timer is cancelled. */
void value_retire(const struct map *m, void *elem);
void value_get(const struct map *m, void *value, const void *elem);

/* ---- for check() ----------------------------------------------------------- */

/* Refuses ATTR: "TYPE map 'NAME': TEXT (ERRNO)". */
int attr_refuse(const struct map_attr *a, struct skep_err *err,
		const char *errno_name, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Flags of MASK only, no contradiction among them, no map_extra. */
int attr_flags(const struct map_attr *a, u32 mask, struct skep_err *err);
/* What every type wants: sizes and entries that are not 0, flags of MASK and
 * no contradiction among them. */
int attr_check(const struct map_attr *a, u32 flags_mask, struct skep_err *err);
/* What types of 4-byte slots by index want, attr_check included. */
int attr_slots(const struct map_attr *a, u32 flags_mask, struct skep_err *err);
/* What types of values without keys want, attr_flags included. */
int attr_keyless(const struct map_attr *a, u32 flags_mask, struct skep_err *err);

/* ---- arenas (arena.c) ------------------------------------------------------ */

void arena_keep(struct map *m, keep_fn keep, void *arg);

/* ---- maps of maps (inner.c) -------------------------------------------------- */

/* For check(): is there an inner map, and may it be one? */
int inner_check(const struct map_attr *a, struct skep_err *err);
/* May map NUMBER be a value of M? -EBADF, -EINVAL. */
int inner_fits(const struct map *m, u32 number);
/* M has one map more, or gives it up: no number is -1. */
void inner_hold(const struct map *m, s64 number);
void inner_drop(const struct map *m, s64 number);
void inner_drop_all(struct map *m);
/* The map NUMBER for a program, which may use it from now on. */
void *inner_lend(const struct map *m, u32 number);

extern const struct map_ops array_ops, percpu_array_ops, hash_ops, percpu_hash_ops,
	lru_hash_ops, lru_percpu_hash_ops, lpm_ops, prog_array_ops,
	cgroup_array_ops, array_of_maps_ops, hash_of_maps_ops, queue_ops,
	stack_ops, bloom_ops, devmap_ops, devmap_hash_ops, cpumap_ops, xskmap_ops,
	ringbuf_ops, user_ringbuf_ops, perf_event_array_ops,
	sockmap_ops, sockhash_ops, reuseport_array_ops, sk_storage_ops, task_storage_ops,
	inode_storage_ops, stack_trace_ops, arena_ops, cgrp_storage_ops, cgroup_storage_ops,
	percpu_cgroup_storage_ops, struct_ops_ops;

#endif

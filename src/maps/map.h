/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.h: maps of the embedded engine. One file per map type fills a struct
 * map_ops; semantics, flags and errno are the kernel's (6.18).
 *
 * A map is one flat, position-independent area (mem): header, index, elements,
 * free list, all linked by element numbers, never by addresses, so that the
 * same layout works on the heap and in a file shared by processes. Elements
 * are never unmapped while the map lives: a pointer from a lookup stays
 * memory-safe. An update builds a new element and publishes it by one store;
 * the old one keeps its value until it is reused.
 */
#ifndef MAPS_MAP_H
#define MAPS_MAP_H

#include "base/err.h"
#include "base/keep.h"
#include "model/event.h"
#include "model/mapmem.h"
#include "model/tables.h"
#include <linux/bpf.h>

struct map;
struct share;
struct sock;
struct objects;

/* Whose value it is in a storage. */
struct map_owner {
	u64 id, more;
};

struct map_attr {
	const char *name;
	u32 type, key_size, value_size, max_entries, map_flags;
	u64 map_extra;
	u64 seed;	/* of hashes; 0 = one that nobody can guess */
	u32 lock_at;	/* 1 + offset of a struct bpf_spin_lock in the value; 0 none */
	u32 timer_at;	/* the same of a struct bpf_timer */
	u32 work_at;	/* the same of a struct bpf_wq */
	u32 kptrs[MAP_KPTRS_MAX];	/* offsets of pointers to objects */
	u32 kptr_types[MAP_KPTRS_MAX];	/* equal numbers for equal types */
	u32 nr_kptrs;
	/* An element with an object is gone: its address. */
	void (*kptr_gone)(void *arg, u64 object);
	struct objects *const *objects;	/* those that it is one of: ARG */
	/* An element with a timer or work that is not 0 is gone: its first 8 bytes. */
	void (*timer_gone)(void *arg, u64 handle);
	void *timer_arg;
	/* Of maps of maps: what every inner map must be like, and the map of
	   number ID, NULL = none. */
	const struct map_attr *inner;
	struct map *(*inner_of)(void *arg, u32 id);
	/* Map ID is in so many (BY: 1 or -1) more places; NULL: nobody counts. One
	   that is in none may go when no program runs that could have it. */
	void (*inner_held)(void *arg, u32 id, int by);
	void *inner_arg;
	/* Of maps of sockets: the socket of number N, NULL = none. */
	struct sock *(*sock_of)(void *arg, u32 n);
	void *sock_arg;
	/* Of storages: whom NUMBER, a key of user space, names: 0 or -errno. Is O still
	   there? NULL: numbers are all that there is to owners, and live for ever. */
	int (*owner_of)(void *arg, u32 type, u32 number, struct map_owner *o);
	bool (*owner_lives)(void *arg, u32 type, const struct map_owner *o);
	void *owner_arg;
};

struct map_ops {
	u32 type;
	bool ring;	/* the area is a page and max_entries bytes, mapped twice */
	bool shares;	/* may be in a file that processes share (share.h) */
	/* Refuses attributes as the kernel would: fills ERR_MAP_ATTR, whose
	   text gives the kernel's errno name. */
	int (*check)(const struct map_attr *a, struct skep_err *err);
	/* Bytes of the area for attributes that passed check; UINT64_MAX = too big */
	u64 (*bytes)(const struct map_attr *a, u32 cpus);
	/* Bytes at its start that random keys are spread over; NULL: none. */
	u64 (*dense)(const struct map_attr *a, u32 cpus);
	void (*init)(struct map *m);	/* finds the parts of mem */
	/* Writes to a new area, whose head is filled, what is not 0 in it; or NULL */
	void (*format)(struct map *m);
	/* What a map has besides its area, or NULL; errors as of map_create. */
	int (*open)(struct map *m, const struct map_attr *a, u32 cpus, struct skep_err *err);
	void (*close)(struct map *m);
	struct map_mem (*values)(const struct map *m);
	/* How lookups are compiled into programs; NULL: as calls of the helper. */
	void (*inlined)(const struct map *m, struct map_inline *out);
	/* CPU is the caller's slot, below m->cpus, or MAP_USER; a per-cpu map
	   gives that slot's value. */
	void *(*lookup)(struct map *m, const void *key, u32 cpu);
	/* 0 or -errno, in all 64 bits: the helper is nothing but this. */
	s64 (*update)(struct map *m, const void *key, const void *value, u64 flags, u32 cpu);
	int (*remove)(struct map *m, const void *key, u32 cpu);
	/* Looks for user space, without counting as a use; NULL: lookup does. */
	void *(*peek_at)(struct map *m, const void *key, u32 cpu);
	/* Removes KEY, and VALUE gets what it had, as user space sees it; NULL:
	   not for this type. */
	int (*take)(struct map *m, const void *key, void *value, u32 cpu);
	/* The element at or after the position *POS (0 = start), which moves
	   behind it; KEY gets key_size bytes. False at the end. Elements that
	   stay in the map during a walk are met once. NULL: cannot walk.
	   VALUE is that of slot CPU, of slot 0 for MAP_USER. */
	bool (*walk)(struct map *m, u64 *pos, void *key, void **value, u32 cpu);
	/* NEXT after KEY in the kernel's order; KEY NULL or absent = the first;
	   -ENOENT at the end. */
	int (*next_key)(struct map *m, const void *key, void *next);
	u64 (*count)(const struct map *m);	/* elements now in it */
	/* Of arrays only: elements [*FROM, *TO) are the next at or after *FROM
	   that may be other than 0; false when there are none. */
	bool (*touched)(const struct map *m, u64 *from, u64 *to);
	/* Types without keys only (queues, bloom filters): push adds a value;
	   pop and peek give one, or -ENOENT. nth gives the value that pop would
	   after N others, false when there is none; may be NULL. */
	int (*push)(struct map *m, const void *value, u64 flags, u32 cpu);
	int (*pop)(struct map *m, void *value, u32 cpu);
	int (*peek)(struct map *m, void *value, u32 cpu);
	bool (*nth)(struct map *m, u64 n, void *value);
	/* Types that records are read from only: gives FN all that are complete,
	   in order, and frees them; how many. One reader at a time. */
	s64 (*read)(struct map *m, map_event_fn fn, void *arg);
	/* Types that user space puts samples into: 0, -E2BIG, -ENOSPC. */
	int (*write)(struct map *m, const void *data, u64 bytes);
	u64 (*lost)(const struct map *m);	/* records that found no room */
	/* Of shared maps; each may be NULL, and may be done again. Member OWNER is dead:
	   gives back its locks but the head's. */
	void (*bury)(struct map *m, u32 owner);
	/* The same for the head's lock, which the caller has taken over. */
	void (*mend)(struct map *m);
	/* Slot CPU is to be somebody else's. */
	void (*adopt)(struct map *m, u32 cpu);
	/* Somebody died in it and nobody else has it open: finds all that was lost. */
	void (*sweep)(struct map *m);
};

enum { MAP_USER = ~0u };	/* a caller without a cpu slot */
enum { KERNEL_ENOTSUPP = 524 };	/* no libc has its name */

/* How often, of who has one cpu, or of all that have none; a line of its own. */
struct map_counts {
	u64 lookups, hits, updates, deletes;
} __attribute__((aligned(64)));

struct map {
	const struct map_ops *ops;
	const u32 *watched;		/* not 0: operations are counted */
	/* ops->lookup, or the same for keys of this size only: for programs */
	void *(*look)(struct map *m, const void *key, u32 cpu);
	struct map_counts *counts;	/* [cpus + 1]; NULL: nobody has watched */
	u32 watched_here;
	const struct maptype_row *row;
	const char *name;		/* owned */
	u32 type, key_size, value_size, max_entries, map_flags;
	u64 map_extra;
	u32 cpus;			/* slots of per-cpu values */
	u32 value_stride;		/* value_size rounded up to 8 */
	bool frozen;			/* no writes from outside programs */
	bool mapped;			/* user space has the elements: map_memory() */
	bool variables;			/* of an object: user space may have them, too */
	bool socks;			/* map_holds_socks() */
	bool lent;			/* a program got it from a map of maps */
	bool plain;			/* of hash tables: elements are words, without more */
	u32 owner;			/* what its locks name; a shared map's member */
	struct share *share;		/* NULL: it is in no file */
	u8 *mem;			/* the flat area */
	u64 mem_bytes;
	u32 lock_at, timer_at, work_at;	/* as in struct map_attr */
	u32 kptrs[MAP_KPTRS_MAX], kptr_types[MAP_KPTRS_MAX], nr_kptrs;
	void (*kptr_gone)(void *arg, u64 object);
	struct objects *const *objects;
	/* the same by their places in the value, which copies leave alone */
	struct { u32 at, bytes; } fields[MAP_KPTRS_MAX + 3];
	u32 nr_fields;
	void (*timer_gone)(void *arg, u64 handle);
	void *timer_arg;
	/* Private to src/maps: places in mem and bounds against which every
	   number read from it is checked. */
	u8 *elems;			/* element 0 */
	u64 elem_stride;
	u32 nr_elems;
	u32 index_mask;
	u32 nr_index, nr_overflow;
	void *index, *overflow, *slots;
	u64 seed;			/* of hashes */
	u64 salted;			/* of hash tables: the same, mixed already */
	u8 *marks, *values;
	u64 cpu_step;
	struct map_attr inner;		/* of maps of maps: the template */
	struct map *(*inner_of)(void *arg, u32 id);
	void (*inner_held)(void *arg, u32 id, int by);
	void *inner_arg;
	struct sock *(*sock_of)(void *arg, u32 n);	/* of maps of sockets */
	void *sock_arg;
	struct map *store;		/* of storages: owner to value */
	u8 *window;			/* of arenas: 4 GiB that its pages are in */
	int (*owner_of)(void *arg, u32 type, u32 number, struct map_owner *o);
	bool (*owner_lives)(void *arg, u32 type, const struct map_owner *o);
	void *owner_arg;
};

/* Would the kernel take the definition? Of types that only it has, too. Errors:
 * MAP_TYPE (no such type), MAP_ATTR. */
int map_check(const struct map_attr *attr, struct skep_err *err);
/* Creates a map; memory is committed as it is touched. Errors: MAP_TYPE,
 * MAP_ATTR, MAP_SIZE. */
int map_create(struct map **out, const struct map_attr *attr, u32 cpus,
	       struct skep_err *err);
/* What its elements hold is given up: timers, inner maps. */
void map_free(struct map *m);
/* Tells what programs change of a map that is in no file (base/keep.h). */
void map_keep(struct map *m, keep_fn keep, void *arg);

/* ---- the program's side (helpers) --------------------------------------- */
/* ops->lookup, update, remove as they are; lookup for another slot's value: */

/* The key of the element that VALUE is in, when keys lie before values (hash
 * tables) or are indexes; gets m->key_size bytes. */
void map_value_key(const struct map *m, const void *value, void *key);
/* NULL when CPU is no slot or the map is not per cpu. */
void *map_lookup_cpu(struct map *m, const void *key, u32 cpu);
/* A struct bpf_spin_lock inside a value; CPU names the holder. */
void map_spin_lock(void *lock, u32 cpu);
void map_spin_unlock(void *lock);

/* ---- counts (count.c): kept while somebody watches ------------------------------ */

static inline bool map_watched(const struct map *m)
{
	return unlikely(__atomic_load_n(m->watched, __ATOMIC_RELAXED));
}

enum map_did { MAP_MISSED, MAP_FOUND, MAP_UPDATED, MAP_DELETED };
/* Of a map that is watched: an operation; a lookup, which it does. */
void map_count(struct map *m, u32 cpu, enum map_did did);
void *map_count_lookup(struct map *m, const void *key, u32 cpu);
/* Defines what compiled programs call for a lookup of M by KEY: VALUE, counted. */
#define MAP_INLINED(name, value) \
	__attribute__((noinline)) \
	static void *name(struct map *m, const void *key, u64 r3 UNUSED, u64 r4 UNUSED, \
			  u64 r5 UNUSED, struct run *run) \
	{ \
		if (map_watched(m)) \
			return map_count_lookup(m, key, run->cpu); \
		return value; \
	}
/* From now on, or no longer; a shared map is watched as long as a process does. Array
 * lookups that are compiled into programs are not seen. */
int map_watch(struct map *m, bool on);
void map_counts(const struct map *m, struct map_counts *out);

/* ---- the user's side (bpf(2) semantics) ---------------------------------- */

/* Bytes of a value as user space sees it: value_size, or cpus * value_stride
 * for per-cpu maps. */
u64 map_user_value_bytes(const struct map *m);
/* For types without keys KEY is not looked at: lookup peeks (into a bloom
 * filter: for VALUE), update pushes, take pops. Values of maps of maps are
 * numbers of maps.
 * 0 or the kernel's -errno: -ENOENT, -E2BIG, -EEXIST, -EINVAL, -EPERM ... */
int map_user_lookup(struct map *m, const void *key, void *value, u64 flags);
int map_user_update(struct map *m, const void *key, const void *value, u64 flags);
int map_user_delete(struct map *m, const void *key);
/* Looks up and deletes in one step; -ENOTSUPP for types that cannot. */
int map_user_take(struct map *m, const void *key, void *value, u64 flags);
int map_user_next_key(struct map *m, const void *key, void *next);
/*
 * Many elements at once. Reading: up to *N from the place FROM on (NULL: the start); *N is
 * how many, and TO the place where the next call goes on: key_size bytes, at least 8, which
 * may be FROM's own. With TAKE they are deleted. -ENOENT behind the last.
 * Writing, deleting: after an error *N is how many were done. -ENOTSUPP for types whose
 * elements go one by one.
 */
int map_user_read_batch(struct map *m, const void *from, void *to, void *keys, void *values,
			u32 *n, u64 flags, bool take);
int map_user_write_batch(struct map *m, const void *keys, const void *values, u32 *n,
			 u64 flags);
int map_user_delete_batch(struct map *m, const void *keys, u32 *n, u64 flags);
/* -EPERM when user space may not write to it, or it is frozen already; -EBUSY when
 * it could all the same, through map_memory(). */
int map_freeze(struct map *m);
bool map_is_frozen(const struct map *m);
/* All elements of an array with BPF_F_MMAPABLE, or of variables, that is not frozen; NULL
 * of others. */
void *map_memory(struct map *m, size_t *bytes);

/* ---- ring buffers and perf event arrays -------------------------------------- */

/* BYTES of a ring buffer for a record that ring_commit() ends, or NULL. */
void *ring_reserve(struct map *m, u64 bytes, u32 cpu);
/* DATA came from ring_reserve(); a discarded record is skipped by the reader. */
void ring_commit(void *data, bool discard);
/* Is RECORD one of M's? And has the reader read all that is before it? */
bool ring_has(const struct map *m, const void *record);
bool ring_is_next(const struct map *m, const void *record);
u64 ring_query(const struct map *m, u64 what);	/* BPF_RB_* */
/*
 * Of a shared one: wakes a reader that sleeps. Whoever will sleep says so by ring_watch(),
 * looks for records once more, then sleeps, giving what that gave, for at most MS.
 */
void ring_wake(struct map *m);
u32 ring_watch(struct map *m);
void ring_sleep(const struct map *m, u32 seen, u32 ms);
/*
 * Samples that user space puts into a user ring buffer: 0, -E2BIG, -ENOSPC. The
 * reader locks it (false: somebody has), looks at the next sample and releases
 * it: -ENODATA none, -EAGAIN one that was discarded is passed, -EINVAL, -E2BIG
 * what lies there is no sample.
 */
int user_ring_write(struct map *m, const void *data, u64 bytes);
bool user_ring_lock(struct map *m, u32 cpu);
void user_ring_unlock(struct map *m);
int user_ring_peek(struct map *m, void **data, u32 *bytes);
void user_ring_release(struct map *m, u32 bytes);
/* A record of BYTES at DATA and MORE_BYTES at MORE for slot INDEX, which must
 * be CPU's own, or BPF_F_CURRENT_CPU: 0, -E2BIG, -ENOENT, -EOPNOTSUPP, -ENOSPC. */
int perf_output(struct map *m, u64 index, const void *data, u64 bytes,
		const void *more, u64 more_bytes, u32 cpu);

/* ---- storages (storage.c) ------------------------------------------------------ */

/* Is TYPE one of values that sockets, tasks, inodes or cgroups have? */
bool map_is_local(u32 type);
/* The value of O, made when CREATE says so: as INIT, or zeroes. NULL: there is none. */
void *map_owner_value(struct map *m, const struct map_owner *o, const void *init, bool create,
		      u32 cpu);
int map_owner_remove(struct map *m, const struct map_owner *o, u32 cpu);
/* Whether user space's KEY names an owner: 0 or -errno. */
int map_owner_known(const struct map *m, const void *key);

/* ---- arenas (arena.c) ---------------------------------------------------------------- */

/* PAGES for programs at ADDR, or anywhere when it is 0: their address, or 0. The lower half
 * of addresses counts. Giving them back; setting aside what nobody shall get: 0, -EINVAL,
 * -EBUSY. */
u64 map_arena_take(struct map *m, u64 addr, u32 pages);
void map_arena_drop(struct map *m, u64 addr, u32 pages);
int map_arena_reserve(struct map *m, u64 addr, u32 pages);
/* Is the page of ADDR one that programs may read and write? */
bool map_arena_there(struct map *m, u64 addr);
/* A byte for each page of the window, and 16 before and after it: not 0 when it is known to
 * be there. Programs that find 0 ask map_arena_there(). */
const u8 *map_arena_known(const struct map *m);

/* ---- stack traces ------------------------------------------------------------- */

/* The number of the chain of BYTES, at most value_size: or -EEXIST, -ENOMEM. FLAGS: BPF_F_*. */
s64 map_stack_put(struct map *m, const void *chain, u32 bytes, u64 flags);
int map_stack_read(struct map *m, const void *key, void *value, bool take);

/* ---- arrays of programs, cgroups and maps ---------------------------------- */

/* The number in slot INDEX, or -1: empty or out of range. Values of updates
 * are such numbers (u32, below 2^32 - 1). */
s64 map_fd_slot(const struct map *m, u32 index);
/* The id of the cgroup in slot INDEX of a CGROUP_ARRAY; 0 empty, -1 out of range. */
s64 map_cgroup_slot(const struct map *m, u32 index);
/* Is TYPE one whose values are maps? */
bool map_holds_maps(u32 type);

/* ---- maps of sockets ------------------------------------------------------------- */

/* Is TYPE one whose values are sockets? ops->lookup gives a struct sock. */
bool map_holds_socks(u32 type);
/* What user space reads at KEY: 0, -ENOENT, -ENOSPC. */
int map_sock_cookie(struct map *m, const void *key, void *value);
/* A program puts S, one of the map's sock_of(), at KEY. */
int map_sock_put(struct map *m, const void *key, struct sock *s, u64 flags);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend.h: an engine as the layers above see it: the embedded runtime now,
 * the Linux kernel later. Maps and programs are numbered per backend, from 0,
 * in order of creation. Element calls give 0 or the kernel's -errno.
 */
#ifndef MODEL_BACKEND_H
#define MODEL_BACKEND_H

#include "model/event.h"
#include "model/image.h"
#include <stdlib.h>

/* A packet that a program sent somewhere besides answering: bpf_clone_redirect,
 * the devices of a broadcast; or what came of it in a second program. */
struct test_copy {
	u32 verdict;		/* XDP_REDIRECT: to ifindex; XDP_PASS: to the network
				   stack; others: it ended in the second program */
	u32 ifindex;
	u8 *data;
	u32 bytes;
};

struct skb_owner;		/* run.h */

/* One execution on given input, after BPF_PROG_TEST_RUN. */
struct test_run {
	/* in */
	const u8 *data;		/* packet */
	u32 bytes;
	u32 ifindex, rx_queue;
	u32 repeat;		/* executions; 0 = 1. Each finds the context as the one
				   before left it */
	u64 budget;		/* instructions an execution may take; 0: a million, of
				   verified programs 2^32, which count jumps back and
				   calls alone (vm.h) */
	u64 now_ns;		/* what a virtual clock shows; it never goes back */
	bool at_mac;		/* a socket filter's packet begins with its Ethernet
				   header, as packet sockets show it */
	const struct skb_owner *owner;	/* of programs on struct __sk_buff; NULL: a
				   socket and a name space of cookie 1, all else 0 */
	const void *ctx_in;	/* the UAPI struct of the type's context, or NULL */
	u32 ctx_in_bytes;
	/* Programs that run in the same context, each when the one before it
	   answered TCX_NEXT (-1), as a device's tcx programs do. NULL in an
	   engine that cannot. */
	const u32 *next;
	u32 nr_next;
	bool alone;		/* redirected packets go no further: no programs of
				   devmaps and cpumaps, as in the kernel's test run */
	/* out */
	u32 retval;		/* of the last execution */
	const u8 *data_out;	/* packet after it; valid until the next run */
	u32 bytes_out;
	u32 redirect_ifindex;	/* target of bpf_redirect, 0 none */
	u32 redirect_flags;	/* BPF_F_INGRESS; SKB_REDIRECT_* of run.h */
	bool unresolved;	/* bpf_redirect_neigh found no route or neighbour: the
				   packet goes nowhere */
	u32 tc_classid;
	const struct sock *sock;	/* that the program chose or assigned, or NULL */
	/* valid until the next run */
	const struct test_copy *copies;
	u32 nr_copies;
	bool forwarded;		/* the packet itself went as one of these */
	const void *ctx_out;	/* NULL: none; valid until the next run */
	u32 ctx_out_bytes;
	u64 insns;		/* executed, of the last execution; 0: nobody counted */
	u64 duration_ns;	/* mean per execution, of the thread's time; only when
				   repeat > 1 */
	bool in_place;		/* after test_run_batch: the program ran on the
				   packets where they lie, and what they are now
				   stands there in the same bytes */
};

/* One of many packets. */
struct test_packet {
	u8 *data;		/* the program may write to it */
	u32 bytes, wire_bytes;
	/* out */
	u32 retval;
	u32 redirect_ifindex;	/* target of bpf_redirect, 0 none */
	u32 left_out;		/* 1: as where test_run gives 1 */
};

struct map_info {
	const char *name;
	const struct maptype_row *row;
	u32 key_size, value_size, max_entries, map_flags;
	u64 value_bytes;	/* of a value in element calls: all cpus */
	u32 value_stride;	/* from one cpu's value to the next; per-cpu only */
	u32 cpus;		/* values per element; 1 unless per-cpu */
	u64 count;		/* elements in it */
	u64 lost;		/* records that found no room in it */
	bool frozen;		/* where this engine knows */
	const char *path;	/* the file that it is pinned as, where this engine knows */
	u32 users;		/* other processes that have that open */
	bool watched;		/* since map_watch; programs and user space together: */
	u64 lookups, hits, updates, deletes;
	bool torn;		/* another process has cut that off: elements are lost */
};

/* A walk over elements in the engine's order; zeroed but for VALUE_BYTES (of
 * map_info) before the first call, freed with map_batch_free. */
struct map_batch {
	u64 value_bytes;
	u8 *key;		/* the engine's place */
	bool started;
};
static inline void map_batch_free(struct map_batch *it)
{
	free(it->key);
	*it = (struct map_batch){ .value_bytes = it->value_bytes };
}

/* What runs a program. */
enum tier { TIER_KERNEL, TIER_CHECKED, TIER_INTERP, TIER_JIT_FAST, TIER_JIT_OPT, TIER_AOT };

struct prog_tier {
	enum tier tier;
	const char *note;	/* why nothing better, when something was asked for, or
				   NULL; lives as long as the backend */
	u32 slots, bytes;	/* instructions; machine code */
	u64 ns;			/* that compiling it took */
};

struct backend;
struct rewrite;			/* rewrite.h */
struct jit_code;
struct sock;
struct skep_run;		/* skep.h */

struct backend_ops {
	const char *name;	/* "user" */
	void (*close)(struct backend *b);
	/* What is created from here on belongs to IMG. NULL: need not know. */
	void (*image)(struct backend *b, const struct image *img);
	/* Also stores the initial value (not a prog array's slots). */
	int (*map_create)(struct backend *b, const struct image_map *def,
			  struct skep_err *err);
	int (*map_info)(struct backend *b, u32 map, struct map_info *info);
	int (*map_lookup)(struct backend *b, u32 map, const void *key, void *value, u64 flags);
	int (*map_update)(struct backend *b, u32 map, const void *key, const void *value,
			  u64 flags);
	int (*map_delete)(struct backend *b, u32 map, const void *key);
	/* The next ones are NULL in an engine that cannot; and -ENOTSUPP (524)
	   for map types that cannot. Looks up and deletes in one step. */
	int (*map_lookup_delete)(struct backend *b, u32 map, const void *key, void *value,
				 u64 flags);
	/* The value that comes out of a queue or stack after N others, which
	   stays; -ENOENT behind the last. */
	int (*map_nth)(struct backend *b, u32 map, u64 n, void *value);
	/* Gives FN the complete records of a ring buffer or perf event array and
	   frees them; how many there were. */
	s64 (*map_read)(struct backend *b, u32 map, map_event_fn fn, void *arg);
	/* A descriptor that epoll and poll find readable when a ring buffer has
	   records, until they were read; the engine's own. -ENOTSUPP for other types. */
	int (*map_fd)(struct backend *b, u32 map);
	/* Puts a sample into a user ring buffer: 0, -E2BIG, -ENOSPC. */
	int (*map_write)(struct backend *b, u32 map, const void *data, u64 bytes);
	/* KEY NULL = the first; -ENOENT at the end */
	int (*map_next_key)(struct backend *b, u32 map, const void *key, void *next);
	/* Elements [*FROM, *TO) are the next of an array that may be other than
	   0; -ENOENT when there are none. NULL in an engine that cannot tell. */
	int (*map_touched)(struct backend *b, u32 map, u64 *from, u64 *to);
	int (*map_freeze)(struct backend *b, u32 map);
	/* The next ones are NULL in an engine that cannot. Up to *N more elements;
	   -ENOENT with the last of them, *N how many; -ENOSPC when the engine can
	   only give more than *N at once. */
	int (*map_read_batch)(struct backend *b, u32 map, struct map_batch *it, void *keys,
			      void *values, u32 *n);
	/* The same, and they are deleted: of hash types; NULL in an engine that cannot. */
	int (*map_take_batch)(struct backend *b, u32 map, struct map_batch *it, void *keys,
			      void *values, u32 *n);
	/* *N elements; after an error *N is how many were stored. */
	int (*map_write_batch)(struct backend *b, u32 map, const void *keys,
			       const void *values, u32 *n, u64 flags);
	int (*map_delete_batch)(struct backend *b, u32 map, const void *keys, u32 *n);
	/* Gives a map a name that outlives the process. Error: PIN. */
	int (*map_pin)(struct backend *b, u32 map, const char *path, struct skep_err *err);
	/* The next map is the one with that name, which is like DEF; 1 when nothing
	   has it. Error: PIN. */
	int (*map_get)(struct backend *b, const struct image_map *def, const char *path,
		       struct skep_err *err);
	/* Operations on a map are counted from now on, or no longer: map_info tells. NULL in
	   an engine that cannot. */
	int (*map_watch)(struct backend *b, u32 map, bool on);
	/* All elements of an array with BPF_F_MMAPABLE, or the variables of an object
	   that programs may change, each 8-byte aligned; NULL for others. Programs
	   see at once what is stored there. */
	void *(*map_mem)(struct backend *b, u32 map, size_t *bytes);
	/* Another map like those in map OUTER, a map of maps; its NUMBER is good
	   until map_drop and as long as a map of maps has it. */
	int (*map_like)(struct backend *b, u32 outer, u32 *number, struct skep_err *err);
	int (*map_drop)(struct backend *b, u32 map);
	/* Loads program PROG of IMG; MAPS[i] is the backend's number of the
	   image's map i. CODE: what became of it when it was verified, which the
	   engine runs without checks; it lives as long as the backend. NULL:
	   nobody has verified it. A kernel asks itself.
	   Errors: PROG_TYPE, HELPER, UNSUPPORTED, RUN. */
	int (*prog_load)(struct backend *b, const struct image *img, u32 prog,
			 const u32 *maps, const struct rewrite *code, struct skep_err *err);
	/* NULL in an engine that has but one. */
	void (*prog_tier)(struct backend *b, u32 prog, struct prog_tier *t);
	/* PROG's native code (jit.h), whose slots are those of its rewrite; NULL: it
	   has none. NULL in an engine that shows none. */
	const struct jit_code *(*prog_native)(struct backend *b, u32 prog);
	/* How often each slot of it ran, and in AWAY went on elsewhere than behind it; NULL:
	   nobody counts. */
	const u64 *(*prog_counts)(struct backend *b, u32 prog, const u64 **away);
	/* Errors: FAULT, BUDGET, FRAMES, HELPER, RUN. 1: the program is not asked
	   about such packets, nothing was run. */
	int (*test_run)(struct backend *b, u32 prog, struct test_run *t,
			struct skep_err *err);
	/* Where something stands that no other program of the process ever has, not 0, and
	   that is another one after what runs depend on has changed (runtime/single.h).
	   NULL in an engine that has nothing of the kind, as the next one is. */
	const u64 *(*prog_ticket)(struct backend *b, u32 prog);
	/* The same as users ask for it, once and without a context; 1: it takes test_run. */
	int (*test_run_single)(struct backend *b, u32 prog, struct skep_run *run,
			       struct skep_err *err);
	/* Runs the program once on each of *N packets; T has the other inputs
	   and, but for in_place, no results. After an error *N is the number, from 0, of the
	   packet that it is about. */
	int (*test_run_batch)(struct backend *b, u32 prog, struct test_run *t,
			      struct test_packet *pkts, u32 *n, struct skep_err *err);
	/* Lets timers of maps that are due run, with BUDGET instructions each, and
	   says how many wait then. A virtual clock goes on to NOW_NS before. NULL
	   in an engine that does so by itself. Errors as of test_run. */
	int (*timers_run)(struct backend *b, u64 now_ns, u64 budget, u32 *waiting,
			  struct skep_err *err);
	/* The N sockets that programs find, once, before maps are filled: 0 or
	   -EBUSY. NULL in an engine that has the system's own. */
	int (*sockets)(struct backend *b, const struct sock *v, u32 n);
};

/* First member of every backend. */
struct backend {
	const struct backend_ops *ops;
};

#endif

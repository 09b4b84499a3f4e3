/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * again.h: runs of programs that the kernel has run, once more. In: the items of a recording
 * of source "kernel", in their order. Out: what the programs did, as it is computed in the
 * checked interpreter from what they saw (kernel.h); where that is another thing than what
 * happened there, and what their maps are at the end as far as they made them so.
 *
 * Programs run on addresses of that kernel, and nothing is at these here: what is known of
 * memory is what was loaded from there and stored there, byte by byte (again_mem.c).
 */
#ifndef REPLAY_AGAIN_H
#define REPLAY_AGAIN_H

#include "base/hash.h"
#include "base/vec.h"
#include "replay/kernel.h"
#include "vm/vm.h"

struct again;

enum again_kind {
	AGAIN_BEGIN,		/* a run of PROG on CPU at NS */
	AGAIN_UPDATE,		/* element KEY of MAP is now VALUE, by a helper */
	AGAIN_DELETE,		/* of KEY */
	AGAIN_RECORD,		/* VALUE went into MAP, a ring buffer or perf event array */
	AGAIN_END,		/* it gave RETVAL; CUT: or would have, the rest is not recorded */
};

struct again_event {
	enum again_kind kind;
	u64 run;		/* from 1 */
	u32 prog, cpu;
	u64 ns;
	u32 map;
	const u8 *key, *value;	/* good during the call */
	u32 key_bytes, value_bytes;
	bool whole;		/* all bytes of VALUE are known; others are 0 */
	u32 retval;
	bool cut;
	bool left;		/* it went on in another program by a tail call */
};

typedef void (*again_fn)(void *arg, const struct again_event *e);

struct again *again_new(const char *file, again_fn fn, void *arg);
void again_free(struct again *a);
/* Instructions that a run may take; else 64 M. */
void again_limit(struct again *a, u64 insns);
/* Instead of the item OBJECT: what that would give, which is A's own now. */
void again_give(struct again *a, struct image *img);
/*
 * The next item. Errors: RECORD_BAD, RECORD_OBJECT (and those of opening an object), and
 * RECORD_DIFFERS with the place where the run is another one than that of the kernel; the
 * items after that can be given all the same.
 */
int again_item(struct again *a, const struct record_item *item, struct skep_err *err);
const struct image *again_image(const struct again *a);	/* NULL before OBJECT */

/* What became of a map. */
enum again_map {
	AGAIN_SAME,		/* all its elements are those that it had there */
	AGAIN_OTHER,		/* they are not */
	AGAIN_UNKNOWN,		/* somebody else changed it, too, or bytes went there that
				   nobody told */
};
/* Of the map that ITEM, of kind MAP, is about. */
enum again_map again_compare(const struct again *a, const struct record_map *m);

/* ---- again_mem.c: memory that is elsewhere ------------------------------------------ */

struct again_elem {		/* of a map, or of one cpu of it */
	struct again_elem *next;
	u32 map, cpu;
	u8 *key, *value, *known;	/* KNOWN: a byte for each of VALUE, 0 or 1 */
	bool gone;
};

struct again_region {		/* where memory of a known kind lies */
	u64 addr;
	u32 bytes;
	u8 *value, *known;
	u32 map;		/* RECORD: of this ring buffer */
	bool record;
};

struct again_cell { u64 addr; u8 v[8]; u8 known; bool used; };	/* 8 bytes of any other;
							   KNOWN: bits */

struct again_mem {
	const struct image *img;
	struct arena arena, run;	/* for good; for one run */
	struct again_elem **buckets;
	u32 nr_buckets, nr_elems;
	VEC(struct again_region) regions;	/* the last ones of this run */
	size_t nr_fixed;	/* variables, which are always where they are */
	struct again_cell *cells;
	u32 nr_cells, cap_cells;
	u8 *outside;		/* [nr_maps] somebody else changed it */
	u32 cpus;
};

void again_mem_open(struct again_mem *m, const struct image *img, u32 cpus);
void again_mem_close(struct again_mem *m);
/* A run begins: addresses of the one before mean nothing. */
void again_mem_run(struct again_mem *m);
/* False: not all of them are known; others are 0 in TO. */
bool again_read(const struct again_mem *m, u64 addr, void *to, u64 bytes);
/* FROM NULL: nobody knows what is there now. */
void again_write(struct again_mem *m, u64 addr, const void *from, u64 bytes);
/* The variables of map MAP lie at the result. */
u8 *again_variables(struct again_mem *m, u32 map);
/* A lookup of KEY in MAP on CPU gave ADDR (or 0). */
void again_found(struct again_mem *m, u32 map, u32 cpu, const u8 *key, u64 addr);
void again_updated(struct again_mem *m, u32 map, u32 cpu, const u8 *key, const u8 *value,
		   bool whole);
/* Who loaded it gave MAP an element: the values of all cpus, again_value_bytes(). */
void again_given(struct again_mem *m, u32 map, const u8 *key, const u8 *value);
u64 again_value_bytes(const struct again_mem *m, u32 map);
void again_deleted(struct again_mem *m, u32 map, u32 cpu, const u8 *key);
/* BYTES at ADDR are a record of ring buffer MAP; and where it is, until given back: NULL. */
void again_reserved(struct again_mem *m, u32 map, u64 addr, u32 bytes);
struct again_region *again_record(struct again_mem *m, u64 addr);
bool again_is_followed(u32 map_type);	/* elements of such maps are kept account of */
/* Count and digest of what MAP has. */
enum again_map again_map_is(const struct again_mem *m, const struct record_map *r);

#endif

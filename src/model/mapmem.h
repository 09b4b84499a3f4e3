/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapmem.h: where a map's values lie, for engines that check accesses or that
 * inline them: NR values of VALUE_BYTES, the first at BASE, each STRIDE bytes
 * after the one before. Fixed for the life of the map.
 */
#ifndef MODEL_MAPMEM_H
#define MODEL_MAPMEM_H

#include "base/base.h"

enum { MAP_KPTRS_MAX = 11 };	/* pointers to objects in a value; the kernel's limit */

struct map_mem {
	u8 *base;		/* of the first value */
	u64 nr;			/* values, all cpus counted */
	u32 stride;		/* bytes from value to value */
	u32 value_bytes;	/* that a program may touch */
	bool read_only;		/* to programs (BPF_F_RDONLY_PROG) */
	bool write_only;	/* to programs (BPF_F_WRONLY_PROG) */
};

struct map;
struct run;

/*
 * What a lookup is, for compilers: the element of key I, a u32, is BASE + I * STRIDE +
 * CPU * CPU_STEP, and there are NR; or FN, when that is not NULL, tells. Fixed for the
 * life of the map.
 */
struct map_inline {
	void *(*fn)(struct map *m, const void *key, u64 r3, u64 r4, u64 r5, struct run *run);
	u8 *base;
	u32 nr, stride;
	u64 cpu_step;		/* 0: the same for all cpus */
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.h: the contents of maps as bytes that can be compared, from either side.
 * Reading a map also brings it back to what it was at the start.
 */
#ifndef DIFF_DUMP_H
#define DIFF_DUMP_H

#include "diff/world.h"

/* A map on one side: element calls with the errors of bpf(2). */
struct dump_side {
	void *arg;		/* for the calls */
	u32 cpus;		/* values that a per-cpu element has */
	int (*lookup)(void *arg, u32 map, const void *key, void *value);
	int (*update)(void *arg, u32 map, const void *key, const void *value);
	int (*remove)(void *arg, u32 map, const void *key);
	int (*take)(void *arg, u32 map, void *value);	/* of queues */
	int (*next_key)(void *arg, u32 map, void *next);	/* the first */
	s64 (*records)(void *arg, u32 map, map_event_fn fn, void *to);	/* of ring buffers */
};

struct dump {
	u8 v[DUMP_BYTES];
	u32 at[WORLD_MAPS + 1];	/* map i is [at[i], at[i + 1]) */
};

/* Is the map compared? Else its contents are of one side only. */
bool dump_compares(const struct diff_map *m);
void dump_maps(struct dump *d, const struct dump_side *side, const struct diff_scene *scene);
/* The first map that differs and the byte of its dump, or false. */
bool dump_differs(const struct dump *a, const struct dump *b, u32 nr_maps, u32 *map, u32 *byte);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compiled.h: programs of compiled objects as programs of a world: what clang
 * makes, not what gen.c does. Maps get at most COMPILED_ENTRIES elements.
 */
#ifndef DIFF_COMPILED_H
#define DIFF_COMPILED_H

#include "diff/world.h"

enum { COMPILED_ENTRIES = 16 };

struct compiled {
	struct image *img;
	struct diff_map maps[WORLD_MAPS];
	struct diff_scene scene;
	bool runs;		/* all maps can be compared and put back */
};

/* False and WHY when a world cannot have its maps. */
bool compiled_open(struct compiled *o, const char *path, char *why, size_t n);
void compiled_close(struct compiled *o);
/* Program I; false when it is nothing that the kernel takes by itself. */
bool compiled_prog(const struct compiled *o, u32 i, struct diff_prog *p);

#endif

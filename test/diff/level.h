/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * level.h: what the running kernel has of what generated programs are made of, as
 * its probes tell (kernel/probe.c), and what it does otherwise than the newest one
 * (quirk.def).
 */
#ifndef DIFF_LEVEL_H
#define DIFF_LEVEL_H

#include "diff/world.h"

enum quirk {
#define QUIRK(name, ...) QUIRK_##name,
#include "diff/quirk.def"
#undef QUIRK
	NR_QUIRKS
};

enum { LEVEL_TYPES = 34, LEVEL_HELPERS = 256 };	/* more than there are */

struct gen_level {
	bool rows[OP_MAX];
	bool helpers[LEVEL_TYPES][LEVEL_HELPERS];	/* by program type */
	bool kfuncs;		/* all of gen_scene */
	bool quirks[NR_QUIRKS];
};

/* Asks the kernel, which W has, too. False when it cannot be asked for a quirk:
 * then WHY. */
bool level_read(struct gen_level *level, struct world *w, char *why, size_t n);
enum quirk quirk_find(const char *name);	/* NR_QUIRKS: there is none */
/* "-mcpu=v4 and 12 further instructions, 400 helpers of 8 types: TAIL_COUNT" */
void level_print(const struct gen_level *level, struct strbuf *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tape.h: who wants to be asked instead of helpers, by all engines: for recordings, which
 * note what helpers answered, and for replays, which answer the same.
 */
#ifndef MODEL_TAPE_H
#define MODEL_TAPE_H

#include "model/run.h"

enum { TAPE_HELPERS = 256 };	/* ids of helpers are below */

struct tape {
	/* Answers call ID in place of its body. */
	u64 (*call)(struct tape *t, struct run *run, u32 id, const u64 args[5]);
	u8 wanted[TAPE_HELPERS / 8];	/* of these helpers: bit ID % 8 of byte ID / 8 */
	helper_fn bodies[TAPE_HELPERS];	/* what they are; filled in as programs are loaded */
};

static inline bool tape_wants(const struct tape *t, u32 id)
{
	return t && id < TAPE_HELPERS && t->wanted[id / 8] >> id % 8 & 1;
}

static inline u64 tape_body(const struct tape *t, struct run *run, u32 id, const u64 args[5])
{
	return t->bodies[id](args[0], args[1], args[2], args[3], args[4], run);
}

#endif

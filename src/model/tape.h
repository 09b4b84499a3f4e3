/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tape.h: who wants to be asked instead of helpers, by all engines: for recordings, which
 * note what helpers answered, and for replays, which answer the same.
 */
#ifndef MODEL_TAPE_H
#define MODEL_TAPE_H

#include "model/run.h"

enum { TAPE_HELPERS = 256 };	/* ids of helpers are below */

/* What bodies ask the machine whose answers no program gets as they are: they make objects
 * of them, or leave them in memory. Numbers are for ever: they stand in recordings. */
enum tape_fact {
	TAPE_FACTS = 1 << 16,	/* above ids of helpers */
	TAPE_THREAD = TAPE_FACTS,	/* who runs the program: a struct map_owner */
	TAPE_TASK,		/* the thread with a number: the same; all 0: there is none */
	TAPE_UNDER,		/* u64: is a thread in a cgroup? */
	TAPE_CGROUP,		/* u64: of the process, of a number or an ancestor; 0: none */
	TAPE_LIVES,		/* u64: is a thread still there? */
	TAPE_PROBED,		/* s64: what reading at some address gave */
	TAPE_BYTES,		/* what was read there */
	TAPE_FACTS_END
};

struct tape {
	/* Answers call ID in place of its body. */
	u64 (*call)(struct tape *t, struct run *run, u32 id, const u64 args[5]);
	u8 wanted[TAPE_HELPERS / 8];	/* of these helpers: bit ID % 8 of byte ID / 8 */
	helper_fn bodies[TAPE_HELPERS];	/* what they are; filled in as programs are loaded */
	/* BYTES of FACT, as it was answered before: true and in OUT. NULL: never */
	bool (*knows)(struct tape *t, u32 fact, void *out, u64 bytes);
	/* The machine has answered FACT. NULL: nobody cares */
	void (*note)(struct tape *t, u32 fact, const void *v, u64 bytes);
};

static inline bool tape_knows(struct tape *t, u32 fact, void *out, u64 bytes)
{
	return t && t->knows && t->knows(t, fact, out, bytes);
}

static inline void tape_note(struct tape *t, u32 fact, const void *v, u64 bytes)
{
	if (t && t->note)
		t->note(t, fact, v, bytes);
}

static inline bool tape_wants(const struct tape *t, u32 id)
{
	return t && id < TAPE_HELPERS && t->wanted[id / 8] >> id % 8 & 1;
}

static inline u64 tape_body(const struct tape *t, struct run *run, u32 id, const u64 args[5])
{
	return t->bodies[id](args[0], args[1], args[2], args[3], args[4], run);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* explore.h: between the files that follow paths (private to verify). */
#ifndef VERIFY_EXPLORE_H
#define VERIFY_EXPLORE_H

#include "verify/state.h"

/* A state that was stored, to compare later ones at the same instruction with. */
struct kept {
	struct kept *next;
	struct state *state;
	u32 time;		/* v->now when it was stored */
	u32 hits, misses;
	bool open;		/* paths from it are not complete */
	bool dropped;		/* it is compared no more */
	bool cyclic;		/* paths from it go on as an older open state did, of
				   which not all was known: all in it counts as
				   mattering */
	struct kept *back;	/* the oldest of those; NULL: none */
	u32 back_frames;	/* the most frames that one of those has */
};

/* Ids of one state and of another that stand for each other. */
struct idmap {
	u32 n;
	struct { u32 old, new; } v[256];
};

/* Registers of frame I of S, at INSN, that are still read: of callers, after the
 * call. Bits. */
u32 state_live(const struct verifier *v, const struct state *s, u32 i, u32 insn);
/* S begins another pass over something that repeats: numbers that differ from
 * the pass before and did not matter so far become unknown. */
void widen_pass(struct verifier *v, struct state *s);
/* The same for a pass that began at instruction AT. */
void widen_from(struct verifier *v, struct state *s, u32 at);

/* ---- explore.c, for both.c ----------------------------------------------- */

/* The state that function FUNC begins with. */
struct state *explore_entry(struct verifier *v, u32 func);
/* Goes on with *S until BUDGET instructions were visited in all; *S is NULL when
 * all paths were followed. */
void paths_run(struct verifier *v, struct state **s, u64 budget);
/* No path can be followed any farther. */
bool paths_at_end(const struct verifier *v);
/* Forgets paths that are not followed to their end. */
void paths_drop(struct verifier *v);
/* All paths are complete. */
void paths_close(struct verifier *v);

void stack_depth_check(struct verifier *v);

#endif

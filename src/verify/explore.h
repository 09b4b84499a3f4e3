/* SPDX-License-Identifier: BSD-2-Clause */
/* explore.h: between the files that follow paths (private to verify). */
#ifndef VERIFY_EXPLORE_H
#define VERIFY_EXPLORE_H

#include "verify/state.h"

struct packed;
struct packed_frame;

/* What gets nearer to its end with each pass. */
enum measure_kind { MEASURE_NONE, MEASURE_ITER, MEASURE_RUN, MEASURE_BUDGET };

struct measure {
	u8 kind;
	u8 frame, slot;		/* where it is */
	u32 id;			/* ITER: its reference; of the others the frame's serial */
	u32 left;		/* RUN: as of the frame */
};

/* A state that was stored, to compare later ones at the same instruction with. */
struct kept {
	struct kept *next;	/* at this instruction */
	struct kept *older, *newer;	/* of the complete ones, by when they last covered */
	struct packed *state;	/* NULL: it was dropped */
	u32 time;		/* v->now when it was stored */
	u32 hits, misses;
	bool open;		/* paths from it are not complete */
	bool dropped;		/* it is compared no more */
	u32 nr_defs;		/* what was defined before */
	struct measure measure;	/* by which states that come back here are later passes */
	struct kept *around;	/* open: the last one before that has a measure */
};

/*
 * Where paths from a stored state go on as states that were open then, not all was known
 * of these, so all in it counts as mattering in comparisons. They may have gone on so
 * themselves, later on.
 */
struct loop_back {
	u32 to;			/* when the oldest of them was stored; 0: there are none */
	u32 defs;		/* what was defined before the youngest */
	u32 last;		/* when the youngest was stored */
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

/* ---- kept.c ---------------------------------------------------------------- */

void kept_store(struct verifier *v, struct state *s);
/* States that were stored after the first NR_OPEN of v->open are complete. */
void kept_close_down_to(struct verifier *v, u32 nr_open);
/* K covered a state. */
void kept_hit(struct verifier *v, struct kept *k);
/* NEW goes on as OLD did: stack that NEW has not written is read where OLD had written it, as
 * privileged loaders may. ALL: of what OLD had written all may be read, not what is noted. */
void kept_note_stale(struct verifier *v, const struct packed_frame *old, const struct frame *new,
		     bool all);
/* What mattered for K matters for S, which it covers; KNOWN: what is known to. */
void kept_take_over(struct verifier *v, const struct kept *k, struct state *s, bool known);
/* *AT, of v->kept, is compared no more. */
void kept_drop(struct verifier *v, struct kept **at);
/* Drops the one that can best be spared; false: there is none. */
bool kept_evict(struct verifier *v);
/* Drops all of a function; none is open. */
void kept_forget(struct verifier *v);

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

/* ---- explore.c: passes, which passes_test.c calls, too --------------------- */

/* The open states that paths from K lead to. */
struct loop_back loop_of(struct verifier *v, const struct kept *k);
/* S ends where K began, which is open and covers it. */
void join_pass(struct verifier *v, const struct kept *k, struct state *s);
/* S ends where K began, which is complete and covers it. */
void covered_by(struct verifier *v, struct kept *k, struct state *s);
/* May it? Not when K leads back to what leads to S as another run. */
bool same_way_back(struct verifier *v, const struct kept *k, const struct state *s);

/* ---- measure.c ------------------------------------------------------------- */

/* S may come back, or be come back to, by this. */
struct measure measure_of(const struct verifier *v, const struct state *s);
/* S ends where OLD was stored, as another pass by BY, if that is one. Has it the measures of
 * what is open and was stored at TIME or before, where OLD has them? */
bool measures_stay(const struct verifier *v, const struct packed *old, const struct state *s,
		   u32 time, const struct measure *by);
/* They belong to different runs of the program, or of what a timer calls. */
bool later_run(const struct packed *old, const struct state *s);

/* ---- explore.c, both.c ------------------------------------------------------ */

/* All paths are complete. */
void paths_close(struct verifier *v);

void stack_depth_check(struct verifier *v);

#endif

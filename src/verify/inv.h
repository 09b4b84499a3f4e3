/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv.h: the second exploration, between its files (private to verify). Where
 * *paths* follows each path, *invariants* keeps one state for each point where
 * paths meet, into which all that arrives is joined, until nothing changes. What
 * such a state says holds whenever the program is there. Checks and steps are
 * those of *paths*; states and verdicts are not shared.
 *
 *	inv.c		the worklist, what arrives where, the verdict
 *	inv_join.c	joining states
 *	inv_loops.c	the loops of the program, where paths meet, in what order
 *	inv_trips.c	that loops end
 *	inv_facts.c	once more without checks, for what is known (facts.h)
 *
 * A check that fails here is no rejection: the joined state may allow what no
 * path does.
 */
#ifndef VERIFY_INV_H
#define VERIFY_INV_H

#include "verify/state.h"

/* ---- inv_loops.c --------------------------------------------------------- */

struct loop {
	u32 head;		/* instruction */
	u32 parent;		/* index of the loop around; 0: none */
	u32 depth;		/* 1: no loop around in this function */
	bool budgeted;		/* each trip passes a may_goto */
	s64 *steps;		/* constants that widening stops at, ascending */
	u32 nr_steps;
};

struct loops {
	struct loop *v;		/* [1 .. nr] */
	u32 nr;
	u32 *of;		/* [nr_insns]: index of the innermost loop; 0: none */
	u32 *order;		/* [nr_insns]: what comes first, loops in one piece */
	bool *join;		/* [nr_insns]: states are joined here */
	s64 *steps;		/* constants of the whole program */
	u32 nr_steps;
	bool irreducible;	/* a loop is entered at several points */
};

void loops_build(struct verifier *v, struct loops *l);
/* Is instruction AT inside loop LOOP, or a loop in it? */
bool loops_has(const struct loops *l, u32 loop, u32 at);

/* ---- inv_join.c ---------------------------------------------------------- */

/* What all states have in common that are joined in one node. */
struct inv_node {
	struct inv_node *next;	/* of the same instruction */
	struct inv_node *origin;	/* head of the innermost loop around, in the call chain */
	struct state *state;
	struct trips *trips;	/* of heads of loops */
	u32 index;		/* 1 .. */
	u32 insn;
	u32 depth;		/* heads of loops around, its own included */
	u32 changes;
	bool queued;
	bool head;		/* of a loop of instructions */
	bool widens;		/* a head, or a call that repeats a callback */
};

/* S and the node's states are of one class: they can be joined. */
bool join_same_class(const struct state *a, const struct state *b);
/* Prepares S, which has arrived at its instruction, for joining. */
void join_normalise(struct verifier *v, struct state *s);
/* N's state holds for S, too. True when it had to change for that. */
bool join_into(struct verifier *v, struct inv_node *n, const struct state *s,
	       const s64 *steps, u32 nr_steps);

/* Calls FN for each number and iterator of S; LOC is unique in S. */
void join_each(struct state *s, void (*fn)(struct reg *r, u32 loc, void *arg), void *arg);
/* The location of S, or NULL. */
struct reg *join_at(struct state *s, u32 loc);

/* ---- inv_trips.c --------------------------------------------------------- */

/* S starts from head N: each of its numbers is related to itself at the head. */
void trips_start(struct verifier *v, struct inv_node *n, struct state *s);
/* S has left the loops inside ORIGIN: relates its numbers to ORIGIN's heads. */
void trips_leave(struct verifier *v, struct state *s, struct inv_node *origin);
/* S, which left head FROM, has come back to the loop's head in node TO. */
void trips_back(struct verifier *v, struct inv_node *from, struct inv_node *to, struct state *s);
/* Forgets what trips_back noted. */
void trips_reset(struct verifier *v, struct inv_node *n);
/* Do all loops end, after not too many trips? */
bool trips_bounded(struct verifier *v);

/* ---- inv.c --------------------------------------------------------------- */

struct inv {
	struct loops loops;
	struct inv_node **nodes;	/* [nr_insns] lists */
	VEC(struct inv_node *) all;	/* [index - 1] */
	VEC(struct inv_node *) heap;	/* what is to be done, by order */
	VEC(struct state *) pushed;	/* by the step at hand */
	VEC(struct state *) todo;	/* of the run at hand, not at a join */
	struct point *points;	/* as in struct verifier */
	struct func *funcs;
	u64 visited;
	u32 entry;
	bool checking;		/* nothing changes any more: noting trips */
	bool changed;		/* ... but something did */
	bool failed;
	bool unchecked;		/* what fails is forgotten, not refused */
	bool refused;		/* unchecked: something was, in the step at hand */
	enum reject_id id;	/* the check that failed, or 0 */
	u32 insn;
};

enum inv_verdict { INV_ACCEPTS, INV_FAILS, INV_GOES_ON };

struct inv *inv_new(struct verifier *v, u32 func);
/* Goes on until BUDGET instructions were visited in all. */
enum inv_verdict inv_run(struct verifier *v, struct inv *inv, u64 budget);
/* What it found out of the functions holds, since it accepts. */
void inv_adopt(struct verifier *v, struct inv *inv);
void inv_free(struct verifier *v, struct inv *inv);

/* ---- inv_facts.c --------------------------------------------------------- */

/* All that function FUNC, which was accepted, can do is told to facts_note. False
 * when it is too much. */
bool inv_facts(struct verifier *v, u32 func);
/* A check failed when S stepped over AT: forgets what the instruction may have
 * changed, in S and in what it pushed. ENDED: S goes no farther. */
void inv_forgive(struct verifier *v, struct state *s, u32 at, bool ended);

/* ---- inv.c --------------------------------------------------------------- */

/* reject, explore_push and explore_unpush by invariants. */
int inv_refuse(struct verifier *v, enum reject_id id, u32 insn);
struct state *inv_push(struct verifier *v, struct state *s, u32 insn);
void inv_unpush(struct verifier *v);

#endif

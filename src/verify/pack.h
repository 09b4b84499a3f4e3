/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack.h: states that wait: stored ones, and branches to come back to. Most of what
 * a state holds it holds as its neighbours do, so equal registers are there once;
 * a state that waits takes a sixth of the memory of others. What is stored can be
 * compared as it is.
 */
#ifndef VERIFY_PACK_H
#define VERIFY_PACK_H

#include "verify/state.h"

struct packed_slot {
	u8 kind[SLOT_BYTES];
	const struct reg *reg;	/* shared */
	u32 def;
	bool live, precise;	/* in stored states: it matters */
	bool known;		/* ... without what is taken for granted in loops */
};

struct packed_frame {
	const struct reg *regs[NR_REGS];	/* shared */
	struct packed_slot *slots;
	u32 precise, known;	/* in stored states: the same of registers, as bits */
	u32 nr_slots;
};

struct packed {
	struct packed *next;	/* free list */
	u32 bytes;
	struct state head;	/* of its frames only what comes before the registers
				   is there; FRAMES has the rest */
	struct packed_frame frames[];
};

/* A copy of S, packed. */
struct packed *state_pack(struct verifier *v, const struct state *s);
/* The same to be stored: registers that are not read any more are no company for
 * those that are, and are left out; nor are ids that no other number has. */
struct packed *state_pack_live(struct verifier *v, const struct state *s);
/* P as a state again; P is freed. */
struct state *state_unpack(struct verifier *v, struct packed *p);
void packed_free(struct verifier *v, struct packed *p);
void shared_free(struct verifier *v);	/* all, at the end */

extern const struct packed_slot packed_no_slot;

static inline const struct packed_slot *packed_slot(const struct packed_frame *f, u32 n)
{
	return n < f->nr_slots ? &f->slots[n] : &packed_no_slot;
}

#endif

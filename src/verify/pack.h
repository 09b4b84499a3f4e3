/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack.h: states that wait: stored ones, and branches to come back to. They hold
 * what there is and no room for more, so that a state takes a third of the memory;
 * what is stored can be compared as it is.
 */
#ifndef VERIFY_PACK_H
#define VERIFY_PACK_H

#include "verify/state.h"

struct packed_slot {
	u8 kind[SLOT_BYTES];
	u32 def;
	u8 reg;			/* 1 + index in the frame's REGS; 0: none */
	bool live;		/* in stored states */
};

struct packed_frame {
	u8 reg[NR_REGS];	/* 1 + index in REGS; 0: the register holds nothing */
	u8 nr_slots;
	struct reg *regs;
	struct packed_slot *slots;
};

struct packed {
	struct packed *next;	/* free list */
	u32 bytes;
	u32 nr_regs;
	struct reg *regs;	/* of all frames */
	struct state head;	/* of its frames only what comes before the registers
				   is there; FRAMES has the rest */
	struct packed_frame frames[];
};

/* Packs a copy of S; LIVE: without registers that are not read any more. */
struct packed *state_pack(struct verifier *v, const struct state *s, bool live);
/* P as a state again; P is freed. */
struct state *state_unpack(struct verifier *v, struct packed *p);
void packed_free(struct verifier *v, struct packed *p);

extern const struct reg packed_no_reg;
extern const struct packed_slot packed_no_slot;

/* Register R of frame F; what is not there is REG_NONE. */
static inline const struct reg *packed_reg(const struct packed_frame *f, unsigned r)
{
	return f->reg[r] ? &f->regs[f->reg[r] - 1] : &packed_no_reg;
}

/* Slot N, and what was spilled there. */
static inline const struct packed_slot *packed_slot(const struct packed_frame *f, u32 n)
{
	return n < f->nr_slots ? &f->slots[n] : &packed_no_slot;
}

static inline const struct reg *packed_slot_reg(const struct packed_frame *f,
						const struct packed_slot *t)
{
	return t->reg ? &f->regs[t->reg - 1] : &packed_no_reg;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_state.c: what a state is stripped of before it is joined: registers that
 * are not read any more, counts of *paths*, ids that only one number has.
 */
#include "verify/explore.h"
#include "verify/inv.h"

/* ---- locations ----------------------------------------------------------- */

enum { LOC_FRAME = 128, LOC_SLOT = 16 };

void join_each(struct state *s, void (*fn)(struct reg *r, u32 loc, void *arg), void *arg)
{
	for (u32 i = 0; i < s->nr_frames; i++) {
		struct frame *f = s->frames[i];

		for (u32 r = 0; r < REG_FP; r++)
			if (f->regs[r].type == REG_SCALAR)
				fn(&f->regs[r], i * LOC_FRAME + r, arg);
		for (u32 n = 0; n < f->nr_slots; n++) {
			struct slot *t = &f->slots[n];

			if (t->kind[0] == SLOT_ITER ||
			    (t->kind[0] == SLOT_SPILL && t->reg.type == REG_SCALAR))
				fn(&t->reg, i * LOC_FRAME + LOC_SLOT + n, arg);
		}
	}
}

struct reg *join_at(struct state *s, u32 loc)
{
	struct frame *f = loc / LOC_FRAME < s->nr_frames ? s->frames[loc / LOC_FRAME] : NULL;
	u32 n = loc % LOC_FRAME;

	if (!f)
		return NULL;
	if (n < LOC_SLOT)
		return f->regs[n].type == REG_SCALAR ? &f->regs[n] : NULL;
	n -= LOC_SLOT;
	if (n >= f->nr_slots || (f->slots[n].kind[0] != SLOT_ITER &&
	    (f->slots[n].kind[0] != SLOT_SPILL || f->slots[n].reg.type != REG_SCALAR)))
		return NULL;
	return &f->slots[n].reg;
}

/* ---- what no longer matters ---------------------------------------------- */

static void drop_dead(struct verifier *v, struct state *s)
{
	for (u32 i = 0; i < s->nr_frames; i++) {
		u32 live = state_live(v, s, i, s->insn);

		s->frames[i]->depth = 0;
		for (unsigned r = 0; r < REG_FP; r++)
			if (!(live >> r & 1) && s->frames[i]->regs[r].type)
				reg_set_none(&s->frames[i]->regs[r]);
	}
}

/* Elements that an iterator gave count as distance from its seed. */
static void fold_elements(struct reg *r, u32 loc, void *arg)
{
	(void)loc, (void)arg;
	if (r->type != REG_NONE || !r->off)
		return;
	r->step_min += r->off;
	r->step_max += r->off;
	r->off = 0;
}

void join_normalise(struct verifier *v, struct state *s)
{
	s->may_goto = 0;
	drop_dead(v, s);
	join_each(s, fold_elements, NULL);
	state_unlink_single(s);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.c: that what is covered cannot go round for ever. A state that comes back to an
 * open one is a later pass because something there gets nearer to its end: an iterator, a
 * call with a body, a frame's budget of may_goto; that is the open state's measure. What it
 * is worth depends on the other ways: a circle of covered states may go through many places,
 * and on one way the iterator may have been made anew.
 *
 * So each end of a path at a stored state, open or complete, must leave the measures of the
 * open states around as they were, where the stored state has them. Of any circle one state
 * was stored first; while the others were, it was open, and what comes back to it last has
 * its measure. Going backwards from there all have it, by this rule; so it is one and the
 * same all the way round, and ends.
 *
 * Only policies that say that programs end ask. (The kernel does not.)
 */
#include "verify/explore.h"
#include "verify/pack.h"

/* The iterator whose next element S asks for, if it is at such a call. */
static bool iterator_of(const struct verifier *v, const struct state *s, struct measure *m)
{
	const struct reg *r = state_reg(s, 1);
	const struct frame *f;
	s64 n;

	if (v->points[s->insn].op != OP_CALL_KFUNC || r->type != REG_STACK ||
	    r->frame >= s->nr_frames)
		return false;
	f = s->frames[r->frame];
	n = -(r->off + (s64)scalar_value(&r->val)) / SLOT_BYTES - 1;
	if (n < 0 || n >= f->nr_slots || f->slots[n].kind[0] != SLOT_ITER)
		return false;
	*m = (struct measure){ MEASURE_ITER, r->frame, (u8)n, f->slots[n].reg.ref, 0 };
	return true;
}

struct measure measure_of(const struct verifier *v, const struct state *s)
{
	const struct frame *f = state_frame(s);
	u8 frame = (u8)(s->nr_frames - 1);
	struct measure m = { 0 };

	if (iterator_of(v, s, &m))
		return m;
	if (v->points[s->insn].op == OP_MAY_GOTO)
		return (struct measure){ MEASURE_BUDGET, frame, 0, f->serial, 0 };
	if (v->points[s->insn].flags & POINT_FORCE)
		return (struct measure){ MEASURE_RUN, frame, 0, f->serial, f->left };
	return m;
}

static bool is_run(const struct frame *f, const struct measure *m)
{
	return f->serial == m->id && (m->kind == MEASURE_BUDGET || f->left == m->left);
}

/* OLD has M. */
static bool stored_has(const struct packed *old, const struct measure *m)
{
	const struct packed_frame *f = &old->frames[m->frame];

	if (m->frame >= old->head.nr_frames)
		return false;
	if (m->kind != MEASURE_ITER)
		return is_run(old->head.frames[m->frame], m);
	return m->slot < f->nr_slots && f->slots[m->slot].kind[0] == SLOT_ITER &&
	       f->slots[m->slot].reg->ref == m->id;
}

static bool has(const struct state *s, const struct measure *m)
{
	const struct frame *f;

	if (m->frame >= s->nr_frames)
		return false;
	f = s->frames[m->frame];
	if (m->kind != MEASURE_ITER)
		return is_run(f, m);
	return m->slot < f->nr_slots && f->slots[m->slot].kind[0] == SLOT_ITER &&
	       f->slots[m->slot].reg.ref == m->id;
}

/* Of budget M S has used more than OLD; both have it. */
static bool uses_more(const struct packed *old, const struct state *s, const struct measure *m)
{
	return s->frames[m->frame]->fell > old->head.frames[m->frame]->fell;
}

/*
 * S has M, too, which OLD has. A budget goes down on the way round only when the way to S
 * has used some, since the open state K, or when not all that is used was so on the way
 * from there to OLD.
 */
static bool stays(const struct packed *old, const struct state *s, const struct measure *m,
		  const struct kept *k)
{
	u32 i = m->frame;

	if (!has(s, m))
		return false;
	return m->kind != MEASURE_BUDGET || s->frames[i]->fell >= old->head.frames[i]->fell ||
	       (k->state && stored_has(k->state, m) && uses_more(k->state, s, m));
}

static bool same_measure(const struct measure *a, const struct measure *b)
{
	return a->kind == b->kind && a->id == b->id && a->left == b->left;
}

/* What goes round by S and OLD is brought to its end by BY, or by a budget, which the open
 * states around K rely on, too: what K relies on need not stay. */
static bool ends_anyway(const struct kept *k, const struct packed *old, const struct state *s,
			const struct measure *by)
{
	while ((k = k->around))
		if ((by->kind && same_measure(&k->measure, by)) ||
		    (k->measure.kind == MEASURE_BUDGET && stored_has(old, &k->measure) &&
		     has(s, &k->measure) && uses_more(old, s, &k->measure)))
			return true;
	return false;
}

/* A timer has called what S is in, later than what OLD is in: that is no loop. */
bool later_run(const struct packed *old, const struct state *s)
{
	return old->head.frames[0]->serial != s->frames[0]->serial;
}

bool measures_stay(const struct verifier *v, const struct packed *old, const struct state *s,
		   u32 time, const struct measure *by)
{
	const struct kept *k = v->open.n ? v->open.v[v->open.n - 1] : NULL, *last;

	if (v->opts->policy != POLICY_USER || later_run(old, s))
		return true;
	while (k && (k->time > time || !k->measure.kind))
		k = k->around;
	for (last = k; k; k = k->around)
		if (stored_has(old, &k->measure) && !stays(old, s, &k->measure, last) &&
		    !ends_anyway(k, old, s, by))
			return false;
	return true;
}

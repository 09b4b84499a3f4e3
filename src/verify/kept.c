/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept.c: stored states: from storing until nobody needs them. An open state waits
 * for its paths; when they are complete it takes over what the definitions (def.h)
 * have learned, and covers others. Where memory is used up (v->budget), those that
 * covered nothing for the longest time go: that only makes paths longer.
 */
#include "verify/explore.h"
#include "verify/pack.h"

/* CROWD at one point tell that paths explode: see both.c. STAY complete ones stay, however
 * scarce memory is: without any, each branch that waits would go all the way to the end. */
enum { CROWD = 64, STAY = 256 };

/* ---- the order in which complete states go -------------------------------- */

static void order_add(struct verifier *v, struct kept *k)
{
	k->older = v->newest;
	k->newer = NULL;
	if (v->newest)
		v->newest->newer = k;
	else
		v->oldest = k;
	v->newest = k;
	v->nr_complete++;
}

static void order_remove(struct verifier *v, struct kept *k)
{
	if (k->older)
		k->older->newer = k->newer;
	else
		v->oldest = k->newer;
	if (k->newer)
		k->newer->older = k->older;
	else
		v->newest = k->older;
	v->nr_complete--;
}

void kept_hit(struct verifier *v, struct kept *k)
{
	k->hits++;
	order_remove(v, k);
	order_add(v, k);
}

/* ---- dropping ------------------------------------------------------------- */

static struct kept *kept_new(struct verifier *v)
{
	struct kept *k = v->free_kept;

	if (!k)
		return arena_new(&v->mem, struct kept);
	v->free_kept = k->next;
	memset(k, 0, sizeof(*k));
	return k;
}

static void kept_free(struct verifier *v, struct kept *k)
{
	k->next = v->free_kept;
	v->free_kept = k;
}

void kept_drop(struct verifier *v, struct kept **at)
{
	struct kept *k = *at;

	*at = k->next;
	v->nr_kept--;
	packed_free(v, k->state);
	k->state = NULL;
	k->dropped = true;
	if (k->open)		/* its path still leads through it */
		return;
	order_remove(v, k);
	kept_free(v, k);
}

bool kept_evict(struct verifier *v)
{
	struct kept **at;

	if (v->nr_complete <= STAY)
		return false;
	at = &v->kept[v->oldest->state->head.insn];
	while (*at != v->oldest)
		at = &(*at)->next;
	kept_drop(v, at);
	return true;
}

/* ---- completing ----------------------------------------------------------- */

/* R, in the stored state K, mattered. */
static bool mattered(const struct verifier *v, const struct kept *k, const struct reg *r)
{
	return r->type == REG_SCALAR && r->def && def_marked_since(v, r->def, k->time);
}

static void close_frame(const struct verifier *v, const struct kept *k, struct packed_frame *f)
{
	bool loops = v->loops.v[k->time].to;

	for (unsigned r = 0; r < REG_FP; r++)
		f->known |= (u32)mattered(v, k, f->regs[r]) << r;
	f->precise = loops ? ~0u : f->known;
	for (u32 n = 0; n < f->nr_slots; n++) {
		struct packed_slot *t = &f->slots[n];

		t->known = mattered(v, k, t->reg);
		t->precise = loops || t->known;
		t->live = loops || (t->def && def_read_since(v, t->def, k->time));
	}
}

/* All paths from K are complete. */
static void kept_close(struct verifier *v, struct kept *k)
{
	k->open = false;
	if (k->dropped) {
		kept_free(v, k);
		return;
	}
	for (u32 i = 0; i < k->state->head.nr_frames; i++)
		close_frame(v, k, &k->state->frames[i]);
	order_add(v, k);
}

void kept_close_down_to(struct verifier *v, u32 nr_open)
{
	while (v->open.n > nr_open)
		kept_close(v, v->open.v[--v->open.n]);
}

/* ---- storing ------------------------------------------------------------- */

/* Paths explode here: tells once. */
static void note_crowd(struct verifier *v, const struct kept *k)
{
	u32 n = 0;

	for (; k && n < CROWD; k = k->next)
		n++;
	if (n == CROWD)
		v->crowded = v->was_crowded = true;
}

/* The open state that was stored last, of those that have a measure. */
static struct kept *last_measured(const struct verifier *v)
{
	struct kept *k = v->open.n ? v->open.v[v->open.n - 1] : NULL;

	return !k || k->measure.kind ? k : k->around;
}

void kept_store(struct verifier *v, struct state *s)
{
	struct packed *p = state_pack_live(v, s);
	struct kept *k = kept_new(v);

	k->state = p;
	k->time = ++v->now;
	while (v->loops.n <= k->time)
		*vec_push(&v->loops) = (struct loop_back){ 0 };
	k->nr_defs = (u32)v->defs.n;
	k->measure = measure_of(v, s);
	k->around = last_measured(v);
	k->open = true;
	k->next = v->kept[s->insn];
	v->kept[s->insn] = k;
	if (!v->was_crowded)
		note_crowd(v, k);
	*vec_push(&v->open) = k;
	v->step_jumps = v->step_insns = 0;
	if (++v->nr_kept > v->peak_kept)
		v->peak_kept = v->nr_kept;
	v->result->states++;
}

void kept_forget(struct verifier *v)
{
	for (u32 i = 0; i < v->nr_insns; i++)
		while (v->kept[i]) {
			v->kept[i]->open = true;	/* in no order any more */
			kept_drop(v, &v->kept[i]);
		}
	v->oldest = v->newest = NULL;
	v->nr_complete = 0;
}

/* ---- what a covered state takes over ------------------------------------- */

void kept_note_stale(struct verifier *v, const struct packed_frame *old, const struct frame *new,
		     bool all)
{
	for (u32 n = 0; n < old->nr_slots; n++) {
		const struct packed_slot *a = &old->slots[n];
		const struct slot *b = &new->slots[n];

		for (u32 i = 0; (all || a->live) && i < SLOT_BYTES; i++)
			if (a->kind[i] != SLOT_NONE &&
			    (n >= new->nr_slots || b->kind[i] == SLOT_NONE))
				v->stale_slots |= 1ull << n;
	}
}

/* NEW ends where OLD began: what mattered from there on matters for NEW. */
static void take_over_frame(struct verifier *v, const struct packed_frame *old,
			    struct frame *new, bool known)
{
	u32 regs = known ? old->known : old->precise;

	for (unsigned r = 0; r < REG_FP; r++)
		if (regs >> r & 1)
			reg_mark(v, &new->regs[r]);
	for (u32 n = 0; n < old->nr_slots && n < new->nr_slots; n++) {
		const struct packed_slot *t = &old->slots[n];

		if (t->live && new->slots[n].def)
			def_read(v, new->slots[n].def);
		if (t->kind[0] == SLOT_SPILL && (known ? t->known : t->precise))
			reg_mark(v, &new->slots[n].reg);
	}
}

void kept_take_over(struct verifier *v, const struct kept *k, struct state *s, bool known)
{
	for (u32 i = 0; i < s->nr_frames; i++) {
		kept_note_stale(v, &k->state->frames[i], s->frames[i], false);
		take_over_frame(v, &k->state->frames[i], s->frames[i], known);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore.c: all paths of a function, depth first. At points where paths meet
 * the state is compared with stored ones, and a path ends where a stored state
 * covers it.
 *
 * What was stored on the current path is "open": its own paths are still being
 * followed, so it cannot cover anything; meeting an open state that is equal
 * means that the path goes round without end. When a path ends, the last branch
 * is taken up; what was stored after the branch is complete then and takes over
 * what the definitions (def.h) have learned.
 */
#include "verify/call.h"
#include "verify/explore.h"
#include "verify/inv.h"
#include "verify/log.h"
#include "verify/pack.h"

/* ---- branches to come back to -------------------------------------------- */

/* So much of one kind tells that paths explode: see explore. */
enum { CROWD_PENDING = 1024,
	/* branches that will soon be taken up are not packed */
	SOON = 16 };

/* Branches below the last ones will wait for long: another one is to be pushed. */
static void pack_pending(struct verifier *v)
{
	struct pending *p = v->pending.n >= SOON ? &v->pending.v[v->pending.n - SOON] : NULL;

	if (!p || !p->state)
		return;
	p->packed = state_pack(v, p->state);
	state_free(v, p->state);
	p->state = NULL;
}

struct state *explore_push(struct verifier *v, struct state *s, u32 insn)
{
	struct state *copy;

	if (v->inv)
		return inv_push(v, s, insn);
	if (v->pending.n >= MAX_PENDING) {
		v->full = true;
		v->full_at = s->insn - 1;
		return NULL;
	}
	if (v->pending.n >= CROWD_PENDING && !v->was_crowded)
		v->crowded = v->was_crowded = true;
	pack_pending(v);
	copy = state_copy(v, s);
	copy->insn = insn;
	*vec_push(&v->pending) = (struct pending){
		copy, NULL, (u32)v->defs.n, (u32)v->open.n, s->insn - 1,
		v->opts->log ? v->opts->log->n : 0 };
	return copy;
}

void explore_settle(struct verifier *v)
{
	if (v->inv)
		return;
	v->pending.v[v->pending.n - 1].nr_defs = (u32)v->defs.n;
}

void explore_unpush(struct verifier *v)
{
	if (v->inv) {
		inv_unpush(v);
		return;
	}
	state_free(v, v->pending.v[--v->pending.n].state);
}

/* ---- passes over what repeats -------------------------------------------- */

/* The state that the pass before S began with; not what this visit stored. */
static struct kept *last_pass(struct verifier *v, const struct state *s, u32 at)
{
	bool here = s->insn != at;

	for (struct kept *k = v->kept[at]; k; k = k->next)
		if (k->open && k->state->head.nr_frames == s->nr_frames &&
		    !(here && k->time == v->now))
			return k;
	return NULL;
}

/* What mattered keeps its range: the passes may come to an end by it. */
static void widen_reg(struct verifier *v, const struct reg *old, struct reg *new, u32 bytes)
{
	if (old->type != REG_SCALAR || new->type != REG_SCALAR)
		return;
	if (old->off != new->off)	/* a sum that grows from pass to pass */
		reg_unlink(new);
	if (!scalar_eq(&old->val, &new->val) && !def_marked(v, old->def) &&
	    !def_marked(v, new->def))
		reg_set_scalar(v, new, scalar_load(bytes, false));
}

static void widen_slot(struct verifier *v, const struct packed_frame *f, u32 n,
		       struct slot *new)
{
	const struct packed_slot *old = &f->slots[n];
	u32 bytes = slot_spilled(new);

	if (bytes && !memcmp(old->kind, new->kind, SLOT_BYTES))
		widen_reg(v, old->reg, &new->reg, bytes);
}

void widen_from(struct verifier *v, struct state *s, u32 at)
{
	struct kept *k = v->inv ? NULL : last_pass(v, s, at);

	for (u32 i = 0; k && i < s->nr_frames; i++) {
		const struct packed_frame *old = &k->state->frames[i];
		struct frame *new = s->frames[i];

		for (unsigned r = 0; r < REG_FP; r++)
			widen_reg(v, old->regs[r], &new->regs[r], SLOT_BYTES);
		for (u32 n = 0; n < old->nr_slots && n < new->nr_slots; n++)
			widen_slot(v, old, n, &new->slots[n]);
	}
}

void widen_pass(struct verifier *v, struct state *s)
{
	widen_from(v, s, s->insn);
}

/* How many elements the iterator in slot N has given; 0: there is none. */
static u32 given(const struct reg *r, u8 kind)
{
	return kind == SLOT_ITER ? (u32)r->off : 0;
}

/* Each iterator of F has given as many as in OLD: a sum of them would be the same when an
 * outer loop went on and an inner one had begun anew. */
static bool same_given(const struct packed_frame *old, const struct frame *f)
{
	const u32 n = old->nr_slots > f->nr_slots ? old->nr_slots : f->nr_slots;

	for (u32 i = 0; i < n; i++) {
		u32 was = 0, is = 0;

		if (i < old->nr_slots)
			was = given(old->slots[i].reg, old->slots[i].kind[0]);
		if (i < f->nr_slots)
			is = given(&f->slots[i].reg, f->slots[i].kind[0]);
		if (was != is)
			return false;
	}
	return true;
}

/* Both are in the same passes over what repeats: S is no later round. (What a timer calls
 * later is covered before that is asked: pass_covered.) */
static bool same_passes(const struct packed *packed, const struct state *s)
{
	const struct state *old = &packed->head;

	if (old->may_goto != s->may_goto)
		return false;
	for (u32 i = 0; i < s->nr_frames && i < old->nr_frames; i++)
		if (s->frames[i]->depth != old->frames[i]->depth ||
		    !same_given(&packed->frames[i], s->frames[i]))
			return false;
	return true;
}

/* The iterator that the instruction asks for its next element, M, has given more since OLD,
 * and is not drained. */
static bool iterates_on(const struct measure *m, const struct packed *old, const struct state *s)
{
	const struct packed_frame *f = &old->frames[m->frame];
	const struct reg *was;

	if (m->kind != MEASURE_ITER || m->frame >= old->head.nr_frames || m->slot >= f->nr_slots)
		return false;
	was = f->slots[m->slot].reg;
	/* the same iterator, not one that was made anew */
	return was->ref == m->id && s->frames[m->frame]->slots[m->slot].reg.off > was->off;
}

/*
 * OLD and S belong to one run of what repeats, which ends: to one call with a body, or
 * to one frame with its budget of may_goto. In another run all is counted anew, and a
 * loop around could go on for ever. (The kernel lets it.)
 */
static bool same_run(const struct verifier *v, const struct frame *old, const struct frame *new)
{
	return v->opts->policy != POLICY_USER ||
	       (old->serial == new->serial && old->left == new->left);
}

/* S has used more of the budget of may_goto than OLD. (The kernel counts those of all
 * functions as one.) */
static bool uses_budget(const struct verifier *v, const struct state *old,
			const struct state *s)
{
	const struct frame *a = state_frame(old), *b = state_frame(s);

	if (v->opts->policy != POLICY_USER)
		return s->may_goto > old->may_goto;
	return a->serial == b->serial && b->fell > a->fell;
}

/* The open state that was stored at TIME, or NULL. */
static const struct kept *open_at(const struct verifier *v, u32 time)
{
	size_t lo = 0, hi = v->open.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (v->open.v[mid]->time < time)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->open.n && v->open.v[lo]->time == time ? v->open.v[lo] : NULL;
}

/*
 * What K leads back to may have become complete and lead back itself to what is open
 * still.
 */
struct loop_back loop_of(struct verifier *v, const struct kept *k)
{
	struct loop_back *own = &v->loops.v[k->time], l = *own;

	while (l.to && !open_at(v, l.to)) {
		const struct loop_back *next = &v->loops.v[l.to];

		/* all that was younger is complete, too */
		l.to = next->to;
		l.last = next->last;
		l.defs = (u32)max_u64(l.defs, next->defs);
	}
	if (l.to)
		*own = l;
	return l;
}

/*
 * Paths from K, which is complete, led back to an open state as later passes. As long as
 * that is open it may lead to S, and both would lead to each other for ever if what brings
 * K to an end were another thing in S.
 */
bool same_way_back(struct verifier *v, const struct kept *k, const struct state *s)
{
	static const struct measure none;
	struct loop_back l = loop_of(v, k);

	return !l.to || measures_stay(v, k->state, s, l.last, &none);
}

/* S adds nothing to the pass that OLD began. */
static bool pass_covered(struct verifier *v, const struct kept *k, const struct state *s)
{
	const struct frame *old = state_frame(&k->state->head), *new = state_frame(s);
	const struct measure m = measure_of(v, s);

	if (!(new->depth > old->depth && same_run(v, old, new)) &&
	    !iterates_on(&m, k->state, s) && !later_run(k->state, s) &&
	    (v->points[s->insn].op != OP_MAY_GOTO || !uses_budget(v, &k->state->head, s)))
		return false;
	return state_covers(v, k->state, s, s->insn, COVERS_RANGE) &&
	       measures_stay(v, k->state, s, k->time, &m);
}

/*
 * S goes on as the open state OLD did, of which not all is known yet. What is
 * the same number in both needs nothing more: a mark on it is one for both, and
 * reaches the states before OLD; those behind it are cyclic. Nor does what may be
 * any number in OLD. All else counts as mattering.
 */
static void mark_changed(struct verifier *v, const struct reg *old, const struct reg *new)
{
	if (new->type == REG_SCALAR && old->type != REG_NONE && new->def != old->def &&
	    (old->id || !scalar_is_unknown(&old->val)))
		reg_mark(v, new);
}

/* What was stored since OLD leads to it, and to what was stored at LAST at the latest, when
 * there were DEFS definitions at most. */
static void note_loop(struct verifier *v, const struct kept *old, u32 defs, u32 last)
{
	for (size_t i = v->open.n; i-- > 0 && v->open.v[i] != old;) {
		struct loop_back *l = &v->loops.v[v->open.v[i]->time];

		l->to = l->to && l->to < old->time ? l->to : old->time;
		l->defs = (u32)max_u64(l->defs, defs);
		l->last = (u32)max_u64(l->last, last);
	}
}

void join_pass(struct verifier *v, const struct kept *k, struct state *s)
{
	note_loop(v, k, k->nr_defs, k->time);
	for (u32 i = 0; i < s->nr_frames; i++) {
		const struct packed_frame *from = &k->state->frames[i];
		struct frame *f = s->frames[i];

		kept_note_stale(v, from, f, true);	/* what is read is not known yet */
		for (unsigned r = 0; r < REG_FP; r++)
			mark_changed(v, from->regs[r], &f->regs[r]);
		for (u32 n = 0; n < f->nr_slots; n++) {
			if (f->slots[n].def)
				def_read(v, f->slots[n].def);
			if (f->slots[n].kind[0] == SLOT_SPILL && n < from->nr_slots)
				mark_changed(v, from->slots[n].reg, &f->slots[n].reg);
		}
	}
}

/* ---- covered by a part of a loop ------------------------------------------ */

/*
 * A number of K, OLD, may come unchanged to where the loop begins, and matter there:
 * nobody knows yet. One that was made in the loop would be marked if it came there.
 * NEW, which stands for it, matters then, too, unless it is the same number: what is
 * marked later reaches both. Numbers of before BEGIN can be told apart, since it is
 * open; others may have the number of one that is forgotten.
 */
static void mark_other(struct verifier *v, struct loop_back l, const struct kept *begin,
		       const struct reg *old, const struct reg *new)
{
	bool same = new->def == old->def && old->def < begin->nr_defs;

	if (old->type == REG_SCALAR && new->type == REG_SCALAR && old->def < l.defs &&
	    !same)
		reg_mark(v, new);
}

/* S goes on as K did, which leads back as L says: it is in the loop that BEGIN begins. */
static void join_loop(struct verifier *v, const struct kept *k, struct loop_back l,
		      const struct kept *begin, struct state *s)
{
	note_loop(v, begin, l.defs, l.last);
	for (u32 i = 0; i < s->nr_frames; i++) {
		const struct packed_frame *from = &k->state->frames[i];
		struct frame *f = s->frames[i];

		kept_note_stale(v, from, f, true);	/* what is read is not known yet */
		for (unsigned r = 0; r < REG_FP; r++)
			mark_other(v, l, begin, from->regs[r], &f->regs[r]);
		for (u32 n = 0; n < f->nr_slots; n++) {
			if (f->slots[n].def)
				def_read(v, f->slots[n].def);
			if (f->slots[n].kind[0] == SLOT_SPILL && n < from->nr_slots)
				mark_other(v, l, begin, from->slots[n].reg, &f->slots[n].reg);
		}
	}
}

/*
 * K, which is complete, covers S. Where K is in a loop that is not complete, S is in
 * it from now on, and only what is known to matter is taken over.
 */
void covered_by(struct verifier *v, struct kept *k, struct state *s)
{
	struct loop_back l = loop_of(v, k);

	kept_hit(v, k);
	kept_take_over(v, k, s, l.to);
	if (l.to)
		join_loop(v, k, l, open_at(v, l.to), s);
}

/* ---- meeting points ------------------------------------------------------ */

enum { LOOP_JUMPS = 20, LOOP_INSNS = 100 };

/*
 * How often a state may cover nothing. Passes over what repeats are told by what is stored:
 * it stays longer. Where too few stay nests are followed over and over, as the kernel's
 * numbers have it for some (a loop of more than 64 rounds around an iterator); whom they
 * are not the rule for keeps more when it takes long.
 */
static const struct misses { u32 states, passes; } few = { 3, 64 }, more = { 9, 256 };

enum { LONG = 32768 };

static bool worn_out(const struct verifier *v, const struct kept *k)
{
	bool pass = k->open && (v->points[k->state->head.insn].flags & POINT_FORCE);
	bool takes_long = v->opts->policy == POLICY_USER && v->visited >= LONG;
	const struct misses *m = takes_long ? &more : &few;
	u32 n = pass ? m->passes : m->states;

	return k->misses > k->hits * n + n;
}

enum visit { VISIT_ON, VISIT_COVERED, VISIT_ENDLESS };

/* Whatever else speaks against it. */
static bool always_stored(const struct verifier *v, const struct state *s)
{
	return v->points[s->insn].flags & POINT_FORCE || v->opts->flags & VERIFY_STORE_OFTEN;
}

static bool worth_storing(const struct verifier *v, const struct state *s)
{
	return always_stored(v, s) ||
	       (v->step_jumps >= 2 && v->step_insns >= 8);
}

/* In a loop, states are stored less often: it would be one for each pass. */
static bool worth_storing_in_loop(const struct verifier *v, const struct state *s)
{
	return always_stored(v, s) ||
	       v->step_jumps >= LOOP_JUMPS || v->step_insns >= LOOP_INSNS;
}

/*
 * Compares S with what was stored here; *STORE: whether S is to be stored. Only
 * then does a miss count against a stored state: passes of a loop that are not
 * stored would soon drive out what earlier passes left.
 */
static enum visit compare(struct verifier *v, struct state *s, bool *store)
{
	struct kept **at = &v->kept[s->insn], *k;
	u32 n = 0;

	while ((k = *at)) {
		n++;
		if (k->open && pass_covered(v, k, s)) {
			join_pass(v, k, s);
			return VISIT_COVERED;
		}
		if (k->open) {
			if (same_passes(k->state, s) &&
			    state_covers(v, k->state, s, s->insn, COVERS_EXACT))
				return VISIT_ENDLESS;
			*store &= worth_storing_in_loop(v, s);
		} else if (state_covers(v, k->state, s, s->insn, COVERS_PRUNE) &&
			   same_way_back(v, k, s)) {
			covered_by(v, k, s);
			return VISIT_COVERED;
		}
		k->misses += *store;
		if (worn_out(v, k))
			kept_drop(v, at);
		else
			at = &k->next;
	}
	v->most_kept = n > v->most_kept ? n : v->most_kept;
	return VISIT_ON;
}

static bool visit(struct verifier *v, struct state *s)
{
	bool store = worth_storing(v, s);

	if (v->opts->flags & VERIFY_NO_PRUNE)
		return true;
	switch (compare(v, s, &store)) {
	case VISIT_COVERED:
		v->step_insns++;	/* it is counted, as in the kernel */
		return false;
	case VISIT_ENDLESS:
		reject(v, REJECT_ENDLESS, s->insn, &(struct why){ .a = s->insn });
		return false;
	default:
		if (store)
			kept_store(v, s);
		return true;
	}
}

/* ---- paths --------------------------------------------------------------- */

bool paths_at_end(const struct verifier *v)
{
	return v->full || v->visited >= v->limit;
}

enum progress { PATH_ENDS, PATH_PAUSES };

/*
 * Follows S to its end, or until BUDGET instructions were visited in all. At the
 * limit a covered state still ends its path: the kernel counts so.
 */
static enum progress follow(struct verifier *v, struct state *s, u64 budget)
{
	bool ends;
	u32 at;

	while (!v->stop) {
		v->stop = v->errors.n && v->visited >= v->last;
		if (v->crowded || (v->visited >= budget && budget < v->limit))
			return PATH_PAUSES;
		if ((v->points[s->insn].flags & POINT_PRUNE) && !visit(v, s)) {
			log_covered(v, s);
			break;
		}
		if (paths_at_end(v))
			return PATH_PAUSES;
		v->at = s;
		at = s->insn;
		if (v->opts->log)
			log_before(v, s);
		ends = step(v, s) == STEP_END;
		if (v->full)	/* a way is lost: nothing stored is complete any more */
			return PATH_PAUSES;
		if (ends)
			break;
		if (v->opts->log)
			log_after(v, s, at);
	}
	return PATH_ENDS;
}

struct state *explore_entry(struct verifier *v, u32 func)
{
	struct state *s = state_new(v);

	state_push_frame(v, s, func, 0);
	s->insn = v->funcs[func].start;
	s->sleepable = v->entry_sleeps;
	if (func)
		global_args(v, s, func);
	else
		reg_set_ptr(state_reg(s, 1), REG_CTX, 0);
	return s;
}

/* The next path; NULL: all were followed. */
static struct state *next_path(struct verifier *v)
{
	struct pending p;

	if (!v->pending.n || v->stop)
		return NULL;
	p = v->pending.v[--v->pending.n];
	if (!p.state)
		p.state = state_unpack(v, p.packed);
	kept_close_down_to(v, p.nr_open);
	v->defs.n = p.nr_defs;
	if (v->opts->log && v->opts->log_level < 2) {
		v->opts->log->n = p.log;
		v->log_open = false;
	}
	log_from(v, p.state, p.from);
	return p.state;
}

void paths_run(struct verifier *v, struct state **s, u64 budget)
{
	while (*s && follow(v, *s, budget) == PATH_ENDS) {
		state_free(v, *s);
		*s = next_path(v);
	}
}

void paths_drop(struct verifier *v)
{
	for (size_t i = 0; i < v->pending.n; i++)
		if (v->pending.v[i].state)
			state_free(v, v->pending.v[i].state);
		else
			packed_free(v, v->pending.v[i].packed);
	v->pending.n = v->open.n = v->defs.n = 0;
	kept_forget(v);
}

void paths_close(struct verifier *v)
{
	v->at = NULL;
	kept_close_down_to(v, 0);
	v->at = NULL;
}

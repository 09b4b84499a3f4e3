/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * select.c: a branch around almost nothing becomes conditional moves: what both
 * ways compute is computed, and SELECTs choose. Worth it while a wrongly guessed
 * branch costs more than doing both: a few cheap operations, one or two values.
 *
 * A branch does not wait for what it depends on, a conditional move does. So what is
 * chosen by something loaded, and leads to an address that is loaded from, stays a
 * branch: as in a search, where else each step waits for memory before it asks for more.
 */
#include "jit/opt/ir.h"

enum { SIDE_MAX = 2, CHOICES_MAX = 2 };

/* ---- what addresses come from --------------------------------------------------- */

static void lead(struct ir *v, ir_list *work)
{
	v = ir_rep(v);
	if (v->seen || (!ir_pure(v) && !ir_is(v, IR_PHI)) || ir_remade(v))
		return;
	v->seen = true;
	*vec_push(work) = v;
}

/* Marks, as seen, all from which addresses of loads are reckoned. */
static void mark_addresses(struct ir_func *f)
{
	ir_list work = { 0 };

	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->nodes.n; i++)
			if (ir_is(f->blocks.v[b]->nodes.v[i], IR_LOAD))
				lead(f->blocks.v[b]->nodes.v[i]->arg[0], &work);
	while (work.n) {
		struct ir *v = work.v[--work.n];

		for (u32 a = 0; a < v->n; a++)
			lead(v->arg[a], &work);
	}
	vec_free(&work);
}

static void forget_marks(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		const struct ir_block *block = f->blocks.v[b];

		for (size_t i = 0; i < block->phis.n; i++)
			block->phis.v[i]->seen = false;
		for (size_t i = 0; i < block->nodes.n; i++)
			block->nodes.v[i]->seen = false;
	}
}

enum { NEAR = 3 };

static bool is_loaded(const struct ir *v, u32 depth)
{
	v = ir_rep((struct ir *)v);
	if (ir_is(v, IR_LOAD))
		return true;
	for (u32 a = 0; depth && ir_pure(v) && a < v->n; a++)
		if (is_loaded(v->arg[a], depth - 1))
			return true;
	return false;
}

/* What BRANCH decides, a PHI of JOIN for predecessors A and B, is waited for. */
static bool is_waited_for(const struct ir *branch, const struct ir_block *join, u32 a, u32 b)
{
	if (!is_loaded(branch->arg[0], NEAR) && !is_loaded(branch->arg[1], NEAR))
		return false;
	for (size_t i = 0; i < join->phis.n; i++)
		if (join->phis.v[i]->seen &&
		    ir_rep(join->phis.v[i]->arg[a]) != ir_rep(join->phis.v[i]->arg[b]))
			return true;
	return false;
}

/* ---- branches --------------------------------------------------------------------- */

static struct ir *branch_of(const struct ir_block *b) { return b->nodes.v[b->nodes.n - 1]; }

/* Nodes of B but its jump, when all are cheap and without effect; else -1. */
static int cheap(const struct ir_block *b)
{
	for (size_t i = 0; i + 1 < b->nodes.n; i++) {
		const struct ir *v = b->nodes.v[i];

		if (!ir_pure(v) || ir_is(v, IR_MUL) || ir_is(v, IR_MULHI) || ir_is(v, IR_SELECT) ||
		    (v->op >= IR_UDIV && v->op <= IR_SMOD))
			return -1;
	}
	return (int)b->nodes.n - 1;
}

/* B is only a way from FROM to its one successor. */
static bool is_side(const struct ir_block *b, const struct ir_block *from)
{
	int n = b->nr_pred == 1 && b->pred[0] == from && b->nr_succ == 1 && !b->phis.n &&
		ir_is(b->nodes.v[b->nodes.n - 1], IR_JMP) ? cheap(b) : -1;

	return n >= 0 && n <= SIDE_MAX;
}

static u32 pred_index(const struct ir_block *b, const struct ir_block *from)
{
	for (u32 i = 0; i < b->nr_pred; i++)
		if (b->pred[i] == from)
			return i;
	return 0;
}

static u32 choices(const struct ir_block *join, u32 a, u32 b)
{
	u32 n = 0;

	for (size_t i = 0; i < join->phis.n; i++)
		n += ir_rep(join->phis.v[i]->arg[a]) != ir_rep(join->phis.v[i]->arg[b]);
	return n;
}

/* What SIDE computes is computed in B, before its branch. */
static void hoist(struct ir_block *b, struct ir_block *side)
{
	struct ir *branch = b->nodes.v[--b->nodes.n];

	for (size_t i = 0; i + 1 < side->nodes.n; i++) {
		side->nodes.v[i]->block = b;
		*vec_push(&b->nodes) = side->nodes.v[i];
	}
	*vec_push(&b->nodes) = branch;
	side->nodes.v[0] = side->nodes.v[side->nodes.n - 1];
	side->nodes.n = 1;
}

/* The PHIs of JOIN get from predecessor KEEP what the branch of B chooses between
 * what comes from TAKEN and from OTHER. */
static void add_selects(struct ir_func *f, struct ir_block *b, struct ir_block *join, u32 keep,
			u32 taken, u32 other)
{
	struct ir *branch = b->nodes.v[--b->nodes.n];

	for (size_t i = 0; i < join->phis.n; i++) {
		struct ir *phi = join->phis.v[i], *t = ir_rep(phi->arg[taken]),
			  *e = ir_rep(phi->arg[other]), *s;

		if (t == e)
			continue;
		s = ir_new(f, IR_SELECT, branch->w, 4);
		s->cc = branch->cc;
		s->arg[0] = branch->arg[0];
		s->arg[1] = branch->arg[1];
		s->arg[2] = t;
		s->arg[3] = e;
		s->block = b;
		s->slot = branch->slot;
		*vec_push(&b->nodes) = s;
		phi->arg[keep] = s;
	}
	branch->op = IR_JMP;
	branch->n = 0;
	*vec_push(&b->nodes) = branch;
}

/* B goes straight to JOIN; what JOIN has from predecessor GONE is forgotten. */
static void join_edge(struct ir_block *b, struct ir_block *join, u32 gone)
{
	b->succ[0] = join;
	b->nr_succ = 1;
	join->nr_pred--;
	for (u32 i = gone; i < join->nr_pred; i++) {
		join->pred[i] = join->pred[i + 1];
		for (size_t p = 0; p < join->phis.n; p++)
			join->phis.v[p]->arg[i] = join->phis.v[p]->arg[i + 1];
	}
	for (size_t p = 0; p < join->phis.n; p++)
		join->phis.v[p]->n--;
}

/* if (c) SIDE; JOIN */
static bool triangle(struct ir_func *f, struct ir_block *b, u32 which)
{
	struct ir_block *side = b->succ[which], *join = b->succ[!which];
	u32 direct, way;

	if (!is_side(side, b) || side->succ[0] != join || ir_dominates(join, b))
		return false;
	direct = pred_index(join, b);
	way = pred_index(join, side);
	if (choices(join, direct, way) > CHOICES_MAX ||
	    is_waited_for(branch_of(b), join, direct, way))
		return false;
	hoist(b, side);
	add_selects(f, b, join, direct, which ? direct : way, which ? way : direct);
	join_edge(b, join, way);
	return true;
}

/* if (c) T else E; JOIN */
static bool diamond(struct ir_func *f, struct ir_block *b)
{
	struct ir_block *t = b->succ[0], *e = b->succ[1], *join;
	u32 way_t, way_e;

	if (t == e || !is_side(t, b) || !is_side(e, b) || t->succ[0] != e->succ[0])
		return false;
	join = t->succ[0];
	way_t = pred_index(join, t);
	way_e = pred_index(join, e);
	if (ir_dominates(join, b) || cheap(t) + cheap(e) > SIDE_MAX ||
	    choices(join, way_t, way_e) > CHOICES_MAX ||
	    is_waited_for(branch_of(b), join, way_t, way_e))
		return false;
	hoist(b, t);
	hoist(b, e);
	add_selects(f, b, join, way_t, way_t, way_e);
	join->pred[way_t] = b;
	join_edge(b, join, way_e);
	return true;
}

void ir_select(struct ir_func *f)
{
	bool changed = false;

	mark_addresses(f);
	/* inner ones first: what they leave may be a side itself */
	for (size_t i = f->blocks.n; i-- > 0;) {
		struct ir_block *b = f->blocks.v[i];

		if (b->nr_succ == 2 && ir_is(branch_of(b), IR_BR))
			changed |= triangle(f, b, 0) || triangle(f, b, 1) || diamond(f, b);
	}
	forget_marks(f);
	if (!changed)
		return;
	ir_blocks(f);
	ir_dominators(f);
	ir_phis(f);
	ir_bits(f);
	ir_fold(f);
}

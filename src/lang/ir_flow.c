/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_flow.c: control flow made simpler: jumps of known outcome, jumps whose outcome is
 * known on one way into their block (what && and || become), blocks that only jump on,
 * blocks in a row, blocks that end alike. Values are not looked into (ir_fold.c).
 */
#include "lang/opt_in.h"

static u32 pred_of(const struct ir_block *b, const struct ir_block *from)
{
	u32 p = 0;

	while (p < b->preds.n && b->preds.v[p] != from)
		p++;
	return p;
}

static bool is_pred(const struct ir_block *b, const struct ir_block *from)
{
	return pred_of(b, from) < b->preds.n;
}

static void become_jmp(struct ir_insn *t, struct ir_block *to)
{
	t->op = IR_JMP;
	t->nr_args = 0;
	t->width = 64;
	t->to[0] = to;
	t->to[1] = NULL;
}

/* ---- jumps of known outcome --------------------------------------------------------- */

/* Does the way by block B only lead to TO, where nobody asks who comes? */
static bool only_leads(const struct ir_block *b, const struct ir_block *to)
{
	return b->first == b->last && b->last->op == IR_JMP && b->last->to[0] == to &&
	       b->preds.n == 1 && to->first->op != IR_PHI;
}

/* Both ways come to the same: which one is left; 2: they do not. */
static u32 same_way(const struct ir_insn *t)
{
	const struct ir_block *a = t->to[0], *b = t->to[1];

	if (only_leads(a, b))
		return 1;
	if (only_leads(b, a))
		return 0;
	return a != b && only_leads(a, a->last->to[0]) && only_leads(b, a->last->to[0]) ? 0 : 2;
}

static void fold_branch(struct opt *o, struct ir_block *b)
{
	struct ir_insn *t = b->last;
	u32 way = t->op == IR_BR ? opt_way(t) : 2;

	if (way == 2 && t->op == IR_BR)
		way = same_way(t);
	if (way == 2)
		return;
	ir_pred_remove(t->to[!way], pred_of(t->to[!way], b));
	become_jmp(t, t->to[way]);
	o->changed = true;
}

/* ---- edges -------------------------------------------------------------------------- */

static struct ir_insn **more_operands(struct ir_func *f, const struct ir_insn *phi)
{
	size_t n = phi->block->preds.n;
	struct ir_insn **v = arena_news(f->unit->arena, n + 1, struct ir_insn *);

	memcpy(v, phi->phi, n * sizeof(struct ir_insn *));
	return v;
}

/* FROM goes to TO, too, and there phis have what they have from BY, which goes there. */
static void add_pred(struct ir_func *f, struct ir_block *to, struct ir_block *from,
		     const struct ir_block *by)
{
	u32 p = pred_of(to, by);

	for (struct ir_insn *i = to->first; i->op == IR_PHI; i = i->next) {
		struct ir_insn *v = ir_real(i->phi[p]);

		i->phi = more_operands(f, i);
		if (v->op == IR_PHI && v->block == by)	/* BY's own: what FROM brings */
			v = v->phi[pred_of(by, from)];
		i->phi[to->preds.n] = v;
	}
	*vec_push(&to->preds) = from;
}

/* FROM, which went to BY, goes to TO, where BY goes. */
static void redirect(struct opt *o, struct ir_block *from, struct ir_block *by,
		     struct ir_block *to)
{
	add_pred(o->f, to, from, by);
	ir_pred_remove(by, pred_of(by, from));
	for (u32 t = 0; t < ir_nr_to(from); t++)
		if (from->last->to[t] == by)
			from->last->to[t] = to;
	o->changed = true;
}

/* ---- jumps through blocks ----------------------------------------------------------- */

/* Are B's phis of no use behind it but in phis of the blocks that it goes to, and for its
 * own jump? */
static bool phis_stay(const struct ir_block *b)
{
	for (const struct ir_insn *i = b->first; i->op == IR_PHI; i = i->next)
		if (i->mark)
			return false;
	return true;
}

static const struct ir_insn *on_way(const struct ir_insn *v, const struct ir_block *b, u32 p)
{
	return v->op == IR_PHI && v->block == b ? v->phi[p] : v;
}

/* Is V, a comparison's result, known from the jump by which FROM went to B? 0 or 1; 2: no. */
static u32 known_by_jump(const struct ir_insn *v, const struct ir_block *from,
			 const struct ir_block *b)
{
	const struct ir_insn *t = from->last;
	bool yes = t->to[0] == b;

	if (t->op != IR_BR)
		return 2;
	if (v == t->args[0] && ir_is_number(t->args[1]) && !t->args[1]->imm &&
	    (t->cc == CC_NE || t->cc == CC_EQ) && opt_bits(v) == 1)
		return yes == (t->cc == CC_NE);
	if (v->op == IR_SET && t->cc == CC_TEST && v->args[0]->op == IR_AND &&
	    ir_is_number(v->args[1]) && !v->args[1]->imm && v->args[0]->args[0] == t->args[0] &&
	    v->args[0]->args[1] == t->args[1] && v->args[0]->width == t->width &&
	    (v->cc == CC_NE || v->cc == CC_EQ))
		return yes == (v->cc == CC_NE);
	if (v->op != IR_SET || v->width != t->width || v->args[0] != t->args[0] ||
	    v->args[1] != t->args[1])
		return 2;
	if (v->cc == t->cc)
		return yes;
	return v->cc != CC_TEST && opt_cc_opposite(v->cc) == t->cc ? !yes : 2;
}

/* B's jump for who comes from predecessor P. */
static struct ir_insn jump_from(struct opt *o, const struct ir_block *b, u32 p)
{
	struct ir_insn t = *b->last;

	for (u32 k = 0; k < t.nr_args; k++) {
		u32 known;

		t.args[k] = (struct ir_insn *)on_way(t.args[k], b, p);
		known = known_by_jump(t.args[k], b->preds.v[p], b);
		if (known < 2)
			t.args[k] = opt_number(o, known);
	}
	return t;
}

/* Where it goes; NULL: that is not known. */
static struct ir_block *way_from(struct opt *o, const struct ir_block *b, u32 p)
{
	struct ir_insn t = jump_from(o, b, p);
	u32 way = t.op == IR_BR ? opt_way(&t) : 0;

	return t.op == IR_EXIT || way == 2 ? NULL : t.to[way];
}

/* FROM goes to B alone, with the result of a comparison that decides there: it jumps by
 * itself. */
static bool copy_jump(struct opt *o, struct ir_block *b, u32 p)
{
	struct ir_block *from = b->preds.v[p];
	struct ir_insn t = jump_from(o, b, p), *j = from->last;

	if (t.op != IR_BR || j->op != IR_JMP || t.args[0]->op != IR_SET ||
	    b->last->args[0] == t.args[0] || is_pred(t.to[0], from) || is_pred(t.to[1], from) ||
	    t.to[0] == b || t.to[1] == b)
		return false;
	add_pred(o->f, t.to[0], from, b);
	add_pred(o->f, t.to[1], from, b);
	ir_pred_remove(b, p);
	j->op = IR_BR;
	j->width = t.width;
	j->cc = t.cc;
	j->nr_args = 2;
	memcpy(j->args, t.args, sizeof(j->args));
	memcpy(j->to, t.to, sizeof(j->to));
	o->changed = true;
	return true;
}

static struct ir_insn *first_real(const struct ir_block *b)
{
	struct ir_insn *i = b->first;

	while (i->op == IR_PHI)
		i = i->next;
	return i;
}

/* B only jumps: who comes in may go on at once, if it does not go there already. */
static void thread_block(struct opt *o, struct ir_block *b)
{
	if (first_real(b) != b->last || b == o->f->first || !phis_stay(b) ||
	    (b->loop && b->loop->head == b))	/* a loop keeps its one way in */
		return;
	for (u32 p = (u32)b->preds.n; p-- > 0; ) {
		struct ir_block *from = b->preds.v[p], *to = way_from(o, b, p);

		if (from == b || (!to && copy_jump(o, b, p)))
			continue;
		if (!to || to == b || is_pred(to, from))
			continue;
		redirect(o, from, b, to);
	}
}

/* ---- blocks in a row ---------------------------------------------------------------- */

static void drop_phis(struct ir_block *b)
{
	while (b->first->op == IR_PHI) {
		struct ir_insn *phi = b->first;

		phi->same = ir_real(phi->phi[0]);
		ir_remove(phi);
	}
}

/* B goes to NEXT alone, which nobody else goes to: one block. */
static void join(struct ir_func *f, struct ir_block *b, struct ir_block *next)
{
	drop_phis(next);
	ir_remove(b->last);
	for (struct ir_insn *i = next->first; i; i = i->next)
		i->block = b;
	*(b->last ? &b->last->next : &b->first) = next->first;
	next->first->prev = b->last;
	b->last = next->last;
	next->first = next->last = NULL;
	for (u32 t = 0; t < ir_nr_to(b); t++) {
		struct ir_block *to = b->last->to[t];

		to->preds.v[pred_of(to, next)] = b;
	}
	next->preds.n = 0;
}

static void join_rows(struct opt *o, struct ir_block *b)
{
	while (b->last->op == IR_JMP && b->last->to[0]->preds.n == 1 && b->last->to[0] != b) {
		join(o->f, b, b->last->to[0]);
		o->changed = true;
	}
}

/* ---- equal ends --------------------------------------------------------------------- */

/* A block that does nothing but return V; NULL: it does more. */
static struct ir_insn *returned(const struct ir_block *b)
{
	struct ir_insn *i = b->first;

	while (i && i->op == IR_CONST)
		i = i->next;
	return i && i->op == IR_EXIT ? i->args[0] : NULL;
}

/* All that return the same constant become one block. */
static void join_ends(struct opt *o)
{
	struct ir_block *ends[16] = { 0 };

	for (struct ir_block *b = o->f->first; b; b = b->next) {
		struct ir_insn *v = b->first ? returned(b) : NULL;
		u32 at;

		if (!v || !ir_is_number(v) || v->block != o->f->first || b == o->f->first)
			continue;
		at = (u32)v->imm & 15;
		if (!ends[at]) {
			ends[at] = b;
			continue;
		}
		if (returned(ends[at])->imm != v->imm)
			continue;
		for (u32 p = (u32)b->preds.n; p-- > 0; ) {
			struct ir_block *from = b->preds.v[p];

			if (is_pred(ends[at], from) || ends[at]->first->op == IR_PHI)
				continue;
			*vec_push(&ends[at]->preds) = from;
			ir_pred_remove(b, p);
			for (u32 t = 0; t < ir_nr_to(from); t++)
				if (from->last->to[t] == b)
					from->last->to[t] = ends[at];
			o->changed = true;
		}
	}
}

/* Blocks that nothing reaches any more go, when a step has changed something. */
static void step_done(struct opt *o, bool *any)
{
	if (o->changed)
		ir_drop_unreached(o->f);
	*any |= o->changed;
	o->changed = false;
}

/* Right behind opt_values(), which has marked what phis are for. */
void opt_flow(struct opt *o)
{
	bool any = false;

	o->changed = false;
	for (struct ir_block *b = o->f->first; b; b = b->next)
		fold_branch(o, b);
	step_done(o, &any);
	for (struct ir_block *b = o->f->first; b; b = b->next)
		thread_block(o, b);
	join_ends(o);
	step_done(o, &any);
	for (struct ir_block *b = o->f->first; b; b = b->next)
		if (b->first)
			join_rows(o, b);
	step_done(o, &any);
	if (any)
		ir_arrange(o->f);
	o->changed = any;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compare.c: comparisons, of branches and choices, as the simplest that tell the same;
 * and those whose result is known from the bits that values have.
 */
#include "jit/opt/ir.h"

static bool compare(enum ir_cc cc, u32 w, u64 x, u64 y)
{
	u64 a = x & ir_mask(w), b = y & ir_mask(w);
	s64 sa = (s64)ir_sext(x, w), sb = (s64)ir_sext(y, w);

	switch (cc) {
	case IR_EQ: return a == b;
	case IR_NE: return a != b;
	case IR_ULT: return a < b;
	case IR_ULE: return a <= b;
	case IR_UGT: return a > b;
	case IR_UGE: return a >= b;
	case IR_SLT: return sa < sb;
	case IR_SLE: return sa <= sb;
	case IR_SGT: return sa > sb;
	case IR_SGE: return sa >= sb;
	case IR_SET: return a & b;
	default: return !(a & b);
	}
}

enum ir_cc ir_negated(u32 cc)
{
	static const u8 to[] = { [IR_EQ] = IR_NE, [IR_NE] = IR_EQ, [IR_ULT] = IR_UGE,
		[IR_ULE] = IR_UGT, [IR_UGT] = IR_ULE, [IR_UGE] = IR_ULT, [IR_SLT] = IR_SGE,
		[IR_SLE] = IR_SGT, [IR_SGT] = IR_SLE, [IR_SGE] = IR_SLT, [IR_SET] = IR_CLEAR,
		[IR_CLEAR] = IR_SET };

	return (enum ir_cc)to[cc];
}

/* ---- comparisons ------------------------------------------------------- */

static enum ir_cc swapped(enum ir_cc cc)
{
	static const u8 to[] = { [IR_EQ] = IR_EQ, [IR_NE] = IR_NE, [IR_ULT] = IR_UGT,
		[IR_ULE] = IR_UGE, [IR_UGT] = IR_ULT, [IR_UGE] = IR_ULE, [IR_SLT] = IR_SGT,
		[IR_SLE] = IR_SGE, [IR_SGT] = IR_SLT, [IR_SGE] = IR_SLE, [IR_SET] = IR_SET,
		[IR_CLEAR] = IR_CLEAR };

	return (enum ir_cc)to[cc];
}

static bool is_unsigned(u8 cc) { return cc <= IR_UGE || cc >= IR_SET; }

/* A difference or mask that is compared with 0 is a comparison itself. */
static void compare_zero(struct ir *v)
{
	struct ir *a = v->arg[0];

	if (v->cc > IR_NE || !ir_is_const(v->arg[1]) || v->arg[1]->imm || a->w < v->w)
		return;
	if (ir_is(a, IR_AND))
		v->cc = v->cc == IR_NE ? IR_SET : IR_CLEAR;
	else if (!ir_is(a, IR_XOR) && !ir_is(a, IR_SUB))
		return;
	v->arg[0] = a->arg[0];
	v->arg[1] = a->arg[1];
}

enum { SUMS = 4 };	/* that are followed: addresses in arrays of all cpus are of three */

/* V, a value of 64 bits, is not 0: a number, or a sum of one with others that cannot wrap. */
static bool is_nonzero(const struct ir *v)
{
	for (u32 i = 0; i < SUMS && ir_is(v, IR_ADD) && v->w == 64; i++) {
		const struct ir *x = ir_rep(v->arg[0]), *y = ir_rep(v->arg[1]);

		if (x->bits > 63 || y->bits > 63)
			return false;
		v = ir_is_fixed(y) && y->imm ? y : x;
	}
	return ir_is_fixed(v) && v->imm;
}

/* Whether a choice between 0 and something else gave 0 is what it was chosen by. */
static void compare_choice(struct ir *v)
{
	const struct ir *s = v->arg[0], *t, *e;

	if (!ir_is(s, IR_SELECT) || v->cc > IR_NE || !ir_is_const(v->arg[1]) || v->arg[1]->imm)
		return;
	t = ir_rep(s->arg[2]);
	e = ir_rep(s->arg[3]);
	if (v->w != 64 && s->bits > v->w)
		return;
	if (is_nonzero(t) && ir_is_const(e) && !e->imm)
		v->cc = (u8)(v->cc == IR_NE ? s->cc : ir_negated(s->cc));
	else if (is_nonzero(e) && ir_is_const(t) && !t->imm)
		v->cc = (u8)(v->cc == IR_EQ ? s->cc : ir_negated(s->cc));
	else
		return;
	v->w = s->w;
	v->arg[0] = s->arg[0];
	v->arg[1] = s->arg[1];
}

/* Operands 0 and 1 of V, a branch or SELECT. */
void ir_compare(struct ir_func *f, struct ir *v)
{
	if (ir_is_const(v->arg[0])) {
		struct ir *a = v->arg[0];

		v->arg[0] = v->arg[1];
		v->arg[1] = a;
		v->cc = (u8)swapped((enum ir_cc)v->cc);
	}
	if (v->w == 64 && is_unsigned(v->cc) && v->arg[0]->bits <= 32 && v->arg[1]->bits <= 32)
		v->w = 32;
	compare_choice(v);
	compare_zero(v);
	if (v->w == 64)
		return;
	v->arg[0] = ir_strip(v->arg[0], 32);
	v->arg[1] = ir_strip(v->arg[1], 32);
	if (ir_is_const(v->arg[1]))
		v->arg[1] = ir_number(f, (u64)(s64)(s32)v->arg[1]->imm);
}

/* ---- what is known beforehand ------------------------------------------ */

struct range { u64 min, max, ones; };

static struct range range_of(const struct ir *v, u32 w)
{
	u64 ones = v->ones & ir_mask(w);
	bool is_const = ir_is_const(v), above = w == 64 && is_nonzero(v);

	return (struct range){ is_const ? ones : above, ones, ones };
}

/* A signed comparison of what is not negative is an unsigned one. */
static enum ir_cc unsigned_cc(enum ir_cc cc)
{
	return cc >= IR_SLT && cc <= IR_SGE ? (enum ir_cc)(cc - IR_SLT + IR_ULT) : cc;
}

static int known_below(struct range a, struct range b)
{
	return a.max < b.min ? 1 : a.min >= b.max ? 0 : -1;
}

static int inverted(int known) { return known < 0 ? known : !known; }

static int known_equal(struct range a, struct range b)
{
	bool apart = a.max < b.min || b.max < a.min || (b.min == b.max && b.min & ~a.ones);

	return apart ? 0 : -1;
}

int ir_known(const struct ir *v)
{
	const struct ir *x = ir_rep(v->arg[0]), *y = ir_rep(v->arg[1]);
	struct range a, b;

	if (ir_is_const(x) && ir_is_const(y))
		return compare((enum ir_cc)v->cc, v->w, x->imm, y->imm);
	a = range_of(x, v->w);
	b = range_of(y, v->w);
	if (!is_unsigned(v->cc) && (a.max | b.max) >> (v->w - 1))
		return -1;
	switch (unsigned_cc((enum ir_cc)v->cc)) {
	case IR_EQ: return known_equal(a, b);
	case IR_NE: return inverted(known_equal(a, b));
	case IR_ULT: return known_below(a, b);
	case IR_UGE: return inverted(known_below(a, b));
	case IR_UGT: return known_below(b, a);
	case IR_ULE: return inverted(known_below(b, a));
	case IR_SET: return a.ones & b.ones ? -1 : 0;
	default: return a.ones & b.ones ? -1 : 1;
	}
}

/* ---- choices ------------------------------------------------------------ */

struct ir *ir_choose(struct ir_func *f, struct ir *v)
{
	int known;

	ir_compare(f, v);
	if (v->arg[2] == v->arg[3])
		return v->arg[2];
	known = ir_known(v);
	return known < 0 ? v : v->arg[known ? 2 : 3];
}

/* ---- branches whose way is known --------------------------------------- */

/* B does not lead to TO any more. */
static void cut(struct ir_block *b, struct ir_block *to)
{
	u32 i = 0;

	while (to->pred[i] != b)
		i++;
	to->nr_pred--;
	for (; i < to->nr_pred; i++) {
		to->pred[i] = to->pred[i + 1];
		for (size_t p = 0; p < to->phis.n; p++)
			to->phis.v[p]->arg[i] = to->phis.v[p]->arg[i + 1];
	}
	for (size_t p = 0; p < to->phis.n; p++)
		to->phis.v[p]->n = (u16)to->nr_pred;
}

void ir_decide(struct ir_func *f)
{
	f->decided = false;
	for (size_t i = 0; i < f->blocks.n; i++) {
		struct ir_block *b = f->blocks.v[i];
		struct ir *v = b->nodes.v[b->nodes.n - 1];
		int known = ir_is(v, IR_BR) ? ir_known(v) : -1;

		if (known < 0)
			continue;
		cut(b, b->succ[known]);
		b->succ[0] = b->succ[!known];
		b->nr_succ = 1;
		v->op = IR_JMP;
		v->n = 0;
	}
	ir_blocks(f);
	ir_dominators(f);
	ir_phis(f);
}

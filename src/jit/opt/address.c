/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * address.c: what a machine's instruction computes by the way. Sums that are only
 * addresses go into the loads and stores; numbers that are addresses near each other
 * become distances from one of them, the anchor; small sums of shifted values are one
 * operation; a value that is loaded for one user is read by that one, and what is
 * loaded, changed and stored again is changed in memory.
 */
#include "jit/opt/ir.h"
#include <stdlib.h>

enum { DEPTH = 4, REACH = 0x7ff00000 };

static bool fits32(u64 v) { return v == (u64)(s64)(s32)v; }

/* ---- who uses what -------------------------------------------------------------- */

/* One use less; what nobody uses any more uses nothing. */
static void release(struct ir *v)
{
	if (--v->uses)
		return;
	for (u32 a = 0; a < v->n; a++)
		release(v->arg[a]);
	if (v->index)
		release(v->index);
}

static bool is_sum(const struct ir *v) { return ir_is(v, IR_ADD) && v->w == 64; }

static void count_node(struct ir *v)
{
	bool inside = is_sum(v) && v->uses && !v->stamp;

	for (u32 a = 0; a < v->n; a++) {
		struct ir *x = v->arg[a];

		if ((a == 0 && ir_has_address(v)) || (inside && (is_sum(x) || ir_is(x, IR_SHL))))
			continue;
		x->stamp++;
	}
}

/* stamp: uses that are not inside of addresses. Users come first. */
static void count(struct ir_func *f)
{
	ir_unstamp(f);
	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->phis.n; i++) {
			struct ir *phi = f->blocks.v[b]->phis.v[i];

			for (u32 a = 0; a < phi->n; a++)
				phi->arg[a]->stamp++;
		}
	for (size_t b = f->blocks.n; b-- > 0;)
		for (size_t i = f->blocks.v[b]->nodes.n; i-- > 0;)
			count_node(f->blocks.v[b]->nodes.v[i]);
}

/* ---- addresses ------------------------------------------------------------------ */

struct terms { struct ir *v[2], *number; u32 n; u64 disp; };

/* X as a sum of at most two values and a number, for an address in BLOCK. */
static bool collect(struct terms *t, struct ir *x, const struct ir_block *block, u32 depth)
{
	if (ir_is_const(x)) {
		t->disp += x->imm;
		t->number = x;
		return true;
	}
	if (ir_is(x, IR_FUNC))
		return false;
	if (depth && is_sum(x) && !x->stamp && x->block->depth >= block->depth)
		return collect(t, x->arg[0], block, depth - 1) &&
		       collect(t, x->arg[1], block, depth - 1);
	if (t->n == ARRAY_LEN(t->v))
		return false;
	t->v[t->n++] = x;
	return true;
}

/* All of the sum, or its outermost level. A number too big for an address takes the
 * place of a value. */
static bool terms_of(struct terms *t, const struct ir *v)
{
	static const u32 depths[] = { DEPTH, 1 };

	for (u32 i = 0; i < ARRAY_LEN(depths); i++) {
		*t = (struct terms){ .disp = (u64)(s64)(s32)v->imm };
		if (collect(t, v->arg[0], v->block, depths[i]) &&
		    (fits32(t->disp) ? t->n > 0 : t->n < 2))
			return true;
	}
	return false;
}

/* ---- anchors ---------------------------------------------------------------------- */

struct anchor { u64 at; struct ir *v; };	/* v: NULL until it is used */
typedef VEC(struct anchor) anchor_list;

static int ascending(const void *a, const void *b)
{
	u64 x = ((const struct anchor *)a)->at, y = ((const struct anchor *)b)->at;

	return (x > y) - (x < y);
}

/* Of the numbers that are used as addresses, those from which others are reached. */
static void find_anchors(struct ir_func *f, anchor_list *a)
{
	struct terms t;
	size_t n = 0;

	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->nodes.n; i++) {
			const struct ir *v = f->blocks.v[b]->nodes.v[i];

			if (!ir_has_address(v) || !terms_of(&t, v) || fits32(t.disp))
				continue;
			if (t.number && t.number->imm != t.disp)
				t.number = NULL;
			*vec_push(a) = (struct anchor){ t.disp, t.number };
		}
	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), ascending);
	for (size_t i = 0; i < a->n; i++) {
		if (!n || a->v[i].at - a->v[n - 1].at > REACH)
			a->v[n++] = a->v[i];
		else if (a->v[i].at == a->v[n - 1].at && !a->v[n - 1].v)
			a->v[n - 1].v = a->v[i].v;
	}
	a->n = n;
}

/* The anchor for DISP, which becomes the distance from it. */
static struct ir *anchor_of(struct ir_func *f, const anchor_list *a, u64 *disp)
{
	size_t lo = 0, hi = a->n;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (a->v[mid].at <= *disp)
			lo = mid;
		else
			hi = mid;
	}
	if (!a->v[lo].v)
		a->v[lo].v = ir_constant(f, a->v[lo].at);
	*disp -= a->v[lo].at;
	return a->v[lo].v;
}

static bool small_shift(const struct ir *v)
{
	return ir_is(v, IR_SHL) && v->w == 64 && ir_is_const(v->arg[1]) && v->arg[1]->imm <= 3 &&
	       !v->stamp;
}

static void fold_address(struct ir_func *f, const anchor_list *a, struct ir *v)
{
	struct ir *old = v->arg[0];
	struct terms t;

	if (!terms_of(&t, v))
		return;
	if (!fits32(t.disp))
		t.v[t.n++] = anchor_of(f, a, &t.disp);
	if (t.n == 2 && (ir_is(t.v[1], IR_FP) || (small_shift(t.v[0]) && !small_shift(t.v[1])))) {
		/* the frame is never an index */
		struct ir *x = t.v[0];

		t.v[0] = t.v[1];
		t.v[1] = x;
	}
	v->imm = t.disp;
	v->arg[0] = t.v[0];
	v->arg[0]->uses++;
	if (t.n == 2) {
		v->index = t.v[1];
		if (small_shift(v->index)) {
			v->scale = (u8)v->index->arg[1]->imm;
			v->index = v->index->arg[0];
		}
		v->index->uses++;
	}
	release(old);
}

/* ---- sums ------------------------------------------------------------------------- */

static bool small_factor(const struct ir *v, u8 *scale)
{
	if (!ir_is(v, IR_MUL) || !ir_is_const(v->arg[1]))
		return false;
	*scale = v->arg[1]->imm == 3 ? 1 : v->arg[1]->imm == 5 ? 2 : 3;
	return v->arg[1]->imm == 3 || v->arg[1]->imm == 5 || v->arg[1]->imm == 9;
}

/* X is used by V alone, and as wide. */
static bool is_inner(const struct ir *v, const struct ir *x)
{
	return x->uses == 1 && x->w >= v->w && x->block == v->block;
}

static bool is_shifted(const struct ir *v, const struct ir *x)
{
	return is_inner(v, x) && ir_is(x, IR_SHL) && ir_is_const(x->arg[1]) &&
	       x->arg[1]->imm && x->arg[1]->imm <= 3;
}

static void make_lea(struct ir *v, struct ir *x, struct ir *y, u8 scale, u64 imm)
{
	struct ir *old[2] = { v->arg[0], v->arg[1] };

	v->op = IR_LEA;
	v->n = 1;
	v->arg[0] = x;
	v->index = y;
	x->uses++;
	y->uses++;
	release(old[0]);
	release(old[1]);
	v->scale = scale;
	v->imm = imm;
}

/* A number of the code itself: better an operand that is one. */
static bool is_number(const struct ir *v) { return ir_remade(v) && !ir_is_entry(v); }

/* x + y + number, x * 3 + number */
static void sum_of_number(struct ir *v, struct ir *x, u64 imm)
{
	u8 scale;

	if (!is_inner(v, x) || (v->w == 64 && !fits32(imm)))
		return;
	if (small_factor(x, &scale))
		make_lea(v, x->arg[0], x->arg[0], scale, imm);
	else if (ir_is(x, IR_ADD) && !is_number(x->arg[0]) && !is_number(x->arg[1]))
		make_lea(v, x->arg[0], x->arg[1], 0, imm);
	else if (ir_is(x, IR_LEA) && !x->imm)
		make_lea(v, x->arg[0], x->index, x->scale, imm);
}

static void fold_sum(struct ir *v)
{
	struct ir *x = v->arg[0], *y = v->arg[1];
	u8 scale;

	if (small_factor(v, &scale) && !ir_remade(x))
		make_lea(v, x, x, scale, 0);
	if (!ir_is(v, IR_ADD) || is_number(x) || !v->stamp)
		return;
	if (ir_is_const(y))
		sum_of_number(v, x, y->imm);
	else if (is_shifted(v, y))
		make_lea(v, x, y->arg[0], (u8)y->arg[1]->imm, 0);
	else if (is_shifted(v, x))
		make_lea(v, y, x->arg[0], (u8)x->arg[1]->imm, 0);
}

void ir_address(struct ir_func *f)
{
	anchor_list a = { 0 };

	if (!f->target || !f->target->complex)
		return;
	count(f);
	find_anchors(f, &a);
	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->nodes.n; i++) {
			struct ir *v = f->blocks.v[b]->nodes.v[i];

			if (ir_has_address(v))
				fold_address(f, &a, v);
			else if (ir_is(v, IR_ADD) || ir_is(v, IR_MUL))
				fold_sum(v);
		}
	vec_free(&a);
}

/* ---- operands in memory ----------------------------------------------------------- */

/* Nothing is written between X, a load, and V, its only user. */
static bool can_wait(const struct ir *v, const struct ir *x)
{
	return ir_is(x, IR_LOAD) && !x->sign && !x->late && x->uses == 1 &&
	       x->block == v->block && x->epoch == v->epoch;
}

static bool is_unsigned(u32 cc) { return cc <= IR_UGE || cc >= IR_SET; }

/* Comparing X, W bits in memory, with Y: as wide, or both are numbers of W bits. */
static bool comparable(const struct ir *v, const struct ir *x, const struct ir *y)
{
	u64 imm = y->imm & ir_mask(v->w);

	if (ir_is_const(y) && x->w == 16 && imm > 127)
		return false;	/* slow to decode */
	if (x->w == v->w)
		return true;
	return x->w < v->w && is_unsigned(v->cc) &&
	       (ir_is_const(y) ? imm <= ir_mask(x->w) : y->bits <= x->w);
}

static void compare_in_memory(struct ir *v)
{
	struct ir *x = v->arg[0], *y = v->arg[1];

	if (x == y || (v->cc >= IR_SET && x->w == 16))
		return;
	if (can_wait(v, x) && comparable(v, x, y))
		x->late = true;
	else if (!ir_is_const(y) && can_wait(v, y) && v->cc < IR_SET && comparable(v, y, x))
		y->late = true;
}

static void operand_in_memory(struct ir *v)
{
	struct ir *x = v->arg[0], *y = v->arg[1];

	if (x == y || ir_is_const(y))
		return;
	if (ir_flags[v->op] & COMM && can_wait(v, x) && !can_wait(v, y)) {
		v->arg[0] = y;
		v->arg[1] = x;
		y = x;
	}
	if (can_wait(v, y) && y->w == v->w && !ir_remade(v->arg[0]))
		y->late = true;
}

static bool is_bit(const struct ir *v)
{
	return ir_is(v, IR_SELECT) && ir_is_const(v->arg[2]) && ir_is_const(v->arg[3]) &&
	       v->arg[2]->imm + v->arg[3]->imm == 1 && v->arg[2]->imm <= 1;
}

/* One more when a comparison says so, which a carry can tell. */
static bool counts(const struct ir *x)
{
	const struct ir *y = x->arg[1];
	u64 imm = y->imm & ir_mask(x->w), most = ir_mask(x->arg[0]->late ? x->arg[0]->w : x->w);

	switch ((enum ir_cc)x->cc) {
	case IR_ULT: case IR_UGE: return !y->late;
	case IR_EQ: case IR_NE: return ir_is_const(y) && !imm;
	case IR_ULE: case IR_UGT: return ir_is_const(y) && imm < most && imm < 0x7fffffff;
	default: return false;
	}
}

static void count_by_carry(struct ir *v)
{
	struct ir *x = v->arg[0], *y = v->arg[1];

	if (x == y || !v->uses)
		return;
	if (is_bit(x) && !is_bit(y)) {
		x = y;
		y = v->arg[0];
	}
	if (!is_bit(y) || y->uses != 1 || y->block != v->block || y->epoch != v->epoch ||
	    ir_remade(x) || !counts(y))
		return;
	v->arg[0] = x;
	v->arg[1] = y;
	y->late = true;
}

static bool same_place(const struct ir *a, const struct ir *b)
{
	return a->w == b->w && a->arg[0] == b->arg[0] && a->index == b->index &&
	       a->scale == b->scale && a->imm == b->imm;
}

/* V stores what was there, changed. */
static void change_in_memory(struct ir *v)
{
	struct ir *sum = v->arg[1], *x = sum->arg[0], *y = sum->arg[1];

	if (sum->uses != 1 || sum->block != v->block || sum->w < v->w ||
	    (!ir_is(sum, IR_ADD) && !ir_is(sum, IR_SUB) && !ir_is(sum, IR_AND) &&
	     !ir_is(sum, IR_OR) && !ir_is(sum, IR_XOR)))
		return;
	if (ir_flags[sum->op] & COMM && can_wait(v, y) && same_place(v, y)) {
		x = y;
		y = sum->arg[0];
	}
	if (!can_wait(v, x) || !same_place(v, x) || x == y)
		return;
	v->cc = sum->op;
	v->arg[1] = y;
	y->uses++;
	release(sum);
}

static bool writes(const struct ir *v)
{
	return ir_flags[v->op] & EFFECT && !(ir_flags[v->op] & END);
}

static void fold_memory(struct ir *v)
{
	switch ((enum ir_op)v->op) {
	case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR:
		if (v->w >= 32 && v->uses)
			operand_in_memory(v);
		break;
	case IR_BR: case IR_SELECT: compare_in_memory(v); break;
	default: break;
	}
}

static void number_epochs(struct ir_block *block)
{
	u32 epoch = 0;

	for (size_t i = 0; i < block->nodes.n; i++) {
		block->nodes.v[i]->epoch = epoch;
		epoch += writes(block->nodes.v[i]);
	}
}

void ir_memory(struct ir_func *f)
{
	if (!f->target || !f->target->complex)
		return;
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		number_epochs(block);
		for (size_t i = 0; i < block->nodes.n; i++)
			if (ir_is(block->nodes.v[i], IR_STORE))
				change_in_memory(block->nodes.v[i]);
		for (size_t i = 0; i < block->nodes.n; i++)
			fold_memory(block->nodes.v[i]);
		for (size_t i = 0; i < block->nodes.n; i++)
			if (ir_is(block->nodes.v[i], IR_ADD) && block->nodes.v[i]->uses &&
			    !block->nodes.v[i]->arg[1]->late)
				count_by_carry(block->nodes.v[i]);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * divide.c: division by a constant is multiplication (Granlund and Montgomery,
 * "Division by Invariant Integers using Multiplication", PLDI 1994) or a shift.
 */
#include "jit/opt/ir.h"

typedef unsigned __int128 u128;

static struct ir *shr(struct ir_func *f, u32 w, struct ir *x, u64 k)
{
	return k ? ir_two(f, IR_SHR, w, x, ir_constant(f, k)) : x;
}

/* X < 2^32. A multiplier of 32 bits when one is exact, else 2^64 / c rounded up. */
static struct ir *divide32(struct ir_func *f, struct ir *x, u32 c)
{
	for (u32 s = 0; s < 32; s++) {
		u64 p = 1ull << (32 + s), m = (p + c - 1) / c;

		if (m >> 32)
			break;
		if (m * c - p <= 1ull << s)
			return shr(f, 64, ir_two(f, IR_MUL, 64, x, ir_constant(f, m)), 32 + s);
	}
	return ir_two(f, IR_MULHI, 64, x, ir_constant(f, ~0ull / c + 1));
}

static struct ir *divide64(struct ir_func *f, struct ir *x, u64 c)
{
	u32 l = 64 - (u32)__builtin_clzll(c - 1);	/* 2^l >= c */
	u128 two = (u128)1 << 64;
	u64 m = (u64)((two * (((u128)1 << l) - c)) / c + 1);	/* 2^64 less than it is */
	struct ir *t;

	for (u32 s = 0; s < l; s++) {
		/* one of 64 bits is exact already */
		u128 p = two << s, q = (p + c - 1) / c;

		if (q >> 64)
			break;
		if (q * c - p <= (u128)1 << s)
			return shr(f, 64, ir_two(f, IR_MULHI, 64, x, ir_constant(f, (u64)q)), s);
	}
	t = ir_two(f, IR_MULHI, 64, x, ir_constant(f, m));
	x = shr(f, 64, ir_two(f, IR_SUB, 64, x, t), 1);
	return shr(f, 64, ir_two(f, IR_ADD, 64, x, t), l - 1);
}

static struct ir *quotient(struct ir_func *f, u32 w, struct ir *x, u64 c)
{
	if (!(c & (c - 1)))
		return shr(f, w, x, (u64)__builtin_ctzll(c));
	if (w == 32 || (x->bits <= 32 && c >> 32 == 0)) {
		x = w == 32 && x->bits > 32 ? ir_one(f, IR_ZEXT, 32, x, 0) : x;
		return divide32(f, x, (u32)c);
	}
	return divide64(f, x, c);
}

struct ir *ir_divide(struct ir_func *f, struct ir *v)
{
	struct ir *x = v->arg[0], *b = v->arg[1], *q;
	u64 c = b->imm & ir_mask(v->w);

	if (!ir_is_const(b) || !c || (!ir_is(v, IR_UDIV) && !ir_is(v, IR_UMOD)))
		return NULL;
	if (c == 1)
		return ir_is(v, IR_UMOD) ? ir_constant(f, 0) : x->bits <= v->w ? x :
		       ir_one(f, IR_ZEXT, v->w, x, 0);
	if (ir_is(v, IR_UMOD) && !(c & (c - 1)))
		return ir_two(f, IR_AND, v->w, x, ir_constant(f, c - 1));
	q = quotient(f, v->w, x, c);
	if (ir_is(v, IR_UDIV))
		return q;
	return ir_two(f, IR_SUB, v->w, x, ir_two(f, IR_MUL, v->w, q, ir_constant(f, c)));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bytes.c: a number that is put together from bytes in memory, which is how
 * packed structures are read, becomes one load: b[0] | b[1] << 8 | ..., in either
 * order of bytes. All of them must be loaded in this block with no write since.
 */
#include "jit/opt/ir.h"

enum { PARTS = 8 };

struct bytes {
	const struct ir *load;	/* any of them: all have its base */
	s32 at[PARTS];		/* where byte I of the number lies, from the base */
	u8 have;		/* bit I: byte I is known */
	u32 parts;
	const struct ir *v;
};

static bool put(struct bytes *b, u32 pos, s64 at)
{
	if (pos >= PARTS || b->have >> pos & 1)
		return false;
	b->have |= (u8)(1 << pos);
	b->at[pos] = (s32)at;
	return true;
}

/* X, so many bytes up: a load, perhaps with its bytes swapped. */
static bool take_load(struct bytes *b, const struct ir *x, u32 up)
{
	bool swap = ir_is(x, IR_BSWAP);
	const struct ir *l = swap ? ir_rep(x->arg[0]) : x;
	u32 n = l->w / 8;

	if (!ir_is(l, IR_LOAD) || l->sign || l->index || (swap && l->w != x->w) ||
	    l->block != b->v->block)
		return false;
	if (b->load && (ir_rep(b->load->arg[0]) != ir_rep(l->arg[0]) ||
			b->load->epoch != l->epoch))
		return false;
	b->load = l;
	b->parts++;
	for (u32 i = 0; i < n; i++)
		if (!put(b, up + i, (s64)(s32)l->imm + (swap ? n - 1 - i : i)))
			return false;
	return true;
}

static bool take(struct bytes *b, const struct ir *x, u32 depth)
{
	x = ir_rep((struct ir *)x);
	if ((ir_is(x, IR_OR) || ir_is(x, IR_ADD)) && depth < PARTS && x->block == b->v->block)
		return take(b, x->arg[0], depth + 1) && take(b, x->arg[1], depth + 1);
	if (ir_is(x, IR_SHL) && ir_is_const(x->arg[1])) {
		u64 k = x->arg[1]->imm & (x->w - 1);
		const struct ir *y = ir_rep(x->arg[0]);

		/* no bit may be lost at the top */
		return k % 8 == 0 && y->bits + k <= x->w && take_load(b, y, (u32)k / 8);
	}
	return take_load(b, x, 0);
}

/* All known bytes are N in a row, from byte FIRST of the number on. */
static bool whole(const struct bytes *b, u32 *first, u32 *n)
{
	*first = (u32)__builtin_ctz(b->have);
	*n = (u32)__builtin_popcount(b->have);
	return b->have == (u8)(((1u << *n) - 1) << *first) && (*n == 2 || *n == 4 || *n == 8);
}

/* In order up (1) or down (-1) in memory; 0: neither. */
static int direction(const struct bytes *b, u32 first, u32 n)
{
	int d = b->at[first + 1] - b->at[first];

	for (u32 i = first + 1; i < first + n; i++)
		if (b->at[i] - b->at[i - 1] != d)
			return 0;
	return d == 1 || d == -1 ? d : 0;
}

static struct ir *load_all(struct ir_func *f, const struct bytes *b, u32 first, u32 n, int d)
{
	struct ir *l = ir_new(f, IR_LOAD, 8 * n, 1), *v;

	l->arg[0] = ir_rep(b->load->arg[0]);
	l->imm = (u64)(s64)(d > 0 ? b->at[first] : b->at[first + n - 1]);
	v = ir_emit(f, l);
	if (d < 0)
		v = ir_one(f, IR_BSWAP, 8 * n, v, 0);
	return first ? ir_two(f, IR_SHL, 64, v, ir_constant(f, 8 * first)) : v;
}

struct ir *ir_bytes(struct ir_func *f, struct ir *v)
{
	struct bytes b = { .v = v };
	u32 first, n;
	int d;

	if (ir_is_const(v->arg[1]) || !take(&b, v->arg[0], 1) || !take(&b, v->arg[1], 1))
		return NULL;
	if (b.parts < 2 || b.load->epoch != v->epoch || !whole(&b, &first, &n) ||
	    8 * (first + n) > v->w)
		return NULL;
	d = direction(&b, first, n);
	return d ? load_all(f, &b, first, n, d) : NULL;
}

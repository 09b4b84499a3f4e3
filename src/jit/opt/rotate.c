/* SPDX-License-Identifier: BSD-2-Clause */
/* rotate.c: (x << k) | (x >> (w - k)), also with + and ^, is a rotation. */
#include "jit/opt/ir.h"

static struct ir *low32(struct ir *x, u32 w)
{
	while (w == 32 && ir_is(x, IR_ZEXT) && x->w == 32)
		x = ir_rep(x->arg[0]);
	return x;
}

/* UP is X << K with at least V's width, DOWN is X >> (W - K) in width W. */
static struct ir *match(struct ir_func *f, const struct ir *v, struct ir *up, struct ir *down)
{
	u32 w = down->w;
	u64 k;

	if (!ir_is(up, IR_SHL) || !ir_is(down, IR_SHR) || !ir_is_const(up->arg[1]) ||
	    !ir_is_const(down->arg[1]))
		return NULL;
	/* more than the low half of a wider shift may be looked at */
	if (up->w != w && !(w == 32 && v->w == 32))
		return NULL;
	k = up->arg[1]->imm;
	if (!k || k >= w || down->arg[1]->imm != w - k ||
	    low32(up->arg[0], w) != low32(down->arg[0], w))
		return NULL;
	return ir_one(f, IR_ROL, w, low32(up->arg[0], w), k);
}

struct ir *ir_rotate(struct ir_func *f, struct ir *v)
{
	struct ir *s = match(f, v, v->arg[0], v->arg[1]);

	return s ? s : match(f, v, v->arg[1], v->arg[0]);
}

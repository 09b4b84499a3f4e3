/* SPDX-License-Identifier: BSD-2-Clause */
/* onepass.c: the walk of one-pass compilers. */
#include "jit/onepass.h"
#include <stdlib.h>

int onepass_unsupported(struct onepass *x, const struct ins *i)
{
	return err_set(x->b->err, ERR_UNSUPPORTED, x->b->where,
		       "native code for instruction %u (%s)", i->at, i->row->name);
}

u64 onepass_site(const struct onepass *x, u32 slot, bool calls)
{
	const struct jit_bind *bind = x->b->bind;

	return bind->site ? bind->site(bind->arg, slot, calls) : 0;
}

bool onepass_links(const struct jit_build *b, const struct jit_unit *u)
{
	return b->bind->frames && (u->frame || u->calls);
}

/* ---- jumps ---------------------------------------------------------------------- */

static int too_far(struct onepass *x, u32 slot)
{
	return err_set(x->b->err, ERR_UNSUPPORTED, x->b->where,
		       "native code in which instruction %u is too far away for a jump", slot);
}

void onepass_fix(struct onepass *x, u8 *at, u32 slot, enum fix_kind kind)
{
	vec_push(&x->fixes);
	x->fixes.v[x->fixes.n - 1] = (struct fix){ at, slot, kind };
}

int onepass_jump(struct onepass *x, u8 *at, u32 slot, const struct ins *i)
{
	if (slot > i->at)
		onepass_fix(x, at, slot, FIX_JUMP);
	else if (!x->ops->patch(at, x->b->code->mem + x->b->offsets[slot]))
		return too_far(x, slot);
	return 0;
}

u32 onepass_target(const struct ins *i)
{
	s64 delta = 0;

	isa_target(i->raw, &delta);
	return (u32)(i->at + 1 + delta);
}

static int write_fixes(struct onepass *x)
{
	const struct jit_code *c = x->b->code;

	for (size_t f = 0; f < x->fixes.n; f++) {
		const struct fix *fix = &x->fixes.v[f];

		if (!x->ops->patch(fix->at, fix->kind == FIX_JUMP ?
				   c->mem + x->b->offsets[fix->slot] :
				   fix->kind == FIX_CALL ? jit_unit_at(c, fix->slot)->inner :
				   jit_unit_at(c, fix->slot)->outer))
			return too_far(x, fix->slot);
	}
	return 0;
}

/* ---- the walk ---------------------------------------------------------------------- */

static struct ins take_apart(const struct onepass *x, u32 at)
{
	const struct bpf_insn *raw = &x->b->bind->insns[at];
	const struct isa_row *row = &isa_rows[x->b->ops[at]];
	const u8 *reg_of = x->ops->reg_of;

	return (struct ins){ raw, row, at, reg_of[raw->dst_reg], reg_of[raw->src_reg],
			     !(raw->code & BPF_X), row->width == 64 };
}

/* Where loops of U begin is marked in offsets, which have nothing for its slots yet. */
static void mark_loops(struct onepass *x, const struct jit_unit *u)
{
	const struct bpf_insn *in = x->b->bind->insns;
	s64 delta;

	for (u32 at = u->start; at < u->end; at += isa_slots(&in[at])) {
		u8 kind = isa_rows[x->b->ops[at]].kind;

		if (kind >= KIND_JMP_JEQ && kind <= KIND_MAY_GOTO &&
		    isa_op_target(x->b->ops[at], &in[at], &delta) && delta < 0 &&
		    at + 1 + delta >= u->start)
			x->b->offsets[at + 1 + delta] = 1;
	}
}

static int write_insn(struct onepass *x, u32 at)
{
	struct ins i = take_apart(x, at);

	if (x->p >= x->b->limit)
		return 1;
	if (x->b->offsets[at])
		x->ops->align(x);
	x->b->offsets[at] = (u32)(x->p - x->b->code->mem);
	jit_mark(x->b->code, at, x->p);
	if (jit_cost(x->b, at))
		x->ops->charge(x, at);
	return x->ops->insn(x, &i);
}

static int write_unit(struct onepass *x, struct jit_unit *u)
{
	int r = 0;

	if (x->p >= x->b->limit)
		return 1;
	x->unit = u;
	x->ops->prologue(x, u);
	if (x->ops->align)
		mark_loops(x, u);
	for (u32 at = u->start; at < u->end && !r; at += isa_slots(&x->b->bind->insns[at]))
		r = write_insn(x, at);
	return r;
}

int onepass_write(struct onepass *x)
{
	struct jit_code *c = x->b->code;
	int r = 0;

	x->b->offsets = mem_alloc((c->nr_insns + 1) * sizeof(*x->b->offsets));
	c->marks.n = c->steps.n = 0;
	for (u32 u = 0; u < c->nr_units && !r; u++)
		r = write_unit(x, &c->units[u]);
	c->bytes = (u32)(x->p - c->mem);
	if (!r)
		r = write_fixes(x);
	free(x->b->offsets);
	vec_free(&x->fixes);
	return r;
}

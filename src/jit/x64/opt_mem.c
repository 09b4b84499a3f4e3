/* SPDX-License-Identifier: BSD-2-Clause */
/* opt_mem.c: machine code for loads, stores and atomics; see opt.h. */
#include "jit/x64/opt.h"

/* ---- memory ------------------------------------------------------------ */

struct x64_addr ra_address(struct ra *a, struct ir *v)
{
	struct x64_addr at = { 0, NO_INDEX, 0, (s32)v->imm };

	if (ir_is(v->arg[0], IR_FP))
		at = ra_fp(a, (s64)v->arg[0]->imm + (s32)v->imm);
	else
		at.base = (u8)ra_get(a, v->arg[0]);
	at.scale = v->scale;
	if (v->index)
		at.index = (u8)ra_get(a, v->index);
	return at;
}

static void load(struct ra *a, struct ir *v)
{
	struct x64_addr at = ra_address(a, v);
	u32 dst;

	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	if (v->sign && v->w < 64)
		x_at(&a->p, true, v->w < 32, v->w == 32 ? 0x63 : v->w == 8 ? 0xbe : 0xbf, dst,
		     &at, false);
	else
		x_at(&a->p, v->w == 64, v->w < 32, v->w >= 32 ? 0x8b : v->w == 8 ? 0xb6 : 0xb7,
		     dst, &at, false);
	ra_set(a, v, dst);
}

static void store_number(struct ra *a, const struct ir *v, const struct x64_addr *at, u64 imm)
{
	if (v->w == 16)
		put1(&a->p, 0x66);
	x_at(&a->p, v->w == 64, false, v->w == 8 ? 0xc6 : 0xc7, 0, at, false);
	if (v->w == 8)
		put1(&a->p, (u8)imm);
	else if (v->w == 16)
		put1(&a->p, (u8)imm), put1(&a->p, (u8)(imm >> 8));
	else
		put4(&a->p, (u32)imm);
}

/* op [place], b */
static void change(struct ra *a, const struct ir *v, const struct x64_addr *at)
{
	static const u8 alu[] = { [IR_ADD] = X_ADD, [IR_AND] = X_AND, [IR_OR] = X_OR,
				  [IR_XOR] = X_XOR, [IR_SUB] = X_SUB };
	u32 op = alu[v->cc], x;

	if (ra_imm(v, v->arg[1])) {
		x_at_imm(&a->p, v->w, op, at, (s32)v->arg[1]->imm);
		return;
	}
	x = ra_get(a, v->arg[1]);
	if (v->w == 16)
		put1(&a->p, 0x66);
	x_at(&a->p, v->w == 64, false, op << 3 | (v->w > 8), x, at, v->w == 8 && x >= 4);
}

static void store(struct ra *a, struct ir *v)
{
	struct x64_addr at = ra_address(a, v);
	u32 x;

	if (v->cc) {
		change(a, v, &at);
		return;
	}
	if (ra_imm(v, v->arg[1])) {
		store_number(a, v, &at, v->arg[1]->imm);
		return;
	}
	x = ra_get(a, v->arg[1]);
	if (v->w == 16)
		put1(&a->p, 0x66);
	x_at(&a->p, v->w == 64, false, v->w == 8 ? 0x88 : 0x89, x, &at, v->w == 8 && x >= 4);
}

static u32 plain_op(u32 kind)
{
	switch (kind) {
	case KIND_ATOMIC_ADD: case KIND_ATOMIC_FADD: return 0x01;
	case KIND_ATOMIC_OR: case KIND_ATOMIC_FOR: return 0x09;
	case KIND_ATOMIC_AND: case KIND_ATOMIC_FAND: return 0x21;
	default: return 0x31;
	}
}

/* Goes by the lock, the next byte, when nobody else is there (run.alone); what is between
 * may not touch flags. */
static u8 *unless_alone(struct ra *a, const struct ir *v)
{
	u32 run;
	u8 *none;

	if (v->n < 3)
		return NULL;
	run = ra_get(a, v->arg[2]);
	x_load(&a->p, 64, SCRATCH2, run, offsetof(struct run, alone));
	x_test(&a->p, true, SCRATCH2, SCRATCH2);
	none = x_jcc8(&a->p, CC_E);
	x_test_byte(&a->p, SCRATCH2, 0, 0xff);
	x_patch8(none, a->p);
	return none;
}

static void lock(struct ra *a, bool perhaps)
{
	u8 *by = perhaps ? x_jcc8(&a->p, CC_NE) : NULL;

	put1(&a->p, 0xf0);
	if (by)
		x_patch8(by, a->p);
}

/* lock OP [base + imm], src: what was there is not asked for. */
static void atomic_plain(struct ra *a, struct ir *v)
{
	u32 base = ra_get(a, v->arg[0]), src = ra_get(a, v->arg[1]);

	lock(a, unless_alone(a, v));
	x_mem(&a->p, false, ra_wide(v), plain_op(v->cc), src, base, (s32)v->imm);
}

/* lock xadd [base + imm], SCRATCH */
static void fetch_add(struct ra *a, struct ir *v, u32 base)
{
	lock(a, unless_alone(a, v));
	x_0f(&a->p, ra_wide(v), 0xc1, SCRATCH, base, (s32)v->imm);
}

static void atomic_exchange(struct ra *a, struct ir *v)
{
	u32 base = ra_get(a, v->arg[0]), dst;

	ra_load(a, v->arg[1], SCRATCH);
	if (v->cc == KIND_ATOMIC_XCHG)
		x_mem(&a->p, false, ra_wide(v), 0x87, SCRATCH, base, (s32)v->imm);
	else
		fetch_add(a, v, base);
	ra_free_dead(a, v, NULL);
	if (!v->uses)
		return;
	dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	x_mov(&a->p, ra_wide(v), dst, SCRATCH);
	ra_set(a, v, dst);
}

static void atomic_loop(struct ra *a, struct ir *v)
{
	u32 base, src;
	u8 *again;

	ra_clear(a, RAX);
	a->pinned |= BIT(RAX);
	base = ra_get(a, v->arg[0]);
	src = ra_get(a, v->arg[1]);
	x_load(&a->p, v->w, RAX, base, (s32)v->imm);
	again = a->p;
	x_mov(&a->p, true, SCRATCH, RAX);
	x_rr(&a->p, ra_wide(v), plain_op(v->cc), src, SCRATCH);
	x_lock_0f(&a->p, ra_wide(v), 0xb1, SCRATCH, base, (s32)v->imm);
	x_patch8(x_jcc8(&a->p, CC_NE), again);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, RAX);
}

static void atomic_compare(struct ra *a, struct ir *v)
{
	u32 base, src;

	ra_clear(a, RAX);
	a->pinned |= BIT(RAX);
	base = ra_get(a, v->arg[0]);
	src = ra_get(a, v->arg[1]);
	ra_load(a, v->arg[2], RAX);
	x_lock_0f(&a->p, ra_wide(v), 0xb1, src, base, (s32)v->imm);
	if (!ra_wide(v))	/* eax is not written when it was equal */
		x_mov(&a->p, false, RAX, RAX);
	ra_free_dead(a, v, NULL);
	if (v->uses)
		ra_set(a, v, RAX);
}

static void atomic(struct ra *a, struct ir *v)
{
	switch ((enum isa_kind)v->cc) {
	case KIND_ATOMIC_CMPXCHG: atomic_compare(a, v); return;
	case KIND_ATOMIC_XCHG: atomic_exchange(a, v); return;
	case KIND_ATOMIC_FADD:
		if (v->uses)
			atomic_exchange(a, v);
		else
			atomic_plain(a, v);
		return;
	case KIND_ATOMIC_FOR: case KIND_ATOMIC_FAND: case KIND_ATOMIC_FXOR:
		if (v->uses)
			atomic_loop(a, v);
		else
			atomic_plain(a, v);
		return;
	default: atomic_plain(a, v);
	}
}

void ra_memory(struct ra *a, struct ir *v)
{
	if (ir_is(v, IR_LOAD))
		load(a, v);
	else if (ir_is(v, IR_STORE))
		store(a, v);
	else
		atomic(a, v);
}

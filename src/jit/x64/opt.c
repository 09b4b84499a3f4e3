/* SPDX-License-Identifier: BSD-2-Clause */
/* opt.c: machine code for values, node by node; see opt.h. */
#include "jit/x64/opt.h"
#include <linux/bpf.h>
#include <stdlib.h>

enum { MAY_GOTO_MAX = 8 << 20, SHORT_MAX = 100, NODE_BYTES = 256 };

static const u8 arg_reg[6] = { RDI, RSI, RDX, RCX, R8, R9 };

static bool wide(const struct ir *v) { return v->w == 64; }

/* A number that an instruction of V's width can have in itself. */
static bool has_imm(const struct ir *v, const struct ir *x)
{
	return ir_is_const(x) && (v->w < 64 || fits32((s64)x->imm));
}

/* ---- arithmetic ---------------------------------------------------------------- */

static void op_imm(struct ra *a, const struct ir *v, u32 dst, s32 imm)
{
	static const u8 alu[] = { [IR_ADD] = X_ADD, [IR_AND] = X_AND, [IR_OR] = X_OR,
				  [IR_XOR] = X_XOR, [IR_SUB] = X_SUB };

	x_alu_imm(&a->p, wide(v), (enum x64_alu)alu[v->op], dst, imm);
}

static void op_reg(struct ra *a, const struct ir *v, u32 dst, u32 src)
{
	static const u8 alu[] = { [IR_ADD] = X_ADD, [IR_AND] = X_AND, [IR_OR] = X_OR,
				  [IR_XOR] = X_XOR, [IR_SUB] = X_SUB };

	if (ir_is(v, IR_MUL))
		x_imul(&a->p, wide(v), dst, src);
	else
		x_alu(&a->p, wide(v), (enum x64_alu)alu[v->op], dst, src);
}

/* X op number: in place when X ends here, else in one instruction where there is
 * one with a third operand. */
static void two_imm(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), dst, hint = ra_hint(a, v);
	struct x64_addr sum = { (u8)x, NO_INDEX, 0, (s32)v->arg[1]->imm };
	bool stays;

	ra_free_dead(a, v, NULL);
	stays = a->reg[x] == NULL;
	if (stays && (hint == NOREG || !ir_is(v, IR_ADD)))
		hint = x;
	dst = ra_alloc(a, ALL_REGS, hint, v);
	if (ir_is(v, IR_MUL))
		x_imul_imm(&a->p, wide(v), dst, x, sum.disp);
	else if (ir_is(v, IR_ADD) && dst != x)
		x_lea(&a->p, wide(v), dst, &sum);
	else {
		if (dst != x)
			x_mov(&a->p, wide(v), dst, x);
		op_imm(a, v, dst, sum.disp);
	}
	ra_set(a, v, dst);
}

static void two_reg(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), y = ra_get(a, v->arg[1]), dst, hint = ra_hint(a, v);
	bool comm = ir_flags[v->op] & COMM;

	ra_free_dead(a, v, comm ? NULL : v->arg[1]);
	if (a->reg[x] && comm && !a->reg[y]) {
		u32 z = x;

		x = y;
		y = z;
	}
	if (!a->reg[x] && (hint == NOREG || !ir_is(v, IR_ADD)))
		hint = x;
	a->pinned |= BIT(y);	/* it is read after the result is begun */
	if (hint == y)
		hint = NOREG;
	dst = ra_alloc(a, ALL_REGS, hint, v);
	if (dst != x && ir_is(v, IR_ADD)) {
		struct x64_addr sum = { (u8)x, (u8)y, 0, 0 };

		x_lea(&a->p, wide(v), dst, &sum);
	} else {
		if (dst != x)
			x_mov(&a->p, wide(v), dst, x);
		op_reg(a, v, dst, y);
	}
	ra_free_dead(a, v, NULL);
	ra_set(a, v, dst);
}

static void two(struct ra *a, struct ir *v)
{
	if (has_imm(v, v->arg[1]))
		two_imm(a, v);
	else
		two_reg(a, v);
}

static enum x64_shift shift_of(const struct ir *v)
{
	return ir_is(v, IR_SHL) ? X_SHL : ir_is(v, IR_SHR) ? X_SHR : X_SAR;
}

/* The result's register, with operand 0 in it. */
static u32 in_place(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), dst;

	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, a->reg[x] ? ra_hint(a, v) : x, v);
	if (dst != x)
		x_mov(&a->p, true, dst, x);
	return dst;
}

static void shift_imm(struct ra *a, struct ir *v)
{
	u32 k = (u32)v->arg[1]->imm & (v->w - 1u), dst = in_place(a, v);

	x_shift_imm(&a->p, wide(v), shift_of(v), dst, k);
	ra_set(a, v, dst);
}

static void shift_reg(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), n = ra_get(a, v->arg[1]), dst;

	if (!a->bmi2) {
		x_mov(&a->p, true, SCRATCH, x);
		x_mov(&a->p, true, SCRATCH2, RCX);
		x_mov(&a->p, true, RCX, n);
		x_shift_cl(&a->p, wide(v), shift_of(v), SCRATCH);
		x_mov(&a->p, true, RCX, SCRATCH2);
		x = SCRATCH;
	}
	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	if (a->bmi2)
		x_shiftx(&a->p, wide(v), shift_of(v), dst, x, n);
	else
		x_mov(&a->p, wide(v), dst, x);
	ra_set(a, v, dst);
}

static void rotate(struct ra *a, struct ir *v)
{
	u32 x, dst, right = v->w - (u32)v->imm;

	if (!a->bmi2) {
		dst = in_place(a, v);
		x_shift_imm(&a->p, wide(v), X_ROR, dst, right);
		ra_set(a, v, dst);
		return;
	}
	x = ra_get(a, v->arg[0]);
	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, a->reg[x] ? ra_hint(a, v) : x, v);
	if (dst == x)
		x_shift_imm(&a->p, wide(v), X_ROR, dst, right);
	else
		x_rorx(&a->p, wide(v), dst, x, right);
	ra_set(a, v, dst);
}

/* Extensions write another register as well as the same. */
static void extend(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), dst, hint;

	ra_free_dead(a, v, NULL);
	hint = ra_hint(a, v);
	dst = ra_alloc(a, ALL_REGS, hint != NOREG || a->reg[x] ? hint : x, v);
	if (ir_is(v, IR_ZEXT))
		x_movzx(&a->p, v->w, dst, x);
	else
		x_movsx(&a->p, wide(v), (u32)v->imm, dst, x);
	ra_set(a, v, dst);
}

static void one(struct ra *a, struct ir *v)
{
	u32 dst = in_place(a, v);

	if (ir_is(v, IR_NEG)) {
		x_f7(&a->p, wide(v), 3, dst);
	} else if (v->w == 16) {
		x_ror16(&a->p, dst, 8);
		x_movzx(&a->p, 16, dst, dst);
	} else {
		x_bswap(&a->p, wide(v), dst);
	}
	ra_set(a, v, dst);
}

/* ---- multiplication and division by rax and rdx ------------------------------------- */

/* rax has X, rdx is free, Y is in the scratch register. */
static void wide_operands(struct ra *a, struct ir *x, struct ir *y)
{
	ra_load(a, y, SCRATCH);
	ra_clear(a, RDX);
	a->pinned |= BIT(RDX);
	if (x->reg != RAX || !ra_dead(a, x)) {
		ra_clear(a, RAX);
		ra_load(a, x, RAX);
	}
	a->pinned |= BIT(RAX);
}

static void mulhi(struct ra *a, struct ir *v)
{
	wide_operands(a, v->arg[0], v->arg[1]);
	x_f7(&a->p, true, 4, SCRATCH);
	ra_drop(a, RAX);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, RDX);
}

static void divide_plain(struct ra *a, const struct ir *v, bool is_signed)
{
	if (is_signed)
		x_cqo(&a->p, wide(v));
	else
		x_alu(&a->p, false, X_XOR, RDX, RDX);
	x_f7(&a->p, wide(v), is_signed ? 7 : 6, SCRATCH);
}

/* BPF's results for a divisor of 0 and of -1; what is jumped over is done. */
static void divide_checked(struct ra *a, const struct ir *v, bool rest, bool is_signed)
{
	u8 *zero, *minus = NULL, *done[2];
	u32 n = 0;

	x_test(&a->p, wide(v), SCRATCH, SCRATCH);
	zero = x_jcc8(&a->p, CC_E);
	if (is_signed) {
		x_alu_imm(&a->p, wide(v), X_CMP, SCRATCH, -1);
		minus = x_jcc8(&a->p, CC_E);
	}
	divide_plain(a, v, is_signed);
	done[n++] = x_jmp8(&a->p);
	if (minus) {
		x_patch8(minus, a->p);
		x_f7(&a->p, wide(v), 3, RAX);
		x_alu(&a->p, false, X_XOR, RDX, RDX);
		done[n++] = x_jmp8(&a->p);
	}
	x_patch8(zero, a->p);
	if (rest)
		x_mov(&a->p, wide(v), RDX, RAX);
	else
		x_alu(&a->p, false, X_XOR, RAX, RAX);
	while (n)
		x_patch8(done[--n], a->p);
}

static void divide(struct ra *a, struct ir *v)
{
	bool rest = ir_is(v, IR_UMOD) || ir_is(v, IR_SMOD);
	bool is_signed = ir_is(v, IR_SDIV) || ir_is(v, IR_SMOD);
	const struct ir *y = v->arg[1];
	u64 c = y->imm & ir_mask(v->w);

	wide_operands(a, v->arg[0], v->arg[1]);
	if (ir_is_const(y) && c && c != ir_mask(v->w))
		divide_plain(a, v, is_signed);
	else
		divide_checked(a, v, rest, is_signed);
	ra_drop(a, RAX);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, rest ? RDX : RAX);
}

/* ---- comparison ---------------------------------------------------------------------- */

static enum x64_cc cc_of(u32 cc)
{
	static const u8 to[] = { [IR_EQ] = CC_E, [IR_NE] = CC_NE, [IR_ULT] = CC_B,
		[IR_ULE] = CC_BE, [IR_UGT] = CC_A, [IR_UGE] = CC_AE, [IR_SLT] = CC_L,
		[IR_SLE] = CC_LE, [IR_SGT] = CC_G, [IR_SGE] = CC_GE, [IR_SET] = CC_NE,
		[IR_CLEAR] = CC_E };

	return (enum x64_cc)to[cc];
}

/* Operands of the comparison in registers, for compare() to write nothing else. */
static void compare_get(struct ra *a, struct ir *v)
{
	ra_get(a, v->arg[0]);
	if (!has_imm(v, v->arg[1]))
		ra_get(a, v->arg[1]);
}

static void compare(struct ra *a, const struct ir *v)
{
	const struct ir *x = v->arg[0], *y = v->arg[1];
	bool bits = v->cc >= IR_SET;

	if (!has_imm(v, y) && bits)
		x_test(&a->p, wide(v), x->reg, y->reg);
	else if (!has_imm(v, y))
		x_alu(&a->p, wide(v), X_CMP, x->reg, y->reg);
	else if (bits)
		x_test_imm(&a->p, wide(v), x->reg, (s32)y->imm);
	else if ((s32)y->imm)
		x_alu_imm(&a->p, wide(v), X_CMP, x->reg, (s32)y->imm);
	else
		x_test(&a->p, wide(v), x->reg, x->reg);
}

static void choose(struct ra *a, struct ir *v)
{
	u32 t, e, dst;

	compare_get(a, v);
	t = ra_get(a, v->arg[2]);
	e = ra_get(a, v->arg[3]);
	if (v->arg[3] != v->arg[2] && !ir_remade(v->arg[3]) && ra_dead(a, v->arg[3]) ) {
		/* the comparison reads it before it changes */
		dst = e;
	} else {
		dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
		x_mov(&a->p, true, dst, e);
	}
	compare(a, v);
	x_cmov(&a->p, true, cc_of(v->cc), dst, t);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, dst);
}

/* ---- memory ------------------------------------------------------------------------------ */

static struct x64_addr address(struct ra *a, struct ir *v)
{
	struct x64_addr at = { 0, NO_INDEX, v->scale, (s32)v->imm };

	if (ir_is(v->arg[0], IR_FP))
		return ra_fp(a, (s64)v->arg[0]->imm + (s32)v->imm);
	at.base = (u8)ra_get(a, v->arg[0]);
	if (v->index)
		at.index = (u8)ra_get(a, v->index);
	return at;
}

static void load(struct ra *a, struct ir *v)
{
	struct x64_addr at = address(a, v);
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

static void store(struct ra *a, struct ir *v)
{
	struct x64_addr at = address(a, v);
	u32 x;

	if (has_imm(v, v->arg[1])) {
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

/* lock OP [base + imm], src: what was there is not asked for. */
static void atomic_plain(struct ra *a, struct ir *v)
{
	u32 base = ra_get(a, v->arg[0]), src = ra_get(a, v->arg[1]);

	x_mem(&a->p, true, wide(v), plain_op(v->cc), src, base, (s32)v->imm);
}

static void atomic_exchange(struct ra *a, struct ir *v)
{
	u32 base = ra_get(a, v->arg[0]), dst;

	ra_load(a, v->arg[1], SCRATCH);
	if (v->cc == KIND_ATOMIC_XCHG)
		x_mem(&a->p, false, wide(v), 0x87, SCRATCH, base, (s32)v->imm);
	else
		x_lock_0f(&a->p, wide(v), 0xc1, SCRATCH, base, (s32)v->imm);
	ra_free_dead(a, v, NULL);
	if (!v->uses)
		return;
	dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	x_mov(&a->p, wide(v), dst, SCRATCH);
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
	x_rr(&a->p, wide(v), plain_op(v->cc), src, SCRATCH);
	x_lock_0f(&a->p, wide(v), 0xb1, SCRATCH, base, (s32)v->imm);
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
	x_lock_0f(&a->p, wide(v), 0xb1, src, base, (s32)v->imm);
	if (!wide(v))	/* eax is not written when it was equal */
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

/* ---- functions ---------------------------------------------------------------------------- */

/* Leaves the function but for its return or jump. */
static void restore(struct ra *a)
{
	if (a->frame)
		x_alu_imm(&a->p, true, X_ADD, RSP, (s32)a->frame);
	for (u32 r = REGS; r-- > 0;)
		if (a->saved & BIT(r))
			x_pop(&a->p, r);
}

static void leave(struct ra *a)
{
	restore(a);
	x_ret(&a->p);
}

static void call_addr(struct ra *a, u64 to)
{
	s64 d = (s64)(to - (u64)(uintptr_t)(a->p + 5));

	if (fits32(d)) {
		u8 *at = x_call(&a->p);

		memcpy(at, &(s32){ (s32)d }, 4);
		return;
	}
	x_mov_imm(&a->p, RAX, to);
	x_call_reg(&a->p, RAX);
}

/* The result of a call is where C leaves it. */
static void result(struct ra *a, struct ir *v)
{
	ra_after_call(a);
	ra_free_dead(a, v, NULL);
	if (v->uses)
		ra_set(a, v, RAX);
}

static void call(struct ra *a, struct ir *v)
{
	struct move m[6];
	u32 n = 0;

	ra_before_call(a, NULL, 0);
	for (u32 i = 0; i < v->n; i++)
		m[n++] = (struct move){ i + 1u == v->n ? R9 : arg_reg[i], v->arg[i] };
	ra_moves(a, m, n);
	if (ir_is(v, IR_CALL)) {
		call_addr(a, v->imm);
	} else {
		x_call(&a->p);
		*vec_push(a->links) = (struct link){ a->p - 4, (u32)v->imm };
	}
	result(a, v);
}

static void tail(struct ra *a, struct ir *v)
{
	struct ir *ctx = v->arg[0], *run = v->arg[3];
	struct ir *const both[2] = { ctx, run };
	const struct move args[3] = { { RDI, run }, { RSI, v->arg[1] }, { RDX, v->arg[2] } };
	const struct move next[2] = { { RDI, ctx }, { R9, run } };
	u8 *none;

	ra_before_call(a, both, 2);
	ra_moves(a, args, 3);
	call_addr(a, (u64)(uintptr_t)a->b->bind->tail);
	ra_after_call(a);
	x_test(&a->p, true, RAX, RAX);
	none = x_jcc8(&a->p, CC_E);
	ra_moves(a, next, 2);
	restore(a);
	x_jmp_reg(&a->p, RAX);
	x_patch8(none, a->p);
	x_mov_imm(&a->p, RAX, (u64)-1);
	ra_free_dead(a, v, NULL);
	if (v->uses)
		ra_set(a, v, RAX);
}

/* Outside the packet the function ends with 0. */
static void packet(struct ra *a, struct ir *v)
{
	const struct move m[2] = { { RDI, v->arg[0] }, { RSI, v->arg[1] } };
	u8 *there;

	ra_before_call(a, NULL, 0);
	ra_moves(a, m, 2);
	x_mov_imm(&a->p, RDX, v->w / 8u);
	call_addr(a, (u64)(uintptr_t)a->b->bind->packet);
	x_test(&a->p, true, RAX, RAX);
	there = x_jcc8(&a->p, CC_NS);
	x_mov_imm(&a->p, RAX, 0);
	leave(a);
	x_patch8(there, a->p);
	result(a, v);
}

/* ---- jumps ----------------------------------------------------------------------------------- */

/* Is the distance from here to TO short, as far as the first time tells? */
static bool is_near(const struct ra *a, const struct ir_block *to)
{
	s64 here;

	if (!a->second)
		return false;
	if (to->code)
		return a->p - to->code < SHORT_MAX;
	here = (s64)a->offsets[a->block->id] + (a->p - a->block->code);
	return !a->only_long && (s64)a->offsets[to->id] - here < SHORT_MAX;
}

static void jump(struct ra *a, struct ir_block *to, s32 cc)
{
	bool near = is_near(a, to);
	u8 *at = near ? cc < 0 ? x_jmp8(&a->p) : x_jcc8(&a->p, (enum x64_cc)cc) :
		 cc < 0 ? x_jmp(&a->p) : x_jcc(&a->p, (enum x64_cc)cc);

	*vec_push(&a->jumps) = (struct jump){ at, near, TO_BLOCK, to };
}

static void goto_block(struct ra *a, struct ir_block *to)
{
	ra_enter(a, to);
	ra_edge(a, to, false);
	if (to->id != a->block->id + 1)
		jump(a, to, -1);
}

/* With the flags set: to TAKEN when CC, else to OTHER; COUNT: OTHER's way counts a
 * may_goto. */
static void branch_to(struct ra *a, struct ir_block *taken, struct ir_block *other,
		      enum x64_cc cc, bool count)
{
	ra_enter(a, taken);
	ra_enter(a, other);
	if (ra_edge(a, taken, true)) {
		u8 *over = x_jcc(&a->p, (enum x64_cc)(cc ^ 1));

		ra_edge(a, taken, false);
		jump(a, taken, -1);
		x_patch(over, a->p);
	} else {
		jump(a, taken, cc);
	}
	if (count)
		x_mem(&a->p, false, true, 0xff, 1, RSP, (s32)a->fp_at - 8);
	ra_edge(a, other, false);
	if (other->id != a->block->id + 1)
		jump(a, other, -1);
}

static void branch(struct ra *a, struct ir *v)
{
	struct ir_block *t = a->block->succ[0], *e = a->block->succ[1];
	enum x64_cc cc = cc_of(v->cc);

	compare_get(a, v);
	compare(a, v);
	a->pinned = 0;
	if (t->id == a->block->id + 1)
		branch_to(a, e, t, (enum x64_cc)(cc ^ 1), false);
	else
		branch_to(a, t, e, cc, false);
}

static void may_goto(struct ra *a)
{
	x_mem(&a->p, false, true, 0x83, X_CMP, RSP, (s32)a->fp_at - 8);
	put1(&a->p, 0);
	branch_to(a, a->block->succ[0], a->block->succ[1], CC_E, true);
}

static void ret(struct ra *a, struct ir *v)
{
	ra_load(a, v->arg[0], RAX);
	leave(a);
}

static void node(struct ra *a, struct ir *v)
{
	switch ((enum ir_op)v->op) {
	case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR:
		two(a, v); break;
	case IR_SHL: case IR_SHR: case IR_SAR:
		if (ir_is_const(v->arg[1]))
			shift_imm(a, v);
		else
			shift_reg(a, v);
		break;
	case IR_ROL: rotate(a, v); break;
	case IR_UDIV: case IR_UMOD: case IR_SDIV: case IR_SMOD: divide(a, v); break;
	case IR_MULHI: mulhi(a, v); break;
	case IR_NEG: case IR_BSWAP: one(a, v); break;
	case IR_ZEXT: case IR_SEXT: extend(a, v); break;
	case IR_SELECT: choose(a, v); break;
	case IR_LOAD: load(a, v); break;
	case IR_STORE: store(a, v); break;
	case IR_ATOMIC: atomic(a, v); break;
	case IR_CALL: case IR_LOCAL: call(a, v); break;
	case IR_PACKET: packet(a, v); break;
	case IR_TAIL: tail(a, v); break;
	case IR_JMP: goto_block(a, a->block->succ[0]); break;
	case IR_BR: branch(a, v); break;
	case IR_MAY_GOTO: may_goto(a); break;
	case IR_RET: ret(a, v); break;
	case IR_TRAP: put1(&a->p, 0x0f), put1(&a->p, 0x0b); break;
	default: break;	/* PARAM: set at the start */
	}
}

/* ---- the function ------------------------------------------------------------------------------- */

static void prologue(struct ra *a)
{
	for (u32 r = 0; r < REGS; r++)
		if (a->saved & BIT(r))
			x_push(&a->p, r);
	if (a->frame)
		x_alu_imm(&a->p, true, X_SUB, RSP, (s32)a->frame);
	if (a->f->may_goto)
		x_mem(&a->p, false, true, 0xc7, 0, RSP, (s32)a->fp_at - 8), put4(&a->p, MAY_GOTO_MAX);
}

static void take_params(struct ra *a)
{
	ir_list *nodes = &a->f->first->nodes;

	a->block = a->f->first;
	a->pos = a->block->pos;
	ra_live_out(a->block);
	for (size_t i = 0; i < nodes->n; i++)
		if (ir_is(nodes->v[i], IR_PARAM))
			ra_set(a, nodes->v[i], nodes->v[i]->imm == 6 ? R9 :
			       arg_reg[nodes->v[i]->imm - 1]);
}

/* Operands that are in registers stay there while V is written. */
static void pin_operands(struct ra *a, const struct ir *v)
{
	a->pinned = 0;
	for (u32 i = 0; i < v->n; i++)
		if (v->arg[i]->reg != NOREG)
			a->pinned |= BIT(v->arg[i]->reg);
	if (v->index && v->index->reg != NOREG)
		a->pinned |= BIT(v->index->reg);
}

static int write_block(struct ra *a, struct ir_block *block)
{
	block->code = a->p;
	if (!a->second)
		a->offsets[block->id] = (u32)(a->p - a->b->code->mem);
	if (block == a->f->first)
		take_params(a);
	else
		ra_start(a, block);
	for (size_t i = 0; i < block->nodes.n; i++) {
		struct ir *v = block->nodes.v[i];

		if (a->p >= a->b->limit - NODE_BYTES)
			return 1;
		a->pos = v->first;
		pin_operands(a, v);
		if (a->second)
			jit_mark(a->b->code, v->slot, a->p);
		node(a, v);
		if (!(ir_flags[v->op] & END))
			ra_free_dead(a, v, NULL);
	}
	return 0;
}

static void fill_jumps(struct ra *a)
{
	for (size_t i = 0; i < a->jumps.n; i++) {
		const struct jump *j = &a->jumps.v[i];
		s64 d = j->block->code - (j->at + 1);

		if (!j->is_short)
			x_patch(j->at, j->block->code);
		else if (fits8(d))
			x_patch8(j->at, j->block->code);
		else
			a->overflow = true;
	}
}

/* Forgets what the last time left in the values. */
static void reset(struct ra *a)
{
	memset(a->reg, 0, sizeof(a->reg));
	a->places.n = a->temps.n = a->jumps.n = 0;
	a->used = a->pinned = 0;
	a->fp_used = a->calls_made = a->overflow = false;
	for (size_t b = 0; b < a->f->blocks.n; b++) {
		struct ir_block *block = a->f->blocks.v[b];

		memset(block->entry, 0, sizeof(struct entry));
		block->code = NULL;
		for (size_t i = 0; i < block->phis.n; i++)
			block->phis.v[i]->phi_reg = NOREG;
	}
	for (u32 i = 0; i < a->f->nr_all; i++) {
		struct ir *v = a->f->all[i];

		v->reg = NOREG;
		v->in_mem = false;
		v->place = -1;
		v->at_use = 0;
		v->stamp = 0;
	}
}

static int write_once(struct ra *a)
{
	size_t links = a->links->n, marks = a->b->code->marks.n;
	u8 *start = a->p;
	int r = 0;

	reset(a);
	prologue(a);
	for (size_t b = 0; b < a->f->blocks.n && !r; b++)
		r = write_block(a, a->f->blocks.v[b]);
	if (!r)
		fill_jumps(a);
	a->good = a->second && !a->overflow && !(a->used & ~a->saved) &&
		  (!a->fp_used || a->fp_at >= 512) && a->fp_at + 8 * a->places.n <= a->frame;
	if (!a->good) {		/* it will be written again */
		a->p = start;
		a->links->n = links;
		a->b->code->marks.n = marks;
	}
	return r;
}

/* The frame that was needed: rsp is a multiple of 16 at calls. */
static void settle_frame(struct ra *a)
{
	u32 pushed = 8 + 8 * (u32)__builtin_popcount(a->used | a->saved);

	a->saved |= a->used;
	a->fp_at = (a->fp_used ? 512 : 0) + (a->f->may_goto ? 8 : 0);
	a->frame = a->fp_at + 8 * (u32)a->places.n;
	if (a->calls_made)
		a->frame += (16 - (pushed + a->frame) % 16) % 16;
}

/* Places of calls, and the node at each position. */
static void find_calls(struct ra *a)
{
	const struct ir_block *last = a->f->blocks.v[a->f->blocks.n - 1];

	a->at = arena_news(a->f->arena, last->edge + 1, struct ir *);
	a->calls = arena_news(a->f->arena, last->edge + 1, u32);
	for (size_t b = 0; b < a->f->blocks.n; b++)
		for (size_t i = 0; i < a->f->blocks.v[b]->nodes.n; i++) {
			struct ir *v = a->f->blocks.v[b]->nodes.v[i];

			a->at[v->first] = v;
			if (ir_is(v, IR_CALL) || ir_is(v, IR_LOCAL) || ir_is(v, IR_TAIL) ||
			    ir_is(v, IR_PACKET))
				a->calls[a->nr_calls++] = v->first;
		}
}

enum { TRIES = 4 };

/* Writes the function until what is written agrees with what it was written for. */
static int write_func(struct ra *a)
{
	int r;

	a->fp_at = 520;
	a->frame = 1024;
	a->saved = CALLEE_SAVED;
	r = write_once(a);
	a->saved = 0;
	a->second = true;
	for (u32 i = 0; i < TRIES && !r; i++) {
		settle_frame(a);
		r = write_once(a);
		if (!r && a->good)
			return 0;
		a->only_long |= a->overflow;
	}
	return r ? r : 2;
}

static int write_unit(struct jit_build *b, struct jit_unit *u, u8 **p, link_list *links,
		      struct arena *arena)
{
	struct ir_func f = { .arena = arena, .b = b, .unit = u };
	struct ra a = { .b = b, .f = &f, .p = *p, .links = links,
			.bmi2 = __builtin_cpu_supports("bmi2") };
	int r = ir_compile(&f);

	if (!r) {
		a.offsets = arena_news(arena, f.blocks.n + 1, u32);
		for (size_t i = 0; i < f.blocks.n; i++)
			f.blocks.v[i]->entry = arena_new(arena, struct entry);
		find_calls(&a);
		ir_collect(&f);
		u->inner = u->outer = a.p;
		r = write_func(&a);
		*p = a.p;
	}
	vec_free(&a.places);
	vec_free(&a.temps);
	vec_free(&a.jumps);
	ir_free(&f);
	return r;
}

int jit_x64_optimise(struct jit_build *b)
{
	struct jit_code *c = b->code;
	link_list links = { 0 };
	u8 *p = c->mem;
	int r = 0;

	c->marks.n = 0;
	for (u32 u = 0; u < c->nr_units && !r; u++) {
		struct arena arena = ARENA_INIT;

		r = p >= b->limit ? 1 : write_unit(b, &c->units[u], &p, &links, &arena);
		arena_free(&arena);
	}
	c->bytes = (u32)(p - c->mem);
	for (size_t i = 0; i < links.n && !r; i++)
		x_patch(links.v[i].at, jit_unit_at(c, links.v[i].slot)->inner);
	vec_free(&links);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* opt_alu.c: machine code for values that are reckoned; see opt.h. */
#include "jit/x64/opt.h"

/* ---- arithmetic -------------------------------------------------------- */

static void op_imm(struct ra *a, const struct ir *v, u32 dst, s32 imm)
{
	static const u8 alu[] = { [IR_ADD] = X_ADD, [IR_AND] = X_AND, [IR_OR] = X_OR,
				  [IR_XOR] = X_XOR, [IR_SUB] = X_SUB };

	x_alu_imm(&a->p, ra_wide(v), (enum x64_alu)alu[v->op], dst, imm);
}

static void op_reg(struct ra *a, const struct ir *v, u32 dst, u32 src)
{
	static const u8 alu[] = { [IR_ADD] = X_ADD, [IR_AND] = X_AND, [IR_OR] = X_OR,
				  [IR_XOR] = X_XOR, [IR_SUB] = X_SUB };

	if (ir_is(v, IR_MUL))
		x_imul(&a->p, ra_wide(v), dst, src);
	else
		x_alu(&a->p, ra_wide(v), (enum x64_alu)alu[v->op], dst, src);
}

/* Where V is best made: where it is wanted, else in X when that ends here. */
static u32 hint_or(struct ra *a, const struct ir *v, u32 x)
{
	u32 hint = ra_hint(a, v);

	return hint == NOREG && !a->reg[x] ? x : hint;
}

/* X op number: in place when X ends here, else in one instruction where there is
 * one with a third operand. */
static void two_imm(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), dst;
	struct x64_addr sum = { (u8)x, NO_INDEX, 0, (s32)v->arg[1]->imm };

	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, hint_or(a, v, x), v);
	if (ir_is(v, IR_MUL))
		x_imul_imm(&a->p, ra_wide(v), dst, x, sum.disp);
	else if (ir_is(v, IR_ADD) && dst != x)
		x_lea(&a->p, ra_wide(v), dst, &sum);
	else {
		if (dst != x)
			x_mov(&a->p, ra_wide(v), dst, x);
		op_imm(a, v, dst, sum.disp);
	}
	ra_set(a, v, dst);
}

static void two_reg(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), y = ra_get(a, v->arg[1]), dst, hint;
	bool comm = ir_flags[v->op] & COMM;

	ra_free_dead(a, v, comm ? NULL : v->arg[1]);
	hint = ra_hint(a, v);
	if (comm && !a->reg[y] && (hint == y || (hint != x && a->reg[x]))) {
		u32 z = x;

		x = y;
		y = z;
	}
	if (hint == NOREG && !a->reg[x])
		hint = x;
	a->pinned |= BIT(y);	/* it is read after the result is begun */
	if (hint == y)
		hint = x == y ? x : NOREG;
	if (x == y)
		a->pinned &= ~BIT(y);
	dst = ra_alloc(a, ALL_REGS, hint, v);
	if (dst != x && ir_is(v, IR_ADD)) {
		struct x64_addr sum = { (u8)x, (u8)y, 0, 0 };

		x_lea(&a->p, ra_wide(v), dst, &sum);
	} else {
		if (dst != x)
			x_mov(&a->p, ra_wide(v), dst, x);
		op_reg(a, v, dst, y);
	}
	ra_free_dead(a, v, NULL);
	ra_set(a, v, dst);
}

/* X op what is in memory. */
static void two_mem(struct ra *a, struct ir *v)
{
	static const u8 ops[] = { [IR_ADD] = 0x03, [IR_AND] = 0x23, [IR_OR] = 0x0b,
				  [IR_XOR] = 0x33, [IR_SUB] = 0x2b, [IR_MUL] = 0xaf };
	u32 x = ra_get(a, v->arg[0]), dst;
	struct x64_addr at = ra_address(a, v->arg[1]);

	ra_free_dead(a, v, NULL);
	if (ir_is(v->arg[1]->arg[0], IR_FP))
		a->pinned |= at.index == NO_INDEX ? 0 : BIT(at.index);
	else
		a->pinned |= BIT(at.base) | (at.index == NO_INDEX ? 0 : BIT(at.index));
	a->pinned &= ~(a->reg[x] ? 0 : BIT(x));
	dst = ra_alloc(a, ALL_REGS, hint_or(a, v, x), v);
	if (dst != x)
		x_mov(&a->p, ra_wide(v), dst, x);
	x_at(&a->p, ra_wide(v), ir_is(v, IR_MUL), ops[v->op], dst, &at, false);
	ra_set(a, v, dst);
}

static void lea(struct ra *a, struct ir *v)
{
	struct x64_addr at = { (u8)ra_get(a, v->arg[0]), (u8)ra_get(a, v->index), v->scale,
			       (s32)v->imm };
	u32 dst;

	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	x_lea(&a->p, ra_wide(v), dst, &at);
	ra_set(a, v, dst);
}

/* X + 1 or X: a carry when the one before the last is less than the last. */
static void two_carry(struct ra *a, struct ir *v)
{
	struct ir *s = v->arg[1], last = { .op = IR_CONST, .reg = NOREG }, cmp = *s;
	bool more = s->arg[2]->imm, none = s->cc == IR_UGE || s->cc == IR_NE || s->cc == IR_UGT;
	u32 x = ra_get(a, v->arg[0]), dst;

	ra_compare_get(a, s);
	if (s->cc != IR_ULT && s->cc != IR_UGE) {	/* not above a number */
		last.imm = (s->arg[1]->imm & ir_mask(s->w)) + 1;
		cmp.arg = cmp.own;
		cmp.own[1] = &last;
	}
	cmp.cc = IR_ULT;
	dst = ra_dead(a, v->arg[0]) ? x : ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	if (dst != x)
		x_mov(&a->p, ra_wide(v), dst, x);
	a->flags = NULL;
	ra_compare(a, &cmp);
	a->flags = NULL;
	if (none == more)
		x_alu_imm(&a->p, ra_wide(v), X_SBB, dst, -1);
	else
		x_alu_imm(&a->p, ra_wide(v), X_ADC, dst, 0);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, dst);
}

static void two(struct ra *a, struct ir *v)
{
	if (v->arg[1]->late && ir_is(v->arg[1], IR_SELECT))
		two_carry(a, v);
	else if (v->arg[1]->late)
		two_mem(a, v);
	else if (ra_imm(v, v->arg[1]))
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
	dst = ra_alloc(a, ALL_REGS, hint_or(a, v, x), v);
	if (dst != x)
		x_mov(&a->p, true, dst, x);
	return dst;
}

static void shift_imm(struct ra *a, struct ir *v)
{
	u32 k = (u32)v->arg[1]->imm & (v->w - 1u), dst = in_place(a, v);

	x_shift_imm(&a->p, ra_wide(v), shift_of(v), dst, k);
	ra_set(a, v, dst);
}

static void shift_reg(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), n = ra_get(a, v->arg[1]), dst;

	if (!a->bmi2) {
		x_mov(&a->p, true, SCRATCH, x);
		x_mov(&a->p, true, SCRATCH2, RCX);
		x_mov(&a->p, true, RCX, n);
		x_shift_cl(&a->p, ra_wide(v), shift_of(v), SCRATCH);
		x_mov(&a->p, true, RCX, SCRATCH2);
		x = SCRATCH;
	}
	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	if (a->bmi2)
		x_shiftx(&a->p, ra_wide(v), shift_of(v), dst, x, n);
	else
		x_mov(&a->p, ra_wide(v), dst, x);
	ra_set(a, v, dst);
}

static void rotate(struct ra *a, struct ir *v)
{
	u32 x, dst, right = v->w - (u32)v->imm;

	if (!a->bmi2) {
		dst = in_place(a, v);
		x_shift_imm(&a->p, ra_wide(v), X_ROR, dst, right);
		ra_set(a, v, dst);
		return;
	}
	x = ra_get(a, v->arg[0]);
	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, hint_or(a, v, x), v);
	if (dst == x)
		x_shift_imm(&a->p, ra_wide(v), X_ROR, dst, right);
	else
		x_rorx(&a->p, ra_wide(v), dst, x, right);
	ra_set(a, v, dst);
}

/* Extensions write another register as well as the same. */
static void extend(struct ra *a, struct ir *v)
{
	u32 x = ra_get(a, v->arg[0]), dst;

	ra_free_dead(a, v, NULL);
	dst = ra_alloc(a, ALL_REGS, hint_or(a, v, x), v);
	if (ir_is(v, IR_ZEXT))
		x_movzx(&a->p, v->w, dst, x);
	else
		x_movsx(&a->p, ra_wide(v), (u32)v->imm, dst, x);
	ra_set(a, v, dst);
}

static void one(struct ra *a, struct ir *v)
{
	u32 dst = in_place(a, v);

	if (ir_is(v, IR_NEG)) {
		x_f7(&a->p, ra_wide(v), 3, dst);
	} else if (v->w == 16) {
		x_ror16(&a->p, dst, 8);
		x_movzx(&a->p, 16, dst, dst);
	} else {
		x_bswap(&a->p, ra_wide(v), dst);
	}
	ra_set(a, v, dst);
}

/* ---- multiplication and division by rax and rdx ------------------------ */

/* rax has X, rdx is free, Y is in the register that it gives. */
static u32 wide_operands(struct ra *a, struct ir *x, struct ir *y)
{
	u32 r = y->reg == NOREG || y->reg == RAX || y->reg == RDX ? SCRATCH : y->reg;

	if (r == SCRATCH)
		ra_load(a, y, SCRATCH);
	ra_clear(a, RDX);
	a->pinned |= BIT(RDX);
	if (x->reg != RAX || !ra_dead(a, x)) {
		ra_clear(a, RAX);
		ra_load(a, x, RAX);
	}
	a->pinned |= BIT(RAX);
	return r;
}

static void mulhi(struct ra *a, struct ir *v)
{
	u32 y = wide_operands(a, v->arg[0], v->arg[1]);

	x_f7(&a->p, true, 4, y);
	ra_drop(a, RAX);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, RDX);
}

static void divide_plain(struct ra *a, const struct ir *v, u32 y, bool is_signed)
{
	if (is_signed)
		x_cqo(&a->p, ra_wide(v));
	else
		x_alu(&a->p, false, X_XOR, RDX, RDX);
	x_f7(&a->p, ra_wide(v), is_signed ? 7 : 6, y);
}

/* BPF's results for a divisor of 0 and of -1 come from elsewhere. */
static void divide_checked(struct ra *a, const struct ir *v, u32 y, bool rest, bool is_signed)
{
	u8 *zero, *minus = NULL;

	x_test(&a->p, ra_wide(v), y, y);
	zero = x_jcc(&a->p, CC_E);
	if (is_signed) {
		x_alu_imm(&a->p, ra_wide(v), X_CMP, y, -1);
		minus = x_jcc(&a->p, CC_E);
	}
	divide_plain(a, v, y, is_signed);
	*vec_push(&a->asides) = (struct aside){ zero, a->p, false, rest, ra_wide(v) };
	if (minus)
		*vec_push(&a->asides) = (struct aside){ minus, a->p, true, rest, ra_wide(v) };
}

static void divide(struct ra *a, struct ir *v)
{
	bool rest = ir_is(v, IR_UMOD) || ir_is(v, IR_SMOD);
	bool is_signed = ir_is(v, IR_SDIV) || ir_is(v, IR_SMOD);
	const struct ir *y = v->arg[1];
	u64 c = y->imm & ir_mask(v->w);
	u32 r = wide_operands(a, v->arg[0], v->arg[1]);

	if (ir_is_const(y) && c && c != ir_mask(v->w))
		divide_plain(a, v, r, is_signed);
	else
		divide_checked(a, v, r, rest, is_signed);
	ra_drop(a, RAX);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, rest ? RDX : RAX);
}

/* ---- comparison -------------------------------------------------------- */

enum x64_cc ra_cc(u32 cc)
{
	static const u8 to[] = { [IR_EQ] = CC_E, [IR_NE] = CC_NE, [IR_ULT] = CC_B,
		[IR_ULE] = CC_BE, [IR_UGT] = CC_A, [IR_UGE] = CC_AE, [IR_SLT] = CC_L,
		[IR_SLE] = CC_LE, [IR_SGT] = CC_G, [IR_SGE] = CC_GE, [IR_SET] = CC_NE,
		[IR_CLEAR] = CC_E };

	return (enum x64_cc)to[cc];
}

/* Operands of the comparison in registers, for ra_compare() to write nothing else. */
void ra_compare_get(struct ra *a, struct ir *v)
{
	for (u32 i = 0; i < 2; i++) {
		if (v->arg[i]->late)
			ra_address(a, v->arg[i]);
		else if (i == 0 || !ra_imm(v, v->arg[1]))
			ra_get(a, v->arg[i]);
	}
}

/* One of both is in memory: as wide as that. */
static void compare_memory(struct ra *a, const struct ir *v)
{
	bool second = v->arg[1]->late;
	struct ir *m = v->arg[second], *y = v->arg[!second];
	struct x64_addr at = ra_address(a, m);
	bool bits = v->cc >= IR_SET;

	if (!second && ra_imm(m, y)) {
		if (bits)
			x_at_test_imm(&a->p, m->w, &at, (s32)y->imm);
		else
			x_at_imm(&a->p, m->w, X_CMP, &at, (s32)y->imm);
		return;
	}
	if (m->w == 16)
		put1(&a->p, 0x66);
	x_at(&a->p, m->w == 64, false, (bits ? 0x84u : second ? 0x3a : 0x38) | (m->w > 8), y->reg,
	     &at, m->w == 8 && y->reg >= 4);
}

/* The flags are those of V's comparison already. */
static bool is_compared(const struct ra *a, const struct ir *v)
{
	const struct ir *f = a->flags;

	return f && f->w == v->w && f->arg[0] == v->arg[0] && f->arg[1] == v->arg[1] &&
	       (f->cc >= IR_SET) == (v->cc >= IR_SET) && !v->arg[0]->late && !v->arg[1]->late;
}

void ra_compare(struct ra *a, const struct ir *v)
{
	const struct ir *x = v->arg[0], *y = v->arg[1];
	bool bits = v->cc >= IR_SET, compared = is_compared(a, v);

	a->flags = v;
	if (compared)
		return;
	if (x->late || y->late)
		compare_memory(a, v);
	else if (!ra_imm(v, y) && bits)
		x_test(&a->p, ra_wide(v), x->reg, y->reg);
	else if (!ra_imm(v, y))
		x_alu(&a->p, ra_wide(v), X_CMP, x->reg, y->reg);
	else if (bits)
		x_test_imm(&a->p, ra_wide(v), x->reg, (s32)y->imm);
	else if ((s32)y->imm)
		x_alu_imm(&a->p, ra_wide(v), X_CMP, x->reg, (s32)y->imm);
	else
		x_test(&a->p, ra_wide(v), x->reg, x->reg);
}

static bool is_number(const struct ir *v, u64 n) { return ir_is_const(v) && v->imm == n; }

/* 1 or 0 */
static void choose_bit(struct ra *a, struct ir *v, enum x64_cc cc)
{
	u32 dst;

	ra_compare_get(a, v);
	dst = ra_alloc(a, ALL_REGS, ra_hint(a, v), v);
	if (is_compared(a, v))
		x_mov_imm_flags(&a->p, dst, 0);
	else
		x_mov_imm(&a->p, dst, 0);
	ra_compare(a, v);
	x_setcc(&a->p, cc, dst);
	ra_free_dead(a, v, NULL);
	ra_set(a, v, dst);
}

/* Nothing but the comparison changes flags. */
static void choose_move(struct ra *a, struct ir *v, enum x64_cc cc)
{
	u32 t, e, dst, hint;

	ra_compare_get(a, v);
	t = ra_get(a, v->arg[2]);
	e = ra_get(a, v->arg[3]);
	ra_compare(a, v);
	ra_free_dead(a, v, NULL);
	hint = ra_hint(a, v);
	if (!a->reg[t] && (hint == t || (hint != e && a->reg[e]))) {
		u32 other = t;

		t = e;
		e = other;
		cc ^= 1;
	}
	a->pinned |= BIT(t);
	a->pinned &= ~(a->reg[e] || e == t ? 0 : BIT(e));
	if (hint == NOREG && !a->reg[e])
		hint = e;
	dst = ra_alloc(a, ALL_REGS, hint == t ? NOREG : hint, v);
	if (dst != e)
		x_mov(&a->p, true, dst, e);
	x_cmov(&a->p, true, cc, dst, t);
	ra_set(a, v, dst);
}

static void choose(struct ra *a, struct ir *v)
{
	enum x64_cc cc = ra_cc(v->cc);

	if (is_number(v->arg[2], 1) && is_number(v->arg[3], 0))
		choose_bit(a, v, cc);
	else if (is_number(v->arg[2], 0) && is_number(v->arg[3], 1))
		choose_bit(a, v, cc ^ 1);
	else
		choose_move(a, v, cc);
}

static bool is_choice_of_bit(const struct ir *v)
{
	return ir_is(v, IR_SELECT) && ir_is_const(v->arg[2]) && ir_is_const(v->arg[3]) &&
	       v->arg[2]->imm + v->arg[3]->imm == 1 && v->arg[2]->imm <= 1;
}

bool ra_in_reg(const struct ir *v, u32 i)
{
	const struct ir *x = v->arg[i];

	switch ((enum ir_op)v->op) {
	case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR: case IR_BR:
	case IR_STORE:
		return i == 0 || !ra_imm(v, x);
	case IR_SELECT:
		return i == 1 ? !ra_imm(v, x) : i == 0 || !is_choice_of_bit(v);
	case IR_SHL: case IR_SHR: case IR_SAR: case IR_LOAD: case IR_LEA: return i == 0;
	case IR_ATOMIC: return i < 2;
	default: return false;
	}
}

void ra_compute(struct ra *a, struct ir *v)
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
	case IR_LEA: lea(a, v); break;
	case IR_ROL: rotate(a, v); break;
	case IR_UDIV: case IR_UMOD: case IR_SDIV: case IR_SMOD: divide(a, v); break;
	case IR_MULHI: mulhi(a, v); break;
	case IR_NEG: case IR_BSWAP: one(a, v); break;
	case IR_ZEXT: case IR_SEXT: extend(a, v); break;
	default: choose(a, v);
	}
}

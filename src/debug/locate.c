/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locate.c: the machine of DWARF's expressions, as far as compilers for BPF use it:
 * registers, the stack, constants, arithmetic, pieces. What is none of these is "not
 * told", never guessed.
 *
 * clang 14 to 19 count offsets from the frame's base, r10, from the lowest byte of the
 * function's stack instead, so that they are 0 and more where r10 has all of the stack
 * below it. Offsets that are below 0 are taken as they are.
 */
#include "debug/locate.h"
#include "isa/isa.h"
#include <linux/bpf.h>

#define GONE "optimized out"

/* Of DWARF 5, table 7.9; the field's names with its numbers, as libdw may be absent. */
enum {
	OP_addr = 0x03, OP_deref = 0x06, OP_const1u = 0x08, OP_const8s = 0x0f,
	OP_constu = 0x10, OP_consts = 0x11, OP_dup = 0x12, OP_drop = 0x13, OP_over = 0x14,
	OP_swap = 0x16, OP_and = 0x1a, OP_div = 0x1b, OP_minus = 0x1c, OP_mod = 0x1d,
	OP_mul = 0x1e, OP_neg = 0x1f, OP_not = 0x20, OP_or = 0x21, OP_plus = 0x22,
	OP_plus_uconst = 0x23, OP_shl = 0x24, OP_shr = 0x25, OP_shra = 0x26, OP_xor = 0x27,
	OP_eq = 0x29, OP_ge = 0x2a, OP_gt = 0x2b, OP_le = 0x2c, OP_lt = 0x2d, OP_ne = 0x2e,
	OP_lit0 = 0x30, OP_lit31 = 0x4f, OP_reg0 = 0x50, OP_reg31 = 0x6f, OP_breg0 = 0x70,
	OP_breg31 = 0x8f, OP_regx = 0x90, OP_fbreg = 0x91, OP_bregx = 0x92, OP_piece = 0x93,
	OP_deref_size = 0x94, OP_nop = 0x96, OP_stack_value = 0x9f, OP_implicit_value = 0x9e,
	OP_convert = 0xa8,
};

enum { STACK_MAX = 32, FRAME_REG = 10 };

enum result { R_MEMORY, R_REGISTER, R_VALUE, R_BYTES, R_NONE };

struct machine {
	const struct locate *l;
	u64 v[STACK_MAX];
	u32 n;
	enum result result;
	const u8 *bytes;
	u32 nr_bytes;
};

static bool push(struct machine *m, u64 v)
{
	if (m->n == STACK_MAX)
		return false;
	m->v[m->n++] = v;
	return true;
}

static bool push_reg(struct machine *m, u64 reg, s64 off)
{
	if (reg > 10 || !(m->l->known >> reg & 1))
		return false;
	if (reg == FRAME_REG && off >= 0)
		off -= m->l->stack;
	return push(m, m->l->regs[reg] + (u64)off);
}

static bool is_register(struct machine *m, u64 reg)
{
	m->result = R_REGISTER;
	return reg <= 10 && m->l->known >> reg & 1 && push(m, m->l->regs[reg]);
}

static u64 converted(u64 v, const struct locals_op *op)
{
	unsigned cut = 64 - (unsigned)op->a * 8;

	return !cut ? v : op->b ? (u64)((s64)(v << cut) >> cut) : v << cut >> cut;
}

static bool two(u8 atom, u64 a, u64 b, u64 *r)
{
	switch (atom) {
	case OP_and:	*r = a & b; return true;
	case OP_or:	*r = a | b; return true;
	case OP_xor:	*r = a ^ b; return true;
	case OP_plus:	*r = a + b; return true;
	case OP_minus:	*r = a - b; return true;
	case OP_mul:	*r = a * b; return true;
	case OP_div:	*r = b ? (u64)((s64)a / ((s64)b == -1 ? 1 : (s64)b)) : 0; return b;
	case OP_mod:	*r = b ? a % b : 0; return b;
	case OP_shl:	*r = b < 64 ? a << b : 0; return true;
	case OP_shr:	*r = b < 64 ? a >> b : 0; return true;
	case OP_shra:	*r = (u64)((s64)a >> (b < 64 ? b : 63)); return true;
	case OP_eq:	*r = a == b; return true;
	case OP_ne:	*r = a != b; return true;
	case OP_ge:	*r = (s64)a >= (s64)b; return true;
	case OP_gt:	*r = (s64)a > (s64)b; return true;
	case OP_le:	*r = (s64)a <= (s64)b; return true;
	case OP_lt:	*r = (s64)a < (s64)b; return true;
	default:	return false;
	}
}

static bool binary(struct machine *m, u8 atom)
{
	u64 r;

	if (m->n < 2 || !two(atom, m->v[m->n - 2], m->v[m->n - 1], &r))
		return false;
	m->v[--m->n - 1] = r;
	return true;
}

/* Operations on the topmost value. */
static bool unary(struct machine *m, const struct locals_op *op)
{
	u64 *top;

	if (!m->n)
		return false;
	top = &m->v[m->n - 1];
	switch (op->atom) {
	case OP_plus_uconst:	*top += op->a; return true;
	case OP_neg:		*top = 0 - *top; return true;
	case OP_not:		*top = ~*top; return true;
	case OP_convert:	*top = converted(*top, op); return true;
	case OP_dup:		return push(m, *top);
	case OP_drop:		m->n--; return true;
	case OP_deref:		return m->l->load(m->l->arg, *top, 8, top);
	case OP_deref_size:
		return op->a <= 8 && m->l->load(m->l->arg, *top, (u32)op->a, top);
	case OP_stack_value:	m->result = R_VALUE; return true;
	default:		return binary(m, op->atom);
	}
}

static bool step(struct machine *m, const struct locals_op *op)
{
	u8 a = op->atom;

	if (a >= OP_lit0 && a <= OP_lit31)
		return push(m, a - OP_lit0);
	if (a >= OP_reg0 && a <= OP_reg31)
		return is_register(m, a - OP_reg0);
	if (a >= OP_breg0 && a <= OP_breg31)
		return push_reg(m, a - OP_breg0, (s64)op->a);
	switch (a) {
	case OP_regx:
		return is_register(m, op->a);
	case OP_bregx:
		return push_reg(m, op->a, (s64)op->b);
	case OP_fbreg:
		return push_reg(m, FRAME_REG, (s64)op->a);
	case OP_implicit_value:
		m->result = R_BYTES;
		m->bytes = op->block;
		m->nr_bytes = (u32)op->a;
		return true;
	case OP_nop:
		return true;
	default:
		if (a >= OP_const1u && a <= OP_consts)
			return push(m, op->a);
		return a != OP_addr && unary(m, op);
	}
}

/* Operations FROM..TO. */
static bool compute(struct machine *m, const struct locate *l, const struct locals_op *ops,
		    u32 n)
{
	*m = (struct machine){ .l = l, .result = n ? R_MEMORY : R_NONE };
	for (u32 i = 0; i < n; i++)
		if (!step(m, &ops[i]))
			return false;
	return m->result == R_BYTES || m->result == R_NONE || m->n;
}

/* BYTES of what M has computed to TO; false: they are not there. */
static bool put_piece(const struct machine *m, u8 *to, u64 bytes)
{
	u64 byte, top = m->n ? m->v[m->n - 1] : 0;

	switch (m->result) {
	case R_MEMORY:
		for (u64 i = 0; i < bytes; i++) {
			if (!m->l->load(m->l->arg, top + i, 1, &byte))
				return false;
			to[i] = (u8)byte;
		}
		return true;
	case R_BYTES:
		memcpy(to, m->bytes, min_u64(bytes, m->nr_bytes));
		return true;
	case R_REGISTER:
	case R_VALUE:
		memcpy(to, &top, min_u64(bytes, 8));
		return true;
	default:
		return false;
	}
}

/* Of what is in pieces all must be there. */
static struct value pieces(const struct locate *l, struct dtype ty, u32 bytes,
			   const struct locals_place *p)
{
	u8 *to = arena_alloc(l->arena, bytes + 1u);
	u32 from = 0, at = 0;
	struct machine m;

	for (u32 i = 0; i < p->nr_ops; i++) {
		u64 n = p->ops[i].a;

		if (p->ops[i].atom != OP_piece)
			continue;
		if (!in_bounds(at, n, bytes) || !compute(&m, l, p->ops + from, i - from) ||
		    !put_piece(&m, to + at, n))
			return value_gone(ty, "optimized out in part");
		from = i + 1;
		at += (u32)n;
	}
	if (at < bytes)
		return value_gone(ty, "optimized out in part");
	return (struct value){ .kind = VALUE_BYTES, .type = ty, .bytes = to, .nr_bytes = bytes };
}

static bool in_pieces(const struct locals_place *p)
{
	for (u32 i = 0; i < p->nr_ops; i++)
		if (p->ops[i].atom == OP_piece)
			return true;
	return false;
}

struct value locate_value(const struct locate *l, struct dtype ty, u32 bytes,
			  const struct locals_place *p)
{
	struct value v = { .type = ty, .kind = VALUE_BYTES, .nr_bytes = bytes };
	struct machine m;
	u8 *to;

	if (in_pieces(p))
		return pieces(l, ty, bytes, p);
	if (!compute(&m, l, p->ops, p->nr_ops) || m.result == R_NONE)
		return value_gone(ty, GONE);
	if (m.result == R_MEMORY)
		return (struct value){ .kind = VALUE_MEM, .type = ty, .addr = m.v[m.n - 1] };
	to = arena_alloc(l->arena, bytes + 8u);
	put_piece(&m, to, m.result == R_BYTES ? bytes : 8);
	v.bytes = to;
	return v;
}

/* ---- the stack that a function has ------------------------------------------- */

/* What INSN does with r10 or a copy of it (bits in *COPIES): the deepest byte. */
static u32 reach(const struct bpf_insn *insn, u32 *copies)
{
	u8 class = BPF_CLASS(insn->code);
	bool alu = class == BPF_ALU64 || class == BPF_ALU;
	s32 off = 0;

	if (alu && BPF_OP(insn->code) == BPF_MOV && BPF_SRC(insn->code) == BPF_X &&
	    *copies >> insn->src_reg & 1) {
		*copies |= 1u << insn->dst_reg;
		return 0;
	}
	if (class == BPF_ALU64 && BPF_OP(insn->code) == BPF_ADD &&
	    BPF_SRC(insn->code) == BPF_K && *copies >> insn->dst_reg & 1) {
		off = insn->imm;
		*copies &= ~(1u << insn->dst_reg) | 1u << FRAME_REG;
	} else if (class == BPF_LDX) {
		off = *copies >> insn->src_reg & 1 ? insn->off : 0;
		*copies &= ~(1u << insn->dst_reg) | 1u << FRAME_REG;
	} else if (class == BPF_ST || class == BPF_STX) {
		off = *copies >> insn->dst_reg & 1 ? insn->off : 0;
	} else if (alu || class == BPF_LD) {
		*copies &= ~(1u << insn->dst_reg) | 1u << FRAME_REG;
	} else if (BPF_OP(insn->code) == BPF_CALL) {
		*copies &= ~0x3fu;
	}
	return off < 0 && off >= -512 ? (u32)-off : 0;
}

u32 locate_stack(const struct bpf_insn *insns, u32 from, u32 to)
{
	u32 copies = 1u << FRAME_REG, deepest = 0, at;

	for (u32 i = from; i < to; i++) {
		at = reach(&insns[i], &copies);
		deepest = at > deepest ? at : deepest;
	}
	return (deepest + 7) / 8 * 8;
}

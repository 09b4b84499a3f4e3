/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live.c: which registers are still read before they are written, at each
 * instruction. The textbook's equations, backwards:
 *
 *	live(i) = use(i) | (union of live(next) & ~def(i))
 *
 * A call of a static function uses what the function reads first. A register
 * that is not live is left out when states are compared.
 */
#include "verify/state.h"

enum { ARGS = 0x3e, CALLER_SAVED = 0x3f };

struct use { u16 use, def; };

static u16 bit(unsigned reg) { return (u16)(1u << reg); }

static u16 helper_args(const struct verifier *v, const struct bpf_insn *insn)
{
	const struct helper_row *row = helper_proto((u32)insn->imm, v->prog->type);
	unsigned n = 0;

	while (row && n < 5 && row->args[n] != ARG_NONE)
		n++;
	return (u16)(((1u << n) - 1) << 1);	/* an unknown one is refused, whatever it gets */
}

static u16 func_args(const struct verifier *v, u32 at)
{
	const struct func *f =
		&v->funcs[v->points[at + (u32)v->insns[at].imm + 1].func];

	return f->global ? ARGS : v->points[f->start].live & ARGS;
}

static struct use alu_use(const struct bpf_insn *insn, unsigned kind)
{
	struct use u = { .def = bit(insn->dst_reg) };
	bool copies = kind >= KIND_MOV && kind <= KIND_AS_CAST;

	if (!copies)
		u.use |= bit(insn->dst_reg);
	if (BPF_SRC(insn->code) == BPF_X && kind != KIND_NEG &&
	    kind != KIND_LE && kind != KIND_BE && kind != KIND_BSWAP)
		u.use |= bit(insn->src_reg);
	return u;
}

static struct use atomic_use(const struct bpf_insn *insn, unsigned kind)
{
	struct use u = { .use = bit(insn->dst_reg) | bit(insn->src_reg) };

	if (kind == KIND_ATOMIC_LDACQ)
		return (struct use){ bit(insn->src_reg), bit(insn->dst_reg) };
	if (kind == KIND_ATOMIC_CMPXCHG) {
		u.use |= bit(0);
		u.def = bit(0);
	} else if (insn->imm & BPF_FETCH) {
		u.def = bit(insn->src_reg);
	}
	return u;
}

static struct use insn_use(const struct verifier *v, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	unsigned kind = isa_rows[v->points[at].op].kind;

	switch (kind) {
	case KIND_ALU_ADD ... KIND_BSWAP:
		return alu_use(insn, kind);
	case KIND_JMP_JEQ ... KIND_JMP_JSLE:
		return (struct use){ bit(insn->dst_reg) |
			(BPF_SRC(insn->code) == BPF_X ? bit(insn->src_reg) : 0), 0 };
	case KIND_CALL:
		return (struct use){ helper_args(v, insn), CALLER_SAVED };
	case KIND_CALL_LOCAL:
		return (struct use){ func_args(v, at), CALLER_SAVED };
	case KIND_CALL_KFUNC:
		return (struct use){ ARGS, CALLER_SAVED };
	case KIND_CALL_REG:
		return (struct use){ ARGS | bit(insn->dst_reg), CALLER_SAVED };
	case KIND_EXIT:
		return (struct use){ bit(0), 0 };
	case KIND_LDDW:
		return (struct use){ 0, bit(insn->dst_reg) };
	case KIND_LDX:
	case KIND_LDXSX:
		return (struct use){ bit(insn->src_reg), bit(insn->dst_reg) };
	case KIND_ST:
		return (struct use){ bit(insn->dst_reg), 0 };
	case KIND_STX:
		return (struct use){ bit(insn->dst_reg) | bit(insn->src_reg), 0 };
	case KIND_ATOMIC_ADD ... KIND_ATOMIC_STREL:
		return atomic_use(insn, kind);
	case KIND_LD_ABS:
		return (struct use){ bit(6), CALLER_SAVED };
	case KIND_LD_IND:
		return (struct use){ bit(6) | bit(insn->src_reg), CALLER_SAVED };
	default:
		return (struct use){ 0, 0 };
	}
}

static bool flow(struct verifier *v, const struct use *uses, u32 at)
{
	struct use u = uses[at];
	u32 next[2];
	unsigned n = cfg_next(v, at, next);
	u16 out = 0;

	for (unsigned i = 0; i < n; i++)
		out |= v->points[next[i]].live;
	if (v->points[at].op == OP_CALL_LOCAL)
		u = insn_use(v, at);
	out = (u16)(u.use | (out & ~u.def));
	if (out == v->points[at].live)
		return false;
	v->points[at].live = out;
	return true;
}

/* Something reads what only a later round over the program knows: a jump back, or a
 * call of a function that stands before it. */
static bool looks_back(const struct verifier *v)
{
	s64 delta;

	for (u32 i = 0; i < v->nr_insns; i++)
		if (!(v->points[i].flags & POINT_LDDW2) &&
		    isa_op_target(v->points[i].op, &v->insns[i], &delta) && delta < 0)
			return true;
	return false;
}

void live_build(struct verifier *v)
{
	struct use *uses = arena_news(&v->mem, v->nr_insns, struct use);
	bool again = looks_back(v), changed = true;

	for (u32 i = 0; i < v->nr_insns; i++)
		if (!(v->points[i].flags & POINT_LDDW2))
			uses[i] = insn_use(v, i);
	for (bool first = true; changed && (first || again); first = false) {
		changed = false;
		for (u32 i = v->nr_insns; i-- > 0;)
			if (!(v->points[i].flags & POINT_LDDW2))
				changed |= flow(v, uses, i);
	}
}

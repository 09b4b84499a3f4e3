/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dead.c: which poisoned CO-RE relocations a program never reaches, because it
 * asked before (bpf_core_field_exists() and its like are constants now). Walks
 * all ways through the code and follows only one side of a comparison of
 * constants that stand in the same stretch of code. Knows no ranges: what it
 * calls reachable may still be dead. Never changes code.
 */
#include "isa/isa.h"
#include "obj/open.h"
#include <stdlib.h>

struct walk {
	const struct image_prog *p;
	u8 *state;		/* of each slot: SEEN, LEADER (a jump lands there) */
	u32 *todo;
	u32 nr_todo;
	u16 known;		/* bits: registers with a constant */
	u64 regs[11];
};

enum { SEEN = 1, LEADER = 2 };

static void push(struct walk *w, s64 at)
{
	if (at < 0 || at >= w->p->nr_insns || w->state[at] & SEEN)
		return;
	w->state[at] |= SEEN;
	w->todo[w->nr_todo++] = (u32)at;
}

static bool operand(const struct walk *w, const struct bpf_insn *i, u64 *v)
{
	if (BPF_SRC(i->code) == BPF_K) {
		*v = (u64)(s64)i->imm;
		return true;
	}
	*v = w->regs[i->src_reg];
	return w->known >> i->src_reg & 1;
}

static bool compare(u8 op, u64 a, u64 b, u64 sa, u64 sb)
{
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSGT: return (s64)sa > (s64)sb;
	case BPF_JSGE: return (s64)sa >= (s64)sb;
	case BPF_JSLT: return (s64)sa < (s64)sb;
	case BPF_JSLE: return (s64)sa <= (s64)sb;
	default: return a & b;	/* JSET */
	}
}

/* A conditional jump: 1 taken, 0 not taken, -1 who knows. */
static int decide(const struct walk *w, const struct bpf_insn *i)
{
	bool narrow = BPF_CLASS(i->code) == BPF_JMP32;
	u64 a = w->regs[i->dst_reg], b;

	if (!(w->known >> i->dst_reg & 1) || !operand(w, i, &b))
		return -1;
	if (narrow)
		return compare(BPF_OP(i->code), (u32)a, (u32)b, (u64)(s32)a, (u64)(s32)b);
	return compare(BPF_OP(i->code), a, b, a, b);
}

/* What I does to the constants: moves and loads of them; all else forgets. */
static void track(struct walk *w, const struct bpf_insn *i)
{
	u8 cls = BPF_CLASS(i->code);
	u64 v;

	if (isa_is_lddw(i) && !i->src_reg) {
		w->regs[i->dst_reg] = (u32)i[0].imm | (u64)(u32)i[1].imm << 32;
		w->known |= (u16)(1 << i->dst_reg);
	} else if ((cls == BPF_ALU || cls == BPF_ALU64) && BPF_OP(i->code) == BPF_MOV &&
		   !i->off && operand(w, i, &v)) {
		w->regs[i->dst_reg] = cls == BPF_ALU ? (u32)v : v;
		w->known |= (u16)(1 << i->dst_reg);
	} else if (i->code == (BPF_JMP | BPF_CALL)) {
		w->known &= (u16)~0x3f;
	} else if (cls == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC) {
		w->known &= (u16)~(1 << BPF_REG_0 | 1 << i->src_reg | 1 << i->dst_reg);
	} else if (cls != BPF_ST && cls != BPF_STX && cls != BPF_JMP && cls != BPF_JMP32) {
		w->known &= (u16)~(1 << i->dst_reg | (cls == BPF_LD ? 1 : 0));
	}
}

/* Instructions one after another, from AT to where the stretch ends. */
static void stretch(struct walk *w, u32 at)
{
	const struct bpf_insn *insns = w->p->insns;

	for (w->known = 0;;) {
		const struct bpf_insn *i = &insns[at];
		bool is_exit = isa_op(i) == OP_EXIT || (isa_op(i) == OP_CALL &&
							 i->imm == IMAGE_POISON);
		bool func = (isa_op(i) == OP_CALL_LOCAL) || isa_op(i) == OP_LDDW_FUNC;
		s64 delta = 0, next = (s64)at + isa_slots(i);
		bool jump = isa_target(i, &delta) && !func;
		int taken = -1;

		if (func)
			push(w, (s64)at + 1 + i->imm);
		if (jump) {
			taken = BPF_OP(i->code) == BPF_JA ? 1 : isa_op(i) == OP_MAY_GOTO ? -1 :
				decide(w, i);
			if (taken)
				push(w, (s64)at + 1 + delta);
		} else {
			track(w, i);
		}
		if (is_exit || taken == 1 || next >= w->p->nr_insns)
			return;
		if (w->state[next] & SEEN)
			return;
		if (w->state[next] & LEADER) {	/* others bring other values */
			push(w, next);
			return;
		}
		w->state[next] |= SEEN;
		at = (u32)next;
	}
}

static void mark_leaders(struct walk *w)
{
	s64 delta;

	for (u32 i = 0; i < w->p->nr_insns; i += isa_slots(&w->p->insns[i])) {
		if (!isa_target(&w->p->insns[i], &delta))
			continue;
		delta += (s64)i + 1;
		if (delta >= 0 && delta < w->p->nr_insns)
			w->state[delta] |= LEADER;
	}
}

void dead_mark(struct image_prog *prog, struct image_core *cores)
{
	struct walk w = { .p = prog };
	bool any = false;

	for (u32 i = 0; i < prog->nr_cores; i++)
		any |= cores[i].status == IMAGE_CORE_POISONED;
	if (!any || !prog->nr_insns)
		return;
	w.state = mem_alloc(prog->nr_insns);
	w.todo = mem_alloc(prog->nr_insns * sizeof(*w.todo));
	mark_leaders(&w);
	push(&w, 0);
	while (w.nr_todo)
		stretch(&w, w.todo[--w.nr_todo]);
	for (u32 i = 0; i < prog->nr_cores; i++)
		if (cores[i].status == IMAGE_CORE_POISONED && !(w.state[cores[i].insn] & SEEN))
			cores[i].status = IMAGE_CORE_GUARDED;
	free(w.state);
	free(w.todo);
}

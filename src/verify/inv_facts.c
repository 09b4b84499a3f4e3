/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_facts.c: *invariants* over a function that was accepted, without checks:
 * what its states say holds at each instruction, and facts.c keeps it. That the
 * program was accepted means that each access is good, whatever a joined state
 * makes of it. Where such a state does not know what an access reaches, it
 * forgets all that the access may have changed.
 *
 * In: a verdict. Out: calls of facts_note. Never changes the verdict.
 */
#include "verify/inv.h"

enum { ROUNDS = 16 };		/* over the program, at least, before it is too much */

/* ---- forgetting ---------------------------------------------------------- */

/* Any value, be it a number or a pointer. */
static void forget_reg(struct verifier *v, struct state *s, unsigned r)
{
	if (r != REG_FP)
		reg_set_unknown(v, state_reg(s, r));
}

static void forget_stack(struct state *s)
{
	for (u32 i = 0; i < s->nr_frames; i++)
		s->frames[i]->nr_slots = 0;
}

/* A store through register R: it may have been to any place of any frame, unless it
 * is certain that R points to other memory. */
static void forget_stored(struct state *s, unsigned r)
{
	const struct reg *p = state_reg(s, r);

	if (!reg_is_ptr(p) || p->type == REG_STACK)
		forget_stack(s);
}

/* What a call may do to anything that the program has. */
static void forget_all(struct verifier *v, struct state *s)
{
	forget_stack(s);
	for (u32 i = 0; i < s->nr_frames; i++)
		for (unsigned r = 0; r < REG_FP; r++)
			if (s->frames[i]->regs[r].type != REG_NONE)
				reg_set_unknown(v, &s->frames[i]->regs[r]);
}

/* ---- by kind of instruction ---------------------------------------------- */

static void forgive_atomic(struct verifier *v, struct state *s, u32 at, unsigned kind)
{
	const struct bpf_insn *insn = &v->insns[at];

	if (kind == KIND_ATOMIC_LDACQ) {
		forget_reg(v, s, insn->dst_reg);
		return;
	}
	forget_stored(s, insn->dst_reg);
	if (kind == KIND_ATOMIC_CMPXCHG)
		forget_reg(v, s, 0);
	else if (kind != KIND_ATOMIC_STREL && insn->imm & BPF_FETCH)
		forget_reg(v, s, insn->src_reg);
}

/* Which function it calls back is not known: then nothing is. */
static bool calls_back(const struct helper_row *row)
{
	for (unsigned i = 0; row && i < ARRAY_LEN(row->args); i++)
		if (row->args[i] == ARG_FUNC)
			return true;
	return !row;
}

static bool calls_global(const struct verifier *v, u32 at)
{
	return v->funcs[cfg_func_at(v, at + (u32)v->insns[at].imm + 1)].global;
}

static void give_up(struct verifier *v)
{
	v->inv->failed = true;
	v->stop = true;
}

static void forgive_call(struct verifier *v, struct state *s)
{
	struct inv *inv = v->inv;

	forget_all(v, s);
	for (size_t i = 0; i < inv->pushed.n; i++)
		forget_all(v, inv->pushed.v[i]);
}

void inv_forgive(struct verifier *v, struct state *s, u32 at, bool ended)
{
	unsigned kind = isa_rows[v->points[at].op].kind;

	v->inv->refused = false;
	if (ended && kind != KIND_EXIT) {	/* and what comes after is not followed */
		give_up(v);
		return;
	}
	switch (kind) {
	case KIND_ALU_ADD ... KIND_BSWAP:
	case KIND_LDX:
	case KIND_LDXSX:
		forget_reg(v, s, v->insns[at].dst_reg);
		break;
	case KIND_ST:
	case KIND_STX:
		forget_stored(s, v->insns[at].dst_reg);
		break;
	case KIND_ATOMIC_ADD ... KIND_ATOMIC_STREL:
		forgive_atomic(v, s, at, kind);
		break;
	case KIND_CALL:
		if (calls_back(helper_proto((u32)v->insns[at].imm, v->prog->type)))
			give_up(v);
		else
			forgive_call(v, s);
		break;
	case KIND_CALL_KFUNC:
		give_up(v);
		break;
	case KIND_CALL_LOCAL:
		if (calls_global(v, at))
			forgive_call(v, s);
		else
			give_up(v);
		break;
	default:		/* jumps and exits change nothing that is not checked */
		break;
	}
}

/* ---- the run ------------------------------------------------------------- */

bool inv_facts(struct verifier *v, u32 func)
{
	struct inv *inv = inv_new(v, func);
	u64 budget = max_u64(v->limit, ROUNDS * (u64)v->nr_insns);
	bool ok;

	inv->unchecked = true;
	ok = inv_run(v, inv, budget) == INV_ACCEPTS;
	inv_free(v, inv);
	return ok;
}

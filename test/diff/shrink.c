/* SPDX-License-Identifier: BSD-2-Clause */
/* shrink.c: see shrink.h. */
#include "diff/shrink.h"
#include "diff/edit.h"

struct shrink {
	struct diff_prog *p, *next;
	shrink_fn interesting;
	void *arg;
	u32 left;		/* questions */
};

/* Takes NEXT for the program when it is interesting. */
static bool try(struct shrink *s)
{
	if (!s->left || isa_check(s->next->v, s->next->n, "", NULL))
		return false;
	s->left--;
	if (!s->interesting(s->next, s->arg))
		return false;
	prog_copy(s->p, s->next);
	return true;
}

/* Leaves out the instructions [FROM, FROM + N). */
static bool without(struct shrink *s, u32 from, u32 n)
{
	u32 first = edit_nth(s->p, from), end = edit_nth(s->p, from + n);

	prog_copy(s->next, s->p);
	edit_remove(s->next, first, end - first);
	return try(s);
}

/* Runs of instructions, half as long each time; from the end, which nothing
 * else needs. */
static bool fewer(struct shrink *s)
{
	bool any = false;

	for (u32 n = edit_count(s->p) / 2; n; n /= 2)
		for (u32 from = edit_count(s->p); from-- > 0 && s->left;) {
			u32 all = edit_count(s->p);

			if (from + n <= all && without(s, from, n))
				any = true;
		}
	return any;
}

/* The instruction at AT as ways to be simpler, by number; false = no more. */
static bool simpler(struct bpf_insn *in, u32 way)
{
	unsigned fields = isa_fields(isa_op(in));

	switch (way) {
	case 0:			/* what it computes is a constant */
		if (BPF_CLASS(in->code) == BPF_ALU64 || BPF_CLASS(in->code) == BPF_ALU ||
		    BPF_CLASS(in->code) == BPF_LDX)
			*in = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
				.dst_reg = in->dst_reg };
		break;
	case 1:
		if (fields & FIELD_IMM && isa_rows[isa_op(in)].sel != SEL_IMM && !isa_is_lddw(in) &&
		    BPF_CLASS(in->code) < BPF_JMP)
			in->imm = 0;
		break;
	case 2:
		if (fields & FIELD_IMM && isa_rows[isa_op(in)].sel != SEL_IMM && !isa_is_lddw(in) &&
		    BPF_CLASS(in->code) < BPF_JMP && in->imm)
			in->imm = in->imm / 2;
		break;
	case 3:			/* a jump that is always taken */
		if (BPF_CLASS(in->code) == BPF_JMP && in->off && !(in->code & BPF_CALL))
			*in = (struct bpf_insn){ .code = BPF_JMP | BPF_JA, .off = in->off };
		break;
	default:
		return false;
	}
	return true;
}

static bool plainer(struct shrink *s)
{
	bool any = false;

	for (u32 i = 0; i < s->p->n; i += isa_slots(&s->p->v[i]))
		for (u32 way = 0; s->left; way++) {
			prog_copy(s->next, s->p);
			if (!simpler(&s->next->v[i], way))
				break;
			if (memcmp(&s->next->v[i], &s->p->v[i], sizeof(s->p->v[i])) && try(s))
				any = true;
		}
	return any;
}

void shrink_program(struct diff_prog *p, shrink_fn interesting, void *arg, u32 tries)
{
	static struct diff_prog next;
	struct shrink s = { p, &next, interesting, arg, tries };

	bool any = true;

	while (any) {
		any = fewer(&s);
		any |= plainer(&s);
	}
}

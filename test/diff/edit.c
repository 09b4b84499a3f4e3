/* SPDX-License-Identifier: BSD-2-Clause */
/* edit.c: see edit.h. */
#include "diff/edit.h"

/* Where the distance stands: in imm, in off, or nowhere. */
static bool is_far(enum isa_op op)
{
	return op == OP_JA32 || op == OP_CALL_LOCAL || op == OP_LDDW_FUNC;
}

static bool is_near(enum isa_op op)
{
	return op < OP_MAX && ((isa_rows[op].kind >= KIND_JMP_JEQ &&
				isa_rows[op].kind <= KIND_JMP_JSLE) ||
			       op == OP_JA || op == OP_MAY_GOTO);
}

bool edit_target(const struct bpf_insn *insn, u32 at, u32 *target)
{
	enum isa_op op = isa_op(insn);

	if (!is_far(op) && !is_near(op))
		return false;
	*target = at + 1 + (u32)(is_far(op) ? insn->imm : insn->off);
	return true;
}

bool edit_set_target(struct bpf_insn *insn, u32 at, u32 target)
{
	s64 delta = (s64)target - at - 1;

	if (is_far(isa_op(insn))) {
		insn->imm = (s32)delta;
		return true;
	}
	insn->off = (s16)delta;
	return delta == insn->off;
}

/* Where slot I of the program before is after N slots at AT went or came. */
static u32 removed(u32 i, u32 at, u32 n) { return i < at ? i : i < at + n ? at : i - n; }

void edit_remove(struct diff_prog *p, u32 at, u32 n)
{
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		u32 target;

		if ((i < at || i >= at + n) && edit_target(&p->v[i], i, &target))
			edit_set_target(&p->v[i], removed(i, at, n), removed(target, at, n));
	}
	memmove(p->v + at, p->v + at + n, (p->n - at - n) * sizeof(*p->v));
	p->n -= n;
}

bool edit_insert(struct diff_prog *p, u32 at, const struct bpf_insn *v, u32 n)
{
	if (p->n + n > PROG_MAX)
		return false;
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		u32 target;

		if (edit_target(&p->v[i], i, &target))
			edit_set_target(&p->v[i], i < at ? i : i + n,
					target <= at ? target : target + n);
	}
	memmove(p->v + at + n, p->v + at, (p->n - at) * sizeof(*p->v));
	memcpy(p->v + at, v, n * sizeof(*v));
	p->n += n;
	return true;
}

u32 edit_count(const struct diff_prog *p)
{
	u32 n = 0;

	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i]))
		n++;
	return n;
}

u32 edit_nth(const struct diff_prog *p, u32 n)
{
	u32 i = 0;

	while (n--)
		i += isa_slots(&p->v[i]);
	return i;
}

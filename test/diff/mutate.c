/* SPDX-License-Identifier: BSD-2-Clause */
/* mutate.c: see mutate.h. */
#include "diff/mutate.h"
#include "diff/edit.h"

enum { TRIES = 20, HELPERS = 212 };

struct mutate {
	struct diff_prog *p;
	const struct diff_scene *scene;
	u64 rnd;
	u32 at;			/* the slot that changes */
};

/* 0 of none. */
static u32 pick(struct mutate *m, u32 n) { return n ? gen_below(&m->rnd, n) : 0; }

static struct bpf_insn *here(struct mutate *m) { return &m->p->v[m->at]; }

static bool register_other(struct mutate *m)
{
	unsigned fields = isa_fields(isa_op(here(m)));
	u8 reg = (u8)pick(m, 11) & 15;

	if (fields & FIELD_DST && (!(fields & FIELD_SRC) || pick(m, 2)))
		here(m)->dst_reg = reg;
	else if (fields & FIELD_SRC && isa_rows[isa_op(here(m))].sel != SEL_SRC)
		here(m)->src_reg = reg;
	else
		return false;
	return true;
}

static s32 other_number(struct mutate *m, s32 was)
{
	static const s32 edges[] = { 0, 1, -1, 8, 64, 255, 256, 4096, UINT16_MAX, INT32_MAX,
		INT32_MIN };

	switch (pick(m, 4)) {
	case 0:
		return edges[pick(m, ARRAY_LEN(edges))];
	case 1:
		return (s32)((u32)was ^ 1u << pick(m, 32));
	case 2:
		return (s32)gen_random(&m->rnd);
	default:
		return (s32)((u32)was + (pick(m, 2) ? 1u : -1u));
	}
}

/* Which map, which helper or which number. */
static bool number_other(struct mutate *m)
{
	struct bpf_insn *in = here(m);
	enum isa_op op = isa_op(in);

	switch (op) {
	case OP_LDDW_MAP_IDX:
	case OP_LDDW_IDX_VAL:
		if (op == OP_LDDW_IDX_VAL && pick(m, 2))
			in[1].imm = other_number(m, in[1].imm);
		else
			in->imm = (s32)pick(m, m->scene->nr_maps);
		return true;
	case OP_CALL:
		in->imm = (s32)pick(m, HELPERS);
		return true;
	case OP_CALL_KFUNC:
		in->imm = (s32)pick(m, m->scene->nr_externs);
		return true;
	case OP_LDDW:
		in[pick(m, 2)].imm = other_number(m, in->imm);
		return true;
	default:
		if (!(isa_fields(op) & FIELD_IMM) || isa_rows[op].sel == SEL_IMM)
			return false;
		in->imm = other_number(m, in->imm);
		return true;
	}
}

static bool offset_other(struct mutate *m)
{
	static const s16 by[] = { 1, -1, 2, 4, -4, 8, -8, 16, -16, 64, -64, 512, -512 };
	struct bpf_insn *in = here(m);
	enum isa_op op = isa_op(in);

	if (!(isa_fields(op) & FIELD_OFF) || isa_rows[op].sel == SEL_OFF)
		return false;
	in->off = (s16)(in->off + by[pick(m, ARRAY_LEN(by))]);
	return true;
}

/* To some instruction; mostly one behind. */
static bool target_other(struct mutate *m)
{
	u32 target, to = edit_nth(m->p, pick(m, edit_count(m->p)));

	if (!edit_target(here(m), m->at, &target) || (to <= m->at && pick(m, 4)))
		return false;
	return edit_set_target(here(m), m->at, to);
}

/* Another row with the same fields: another operation, width or condition. */
static bool operation_other(struct mutate *m)
{
	enum isa_op was = isa_op(here(m)), op = (enum isa_op)pick(m, OP_MAX);
	const struct isa_row *r = &isa_rows[op];

	if (was >= OP_MAX || isa_fields(op) != isa_fields(was) || r->sel != isa_rows[was].sel ||
	    BPF_CLASS(r->opcode) >> 1 != BPF_CLASS(isa_rows[was].opcode) >> 1)
		return false;
	here(m)->code = r->opcode;
	if (r->sel == SEL_OFF)
		here(m)->off = r->val;
	else if (r->sel == SEL_IMM)
		here(m)->imm = r->val;
	else if (r->sel == SEL_SRC)
		here(m)->src_reg = (u8)r->val & 15;
	return true;
}

static bool take_away(struct mutate *m)
{
	u32 end = m->at, n = 1 + pick(m, 3);

	while (n-- && end < m->p->n)
		end += isa_slots(&m->p->v[end]);
	edit_remove(m->p, m->at, end - m->at);
	return true;
}

/* The instruction also stands somewhere else. */
static bool twice(struct mutate *m)
{
	struct bpf_insn copy[2];
	u32 slots = isa_slots(here(m)), target;

	memcpy(copy, here(m), slots * sizeof(*copy));
	return !edit_target(copy, m->at, &target) &&
	       edit_insert(m->p, edit_nth(m->p, pick(m, edit_count(m->p))), copy, slots);
}

/* With the next one. */
static bool change_places(struct mutate *m)
{
	struct bpf_insn *in = here(m), first = *in;
	u32 target;

	if (m->at + 1 >= m->p->n || isa_slots(in) != 1 || isa_slots(in + 1) != 1 ||
	    edit_target(in, m->at, &target) || edit_target(in + 1, m->at + 1, &target))
		return false;
	in[0] = in[1];
	in[1] = first;
	return true;
}

static bool (*const changes[])(struct mutate *) = {
	register_other, register_other, number_other, number_other, offset_other, target_other,
	operation_other, operation_other, take_away, twice, change_places,
};

/* One change of P, in place; false when it does not apply. */
static bool change(struct mutate *m)
{
	m->at = edit_nth(m->p, pick(m, edit_count(m->p)));
	return changes[pick(m, ARRAY_LEN(changes))](m) &&
	       !isa_check(m->p->v, m->p->n, "", NULL);
}

bool mutate_program(struct diff_prog *p, u64 seed, const struct diff_scene *scene)
{
	static struct diff_prog next;
	struct mutate m = { &next, scene, seed, 0 };
	u32 n = 1 + pick(&m, 3), done = 0;

	for (u32 i = 0; i < TRIES && done < n; i++) {
		prog_copy(&next, p);
		if (!change(&m))
			continue;
		prog_copy(p, &next);
		done++;
	}
	return done;
}

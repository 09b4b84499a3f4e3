/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * step_alu.c: arithmetic and moves. Numbers go through scalar.h; pointers
 * through step_ptr.c.
 */
#include "verify/call.h"

static bool has_src(const struct bpf_insn *insn, unsigned kind)
{
	return BPF_SRC(insn->code) == BPF_X && kind < KIND_LE && kind != KIND_NEG;
}

static bool divides(unsigned kind)
{
	return kind == KIND_ALU_DIV || kind == KIND_ALU_SDIV || kind == KIND_ALU_MOD ||
	       kind == KIND_ALU_SMOD;
}

/* ---- checks -------------------------------------------------------------- */

/* What the instruction itself says. */
static void check_imm(struct verifier *v, u32 at, unsigned kind, unsigned width)
{
	const struct bpf_insn *insn = &v->insns[at];
	bool shifts = kind == KIND_ALU_LSH || kind == KIND_ALU_RSH ||
		      kind == KIND_ALU_ARSH;

	if (BPF_SRC(insn->code) != BPF_K)
		return;
	if (divides(kind) && !insn->imm)
		reject(v, REJECT_DIV_ZERO, at, NULL);
	if (shifts && (unsigned)insn->imm >= width)
		reject(v, REJECT_SHIFT, at, &(struct why){ .a = insn->imm });
}

static void check_dst(struct verifier *v, u32 at, unsigned dst)
{
	if (dst == REG_FP)
		reject(v, REJECT_FP_WRITE, at, &(struct why){ .reg = dst });
}

/* ---- moves --------------------------------------------------------------- */

/* R's value was made of one or two other numbers: it is nothing but a number. */
static void set_made(struct verifier *v, struct reg *r, u32 a, u32 b)
{
	u32 def = def_new(v, a, b);

	memset(&r->type, 0, sizeof(*r) - offsetof(struct reg, type));
	r->type = REG_SCALAR;
	r->def = def;
}

/* A part of a pointer becomes a number, where that is allowed. */
static void move_part(struct verifier *v, u32 at, struct reg *dst, unsigned src,
		      const struct reg *from)
{
	if (!v->privileged)
		reject(v, REJECT_PTR_COPY, at, &(struct why){ .reg = src, .ptr = from });
	reg_set_unknown(v, dst);
}

/* dst = src: the whole register, or a number that the move leaves as it is. */
static void move_whole(struct verifier *v, struct reg *dst, struct reg *src)
{
	reg_link(v, src);
	*dst = *src;
}

/* The move makes the same 64 bits of each number that S may be. */
static bool is_kept(const struct scalar *s, unsigned kind, unsigned width)
{
	unsigned bits = kind == KIND_MOVSX8 ? 8 : kind == KIND_MOVSX16 ? 16 : 32;
	s64 end = (s64)1 << (bits - 1);

	if (kind == KIND_MOV)
		return s->umax <= UINT32_MAX;
	return s->smax < end && s->smin >= (width == 64 ? -end : 0);
}

static void move_reg(struct verifier *v, struct state *s, u32 at, unsigned kind,
		     unsigned width)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct reg *dst = state_reg(s, insn->dst_reg);
	struct reg *src = state_reg(s, insn->src_reg);
	struct scalar val;

	if (kind == KIND_MOV && width == 64) {
		move_whole(v, dst, src);
		return;
	}
	if (src->type != REG_SCALAR) {
		move_part(v, at, dst, insn->src_reg, src);
		return;
	}
	if (is_kept(&src->val, kind, width)) {
		move_whole(v, dst, src);
		return;
	}
	val = src->val;
	scalar_alu(kind, width, &dst->val, &val);
	set_made(v, dst, src->def, 0);
}

static void move_imm(struct verifier *v, struct state *s, u32 at, unsigned width)
{
	const struct bpf_insn *insn = &v->insns[at];
	u64 val = width == 64 ? (u64)(s64)insn->imm : (u32)insn->imm;

	reg_set_const(v, state_reg(s, insn->dst_reg), val);
}

/* ---- two operands -------------------------------------------------------- */

/* All that BEFORE may be plus ADDED, in 32 bits, is the same number in 64. */
static bool same_sum(const struct scalar *before, s64 added)
{
	return before->umax <= UINT32_MAX && (s64)before->umin + added >= 0 &&
	       (s64)before->umax + added <= UINT32_MAX;
}

/*
 * r += constant keeps the number linked with its copies: they differ by what
 * was added, or their low halves do. REG is the sum already.
 */
static void link_sum(struct reg *r, const struct reg *before, s64 added, unsigned width)
{
	s64 off = before->flags & REG_LINKED ? before->off : 0;
	bool same = same_sum(&before->val, added), narrow = before->flags & REG_NARROW;

	if (!before->id || added != (s32)added || (narrow && width == 64 && !same))
		return;
	off += added;
	if (off != (s32)off)
		return;
	narrow |= width == 32 && !same;
	r->id = before->id;
	r->off = (s32)off;
	r->flags |= REG_LINKED | (narrow ? REG_NARROW : 0);
}

/* NUM was added to BEFORE, or subtracted: R is farther from its seed. */
static void seed_sum(struct reg *r, const struct reg *before, const struct scalar *num,
		     bool add, unsigned width)
{
	s64 min = width == 64 ? num->smin : num->s32_min;
	s64 max = width == 64 ? num->smax : num->s32_max;

	if (min <= -MAX_VAR_OFF || max >= MAX_VAR_OFF)
		return;
	if (!add) {
		s64 low = -max;

		max = -min;
		min = low;
	}
	/* the lower half must be the number, before and after */
	if (width == 32 && (before->val.umax > UINT32_MAX || (s64)before->val.umin + min < 0 ||
			    (s64)before->val.umax + max > UINT32_MAX))
		return;
	min += before->step_min;
	max += before->step_max;
	if (min <= -MAX_VAR_OFF || max >= MAX_VAR_OFF)
		return;
	r->seed = before->seed;
	r->step_min = (s32)min;
	r->step_max = (s32)max;
}

/* DST op= SRC, which was made as DEF says; SRC may be DST's own value, and is NULL
 * where there is no second operand. What DST had to do with others is over. */
static void alu_value(struct verifier *v, struct reg *dst, const struct scalar *src, u32 def,
		      unsigned kind, unsigned width, bool self)
{
	if ((divides(kind) && !dated_rule(v, RULE_QUOTIENT)) ||
	    (kind == KIND_NEG && !dated_rule(v, RULE_NEGATION))) {
		dst->val = scalar_unknown();
		scalar_cast(&dst->val, width / 8);
	} else if (self)
		scalar_alu_self(kind, width, &dst->val);
	else
		scalar_alu(kind, width, &dst->val, src);
	set_made(v, dst, dst->def, def);
}

/* The same for a DST that is related to others: sums stay so. */
static void alu_related(struct verifier *v, struct reg *dst, const struct scalar *src, u32 def,
			unsigned kind, unsigned width, bool self)
{
	const struct reg before = *dst;
	const struct scalar num = *src;
	u64 n = width == 64 ? scalar_value(&num) : (u64)(s64)(s32)scalar_value(&num);
	s64 added = (s64)(kind == KIND_ALU_ADD ? n : -n);

	alu_value(v, dst, src, def, kind, width, self);
	if (kind != KIND_ALU_ADD && kind != KIND_ALU_SUB)
		return;
	if (scalar_is_const(&num) && (!before.id || dated_rule(v, RULE_SUM_LINK)))
		link_sum(dst, &before, added, width);
	if (before.seed && !self)
		seed_sum(dst, &before, &num, kind == KIND_ALU_ADD, width);
}

static void alu_numbers(struct verifier *v, struct reg *dst, const struct scalar *src, u32 def,
			unsigned kind, unsigned width, bool self)
{
	if (src && (dst->id || dst->seed))
		alu_related(v, dst, src, def, kind, width, self);
	else
		alu_value(v, dst, src, def, kind, width, self);
}

/* The second operand as a register: an immediate becomes one. */
static const struct reg *operand(struct state *s, const struct bpf_insn *insn,
				 struct reg *imm)
{
	if (BPF_SRC(insn->code) == BPF_X)
		return state_reg(s, insn->src_reg);
	*imm = (struct reg){
		.type = REG_SCALAR,
		.val = scalar_const((u64)(s64)insn->imm),
	};
	return imm;
}

static const char *op_text(unsigned kind)
{
	static const char *const text[] = {
		[KIND_ALU_ADD] = "+=", [KIND_ALU_SUB] = "-=", [KIND_ALU_MUL] = "*=",
		[KIND_ALU_DIV] = "/=", [KIND_ALU_SDIV] = "/=", [KIND_ALU_OR] = "|=",
		[KIND_ALU_AND] = "&=", [KIND_ALU_LSH] = "<<=", [KIND_ALU_RSH] = ">>=",
		[KIND_ALU_MOD] = "%=", [KIND_ALU_SMOD] = "%=", [KIND_ALU_XOR] = "^=",
		[KIND_ALU_ARSH] = "s>>=",
	};

	return text[kind];
}

/* Two pointers: their difference is a number, nothing else makes sense. */
static void alu_pointers(struct verifier *v, struct state *s, u32 at, unsigned kind)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct reg *dst = state_reg(s, insn->dst_reg);

	if (kind != KIND_ALU_SUB || !v->privileged)
		reject(v, REJECT_PTR_PTR, at, &(struct why){
			.reg = insn->dst_reg, .ptr = dst, .s = op_text(kind) });
	reg_set_unknown(v, dst);
}

/* One operand is a pointer. */
static void alu_pointer(struct verifier *v, struct state *s, u32 at, unsigned kind,
			unsigned width, const struct reg *src)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct reg *dst = state_reg(s, insn->dst_reg);
	struct why why = { .reg = insn->dst_reg, .s = op_text(kind) };
	const struct reg *ptr = reg_is_ptr(dst) ? dst : src;

	why.ptr = ptr;
	if (width == 32) {
		if (kind != KIND_ALU_SUB || !v->privileged)
			reject(v, REJECT_PTR_ARITH_32, at, &why);
		reg_set_unknown(v, dst);
		return;
	}
	if (ptr->type == REG_MEM && (ptr->flags & REG_UNTRUSTED)) {
		if (ptr != dst)		/* loads fault wherever it leads: nothing to keep */
			reg_set_unknown(v, dst);
		return;
	}
	switch (kind) {
	case KIND_ALU_ADD:
	case KIND_ALU_SUB:
		step_ptr(v, s, at, dst, ptr, ptr == dst ? src : dst);
		return;
	case KIND_ALU_AND:
	case KIND_ALU_OR:
	case KIND_ALU_XOR:
		reject(v, REJECT_PTR_BITS, at, &why);
		break;
	default:
		reject(v, REJECT_PTR_OP, at, &why);
	}
	reg_set_unknown(v, dst);
}

/* A mask of all or none, as a comparison leaves it: each is a path of its own. */
static void split_mask(struct verifier *v, struct state *s, u32 at, unsigned kind,
		       const struct scalar *src)
{
	unsigned r = v->insns[at].dst_reg;
	struct scalar parts[2];
	struct state *other;

	if (v->inv || (kind != KIND_ALU_AND && kind != KIND_ALU_OR) ||
	    !scalar_fork(kind, &state_reg(s, r)->val, src, parts))
		return;
	other = explore_push(v, s, at);
	if (!other)
		return;
	state_reg(other, r)->val = parts[1];
	state_reg(s, r)->val = parts[0];
}

/* A number and a constant: the most frequent case. */
static void alu_imm(struct verifier *v, struct state *s, u32 at, unsigned kind, unsigned width)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct scalar imm = scalar_const((u64)(s64)insn->imm);

	split_mask(v, s, at, kind, &imm);
	alu_numbers(v, state_reg(s, insn->dst_reg), &imm, 0, kind, width, false);
}

static void alu_two(struct verifier *v, struct state *s, u32 at, unsigned kind,
		    unsigned width)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct reg *dst = state_reg(s, insn->dst_reg);
	const struct reg *src;
	struct reg imm;

	check_imm(v, at, kind, width);
	if (BPF_SRC(insn->code) == BPF_K && !reg_is_ptr(dst)) {
		alu_imm(v, s, at, kind, width);
		return;
	}
	src = operand(s, insn, &imm);
	if (dst->type == REG_ARENA || src->type == REG_ARENA)
		reg_set_ptr(dst, REG_ARENA, 0);		/* wherever it leads */
	else if (reg_is_ptr(dst) && reg_is_ptr(src))
		alu_pointers(v, s, at, kind);
	else if (reg_is_ptr(dst) || reg_is_ptr(src))
		alu_pointer(v, s, at, kind, width, src);
	else {
		split_mask(v, s, at, kind, &src->val);
		alu_numbers(v, dst, &src->val, src->def, kind, width, src == dst);
	}
}

/* Negation and byte order. */
static void alu_one(struct verifier *v, struct state *s, u32 at, unsigned kind,
		    unsigned width)
{
	unsigned r = v->insns[at].dst_reg;
	struct reg *dst = state_reg(s, r);

	if (dst->type == REG_SCALAR) {
		alu_numbers(v, dst, NULL, 0, kind, width, false);
		return;
	}
	if (!v->privileged)
		reject(v, REJECT_PTR_NEG, at, &(struct why){ .reg = r, .ptr = dst });
	reg_set_unknown(v, dst);
}

void step_alu(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	const struct isa_row *row = &isa_rows[v->points[at].op];
	bool moves = row->kind >= KIND_MOV && row->kind <= KIND_MOVSX32;

	if (row->kind == KIND_AS_CAST) {
		arena_cast(v, s, at);
		return;
	}
	if (has_src(insn, row->kind))
		check_readable(v, s, at, insn->src_reg);
	if (!moves)
		check_readable(v, s, at, insn->dst_reg);
	check_dst(v, at, insn->dst_reg);
	if (moves && BPF_SRC(insn->code) == BPF_X)
		move_reg(v, s, at, row->kind, row->width);
	else if (moves)
		move_imm(v, s, at, row->width);
	else if (row->kind == KIND_NEG || row->kind >= KIND_LE)
		alu_one(v, s, at, row->kind, row->width);
	else
		alu_two(v, s, at, row->kind, row->width);
}

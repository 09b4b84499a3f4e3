/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.c: which loads and stores of a program may touch packets or kernel
 * memory. Forward data flow of two facts about each register, "may hold the
 * context" and "may hold a pointer that came from it", joined where paths
 * meet. What goes through memory is kept by stack slot, or for all memory once
 * a pointer is stored elsewhere. Judges nothing: it is no verifier.
 */
#include "cli/inspect.h"
#include <linux/bpf.h>

enum { STACK_SLOTS = 64, CALLER_SAVED = 0x3f /* r0..r5 */, R10 = 10 };

struct fact { u16 ctx, ptr; };		/* a bit for each register */

struct flow {
	const struct image_prog *p;
	const struct ctx_desc *desc;	/* NULL: any 8 bytes may be a pointer */
	struct fact *in;		/* [nr_insns] before the instruction */
	bool *reached;
	VEC(u32) work;
	u64 ctx_slots, ptr_slots;	/* stack slots, of all functions */
	bool ctx_mem, ptr_mem;		/* some other memory holds them */
	bool ptr_ret;			/* a subprogram may return one */
	struct fact callback;		/* what callbacks begin with */
	bool calls_back;
	bool again;			/* one of these changed */
	u32 read, write;		/* effects of an access through a pointer */
	u32 effects;
};

static void arrive(struct flow *f, s64 at, struct fact s)
{
	struct fact *in;

	if (at < 0 || at >= f->p->nr_insns)
		return;
	in = &f->in[at];
	if (f->reached[at] && !(s.ctx & ~in->ctx) && !(s.ptr & ~in->ptr))
		return;
	f->reached[at] = true;
	in->ctx |= s.ctx;
	in->ptr |= s.ptr;
	*vec_push(&f->work) = (u32)at;
}

static void set_reg(struct fact *s, u32 reg, bool ctx, bool ptr)
{
	u16 bit = (u16)(1u << reg);

	s->ctx = (u16)(ctx ? s->ctx | bit : s->ctx & ~bit);
	s->ptr = (u16)(ptr ? s->ptr | bit : s->ptr & ~bit);
}

static bool leads_out(const struct flow *f, const struct bpf_insn *insn, u32 bytes)
{
	const struct ctx_field *field;

	if (!f->desc)
		return bytes == 8;
	field = insn->off < 0 ? NULL : ctx_field(f->desc, (u64)insn->off, bytes);
	return field && field->flags & CTX_PKT;
}

static u64 slot_bit(const struct bpf_insn *insn)
{
	int slot = -insn->off / 8;

	return slot > 0 && slot <= STACK_SLOTS ? 1ull << (slot - 1) : 0;
}

static void load(struct flow *f, struct fact *s, const struct bpf_insn *insn, u32 bytes)
{
	u16 src = (u16)(1u << insn->src_reg);
	bool ctx = false, ptr = false;

	if (s->ptr & src) {
		f->effects |= f->read;
		ptr = !f->desc && bytes == 8;
	}
	if (s->ctx & src) {
		ptr |= leads_out(f, insn, bytes);
	} else if (insn->src_reg == R10 && bytes == 8) {
		ctx = f->ctx_slots & slot_bit(insn);
		ptr = f->ptr_slots & slot_bit(insn);
	} else if (!(s->ptr & src) && bytes == 8) {
		ctx = f->ctx_mem || f->ctx_slots;
		ptr = f->ptr_mem || f->ptr_slots;
	}
	set_reg(s, insn->dst_reg, ctx, ptr);
}

static void keep(struct flow *f, u64 *slots, bool *mem, const struct bpf_insn *insn)
{
	u64 bit = insn->dst_reg == R10 ? slot_bit(insn) : 0;

	f->again |= bit ? (*slots & bit) == 0 : !*mem;
	*slots |= bit;
	*mem |= !bit;
}

static void store(struct flow *f, const struct fact *s, const struct bpf_insn *insn, bool reg)
{
	u16 dst = (u16)(1u << insn->dst_reg), src = (u16)(1u << insn->src_reg);

	if (s->ptr & dst)
		f->effects |= f->write;
	if (reg && s->ctx & src)
		keep(f, &f->ctx_slots, &f->ctx_mem, insn);
	if (reg && s->ptr & src)
		keep(f, &f->ptr_slots, &f->ptr_mem, insn);
}

static bool is_written(u8 arg)
{
	return arg == ARG_MEM_OUT || arg == ARG_MEM_INOUT || arg == ARG_MEM_OUT_OR_NULL ||
	       arg == ARG_VALUE_OUT || arg == ARG_LONG_OUT || arg == ARG_INT_OUT ||
	       arg == ARG_OTHER;
}

/* A callback gets the third argument of the helper as its second or fourth. */
static void note_callback(struct flow *f, const struct fact *s)
{
	u16 to = 1u << 2 | 1u << 4, from = 1u << 3;
	struct fact in = { s->ctx & from ? to : 0, s->ptr & from ? to : 0 };

	f->again |= !f->calls_back || (in.ctx & ~f->callback.ctx) ||
		    (in.ptr & ~f->callback.ptr);
	f->calls_back = true;
	f->callback.ctx |= in.ctx;
	f->callback.ptr |= in.ptr;
}

/* All functions whose address is taken, with what some call gives them. */
static void arrive_callbacks(struct flow *f)
{
	for (u32 i = 0; f->calls_back && i < f->p->nr_insns; i += isa_slots(&f->p->insns[i]))
		if (isa_op(&f->p->insns[i]) == OP_LDDW_FUNC)
			arrive(f, (s64)i + 1 + f->p->insns[i].imm, f->callback);
}

static void call_helper(struct flow *f, struct fact *s, u32 id)
{
	const struct helper_row *row = helper_row(id);

	for (u32 i = 0; row && i < ARRAY_LEN(row->args); i++) {
		u8 arg = row->args[i];

		if (!(s->ptr & 1u << (i + 1)) || arg == ARG_ANY || arg == ARG_NONE ||
		    arg == ARG_UNREAD || arg == ARG_ALLOC_SIZE)
			continue;
		f->effects |= is_written(arg) ? f->write | f->read : f->read;
	}
	if (id == BPF_FUNC_loop || id == BPF_FUNC_for_each_map_elem)
		note_callback(f, s);
	s->ctx &= (u16)~CALLER_SAVED;
	s->ptr &= (u16)~CALLER_SAVED;
}

static void call_local(struct flow *f, struct fact *s, s64 target)
{
	struct fact in = { s->ctx & CALLER_SAVED & ~1, s->ptr & CALLER_SAVED & ~1 };

	arrive(f, target, in);
	s->ctx &= (u16)~CALLER_SAVED;
	s->ptr &= (u16)~CALLER_SAVED;
	set_reg(s, 0, false, f->ptr_ret);
}

static void alu(struct fact *s, const struct bpf_insn *insn, const struct isa_row *row)
{
	bool reg = BPF_SRC(insn->code) == BPF_X;
	u16 src = (u16)(1u << insn->src_reg), dst = (u16)(1u << insn->dst_reg);

	if (row->kind == KIND_MOV && row->width == 64 && reg)
		set_reg(s, insn->dst_reg, s->ctx & src, s->ptr & src);
	else if (row->kind == KIND_MOV)
		set_reg(s, insn->dst_reg, false, false);
	else if (reg && row->width == 64)
		set_reg(s, insn->dst_reg, s->ctx & (src | dst), s->ptr & (src | dst));
}

static void leave(struct flow *f, const struct fact *s)
{
	if (s->ptr & 1 && !f->ptr_ret)
		f->ptr_ret = f->again = true;
}

static void legacy_load(struct flow *f, struct fact *s)
{
	f->effects |= 1u << EFFECT_PKT_READ;
	s->ctx &= (u16)~CALLER_SAVED;
	s->ptr &= (u16)~CALLER_SAVED;
}

/* What instruction AT does to S; false when nothing comes after it. */
static bool step(struct flow *f, struct fact *s, u32 at)
{
	const struct bpf_insn *insn = &f->p->insns[at];
	enum isa_op op = isa_op(insn);
	const struct isa_row *row = &isa_rows[op == OP_BAD ? 0 : op];
	s64 delta;

	switch (op == OP_BAD ? KIND_EXIT : row->kind) {
	case KIND_EXIT:
		leave(f, s);
		return false;
	case KIND_LDX:
	case KIND_LDXSX:
		load(f, s, insn, row->width / 8u);
		return true;
	case KIND_ST:
	case KIND_STX:
		store(f, s, insn, row->kind == KIND_STX);
		return true;
	case KIND_LDDW:
		set_reg(s, insn->dst_reg, false, false);
		return true;
	case KIND_LD_ABS:
	case KIND_LD_IND:
		legacy_load(f, s);
		return true;
	case KIND_CALL:
	case KIND_CALL_KFUNC:
	case KIND_CALL_REG:
		call_helper(f, s, row->kind == KIND_CALL ? (u32)insn->imm : 0);
		return true;
	case KIND_CALL_LOCAL:
		call_local(f, s, (s64)at + 1 + insn->imm);
		return true;
	}
	if (row->kind >= KIND_ATOMIC_ADD && row->kind <= KIND_ATOMIC_STREL)
		store(f, s, insn, true);
	else if (row->kind <= KIND_BSWAP)
		alu(s, insn, row);
	else if (isa_target(insn, &delta))
		arrive(f, (s64)at + 1 + delta, *s);
	return row->kind != KIND_JA && row->kind != KIND_JA32;
}

static void pass(struct flow *f)
{
	f->again = false;
	arrive(f, 0, (struct fact){ .ctx = 1u << 1 });
	arrive_callbacks(f);
	for (u32 i = 0; i < f->p->nr_insns; i++)	/* all anew: memory changed */
		if (f->reached[i])
			*vec_push(&f->work) = i;
	while (f->work.n) {
		u32 at = f->work.v[--f->work.n];
		struct fact s = f->in[at];

		if (step(f, &s, at))
			arrive(f, (s64)at + isa_slots(&f->p->insns[at]), s);
	}
}

static bool has_pointers(u32 type)
{
	return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	       type == BPF_PROG_TYPE_STRUCT_OPS;
}

u32 flow_effects(const struct image_prog *p)
{
	struct flow f = { .p = p, .desc = ctx_desc(p->type) };

	if (!p->nr_insns)
		return 0;
	if (f.desc) {
		f.read = 1u << EFFECT_PKT_READ;
		f.write = 1u << EFFECT_PKT_WRITE;
	} else if (has_pointers(p->type)) {
		f.read = 1u << EFFECT_KERNEL_READ;
	}
	f.in = mem_alloc(p->nr_insns * sizeof(*f.in));
	f.reached = mem_alloc(p->nr_insns * sizeof(*f.reached));
	do
		pass(&f);
	while (f.again);
	free(f.in);
	free(f.reached);
	vec_free(&f.work);
	return f.effects;
}

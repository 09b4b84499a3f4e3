/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit.c: BPF instructions of a function: each instruction of the intermediate code with
 * the registers that alloc.c gave, between them the moves that splitting, phis and calls
 * ask for. Jumps stay symbolic until squeeze.c has seen all of it. Improves nothing.
 */
#include "lang/emit_in.h"

enum { CLASS64 = BPF_ALU64, CLASS32 = BPF_ALU, MODE_SX = 0x80 };

/* ---- single instructions ------------------------------------------------------------ */

void out_insn(struct out *o, struct bpf_insn insn)
{
	if (o->line && (!o->lines.n || o->lines.v[o->lines.n - 1].line != o->line))
		*vec_push(&o->lines) = (struct ir_code_line){ (u32)o->code.n, o->line };
	*vec_push(&o->code) = insn;
}

static void put(struct out *o, u32 code, u32 dst, u32 src, s32 off, s32 imm)
{
	assert(off == (s16)off);
	out_insn(o, (struct bpf_insn){ .code = (u8)code, .dst_reg = (u8)(dst & 15),
				       .src_reg = (u8)(src & 15), .off = (s16)off, .imm = imm });
}

void out_copy(struct out *o, u32 to, u32 from)
{
	put(o, CLASS64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

void out_load(struct out *o, u32 to, s32 at)
{
	put(o, BPF_LDX | BPF_MEM | BPF_DW, to, BPF_REG_10, at, 0);
}

void out_store(struct out *o, s32 at, u32 from)
{
	put(o, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, from, at, 0);
}

static void relocate(struct out *o, enum ir_reloc_kind kind, u32 index, const char *name,
		     const struct ir_core *core)
{
	*vec_push(&o->relocs) = (struct ir_reloc){ (u32)o->code.n, kind, index, name, core };
}

/* A 64-bit immediate: two slots. */
static void put_wide(struct out *o, u32 to, u32 pseudo, u64 imm)
{
	put(o, BPF_LD | BPF_DW | BPF_IMM, to, pseudo, 0, (s32)(u32)imm);
	put(o, 0, 0, 0, 0, (s32)(u32)(imm >> 32));
}

static void make_const(struct out *o, u32 to, const struct ir_insn *v)
{
	if (v->core)
		relocate(o, RELOC_CORE, 0, NULL, v->core);
	if (v->imm == (s32)v->imm)
		put(o, CLASS64 | BPF_MOV, to, 0, 0, (s32)v->imm);
	else if (v->imm == (u32)v->imm && !v->core)
		put(o, CLASS32 | BPF_MOV, to, 0, 0, (s32)(u32)v->imm);
	else
		put_wide(o, to, 0, (u64)v->imm);
}

static void make_stack(struct out *o, u32 to, s64 at)
{
	out_copy(o, to, BPF_REG_10);
	put(o, CLASS64 | BPF_ADD, to, 0, 0, (s32)at);
}

static s32 slot_at(const struct out *o, const struct ir_insn *slot)
{
	return o->f->slots.v[slot->imm].at;
}

void out_make(struct out *o, u32 to, const struct ir_insn *v)
{
	switch (v->op) {
	case IR_CONST: make_const(o, to, v); break;
	case IR_SLOT: make_stack(o, to, slot_at(o, v)); break;
	case IR_ADD: make_stack(o, to, slot_at(o, v->args[0]) + v->args[1]->imm); break;
	case IR_MAP:
		relocate(o, RELOC_MAP, (u32)v->imm, NULL, NULL);
		put_wide(o, to, 0, 0);
		break;
	case IR_MAPVAL:
		relocate(o, RELOC_MAPVAL, (u32)v->imm, NULL, NULL);
		put_wide(o, to, 0, (u32)v->off);
		break;
	case IR_KVAR:
		relocate(o, RELOC_KVAR, 0, o->f->unit->ksyms.v[v->imm].name, NULL);
		put_wide(o, to, 0, 0);
		break;
	default:
		relocate(o, RELOC_FUNC, (u32)v->imm, NULL, NULL);
		put_wide(o, to, 0, 0);
	}
}

/* ---- operands ----------------------------------------------------------------------- */

static u32 reg_at(const struct out *o, const struct ir_insn *v, u32 pos)
{
	u32 reg = ra_at(o->ra, v, pos);

	assert(reg != REG_MEM && "an operand that wants a register has one");
	return reg;
}

static u32 pos_of(const struct out *o, const struct ir_insn *i)
{
	return o->ra->pos[i->id];
}

static u32 arg_reg(const struct out *o, const struct ir_insn *i, u32 k)
{
	return reg_at(o, i->args[k], pos_of(o, i));
}

/* The base register of a memory access, and its offset. */
static u32 base_of(const struct out *o, const struct ir_insn *i, s32 *off)
{
	*off = i->off;
	if (!emit_is_direct(i, 0))
		return arg_reg(o, i, 0);
	*off += slot_at(o, i->args[0]);
	return BPF_REG_10;
}

static struct move move_of(const struct out *o, const struct ir_insn *v, u32 pos, struct place to)
{
	struct move m = { .to = to };

	if (!v->mark) {
		m.make = v;
		return m;
	}
	m.from.reg = ra_at(o->ra, v, pos);
	m.from.at = o->ra->vals[v->id]->at;
	return m;
}

/* ---- arithmetic --------------------------------------------------------------------- */

static u32 alu_code(enum ir_op op)
{
	static const u8 by[IR_COUNT] = {
		[IR_ADD] = BPF_ADD, [IR_SUB] = BPF_SUB, [IR_MUL] = BPF_MUL, [IR_UDIV] = BPF_DIV,
		[IR_UMOD] = BPF_MOD, [IR_SDIV] = BPF_DIV, [IR_SMOD] = BPF_MOD,
		[IR_AND] = BPF_AND, [IR_OR] = BPF_OR, [IR_XOR] = BPF_XOR, [IR_SHL] = BPF_LSH,
		[IR_SHR] = BPF_RSH, [IR_SAR] = BPF_ARSH,
	};

	return by[op];
}

/* x + 0 and its like. */
static bool does_nothing(const struct ir_insn *i)
{
	const struct ir_insn *b = i->args[1];

	return i->width == 64 && !b->mark && ir_is_number(b) && !b->imm &&
	       (i->op == IR_ADD || i->op == IR_SUB || i->op == IR_OR || i->op == IR_XOR ||
		i->op == IR_SHL || i->op == IR_SHR || i->op == IR_SAR);
}

static void emit_two(struct out *o, const struct ir_insn *i, u32 dst)
{
	u32 class = i->width == 64 ? CLASS64 : CLASS32, a = arg_reg(o, i, 0);
	u32 code = class | alu_code(i->op);
	s32 off = i->op == IR_SDIV || i->op == IR_SMOD;
	bool direct = emit_is_direct(i, 1);
	u32 b = direct ? 0 : reg_at(o, i->args[1], pos_of(o, i));

	if (!direct && b == dst && a != dst) {	/* only where the operands commute */
		b = a;
		a = dst;
	}
	if (a != dst)
		out_copy(o, dst, a);
	if (does_nothing(i))
		return;
	if (direct && i->args[1]->core)
		relocate(o, RELOC_CORE, 0, NULL, i->args[1]->core);
	put(o, code | (direct ? BPF_K : BPF_X), dst, b, off, direct ? (s32)i->args[1]->imm : 0);
}

static void emit_neg(struct out *o, const struct ir_insn *i, u32 dst)
{
	if (arg_reg(o, i, 0) != dst)
		out_copy(o, dst, arg_reg(o, i, 0));
	put(o, (i->width == 64 ? CLASS64 : CLASS32) | BPF_NEG, dst, 0, 0, 0);
}

static void emit_bswap(struct out *o, const struct ir_insn *i, u32 dst)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (arg_reg(o, i, 0) != dst)
		out_copy(o, dst, arg_reg(o, i, 0));
	if (o->f->unit->isa_level >= 4)
		put(o, CLASS64 | BPF_END | BPF_TO_LE, dst, 0, 0, 8 * i->size);
	else
		put(o, CLASS32 | BPF_END | (little ? BPF_TO_BE : BPF_TO_LE), dst, 0, 0,
		    8 * i->size);
}

static void emit_conv(struct out *o, const struct ir_insn *i, u32 dst)
{
	if (i->op == IR_BSWAP)
		emit_bswap(o, i, dst);
	else if (i->op == IR_ZEXT)
		put(o, CLASS32 | BPF_MOV | BPF_X, dst, arg_reg(o, i, 0), 0, 0);
	else
		put(o, CLASS64 | BPF_MOV | BPF_X, dst, arg_reg(o, i, 0), 8 * i->size, 0);
}

static u32 jmp_code(enum ir_cc cc)
{
	static const u8 by[CC_COUNT] = {
		BPF_JEQ, BPF_JNE, BPF_JLT, BPF_JLE, BPF_JGT, BPF_JGE, BPF_JSLT, BPF_JSLE,
		BPF_JSGT, BPF_JSGE, BPF_JSET,
	};

	return by[cc];
}

static void put_compare(struct out *o, const struct ir_insn *i, s32 off)
{
	u32 class = i->width == 64 ? BPF_JMP : BPF_JMP32, a = arg_reg(o, i, 0);

	if (emit_is_direct(i, 1))
		put(o, class | jmp_code(i->cc), a, 0, off, (s32)i->args[1]->imm);
	else
		put(o, class | jmp_code(i->cc) | BPF_X, a, arg_reg(o, i, 1), off, 0);
}

static void emit_set(struct out *o, const struct ir_insn *i, u32 dst)
{
	put(o, CLASS64 | BPF_MOV, dst, 0, 0, 1);
	put_compare(o, i, 1);
	put(o, CLASS64 | BPF_MOV, dst, 0, 0, 0);
}

/* ---- memory ------------------------------------------------------------------------- */

static u32 size_code(u32 size)
{
	return size == 1 ? BPF_B : size == 2 ? BPF_H : size == 4 ? BPF_W : BPF_DW;
}

static void emit_load(struct out *o, const struct ir_insn *i, u32 dst)
{
	bool v4 = o->f->unit->isa_level >= 4;
	s32 off, bits = 64 - 8 * i->size;
	u32 base = base_of(o, i, &off);

	if (i->core)
		relocate(o, RELOC_CORE, 0, NULL, i->core);
	put(o, BPF_LDX | (i->sx && v4 ? MODE_SX : BPF_MEM) | size_code(i->size), dst, base, off,
	    0);
	if (!i->sx || v4)
		return;
	put(o, CLASS64 | BPF_LSH, dst, 0, 0, bits);
	put(o, CLASS64 | BPF_ARSH, dst, 0, 0, bits);
}

static void emit_store(struct out *o, const struct ir_insn *i)
{
	s32 off;
	u32 base = base_of(o, i, &off);

	if (emit_is_direct(i, 1))
		put(o, BPF_ST | BPF_MEM | size_code(i->size), base, 0, off, (s32)i->args[1]->imm);
	else
		put(o, BPF_STX | BPF_MEM | size_code(i->size), base, arg_reg(o, i, 1), off, 0);
}

/* The register that holds the new value gets the old one. */
static void emit_xchg(struct out *o, const struct ir_insn *i, u32 dst)
{
	if (arg_reg(o, i, 0) != dst)
		out_copy(o, dst, arg_reg(o, i, 0));
	put(o, BPF_STX | BPF_ATOMIC | BPF_DW, arg_reg(o, i, 1), dst, 0, BPF_XCHG);
}

static void emit_addto(struct out *o, const struct ir_insn *i)
{
	s32 off;
	u32 base = base_of(o, i, &off);

	put(o, BPF_STX | BPF_ATOMIC | size_code(i->size), base, arg_reg(o, i, 1), off, BPF_ADD);
}

/* ---- calls -------------------------------------------------------------------------- */

static void put_call(struct out *o, const struct ir_insn *i)
{
	if (i->op == IR_CALL) {
		put(o, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)i->imm);
		return;
	}
	if (i->op == IR_KFUNC || i->op == IR_CCALL)
		relocate(o, i->op == IR_KFUNC ? RELOC_KFUNC : RELOC_CCALL, 0, i->name, NULL);
	else
		relocate(o, RELOC_SUBCALL, (u32)i->imm, NULL, NULL);
	put(o, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, -1);
}

static void emit_call(struct out *o, const struct ir_insn *i)
{
	u32 pos = pos_of(o, i), busy = 0x3c0;	/* r6 .. r9 */

	for (u32 k = 0; k < i->nr_args; k++)
		*vec_push(&o->moves) = move_of(o, i->args[k], pos,
					       (struct place){ (u8)(k + 1), 0 });
	moves_emit(o, &o->moves, busy);
	put_call(o, i);
	if (o->ra->vals[i->id] && reg_at(o, i, pos + 1))
		out_copy(o, reg_at(o, i, pos + 1), BPF_REG_0);
}

static void emit_exit(struct out *o, const struct ir_insn *i)
{
	*vec_push(&o->moves) = move_of(o, i->args[0], pos_of(o, i), (struct place){ 0, 0 });
	moves_emit(o, &o->moves, 0);
	put(o, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- edges -------------------------------------------------------------------------- */

static u32 pred_index(const struct ir_block *b, const struct ir_block *from)
{
	u32 p = 0;

	while (b->preds.v[p] != from)
		p++;
	return p;
}

static void move_phis(struct out *o, struct ir_block *from, struct ir_block *to)
{
	u32 p = pred_index(to, from);

	for (const struct ir_insn *i = to->first; i && i->op == IR_PHI; i = i->next) {
		const struct ra_val *x = o->ra->vals[i->id];
		struct place at = { x->parts->reg, x->at };

		*vec_push(&o->moves) = move_of(o, i->phi[p], from->to - 1, at);
	}
}

/* Values that change places between FROM's end and TO's start. */
static void move_edge(struct out *o, struct ir_block *from, struct ir_block *to, u32 busy)
{
	u32 n = o->live_at[to->order];

	for (; n < o->live_at[to->order + 1]; n++) {
		const struct ra_val *x = o->ra->vals[o->live_of[n]];
		struct place at = { ra_at(o->ra, x->v, to->from), x->at };

		if (at.reg != REG_MEM)
			*vec_push(&o->moves) = move_of(o, x->v, from->to - 1, at);
	}
	move_phis(o, from, to);
	moves_emit(o, &o->moves, busy);
}

static void put_jump(struct out *o, struct bpf_insn insn, struct ir_block *to)
{
	*vec_push(&o->jumps) = (struct out_jump){ (u32)o->code.n, to };
	out_insn(o, insn);
}

static void jump_to(struct out *o, struct ir_block *from, struct ir_block *to)
{
	if (from->next != to)
		put_jump(o, (struct bpf_insn){ .code = BPF_JMP | BPF_JA }, to);
}

static void emit_jmp(struct out *o, struct ir_insn *i)
{
	struct ir_block *b = i->block;

	move_edge(o, b, i->to[0], o->ra->busy_out[b->order]);
	jump_to(o, b, i->to[0]);
}

static enum ir_cc opposite(enum ir_cc cc)
{
	static const u8 by[CC_COUNT] = {
		CC_NE, CC_EQ, CC_UGE, CC_UGT, CC_ULE, CC_ULT, CC_SGE, CC_SGT, CC_SLE, CC_SLT,
		CC_TEST,
	};

	return (enum ir_cc)by[cc];
}

static void emit_br(struct out *o, struct ir_insn *i)
{
	struct ir_insn t = *i;

	if (i->to[0] == i->block->next && i->cc != CC_TEST) {
		t.cc = opposite(i->cc);
		t.to[0] = i->to[1];
		t.to[1] = i->to[0];
	}
	*vec_push(&o->jumps) = (struct out_jump){ (u32)o->code.n, t.to[0] };
	put_compare(o, &t, 0);
	jump_to(o, i->block, t.to[1]);
}

/* ---- blocks ------------------------------------------------------------------------- */

static void emit_value(struct out *o, struct ir_insn *i)
{
	u32 dst;

	if (!i->mark || !o->ra->vals[i->id])
		return;
	dst = reg_at(o, i, pos_of(o, i) + 1);
	if (emit_is_cheap(i)) {
		out_make(o, dst, i);
		return;
	}
	switch (i->op) {
	case IR_NEG: emit_neg(o, i, dst); break;
	case IR_SEXT: case IR_ZEXT: case IR_BSWAP: emit_conv(o, i, dst); break;
	case IR_SET: emit_set(o, i, dst); break;
	case IR_LOAD: emit_load(o, i, dst); break;
	case IR_XCHG: emit_xchg(o, i, dst); break;
	default: emit_two(o, i, dst);
	}
}

static void emit_one(struct out *o, struct ir_insn *i)
{
	switch (i->op) {
	case IR_STORE: emit_store(o, i); break;
	case IR_ADDTO: emit_addto(o, i); break;
	case IR_CALL: case IR_KFUNC: case IR_SUBCALL: case IR_CCALL: emit_call(o, i); break;
	case IR_EXIT: emit_exit(o, i); break;
	case IR_JMP: emit_jmp(o, i); break;
	case IR_BR: emit_br(o, i); break;
	case IR_FRESH: break;
	default: emit_value(o, i);
	}
}

static bool is_given(const struct ir_insn *i)
{
	return i->op == IR_PHI || i->op == IR_CTX || i->op == IR_ARG;
}

/* A value that will be on the stack is written there where it is made. */
static void keep_copy(struct out *o, const struct ir_insn *i)
{
	const struct ra_val *x = i->mark ? o->ra->vals[i->id] : NULL;

	if (x && x->spilled && x->parts->reg != REG_MEM)
		out_store(o, x->at, x->parts->reg);
}

/* Moves of values whose register changes before the instruction at POS. */
static void move_parts(struct out *o, size_t *next, u32 pos, bool skip)
{
	while (*next < o->ra->moves.n && o->ra->moves.v[*next]->from <= pos) {
		const struct ra_part *p = o->ra->moves.v[(*next)++];

		if (!skip)
			*vec_push(&o->moves) = move_of(o, p->val->v, pos - 1,
						       (struct place){ p->reg, 0 });
	}
	moves_emit(o, &o->moves, (1u << REG_COUNT) - 1);
}

static void enter_function(struct out *o, struct ir_block *b)
{
	for (const struct ir_insn *i = b->first; i && is_given(i); i = i->next) {
		const struct ra_val *x = o->ra->vals[i->id];
		struct move m = { { x->parts->reg, x->at }, { (u8)(i->imm + 1), 0 }, NULL };

		*vec_push(&o->moves) = m;
	}
	moves_emit(o, &o->moves, 0);
}

static void start_block(struct out *o, struct ir_block *b, size_t *next)
{
	o->starts[b->order] = (u32)o->code.n;
	move_parts(o, next, b->from, true);
	if (!b->preds.n)
		enter_function(o, b);
	else if (b->preds.n == 1 && b->preds.v[0]->last->op == IR_BR)
		move_edge(o, b->preds.v[0], b,
			  o->ra->busy_in[b->order] | o->ra->busy_out[b->preds.v[0]->order]);
	for (const struct ir_insn *i = b->first; is_given(i); i = i->next)
		keep_copy(o, i);
}

static void emit_all(struct out *o)
{
	size_t next = 0;

	for (struct ir_block *b = o->f->first; b; b = b->next) {
		start_block(o, b, &next);
		for (struct ir_insn *i = b->first; i; i = i->next) {
			if (is_given(i))
				continue;
			o->line = i->line ? i->line : o->line;
			move_parts(o, &next, pos_of(o, i), false);
			emit_one(o, i);
			keep_copy(o, i);
		}
	}
}

/* Which values of several parts live at the start of each block. */
static void index_lives(struct out *o)
{
	struct ra *ra = o->ra;
	u32 n = ra->f->last->order + 1, *fill = arena_news(&ra->arena, n + 2, u32);

	o->live_at = arena_news(&ra->arena, n + 2, u32);
	for (u32 i = 1; i < ra->nr_ids; i++)
		for (u32 k = 0; ra->vals[i] && ra->vals[i]->parts->next && k < ra->vals[i]->nr_in;
		     k++)
			o->live_at[ra->vals[i]->in[k]->order + 1]++;
	for (u32 k = 0; k < n; k++)
		o->live_at[k + 1] += o->live_at[k];
	memcpy(fill, o->live_at, (n + 1) * sizeof(*fill));
	o->live_of = arena_news(&ra->arena, o->live_at[n] + 1, u32);
	for (u32 i = 1; i < ra->nr_ids; i++)
		for (u32 k = 0; ra->vals[i] && ra->vals[i]->parts->next && k < ra->vals[i]->nr_in;
		     k++)
			o->live_of[fill[ra->vals[i]->in[k]->order]++] = i;
}

static void hand_over(struct ir_code *to, struct out *o)
{
	struct arena *a = o->f->unit->arena;

	*to = (struct ir_code){ 0 };
	to->nr_insns = (u32)o->code.n;
	to->insns = arena_copy(a, o->code.v, o->code.n * sizeof(*o->code.v));
	to->nr_lines = (u32)o->lines.n;
	if (o->lines.n)
		to->lines = arena_copy(a, o->lines.v, o->lines.n * sizeof(*o->lines.v));
	to->nr_relocs = (u32)o->relocs.n;
	if (o->relocs.n)
		to->relocs = arena_copy(a, o->relocs.v, o->relocs.n * sizeof(*o->relocs.v));
	to->stack_bytes = o->ra->stack_bytes;
}

static int write_code(struct out *o, struct skep_err *err)
{
	if (o->ra->stack_bytes <= STACK_BYTES) {
		index_lives(o);
		emit_all(o);
	}
	if (o->ra->stack_bytes > STACK_BYTES)
		return err_set(err, ERR_LANG_LIMIT, o->f->name,
			       "%u bytes of stack, of which there are 512", o->ra->stack_bytes);
	if (!out_squeeze(o))
		return err_set(err, ERR_LANG_LIMIT, o->f->name,
			       "thousands of jumps over more than 32767 instructions, for which "
			       "instruction set 4 is needed (Linux 6.6)");
	if (o->code.n > INSNS_MAX)
		return err_set(err, ERR_LANG_LIMIT, o->f->name, "%zu instructions, of which a "
			       "program may have %d", o->code.n, INSNS_MAX);
	return 0;
}

int emit_func(struct ir_code *out, struct ir_func *f, struct skep_err *err)
{
	struct ra ra;
	struct out o = { .ra = &ra, .f = f };
	int ret;

	ir_settle(f);
	ir_split_edges(f);
	ir_arrange(f);
	emit_legalise(f);
	ra_run(&ra, f);
	o.starts = arena_news(&ra.arena, f->last->order + 1, u32);
	ret = write_code(&o, err);
	if (!ret)
		hand_over(out, &o);
	vec_free(&o.code);
	vec_free(&o.relocs);
	vec_free(&o.lines);
	vec_free(&o.jumps);
	vec_free(&o.moves);
	ra_free(&ra);
	return ret;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c: from instructions to values. Blocks come from jump targets; a
 * register is read from the block's environment, and where paths meet, registers
 * that are live get a PHI each (those that are not needed go in ir_phis).
 */
#include "jit/opt/ir.h"
#include "model/rewrite.h"
#include <stdlib.h>

enum { REGS = 10, RUN_PARAM = IR_RUN, ARGS = 0x3e };

/* ---- blocks ------------------------------------------------------------ */

struct build {
	struct ir_func *f;
	const struct bpf_insn *insns;
	const u8 *ops;
	struct ir_block **at;	/* the block that begins at each slot of the unit */
	u32 base;		/* the unit's first slot */
	struct ir_block *block;
	u32 slot;
	struct ir *in_arena;	/* what REWRITE_REG is, in one block each time */
	int r;
};

static bool is_jump(u8 op)
{
	u8 k = isa_rows[op].kind;

	return k >= KIND_JMP_JEQ && k <= KIND_MAY_GOTO;
}

static bool falls_through(u8 op)
{
	u8 k = isa_rows[op].kind;

	return k != KIND_JA && k != KIND_JA32 && k != KIND_EXIT;
}

static u32 jump_target(const struct build *b, u32 slot)
{
	s64 delta = 0;

	isa_target(&b->insns[slot], &delta);
	return (u32)(slot + 1 + delta);
}

static u32 next_slot(const struct build *b, u32 slot)
{
	return slot + isa_slots(&b->insns[slot]);
}

static struct ir_block *block_new(struct build *b, u32 start)
{
	struct ir_block **at = &b->at[start - b->base];

	if (!*at) {
		*at = arena_new(b->f->arena, struct ir_block);
		(*at)->start = start;
	}
	return *at;
}

static void pred_add(struct ir_func *f, struct ir_block *to, struct ir_block *from)
{
	if (to->nr_pred == to->cap_pred) {
		struct ir_block **old = to->pred;

		to->cap_pred = to->cap_pred ? 2 * to->cap_pred : 2;
		to->pred = arena_news(f->arena, to->cap_pred, struct ir_block *);
		if (old)
			memcpy(to->pred, old, to->nr_pred * sizeof(*old));
	}
	to->pred[to->nr_pred++] = from;
}

static void edge_add(struct build *b, struct ir_block *from, u32 slot)
{
	struct ir_block *to = b->at[slot - b->base];

	from->succ[from->nr_succ++] = to;
	pred_add(b->f, to, from);
}

static void find_starts(struct build *b)
{
	const struct jit_unit *u = b->f->unit;

	block_new(b, u->start);
	for (u32 s = u->start; s < u->end; s = next_slot(b, s)) {
		u8 op = b->ops[s];

		if (is_jump(op))
			block_new(b, jump_target(b, s));
		if ((is_jump(op) || isa_rows[op].kind == KIND_EXIT) && next_slot(b, s) < u->end)
			block_new(b, next_slot(b, s));
	}
}

/* The edges of the block that ends with SLOT; a jump first leads where it jumps. */
static void add_edges(struct build *b, struct ir_block *block, u32 slot)
{
	u8 op = b->ops[slot];
	u32 next = next_slot(b, slot), to = is_jump(op) ? jump_target(b, slot) : next;

	block->end = next;
	if (is_jump(op))
		edge_add(b, block, to);
	/* may_goto counts, wherever it leads */
	if (falls_through(op) && next < b->f->unit->end &&
	    (!is_jump(op) || to != next || op == OP_MAY_GOTO))
		edge_add(b, block, next);
}

static void find_edges(struct build *b)
{
	const struct jit_unit *u = b->f->unit;
	struct ir_block *block = NULL;
	u32 next;

	for (u32 s = u->start; s < u->end; s = next) {
		next = next_slot(b, s);
		if (b->at[s - b->base])
			block = b->at[s - b->base];
		if (next >= u->end || b->at[next - b->base] || !falls_through(b->ops[s]))
			add_edges(b, block, s);
	}
}

/* ---- reverse postorder ------------------------------------------------- */

struct visit { struct ir_block *block; u32 edge; };

/* Second edges first: what falls through comes right behind. */
static void postorder(struct ir_func *f, block_list *out)
{
	VEC(struct visit) stack = { 0 };

	f->first->done = true;
	*vec_push(&stack) = (struct visit){ f->first, 0 };
	while (stack.n) {
		struct visit *v = &stack.v[stack.n - 1];
		struct ir_block *to;

		if (v->edge == v->block->nr_succ) {
			*vec_push(out) = v->block;
			stack.n--;
			continue;
		}
		to = v->block->succ[v->edge++];
		if (!to->done) {
			to->done = true;
			*vec_push(&stack) = (struct visit){ to, 0 };
		}
	}
	vec_free(&stack);
}

/* Forgets edges from blocks that nobody reaches, and what PHIs have from there. */
static void drop_preds(struct ir_block *b)
{
	u32 n = 0;

	for (u32 i = 0; i < b->nr_pred; i++) {
		if (!b->pred[i]->done)
			continue;
		for (size_t p = 0; p < b->phis.n; p++)
			b->phis.v[p]->arg[n] = b->phis.v[p]->arg[i];
		b->pred[n++] = b->pred[i];
	}
	for (size_t p = 0; p < b->phis.n; p++)
		b->phis.v[p]->n = (u16)n;
	b->nr_pred = n;
}

static void block_free(struct ir_block *b)
{
	vec_free(&b->phis);
	vec_free(&b->nodes);
	vec_free(&b->live);
}

void ir_blocks(struct ir_func *f)
{
	block_list order = { 0 };

	for (size_t i = 0; i < f->blocks.n; i++)
		f->blocks.v[i]->done = false;
	postorder(f, &order);
	for (size_t i = 0; i < f->blocks.n; i++)
		if (!f->blocks.v[i]->done)
			block_free(f->blocks.v[i]);
	f->blocks.n = 0;
	for (size_t i = order.n; i-- > 0;) {
		order.v[i]->id = (u32)f->blocks.n;
		*vec_push(&f->blocks) = order.v[i];
	}
	for (size_t i = 0; i < f->blocks.n; i++)
		drop_preds(f->blocks.v[i]);
	vec_free(&order);
}

/* ---- dominators (Cooper, Harvey, Kennedy) ------------------------------ */

static struct ir_block *meet(struct ir_block *a, struct ir_block *b)
{
	while (a != b) {
		while (a->id > b->id)
			a = a->idom;
		while (b->id > a->id)
			b = b->idom;
	}
	return a;
}

/* Those far down first: of many ways out along a way, each is met on the way up. */
static bool idom_step(struct ir_block *b)
{
	struct ir_block *idom = NULL;

	for (u32 i = b->nr_pred; i-- > 0;)
		if (b->pred[i]->idom)
			idom = idom ? meet(idom, b->pred[i]) : b->pred[i];
	if (idom == b->idom)
		return false;
	b->idom = idom;
	return true;
}

/* Numbers by sizes of subtrees: a block's interval holds those that it dominates. */
static void number_tree(struct ir_func *f)
{
	u32 *size = mem_alloc(f->blocks.n * sizeof(*size)),
	    *next = mem_alloc(f->blocks.n * sizeof(*next));

	for (size_t i = f->blocks.n; i-- > 0;) {
		size[i]++;
		if (i)
			size[f->blocks.v[i]->idom->id] += size[i];
	}
	for (size_t i = 0; i < f->blocks.n; i++) {
		struct ir_block *b = f->blocks.v[i];
		u32 at = i ? next[b->idom->id] : 0;

		if (i)
			next[b->idom->id] += size[i];
		b->dom_in = at;
		b->dom_out = at + size[i] - 1;
		next[i] = at + 1;
	}
	free(size);
	free(next);
}

void ir_dominators(struct ir_func *f)
{
	bool changed = true;

	for (size_t i = 0; i < f->blocks.n; i++)
		f->blocks.v[i]->idom = NULL;
	f->first->idom = f->first;
	while (changed) {
		changed = false;
		for (size_t i = 1; i < f->blocks.n; i++)
			changed |= idom_step(f->blocks.v[i]);
	}
	number_tree(f);
}

/* ---- which registers are live ------------------------------------------ */

static u32 call_args(const struct build *b, u32 slot)
{
	const struct jit_bind *bind = b->f->b->bind;

	if (b->ops[slot] == OP_CALL_LOCAL)
		return jit_unit_at(b->f->b->code, jump_target(b, slot))->params;
	if (b->ops[slot] == OP_CALL && b->insns[slot].imm == BPF_FUNC_tail_call)
		return 0xe;
	return bind->params ? bind->params(bind->arg, slot) : 0x3e;
}

static void touch(u64 *use, u64 *def, u32 read, u32 written)
{
	*use |= read & ~*def;
	*def |= written;
}

static void insn_touch(const struct build *b, u32 slot, u64 *use, u64 *def)
{
	const struct bpf_insn *in = &b->insns[slot];
	const struct isa_row *row = &isa_rows[b->ops[slot]];
	u32 d = 1u << in->dst_reg;
	u32 s = row->sel != SEL_SRC && in->code & BPF_X ? 1u << in->src_reg : 0;

	switch ((enum isa_kind)row->kind) {
	case KIND_MOV: case KIND_MOVSX8: case KIND_MOVSX16: case KIND_MOVSX32: case KIND_AS_CAST:
		touch(use, def, s, d);
		return;
	case KIND_LDX: case KIND_LDXSX: case KIND_ATOMIC_LDACQ:
		touch(use, def, 1u << in->src_reg, d);
		return;
	case KIND_LDDW: touch(use, def, 0, d); return;
	case KIND_ST: touch(use, def, d, 0); return;
	case KIND_STX: case KIND_ATOMIC_STREL: case KIND_ATOMIC_ADD: case KIND_ATOMIC_OR:
	case KIND_ATOMIC_AND: case KIND_ATOMIC_XOR:
		touch(use, def, d | 1u << in->src_reg, 0);
		return;
	case KIND_ATOMIC_FADD: case KIND_ATOMIC_FOR: case KIND_ATOMIC_FAND:
	case KIND_ATOMIC_FXOR: case KIND_ATOMIC_XCHG:
		touch(use, def, d | 1u << in->src_reg, 1u << in->src_reg);
		return;
	case KIND_ATOMIC_CMPXCHG: touch(use, def, d | 1u << in->src_reg | 1, 1); return;
	case KIND_CALL: case KIND_CALL_LOCAL: case KIND_CALL_KFUNC:
		touch(use, def, call_args(b, slot), 0x3f);
		return;
	case KIND_LD_ABS: touch(use, def, 0, 0x3f); return;
	case KIND_LD_IND: touch(use, def, 1u << in->src_reg, 0x3f); return;
	case KIND_EXIT: touch(use, def, 1, 0); return;
	case KIND_JA: case KIND_JA32: case KIND_MAY_GOTO: return;
	default:	/* arithmetic and conditions */
		touch(use, def, d | s, is_jump(b->ops[slot]) ? 0 : d);
	}
}

static u64 live_out(const struct ir_block *b)
{
	u64 out = 0;

	for (u32 i = 0; i < b->nr_succ; i++)
		out |= b->succ[i]->live_in;
	return out;
}

static void find_live(struct build *b)
{
	struct ir_func *f = b->f;
	bool changed = true;

	for (size_t i = 0; i < f->blocks.n; i++) {
		struct ir_block *block = f->blocks.v[i];

		block->use = block->def = block->live_in = 0;
		for (u32 s = block->start; s < block->end; s = next_slot(b, s))
			insn_touch(b, s, &block->use, &block->def);
	}
	while (changed) {
		changed = false;
		for (size_t i = f->blocks.n; i-- > 0;) {
			struct ir_block *block = f->blocks.v[i];
			u64 in = block->use | (live_out(block) & ~block->def);

			changed |= in != block->live_in;
			block->live_in = in;
		}
	}
}

/* ---- values ------------------------------------------------------------ */

static struct ir *add(struct build *b, enum ir_op op, u32 w, u32 n)
{
	struct ir *v = ir_new(b->f, op, w, n);

	v->block = b->block;
	v->slot = b->slot;
	*vec_push(&b->block->nodes) = v;
	return v;
}

static struct ir *add1(struct build *b, enum ir_op op, u32 w, struct ir *x, u64 imm)
{
	struct ir *v = add(b, op, w, 1);

	v->arg[0] = x;
	v->imm = imm;
	return v;
}

static struct ir *add2(struct build *b, enum ir_op op, u32 w, struct ir *x, struct ir *y)
{
	struct ir *v = add(b, op, w, 2);

	v->arg[0] = x;
	v->arg[1] = y;
	return v;
}

static struct ir *number(struct build *b, u64 imm) { return ir_constant(b->f, imm); }

/* VALUE, which is WHAT at the slot at work. */
static struct ir *address(struct build *b, enum jit_what what, u64 value)
{
	u64 more;
	struct ir *v = ir_addr(b->f, what, b->slot, value, &more);

	return more ? add2(b, IR_ADD, 64, v, number(b, more)) : v;
}

static struct ir *get(struct build *b, u32 reg)
{
	struct ir *v;

	if (reg == BPF_REG_10)
		return ir_free_value(b->f, IR_FP, 0);
	v = reg == REWRITE_REG ? b->in_arena : b->block->env[reg];
	/* nothing that was verified reads it; a liveness that asks too much may */
	return v ? v : number(b, 0);
}

static void set(struct build *b, u32 reg, struct ir *v) { b->block->env[reg] = v; }

static struct ir *operand(struct build *b, const struct bpf_insn *in)
{
	return in->code & BPF_X ? get(b, in->src_reg) : number(b, (u64)(s64)in->imm);
}

static enum ir_op alu_op(enum isa_kind k)
{
	static const u8 ops[] = {
		[KIND_ALU_ADD] = IR_ADD, [KIND_ALU_SUB] = IR_SUB, [KIND_ALU_MUL] = IR_MUL,
		[KIND_ALU_DIV] = IR_UDIV, [KIND_ALU_SDIV] = IR_SDIV, [KIND_ALU_OR] = IR_OR,
		[KIND_ALU_AND] = IR_AND, [KIND_ALU_LSH] = IR_SHL, [KIND_ALU_RSH] = IR_SHR,
		[KIND_ALU_MOD] = IR_UMOD, [KIND_ALU_SMOD] = IR_SMOD, [KIND_ALU_XOR] = IR_XOR,
		[KIND_ALU_ARSH] = IR_SAR,
	};

	return (enum ir_op)ops[k];
}

static enum ir_cc cc_of(enum isa_kind k)
{
	static const u8 ccs[] = {
		[KIND_JMP_JEQ - KIND_JMP_JEQ] = IR_EQ, [KIND_JMP_JGT - KIND_JMP_JEQ] = IR_UGT,
		[KIND_JMP_JGE - KIND_JMP_JEQ] = IR_UGE, [KIND_JMP_JSET - KIND_JMP_JEQ] = IR_SET,
		[KIND_JMP_JNE - KIND_JMP_JEQ] = IR_NE, [KIND_JMP_JSGT - KIND_JMP_JEQ] = IR_SGT,
		[KIND_JMP_JSGE - KIND_JMP_JEQ] = IR_SGE, [KIND_JMP_JLT - KIND_JMP_JEQ] = IR_ULT,
		[KIND_JMP_JLE - KIND_JMP_JEQ] = IR_ULE, [KIND_JMP_JSLT - KIND_JMP_JEQ] = IR_SLT,
		[KIND_JMP_JSLE - KIND_JMP_JEQ] = IR_SLE,
	};

	return (enum ir_cc)ccs[k - KIND_JMP_JEQ];
}

static void mov(struct build *b, const struct bpf_insn *in, u32 w)
{
	struct ir *v = operand(b, in);

	set(b, in->dst_reg, w == 32 ? add1(b, IR_ZEXT, 32, v, 0) : v);
}

static void sign(struct build *b, const struct bpf_insn *in, u32 w, u32 from)
{
	set(b, in->dst_reg, add1(b, IR_SEXT, w, get(b, in->src_reg), from));
}

/* LE, BE, BSWAP; a processor is little-endian here. */
static void swap(struct build *b, const struct bpf_insn *in, bool swaps, u32 w)
{
	struct ir *v = get(b, in->dst_reg);

	if (swaps)
		v = add1(b, IR_BSWAP, w, v, 0);
	else if (w < 64)
		v = add1(b, IR_ZEXT, w, v, 0);
	set(b, in->dst_reg, v);
}

static struct ir *run_of(struct build *b) { return b->f->params[RUN_PARAM]; }

static void stop(struct build *b, enum ir_stop how)
{
	add1(b, IR_STOP, 0, run_of(b), 0)->cc = (u8)how;
}

/* Of a pointer: that of a cast is known. */
static struct ir *low_half(struct build *b, struct ir *v)
{
	const struct ir *w = v->op == IR_SELECT && v->arg[2]->op == IR_OR ? v->arg[2] : NULL;

	if (w && w->arg[0] == v->arg[3] && ir_is_fixed(w->arg[1]) &&
	    w->arg[1]->imm == b->f->b->bind->arena.window)
		return v->arg[3];
	return add1(b, IR_ZEXT, 32, v, 0);
}

/* In the arena's window, or NULL. */
static void cast(struct build *b, const struct bpf_insn *in)
{
	struct ir *low = low_half(b, get(b, in->src_reg));
	struct ir *in_window = add2(b, IR_OR, 64, low, address(b, JIT_WINDOW,
							       b->f->b->bind->arena.window));
	struct ir *v = add(b, IR_SELECT, 64, 4);

	v->arg[0] = v->arg[3] = low;
	v->arg[1] = number(b, 0);
	v->arg[2] = in_window;
	v->cc = IR_NE;
	set(b, in->dst_reg, v);
}

/* Where the next instruction's memory is. */
static void in_arena(struct build *b, const struct bpf_insn *in)
{
	const struct jit_arena *a = &b->f->b->bind->arena;
	struct ir *off = add2(b, IR_ADD, 64, low_half(b, get(b, in->src_reg)),
			      number(b, (u64)(s64)in->off));
	struct ir *arena = address(b, JIT_ARENA, a->arena), *v = add(b, IR_CALL, 64, 5);
	s32 keeps = rewrite_arena_keeps(in);

	v->arg[0] = off;
	v->arg[1] = number(b, rewrite_arena_bytes(in));
	v->arg[2] = arena;
	v->arg[3] = keeps < 0 ? number(b, 0) : get(b, (u32)keeps);
	v->arg[4] = run_of(b);
	ir_calls(b->f, v, JIT_ARENA_AT, (u64)(uintptr_t)a->at);
	b->in_arena = v;
}

/* Asks a function of the engine, which needs the address. */
static void probe(struct build *b, const struct bpf_insn *in, u32 w, bool sign)
{
	struct ir *at = add2(b, IR_ADD, 64, get(b, in->src_reg), number(b, (u64)(s64)in->off));
	struct ir *v = add2(b, IR_CALL, 64, at, run_of(b));

	ir_calls(b->f, v, JIT_PROBE, (u64)(uintptr_t)b->f->b->bind->probe(w / 8, sign));
	set(b, in->dst_reg, v);
}

static void load(struct build *b, const struct bpf_insn *in, u32 w, bool sign)
{
	struct ir *v;
	bool unused;

	if (rewrite_is_probe(in, &unused)) {
		probe(b, in, w, sign);
		return;
	}
	v = add1(b, IR_LOAD, w, get(b, in->src_reg), (u64)(s64)in->off);
	v->sign = sign;
	set(b, in->dst_reg, v);
}

static void end(struct build *b, const struct bpf_insn *in)
{
	if (in->code == REWRITE_TRAP)
		add1(b, IR_TRAP, 0, run_of(b), 0);
	else
		add1(b, IR_RET, 64, get(b, 0), 0);
}

static void store(struct build *b, const struct bpf_insn *in, u32 w, struct ir *val)
{
	struct ir *v = add2(b, IR_STORE, w, get(b, in->dst_reg), val);

	v->imm = (u64)(s64)in->off;
}

static void atomic(struct build *b, const struct bpf_insn *in, enum isa_kind k, u32 w)
{
	struct ir *base = get(b, in->dst_reg), *src = get(b, in->src_reg);
	struct ir *v, *old = k == KIND_ATOMIC_CMPXCHG ? get(b, 0) : NULL;

	v = add(b, IR_ATOMIC, w, old ? 3 : 2);
	v->arg[0] = base;
	v->arg[1] = src;
	v->arg[2] = old;
	v->cc = (u8)k;
	v->imm = (u64)(s64)in->off;
	if (old)
		set(b, 0, v);
	else if (k == KIND_ATOMIC_FADD || k == KIND_ATOMIC_FOR || k == KIND_ATOMIC_FAND ||
		 k == KIND_ATOMIC_FXOR || k == KIND_ATOMIC_XCHG)
		set(b, in->src_reg, v);
}

static void after_inline(struct build *b, struct ir *v)
{
	for (u32 r = 1; r <= 5; r++)
		set(b, r, NULL);
	set(b, 0, v);
}

static void after_call(struct build *b, struct ir *v)
{
	after_inline(b, v);
	b->f->has_calls = true;
}

static struct ir *call(struct build *b, enum ir_op op, u64 to)
{
	u32 mask = call_args(b, b->slot), n = 0;
	struct ir *args[6], *v;

	while (mask >> (n + 1) & 0x1f) {
		args[n] = mask >> (n + 1) & 1 ? get(b, n + 1) : NULL;
		n++;
	}
	for (u32 i = 0; i < n; i++)
		if (!args[i])
			args[i] = number(b, 0);
	v = add(b, op, 64, n + 1);
	memcpy(v->arg, args, n * sizeof(*args));
	v->arg[n] = b->f->params[RUN_PARAM];
	v->imm = to;
	after_call(b, v);
	return v;
}

static void call_body(struct build *b, const struct bpf_insn *in)
{
	const struct jit_bind *bind = b->f->b->bind;
	struct ir *const args[2] = { b->block->env[1], b->block->env[2] };
	struct ir *ctx, *map, *index, *v = ir_inline(b->f, b->block, b->slot, args);

	if (v) {
		after_inline(b, v);
		return;
	}
	if (b->ops[b->slot] != OP_CALL || in->imm != BPF_FUNC_tail_call) {
		u64 site = bind->site ? bind->site(bind->arg, b->slot, true) : 0;

		if (site)
			add2(b, IR_STORE, 64, run_of(b), address(b, JIT_SITE, site))->imm =
				offsetof(struct run, at);
		v = call(b, IR_CALL, 0);
		ir_calls(b->f, v, JIT_BODY, (u64)(uintptr_t)bind->body(bind->arg, b->slot));
		if (site)
			stop(b, STOP_ASKED);
		return;
	}
	ctx = get(b, 1);
	map = get(b, 2);
	index = get(b, 3);
	v = add(b, IR_TAIL, 64, 4);
	v->arg[0] = ctx;
	v->arg[1] = map;
	v->arg[2] = index;
	v->arg[3] = b->f->params[RUN_PARAM];
	ir_calls(b->f, v, JIT_TAIL, (u64)(uintptr_t)bind->tail);
	after_call(b, v);
}

static void call_local(struct build *b)
{
	call(b, IR_LOCAL, jump_target(b, b->slot));
	if (b->f->b->stops)
		stop(b, STOP_ASKED);
}

static void load_packet(struct build *b, const struct bpf_insn *in, const struct isa_row *row)
{
	struct ir *off = number(b, (u32)in->imm), *v;

	if (row->kind == KIND_LD_IND)
		off = add2(b, IR_ADD, 32, get(b, in->src_reg), off);
	v = add2(b, IR_PACKET, row->width, b->f->params[RUN_PARAM], off);
	ir_calls(b->f, v, JIT_PACKET, (u64)(uintptr_t)b->f->b->bind->packet);
	after_call(b, v);
}

static void load_imm(struct build *b, const struct bpf_insn *in)
{
	const struct jit_bind *bind = b->f->b->bind;
	struct ir *v;

	switch (b->ops[b->slot]) {
	case OP_LDDW:
		v = number(b, (u32)in[0].imm | (u64)(u32)in[1].imm << 32);
		break;
	case OP_LDDW_FUNC:
		v = ir_free_value(b->f, IR_FUNC, (u64)((s64)b->slot + 1 + in->imm));
		break;
	default:
		v = address(b, JIT_ADDRESS, bind->address(bind->arg, b->slot));
	}
	set(b, in->dst_reg, v);
}

static void branch(struct build *b, const struct bpf_insn *in, const struct isa_row *row)
{
	struct ir *x = get(b, in->dst_reg), *y = operand(b, in);

	if (b->block->nr_succ == 1) {	/* to the next instruction */
		add(b, IR_JMP, 0, 0);
		return;
	}
	add2(b, IR_BR, row->width, x, y)->cc = (u8)cc_of((enum isa_kind)row->kind);
}

static void may_goto(struct build *b)
{
	b->f->may_goto = true;
	add(b, IR_MAY_GOTO, 0, 0);
}

static void translate(struct build *b, const struct bpf_insn *in)
{
	const struct isa_row *row = &isa_rows[b->ops[b->slot]];
	u32 w = row->width;

	if (jit_cost(b->f->b, b->slot))
		stop(b, STOP_COST);
	switch ((enum isa_kind)row->kind) {
	case KIND_MOV: in->code == REWRITE_ARENA ? in_arena(b, in) : mov(b, in, w); return;
	case KIND_AS_CAST: cast(b, in); return;
	case KIND_MOVSX8: sign(b, in, w, 8); return;
	case KIND_MOVSX16: sign(b, in, w, 16); return;
	case KIND_MOVSX32: sign(b, in, w, 32); return;
	case KIND_NEG: set(b, in->dst_reg, add1(b, IR_NEG, w, get(b, in->dst_reg), 0)); return;
	case KIND_LE: swap(b, in, false, w); return;
	case KIND_BE:
	case KIND_BSWAP: swap(b, in, true, w); return;
	case KIND_LDX:
	case KIND_ATOMIC_LDACQ: load(b, in, w, false); return;
	case KIND_LDXSX: load(b, in, w, true); return;
	case KIND_STX:
	case KIND_ATOMIC_STREL: store(b, in, w, get(b, in->src_reg)); return;
	case KIND_ST: store(b, in, w, number(b, (u64)(s64)in->imm)); return;
	case KIND_LDDW: load_imm(b, in); return;
	case KIND_CALL:
	case KIND_CALL_KFUNC: call_body(b, in); return;
	case KIND_CALL_LOCAL: call_local(b); return;
	case KIND_LD_ABS:
	case KIND_LD_IND: load_packet(b, in, row); return;
	case KIND_EXIT: end(b, in); return;
	case KIND_JA:
	case KIND_JA32: add(b, IR_JMP, 0, 0); return;
	case KIND_MAY_GOTO: may_goto(b); return;
	case KIND_CALL_REG:
		b->r = err_set(b->f->b->err, ERR_UNSUPPORTED, b->f->b->where,
			       "native code for instruction %u (%s)", b->slot, row->name);
		return;
	default: break;
	}
	if (row->kind <= KIND_ALU_ARSH)
		set(b, in->dst_reg, add2(b, alu_op((enum isa_kind)row->kind), w,
					 get(b, in->dst_reg), operand(b, in)));
	else if (row->kind <= KIND_JMP_JSLE)
		branch(b, in, row);
	else
		atomic(b, in, (enum isa_kind)row->kind, w);
}

/* ---- environments ------------------------------------------------------ */

/* The first block, which nothing leads to, has the parameters. */
static void first_block(struct build *b)
{
	struct ir_func *f = b->f;

	b->block = f->first;
	f->first->env = arena_news(f->arena, REGS, struct ir *);
	for (u32 i = 1; i <= RUN_PARAM; i++) {
		f->params[i] = add(b, IR_PARAM, 64, 0);
		f->params[i]->imm = i;
		if (i < RUN_PARAM)
			f->first->env[i] = f->params[i];
	}
	add(b, IR_JMP, 0, 0);
}

/* What registers are at the start of B: its one predecessor's, or PHIs. */
static void enter(struct build *b, struct ir_block *block)
{
	b->block = block;
	b->slot = block->start;
	block->env = arena_news(b->f->arena, REGS, struct ir *);
	for (u32 r = 0; r < REGS; r++) {
		struct ir *v;

		if (!(block->live_in >> r & 1))
			continue;
		if (block->nr_pred == 1) {
			block->env[r] = block->pred[0]->env[r];
			continue;
		}
		v = ir_new(b->f, IR_PHI, 64, block->nr_pred);
		v->block = block;
		v->slot = block->start;
		*vec_push(&block->phis) = v;
		block->env[r] = v;
	}
}

static void translate_block(struct build *b, struct ir_block *block)
{
	ir_list *nodes = &block->nodes;

	enter(b, block);
	for (u32 s = block->start; s < block->end && !b->r; s = next_slot(b, s)) {
		b->slot = s;
		translate(b, &b->insns[s]);
	}
	if (!b->r && (!nodes->n || !(ir_flags[nodes->v[nodes->n - 1]->op] & END)))
		add(b, block->nr_succ ? IR_JMP : IR_TRAP, 0, 0);
}

/* PHIs get what their registers are at the ends of the predecessors. */
static void fill_phis(struct build *b, struct ir_block *block)
{
	size_t p = 0;

	for (u32 r = 0; r < REGS && p < block->phis.n; r++) {
		struct ir *phi;

		if (!(block->live_in >> r & 1))
			continue;
		phi = block->phis.v[p++];
		for (u32 i = 0; i < block->nr_pred; i++) {
			struct ir *v = block->pred[i]->env[r];

			phi->arg[i] = v ? v : number(b, 0);
		}
	}
}

/* Blocks, their edges, live registers. */
static void shape(struct build *b)
{
	struct ir_func *f = b->f;
	const struct jit_unit *u = f->unit;

	b->at = mem_alloc((u->end - u->start + 1) * sizeof(*b->at));
	find_starts(b);
	find_edges(b);
	f->first = arena_new(f->arena, struct ir_block);
	f->first->start = f->first->end = u->start;
	edge_add(b, f->first, u->start);
	ir_blocks(f);
	find_live(b);
	free(b->at);
}

static struct build build_of(struct ir_func *f)
{
	return (struct build){ .f = f, .insns = f->b->bind->insns, .ops = f->b->ops,
			       .base = f->unit->start };
}

u32 ir_params(struct ir_func *f)
{
	struct build b = build_of(f);

	shape(&b);
	return (u32)f->first->live_in & ARGS;
}

int ir_build(struct ir_func *f)
{
	struct build b = build_of(f);

	shape(&b);
	ir_dominators(f);
	first_block(&b);
	for (size_t i = 1; i < f->blocks.n && !b.r; i++)
		translate_block(&b, f->blocks.v[i]);
	for (size_t i = 1; i < f->blocks.n && !b.r; i++)
		if (f->blocks.v[i]->nr_pred != 1)
			fill_phis(&b, f->blocks.v[i]);
	return b.r;
}

void ir_free(struct ir_func *f)
{
	for (size_t i = 0; i < f->blocks.n; i++)
		block_free(f->blocks.v[i]);
	vec_free(&f->blocks);
}

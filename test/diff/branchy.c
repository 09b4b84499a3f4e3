/* SPDX-License-Identifier: BSD-2-Clause */
/* branchy.c: see branchy.h. */
#include "diff/branchy.h"
#include <linux/bpf.h>

enum { SLOTS = 4, MIXED = 2, DEPTH = 4, FUNC_CALLS = 8, ROOM = 300 };

struct branchy {
	struct diff_prog *p;
	u64 rng;
	u32 calls[FUNC_CALLS], nr_calls;
};

static void block(struct branchy *b, u32 depth);

static u32 any(struct branchy *b, u32 n) { return gen_below(&b->rng, n); }

static void emit(struct branchy *b, u8 op, u8 dst, u8 src, s32 off, s32 imm)
{
	b->p->v[b->p->n++] = (struct bpf_insn){ op, dst, src, (s16)off, imm };
}

static u8 number(struct branchy *b)
{
	static const u8 regs[] = { 0, 8, 9, 8 };

	return regs[any(b, ARRAY_LEN(regs))];
}

static s32 constant(struct branchy *b)
{
	static const s32 some[] = { 0, 1, 2, 3, 7, 8, 15, 31, 63, 64, 100, -1, -2, 255, 1000,
				    -64, 0x7fffffff };

	return some[any(b, ARRAY_LEN(some))];
}

static s32 slot(struct branchy *b, u32 from, u32 n) { return -8 * (s32)(from + any(b, n) + 1); }

/* ---- statements ---------------------------------------------------------- */

static void arithmetic(struct branchy *b)
{
	static const u8 ops[] = { BPF_ADD, BPF_ADD, BPF_SUB, BPF_AND, BPF_AND, BPF_OR, BPF_MUL,
				  BPF_XOR, BPF_RSH, BPF_LSH, BPF_MOV };
	u8 op = ops[any(b, ARRAY_LEN(ops))];
	u8 class = any(b, 3) ? BPF_ALU64 : BPF_ALU;

	if (op == BPF_RSH || op == BPF_LSH)
		emit(b, class | op | BPF_K, number(b), 0, 0, (s32)any(b, 32));
	else if (any(b, 3))
		emit(b, class | op | BPF_K, number(b), 0, 0, constant(b));
	else
		emit(b, class | op | BPF_X, number(b), number(b), 0, 0);
}

static void random_number(struct branchy *b)
{
	emit(b, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32);
}

static void spill(struct branchy *b)
{
	u8 size = any(b, 4) ? BPF_DW : BPF_W;

	if (any(b, 2))
		emit(b, BPF_STX | BPF_MEM | size, 10, number(b), slot(b, 0, SLOTS), 0);
	else
		emit(b, BPF_LDX | BPF_MEM | size, number(b), 10, slot(b, 0, SLOTS), 0);
}

/* A slot that holds a number or the map value, and what is made of it. */
static void mixed(struct branchy *b)
{
	s32 off = slot(b, SLOTS, MIXED);

	switch (any(b, 6)) {
	case 0:
		emit(b, BPF_STX | BPF_MEM | BPF_DW, 10, 7, off, 0);
		return;
	case 1:
		emit(b, BPF_STX | BPF_MEM | BPF_DW, 10, 6, off, 0);
		return;
	case 2:
		emit(b, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, off, 0);
		if (!any(b, 3))
			emit(b, BPF_STX | BPF_MEM | BPF_B, 1, 8, (s32)any(b, 70), 0);
		return;
	case 3:
		emit(b, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, off, 0);
		if (!any(b, 3))
			emit(b, BPF_ALU64 | BPF_MOV | BPF_X, 9, 1, 0, 0);
		return;
	default:
		emit(b, BPF_STX | BPF_MEM | BPF_DW, 10, number(b), off, 0);
	}
}

/* The map value, or the stack, at a number that may be bounded. */
static void at_offset(struct branchy *b)
{
	u8 reg = number(b);
	bool stack = !any(b, 4);

	emit(b, BPF_ALU64 | BPF_MOV | BPF_X, 1, reg, 0, 0);
	if (any(b, 2))
		emit(b, BPF_ALU64 | BPF_AND | BPF_K, 1, 0, 0, stack ? 7 : 63);
	emit(b, BPF_ALU64 | BPF_MOV | BPF_X, 2, stack ? 10 : 7, 0, 0);
	if (any(b, 2))
		emit(b, BPF_JMP | BPF_JGT | BPF_K, 1, 0, 2, stack ? 15 : 55 + (s32)any(b, 10));
	emit(b, BPF_ALU64 | BPF_ADD | BPF_X, 2, 1, 0, 0);
	emit(b, (any(b, 2) ? BPF_STX : BPF_LDX) | BPF_MEM | BPF_B, 2, 8,
	     stack ? -64 : (s32)any(b, 3), 0);
	if (b->p->v[b->p->n - 1].code == (BPF_LDX | BPF_MEM | BPF_B)) {
		b->p->v[b->p->n - 1].dst_reg = 8;
		b->p->v[b->p->n - 1].src_reg = 2;
	}
}

static u32 condition(struct branchy *b)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				  BPF_JSGT, BPF_JSLT, BPF_JSGE, BPF_JSLE, BPF_JSET };
	u8 op = ops[any(b, ARRAY_LEN(ops))], class = any(b, 3) ? BPF_JMP : BPF_JMP32;

	if (any(b, 3))
		emit(b, class | op | BPF_K, number(b), 0, 0, constant(b));
	else
		emit(b, class | op | BPF_X, number(b), number(b), 0, 0);
	return b->p->n - 1;
}

static void jump_here(struct branchy *b, u32 from)
{
	b->p->v[from].off = (s16)(b->p->n - from - 1);
}

static void either(struct branchy *b, u32 depth)
{
	u32 at = condition(b), over;

	block(b, depth + 1);
	if (any(b, 2)) {
		jump_here(b, at);
		return;
	}
	over = b->p->n;
	emit(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	jump_here(b, at);
	block(b, depth + 1);
	jump_here(b, over);
}

/* Counts in a register or slot; the body may get in the way. */
static void loop(struct branchy *b, u32 depth)
{
	u8 reg = any(b, 2) ? 8 : 9, size = any(b, 3) ? BPF_DW : BPF_W;
	s32 off = any(b, 2) ? slot(b, 0, SLOTS) : 0, step = 1 + (s32)any(b, 3);
	bool down = !any(b, 4);
	u32 head;

	emit(b, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0,
	     down ? 10 + constant(b) % 50 : (s32)any(b, 3));
	if (off)
		emit(b, BPF_STX | BPF_MEM | size, 10, reg, off, 0);
	head = b->p->n;
	block(b, depth + 1);
	if (off)
		emit(b, BPF_LDX | BPF_MEM | size, reg, 10, off, 0);
	emit(b, (any(b, 2) ? BPF_ALU64 : BPF_ALU) | BPF_ADD | BPF_K, reg, 0, 0,
	     any(b, 20) ? (down ? -step : step) : 0);
	if (off)
		emit(b, BPF_STX | BPF_MEM | size, 10, reg, off, 0);
	emit(b, BPF_JMP | (down ? BPF_JSGT : any(b, 5) ? BPF_JLT : BPF_JNE) | BPF_K, reg, 0,
	     (s32)head - (s32)b->p->n - 1, down ? 0 : 4 + (s32)any(b, 30));
}

static void call_func(struct branchy *b)
{
	if (b->nr_calls == FUNC_CALLS)
		return;
	emit(b, BPF_ALU64 | BPF_MOV | BPF_X, 1, number(b), 0, 0);
	b->calls[b->nr_calls++] = b->p->n;
	emit(b, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
}

static void statement(struct branchy *b, u32 depth)
{
	switch (any(b, depth < DEPTH ? 16 : 11)) {
	case 0 ... 3:
		arithmetic(b);
		break;
	case 4:
		random_number(b);
		break;
	case 5 ... 6:
		spill(b);
		break;
	case 7:
		mixed(b);
		break;
	case 8 ... 9:
		at_offset(b);
		break;
	case 10:
		call_func(b);
		break;
	case 11 ... 13:
		either(b, depth);
		break;
	default:
		loop(b, depth);
	}
}

static void block(struct branchy *b, u32 depth)
{
	for (u32 i = 1 + any(b, 4); i > 0 && b->p->n < ROOM; i--)
		statement(b, depth);
}

/* ---- the whole ----------------------------------------------------------- */

static void prologue(struct branchy *b)
{
	emit(b, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	emit(b, BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_IDX_VALUE, 0, MAP_VALUE);
	emit(b, 0, 0, 0, 0, 0);
	emit(b, BPF_ALU64 | BPF_MOV | BPF_K, 8, 0, 0, constant(b));
	for (s32 i = 1; i <= 8; i++)
		emit(b, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8 * i, i);
	random_number(b);
	emit(b, BPF_ALU64 | BPF_MOV | BPF_X, 9, 0, 0, 0);
}

/* Two ways out of a function with a condition and a spill. */
static void function(struct branchy *b)
{
	u32 at;

	for (u32 i = 0; i < b->nr_calls; i++)
		b->p->v[b->calls[i]].imm = (s32)(b->p->n - b->calls[i] - 1);
	if (!b->nr_calls)
		return;
	emit(b, BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0);
	emit(b, BPF_STX | BPF_MEM | BPF_DW, 10, 1, -8, 0);
	at = b->p->n;
	emit(b, BPF_JMP | BPF_JGT | BPF_K, 1, 0, 0, constant(b));
	emit(b, BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -8, 0);
	emit(b, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 31);
	emit(b, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	jump_here(b, at);
	emit(b, BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 27);
	emit(b, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void branchy_program(struct diff_prog *p, u64 seed)
{
	struct branchy b = { .p = p, .rng = seed };

	p->n = 0;
	p->type = BPF_PROG_TYPE_XDP;
	p->attach = 0;
	prologue(&b);
	for (u32 i = 3 + any(&b, 8); i > 0; i--)
		statement(&b, 0);
	emit(&b, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	emit(&b, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	function(&b);
}

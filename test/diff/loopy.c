/* SPDX-License-Identifier: BSD-2-Clause */
/* loopy.c: see loopy.h. */
#include "diff/loopy.h"
#include <linux/bpf.h>
#include <skep/insn.h>

enum { CALLS = 6, DEPTH = 2, ROOM = 130, NUMBERS_AT = -32, POINTERS_AT = -48, COUNTS_AT = -72,
       ITER_AT = -96, PACKET_AT = -128, CTX_AT = -136, MEMSX = 0x80 };

enum fn { FN_OUTER, FN_INNER, FN_BODY, NR_FNS };

struct loopy {
	struct diff_prog *p;
	u64 rng;
	const u8 *regs;		/* of numbers */
	u32 nr_regs;
	u8 base;		/* register that the slots of numbers are told from */
	s32 at;			/* ... and where they begin */
	bool main;
	u32 iters;		/* that are open */
	struct { u32 at; enum fn fn; } calls[CALLS];
	u32 nr_calls;
};

static void block(struct loopy *l, u32 depth);

static u32 any(struct loopy *l, u32 n) { return gen_below(&l->rng, n); }

static void add(struct loopy *l, struct bpf_insn in)
{
	assert(l->p->n < PROG_MAX);
	l->p->v[l->p->n++] = in;
}

#define ADD(...) do { \
	const struct bpf_insn ins_[] = { __VA_ARGS__ }; \
	for (size_t i_ = 0; i_ < ARRAY_LEN(ins_); i_++) \
		add(l, ins_[i_]); \
} while (0)

static void jump_here(struct loopy *l, u32 from)
{
	l->p->v[from].off = (s16)(l->p->n - from - 1);
}

static void jump_back(struct loopy *l, u32 to)
{
	l->p->v[l->p->n - 1].off = (s16)((s32)to - (s32)l->p->n);
}

static u8 number(struct loopy *l) { return l->regs[any(l, l->nr_regs)]; }
static s16 slot(struct loopy *l) { return (s16)(l->at + 8 * (s32)any(l, 4)); }
static u8 alu(struct loopy *l) { return any(l, 3) ? BPF_ALU64 : BPF_ALU; }
static u8 width(struct loopy *l) { return any(l, 3) ? BPF_DW : BPF_W; }
static u8 any_width(struct loopy *l)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	return sizes[any(l, 4)];
}

/* Small ones, which fit a value, and a few that do not. */
static s32 constant(struct loopy *l)
{
	static const s32 some[] = { 0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 60, 62, 63, 64, 65, 100, 127,
				    128, 255, 256, 1000, -1, -2, -8, -64, 0x7fffffff, INT32_MIN };

	return some[any(l, any(l, 3) ? 14 : ARRAY_LEN(some))];
}

/* ---- numbers ------------------------------------------------------------- */

static void new_number(struct loopy *l)
{
	u8 r = number(l);

	if (!any(l, 3))
		ADD(BPF_MOV64_IMM(r, constant(l)));
	else
		ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, 8 * (s32)any(l, 8)),
		    SKEP_INSN(BPF_LDX | (any(l, 3) ? BPF_MEM : MEMSX) | any_width(l), r,
			      BPF_REG_1, 0, 0));
	if (l->p->v[l->p->n - 1].code == (BPF_LDX | MEMSX | BPF_DW))
		l->p->v[l->p->n - 1].code = BPF_LDX | BPF_MEM | BPF_DW;
	if (any(l, 2))
		ADD(SKEP_INSN(alu(l) | BPF_AND | BPF_K, r, 0, 0, constant(l)));
}

static void arithmetic(struct loopy *l)
{
	static const u8 ops[] = { BPF_ADD, BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_MUL,
				  BPF_MOD, BPF_DIV, BPF_ARSH, BPF_RSH, BPF_LSH, BPF_NEG };
	u8 op = ops[any(l, ARRAY_LEN(ops))], d = number(l);
	bool shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	bool divide = op == BPF_DIV || op == BPF_MOD;

	if (op == BPF_NEG)
		ADD(SKEP_INSN(alu(l) | op, d, 0, 0, 0));
	else if (any(l, 2))
		ADD(SKEP_INSN(alu(l) | op | BPF_X, d, number(l), divide ? any(l, 2) : 0, 0));
	else
		ADD(SKEP_INSN(alu(l) | op | BPF_K, d, 0, divide ? any(l, 2) : 0,
			      shift ? (s32)any(l, 32) : divide ? 1 + (s32)any(l, 60) :
			      constant(l)));
}

static void move(struct loopy *l, u8 d, u8 s)
{
	static const s16 sx[] = { 8, 16, 32 };

	if (any(l, 6))
		ADD(SKEP_INSN(alu(l) | BPF_MOV | BPF_X, d, s, 0, 0));
	else
		ADD(SKEP_INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, sx[any(l, 3)], 0));
}

static void copy(struct loopy *l) { move(l, number(l), number(l)); }

static void spill(struct loopy *l)
{
	u8 size = any(l, 4) ? width(l) : any_width(l);
	bool sign = size != BPF_DW && !any(l, 4);

	switch (any(l, 5)) {
	case 0:
		ADD(BPF_ST_MEM(size, l->base, slot(l), constant(l)));
		break;
	case 1 ... 2:
		ADD(BPF_STX_MEM(size, l->base, number(l), slot(l)));
		break;
	default:
		ADD(SKEP_INSN(BPF_LDX | (sign ? MEMSX : BPF_MEM) | size, number(l), l->base,
			      slot(l), 0));
	}
}

static void atomic(struct loopy *l)
{
	static const s32 ops[] = { BPF_ADD, BPF_ADD | BPF_FETCH, BPF_AND | BPF_FETCH, BPF_XCHG,
				   BPF_CMPXCHG };
	s32 op = ops[any(l, ARRAY_LEN(ops))];

	ADD(BPF_MOV64_REG(BPF_REG_0, number(l)),
	    SKEP_INSN(BPF_STX | BPF_ATOMIC | width(l), l->base, number(l), slot(l), op));
	if (op == BPF_CMPXCHG)
		ADD(BPF_MOV64_REG(number(l), BPF_REG_0));
}

/* ---- conditions ---------------------------------------------------------- */

static u32 condition(struct loopy *l, u8 r)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				  BPF_JSGT, BPF_JSLT, BPF_JSGE, BPF_JSLE, BPF_JSET };
	u8 op = ops[any(l, ARRAY_LEN(ops))], class = any(l, 3) ? BPF_JMP : BPF_JMP32;

	if (any(l, 3))
		ADD(SKEP_INSN(class | op | BPF_K, r, 0, 0, constant(l)));
	else
		ADD(SKEP_INSN(class | op | BPF_X, r, number(l), 0, 0));
	return l->p->n - 1;
}

/* Goes on where R is small, as one comparison or two tell; jumps are for later. */
static u32 guard(struct loopy *l, u8 r, u32 jumps[2])
{
	u8 class = any(l, 4) ? BPF_JMP : BPF_JMP32;
	s32 limit = any(l, 4) ? (s32)any(l, 64) : constant(l);
	u32 n = 0;

	switch (any(l, 4)) {
	case 0:
		ADD(SKEP_INSN(class | BPF_JSLT | BPF_K, r, 0, 0, any(l, 3) ? 0 : constant(l)));
		jumps[n++] = l->p->n - 1;
		ADD(SKEP_INSN(class | BPF_JSGT | BPF_K, r, 0, 0, limit));
		break;
	case 1:
		ADD(SKEP_INSN(class | BPF_JNE | BPF_K, r, 0, 0, limit));
		break;
	case 2:
		ADD(SKEP_INSN(class | BPF_JSET | BPF_K, r, 0, 0, ~63));
		break;
	default:
		ADD(SKEP_INSN(class | BPF_JGT | BPF_K, r, 0, 0, limit));
	}
	jumps[n++] = l->p->n - 1;
	return n;
}

/* States are stored here. */
static void meet(struct loopy *l)
{
	ADD(BPF_MOV64_IMM(BPF_REG_1, 1), BPF_MOV64_IMM(BPF_REG_2, 2), BPF_MOV64_IMM(BPF_REG_3, 3),
	    BPF_MOV64_IMM(BPF_REG_4, 4), BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 1, 0),
	    BPF_JMP_IMM(BPF_JNE, BPF_REG_2, 2, 0), BPF_MOV64_IMM(BPF_REG_1, 5),
	    BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 5, 0));
}

/* A number is one or another. */
static void diamond(struct loopy *l)
{
	u32 at = condition(l, number(l)), over = 0;

	if (any(l, 2))
		ADD(BPF_MOV64_IMM(number(l), constant(l)));
	else
		any(l, 2) ? spill(l) : copy(l);
	if (any(l, 2)) {
		over = l->p->n;
		ADD(BPF_JMP_A(0));
	}
	jump_here(l, at);
	if (over) {
		any(l, 2) ? arithmetic(l) : spill(l);
		jump_here(l, over);
	}
	if (any(l, 2))
		meet(l);
}

/* ---- accesses ------------------------------------------------------------ */

static void at_value(struct loopy *l, u8 r)
{
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, any(l, 3) ? 0 : (s32)any(l, 32)),
	    BPF_ALU64_REG(BPF_ADD, BPF_REG_1, r));
	if (any(l, 3))
		ADD(BPF_LDX_MEM(BPF_B, BPF_REG_0, BPF_REG_1, 0));
	else
		ADD(BPF_STX_MEM(BPF_B, BPF_REG_1, r, 0));
}

static void probe(struct loopy *l)
{
	u8 r = number(l);
	u32 jumps[2], n = any(l, 4) ? guard(l, r, jumps) : 0;

	at_value(l, r);
	while (n)
		jump_here(l, jumps[--n]);
}

/* A copy is asked, and the other one is used; perhaps after it came back from the stack. */
static void linked(struct loopy *l)
{
	u8 r = number(l), use = r;
	s16 off = slot(l);
	u32 jumps[2], n;

	move(l, BPF_REG_1, r);
	if (any(l, 2))
		ADD(SKEP_INSN(alu(l) | BPF_ADD | BPF_K, any(l, 2) ? BPF_REG_1 : r, 0, 0,
			      constant(l)));
	if (any(l, 2))
		ADD(BPF_STX_MEM(width(l), l->base, any(l, 2) ? BPF_REG_1 : r, off));
	if (!any(l, 3))
		move(l, BPF_REG_2, BPF_REG_1), use = BPF_REG_2;
	n = guard(l, BPF_REG_1, jumps);
	if (any(l, 2)) {
		ADD(SKEP_INSN(BPF_LDX | (any(l, 4) ? BPF_MEM : MEMSX) | BPF_W, BPF_REG_2,
			      l->base, off, 0));
		use = any(l, 2) ? BPF_REG_2 : r;
	}
	if (use == r && any(l, 3))
		meet(l);
	move(l, BPF_REG_3, use);
	at_value(l, BPF_REG_3);
	while (n)
		jump_here(l, jumps[--n]);
}

/* Slots of numbers at an offset that is not known. */
static void somewhere(struct loopy *l)
{
	static const s32 masks[] = { 24, 8, 16, 28, 31, 7 };
	u8 size = any(l, 2) ? BPF_DW : BPF_B;

	ADD(BPF_MOV64_REG(BPF_REG_2, number(l)),
	    BPF_ALU64_IMM(BPF_AND, BPF_REG_2, size == BPF_DW ? 24 : masks[any(l, 6)]),
	    BPF_MOV64_REG(BPF_REG_1, l->base), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, l->at),
	    BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_2));
	switch (any(l, 3)) {
	case 0:
		ADD(BPF_ST_MEM(size, BPF_REG_1, 0, any(l, 2) ? 0 : constant(l)));
		break;
	case 1:
		ADD(BPF_STX_MEM(size, BPF_REG_1, number(l), 0));
		break;
	default:
		ADD(BPF_LDX_MEM(size, number(l), BPF_REG_1, 0));
	}
}

/* A pointer on the stack that moves; numbers may be there, too. */
static void pointer(struct loopy *l)
{
	s16 off = (s16)(POINTERS_AT + 8 * (s32)any(l, 2));
	u32 jumps[2], n;
	u8 r = number(l);

	if (!l->main)
		return;
	switch (any(l, 4)) {
	case 0:
		n = guard(l, r, jumps);
		ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, 0),
		    BPF_ALU64_REG(BPF_ADD, BPF_REG_1, r),
		    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, off));
		while (n)
			jump_here(l, jumps[--n]);
		break;
	case 1:
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, off),
		    BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1 + (s32)any(l, 2)),
		    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, off));
		break;
	case 2:
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, off),
		    BPF_LDX_MEM(BPF_B, number(l), BPF_REG_1, 0));
		break;
	default:
		ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, (s32)any(l, 32)),
		    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, off));
	}
}

/* r1: the packet, or what was kept of it; r2: its end. */
static void load_packet(struct loopy *l, bool kept)
{
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_10, CTX_AT),
	    BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_3, offsetof(struct xdp_md, data_end)));
	if (kept)
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, PACKET_AT));
	else
		ADD(BPF_LDX_MEM(BPF_W, BPF_REG_1, BPF_REG_3, offsetof(struct xdp_md, data)));
}

static void keep_packet(struct loopy *l)
{
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, PACKET_AT));
}

/* r1 goes on; how far, a number may say. (How far back one may not: of that joins
 * know more than paths, as with the kernel's rule.) */
static void step_packet(struct loopy *l)
{
	if (any(l, 2)) {
		ADD(BPF_ALU64_IMM(any(l, 5) ? BPF_ADD : BPF_SUB, BPF_REG_1, (s32)any(l, 12)));
		return;
	}
	ADD(BPF_MOV64_REG(BPF_REG_4, number(l)));
	if (any(l, 4))
		ADD(BPF_ALU64_IMM(BPF_AND, BPF_REG_4, (4 << any(l, 4)) - 1));
	ADD(BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_4));
}

/* A pointer into the packet that moves, is compared with the end, is used. */
static void packet(struct loopy *l)
{
	u32 out, bytes = 1 + any(l, 12);

	if (!l->main)
		return;
	load_packet(l, any(l, 4));
	if (!any(l, 3))
		step_packet(l);
	ADD(BPF_MOV64_REG(BPF_REG_3, BPF_REG_1), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, (s32)bytes));
	out = l->p->n;
	if (any(l, 4))
		ADD(any(l, 2) ? BPF_JMP_REG(BPF_JGT, BPF_REG_3, BPF_REG_2, 0) :
		    BPF_JMP_REG(BPF_JLT, BPF_REG_2, BPF_REG_3, 0));
	else	/* one byte less or more */
		ADD(any(l, 2) ? BPF_JMP_REG(BPF_JGE, BPF_REG_3, BPF_REG_2, 0) :
		    BPF_JMP_REG(BPF_JGT, BPF_REG_1, BPF_REG_2, 0));
	if (any(l, 2))
		ADD(BPF_LDX_MEM(BPF_B, number(l), BPF_REG_1, (s16)any(l, bytes)));
	if (any(l, 2))
		step_packet(l);
	if (any(l, 2))
		keep_packet(l);
	if (!any(l, 3))
		ADD(BPF_STX_MEM(BPF_B, BPF_REG_1, number(l), 0));
	jump_here(l, out);
}

static void move_packet(struct loopy *l)
{
	if (!l->main || any(l, 4))
		return;
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, CTX_AT),
	    BPF_MOV64_IMM(BPF_REG_2, (s32)any(l, 9) - 4),
	    BPF_EMIT_CALL(BPF_FUNC_xdp_adjust_head));
	load_packet(l, false);
	keep_packet(l);
}

/* ---- loops --------------------------------------------------------------- */

/* Counts in a register or a slot, by one or more, up to a constant or a number. */
static void counted(struct loopy *l, u32 depth)
{
	static const u8 up[] = { BPF_JLT, BPF_JNE, BPF_JSLT, BPF_JLE, BPF_JSLE };
	static const u8 down[] = { BPF_JSGT, BPF_JNE, BPF_JGT, BPF_JSGE, BPF_JGE };
	s16 off = l->main ? (s16)(COUNTS_AT + 8 * (s32)depth) : (s16)(-16 - 8 * (s32)depth);
	u8 size = width(l), r = any(l, 2) ? number(l) : BPF_REG_1;
	u8 class = any(l, 3) ? BPF_JMP : BPF_JMP32;
	bool grows = any(l, 4), slots = r == BPF_REG_1;
	u32 head;

	ADD(BPF_MOV64_IMM(r, grows ? (s32)any(l, 3) : 4 + (s32)any(l, 20)));
	if (slots)
		ADD(BPF_STX_MEM(size, BPF_REG_10, r, off));
	head = l->p->n;
	block(l, depth + 1);
	if (slots)
		ADD(BPF_LDX_MEM(size, r, BPF_REG_10, off));
	if (any(l, 5))
		ADD(SKEP_INSN(alu(l) | BPF_ADD | BPF_K, r, 0, 0,
			      grows ? 1 + (s32)any(l, 2) : -1));
	else
		ADD(SKEP_INSN(BPF_ALU64 | BPF_ADD | BPF_X, r, number(l), 0, 0));
	if (slots)
		ADD(BPF_STX_MEM(size, BPF_REG_10, r, off));
	if (any(l, 4))
		ADD(SKEP_INSN(class | (grows ? up : down)[any(l, 5)] | BPF_K, r, 0, 0,
			      grows ? 4 + (s32)any(l, 30) : (s32)any(l, 3)));
	else
		ADD(SKEP_INSN(class | (grows ? BPF_JLT : BPF_JGT) | BPF_X, r, number(l), 0, 0));
	jump_back(l, head);
}

static void budgeted(struct loopy *l, u32 depth)
{
	u32 head = l->p->n;

	ADD(SKEP_INSN(BPF_JMP | 0xe0, 0, 0, 0, 0));
	block(l, depth + 1);
	if (any(l, 3))
		meet(l);
	if (any(l, 3))
		ADD(BPF_JMP_A(0));
	else
		condition(l, number(l));
	jump_back(l, head);
	jump_here(l, head);
}

#define KFUNC(i) SKEP_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, i)

static void iterated(struct loopy *l, u32 depth)
{
	s32 it = l->main ? ITER_AT - 8 * (s32)l->iters : -48 - 8 * (s32)l->iters;
	u32 head, out;

	l->iters++;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, it),
	    BPF_MOV64_IMM(BPF_REG_2, (s32)any(l, 3)),
	    BPF_MOV64_IMM(BPF_REG_3, 2 + (s32)any(l, 20)), KFUNC(EXT_ITER_NEW));
	head = l->p->n;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, it),
	    KFUNC(EXT_ITER_NEXT), BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	out = l->p->n - 1;
	if (any(l, 2))
		ADD(SKEP_INSN(BPF_LDX | (any(l, 2) ? BPF_MEM : MEMSX) | BPF_W, number(l),
			      BPF_REG_0, 0, 0));
	block(l, depth + 1);
	if (any(l, 3))
		meet(l);
	if (any(l, 3))
		ADD(BPF_JMP_A(0));
	else
		condition(l, number(l));
	jump_back(l, head);
	jump_here(l, out);
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, it),
	    KFUNC(EXT_ITER_DESTROY));
	l->iters--;
}

/* ---- functions ----------------------------------------------------------- */

static void note_call(struct loopy *l, enum fn fn)
{
	l->calls[l->nr_calls].at = l->p->n;
	l->calls[l->nr_calls++].fn = fn;
}

static void call(struct loopy *l, enum fn fn)
{
	if (l->nr_calls == CALLS)
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, l->base), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, l->at),
	    BPF_MOV64_REG(BPF_REG_2, number(l)));
	note_call(l, fn);
	ADD(BPF_CALL_REL(0));
	if (any(l, 2))
		ADD(BPF_MOV64_REG(number(l), BPF_REG_0));
}

static void repeated(struct loopy *l)
{
	if (l->nr_calls == CALLS)
		return;
	if (any(l, 2))
		ADD(BPF_MOV64_IMM(BPF_REG_1, 1 + (s32)any(l, 6)));
	else
		ADD(BPF_MOV64_REG(BPF_REG_1, number(l)));
	note_call(l, FN_BODY);
	ADD(SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0),
	    SKEP_INSN(0, 0, 0, 0, 0), BPF_MOV64_REG(BPF_REG_3, l->base),
	    BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, l->at), BPF_MOV64_IMM(BPF_REG_4, 0),
	    BPF_EMIT_CALL(BPF_FUNC_loop));
}

/* ---- all of them --------------------------------------------------------- */

static void either(struct loopy *l, u32 depth)
{
	u32 at = condition(l, number(l)), over;

	block(l, depth + 1);
	if (any(l, 2)) {
		jump_here(l, at);
		return;
	}
	over = l->p->n;
	ADD(BPF_JMP_A(0));
	jump_here(l, at);
	block(l, depth + 1);
	jump_here(l, over);
}

static void control(struct loopy *l, u32 depth)
{
	switch (any(l, 8)) {
	case 0 ... 1:
		either(l, depth);
		break;
	case 2 ... 3:
		counted(l, depth);
		break;
	case 4:
		budgeted(l, depth);
		break;
	case 5:
		iterated(l, depth);
		break;
	case 6:
		if (l->main)
			repeated(l);
		break;
	default:
		if (l->main)
			call(l, FN_OUTER);
	}
}

static void simple(struct loopy *l)
{
	static void (*const all[])(struct loopy *) = { new_number, arithmetic, arithmetic, copy,
		spill, spill, spill, atomic, diamond, diamond, probe, probe, linked, linked,
		somewhere, pointer, packet, packet, move_packet };

	all[any(l, ARRAY_LEN(all))](l);
}

static void block(struct loopy *l, u32 depth)
{
	for (u32 i = 1 + any(l, 3); i > 0 && l->p->n < ROOM; i--)
		if (depth <= DEPTH && !any(l, 3))
			control(l, depth);
		else
			simple(l);
}

/* (the slots, a number), or (index, the slots) */
static void body(struct loopy *l, enum fn fn)
{
	static const u8 regs[] = { BPF_REG_8, BPF_REG_9 };
	bool repeats = fn == FN_BODY;

	l->regs = regs;
	l->nr_regs = 2;
	l->base = BPF_REG_6;
	l->at = 0;
	l->main = false;
	ADD(BPF_MOV64_REG(BPF_REG_6, repeats ? BPF_REG_2 : BPF_REG_1),
	    BPF_MOV64_REG(BPF_REG_8, repeats ? BPF_REG_1 : BPF_REG_2),
	    BPF_LDX_MEM(width(l), BPF_REG_9, BPF_REG_6, slot(l)));
	for (u32 i = 1 + any(l, 3); i > 0; i--)
		any(l, 4) ? simple(l) : counted(l, DEPTH);
	if (fn == FN_OUTER && any(l, 2))
		call(l, FN_INNER);
	if (!repeats) {
		ADD(BPF_MOV64_REG(BPF_REG_0, number(l)), BPF_EXIT_INSN());
		return;
	}
	if (any(l, 2))
		meet(l);
	ADD(BPF_MOV64_IMM(BPF_REG_0, any(l, 4) ? 0 : (s32)any(l, 2)), BPF_EXIT_INSN());
}

static void functions(struct loopy *l)
{
	for (u32 fn = 0; fn < NR_FNS; fn++) {
		u32 start = l->p->n;
		bool called = false;

		for (u32 i = 0; i < l->nr_calls; i++) {
			if (l->calls[i].fn != fn)
				continue;
			l->p->v[l->calls[i].at].imm = (s32)(start - l->calls[i].at - 1);
			called = true;
		}
		if (called)
			body(l, (enum fn)fn);
	}
}

void loopy_program(struct diff_prog *p, u64 seed)
{
	static const u8 regs[] = { BPF_REG_6, BPF_REG_8, BPF_REG_9 };
	struct loopy loopy = { .p = p, .rng = seed, .regs = regs, .nr_regs = 3,
			       .base = BPF_REG_10, .at = NUMBERS_AT, .main = true }, *l = &loopy;

	p->n = 0;
	p->type = BPF_PROG_TYPE_XDP;
	p->attach = 0;
	ADD(BPF_MOV64_REG(BPF_REG_5, BPF_REG_1), SKEP_LD_MAP_VALUE(BPF_REG_7, MAP_VALUE, 0),
	    BPF_MOV64_IMM(BPF_REG_6, constant(l)),
	    BPF_LDX_MEM(any_width(l), BPF_REG_8, BPF_REG_7, 0),
	    BPF_LDX_MEM(any_width(l), BPF_REG_9, BPF_REG_7, 8));
	for (s32 i = 0; i < 4; i++)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, number(l), (s16)(NUMBERS_AT + 8 * i)));
	for (s32 i = 0; i < 2; i++)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, (s16)(POINTERS_AT + 8 * i)));
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_5, CTX_AT));
	load_packet(l, false);
	keep_packet(l);
	for (u32 i = 2 + any(l, 4); i > 0; i--)
		block(l, 0);
	ADD(BPF_MOV64_IMM(BPF_REG_0, XDP_PASS), BPF_EXIT_INSN());
	functions(l);
}

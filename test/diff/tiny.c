/* SPDX-License-Identifier: BSD-2-Clause */
/* tiny.c: see tiny.h. */
#include "diff/tiny.h"
#include <linux/bpf.h>
#include <skep/insn.h>

enum { CALLS = 4, DEPTH = 3, ROOM = 60, HEADS = 8, OUTS = 24, NUMBERS_AT = -32, POINTER_AT = -40,
       ITER_AT = -48, COUNT_AT = -64, BYTES = 8, MEMSX = 0x80 };

enum fn { FN_PLAIN, FN_INNER, FN_BODY, NR_FNS };

/* A loop around. */
struct around { u32 head; u32 out[OUTS], nr_out; };

struct tiny {
	struct diff_prog *p;
	u64 rng;
	const u8 *regs;		/* of numbers */
	u32 nr_regs;
	u8 base;		/* register that the slots of numbers are told from */
	s32 at;			/* ... and where they begin */
	u32 nr_slots;
	bool main;
	u32 iters;		/* that are open */
	struct around *in[HEADS];
	u32 nr_in;
	struct { u32 at; enum fn fn; } calls[CALLS];
	u32 nr_calls;
	/* what kind of program it is */
	u32 traps;		/* one statement in so many */
	u32 range;		/* of numbers */
	u32 ways;		/* one statement in so many goes several ways */
	bool moves;		/* numbers are moved, and hardly compared */
	bool remakes;		/* iterators begin anew in loops around them */
};

static void block(struct tiny *t, u32 depth);

static u32 any(struct tiny *t, u32 n) { return gen_below(&t->rng, n); }

static void add(struct tiny *t, struct bpf_insn in)
{
	assert(t->p->n < PROG_MAX);
	t->p->v[t->p->n++] = in;
}

#define ADD(...) do { \
	const struct bpf_insn ins_[] = { __VA_ARGS__ }; \
	for (size_t i_ = 0; i_ < ARRAY_LEN(ins_); i_++) \
		add(t, ins_[i_]); \
} while (0)

static void jump_here(struct tiny *t, u32 from)
{
	t->p->v[from].off = (s16)(t->p->n - from - 1);
}

static void jump_back(struct tiny *t, u32 to)
{
	t->p->v[t->p->n - 1].off = (s16)((s32)to - (s32)t->p->n);
}

static u8 number(struct tiny *t) { return t->regs[any(t, t->nr_regs)]; }
static s16 slot(struct tiny *t) { return (s16)(t->at + 8 * (s32)any(t, t->nr_slots)); }
static u8 alu(struct tiny *t) { return any(t, 3) ? BPF_ALU64 : BPF_ALU; }
static s32 small(struct tiny *t) { return (s32)any(t, any(t, 4) ? t->range : 10); }

/* ---- numbers ------------------------------------------------------------- */

static void set(struct tiny *t) { ADD(BPF_MOV64_IMM(number(t), small(t))); }

static void choose(struct tiny *t)
{
	static const s32 masks[] = { 1, 1, 1, 3, 7 };

	ADD(BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32),
	    BPF_ALU64_IMM(BPF_AND, BPF_REG_0, masks[any(t, 5)]),
	    BPF_MOV64_REG(number(t), BPF_REG_0));
}

static void copy(struct tiny *t)
{
	static const s16 sx[] = { 0, 0, 0, 8, 16 };

	ADD(SKEP_INSN(alu(t) | BPF_MOV | BPF_X, number(t), number(t), sx[any(t, 5)], 0));
}

static void arithmetic(struct tiny *t)
{
	static const s32 masks[] = { 1, 3, 7, 15 };
	u8 r = number(t);

	switch (any(t, 6)) {
	case 0:
		ADD(SKEP_INSN(alu(t) | BPF_AND | BPF_K, r, 0, 0, masks[any(t, 4)]));
		break;
	case 1:
		ADD(SKEP_INSN(alu(t) | BPF_XOR | BPF_K, r, 0, 0, 1 + (s32)any(t, 3)));
		break;
	case 2:
		ADD(SKEP_INSN(alu(t) | (any(t, 2) ? BPF_ADD : BPF_SUB) | BPF_X, r, number(t), 0, 0),
		    BPF_ALU64_IMM(BPF_AND, r, 15));
		break;
	default:
		ADD(SKEP_INSN(alu(t) | BPF_ADD | BPF_K, r, 0, 0, (s32)any(t, 4) - 1));
		if (any(t, 2))
			ADD(BPF_ALU64_IMM(BPF_AND, r, any(t, 2) ? 7 : 15));
	}
}

static void spill(struct tiny *t)
{
	static const u8 sizes[] = { BPF_DW, BPF_DW, BPF_DW, BPF_DW, BPF_W, BPF_B };
	u8 size = sizes[any(t, 6)];

	switch (any(t, 5)) {
	case 0:
		ADD(BPF_ST_MEM(size, t->base, slot(t), small(t)));
		break;
	case 1 ... 2:
		ADD(BPF_STX_MEM(size, t->base, number(t), slot(t)));
		break;
	default:
		ADD(BPF_LDX_MEM(size, number(t), t->base, slot(t)));
	}
}

/* ---- conditions ---------------------------------------------------------- */

static u32 condition(struct tiny *t, u8 r)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JLT, BPF_JSGT,
				  BPF_JSLE, BPF_JSET };
	u8 op = ops[any(t, ARRAY_LEN(ops))], class = any(t, 4) ? BPF_JMP : BPF_JMP32;

	if (any(t, 4))
		ADD(SKEP_INSN(class | op | BPF_K, r, 0, 0, small(t)));
	else
		ADD(SKEP_INSN(class | op | BPF_X, r, number(t), 0, 0));
	return t->p->n - 1;
}

/* Either way. */
static u32 coin(struct tiny *t)
{
	ADD(BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32), BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 1),
	    BPF_JMP_IMM(any(t, 2) ? BPF_JEQ : BPF_JNE, BPF_REG_0, 0, 0));
	return t->p->n - 1;
}

static u32 either_way(struct tiny *t)
{
	return any(t, t->moves ? 16 : 3) < (t->moves ? 1 : 2) ? condition(t, number(t)) : coin(t);
}

/* States are stored here. */
static void meet(struct tiny *t)
{
	ADD(BPF_MOV64_IMM(BPF_REG_1, 1), BPF_MOV64_IMM(BPF_REG_2, 2), BPF_MOV64_IMM(BPF_REG_3, 3),
	    BPF_MOV64_IMM(BPF_REG_4, 4), BPF_MOV64_IMM(BPF_REG_5, 5),
	    BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 1, 0), BPF_JMP_IMM(BPF_JNE, BPF_REG_2, 2, 0),
	    BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 1, 0));
}

/* ---- accesses ------------------------------------------------------------ */

/* Wrong where the number is too large. */
static void probe(struct tiny *t)
{
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, VALUE_BYTES - BYTES),
	    BPF_ALU64_REG(BPF_ADD, BPF_REG_1, number(t)),
	    BPF_LDX_MEM(BPF_B, BPF_REG_0, BPF_REG_1, 0));
}

/* Wrong where the number is this one. */
static void trap(struct tiny *t)
{
	ADD(BPF_JMP_IMM(BPF_JNE, number(t), small(t), 2), BPF_MOV64_IMM(BPF_REG_1, 0),
	    BPF_LDX_MEM(BPF_B, BPF_REG_0, BPF_REG_1, 0));
}

static void pointer(struct tiny *t)
{
	u8 r = number(t);

	if (!t->main)
		return;
	switch (any(t, 5)) {
	case 0:
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, r, POINTER_AT));
		break;
	case 1:
		ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, VALUE_BYTES - BYTES),
		    BPF_ALU64_REG(BPF_ADD, BPF_REG_1, r),
		    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, POINTER_AT));
		break;
	case 2:
		ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, VALUE_BYTES - BYTES),
		    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, POINTER_AT));
		break;
	default:
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, POINTER_AT),
		    BPF_LDX_MEM(BPF_B, BPF_REG_0, BPF_REG_1, 0));
	}
}

/* From one place to another; a constant now and then. */
static void shift(struct tiny *t)
{
	switch (any(t, 6)) {
	case 0:
		set(t);
		break;
	case 1 ... 2:
		ADD(BPF_MOV64_REG(number(t), number(t)));
		break;
	case 3:
		ADD(BPF_STX_MEM(BPF_DW, t->base, number(t), slot(t)));
		break;
	case 4:
		ADD(BPF_LDX_MEM(BPF_DW, number(t), t->base, slot(t)));
		break;
	default:
		any(t, 4) ? set(t) : meet(t);
	}
}

static void simple(struct tiny *t)
{
	static void (*const all[])(struct tiny *) = { set, set, set, choose, copy, copy,
		arithmetic, arithmetic, spill, spill, spill, pointer, meet };

	if (!any(t, t->traps))
		any(t, 4) ? trap(t) : probe(t);
	else if (t->moves)
		shift(t);
	else
		all[any(t, ARRAY_LEN(all))](t);
}

/* ---- loops --------------------------------------------------------------- */

static void loop_begin(struct tiny *t, struct around *a)
{
	a->head = t->p->n;
	a->nr_out = 0;
	t->in[t->nr_in++] = a;
}

static void loop_end(struct tiny *t, const struct around *a)
{
	for (u32 i = 0; i < a->nr_out; i++)
		jump_here(t, a->out[i]);
	t->nr_in--;
}

/* Out of a loop around, or to its beginning. */
static void leave(struct tiny *t)
{
	struct around *a = t->nr_in ? t->in[any(t, t->nr_in)] : NULL;
	u32 at;

	if (!a || a->nr_out == OUTS) {
		simple(t);
		return;
	}
	at = either_way(t);
	if (any(t, 2))
		a->out[a->nr_out++] = at;
	else
		jump_back(t, a->head);
}

static void jump_to_head(struct tiny *t, const struct around *a)
{
	if (any(t, 3))
		ADD(BPF_JMP_A(0));
	else
		either_way(t);
	jump_back(t, a->head);
}

static void out_here(struct tiny *t, struct around *a) { a->out[a->nr_out++] = t->p->n - 1; }

/* As long as a number says so. */
static void turning(struct tiny *t, u32 depth)
{
	struct around a;

	loop_begin(t, &a);
	block(t, depth + 1);
	condition(t, number(t));
	jump_back(t, a.head);
	loop_end(t, &a);
}

static void counted(struct tiny *t, u32 depth)
{
	u8 r = any(t, 2) ? number(t) : BPF_REG_1;
	bool kept = r == BPF_REG_1;
	s16 off = t->main ? COUNT_AT : (s16)(-8 - 8 * (s32)(depth & 1));
	struct around a;

	ADD(BPF_MOV64_IMM(r, (s32)any(t, 2)));
	if (kept)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, r, off));
	loop_begin(t, &a);
	block(t, depth + 1);
	if (kept)
		ADD(BPF_LDX_MEM(BPF_DW, r, BPF_REG_10, off));
	ADD(SKEP_INSN(alu(t) | BPF_ADD | BPF_K, r, 0, 0, 1));
	if (kept)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, r, off));
	ADD(BPF_JMP_IMM(any(t, 3) ? BPF_JLT : BPF_JNE, r, 2 + (s32)any(t, 3), 0));
	jump_back(t, a.head);
	loop_end(t, &a);
}

static void budgeted(struct tiny *t, u32 depth)
{
	struct around a;

	loop_begin(t, &a);
	ADD(SKEP_INSN(BPF_JMP | 0xe0, 0, 0, 0, 0));
	out_here(t, &a);
	block(t, depth + 1);
	if (any(t, 2))
		meet(t);
	jump_to_head(t, &a);
	loop_end(t, &a);
}

#define KFUNC(i) SKEP_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, i)

static void iter_address(struct tiny *t, s32 it)
{
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, it));
}

static void iter_new(struct tiny *t, s32 it)
{
	iter_address(t, it);
	ADD(BPF_MOV64_IMM(BPF_REG_2, 0), BPF_MOV64_IMM(BPF_REG_3, 1 + (s32)any(t, 4)),
	    KFUNC(EXT_ITER_NEW));
}

static s32 iter_at(const struct tiny *t, u32 n)
{
	return (t->main ? ITER_AT : -24) - 8 * (s32)n;
}

/* An iterator that is open begins anew, or gives one element more. */
static void remake(struct tiny *t)
{
	s32 it = iter_at(t, any(t, t->iters));
	u32 at = any(t, 2) ? coin(t) : 0;

	iter_address(t, it);
	if (any(t, 3)) {
		ADD(KFUNC(EXT_ITER_DESTROY));
		iter_new(t, it);
	} else {
		ADD(KFUNC(EXT_ITER_NEXT));
	}
	if (at)
		jump_here(t, at);
}

static void iterated(struct tiny *t, u32 depth)
{
	s32 it = iter_at(t, t->iters);
	struct around a;

	t->iters++;
	iter_new(t, it);
	loop_begin(t, &a);
	iter_address(t, it);
	ADD(KFUNC(EXT_ITER_NEXT), BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	out_here(t, &a);
	if (!any(t, 3))
		ADD(BPF_LDX_MEM(BPF_W, number(t), BPF_REG_0, 0));
	block(t, depth + 1);
	if (any(t, 2))
		meet(t);
	jump_to_head(t, &a);
	loop_end(t, &a);
	iter_address(t, it);
	ADD(KFUNC(EXT_ITER_DESTROY));
	t->iters--;
}

/* ---- functions ----------------------------------------------------------- */

static void note_call(struct tiny *t, enum fn fn)
{
	t->calls[t->nr_calls].at = t->p->n;
	t->calls[t->nr_calls++].fn = fn;
}

static void call(struct tiny *t, enum fn fn)
{
	if (t->nr_calls == CALLS)
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, t->base), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, t->at),
	    BPF_MOV64_REG(BPF_REG_2, number(t)));
	note_call(t, fn);
	ADD(BPF_CALL_REL(0));
	if (any(t, 2))
		ADD(BPF_MOV64_REG(number(t), BPF_REG_0));
}

static void repeated(struct tiny *t)
{
	if (t->nr_calls == CALLS)
		return;
	if (any(t, 2))
		ADD(BPF_MOV64_IMM(BPF_REG_1, 1 + (s32)any(t, 4)));
	else
		ADD(BPF_MOV64_REG(BPF_REG_1, number(t)));
	note_call(t, FN_BODY);
	ADD(SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0),
	    SKEP_INSN(0, 0, 0, 0, 0), BPF_MOV64_REG(BPF_REG_3, t->base),
	    BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, t->at), BPF_MOV64_IMM(BPF_REG_4, 0),
	    BPF_EMIT_CALL(BPF_FUNC_loop));
}

/* ---- all of them --------------------------------------------------------- */

static void either(struct tiny *t, u32 depth)
{
	u32 at = either_way(t), over;

	block(t, depth + 1);
	if (any(t, 2)) {
		jump_here(t, at);
		return;
	}
	over = t->p->n;
	ADD(BPF_JMP_A(0));
	jump_here(t, at);
	block(t, depth + 1);
	jump_here(t, over);
}

/* What repeats and ends by itself. */
static void again(struct tiny *t, u32 depth)
{
	u32 how = any(t, t->main ? 5 : 4);

	if (how == 4)
		repeated(t);
	else if (how < 2 && t->iters < 2)
		iterated(t, depth);
	else
		budgeted(t, depth);
}

static void control(struct tiny *t, u32 depth)
{
	if (t->remakes && t->iters && !any(t, 3)) {
		remake(t);
		return;
	}
	switch (any(t, 14)) {
	case 0 ... 2:
		either(t, depth);
		break;
	case 3 ... 5:
		leave(t);
		break;
	case 6:
		t->moves ? budgeted(t, depth) : turning(t, depth);
		break;
	case 7:
		t->moves ? either(t, depth) : counted(t, depth);
		break;
	case 8 ... 12:
		again(t, depth);
		break;
	default:
		t->main ? call(t, FN_PLAIN) : leave(t);
	}
}

static void block(struct tiny *t, u32 depth)
{
	for (u32 i = 1 + any(t, t->moves ? 3 : 4); i > 0 && t->p->n < ROOM; i--)
		if (depth <= DEPTH && !any(t, t->ways))
			control(t, depth);
		else
			simple(t);
}

/* (the slots, a number), or (index, the slots) */
static void body(struct tiny *t, enum fn fn)
{
	static const u8 regs[] = { BPF_REG_7, BPF_REG_8 };
	bool repeats = fn == FN_BODY;

	t->regs = regs;
	t->nr_regs = 2;
	t->base = BPF_REG_6;
	t->at = 0;
	t->main = false;
	t->nr_in = 0;
	t->iters = 0;
	ADD(BPF_MOV64_REG(BPF_REG_6, repeats ? BPF_REG_2 : BPF_REG_1),
	    BPF_MOV64_REG(BPF_REG_7, repeats ? BPF_REG_1 : BPF_REG_2),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_8, BPF_REG_6, slot(t)));
	block(t, any(t, DEPTH + 2));
	if (fn == FN_PLAIN && any(t, 2))
		call(t, FN_INNER);
	if (!repeats)
		ADD(BPF_MOV64_REG(BPF_REG_0, number(t)), BPF_EXIT_INSN());
	else if (any(t, 2))
		ADD(BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EXIT_INSN());
	else
		ADD(BPF_MOV64_REG(BPF_REG_0, number(t)), BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 1),
		    BPF_EXIT_INSN());
}

static void functions(struct tiny *t)
{
	for (u32 fn = 0; fn < NR_FNS; fn++) {
		u32 start = t->p->n;
		bool called = false;

		for (u32 i = 0; i < t->nr_calls; i++) {
			if (t->calls[i].fn != fn)
				continue;
			t->p->v[t->calls[i].at].imm = (s32)(start - t->calls[i].at - 1);
			called = true;
		}
		if (called)
			body(t, (enum fn)fn);
	}
}

void tiny_program(struct diff_prog *p, u64 seed)
{
	static const u8 regs[] = { BPF_REG_6, BPF_REG_7, BPF_REG_8, BPF_REG_9 };
	struct tiny tiny = { .p = p, .rng = seed, .regs = regs, .nr_regs = 4,
			     .base = BPF_REG_10, .at = NUMBERS_AT, .main = true }, *t = &tiny;

	p->n = 0;
	p->type = BPF_PROG_TYPE_XDP;
	p->attach = 0;
	t->remakes = (seed >> 40 & 3) == 0;
	t->moves = any(t, 2);
	t->traps = 3 + any(t, t->moves ? 40 : 10);
	t->range = 2 + any(t, 5);
	t->ways = 1 + any(t, 3) + t->moves;
	t->nr_regs = 2 + any(t, 3);
	t->nr_slots = 1 + any(t, 4);
	for (u32 i = 0; i < t->nr_regs; i++)
		ADD(BPF_MOV64_IMM(regs[i], small(t)));
	for (s32 i = 0; i < 4; i++)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, number(t), (s16)(NUMBERS_AT + 8 * i)));
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, 0),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, POINTER_AT));
	if (t->moves && any(t, 2))
		either(t, DEPTH);
	if (t->moves)
		again(t, 0);
	for (u32 i = 1 + any(t, 3); i > 0; i--)
		block(t, 0);
	trap(t);
	ADD(BPF_MOV64_IMM(BPF_REG_0, XDP_PASS), BPF_EXIT_INSN());
	functions(t);
}

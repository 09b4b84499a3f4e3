/* SPDX-License-Identifier: BSD-2-Clause */
/* nested.c: see nested.h. */
#include "diff/nested.h"
#include <linux/bpf.h>
#include <skep/insn.h>

enum { ROOM = 400, OUTS = 12, BODIES = 4, FRAMES = 3, LEVELS = 4, TRIPS = 3000,
       NUMBERS_AT = -32, COUNTS_AT = -64, ITERS_AT = -96, KEY_AT = -104, VALUE_AT = -120 };

enum how { HOW_UP, HOW_DOWN, HOW_ITER, HOW_BUDGET, HOW_CALL, NR_HOWS };

/* A loop around: jumps that are to lead to its next pass, or behind it. */
struct around { u32 next[OUTS], nr_next, out[OUTS], nr_out; bool holds; };

/* Of bpf_loop: who loads its address, and how many frames are around. */
struct body { u32 at, depth, frames; };

struct nest {
	struct diff_prog *p;
	u64 rng;
	u32 numbers;		/* registers, bits: those that may be changed */
	u32 levels;
	u32 trips;		/* that are left for loops inside */
	bool main;
	u32 frames;
	struct around *in[LEVELS];
	u32 nr_in;
	struct body bodies[BODIES];
	u32 nr_bodies;
};

static void block(struct nest *l, u32 depth);

static u32 any(struct nest *l, u32 n) { return gen_below(&l->rng, n); }

static void add(struct nest *l, struct bpf_insn in)
{
	assert(l->p->n < PROG_MAX);
	l->p->v[l->p->n++] = in;
}

#define ADD(...) do { \
	const struct bpf_insn ins_[] = { __VA_ARGS__ }; \
	for (size_t i_ = 0; i_ < ARRAY_LEN(ins_); i_++) \
		add(l, ins_[i_]); \
} while (0)
#define KFUNC(i) SKEP_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, i)

static u32 last(const struct nest *l) { return l->p->n - 1; }

static void jump_here(struct nest *l, u32 from)
{
	l->p->v[from].off = (s16)(l->p->n - from - 1);
}

static void jump_back(struct nest *l, u32 to)
{
	l->p->v[last(l)].off = (s16)((s32)to - (s32)l->p->n);
}

static u8 number(struct nest *l)
{
	static const u8 regs[] = { BPF_REG_6, BPF_REG_8, BPF_REG_9 };
	u8 r;

	do
		r = regs[any(l, 3)];
	while (!(l->numbers >> r & 1));
	return r;
}

static s16 slot(struct nest *l) { return (s16)(NUMBERS_AT + 8 * (s32)any(l, 4)); }

static void address(struct nest *l, u8 r, s32 at)
{
	ADD(BPF_MOV64_REG(r, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, r, at));
}

/* ---- numbers ------------------------------------------------------------- */

static void arithmetic(struct nest *l)
{
	static const u8 ops[] = { BPF_ADD, BPF_ADD, BPF_XOR, BPF_AND, BPF_MUL, BPF_RSH, BPF_MOV };
	u8 op = ops[any(l, ARRAY_LEN(ops))], d = number(l);

	if (any(l, 2) && op != BPF_RSH)
		ADD(BPF_ALU64_REG(op, d, number(l)));
	else
		ADD(BPF_ALU64_IMM(op, d, (s32)any(l, 32)));
}

static void spill(struct nest *l)
{
	if (any(l, 2))
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, number(l), slot(l)));
	else
		ADD(BPF_LDX_MEM(BPF_DW, number(l), BPF_REG_10, slot(l)));
}

/* Of the caller's slots. */
static void pass(struct nest *l)
{
	if (l->main)
		spill(l);
	else if (any(l, 2))
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_7, number(l), (s16)(8 * any(l, 4))));
	else
		ADD(BPF_LDX_MEM(BPF_DW, number(l), BPF_REG_7, (s16)(8 * any(l, 4))));
}

static void load(struct nest *l)
{
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, 8 * (s32)any(l, 8)),
	    BPF_LDX_MEM(any(l, 2) ? BPF_DW : BPF_B, number(l), BPF_REG_1, 0));
}

static u32 condition(struct nest *l)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JLT, BPF_JSGT, BPF_JSET };
	u8 op = ops[any(l, ARRAY_LEN(ops))];

	if (any(l, 4))
		ADD(SKEP_INSN(BPF_JMP | op | BPF_K, number(l), 0, 0, (s32)any(l, 40)));
	else
		ADD(SKEP_INSN(BPF_JMP | op | BPF_X, number(l), number(l), 0, 0));
	return last(l);
}

static void diamond(struct nest *l)
{
	u32 at = condition(l);

	any(l, 2) ? arithmetic(l) : load(l);
	jump_here(l, at);
}

/* ---- memory, maps -------------------------------------------------------- */

static void element(struct nest *l)
{
	u8 r = number(l);
	bool compared = any(l, 2);
	u32 at;

	ADD(BPF_MOV64_REG(BPF_REG_1, r));
	ADD(compared ? BPF_JMP_IMM(BPF_JGT, BPF_REG_1, VALUE_BYTES - 1, 0) :
		       BPF_ALU64_IMM(BPF_AND, BPF_REG_1, VALUE_BYTES - 1));
	at = last(l);
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_2, MAP_VALUE, 0),
	    BPF_ALU64_REG(BPF_ADD, BPF_REG_2, BPF_REG_1));
	if (any(l, 2))
		ADD(BPF_LDX_MEM(BPF_B, number(l), BPF_REG_2, 0));
	else
		ADD(BPF_STX_MEM(BPF_B, BPF_REG_2, number(l), 0));
	if (compared)
		jump_here(l, at);
}

static void key(struct nest *l)
{
	if (any(l, 2)) {
		ADD(BPF_ST_MEM(BPF_W, BPF_REG_10, KEY_AT, (s32)any(l, KEYS)));
	} else {
		ADD(BPF_MOV64_REG(BPF_REG_1, number(l)));
		if (any(l, 3))
			ADD(BPF_ALU64_IMM(BPF_AND, BPF_REG_1, KEYS - 1));
		ADD(BPF_STX_MEM(BPF_W, BPF_REG_10, BPF_REG_1, KEY_AT));
	}
	address(l, BPF_REG_2, KEY_AT);
}

static void look_up(struct nest *l)
{
	u32 at;

	key(l);
	ADD(SKEP_LD_MAP(BPF_REG_1, any(l, 3) ? MAP_HASH : MAP_VALUE),
	    BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	at = last(l);
	switch (any(l, 3)) {
	case 0:
		ADD(BPF_LDX_MEM(BPF_DW, number(l), BPF_REG_0, 0));
		break;
	case 1:
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_0, number(l), 8));
		break;
	default:
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_0, 8),
		    BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1),
		    BPF_STX_MEM(BPF_DW, BPF_REG_0, BPF_REG_1, 8));
	}
	jump_here(l, at);
}

static void update(struct nest *l)
{
	u32 at;

	key(l);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, number(l), VALUE_AT),
	    BPF_ST_MEM(BPF_DW, BPF_REG_10, VALUE_AT + 8, 1));
	address(l, BPF_REG_3, VALUE_AT);
	ADD(SKEP_LD_MAP(BPF_REG_1, MAP_HASH), BPF_MOV64_IMM(BPF_REG_4, 0),
	    BPF_EMIT_CALL(BPF_FUNC_map_update_elem));
	if (any(l, 2))
		return;
	ADD(SKEP_INSN(BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0));
	at = last(l);
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_VALUE, 56), BPF_MOV64_IMM(BPF_REG_2, 1),
	    SKEP_INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_1, BPF_REG_2, 0, BPF_ADD));
	jump_here(l, at);
}

static void record(struct nest *l)
{
	u32 at;

	ADD(SKEP_LD_MAP(BPF_REG_1, MAP_RING), BPF_MOV64_IMM(BPF_REG_2, 8),
	    BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_ringbuf_reserve),
	    BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	at = last(l);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_0, number(l), 0), BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
	    BPF_MOV64_IMM(BPF_REG_2, 0), BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit));
	jump_here(l, at);
}

/* ---- out of loops -------------------------------------------------------- */

/* On with the next pass or out, of a loop around; not out of one that holds an iterator. */
static void leave(struct nest *l)
{
	u32 i = l->nr_in, at;
	struct around *a;

	if (!i)
		return;
	a = l->in[--i];
	while (i && !a->holds && !any(l, 3))
		a = l->in[--i];
	at = condition(l);
	if (any(l, 3) && a->nr_next < OUTS)
		a->next[a->nr_next++] = at;
	else if (a->nr_out < OUTS)
		a->out[a->nr_out++] = at;
	else
		l->p->v[at].off = 0;
}

static void all_here(struct nest *l, const u32 *from, u32 n)
{
	while (n)
		jump_here(l, from[--n]);
}

static void simple(struct nest *l)
{
	static void (*const all[])(struct nest *) = { arithmetic, arithmetic, spill, spill, pass,
		load, diamond, element, element, look_up, look_up, update, update, record, leave };

	all[any(l, ARRAY_LEN(all))](l);
}

/* ---- loops --------------------------------------------------------------- */

/* What is inside A; jumps to its next pass lead behind. */
static void inside(struct nest *l, struct around *a, u32 depth)
{
	l->in[l->nr_in++] = a;
	block(l, depth + 1);
	l->nr_in--;
	all_here(l, a->next, a->nr_next);
}

static u32 trips(struct nest *l)
{
	u32 most = any(l, 5) ? 8 : 170, n = 1 + any(l, min_u64(most, l->trips));

	l->trips /= n;
	return n;
}

static bool is_one(u32 bits) { return !(bits & (bits - 1)); }

/* In a register that nothing else changes, or in a slot. */
static void counted(struct nest *l, u32 depth, bool down)
{
	s32 n = (s32)trips(l), step = 1 + (s32)(any(l, 2) ? any(l, 3) : 0);
	bool kept = is_one(l->numbers) || !any(l, 3);
	s16 off = (s16)(COUNTS_AT + 8 * (s32)depth);
	u8 r = kept ? BPF_REG_1 : number(l), class = any(l, 3) ? BPF_JMP : BPF_JMP32;
	u32 numbers = l->numbers, head, out;
	struct around a = { 0 };

	ADD(BPF_MOV64_IMM(r, down ? n * step : 0));
	if (kept)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, r, off));
	else
		l->numbers &= ~(1u << r);
	head = l->p->n;
	if (kept)
		ADD(BPF_LDX_MEM(BPF_DW, r, BPF_REG_10, off));
	ADD(SKEP_INSN(class | (down ? BPF_JSLE : any(l, 2) ? BPF_JGE : BPF_JSGE) | BPF_K, r, 0, 0,
		      down ? 0 : n * step));
	out = last(l);
	inside(l, &a, depth);
	if (kept)
		ADD(BPF_LDX_MEM(BPF_DW, r, BPF_REG_10, off));
	ADD(BPF_ALU64_IMM(BPF_ADD, r, down ? -step : step));
	if (kept)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, r, off));
	ADD(BPF_JMP_A(0));
	jump_back(l, head);
	jump_here(l, out);
	all_here(l, a.out, a.nr_out);
	l->numbers = numbers;
}

static void iterated(struct nest *l, u32 depth)
{
	s32 at = ITERS_AT + 8 * (s32)depth, from = (s32)any(l, 3);
	struct around a = { .holds = true };
	u32 head, out;

	address(l, BPF_REG_1, at);
	ADD(BPF_MOV64_IMM(BPF_REG_2, from), BPF_MOV64_IMM(BPF_REG_3, from + (s32)trips(l)),
	    KFUNC(EXT_ITER_NEW));
	head = l->p->n;
	address(l, BPF_REG_1, at);
	ADD(KFUNC(EXT_ITER_NEXT), BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	out = last(l);
	if (any(l, 2))
		ADD(BPF_LDX_MEM(BPF_W, number(l), BPF_REG_0, 0));
	inside(l, &a, depth);
	ADD(BPF_JMP_A(0));
	jump_back(l, head);
	jump_here(l, out);
	all_here(l, a.out, a.nr_out);
	address(l, BPF_REG_1, at);
	ADD(KFUNC(EXT_ITER_DESTROY));
}

/* Nobody waits for a budget to be used up: a number leads out before. */
static void budgeted(struct nest *l, u32 depth)
{
	s16 off = (s16)(COUNTS_AT + 8 * (s32)depth);
	s32 n = (s32)trips(l);
	struct around a = { 0 };
	u32 head = l->p->n + 1, out;

	ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, off, 0), SKEP_INSN(BPF_JMP | 0xe0, 0, 0, 0, 0),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, off), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, off),
	    BPF_JMP_IMM(BPF_JGT, BPF_REG_1, n, 0));
	out = last(l);
	inside(l, &a, depth);
	ADD(BPF_JMP_A(0));
	jump_back(l, head);
	jump_here(l, head);
	jump_here(l, out);
	all_here(l, a.out, a.nr_out);
}

static void called(struct nest *l, u32 depth)
{
	ADD(BPF_MOV64_IMM(BPF_REG_1, (s32)trips(l)));
	l->bodies[l->nr_bodies++] = (struct body){ l->p->n, depth, l->frames + 1 };
	ADD(SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0),
	    SKEP_INSN(0, 0, 0, 0, 0));
	address(l, BPF_REG_3, NUMBERS_AT);
	ADD(BPF_MOV64_IMM(BPF_REG_4, 0), BPF_EMIT_CALL(BPF_FUNC_loop));
}

static void loop(struct nest *l, u32 depth)
{
	u32 left = l->trips;
	enum how how = any(l, l->nr_bodies < BODIES && l->frames < FRAMES ? NR_HOWS : HOW_CALL);

	if (how == HOW_ITER)
		iterated(l, depth);
	else if (how == HOW_BUDGET)
		budgeted(l, depth);
	else if (how == HOW_CALL)
		called(l, depth);
	else
		counted(l, depth, how == HOW_DOWN);
	l->trips = left;
}

/* One loop of each depth at least, a second one here and there. */
static void block(struct nest *l, u32 depth)
{
	for (u32 n = any(l, 3); n; n--)
		simple(l);
	if (depth < l->levels && l->p->n < ROOM)
		loop(l, depth);
	for (u32 n = any(l, 3); n; n--)
		simple(l);
	if (depth && depth < l->levels && l->p->n < ROOM / 2 && !any(l, 4))
		loop(l, depth);
}

/* ---- functions ----------------------------------------------------------- */

static void begin(struct nest *l)
{
	l->numbers = 1u << BPF_REG_6 | 1u << BPF_REG_8 | 1u << BPF_REG_9;
	for (s32 i = 0; i < 4; i++)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, number(l), (s16)(NUMBERS_AT + 8 * i)));
}

/* (index, the caller's slots) */
static void body(struct nest *l, const struct body *b)
{
	l->p->v[b->at].imm = (s32)(l->p->n - b->at - 1);
	l->main = false;
	l->frames = b->frames;
	l->trips = 40;
	ADD(BPF_MOV64_REG(BPF_REG_7, BPF_REG_2), BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_8, BPF_REG_7, (s16)(8 * any(l, 4))),
	    BPF_MOV64_IMM(BPF_REG_9, (s32)any(l, 16)));
	begin(l);
	block(l, b->depth + 1);
	if (any(l, 2)) {
		ADD(BPF_MOV64_REG(BPF_REG_0, number(l)), BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 1));
	} else {
		ADD(BPF_MOV64_IMM(BPF_REG_0, 0));
	}
	ADD(BPF_EXIT_INSN());
}

void nested_program(struct diff_prog *p, u64 seed)
{
	struct nest nest = { .p = p, .rng = seed, .main = true, .trips = TRIPS }, *l = &nest;

	p->n = 0;
	p->type = BPF_PROG_TYPE_XDP;
	p->attach = 0;
	l->levels = 2 + any(l, LEVELS - 1);
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_7, MAP_VALUE, 0), BPF_MOV64_IMM(BPF_REG_6, (s32)any(l, 32)),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_8, BPF_REG_7, 0),
	    BPF_LDX_MEM(any(l, 2) ? BPF_DW : BPF_B, BPF_REG_9, BPF_REG_7, 8));
	begin(l);
	block(l, 0);
	ADD(BPF_MOV64_IMM(BPF_REG_0, XDP_PASS), BPF_EXIT_INSN());
	for (u32 i = 0; i < l->nr_bodies; i++)
		body(l, &l->bodies[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* knotty.c: see knotty.h. */
#include "diff/knotty.h"
#include <linux/bpf.h>
#include <skep/insn.h>

enum { CALLS = 6, DEPTH = 3, ROOM = 180, POINTER_AT = -72, TRIPS_AT = -88, KEY_AT = -96,
       DYNPTR_AT = -112, NUMBERS_AT = -64, REACH = 16 /* bytes behind each pointer */ };

enum { MEMSX = 0x80 };	/* a mode: the sign is extended */

enum fn { FN_STACK, FN_PICK, FN_LOOP, NR_FNS };

struct knotty {
	struct diff_prog *p;
	u64 rng;
	struct { u32 at; enum fn fn; } calls[CALLS];
	u32 nr_calls;
};

static void block(struct knotty *k, u32 depth);

static u32 any(struct knotty *k, u32 n) { return gen_below(&k->rng, n); }

static void add(struct knotty *k, struct bpf_insn in)
{
	assert(k->p->n < PROG_MAX);
	k->p->v[k->p->n++] = in;
}

#define ADD(...) do { \
	const struct bpf_insn ins_[] = { __VA_ARGS__ }; \
	for (size_t i_ = 0; i_ < ARRAY_LEN(ins_); i_++) \
		add(k, ins_[i_]); \
} while (0)

static void jump_here(struct knotty *k, u32 from)
{
	k->p->v[from].off = (s16)(k->p->n - from - 1);
}

static u8 number(struct knotty *k) { return any(k, 2) ? BPF_REG_8 : BPF_REG_9; }

static s32 constant(struct knotty *k)
{
	static const s32 some[] = { 0, 1, 2, 5, 8, 15, 16, 31, 60, 64, 127, 128, 255, 256, -1, -2,
				    -8, -128, 0x7fff, 0xffff, 0x7fffffff, INT32_MIN };

	return some[any(k, ARRAY_LEN(some))];
}

static u8 size_of(u32 bytes)
{
	return bytes == 8 ? BPF_DW : bytes == 4 ? BPF_W : bytes == 2 ? BPF_H : BPF_B;
}

static u32 some_bytes(struct knotty *k) { return 1u << any(k, 4); }

/* ---- numbers ------------------------------------------------------------- */

static void new_number(struct knotty *k)
{
	u8 r = number(k);

	switch (any(k, 4)) {
	case 0:
		ADD(BPF_MOV64_IMM(r, constant(k)));
		return;
	case 1:
		ADD(BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32), BPF_MOV64_REG(r, BPF_REG_0));
		return;
	default:	/* what the value has */
		ADD(BPF_LDX_MEM(size_of(some_bytes(k)), r, BPF_REG_7, (s16)(8 * any(k, 8))));
	}
}

static void arithmetic(struct knotty *k)
{
	static const u8 ops[] = { BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_MUL, BPF_DIV,
				  BPF_MOD, BPF_ADD, BPF_AND, BPF_MOV, BPF_ARSH, BPF_RSH, BPF_LSH };
	u8 op = ops[any(k, ARRAY_LEN(ops))], class = any(k, 3) ? BPF_ALU64 : BPF_ALU;
	bool shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	u8 d = number(k), s = number(k);

	if (any(k, 3) && (op == BPF_DIV || op == BPF_MOD))
		ADD(SKEP_INSN(class | op | BPF_K, d, 0, any(k, 2), 1 + (s32)any(k, 100)));
	else if (any(k, 2))
		ADD(SKEP_INSN(class | op | BPF_X, d, s, 0, 0));
	else if (op != BPF_DIV && op != BPF_MOD)
		ADD(SKEP_INSN(class | op | BPF_K, d, 0, 0, shift ? (s32)any(k, 32) : constant(k)));
	if (!any(k, 4))
		ADD(SKEP_INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, (s16)(8 << any(k, 3)), 0));
}

/* A condition on numbers; its jump is completed by jump_here. */
static u32 condition(struct knotty *k)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				  BPF_JSGT, BPF_JSLT, BPF_JSGE, BPF_JSLE, BPF_JSET };
	u8 op = ops[any(k, ARRAY_LEN(ops))], class = any(k, 3) ? BPF_JMP : BPF_JMP32;

	if (any(k, 3))
		ADD(SKEP_INSN(class | op | BPF_K, number(k), 0, 0, constant(k)));
	else
		ADD(SKEP_INSN(class | op | BPF_X, number(k), number(k), 0, 0));
	return k->p->n - 1;
}

/* ---- the stack of numbers ------------------------------------------------ */

static void parts(struct knotty *k)
{
	u32 bytes = some_bytes(k);
	s16 off = (s16)(NUMBERS_AT + (s32)(any(k, 64 / bytes) * bytes));

	switch (any(k, 4)) {
	case 0:
		ADD(BPF_ST_MEM(size_of(bytes), BPF_REG_10, off, any(k, 2) ? 0 : constant(k)));
		break;
	case 1:
		ADD(BPF_STX_MEM(size_of(bytes), BPF_REG_10, number(k), off));
		break;
	case 2:
		ADD(BPF_LDX_MEM(size_of(bytes), number(k), BPF_REG_10, off));
		break;
	default:
		if (bytes < 8)
			ADD(SKEP_INSN(BPF_LDX | MEMSX | size_of(bytes), number(k), BPF_REG_10,
				      off, 0));
	}
}

/* A copy of a number, linked with it, and one on the stack. */
static void linked(struct knotty *k)
{
	u8 r = number(k);
	s16 off = (s16)(NUMBERS_AT + 8 * (s32)any(k, 8));
	u32 at;

	ADD(any(k, 3) ? BPF_MOV64_REG(BPF_REG_1, r) : BPF_MOV32_REG(BPF_REG_1, r));
	if (any(k, 2))
		ADD(BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, constant(k) % 64));
	ADD(BPF_STX_MEM(any(k, 3) ? BPF_DW : BPF_W, BPF_REG_10, BPF_REG_1, off));
	at = condition(k);
	ADD(BPF_LDX_MEM(any(k, 3) ? BPF_DW : BPF_W, r, BPF_REG_10, off));
	if (any(k, 2))
		ADD(BPF_MOV64_REG(r, BPF_REG_1));
	jump_here(k, at);
}

static void atomic(struct knotty *k)
{
	static const s32 ops[] = { BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, BPF_ADD | BPF_FETCH,
				   BPF_AND | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG };
	u32 bytes = 4u << any(k, 2);
	s32 op = ops[any(k, ARRAY_LEN(ops))];
	s16 off = (s16)(NUMBERS_AT + (s32)(any(k, 64 / bytes) * bytes));

	ADD(BPF_MOV64_REG(BPF_REG_0, number(k)),
	    SKEP_INSN(BPF_STX | BPF_ATOMIC | size_of(bytes), any(k, 3) ? BPF_REG_10 : BPF_REG_7,
		      number(k), off, op));
	if (k->p->v[k->p->n - 1].dst_reg == BPF_REG_7)
		k->p->v[k->p->n - 1].off = (s16)(any(k, 64 / bytes) * bytes);
	if (op == BPF_CMPXCHG)
		ADD(BPF_MOV64_REG(number(k), BPF_REG_0));
}

/* The helper writes some of the slots, or none. */
static void helper_bytes(struct knotty *k)
{
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_REG(BPF_REG_2, number(k)),
	    BPF_ALU64_IMM(BPF_AND, BPF_REG_2, 63), BPF_MOV64_REG(BPF_REG_3, BPF_REG_10),
	    BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, NUMBERS_AT + (s32)any(k, 40)));
	if (any(k, 2))
		ADD(BPF_MOV64_IMM(BPF_REG_4, 1 + (s32)any(k, 16)));
	else
		ADD(BPF_MOV64_REG(BPF_REG_4, number(k)), BPF_ALU64_IMM(BPF_AND, BPF_REG_4, 15),
		    BPF_ALU64_IMM(BPF_ADD, BPF_REG_4, 1));
	ADD(BPF_EMIT_CALL(BPF_FUNC_xdp_load_bytes));
}

/* ---- pointers ------------------------------------------------------------ */

static void stack_address(struct knotty *k, u8 r, s32 off)
{
	ADD(BPF_MOV64_REG(r, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, r, off));
}

/* r0: an element of the hash map, or NULL. */
static void lookup(struct knotty *k)
{
	ADD(BPF_ST_MEM(BPF_W, BPF_REG_10, KEY_AT, (s32)any(k, KEYS)));
	if (!any(k, 3)) {	/* put it there, when there is room */
		stack_address(k, BPF_REG_2, KEY_AT);
		stack_address(k, BPF_REG_3, NUMBERS_AT);
		ADD(SKEP_LD_MAP(BPF_REG_1, MAP_HASH), BPF_MOV64_IMM(BPF_REG_4, 0),
		    BPF_EMIT_CALL(BPF_FUNC_map_update_elem));
	}
	stack_address(k, BPF_REG_2, KEY_AT);
	ADD(SKEP_LD_MAP(BPF_REG_1, any(k, 2) ? MAP_HASH : MAP_LRU),
	    BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem));
}

/* R: something that REACH bytes can be read and written through; never r2. */
static void pointer(struct knotty *k, u8 r)
{
	switch (any(k, 6)) {
	case 0:
		ADD(BPF_MOV64_REG(r, BPF_REG_7));
		if (any(k, 2))
			ADD(BPF_ALU64_IMM(BPF_ADD, r, 8 * (s32)any(k, 7)));
		break;
	case 1:
		stack_address(k, r, NUMBERS_AT + 8 * (s32)any(k, 7));
		break;
	case 2:
		ADD(BPF_MOV64_REG(BPF_REG_2, number(k)), BPF_ALU64_IMM(BPF_AND, BPF_REG_2, 40),
		    BPF_MOV64_REG(r, BPF_REG_7), BPF_ALU64_REG(BPF_ADD, r, BPF_REG_2));
		break;
	case 3:
		ADD(BPF_MOV64_REG(BPF_REG_2, number(k)), BPF_ALU64_IMM(BPF_AND, BPF_REG_2, 24));
		stack_address(k, r, NUMBERS_AT);
		ADD(BPF_ALU64_REG(BPF_ADD, r, BPF_REG_2));
		break;
	case 4:
		ADD(SKEP_LD_MAP_VALUE(r, MAP_RESULT, 8 * (s32)any(k, 8)));
		break;
	default:
		ADD(BPF_LDX_MEM(BPF_DW, r, BPF_REG_10, POINTER_AT));
	}
}

/* Through R; packets have no atomic operations. */
static void use(struct knotty *k, u8 r, bool packet)
{
	u32 bytes = some_bytes(k);
	s16 off = (s16)(any(k, REACH / bytes) * bytes);

	switch (any(k, 5)) {
	case 0:
		ADD(BPF_ST_MEM(size_of(bytes), r, off, any(k, 2) ? 0 : constant(k)));
		break;
	case 1:
		ADD(BPF_STX_MEM(size_of(bytes), r, number(k), off));
		break;
	case 2:
		if (bytes >= 4 && !packet)
			ADD(BPF_ATOMIC_OP(size_of(bytes), BPF_ADD, r, number(k), off));
		break;
	default:
		ADD(BPF_LDX_MEM(size_of(bytes), number(k), r, off));
	}
}

/* One of two, or none. */
static void either_pointer(struct knotty *k)
{
	u32 at, skip = 0;

	pointer(k, BPF_REG_1);
	at = condition(k);
	if (any(k, 4)) {
		pointer(k, BPF_REG_1);
	} else {
		ADD(BPF_MOV64_IMM(BPF_REG_1, 0));
		skip = 1;
	}
	jump_here(k, at);
	if (skip) {
		skip = k->p->n;
		ADD(BPF_JMP_IMM(BPF_JEQ, BPF_REG_1, 0, 0));
	}
	use(k, BPF_REG_1, false);
	if (any(k, 3))
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, POINTER_AT));
	if (skip)
		jump_here(k, skip);
}

/* A pointer that was looked up, or another, or none. */
static void looked_up(struct knotty *k)
{
	u32 at, skip;

	lookup(k);
	at = condition(k);
	switch (any(k, 3)) {
	case 0:
		ADD(BPF_MOV64_IMM(BPF_REG_0, 0));
		break;
	case 1:
		ADD(BPF_MOV64_REG(BPF_REG_0, BPF_REG_7));
	}
	jump_here(k, at);
	if (any(k, 2))
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_0, POINTER_AT - 8));
	skip = k->p->n;
	ADD(BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	if (any(k, 2))
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_10, POINTER_AT - 8));
	use(k, BPF_REG_0, false);
	jump_here(k, skip);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, POINTER_AT - 8));
}

/* The slot has a pointer on the ways on which it is used, else a number. */
static void guarded(struct knotty *k)
{
	u8 r = number(k);
	s32 limit = constant(k);
	u32 at, skip;

	pointer(k, BPF_REG_1);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, POINTER_AT));
	at = k->p->n;
	ADD(BPF_JMP_IMM(BPF_JGT, r, limit, 0),
	    BPF_ST_MEM(BPF_DW, BPF_REG_10, POINTER_AT, constant(k)));
	jump_here(k, at);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, number(k), NUMBERS_AT + 8 * any(k, 8)));
	skip = k->p->n;
	ADD(BPF_JMP_IMM(BPF_JLE, r, limit, 0), BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10,
							   POINTER_AT));
	use(k, BPF_REG_1, false);
	jump_here(k, skip);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, POINTER_AT));
}

/* ---- packets ------------------------------------------------------------- */

/* r1: somewhere in the packet; r3: a place behind; r2: its end. */
static void load_packet(struct knotty *k, s32 bytes)
{
	ADD(BPF_LDX_MEM(BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct xdp_md, data)),
	    BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, data_end)));
	if (any(k, 2))
		ADD(BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, (s32)any(k, 20)));
	if (any(k, 2))
		ADD(BPF_MOV64_REG(BPF_REG_3, number(k)), BPF_ALU64_IMM(BPF_AND, BPF_REG_3, 63),
		    BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_3));
	ADD(BPF_MOV64_REG(BPF_REG_3, BPF_REG_1), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, bytes));
}

static u32 check_packet(struct knotty *k)
{
	if (any(k, 2))
		ADD(BPF_JMP_REG(BPF_JGT, BPF_REG_3, BPF_REG_2, 0));
	else
		ADD(BPF_JMP_REG(BPF_JLT, BPF_REG_2, BPF_REG_3, 0));
	return k->p->n - 1;
}

/* More bytes are proved on one way than on the other, or the pointers differ. */
static void packet(struct knotty *k)
{
	s32 least = REACH + (s32)any(k, 16), more = (s32)any(k, 30);
	u32 at, over, out, out2;

	load_packet(k, least);
	out = check_packet(k);
	at = condition(k);
	if (any(k, 2)) {
		ADD(BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, more));
		out2 = check_packet(k);
	} else {
		load_packet(k, least + more);
		out2 = check_packet(k);
	}
	if (any(k, 2)) {	/* the way around meets the other one later */
		over = k->p->n;
		ADD(BPF_JMP_A(0));
		jump_here(k, at);
		ADD(BPF_MOV64_IMM(BPF_REG_5, 0));
		at = over;
	}
	jump_here(k, at);
	use(k, BPF_REG_1, true);
	jump_here(k, out);
	jump_here(k, out2);
}

static void adjust_head(struct knotty *k)
{
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_IMM(BPF_REG_2, (s32)any(k, 9) - 4),
	    BPF_EMIT_CALL(BPF_FUNC_xdp_adjust_head));
}

/* ---- records and dynptrs --------------------------------------------------- */

static void record(struct knotty *k)
{
	u32 skip;

	ADD(SKEP_LD_MAP(BPF_REG_1, MAP_RING), BPF_MOV64_IMM(BPF_REG_2, 64),
	    BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_ringbuf_reserve));
	skip = k->p->n;
	ADD(BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0), BPF_MOV64_REG(BPF_REG_1, BPF_REG_0));
	if (any(k, 2))
		ADD(BPF_MOV64_REG(BPF_REG_2, number(k)), BPF_ALU64_IMM(BPF_AND, BPF_REG_2, 47),
		    BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_2));
	use(k, BPF_REG_1, false);
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_0), BPF_MOV64_IMM(BPF_REG_2, 0),
	    BPF_EMIT_CALL(any(k, 2) ? BPF_FUNC_ringbuf_submit : BPF_FUNC_ringbuf_discard));
	jump_here(k, skip);
}

/* Of the map's value. At an offset that is no multiple of 8 atomic operations would
 * not be aligned: that the engine refuses, and the verifier, like the kernel, does
 * not see. */
static void dynptr(struct knotty *k)
{
	u32 skip;

	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_7), BPF_MOV64_IMM(BPF_REG_2, 16 + (s32)any(k, 49)),
	    BPF_MOV64_IMM(BPF_REG_3, 0));
	stack_address(k, BPF_REG_4, DYNPTR_AT);
	ADD(BPF_EMIT_CALL(BPF_FUNC_dynptr_from_mem));
	if (any(k, 2)) {
		stack_address(k, BPF_REG_1, NUMBERS_AT + (s32)any(k, 32));
		ADD(BPF_MOV64_IMM(BPF_REG_2, 1 + (s32)any(k, 24)));
		stack_address(k, BPF_REG_3, DYNPTR_AT);
		ADD(BPF_MOV64_REG(BPF_REG_4, number(k)), BPF_MOV64_IMM(BPF_REG_5, 0),
		    BPF_EMIT_CALL(BPF_FUNC_dynptr_read));
		return;
	}
	stack_address(k, BPF_REG_1, DYNPTR_AT);
	ADD(BPF_MOV64_IMM(BPF_REG_2, 8 * (s32)any(k, 3)), BPF_MOV64_IMM(BPF_REG_3, REACH),
	    BPF_EMIT_CALL(BPF_FUNC_dynptr_data));
	skip = k->p->n;
	ADD(BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	use(k, BPF_REG_0, false);
	jump_here(k, skip);
}

/* ---- control ------------------------------------------------------------- */

static void either(struct knotty *k, u32 depth)
{
	u32 at = condition(k), over;

	block(k, depth + 1);
	if (any(k, 2)) {
		jump_here(k, at);
		return;
	}
	over = k->p->n;
	ADD(BPF_JMP_A(0));
	jump_here(k, at);
	block(k, depth + 1);
	jump_here(k, over);
}

static void loop(struct knotty *k, u32 depth)
{
	u32 head;

	ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, TRIPS_AT, (s32)any(k, 3)));
	head = k->p->n;
	block(k, DEPTH + depth);
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, TRIPS_AT),
	    BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1 + (s32)any(k, 3)),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, TRIPS_AT),
	    BPF_JMP_IMM(BPF_JLT, BPF_REG_1, 3 + (s32)any(k, 20),
			(s16)((s32)head - (s32)k->p->n - 4)));
}

static void note_call(struct knotty *k, enum fn fn)
{
	k->calls[k->nr_calls].at = k->p->n;
	k->calls[k->nr_calls++].fn = fn;
}

static void call(struct knotty *k)
{
	enum fn fn = any(k, 2) ? FN_STACK : FN_PICK;

	if (k->nr_calls == CALLS)
		return;
	pointer(k, BPF_REG_1);
	ADD(BPF_MOV64_REG(BPF_REG_2, number(k)));
	note_call(k, fn);
	ADD(BPF_CALL_REL(0));
	if (fn == FN_PICK)
		use(k, BPF_REG_0, false);
	else
		ADD(BPF_MOV64_REG(number(k), BPF_REG_0));
}

static void callback(struct knotty *k)
{
	if (k->nr_calls == CALLS)
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, number(k)), BPF_ALU64_IMM(BPF_AND, BPF_REG_1, 7));
	note_call(k, FN_LOOP);
	ADD(SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0),
	    SKEP_INSN(0, 0, 0, 0, 0));
	stack_address(k, BPF_REG_3, NUMBERS_AT + 8 * (s32)any(k, 5));
	ADD(BPF_MOV64_IMM(BPF_REG_4, 0), BPF_EMIT_CALL(BPF_FUNC_loop));
	if (any(k, 2))
		ADD(BPF_MOV64_REG(number(k), BPF_REG_0));
}

static void simple(struct knotty *k)
{
	static void (*const all[])(struct knotty *) = { new_number, arithmetic, arithmetic, parts,
		parts, linked, linked, atomic, helper_bytes, either_pointer, either_pointer,
		looked_up, guarded, packet, packet, adjust_head, record, dynptr, call, call,
		callback };

	all[any(k, ARRAY_LEN(all))](k);
}

static void block(struct knotty *k, u32 depth)
{
	for (u32 i = 1 + any(k, 4); i > 0 && k->p->n < ROOM; i--) {
		u32 what = any(k, depth < DEPTH ? 5 : 4);

		if (what < 3 || depth > 2 * DEPTH)
			simple(k);
		else if (what == 3)
			either(k, depth);
		else
			loop(k, depth);
	}
}

/* ---- functions ----------------------------------------------------------- */

/* (pointer, number): writes there and on its own stack. */
static void fn_stack(struct knotty *k)
{
	u32 at;

	ADD(BPF_MOV64_REG(BPF_REG_8, BPF_REG_2), BPF_MOV64_IMM(BPF_REG_9, constant(k)),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -8),
	    BPF_STX_MEM(any(k, 2) ? BPF_DW : BPF_W, BPF_REG_10, BPF_REG_8, -16));
	at = condition(k);
	use(k, BPF_REG_1, false);
	if (any(k, 2))
		ADD(BPF_MOV64_REG(BPF_REG_0, BPF_REG_9), BPF_EXIT_INSN());
	jump_here(k, at);
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8));
	use(k, BPF_REG_1, false);
	ADD(BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_10, -16), BPF_EXIT_INSN());
}

/* (pointer, number): gives the pointer, or the value of another map. */
static void fn_pick(struct knotty *k)
{
	u32 at;

	ADD(BPF_MOV64_REG(BPF_REG_8, BPF_REG_2), BPF_MOV64_REG(BPF_REG_9, BPF_REG_2));
	use(k, BPF_REG_1, false);
	at = condition(k);
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_0, MAP_RESULT, 8 * (s32)any(k, 8)), BPF_EXIT_INSN());
	jump_here(k, at);
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_0, any(k, 2) ? MAP_VALUE : MAP_RESULT, 8 * (s32)any(k, 6)),
	    BPF_EXIT_INSN());
}

/* (index, pointer to numbers) */
static void fn_loop(struct knotty *k)
{
	ADD(BPF_MOV64_REG(BPF_REG_8, BPF_REG_1), BPF_LDX_MEM(BPF_DW, BPF_REG_9, BPF_REG_2, 8));
	arithmetic(k);
	use(k, BPF_REG_2, false);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_2, number(k), 8), BPF_MOV64_REG(BPF_REG_0, number(k)),
	    BPF_ALU64_IMM(BPF_AND, BPF_REG_0, (s32)any(k, 2)), BPF_EXIT_INSN());
}

static void functions(struct knotty *k)
{
	static void (*const bodies[NR_FNS])(struct knotty *) = { fn_stack, fn_pick, fn_loop };

	for (u32 fn = 0; fn < NR_FNS; fn++) {
		u32 start = k->p->n;
		bool called = false;

		for (u32 i = 0; i < k->nr_calls; i++) {
			if (k->calls[i].fn != fn)
				continue;
			k->p->v[k->calls[i].at].imm = (s32)(start - k->calls[i].at - 1);
			called = true;
		}
		if (called)
			bodies[fn](k);
	}
}

/* ---- the whole ----------------------------------------------------------- */

void knotty_program(struct diff_prog *p, u64 seed)
{
	struct knotty knot = { .p = p, .rng = seed }, *k = &knot;

	p->n = 0;
	p->type = BPF_PROG_TYPE_XDP;
	p->attach = 0;
	ADD(BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), SKEP_LD_MAP_VALUE(BPF_REG_7, MAP_VALUE, 0),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, POINTER_AT),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, POINTER_AT - 8));
	for (s32 i = 0; i < 8; i++)
		ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, (s16)(NUMBERS_AT + 8 * i),
			       any(k, 2) ? 0 : constant(k)));
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_8, BPF_REG_7, 0),
	    BPF_LDX_MEM(BPF_W, BPF_REG_9, BPF_REG_7, 8));
	for (u32 i = 2 + any(k, 4); i > 0; i--)
		block(k, 0);
	ADD(BPF_MOV64_IMM(BPF_REG_0, XDP_PASS), BPF_EXIT_INSN());
	functions(k);
}

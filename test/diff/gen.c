/* SPDX-License-Identifier: BSD-2-Clause */
/* gen.c: see gen.h. */
#include "diff/gen.h"
#include "model/tables.h"
#include <skep/insn.h>

/* Functions that a program may have. */
enum gen_func { FN_SUB, FN_LOOP, FN_TAIL, NR_FUNCS };

struct gen {
	struct diff_prog *p;
	bool packet;		/* uses the context */
	bool direct;		/* r8 is the packet */
	bool writes;		/* and may be written to */
	s32 result_mask;	/* of a type that has few results; 0 = any */
	u64 rnd;
	u32 call;		/* slot that names function FN, 0 = none */
	enum gen_func fn;
	u32 nesting;
};

static u32 pick(struct gen *g, u32 n) { return gen_below(&g->rnd, n); }

static void add(struct gen *g, struct bpf_insn in)
{
	assert(g->p->n < PROG_MAX);
	g->p->v[g->p->n++] = in;
}

#define ADD(...) do { \
	const struct bpf_insn ins_[] = { __VA_ARGS__ }; \
	for (size_t i_ = 0; i_ < ARRAY_LEN(ins_); i_++) \
		add(g, ins_[i_]); \
} while (0)

/* Numbers at which things go wrong. */
static s64 number(struct gen *g)
{
	static const s64 edges[] = { 0, 1, -1, 2, 7, 8, 31, 32, 63, 64, 127, 128, 255, 256,
		INT16_MIN, INT16_MAX, UINT16_MAX, INT32_MIN, INT32_MAX, UINT32_MAX,
		(s64)1 << 32, INT64_MIN, INT64_MAX, 0x0102030405060708 };

	switch (pick(g, 3)) {
	case 0:
		return edges[pick(g, ARRAY_LEN(edges))];
	case 1:
		return (s8)pick(g, 256);
	}
	return (s64)gen_random(&g->rnd);
}

static u8 scalar(struct gen *g)
{
	static const u8 regs[] = { 0, 1, 2, 3, 4, 5, 9 };

	return regs[pick(g, ARRAY_LEN(regs))];
}

/* ---- arithmetic ------------------------------------------------------------ */

static bool is_alu(const struct isa_row *r)
{
	return r->kind <= KIND_BSWAP && r->kind != KIND_AS_CAST;
}

static bool is_shift(u8 kind)
{
	return kind == KIND_ALU_LSH || kind == KIND_ALU_RSH || kind == KIND_ALU_ARSH;
}

static bool divides(u8 kind)
{
	return kind == KIND_ALU_DIV || kind == KIND_ALU_SDIV || kind == KIND_ALU_MOD ||
	       kind == KIND_ALU_SMOD;
}

/* Fills what the row says and random operands. */
static struct bpf_insn row_insn(struct gen *g, enum isa_op op)
{
	const struct isa_row *r = &isa_rows[op];
	unsigned fields = isa_fields(op);
	struct bpf_insn in = { .code = r->opcode };

	if (fields & FIELD_DST)
		in.dst_reg = scalar(g);
	if (fields & FIELD_SRC)
		in.src_reg = scalar(g);
	if (fields & FIELD_IMM)
		in.imm = (s32)number(g);
	if (r->sel == SEL_OFF)
		in.off = r->val;
	else if (r->sel == SEL_IMM)
		in.imm = r->val;
	else if (r->sel == SEL_SRC)
		in.src_reg = (u8)r->val & 15;
	return in;
}

static void st_alu(struct gen *g)
{
	enum isa_op op;
	struct bpf_insn in;
	u8 kind;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while (!is_alu(&isa_rows[op]));
	kind = isa_rows[op].kind;
	in = row_insn(g, op);
	if (is_shift(kind) && !(in.code & BPF_X))
		in.imm &= isa_rows[op].width - 1;
	if (divides(kind) && !(in.code & BPF_X) && !in.imm)
		in.imm = 3;
	add(g, in);
}

static void st_load_number(struct gen *g)
{
	u8 r = scalar(g);
	s64 v = number(g);

	ADD(BPF_LD_IMM64(r, v));
}

/* ---- memory --------------------------------------------------------------------- */

/* A row of one of the kinds, of any width. */
static enum isa_op mem_row(struct gen *g, u8 kind, u8 or_kind)
{
	enum isa_op op;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while (isa_rows[op].kind != kind && isa_rows[op].kind != or_kind);
	return op;
}

/* Where numbers may be loaded and stored: base register and a good offset. */
static u8 place(struct gen *g, u32 bytes, bool write, s16 *off)
{
	u32 where = pick(g, g->direct && (g->writes || !write) ? 3 : 2), room;

	if (where == 0) {	/* one slot, or a part of it */
		*off = (s16)(-8 * (s32)(1 + pick(g, 8)) + (s32)(pick(g, 8 / bytes) * bytes));
		return BPF_REG_10;
	}
	room = where == 1 ? VALUE_BYTES : PACKET_BYTES;
	*off = (s16)(pick(g, room / bytes) * bytes);
	return where == 1 ? BPF_REG_7 : BPF_REG_8;
}

static void st_load(struct gen *g)
{
	enum isa_op op = mem_row(g, KIND_LDX, KIND_LDXSX);
	struct bpf_insn in = row_insn(g, op);

	in.src_reg = place(g, isa_rows[op].width / 8, false, &in.off) & 15;
	add(g, in);
}

static void st_store(struct gen *g)
{
	enum isa_op op = mem_row(g, KIND_ST, KIND_STX);
	struct bpf_insn in = row_insn(g, op);

	in.dst_reg = place(g, isa_rows[op].width / 8, true, &in.off) & 15;
	add(g, in);
}

/* Gives what memory had before. */
static bool fetches(u8 kind)
{
	return kind == KIND_ATOMIC_FADD || kind == KIND_ATOMIC_FAND || kind == KIND_ATOMIC_FOR ||
	       kind == KIND_ATOMIC_FXOR || kind == KIND_ATOMIC_XCHG ||
	       kind == KIND_ATOMIC_CMPXCHG;
}

/*
 * The kernel has no atomic operations on packets. Those that fetch are not made
 * on the stack: Linux 6.18 loses track of precision there and removes code that
 * runs (doc/kernel.md).
 */
static void st_atomic(struct gen *g)
{
	bool direct = g->direct;
	enum isa_op op;
	struct bpf_insn in;
	u8 base, kind;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while (isa_rows[op].kind < KIND_ATOMIC_ADD || isa_rows[op].kind > KIND_ATOMIC_STREL);
	in = row_insn(g, op);
	kind = isa_rows[op].kind;
	g->direct = false;
	do
		base = place(g, isa_rows[op].width / 8, true, &in.off);
	while (base == BPF_REG_10 && fetches(kind));
	g->direct = direct;
	if (kind == KIND_ATOMIC_LDACQ)
		in.src_reg = base & 15;
	else
		in.dst_reg = base & 15;
	add(g, in);
}

/* The map's value at an offset that only a mask bounds. */
static void st_variable(struct gen *g)
{
	u8 at = scalar(g), v = scalar(g);

	if (at == v)
		v = at == 9 ? 0 : 9;
	ADD(BPF_ALU64_IMM(BPF_AND, at, VALUE_BYTES - 8), BPF_ALU64_REG(BPF_ADD, at, BPF_REG_7));
	if (pick(g, 2))
		ADD(BPF_LDX_MEM(BPF_DW, v, at, 0));
	else
		ADD(BPF_STX_MEM(BPF_DW, at, v, 0));
	ADD(BPF_MOV64_REG(at, v));	/* a number again */
}

/* ---- calls ------------------------------------------------------------------------ */

/* Calls leave r1..r5 to nobody. */
static void after_call(struct gen *g)
{
	for (u8 r = 1; r <= 5; r++)
		ADD(BPF_MOV64_IMM(r, (s32)number(g)));
}

enum { KEY_AT = -72, VALUE_AT = -88 };

static void put_key(struct gen *g)
{
	ADD(BPF_ST_MEM(BPF_W, BPF_REG_10, KEY_AT, (s32)pick(g, KEYS)),
	    BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, KEY_AT));
}

static void st_lookup(struct gen *g)
{
	put_key(g);
	ADD(SKEP_LD_MAP(BPF_REG_1, 1), BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
	    BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2),
	    BPF_STX_MEM(BPF_DW, BPF_REG_0, BPF_REG_9, 8),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0));
	after_call(g);
}

static void st_update(struct gen *g)
{
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_9, VALUE_AT),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_9, VALUE_AT + 8));
	put_key(g);
	ADD(BPF_MOV64_REG(BPF_REG_3, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, VALUE_AT),
	    BPF_MOV64_IMM(BPF_REG_4, (s32)pick(g, 4)), SKEP_LD_MAP(BPF_REG_1, 1),
	    BPF_EMIT_CALL(BPF_FUNC_map_update_elem));
	after_call(g);
}

static void st_delete(struct gen *g)
{
	put_key(g);
	ADD(SKEP_LD_MAP(BPF_REG_1, 1), BPF_EMIT_CALL(BPF_FUNC_map_delete_elem));
	after_call(g);
}

static bool offered(const struct gen *g, u32 helper)
{
	return helper_offered(helper, g->p->type);
}

static void st_csum(struct gen *g)
{
	u32 from = 4 * pick(g, 9), to = 4 * pick(g, 9);

	if (!offered(g, BPF_FUNC_csum_diff))
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -64),
	    BPF_MOV64_IMM(BPF_REG_2, (s32)from), BPF_MOV64_REG(BPF_REG_3, BPF_REG_7),
	    BPF_MOV64_IMM(BPF_REG_4, (s32)to), BPF_MOV64_REG(BPF_REG_5, BPF_REG_9),
	    BPF_EMIT_CALL(BPF_FUNC_csum_diff));
	after_call(g);
}

/* Reads the packet's bounds again. */
static void load_packet(struct gen *g)
{
	const bool xdp = g->p->type == BPF_PROG_TYPE_XDP;
	const s16 from = xdp ? offsetof(struct xdp_md, data) : offsetof(struct __sk_buff, data);
	const s16 to = xdp ? offsetof(struct xdp_md, data_end) :
			     offsetof(struct __sk_buff, data_end);

	if (!g->direct)
		return;
	ADD(BPF_LDX_MEM(BPF_W, BPF_REG_8, BPF_REG_6, from),
	    BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_6, to),
	    BPF_MOV64_REG(BPF_REG_1, BPF_REG_8), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, PACKET_BYTES),
	    BPF_JMP_REG(BPF_JLE, BPF_REG_1, BPF_REG_2, 2), BPF_MOV64_IMM(BPF_REG_0, XDP_ABORTED),
	    BPF_EXIT_INSN());
}

/* Completed when the function's place is known. */
static void names(struct gen *g, enum gen_func fn)
{
	g->call = g->p->n;
	g->fn = fn;
}

static void st_call(struct gen *g)
{
	names(g, FN_SUB);
	ADD(BPF_CALL_REL(0));
	after_call(g);
}

/* The callback works on the slots. */
static void st_bpf_loop(struct gen *g)
{
	if (pick(g, 2))
		ADD(BPF_MOV64_IMM(BPF_REG_1, (s32)pick(g, 20)));
	else
		ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_9), BPF_ALU64_IMM(BPF_AND, BPF_REG_1, 31));
	names(g, FN_LOOP);
	ADD(SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0),
	    SKEP_INSN(0, 0, 0, 0, 0), BPF_MOV64_REG(BPF_REG_3, BPF_REG_10),
	    BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, -64),
	    BPF_MOV64_IMM(BPF_REG_4, pick(g, 20) ? 0 : 1), BPF_EMIT_CALL(BPF_FUNC_loop));
	after_call(g);
}

/* Slot 0 is this program, the others are empty or none. */
static void st_tail(struct gen *g)
{
	if (g->nesting && pick(g, 2))
		return;
	if (pick(g, 3)) {
		ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), SKEP_LD_MAP(BPF_REG_2, MAP_PROGS),
		    BPF_MOV64_IMM(BPF_REG_3, (s32)pick(g, 4)), BPF_EMIT_CALL(BPF_FUNC_tail_call),
		    BPF_MOV64_IMM(BPF_REG_0, (s32)number(g)));
	} else {
		ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6));
		names(g, FN_TAIL);
		ADD(BPF_CALL_REL(0));
	}
	after_call(g);
	if (g->packet)
		load_packet(g), after_call(g);
}

/* REG = r10 + OFF. */
static void stack_at(struct gen *g, u8 reg, s32 off)
{
	ADD(BPF_MOV64_REG(reg, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, reg, off));
}

static void st_queue(struct gen *g)
{
	static const u8 calls[] = { BPF_FUNC_map_push_elem, BPF_FUNC_map_push_elem,
		BPF_FUNC_map_pop_elem, BPF_FUNC_map_peek_elem };
	u8 call = calls[pick(g, ARRAY_LEN(calls))];

	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_9, VALUE_AT));
	stack_at(g, BPF_REG_2, VALUE_AT);
	ADD(BPF_MOV64_IMM(BPF_REG_3, pick(g, 3) ? (s32)pick(g, 4) : BPF_EXIST),
	    SKEP_LD_MAP(BPF_REG_1, pick(g, 2) ? MAP_QUEUE : MAP_LIFO), BPF_EMIT_CALL(call),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_9, BPF_REG_10, VALUE_AT));
	after_call(g);
}

/* One of the list, which is what a new run removes; or a whole address. */
static void put_prefix(struct gen *g, bool whole)
{
	const struct gen_prefix *p = &gen_prefixes[pick(g, PREFIXES)];
	s32 addr;

	memcpy(&addr, p->addr, sizeof(addr));
	ADD(BPF_ST_MEM(BPF_W, BPF_REG_10, KEY_AT, whole ? 32 : (s32)p->bits),
	    BPF_ST_MEM(BPF_W, BPF_REG_10, KEY_AT + 4, addr));
	stack_at(g, BPF_REG_2, KEY_AT);
	ADD(SKEP_LD_MAP(BPF_REG_1, MAP_LPM));
}

static void st_lpm(struct gen *g)
{
	u32 what = pick(g, 4);

	put_prefix(g, what == 1 && pick(g, 2));
	switch (what) {
	case 0:
		ADD(BPF_EMIT_CALL(BPF_FUNC_map_delete_elem));
		break;
	case 1:
		ADD(BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
		    BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2),
		    BPF_ATOMIC_OP(BPF_DW, BPF_XOR, BPF_REG_0, BPF_REG_9, 0),
		    BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0));
		break;
	default:
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_9, VALUE_AT));
		stack_at(g, BPF_REG_3, VALUE_AT);
		ADD(BPF_MOV64_IMM(BPF_REG_4, (s32)pick(g, 4)),
		    BPF_EMIT_CALL(BPF_FUNC_map_update_elem));
	}
	after_call(g);
}

static void st_percpu(struct gen *g)
{
	ADD(BPF_ST_MEM(BPF_W, BPF_REG_10, KEY_AT, (s32)pick(g, KEYS + 1)));
	stack_at(g, BPF_REG_2, KEY_AT);
	ADD(SKEP_LD_MAP(BPF_REG_1, MAP_PERCPU), BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
	    BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 3),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_0, 0),
	    BPF_STX_MEM(BPF_DW, BPF_REG_0, BPF_REG_9, 0), BPF_MOV64_REG(BPF_REG_0, BPF_REG_1));
	after_call(g);
}

static void st_ring(struct gen *g)
{
	stack_at(g, BPF_REG_2, -64);
	ADD(SKEP_LD_MAP(BPF_REG_1, MAP_RING), BPF_MOV64_IMM(BPF_REG_3, (s32)pick(g, 65)),
	    BPF_MOV64_IMM(BPF_REG_4, (s32)pick(g, 5)), BPF_EMIT_CALL(BPF_FUNC_ringbuf_output));
	after_call(g);
	if (pick(g, 3))
		return;
	/* not the positions: they count the runs */
	ADD(SKEP_LD_MAP(BPF_REG_1, MAP_RING),
	    BPF_MOV64_IMM(BPF_REG_2, (s32)((const u8[]){ 0, 1, 4 })[pick(g, 3)]),
	    BPF_EMIT_CALL(BPF_FUNC_ringbuf_query));
	after_call(g);
}

/* Strings begin every 32 bytes. */
static s32 some_text(struct gen *g, u32 n) { return (s32)(32 * pick(g, n)); }

static void st_strncmp(struct gen *g)
{
	s64 text[2];

	memcpy(text, gen_text[pick(g, TEXTS)], sizeof(text));
	ADD(BPF_LD_IMM64(BPF_REG_1, text[0]), BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -64),
	    BPF_LD_IMM64(BPF_REG_1, text[1]), BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -56));
	stack_at(g, BPF_REG_1, -64);
	ADD(BPF_MOV64_IMM(BPF_REG_2, (s32)(1 + pick(g, 16))),
	    SKEP_LD_MAP_VALUE(BPF_REG_3, MAP_TEXT, some_text(g, 8)),
	    BPF_EMIT_CALL(BPF_FUNC_strncmp));
	after_call(g);
}

/* The first four strings are formats of three numbers. */
static void st_snprintf(struct gen *g)
{
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_7), BPF_MOV64_IMM(BPF_REG_2, (s32)pick(g, 65)),
	    SKEP_LD_MAP_VALUE(BPF_REG_3, MAP_TEXT, some_text(g, 4)));
	stack_at(g, BPF_REG_4, -64);
	ADD(BPF_MOV64_IMM(BPF_REG_5, pick(g, 100) ? 24 : 16), BPF_EMIT_CALL(BPF_FUNC_snprintf));
	after_call(g);
}

static void st_strtol(struct gen *g)
{
	static const char texts[][17] = { "0x7fffffffffffff", "-9223372036854775",
		"  -0777 rest    ", "18446744073709551", "0x", "-0", "08", "z", "\240+1" };
	s64 text[2];

	memcpy(text, texts[pick(g, ARRAY_LEN(texts))], sizeof(text));
	ADD(BPF_LD_IMM64(BPF_REG_1, text[0]), BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -64),
	    BPF_LD_IMM64(BPF_REG_1, text[1]), BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -56));
	stack_at(g, BPF_REG_1, -64);
	ADD(BPF_MOV64_IMM(BPF_REG_2, (s32)(1 + pick(g, 20))),
	    BPF_MOV64_IMM(BPF_REG_3, (s32)((const u8[]){ 0, 8, 10, 16, 2, 32 })[pick(g, 6)]),
	    BPF_ST_MEM(BPF_DW, BPF_REG_10, -32, 0));
	stack_at(g, BPF_REG_4, -32);
	ADD(BPF_EMIT_CALL(pick(g, 2) ? BPF_FUNC_strtol : BPF_FUNC_strtoul));
	after_call(g);
}

/* Changes a classifier's packet: its length, its tags, what belongs to it. */
static void skb_change(struct gen *g)
{
	static const struct { u8 call; s32 from, n, arg; } calls[] = {
		{ BPF_FUNC_skb_change_tail, 60, 500, 0 }, { BPF_FUNC_skb_pull_data, 0, 500, 0 },
		{ BPF_FUNC_skb_vlan_push, 0xa888, 1, 0x1005 },
		{ BPF_FUNC_skb_vlan_push, 0x0081, 2, 7 }, { BPF_FUNC_skb_vlan_pop, 0, 1, 0 },
		{ BPF_FUNC_skb_change_head, 1, 70, 0 }, { BPF_FUNC_csum_level, 0, 5, 0 },
		{ BPF_FUNC_skb_change_type, 0, 6, 0 }, { BPF_FUNC_skb_change_proto, 8, 1, 0 },
		{ BPF_FUNC_skb_change_proto, 0xdd86, 1, 0 },
	};
	u32 i = pick(g, ARRAY_LEN(calls));

	if (!offered(g, calls[i].call))
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6),
	    BPF_MOV64_IMM(BPF_REG_2, calls[i].from + (s32)pick(g, (u32)calls[i].n)),
	    BPF_MOV64_IMM(BPF_REG_3, calls[i].arg), BPF_EMIT_CALL(calls[i].call));
	load_packet(g);
	after_call(g);
}

static void st_adjust(struct gen *g)
{
	static const u8 calls[] = { BPF_FUNC_xdp_adjust_head, BPF_FUNC_xdp_adjust_tail,
		BPF_FUNC_xdp_adjust_meta };

	if (!g->packet || g->nesting)
		return;
	if (g->p->type != BPF_PROG_TYPE_XDP) {
		skb_change(g);
		return;
	}
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6),
	    BPF_MOV64_IMM(BPF_REG_2, (s32)pick(g, 40) * 4 - 80),
	    BPF_EMIT_CALL(calls[pick(g, ARRAY_LEN(calls))]));
	load_packet(g);
	after_call(g);
}

static u8 bytes_call(struct gen *g, bool store)
{
	if (g->p->type == BPF_PROG_TYPE_XDP)
		return store ? BPF_FUNC_xdp_store_bytes : BPF_FUNC_xdp_load_bytes;
	return store && offered(g, BPF_FUNC_skb_store_bytes) ? BPF_FUNC_skb_store_bytes :
							       BPF_FUNC_skb_load_bytes;
}

static void st_load_bytes(struct gen *g)
{
	bool store = pick(g, 2);
	u32 off = pick(g, 4) ? pick(g, 80) : pick(g, 3) ? pick(g, 700) : (u32)number(g);

	if (!g->packet)
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_IMM(BPF_REG_2, (s32)off));
	if (pick(g, 2))
		stack_at(g, BPF_REG_3, -64);
	else
		ADD(BPF_MOV64_REG(BPF_REG_3, BPF_REG_7));
	ADD(BPF_MOV64_IMM(BPF_REG_4, (s32)(1 + pick(g, 64))),
	    BPF_MOV64_IMM(BPF_REG_5, (s32)pick(g, 4)), BPF_EMIT_CALL(bytes_call(g, store)));
	load_packet(g);
	after_call(g);
}

/* Checksums in a classifier's packet. */
static void st_csum_replace(struct gen *g)
{
	static const s32 flags[] = { 0, 2, 4, 0x12, 0x14, 0x20, 0x24, 0x34, 1, 3 };
	bool l3 = pick(g, 2);

	if (!g->packet || !offered(g, BPF_FUNC_l4_csum_replace))
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_IMM(BPF_REG_2, (s32)pick(g, 70)),
	    BPF_MOV64_REG(BPF_REG_3, pick(g, 2) ? BPF_REG_0 : BPF_REG_9),
	    BPF_MOV64_REG(BPF_REG_4, BPF_REG_9),
	    BPF_MOV64_IMM(BPF_REG_5, l3 ? (s32)pick(g, 5) : flags[pick(g, ARRAY_LEN(flags))]),
	    BPF_EMIT_CALL(l3 ? BPF_FUNC_l3_csum_replace : BPF_FUNC_l4_csum_replace));
	load_packet(g);
	after_call(g);
}

/* Fields of a context that both sides must know and that may be compared. */
static void st_context(struct gen *g)
{
	static const u8 reads[] = {
		offsetof(struct __sk_buff, len), offsetof(struct __sk_buff, pkt_type),
		offsetof(struct __sk_buff, protocol), offsetof(struct __sk_buff, vlan_present),
		offsetof(struct __sk_buff, vlan_tci), offsetof(struct __sk_buff, vlan_proto),
		offsetof(struct __sk_buff, cb[1]), offsetof(struct __sk_buff, mark),
		offsetof(struct __sk_buff, queue_mapping), offsetof(struct __sk_buff, ifindex),
		offsetof(struct __sk_buff, gso_segs), offsetof(struct __sk_buff, tc_index),
	}, writes[] = {
		offsetof(struct __sk_buff, mark), offsetof(struct __sk_buff, cb[1]),
		offsetof(struct __sk_buff, priority), offsetof(struct __sk_buff, cb[4]),
		offsetof(struct __sk_buff, tc_index),
	};
	u8 r = scalar(g), off;
	bool write = pick(g, 2);
	const struct ctx_field *f;

	if (!g->packet)
		return;
	if (g->p->type == BPF_PROG_TYPE_XDP) {
		ADD(BPF_LDX_MEM(BPF_W, r, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index)));
		return;
	}
	off = write ? writes[pick(g, ARRAY_LEN(writes))] : reads[pick(g, ARRAY_LEN(reads))];
	f = ctx_field(ctx_desc(g->p->type), off, 4);
	if (!f || !(f->flags & (write ? CTX_WRITE : CTX_READ)))
		return;
	if (write)
		ADD(BPF_STX_MEM(BPF_W, BPF_REG_6, r, off));
	else
		ADD(BPF_LDX_MEM(BPF_W, r, BPF_REG_6, off));
}

static bool legacy_loads(u32 type)
{
	return type == BPF_PROG_TYPE_SOCKET_FILTER || type == BPF_PROG_TYPE_SCHED_CLS ||
	       type == BPF_PROG_TYPE_SCHED_ACT;
}

/* As classic BPF loads from packets; outside of them that ends the program. */
static void st_legacy(struct gen *g)
{
	static const s32 at[] = { 0, 1, 12, 14, 30, 60, 400, -0x100000, -0x100000 + 9,
		-0x200000, -0x200000 + 12, -1 };
	enum isa_op op = mem_row(g, KIND_LD_ABS, KIND_LD_IND);
	struct bpf_insn in = row_insn(g, op);

	if (!g->packet || !legacy_loads(g->p->type))
		return;
	in.imm = at[pick(g, pick(g, 6) ? 5 : ARRAY_LEN(at))];
	if (isa_rows[op].kind == KIND_LD_IND && pick(g, 3))
		ADD(BPF_ALU64_IMM(BPF_AND, in.src_reg, 31));
	add(g, in);
	after_call(g);
}

/* ---- functions of the kernel -------------------------------------------------- */

#define KFUNC(ext) SKEP_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, ext)

/* A section of readers. */
static void st_rcu(struct gen *g)
{
	if (g->nesting)
		return;
	ADD(KFUNC(EXT_RCU_LOCK), BPF_MOV64_IMM(BPF_REG_0, (s32)number(g)));
	after_call(g);
	for (u32 i = 0, n = pick(g, 4); i < n; i++)
		st_alu(g);
	ADD(KFUNC(EXT_RCU_UNLOCK), BPF_MOV64_IMM(BPF_REG_0, (s32)number(g)));
	after_call(g);
}

/* Numbers from an iterator, which the slots have room for, go into r9. */
static void st_iter(struct gen *g)
{
	const s32 it = -112;
	u32 next;

	if (g->nesting)
		return;
	stack_at(g, BPF_REG_1, it);
	ADD(BPF_MOV64_IMM(BPF_REG_2, (s32)pick(g, 20) - 10),
	    BPF_MOV64_IMM(BPF_REG_3, (s32)pick(g, 20)), KFUNC(EXT_ITER_NEW));
	next = g->p->n;
	stack_at(g, BPF_REG_1, it);
	ADD(KFUNC(EXT_ITER_NEXT), BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 3),
	    BPF_LDX_MEM(BPF_W, BPF_REG_9, BPF_REG_0, 0), BPF_ALU64_IMM(BPF_MUL, BPF_REG_9, 7));
	ADD(BPF_JMP_A((s16)(next - g->p->n - 1)));
	stack_at(g, BPF_REG_1, it);
	ADD(KFUNC(EXT_ITER_DESTROY));
	ADD(BPF_MOV64_IMM(BPF_REG_0, (s32)number(g)));
	after_call(g);
}

static void simple(struct gen *g);

/* ---- control ------------------------------------------------------------------------ */

static void st_if(struct gen *g)
{
	u32 at, n = 1 + pick(g, 4);
	enum isa_op op;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while (isa_rows[op].kind < KIND_JMP_JEQ || isa_rows[op].kind > KIND_JMP_JSLE);
	at = g->p->n;
	add(g, row_insn(g, op));
	g->nesting++;
	for (u32 i = 0; i < n; i++)
		simple(g);
	g->nesting--;
	g->p->v[at].off = (s16)(g->p->n - at - 1);
}

/* The counter has a slot of its own. */
static void st_loop(struct gen *g)
{
	u32 head, n = 1 + pick(g, 3);
	const s16 counter = -96;

	if (g->nesting)
		return;
	ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, counter, (s32)(1 + pick(g, 6))));
	head = g->p->n;
	g->nesting++;
	for (u32 i = 0; i < n; i++)
		st_alu(g);
	g->nesting--;
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, counter),
	    BPF_ALU64_IMM(BPF_SUB, BPF_REG_1, 1),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, counter));
	add(g, (struct bpf_insn)BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 0,
					    (s16)(head - g->p->n - 1)));
}

/* may_goto never ends this loop: the counter does. */
static void st_may_goto(struct gen *g)
{
	u32 head, leave, n = 1 + pick(g, 3);
	const s16 counter = -104;

	if (g->nesting)
		return;
	ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, counter, (s32)(1 + pick(g, 50))));
	head = g->p->n;
	ADD(SKEP_INSN(isa_rows[OP_MAY_GOTO].opcode, 0, 0, 0, 0));
	for (u32 i = 0; i < n; i++)
		st_alu(g);
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, counter),
	    BPF_ALU64_IMM(BPF_SUB, BPF_REG_1, 1),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, counter));
	leave = g->p->n;
	ADD(BPF_JMP_IMM(BPF_JEQ, BPF_REG_1, 0, 1), BPF_JMP_A((s16)(head - leave - 2)));
	g->p->v[head].off = (s16)(g->p->n - head - 1);
}

/* Two ways, of which JA or JA32 jumps over the second. */
static void st_else(struct gen *g)
{
	bool far = pick(g, 2);
	u32 at = g->p->n, ja;

	ADD(SKEP_INSN(pick(g, 2) ? BPF_JMP32 | BPF_JSLT | BPF_X : BPF_JMP32 | BPF_JSET | BPF_X,
		      scalar(g), scalar(g), 0, 0));
	g->nesting++;
	simple(g);
	ja = g->p->n;
	ADD(SKEP_INSN(far ? BPF_JMP32 | BPF_JA : BPF_JMP | BPF_JA, 0, 0, 0, 0));
	g->p->v[at].off = (s16)(g->p->n - at - 1);
	simple(g);
	g->nesting--;
	if (far)
		g->p->v[ja].imm = (s32)(g->p->n - ja - 1);
	else
		g->p->v[ja].off = (s16)(g->p->n - ja - 1);
}

/* ---- the whole ------------------------------------------------------------------------ */

static void (*const simples[])(struct gen *) = {
	st_alu, st_alu, st_alu, st_alu, st_load_number, st_load, st_store, st_load, st_store,
	st_atomic,
};

static void (*const statements[])(struct gen *) = {
	st_alu, st_alu, st_alu, st_load_number, st_load, st_store, st_atomic, st_variable,
	st_lookup, st_update, st_delete, st_csum, st_call, st_adjust, st_load_bytes,
	st_if, st_if, st_if, st_loop, st_bpf_loop, st_tail, st_queue, st_queue, st_lpm, st_lpm,
	st_percpu, st_ring, st_strncmp, st_snprintf, st_strtol, st_csum_replace, st_may_goto,
	st_else, st_context, st_legacy, st_rcu, st_iter,
};

static void simple(struct gen *g) { simples[pick(g, ARRAY_LEN(simples))](g); }

static void prologue(struct gen *g)
{
	ADD(BPF_MOV64_REG(BPF_REG_6, BPF_REG_1));
	if (g->packet)
		load_packet(g);
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_7, 0, 0));
	for (s16 i = 1; i <= 8; i++)
		ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, -8 * i, (s32)number(g)));
	ADD(BPF_MOV64_IMM(BPF_REG_0, (s32)number(g)), BPF_MOV64_IMM(BPF_REG_9, (s32)number(g)));
	after_call(g);
}

/* Everything that can be seen goes to map 2. */
static void epilogue(struct gen *g)
{
	static const u8 regs[] = { 0, 1, 2, 3, 4, 5, 9 };

	ADD(SKEP_LD_MAP_VALUE(BPF_REG_8, 2, 0));
	for (u32 i = 0; i < ARRAY_LEN(regs); i++)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_8, regs[i], (s16)(8 * i)));
	for (u32 i = 0; i < 8; i++)
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, (s16)(-8 * (s32)(i + 1))),
		    BPF_STX_MEM(BPF_DW, BPF_REG_8, BPF_REG_1,
				(s16)(8 * (ARRAY_LEN(regs) + i))));
	if (g->result_mask)
		ADD(BPF_ALU64_IMM(BPF_AND, BPF_REG_0, g->result_mask));
	ADD(BPF_EXIT_INSN());
}

/* A function of r1 and r2, with a stack of its own. */
static void subprogram(struct gen *g)
{
	bool direct = g->direct;

	ADD(BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_2, -8),
	    BPF_MOV64_IMM(BPF_REG_3, (s32)number(g)), BPF_MOV64_IMM(BPF_REG_4, (s32)number(g)),
	    BPF_MOV64_IMM(BPF_REG_5, (s32)number(g)), BPF_MOV64_REG(BPF_REG_9, BPF_REG_2));
	g->direct = false;
	for (u32 i = 0, n = 1 + pick(g, 8); i < n; i++)
		st_alu(g);
	g->direct = direct;
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
	    BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_1), BPF_EXIT_INSN());
}

/* r1 = the round, r2 = the slots: they change; another round or not. */
static void loop_callback(struct gen *g)
{
	bool direct = g->direct;

	g->direct = false;
	ADD(BPF_MOV64_REG(BPF_REG_6, BPF_REG_2), BPF_MOV64_REG(BPF_REG_0, BPF_REG_1),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_9, BPF_REG_6, (s16)(8 * pick(g, 8))));
	after_call(g);
	for (u32 i = 0, n = 1 + pick(g, 6); i < n; i++)
		st_alu(g);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_9, (s16)(8 * pick(g, 8))),
	    BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 1), BPF_EXIT_INSN());
	g->direct = direct;
}

/* r1 = the context: what slot 0 gives, or 5. */
static void tail_function(struct gen *g)
{
	ADD(SKEP_LD_MAP(BPF_REG_2, MAP_PROGS), BPF_MOV64_IMM(BPF_REG_3, (s32)pick(g, 2)),
	    BPF_EMIT_CALL(BPF_FUNC_tail_call), BPF_MOV64_IMM(BPF_REG_0, 5), BPF_EXIT_INSN());
}

struct name {
	u32 at;
	enum gen_func fn;
};

/* The functions that CALLS name, and the places in CALLS. */
static void functions(struct gen *g, const struct name *calls, u32 n)
{
	static void (*const bodies[NR_FUNCS])(struct gen *) = { subprogram, loop_callback,
		tail_function };

	for (u32 fn = 0; fn < NR_FUNCS; fn++) {
		u32 at = g->p->n;
		bool named = false;

		for (u32 i = 0; i < n; i++)
			if (calls[i].fn == fn) {
				g->p->v[calls[i].at].imm = (s32)(at - calls[i].at - 1);
				named = true;
			}
		if (!named)
			continue;
		bodies[fn](g);
	}
}

/* A type, more often those with more to do. */
static void choose_type(struct gen *g)
{
	enum { DIRECT = 1, WRITES = 2 };
	static const struct { u32 type, attach, flags; s32 mask; } types[] = {
		{ BPF_PROG_TYPE_XDP, 0, DIRECT | WRITES, 0 },
		{ BPF_PROG_TYPE_XDP, 0, DIRECT | WRITES, 0 },
		{ BPF_PROG_TYPE_XDP, 0, DIRECT | WRITES, 0 },
		{ BPF_PROG_TYPE_SCHED_CLS, 0, DIRECT | WRITES, 0 },
		{ BPF_PROG_TYPE_SCHED_CLS, 0, DIRECT | WRITES, 0 },
		{ BPF_PROG_TYPE_SCHED_ACT, 0, DIRECT | WRITES, 0 },
		{ BPF_PROG_TYPE_SOCKET_FILTER, 0, 0, 0 },
		{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, DIRECT, 1 },
		{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, DIRECT, 3 },
		{ BPF_PROG_TYPE_LWT_XMIT, 0, DIRECT | WRITES, 0 },
		{ BPF_PROG_TYPE_LWT_IN, 0, DIRECT, 0 },
	};
	u32 i = pick(g, ARRAY_LEN(types));

	g->p->type = types[i].type;
	g->p->attach = types[i].attach;
	g->packet = pick(g, 2);
	g->direct = g->packet && types[i].flags & DIRECT;
	g->writes = types[i].flags & WRITES;
	g->result_mask = types[i].mask;
}

void gen_program(struct diff_prog *p, u64 seed, u64 skip)
{
	struct gen gen = { .p = p, .rnd = seed }, *g = &gen;
	u32 n = 1 + pick(g, GEN_STATEMENTS), nr_calls = 0;
	struct name calls[GEN_STATEMENTS];

	p->n = 0;
	choose_type(g);
	prologue(g);
	for (u32 i = 0; i < n; i++) {
		g->rnd = seed ^ (0xd1342543de82ef95 * (i + 1));
		g->call = 0;
		if (!(skip >> i & 1))
			statements[pick(g, ARRAY_LEN(statements))](g);
		if (g->call)
			calls[nr_calls++] = (struct name){ g->call, g->fn };
	}
	g->rnd = ~seed;
	epilogue(g);
	functions(g, calls, nr_calls);
}

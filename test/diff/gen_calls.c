/* SPDX-License-Identifier: BSD-2-Clause */
/* gen_calls.c: statements that call helpers and functions of the kernel, or look at
 * the context. */
#include "diff/gen_inner.h"
#include "model/tables.h"

void gen_load_packet(struct gen *g)
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

enum { KEY_AT = -72, VALUE_AT = -88 };

static void put_key(struct gen *g)
{
	ADD(BPF_ST_MEM(BPF_W, BPF_REG_10, KEY_AT, (s32)pick(g, KEYS)),
	    BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, KEY_AT));
}

/* Maps of the same keys and values. */
static s32 hash_map(struct gen *g)
{
	return (const s32[]){ MAP_HASH, MAP_HASH, MAP_LRU, MAP_PERCPU_HASH }[pick(g, 4)];
}

static void st_lookup(struct gen *g)
{
	put_key(g);
	ADD(SKEP_LD_MAP(BPF_REG_1, hash_map(g)), BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
	    BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2),
	    BPF_STX_MEM(BPF_DW, BPF_REG_0, BPF_REG_9, 8),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0));
	after_call(g);
}

static void map_error(struct gen *g)
{
	if (has_quirk(g, QUIRK_MAP_ERROR))
		ADD(BPF_MOV32_REG(BPF_REG_0, BPF_REG_0));
}

static void st_update(struct gen *g)
{
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_9, VALUE_AT),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_9, VALUE_AT + 8));
	put_key(g);
	ADD(BPF_MOV64_REG(BPF_REG_3, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, VALUE_AT),
	    BPF_MOV64_IMM(BPF_REG_4, (s32)pick(g, 4)), SKEP_LD_MAP(BPF_REG_1, hash_map(g)),
	    BPF_EMIT_CALL(BPF_FUNC_map_update_elem));
	map_error(g);
	after_call(g);
}

static void st_delete(struct gen *g)
{
	put_key(g);
	ADD(SKEP_LD_MAP(BPF_REG_1, hash_map(g)), BPF_EMIT_CALL(BPF_FUNC_map_delete_elem));
	map_error(g);
	after_call(g);
}

static bool offered(const struct gen *g, u32 helper)
{
	return g->level ? g->level->helpers[g->p->type][helper] :
			  helper_offered(helper, g->p->type);
}

/* r0, a sum of 32 bits, in 16, of which one means 0. */
static void fold(struct gen *g)
{
	for (u32 i = 0; i < 2; i++)
		ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_0), BPF_ALU64_IMM(BPF_RSH, BPF_REG_1, 16),
		    BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 0xffff),
		    BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_1));
	ADD(BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0xffff, 1), BPF_MOV64_IMM(BPF_REG_0, 0));
}

static void st_csum(struct gen *g)
{
	u32 from = 4 * pick(g, 9), to = 4 * pick(g, 9);

	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -64),
	    BPF_MOV64_IMM(BPF_REG_2, (s32)from), BPF_MOV64_REG(BPF_REG_3, BPF_REG_7),
	    BPF_MOV64_IMM(BPF_REG_4, (s32)to), BPF_MOV64_REG(BPF_REG_5, BPF_REG_9),
	    BPF_EMIT_CALL(BPF_FUNC_csum_diff));
	if (has_quirk(g, QUIRK_CSUM_WIDE))
		fold(g);
	after_call(g);
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

/* The slots keep what they have, and a verifier no longer knows what that is. */
static void hide_slots(struct gen *g)
{
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_7, 0));
	for (s16 at = -64; at < 0; at += 8)
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_10, at),
		    BPF_ALU64_REG(BPF_XOR, BPF_REG_2, BPF_REG_1),
		    BPF_ALU64_REG(BPF_XOR, BPF_REG_2, BPF_REG_1),
		    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_2, at));
}

/* The callback works on the slots. */
static void st_bpf_loop(struct gen *g)
{
	if (has_quirk(g, QUIRK_CALLBACK_ONCE))
		hide_slots(g);
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

/* The callback adds keys and values up in a slot. */
static void st_for_each(struct gen *g)
{
	ADD(SKEP_LD_MAP(BPF_REG_1, pick(g, 2) ? hash_map(g) : MAP_PERCPU));
	names(g, FN_EACH);
	ADD(SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0),
	    SKEP_INSN(0, 0, 0, 0, 0), BPF_MOV64_REG(BPF_REG_3, BPF_REG_10),
	    BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, -64),
	    BPF_MOV64_IMM(BPF_REG_4, pick(g, 20) ? 0 : 1),
	    BPF_EMIT_CALL(BPF_FUNC_for_each_map_elem));
	map_error(g);
	after_call(g);
}

/* A slot below N of the prog array, which has two: this program, and none. */
s32 gen_slot(struct gen *g, u32 n)
{
	u32 slot = pick(g, n);

	return slot == 1 && has_quirk(g, QUIRK_TAIL_EMPTY) ? 0 : (s32)slot;
}

static void st_tail(struct gen *g)
{
	if (g->nesting && pick(g, 2))
		return;
	if (pick(g, 3) || has_quirk(g, QUIRK_TAIL_COUNT)) {
		ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), SKEP_LD_MAP(BPF_REG_2, MAP_PROGS),
		    BPF_MOV64_IMM(BPF_REG_3, gen_slot(g, 4)), BPF_EMIT_CALL(BPF_FUNC_tail_call),
		    BPF_MOV64_IMM(BPF_REG_0, (s32)number(g)));
	} else {
		ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6));
		names(g, FN_TAIL);
		ADD(BPF_CALL_REL(0));
	}
	after_call(g);
	if (g->packet)
		gen_load_packet(g), after_call(g);
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
	map_error(g);
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
		map_error(g);
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
		map_error(g);
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

/* Counts runs of the next four instructions at the end of the result, and leaves them
 * out when there were some. */
static void few_moves(struct gen *g)
{
	enum { MOVES = 6, AT = RESULT_BYTES - 8 };

	ADD(SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_RESULT, AT),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_1, 0), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, 1),
	    BPF_STX_MEM(BPF_DW, BPF_REG_1, BPF_REG_2, 0),
	    BPF_JMP_IMM(BPF_JGT, BPF_REG_2, MOVES, 4));
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
	if (has_quirk(g, QUIRK_SKB_MOVES))
		few_moves(g);
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6),
	    BPF_MOV64_IMM(BPF_REG_2, calls[i].from + (s32)pick(g, (u32)calls[i].n)),
	    BPF_MOV64_IMM(BPF_REG_3, calls[i].arg), BPF_EMIT_CALL(calls[i].call));
	gen_load_packet(g);
	after_call(g);
}

/* Leaves the next three instructions out where they would make more metadata than
 * old kernels have. */
static void small_meta(struct gen *g, s32 by)
{
	ADD(BPF_LDX_MEM(BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct xdp_md, data)),
	    BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, data_meta)),
	    BPF_ALU64_REG(BPF_SUB, BPF_REG_1, BPF_REG_2),
	    BPF_JMP_IMM(BPF_JSGT, BPF_REG_1, 32 + by, 3));
}

static void st_adjust(struct gen *g)
{
	static const u8 calls[] = { BPF_FUNC_xdp_adjust_head, BPF_FUNC_xdp_adjust_tail,
		BPF_FUNC_xdp_adjust_meta };
	u8 call;
	s32 by;

	if (!g->packet || g->nesting)
		return;
	if (g->p->type != BPF_PROG_TYPE_XDP) {
		skb_change(g);
		return;
	}
	call = calls[pick(g, ARRAY_LEN(calls))];
	by = (s32)pick(g, 40) * 4 - 80;
	if (!offered(g, call))
		return;
	if (call == BPF_FUNC_xdp_adjust_meta && has_quirk(g, QUIRK_META_32))
		small_meta(g, by);
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6),
	    BPF_MOV64_IMM(BPF_REG_2, by), BPF_EMIT_CALL(call));
	gen_load_packet(g);
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
	u8 call = bytes_call(g, pick(g, 2));
	u32 off = pick(g, 4) ? pick(g, 80) : pick(g, 3) ? pick(g, 700) : (u32)number(g);

	if (!g->packet || !offered(g, call))
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_IMM(BPF_REG_2, (s32)off));
	if (pick(g, 2))
		stack_at(g, BPF_REG_3, -64);
	else
		ADD(BPF_MOV64_REG(BPF_REG_3, BPF_REG_7));
	ADD(BPF_MOV64_IMM(BPF_REG_4, (s32)(1 + pick(g, 64))),
	    BPF_MOV64_IMM(BPF_REG_5, (s32)pick(g, 4)), BPF_EMIT_CALL(call));
	gen_load_packet(g);
	after_call(g);
}

/* Checksums in a classifier's packet. */
static void st_csum_replace(struct gen *g)
{
	static const s32 flags[] = { 0, 2, 4, 0x12, 0x14, 0x20, 0x24, 0x34, 1, 3 };
	bool l3 = pick(g, 2);

	if (!g->packet || !offered(g, BPF_FUNC_l3_csum_replace) ||
	    !offered(g, BPF_FUNC_l4_csum_replace))
		return;
	ADD(BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_IMM(BPF_REG_2, (s32)pick(g, 70)),
	    BPF_MOV64_REG(BPF_REG_3, pick(g, 2) ? BPF_REG_0 : BPF_REG_9),
	    BPF_MOV64_REG(BPF_REG_4, BPF_REG_9),
	    BPF_MOV64_IMM(BPF_REG_5, l3 ? (s32)pick(g, 5) : flags[pick(g, ARRAY_LEN(flags))]),
	    BPF_EMIT_CALL(l3 ? BPF_FUNC_l3_csum_replace : BPF_FUNC_l4_csum_replace));
	gen_load_packet(g);
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
	if ((off == offsetof(struct __sk_buff, vlan_proto) ||
	     off == offsetof(struct __sk_buff, vlan_tci)) && has_quirk(g, QUIRK_VLAN_STALE))
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
	enum isa_op op = gen_row(g, KIND_LD_ABS, KIND_LD_IND);
	struct bpf_insn in = gen_row_insn(g, op);

	if (!g->packet || !legacy_loads(g->p->type))
		return;
	in.imm = at[pick(g, pick(g, 6) ? 5 : ARRAY_LEN(at))];
	if (has_quirk(g, QUIRK_VLAN_NET) && in.imm < -1 && in.imm >= -0x100000)
		return;
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
		gen_alu(g);
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

/* Statements, the helpers that each calls in any case, whether it calls functions of
 * the kernel. */
static const struct {
	gen_statement make;
	u8 needs[3];
	bool kfuncs;
} calls[] = {
	{ st_lookup, { BPF_FUNC_map_lookup_elem }, false },
	{ st_update, { BPF_FUNC_map_update_elem }, false },
	{ st_delete, { BPF_FUNC_map_delete_elem }, false },
	{ st_csum, { BPF_FUNC_csum_diff }, false },
	{ st_call, { 0 }, false },
	{ st_adjust, { 0 }, false },
	{ st_load_bytes, { 0 }, false },
	{ st_bpf_loop, { BPF_FUNC_loop }, false },
	{ st_tail, { BPF_FUNC_tail_call }, false },
	{ st_queue, { BPF_FUNC_map_push_elem, BPF_FUNC_map_pop_elem, BPF_FUNC_map_peek_elem },
	  false },
	{ st_queue, { BPF_FUNC_map_push_elem, BPF_FUNC_map_pop_elem, BPF_FUNC_map_peek_elem },
	  false },
	{ st_lpm, { BPF_FUNC_map_lookup_elem }, false },
	{ st_lpm, { BPF_FUNC_map_lookup_elem }, false },
	{ st_percpu, { BPF_FUNC_map_lookup_elem }, false },
	{ st_ring, { BPF_FUNC_ringbuf_output, BPF_FUNC_ringbuf_query }, false },
	{ st_strncmp, { BPF_FUNC_strncmp }, false },
	{ st_snprintf, { BPF_FUNC_snprintf }, false },
	{ st_strtol, { BPF_FUNC_strtol, BPF_FUNC_strtoul }, false },
	{ st_csum_replace, { 0 }, false },
	{ st_context, { 0 }, false },
	{ st_legacy, { 0 }, false },
	{ st_rcu, { 0 }, true },
	{ st_iter, { 0 }, true },
	{ st_for_each, { BPF_FUNC_for_each_map_elem }, false },
};

void gen_call(struct gen *g)
{
	u32 at = pick(g, ARRAY_LEN(calls));

	if (calls[at].kfuncs && g->level && !g->level->kfuncs)
		return;
	for (size_t i = 0; i < ARRAY_LEN(calls[at].needs) && calls[at].needs[i]; i++)
		if (!offered(g, calls[at].needs[i]))
			return;
	calls[at].make(g);
}

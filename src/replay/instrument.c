/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instrument.c: programs that tell what they saw; see kernel.h. In: an image and what the
 * verifier knows of its programs. Out: another image of the same programs with more
 * instructions, which a kernel verifies as any. What a program does is not changed: only
 * registers that it does not read any more and stack that it does not have are written.
 *
 * A run takes a slot of memory at its start, whose address lies on the stack of each
 * function; words are appended there, and at its end all go through the ring buffer. How
 * far a slot is filled is known to its memory alone, so that the verifier's states do not
 * become more. A run that finds no slot free writes to one that nobody reads, and is counted.
 */
#include "base/vec.h"
#include "isa/isa.h"
#include "replay/kernel.h"
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP };

enum { HEAD = sizeof(struct tell_head), STACK_BYTES = 512 };
#define HEAD_OFF(field) ((s16)offsetof(struct tell_head, field))
#define TAIL_OFF(field) ((s16)offsetof(struct tell_tail, field))

/* Where things lie below a function's own stack. */
enum place {
	AT_CTX = 8,		/* what a callback is handed, behind the slot's address */
	AT_SLOT = 16,		/* the slot's address */
	AT_SPILL = 24,		/* registers, 8 bytes each */
	SPILLS_CALL = 2 * PLAN_OUTS + 1,	/* pointer and size of each, r0 */
};

#define NO_ORIGIN 0xffffffffu

struct maker {
	struct tell *t;
	const struct image *img;
	const struct image_prog *prog;
	const struct verify_result *r;
	const struct plan *plan;
	u32 index;		/* of the program */
	VEC(struct bpf_insn) out;
	VEC(u32) origin;	/* of each slot of OUT: that it is a copy of, or NO_ORIGIN */
	u32 *to, *entry;	/* [nr_insns + 1] where jumps to a slot, calls of it go */
	u32 at;
	const struct plan_func *func;
	const char *refused;
};

/* ---- single instructions ----------------------------------------------------- */

static void put(struct maker *m, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	*vec_push(&m->out) = (struct bpf_insn){ code, (u8)(dst & 15), (u8)(src & 15), off, imm };
	*vec_push(&m->origin) = NO_ORIGIN;
}

static void mov(struct maker *m, u8 dst, u8 src)
{
	put(m, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void mov_imm(struct maker *m, u8 dst, s32 imm)
{
	put(m, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void add(struct maker *m, u8 dst, u8 src)
{
	put(m, BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0);
}

static void add_imm(struct maker *m, u8 dst, s32 imm)
{
	put(m, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}

static void load(struct maker *m, u8 size, u8 dst, u8 src, s16 off)
{
	put(m, BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}

static void store(struct maker *m, u8 size, u8 dst, s16 off, u8 src)
{
	put(m, BPF_STX | BPF_MEM | size, dst, src, off, 0);
}

static void store_imm(struct maker *m, u8 size, u8 dst, s16 off, s32 imm)
{
	put(m, BPF_ST | BPF_MEM | size, dst, 0, off, imm);
}

static void call(struct maker *m, s32 helper)
{
	put(m, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void lddw(struct maker *m, u8 dst, u8 pseudo, u32 map, u32 off)
{
	put(m, BPF_LD | BPF_IMM | BPF_DW, dst, pseudo, 0, (s32)map);
	put(m, 0, 0, 0, 0, (s32)off);
}

/* A jump forward whose end is not known yet: land() says where. */
static u32 jump(struct maker *m, u8 op, u8 dst, s32 imm)
{
	put(m, (u8)(BPF_JMP | op | BPF_K), dst, 0, 0, imm);
	return (u32)m->out.n - 1;
}

static void land(struct maker *m, u32 jump)
{
	m->out.v[jump].off = (s16)(m->out.n - jump - 1);
}

/* ---- the stack --------------------------------------------------------------- */

/* Offset of what is PLACE bytes below what the function has itself. */
static s16 below(struct maker *m, u32 place)
{
	u32 bytes = (u32)round_up(m->func->depth, 8) + place;

	if (bytes > STACK_BYTES && !m->refused)
		m->refused = "no room on the stack";
	return (s16)-(s32)bytes;
}

static s16 spill_at(struct maker *m, u32 i) { return below(m, AT_SPILL + 8 * i); }

static void spill(struct maker *m, u32 i, u8 reg) { store(m, BPF_DW, FP, spill_at(m, i), reg); }

static void unspill(struct maker *m, u32 i, u8 reg) { load(m, BPF_DW, reg, FP, spill_at(m, i)); }

static void get_slot(struct maker *m, u8 reg) { load(m, BPF_DW, reg, FP, below(m, AT_SLOT)); }

static void set_slot(struct maker *m, u8 reg) { store(m, BPF_DW, FP, below(m, AT_SLOT), reg); }

/* ---- words ------------------------------------------------------------------- */

/* Appends registers V[N]; A and B are free. */
static void put_words(struct maker *m, const u8 *v, u32 n, u8 a, u8 b)
{
	u32 full;

	get_slot(m, a);
	load(m, BPF_W, b, a, HEAD_OFF(pos));
	add_imm(m, b, (s32)(8 * n));
	store(m, BPF_W, a, HEAD_OFF(pos), b);
	full = jump(m, BPF_JGT, b, TELL_WORDS);
	add(m, a, b);
	for (u32 i = 0; i < n; i++)
		store(m, BPF_DW, a, (s16)(HEAD - 8 * (s32)(n - i)), v[i]);
	land(m, full);
}

/* Two registers that nobody reads at slot AT: which of them must be kept, as bits. */
static u16 free_two(const struct maker *m, u32 at, u16 used, u8 *regs)
{
	u16 live = at < m->prog->nr_insns ? m->r->insns[at].live : 0, keep = 0;
	u32 n = 0;

	for (u8 reg = R0; n < 2 && reg < FP; reg++)
		if (!((live | used) & 1u << reg))
			regs[n++] = reg;
	for (u8 reg = R0; n < 2 && reg < FP; reg++)
		if (live & 1u << reg && !(used & 1u << reg)) {
			keep |= (u16)(1u << reg);
			regs[n++] = reg;
		}
	return keep;
}

static void keep_two(struct maker *m, u16 keep, const u8 *regs)
{
	for (u32 i = 0; i < 2; i++)
		if (keep & 1u << regs[i])
			spill(m, i, regs[i]);
}

static void give_two(struct maker *m, u16 keep, const u8 *regs)
{
	for (u32 i = 0; i < 2; i++)
		if (keep & 1u << regs[i])
			unspill(m, i, regs[i]);
}

/* The value that register REG has, where the next instruction is AT. */
static void put_value(struct maker *m, u8 reg, u32 at)
{
	u8 two[2];
	u16 keep = free_two(m, at, (u16)(1u << reg), two);

	keep_two(m, keep, two);
	put_words(m, &reg, 1, two[0], two[1]);
	give_two(m, keep, two);
}

/* Appends IMM, where the next instruction is AT. */
static void put_imm(struct maker *m, s32 imm, u32 at)
{
	u8 two[2];
	u16 keep = free_two(m, at, 0, two);
	u32 full;

	keep_two(m, keep, two);
	get_slot(m, two[0]);
	load(m, BPF_W, two[1], two[0], HEAD_OFF(pos));
	add_imm(m, two[1], 8);
	store(m, BPF_W, two[0], HEAD_OFF(pos), two[1]);
	full = jump(m, BPF_JGT, two[1], TELL_WORDS);
	add(m, two[0], two[1]);
	store_imm(m, BPF_DW, two[0], HEAD - 8, imm);
	land(m, full);
	give_two(m, keep, two);
}

/* ---- calls ------------------------------------------------------------------- */

/* What will be needed of the arguments afterwards. */
static void keep_outs(struct maker *m, const struct plan_call *c)
{
	for (u32 i = 0; i < c->nr_outs; i++) {
		spill(m, 1 + 2 * i, c->outs[i].reg);
		if (c->outs[i].size_reg)
			spill(m, 2 + 2 * i, c->outs[i].size_reg);
	}
}

/*
 * The memory of C->outs[I], filled up to words: all registers but r0, which lies on the
 * stack, are free up to r5. What does not fit, or is more than a block, ends the words.
 */
static void put_block(struct maker *m, const struct plan_out *o, u32 i)
{
	u32 large, full, done;

	if (o->size_reg)
		unspill(m, 2 + 2 * i, R2);
	else
		mov_imm(m, R2, (s32)o->bytes);
	get_slot(m, R1);
	large = jump(m, BPF_JGT, R2, TELL_BLOCK);
	load(m, BPF_W, R3, R1, HEAD_OFF(pos));
	full = jump(m, BPF_JGT, R3, TELL_WORDS - TELL_BLOCK);
	mov(m, R4, R2);
	add_imm(m, R4, 7);
	put(m, BPF_ALU64 | BPF_AND | BPF_K, R4, 0, 0, -8);
	add(m, R4, R3);
	store(m, BPF_W, R1, HEAD_OFF(pos), R4);
	add(m, R1, R3);
	add_imm(m, R1, HEAD);
	unspill(m, 1 + 2 * i, R3);
	call(m, BPF_FUNC_probe_read_kernel);
	done = jump(m, BPF_JA, 0, 0);
	land(m, large);
	land(m, full);
	store_imm(m, BPF_W, R1, HEAD_OFF(pos), INT32_MAX);
	land(m, done);
}

/* A callback gets the address of the caller's AT_SLOT, behind which its own argument is. */
static void wrap_ctx(struct maker *m, u8 reg)
{
	store(m, BPF_DW, FP, below(m, AT_CTX), reg);
	mov(m, reg, FP);
	add_imm(m, reg, below(m, AT_SLOT));
}

static void before_call(struct maker *m, const struct plan_call *c)
{
	keep_outs(m, c);
	if (c->func_reg)
		wrap_ctx(m, c->ctx_reg);
}

static void after_call(struct maker *m, const struct plan_call *c)
{
	static const u8 zero[] = { R3 }, ret[] = { R0 };

	if (c->func_reg) {
		mov_imm(m, R3, 0);
		put_words(m, zero, 1, R1, R2);
	}
	if (c->has_ret)
		put_words(m, ret, 1, R1, R2);
	if (!c->nr_outs)
		return;
	if (c->has_ret)
		spill(m, 0, R0);
	for (u32 i = 0; i < c->nr_outs; i++)
		put_block(m, &c->outs[i], i);
	if (c->has_ret)
		unspill(m, 0, R0);
}

/* ---- functions --------------------------------------------------------------- */

/* One more of the tail's number at OFF; takes r0 and REG. */
static void count(struct maker *m, s16 off, u8 reg)
{
	lddw(m, reg, BPF_PSEUDO_MAP_IDX_VALUE, m->t->slots, m->t->nr_slots * TELL_SLOT);
	mov_imm(m, R0, 1);
	put(m, BPF_STX | BPF_ATOMIC | BPF_DW, reg, R0, off, BPF_ADD);
}

/* r8 = the first free slot of this cpu, or the last of all; as the verifier sees it, any. */
static void take_slot(struct maker *m)
{
	u32 last = m->t->nr_slots - 1, got[TELL_SLOTS], odd;

	call(m, BPF_FUNC_get_smp_processor_id);
	mov(m, R7, R0);
	lddw(m, R8, BPF_PSEUDO_MAP_IDX_VALUE, m->t->slots, 0);
	odd = jump(m, BPF_JGE, R7, (s32)m->t->cpus);
	put(m, BPF_ALU64 | BPF_MUL | BPF_K, R7, 0, 0, TELL_SLOTS * TELL_SLOT);
	add(m, R8, R7);
	for (u32 i = 0; i < TELL_SLOTS; i++) {
		mov_imm(m, R0, 1);
		put(m, BPF_STX | BPF_ATOMIC | BPF_DW, R8, R0, HEAD_OFF(busy), BPF_XCHG);
		got[i] = jump(m, BPF_JEQ, R0, 0);
		if (i + 1 < TELL_SLOTS)
			add_imm(m, R8, TELL_SLOT);
	}
	land(m, odd);
	count(m, TAIL_OFF(no_slot), R8);
	lddw(m, R8, BPF_PSEUDO_MAP_IDX_VALUE, m->t->slots, last * TELL_SLOT);
	for (u32 i = 0; i < TELL_SLOTS; i++)
		land(m, got[i]);
	load(m, BPF_W, R7, R8, HEAD_OFF(self));
	lddw(m, R8, BPF_PSEUDO_MAP_IDX_VALUE, m->t->slots, 0);
	put(m, BPF_ALU64 | BPF_AND | BPF_K, R7, 0, 0, (s32)last);
	put(m, BPF_ALU64 | BPF_MUL | BPF_K, R7, 0, 0, TELL_SLOT);
	add(m, R8, R7);
}

/* The program begins: r6 to r9 are free. */
static void put_start(struct maker *m)
{
	mov(m, R6, R1);
	take_slot(m);
	set_slot(m, R8);
	store_imm(m, BPF_W, R8, HEAD_OFF(pos), 0);
	store_imm(m, BPF_W, R8, HEAD_OFF(flags), 0);
	store_imm(m, BPF_W, R8, HEAD_OFF(prog), (s32)m->index);
	call(m, BPF_FUNC_ktime_get_ns);
	store(m, BPF_DW, R8, HEAD_OFF(ns), R0);
	mov(m, R1, R6);
}

/* What the slot has goes through the ring buffer, and it is free; takes r0 to r5. */
static void send(struct maker *m)
{
	u32 waste, fits, sent;

	get_slot(m, R2);
	load(m, BPF_W, R1, R2, HEAD_OFF(waste));
	waste = jump(m, BPF_JNE, R1, 0);
	load(m, BPF_W, R3, R2, HEAD_OFF(pos));
	fits = jump(m, BPF_JLE, R3, TELL_WORDS);
	mov_imm(m, R3, TELL_WORDS);
	land(m, fits);
	add_imm(m, R3, HEAD);
	lddw(m, R1, BPF_PSEUDO_MAP_IDX, m->t->ring, 0);
	mov_imm(m, R4, BPF_RB_NO_WAKEUP);
	call(m, BPF_FUNC_ringbuf_output);
	sent = jump(m, BPF_JEQ, R0, 0);
	count(m, TAIL_OFF(no_room), R1);
	land(m, sent);
	get_slot(m, R2);
	store_imm(m, BPF_DW, R2, HEAD_OFF(busy), 0);
	land(m, waste);
}

/* The program ends with r0: r6 to r9 are free. */
static void put_end(struct maker *m)
{
	mov(m, R6, R0);
	get_slot(m, R1);
	store(m, BPF_DW, R1, HEAD_OFF(ret), R6);
	send(m);
	mov(m, R0, R6);
}

/* A function whose arguments are five begins: the last is where wrap_ctx() says. */
static void put_fifth(struct maker *m)
{
	load(m, BPF_DW, R0, R5, 0);
	set_slot(m, R0);
	load(m, BPF_DW, R5, R5, 8);
}

/* The key that r2 points to; r0, r6 and r7 are free. What does not fit ends the words. */
static void put_key(struct maker *m, u32 bytes)
{
	s16 words = (s16)((bytes + 7) / 8);
	u32 full, done, n;

	get_slot(m, R0);
	load(m, BPF_W, R6, R0, HEAD_OFF(pos));
	full = jump(m, BPF_JGT, R6, TELL_WORDS - 8 * words);
	mov(m, R7, R6);
	add_imm(m, R7, 8 * words);
	store(m, BPF_W, R0, HEAD_OFF(pos), R7);
	add(m, R0, R6);
	store_imm(m, BPF_DW, R0, (s16)(HEAD + 8 * words - 8), 0);
	for (u32 at = 0; at < bytes; at += n) {
		static const u8 sizes[] = { [1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW };

		for (n = 8; n > bytes - at;)
			n /= 2;
		load(m, sizes[n], R7, R2, (s16)at);
		store(m, sizes[n], R0, (s16)(HEAD + (s32)at), R7);
	}
	done = jump(m, BPF_JA, 0, 0);
	land(m, full);
	store_imm(m, BPF_W, R0, HEAD_OFF(pos), INT32_MAX);
	land(m, done);
}

/* A callback begins: its last argument is where wrap_ctx() says. */
static void put_callback(struct maker *m)
{
	u8 words[5] = { R7 }, ctx = (u8)(R1 + m->func->cb_args);

	load(m, BPF_DW, R0, ctx, 0);
	set_slot(m, R0);
	load(m, BPF_DW, ctx, ctx, 8);
	mov_imm(m, R7, 1);
	for (u8 i = 0; i < m->func->cb_args; i++)
		words[i + 1] = (u8)(R1 + i);
	put_words(m, words, m->func->cb_args + 1u, R0, R6);
	if (m->func->key_bytes && !m->func->any_key)
		put_key(m, m->func->key_bytes);
}

static void put_entry(struct maker *m)
{
	if (!m->func->start)
		put_start(m);
	else if (m->func->callback)
		put_callback(m);
	else if (m->func->spare)
		set_slot(m, m->func->spare);
	else
		put_fifth(m);
}

/* ---- the program ------------------------------------------------------------- */

static void copy(struct maker *m)
{
	for (u32 i = 0; i < isa_slots(&m->prog->insns[m->at]); i++) {
		*vec_push(&m->out) = m->prog->insns[m->at + i];
		*vec_push(&m->origin) = m->at + i;
	}
}

/* The run may end here as far as this program goes: what it has told is sent before. */
static void before_tail(struct maker *m)
{
	for (u8 reg = R1; reg <= R3; reg++)
		spill(m, reg - 1u, reg);
	get_slot(m, R1);
	load(m, BPF_DW, R2, R1, HEAD_OFF(ns));
	spill(m, 3, R2);
	load(m, BPF_W, R2, R1, HEAD_OFF(flags));
	put(m, BPF_ALU64 | BPF_OR | BPF_K, R2, 0, 0, TELL_LEFT);
	store(m, BPF_W, R1, HEAD_OFF(flags), R2);
	send(m);
	for (u8 reg = R1; reg <= R3; reg++)
		unspill(m, reg - 1u, reg);
}

/* The tail call has led nowhere: the run has more to tell, in another slot perhaps. */
static void after_tail(struct maker *m)
{
	static const u8 zero[] = { R0 };
	u16 live = m->r->insns[m->at + 1].live;

	for (u8 reg = R7; reg <= R8; reg++)
		if (live & 1u << reg)
			spill(m, reg - R7, reg);
	take_slot(m);
	set_slot(m, R8);
	store_imm(m, BPF_W, R8, HEAD_OFF(pos), 0);
	store_imm(m, BPF_W, R8, HEAD_OFF(flags), TELL_MORE);
	store_imm(m, BPF_W, R8, HEAD_OFF(prog), (s32)m->index);
	unspill(m, 3, R0);
	store(m, BPF_DW, R8, HEAD_OFF(ns), R0);
	mov_imm(m, R0, 0);
	put_words(m, zero, 1, R1, R2);
	for (u8 reg = R7; reg <= R8; reg++)
		if (live & 1u << reg)
			unspill(m, reg - R7, reg);
}

static void put_tail(struct maker *m)
{
	before_tail(m);
	copy(m);
	after_tail(m);
}

static void put_call(struct maker *m)
{
	struct plan_call c;

	plan_call(&c, m->img, m->prog, &m->prog->insns[m->at], m->plan->maps[m->at]);
	if (c.tail) {
		put_tail(m);
		return;
	}
	before_call(m, &c);
	copy(m);
	after_call(m, &c);
}

static const struct plan_func *func_of(const struct maker *m, u32 at)
{
	u32 i = m->prog->nr_funcs;

	while (i > 1 && m->plan->funcs[i - 1].start > at)
		i--;
	return &m->plan->funcs[i - 1];
}

static void put_local_call(struct maker *m)
{
	s64 delta = 0;
	u8 spare;

	isa_target(&m->prog->insns[m->at], &delta);
	spare = func_of(m, (u32)(m->at + 1 + delta))->spare;
	if (spare)
		get_slot(m, spare);
	else
		wrap_ctx(m, R5);
	copy(m);
}

/* Whether the kernel goes on with the loop. */
static void put_loop(struct maker *m)
{
	const struct bpf_insn *in = &m->prog->insns[m->at];
	u32 ends = (u32)m->out.n, on;

	put(m, in->code, in->dst_reg, in->src_reg, 0, in->imm);
	put_imm(m, 0, m->at + 1);
	on = jump(m, BPF_JA, 0, 0);
	land(m, ends);
	put_imm(m, 1, (u32)((s64)m->at + 1 + in->off));
	*vec_push(&m->out) = (struct bpf_insn){ BPF_JMP | BPF_JA, 0, 0, in->off, 0 };
	*vec_push(&m->origin) = m->at;
	land(m, on);
}

/* LD_ABS or LD_IND, by the helper that loads the same and says when it cannot. */
static void put_packet(struct maker *m)
{
	static const u8 ret[] = { R0 };
	const struct bpf_insn *in = &m->prog->insns[m->at];
	const struct isa_row *row = &isa_rows[isa_op(in)];
	u8 size = row->width == 8 ? BPF_B : row->width == 16 ? BPF_H : BPF_W;
	u32 outside, inside;

	if (row->kind == KIND_LD_IND) {
		put(m, BPF_ALU | BPF_MOV | BPF_X, R2, in->src_reg, 0, 0);
		put(m, BPF_ALU | BPF_ADD | BPF_K, R2, 0, 0, in->imm);
	} else {
		mov_imm(m, R2, in->imm);
	}
	mov(m, R1, R6);
	mov(m, R3, FP);
	add_imm(m, R3, spill_at(m, 2));
	mov_imm(m, R4, row->width / 8);
	call(m, BPF_FUNC_skb_load_bytes);
	outside = jump(m, BPF_JNE, R0, 0);
	load(m, size, R0, FP, spill_at(m, 2));
	if (row->width > 8)
		put(m, BPF_ALU | BPF_END | BPF_TO_BE, R0, 0, 0, row->width);
	put_value(m, R0, m->at + 1);
	inside = jump(m, BPF_JA, 0, 0);
	land(m, outside);
	mov_imm(m, R0, -1);
	put_words(m, ret, 1, R1, R2);
	mov_imm(m, R0, 0);
	if (!m->func->start)
		put_end(m);
	put(m, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	land(m, inside);
}

static bool is_packet(const struct bpf_insn *in)
{
	return isa_rows[isa_op(in)].kind == KIND_LD_ABS || isa_rows[isa_op(in)].kind == KIND_LD_IND;
}

static void put_insn(struct maker *m)
{
	const struct bpf_insn *in = &m->prog->insns[m->at];
	u32 next = m->at + isa_slots(in);

	if (!m->r->insns[m->at].reached) {
		copy(m);
	} else if ((m->plan->saw[m->at] & SAW_WHAT) == SAW_CALL) {
		put_call(m);
	} else if (isa_op(in) == OP_CALL_LOCAL) {
		put_local_call(m);
	} else if (isa_op(in) == OP_MAY_GOTO) {
		put_loop(m);
	} else if (is_packet(in)) {
		put_packet(m);
	} else {
		if (isa_op(in) == OP_EXIT && !m->func->start)
			put_end(m);
		copy(m);
		if ((m->plan->saw[m->at] & SAW_WHAT) == SAW_VALUE)
			put_value(m, isa_is_lddw(in) ? in->dst_reg : (u8)plan_loads(in), next);
	}
}

static void put_all(struct maker *m)
{
	for (m->at = 0; m->at < m->prog->nr_insns; m->at += isa_slots(&m->prog->insns[m->at])) {
		m->func = func_of(m, m->at);
		m->entry[m->at] = (u32)m->out.n;
		if (m->func->start == m->at && m->r->insns[m->at].reached)
			put_entry(m);
		m->to[m->at] = (u32)m->out.n;
		if (isa_is_lddw(&m->prog->insns[m->at]))
			m->to[m->at + 1] = m->entry[m->at + 1] = (u32)m->out.n;
		put_insn(m);
	}
	m->to[m->prog->nr_insns] = m->entry[m->prog->nr_insns] = (u32)m->out.n;
}

/* Slot I of OUT is the copy of a jump, call or function's address: where it leads now. */
static void fix_jump(struct maker *m, u32 i)
{
	struct bpf_insn *in = &m->out.v[i];
	u32 from = m->origin.v[i];
	enum isa_op op = isa_op(in);
	s64 delta;

	if (op == OP_LDDW_FUNC)
		delta = in->imm;
	else if (!isa_target(in, &delta))
		return;
	delta += from + 1;
	delta = (s64)(op == OP_CALL_LOCAL || op == OP_LDDW_FUNC ? m->entry : m->to)[delta] - i - 1;
	if (op == OP_CALL_LOCAL || op == OP_LDDW_FUNC || op == OP_JA32) {
		in->imm = (s32)delta;
		return;
	}
	if (delta != (s16)delta)
		m->refused = "a jump that would be over more than 32767 instructions";
	in->off = (s16)delta;
}

static void fix_jumps(struct maker *m)
{
	for (u32 i = 0; i < m->out.n; i += isa_slots(&m->out.v[i]))
		if (m->origin.v[i] != NO_ORIGIN)
			fix_jump(m, i);
}

/* ---- the image --------------------------------------------------------------- */

/* What belongs to a slot belongs to what is made of it. All functions are static: each must
 * get the slot's address. */
static void move_funcs(struct maker *m, struct image_prog *to)
{
	struct image_func *f = arena_copy(&m->t->arena, to->funcs, to->nr_funcs * sizeof(*f));

	for (u32 i = 0; i < to->nr_funcs; i++) {
		f[i].insn = m->entry[f[i].insn];
		f[i].global = f[i].global && !i;
	}
	to->funcs = f;
}

static void move_lines(struct maker *m, struct image_prog *to)
{
	struct image_line *l = arena_copy(&m->t->arena, to->lines, to->nr_lines * sizeof(*l));

	for (u32 i = 0; i < to->nr_lines; i++)
		l[i].insn = m->entry[l[i].insn];
	to->lines = l;
}

static void move_cores(struct maker *m, struct image_prog *to)
{
	struct image_core *c = arena_copy(&m->t->arena, to->cores, to->nr_cores * sizeof(*c));

	for (u32 i = 0; i < to->nr_cores; i++)
		c[i].insn = m->to[c[i].insn];
	to->cores = c;
}

static void make_prog(struct maker *m, struct image_prog *to)
{
	m->to = arena_news(&m->t->arena, m->prog->nr_insns + 1ul, u32);
	m->entry = arena_news(&m->t->arena, m->prog->nr_insns + 1ul, u32);
	put_all(m);
	fix_jumps(m);
	if (m->refused)
		return;
	to->insns = arena_copy(&m->t->arena, m->out.v, m->out.n * sizeof(*m->out.v));
	to->nr_insns = (u32)m->out.n;
	move_funcs(m, to);
	move_lines(m, to);
	move_cores(m, to);
}

static void add_maps(struct tell *t, const struct image *img)
{
	struct image_map *maps = arena_news(&t->arena, img->nr_maps + 2ul, struct image_map);

	if (img->nr_maps)
		memcpy(maps, img->maps, img->nr_maps * sizeof(*maps));
	t->img->maps = maps;
	t->slots = img->nr_maps;
	t->ring = img->nr_maps + 1;
	t->img->nr_maps = img->nr_maps + 2;
	maps[t->slots] = (struct image_map){ .name = "skep_slots",
		.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .max_entries = 1,
		.value_size = t->nr_slots * TELL_SLOT + sizeof(struct tell_tail) };
	maps[t->ring] = (struct image_map){ .name = "skep_record",
		.type = BPF_MAP_TYPE_RINGBUF, .max_entries = TELL_RING };
}

void tell_begin(struct tell *out, const struct image *img, u32 cpus)
{
	*out = (struct tell){ .cpus = cpus, .nr_slots = 2 };
	while (out->nr_slots < cpus * TELL_SLOTS + 1)
		out->nr_slots *= 2;
	out->img = arena_new(&out->arena, struct image);
	*out->img = *img;
	out->img->progs = arena_copy(&out->arena, img->progs, img->nr_progs * sizeof(*img->progs));
	out->plans = arena_news(&out->arena, img->nr_progs, struct plan);
	add_maps(out, img);
}

const char *tell_prog(struct tell *t, const struct image *img, u32 prog,
		      const struct verify_result *r)
{
	struct maker m = { .t = t, .img = img, .prog = &img->progs[prog], .r = r,
			   .plan = &t->plans[prog], .index = prog };

	plan_make(&t->plans[prog], &t->arena, img, m.prog, r);
	if (t->plans[prog].refused)
		return t->plans[prog].refused;
	make_prog(&m, &t->img->progs[prog]);
	vec_free(&m.out);
	vec_free(&m.origin);
	t->plans[prog].refused = m.refused;
	return m.refused;
}

void tell_free(struct tell *t)
{
	arena_free(&t->arena);
}

void *tell_slots(const struct tell *t)
{
	u32 n = t->nr_slots;
	u8 *v = mem_alloc(t->img->maps[t->slots].value_size);

	for (u32 i = 0; i < n; i++) {
		struct tell_head *h = (struct tell_head *)(v + (u64)i * TELL_SLOT);

		h->self = i;
		h->cpu = i / TELL_SLOTS;
		h->waste = i == n - 1;
		h->busy = h->waste;
	}
	return v;
}

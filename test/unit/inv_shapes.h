/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_shapes.h: programs on which following paths explodes, for
 * test/unit/inv_test.c and bench/verify.c. Each fills code[0..n).
 */
#ifndef TEST_INV_SHAPES_H
#define TEST_INV_SHAPES_H

#include "model/image.h"
#include <linux/bpf.h>

enum { VALUE_BYTES = 64, SHAPE_SLOTS = 120000 };

static struct image_map shape_map = {
	.name = "m", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
	.value_size = VALUE_BYTES, .max_entries = 1,
};

static struct bpf_insn code[SHAPE_SLOTS];
static u32 n;

static inline void emit(u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	code[n++] = (struct bpf_insn){ op, dst, src, off, imm };
}

static inline void mov(u8 dst, s32 imm) { emit(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm); }
static inline void mov_reg(u8 dst, u8 src) { emit(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0); }
static inline void add(u8 dst, s32 imm) { emit(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm); }
static inline void and_(u8 dst, s32 imm) { emit(BPF_ALU64 | BPF_AND | BPF_K, dst, 0, 0, imm); }
static inline void add_reg(u8 dst, u8 src) { emit(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0); }
static inline void call(s32 id) { emit(BPF_JMP | BPF_CALL, 0, 0, 0, id); }
static inline void store(u8 src, s16 off) { emit(BPF_STX | BPF_MEM | BPF_DW, 10, src, off, 0); }
static inline void load(u8 dst, s16 off) { emit(BPF_LDX | BPF_MEM | BPF_DW, dst, 10, off, 0); }
static inline void jump(u8 kind, u8 dst, s32 imm, s16 off)
{
	emit(BPF_JMP | kind | BPF_K, dst, 0, off, imm);
}

static inline void jump_to(u8 kind, u8 dst, s32 imm, u32 to)
{
	jump(kind, dst, imm, (s16)((s32)to - (s32)n - 1));
}

/* r6: the context, r7: a value of map 0 */
static inline void begin(void)
{
	n = 0;
	mov_reg(6, 1);
	emit(BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0);
	emit(0, 0, 0, 0, 0);
}

static inline void end(void)
{
	mov(0, 0);
	emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static inline void touch(u8 index, s32 mask)
{
	and_(index, mask);
	add_reg(7, index);
	emit(BPF_ST | BPF_MEM | BPF_B, 7, 0, 0, 1);
}

/* ---- shapes -------------------------------------------------------------- */

static inline void sum_diamonds(s32 mask)
{
	begin();
	mov(8, 0);
	for (u32 i = 0; i < 24; i++) {
		call(BPF_FUNC_get_prandom_u32);
		jump(BPF_JSET, 0, 1, 1);
		add(8, 1 << i);
	}
	touch(8, mask);
	end();
}

/* A pointer or a number in each of 12 slots, a whole number or two halves in 12. */
static inline void slot_diamonds(bool follow)
{
	begin();
	for (s16 i = 1; i <= 24; i++) {
		s16 off = (s16)(-8 * i);

		call(BPF_FUNC_get_prandom_u32);
		jump(BPF_JSET, 0, 1, 2);
		store(0, off);
		emit(BPF_JMP | BPF_JA, 0, 0, i <= 12 ? 1 : 2, 0);
		if (i <= 12) {
			store(6, off);
			continue;
		}
		emit(BPF_STX | BPF_MEM | BPF_W, 10, 0, off, 0);
		emit(BPF_STX | BPF_MEM | BPF_W, 10, 0, (s16)(off + 4), 0);
	}
	mov(8, 0);
	for (s16 i = 1; i <= 24; i++) {
		load(1, (s16)(-8 * i));
		if (i > 12)
			add_reg(8, 1);
	}
	if (follow) {
		load(1, -8);
		emit(BPF_LDX | BPF_MEM | BPF_W, 0, 1, 0, 0);
	}
	touch(8, VALUE_BYTES - 1);
	end();
}

static inline void long_loop(s32 mask)
{
	u32 head;

	begin();
	mov(8, 0);
	head = n;
	mov_reg(1, 8);
	mov_reg(2, 7);
	and_(1, mask);
	add_reg(2, 1);
	emit(BPF_ST | BPF_MEM | BPF_B, 2, 0, 0, 1);
	add(8, 1);
	jump_to(BPF_JLT, 8, 300000, head);
	end();
}

static inline void nested_loops(s32 step)
{
	u32 outer, inner;

	begin();
	mov(8, 0);
	outer = n;
	mov(9, 0);
	inner = n;
	emit(BPF_ST | BPF_MEM | BPF_B, 7, 0, 3, 1);
	add(9, 1);
	jump_to(BPF_JNE, 9, 600, inner);
	add(8, step);
	jump_to(BPF_JNE, 8, 600, outer);
	end();
}

static inline void many_jumps(s32 off)
{
	enum { JUMPS = 9000 };

	begin();
	for (u32 i = 0; i < JUMPS; i++) {
		call(BPF_FUNC_get_prandom_u32);
		jump(BPF_JEQ, 0, (s32)i, (s16)(2 * (JUMPS - 1 - i)));
	}
	emit(BPF_ST | BPF_MEM | BPF_B, 7, 0, (s16)off, 1);
	end();
}

/* Slots of sums, without any branch. */
static inline void straight_line(u32 slots)
{
	begin();
	mov(8, 0);
	while (n < slots - 2)
		add(8, (s32)n);
	end();
}

#endif

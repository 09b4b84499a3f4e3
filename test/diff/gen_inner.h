/* SPDX-License-Identifier: BSD-2-Clause */
/* gen_inner.h: what the files of the generator share. */
#ifndef DIFF_GEN_INNER_H
#define DIFF_GEN_INNER_H

#include "diff/gen.h"
#include <skep/insn.h>

/* Functions that a program may have. */
enum gen_func { FN_SUB, FN_LOOP, FN_EACH, FN_TAIL, NR_FUNCS };

struct gen {
	struct diff_prog *p;
	const struct gen_level *level;	/* NULL = everything */
	bool packet;		/* uses the context */
	bool direct;		/* r8 is the packet */
	bool writes;		/* and may be written to */
	s32 result_mask;	/* of a type that has few results; 0 = any */
	u64 rnd;
	u32 call;		/* slot that names function FN, 0 = none */
	enum gen_func fn;
	u32 nesting;
};

static inline bool has_row(const struct gen *g, enum isa_op op)
{
	return !g->level || g->level->rows[op];
}

static inline bool has_quirk(const struct gen *g, enum quirk quirk)
{
	return g->level && g->level->quirks[quirk];
}

static inline u32 pick(struct gen *g, u32 n) { return gen_below(&g->rnd, n); }

static inline void add(struct gen *g, struct bpf_insn in)
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
static inline s64 number(struct gen *g)
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

static inline u8 scalar(struct gen *g)
{
	static const u8 regs[] = { 0, 1, 2, 3, 4, 5, 9 };

	return regs[pick(g, ARRAY_LEN(regs))];
}

/* Calls leave r1..r5 to nobody. */
static inline void after_call(struct gen *g)
{
	for (u8 r = 1; r <= 5; r++)
		ADD(BPF_MOV64_IMM(r, (s32)number(g)));
}

/* REG = r10 + OFF. */
static inline void stack_at(struct gen *g, u8 reg, s32 off)
{
	ADD(BPF_MOV64_REG(reg, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, reg, off));
}

typedef void (*gen_statement)(struct gen *g);

/* A statement that calls something. */
void gen_call(struct gen *g);
/* What a tail call names. */
s32 gen_slot(struct gen *g, u32 n);
/* Reads the packet's bounds again. */
void gen_load_packet(struct gen *g);
/* Arithmetic; what row OP says and random operands; a row of one of the kinds, of
 * which the level has some. */
void gen_alu(struct gen *g);
struct bpf_insn gen_row_insn(struct gen *g, enum isa_op op);
enum isa_op gen_row(struct gen *g, u8 kind, u8 or_kind);

#endif

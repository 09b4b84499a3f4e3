/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit_in.h: what the steps from intermediate code to BPF share: legal.c makes it fit the
 * machine, alloc.c gives registers and stack, move.c orders moves that happen at once,
 * emit.c writes instructions.
 */
#ifndef LANG_EMIT_IN_H
#define LANG_EMIT_IN_H

#include "lang/ir_in.h"

/* ---- legal.c ------------------------------------------------------------------------ */

void emit_legalise(struct ir_func *f);
/* Made anew for each use: constants, stack addresses, maps. */
bool emit_is_cheap(const struct ir_insn *v);
bool emit_is_imm(const struct ir_insn *v, u32 width);
/* Operand K of I needs no register: it stands in the instruction. */
bool emit_is_direct(const struct ir_insn *i, u32 k);
/* What an address is surely a multiple of: 1, 2, 4, 8. */
u32 emit_align_of(const struct ir_func *f, const struct ir_insn *v);

/* ---- alloc.c ------------------------------------------------------------------------ */

enum {
	REG_COUNT = 10,		/* r0 .. r9; r10 is the stack's */
	REG_CALLER = 6,		/* r0 .. r5 do not outlive a call */
	REG_MEM = 16,		/* not a register: the value's place on the stack */
	STACK_BYTES = 512,
	INSNS_MAX = 1000000,	/* what the kernel takes of who has CAP_BPF (5.2) */
};

struct ra_range { u32 from, to; };	/* positions [from, to) */
struct ra_use { u32 pos; bool reg; };	/* reg: only a register will do */

/* A piece of a value's life in one place. */
struct ra_part {
	struct ra_val *val;
	u32 from, to;		/* its ranges lie inside, but not all of it is range */
	u32 range;		/* the first of the value's ranges that may matter */
	u8 reg;			/* or REG_MEM */
	struct ra_part *next;	/* of the value, in order */
	struct ra_part *idle;	/* list of those in a gap, by register */
};

struct ra_val {
	struct ir_insn *v;
	struct ra_range *ranges;
	u32 nr_ranges;
	struct ra_use *uses;	/* by position */
	u32 nr_uses;
	struct ir_block **in;	/* blocks at whose start it lives */
	u32 nr_in;
	struct ra_part *parts;
	struct ra_part *seen;	/* the part that was asked for last */
	u8 hint;		/* REG_MEM: none */
	bool spilled;		/* has a place on the stack, written once */
	s32 at;			/* below the frame pointer */
};

struct ra {
	struct ir_func *f;
	struct arena arena;
	struct ra_val **vals;	/* by id; NULL: it has no place */
	u32 *pos;		/* of instructions, by id */
	u32 nr_ids;
	u32 *calls, nr_calls;	/* positions, in order */
	struct { struct ra_part **v; size_t n, cap; } moves;	/* parts that begin in a block's
						   middle where another ends, by position */
	u16 *busy_in, *busy_out;	/* registers at blocks' ends, by order */
	u32 stack_bytes;
	s32 rescue;		/* 8 bytes for moves without a free register; 0: none yet */
};

/* Positions: instruction number n of the list has 2n + 2; operands are read there, the
 * value is there one later. */
void ra_run(struct ra *ra, struct ir_func *f);
void ra_free(struct ra *ra);
/* Where V is at POS. */
u8 ra_at(const struct ra *ra, const struct ir_insn *v, u32 pos);

/* ---- frame.c ------------------------------------------------------------------------ */

/* Places of slots and spilled values below the frame pointer; what is not of use at the
 * same time shares. ra->stack_bytes may come out as more than there are. */
void frame_place(struct ra *ra);

/* ---- move.c ------------------------------------------------------------------------- */

/* A place: a register, or REG_MEM and where below the frame pointer. */
struct place { u8 reg; s32 at; };
/* MAKE: a cheap value that is made there; else from FROM. */
struct move { struct place to, from; const struct ir_insn *make; };
struct moves { struct move *v; size_t n, cap; };

struct out;
/* All of M at once, M is empty then; BUSY are registers that keep their values. */
void moves_emit(struct out *o, struct moves *m, u32 busy);

/* ---- emit.c ------------------------------------------------------------------------- */

struct out {
	struct ra *ra;
	struct ir_func *f;
	VEC(struct bpf_insn) code;
	VEC(struct ir_reloc) relocs;
	VEC(struct ir_code_line) lines;
	VEC(struct out_jump) jumps;
	u32 *starts;		/* of blocks, by order */
	u32 line;
	struct moves moves;
	u32 *live_at, *live_of;	/* by block's order: the values of several parts that live
				   at its start are live_of[live_at[n] .. live_at[n + 1]) */
};
/* Instruction INSN jumps to TO. */
struct out_jump { u32 insn; struct ir_block *to; };

void out_insn(struct out *o, struct bpf_insn insn);
void out_copy(struct out *o, u32 to, u32 from);
void out_load(struct out *o, u32 to, s32 at);
void out_store(struct out *o, s32 at, u32 from);
/* V, which is cheap, in a register. */
void out_make(struct out *o, u32 to, const struct ir_insn *v);

/* ---- squeeze.c ---------------------------------------------------------------------- */

/* Jumps to jumps, jumps to the next instruction and what is never reached go; jumps get
 * their offsets. False: one is too far. */
bool out_squeeze(struct out *o);

#endif

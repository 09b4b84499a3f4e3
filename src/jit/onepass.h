/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * onepass.h: what one-pass compilers share: an instruction taken apart, the walk over
 * functions and instructions, jumps to code that is not there yet. A processor adds how
 * functions begin and what each instruction becomes (porting-jit.md).
 */
#ifndef JIT_ONEPASS_H
#define JIT_ONEPASS_H

#include "jit/private.h"

enum { STACK_BYTES = 512, MAY_GOTO_MAX = 8 << 20 };

/* Where the engine and compiled code meet, from the run. */
enum { AT = offsetof(struct run, at), STOP = offsetof(struct run, stop),
       LEFT = offsetof(struct run, left), FRAMES = offsetof(struct run, frames) };

/* From r10, in programs that note their frames: a struct run_frame. */
enum { LINK_BYTES = sizeof(struct run_frame), LINK_AT = -STACK_BYTES - LINK_BYTES };

/* A jump, call or address at AT to what was not there yet: an instruction, a function
 * among functions, a function for C. */
enum fix_kind { FIX_JUMP, FIX_CALL, FIX_FUNC };
struct fix { u8 *at; u32 slot; enum fix_kind kind; };

/* One instruction, taken apart. */
struct ins {
	const struct bpf_insn *raw;
	const struct isa_row *row;
	u32 at;			/* slot */
	u32 dst, src;		/* processor's */
	bool imm;		/* the second operand is imm */
	bool wide;		/* 64 bits */
};

struct onepass;

struct onepass_ops {
	const u8 *reg_of;	/* [12] the processor's register of r0..r10 and
				   REWRITE_REG, which no jump, call or access may change */
	void (*prologue)(struct onepass *x, struct jit_unit *u);
	/* 0, or ERR_UNSUPPORTED, and what it is is said. */
	int (*insn)(struct onepass *x, const struct ins *i);
	/* Takes jit_cost() of SLOT from run.left and stops the program below 0. */
	void (*charge)(struct onepass *x, u32 slot);
	/* What was written at AT now goes to TO; false: that is too far. */
	bool (*patch)(u8 *at, const u8 *to);
	/* Fills up to where a loop may begin; NULL: it may anywhere. */
	void (*align)(struct onepass *x);
};

struct onepass {
	const struct onepass_ops *ops;
	struct jit_build *b;
	u8 *p;			/* the next code goes here */
	const struct jit_unit *unit;
	VEC(struct fix) fixes;
};

/* All of the program from x->p on: as jit_arch.write. */
int onepass_write(struct onepass *x);
int onepass_unsupported(struct onepass *x, const struct ins *i);
/* What run.at is to be at SLOT, as of jit_bind.site; 0: nothing stops there. */
u64 onepass_site(const struct onepass *x, u32 slot, bool calls);
/* AT is to go to what SLOT becomes. */
void onepass_fix(struct onepass *x, u8 *at, u32 slot, enum fix_kind kind);
/* AT is a jump of I to SLOT: 0 or ERR_UNSUPPORTED, too far. */
int onepass_jump(struct onepass *x, u8 *at, u32 slot, const struct ins *i);
u32 onepass_target(const struct ins *i);
/* Whether U notes its frame. */
bool onepass_links(const struct jit_build *b, const struct jit_unit *u);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn.h: where instructions of a program begin. A probe writes a breakpoint; written into
 * the middle of an instruction it makes another one of it, and the program computes wrong
 * values or dies. Machines: x86-64 and AArch64; of others nothing is known.
 */
#ifndef SYM_INSN_H
#define SYM_INSN_H

#include "sym/symbols.h"

enum sym_insn_kind {
	SYM_INSN_BEGINS,	/* an instruction begins there */
	SYM_INSN_INSIDE,	/* one has begun before and ends behind it */
	SYM_INSN_UNKNOWN,	/* the bytes before it are no instructions that are known */
};

struct sym_insn {
	enum sym_insn_kind kind;
	u64 prev, next;		/* INSIDE: the nearest places in the file where one begins */
	struct sym func;	/* that has it, or name NULL */
	u64 func_off;		/* where FUNC is in the file */
};

/* What is at OFF of F, whose code must be there (sym_address). */
struct sym_insn sym_insn_at(const struct sym_file *f, u64 off);

/* The length of the x86-64 instruction at C, of which MAX bytes may be read; 0: it is none. */
u32 sym_x86_length(const u8 *c, u64 max);

#endif

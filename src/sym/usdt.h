/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usdt.h: static probes of programs (USDT): notes of the form that <sys/sdt.h> makes,
 * section .note.stapsdt, and where the arguments of a probe are. Nothing here trusts the
 * file. Error: USDT.
 */
#ifndef SYM_USDT_H
#define SYM_USDT_H

#include "sym/symbols.h"

struct usdt_note {
	const char *provider, *name, *args;	/* in the file */
	u64 pc;			/* address of the nop, as linked */
	u64 base;		/* where .stapsdt.base was when the note was made */
	u64 semaphore;		/* address of a u16 that says how many look; 0 none */
};

/* A note's description of BYTES at DATA; false when it is damaged. */
bool usdt_note_parse(struct usdt_note *n, const u8 *data, u32 bytes, bool is64);
/* Calls FN for each probe of F until that gives other than 0, which comes back. Addresses
 * are those of the file as it is. */
typedef int usdt_fn(void *arg, const struct usdt_note *n);
int usdt_each(const struct sym_file *f, usdt_fn *fn, void *arg, struct skep_err *err);

enum usdt_kind {
	USDT_CONST,		/* value */
	USDT_REG,		/* the register */
	USDT_MEM,		/* *(reg + value) */
	USDT_INDEX,		/* *(reg + (index << scale) + value) */
	USDT_SYMBOL,		/* *(address of symbol + value) */
	USDT_FLOAT,		/* in a register that no tracer is given */
};

enum { USDT_ARGS_MAX = 12, USDT_NAME_MAX = 128 };

struct usdt_arg {
	enum usdt_kind kind;
	u8 bytes;		/* 1, 2, 4 or 8 */
	bool is_signed;
	u16 reg, index;		/* offsets into the kernel's struct pt_regs */
	u8 scale;		/* 0 to 3 */
	s64 value;
	char symbol[USDT_NAME_MAX];
};

/*
 * The next argument of *TEXT, which moves behind it, as assemblers of MACHINE (EM_X86_64,
 * EM_AARCH64) write operands: 1 there is one, 0 the end, or USDT.
 */
int usdt_arg_next(struct usdt_arg *a, const char **text, u16 machine, struct skep_err *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h: what code of a program or library is at an address: its function, functions that
 * were inlined there, file and line. In: a file and offsets in it. Out: frames with readable
 * names. Symbols come from the file, from the compressed table that stripped ones carry
 * (.gnu_debugdata), and from files with debug information that their build id or
 * .gnu_debuglink names; inlined functions and lines need libdw and such information.
 */
#ifndef SYM_NAMES_H
#define SYM_NAMES_H

#include "sym/symbols.h"

struct sym_frame {
	const char *name;	/* lives as long as the struct sym_names */
	u64 off;		/* from the function's beginning; of inlined ones nothing */
	const char *file;	/* NULL: not known */
	u32 line;
	bool inlined;		/* into the next frame */
};

struct sym_names;

struct sym_names_opts {
	bool lines;		/* inlined functions, files and lines, too */
	bool raw;		/* names as the linker has them */
};

/* PATH, or what descriptor FD is open on, which stays the caller's; -1: none. Errors:
 * FILE_*. */
int sym_names_open(struct sym_names **out, const char *path, int fd,
		   const struct sym_names_opts *o, struct skep_err *err);
void sym_names_close(struct sym_names *n);	/* NULL is fine */

/*
 * The frames at OFF in the file, innermost first, at most MAX; 0: nothing is known there.
 * RETURNS: OFF is where a call returns to; the call is what is wanted.
 */
u32 sym_names_at(struct sym_names *n, u64 off, bool returns, struct sym_frame *v, u32 max);

/* ---- demangle.c ------------------------------------------------------------------ */

/* NAME of C++ or Rust as their source has it, for free(); NULL: it is none of theirs, or
 * nobody here can read it. */
char *sym_demangle(const char *name);

#endif

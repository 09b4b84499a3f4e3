/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines.h: where the code of a line of source is in a program, from its debug information
 * (DWARF), which may stand in a separate file.
 */
#ifndef SYM_LINES_H
#define SYM_LINES_H

#include "sym/symbols.h"

/* A place: FILE ends with these parts of a path; col 0: any. */
struct sym_source { const char *file; u32 line, col; };

struct sym_lines {
	u64 *addrs;		/* as linked, ascending: the first of each function with code of
				   the line; for free() */
	u32 n;
	bool has_file;		/* some code is of that file */
	u32 before, behind;	/* N 0: the nearest lines that have code; 0 none */
};

/* Errors: FILE_OPEN, ELF, DWARF, NO_LIB. */
int sym_lines_find(struct sym_lines *out, const struct sym_file *f, const struct sym_source *at,
		   struct skep_err *err);

#endif

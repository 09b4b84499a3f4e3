/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf.h: the types, functions and variables of a compiled program, from its
 * debug information (DWARF 2 to 5), as BTF.
 */
#ifndef SYM_DWARF_H
#define SYM_DWARF_H

#include "base/err.h"
#include "base/strbuf.h"

/* What became BTF, and what did not. */
struct dwarf_report {
	u32 types;		/* in the BTF: equal ones once, of any kind */
	u32 units;		/* compile units in C */
	u32 other_units;	/* in other languages, or without their .dwo file */
	u32 lost_types;		/* that BTF has no kind for, and what is made of them */
	u32 lost_parts;		/* members, values, parameters of such types or too many */
};

/*
 * Appends raw BTF of the program, library or object PATH, whose debug
 * information may stand in a separate file. Errors: FILE_OPEN, DWARF, BTF when
 * the types do not fit together, LIMIT, NO_LIB.
 */
int dwarf_to_btf(struct strbuf *out, const char *path, struct dwarf_report *rep,
		 struct skep_err *err);

#endif

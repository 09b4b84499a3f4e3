/* SPDX-License-Identifier: BSD-2-Clause */
/* names_in.h: between names.c and names_dwarf.c. Nobody else includes it. */
#ifndef SYM_NAMES_IN_H
#define SYM_NAMES_IN_H

#include "base/vec.h"
#include "sym/names.h"

struct names_dwarf;

struct names_sym {
	u64 addr, end;		/* end 0: until the next one */
	u64 reach;		/* the highest end of all up to here */
	const char *name;
	u32 order;		/* as found: of several at one address the first */
};

struct names_text { u64 hash; const char *from, *to; };	/* of a name; TO: readable */

struct sym_names {
	struct sym_file f;
	struct sym_names_opts o;
	struct arena arena;
	VEC(struct names_sym) syms;
	struct names_text *texts;	/* by hash of the name */
	u32 nr_texts, cap_texts;
	struct names_dwarf *dwarf;	/* NULL: there is none, or no libdw */
};

void names_add(struct sym_names *n, u64 addr, u64 bytes, const char *name);
/* NAME readable, and kept. */
const char *names_text(struct sym_names *n, const char *name);

/* ---- names_dwarf.c --------------------------------------------------------------- */

/* Opens what libdw finds for the file, when there is any, and adds its symbols. */
void names_dwarf_open(struct sym_names *n, const char *path, int fd);
void names_dwarf_close(struct sym_names *n);
/* Frames at ADDR, as linked, without offsets, innermost first; 0: none. ENTRY: where the
 * function begins that they are in. */
u32 names_dwarf_at(struct sym_names *n, u64 addr, struct sym_frame *v, u32 max, u64 *entry);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf.h: what debuggers are told of compiled programs (DWARF 4): functions, lines, how
 * callers are found. For code at its address (gdbjit.c), or for an object file, whose
 * linker knows that later.
 */
#ifndef RUNTIME_DWARF_H
#define RUNTIME_DWARF_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "jit/jit.h"
#include "model/image.h"
#include "model/rewrite.h"

/* Sections. FRAME is .debug_frame, of an object file .eh_frame. */
enum dwarf_part { DWARF_TEXT, DWARF_FRAME, DWARF_ABBREV, DWARF_INFO, DWARF_LINE, DWARF_PARTS };

/* In an object file: AT of section IN there is to be the address of ADD in section TO, in
 * BYTES; PC: less that of the place. 0 is there. */
struct dwarf_fix {
	enum dwarf_part in, to;
	u64 at, add;
	u8 bytes;
	bool pc;
};

struct dwarf_func {
	u64 start, end;
	const char *name;
	const struct image_line *line;	/* where it begins, or NULL */
	bool is_prog;		/* the program, not a function of it */
};

/* A program, whose code is at BASE: an address, or of an object file in DWARF_TEXT. */
struct dwarf_prog {
	const struct image_prog *prog;
	const struct rewrite *rw;
	const struct jit_code *code;
	u64 base;
};

struct dwarf {
	bool object;		/* for an object file */
	struct strbuf out[DWARF_PARTS];	/* but for TEXT */
	VEC(struct dwarf_fix) fixes;	/* for an object file */
	VEC(struct dwarf_func) funcs;	/* of all programs */
};

/* Adds P; false: of its processor nothing is known. Without lines functions have names and
 * callers alone. */
bool dwarf_add(struct dwarf *d, const struct dwarf_prog *p);
void dwarf_free(struct dwarf *d);

#endif

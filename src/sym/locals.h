/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locals.h: the functions of a compiled object, the blocks and inlined calls in
 * them, and where their variables are at each instruction, from DWARF. In: the
 * bytes of an object; out: plain data that needs libdw no more. Places are only
 * told, never looked into: locals_find() gives the operations, and who has the
 * registers computes.
 */
#ifndef SYM_LOCALS_H
#define SYM_LOCALS_H

#include "base/arena.h"
#include "base/err.h"
#include "btf/btf.h"

/* An operation of DWARF, references to types resolved. */
struct locals_op {
	u8 atom;		/* DW_OP_* */
	u64 a, b;		/* operands; of conversions: bytes, and 1 signed */
	const u8 *block;	/* of implicit values, a bytes */
};

/* Where a variable is in [low, high), an address each. */
struct locals_place {
	u64 low, high;
	const struct locals_op *ops;
	u32 nr_ops;
};

struct locals_range { u64 low, high; };

struct locals_var {
	const char *name;
	u32 type;		/* of locals.btf; 0: void, or nobody knows */
	u32 line;
	bool param, fixed;	/* FIXED: it is VALUE everywhere */
	u64 value;
	const struct locals_place *places;
	u32 nr_places;
};

enum locals_kind { LOCALS_FUNC, LOCALS_INLINED, LOCALS_BLOCK };

struct locals_scope {
	enum locals_kind kind;
	const char *name;	/* of functions */
	const char *file;	/* where it is declared, or NULL */
	u32 line;
	const char *call_file;	/* INLINED: where it was called */
	u32 call_line;
	const struct locals_range *ranges;
	u32 nr_ranges;
	const struct locals_var *vars;
	u32 nr_vars;
	struct locals_scope *parent, *child, *next;
};

struct locals {
	struct arena arena;
	struct btf *btf;		/* the object's types, as its DWARF has them */
	struct locals_scope *funcs;	/* that have code, by next */
};

/* NAME is for messages. Errors: DWARF when there is none, NO_LIB, as of dwarf_to_btf. */
int locals_open(struct locals **out, const void *data, size_t bytes, const char *name,
		struct skep_err *err);
void locals_free(struct locals *l);	/* NULL is fine */

/* The function called NAME, or NULL; its code begins at the first range's low. */
const struct locals_scope *locals_func(const struct locals *l, const char *name);
/* Whether S has code at ADDR. */
bool locals_in(const struct locals_scope *s, u64 addr);
/* The innermost scope of FUNC at ADDR. */
const struct locals_scope *locals_scope_at(const struct locals_scope *func, u64 addr);
/* Where VAR is at ADDR, or NULL: nowhere. */
const struct locals_place *locals_find(const struct locals_var *var, u64 addr);

#endif

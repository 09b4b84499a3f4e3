/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_priv.h: what dwarf.c, which walks units, and dwarf_types.c, which makes
 * BTF of one entry, share. Nobody else includes it.
 */
#ifndef SYM_DWARF_PRIV_H
#define SYM_DWARF_PRIV_H

#include "btf/build.h"
#include "sym/dwarf.h"
#include "sym/libdw.h"

#ifdef SYM_LIBDW
enum { DW_NONE = UINT32_MAX };	/* no type: it was left out */

/* Entries by where they are in memory. */
struct die_map {
	struct die_slot { const void *addr; u32 id; } *slots;
	u32 n, cap;		/* cap is a power of two, 0 when empty */
};

struct dw_var { u64 addr; u32 id; };
struct dw_tag { const char *text; u32 id; s32 component; };

struct conv {
	struct dw_lib dw;
	struct arena arena;
	struct btf_build b;
	struct die_map dies;	/* entry -> type */
	struct die_map units;	/* those whose types have numbers */
	VEC(Dwarf_Die) jobs;	/* entries with numbers, types to be added in this order */
	struct strtab symbols;	/* names of the functions in the symbol table */
	VEC(struct dw_var) vars;
	VEC(struct dw_tag) tags;	/* of declarations, to be added yet */
	u32 next;		/* number for the next entry */
	u32 merged;		/* types there were when equal ones became one */
	u64 steps, max_steps;	/* from entry to entry */
	bool big_endian;
	const char *path;
	const char *name;	/* of it, for messages */
	struct dwarf_report *rep;
	struct skep_err *err;
};

/* ---- dwarf.c ---------------------------------------------------------------- */

/*
 * Converts the types of C->path, whose name in messages is C->name, and gives FN, when
 * there is one, the BTF and libdw's handle before that is closed: conv_type() gives the
 * final types then. OUT has the raw BTF. Errors as of dwarf_to_btf.
 */
typedef int conv_fn(struct conv *c, const struct btf *btf, Dwarf *dwarf, void *arg);
int conv_run(struct conv *c, struct strbuf *out, conv_fn *fn, void *arg);

/* The type of DIE, 0 for void, DW_NONE when it was left out. */
u32 conv_type(struct conv *c, Dwarf_Die *die);

/* ---- dwarf_types.c ---------------------------------------------------------- */

/* How many types DIE makes; 0 when BTF has nothing for it. */
u32 conv_count(struct conv *c, Dwarf_Die *die);
/* Adds as many. */
void conv_add(struct conv *c, Dwarf_Die *die);
/* Whether entries below DIE may be types. */
bool conv_enters(struct conv *c, Dwarf_Die *die);
/* The first entry below DIE; replaces DIE by the next one. False for none. */
bool conv_child(struct conv *c, Dwarf_Die *die, Dwarf_Die *out);
bool conv_sibling(struct conv *c, Dwarf_Die *die);
/* What DIE refers to by DW_AT_type. */
bool conv_ref(struct conv *c, Dwarf_Die *die, Dwarf_Die *out);
#endif
#endif

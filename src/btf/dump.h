/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.h: what the files share that print types as C: dump_c.c declarations
 * and bodies, layout.c where members must lie, header.c the order of a whole
 * header. Nobody else includes it.
 */
#ifndef BTF_DUMP_H
#define BTF_DUMP_H

#include "base/hash.h"
#include "btf/btf.h"

/* What a header knows of its types; ids are below btf->nr_types. */
struct header {
	struct arena arena;
	u8 *states;		/* [nr_types] enum in header.c */
	u8 *layouts;		/* [nr_types] see layout.c */
	u32 *versions;		/* [nr_types] of a name that several have; 0 = not
				   asked for yet */
	struct strtab tags;	/* names to types that have them: struct, enum */
	struct strtab idents;	/* the same: typedef, enumerators */
	u32 nr_pads;		/* names of padding so far */
	u32 level;		/* of recursion */
	bool failed;		/* too deep: what follows is not printed */
};

struct dump {
	const struct btf *btf;
	struct header *h;	/* NULL: not for a compiler */
	u64 parts, max_parts;	/* links of chains, members, parameters */
	bool plain;		/* without const, volatile, restrict */
	u32 depth;		/* parameter lists and bodies inside each other */
};

/* ---- dump_c.c ---- */
/* ID as TYPE NAME; INDENT tabs before the lines of bodies. */
void dump_declare(struct dump *d, struct strbuf *out, u32 id, const char *name,
		  u32 indent);
/* "struct", "union", "enum" or NULL. */
const char *dump_keyword(const struct btf_type *t);
/* "{ ... }" with what must follow it. */
void dump_body(struct dump *d, struct strbuf *out, u32 id, u32 indent);
/* A name, with what is no part of an identifier replaced in headers. */
void dump_name(struct dump *d, struct strbuf *out, u32 id);

/* ---- header.c ---- */
/* How many of ID's kind had its name before, and one. */
u32 header_version(struct dump *d, u32 id);
/* The same for the next enumerator called NAME. */
u32 header_ident(struct dump *d, const char *name);
/* A typedef that compilers have by themselves, and that of BPF is another one
 * than the kernel's: what it stands for is printed instead. */
bool header_is_builtin(struct dump *d, const struct btf_type *t);

/* ---- layout.c ---- */
/* Does C put some member of struct or union ID elsewhere unless it is packed? */
bool layout_packed(struct dump *d, u32 id);
/*
 * The next member of struct ID comes at M, after OFF bits: prints padding when
 * C would put it elsewhere. After the last one, M is NULL.
 */
void layout_pad(struct dump *d, struct strbuf *out, u32 id, u64 off,
		const struct btf_member_info *m, u32 indent);

#endif

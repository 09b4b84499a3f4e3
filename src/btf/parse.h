/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h: what parse.c, scan.c, which finds the records, check.c, which looks at
 * each of them, and raw.c, which writes them, share. Nobody else includes it.
 */
#ifndef BTF_PARSE_H
#define BTF_PARSE_H

#include "btf/btf.h"

enum {
	K_NAME = 1,	/* must have a name */
	K_REF = 2,	/* the third word is a type id, else a size */
	K_VLEN = 4,	/* vlen counts records; else it must be 0 */
	K_CHAIN = 8,	/* a link of a chain that leads to one type */
};

/* What follows struct btf_type: FIXED bytes, then vlen times EACH bytes. */
struct kind_row {
	const char *name;	/* NULL: there is no such kind */
	u8 fixed, each, flags;
};
extern const struct kind_row btf_kinds[NR_BTF_KINDS];

struct parse {
	struct btf *btf;
	struct arena *arena;
	const char *where;
	struct skep_err *err;
	bool in_place;		/* data outlives btf and need not be copied */
	bool trusted;		/* it comes from the kernel: no checks, unless its
				   base does not */
	struct btf_header hdr;
	u8 *state;	/* of the own types, in the last pass of check.c */
};

/* Parses DATA into p->btf, which is new; the caller has filled p's rest. */
int btf_parse_into(struct parse *p, const struct btf *base, const u8 *data,
		   size_t bytes);
/* Pass 1: fills own and nr_types; records and the header's length of types are
 * there. */
int btf_scan(struct parse *p);
/* Passes 2 and 3: everything but where records begin. */
int btf_check(struct parse *p);

#endif

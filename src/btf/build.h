/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.h: making BTF: types of several BTFs in one, equal ones once. Types go
 * in, btf_build_dedup() numbers what is left, sections are added, and
 * btf_build_write() gives the bytes.
 */
#ifndef BTF_BUILD_H
#define BTF_BUILD_H

#include "base/hash.h"
#include "base/vec.h"
#include "btf/btf.h"

struct btf_build {
	struct arena *arena;
	struct strbuf types, strings;	/* as they will be in the section */
	VEC(u32) offs;			/* of type i + 1 in types */
	struct strtab names;		/* string -> offset */
};

void btf_build_open(struct btf_build *b, struct arena *arena);
void btf_build_free(struct btf_build *b);
/* The offset of string S, which must live as long as B. */
u32 btf_build_str(struct btf_build *b, const char *s);
/* Copies every type of FROM but sections; IDS[old] is its number, 0 for those. */
void btf_build_add(struct btf_build *b, const struct btf *from, u32 *ids);
/*
 * Leaves one of each set of equal types: those that unfold to the same, also
 * through cycles. A declaration of a struct becomes the struct when there is
 * one only; an extern variable or function becomes the global one of its name.
 * Variables else are never merged. MAP[0..number of types] gets new numbers.
 */
void btf_build_dedup(struct btf_build *b, u32 *map);
/* Adds a DATASEC; its number. */
u32 btf_build_datasec(struct btf_build *b, const char *name, u32 bytes,
		      const struct btf_var_secinfo *vars, u32 n);
/* Appends header, types and strings. */
void btf_build_write(const struct btf_build *b, struct strbuf *out);

#endif

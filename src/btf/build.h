/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.h: making BTF, alone or on a base: types of several BTFs or of a
 * compiler's records in one, equal ones once. Types go in, btf_build_dedup()
 * numbers what is left, sections are added, and btf_build_write() gives the
 * bytes. What goes in unchecked is checked by parsing what comes out.
 */
#ifndef BTF_BUILD_H
#define BTF_BUILD_H

#include "base/hash.h"
#include "base/vec.h"
#include "btf/btf.h"

struct btf_build {
	struct arena *arena;
	const struct btf *base;		/* what ids and strings go on after, or NULL */
	u32 first_id;			/* of the own types */
	u32 first_string;		/* offset of the own strings */
	struct strbuf types, strings;	/* as they will be in the section */
	VEC(u32) offs;			/* of type first_id + i in types */
	struct strtab names;		/* string -> offset, base's included */
};

/* ---- build.c ------------------------------------------------------------- */

void btf_build_open(struct btf_build *b, struct arena *arena);
/* The same on BASE, which is checked BTF and must live as long. */
void btf_build_open_split(struct btf_build *b, struct arena *arena,
			  const struct btf *base);
void btf_build_free(struct btf_build *b);
/* The offset of string S, which must live as long as B. */
u32 btf_build_str(struct btf_build *b, const char *s);
/* Copies type ID of FROM; IDS[old] is the number of each type that it refers to. */
void btf_build_copy(struct btf_build *b, const struct btf *from, u32 id, const u32 *ids);
/* Copies every type of FROM but sections; IDS[old] is its number, 0 for those. */
void btf_build_add(struct btf_build *b, const struct btf *from, u32 *ids);

/*
 * Types one by one; each gives its number, numbers follow each other, and may
 * be used before their type is there. NAME may be "".
 */
u32 btf_build_int(struct btf_build *b, const char *name, u32 bytes, u32 encoding);
u32 btf_build_float(struct btf_build *b, const char *name, u32 bytes);
/* BTF_KIND_PTR, TYPEDEF, CONST, VOLATILE, RESTRICT, TYPE_TAG. */
u32 btf_build_ref(struct btf_build *b, u32 kind, const char *name, u32 type);
u32 btf_build_array(struct btf_build *b, u32 type, u32 index, u32 n);
u32 btf_build_fwd(struct btf_build *b, const char *name, bool is_union);
/* A union or struct, and members of the last one: at most BTF_MAX_VLEN. */
u32 btf_build_record(struct btf_build *b, const char *name, bool is_union, u32 bytes);
/* False when the format cannot hold it: an offset that is too large. */
bool btf_build_member(struct btf_build *b, const char *name, u32 type,
		      u64 bit_off, u32 bit_size);
/* An enum of 8 bytes has values of 64 bits; values of the last one. */
u32 btf_build_enum(struct btf_build *b, const char *name, u32 bytes, bool is_signed);
bool btf_build_value(struct btf_build *b, const char *name, u64 value);
/* A prototype, and parameters of the last one; name "" and type 0 is "...". */
u32 btf_build_proto(struct btf_build *b, u32 returns);
bool btf_build_param(struct btf_build *b, const char *name, u32 type);
u32 btf_build_func(struct btf_build *b, const char *name, u32 proto, u32 linkage);
u32 btf_build_var(struct btf_build *b, const char *name, u32 type, u32 linkage);
/* COMPONENT: a member or parameter from 0, or -1 for TYPE itself. */
u32 btf_build_tag(struct btf_build *b, const char *name, u32 type, s32 component);
/* The global variable ID is only declared: it becomes the defined one of its name. */
void btf_build_extern(struct btf_build *b, u32 id);
u32 btf_build_datasec(struct btf_build *b, const char *name, u32 bytes,
		      const struct btf_var_secinfo *vars, u32 n);

/* The number that the next type gets. */
static inline u32 btf_build_next(const struct btf_build *b)
{
	return b->first_id + (u32)b->offs.n;
}

/* Appends header, types and strings. */
void btf_build_write(const struct btf_build *b, struct strbuf *out);

/*
 * For dedup.c: replaces each name in W, a type, by NAME and each type that it
 * refers to by TYPE; NULL leaves them. How many words the type has.
 */
typedef u32 btf_word_fn(void *arg, u32 word);
void btf_build_walk(u32 *w, btf_word_fn *name, btf_word_fn *type, void *arg);
u32 btf_build_words(const struct btf_type *t);

/* ---- subset.c ------------------------------------------------------------ */

/* Appends BTF of its own with the N types ROOTS of FROM and what they are made of;
 * ROOTS become the numbers there. Pointers become void *. */
void btf_subset(struct strbuf *out, const struct btf *from, u32 *roots, u32 n);

/* ---- dedup.c ------------------------------------------------------------- */

/*
 * Leaves one of each set of equal types: those that unfold to the same, also
 * through cycles. A declaration of a struct, union or enum becomes that type
 * when all of that name are equal; an extern variable or function becomes the
 * global one of its name. Variables else are never merged, and types equal to
 * the base's become the base's. MAP[0..number of types] gets new numbers.
 */
void btf_build_dedup(struct btf_build *b, u32 *map);
/* The same before all is there: declarations and externs are left alone. */
void btf_build_dedup_part(struct btf_build *b, u32 *map);

#endif

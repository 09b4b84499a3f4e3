/* SPDX-License-Identifier: BSD-2-Clause */
/* ctype.h: types of C while they are declared; cdecl_btf.c makes BTF of them. */
#ifndef LANG_CTYPE_H
#define LANG_CTYPE_H

#include "lang/cpp.h"

enum ctype_kind {
	C_VOID, C_INT, C_FLOAT, C_PTR, C_ARRAY, C_FUNC, C_RECORD, C_ENUM, C_TYPEDEF,
	C_KERNEL,	/* one of the kernel's BTF */
};

struct cmember {
	struct cmember *next;
	const char *name;
	struct ctype *type;
	u64 bit_off;
	u32 bits;		/* of a bit field */
	u32 align;		/* of __attribute__((aligned)); 0 none */
	bool is_field, packed;
};

struct cvalue {
	struct cvalue *next;
	const char *name;
	s64 value;
};

struct ctype {
	enum ctype_kind kind;
	const char *name;
	struct ctype *of;
	struct ctype *next;	/* all of them, in order of making */
	u64 bytes, n;		/* n: of an array */
	u32 align;
	bool is_signed, is_bool, is_char, is_union, done, packed;
	struct cmember *members;
	struct cvalue *values;
	u32 id;			/* of BTF */
};

struct cdecl_parser {
	struct script *s;
	struct cdecl *out;
	const struct btf *kernel;
	const struct ctok *t, *end;
	struct ctype *all, **all_end;
	struct strtab tags, names;	/* "struct foo"; typedefs */
	VEC(struct ctype *) named;	/* what they say */
	struct ctype *ptr_cache;
	u32 depth;
	bool panic;
	bool uses_kernel;
};

/* ---- ctype.c -------------------------------------------------------------------- */

struct ctype *ctype_new(struct cdecl_parser *p, enum ctype_kind kind);
struct ctype *ctype_ptr(struct cdecl_parser *p, struct ctype *of);
/* NULL: it would be too large. */
struct ctype *ctype_array(struct cdecl_parser *p, struct ctype *of, u64 n);
struct ctype *ctype_int(struct cdecl_parser *p, const char *name, u32 bytes, bool is_signed);
/* A typedef: of the script, one that every system has, the kernel's. NULL: none. */
struct ctype *ctype_named(struct cdecl_parser *p, const char *name);
/* The tag's type, made when it is new: KEY is "struct foo". */
struct ctype *ctype_tag(struct cdecl_parser *p, const char *key, bool *is_new);
/* What typedefs stand for. */
struct ctype *ctype_real(struct ctype *t);
/* Is its size known? A struct that is declared may be one of the kernel's. */
bool ctype_complete(struct cdecl_parser *p, struct ctype *t);
/* Places the members of a record, as the ABI says. False: it is too large. */
bool ctype_layout(struct ctype *t, u32 aligned);

/* ---- cdecl_btf.c ---------------------------------------------------------------- */

/* All types of P as P->out->btf. */
int ctype_btf(struct cdecl_parser *p, struct skep_err *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type.h: the types of a script's values. Equal types are the same pointer. Types of C
 * (structs, unions, enums) are a BTF and a number, wherever they come from: the kernel's
 * BTF, the debug information of a traced binary, the C part of the script.
 */
#ifndef LANG_TYPE_H
#define LANG_TYPE_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "btf/btf.h"

enum ty_kind {
	TY_NONE,	/* not known yet */
	TY_VOID,
	TY_INT,		/* bytes 1, 2, 4, 8; is_signed */
	TY_BOOL,
	TY_ENUM,	/* btf, id: an integer with names */
	TY_STR,		/* bytes: with its NUL; what stands behind a NUL is nothing */
	TY_BUF,		/* u32 length, then up to bytes - 4 */
	TY_PTR,		/* to OF; space */
	TY_ARRAY,	/* n of OF */
	TY_CSTRUCT,	/* btf, id: struct or union */
	TY_TUPLE,	/* fields: names NULL */
	TY_RECORD,	/* fields */
	TY_INET,	/* u64 family, then 16 bytes */
	TY_MAC,		/* 6 bytes */
	TY_KSYM, TY_USYM,	/* u64 address; USYM: and u32 pid, u32 probe */
	TY_STACK,	/* of kstack and ustack: struct lang_stack of unit.h */
	TY_CGROUP_PATH, TY_STRFTIME, TY_ERRNO, TY_SYSCALL, TY_SIGNAL, TY_USERNAME,
			/* u64 shown as text */
	/* values of maps: aggregations */
	TY_COUNT, TY_SUM, TY_AVG, TY_MIN, TY_MAX, TY_STATS, TY_HIST, TY_LHIST, TY_TSERIES,
};

/* Where a pointer points. BTF: the kernel, and the verifier knows to what, so that it is
 * read as it is. */
enum ty_space { SPACE_NONE, SPACE_KERNEL, SPACE_USER, SPACE_CTX, SPACE_BTF };

struct ty_field {
	const char *name;	/* NULL of a tuple */
	const struct ty *ty;
	u32 off;		/* bytes */
};

struct ty {
	enum ty_kind kind;
	bool is_signed;		/* INT, SUM, AVG, MIN, MAX, STATS */
	u32 bytes, align;	/* of a value; of an aggregation: of its value in the map */
	enum ty_space space;	/* PTR, CSTRUCT, ARRAY: where it points, where it is */
	bool user;		/* STACK: of the user's side */
	const struct ty *of;
	u32 n;			/* ARRAY: elements */
	const struct btf *btf;
	u32 id;
	const struct ty_field *fields;
	u32 nr_fields;
	/* HIST: bits; LHIST: min, max, step; TSERIES: interval in ns, buckets; STACK: mode,
	   frames */
	s64 par[3];
	const struct ty *agg;	/* TSERIES: of what */
	struct ty *hash_next;
};

struct ty_table {
	struct arena *arena;
	struct ty *slots[256];
};

/* ---- type.c ------------------------------------------------------------------ */

const struct ty *ty_void(struct ty_table *t);
const struct ty *ty_int(struct ty_table *t, u32 bytes, bool is_signed);
const struct ty *ty_bool(struct ty_table *t);
const struct ty *ty_str(struct ty_table *t, u32 bytes);
const struct ty *ty_buf(struct ty_table *t, u32 bytes);	/* without its length */
const struct ty *ty_ptr(struct ty_table *t, const struct ty *of, enum ty_space space);
const struct ty *ty_array(struct ty_table *t, const struct ty *of, u32 n, enum ty_space space);
/* N types; NAMES NULL: a tuple. Laid out with natural alignment; bytes between fields
 * belong to nobody and are zero. */
const struct ty *ty_tuple(struct ty_table *t, const struct ty *const *of,
			  const char *const *names, u32 n);
/* Type ID of BTF: integers, enums, pointers, arrays, structs; typedefs and qualifiers
 * are looked through. NULL when the language has no such type (functions, floats). */
const struct ty *ty_btf(struct ty_table *t, const struct btf *btf, u32 id, enum ty_space space);
/* Any other; LIKE is copied. */
const struct ty *ty_make(struct ty_table *t, const struct ty *like);

/* "uint64", "string[64]", "(int64,string[16])", "struct task_struct *" */
void ty_name(struct strbuf *out, const struct ty *t);
/* As typeinfo() and maps' types say it, one word: "int", "string", "tuple". */
const char *ty_kind_name(enum ty_kind kind);

static inline bool ty_is_agg(const struct ty *t)
{
	return t->kind >= TY_COUNT;
}
/* Can the integer or bool T be V? */
bool ty_holds(const struct ty *t, s64 v);

static inline bool ty_is_number(const struct ty *t)
{
	return t->kind == TY_INT || t->kind == TY_BOOL || t->kind == TY_ENUM;
}

#endif

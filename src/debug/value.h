/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * value.h: C values of a stopped program: types, loads, expressions, texts. In: BTF
 * (the object's, and what its DWARF became) and a struct value_env, which has the
 * memory and the names; out: values and how they are written. Knows no engine, and
 * changes no memory of the program: expressions have no side effects.
 */
#ifndef DEBUG_VALUE_H
#define DEBUG_VALUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "btf/btf.h"

/* ---- types.c ------------------------------------------------------------- */

/* PTRS pointers to type ID of struct types. */
struct dtype { u32 id, ptrs; };

enum basic {
#define BASIC(name, text, bytes, encoding) BASIC_##name,
#include "debug/basic.def"
#undef BASIC
	NR_BASICS
};

/* All types that expressions may name, in one BTF. */
struct types {
	struct arena arena;
	struct btf *btf;
	u32 basics[NR_BASICS];
	u32 *from[2];		/* ids of the parts' types, by their own */
	u32 nr_from[2];
};

enum types_part { TYPES_IMAGE, TYPES_DWARF };

/* PARTS may be NULL. Error: BTF. */
int types_open(struct types **out, const struct btf *const parts[2], const char *name,
	       struct skep_err *err);
void types_free(struct types *t);	/* NULL is fine */
/* Type ID of PART. */
struct dtype types_of(const struct types *t, enum types_part part, u32 id);
struct dtype types_basic(const struct types *t, enum basic b);

/* Without modifiers and typedefs; a declaration becomes the definition of its name. */
struct dtype dtype_plain(const struct types *t, struct dtype ty);
/* BTF_KIND_* of it; BTF_KIND_PTR for pointers. */
u32 dtype_kind(const struct types *t, struct dtype ty);
/* 0: it has none (void, functions). */
u64 dtype_bytes(const struct types *t, struct dtype ty);
/* What a pointer leads to, or the elements of an array; false: it is neither. */
bool dtype_inner(const struct types *t, struct dtype ty, struct dtype *inner);
/* Of arrays. */
u32 dtype_elements(const struct types *t, struct dtype ty);
bool dtype_is_signed(const struct types *t, struct dtype ty);
bool dtype_is_integer(const struct types *t, struct dtype ty);	/* enums and _Bool too */
bool dtype_is_record(const struct types *t, struct dtype ty);
/* Of one byte that C calls a char. */
bool dtype_is_char(const struct types *t, struct dtype ty);
static inline struct dtype dtype_pointer(struct dtype ty)
{
	return (struct dtype){ ty.id, ty.ptrs + 1 };
}
/* Appends "struct key *NAME". */
void dtype_text(struct strbuf *out, const struct types *t, struct dtype ty, const char *name);
/* Its definition, of a few levels, as gdb's ptype. */
void dtype_define(struct strbuf *out, const struct types *t, struct dtype ty);

/* ---- value.c ------------------------------------------------------------- */

enum value_kind {
	VALUE_NUMBER,		/* integers, pointers and the bits of floats: number */
	VALUE_MEM,		/* at addr of the program's memory */
	VALUE_BYTES,		/* in bytes: what has no address */
	VALUE_GONE,		/* optimised out, for the reason in gone */
	VALUE_MAP,		/* a map, by its index */
};

struct value {
	enum value_kind kind;
	struct dtype type;
	u64 number;		/* extended to 64 bits as its type is */
	u64 addr;
	const u8 *bytes;
	u32 nr_bytes;
	u32 bit_off, bit_size;	/* of a bit field, from the first byte's; size 0: none */
	u32 repeat;		/* so many of TYPE in a row (a @ b); 0: one */
	u32 map;
	const char *gone;
};

/* What the program has. All but types, arena and load may be NULL. */
struct value_env {
	const struct types *types;
	struct arena *arena;	/* of what evaluation makes */
	void *arg;
	/* BYTES (1, 2, 4, 8) at ADDR; fields of the context may have 8 where 4 are asked
	   for. False: no memory of the program. */
	bool (*load)(void *arg, u64 addr, u32 bytes, u64 *v);
	/* Copies BYTES of plain memory at ADDR; false: not all of them are there. May be
	   NULL. */
	bool (*read)(void *arg, u64 addr, void *to, u64 bytes);
	/* What NAME stands for; $NAME without the dollar and DOLLAR. 1: nothing. */
	int (*name)(void *arg, const char *name, bool dollar, struct value *out,
		    struct skep_err *err);
	/* Element KEY of MAP. */
	int (*element)(void *arg, const struct value *map, const struct value *key,
		       struct value *out, struct skep_err *err);
	/* The type of MAP's keys; false: it is not known. May be NULL. */
	bool (*key_type)(void *arg, const struct value *map, struct dtype *out);
	/* $NAME is V from now on. */
	int (*assign)(void *arg, const char *name, const struct value *v, struct skep_err *err);
	/* Appends what is at ADDR: "packet+14"; or nothing. */
	void (*where)(void *arg, u64 addr, struct strbuf *out);
	/* Appends what a map's elements are. */
	void (*show_map)(void *arg, u32 map, struct strbuf *out);
};

struct value value_number(struct dtype ty, u64 n);
struct value value_gone(struct dtype ty, const char *why);
/* Makes a number of V, an integer, enum, pointer or (its address) array. Error: DEBUG_EXPR,
 * DEBUG_MEM, DEBUG_GONE. */
int value_load(const struct value_env *env, const struct value *v, struct value *out,
	       struct skep_err *err);
/* The same, and of a float or double its bits. */
int value_load_scalar(const struct value_env *env, const struct value *v, struct value *out,
		      struct skep_err *err);
/* N cut to the size of TY and extended as it is. */
u64 value_extend(const struct types *t, struct dtype ty, u64 n);
/* Member NAME of V, a struct or union, also of anonymous ones in it. */
int value_member(const struct value_env *env, const struct value *v, const char *name,
		 struct value *out, struct skep_err *err);
/* Member or element I, of which there are value_children(). */
u32 value_children(const struct types *t, const struct value *v);
struct value value_child(const struct types *t, const struct value *v, u32 i, const char **name);
/* *V. */
int value_deref(const struct value_env *env, const struct value *v, struct value *out,
		struct skep_err *err);
/* Copies up to N bytes of V to TO; how many it has, as far as they can be read. */
u64 value_copy(const struct value_env *env, const struct value *v, void *to, u64 n);

/* The one mistake of expressions that depends on values. */
#define EXPR_BY_ZERO "Division by zero"

/* ---- expr.c -------------------------------------------------------------- */

/* The value of TEXT, a C expression; lvalues stay such. Error: DEBUG_EXPR with a caret,
 * and as of value_load. */
int expr_eval(struct value *out, const struct value_env *env, const char *text,
	      struct skep_err *err);
/* A type name (REST NULL: and nothing behind it); false: TEXT is none. */
bool expr_type(struct dtype *out, const struct value_env *env, const char *text);
/* The number that TEXT, which may be any expression of integer or pointer type, is. */
int expr_number(u64 *out, const struct value_env *env, const char *text, struct skep_err *err);

/* ---- show.c -------------------------------------------------------------- */

struct show_opts {
	char format;		/* x d u o t c a z s, or 0: as the type says */
	bool pretty;
	bool top;		/* pointers with their types, as gdb's print */
	u32 limit;		/* elements of arrays, characters of strings; 0: 200 */
	u32 depth;		/* below which records are "{...}"; 0: 20 */
};

/* Appends V as gdb prints it. */
void value_show(struct strbuf *out, const struct value_env *env, const struct value *v,
		const struct show_opts *o);

#endif

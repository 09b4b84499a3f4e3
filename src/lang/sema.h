/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sema.h: between the files of type checking. scope.c says which variable and map each
 * name is; then all programs are typed again and again until no type of a variable or map
 * changes, and once more to report what does not fit. Private to sema*.c and scope.c.
 */
#ifndef LANG_SEMA_H
#define LANG_SEMA_H

#include "lang/lang.h"

enum func_flag { FF_ASYNC = 1, FF_UNSAFE = 2, FF_AGG = 4, FF_RAW = 8, FF_CONST = 16 };

enum func_id {
#define FUNC(name, ...) F_##name,
#include "lang/func.def"
#undef FUNC
	F_COUNT
};

struct func_row { const char *name; u8 min, max, result; unsigned flags; };
extern const struct func_row func_rows[F_COUNT];
/* The row called NAME, or -1. arg0 to arg9 are of no row. */
int func_find(const char *name);
/* N of "argN", or -1. */
int func_arg_number(const char *name);

struct sema {
	struct lang *l;
	struct prog *p;
	bool changed;		/* a variable's or map's type, in this round */
	bool report;		/* the last round: say what is wrong */
};

/* ---- scope.c ----------------------------------------------------------------- */

/* Gives each VAR and MAP of P its struct var and struct map_var. */
void scope_run(struct lang *l, struct prog *p);
struct map_var *lang_map(struct lang *l, struct node *n);

/* ---- sema.c ------------------------------------------------------------------ */

const struct ty *sem_expr(struct sema *s, struct node *n);
/* The same for each of a list. */
void sem_list(struct sema *s, struct node *list);
void sem_block(struct sema *s, struct node *block);
const struct ty *sem_fncall(struct sema *s, struct node *n);
/* Reports, in the last round, and gives the type of nothing. */
const struct ty *sem_error(struct sema *s, struct span at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* The type that holds both, NULL: there is none. LIT: B is a number that stands there. */
const struct ty *ty_join(struct lang *l, const struct ty *a, const struct ty *b, bool a_lit,
			 bool b_lit);
const struct ty *ty_literal(struct lang *l, u64 v, bool is_unsigned);
/* What N, a TYPE, says; NULL after an error. */
const struct ty *sem_type(struct sema *s, struct node *n);
/* A type in words, in the script's arena. */
const char *sem_name(struct lang *l, const struct ty *t);
/* A number that is known now. */
bool sem_const(struct sema *s, const struct node *n, s64 *v);
/* As values are compared and added up: an aggregation becomes its number. */
const struct ty *sem_number(struct sema *s, struct node *n);
void sem_key(struct sema *s, struct node *map);
/* The same of a variable. */
void sem_var_value(struct sema *s, struct node *var, const struct ty *t, bool lit);
void sem_map_value(struct sema *s, struct node *map, const struct ty *t, bool lit);

/* ---- sema_field.c ------------------------------------------------------------ */

const struct ty *sem_field(struct sema *s, struct node *n);
/* Is the place of N's probe one where arguments are gone? Then that is said. */
bool sem_no_args_here(struct sema *s, const struct node *n);
const struct ty *sem_index(struct sema *s, struct node *n);
const struct ty *sem_offsetof(struct sema *s, struct node *n);
/* A member, also one of an anonymous member. */
struct field_place { const struct ty *ty; u32 off, bit_off, bit_size; const char *path; };
bool field_find(struct lang *l, const struct ty *of, const char *name, struct field_place *out);
/* The place's argument called NAME. */
const struct place_arg *place_arg_find(const struct place *p, const char *name);
/* In which space what a number points to is, when it becomes a pointer in P. */
enum ty_space sem_space(const struct sema *s);

/* ---- place_syscall.c --------------------------------------------------------- */

void place_raw_syscalls(struct lang *l);	/* when all programs are known */

/* ---- lookup.c ---------------------------------------------------------------- */

/* The struct, union or enum of the kernel that is called most like NAME, "struct x", with its
 * kind; NULL: none is. */
const char *lang_nearest_type(struct lang *l, const char *name);
/* Addresses and numbers of names; -1: there is none. */
s64 lang_kaddr(struct lang *l, const char *name);
s64 lang_uaddr(const struct place *p, const char *name);
s64 lang_cgroup_id(const char *path);
/* lower_call.c: where register NAME is in struct pt_regs. */
int low_register(const char *name);

/* ---- sema_map.c -------------------------------------------------------------- */

/* Value N of a map, a call of function F. */
const struct ty *sem_aggregation(struct sema *s, struct node *n, int f);
/* delete, has_key, find: the first argument is a map without key. */
const struct ty *sem_map_call(struct sema *s, struct node *n, int f);
const struct ty *sem_print(struct sema *s, struct node *n);
/* clear, zero. */
const struct ty *sem_map_only(struct sema *s, struct node *n);
const struct ty *sem_len(struct sema *s, struct node *n);

/* ---- sema_call.c ------------------------------------------------------------- */

/* CALL, and IDENT of a builtin. */
const struct ty *sem_call(struct sema *s, struct node *n);

#endif

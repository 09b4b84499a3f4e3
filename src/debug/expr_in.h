/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_in.h: between the files that compute expressions. */
#ifndef DEBUG_EXPR_IN_H
#define DEBUG_EXPR_IN_H

#include "debug/value.h"

enum { NAME_BYTES = 128 };

struct parser {
	const struct value_env *env;
	const char *text, *p;
	struct skep_err *err;
	unsigned depth;		/* of what is nested */
	unsigned dry;		/* it is not computed */
};

enum binary {
	B_NONE, B_AT, B_MUL, B_DIV, B_MOD, B_ADD, B_SUB, B_SHL, B_SHR,
	B_LT, B_LE, B_GT, B_GE,
	B_EQ, B_NE, B_AND, B_XOR, B_OR, B_LAND, B_LOR
};

/* ---- expr.c: words and what is wrong ---- */

int ps_bad_at(struct parser *ps, const char *at, const char *what);
int ps_bad(struct parser *ps, const char *what);	/* at the place at hand */
int ps_missing(struct parser *ps, const char *what);	/* the same, where the text may end */
void ps_space(struct parser *ps);
bool ps_is_word(char c);
bool ps_next_is(struct parser *ps, const char *op);
bool ps_take(struct parser *ps, const char *op);
bool ps_word(struct parser *ps, char name[NAME_BYTES]);

int ps_expr(struct parser *ps, struct value *v);	/* all that binds closer than a comma */

/* ---- expr_init.c ---- */

/* The value of type TY that stands at '{'. */
int ps_literal(struct parser *ps, struct dtype ty, struct value *v);

/* ---- expr_type.c ---- */

/* A type name; PS stays where it is when there is none. */
bool ps_type_name(struct parser *ps, struct dtype *ty);

/* ---- expr_op.c ---- */

/* N as a value of type B. */
struct value ps_number_of(struct parser *ps, enum basic b, u64 n);
/* V as a number; what is not computed is 0. */
int ps_rvalue(struct parser *ps, struct value *v);
/* The same, and of a float or double its bits. */
int ps_operand(struct parser *ps, struct value *v);
bool ps_is_pointer(struct parser *ps, const struct value *v);
void ps_promote(struct parser *ps, struct value *v);	/* C's integer promotions */
int ps_cast(struct parser *ps, struct value *v, struct dtype ty);
/* A + B or A - B, and any operator but && and ||; the result is in A. */
int ps_add(struct parser *ps, struct value *a, struct value *b, bool minus);
int ps_compute(struct parser *ps, struct value *a, struct value *b, enum binary op);

/* ---- expr_float.c: of float and double, and integers beside them ---- */

bool ps_is_float(struct parser *ps, const struct value *v);
int ps_float_number(struct parser *ps, struct value *v);
/* Whether V, of any type that has numbers, is not 0. */
int ps_truth(struct parser *ps, struct value *v, bool *yes);
int ps_float_unary(struct parser *ps, struct value *v, char op);
int ps_float_compute(struct parser *ps, struct value *a, const struct value *b, enum binary op);
/* V or TY is a float or double. */
int ps_float_cast(struct parser *ps, struct value *v, struct dtype ty);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr_float.c: float and double in expressions: a value of one is a number that has its
 * bits. Computed as this machine does, in double, and cut to float where both are.
 */
#include "debug/expr_in.h"
#include <stdlib.h>

bool ps_is_float(struct parser *ps, const struct value *v)
{
	return v->kind != VALUE_MAP && dtype_kind(ps->env->types, v->type) == BTF_KIND_FLOAT;
}

/* V, a float, double or integer. */
static double double_of(struct parser *ps, const struct value *v)
{
	const struct types *t = ps->env->types;
	double wide;
	float narrow;

	if (!ps_is_float(ps, v))
		return dtype_is_signed(t, v->type) ? (double)(s64)v->number : (double)v->number;
	if (dtype_bytes(t, v->type) == 4) {
		memcpy(&narrow, &v->number, sizeof(narrow));
		return (double)narrow;
	}
	memcpy(&wide, &v->number, sizeof(wide));
	return wide;
}

/* X as type TY, a float or double. */
static struct value float_value(struct parser *ps, struct dtype ty, double x)
{
	float narrow = (float)x;
	u64 n = 0;

	if (dtype_bytes(ps->env->types, ty) == 4)
		memcpy(&n, &narrow, sizeof(narrow));
	else
		memcpy(&n, &x, sizeof(x));
	return value_number(ty, n);
}

static struct dtype common(struct parser *ps, const struct value *a, const struct value *b)
{
	const struct types *t = ps->env->types;
	bool wide = (ps_is_float(ps, a) && dtype_bytes(t, a->type) == 8) ||
		(ps_is_float(ps, b) && dtype_bytes(t, b->type) == 8);

	return types_basic(t, wide ? BASIC_DOUBLE : BASIC_FLOAT);
}

int ps_float_number(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	char *end;
	double x = strtod(start, &end);
	bool narrow = (*end | 0x20) == 'f';

	ps->p = end + narrow;
	if (ps_is_word(*ps->p) || *ps->p == '.')
		return ps_bad_at(ps, start, "Invalid number");
	*v = float_value(ps, types_basic(ps->env->types, narrow ? BASIC_FLOAT : BASIC_DOUBLE), x);
	return 0;
}

int ps_truth(struct parser *ps, struct value *v, bool *yes)
{
	int r = ps_operand(ps, v);

	if (!r)
		*yes = ps_is_float(ps, v) ? double_of(ps, v) != 0 : v->number != 0;
	return r;
}

int ps_float_unary(struct parser *ps, struct value *v, char op)
{
	double x = double_of(ps, v);

	if (op == '~')
		return ps_bad(ps, "Argument to complement operation not an integer, boolean.");
	*v = op == '!' ? ps_number_of(ps, BASIC_INT, x == 0) :
		float_value(ps, v->type, op == '-' ? -x : x);
	return 0;
}

static int compare(double a, double b, enum binary op)
{
	switch (op) {
	case B_LT:
		return a < b;
	case B_LE:
		return a <= b;
	case B_GT:
		return a > b;
	case B_GE:
		return a >= b;
	case B_EQ:
		return a == b;
	default:
		return a != b;
	}
}

int ps_float_compute(struct parser *ps, struct value *a, const struct value *b, enum binary op)
{
	struct dtype ty = common(ps, a, b);
	double x, y;

	if (ps_is_pointer(ps, a) || ps_is_pointer(ps, b))
		return ps_bad(ps, "Argument to arithmetic operation not a number or boolean.");
	x = double_of(ps, a), y = double_of(ps, b);
	if (op >= B_LT && op <= B_NE)
		*a = ps_number_of(ps, BASIC_INT, (u64)compare(x, y, op));
	else if (op == B_ADD || op == B_SUB)
		*a = float_value(ps, ty, op == B_ADD ? x + y : x - y);
	else if (op == B_MUL || op == B_DIV)
		*a = float_value(ps, ty, op == B_MUL ? x * y : x / y);
	else
		return ps_bad(ps, "Integer-only operation: its operands are float or double.");
	return 0;
}

/* What has no such integer becomes the nearest that there is; what is no number, 0. */
static u64 integer_of(double x, bool is_signed)
{
	if (x != x)
		return 0;
	if (x >= 0x1p63 && !is_signed)
		return x >= 0x1p64 ? UINT64_MAX : (u64)x;
	if (x >= 0x1p63)
		return INT64_MAX;
	return x <= -0x1p63 ? 1ull << 63 : (u64)(s64)x;
}

int ps_float_cast(struct parser *ps, struct value *v, struct dtype ty)
{
	const struct types *t = ps->env->types;
	struct dtype plain = dtype_plain(t, ty);

	if (dtype_kind(t, ty) == BTF_KIND_FLOAT) {
		if (ps_is_pointer(ps, v) ||
		    (dtype_bytes(t, ty) != 4 && dtype_bytes(t, ty) != 8))
			return ps_bad(ps, "Invalid cast.");
		*v = float_value(ps, ty, double_of(ps, v));
		return 0;
	}
	if (!dtype_is_integer(t, ty))
		return ps_bad(ps, "Invalid cast.");
	if (!strcmp(btf_type_name(t->btf, plain.id), "_Bool"))
		*v = value_number(ty, double_of(ps, v) != 0);
	else
		*v = value_number(ty, value_extend(t, ty, integer_of(double_of(ps, v),
								    dtype_is_signed(t, ty))));
	return 0;
}

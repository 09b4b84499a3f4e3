/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_op.c: what operators of expressions compute, by C's conversions. */
#include "debug/expr_in.h"

/* ---- conversions ---------------------------------------------------------------- */

struct value ps_number_of(struct parser *ps, enum basic b, u64 n)
{
	struct dtype ty = types_basic(ps->env->types, b);

	return value_number(ty, value_extend(ps->env->types, ty, n));
}

/* V as a number; what is not computed is 0. */
static int rvalue(struct parser *ps, struct value *v, bool floats)
{
	struct value n;
	int r;

	if (ps->dry) {
		if (v->kind != VALUE_NUMBER)
			*v = ps_number_of(ps, BASIC_INT, 0);
		return 0;
	}
	r = floats ? value_load_scalar(ps->env, v, &n, ps->err) :
		value_load(ps->env, v, &n, ps->err);
	if (!r)
		*v = n;
	return r;
}

int ps_rvalue(struct parser *ps, struct value *v) { return rvalue(ps, v, false); }

int ps_operand(struct parser *ps, struct value *v) { return rvalue(ps, v, true); }

bool ps_is_pointer(struct parser *ps, const struct value *v)
{
	return dtype_kind(ps->env->types, v->type) == BTF_KIND_PTR;
}

/* The integer promotions. */
void ps_promote(struct parser *ps, struct value *v)
{
	if (!ps_is_pointer(ps, v) && dtype_bytes(ps->env->types, v->type) < 4)
		v->type = types_basic(ps->env->types, BASIC_INT);
}

/* The common type of two integers. */
static struct dtype ps_common(struct parser *ps, struct value *a, struct value *b)
{
	const struct types *t = ps->env->types;
	u64 na, nb;
	bool ua, ub;

	ps_promote(ps, a);
	ps_promote(ps, b);
	na = dtype_bytes(t, a->type), nb = dtype_bytes(t, b->type);
	ua = !dtype_is_signed(t, a->type), ub = !dtype_is_signed(t, b->type);
	if (na == 8 || nb == 8)
		return types_basic(t, (na == 8 && ua) || (nb == 8 && ub) ? BASIC_ULONG :
				   BASIC_LONG);
	return types_basic(t, ua || ub ? BASIC_UINT : BASIC_INT);
}

int ps_cast(struct parser *ps, struct value *v, struct dtype ty)
{
	const struct types *t = ps->env->types;
	u32 kind = dtype_kind(t, ty);
	int r;

	if (dtype_is_record(t, ty) && !ps->dry && v->kind != VALUE_MAP && !v->repeat &&
	    dtype_bytes(t, v->type) == dtype_bytes(t, ty)) {
		v->type = ty;
		return 0;
	}
	if (kind != BTF_KIND_PTR && kind != BTF_KIND_FLOAT && !dtype_is_integer(t, ty) && ty.id)
		return ps_bad(ps, "Invalid cast.");
	r = ps_operand(ps, v);
	if (r)
		return r;
	if (ps_is_float(ps, v) || kind == BTF_KIND_FLOAT)
		return ps_float_cast(ps, v, ty);
	v->type = ty;
	v->number = kind == BTF_KIND_PTR || !ty.id ? v->number :
		value_extend(t, ty, v->number);
	return 0;
}

/* ---- operators --------------------------------------------------------------- */

/* Pointers count in what they point to. */
int ps_add(struct parser *ps, struct value *a, struct value *b, bool minus)
{
	const struct types *t = ps->env->types;
	bool pa = ps_is_pointer(ps, a), pb = ps_is_pointer(ps, b);
	struct dtype inner, ty;
	u64 size;

	if (!pa && !pb) {
		ty = ps_common(ps, a, b);
		*a = value_number(ty, value_extend(t, ty, minus ? a->number - b->number :
						  a->number + b->number));
		return 0;
	}
	if (pb && !minus && !pa) {
		struct value swap = *a;

		*a = *b, *b = swap;
	} else if (pb && !(minus && pa)) {
		return ps_bad(ps, "Argument to arithmetic operation not a number or boolean.");
	}
	dtype_inner(t, dtype_plain(t, a->type), &inner);
	size = dtype_bytes(t, inner);
	size = size ? size : 1;
	if (pb && minus && pa) {
		*a = ps_number_of(ps, BASIC_LONG, (u64)((s64)(a->number - b->number) / (s64)size));
		return 0;
	}
	a->number = minus ? a->number - b->number * size : a->number + b->number * size;
	return 0;
}

static int compare(struct parser *ps, struct value *a, struct value *b, enum binary op)
{
	bool is_signed = !ps_is_pointer(ps, a) && !ps_is_pointer(ps, b);
	u64 x, y;
	bool less;

	if (is_signed) {
		struct dtype ty = ps_common(ps, a, b);

		is_signed = dtype_is_signed(ps->env->types, ty);
		a->number = value_extend(ps->env->types, ty, a->number);
		b->number = value_extend(ps->env->types, ty, b->number);
	}
	x = a->number, y = b->number;
	less = is_signed ? (s64)x < (s64)y : x < y;
	*a = ps_number_of(ps, BASIC_INT, op == B_LT ? less : op == B_GE ? !less :
		       op == B_LE ? less || x == y : op == B_GT ? !less && x != y :
		       op == B_EQ ? x == y : x != y);
	return 0;
}

static int divide(struct parser *ps, struct value *a, const struct value *b, struct dtype ty,
		  bool mod)
{
	bool is_signed = dtype_is_signed(ps->env->types, ty);
	u64 n;

	if (!b->number && !ps->dry)
		return ps_bad(ps, EXPR_BY_ZERO);
	if (!b->number || (is_signed && (s64)b->number == -1))
		n = mod ? 0 : 0 - a->number;
	else if (is_signed)
		n = (u64)(mod ? (s64)a->number % (s64)b->number :
			  (s64)a->number / (s64)b->number);
	else
		n = mod ? a->number % b->number : a->number / b->number;
	*a = value_number(ty, value_extend(ps->env->types, ty, n));
	return 0;
}

static u64 bits(enum binary op, u64 a, u64 b)
{
	switch (op) {
	case B_MUL:
		return a * b;
	case B_AND:
		return a & b;
	case B_XOR:
		return a ^ b;
	default:
		return a | b;
	}
}

static int shift(struct parser *ps, struct value *a, const struct value *b, bool left)
{
	const struct types *t = ps->env->types;

	ps_promote(ps, a);
	if (b->number >= dtype_bytes(t, a->type) * 8)
		a->number = !left && dtype_is_signed(t, a->type) && (s64)a->number < 0 ? ~0ull : 0;
	else if (left)
		a->number <<= b->number;
	else
		a->number = dtype_is_signed(t, a->type) ?
			(u64)((s64)a->number >> b->number) : a->number >> b->number;
	a->number = value_extend(t, a->type, a->number);
	return 0;
}

/* a @ n: n of them in a row. */
static int repeat(struct parser *ps, struct value *a, struct value *b)
{
	int r = ps_rvalue(ps, b);

	if (r || ps->dry)
		return r;
	if (a->kind != VALUE_MEM || a->bit_size)
		return ps_bad(ps, "Only values in memory can be extended with '@'.");
	if ((s64)b->number < 1 || b->number > 1 << 20)
		return ps_bad(ps, "Invalid number of repetitions.");
	a->repeat = (u32)b->number;
	return 0;
}

int ps_compute(struct parser *ps, struct value *a, struct value *b, enum binary op)
{
	struct dtype ty;
	int r;

	if (op == B_AT)
		return repeat(ps, a, b);
	r = ps_operand(ps, a);
	if (!r)
		r = ps_operand(ps, b);
	if (r)
		return r;
	if (ps_is_float(ps, a) || ps_is_float(ps, b))
		return ps_float_compute(ps, a, b, op);
	if (op == B_ADD || op == B_SUB)
		return ps_add(ps, a, b, op == B_SUB);
	if (op >= B_LT && op <= B_NE)
		return compare(ps, a, b, op);
	if (ps_is_pointer(ps, a) || ps_is_pointer(ps, b))
		return ps_bad(ps, "Argument to arithmetic operation not a number or boolean.");
	if (op == B_SHL || op == B_SHR)
		return shift(ps, a, b, op == B_SHL);
	ty = ps_common(ps, a, b);
	a->number = value_extend(ps->env->types, ty, a->number);
	b->number = value_extend(ps->env->types, ty, b->number);
	if (op == B_DIV || op == B_MOD)
		return divide(ps, a, b, ty, op == B_MOD);
	*a = value_number(ty, value_extend(ps->env->types, ty, bits(op, a->number, b->number)));
	return 0;
}

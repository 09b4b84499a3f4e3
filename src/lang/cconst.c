/* SPDX-License-Identifier: BSD-2-Clause */
/* cconst.c: constant expressions of C, in 64 bits with sign. */
#include "lang/cpp.h"

enum { MAX_DEPTH = 200 };

static s64 ternary(struct cexpr *e);

static bool is(const struct cexpr *e, u32 op)
{
	return e->t < e->end && ctok_is(e->t, op);
}

static s64 fail(struct cexpr *e, const char *what)
{
	if (!e->wrong) {
		e->wrong = what;
		e->where = e->t;
	}
	e->t = e->end;
	return 0;
}

static s64 named(struct cexpr *e, bool is_sizeof)
{
	s64 v = 0;

	if (is_sizeof)
		e->t++;
	if (e->name && e->name(e->arg, e, is_sizeof, &v))
		return v;
	return fail(e, is_sizeof ? "no type whose size is known" : "no constant of this name");
}

static s64 paren(struct cexpr *e)
{
	s64 v;

	e->t++;
	v = ternary(e);
	if (!is(e, TOK1(')')))
		return fail(e, "expected ')'");
	e->t++;
	return v;
}

static s64 primary(struct cexpr *e)
{
	if (e->t == e->end)
		return fail(e, "expected a number");
	if (e->t->t.kind == T_INT)
		return (s64)e->t++->t.num;
	if (ctok_word(e->t, "sizeof"))
		return named(e, true);
	if (e->t->t.kind == T_IDENT)
		return named(e, false);
	if (is(e, TOK1('(')))
		return paren(e);
	return fail(e, "expected a number");
}

static s64 unary(struct cexpr *e)
{
	s64 v;
	u32 op = e->t < e->end && e->t->t.kind == T_PUNCT ? e->t->t.op : 0;

	if (op != TOK1('-') && op != TOK1('~') && op != TOK1('!') && op != TOK1('+'))
		return primary(e);
	if (++e->depth > MAX_DEPTH)
		return fail(e, "this nests too deep");
	e->t++;
	v = unary(e);
	e->depth--;
	switch (op) {
	case TOK1('-'): return (s64)-(u64)v;
	case TOK1('~'): return ~v;
	case TOK1('!'): return !v;
	default: return v;
	}
}

static u32 level_of(u32 op)
{
	switch (op) {
	case TOK2('|', '|'): return 1;
	case TOK2('&', '&'): return 2;
	case TOK1('|'): return 3;
	case TOK1('^'): return 4;
	case TOK1('&'): return 5;
	case TOK2('=', '='): case TOK2('!', '='): return 6;
	case TOK1('<'): case TOK1('>'): case TOK2('<', '='): case TOK2('>', '='): return 7;
	case TOK2('<', '<'): case TOK2('>', '>'): return 8;
	case TOK1('+'): case TOK1('-'): return 9;
	case TOK1('*'): case TOK1('/'): case TOK1('%'): return 10;
	default: return 0;
	}
}

static s64 divide(struct cexpr *e, u32 op, s64 a, s64 b)
{
	if (!b)
		return fail(e, "division by zero");
	if (b == -1)
		return op == TOK1('/') ? (s64)-(u64)a : 0;
	return op == TOK1('/') ? a / b : a % b;
}

static s64 apply(struct cexpr *e, u32 op, s64 a, s64 b)
{
	switch (op) {
	case TOK2('|', '|'): return a || b;
	case TOK2('&', '&'): return a && b;
	case TOK1('|'): return a | b;
	case TOK1('^'): return a ^ b;
	case TOK1('&'): return a & b;
	case TOK2('=', '='): return a == b;
	case TOK2('!', '='): return a != b;
	case TOK1('<'): return a < b;
	case TOK1('>'): return a > b;
	case TOK2('<', '='): return a <= b;
	case TOK2('>', '='): return a >= b;
	case TOK2('<', '<'): return (s64)((u64)a << (b & 63));
	case TOK2('>', '>'): return a >> (b & 63);
	case TOK1('+'): return (s64)((u64)a + (u64)b);
	case TOK1('-'): return (s64)((u64)a - (u64)b);
	case TOK1('*'): return (s64)((u64)a * (u64)b);
	default: return divide(e, op, a, b);
	}
}

static s64 binary(struct cexpr *e, u32 min)
{
	s64 v = unary(e);

	while (e->t < e->end && e->t->t.kind == T_PUNCT) {
		u32 op = e->t->t.op, level = level_of(op);

		if (!level || level < min)
			break;
		e->t++;
		v = apply(e, op, v, binary(e, level + 1));
	}
	return v;
}

static s64 ternary(struct cexpr *e)
{
	s64 v, yes, no;

	if (++e->depth > MAX_DEPTH)
		return fail(e, "this nests too deep");
	v = binary(e, 1);
	if (is(e, TOK1('?'))) {
		e->t++;
		yes = ternary(e);
		if (!is(e, TOK1(':')))
			return fail(e, "expected ':'");
		e->t++;
		no = ternary(e);
		v = v ? yes : no;
	}
	e->depth--;
	return v;
}

bool cconst(struct cexpr *e, s64 *value)
{
	*value = ternary(e);
	return !e->wrong;
}

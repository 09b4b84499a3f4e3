/* SPDX-License-Identifier: BSD-2-Clause */
/* sema_expr.c: types of expressions, and numbers that are known at compile time. */
#include "lang/sema.h"
#include <stdlib.h>

enum { TYPE_MAX = 1 << 20 };	/* bytes of an array */

static const struct ty *s64_ty(struct sema *s)
{
	return ty_int(&s->l->types, 8, true);
}

/* ---- constants --------------------------------------------------------------- */

static bool const_binary(enum node_op op, s64 a, s64 b, s64 *v)
{
	switch (op) {
	case OP_ADD: *v = (s64)((u64)a + (u64)b); return true;
	case OP_SUB: *v = (s64)((u64)a - (u64)b); return true;
	case OP_MUL: *v = (s64)((u64)a * (u64)b); return true;
	case OP_DIV: *v = b == 0 ? 0 : b == -1 ? (s64)(0 - (u64)a) : a / b; return b != 0;
	case OP_MOD: *v = b == 0 || b == -1 ? 0 : a % b; return b != 0;
	case OP_AND: *v = a & b; return true;
	case OP_OR: *v = a | b; return true;
	case OP_XOR: *v = a ^ b; return true;
	case OP_SHL: *v = (s64)((u64)a << (b & 63)); return true;
	case OP_SHR: *v = (s64)((u64)a >> (b & 63)); return true;
	case OP_LAND: *v = a && b; return true;
	case OP_LOR: *v = a || b; return true;
	case OP_EQ: *v = a == b; return true;
	case OP_NE: *v = a != b; return true;
	case OP_LT: *v = a < b; return true;
	case OP_LE: *v = a <= b; return true;
	case OP_GT: *v = a > b; return true;
	case OP_GE: *v = a >= b; return true;
	default: return false;
	}
}

bool sem_const(struct sema *s, const struct node *n, s64 *v)
{
	const struct ty *ty;
	s64 a, b;

	switch (n->kind) {
	case N_INT:
	case N_BOOL:
		*v = (s64)n->num;
		return true;
	case N_IDENT:
		return lang_find_constant(s->l, n->text, v, &ty);
	case N_COMPTIME:
		return sem_const(s, n->a, v);
	case N_UNARY:
		if (!sem_const(s, n->a, &a))
			return false;
		*v = n->op == OP_NEG ? (s64)(0 - (u64)a) : n->op == OP_BNOT ? ~a : !a;
		return n->op == OP_NEG || n->op == OP_BNOT || n->op == OP_NOT;
	case N_BINARY:
		return sem_const(s, n->a, &a) && sem_const(s, n->b, &b) &&
		       const_binary(n->op, a, b, v);
	case N_TERNARY:
		return n->b && sem_const(s, n->a, &a) && sem_const(s, a ? n->b : n->c, v);
	case N_SIZEOF:
	case N_OFFSETOF:
		*v = (s64)n->num;
		return n->sem != NULL;
	default:
		return false;
	}
}

/* ---- types that are written -------------------------------------------------- */

static const struct { const char *name; u8 bytes; bool is_signed; } int_names[] = {
	{ "uint8", 1, false }, { "uint16", 2, false }, { "uint32", 4, false },
	{ "uint64", 8, false }, { "int8", 1, true }, { "int16", 2, true },
	{ "int32", 4, true }, { "int64", 8, true }, { "char", 1, true }, { "short", 2, true },
	{ "int", 4, true }, { "long", 8, true }, { "unsigned", 4, false },
	{ "unsigned int", 4, false }, { "unsigned long", 8, false },
	{ "unsigned char", 1, false }, { "unsigned short", 2, false }, { "long long", 8, true },
	{ "unsigned long long", 8, false }, { "uint8_t", 1, false }, { "uint16_t", 2, false },
	{ "uint32_t", 4, false }, { "uint64_t", 8, false }, { "int8_t", 1, true },
	{ "int16_t", 2, true }, { "int32_t", 4, true }, { "int64_t", 8, true },
	{ "size_t", 8, false }, { "uintptr_t", 8, false },
};

static const struct ty *base_type(struct sema *s, const struct node *n)
{
	struct ty_table *t = &s->l->types;
	const struct btf *btf;
	u32 id;

	for (size_t i = 0; i < ARRAY_LEN(int_names); i++)
		if (!strcmp(int_names[i].name, n->text))
			return ty_int(t, int_names[i].bytes, int_names[i].is_signed);
	if (!strcmp(n->text, "bool"))
		return ty_bool(t);
	if (!strcmp(n->text, "void"))
		return ty_void(t);
	if (!strcmp(n->text, "string"))
		return ty_str(t, n->num ? (u32)n->num : (u32)s->l->config.max_strlen + 1);
	if (!strcmp(n->text, "buffer"))
		return ty_buf(t, n->num ? (u32)n->num : (u32)s->l->config.max_strlen);
	if (!strcmp(n->text, "inet"))
		return ty_make(t, &(struct ty){ .kind = TY_INET, .bytes = 24, .align = 8 });
	for (enum ty_kind k = TY_COUNT; k <= TY_HIST; k++)
		if (!strcmp(ty_kind_name(k), n->text))
			return ty_make(t, &(struct ty){ .kind = k, .bytes = 16, .align = 8 });
	if (lang_find_type(s->l, n->text, &btf, &id))
		return ty_btf(t, btf, id, sem_space(s));
	return NULL;
}

static const struct ty *unknown_type(struct sema *s, const struct node *n)
{
	const char *near = s->report ? lang_nearest_type(s->l, n->text) : NULL;

	sem_error(s, n->at, "Cannot resolve unknown type \"%s\"", n->text);
	if (near)
		diag_hint(s->l->script, "did you mean %s?", near);
	return NULL;
}

const struct ty *sem_type(struct sema *s, struct node *n)
{
	const struct ty *t = n->a ? sem_expr(s, n->a) : base_type(s, n);

	if (!t)
		return n->a ? NULL : unknown_type(s, n);
	for (const struct node *d = n->list; d; d = d->next) {
		if (d->kind == N_DIM && d->num * (t->bytes ? t->bytes : 1) > TYPE_MAX)
			return sem_error(s, n->at, "this type has more than %u bytes", TYPE_MAX);
		t = d->kind == N_PTR ? ty_ptr(&s->l->types, t, sem_space(s)) :
		    ty_array(&s->l->types, t, (u32)d->num, SPACE_NONE);
	}
	n->ty = t;
	return t;
}

/* ---- operators --------------------------------------------------------------- */

const struct ty *sem_number(struct sema *s, struct node *n)
{
	const struct ty *t = sem_expr(s, n);

	if (!t || n->kind != N_MAP)
		return t;
	switch (t->kind) {
	case TY_COUNT:
		return ty_int(&s->l->types, 8, false);
	case TY_SUM:
	case TY_AVG:
	case TY_MIN:
	case TY_MAX:
		return ty_int(&s->l->types, 8, t->is_signed);
	default:
		return t;
	}
}

static const struct ty *no_operator(struct sema *s, const struct node *n, const char *what,
				    const struct ty *a, const struct ty *b)
{
	if (b) {
		sem_error(s, n->at, "The %s operator can not be used on expressions of "
			  "types '%s', '%s'", what, sem_name(s->l, a), sem_name(s->l, b));
		if (s->report && *what == '+' && a->kind == TY_STR && b->kind == TY_STR)
			diag_hint(s->l->script, "str_concat(a, b) puts texts together");
		return NULL;
	}
	return sem_error(s, n->at, "The %s operator can not be used on expressions of type '%s'",
			 what, sem_name(s->l, a));
}

static const char *const op_names[] = {
	[OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_MOD] = "%",
	[OP_AND] = "&", [OP_OR] = "|", [OP_XOR] = "^", [OP_SHL] = "<<", [OP_SHR] = ">>",
	[OP_LAND] = "&&", [OP_LOR] = "||", [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",
	[OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">=", [OP_NOT] = "!", [OP_BNOT] = "~",
	[OP_NEG] = "-", [OP_DEREF] = "*", [OP_ADDR] = "&", [OP_INC] = "++", [OP_DEC] = "--",
};

static void mixed_signs(struct sema *s, const struct node *n, const struct ty *a,
			const struct ty *b)
{
	if (s->report && a->kind == TY_INT && b->kind == TY_INT && a->is_signed != b->is_signed &&
	    n->a->kind != N_INT && n->b->kind != N_INT && a->bytes == 8 && b->bytes == 8)
		diag_warn(s->l->script, n->at, "comparison of integers of different signs: "
			  "'%s' and '%s' are compared as int64", sem_name(s->l, a),
			  sem_name(s->l, b));
}

static const struct ty *compare(struct sema *s, struct node *n, const struct ty *a,
				const struct ty *b)
{
	const bool equality = n->op == OP_EQ || n->op == OP_NE;
	const bool scalar = (ty_is_number(a) || a->kind == TY_PTR) &&
			    (ty_is_number(b) || b->kind == TY_PTR);

	mixed_signs(s, n, a, b);
	if (!scalar && (!equality || !ty_join(s->l, a, b, false, false)))
		return no_operator(s, n, op_names[n->op], a, b);
	if (!scalar && a->kind != TY_STR && a->kind != TY_TUPLE && a->kind != TY_ARRAY &&
	    a->kind != TY_INET && a->kind != TY_MAC && a->kind != TY_RECORD &&
	    a->kind != TY_BUF)
		return no_operator(s, n, op_names[n->op], a, b);
	return ty_bool(&s->l->types);
}

/* A number of 8 bytes. */
static const struct ty *wide(struct sema *s, const struct ty *t)
{
	return ty_int(&s->l->types, 8, t->kind == TY_INT ? t->is_signed : t->kind == TY_BOOL ||
		      t->is_signed);
}

static bool literal(const struct node *n)
{
	return n->kind == N_INT || (n->kind == N_UNARY && n->op == OP_NEG && n->a->kind == N_INT);
}

static const struct ty *arithmetic(struct sema *s, struct node *n, const struct ty *a,
				   const struct ty *b)
{
	if (a->kind == TY_PTR && (n->op == OP_ADD || n->op == OP_SUB) && ty_is_number(b))
		return a->space == SPACE_BTF ? ty_ptr(&s->l->types, a->of, SPACE_KERNEL) : a;
	if (b->kind == TY_PTR && n->op == OP_ADD && ty_is_number(a))
		return b->space == SPACE_BTF ? ty_ptr(&s->l->types, b->of, SPACE_KERNEL) : b;
	if (a->kind == TY_PTR && b->kind == TY_PTR && n->op == OP_SUB)
		return s64_ty(s);
	if (a->kind == TY_PTR && ty_is_number(b))
		a = ty_int(&s->l->types, 8, false);
	if (!ty_is_number(a) || !ty_is_number(b))
		return no_operator(s, n, op_names[n->op], a, b);
	if (n->op == OP_SHL || n->op == OP_SHR)
		return wide(s, a);
	return ty_join(s->l, wide(s, a), wide(s, b), literal(n->a) && n->a->kind == N_INT,
		       literal(n->b) && n->b->kind == N_INT);
}

static const struct ty *binary(struct sema *s, struct node *n)
{
	const struct ty *a = sem_number(s, n->a), *b = sem_number(s, n->b);
	s64 v;

	if (!a || !b)
		return n->op >= OP_LAND && n->op <= OP_GE ? ty_bool(&s->l->types) : NULL;
	switch (n->op) {
	case OP_LAND:
	case OP_LOR:
		if ((!ty_is_number(a) && a->kind != TY_PTR) ||
		    (!ty_is_number(b) && b->kind != TY_PTR))
			return no_operator(s, n, op_names[n->op], a, b);
		return ty_bool(&s->l->types);
	case OP_EQ:
	case OP_NE:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		return compare(s, n, a, b);
	case OP_DIV:
	case OP_MOD:
		if (sem_const(s, n->b, &v) && !v)
			return sem_error(s, n->at, "unable to fold literals: division by zero");
		return arithmetic(s, n, a, b);
	default:
		return arithmetic(s, n, a, b);
	}
}

static const struct ty *deref(struct sema *s, struct node *n, const struct ty *a)
{
	if (ty_is_number(a) && a->bytes == 8)	/* of what, nobody says: u64 */
		return ty_int(&s->l->types, 8, true);
	if (a->kind != TY_PTR)
		return sem_error(s, n->at, "Can not dereference '%s' of type '%s'", "",
				 sem_name(s->l, a));
	if (a->of->kind == TY_VOID)
		return sem_error(s, n->at, "Can not dereference void pointer");
	if (a->of->kind == TY_CSTRUCT)
		return ty_btf(&s->l->types, a->of->btf, a->of->id, a->space);
	return a->of;
}

static const struct ty *address(struct sema *s, struct node *n, const struct ty *a)
{
	if (n->a->kind == N_VAR || n->a->kind == N_MAP)
		return ty_ptr(&s->l->types, a, SPACE_NONE);
	if (n->a->kind == N_FIELD || n->a->kind == N_INDEX)
		return ty_ptr(&s->l->types, a, a->space ? a->space : sem_space(s));
	return sem_error(s, n->at, "The & operator takes a variable, a map or a field");
}

/* What is counted up or down has 64 bits; declared variables stay as they are. */
static const struct ty *step_var(struct sema *s, struct node *n)
{
	const struct ty *t = sem_expr(s, n->a);

	if (!t || t->kind != TY_INT)
		return t;
	sem_var_value(s, n->a, ty_int(&s->l->types, 8, t->is_signed || n->op == OP_DEC), false);
	return ((struct var *)n->a->sem)->ty;
}

static const struct ty *step(struct sema *s, struct node *n)
{
	const struct ty *t;

	if (n->a->kind == N_MAP) {
		sem_key(s, n->a);
		sem_map_value(s, n->a, s64_ty(s), true);
		t = n->a->ty;
	} else if (n->a->kind == N_VAR) {
		t = step_var(s, n);
	} else {
		return sem_error(s, n->at, "The %s operator must be applied to a map or variable",
				 op_names[n->op]);
	}
	if (t && t->kind != TY_PTR && !ty_is_number(t))
		return no_operator(s, n, op_names[n->op], t, NULL);
	return t;
}

static const struct ty *unary(struct sema *s, struct node *n)
{
	const struct ty *a;

	if (n->op == OP_INC || n->op == OP_DEC)
		return step(s, n);
	a = n->op == OP_ADDR ? sem_expr(s, n->a) : sem_number(s, n->a);
	if (!a)
		return NULL;
	switch (n->op) {
	case OP_NOT:
		return ty_is_number(a) || a->kind == TY_PTR ? ty_bool(&s->l->types) :
		       no_operator(s, n, "!", a, NULL);
	case OP_BNOT:
		return ty_is_number(a) ? wide(s, a) : no_operator(s, n, "~", a, NULL);
	case OP_NEG:
		if (n->a->kind == N_INT)
			return ty_literal(s->l, 0 - n->a->num, false);
		return ty_is_number(a) ? s64_ty(s) : no_operator(s, n, "-", a, NULL);
	case OP_DEREF:
		return deref(s, n, a);
	default:
		return address(s, n, a);
	}
}

/* ---- others ------------------------------------------------------------------ */

static const struct ty *cast(struct sema *s, struct node *n)
{
	const struct ty *from = sem_number(s, n->a), *to = sem_type(s, n->type);

	if (!from || !to)
		return to;
	if (to->kind == TY_CSTRUCT)
		return from->kind == TY_CSTRUCT ? to : sem_error(s, n->at, "Cannot cast to '%s'; "
				"use '%s *'", sem_name(s->l, to), sem_name(s->l, to));
	if (to->kind == TY_ARRAY && !to->n && to->of->bytes)
		to = ty_array(&s->l->types, to->of, from->bytes / to->of->bytes, SPACE_NONE);
	if (to->kind == TY_ARRAY && ty_is_number(from) && to->bytes != from->bytes &&
	    (n->a->kind != N_INT || to->bytes > 8))
		return sem_error(s, n->at, "Cannot cast from \"%s\" to \"%s\"",
				 sem_name(s->l, from), sem_name(s->l, to));
	if (to->kind == TY_ARRAY || to->kind == TY_STR || to->kind == TY_BUF)
		return to;
	if (!ty_is_number(to) && to->kind != TY_PTR)
		return sem_error(s, n->at, "Cannot cast from \"%s\" to \"%s\"",
				 sem_name(s->l, from), sem_name(s->l, to));
	if (!ty_is_number(from) && from->kind != TY_PTR && from->kind != TY_ARRAY)
		return sem_error(s, n->at, "Cannot cast from \"%s\" to \"%s\"",
				 sem_name(s->l, from), sem_name(s->l, to));
	if (to->kind == TY_PTR && from->kind == TY_PTR && from->space != to->space)
		return ty_ptr(&s->l->types, to->of, from->space == SPACE_BTF ? SPACE_KERNEL :
			      from->space);
	return to;
}

static const struct ty *ternary(struct sema *s, struct node *n)
{
	const struct ty *a = sem_number(s, n->a), *b = n->b ? sem_number(s, n->b) : a;
	const struct ty *c = sem_number(s, n->c), *t;

	if (!b || !c)
		return b ? b : c;
	t = ty_join(s->l, ty_stored(s->l, b), ty_stored(s->l, c), n->b && literal(n->b),
		    literal(n->c));
	return t ? t : sem_error(s, n->at, "Ternary operator must return the same type: have "
				 "'%s' and '%s'", sem_name(s->l, b), sem_name(s->l, c));
}

static const struct ty *tuple(struct sema *s, struct node *n)
{
	const struct ty *of[64];
	const char *names[64];
	u32 i = 0;

	for (struct node *e = n->list; e; e = e->next, i++) {
		struct node *value = n->kind == N_RECORD ? e->a : e;

		if (i == ARRAY_LEN(of))
			return sem_error(s, n->at, "a tuple has at most 64 elements");
		of[i] = sem_number(s, value);
		names[i] = e->text;
		if (of[i] && of[i]->kind == TY_VOID)
			return sem_error(s, value->at, "a tuple cannot hold 'void'");
		if (!of[i])
			return NULL;
		if (of[i]->kind != TY_INT)
			of[i] = ty_stored(s->l, of[i]);
	}
	return ty_tuple(&s->l->types, of, n->kind == N_RECORD ? names : NULL, i);
}

static const struct ty *if_expr(struct sema *s, struct node *n)
{
	const struct ty *t, *b, *c;
	s64 v;

	t = sem_number(s, n->a);
	if (t && !ty_is_number(t) && t->kind != TY_PTR)
		sem_error(s, n->a->at, "Invalid condition: %s", sem_name(s->l, t));
	if (n->comptime && sem_const(s, n->a, &v))
		return v ? sem_expr(s, n->b) : n->c ? sem_expr(s, n->c) : ty_void(&s->l->types);
	b = sem_expr(s, n->b);
	c = n->c ? sem_expr(s, n->c) : NULL;
	if (!n->b->a || !n->c)
		return ty_void(&s->l->types);
	return ty_join(s->l, ty_stored(s->l, b), ty_stored(s->l, c), false, false);
}

static const struct ty *size_of(struct sema *s, struct node *n)
{
	const struct btf *btf;
	const struct ty *t;
	u32 id;

	if (n->a && n->a->kind == N_IDENT && func_find(n->a->text) < 0 &&
	    lang_find_type(s->l, n->a->text, &btf, &id))
		t = ty_btf(&s->l->types, btf, id, SPACE_NONE);
	else
		t = n->type ? sem_type(s, n->type) : sem_expr(s, n->a);
	if (t) {
		n->num = t->bytes;
		n->sem = n;
	}
	return ty_int(&s->l->types, 8, false);
}

static const struct ty *type_info(struct sema *s, struct node *n)
{
	const struct ty *t = n->type ? sem_type(s, n->type) : sem_expr(s, n->a), *of[3];
	const char *kind, *full;

	if (!t)
		return NULL;
	kind = ty_kind_name(t->kind);
	full = sem_name(s->l, t);
	of[0] = ty_int(&s->l->types, 8, false);
	of[1] = ty_str(&s->l->types, (u32)strlen(kind) + 1);
	of[2] = ty_str(&s->l->types, (u32)strlen(full) + 1);
	n->sem = (void *)(uintptr_t)t;
	return ty_tuple(&s->l->types, of, (const char *const[]){ "btf_id", "base_type",
			"full_type" }, 3);
}

static const struct ty *ident(struct sema *s, struct node *n)
{
	const struct ty *ty;
	s64 v;

	if (func_find(n->text) < 0 && func_arg_number(n->text) < 0 &&
	    lang_find_constant(s->l, n->text, &v, &ty)) {
		n->num = (u64)v;
		n->sem = n;
		return ty;
	}
	return sem_call(s, n);
}

static const struct ty *map(struct sema *s, struct node *n)
{
	sem_key(s, n);
	return ((struct map_var *)n->sem)->value;
}

/* 1.5 reads as part 5 of 1. */
static const struct ty *no_float(struct sema *s, const struct node *n)
{
	sem_error(s, n->at, "there are no floating-point numbers: %.*s",
		  (int)(n->at.to - n->at.from), n->at.src->text + n->at.from);
	if (s->report)
		diag_hint(s->l->script, "count in a smaller unit (us for ms), multiply before "
			  "dividing");
	return NULL;
}

static const struct ty *at(struct sema *s, struct node *n)
{
	const struct ty *a = sem_expr(s, n->a);

	if (!a)
		return NULL;
	if (n->a->kind == N_INT)
		return no_float(s, n);
	if (a->kind != TY_TUPLE && a->kind != TY_RECORD)
		return sem_error(s, n->at, "Can not access index '%u' on expression of type '%s'",
				 (unsigned)n->num, sem_name(s->l, a));
	if (n->num >= a->nr_fields)
		return sem_error(s, n->at, "Invalid tuple index: %u. Found %u elements in the "
				 "tuple.", (unsigned)n->num, a->nr_fields);
	return a->fields[n->num].ty;
}

static const struct ty *expr(struct sema *s, struct node *n)
{
	switch (n->kind) {
	case N_INT:
		return ty_literal(s->l, n->num, n->is_unsigned);
	case N_BOOL:
		return ty_bool(&s->l->types);
	case N_STR:
		return ty_str(&s->l->types, n->text_n + 1);
	case N_IDENT:
		return ident(s, n);
	case N_CALL:
		return sem_call(s, n);
	case N_VAR:
		return ((struct var *)n->sem)->ty;
	case N_MAP:
		return map(s, n);
	case N_UNARY:
		return unary(s, n);
	case N_BINARY:
		return binary(s, n);
	case N_TERNARY:
		return ternary(s, n);
	case N_FIELD:
		return sem_field(s, n);
	case N_AT:
		return at(s, n);
	case N_INDEX:
		return sem_index(s, n);
	case N_CAST:
		return cast(s, n);
	case N_TUPLE:
	case N_RECORD:
		return tuple(s, n);
	case N_SIZEOF:
		return size_of(s, n);
	case N_OFFSETOF:
		return sem_offsetof(s, n);
	case N_TYPEINFO:
		return type_info(s, n);
	case N_COMPTIME:
		return sem_expr(s, n->a);
	case N_IF:
		return if_expr(s, n);
	case N_FNCALL:
		return sem_fncall(s, n);
	case N_BLOCK:
		sem_block(s, n);
		return n->a ? sem_expr(s, n->a) : ty_void(&s->l->types);
	default:
		return sem_error(s, n->at, "this is not an expression");
	}
}

const struct ty *sem_expr(struct sema *s, struct node *n)
{
	n->ty = expr(s, n);
	return n->ty;
}

void sem_list(struct sema *s, struct node *list)
{
	for (; list; list = list->next)
		sem_expr(s, list);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr.c: C expressions, computed while they are read: precedence by table, C's
 * conversions, lvalues kept until a number is needed. What stands behind && || ?: and is
 * not chosen is read and not computed. Also gdb's a @ n. Errors have a caret.
 */
#include "debug/value.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 128, MAX_DEPTH = 200 };

struct parser {
	const struct value_env *env;
	const char *text, *p;
	struct skep_err *err;
	unsigned depth;		/* of what is nested */
	unsigned dry;		/* it is not computed */
};

/* ---- errors ---------------------------------------------------------------- */

static int bad_at(struct parser *ps, const char *at, const char *what)
{
	int r = err_set(ps->err, ERR_DEBUG_EXPR, NULL, "%s", what);

	err_source(ps->err, 1, (unsigned)(at - ps->text) + 1, ps->text);
	return r;
}

static int bad(struct parser *ps, const char *what)
{
	return bad_at(ps, ps->p, *ps->p ? what : "the expression ends too early");
}

/* ---- words ----------------------------------------------------------------- */

static void space(struct parser *ps)
{
	while (isspace((u8)*ps->p))
		ps->p++;
}

static bool is_word(char c) { return isalnum((u8)c) || c == '_'; }

/* The operator OP is next, and no longer one. */
static bool next_is(struct parser *ps, const char *op)
{
	size_t n = strlen(op);

	space(ps);
	if (strncmp(ps->p, op, n))
		return false;
	if (is_word(op[0]))
		return !is_word(ps->p[n]);
	if (n == 1 && strchr("&|<>=+-", op[0]) && (ps->p[1] == op[0] || ps->p[1] == '='))
		return op[0] == '-' || op[0] == '+' || (op[0] == '&' && ps->p[1] == '=');
	return !(n == 1 && op[0] == '!' && ps->p[1] == '=');
}

static bool take(struct parser *ps, const char *op)
{
	if (!next_is(ps, op))
		return false;
	ps->p += strlen(op);
	return true;
}

static bool word(struct parser *ps, char name[NAME_BYTES])
{
	size_t n = 0;

	space(ps);
	if (!isalpha((u8)*ps->p) && *ps->p != '_')
		return false;
	while (is_word(ps->p[n]) || (ps->p[n] == '.' && 0))
		n++;
	if (n >= NAME_BYTES)
		n = NAME_BYTES - 1;
	memcpy(name, ps->p, n);
	name[n] = 0;
	while (is_word(*ps->p))
		ps->p++;
	return true;
}

/* ---- type names -------------------------------------------------------------- */

static const struct { const char *name; u32 kind; } tags[] = {
	{ "struct", BTF_KIND_STRUCT }, { "union", BTF_KIND_UNION }, { "enum", BTF_KIND_ENUM },
};

static u32 find_tag(const struct btf *btf, const char *name, u32 kind)
{
	u32 id = btf_find(btf, name, kind);

	return id || kind != BTF_KIND_ENUM ? id : btf_find(btf, name, BTF_KIND_ENUM64);
}

struct words { unsigned is_signed, is_unsigned, is_short, is_long, is_int, is_char; };

static bool base_word(struct words *w, const char *s)
{
	unsigned *to = !strcmp(s, "signed") ? &w->is_signed :
		!strcmp(s, "unsigned") ? &w->is_unsigned : !strcmp(s, "short") ? &w->is_short :
		!strcmp(s, "long") ? &w->is_long : !strcmp(s, "int") ? &w->is_int :
		!strcmp(s, "char") ? &w->is_char : NULL;

	if (to)
		++*to;
	return to;
}

static enum basic basic_of(const struct words *w)
{
	if (w->is_char)
		return w->is_unsigned ? BASIC_UCHAR : w->is_signed ? BASIC_SCHAR : BASIC_CHAR;
	if (w->is_short)
		return w->is_unsigned ? BASIC_USHORT : BASIC_SHORT;
	if (w->is_long > 1)
		return w->is_unsigned ? BASIC_ULLONG : BASIC_LLONG;
	if (w->is_long)
		return w->is_unsigned ? BASIC_ULONG : BASIC_LONG;
	return w->is_unsigned ? BASIC_UINT : BASIC_INT;
}

/* struct NAME; NULL name: the word was no tag. 1: it is one, and NAME unknown. */
static int tagged(struct parser *ps, const char *tag, u32 *id)
{
	char name[NAME_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (strcmp(tag, tags[i].name))
			continue;
		*id = word(ps, name) ? find_tag(ps->env->types->btf, name, tags[i].kind) : 0;
		return *id ? 0 : 1;
	}
	return 1;
}

/* A name that the program has hides a type of the same name. */
static bool is_variable(struct parser *ps, const char *name)
{
	struct value v;
	struct skep_err err;

	return ps->env->name && ps->env->name(ps->env->arg, name, false, &v, &err) <= 0;
}

/* One word of a type; false: it is none. */
static bool type_word(struct parser *ps, const char *s, struct words *w, struct dtype *ty,
		      bool *named)
{
	u32 id;

	if (!strcmp(s, "const") || !strcmp(s, "volatile") || !strcmp(s, "restrict"))
		return true;
	if (*named)
		return false;
	if (base_word(w, s))
		return true;
	if (memcmp(w, &(struct words){ 0 }, sizeof(*w)))
		return false;
	*named = true;
	if (!strcmp(s, "void"))
		return *ty = (struct dtype){ 0, 0 }, true;
	if (!strcmp(s, "_Bool") || !strcmp(s, "bool"))
		return *ty = types_basic(ps->env->types, BASIC_BOOL), true;
	if (!strcmp(s, "struct") || !strcmp(s, "union") || !strcmp(s, "enum"))
		return !tagged(ps, s, &ty->id);
	id = btf_find(ps->env->types->btf, s, BTF_KIND_TYPEDEF);
	ty->id = id;
	return id && !is_variable(ps, s);
}

/* A type name; PS stays where it is when there is none. */
static bool type_name(struct parser *ps, struct dtype *ty)
{
	const char *start = ps->p, *last = ps->p;
	char name[NAME_BYTES];
	struct words w = { 0 };
	bool named = false, any = false;

	*ty = (struct dtype){ 0, 0 };
	while (word(ps, name) && type_word(ps, name, &w, ty, &named)) {
		last = ps->p;
		any = any || named || (strcmp(name, "const") && strcmp(name, "volatile"));
	}
	ps->p = any ? last : start;
	if (!any)
		return false;
	if (!named)
		*ty = types_basic(ps->env->types, basic_of(&w));
	for (;;) {
		if (take(ps, "*"))
			ty->ptrs++;
		else if (!take(ps, "const") && !take(ps, "volatile") && !take(ps, "restrict"))
			return true;
	}
}

bool expr_type(struct dtype *out, const struct value_env *env, const char *text)
{
	struct skep_err err;
	struct parser ps = { .env = env, .text = text, .p = text, .err = &err };

	if (!type_name(&ps, out))
		return false;
	space(&ps);
	return !*ps.p;
}

/* ---- conversions ---------------------------------------------------------------- */

static struct value number_of(struct parser *ps, enum basic b, u64 n)
{
	struct dtype ty = types_basic(ps->env->types, b);

	return value_number(ty, value_extend(ps->env->types, ty, n));
}

/* V as a number; what is not computed is 0. */
static int rvalue(struct parser *ps, struct value *v)
{
	struct value n;
	int r;

	if (ps->dry) {
		if (v->kind != VALUE_NUMBER)
			*v = number_of(ps, BASIC_INT, 0);
		return 0;
	}
	r = value_load(ps->env, v, &n, ps->err);
	if (!r)
		*v = n;
	return r;
}

static bool is_pointer(struct parser *ps, const struct value *v)
{
	return dtype_kind(ps->env->types, v->type) == BTF_KIND_PTR;
}

/* The integer promotions. */
static void promote(struct parser *ps, struct value *v)
{
	if (!is_pointer(ps, v) && dtype_bytes(ps->env->types, v->type) < 4)
		v->type = types_basic(ps->env->types, BASIC_INT);
}

/* The common type of two integers. */
static struct dtype common(struct parser *ps, struct value *a, struct value *b)
{
	const struct types *t = ps->env->types;
	u64 na, nb;
	bool ua, ub;

	promote(ps, a);
	promote(ps, b);
	na = dtype_bytes(t, a->type), nb = dtype_bytes(t, b->type);
	ua = !dtype_is_signed(t, a->type), ub = !dtype_is_signed(t, b->type);
	if (na == 8 || nb == 8)
		return types_basic(t, (na == 8 && ua) || (nb == 8 && ub) ? BASIC_ULONG :
				   BASIC_LONG);
	return types_basic(t, ua || ub ? BASIC_UINT : BASIC_INT);
}

static int cast(struct parser *ps, struct value *v, struct dtype ty)
{
	const struct types *t = ps->env->types;
	u32 kind = dtype_kind(t, ty);
	int r;

	if (dtype_is_record(t, ty) && !ps->dry && v->kind != VALUE_MAP && !v->repeat &&
	    dtype_bytes(t, v->type) == dtype_bytes(t, ty)) {
		v->type = ty;
		return 0;
	}
	if (kind != BTF_KIND_PTR && !dtype_is_integer(t, ty) && ty.id)
		return bad(ps, "Invalid cast.");
	r = rvalue(ps, v);
	if (r)
		return r;
	v->type = ty;
	v->number = kind == BTF_KIND_PTR || !ty.id ? v->number :
		value_extend(t, ty, v->number);
	return 0;
}

/* ---- primary ---------------------------------------------------------------------- */

static int assignment(struct parser *ps, struct value *v);

/* What an escape of a character constant means. */
static int escape(struct parser *ps)
{
	static const char from[] = "ntr0abfv", to[] = "\n\t\r\0\a\b\f\v";
	const char *at = *ps->p ? strchr(from, *ps->p) : NULL;

	if (*ps->p == 'x')
		return (int)strtoul(ps->p + 1, (char **)(uintptr_t)&ps->p, 16) & 0xff;
	if (!*ps->p)
		return 0;
	ps->p++;
	return at ? to[at - from] : ps->p[-1];
}

static int character(struct parser *ps, struct value *v)
{
	int c = (u8)*++ps->p;

	if (c)
		ps->p++;
	if (c == '\\')
		c = escape(ps);
	if (*ps->p != '\'')
		return bad(ps, "Unmatched single quote.");
	ps->p++;
	*v = number_of(ps, BASIC_CHAR, (u64)c);
	return 0;
}

static int number(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	bool is_long = false, is_unsigned = false, decimal = *start != '0';
	char *end;
	u64 n;

	errno = 0;
	if (start[0] == '0' && (start[1] | 0x20) == 'b')
		n = strtoull(start + 2, &end, 2);
	else
		n = strtoull(start, &end, 0);
	if (errno)
		return bad(ps, "Numeric constant too large.");
	for (ps->p = end; *ps->p && strchr("uUlL", *ps->p); ps->p++) {
		is_long = is_long || (*ps->p | 0x20) == 'l';
		is_unsigned = is_unsigned || (*ps->p | 0x20) == 'u';
	}
	if (is_word(*ps->p) || *ps->p == '.')
		return bad_at(ps, start, "Invalid number");
	is_unsigned = is_unsigned || n > INT64_MAX ||
		(!decimal && !is_long && n > INT32_MAX && n <= UINT32_MAX);
	is_long = is_long || n > UINT32_MAX || (!is_unsigned && n > INT32_MAX);
	*v = number_of(ps, is_long ? is_unsigned ? BASIC_ULONG : BASIC_LONG :
		       is_unsigned ? BASIC_UINT : BASIC_INT, n);
	return 0;
}

/* A value of an enum. */
static bool enumerator(struct parser *ps, const char *name, struct value *v)
{
	const struct btf *btf = ps->env->types->btf;

	for (u32 id = 1; id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) != BTF_KIND_ENUM && btf_kind(t) != BTF_KIND_ENUM64)
			continue;
		for (u32 i = 0; i < btf_vlen(t); i++) {
			const struct btf_enum *e = (const void *)(t + 1);
			const struct btf_enum64 *e64 = (const void *)(t + 1);
			bool wide = btf_kind(t) == BTF_KIND_ENUM64;

			if (strcmp(btf_str(btf, wide ? e64[i].name_off : e[i].name_off), name))
				continue;
			*v = value_number((struct dtype){ id, 0 }, wide ?
				e64[i].val_lo32 | (u64)e64[i].val_hi32 << 32 : (u64)(s64)e[i].val);
			v->number = value_extend(ps->env->types, v->type, v->number);
			return true;
		}
	}
	return false;
}

static int variable(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	char name[NAME_BYTES];
	bool dollar = *ps->p == '$';
	int r = 1;

	if (dollar) {
		size_t n = 0;

		for (ps->p++; is_word(*ps->p) || *ps->p == '$'; ps->p++)
			if (n < NAME_BYTES - 1)
				name[n++] = *ps->p;
		name[n] = 0;
	} else if (!word(ps, name)) {
		return bad(ps, "A syntax error in expression");
	}
	if (ps->env->name)
		r = ps->env->name(ps->env->arg, name, dollar, v, ps->err);
	if (r <= 0)
		return r;
	if (!dollar && enumerator(ps, name, v))
		return 0;
	r = err_set(ps->err, ERR_DEBUG_EXPR, NULL, "No symbol \"%s%s\" in current context.",
		    dollar ? "$" : "", name);
	err_source(ps->err, 1, (unsigned)(start - ps->text) + 1, ps->text);
	return r;
}

static int primary(struct parser *ps, struct value *v)
{
	int r;

	space(ps);
	if (isdigit((u8)*ps->p))
		return number(ps, v);
	if (*ps->p == '\'')
		return character(ps, v);
	if (*ps->p == '(') {
		ps->p++;
		r = assignment(ps, v);
		if (r)
			return r;
		return take(ps, ")") ? 0 : bad(ps, "A ')' is missing");
	}
	return variable(ps, v);
}

/* ---- postfix and unary --------------------------------------------------------------- */

static int add(struct parser *ps, struct value *a, struct value *b, bool minus);

/* *V, or what stands for it where nothing is computed. */
static int deref(struct parser *ps, struct value *v)
{
	struct value to;
	int r;

	if (ps->dry) {
		*v = number_of(ps, BASIC_INT, 0);
		return 0;
	}
	r = value_deref(ps->env, v, &to, ps->err);
	if (!r)
		*v = to;
	return r;
}

/* V[I] of what is no map: in place, so that what has no address has elements, too. */
static int subscript(struct parser *ps, struct value *v, struct value *i)
{
	const struct types *t = ps->env->types;
	u32 n = v->kind == VALUE_NUMBER || dtype_is_record(t, v->type) ? 0 : value_children(t, v);
	const char *name;
	int r = rvalue(ps, i);

	if (r)
		return r;
	if (n && i->number < n && !ps->dry) {
		*v = value_child(t, v, (u32)i->number, &name);
		return 0;
	}
	r = rvalue(ps, v);
	if (!r)
		r = add(ps, v, i, false);
	return r ? r : deref(ps, v);
}

static int element(struct parser *ps, struct value *v)
{
	struct value i, out;
	int r;

	if (++ps->depth > MAX_DEPTH)
		return bad(ps, "the expression nests too deeply");
	r = assignment(ps, &i);
	ps->depth--;
	if (r)
		return r;
	if (!take(ps, "]"))
		return bad(ps, "A ']' is missing");
	if (v->kind != VALUE_MAP)
		return subscript(ps, v, &i);
	if (ps->dry || !ps->env->element)
		return deref(ps, v);
	r = ps->env->element(ps->env->arg, v, &i, &out, ps->err);
	if (!r)
		*v = out;
	return r;
}

static int member(struct parser *ps, struct value *v, bool arrow)
{
	const char *start = ps->p;
	char name[NAME_BYTES];
	struct value out;
	int r;

	if (!word(ps, name))
		return bad(ps, "A member's name is missing");
	if (ps->dry)
		return deref(ps, v);
	/* gdb takes one for the other, too */
	if (v->kind != VALUE_MAP && dtype_kind(ps->env->types, v->type) == BTF_KIND_PTR) {
		r = deref(ps, v);
		if (r)
			return r;
	} else if (arrow && (v->kind == VALUE_MAP ||
			     !dtype_is_record(ps->env->types, v->type))) {
		return bad_at(ps, start, "The -> operator is for pointers to structs");
	}
	r = value_member(ps->env, v, name, &out, ps->err);
	if (r && ps->err->id == ERR_DEBUG_EXPR)
		err_source(ps->err, 1, (unsigned)(start - ps->text) + 1, ps->text);
	if (!r)
		*v = out;
	return r;
}

static int postfix(struct parser *ps, struct value *v)
{
	int r = primary(ps, v);

	while (!r) {
		if (take(ps, "["))
			r = element(ps, v);
		else if (take(ps, "->"))
			r = member(ps, v, true);
		else if (take(ps, "."))
			r = member(ps, v, false);
		else if (next_is(ps, "("))
			return bad(ps, "functions cannot be called: the program is stopped");
		else if (next_is(ps, "++") || next_is(ps, "--"))
			return bad(ps, "what is stopped cannot be changed");
		else
			return 0;
	}
	return r;
}

static int unary(struct parser *ps, struct value *v);

static int address_of(struct parser *ps, struct value *v)
{
	if (ps->dry)
		return rvalue(ps, v);
	if (v->kind == VALUE_MAP)
		return bad(ps, "a map's address is what instructions have; its elements are "
			   "MAP[KEY]");
	if (v->kind != VALUE_MEM || v->bit_size)
		return bad(ps, v->kind == VALUE_GONE ? "it has no address: it is optimised out" :
			   "Attempt to take address of value not located in memory.");
	*v = value_number(dtype_pointer(v->type), v->addr);
	return 0;
}

static int size_of(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	struct dtype ty;
	bool paren = take(ps, "(");
	int r;

	if (paren && type_name(ps, &ty)) {
		*v = number_of(ps, BASIC_ULONG, dtype_bytes(ps->env->types, ty));
		return take(ps, ")") ? 0 : bad(ps, "A ')' is missing");
	}
	ps->p = start;
	r = unary(ps, v);
	if (!r)
		*v = number_of(ps, BASIC_ULONG, dtype_bytes(ps->env->types, v->type) *
			       (v->repeat ? v->repeat : 1));
	return r;
}

static int arithmetic(struct parser *ps, struct value *v, char op)
{
	int r = rvalue(ps, v);

	if (r)
		return r;
	if (op == '!') {
		*v = number_of(ps, BASIC_INT, !v->number);
		return 0;
	}
	if (is_pointer(ps, v))
		return bad(ps, "Argument to arithmetic operation not a number or boolean.");
	promote(ps, v);
	v->number = op == '-' ? 0 - v->number : op == '~' ? ~v->number : v->number;
	v->number = value_extend(ps->env->types, v->type, v->number);
	return 0;
}

/* "(TYPE) v" */
static int cast_or_paren(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	struct dtype ty;
	int r;

	ps->p++;
	if (!type_name(ps, &ty)) {
		ps->p = start;
		return postfix(ps, v);
	}
	if (!take(ps, ")"))
		return bad(ps, "A ')' is missing");
	r = unary(ps, v);
	return r ? r : cast(ps, v, ty);
}

/* gdb's {TYPE} ADDRESS. */
static int braces(struct parser *ps, struct value *v)
{
	struct dtype ty;
	int r;

	ps->p++;
	if (!type_name(ps, &ty))
		return bad(ps, "A type is missing");
	if (!take(ps, "}"))
		return bad(ps, "A '}' is missing");
	r = unary(ps, v);
	if (!r)
		r = rvalue(ps, v);
	if (r)
		return r;
	v->type = dtype_pointer(ty);
	return deref(ps, v);
}

static int unary_op(struct parser *ps, struct value *v)
{
	char op;
	int r;

	space(ps);
	op = *ps->p;
	if (take(ps, "sizeof"))
		return size_of(ps, v);
	if (next_is(ps, "++") || next_is(ps, "--"))
		return bad(ps, "what is stopped cannot be changed");
	if (op == '(')
		return cast_or_paren(ps, v);
	if (op == '{')
		return braces(ps, v);
	if (!op || !strchr("-+!~*&", op))
		return postfix(ps, v);
	ps->p++;
	r = unary(ps, v);
	if (r)
		return r;
	return op == '*' ? deref(ps, v) : op == '&' ? address_of(ps, v) : arithmetic(ps, v, op);
}

static int unary(struct parser *ps, struct value *v)
{
	int r;

	if (++ps->depth > MAX_DEPTH)
		return bad(ps, "the expression nests too deeply");
	r = unary_op(ps, v);
	ps->depth--;
	return r;
}

/* ---- binary ---------------------------------------------------------------------------- */

enum binary { B_NONE, B_AT, B_MUL, B_DIV, B_MOD, B_ADD, B_SUB, B_SHL, B_SHR, B_LT, B_LE, B_GT, B_GE,
	      B_EQ, B_NE, B_AND, B_XOR, B_OR, B_LAND, B_LOR };

/* Longer ones first. */
static const struct { const char *text; enum binary op; int level; } binaries[] = {
	{ "<<", B_SHL, 8 }, { ">>", B_SHR, 8 }, { "<=", B_LE, 7 }, { ">=", B_GE, 7 },
	{ "==", B_EQ, 6 }, { "!=", B_NE, 6 }, { "&&", B_LAND, 2 }, { "||", B_LOR, 1 },
	{ "@", B_AT, 11 }, { "*", B_MUL, 10 }, { "/", B_DIV, 10 }, { "%", B_MOD, 10 },
	{ "+", B_ADD, 9 }, { "-", B_SUB, 9 }, { "<", B_LT, 7 }, { ">", B_GT, 7 },
	{ "&", B_AND, 5 }, { "^", B_XOR, 4 }, { "|", B_OR, 3 },
};

/* Pointers count in what they point to. */
static int add(struct parser *ps, struct value *a, struct value *b, bool minus)
{
	const struct types *t = ps->env->types;
	bool pa = is_pointer(ps, a), pb = is_pointer(ps, b);
	struct dtype inner, ty;
	u64 size;

	if (!pa && !pb) {
		ty = common(ps, a, b);
		*a = value_number(ty, value_extend(t, ty, minus ? a->number - b->number :
						  a->number + b->number));
		return 0;
	}
	if (pb && !minus && !pa) {
		struct value swap = *a;

		*a = *b, *b = swap;
	} else if (pb && !(minus && pa)) {
		return bad(ps, "Argument to arithmetic operation not a number or boolean.");
	}
	dtype_inner(t, dtype_plain(t, a->type), &inner);
	size = dtype_bytes(t, inner);
	size = size ? size : 1;
	if (pb && minus && pa) {
		*a = number_of(ps, BASIC_LONG, (u64)((s64)(a->number - b->number) / (s64)size));
		return 0;
	}
	a->number = minus ? a->number - b->number * size : a->number + b->number * size;
	return 0;
}

static int compare(struct parser *ps, struct value *a, struct value *b, enum binary op)
{
	bool is_signed = !is_pointer(ps, a) && !is_pointer(ps, b);
	u64 x, y;
	bool less;

	if (is_signed) {
		struct dtype ty = common(ps, a, b);

		is_signed = dtype_is_signed(ps->env->types, ty);
		a->number = value_extend(ps->env->types, ty, a->number);
		b->number = value_extend(ps->env->types, ty, b->number);
	}
	x = a->number, y = b->number;
	less = is_signed ? (s64)x < (s64)y : x < y;
	*a = number_of(ps, BASIC_INT, op == B_LT ? less : op == B_GE ? !less :
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
		return bad(ps, "Division by zero");
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

	promote(ps, a);
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
	int r = rvalue(ps, b);

	if (r || ps->dry)
		return r;
	if (a->kind != VALUE_MEM || a->bit_size)
		return bad(ps, "Only values in memory can be extended with '@'.");
	if ((s64)b->number < 1 || b->number > 1 << 20)
		return bad(ps, "Invalid number of repetitions.");
	a->repeat = (u32)b->number;
	return 0;
}

static int compute(struct parser *ps, struct value *a, struct value *b, enum binary op)
{
	struct dtype ty;
	int r;

	if (op == B_AT)
		return repeat(ps, a, b);
	r = rvalue(ps, a);
	if (!r)
		r = rvalue(ps, b);
	if (r)
		return r;
	if (op == B_ADD || op == B_SUB)
		return add(ps, a, b, op == B_SUB);
	if (op >= B_LT && op <= B_NE)
		return compare(ps, a, b, op);
	if (is_pointer(ps, a) || is_pointer(ps, b))
		return bad(ps, "Argument to arithmetic operation not a number or boolean.");
	if (op == B_SHL || op == B_SHR)
		return shift(ps, a, b, op == B_SHL);
	ty = common(ps, a, b);
	a->number = value_extend(ps->env->types, ty, a->number);
	b->number = value_extend(ps->env->types, ty, b->number);
	if (op == B_DIV || op == B_MOD)
		return divide(ps, a, b, ty, op == B_MOD);
	*a = value_number(ty, value_extend(ps->env->types, ty, bits(op, a->number, b->number)));
	return 0;
}

static enum binary binary_op(struct parser *ps, int level, int *is)
{
	space(ps);
	for (size_t i = 0; i < ARRAY_LEN(binaries); i++) {
		if (strncmp(ps->p, binaries[i].text, strlen(binaries[i].text)))
			continue;
		*is = binaries[i].level;
		if (*is < level)
			return B_NONE;
		ps->p += strlen(binaries[i].text);
		if (*ps->p == '=' && *is >= 3 && *is != 6 && *is != 7) {
			ps->p -= strlen(binaries[i].text);
			return B_NONE;	/* += and its like */
		}
		return binaries[i].op;
	}
	return B_NONE;
}

static int binary(struct parser *ps, struct value *v, int level);

/* && and ||: what stands right of them may not be computed. */
static int logical(struct parser *ps, struct value *v, bool is_or, int level)
{
	struct value b;
	bool left, skip;
	int r = rvalue(ps, v);

	if (r)
		return r;
	left = v->number;
	skip = left == is_or;
	ps->dry += skip;
	r = binary(ps, &b, level + 1);
	if (!r)
		r = rvalue(ps, &b);
	ps->dry -= skip;
	if (!r)
		*v = number_of(ps, BASIC_INT, skip ? left : b.number != 0);
	return r;
}

static int binary(struct parser *ps, struct value *v, int level)
{
	int r = unary(ps, v), is;
	enum binary op;
	struct value b;

	while (!r && (op = binary_op(ps, level, &is)) != B_NONE) {
		if (op == B_LAND || op == B_LOR) {
			r = logical(ps, v, op == B_LOR, is);
			continue;
		}
		r = binary(ps, &b, is + 1);
		if (!r)
			r = compute(ps, v, &b, op);
	}
	return r;
}

/* c ? a : b */
static int choose(struct parser *ps, struct value *v)
{
	struct value a, b;
	bool first;
	int r = rvalue(ps, v);

	if (r)
		return r;
	first = v->number;
	ps->dry += !first;
	r = assignment(ps, &a);
	ps->dry -= !first;
	if (r)
		return r;
	if (!take(ps, ":"))
		return bad(ps, "A ':' is missing");
	ps->dry += first;
	r = assignment(ps, &b);
	ps->dry -= first;
	*v = first ? a : b;
	return r;
}

static int conditional(struct parser *ps, struct value *v)
{
	int r = binary(ps, v, 1);

	return !r && take(ps, "?") ? choose(ps, v) : r;
}

/* $NAME = VALUE; nothing else is assigned to. */
static int assignment_to(struct parser *ps, struct value *v)
{
	const char *start;
	char name[NAME_BYTES] = "";
	int r;

	space(ps);
	start = ps->p;
	if (*start == '$') {
		ps->p++;
		if (word(ps, name) && take(ps, "=")) {
			r = assignment(ps, v);
			if (!r && !ps->dry && ps->env->assign)
				r = ps->env->assign(ps->env->arg, name, v, ps->err);
			return r;
		}
		ps->p = start;
	}
	r = conditional(ps, v);
	space(ps);
	if (!r && *ps->p == '=' && ps->p[1] != '=')
		return bad(ps, "what is stopped cannot be changed: only $NAME is assigned to");
	return r;
}

static int assignment(struct parser *ps, struct value *v)
{
	int r;

	if (++ps->depth > MAX_DEPTH)
		return bad(ps, "the expression nests too deeply");
	r = assignment_to(ps, v);
	ps->depth--;
	return r;
}

int expr_eval(struct value *out, const struct value_env *env, const char *text,
	      struct skep_err *err)
{
	struct parser ps = { .env = env, .text = text, .p = text, .err = err };
	int r = assignment(&ps, out);

	if (r)
		return r;
	space(&ps);
	return *ps.p ? bad(&ps, "A syntax error in expression") : 0;
}

int expr_number(u64 *out, const struct value_env *env, const char *text, struct skep_err *err)
{
	struct value v, n;
	int r = expr_eval(&v, env, text, err);

	if (!r)
		r = value_load(env, &v, &n, err);
	if (!r)
		*out = n.number;
	return r;
}

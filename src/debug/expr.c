/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr.c: C expressions, computed while they are read: precedence by table, C's
 * conversions, lvalues kept until a number is needed. What stands behind && || ?: and is
 * not chosen is read and not computed. Also gdb's a @ n. Errors have a caret.
 */
#include "debug/expr_in.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEPTH = 200 };

/* ---- errors ---------------------------------------------------------------- */

int ps_bad_at(struct parser *ps, const char *at, const char *what)
{
	int r = err_set(ps->err, ERR_DEBUG_EXPR, NULL, "%s", what);

	err_source(ps->err, 1, (unsigned)(at - ps->text) + 1, ps->text);
	return r;
}

int ps_bad(struct parser *ps, const char *what)
{
	return ps_bad_at(ps, ps->p, what);
}

/* Something else was to stand here. */
int ps_missing(struct parser *ps, const char *what)
{
	return ps_bad(ps, *ps->p ? what : "the expression ends too early");
}

/* ---- words ----------------------------------------------------------------- */

void ps_space(struct parser *ps)
{
	while (isspace((u8)*ps->p))
		ps->p++;
}

bool ps_is_word(char c) { return isalnum((u8)c) || c == '_'; }

/* The operator OP is next, and no longer one. */
bool ps_next_is(struct parser *ps, const char *op)
{
	size_t n = strlen(op);

	ps_space(ps);
	if (strncmp(ps->p, op, n))
		return false;
	if (ps_is_word(op[0]))
		return !ps_is_word(ps->p[n]);
	if (n == 1 && strchr("&|<>=+-", op[0]) && (ps->p[1] == op[0] || ps->p[1] == '='))
		return op[0] == '-' || op[0] == '+' || (op[0] == '&' && ps->p[1] == '=');
	return !(n == 1 && op[0] == '!' && ps->p[1] == '=');
}

bool ps_take(struct parser *ps, const char *op)
{
	if (!ps_next_is(ps, op))
		return false;
	ps->p += strlen(op);
	return true;
}

bool ps_word(struct parser *ps, char name[NAME_BYTES])
{
	size_t n = 0;

	ps_space(ps);
	if (!isalpha((u8)*ps->p) && *ps->p != '_')
		return false;
	while (ps_is_word(ps->p[n]))
		n++;
	if (n >= NAME_BYTES)
		n = NAME_BYTES - 1;
	memcpy(name, ps->p, n);
	name[n] = 0;
	while (ps_is_word(*ps->p))
		ps->p++;
	return true;
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
		return ps_bad(ps, "Unmatched single quote.");
	ps->p++;
	*v = ps_number_of(ps, BASIC_CHAR, (u64)c);
	return 0;
}

static int number(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	bool is_long = false, is_unsigned = false, decimal = *start != '0';
	size_t digits = strspn(start, "0123456789");
	char *end;
	u64 n;

	if (start[digits] == '.' || (start[digits] | 0x20) == 'e')
		return ps_float_number(ps, v);
	errno = 0;
	if (start[0] == '0' && (start[1] | 0x20) == 'b')
		n = strtoull(start + 2, &end, 2);
	else
		n = strtoull(start, &end, 0);
	if (errno)
		return ps_bad(ps, "Numeric constant too large.");
	for (ps->p = end; *ps->p && strchr("uUlL", *ps->p); ps->p++) {
		is_long = is_long || (*ps->p | 0x20) == 'l';
		is_unsigned = is_unsigned || (*ps->p | 0x20) == 'u';
	}
	if (ps_is_word(*ps->p) || *ps->p == '.')
		return ps_bad_at(ps, start, "Invalid number");
	is_unsigned = is_unsigned || n > INT64_MAX ||
		(!decimal && !is_long && n > INT32_MAX && n <= UINT32_MAX);
	is_long = is_long || n > UINT32_MAX || (!is_unsigned && n > INT32_MAX);
	*v = ps_number_of(ps, is_long ? is_unsigned ? BASIC_ULONG : BASIC_LONG :
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

/* A type with the word NAME, which was not found. */
static int no_tag(struct parser *ps, const char *at, const char *name)
{
	char what[2 * NAME_BYTES + 40], tag[NAME_BYTES];

	if (!ps_word(ps, tag))
		return ps_missing(ps, "A type's name is missing");
	snprintf(what, sizeof(what), "No %s type named %s.", name, tag);
	return ps_bad_at(ps, at, what);
}

static bool is_tag(const char *s)
{
	return !strcmp(s, "struct") || !strcmp(s, "union") || !strcmp(s, "enum");
}

static int variable(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	char name[NAME_BYTES];
	bool dollar = *ps->p == '$';
	int r = 1;

	if (dollar) {
		size_t n = 0;

		for (ps->p++; ps_is_word(*ps->p) || *ps->p == '$'; ps->p++)
			if (n < NAME_BYTES - 1)
				name[n++] = *ps->p;
		name[n] = 0;
	} else if (!ps_word(ps, name)) {
		return ps_missing(ps, "A syntax error in expression");
	}
	if (!dollar && is_tag(name))
		return no_tag(ps, start, name);
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

	ps_space(ps);
	if (isdigit((u8)*ps->p) || (*ps->p == '.' && isdigit((u8)ps->p[1])))
		return number(ps, v);
	if (*ps->p == '\'')
		return character(ps, v);
	if (*ps->p == '(') {
		ps->p++;
		r = assignment(ps, v);
		if (r)
			return r;
		return ps_take(ps, ")") ? 0 : ps_missing(ps, "A ')' is missing");
	}
	return variable(ps, v);
}

/* ---- postfix and unary --------------------------------------------------------------- */

/* *V, or what stands for it where nothing is computed. */
static int deref(struct parser *ps, struct value *v)
{
	struct value to;
	int r;

	if (ps->dry) {
		*v = ps_number_of(ps, BASIC_INT, 0);
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
	int r = ps_rvalue(ps, i);

	if (r)
		return r;
	if (n && i->number < n && !ps->dry) {
		*v = value_child(t, v, (u32)i->number, &name);
		return 0;
	}
	r = ps_rvalue(ps, v);
	if (!r)
		r = ps_add(ps, v, i, false);
	return r ? r : deref(ps, v);
}

static bool type_at_brace(struct parser *ps)
{
	const char *start = ps->p;
	char name[NAME_BYTES];
	struct dtype ty;
	bool yes;

	ps->p++;
	ps_space(ps);
	yes = ps_type_name(ps, &ty) || (ps_word(ps, name) && is_tag(name));
	ps->p = start;
	return yes;
}

/* What is in [], where a map's key may be in braces. */
static int key(struct parser *ps, const struct value *v, struct value *i)
{
	struct dtype ty;

	if (v->kind == VALUE_MAP && ps_next_is(ps, "{") && !type_at_brace(ps) &&
	    ps->env->key_type && ps->env->key_type(ps->env->arg, v, &ty))
		return ps_literal(ps, ty, i);
	return assignment(ps, i);
}

static int element(struct parser *ps, struct value *v)
{
	struct value i, out;
	int r;

	if (++ps->depth > MAX_DEPTH)
		return ps_bad(ps, "the expression nests too deeply");
	r = key(ps, v, &i);
	ps->depth--;
	if (r)
		return r;
	if (!ps_take(ps, "]"))
		return ps_missing(ps, "A ']' is missing");
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

	if (!ps_word(ps, name))
		return ps_missing(ps, "A member's name is missing");
	if (ps->dry)
		return deref(ps, v);
	/* gdb takes one for the other, too */
	if (v->kind != VALUE_MAP && dtype_kind(ps->env->types, v->type) == BTF_KIND_PTR) {
		r = deref(ps, v);
		if (r)
			return r;
	} else if (arrow && (v->kind == VALUE_MAP ||
			     !dtype_is_record(ps->env->types, v->type))) {
		return ps_bad_at(ps, start, "The -> operator is for pointers to structs");
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
		if (ps_take(ps, "["))
			r = element(ps, v);
		else if (ps_take(ps, "->"))
			r = member(ps, v, true);
		else if (ps_take(ps, "."))
			r = member(ps, v, false);
		else if (ps_next_is(ps, "("))
			return ps_bad(ps, "functions cannot be called: the program is stopped");
		else if (ps_next_is(ps, "++") || ps_next_is(ps, "--"))
			return ps_bad(ps, "what is stopped cannot be changed");
		else
			return 0;
	}
	return r;
}

static int unary(struct parser *ps, struct value *v);

static int address_of(struct parser *ps, struct value *v)
{
	if (ps->dry)
		return ps_rvalue(ps, v);
	if (v->kind == VALUE_MAP)
		return ps_bad(ps, "a map's address is what instructions have; its elements are "
			   "MAP[KEY]");
	if (v->kind != VALUE_MEM || v->bit_size)
		return ps_bad(ps, v->kind == VALUE_GONE ? "it has no address: it is optimised out" :
			   "Attempt to take address of value not located in memory.");
	*v = value_number(dtype_pointer(v->type), v->addr);
	return 0;
}

static int size_of(struct parser *ps, struct value *v)
{
	const char *start = ps->p;
	struct dtype ty;
	bool paren = ps_take(ps, "(");
	int r;

	if (paren && ps_type_name(ps, &ty)) {
		*v = ps_number_of(ps, BASIC_ULONG, dtype_bytes(ps->env->types, ty));
		return ps_take(ps, ")") ? 0 : ps_missing(ps, "A ')' is missing");
	}
	ps->p = start;
	r = unary(ps, v);
	if (!r)
		*v = ps_number_of(ps, BASIC_ULONG, dtype_bytes(ps->env->types, v->type) *
			       (v->repeat ? v->repeat : 1));
	return r;
}

static int arithmetic(struct parser *ps, struct value *v, char op)
{
	int r = ps_operand(ps, v);

	if (r)
		return r;
	if (ps_is_float(ps, v))
		return ps_float_unary(ps, v, op);
	if (op == '!') {
		*v = ps_number_of(ps, BASIC_INT, !v->number);
		return 0;
	}
	if (ps_is_pointer(ps, v))
		return ps_bad(ps, "Argument to arithmetic operation not a number or boolean.");
	ps_promote(ps, v);
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
	if (!ps_type_name(ps, &ty)) {
		ps->p = start;
		return postfix(ps, v);
	}
	if (!ps_take(ps, ")"))
		return ps_missing(ps, "A ')' is missing");
	if (ps_next_is(ps, "{") && !type_at_brace(ps))
		return ps_literal(ps, ty, v);
	r = unary(ps, v);
	return r ? r : ps_cast(ps, v, ty);
}

/* gdb's {TYPE} ADDRESS. */
static int braces(struct parser *ps, struct value *v)
{
	struct dtype ty;
	int r;

	ps->p++;
	if (!ps_type_name(ps, &ty))
		return ps_next_is(ps, "struct") || ps_next_is(ps, "union") ||
			ps_next_is(ps, "enum") ? variable(ps, v) :
			ps_missing(ps, "A type is missing");
	if (!ps_take(ps, "}"))
		return ps_missing(ps, "A '}' is missing");
	r = unary(ps, v);
	if (!r)
		r = ps_rvalue(ps, v);
	if (r)
		return r;
	v->type = dtype_pointer(ty);
	return deref(ps, v);
}

static int unary_op(struct parser *ps, struct value *v)
{
	char op;
	int r;

	ps_space(ps);
	op = *ps->p;
	if (ps_take(ps, "sizeof"))
		return size_of(ps, v);
	if (ps_next_is(ps, "++") || ps_next_is(ps, "--"))
		return ps_bad(ps, "what is stopped cannot be changed");
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
		return ps_bad(ps, "the expression nests too deeply");
	r = unary_op(ps, v);
	ps->depth--;
	return r;
}

/* ---- binary ---------------------------------------------------------------------------- */


/* Longer ones first. */
static const struct { const char *text; enum binary op; int level; } binaries[] = {
	{ "<<", B_SHL, 8 }, { ">>", B_SHR, 8 }, { "<=", B_LE, 7 }, { ">=", B_GE, 7 },
	{ "==", B_EQ, 6 }, { "!=", B_NE, 6 }, { "&&", B_LAND, 2 }, { "||", B_LOR, 1 },
	{ "@", B_AT, 11 }, { "*", B_MUL, 10 }, { "/", B_DIV, 10 }, { "%", B_MOD, 10 },
	{ "+", B_ADD, 9 }, { "-", B_SUB, 9 }, { "<", B_LT, 7 }, { ">", B_GT, 7 },
	{ "&", B_AND, 5 }, { "^", B_XOR, 4 }, { "|", B_OR, 3 },
};

static enum binary binary_op(struct parser *ps, int level, int *is)
{
	ps_space(ps);
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
	bool left, skip, right = false;
	int r = ps_truth(ps, v, &left);

	if (r)
		return r;
	skip = left == is_or;
	ps->dry += skip;
	r = binary(ps, &b, level + 1);
	if (!r)
		r = ps_truth(ps, &b, &right);
	ps->dry -= skip;
	if (!r)
		*v = ps_number_of(ps, BASIC_INT, skip ? left : right);
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
			r = ps_compute(ps, v, &b, op);
	}
	return r;
}

/* c ? a : b */
static int choose(struct parser *ps, struct value *v)
{
	struct value a, b;
	bool first;
	int r = ps_truth(ps, v, &first);

	if (r)
		return r;
	ps->dry += !first;
	r = assignment(ps, &a);
	ps->dry -= !first;
	if (r)
		return r;
	if (!ps_take(ps, ":"))
		return ps_missing(ps, "A ':' is missing");
	ps->dry += first;
	r = assignment(ps, &b);
	ps->dry -= first;
	*v = first ? a : b;
	return r;
}

static int conditional(struct parser *ps, struct value *v)
{
	int r = binary(ps, v, 1);

	return !r && ps_take(ps, "?") ? choose(ps, v) : r;
}

/* $NAME = VALUE; nothing else is assigned to. */
static int assignment_to(struct parser *ps, struct value *v)
{
	const char *start;
	char name[NAME_BYTES] = "";
	int r;

	ps_space(ps);
	start = ps->p;
	if (*start == '$') {
		ps->p++;
		if (ps_word(ps, name) && ps_take(ps, "=")) {
			r = assignment(ps, v);
			if (!r && !ps->dry && ps->env->assign)
				r = ps->env->assign(ps->env->arg, name, v, ps->err);
			return r;
		}
		ps->p = start;
	}
	r = conditional(ps, v);
	ps_space(ps);
	if (!r && *ps->p == '=' && ps->p[1] != '=')
		return ps_bad(ps, "what is stopped cannot be changed: only $NAME is assigned to");
	return r;
}

static int assignment(struct parser *ps, struct value *v)
{
	int r;

	if (++ps->depth > MAX_DEPTH)
		return ps_bad(ps, "the expression nests too deeply");
	r = assignment_to(ps, v);
	ps->depth--;
	return r;
}

int ps_expr(struct parser *ps, struct value *v) { return assignment(ps, v); }

int expr_eval(struct value *out, const struct value_env *env, const char *text,
	      struct skep_err *err)
{
	struct parser ps = { .env = env, .text = text, .p = text, .err = err };
	int r = assignment(&ps, out);

	if (r)
		return r;
	ps_space(&ps);
	return *ps.p ? ps_bad(&ps, "A syntax error in expression") : 0;
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

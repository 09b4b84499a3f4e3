/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * param.c: what the user gives the script: $1, $#, getopt("name", default). A parameter
 * that is written as a number is a number, except in str() and in names of probes.
 */
#include "lang/expand.h"
#include "lang/token.h"
#include <ctype.h>

static const char *arg_of(const struct expand *x, u64 n)
{
	return n && n <= x->args.n ? x->args.v[n - 1] : "";
}

void param_collect(struct expand *x)
{
	for (u32 i = 0; i < x->o->nr_args; i++)
		if (strncmp(x->o->args[i], "--", 2))
			*vec_push(&x->args) = x->o->args[i];
}

/* TEXT as a number, with "-" before it or not. */
static bool number_of(const char *text, bool *negative, u64 *num)
{
	u32 where;
	size_t n;

	*negative = *text == '-';
	text += *negative;
	n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	if (!isdigit((u8)*text) || text[n] || lex_number(text, (u32)n, num, &where))
		return false;
	return !*negative || *num <= (u64)INT64_MAX + 1;
}

static struct node *make_str(struct expand *x, struct span at, const char *text)
{
	struct node *n = node_new(x->s, N_STR, at);

	n->text = text;
	n->text_n = (u32)strlen(text);
	n->high = 1;
	return n;
}

static struct node *make_int(struct expand *x, struct span at, u64 num, bool negative)
{
	struct node *n = node_new(x->s, N_INT, at), *neg;

	n->num = num;
	n->is_unsigned = num > INT64_MAX;
	n->text = arena_printf(&x->s->arena, "%llu", (unsigned long long)num);
	n->high = 1;
	if (!negative)
		return n;
	neg = node_new(x->s, N_UNARY, at);
	neg->op = OP_NEG;
	neg->a = n;
	node_measure(neg);
	return neg;
}

void param_positional(struct expand *x, struct node **at)
{
	struct node *n = *at;
	const char *text = arg_of(x, n->num);
	bool negative;
	u64 num;

	if (!n->num) {
		expand_replace(at, make_int(x, n->at, x->args.n, false));
	} else if (!*text) {
		diag_warn(x->s, n->at, "Positional parameter $%llu is empty or not provided.",
			  (unsigned long long)n->num);
		expand_replace(at, make_int(x, n->at, 0, false));
	} else if (number_of(text, &negative, &num)) {
		expand_replace(at, make_int(x, n->at, num, negative));
	} else {
		expand_replace(at, make_str(x, n->at, text));
	}
}

/* str($1 + 3) is the text from its fourth character on. */
static void str_behind(struct expand *x, struct node **at)
{
	struct node *n = *at;
	const char *text = arg_of(x, n->a->num);
	size_t bytes = strlen(text);

	if (n->b->num > bytes) {
		diag_error(x->s, n->at, "cannot use offset that exceeds string size (%llu > %zu)",
			   (unsigned long long)n->b->num, bytes);
		return;
	}
	expand_replace(at, make_str(x, n->at, text + n->b->num));
}

void param_str(struct expand *x, struct node *call)
{
	struct node *n = call->list;

	if (!n)
		return;
	if (n->kind == N_POS && n->num)
		expand_replace(&call->list, make_str(x, n->at, arg_of(x, n->num)));
	else if (n->kind == N_BINARY && n->op == OP_ADD && n->a->kind == N_POS && n->a->num &&
		 n->b->kind == N_INT)
		str_behind(x, &call->list);
}

/* ---- names of probes ------------------------------------------------------------ */

/* One part of a name stays one, whatever is in it. */
static void put_part(struct strbuf *b, const char *text)
{
	bool plain = true;

	for (const char *s = text; *s; s++)
		plain = plain && (isalnum((u8)*s) || strchr("_./*+-?[]@", *s));
	if (plain) {
		sb_puts(b, text);
		return;
	}
	sb_putc(b, '"');
	for (const char *s = text; *s; s++)
		sb_printf(b, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
	sb_putc(b, '"');
}

/* The parameter at S, behind "$"; how long its number is, 0 after an error. */
static size_t put_param(struct expand *x, struct strbuf *b, const struct node *n, const char *s)
{
	size_t len = strspn(s, "0123456789");
	u64 num = 0;

	if (!len || *s == '0') {
		diag_error(x->s, n->at, "invalid trailing character for positional param: %.1s. "
			   "Try quoting this entire part if this is intentional e.g. \"$%.*s\".",
			   s, (int)strcspn(s, ":,\" "), s);
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		if (__builtin_mul_overflow(num, 10, &num) ||
		    __builtin_add_overflow(num, (u64)(s[i] - '0'), &num)) {
			diag_error(x->s, n->at, "positional parameter is not valid: overflow "
				   "error, maximum value is 18446744073709551615: %.*s",
				   (int)len, s);
			return 0;
		}
	put_part(b, arg_of(x, num));
	return len;
}

void param_attach(struct expand *x, struct node *n)
{
	struct strbuf b = { 0 };
	bool quoted = false;
	size_t len;

	if (!strchr(n->text, '$'))
		return;
	for (const char *s = n->text; *s; s++) {
		quoted ^= *s == '"';
		if (*s == '\\' && quoted && s[1])
			sb_putc(&b, *s++);
		if (*s != '$' || quoted) {
			sb_putc(&b, *s);
			continue;
		}
		len = put_param(x, &b, n, s + 1);
		if (!len)
			break;
		s += len;
	}
	n->text = arena_strdup(&x->s->arena, sb_text(&b));
	sb_free(&b);
}

/* ---- getopt --------------------------------------------------------------------- */

static struct expand_option *find_option(struct expand *x, const char *name, size_t n)
{
	for (struct expand_option *o = x->s->options; o; o = o->next)
		if (strlen(o->name) == n && !memcmp(o->name, name, n))
			return o;
	return NULL;
}

/* The last "--NAME" or "--NAME=VALUE": "" of the first; NULL when there is none. */
static const char *given(const struct expand *x, const char *name)
{
	size_t n = strlen(name);
	const char *value = NULL;

	for (u32 i = 0; i < x->o->nr_args; i++) {
		const char *arg = x->o->args[i];

		if (!strncmp(arg, "--", 2) && !strncmp(arg + 2, name, n) &&
		    (!arg[2 + n] || arg[2 + n] == '='))
			value = arg[2 + n] ? arg + 3 + n : "";
	}
	return value;
}

static struct node *invalid(struct expand *x, const struct expand_option *o, const char *kind,
			    const char *value)
{
	diag_error(x->s, (struct span){ 0 },
		   "program command line option --%s invalid %s (value: %s)", o->name, kind,
		   value);
	return NULL;
}

static struct node *bool_of(struct expand *x, struct span at, const struct expand_option *o,
			    const char *value)
{
	struct node *n = node_new(x->s, N_BOOL, at);

	n->high = 1;
	n->num = !*value || !strcasecmp(value, "true") || !strcmp(value, "1");
	if (!n->num && strcasecmp(value, "false") && strcmp(value, "0"))
		return invalid(x, o, "boolean", value);
	return n;
}

static struct node *value_of(struct expand *x, struct span at, const struct expand_option *o)
{
	const char *value = given(x, o->name);
	bool negative;
	u64 num;

	if (!value)
		return node_copy(x->s, o->value);
	if (o->value->kind == N_BOOL)
		return bool_of(x, at, o, value);
	if (o->value->kind == N_STR)
		return make_str(x, at, value);
	if (!number_of(value, &negative, &num))
		return invalid(x, o, "integer", value);
	return make_int(x, at, num, negative);
}

static bool is_literal(const struct node *n)
{
	if (n->kind == N_UNARY && n->op == OP_NEG && n->a->kind == N_INT)
		return true;
	return n->kind == N_STR || n->kind == N_INT || n->kind == N_BOOL;
}

/* Are two defaults the same? */
static bool same_value(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == N_UNARY)
		return same_value(a->a, b->a);
	if (a->kind == N_STR)
		return a->text_n == b->text_n && !memcmp(a->text, b->text, a->text_n);
	return a->num == b->num;
}

static void say_other_default(struct expand *x, const struct node *n,
			      const struct expand_option *o)
{
	const struct node *v = o->value->kind == N_UNARY ? o->value->a : o->value;
	const char *text = v->kind == N_BOOL ? v->num ? "true" : "false" : v->text;

	diag_error(x->s, n->at, "Command line option '%s' needs to have the same default value "
		   "in all places it is used. Previous default value: %s%s", o->name,
		   v == o->value ? "" : "-", text);
}

/* The option that the call, whose arguments are checked, is about. */
static struct expand_option *option_of(struct expand *x, const struct node *n,
				       const struct node *value, const char *help)
{
	struct expand_option *o = find_option(x, n->list->text, n->list->text_n);

	if (o && !same_value(o->value, value)) {
		say_other_default(x, n, o);
	} else if (o && help && (!o->help || strcmp(o->help, help))) {
		diag_error(x->s, n->at, "Command line option '%s' must have the same description "
			   "in all places it's used. Hint: You can wrap it in a macro", o->name);
	} else if (!o) {
		o = arena_new(&x->s->arena, struct expand_option);
		o->name = arena_strndup(&x->s->arena, n->list->text, n->list->text_n);
		o->help = help;
		o->value = value;
		o->at = n->at;
		o->next = x->s->options;
		x->s->options = o;
	}
	return o;
}

static struct node *true_or_false(struct expand *x, struct span at)
{
	struct node *n = node_new(x->s, N_BOOL, at);

	n->high = 1;
	return n;
}

void param_getopt(struct expand *x, struct node **at)
{
	struct node *n = *at, *value = n->list ? n->list->next : NULL, *new;
	const struct node *help = value ? value->next : NULL;

	if (!n->list || n->list->kind != N_STR) {
		diag_error(x->s, n->at, "First argument to 'getopt' must be a string literal");
		return;
	}
	if (value && !is_literal(value)) {
		diag_error(x->s, value->at, "Second argument to 'getopt' must be a string literal, "
			   "integer literal, or a boolean literal.");
		return;
	}
	if (help && (help->kind != N_STR || help->next)) {
		diag_error(x->s, help->at, "Third argument to 'getopt' must be a string literal, "
			   "the option's description, and the last");
		return;
	}
	if (!value)
		value = true_or_false(x, n->at);
	new = value_of(x, n->at, option_of(x, n, value, help ? help->text : NULL));
	if (new)
		expand_replace(at, new);
}

/* ---- the end -------------------------------------------------------------------- */

static void say_options(struct expand *x)
{
	struct strbuf b = { 0 };
	bool described = false;

	for (const struct expand_option *o = x->s->options; o; o = o->next)
		described |= o->help != NULL;
	if (!x->s->options)
		return;
	for (const struct expand_option *o = x->s->options; o; o = o->next)
		sb_printf(&b, "%s--%s%s%s", described ? "\n" : b.n ? ", " : " ", o->name,
			  o->help ? ": " : "", o->help ? o->help : "");
	diag_hint(x->s, "expected program options:%s", sb_text(&b));
	sb_free(&b);
}

void param_finish(struct expand *x)
{
	struct strbuf b = { 0 };

	for (u32 i = 0; i < x->o->nr_args; i++) {
		const char *arg = x->o->args[i];

		if (!strncmp(arg, "--", 2) &&
		    !find_option(x, arg + 2, strcspn(arg + 2, "=")))
			sb_printf(&b, "%s%.*s", b.n ? ", " : "", (int)strcspn(arg, "="), arg);
	}
	if (b.n) {
		diag_error(x->s, (struct span){ 0 },
			   "unexpected program command line options: %s", b.s);
		say_options(x);
	}
	sb_free(&b);
}

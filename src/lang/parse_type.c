/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_type.c: types: how they are told from expressions, and what is done with them. */
#include "lang/parse.h"

static bool is_one_of(const struct token *t, const char *words)
{
	const char *w = words;

	if (t->kind != T_IDENT)
		return false;
	while (*w) {
		size_t n = strcspn(w, " ");

		if (n == t->text_n && !memcmp(w, t->text, n))
			return true;
		w += n + (w[n] == ' ');
	}
	return false;
}

static bool is_tag(const struct token *t)
{
	return is_one_of(t, "struct union enum");
}

/* Words of C that can follow each other in the name of one type. */
static bool is_c_word(const struct token *t)
{
	return is_one_of(t, "unsigned signed long short int char");
}

static bool is_known(const struct token *t)
{
	return is_c_word(t) ||
	       is_one_of(t, "int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool void "
			    "string buffer inet usym_t ksym_t usym_type ksym_type");
}

static bool is_qualifier(const struct token *t)
{
	return is_one_of(t, "const volatile");
}

static bool is_param(const struct parser *p, const struct token *t)
{
	for (const struct node *n = p->params; n; n = n->next)
		if (n->kind == N_IDENT && strlen(n->text) == t->text_n &&
		    !memcmp(n->text, t->text, t->text_n))
			return true;
	return false;
}

/* ---- looking ahead -------------------------------------------------------------- */

struct ahead {
	struct lexer lex;
	struct token t;
};

static void ahead_next(struct ahead *a)
{
	lex_next(&a->lex, &a->t);
}

static bool ahead_is(const struct ahead *a, u32 op)
{
	return a->t.kind == T_PUNCT && a->t.op == op;
}

/* Over "( ... )". */
static bool skip_parens(struct ahead *a)
{
	u32 depth = 0;

	do {
		depth += ahead_is(a, TOK1('('));
		depth -= ahead_is(a, TOK1(')'));
		if (a->t.kind == T_END || !depth)
			return false;
		ahead_next(a);
	} while (depth > 1 || !ahead_is(a, TOK1(')')));
	ahead_next(a);
	return true;
}

/* Over "*" and "[N]"; how many. */
static u32 skip_suffixes(struct ahead *a)
{
	u32 n = 0;

	for (;; n++) {
		if (ahead_is(a, TOK1('*'))) {
			ahead_next(a);
			continue;
		}
		if (!ahead_is(a, TOK1('[')))
			return n;
		ahead_next(a);
		if (a->t.kind == T_INT)
			ahead_next(a);
		if (!ahead_is(a, TOK1(']')))
			return n;
		ahead_next(a);
	}
}

/* Can the word at hand begin the value that is cast? NARROW: what can also be between
 * two values cannot. */
static bool begins_value(const struct ahead *a, bool narrow)
{
	if (a->t.kind == T_PUNCT)
		return a->t.op == TOK1('(') || a->t.op == TOK1('!') || a->t.op == TOK1('~') ||
		       (!narrow && (a->t.op == TOK1('*') || a->t.op == TOK1('&') ||
				    a->t.op == TOK1('-')));
	return a->t.kind != T_END;
}

/* A name that nobody knows: of a typedef, a constant, a parameter of a macro. */
static bool name_ahead(const struct parser *p, struct ahead *a, bool cast)
{
	struct token name = a->t;
	u32 suffixes;

	if (parse_is_builtin(name.text, name.text_n))
		return false;
	ahead_next(a);
	suffixes = skip_suffixes(a);
	if (!ahead_is(a, TOK1(')')) && !(ahead_is(a, TOK1(',')) && !cast))
		return false;
	if (!cast)
		return suffixes;
	ahead_next(a);
	return begins_value(a, !suffixes && is_param(p, &name));
}

bool parse_type_ahead(const struct parser *p, bool cast)
{
	struct ahead a = { p->lex, p->t };

	a.lex.quiet = true;
	while (is_qualifier(&a.t))
		ahead_next(&a);
	if (is_tag(&a.t))
		return true;
	if (is_one_of(&a.t, "typeof")) {
		ahead_next(&a);
		if (!skip_parens(&a))
			return false;
	} else if (a.t.kind == T_IDENT && !is_known(&a.t)) {
		return name_ahead(p, &a, cast);
	} else if (a.t.kind == T_IDENT) {
		while (is_c_word(&a.t))
			ahead_next(&a);
		if (a.t.kind == T_IDENT)
			ahead_next(&a);
	} else {
		return false;
	}
	skip_suffixes(&a);
	return ahead_is(&a, TOK1(')')) || (!cast && ahead_is(&a, TOK1(',')));
}

/* ---- parsing -------------------------------------------------------------------- */

/* "struct foo", "unsigned long", "uint64" */
static void parse_base(struct parser *p, struct node *n)
{
	struct strbuf b = { 0 };

	if (is_tag(&p->t)) {
		sb_printf(&b, "%.*s ", (int)p->t.text_n, p->t.text);
		parse_next(p);
	} else {
		while (is_c_word(&p->t)) {
			sb_printf(&b, "%s%.*s", b.n ? " " : "", (int)p->t.text_n, p->t.text);
			parse_next(p);
		}
	}
	if (!b.n || b.s[b.n - 1] == ' ') {
		if (p->t.kind == T_IDENT) {
			sb_add(&b, p->t.text, p->t.text_n);
			parse_next(p);
		} else {
			parse_error(p, "expected type");
		}
	}
	n->text = arena_strdup(&p->lex.s->arena, sb_text(&b));
	sb_free(&b);
}

static struct node *parse_dim(struct parser *p)
{
	struct node *n = parse_node(p, N_DIM, p->t.from);

	parse_next(p);
	if (p->t.kind == T_INT) {
		n->num = p->t.num;
		if (n->num > UINT32_MAX)
			parse_error(p, "array is too large");
		parse_next(p);
	}
	parse_expect(p, TOK1(']'), "']'");
	return parse_done(p, n);
}

static bool has_size(const struct node *type)
{
	return type->text && (!strcmp(type->text, "string") || !strcmp(type->text, "buffer") ||
			      !strcmp(type->text, "inet"));
}

static void parse_suffixes(struct parser *p, struct node *type)
{
	struct node **end = &type->list, *n;

	while (*end)
		end = &(*end)->next;
	while (!p->panic && (parse_is(p, TOK1('*')) || parse_is(p, TOK1('[')))) {
		if (parse_is(p, TOK1('['))) {
			n = parse_dim(p);
			if (has_size(type) && !type->list && !type->num && n->num) {
				type->num = n->num;
				continue;
			}
		} else {
			n = parse_node(p, N_PTR, p->t.from);
			parse_next(p);
			parse_done(p, n);
		}
		*end = n;
		end = &n->next;
	}
}

/* typeof(TYPE) is that type, typeof(VALUE) the value's. */
static struct node *parse_typeof(struct parser *p, u32 from)
{
	struct node *n;

	parse_next(p);
	if (!parse_expect(p, TOK1('('), "'('"))
		return parse_node(p, N_TYPE, from);
	if (parse_type_ahead(p, false)) {
		n = parse_type(p);
		n->at.from = from;
	} else {
		n = parse_node(p, N_TYPE, from);
		n->a = parse_expr(p);
	}
	parse_expect(p, TOK1(')'), "')'");
	return n;
}

struct node *parse_type(struct parser *p)
{
	u32 from = p->t.from;
	struct node *n;

	while (is_qualifier(&p->t))
		parse_next(p);
	if (!parse_enter(p)) {
		n = parse_node(p, N_TYPE, from);
	} else if (is_one_of(&p->t, "typeof")) {
		n = parse_typeof(p, from);
	} else {
		n = parse_node(p, N_TYPE, from);
		parse_base(p, n);
	}
	parse_leave(p);
	parse_suffixes(p, n);
	if (!n->text && !n->a)
		n->text = "void";
	return parse_done(p, n);
}

/* "a.b[1].c" of offsetof, as a list. */
static struct node *parse_path(struct parser *p)
{
	struct node *first = NULL, **end = &first, *n;

	do {
		n = parse_node(p, N_FIELD, p->t.from);
		if (p->t.kind != T_IDENT) {
			parse_error(p, "expected identifier");
			return first;
		}
		n->text = parse_text(p, &p->t);
		parse_next(p);
		*end = parse_done(p, n);
		end = &n->next;
		while (parse_is(p, TOK1('['))) {
			n = parse_node(p, N_INDEX, p->t.from);
			parse_next(p);
			n->b = parse_expr(p);
			parse_expect(p, TOK1(']'), "']'");
			*end = parse_done(p, n);
			end = &n->next;
		}
	} while (!p->panic && parse_take(p, TOK1('.')));
	return first;
}

struct node *parse_of_type(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->t.from);

	parse_next(p);
	if (!parse_expect(p, TOK1('('), "'('"))
		return parse_done(p, n);
	if (parse_type_ahead(p, false))
		n->type = parse_type(p);
	else
		n->a = parse_expr(p);
	if (kind == N_OFFSETOF && parse_expect(p, TOK1(','), "','"))
		n->list = parse_path(p);
	parse_expect(p, TOK1(')'), "')'");
	return parse_done(p, n);
}

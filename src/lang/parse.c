/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.c: the parts of a script in their order: "#!" line, C, config and imports, then
 * maps, macros, functions and probes. By recursive descent; what nests deeper than
 * LANG_DEPTH is an error, so that nobody who walks the tree runs out of stack.
 */
#include "lang/parse.h"
#include <ctype.h>
#include <stdio.h>

/* ---- words ---------------------------------------------------------------------- */

void parse_next(struct parser *p)
{
	p->end = p->t.to;
	lex_next(&p->lex, &p->t);
}

static void verror_at(struct parser *p, u32 from, u32 to, const char *fmt, va_list ap)
{
	char text[300];

	if (p->panic || p->too_deep)
		return;
	p->panic = true;
	vsnprintf(text, sizeof(text), fmt, ap);
	diag_error(p->lex.s, (struct span){ p->lex.src, from, to }, "syntax: %s", text);
}

void parse_error_at(struct parser *p, u32 from, u32 to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verror_at(p, from, to, fmt, ap);
	va_end(ap);
}

void parse_error(struct parser *p, const char *fmt, ...)
{
	u32 to = p->t.to;
	va_list ap;

	if (p->t.kind == T_PUNCT && p->t.op != TOK2('+', '+') && p->t.op != TOK2('-', '-'))
		to = p->t.from + 1;
	va_start(ap, fmt);
	verror_at(p, p->t.from, to, fmt, ap);
	va_end(ap);
}

bool parse_take(struct parser *p, u32 op)
{
	if (!parse_is(p, op))
		return false;
	parse_next(p);
	return true;
}

bool parse_expect(struct parser *p, u32 op, const char *what)
{
	if (parse_take(p, op))
		return true;
	parse_error(p, "expected %s", what);
	return false;
}

const char *parse_text(struct parser *p, const struct token *t)
{
	return arena_strndup(&p->lex.s->arena, t->text, t->text_n);
}

/* ---- nodes ---------------------------------------------------------------------- */

struct node *parse_node(struct parser *p, enum node_kind kind, u32 from)
{
	return node_new(p->lex.s, kind, (struct span){ p->lex.src, from, p->t.to });
}

/* Told once; then the script is over, so that all who wait for more end. */
static void too_deep(struct parser *p)
{
	if (p->too_deep)
		return;
	p->panic = false;
	parse_error(p, "this nests deeper than %d levels", LANG_DEPTH);
	diag_hint(p->lex.s, "give parts of it names: let $x = ...");
	p->too_deep = p->panic = true;
	p->lex.pos = p->lex.src->bytes;
	p->t.kind = T_END;
	p->t.from = p->t.to = p->lex.pos;
}

bool parse_enter(struct parser *p)
{
	if (++p->depth <= LANG_DEPTH)
		return true;
	too_deep(p);
	return false;
}

static u32 higher(u32 high, const struct node *n)
{
	return n && n->high >= high ? n->high + 1 : high;
}

void node_measure(struct node *n)
{
	u32 high = 1;

	high = higher(high, n->a);
	high = higher(high, n->b);
	high = higher(high, n->c);
	high = higher(high, n->type);
	for (const struct node *i = n->list; i; i = i->next)
		high = higher(high, i);
	n->high = high;
}

struct node *parse_done(struct parser *p, struct node *n)
{
	n->at.to = p->end > n->at.from ? p->end : n->at.from;
	node_measure(n);
	if (n->high > LANG_DEPTH)
		too_deep(p);
	return n;
}

/* ---- C -------------------------------------------------------------------------- */

/* Whether C follows: "#", or a word that C definitions begin with. */
static bool is_c(struct parser *p)
{
	return parse_is(p, TOK1('#')) || parse_is_word(p, "struct") ||
	       parse_is_word(p, "union") || parse_is_word(p, "enum") ||
	       parse_is_word(p, "typedef");
}

static char c_at(struct parser *p, u32 pos)
{
	return pos < p->lex.src->bytes ? p->lex.src->text[pos] : 0;
}

/* A "#" line and those it goes on in. */
static void skip_directive(struct parser *p)
{
	u32 pos = p->t.from;

	while (pos < p->lex.src->bytes && c_at(p, pos) != '\n') {
		if (c_at(p, pos) == '\\' && c_at(p, pos + 1) == '\r' && c_at(p, pos + 2) == '\n')
			pos++;
		pos += c_at(p, pos) == '\\' ? 2 : 1;
	}
	p->lex.pos = pos < p->lex.src->bytes ? pos : p->lex.src->bytes;
	p->t.to = p->lex.pos;
	parse_next(p);
}

/* "(( ... ))" of __attribute__, which begins at the word at hand. */
static void skip_attribute(struct parser *p)
{
	u32 from, depth = 0;

	parse_next(p);
	from = p->t.from;
	if (!parse_is(p, TOK1('(')) || c_at(p, p->lex.pos) != '(') {
		parse_error(p, "__attribute__ syntax error, expected '(('");
		return;
	}
	do {
		depth += parse_is(p, TOK1('('));
		depth -= parse_is(p, TOK1(')'));
		parse_next(p);
	} while (depth && p->t.kind != T_END && !parse_is(p, TOK1('{')));
	if (depth)
		parse_error_at(p, from, from + 1,
			       "__attribute__ syntax error, mismatched '(' and ')'");
}

/* A struct, union or enum: to its "}" and attributes; a declaration or typedef: to ";". */
static void skip_definition(struct parser *p)
{
	bool is_typedef = parse_is_word(p, "typedef");
	u32 from = p->t.from, depth = 0;

	while (p->t.kind != T_END) {
		if (!depth && parse_is_word(p, "__attribute__")) {
			skip_attribute(p);
			continue;
		}
		if (!depth && parse_is(p, TOK1(';')))
			break;
		depth += parse_is(p, TOK1('{'));
		if (parse_is(p, TOK1('}')) && depth && !--depth && !is_typedef) {
			parse_next(p);
			break;
		}
		if (p->panic)
			return;
		parse_next(p);
	}
	if (depth || (is_typedef && p->t.kind == T_END))
		parse_error_at(p, from, from + 6, "C definition has no end");
	while (!p->panic && parse_is_word(p, "__attribute__"))
		skip_attribute(p);
	parse_take(p, TOK1(';'));
}

/* All of C, which is adjacent, as one text. */
static struct node *parse_c(struct parser *p)
{
	struct node *n = parse_node(p, N_CPART, p->t.from);
	u32 from = p->t.from;

	while (is_c(p) && !p->panic) {
		if (parse_is(p, TOK1('#')))
			skip_directive(p);
		else
			skip_definition(p);
	}
	parse_done(p, n);
	while (n->at.to > from && strchr(" \t\r", p->lex.src->text[n->at.to - 1]))
		n->at.to--;
	n->text = p->lex.src->text + from;
	n->text_n = n->at.to - from;
	return n;
}

/* ---- config, import, maps ------------------------------------------------------- */

static struct node *parse_setting(struct parser *p)
{
	struct node *n = parse_node(p, N_NAMED, p->t.from);

	if (p->t.kind != T_IDENT) {
		parse_error(p, "expected config key");
		return n;
	}
	n->text = parse_text(p, &p->t);
	parse_next(p);
	if (parse_expect(p, TOK1('='), "'='"))
		n->a = parse_unary(p);
	return parse_done(p, n);
}

static struct node *parse_config(struct parser *p)
{
	struct node *n = parse_node(p, N_CONFIG, p->t.from), **end = &n->list;

	parse_next(p);
	if (!parse_expect(p, TOK1('='), "'='") || !parse_expect(p, TOK1('{'), "'{'"))
		return n;
	while (!p->panic && !parse_is(p, TOK1('}'))) {
		*end = parse_setting(p);
		end = &(*end)->next;
		if (p->panic || parse_take(p, TOK1(';')) || parse_take(p, TOK1(',')))
			continue;
		if (!parse_is(p, TOK1('}')))
			parse_error(p, "expected ';'");
	}
	while (p->panic && p->t.kind != T_END && !parse_is(p, TOK1('}')))
		parse_next(p);
	p->panic = p->too_deep;
	parse_expect(p, TOK1('}'), "'}'");
	parse_take(p, TOK1(';'));
	return parse_done(p, n);
}

static struct node *parse_import(struct parser *p)
{
	struct node *n = parse_node(p, N_IMPORT, p->t.from);

	parse_next(p);
	n->text = "";
	if (p->t.kind != T_STR) {
		parse_error(p, "expected string after 'import'");
		return n;
	}
	n->text = p->t.text;
	n->text_n = p->t.text_n;
	parse_next(p);
	parse_expect(p, TOK1(';'), "';'");
	return parse_done(p, n);
}

/* let @m = hash(N); */
static struct node *parse_map_decl(struct parser *p)
{
	struct node *n = parse_node(p, N_MAPDECL, p->t.from);

	parse_next(p);
	n->text = "@";
	if (p->t.kind != T_MAP) {
		parse_error(p, "expected map name");
		return n;
	}
	n->text = parse_text(p, &p->t);
	parse_next(p);
	if (!parse_expect(p, TOK1('='), "'='"))
		return n;
	n->type = parse_node(p, N_TYPE, p->t.from);
	n->type->text = "hash";
	if (p->t.kind == T_IDENT) {
		n->type->text = parse_text(p, &p->t);
		parse_next(p);
		parse_done(p, n->type);
	} else {
		parse_error(p, "expected map type");
	}
	if (!parse_expect(p, TOK1('('), "'('"))
		return n;
	n->num = p->t.num;
	if (p->t.kind == T_INT && n->num)
		parse_next(p);
	else
		parse_error(p, "expected positive integer for map declaration max entries");
	if (parse_expect(p, TOK1(')'), "')'"))
		parse_expect(p, TOK1(';'), "';'");
	return parse_done(p, n);
}

/* ---- macros, functions ---------------------------------------------------------- */

static struct node *parse_param(struct parser *p)
{
	enum node_kind kind = p->t.kind == T_VAR ? N_VAR : p->t.kind == T_MAP ? N_MAP : N_IDENT;
	struct node *n = parse_node(p, kind, p->t.from);

	n->text = "";
	if (p->t.kind != T_VAR && p->t.kind != T_MAP && p->t.kind != T_IDENT) {
		parse_error(p, "expected macro argument");
		return n;
	}
	n->text = parse_text(p, &p->t);
	if (kind == N_IDENT && parse_is_own(n->text))
		parse_error(p, "builtin '%s' can't be used as a macro argument", n->text);
	parse_next(p);
	return parse_done(p, n);
}

static bool parse_name(struct parser *p, struct node *n, const char *what)
{
	parse_next(p);
	n->text = "";
	if (p->t.kind != T_IDENT) {
		parse_error(p, "expected %s name", what);
		return false;
	}
	n->text = parse_text(p, &p->t);
	parse_next(p);
	return true;
}

static struct node *parse_params(struct parser *p, struct node *(*param)(struct parser *))
{
	struct node *first = NULL, **end = &first;

	while (!p->panic && !parse_is(p, TOK1(')'))) {
		*end = param(p);
		end = &(*end)->next;
		if (!parse_take(p, TOK1(',')))
			break;
	}
	parse_expect(p, TOK1(')'), "')'");
	return first;
}

static struct node *parse_macro(struct parser *p)
{
	struct node *n = parse_node(p, N_MACRO, p->t.from);
	u32 to;

	if (!parse_name(p, n, "macro"))
		return n;
	to = p->end;
	if (parse_take(p, TOK1('(')))
		n->list = parse_params(p, parse_param);
	p->params = n->list;
	if (!p->panic)
		n->b = parse_block(p);
	p->params = NULL;
	parse_done(p, n);
	/* messages about it point at its head */
	n->at.to = to;
	return n;
}

static struct node *parse_fn_param(struct parser *p)
{
	struct node *n = parse_node(p, N_LET, p->t.from);

	n->a = parse_node(p, N_VAR, p->t.from);
	n->a->text = "$";
	if (p->t.kind != T_VAR) {
		parse_error(p, "expected variable");
		return n;
	}
	n->a->text = parse_text(p, &p->t);
	parse_next(p);
	parse_done(p, n->a);
	if (parse_expect(p, TOK1(':'), "':'"))
		n->type = parse_type(p);
	return parse_done(p, n);
}

static struct node *parse_fn(struct parser *p)
{
	struct node *n = parse_node(p, N_FN, p->t.from);

	if (!parse_name(p, n, "function") || !parse_expect(p, TOK1('('), "'('"))
		return n;
	n->list = parse_params(p, parse_fn_param);
	if (!p->panic && parse_expect(p, TOK1(':'), "':'"))
		n->type = parse_type(p);
	if (!p->panic)
		n->b = parse_body(p);
	return parse_done(p, n);
}

/* ---- probes --------------------------------------------------------------------- */

static bool is_space(char c)
{
	return isspace((u8)c);
}

/* Is part I of an attach point, whose text begins at FROM, one in which "/" is a letter:
 * the path of a binary, where an iterator is pinned? */
static bool is_path(struct parser *p, u32 from, u32 i)
{
	static const char *const kinds[] = { "uprobe", "uretprobe", "usdt", "u", "ur", "U" };
	const char *s = p->lex.src->text + from;
	size_t n = strcspn(s, ": \t\n/{,");

	if (!i)
		return false;
	if (memchr(s, '*', n) || (n >= 2 && !strncmp(s, "it", 2)))
		return true;
	for (size_t k = 0; k < ARRAY_LEN(kinds) && i == 1; k++)
		if (strlen(kinds[k]) == n && !memcmp(kinds[k], s, n))
			return true;
	return false;
}

/* Over "...", with escapes. */
static u32 skip_quoted(struct parser *p, u32 pos)
{
	u32 from = pos++;

	while (c_at(p, pos) && c_at(p, pos) != '"' && c_at(p, pos) != '\n')
		pos += c_at(p, pos) == '\\' && c_at(p, pos + 1) ? 2 : 1;
	if (c_at(p, pos) == '"')
		return pos + 1;
	parse_error_at(p, from, pos, "unterminated string");
	return pos;
}

/* Where the attach point that begins at POS ends. */
static u32 attach_end(struct parser *p, u32 pos)
{
	u32 from = pos, part = 0;

	while (pos < p->lex.src->bytes) {
		char c = c_at(p, pos);

		if (is_space(c) || c == ',' || c == '{')
			break;
		if (c == '/' && !is_path(p, from, part))
			break;
		if (c == '"') {
			pos = skip_quoted(p, pos);
			continue;
		}
		part += c == ':';
		pos++;
	}
	return pos;
}

/* "name=" before an attach point. */
static void parse_probe_name(struct parser *p, struct node *n)
{
	struct lexer lex = p->lex;
	struct token t;

	lex.quiet = true;
	lex_next(&lex, &t);
	if (p->t.kind != T_IDENT || t.kind != T_PUNCT || t.op != TOK1('='))
		return;
	n->name = parse_text(p, &p->t);
	parse_next(p);
	parse_next(p);
}

static struct node *parse_attach(struct parser *p)
{
	struct node *n = parse_node(p, N_ATTACH, p->t.from);
	u32 from, to;

	parse_probe_name(p, n);
	from = p->t.from;
	to = attach_end(p, from);
	if (from == to)
		parse_error(p, "expected an attach point");
	n->text = arena_strndup(&p->lex.s->arena, p->lex.src->text + from, to - from);
	p->lex.pos = to;
	p->t.to = to;
	parse_next(p);
	return parse_done(p, n);
}

static struct node *parse_predicate(struct parser *p)
{
	struct node *n;

	p->lex.pos = p->t.from + 1;	/* "/=" is no operator here */
	p->t.to = p->lex.pos;
	parse_next(p);
	p->predicate = true;
	n = parse_expr(p);
	p->predicate = false;
	parse_expect(p, TOK1('/'), "'/' to close predicate");
	return n;
}

static struct node *parse_probe(struct parser *p)
{
	struct node *n = parse_node(p, N_PROBE, p->t.from), **end = &n->list;

	do {
		*end = parse_attach(p);
		end = &(*end)->next;
	} while (!p->panic && parse_take(p, TOK1(',')));
	if (!p->panic && p->t.kind == T_PUNCT && c_at(p, p->t.from) == '/')
		n->a = parse_predicate(p);
	if (!p->panic)
		n->b = parse_body(p);
	if (!n->b)
		n->b = node_new(p->lex.s, N_BLOCK, n->at);
	return parse_done(p, n);
}

static bool word_ahead(const struct parser *p, const char *word, u32 op)
{
	struct lexer lex = p->lex;
	struct token t;

	if (!parse_is_word(p, word))
		return false;
	lex.quiet = true;
	lex_next(&lex, &t);
	return op ? t.kind == T_PUNCT && t.op == op : t.kind == T_IDENT;
}

static struct node *parse_either(struct parser *p);

/* A group in a group: it is read, so that there is one message for it, and dropped. */
static void skip_nested(struct parser *p)
{
	parse_error_at(p, p->t.from, p->t.to, "groups of probes do not nest");
	diag_hint(p->lex.s, "write its groups behind the others, each after \"or\": the first one "
		  "that can be attached is chosen");
	p->panic = false;
	if (parse_enter(p))
		parse_either(p);
	parse_leave(p);
}

static void parse_group(struct parser *p, struct node *n)
{
	struct node **end = &n->list;
	bool any = false;

	for (; !p->panic && p->t.kind != T_END && !parse_is(p, TOK1('}')); any = true) {
		if (word_ahead(p, "either", TOK1('{'))) {
			skip_nested(p);
			continue;
		}
		*end = parse_probe(p);
		end = &(*end)->next;
	}
	if (!any && !p->panic)
		parse_error(p, "a group has one probe at least");
}

/* { probes }, and behind "or" more of them. */
static struct node *parse_either(struct parser *p)
{
	struct node *first = parse_node(p, N_EITHER, p->t.from), *n = first;

	for (;;) {
		parse_next(p);		/* either, or */
		if (!parse_expect(p, TOK1('{'), "'{' before the probes of a group"))
			break;
		parse_group(p, n);
		n->at.to = p->t.to;
		if (!parse_expect(p, TOK1('}'), "'}' behind the probes of a group") ||
		    !parse_is_word(p, "or"))
			break;
		n->a = parse_node(p, N_EITHER, p->t.from);
		n = n->a;
	}
	return parse_done(p, first);
}

/* ---- the file ------------------------------------------------------------------- */

/* How far the file is: parts have an order. */
enum part { PART_C, PART_CONFIG, PART_REST };

static void check_order(struct parser *p, enum part *now, enum part is)
{
	static const char *const names[] = { "C definitions", "config" };
	u32 line_end;

	if (is >= *now) {
		*now = is;
		return;
	}
	line_end = p->t.to;
	if (is == PART_C)
		while (c_at(p, line_end) && c_at(p, line_end) != '\n')
			line_end++;
	parse_error_at(p, p->t.from, line_end, "%s must appear before probes and functions",
		       parse_is_word(p, "import") ? "import" : names[is]);
	p->panic = false;
}

/* What stands at the left margin of a file, and where "}" was forgotten begins the next. */
static void resync_part(struct parser *p)
{
	u32 depth = 0;

	while (p->t.kind != T_END) {
		depth += parse_is(p, TOK1('{'));
		if (parse_is(p, TOK1('}')) && depth <= 1) {
			parse_next(p);
			break;
		}
		depth -= parse_is(p, TOK1('}'));
		if (parse_is(p, TOK1(';')) && !depth) {
			parse_next(p);
			break;
		}
		parse_next(p);
	}
	p->panic = p->too_deep;
}

static struct node *parse_part(struct parser *p, enum part *now)
{
	if (is_c(p)) {
		check_order(p, now, PART_C);
		return parse_c(p);
	}
	if (parse_is_word(p, "config")) {
		check_order(p, now, PART_CONFIG);
		return parse_config(p);
	}
	if (parse_is_word(p, "import")) {
		check_order(p, now, PART_CONFIG);
		return parse_import(p);
	}
	*now = PART_REST;
	if (parse_is_word(p, "let"))
		return parse_map_decl(p);
	if (word_ahead(p, "macro", 0))
		return parse_macro(p);
	if (word_ahead(p, "fn", 0))
		return parse_fn(p);
	if (word_ahead(p, "either", TOK1('{')))
		return parse_either(p);
	return parse_probe(p);
}

static void skip_shebang(struct parser *p)
{
	const char *s = p->lex.src->text, *end;

	if (p->lex.src->bytes < 2 || s[0] != '#' || s[1] != '!')
		return;
	end = memchr(s, '\n', p->lex.src->bytes);
	p->lex.pos = end ? (u32)(end - s) : p->lex.src->bytes;
}

/* Names and messages end with a NUL, so scripts cannot have any. */
static bool check_text(struct script *s, const struct source *src)
{
	const char *nul = memchr(src->text, 0, src->bytes);
	u32 at = nul ? (u32)(nul - src->text) : 0;

	if (nul)
		diag_error(s, (struct span){ src, at, at }, "this is no script: a byte of it is 0");
	return !nul;
}

struct node *parse_expression(struct script *s, const struct source *src)
{
	struct script saved = *s;
	struct parser p = { .lex = { .s = s, .src = src } };
	struct node *n;

	if (memchr(src->text, 0, src->bytes))
		return NULL;
	parse_next(&p);
	n = parse_expr(&p);
	if (s->nr_errors == saved.nr_errors && p.t.kind == T_END)
		return n;
	saved.arena = s->arena;
	*s = saved;
	*(s->diags_end ? s->diags_end : &s->diags) = NULL;
	return NULL;
}

void parse_script(struct script *s, const struct source *src)
{
	struct parser p = { .lex = { .s = s, .src = src } };
	enum part now = PART_C;
	struct node **end = &s->list;

	while (*end)
		end = &(*end)->next;
	if (!check_text(s, src))
		return;
	if (src->bytes > 1 << 20)	/* what such a tree takes */
		arena_reserve(&s->arena, (size_t)src->bytes * 24);
	skip_shebang(&p);
	parse_next(&p);
	while (p.t.kind != T_END) {
		if (parse_take(&p, TOK1(';')))
			continue;
		*end = parse_part(&p, &now);
		end = &(*end)->next;
		if (p.panic)
			resync_part(&p);
	}
}

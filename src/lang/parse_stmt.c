/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse_stmt.c: blocks and statements. What a block ends with, when that is an
 * expression without ";", is its value; where nobody wants one it becomes a statement
 * like others.
 */
#include "lang/parse.h"

/* ---- values nobody wants -------------------------------------------------------- */

static struct node *statement_of(struct parser *p, struct node *value);

static void drop_value(struct parser *p, struct node *block)
{
	struct node **end = &block->list;

	if (!block->a)
		return;
	while (*end)
		end = &(*end)->next;
	*end = statement_of(p, block->a);
	block->a = NULL;
}

/* BLOCK, IF: the statement; else an expression of which nobody takes the value. */
static struct node *statement_of(struct parser *p, struct node *value)
{
	struct node *n;

	if (value->kind == N_BLOCK) {
		drop_value(p, value);
		return value;
	}
	if (value->kind == N_IF) {
		for (n = value; n && n->kind == N_IF; n = n->c) {
			drop_value(p, n->b);
			if (n->c && n->c->kind == N_BLOCK)
				drop_value(p, n->c);
		}
		return value;
	}
	n = parse_node(p, N_EXPR, value->at.from);
	n->a = value;
	parse_done(p, n);
	n->at = value->at;
	return n;
}

/* Has every branch a value? */
static bool is_value(const struct node *n)
{
	if (n->kind == N_BLOCK)
		return n->a;
	if (n->kind != N_IF)
		return true;
	for (; n && n->kind == N_IF; n = n->c)
		if (!n->b || !n->b->a)
			return false;
	return n && n->a;
}

/* ---- assignments ---------------------------------------------------------------- */

static bool assign_op(u32 tok, enum node_op *op)
{
	switch (tok) {
	case TOK1('='): *op = OP_NONE; return true;
	case TOK2('+', '='): *op = OP_ADD; return true;
	case TOK2('-', '='): *op = OP_SUB; return true;
	case TOK2('*', '='): *op = OP_MUL; return true;
	case TOK2('/', '='): *op = OP_DIV; return true;
	case TOK2('%', '='): *op = OP_MOD; return true;
	case TOK2('&', '='): *op = OP_AND; return true;
	case TOK2('|', '='): *op = OP_OR; return true;
	case TOK2('^', '='): *op = OP_XOR; return true;
	case TOK3('<', '<', '='): *op = OP_SHL; return true;
	case TOK3('>', '>', '='): *op = OP_SHR; return true;
	default: return false;
	}
}

static const struct node *root_of(const struct node *n)
{
	while (n->kind == N_FIELD || n->kind == N_AT || n->kind == N_INDEX)
		n = n->a;
	return n;
}

/* Can TO be given a value? */
static bool is_target(struct parser *p, const struct node *to)
{
	const struct node *root = root_of(to);

	if (to->kind == N_VAR || to->kind == N_MAP)
		return true;
	if (to != root && (root->kind == N_VAR || root->kind == N_MAP))
		return true;	/* which is told when it has been read */
	parse_expect(p, TOK1(';'), "';'");
	if (to->kind == N_IDENT)
		diag_hint(p->lex.s, "variables and maps begin with a sign: $%s of a run of the "
			  "block, @%s of the script", to->text, to->text);
	return false;
}

static struct node *parse_assign(struct parser *p, struct node *to, enum node_op op)
{
	struct node *n = parse_node(p, N_ASSIGN, to ? to->at.from : p->t.from);

	parse_next(p);
	n->op = op;
	n->a = to;
	n->b = parse_expr(p);
	parse_done(p, n);
	if (to && to->kind != N_VAR && to->kind != N_MAP)
		diag_error(p->lex.s, n->at, "syntax: Tuples and records are immutable once "
			   "created. Consider creating a new value and assigning it instead.");
	return n;
}

/* An expression, or what is assigned to it. */
static struct node *parse_simple(struct parser *p)
{
	struct node *n = parse_expr(p);
	enum node_op op;

	if (!p->panic && p->t.kind == T_PUNCT && assign_op(p->t.op, &op) && is_target(p, n))
		return parse_assign(p, n, op);
	return n;
}

/* _ = E; its value is not missed. */
static struct node *parse_discard(struct parser *p)
{
	u32 from = p->t.from;
	struct node *n;

	parse_next(p);
	n = parse_assign(p, NULL, OP_NONE);
	n->at.from = from;
	return n;
}

static bool discard_ahead(const struct parser *p)
{
	struct lexer lex = p->lex;
	struct token t;

	if (!parse_is_word(p, "_"))
		return false;
	lex.quiet = true;
	lex_next(&lex, &t);
	return t.kind == T_PUNCT && t.op == TOK1('=');
}

static struct node *parse_var(struct parser *p, const char *wrong)
{
	struct node *n = parse_node(p, N_VAR, p->t.from);

	if (p->t.kind != T_VAR) {
		parse_error(p, "%s", wrong);
		n->text = "$";
		return parse_done(p, n);
	}
	n->text = parse_text(p, &p->t);
	parse_next(p);
	return parse_done(p, n);
}

static struct node *parse_let(struct parser *p)
{
	struct node *n = parse_node(p, N_LET, p->t.from);

	parse_next(p);
	n->a = parse_var(p, "expected variable after 'let'");
	if (!p->panic && parse_take(p, TOK1(':')))
		n->type = parse_type(p);
	if (!p->panic && parse_take(p, TOK1('=')))
		n->b = parse_expr(p);
	return parse_done(p, n);
}

/* ---- loops ---------------------------------------------------------------------- */

static struct node *parse_loop(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->t.from);

	parse_next(p);
	n->a = parse_condition(p);
	n->b = parse_body(p);
	return parse_done(p, n);
}

/* What is gone over: a map, or A..B. */
static void parse_over(struct parser *p, struct node *n)
{
	n->b = parse_unary(p);
	if (p->panic || !parse_take(p, TOK2('.', '.'))) {
		if (!p->panic && n->b->kind != N_MAP && n->b->kind != N_IDENT)
			parse_error(p, "expected a map, or a range: 'FROM..TO'");
		return;
	}
	n->kind = N_FORRANGE;
	n->list = n->b;
	n->b = NULL;
	n->list->next = parse_unary(p);
}

static struct node *parse_for(struct parser *p)
{
	struct node *n = parse_node(p, N_FORMAP, p->t.from);
	bool paren;

	parse_next(p);
	paren = parse_take(p, TOK1('('));
	n->a = parse_var(p, "expected variable in for loop");
	if (p->panic)
		diag_hint(p->lex.s, "for ($i : 0..10) { } or for ($kv : @map) { }");
	if (!p->panic && parse_expect(p, TOK1(':'), "':'"))
		parse_over(p, n);
	if (paren)
		parse_expect(p, TOK1(')'), "')'");
	n->c = parse_body(p);
	return parse_done(p, n);
}

static struct node *parse_jump(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->t.from);

	parse_next(p);
	if (kind == N_RETURN && !parse_is(p, TOK1(';')) && !parse_is(p, TOK1('}')))
		n->a = parse_expr(p);
	return parse_done(p, n);
}

static struct node *parse_import(struct parser *p)
{
	struct node *n = parse_node(p, N_IMPORT, p->t.from);

	parse_next(p);
	if (p->t.kind == T_STR) {
		n->text = p->t.text;
		n->text_n = p->t.text_n;
		parse_next(p);
	} else {
		parse_error(p, "expected string after 'import'");
		n->text = "";
	}
	return parse_done(p, n);
}

/* ---- blocks --------------------------------------------------------------------- */

/* A statement, or an expression that may be the block's value. */
static struct node *parse_statement(struct parser *p)
{
	if (parse_is(p, TOK1('{')))
		return parse_block(p);
	if (discard_ahead(p))
		return parse_discard(p);
	if (parse_is_word(p, "let"))
		return parse_let(p);
	if (parse_is_word(p, "while"))
		return parse_loop(p, N_WHILE);
	if (parse_is_word(p, "unroll"))
		return parse_loop(p, N_UNROLL);
	if (parse_is_word(p, "for"))
		return parse_for(p);
	if (parse_is_word(p, "if"))
		return parse_if(p);
	if (parse_is_word(p, "break"))
		return parse_jump(p, N_BREAK);
	if (parse_is_word(p, "continue"))
		return parse_jump(p, N_CONTINUE);
	if (parse_is_word(p, "return"))
		return parse_jump(p, N_RETURN);
	if (parse_is_word(p, "import"))
		return parse_import(p);
	return parse_simple(p);
}

static bool is_expression(const struct node *n)
{
	return n->kind < N_EXPR || n->kind == N_IF;
}

/* Is the block's end at hand, and no ";" before it? */
static bool is_last(const struct parser *p)
{
	return parse_is(p, TOK1('}')) && p->lex.src->text[p->end - 1] != ';';
}

/* To where the next statement can begin: behind ";" or before "}". */
static void resync(struct parser *p)
{
	u32 depth = 0;

	p->panic = false;
	while (p->t.kind != T_END) {
		if (parse_is(p, TOK1('{'))) {
			depth++;
		} else if (parse_is(p, TOK1('}'))) {
			if (!depth)
				return;
			if (!--depth) {	/* a body: what follows is the next statement */
				parse_next(p);
				return;
			}
		} else if (parse_is(p, TOK1(';')) && !depth) {
			parse_next(p);
			return;
		}
		parse_next(p);
	}
}

/* After a statement: ";", or the block's end. False: an error was told. */
static bool parse_semicolon(struct parser *p, const struct node *n)
{
	if (p->panic)
		return false;
	if (parse_take(p, TOK1(';')) || parse_is(p, TOK1('}')) || node_is_braced(n))
		return true;
	parse_error(p, "expected ';'%s", n->kind == N_IMPORT ? " after import" : "");
	if (p->t.kind == T_IDENT || p->t.kind == T_VAR || p->t.kind == T_MAP)
		p->panic = false;	/* the next one begins here */
	return !p->panic;
}

static void parse_statements(struct parser *p, struct node *block)
{
	struct node **end = &block->list, *n;
	u32 from;

	while (p->t.kind != T_END && !parse_is(p, TOK1('}'))) {
		if (parse_take(p, TOK1(';')))
			continue;
		from = p->t.from;
		n = parse_statement(p);
		if (!parse_semicolon(p, n))
			resync(p);
		if (p->t.from == from && !parse_is(p, TOK1('}')))
			parse_next(p);
		if (is_expression(n) && is_value(n) && is_last(p)) {
			block->a = n;
			return;
		}
		*end = is_expression(n) ? statement_of(p, n) : n;
		end = &(*end)->next;
	}
}

struct node *parse_block(struct parser *p)
{
	struct node *n = parse_node(p, N_BLOCK, p->t.from);
	const bool heard = p->panic, predicate = p->predicate;

	if (!parse_expect(p, TOK1('{'), "'{'")) {
		if (!heard)
			diag_hint(p->lex.s, "what is to be done stands in braces: begin { ... }, "
				  "if (...) { ... }");
		return parse_done(p, n);
	}
	p->predicate = false;
	if (parse_enter(p))
		parse_statements(p, n);
	parse_leave(p);
	p->predicate = predicate;
	parse_expect(p, TOK1('}'), "'}'");
	return parse_done(p, n);
}

struct node *parse_body(struct parser *p)
{
	struct node *n = parse_block(p);

	drop_value(p, n);
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_expr.c: expressions, by precedence climbing. */
#include "lang/parse.h"
#include <ctype.h>
#include <stdlib.h>

/* ---- names ---------------------------------------------------------------------- */

static int by_name(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

/* In order: they are looked up by halves. */
static const char *const builtins[] = {
	"args", "cgroup", "comm", "cpid", "cpu", "ctx", "curtask", "elapsed", "func",
	"gid", "has_cpid", "jiffies", "kstack", "leader_comm", "leader_tid", "ncpus", "nsecs",
	"numaid", "pcomm", "pid", "ppid", "probe", "probetype", "rand", "retval", "tid", "uid",
	"usermode", "username", "ustack", "dw_ustack",
};

static bool is_numbered(const char *s)
{
	if (!strncmp(s, "sarg", 4))
		s++;
	return !strncmp(s, "arg", 3) && s[3] && strspn(s + 3, "0123456789") == strlen(s + 3);
}

bool parse_is_own(const char *name)
{
	static const char *const own[] = {
		"args", "ctx", "kstack", "nsecs", "pid", "tid", "ustack", "dw_ustack",
	};

	return is_numbered(name) ||
	       bsearch(name, own, ARRAY_LEN(own), sizeof(own[0]), by_name);
}

bool parse_is_builtin(const char *name, u32 n)
{
	char s[32];

	if (n >= sizeof(s))
		return false;
	memcpy(s, name, n);
	s[n] = 0;
	return !strncmp(s, "__builtin_", 10) || is_numbered(s) ||
	       bsearch(s, builtins, ARRAY_LEN(builtins), sizeof(builtins[0]), by_name);
}

static bool is_reserved(const struct token *t)
{
	static const char *const words[] = {
		"break", "continue", "else", "for", "import", "let", "return", "struct", "unroll",
		"while",
	};
	char s[16];

	if (t->text_n >= sizeof(s))
		return false;
	memcpy(s, t->text, t->text_n);
	s[t->text_n] = 0;
	return bsearch(s, words, ARRAY_LEN(words), sizeof(words[0]), by_name);
}

/* ---- primary -------------------------------------------------------------------- */

/* E, E, ... up to CLOSE, which is taken; *COUNT of them. LAST: a comma may be last. */
static struct node *parse_list(struct parser *p, u32 close, const char *what, u32 *count,
			       bool last)
{
	struct node *first = NULL, **end = &first;

	*count = 0;
	while (!p->panic && !parse_is(p, close)) {
		if (parse_is_word(p, "struct") || parse_is_word(p, "union") ||
		    (parse_is_word(p, "typeof") && parse_type_ahead(p, false)))
			*end = parse_type(p);
		else
			*end = parse_expr(p);
		end = &(*end)->next;
		++*count;
		if (!parse_take(p, TOK1(',')))
			break;
		if (!last && parse_is(p, close))
			parse_error(p, "expected expression");
	}
	parse_expect(p, close, what);
	return first;
}

static struct node *parse_call(struct parser *p, u32 from, const char *name)
{
	struct node *n = parse_node(p, N_CALL, from);
	u32 count;

	parse_next(p);
	n->text = name;
	n->list = parse_list(p, TOK1(')'), "')'", &count, false);
	return parse_done(p, n);
}

static struct node *parse_bool(struct parser *p, u64 value)
{
	struct node *n = parse_node(p, N_BOOL, p->t.from);

	n->num = value;
	parse_next(p);
	return parse_done(p, n);
}

static struct node *parse_comptime(struct parser *p)
{
	struct node *n = parse_node(p, N_COMPTIME, p->t.from);

	parse_next(p);
	n->a = parse_unary(p);
	return parse_done(p, n);
}

static struct node *parse_name(struct parser *p)
{
	u32 from = p->t.from;
	struct node *n;
	const char *text;

	if (is_reserved(&p->t)) {
		parse_error(p, "expected expression");
		return parse_done(p, parse_node(p, N_INT, from));
	}
	text = parse_text(p, &p->t);
	parse_next(p);
	if (parse_is(p, TOK1('(')))
		return parse_call(p, from, text);
	n = parse_node(p, N_IDENT, from);
	n->text = text;
	return parse_done(p, n);
}

static struct node *parse_word(struct parser *p)
{
	if (parse_is_word(p, "sizeof"))
		return parse_of_type(p, N_SIZEOF);
	if (parse_is_word(p, "offsetof"))
		return parse_of_type(p, N_OFFSETOF);
	if (parse_is_word(p, "typeinfo"))
		return parse_of_type(p, N_TYPEINFO);
	if (parse_is_word(p, "comptime"))
		return parse_comptime(p);
	if (parse_is_word(p, "if"))
		return parse_if(p);
	if (parse_is_word(p, "true"))
		return parse_bool(p, 1);
	if (parse_is_word(p, "false"))
		return parse_bool(p, 0);
	return parse_name(p);
}

/* @x, @x[a], @x[a, b]: several are one tuple. */
static struct node *parse_map(struct parser *p)
{
	struct node *n = parse_node(p, N_MAP, p->t.from), *tuple;
	u32 from, count;

	n->text = parse_text(p, &p->t);
	parse_next(p);
	if (!parse_is(p, TOK1('[')))
		return parse_done(p, n);
	parse_next(p);
	from = p->t.from;
	n->a = parse_list(p, TOK1(']'), "']'", &count, false);
	if (!count)
		parse_error_at(p, from, from + 1, "expected expression");
	if (count > 1) {
		tuple = parse_node(p, N_TUPLE, from);
		tuple->list = n->a;
		parse_done(p, tuple);
		tuple->at.to = p->end > from ? p->end - 1 : from;
		n->a = tuple;
	}
	return parse_done(p, n);
}

static struct node *parse_literal(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->t.from);

	n->num = p->t.num;
	n->is_unsigned = kind == N_INT && n->num > INT64_MAX;
	if (kind == N_STR) {
		n->text = p->t.text;
		n->text_n = p->t.text_n;
	} else {
		n->text = arena_strndup(&p->lex.s->arena, p->lex.src->text + p->t.from,
					p->t.to - p->t.from);
	}
	parse_next(p);
	return parse_done(p, n);
}

static struct node *parse_var(struct parser *p)
{
	struct node *n = parse_node(p, N_VAR, p->t.from);

	n->text = parse_text(p, &p->t);
	parse_next(p);
	return parse_done(p, n);
}

/* ---- what begins with "(" ------------------------------------------------------- */

static void check_twice(struct parser *p, const struct node *list, const struct node *n)
{
	for (; list != n; list = list->next)
		if (!strcmp(list->text, n->text)) {
			diag_error(p->lex.s, n->at,
				   "syntax: Named argument list already contains name: %s",
				   n->text);
			return;
		}
}

static struct node *parse_record(struct parser *p, u32 from)
{
	struct node *rec = parse_node(p, N_RECORD, from), **end = &rec->list, *n;
	u32 count = 0;

	do {
		if (p->t.kind != T_IDENT) {
			parse_error(p, "expected identifier");
			break;
		}
		n = parse_node(p, N_NAMED, p->t.from);
		n->text = parse_text(p, &p->t);
		parse_next(p);
		if (!parse_expect(p, TOK1('='), "'='"))
			break;
		n->a = parse_expr(p);
		*end = parse_done(p, n);
		end = &n->next;
		if (++count < 256)
			check_twice(p, rec->list, n);
		else if (count == 256)
			parse_error(p, "a record has at most 255 fields");
	} while (!p->panic && parse_take(p, TOK1(',')));
	parse_expect(p, TOK1(')'), "')'");
	return parse_done(p, rec);
}

static struct node *parse_cast(struct parser *p, u32 from)
{
	struct node *n = parse_node(p, N_CAST, from);

	n->type = parse_type(p);
	parse_expect(p, TOK1(')'), "')'");
	n->a = parse_unary(p);
	return parse_done(p, n);
}

/* From the value after "(" on. */
static struct node *parse_tuple(struct parser *p, u32 from)
{
	struct node *first = parse_expr(p), *n;
	u32 count;

	if (!parse_is(p, TOK1(','))) {
		parse_expect(p, TOK1(')'), "')'");
		first->at.from = from;
		first->at.to = p->end;
		return first;
	}
	parse_next(p);
	n = parse_node(p, N_TUPLE, from);
	n->list = first;
	first->next = parse_list(p, TOK1(')'), "')'", &count, true);
	return parse_done(p, n);
}

static bool record_ahead(const struct parser *p)
{
	struct lexer lex = p->lex;
	struct token t;

	lex.quiet = true;
	if (p->t.kind != T_IDENT)
		return false;
	lex_next(&lex, &t);
	return t.kind == T_PUNCT && t.op == TOK1('=');
}

static struct node *parse_paren(struct parser *p)
{
	u32 from = p->t.from;
	bool predicate = p->predicate;
	struct node *n;

	p->predicate = false;
	parse_next(p);
	if (parse_take(p, TOK1(')')))
		n = parse_done(p, parse_node(p, N_TUPLE, from));
	else if (record_ahead(p))
		n = parse_record(p, from);
	else if (parse_type_ahead(p, true))
		n = parse_cast(p, from);
	else
		n = parse_tuple(p, from);
	p->predicate = predicate;
	return n;
}

static struct node *parse_primary(struct parser *p)
{
	struct node *n;

	switch (p->t.kind) {
	case T_IDENT: return parse_word(p);
	case T_VAR: return parse_var(p);
	case T_MAP: return parse_map(p);
	case T_INT: return parse_literal(p, N_INT);
	case T_STR: return parse_literal(p, N_STR);
	case T_POS: return parse_literal(p, N_POS);
	default: break;
	}
	if (parse_is(p, TOK1('(')))
		return parse_paren(p);
	if (parse_is(p, TOK1('{')))
		return parse_block(p);
	if (parse_is(p, TOK1('$')))
		parse_error(p, "expected identifier after '$'");
	else
		parse_error(p, "expected expression");
	n = parse_node(p, N_INT, p->t.from);
	n->text = "0";
	return parse_done(p, n);
}

/* ---- postfix and prefix --------------------------------------------------------- */

/* ".0", whose digits are no number of the language: "1.0.2" */
static struct node *parse_at(struct parser *p, struct node *n)
{
	const char *s = p->lex.src->text;

	n->kind = N_AT;
	while (isdigit((u8)s[p->lex.pos]) && p->lex.pos < p->lex.src->bytes) {
		n->num = n->num * 10 + (u64)(s[p->lex.pos++] - '0');
		if (n->num > UINT32_MAX)
			n->num = UINT32_MAX;
	}
	p->t.to = p->lex.pos;
	parse_next(p);
	return parse_done(p, n);
}

static struct node *parse_field(struct parser *p, struct node *of)
{
	struct node *n = parse_node(p, N_FIELD, of->at.from);
	bool arrow = parse_is(p, TOK2('-', '>'));

	n->a = of;
	n->arrow = arrow;
	if (!arrow && isdigit((u8)p->lex.src->text[p->lex.pos]))
		return parse_at(p, n);
	parse_next(p);
	if (p->t.kind == T_IDENT) {
		n->text = parse_text(p, &p->t);
		parse_next(p);
	} else {
		parse_error(p, "expected identifier");
		n->text = "";
	}
	return parse_done(p, n);
}

static struct node *parse_index(struct parser *p, struct node *of)
{
	struct node *n = parse_node(p, N_INDEX, of->at.from);
	bool predicate = p->predicate;

	p->predicate = false;
	parse_next(p);
	n->a = of;
	n->b = parse_expr(p);
	parse_expect(p, TOK1(']'), "']'");
	p->predicate = predicate;
	return parse_done(p, n);
}

static bool is_variable(const struct node *n)
{
	return n->kind == N_VAR || n->kind == N_MAP;
}

static struct node *parse_post(struct parser *p, struct node *of)
{
	struct node *n = parse_node(p, N_UNARY, of->at.from);

	if (!is_variable(of)) {
		parse_error(p, "increment/decrement requires a variable or map");
		if (of->kind == N_IDENT)
			diag_hint(p->lex.s, "variables and maps begin with a sign: $%s, @%s",
				  of->text, of->text);
	}
	n->op = parse_is(p, TOK2('+', '+')) ? OP_INC : OP_DEC;
	n->post = true;
	n->a = of;
	parse_next(p);
	return parse_done(p, n);
}

static struct node *parse_postfix(struct parser *p)
{
	struct node *n = parse_primary(p);

	while (!p->panic && p->t.kind == T_PUNCT) {
		switch (p->t.op) {
		case TOK1('.'):
		case TOK2('-', '>'): n = parse_field(p, n); break;
		case TOK1('['): n = parse_index(p, n); break;
		case TOK2('+', '+'):
		case TOK2('-', '-'): n = parse_post(p, n); break;
		default: return n;
		}
	}
	return n;
}

static enum node_op prefix_op(const struct parser *p)
{
	if (p->t.kind != T_PUNCT)
		return OP_NONE;
	switch (p->t.op) {
	case TOK1('!'): return OP_NOT;
	case TOK1('~'): return OP_BNOT;
	case TOK1('-'): return OP_NEG;
	case TOK1('*'): return OP_DEREF;
	case TOK1('&'): return OP_ADDR;
	case TOK2('+', '+'): return OP_INC;
	case TOK2('-', '-'): return OP_DEC;
	default: return OP_NONE;
	}
}

static struct node *parse_prefix(struct parser *p, enum node_op op)
{
	struct node *n = parse_node(p, N_UNARY, p->t.from);
	u32 from;

	parse_next(p);
	from = p->t.from;
	n->op = op;
	n->a = parse_unary(p);
	if (is_variable(n->a) || p->panic)
		return parse_done(p, n);
	if (op == OP_INC || op == OP_DEC)
		parse_error_at(p, from, from + 1,
			       "increment/decrement requires a variable or map");
	if (op == OP_ADDR)
		parse_error_at(p, from, from + 1, "address-of operator (&) can only be used on "
			       "a map or variable");
	return parse_done(p, n);
}

struct node *parse_unary(struct parser *p)
{
	enum node_op op = prefix_op(p);
	struct node *n;

	if (!parse_enter(p))
		n = parse_done(p, parse_node(p, N_INT, p->t.from));
	else
		n = op ? parse_prefix(p, op) : parse_postfix(p);
	parse_leave(p);
	return n;
}

/* ---- binary --------------------------------------------------------------------- */

static enum node_op binary_op(u32 tok, u32 *level)
{
	switch (tok) {
	case TOK2('|', '|'): *level = 1; return OP_LOR;
	case TOK2('&', '&'): *level = 2; return OP_LAND;
	case TOK1('|'): *level = 3; return OP_OR;
	case TOK1('^'): *level = 4; return OP_XOR;
	case TOK1('&'): *level = 5; return OP_AND;
	case TOK2('=', '='): *level = 6; return OP_EQ;
	case TOK2('!', '='): *level = 6; return OP_NE;
	case TOK1('<'): *level = 7; return OP_LT;
	case TOK1('>'): *level = 7; return OP_GT;
	case TOK2('<', '='): *level = 7; return OP_LE;
	case TOK2('>', '='): *level = 7; return OP_GE;
	case TOK2('<', '<'): *level = 8; return OP_SHL;
	case TOK2('>', '>'): *level = 8; return OP_SHR;
	case TOK1('+'): *level = 9; return OP_ADD;
	case TOK1('-'): *level = 9; return OP_SUB;
	case TOK1('*'): *level = 10; return OP_MUL;
	case TOK1('/'): *level = 10; return OP_DIV;
	case TOK1('%'): *level = 10; return OP_MOD;
	default: *level = 0; return OP_NONE;
	}
}

/* Is the "/" at hand the end of a predicate? */
static bool ends_predicate(const struct parser *p)
{
	struct lexer lex = p->lex;

	lex.quiet = true;
	lex_skip(&lex);
	return p->predicate && lex.pos < lex.src->bytes && lex.src->text[lex.pos] == '{';
}

static struct node *parse_binary(struct parser *p, u32 min)
{
	struct node *left = parse_unary(p), *n;
	enum node_op op;
	u32 level;

	while (!p->panic && p->t.kind == T_PUNCT) {
		op = binary_op(p->t.op, &level);
		if (!op || level < min || (op == OP_DIV && ends_predicate(p)))
			break;
		n = parse_node(p, N_BINARY, left->at.from);
		parse_next(p);
		n->op = op;
		n->a = left;
		n->b = parse_binary(p, level + 1);
		left = parse_done(p, n);
	}
	return left;
}

/* C is that of a ? b : c. */
static struct node *parse_choice(struct parser *p, struct node *cond)
{
	struct node *n = parse_node(p, N_TERNARY, cond->at.from);

	parse_next(p);
	n->a = cond;
	if (!parse_is(p, TOK1(':')))
		n->b = parse_expr(p);
	parse_expect(p, TOK1(':'), "':'");
	n->c = parse_expr(p);
	return parse_done(p, n);
}

struct node *parse_expr(struct parser *p)
{
	struct node *n;

	if (!parse_enter(p)) {
		n = parse_done(p, parse_node(p, N_INT, p->t.from));
	} else {
		n = parse_binary(p, 1);
		if (!p->panic && parse_is(p, TOK1('?')))
			n = parse_choice(p, n);
	}
	parse_leave(p);
	return n;
}

/* ---- if ------------------------------------------------------------------------- */

struct node *parse_condition(struct parser *p)
{
	struct node *n;

	if (!parse_is(p, TOK1('(')))
		return parse_unary(p);
	parse_next(p);
	n = parse_expr(p);
	parse_expect(p, TOK1(')'), "')'");
	return n;
}

static struct node *parse_else_if(struct parser *p)
{
	struct node *n = parse_enter(p) ? parse_if(p) : NULL;

	parse_leave(p);
	return n;
}

struct node *parse_if(struct parser *p)
{
	struct node *n = parse_node(p, N_IF, p->t.from);

	parse_next(p);
	if (parse_is_word(p, "comptime")) {
		n->comptime = true;
		parse_next(p);
	}
	n->a = parse_condition(p);
	n->b = parse_block(p);
	if (!p->panic && parse_is_word(p, "else")) {
		parse_next(p);
		n->c = parse_is_word(p, "if") ? parse_else_if(p) : parse_block(p);
	}
	return parse_done(p, n);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h: what the files of the parser share: one word of look-ahead, errors, and what
 * parses what. After an error nothing more is said until the next statement or probe.
 */
#ifndef LANG_PARSE_H
#define LANG_PARSE_H

#include "lang/token.h"

struct parser {
	struct lexer lex;
	struct token t;		/* the word at hand */
	u32 end;		/* of the one before */
	u32 depth;
	bool panic;		/* an error was told, nothing has been skipped yet */
	bool too_deep;		/* which is told once */
	bool predicate;		/* "/" before "{" ends the expression */
	const struct node *params;	/* of the macro whose body it is */
};

/* ---- parse.c -------------------------------------------------------------------- */

void parse_next(struct parser *p);
/* An error at the word at hand, at AT. */
void parse_error(struct parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void parse_error_at(struct parser *p, u32 from, u32 to, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* The word at hand must be OP, and is taken; WHAT names it: "')'". */
bool parse_expect(struct parser *p, u32 op, const char *what);
bool parse_take(struct parser *p, u32 op);
/* A node that begins at FROM and ends with the word before the one at hand. */
struct node *parse_node(struct parser *p, enum node_kind kind, u32 from);
/* Sets how high N is, of which all members are set; and where it ends. */
struct node *parse_done(struct parser *p, struct node *n);
/* A name in the arena. */
const char *parse_text(struct parser *p, const struct token *t);
/* False, and an error, when it nests too deep; leave follows in both cases. */
bool parse_enter(struct parser *p);
static inline void parse_leave(struct parser *p) { p->depth--; }

static inline bool parse_is(const struct parser *p, u32 op)
{
	return p->t.kind == T_PUNCT && p->t.op == op;
}
static inline bool parse_is_word(const struct parser *p, const char *word)
{
	return p->t.kind == T_IDENT && p->t.text_n == strlen(word) &&
	       !memcmp(p->t.text, word, p->t.text_n);
}

/* ---- parse_expr.c --------------------------------------------------------------- */

struct node *parse_expr(struct parser *p);
struct node *parse_unary(struct parser *p);
/* The condition of if and while: what is in parentheses is no tuple there. */
struct node *parse_condition(struct parser *p);
struct node *parse_if(struct parser *p);
/* Is NAME one of the language's own variables? */
bool parse_is_builtin(const char *name, u32 n);
/* One that no macro's parameter can be called. */
bool parse_is_own(const char *name);

/* ---- parse_type.c --------------------------------------------------------------- */

struct node *parse_type(struct parser *p);
/* Looks ahead from the word at hand: a type, and then ")"? CAST: a name alone is one only
 * when a value follows. */
bool parse_type_ahead(const struct parser *p, bool cast);
/* sizeof, offsetof, typeinfo. */
struct node *parse_of_type(struct parser *p, enum node_kind kind);

/* ---- parse_stmt.c --------------------------------------------------------------- */

/* "{ ... }". Its value, when it has one, is its last expression. */
struct node *parse_block(struct parser *p);
/* The same where nobody wants the value: it is a statement like others. */
struct node *parse_body(struct parser *p);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.h: the words of a script. The parser asks for one at a time, because what a word
 * is depends on where it stands: in names of probes "/" and ":" are letters. Errors are
 * the script's diagnostics; a word comes in any case.
 */
#ifndef LANG_TOKEN_H
#define LANG_TOKEN_H

#include "lang/ast.h"

enum token_kind {
	T_END,
	T_IDENT,
	T_VAR,		/* $x */
	T_POS,		/* $1, $#: num */
	T_MAP,		/* @x, @ */
	T_INT,		/* num */
	T_STR,		/* text, text_n */
	T_PUNCT,	/* op */
};

struct token {
	enum token_kind kind;
	u32 from, to;
	u32 op;			/* TOK1('+'), TOK2('+', '=') ... */
	u64 num;
	const char *text;
	u32 text_n;
};

#define TOK1(a) ((u32)(u8)(a))
#define TOK2(a, b) (TOK1(a) << 8 | TOK1(b))
#define TOK3(a, b, c) (TOK2(a, b) << 8 | TOK1(c))

struct lexer {
	struct script *s;
	const struct source *src;
	u32 pos;
	bool quiet;		/* looks ahead: neither errors nor memory */
};

static inline bool is_name_start(char c)
{
	return c == '_' || (u8)((c | 32) - 'a') < 26;
}
static inline bool is_name_char(char c)
{
	return is_name_start(c) || (u8)(c - '0') < 10;
}

/* Goes over white space and comments. */
void lex_skip(struct lexer *l);
/* The next word; l->pos is behind it then. */
void lex_next(struct lexer *l, struct token *t);
/* Number TEXT of N bytes, as the language writes it, into *NUM; NULL, or what is wrong
 * and, from *AT on, where. */
const char *lex_number(const char *text, u32 n, u64 *num, u32 *at);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* token.c: text to words: names, numbers, strings, punctuation. */
#include "lang/token.h"
#include <stdio.h>

static char at(const struct lexer *l, u32 pos)
{
	return pos < l->src->bytes ? l->src->text[pos] : 0;
}

static void fail(struct lexer *l, u32 from, u32 to, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void fail(struct lexer *l, u32 from, u32 to, const char *fmt, ...)
{
	va_list ap;
	char text[256];

	if (l->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(l->s, (struct span){ l->src, from, to }, "syntax: %s", text);
}

/* ---- white space ---------------------------------------------------------------- */

static void skip_line(struct lexer *l)
{
	const char *s = l->src->text + l->pos;
	const char *end = memchr(s, '\n', l->src->bytes - l->pos);

	l->pos = end ? (u32)(end - l->src->text) : l->src->bytes;
}

static void skip_comment(struct lexer *l)
{
	const char *s = l->src->text + l->pos + 2;
	const char *end = memmem(s, l->src->bytes - l->pos - 2, "*/", 2);

	if (!end)
		fail(l, l->pos, l->pos + 2, "unterminated comment");
	l->pos = end ? (u32)(end - l->src->text) + 2 : l->src->bytes;
}

static bool is_space(char c)
{
	return c == ' ' || (u8)(c - '\t') < 5;
}

void lex_skip(struct lexer *l)
{
	while (l->pos < l->src->bytes) {
		char c = at(l, l->pos);

		if (is_space(c))
			l->pos++;
		else if (c == '/' && at(l, l->pos + 1) == '/')
			skip_line(l);
		else if (c == '/' && at(l, l->pos + 1) == '*')
			skip_comment(l);
		else
			return;
	}
}

/* ---- numbers -------------------------------------------------------------------- */

#define TOO_LARGE "overflow error, maximum value is 18446744073709551615"
#define TRAILING "invalid trailing bytes"

static u32 digit_of(char c)
{
	if ((u8)(c - '0') < 10)
		return (u32)(c - '0');
	return (u8)((c | 32) - 'a') < 6 ? (u32)((c | 32) - 'a' + 10) : 99;
}

/* Digits of BASE with "_" between them; *I goes behind them. */
static const char *take_digits(const char *s, u32 n, u32 *i, u32 base, u64 *num, u32 *where)
{
	const char *wrong = NULL;
	u32 from = *i;

	*num = 0;
	for (; *i < n && (s[*i] == '_' || digit_of(s[*i]) < base); ++*i)
		if (s[*i] != '_' && (__builtin_mul_overflow(*num, base, num) ||
				     __builtin_add_overflow(*num, digit_of(s[*i]), num)))
			wrong = TOO_LARGE;
	if (*i > from && s[*i - 1] == '_') {
		*where = *i - 1;
		return "trailing underscore in integer literal";
	}
	return *i == from ? TRAILING : wrong;
}

static bool suffix_is(const char *s, u32 n, const char *what)
{
	return n == strlen(what) && !memcmp(s, what, n);
}

/* S, what follows the digits, as a unit of time: in nanoseconds, 0 when it is none. */
static u64 unit_of(const char *s, u32 n)
{
	static const struct { const char *name; u64 ns; } units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (suffix_is(s, n, units[i].name))
			return units[i].ns;
	return 0;
}

/* C's u, l, ll, ul, ull, which mean nothing here. */
static u32 c_suffix(const char *s, u32 n)
{
	u32 i = 0;

	if (i < n && (s[i] | 32) == 'u')
		i++;
	if (i < n && (s[i] | 32) == 'l')
		i++;
	if (i && i < n && s[i] == s[i - 1] && (s[i] | 32) == 'l')
		i++;
	return i;
}

/* MeN: M * 10^N. */
static const char *scientific(const char *s, u32 n, u32 i, u64 *num, u32 *where)
{
	u64 exp;
	const char *wrong;

	if (i == n)
		return TRAILING;
	wrong = take_digits(s, n, &i, 10, &exp, where);
	if (wrong)
		return wrong;
	if (i < n)
		return TRAILING;
	if (*num < 1 || *num > 9 || s[1] == '_')
		return "coefficient part of scientific literal must be 1-9";
	for (; exp; exp--)
		if (__builtin_mul_overflow(*num, 10, num))
			return TOO_LARGE;
	return NULL;
}

static u32 base_of(const char *s, u32 n, u32 *skip)
{
	*skip = n > 2 && s[0] == '0' && (s[1] | 32) == 'x' ? 2 : 0;
	if (*skip)
		return 16;
	return n > 1 && s[0] == '0' && (s[1] == '_' || digit_of(s[1]) < 10) ? 8 : 10;
}

const char *lex_number(const char *s, u32 n, u64 *num, u32 *where)
{
	u32 i, base = base_of(s, n, &i), k;
	const char *wrong;
	u64 unit;

	*where = 0;
	wrong = take_digits(s, n, &i, base, num, where);
	if (wrong)
		return wrong;
	if (i == n)
		return NULL;
	if (base == 10 && (s[i] | 32) == 'e')
		return scientific(s, n, i + 1, num, where);
	unit = base == 10 || suffix_is(s, i, "0") ? unit_of(s + i, n - i) : 0;
	if (unit)
		return __builtin_mul_overflow(*num, unit, num) ? TOO_LARGE : NULL;
	k = c_suffix(s + i, n - i);
	if (k && k < n - i) {
		*where = i + k;
		return "invalid integer suffix";
	}
	return k ? NULL : TRAILING;
}

static void say_number(struct lexer *l, const struct token *t, const char *wrong, u32 where)
{
	const char *s = l->src->text + t->from;
	int n = (int)(t->to - t->from);

	if (n > 100)
		n = 100;
	if (!strcmp(wrong, "invalid integer suffix"))
		fail(l, t->from + where, t->to, "%s '%.*s'", wrong, n - (int)where, s + where);
	else if (where)
		fail(l, t->from + where, t->from + where + 1, "%s", wrong);
	else
		fail(l, t->from, t->to, "%s: %.*s", wrong, n, s);
}

static void lex_int(struct lexer *l, struct token *t)
{
	const char *wrong;
	u32 where;

	while (is_name_char(at(l, l->pos)))
		l->pos++;
	t->kind = T_INT;
	t->to = l->pos;
	wrong = lex_number(l->src->text + t->from, t->to - t->from, &t->num, &where);
	if (wrong)
		say_number(l, t, wrong, where);
}

/* ---- strings -------------------------------------------------------------------- */

static u32 octal(struct lexer *l, u32 from)
{
	u32 v = 0, i;

	for (i = 0; i < 3 && (u8)(at(l, l->pos) - '0') < 8; i++)
		v = v * 8 + (u32)(at(l, l->pos++) - '0');
	if (v > 255)
		fail(l, from, l->pos, "octal escape sequence out of range '%.*s'",
		     (int)(l->pos - from), l->src->text + from);
	return v & 255;
}

static u32 hex(struct lexer *l)
{
	u32 v = 0, i;

	for (i = 0; i < 2 && digit_of(at(l, l->pos)) < 16; i++)
		v = v * 16 + digit_of(at(l, l->pos++));
	if (!i)
		fail(l, l->pos, l->pos + 1, "invalid hex escape sequence");
	return v;
}

/* What the escape at l->pos, which is at the backslash, stands for. */
static char escape(struct lexer *l)
{
	static const char from[] = "ntr\\\"'", to[] = "\n\t\r\\\"'";
	u32 begin = l->pos++;
	char c = at(l, l->pos);
	const char *found = c ? strchr(from, c) : NULL;

	if ((u8)(c - '0') < 8)
		return (char)octal(l, begin);
	if (l->pos < l->src->bytes)
		l->pos++;
	if (c == 'x')
		return (char)hex(l);
	if (!found)
		fail(l, begin, l->pos, "invalid escape character '\\%.*s'", c ? 1 : 0, &c);
	return found ? to[found - from] : c;
}

/* Up to QUOTE; the text is not longer than what stands there. */
static void lex_quoted(struct lexer *l, struct token *t, char quote)
{
	const char *s = l->src->text;
	char *text;
	u32 n = 0, end = ++l->pos;

	while (end < l->src->bytes && s[end] != quote && s[end] != '\n')
		end += s[end] == '\\' && end + 1 < l->src->bytes ? 2 : 1;
	text = l->quiet ? NULL : arena_alloc(&l->s->arena, end - l->pos + 1);
	while (l->pos < l->src->bytes && s[l->pos] != quote && s[l->pos] != '\n') {
		char c = s[l->pos] == '\\' ? escape(l) : s[l->pos++];

		if (text)
			text[n++] = c;
	}
	if (at(l, l->pos) == quote)
		l->pos++;
	else
		fail(l, l->pos, l->pos, "unterminated string");
	t->kind = T_STR;
	t->text = text;
	t->text_n = n;
	t->to = l->pos;
}

/* 'a': its number. */
static void lex_char(struct lexer *l, struct token *t)
{
	lex_quoted(l, t, '\'');
	t->kind = T_INT;
	if (t->text && t->text_n != 1)
		fail(l, t->from, t->to, "a character literal holds one character");
	t->num = t->text && t->text_n ? (u8)t->text[0] : 0;
}

/* ---- names ---------------------------------------------------------------------- */

static void lex_name(struct lexer *l, struct token *t, enum token_kind kind)
{
	while (is_name_char(at(l, l->pos)))
		l->pos++;
	t->kind = kind;
	t->to = l->pos;
	t->text = l->src->text + t->from;
	t->text_n = t->to - t->from;
}

/* $1; the largest is what a long holds. */
static void lex_positional(struct lexer *l, struct token *t)
{
	bool ok = true;

	t->num = 0;
	for (; (u8)(at(l, l->pos) - '0') < 10; l->pos++)
		if (__builtin_mul_overflow(t->num, 10, &t->num) ||
		    __builtin_add_overflow(t->num, (u64)(at(l, l->pos) - '0'), &t->num))
			ok = false;
	t->kind = T_POS;
	t->to = l->pos;
	if (!ok || t->num < 1 || t->num > INT64_MAX)
		fail(l, t->from, t->to,
		     "param %.*s is out of integer range [1, 9223372036854775807]",
		     (int)(t->to - t->from < 100 ? t->to - t->from : 100),
		     l->src->text + t->from);
}

static void lex_dollar(struct lexer *l, struct token *t)
{
	char c = at(l, ++l->pos);

	if (is_name_start(c)) {
		lex_name(l, t, T_VAR);
	} else if ((u8)(c - '0') < 10) {
		lex_positional(l, t);
	} else if (c == '#') {
		l->pos++;
		t->kind = T_POS;
	} else {
		t->kind = T_PUNCT;
		t->op = TOK1('$');
	}
	t->to = l->pos;
}

/* ---- punctuation ---------------------------------------------------------------- */

static bool is_pair(char a, char b)
{
	if (b == '=')
		return a && strchr("<>=!+-*/%&|^", a);
	if (a == '-' && b == '>')
		return true;
	return a == b && a && strchr("+-<>&|.", a);
}

static void lex_punct(struct lexer *l, struct token *t)
{
	char a = at(l, l->pos), b = at(l, l->pos + 1), c = at(l, l->pos + 2);

	t->kind = T_PUNCT;
	t->op = TOK1(a);
	l->pos++;
	if (is_pair(a, b)) {
		t->op = TOK2(a, b);
		l->pos++;
		if (a == b && (a == '<' || a == '>') && c == '=') {
			t->op = TOK3(a, b, c);
			l->pos++;
		}
	}
	t->to = l->pos;
}

void lex_next(struct lexer *l, struct token *t)
{
	char c;

	lex_skip(l);
	memset(t, 0, sizeof(*t));
	t->from = t->to = l->pos;
	if (l->pos >= l->src->bytes)
		return;
	c = at(l, l->pos);
	if (is_name_start(c))
		lex_name(l, t, T_IDENT);
	else if ((u8)(c - '0') < 10)
		lex_int(l, t);
	else if (c == '"')
		lex_quoted(l, t, '"');
	else if (c == '\'')
		lex_char(l, t);
	else if (c == '$')
		lex_dollar(l, t);
	else if (c == '@' && ++l->pos)
		lex_name(l, t, T_MAP);
	else
		lex_punct(l, t);
}

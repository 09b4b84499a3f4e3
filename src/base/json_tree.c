/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_tree.c: reads JSON (RFC 8259). In: any bytes. Out: a tree in an arena, or
 * the place of the first mistake. A NUL in a string is refused: texts end there.
 */
#include "base/json_tree.h"
#include <stdio.h>

enum { DEPTH_MAX = 64 };

struct reader {
	const char *p, *end, *line_start;
	u32 line, depth;
	struct arena *arena;
	const char *where;
	struct skep_err *err;
};

static int read_value(struct reader *r, struct json_node **out);

static u32 column(const struct reader *r) { return (u32)(r->p - r->line_start) + 1; }

static int bad(const struct reader *r, const char *what)
{
	char where[512];

	snprintf(where, sizeof(where), "%.400s:%u:%u", r->where, r->line, column(r));
	if (r->p >= r->end)
		return err_set(r->err, ERR_JSON, where, "the text ends; %s", what);
	return err_set(r->err, ERR_JSON, where, "%s", what);
}

static void skip_space(struct reader *r)
{
	for (; r->p < r->end; r->p++) {
		char c = *r->p;

		if (c == '\n') {
			r->line++;
			r->line_start = r->p + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

static bool take(struct reader *r, char c)
{
	if (r->p >= r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* ---- strings ------------------------------------------------------------------ */

static bool hex4(struct reader *r, u32 *v)
{
	*v = 0;
	for (int i = 0; i < 4; i++, r->p++) {
		if (r->p >= r->end || digit_value(*r->p) > 15)
			return false;
		*v = *v << 4 | digit_value(*r->p);
	}
	return true;
}

/* Code point V as UTF-8; half a pair becomes the replacement character. */
static char *put_utf8(char *to, u32 v)
{
	if (v >= 0xd800 && v < 0xe000)
		v = 0xfffd;
	if (v < 0x80) {
		*to++ = (char)v;
	} else if (v < 0x800) {
		*to++ = (char)(0xc0 | v >> 6);
		*to++ = (char)(0x80 | (v & 0x3f));
	} else if (v < 0x10000) {
		*to++ = (char)(0xe0 | v >> 12);
		*to++ = (char)(0x80 | (v >> 6 & 0x3f));
		*to++ = (char)(0x80 | (v & 0x3f));
	} else {
		*to++ = (char)(0xf0 | v >> 18);
		*to++ = (char)(0x80 | (v >> 12 & 0x3f));
		*to++ = (char)(0x80 | (v >> 6 & 0x3f));
		*to++ = (char)(0x80 | (v & 0x3f));
	}
	return to;
}

/* Behind "\u". */
static int read_unicode(struct reader *r, char **to)
{
	u32 v, low;

	if (!hex4(r, &v) || !v)
		return bad(r, "\\u takes four hexadecimal digits, not 0000");
	if (v >= 0xd800 && v < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
		r->p += 2;
		if (!hex4(r, &low))
			return bad(r, "\\u takes four hexadecimal digits");
		if (low >= 0xdc00 && low < 0xe000)
			v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
	}
	*to = put_utf8(*to, v);
	return 0;
}

static int read_escape(struct reader *r, char **to)
{
	static const char from[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (r->p >= r->end)
		return bad(r, "a string is not closed");
	if (take(r, 'u'))
		return read_unicode(r, to);
	at = *r->p ? strchr(from, *r->p) : NULL;
	if (!at)
		return bad(r, "no such escape");
	r->p++;
	*(*to)++ = is[at - from];
	return 0;
}

/* Behind the quotation mark. No text is longer than what stands for it. */
static int read_string(struct reader *r, const char **out)
{
	const char *close = r->p;
	char *to;
	int res = 0;

	while (close < r->end && *close != '"')
		close += *close == '\\' ? 2 : 1;
	if (close >= r->end) {
		r->p = r->end;
		return bad(r, "a string is not closed");
	}
	*out = to = arena_alloc(r->arena, (size_t)(close - r->p) + 1);
	while (!res && r->p < r->end && *r->p != '"') {
		if ((u8)*r->p < 0x20)
			return bad(r, "a control character in a string");
		if (take(r, '\\'))
			res = read_escape(r, &to);
		else
			*to++ = *r->p++;
	}
	return res ? res : take(r, '"') ? 0 : bad(r, "a string is not closed");
}

/* ---- numbers and words ---------------------------------------------------------- */

static bool digits(struct reader *r)
{
	const char *from = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > from;
}

static int read_number(struct reader *r, struct json_node *v)
{
	const char *from = r->p, *first;
	bool ok;

	take(r, '-');
	first = r->p;
	ok = digits(r) && (*first != '0' || r->p == first + 1);
	if (ok && take(r, '.'))
		ok = digits(r);
	if (ok && r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		r->p++;
		if (!take(r, '+'))
			take(r, '-');
		ok = digits(r);
	}
	if (!ok)
		return bad(r, "this is no value");
	v->kind = JSON_NUMBER;
	v->text = arena_strndup(r->arena, from, (size_t)(r->p - from));
	return 0;
}

static int read_word(struct reader *r, struct json_node *v)
{
	static const char *const words[] = { "null", "true", "false" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(r->end - r->p) < n || memcmp(r->p, words[i], n))
			continue;
		r->p += n;
		v->kind = i ? JSON_BOOL : JSON_NULL;
		v->text = words[i];
		return 0;
	}
	return bad(r, "this is no value");
}

/* ---- arrays and objects ------------------------------------------------------------ */

static int read_key(struct reader *r, const char **key)
{
	int res;

	if (!take(r, '"'))
		return bad(r, "a member's name in quotation marks is needed here");
	res = read_string(r, key);
	if (res)
		return res;
	skip_space(r);
	if (!take(r, ':'))
		return bad(r, "a ':' is needed here");
	skip_space(r);
	return 0;
}

/* Behind the opening bracket, up to and with CLOSE. */
static int read_items(struct reader *r, struct json_node *v, char close)
{
	struct json_node **at = &v->child;
	int res;

	skip_space(r);
	if (take(r, close))
		return 0;
	do {
		const char *key = NULL;

		skip_space(r);
		res = close == '}' ? read_key(r, &key) : 0;
		if (!res)
			res = read_value(r, at);
		if (res)
			return res;
		(*at)->key = key;
		at = &(*at)->next;
		skip_space(r);
	} while (take(r, ','));
	return take(r, close) ? 0 :
	       bad(r, close == '}' ? "a ',' or '}' is needed here" : "a ',' or ']' is needed here");
}

static int read_nested(struct reader *r, struct json_node *v)
{
	char open = *r->p;
	int res;

	if (r->depth == DEPTH_MAX)
		return bad(r, "values are nested more than 64 deep");
	r->p++;
	r->depth++;
	v->kind = open == '{' ? JSON_OBJECT : JSON_ARRAY;
	res = read_items(r, v, open == '{' ? '}' : ']');
	r->depth--;
	return res;
}

static int read_value(struct reader *r, struct json_node **out)
{
	struct json_node *v = arena_new(r->arena, struct json_node);

	v->line = r->line;
	v->col = column(r);
	*out = v;
	if (r->p >= r->end)
		return bad(r, "a value is needed here");
	switch (*r->p) {
	case '{':
	case '[':
		return read_nested(r, v);
	case '"':
		r->p++;
		v->kind = JSON_STRING;
		return read_string(r, &v->text);
	case 'n':
	case 't':
	case 'f':
		return read_word(r, v);
	}
	return read_number(r, v);
}

int json_tree(struct json_node **root, struct arena *a, const void *data, size_t n,
	      const char *where, struct skep_err *err)
{
	struct reader r = { .p = data, .end = (const char *)data + n, .line_start = data,
		.line = 1, .arena = a, .where = where, .err = err };
	int res = 0;

	*root = NULL;
	skip_space(&r);
	while (!res && r.p < r.end) {
		res = read_value(&r, root);
		root = &(*root)->next;
		skip_space(&r);
	}
	return res;
}

/* ---- looking at it --------------------------------------------------------------------- */

const struct json_node *json_member(const struct json_node *o, const char *key)
{
	const struct json_node *v = o && o->kind == JSON_OBJECT ? o->child : NULL;

	while (v && strcmp(v->key, key))
		v = v->next;
	return v;
}

const char *json_kind_name(const struct json_node *v)
{
	static const char *const names[] = { "null", "a truth value", "a number", "a string",
		"an array", "an object" };

	return names[v->kind];
}

bool json_number(const struct json_node *v, u64 max, u64 *out)
{
	u64 n = 0;

	if (v->kind != JSON_NUMBER)
		return false;
	for (const char *p = v->text; *p; p++) {
		u32 d = digit_value(*p);

		if (d > 9 || n > (UINT64_MAX - d) / 10)
			return false;
		n = n * 10 + d;
	}
	*out = n;
	return n <= max;
}

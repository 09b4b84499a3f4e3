/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_at.c: the line and column of a value in JSON text that a parser has
 * taken already. For messages: gives up where it does not understand.
 */
#include "cli/json_at.h"

struct scan { const char *p, *end; };

static void skip_space(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p)
		s->p++;
}

/* Behind a string that begins at s->p. */
static void skip_string(struct scan *s)
{
	for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
		if (*s->p == '\\')
			s->p++;
	if (s->p < s->end)
		s->p++;
	else
		s->p = s->end;
}

/* To the ',' or bracket that ends the value at s->p. */
static void skip_value(struct scan *s)
{
	size_t depth = 0;

	while (s->p < s->end) {
		char c = *s->p;

		if (c == '"') {
			skip_string(s);
			continue;
		}
		if (!depth && (c == ',' || c == ']' || c == '}'))
			return;
		depth += c == '[' || c == '{';
		depth -= c == ']' || c == '}';
		s->p++;
	}
}

/* To the next member or element; false at the end. */
static bool next_item(struct scan *s)
{
	skip_value(s);
	if (s->p >= s->end || *s->p != ',')
		return false;
	s->p++;
	skip_space(s);
	return s->p < s->end;
}

static bool enter_array(struct scan *s, size_t index)
{
	for (; index; index--)
		if (!next_item(s))
			return false;
	return true;
}

static bool enter_object(struct scan *s, const char *key)
{
	size_t n = strlen(key);

	do {
		const char *at = s->p + 1;
		bool found;

		if (s->p >= s->end || *s->p != '"')
			return false;
		skip_string(s);
		found = (size_t)(s->p - at) == n + 1 && !memcmp(at, key, n);
		skip_space(s);
		if (s->p < s->end && *s->p == ':')
			s->p++;
		skip_space(s);
		if (found)
			return true;
	} while (next_item(s));
	return false;
}

bool json_at(const char *text, size_t n, const struct json_step *steps, u32 nr, u32 *line,
	     u32 *col)
{
	struct scan s = { text, text + n };

	skip_space(&s);
	for (u32 i = 0; i < nr; i++) {
		if (s.p >= s.end || *s.p != (steps[i].key ? '{' : '['))
			return false;
		s.p++;
		skip_space(&s);
		if (!(steps[i].key ? enter_object(&s, steps[i].key)
				   : enter_array(&s, steps[i].index)))
			return false;
	}
	*line = *col = 1;
	for (; text < s.p; text++) {
		*col = *text == '\n' ? 1 : *col + 1;
		*line += *text == '\n';
	}
	return true;
}

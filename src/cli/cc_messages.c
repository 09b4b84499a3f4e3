/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc_messages.c: what clang said, passed on to people. In: its text, where each message is
 * a line with "error: ", "warning: " or "note: " and the lines below it. Out: the text
 * without what was there already; a stack that is too large, which clang says for each
 * access, is said once.
 */
#include "cli/cli.h"
#include <stdio.h>

#define STACK "BPF stack limit"

struct messages {
	VEC(struct strbuf) said;
	bool stack;		/* it was said that the stack is too large */
	bool dropped;
};

static bool has(const char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word));
}

/* Source that is shown, and marks below it, begin with a space. */
static bool begins_message(const char *p, size_t n)
{
	return n && *p != ' ' && (has(p, n, "error: ") || has(p, n, "warning: ") ||
		has(p, n, "note: ") || has(p, n, " generated.") || has(p, n, "In file included"));
}

static size_t line_length(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? (size_t)(nl + 1 - p) : (size_t)(end - p);
}

/* Bytes of the message at P: up to the next one. */
static size_t message_length(const char *p, const char *end)
{
	size_t n = line_length(p, end);

	while (p + n < end && !begins_message(p + n, line_length(p + n, end)))
		n += line_length(p + n, end);
	return n;
}

static bool was_said(struct messages *m, const char *p, size_t n)
{
	struct strbuf one = { 0 };

	for (size_t i = 0; i < m->said.n; i++)
		if (m->said.v[i].n == n && !memcmp(m->said.v[i].s, p, n))
			return true;
	sb_printf(&one, "%.*s", (int)n, p);
	*vec_push(&m->said) = one;
	return false;
}

/* Also a note without a place, which follows each of them, and how many there were. */
static bool is_superfluous(struct messages *m, const char *p, size_t n)
{
	bool first = !m->stack;

	if (has(p, n, STACK)) {
		m->stack = true;
		return !first;
	}
	if (m->stack && has(p, n, "could not determine the original source location"))
		return true;
	if (has(p, n, " generated."))
		return m->dropped;
	return has(p, n, "error: ") && was_said(m, p, n);
}

bool cc_messages_put(FILE *to, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	struct messages m = { 0 };

	for (size_t n; text < end; text += n) {
		n = message_length(text, end);
		if (is_superfluous(&m, text, n))
			m.dropped = true;
		else
			fwrite(text, 1, n, to);
	}
	for (size_t i = 0; i < m.said.n; i++)
		sb_free(&m.said.v[i]);
	vec_free(&m.said);
	return m.stack;
}

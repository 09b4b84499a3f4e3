/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag.c: what is wrong with a script, kept as a list and printed as bpftrace prints it,
 * so that whoever greps for its messages finds them:
 *
 *	stdin:1:1-38: ERROR: TEXT
 *	the line
 *	~~~~
 *	HINT: ...
 *
 * Columns count bytes from 1, the second is behind the last; a tab is printed as four
 * spaces. A place of several lines is "stdin:2-3".
 */
#include "lang/ast.h"
#include <ctype.h>
#include <stdio.h>

enum {
	MAX_DIAGS = 100,
	MAX_LINES = 12,		/* of a place */
	MAX_LINE = 400,		/* bytes of a line, else what is around the place */
	AROUND = 150,
};

static bool is_name(char c) { return isalnum((u8)c) || c == '_'; }

/* Variables of a function or macro are "$x#N" inside, N another one for each call: whoever
 * wrote $x wants to read $x. */
static void drop_numbers(char *text)
{
	bool variable = false;
	char *to = text;

	while (*text) {
		variable = *text == '$' || (variable && is_name(*text));
		*to++ = *text++;
		if (variable && *text == '#' && isdigit((u8)text[1]))
			for (text++; isdigit((u8)*text); text++)
				;
	}
	*to = 0;
}

static void diag_add(struct script *s, enum diag_kind kind, struct span at, const char *fmt,
		     va_list ap)
{
	struct diag *d;
	char text[600];

	s->nr_errors += kind == DIAG_ERROR;
	if (s->nr_diags++ >= MAX_DIAGS)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	drop_numbers(text);
	d = arena_new(&s->arena, struct diag);
	d->kind = kind;
	d->at = at;
	d->text = arena_strdup(&s->arena, text);
	if (!s->diags_end)
		s->diags_end = &s->diags;
	*s->diags_end = d;
	s->diags_end = &d->next;
	s->last = d;
}

void diag_error(struct script *s, struct span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(s, DIAG_ERROR, at, fmt, ap);
	va_end(ap);
}

void diag_warn(struct script *s, struct span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(s, DIAG_WARNING, at, fmt, ap);
	va_end(ap);
}

void diag_hint(struct script *s, const char *fmt, ...)
{
	va_list ap;
	char text[600];

	if (s->nr_diags > MAX_DIAGS || !s->last)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	drop_numbers(text);
	va_end(ap);
	if (s->last->hint)
		s->last->hint = arena_printf(&s->arena, "%s\n%s", s->last->hint, text);
	else
		s->last->hint = arena_strdup(&s->arena, text);
}

/* ---- places --------------------------------------------------------------------- */

u32 source_line(const struct source *src, u32 pos)
{
	u32 lo = 0, hi = src->nr_lines;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (src->lines[mid] <= pos)
			lo = mid;
		else
			hi = mid;
	}
	return lo + 1;
}

u32 source_col(const struct source *src, u32 pos)
{
	return pos - src->lines[source_line(src, pos) - 1] + 1;
}

/* Line I from 1, without its end. */
static struct span line_of(const struct source *src, u32 i)
{
	struct span at = { src, src->lines[i - 1], src->bytes };

	if (i < src->nr_lines)
		at.to = src->lines[i] - 1;
	if (at.to > at.from && src->text[at.to - 1] == '\r')
		at.to--;
	return at;
}

/* ---- printing ------------------------------------------------------------------- */

/* Bytes [FROM, TO): others may have written them, so nothing that a terminal obeys. */
static void put_text(struct strbuf *out, const struct source *src, u32 from, u32 to)
{
	for (u32 i = from; i < to; i++) {
		char c = src->text[i];

		if (c == '\t')
			sb_puts(out, "    ");
		else
			sb_putc(out, (u8)c < 32 || c == 127 ? '?' : c);
	}
}

/* As wide as [FROM, TO) is printed, of C. */
static void put_width(struct strbuf *out, const struct source *src, u32 from, u32 to, char c)
{
	for (u32 i = from; i < to; i++) {
		u8 b = (u8)src->text[i];

		for (u32 n = b == '\t' ? 4 : (b & 0xc0) != 0x80; n; n--)
			sb_putc(out, c);
	}
}

/* The line that AT is in, or what is around it there, and "~~~" under it. */
static void put_line(struct strbuf *out, struct span at)
{
	struct span line = line_of(at.src, source_line(at.src, at.from));
	bool cut_left = false, cut_right = false;

	if (line.to - line.from > MAX_LINE) {
		cut_left = at.from > line.from + AROUND;
		line.from = cut_left ? at.from - AROUND : line.from;
		cut_right = line.to > line.from + MAX_LINE;
		line.to = cut_right ? line.from + MAX_LINE : line.to;
	}
	if (at.to > line.to)
		at.to = line.to;
	sb_puts(out, cut_left ? "..." : "");
	put_text(out, at.src, line.from, line.to);
	sb_puts(out, cut_right ? "...\n" : "\n");
	sb_puts(out, cut_left ? "   " : "");
	put_width(out, at.src, line.from, at.from, ' ');
	if (at.from < at.to)
		put_width(out, at.src, at.from, at.to, '~');
	sb_putc(out, '\n');
}

static void put_lines(struct strbuf *out, const struct source *src, u32 first, u32 last)
{
	for (u32 i = first; i <= last && i < first + MAX_LINES; i++) {
		struct span line = line_of(src, i);

		put_text(out, src, line.from, line.to - line.from > MAX_LINE ?
			 line.from + MAX_LINE : line.to);
		sb_putc(out, '\n');
	}
	if (last - first >= MAX_LINES)
		sb_puts(out, "...\n");
}

void diag_place(struct strbuf *out, struct span at, const char *kind, const char *text)
{
	u32 first, last;

	if (!at.src) {
		sb_printf(out, "%s: %s\n", kind, text);
		return;
	}
	first = source_line(at.src, at.from);
	last = source_line(at.src, at.to);
	if (first != last) {
		sb_printf(out, "%s:%u-%u: %s: %s\n", at.src->name, first, last, kind, text);
		put_lines(out, at.src, first, last);
		return;
	}
	sb_printf(out, "%s:%u:%u-%u: %s: %s\n", at.src->name, first,
		  source_col(at.src, at.from), source_col(at.src, at.to), kind, text);
	put_line(out, at);
}

void diag_calls(struct strbuf *out, struct span at, const char *kind)
{
	for (const struct source *src = at.src; src && src->via; src = src->via->src)
		diag_place(out, *src->via, kind, "expanded from");
}

static void put_hint(struct strbuf *out, const char *hint)
{
	while (*hint) {
		size_t n = strcspn(hint, "\n");

		sb_printf(out, "HINT: %.*s\n", (int)n, hint);
		hint += n + (hint[n] == '\n');
	}
}

void diag_print(struct strbuf *out, const struct script *s)
{
	for (const struct diag *d = s->diags; d; d = d->next) {
		const char *kind = d->kind == DIAG_ERROR ? "ERROR" : "WARNING";

		diag_place(out, d->at, kind, d->text);
		diag_calls(out, d->at, kind);
		if (d->hint)
			put_hint(out, d->hint);
	}
	if (s->nr_diags > MAX_DIAGS)
		sb_printf(out, "ERROR: %u more messages are not shown\n",
			  s->nr_diags - MAX_DIAGS);
}

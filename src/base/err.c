/* SPDX-License-Identifier: BSD-2-Clause */
/* err.c: error messages as values; the table of them is err.def. */
#include "base/err.h"
#include <stdio.h>

struct err_row {
	int id, code;
	const char *text;
};

static const struct err_row rows[] = {
#define ERR(name, id, code, text) { id, code, text },
#include "base/err.def"
#undef ERR
};

static const struct err_row *err_row(int id)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

/* Says that the message did not fit. */
static void err_cut(struct skep_err *err)
{
	memcpy(err->text + sizeof(err->text) - 5, "...\n", 5);
}

/* Appends to the line at hand. */
static void err_vadd(struct skep_err *err, const char *fmt, va_list ap)
{
	size_t used = strlen(err->text), room = sizeof(err->text) - used;
	int n = vsnprintf(err->text + used, room, fmt, ap);

	for (char *p = err->text + used; *p; p++)
		if ((u8)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (n >= 0 && (size_t)n >= room)
		err_cut(err);
}

static PRINTF_LIKE(2, 3) void err_add(struct skep_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vadd(err, fmt, ap);
	va_end(ap);
}

static void err_end_line(struct skep_err *err)
{
	size_t used = strlen(err->text);

	if (used + 1 < sizeof(err->text))
		memcpy(err->text + used, "\n", 2);
	else
		err_cut(err);
}

int err_vset(struct skep_err *err, enum err_id id, const char *where,
	     const char *fmt, va_list ap)
{
	const struct err_row *row = err_row(id);

	if (!err)
		return -row->code;
	err->code = -row->code;
	err->id = id;
	err->text[0] = 0;
	if (where)	/* an empty name would not be seen */
		err_add(err, "%s: ", *where ? where : "''");
	err_add(err, id == ERR_UNSUPPORTED ? "error: not supported yet: " : "error: ");
	err_vadd(err, fmt, ap);
	err_add(err, " [SKEP-E%04d]", id);
	err_end_line(err);
	return -row->code;
}

int err_set(struct skep_err *err, enum err_id id, const char *where,
	    const char *fmt, ...)
{
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = err_vset(err, id, where, fmt, ap);
	va_end(ap);
	return code;
}

#define DEFINE_ERR_LINE(name, prefix) \
void name(struct skep_err *err, const char *fmt, ...) \
{ \
	va_list ap; \
\
	if (!err) \
		return; \
	err_add(err, "%s", prefix); \
	va_start(ap, fmt); \
	err_vadd(err, fmt, ap); \
	va_end(ap); \
	err_end_line(err); \
}
DEFINE_ERR_LINE(err_note, "note: ")
DEFINE_ERR_LINE(err_help, "help: ")
static PRINTF_LIKE(2, 3) DEFINE_ERR_LINE(err_line, "")

/* Tabs become spaces up to the next multiple of 8, as compilers print them. */
void err_source(struct skep_err *err, unsigned line, unsigned col, const char *text)
{
	char out[256];
	unsigned n = 0, caret = 0, i;

	for (i = 0; text[i] && n < sizeof(out) - 12; i++) {
		if (i + 1 == col)
			caret = n + 1;
		do
			out[n++] = text[i] == '\t' ? ' ' : text[i];
		while (text[i] == '\t' && n % 8);
	}
	memcpy(out + n, text[i] ? "..." : "", text[i] ? 4 : 1);
	err_line(err, "%5u | %s", line, out);
	if (caret)
		err_line(err, "      | %*s^", (int)caret - 1, "");
}

void err_at(struct skep_err *err, const char *where)
{
	size_t used, add = strlen(where) + 2;

	if (!err || (used = strlen(err->text)) + add >= sizeof(err->text))
		return;
	memmove(err->text + add, err->text, used + 1);
	memcpy(err->text, where, add - 2);
	memcpy(err->text + add - 2, ": ", 2);
}

const char *skep_err_text(const struct skep_err *err)
{
	return err ? err->text : "";
}

const char *skep_err_explain(int id)
{
	const struct err_row *row = err_row(id);

	return row ? row->text : NULL;
}

enum { WORD_MAX = 63 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace, swap neighbours) between two short words. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned d[3][WORD_MAX + 1], n = (unsigned)strlen(b), m = (unsigned)strlen(a);

	if (n > WORD_MAX || m > WORD_MAX)
		return ~0u;
	for (unsigned j = 0; j <= n; j++)
		d[0][j] = j;
	for (unsigned i = 1; i <= m; i++) {
		unsigned *now = d[i % 3], *last = d[(i + 2) % 3], *before = d[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1,
				      last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return d[m % 3][n];
}

const char *err_nearest(const char *word, const char *const *names, size_t n)
{
	unsigned best = (unsigned)strlen(word) / 3 + 2;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned d = names[i] ? edit_distance(word, names[i]) : ~0u;

		if (d < best) {
			best = d;
			found = names[i];
		}
	}
	return best && (best == 1 || 2 * best <= strlen(word)) ? found : NULL;
}

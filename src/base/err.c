/* SPDX-License-Identifier: BSD-2-Clause */
/* err.c: error messages as values; the table of them is err.def. */
#include "base/err.h"
#include <stdarg.h>
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

/* Appends to the message; what does not fit is cut, with "..." to show it. */
static void err_vadd(struct skep_err *err, const char *fmt, va_list ap)
{
	size_t used = strlen(err->text), room = sizeof(err->text) - used;
	int n = vsnprintf(err->text + used, room, fmt, ap);

	if (n >= 0 && (size_t)n >= room)
		memcpy(err->text + sizeof(err->text) - 5, "...\n", 5);
}

static PRINTF_LIKE(2, 3) void err_add(struct skep_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vadd(err, fmt, ap);
	va_end(ap);
}

int err_set(struct skep_err *err, enum err_id id, const char *where,
	    const char *fmt, ...)
{
	const struct err_row *row = err_row(id);
	va_list ap;

	if (!err)
		return -row->code;
	err->code = -row->code;
	err->id = id;
	err->text[0] = 0;
	if (where)	/* an empty name would not be seen */
		err_add(err, "%s: ", *where ? where : "''");
	err_add(err, "error: ");
	va_start(ap, fmt);
	err_vadd(err, fmt, ap);
	va_end(ap);
	err_add(err, " [SKEP-E%04d]\n", id);
	return -row->code;
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
	err_add(err, "\n"); \
}
DEFINE_ERR_LINE(err_note, "note: ")
DEFINE_ERR_LINE(err_help, "help: ")
DEFINE_ERR_LINE(err_line, "")

/* Tabs become spaces up to the next multiple of 8, as compilers print them. */
void err_source(struct skep_err *err, unsigned line, unsigned col, const char *text)
{
	char out[256];
	unsigned n = 0, caret = 0;

	for (unsigned i = 0; text[i] && n < sizeof(out) - 9; i++) {
		if (i + 1 == col)
			caret = n + 1;
		do
			out[n++] = text[i] == '\t' ? ' ' : text[i];
		while (text[i] == '\t' && n % 8);
	}
	out[n] = 0;
	err_line(err, "%5u | %s", line, out);
	if (caret)
		err_line(err, "      | %*s^", (int)caret - 1, "");
}

void err_clear(struct skep_err *err)
{
	if (err)
		memset(err, 0, offsetof(struct skep_err, text) + 1);
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

/* Levenshtein distance of two short words; long ones count as far apart. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[64], n = (unsigned)strlen(b);

	if (n >= ARRAY_LEN(row) || strlen(a) >= ARRAY_LEN(row))
		return ~0u;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (; *a; a++) {
		unsigned diag = row[0]++;

		for (unsigned j = 1; j <= n; j++) {
			unsigned best = diag + (*a != b[j - 1]);

			diag = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
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
	return found;
}

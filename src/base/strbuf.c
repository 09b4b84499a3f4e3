/* SPDX-License-Identifier: BSD-2-Clause */
/* strbuf.c: text that grows by doubling. */
#include "base/strbuf.h"
#include "base/os.h"
#include <stdarg.h>
#include <stdlib.h>

static void sb_room(struct strbuf *b, size_t n)
{
	if (b->cap - b->n > n)
		return;
	b->cap = (b->cap + n + 64) * 2;
	b->s = mem_resize(b->s, b->cap);
}

void sb_add(struct strbuf *b, const void *data, size_t n)
{
	sb_room(b, n);
	if (n)
		memcpy(b->s + b->n, data, n);
	b->n += n;
	b->s[b->n] = 0;
}

void sb_puts(struct strbuf *b, const char *s)
{
	sb_add(b, s, strlen(s));
}

void sb_putc(struct strbuf *b, char c)
{
	sb_add(b, &c, 1);
}

void sb_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n >= 0) {
		sb_room(b, (size_t)n);
		vsnprintf(b->s + b->n, (size_t)n + 1, fmt, ap);
		b->n += (size_t)n;
	}
	va_end(ap);
}

void sb_reset(struct strbuf *b)
{
	b->n = 0;
	if (b->s)
		b->s[0] = 0;
}

void sb_free(struct strbuf *b)
{
	free(b->s);
	memset(b, 0, sizeof(*b));
}

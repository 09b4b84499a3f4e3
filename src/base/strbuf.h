/* SPDX-License-Identifier: BSD-2-Clause */
/* strbuf.h: text that grows. Always NUL-terminated once something was added. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include "base/base.h"

struct strbuf {
	char *s;	/* NULL until the first addition; sb_text gives "" */
	size_t n, cap;	/* n excludes the NUL */
};

void sb_printf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sb_add(struct strbuf *b, const void *data, size_t n);
void sb_puts(struct strbuf *b, const char *s);
void sb_putc(struct strbuf *b, char c);
void sb_reset(struct strbuf *b);	/* empties, keeps the memory */
void sb_free(struct strbuf *b);

static inline const char *sb_text(const struct strbuf *b)
{
	return b->s ? b->s : "";
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/err.h: filling a struct skep_err, once, next to the cause.
 *
 *	return err_set(err, ERR_ELF_SECTION, where, "section %d ends ...", i);
 *
 * WHERE is the place without a trailing colon ("fw.o:.text+0x18", "t.pcap");
 * NULL leaves it out. Messages of ERR_UNSUPPORTED name the construct; "not
 * supported yet" is put before it. err_note and err_help add lines to the message.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"
#include "skep/err.h"
#include <stdarg.h>

enum err_id {
#define ERR(name, id, code, text) ERR_##name = id,
#include "base/err.def"
#undef ERR
};

/*
 * Fills ERR from its row in err.def; returns the row's negative errno. Control
 * characters, which names in hostile files may hold, become '?'.
 */
int err_set(struct skep_err *err, enum err_id id, const char *where,
	    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Puts a place before a message that was filled without one. */
void err_at(struct skep_err *err, const char *where);
int err_vset(struct skep_err *err, enum err_id id, const char *where,
	     const char *fmt, va_list ap) PRINTF_LIKE(4, 0);
void err_note(struct skep_err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_help(struct skep_err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Quotes source line LINE with a caret under column COL (from 1; 0 = none). */
void err_source(struct skep_err *err, unsigned line, unsigned col, const char *text);
static inline void err_clear(struct skep_err *err)
{
	if (err)
		memset(err, 0, offsetof(struct skep_err, text) + 8);
}

/*
 * The entry of NAMES (N pointers) nearest to WORD by edit distance, or NULL
 * when none is near, or one is WORD itself: for "did you mean".
 */
const char *err_nearest(const char *word, const char *const *names, size_t n);

#endif

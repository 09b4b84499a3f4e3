/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skep/err.h: the error value that every fallible call of the library fills.
 *
 * A call returns 0 or a negative errno; a struct skep_err passed to it then
 * holds the whole message, as a compiler would print it:
 *
 *	FILE:PLACE: error: TEXT [SKEP-E0403]
 *	note: ...
 *	help: ...
 *
 * A NULL pointer is accepted wherever a struct skep_err pointer is.
 */
#ifndef SKEP_ERR_H
#define SKEP_ERR_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define SKEP_ERR_TEXT_BYTES 2048

struct skep_err {
	int code;	/* negative errno; 0 when nothing went wrong */
	int id;		/* N of SKEP-E000N, stable over releases */
	char text[SKEP_ERR_TEXT_BYTES];	/* lines, each ending in '\n' */
};

/* The message's lines, or "" when there is no error. Valid as long as ERR is. */
const char *skep_err_text(const struct skep_err *err);

/*
 * What error ID means and what to do about it, or NULL for an unknown one.
 * The text is static.
 */
const char *skep_err_explain(int id);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* place.h: between the files that resolve attach points. Private to place*.c. */
#ifndef LANG_PLACE_H
#define LANG_PLACE_H

#include "lang/lang.h"

enum { PARTS_MAX = 6 };

/* One attach point that is resolved. */
struct at {
	struct lang *l;
	struct node *node;
	enum lang_probe kind;
	char *part[PARTS_MAX];	/* of its text, from the provider */
	u32 n;
	struct places *out;
	bool missed;		/* something is not there, and was said */
};

/* ---- place.c ----------------------------------------------------------------- */

/* TEXT as "probe" says it, AT as the section does behind its prefix; both are copied. */
struct place *place_add(struct at *a, const char *text, const char *at);
/* WHAT is not there: an error, a warning or nothing, as the script wants. */
void place_missing(struct at *a, const char *what);
bool place_is_pattern(const char *s);

/* ---- place_kernel.c ---------------------------------------------------------- */

bool kernel_has_kprobes(struct lang *l);
/* What is there in place of a probe of function FN. */
void place_hint_instead(struct at *a, const char *fn);
/* Functions that can be traced and match. */
void place_kernel_matches(struct at *a, const char *pattern);

/* ---- place_prog.c ------------------------------------------------------------ */

/* PROVIDER:bpf:FUNCTION, PROVIDER:bpf:ID:FUNCTION */
void place_prog_function(struct at *a);

/* ---- place_user.c ------------------------------------------------------------ */

void place_user_function(struct at *a);
void place_usdt(struct at *a);

#endif

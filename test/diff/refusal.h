/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refusal.h: why the kernel refused a program: what its log says, and to which
 * of the known reasons (refusal.def) that belongs.
 */
#ifndef DIFF_REFUSAL_H
#define DIFF_REFUSAL_H

#include "diff/world.h"

struct refusal {
	const char *name;	/* "uninit" */
	const char *pattern;	/* of the log's line: see refusal_matches */
	bool ours;		/* gen.c may make such programs; WHY tells */
	const char *why;
};

/* Reads the kernel's LOG. */
void refusal_read(struct diff_verdict *v, s32 error, char *log);
/* The reason of a refusal, NULL = none that is known. */
const struct refusal *refusal_of(const struct diff_verdict *v);
/* '#' stands for a number, '*' for anything; else the text must be the same. */
bool refusal_matches(const char *pattern, const char *line);
u32 refusal_index(const struct refusal *r);
enum { REFUSALS_MAX = 256 };

#endif

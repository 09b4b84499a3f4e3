/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shrink.h: makes a program smaller while it stays interesting: fewer
 * instructions, then simpler ones.
 */
#ifndef DIFF_SHRINK_H
#define DIFF_SHRINK_H

#include "diff/prog.h"

/* Does P still do what it was kept for? */
typedef bool (*shrink_fn)(const struct diff_prog *p, void *arg);

/* P is interesting at the start, and at the end. At most TRIES questions. */
void shrink_program(struct diff_prog *p, shrink_fn interesting, void *arg, u32 tries);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept.h: all that runs of this thread change, kept and put back where it was: to the same
 * addresses, so that pointers stay what they are. Costs time and memory of what was ever
 * touched, not of what maps may hold.
 */
#ifndef REPLAY_KEPT_H
#define REPLAY_KEPT_H

#include "base/os.h"
#include "model/backend.h"

struct kept;

/* What is now; F: of the run that has stopped in this fiber, or NULL. NULL: a map is in a
 * file, which others may change. */
struct kept *kept_keep(struct backend *b, struct os_fiber *f);
void kept_restore(const struct kept *st, struct backend *b);
u64 kept_bytes(const struct kept *st);
void kept_free(struct kept *st);	/* NULL is fine */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h: the log of Linux 6.18, for those who can read it: instructions of the
 * path (level 1) or of all paths (level 2) with the registers that they touch.
 * Lines on precision and on live stack slots, which level 2 has there, are not
 * made. Nothing happens without opts->log.
 */
#ifndef VERIFY_LOG_H
#define VERIFY_LOG_H

#include "verify/state.h"

void log_head(struct verifier *v);		/* functions, live registers */
void log_from(struct verifier *v, const struct state *s, u32 from);	/* a branch is taken up */
void log_covered(struct verifier *v, const struct state *s);	/* the path ends here */
void log_before(struct verifier *v, const struct state *s);	/* the next instruction */
void log_after(struct verifier *v, const struct state *s, u32 at);
void log_line(struct verifier *v, const char *line);	/* a rejection */
void log_tail(struct verifier *v);		/* the statistics */

#endif

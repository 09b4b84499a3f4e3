/* SPDX-License-Identifier: BSD-2-Clause */
/* report.h: what the tests share: numbers of the environment, time, and what to
 * do with a program that differs. */
#ifndef DIFF_REPORT_H
#define DIFF_REPORT_H

#include "diff/world.h"

u64 env_number(const char *name, u64 otherwise);

/* How much to do: RUNS where the environment says so, else what SECONDS allow. */
struct effort {
	u64 runs, done, end_ns;
};
struct effort effort_new(u64 seconds);
bool effort_goes_on(struct effort *e);

enum { FROM_BYTES = 160 };

typedef void (*report_run)(struct world *w, const struct diff_prog *p,
			   const struct diff_packet *pkt, struct diff_result *r);

/*
 * Makes P, which differs in W, small, prints it as a case and fails. FROM says
 * where it is from; RUN is how it was found to differ.
 */
void report_difference(struct world *w, const struct diff_prog *p,
		       const struct diff_packet *pkt, const char *from, report_run run,
		       const struct diff_result *r);

#endif

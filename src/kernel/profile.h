/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile.h: counters of the processor while one loaded program runs: two programs, before
 * it and behind it, read them where it runs, and add up what is between. In: the program's
 * id and counters as perf_event_open(2) has them. Out: sums. They go with the struct.
 */
#ifndef KERNEL_PROFILE_H
#define KERNEL_PROFILE_H

#include "base/base.h"
#include "base/err.h"

enum { PROFILE_MAX = 6 };

struct profile_metric {
	const char *name;	/* for messages */
	u32 type;		/* PERF_TYPE_* */
	u64 config;
};

/* As struct bpf_perf_event_value; ns that it was asked for, and that it really counted. */
struct profile_value { u64 counter, enabled, running; };

struct profile;
/* Counts N metrics while function NAME of program ID runs, from now on. Errors: COUNTERS,
 * KERNEL and others of loading, ATTACH. */
int profile_open(struct profile **out, u32 id, const char *name, const struct profile_metric *m,
		 u32 n, struct skep_err *err);
/* So far: how often it ran, and each metric. 0 or -errno. */
int profile_read(struct profile *p, u64 *runs, struct profile_value *v);
void profile_close(struct profile *p);	/* NULL is fine */

#endif

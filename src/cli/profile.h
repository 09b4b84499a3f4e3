/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile.h: where the time of a run goes, between who finds it out (run_profile.c) and who
 * prints it (profile_out.c). Times are of the engine that the user asked for; counts are
 * exact, and of the same input once more, in the checked interpreter.
 */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include "cli/run.h"
#include "runtime/runtime.h"

enum { PROFILE_NO_MAP = ~0u };

/* A program that ran. Arrays are by slot. */
struct profile_prog {
	const struct image_prog *prog;
	const u64 *counts;	/* how often each slot ran; never NULL */
	u64 *own, *called;	/* samples: in it, and in what it calls */
	u32 *map;		/* of a call: which map it is about, or PROFILE_NO_MAP */
};

struct run_profile {
	struct arena arena;
	const struct skep_prog *first;	/* the program that was asked for */
	struct skep_object *counted, *timed;
	struct sampler *sampler;
	const struct sampled *sampled;
	struct profile_prog *progs;	/* as sampled->progs */
	u32 nr_progs;
	u64 packets, runs;	/* of one pass; runs with --repeat */
	u64 passes, ns;		/* that were timed, and the processor's time for all */
};

/* Nanoseconds that SAMPLES stand for. */
double profile_ns(const struct run_profile *p, u64 samples);

#endif

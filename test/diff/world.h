/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h: what programs run in, twice: maps, a packet, the embedded engine and
 * the running kernel by bpf(2). In: a program and its input. Out: the kernel's
 * verdict, and whether both interpreters, both compilers and the kernel did the same: results,
 * errors of the run, packets, contexts, all maps.
 *
 * Loads; attaches nothing.
 */
#ifndef DIFF_WORLD_H
#define DIFF_WORLD_H

#include "diff/prog.h"
#include "maps/map.h"
#include "model/image.h"

enum {
	WORLD_MAPS = 32, WORLD_EXTERNS = 32,
	PACKET_MAX = 512, OUT_BYTES = 16384,
	DUMP_BYTES = 1 << 18,	/* of all maps together */
	BUDGET = 1000000,	/* instructions of a run */
};

struct diff_map {
	struct map_attr attr;
	const u8 *init;		/* the value of an array's elements; NULL = zeroes */
	bool frozen;		/* before a program is loaded */
	bool self;		/* a prog array: slot 0 is the program that runs */
};

/* What programs refer to. */
struct diff_scene {
	const struct diff_map *maps;
	u32 nr_maps;
	const struct image_extern *externs;	/* functions of the kernel */
	u32 nr_externs;
};

struct diff_packet {
	u8 data[PACKET_MAX];
	u32 bytes;
};

/* The kernel's answer to a program. */
struct diff_verdict {
	s32 error;		/* 0 = accepted, or -errno */
	char line[200];		/* of a refusal: the last line that is a reason; of
				   others what the verifier takes for its mistake */
	u32 insns, states, peak;	/* that the verifier went through and kept */
};

enum diff_outcome {
	DIFF_SAME, DIFF_DIFFERS,
	DIFF_REFUSED,		/* by the kernel: nothing ran */
	DIFF_BUDGET,		/* it takes too long: did not run on the kernel */
	DIFF_SKIPPED,		/* results are each side's own: see world_run_any */
};

struct diff_result {
	enum diff_outcome outcome;
	struct diff_verdict kernel;
	char what[300];		/* of DIFFERS */
};

struct world;
/* NULL and a text when one of the sides does not make a map. */
struct world *world_new(const struct diff_scene *scene, char *why, size_t n);
void world_free(struct world *w);
const struct diff_scene *world_scene(const struct world *w);

/* Of programs that were compared: how many the fast interpreter and both compilers ran,
 * too, and how many not, as our verifier or what comes after it would not have them;
 * and how many of the former the optimising compiler gave up on. */
void world_count_fast(const struct world *w, u64 *ran, u64 *not, u64 *one_pass);
/* Can programs of TYPE run in both? */
bool world_runs(u32 type);
/* Asks the kernel only; no run. */
void world_judge(struct world *w, const struct diff_prog *p, struct diff_verdict *v);
void world_run(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
	       struct diff_result *r);
/*
 * The same for programs that may do anything. Not compared (DIFF_SKIPPED): programs
 * that ask for the time, random numbers, or what is going on around; and those whose
 * results have addresses in them, which is what the kernel refuses when the user may
 * not see addresses (no CAP_PERFMON). Frames begin as zeroes.
 */
void world_run_any(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		   struct diff_result *r);
/*
 * The same, for programs that do honest arithmetic on pointers, as compilers make
 * it: of that the kernel refuses too much then. They are compared when they do the
 * same at two addresses of ours.
 */
void world_run_open(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		    struct diff_result *r);
/*
 * The result of the checked interpreter alone, for machines without bpf(2):
 * 0 and *RETVAL, or -errno.
 */
int world_run_user(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		   u32 *retval);

#endif

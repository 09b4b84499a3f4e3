/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coverage.h: which lines, branches and functions ran: counts of instructions
 * (skep_prog_counts), summed over runs, as an LCOV tracefile. What the verifier proves
 * that no run reaches is told apart from what did not run.
 */
#ifndef CLI_COVERAGE_H
#define CLI_COVERAGE_H

#include "cli/cli.h"

struct coverage_prog;
struct coverage {
	struct arena arena;
	VEC(struct coverage_prog *) progs;
	u64 *shared;		/* what all have counted, of SHARED_BYTES; or NULL */
	u64 shared_bytes;
};

/* Adds all programs of OBJ, and what those that were loaded with .counts counted so far: the
 * others never ran. Its image outlives C. */
void coverage_add(struct coverage *c, const struct skep_object *obj);
/* What processes that are forked from now on add of programs that are known so far is this
 * process's, too. False: there is no memory for it. */
bool coverage_share(struct coverage *c);
/* Writes the tracefile PATH, whole or not at all. Errors: FILE_WRITE ... */
int coverage_write(const struct coverage *c, const char *path, struct skep_err *err);
void coverage_free(struct coverage *c);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contain.h: compares a run of the checked interpreter with what the verifier
 * knows of the program (verify/facts.h), instruction by instruction: registers,
 * stack bytes, what memory is touched, what maps calls get.
 */
#ifndef DIFF_CONTAIN_H
#define DIFF_CONTAIN_H

#include "base/strbuf.h"
#include "diff/world_inner.h"
#include "verify/facts.h"

struct contain {
	const struct facts *facts;
	const struct bpf_insn *insns;
	u32 nr_insns;
	const struct world *world;
	/* counted over all runs */
	u64 steps, numbers, pointers, narrow, slots, accesses;
	/* what the run did that the facts exclude; empty: nothing */
	char what[500];
	u32 insn;
};

/* For vm_step_set, with a struct contain; stops the run at the first violation. */
bool contain_step(void *arg, struct vm_machine *m, const struct vm_step *step);

#endif

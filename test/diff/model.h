/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h: all runs of a small program at once: each state that it can be in (the
 * instruction, registers, stacks), whatever its random numbers, budgets of may_goto and
 * map values are; until one does what a verifier must not let it do, goes round for
 * ever, or is what FACTS exclude. Knows what tiny.c makes, and no more. In: a program;
 * out: what was found, which is sure: it never says that all is well.
 */
#ifndef DIFF_MODEL_H
#define DIFF_MODEL_H

#include "base/strbuf.h"
#include "diff/prog.h"
#include "verify/facts.h"

enum model_end {
	MODEL_NOTHING,		/* found */
	MODEL_ACCESS,		/* memory that is not there */
	MODEL_ENDLESS,
	MODEL_FACTS,		/* FACTS say otherwise */
};

struct model {
	enum model_end end;
	u32 insn;		/* where */
	u32 states;
	bool whole;		/* there were not too many */
	struct strbuf how;	/* the way there: the caller frees it */
};

/* FACTS may be NULL. */
void model_runs(struct model *m, const struct diff_prog *p, const struct facts *facts);

#endif

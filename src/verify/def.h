/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * def.h: where numbers came from, along the path that is being followed.
 *
 * Each number that a step makes gets a definition, which names up to two
 * others that it was made of. When a number turns out to matter (an offset, a
 * size, the outcome of a branch), its definition and all that it came from are
 * marked: these are the precise numbers, whose ranges a stored state is
 * compared by. Numbers that are copied keep their definition.
 *
 * Only what came after a state was stored matters for it: what the number was made
 * into before is in the state, too. So a mark has a time: when the number itself
 * mattered, or when one that mattered was made of it, whichever was last. The clock
 * counts the states stored so far.
 *
 * Stack slots have definitions of their own that say when they were last read;
 * a slot of a stored state is live when it was read after that.
 *
 * Definitions are a stack: what a path made is dropped when the path is
 * complete. Before that the states stored on it take over what was marked.
 */
#ifndef VERIFY_DEF_H
#define VERIFY_DEF_H

#include "base/base.h"

struct def {
	u32 a, b;		/* what it was made of; 0: nothing */
	u32 born;		/* when it was made */
	u32 used;		/* when it was last read, or mattered; the highest
				   bit: it did matter */
};

#endif

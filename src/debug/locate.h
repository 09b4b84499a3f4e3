/* SPDX-License-Identifier: BSD-2-Clause */
/* locate.h: DWARF's places of variables, computed. */
#ifndef DEBUG_LOCATE_H
#define DEBUG_LOCATE_H

#include "debug/value.h"
#include "sym/locals.h"

/* What a place is computed from. */
struct locate {
	const u64 *regs;	/* r0..r10 */
	u32 known;		/* bits: which of them are known */
	u32 stack;		/* bytes of stack that the function has (locate_stack) */
	bool (*load)(void *arg, u64 addr, u32 bytes, u64 *v);
	void *arg;
	struct arena *arena;	/* of bytes of what is in pieces */
};

/* The value of type TY, of BYTES, that is at PLACE. */
struct value locate_value(const struct locate *l, struct dtype ty, u32 bytes,
			  const struct locals_place *place);

struct bpf_insn;
/* How many bytes of stack instructions FROM..TO of INSNS use, a multiple of 8. */
u32 locate_stack(const struct bpf_insn *insns, u32 from, u32 to);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_opt.c: makes the intermediate code of a function better without changing what it
 * does: the passes in their order. Each is about linear in the function's size, and each
 * runs a fixed number of times.
 */
#include "lang/opt_in.h"

/* Each round is for what the last one has changed; the first two find nearly all. */
enum { ROUNDS = 5, ROUNDS_LONG = 2, LONG = 8192 };

static void opt_rounds(struct opt *o)
{
	u32 n = 0, max = o->f->nr_insns > LONG ? ROUNDS_LONG : ROUNDS;

	do {
		opt_values(o);
		opt_flow(o);
	} while (o->changed && ++n < max);
	ir_settle_operands(o->f);
}

void ir_opt(struct ir_func *f)
{
	struct opt o = { .f = f };

	ir_settle(f);
	ir_arrange(f);
	o.data = arena_news(&o.arena, f->unit->maps.n + 1, struct ir_insn *);
	ir_count_uses(f);
	opt_rounds(&o);
	ir_drop_unused(f);
	opt_memory(&o);
	ir_settle_operands(f);
	if (opt_lookups(&o)) {	/* keys of what is not looked up need no memory */
		opt_rounds(&o);
		ir_drop_unused(f);
		opt_memory(&o);
		ir_settle_operands(f);
	}
	opt_loops(&o);
	opt_rounds(&o);
	ir_drop_unused(f);
	arena_free(&o.arena);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* compile.c: the passes of the optimising compiler, in order. */
#include "jit/opt/ir.h"

enum { LARGE = 4096, SLOT_BYTES = 600 };	/* what most programs need */

int ir_compile(struct ir_func *f)
{
	u32 slots = f->unit->end - f->unit->start;
	int r;

	if (slots > LARGE)
		arena_reserve(f->arena, slots * SLOT_BYTES);
	r = ir_build(f);
	if (r)
		return r;
	ir_phis(f);
	ir_inline_late(f);
	ir_slots(f);
	ir_merge(f);
	ir_phis(f);
	ir_bits(f);
	ir_fold(f);
	/* what is computed in loops is known now, too */
	ir_phis(f);
	ir_bits(f);
	ir_fold(f);
	ir_select(f);
	ir_alone(f);
	ir_order(f);
	return 0;
}

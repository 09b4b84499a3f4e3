/* SPDX-License-Identifier: BSD-2-Clause */
/* compile.c: the passes of the optimising compiler, in order. */
#include "jit/opt/ir.h"

int ir_compile(struct ir_func *f)
{
	int r = ir_build(f);

	if (r)
		return r;
	ir_phis(f);
	ir_slots(f);
	ir_phis(f);
	ir_bits(f);
	ir_fold(f);
	/* what is computed in loops is known now, too */
	ir_phis(f);
	ir_bits(f);
	ir_fold(f);
	ir_select(f);
	ir_order(f);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_opt.c: makes the intermediate code of a function better without changing what it
 * does.
 */
#include "lang/ir_in.h"

void ir_opt(struct ir_func *f)
{
	ir_settle(f);
	ir_drop_unused(f);
}

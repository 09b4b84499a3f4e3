/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * foreign.c: map types that only the kernel has: what it asks of their definitions,
 * as Linux 6.18 answered. No maps are made of them here.
 */
#include "maps/area.h"
#include "model/uapi.h"

int foreign_check(const struct map_attr *a, struct skep_err *err)
{
	(void)a, (void)err;		/* of struct_ops maps its type says all */
	return 0;
}

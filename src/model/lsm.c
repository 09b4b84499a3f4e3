/* SPDX-License-Identifier: BSD-2-Clause */
/* lsm.c: access to lsm.def. */
#include "model/tables.h"

unsigned lsm_flags(const char *hook)
{
	static const struct { const char *name; unsigned flags; } rows[] = {
#define LSM(name, flags) { #name, flags },
#include "model/lsm.def"
#undef LSM
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, hook))
			return rows[i].flags;
	return 0;
}

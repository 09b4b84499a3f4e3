/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs.c: access to kfunc.def. */
#include "model/tables.h"

enum { KFUNC_ID = 1 << 16 };	/* their ids are above those of helpers */

static const struct helper_row rows[] = {
#define KFUNC(name, since, ret, a1, a2, a3, a4, a5) \
	{ KFUNC_ID, #name, since, 0, RET_##ret, \
	  { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 } },
#include "model/kfunc.def"
#undef KFUNC
};

const struct helper_row *kfunc_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs.c: access to kfunc.def. */
#include "model/tables.h"
#include <linux/bpf.h>

enum { KFUNC_ID = 1 << 16 };	/* their ids are above those of helpers */

#define KFUNC_ALL (~0ull)

static const struct helper_row rows[] = {
#define KFUNC(name, since, who, ret, a1, a2, a3, a4, a5) \
	{ KFUNC_ID, #name, since, 1, RET_##ret, \
	  { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 }, KFUNC_##who },
#include "model/kfunc.def"
#undef KFUNC
};

const struct helper_row *kfunc_row(const char *name)
{
	if (strncmp(name, "bpf_", 4))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name + 4))
			return &rows[i];
	return NULL;
}

const struct helper_row *kfunc_next(const struct helper_row *row)
{
	size_t i = row ? (size_t)(row - rows) + 1 : 0;

	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

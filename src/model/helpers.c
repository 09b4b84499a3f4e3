/* SPDX-License-Identifier: BSD-2-Clause */
/* helpers.c: access to helper.def. */
#include "model/tables.h"

static const struct helper_row rows[] = {
#define HELPER(id, name, since, gpl, ret, a1, a2, a3, a4, a5) \
	[id] = { id, #name, since, gpl, RET_##ret, \
		 { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 } },
#define HELPER_OTHER(id, name, since, gpl) \
	[id] = { id, #name, since, gpl, RET_OTHER, \
		 { ARG_OTHER, ARG_OTHER, ARG_OTHER, ARG_OTHER, ARG_OTHER } },
#include "model/helper.def"
#undef HELPER
#undef HELPER_OTHER
};

const struct helper_row *helper_row(u32 id)
{
	return id < ARRAY_LEN(rows) && rows[id].name ? &rows[id] : NULL;
}

u32 helper_id(const char *name)
{
	if (!strncmp(name, "bpf_", 4))
		name += 4;
	for (u32 id = 1; id < ARRAY_LEN(rows); id++)
		if (rows[id].name && !strcmp(rows[id].name, name))
			return id;
	return 0;
}

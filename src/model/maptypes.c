/* SPDX-License-Identifier: BSD-2-Clause */
/* maptypes.c: access to maptype.def. */
#include "model/tables.h"
#include "model/uapi.h"

static const struct maptype_row rows[] = {
#define MAPTYPE(type, name, since, percpu) \
	[type] = { type, name, since, percpu },
#include "model/maptype.def"
#undef MAPTYPE
};

const struct maptype_row *maptype_row(u32 type)
{
	return type < ARRAY_LEN(rows) && rows[type].name ? &rows[type] : NULL;
}

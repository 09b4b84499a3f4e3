/* SPDX-License-Identifier: BSD-2-Clause */
/* attachtypes.c: access to attachtype.def. */
#include "model/tables.h"

static const struct attachtype_row attaches[] = {
#define ATTACHTYPE(type, name, since) { type, name, since },
#include "model/attachtype.def"
#undef ATTACHTYPE
};

static const struct attachtype_row links[] = {
#define LINKTYPE(type, name, since) { type, name, since },
#include "model/attachtype.def"
#undef LINKTYPE
};

/* Rows stand in the order of their numbers, which have no gaps. */
const struct attachtype_row *attachtype_row(u32 type)
{
	return type < ARRAY_LEN(attaches) ? &attaches[type] : NULL;
}

const struct attachtype_row *linktype_row(u32 type)
{
	return type < ARRAY_LEN(links) ? &links[type] : NULL;
}

const struct attachtype_row *attachtype_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(attaches); i++)
		if (!strcmp(attaches[i].name, name))
			return &attaches[i];
	return NULL;
}

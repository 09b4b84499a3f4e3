/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c: the table of fields, and the digest. */
#include "replay/format.h"

#define FIELD(kind_, member, type_) \
	{ RECORD_##kind_, FIELD_##type_, sizeof(((struct record_item *)0)->member), \
	  offsetof(struct record_item, member) },
static const struct record_field fields[] = {
#include "replay/record.def"
};
#undef FIELD

const struct record_field *record_fields(u32 kind, u32 *n)
{
	u32 i = 0;

	*n = 0;
	while (i < ARRAY_LEN(fields) && fields[i].kind != kind)
		i++;
	while (i + *n < ARRAY_LEN(fields) && fields[i + *n].kind == kind)
		++*n;
	return *n ? &fields[i] : NULL;
}

/* FNV-1a. */
u64 record_digest(const void *data, u64 bytes, u64 seed)
{
	const u8 *p = data;
	u64 h = 0xcbf29ce484222325u ^ seed;

	for (u64 i = 0; i < bytes; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

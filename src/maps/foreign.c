/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * foreign.c: map types that only the kernel has: what it asks of their definitions,
 * as Linux 6.18 answered. No maps are made of them here.
 */
#include "maps/area.h"
#include "model/uapi.h"

enum {
	PAGE_BYTES = 4096,
	ARENA_PAGES_MAX = 1 << 20,	/* 4 GiB */
	SEGV_ON_FAULT = 1 << 17,
	NO_USER_CONV = 1 << 18,
};

static int want(const struct map_attr *a, struct skep_err *err, const char *what, u32 is, u32 must)
{
	if (is == must)
		return 0;
	return attr_refuse(a, err, "EINVAL", "%s is %u, not %u", what, is, must);
}

static int arena_check(const struct map_attr *a, struct skep_err *err)
{
	enum { FLAGS = BPF_F_MMAPABLE | SEGV_ON_FAULT | NO_USER_CONV };

	if (want(a, err, "key_size", a->key_size, 0) ||
	    want(a, err, "value_size", a->value_size, 0))
		return -EINVAL;
	if (!(a->map_flags & BPF_F_MMAPABLE))
		return attr_refuse(a, err, "EINVAL", "it wants the flag BPF_F_MMAPABLE");
	if (a->map_flags & ~(u32)FLAGS)
		return attr_refuse(a, err, "EINVAL", "map_flags 0x%x are not for this type",
				   a->map_flags & ~(u32)FLAGS);
	if (!a->max_entries || a->map_extra % PAGE_BYTES)
		return attr_refuse(a, err, "EINVAL", "%s", a->max_entries ?
				   "map_extra is no address of a page" : "max_entries is 0");
	if (a->max_entries > ARENA_PAGES_MAX)
		return attr_refuse(a, err, "E2BIG", "max_entries %u exceeds %d pages",
				   a->max_entries, ARENA_PAGES_MAX);
	return 0;
}

int foreign_check(const struct map_attr *a, struct skep_err *err)
{
	switch (a->type) {
	case UAPI_MAP_TYPE_ARENA:
		return arena_check(a, err);
	default:		/* of struct_ops maps its type says all */
		return 0;
	}
}

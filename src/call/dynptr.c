/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dynptr.c: struct bpf_dynptr over a map value: an address, and 24 bits of size
 * with the kind above. It lies where the program could change it, so each use
 * asks whether the program may touch the memory.
 */
#include "call/bodies.h"
#include <linux/bpf.h>

enum { SIZE_MAX_BYTES = (1 << 24) - 1, KIND_LOCAL = 1 << 28 };

struct dynptr {
	u64 data;
	u32 kind_size, offset;
};
_Static_assert(sizeof(struct dynptr) == sizeof(struct bpf_dynptr), "a dynptr's size");

static struct dynptr dynptr_get(u64 at)
{
	struct dynptr d;

	memcpy(&d, call_ptr(at), sizeof(d));
	return d;
}

static bool may(struct run *run, u64 addr, u64 bytes, bool write)
{
	return !run->access || run->access(run, addr, bytes, write);
}

/* The address of BYTES at OFFSET, or 0 with *R set. */
static u64 dynptr_part(struct run *run, u64 at, u32 offset, u32 bytes, bool write, int *r)
{
	struct dynptr d = dynptr_get(at);
	u32 size = d.kind_size & SIZE_MAX_BYTES;

	*r = -EINVAL;
	if (!d.data || !(d.kind_size & KIND_LOCAL))
		return 0;
	*r = -E2BIG;
	if (!in_bounds(offset, bytes, size))
		return 0;
	*r = -EINVAL;
	if (!may(run, d.data + d.offset + offset, bytes, write))
		return 0;
	*r = 0;
	return d.data + d.offset + offset;
}

HELPER_BODY(call_dynptr_from_mem)
{
	struct dynptr d = { 0 };
	int r = (u32)r2 > SIZE_MAX_BYTES ? -E2BIG : r3 ? -EINVAL : 0;

	if (!r)
		d = (struct dynptr){ .data = r1, .kind_size = KIND_LOCAL | (u32)r2 };
	memcpy(call_ptr(r4), &d, sizeof(d));
	return call_error(r);
}

HELPER_BODY(call_dynptr_read)
{
	int r;
	u64 from = dynptr_part(run, r3, (u32)r4, (u32)r2, false, &r);

	if (r5)
		return call_error(-EINVAL);
	if (from)
		memmove(call_ptr(r1), call_ptr(from), (u32)r2);
	return call_error(r);
}

HELPER_BODY(call_dynptr_write)
{
	int r;
	u64 to = dynptr_part(run, r1, (u32)r2, (u32)r4, true, &r);

	if (r5)
		return call_error(-EINVAL);
	if (to)
		memmove(call_ptr(to), call_ptr(r3), (u32)r4);
	return call_error(r);
}

HELPER_BODY(call_dynptr_data)
{
	int r;

	return dynptr_part(run, r1, (u32)r2, (u32)r3, true, &r);
}

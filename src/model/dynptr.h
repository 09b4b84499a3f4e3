/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dynptr.h: what the 16 bytes of a struct bpf_dynptr are here. They lie where an
 * unverified program could change them, so an engine that checks looks at what
 * they say before each call that gets them; the bodies of helpers trust it then.
 */
#ifndef MODEL_DYNPTR_H
#define MODEL_DYNPTR_H

#include "base/base.h"

enum { DYNPTR_SIZE_MAX = (1 << 24) - 1 };	/* bytes, as in the kernel */

enum dynptr_kind {
	DYNPTR_LOCAL = 1,	/* memory of the program */
	DYNPTR_RECORD,		/* of a ring buffer, reserved */
	DYNPTR_SKB, DYNPTR_XDP,	/* the packet at hand; data is the struct run */
	DYNPTR_SKB_META,	/* what lies before it; no engine has it */
};

struct dynptr {
	u64 data;		/* 0: it stands for nothing */
	u32 info;		/* kind and size */
	u32 offset;		/* from data, or from the packet's first byte */
};
_Static_assert(sizeof(struct dynptr) == 16, "as struct bpf_dynptr");

#define DYNPTR_READ_ONLY (1u << 31)

static inline u32 dynptr_info(enum dynptr_kind kind, u32 size) { return (u32)kind << 24 | size; }
static inline u32 dynptr_size(const struct dynptr *d) { return d->info & DYNPTR_SIZE_MAX; }
static inline u32 dynptr_kind(const struct dynptr *d) { return d->info >> 24 & 0x7f; }
static inline bool dynptr_read_only(const struct dynptr *d) { return d->info & DYNPTR_READ_ONLY; }

static inline bool dynptr_is_packet(const struct dynptr *d)
{
	return dynptr_kind(d) == DYNPTR_SKB || dynptr_kind(d) == DYNPTR_XDP;
}

#endif

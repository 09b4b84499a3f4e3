/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx.c: access to ctx/<type>.def: what programs of a type see, and where the
 * engine finds it.
 */
#include "model/tables.h"
#include "model/run.h"
#include <linux/bpf.h>

static const struct ctx_field xdp_fields[] = {
#define CTX_FIELD(name, flags, view) \
	{ #name, offsetof(struct xdp_md, name), \
	  sizeof(((struct xdp_md *)0)->name), flags, \
	  offsetof(struct run, view), sizeof(((struct run *)0)->view) },
#include "model/ctx/xdp.def"
#undef CTX_FIELD
};

static const struct ctx_desc xdp_desc = {
	.name = "xdp_md", .size = sizeof(struct xdp_md),
	.fields = xdp_fields, .nr_fields = ARRAY_LEN(xdp_fields),
};

const struct ctx_desc *ctx_desc(u32 prog_type)
{
	return prog_type == BPF_PROG_TYPE_XDP ? &xdp_desc : NULL;
}

const struct ctx_field *ctx_field(const struct ctx_desc *d, u64 off, u32 size)
{
	for (u32 i = 0; i < d->nr_fields; i++) {
		const struct ctx_field *f = &d->fields[i];

		if (off < f->off || !in_bounds(off - f->off, size, f->size))
			continue;
		return size == f->size || f->flags & CTX_NARROW ? f : NULL;
	}
	return NULL;
}

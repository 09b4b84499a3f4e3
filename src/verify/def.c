/* SPDX-License-Identifier: BSD-2-Clause */
/* def.c: definitions of numbers along one path. See def.h. */
#include "verify/state.h"

#define PRECISE (1u << 31)

/* Definition 0 is nobody's: constants that need no marking and the like. */
u32 def_new(struct verifier *v, u32 a, u32 b)
{
	if (v->inv)
		return 0;
	if (!v->defs.n)
		*vec_push(&v->defs) = (struct def){ 0 };
	*vec_push(&v->defs) = (struct def){ .a = a, .b = b };
	return (u32)v->defs.n - 1;
}

bool def_marked(const struct verifier *v, u32 def)
{
	return !v->inv && (v->defs.v[def].read & PRECISE);
}

static void mark_push(struct verifier *v, u32 def)
{
	if (def && !def_marked(v, def))
		*vec_push(&v->marks) = def;
}

void def_mark(struct verifier *v, u32 def)
{
	if (v->inv)
		return;
	mark_push(v, def);
	while (v->marks.n) {
		struct def *d = &v->defs.v[v->marks.v[--v->marks.n]];

		if (d->read & PRECISE)
			continue;
		d->read |= PRECISE;
		mark_push(v, d->a);
		mark_push(v, d->b);
	}
}

void def_read(struct verifier *v, u32 def)
{
	struct def *d;

	if (v->inv)
		return;
	d = &v->defs.v[def];
	d->read = (d->read & PRECISE) | v->now;
}

bool def_read_since(const struct verifier *v, u32 def, u32 time)
{
	return (v->defs.v[def].read & ~PRECISE) >= time;
}

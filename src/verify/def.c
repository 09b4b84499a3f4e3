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
	*vec_push(&v->defs) = (struct def){ .a = a, .b = b, .born = v->now };
	return (u32)v->defs.n - 1;
}

bool def_marked(const struct verifier *v, u32 def)
{
	return !v->inv && (v->defs.v[def].used & PRECISE);
}

bool def_marked_since(const struct verifier *v, u32 def, u32 time)
{
	return def_marked(v, def) && (v->defs.v[def].used & ~PRECISE) >= time;
}

static void mark_at(struct verifier *v, u32 def, u32 time)
{
	struct def *d = &v->defs.v[def];

	if (!def)
		return;
	if (!(d->used & PRECISE))
		*vec_push(&v->marks) = def;
	d->used = PRECISE | (u32)max_u64(d->used & ~PRECISE, time);
}

void def_mark(struct verifier *v, u32 def)
{
	if (v->inv)
		return;
	mark_at(v, def, v->now);
	while (v->marks.n) {
		const struct def *d = &v->defs.v[v->marks.v[--v->marks.n]];

		mark_at(v, d->a, d->born);
		mark_at(v, d->b, d->born);
	}
}

void def_read(struct verifier *v, u32 def)
{
	if (!v->inv)
		v->defs.v[def].used = v->now;
}

bool def_read_since(const struct verifier *v, u32 def, u32 time)
{
	return v->defs.v[def].used >= time;
}

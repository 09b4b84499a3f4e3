/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.c: runs of the calling thread for who stops them, looks into them and puts them
 * back to where they were before.
 */
#include "runtime/private.h"
#include "call/object.h"
#include "call/timer.h"

int runtime_look(struct backend *b, struct vm_machine **m, struct run **run,
		 struct skep_err *err)
{
	struct seat *s;
	int r = runtime_seat(rt_of(b), &s, err);

	if (r)
		return r;
	*m = s->machine;
	*run = &s->run;
	return 0;
}

static struct seat *seat_of_this(struct backend *b)
{
	struct seat *s;

	return runtime_seat(rt_of(b), &s, NULL) ? NULL : s;
}

static void keep_seat(struct seat *s, keep_fn keep, void *arg)
{
	keep(arg, KEEP_BYTES, &s->run, sizeof(s->run));
	keep(arg, KEEP_BYTES, &s->depth, sizeof(s->depth));
	if (s->buffer)
		keep(arg, KEEP_AREA, s->buffer, s->buffer_bytes);
	vm_keep(s->machine, keep, arg);
}

bool runtime_keep(struct backend *b, keep_fn keep, void *arg)
{
	struct runtime *rt = rt_of(b);
	bool all = true;

	for (size_t i = 0; i < rt->maps.n; i++) {
		if (rt->maps.v[i] && rt->maps.v[i]->m->share)
			all = false;
		else if (rt->maps.v[i])
			map_keep(rt->maps.v[i]->m, keep, arg);
	}
	timers_keep(rt->run.timers, keep, arg);
	objects_keep(rt->run.objects, keep, arg);
	keep(arg, KEEP_BYTES, &rt->now, sizeof(rt->now));
	if (rt->socks.n)
		keep(arg, KEEP_BYTES, rt->socks.v, rt->socks.n * sizeof(*rt->socks.v));
	keep_seat(seat_of_this(b), keep, arg);
	return all;
}

struct tape *runtime_tape_set(struct backend *b, struct tape *t)
{
	struct runtime *rt = rt_of(b);
	struct seat *s = seat_of_this(b);
	struct tape *was = rt->run.tape;

	rt->run.tape = t;
	if (s)
		s->run.tape = t;
	return was;
}

bool runtime_keepable(struct backend *b)
{
	const struct seat *s = seat_of_this(b);

	return s && !s->copies.v.n && !s->forwards && vm_keepable(s->machine);
}

void runtime_restoring(struct backend *b)
{
	struct seat *s = seat_of_this(b);

	if (s)
		forward_reset(s);
}

u32 runtime_prog_of(const void *user, const struct image **img)
{
	const struct runtime_prog *p = user;

	*img = p->img;
	return (u32)(p->prog - p->img->progs);
}

s64 runtime_map_of(struct backend *b, const void *map)
{
	const struct runtime *rt = rt_of(b);

	for (size_t i = 0; i < rt->maps.n; i++)
		if (rt->maps.v[i] && rt->maps.v[i]->m == map)
			return (s64)i;
	return -1;
}

struct map *runtime_map(struct backend *b, u32 number) { return rt_map(b, number); }

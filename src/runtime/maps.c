/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps.c: the maps that there are, by number, and who holds each: the object
 * that made it, and maps of maps that it is in. One that nobody holds stays
 * until no program runs, as programs may have looked it up before.
 */
#include "runtime/private.h"
#include "call/object.h"
#include "call/owner.h"
#include "call/timer.h"
#include "maps/share.h"
#include <stdlib.h>
#include <unistd.h>

/* ---- maps that lookups give to programs ------------------------------------- */

static struct map *rt_inner_of(void *arg, u32 id) { return rt_map(arg, id); }

static struct runtime_map **maps_at(const struct runtime *rt)
{
	return __atomic_load_n(&rt->maps.v, __ATOMIC_ACQUIRE);
}

void runtime_held(void *arg, u32 id, int by)
{
	struct runtime *rt = arg;
	struct runtime_map *r = maps_at(rt)[id];

	if (__atomic_add_fetch(&r->held, (u32)by, __ATOMIC_ACQ_REL))
		return;
	__atomic_fetch_add(&rt->dead, 1, __ATOMIC_RELAXED);
	runtime_changed(rt);
}

static int compare_map(const void *a, const void *b)
{
	const struct runtime_map *const *x = a, *const *y = b;

	return (*x)->m < (*y)->m ? -1 : (*x)->m > (*y)->m;
}

static int compare_addr(const void *a, const void *b)
{
	const struct runtime_map *const *x = a, *const *y = b;

	return (*x)->m->mem < (*y)->m->mem ? -1 : (*x)->m->mem > (*y)->m->mem;
}

static struct runtime_map **sorted(const struct runtime *rt, size_t *n,
				   int (*compare)(const void *, const void *))
{
	struct runtime_map **v = mem_alloc(rt->maps.n * sizeof(struct runtime_map *));

	*n = 0;
	for (size_t i = 0; i < rt->maps.n; i++)
		if (rt->maps.v[i])
			v[(*n)++] = rt->maps.v[i];
	qsort(v, *n, sizeof(struct runtime_map *), compare);
	return v;
}

static void sort_inner(struct runtime *rt)
{
	free(rt->by_map);
	free(rt->by_addr);
	rt->by_map = sorted(rt, &rt->nr_inner, compare_map);
	rt->by_addr = sorted(rt, &rt->nr_inner, compare_addr);
	rt->resort = false;
}

static const struct vm_map *inner_by_map(struct runtime *rt, const void *ptr)
{
	size_t lo = 0, hi;

	if (rt->resort)
		sort_inner(rt);
	hi = rt->nr_inner;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if ((const void *)rt->by_map[mid]->m < ptr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == rt->nr_inner || rt->by_map[lo]->m != ptr || !rt->by_map[lo]->m->lent)
		return NULL;
	return &rt->by_map[lo]->vm;
}

static const struct vm_map *inner_by_addr(struct runtime *rt, u64 addr)
{
	size_t lo = 0, hi;
	const struct vm_map *vm;

	if (rt->resort)
		sort_inner(rt);
	hi = rt->nr_inner;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if ((u64)rt->by_addr[mid]->m->mem <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || !rt->by_addr[lo - 1]->m->lent)
		return NULL;
	vm = &rt->by_addr[lo - 1]->vm;
	return addr - (u64)vm->mem.base < vm->mem.nr * vm->mem.stride ? vm : NULL;
}

static const struct vm_map *rt_inner_map(struct run *run, const void *ptr)
{
	struct runtime *rt = rt_of_run(run);
	const struct vm_map *vm;

	runtime_lock(rt);
	vm = inner_by_map(rt, ptr);
	runtime_unlock(rt);
	return vm;
}

static const struct vm_map *rt_inner_at(struct run *run, u64 addr)
{
	struct runtime *rt = rt_of_run(run);
	const struct vm_map *vm;

	runtime_lock(rt);
	vm = inner_by_addr(rt, addr);
	runtime_unlock(rt);
	return vm;
}

/* Sockets are numbered, and live as long as RT. */
static int rt_owner_of(void *arg, u32 type, u32 number, struct map_owner *o)
{
	const struct runtime *rt = arg;

	if (type != BPF_MAP_TYPE_SK_STORAGE)
		return owner_of_number(type, number, o);
	*o = (struct map_owner){ .id = number + 1ull };
	return number < rt->socks.n ? 0 : -EBADF;
}

static bool rt_owner_lives(void *arg, u32 type, const struct map_owner *o)
{
	const struct runtime *rt = arg;

	return owner_lives(rt->run.tape, type, o);
}

static bool map_is_there(void *map, u64 addr) { return map_arena_there(map, addr); }

/* ---- life and death ------------------------------------------------------------ */

int runtime_map_make(struct runtime *rt, struct map_attr *attr, struct map **out,
		     struct skep_err *err)
{
	if (attr->inner) {
		attr->inner_of = rt_inner_of;
		attr->inner_held = runtime_held;
		attr->inner_arg = rt;
	}
	if (attr->timer_at || attr->work_at) {
		runtime_lock(rt);
		if (!rt->run.timers)
			rt->run.timers = timers_new();
		runtime_unlock(rt);
		attr->timer_gone = timers_gone;
		attr->timer_arg = rt->run.timers;
	}
	attr->kptr_gone = object_gone;
	attr->objects = &rt->run.objects;
	attr->owner_of = rt_owner_of;
	attr->owner_lives = rt_owner_lives;
	attr->owner_arg = rt;
	attr->seed = rt->opts.map_seed ? rt->opts.map_seed + rt->maps.n : 0;
	return map_create(out, attr, rt->opts.cpus, err);
}

/* Threads may be looking at the old place, so it stays until the end. */
static void maps_grow(struct runtime *rt)
{
	size_t cap = rt->maps.cap ? rt->maps.cap * 2 : 16;
	struct runtime_map **v = mem_alloc(cap * sizeof(struct runtime_map *));

	if (rt->maps.n) {
		memcpy(v, rt->maps.v, rt->maps.n * sizeof(struct runtime_map *));
		*vec_push(&rt->old) = rt->maps.v;
	}
	__atomic_store_n(&rt->maps.v, v, __ATOMIC_RELEASE);
	rt->maps.cap = cap;
}

u32 runtime_map_add(struct runtime *rt, struct map *m)
{
	struct runtime_map *r = mem_alloc(sizeof(*r));
	size_t i = 0;

	r->m = m;
	r->held = 1;
	r->event_fd = -1;
	r->vm = (struct vm_map){ .map = m, .type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .timer_at = m->timer_at, .work_at = m->work_at,
		.kptrs = m->kptrs, .nr_kptrs = m->nr_kptrs,
		.mem = m->ops->values(m), .window = (uintptr_t)m->window,
		.known = map_arena_known(m),
		.there = map_is_there };
	runtime_lock(rt);
	while (i < rt->maps.n && rt->maps.v[i])
		i++;
	if (i == rt->maps.cap)
		maps_grow(rt);
	__atomic_store_n(&rt->maps.v[i], r, __ATOMIC_RELEASE);
	if (i == rt->maps.n)
		__atomic_store_n(&rt->maps.n, i + 1, __ATOMIC_RELEASE);
	rt->resort = true;
	if (map_holds_maps(m->type)) {
		rt->run.inner_map = rt_inner_map;
		rt->run.inner_at = rt_inner_at;
	}
	runtime_unlock(rt);
	runtime_changed(rt);
	return (u32)i;
}

static void gone(struct runtime *rt, size_t i)
{
	struct runtime_map *r = rt->maps.v[i];

	rt->shared -= share_has_cpus(r->m);
	runtime_sleeper_end(r);
	map_free(r->m);
	if (r->event_fd >= 0)
		close(r->event_fd);
	free(r);
	__atomic_store_n(&rt->maps.v[i], NULL, __ATOMIC_RELEASE);
	rt->resort = true;
}

static void reap_locked(struct runtime *rt)
{
	__atomic_store_n(&rt->dead, 0, __ATOMIC_RELAXED);
	for (size_t i = 0; i < rt->maps.n; i++)
		if (rt->maps.v[i] && !__atomic_load_n(&rt->maps.v[i]->held, __ATOMIC_ACQUIRE))
			gone(rt, i);
}

void runtime_reap(struct runtime *rt)
{
	runtime_lock(rt);
	if (__atomic_load_n(&rt->dead, __ATOMIC_ACQUIRE) && runtime_idle(rt))
		reap_locked(rt);
	runtime_unlock(rt);
}

int rt_map_like(struct backend *b, u32 outer, u32 *number, struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	const struct map *m = rt_map(b, outer);
	struct map_attr attr;
	struct map *new;
	int r;

	if (!m || !map_holds_maps(m->type))
		return err_set(err, ERR_MAP_TYPE, NULL, "map '%s' is no map of maps",
			       m ? m->name : "");
	attr = m->inner;
	runtime_reap(rt);
	r = runtime_map_make(rt, &attr, &new, err);
	if (!r)
		*number = runtime_map_add(rt, new);
	return r;
}

int rt_map_drop(struct backend *b, u32 map)
{
	if (!rt_map(b, map))
		return -EBADF;
	runtime_held(rt_of(b), map, -1);
	runtime_reap(rt_of(b));
	return 0;
}

/* Maps of maps first, as they tell of those in them. */
void runtime_maps_free(struct runtime *rt)
{
	for (int inner = 0; inner < 2; inner++)
		for (size_t i = 0; i < rt->maps.n; i++)
			if (rt->maps.v[i] && (inner || map_holds_maps(rt->maps.v[i]->m->type)))
				gone(rt, i);
	free(rt->by_map);
	free(rt->by_addr);
	vec_free(&rt->maps);
	for (size_t i = 0; i < rt->old.n; i++)
		free(rt->old.v[i]);
	vec_free(&rt->old);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c: objects lie in slabs of one size each, in one area that is committed
 * as it is used: which object holds an address is told by the address. One that a map
 * value had may have been read there by other executions, and by the one that drops it:
 * its memory stays as it is until all of these have ended.
 */
#include "call/object.h"
#include "base/os.h"
#include "call/bodies.h"
#include "btf/btf.h"
#include "maps/map.h"
#include <stdlib.h>

enum {
	SLAB_BYTES = 1 << 16, SLABS = 1 << 14,	/* 1 GB at most */
	CLASS_MIN = 6, CLASS_MAX = 13,		/* sizes are powers of two */
	OBJECT_MAX = 4096 - 8,			/* the kernel's allocator has no more */
	MARK_DROPPED = 256,	/* so many at once: to look who runs costs all threads */
	FREE_MAX = 32,		/* at once, with the lock held */
};

/* Before each; its memory is the object's. */
struct object {
	struct objects *owner;
	u64 next;		/* of those that are free, or dropped: address */
	u32 bytes;
	u32 refs;		/* 0: it is free, or dropped */
	u32 held;		/* of these by map values */
	u16 kind;
	u16 shown;		/* a map value has it, or had: others may look at it */
};

struct objects {
	u8 *base;
	u32 lock;			/* of what is free */
	u32 nr;				/* slabs in use */
	u8 classes[SLABS];
	u64 free[CLASS_MAX + 1];	/* addresses of the first, 0 none */
	u64 dropped;		/* those that others may look at: the first */
	u32 nr_dropped;
	u64 leaving;		/* those that were dropped before SEEN was marked */
	const struct run_sections *sections;	/* or NULL */
	u64 *seen;		/* executions under way then, of each cpu */
};

static struct object *head_of(u64 at) { return (struct object *)call_ptr(at) - 1; }

/* The object whose memory has ADDR, or NULL. It may be free. */
static struct object *slot_at(const struct objects *o, u64 addr)
{
	u64 off = addr - (uintptr_t)o->base, slab = off / SLAB_BYTES;
	struct object *obj;

	if (!o->base || slab >= __atomic_load_n(&o->nr, __ATOMIC_ACQUIRE))
		return NULL;
	off = (off >> o->classes[slab] << o->classes[slab]);
	obj = (struct object *)(o->base + off);
	return addr - (uintptr_t)(obj + 1) < obj->bytes ? obj : NULL;
}

static struct object *object_at(const struct objects *o, u64 addr)
{
	struct object *obj = slot_at(o, addr);

	return obj && __atomic_load_n(&obj->refs, __ATOMIC_RELAXED) ? obj : NULL;
}

/* For the engine: what map values have, or had, may be used by others, too. */
static bool held_at(struct run *run, u64 addr, struct lent *l)
{
	const struct object *obj = slot_at(run->objects, addr);

	if (!obj || !__atomic_load_n(&obj->shown, __ATOMIC_RELAXED))
		return false;
	*l = (struct lent){ (void *)(uintptr_t)(obj + 1), obj->bytes, "object",
			    obj->kind != LENT_OBJECT, (enum lent_kind)obj->kind, NULL };
	return true;
}

static struct objects *objects_of(struct run *run)
{
	struct objects *o = run->objects;

	if (!o) {
		o = run->objects = mem_alloc(sizeof(*o));
		o->base = os_map_lazy((u64)SLABS * SLAB_BYTES);
		o->sections = run->sections;
		o->seen = mem_alloc((run->nr_cpus ? run->nr_cpus : 1) * sizeof(u64));
		run->held_at = held_at;
	}
	return o;
}

void objects_open(struct run *run) { objects_of(run); }

void objects_free(struct objects *o)
{
	if (!o)
		return;
	if (o->base)
		os_unmap(o->base, (u64)SLABS * SLAB_BYTES);
	free(o->seen);
	free(o);
}

void objects_keep(struct objects *o, keep_fn keep, void *arg)
{
	if (!o)
		return;
	keep(arg, KEEP_BYTES, o, sizeof(*o));
	if (o->base)
		keep(arg, KEEP_AREA, o->base, (u64)SLABS * SLAB_BYTES);
}

/* ---- what is free ------------------------------------------------------------------- */

/* OBJ may be another one. O's lock is held. */
static void set_free(struct objects *o, struct object *obj)
{
	u32 class = o->classes[((uintptr_t)obj - (uintptr_t)o->base) / SLAB_BYTES];

	__atomic_store_n(&obj->shown, 0, __ATOMIC_RELAXED);
	obj->next = o->free[class];
	o->free[class] = (uintptr_t)obj;
}

/* Frees some of what nobody can look at any more; after all of it it is the turn of what
 * was dropped since. */
static void reclaim(struct objects *o)
{
	if (o->leaving && o->sections && !o->sections->left(o->sections->arg, o->seen))
		return;
	for (u32 i = 0; i < FREE_MAX && o->leaving; i++) {
		struct object *obj = call_ptr(o->leaving);

		o->leaving = obj->next;
		set_free(o, obj);
	}
	if (o->leaving || o->nr_dropped < MARK_DROPPED ||
	    (o->sections && !o->sections->mark(o->sections->arg, o->seen)))
		return;
	o->leaving = o->dropped;
	o->dropped = o->nr_dropped = 0;
}

/* A slab more of free ones; false when there is no room. */
static bool slab_add(struct objects *o, u32 class)
{
	u64 slab = (uintptr_t)o->base + (u64)o->nr * SLAB_BYTES;

	if (!o->base || o->nr == SLABS)
		return false;
	o->classes[o->nr] = (u8)class;
	for (u64 off = SLAB_BYTES; off; off -= 1ull << class) {
		struct object *obj = call_ptr(slab + off - (1ull << class));

		obj->next = o->free[class];
		o->free[class] = (uintptr_t)obj;
	}
	__atomic_store_n(&o->nr, o->nr + 1, __ATOMIC_RELEASE);
	return true;
}

/* Takes one out of those of CLASS that are free, or NULL. */
static struct object *object_take(struct objects *o, u32 class)
{
	struct object *obj = NULL;

	map_spin_lock(&o->lock, MAP_USER);
	if (!o->free[class])
		reclaim(o);
	if (o->free[class] || slab_add(o, class)) {
		obj = call_ptr(o->free[class]);
		o->free[class] = obj->next;
	}
	map_spin_unlock(&o->lock);
	return obj;
}

/* A reference that a program has not given back. */
static void drop(void *mem)
{
	object_put((uintptr_t)mem);
}

static u64 lend_object(struct run *run, struct object *obj)
{
	struct lent l = { obj + 1, obj->bytes, "object", false, (enum lent_kind)obj->kind, drop };

	static const char *const names[] = { [LENT_CPUMASK] = "cpumask", [LENT_OBJECT] = "object",
		[LENT_TASK] = "task", [LENT_CGROUP] = "cgroup" };

	l.name = names[obj->kind];
	l.read_only = obj->kind != LENT_OBJECT;
	if (run->lend)
		run->lend(run, &l);
	return (uintptr_t)(obj + 1);
}

/* One with a reference, and HELD by a map value or not. */
static struct object *object_make(struct objects *o, u64 bytes, enum lent_kind kind, u32 held)
{
	struct object *obj;
	u32 class = CLASS_MIN;

	while (class <= CLASS_MAX && 1ull << class < bytes + sizeof(*obj))
		class++;
	obj = class > CLASS_MAX ? NULL : object_take(o, class);
	if (!obj)
		return NULL;
	*obj = (struct object){ .owner = o, .bytes = (u32)bytes, .refs = 1, .held = held,
				.kind = (u16)kind, .shown = held != 0 };
	memset(obj + 1, 0, bytes);
	return obj;
}

u64 object_new(struct run *run, u64 bytes, enum lent_kind kind)
{
	struct object *obj = object_make(objects_of(run), bytes, kind, 0);

	return obj ? lend_object(run, obj) : 0;
}

u64 object_keep(struct objects *o, const void *from, u64 bytes, enum lent_kind kind)
{
	struct object *obj = object_make(o, bytes, kind, 1);

	return obj ? (uintptr_t)memcpy(obj + 1, from, bytes) : 0;
}

void *object_of_kind(const struct objects *o, u64 at, enum lent_kind kind)
{
	struct object *obj = object_at(o, at);

	return obj && (uintptr_t)(obj + 1) == at && obj->kind == kind ? call_ptr(at) : NULL;
}

u64 object_get(struct run *run, u64 at)
{
	struct object *obj = head_of(at);
	u32 refs = __atomic_load_n(&obj->refs, __ATOMIC_RELAXED);

	do {
		if (!refs)	/* it is going */
			return 0;
	} while (!__atomic_compare_exchange_n(&obj->refs, &refs, refs + 1, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return lend_object(run, obj);
}

void object_put(u64 at)
{
	struct object *obj = head_of(at);
	struct objects *o = obj->owner;

	if (__atomic_sub_fetch(&obj->refs, 1, __ATOMIC_ACQ_REL))
		return;
	map_spin_lock(&o->lock, MAP_USER);
	if (obj->shown) {
		obj->next = o->dropped;
		o->dropped = (uintptr_t)obj;
		o->nr_dropped++;
	} else {
		set_free(o, obj);
	}
	map_spin_unlock(&o->lock);
}

void object_gone(void *objects, u64 at)
{
	struct object *obj = object_at(objects, at);

	if (!obj || (uintptr_t)(obj + 1) != at || !__atomic_load_n(&obj->held, __ATOMIC_RELAXED))
		return;
	__atomic_fetch_sub(&obj->held, 1, __ATOMIC_RELAXED);
	object_put(at);
}

/* ---- bodies -------------------------------------------------------------------------- */

/* A type of the program's own object. */
HELPER_BODY(kfunc_obj_new_impl)
{
	u64 bytes = run->btf ? btf_bytes(run->btf, (u32)r1) : 0;

	return bytes && bytes <= OBJECT_MAX ? object_new(run, bytes, LENT_OBJECT) : 0;
}

HELPER_BODY(kfunc_obj_drop_impl)
{
	object_put(r1);
	return 0;
}

/* The engine has taken the reference to R2, if there is one: it is the map's now,
 * and what the map had is the program's. */
HELPER_BODY(call_kptr_xchg)
{
	u64 *slot = call_ptr(r1), old;

	if (r2) {
		__atomic_fetch_add(&head_of(r2)->held, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&head_of(r2)->shown, 1, __ATOMIC_RELAXED);
	}
	old = __atomic_exchange_n(slot, r2, __ATOMIC_ACQ_REL);
	if (!old)
		return 0;
	__atomic_fetch_sub(&head_of(old)->held, 1, __ATOMIC_RELAXED);
	return lend_object(run, head_of(old));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.c: BPF_MAP_TYPE_QUEUE and STACK: a ring of values with one free place
 * more than max_entries, under the area's lock. Values are copied in and out;
 * programs hold no pointers to them.
 */
#include "maps/area.h"

enum {
	QUEUE_FLAGS = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY |
		      BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
};

/* In the area, behind the head. Changes are one store of both, so that who dies in
 * one leaves the queue before or after it. */
struct ring {
	union {
		struct { u32 head, tail; };	/* where the next goes; where the oldest is */
		u64 both;
	};
	u32 pad[AREA_LINE / 4 - 2];
};
_Static_assert(sizeof(struct ring) == AREA_LINE, "a line");

static int queue_check(const struct map_attr *a, struct skep_err *err)
{
	return attr_keyless(a, QUEUE_FLAGS, err);
}

static u64 queue_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + sizeof(struct ring) +
	       ((u64)a->max_entries + 1) * round_up(a->value_size, 8);
}

static void queue_init(struct map *m)
{
	m->index = m->mem + sizeof(struct area_head);
	m->elems = (u8 *)m->index + sizeof(struct ring);
	m->elem_stride = m->value_stride;
	m->nr_elems = m->max_entries;
}

static struct map_mem queue_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = m->value_stride };
}

/* Places are 0..max_entries; what a shared file says is checked. */
static u32 place(const struct map *m, u32 at)
{
	return at <= m->max_entries ? at : 0;
}

static u32 after(const struct map *m, u32 at)
{
	return at < m->max_entries ? at + 1 : 0;
}

static u32 before(const struct map *m, u32 at) { return at ? at - 1 : m->max_entries; }

static u8 *value_at(const struct map *m, u32 at)
{
	return m->elems + place(m, at) * m->elem_stride;
}

static struct ring ring_now(const struct map *m)
{
	return (struct ring){ .both = load_relaxed(&((const struct ring *)m->index)->both) };
}

static void ring_set(struct map *m, struct ring now)
{
	store_release(&((struct ring *)m->index)->both, now.both);
}

static int push_locked(struct map *m, const void *value, u64 flags)
{
	struct ring now = ring_now(m);

	if (after(m, now.head) == now.tail) {
		if (!(flags & BPF_EXIST))
			return -E2BIG;
		now.tail = after(m, now.tail);
	}
	words_set((u64 *)value_at(m, now.head), value, m->value_size);
	now.head = after(m, place(m, now.head));
	ring_set(m, now);
	return 0;
}

static int queue_push(struct map *m, const void *value, u64 flags, u32 cpu)
{
	u32 *lock = &area_head(m)->lock;
	int r;

	if (flags & ~(u64)BPF_EXIST)
		return -EINVAL;
	area_lock(m, lock);
	r = push_locked(m, value, flags);
	lock_drop(lock);
	return r;
}

static int get_locked(struct map *m, void *value, bool keep)
{
	struct ring now = ring_now(m);
	bool stack = m->type == BPF_MAP_TYPE_STACK;
	u32 at;

	if (now.head == now.tail)
		return -ENOENT;
	at = stack ? before(m, place(m, now.head)) : now.tail;
	words_get(value, (u64 *)value_at(m, at), m->value_size);
	if (keep)
		return 0;
	if (stack)
		now.head = at;
	else
		now.tail = after(m, place(m, at));
	ring_set(m, now);
	return 0;
}

/* The oldest value of a queue, the newest of a stack. */
static int queue_get(struct map *m, void *value, bool keep, u32 cpu)
{
	u32 *lock = &area_head(m)->lock;
	int r;

	memset(value, 0, m->value_size);
	area_lock(m, lock);
	r = get_locked(m, value, keep);
	lock_drop(lock);
	return r;
}

static int queue_pop(struct map *m, void *value, u32 cpu)
{
	return queue_get(m, value, false, cpu);
}

static int queue_peek(struct map *m, void *value, u32 cpu)
{
	return queue_get(m, value, true, cpu);
}

static void *no_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }
static int no_remove(struct map *m, const void *key, u32 cpu) { return -EINVAL; }
static int no_next_key(struct map *m, const void *key, void *next) { return -EINVAL; }

static s64 no_update(struct map *m, const void *key, const void *value,
		     u64 flags, u32 cpu)
{
	return -EINVAL;
}

static u64 queue_count(const struct map *m)
{
	struct ring now = ring_now(m);
	u32 head = place(m, now.head), tail = place(m, now.tail);

	return head >= tail ? head - tail : (u64)head + m->max_entries + 1 - tail;
}

/* From the one that is popped first. */
static bool queue_nth(struct map *m, u64 n, void *value)
{
	u64 at, size = (u64)m->max_entries + 1;
	struct ring now;
	u32 *lock = &area_head(m)->lock;
	bool there;

	area_lock(m, lock);
	now = ring_now(m);
	there = n < queue_count(m);
	at = m->type == BPF_MAP_TYPE_STACK ? place(m, now.head) + size - 1 - n :
					     place(m, now.tail) + n;
	if (there)
		words_get(value, (u64 *)value_at(m, (u32)(at % size)), m->value_size);
	lock_drop(lock);
	return there;
}

#define QUEUE_OPS(number) { \
	.type = number, .check = queue_check, .bytes = queue_bytes, \
	.init = queue_init, .values = queue_values, .lookup = no_lookup, \
	.update = no_update, .remove = no_remove, .next_key = no_next_key, \
	.push = queue_push, .pop = queue_pop, .peek = queue_peek, \
	.nth = queue_nth, .count = queue_count, .shares = true }

const struct map_ops queue_ops = QUEUE_OPS(BPF_MAP_TYPE_QUEUE);
const struct map_ops stack_ops = QUEUE_OPS(BPF_MAP_TYPE_STACK);

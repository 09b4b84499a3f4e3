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

/* In the area, behind the head. */
struct ring {
	u32 head, tail;	/* where the next goes; where the oldest is */
	u32 pad[AREA_LINE / 4 - 2];
};

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

static int queue_push(struct map *m, const void *value, u64 flags, u32 cpu)
{
	struct ring *ring = m->index;
	u32 *lock = &area_head(m)->lock;
	int r = 0;

	if (flags & ~(u64)BPF_EXIST)
		return -EINVAL;
	lock_take(lock, lock_owner(cpu));
	if (after(m, ring->head) == ring->tail) {
		if (flags & BPF_EXIST)
			store_relaxed(&ring->tail, after(m, ring->tail));
		else
			r = -E2BIG;
	}
	if (!r) {
		words_set((u64 *)value_at(m, ring->head), value, m->value_size);
		store_relaxed(&ring->head, after(m, place(m, ring->head)));
	}
	lock_drop(lock);
	return r;
}

/* The oldest value of a queue, the newest of a stack. */
static int queue_get(struct map *m, void *value, bool keep, u32 cpu)
{
	struct ring *ring = m->index;
	u32 *lock = &area_head(m)->lock;
	bool stack = m->type == BPF_MAP_TYPE_STACK;
	u32 at;
	int r = -ENOENT;

	memset(value, 0, m->value_size);
	lock_take(lock, lock_owner(cpu));
	if (ring->head != ring->tail) {
		at = stack ? before(m, place(m, ring->head)) : ring->tail;
		words_get(value, (u64 *)value_at(m, at), m->value_size);
		if (!keep && stack)
			store_relaxed(&ring->head, at);
		else if (!keep)
			store_relaxed(&ring->tail, after(m, place(m, at)));
		r = 0;
	}
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

static int no_update(struct map *m, const void *key, const void *value,
		     u64 flags, u32 cpu)
{
	return -EINVAL;
}

static u64 queue_count(const struct map *m)
{
	const struct ring *ring = m->index;
	u32 head = load_relaxed(&ring->head), tail = load_relaxed(&ring->tail);

	return head >= tail ? head - tail : (u64)head + m->max_entries + 1 - tail;
}

/* From the one that is popped first. */
static bool queue_nth(struct map *m, u64 n, void *value)
{
	const struct ring *ring = m->index;
	u64 at, size = (u64)m->max_entries + 1;
	u32 *lock = &area_head(m)->lock;
	bool there;

	lock_take(lock, lock_owner(MAP_USER));
	there = n < queue_count(m);
	at = m->type == BPF_MAP_TYPE_STACK ? ring->head + size - 1 - n : ring->tail + n;
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
	.nth = queue_nth, .count = queue_count }

const struct map_ops queue_ops = QUEUE_OPS(BPF_MAP_TYPE_QUEUE);
const struct map_ops stack_ops = QUEUE_OPS(BPF_MAP_TYPE_STACK);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fd_array.c: PROG_ARRAY and ARRAY_OF_MAPS, which user space
 * fills in the kernel with file descriptors: here slots of numbers + 1, 0 when
 * empty. What a number means is the runtime's business. Programs change none.
 */
#include "maps/area.h"

enum {
	ARRAY_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_NUMA_NODE,
};

static int fd_check(const struct map_attr *a, struct skep_err *err)
{
	int r = attr_slots(a, ARRAY_FLAGS, err);

	return r || a->type != BPF_MAP_TYPE_ARRAY_OF_MAPS ? r : inner_check(a, err);
}

static u64 fd_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + 4ull * a->max_entries;
}

static void fd_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->elem_stride = 4;
	m->nr_elems = m->max_entries;
}

/* No value is for programs to touch. */
static struct map_mem fd_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = 4 };
}

static u32 *slot_of(const struct map *m, u32 index)
{
	return index < m->nr_elems ? (u32 *)m->elems + index : NULL;
}

static u32 *slot_at(const struct map *m, const void *key)
{
	u32 i;

	memcpy(&i, key, sizeof(i));
	return slot_of(m, i);
}

s64 map_fd_slot(const struct map *m, u32 index)
{
	const u32 *slot = slot_of(m, index);

	return slot ? (s64)load_acquire(slot) - 1 : -1;
}

/* Programs see no values; user space asks map_fd_slot. */
static void *fd_lookup(struct map *m, const void *key, u32 cpu)
{
	return NULL;
}

static void *outer_lookup(struct map *m, const void *key, u32 cpu)
{
	u32 *slot = slot_at(m, key), number = slot ? load_acquire(slot) : 0;

	return number ? inner_lend(m, number - 1) : NULL;
}

static int fd_update(struct map *m, const void *key, const void *value,
		     u64 flags, u32 cpu)
{
	u32 *slot = slot_at(m, key), number;
	int r = 0;

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags != BPF_ANY)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	memcpy(&number, value, sizeof(number));
	if (number == UINT32_MAX)
		return -EBADF;
	if (m->type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		r = inner_fits(m, number);
	if (r)
		return r;
	inner_hold(m, number);
	inner_drop(m, (s64)__atomic_exchange_n(slot, number + 1, __ATOMIC_ACQ_REL) - 1);
	return 0;
}

static int fd_remove(struct map *m, const void *key, u32 cpu)
{
	u32 *slot = slot_at(m, key), old;

	if (cpu != MAP_USER)
		return -EPERM;
	if (!slot)
		return -E2BIG;
	old = __atomic_exchange_n(slot, 0, __ATOMIC_ACQ_REL);
	inner_drop(m, (s64)old - 1);
	return old ? 0 : -ENOENT;
}

static u64 fd_count(const struct map *m)
{
	u64 n = 0;

	for (u32 i = 0; i < m->nr_elems; i++)
		n += load_relaxed(slot_of(m, i)) != 0;
	return n;
}

static int fd_next_key(struct map *m, const void *key, void *next)
{
	return array_ops.next_key(m, key, next);
}

#define FD_ARRAY_OPS(number, lookup_fn) { \
	.type = number, .check = fd_check, .bytes = fd_bytes, \
	.init = fd_init, .values = fd_values, .lookup = lookup_fn, \
	.update = fd_update, .remove = fd_remove, .next_key = fd_next_key, \
	.count = fd_count }

const struct map_ops prog_array_ops =
	FD_ARRAY_OPS(BPF_MAP_TYPE_PROG_ARRAY, fd_lookup);
const struct map_ops array_of_maps_ops =
	FD_ARRAY_OPS(BPF_MAP_TYPE_ARRAY_OF_MAPS, outer_lookup);

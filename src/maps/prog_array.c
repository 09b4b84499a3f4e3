/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_array.c: BPF_MAP_TYPE_PROG_ARRAY: slots of program numbers + 1, 0 when
 * empty. What a number means is the runtime's business; programs reach the
 * slots through bpf_tail_call only.
 */
#include "maps/area.h"

enum { PROG_ARRAY_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY };

static int prog_check(const struct map_attr *a, struct skep_err *err)
{
	int r = attr_check(a, PROG_ARRAY_FLAGS, err);

	if (r)
		return r;
	if (a->key_size != 4)
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not 4",
				   a->key_size);
	if (a->value_size != 4)
		return attr_refuse(a, err, "EINVAL", "value_size is %u, not 4",
				   a->value_size);
	return 0;
}

static u64 prog_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + 4ull * a->max_entries;
}

static void prog_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->elem_stride = 4;
	m->nr_elems = m->max_entries;
}

/* No value is for programs to touch. */
static struct map_mem prog_values(const struct map *m)
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

s64 map_prog_slot(const struct map *m, u32 index)
{
	const u32 *slot = slot_of(m, index);

	return slot ? (s64)load_acquire(slot) - 1 : -1;
}

/* Programs see no values; user space asks map_prog_slot. */
static void *prog_lookup(struct map *m, const void *key, u32 cpu)
{
	return NULL;
}

static int prog_update(struct map *m, const void *key, const void *value,
		       u64 flags, u32 cpu)
{
	u32 *slot = slot_at(m, key), number;

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags != BPF_ANY)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	memcpy(&number, value, sizeof(number));
	if (number == UINT32_MAX)
		return -EBADF;
	store_release(slot, number + 1);
	return 0;
}

static int prog_remove(struct map *m, const void *key, u32 cpu)
{
	u32 *slot = slot_at(m, key);

	if (cpu != MAP_USER)
		return -EPERM;
	if (!slot)
		return -E2BIG;
	return __atomic_exchange_n(slot, 0, __ATOMIC_ACQ_REL) ? 0 : -ENOENT;
}

static u64 prog_count(const struct map *m)
{
	u64 n = 0;

	for (u32 i = 0; i < m->nr_elems; i++)
		n += load_relaxed(slot_of(m, i)) != 0;
	return n;
}

static int prog_next_key(struct map *m, const void *key, void *next)
{
	return array_ops.next_key(m, key, next);
}

const struct map_ops prog_array_ops = {
	.type = BPF_MAP_TYPE_PROG_ARRAY, .check = prog_check,
	.bytes = prog_bytes, .init = prog_init, .values = prog_values,
	.lookup = prog_lookup, .update = prog_update, .remove = prog_remove,
	.next_key = prog_next_key, .count = prog_count,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cgroup_array.c: CGROUP_ARRAY, which user space fills with descriptors of cgroups: here
 * slots with their ids, 0 when empty. Programs ask whether somebody is in one.
 */
#include "maps/area.h"
#include "base/os.h"

enum { FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_NUMA_NODE };

static int cg_check(const struct map_attr *a, struct skep_err *err)
{
	return attr_slots(a, FLAGS, err);
}

static u64 cg_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + 8ull * a->max_entries;
}

static void cg_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->elem_stride = 8;
	m->nr_elems = m->max_entries;
}

/* No value is for programs to touch. */
static struct map_mem cg_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = 8 };
}

static u64 *slot_of(const struct map *m, u32 index)
{
	return index < m->nr_elems ? (u64 *)m->elems + index : NULL;
}

static u64 *slot_at(const struct map *m, const void *key)
{
	u32 i;

	memcpy(&i, key, sizeof(i));
	return slot_of(m, i);
}

s64 map_cgroup_slot(const struct map *m, u32 index)
{
	const u64 *slot = slot_of(m, index);

	return slot ? (s64)load_relaxed(slot) : -1;
}

static void *cg_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }

static int cg_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	u64 *slot = slot_at(m, key), id;
	s32 fd;

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags != BPF_ANY)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	memcpy(&fd, value, sizeof(fd));
	id = os_cgroup_of_fd(fd);
	if (!id)
		return -EBADF;
	store_relaxed(slot, id);
	return 0;
}

static int cg_remove(struct map *m, const void *key, u32 cpu)
{
	u64 *slot = slot_at(m, key);

	if (cpu != MAP_USER)
		return -EPERM;
	if (!slot)
		return -E2BIG;
	return __atomic_exchange_n(slot, 0, __ATOMIC_RELAXED) ? 0 : -ENOENT;
}

static u64 cg_count(const struct map *m)
{
	u64 n = 0;

	for (u32 i = 0; i < m->nr_elems; i++)
		n += load_relaxed(slot_of(m, i)) != 0;
	return n;
}

static int cg_next_key(struct map *m, const void *key, void *next)
{
	return array_ops.next_key(m, key, next);
}

const struct map_ops cgroup_array_ops = {
	.type = BPF_MAP_TYPE_CGROUP_ARRAY, .check = cg_check, .bytes = cg_bytes,
	.init = cg_init, .values = cg_values, .lookup = cg_lookup, .update = cg_update,
	.remove = cg_remove, .next_key = cg_next_key, .count = cg_count,
};

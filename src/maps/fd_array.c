/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fd_array.c: PROG_ARRAY, ARRAY_OF_MAPS and CGROUP_ARRAY, which user space fills in the
 * kernel with file descriptors: here slots of 8 bytes, 0 when empty, with a number + 1,
 * whose meaning is the runtime's business, or the id of a cgroup. Programs change none.
 */
#include "maps/area.h"
#include "base/os.h"

enum { FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_NUMA_NODE };

static int fd_check(const struct map_attr *a, struct skep_err *err)
{
	int r = attr_slots(a, FLAGS, err);

	return r || a->type != BPF_MAP_TYPE_ARRAY_OF_MAPS ? r : inner_check(a, err);
}

static u64 fd_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + sizeof(u64) * (u64)a->max_entries;
}

static void fd_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->elem_stride = sizeof(u64);
	m->nr_elems = m->max_entries;
}

/* No value is for programs to touch. */
static struct map_mem fd_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = sizeof(u64) };
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

	return slot ? (s64)load_acquire(slot) : -1;
}

s64 map_fd_slot(const struct map *m, u32 index)
{
	s64 word = map_cgroup_slot(m, index);

	return word > 0 ? word - 1 : -1;
}

/* Programs see no values; user space asks map_fd_slot. */
static void *fd_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }

static void *outer_lookup(struct map *m, const void *key, u32 cpu)
{
	const u64 *slot = slot_at(m, key);
	u64 word = slot ? load_acquire(slot) : 0;

	return word ? inner_lend(m, (u32)(word - 1)) : NULL;
}

/* What a slot gets for the number of a program or map. */
static int number_word(const struct map *m, u32 number, u64 *word)
{
	*word = number + 1ull;
	if (number == UINT32_MAX)
		return -EBADF;
	return m->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ? inner_fits(m, number) : 0;
}

static int cgroup_word(u32 fd, u64 *word)
{
	*word = os_cgroup_of_fd((s32)fd);
	return *word ? 0 : -EBADF;
}

static u64 exchange(struct map *m, u64 *slot, u64 word)
{
	bool holds = m->type == BPF_MAP_TYPE_ARRAY_OF_MAPS;
	u64 old;

	if (holds)
		inner_hold(m, (s64)word - 1);
	old = __atomic_exchange_n(slot, word, __ATOMIC_ACQ_REL);
	if (holds)
		inner_drop(m, (s64)old - 1);
	return old;
}

static s64 fd_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	u64 *slot = slot_at(m, key), word;
	u32 number;
	int r;

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags != BPF_ANY)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	memcpy(&number, value, sizeof(number));
	r = m->type == BPF_MAP_TYPE_CGROUP_ARRAY ? cgroup_word(number, &word) :
						   number_word(m, number, &word);
	if (!r)
		exchange(m, slot, word);
	return r;
}

static int fd_remove(struct map *m, const void *key, u32 cpu)
{
	u64 *slot = slot_at(m, key);

	if (cpu != MAP_USER)
		return -EPERM;
	if (!slot)
		return -E2BIG;
	return exchange(m, slot, 0) ? 0 : -ENOENT;
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
const struct map_ops cgroup_array_ops =
	FD_ARRAY_OPS(BPF_MAP_TYPE_CGROUP_ARRAY, fd_lookup);

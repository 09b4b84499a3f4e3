/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netdev.c: DEVMAP, DEVMAP_HASH, CPUMAP and XSKMAP: where bpf_redirect_map
 * sends packets. A value is two words: an ifindex, a queue size or a mark that
 * the place is taken; then a program or a socket. Any ifindex will do: the
 * interfaces of the embedded engine are those of its user.
 */
#include "maps/area.h"

enum {
	DEV_FLAGS = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY,
	CPUS_MAX = 8192,	/* NR_CPUS of distributions' kernels */
	CPU_QUEUE_MAX = 16384,
};

/* One 8-byte word, so that it changes in one step; 0 = no such element. */
struct target {
	u32 what;	/* ifindex, queue size, 1 for a socket */
	u32 with;	/* program or socket */
};

/* Values may have a second word, which names a program. */
static int sizes_check(const struct map_attr *a, u32 mask, struct skep_err *err)
{
	int r = attr_check(a, mask, err);

	if (r)
		return r;
	if (a->key_size != 4)
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not 4",
				   a->key_size);
	if (a->value_size != 4 && a->value_size != 8)
		return attr_refuse(a, err, "EINVAL", "value_size is %u, not 4 or 8",
				   a->value_size);
	return 0;
}

static int dev_check(const struct map_attr *a, struct skep_err *err)
{
	return sizes_check(a, DEV_FLAGS, err);
}

static int xsk_check(const struct map_attr *a, struct skep_err *err)
{
	return attr_slots(a, DEV_FLAGS, err);
}

static int cpu_check(const struct map_attr *a, struct skep_err *err)
{
	int r = sizes_check(a, BPF_F_NUMA_NODE, err);

	if (!r && a->max_entries > CPUS_MAX)
		return attr_refuse(a, err, "E2BIG", "max_entries %u exceed %d cpus",
				   a->max_entries, CPUS_MAX);
	return r;
}

static u64 net_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + sizeof(struct target) * (u64)a->max_entries;
}

static void net_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->elem_stride = sizeof(struct target);
	m->nr_elems = m->max_entries;
}

/* Programs may read a struct bpf_devmap_val; nothing of the others. */
static struct map_mem net_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = sizeof(struct target),
		.nr = m->type == BPF_MAP_TYPE_DEVMAP ? m->nr_elems : 0,
		.value_bytes = m->value_size, .read_only = true };
}

static u64 *slot_at(const struct map *m, const void *key)
{
	u32 i;

	memcpy(&i, key, sizeof(i));
	return i < m->nr_elems ? (u64 *)m->elems + i : NULL;
}

static void *net_lookup(struct map *m, const void *key, u32 cpu)
{
	u64 *slot = slot_at(m, key);

	return slot && load_acquire(slot) ? slot : NULL;
}

static struct target target_of(const struct map *m, const void *value)
{
	struct target t = { 0 };

	memcpy(&t, value, m->value_size);
	if ((s32)t.with < 0)	/* no program */
		t.with = 0;
	return t;
}

static u64 target_word(struct target t)
{
	u64 word;

	memcpy(&word, &t, sizeof(word));
	return word;
}

static s64 dev_update(struct map *m, const void *key, const void *value,
		      u64 flags, u32 cpu)
{
	struct target t = target_of(m, value);
	u64 *slot = slot_at(m, key);

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	if (!t.what && t.with)
		return -EINVAL;
	store_release(slot, target_word(t));
	return 0;
}

static s64 cpu_update(struct map *m, const void *key, const void *value,
		      u64 flags, u32 cpu)
{
	struct target t = target_of(m, value);
	u64 *slot = slot_at(m, key);
	u32 index;

	if (cpu != MAP_USER)
		return -EPERM;
	memcpy(&index, key, sizeof(index));
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	if (t.what > CPU_QUEUE_MAX)
		return -EOVERFLOW;
	if (index >= m->cpus)
		return -ENODEV;
	store_release(slot, t.what ? target_word(t) : 0);
	return 0;
}

static s64 xsk_update(struct map *m, const void *key, const void *value,
		      u64 flags, u32 cpu)
{
	struct target t = { .what = 1 };
	u64 *slot = slot_at(m, key), was;

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	memcpy(&t.with, value, sizeof(t.with));
	was = load_acquire(slot);
	if (was && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!was && flags == BPF_EXIST)
		return -ENOENT;
	store_release(slot, target_word(t));
	return 0;
}

static int net_remove(struct map *m, const void *key, u32 cpu)
{
	u64 *slot = slot_at(m, key);

	if (cpu != MAP_USER)
		return -EPERM;
	if (!slot)
		return -EINVAL;
	store_release(slot, 0);
	return 0;
}

static int net_next_key(struct map *m, const void *key, void *next)
{
	return array_ops.next_key(m, key, next);
}

static u64 net_count(const struct map *m)
{
	u64 n = 0;

	for (u32 i = 0; i < m->nr_elems; i++)
		n += load_relaxed((u64 *)m->elems + i) != 0;
	return n;
}

/* ---- devices by any key ------------------------------------------------------ */

static u64 devhash_bytes(const struct map_attr *a, u32 cpus)
{
	return hash_ops.bytes(a, cpus);
}

static void devhash_init(struct map *m) { hash_ops.init(m); }
static void devhash_format(struct map *m) { hash_ops.format(m); }

static struct map_mem devhash_values(const struct map *m)
{
	struct map_mem mem = hash_ops.values(m);

	mem.read_only = true;
	return mem;
}

static void *devhash_lookup(struct map *m, const void *key, u32 cpu)
{
	return hash_ops.lookup(m, key, cpu);
}

static s64 devhash_update(struct map *m, const void *key, const void *value,
			  u64 flags, u32 cpu)
{
	struct target t = target_of(m, value);

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags > BPF_EXIST || !t.what)
		return -EINVAL;
	/* to the kernel's BPF_EXIST an element need not exist */
	return hash_ops.update(m, key, &t, flags & BPF_NOEXIST, cpu);
}

static int devhash_remove(struct map *m, const void *key, u32 cpu)
{
	return cpu == MAP_USER ? hash_ops.remove(m, key, cpu) : -EPERM;
}

static int devhash_next_key(struct map *m, const void *key, void *next)
{
	return hash_ops.next_key(m, key, next);
}

static u64 devhash_count(const struct map *m) { return hash_ops.count(m); }

#define NET_OPS(number, check_fn, update_fn) { \
	.type = number, .check = check_fn, .bytes = net_bytes, \
	.init = net_init, .values = net_values, .lookup = net_lookup, \
	.update = update_fn, .remove = net_remove, .next_key = net_next_key, \
	.count = net_count }

const struct map_ops devmap_ops = NET_OPS(BPF_MAP_TYPE_DEVMAP, dev_check, dev_update);
const struct map_ops cpumap_ops = NET_OPS(BPF_MAP_TYPE_CPUMAP, cpu_check, cpu_update);
const struct map_ops xskmap_ops = NET_OPS(BPF_MAP_TYPE_XSKMAP, xsk_check, xsk_update);
const struct map_ops devmap_hash_ops = {
	.type = BPF_MAP_TYPE_DEVMAP_HASH, .check = dev_check,
	.bytes = devhash_bytes, .init = devhash_init, .format = devhash_format,
	.values = devhash_values,
	.lookup = devhash_lookup, .update = devhash_update,
	.remove = devhash_remove, .next_key = devhash_next_key,
	.count = devhash_count,
};

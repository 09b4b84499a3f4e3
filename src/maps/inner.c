/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inner.c: HASH_OF_MAPS, and what all maps of maps share: their values are
 * numbers of inner maps, which the creator's inner_of() turns into maps. A map
 * that a program got by such a lookup is marked as lent: engines that check
 * take no other for an argument.
 */
#include "maps/area.h"
#include "base/os.h"
#include <stdlib.h>

bool map_holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

int inner_check(const struct map_attr *a, struct skep_err *err)
{
	const struct map_attr *in = a->inner;

	if (!in)
		return attr_refuse(a, err, "EBADF", "it has no inner map");
	if (map_holds_maps(in->type))
		return attr_refuse(a, err, "EINVAL", "its inner map holds maps itself");
	if (in->type == BPF_MAP_TYPE_PROG_ARRAY)
		return attr_refuse(a, err, "ENOTSUPP", "its inner map is a prog_array");
	return 0;
}

/* The kernel's rule: an array's size is part of its type, as it is inlined,
 * unless the template says that it is an inner map. */
static bool same_type(const struct map_attr *t, const struct map *m)
{
	if (t->type != m->type || t->key_size != m->key_size ||
	    t->value_size != m->value_size || t->map_flags != m->map_flags ||
	    t->lock_at != m->lock_at || t->timer_at != m->timer_at || t->work_at != m->work_at ||
	    t->nr_kptrs != m->nr_kptrs ||
	    memcmp(t->kptrs, m->kptrs, t->nr_kptrs * sizeof(*t->kptrs)) ||
	    memcmp(t->kptr_types, m->kptr_types, t->nr_kptrs * sizeof(*t->kptr_types)))
		return false;
	return t->type != BPF_MAP_TYPE_ARRAY || t->map_flags & BPF_F_INNER_MAP ||
	       t->max_entries == m->max_entries;
}

int inner_fits(const struct map *m, u32 number)
{
	const struct map *in = m->inner_of ? m->inner_of(m->inner_arg, number) : NULL;

	if (!in)
		return -EBADF;
	return same_type(&m->inner, in) ? 0 : -EINVAL;
}

void inner_hold(const struct map *m, s64 number)
{
	if (m->inner_held && number >= 0)
		m->inner_held(m->inner_arg, (u32)number, 1);
}

void inner_drop(const struct map *m, s64 number)
{
	if (m->inner_held && number >= 0)
		m->inner_held(m->inner_arg, (u32)number, -1);
}

void inner_drop_all(struct map *m)
{
	u8 *key = mem_alloc(m->key_size);
	void *value;
	u64 pos = 0;

	if (m->type == BPF_MAP_TYPE_ARRAY_OF_MAPS)
		for (u32 i = 0; i < m->nr_elems; i++)
			inner_drop(m, map_fd_slot(m, i));
	else
		while (hash_ops.walk(m, &pos, key, &value, 0))
			inner_drop(m, *(u32 *)value);
	free(key);
}

void *inner_lend(const struct map *m, u32 number)
{
	struct map *in = m->inner_of(m->inner_arg, number);

	if (in && !load_relaxed(&in->lent))
		store_relaxed(&in->lent, true);
	return in;
}

/* ---- a hash of maps --------------------------------------------------------- */

static int outer_check(const struct map_attr *a, struct skep_err *err)
{
	int r;

	if (a->value_size != 4)
		return attr_refuse(a, err, "EINVAL", "value_size is %u, not 4",
				   a->value_size);
	r = hash_ops.check(a, err);
	return r ? r : inner_check(a, err);
}

static u64 outer_bytes(const struct map_attr *a, u32 cpus)
{
	return hash_ops.bytes(a, cpus);
}

static void outer_init(struct map *m) { hash_ops.init(m); }
static void outer_format(struct map *m) { hash_ops.format(m); }

/* No value is for programs to touch. */
static struct map_mem outer_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = 4 };
}

static void *outer_peek(struct map *m, const void *key, u32 cpu)
{
	return hash_ops.lookup(m, key, cpu);
}

static void *outer_lookup(struct map *m, const void *key, u32 cpu)
{
	const u32 *number = hash_ops.lookup(m, key, cpu);

	return number ? inner_lend(m, load_relaxed(number)) : NULL;
}

static s64 number_at(struct map *m, const void *key)
{
	const u32 *number = hash_ops.lookup(m, key, MAP_USER);

	return number ? (s64)load_relaxed(number) : -1;
}

/* Under the area's lock, so that nobody drops the same map twice. */
static s64 outer_update(struct map *m, const void *key, const void *value,
			u64 flags, u32 cpu)
{
	u32 number, *lock = &area_head(m)->lock;
	s64 old;
	int r;

	if (cpu != MAP_USER)
		return -EPERM;
	memcpy(&number, value, sizeof(number));
	r = inner_fits(m, number);
	if (r)
		return r;
	area_lock(m, lock);
	old = number_at(m, key);
	inner_hold(m, number);
	r = hash_ops.update(m, key, value, flags, cpu);
	inner_drop(m, r ? (s64)number : old);
	lock_drop(lock);
	return r;
}

static int outer_remove(struct map *m, const void *key, u32 cpu)
{
	u32 *lock = &area_head(m)->lock;
	s64 old;
	int r;

	if (cpu != MAP_USER)
		return -EPERM;
	area_lock(m, lock);
	old = number_at(m, key);
	r = hash_ops.remove(m, key, cpu);
	if (!r)
		inner_drop(m, old);
	lock_drop(lock);
	return r;
}

static int outer_next_key(struct map *m, const void *key, void *next)
{
	return hash_ops.next_key(m, key, next);
}

static u64 outer_count(const struct map *m) { return hash_ops.count(m); }

const struct map_ops hash_of_maps_ops = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS, .check = outer_check,
	.bytes = outer_bytes, .init = outer_init, .format = outer_format,
	.values = outer_values,
	.lookup = outer_lookup, .peek_at = outer_peek, .update = outer_update,
	.remove = outer_remove, .next_key = outer_next_key, .count = outer_count,
};

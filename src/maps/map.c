/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c: creating and freeing maps, and the user's side of them: what bpf(2)
 * checks before it comes to the map type.
 */
#include "maps/area.h"
#include "base/hash.h"
#include "base/os.h"
#include "model/uapi.h"
#include <stdio.h>
#include <stdlib.h>

static const struct map_ops *const types[] = {
	&array_ops, &percpu_array_ops, &hash_ops, &percpu_hash_ops, &lru_hash_ops,
	&lru_percpu_hash_ops, &lpm_ops, &prog_array_ops, &cgroup_array_ops,
	&array_of_maps_ops, &hash_of_maps_ops, &queue_ops, &stack_ops, &bloom_ops,
	&devmap_ops, &devmap_hash_ops, &cpumap_ops, &xskmap_ops,
	&ringbuf_ops, &user_ringbuf_ops, &perf_event_array_ops,
	&sockmap_ops, &sockhash_ops, &reuseport_array_ops,
	&sk_storage_ops, &task_storage_ops, &inode_storage_ops, &cgrp_storage_ops,
	&cgroup_storage_ops, &percpu_cgroup_storage_ops, &stack_trace_ops,
	&arena_ops, &struct_ops_ops,
};

const struct map_ops *map_ops_of(u32 type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i]->type == type)
			return types[i];
	return NULL;
}

static void field_add(struct map *m, u32 at, u32 bytes)
{
	u32 i = m->nr_fields++;

	for (; i && m->fields[i - 1].at > at; i--)
		m->fields[i] = m->fields[i - 1];
	m->fields[i].at = at;
	m->fields[i].bytes = bytes;
}

static void fields_fill(struct map *m)
{
	if (m->lock_at)
		field_add(m, m->lock_at - 1, 4);
	if (m->timer_at)
		field_add(m, m->timer_at - 1, TIMER_BYTES);
	if (m->work_at)
		field_add(m, m->work_at - 1, TIMER_BYTES);
	for (u32 i = 0; i < m->nr_kptrs; i++)
		field_add(m, m->kptrs[i], 8);
}

static void map_fill(struct map *m, const struct map_ops *ops,
		     const struct map_attr *a, u32 cpus, u64 bytes)
{
	m->ops = ops;
	m->look = ops->lookup;
	m->watched = &m->watched_here;
	m->row = maptype_row(a->type);
	m->name = mem_strdup(a->name ? a->name : "");
	m->type = a->type;
	m->socks = map_holds_socks(a->type);
	m->key_size = a->key_size;
	m->value_size = a->value_size;
	m->max_entries = a->max_entries;
	m->map_flags = a->map_flags;
	m->map_extra = a->map_extra;
	m->cpus = cpus;
	m->owner = 1;
	m->value_stride = (u32)round_up(a->value_size, 8);
	m->lock_at = a->lock_at;
	m->timer_at = a->timer_at;
	m->work_at = a->work_at;
	m->timer_gone = a->timer_gone;
	m->timer_arg = a->timer_arg;
	memcpy(m->kptrs, a->kptrs, sizeof(m->kptrs));
	memcpy(m->kptr_types, a->kptr_types, sizeof(m->kptr_types));
	m->nr_kptrs = a->nr_kptrs;
	m->kptr_gone = a->kptr_gone;
	m->objects = a->objects;
	fields_fill(m);
	if (a->inner)
		m->inner = *a->inner;
	m->inner_of = a->inner_of;
	m->inner_held = a->inner_held;
	m->inner_arg = a->inner_arg;
	m->sock_of = a->sock_of;
	m->sock_arg = a->sock_arg;
	m->owner_of = a->owner_of;
	m->owner_lives = a->owner_lives;
	m->owner_arg = a->owner_arg;
	m->mem_bytes = bytes;
}

/* Keys that collide in one map do not in the next. */
static u64 seed_of(const struct map *m, u64 wanted)
{
	u64 entropy[2] = { os_clock_ns(), (uintptr_t)m->mem };

	if (wanted)
		entropy[0] = entropy[1] = wanted;
	return m->map_flags & BPF_F_ZERO_SEED ? 0 : hash_bytes(entropy, sizeof(entropy), 0);
}

static void head_fill(const struct map *m)
{
	*area_head(m) = (struct area_head){
		.magic = AREA_MAGIC, .version = AREA_VERSION, .type = m->type,
		.key_size = m->key_size, .value_size = m->value_size,
		.max_entries = m->max_entries, .map_flags = m->map_flags,
		.cpus = m->cpus, .map_extra = m->map_extra,
		.bytes = m->mem_bytes, .seed = m->seed,
	};
}

static int refuse_type(u32 type, const char *name, struct skep_err *err)
{
	const struct maptype_row *row = maptype_row(type);
	char have[512] = "";

	if (row) {
		for (size_t i = 0; i < ARRAY_LEN(types); i++)
			snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s%s",
				 i ? ", " : "", maptype_row(types[i]->type)->name);
		err_set(err, ERR_MAP_TYPE, NULL, "map '%s': type %s is not supported yet",
			name, row->name);
		err_help(err, "these types are: %s", have);
		return -ENOTSUP;
	}
	return err_set(err, ERR_MAP_TYPE, NULL,
		       "map '%s': there is no map type %u", name, type);
}

int map_check(const struct map_attr *a, struct skep_err *err)
{
	const struct map_ops *ops = map_ops_of(a->type);

	if (a->type == BPF_MAP_TYPE_STRUCT_OPS)
		return 0;		/* the kernel's type says all */
	return ops ? ops->check(a, err) : refuse_type(a->type, a->name ? a->name : "", err);
}

static void seed_set(struct map *m, u64 seed)
{
	m->seed = seed;
	m->salted = seed ^ HASH_SALT;
}

struct map *map_place(const struct map_attr *a, u32 cpus, u8 *mem, u64 seed)
{
	const struct map_ops *ops = map_ops_of(a->type);
	struct map *m = mem_alloc(sizeof(*m));

	map_fill(m, ops, a, cpus, ops->bytes(a, cpus));
	m->mem = mem;
	seed_set(m, seed);
	ops->init(m);
	return m;
}

int map_create(struct map **out, const struct map_attr *a, u32 cpus,
	       struct skep_err *err)
{
	const struct map_ops *ops = map_ops_of(a->type);
	const char *name = a->name ? a->name : "";
	struct map *m;
	u64 bytes;
	u8 *mem;
	int r;

	*out = NULL;
	if (!ops)
		return refuse_type(a->type, name, err);
	r = ops->check(a, err);
	if (r)
		return r;
	bytes = ops->bytes(a, cpus);
	mem = bytes >= AREA_TOO_BIG ? NULL :
	      ops->ring ? os_map_ring(AREA_PAGE, a->max_entries) :
			  os_map_dense(bytes, ops->dense ? ops->dense(a, cpus) : 0);
	if (!mem) {
		r = err_set(err, ERR_MAP_SIZE, NULL, "map '%s': %u entries "
			    "need %llu MB, which is not to be had (ENOMEM)",
			    name, a->max_entries, (unsigned long long)(bytes >> 20));
		err_help(err, "define fewer entries (max_entries), or smaller values");
		return r;
	}
	*out = m = map_place(a, cpus, mem, 0);
	seed_set(m, seed_of(m, a->seed));
	head_fill(m);
	if (ops->format)
		ops->format(m);
	r = ops->open ? ops->open(m, a, cpus, err) : 0;
	if (r) {
		map_free(m);
		*out = NULL;
	}
	return r;
}

static void retire_elements(struct map *m)
{
	u8 *key = mem_alloc(m->key_size);
	void *value;
	u64 pos = 0;

	while (m->ops->walk(m, &pos, key, &value, 0))
		value_retire(m, value);
	free(key);
}

void map_free(struct map *m)
{
	if (!m)
		return;
	if (m->inner_held)
		inner_drop_all(m);
	if (!m->store && (m->timer_at || m->work_at || m->nr_kptrs))
		retire_elements(m);
	if (m->ops->close)
		m->ops->close(m);
	map_free(m->store);
	if (m->share)
		share_close(m);
	map_counts_free(m);
	os_unmap(m->mem, m->mem_bytes);
	free((void *)(uintptr_t)m->name);
	free(m);
}

void map_keep(struct map *m, keep_fn keep, void *arg)
{
	u64 bytes = m->ops->ring ? AREA_PAGE + (u64)m->max_entries : m->mem_bytes;

	keep(arg, KEEP_AREA, m->mem, bytes);
	if (m->ops->ring)	/* the same memory, perhaps touched by its other address */
		keep(arg, KEEP_AREA, m->mem + bytes, m->max_entries);
	keep(arg, KEEP_BYTES, &m->lent, sizeof(m->lent));
	map_counts_keep(m, keep, arg);
	if (m->window)
		arena_keep(m, keep, arg);
	if (m->store)
		map_keep(m->store, keep, arg);
}

void *map_lookup_cpu(struct map *m, const void *key, u32 cpu)
{
	if (!m->row->percpu || cpu >= m->cpus)
		return NULL;
	return m->ops->lookup(m, key, cpu);
}

void map_value_key(const struct map *m, const void *value, void *key)
{
	u32 index = (u32)((u64)((const u8 *)value - m->elems) / m->elem_stride);

	if (m->type == BPF_MAP_TYPE_ARRAY)
		memcpy(key, &index, sizeof(index));
	else
		memcpy(key, (const u8 *)value - round_up(m->key_size, 8), m->key_size);
}

void map_spin_lock(void *lock, u32 cpu)
{
	lock_take(lock, lock_owner(cpu));
}

void map_spin_unlock(void *lock) { lock_drop(lock); }

/* ---- the user's side --------------------------------------------------------- */

/* R, unless what it rests on was cut off the file meanwhile. */
static int whole(const struct map *m, int r) { return m->share && share_torn(m) ? -EIO : r; }

u64 map_user_value_bytes(const struct map *m)
{
	return m->row->percpu ? (u64)m->value_stride * m->cpus : m->value_size;
}

static bool may_read(const struct map *m) { return !(m->map_flags & BPF_F_WRONLY); }

bool map_is_frozen(const struct map *m)
{
	return m->frozen || (m->share && share_frozen(m));
}

static bool may_write(const struct map *m)
{
	return !(m->map_flags & BPF_F_RDONLY) && !map_is_frozen(m);
}

static int lookup_slots(struct map *m, const void *key, u8 *value)
{
	const struct map_ops *ops = m->ops;

	for (u32 cpu = 0; cpu < m->cpus; cpu++) {
		const void *v = ops->peek_at ? ops->peek_at(m, key, cpu)
					       : ops->lookup(m, key, cpu);

		if (!v)
			return -ENOENT;
		words_get(value + (u64)cpu * m->value_stride, v, m->value_stride);
	}
	return 0;
}

static int lookup_slot(const struct map *m, const void *key, void *value)
{
	u32 index, number;
	s64 slot;

	memcpy(&index, key, sizeof(index));
	slot = map_fd_slot(m, index);
	if (slot < 0)
		return -ENOENT;
	number = (u32)slot;
	memcpy(value, &number, sizeof(number));
	return 0;
}

/* Looks at what is no plain value; 1 when it is one. */
static int lookup_special(struct map *m, const void *key, void *value)
{
	int r;

	switch (m->type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
		return lookup_slot(m, key, value);
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_USER_RINGBUF:
		return -KERNEL_ENOTSUPP;
	case BPF_MAP_TYPE_XSKMAP:
		return -EOPNOTSUPP;
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
		return map_sock_cookie(m, key, value);
	case UAPI_MAP_TYPE_ARENA:
		return -EINVAL;
	case BPF_MAP_TYPE_STACK_TRACE:
		return map_stack_read(m, key, value, false);
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case UAPI_MAP_TYPE_CGRP_STORAGE:
		r = map_owner_known(m, key);
		return r ? r : 1;
	default:
		return m->ops->peek ? m->ops->peek(m, value, MAP_USER) : 1;
	}
}

static void get_locked(const struct map *m, void *value, u8 *elem)
{
	u32 *lock = (u32 *)(elem + m->lock_at - 1);

	lock_take(lock, lock_owner(MAP_USER));
	value_get(m, value, elem);
	lock_drop(lock);
}

int map_user_lookup(struct map *m, const void *key, void *value, u64 flags)
{
	int r;
	u8 *v;

	if (flags & ~(u64)BPF_F_LOCK)
		return -EINVAL;
	if (!may_read(m))
		return -EPERM;
	if (flags & BPF_F_LOCK && !m->lock_at)
		return -EINVAL;
	if (m->row->percpu) {
		r = lookup_slots(m, key, value);
		if (map_watched(m))
			map_count(m, MAP_USER, r ? MAP_MISSED : MAP_FOUND);
		return whole(m, r);
	}
	r = lookup_special(m, key, value);
	if (r <= 0)
		return whole(m, r);
	v = m->ops->peek_at ? m->ops->peek_at(m, key, MAP_USER)
			    : m->ops->lookup(m, key, MAP_USER);
	if (map_watched(m))
		map_count(m, MAP_USER, v ? MAP_FOUND : MAP_MISSED);
	if (!v)
		return whole(m, -ENOENT);
	if (flags & BPF_F_LOCK)
		get_locked(m, value, v);
	else
		value_get(m, value, v);
	return whole(m, 0);
}

int map_user_update(struct map *m, const void *key, const void *value, u64 flags)
{
	if (!may_write(m))
		return -EPERM;
	if (flags & BPF_F_LOCK && !m->lock_at)
		return -EINVAL;
	if (map_watched(m))
		map_count(m, MAP_USER, MAP_UPDATED);
	if (m->ops->push)
		return whole(m, m->ops->push(m, value, flags, MAP_USER));
	return whole(m, m->ops->update(m, key, value, flags, MAP_USER));
}

int map_user_delete(struct map *m, const void *key)
{
	if (!may_write(m))
		return -EPERM;
	if (map_watched(m))
		map_count(m, MAP_USER, MAP_DELETED);
	return whole(m, m->ops->remove(m, key, MAP_USER));
}

int map_user_take(struct map *m, const void *key, void *value, u64 flags)
{
	if (flags & ~(u64)BPF_F_LOCK)
		return -EINVAL;
	if (!may_read(m) || !may_write(m))
		return -EPERM;
	if (flags & BPF_F_LOCK && !m->lock_at)
		return -EINVAL;
	if (m->ops->pop && !flags && m->ops->nth)
		return whole(m, m->ops->pop(m, value, MAP_USER));
	return m->ops->take ? whole(m, m->ops->take(m, key, value, MAP_USER)) : -KERNEL_ENOTSUPP;
}

int map_user_next_key(struct map *m, const void *key, void *next)
{
	if (!may_read(m))
		return -EPERM;
	return whole(m, m->ops->next_key(m, key, next));
}

void *map_memory(struct map *m, size_t *bytes)
{
	bool plain = m->type == BPF_MAP_TYPE_ARRAY || m->type == UAPI_MAP_TYPE_ARENA;

	if (!plain || !(m->map_flags & BPF_F_MMAPABLE || m->variables) || !may_write(m))
		return NULL;
	m->mapped = true;
	*bytes = (size_t)m->elem_stride * m->nr_elems;
	return m->elems;
}

int map_freeze(struct map *m)
{
	if (m->mapped)
		return -EBUSY;
	if (!may_write(m))
		return -EPERM;
	m->frozen = true;
	if (m->share)
		share_freeze(m);
	return 0;
}

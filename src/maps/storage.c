/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storage.c: SK_STORAGE, TASK_STORAGE, INODE_STORAGE and CGRP_STORAGE: a value for each
 * owner, made when a program or user space first wants it; and CGROUP_STORAGE and
 * PERCPU_CGROUP_STORAGE, the same by a cgroup and a way of attaching. Who the owners
 * are is the creator's to say (owner_of); here they are 16 bytes. The values lie in a
 * hash table of their own (m->store), which is all that there is to races and layouts.
 */
#include "maps/area.h"
#include "base/os.h"
#include "model/uapi.h"
#include <stdlib.h>

enum {
	COMMON_FLAGS = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY,
	ACCESS_FLAGS = COMMON_FLAGS | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
	LOCAL_BYTES_MAX = 65407,	/* of a value that an object carries */
	OWNERS_MAX = 1 << 16, OWNERS_MIN = 1 << 12,
	STORE_BYTES = 1 << 30,		/* of address space, if that is enough for OWNERS_MIN */
	SHARED_KEY = 8,			/* key_size of a cgroup whatever the way of attaching */
};

static bool is_cgroup(u32 type)
{
	return type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

bool map_is_local(u32 type)
{
	return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_INODE_STORAGE ||
	       type == BPF_MAP_TYPE_TASK_STORAGE || type == UAPI_MAP_TYPE_CGRP_STORAGE;
}

/* ---- attributes -------------------------------------------------------------- */

static int want(const struct map_attr *a, struct skep_err *err, const char *what, u32 is, u32 must)
{
	if (is == must)
		return 0;
	return attr_refuse(a, err, "EINVAL", "%s is %u, not %u", what, is, must);
}

static int too_big(const struct map_attr *a, struct skep_err *err, u32 max)
{
	if (a->value_size <= max)
		return 0;
	return attr_refuse(a, err, "E2BIG", "value_size %u exceeds %u", a->value_size, max);
}

static int local_check(const struct map_attr *a, struct skep_err *err)
{
	if (!(a->map_flags & BPF_F_NO_PREALLOC))
		return attr_refuse(a, err, "EINVAL", "it wants the flag BPF_F_NO_PREALLOC");
	if (want(a, err, "max_entries", a->max_entries, 0) ||
	    want(a, err, "key_size", a->key_size, 4))
		return -EINVAL;
	if (!a->value_size)
		return attr_refuse(a, err, "EINVAL", "value_size is 0");
	if (attr_flags(a, BPF_F_NO_PREALLOC | BPF_F_CLONE, err))
		return -EINVAL;
	return too_big(a, err, LOCAL_BYTES_MAX);
}

static int cgroup_check(const struct map_attr *a, struct skep_err *err)
{
	bool percpu = a->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;

	if (want(a, err, "max_entries", a->max_entries, 0))
		return -EINVAL;
	if (a->key_size != SHARED_KEY && a->key_size != sizeof(struct bpf_cgroup_storage_key))
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not 8 (or 16: struct "
				   "bpf_cgroup_storage_key)", a->key_size);
	if (!a->value_size)
		return attr_refuse(a, err, "EINVAL", "value_size is 0");
	if (too_big(a, err, percpu ? PERCPU_VALUE_MAX : LOCAL_BYTES_MAX))
		return -EINVAL;
	return attr_flags(a, ACCESS_FLAGS, err);
}

static u64 store_bytes(const struct map_attr *a, u32 cpus) { return sizeof(struct area_head); }
static void store_init(struct map *m) { m->elems = m->mem; }

static u32 owners(const struct map_attr *a, u32 cpus)
{
	u64 each = (a->value_size + 64ull) *
		   (a->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ? cpus : 1);

	return (u32)min_u64(max_u64(STORE_BYTES / each, OWNERS_MIN), OWNERS_MAX);
}

static int store_open(struct map *m, const struct map_attr *a, u32 cpus, struct skep_err *err)
{
	struct map_attr in = *a;

	in.type = a->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ? BPF_MAP_TYPE_PERCPU_HASH :
								  BPF_MAP_TYPE_HASH;
	in.key_size = sizeof(struct map_owner);
	in.max_entries = owners(a, cpus);
	in.map_flags = BPF_F_NO_PREALLOC | (a->map_flags & (BPF_F_RDONLY_PROG |
							    BPF_F_WRONLY_PROG));
	in.map_extra = 0;
	return map_create(&m->store, &in, cpus, err);
}

static struct map_mem store_values(const struct map *m) { return m->store->ops->values(m->store); }

/* ---- owners -------------------------------------------------------------------- */

/* Whom KEY of user space names: 0 or -errno. */
static int owner_by_key(const struct map *m, const void *key, struct map_owner *o)
{
	struct bpf_cgroup_storage_key k = { 0 };
	u32 number;

	*o = (struct map_owner){ 0 };
	if (is_cgroup(m->type)) {
		memcpy(&k, key, m->key_size == SHARED_KEY ? SHARED_KEY : sizeof(k));
		o->id = k.cgroup_inode_id;
		o->more = k.attach_type;
		return 0;
	}
	memcpy(&number, key, sizeof(number));
	o->id = number + 1ull;
	return m->owner_of ? m->owner_of(m->owner_arg, m->type, number, o) : 0;
}

int map_owner_known(const struct map *m, const void *key)
{
	struct map_owner o;

	return owner_by_key(m, key, &o);
}

/* Values of owners that are no more; how many there were. */
static u32 sweep(struct map *m)
{
	struct map_owner o;
	void *value;
	u64 pos = 0;
	u32 n = 0;

	while (m->owner_lives && m->store->ops->walk(m->store, &pos, &o, &value, 0))
		if (!m->owner_lives(m->owner_arg, m->type, &o))
			n += !m->store->ops->remove(m->store, &o, MAP_USER);
	return n;
}

static int store_update(struct map *m, const struct map_owner *o, const void *value, u64 flags,
			u32 cpu)
{
	int r = m->store->ops->update(m->store, o, value, flags, cpu);

	if (r == -E2BIG && sweep(m))
		r = m->store->ops->update(m->store, o, value, flags, cpu);
	return r == -E2BIG ? -ENOMEM : r;
}

/* ---- programs ------------------------------------------------------------------ */

void *map_owner_value(struct map *m, const struct map_owner *o, const void *init, bool create,
		      u32 cpu)
{
	void *v = m->store->ops->lookup(m->store, o, cpu), *zero;
	int r;

	if (v || !create)
		return v;
	zero = init ? NULL : mem_alloc((u64)m->value_stride * m->cpus);
	r = store_update(m, o, init ? init : zero, BPF_NOEXIST, init ? cpu : MAP_USER);
	free(zero);
	return !r || r == -EEXIST ? m->store->ops->lookup(m->store, o, cpu) : NULL;
}

int map_owner_remove(struct map *m, const struct map_owner *o, u32 cpu)
{
	return m->store->ops->remove(m->store, o, cpu);
}

/* ---- user space ------------------------------------------------------------------ */

static void *store_lookup(struct map *m, const void *key, u32 cpu)
{
	struct map_owner o;

	return owner_by_key(m, key, &o) ? NULL : m->store->ops->lookup(m->store, &o, cpu);
}

/* A cgroup has its value from when a program is attached; here from its first use. */
static s64 cgroup_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct map_owner o;

	if (flags & ~(u64)(BPF_F_LOCK | BPF_EXIST))
		return -EINVAL;
	owner_by_key(m, key, &o);
	return store_update(m, &o, value, flags | BPF_EXIST, cpu);
}

static s64 local_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct map_owner o;
	int r = owner_by_key(m, key, &o);

	if (r)
		return r;
	if ((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	return store_update(m, &o, value, flags, cpu);
}

static int local_remove(struct map *m, const void *key, u32 cpu)
{
	struct map_owner o;
	int r = owner_by_key(m, key, &o);

	return r ? r : map_owner_remove(m, &o, cpu);
}

static int cgroup_remove(struct map *m, const void *key, u32 cpu) { return -EINVAL; }
static int local_next_key(struct map *m, const void *key, void *next) { return -KERNEL_ENOTSUPP; }

/* Owner O as user space names it. */
static void key_of(const struct map *m, const struct map_owner *o, void *key)
{
	const struct bpf_cgroup_storage_key k = { o->id, (u32)o->more };

	memcpy(key, &k, m->key_size);
}

static bool cgroup_walk(struct map *m, u64 *pos, void *key, void **value, u32 cpu)
{
	struct map_owner o;

	if (!m->store->ops->walk(m->store, pos, &o, value, cpu))
		return false;
	key_of(m, &o, key);
	return true;
}

static int cgroup_next_key(struct map *m, const void *key, void *next)
{
	struct map_owner o, after;
	int r;

	if (key)
		owner_by_key(m, key, &o);
	if (key && !m->store->ops->lookup(m->store, &o, 0))
		return -ENOENT;
	r = m->store->ops->next_key(m->store, key ? &o : NULL, &after);
	if (!r)
		key_of(m, &after, next);
	return r;
}

static u64 store_count(const struct map *m) { return m->store->ops->count(m->store); }

#define STORAGE(number, check_fn, update_fn, remove_fn, walk_fn, next_fn) { \
	.type = number, .check = check_fn, .bytes = store_bytes, .init = store_init, \
	.open = store_open, .values = store_values, .lookup = store_lookup, \
	.update = update_fn, .remove = remove_fn, .walk = walk_fn, .next_key = next_fn, \
	.count = store_count }
#define LOCAL(number) \
	STORAGE(number, local_check, local_update, local_remove, NULL, local_next_key)
#define CGROUP(number) \
	STORAGE(number, cgroup_check, cgroup_update, cgroup_remove, cgroup_walk, cgroup_next_key)

const struct map_ops sk_storage_ops = LOCAL(BPF_MAP_TYPE_SK_STORAGE);
const struct map_ops task_storage_ops = LOCAL(BPF_MAP_TYPE_TASK_STORAGE);
const struct map_ops inode_storage_ops = LOCAL(BPF_MAP_TYPE_INODE_STORAGE);
const struct map_ops cgrp_storage_ops = LOCAL(UAPI_MAP_TYPE_CGRP_STORAGE);
const struct map_ops cgroup_storage_ops = CGROUP(BPF_MAP_TYPE_CGROUP_STORAGE);
const struct map_ops percpu_cgroup_storage_ops = CGROUP(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct_ops.c: STRUCT_OPS, as data: the one value is what user space puts there once, with
 * its state before it. Nobody here calls what it names: programs of that type do not run in
 * this process.
 */
#include "maps/area.h"
#include "model/uapi.h"

enum {
	FLAGS = UAPI_F_LINK | 1 << 15,	/* BPF_F_VTYPE_BTF_OBJ_FD */
	FRESH = 0, IN_USE = 1, LEAVING = 2, READY = 3,	/* enum bpf_struct_ops_state */
};

/* struct bpf_struct_ops_common_value, which every value begins with. */
struct common {
	u32 refs, state;
};

static int ops_check(const struct map_attr *a, struct skep_err *err)
{
	if (a->key_size != 4 || a->max_entries != 1)
		return attr_refuse(a, err, "EINVAL", "it has one element, by a key of 4 bytes");
	if (a->value_size < sizeof(struct common))
		return attr_refuse(a, err, "EINVAL", "value_size %u is below 8", a->value_size);
	return attr_flags(a, FLAGS, err);
}

static u64 ops_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + round_up(a->value_size, 8);
}

static void ops_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->elem_stride = m->value_stride;
	m->nr_elems = 1;
}

/* No value is for programs to touch. */
static struct map_mem ops_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = m->value_stride };
}

static u32 key_of(const void *key)
{
	u32 k;

	memcpy(&k, key, sizeof(k));
	return k;
}

static u32 *state_of(const struct map *m) { return &((struct common *)m->elems)->state; }

static void *no_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }

/* What is not in use is zeroes. */
static void *ops_peek(struct map *m, const void *key, u32 cpu)
{
	return key_of(key) ? NULL : m->elems;
}

static int put_locked(struct map *m, const void *value)
{
	if (load_relaxed(state_of(m)) != FRESH)
		return -EBUSY;
	words_set((u64 *)m->elems + 1, (const u8 *)value + 8, m->value_size - 8);
	store_release(state_of(m), m->map_flags & UAPI_F_LINK ? READY : IN_USE);
	return 0;
}

static s64 ops_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct common c;
	int r;

	memcpy(&c, value, sizeof(c));
	if (flags)
		return -EINVAL;
	if (key_of(key))
		return -E2BIG;
	if (c.refs || c.state)
		return -EINVAL;
	if (m->value_size == sizeof(c))
		return -EINVAL;		/* nothing is in it */
	lock_take(&area_head(m)->lock, lock_owner(cpu));
	r = put_locked(m, value);
	lock_drop(&area_head(m)->lock);
	return r;
}

static int ops_remove(struct map *m, const void *key, u32 cpu)
{
	u32 was = IN_USE;

	if (m->map_flags & UAPI_F_LINK)
		return -EOPNOTSUPP;
	if (__atomic_compare_exchange_n(state_of(m), &was, LEAVING, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return 0;
	return was == LEAVING ? -EINPROGRESS : -ENOENT;
}

static int ops_next_key(struct map *m, const void *key, void *next)
{
	if (key && !key_of(key))
		return -ENOENT;
	memset(next, 0, 4);
	return 0;
}

static u64 ops_count(const struct map *m) { return load_relaxed(state_of(m)) != FRESH; }

const struct map_ops struct_ops_ops = {
	.type = BPF_MAP_TYPE_STRUCT_OPS, .check = ops_check, .bytes = ops_bytes,
	.init = ops_init, .values = ops_values, .lookup = no_lookup, .peek_at = ops_peek,
	.update = ops_update, .remove = ops_remove, .next_key = ops_next_key,
	.count = ops_count,
};

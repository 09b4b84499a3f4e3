/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * batch.c: many elements per system call (5.6), one by one where the type or
 * the kernel has no such call. The order is the kernel's.
 */
#include "kernel/sys.h"

static bool has_batch(const struct kernel_map *m)
{
	switch (m->def->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LPM_TRIE:
		return !m->no_batch;
	}
	return false;		/* also those whose values are translated here */
}

/* The kernel has no such call, or none for this type. */
static bool is_missing(int r)
{
	return r == -EINVAL || r == NOT_SUPPORTED || r == -EOPNOTSUPP;
}

static union bpf_attr batch(const struct kernel_map *m, const void *keys, const void *values,
			    u32 n)
{
	return (union bpf_attr){ .batch = { .map_fd = (u32)m->fd, .keys = (uintptr_t)keys,
		.values = (uintptr_t)values, .count = n } };
}

/* ---- reading ------------------------------------------------------------------- */

static int read_one_by_one(struct backend *b, u32 map, struct map_batch *it, u8 *keys,
			   u8 *values, u32 *n)
{
	const struct kernel_map *m = kernel_map(b, map);
	size_t key = m->def->key_size, value = it->value_bytes;
	u32 got = 0;
	int r = 0;

	if (!it->key)
		it->key = mem_alloc(key + 1);
	while (got < *n) {
		u8 *to = keys + got * key;

		r = kernel_map_next_key(b, map, it->started ? it->key : NULL, to);
		if (r)
			break;
		it->started = true;
		memcpy(it->key, to, key);
		r = kernel_map_lookup(b, map, to, values + got * value, 0);
		got += !r;
		if (r && r != -ENOENT)	/* it may have gone in between */
			break;
	}
	*n = got;
	return r;
}

int kernel_map_read_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
			  void *values, u32 *n)
{
	struct kernel_map *m = kernel_map(b, map);
	union bpf_attr a;
	u32 room = *n;
	int r;

	if (!m) {
		*n = 0;
		return -EBADF;
	}
	if (!has_batch(m))
		return read_one_by_one(b, map, it, keys, values, n);
	if (!it->key)		/* where the kernel keeps its place: a key, or 4 bytes */
		it->key = mem_alloc(max_u64(m->def->key_size, 8));
	a = batch(m, keys, values, room);
	a.batch.in_batch = it->started ? (uintptr_t)it->key : 0;
	a.batch.out_batch = (uintptr_t)it->key;
	r = sys_bpf(BPF_MAP_LOOKUP_BATCH, &a);
	if (is_missing(r) && !it->started) {
		m->no_batch = true;
		return read_one_by_one(b, map, it, keys, values, n);
	}
	it->started = true;
	*n = r && r != -ENOENT ? 0 : a.batch.count;
	return r;
}

/* ---- writing ------------------------------------------------------------------- */

static int write_one_by_one(struct backend *b, u32 map, const u8 *keys, const u8 *values,
			    u32 *n, u32 value_bytes, u64 flags)
{
	const struct kernel_map *m = kernel_map(b, map);
	u32 i = 0;
	int r = 0;

	for (; !r && i < *n; i += !r)
		r = kernel_map_update(b, map, keys + (size_t)i * m->def->key_size,
				      values + (size_t)i * value_bytes, flags);
	*n = i;
	return r;
}

int kernel_map_write_batch(struct backend *b, u32 map, const void *keys, const void *values,
			   u32 *n, u64 flags)
{
	struct kernel_map *m = kernel_map(b, map);
	struct map_info info;
	union bpf_attr a;
	u32 all = *n;
	int r;

	*n = 0;
	if (!m)
		return -EBADF;
	kernel_map_shape(b, m, &info);
	*n = all;
	if (!has_batch(m))
		return write_one_by_one(b, map, keys, values, n, (u32)info.value_bytes, flags);
	a = batch(m, keys, values, all);
	a.batch.elem_flags = flags;
	r = all ? sys_bpf(BPF_MAP_UPDATE_BATCH, &a) : 0;
	if (is_missing(r) || (r && a.batch.count >= all)) {	/* count unset: took none */
		m->no_batch |= is_missing(r) && r != -EINVAL;
		return write_one_by_one(b, map, keys, values, n, (u32)info.value_bytes, flags);
	}
	*n = a.batch.count;
	return r;
}

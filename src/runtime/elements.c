/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elements.c: struct backend's calls on the elements of maps: bpf(2)'s commands on a map
 * by its number.
 */
#include "runtime/private.h"

int rt_map_lookup(struct backend *b, u32 map, const void *key, void *value, u64 flags)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_lookup(m, key, value, flags) : -EBADF;
}

int rt_map_update(struct backend *b, u32 map, const void *key, const void *value, u64 flags)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_update(m, key, value, flags) : -EBADF;
}

int rt_map_delete(struct backend *b, u32 map, const void *key)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_delete(m, key) : -EBADF;
}

int rt_map_lookup_delete(struct backend *b, u32 map, const void *key, void *value,
				u64 flags)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_take(m, key, value, flags) : -EBADF;
}

int rt_map_nth(struct backend *b, u32 map, u64 n, void *value)
{
	struct map *m = rt_map(b, map);

	if (!m)
		return -EBADF;
	if (!m->ops->nth)
		return -KERNEL_ENOTSUPP;
	return m->ops->nth(m, n, value) ? 0 : -ENOENT;
}


int rt_map_write(struct backend *b, u32 map, const void *data, u64 bytes)
{
	struct map *m = rt_map(b, map);

	if (!m)
		return -EBADF;
	return m->ops->write ? m->ops->write(m, data, bytes) : -KERNEL_ENOTSUPP;
}

int rt_map_next_key(struct backend *b, u32 map, const void *key, void *next)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_next_key(m, key, next) : -EBADF;
}

int rt_map_touched(struct backend *b, u32 map, u64 *from, u64 *to)
{
	struct map *m = rt_map(b, map);

	if (!m)
		return -EBADF;
	if (!m->ops->touched)
		return -KERNEL_ENOTSUPP;
	return m->ops->touched(m, from, to) ? 0 : -ENOENT;
}

int rt_map_freeze(struct backend *b, u32 map)
{
	struct map *m = rt_map(b, map);

	return m ? map_freeze(m) : -EBADF;
}

void *rt_map_mem(struct backend *b, u32 map, size_t *bytes)
{
	struct map *m = rt_map(b, map);

	return m ? map_memory(m, bytes) : NULL;
}

/* ---- many elements at once ------------------------------------------------------- */

/* Of types that have no batches: what goes meanwhile is left out. */
static int read_one_by_one(struct map *m, struct map_batch *it, u8 *keys, u8 *values, u32 *n)
{
	u32 got = 0;
	int r = 0;

	while (got < *n) {
		u8 *key = keys + (size_t)got * m->key_size;

		r = map_user_next_key(m, it->started ? it->key : NULL, key);
		if (r)
			break;
		memcpy(it->key, key, m->key_size);
		it->started = true;
		got += !map_user_lookup(m, key, values + got * it->value_bytes, 0);
	}
	*n = got;
	return r;
}

static int read_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
		      void *values, u32 *n, bool take)
{
	struct map *m = rt_map(b, map);
	u32 room = *n;
	int r;

	*n = 0;
	if (!m)
		return -EBADF;
	*n = room;
	if (!it->key)
		it->key = mem_alloc(max_u64(m->key_size, 8));
	r = map_user_read_batch(m, it->started ? it->key : NULL, it->key, keys, values, n, 0, take);
	if (r == -KERNEL_ENOTSUPP && !take && m->key_size) {
		*n = room;
		return read_one_by_one(m, it, keys, values, n);
	}
	it->started = true;
	return r;
}

int rt_map_read_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
		      void *values, u32 *n)
{
	return read_batch(b, map, it, keys, values, n, false);
}

int rt_map_take_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
		       void *values, u32 *n)
{
	return read_batch(b, map, it, keys, values, n, true);
}

int rt_map_write_batch(struct backend *b, u32 map, const void *keys, const void *values,
			u32 *n, u64 flags)
{
	struct map *m = rt_map(b, map);

	if (m)
		return map_user_write_batch(m, keys, values, n, flags);
	*n = 0;
	return -EBADF;
}

int rt_map_delete_batch(struct backend *b, u32 map, const void *keys, u32 *n)
{
	struct map *m = rt_map(b, map);

	if (m)
		return map_user_delete_batch(m, keys, n, 0);
	*n = 0;
	return -EBADF;
}

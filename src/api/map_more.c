/* SPDX-License-Identifier: BSD-2-Clause */
/* map_more.c: what maps have besides calls on one element. */
#include "api/object.h"

static const struct backend_ops *ops_of(const struct skep_map *map)
{
	return map->obj->backend ? map->obj->backend->ops : NULL;
}

int skep_map_lookup_flags(struct skep_map *map, const void *key, void *value, uint64_t flags)
{
	const struct backend_ops *ops = ops_of(map);

	return ops ? ops->map_lookup(map->obj->backend, map->index, key, value, flags) : -EBADF;
}

int skep_map_freeze(struct skep_map *map)
{
	const struct backend_ops *ops = ops_of(map);

	return ops ? ops->map_freeze(map->obj->backend, map->index) : -EBADF;
}

void *skep_map_memory(struct skep_map *map, size_t *bytes)
{
	const struct backend_ops *ops = ops_of(map);

	*bytes = 0;
	return ops && ops->map_mem ? ops->map_mem(map->obj->backend, map->index, bytes) : NULL;
}

/* ---- many elements ---------------------------------------------------------------- */

/* The place goes on in TO. */
static struct map_batch place(const struct skep_map *map, const void *from, void *to)
{
	size_t bytes = map->def->key_size > 8 ? map->def->key_size : 8;

	if (from && from != to)
		memcpy(to, from, bytes);
	return (struct map_batch){ .value_bytes = skep_map_value_bytes(map), .key = to,
				   .started = from != NULL };
}

int skep_map_lookup_batch(struct skep_map *map, const void *from, void *to, void *keys,
			  void *values, uint32_t *n)
{
	const struct backend_ops *ops = ops_of(map);
	struct map_batch it;

	if (!ops)
		*n = 0;
	if (!ops || !ops->map_read_batch)
		return ops ? -ENOTSUP : -EBADF;
	it = place(map, from, to);
	return ops->map_read_batch(map->obj->backend, map->index, &it, keys, values, n);
}

int skep_map_lookup_delete_batch(struct skep_map *map, const void *from, void *to, void *keys,
				 void *values, uint32_t *n)
{
	const struct backend_ops *ops = ops_of(map);
	struct map_batch it;

	if (!ops)
		*n = 0;
	if (!ops || !ops->map_take_batch)
		return ops ? -ENOTSUP : -EBADF;
	it = place(map, from, to);
	return ops->map_take_batch(map->obj->backend, map->index, &it, keys, values, n);
}

int skep_map_update_batch(struct skep_map *map, const void *keys, const void *values,
			  uint32_t *n, uint64_t flags)
{
	const struct backend_ops *ops = ops_of(map);

	if (ops && ops->map_write_batch)
		return ops->map_write_batch(map->obj->backend, map->index, keys, values, n, flags);
	*n = 0;
	return ops ? -ENOTSUP : -EBADF;
}

int skep_map_delete_batch(struct skep_map *map, const void *keys, uint32_t *n)
{
	const struct backend_ops *ops = ops_of(map);

	if (ops && ops->map_delete_batch)
		return ops->map_delete_batch(map->obj->backend, map->index, keys, n);
	*n = 0;
	return ops ? -ENOTSUP : -EBADF;
}

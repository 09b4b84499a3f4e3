/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pin.c: maps in files that processes share. A cpu of this engine is then a cpu of
 * each such map: a thread gets one that no other process has in any of them.
 */
#include "runtime/private.h"
#include "maps/share.h"
#include "model/pin.h"
#include <stdlib.h>

void rt_image(struct backend *b, const struct image *img) { rt_of(b)->img = img; }

/* The types of map number MAP, when it is one of the image's. */
static struct share_types types_of(const struct runtime *rt, u32 map)
{
	const struct image *img = rt->img;

	if (!img || map >= img->nr_maps || !img->btf)
		return (struct share_types){ 0 };
	return (struct share_types){ img->btf, img->maps[map].key_type,
				     img->maps[map].value_type };
}

static void now_shared(struct runtime *rt, const struct map *m)
{
	rt->shared += share_has_cpus(m);
	rt->files = true;
	if (m->type == BPF_MAP_TYPE_RINGBUF)
		runtime_ring_shared(rt, m);
	runtime_changed(rt);
}

int rt_map_pin(struct backend *b, u32 map, const char *path, struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	struct share_types types = types_of(rt, map);
	struct map *m = rt_map(b, map);
	int r;

	if (!m)
		return err_set(err, ERR_PIN, path, "there is no map number %u", map);
	r = share_create(m, path, &types, err);
	if (!r)
		now_shared(rt, m);
	return r;
}

static int is_like(const struct runtime *rt, const struct map *m, const struct image_map *def,
		   const char *path, struct skep_err *err)
{
	int r = pin_check(&(struct pin_info){ m->type, m->key_size, m->value_size, m->max_entries,
					      m->map_flags }, def, path, err);

	if (r || !share_has_cpus(m) || m->cpus == rt->opts.cpus)
		return r;
	r = err_set(err, ERR_PIN, path, "the map that is pinned there is for %u cpus, this engine "
		    "has %u", m->cpus, rt->opts.cpus);
	err_help(err, "give as many: --cpus %u (struct skep_load_opts.cpus)", m->cpus);
	return r;
}

int rt_map_get(struct backend *b, const struct image_map *def, const char *path,
	       struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	struct map *m;
	int r = share_open(&m, path, NULL, NULL, err);

	if (r)
		return r == -ENOENT ? 1 : r;
	r = is_like(rt, m, def, path, err);
	if (r) {
		map_free(m);
		return r;
	}
	runtime_map_add(rt, m);
	now_shared(rt, m);
	return 0;
}

/* ---- cpus -------------------------------------------------------------------------- */

static bool has_cpus(const struct runtime *rt, size_t i)
{
	return rt->maps.v[i] && share_has_cpus(rt->maps.v[i]->m);
}

void runtime_cpu_unshare(struct runtime *rt, u32 cpu)
{
	for (size_t i = 0; rt->shared && i < rt->maps.n; i++)
		if (has_cpus(rt, i))
			share_cpu_drop(rt->maps.v[i]->m, cpu);
}

bool runtime_cpu_shared(struct runtime *rt, u32 cpu)
{
	for (size_t i = 0; rt->shared && i < rt->maps.n; i++) {
		if (!has_cpus(rt, i) || share_cpu(rt->maps.v[i]->m, cpu))
			continue;
		runtime_cpu_unshare(rt, cpu);
		return false;
	}
	return true;
}

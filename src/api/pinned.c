/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pinned.c: where pinned maps are, and a pinned map as an object: one map, its types,
 * and no programs.
 */
#include "api/object.h"
#include "base/os.h"
#include "host/hosts.h"
#include "maps/share.h"
#include "runtime/runtime.h"
#include <stdlib.h>

static int own_folder(struct strbuf *out, struct skep_err *err)
{
	char *dir = os_runtime_dir();
	int r = 0;

	if (!dir) {
		r = err_set(err, ERR_PIN, NULL, "this user has no folder for pinned maps: "
			    "XDG_RUNTIME_DIR is not set");
		err_help(err, "set it, or name a folder");
		return r;
	}
	sb_printf(out, "%s/skep", dir);
	free(dir);
	if (!os_dir_make(sb_text(out)))
		r = err_set(err, ERR_PIN, sb_text(out), "this folder for pinned maps cannot be "
			    "made: %s", strerror(errno));
	return r;
}

int pin_path(struct strbuf *out, const char *dir, const char *name, struct skep_err *err)
{
	int r = dir && !*dir ? own_folder(out, err) : 0;

	if (dir && *dir)
		sb_puts(out, dir);
	sb_printf(out, "%s%s", dir ? "/" : "", name);
	return r;
}

int object_pins_whole(const struct skep_object *obj, struct skep_err *err)
{
	struct backend *b = obj->backend;
	struct map_info info;

	for (u32 i = 0; i < obj->img->nr_maps; i++)
		if (!b->ops->map_info(b, i, &info) && info.torn)
			return err_set(err, ERR_SHARE_FILE, info.path, "somebody truncated it "
				       "during the run: what it held is lost (EIO)");
	return 0;
}

/* An image of nothing but the map in file PATH. */
static struct image *image_of(const char *path, const struct map *m,
			      const struct share_types *types, struct arena *arena)
{
	struct image *img = arena_new(arena, struct image);
	struct image_map *def;

	img->arena = *arena;
	img->file = arena_strdup(&img->arena, path);
	img->license = "";
	img->btf = (struct btf *)(uintptr_t)types->btf;
	def = arena_new(&img->arena, struct image_map);
	*def = (struct image_map){ .name = arena_strdup(&img->arena, m->name), .type = m->type,
		.key_size = m->key_size, .value_size = m->value_size,
		.max_entries = m->max_entries, .map_flags = m->map_flags,
		.map_extra = m->map_extra, .pinning = 1,
		.key_type = types->key_type, .value_type = types->value_type };
	img->maps = def;
	img->nr_maps = 1;
	return img;
}

/* Opened once to see what it is, and once more by an engine that has as many cpus. */
static int open_image(struct image **img, u32 *cpus, const char *path, struct skep_err *err)
{
	struct arena arena = ARENA_INIT;
	struct share_types types;
	struct map *m;
	int r = share_open(&m, path, &types, &arena, err);

	if (r == -ENOENT) {
		err_set(err, ERR_FILE_OPEN, path, "%s", strerror(ENOENT));
		r = -ENOENT;
	}
	if (r) {
		arena_free(&arena);
		return r;
	}
	*cpus = m->cpus;
	*img = image_of(path, m, &types, &arena);
	map_free(m);
	return 0;
}

int object_open_pinned(struct skep_object **out, const char *path, struct skep_err *err)
{
	struct runtime_opts opts = { .hosts = host_all };
	struct image *img;
	struct skep_object *obj;
	int r = open_image(&img, &opts.cpus, path, err);

	*out = NULL;
	if (r)
		return r;
	obj = object_make(img);
	r = runtime_open(&obj->backend, &opts, err);
	if (!r)
		r = obj->backend->ops->map_get(obj->backend, &img->maps[0], path, err);
	if (!r) {
		*out = obj;
		return 0;
	}
	skep_object_close(obj);
	return r > 0 ? err_set(err, ERR_FILE_OPEN, path, "%s", strerror(ENOENT)) : r;
}

int skep_object_open_pinned(struct skep_object **obj, const char *path, struct skep_err *err)
{
	struct strbuf whole = { 0 };
	int r;

	err_clear(err);
	*obj = NULL;
	r = pin_path(&whole, strchr(path, '/') ? NULL : "", path, err);
	if (!r)
		r = object_open_pinned(obj, sb_text(&whole), err);
	sb_free(&whole);
	return r;
}

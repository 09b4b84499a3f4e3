/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_maps.c: would the kernel make the maps of an object? Definitions only: how
 * much memory there is, is another matter.
 */
#include "cli/verify_out.h"
#include "maps/map.h"
#include <stdio.h>

static struct map_attr attr_of(const struct image_map *def)
{
	return (struct map_attr){
		.name = def->name, .type = def->type, .key_size = def->key_size,
		.value_size = def->value_size, .max_entries = def->max_entries,
		.map_flags = def->map_flags, .map_extra = def->map_extra,
		.lock_at = def->lock_at, .timer_at = def->timer_at,
	};
}

static int check(const struct image_map *def, u32 entries, struct skep_err *err)
{
	struct map_attr attr = attr_of(def), inner;

	attr.max_entries = entries;
	if (def->inner) {
		inner = attr_of(def->inner);
		attr.inner = &inner;
	}
	return map_check(&attr, err);
}

/* What a loader may give yet for all to be well; NULL: nothing does. */
static const char *may_help(const struct image_map *def)
{
	struct skep_err err = { 0 };
	bool ring = def->type == BPF_MAP_TYPE_RINGBUF || def->type == BPF_MAP_TYPE_USER_RINGBUF;

	if (!def->inner && (def->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
			    def->type == BPF_MAP_TYPE_HASH_OF_MAPS))
		return "__array(values, struct { ... }), or the loader gives an inner map";
	if (!def->max_entries && !check(def, ring ? 4096 : 1, &err))
		return "__uint(max_entries, N), or the loader sets it";
	return NULL;
}

static const char *take_text(struct arena *arena, const struct skep_err *err)
{
	const char *text = strstr(err->text, "error: ");

	text = text ? text + strlen("error: ") : err->text;
	return arena_printf(arena, "%.*s", (int)strcspn(text, "\n"), text);
}

void verify_maps(struct map_list *wrong, struct arena *arena, const struct image *img)
{
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *def = &img->maps[i];
		struct skep_err err = { 0 };

		if (def->type == BPF_MAP_TYPE_STRUCT_OPS || !check(def, def->max_entries, &err))
			continue;
		*vec_push(wrong) = (struct wrong_map){ .img = img, .map = def,
			.text = take_text(arena, &err), .help = may_help(def) };
	}
}

void verify_print_map(const struct wrong_map *w)
{
	struct strbuf out = { 0 };

	sb_printf(&out, "%s: %s: %s\n", w->img->file, w->help ? "warning" : "error", w->text);
	if (w->help)
		sb_printf(&out, "help: %s\n", w->help);
	report_text(&out);
	sb_free(&out);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * data.c: global variables. Each section of data becomes an array map of one
 * element, the section; programs reach into it by a direct value address.
 * Never resolves pointers inside data: like libbpf, addresses there stay 0.
 */
#include "obj/open.h"
#include "model/uapi.h"

/* Of all .bss together: memory that costs the object's author no bytes. */
enum { MAX_BSS_BYTES = 1 << 30 };

static void data_map(struct obj *o, const struct obj_sec *s,
		     struct image_map *map)
{
	bool rodata = s->kind == SEC_RODATA;

	*map = (struct image_map){
		.name = arena_strdup(&o->img->arena, s->name),
		.kind = rodata ? IMAGE_MAP_RODATA : IMAGE_MAP_DATA,
		.type = strcmp(s->name, ".percpu") ? BPF_MAP_TYPE_ARRAY :
						     BPF_MAP_TYPE_PERCPU_ARRAY,
		.key_size = 4,
		.value_size = (u32)s->size,
		.max_entries = 1,
		.map_flags = rodata ? BPF_F_RDONLY_PROG : 0,
	};
	if (o->img->btf && strtab_get(&o->datasecs, s->name, &map->value_type))
		fields_find(o->img->btf, map);
	if (s->data)
		map->init = arena_copy(&o->img->arena, s->data, s->size);
}

/* Variables of the arena begin where it begins. */
static int arena_data(struct obj *o, struct obj_sec *s, struct image_map *maps, u32 n)
{
	enum { PAGE_BYTES = 4096 };

	for (u32 i = 0; i < n; i++) {
		struct image_map *m = &maps[i];

		if (m->type != UAPI_MAP_TYPE_ARENA)
			continue;
		if (s->size > m->max_entries * (u64)PAGE_BYTES)
			return err_set(o->err, ERR_MAP_DEF, elf_in(o, s),
				       "%llu bytes of variables do not fit arena '%s' of %u pages",
				       (unsigned long long)s->size, m->name, m->max_entries);
		s->map = (int)i;
		if (s->data)
			m->init = arena_copy(&o->img->arena, s->data, s->size);
		m->init_bytes = (u32)s->size;
		return 0;
	}
	return err_set(o->err, ERR_MAP_DEF, elf_in(o, s),
		       "variables in an arena, and no map of type arena");
}

int data_read(struct obj *o, struct image_map *maps, u32 *n)
{
	u64 bss = 0;

	for (u32 i = 1; i < o->nr_secs; i++) {
		struct obj_sec *s = &o->secs[i];
		int ret = s->kind == SEC_ARENA ? arena_data(o, s, maps, o->nr_user_maps) : 0;

		if (ret)
			return ret;
		if (!sec_is_data(s))
			continue;
		bss += s->data ? 0 : s->size;
		if (bss > MAX_BSS_BYTES)
			return err_set(o->err, ERR_LIMIT, elf_in(o, s),
				       "%llu bytes of zeroed variables; the limit is %d",
				       (unsigned long long)bss, MAX_BSS_BYTES);
		s->map = (int)*n;
		data_map(o, s, &maps[(*n)++]);
	}
	return 0;
}

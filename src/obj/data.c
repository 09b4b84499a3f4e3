/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * data.c: global variables. Each section of data becomes an array map of one
 * element, the section; programs reach into it by a direct value address.
 * Never resolves pointers inside data: like libbpf, addresses there stay 0.
 */
#include "obj/open.h"

/* Of all .bss together: memory that costs the object's author no bytes. */
enum { MAX_BSS_BYTES = 1 << 30 };

static void data_map(struct obj *o, const struct obj_sec *s,
		     struct image_map *map)
{
	bool rodata = s->kind == SEC_RODATA;

	*map = (struct image_map){
		.name = arena_strdup(&o->img->arena, s->name),
		.kind = rodata ? IMAGE_MAP_RODATA : IMAGE_MAP_DATA,
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = (u32)s->size,
		.max_entries = 1,
		.map_flags = rodata ? BPF_F_RDONLY_PROG : 0,
	};
	if (o->img->btf)
		strtab_get(&o->datasecs, s->name, &map->value_type);
	if (s->data)
		map->init = arena_copy(&o->img->arena, s->data, s->size);
}

int data_read(struct obj *o, struct image_map *maps, u32 *n)
{
	u64 bss = 0;

	for (u32 i = 1; i < o->nr_secs; i++) {
		struct obj_sec *s = &o->secs[i];

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

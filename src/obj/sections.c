/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sections.c: the list of an object's sections and what each was taken for, in
 * words. For people and tools; nothing here decides anything.
 */
#include "obj/open.h"
#include <elf.h>

static const char *const uses[] = {
	[SEC_DATA] = "variables", [SEC_RODATA] = "constants",
	[SEC_BSS] = "variables, 0 at first", [SEC_ARENA] = "variables of the arena",
	[SEC_MAPS] = "maps", [SEC_LICENSE] = "licence", [SEC_BTF] = "types",
	[SEC_BTF_EXT] = "source lines and CO-RE relocations", [SEC_SYMTAB] = "symbols",
	[SEC_SYM_INDEX] = "section indexes of symbols", [SEC_OLD_MAPS] = "maps of the old form",
	[SEC_STRUCT_OPS] = "struct_ops maps",
};

static const char *relocs_use(const struct obj *o, const struct obj_sec *s)
{
	const struct obj_sec *to = s->info < o->nr_secs ? &o->secs[s->info] : NULL;

	if (!to || (to->kind != SEC_CODE && to->kind != SEC_MAPS && to->kind != SEC_STRUCT_OPS))
		return "";
	return arena_printf(&o->img->arena, "relocations of %s", to->name);
}

static const char *use_of(const struct obj *o, const struct obj_sec *s)
{
	if (s->kind == SEC_CODE)
		return strcmp(s->name, ".text") ? "programs" : "functions";
	if (s->kind != SEC_OTHER)
		return uses[s->kind];
	switch (s->type) {
	case SHT_REL:
	case SHT_RELA:
		return relocs_use(o, s);
	case SHT_STRTAB:
		return "names";
	default:
		return "";
	}
}

int sections_note(struct obj *o)
{
	struct image *img = o->img;

	img->sections = arena_news(&img->arena, o->nr_secs, struct image_section);
	for (u32 i = 1; i < o->nr_secs; i++) {
		const struct obj_sec *s = &o->secs[i];

		if (s->type != SHT_NULL)
			img->sections[img->nr_sections++] = (struct image_section){
				.name = arena_strdup(&img->arena, s->name), .size = s->size,
				.flags = s->flags, .type = s->type, .use = use_of(o, s),
			};
	}
	return 0;
}

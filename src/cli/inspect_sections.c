/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect_sections.c: the sections of an ELF file and what they are taken for. */
#include "cli/inspect.h"
#include <elf.h>

static const struct { u64 flag; char letter; const char *name; } flags[] = {
	{ SHF_WRITE, 'W', "write" }, { SHF_ALLOC, 'A', "alloc" },
	{ SHF_EXECINSTR, 'X', "exec" }, { SHF_MERGE, 'M', "merge" },
	{ SHF_STRINGS, 'S', "strings" }, { SHF_INFO_LINK, 'I', "info_link" },
	{ SHF_LINK_ORDER, 'L', "link_order" }, { SHF_GROUP, 'G', "group" },
	{ SHF_COMPRESSED, 'C', "compressed" }, { SHF_EXCLUDE, 'E', "exclude" },
};

/* As readelf -S abbreviates them. */
static void letters(const struct image_section *s, char out[ARRAY_LEN(flags) + 1])
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (s->flags & flags[i].flag)
			*out++ = flags[i].letter;
	*out = 0;
}

void inspect_sections_text(struct strbuf *out, const struct image *img)
{
	static const char *const head[] = { "ELF section", "bytes", "flags", "taken for" };
	struct table t = { .columns = ARRAY_LEN(head) };
	char text[32];

	for (size_t i = 0; i < ARRAY_LEN(head) && img->nr_sections; i++)
		table_cell(&t, head[i]);
	for (u32 i = 0; i < img->nr_sections; i++) {
		const struct image_section *s = &img->sections[i];

		table_cell(&t, s->name);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)s->size);
		table_cell(&t, text);
		letters(s, text);
		table_cell(&t, text);
		table_cell(&t, *s->use ? s->use : "nothing");
	}
	table_print(out, &t);
}

void inspect_sections_json(struct json *j, const struct image *img)
{
	json_arr(j, "sections");
	for (u32 i = 0; i < img->nr_sections; i++) {
		const struct image_section *s = &img->sections[i];

		json_obj(j, NULL);
		json_str(j, "name", s->name);
		json_u64(j, "size", s->size);
		json_u64(j, "type", s->type);
		json_arr(j, "flags");
		for (size_t k = 0; k < ARRAY_LEN(flags); k++)
			if (s->flags & flags[k].flag)
				json_str(j, NULL, flags[k].name);
		json_arr_end(j);
		json_str(j, "use", s->use);
		json_obj_end(j);
	}
	json_arr_end(j);
}

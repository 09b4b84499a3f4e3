/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot_header.c: the C header of native code: how to open it, and a function for each program
 * and each map, so that a name that is wrong does not compile.
 */
#include "cli/aot_file.h"
#include "model/tables.h"
#include <ctype.h>

static void upper(struct strbuf *b, const char *s)
{
	for (; *s; s++)
		sb_putc(b, (char)toupper((u8)*s));
}

/* NAME as a part of a name of C: ".rodata.str" is "rodata_str". */
static void put_name(struct strbuf *b, const char *name)
{
	for (name += *name == '.'; *name; name++)
		sb_putc(b, isalnum((u8)*name) ? *name : '_');
}

static const char *type_name(const struct image_map *m)
{
	const struct maptype_row *row = maptype_row(m->type);

	return row ? row->name : "unknown";
}

static void put_progs(struct strbuf *b, const struct skep_object *obj, const char *name)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		const struct image_prog *p = &obj->img->progs[i];

		if (obj->progs[i].loaded < 0)
			continue;
		sb_printf(b, "\n/* SEC(\"%s\") */\nstatic inline struct skep_prog *%s_prog_",
			  p->section, name);
		put_name(b, p->name);
		sb_printf(b, "(struct skep_object *obj)\n{\n\treturn skep_object_prog(obj, \"%s\");"
			  "\n}\n", p->name);
	}
}

static void put_maps(struct strbuf *b, const struct skep_object *obj, const char *name)
{
	for (u32 i = 0; i < obj->img->nr_maps; i++) {
		const struct image_map *m = &obj->img->maps[i];

		sb_printf(b, "\n/* %s, key %u bytes, value %u bytes */\n"
			  "static inline struct skep_map *%s_map_", type_name(m), m->key_size,
			  m->value_size, name);
		put_name(b, m->name);
		sb_printf(b, "(struct skep_object *obj)\n{\n\treturn skep_object_map(obj, \"%s\");"
			  "\n}\n", m->name);
	}
}

void aot_header(struct strbuf *b, const struct skep_object *obj, const char *name,
		const char *file)
{
	sb_printf(b, "/*\n * Made by skep aot, with %s: link that and libskep (skep-aot(1)).\n"
		  " *\n *\tstruct skep_object *obj;\n *\tstruct skep_err err;\n *\n"
		  " *\tif (%s_open(&obj, &err) || skep_object_load(obj, NULL, &err))\n"
		  " *\t\tfputs(skep_err_text(&err), stderr);\n */\n#ifndef ", file, name);
	upper(b, name);
	sb_puts(b, "_H\n#define ");
	upper(b, name);
	sb_printf(b, "_H\n\n#include <skep/aot.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
		  "extern const struct skep_aot %s;\n\n"
		  "static inline int %s_open(struct skep_object **obj, struct skep_err *err)\n"
		  "{\n\treturn skep_object_open_aot(obj, &%s, err);\n}\n", name, name, name);
	put_progs(b, obj, name);
	put_maps(b, obj, name);
	sb_puts(b, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

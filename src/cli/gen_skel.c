/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen_skel.c: skeletons: an object as a C header with its maps, programs and global
 * variables as members of a struct, for programs that load it by libbpf (with the names
 * of `bpftool gen skeleton`, so that sources written for those compile), or by libskep.
 * Types of variables are named, not defined: whoever includes the header has them.
 */
#include "cli/gen_skel.h"
#include "obj/obj.h"
#include <ctype.h>

/* ---- names ---------------------------------------------------------------------- */

void skel_identifier(char *to, size_t size, const char *s)
{
	size_t n = 0;

	for (s += *s == '.'; *s && n < size - 1; s++)
		to[n++] = isalnum((u8)*s) ? *s : '_';
	to[n] = 0;
}

/* "dir/fw.bpf.o" is "fw_bpf". */
static void name_of_file(char *to, size_t size, const char *file)
{
	const char *base = strrchr(file, '/');
	size_t n;

	base = base ? base + 1 : file;
	skel_identifier(to, size, base);
	n = strlen(to);
	if (n > 2 && !strcmp(to + n - 2, "_o"))
		to[n - 2] = 0;
	if (n > 2 && !strcmp(to + n - 2, "_c") && !strcmp(base + strlen(base) - 2, ".c"))
		to[n - 2] = 0;
}

static int choose_name(struct skel *s, struct skep_err *err)
{
	if (s->o->name)
		snprintf(s->name, sizeof(s->name), "%s", s->o->name);
	else
		name_of_file(s->name, sizeof(s->name), s->o->file);
	if (cc_is_name(s->name) && (!s->o->name || !strcmp(s->name, s->o->name)))
		return 0;
	err_set(err, ERR_GEN_NAME, s->o->file, "'%s' is no name for a struct in C, of at most %zu "
		"characters", s->o->name ? s->o->name : s->name, sizeof(s->name) - 1);
	err_help(err, "name NAME gives it another one");
	return err->code;
}

static void put_guard(struct skel *s, const char *format)
{
	char upper[sizeof(s->name)];
	size_t i = 0;

	for (; s->name[i]; i++)
		upper[i] = (char)toupper((u8)s->name[i]);
	upper[i] = 0;
	sb_printf(s->out, format, upper, s->o->kind == SKEL_SUB ? "SUB" : "");
}

/* ---- variables ------------------------------------------------------------------ */

bool skel_has_variables(const struct image_map *m)
{
	return m->kind != IMAGE_MAP_USER;
}

static const struct btf_type *section_of(const struct skel *s, const struct image_map *m)
{
	const struct btf_type *t = s->img->btf && m->value_type ?
		btf_type(s->img->btf, m->value_type) : NULL;

	return t && btf_kind(t) == BTF_KIND_DATASEC ? t : NULL;
}

/* One variable: its place in the section, and its name and type. */
struct var {
	const struct btf_var_secinfo *at;
	const char *name;
	u32 type;
};

/* Variable I of section T; false: not to be seen from outside its file. */
static bool variable(const struct skel *s, const struct btf_type *t, u32 i, struct var *v)
{
	const struct btf_var_secinfo *at = (const struct btf_var_secinfo *)(t + 1) + i;
	const struct btf_type *var = btf_type(s->img->btf, at->type);

	if (!var || btf_kind(var) != BTF_KIND_VAR ||
	    ((const struct btf_var *)(var + 1))->linkage == BTF_VAR_STATIC)
		return false;
	*v = (struct var){ at, btf_str(s->img->btf, var->name_off), var->type };
	return cc_is_name(v->name);
}

/* Members of the struct that lies over a section. */
static void put_members(struct skel *s, const struct btf_type *t)
{
	u32 end = 0, pads = 0;
	struct var v;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		if (!variable(s, t, i, &v))
			continue;
		if (v.at->offset > end)
			sb_printf(s->out, "\t\tchar __pad%u[%u];\n", pads++, v.at->offset - end);
		sb_puts(s->out, "\t\t");
		btf_plain_c(s->out, s->img->btf, v.type, v.name, 2);
		sb_puts(s->out, ";\n");
		end = v.at->offset + v.at->size;
	}
}

/* The same where each member points to the variable. */
static void put_pointers(struct skel *s, const struct btf_type *t)
{
	char star[256];
	struct var v;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *of;

		if (!variable(s, t, i, &v))
			continue;
		of = btf_type(s->img->btf, v.type);
		snprintf(star, sizeof(star), "*%s", v.name);
		sb_puts(s->out, "\t\t");
		if (of && btf_kind(of) == BTF_KIND_ARRAY) {
			sb_puts(s->out, "__typeof__(");
			btf_plain_c(s->out, s->img->btf, v.type, "", 2);
			sb_printf(s->out, ") %s", star);
		} else {
			btf_plain_c(s->out, s->img->btf, v.type, star, 2);
		}
		sb_puts(s->out, ";\n");
	}
}

void skel_put_sections(struct skel *s)
{
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct image_map *m = &s->img->maps[i];
		const struct btf_type *t = section_of(s, m);
		char ident[64];

		if (!skel_has_variables(m))
			continue;
		skel_identifier(ident, sizeof(ident), m->name);
		sb_printf(s->out, "\t%sstruct %s__%s {\n", s->o->kind == SKEL_SKEP &&
			  m->kind == IMAGE_MAP_RODATA ? "const " : "", s->name, ident);
		if (t && s->o->kind == SKEL_SUB)
			put_pointers(s, t);
		else if (t)
			put_members(s, t);
		sb_printf(s->out, "\t} %s%s;\n", s->o->kind == SKEL_SUB ? "" : "*", ident);
	}
}

void skel_put_asserts(struct skel *s)
{
	sb_printf(s->out, "\n__attribute__((unused)) static inline void\n%s__assert(struct %s *s)\n"
		  "{\n\t(void)s;\n", s->name, s->name);
	sb_puts(s->out, "#ifdef __cplusplus\n#define _Static_assert static_assert\n#endif\n");
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct btf_type *t = section_of(s, &s->img->maps[i]);
		char ident[64];
		struct var v;

		if (!t || !skel_has_variables(&s->img->maps[i]))
			continue;
		skel_identifier(ident, sizeof(ident), s->img->maps[i].name);
		for (u32 k = 0; k < btf_vlen(t); k++)
			if (variable(s, t, k, &v))
				sb_printf(s->out, "\t_Static_assert(sizeof(s->%s->%s) == %u, "
					  "\"unexpected size of '%s'\");\n", ident, v.name,
					  v.at->size, v.name);
	}
	sb_puts(s->out, "#ifdef __cplusplus\n#undef _Static_assert\n#endif\n}\n");
}

/* ---- the struct ----------------------------------------------------------------- */

static void put_maps(struct skel *s, const char *type)
{
	char ident[64];

	if (s->img->nr_maps)
		sb_puts(s->out, "\tstruct {\n");
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		skel_identifier(ident, sizeof(ident), s->img->maps[i].name);
		sb_printf(s->out, "\t\tstruct %s *%s;\n", type, ident);
	}
	if (s->img->nr_maps)
		sb_puts(s->out, "\t} maps;\n");
}

static void put_progs(struct skel *s, const char *type, const char *member)
{
	if (s->img->nr_progs)
		sb_puts(s->out, "\tstruct {\n");
	for (u32 i = 0; i < s->img->nr_progs; i++)
		sb_printf(s->out, "\t\tstruct %s *%s;\n", type, s->img->progs[i].name);
	if (s->img->nr_progs)
		sb_printf(s->out, "\t} %s;\n", member);
}

void skel_put_string(struct strbuf *out, const u8 *data, size_t n)
{
	enum { WIDTH = 78 };
	u32 column = 1;

	sb_puts(out, "\"\\\n");
	for (size_t i = 0; i < n; i++) {
		size_t before = out->n;

		sb_printf(out, "\\%o", data[i]);
		column += (u32)(out->n - before);
		if (column > WIDTH - 4) {
			sb_puts(out, "\\\n");
			column = 1;
		}
	}
	sb_puts(out, "\"");
}

/* The object as a string. */
static void put_bytes(struct skel *s)
{
	sb_printf(s->out, "\nstatic inline const void *%s__elf_bytes(size_t *sz)\n{\n"
		  "\tstatic const char data[] __attribute__((__aligned__(8))) = ", s->name);
	skel_put_string(s->out, s->data, s->bytes);
	sb_puts(s->out, ";\n\n\t*sz = sizeof(data) - 1;\n\treturn data;\n}\n");
}

void skel_put(struct skel *s, const char *text)
{
	for (; *text; text++)
		if (*text == '@')
			sb_puts(s->out, s->name);
		else
			sb_putc(s->out, *text);
}

void skel_put_head(struct skel *s, const char *includes)
{
	sb_puts(s->out, "/* SPDX-License-Identifier: BSD-2-Clause */\n"
		"/* Made by skep gen, from a BPF object: it is made anew with that. */\n");
	put_guard(s, "#ifndef __%s_%sSKEL_H__\n");
	put_guard(s, "#define __%s_%sSKEL_H__\n\n");
	if (s->o->kind != SKEL_LIGHT)
		sb_puts(s->out, "#include <errno.h>\n#include <stdlib.h>\n");
	sb_printf(s->out, "%s\n", includes);
	skel_put(s, "struct @ {\n");
}

/* ---- for libbpf ----------------------------------------------------------------- */

static const char libbpf_methods[] =
	"\n#ifdef __cplusplus\n"
	"\tstatic inline struct @ *open(const struct bpf_object_open_opts *opts = nullptr);\n"
	"\tstatic inline struct @ *open_and_load();\n"
	"\tstatic inline int load(struct @ *skel);\n"
	"\tstatic inline int attach(struct @ *skel);\n"
	"\tstatic inline void detach(struct @ *skel);\n"
	"\tstatic inline void destroy(struct @ *skel);\n"
	"\tstatic inline const void *elf_bytes(size_t *sz);\n"
	"#endif\n};\n";

static const char libbpf_calls[] =
	"\nstatic inline void @__destroy(struct @ *skel)\n{\n"
	"\tif (skel && skel->skeleton)\n"
	"\t\tbpf_object__destroy_skeleton(skel->skeleton);\n"
	"\tfree(skel);\n}\n"
	"\nstatic inline struct @ *@__open_opts(const struct bpf_object_open_opts *opts)\n{\n"
	"\tstruct @ *skel = (struct @ *)calloc(1, sizeof(*skel));\n"
	"\tint err = skel ? @__create_skeleton(skel) : -ENOMEM;\n\n"
	"\tif (!err)\n"
	"\t\terr = bpf_object__open_skeleton(skel->skeleton, opts);\n"
	"\tif (!err)\n"
	"\t\treturn skel;\n"
	"\t@__destroy(skel);\n"
	"\terrno = -err;\n"
	"\treturn NULL;\n}\n"
	"\nstatic inline struct @ *@__open(void)\n{\n\treturn @__open_opts(NULL);\n}\n"
	"\nstatic inline int @__load(struct @ *skel)\n{\n"
	"\treturn bpf_object__load_skeleton(skel->skeleton);\n}\n"
	"\nstatic inline struct @ *@__open_and_load(void)\n{\n"
	"\tstruct @ *skel = @__open();\n"
	"\tint err = skel ? @__load(skel) : 0;\n\n"
	"\tif (!err)\n"
	"\t\treturn skel;\n"
	"\t@__destroy(skel);\n"
	"\terrno = -err;\n"
	"\treturn NULL;\n}\n"
	"\nstatic inline int @__attach(struct @ *skel)\n{\n"
	"\treturn bpf_object__attach_skeleton(skel->skeleton);\n}\n"
	"\nstatic inline void @__detach(struct @ *skel)\n{\n"
	"\tbpf_object__detach_skeleton(skel->skeleton);\n}\n"
	"\n#ifdef __cplusplus\n"
	"struct @ *@::open(const struct bpf_object_open_opts *opts)\n"
	"{\n\treturn @__open_opts(opts);\n}\n"
	"struct @ *@::open_and_load() { return @__open_and_load(); }\n"
	"int @::load(struct @ *skel) { return @__load(skel); }\n"
	"int @::attach(struct @ *skel) { return @__attach(skel); }\n"
	"void @::detach(struct @ *skel) { @__detach(skel); }\n"
	"void @::destroy(struct @ *skel) { @__destroy(skel); }\n"
	"const void *@::elf_bytes(size_t *sz) { return @__elf_bytes(sz); }\n"
	"#endif\n";

/* Room for N rows of MEMBER ("maps") in *s, which libbpf frees. */
static void put_room(struct skel *s, const char *member, const char *prefix, const char *type,
		     u32 n)
{
	sb_printf(s->out, "\n\ts->%s_cnt = %u;\n\ts->%s_skel_sz = sizeof(*s->%s);\n"
		  "\ts->%s = (struct %s *)calloc(%u, sizeof(*s->%s));\n"
		  "\tif (!s->%s)\n\t\treturn -ENOMEM;\n", prefix, n, prefix, member, member, type,
		  n, member, member);
}

static void put_map_rows(struct skel *s, bool mapped)
{
	if (!s->img->nr_maps)
		return;
	put_room(s, "maps", "map", "bpf_map_skeleton", s->img->nr_maps);
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct image_map *m = &s->img->maps[i];
		char ident[64];

		skel_identifier(ident, sizeof(ident), m->name);
		sb_printf(s->out, "\ts->maps[%u].name = \"%s\";\n"
			  "\ts->maps[%u].map = &skel->maps.%s;\n", i, m->name, i, ident);
		if (mapped && skel_has_variables(m))
			sb_printf(s->out, "\ts->maps[%u].mmaped = (void **)&skel->%s;\n", i,
				  ident);
	}
}

static void put_prog_rows(struct skel *s, bool links)
{
	if (!s->img->nr_progs)
		return;
	put_room(s, "progs", "prog", "bpf_prog_skeleton", s->img->nr_progs);
	for (u32 i = 0; i < s->img->nr_progs; i++) {
		const char *name = s->img->progs[i].name;

		sb_printf(s->out, "\ts->progs[%u].name = \"%s\";\n"
			  "\ts->progs[%u].prog = &skel->progs.%s;\n", i, name, i, name);
		if (links)
			sb_printf(s->out, "\ts->progs[%u].link = &skel->links.%s;\n", i, name);
	}
}

static void for_libbpf(struct skel *s)
{
	skel_put_head(s, "#include <bpf/libbpf.h>\n");
	sb_puts(s->out, "\tstruct bpf_object_skeleton *skeleton;\n\tstruct bpf_object *obj;\n");
	put_maps(s, "bpf_map");
	put_progs(s, "bpf_program", "progs");
	put_progs(s, "bpf_link", "links");
	skel_put_sections(s);
	skel_put(s, libbpf_methods);
	put_bytes(s);
	skel_put(s, "\n/* What is allocated here goes by @__destroy, also after an error. */\n"
	    "static inline int @__create_skeleton(struct @ *skel)\n{\n"
	    "\tstruct bpf_object_skeleton *s =\n"
	    "\t\t(struct bpf_object_skeleton *)calloc(1, sizeof(*s));\n"
	    "\n\tif (!s)\n\t\treturn -ENOMEM;\n\tskel->skeleton = s;\n"
	    "\ts->sz = sizeof(*s);\n\ts->name = \"@\";\n\ts->obj = &skel->obj;\n");
	put_map_rows(s, true);
	put_prog_rows(s, true);
	skel_put(s, "\n\ts->data = (void *)@__elf_bytes(&s->data_sz);\n\treturn 0;\n}\n");
	skel_put(s, libbpf_calls);
	skel_put_asserts(s);
}

/* ---- parts of an object, by libbpf ---------------------------------------------- */

static u32 count_vars(const struct skel *s)
{
	u32 n = 0;
	struct var v;

	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct btf_type *t = section_of(s, &s->img->maps[i]);

		for (u32 k = 0; t && skel_has_variables(&s->img->maps[i]) && k < btf_vlen(t); k++)
			n += variable(s, t, k, &v);
	}
	return n;
}

static void put_var_rows(struct skel *s)
{
	u32 n = count_vars(s), row = 0;
	struct var v;

	if (!n)
		return;
	sb_puts(s->out, "\n\ts->var_skel_sz = sizeof(*s->vars);");
	put_room(s, "vars", "var", "bpf_var_skeleton", n);
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct btf_type *t = section_of(s, &s->img->maps[i]);
		char ident[64];

		skel_identifier(ident, sizeof(ident), s->img->maps[i].name);
		for (u32 k = 0; t && skel_has_variables(&s->img->maps[i]) && k < btf_vlen(t); k++) {
			if (!variable(s, t, k, &v))
				continue;
			sb_printf(s->out, "\ts->vars[%u].name = \"%s\";\n"
				  "\ts->vars[%u].map = &skel->maps.%s;\n"
				  "\ts->vars[%u].addr = (void **)&skel->%s.%s;\n", row, v.name, row,
				  ident, row, ident, v.name);
			row++;
		}
	}
}

static void for_parts(struct skel *s)
{
	skel_put_head(s, "#include <bpf/libbpf.h>\n");
	sb_puts(s->out, "\tstruct bpf_object *obj;\n\tstruct bpf_object_subskeleton *subskel;\n");
	put_maps(s, "bpf_map");
	put_progs(s, "bpf_program", "progs");
	skel_put_sections(s);
	skel_put(s, "\n#ifdef __cplusplus\n"
	    "\tstatic inline struct @ *open(const struct bpf_object *src);\n"
	    "\tstatic inline void destroy(struct @ *skel);\n#endif\n};\n"
	    "\nstatic inline void @__destroy(struct @ *skel)\n{\n"
	    "\tif (skel && skel->subskel) {\n\t\tskel->subskel->obj = NULL;\n"
	    "\t\tbpf_object__destroy_subskeleton(skel->subskel);\n\t}\n\tfree(skel);\n}\n"
	    "\nstatic inline int @__create_subskeleton(struct @ *skel,\n"
	    "\t\t\t\t\tconst struct bpf_object *src)\n{\n"
	    "\tstruct bpf_object_subskeleton *s =\n"
	    "\t\t(struct bpf_object_subskeleton *)calloc(1, sizeof(*s));\n"
	    "\n\tif (!s)\n\t\treturn -ENOMEM;\n\tskel->subskel = s;\n"
	    "\ts->sz = sizeof(*s);\n\ts->obj = src;\n");
	put_var_rows(s);
	put_map_rows(s, false);
	put_prog_rows(s, false);
	skel_put(s, "\treturn 0;\n}\n"
	    "\nstatic inline struct @ *@__open(const struct bpf_object *src)\n{\n"
	    "\tstruct @ *skel = (struct @ *)calloc(1, sizeof(*skel));\n"
	    "\tint err = skel ? @__create_subskeleton(skel, src) : -ENOMEM;\n\n"
	    "\tif (!err)\n\t\terr = bpf_object__open_subskeleton(skel->subskel);\n"
	    "\tif (!err)\n\t\treturn skel;\n\t@__destroy(skel);\n\terrno = -err;\n"
	    "\treturn NULL;\n}\n\n#ifdef __cplusplus\n"
	    "struct @ *@::open(const struct bpf_object *src) { return @__open(src); }\n"
	    "void @::destroy(struct @ *skel) { @__destroy(skel); }\n#endif\n");
}

/* ---- for libskep ---------------------------------------------------------------- */

static const char skep_calls[] =
	"\nstatic inline void @__destroy(struct @ *skel)\n{\n"
	"\tif (!skel)\n\t\treturn;\n"
	"\t@__forget(skel);\n"
	"\tskep_object_close(skel->obj);\n"
	"\tfree(skel);\n}\n"
	"\n/* Variables are set by skep_object_set(skel->obj, ...) before it is loaded. */\n"
	"static inline struct @ *@__open(struct skep_err *err)\n{\n"
	"\tstruct @ *skel = (struct @ *)calloc(1, sizeof(*skel));\n"
	"\tsize_t size;\n\tconst void *data = @__elf_bytes(&size);\n\n"
	"\tif (skel && !skep_object_open_mem(&skel->obj, data, size, \"@\", err)) {\n"
	"\t\t@__find(skel);\n\t\treturn skel;\n\t}\n"
	"\tfree(skel);\n\treturn NULL;\n}\n"
	"\n/* OPTS may be NULL. 0, or what skep_object_load() gives. */\n"
	"static inline int @__load(struct @ *skel, const struct skep_load_opts *opts,\n"
	"\t\t\tstruct skep_err *err)\n{\n"
	"\tint r = skep_object_load(skel->obj, opts, err);\n\n"
	"\treturn r ? r : @__map(skel);\n}\n"
	"\nstatic inline struct @ *@__open_and_load(const struct skep_load_opts *opts,\n"
	"\t\t\t\t\t\tstruct skep_err *err)\n{\n"
	"\tstruct @ *skel = @__open(err);\n\n"
	"\tif (skel && @__load(skel, opts, err)) {\n"
	"\t\t@__destroy(skel);\n\t\treturn NULL;\n\t}\n"
	"\treturn skel;\n}\n";

/* Programs and maps by name. */
static void put_find(struct skel *s)
{
	skel_put(s, "\nstatic inline void @__find(struct @ *skel)\n{\n");
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		char ident[64];

		skel_identifier(ident, sizeof(ident), s->img->maps[i].name);
		sb_printf(s->out, "\tskel->maps.%s = skep_object_map(skel->obj, \"%s\");\n", ident,
			  s->img->maps[i].name);
	}
	for (u32 i = 0; i < s->img->nr_progs; i++)
		sb_printf(s->out, "\tskel->progs.%s = skep_object_prog(skel->obj, \"%s\");\n",
			  s->img->progs[i].name, s->img->progs[i].name);
	sb_puts(s->out, "\t(void)skel;\n}\n");
}

/* Variables: where they are, or a copy of those that nobody changes. */
static void put_map_vars(struct skel *s)
{
	skel_put(s, "\nstatic inline int @__map(struct @ *skel)\n{\n\tsize_t size = 0;\n"
	    "\tconst unsigned int first = 0;\n\tvoid *copy;\n\n");
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		const struct image_map *m = &s->img->maps[i];
		char id[64];

		if (!skel_has_variables(m))
			continue;
		skel_identifier(id, sizeof(id), m->name);
		if (m->kind == IMAGE_MAP_DATA) {
			sb_printf(s->out, "\tskel->%s = (__typeof__(skel->%s))skep_map_memory("
				  "skel->maps.%s, &size);\n", id, id, id);
			continue;
		}
		sb_printf(s->out, "\tskel->%s = (__typeof__(skel->%s))(copy = calloc(1, %u));\n"
			  "\tif (!copy)\n\t\treturn -ENOMEM;\n"
			  "\tskep_map_lookup(skel->maps.%s, &first, copy);\n", id, id,
			  m->value_size, id);
	}
	sb_puts(s->out, "\t(void)skel, (void)size, (void)first, (void)copy;\n\treturn 0;\n}\n");
	skel_put(s, "\nstatic inline void @__forget(struct @ *skel)\n{\n");
	for (u32 i = 0; i < s->img->nr_maps; i++) {
		char id[64];

		skel_identifier(id, sizeof(id), s->img->maps[i].name);
		if (s->img->maps[i].kind == IMAGE_MAP_RODATA)
			sb_printf(s->out, "\tfree((void *)skel->%s);\n", id);
	}
	sb_puts(s->out, "\t(void)skel;\n}\n");
}

static void for_skep(struct skel *s)
{
	skel_put_head(s, "#include <skep/skep.h>\n");
	sb_puts(s->out, "\tstruct skep_object *obj;\n");
	put_maps(s, "skep_map");
	put_progs(s, "skep_prog", "progs");
	skel_put_sections(s);
	sb_puts(s->out, "};\n");
	put_bytes(s);
	put_find(s);
	put_map_vars(s);
	skel_put(s, skep_calls);
	skel_put_asserts(s);
}

int gen_skeleton(struct strbuf *out, const struct skel_opts *o, const u8 *data, size_t bytes,
		 struct skep_err *err)
{
	struct skel s = { .out = out, .o = o, .data = data, .bytes = bytes };
	struct image *img = NULL;
	int r = choose_name(&s, err);

	if (!r)
		r = o->kind == SKEL_LIGHT ? obj_open_undecided(&img, data, bytes, o->file, err) :
					    obj_open(&img, data, bytes, o->file, err);
	if (r)
		return r;
	s.img = img;
	switch (o->kind) {
	case SKEL_LIBBPF: for_libbpf(&s); break;
	case SKEL_SUB: for_parts(&s); break;
	case SKEL_SKEP: for_skep(&s); break;
	case SKEL_LIGHT: r = skel_light(&s, err); break;
	}
	sb_puts(out, "\n#endif\n");
	image_free(img);
	return r;
}

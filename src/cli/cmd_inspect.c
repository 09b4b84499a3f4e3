/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_inspect.c: what is in an object: programs with the helpers they call,
 * maps with their types, BTF and licence. Runs nothing.
 */
#include "cli/inspect.h"
#include "isa/isa.h"

/* ---- columns -------------------------------------------------------------------- */

enum { COLUMNS_MAX = 8 };

void table_cell(struct table *t, const char *text)
{
	*vec_push(&t->cells) = arena_strdup(&t->arena, text);
}

static void cell_u64(struct table *t, u64 n)
{
	*vec_push(&t->cells) = arena_printf(&t->arena, "%llu", (unsigned long long)n);
}

void table_print(struct strbuf *out, struct table *t)
{
	size_t width[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < t->cells.n; i++)
		width[i % t->columns] = max_u64(width[i % t->columns], strlen(t->cells.v[i]));
	for (size_t i = 0; i < t->cells.n; i++) {
		bool last = i % t->columns == t->columns - 1;

		sb_puts(out, t->cells.v[i]);
		if (last) {
			while (out->n && out->s[out->n - 1] == ' ')
				out->s[--out->n] = 0;
			sb_putc(out, '\n');
		} else {
			sb_printf(
				out, "%*s",
				(int)(width[i % t->columns] - strlen(t->cells.v[i]) + 2),
				"");
		}
	}
	vec_free(&t->cells);
	arena_free(&t->arena);
}

/* ---- facts ------------------------------------------------------------------------- */

/* Helpers that P calls, each once, in order of first use. There are 211; the
 * calls of what is none may be more than fit, and are counted. */
struct helpers { u32 id[256]; u32 n, more; };

static struct helpers helpers_of(const struct image_prog *p)
{
	struct helpers h = { .n = 0 };

	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		u32 id = (u32)p->insns[i].imm, k;

		if (isa_op(&p->insns[i]) != OP_CALL || id == IMAGE_POISON)
			continue;
		for (k = 0; k < h.n && h.id[k] != id; k++)
			;
		if (k < h.n)
			continue;
		if (h.n < ARRAY_LEN(h.id))
			h.id[h.n++] = id;
		else
			h.more++;
	}
	return h;
}

static void helper_name(char *buf, size_t size, u32 id)
{
	const struct helper_row *row = helper_row(id);

	if (row)
		snprintf(buf, size, "%s", row->name);
	else
		snprintf(buf, size, "#%u", id);
}

static void type_text(struct strbuf *out, const struct image *img, u32 type, u32 bytes)
{
	sb_reset(out);
	if (img->btf && type && btf_kind(btf_type(img->btf, type)) != BTF_KIND_DATASEC) {
		btf_decl_c(out, img->btf, type, "");
		sb_printf(out, " (%u)", bytes);
	} else {
		sb_printf(out, "%u bytes", bytes);
	}
}

static const struct { u32 bit; const char *name; } flag_names[] = {
	{ BPF_F_NO_PREALLOC, "no_prealloc" }, { BPF_F_NO_COMMON_LRU, "no_common_lru" },
	{ BPF_F_NUMA_NODE, "numa_node" }, { BPF_F_RDONLY, "rdonly" },
	{ BPF_F_WRONLY, "wronly" }, { BPF_F_ZERO_SEED, "zero_seed" },
	{ BPF_F_RDONLY_PROG, "rdonly_prog" }, { BPF_F_WRONLY_PROG, "wronly_prog" },
	{ BPF_F_MMAPABLE, "mmapable" }, { BPF_F_INNER_MAP, "inner_map" },
};

static void flags_text(struct strbuf *out, u32 flags)
{
	sb_reset(out);
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (flags & flag_names[i].bit) {
			sb_printf(out, "%s%s", out->n ? "," : "", flag_names[i].name);
			flags &= ~flag_names[i].bit;
		}
	if (flags)
		sb_printf(out, "%s0x%x", out->n ? "," : "", flags);
}

static const char *prog_type_name(const struct image_prog *p)
{
	const struct progtype_row *row = progtype_row(p->type);

	return row ? row->name : "?";
}

static const char *map_type_name(const struct image_map *m)
{
	const struct maptype_row *row = maptype_row(m->type);

	return row ? row->name : "?";
}

/* ---- text ------------------------------------------------------------------------------ */

static void progs_text(struct strbuf *out, const struct image *img)
{
	static const char *const head[] = {"program", "section",     "type",
					   "insns",   "subprograms", "helpers"};
	struct table t = { .columns = ARRAY_LEN(head) };
	struct strbuf names = { 0 };
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		table_cell(&t, head[i]);
	for (u32 i = 0; i < img->nr_progs; i++) {
		const struct image_prog *p = &img->progs[i];
		struct helpers h = helpers_of(p);

		sb_reset(&names);
		for (u32 k = 0; k < h.n; k++) {
			helper_name(name, sizeof(name), h.id[k]);
			sb_printf(&names, "%s%s", k ? " " : "", name);
		}
		if (h.more)
			sb_printf(&names, " and %u more calls", h.more);
		table_cell(&t, p->name);
		table_cell(&t, p->section);
		table_cell(&t, prog_type_name(p));
		cell_u64(&t, p->nr_insns);
		cell_u64(&t, p->nr_funcs ? p->nr_funcs - 1 : 0);
		table_cell(&t, sb_text(&names));
	}
	sb_free(&names);
	table_print(out, &t);
}

static void maps_text(struct strbuf *out, const struct image *img)
{
	static const char *const head[] = { "map", "type", "key", "value", "max_entries", "flags" };
	struct table t = { .columns = ARRAY_LEN(head) };
	struct strbuf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		table_cell(&t, head[i]);
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];

		table_cell(&t, m->name);
		table_cell(&t, map_type_name(m));
		type_text(&text, img, m->key_type, m->key_size);
		table_cell(&t, sb_text(&text));
		type_text(&text, img, m->value_type, m->value_size);
		table_cell(&t, sb_text(&text));
		cell_u64(&t, m->max_entries);
		flags_text(&text, m->map_flags);
		table_cell(&t, sb_text(&text));
	}
	sb_free(&text);
	table_print(out, &t);
}

static void image_text(struct strbuf *out, const struct image *img, bool all)
{
	sb_printf(out, "%s: %u program%s, %u map%s, ", img->file, img->nr_progs,
		  img->nr_progs == 1 ? "" : "s", img->nr_maps, img->nr_maps == 1 ? "" : "s");
	if (img->btf)
		sb_printf(out, "BTF with %u types, ", img->btf->nr_types - 1);
	else
		sb_puts(out, "no BTF, ");
	sb_printf(out, "licence %s\n", *img->license ? img->license : "not given");
	if (img->nr_progs)
		progs_text(out, img);
	if (img->nr_maps)
		maps_text(out, img);
	inspect_types_text(out, img, all);
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void prog_json(struct json *j, const struct image *img, const struct image_prog *p)
{
	struct helpers h = helpers_of(p);
	char name[64];

	json_obj(j, NULL);
	json_str(j, "name", p->name);
	json_str(j, "section", p->section);
	json_str(j, "type", prog_type_name(p));
	json_bool(j, "autoload", p->autoload);
	json_u64(j, "insns", p->nr_insns);
	json_arr(j, "functions");
	for (u32 i = 0; i < p->nr_funcs; i++)
		json_str(j, NULL, p->funcs[i].name);
	json_arr_end(j);
	json_arr(j, "helpers");
	for (u32 i = 0; i < h.n; i++) {
		helper_name(name, sizeof(name), h.id[i]);
		json_str(j, NULL, name);
	}
	json_arr_end(j);
	if (h.more)
		json_u64(j, "more_calls", h.more);
	inspect_core_json(j, img, p);
	json_obj_end(j);
}

static void map_json(struct json *j, const struct image *img, const struct image_map *m)
{
	struct strbuf text = { 0 };

	json_obj(j, NULL);
	json_str(j, "name", m->name);
	json_str(j, "type", map_type_name(m));
	json_u64(j, "key_size", m->key_size);
	json_u64(j, "value_size", m->value_size);
	json_u64(j, "max_entries", m->max_entries);
	json_u64(j, "map_flags", m->map_flags);
	type_text(&text, img, m->key_type, m->key_size);
	json_str(j, "key", sb_text(&text));
	type_text(&text, img, m->value_type, m->value_size);
	json_str(j, "value", sb_text(&text));
	json_obj_end(j);
	sb_free(&text);
}

static void image_json(struct json *j, const struct image *img)
{
	json_obj(j, NULL);
	json_str(j, "file", img->file);
	json_str(j, "license", img->license);
	json_u64(j, "btf_types", img->btf ? img->btf->nr_types - 1 : 0);
	json_arr(j, "programs");
	for (u32 i = 0; i < img->nr_progs; i++)
		prog_json(j, img, &img->progs[i]);
	json_arr_end(j);
	json_arr(j, "maps");
	for (u32 i = 0; i < img->nr_maps; i++)
		map_json(j, img, &img->maps[i]);
	json_arr_end(j);
	inspect_types_json(j, img);
	json_obj_end(j);
}

/* ---- the command ---------------------------------------------------------------------------- */

int cmd_inspect(const struct command *cmd, int argc, char **argv)
{
	struct load_opts load = { 0 };
	bool as_json = false, all = false;
	const struct opt opts[] = {
		{ "json", 'j', OPT_FLAG, NULL, "print JSON", &as_json },
		{ "verbose", 'v', OPT_FLAG, NULL, "list all CO-RE relocations", &all },
		LOAD_OPTS(&load),
		{ 0 }
	};
	struct strbuf out = { 0 };
	struct json j = { .out = &out, .pretty = true };
	struct opt_result res;
	struct skep_err err;
	int status = EXIT_YES;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return vec_free(&load.set), res.status;
	if (!res.operands.n)
		status = usage_error(cmd, "an object or a C file is needed");
	if (as_json)
		json_arr(&j, NULL);
	for (size_t i = 0; !status && i < res.operands.n; i++) {
		struct skep_object *obj;

		if (input_object(&obj, res.operands.v[i], &load, &err)) {
			status = report(&err);
			break;
		}
		if (as_json)
			image_json(&j, obj->img);
		else
			image_text(&out, obj->img, all);
		skep_object_close(obj);
	}
	if (as_json) {
		json_arr_end(&j);
		sb_putc(&out, '\n');
	}
	if (!status)
		status = print_out(&out);
	sb_free(&out);
	vec_free(&res.operands);
	vec_free(&load.set);
	return status;
}

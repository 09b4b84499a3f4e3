/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect_json.c: what is in an object, for programs. skep-inspect(1) has the keys. */
#include "cli/inspect.h"

static void manifest_json(struct json *j, const struct image *img, const struct image_prog *p)
{
	struct manifest m;
	char buf[64];

	manifest_make(&m, img, p);
	json_arr(j, "helpers");
	for (u32 i = 0; i < m.helpers.n; i++)
		json_str(j, NULL, helper_text(m.helpers.id[i], buf));
	json_arr_end(j);
	if (m.helpers.more)
		json_u64(j, "more_calls", m.helpers.more);
	json_arr(j, "maps");
	for (u32 i = 0; i < img->nr_maps; i++)
		if (m.maps[i])
			json_str(j, NULL, img->maps[i].name);
	json_arr_end(j);
	json_arr(j, "effects");
	for (u32 e = 0; e < EFFECT_MAX; e++)
		if (m.effects & 1u << e)
			json_str(j, NULL, effect_key((enum effect)e));
	json_arr_end(j);
	json_arr(j, "capabilities");
	json_str(j, NULL, "CAP_BPF");
	if (m.caps & NEED_NET_ADMIN)
		json_str(j, NULL, "CAP_NET_ADMIN");
	if (m.caps & NEED_PERFMON)
		json_str(j, NULL, "CAP_PERFMON");
	json_arr_end(j);
	json_bool(j, "needs_gpl", m.gpl);
	if (m.since) {
		json_str(j, "since", m.since);
		json_str(j, "since_because", m.why);
	}
	manifest_free(&m);
}

static void source_json(struct json *j, const struct image_prog *p)
{
	json_arr(j, "source");
	for (u32 i = 0; i < p->nr_lines; i++) {
		const struct image_line *l = &p->lines[i];

		json_obj(j, NULL);
		json_u64(j, "insn", l->insn);
		json_str(j, "file", image_line_file(l));
		json_u64(j, "line", l->line);
		json_u64(j, "column", l->col);
		json_str(j, "text", l->text);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void prog_json(struct json *j, const struct inspect *o, const struct image *img,
		      const struct image_prog *p)
{
	json_obj(j, NULL);
	json_str(j, "name", p->name);
	json_str(j, "section", p->section);
	json_str(j, "type", inspect_prog_type(p));
	json_u64(j, "expected_attach", p->expected_attach);
	json_bool(j, "autoload", p->autoload);
	inspect_attach_json(j, img, p);
	json_u64(j, "insns", p->nr_insns);
	json_arr(j, "functions");
	for (u32 i = 0; i < p->nr_funcs; i++)
		json_str(j, NULL, p->funcs[i].name);
	json_arr_end(j);
	manifest_json(j, img, p);
	inspect_core_json(j, img, p);
	if (o->source)
		source_json(j, p);
	json_obj_end(j);
}

static void map_json(struct json *j, const struct image *img, const struct image_map *m)
{
	json_obj(j, NULL);
	json_str(j, "name", m->name);
	inspect_shape_json(j, img, m);
	json_bool(j, "pinned", m->pinning);
	json_bool(j, "read_only", m->kind == IMAGE_MAP_RODATA);
	inspect_slots_json(j, img, m);
	json_obj_end(j);
}

static void var_json(struct json *j, const struct image *img, const struct image_map *m,
		     const struct inspect_var *v)
{
	struct strbuf text = { 0 };

	btf_decl_c(&text, img->btf, v->type, "");
	json_obj(j, NULL);
	json_str(j, "name", v->name);
	json_str(j, "section", m->name);
	json_str(j, "type", sb_text(&text));
	json_u64(j, "size", v->bytes);
	inspect_value(j, "value", img, m, v);
	json_bool(j, "settable", v->settable);
	json_obj_end(j);
	sb_free(&text);
}

void inspect_json(struct json *j, const struct inspect *o, const struct image *img)
{
	struct inspect_var v;

	json_obj(j, NULL);
	json_str(j, "file", img->file);
	json_str(j, "license", img->license);
	json_u64(j, "btf_types", img->btf ? img->btf->nr_types - 1 : 0);
	json_arr(j, "programs");
	for (u32 i = 0; i < img->nr_progs; i++)
		if (inspect_wants(o, &img->progs[i]))
			prog_json(j, o, img, &img->progs[i]);
	json_arr_end(j);
	json_arr(j, "maps");
	for (u32 i = 0; i < img->nr_maps; i++)
		map_json(j, img, &img->maps[i]);
	json_arr_end(j);
	json_arr(j, "variables");
	for (u32 m = 0; m < img->nr_maps; m++)
		for (u32 i = 0; inspect_var(&v, img, &img->maps[m], i); i++)
			var_json(j, img, &img->maps[m], &v);
	json_arr_end(j);
	inspect_types_json(j, img);
	inspect_sections_json(j, img);
	json_obj_end(j);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inspect_types.c: what `skep inspect` says of what an object
 * expects of a kernel and of its CO-RE relocations. In text only those
 * relocations are listed that failed, unless all are asked for.
 */
#include "cli/inspect.h"
#include "btf/core.h"

static const char *const statuses[] = {
	[IMAGE_CORE_OK] = "ok", [IMAGE_CORE_POISONED] = "poisoned",
	[IMAGE_CORE_GUARDED] = "guarded",
};

static const char *const kinds[] = {
	[IMAGE_KCONFIG] = "kconfig", [IMAGE_KSYM_ADDR] = "ksym",
	[IMAGE_KSYM_VAR] = "ksym", [IMAGE_KFUNC] = "kfunc",
};

/* ---- what a kernel must have -------------------------------------------------------- */

static void extern_type(struct strbuf *out, const struct image *img, const struct image_extern *e)
{
	sb_reset(out);
	if (e->kind == IMAGE_KFUNC)
		btf_decl_c(out, img->btf, btf_type(img->btf, e->type_id)->type, e->name);
	else
		btf_decl_c(out, img->btf, e->type_id, e->name);
}

static const char *extern_state(const struct image_extern *e)
{
	if (e->kind == IMAGE_KSYM_VAR || e->kind == IMAGE_KFUNC)
		return e->weak ? "weak" : "";
	return e->found ? "found" : e->weak ? "missing, weak" : "missing";
}

static void externs_text(struct strbuf *out, const struct image *img)
{
	struct table t = { .columns = 3 };
	struct strbuf text = { 0 };

	for (u32 i = 0; i < img->nr_externs; i++) {
		const struct image_extern *e = &img->externs[i];

		if (!i) {
			table_cell(&t, "of the kernel");
			table_cell(&t, "kind");
			table_cell(&t, "state");
		}
		extern_type(&text, img, e);
		table_cell(&t, sb_text(&text));
		table_cell(&t, kinds[e->kind]);
		table_cell(&t, extern_state(e));
	}
	table_print(out, &t);
	sb_free(&text);
}

static void externs_json(struct json *j, const struct image *img)
{
	struct strbuf text = { 0 };

	json_arr(j, "externs");
	for (u32 i = 0; i < img->nr_externs; i++) {
		const struct image_extern *e = &img->externs[i];

		extern_type(&text, img, e);
		json_obj(j, NULL);
		json_str(j, "name", e->name);
		json_str(j, "kind", kinds[e->kind]);
		json_str(j, "type", sb_text(&text));
		json_bool(j, "weak", e->weak);
		if (e->kind == IMAGE_KCONFIG || e->kind == IMAGE_KSYM_ADDR)
			json_bool(j, "found", e->found);
		json_obj_end(j);
	}
	json_arr_end(j);
	sb_free(&text);
}

/* ---- CO-RE ------------------------------------------------------------------------------ */

static void core_text(struct strbuf *out, const struct image *img, bool all)
{
	u32 n = 0, by[3] = { 0 };

	for (u32 i = 0; i < img->nr_progs; i++) {
		n += img->progs[i].nr_cores;
		for (u32 k = 0; k < img->progs[i].nr_cores; k++)
			by[img->progs[i].cores[k].status]++;
	}
	if (!n)
		return;
	sb_printf(out, "CO-RE relocations for %s: %u ok, %u guarded, %u poisoned\n",
		  img->types ? img->types : "the object's own types", by[0], by[2], by[1]);
	for (u32 i = 0; i < img->nr_progs; i++)
		for (u32 k = 0; k < img->progs[i].nr_cores; k++) {
			const struct image_core *c = &img->progs[i].cores[k];

			if (!all && c->status == IMAGE_CORE_OK)
				continue;
			sb_printf(out, "  %s:%u: %s ", img->progs[i].name, c->insn,
				  core_kind_name(c->relo.kind));
			core_describe(out, img->btf, &c->relo);
			if (c->status == IMAGE_CORE_OK)
				sb_printf(out, ": %llu -> %llu\n", (unsigned long long)c->local,
					  (unsigned long long)c->target);
			else
				sb_printf(out, ": %s: %s\n", statuses[c->status], c->reason);
		}
}

void inspect_core_json(struct json *j, const struct image *img, const struct image_prog *p)
{
	struct strbuf text = { 0 };

	json_arr(j, "core_relocations");
	for (u32 i = 0; i < p->nr_cores; i++) {
		const struct image_core *c = &p->cores[i];

		sb_reset(&text);
		core_describe(&text, img->btf, &c->relo);
		json_obj(j, NULL);
		json_u64(j, "insn", c->insn);
		json_str(j, "kind", core_kind_name(c->relo.kind));
		json_str(j, "of", sb_text(&text));
		json_u64(j, "local", c->local);
		json_str(j, "status", statuses[c->status]);
		if (c->status == IMAGE_CORE_OK)
			json_u64(j, "target", c->target);
		else
			json_str(j, "reason", c->reason);
		json_obj_end(j);
	}
	json_arr_end(j);
	sb_free(&text);
}

void inspect_types_text(struct strbuf *out, const struct image *img, bool all)
{
	externs_text(out, img);
	core_text(out, img, all);
}

void inspect_types_json(struct json *j, const struct image *img)
{
	externs_json(j, img);
	if (img->types)
		json_str(j, "core_types", img->types);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inspect_links.c: what `skep inspect` says of how the parts of an object hang
 * together: what is in maps of maps, prog arrays and struct_ops at the start,
 * where programs attach, which kernel functions they call.
 */
#include "cli/inspect.h"

/* ---- maps ------------------------------------------------------------------- */

/* What slot I of M holds, or NULL. */
static const char *slot_name(const struct image *img, const struct image_map *m, u32 i)
{
	bool progs = m->type == BPF_MAP_TYPE_PROG_ARRAY;
	s32 at = m->slots[i];

	if (at < 0 || (u32)at >= (progs ? img->nr_progs : img->nr_maps))
		return NULL;
	return progs ? img->progs[at].name : img->maps[at].name;
}

static void inner_text(struct strbuf *out, const struct image *img, const struct image_map *m)
{
	struct strbuf text = { 0 };

	sb_printf(out, "maps in %s: %s, ", m->name, inspect_map_type(m->inner));
	inspect_type(&text, img, m->inner->key_type, m->inner->key_size);
	sb_printf(out, "key %s, ", sb_text(&text));
	inspect_type(&text, img, m->inner->value_type, m->inner->value_size);
	sb_printf(out, "value %s, max_entries %u\n", sb_text(&text), m->inner->max_entries);
	sb_free(&text);
}

/* "at first in M: 0 = a, 1 = b": N counts what is in the line. */
static void link_text(struct strbuf *out, u32 n, const char *what, const char *map)
{
	if (n)
		sb_puts(out, ", ");
	else
		sb_printf(out, "%s %s: ", what, map);
}

void inspect_slots_text(struct strbuf *out, const struct image *img, const struct image_map *m)
{
	u32 n = 0;

	if (m->inner)
		inner_text(out, img, m);
	for (u32 i = 0; i < m->nr_slots; i++) {
		const char *name = slot_name(img, m, i);

		if (!name)
			continue;
		link_text(out, n++, "at first in", m->name);
		sb_printf(out, "%u = %s", i, name);
	}
	for (u32 i = 0; i < m->nr_ops; i++) {
		if (m->ops[i].prog >= img->nr_progs)
			continue;
		link_text(out, n++, "members of", m->name);
		sb_printf(out, "%s = %s", m->ops[i].member, img->progs[m->ops[i].prog].name);
	}
	sb_puts(out, n ? "\n" : "");
}

void inspect_shape_json(struct json *j, const struct image *img, const struct image_map *m)
{
	struct strbuf text = { 0 };

	json_str(j, "type", inspect_map_type(m));
	json_u64(j, "key_size", m->key_size);
	json_u64(j, "value_size", m->value_size);
	json_u64(j, "max_entries", m->max_entries);
	json_u64(j, "map_flags", m->map_flags);
	inspect_type(&text, img, m->key_type, m->key_size);
	json_str(j, "key", sb_text(&text));
	inspect_type(&text, img, m->value_type, m->value_size);
	json_str(j, "value", sb_text(&text));
	sb_free(&text);
}

void inspect_slots_json(struct json *j, const struct image *img, const struct image_map *m)
{
	if (m->inner) {
		json_obj(j, "inner");
		inspect_shape_json(j, img, m->inner);
		json_obj_end(j);
	}
	json_arr(j, "slots");
	for (u32 i = 0; i < m->nr_slots; i++)
		if (slot_name(img, m, i)) {
			json_obj(j, NULL);
			json_u64(j, "slot", i);
			json_str(j, "holds", slot_name(img, m, i));
			json_obj_end(j);
		}
	json_arr_end(j);
	json_arr(j, "members");
	for (u32 i = 0; i < m->nr_ops; i++) {
		if (m->ops[i].prog >= img->nr_progs)
			continue;
		json_obj(j, NULL);
		json_str(j, "member", m->ops[i].member);
		json_str(j, "program", img->progs[m->ops[i].prog].name);
		json_obj_end(j);
	}
	json_arr_end(j);
}

/* ---- programs --------------------------------------------------------------- */

static bool calls_kfunc(const struct image_prog *p, u32 index)
{
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		if (isa_op(&p->insns[i]) == OP_CALL_KFUNC && (u32)p->insns[i].imm == index)
			return true;
	return false;
}

const char *inspect_kfunc(const struct image *img, const struct image_prog *p, u32 *at)
{
	for (u32 i; (i = (*at)++) < img->nr_externs;)
		if (img->externs[i].kind == IMAGE_KFUNC && calls_kfunc(p, i))
			return img->externs[i].name;
	return NULL;
}

void inspect_attach_json(struct json *j, const struct image *img, const struct image_prog *p)
{
	const char *name;
	u32 at = 0;

	json_str(j, "target", p->target ? p->target : "");
	json_bool(j, "type_guessed", p->guessed);
	json_arr(j, "kfuncs");
	while ((name = inspect_kfunc(img, p, &at)))
		json_str(j, NULL, name);
	json_arr_end(j);
}

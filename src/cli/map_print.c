/* SPDX-License-Identifier: BSD-2-Clause */
/* map_print.c: maps and their elements in bpftool's forms. */
#include "cli/map_view.h"
#include "model/tables.h"
#include <inttypes.h>

enum { LINE_BYTES = 24, LONG_BYTES = 16 };	/* of an element in one line; of a key */

/* ---- facts ------------------------------------------------------------------------ */

static void json_type(struct json *j, const char *key, u32 type)
{
	const struct maptype_row *row = maptype_row(type);

	if (row)
		json_str(j, key, row->name);
	else
		json_u64(j, key, type);
}

void map_json_name(struct json *j, const struct live_map *m)
{
	if (!m->file)
		json_u64(j, "id", m->id);
	json_type(j, "type", m->type);
	if (m->name[0])
		json_str(j, "name", m->name);
	json_u64(j, "flags", m->flags);
}

static void json_owner(struct json *j, const struct live_map *m)
{
	const struct progtype_row *row;

	if (m->owner_type < 0)
		return;
	row = progtype_row((u32)m->owner_type);
	if (row)
		json_str(j, "owner_prog_type", row->name);
	else
		json_s64(j, "owner_prog_type", m->owner_type);
	json_bool(j, "owner_jited", m->owner_jited);
}

static bool is_pin_of(const struct live_pin *p, const struct live_map *m)
{
	return p->kind == LIVE_MAP && p->id == m->id;
}

static bool any_is_pinned(const struct live_pins *pins)
{
	for (size_t i = 0; pins && i < pins->n; i++)
		if (pins->v[i].kind == LIVE_MAP)
			return true;
	return false;
}

/* Once one map is pinned, each has a list. */
static void json_pins(struct json *j, const struct live_map *m, const struct live_pins *pins)
{
	if (m->file || !any_is_pinned(pins))
		return;
	json_arr(j, "pinned");
	for (size_t i = 0; i < pins->n; i++)
		if (is_pin_of(&pins->v[i], m))
			json_str(j, NULL, pins->v[i].path);
	json_arr_end(j);
}

/* What a kernel does not say of its maps. */
static void json_file(struct json *j, const struct live_map *m)
{
	json_u64(j, "entries", m->entries);
	json_u64(j, "cpus", m->cpus);
	json_arr(j, "pinned");
	json_str(j, NULL, m->file);
	json_arr_end(j);
}

void map_json_facts(struct json *j, const struct live_map *m, const struct live_pins *pins)
{
	json_obj(j, NULL);
	map_json_name(j, m);
	json_u64(j, "bytes_key", m->key_size);
	json_u64(j, "bytes_value", m->value_size);
	json_u64(j, "max_entries", m->max_entries);
	if (m->memlock)
		json_u64(j, "bytes_memlock", m->memlock);
	json_owner(j, m);
	json_u64(j, "frozen", m->frozen);
	if (m->btf_id)
		json_u64(j, "btf_id", m->btf_id);
	if (m->file)
		json_file(j, m);
	json_pins(j, m, pins);
	json_obj_end(j);
}

static void print_owner(struct strbuf *out, const struct live_map *m)
{
	const struct progtype_row *row;

	if (m->owner_type < 0)
		return;
	row = progtype_row((u32)m->owner_type);
	sb_puts(out, "\n\towner_prog_type ");
	if (row)
		sb_puts(out, row->name);
	else
		sb_printf(out, "%d", m->owner_type);
	sb_puts(out, m->owner_jited ? "  owner jited" : "  owner not jited");
}

void map_print_facts(struct strbuf *out, const struct live_map *m, const struct live_pins *pins)
{
	const struct maptype_row *row = maptype_row(m->type);

	if (m->file)
		sb_printf(out, "%s: ", m->file);
	else
		sb_printf(out, "%u: ", m->id);
	if (row)
		sb_printf(out, "%s  ", row->name);
	else
		sb_printf(out, "type %u  ", m->type);
	if (m->name[0])
		sb_printf(out, "name %s  ", m->name);
	sb_printf(out, "flags 0x%x\n\tkey %uB  value %uB  max_entries %u", m->flags, m->key_size,
		  m->value_size, m->max_entries);
	if (m->memlock)
		sb_printf(out, "  memlock %" PRIu64 "B", m->memlock);
	if (m->file)
		sb_printf(out, "  entries %" PRIu64, m->entries);
	if (m->file && m->cpus > 1)
		sb_printf(out, "  cpus %u", m->cpus);
	print_owner(out, m);
	for (size_t i = 0; pins && i < pins->n; i++)
		if (is_pin_of(&pins->v[i], m))
			sb_printf(out, "\n\tpinned %s", pins->v[i].path);
	if (m->btf_id)
		sb_printf(out, "\n\tbtf_id %u%s", m->btf_id, m->frozen ? "  frozen" : "");
	else if (m->frozen)
		sb_puts(out, "\n\tfrozen");
	sb_putc(out, '\n');
}

/* ---- bytes ---------------------------------------------------------------------------- */

static char hex_digit(u8 v) { return "0123456789abcdef"[v & 15]; }

void map_json_bytes(struct json *j, const char *name, const u8 *data, u32 bytes)
{
	char text[] = "0x00";

	json_arr(j, name);
	for (u32 i = 0; i < bytes; i++) {
		text[2] = hex_digit(data[i] >> 4);
		text[3] = hex_digit(data[i]);
		json_strn(j, NULL, text, 4);
	}
	json_arr_end(j);
}

void map_print_bytes(struct strbuf *out, const u8 *data, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++) {
		if (i)
			sb_puts(out, i % 16 == 0 ? "\n" : i % 8 == 0 ? "  " : " ");
		sb_putc(out, hex_digit(data[i] >> 4));
		sb_putc(out, hex_digit(data[i]));
	}
}

static void print_cpus(struct strbuf *out, const struct map_view *v, const u8 *key,
		       const u8 *value)
{
	if (key) {
		sb_puts(out, "key:\n");
		map_print_bytes(out, key, v->info.key_size);
		sb_putc(out, '\n');
	}
	for (u32 cpu = 0; value && cpu < v->info.cpus; cpu++) {
		sb_printf(out, "value (CPU %02u):%c", cpu,
			  v->info.value_size > LONG_BYTES ? '\n' : ' ');
		map_print_bytes(out, value + (size_t)cpu * v->info.value_stride,
				v->info.value_size);
		sb_putc(out, '\n');
	}
}

void map_print_element(struct strbuf *out, const struct map_view *v, const u8 *key,
		       const u8 *value)
{
	u32 key_size = key ? v->info.key_size : 0, value_size = v->info.value_size;
	bool broken = key_size > LONG_BYTES || value_size > LONG_BYTES;
	bool one_line = !broken && key_size + value_size <= LINE_BYTES;

	if (v->info.row->percpu) {
		print_cpus(out, v, key, value);
		return;
	}
	if (key_size) {
		sb_printf(out, "key:%c", broken ? '\n' : ' ');
		map_print_bytes(out, key, key_size);
		sb_puts(out, one_line ? "  " : "\n");
	}
	sb_printf(out, "value:%c", broken ? '\n' : ' ');
	map_print_bytes(out, value, value_size);
	sb_putc(out, '\n');
}

/* ---- types ------------------------------------------------------------------------------ */

bool map_is_typed(const struct map_view *v) { return v->btf && v->live.value_type; }

/* A data section is its variables, each an object of its own. */
static void json_section(struct json *j, const char *name, const struct map_view *v,
			 const struct btf_type *t, const u8 *value)
{
	const struct btf_var_secinfo *var = (const struct btf_var_secinfo *)(t + 1);

	json_obj(j, name);
	json_arr(j, btf_str(v->btf, t->name_off));
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *is = btf_type(v->btf, var[i].type);

		if (!in_bounds(var[i].offset, var[i].size, v->info.value_size))
			continue;
		json_obj(j, NULL);
		btf_show_json(j, btf_str(v->btf, is->name_off), v->btf, is->type,
			      value + var[i].offset, var[i].size, 0);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_obj_end(j);
}

static void json_value(struct json *j, const char *name, const struct map_view *v,
		       const u8 *value)
{
	u32 type = v->live.value_type;
	const struct btf_type *t = type < v->btf->nr_types ? btf_type(v->btf, type) : NULL;

	if (!t)
		map_json_bytes(j, name, value, v->info.value_size);
	else if (btf_kind(t) == BTF_KIND_DATASEC)
		json_section(j, name, v, t, value);
	else
		btf_show_json(j, name, v->btf, type, value, v->info.value_size, 0);
}

static bool has_key_type(const struct map_view *v)
{
	return v->live.key_type && v->live.key_type < v->btf->nr_types;
}

static void json_members(struct json *j, const struct map_view *v, const u8 *key,
			 const u8 *value)
{
	if (key && has_key_type(v))
		btf_show_json(j, "key", v->btf, v->live.key_type, key, v->info.key_size, 0);
	if (!v->info.row->percpu) {
		json_value(j, "value", v, value);
		return;
	}
	json_arr(j, "values");
	for (u32 cpu = 0; cpu < v->info.cpus; cpu++) {
		json_obj(j, NULL);
		json_u64(j, "cpu", cpu);
		json_value(j, "value", v, value + (size_t)cpu * v->info.value_stride);
		json_obj_end(j);
	}
	json_arr_end(j);
}

void map_json_typed(struct json *j, const struct map_view *v, const u8 *key, const u8 *value)
{
	json_obj(j, NULL);
	json_members(j, v, key, value);
	json_obj_end(j);
}

static void json_cpu_bytes(struct json *j, const struct map_view *v, const u8 *value)
{
	json_arr(j, "values");
	for (u32 cpu = 0; cpu < v->info.cpus; cpu++) {
		json_obj(j, NULL);
		json_u64(j, "cpu", cpu);
		map_json_bytes(j, "value", value + (size_t)cpu * v->info.value_stride,
			       v->info.value_size);
		json_obj_end(j);
	}
	json_arr_end(j);
}

void map_json_element(struct json *j, const struct map_view *v, const u8 *key, const u8 *value)
{
	json_obj(j, NULL);
	map_json_bytes(j, "key", key, key ? v->info.key_size : 0);
	if (v->info.row->percpu)
		json_cpu_bytes(j, v, value);
	else
		map_json_bytes(j, "value", value, v->info.value_size);
	if (map_is_typed(v)) {
		json_obj(j, "formatted");
		json_members(j, v, key, value);
		json_obj_end(j);
	}
	json_obj_end(j);
}

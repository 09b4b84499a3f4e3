/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.c: the records that programs leave in ring buffers and perf event
 * arrays, read after every packet, as a reader in user space would: counted,
 * and printed (-v) or kept for the JSON document.
 */
#include "cli/run.h"
#include <inttypes.h>
#include <stdlib.h>

static bool has_events(u32 type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

void events_open(struct events *e, struct skep_object *obj)
{
	e->obj = obj;
	if (!obj->backend->ops->map_read)
		return;
	for (u32 i = 0; i < obj->img->nr_maps; i++)
		if (has_events(obj->img->maps[i].type))
			*vec_push(&e->maps) = (struct event_map){ .index = i };
}

void events_close(struct events *e)
{
	vec_free(&e->maps);
	vec_free(&e->kept);
	sb_free(&e->data);
	sb_free(&e->line);
}

/* ---- one record -------------------------------------------------------------------- */

static void put_hex(struct strbuf *out, const u8 *data, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		sb_printf(out, "%02x", data[i]);
}

/* By the type that the map gives its values, when the sizes agree. */
static void put_data(const struct events *e, struct json *j, const struct image_map *def,
		     const u8 *data, u32 bytes)
{
	const struct btf *btf = e->obj->img->btf;
	struct strbuf hex = { 0 };

	if (btf && def->value_type && btf_size(btf, def->value_type) == (s64)bytes) {
		btf_show_json(j, "value", btf, def->value_type, data, bytes, 0);
		return;
	}
	put_hex(&hex, data, bytes);
	json_str(j, "data", sb_text(&hex));
	sb_free(&hex);
}

static void put_json(const struct events *e, struct json *j, const struct event *v, const u8 *data)
{
	const struct image_map *def = &e->obj->img->maps[v->map];

	json_obj(j, NULL);
	json_u64(j, "packet", v->packet);
	json_str(j, "map", def->name);
	if (def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		json_u64(j, "cpu", v->cpu);
	json_u64(j, "bytes", v->bytes);
	put_data(e, j, def, data, v->bytes);
	json_obj_end(j);
}

static void print_event(struct events *e, const struct event *v, const u8 *data)
{
	struct json j = { .out = &e->line };

	sb_reset(&e->line);
	if (e->json) {
		put_json(e, &j, v, data);
		puts(sb_text(&e->line));
		return;
	}
	put_hex(&e->line, data, v->bytes);
	printf("%8" PRIu64 "  %s: %u bytes %s\n", v->packet, e->obj->img->maps[v->map].name,
	       v->bytes, sb_text(&e->line));
}

static int on_event(void *arg, const struct map_event *m)
{
	struct events *e = arg;
	struct event_map *map = e->at;
	const struct event v = { .packet = e->packet, .map = map->index, .cpu = m->cpu,
		.bytes = m->bytes, .off = e->data.n };

	map->records++;
	map->bytes += m->bytes;
	if (e->verbose)
		print_event(e, &v, m->data);
	else if (e->json) {
		*vec_push(&e->kept) = v;
		sb_add(&e->data, m->data, m->bytes);
	}
	return 0;
}

void events_read(struct events *e, u64 packet)
{
	struct backend *b = e->obj->backend;

	e->packet = packet;
	for (size_t i = 0; i < e->maps.n; i++) {
		e->at = &e->maps.v[i];
		b->ops->map_read(b, e->at->index, on_event, e);
	}
}

/* ---- the end ------------------------------------------------------------------------- */

static u64 lost(const struct events *e, const struct event_map *m)
{
	struct backend *b = e->obj->backend;
	struct map_info info;

	return b->ops->map_info(b, m->index, &info) ? 0 : info.lost;
}

void events_text(const struct events *e, struct strbuf *out)
{
	for (size_t i = 0; i < e->maps.n; i++) {
		const struct event_map *m = &e->maps.v[i];
		const struct image_map *def = &e->obj->img->maps[m->index];
		u64 n = lost(e, m);

		sb_printf(out, "map %s (%s): %" PRIu64 " records, %" PRIu64 " bytes", def->name,
			  maptype_row(def->type)->name, m->records, m->bytes);
		if (n)
			sb_printf(out, "; %" PRIu64 " lost, it was full", n);
		sb_puts(out, m->records && !e->verbose ? " (-v shows them)\n" : "\n");
	}
}

void events_json(const struct events *e, struct json *j)
{
	if (!e->maps.n)
		return;
	json_arr(j, "event_maps");
	for (size_t i = 0; i < e->maps.n; i++) {
		const struct event_map *m = &e->maps.v[i];
		const struct image_map *def = &e->obj->img->maps[m->index];

		json_obj(j, NULL);
		json_str(j, "name", def->name);
		json_str(j, "type", maptype_row(def->type)->name);
		json_u64(j, "records", m->records);
		json_u64(j, "bytes", m->bytes);
		json_u64(j, "lost", lost(e, m));
		json_obj_end(j);
	}
	json_arr_end(j);
	if (e->verbose)
		return;
	json_arr(j, "events");
	for (size_t i = 0; i < e->kept.n; i++)
		put_json(e, j, &e->kept.v[i], (const u8 *)e->data.s + e->kept.v[i].off);
	json_arr_end(j);
}

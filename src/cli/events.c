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

/* The type called NAME, as "struct event" or "event", or 0. */
static u32 find_type(const struct btf *btf, const char *name)
{
	const char *plain = name;
	u32 kind = 0;

	if (!strncmp(name, "struct ", 7)) {
		plain = name + 7;
		kind = BTF_KIND_STRUCT;
	} else if (!strncmp(name, "union ", 6)) {
		plain = name + 6;
		kind = BTF_KIND_UNION;
	}
	for (u32 id = btf_find(btf, plain, kind); id; id = btf_find_next(btf, plain, kind, id))
		if (btf_bytes(btf, id))
			return id;
	return 0;
}

static int no_type(const struct btf *btf, const char *name, struct skep_err *err)
{
	VEC(const char *) names = { 0 };
	const char *near;

	for (u32 id = 1; id < btf->nr_types; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_STRUCT)
			*vec_push(&names) = btf_type_name(btf, id);
	near = err_nearest(strncmp(name, "struct ", 7) ? name : name + 7, names.v, names.n);
	err_set(err, ERR_USAGE, NULL, "--record: the object's BTF has no type '%s'", name);
	if (near && *near)
		err_help(err, "did you mean struct %s?", near);
	else
		err_help(err, "a global variable keeps a type that only functions use: %s%s "
			 "*unused;", strchr(name, ' ') ? "" : "struct ", name);
	vec_free(&names);
	return err->code;
}

/* NAME says that records of M are of TYPE. */
static int type_map(struct events *e, const char *name, const char *type, struct skep_err *err)
{
	const struct btf *btf = e->obj->img->btf;

	for (size_t i = 0; i < e->maps.n; i++) {
		struct event_map *m = &e->maps.v[i];

		if (strcmp(e->obj->img->maps[m->index].name, name))
			continue;
		m->type = btf ? find_type(btf, type) : 0;
		if (m->type)
			return 0;
		return btf ? no_type(btf, type, err) :
			     err_set(err, ERR_USAGE, NULL, "--record: the object has no BTF");
	}
	err_set(err, ERR_MAP_NAME, e->obj->img->file,
		"--record: there is no ring buffer or perf event array '%s'", name);
	suggest_map(err, e->obj, name);
	return err->code;
}

/* ARG is MAP=TYPE. */
static int add_record_type(struct events *e, const char *arg, struct skep_err *err)
{
	const char *eq = strchr(arg, '=');
	char *name;
	int r;

	if (!eq || eq == arg || !eq[1])
		return err_set(err, ERR_USAGE, NULL,
			       "--record takes MAP=TYPE, not '%s'", arg);
	name = mem_strdup(arg);
	name[eq - arg] = 0;
	r = type_map(e, name, eq + 1, err);
	free(name);
	return r;
}

/* The kernel's have buffers as soon as somebody waits, which is before programs run. */
static int open_perf(const struct events *e, u32 map, struct skep_err *err)
{
	struct backend *b = e->obj->backend;
	int fd = 0;

	if (e->obj->img->maps[map].type == BPF_MAP_TYPE_PERF_EVENT_ARRAY &&
	    strcmp(b->ops->name, "user"))
		fd = b->ops->map_fd(b, map);
	return fd >= 0 ? 0 : err_set(err, ERR_KERNEL, NULL, "events of map '%s' cannot be read: %s",
				     e->obj->img->maps[map].name, strerror(-fd));
}

int events_open(struct events *e, struct skep_object *obj, const struct str_list *records,
		struct skep_err *err)
{
	int r = 0;

	e->obj = obj;
	for (u32 i = 0; obj->backend->ops->map_read && i < obj->img->nr_maps; i++)
		if (has_events(obj->img->maps[i].type) &&
		    !(e->leave_pinned && obj->img->maps[i].pinning))
			*vec_push(&e->maps) = (struct event_map){ .index = i };
	for (size_t i = 0; !r && i < e->maps.n; i++)
		r = open_perf(e, e->maps.v[i].index, err);
	for (size_t i = 0; !r && i < records->n; i++)
		r = add_record_type(e, records->v[i], err);
	return r;
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

/* The type of record V and its size: the one that --record says, or the one
 * that the map gives its values when the sizes agree; 0 when there is none. */
static u32 type_of(const struct events *e, const struct event *v, u32 *bytes)
{
	const struct btf *btf = e->obj->img->btf;
	u32 type = v->type ? v->type : e->obj->img->maps[v->map].value_type;
	u64 size = btf && type ? btf_bytes(btf, type) : 0;

	*bytes = (u32)size;
	return size && (v->type ? size <= v->bytes : size == v->bytes) ? type : 0;
}

/* What lies behind its type, as of variable length, stays hexadecimal. */
static void put_data(const struct events *e, struct json *j, const struct event *v,
		     const u8 *data)
{
	struct btf_show_as as = { 0 };
	struct strbuf hex = { 0 };
	u32 size, type = type_of(e, v, &size);

	if (e->net)
		as = (struct btf_show_as){ .names = e->net->v, .nr = e->net->n };
	if (type)
		btf_show_json_as(j, "value", e->obj->img->btf, type, data, size, &as);
	else
		size = 0;
	if (size < v->bytes || !v->bytes) {
		put_hex(&hex, data + size, v->bytes - size);
		json_str(j, "data", sb_text(&hex));
	}
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
	put_data(e, j, v, data);
	json_obj_end(j);
}

/* "{"pid": 1} 0011": typed as far as it is known, then bytes. */
static void put_text(struct events *e, const struct event *v, const u8 *data)
{
	struct btf_show_as as = { 0 };
	struct json j = { .out = &e->line };
	u32 size, type = type_of(e, v, &size);

	if (e->net)
		as = (struct btf_show_as){ .names = e->net->v, .nr = e->net->n };
	if (type)
		btf_show_json_as(&j, NULL, e->obj->img->btf, type, data, size, &as);
	else
		size = 0;
	if (size && size < v->bytes)
		sb_putc(&e->line, ' ');
	put_hex(&e->line, data + size, v->bytes - size);
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
	put_text(e, v, data);
	printf("%8" PRIu64 "  %s: %u bytes %s\n", v->packet, e->obj->img->maps[v->map].name,
	       v->bytes, sb_text(&e->line));
}

static int on_event(void *arg, const struct map_event *m)
{
	struct events *e = arg;
	struct event_map *map = e->at;
	const struct event v = { .packet = e->packet, .map = map->index,
		.type = map->type, .cpu = m->cpu,
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

void events_take(struct events *e, u64 packet, u32 index, const struct map_event *m)
{
	e->packet = packet;
	for (size_t i = 0; i < e->maps.n; i++) {
		e->at = &e->maps.v[i];
		if (e->at->index == index)
			on_event(e, m);
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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.c: what attached programs say, as it comes: records of ring buffers and perf
 * event arrays by their types, what they print, what iterators show; a line of text or
 * JSON each.
 *
 * The type of a map's records is the one that --record says; else that of its values,
 * when sizes agree; else the struct that is called as the map is, or as the map without
 * an "s" at the end, when records are as long. Others are bytes.
 */
#include "cli/run.h"
#include "cli/attach.h"
#include <inttypes.h>
#include <stdlib.h>

static bool has_records(u32 type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

/* ---- types ----------------------------------------------------------------- */

/* The struct or union called NAME of N bytes, or 0. */
static u32 struct_called(const struct btf *btf, const char *name, size_t n)
{
	static const u32 kinds[] = { BTF_KIND_STRUCT, BTF_KIND_UNION };
	char *word = mem_strdup(name);
	u32 id = 0;

	word[n] = 0;
	for (size_t i = 0; !id && i < ARRAY_LEN(kinds); i++)
		id = btf_find(btf, word, kinds[i]);
	free(word);
	return id;
}

/* By the map's name. */
static u32 guess_type(const struct btf *btf, const char *name)
{
	size_t n = strlen(name);
	u32 id = struct_called(btf, name, n);

	return id || n < 2 || name[n - 1] != 's' ? id : struct_called(btf, name, n - 1);
}

/* The type of M's records of BYTES and its size, or 0. */
static u32 type_of(const struct stream *s, const struct stream_map *m, u32 bytes, u32 *size)
{
	const struct image_map *def = &s->obj->img->maps[m->index];
	const struct btf *btf = s->obj->img->btf;
	/* perf fills records up */
	const u32 slack = def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ? 7 : 0;
	u32 type = m->type ? m->type : def->value_type;
	u64 n = btf && type ? btf_bytes(btf, type) : 0;

	if (!m->type && btf && (!n || n > bytes || bytes - n > slack)) {
		type = guess_type(btf, def->name);
		n = type ? btf_bytes(btf, type) : 0;
		if (n > bytes || bytes - n > slack)
			n = 0;
	}
	*size = (u32)n;
	return n && n <= bytes ? type : 0;
}

static int set_types(struct stream *s, struct skep_err *err)
{
	struct events e = { .obj = s->obj };
	int r = events_open(&e, s->obj, s->records, err);

	for (size_t i = 0; !r && i < e.maps.n; i++)
		for (size_t k = 0; k < s->maps.n; k++)
			if (s->maps.v[k].index == e.maps.v[i].index)
				s->maps.v[k].type = e.maps.v[i].type;
	events_close(&e);
	return r;
}

int stream_open(struct stream *s, struct skep_object *obj, u32 maps, struct skep_err *err)
{
	const struct image *img = obj->img;
	struct skep_err why = { 0 };
	int r;

	s->obj = obj;
	for (u32 i = 0; i < maps; i++)
		if (has_records(img->maps[i].type) && !obj->maps[i].absent)
			*vec_push(&s->maps) = (struct stream_map){ .index = i };
	/* from here on there is room for them */
	for (size_t i = 0; i < s->maps.n; i++)
		obj->backend->ops->map_fd(obj->backend, s->maps.v[i].index);
	r = set_types(s, err);
	if (!r && messages_come_from(img) && printk_open(&s->printk, obj->backend, &why)) {
		fputs("note: bpf_printk is not shown\n", stderr);
		report(&why);
	}
	return r;
}

void stream_fds(const struct stream *s, struct fds *out)
{
	struct backend *b = s->obj->backend;

	for (size_t i = 0; i < s->maps.n; i++) {
		int fd = b->ops->map_fd(b, s->maps.v[i].index);

		if (fd >= 0)
			*vec_push(out) = fd;
	}
	if (s->printk)
		*vec_push(out) = printk_fd(s->printk);
}

/* ---- one line -------------------------------------------------------------- */

/* The first reason counts: later ones are those of other calls. */
static void took(struct stream *s, bool all)
{
	if (!all && !s->broken)
		s->broken = errno ? errno : EIO;
}

void stream_put(struct stream *s, const struct strbuf *text)
{
	if (!s->broken)
		took(s, write_text(stdout, text->s, text->n) && !fflush(stdout));
}

static void put_line(struct stream *s)
{
	sb_putc(&s->out, '\n');
	if (!s->broken)
		took(s, write_text(stdout, s->out.s, s->out.n));
	sb_reset(&s->out);
}

static void put_value(struct stream *s, struct json *j, const char *key, u32 type,
		      const u8 *data, u32 size)
{
	struct btf_show_as as = { .names = s->net->v, .nr = s->net->n };

	btf_show_json_as(j, key, s->obj->img->btf, type, data, size, &as);
}

static void put_hex(struct strbuf *out, const u8 *data, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		sb_printf(out, "%02x", data[i]);
}

static bool is_filled_up(const struct stream *s, const u8 *data, u32 bytes)
{
	if (s->obj->img->maps[s->at->index].type != BPF_MAP_TYPE_PERF_EVENT_ARRAY || bytes > 7)
		return false;
	while (bytes && !data[bytes - 1])
		bytes--;
	return !bytes;
}

static void put_text(struct stream *s, u32 type, u32 size, const struct map_event *e, u32 more)
{
	struct json j = { .out = &s->out };

	sb_printf(&s->out, "%s: ", s->obj->img->maps[s->at->index].name);
	if (type)
		put_value(s, &j, NULL, type, e->data, size);
	if (type && more)
		sb_putc(&s->out, ' ');
	put_hex(&s->out, e->data + size, more);
}

static void put_json(struct stream *s, u32 type, u32 size, const struct map_event *e, u32 more)
{
	const struct image_map *def = &s->obj->img->maps[s->at->index];
	struct json j = { .out = &s->out };
	struct strbuf hex = { 0 };

	json_obj(&j, NULL);
	json_str(&j, "map", def->name);
	if (def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		json_u64(&j, "cpu", e->cpu);
	json_u64(&j, "bytes", e->bytes);
	if (type)
		put_value(s, &j, "value", type, e->data, size);
	if (more || !type) {
		put_hex(&hex, e->data + size, more);
		json_str(&j, "data", sb_text(&hex));
	}
	json_obj_end(&j);
	sb_free(&hex);
}

static int on_record(void *arg, const struct map_event *e)
{
	struct stream *s = arg;
	u32 size, type = type_of(s, s->at, e->bytes, &size), more;

	size = type ? size : 0;
	more = e->bytes - size;
	if (type && is_filled_up(s, e->data + size, more))
		more = 0;
	s->at->records++;
	if (s->json)
		put_json(s, type, size, e, more);
	else
		put_text(s, type, size, e, more);
	put_line(s);
	return s->broken != 0;
}

void stream_show(struct stream *s, struct skep_object *obj, u32 map, const struct map_event *e)
{
	struct stream_map at = { .index = map };

	s->obj = obj;
	s->at = &at;
	on_record(s, e);
}

/* ---- what is printed ------------------------------------------------------- */

static void printk_json(struct stream *s, const struct printk_line *l)
{
	struct json j = { .out = &s->out };

	json_obj(&j, NULL);
	json_obj(&j, "printk");
	if (l->program)
		json_str(&j, "program", l->program);
	json_str(&j, "comm", l->comm);
	json_u64(&j, "pid", l->pid);
	json_u64(&j, "cpu", l->cpu);
	json_u64(&j, "time_us", l->time_us);
	json_strn(&j, "text", l->text, l->n);
	json_obj_end(&j);
	json_obj_end(&j);
}

static void on_line(void *arg, const struct printk_line *l)
{
	struct stream *s = arg;

	s->printed++;
	if (s->json) {
		printk_json(s, l);
	} else {
		sb_printf(&s->out, "printk: %s%s%s-%u [%03u] %" PRIu64 ".%06" PRIu64 ": ",
			  l->program ? l->program : "", l->program ? " " : "", l->comm, l->pid,
			  l->cpu, l->time_us / 1000000, l->time_us % 1000000);
		sb_add(&s->out, l->text, l->n);
	}
	put_line(s);
}

void stream_read(struct stream *s)
{
	struct backend *b = s->obj->backend;

	for (size_t i = 0; i < s->maps.n; i++) {
		s->at = &s->maps.v[i];
		while (b->ops->map_read(b, s->at->index, on_record, s) > 0 && !s->broken)
			;
	}
	if (s->printk)
		printk_read(s->printk, on_line, s);
	took(s, !fflush(stdout));
}

void stream_text(struct stream *s, const char *program, const char *text, size_t n)
{
	struct json j = { .out = &s->out };

	if (!s->json) {
		took(s, write_text(stdout, text, n));
		return;
	}
	json_obj(&j, NULL);
	json_str(&j, "program", program);
	json_strn(&j, "text", text, n);
	json_obj_end(&j);
	put_line(s);
}

void stream_retval(struct stream *s, const char *program, s64 retval)
{
	struct json j = { .out = &s->out };

	if (s->json) {
		json_obj(&j, NULL);
		json_str(&j, "program", program);
		json_s64(&j, "retval", retval);
		json_obj_end(&j);
	} else {
		sb_printf(&s->out, "%s returned %" PRId64, program, retval);
	}
	put_line(s);
}

/* ---- the end --------------------------------------------------------------- */

static u64 lost_of(const struct stream *s, const struct stream_map *m)
{
	struct backend *b = s->obj->backend;
	struct map_info info;

	return b->ops->map_info(b, m->index, &info) ? 0 : info.lost;
}

bool stream_hides(const char *name) { return !strncmp(name, "__bpf_usdt_", 11); }

static void end_json(struct stream *s)
{
	struct json j = { .out = &s->out };

	json_obj(&j, NULL);
	json_obj(&j, "end");
	json_arr(&j, "maps");
	for (size_t i = 0; i < s->maps.n; i++) {
		json_obj(&j, NULL);
		json_str(&j, "name", s->obj->img->maps[s->maps.v[i].index].name);
		json_u64(&j, "records", s->maps.v[i].records);
		json_u64(&j, "lost", lost_of(s, &s->maps.v[i]));
		json_obj_end(&j);
	}
	for (u32 i = 0; i < s->nr_shown; i++)
		if (!stream_hides(s->obj->img->maps[i].name))
			map_show_json(&j, s->obj, i, s->net);
	json_arr_end(&j);
	if (s->printk) {
		json_u64(&j, "printed", s->printed);
		json_u64(&j, "printed_lost", printk_lost(s->printk));
	}
	json_obj_end(&j);
	json_obj_end(&j);
	put_line(s);
}

void stream_end(struct stream *s, bool quiet)
{
	if (s->json)
		end_json(s);
	took(s, !fflush(stdout));
	for (size_t i = 0; i < s->maps.n; i++) {
		const char *name = s->obj->img->maps[s->maps.v[i].index].name;
		u64 lost = lost_of(s, &s->maps.v[i]);

		if (lost)
			fprintf(stderr, "warning: map %s: %" PRIu64 " records lost, it was full\n",
				name, lost);
		if (!quiet)
			fprintf(stderr, "map %s: %" PRIu64 " records\n", name,
				s->maps.v[i].records);
	}
	if (s->printk && printk_lost(s->printk))
		fprintf(stderr, "warning: %" PRIu64 " lines of bpf_printk lost\n",
			printk_lost(s->printk));
}

void stream_close(struct stream *s)
{
	printk_close(s->printk);
	vec_free(&s->maps);
	sb_free(&s->out);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_kernel.c: see replay_kernel.h. Each run of the kernel is computed once more; what
 * it did is compared with what it gave there, what it left in maps with what these had at
 * the end. Says where they differ, and what could not be compared.
 */
#include "cli/replay_kernel.h"
#include "cli/attach.h"
#include "cli/run.h"
#include "replay/again.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOLD = 5 };		/* differences that are told one by one */

struct map_end { u32 map; u64 count; enum again_map is; };
struct tally { u64 runs, same, cut, other; };

struct view {
	const struct replay_kernel *how;
	struct again *again;
	struct skep_object *obj;	/* of its image */
	struct tally *progs;	/* [nr_progs] */
	struct str_list none;
	struct stream stream;
	char release[64];
	u64 runs, other, maps_other;
	VEC(struct map_end) ends;
	bool out_of_room;	/* standard output takes nothing more */
};

bool replay_is_kernel(struct record_reader *r)
{
	struct record_item item;
	struct skep_err err = { 0 };
	bool is = false;

	while (!is && record_next(r, &item, &err) > 0 && item.kind != RECORD_RUN)
		is = item.kind == RECORD_OPTION && item.option.name.n == 6 &&
		     !memcmp(item.option.name.v, "source", 6) && item.option.value.n == 6 &&
		     !memcmp(item.option.value.v, "kernel", 6);
	record_rewind(r);
	return is;
}

/* ---- what a run did ---------------------------------------------------------- */

static bool is_shown(const struct view *v, const struct again_event *e)
{
	return !v->how->quiet &&
	       (v->how->only ? e->run == v->how->only : v->how->verbose);
}

static void put_line(struct view *v, struct strbuf *out)
{
	v->out_of_room |= !write_text(stdout, out->s, out->n);
	sb_free(out);
}

static const char *prog_name(const struct view *v, u32 prog)
{
	return v->obj->img->progs[prog].name;
}

static void show_end_json(struct view *v, const struct again_event *e)
{
	struct strbuf out = { 0 };
	struct json js = { .out = &out };

	json_obj(&js, NULL);
	json_u64(&js, "run", e->run);
	json_str(&js, "program", prog_name(v, e->prog));
	json_u64(&js, "cpu", e->cpu);
	json_u64(&js, "ns", e->ns);
	if (!e->cut && !e->left)
		json_u64(&js, "retval", e->retval);
	json_bool(&js, "cut", e->cut);
	if (e->left)
		json_bool(&js, "tail_call", true);
	json_obj_end(&js);
	sb_putc(&out, '\n');
	put_line(v, &out);
}

static void show_end(struct view *v, const struct again_event *e)
{
	struct strbuf out = { 0 };

	if (v->how->json) {
		show_end_json(v, e);
		return;
	}
	sb_printf(&out, "run %" PRIu64 ": %s on cpu %u", e->run, prog_name(v, e->prog), e->cpu);
	if (e->cut)
		sb_puts(&out, ", in part\n");
	else if (e->left)
		sb_puts(&out, ", goes on in another program by a tail call\n");
	else
		sb_printf(&out, " = %d\n", (s32)e->retval);
	put_line(v, &out);
}

static void show_change(struct view *v, const struct again_event *e)
{
	struct strbuf out = { 0 };
	struct json js = { .out = &out };
	const struct image *img = v->obj->img;
	const struct image_map *map = &img->maps[e->map];

	if (v->how->json)
		return;
	sb_printf(&out, "map %s: ", map->name);
	map_show_bytes(&js, NULL, img, map, true, e->key, e->key_bytes);
	sb_puts(&out, e->kind == AGAIN_DELETE ? " deleted" : e->whole ? " = " : " = (in part) ");
	js = (struct json){ .out = &out };
	if (e->kind != AGAIN_DELETE)
		map_show_bytes(&js, NULL, img, map, false, e->value, e->value_bytes);
	sb_putc(&out, '\n');
	put_line(v, &out);
}

static void on_event(void *arg, const struct again_event *e)
{
	struct view *v = arg;

	if (!is_shown(v, e) || v->out_of_room)
		return;
	switch (e->kind) {
	case AGAIN_RECORD:
		stream_show(&v->stream, v->obj, e->map, &(struct map_event){
			.cpu = e->cpu, .bytes = e->value_bytes, .data = e->value });
		break;
	case AGAIN_UPDATE: case AGAIN_DELETE:
		show_change(v, e);
		break;
	case AGAIN_END:
		show_end(v, e);
		break;
	case AGAIN_BEGIN:
		break;
	}
}

/* ---- the items --------------------------------------------------------------- */

static void open_object(struct view *v)
{
	const struct image *img = again_image(v->again);

	v->obj = object_make((struct image *)(uintptr_t)img);
	v->obj->shares = true;
	v->progs = mem_alloc((img->nr_progs + 1ul) * sizeof(*v->progs));
}

static void count(struct view *v, const struct record_run *run, bool cut, bool other)
{
	struct tally *t = &v->progs[run->prog];

	t->runs++;
	t->same += !cut && !other;
	t->cut += cut && !other;
	t->other += other;
	v->runs++;
	v->other += other;
}

static void add_map(struct view *v, const struct record_map *m)
{
	enum again_map is = again_compare(v->again, m);

	v->maps_other += is == AGAIN_OTHER;
	*vec_push(&v->ends) = (struct map_end){ m->index, m->count, is };
}

static void take_release(struct view *v, const struct record_option *o)
{
	if (o->name.n == 6 && !memcmp(o->name.v, "kernel", 6))
		snprintf(v->release, sizeof(v->release), "%.*s", (int)min_u64(o->value.n, 63),
			 (const char *)o->value.v);
}

/* 0, or an error after which nothing can follow. */
static int take(struct view *v, const struct record_item *item, struct record_run *run, bool *cut,
		struct skep_err *err)
{
	int rc = again_item(v->again, item, err);
	bool other = rc && err->id == ERR_RECORD_DIFFERS;

	if (rc && !other)
		return rc;
	if (other && v->other < TOLD && !v->how->quiet)
		report(err);
	if (rc)
		err_clear(err);
	switch (item->kind) {
	case RECORD_OBJECT:
		open_object(v);
		break;
	case RECORD_OPTION:
		take_release(v, &item->option);
		break;
	case RECORD_RUN:
		*run = item->run;
		break;
	case RECORD_SEEN:
		*cut = item->seen.flags & RECORD_SEEN_CUT;
		break;
	case RECORD_RESULT:
		count(v, run, *cut, other);
		break;
	case RECORD_MAP:
		add_map(v, &item->map);
		break;
	default:
		break;
	}
	return 0;
}

static int take_all(struct view *v, struct record_reader *r, struct skep_err *err)
{
	struct record_item item;
	struct record_run run = { 0 };
	bool cut = false;
	int rc;

	while ((rc = record_next(r, &item, err)) > 0 && !v->out_of_room) {
		rc = take(v, &item, &run, &cut, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- the end ----------------------------------------------------------------- */

static void show_table(const struct view *v, struct strbuf *out)
{
	const struct image *img = v->obj->img;
	int width = 7;

	for (u32 i = 0; i < img->nr_progs; i++)
		if (v->progs[i].runs && (int)strlen(img->progs[i].name) > width)
			width = (int)strlen(img->progs[i].name);
	sb_printf(out, "%-*s  %8s  %8s  %8s  %8s\n", width, "program", "runs", "the same",
		  "in part", "differ");
	for (u32 i = 0; i < img->nr_progs; i++) {
		const struct tally *t = &v->progs[i];

		if (t->runs)
			sb_printf(out, "%-*s  %8" PRIu64 "  %8" PRIu64 "  %8" PRIu64
				  "  %8" PRIu64 "\n", width, img->progs[i].name, t->runs, t->same,
				  t->cut, t->other);
	}
}

static void show_maps(const struct view *v, struct strbuf *out)
{
	static const char *const words[] = { [AGAIN_SAME] = "the same", [AGAIN_OTHER] = "differs",
		[AGAIN_UNKNOWN] = ("not compared: others changed it, or bytes that no program saw "
				   "are in it") };

	for (size_t i = 0; i < v->ends.n; i++)
		sb_printf(out, "map %s (%" PRIu64 "): %s\n",
			  v->obj->img->maps[v->ends.v[i].map].name, v->ends.v[i].count,
			  words[v->ends.v[i].is]);
}

static void progs_json(const struct view *v, struct json *js)
{
	json_arr(js, "programs");
	for (u32 i = 0; i < v->obj->img->nr_progs; i++) {
		const struct tally *t = &v->progs[i];

		json_obj(js, NULL);
		json_str(js, "name", prog_name(v, i));
		json_u64(js, "runs", t->runs);
		json_u64(js, "same", t->same);
		json_u64(js, "in_part", t->cut);
		json_u64(js, "differ", t->other);
		json_obj_end(js);
	}
	json_arr_end(js);
}

static void maps_json(const struct view *v, struct json *js)
{
	static const char *const words[] = { [AGAIN_SAME] = "same", [AGAIN_OTHER] = "differs",
					     [AGAIN_UNKNOWN] = "not compared" };

	json_arr(js, "maps");
	for (size_t i = 0; i < v->ends.n; i++) {
		json_obj(js, NULL);
		json_str(js, "name", v->obj->img->maps[v->ends.v[i].map].name);
		json_u64(js, "recorded", v->ends.v[i].count);
		json_str(js, "is", words[v->ends.v[i].is]);
		json_obj_end(js);
	}
	json_arr_end(js);
}

static void all_json(const struct view *v, struct record_reader *r, struct strbuf *out)
{
	struct json js = { .out = out };

	json_obj(&js, NULL);
	json_str(&js, "recording", record_name(r));
	json_str(&js, "object", v->obj->img->file);
	json_str(&js, "source", "kernel");
	json_str(&js, "kernel", v->release);
	json_u64(&js, "runs", v->runs);
	json_u64(&js, "differ", v->other);
	json_u64(&js, "maps_differ", v->maps_other);
	progs_json(v, &js);
	maps_json(v, &js);
	json_obj_end(&js);
	sb_putc(out, '\n');
}

static void show_all(const struct view *v, struct record_reader *r)
{
	struct strbuf out = { 0 };

	if (v->how->json) {
		all_json(v, r, &out);
	} else {
		sb_printf(&out, "%s: %" PRIu64 " run%s in kernel %s\n", record_name(r), v->runs,
			  v->runs == 1 ? "" : "s", v->release);
		show_table(v, &out);
		show_maps(v, &out);
	}
	print_out(&out);
	sb_free(&out);
}

static int no_such_run(const struct view *v, struct record_reader *r, struct skep_err *err)
{
	return err_set(err, ERR_RECORD_RUN, record_name(r), "there is no run %" PRIu64 ": it has %"
		       PRIu64, v->how->only, v->runs);
}

int replay_kernel(struct record_reader *r, const struct replay_kernel *how)
{
	struct view v = { .how = how };
	struct skep_err err = { 0 };
	int rc;

	v.stream = (struct stream){ .json = how->json, .records = &v.none, .net = &v.none };
	v.again = again_new(record_name(r), on_event, &v);
	rc = take_all(&v, r, &err);
	if (!rc && how->only > v.runs)
		rc = no_such_run(&v, r, &err);
	if (v.obj && v.runs && !how->quiet)
		show_all(&v, r);
	if (v.other > TOLD && !how->quiet)
		fprintf(stderr, "note: %" PRIu64 " more runs differ\n", v.other - TOLD);
	sb_free(&v.stream.out);
	vec_free(&v.ends);
	free(v.progs);
	skep_object_close(v.obj);
	again_free(v.again);
	return rc ? report(&err) : v.other || v.maps_other ? EXIT_NO : EXIT_YES;
}

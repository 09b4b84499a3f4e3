/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_map.c: maps that the running kernel has, and those of the embedded engine that
 * are pinned as files, in bpftool's grammar: shows, reads, changes, makes and pins them.
 * Commands may be shortened; the first one in the table that begins so is meant. What a
 * map answers is status 1 when there is no such element.
 */
#include "cli/map_pipe.h"
#include "cli/map_top.h"
#include "cli/prog_view.h"
#include "cli/tool.h"
#include "cli/user_view.h"
#include "kernel/kernel.h"
#include "model/tables.h"
#include <ctype.h>
#include <linux/bpf.h>
#include <unistd.h>

enum {
	BATCH = 1024,		/* elements read at once */
	BATCH_MAX = 1 << 22,
	FLUSH = 1 << 16,	/* bytes of output kept back */
};

struct job {
	struct words w;
	struct map_form form;
	struct top_opts top;
	const char *interval;
	const char *on;		/* show: whose; NULL the kernel's */
	bool once;
	bool is_answer;		/* the error is one: status 1 */
	struct strbuf out;
	struct json j;
	struct skep_err err;
};

/* ---- output ------------------------------------------------------------------------ */

static int finish(struct job *job)
{
	return view_finish(&job->form, &job->out);
}

static bool flush(struct job *job)
{
	bool ok = job->out.n < FLUSH || write_text(stdout, job->out.s, job->out.n);

	if (job->out.n >= FLUSH)
		sb_reset(&job->out);
	return ok;
}

/* The error of JOB, as the form wants it. */
static int failed(struct job *job)
{
	return view_failed(&job->form, &job->out, &job->j, &job->err);
}

/* Done, and nothing to say. */
static int done(struct job *job)
{
	return view_done(&job->form, &job->out, &job->j);
}

static int no_more_words(struct job *job)
{
	return words_end(&job->w, &job->err);
}

/* The kernel, or our engine, said no to WHAT. */
static int refused(struct job *job, const struct map_view *v, const char *what, int code)
{
	char title[64];
	int r;

	map_title(title, &v->live);
	r = err_set(&job->err, ERR_MAP_UPDATE, v->live.file, "%s: %s: %s", title, what,
		    code == -524 ? "Operation not supported" : strerror(-code));

	if (code == -EPERM && v->live.frozen)
		err_note(&job->err, "it is frozen");
	return r;
}

/* ---- data ------------------------------------------------------------------------------- */

static bool is_byte(const char *word, int base, u8 *out)
{
	unsigned long v;
	char *end;

	if (!isxdigit((unsigned char)*word))
		return false;
	v = strtoul(word, &end, base);
	*out = (u8)v;
	return !*end && v <= 0xff;
}

/* [hex] BYTES into OUT, which is called NAME. */
static int parse_bytes(struct job *job, const char *name, u8 *out, u32 bytes)
{
	const char *word;
	u32 n = 0;
	int base = 0;

	if (word_peek(&job->w) && !strcmp(word_peek(&job->w), "hex")) {
		job->w.at++;
		base = 16;
	}
	for (; n < bytes && (word = word_peek(&job->w)); n++, job->w.at++)
		if (!is_byte(word, base, &out[n]))
			return err_set(&job->err, ERR_USAGE, NULL,
				       "'%s' is no byte of the %s (%u of %u)", word, name, n + 1,
				       bytes);
	if (n == bytes)
		return 0;
	return err_set(&job->err, ERR_USAGE, NULL, "the %s has %u bytes, not %u", name, bytes, n);
}

/* "key DATA"; a map without keys has none. */
static int parse_key(struct job *job, const struct map_view *v)
{
	if (!v->info.key_size)
		return 0;
	if (!word_take(&job->w, "key"))
		return err_set(&job->err, ERR_USAGE, NULL, "the key is missing: key DATA");
	return parse_bytes(job, "key", v->key, v->info.key_size);
}

static bool holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static int parse_inner(struct job *job)
{
	struct map_list l = { 0 };
	int r = map_list_parse(&l, &job->w, &job->err), fd = -1;

	if (!r && l.n > 1)
		r = err_set(&job->err, ERR_LIVE, NULL, "%zu maps are called so; give an id", l.n);
	if (!r) {
		fd = l.v[0].fd;
		l.v[0].fd = -1;
	}
	map_list_free(&l);
	return r ? r : fd;
}

/* DATA, or the map or program that is stored; *FD stays open until that happened. */
static int parse_value(struct job *job, const struct map_view *v, int *fd)
{
	u32 stride = v->info.value_stride;
	int r;

	if (!word_take(&job->w, "value"))
		return err_set(&job->err, ERR_USAGE, NULL, "the value is missing: value DATA");
	if (holds_maps(v->live.type) || v->live.type == BPF_MAP_TYPE_PROG_ARRAY) {
		*fd = holds_maps(v->live.type) ? parse_inner(job) : prog_parse(&job->w, &job->err);
		memcpy(v->value, fd, sizeof(*fd));
		return *fd < 0 ? *fd : 0;
	}
	r = parse_bytes(job, "value", v->value, v->info.value_size);
	for (u32 cpu = 1; !r && cpu < v->info.cpus; cpu++)
		memcpy(v->value + (size_t)cpu * stride, v->value, v->info.value_size);
	return r;
}

static u64 parse_flag(struct words *w)
{
	static const struct { const char *name; u64 flag; } rows[] = {
		{ "any", BPF_ANY }, { "exist", BPF_EXIST }, { "noexist", BPF_NOEXIST },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (word_peek(w) && !strcmp(word_peek(w), rows[i].name)) {
			w->at++;
			return rows[i].flag;
		}
	return BPF_ANY;
}

/* ---- show -------------------------------------------------------------------------------- */

static int map_show(struct job *job)
{
	int r = map_show_as(job->on, &job->form, &job->w, &job->out, &job->j, &job->err);

	return r ? r : finish(job);
}

/* ---- dump ------------------------------------------------------------------------------- */

static void style(struct job *job, bool pretty)
{
	job->j = (struct json){ .out = &job->out, .pretty = pretty, .tool = true };
}

static void dump_element(struct job *job, const struct map_view *v, const u8 *key,
			 const u8 *value)
{
	if (job->form.json)
		map_json_element(&job->j, v, key, value);
	else if (map_is_typed(v))
		map_json_typed(&job->j, v, key, value);
	else
		map_print_element(&job->out, v, key, value);
}

/* Elements in the kernel's order, many at a time; how many, or -errno. */
static s64 dump_elements(struct job *job, struct map_view *v)
{
	struct map_batch it = { .value_bytes = v->info.value_bytes };
	u32 room = BATCH, n;
	s64 count = 0;
	int r;

	do {
		u8 *keys = mem_alloc((size_t)room * v->info.key_size);
		u8 *values = mem_alloc((size_t)room * v->info.value_bytes);

		n = room;
		r = v->b->ops->map_read_batch(v->b, v->number, &it, keys, values, &n);
		n = !r || r == -ENOENT ? n : 0;
		for (u32 i = 0; i < n && flush(job); i++)
			dump_element(job, v, keys + (size_t)i * v->info.key_size,
				     values + i * v->info.value_bytes);
		count += n;
		free(keys);
		free(values);
		room *= r == -ENOSPC ? 2 : 1;	/* one of its buckets has more */
	} while ((!r && !ferror(stdout)) || (r == -ENOSPC && room <= BATCH_MAX));
	map_batch_free(&it);
	return r && r != -ENOENT ? r : count;
}

static bool can_walk(const struct map_view *v)
{
	return v->info.key_size && v->live.type != BPF_MAP_TYPE_STRUCT_OPS;
}

static int cannot_walk(struct job *job, const struct map_view *v)
{
	char title[64];
	int r;

	map_title(title, &v->live);
	r = err_set(&job->err, ERR_MAP_TYPE, v->live.file, "%s of type %s has no keys to go "
		    "through", title, v->info.row->name);

	if (v->live.type == BPF_MAP_TYPE_RINGBUF)
		err_help(&job->err, "`skep map event_pipe` reads its records");
	if (v->live.type == BPF_MAP_TYPE_QUEUE || v->live.type == BPF_MAP_TYPE_STACK)
		err_help(&job->err, "`skep map peek` shows the next element");
	return r;
}

/* The elements of one map, as an array called NAME or as lines. */
static int dump_map(struct job *job, struct map_view *v, const char *name)
{
	bool array = job->form.json || map_is_typed(v);
	s64 n;

	if (!can_walk(v))
		return cannot_walk(job, v);
	if (array)
		json_arr(&job->j, name);
	n = dump_elements(job, v);
	if (n < 0)
		return refused(job, v, "its elements cannot be read", (int)n);
	if (array)
		json_arr_end(&job->j);
	else
		sb_printf(&job->out, "Found %lld element%s", (long long)n, n == 1 ? "" : "s");
	if (!job->form.json)
		sb_putc(&job->out, '\n');
	return 0;
}

/* Of several maps: which one it is, before its elements. */
static int dump_named(struct job *job, struct map_view *v)
{
	int r;

	if (!job->form.json) {
		map_print_facts(&job->out, &v->live, NULL);
		style(job, true);
		return dump_map(job, v, NULL);
	}
	json_obj(&job->j, NULL);
	map_json_name(&job->j, &v->live);
	r = dump_map(job, v, "elements");
	json_obj_end(&job->j);
	return r;
}

static int dump_list(struct job *job, struct map_list *l)
{
	bool several = l->n > 1;
	int r = 0;

	if (!job->form.json)
		style(job, true);
	else if (several)
		json_arr(&job->j, NULL);
	for (size_t i = 0; !r && i < l->n; i++) {
		struct map_view v;

		r = map_view_open(&v, &l->v[i], &job->err);
		if (r)
			break;
		r = several ? dump_named(job, &v) : dump_map(job, &v, NULL);
		map_view_close(&v);
	}
	if (job->form.json && several)
		json_arr_end(&job->j);
	return r;
}

static int map_dump(struct job *job)
{
	struct map_list l = { 0 };
	int r = map_list_parse(&l, &job->w, &job->err);

	if (!r)
		r = no_more_words(job);
	if (!r)
		r = dump_list(job, &l);
	map_list_free(&l);
	return r ? r : finish(job);
}

/* ---- elements --------------------------------------------------------------------------- */

/* Prints what is in V now, a whole element or, with KEY NULL, a value. */
static int print_element(struct job *job, const struct map_view *v, const u8 *key)
{
	if (job->form.json) {
		map_json_element(&job->j, v, key, v->value);
	} else if (map_is_typed(v) && key) {
		style(job, true);
		map_json_typed(&job->j, v, key, v->value);
		sb_putc(&job->out, '\n');
	} else {
		map_print_element(&job->out, v, key, v->value);
	}
	return finish(job);
}

/* That, too, is an answer. */
static int not_found(struct job *job, const struct map_view *v)
{
	int status;

	if (job->form.json) {
		json_none(&job->j, NULL);
	} else if (v->info.key_size) {
		sb_puts(&job->out, "key:\n");
		map_print_bytes(&job->out, v->key, v->info.key_size);
		sb_puts(&job->out, "\n\nNot found\n");
	} else {
		sb_puts(&job->out, "Not found\n");
	}
	status = finish(job);
	return status ? status : EXIT_NO;
}

static int map_lookup(struct job *job, struct map_view *v)
{
	int r = parse_key(job, v);

	if (!r)
		r = no_more_words(job);
	if (r)
		return r;
	r = v->b->ops->map_lookup(v->b, v->number, v->key, v->value, 0);
	if (r && r != -ENOENT)
		return refused(job, v, "no look-up", r);
	return r ? not_found(job, v) : print_element(job, v, v->info.key_size ? v->key : NULL);
}

static int map_update(struct job *job, struct map_view *v)
{
	int r = parse_key(job, v), fd = -1;
	u64 flags;

	if (!r)
		r = parse_value(job, v, &fd);
	if (r)
		return r;
	flags = parse_flag(&job->w);
	r = no_more_words(job);
	if (!r) {
		r = v->b->ops->map_update(v->b, v->number, v->key, v->value, flags);
		/* what exist and noexist ask */
		job->is_answer = (r == -ENOENT && flags == BPF_EXIST) ||
				 (r == -EEXIST && flags == BPF_NOEXIST);
		r = r ? refused(job, v, "no update", r) : 0;
	}
	if (fd >= 0)
		close(fd);
	return r ? r : done(job);
}

static int map_delete(struct job *job, struct map_view *v)
{
	int r = parse_key(job, v);

	if (!r)
		r = no_more_words(job);
	if (r)
		return r;
	r = v->b->ops->map_delete(v->b, v->number, v->key);
	if (r == -ENOENT)
		return not_found(job, v);
	return r ? refused(job, v, "nothing deleted", r) : done(job);
}

static int print_next(struct job *job, const struct map_view *v, const u8 *key, const u8 *next)
{
	if (job->form.json) {
		json_obj(&job->j, NULL);
		if (key)
			map_json_bytes(&job->j, "key", key, v->info.key_size);
		else
			json_none(&job->j, "key");
		map_json_bytes(&job->j, "next_key", next, v->info.key_size);
		json_obj_end(&job->j);
		return finish(job);
	}
	sb_puts(&job->out, key ? "key:\n" : "key: None\n");
	if (key) {
		map_print_bytes(&job->out, key, v->info.key_size);
		sb_putc(&job->out, '\n');
	}
	sb_puts(&job->out, "next key:\n");
	map_print_bytes(&job->out, next, v->info.key_size);
	sb_putc(&job->out, '\n');
	return finish(job);
}

static int map_getnext(struct job *job, struct map_view *v)
{
	bool first = !word_peek(&job->w);
	int r = first ? 0 : parse_key(job, v);
	u8 *next;

	if (!r)
		r = no_more_words(job);
	if (!r && !can_walk(v))
		r = cannot_walk(job, v);
	if (r)
		return r;
	next = mem_alloc(v->info.key_size + 1);
	r = v->b->ops->map_next_key(v->b, v->number, first ? NULL : v->key, next);
	if (!r)
		r = print_next(job, v, first ? NULL : v->key, next);
	else if (r == -ENOENT)
		r = not_found(job, v);
	else
		r = refused(job, v, "no next key", r);
	free(next);
	return r;
}

/* ---- queues and stacks -------------------------------------------------------------------- */

/* Those have no keys. */
static int is_queue(struct job *job, const struct map_view *v)
{
	if (!v->info.key_size)
		return 0;
	return err_set(&job->err, ERR_MAP_TYPE, NULL, "map '%s' of type %s has keys; elements of "
		       "queues and stacks alone are pushed, popped and peeked at",
		       v->info.name, v->info.row->name);
}

static int map_push(struct job *job, struct map_view *v)
{
	int fd = -1, r = is_queue(job, v);

	if (v->live.type == BPF_MAP_TYPE_USER_RINGBUF) {
		r = map_push_sample(v, &job->w, &job->err);
		return r ? r : done(job);
	}
	if (!r)
		r = parse_value(job, v, &fd);
	if (!r)
		r = no_more_words(job);
	if (r)
		return r;
	r = v->b->ops->map_update(v->b, v->number, NULL, v->value, 0);
	return r ? refused(job, v, "nothing stored", r) : done(job);
}

static int took(struct job *job, struct map_view *v, int r)
{
	if (r == -ENOENT)
		return not_found(job, v);
	return r ? refused(job, v, "nothing taken", r) : print_element(job, v, NULL);
}

static int map_peek(struct job *job, struct map_view *v)
{
	int r = is_queue(job, v);

	if (!r)
		r = no_more_words(job);

	return r ? r : took(job, v, v->b->ops->map_lookup(v->b, v->number, NULL, v->value, 0));
}

static int map_pop(struct job *job, struct map_view *v)
{
	int r = is_queue(job, v);

	if (!r)
		r = no_more_words(job);

	return r ? r : took(job, v, v->b->ops->map_lookup_delete(v->b, v->number, NULL, v->value,
								 0));
}

/* ---- whole maps ------------------------------------------------------------------------------ */

static int map_freeze(struct job *job, struct map_view *v)
{
	int r = no_more_words(job);

	if (!r) {
		r = v->b->ops->map_freeze(v->b, v->number);
		r = r ? refused(job, v, "it cannot be frozen", r) : 0;
	}
	return r ? r : done(job);
}

static int map_pin(struct job *job, struct map_view *v)
{
	const char *path = word_next(&job->w);
	int r = path ? no_more_words(job) :
		err_set(&job->err, ERR_USAGE, NULL, "where to? give the pin's path");

	if (!r)
		r = v->b->ops->map_pin(v->b, v->number, path, &job->err);
	return r ? r : done(job);
}

struct creation {
	const char *path, *type, *name;
	u32 key, value, entries, flags;
	struct map_view inner;
	bool has_inner;
};

static int create_number(struct job *job, const char *what, u32 *out)
{
	const char *word = word_next(&job->w);
	char *end;
	unsigned long long v = word ? strtoull(word, &end, 0) : 0;

	if (!word || !isdigit((unsigned char)*word) || *end || v > UINT32_MAX)
		return err_set(&job->err, ERR_USAGE, NULL, "%s is a number%s%s%s", what,
			       word ? ", not '" : "", word ? word : "", word ? "'" : "");
	*out = (u32)v;
	return 0;
}

static int create_text(struct job *job, const char *what, const char **out)
{
	*out = word_next(&job->w);
	return *out ? 0 : err_set(&job->err, ERR_USAGE, NULL, "%s is missing", what);
}

static int create_inner(struct job *job, struct creation *c)
{
	int r = map_view_parse(&c->inner, &job->w, &job->err);

	c->has_inner = !r;
	return r;
}

/* One word and what follows it. */
static int create_word(struct job *job, struct creation *c)
{
	const struct { const char *word; u32 *number; const char **text; } rows[] = {
		{ "type", NULL, &c->type }, { "key", &c->key, NULL }, { "value", &c->value, NULL },
		{ "entries", &c->entries, NULL }, { "name", NULL, &c->name },
		{ "flags", &c->flags, NULL },
	};
	const char *word = word_next(&job->w);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(word, rows[i].word))
			return rows[i].number ? create_number(job, word, rows[i].number) :
						create_text(job, word, rows[i].text);
	if (!strcmp(word, "inner_map"))
		return create_inner(job, c);
	return err_set(&job->err, ERR_USAGE, NULL, "'%s' is nothing that a map is made of; there "
		       "are type, key, value, entries, name, flags and inner_map", word);
}

static u32 type_called(const char *name)
{
	for (u32 type = 1; maptype_row(type); type++)
		if (!strcmp(maptype_row(type)->name, name))
			return type;
	return 0;
}

static int create_as(struct job *job, const struct creation *c)
{
	const struct image_map def = {
		.name = c->name ? c->name : "", .type = type_called(c->type),
		.key_size = c->key, .value_size = c->value, .max_entries = c->entries,
		.map_flags = c->flags, .inner = c->has_inner ? &c->inner.def : NULL,
	};
	struct backend *b;
	int r;

	if (!def.type)
		return err_set(&job->err, ERR_USAGE, NULL, "no map type is called '%s'", c->type);
	r = kernel_open(&b, NULL, &job->err);
	if (r)
		return r;
	r = b->ops->map_create(b, &def, &job->err);
	if (!r)
		r = b->ops->map_pin(b, 0, c->path, &job->err);
	b->ops->close(b);
	return r;
}

static int map_create(struct job *job)
{
	struct creation c = { .path = word_next(&job->w) };
	int r = 0;

	while (!r && word_peek(&job->w))
		r = create_word(job, &c);
	if (!r && (!c.path || !c.type || !c.name))
		r = err_set(&job->err, ERR_USAGE, NULL, "%s is missing: create FILE type TYPE key "
			    "KEY_SIZE value VALUE_SIZE entries MAX_ENTRIES name NAME",
			    !c.path ? "the pin's path" : !c.type ? "the type" : "the name");
	if (!r)
		r = create_as(job, &c);
	if (c.has_inner)
		map_view_close(&c.inner);
	return r ? r : done(job);
}

/* ---- what is done with them ------------------------------------------------------------- */

static int run_top(struct job *job)
{
	struct top_opts *o = &job->top;
	char *end = NULL;

	o->json = job->form.json;
	o->pretty = job->form.pretty;
	o->interval = job->interval ? strtod(job->interval, &end) : 1;
	if (job->interval && (end == job->interval || *end || !(o->interval >= 0.01) ||
			      o->interval > 86400))
		return err_set(&job->err, ERR_USAGE, NULL, "--interval takes seconds, 0.01 to "
			       "86400, not '%s'", job->interval);
	if (job->once)
		o->rounds = 1;
	return map_top(o, &job->w, &job->err);
}

/* ---- records ------------------------------------------------------------------------ */

/* [cpu N index M], in any order. */
static int pipe_slot(struct job *job, struct pipe_opts *o)
{
	bool cpu = false, index = false;
	int r = 0;

	while (!r && word_peek(&job->w)) {
		if (word_take(&job->w, "cpu")) {
			r = create_number(job, "the cpu", &o->cpu);
			cpu = true;
		} else if (word_take(&job->w, "index")) {
			r = create_number(job, "the index", &o->index);
			index = true;
		} else {
			r = no_more_words(job);
		}
	}
	o->one = cpu;
	if (!r && cpu != index)
		r = err_set(&job->err, ERR_USAGE, NULL, "cpu N and index M come together");
	return r;
}

static int map_event_pipe(struct job *job)
{
	struct pipe_opts o = { .json = job->form.json, .pretty = job->form.pretty,
			       .events = job->top.rounds };
	struct map_list l = { 0 };
	int r = map_list_parse(&l, &job->w, &job->err);

	if (!r && l.n > 1)
		r = err_set(&job->err, ERR_LIVE, NULL, "%zu maps are called so; give an id", l.n);
	if (!r)
		r = pipe_slot(job, &o);
	if (!r)
		r = map_pipe(&o, &l.v[0], &job->err);
	map_list_free(&l);
	return r;
}

/* ---- commands ------------------------------------------------------------------------- */

static int map_help(struct job *job);

static const char words_of_usage[] =
	"MAP is id N, name NAME, pinned FILE or a path; DATA [hex] BYTE...; VALUE is DATA,\n"
	"or the map or program (id N, name NAME, tag TAG, pinned FILE) that is stored.\n";

static const struct map_command {
	const char *name, *usage;
	int (*run)(struct job *job);	/* >= 0 the exit status; else job->err says why */
	int (*on_map)(struct job *job, struct map_view *v);	/* the same, of MAP */
} commands[] = {
	{ "show", "[MAP]", map_show, NULL },
	{ "list", "[MAP]", map_show, NULL },
	{ "help", "", map_help, NULL },
	{ "dump", "MAP", map_dump, NULL },
	{ "update", "MAP [key DATA] [value VALUE] [any|exist|noexist]", NULL, map_update },
	{ "lookup", "MAP [key DATA]", NULL, map_lookup },
	{ "getnext", "MAP [key DATA]", NULL, map_getnext },
	{ "delete", "MAP key DATA", NULL, map_delete },
	{ "pin", "MAP FILE", NULL, map_pin },
	{ "peek", "MAP", NULL, map_peek },
	{ "push", "MAP value VALUE|file FILE", NULL, map_push },
	{ "pop", "MAP", NULL, map_pop },
	{ "enqueue", "MAP value VALUE", NULL, map_push },
	{ "dequeue", "MAP", NULL, map_pop },
	{ "freeze", "MAP", NULL, map_freeze },
	{ "create", "FILE type TYPE key BYTES value BYTES entries N name NAME [flags N] "
	  "[inner_map MAP]", map_create, NULL },
	{ "event_pipe", "MAP [cpu N index M] [-n N]", map_event_pipe, NULL },
	{ "top", "[MAP]... [--once|-n N] [--interval SECONDS] [--pin-dir DIR] [--prog-stats]",
	  run_top, NULL },
};

static int map_help(struct job *job)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		tool_usage(&job->out, "map", 8, commands[i].name, commands[i].usage);
	sb_printf(&job->out, "\n%s", words_of_usage);
	return print_out(&job->out);
}

/* The same for --help. */
static void list_commands(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		tool_listed(out, commands[i].name, commands[i].usage);
	sb_printf(out, "\n%s", words_of_usage);
}

static const struct map_command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strncmp(commands[i].name, name, strlen(name)))
			return &commands[i];
	return NULL;
}

static int unknown(struct job *job, const char *name)
{
	const char *names[ARRAY_LEN(commands)], *near;
	int r = err_set(&job->err, ERR_USAGE, NULL, "no command '%s' for maps", name);

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i].name;
	near = err_nearest(name, names, ARRAY_LEN(commands));
	if (near)
		err_help(&job->err, "did you mean 'skep map %s'?", near);
	return r;
}

static int run_on_map(struct job *job, const struct map_command *c)
{
	struct map_view v;
	int r = map_view_parse(&v, &job->w, &job->err);

	if (!r) {
		r = c->on_map(job, &v);
		map_view_close(&v);
	}
	return r;
}

static int run(struct job *job)
{
	const char *name = word_next(&job->w);
	const struct map_command *c = find(name && *name ? name : "show");

	int r = c ? user_refused(job->on, c->name, &job->err) : unknown(job, name);

	if (r)
		return r;
	return c->run ? c->run(job) : run_on_map(job, c);
}

int cmd_map(const struct command *cmd, int argc, char **argv)
{
	struct job job = { 0 };
	struct strbuf usages = { 0 };
	struct opt opts[] = {
		{ "", 0, OPT_COMMANDS, NULL, NULL, NULL },
		{ "json", 'j', OPT_FLAG, NULL, "as JSON, with bpftool's keys", &job.form.json },
		{ "pretty", 'p', OPT_FLAG, NULL, "the same in lines", &job.form.pretty },
		{ "bpffs", 'f', OPT_FLAG, NULL, "show where maps are pinned", &job.form.pins },
		{ "on", 0, OPT_STR, "ENGINE", "show: user or kernel (default)", &job.on },
		{ "once", 0, OPT_FLAG, NULL, "top: one report", &job.once },
		{ "number", 'n', OPT_U64, "N", "top, event_pipe: so many and no more",
		  &job.top.rounds },
		{ "interval", 0, OPT_STR, "SECONDS", "top: from one to the next (default: 1)",
		  &job.interval },
		{ "pin-dir", 0, OPT_STR, "DIR", "top: whose files (default: the user's own)",
		  &job.top.pin_dir },
		{ "prog-stats", 0, OPT_FLAG, NULL, "top: the kernel counts its programs' runs",
		  &job.top.prog_stats },
		{ 0 },
	};
	struct opt_result res;
	int status;

	list_commands(&usages);
	opts[0].help = sb_text(&usages);
	if (!opts_parse(&res, cmd, opts, argc, argv)) {
		sb_free(&usages);
		return res.status;
	}
	job.form.json |= job.form.pretty;
	job.w = (struct words){ res.operands.v, res.operands.n, 0 };
	style(&job, job.form.pretty);
	status = run(&job);
	if (status < 0)
		status = failed(&job);
	if (status == EXIT_NO_ANSWER && job.is_answer)
		status = EXIT_NO;
	sb_free(&job.out);
	sb_free(&usages);
	vec_free(&res.operands);
	return status;
}

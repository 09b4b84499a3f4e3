/* SPDX-License-Identifier: BSD-2-Clause */
/* map_view.c: which map is meant, and what it needs to be looked at. */
#include "cli/map_view.h"
#include "kernel/kernel.h"
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"

/* ---- words --------------------------------------------------------------------- */

const char *word_peek(const struct words *w) { return w->at < w->n ? w->v[w->at] : NULL; }

const char *word_next(struct words *w) { return w->at < w->n ? w->v[w->at++] : NULL; }

bool word_take(struct words *w, const char *name)
{
	const char *word = word_peek(w);
	bool is = word && *word && !strncmp(name, word, strlen(word));

	w->at += is;
	return is;
}

static int no_word(const char *what, struct skep_err *err)
{
	return err_set(err, ERR_USAGE, NULL, "%s is missing at the end", what);
}

int word_u32(struct words *w, const char *what, u32 *out, struct skep_err *err)
{
	const char *word = word_next(w);
	unsigned long long v;
	char *end;

	if (!word)
		return no_word(what, err);
	errno = 0;
	v = strtoull(word, &end, 0);
	if (errno || *end || !isdigit((unsigned char)*word) || v > UINT32_MAX)
		return err_set(err, ERR_USAGE, NULL, "%s is a number, not '%s'", what, word);
	*out = (u32)v;
	return 0;
}

/* ---- maps --------------------------------------------------------------------------- */

static int add_fd(struct map_list *l, int fd, struct skep_err *err)
{
	struct live_map m;
	int r = fd < 0 ? fd : live_map_read(&m, fd, err);

	if (!r)
		*vec_push(l) = m;
	return r;
}

/* A map may go while we look. */
int map_each(map_each_fn *fn, void *arg, struct skep_err *err)
{
	struct skep_err unused;
	struct live_map m;
	u32 id = 0;
	int r, fd;

	while (!(r = live_next(LIVE_MAP, &id))) {
		fd = live_open(LIVE_MAP, id, &unused);
		if (fd < 0 || live_map_read(&m, fd, &unused))
			continue;
		fn(arg, &m);
		live_map_close(&m);
	}
	if (r == -ENOENT)
		return 0;
	return err_set(err, ERR_KERNEL, NULL, "the kernel does not list its maps: %s",
		       strerror(-r));
}

struct search {
	struct map_list *l;
	const char *name;	/* NULL: all */
};

/* Those that are meant stay open. */
static void take_named(void *arg, struct live_map *m)
{
	struct search *s = arg;

	if (s->name && strncmp(m->name, s->name, sizeof(m->name) - 1))
		return;
	*vec_push(s->l) = *m;
	m->fd = -1;
	m->file = NULL;
}

static int add_named(struct map_list *l, const char *name, struct skep_err *err)
{
	struct search s = { l, name };

	return map_each(take_named, &s, err);
}

int map_list_all(struct map_list *l, struct skep_err *err) { return add_named(l, NULL, err); }

static int parse_name(struct map_list *l, struct words *w, struct skep_err *err)
{
	const char *name = word_next(w);
	int r = name ? add_named(l, name, err) : no_word("the map's name", err);

	if (r || l->n)
		return r;
	r = err_set(err, ERR_LIVE, NULL, "the kernel has no map called '%s'", name);
	if (strlen(name) >= sizeof(l->v->name))
		err_note(err, "it keeps 15 characters of a name");
	return r;
}

static int parse_id(struct map_list *l, struct words *w, struct skep_err *err)
{
	u32 id;
	int r = word_u32(w, "the map's id", &id, err);

	return r ? r : add_fd(l, live_open(LIVE_MAP, id, err), err);
}

/* What the object of a pinned file says as the kernel would say it. */
static void file_facts(struct live_map *m, const struct skep_object *obj, const char *path)
{
	const struct image_map *def = &obj->img->maps[0];
	struct map_info info;

	obj->backend->ops->map_info(obj->backend, 0, &info);
	*m = (struct live_map){ .fd = -1, .file = mem_strdup(path), .type = def->type,
		.key_size = def->key_size, .value_size = def->value_size,
		.max_entries = def->max_entries, .flags = def->map_flags,
		.extra = def->map_extra, .key_type = def->key_type,
		.value_type = def->value_type, .owner_type = -1, .entries = info.count,
		.cpus = info.cpus, .frozen = info.frozen };
	snprintf(m->name, sizeof(m->name), "%s", def->name);
}

/* A map of the embedded engine. */
static int add_file(struct map_list *l, const char *path, struct skep_err *err)
{
	struct skep_object *obj;
	int r = object_open_pinned(&obj, path, err);

	if (r)
		return r;
	file_facts(vec_push(l), obj, path);
	skep_object_close(obj);
	return 0;
}

int map_list_files(struct map_list *l, struct skep_err *err)
{
	struct strbuf dir = { 0 };
	size_t n = 0;
	char **names = NULL;
	int r = pin_path(&dir, "", ".", err);

	if (!r)
		names = os_dir_names(sb_text(&dir), &n);
	for (size_t i = 0; i < n; i++) {
		struct strbuf path = { 0 };
		struct skep_err unused;

		/* without the "." behind it */
		sb_printf(&path, "%.*s%s", (int)dir.n - 1, sb_text(&dir), names[i]);
		if (os_is_plain_file(sb_text(&path)))
			add_file(l, sb_text(&path), &unused);	/* others are no maps */
		sb_free(&path);
		free(names[i]);
	}
	free(names);
	sb_free(&dir);
	return r;
}

/* In a file system of type bpf it is a kernel's, in others the embedded engine's. */
static int add_path(struct map_list *l, const char *path, struct skep_err *err)
{
	if (os_is_plain_file(path))
		return add_file(l, path, err);
	return add_fd(l, live_open_pin(LIVE_MAP, path, err), err);
}

/* A word without a slash may also be a file in the user's own folder. */
static int parse_pin(struct map_list *l, struct words *w, struct skep_err *err)
{
	const char *path = word_next(w);
	struct strbuf own = { 0 };
	struct skep_err unused;
	int r;

	if (!path)
		return no_word("the pin's path", err);
	if (strchr(path, '/') || !access(path, F_OK) || pin_path(&own, "", path, &unused) ||
	    !os_is_plain_file(sb_text(&own)))
		r = add_path(l, path, err);
	else
		r = add_file(l, sb_text(&own), err);
	sb_free(&own);
	return r;
}

/* Does a word by itself name a file, here or in the user's own folder? */
static bool is_pin(const char *word)
{
	struct strbuf own = { 0 };
	struct skep_err unused;
	bool is = !access(word, F_OK) || (!pin_path(&own, "", word, &unused) &&
					  os_is_plain_file(sb_text(&own)));

	sb_free(&own);
	return is;
}

int map_list_parse(struct map_list *l, struct words *w, struct skep_err *err)
{
	const char *word = word_peek(w);

	if (!word)
		return err_set(err, ERR_USAGE, NULL, "which map? id N, name NAME or pinned FILE");
	if (strchr(word, '/'))
		return parse_pin(l, w, err);
	if (word_take(w, "id"))
		return parse_id(l, w, err);
	if (word_take(w, "name"))
		return parse_name(l, w, err);
	if (word_take(w, "pinned") || is_pin(word))
		return parse_pin(l, w, err);
	return err_set(err, ERR_USAGE, NULL, "'%s' names no map; there are id N, name NAME and "
		       "pinned FILE", word);
}

void map_list_free(struct map_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		live_map_close(&l->v[i]);
	vec_free(l);
}

static int too_many(const struct map_list *l, struct skep_err *err)
{
	int r = err_set(err, ERR_LIVE, NULL, "%zu maps are called '%s'", l->n, l->v[0].name);

	for (size_t i = 0; i < l->n && i < 8; i++)
		err_note(err, "one has the id %u", l->v[i].id);
	return r;
}

int map_view_parse(struct map_view *v, struct words *w, struct skep_err *err)
{
	struct map_list l = { 0 };
	int r = map_list_parse(&l, w, err);

	*v = (struct map_view){ 0 };
	if (!r && l.n > 1)
		r = too_many(&l, err);
	if (!r) {
		r = map_view_open(v, &l.v[0], err);
		l.n = 0;
	}
	map_list_free(&l);
	return r;
}

/* ---- types ------------------------------------------------------------------------------ */

/* Types are a help: without them, elements are bytes. */
static void open_types(struct map_view *v)
{
	struct skep_err unused;

	if (!v->live.btf_id || !v->live.value_type || v->live.ops_type)
		return;
	if (live_btf(&v->btf, &v->arena, v->live.btf_id, NULL, &unused))
		v->btf = NULL;
}

void map_title(char text[64], const struct live_map *m)
{
	if (m->file)
		snprintf(text, 64, "map '%s'", m->name);
	else
		snprintf(text, 64, "map %u '%s'", m->id, m->name);
}

/* Room for one element. */
static int view_ready(struct map_view *v)
{
	v->key = mem_alloc(v->info.key_size + 1);
	v->value = mem_alloc(v->info.value_bytes + 1);
	return 0;
}

static int open_file(struct map_view *v, struct skep_err *err)
{
	int r = object_open_pinned(&v->obj, v->live.file, err);

	if (r) {
		map_view_close(v);
		return r;
	}
	v->b = v->obj->backend;
	v->def = v->obj->img->maps[0];
	v->btf = v->obj->img->btf;
	v->b->ops->map_info(v->b, 0, &v->info);
	return view_ready(v);
}

int map_view_open(struct map_view *v, struct live_map *m, struct skep_err *err)
{
	int r;

	*v = (struct map_view){ .live = *m };
	m->fd = -1;
	m->file = NULL;
	if (v->live.file)
		return open_file(v, err);
	r = kernel_open(&v->b, NULL, err);
	if (r) {
		live_map_close(&v->live);
		return r;
	}
	v->number = live_map_adopt(v->b, &v->live, &v->def);
	if (!live_map_shape(v->b, v->number, &v->info)) {
		r = err_set(err, ERR_LIVE, NULL, "map %u is of type %u, which is newer than this "
			    "program", v->live.id, v->live.type);
		map_view_close(v);
		return r;
	}
	open_types(v);
	return view_ready(v);
}

void map_view_close(struct map_view *v)
{
	if (v->obj)
		skep_object_close(v->obj);
	else if (v->b)
		v->b->ops->close(v->b);
	free(v->live.file);
	free(v->key);
	free(v->value);
	arena_free(&v->arena);
	*v = (struct map_view){ 0 };
}

/* ---- what a command prints ---------------------------------------------------- */

int view_finish(const struct map_form *form, struct strbuf *out)
{
	if (form->json)
		sb_putc(out, '\n');
	return print_out(out);
}

int view_failed(const struct map_form *form, struct strbuf *out, struct json *j,
		const struct skep_err *err)
{
	const char *text = skep_err_text(err), *word = strstr(text, "error: ");
	struct strbuf all = { 0 };

	if (!form->json)
		return report(err);
	if (word)	/* the place, and what is wrong there */
		sb_printf(&all, "%.*s%.*s", (int)(word - text), text,
			  (int)strcspn(word + 7, "\n"), word + 7);
	else
		sb_add(&all, text, strcspn(text, "\n"));
	sb_reset(out);
	j->depth = 0;
	j->comma = false;
	json_obj(j, NULL);
	json_strn(j, "error", sb_text(&all), all.n);
	json_obj_end(j);
	sb_free(&all);
	view_finish(form, out);
	return EXIT_NO_ANSWER;
}

int view_done(const struct map_form *form, struct strbuf *out, struct json *j)
{
	if (!form->json)
		return EXIT_YES;
	json_none(j, NULL);
	return view_finish(form, out);
}

int words_end(const struct words *w, struct skep_err *err)
{
	const char *word = word_peek(w);

	return word ? err_set(err, ERR_USAGE, NULL, "'%s' is one word too many", word) : 0;
}

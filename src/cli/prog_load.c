/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_load.c: `skep prog load` and `loadall`: an object's programs into the kernel, where
 * they stay by their pins. All or nothing: what was pinned, and folders that were made for
 * it, go again after an error. Attaches only what `autoattach` asks for.
 */
#include "cli/attach.h"
#include "cli/prog_cmd.h"
#include "obj/obj.h"
#include <net/if.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PINS "/sys/fs/bpf"	/* of maps that say in the object that they are pinned */
enum {
	LOG_ALL = 7,			/* the verifier's log: each instruction, and numbers */
	XDP_DEV_BOUND_ONLY = 1 << 6,
	DATA_NAME = 15,			/* of a map of variables, as libbpf cuts it */
	DATA_SUFFIX = 7,		/* at least so much of that is the section's */
};

/* "map idx N MAP" or "map name NAME MAP". */
struct reuse { const char *name; u32 index; int fd; };

struct load {
	struct tool *t;
	const char *obj_path, *path, *type, *pinmaps;
	bool all, autoattach;
	VEC(struct reuse) reuses;
	struct load_opts opts;
	struct object_kernel how;
	struct object_list objs;
	struct skep_object *obj;
	int *maps;		/* [nr_maps], for HOW */
	VEC(char *) pins;	/* that were made */
	VEC(char *) dirs;	/* the same */
};

/* ---- words -------------------------------------------------------------------------- */

static int one_map(struct tool *t, int *fd)
{
	struct map_list l = { 0 };
	int r = map_list_parse(&l, &t->w, &t->err);

	if (!r && l.n > 1)
		r = err_set(&t->err, ERR_LIVE, NULL, "%zu maps are called so; give an id", l.n);
	if (!r && l.v[0].fd < 0)
		r = err_set(&t->err, ERR_PIN, l.v[0].file, "that is a map of the embedded engine");
	if (!r) {
		*fd = l.v[0].fd;
		l.v[0].fd = -1;
	}
	map_list_free(&l);
	return r;
}

static int map_word(struct load *l)
{
	struct tool *t = l->t;
	struct reuse m = { 0 };
	int r;

	if (word_take(&t->w, "idx"))
		r = word_u32(&t->w, "the map's index", &m.index, &t->err);
	else if (word_take(&t->w, "name"))
		r = tool_word(t, "the map's name", &m.name);
	else
		r = err_set(&t->err, ERR_USAGE, NULL, "which of the object's maps? map idx N MAP "
			    "or map name NAME MAP");
	if (!r)
		r = one_map(t, &m.fd);
	if (!r)
		*vec_push(&l->reuses) = m;
	return r;
}

/* A device, to which maps go as well when it runs the programs. */
static int device_word(struct load *l, bool offload)
{
	struct kernel_load *how = &l->how.load;
	const char *name;
	int r = tool_word(l->t, "the device's name", &name);

	if (r)
		return r;
	if (how->prog_ifindex)
		return err_set(&l->t->err, ERR_USAGE, NULL, "one device at a time");
	how->prog_ifindex = if_nametoindex(name);
	if (!how->prog_ifindex)
		return err_set(&l->t->err, ERR_ATTACH_FIND, NULL, "there is no network device "
			       "'%s'", name);
	if (offload)
		how->map_ifindex = how->prog_ifindex;
	else
		how->prog_flags = XDP_DEV_BOUND_ONLY;
	return 0;
}

static int load_word(struct load *l)
{
	struct tool *t = l->t;

	if (word_take(&t->w, "type"))
		return tool_word(t, "the type", &l->type);
	if (word_take(&t->w, "map"))
		return map_word(l);
	if (word_take(&t->w, "dev") || word_take(&t->w, "offload_dev"))
		return device_word(l, true);
	if (word_take(&t->w, "xdpmeta_dev"))
		return device_word(l, false);
	if (word_take(&t->w, "pinmaps"))
		return tool_word(t, "the folder of pinmaps", &l->pinmaps);
	if (word_take(&t->w, "kernel_btf"))
		return tool_word(t, "the file of kernel_btf", &l->opts.btf);
	if (!word_take(&t->w, "autoattach"))
		return err_set(&t->err, ERR_USAGE, NULL, "'%s' is nothing that load takes; there "
			       "are type, map, offload_dev, xdpmeta_dev, pinmaps, autoattach and "
			       "kernel_btf", word_peek(&t->w));
	l->autoattach = true;
	return 0;
}

static int parse(struct load *l)
{
	struct tool *t = l->t;
	int r = tool_word(t, "the object", &l->obj_path);

	if (!r && !t->no_pin)
		r = tool_word(t, l->all ? "the folder for pins" : "the pin's path", &l->path);
	else if (!r)
		l->path = word_next(&t->w);	/* is not used */
	while (!r && word_peek(&t->w))
		r = load_word(l);
	return r;
}

/* ---- the object ---------------------------------------------------------------------- */

static int set_types(struct load *l)
{
	const struct sec_row *row = l->type ? progtype_find(l->type) : NULL;
	const char *near = l->type ? sec_nearest(l->type) : NULL;
	struct image *img = l->obj->img;

	if (!l->type)
		return 0;
	if (!row) {
		err_set(&l->t->err, ERR_USAGE, NULL, "no program type '%s'", l->type);
		if (near)
			err_help(&l->t->err, "did you mean %s?", near);
		return l->t->err.code;
	}
	for (u32 i = 0; i < img->nr_progs; i++) {
		img->progs[i].sec = row;
		img->progs[i].type = row->type;
		img->progs[i].expected_attach = row->attach;
		img->progs[i].guessed = false;
	}
	return 0;
}

static int need_types(const struct load *l)
{
	const struct image *img = l->obj->img;

	for (u32 i = 0; i < img->nr_progs; i++)
		if (img->progs[i].autoload && !img->progs[i].sec) {
			int r = err_set(&l->t->err, ERR_SEC_NAME, img->file, "section '%s' of "
					"program '%s' names no program type", img->progs[i].section,
					img->progs[i].name);

			err_help(&l->t->err, "say it: type TYPE");
			return r;
		}
	return 0;
}

/* Is one of the variables of map DEF to be seen from outside? */
static bool has_global(const struct btf *btf, const struct image_map *def)
{
	const struct btf_type *sec = btf && def->value_type ? btf_type(btf, def->value_type) : NULL;
	const struct btf_var_secinfo *v = (const void *)(sec + 1);

	if (!sec || btf_kind(sec) != BTF_KIND_DATASEC)
		return false;
	for (u32 i = 0; i < btf_vlen(sec); i++) {
		const struct btf_type *var = btf_type(btf, v[i].type);

		if (btf_kind(var) == BTF_KIND_VAR &&
		    ((const struct btf_var *)(var + 1))->linkage != BTF_VAR_STATIC)
			return true;
	}
	return false;
}

/* Maps of variables have the object's name before the section's, so that they can be told
 * apart among those of others: "fw.bss"; sections that the source names keep theirs. Others
 * may map them into memory. All as libbpf has it, so that who uses the pins finds the same. */
static void like_libbpf(struct load *l)
{
	const char *slash = strrchr(l->obj_path, '/'), *base = slash ? slash + 1 : l->obj_path;
	struct image *img = l->obj->img;
	size_t len = strcspn(base, ".");

	for (u32 i = 0; i < img->nr_maps; i++) {
		const char *name = img->maps[i].name;
		size_t suffix = strlen(name), prefix;
		char text[DATA_NAME + 1];

		if (img->maps[i].kind != IMAGE_MAP_USER && has_global(img->btf, &img->maps[i]))
			img->maps[i].map_flags |= BPF_F_MMAPABLE;
		if (img->maps[i].kind == IMAGE_MAP_USER || *name != '.' || strchr(name + 1, '.'))
			continue;
		suffix = suffix < DATA_SUFFIX ? DATA_SUFFIX : suffix;
		prefix = min_u64(suffix < DATA_NAME ? DATA_NAME - suffix : 0, len);
		snprintf(text, sizeof(text), "%.*s%s", (int)prefix, base, name);
		for (char *c = text; *c; c++)
			if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.", *c))
				*c = '_';
		img->maps[i].name = arena_strdup(&img->arena, text);
	}
}

static int open_object(struct load *l)
{
	const struct str_list paths = { &l->obj_path, 1, 1 };
	int r = input_objects(&l->objs, &paths, &l->opts, &l->t->err);

	if (r)
		return r;
	l->obj = l->objs.v[0];
	if (!l->obj->img->nr_progs)
		return err_set(&l->t->err, ERR_PROG_NONE, l->obj->img->file,
			       "the object has no program");
	r = set_types(l);
	if (!r)
		r = need_types(l);
	like_libbpf(l);
	return r;
}

/* ---- maps of others ------------------------------------------------------------------- */

/* A map of variables is called by its section, too. */
static s64 find_map(const struct image *img, const char *name)
{
	int i = image_map_find(img, name);
	size_t n = strlen(name), len;

	for (u32 m = 0; i < 0 && *name == '.' && m < img->nr_maps; m++) {
		len = strlen(img->maps[m].name);
		if (img->maps[m].kind != IMAGE_MAP_USER && len > n &&
		    !strcmp(img->maps[m].name + len - n, name))
			return m;
	}
	return i;
}

static int reuse_one(struct load *l, const struct reuse *m)
{
	const struct image *img = l->obj->img;
	s64 i = m->name ? find_map(img, m->name) : m->index < img->nr_maps ? (s64)m->index : -1;

	if (i >= 0 && l->maps[i] < 0) {
		l->maps[i] = m->fd;
		return 0;
	}
	if (i >= 0)
		return err_set(&l->t->err, ERR_USAGE, NULL, "map '%s' is given twice",
			       img->maps[i].name);
	if (!m->name)
		return err_set(&l->t->err, ERR_MAP_NAME, img->file, "there is no map %u; it has "
			       "%u, from 0", m->index, img->nr_maps);
	err_set(&l->t->err, ERR_MAP_NAME, img->file, "there is no map '%s'", m->name);
	suggest_map(&l->t->err, l->obj, m->name);
	return l->t->err.code;
}

static int reuse_maps(struct load *l)
{
	const u32 n = l->obj->img->nr_maps;
	int r = 0;

	l->maps = mem_alloc((n + 1) * sizeof(*l->maps));
	for (u32 i = 0; i < n; i++)
		l->maps[i] = -1;
	for (size_t i = 0; !r && i < l->reuses.n; i++)
		r = reuse_one(l, &l->reuses.v[i]);
	l->how.maps = l->maps;
	return r;
}

/* ---- pins ---------------------------------------------------------------------------- */

static int pin(struct load *l, int fd, const char *what, const char *path)
{
	int r = live_pin_as(fd, what, path, &l->t->err);

	if (!r)
		*vec_push(&l->pins) = mem_strdup(path);
	return r;
}

/* A folder that may be there already. */
static int make_dir(struct load *l, const char *path)
{
	if (!mkdir(path, 0700)) {
		*vec_push(&l->dirs) = mem_strdup(path);
		return 0;
	}
	if (errno == EEXIST)
		return 0;
	return err_set(&l->t->err, ERR_PIN, path, "this folder cannot be made: %s",
		       strerror(errno));
}

static void unpin_all(struct load *l)
{
	while (l->pins.n)
		unlink(l->pins.v[l->pins.n - 1]), free(l->pins.v[--l->pins.n]);
	while (l->dirs.n)
		rmdir(l->dirs.v[l->dirs.n - 1]), free(l->dirs.v[--l->dirs.n]);
}

/* The path of NAME, whose dots a pin cannot have, in DIR. */
static void path_in(struct strbuf *out, const char *dir, const char *name)
{
	size_t from;

	sb_reset(out);
	sb_printf(out, "%s/", dir);
	from = out->n;
	sb_puts(out, name);
	for (char *c = out->s + from; *c; c++)
		if (*c == '.')
			*c = '_';
}

/* Its link's descriptor, which a pin keeps; -1: there is none that could be pinned. */
static int link_fd(const struct link *k)
{
	if (k->fd >= 0 && live_kind_of(k->fd) == LIVE_LINK && !k->undo && k->places == 1)
		return k->fd;
	return -1;
}

/* True when the program's link was pinned in its place. */
static bool pin_attached(struct load *l, const struct skep_prog *p, const char *path, int *r)
{
	struct skep_err why = { 0 };
	struct where_opts none = { .sock = UINT64_MAX };
	struct link_where w;
	struct link k = { .fd = -1 };
	bool done = false;

	link_where_init(&w);
	if (!where_of(&w, &none, &l->obj->img->progs[p->index], &why) &&
	    !link_attach(&k, l->obj->backend, (u32)p->loaded, &w, &why) && link_fd(&k) >= 0) {
		*r = pin(l, link_fd(&k), "the link", path);
		done = true;
	} else {
		const char *text = strstr(skep_err_text(&why), "error: ");

		fprintf(stderr, "note: '%s' is not attached by itself and is pinned as a program"
			"%s%.*s\n", skep_prog_name(p), text ? ": " : "",
			text ? (int)strcspn(text + 7, "\n") : 0, text ? text + 7 : "");
	}
	link_detach(&k);
	return done;
}

static int pin_prog(struct load *l, const struct skep_prog *p, const char *path)
{
	int r = 0;

	if (l->autoattach && pin_attached(l, p, path, &r))
		return r;
	return pin(l, kernel_prog_fd(l->obj->backend, (u32)p->loaded), "the program", path);
}

static int pin_progs(struct load *l)
{
	struct strbuf path = { 0 };
	int r = l->all ? make_dir(l, l->path) : 0;

	for (u32 i = 0; !r && i < l->obj->img->nr_progs; i++) {
		const struct skep_prog *p = &l->obj->progs[i];

		if (p->loaded < 0)
			continue;
		path_in(&path, l->all ? l->path : "", skep_prog_name(p));
		r = pin_prog(l, p, l->all ? sb_text(&path) : l->path);
		if (!l->all)
			break;
	}
	sb_free(&path);
	return r;
}

static int pin_maps(struct load *l)
{
	const struct image *img = l->obj->img;
	struct strbuf path = { 0 };
	int r = make_dir(l, l->pinmaps);

	for (u32 i = 0; !r && i < img->nr_maps; i++) {
		if (l->obj->maps[i].absent)
			continue;
		path_in(&path, l->pinmaps, img->maps[i].name);
		r = pin(l, kernel_map_own_fd(l->obj->backend, i), "the map", sb_text(&path));
	}
	sb_free(&path);
	return r;
}

/* ---- the whole ------------------------------------------------------------------------- */

static void print_log(void *arg, const char *prog, const char *text)
{
	fprintf(stderr, "program '%s': the kernel's verifier says:\n", prog);
	write_text(stderr, text, strlen(text));
}

static int load_object(struct load *l)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL,
		.pins = DEFAULT_PINS };

	if (l->t->debug) {
		l->how.load.log_level = LOG_ALL;
		l->how.load.log = print_log;
	}
	l->obj->kernel = &l->how;
	return object_load(l->obj, &opts, NULL, &l->t->err);
}

static int load_and_pin(struct load *l)
{
	int r = open_object(l);

	if (!r)
		r = reuse_maps(l);
	if (!r)
		r = load_object(l);
	if (r || l->t->no_pin)
		return r;
	if (!l->t->no_mount)
		r = live_pins_mount(l->path, &l->t->err);
	if (!r)
		r = pin_progs(l);
	if (!r && l->pinmaps)
		r = pin_maps(l);
	if (r)
		unpin_all(l);
	return r;
}

static void load_free(struct load *l)
{
	for (size_t i = 0; i < l->pins.n; i++)
		free(l->pins.v[i]);
	for (size_t i = 0; i < l->dirs.n; i++)
		free(l->dirs.v[i]);
	for (size_t i = 0; i < l->reuses.n; i++)
		close(l->reuses.v[i].fd);
	vec_free(&l->pins);
	vec_free(&l->dirs);
	vec_free(&l->reuses);
	input_close(&l->objs);
	load_opts_free(&l->opts);
	free(l->maps);
}

static int load(struct tool *t, bool all)
{
	struct load l = { .t = t, .all = all };
	int r = parse(&l);

	if (!r)
		r = load_and_pin(&l);
	load_free(&l);
	return r ? r : tool_done(t);
}

int prog_load_first(struct tool *t) { return load(t, false); }
int prog_load_all(struct tool *t) { return load(t, true); }

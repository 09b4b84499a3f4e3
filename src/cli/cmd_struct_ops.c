/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_struct_ops.c: structs of functions (struct_ops) that the kernel has, in bpftool's
 * grammar: shows and dumps their maps, registers those of an object and takes them back.
 * What was registered stays: by itself, or those of section .struct_ops.link by the pin of
 * their link. All of an object's or none.
 */
#include "api/object.h"
#include "cli/prog_cmd.h"
#include "kernel/link.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "bpf_struct_ops_"	/* of the type that a map's value has */
#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"

enum { F_LINK = 1 << 13, VALUE_MAX = 1 << 20 };

struct ops {
	struct tool *t;
	struct btf_file types;	/* the kernel's */
	struct map_list maps;	/* of this type, and no others */
	bool by_id;		/* there is one, and it is no array */
};

/* ---- which ones ----------------------------------------------------------------------- */

static int keep_ops(struct ops *o)
{
	struct map_list *l = &o->maps;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].type == BPF_MAP_TYPE_STRUCT_OPS)
			l->v[n++] = l->v[i];
		else
			live_map_close(&l->v[i]);
	}
	l->n = n;
	return 0;
}

/* "id N" or "name NAME"; with neither all, unless one MUST be named. */
static int find(struct ops *o, bool must)
{
	struct tool *t = o->t;
	const char *word = word_peek(&t->w), *name = word && t->w.at + 1 < t->w.n ?
		t->w.v[t->w.at + 1] : "";
	int r;

	if (!word && must)
		return err_set(&t->err, ERR_USAGE, NULL, "which one? id N or name NAME");
	if (word && strncmp("id", word, strlen(word)) && strncmp("name", word, strlen(word)))
		return err_set(&t->err, ERR_USAGE, NULL, "'%s' names no struct of functions; there "
			       "are id N and name NAME", word);
	o->by_id = word && *word == 'i';
	r = word ? map_list_parse(&o->maps, &t->w, &t->err) : map_list_all(&o->maps, &t->err);
	if (!r)
		r = tool_no_more(t);
	if (!r)
		r = keep_ops(o);
	if (!r && word && !o->maps.n)
		r = err_set(&t->err, ERR_STRUCT_OPS, NULL, "no struct of functions is called '%s'; "
			    "that is another map", name);
	return r;
}

static int open_types(struct ops *o)
{
	return o->maps.n ? btf_open_file(&o->types, VMLINUX_BTF, NULL, &o->t->err) : 0;
}

static void ops_free(struct ops *o)
{
	btf_close_file(&o->types);
	map_list_free(&o->maps);
}

/* "tcp_congestion_ops"; "" when the kernel's types do not say. */
static const char *struct_name(const struct ops *o, const struct live_map *m)
{
	const char *name = o->types.btf && m->ops_type < o->types.btf->nr_types ?
		btf_type_name(o->types.btf, m->ops_type) : "";

	return strncmp(name, PREFIX, strlen(PREFIX)) ? "" : name + strlen(PREFIX);
}

/* ---- show ---------------------------------------------------------------------------- */

static void show_one(struct ops *o, const struct live_map *m)
{
	struct tool *t = o->t;

	if (!t->form.json) {
		sb_printf(&t->out, "%u: %-15s %-32s\n", m->id, m->name, struct_name(o, m));
		return;
	}
	json_obj(&t->j, NULL);
	json_u64(&t->j, "id", m->id);
	json_str(&t->j, "name", m->name);
	json_str(&t->j, "kernel_struct_ops", struct_name(o, m));
	json_obj_end(&t->j);
}

/* ---- dump ----------------------------------------------------------------------------- */

/* "NAME/prog_id:ID" of the program that a member is; "0" of one that has none. */
static void put_member(struct strbuf *out, u32 id)
{
	struct skep_err unused;
	struct live_prog p;
	int fd = id ? live_open(LIVE_PROG, id, &unused) : -1;
	char *name = NULL;

	if (fd >= 0 && !live_prog_read(&p, fd, &unused)) {
		name = prog_full_name(&p);
		close(fd);
	}
	if (name && *name)
		sb_printf(out, " %s/prog_id:%u", name, id);
	else if (id)
		sb_printf(out, " prog_id:%u", id);
	else
		sb_puts(out, " 0");
	free(name);
}

/* Functions by their prototype and what stands for them, others as numbers. */
static void put_pointer(void *arg, struct json *j, const char *key, const struct btf *btf, u32 id,
			u64 v)
{
	const struct ops *o = arg;
	u32 to = btf_skip_mods(btf, btf_type(btf, btf_skip_mods(btf, id))->type);
	struct strbuf text = { 0 };

	if (btf_kind(btf_type(btf, to)) == BTF_KIND_FUNC_PROTO) {
		prog_type_text(&text, btf, to);
		put_member(&text, (u32)v);
		json_str(j, key, sb_text(&text));
	} else if (o->t->form.json) {
		json_u64(j, key, v);
	} else {
		sb_printf(&text, v ? "0x%llx" : "(nil)", (unsigned long long)v);
		json_raw(j, key, sb_text(&text));
	}
	sb_free(&text);
}

static void put_typed(struct ops *o, const char *key, u32 type, const void *data, u32 bytes)
{
	const struct btf_show_as as = { .pointer = put_pointer, .arg = o };

	json_obj(&o->t->j, NULL);
	btf_show_json_as(&o->t->j, key, o->types.btf, type, data, bytes, &as);
	json_obj_end(&o->t->j);
}

/* What the kernel says of the map, by its own type, and its element. */
static int dump_one(struct ops *o, const struct live_map *m)
{
	const struct btf *btf = o->types.btf;
	u32 info = btf_find(btf, "bpf_map_info", BTF_KIND_STRUCT);
	u32 bytes = (u32)min_u64(btf_bytes(btf, info), 4096);
	u8 *data = mem_alloc(max_u64(bytes, m->value_size) + 1);
	int r = 0;

	if (info && !live_map_raw(m->fd, data, bytes))
		put_typed(o, "bpf_map_info", info, data, bytes);
	r = live_ops_value(m->fd, data);
	if (r)
		r = err_set(&o->t->err, ERR_STRUCT_OPS, NULL, "the kernel does not show map %u: "
			    "%s", m->id, strerror(-r));
	else
		put_typed(o, btf_type_name(btf, m->ops_type), m->ops_type, data, m->value_size);
	free(data);
	return r;
}

/* Text is JSON, too, in lines. */
static int dump_all(struct ops *o)
{
	struct tool *t = o->t;
	int r = 0;

	if (!t->form.json)
		t->j.pretty = true;
	json_arr(&t->j, NULL);
	for (size_t i = 0; !r && i < o->maps.n; i++)
		r = dump_one(o, &o->maps.v[i]);
	json_arr_end(&t->j);
	sb_putc(&t->out, '\n');
	return r ? r : print_out(&t->out);
}

static int ops_show(struct tool *t)
{
	struct ops o = { .t = t };
	int r = find(&o, false);

	if (!r)
		r = open_types(&o);
	tool_begin(t, o.by_id);
	for (size_t i = 0; !r && i < o.maps.n; i++)
		show_one(&o, &o.maps.v[i]);
	ops_free(&o);
	return r ? r : tool_end(t, o.by_id);
}

static int ops_dump(struct tool *t)
{
	struct ops o = { .t = t };
	int r = find(&o, false);

	if (!r)
		r = open_types(&o);
	if (!r)
		r = dump_all(&o);
	ops_free(&o);
	return r;
}

/* ---- register ------------------------------------------------------------------------- */

struct registration {
	struct tool *t;
	struct object_list objs;
	struct skep_object *obj;
	struct object_kernel how;
	const char *links;	/* the folder for pins of links, or NULL */
	bool made_dir;
	VEC(struct link) done;
	VEC(char *) pins;
};

static void print_log(void *arg, const char *prog, const char *text)
{
	fprintf(stderr, "program '%s': the kernel's verifier says:\n", prog);
	write_text(stderr, text, strlen(text));
}

static int load_ops(struct registration *g, const char *path)
{
	const struct str_list paths = { &path, 1, 1 };
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	const struct load_opts none = { 0 };
	const struct image *img;
	u32 n = 0;
	int r = input_objects(&g->objs, &paths, &none, &g->t->err);

	if (r)
		return r;
	g->obj = g->objs.v[0];
	img = g->obj->img;
	for (u32 i = 0; i < img->nr_maps; i++)
		n += img->maps[i].type == BPF_MAP_TYPE_STRUCT_OPS;
	if (!n)
		return err_set(&g->t->err, ERR_STRUCT_OPS, img->file, "no struct of functions is "
			       "in the object (SEC(\".struct_ops\"))");
	if (g->t->debug)
		g->how.load = (struct kernel_load){ .log_level = 7, .log = print_log };
	g->obj->kernel = &g->how;
	return object_load(g->obj, &opts, NULL, &g->t->err);
}

/* A link goes with its last descriptor: it must have a pin. */
static int pin_link(struct registration *g, const struct link *l, const char *name)
{
	struct strbuf path = { 0 };
	int r;

	sb_printf(&path, "%s/%s", g->links, name);
	r = live_pin_as(l->fd, "the link", sb_text(&path), &g->t->err);
	if (!r)
		*vec_push(&g->pins) = mem_strdup(sb_text(&path));
	sb_free(&path);
	return r;
}

static int register_one(struct registration *g, u32 map)
{
	const struct image_map *def = &g->obj->img->maps[map];
	const bool by_link = def->map_flags & F_LINK;
	struct skep_err *err = &g->t->err;
	int r;

	if (by_link && !g->links) {
		r = err_set(err, ERR_STRUCT_OPS, g->obj->img->file, "'%s' of section "
			    ".struct_ops.link has a link, which needs a pin", def->name);
		err_help(err, "give a folder in /sys/fs/bpf for it: register OBJ DIR");
		return r;
	}
	r = link_attach_ops(vec_push(&g->done), g->obj->backend, map, err);
	if (!r && by_link)
		r = pin_link(g, &g->done.v[g->done.n - 1], def->name);
	return r;
}

static int register_all(struct registration *g)
{
	const struct image *img = g->obj->img;
	int r = 0;

	if (g->links && !mkdir(g->links, 0700))
		g->made_dir = true;
	else if (g->links && errno != EEXIST)
		return err_set(&g->t->err, ERR_PIN, g->links, "this folder cannot be made: %s",
			       strerror(errno));
	for (u32 i = 0; !r && i < img->nr_maps; i++)
		if (img->maps[i].type == BPF_MAP_TYPE_STRUCT_OPS)
			r = register_one(g, i);
	return r;
}

static void say_registered(struct registration *g)
{
	const struct image *img = g->obj->img;
	size_t n = 0;

	for (u32 i = 0; i < img->nr_maps; i++) {
		if (img->maps[i].type != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		sb_printf(&g->t->out, "Registered %s %s id %u\n",
			  g->done.v[n].text + strlen("struct_ops "), img->maps[i].name,
			  live_id(LIVE_MAP, kernel_map_own_fd(g->obj->backend, i)));
		n++;
	}
}

/* After an error all of it goes again. */
static void registration_free(struct registration *g, bool keep)
{
	for (size_t i = 0; i < g->pins.n; i++) {
		if (!keep)
			unlink(g->pins.v[i]);
		free(g->pins.v[i]);
	}
	if (!keep && g->made_dir)
		rmdir(g->links);
	for (size_t i = 0; i < g->done.n; i++) {
		if (keep)
			link_leave(&g->done.v[i]);
		else
			link_detach(&g->done.v[i]);
	}
	vec_free(&g->pins);
	vec_free(&g->done);
	input_close(&g->objs);
}

static int ops_register(struct tool *t)
{
	struct registration g = { .t = t };
	const char *path;
	int r = tool_word(t, "the object", &path);

	g.links = word_next(&t->w);
	if (!r)
		r = tool_no_more(t);
	if (!r)
		r = load_ops(&g, path);
	if (!r)
		r = register_all(&g);
	if (!r && !t->form.json)
		say_registered(&g);
	registration_free(&g, !r);
	if (r)
		return r;
	return t->form.json ? tool_done(t) : tool_finish(t);
}

/* ---- unregister ------------------------------------------------------------------------ */

static int unregister_one(struct ops *o, const struct live_map *m)
{
	int code = live_ops_unregister(m->fd), r;

	if (!code) {
		sb_printf(&o->t->out, "Unregistered %s %s id %u\n", struct_name(o, m), m->name,
			  m->id);
		return 0;
	}
	r = err_set(&o->t->err, ERR_STRUCT_OPS, NULL, "%s %s id %u is not taken back: %s",
		    struct_name(o, m), m->name, m->id, strerror(-code));
	if (m->flags & F_LINK)
		err_note(&o->t->err, "it is registered by a link: `skep link show` has it, `skep "
			 "link detach` or the removal of its pin ends it");
	else if (code == -ENOENT)
		err_note(&o->t->err, "it is not registered");
	return r;
}

static int ops_unregister(struct tool *t)
{
	struct ops o = { .t = t };
	int r = find(&o, true);

	if (!r)
		r = open_types(&o);
	for (size_t i = 0; !r && i < o.maps.n; i++)
		r = unregister_one(&o, &o.maps.v[i]);
	ops_free(&o);
	if (r)
		return r;
	if (t->form.json)
		sb_reset(&t->out);
	return t->form.json ? tool_done(t) : tool_finish(t);
}

int cmd_struct_ops(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "show", "[MAP]", ops_show },
		{ "list", "[MAP]", ops_show },
		{ "register", "OBJ [LINK_DIR]", ops_register },
		{ "unregister", "MAP", ops_unregister },
		{ "dump", "[MAP]", ops_dump },
		{ "help", "", tool_help },
	};
	static const struct tool_kind kind = {
		"struct_ops", "structs of functions", rows, ARRAY_LEN(rows),
		"MAP is id N or name NAME. LINK_DIR, a folder in a file system of type bpf, gets "
		"the\npins of what section .struct_ops.link has.\n",
		"jpdl",
	};

	return tool_main(&kind, cmd, argc, argv);
}

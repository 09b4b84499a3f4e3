/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_iter.c: iterators of the kernel, in bpftool's grammar: loads an object, attaches its
 * first program and pins the link. Whoever reads the pin runs the program, and reads what
 * it says.
 */
#include "api/object.h"
#include "cli/prog_cmd.h"
#include "kernel/link.h"
#include <unistd.h>

struct pin_job {
	struct tool *t;
	const char *obj_path, *path;
	struct map_list maps;	/* whose elements it goes through: one or none */
	struct object_list objs;
	struct object_kernel how;
};

static int parse(struct pin_job *p)
{
	struct tool *t = p->t;
	int r = tool_word(t, "the object", &p->obj_path);

	if (!r)
		r = tool_word(t, "the pin's path", &p->path);
	if (!r && word_take(&t->w, "map"))
		r = map_list_parse(&p->maps, &t->w, &t->err);
	if (!r && p->maps.n && (p->maps.n > 1 || p->maps.v[0].fd < 0))
		r = err_set(&t->err, ERR_LIVE, NULL, "%s", p->maps.n > 1 ? "several maps are "
			    "called so; give an id" : "that is a map of the embedded engine");
	return r ? r : tool_no_more(t);
}

static void print_log(void *arg, const char *prog, const char *text)
{
	fprintf(stderr, "program '%s': the kernel's verifier says:\n", prog);
	write_text(stderr, text, strlen(text));
}

static int load(struct pin_job *p, struct skep_object **obj)
{
	const struct str_list paths = { &p->obj_path, 1, 1 };
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	const struct load_opts none = { 0 };
	struct skep_err *err = &p->t->err;
	int r = input_objects(&p->objs, &paths, &none, err);

	if (r)
		return r;
	*obj = p->objs.v[0];
	if (!(*obj)->img->nr_progs)
		return err_set(err, ERR_PROG_NONE, p->obj_path, "the object has no program");
	if (!(*obj)->img->progs[0].sec ||
	    strncmp((*obj)->img->progs[0].section, "iter", strlen("iter")))
		return err_set(err, ERR_ATTACH_KIND, p->obj_path, "its first program, '%s' of "
			       "section '%s', is no iterator (SEC(\"iter/task\") ...)",
			       (*obj)->img->progs[0].name, (*obj)->img->progs[0].section);
	if (p->t->debug)
		p->how.load = (struct kernel_load){ .log_level = 7, .log = print_log };
	(*obj)->kernel = &p->how;
	return object_load(*obj, &opts, NULL, err);
}

static int attach_and_pin(struct pin_job *p, struct skep_object *obj)
{
	struct link_where w;
	struct link l;
	int r;

	link_where_init(&w);
	w.map = p->maps.n ? p->maps.v[0].fd : 0;
	if (obj->progs[0].loaded < 0)
		return err_set(&p->t->err, ERR_PROG_NONE, p->obj_path, "its first program is not "
			       "loaded by itself (SEC(\"?...\"))");
	r = link_attach(&l, obj->backend, (u32)obj->progs[0].loaded, &w, &p->t->err);
	if (r)
		return r;
	if (!p->t->no_mount)
		r = live_pins_mount(p->path, &p->t->err);
	if (!r)
		r = live_pin_as(l.fd, "the iterator", p->path, &p->t->err);
	link_detach(&l);
	return r;
}

static int iter_pin(struct tool *t)
{
	struct pin_job p = { .t = t };
	struct skep_object *obj = NULL;
	int r = parse(&p);

	if (!r)
		r = load(&p, &obj);
	if (!r)
		r = attach_and_pin(&p, obj);
	input_close(&p.objs);
	map_list_free(&p.maps);
	return r ? r : tool_done(t);
}

int cmd_iter(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "help", "", tool_help },
		{ "pin", "OBJ PATH [map MAP]", iter_pin },
	};
	static const struct tool_kind kind = {
		"iter", "iterators", rows, ARRAY_LEN(rows),
		"MAP is id N, name NAME or pinned FILE: whose elements an iterator goes through.\n",
		"jpdln",
	};

	return tool_main(&kind, cmd, argc, argv);
}

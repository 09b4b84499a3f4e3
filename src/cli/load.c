/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c: what commands that load objects do alike: for which kernel, of which
 * type, with which values of global variables.
 */
#include "cli/inspect.h"
#include "obj/obj.h"
#include <stdlib.h>

int load_open(struct skep_object **obj, const struct load_opts *lo, const void *data,
	      size_t bytes, const char *name, struct skep_err *err)
{
	struct skep_open_opts opts = { .size = sizeof(opts) };

	if (lo) {
		opts.btf = lo->btf;
		opts.kconfig = lo->kconfig;
		opts.module_btf = lo->modules.v;
		opts.nr_module_btf = lo->modules.n;
	}
	return object_open(obj, &opts, data, bytes, name, err);
}

static int bad_type(const char *type, struct skep_err *err)
{
	return err_set(err, ERR_USAGE, NULL, "--type: no program type '%s'", type);
}

int load_code(struct skep_object **obj, const struct load_opts *lo, const struct os_file *f,
	      const char *name, struct skep_err *err)
{
	bool classic = code_is_classic(f->data, f->size);
	const struct sec_row *row = progtype_find(lo->type ? lo->type : "socket");
	struct isa_code code = { 0 };
	int r;

	if (!row)
		return bad_type(lo->type, err);
	if (!classic && !lo->type)
		return err_set(err, ERR_USAGE, name,
			       "raw instructions do not say their program type; give --type");
	r = code_read(&code, f, name, err);
	if (!r)
		r = skep_object_from_insns(obj, row->type, classic ? "filter" : "code", code.v,
					   code.n, NULL, 0, "GPL", err);
	if (!r) {
		(*obj)->img->file = arena_strdup(&(*obj)->img->arena, name);
		(*obj)->img->progs[0].sec = row;
		(*obj)->img->progs[0].at_mac = classic && row->type == BPF_PROG_TYPE_SOCKET_FILTER;
		(*obj)->img->progs[0].expected_attach = row->attach;
	}
	vec_free(&code);
	return r;
}

/* ---- types ------------------------------------------------------------------ */

/* --type: of the program that --prog names, else of those whose section says none. */
static void set_types(struct image *img, const struct sec_row *row, const char *prog)
{
	for (u32 i = 0; i < img->nr_progs; i++) {
		struct image_prog *p = &img->progs[i];

		if (prog ? strcmp(prog, p->name) != 0 : p->sec && !p->guessed)
			continue;
		p->sec = row;
		p->type = row->type;
		p->expected_attach = row->attach;
		p->guessed = false;
	}
}

static void print_notes(const struct image *img)
{
	for (u32 i = 0; i < img->nr_notes; i++)
		fprintf(stderr, "note: %s: %s\n", img->file, img->notes[i]);
	for (u32 i = 0; i < img->nr_progs; i++)
		if (img->progs[i].guessed)
			fprintf(stderr, "note: %s: section '%s' taken for type %s\n", img->file,
				img->progs[i].section, inspect_prog_type(&img->progs[i]));
}

/* ---- variables -------------------------------------------------------------- */

/* Does the variable that PATH is, or is a part of, stand in IMG? */
static bool has_variable(const struct image *img, const char *path)
{
	size_t n = strcspn(path, ".[");
	struct inspect_var v;

	for (u32 m = 0; m < img->nr_maps; m++)
		for (u32 i = 0; inspect_var(&v, img, &img->maps[m], i); i++)
			if (strlen(v.name) == n && !memcmp(v.name, path, n))
				return true;
	return false;
}

/* ARG is VAR=VALUE: for every object that has VAR; the first says that none has. */
static int set_one(struct skep_object *const *objs, size_t n, const char *arg,
		   struct skep_err *err)
{
	const char *eq = strchr(arg, '=');
	bool found = false;
	char *name;
	int r = 0;

	if (!eq || eq == arg)
		return err_set(err, ERR_USAGE, NULL, "--set takes VAR=VALUE, not '%s'", arg);
	name = mem_strdup(arg);
	name[eq - arg] = 0;
	for (size_t i = 0; !r && i < n; i++)
		if (has_variable(objs[i]->img, name)) {
			found = true;
			r = skep_object_set(objs[i], name, eq + 1, err);
		}
	if (!found && n)
		r = skep_object_set(objs[0], name, eq + 1, err);
	free(name);
	return r;
}

int load_ready(struct skep_object *const *objs, size_t n, const struct load_opts *lo,
	       struct skep_err *err)
{
	const struct sec_row *row = lo->type ? progtype_find(lo->type) : NULL;
	int r = 0;

	if (lo->type && !row)
		return bad_type(lo->type, err);
	for (size_t i = 0; row && i < n; i++)
		set_types(objs[i]->img, row, lo->prog);
	for (size_t i = 0; !r && i < lo->set.n; i++)
		r = set_one(objs, n, lo->set.v[i], err);
	for (size_t i = 0; !r && i < n; i++)
		print_notes(objs[i]->img);
	return r;
}

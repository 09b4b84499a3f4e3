/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c: what commands that load objects do alike: for which kernel, of which
 * type, with which values of global variables.
 */
#include "cli/inspect.h"
#include "obj/obj.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* They are read when an object asks, but a slip is told at once. */
static int check_readable(const char *path, struct skep_err *err)
{
	struct stat st;

	if (!path)
		return 0;
	if (stat(path, &st) || access(path, R_OK))
		return err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_FILE_READ, path, "%s", strerror(EISDIR));
	return 0;
}

int load_open(struct skep_object **obj, const struct load_opts *lo, const void *data,
	      size_t bytes, const char *name, struct skep_err *err)
{
	struct skep_open_opts opts = { .size = sizeof(opts) };
	int r;

	if (lo) {
		r = check_readable(lo->btf, err);
		r = r ? r : check_readable(lo->kconfig, err);
		if (r)
			return r;
		opts.btf = lo->btf;
		opts.kconfig = lo->kconfig;
		opts.module_btf = lo->modules.v;
		opts.nr_module_btf = lo->modules.n;
	}
	r = object_open(obj, &opts, data, bytes, name, err);
	if (!r && lo && lo->keep) {
		(*obj)->elf = mem_alloc(bytes);
		memcpy((*obj)->elf, data, bytes);
		(*obj)->elf_bytes = bytes;
	}
	return r;
}

void load_opts_free(struct load_opts *lo)
{
	vec_free(&lo->modules);
	vec_free(&lo->types);
	vec_free(&lo->progs);
	vec_free(&lo->set);
}

/* ---- types ------------------------------------------------------------------ */

/* --type: TYPE for PROG, or for those that --prog names or whose sections say
 * none when that is NULL. */
struct typing { char *prog; const struct sec_row *row; };

static int parse_type(struct typing *t, const char *arg, struct skep_err *err)
{
	const char *eq = strchr(arg, '='), *name = eq ? eq + 1 : arg;
	const char *near = sec_nearest(name);

	*t = (struct typing){ .row = progtype_find(name) };
	if (!t->row) {
		err_set(err, ERR_USAGE, NULL, "--type: no program type '%s'", name);
		if (near)
			err_help(err, "did you mean %s?", near);
		return err->code;
	}
	if (eq) {
		t->prog = mem_strdup(arg);
		t->prog[eq - arg] = 0;
	}
	return 0;
}

static bool is_for(const struct load_opts *lo, const struct typing *t,
		   const struct image_prog *p)
{
	if (t->prog)
		return !strcmp(t->prog, p->name);
	for (size_t i = 0; i < lo->progs.n; i++)
		if (!strcmp(lo->progs.v[i], p->name))
			return true;
	return !lo->progs.n && (!p->sec || p->guessed);
}

/* How many programs of IMG it is for. */
static u32 set_type(struct image *img, const struct load_opts *lo, const struct typing *t)
{
	u32 n = 0;

	for (u32 i = 0; i < img->nr_progs; i++) {
		struct image_prog *p = &img->progs[i];

		if (!is_for(lo, t, p))
			continue;
		p->sec = t->row;
		p->type = t->row->type;
		p->expected_attach = t->row->attach;
		p->guessed = false;
		n++;
	}
	return n;
}

/* Are there no bare instructions, which have got their type already? */
static bool have_sections(struct skep_object *const *objs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (u32 k = 0; k < objs[i]->img->nr_progs; k++)
			if (!objs[i]->img->progs[k].section || !objs[i]->img->progs[k].section[0])
				return false;
	return true;
}

static int set_types(struct skep_object *const *objs, size_t n, const struct load_opts *lo,
		     const char *arg, struct skep_err *err)
{
	struct typing t;
	u32 found = 0;
	int r = parse_type(&t, arg, err);

	for (size_t i = 0; !r && i < n; i++)
		found += set_type(objs[i]->img, lo, &t);
	if (!r && t.prog && !found)
		r = no_program(&(struct object_list){ (struct skep_object **)objs, n, n },
			       t.prog, err);
	if (!r && !t.prog && !found && !lo->progs.n && have_sections(objs, n)) {
		r = err_set(err, ERR_USAGE, objs[0]->img->file, "--type %s is for no program: "
			    "the section of each says its type", arg);
		err_help(err, "--type PROG=%s changes that of PROG", arg);
	}
	free(t.prog);
	return r;
}

/* The type of bare instructions called NAME: theirs, or one that is for no program by
 * name; the last one of several. */
static const char *bare_type(const struct load_opts *lo, const char *name)
{
	const char *type = NULL;
	size_t n = strlen(name);

	for (size_t i = 0; i < lo->types.n; i++) {
		const char *arg = lo->types.v[i];

		if (!strchr(arg, '=') || (!strncmp(arg, name, n) && arg[n] == '='))
			type = arg;
	}
	return type;
}

/* ---- opening ---------------------------------------------------------------- */

int load_code(struct skep_object **obj, const struct load_opts *lo, const struct os_file *f,
	      const char *name, struct skep_err *err)
{
	bool classic = code_is_classic(f->data, f->size);
	const char *called = classic ? "filter" : "code", *type = bare_type(lo, called);
	struct isa_code code = { 0 };
	struct typing t;
	const struct sec_row *row;
	int r = parse_type(&t, type ? type : "socket", err);

	free(t.prog);
	if (r)
		return r;
	row = t.row;
	if (!classic && !type)
		return err_set(err, ERR_USAGE, name,
			       "raw instructions do not say their program type; give --type");
	r = code_read(&code, f, name, err);
	if (!r)
		r = skep_object_from_insns(obj, row->type, called, code.v, code.n, NULL, 0, "GPL",
					   err);
	if (!r) {
		(*obj)->img->file = arena_strdup(&(*obj)->img->arena, name);
		(*obj)->img->progs[0].sec = row;
		(*obj)->img->progs[0].at_mac = classic && row->type == BPF_PROG_TYPE_SOCKET_FILTER;
		(*obj)->img->progs[0].expected_attach = row->attach;
	}
	vec_free(&code);
	return r;
}

/* ---- notes ------------------------------------------------------------------ */

static PRINTF_LIKE(2, 3) void print_note(const struct image *img, const char *fmt, ...)
{
	struct strbuf text = { 0 };
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	sb_printf(&text, "note: %s: %s\n", img->file, line);
	write_text(stderr, text.s, text.n);
	sb_free(&text);
}

static void print_notes(const struct image *img)
{
	for (u32 i = 0; i < img->nr_notes; i++)
		print_note(img, "%s", img->notes[i]);
	for (u32 i = 0; i < img->nr_progs; i++) {
		const struct image_prog *p = &img->progs[i];
		const char *near = p->sec ? NULL : sec_nearest(p->section);

		if (p->guessed)
			print_note(img, "section '%s' taken for type %s", p->section,
				   inspect_prog_type(p));
		if (near)
			print_note(img, "section '%s' names no program type; did you mean "
				   "SEC(\"%s\")?", p->section, near);
	}
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
	int r = 0;

	for (size_t i = 0; !r && i < lo->types.n; i++)
		r = set_types(objs, n, lo, lo->types.v[i], err);
	for (size_t i = 0; !r && i < lo->set.n; i++)
		r = set_one(objs, n, lo->set.v[i], err);
	for (size_t i = 0; !r && i < n; i++)
		print_notes(objs[i]->img);
	return r;
}

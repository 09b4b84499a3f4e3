/* SPDX-License-Identifier: BSD-2-Clause */
/* load.c: what commands that load an object do alike: for which kernel, with
 * which values of global variables. */
#include "cli/cli.h"
#include <stdlib.h>

static void print_notes(const struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_notes; i++)
		fprintf(stderr, "note: %s: %s\n", obj->img->file, obj->img->notes[i]);
}

/* ARG is VAR=VALUE. */
static int set_one(struct skep_object *obj, const char *arg, struct skep_err *err)
{
	const char *eq = strchr(arg, '=');
	char *name;
	int r;

	if (!eq || eq == arg)
		return err_set(err, ERR_USAGE, NULL, "--set takes VAR=VALUE, not '%s'", arg);
	name = mem_strdup(arg);
	name[eq - arg] = 0;
	r = skep_object_set(obj, name, eq + 1, err);
	free(name);
	return r;
}

int load_open(struct skep_object **obj, const struct load_opts *lo, const void *data,
	      size_t bytes, const char *name, struct skep_err *err)
{
	struct skep_open_opts opts = { .size = sizeof(opts) };
	int r;

	if (lo) {
		opts.btf = lo->btf;
		opts.kconfig = lo->kconfig;
	}
	r = object_open(obj, &opts, data, bytes, name, err);
	for (size_t i = 0; !r && lo && i < lo->set.n; i++)
		r = set_one(*obj, lo->set.v[i], err);
	if (r) {
		skep_object_close(*obj);
		*obj = NULL;
	} else {
		print_notes(*obj);
	}
	return r;
}

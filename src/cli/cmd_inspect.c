/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_inspect.c: `skep inspect`: what is in objects and what their programs
 * may do. Runs and loads nothing.
 */
#include "cli/inspect.h"

static bool have_prog(const struct object_list *objs, const char *name)
{
	for (size_t i = 0; i < objs->n; i++)
		if (skep_object_prog(objs->v[i], name))
			return true;
	return false;
}

/* The objects are those that --prog leaves; J NULL: text. */
static int inspect_all(struct strbuf *out, struct json *j, const struct inspect *o,
		       const struct object_list *objs)
{
	struct skep_err err = { 0 };

	if (o->prog && !have_prog(objs, o->prog)) {
		no_program(objs, o->prog, &err);
		return report(&err);
	}
	for (size_t i = 0; i < objs->n; i++) {
		if (o->prog && !skep_object_prog(objs->v[i], o->prog))
			continue;
		if (j)
			inspect_json(j, o, objs->v[i]->img);
		else
			inspect_text(out, o, objs->v[i]->img);
	}
	return EXIT_YES;
}

static int inspect_paths(struct strbuf *out, struct json *j, const struct inspect *o,
			 struct load_opts *load, const struct str_list *paths)
{
	struct object_list objs = { 0 };
	struct skep_err err = { 0 };
	int status;

	if (o->prog)
		*vec_push(&load->progs) = o->prog;
	status = input_objects(&objs, paths, load, &err) ? report(&err) :
							    inspect_all(out, j, o, &objs);
	input_close(&objs);
	return status;
}

int cmd_inspect(const struct command *cmd, int argc, char **argv)
{
	struct inspect o = { 0 };
	struct load_opts load = { 0 };
	bool as_json = false;
	const struct opt opts[] = {
		{ "prog", 0, OPT_STR, "NAME", "only the program NAME", &o.prog },
		{ "source", 's', OPT_FLAG, NULL, "show the source lines of programs",
		  &o.source },
		{ "sections", 'S', OPT_FLAG, NULL, "list the sections of the ELF file",
		  &o.sections },
		{ "verbose", 'v', OPT_FLAG, NULL,
		  "with --source, instructions; all CO-RE relocations",
		  &o.verbose },
		LOAD_OPTS(&load),
		{ "json", 'j', OPT_FLAG, NULL, "print JSON", &as_json },
		{ 0 }
	};
	struct strbuf out = { 0 };
	struct json j = { .out = &out, .pretty = true };
	struct opt_result res;
	int status = EXIT_YES;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return load_opts_free(&load), res.status;
	if (!res.operands.n)
		status = usage_error("an object or a C file is needed");
	if (as_json)
		json_arr(&j, NULL);
	if (!status)
		status = inspect_paths(&out, as_json ? &j : NULL, &o, &load, &res.operands);
	if (as_json) {
		json_arr_end(&j);
		sb_putc(&out, '\n');
	}
	if (!status)
		status = print_out(&out);
	sb_free(&out);
	vec_free(&res.operands);
	load_opts_free(&load);
	return status;
}

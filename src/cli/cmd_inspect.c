/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_inspect.c: `skep inspect`: what is in objects and what their programs
 * may do. Runs and loads nothing.
 */
#include "cli/inspect.h"

static int inspect_one(struct strbuf *out, struct json *j, const struct inspect *o,
		       const struct load_opts *load, const char *path)
{
	struct skep_object *obj;
	struct skep_err err = { 0 };
	int r = input_object(&obj, path, load, &err);

	if (r)
		return report(&err);
	if (o->prog && !skep_object_prog(obj, o->prog)) {
		err_set(&err, ERR_PROG_NONE, input_name(path), "there is no program '%s'", o->prog);
		suggest_prog(&err, obj, o->prog);
		r = report(&err);
	} else if (j) {
		inspect_json(j, o, obj->img);
	} else {
		inspect_text(out, o, obj->img);
	}
	skep_object_close(obj);
	return r;
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
		return vec_free(&load.set), res.status;
	if (!res.operands.n)
		status = usage_error(cmd, "an object or a C file is needed");
	if (as_json)
		json_arr(&j, NULL);
	for (size_t i = 0; !status && i < res.operands.n; i++)
		status = inspect_one(&out, as_json ? &j : NULL, &o, &load,
				     res.operands.v[i]);
	if (as_json) {
		json_arr_end(&j);
		sb_putc(&out, '\n');
	}
	if (!status)
		status = print_out(&out);
	sb_free(&out);
	vec_free(&res.operands);
	vec_free(&load.set);
	return status;
}

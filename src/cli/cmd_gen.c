/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_gen.c: `skep gen object`: several objects into one. Runs nothing. */
#include "cli/cli.h"
#include "obj/linker.h"

static int write_object(const char *path, const struct os_file *f, struct skep_err *err)
{
	struct os_out o;
	int r = os_out_open(&o, path, err);

	if (r)
		return r;
	fwrite(f->data, 1, f->size, o.f);
	return os_out_commit(&o, err);
}

static int gen_object(const char *to, const char *const *from, size_t n, struct skep_err *err)
{
	struct os_file *files = mem_alloc(n * sizeof(*files)), out;
	struct linker_input *in = mem_alloc(n * sizeof(*in));
	size_t got = 0;
	int r = 0;

	for (; !r && got < n; got += !r) {
		r = input_read(&files[got], from[got], err);
		in[got] = (struct linker_input){ files[got].data, files[got].size, from[got] };
	}
	if (!r)
		r = obj_link(&out, in, (u32)n, err);
	if (!r) {
		r = write_object(to, &out, err);
		os_file_close(&out);
	}
	while (got-- > 0)
		os_file_close(&files[got]);
	free(files);
	free(in);
	return r;
}

int cmd_gen(const struct command *cmd, int argc, char **argv)
{
	const struct opt opts[] = { { 0 } };
	struct opt_result res;
	struct skep_err err = { 0 };
	int status = EXIT_YES;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (!res.operands.n || strcmp(res.operands.v[0], "object"))
		status = usage_error("'object' is what can be generated: "
				     "skep gen object OUT IN...");
	else if (res.operands.n < 3)
		status = usage_error("an output and at least one object are needed");
	else if (gen_object(res.operands.v[1], res.operands.v + 2, res.operands.n - 2, &err))
		status = report(&err);
	vec_free(&res.operands);
	return status;
}

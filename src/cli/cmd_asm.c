/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_asm.c: text to raw instructions. */
#include "cli/cli.h"
#include "isa/isa.h"
#include <unistd.h>

static int write_code(const char *path, const struct isa_code *code, struct skep_err *err)
{
	struct os_out out;
	int r = os_out_open(&out, path, err);

	if (r)
		return r;
	if (code->n)
		fwrite(code->v, sizeof(*code->v), code->n, out.f);
	return os_out_commit(&out, err);
}

static int assemble(const char *in, const char *out, struct skep_err *err)
{
	struct isa_code code = { 0 };
	struct os_file f;
	int r = output_check(out, in, err);

	if (!r)
		r = os_file_read(&f, in, err);
	if (r)
		return r;
	r = isa_asm(&code, (const char *)f.data, f.size, strcmp(in, "-") ? in : "<stdin>", err);
	if (!r)
		r = write_code(out, &code, err);
	vec_free(&code);
	os_file_close(&f);
	return r;
}

int cmd_asm(const struct command *cmd, int argc, char **argv)
{
	const char *out = "-";
	const struct opt opts[] = {{"output", 'o', OPT_STR, "FILE",
				    "write the bytes to FILE (default: standard output)",
				    &out},
				   {0}};
	struct opt_result res;
	struct skep_err err;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (res.operands.n != 1)
		status = usage_error("one file with instructions is needed, "
				     "or - for standard input");
	else if (!strcmp(out, "-") && isatty(1))
		status = usage_error("the bytes are not for a terminal; use -o FILE");
	else
		status = assemble(res.operands.v[0], out, &err) ? report(&err) : EXIT_YES;
	vec_free(&res.operands);
	return status;
}

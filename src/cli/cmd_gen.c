/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_gen.c: `skep gen object`: several objects into one. Runs nothing. */
#include "cli/cli.h"
#include "obj/linker.h"
#include "obj/obj.h"

static int write_object(const char *path, const struct os_file *f, struct skep_err *err)
{
	struct os_out o;
	int r = os_out_open(&o, path, err);

	if (r)
		return r;
	fwrite(f->data, 1, f->size, o.f);
	return os_out_commit(&o, err);
}

/* Did a compiler write it? Linkers for BPF leave out what these sections are for. */
static bool is_compiled(const struct image *img)
{
	for (u32 i = 0; i < img->nr_sections; i++) {
		const char *name = img->sections[i].name;

		if (!strcmp(name, ".llvm_addrsig") || !strcmp(name, ".comment") ||
		    !strncmp(name, ".debug_", 7))
			return true;
	}
	return false;
}

/* What is at TO would be lost: a compiler's object, probably an input that stands
 * where the output belongs, or no object at all. */
static const char *would_lose(const struct os_file *f, const char *to)
{
	struct image *old = NULL;
	bool compiled;

	if (!f->size)
		return NULL;
	if (!obj_is_elf(f->data, f->size))
		return "is no BPF object";
	if (obj_open(&old, f->data, f->size, to, NULL))
		return NULL;	/* what a linker that was killed may have left */
	compiled = is_compiled(old);
	image_free(old);
	return compiled ? "is a compiler's object" : NULL;
}

static int check_old(const char *to, struct skep_err *err)
{
	struct os_file f;
	const char *what;

	if (os_file_read(&f, to, NULL))
		return 0;
	what = would_lose(&f, to);
	os_file_close(&f);
	if (!what)
		return 0;
	err_set(err, ERR_USAGE, to, "the output exists and %s; it would be lost", what);
	err_help(err, "the output comes first: skep gen object OUT IN...; to replace %s, remove "
		 "it first", to);
	return err->code;
}

static int gen_object(const char *to, const char **from, size_t n, struct skep_err *err)
{
	struct os_file *files = mem_alloc(n * sizeof(*files)), out;
	struct linker_input *in = mem_alloc(n * sizeof(*in));
	size_t got = 0;
	struct str_list outs = { .v = &to, .n = 1 }, ins = { .v = from, .n = n };
	int r = outputs_check(&outs, &ins, err);

	for (; !r && got < n; got += !r) {
		r = input_read(&files[got], from[got], err);
		in[got] = (struct linker_input){ files[got].data, files[got].size, from[got] };
	}
	if (!r)
		r = obj_link(&out, in, (u32)n, err);
	if (!r) {
		r = check_old(to, err);
		if (!r)
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

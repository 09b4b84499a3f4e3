/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_cc.c: C files to BPF objects, ready for libbpf as well. */
#include "cli/cli.h"
#include "obj/obj.h"
#include <stdlib.h>
#include <unistd.h>

/* "dir/fw.bpf.c" -> "fw.bpf.o", in the current directory as compilers do. */
static char *object_name(const char *source)
{
	const char *base = strrchr(source, '/');
	char *name = mem_strdup(base ? base + 1 : source);
	size_t n = strlen(name);

	if (n > 2 && !strcmp(name + n - 2, ".c"))
		name[n - 1] = 'o';
	return name;
}

/* With -S or -E the compiler writes something else. */
static int write_object(struct os_out *to, struct os_file *f, const char *source,
			struct skep_err *err)
{
	int r = 0;

	if (!obj_is_elf(f->data, f->size)) {
		r = err_set(err, ERR_CLANG, source, "the compiler wrote no object");
		err_help(err, "skep cc compiles to objects: leave out -E and -S");
	} else {
		fwrite(f->data, 1, f->size, to->f);
		r = os_out_commit(to, err);
		to->f = NULL;
	}
	os_file_close(f);
	return r;
}

/* A failed compilation leaves no object behind, and spoils no older one. */
static int compile_one(const char *source, const char *out, char *const *extra,
		       struct skep_err *err)
{
	char *name = out ? mem_strdup(out) : object_name(source);
	struct os_out to = { 0 };
	enum input_kind kind;
	struct os_file f;
	int r = input_kind(&kind, source, err);

	if (!r && (kind != INPUT_C || !strcmp(name, source)))
		r = err_set(err, ERR_FILE_KIND, source, "a C file whose name ends in .c is needed");
	if (!r)
		r = os_out_open(&to, name, err);
	if (!r) {
		r = input_compile(&f, source, extra, err);
		r = r ? r : write_object(&to, &f, source, err);
		if (r && to.f)
			os_out_abort(&to);
	}
	free(name);
	return r;
}

/* Sources of one name in two folders would give one object. */
static int check_names(const struct str_list *sources, const char *out, struct skep_err *err)
{
	struct str_list outs = { 0 };
	int r;

	for (size_t i = 0; i < sources->n; i++) {
		size_t n = strlen(sources->v[i]);

		if (n > 2 && !strcmp(sources->v[i] + n - 2, ".c"))	/* others are refused */
			*vec_push(&outs) = out ? mem_strdup(out) : object_name(sources->v[i]);
	}
	r = outputs_check(&outs, sources, err);
	for (size_t i = 0; i < outs.n; i++)
		free((void *)(uintptr_t)outs.v[i]);
	vec_free(&outs);
	return r;
}

int cmd_cc(const struct command *cmd, int argc, char **argv)
{
	const char *out = NULL;
	const struct opt opts[] = {{"output", 'o', OPT_STR, "FILE",
				    "name of the object (default: FILE.c -> FILE.o)",
				    &out},
				   CC_OPTS,
				   {0}};
	struct opt_result res;
	struct skep_err err;
	int status = EXIT_YES;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (!res.operands.n)
		status = usage_error("a C file is needed");
	else if (out && res.operands.n > 1)
		status =
			usage_error("-o names one object, and there are %zu C files",
				    res.operands.n);
	for (char **arg = res.rest; !status && arg && *arg; arg++)
		if (!strncmp(*arg, "-o", 2))
			status = usage_error("%s goes before --", *arg);
	if (!status && check_names(&res.operands, out, &err))
		status = report(&err);
	for (size_t i = 0; !status && i < res.operands.n; i++)
		if (compile_one(res.operands.v[i], out, res.rest, &err))
			status = report(&err);
	vec_free(&res.operands);
	return status;
}

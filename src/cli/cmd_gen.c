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

static bool defines(const struct image *img, const char *name)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		if (!strcmp(img->progs[i].name, name))
			return true;
	return image_map_find(img, name) >= 0;
}

/* Does OLD, an object that is to be replaced, hold something of NEW? */
static bool is_older(const struct image *old, const struct image *new)
{
	bool empty = !old->nr_progs && !old->nr_maps;

	for (u32 i = 0; i < old->nr_progs; i++)
		if (defines(new, old->progs[i].name))
			return true;
	for (u32 i = 0; i < old->nr_maps; i++)
		if (old->maps[i].kind == IMAGE_MAP_USER && defines(new, old->maps[i].name))
			return true;
	return empty;
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

/* A compiler's object at TO that shares nothing with NEW: an input, probably. */
static int check_old(const char *to, const struct os_file *new, struct skep_err *err)
{
	struct os_file f;
	struct image *old = NULL, *img = NULL;
	bool other;

	if (os_file_read(&f, to, NULL))
		return 0;
	other = obj_is_elf(f.data, f.size) && !obj_open(&old, f.data, f.size, to, NULL) &&
		is_compiled(old) && !obj_open(&img, new->data, new->size, to, NULL) &&
		!is_older(old, img);
	image_free(old);
	image_free(img);
	os_file_close(&f);
	if (!other)
		return 0;
	err_set(err, ERR_USAGE, to, "the output is a compiler's object that shares no program "
		"or map with the inputs; it would be lost");
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
		r = check_old(to, &out, err);
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_gen.c: `skep gen`: several objects into one, C headers for one, types for some.
 * Runs nothing. */
#include "cli/gen.h"
#include "obj/linker.h"
#include "obj/obj.h"

struct gen_opts {
	struct str_list words;
	const char *library;	/* NULL: libbpf */
	bool light;
};

/* ---- linking -------------------------------------------------------------------- */

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

/* ---- words ---------------------------------------------------------------------- */

static int run_object(const struct str_list *w, struct skep_err *err)
{
	if (w->n < 3)
		return err_set(err, ERR_USAGE, NULL,
			       "an output and at least one object are needed");
	return gen_object(w->v[1], w->v + 2, w->n - 2, err);
}

static int run_min_core(const struct str_list *w, struct skep_err *err)
{
	if (w->n < 4)
		return err_set(err, ERR_USAGE, NULL, "a kernel's types, an output and at least one "
			       "object are needed");
	return gen_min_core(w->v[1], w->v[2], w->v + 3, w->n - 3, err);
}

/* FILE [name NAME] */
static int skeleton_words(const struct str_list *w, struct skel_opts *o, struct skep_err *err)
{
	size_t at = 2;

	if (w->n < 2)
		return err_set(err, ERR_USAGE, NULL, "which object? give its file");
	o->file = w->v[1];
	if (w->n > at && *w->v[at] && !strncmp("name", w->v[at], strlen(w->v[at]))) {
		if (w->n == at + 1)
			return err_set(err, ERR_USAGE, NULL, "name NAME: which one?");
		o->name = w->v[at + 1];
		at += 2;
	}
	if (w->n == at)
		return 0;
	return err_set(err, ERR_USAGE, NULL, "'%s' is one word too many", w->v[at]);
}

static int skeleton_kind(const struct gen_opts *g, struct skel_opts *o, struct skep_err *err)
{
	const bool sub = !strcmp(g->words.v[0], "subskeleton");

	o->kind = sub ? SKEL_SUB : g->light ? SKEL_LIGHT : SKEL_LIBBPF;
	if (g->light && g->library)
		return err_set(err, ERR_USAGE, NULL, "a light skeleton (-L) is for no library");
	if (!g->library || !strcmp(g->library, "libbpf"))
		return 0;
	if (strcmp(g->library, "skep"))
		return err_set(err, ERR_USAGE, NULL, "--for takes libbpf or skep, not '%s'",
			       g->library);
	if (sub)
		return err_set(err, ERR_USAGE, NULL, "parts of an object are for libbpf alone");
	o->kind = SKEL_SKEP;
	return 0;
}

static int run_skeleton(const struct gen_opts *g, struct skep_err *err)
{
	struct skel_opts o = { 0 };
	struct strbuf out = { 0 };
	struct os_file f;
	int r = skeleton_kind(g, &o, err);

	if (!r)
		r = skeleton_words(&g->words, &o, err);
	if (!r)
		r = input_read(&f, o.file, err);
	if (r)
		return r;
	r = gen_skeleton(&out, &o, f.data, f.size, err);
	os_file_close(&f);
	if (!r)
		fwrite(out.s, 1, out.n, stdout);
	sb_free(&out);
	return r;
}

static const char *const commands[] = { "object", "skeleton", "subskeleton", "min_core_btf" };

static const char help[] =
	"Usage: skep gen object OUT OBJ|FILE.c...\n"
	"       skep gen skeleton OBJ|FILE.c [name NAME] [--for libbpf|skep | -L]\n"
	"       skep gen subskeleton OBJ|FILE.c [name NAME]\n"
	"       skep gen min_core_btf BTF OUT OBJ|FILE.c...\n"
	"       skep gen help\n";

static int run(const struct gen_opts *g, struct skep_err *err)
{
	const char *word = g->words.n ? g->words.v[0] : "", *near;

	if (!strcmp(word, "object"))
		return run_object(&g->words, err);
	if (!strcmp(word, "skeleton") || !strcmp(word, "subskeleton"))
		return run_skeleton(g, err);
	if (!strcmp(word, "min_core_btf"))
		return run_min_core(&g->words, err);
	if (!strcmp(word, "help"))
		return fputs(help, stdout) < 0 ? -EIO : 0;
	near = err_nearest(word, commands, ARRAY_LEN(commands));
	err_set(err, ERR_USAGE, NULL, "'%s' is nothing that can be generated; there are object, "
		"skeleton, subskeleton and min_core_btf", word);
	if (near)
		err_help(err, "did you mean 'skep gen %s'?", near);
	return err->code;
}

int cmd_gen(const struct command *cmd, int argc, char **argv)
{
	struct gen_opts g = { 0 };
	const struct opt opts[] = {
		{ "for", 0, OPT_STR, "LIBRARY", "skeleton: for libbpf (default) or skep",
		  &g.library },
		{ "use-loader", 'L', OPT_FLAG, NULL,
		  "skeleton: a light one, which loads without a library", &g.light },
		CC_OPTS,
		{ 0 },
	};
	struct opt_result res;
	struct skep_err err = { 0 };
	int status = EXIT_YES;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	g.words = res.operands;
	if (run(&g, &err))
		status = report(&err);
	vec_free(&res.operands);
	return status;
}

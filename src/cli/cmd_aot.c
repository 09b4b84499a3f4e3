/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_aot.c: `skep aot`: programs of objects, verified and compiled to native code, as an
 * object file and a header for the program that is to run them. Runs nothing. What cannot
 * be compiled leaves no file.
 */
#include "cli/aot_file.h"
#include "cli/cli.h"
#include "obj/linker.h"
#include <ctype.h>
#include <stdlib.h>

struct aot_cmd {
	const char *out, *header, *name, *cpu, *arch;	/* as given, or NULL */
	struct load_opts load;
	struct strbuf to, header_to, symbol;	/* what comes of it */
	u32 bits;		/* of the processor */
	struct os_file file;	/* the object; data NULL: not read yet */
	struct skep_object *obj;
};

/* ---- names --------------------------------------------------------------------------- */

static const char *base_of(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

/* PATH without what follows its last dot. */
static void put_stem(struct strbuf *b, const char *path)
{
	const char *base = base_of(path), *dot = strrchr(base, '.');

	sb_add(b, path, dot && dot != base ? (size_t)(dot - path) : strlen(path));
}

/* The base name of the output as a name of C. */
static void make_symbol(struct aot_cmd *c)
{
	struct strbuf stem = { 0 };

	put_stem(&stem, base_of(sb_text(&c->to)));
	if (isdigit((u8)*sb_text(&stem)))
		sb_putc(&c->symbol, '_');
	for (const char *s = sb_text(&stem); *s; s++)
		sb_putc(&c->symbol, isalnum((u8)*s) ? *s : '_');
	if (!cc_is_name(sb_text(&c->symbol)))	/* int.o */
		sb_putc(&c->symbol, '_');
	sb_free(&stem);
}

/* "dir/fw.o" gives fw_native.o here, fw_native.h beside it and the name fw_native. */
static int make_names(struct aot_cmd *c, const struct str_list *in, struct skep_err *err)
{
	const char *outs[2];
	struct str_list out = { .v = outs, .n = 2 };

	if (c->out)
		sb_puts(&c->to, c->out);
	else
		put_stem(&c->to, strcmp(in->v[0], "-") ? base_of(in->v[0]) : "stdin");
	if (!c->out)
		sb_puts(&c->to, "_native.o");
	if (c->header)
		sb_puts(&c->header_to, c->header);
	else
		put_stem(&c->header_to, sb_text(&c->to));
	if (!c->header)
		sb_puts(&c->header_to, ".h");
	if (c->name)
		sb_puts(&c->symbol, c->name);
	else
		make_symbol(c);
	outs[0] = sb_text(&c->to);
	outs[1] = sb_text(&c->header_to);
	return outputs_check(&out, in, err);
}

/* ---- reading ------------------------------------------------------------------------- */

/* What the objects are as one; debug information is left out. One that cannot be linked,
 * an old one, stays as it is. */
static int link_all(struct aot_cmd *c, struct os_file *f, const struct str_list *in,
		    struct skep_err *err)
{
	struct linker_input *v = mem_alloc(in->n * sizeof(*v));
	int r;

	for (size_t i = 0; i < in->n; i++)
		v[i] = (struct linker_input){ f[i].data, f[i].size, input_name(in->v[i]) };
	r = obj_link(&c->file, v, (u32)in->n, in->n > 1 ? err : NULL);
	if (r && in->n == 1) {
		c->file = f[0];
		f[0] = (struct os_file){ 0 };
		r = 0;
	}
	free(v);
	return r;
}

static int read_all(struct aot_cmd *c, const struct str_list *in, struct skep_err *err)
{
	struct os_file *f = mem_alloc(in->n * sizeof(*f));
	size_t n = 0;
	int r = 0;

	for (; !r && n < in->n; n += !r)
		r = input_read(&f[n], in->v[n], err);
	if (!r)
		r = link_all(c, f, in, err);
	while (n-- > 0)
		if (f[n].data)
			os_file_close(&f[n]);
	free(f);
	return r;
}

static int open_object(struct aot_cmd *c, const struct str_list *in, struct skep_err *err)
{
	int r = read_all(c, in, err);

	if (!r)
		r = load_open(&c->obj, &c->load, c->file.data, c->file.size,
			      input_name(in->v[0]), err);
	return r ? r : load_ready(&c->obj, 1, &c->load, err);
}

/* ---- compiling ----------------------------------------------------------------------- */

/* Those of --prog, or all. */
static int load(struct aot_cmd *c, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .jit = SKEP_JIT_OFF };
	const struct str_list *names = &c->load.progs;
	u32 *v = mem_alloc(names->n * sizeof(*v));
	const struct prog_set only = { v, names->n };
	int r = 0;

	for (size_t i = 0; !r && i < names->n; i++) {
		const struct skep_prog *p = skep_object_prog(c->obj, names->v[i]);

		if (p)
			v[i] = p->index;
		else
			r = no_program(&(struct object_list){ &c->obj, 1, 1 }, names->v[i], err);
	}
	if (!r)
		r = object_load(c->obj, &opts, names->n ? &only : NULL, err);
	free(v);
	return r;
}

/* Those of SEC("?...") are for who asks for them. */
static bool any_loaded(const struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0)
			return true;
	return false;
}

static int write_file(const char *path, const struct strbuf *b, struct os_out *o,
		      struct skep_err *err)
{
	int r = os_out_open(o, path, err);

	if (!r)
		fwrite(b->s, 1, b->n, o->f);
	return r;
}

/* Has all arrived? A full disk is told before a file has its name. */
static bool is_whole(const struct os_out *o)
{
	return !fflush(o->f) && !ferror(o->f);
}

/* Both files, or none. */
static int write_files(const struct aot_cmd *c, const struct strbuf *object,
		       const struct strbuf *header, struct skep_err *err)
{
	struct os_out o, h;
	int r = write_file(sb_text(&c->to), object, &o, err);

	if (r)
		return r;
	r = write_file(sb_text(&c->header_to), header, &h, err);
	if (!r && !is_whole(&o)) {
		os_out_abort(&h);
		return os_out_commit(&o, err);
	}
	if (!r)
		r = os_out_commit(&h, err);
	if (!r)
		return os_out_commit(&o, err);
	os_out_abort(&o);
	return r;
}

static int compile(struct aot_cmd *c, struct skep_err *err)
{
	struct strbuf object = { 0 }, header = { 0 };
	struct aot_out out = { .text = { 0 } };
	const struct aot_opts opts = {
		.processor = c->arch, .cpu = c->bits, .file = base_of(c->obj->img->file),
		.object = c->file.data, .bytes = c->file.size,
	};
	int r = object_aot(c->obj, &opts, &out, err);

	if (!r) {
		aot_elf(&object, &out, sb_text(&c->symbol));
		aot_header(&header, c->obj, sb_text(&c->symbol), base_of(sb_text(&c->to)));
		r = write_files(c, &object, &header, err);
	}
	aot_out_free(&out);
	sb_free(&object);
	sb_free(&header);
	return r;
}

/* ---- the command ----------------------------------------------------------------------- */

/* All that the verifier has against it is told, not only the first reason. */
static int answer(const struct aot_cmd *c, int r, const struct skep_err *err)
{
	if (!r)
		return EXIT_YES;
	if (!c->obj || !c->obj->nr_reasons)
		return report(err);
	write_text(stderr, c->obj->reasons.s, c->obj->reasons.n);
	return EXIT_NO;
}

static int aot(struct aot_cmd *c, const struct str_list *in)
{
	struct skep_err err;
	int r = make_names(c, in, &err);

	if (!r)
		r = open_object(c, in, &err);
	if (!r)
		r = load(c, &err);
	if (!r && !any_loaded(c->obj))
		r = err_set(&err, ERR_PROG_NONE, c->obj->img->file,
			    "there is no program to compile");
	if (!r)
		r = compile(c, &err);
	return answer(c, r, &err);
}

static int choose_cpu(struct aot_cmd *c)
{
	if (!strcmp(c->cpu, "baseline"))
		return EXIT_YES;
	if (strcmp(c->cpu, "native"))
		return usage_error("--cpu takes baseline or native, not '%s'", c->cpu);
	if (strcmp(c->arch, jit_host()))
		return usage_error("--cpu native is for --arch %s, which this machine is",
				   jit_host());
	c->bits = jit_cpu();
	return EXIT_YES;
}

static void close_all(struct aot_cmd *c)
{
	skep_object_close(c->obj);
	if (c->file.data)
		os_file_close(&c->file);
	load_opts_free(&c->load);
	sb_free(&c->to);
	sb_free(&c->header_to);
	sb_free(&c->symbol);
}

int cmd_aot(const struct command *cmd, int argc, char **argv)
{
	struct aot_cmd c = { .cpu = "baseline", .arch = jit_host() };
	const struct opt opts[] = {
		{ "output", 'o', OPT_STR, "FILE", "the object file (default: OBJ -> OBJ_native.o)",
		  &c.out },
		{ "header", 0, OPT_STR, "FILE", "its header (default: FILE.o -> FILE.h)",
		  &c.header },
		{ "name", 0, OPT_STR, "NAME",
		  "what it is called in C (default: as the object file)", &c.name },
		{ "prog", 0, OPT_LIST, "NAME", "only the program NAME (more than once: each)",
		  &c.load.progs },
		{ "arch", 0, OPT_STR, "ARCH", "for processors of that kind (default: this one's)",
		  &c.arch },
		{ "cpu", 0, OPT_STR, "CPU", "baseline: all processors of the kind (default); "
		  "native: those like this one", &c.cpu },
		LOAD_OPTS(&c.load),
		{ 0 }
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	status = choose_cpu(&c);
	if (!status && !res.operands.n)
		status = usage_error("an object or a C file is needed");
	else if (!status && c.out && !strcmp(c.out, "-"))
		status = usage_error("-o takes the name of a file: a header belongs to it");
	else if (!status && c.name && !cc_is_name(c.name))
		status = usage_error("--name takes a name of C, not '%s'", c.name);
	if (!status)
		status = aot(&c, &res.operands);
	close_all(&c);
	vec_free(&res.operands);
	return status;
}

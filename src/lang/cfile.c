/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfile.c: import "x.bpf.c": functions in C that a script calls. Whoever runs the compiler
 * compiles each file (opts->compile_c); its BTF says what may be called, and with what; its
 * object and the script's are linked into one. Functions are hidden (-fvisibility=hidden),
 * so that a verifier looks at them where they are called, with what is known there.
 */
#include "lang/cfile.h"
#include "obj/linker.h"
#include "obj/obj.h"
#include <stdlib.h>

static bool open_one(struct lang *l, const struct script_c *c, struct lang_c *out,
		     struct skep_err *err)
{
	static char hidden[] = "-fvisibility=hidden";
	char *const extra[] = { hidden, NULL };
	struct os_file f;

	out->path = c->path;
	if (!l->opts->compile_c)
		return err_set(err, ERR_NO_CLANG, c->path, "nobody compiles C here"), false;
	if (l->opts->compile_c(&f, c->path, extra, err))
		return false;
	out->bytes = f.size;
	out->data = arena_copy(l->arena, f.data, f.size);
	return !obj_read_btf(&out->btf, &f, c->path, NULL, err);
}

static void say(struct lang *l, const struct script_c *c, const char *what)
{
	diag_error(l->script, c->at, "cannot import %s: %.*s", c->path,
		   (int)strcspn(what, "\n"), what);
}

void cfile_open(struct lang *l)
{
	struct skep_err err;

	for (const struct script_c *c = l->script->c_files; c; c = c->next) {
		struct lang_c *out = arena_new(l->arena, struct lang_c);

		if (open_one(l, c, out, &err))
			*vec_push(&l->c_files) = out;
		else
			say(l, c, strstr(err.text, "error: ") ? strstr(err.text, "error: ") + 7 :
			    err.text);
	}
}

void cfile_close(struct lang *l)
{
	for (size_t i = 0; i < l->c_files.n; i++)
		btf_close_file(&l->c_files.v[i]->btf);
	vec_free(&l->c_files);
}

const struct btf *cfile_function(const struct lang *l, const char *name, u32 *id)
{
	for (size_t i = 0; i < l->c_files.n; i++) {
		const struct btf *btf = l->c_files.v[i]->btf.btf;

		*id = btf_find(btf, name, BTF_KIND_FUNC);
		if (*id && btf_vlen(btf_type(btf, *id)) == BTF_FUNC_GLOBAL)
			return btf;
	}
	return NULL;
}

int cfile_link(struct lang *l, struct strbuf *elf, struct skep_err *err)
{
	struct linker_input *in;
	struct os_file out;
	int r;

	if (!l->c_files.n)
		return 0;
	in = mem_alloc((l->c_files.n + 1) * sizeof(*in));
	in[0] = (struct linker_input){ (const u8 *)elf->s, elf->n, "the script" };
	for (size_t i = 0; i < l->c_files.n; i++)
		in[i + 1] = (struct linker_input){ l->c_files.v[i]->data, l->c_files.v[i]->bytes,
						   l->c_files.v[i]->path };
	r = obj_link(&out, in, (u32)l->c_files.n + 1, err);
	free(in);
	if (r)
		return r;
	sb_reset(elf);
	sb_add(elf, out.data, out.size);
	os_file_close(&out);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot_write.c: native code of a loaded object and all that it needs to be run elsewhere, as
 * bytes: code (aot_out.text) and data (aot.h). Whoever calls puts them into a file.
 */
#include "api/aot.h"
#include "base/hash.h"
#include "isa/isa.h"
#include <elf.h>
#include <stdlib.h>

enum { TEXT_ALIGN = 64 };	/* of each program: a line of the cache */

struct writer {
	struct skep_object *obj;
	const struct aot_opts *opts;
	struct aot_out *out;
	struct aot_table table;
	VEC(struct aot_prog) progs;
};

/* ---- pieces ---------------------------------------------------------------------------- */

static void pad(struct strbuf *b, u64 align, u8 with)
{
	while (b->n % align)
		sb_add(b, &with, 1);
}

/* N elements of SIZE bytes, at the end of the data. */
static struct aot_place put(struct writer *w, const void *v, u64 n, size_t size)
{
	struct strbuf *b = &w->out->data;
	struct aot_place p = { .n = n };

	pad(b, 8, 0);
	p.at = b->n;
	if (n)
		sb_add(b, v, n * size);
	return p;
}

static struct aot_place put_text(struct writer *w, const char *s)
{
	return put(w, s, strlen(s) + 1, 1);
}

/* ---- programs ------------------------------------------------------------------------ */

/* Functions whose addresses the program takes: for its callbacks. */
static struct aot_place put_funcs(struct writer *w, const struct rewrite *rw,
				  const struct jit_code *code)
{
	VEC(struct aot_func) v = { 0 };
	struct aot_place p;
	u32 bytes;
	const u8 *mem = jit_bytes(code, &bytes);

	for (u32 at = 0; at < rw->nr_insns; at += isa_slots(&rw->insns[at])) {
		u32 to = (u32)((s64)at + 1 + rw->insns[at].imm), off;

		if (isa_op(&rw->insns[at]) == OP_LDDW_FUNC && jit_func_start(code, to, &off))
			*vec_push(&v) = (struct aot_func){
				off, (u32)jit_slot(code, (uintptr_t)mem + off) };
	}
	p = put(w, v.v, v.n, sizeof(*v.v));
	vec_free(&v);
	return p;
}

static void add_code(struct writer *w, const struct skep_prog *prog, const struct jit_code *code)
{
	const struct image_prog *p = &w->obj->img->progs[prog->index];
	const struct rewrite *rw = &prog->code;
	struct strbuf *text = &w->out->text;
	struct aot_prog *a = vec_push(&w->progs);
	const u8 *bytes;

	memset(a, 0, sizeof(*a));	/* also between members: the file is the same each time */
	bytes = jit_bytes(code, &a->bytes);
	pad(text, TEXT_ALIGN, w->out->machine == EM_X86_64 ? 0xcc : 0);	/* neither runs */
	a->text = (u32)text->n;
	a->start = jit_start(code);
	sb_add(text, bytes, a->bytes);
	dwarf_add(&w->out->dwarf, &(struct dwarf_prog){ p, rw, code, a->text });
	a->index = prog->index;
	a->type = p->type;
	a->expected_attach = p->expected_attach;
	a->bound = rw->bound;
	a->stack_bytes = rw->stack_bytes;
	a->stale_stack = rw->stale_stack;
	a->stale_reads = rw->stale_reads;
	a->writes_packet = rw->writes_packet;
	a->ends = rw->ends;
	a->name = put_text(w, p->name);
	a->funcs = put_funcs(w, rw, code);
	a->insns = put(w, p->insns, p->nr_insns, sizeof(*p->insns));
	a->code = put(w, rw->insns, rw->nr_insns, sizeof(*rw->insns));
	a->origin = put(w, rw->origin, rw->nr_insns, sizeof(*rw->origin));
}

static int refuse(const struct skep_prog *prog, const char *why, struct skep_err *err)
{
	const struct image *img = prog->obj->img;
	char where[512];

	image_where(where, sizeof(where), img, &img->progs[prog->index], prog->note_insn);
	return err_set(err, ERR_AOT_PROG, where, "program '%s' cannot be compiled: %s",
		       img->progs[prog->index].name, why);
}

static int add_prog(struct writer *w, struct skep_prog *prog, struct skep_err *err)
{
	struct jit_code *code;
	int r;

	if (!prog->fast)
		return refuse(prog, prog->note ? prog->note : "it is not verified", err);
	r = runtime_aot_write(&code, prog->obj->backend, (u32)prog->loaded, &prog->code, &w->table,
			      w->opts->processor, w->opts->cpu, err);
	if (r)
		return r;
	add_code(w, prog, code);
	jit_free(code);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------- */

static struct aot_place put_maps(struct writer *w)
{
	const struct image *img = w->obj->img;
	struct aot_map *v = mem_alloc(img->nr_maps * sizeof(*v));
	struct aot_place p;

	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];
		u64 bytes = m->init_bytes ? m->init_bytes : m->value_size;

		v[i] = (struct aot_map){ put_text(w, m->name), m->type, m->key_size,
					 m->value_size, { 0, 0 } };
		if (m->init)
			v[i].init = put(w, m->init, bytes, 1);
	}
	p = put(w, v, img->nr_maps, sizeof(*v));
	free(v);
	return p;
}

/* An address of a kernel in the instructions is that of one kernel, since it started. */
static int check_externs(const struct image *img, struct skep_err *err)
{
	for (u32 i = 0; i < img->nr_externs; i++)
		if (img->externs[i].kind == IMAGE_KSYM_ADDR && img->externs[i].found)
			return err_set(err, ERR_AOT_PROG, img->file, "the address of '%s' in this "
				       "kernel is a constant of the program",
				       img->externs[i].name);
	return 0;
}

static void put_head(struct writer *w)
{
	struct aot_head h = { .cpu = w->opts->cpu, .nr_progs = w->obj->img->nr_progs };

	h.maps = put_maps(w);
	h.progs = put(w, w->progs.v, w->progs.n, sizeof(*w->progs.v));
	h.refs = put(w, w->table.refs.v, w->table.refs.n, sizeof(*w->table.refs.v));
	h.file = put_text(w, w->opts->file);
	h.object = put(w, w->opts->object, w->opts->bytes, 1);
	pad(&w->out->data, 8, 0);
	memcpy(w->out->data.s, &h, sizeof(h));
}

int object_aot(struct skep_object *obj, const struct aot_opts *opts, struct aot_out *out,
	       struct skep_err *err)
{
	struct writer w = { .obj = obj, .opts = opts, .out = out };
	int r = check_externs(obj->img, err);

	out->machine = strcmp(opts->processor, "x86_64") ? EM_AARCH64 : EM_X86_64;
	out->dwarf.object = true;
	sb_add(&out->data, &(struct aot_head){ .cpu = 0 }, sizeof(struct aot_head));
	for (u32 i = 0; !r && i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0)
			r = add_prog(&w, &obj->progs[i], err);
	if (!r)
		put_head(&w);
	aot_table_free(&w.table);
	vec_free(&w.progs);
	return r;
}

void aot_describe(struct skep_aot *d, const struct aot_out *out)
{
	*d = (struct skep_aot){
		.size = sizeof(*d), .machine = out->machine, .made_by = SKEP_VERSION,
		.abi = runtime_aot_abi(), .hash = aot_hash(out->data.s, out->data.n),
		.text_bytes = out->text.n, .data_bytes = out->data.n,
	};
	memcpy(d->magic, SKEP_AOT_MAGIC, sizeof(d->magic));
}

void aot_out_free(struct aot_out *out)
{
	sb_free(&out->text);
	sb_free(&out->data);
	dwarf_free(&out->dwarf);
}

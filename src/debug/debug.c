/* SPDX-License-Identifier: BSD-2-Clause */
/* debug.c: opening and closing: types, DWARF, verdicts. */
#include "debug/debug.h"
#include "obj/obj.h"
#include "model/target.h"
#include <stdlib.h>

/* That there is none is said in our words, other reasons as they are. */
static void no_dwarf(struct debug *d)
{
	d->locals = NULL;
	if (d->no_locals.id != ERR_DWARF)
		return;
	err_set(&d->no_locals, ERR_DEBUG_NO_LOCALS, d->setup->name,
		"no DWARF, so local variables are not known");
	err_help(&d->no_locals, "compile with -g, and do not strip the object");
}

static void open_locals(struct debug *d)
{
	const struct dbg_setup *s = d->setup;

	if (!s->elf)
		err_set(&d->no_locals, ERR_DEBUG_NO_LOCALS, NULL,
			"No symbol table info available: the programs are of several objects, or "
			"of none");
	else if (locals_open(&d->locals, s->elf, s->elf_bytes, s->name, &d->no_locals))
		no_dwarf(d);
}

int debug_open(struct debug *d, const struct dbg_setup *setup, struct skep_err *err)
{
	const struct btf *parts[2];
	u32 n = setup->obj->img->nr_progs;

	d->setup = setup;
	d->img = setup->obj->img;
	d->next_bp = 1;
	open_locals(d);
	parts[TYPES_IMAGE] = d->img->btf;
	parts[TYPES_DWARF] = d->locals ? d->locals->btf : NULL;
	d->verdicts = arena_news(&d->arena, n, struct verify_result);
	d->judged = arena_news(&d->arena, n, bool);
	return types_open(&d->types, parts, setup->name, err);
}

static void free_bps(struct debug *d)
{
	while (d->bps.n)
		dbg_delete(d, &d->bps.v[d->bps.n - 1]);
	vec_free(&d->bps);
}

void debug_close(struct debug *d)
{
	dbg_end(d);
	free_bps(d);
	for (size_t i = 0; i < d->vars.n; i++)
		free(d->vars.v[i].name);
	for (size_t i = 0; i < d->displays.n; i++)
		free(d->displays.v[i]);
	for (size_t i = 0; i < d->sources.n; i++) {
		for (u32 k = 0; k < d->sources.v[i].n; k++)
			free(d->sources.v[i].lines[k]);
		free(d->sources.v[i].lines);
		free(d->sources.v[i].name);
	}
	vec_free(&d->vars);
	vec_free(&d->displays);
	vec_free(&d->sources);
	vec_free(&d->history);
	sb_free(&d->stop_text);
	free(d->last);
	locals_free(d->locals);
	types_free(d->types);
	target_close(&d->target);
	arena_free(&d->scratch);
	arena_free(&d->arena);
}

/* Programs that use the kernel's types are judged with those. */
static void kernel_types(struct debug *d, const struct image_prog *p, struct verify_opts *o)
{
	struct skep_err err;

	if (!verify_wants_types(d->img, p))
		return;
	d->target.opts.btf = d->setup->obj->btf;
	if (target_btf(&d->target, &o->vmlinux, &err) || !o->vmlinux)
		return;
	btf_index(d->target.btf.btf, &d->target.btf.arena);
	target_modules(&d->target, &o->modules, &o->nr_modules, &err);
}

const struct verify_result *debug_verdict(struct debug *d, u32 index)
{
	const struct image_prog *p = &d->img->progs[index];
	struct verify_opts o = { .caps = VERIFY_CAP_ALL, .flags = VERIFY_FACTS };
	struct skep_err err;

	if (!d->judged[index]) {
		kernel_types(d, p, &o);
		d->judged[index] = true;
		if (verify_prog(&d->verdicts[index], &d->arena, d->img, p, &o, &err))
			d->verdicts[index].verdict = VERDICT_NOT_JUDGED;
	}
	return &d->verdicts[index];
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf.c: an object's types as the kernel takes them. It refuses what compilers
 * write about things that the object expects of it: externs, and the section
 * .ksyms that lists them. Those records, which nothing else refers to, are
 * made to say something harmless of the same size, so that all ids stay.
 */
#include "kernel/sys.h"
#include <stdlib.h>

/* The record of type ID in RAW, which btf_raw made of BTF. */
static struct btf_type *record(const struct btf *btf, u8 *raw, u32 id)
{
	return (struct btf_type *)(raw + sizeof(struct btf_header) +
				   btf_own_off(btf, id - btf->first_id));
}

static u32 first_int(const struct btf *btf)
{
	for (u32 id = 1; id < btf->nr_types; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_INT)
			return id;
	return 0;
}

/* A function of the kernel, whose arguments may lack names, as a typedef. */
static void hide_func(struct btf_type *t)
{
	if (btf_vlen(t) == BTF_FUNC_EXTERN)
		t->info = (u32)BTF_KIND_TYPEDEF << 24;
}

static void hide_var(struct btf_type *t)
{
	struct btf_var *v = (struct btf_var *)(t + 1);

	if (v->linkage == BTF_VAR_GLOBAL_EXTERN)
		v->linkage = BTF_VAR_GLOBAL_ALLOCATED;
}

/* The section SEC of variables and functions as a struct of members of type INT. */
static void hide_section(const struct btf *btf, u8 *raw, struct btf_type *sec, u32 integer)
{
	struct btf_var_secinfo *v = (struct btf_var_secinfo *)(sec + 1);
	u32 n = btf_vlen(sec), bytes = (u32)btf_size(btf, integer);

	sec->name_off = 0;
	sec->info = (u32)BTF_KIND_STRUCT << 24 | n;
	sec->size = n * bytes;
	for (u32 i = 0; i < n; i++) {
		struct btf_type *var = record(btf, raw, v[i].type);
		const struct btf_member m = { .name_off = var->name_off, .type = integer,
			.offset = 8 * i * bytes };

		if (btf_kind(var) == BTF_KIND_VAR)	/* may be of no type */
			var->type = integer;
		memcpy(&v[i], &m, sizeof(m));
	}
}

/* The kernel verifies a global function by itself, for any argument. One that only its
 * object sees (__hidden) is verified where it is called, as a static one. */
static void hidden_are_static(const struct image *img, u8 *raw)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		for (u32 k = 0; k < img->progs[i].nr_funcs; k++) {
			const struct image_func *f = &img->progs[i].funcs[k];
			struct btf_type *t = f->type_id ? record(img->btf, raw, f->type_id) : NULL;

			if (t && !f->global && btf_kind(t) == BTF_KIND_FUNC)
				t->info = (u32)BTF_KIND_FUNC << 24 | BTF_FUNC_STATIC;
		}
}

void *kernel_btf_raw(const struct image *img, u32 *bytes)
{
	const struct btf *btf = img->btf;
	u8 *raw = btf_raw(btf, bytes);
	u32 integer = first_int(btf);

	for (u32 id = 1; integer && id < btf->nr_types; id++) {
		struct btf_type *t = record(btf, raw, id);

		if (btf_kind(t) == BTF_KIND_FUNC)
			hide_func(t);
		else if (btf_kind(t) == BTF_KIND_VAR)
			hide_var(t);
		else if (btf_kind(t) == BTF_KIND_DATASEC &&
			 !strcmp(btf_type_name(btf, id), ".ksyms"))
			hide_section(btf, raw, t, integer);
	}
	hidden_are_static(img, raw);
	return raw;
}

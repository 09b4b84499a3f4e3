/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_core.c: structs of the running kernel copied into the object's BTF, so that an
 * object made here finds the same members in another kernel (CO-RE). What pointers point
 * to is left out.
 */
#include "lang/lower.h"
#include <stdlib.h>

static u32 copy(struct lang *l, u32 id);

static u32 copy_record(struct lang *l, u32 id)
{
	struct btf_build *b = &l->ir.btf;
	const struct btf_type *t = btf_type(l->kernel, id);
	u32 *ids = mem_alloc((btf_vlen(t) + 1) * sizeof(*ids)), made;

	for (u32 i = 0; i < btf_vlen(t); i++)
		ids[i] = copy(l, btf_member(l->kernel, t, i).type_id);
	made = btf_build_record(b, btf_str(l->kernel, t->name_off),
				btf_kind(t) == BTF_KIND_UNION, t->size);
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member_info m = btf_member(l->kernel, t, i);

		btf_build_member(b, m.name, ids[i], m.bit_off, m.bit_size);
	}
	free(ids);
	return made;
}

static u32 made_of(struct lang *l, u32 id)
{
	struct btf_build *b = &l->ir.btf;
	const struct btf_type *t = btf_type(l->kernel, id);
	const struct btf_array *a = (const struct btf_array *)(t + 1);
	u32 of;

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf_build_int(b, btf_str(l->kernel, t->name_off), t->size,
				     BTF_INT_ENCODING(*(const u32 *)(t + 1)));
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return btf_build_enum(b, btf_str(l->kernel, t->name_off), t->size, btf_kflag(t));
	case BTF_KIND_ARRAY:
		of = copy(l, a->type);
		return btf_build_array(b, of, copy(l, a->index_type), a->nelems);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_record(l, id);
	case BTF_KIND_FLOAT:
		return btf_build_float(b, btf_str(l->kernel, t->name_off), t->size);
	default:
		return btf_build_ref(b, BTF_KIND_PTR, "", 0);
	}
}

static u32 copy(struct lang *l, u32 id)
{
	const u32 at = btf_skip_mods(l->kernel, id);
	u32 made;

	if (!at)
		return 0;
	for (size_t i = 0; i < l->core_types.n; i++)
		if (l->core_types.v[i].of == at)
			return l->core_types.v[i].id;
	made = made_of(l, at);
	*vec_push(&l->core_types) = (struct core_type){ at, made };
	return made;
}

u32 low_core_type(struct low *w, const struct ty *t)
{
	if (t->btf != w->l->kernel || !*btf_type_name(t->btf, t->id))
		return 0;
	return copy(w->l, t->id);
}

u32 low_kernel_var(struct lang *l, const char *name)
{
	const u32 var = btf_find(l->kernel, name, BTF_KIND_VAR);
	const u32 id = btf_skip_mods(l->kernel, btf_type(l->kernel, var)->type);
	const struct btf_type *t = btf_type(l->kernel, id);

	if (btf_kind(t) == BTF_KIND_STRUCT || btf_kind(t) == BTF_KIND_UNION)
		return btf_build_record(&l->ir.btf, btf_str(l->kernel, t->name_off),
					btf_kind(t) == BTF_KIND_UNION, t->size);
	return copy(l, id);
}

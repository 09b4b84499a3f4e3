/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_any.c: constants of an object (const volatile) in a verdict: which of
 * them stand for every value (--set VAR=any), and for which values of the others
 * the verdict is.
 */
#include "cli/verify_out.h"
#include "obj/obj.h"
#include <stdio.h>

void verify_any_take(struct str_list *names, struct str_list *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		const char *eq = strchr(set->v[i], '=');

		if (eq && !strcmp(eq, "=any"))
			*vec_push(names) = set->v[i];
		else
			set->v[kept++] = set->v[i];
	}
	set->n = kept;
}

/* ---- variables of a section ------------------------------------------------ */

struct var {
	const char *name;
	u32 map, off, bytes;
	bool settable;		/* const volatile */
	u32 type_id;
};

static bool is_volatile(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	while (t && (btf_kind(t) == BTF_KIND_CONST || btf_kind(t) == BTF_KIND_VOLATILE ||
		     btf_kind(t) == BTF_KIND_TYPEDEF)) {
		if (btf_kind(t) == BTF_KIND_VOLATILE)
			return true;
		t = btf_type(btf, t->type);
	}
	return false;
}

/* Variable I of the section that is read-only map MAP; false: there is none. */
static bool var_at(const struct image *img, u32 map, u32 i, struct var *v)
{
	const struct image_map *m = &img->maps[map];
	const struct btf_type *sec, *var;
	const struct btf_var_secinfo *info;

	if (m->kind != IMAGE_MAP_RODATA || !img->btf || !m->value_type)
		return false;
	sec = btf_type(img->btf, btf_skip_mods(img->btf, m->value_type));
	if (!sec || btf_kind(sec) != BTF_KIND_DATASEC || i >= btf_vlen(sec))
		return false;
	info = (const struct btf_var_secinfo *)(sec + 1) + i;
	var = btf_type(img->btf, info->type);
	if (!var)
		return false;
	*v = (struct var){ btf_str(img->btf, var->name_off), map, info->offset, info->size,
			   is_volatile(img->btf, var->type), var->type };
	return true;
}

static bool is_number(const struct image *img, const struct var *v)
{
	const struct btf_type *t = btf_type(img->btf, btf_skip_mods(img->btf, v->type_id));

	return t && v->bytes <= 8 && (btf_kind(t) == BTF_KIND_INT ||
	       btf_kind(t) == BTF_KIND_ENUM || btf_kind(t) == BTF_KIND_ENUM64);
}

static bool find(const struct image *img, const char *name, size_t n, struct var *v)
{
	for (u32 map = 0; map < img->nr_maps; map++)
		for (u32 i = 0; var_at(img, map, i, v); i++)
			if (strlen(v->name) == n && !memcmp(v->name, name, n))
				return true;
	return false;
}

int verify_any_check(const struct object_list *objs, const struct str_list *names,
		     struct skep_err *err)
{
	struct var v;

	for (size_t i = 0; i < names->n; i++) {
		size_t n = strcspn(names->v[i], "="), k = 0;

		while (k < objs->n && !find(objs->v[k]->img, names->v[i], n, &v))
			k++;
		if (k == objs->n)
			return err_set(err, ERR_GLOBAL, objs->v[0]->img->file,
				       "there is no read-only global variable '%.*s'", (int)n,
				       names->v[i]);
	}
	return 0;
}

int verify_any_find(struct verify_opts *opts, struct arena *arena, const struct image *img,
		    const struct str_list *names, struct skep_err *err)
{
	struct verify_part *parts = arena_news(arena, names->n + 1, struct verify_part);
	struct var v;

	opts->any = parts;
	opts->nr_any = 0;
	for (size_t i = 0; i < names->n; i++) {
		int n = (int)strcspn(names->v[i], "=");

		if (!find(img, names->v[i], (size_t)n, &v))
			continue;
		if (!is_number(img, &v))
			return err_set(err, ERR_GLOBAL, img->file,
				       "'%.*s' is no number: it cannot be any", n, names->v[i]);
		parts[opts->nr_any++] = (struct verify_part){ v.map, v.off, v.bytes };
	}
	return 0;
}

/* ---- what a verdict is for --------------------------------------------------- */

static bool was_read(const struct judged *d, const struct var *v)
{
	for (u32 i = 0; i < d->r.nr_read; i++) {
		const struct verify_part *p = &d->r.read[i];

		if (p->map == v->map && p->off < v->off + v->bytes && p->off + p->bytes > v->off)
			return true;
	}
	return false;
}

static long long value_of(const struct image *img, const struct var *v)
{
	const struct btf_type *t = btf_type(img->btf, btf_skip_mods(img->btf, v->type_id));
	u32 enc = btf_kind(t) == BTF_KIND_INT ? BTF_INT_ENCODING(*(const u32 *)(t + 1)) : 0;
	u64 n = 0;

	if (img->maps[v->map].init)
		memcpy(&n, img->maps[v->map].init + v->off, v->bytes);
	if ((enc & BTF_INT_SIGNED) && v->bytes < 8 && n >> (v->bytes * 8 - 1))
		n |= ~(u64)0 << (v->bytes * 8);
	return (long long)n;
}

void verify_values(struct strbuf *out, const struct judged *d)
{
	struct var v;
	u32 n = 0;
	char name[128] = "";

	for (u32 map = 0; map < d->img->nr_maps; map++) {
		for (u32 i = 0; var_at(d->img, map, i, &v); i++) {
			if (!v.settable || !is_number(d->img, &v) || !was_read(d, &v))
				continue;
			if (!n)
				sb_printf(out, "note: %s was judged for", d->prog->name);
			sb_printf(out, "%s %s = %lld", n ? "," : "", v.name,
				  value_of(d->img, &v));
			snprintf(name, sizeof(name), "%s", n++ ? "VAR" : v.name);
		}
	}
	if (n)
		sb_printf(out, "; --set %s=any judges all values\n", name);
}

int verify_types(struct verify_opts *opts, struct target *target, bool *tried,
		 const struct image *img, const struct image_prog *p, struct skep_err *err)
{
	int rc;

	if (*tried || !verify_wants_types(img, p))
		return 0;
	*tried = true;
	rc = target_btf(target, &opts->vmlinux, err);
	if (rc || !opts->vmlinux)
		return rc;
	btf_index(target->btf.btf, &target->btf.arena);
	return target_modules(target, &opts->modules, &opts->nr_modules, err);
}

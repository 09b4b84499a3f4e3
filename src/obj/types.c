/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.c: the object's .BTF and .BTF.ext. Compilers leave the sizes of
 * sections and the offsets of global variables to relocations, so they are
 * filled in here from the symbols. Never fails for an object without BTF.
 */
#include "obj/open.h"

static bool is_extern_sec(const char *name)
{
	return !strcmp(name, ".ksyms") || !strcmp(name, ".kconfig");
}

/* Offset of variable ID: static ones are right, others are at their symbol. */
static u32 var_offset(const struct obj *o, u32 id, u32 sec, u32 given)
{
	const struct btf *btf = o->img->btf;
	const struct btf_var *var = (const void *)(btf_type(btf, id) + 1);
	u32 sym;

	if (btf_kind(btf_type(btf, id)) != BTF_KIND_VAR ||
	    var->linkage == BTF_VAR_STATIC ||
	    !strtab_get(&o->globals, btf_type_name(btf, id), &sym) ||
	    o->syms[sym].sec != sec)
		return given;
	return (u32)min_u64(o->syms[sym].value, UINT32_MAX);
}

static int fill_datasec(struct obj *o, u32 id, u32 sec)
{
	const struct btf_type *t = btf_type(o->img->btf, id);
	const struct btf_var_secinfo *v = (const void *)(t + 1);
	u32 *offs = arena_news(&o->tmp, btf_vlen(t), u32);

	for (u32 i = 0; i < btf_vlen(t); i++)
		offs[i] = var_offset(o, v[i].type, sec, v[i].offset);
	return btf_datasec_set(o->img->btf, id, (u32)o->secs[sec].size, offs,
			       elf_in(o, &o->secs[sec]), o->err);
}

static void note_externs(struct obj *o, u32 id)
{
	const struct btf_type *t = btf_type(o->img->btf, id);
	const struct btf_var_secinfo *v = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t); i++)
		strtab_put(&o->externs,
			   btf_type_name(o->img->btf, v[i].type), id);
}

static bool has_datasec(const struct obj_sec *s)
{
	return sec_is_data(s) || s->kind == SEC_MAPS || s->kind == SEC_STRUCT_OPS ||
	       s->kind == SEC_ARENA || s->kind == SEC_LICENSE;
}

static int fill_datasecs(struct obj *o)
{
	const struct btf *btf = o->img->btf;
	bool *filled = arena_news(&o->tmp, btf->nr_types, bool);
	int ret = 0;
	u32 id;

	for (id = 1; id < btf->nr_types; id++) {
		if (btf_kind(btf_type(btf, id)) != BTF_KIND_DATASEC)
			continue;
		strtab_put(&o->datasecs, btf_type_name(btf, id), id);
		if (is_extern_sec(btf_type_name(btf, id)))
			note_externs(o, id);
	}
	for (u32 i = 1; i < o->nr_secs && !ret; i++) {
		if (!has_datasec(&o->secs[i]) ||
		    !strtab_get(&o->datasecs, o->secs[i].name, &id))
			continue;
		if (filled[id])
			return err_set(o->err, ERR_ELF_SECTION, elf_in(o, &o->secs[i]),
				       "section %u is the second of this name", i);
		filled[id] = true;
		ret = fill_datasec(o, id, i);
	}
	return ret;
}

/* Hands each section of code its records. */
static void pair_ext(struct obj *o)
{
	struct strtab names = { .arena = &o->tmp };
	u32 k;

	for (u32 i = 0; i < o->ext->nr_secs; i++)
		strtab_put(&names, o->ext->secs[i].name, i);
	for (u32 i = 1; i < o->nr_secs; i++)
		if (o->secs[i].kind == SEC_CODE &&
		    strtab_get(&names, o->secs[i].name, &k))
			o->secs[i].ext = &o->ext->secs[k];
}

static int read_ext(struct obj *o)
{
	const struct obj_sec *s;
	u32 i;
	int ret = elf_only(o, SEC_BTF_EXT, &i);

	if (ret || !i)
		return ret;
	s = &o->secs[i];
	ret = btf_ext_parse(&o->ext, &o->tmp, o->img->btf, s->data, s->size,
			    elf_in(o, s), o->err);
	if (!ret)
		pair_ext(o);
	return ret;
}

int types_read(struct obj *o)
{
	const struct obj_sec *s;
	u32 i;
	int ret = elf_only(o, SEC_BTF, &i);

	if (ret || !i)
		return ret;
	s = &o->secs[i];
	ret = btf_parse(&o->img->btf, &o->img->arena, s->data, s->size,
			elf_in(o, s), o->err);
	if (!ret)
		ret = fill_datasecs(o);
	return ret ? ret : read_ext(o);
}

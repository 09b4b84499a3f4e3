/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.c: struct_ops: a variable in .struct_ops* is a kernel struct of function
 * pointers. It becomes a map of one element; relocations say which programs its
 * members are. Never judges whether the kernel has such a struct.
 */
#include "model/uapi.h"
#include "obj/open.h"
#include <stdlib.h>

static int var_order(const void *a, const void *b)
{
	const struct btf_var_secinfo *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int read_var(struct obj *o, u32 sec, const struct btf_var_secinfo *v)
{
	const struct btf *btf = o->img->btf;
	const struct obj_sec *s = &o->secs[sec];
	u32 type = btf_skip_mods(btf, btf_type(btf, v->type)->type);
	struct image_map *map;

	if (btf_kind(btf_type(btf, type)) != BTF_KIND_STRUCT ||
	    !in_bounds(v->offset, btf_bytes(btf, type), s->size))
		return err_set(o->err, ERR_MAP_DEF, elf_at(o, s, v->offset),
			       "'%s' is no struct inside the section's %llu bytes",
			       btf_type_name(btf, v->type), (unsigned long long)s->size);
	map = maps_add(o, sec, v->offset, v->offset + (u32)btf_bytes(btf, type),
		       btf_type_name(btf, v->type));
	map->type = BPF_MAP_TYPE_STRUCT_OPS;
	map->key_size = sizeof(u32);
	map->value_size = (u32)btf_bytes(btf, type);
	map->value_type = type;
	map->max_entries = 1;
	map->map_flags = strstr(s->name, ".link") ? UAPI_F_LINK : 0;
	if (s->data)
		map->init = arena_copy(&o->img->arena, s->data + v->offset, map->value_size);
	return 0;
}

int ops_read(struct obj *o, u32 sec, const struct btf_type *datasec)
{
	u32 n = btf_vlen(datasec);
	struct btf_var_secinfo *v = arena_copy(&o->tmp, datasec + 1, n * sizeof(*v));
	int ret = 0;

	qsort(v, n, sizeof(*v), var_order);
	for (u32 i = 0; i < n && !ret; i++)
		ret = read_var(o, sec, &v[i]);
	return ret;
}

/* The member of struct TYPE at byte OFF; its name is "" when there is none. */
static struct btf_member_info member_at(const struct btf *btf, u32 type, u32 off)
{
	const struct btf_type *t = btf_type(btf, type);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		if (m.bit_off == (u64)off * 8)
			return m;
	}
	return (struct btf_member_info){ .name = "" };
}

static bool is_function(const struct btf *btf, u32 type)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, type));

	return btf_kind(t) == BTF_KIND_PTR &&
	       btf_kind(btf_type(btf, btf_skip_mods(btf, t->type))) == BTF_KIND_FUNC_PROTO;
}

/* What is no program at OFF of MAP: of data it is an address that means nothing here. */
static int other_value(struct obj *o, const struct obj_sec *s, const struct obj_reloc *r,
		       const struct image_map *map, const struct btf_member_info *m)
{
	const u32 to = o->syms[r->sym].sec;

	if (!is_function(o->img->btf, m->type_id) &&
	    (to >= o->nr_secs || o->secs[to].kind != SEC_CODE))
		return 0;
	return err_set(o->err, ERR_ELF_RELOC, elf_at(o, s, r->off),
		       "'%s' is stored in member '%s' of '%s' and is no program",
		       o->syms[r->sym].name, m->name, map->name);
}

static int read_op(struct obj *o, u32 sec, const struct obj_reloc *r)
{
	const struct obj_sec *s = &o->secs[sec];
	int i = maps_before(o, sec, r->off);
	struct btf_member_info m;
	struct image_map *map;
	u32 to;
	u64 off;
	int f = -1;

	if (i < 0 || r->off >= o->places[i].end)
		return err_set(o->err, ERR_ELF_RELOC, elf_at(o, s, r->off),
			       "relocation to '%s' lies in no struct",
			       o->syms[r->sym].name);
	if (o->syms[r->sym].sec == SYM_UNDEF)
		return reloc_undefined(o, &o->syms[r->sym], elf_at(o, s, r->off));
	map = &o->img->maps[i];
	if (maps_target(o, s, r, &to, &off))
		f = funcs_at(o, to, off);
	off = r->off - o->places[i].off;
	m = member_at(o->img->btf, map->value_type, (u32)off);
	if (f < 0 || o->funcs[f].prog < 0)
		return other_value(o, s, r, map, &m);
	map->ops[map->nr_ops++] = (struct image_op){
		.member = m.name, .off = (u32)off, .prog = (u32)o->funcs[f].prog,
	};
	return 0;
}

int ops_values(struct obj *o, u32 sec)
{
	struct obj_reloc *r;
	u32 n;
	int ret = elf_relocs(o, &o->secs[sec], &r, &n);

	if (ret)
		return ret;
	for (u32 i = 0; i < o->nr_user_maps; i++) {
		struct image_map *m = &o->img->maps[i];

		/* pointers do not overlap */
		if (o->places[i].sec == sec)
			m->ops = arena_news(&o->img->arena, m->value_size / 8 + 1,
					    struct image_op);
	}
	for (u32 i = 0; i < n && !ret; i++)
		ret = read_op(o, sec, &r[i]);
	return ret;
}

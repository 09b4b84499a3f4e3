/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps.c: map definitions. A variable in .maps is a struct whose members spell
 * the definition in their types: a number is the length of an array pointed
 * to, a type is what is pointed to. So maps come from BTF; the section's bytes
 * only hold relocations (`values`). Never judges whether the kernel would take
 * a map; that is the map layer's work.
 */
#include "obj/open.h"
#include <stdlib.h>

enum member_kind { MEMBER_U32, MEMBER_U64, MEMBER_KEY, MEMBER_VALUE, MEMBER_VALUES };

static const struct member_row {
	const char *name;
	enum member_kind kind;
	size_t at;	/* of the number in struct image_map */
} members[] = {
#define MEMBER(field, kind) { #field, kind, offsetof(struct image_map, field) }
	MEMBER(type, MEMBER_U32),
	MEMBER(max_entries, MEMBER_U32),
	MEMBER(map_flags, MEMBER_U32),
	MEMBER(key_size, MEMBER_U32),
	MEMBER(value_size, MEMBER_U32),
	MEMBER(pinning, MEMBER_U32),
	MEMBER(numa_node, MEMBER_U32),
	MEMBER(map_extra, MEMBER_U64),
#undef MEMBER
	{ "key", MEMBER_KEY, 0 },
	{ "value", MEMBER_VALUE, 0 },
	{ "values", MEMBER_VALUES, 0 },
};

/* A variable of .maps, in order of place. */
struct map_var { u32 off, type, index; const char *name; };

struct def {
	struct obj *o;
	const struct btf *btf;
	struct image_map *map;
	struct map_place *place;	/* NULL: an inner map */
	const char *where;
};

#define def_err(d, fmt, ...) \
	err_set((d)->o->err, ERR_MAP_DEF, (d)->where, "map '%s' " fmt, \
		(d)->map->name, ##__VA_ARGS__)

/* ---- one member -------------------------------------------------------- */

/* What a pointer of type ID points to, modifiers kept; false: no pointer. */
static bool pointee(const struct btf *btf, u32 id, u32 *to)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));

	*to = t->type;
	return btf_kind(t) == BTF_KIND_PTR;
}

/* The number that __uint or __ulong put into type ID. */
static bool number(const struct btf *btf, u32 id, u64 *v)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));
	u32 to;

	if (btf_kind(t) == BTF_KIND_ENUM && btf_vlen(t) == 1) {
		*v = (u32)((const struct btf_enum *)(t + 1))->val;
		return true;
	}
	if (btf_kind(t) == BTF_KIND_ENUM64 && btf_vlen(t) == 1) {
		const struct btf_enum64 *e = (const void *)(t + 1);

		*v = (u64)e->val_hi32 << 32 | e->val_lo32;
		return true;
	}
	if (!pointee(btf, id, &to))
		return false;
	t = btf_type(btf, btf_skip_mods(btf, to));
	if (btf_kind(t) != BTF_KIND_ARRAY)
		return false;
	*v = ((const struct btf_array *)(t + 1))->nelems;
	return true;
}

static int def_number(struct def *d, const struct member_row *row, u32 type)
{
	u8 *at = (u8 *)d->map + row->at;
	u64 v;
	u32 old, small;

	if (!number(d->btf, type, &v))
		return def_err(d, "has '%s' that was not made with __uint", row->name);
	if (row->kind == MEMBER_U64) {
		memcpy(at, &v, sizeof(v));
		return 0;
	}
	if (v > UINT32_MAX)
		return def_err(d, "has '%s' of %llu; 32 bits are expected",
			       row->name, (unsigned long long)v);
	small = (u32)v;
	memcpy(&old, at, sizeof(old));
	if (old && old != small)
		return def_err(d, "has '%s' of %u where its type has %u bytes",
			       row->name, small, old);
	memcpy(at, &small, sizeof(small));
	return 0;
}

static int def_type(struct def *d, const struct member_row *row, u32 type,
		    u32 *id, u32 *bytes)
{
	s64 size;

	if (!pointee(d->btf, type, id))
		return def_err(d, "has '%s' that was not made with __type", row->name);
	size = btf_size(d->btf, *id);
	if (size < 0 || size > UINT32_MAX)
		return def_err(d, "has '%s' of a type without size", row->name);
	if (*bytes && *bytes != size)
		return def_err(d, "has '%s_size' of %u where its type has %lld bytes",
			       row->name, *bytes, (long long)size);
	*bytes = (u32)size;
	return 0;
}

static int def_struct(struct def *d, u32 type, u32 off);

/* What the maps inside D's map are like. */
static int def_inner(struct def *d, u32 type)
{
	struct arena *a = &d->o->img->arena;
	struct image_map *inner = arena_new(a, struct image_map);
	struct def in = *d;

	if (!d->place)
		return def_err(d, "has inner maps that have inner maps; one level is possible");
	inner->name = arena_printf(a, "%s.inner", d->map->name);
	d->map->inner = in.map = inner;
	in.place = NULL;
	return def_struct(&in, type, 0);
}

/* Pointers to functions: programs. Anything else defines inner maps. */
static int def_values(struct def *d, const struct btf_member_info *m, u32 off)
{
	const struct btf *btf = d->btf;
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, m->type_id));
	int ret = 0;
	u32 to = 0;

	if (btf_kind(t) != BTF_KIND_ARRAY ||
	    !pointee(btf, ((const struct btf_array *)(t + 1))->type, &to))
		return def_err(d, "has 'values' that was not made with __array");
	to = btf_skip_mods(btf, to);
	if (btf_kind(btf_type(btf, to)) != BTF_KIND_FUNC_PROTO)
		ret = def_inner(d, to);
	if (!ret && d->map->value_size && d->map->value_size != sizeof(u32))
		return def_err(d, "has maps or programs as values and a value_size of %u; "
			       "4 is expected", d->map->value_size);
	d->map->value_size = sizeof(u32);
	if (d->place)
		d->place->begin = off + m->bit_off / 8;
	return ret;
}

static int def_unknown(struct def *d, const char *name)
{
	const char *names[ARRAY_LEN(members)];
	const char *near;
	int ret = def_err(d, "has an unknown member '%s'", name);

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		names[i] = members[i].name;
	near = err_nearest(name, names, ARRAY_LEN(names));
	if (near)
		err_help(d->o->err, "did you mean '%s'?", near);
	return ret;
}

static int def_member(struct def *d, const struct btf_member_info *m, u32 off)
{
	struct image_map *map = d->map;
	int ret;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct member_row *row = &members[i];

		if (strcmp(row->name, m->name))
			continue;
		switch (row->kind) {
		case MEMBER_KEY:
			return def_type(d, row, m->type_id, &map->key_type, &map->key_size);
		case MEMBER_VALUE:
			if (map->value_type)	/* there is one for all that is known of it */
				return def_err(d, "has two members 'value'");
			ret = def_type(d, row, m->type_id, &map->value_type, &map->value_size);
			if (!ret && !fields_find(d->btf, map))
				ret = def_err(d, "has more than %d __kptr pointers in its value",
					      MAP_KPTRS_MAX);
			return ret;
		case MEMBER_VALUES:
			return def_values(d, m, off);
		default:
			return def_number(d, row, m->type_id);
		}
	}
	return def_unknown(d, m->name);
}

/* ---- one map --------------------------------------------------------------- */

/* What libbpf chooses where the definition leaves it to the loader. */
static void fill_defaults(struct image_map *map)
{
	enum { PAGE_BYTES = 4096 };
	u64 n = PAGE_BYTES;

	map->entries_by_cpu = map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && !map->max_entries;
	if (map->entries_by_cpu)
		map->max_entries = (u32)os_cpu_count();
	if ((map->type != BPF_MAP_TYPE_RINGBUF && map->type != BPF_MAP_TYPE_USER_RINGBUF) ||
	    !map->max_entries)
		return;
	while (n < map->max_entries)
		n *= 2;
	if (n <= UINT32_MAX)
		map->max_entries = (u32)n;
}

static bool holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static int def_check(struct def *d)
{
	struct image_map *map = d->map;
	bool values = d->place && d->place->begin;

	if (!map->type)
		return def_err(d, "has no type");
	if (map->pinning > 1)
		return def_err(d, "has pinning %u; 0 and 1 (by name) are known",
			       map->pinning);
	if (map->inner && !holds_maps(map->type))
		return def_err(d, "has maps as values and is no map of maps");
	if (values && !map->inner && map->type != BPF_MAP_TYPE_PROG_ARRAY)
		return def_err(d, "has programs as values and is no prog array");
	if (holds_maps(map->type) && !map->value_size)
		map->value_size = sizeof(u32);
	fill_defaults(map);
	return 0;
}

/* OFF: of the definition in its section. */
static int def_struct(struct def *d, u32 type, u32 off)
{
	const struct btf_type *t = btf_type(d->btf, btf_skip_mods(d->btf, type));
	int ret = 0;

	if (btf_kind(t) != BTF_KIND_STRUCT)
		return def_err(d, "is no struct");
	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		struct btf_member_info m = btf_member(d->btf, t, i);

		ret = def_member(d, &m, off);
	}
	return ret ? ret : def_check(d);
}

struct image_map *maps_add(struct obj *o, u32 sec, u32 off, u32 end, const char *name)
{
	struct image_map *map = &o->img->maps[o->nr_user_maps];

	o->places[o->nr_user_maps++] = (struct map_place){ .sec = sec, .off = off, .end = end };
	o->img->nr_maps = o->nr_user_maps;
	map->name = arena_strdup(&o->img->arena, name);
	return map;
}

/* ---- all of .maps ------------------------------------------------------------- */

static int var_order(const void *a, const void *b)
{
	const struct map_var *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static struct map_var *sorted_vars(struct obj *o, const struct btf_type *sec)
{
	const struct btf *btf = o->img->btf;
	const struct btf_var_secinfo *info = (const void *)(sec + 1);
	u32 n = btf_vlen(sec);
	struct map_var *v = arena_news(&o->tmp, n, struct map_var);

	for (u32 i = 0; i < n; i++)
		v[i] = (struct map_var){
			.off = info[i].offset, .index = i,
			.type = btf_type(btf, info[i].type)->type,
			.name = btf_type_name(btf, info[i].type),
		};
	qsort(v, n, sizeof(*v), var_order);
	return v;
}

static int read_user_maps(struct obj *o, u32 sec, const struct btf_type *datasec)
{
	u32 n = btf_vlen(datasec), end = (u32)o->secs[sec].size;
	struct map_var *v = sorted_vars(o, datasec);
	int ret = 0;

	for (u32 i = 0; i < n && !ret; i++) {
		struct def d = {
			.o = o, .btf = o->img->btf, .place = &o->places[o->nr_user_maps],
			.where = elf_at(o, &o->secs[sec], v[i].off),
		};

		if (i && v[i].off == v[i - 1].off)
			return err_set(o->err, ERR_MAP_DEF, d.where,
				       "maps '%s' and '%s' lie at one place",
				       v[i - 1].name, v[i].name);
		d.map = maps_add(o, sec, v[i].off, i + 1 < n ? v[i + 1].off : end, v[i].name);
		ret = def_struct(&d, v[i].type, v[i].off);
	}
	return ret;
}

/* The types of the variables in section SEC, NULL when it has no maps. */
static int maps_types(struct obj *o, u32 sec, const struct btf_type **out)
{
	const struct obj_sec *s = &o->secs[sec];
	u32 id;

	*out = NULL;
	if (s->kind != SEC_MAPS && s->kind != SEC_STRUCT_OPS)
		return 0;
	if (!o->img->btf || !strtab_get(&o->datasecs, s->name, &id))
		return err_set(o->err, ERR_MAP_DEF, elf_in(o, s),
			       "maps without type information (BTF); compile with -g");
	*out = btf_type(o->img->btf, id);
	return 0;
}

static int count_maps(struct obj *o, u32 *n)
{
	int ret = 0;

	*n = 0;
	for (u32 i = 1; i < o->nr_secs && !ret; i++) {
		const struct btf_type *t;

		ret = maps_types(o, i, &t);
		if (!ret)
			*n += (t ? btf_vlen(t) : 0) + sec_is_data(&o->secs[i]) +
			      legacy_count(o, i);
	}
	return ret;
}

int maps_read(struct obj *o)
{
	const struct btf_type *t;
	u32 n;
	int ret = count_maps(o, &n);

	if (ret)
		return ret;
	o->img->maps = arena_news(&o->img->arena, n, struct image_map);
	o->places = arena_news(&o->tmp, n, struct map_place);
	for (u32 i = 1; i < o->nr_secs && !ret; i++) {
		ret = maps_types(o, i, &t);
		if (!ret && t)
			ret = o->secs[i].kind == SEC_MAPS ? read_user_maps(o, i, t) :
							    ops_read(o, i, t);
		if (!ret && o->secs[i].kind == SEC_OLD_MAPS)
			ret = legacy_read(o, i);
	}
	return ret ? ret : data_read(o, o->img->maps, &o->img->nr_maps);
}

int maps_before(const struct obj *o, u32 sec, u64 off)
{
	u32 lo = 0, hi = o->nr_user_maps;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct map_place *p = &o->places[mid];

		if (p->sec < sec || (p->sec == sec && p->off <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && o->places[lo - 1].sec == sec ? (int)lo - 1 : -1;
}

int maps_at(const struct obj *o, u32 sec, u64 off)
{
	int i = maps_before(o, sec, off);

	return i >= 0 && o->places[i].off == off ? i : -1;
}

/* ---- values ---------------------------------------------------------------- */

/* The map and slot that relocation R of section SEC initialises. */
static int find_slot(struct obj *o, u32 sec, const struct obj_reloc *r, u32 *map, u32 *slot)
{
	int i = maps_before(o, sec, r->off);
	const struct map_place *p = i < 0 ? NULL : &o->places[i];

	if (!p || !p->begin || r->off < p->begin || r->off >= p->end ||
	    (r->off - p->begin) % 8)
		return err_set(o->err, ERR_ELF_RELOC, elf_at(o, &o->secs[sec], r->off),
			       "relocation to '%s' lies in no values of a map",
			       o->syms[r->sym].name);
	*map = (u32)i;
	*slot = (u32)(r->off - p->begin) / 8;
	return 0;
}

bool maps_target(const struct obj *o, const struct obj_sec *s, const struct obj_reloc *r,
		 u32 *sec, u64 *off)
{
	const struct obj_sym *y = &o->syms[r->sym];
	u64 addend = (u64)r->addend;

	if (y->sec == SYM_UNDEF || y->sec == SYM_NOWHERE)
		return false;
	if (!r->has_addend)
		memcpy(&addend, s->data + r->off, sizeof(addend));
	*sec = y->sec;
	*off = y->value + addend;
	return true;
}

/* The program or map whose address R stores in MAP. */
static int find_value(struct obj *o, const struct obj_sec *s, const struct obj_reloc *r,
		      const struct image_map *map, s32 *value)
{
	const struct obj_sym *y = &o->syms[r->sym];
	u64 off = 0;
	u32 sec = 0;
	int f;

	if (y->sec == SYM_UNDEF)
		return reloc_undefined(o, y, elf_at(o, s, r->off));
	*value = -1;
	if (maps_target(o, s, r, &sec, &off) && map->inner) {
		*value = maps_at(o, sec, off);
	} else if (sec) {
		f = funcs_at(o, sec, off);
		*value = f < 0 ? -1 : o->funcs[f].prog;
	}
	if (*value < 0)
		return err_set(o->err, ERR_ELF_RELOC, elf_at(o, s, r->off),
			       "'%s' is stored in map '%s' and is no %s", y->name,
			       map->name, map->inner ? "map" : "program");
	if (map->inner && o->img->maps[*value].inner)
		return err_set(o->err, ERR_MAP_DEF, elf_at(o, s, r->off),
			       "map '%s' is to hold '%s', which is a map of maps itself",
			       map->name, y->name);
	return 0;
}

static int section_values(struct obj *o, u32 sec)
{
	struct obj_reloc *r;
	u32 n, map, slot;
	int ret = elf_relocs(o, &o->secs[sec], &r, &n);

	for (u32 i = 0; i < n && !ret; i++) {
		ret = find_slot(o, sec, &r[i], &map, &slot);
		if (!ret)
			o->img->maps[map].nr_slots = (u32)
				max_u64(o->img->maps[map].nr_slots, slot + 1ull);
	}
	for (u32 i = 0; i < o->nr_user_maps && !ret; i++) {
		struct image_map *m = &o->img->maps[i];

		if (o->places[i].sec != sec || !m->nr_slots)
			continue;
		m->slots = arena_news(&o->img->arena, m->nr_slots, s32);
		memset(m->slots, 0xff, m->nr_slots * sizeof(*m->slots));
	}
	for (u32 i = 0; i < n && !ret; i++) {
		struct image_map *m;

		ret = find_slot(o, sec, &r[i], &map, &slot);
		m = &o->img->maps[map];
		if (!ret)
			ret = find_value(o, &o->secs[sec], &r[i], m, &m->slots[slot]);
	}
	return ret;
}

int maps_values(struct obj *o)
{
	int ret = 0;

	for (u32 i = 1; i < o->nr_secs && !ret; i++) {
		if (o->secs[i].kind == SEC_MAPS)
			ret = section_values(o, i);
		else if (o->secs[i].kind == SEC_STRUCT_OPS)
			ret = ops_values(o, i);
	}
	return ret;
}

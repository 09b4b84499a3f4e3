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
	u32 index;
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

/* 1 + the offset of the value's struct NAME, 0 when it has none. The kernel too
 * looks only at the value's own members. */
static u32 field_at(const struct btf *btf, u32 value, const char *name)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, value));

	for (u32 i = 0; btf_kind(t) == BTF_KIND_STRUCT && i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		u32 id = btf_skip_mods(btf, m.type_id);

		if (btf_kind(btf_type(btf, id)) == BTF_KIND_STRUCT && m.bit_off % 32 == 0 &&
		    !strcmp(btf_type_name(btf, id), name))
			return 1 + m.bit_off / 8;
	}
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

/* Pointers to functions: programs. Anything else defines inner maps. */
static int def_values(struct def *d, const struct btf_member_info *m, u32 off)
{
	const struct btf *btf = d->btf;
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, m->type_id));
	u32 to = 0;

	if (btf_kind(t) != BTF_KIND_ARRAY ||
	    !pointee(btf, ((const struct btf_array *)(t + 1))->type, &to))
		return def_err(d, "has 'values' that was not made with __array");
	to = btf_skip_mods(btf, to);
	if (btf_kind(btf_type(btf, to)) != BTF_KIND_FUNC_PROTO)
		return err_set(d->o->err, ERR_UNSUPPORTED, d->where,
			       "map '%s' defines inner maps (values)", d->map->name);
	if (d->map->value_size && d->map->value_size != sizeof(u32))
		return def_err(d, "has program values and a value_size of %u; 4 is expected",
			       d->map->value_size);
	d->map->value_size = sizeof(u32);
	d->o->map_slots[d->index].begin = off + m->bit_off / 8;
	return 0;
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
			ret = def_type(d, row, m->type_id, &map->value_type, &map->value_size);
			if (!ret) {
				map->lock_at = field_at(d->btf, map->value_type, "bpf_spin_lock");
				map->timer_at = field_at(d->btf, map->value_type, "bpf_timer");
			}
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

	if (map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && !map->max_entries)
		map->max_entries = (u32)os_cpu_count();
	if (map->type != BPF_MAP_TYPE_RINGBUF || !map->max_entries)
		return;
	while (n < map->max_entries)
		n *= 2;
	if (n <= UINT32_MAX)
		map->max_entries = (u32)n;
}

static int read_map(struct obj *o, const struct map_var *v, u32 index)
{
	const struct btf *btf = o->img->btf;
	struct image_map *map = &o->img->maps[index];
	struct def d = {
		.o = o, .btf = btf, .map = map, .index = index,
		.where = elf_at(o, &o->secs[o->maps_sec], v->off),
	};
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, v->type));
	int ret = 0;

	map->name = v->name;
	if (btf_kind(t) != BTF_KIND_STRUCT)
		return def_err(&d, "is no struct");
	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		ret = def_member(&d, &m, v->off);
	}
	if (ret)
		return ret;
	if (!map->type)
		return def_err(&d, "has no type");
	if (map->pinning > 1)
		return def_err(&d, "has pinning %u; 0 and 1 (by name) are known",
			       map->pinning);
	if (o->map_slots[index].begin && map->type != BPF_MAP_TYPE_PROG_ARRAY)
		return def_err(&d, "has programs as values and is no prog array");
	fill_defaults(map);
	return 0;
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

static int read_user_maps(struct obj *o, const struct btf_type *sec)
{
	u32 n = sec ? btf_vlen(sec) : 0;
	struct map_var *v = sec ? sorted_vars(o, sec) : NULL;
	int ret = 0;

	o->map_offs = arena_news(&o->tmp, n, u32);
	o->map_slots = arena_news(&o->tmp, n, struct map_slots);
	for (u32 i = 0; i < n && !ret; i++) {
		o->map_offs[i] = v[i].off;
		o->map_slots[i].end = i + 1 < n ? v[i + 1].off :
			(u32)o->secs[o->maps_sec].size;
		if (i && v[i].off == v[i - 1].off)
			return err_set(o->err, ERR_MAP_DEF,
				       elf_at(o, &o->secs[o->maps_sec], v[i].off),
				       "maps '%s' and '%s' lie at one place",
				       v[i - 1].name, v[i].name);
		ret = read_map(o, &v[i], i);
	}
	o->nr_user_maps = n;
	return ret;
}

/* The BTF of section .maps; *SEC NULL when the object has no maps. */
static int maps_types(struct obj *o, const struct btf_type **sec)
{
	const struct obj_sec *s;
	u32 old, id;
	int ret = elf_only(o, SEC_OLD_MAPS, &old);

	*sec = NULL;
	if (!ret && old)
		return err_set(o->err, ERR_UNSUPPORTED, elf_in(o, &o->secs[old]),
			       "maps of struct bpf_map_def in section 'maps'");
	if (!ret)
		ret = elf_only(o, SEC_MAPS, &o->maps_sec);
	if (ret || !o->maps_sec)
		return ret;
	s = &o->secs[o->maps_sec];
	if (!o->img->btf || !strtab_get(&o->datasecs, ".maps", &id))
		return err_set(o->err, ERR_MAP_DEF, elf_in(o, s),
			       "maps without type information (BTF); compile with -g");
	*sec = btf_type(o->img->btf, id);
	return 0;
}

int maps_read(struct obj *o)
{
	const struct btf_type *sec;
	u32 n = 0;
	int ret = maps_types(o, &sec);

	if (ret)
		return ret;
	for (u32 i = 1; i < o->nr_secs; i++)
		n += sec_is_data(&o->secs[i]);
	o->img->maps = arena_news(&o->img->arena,
				  n + (sec ? btf_vlen(sec) : 0), struct image_map);
	ret = read_user_maps(o, sec);
	o->img->nr_maps = o->nr_user_maps;
	return ret ? ret : data_read(o, o->img->maps, &o->img->nr_maps);
}

/* The last map that begins at or before OFF, or -1. */
static int map_before(const struct obj *o, u64 off)
{
	u32 lo = 0, hi = o->nr_user_maps;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (o->map_offs[mid] <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int)lo - 1;
}

int maps_at(const struct obj *o, u64 off)
{
	int i = map_before(o, off);

	return i >= 0 && o->map_offs[i] == off ? i : -1;
}

/* ---- values ---------------------------------------------------------------- */

/* The map and slot that relocation R initialises. */
static int find_slot(struct obj *o, const struct obj_reloc *r, u32 *map, u32 *slot)
{
	int i = map_before(o, r->off);
	const struct map_slots *s = i < 0 ? NULL : &o->map_slots[i];

	if (!s || !s->begin || r->off < s->begin || r->off >= s->end ||
	    (r->off - s->begin) % 8)
		return err_set(o->err, ERR_ELF_RELOC,
			       elf_at(o, &o->secs[o->maps_sec], r->off),
			       "relocation to '%s' lies in no values of a map",
			       o->syms[r->sym].name);
	*map = (u32)i;
	*slot = (u32)(r->off - s->begin) / 8;
	return 0;
}

/* The program whose address R stores. */
static int find_prog(struct obj *o, const struct obj_reloc *r, s32 *prog)
{
	const struct obj_sec *s = &o->secs[o->maps_sec];
	const struct obj_sym *y = &o->syms[r->sym];
	u64 addend = (u64)r->addend;
	int f;

	if (y->sec == SYM_UNDEF)
		return reloc_undefined(o, y, elf_at(o, s, r->off));
	if (!r->has_addend)
		memcpy(&addend, s->data + r->off, sizeof(addend));
	f = y->sec == SYM_NOWHERE ? -1 : funcs_at(o, y->sec, y->value + addend);
	*prog = f < 0 ? -1 : o->funcs[f].prog;
	if (*prog < 0)
		return err_set(o->err, ERR_ELF_RELOC, elf_at(o, s, r->off),
			       "'%s' is stored in a prog array and is no program",
			       y->name);
	return 0;
}

int maps_values(struct obj *o)
{
	struct obj_reloc *r;
	u32 n, map, slot;
	int ret;

	if (!o->maps_sec)
		return 0;
	ret = elf_relocs(o, &o->secs[o->maps_sec], &r, &n);
	for (u32 i = 0; i < n && !ret; i++) {
		ret = find_slot(o, &r[i], &map, &slot);
		if (!ret)
			o->img->maps[map].nr_slots = (u32)
				max_u64(o->img->maps[map].nr_slots, slot + 1ull);
	}
	for (u32 i = 0; i < o->nr_user_maps && !ret; i++) {
		struct image_map *m = &o->img->maps[i];

		m->slots = arena_news(&o->img->arena, m->nr_slots, s32);
		memset(m->slots, 0xff, m->nr_slots * sizeof(*m->slots));
	}
	for (u32 i = 0; i < n && !ret; i++) {
		ret = find_slot(o, &r[i], &map, &slot);
		if (!ret)
			ret = find_prog(o, &r[i], &o->img->maps[map].slots[slot]);
	}
	return ret;
}

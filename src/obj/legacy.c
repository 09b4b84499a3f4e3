/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * legacy.c: maps as they were defined before BTF: variables in section "maps"
 * or "maps/NAME" whose bytes are the definition. All begin with five numbers
 * (type, key size, value size, entries, flags); what follows depends on who was
 * to load the object:
 *
 *	28 bytes	inner map (index in the section), NUMA node
 *	36 bytes	iproute2: id, pinning, inner id, slot in the outer map
 *	280 bytes	pinning, 256 bytes of a path
 *
 * and is zero otherwise. Never guesses at more.
 */
#include "obj/open.h"
#include <elf.h>
#include <stdlib.h>

enum { LEAST_BYTES = 20, SAMPLES_BYTES = 28, IPROUTE2_BYTES = 36, PATH_BYTES = 256 };

struct old {
	const char *name;
	u32 off, bytes;
	u32 word[9];		/* the first numbers; 0 beyond the end */
	u32 index;		/* of the image map */
};

static bool is_def(const struct obj_sym *y, u32 sec)
{
	return y->sec == sec && *y->name && (y->type == STT_OBJECT || y->type == STT_NOTYPE);
}

u32 legacy_count(const struct obj *o, u32 sec)
{
	u32 n = 0;

	for (u32 i = 0; o->secs[sec].kind == SEC_OLD_MAPS && i < o->nr_syms; i++)
		n += is_def(&o->syms[i], sec);
	return n;
}

static int old_order(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static struct old *find_defs(struct obj *o, u32 sec, u32 *n)
{
	struct old *d = arena_news(&o->tmp, legacy_count(o, sec), struct old);

	*n = 0;
	for (u32 i = 0; i < o->nr_syms; i++)
		if (is_def(&o->syms[i], sec))
			d[(*n)++] = (struct old){
				.name = o->syms[i].name,
				.off = (u32)min_u64(o->syms[i].value, UINT32_MAX),
			};
	qsort(d, *n, sizeof(*d), old_order);
	return d;
}

static bool rest_is_zero(const u8 *p, u32 from, u32 to)
{
	for (u32 i = from; i < to; i++)
		if (p[i])
			return false;
	return true;
}

/* Pinning and a path after the five numbers. */
static bool read_path(struct obj *o, const struct old *d, const u8 *p, struct image_map *map)
{
	const char *path = (const char *)p + LEAST_BYTES + 4;
	size_t n;

	if (d->bytes < LEAST_BYTES + 4 + PATH_BYTES ||
	    !rest_is_zero(p, LEAST_BYTES + 4 + PATH_BYTES, d->bytes))
		return false;
	n = strnlen(path, PATH_BYTES);
	map->pinning = d->word[5] != 0;
	if (n)
		map->pin_path = arena_strndup(&o->img->arena, path, n);
	return true;
}

static bool holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Which of the layouts follows the five numbers. */
static int read_rest(struct obj *o, u32 sec, struct old *d, u32 i, struct image_map *map)
{
	const u8 *p = o->secs[sec].data + d[i].off;
	bool node = map->map_flags & BPF_F_NUMA_NODE;

	if (rest_is_zero(p, LEAST_BYTES, d[i].bytes) || read_path(o, &d[i], p, map))
		return 0;
	if (d[i].bytes == SAMPLES_BYTES && (node || !d[i].word[6]) &&
	    (holds_maps(map->type) ? d[i].word[5] < i : !d[i].word[5])) {
		map->numa_node = d[i].word[6];
		if (holds_maps(map->type))
			map->inner = &o->img->maps[d[d[i].word[5]].index];
		return 0;
	}
	if (d[i].bytes == IPROUTE2_BYTES) {
		map->pinning = d[i].word[6] != 0;
		return 0;
	}
	err_set(o->err, ERR_MAP_DEF, elf_at(o, &o->secs[sec], d[i].off),
		"map '%s' is defined by %u bytes, and what follows the first %d is not zero",
		map->name, d[i].bytes, LEAST_BYTES);
	err_help(o->err, "definitions of 20, 28, 36 and 280 bytes are known; in .maps any "
		 "map can be defined");
	return o->err->code;
}

static int read_def(struct obj *o, u32 sec, struct old *d, u32 n, u32 i)
{
	const struct obj_sec *s = &o->secs[sec];
	u32 end = i + 1 < n ? d[i + 1].off : (u32)s->size;
	struct image_map *map;

	d[i].bytes = end > d[i].off ? end - d[i].off : 0;
	if (d[i].bytes < LEAST_BYTES || d[i].off > s->size)
		return err_set(o->err, ERR_MAP_DEF, elf_at(o, s, d[i].off),
			       "map '%s' is defined by %u bytes; at least %d are expected",
			       d[i].name, d[i].bytes, LEAST_BYTES);
	memcpy(d[i].word, s->data + d[i].off, min_u64(d[i].bytes, sizeof(d[i].word)));
	if (!d[i].word[0]) {
		err_set(o->err, ERR_MAP_DEF, elf_at(o, s, d[i].off),
			"map '%s' in section '%s' has type 0", d[i].name, s->name);
		err_help(o->err, "what __uint and __type define belongs in SEC(\".maps\")");
		return o->err->code;
	}
	d[i].index = o->nr_user_maps;
	map = maps_add(o, sec, d[i].off, end, d[i].name);
	map->type = d[i].word[0];
	map->key_size = d[i].word[1];
	map->value_size = d[i].word[2];
	map->max_entries = d[i].word[3];
	map->map_flags = d[i].word[4];
	map->entries_by_cpu = map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && !map->max_entries;
	if (map->entries_by_cpu)
		map->max_entries = (u32)os_cpu_count();
	return read_rest(o, sec, d, i, map);
}

static bool lies_in(const struct old *inner, const struct old *outer)
{
	return inner->word[5] && inner->word[5] == outer->word[7] && inner != outer;
}

/* iproute2: a map whose inner id is another's id holds that; the other says in
 * which slot it lies. */
static int join_inner(struct obj *o, u32 sec, const struct old *outer, const struct old *d,
		      u32 n)
{
	struct image_map *map = &o->img->maps[outer->index];
	enum { MAX_SLOTS = 4096 };

	for (u32 i = 0; i < n; i++) {
		if (!lies_in(&d[i], outer))
			continue;
		map->inner = &o->img->maps[d[i].index];
		if (d[i].word[8] == UINT32_MAX)
			continue;
		if (d[i].word[8] >= MAX_SLOTS)
			return err_set(o->err, ERR_MAP_DEF, elf_at(o, &o->secs[sec], d[i].off),
				       "map '%s' is to lie in slot %u of '%s'; %d are possible",
				       d[i].name, d[i].word[8], outer->name, MAX_SLOTS);
		map->nr_slots = (u32)max_u64(map->nr_slots, d[i].word[8] + 1ull);
	}
	map->slots = arena_news(&o->img->arena, map->nr_slots, s32);
	memset(map->slots, 0xff, map->nr_slots * sizeof(*map->slots));
	for (u32 i = 0; i < n; i++)
		if (lies_in(&d[i], outer) && d[i].word[8] < map->nr_slots)
			map->slots[d[i].word[8]] = (s32)d[i].index;
	return 0;
}

/* The types of key and value that a struct ____btf_map_NAME tells. */
static void find_types(struct obj *o, struct image_map *map)
{
	const struct btf *btf = o->img->btf;
	const char *name = arena_printf(&o->tmp, "____btf_map_%s", map->name);
	u32 id = btf ? btf_find(btf, name, BTF_KIND_STRUCT) : 0;
	const struct btf_type *t = id ? btf_type(btf, id) : NULL;
	u32 key, value;

	if (!t || btf_vlen(t) != 2)
		return;
	key = btf_member(btf, t, 0).type_id;
	value = btf_member(btf, t, 1).type_id;
	if (btf_bytes(btf, key) != map->key_size || btf_bytes(btf, value) != map->value_size)
		return;
	map->key_type = key;
	map->value_type = value;
}

int legacy_read(struct obj *o, u32 sec)
{
	u32 n;
	struct old *d = find_defs(o, sec, &n);
	int ret = 0;

	for (u32 i = 0; i < n && !ret; i++)
		ret = read_def(o, sec, d, n, i);
	for (u32 i = 0; i < n && !ret; i++) {
		struct image_map *map = &o->img->maps[d[i].index];

		find_types(o, map);
		if (d[i].bytes == IPROUTE2_BYTES && holds_maps(map->type) && d[i].word[7])
			ret = join_inner(o, sec, &d[i], d, n);
	}
	return ret;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fields.c: what of a map's values only helpers change: locks, timers, work queues,
 * pointers to objects; in structs and arrays of the value, too, and among variables.
 * Never judges whether such a type is any good: verify/fields.c does, and refuses
 * programs whose maps have more than is noted here.
 */
#include "obj/open.h"

enum { NESTING = 8, LOOKED_MAX = 10000 /* members */, LOCK_BYTES = 4, TIMER_BYTES = 16 };

struct look {
	const struct btf *btf;
	struct image_map *map;
	u32 looked, found;
	bool more;
};

/* *AT is the first of its kind. */
static void note(struct look *l, u32 *at, u32 off)
{
	if (!*at)
		*at = 1 + off;
	l->found++;
}

static bool note_struct(struct look *l, const struct btf_type *t, u32 off)
{
	const char *name = btf_str(l->btf, t->name_off);

	if (off % 4)
		return false;
	if (!strcmp(name, "bpf_spin_lock") && t->size == LOCK_BYTES)
		note(l, &l->map->lock_at, off);
	else if (!strcmp(name, "bpf_timer") && t->size == TIMER_BYTES)
		note(l, &l->map->timer_at, off);
	else if (!strcmp(name, "bpf_wq") && t->size == TIMER_BYTES)
		note(l, &l->map->work_at, off);
	else
		return false;
	return true;
}

/* Pointers with a type tag "kptr": PTR -> TYPE_TAG -> a struct. */
static void note_pointer(struct look *l, const struct btf_type *t, u32 off)
{
	const struct btf_type *tag = btf_type(l->btf, t->type);
	struct image_map *map = l->map;

	if (btf_kind(tag) != BTF_KIND_TYPE_TAG || strcmp(btf_str(l->btf, tag->name_off), "kptr"))
		return;
	if (map->nr_kptrs == MAP_KPTRS_MAX) {
		l->more = true;
		return;
	}
	map->kptr_types[map->nr_kptrs] = btf_skip_mods(l->btf, t->type);
	map->kptrs[map->nr_kptrs++] = off;
	l->found++;
}

static void look(struct look *l, u32 type, u32 off, u32 depth);

static void look_elements(struct look *l, const struct btf_array *a, u32 off, u32 depth)
{
	const u32 before = l->found, bytes = (u32)btf_bytes(l->btf, a->type);

	for (u32 i = 0; i < a->nelems && (!i || l->found > before) && !l->more; i++)
		look(l, a->type, off + i * bytes, depth);
}

static void look(struct look *l, u32 type, u32 off, u32 depth)
{
	const struct btf_type *t = btf_type(l->btf, btf_skip_mods(l->btf, type));

	if (depth == NESTING || ++l->looked > LOOKED_MAX)
		return;
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		if (note_struct(l, t, off))
			break;
		for (u32 i = 0; i < btf_vlen(t); i++) {
			struct btf_member_info m = btf_member(l->btf, t, i);

			look(l, m.type_id, off + m.bit_off / 8, depth + 1);
		}
		break;
	case BTF_KIND_ARRAY:
		look_elements(l, (const struct btf_array *)(t + 1), off, depth + 1);
		break;
	case BTF_KIND_PTR:
		note_pointer(l, t, off);
		break;
	default:
		break;
	}
}

bool fields_find(const struct btf *btf, struct image_map *map)
{
	const struct btf_type *t = btf_type(btf, map->value_type);
	const struct btf_var_secinfo *v = (const void *)(t + 1);
	struct look l = { .btf = btf, .map = map };

	if (btf_kind(t) != BTF_KIND_DATASEC) {
		t = btf_type(btf, btf_skip_mods(btf, map->value_type));
		if (btf_kind(t) == BTF_KIND_STRUCT)
			look(&l, map->value_type, 0, 0);
		return !l.more;
	}
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (btf_kind(btf_type(btf, v[i].type)) == BTF_KIND_VAR &&
		    btf_bytes(btf, v[i].type) <= v[i].size)
			look(&l, btf_type(btf, v[i].type)->type, v[i].offset, 0);
	return !l.more;
}

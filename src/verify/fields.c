/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fields.c: finds in a type of the program what only calls may change: locks, timers,
 * heads and nodes of lists and trees, counts of references, tagged pointers. What lies
 * in a union is memory like any other, as in the kernel.
 */
#include "verify/fields.h"
#include "verify/call.h"
#include "btf/btf.h"
#include <linux/btf.h>

static const struct { const char *name; u32 bytes; } kinds[FIELD_KINDS] = {
	[FIELD_LOCK] = { "bpf_spin_lock", 4 }, [FIELD_RES_LOCK] = { "bpf_res_spin_lock", 8 },
	[FIELD_TIMER] = { "bpf_timer", 16 }, [FIELD_WORK] = { "bpf_wq", 16 },
	[FIELD_TASK_WORK] = { "bpf_task_work", 8 }, [FIELD_LIST] = { "bpf_list_head", 16 },
	[FIELD_LIST_NODE] = { "bpf_list_node", 24 }, [FIELD_TREE] = { "bpf_rb_root", 16 },
	[FIELD_TREE_NODE] = { "bpf_rb_node", 32 }, [FIELD_REFCOUNT] = { "bpf_refcount", 4 },
	[FIELD_KPTR] = { "kptr", 8 }, [FIELD_KPTR_UNTRUSTED] = { "kptr_untrusted", 8 },
	[FIELD_KPTR_PERCPU] = { "percpu_kptr", 8 }, [FIELD_UPTR] = { "uptr", 8 },
};

enum { NESTING = 8, LOOKED_MAX = 10000 };	/* members */

const char *field_name(enum field_kind kind)
{
	return kinds[kind].name;
}

static u32 kind_named(const char *name, u32 from, u32 to)
{
	while (from < to && strcmp(kinds[from].name, name))
		from++;
	return from < to ? from : FIELD_KINDS;
}

/* ---- "contains:STRUCT:MEMBER" --------------------------------------------- */

static bool set_contained(const struct btf *btf, struct field *f, const char *tag)
{
	const char *colon = strchr(tag, ':');
	char name[128];
	const struct btf_type *t;

	if (!colon || (size_t)(colon - tag) >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - tag), tag);
	f->type = btf_find(btf, name, BTF_KIND_STRUCT);
	t = btf_type(btf, f->type);
	for (u32 i = 0; f->type && i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		if (strcmp(m.name, colon + 1))
			continue;
		f->node = m.bit_off / 8;
		return true;
	}
	return false;
}

/* Of component AT of type OF: a member of a struct, or -1 for a variable. */
static bool find_contained(const struct btf *btf, struct field *f, u32 of, s32 at)
{
	static const char prefix[] = "contains:";

	for (u32 id = 1; id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) == BTF_KIND_DECL_TAG && t->type == of &&
		    ((const struct btf_decl_tag *)(t + 1))->component_idx == at &&
		    !strncmp(btf_type_name(btf, id), prefix, strlen(prefix)))
			return set_contained(btf, f, btf_type_name(btf, id) + strlen(prefix));
	}
	return false;
}

/* ---- one type -------------------------------------------------------------- */

struct look { const struct btf *btf; struct fields *f; u32 looked; };

static void add(struct look *l, u32 kind, u32 off, u32 type, u32 of, s32 at)
{
	struct field f = { .kind = (u8)kind, .off = off, .bytes = kinds[kind].bytes,
			   .type = type };

	if (l->f->n == FIELDS_MAX ||
	    ((kind == FIELD_LIST || kind == FIELD_TREE) && !find_contained(l->btf, &f, of, at)))
		l->f->more = true;
	else
		l->f->v[l->f->n++] = f;
}

static void look(struct look *l, u32 type, u32 off, u32 of, s32 at, u32 depth);

static void look_members(struct look *l, u32 id, u32 off, u32 depth)
{
	const struct btf_type *t = btf_type(l->btf, id);

	for (u32 i = 0; i < btf_vlen(t) && !l->f->more; i++) {
		struct btf_member_info m = btf_member(l->btf, t, i);

		look(l, m.type_id, off + m.bit_off / 8, id, (s32)i, depth + 1);
	}
}

static void look_elements(struct look *l, const struct btf_array *a, u32 off, u32 of, s32 at,
			  u32 depth)
{
	u32 before = l->f->n, bytes = (u32)btf_bytes(l->btf, a->type);

	look(l, a->type, off, of, at, depth + 1);
	for (u32 i = 1; l->f->n > before && i < a->nelems && !l->f->more; i++)
		look(l, a->type, off + i * bytes, of, at, depth + 1);
}

/* A pointer with a tag, as __kptr makes them. */
static void look_pointer(struct look *l, const struct btf_type *t, u32 off)
{
	const struct btf_type *to = btf_type(l->btf, t->type);
	u32 kind = btf_kind(to) == BTF_KIND_TYPE_TAG ?
		   kind_named(btf_str(l->btf, to->name_off), FIELD_KPTR, FIELD_KINDS) :
		   FIELD_KINDS;

	if (kind < FIELD_KINDS)
		add(l, kind, off, btf_skip_mods(l->btf, t->type), 0, 0);
}

/* TYPE lies at OFF, as component AT of type OF. */
static void look(struct look *l, u32 type, u32 off, u32 of, s32 at, u32 depth)
{
	u32 id = btf_skip_mods(l->btf, type), kind;
	const struct btf_type *t = btf_type(l->btf, id);

	if (depth == NESTING || ++l->looked > LOOKED_MAX) {
		l->f->more = true;
		return;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		kind = kind_named(btf_type_name(l->btf, id), 0, FIELD_KPTR);
		if (kind == FIELD_KINDS)
			look_members(l, id, off, depth);
		else if (t->size == kinds[kind].bytes)
			add(l, kind, off, 0, of, at);
		else
			l->f->more = true;
		break;
	case BTF_KIND_ARRAY:
		look_elements(l, (const struct btf_array *)(t + 1), off, of, at, depth);
		break;
	case BTF_KIND_PTR:
		look_pointer(l, t, off);
		break;
	default:
		break;
	}
}

static void look_variables(struct look *l, u32 id)
{
	const struct btf_type *t = btf_type(l->btf, id);
	const struct btf_var_secinfo *s = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t) && !l->f->more; i++) {
		look(l, btf_type(l->btf, s[i].type)->type, s[i].offset, s[i].type, -1, 0);
		l->f->more |= btf_bytes(l->btf, s[i].type) > s[i].size;
	}
}

/* ---- what no kernel takes ---------------------------------------------------- */

/* There is room for one in a value, or all would be one to those who ask for it. */
static bool is_single(u32 kind)
{
	return kind <= FIELD_TASK_WORK || kind == FIELD_REFCOUNT;
}

static bool collide(const struct field *a, const struct field *b)
{
	bool locks = a->kind <= FIELD_RES_LOCK && b->kind <= FIELD_RES_LOCK;

	return (a->off < b->off + b->bytes && b->off < a->off + a->bytes) || locks ||
	       (a->kind == b->kind && is_single(a->kind));
}

static bool is_sound(const struct fields *f)
{
	for (u32 i = 0; i < f->n; i++) {
		if (f->v[i].off % (f->v[i].bytes == 4 ? 4 : 8))
			return false;
		for (u32 k = 0; k < i; k++)
			if (collide(&f->v[i], &f->v[k]))
				return false;
	}
	return true;
}

/* ---- who owns whom --------------------------------------------------------- */

static const struct fields *fields_of(struct verifier *v, u32 id);

static bool is_owner(const struct fields *f)
{
	return field_first(f, FIELD_LIST) || field_first(f, FIELD_TREE);
}

static bool is_node(const struct fields *f)
{
	return field_first(f, FIELD_LIST_NODE) || field_first(f, FIELD_TREE_NODE);
}

/* What a head says of its nodes is so, and no object can come to own itself: what is
 * owned and owns owns only what owns nothing. */
static bool owns_right(struct verifier *v, const struct fields *f, const struct field *head)
{
	const struct fields *of = fields_of(v, head->type);
	enum field_kind node = head->kind == FIELD_LIST ? FIELD_LIST_NODE : FIELD_TREE_NODE;

	return field_at(of, node, head->node) && !(is_node(f) && is_owner(of));
}

/* The kernel's rules: a head has a lock beside it, and what may be in a list and in a tree
 * counts its references. */
static bool is_graph(struct verifier *v, const struct fields *f)
{
	bool lock = field_first(f, FIELD_LOCK) || field_first(f, FIELD_RES_LOCK);

	if ((is_owner(f) && !lock) || (field_first(f, FIELD_LIST_NODE) &&
	    field_first(f, FIELD_TREE_NODE) && !field_first(f, FIELD_REFCOUNT)))
		return false;
	for (u32 i = 0; i < f->n; i++)
		if ((f->v[i].kind == FIELD_LIST || f->v[i].kind == FIELD_TREE) &&
		    !owns_right(v, f, &f->v[i]))
			return false;
	return true;
}

/* ---- entry ----------------------------------------------------------------- */

static const struct fields *fields_of(struct verifier *v, u32 id)
{
	struct fields *f;
	struct look l = { .btf = v->img->btf };

	for (const struct fields *old = v->fields; old; old = old->next)
		if (old->type == id)
			return old;
	f = arena_new(&v->mem, struct fields);
	f->type = id;
	f->next = v->fields;
	v->fields = f;
	l.f = f;
	if (!l.btf || !id)
		return f;
	if (btf_kind(btf_type(l.btf, id)) == BTF_KIND_DATASEC)
		look_variables(&l, id);
	else if (btf_kind(btf_type(l.btf, btf_skip_mods(l.btf, id))) == BTF_KIND_STRUCT)
		look_members(&l, btf_skip_mods(l.btf, id), 0, 0);
	if (f->more || !is_sound(f) || !is_graph(v, f))
		not_judged(v, v->at ? v->at->insn - 1 : 0, "these special fields (in %s)",
			   *btf_type_name(l.btf, id) ? btf_type_name(l.btf, id) : "a struct");
	return f;
}

const struct field *field_at(const struct fields *f, enum field_kind kind, s64 off)
{
	for (u32 i = 0; i < f->n; i++)
		if (f->v[i].kind == kind && f->v[i].off == off)
			return &f->v[i];
	return NULL;
}

const struct field *field_first(const struct fields *f, enum field_kind kind)
{
	for (u32 i = 0; i < f->n; i++)
		if (f->v[i].kind == kind)
			return &f->v[i];
	return NULL;
}

/* The image knows of a value's own pointers alone. */
static bool is_known(const struct image_map *map, const struct field *f)
{
	for (u32 i = 0; i < map->nr_kptrs; i++)
		if (map->kptrs[i] == f->off)
			return true;
	return f->kind != FIELD_KPTR;
}

/* Are there maps of TYPE with such fields? */
static bool map_has(u32 type, u32 kind)
{
	bool percpu = type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
		      type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	bool plain = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_HASH;

	switch (kind) {
	case FIELD_LOCK:
		return !percpu && type != BPF_MAP_TYPE_LRU_HASH && type != BPF_MAP_TYPE_LPM_TRIE;
	case FIELD_TIMER:
	case FIELD_WORK:
	case FIELD_TASK_WORK:
		return plain || type == BPF_MAP_TYPE_LRU_HASH;
	case FIELD_LIST:
	case FIELD_TREE:
		return plain;
	case FIELD_KPTR:
		return type != BPF_MAP_TYPE_LPM_TRIE;
	default:
		return true;
	}
}

static void check_map_fields(struct verifier *v, const struct image_map *map,
			     const struct fields *f)
{
	const struct maptype_row *row = maptype_row(map->type);

	u32 rights = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	for (u32 i = 0; i < f->n; i++)
		if (map->map_flags & rights && f->v[i].kind != FIELD_LIST_NODE &&
		    f->v[i].kind != FIELD_TREE_NODE)
			not_judged(v, v->at ? v->at->insn - 1 : 0, "%s in values of map %s, which "
				   "programs may not both read and write",
				   field_name((enum field_kind)f->v[i].kind), map->name);
		else if (!map_has(map->type, f->v[i].kind))
			not_judged(v, v->at ? v->at->insn - 1 : 0, "%s in values of a %s",
				   field_name((enum field_kind)f->v[i].kind),
				   row ? row->name : "map");
}

const struct fields *fields_of_map(struct verifier *v, const struct image_map *map)
{
	const struct fields *f = fields_of(v, map->value_type);
	bool known = !map->value_type || btf_bytes(v->img->btf, map->value_type) <= map->value_size;

	for (u32 i = 0; i < f->n; i++)
		known &= is_known(map, &f->v[i]);
	check_map_fields(v, map, f);
	if (!known)
		not_judged(v, v->at ? v->at->insn - 1 : 0, "these pointers in values of map %s",
			   map->name);
	return f;
}

const struct fields *fields_at(struct verifier *v, const struct reg *r)
{
	if (r->type == REG_MAP_VALUE)
		return fields_of_map(v, map_of(v, r));
	return fields_of(v, r->type == REG_BTF && (r->flags & REG_ALLOC) ? r->btf_id : 0);
}

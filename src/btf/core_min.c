/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_min.c: of a kernel's types what CO-RE relocations of some objects look at, a few
 * kilobytes that go with the objects to kernels that show no types. Which types these are
 * core.c finds out: what fits a record is marked here on the way.
 */
#include "btf/build.h"
#include "btf/core_match.h"
#include <stdlib.h>

enum { DEPTH_MAX = 64 };

struct core_min {
	struct arena *arena;
	const struct btf *target;
	const char *name;
	u8 *used;		/* [nr_types] */
	u8 **members;		/* [nr_types] NULL, or [vlen] which are used */
};

struct core_min *core_min_new(struct arena *arena, const struct btf *target, const char *name)
{
	struct core_min *m = arena_new(arena, struct core_min);

	m->arena = arena;
	m->target = target;
	m->name = name;
	m->used = arena_alloc(arena, target->nr_types);
	m->members = arena_alloc(arena, target->nr_types * sizeof(*m->members));
	return m;
}

/* ---- marking -------------------------------------------------------------------- */

static void mark(struct core_min *m, u32 id, bool follow, u32 depth);

static void mark_proto(struct core_min *m, const struct btf_type *t, u32 depth)
{
	const struct btf_param *p = (const struct btf_param *)(t + 1);

	mark(m, t->type, true, depth + 1);
	for (u32 i = 0; i < btf_vlen(t); i++)
		mark(m, p[i].type, true, depth + 1);
}

/* ID by itself: structs without members; FOLLOW: what pointers point to as well. */
static void mark(struct core_min *m, u32 id, bool follow, u32 depth)
{
	const struct btf_type *t;
	const struct btf_array *a;

	while (id && id < m->target->nr_types && depth++ < DEPTH_MAX) {
		t = btf_type(m->target, id);
		m->used[id] = 1;
		switch (btf_kind(t)) {
		case BTF_KIND_PTR:
			if (!follow)
				return;
			/* fallthrough */
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		case BTF_KIND_ARRAY:
			a = (const struct btf_array *)(t + 1);
			mark(m, a->index_type, follow, depth);
			id = a->type;
			break;
		case BTF_KIND_FUNC_PROTO:
			mark_proto(m, t, depth);
			return;
		default:
			return;
		}
	}
}

/* Member I of struct ID, and its type by itself. */
static u32 mark_member(struct core_min *m, u32 id, u32 i)
{
	const struct btf_type *t = btf_type(m->target, id);
	u32 type = btf_member(m->target, t, i).type_id;

	if (!m->members[id])
		m->members[id] = arena_alloc(m->arena, btf_vlen(t));
	m->members[id][i] = 1;
	m->used[id] = 1;
	mark(m, type, false, 0);
	return type;
}

/* The unnamed members that lead from struct FROM to struct TO, which is in it. */
static bool mark_unnamed(struct core_min *m, u32 from, u32 to, u32 depth)
{
	const struct btf_type *t = btf_type(m->target, from);

	if (from == to)
		return true;
	for (u32 i = 0; depth < DEPTH_MAX && btf_is_composite(t) && i < btf_vlen(t); i++) {
		struct btf_member_info in = btf_member(m->target, t, i);

		if (*in.name || !mark_unnamed(m, btf_skip_mods(m->target, in.type_id), to,
					      depth + 1))
			continue;
		mark_member(m, from, i);
		return true;
	}
	return false;
}

static void mark_field(struct core_min *m, const struct core_path *p)
{
	u32 id = btf_skip_mods(m->target, p->root);

	mark(m, p->root, false, 0);
	for (u32 i = 1; i < p->n; i++) {
		const struct core_step *s = &p->steps[i];
		const struct btf_type *t = btf_type(m->target, id);

		if (s->name && mark_unnamed(m, id, s->type_id, 0))
			id = mark_member(m, s->type_id, s->idx);
		else if (btf_kind(t) == BTF_KIND_ARRAY)
			id = ((const struct btf_array *)(t + 1))->type;
		mark(m, id, false, 0);
		id = btf_skip_mods(m->target, id);
	}
}

/* All that a comparison of members looks at: those of structs, but not of what they
 * point to. */
static void mark_whole(struct core_min *m, u32 id, bool pointed, u32 depth)
{
	const struct btf_type *t;

	mark(m, id, true, 0);
	id = btf_skip_mods(m->target, id);
	t = btf_type(m->target, id);
	if (!t || depth > DEPTH_MAX)
		return;
	if (btf_kind(t) == BTF_KIND_PTR)
		mark_whole(m, t->type, true, depth + 1);
	else if (btf_kind(t) == BTF_KIND_ARRAY)
		mark_whole(m, ((const struct btf_array *)(t + 1))->type, pointed, depth + 1);
	if (!btf_is_composite(t) || pointed)
		return;
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (!m->members[id] || !m->members[id][i])
			mark_whole(m, mark_member(m, id, i), false, depth + 1);
}

static void take(void *arg, const struct core_path *p, u32 kind)
{
	struct core_min *m = arg;

	if (core_is_field(kind))
		mark_field(m, p);
	else if (kind == CORE_TYPE_MATCHES)
		mark_whole(m, p->root, false, 0);
	else
		mark(m, p->root, true, 0);
}

int core_min_add(struct core_min *m, const struct btf *local, const struct btf_core_relo *relos,
		 u32 n, const char *where, struct skep_err *err)
{
	struct core *c = core_new(m->arena, local, m->target, m->name);
	struct core_result unused;
	int r = 0;

	core_set_used(c, take, m);
	core_want(c, relos, n);
	for (u32 i = 0; !r && i < n; i++)
		if (relos[i].kind != CORE_TYPE_ID_LOCAL)
			r = core_resolve(c, &relos[i], &unused, where, err);
	return r;
}

/* ---- writing -------------------------------------------------------------------- */

/* The number that ID has in the new types; 0, which is void, when it is left out. */
static u32 number(const u32 *ids, const struct btf *target, u32 id)
{
	return id < target->nr_types ? ids[id] : 0;
}

static void put_record(struct btf_build *b, const struct core_min *m, u32 id, const u32 *ids)
{
	const struct btf_type *t = btf_type(m->target, id);
	bool bits = btf_kflag(t);

	btf_build_record(b, btf_type_name(m->target, id), btf_kind(t) == BTF_KIND_UNION, t->size);
	for (u32 i = 0; m->members[id] && i < btf_vlen(t); i++) {
		struct btf_member_info in = btf_member(m->target, t, i);

		if (m->members[id][i])
			btf_build_member(b, in.name, number(ids, m->target, in.type_id), in.bit_off,
					 bits ? in.bit_size : 0);
	}
}

void core_min_write(struct core_min *m, struct strbuf *out)
{
	u32 *ids = mem_alloc(m->target->nr_types * sizeof(*ids)), next = 0;
	struct btf_build b;

	for (u32 id = 1; id < m->target->nr_types; id++)
		if (m->used[id])
			ids[id] = ++next;
	btf_build_open(&b, m->arena);
	for (u32 id = 1; id < m->target->nr_types; id++) {
		if (!m->used[id])
			continue;
		if (btf_is_composite(btf_type(m->target, id)))
			put_record(&b, m, id, ids);
		else
			btf_build_copy(&b, m->target, id, ids);
	}
	btf_build_write(&b, out);
	btf_build_free(&b);
	free(ids);
}

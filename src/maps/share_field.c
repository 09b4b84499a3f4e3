/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_field.c: what cannot be in a pinned file: what names objects, timers or maps of
 * one process, and locks, since who dies with one leaves half of a change, which
 * nobody else could put right.
 */
#include "maps/share_in.h"

enum { DEPTH_MAX = 16 };

/* Structs of which only a kernel, or this engine, knows what they stand for. */
static const struct { const char *name, *why; } kinds[] = {
	{ "bpf_spin_lock", "who dies with the lock leaves half of a change" },
	{ "bpf_res_spin_lock", "who dies with the lock leaves half of a change" },
	{ "bpf_timer", "its callback is in this process" },
	{ "bpf_wq", "its callback is in this process" },
	{ "bpf_task_work", "its callback is in this process" },
	{ "bpf_list_head", "its elements are objects of this process" },
	{ "bpf_list_node", "its elements are objects of this process" },
	{ "bpf_rb_root", "its elements are objects of this process" },
	{ "bpf_rb_node", "its elements are objects of this process" },
	{ "bpf_refcount", "it counts owners in this process" },
};

/* A field on the way down. */
struct field {
	const struct field *up;
	const char *name;
};

struct search {
	const struct map *m;
	const struct btf *btf;
	struct skep_err *err;
};

static void field_path(struct strbuf *out, const struct field *f)
{
	if (!f)
		return;
	field_path(out, f->up);
	if (f->name[0])
		sb_printf(out, "%s%s", out->n ? "." : "", f->name);
}

static int refuse(const struct search *s, const struct field *f, u64 at, const char *what,
		  const char *why)
{
	struct strbuf path = { 0 };
	int r;

	field_path(&path, f);
	r = err_set(s->err, ERR_SHARE_FIELD, NULL, "map '%s' cannot be pinned: field '%s' of its "
		    "value, at offset %llu, is a %s", s->m->name, sb_text(&path),
		    (unsigned long long)at, what);
	err_note(s->err, "%s", why);
	sb_free(&path);
	return r;
}

static bool is_tagged_pointer(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id)), *tag;

	if (btf_kind(t) != BTF_KIND_PTR || !t->type)
		return false;
	tag = btf_type(btf, t->type);
	return btf_kind(tag) == BTF_KIND_TYPE_TAG &&
	       (!strncmp(btf_str(btf, tag->name_off), "kptr", 4) ||
		!strncmp(btf_str(btf, tag->name_off), "percpu_kptr", 11));
}

static int search_type(const struct search *s, u32 id, const struct field *f, u64 at, u32 depth);

static int search_members(const struct search *s, const struct btf_type *t,
			  const struct field *f, u64 at, u32 depth)
{
	int r = 0;

	for (u32 i = 0; !r && i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(s->btf, t, i);
		const struct field field = { f, m.name };

		r = search_type(s, m.type_id, &field, at + m.bit_off / 8, depth);
	}
	return r;
}

static int search_record(const struct search *s, const struct btf_type *t,
			 const struct field *f, u64 at, u32 depth)
{
	const char *name = btf_str(s->btf, t->name_off);
	char what[64];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(name, kinds[i].name))
			continue;
		snprintf(what, sizeof(what), "struct %s", name);
		return refuse(s, f, at, what, kinds[i].why);
	}
	return search_members(s, t, f, at, depth);
}

static int search_type(const struct search *s, u32 id, const struct field *f, u64 at, u32 depth)
{
	const struct btf_type *t;

	if (is_tagged_pointer(s->btf, id))
		return refuse(s, f, at, "pointer to an object (__kptr)",
			      "the object is in this process");
	t = btf_type(s->btf, btf_skip_mods(s->btf, id));
	if (depth >= DEPTH_MAX)
		return 0;
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return search_record(s, t, f, at, depth + 1);
	case BTF_KIND_ARRAY:
		return search_type(s, ((const struct btf_array *)(t + 1))->type, f, at, depth + 1);
	default:
		return 0;
	}
}

/* Of a map without types: by what the definition says of its value. */
static int check_offsets(const struct search *s)
{
	const struct map *m = s->m;
	const struct field none = { NULL, "?" };

	if (m->lock_at)
		return refuse(s, &none, m->lock_at - 1, "struct bpf_spin_lock", kinds[0].why);
	if (m->work_at)
		return refuse(s, &none, m->work_at - 1, "struct bpf_wq", kinds[3].why);
	if (m->timer_at)
		return refuse(s, &none, m->timer_at - 1, "struct bpf_timer", kinds[2].why);
	if (m->nr_kptrs)
		return refuse(s, &none, m->kptrs[0], "pointer to an object (__kptr)",
			      "the object is in this process");
	return 0;
}

static const char *why_not_type(u32 type)
{
	if (map_holds_maps(type))
		return "its values are maps of this process";
	if (map_holds_socks(type))
		return "its values are sockets of this process";
	if (type == BPF_MAP_TYPE_PROG_ARRAY)
		return "its values are programs of this process";
	return "what it holds belongs to this process";
}

int share_check(const struct map *m, const struct share_types *types, struct skep_err *err)
{
	struct search s = { m, types ? types->btf : NULL, err };
	int r;

	if (!m->ops->shares) {
		r = err_set(err, ERR_SHARE_FIELD, NULL, "map '%s' cannot be pinned: it is a %s",
			    m->name, m->row->name);
		err_note(err, "%s", why_not_type(m->type));
		return r;
	}
	r = s.btf ? search_type(&s, types->value_type, NULL, 0, 0) : 0;
	return r ? r : check_offsets(&s);
}

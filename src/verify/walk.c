/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.c: which member of a struct of the kernel lies at an offset, through
 * nested structs, unions and arrays, as Linux 6.18 looks it up.
 */
#include "verify/kobject.h"

struct walker {
	const struct btf *btf;
	const struct btf_type *t;	/* struct or union at hand */
	u64 off;			/* from its beginning */
	u32 size;
	struct walk_at *at;
	bool again;			/* T and OFF are those of a nested one */
};

static bool is_record(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_STRUCT || btf_kind(t) == BTF_KIND_UNION;
}

/* The element of an array of whatever depth, or ID itself. */
static u32 element_of(const struct btf *btf, u32 id)
{
	id = btf_skip_mods(btf, id);
	while (btf_kind(btf_type(btf, id)) == BTF_KIND_ARRAY) {
		const struct btf_array *a = (const void *)(btf_type(btf, id) + 1);

		id = btf_skip_mods(btf, a->type);
	}
	return id;
}

static enum walk nested(struct walker *w, u32 id, u64 off)
{
	w->t = btf_type(w->btf, id);
	w->off = off;
	w->again = true;
	return WALK_BAD;
}

/* Behind the struct's size: elements of an array without a length at its end. */
static enum walk behind(struct walker *w)
{
	const struct btf_array *a;
	const struct btf_type *t;
	struct btf_member_info m;
	u32 id;

	if (!btf_vlen(w->t))
		return WALK_BAD;
	m = btf_member(w->btf, w->t, btf_vlen(w->t) - 1);
	t = btf_type(w->btf, btf_skip_mods(w->btf, m.type_id));
	a = (const void *)(t + 1);
	if (btf_kind(t) != BTF_KIND_ARRAY || a->nelems || w->off < m.bit_off / 8)
		return WALK_BAD;
	id = btf_skip_mods(w->btf, a->type);
	if (btf_kind(btf_type(w->btf, id)) == BTF_KIND_INT)
		return WALK_NUMBER;
	if (!is_record(btf_type(w->btf, id)) || !btf_type(w->btf, id)->size)
		return WALK_BAD;
	return nested(w, id, (w->off - m.bit_off / 8) % btf_type(w->btf, id)->size);
}

static unsigned tag_flags(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *name = btf_type_name(btf, id);

	if (btf_kind(t) != BTF_KIND_TYPE_TAG || btf_kflag(t))
		return 0;
	if (!strcmp(name, "user"))
		return REG_USER;
	if (!strcmp(name, "percpu"))
		return REG_PERCPU;
	return strcmp(name, "rcu") ? 0 : REG_RCU;
}

static enum walk pointer(struct walker *w, const struct btf_member_info *m, u32 ptr, u64 at)
{
	u32 to = btf_type(w->btf, ptr)->type, id = btf_skip_mods(w->btf, to);

	if (w->size != 8 || w->off != at)
		return WALK_BAD;
	if (!is_record(btf_type(w->btf, id)))
		return WALK_ADDRESS;
	w->at->id = id;
	w->at->flags |= tag_flags(w->btf, to);
	w->at->field = m->name;
	return WALK_OBJECT;
}

/* The access begins in member M, whose bytes are START..END. */
static enum walk member(struct walker *w, const struct btf_member_info *m, u64 start, u64 end)
{
	u32 id = element_of(w->btf, m->type_id);
	const struct btf_type *t = btf_type(w->btf, id);
	u64 bytes = btf_kind(t) == BTF_KIND_PTR ? 8 : btf_bytes(w->btf, id);

	if (bytes)
		start += (w->off - start) / bytes * bytes;
	if (is_record(t))
		return nested(w, id, w->off - start);
	if (btf_kind(t) == BTF_KIND_PTR)
		return pointer(w, m, id, start);
	if (w->off + w->size > end && !(w->at->flags & REG_UNTRUSTED))
		return WALK_BAD;
	return WALK_NUMBER;
}

/* One struct; AGAIN is set when the answer lies in a nested one. */
static enum walk step_in(struct walker *w)
{
	u32 n = btf_vlen(w->t);

	if (btf_kind(w->t) == BTF_KIND_UNION && n != 1)
		w->at->flags |= REG_UNTRUSTED;
	if (w->off + w->size > w->t->size)
		return behind(w);
	for (u32 i = 0; i < n; i++) {
		struct btf_member_info m = btf_member(w->btf, w->t, i);
		u64 start = m.bit_off / 8, end = start + btf_bytes(w->btf, m.type_id);

		if (w->off + w->size <= start)
			break;
		if (m.bit_size) {
			end = (m.bit_off + m.bit_size + 7) / 8;
			if (w->off <= start && end <= w->off + w->size)
				return WALK_NUMBER;
			continue;
		}
		if (w->off < start)
			break;
		if (w->off < end)
			return member(w, &m, start, end);
	}
	return WALK_BAD;
}

enum walk btf_walk(const struct btf *btf, u32 id, u64 off, u32 size, struct walk_at *at)
{
	struct walker w = { .btf = btf, .t = btf_type(btf, btf_skip_mods(btf, id)),
			    .off = off, .size = size, .at = at };
	enum walk found = WALK_BAD;

	if (!is_record(w.t))
		return WALK_BAD;
	do {
		w.again = false;
		found = step_in(&w);
	} while (w.again);
	return found;
}

bool btf_holds(const struct btf *btf, u32 id, u64 off, u32 want)
{
	const struct btf_type *t = btf_type(btf, id = btf_skip_mods(btf, id));

	if (!off && id == want)
		return true;
	for (u32 i = 0; is_record(t) && i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		u64 start = m.bit_off / 8, bytes;
		u32 el = element_of(btf, m.type_id);

		if (m.bit_size || off < start || off >= start + btf_bytes(btf, m.type_id))
			continue;
		bytes = btf_bytes(btf, el);
		return btf_holds(btf, el, (off - start) % bytes, want);
	}
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relocate.c: a module's BTF from the base that it was made on onto another.
 * What a module takes from the kernel stands in short in its section .BTF.base:
 * numbers in full, records and enumerations by name and size. Each is looked
 * for in the kernel at hand, in one pass over its types; the module's own types
 * are copied with new numbers. One type too few or too many is an error: no
 * guess is made.
 */
#include "btf/build.h"
#include "btf/core_match.h"

/* A type of the old base, and those of the new one that it may be. */
struct want {
	u32 next;		/* of the same name, another kind; 0 = last */
	u32 close, nr_close;	/* the first one of the same size, how many */
	u32 fits, nr_fits;	/* the first one of any size, how many */
	bool by_value;		/* the module holds one, so that its size matters */
};

struct reloc {
	struct arena *arena;
	const struct btf *split, *base;	/* split->base is the old base */
	struct strtab names;		/* to the first want of a name */
	struct want *wants;		/* [split->first_id] */
	const char *where;
	struct skep_err *err;
};

/* ---- what is wanted ------------------------------------------------------------- */

static void want_by_value(struct reloc *r, u32 id)
{
	id = btf_skip_mods(r->split, id);
	if (id < r->split->first_id)
		r->wants[id].by_value = true;
}

static void find_by_value(struct reloc *r)
{
	const struct btf *s = r->split;

	for (u32 id = s->first_id; id < s->nr_types; id++) {
		const struct btf_type *t = btf_type(s, id);

		if (btf_kind(t) == BTF_KIND_ARRAY)
			want_by_value(r, ((const struct btf_array *)(t + 1))->type);
		if (btf_kind(t) == BTF_KIND_VAR)
			want_by_value(r, t->type);
		for (u32 i = 0; btf_is_composite(t) && i < btf_vlen(t); i++)
			want_by_value(r, btf_member(s, t, i).type_id);
	}
}

static int want_all(struct reloc *r)
{
	const struct btf *old = r->split->base;

	r->wants = arena_news(r->arena, old->nr_types, struct want);
	r->names.arena = r->arena;
	for (u32 id = 1; id < old->nr_types; id++) {
		const char *name = btf_type_name(old, id);
		u32 first;

		if (!*name)
			return err_set(r->err, ERR_BTF, r->where,
				       "type %u of the base has no name to be found by", id);
		if (strtab_get(&r->names, name, &first)) {
			r->wants[id].next = r->wants[first].next;
			r->wants[first].next = id;
		} else {
			strtab_put(&r->names, name, id);
		}
	}
	find_by_value(r);
	return 0;
}

/* ---- what there is -------------------------------------------------------------- */

/* 0: no; 1: of another size, or only declared; 2: yes. */
static int fit(const struct btf_type *old, const struct btf_type *t)
{
	u32 kind = btf_kind(old);

	switch (kind) {
	case BTF_KIND_INT:
		return btf_kind(t) == kind && t->size == old->size &&
		       btf_int_word(t) == btf_int_word(old) ? 2 : 0;
	case BTF_KIND_FLOAT:
		return btf_kind(t) == kind && t->size == old->size ? 2 : 0;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return btf_is_any_enum(t) ? 1 + (t->size == old->size) : 0;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return btf_kind(t) == kind ? 1 + (t->size == old->size) : 0;
	case BTF_KIND_FWD:
		if (btf_kind(t) == kind)
			return btf_kflag(t) == btf_kflag(old);
		return btf_kind(t) == (btf_kflag(old) ? BTF_KIND_UNION : BTF_KIND_STRUCT) ?
			2 : 0;
	default:
		return 0;
	}
}

static void offer(struct reloc *r, u32 id, const struct btf_type *t, const char *name)
{
	u32 i;

	if (!strtab_get(&r->names, name, &i))
		return;
	for (; i; i = r->wants[i].next) {
		struct want *w = &r->wants[i];
		int how = fit(btf_type(r->split->base, i), t);

		if (how && !w->nr_fits++)
			w->fits = id;
		if (how == 2 && !w->nr_close++)
			w->close = id;
	}
}

static void offer_all(struct reloc *r)
{
	for (u32 id = 1; id < r->base->nr_types; id++) {
		const struct btf_type *t = btf_type(r->base, id);

		switch (btf_kind(t)) {
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_FWD:
			if (t->name_off)
				offer(r, id, t, btf_str(r->base, t->name_off));
		}
	}
}

/* ---- which one ------------------------------------------------------------------ */

static int no_base(struct reloc *r, u32 id, const char *fmt, u64 n)
{
	struct strbuf decl = { 0 }, why = { 0 };

	btf_decl_c(&decl, r->split->base, id, "");
	sb_printf(&why, fmt, (unsigned long long)n);
	err_set(r->err, ERR_BTF, r->where, "type %u of the base, '%s', %s", id,
		sb_text(&decl), sb_text(&why));
	err_help(r->err, "give the types of the kernel that this module is for as the base");
	sb_free(&decl);
	sb_free(&why);
	return r->err ? r->err->code : -EINVAL;
}

static int choose(struct reloc *r, u32 id, u32 *out)
{
	const struct want *w = &r->wants[id];
	u32 kind = btf_kind(btf_type(r->split->base, id));
	bool sized = w->by_value || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;

	*out = w->nr_close ? w->close : w->fits;
	if (!w->nr_fits)
		return no_base(r, id, "is not in the new base", 0);
	if (!w->nr_close && sized)
		return no_base(r, id, "has %llu bytes in the new base",
			       btf_bytes(r->base, w->fits));
	if (w->nr_close > 1 || (!w->nr_close && w->nr_fits > 1))
		return no_base(r, id, "may be %llu types of the new base",
			       w->nr_close ? w->nr_close : w->nr_fits);
	return 0;
}

static int choose_all(struct reloc *r, u32 *ids)
{
	int ret = 0;

	for (u32 id = 1; id < r->split->first_id && !ret; id++)
		ret = choose(r, id, &ids[id]);
	return ret;
}

/* The module's types after the new base's; IDS has numbers for the old base's. */
static int write_types(struct reloc *r, u32 *ids, struct btf **out)
{
	const struct btf *split = r->split;
	struct strbuf raw = { 0 };
	struct btf_build b;
	int ret;

	btf_build_open_split(&b, r->arena, r->base);
	for (u32 id = split->first_id; id < split->nr_types; id++)
		ids[id] = r->base->nr_types + id - split->first_id;
	for (u32 id = split->first_id; id < split->nr_types; id++)
		btf_build_copy(&b, split, id, ids);
	btf_build_write(&b, &raw);
	ret = btf_parse_split(out, r->arena, r->base, (const u8 *)raw.s, raw.n, r->where,
			      r->err);
	sb_free(&raw);
	btf_build_free(&b);
	return ret;
}

int btf_relocate(struct btf **out, struct arena *arena, const struct btf *split,
		 const struct btf *base, const char *where, struct skep_err *err)
{
	struct reloc r = {
		.arena = arena, .split = split, .base = base, .where = where, .err = err,
	};
	u32 *ids = arena_news(arena, split->nr_types, u32);
	int ret = want_all(&r);

	*out = NULL;
	if (ret)
		return ret;
	offer_all(&r);
	ret = choose_all(&r, ids);
	return ret ? ret : write_types(&r, ids, out);
}

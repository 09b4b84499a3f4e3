/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_compat.c: which types of a target may stand for a local type: loosely
 * for fields and for TYPE_EXISTS, member by member for TYPE_MATCHES. Names
 * count without flavours. Bounded in depth and in work, whatever the types.
 */
#include "btf/core_match.h"

struct pair {
	const struct btf *local, *target;
	u32 work;
};

size_t core_essential(const char *name)
{
	size_t n = strlen(name);

	/* the last "___" between two other characters */
	for (size_t i = n < 5 ? 0 : n - 4; i-- > 0;)
		if (name[i] != '_' && name[i + 1] == '_' && name[i + 2] == '_' &&
		    name[i + 3] == '_' && name[i + 4] != '_')
			return i + 1;
	return n;
}

bool core_names_fit(const char *a, const char *b)
{
	size_t n;

	if (a[0] != b[0])
		return false;
	n = core_essential(a);
	return n == core_essential(b) && !memcmp(a, b, n);
}

bool core_kinds_fit(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) || (btf_is_any_enum(a) && btf_is_any_enum(b));
}

/* ---- fields --------------------------------------------------------------- */

static u32 array_elem(const struct btf_type *t)
{
	return ((const struct btf_array *)(t + 1))->type;
}

static bool no_bit_ints(const struct btf_type *a, const struct btf_type *b)
{
	return !BTF_INT_OFFSET(btf_int_word(a)) && !BTF_INT_OFFSET(btf_int_word(b));
}

/* One of them without a name, or equal names. */
static bool tags_fit(const struct pair *p, const struct btf_type *a, const struct btf_type *b)
{
	const char *x = btf_str(p->local, a->name_off), *y = btf_str(p->target, b->name_off);

	return !*x || !*y || core_names_fit(x, y);
}

bool core_fields_fit(const struct btf *local, u32 a, const struct btf *target, u32 b)
{
	struct pair p = { local, target, 0 };

	/* a chain of arrays has an end: btf_parse checked it */
	for (;;) {
		const struct btf_type *x = btf_type(local, a = btf_skip_mods(local, a));
		const struct btf_type *y = btf_type(target, b = btf_skip_mods(target, b));

		if (btf_is_composite(x) && btf_is_composite(y))
			return true;
		if (!core_kinds_fit(x, y))
			return false;
		switch (btf_kind(x)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
			return true;
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return tags_fit(&p, x, y);
		case BTF_KIND_INT:
			return no_bit_ints(x, y);
		case BTF_KIND_ARRAY:
			a = array_elem(x);
			b = array_elem(y);
			continue;
		default:
			return false;
		}
	}
}

/* ---- TYPE_EXISTS ------------------------------------------------------------- */

static int types_fit(struct pair *p, u32 a, u32 b, u32 depth);

static const struct btf_param *params(const struct btf_type *t)
{
	return (const void *)(t + 1);
}

/* COMPARE is asked about the parameters and what is returned. */
static int protos_fit(struct pair *p, const struct btf_type *x, const struct btf_type *y,
		      u32 depth, int (*compare)(struct pair *, u32, u32, u32))
{
	if (btf_vlen(x) != btf_vlen(y))
		return 0;
	for (u32 i = 0; i < btf_vlen(x); i++) {
		int r = compare(p, params(x)[i].type, params(y)[i].type, depth + 1);

		if (r <= 0)
			return r;
	}
	return compare(p, x->type, y->type, depth + 1);
}

static int types_fit(struct pair *p, u32 a, u32 b, u32 depth)
{
	const struct btf_type *x = btf_type(p->local, btf_skip_mods(p->local, a));
	const struct btf_type *y = btf_type(p->target, btf_skip_mods(p->target, b));

	if (depth > CORE_NEST_MAX || ++p->work > CORE_WORK_MAX)
		return -E2BIG;
	if (!core_kinds_fit(x, y))
		return 0;
	switch (btf_kind(x)) {
	case BTF_KIND_INT:
		return no_bit_ints(x, y);
	case BTF_KIND_PTR:
		return types_fit(p, x->type, y->type, depth + 1);
	case BTF_KIND_ARRAY:
		return types_fit(p, array_elem(x), array_elem(y), depth + 1);
	case BTF_KIND_FUNC_PROTO:
		return protos_fit(p, x, y, depth, types_fit);
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
		return 0;
	default:
		return 1;
	}
}

int core_types_fit(const struct btf *local, u32 a, const struct btf *target, u32 b)
{
	struct pair p = { local, target, 0 };

	return types_fit(&p, a, b, 0);
}

/* ---- TYPE_MATCHES -------------------------------------------------------------- */

/* A struct, union or forward declaration behind a pointer. */
static int tags_match(const struct btf_type *x, const struct btf_type *y)
{
	bool fx = btf_kind(x) == BTF_KIND_FWD, fy = btf_kind(y) == BTF_KIND_FWD;
	bool ux = fx ? btf_kflag(x) : btf_kind(x) == BTF_KIND_UNION;
	bool uy = fy ? btf_kflag(y) : btf_kind(y) == BTF_KIND_UNION;

	return (fy || btf_is_composite(y)) && ux == uy;
}

static int enums_match(struct pair *p, const struct btf_type *x, const struct btf_type *y)
{
	if (!btf_is_any_enum(y) || x->size != y->size || btf_vlen(x) > btf_vlen(y))
		return 0;
	for (u32 i = 0; i < btf_vlen(x); i++) {
		const char *name = core_enum_name(p->local, x, i);
		u32 k;

		for (k = 0; k < btf_vlen(y); k++) {
			if (++p->work > CORE_WORK_MAX)
				return -E2BIG;
			if (core_names_fit(name, core_enum_name(p->target, y, k)))
				break;
		}
		if (k == btf_vlen(y))
			return 0;
	}
	return 1;
}

static int match(struct pair *p, u32 a, u32 b, bool behind, u32 depth);

static int member_match(struct pair *p, struct btf_member_info m,
			const struct btf_type *y, bool behind, u32 depth)
{
	for (u32 i = 0; i < btf_vlen(y); i++) {
		struct btf_member_info t = btf_member(p->target, y, i);
		int r = 0;

		if (++p->work > CORE_WORK_MAX)
			return -E2BIG;
		if (core_names_fit(m.name, t.name))
			r = match(p, m.type_id, t.type_id, behind, depth + 1);
		if (r)
			return r;
	}
	return 0;
}

static int members_match(struct pair *p, const struct btf_type *x,
			 const struct btf_type *y, bool behind, u32 depth)
{
	if (btf_kind(x) != btf_kind(y) || btf_vlen(x) > btf_vlen(y))
		return 0;
	for (u32 i = 0; i < btf_vlen(x); i++) {
		int r = member_match(p, btf_member(p->local, x, i), y, behind, depth);

		if (r <= 0)
			return r;
	}
	return 1;
}

static int ints_match(const struct btf_type *x, const struct btf_type *y)
{
	u32 signs = BTF_INT_ENCODING(btf_int_word(x)) ^ BTF_INT_ENCODING(btf_int_word(y));

	return x->size == y->size && !(signs & BTF_INT_SIGNED);
}

/* Not behind a pointer. */
static int match_direct(struct pair *p, u32 a, u32 b, u32 depth)
{
	return match(p, a, b, false, depth);
}

static int match_behind(struct pair *p, u32 a, u32 b, u32 depth)
{
	return match(p, a, b, true, depth);
}

static int match_same(struct pair *p, const struct btf_type *x, const struct btf_type *y,
		      bool behind, u32 depth)
{
	switch (btf_kind(x)) {
	case BTF_KIND_UNKN:
		return 1;
	case BTF_KIND_INT:
		return ints_match(x, y);
	case BTF_KIND_PTR:
		return match(p, x->type, y->type, true, depth + 1);
	case BTF_KIND_ARRAY:
		if (((const struct btf_array *)(x + 1))->nelems !=
		    ((const struct btf_array *)(y + 1))->nelems)
			return 0;
		return match(p, array_elem(x), array_elem(y), behind, depth + 1);
	case BTF_KIND_FUNC_PROTO:
		return protos_fit(p, x, y, depth, behind ? match_behind : match_direct);
	case BTF_KIND_FWD:
		return btf_kflag(x) == btf_kflag(y);
	default:
		return members_match(p, x, y, behind, depth);
	}
}

static int match(struct pair *p, u32 a, u32 b, bool behind, u32 depth)
{
	const struct btf_type *x = btf_type(p->local, btf_skip_mods(p->local, a));
	const struct btf_type *y = btf_type(p->target, btf_skip_mods(p->target, b));
	bool tag = btf_is_composite(x) || btf_kind(x) == BTF_KIND_FWD;

	if (depth > CORE_NEST_MAX || ++p->work > CORE_WORK_MAX)
		return -E2BIG;
	if (!core_names_fit(btf_str(p->local, x->name_off), btf_str(p->target, y->name_off)))
		return 0;
	if (btf_is_any_enum(x))
		return enums_match(p, x, y);
	if (behind && tag)
		return tags_match(x, y);
	if (btf_kind(x) != btf_kind(y))
		return 0;
	if (!tag && btf_kind(x) > BTF_KIND_ARRAY && btf_kind(x) != BTF_KIND_FUNC_PROTO)
		return 0;
	return match_same(p, x, y, behind, depth);
}

int core_types_match(const struct btf *local, u32 a, const struct btf *target, u32 b)
{
	struct pair p = { local, target, 0 };

	return match(&p, a, b, false, 0);
}

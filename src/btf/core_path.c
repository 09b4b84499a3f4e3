/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_path.c: the way to a field: read from a relocation's access string in
 * the local types, found again by its names in a target's. Access strings and
 * types may be hostile: every number is checked, and so is the work.
 */
#include "btf/core_match.h"

/* ---- access strings ------------------------------------------------------- */

/* Splits "0:1:2"; false when it is not of this form or too long. */
static bool split(const char *s, u32 *nums, u32 *n)
{
	for (*n = 0; *n < CORE_STEPS_MAX;) {
		u64 v = 0;

		if (*s < '0' || *s > '9')
			return false;
		for (; *s >= '0' && *s <= '9' && v <= UINT32_MAX; s++)
			v = v * 10 + (u64)(*s - '0');
		if (v > UINT32_MAX)
			return false;
		nums[(*n)++] = (u32)v;
		if (!*s)
			return true;
		if (*s++ != ':')
			return false;
	}
	return false;
}

const char *core_enum_name(const struct btf *btf, const struct btf_type *t, u32 i)
{
	return btf_str(btf, btf_kind(t) == BTF_KIND_ENUM ?
		       ((const struct btf_enum *)(t + 1))[i].name_off :
		       ((const struct btf_enum64 *)(t + 1))[i].name_off);
}

u64 core_enum_value(const struct btf_type *t, u32 i)
{
	const struct btf_enum64 *e = (const void *)(t + 1);

	if (btf_kind(t) == BTF_KIND_ENUM)
		return (u64)(s64)((const struct btf_enum *)(t + 1))[i].val;
	return e[i].val_lo32 | (u64)e[i].val_hi32 << 32;
}

static void step(struct core_path *p, u32 type_id, u32 idx, const char *name)
{
	p->steps[p->n++] = (struct core_step){ type_id, idx, name };
}

/*
 * An array of no elements (or one, as old code has it) at the end of the
 * struct that the step before leads into reaches as far as one likes.
 */
static bool is_flexible(const struct core_path *p, const struct btf_array *a)
{
	const struct core_step *last = &p->steps[p->n - 1];

	return !a->nelems && last->name &&
	       last->idx + 1 == btf_vlen(btf_type(p->btf, last->type_id));
}

/* Goes into element IDX of the array *ID; the new type is in *ID. */
static bool enter_array(struct core_path *p, u32 *id, u32 idx)
{
	const struct btf_array *a = (const void *)(btf_type(p->btf, *id) + 1);

	if (idx >= a->nelems && !is_flexible(p, a))
		return false;
	*id = btf_skip_mods(p->btf, a->type);
	p->bit_off += idx * btf_bytes(p->btf, *id) * 8;
	step(p, *id, idx, NULL);
	return true;
}

static bool enter_member(struct core_path *p, u32 *id, u32 idx)
{
	const struct btf_type *t = btf_type(p->btf, *id);
	struct btf_member_info m;

	if (idx >= btf_vlen(t))
		return false;
	m = btf_member(p->btf, t, idx);
	p->bit_off += m.bit_off;
	if (*m.name)
		step(p, *id, idx, m.name);
	*id = btf_skip_mods(p->btf, m.type_id);
	return true;
}

static bool parse_field(struct core_path *p, u32 id, const u32 *nums, u32 n,
			const char **why)
{
	u64 bytes = btf_bytes(p->btf, id);

	*why = "leads outside the type";
	if (nums[0] && nums[0] > UINT32_MAX / max_u64(bytes, 1))
		return false;
	p->bit_off = nums[0] * bytes * 8;
	step(p, id, nums[0], NULL);
	for (u32 i = 1; i < n; i++) {
		const struct btf_type *t = btf_type(p->btf, id);
		bool ok = btf_is_composite(t) ? enter_member(p, &id, nums[i]) :
			btf_kind(t) == BTF_KIND_ARRAY && enter_array(p, &id, nums[i]);

		if (!ok)
			return false;
	}
	return true;
}

bool core_path_parse(struct core_path *p, const struct btf *btf,
		     const struct btf_core_relo *relo, const char **why)
{
	u32 id = btf_skip_mods(btf, relo->type_id);
	const struct btf_type *t = btf_type(btf, id);
	u32 nums[CORE_STEPS_MAX], n;

	p->btf = btf;
	p->root = relo->type_id;
	p->n = 0;
	p->bit_off = 0;
	*why = "is no list of up to 64 numbers with colons";
	if (!split(relo->access, nums, &n))
		return false;
	if (core_is_field(relo->kind))
		return parse_field(p, id, nums, n, why);
	if (core_is_enum(relo->kind)) {
		*why = "names no enumerator of the type";
		if (n != 1 || !btf_is_any_enum(t) || nums[0] >= btf_vlen(t))
			return false;
		step(p, id, nums[0], core_enum_name(btf, t, nums[0]));
		return true;
	}
	*why = "of a relocation to a type is not 0";
	return n == 1 && !nums[0];
}

/* ---- in other types ------------------------------------------------------- */

struct search {
	const struct core_path *local;
	u32 at;			/* the local step that is looked for */
	struct core_path *out;
	u32 work;
};

/* Type of the local member that the step looked for leads to. */
static u32 local_type(const struct search *s)
{
	const struct core_step *l = &s->local->steps[s->at];

	return btf_member(s->local->btf, btf_type(s->local->btf, l->type_id),
			  l->idx).type_id;
}

/* Looks for the member in ID, in its unnamed members too; *NEXT is its type. */
static int find_member(struct search *s, u32 id, u32 depth, u32 *next)
{
	struct core_path *p = s->out;
	const struct btf_type *t = btf_type(p->btf, id);
	const char *name = s->local->steps[s->at].name;
	u64 base = p->bit_off;

	if (depth > CORE_STEPS_MAX)
		return -E2BIG;
	for (u32 i = 0; btf_is_composite(t) && i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(p->btf, t, i);
		int r = 0;

		if (++s->work > CORE_WORK_MAX)
			return -E2BIG;
		p->bit_off = base + m.bit_off;
		if (!*m.name) {
			r = find_member(s, btf_skip_mods(p->btf, m.type_id), depth + 1, next);
		} else if (!strcmp(m.name, name)) {
			if (!core_fields_fit(s->local->btf, local_type(s), p->btf, m.type_id))
				break;
			step(p, id, i, m.name);
			*next = btf_skip_mods(p->btf, m.type_id);
			return 1;
		}
		if (r)
			return r;
	}
	p->bit_off = base;
	return 0;
}

static int match_field(struct core_path *p, const struct core_path *local, u32 id)
{
	struct search s = { .local = local, .out = p };

	p->bit_off = local->steps[0].idx * btf_bytes(p->btf, id) * 8;
	step(p, id, local->steps[0].idx, NULL);
	for (s.at = 1; s.at < local->n; s.at++) {
		const struct core_step *l = &local->steps[s.at];
		int r;

		if (l->name)
			r = find_member(&s, id, 0, &id);
		else
			r = btf_kind(btf_type(p->btf, id)) == BTF_KIND_ARRAY &&
			    enter_array(p, &id, l->idx);
		if (r <= 0)
			return r;
	}
	return 1;
}

static int match_enum(struct core_path *p, const struct core_path *local, u32 id)
{
	const struct btf_type *t = btf_type(p->btf, id);

	for (u32 i = 0; btf_is_any_enum(t) && i < btf_vlen(t); i++) {
		const char *name = core_enum_name(p->btf, t, i);

		if (core_names_fit(local->steps[0].name, name)) {
			step(p, id, i, name);
			return 1;
		}
	}
	return 0;
}

int core_path_match(struct core_path *out, const struct core_path *local,
		    const struct btf *btf, u32 root, u32 kind)
{
	u32 id = btf_skip_mods(btf, root);

	out->btf = btf;
	out->root = root;
	out->n = 0;
	out->bit_off = 0;
	if (core_is_field(kind))
		return match_field(out, local, id);
	if (core_is_enum(kind))
		return match_enum(out, local, id);
	return kind == CORE_TYPE_MATCHES ?
	       core_types_match(local->btf, local->root, btf, root) :
	       core_types_fit(local->btf, local->root, btf, root);
}

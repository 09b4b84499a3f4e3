/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr_init.c: what C has between braces: {1, {2, 3}, .port = 80}, of a struct, union or
 * array, as keys of maps and behind (TYPE). The bytes that are not named are 0, and
 * inner braces may be left out, as in C.
 */
#include "debug/expr_in.h"

enum { BYTES_MAX = 65536, NESTING_MAX = 16 };

struct literal {
	u8 *bytes;
	unsigned nesting;
	bool holds;
	struct value held;	/* computed already, for the next number */
};

static int fill(struct parser *ps, struct literal *l, const struct value *to);

static bool is_compound(const struct parser *ps, const struct value *v)
{
	return dtype_is_record(ps->env->types, v->type) ||
		dtype_kind(ps->env->types, v->type) == BTF_KIND_ARRAY;
}

/* Of a bit field, too; members of broken types may end behind the struct. */
static void put_number(struct literal *l, const struct value *to, u64 n, u64 bytes)
{
	u8 *at = l->bytes + (to->bytes - l->bytes);

	if (!to->bit_size)
		memcpy(at, &n, min_u64(min_u64(bytes, sizeof(n)), to->nr_bytes));
	for (u32 i = 0; i < to->bit_size && (to->bit_off + i) / 8 < to->nr_bytes; i++) {
		u32 bit = to->bit_off + i;

		at[bit / 8] = (u8)((at[bit / 8] & ~(1u << bit % 8)) | (n >> i & 1) << bit % 8);
	}
}

/* A struct, union or array without braces of its own takes as many values as it has room for. */
static int fill_bare(struct parser *ps, struct literal *l, const struct value *to)
{
	const struct types *t = ps->env->types;
	u32 n = dtype_kind(t, to->type) == BTF_KIND_UNION ? 1 : value_children(t, to);
	const char *name;
	int r = 0;

	if (!n || ++l->nesting > NESTING_MAX)
		return ps_bad(ps, n ? "the expression nests too deeply" :
			      "There are more values than members");
	for (u32 i = 0; !r && i < n; i++) {
		struct value child = value_child(t, to, i, &name);

		if (i && (!ps_take(ps, ",") || ps_next_is(ps, "}")))
			break;
		r = fill(ps, l, &child);
	}
	l->nesting--;
	return r;
}

static bool is_same(const struct parser *ps, const struct value *to, const struct value *v)
{
	const struct types *t = ps->env->types;

	return (v->kind == VALUE_MEM || v->kind == VALUE_BYTES) && !v->repeat &&
		dtype_is_record(t, v->type) == dtype_is_record(t, to->type) &&
		dtype_bytes(t, v->type) == dtype_bytes(t, to->type);
}

/* One that has no braces: a number, or a value of the same struct. */
static int fill_value(struct parser *ps, struct literal *l, const struct value *to)
{
	u64 bytes = dtype_bytes(ps->env->types, to->type);
	struct value v = l->held;
	int r = l->holds ? 0 : ps_expr(ps, &v);

	l->holds = false;
	if (r)
		return r;
	if (is_compound(ps, to)) {
		if (is_same(ps, to, &v) && bytes <= to->nr_bytes &&
		    (ps->dry || value_copy(ps->env, &v, l->bytes + (to->bytes - l->bytes),
					   bytes) == bytes))
			return 0;
		l->held = v;
		l->holds = true;
		return fill_bare(ps, l, to);
	}
	r = ps_cast(ps, &v, to->type);
	if (!r)
		put_number(l, to, v.number, bytes);
	return r;
}

/* ".NAME =": the child of that name becomes the next. */
static int designator(struct parser *ps, const struct value *to, u32 *next)
{
	const char *start = ps->p, *is;
	char name[NAME_BYTES];

	if (!ps_word(ps, name))
		return ps_missing(ps, "A member's name is missing");
	for (u32 i = 0; dtype_is_record(ps->env->types, to->type) &&
	     i < value_children(ps->env->types, to); i++) {
		value_child(ps->env->types, to, i, &is);
		if (strcmp(is, name))
			continue;
		*next = i;
		return ps_take(ps, "=") ? 0 : ps_missing(ps, "A '=' is missing");
	}
	return ps_bad_at(ps, start, "There is no such member.");
}

/* What stands between braces, up to the closing one. */
static int fill_list(struct parser *ps, struct literal *l, const struct value *to)
{
	const struct types *t = ps->env->types;
	u32 next = 0, n = value_children(t, to);
	const char *name;
	int r = 0;

	while (!r && !ps_take(ps, "}")) {
		struct value child;

		if (ps_take(ps, ".") && (r = designator(ps, to, &next)))
			break;
		if (next >= n)
			return ps_missing(ps, "There are more values than members");
		child = value_child(t, to, next, &name);
		next = dtype_kind(t, to->type) == BTF_KIND_UNION ? n : next + 1;
		r = fill(ps, l, &child);
		if (!r && !ps_take(ps, ",") && !ps_next_is(ps, "}"))
			r = ps_missing(ps, "A '}' is missing");
	}
	return r;
}

static int fill(struct parser *ps, struct literal *l, const struct value *to)
{
	int r;

	if (l->holds || !is_compound(ps, to) || !ps_take(ps, "{"))
		return fill_value(ps, l, to);
	if (++l->nesting > NESTING_MAX)
		return ps_bad(ps, "the expression nests too deeply");
	r = fill_list(ps, l, to);
	l->nesting--;
	return r;
}

int ps_literal(struct parser *ps, struct dtype ty, struct value *v)
{
	u64 bytes = dtype_bytes(ps->env->types, ty);
	struct literal l = { 0 };

	if (!is_compound(ps, &(struct value){ .type = ty }))
		return ps_bad(ps, "Braces are for structs, unions and arrays");
	if (!bytes || bytes > BYTES_MAX)
		return ps_bad(ps, "The type is incomplete or too large for braces");
	l.bytes = arena_alloc(ps->env->arena, bytes + 8);
	memset(l.bytes, 0, bytes + 8);
	*v = (struct value){ .kind = VALUE_BYTES, .type = ty, .bytes = l.bytes,
			     .nr_bytes = (u32)bytes };
	return fill(ps, &l, v);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* types.c: the types of an object's BTF, of its DWARF and of C itself, in one BTF. */
#include "btf/build.h"
#include "debug/value.h"

enum { BASIC_IS_FLOAT = 0x80 };	/* no BTF_INT_* */

static const struct { const char *name; u32 bytes, encoding; } basics[] = {
#define BASIC(name, text, bytes, encoding) { text, bytes, encoding },
#include "debug/basic.def"
#undef BASIC
};

static void add_part(struct types *t, struct btf_build *b, u32 part, const struct btf *btf)
{
	if (!btf)
		return;
	t->nr_from[part] = btf->nr_types;
	t->from[part] = arena_news(&t->arena, btf->nr_types, u32);
	btf_build_add(b, btf, t->from[part]);
}

int types_open(struct types **out, const struct btf *const parts[2], const char *name,
	       struct skep_err *err)
{
	struct types *t = mem_alloc(sizeof(*t));
	struct arena names = ARENA_INIT;
	struct strbuf raw = { 0 };
	struct btf_build b;
	int r;

	btf_build_open(&b, &names);
	for (u32 i = 0; i < NR_BASICS; i++)
		t->basics[i] = basics[i].encoding == BASIC_IS_FLOAT ?
			btf_build_float(&b, basics[i].name, basics[i].bytes) :
			btf_build_int(&b, basics[i].name, basics[i].bytes, basics[i].encoding);
	for (u32 i = 0; i < 2; i++)
		add_part(t, &b, i, parts[i]);
	btf_build_write(&b, &raw);
	r = btf_parse(&t->btf, &t->arena, (const u8 *)raw.s, raw.n, name, err);
	if (!r) {
		t->btf->addr_bytes = 8;
		btf_index(t->btf, &t->arena);
	}
	sb_free(&raw);
	btf_build_free(&b);
	arena_free(&names);
	*out = t;
	if (r) {
		types_free(t);
		*out = NULL;
	}
	return r;
}

void types_free(struct types *t)
{
	if (t)
		arena_free(&t->arena);
	free(t);
}

struct dtype types_of(const struct types *t, enum types_part part, u32 id)
{
	return (struct dtype){ id < t->nr_from[part] ? t->from[part][id] : 0, 0 };
}

struct dtype types_basic(const struct types *t, enum basic b)
{
	return (struct dtype){ t->basics[b], 0 };
}

/* ---- questions ------------------------------------------------------------ */

/* The struct or union that declaration ID is one of, or ID. */
static u32 defined(const struct types *t, u32 id)
{
	const struct btf_type *f = btf_type(t->btf, id);
	u32 full;

	if (btf_kind(f) != BTF_KIND_FWD)
		return id;
	full = btf_find(t->btf, btf_type_name(t->btf, id),
			btf_kflag(f) ? BTF_KIND_UNION : BTF_KIND_STRUCT);
	return full ? full : id;
}

struct dtype dtype_plain(const struct types *t, struct dtype ty)
{
	if (ty.ptrs)
		return ty;
	return (struct dtype){ defined(t, btf_skip_mods(t->btf, ty.id)), 0 };
}

u32 dtype_kind(const struct types *t, struct dtype ty)
{
	if (ty.ptrs)
		return BTF_KIND_PTR;
	return btf_kind(btf_type(t->btf, dtype_plain(t, ty).id));
}

u64 dtype_bytes(const struct types *t, struct dtype ty)
{
	if (ty.ptrs)
		return 8;
	return btf_bytes(t->btf, dtype_plain(t, ty).id);
}

bool dtype_inner(const struct types *t, struct dtype ty, struct dtype *inner)
{
	const struct btf_type *b;

	if (ty.ptrs) {
		*inner = (struct dtype){ ty.id, ty.ptrs - 1 };
		return true;
	}
	b = btf_type(t->btf, dtype_plain(t, ty).id);
	if (btf_kind(b) == BTF_KIND_PTR)
		*inner = (struct dtype){ b->type, 0 };
	else if (btf_kind(b) == BTF_KIND_ARRAY)
		*inner = (struct dtype){ ((const struct btf_array *)(b + 1))->type, 0 };
	else
		return false;
	return true;
}

u32 dtype_elements(const struct types *t, struct dtype ty)
{
	const struct btf_type *b = btf_type(t->btf, dtype_plain(t, ty).id);

	return !ty.ptrs && btf_kind(b) == BTF_KIND_ARRAY ?
		((const struct btf_array *)(b + 1))->nelems : 0;
}

bool dtype_is_signed(const struct types *t, struct dtype ty)
{
	const struct btf_type *b = btf_type(t->btf, dtype_plain(t, ty).id);

	if (ty.ptrs)
		return false;
	switch (btf_kind(b)) {
	case BTF_KIND_INT:
		return BTF_INT_ENCODING(*(const u32 *)(b + 1)) & BTF_INT_SIGNED;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return btf_kflag(b);
	default:
		return false;
	}
}

bool dtype_is_integer(const struct types *t, struct dtype ty)
{
	u32 kind = dtype_kind(t, ty);

	return kind == BTF_KIND_INT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

bool dtype_is_record(const struct types *t, struct dtype ty)
{
	u32 kind = dtype_kind(t, ty);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

bool dtype_is_char(const struct types *t, struct dtype ty)
{
	return dtype_kind(t, ty) == BTF_KIND_INT && dtype_bytes(t, ty) == 1 &&
	       strstr(btf_type_name(t->btf, dtype_plain(t, ty).id), "char");
}

/* ---- texts ---------------------------------------------------------------- */

void dtype_text(struct strbuf *out, const struct types *t, struct dtype ty, const char *name)
{
	struct strbuf stars = { 0 };

	u32 kind = btf_kind(btf_type(t->btf, ty.id));
	bool bound = ty.ptrs && (kind == BTF_KIND_ARRAY || kind == BTF_KIND_FUNC_PROTO);

	sb_puts(&stars, bound ? "(" : "");
	for (u32 i = 0; i < ty.ptrs; i++)
		sb_putc(&stars, '*');
	sb_puts(&stars, name);
	sb_puts(&stars, bound ? ")" : "");
	btf_decl_c(out, t->btf, ty.id, sb_text(&stars));
	while (out->n && out->s[out->n - 1] == ' ')
		out->s[--out->n] = 0;
	sb_free(&stars);
}

void dtype_define(struct strbuf *out, const struct types *t, struct dtype ty)
{
	struct dtype plain = dtype_plain(t, ty);
	struct strbuf stars = { 0 };

	while (dtype_kind(t, plain) == BTF_KIND_PTR && dtype_inner(t, plain, &plain)) {
		sb_putc(&stars, '*');
		plain = dtype_plain(t, plain);
	}
	if (dtype_is_record(t, plain) || dtype_kind(t, plain) == BTF_KIND_ENUM ||
	    dtype_kind(t, plain) == BTF_KIND_ENUM64) {
		size_t from = out->n;

		btf_def_c(out, t->btf, plain.id);
		while (out->n > from && strchr(";\n ", out->s[out->n - 1]))
			out->s[--out->n] = 0;
		if (stars.n)
			sb_printf(out, " %s", sb_text(&stars));
	} else {
		dtype_text(out, t, (struct dtype){ plain.id, 0 }, sb_text(&stars));
	}
	sb_free(&stars);
}

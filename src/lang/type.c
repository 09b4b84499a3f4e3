/* SPDX-License-Identifier: BSD-2-Clause */
/* type.c: making types, equal ones once, and their names. */
#include "lang/type.h"
#include "base/hash.h"

static bool same_fields(const struct ty *a, const struct ty *b)
{
	if (a->nr_fields != b->nr_fields)
		return false;
	for (u32 i = 0; i < a->nr_fields; i++) {
		const char *x = a->fields[i].name, *y = b->fields[i].name;

		if (a->fields[i].ty != b->fields[i].ty || !x != !y || (x && strcmp(x, y)))
			return false;
	}
	return true;
}

static bool same(const struct ty *a, const struct ty *b)
{
	return a->kind == b->kind && a->is_signed == b->is_signed && a->bytes == b->bytes &&
	       a->space == b->space && a->user == b->user && a->of == b->of && a->n == b->n &&
	       a->btf == b->btf && a->id == b->id && a->agg == b->agg &&
	       !memcmp(a->par, b->par, sizeof(a->par)) && same_fields(a, b);
}

static u32 slot_of(const struct ty *t)
{
	const u64 words[] = { t->kind, t->is_signed, t->bytes, t->space, (uintptr_t)t->of, t->n,
			      (uintptr_t)t->btf, t->id, t->nr_fields, (u64)t->par[0] };

	return (u32)(hash_bytes(words, sizeof(words), 1) & 255);
}

const struct ty *ty_make(struct ty_table *t, const struct ty *like)
{
	struct ty **slot = &t->slots[slot_of(like)], *made;

	for (struct ty *old = *slot; old; old = old->hash_next)
		if (same(old, like))
			return old;
	made = arena_copy(t->arena, like, sizeof(*like));
	made->hash_next = *slot;
	*slot = made;
	return made;
}

const struct ty *ty_void(struct ty_table *t)
{
	return ty_make(t, &(struct ty){ .kind = TY_VOID });
}

const struct ty *ty_int(struct ty_table *t, u32 bytes, bool is_signed)
{
	return ty_make(t, &(struct ty){ .kind = TY_INT, .bytes = bytes, .align = bytes,
					.is_signed = is_signed });
}

const struct ty *ty_bool(struct ty_table *t)
{
	return ty_make(t, &(struct ty){ .kind = TY_BOOL, .bytes = 1, .align = 1 });
}

bool ty_holds(const struct ty *t, s64 v)
{
	const u32 bits = 8 * t->bytes;

	if (t->kind == TY_BOOL)
		return v == 0 || v == 1;
	if (bits == 64)
		return t->is_signed || v >= 0;
	return t->is_signed ? v >= -(1ll << (bits - 1)) && v < 1ll << (bits - 1) :
	       v >= 0 && v < 1ll << bits;
}

const struct ty *ty_str(struct ty_table *t, u32 bytes)
{
	return ty_make(t, &(struct ty){ .kind = TY_STR, .bytes = bytes, .align = 1 });
}

const struct ty *ty_buf(struct ty_table *t, u32 bytes)
{
	return ty_make(t, &(struct ty){ .kind = TY_BUF, .bytes = bytes + 4, .align = 4 });
}

const struct ty *ty_ptr(struct ty_table *t, const struct ty *of, enum ty_space space)
{
	return ty_make(t, &(struct ty){ .kind = TY_PTR, .bytes = 8, .align = 8, .of = of,
					.space = space });
}

const struct ty *ty_array(struct ty_table *t, const struct ty *of, u32 n, enum ty_space space)
{
	return ty_make(t, &(struct ty){ .kind = TY_ARRAY, .bytes = of->bytes * n,
					.align = of->align, .of = of, .n = n, .space = space });
}

const struct ty *ty_tuple(struct ty_table *t, const struct ty *const *of,
			  const char *const *names, u32 n)
{
	struct ty_field *fields = arena_news(t->arena, n, struct ty_field);
	struct ty ty = { .kind = names ? TY_RECORD : TY_TUPLE, .fields = fields, .nr_fields = n,
			 .align = 1 };

	for (u32 i = 0; i < n; i++) {
		ty.bytes = (u32)round_up(ty.bytes, of[i]->align ? of[i]->align : 1);
		fields[i] = (struct ty_field){ names ? names[i] : NULL, of[i], ty.bytes };
		ty.bytes += of[i]->bytes;
		ty.align = of[i]->align > ty.align ? of[i]->align : ty.align;
	}
	ty.bytes = (u32)round_up(ty.bytes, ty.align);
	return ty_make(t, &ty);
}

/* ---- types of C ------------------------------------------------------------- */

static const struct ty *int_of(struct ty_table *t, const struct btf_type *b)
{
	const u32 *word = (const u32 *)(b + 1);

	if (b->size > 8)
		return NULL;
	if (BTF_INT_ENCODING(*word) & BTF_INT_BOOL)
		return ty_bool(t);
	return ty_int(t, b->size, BTF_INT_ENCODING(*word) & BTF_INT_SIGNED);
}

static const struct ty *array_of(struct ty_table *t, const struct btf *btf,
				 const struct btf_type *b, enum ty_space space)
{
	const struct btf_array *a = (const struct btf_array *)(b + 1);
	const struct ty *of = ty_btf(t, btf, a->type, space);

	return of && (u64)of->bytes * a->nelems < UINT32_MAX ?
	       ty_array(t, of, a->nelems, space) : NULL;
}

/* Does the kernel say that what ID points to is the user's? */
static bool is_user(const struct btf *btf, u32 id)
{
	const struct btf_type *b = btf_type(btf, id);

	for (; b; b = btf_type(btf, b->type)) {
		const u32 kind = btf_kind(b);

		if (kind == BTF_KIND_TYPE_TAG && !strcmp(btf_str(btf, b->name_off), "user"))
			return true;
		if (kind != BTF_KIND_TYPE_TAG && kind != BTF_KIND_CONST &&
		    kind != BTF_KIND_VOLATILE && kind != BTF_KIND_RESTRICT)
			return false;
	}
	return false;
}

/* What a pointer points to; what the language has no type for is void. */
static const struct ty *ptr_of(struct ty_table *t, const struct btf *btf, u32 id,
			       enum ty_space space)
{
	const u32 to = btf_skip_mods(btf, id);
	const u32 kind = btf_kind(btf_type(btf, to));
	const struct ty *of = NULL;

	if (is_user(btf, id))
		space = SPACE_USER;
	if (to && kind != BTF_KIND_FWD && kind != BTF_KIND_FUNC_PROTO)
		of = ty_btf(t, btf, to, space);
	return ty_ptr(t, of ? of : ty_void(t), space);
}

const struct ty *ty_btf(struct ty_table *t, const struct btf *btf, u32 id, enum ty_space space)
{
	const u32 at = btf_skip_mods(btf, id);
	const struct btf_type *b = btf_type(btf, at);

	while (btf->base && at < btf->first_id)	/* one type is one pointer */
		btf = btf->base;
	switch (btf_kind(b)) {
	case BTF_KIND_INT:
		return int_of(t, b);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return ty_make(t, &(struct ty){ .kind = TY_ENUM, .bytes = b->size, .align = b->size,
						.is_signed = btf_kflag(b), .btf = btf, .id = at });
	case BTF_KIND_PTR:
		return ptr_of(t, btf, b->type, space);
	case BTF_KIND_ARRAY:
		return array_of(t, btf, b, space);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return ty_make(t, &(struct ty){ .kind = TY_CSTRUCT, .bytes = b->size, .align = 8,
						.space = space, .btf = btf, .id = at });
	default:
		return at ? NULL : ty_void(t);
	}
}

/* ---- names ------------------------------------------------------------------ */

static const char *const kind_names[] = {
	[TY_NONE] = "none", [TY_VOID] = "void", [TY_INT] = "int", [TY_BOOL] = "bool",
	[TY_ENUM] = "enum", [TY_STR] = "string", [TY_BUF] = "buffer", [TY_PTR] = "pointer",
	[TY_ARRAY] = "array", [TY_CSTRUCT] = "record", [TY_TUPLE] = "tuple",
	[TY_RECORD] = "record", [TY_INET] = "inet", [TY_MAC] = "mac_address",
	[TY_KSYM] = "ksym", [TY_USYM] = "usym", [TY_STACK] = "stack",
	[TY_CGROUP_PATH] = "cgroup_path", [TY_STRFTIME] = "timestamp", [TY_ERRNO] = "strerror",
	[TY_SYSCALL] = "syscall_name", [TY_SIGNAL] = "signal_name", [TY_USERNAME] = "username",
	[TY_COUNT] = "count_t", [TY_SUM] = "sum_t", [TY_AVG] = "avg_t", [TY_MIN] = "min_t",
	[TY_MAX] = "max_t", [TY_STATS] = "stats_t", [TY_HIST] = "hist_t",
	[TY_LHIST] = "lhist_t", [TY_TSERIES] = "tseries_t",
};

const char *ty_kind_name(enum ty_kind kind)
{
	return kind_names[kind];
}

static void name_fields(struct strbuf *out, const struct ty *t)
{
	sb_putc(out, '(');
	for (u32 i = 0; i < t->nr_fields; i++) {
		if (i)
			sb_putc(out, ',');
		if (t->fields[i].name)
			sb_printf(out, "%s=", t->fields[i].name);
		ty_name(out, t->fields[i].ty);
	}
	sb_putc(out, ')');
}

static void name_c(struct strbuf *out, const struct ty *t)
{
	const bool is_union = btf_kind(btf_type(t->btf, t->id)) == BTF_KIND_UNION;

	sb_printf(out, "%s %s", t->kind == TY_ENUM ? "enum" : is_union ? "union" : "struct",
		  btf_type_name(t->btf, t->id));
}

void ty_name(struct strbuf *out, const struct ty *t)
{
	switch (t->kind) {
	case TY_INT:
		sb_printf(out, "%sint%u", t->is_signed ? "" : "u", t->bytes * 8);
		break;
	case TY_STR:
		sb_printf(out, "string[%u]", t->bytes);
		break;
	case TY_BUF:
		sb_printf(out, "buffer[%u]", t->bytes - 4);
		break;
	case TY_PTR:
		ty_name(out, t->of);
		sb_puts(out, " *");
		break;
	case TY_ARRAY:
		ty_name(out, t->of);
		sb_printf(out, "[%u]", t->n);
		break;
	case TY_ENUM:
	case TY_CSTRUCT:
		name_c(out, t);
		break;
	case TY_TUPLE:
	case TY_RECORD:
		name_fields(out, t);
		break;
	case TY_STACK:
		sb_puts(out, t->user ? "ustack" : "kstack");
		break;
	default:
		sb_puts(out, kind_names[t->kind]);
	}
}

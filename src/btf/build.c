/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c: BTF as it grows: types as words in the order of their numbers, each
 * string once. Takes what it is given; dedup.c makes equal types one.
 */
#include "btf/build.h"

enum { WORD = sizeof(u32), BIT_OFF_BITS = 24 };

void btf_build_open_split(struct btf_build *b, struct arena *arena,
			  const struct btf *base)
{
	*b = (struct btf_build){
		.arena = arena, .base = base, .names = { .arena = arena },
		.first_id = base ? base->nr_types : 1,
		.first_string = base ? base->string_bytes : 0,
	};
	if (!base)
		btf_build_str(b, "");
	for (u32 off = 0; off < b->first_string;) {
		const char *s = btf_str(base, off);
		u32 old;

		if (!strtab_get(&b->names, s, &old))
			strtab_put(&b->names, s, off);
		off += (u32)strlen(s) + 1;
	}
}

void btf_build_open(struct btf_build *b, struct arena *arena)
{
	btf_build_open_split(b, arena, NULL);
}

void btf_build_free(struct btf_build *b)
{
	sb_free(&b->types);
	sb_free(&b->strings);
	vec_free(&b->offs);
}

u32 btf_build_str(struct btf_build *b, const char *s)
{
	u32 off;

	if (strtab_get(&b->names, s, &off))
		return off;
	off = b->first_string + (u32)b->strings.n;
	sb_add(&b->strings, s, strlen(s) + 1);
	strtab_put(&b->names, s, off);
	return off;
}

/* ---- the words of a type ------------------------------------------------ */

/* Records behind the head: FIRST word, STRIDE words each; which of them are a
 * name and a type (-1: none). REF: the third word of the head is a type. */
struct shape { u8 first, stride; s8 name, type; bool ref; };

static struct shape shape_of(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (struct shape){ 3, 3, 0, 1, false };
	case BTF_KIND_ENUM:
		return (struct shape){ 3, 2, 0, -1, false };
	case BTF_KIND_ENUM64:
		return (struct shape){ 3, 3, 0, -1, false };
	case BTF_KIND_FUNC_PROTO:
		return (struct shape){ 3, 2, 0, 1, true };
	case BTF_KIND_DATASEC:
		return (struct shape){ 3, 3, -1, 0, false };
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
	case BTF_KIND_ARRAY:
		return (struct shape){ 3, 0, -1, -1, false };
	default:
		return (struct shape){ 3, 0, -1, -1, true };
	}
}

u32 btf_build_words(const struct btf_type *t)
{
	struct shape s = shape_of(t);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return 6;
	default:
		return 3 + s.stride * (s.stride ? btf_vlen(t) : 0);
	}
}

void btf_build_walk(u32 *w, btf_word_fn *name, btf_word_fn *type, void *arg)
{
	const struct btf_type *t = (const void *)w;
	struct shape s = shape_of(t);
	u32 n = s.stride ? btf_vlen(t) : 0;

	if (name)
		w[0] = name(arg, w[0]);
	if (type && s.ref)
		w[2] = type(arg, w[2]);
	for (u32 i = 0; type && btf_kind(t) == BTF_KIND_ARRAY && i < 2; i++)
		w[3 + i] = type(arg, w[3 + i]);
	for (u32 i = 0; i < n; i++) {
		u32 *r = w + s.first + i * s.stride;

		if (name && s.name >= 0)
			r[s.name] = name(arg, r[s.name]);
		if (type && s.type >= 0)
			r[s.type] = type(arg, r[s.type]);
	}
}

/* ---- adding ----------------------------------------------------------------- */

struct copy { struct btf_build *b; const struct btf *from; const u32 *ids; };

static u32 copy_name(void *arg, u32 off)
{
	struct copy *c = arg;

	return btf_build_str(c->b, btf_str(c->from, off));
}

static u32 copy_id(void *arg, u32 id)
{
	return ((struct copy *)arg)->ids[id];
}

void btf_build_copy(struct btf_build *b, const struct btf *from, u32 id, const u32 *ids)
{
	struct copy c = { b, from, ids };
	const struct btf_type *t = btf_type(from, id);

	*vec_push(&b->offs) = (u32)b->types.n;
	sb_add(&b->types, t, btf_build_words(t) * WORD);
	btf_build_walk((u32 *)(void *)(b->types.s + b->offs.v[b->offs.n - 1]),
		       copy_name, copy_id, &c);
}

void btf_build_add(struct btf_build *b, const struct btf *from, u32 *ids)
{
	u32 next = btf_build_next(b);

	ids[0] = 0;
	for (u32 id = 1; id < from->nr_types; id++)
		ids[id] = btf_kind(btf_type(from, id)) == BTF_KIND_DATASEC ? 0 : next++;
	for (u32 id = 1; id < from->nr_types; id++)
		if (ids[id])
			btf_build_copy(b, from, id, ids);
}

/* ---- one by one --------------------------------------------------------------- */

static u32 begin(struct btf_build *b, const char *name, u32 kind, u32 size_or_type)
{
	struct btf_type t = {
		.name_off = btf_build_str(b, name), .info = kind << 24,
		.size = size_or_type,
	};

	*vec_push(&b->offs) = (u32)b->types.n;
	sb_add(&b->types, &t, sizeof(t));
	return btf_build_next(b) - 1;
}

static void word(struct btf_build *b, u32 w)
{
	sb_add(&b->types, &w, WORD);
}

static struct btf_type *last(struct btf_build *b)
{
	return (struct btf_type *)(void *)(b->types.s + b->offs.v[b->offs.n - 1]);
}

/* Counts a record of the last type; false when there are too many. */
static bool count_one(struct btf_build *b)
{
	struct btf_type *t = last(b);

	if (btf_vlen(t) == BTF_MAX_VLEN)
		return false;
	t->info++;
	return true;
}

u32 btf_build_int(struct btf_build *b, const char *name, u32 bytes, u32 encoding)
{
	u32 id = begin(b, name, BTF_KIND_INT, bytes);

	word(b, encoding << 24 | bytes * 8);
	return id;
}

u32 btf_build_float(struct btf_build *b, const char *name, u32 bytes)
{
	return begin(b, name, BTF_KIND_FLOAT, bytes);
}

u32 btf_build_ref(struct btf_build *b, u32 kind, const char *name, u32 type)
{
	return begin(b, name, kind, type);
}

u32 btf_build_array(struct btf_build *b, u32 type, u32 index, u32 n)
{
	u32 id = begin(b, "", BTF_KIND_ARRAY, 0);

	word(b, type);
	word(b, index);
	word(b, n);
	return id;
}

u32 btf_build_fwd(struct btf_build *b, const char *name, bool is_union)
{
	u32 id = begin(b, name, BTF_KIND_FWD, 0);

	last(b)->info |= (u32)is_union << 31;
	return id;
}

u32 btf_build_record(struct btf_build *b, const char *name, bool is_union, u32 bytes)
{
	return begin(b, name, is_union ? BTF_KIND_UNION : BTF_KIND_STRUCT, bytes);
}

/* The first bit field changes what offsets mean; below 2^24 their words stay. */
static bool make_bit_fields(struct btf_build *b)
{
	struct btf_type *t = last(b);
	const struct btf_member *m = (const void *)(t + 1);

	for (u32 i = 0; !btf_kflag(t) && i < btf_vlen(t); i++)
		if (m[i].offset >> BIT_OFF_BITS)
			return false;
	t->info |= 1u << 31;
	return true;
}

bool btf_build_member(struct btf_build *b, const char *name, u32 type,
		      u64 bit_off, u32 bit_size)
{
	bool bits = bit_size || btf_kflag(last(b));

	if (bit_off >> (bits ? BIT_OFF_BITS : 32) || bit_size > UINT8_MAX ||
	    (bit_size && !make_bit_fields(b)) || !count_one(b))
		return false;
	word(b, btf_build_str(b, name));
	word(b, type);
	word(b, bit_size << BIT_OFF_BITS | (u32)bit_off);
	return true;
}

u32 btf_build_enum(struct btf_build *b, const char *name, u32 bytes, bool is_signed)
{
	u32 id = begin(b, name, bytes == 8 ? BTF_KIND_ENUM64 : BTF_KIND_ENUM, bytes);

	last(b)->info |= (u32)is_signed << 31;
	return id;
}

bool btf_build_value(struct btf_build *b, const char *name, u64 value)
{
	bool wide = btf_kind(last(b)) == BTF_KIND_ENUM64;

	if (!count_one(b))
		return false;
	word(b, btf_build_str(b, name));
	word(b, (u32)value);
	if (wide)
		word(b, (u32)(value >> 32));
	return true;
}

u32 btf_build_proto(struct btf_build *b, u32 returns)
{
	return begin(b, "", BTF_KIND_FUNC_PROTO, returns);
}

bool btf_build_param(struct btf_build *b, const char *name, u32 type)
{
	if (!count_one(b))
		return false;
	word(b, btf_build_str(b, name));
	word(b, type);
	return true;
}

u32 btf_build_func(struct btf_build *b, const char *name, u32 proto, u32 linkage)
{
	u32 id = begin(b, name, BTF_KIND_FUNC, proto);

	last(b)->info |= linkage;
	return id;
}

u32 btf_build_var(struct btf_build *b, const char *name, u32 type, u32 linkage)
{
	u32 id = begin(b, name, BTF_KIND_VAR, type);

	word(b, linkage);
	return id;
}

void btf_build_extern(struct btf_build *b, u32 id)
{
	struct btf_type *t = (void *)(b->types.s + b->offs.v[id - b->first_id]);

	((struct btf_var *)(t + 1))->linkage = BTF_VAR_GLOBAL_EXTERN;
}

u32 btf_build_tag(struct btf_build *b, const char *name, u32 type, s32 component)
{
	u32 id = begin(b, name, BTF_KIND_DECL_TAG, type);

	word(b, (u32)component);
	return id;
}

u32 btf_build_datasec(struct btf_build *b, const char *name, u32 bytes,
		      const struct btf_var_secinfo *vars, u32 n)
{
	u32 id = begin(b, name, BTF_KIND_DATASEC, bytes);

	last(b)->info |= n;
	sb_add(&b->types, vars, n * sizeof(*vars));
	return id;
}

void btf_build_write(const struct btf_build *b, struct strbuf *out)
{
	struct btf_header h = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h),
		.type_len = (u32)b->types.n, .str_off = (u32)b->types.n,
		.str_len = (u32)b->strings.n,
	};

	sb_add(out, &h, sizeof(h));
	sb_add(out, b->types.s, b->types.n);
	sb_add(out, b->strings.s, b->strings.n);
}

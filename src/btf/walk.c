/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.c: questions to a parsed struct btf. None of them can fail to end, not
 * even for types that were never checked.
 */
#include "btf/btf.h"

/* Links that are followed: 64 levels in a BTF, as many in its base, rounded up. */
enum { MAX_CHAIN = 256 };

const struct btf_type *btf_type(const struct btf *btf, u32 id)
{
	static const struct btf_type void_type;

	if (unlikely(id >= btf->nr_types))
		return NULL;
	while (id < btf->first_id) {
		if (!btf->base)
			return &void_type;
		btf = btf->base;
	}
	return btf_own(btf, id - btf->first_id);
}

const char *btf_str(const struct btf *btf, u32 off)
{
	if (unlikely(off >= btf->string_bytes))
		return "";
	while (off < btf->first_string)
		btf = btf->base;
	return btf->strings + (off - btf->first_string);
}

const char *btf_type_name(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	return t ? btf_str(btf, t->name_off) : "";
}

static bool is_mod(u32 kind)
{
	return kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_CONST ||
	       kind == BTF_KIND_VOLATILE || kind == BTF_KIND_RESTRICT ||
	       kind == BTF_KIND_TYPE_TAG;
}

u32 btf_skip_mods(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	for (int i = 0; t && is_mod(btf_kind(t)); i++) {
		if (i == MAX_CHAIN)
			return 0;
		id = t->type;
		t = btf_type(btf, id);
	}
	return id;
}

/* N values of SIZE bytes; what overflows was refused by check.c. */
static s64 product(s64 n, u32 size)
{
	s64 bytes;

	return __builtin_mul_overflow(n, (s64)size, &bytes) ? INT64_MAX : bytes;
}

static const struct btf_array *array_of(const struct btf_type *t)
{
	return (const void *)(t + 1);
}

s64 btf_size(const struct btf *btf, u32 id)
{
	s64 n = 1;

	for (int i = 0; i < MAX_CHAIN; i++) {
		const struct btf_type *t = btf_type(btf, id);

		switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			return product(n, t->size);
		case BTF_KIND_PTR:
			return product(n, btf->addr_bytes);
		case BTF_KIND_ARRAY:
			n = product(n, array_of(t)->nelems);
			id = array_of(t)->type;
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
		case BTF_KIND_VAR:
			id = t->type;
			break;
		default:
			return -ENOENT;
		}
	}
	return -ENOENT;
}

u64 btf_bytes(const struct btf *btf, u32 id)
{
	s64 size = btf_size(btf, id);

	return size < 0 ? 0 : (u64)size;
}

/* A bit field of the old encoding: an int of fewer bits than its bytes have. */
static u32 int_bits(const struct btf *btf, u32 id, u32 *off)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));
	u32 v;

	if (!t || btf_kind(t) != BTF_KIND_INT)
		return 0;
	v = *(const u32 *)(t + 1);
	*off += BTF_INT_OFFSET(v);
	return BTF_INT_BITS(v) == t->size * 8 ? 0 : BTF_INT_BITS(v);
}

struct btf_member_info btf_member(const struct btf *btf,
				  const struct btf_type *t, u32 i)
{
	const struct btf_member *m = (const struct btf_member *)(t + 1) + i;
	struct btf_member_info info = {
		.name = btf_str(btf, m->name_off),
		.type_id = m->type,
		.bit_off = m->offset,
	};

	if (btf_kflag(t)) {
		info.bit_off = BTF_MEMBER_BIT_OFFSET(m->offset);
		info.bit_size = BTF_MEMBER_BITFIELD_SIZE(m->offset);
	}
	if (!info.bit_size)
		info.bit_size = int_bits(btf, m->type, &info.bit_off);
	if (!info.bit_size && info.bit_off % 8)
		info.bit_size = (u32)min_u64(btf_bytes(btf, m->type) * 8, 128);
	return info;
}

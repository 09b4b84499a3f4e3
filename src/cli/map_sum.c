/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_sum.c: values of per-cpu maps as one: numbers are added, also those of bit-fields and
 * in structs and arrays. Which values that says all of: those that hold nothing else.
 * Text, enums, pointers and bytes without a type have no sum; never is one made up.
 */
#include "cli/run.h"

struct parts { const struct btf *btf; u64 budget; };

static bool is_word(u64 bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

/* BUDGET bounds the parts: empty structs can hold any number of each other. */
static bool spend(struct parts *p) { return p->budget && p->budget--; }

static struct parts parts_of(const struct btf *btf, u32 bytes)
{
	return (struct parts){ btf, 65536 + bytes * 16ull };
}

/* ---- which have one ---------------------------------------------------------- */

static bool is_char(const struct btf *btf, u32 id)
{
	id = btf_skip_mods(btf, id);
	return btf_kind(btf_type(btf, id)) == BTF_KIND_INT &&
	       !strcmp(btf_type_name(btf, id), "char");
}

static bool can_add(struct parts *p, u32 id);

static bool can_add_members(struct parts *p, const struct btf_type *t)
{
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (!can_add(p, btf_member(p->btf, t, i).type_id))
			return false;
	return true;
}

static bool can_add(struct parts *p, u32 id)
{
	const struct btf_type *t = btf_type(p->btf, id = btf_skip_mods(p->btf, id));
	const struct btf_array *a = (const struct btf_array *)(t + 1);

	if (!spend(p))
		return false;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return is_word(t->size) &&
		       !(BTF_INT_ENCODING(*(const u32 *)(t + 1)) & (BTF_INT_BOOL | BTF_INT_CHAR));
	case BTF_KIND_STRUCT: return can_add_members(p, t);
	case BTF_KIND_ARRAY: return !is_char(p->btf, a->type) && can_add(p, a->type);
	default: return false;
	}
}

bool map_sum_can(const struct btf *btf, u32 type, u32 bytes)
{
	struct parts p = parts_of(btf, bytes);

	return btf && type ? can_add(&p, type) : is_word(bytes);
}

/* ---- sums -------------------------------------------------------------------- */

static void add_int(u8 *sum, const u8 *v, u64 bytes)
{
	u64 a = 0, b = 0;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy((u8 *)&a + 8 - bytes, sum, bytes);
	memcpy((u8 *)&b + 8 - bytes, v, bytes);
	a += b;
	memcpy(sum, (u8 *)&a + 8 - bytes, bytes);
#else
	memcpy(&a, sum, bytes);
	memcpy(&b, v, bytes);
	a += b;
	memcpy(sum, &a, bytes);
#endif
}

/* Where in memory, and in which bit there, is bit I (0: the lowest) of the N from OFF on? */
static u32 bit_at(u32 off, u32 n, u32 i, u32 *byte)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	const u32 at = off + n - 1 - i;

	*byte = at / 8;
	return 7 - at % 8;
#else
	(void)n;
	*byte = (off + i) / 8;
	return (off + i) % 8;
#endif
}

static void add_bits(u8 *sum, const u8 *v, u32 off, u32 bits)
{
	u32 carry = 0;

	for (u32 i = 0; i < bits; i++) {
		u32 byte, bit = bit_at(off, bits, i, &byte);
		const u32 n = (sum[byte] >> bit & 1u) + (v[byte] >> bit & 1u) + carry;

		sum[byte] = (u8)((sum[byte] & ~(1u << bit)) | (n & 1) << bit);
		carry = n >> 1;
	}
}

/* What has no sum keeps the first that is other than 0. */
static void keep_first(u8 *sum, const u8 *v, u64 bytes)
{
	for (u64 i = 0; i < bytes; i++)
		if (sum[i])
			return;
	memcpy(sum, v, bytes);
}

static void add_typed(struct parts *p, u32 id, u8 *sum, const u8 *v);

static void add_members(struct parts *p, const struct btf_type *t, u8 *sum, const u8 *v)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member_info m = btf_member(p->btf, t, i);
		const u32 id = btf_skip_mods(p->btf, m.type_id);

		if (!m.bit_size)
			add_typed(p, id, sum + m.bit_off / 8, v + m.bit_off / 8);
		else if (btf_kind(btf_type(p->btf, id)) == BTF_KIND_INT)
			add_bits(sum, v, m.bit_off, m.bit_size);
	}
}

static void add_typed(struct parts *p, u32 id, u8 *sum, const u8 *v)
{
	const struct btf_type *t = btf_type(p->btf, id = btf_skip_mods(p->btf, id));
	const struct btf_array *a = (const struct btf_array *)(t + 1);
	u64 size;

	if (!spend(p))
		return;
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		add_members(p, t, sum, v);
		break;
	case BTF_KIND_ARRAY:
		size = btf_bytes(p->btf, a->type);
		for (u64 i = 0; size && i < a->nelems; i++)
			add_typed(p, a->type, sum + i * size, v + i * size);
		break;
	case BTF_KIND_INT:
		if (is_word(t->size)) {
			add_int(sum, v, t->size);
			break;
		}
		/* fallthrough */
	default:
		keep_first(sum, v, btf_bytes(p->btf, id));
	}
}

void map_sum_add(const struct btf *btf, u32 type, u8 *sum, const u8 *v, u32 bytes)
{
	struct parts p = parts_of(btf, bytes);

	if (btf && type && btf_bytes(btf, type) <= bytes)
		add_typed(&p, type, sum, v);
	else if (is_word(bytes))
		add_int(sum, v, bytes);
	else
		keep_first(sum, v, bytes);
}

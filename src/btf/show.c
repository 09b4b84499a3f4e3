/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show.c: bytes of a known type as JSON, in the shapes that `bpftool map dump`
 * prints. Never reads outside the bytes it was given: what is missing is left
 * out. The number of values is bounded by the bytes, so that types that repeat
 * nothing a million times over print nothing.
 */
#include "btf/btf.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct show {
	struct json *j;
	const struct btf *btf;
	const u8 *data;
	u64 bytes;
	unsigned flags;
	u64 budget;	/* values that may still be printed */
	const struct btf_show_as *as;
};

static void show(struct show *s, const char *key, u32 id, u64 off);

static bool has(const struct show *s, u64 off, u64 bytes)
{
	return in_bounds(off, bytes, s->bytes);
}

/* ---- numbers -------------------------------------------------------------- */

struct bits { u64 lo, hi; };

/* BITS bits that begin at bit OFF, in the machine's order of bits. */
static struct bits load_bits(const u8 *data, u64 off, u32 bits)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	struct bits v = { 0, 0 };

	for (u32 i = 0; i < bits; i++) {
		u64 at = off + (little ? bits - 1 - i : i);
		u8 bit = data[at / 8] >> (little ? at % 8 : 7 - at % 8) & 1;

		v.hi = v.hi << 1 | v.lo >> 63;
		v.lo = v.lo << 1 | bit;
	}
	return v;
}

static u64 load(const u8 *data, u64 bytes)
{
	u64 v = 0;
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	for (u64 i = 0; i < bytes; i++)
		v = v << 8 | data[little ? bytes - 1 - i : i];
	return v;
}

static s64 sign_extend(u64 v, u32 bits)
{
	u64 top = 1ull << (bits - 1);

	return (s64)((v ^ top) - top);
}

static void show_wide(struct show *s, const char *key, struct bits v)
{
	char buf[40];

	if (v.hi)
		snprintf(buf, sizeof(buf), "0x%llx%016llx",
			 (unsigned long long)v.hi, (unsigned long long)v.lo);
	else
		snprintf(buf, sizeof(buf), "0x%llx", (unsigned long long)v.lo);
	json_str(s->j, key, buf);
}

static u32 int_encoding(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_INT ?
		BTF_INT_ENCODING(*(const u32 *)(t + 1)) : 0;
}

/* V has BITS bits (at most 64) and the encoding of T. */
static void show_number(struct show *s, const char *key,
			const struct btf_type *t, u64 v, u32 bits)
{
	u32 enc = int_encoding(t);
	char c = (char)v;

	if (enc == BTF_INT_BOOL && v <= 1)
		json_bool(s->j, key, v);
	else if (enc == BTF_INT_CHAR && bits == 8 && v >= ' ' && v < 0x7f)
		json_strn(s->j, key, &c, 1);
	else if (enc & BTF_INT_SIGNED)
		json_s64(s->j, key, sign_extend(v, bits));
	else
		json_u64(s->j, key, v);
}

static void show_int(struct show *s, const char *key, const struct btf_type *t, u64 off)
{
	if (t->size > 8)
		show_wide(s, key, load_bits(s->data, off * 8, t->size * 8));
	else
		show_number(s, key, t, load(s->data + off, t->size), t->size * 8);
}

static const char *enum_name(const struct btf *btf, const struct btf_type *t, u64 v)
{
	u64 mask = t->size >= 4 ? UINT32_MAX : (1ull << t->size * 8) - 1;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;

		if ((((u64)(s64)e->val ^ v) & mask) == 0)
			return btf_str(btf, e->name_off);
	}
	return NULL;
}

static const char *enum64_name(const struct btf *btf, const struct btf_type *t, u64 v)
{
	u64 mask = t->size >= 8 ? ~0ull : (1ull << t->size * 8) - 1;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum64 *e = (const struct btf_enum64 *)(t + 1) + i;
		u64 val = (u64)e->val_hi32 << 32 | e->val_lo32;

		if (((val ^ v) & mask) == 0)
			return btf_str(btf, e->name_off);
	}
	return NULL;
}

static void show_enum(struct show *s, const char *key, const struct btf_type *t, u64 off)
{
	u64 v = load(s->data + off, t->size);
	const char *name = btf_kind(t) == BTF_KIND_ENUM ?
		enum_name(s->btf, t, v) : enum64_name(s->btf, t, v);

	if (name)
		json_str(s->j, key, name);
	else if (btf_kflag(t))
		json_s64(s->j, key, sign_extend(v, t->size * 8));
	else
		json_u64(s->j, key, v);
}

/* Six places, as bpftool; more where they would not read back to the same. */
static void show_fraction(struct show *s, const char *key, double d, u32 bytes)
{
	char buf[40];
	int n = snprintf(buf, sizeof(buf), "%.6f", d);
	double back = n < (int)sizeof(buf) ? strtod(buf, NULL) : 0;

	if (n >= (int)sizeof(buf) || (bytes == 4 ? (float)back != (float)d : back != d))
		snprintf(buf, sizeof(buf), bytes == 4 ? "%.9g" : "%.17g", d);
	json_raw(s->j, key, buf);
}

static void show_float(struct show *s, const char *key, const struct btf_type *t, u64 off)
{
	double d = 0;
	float f;

	if (t->size == 4) {
		memcpy(&f, s->data + off, sizeof(f));
		d = (double)f;
	} else if (t->size == 8) {
		memcpy(&d, s->data + off, sizeof(d));
	} else {
		show_wide(s, key, load_bits(s->data, off * 8, t->size * 8));
		return;
	}
	if (d - d == 0)	/* neither infinite nor no number */
		show_fraction(s, key, d, t->size);
	else
		json_str(s->j, key, d != d ? "nan" : d > 0 ? "inf" : "-inf");
}

static void show_pointer(struct show *s, const char *key, u64 off)
{
	show_wide(s, key, (struct bits){ load(s->data + off, 8), 0 });
}

/* ---- addresses --------------------------------------------------------------- */

void btf_show_address(struct json *j, const char *key, const u8 *a, u64 bytes)
{
	char buf[INET6_ADDRSTRLEN];

	if (bytes == 6)
		snprintf(buf, sizeof(buf), "%02x:%02x:%02x:%02x:%02x:%02x",
			 a[0], a[1], a[2], a[3], a[4], a[5]);
	else
		inet_ntop(bytes == 4 ? AF_INET : AF_INET6, a, buf, sizeof(buf));
	json_str(j, key, buf);
}

static void show_address(struct show *s, const char *key, u64 off, u64 bytes)
{
	btf_show_address(s->j, key, s->data + off, bytes);
}

/* Did the caller say that what is called NAME is an address? */
static bool is_named(const struct show *s, const char *name, u64 bytes)
{
	if (!name || (bytes != 4 && bytes != 6 && bytes != 16))
		return false;
	for (size_t i = 0; i < s->as->nr; i++)
		if (!strcmp(s->as->names[i], name))
			return true;
	return false;
}

static bool is_char(const struct btf *btf, u32 id)
{
	return int_encoding(btf_type(btf, id)) == BTF_INT_CHAR ||
	       !strcmp(btf_type_name(btf, id), "char");
}

/* An array of unsigned bytes that holds an address, by length and by name. */
static bool is_address(const struct show *s, u32 elem, u32 n, const char *name)
{
	if (s->flags & BTF_SHOW_NET && !is_char(s->btf, elem))
		return n == 4 || n == 6 || n == 16;
	return n == 6 && name &&
	       (!strcmp(name, "h_dest") || !strcmp(name, "h_source"));
}

/* An integer of four bytes at OFF, which the whole value's first four bytes
 * are not: those are an LPM key's prefix length. */
static bool is_net_int(const struct show *s, const struct btf_type *t, u64 off)
{
	return s->flags & BTF_SHOW_NET && t->size == 4 && off;
}

/* Does ID reach its type through a typedef called NAME? */
static bool is_typedef(const struct btf *btf, u32 id, const char *name)
{
	u32 end = btf_skip_mods(btf, id);

	for (; id != end; id = btf_type(btf, id)->type)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_TYPEDEF &&
		    !strcmp(btf_type_name(btf, id), name))
			return true;
	return false;
}

/* ---- what contains others -------------------------------------------------------- */

static void show_bits(struct show *s, const struct btf_member_info *m, u64 off)
{
	const struct btf_type *t = btf_type(s->btf, btf_skip_mods(s->btf, m->type_id));
	u64 bit = off * 8 + m->bit_off;
	struct bits v;

	if (!has(s, 0, (bit + m->bit_size + 7) / 8))
		return;
	v = load_bits(s->data, bit, m->bit_size);
	if (m->bit_size > 64)
		show_wide(s, m->name, v);
	else if (btf_kflag(t) && btf_kind(t) == BTF_KIND_ENUM)
		json_s64(s->j, m->name, sign_extend(v.lo, m->bit_size));
	else
		show_number(s, m->name, t, v.lo, m->bit_size);
}

static bool is_compound(const struct show *s, u32 id)
{
	u32 kind = btf_kind(btf_type(s->btf, id));

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

/* Members of anonymous members stand among those around them, as in C. */
static void show_members(struct show *s, u32 id, u64 off)
{
	const struct btf_type *t = btf_type(s->btf, id);

	for (u32 i = 0; i < btf_vlen(t) && s->budget; i++) {
		struct btf_member_info m = btf_member(s->btf, t, i);
		u32 end = btf_skip_mods(s->btf, m.type_id);

		s->budget--;
		if (m.bit_size)
			show_bits(s, &m, off);
		else if (!*m.name && is_compound(s, end))
			show_members(s, end, off + m.bit_off / 8);
		else
			show(s, m.name, m.type_id, off + m.bit_off / 8);
	}
}

static void show_struct(struct show *s, const char *key, u32 id, u64 off)
{
	const struct btf_type *t = btf_type(s->btf, id);

	if (!strcmp(btf_type_name(s->btf, id), "in6_addr") && t->size == 16 &&
	    has(s, off, 16)) {
		show_address(s, key, off, 16);
		return;
	}
	json_obj(s->j, key);
	show_members(s, id, off);
	json_obj_end(s->j);
}

/* Length of the text at OFF, or -1: no NUL, or bytes that do not print. */
static s64 text_len(const struct show *s, u64 off, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (!s->data[off + i])
			return i;
		if (s->data[off + i] < ' ' || s->data[off + i] >= 0x7f)
			return -1;
	}
	return -1;
}

static bool show_bytes(struct show *s, const char *key, u32 elem, u32 n, u64 off)
{
	s64 len;

	if (btf_kind(btf_type(s->btf, elem)) != BTF_KIND_INT ||
	    btf_type(s->btf, elem)->size != 1 || !has(s, off, n))
		return false;
	if (is_address(s, elem, n, key)) {
		show_address(s, key, off, n);
		return true;
	}
	len = is_char(s->btf, elem) ? text_len(s, off, n) : -1;
	if (len >= 0)
		json_strn(s->j, key, (const char *)s->data + off, (size_t)len);
	return len >= 0;
}

static void show_array(struct show *s, const char *key, const struct btf_type *t, u64 off)
{
	const struct btf_array *a = (const void *)(t + 1);
	u64 size = btf_bytes(s->btf, a->type);

	if (show_bytes(s, key, btf_skip_mods(s->btf, a->type), a->nelems, off))
		return;
	json_arr(s->j, key);
	for (u32 i = 0; size && i < a->nelems && s->budget; i++, off += size) {
		if (!has(s, off, size))
			break;
		s->budget--;
		show(s, NULL, a->type, off);
	}
	json_arr_end(s->j);
}

/* {"section": [{"variable": value}, ...]} */
static void show_datasec(struct show *s, const char *key, u32 id, u64 off)
{
	const struct btf_type *t = btf_type(s->btf, id);
	const struct btf_var_secinfo *v = (const void *)(t + 1);

	json_obj(s->j, key);
	json_arr(s->j, btf_type_name(s->btf, id));
	for (u32 i = 0; i < btf_vlen(t) && s->budget; i++) {
		s->budget--;
		json_obj(s->j, NULL);
		show(s, btf_type_name(s->btf, v[i].type), v[i].type,
		     off + v[i].offset);
		json_obj_end(s->j);
	}
	json_arr_end(s->j);
	json_obj_end(s->j);
}

/* ---- any type ----------------------------------------------------------------- */

static void show_scalar(struct show *s, const char *key, u32 id, u64 off, bool net)
{
	const struct btf_type *t = btf_type(s->btf, id);

	if (!has(s, off, btf_bytes(s->btf, id)))
		return;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		if (net || is_net_int(s, t, off))
			show_address(s, key, off, 4);
		else
			show_int(s, key, t, off);
		return;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		show_enum(s, key, t, off);
		return;
	case BTF_KIND_FLOAT:
		show_float(s, key, t, off);
		return;
	case BTF_KIND_PTR:
		if (s->as->pointer)
			s->as->pointer(s->as->arg, s->j, key, s->btf, id, load(s->data + off, 8));
		else
			show_pointer(s, key, off);
		return;
	default:
		json_none(s->j, key);
	}
}

/* Recursion is bounded: types nest at most as deep as parse.c lets them. */
static void show(struct show *s, const char *key, u32 id, u64 off)
{
	u32 end = btf_skip_mods(s->btf, id);
	const struct btf_type *t = btf_type(s->btf, end);

	if (btf_bytes(s->btf, end) && off >= s->bytes)
		return;
	if (is_named(s, key, btf_bytes(s->btf, end)) && has(s, off, btf_bytes(s->btf, end))) {
		show_address(s, key, off, btf_bytes(s->btf, end));
		return;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		show_struct(s, key, end, off);
		return;
	case BTF_KIND_ARRAY:
		show_array(s, key, t, off);
		return;
	case BTF_KIND_VAR:
		show(s, key, t->type, off);
		return;
	case BTF_KIND_DATASEC:
		show_datasec(s, key, end, off);
		return;
	default:
		show_scalar(s, key, end, off, btf_bytes(s->btf, end) == 4 &&
			    is_typedef(s->btf, id, "__be32"));
	}
}

void btf_show_json(struct json *j, const char *key, const struct btf *btf,
		   u32 type_id, const void *data, size_t bytes, unsigned flags)
{
	btf_show_json_as(j, key, btf, type_id, data, bytes,
			 &(struct btf_show_as){ .flags = flags });
}

void btf_show_json_as(struct json *j, const char *key, const struct btf *btf, u32 type_id,
		      const void *data, size_t bytes, const struct btf_show_as *as)
{
	struct show s = {
		.j = j, .btf = btf, .data = data, .bytes = bytes,
		.flags = as->flags, .as = as, .budget = 65536 + (u64)bytes * 16,
	};

	if (type_id >= btf->nr_types)
		json_none(j, key);
	else
		show(&s, key, type_id, 0);
}

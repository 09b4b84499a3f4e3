/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * set.c: initial values of global variables, by name and as text: "limit" and
 * "0x10", "cfg.ports[2]" and "80", "mode" and "MODE_FAST". BTF says what a
 * value may be. Changes nothing but the image's initial map contents.
 */
#include "obj/obj.h"
#include "base/vec.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct place {
	struct image *img;
	struct image_map *map;
	const char *path;	/* all of it, for messages */
	const char *at;		/* what is still to be followed */
	u32 type_id;
	u64 off;
	u32 bit_off, bit_size;	/* within the byte at OFF; 0 no bit field */
	struct skep_err *err;
};

static int set_bad(const struct place *p, const char *value, const char *why)
{
	struct strbuf type = { 0 };
	int ret;

	btf_decl_c(&type, p->img->btf, p->type_id, "");
	ret = err_set(p->err, ERR_GLOBAL, p->img->file, "'%s' is of type %s; '%.60s' %s",
		      p->path, sb_text(&type), value, why);
	sb_free(&type);
	return ret;
}

/* ---- where ------------------------------------------------------------------- */

/* Calls F for each variable until it returns true. */
static bool each_var(const struct image *img,
		     bool (*f)(void *arg, u32 map, const struct btf_var_secinfo *v), void *arg)
{
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];
		const struct btf_type *t;

		if (m->kind == IMAGE_MAP_USER || !m->value_type || !strcmp(m->name, ".kconfig"))
			continue;
		t = btf_type(img->btf, m->value_type);
		if (btf_kind(t) != BTF_KIND_DATASEC)
			continue;
		for (u32 k = 0; k < btf_vlen(t); k++)
			if (f(arg, i, (const struct btf_var_secinfo *)(t + 1) + k))
				return true;
	}
	return false;
}

static bool is_var(void *arg, u32 map, const struct btf_var_secinfo *v)
{
	struct place *p = arg;
	const char *name = btf_type_name(p->img->btf, v->type);
	size_t n = strcspn(p->path, ".[");

	if (strlen(name) != n || memcmp(name, p->path, n))
		return false;
	p->map = &p->img->maps[map];
	p->at = p->path + n;
	p->off = v->offset;
	p->type_id = btf_type(p->img->btf, v->type)->type;
	return true;
}

struct names { const struct image *img; VEC(const char *) v; };

static bool take_name(void *arg, u32 map, const struct btf_var_secinfo *v)
{
	struct names *names = arg;

	*vec_push(&names->v) = btf_type_name(names->img->btf, v->type);
	return false;
}

static int no_var(const struct place *p)
{
	size_t n = strcspn(p->path, ".[");
	struct names names = { .img = p->img };
	const char *near;
	char name[64];
	int ret;

	snprintf(name, sizeof(name), "%.*s", (int)min_u64(n, 63), p->path);
	ret = err_set(p->err, ERR_GLOBAL, p->img->file, "there is no global variable '%s'", name);
	each_var(p->img, take_name, &names);
	near = err_nearest(name, names.v.v, names.v.n);
	if (near)
		err_help(p->err, "did you mean '%s'?", near);
	else if (!names.v.n)
		err_note(p->err, "the object has none that BTF describes");
	vec_free(&names.v);
	return ret;
}

static bool find_member(struct place *p, u32 id, const char *name, size_t n, u64 off,
			u32 depth)
{
	const struct btf *btf = p->img->btf;
	const struct btf_type *t = btf_type(btf, id);

	if (depth > 16 || (btf_kind(t) != BTF_KIND_STRUCT && btf_kind(t) != BTF_KIND_UNION))
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		if (!*m.name && find_member(p, btf_skip_mods(btf, m.type_id), name, n,
					    off + m.bit_off / 8, depth + 1))
			return true;
		if (strlen(m.name) != n || memcmp(m.name, name, n))
			continue;
		p->off = off + m.bit_off / 8;
		p->bit_off = m.bit_off % 8;
		p->bit_size = m.bit_size;
		p->type_id = m.type_id;
		return true;
	}
	return false;
}

static int enter_member(struct place *p, u32 id)
{
	const char *name = p->at + 1;
	size_t n = strcspn(name, ".[");

	if (!n || !find_member(p, id, name, n, p->off, 0))
		return err_set(p->err, ERR_GLOBAL, p->img->file,
			       "'%.*s' has no member '%.*s'", (int)(p->at - p->path), p->path,
			       (int)n, name);
	p->at = name + n;
	return 0;
}

static int enter_elem(struct place *p, u32 id)
{
	const struct btf_type *t = btf_type(p->img->btf, id);
	const struct btf_array *a = (const void *)(t + 1);
	char *end;
	u64 i = strtoull(p->at + 1, &end, 0);

	if (btf_kind(t) != BTF_KIND_ARRAY || !isdigit((u8)p->at[1]) || *end != ']' ||
	    i >= a->nelems)
		return err_set(p->err, ERR_GLOBAL, p->img->file,
			       "'%s' leads to no element of an array of %u", p->path,
			       btf_kind(t) == BTF_KIND_ARRAY ? a->nelems : 0);
	p->type_id = a->type;
	p->off += i * btf_bytes(p->img->btf, a->type);
	p->at = end + 1;
	return 0;
}

static int find_place(struct place *p)
{
	int ret = 0;

	if (!p->img->btf || !each_var(p->img, is_var, p))
		return no_var(p);
	while (*p->at && !ret) {
		u32 id = btf_skip_mods(p->img->btf, p->type_id);

		if (*p->at == '.')
			ret = enter_member(p, id);
		else if (*p->at == '[')
			ret = enter_elem(p, id);
		else
			ret = err_set(p->err, ERR_GLOBAL, p->img->file,
				      "'%s' goes on with '%s'", p->path, p->at);
	}
	return ret;
}

/* ---- what ---------------------------------------------------------------------- */

/* The initial contents of the map, which the image may change. */
static u8 *contents(struct place *p)
{
	if (!p->map->init)
		p->map->init = arena_alloc(&p->img->arena, p->map->value_size);
	return (u8 *)(uintptr_t)p->map->init + p->off;
}

static int store_bytes(struct place *p, const void *data, size_t n)
{
	if (!in_bounds(p->off, n, p->map->value_size))
		return err_set(p->err, ERR_GLOBAL, p->img->file,
			       "'%s' lies outside its section", p->path);
	memcpy(contents(p), data, n);
	return 0;
}

static int store_bits(struct place *p, u64 v)
{
	u32 bytes = (p->bit_off + p->bit_size + 7) / 8;
	u8 *to;

	if (!in_bounds(p->off, bytes, p->map->value_size))
		return err_set(p->err, ERR_GLOBAL, p->img->file,
			       "'%s' lies outside its section", p->path);
	to = contents(p);
	for (u32 i = 0; i < p->bit_size; i++) {
		u32 bit = p->bit_off + i;

		to[bit / 8] = (u8)((to[bit / 8] & ~(1u << bit % 8)) | (v >> i & 1) << bit % 8);
	}
	return 0;
}

static int store_num(struct place *p, u64 v, u32 bytes)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (p->bit_size)
		return store_bits(p, v);
	return store_bytes(p, little ? (u8 *)&v : (u8 *)&v + 8 - bytes, bytes);
}

/* Decimal, hexadecimal, negative, 'c'. */
static bool parse_num(const char *s, u64 *v, bool *negative)
{
	char *end;

	*negative = *s == '-';
	if (s[0] == '\'' && s[1] && s[2] == '\'' && !s[3]) {
		*v = (u8)s[1];
		return true;
	}
	if (!isdigit((u8)s[*negative]))
		return false;
	errno = 0;
	*v = *negative ? (u64)strtoll(s, &end, 0) : strtoull(s, &end, 0);
	return !errno && !*end;
}

static int set_num(struct place *p, u32 bytes, bool is_signed, const char *value)
{
	u32 bits = p->bit_size ? p->bit_size : bytes * 8;
	bool negative, fits;
	u64 v;

	if (!parse_num(value, &v, &negative))
		return set_bad(p, value, "is no integer");
	if (bits > 64)
		return set_bad(p, value, "cannot be stored in so many bits");
	if (is_signed)
		fits = negative ? (s64)v >= -1 - (s64)(~0ull >> (65 - bits)) :
			v <= ~0ull >> 1 >> (64 - bits);
	else
		fits = !negative && (bits == 64 || !(v >> bits));
	return fits ? store_num(p, v, bytes) : set_bad(p, value, "is out of range");
}

static int set_bool(struct place *p, const char *value)
{
	bool yes = !strcmp(value, "true") || !strcmp(value, "1") || !strcmp(value, "y");

	if (!yes && strcmp(value, "false") && strcmp(value, "0") && strcmp(value, "n"))
		return set_bad(p, value, "is neither true nor false");
	return store_num(p, yes, 1);
}

static int set_enum(struct place *p, const struct btf_type *t, const char *value)
{
	const struct btf *btf = p->img->btf;
	bool wide = btf_kind(t) == BTF_KIND_ENUM64;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;
		const struct btf_enum64 *w = (const struct btf_enum64 *)(t + 1) + i;

		if (!strcmp(value, btf_str(btf, wide ? w->name_off : e->name_off)))
			return store_num(p, wide ? w->val_lo32 | (u64)w->val_hi32 << 32 :
					 (u64)(s64)e->val, t->size);
	}
	if (!isdigit((u8)*value) && *value != '-')
		return set_bad(p, value, "is none of its names");
	return set_num(p, t->size, btf_kflag(t), value);
}

/* Six hexadecimal bytes with colons. */
static bool parse_mac(const char *s, u8 mac[6])
{
	for (int i = 0; i < 6; i++, s += 3) {
		unsigned hi = digit_value(s[0]), lo = hi < 16 ? digit_value(s[1]) : 16;

		if (hi > 15 || lo > 15 || s[2] != (i < 5 ? ':' : 0))
			return false;
		mac[i] = (u8)(hi << 4 | lo);
	}
	return true;
}

/* An address as text, for what has its size; 1 when it was one. */
static int set_address(struct place *p, u64 bytes, const char *value)
{
	u8 addr[16];
	bool ok = false;
	int ret;

	if (bytes == 4)
		ok = strchr(value, '.') && inet_pton(AF_INET, value, addr) == 1;
	else if (bytes == 16)
		ok = inet_pton(AF_INET6, value, addr) == 1;
	else if (bytes == 6)
		ok = parse_mac(value, addr);
	if (!ok || p->bit_size)
		return 0;
	ret = store_bytes(p, addr, bytes);
	return ret ? ret : 1;
}

static int set_string(struct place *p, u32 bytes, const char *value)
{
	char *text;
	int ret;

	if (strlen(value) >= bytes)
		return set_bad(p, value, "is too long (a NUL byte must fit)");
	text = mem_alloc(bytes);
	memcpy(text, value, strlen(value));
	ret = store_bytes(p, text, bytes);
	free(text);
	return ret;
}

static bool is_byte(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));

	return btf_kind(t) == BTF_KIND_INT && t->size == 1;
}

static int set_value(struct place *p, const char *value)
{
	const struct btf *btf = p->img->btf;
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, p->type_id));
	u64 bytes = btf_bytes(btf, p->type_id);
	int ret = set_address(p, bytes, value);
	u32 enc;

	if (ret)
		return ret < 0 ? ret : 0;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		enc = BTF_INT_ENCODING(*(const u32 *)(t + 1));
		return enc & BTF_INT_BOOL ? set_bool(p, value) :
		       set_num(p, t->size, enc & BTF_INT_SIGNED, value);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return set_enum(p, t, value);
	case BTF_KIND_ARRAY:
		if (is_byte(btf, ((const struct btf_array *)(t + 1))->type))
			return set_string(p, (u32)bytes, value);
		return set_bad(p, value, "cannot be the whole of it; set its elements ([0])");
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return set_bad(p, value, "cannot be the whole of it; set its members (.NAME)");
	default:
		return set_bad(p, value, "cannot be given to such a type");
	}
}

int obj_set(struct image *img, const char *var, const char *value, struct skep_err *err)
{
	struct place p = { .img = img, .path = var, .err = err };
	int ret = find_place(&p);

	return ret ? ret : set_value(&p, value);
}

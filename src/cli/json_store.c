/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_store.c: values in JSON as bytes of a type of BTF: numbers, addresses, texts,
 * structs, arrays. An IPv4, IPv6 or MAC string may stand for an integer or byte array and is
 * stored in network order.
 */
#include "cli/cli.h"
#include "cli/json_value.h"
#include "model/uapi.h"
#include "cli/run.h"
#include <stdlib.h>

#ifndef HAVE_JANSSON
static int load_values(struct json_values *out, struct skep_object *obj, u32 type, bool many,
		       const char *where, const struct os_file *f, struct skep_err *err)
{
	return err_set(err, ERR_NO_LIB, where,
		       "this skep was built without libjansson and cannot read JSON");
}
#else
#include "cli/json_store.h"

/* "FILE:LINE:COL" of the value at hand. */
void json_place(const struct json_load *l, char *where, size_t size)
{
	u32 nr = l->depth < STEPS_MAX ? l->depth : STEPS_MAX, line, col;

	if (json_at((const char *)l->text->data, l->text->size, l->steps, nr, &line, &col))
		snprintf(where, size, "%s:%u:%u", l->where, line, col);
	else
		snprintf(where, size, "%s", l->where);
}

int json_bad(struct json_load *l, const char *fmt, ...)
{
	char where[512], text[512];
	va_list ap;

	json_place(l, where, sizeof(where));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(l->err, ERR_MAP_DATA, where, "%s: %s", l->path, text);
}

/* Goes to member KEY, or to element INDEX when KEY is NULL, of the value at
 * hand. What it returns leads back. */
size_t json_enter(struct json_load *l, const char *key, size_t index)
{
	size_t n = strlen(l->path);

	if (l->depth < STEPS_MAX)
		l->steps[l->depth] = (struct json_step){ key, index };
	l->depth++;
	if (key)
		snprintf(l->path + n, sizeof(l->path) - n, ".%s", key);
	else
		snprintf(l->path + n, sizeof(l->path) - n, "[%zu]", index);
	return n;
}

int json_back(struct json_load *l, size_t n, int r)
{
	l->depth--;
	l->path[n] = 0;
	return r;
}

/* The text in V, NULL for what is none or holds a NUL: C would not see its end. */
const char *json_text_of(const struct json_load *l, const json_t *v)
{
	const char *s = l->lib.json_string_value(v);

	return s && strlen(s) == l->lib.json_string_length(v) ? s : NULL;
}

const char *json_kindof(const json_t *v)
{
	static const char *const names[] = { "an object", "an array", "a string", "an integer",
					     "a fraction", "true", "false", "null" };

	return names[json_typeof(v)];
}

/* ---- integers and addresses ----------------------------------------------------- */

static enum sign sign_of(const struct btf_type *t)
{
	if (btf_kind(t) != BTF_KIND_INT)
		return SIGN_ANY;
	return BTF_INT_ENCODING(*(const u32 *)(t + 1)) & BTF_INT_SIGNED ? SIGN_YES : SIGN_NO;
}

/* The number of the program called NAME. */
static bool prog_number(const struct json_load *l, const char *name, u64 *out)
{
	struct skep_prog *p = skep_object_prog(l->obj, name);

	if (p)
		*out = p->index;
	return p != NULL;
}

/* The number of the map called NAME, for a map of maps. */
static bool map_number(const struct json_load *l, const char *name, u64 *out)
{
	int map = image_map_find(l->obj->img, name);

	*out = (u64)map;
	return map >= 0;
}

bool json_holds_maps(const struct json_load *l)
{
	return l->def->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       l->def->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Maps that may stand in the map at hand. */
static int unknown_map(struct json_load *l, const char *name)
{
	const struct image *img = l->obj->img;
	VEC(const char *) names = { 0 };
	const char *near;

	json_bad(l, "there is no map '%s'", name);
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i], *like = l->def->inner;

		if (m == l->def || m->kind != IMAGE_MAP_USER || (like && m->type != like->type))
			continue;
		*vec_push(&names) = m->name;
		err_note(l->err, "it may hold '%s'", m->name);
	}
	near = err_nearest(name, names.v, names.n);
	if (near)
		err_help(l->err, "did you mean '%s'?", near);
	vec_free(&names);
	return l->err->code;
}

/* The number in V, or in the text of V. */
static int number(struct json_load *l, const json_t *v, u64 *out, bool *negative)
{
	const char *s = json_text_of(l, v);

	*negative = false;
	if (json_is_integer(v)) {
		*out = (u64)l->lib.json_integer_value(v);
		*negative = (s64)*out < 0;
		return 0;
	}
	if (json_is_boolean(v)) {
		*out = json_is_true(v);
		return 0;
	}
	if (s && json_parse_number(s, out, negative))
		return 0;
	if (s && l->def->type == BPF_MAP_TYPE_PROG_ARRAY && prog_number(l, s, out))
		return 0;
	if (s && map_runs_programs(l->def->type) && prog_number(l, s, out)) {
		++*out;		/* 0 is none */
		return 0;
	}
	if (s && json_holds_maps(l))
		return map_number(l, s, out) ? 0 : unknown_map(l, s);
	if (json_is_array(v))
		return json_bad(l, "a number is needed, or all its bytes as [\"0x01\", ...]");
	if (s)
		return json_bad(l, "\"%s\" is neither a number nor an address of that size", s);
	return json_bad(l, "a number is needed, not %s", json_kindof(v));
}

static int store_int(struct json_load *l, const json_t *v, u8 *out, u32 bytes, enum sign sign)
{
	const char *s = json_text_of(l, v);
	bool negative;
	u64 n;
	int r;

	if (s && json_is_network(s))
		return json_parse_network(s, out, bytes) ? 0 :
		       json_bad(l, "\"%s\" is no number of %u bytes: htons() has 2, htonl() 4, "
			   "htobe64() 8", s, bytes);
	if (s && (json_parse_addr(s, out, bytes) || (bytes == 16 && json_parse_wide(s, out))))
		return 0;
	r = number(l, v, &n, &negative);
	if (r)
		return r;
	if (bytes > 8)
		return json_bad(l, "integers of %u bytes are given as arrays of bytes or "
			   "hexadecimal text", bytes);
	if (!json_fits(n, negative, bytes * 8, sign))
		return json_bad(l, "%s%llu does not fit %u bytes%s", negative ? "-" : "",
			   (unsigned long long)(negative ? -n : n), bytes,
			   sign == SIGN_YES ? ", signed" : sign == SIGN_NO ? ", unsigned" : "");
	json_put_int(out, n, bytes);
	return 0;
}

/* ---- raw bytes -------------------------------------------------------------------- */

/* ["0x01", "0x00", ...] of exactly BYTES bytes, bpftool's form. */
static bool is_raw(struct json_load *l, const json_t *v, u32 bytes)
{
	const char *s;

	if (!json_is_array(v) || l->lib.json_array_size(v) != bytes)
		return false;
	s = json_text_of(l, l->lib.json_array_get(v, 0));
	return s && !strncmp(s, "0x", 2) && strlen(s) <= 4;
}

static int store_raw(struct json_load *l, const json_t *v, u8 *out, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++) {
		const json_t *b = l->lib.json_array_get(v, i);
		bool negative;
		u64 n;
		int r = number(l, b, &n, &negative);

		if (r)
			return r;
		if (negative || n > 255)
			return json_bad(l, "byte %u is no number of 0..255", i);
		out[i] = (u8)n;
	}
	return 0;
}

/* ---- compound types ------------------------------------------------------------------ */

static int unknown_member(struct json_load *l, const struct btf_type *t, const char *key)
{
	const struct btf *btf = l->obj->img->btf;
	VEC(const char *) names = { 0 };
	const char *near;
	int r;

	for (u32 i = 0; i < btf_vlen(t); i++)
		*vec_push(&names) = btf_member(btf, t, i).name;
	near = err_nearest(key, names.v, names.n);
	vec_free(&names);
	r = json_bad(l, "it has no member '%s'", key);
	if (near && *near)
		err_help(l->err, "did you mean '%s'?", near);
	return r;
}

static int store_bits(struct json_load *l, const struct btf_member_info *m, const json_t *v,
		      u8 *out)
{
	const struct btf *btf = l->obj->img->btf;
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, m->type_id));
	bool negative;
	u64 n;
	int r = number(l, v, &n, &negative);

	if (r)
		return r;
	if (!json_fits(n, negative, m->bit_size, sign_of(t)))
		return json_bad(l, "the number does not fit %u bits", m->bit_size);
	for (u32 i = 0; i < m->bit_size; i++) {
		u32 bit = m->bit_off + i;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		u32 from = m->bit_size - 1 - i;
		u8 mask = (u8)(0x80 >> bit % 8);
#else
		u32 from = i;
		u8 mask = (u8)(1 << bit % 8);
#endif
		u64 val = from < 64 ? n >> from & 1 : negative;

		out[bit / 8] = (u8)(val ? out[bit / 8] | mask : out[bit / 8] & ~mask);
	}
	return 0;
}

/* Finds KEY among the members, also inside anonymous ones. */
static bool find_member(const struct btf *btf, const struct btf_type *t, const char *key,
			u32 bit_base, struct btf_member_info *out)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		const struct btf_type *mt = btf_type(btf, btf_skip_mods(btf, m.type_id));

		m.bit_off += bit_base;
		if (!strcmp(m.name, key)) {
			*out = m;
			return true;
		}
		if (!*m.name &&
		    (btf_kind(mt) == BTF_KIND_STRUCT || btf_kind(mt) == BTF_KIND_UNION) &&
		    find_member(btf, mt, key, m.bit_off, out))
			return true;
	}
	return false;
}

static int store_struct(struct json_load *l, const struct btf_type *t, const json_t *v, u8 *out)
{
	const struct btf *btf = l->obj->img->btf;
	const char *s = json_text_of(l, v);
	json_t *o = (json_t *)(uintptr_t)v;

	if (s && json_parse_addr(s, out, t->size))	/* struct in6_addr */
		return 0;
	if (!json_is_object(v))
		return json_bad(l, "an object with its members is needed, not %s",
				json_kindof(v));
	for (void *it = l->lib.json_object_iter(o); it; it = l->lib.json_object_iter_next(o, it)) {
		const char *key = l->lib.json_object_iter_key(it);
		const json_t *mv = l->lib.json_object_iter_value(it);
		struct btf_member_info m;
		size_t from;
		int r;

		if (!find_member(btf, t, key, 0, &m))
			return unknown_member(l, t, key);
		from = json_enter(l, key, 0);
		r = m.bit_size ? store_bits(l, &m, mv, out)
			       : json_store(l, m.type_id, mv, out + m.bit_off / 8,
				       (u32)btf_size(btf, m.type_id));
		if (json_back(l, from, r))
			return r;
	}
	return 0;
}

static int store_array(struct json_load *l, const struct btf_type *t, const json_t *v, u8 *out,
		       u32 bytes)
{
	const struct btf_array *a = (const struct btf_array *)(t + 1);
	u32 size = (u32)btf_size(l->obj->img->btf, a->type);
	const char *s = l->lib.json_string_value(v);

	if (json_text_of(l, v) && json_parse_addr(s, out, bytes))
		return 0;
	if (s && size == 1) {
		size_t n = l->lib.json_string_length(v);

		if (n > bytes)
			return json_bad(l, "a text of %zu bytes does not fit %u", n, bytes);
		memcpy(out, s, n);
		if (n < bytes)
			out[n] = 0;
		return 0;
	}
	if (!json_is_array(v))
		return json_bad(l, "an array is needed, not %s", json_kindof(v));
	if (l->lib.json_array_size(v) > a->nelems)
		return json_bad(l, "%zu elements, there is room for %u",
			   l->lib.json_array_size(v), a->nelems);
	for (u32 i = 0; i < l->lib.json_array_size(v); i++) {
		size_t from = json_enter(l, NULL, i);
		int r = json_store(l, a->type, l->lib.json_array_get(v, i),
			      out + (size_t)i * size, size);

		if (json_back(l, from, r))
			return r;
	}
	return 0;
}

/* Value I of an enum, and what it is called. */
static const char *enum_at(const struct btf *btf, const struct btf_type *t, u32 i, u64 *v)
{
	const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;
	const struct btf_enum64 *e64 = (const struct btf_enum64 *)(t + 1) + i;

	if (btf_kind(t) == BTF_KIND_ENUM) {
		*v = (u64)(s64)e->val;
		return btf_str(btf, e->name_off);
	}
	*v = (u64)e64->val_hi32 << 32 | e64->val_lo32;
	return btf_str(btf, e64->name_off);
}

static int store_enum(struct json_load *l, const struct btf_type *t, const json_t *v, u8 *out,
		      u32 bytes)
{
	const char *s = json_text_of(l, v), *names[64], *near;
	u32 n = 0;
	u64 val;
	int r;

	for (u32 i = 0; s && i < btf_vlen(t); i++) {
		const char *found = enum_at(l->obj->img->btf, t, i, &val);

		if (!strcmp(s, found)) {
			json_put_int(out, val, bytes);
			return 0;
		}
		if (n < ARRAY_LEN(names))
			names[n++] = found;
	}
	r = store_int(l, v, out, bytes, SIGN_ANY);
	near = r && s ? err_nearest(s, names, n) : NULL;
	if (near && *near)
		err_help(l->err, "did you mean '%s'?", near);
	return r;
}

static int store_float(struct json_load *l, const json_t *v, u8 *out, u32 bytes)
{
	const char *s = json_text_of(l, v);
	double d;
	float f;

	if (s && (!strcmp(s, "nan") || !strcmp(s, "inf") || !strcmp(s, "-inf")))
		d = strtod(s, NULL);
	else if (json_is_number(v))
		d = l->lib.json_number_value(v);
	else
		return json_bad(l, "a number is needed, not %s", json_kindof(v));
	f = (float)d;
	if (bytes == sizeof(f))
		memcpy(out, &f, sizeof(f));
	else if (bytes == sizeof(d))
		memcpy(out, &d, sizeof(d));
	else
		return json_bad(l, "fractions of %u bytes are given as arrays of bytes", bytes);
	return 0;
}

/* V, which is what member KEY holds. */
static int store_member(struct json_load *l, u32 type, const char *key, const json_t *v, u8 *out)
{
	size_t from = json_enter(l, key, 0);

	return json_back(l, from, json_store(l, type, v, out,
					     (u32)btf_size(l->obj->img->btf, type)));
}

static int store_variable(struct json_load *l, const struct btf_type *sec, const char *key,
			  const json_t *v, u8 *out)
{
	const struct btf *btf = l->obj->img->btf;
	const struct btf_var_secinfo *s = (const struct btf_var_secinfo *)(sec + 1);
	VEC(const char *) names = { 0 };
	const char *near;
	int r;

	for (u32 i = 0; i < btf_vlen(sec); i++) {
		const struct btf_type *var = btf_type(btf, s[i].type);

		*vec_push(&names) = btf_str(btf, var->name_off);
		if (!strcmp(key, btf_str(btf, var->name_off)) &&
		    in_bounds(s[i].offset, s[i].size, l->info.value_size) &&
		    btf_size(btf, var->type) <= (s64)s[i].size) {
			vec_free(&names);
			return store_member(l, var->type, key, v, out + s[i].offset);
		}
	}
	near = err_nearest(key, names.v, names.n);
	vec_free(&names);
	r = json_bad(l, "it has no variable '%s'", key);
	if (near)
		err_help(l->err, "did you mean '%s'?", near);
	return r;
}

/* A section of variables: {"name": value}, or as it is printed,
 * {".bss": [{"name": value}, ...]}. */
static int store_section(struct json_load *l, const struct btf_type *t, const json_t *v, u8 *out)
{
	const json_t *list = l->lib.json_object_get(v, btf_str(l->obj->img->btf, t->name_off));
	json_t *o = (json_t *)(uintptr_t)v;
	int r = 0;

	if (!json_is_object(v))
		return json_bad(l, "an object with variables is needed, not %s", json_kindof(v));
	for (size_t i = 0; !r && json_is_array(list) && i < l->lib.json_array_size(list); i++) {
		size_t from = json_enter(l, btf_str(l->obj->img->btf, t->name_off), 0);
		size_t to = json_enter(l, NULL, i);

		r = store_section(l, t, l->lib.json_array_get(list, i), out);
		json_back(l, from, json_back(l, to, r));
	}
	if (json_is_array(list))
		return r;
	for (void *it = l->lib.json_object_iter(o); !r && it;
	     it = l->lib.json_object_iter_next(o, it))
		r = store_variable(l, t, l->lib.json_object_iter_key(it),
				   l->lib.json_object_iter_value(it), out);
	return r;
}

/* JSON nests no deeper than the type, and types do not nest endlessly. */
int json_store(struct json_load *l, u32 type, const json_t *v, u8 *out, u32 bytes)
{
	const struct btf *btf = l->obj->img->btf;
	const struct btf_type *t;

	if (is_raw(l, v, bytes))
		return store_raw(l, v, out, bytes);
	if (!btf || !type)
		return store_int(l, v, out, bytes, SIGN_ANY);
	t = btf_type(btf, btf_skip_mods(btf, type));
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return store_struct(l, t, v, out);
	case BTF_KIND_ARRAY:
		return store_array(l, t, v, out, bytes);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return store_enum(l, t, v, out, bytes);
	case BTF_KIND_INT:
		return store_int(l, v, out, bytes, sign_of(t));
	case BTF_KIND_PTR:
		return store_int(l, v, out, bytes, SIGN_NO);
	case BTF_KIND_FLOAT:
		return store_float(l, v, out, bytes);
	case BTF_KIND_DATASEC:
		return store_section(l, t, v, out);
	default:
		return json_bad(l, "its type cannot be given in a map file");
	}
}

/* ---- a file -------------------------------------------------------------------------  */

int json_parse(struct json_load *l, const struct os_file *f, json_load_fn *load)
{
	json_error_t e;
	json_t *root = l->lib.json_loadb((const char *)f->data, f->size,
					 JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &e);
	char where[512];
	int r;

	if (!root) {
		snprintf(where, sizeof(where), "%s:%d:%d", l->where, e.line, e.column);
		r = err_set(l->err, ERR_JSON, where, "%s", e.text);
		if (strstr(e.text, "too big integer"))
			err_help(l->err, "numbers above 2^63 are given as text: "
				 "\"18446744073709551615\"");
		return r;
	}
	r = load(l, root);
	if (--root->refcount == 0)
		l->lib.json_delete(root);
	return r;
}

/* ---- values of a type, outside maps -------------------------------------------------- */

/* Bytes in hexadecimal, for what has no type; with spaces or ':' between digits as one likes. */
static int hex_value(struct json_load *l, const json_t *v, struct json_value *out)
{
	const char *s = json_text_of(l, v);
	size_t n = s ? strlen(s) : 0;
	u32 digits = 0;

	if (!s)
		return json_bad(l, "its type is not known: bytes in hexadecimal are needed, "
				"\"0a0b\"");
	*out = (struct json_value){ mem_alloc(n / 2 + 1), mem_alloc(n / 2 + 1), 0 };
	for (; *s; s++) {
		unsigned d = digit_value(*s);

		if (*s == ' ' || *s == ':')
			continue;
		if (d > 15)
			return json_bad(l, "'%c' is no hexadecimal digit", *s);
		out->low[digits / 2] = (u8)(out->low[digits / 2] << 4 | d);
		digits++;
	}
	if (digits % 2)
		return json_bad(l, "half a byte is missing: %u hexadecimal digits", digits);
	out->bytes = digits / 2;
	memcpy(out->high, out->low, out->bytes);
	return 0;
}

static int one_value(struct json_load *l, const json_t *v)
{
	struct json_value *out = vec_push(l->values);
	const struct btf *btf = l->obj->img->btf;
	int r;

	*out = (struct json_value){ 0 };
	if (!l->type)
		return hex_value(l, v, out);
	out->bytes = (u32)btf_bytes(btf, l->type);
	out->low = mem_alloc(out->bytes + 1);
	out->high = mem_alloc(out->bytes + 1);
	memset(out->high, 0xff, out->bytes);
	r = json_store(l, l->type, v, out->low, out->bytes);
	return r ? r : json_store(l, l->type, v, out->high, out->bytes);
}

static int all_values(struct json_load *l, const json_t *root)
{
	int r = 0;

	if (!json_is_array(root))
		return json_bad(l, "an array is needed, not %s", json_kindof(root));
	for (size_t i = 0; !r && i < l->lib.json_array_size(root); i++) {
		size_t from = json_enter(l, NULL, i);

		r = json_back(l, from, one_value(l, l->lib.json_array_get(root, i)));
	}
	return r;
}

static int load_values(struct json_values *out, struct skep_object *obj, u32 type, bool many,
		       const char *where, const struct os_file *f, struct skep_err *err)
{
	static const struct image_map none = { .name = "" };
	struct json_load l = { .obj = obj, .def = &none, .type = type, .values = out,
			       .where = where, .text = f, .err = err };
	int r = json_lib_open(&l.lib, err);

	return r ? r : json_parse(&l, f, many ? all_values : one_value);
}
#endif

u32 json_type_called(const struct btf *btf, const char *name)
{
	if (!btf)
		return 0;
	if (!strncmp(name, "struct ", 7))
		return btf_find(btf, name + 7, BTF_KIND_STRUCT);
	if (!strncmp(name, "union ", 6))
		return btf_find(btf, name + 6, BTF_KIND_UNION);
	if (!strncmp(name, "enum ", 5))
		return btf_find(btf, name + 5, BTF_KIND_ENUM);
	return btf_find(btf, name, 0);
}

int json_values_load(struct json_values *out, struct skep_object *obj, u32 type, bool many,
		     const char *path, const char *text, struct skep_err *err)
{
	struct os_file f = { .data = (const u8 *)text, .size = text ? strlen(text) : 0 };
	int r = text ? 0 : os_file_read(&f, path, err);

	if (r)
		return r;
	r = load_values(out, obj, type, many, path, &f, err);
	if (!text)
		os_file_close(&f);
	return r;
}

void json_values_free(struct json_values *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->v[i].low);
		free(v->v[i].high);
	}
	vec_free(v);
}

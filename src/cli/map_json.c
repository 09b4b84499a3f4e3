/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_json.c: map files into maps. A file is an array of elements, as
 * [{"key": ..., "value": ...}] typed by BTF or as `bpftool map dump -j` prints
 * them (arrays of "0x.." bytes; "values" per cpu). An IPv4, IPv6 or MAC string
 * may stand for an integer or byte array and is stored in network order.
 */
#include "cli/cli.h"
#include "cli/jansson.h"

#ifndef HAVE_JANSSON
int map_load_json(struct skep_object *obj, u32 i, const char *path, struct skep_err *err)
{
	return err_set(err, ERR_NO_LIB, path,
		       "this skep was built without libjansson and cannot read JSON");
}
#else
#include <arpa/inet.h>
#include <stdlib.h>

struct load {
	struct json_lib lib;
	struct skep_object *obj;
	const struct image_map *def;
	struct map_info info;
	u32 index;
	const char *where;	/* "deny.json" */
	size_t element;		/* from 0 */
	struct skep_err *err;
};

static int store(struct load *l, u32 type, const json_t *v, u8 *out, u32 bytes, const char *name);

static PRINTF_LIKE(2, 3) int bad(struct load *l, const char *fmt, ...)
{
	char where[512];
	va_list ap;
	int r;

	snprintf(where, sizeof(where), "%s: element %zu", l->where, l->element);
	va_start(ap, fmt);
	r = err_vset(l->err, ERR_MAP_DATA, where, fmt, ap);
	va_end(ap);
	return r;
}

static const char *kind_name(const json_t *v)
{
	static const char *const names[] = {
		"an object", "an array", "a string", "an integer", "a fraction",
		"true", "false", "null",
	};

	return names[json_typeof(v)];
}

/* ---- integers and addresses ----------------------------------------------------- */

static void put_int(u8 *out, u64 v, u32 bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy(out, (u8 *)&v + 8 - bytes, bytes);
#else
	memcpy(out, &v, bytes);
#endif
}

static bool fits(u64 v, bool negative, u32 bits, bool is_signed)
{
	if (negative)
		return is_signed && (bits >= 64 || (s64)v >= -(1ll << (bits - 1)));
	return bits >= 64 || v < 1ull << bits;
}

/* An address as text into BYTES bytes of network order. */
static bool parse_addr(const char *s, u8 *out, u32 bytes)
{
	unsigned m[6];
	char end;

	if (bytes == 4)
		return inet_pton(AF_INET, s, out) == 1;
	if (bytes == 16)
		return inet_pton(AF_INET6, s, out) == 1;
	if (bytes != 6 || sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3],
				 &m[4], &m[5], &end) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		out[i] = (u8)m[i];
	return true;
}

static bool parse_number(const char *s, u64 *v, bool *negative)
{
	char *end;

	errno = 0;
	*negative = *s == '-';
	*v = *negative ? (u64)strtoll(s, &end, 0) : strtoull(s, &end, 0);
	return *s && !*end && !errno;
}

/* The number of the program called NAME. */
static bool prog_number(const struct load *l, const char *name, u64 *out)
{
	struct skep_prog *p = skep_object_prog(l->obj, name);

	if (p)
		*out = p->index;
	return p != NULL;
}

/* The number in V, or in the text of V. */
static int number(struct load *l, const json_t *v, const char *name, u64 *out, bool *negative)
{
	const char *s = l->lib.json_string_value(v);

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
	if (s && parse_number(s, out, negative))
		return 0;
	if (s && l->def->type == BPF_MAP_TYPE_PROG_ARRAY && prog_number(l, s, out))
		return 0;
	if (json_is_array(v))
		return bad(l, "%s: a number is needed, or all its bytes as [\"0x01\", ...]", name);
	if (s)
		return bad(l,
			   "%s: \"%s\" is neither a number nor an address of that size",
			   name, s);
	return bad(l, "%s: a number is needed, not %s", name, kind_name(v));
}

static int store_int(struct load *l, const json_t *v, u8 *out, u32 bytes, bool is_signed,
		     const char *name)
{
	const char *s = l->lib.json_string_value(v);
	bool negative;
	u64 n;
	int r;

	if (s && parse_addr(s, out, bytes))
		return 0;
	r = number(l, v, name, &n, &negative);
	if (r)
		return r;
	if (bytes > 8)
		return bad(l, "%s: integers of %u bytes are given as arrays of bytes", name, bytes);
	if (!fits(n, negative, bytes * 8, is_signed))
		return bad(l, "%s: %s%llu does not fit %u bytes", name, negative ? "-" : "",
			   (unsigned long long)(negative ? -n : n), bytes);
	put_int(out, n, bytes);
	return 0;
}

/* ---- raw bytes -------------------------------------------------------------------- */

/* ["0x01", "0x00", ...] of exactly BYTES bytes, bpftool's form. */
static bool is_raw(struct load *l, const json_t *v, u32 bytes)
{
	const char *s;

	if (!json_is_array(v) || l->lib.json_array_size(v) != bytes)
		return false;
	s = l->lib.json_string_value(l->lib.json_array_get(v, 0));
	return s && !strncmp(s, "0x", 2) && strlen(s) <= 4;
}

static int store_raw(struct load *l, const json_t *v, u8 *out, u32 bytes, const char *name)
{
	for (u32 i = 0; i < bytes; i++) {
		const json_t *b = l->lib.json_array_get(v, i);
		bool negative;
		u64 n;
		int r = number(l, b, name, &n, &negative);

		if (r)
			return r;
		if (negative || n > 255)
			return bad(l, "%s: byte %u is no number of 0..255", name, i);
		out[i] = (u8)n;
	}
	return 0;
}

/* ---- compound types ------------------------------------------------------------------ */

static int unknown_member(struct load *l, const struct btf_type *t, const char *key,
			  const char *name)
{
	const struct btf *btf = l->obj->img->btf;
	VEC(const char *) names = { 0 };
	const char *near;
	int r;

	for (u32 i = 0; i < btf_vlen(t); i++)
		*vec_push(&names) = btf_member(btf, t, i).name;
	near = err_nearest(key, names.v, names.n);
	vec_free(&names);
	r = bad(l, "%s has no member '%s'", name, key);
	if (near && *near)
		err_help(l->err, "did you mean '%s'?", near);
	return r;
}

static int store_bits(struct load *l, const struct btf_member_info *m, const json_t *v, u8 *out)
{
	bool negative;
	u64 n;
	int r = number(l, v, m->name, &n, &negative);

	if (r)
		return r;
	if (!fits(n, negative, m->bit_size, true))
		return bad(l, "%s: the number does not fit %u bits", m->name, m->bit_size);
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

static int store_struct(struct load *l, const struct btf_type *t, const json_t *v, u8 *out,
			const char *name)
{
	const struct btf *btf = l->obj->img->btf;
	const char *s = l->lib.json_string_value(v);
	json_t *o = (json_t *)(uintptr_t)v;

	if (s && parse_addr(s, out, t->size))	/* struct in6_addr */
		return 0;
	if (!json_is_object(v))
		return bad(l, "%s: an object with its members is needed, not %s", name,
			   kind_name(v));
	for (void *it = l->lib.json_object_iter(o); it; it = l->lib.json_object_iter_next(o, it)) {
		const char *key = l->lib.json_object_iter_key(it);
		const json_t *mv = l->lib.json_object_iter_value(it);
		struct btf_member_info m;
		int r;

		if (!find_member(btf, t, key, 0, &m))
			return unknown_member(l, t, key, name);
		r = m.bit_size ? store_bits(l, &m, mv, out)
			       : store(l, m.type_id, mv, out + m.bit_off / 8,
				       (u32)btf_size(btf, m.type_id), m.name);
		if (r)
			return r;
	}
	return 0;
}

static int store_array(struct load *l, const struct btf_type *t, const json_t *v, u8 *out,
		       u32 bytes, const char *name)
{
	const struct btf_array *a = (const struct btf_array *)(t + 1);
	u32 size = (u32)btf_size(l->obj->img->btf, a->type);
	const char *s = l->lib.json_string_value(v);

	if (s && parse_addr(s, out, bytes))
		return 0;
	if (s && size == 1) {
		size_t n = l->lib.json_string_length(v);

		if (n > bytes)
			return bad(l, "%s: a text of %zu bytes does not fit %u", name, n, bytes);
		memcpy(out, s, n);
		return 0;
	}
	if (!json_is_array(v))
		return bad(l, "%s: an array is needed, not %s", name, kind_name(v));
	if (l->lib.json_array_size(v) > a->nelems)
		return bad(l, "%s: %zu elements, there is room for %u", name,
			   l->lib.json_array_size(v), a->nelems);
	for (u32 i = 0; i < l->lib.json_array_size(v); i++) {
		int r = store(l, a->type, l->lib.json_array_get(v, i),
			      out + (size_t)i * size, size, name);

		if (r)
			return r;
	}
	return 0;
}

static int store_enum(struct load *l, const struct btf_type *t, const json_t *v, u8 *out,
		      u32 bytes, const char *name)
{
	const struct btf_enum *e = (const struct btf_enum *)(t + 1);
	const char *s = l->lib.json_string_value(v);

	for (u32 i = 0; s && btf_kind(t) == BTF_KIND_ENUM && i < btf_vlen(t); i++)
		if (!strcmp(s, btf_str(l->obj->img->btf, e[i].name_off))) {
			put_int(out, (u64)(s64)e[i].val, bytes);
			return 0;
		}
	return store_int(l, v, out, bytes, true, name);
}

/* JSON nests no deeper than the type, and types do not nest endlessly. */
static int store(struct load *l, u32 type, const json_t *v, u8 *out, u32 bytes, const char *name)
{
	const struct btf *btf = l->obj->img->btf;
	const struct btf_type *t;

	if (is_raw(l, v, bytes))
		return store_raw(l, v, out, bytes, name);
	if (!btf || !type)
		return store_int(l, v, out, bytes, true, name);
	t = btf_type(btf, btf_skip_mods(btf, type));
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return store_struct(l, t, v, out, name);
	case BTF_KIND_ARRAY:
		return store_array(l, t, v, out, bytes, name);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return store_enum(l, t, v, out, bytes, name);
	case BTF_KIND_INT:
		return store_int(l, v, out, bytes,
				 BTF_INT_ENCODING(*(const u32 *)(t + 1)) & BTF_INT_SIGNED, name);
	default:
		return bad(l, "%s: its type cannot be given in a map file", name);
	}
}

/* ---- elements ------------------------------------------------------------------------ */

/* "value" goes to every cpu of a per-cpu map; "values" names the cpus. */
static int store_value(struct load *l, const json_t *e, u8 *out)
{
	const json_t *value = l->lib.json_object_get(e, "value");
	const json_t *values = l->lib.json_object_get(e, "values");

	if (value) {
		int r = store(l, l->def->value_type, value, out, l->info.value_size, "value");

		for (u32 cpu = 1; !r && cpu < l->info.cpus; cpu++)
			memcpy(out + (size_t)cpu * l->info.value_stride, out, l->info.value_size);
		return r;
	}
	if (!json_is_array(values) || l->info.cpus < 2)
		return bad(l, "it has no \"value\"");
	for (size_t i = 0; i < l->lib.json_array_size(values); i++) {
		const json_t *v = l->lib.json_array_get(values, i);
		const json_t *cpu = l->lib.json_object_get(v, "cpu"),
			     *data = l->lib.json_object_get(v, "value");
		u64 n = json_is_integer(cpu) ? (u64)l->lib.json_integer_value(cpu) : ~0ull;
		int r;

		if (n >= l->info.cpus || !data)
			return bad(
				l,
				"\"values\" are objects with a \"cpu\" below %u and a \"value\"",
				l->info.cpus);
		r = store(l, l->def->value_type, data, out + n * l->info.value_stride,
			  l->info.value_size, "value");
		if (r)
			return r;
	}
	return 0;
}

/* The map's errno for the element, said in words. */
static int refused(struct load *l, int r)
{
	char where[512], why[128];

	snprintf(where, sizeof(where), "%s: element %zu", l->where, l->element);
	if (r == -E2BIG && l->def->type == BPF_MAP_TYPE_HASH)
		snprintf(why, sizeof(why), "it is full");
	else if (r == -E2BIG)
		snprintf(why, sizeof(why), "the index is beyond its end");
	else if (r == -EINVAL && l->def->type == BPF_MAP_TYPE_LPM_TRIE)
		snprintf(why, sizeof(why), "prefixlen is at most %u", (l->info.key_size - 4) * 8);
	else if (r == -EBADF)
		snprintf(why, sizeof(why), "there is no such program of its type");
	else if (r == -EPERM)
		snprintf(why, sizeof(why), "it is read-only");
	else
		snprintf(why, sizeof(why), "%s", strerror(-r));
	return err_set(l->err, ERR_MAP_UPDATE, where, "map '%s' (%s, %u entries) refuses it: %s",
		       l->def->name, l->info.row->name, l->info.max_entries, why);
}

static int load_element(struct load *l, const json_t *e, u8 *key, u8 *value)
{
	const json_t *k = l->lib.json_object_get(e, "key");
	int r;

	if (!json_is_object(e))
		return bad(l, "an object with \"key\" and \"value\" is needed, not %s",
			   kind_name(e));
	if (!k)
		return bad(l, "it has no \"key\"");
	memset(key, 0, l->info.key_size);
	memset(value, 0, l->info.value_bytes);
	r = store(l, l->def->key_type, k, key, l->info.key_size, "key");
	if (!r)
		r = store_value(l, e, value);
	if (r)
		return r;
	r = object_map_update(l->obj, l->index, key, value, BPF_ANY);
	return r ? refused(l, r) : 0;
}

static int load_elements(struct load *l, const json_t *root)
{
	u8 *key = mem_alloc(l->info.key_size), *value = mem_alloc(l->info.value_bytes);
	int r = 0;

	for (l->element = 0; !r && l->element < l->lib.json_array_size(root); l->element++)
		r = load_element(l, l->lib.json_array_get(root, l->element), key, value);
	free(key);
	free(value);
	return r;
}

static int parse(struct load *l, const struct os_file *f)
{
	json_error_t e;
	json_t *root = l->lib.json_loadb((const char *)f->data, f->size, 0, &e);
	char where[512];
	int r;

	if (!root) {
		snprintf(where, sizeof(where), "%s:%d:%d", l->where, e.line, e.column);
		return err_set(l->err, ERR_JSON, where, "%s", e.text);
	}
	if (json_is_array(root))
		r = load_elements(l, root);
	else
		r = err_set(
			l->err, ERR_JSON, l->where,
			"an array [{\"key\": ..., \"value\": ...}, ...] is needed, not %s",
			kind_name(root));
	if (--root->refcount == 0)
		l->lib.json_delete(root);
	return r;
}

int map_load_json(struct skep_object *obj, u32 i, const char *path, struct skep_err *err)
{
	struct load l = {.obj = obj,
			 .def = &obj->img->maps[i],
			 .index = i,
			 .where = path,
			 .err = err};
	struct os_file f;
	int r = json_lib_open(&l.lib, err);

	if (r)
		return r;
	obj->backend->ops->map_info(obj->backend, i, &l.info);
	r = os_file_read(&f, path, err);
	if (r)
		return r;
	r = parse(&l, &f);
	os_file_close(&f);
	return r;
}
#endif

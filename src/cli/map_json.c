/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_json.c: map files into maps. A file is an array of elements, as
 * [{"key": ..., "value": ...}] typed by BTF or as `bpftool map dump -j` prints
 * them (arrays of "0x.." bytes; "values" per cpu). An IPv4, IPv6 or MAC string
 * may stand for an integer or byte array and is stored in network order.
 */
#include "cli/cli.h"
#include "cli/json_value.h"
#include "model/uapi.h"
#include "cli/run.h"
#include <stdlib.h>

#ifndef HAVE_JANSSON
static int load_file(struct skep_object *obj, u32 i, const char *where, const struct os_file *f,
		     struct skep_err *err)
{
	return err_set(err, ERR_NO_LIB, where,
		       "this skep was built without libjansson and cannot read JSON");
}
#else
#include "cli/json_store.h"

/* ---- elements ------------------------------------------------------------------------ */

/* {"cpu": 1, "value": ...} */
static int store_cpu(struct json_load *l, const json_t *v, u8 *out)
{
	const json_t *cpu = l->lib.json_object_get(v, "cpu"),
		     *data = l->lib.json_object_get(v, "value");
	u64 n = json_is_integer(cpu) ? (u64)l->lib.json_integer_value(cpu) : ~0ull;
	size_t from;

	if (n >= l->info.cpus || !data)
		return json_bad(l, "\"values\" are objects with a \"cpu\" below %u and a \"value\"",
			   l->info.cpus);
	if (n < 64 && l->cpus_seen & 1ull << n)
		return json_bad(l, "cpu %u has a value already", (u32)n);
	l->cpus_seen |= n < 64 ? 1ull << n : 0;
	from = json_enter(l, "value", 0);
	return json_back(l, from, json_store(l, l->def->value_type, data,
					     out + n * l->info.value_stride, l->info.value_size));
}

static int store_sock(struct json_load *l, const json_t *v, u8 *out)
{
	u64 n = (u64)l->lib.json_integer_value(v);	/* 0 of what is none */
	char why[SOCK_WHY_BYTES];
	int r = sockets_number(l->obj->sockets, l->lib.json_string_value(v), &n, why);

	json_put_int(out, n, l->info.value_size);
	return r ? json_bad(l, "%s", why) : 0;
}

static int load_elements(struct json_load *l, const json_t *root);

/* A new map for a map of maps: an array of its elements. */
static int store_inner(struct json_load *l, const json_t *v, u8 *out)
{
	struct backend *b = l->obj->backend;
	struct json_load in = *l;
	int r = b->ops->map_like(b, l->index, &in.index, l->err);

	if (r)
		return r;
	in.def = l->def->inner;
	b->ops->map_info(b, in.index, &in.info);
	memcpy(out, &in.index, sizeof(in.index));
	l->made = in.index;
	return load_elements(&in, v);
}

static bool is_elements(const struct json_load *l, const json_t *v)
{
	return json_is_array(v) && (!l->lib.json_array_size(v) ||
				    json_is_object(l->lib.json_array_get(v, 0)));
}

/* "value" goes to every cpu of a per-cpu map; "values" names the cpus. */
static int store_value(struct json_load *l, const json_t *e, u8 *out)
{
	const json_t *value = l->lib.json_object_get(e, "value");
	const json_t *values = l->lib.json_object_get(e, "values");

	if (value) {
		u32 type = json_holds_maps(l) ? 0 : l->def->value_type;
		size_t from = json_enter(l, "value", 0);
		int r = sockets_in(l->def->type) ? store_sock(l, value, out) :
			json_holds_maps(l) && is_elements(l, value) ? store_inner(l, value, out) :
			json_store(l, type, value, out, l->info.value_size);

		json_back(l, from, r);
		for (u32 cpu = 1; !r && cpu < l->info.cpus; cpu++)
			memcpy(out + (size_t)cpu * l->info.value_stride, out, l->info.value_size);
		return r;
	}
	if (!json_is_array(values) || !l->info.row->percpu)
		return json_bad(l, "it has no \"value\"");
	l->cpus_seen = 0;
	for (size_t i = 0; i < l->lib.json_array_size(values); i++) {
		size_t from = json_enter(l, "values", 0), at = json_enter(l, NULL, i);
		int r = store_cpu(l, l->lib.json_array_get(values, i), out);

		json_back(l, from, json_back(l, at, r));
		if (r)
			return r;
	}
	return 0;
}

/* The map's errno for the element, said in words. */
static int refused(struct json_load *l, int r)
{
	char where[512], why[128];

	json_place(l, where, sizeof(where));
	if (l->def->type == BPF_MAP_TYPE_USER_RINGBUF && r == -E2BIG)
		snprintf(why, sizeof(why), "it is larger than the buffer");
	else if (r == -ENOSPC || (r == -E2BIG && !json_key_is_index(l->def->type)))
		snprintf(why, sizeof(why), "it is full");
	else if (json_holds_maps(l) && r == -EINVAL)
		snprintf(why, sizeof(why), "that map is not like its inner map");
	else if (json_holds_maps(l) && r == -EBADF)
		snprintf(why, sizeof(why), "there is no such map");
	else if (sockets_in(l->def->type) && sockets_refused(r))
		snprintf(why, sizeof(why), "%s", sockets_refused(r));
	else if (r == -E2BIG)
		snprintf(why, sizeof(why), "the index is beyond its end");
	else if (r == -EINVAL && l->def->type == BPF_MAP_TYPE_LPM_TRIE)
		snprintf(why, sizeof(why), "prefixlen is at most %u", (l->info.key_size - 4) * 8);
	else if (r == -EBADF)
		snprintf(why, sizeof(why), "there is no such program of its type");
	else if (r == -EPERM)
		snprintf(why, sizeof(why), "it is read-only");
	else if (r == -EEXIST)
		snprintf(why, sizeof(why), "this key is there already");
	else
		snprintf(why, sizeof(why), "%s", strerror(-r));
	return err_set(l->err, ERR_MAP_UPDATE, where,
		       "%s: map '%s' (%s, %u entries) refuses it: %s",
		       l->path, l->def->name, l->info.row->name, l->info.max_entries, why);
}

/* A member of an element that nobody reads is a slip. */
static int check_members(struct json_load *l, const json_t *e)
{
	static const char *const known[] = { "key", "value", "values", "formatted" };
	json_t *o = (json_t *)(uintptr_t)e;

	for (void *it = l->lib.json_object_iter(o); it; it = l->lib.json_object_iter_next(o, it)) {
		const char *key = l->lib.json_object_iter_key(it);
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found = found || !strcmp(key, known[i]);
		if (!found)
			return json_bad(l, "elements have no \"%s\"; key, value, values do", key);
	}
	if (l->lib.json_object_get(e, "value") && l->lib.json_object_get(e, "values"))
		return json_bad(l, "it has both \"value\" and \"values\"");
	return 0;
}

/* Maps that begin empty, as those in a file need not: a key that is there was given
 * twice. */
static u64 update_flags(const struct json_load *l)
{
	if (l->info.path)
		return BPF_ANY;
	switch (l->def->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		return BPF_NOEXIST;
	default:
		return BPF_ANY;
	}
}

/* ---- samples of user ring buffers ------------------------------------------------------ */

/* The bytes of sample V, for free(): of its type, of a text, or one by one. */
static int sample_bytes(struct json_load *l, const json_t *v, const char *type, u8 **out, u64 *n)
{
	const char *text = l->lib.json_string_value(v);
	const struct btf *btf = l->obj->img->btf;
	u32 id = type ? json_type_called(btf, type) : 0;

	*out = NULL;
	if (type && !id) {
		json_bad(l, "the object has no type '%s'", type);
		err_help(l->err, "a global variable keeps a type that only functions use: "
			 "struct msg *unused;");
		return -EINVAL;
	}
	if (!type && text) {
		*n = l->lib.json_string_length(v);
		*out = mem_alloc(*n + 1);
		memcpy(*out, text, *n);
		return 0;
	}
	if (!type && !json_is_array(v))
		return json_bad(l, "a sample is given with its \"type\", as text, or as all its "
				"bytes [\"0x01\", ...]");
	*n = type ? btf_bytes(btf, id) : l->lib.json_array_size(v);
	*out = mem_alloc(*n + 1);
	return *n || type ? json_store(l, id, v, *out, (u32)*n) : 0;
}

/* {"type": "struct msg", "value": ...} */
static int load_sample(struct json_load *l, const json_t *e)
{
	const json_t *v = l->lib.json_object_get(e, "value");
	const char *type = l->lib.json_string_value(l->lib.json_object_get(e, "type"));
	struct backend *b = l->obj->backend;
	size_t from = json_enter(l, "value", 0);
	u8 *bytes;
	u64 n = 0;
	int r;

	if (!v)
		return json_back(l, from, json_bad(l, "a sample is an object with a \"value\""));
	r = sample_bytes(l, v, type, &bytes, &n);
	if (!r) {
		r = b->ops->map_write(b, l->index, bytes, n);
		r = r ? refused(l, r) : 0;
	}
	free(bytes);
	return json_back(l, from, r);
}

/* ---- all of a file ----------------------------------------------------------------------- */

static int load_element(struct json_load *l, const json_t *e, u8 *key, u8 *value)
{
	const json_t *k = l->lib.json_object_get(e, "key");
	const json_t *formatted = l->lib.json_object_get(e, "formatted");
	bool keyless = !l->info.key_size;
	size_t from;
	int r = 0;

	if (!json_is_object(e))
		return json_bad(l, "an object with \"key\" and \"value\" is needed, not %s",
			   json_kindof(e));
	if (l->def->type == BPF_MAP_TYPE_USER_RINGBUF)
		return load_sample(l, e);
	r = check_members(l, e);
	if (r)
		return r;
	if (!k && json_is_object(formatted)) {
		from = json_enter(l, "formatted", 0);
		return json_back(l, from, load_element(l, formatted, key, value));
	}
	if (!k && !keyless)
		return json_bad(l, "it has no \"key\"");
	memset(key, 0, l->info.key_size);
	memset(value, 0, l->info.value_bytes);
	if (l->def->kind != IMAGE_MAP_USER)	/* variables that are not named stay */
		l->obj->backend->ops->map_lookup(l->obj->backend, l->index, key, value, 0);
	if (!keyless) {
		from = json_enter(l, "key", 0);
		r = json_back(l, from, json_store(l, l->def->key_type, k, key, l->info.key_size));
	}
	if (!r)
		r = store_value(l, e, value);
	if (r)
		return r;
	r = object_map_update(l->obj, l->def, l->index, key, value, update_flags(l));
	return r ? refused(l, r) : 0;
}

static int load_elements(struct json_load *l, const json_t *root)
{
	u8 *key = mem_alloc(l->info.key_size), *value = mem_alloc(l->info.value_bytes);
	int r = 0;

	for (size_t i = 0; !r && i < l->lib.json_array_size(root); i++) {
		size_t from = json_enter(l, NULL, i);

		l->made = -1;
		r = load_element(l, l->lib.json_array_get(root, i), key, value);
		if (l->made >= 0)	/* the map of maps has it, or nobody */
			l->obj->backend->ops->map_drop(l->obj->backend, (u32)l->made);
		json_back(l, from, r);
	}
	free(key);
	free(value);
	return r;
}

/* The elements, or what holds them: a map of `skep run --json`, or all of it. */
static int load_root(struct json_load *l, const json_t *root)
{
	const json_t *maps = l->lib.json_object_get(root, "maps"), *m = NULL;
	const json_t *elements = l->lib.json_object_get(root, "elements");

	for (size_t i = 0; json_is_array(maps) && i < l->lib.json_array_size(maps); i++) {
		const char *name;

		m = l->lib.json_array_get(maps, i);
		name = l->lib.json_string_value(l->lib.json_object_get(m, "name"));
		if (!name || strcmp(name, l->def->name))
			continue;
		json_enter(l, "maps", 0);
		json_enter(l, NULL, i);
		return load_root(l, m);
	}
	if (json_is_array(elements)) {
		json_enter(l, "elements", 0);
		return load_elements(l, elements);
	}
	if (json_is_array(root))
		return load_elements(l, root);
	return err_set(l->err, ERR_JSON, l->where,
		       "an array [{\"key\": ..., \"value\": ...}, ...] is needed, "
		       "not %s%s%s",
		       json_kindof(root), maps ? " without a map " : "",
		       maps ? l->def->name : "");
}

static int load_file(struct skep_object *obj, u32 i, const char *where, const struct os_file *f,
		     struct skep_err *err)
{
	struct json_load l = { .obj = obj, .def = &obj->img->maps[i], .index = i, .where = where,
			  .text = f, .err = err };
	int r = json_lib_open(&l.lib, err);

	if (r)
		return r;
	if (l.def->type == BPF_MAP_TYPE_RINGBUF || l.def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
	    l.def->type == UAPI_MAP_TYPE_ARENA)
		return err_set(err, ERR_MAP_DATA, where, "map '%s' is of type %s, which has no "
			       "elements to fill", l.def->name, maptype_row(l.def->type)->name);
	obj->backend->ops->map_info(obj->backend, i, &l.info);
	return json_parse(&l, f, load_root);
}
#endif

int map_load_json(struct skep_object *obj, u32 i, const char *path, const char *text,
		  struct skep_err *err)
{
	struct os_file f = { .data = (const u8 *)text, .size = text ? strlen(text) : 0 };
	int r = text ? 0 : os_file_read(&f, path, err);

	if (r)
		return r;
	r = load_file(obj, i, path, &f, err);
	if (!text)
		os_file_close(&f);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets.c: the file of --sockets: output of `ss -tuaneH`, or a JSON array of
 * objects with the fields that host/sockets.h has.
 */
#include "cli/run.h"
#include "cli/jansson.h"
#include "cli/json_at.h"

#ifndef HAVE_JANSSON
static int read_json(struct sockets *l, const struct os_file *f, const char *path,
		     struct skep_err *err)
{
	return err_set(err, ERR_NO_LIB, path,
		       "this skep was built without libjansson and cannot read JSON");
}
#else

struct reader {
	struct json_lib lib;
	struct sockets *l;
	const struct os_file *f;
	const char *path;
	struct skep_err *err;
};

/* Element I of the array, or its member KEY. */
static int bad(struct reader *r, size_t i, const char *key, const char *why)
{
	const struct json_step steps[] = { { NULL, i }, { key, 0 } };
	char where[512];
	u32 line, col;

	if (json_at((const char *)r->f->data, r->f->size, steps, key ? 2 : 1, &line, &col))
		snprintf(where, sizeof(where), "%s:%u:%u", r->path, line, col);
	else
		snprintf(where, sizeof(where), "%s", r->path);
	err_set(r->err, ERR_SOCKETS, where, "%s%s%s", key ? key : "", key ? ": " : "", why);
	if (!strncmp(why, "there is no field", 17))
		err_help(r->err, "the fields are %s", sock_text_keys());
	return r->err->code;
}

static int set_member(struct reader *r, struct sock_text *t, size_t i, const char *key,
		      const json_t *v)
{
	char text[32], why[SOCK_WHY_BYTES] = "";
	const char *s = r->lib.json_string_value(v);

	if (json_is_integer(v))
		snprintf(text, sizeof(text), "%lld", (long long)r->lib.json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(text, sizeof(text), "%s", json_is_true(v) ? "true" : "false");
	else if (!s)
		return bad(r, i, key, "a string, an integer, true or false is needed");
	if (s && strlen(s) != r->lib.json_string_length(v))
		return bad(r, i, key, "a NUL is in it");
	/* what is no string is copied by sockets_add before TEXT is gone, but
	   names and groups are kept till then */
	if (!s && (!strcmp(key, "name") || !strcmp(key, "reuseport")))
		return bad(r, i, key, "a string is needed");
	return sock_text_set(t, key, s ? s : text, why) ? bad(r, i, key, why) : 0;
}

static int read_element(struct reader *r, json_t *e, size_t i)
{
	char why[SOCK_WHY_BYTES] = "";
	struct sock_text t;
	void *it;
	int code = 0;

	if (!json_is_object(e))
		return bad(r, i, NULL, "an object that describes a socket is needed");
	sock_text_init(&t);
	for (it = r->lib.json_object_iter(e); !code && it; it = r->lib.json_object_iter_next(e, it))
		code = set_member(r, &t, i, r->lib.json_object_iter_key(it),
				  r->lib.json_object_iter_value(it));
	if (code)
		return code;
	return sockets_add(r->l, &t, why) ? bad(r, i, NULL, why) : 0;
}

static int read_json(struct sockets *l, const struct os_file *f, const char *path,
		     struct skep_err *err)
{
	struct reader r = { .l = l, .f = f, .path = path, .err = err };
	char where[512];
	json_error_t e;
	json_t *root;
	int code = json_lib_open(&r.lib, err);

	if (code)
		return code;
	root = r.lib.json_loadb((const char *)f->data, f->size, JSON_ALLOW_NUL, &e);
	if (!root) {
		snprintf(where, sizeof(where), "%s:%d:%d", path, e.line, e.column);
		return err_set(err, ERR_JSON, where, "%s", e.text);
	}
	if (!json_is_array(root))
		code = err_set(err, ERR_JSON, path, "an array of sockets is needed: "
			       "[{\"protocol\": \"tcp\", \"local\": \"10.0.0.1:80\"}, ...]");
	for (size_t i = 0; !code && i < r.lib.json_array_size(root); i++)
		code = read_element(&r, r.lib.json_array_get(root, i), i);
	if (--root->refcount == 0)
		r.lib.json_delete(root);
	return code;
}
#endif

static bool is_json(const struct os_file *f)
{
	size_t i = 0;

	while (i < f->size && strchr(" \t\r\n", f->data[i]) && f->data[i])
		i++;
	return i < f->size && (f->data[i] == '[' || f->data[i] == '{');
}

int sockets_open(struct sockets *l, const char *path, struct skep_err *err)
{
	struct os_file f;
	int r = os_file_read(&f, path, err);

	if (r)
		return r;
	if (is_json(&f))
		r = read_json(l, &f, path, err);
	else
		r = sockets_read_ss(l, (const char *)f.data, f.size, path, err);
	os_file_close(&f);
	return r ? r : sockets_check(l, path, err);
}

/* ---- in maps -------------------------------------------------------------------- */

bool sockets_in(u32 map_type)
{
	return map_type == BPF_MAP_TYPE_SOCKMAP || map_type == BPF_MAP_TYPE_SOCKHASH ||
	       map_type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY;
}

int sockets_number(const struct sockets *l, const char *name, u64 *n, char why[SOCK_WHY_BYTES])
{
	s64 found = !l ? -1 : name ? sockets_find(l, name) : sockets_by_cookie(l, *n);

	if (!l)
		snprintf(why, SOCK_WHY_BYTES, "a socket is needed, and none are described: "
			 "--sockets FILE");
	else if (name)
		snprintf(why, SOCK_WHY_BYTES, "no socket is called \"%.100s\"", name);
	else
		snprintf(why, SOCK_WHY_BYTES, "a socket's name or cookie is needed; no socket has "
			 "cookie %llu", (unsigned long long)*n);
	if (found >= 0)
		*n = (u64)found;
	return found < 0 ? -EINVAL : 0;
}

const char *sockets_refused(int code)
{
	switch (code) {
	case -EOPNOTSUPP:
		return "a TCP socket must listen or be connected, a UDP socket have a port";
	case -EINVAL:
		return "the socket is in no SO_REUSEPORT group, or connected";
	case -EBUSY:
		return "another element, or a map of another kind, has the socket";
	default:
		return NULL;
	}
}

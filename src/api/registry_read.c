/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * registry_read.c: what processes tell of their objects. Any text may stand there: of a
 * file it is known whose it is and how long; that the process which it names is there, is
 * that user's and began when it says is asked of the system.
 */
#include "api/registry.h"
#include "base/json_tree.h"
#include "base/os.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- parsing --------------------------------------------------------------------------- */

struct parse {
	struct arena *arena;
	const char *where;
	struct skep_err *err;
	int r;
};

static void bad(struct parse *p, const struct json_node *v, const char *key, const char *what)
{
	char where[512];

	if (p->r)
		return;
	snprintf(where, sizeof(where), "%.400s:%u:%u", p->where, v->line, v->col);
	p->r = err_set(p->err, ERR_JSON, where, "'%s' is %s", key, what);
}

static u64 number(struct parse *p, const struct json_node *o, const char *key, u64 max)
{
	const struct json_node *v = json_member(o, key);
	u64 n = 0;

	if (!v || !json_number(v, max, &n))
		bad(p, v ? v : o, key, v ? "no number in its range" : "missing");
	return n;
}

/* Without what terminals obey: control characters of ASCII and, in two bytes, of Latin 1. */
static void make_plain(char *s)
{
	for (u8 *c = (u8 *)s; *c; c++) {
		const bool two = *c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

		if (two)
			*c++ = '?';
		if (two || *c < ' ' || *c == 0x7f)
			*c = '?';
	}
}

/* "" when it is missing and MUST does not say that it must be
 * there. */
static const char *text(struct parse *p, const struct json_node *o, const char *key, bool must)
{
	const struct json_node *v = json_member(o, key);
	char *s;

	if (!v || v->kind != JSON_STRING) {
		if (v || must)
			bad(p, v ? v : o, key, v ? "no text" : "missing");
		return "";
	}
	s = arena_strdup(p->arena, v->text);
	make_plain(s);
	return s;
}

/* The first of array KEY of O and how many; more than MAX is bad. */
static const struct json_node *list(struct parse *p, const struct json_node *o, const char *key,
				    enum json_kind of, u32 max, u32 *n)
{
	const struct json_node *v = json_member(o, key);

	*n = 0;
	if (!v || v->kind != JSON_ARRAY) {
		bad(p, v ? v : o, key, v ? "no array" : "missing");
		return NULL;
	}
	for (const struct json_node *c = v->child; c && !p->r; c = c->next) {
		if (c->kind != of || ++*n > max)
			bad(p, c, key, c->kind != of ? "an array of other things" : "too long");
	}
	return p->r ? NULL : v->child;
}

enum { THINGS_MAX = 1 << 20, ID_MAX = INT32_MAX };

static void parse_maps_of(struct parse *p, const struct json_node *o, struct registry_prog *g)
{
	const struct json_node *v = list(p, o, "maps", JSON_NUMBER, THINGS_MAX, &g->nr_maps);
	u32 i = 0;
	u64 n;

	g->maps = arena_news(p->arena, v ? g->nr_maps : 0, u32);
	for (; v; v = v->next) {
		if (!json_number(v, ID_MAX, &n))
			bad(p, v, "maps", "an array of other things");
		g->maps[i++] = (u32)n;
		n = 0;
	}
	g->nr_maps = i;
}

static void parse_prog(struct parse *p, const struct json_node *o, struct registry_prog *g)
{
	const struct json_node *gpl = json_member(o, "gpl");

	*g = (struct registry_prog){
		.id = (u32)number(p, o, "id", ID_MAX), .name = text(p, o, "name", true),
		.section = text(p, o, "section", false), .type = text(p, o, "type", true),
		.tag = text(p, o, "tag", true), .engine = text(p, o, "engine", true),
		.verdict = text(p, o, "verdict", true),
		.xlated = (u32)number(p, o, "xlated", UINT32_MAX),
		.jited = (u32)number(p, o, "jited", UINT32_MAX),
		.gpl = gpl && gpl->kind == JSON_BOOL && !strcmp(gpl->text, "true"),
	};
	parse_maps_of(p, o, g);
}

static void parse_map(struct parse *p, const struct json_node *o, struct registry_map *g)
{
	*g = (struct registry_map){
		.id = (u32)number(p, o, "id", ID_MAX), .name = text(p, o, "name", true),
		.type = (u32)number(p, o, "type", UINT32_MAX),
		.key_size = (u32)number(p, o, "key", UINT32_MAX),
		.value_size = (u32)number(p, o, "value", UINT32_MAX),
		.max_entries = (u32)number(p, o, "max_entries", UINT32_MAX),
		.flags = (u32)number(p, o, "flags", UINT32_MAX),
		.pin = json_member(o, "pin") ? text(p, o, "pin", true) : NULL,
	};
}

static void parse_link(struct parse *p, const struct json_node *o, struct registry_link *g)
{
	*g = (struct registry_link){
		.id = (u32)number(p, o, "id", ID_MAX), .prog = (u32)number(p, o, "prog", ID_MAX),
		.kind = text(p, o, "kind", true), .where = text(p, o, "where", true),
	};
}

static void parse_things(struct parse *p, const struct json_node *o, struct registry_object *g)
{
	const struct json_node *v = list(p, o, "programs", JSON_OBJECT, THINGS_MAX, &g->nr_progs);

	g->progs = arena_news(p->arena, v ? g->nr_progs : 0, struct registry_prog);
	for (struct registry_prog *to = g->progs; v && !p->r; v = v->next)
		parse_prog(p, v, to++);
	v = list(p, o, "maps", JSON_OBJECT, THINGS_MAX, &g->nr_maps);
	g->maps = arena_news(p->arena, v ? g->nr_maps : 0, struct registry_map);
	for (struct registry_map *to = g->maps; v && !p->r; v = v->next)
		parse_map(p, v, to++);
	v = list(p, o, "links", JSON_OBJECT, THINGS_MAX, &g->nr_links);
	g->links = arena_news(p->arena, v ? g->nr_links : 0, struct registry_link);
	for (struct registry_link *to = g->links; v && !p->r; v = v->next)
		parse_link(p, v, to++);
}

int registry_parse(struct registry_object *g, struct arena *a, const void *data, size_t n,
		   const char *where, struct skep_err *err)
{
	struct parse p = { a, where, err, 0 };
	struct json_node *o;
	int r = json_tree(&o, a, data, n, where, err);

	*g = (struct registry_object){ 0 };
	if (r)
		return r;
	if (!o || o->kind != JSON_OBJECT || o->next)
		return err_set(err, ERR_JSON, where, "this is not what a process tells of an "
			       "object");
	number(&p, o, "skep", 1);
	g->pid = (u32)number(&p, o, "pid", ID_MAX);
	g->serial = (u32)number(&p, o, "serial", UINT32_MAX);
	g->start = number(&p, o, "start", UINT64_MAX);
	g->ns = number(&p, o, "ns", UINT64_MAX);
	g->loaded_at = number(&p, o, "loaded_at", INT64_MAX);
	g->file = text(&p, o, "object", true);
	parse_things(&p, o, g);
	return p.r;
}

/* ---- one file -------------------------------------------------------------------------- */

struct look {
	registry_fn *fn;
	registry_bad_fn *bad;
	void *arg;
	const char *dir;
	int fd;
	u32 uid;		/* whose folder it is */
	u64 ns;			/* where process ids mean something here */
};

/* All of file NAME, which is a plain one of the folder's owner; false: it is not. */
static bool read_file(const struct look *l, const char *name, struct strbuf *to)
{
	int fd = openat(l->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char buf[16384];
	struct stat st;
	ssize_t n = -1;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == l->uid &&
	    st.st_size <= REGISTRY_BYTES)
		while ((n = read(fd, buf, sizeof(buf))) > 0 && to->n + (size_t)n <= REGISTRY_BYTES)
			sb_add(to, buf, (size_t)n);
	if (fd >= 0)
		close(fd);
	return !n;
}

/* Is the process there that O says it is of? */
static bool lives(const struct registry_object *o, u32 uid)
{
	u32 owner;

	return o->pid && os_process_owner(o->pid, &owner) && owner == uid &&
	       os_process_start(o->pid) == o->start;
}

/* PID.N: another process' name space has other ids, of which nothing can be asked. */
static void look_at(const struct look *l, const char *name)
{
	struct strbuf content = { 0 }, path = { 0 };
	struct arena arena = ARENA_INIT;
	struct registry_object o;
	struct skep_err err = { 0 };

	sb_printf(&path, "%s/%s", l->dir, name);
	if (!read_file(l, name, &content)) {
		sb_free(&path);
		return;
	}
	if (registry_parse(&o, &arena, sb_text(&content), content.n, sb_text(&path), &err)) {
		l->bad(l->arg, sb_text(&path), &err);
	} else if (o.ns == l->ns && !lives(&o, l->uid)) {
		if (l->uid == geteuid())
			unlinkat(l->fd, name, 0);
	} else if (o.ns == l->ns) {
		o.uid = l->uid;
		os_process_comm(o.pid, o.comm);
		make_plain(o.comm);
		l->fn(l->arg, &o);
	}
	arena_free(&arena);
	sb_free(&content);
	sb_free(&path);
}

/* ---- folders ---------------------------------------------------------------------------- */

/* By process, then by number. */
static int file_order(const void *x, const void *y)
{
	char *const *a = x, *const *b = y;
	char *enda, *endb;
	unsigned long na = strtoul(*a, &enda, 10), nb = strtoul(*b, &endb, 10);

	if (na != nb)
		return na < nb ? -1 : 1;
	na = *enda ? strtoul(enda + 1, NULL, 10) : 0;
	nb = *endb ? strtoul(endb + 1, NULL, 10) : 0;
	return na < nb ? -1 : na > nb;
}

static bool is_name(const char *name)
{
	return *name >= '1' && *name <= '9' && strchr(name, '.');
}

/* PID.N.new */
static bool is_new(const char *name)
{
	size_t pid = strspn(name, "0123456789"), n;

	if (!is_name(name) || name[pid] != '.')
		return false;
	n = strspn(name + pid + 1, "0123456789");
	return n && !strcmp(name + pid + 1 + n, ".new");
}

/* What a process was writing when it was killed. */
static void look_at_new(const struct look *l, const char *name)
{
	const u32 pid = (u32)strtoul(name, NULL, 10);

	if (l->uid == geteuid() && !os_process_start(pid))
		unlinkat(l->fd, name, 0);
}

static void look_in(struct look *l, const char *dir)
{
	struct stat st;
	size_t n;
	char **names;

	l->dir = dir;
	l->fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->fd < 0)
		return;
	if (fstat(l->fd, &st) || st.st_uid != l->uid) {
		close(l->fd);
		return;
	}
	names = os_dir_names(dir, &n);
	qsort(names, n, sizeof(*names), file_order);
	for (size_t i = 0; i < n; i++) {
		if (is_new(names[i]))
			look_at_new(l, names[i]);
		else if (is_name(names[i]))
			look_at(l, names[i]);
		free(names[i]);
	}
	free(names);
	close(l->fd);
}

/* Root sees all users. */
static void look_at_users(struct look *l, const char *own)
{
	size_t n;
	char **names = os_dir_names("/run/user", &n);

	for (size_t i = 0; i < n; i++) {
		struct strbuf dir = { 0 };
		char *end;

		l->uid = (u32)strtoul(names[i], &end, 10);
		sb_printf(&dir, "/run/user/%s/skep/.live", names[i]);
		if (!*end && l->uid && (!own || strcmp(own, sb_text(&dir))))
			look_in(l, sb_text(&dir));
		sb_free(&dir);
		free(names[i]);
	}
	free(names);
}

void registry_each(registry_fn *fn, registry_bad_fn *bad_fn, void *arg)
{
	struct look l = { .fn = fn, .bad = bad_fn, .arg = arg, .uid = geteuid() };
	char *own = registry_dir(false);
	u64 dev;

	os_pid_ns(&dev, &l.ns);
	if (own)
		look_in(&l, own);
	if (!geteuid() && !secure_getenv("SKEP_REGISTRY"))
		look_at_users(&l, own);
	free(own);
}

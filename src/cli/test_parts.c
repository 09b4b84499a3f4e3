/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_parts.c: parts of a case of `skep test` that stand by themselves: the task and the
 * context that a program gets, the records that it leaves, and what the kernel makes of it.
 */
#include "cli/test_in.h"
#include "cli/prog_view.h"
#include "kernel/link.h"
#include "kernel/live.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the task ---------------------------------------------------------------------- */

static bool read_id(struct run_case *r, const char *key, u32 *out)
{
	u64 n;

	if (!test_u64(r, key, UINT32_MAX, &n))
		return false;
	*out = (u32)n;
	return true;
}

void test_task(struct run_case *r)
{
	struct run_who *w = &r->who;
	size_t at = 0;
	const char *comm = testcase_field(r->c, "comm", &at);
	bool pid, tgid;

	w->pid = w->tgid = 1;
	pid = read_id(r, "pid", &w->pid);
	tgid = read_id(r, "tgid", &w->tgid);
	if (pid && !tgid)
		w->tgid = w->pid;	/* a process of one thread */
	if (tgid && !pid)
		w->pid = w->tgid;
	w->has_ids = pid || tgid;
	w->has_user = read_id(r, "uid", &w->uid);
	w->has_user |= read_id(r, "gid", &w->gid);
	w->has_comm = comm;
	if (comm && strlen(comm) >= sizeof(w->comm))
		failed(r, "comm=%s: a name has at most %zu bytes", comm, sizeof(w->comm) - 1);
	else if (comm)
		snprintf(w->comm, sizeof(w->comm), "%s", comm);
}

/* ---- the context --------------------------------------------------------------------- */

/* The struct that the program's first argument points to, or 0. */
static u32 context_type(const struct run_case *r)
{
	const struct btf *btf = r->c->obj->img->btf;
	u32 func = btf && r->prog->nr_funcs ? r->prog->funcs[0].type_id : 0, id;
	const struct btf_type *proto, *t;

	if (!func || btf_kind(btf_type(btf, func)) != BTF_KIND_FUNC)
		return 0;
	proto = btf_type(btf, btf_type(btf, func)->type);
	if (btf_kind(proto) != BTF_KIND_FUNC_PROTO || !btf_vlen(proto))
		return 0;
	t = btf_type(btf, btf_skip_mods(btf, ((const struct btf_param *)(proto + 1))->type));
	if (btf_kind(t) != BTF_KIND_PTR)
		return 0;
	id = btf_skip_mods(btf, t->type);
	return btf_kind(btf_type(btf, id)) == BTF_KIND_STRUCT ? id : 0;
}

/* Of programs on sockets' packets, flows and raw tracepoints. */
static bool takes_context(u32 type)
{
	const struct ctx_desc *d = ctx_desc(type);

	return type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_SK_LOOKUP ||
	       type == BPF_PROG_TYPE_FLOW_DISSECTOR ||
	       (d && type != BPF_PROG_TYPE_SK_SKB && !strcmp(d->name, "__sk_buff"));
}

static void json_context(struct run_case *r, const char *text)
{
	u32 type = context_type(r);
	struct json_values v = { 0 };
	struct skep_err err = { 0 };

	if (!type)
		failed(r, "context: the program's argument is of no struct; its bytes in "
		       "hexadecimal are needed");
	else if (json_values_load(&v, r->c->obj, type, false, "context", text, &err))
		test_failed_err(r, &err);
	else {
		r->run.ctx_in = arena_copy(&r->arena, v.v[0].low, v.v[0].bytes);
		r->run.ctx_in_bytes = v.v[0].bytes;
	}
	json_values_free(&v);
}

/* "1, 0x20": the words of a raw tracepoint. */
static void words(struct run_case *r, const char *text)
{
	u64 *v = arena_news(&r->arena, strlen(text) / 2 + 1, u64);
	u32 n = 0;
	char *end;

	for (const char *s = text;; s = end + 1) {
		errno = 0;
		v[n++] = strtoull(s, &end, 0);
		end += strspn(end, " \t");
		if (end == s || errno || (*end && *end != ',')) {
			failed(r, "args=%s: numbers with ',' between them are needed", text);
			return;
		}
		if (!*end)
			break;
	}
	r->run.ctx_in = v;
	r->run.ctx_in_bytes = n * 8;
}

void test_context(struct run_case *r)
{
	size_t at = 0, also = 0;
	const char *context = testcase_field(r->c, "context", &at);
	const char *args = testcase_field(r->c, "args", &also);
	bool raw = r->prog->type == BPF_PROG_TYPE_RAW_TRACEPOINT;
	u8 *bytes;

	at = 0;
	if (raw && testcase_field(r->c, "packet", &at))
		failed(r, "packet: a raw tracepoint gets none; its words are args=1,2");
	if (raw)
		r->run.data_bytes = 0;
	if (args && (!raw || context))
		failed(r, "args are the words of a raw tracepoint%s", raw ? ", and so is context" :
		       "; this is another program");
	else if (args)
		words(r, args);
	if (!context)
		return;
	if (!takes_context(r->prog->type))
		failed(r, "programs of type %s take no context; they have ifindex and rx_queue",
		       progtype_row(r->prog->type)->name);
	else if (*context == '{')
		json_context(r, context);
	else if (test_hex(r, context, &bytes, &r->run.ctx_in_bytes))
		r->run.ctx_in = bytes;
}

/* ---- records --------------------------------------------------------------------------- */

static bool has_records(u32 type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

/* The kernel's perf event arrays have buffers when somebody waits. */
void test_records_open(struct run_case *r)
{
	const struct image *img = r->obj->img;
	struct backend *b = r->obj->backend;
	size_t at = 0;

	for (u32 i = 0; i < img->nr_maps && testcase_field(r->c, "records", &at); i++, at = 0)
		if (img->maps[i].type == BPF_MAP_TYPE_PERF_EVENT_ARRAY &&
		    r->opts.engine == SKEP_KERNEL)
			b->ops->map_fd(b, i);
}

struct left { struct json_values v; };	/* records: low has the bytes */

static int keep(void *arg, const struct map_event *e)
{
	struct left *l = arg;
	u8 *copy = mem_alloc(e->bytes + 1);

	memcpy(copy, e->data, e->bytes);
	*vec_push(&l->v) = (struct json_value){ .low = copy, .bytes = e->bytes };
	return 0;
}

/* The first byte of GOT that is not as WANT says, or -1. What lies behind the type is
 * compared with nothing: the kernel pads records of perf event arrays. */
static s64 differs(const struct json_value *want, const struct json_value *got)
{
	for (u32 i = 0; i < want->bytes; i++)
		if (i >= got->bytes || ((got->low[i] ^ want->low[i]) &
					(u8)~(want->low[i] ^ want->high[i])))
			return i;
	return -1;
}

static void show_record(struct run_case *r, const char *what, size_t i, u32 type,
			const struct json_value *v)
{
	struct strbuf text = { 0 };
	struct json j = { .out = &text };
	const struct btf *btf = r->c->obj->img->btf;

	if (type && btf_bytes(btf, type) <= v->bytes)
		btf_show_json_as(&j, NULL, btf, type, v->low, btf_bytes(btf, type),
				 &(struct btf_show_as){ 0 });
	for (u32 k = 0, shown = text.n > 0; !shown && k < v->bytes; k++)
		sb_printf(&text, "%02x", v->low[k]);
	sb_printf(r->why, "%s record %zu: %s\n", what, i, sb_text(&text));
	sb_free(&text);
}

static void compare_records(struct run_case *r, const char *map, u32 type,
			    const struct json_values *want, const struct json_values *got)
{
	for (size_t i = 0; i < want->n && i < got->n; i++) {
		s64 at = differs(&want->v[i], &got->v[i]);

		if (at < 0)
			continue;
		failed(r, "record %zu of map '%s' is not as it was to be, from byte %lld on", i,
		       map, (long long)at);
		show_record(r, "the", i, type, &got->v[i]);
		return;
	}
	if (want->n == got->n)
		return;
	failed(r, "map '%s' has %zu records, expected %zu", map, got->n, want->n);
	for (size_t i = want->n; i < got->n && i < want->n + 8; i++)
		show_record(r, "there is", i, type, &got->v[i]);
}

/* The map called NAME, which has records; -1 and a reason. */
static int record_map(struct run_case *r, const char *name)
{
	int map = image_map_find(r->obj->img, name);

	if (map < 0)
		failed(r, "there is no map '%s'", name);
	else if (!has_records(r->obj->img->maps[map].type)) {
		failed(r, "map '%s' has no records; expect says what it holds", name);
		map = -1;
	}
	return map;
}

/* The type of records, as MAP=NAME says or the map itself; false: there is none of NAME. */
static bool record_type(struct run_case *r, int map, const char *name, u32 *type)
{
	*type = name ? json_type_called(r->obj->img->btf, name) :
		r->obj->img->maps[map].value_type;
	if (name && !*type)
		failed(r, "the object has no type '%s': a global variable keeps a type that only "
		       "functions use, %s%s *unused;", name,
		       strchr(name, ' ') ? "" : "struct ", name);
	return !name || *type;
}

void test_records(struct run_case *r, const char *text)
{
	char *name = arena_strdup(&r->arena, text), *colon = strchr(name, ':'), *eq;
	struct json_values want = { 0 };
	struct left got = { { 0 } };
	struct backend *b = r->obj->backend;
	struct skep_err err = { 0 };
	const char *from;
	u32 type;
	int map;

	if (!colon) {
		failed(r, "'%s': MAP:[records], MAP=TYPE:[records] or a file is needed", text);
		return;
	}
	*colon = 0;
	from = colon + 1 + strspn(colon + 1, " \t");
	eq = strchr(name, '=');
	if (eq)
		*eq = 0;
	map = record_map(r, name);
	if (map < 0 || !record_type(r, map, eq ? eq + 1 : NULL, &type))
		return;
	if (*from == '[' ? json_values_load(&want, r->obj, type, true, name, from, &err) :
			   json_values_load(&want, r->obj, type, true, test_path(r, from), NULL,
					    &err)) {
		test_failed_err(r, &err);
	} else {
		b->ops->map_read(b, (u32)map, keep, &got);
		compare_records(r, name, type, &want, &got.v);
	}
	json_values_free(&want);
	json_values_free(&got.v);
}

/* ---- what the kernel makes of a program ---------------------------------------------- */

/* Lines "4: r5 = 5": without the opcodes that bpftool prints. FD is taken. */
static int translated(struct strbuf *out, int fd, struct skep_err *err)
{
	struct live_prog p;
	struct prog_text *text;
	struct strbuf line = { 0 };
	int r = live_prog_read(&p, fd, err);

	r = r ? r : prog_text_open(&text, &p, err);
	if (r)
		return r;
	for (u32 i = 0; i < prog_text_code(text)->nr_insns;
	     i += isa_slots(&prog_text_code(text)->insns[i])) {
		const char *s;

		sb_reset(&line);
		prog_text_insn(text, &line, i);
		s = sb_text(&line);
		sb_printf(out, "%u: %s\n", i, *s == '(' && s[3] == ')' ? s + 5 : s);
	}
	prog_text_close(text);
	sb_free(&line);
	close(fd);
	return 0;
}

/* Is PATTERN in the line at TEXT? *NEXT is the line behind. */
static bool line_has(struct run_case *r, const char *text, const char *pattern,
		     const char **next)
{
	size_t n = strcspn(text, "\n");
	regmatch_t at;

	*next = text + n + (text[n] == '\n');
	return test_find_pattern(r, arena_strndup(&r->arena, text, n), pattern, &at);
}

/* Each is in the line behind that of the one before; "..." stands for any lines. */
static void check_xlated(struct run_case *r, const char *text)
{
	const struct test_texts *m = &r->c->xlated;
	bool anywhere = true;
	const char *next = text;

	for (size_t i = 0; i < m->n; i++) {
		const char *at = next;
		bool found = false;

		if (!strcmp(m->v[i].text, "...")) {
			anywhere = true;
			continue;
		}
		do {
			found = *at && line_has(r, at, m->v[i].text, &next);
			at = next;
		} while (!found && anywhere && *at);
		if (!found) {
			failed(r, "the kernel's program lacks '%s'%s, which is:", m->v[i].text,
			       i ? " behind the lines before it" : "");
			sb_puts(r->why, text);
			return;
		}
		anywhere = false;
	}
}

void test_xlated(struct run_case *r, struct skep_object *obj)
{
	int fd = kernel_prog_fd(obj->backend, (u32)obj->progs[r->c->prog].loaded);
	struct strbuf text = { 0 };
	struct skep_err err = { 0 };

	fd = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		failed(r, "the kernel does not show the program");
	else if (translated(&text, fd, &err))
		test_failed_err(r, &err);
	else
		check_xlated(r, sb_text(&text));
	sb_free(&text);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * both.c: `skep run --on both`: each packet on the embedded engine and on the
 * kernel. What differs is printed; it must be nothing.
 */
#include "cli/run.h"
#include "isa/isa.h"
#include "kernel/kernel.h"
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>

enum {
	/* Differences of packets, and of maps, that are shown; the rest is counted. */
	TEXT_MAX = 10,
	JSON_MAX = 1000,
};

/* One difference: PACKET 0 is none, AT a byte or -1; NULL: nothing there. */
struct difference {
	u64 packet;
	const char *what;	/* "verdict" */
	s64 at;
	const char *user, *kernel;
};

static void difference_json(struct both *b, const struct difference *d)
{
	struct json *j = &b->json;

	json_obj(j, NULL);
	if (d->packet)
		json_u64(j, "packet", d->packet);
	json_str(j, "what", d->what);
	if (d->at >= 0)
		json_s64(j, "byte", d->at);
	if (d->user)
		json_str(j, "user", d->user);
	if (d->kernel)
		json_str(j, "kernel", d->kernel);
	json_obj_end(j);
}

static void difference_text(const struct difference *d)
{
	if (d->packet)
		printf("packet %" PRIu64 ": ", d->packet);
	write_text(stdout, d->what, strlen(d->what));
	if (d->at >= 0)
		printf(", byte %" PRId64, d->at);
	if (d->user && d->kernel)
		printf(": user %s, kernel %s\n", d->user, d->kernel);
	else
		printf(": only %s has %s\n", d->user ? "user" : "kernel",
		       d->user ? d->user : d->kernel);
}

static void differs(struct both *b, const struct difference *d)
{
	u64 *n = &b->differ[d->packet == 0];

	++*n;
	if (b->as_json && *n <= JSON_MAX)
		difference_json(b, d);
	else if (!b->as_json && *n <= TEXT_MAX)
		difference_text(d);
}

/* The same of numbers. */
static void differ_u64(struct both *b, u64 packet, const char *what, s64 at, const char *fmt,
		       u64 user, u64 kernel)
{
	char one[32], two[32];

	snprintf(one, sizeof(one), fmt, user);
	snprintf(two, sizeof(two), fmt, kernel);
	differs(b, &(struct difference){ packet, what, at, one, two });
}

static bool has_records(const struct image_map *m)
{
	return m->type == BPF_MAP_TYPE_RINGBUF || m->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

/* The kernel's have buffers, as the embedded engine's have, when somebody waits. */
static int open_perf(struct both *b, struct skep_err *err)
{
	const struct image *img = b->user->obj->img;
	struct backend *kernel = b->twin->backend;
	int fd = 0;

	for (u32 i = 0; i < img->nr_maps && fd >= 0; i++)
		if (img->maps[i].type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			fd = kernel->ops->map_fd(kernel, i);
	return fd >= 0 ? 0 : err_set(err, ERR_KERNEL, NULL, "the kernel's perf events cannot be "
				     "read: %s", strerror(-fd));
}

/* The kernel runs a program on the cpu that we are on: so it has one value of those that
 * each cpu has of its own, as the engine has. */
static void stay_on_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t *set = cpu < 0 ? NULL : CPU_ALLOC(cpu + 1);
	size_t bytes = CPU_ALLOC_SIZE(cpu + 1);

	if (!set)
		return;
	CPU_ZERO_S(bytes, set);
	CPU_SET_S(cpu, bytes, set);
	sched_setaffinity(0, bytes, set);
	CPU_FREE(set);
}

int both_open(struct both *b, struct skep_prog *prog, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	const struct prog_set only = { &prog->index, 1 };
	int r;

	b->user = prog;
	b->json.out = &b->text;
	b->json.depth = 1;		/* inside of the document */
	b->kernel_v.prog_type = skep_prog_type(prog);
	b->twin = object_twin(prog->obj);
	r = object_load(b->twin, &opts, &only, err);
	b->kernel = &b->twin->progs[prog->index];
	stay_on_cpu();
	return r ? r : open_perf(b, err);
}

/* The first byte in which the packets differ. */
static u32 first_difference(const struct test_run *u, const struct test_run *k)
{
	u32 i = 0;

	while (i < u->bytes_out && i < k->bytes_out && u->data_out[i] == k->data_out[i])
		i++;
	return i;
}

static void compare(struct both *b, u64 number, const struct test_run *u, const struct test_run *k)
{
	u32 type = skep_prog_type(b->user), at = first_difference(u, k);
	char one[16], two[16];

	if (u->retval != k->retval)
		differs(b, &(struct difference){ number, "verdict", -1,
			verdict_text(type, u->retval, one), verdict_text(type, k->retval, two) });
	if (u->bytes_out != k->bytes_out)
		differ_u64(b, number, "size", -1, "%" PRIu64, u->bytes_out, k->bytes_out);
	else if (at < u->bytes_out)
		differ_u64(b, number, "packet", at, "0x%02" PRIx64, u->data_out[at],
			   k->data_out[at]);
}

static void compare_ctx(struct both *b, u64 number, const struct test_run *u,
			const struct test_run *k)
{
	const struct ctx_desc *d = ctx_out_desc(skep_prog_type(b->user));
	u32 mine, theirs;

	for (u32 at = 0; d && at + 4 <= u->ctx_out_bytes && at + 4 <= k->ctx_out_bytes; at += 4) {
		const struct ctx_field *f = ctx_field(d, at, 4);

		if (!f)
			f = ctx_field(d, at & ~7u, 8);

		memcpy(&mine, (const u8 *)u->ctx_out + at, 4);
		memcpy(&theirs, (const u8 *)k->ctx_out + at, 4);
		if (mine != theirs)
			differ_u64(b, number, f ? f->name : "context", at, "0x%" PRIx64, mine,
				   theirs);
	}
}

static int add_record(void *arg, const struct map_event *e)
{
	struct strbuf *to = arg;

	sb_add(to, &e->bytes, sizeof(e->bytes));
	sb_add(to, e->data, e->bytes);
	return 0;
}

/* Perf events of the kernel, which are longer by what is up to 4 less than a multiple of 8:
 * as long as the embedded engine's, which came before. */
struct fitting { struct strbuf *to; const struct strbuf *like; };

static int add_fitting(void *arg, const struct map_event *e)
{
	const struct fitting *f = arg;
	struct map_event cut = *e;
	u32 bytes;

	if (f->to->n + sizeof(bytes) <= f->like->n) {
		memcpy(&bytes, f->like->s + f->to->n, sizeof(bytes));
		if (e->bytes == round_up(bytes + 4ull, 8) - 4)
			cut.bytes = bytes;
	}
	return add_record(f->to, &cut);
}

static void records_differ(struct both *b, u64 number, const char *map, const struct strbuf *one,
			   const struct strbuf *two)
{
	struct strbuf what = { 0 };

	sb_printf(&what, "records of map %s", map);
	differ_u64(b, number, sb_text(&what), -1, "%" PRIu64 " bytes", one->n, two->n);
	sb_free(&what);
}

/* A record of the embedded engine, for whom records are shown, too. */
struct taking { struct strbuf *to; struct both *b; u64 packet; u32 map; };

static int take_record(void *arg, const struct map_event *e)
{
	struct taking *t = arg;

	if (t->b->events)
		events_take(t->b->events, t->packet, t->map, e);
	return add_record(t->to, e);
}

/* What the packet left; reading makes room for the next ones. */
void both_records(struct both *b, u64 number, u64 shown)
{
	const struct image *img = b->user->obj->img;
	struct backend *user = b->user->obj->backend, *kernel = b->twin->backend;
	struct strbuf one = { 0 }, two = { 0 };

	for (u32 i = 0; i < img->nr_maps; i++) {
		if (!has_records(&img->maps[i]))
			continue;
		sb_reset(&one);
		sb_reset(&two);
		user->ops->map_read(user, i, take_record, &(struct taking){ &one, b, shown, i });
		if (img->maps[i].type == BPF_MAP_TYPE_RINGBUF)
			kernel->ops->map_read(kernel, i, add_record, &two);
		else
			kernel->ops->map_read(kernel, i, add_fitting,
					      &(struct fitting){ &two, &one });
		if (one.n != two.n || (one.n && memcmp(one.s, two.s, one.n)))
			records_differ(b, number, img->maps[i].name, &one, &two);
	}
	sb_free(&one);
	sb_free(&two);
}

int both_packet(struct both *b, u64 number, struct test_run *t, struct skep_err *err)
{
	struct backend *user = b->user->obj->backend, *kernel = b->twin->backend;
	struct test_run k = *t;
	int r = kernel->ops->test_run(kernel, (u32)b->kernel->loaded, &k, err);

	if (r && err->id == ERR_KERNEL_INPUT) {
		b->left_out++;
		return 1;
	}
	t->alone = true;
	if (!r)
		r = user->ops->test_run(user, (u32)b->user->loaded, t, err);
	if (r)
		return r;
	b->packets++;
	verdicts_count(&b->kernel_v, k.retval);
	compare(b, number, t, &k);
	compare_ctx(b, number, t, &k);
	return 0;
}

/* ---- the end ---------------------------------------------------------------------- */

static const struct { u32 helper; const char *what; } own[] = {
#define OWN(helper, what) { helper, what },
#include "cli/both.def"
#undef OWN
};

static bool calls(const struct image_prog *p, u32 helper)
{
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		if (isa_op(&p->insns[i]) == OP_CALL && (u32)p->insns[i].imm == helper)
			return true;
	return false;
}

/* What may be the reason, as each engine has its own. */
static void note_own(const struct both *b)
{
	const struct image_prog *p = &b->user->obj->img->progs[b->user->index];

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (calls(p, own[i].helper))
			fprintf(stderr, "note: the program calls bpf_%s, and each engine has its "
				"own %s\n", helper_row(own[i].helper)->name, own[i].what);
}

static void map_differs(void *arg, const char *map, const char *user, const char *kernel)
{
	struct strbuf what = { 0 };

	sb_printf(&what, "map %s", map);
	differs(arg, &(struct difference){ 0, sb_text(&what), -1, user, kernel });
	sb_free(&what);
}

static u64 all_differences(const struct both *b) { return b->differ[0] + b->differ[1]; }

/* The values of the kernel's queue or stack, which gives them up one by one and
 * gets them back; their number. */
static u64 kernel_values(struct both *b, u32 i, struct strbuf *out)
{
	struct backend *kernel = b->twin->backend;
	const struct image_map *def = &b->twin->img->maps[i];
	u8 *value = mem_alloc(def->value_size);
	u64 n = 0;

	for (; !kernel->ops->map_lookup_delete(kernel, i, NULL, value, 0); n++)
		sb_add(out, value, def->value_size);
	for (u64 k = 0; k < n; k++) {
		u64 from = def->type == BPF_MAP_TYPE_STACK ? n - 1 - k : k;

		kernel->ops->map_update(kernel, i, NULL, out->s + from * def->value_size, 0);
	}
	free(value);
	return n;
}

static void compare_queue(struct both *b, u32 i)
{
	struct backend *user = b->user->obj->backend;
	const struct image_map *def = &b->user->obj->img->maps[i];
	u8 *value = mem_alloc(def->value_size);
	struct strbuf theirs = { 0 };
	u64 n = kernel_values(b, i, &theirs), k = 0;

	for (; !user->ops->map_nth(user, i, k, value); k++)
		if (k < n && memcmp(value, theirs.s + k * def->value_size, def->value_size)) {
			char what[32];

			snprintf(what, sizeof(what), "value %" PRIu64, k);
			map_differs(b, def->name, what, "another");
		}
	if (k != n)
		differ_u64(b, 0, def->name, -1, "%" PRIu64 " values", k, n);
	sb_free(&theirs);
	free(value);
}

/* False: maps of that type do not show what is in them. */
static bool compare_map(struct both *b, u32 i)
{
	const struct image_map *def = &b->user->obj->img->maps[i];

	switch (def->type) {
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		compare_queue(b, i);
		return true;
	case BPF_MAP_TYPE_RINGBUF:	/* after each packet */
	case BPF_MAP_TYPE_USER_RINGBUF:
		return true;
	}
	if (!def->key_size || def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return false;
	map_show_diff(b->user->obj, b->twin, i, map_differs, b);
	return true;
}

int both_end(struct both *b)
{
	const struct image *img = b->user->obj->img;

	for (u32 i = 0; i < img->nr_maps; i++) {
		if (img->maps[i].kind == IMAGE_MAP_RODATA)
			continue;
		if (compare_map(b, i))
			b->maps++;
		else
			fprintf(stderr, "note: map %s was not compared: maps of type %s do not "
				"show what is in them\n", img->maps[i].name,
				maptype_row(img->maps[i].type)->name);
	}
	if (b->left_out)
		fprintf(stderr, "note: %" PRIu64 " packets were left out: the kernel's test run "
			"takes those of 14 bytes to about a page (XDP: 73152 bytes), IP packets "
			"with their header\n",
			b->left_out);
	if (all_differences(b))
		note_own(b);
	return all_differences(b) ? EXIT_NO : EXIT_YES;
}

void both_text(const struct both *b)
{
	u64 n = all_differences(b), shown = min_u64(b->differ[0], TEXT_MAX) +
					    min_u64(b->differ[1], TEXT_MAX);

	if (n > shown)
		printf("... and %" PRIu64 " more differences (--json has more)\n", n - shown);
	if (n)
		printf("user and kernel %s differ: %" PRIu64 " differences in %" PRIu64
		       " packets and %" PRIu64 " maps\n", kernel_release(b->twin->backend),
		       n, b->packets, b->maps);
	else
		printf("user and kernel %s agree: %" PRIu64 " verdicts, %" PRIu64
		       " packets, %" PRIu64 " maps\n", kernel_release(b->twin->backend),
		       b->packets, b->packets, b->maps);
}

void both_json(struct both *b, struct json *j, const struct str_list *net)
{
	const struct image *img = b->user->obj->img;

	json_u64(j, "packets_left_out", b->left_out);
	json_u64(j, "differences", all_differences(b));
	json_arr(j, "differ");
	if (all_differences(b))
		json_raw(j, NULL, sb_text(&b->text));
	json_arr_end(j);
	json_obj(j, "kernel");
	json_str(j, "release", kernel_release(b->twin->backend));
	verdicts_json(&b->kernel_v, j);
	json_arr(j, "maps");
	for (u32 i = 0; i < img->nr_maps; i++)
		map_show_json(j, b->twin, i, net);
	json_arr_end(j);
	json_obj_end(j);
}

void both_close(struct both *b)
{
	if (b->twin)
		skep_object_close(b->twin);
	verdicts_free(&b->kernel_v);
	sb_free(&b->text);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * both.c: `skep run --on both`: each packet on the embedded engine and on the
 * kernel. What differs is printed; it must be nothing.
 */
#include "cli/run.h"
#include "isa/isa.h"
#include "kernel/kernel.h"
#include <inttypes.h>
#include <stdlib.h>

enum { SHOWN_MAX = 10 };	/* differences of one kind; the rest is counted */

static void differs(struct both *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void differs(struct both *b, const char *fmt, ...)
{
	va_list ap;

	if (b->differ++ >= SHOWN_MAX)
		return;
	va_start(ap, fmt);
	vfprintf(b->report, fmt, ap);
	va_end(ap);
}

int both_open(struct both *b, struct skep_prog *prog, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	const struct prog_set only = { &prog->index, 1 };
	int r;

	b->user = prog;
	b->twin = object_twin(prog->obj);
	r = object_load(b->twin, &opts, &only, err);
	b->kernel = &b->twin->progs[prog->index];
	return r;
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
		differs(b, "packet %" PRIu64 ": user %s, kernel %s\n", number,
			verdict_text(type, u->retval, one), verdict_text(type, k->retval, two));
	if (u->bytes_out != k->bytes_out)
		differs(b, "packet %" PRIu64 ": user leaves %u bytes, kernel %u\n", number,
			u->bytes_out, k->bytes_out);
	else if (at < u->bytes_out)
		differs(b, "packet %" PRIu64 ": byte %u is 0x%02x with user, 0x%02x with kernel\n",
			number, at, u->data_out[at], k->data_out[at]);
}

static void compare_ctx(struct both *b, u64 number, const struct test_run *u,
			const struct test_run *k)
{
	const struct ctx_desc *d = ctx_desc(skep_prog_type(b->user));
	u32 mine, theirs;

	for (u32 at = 0; d && at + 4 <= u->ctx_out_bytes && at + 4 <= k->ctx_out_bytes; at += 4) {
		const struct ctx_field *f = ctx_field(d, at, 4);

		if (!f)
			f = ctx_field(d, at & ~7u, 8);

		memcpy(&mine, (const u8 *)u->ctx_out + at, 4);
		memcpy(&theirs, (const u8 *)k->ctx_out + at, 4);
		if (mine != theirs)
			differs(b, "packet %" PRIu64 ": %s (byte %u of the context) is 0x%x with "
				"user, 0x%x with kernel\n", number, f ? f->name : "?", at, mine,
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

/* What the packet left in ring buffers; reading makes room for the next ones. */
static void compare_records(struct both *b, u64 number)
{
	const struct image *img = b->user->obj->img;
	struct backend *user = b->user->obj->backend, *kernel = b->twin->backend;
	struct strbuf one = { 0 }, two = { 0 };

	for (u32 i = 0; i < img->nr_maps; i++) {
		if (img->maps[i].type != BPF_MAP_TYPE_RINGBUF)
			continue;
		sb_reset(&one);
		sb_reset(&two);
		user->ops->map_read(user, i, add_record, &one);
		kernel->ops->map_read(kernel, i, add_record, &two);
		if (one.n != two.n || (one.n && memcmp(one.s, two.s, one.n)))
			differs(b, "packet %" PRIu64 ": records of map %s differ, %zu bytes with "
				"user, %zu with kernel\n", number, img->maps[i].name, one.n, two.n);
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
	compare(b, number, t, &k);
	compare_ctx(b, number, t, &k);
	compare_records(b, number);
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

/* Queues and stacks show their values only when they give them up. */
static void compare_queue(struct both *b, u32 i)
{
	struct backend *user = b->user->obj->backend, *kernel = b->twin->backend;
	const struct image_map *def = &b->user->obj->img->maps[i];
	u8 *one = mem_alloc(def->value_size), *two = mem_alloc(def->value_size);
	int r, k;

	for (u64 n = 0;; n++) {
		r = user->ops->map_lookup_delete(user, i, NULL, one, 0);
		k = kernel->ops->map_lookup_delete(kernel, i, NULL, two, 0);
		if (r || k)
			break;
		if (memcmp(one, two, def->value_size))
			differs(b, "map %s: value %" PRIu64 " differs\n", def->name, n);
	}
	if (!r != !k)
		differs(b, "map %s: %s has more values\n", def->name, r ? "kernel" : "user");
	free(one);
	free(two);
}

/* False: maps of that type do not show what is in them. */
static bool compare_map(struct both *b, u32 i)
{
	switch (b->user->obj->img->maps[i].type) {
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		compare_queue(b, i);
		return true;
	case BPF_MAP_TYPE_RINGBUF:	/* after each packet */
		return true;
	}
	if (!b->user->obj->img->maps[i].key_size ||
	    b->user->obj->img->maps[i].type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return false;
	b->differ += map_show_diff(b->report, b->user->obj, b->twin, i, SHOWN_MAX);
	return true;
}

static u64 compare_maps(struct both *b)
{
	const struct image *img = b->user->obj->img;
	u64 maps = 0;

	for (u32 i = 0; i < img->nr_maps; i++) {
		if (img->maps[i].kind == IMAGE_MAP_RODATA)
			continue;
		if (compare_map(b, i))
			maps++;
		else
			fprintf(stderr, "note: map %s was not compared: maps of type %s do not "
				"show what is in them\n", img->maps[i].name,
				maptype_row(img->maps[i].type)->name);
	}
	return maps;
}

int both_end(struct both *b)
{
	u64 maps = compare_maps(b);

	if (b->left_out)
		fprintf(stderr, "note: %" PRIu64 " packets were left out: the kernel's test run "
			"takes those of 14 bytes to about a page, IP packets with their header\n",
			b->left_out);
	if (b->differ)
		fprintf(b->report, "user and kernel %s differ: %" PRIu64 " differences in %" PRIu64
			" packets and %" PRIu64 " maps\n", kernel_release(b->twin->backend),
			b->differ, b->packets, maps);
	if (b->differ)
		note_own(b);
	else
		fprintf(b->report, "user and kernel %s agree: %" PRIu64 " verdicts, %" PRIu64
			" packets, %" PRIu64 " maps\n", kernel_release(b->twin->backend),
			b->packets, b->packets, maps);
	return b->differ ? EXIT_NO : EXIT_YES;
}

void both_close(struct both *b)
{
	if (b->twin)
		skep_object_close(b->twin);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorder.c: see recorder.h. The backend's operations are replaced by ones that call those
 * they stand for and add an item; what they do not stand for changes nothing that a program
 * could see. Clocks: timers go by one that stands still during a run and is in its item;
 * programs that ask for the time get it, and the answer is in a CALL item.
 */
#include "replay/recorder.h"
#include "replay/digest.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "model/sock.h"
#include "model/tape.h"
#include "model/uapi.h"
#include <inttypes.h>
#include <stdlib.h>

struct recorder {
	struct backend_ops ops;	/* first: what the backend has instead */
	const struct backend_ops *in;
	struct tape tape;
	struct object_replay replay;
	struct record_writer *w;
	struct skep_object *obj;
	const void *elf;
	u64 elf_bytes;
	struct skep_load_opts opts;
	bool real_clock;	/* not that of the packets */
	bool in_run;		/* CALL items may be added */
	bool in_call;		/* of one whose answer is recorded: not what it asks */
	u64 runs;
};

static struct recorder *of(struct backend *b)
{
	return (struct recorder *)(uintptr_t)b->ops;
}

static struct record_bytes bytes_of(const void *v, u64 n)
{
	return (struct record_bytes){ n ? v : NULL, n };
}

static struct record_bytes text_of(const char *s) { return bytes_of(s, strlen(s)); }

/* ---- what helpers answer ------------------------------------------------------------ */

static u64 rec_call(struct tape *t, struct run *run, u32 id, const u64 args[5])
{
	struct recorder *rec = (struct recorder *)((u8 *)t - offsetof(struct recorder, tape));
	struct record_item item = { .kind = RECORD_CALL, .call.id = id };
	int out = helper_out(id);

	run->clock.is_virtual = !rec->real_clock;
	rec->in_call = true;
	item.call.ret = tape_body(t, run, id, args);
	rec->in_call = false;
	run->clock.is_virtual = true;
	if (out >= 0)
		item.call.out = bytes_of((void *)(uintptr_t)args[out], (u32)args[out + 1]);
	if (rec->in_run)
		record_add(rec->w, &item);
	return item.call.ret;
}

static void rec_note(struct tape *t, u32 fact, const void *v, u64 bytes)
{
	struct recorder *rec = (struct recorder *)((u8 *)t - offsetof(struct recorder, tape));
	struct record_item item = { .kind = RECORD_MEM };

	item.mem = (struct record_mem){ fact, bytes_of(v, bytes) };
	if (rec->in_run && !rec->in_call)
		record_add(rec->w, &item);
}

static void tape_init(struct recorder *rec)
{
	rec->tape.call = rec_call;
	rec->tape.note = rec_note;
	for (u32 id = 0; id < TAPE_HELPERS; id++)
		if (helper_is_outside(id))
			rec->tape.wanted[id / 8] |= (u8)(1u << id % 8);
}

/* ---- runs ------------------------------------------------------------------------------ */

/* The image's index of the program that the backend calls NUMBER. */
static u32 index_of(const struct recorder *rec, u32 number)
{
	u32 i = 0;

	while (i < rec->obj->img->nr_progs && rec->obj->progs[i].loaded != (s64)number)
		i++;
	return i;
}

static u64 now(const struct recorder *rec, u64 ns) { return rec->real_clock ? os_clock_ns() : ns; }

static void add_run(struct recorder *rec, u32 prog, const struct test_run *t)
{
	static const struct skb_owner usual = { .socket_cookie = 1, .netns_cookie = 1 };
	u64 owner[6];
	struct record_item item = { .kind = RECORD_RUN };
	u32 *next = mem_alloc((t->nr_next + 1ull) * sizeof(*next));

	for (u32 i = 0; i < t->nr_next; i++)
		next[i] = index_of(rec, t->next[i]);
	item.run = (struct record_run){
		.number = ++rec->runs, .prog = index_of(rec, prog), .repeat = t->repeat,
		.budget = t->budget, .ifindex = t->ifindex, .rx_queue = t->rx_queue,
		.now_ns = t->now_ns, .at_mac = t->at_mac, .alone = t->alone,
		.packet = bytes_of(t->data, t->bytes), .ctx = bytes_of(t->ctx_in, t->ctx_in_bytes),
		.next = bytes_of(next, t->nr_next * sizeof(*next)),
	};
	if (t->owner && memcmp(t->owner, &usual, sizeof(usual))) {
		const struct skb_owner *o = t->owner;

		memcpy(owner, (u64[6]){ o->socket_cookie, o->netns_cookie, o->realm, o->classid,
					o->hash, o->uid }, sizeof(owner));
		item.run.owner = bytes_of(owner, sizeof(owner));
	}
	record_add(rec->w, &item);
	free(next);
}

static void add_result(struct recorder *rec, const struct test_run *t, int r,
		       const struct skep_err *err)
{
	struct record_item item = { .kind = RECORD_RESULT };

	item.result.left_out = r > 0;
	item.result.error = r < 0 ? (u32)err->id : 0;
	if (!r) {
		item.result.retval = t->retval;
		item.result.bytes_out = t->bytes_out;
		item.result.redirect_ifindex = t->redirect_ifindex;
		item.result.digest = record_digest(t->data_out, t->bytes_out, 0);
	}
	record_add(rec->w, &item);
}

static int rec_test_run(struct backend *b, u32 prog, struct test_run *t, struct skep_err *err)
{
	struct recorder *rec = of(b);
	int r;

	t->now_ns = now(rec, t->now_ns);
	add_run(rec, prog, t);
	rec->in_run = true;
	r = rec->in->test_run(b, prog, t, err);
	rec->in_run = false;
	add_result(rec, t, r, err);
	return r;
}

/* One by one, and none where it lies: what a program makes of each is looked at. */
static int rec_test_run_batch(struct backend *b, u32 prog, struct test_run *t,
			      struct test_packet *pkts, u32 *n, struct skep_err *err)
{
	t->in_place = false;
	for (u32 i = 0; i < *n; i++) {
		int r;

		t->data = pkts[i].data;
		t->bytes = pkts[i].bytes;
		r = rec_test_run(b, prog, t, err);
		if (r < 0) {
			*n = i;
			return r;
		}
		pkts[i].left_out = r > 0;
		pkts[i].retval = t->retval;
		pkts[i].redirect_ifindex = t->redirect_ifindex;
	}
	return 0;
}

static int rec_timers_run(struct backend *b, u64 now_ns, u64 budget, u32 *waiting,
			  struct skep_err *err)
{
	struct recorder *rec = of(b);
	struct record_item item = { .kind = RECORD_TIMERS, .timers.now_ns = now(rec, now_ns) };
	const struct test_run none = { 0 };
	int r;

	record_add(rec->w, &item);
	rec->in_run = true;
	r = rec->in->timers_run(b, item.timers.now_ns, budget, waiting, err);
	rec->in_run = false;
	add_result(rec, &none, r, err);
	return r;
}

/* ---- maps ------------------------------------------------------------------------------- */

static struct record_item change(enum record_kind kind, u32 map)
{
	struct record_item item = { .kind = kind };

	item.change.map = map;
	return item;
}

/* A value that names a program by the backend's number names it by the image's. */
static void rename_prog(const struct recorder *rec, u32 type, u32 value[2])
{
	if (type == BPF_MAP_TYPE_PROG_ARRAY)
		value[0] = index_of(rec, value[0]);
	else if (map_runs_programs(type) && value[1])
		value[1] = 1 + index_of(rec, value[1] - 1);
}

static void add_update(struct recorder *rec, struct backend *b, u32 map, const void *key,
		       const void *value, u64 flags)
{
	struct record_item item = change(RECORD_UPDATE, map);
	struct map_info info;
	u32 named[2];

	if (rec->in->map_info(b, map, &info))
		return;
	item.change.flags = flags;
	item.change.key = bytes_of(key, info.key_size);
	item.change.value = bytes_of(value, info.value_bytes);
	if (info.value_bytes <= sizeof(named) && value) {
		memset(named, 0, sizeof(named));
		memcpy(named, value, info.value_bytes);
		rename_prog(rec, info.row->type, named);
		item.change.value.v = named;
	}
	record_add(rec->w, &item);
}

static void add_delete(struct recorder *rec, struct backend *b, u32 map, const void *key)
{
	struct record_item item = change(RECORD_DELETE, map);
	struct map_info info;

	if (rec->in->map_info(b, map, &info))
		return;
	item.change.key = bytes_of(key, info.key_size);
	record_add(rec->w, &item);
}

static int rec_map_update(struct backend *b, u32 map, const void *key, const void *value,
			  u64 flags)
{
	int r = of(b)->in->map_update(b, map, key, value, flags);

	if (!r)
		add_update(of(b), b, map, key, value, flags);
	return r;
}

static int rec_map_delete(struct backend *b, u32 map, const void *key)
{
	int r = of(b)->in->map_delete(b, map, key);

	if (!r)
		add_delete(of(b), b, map, key);
	return r;
}

static int rec_map_lookup_delete(struct backend *b, u32 map, const void *key, void *value,
				 u64 flags)
{
	int r = of(b)->in->map_lookup_delete(b, map, key, value, flags);

	if (!r)
		add_delete(of(b), b, map, key);
	return r;
}

static int rec_map_write_batch(struct backend *b, u32 map, const void *keys,
			       const void *values, u32 *n, u64 flags)
{
	int r = of(b)->in->map_write_batch(b, map, keys, values, n, flags);
	struct map_info info;

	for (u32 i = 0; !of(b)->in->map_info(b, map, &info) && i < *n; i++)
		add_update(of(b), b, map, (const u8 *)keys + i * (u64)info.key_size,
			   (const u8 *)values + i * info.value_bytes, flags);
	return r;
}

static void add_deletes(struct backend *b, u32 map, const void *keys, u32 n)
{
	struct map_info info;

	for (u32 i = 0; !of(b)->in->map_info(b, map, &info) && i < n; i++)
		add_delete(of(b), b, map, (const u8 *)keys + i * (u64)info.key_size);
}

static int rec_map_take_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
			      void *values, u32 *n)
{
	int r = of(b)->in->map_take_batch(b, map, it, keys, values, n);

	if (!r || r == -ENOENT)
		add_deletes(b, map, keys, *n);
	return r;
}

static int rec_map_delete_batch(struct backend *b, u32 map, const void *keys, u32 *n)
{
	int r = of(b)->in->map_delete_batch(b, map, keys, n);

	add_deletes(b, map, keys, *n);
	return r;
}

static s64 rec_map_read(struct backend *b, u32 map, map_event_fn fn, void *arg)
{
	s64 n = of(b)->in->map_read(b, map, fn, arg);
	struct record_item item = change(RECORD_READ, map);

	if (n > 0)
		record_add(of(b)->w, &item);
	return n;
}

static int rec_map_write(struct backend *b, u32 map, const void *data, u64 bytes)
{
	int r = of(b)->in->map_write(b, map, data, bytes);
	struct record_item item = change(RECORD_WRITE, map);

	item.change.value = bytes_of(data, bytes);
	if (!r)
		record_add(of(b)->w, &item);
	return r;
}

static int rec_map_like(struct backend *b, u32 outer, u32 *number, struct skep_err *err)
{
	int r = of(b)->in->map_like(b, outer, number, err);
	struct record_item item = change(RECORD_LIKE, outer);

	if (!r)
		record_add(of(b)->w, &item);
	return r;
}

static int rec_map_drop(struct backend *b, u32 map)
{
	int r = of(b)->in->map_drop(b, map);
	struct record_item item = change(RECORD_DROP, map);

	if (!r)
		record_add(of(b)->w, &item);
	return r;
}

/* ---- what runs have in common ----------------------------------------------------------- */

static void add_option(struct recorder *rec, const char *name, const void *value, u64 n)
{
	struct record_item item = { .kind = RECORD_OPTION };

	item.option.name = text_of(name);
	item.option.value = bytes_of(value, n);
	record_add(rec->w, &item);
}

static void add_number(struct recorder *rec, const char *name, u64 n)
{
	char text[24];

	add_option(rec, name, text, (u64)snprintf(text, sizeof(text), "%" PRIu64, n));
}

static int rec_sockets(struct backend *b, const struct sock *v, u32 n)
{
	struct recorder *rec = of(b);
	int r = rec->in->sockets(b, v, n);
	struct sock *copy = mem_alloc((n + 1ull) * sizeof(*copy));

	for (u32 i = 0; i < n; i++) {
		copy[i] = v[i];
		copy[i].name = NULL;
	}
	if (!r)
		add_option(rec, "sockets", copy, n * sizeof(*copy));
	free(copy);
	return r;
}

static int add_routes(struct recorder *rec, struct skep_err *err)
{
	struct os_file f;
	int r;

	if (!rec->opts.routes)
		return 0;
	r = os_file_read(&f, rec->opts.routes, err);
	if (r)
		return r;
	add_option(rec, "routes", f.data, f.size);
	os_file_close(&f);
	return 0;
}

static void add_object(struct recorder *rec)
{
	struct record_item item = { .kind = RECORD_OBJECT };
	const char *file = rec->obj->img->file, *slash = strrchr(file, '/');

	item.object.name = text_of(slash ? slash + 1 : file);
	item.object.elf = bytes_of(rec->elf, rec->elf_bytes);
	record_add(rec->w, &item);
}

static void add_progs(struct recorder *rec)
{
	const struct image *img = rec->obj->img;
	struct record_item item = { .kind = RECORD_PROG };

	for (u32 i = 0; i < img->nr_progs; i++) {
		const struct image_prog *p = &img->progs[i];

		item.prog = (struct record_prog){
			.index = i, .type = p->type, .loaded = rec->obj->progs[i].loaded >= 0,
			.name = text_of(p->name),
			.insns = bytes_of(p->insns, p->nr_insns * sizeof(*p->insns)),
		};
		record_add(rec->w, &item);
	}
}

static void add_data(struct recorder *rec)
{
	const struct image *img = rec->obj->img;
	struct record_item item = { .kind = RECORD_DATA };

	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];

		if (!m->init || (m->kind != IMAGE_MAP_DATA && m->kind != IMAGE_MAP_RODATA))
			continue;
		item.data = (struct record_data){ i, bytes_of(m->init, m->value_size) };
		record_add(rec->w, &item);
	}
}

static int add_head(struct recorder *rec, struct skep_err *err)
{
	struct record_item taped = { .kind = RECORD_TAPED };
	const char *version = skep_version();
	int r;

	add_object(rec);
	add_option(rec, "skep", version, strlen(version));
	add_option(rec, "source", "run", 3);
	add_number(rec, "cpus", rec->opts.cpus);
	add_number(rec, "rand_seed", rec->opts.rand_seed);
	add_number(rec, "map_seed", rec->replay.map_seed);
	if (rec->opts.unverified)
		add_number(rec, "unverified", 1);
	r = add_routes(rec, err);
	add_progs(rec);
	add_data(rec);
	taped.taped.bits = bytes_of(rec->tape.wanted, sizeof(rec->tape.wanted));
	record_add(rec->w, &taped);
	return r;
}

/* ---- from the beginning to the end ------------------------------------------------------ */

struct recorder *recorder_new(void) { return mem_alloc(sizeof(struct recorder)); }

void recorder_load_opts(struct recorder *rec, struct skep_object *obj, const void *elf,
			u64 bytes, struct skep_load_opts *opts)
{
	u64 seeds[2];

	os_random(seeds, sizeof(seeds));
	rec->real_clock = opts->clock == SKEP_CLOCK_REAL;
	opts->clock = SKEP_CLOCK_RUN;
	if (!opts->rand_seed)
		opts->rand_seed = seeds[0] | 1;
	if (!opts->cpus)
		opts->cpus = (u32)os_cpu_count();
	tape_init(rec);
	rec->replay = (struct object_replay){ &rec->tape, seeds[1] | 1 };
	obj->replay = &rec->replay;
	rec->opts = *opts;
	rec->elf = elf;
	rec->elf_bytes = bytes;
}

static void stand_between(struct recorder *rec)
{
	struct backend *b = rec->obj->backend;

	rec->in = b->ops;
	rec->ops = *b->ops;
	rec->ops.test_run = rec_test_run;
	rec->ops.test_run_batch = rec_test_run_batch;
	rec->ops.test_run_single = NULL;
	rec->ops.timers_run = rec_timers_run;
	rec->ops.map_update = rec_map_update;
	rec->ops.map_delete = rec_map_delete;
	rec->ops.map_lookup_delete = rec_map_lookup_delete;
	rec->ops.map_write_batch = rec_map_write_batch;
	rec->ops.map_take_batch = rec_map_take_batch;
	rec->ops.map_delete_batch = rec_map_delete_batch;
	rec->ops.map_read = rec_map_read;
	rec->ops.map_write = rec_map_write;
	rec->ops.map_like = rec_map_like;
	rec->ops.map_drop = rec_map_drop;
	rec->ops.sockets = rec_sockets;
	b->ops = &rec->ops;
	for (u32 i = 0; i < rec->obj->img->nr_progs; i++)	/* no way around it */
		rec->obj->progs[i].ticket = &object_no_ticket;
}

int recorder_begin(struct recorder *rec, struct skep_object *obj, const char *path,
		   struct skep_err *err)
{
	struct map_info info;
	int r;

	rec->obj = obj;
	for (u32 i = 0; i < obj->img->nr_maps; i++)
		if (!obj->maps[i].absent && !obj->backend->ops->map_info(obj->backend, i, &info) &&
		    info.path)
			return err_set(err, ERR_USAGE, NULL, "map '%s' is pinned: what other "
				       "processes do to it cannot be recorded", info.name);
	r = record_create(&rec->w, path, err);
	if (!r)
		r = add_head(rec, err);
	if (!r)
		stand_between(rec);
	return r;
}

static void add_maps(struct recorder *rec)
{
	struct record_item item = { .kind = RECORD_MAP };

	for (u32 i = 0; i < rec->obj->img->nr_maps; i++)
		if (map_digest(rec->obj, i, &item.map))
			record_add(rec->w, &item);
}

int recorder_end(struct recorder *rec, struct skep_err *err)
{
	struct record_writer *w = rec->w;

	if (rec->in)
		rec->obj->backend->ops = rec->in;
	rec->in = NULL;
	add_maps(rec);
	rec->w = NULL;
	return record_close(w, err);
}

bool recorder_fills(u32 map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
	case UAPI_MAP_TYPE_CGRP_STORAGE:
		return false;
	default:
		return true;
	}
}

u64 recorder_runs(const struct recorder *rec) { return rec->runs; }
u64 recorder_bytes(const struct recorder *rec) { return record_bytes_written(rec->w); }

void recorder_free(struct recorder *rec)
{
	if (!rec)
		return;
	if (rec->in)
		rec->obj->backend->ops = rec->in;
	if (rec->w)
		record_abandon(rec->w);
	free(rec);
}

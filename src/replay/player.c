/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * player.c: see player.h. What a recording says is compared with what is there before
 * anything is done with it; instructions in it are verified, or run with checks, as those of
 * any object.
 */
#include "replay/player.h"
#include "replay/digest.h"
#include "replay/session.h"
#include "base/strbuf.h"
#include "isa/isa.h"
#include "model/sock.h"
#include "model/tape.h"
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CPUS_MAX = 4096, NONE = -1 };

struct option { char *name, *value; };

/* A program of the recording. */
struct listed { bool there, loaded; u32 type; };

struct player {
	struct player_opts opts;
	struct record_reader *r;
	struct record_item item;	/* the next one, when HAVE */
	bool have;
	struct skep_object *recorded, *obj;	/* what the recording holds; what runs */
	VEC(struct option) options;
	VEC(struct listed) progs;	/* by image index of the recording */
	VEC(void *) owned;		/* instructions and initial values of its image */
	const void *socks;
	u64 socks_bytes;
	struct tape tape;
	struct object_replay replay;
	VEC(u32) maps;			/* the backend's, by the recording's number */
	VEC(struct record_call) calls;	/* of the run at hand */
	size_t at;			/* calls before were answered */
	u8 *used;			/* of calls, once they come in another order */
	bool strict;			/* in the order of the recording so far */
	struct player_run *run;		/* the one at hand, or NULL */
	VEC(u32) next;			/* programs that go on after it */
	struct test_run t;
	struct skb_owner owner;
	VEC(struct record_map) ends;	/* what maps were */
};

static int bad(const struct player *p, struct skep_err *err, const char *what)
{
	return err_set(err, ERR_RECORD_BAD, record_name(p->r), "byte %" PRIu64 ": %s", p->item.at,
		       what);
}

static int unfit(const struct player *p, struct skep_err *err, const char *what, const char *name)
{
	return err_set(err, ERR_RECORD_OBJECT, record_name(p->r), "%s '%s' of the recording is "
		       "not in %s, or is another kind there", what, name, p->obj->img->file);
}

/* The next item, which stays the next one until it is taken. */
static int peek(struct player *p, struct skep_err *err)
{
	int got = 1;

	if (!p->have)
		got = record_next(p->r, &p->item, err);
	p->have = got > 0;
	return got;
}

static void take(struct player *p) { p->have = false; }

/* ---- options ------------------------------------------------------------------------ */

const char *player_option(const struct player *p, const char *name)
{
	for (size_t i = 0; i < p->options.n; i++)
		if (!strcmp(p->options.v[i].name, name))
			return p->options.v[i].value;
	return "";
}

static char *text_of(const struct record_bytes *b)
{
	char *s = mem_alloc(b->n + 1);

	if (b->n)
		memcpy(s, b->v, b->n);
	return s;
}

static int unknown(const struct player *p, struct skep_err *err, const char *name)
{
	return err_set(err, ERR_RECORD_VERSION, record_name(p->r), "byte %" PRIu64 ": the recording "
		       "has an option '%s', which this skep does not know", p->item.at, name);
}

static int on_option(struct player *p, struct skep_err *err)
{
	static const char *const known[] = { "skep", "source", "kernel", "cpus", "rand_seed",
		"map_seed", "sockets", "routes", "unverified" };
	const struct record_option *o = &p->item.option;
	struct option *mine = vec_push(&p->options);

	*mine = (struct option){ text_of(&o->name), text_of(&o->value) };
	if (!strcmp(mine->name, "sockets")) {
		p->socks = o->value.v;
		p->socks_bytes = o->value.n;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(mine->name, known[i]))
			return 0;
	return unknown(p, err, mine->name);
}

/* A decimal number, 0 when the option is not there. */
static int number(const struct player *p, const char *name, u64 *n, struct skep_err *err)
{
	const char *s = player_option(p, name);
	char *end;

	errno = 0;
	*n = strtoull(s, &end, 10);
	if (!*end && !errno && (!*s || (*s >= '0' && *s <= '9')))
		return 0;
	return err_set(err, ERR_RECORD_BAD, record_name(p->r), "option '%s' is '%.40s', no number",
		       name, s);
}

/* ---- the object ------------------------------------------------------------------------ */

static int on_object(struct player *p, struct skep_err *err)
{
	const struct record_object *o = &p->item.object;
	char *name = text_of(&o->name);
	int r;

	r = object_open(&p->recorded, NULL, o->elf.v ? o->elf.v : "", o->elf.n, name, err);
	free(name);
	p->obj = p->opts.with ? p->opts.with : p->recorded;
	for (u32 i = 0; !r && i < p->recorded->img->nr_progs; i++)
		*vec_push(&p->progs) = (struct listed){ 0 };
	return r;
}

static void *own(struct player *p, const struct record_bytes *b)
{
	void *copy = mem_alloc(b->n + 1);

	if (b->n)
		memcpy(copy, b->v, b->n);
	*vec_push(&p->owned) = copy;
	return copy;
}

/* The type that a program was loaded as. */
static int set_type(struct player *p, struct image_prog *ip, u32 type, struct skep_err *err)
{
	const struct progtype_row *row = progtype_row(type);
	const struct sec_row *sec = row ? progtype_find(row->name) : NULL;

	if (ip->type == type)
		return 0;
	if (!sec)
		return bad(p, err, "a program is of a type that there is not");
	ip->sec = sec;
	ip->type = sec->type;
	ip->expected_attach = sec->attach;
	return 0;
}

/* Instructions as they were after CO-RE: this machine's types do not count. */
static int on_prog(struct player *p, struct skep_err *err)
{
	const struct record_prog *rp = &p->item.prog;
	struct image *img = p->recorded->img;
	struct image_prog *ip = rp->index < img->nr_progs ? &img->progs[rp->index] : NULL;
	char where[256];
	int r;

	if (!ip || rp->name.n != strlen(ip->name) || memcmp(rp->name.v, ip->name, rp->name.n))
		return bad(p, err, "a program is not in the recorded object");
	if (rp->insns.n != ip->nr_insns * sizeof(*ip->insns))
		return bad(p, err, "a program has another length than in the recorded object");
	snprintf(where, sizeof(where), "%s:%s", record_name(p->r), ip->name);
	ip->insns = own(p, &rp->insns);
	r = isa_check(ip->insns, ip->nr_insns, where, err);
	p->progs.v[rp->index] = (struct listed){ true, rp->loaded, rp->type };
	return r ? r : set_type(p, ip, rp->type, err);
}

static int on_data(struct player *p, struct skep_err *err)
{
	const struct record_data *d = &p->item.data;
	struct image *img = p->recorded->img;
	struct image_map *m = d->map < img->nr_maps ? &img->maps[d->map] : NULL;

	if (!m || (m->kind != IMAGE_MAP_DATA && m->kind != IMAGE_MAP_RODATA) ||
	    d->bytes.n != m->value_size)
		return bad(p, err, "variables are not those of the recorded object");
	m->init = own(p, &d->bytes);
	return 0;
}

static int on_taped(struct player *p, struct skep_err *err)
{
	const struct record_bytes *b = &p->item.taped.bits;

	if (b->n > sizeof(p->tape.wanted))
		return bad(p, err, "answers of helpers are recorded that there are not");
	if (b->n)
		memcpy(p->tape.wanted, b->v, b->n);
	return 0;
}

static int head_item(struct player *p, struct skep_err *err)
{
	switch (p->item.kind) {
	case RECORD_OBJECT:
		return on_object(p, err);
	case RECORD_OPTION:
		return on_option(p, err);
	case RECORD_PROG:
		return on_prog(p, err);
	case RECORD_DATA:
		return on_data(p, err);
	case RECORD_TAPED:
		return on_taped(p, err);
	default:
		return 1;
	}
}

static int read_head(struct player *p, struct skep_err *err)
{
	int r, got;

	while ((got = peek(p, err)) > 0) {
		r = head_item(p, err);
		if (r)
			return r < 0 ? r : 0;
		take(p);
	}
	return got;
}

/* ---- what helpers answer ------------------------------------------------------------------ */

static void differ(struct player *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void differ(struct player *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->run || !p->run->same)
		return;
	p->run->same = false;
	va_start(ap, fmt);
	vsnprintf(p->run->differs, sizeof(p->run->differs), fmt, ap);
	va_end(ap);
}

static const char *name_of(u32 id)
{
	const struct helper_row *row = helper_row(id);

	return row ? row->name : "?";
}

/* The next answer of ID that nobody has got yet, once the order is another; or NULL. */
static const struct record_call *search(struct player *p, u32 id)
{
	if (!p->used) {
		p->used = mem_alloc(p->calls.n + 1);
		memset(p->used, 1, p->at);
	}
	for (size_t i = 0; i < p->calls.n; i++)
		if (!p->used[i] && p->calls.v[i].id == id) {
			p->used[i] = 1;
			return &p->calls.v[i];
		}
	return NULL;
}

static const struct record_call *answer(struct player *p, u32 id)
{
	const struct record_call *next = p->at < p->calls.n ? &p->calls.v[p->at] : NULL;

	if (p->strict && next && next->id == id) {
		p->at++;
		return next;
	}
	if (p->strict && next)
		differ(p, "call %zu is of bpf_%s, bpf_%s was recorded", p->at + 1, name_of(id),
		       name_of(next->id));
	else if (p->strict)
		differ(p, "bpf_%s is called %s", name_of(id),
		       p->calls.n ? "after the last call that was recorded" :
				    "and no call was recorded");
	p->strict = false;
	return search(p, id);
}

static u64 play_call(struct tape *t, struct run *run, u32 id, const u64 args[5])
{
	struct player *p = (struct player *)((u8 *)t - offsetof(struct player, tape));
	const struct record_call *c = answer(p, id);
	int out = helper_out(id);

	if (!c)
		return tape_body(t, run, id, args);
	if (out >= 0 && c->out.n)
		memcpy((void *)(uintptr_t)args[out], c->out.v,
		       min_u64(c->out.n, (u32)args[out + 1]));
	return c->ret;
}

/* ---- loading -------------------------------------------------------------------------------- */

/* The program of the object that runs for program INDEX of the recording, or NULL. */
static struct skep_prog *prog_of(const struct player *p, u32 index)
{
	const struct image_prog *ip;
	struct skep_prog *prog;

	if (index >= p->progs.n)
		return NULL;
	if (!p->opts.with)
		return &p->obj->progs[index];
	ip = &p->recorded->img->progs[index];
	prog = skep_object_prog(p->obj, ip->name);
	return prog && skep_prog_type(prog) == ip->type ? prog : NULL;
}

static int choose(struct player *p, u32 *only, size_t *n, struct skep_err *err)
{
	for (u32 i = 0; i < p->progs.n; i++) {
		const struct skep_prog *prog = prog_of(p, i);

		if (!p->progs.v[i].loaded)
			continue;
		if (!prog)
			return unfit(p, err, "program", p->recorded->img->progs[i].name);
		only[(*n)++] = prog->index;
	}
	if (*n)
		return 0;
	return err_set(err, ERR_RECORD_BAD, record_name(p->r), "no program of it was loaded");
}

static void number_maps(struct player *p)
{
	for (u32 i = 0; i < p->recorded->img->nr_maps; i++) {
		const char *name = p->recorded->img->maps[i].name;
		int at = p->opts.with ? image_map_find(p->obj->img, name) : (int)i;

		*vec_push(&p->maps) = (u32)at;
	}
}

static int open_sockets(struct player *p, struct skep_err *err)
{
	u64 n = p->socks_bytes / sizeof(struct sock);
	struct sock *v;
	int r;

	if (!*player_option(p, "sockets") && !p->socks_bytes)
		return 0;
	if (p->socks_bytes % sizeof(struct sock) || n > UINT32_MAX)
		return err_set(err, ERR_RECORD_VERSION, record_name(p->r),
			       "its sockets are described in another way than this skep does");
	v = mem_alloc((n + 1) * sizeof(*v));
	memcpy(v, p->socks, n * sizeof(*v));
	for (u64 i = 0; i < n; i++)
		v[i].name = "socket";
	r = p->obj->backend->ops->sockets(p->obj->backend, v, (u32)n);
	free(v);
	return r ? err_set(err, ERR_RECORD_BAD, record_name(p->r), "its sockets: %s", strerror(-r))
		 : 0;
}

/* Contents of a file as a path that can be read; *FD is to be closed. */
static int as_file(const char *text, char path[32], int *fd, struct skep_err *err)
{
	*fd = os_temp_open();
	if (*fd < 0)
		return err_set(err, ERR_FILE_WRITE, NULL, "no file in memory: %s", strerror(-*fd));
	if (write(*fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_set(err, ERR_FILE_WRITE, NULL, "no file in memory: %s", strerror(errno));
	snprintf(path, 32, "/proc/self/fd/%d", *fd);
	return 0;
}

static int load_with(struct player *p, struct skep_load_opts *opts, struct skep_err *err)
{
	u32 *only = mem_alloc((p->progs.n + 1) * sizeof(*only));
	struct prog_set set = { only, 0 };
	char path[32];
	int fd = -1, r = choose(p, only, &set.n, err);

	if (!r && *player_option(p, "routes")) {
		r = as_file(player_option(p, "routes"), path, &fd, err);
		opts->routes = path;
	}
	if (!r)
		r = object_load(p->obj, opts, &set, err);
	if (fd >= 0)
		close(fd);
	free(only);
	return r;
}

static int load(struct player *p, struct skep_err *err)
{
	struct skep_load_opts opts = { .size = sizeof(opts), .clock = SKEP_CLOCK_RUN,
		.jit = p->opts.jit };
	u64 cpus, unverified;
	int r = number(p, "cpus", &cpus, err);

	r = r ? r : number(p, "rand_seed", &opts.rand_seed, err);
	r = r ? r : number(p, "map_seed", &p->replay.map_seed, err);
	r = r ? r : number(p, "unverified", &unverified, err);
	if (!r && cpus > CPUS_MAX)
		r = err_set(err, ERR_RECORD_BAD, record_name(p->r), "%" PRIu64 " cpus", cpus);
	if (r)
		return r;
	opts.cpus = cpus ? (u32)cpus : 1;
	opts.unverified = unverified || p->opts.unverified;
	p->tape.call = play_call;
	p->replay.tape = &p->tape;
	p->obj->replay = &p->replay;
	r = load_with(p, &opts, err);
	if (r)
		return r;
	number_maps(p);
	return open_sockets(p, err);
}

static int open_all(struct player *p, struct skep_err *err)
{
	int r = read_head(p, err);

	if (!r && !p->recorded)
		r = err_set(err, ERR_RECORD_CUT, record_name(p->r), "the recording has no object");
	return r ? r : load(p, err);
}

static int player_start(struct player **out, struct record_reader *r,
			const struct player_opts *opts, struct skep_err *err)
{
	struct player *p = mem_alloc(sizeof(*p));
	int res;

	p->r = r;
	if (opts)
		p->opts = *opts;
	res = open_all(p, err);
	if (res)
		player_free(p);
	*out = res ? NULL : p;
	return res;
}

int player_open(struct player **out, const char *path, const struct player_opts *opts,
		struct skep_err *err)
{
	struct record_reader *r;
	int res = record_open(&r, path, err);

	*out = NULL;
	return res ? res : player_start(out, r, opts, err);
}

int player_open_mem(struct player **out, const void *data, u64 bytes, const char *name,
		    const struct player_opts *opts, struct skep_err *err)
{
	struct record_reader *r;
	int res = record_open_mem(&r, data, bytes, name, err);

	*out = NULL;
	return res ? res : player_start(out, r, opts, err);
}

void player_free(struct player *p)
{
	if (!p)
		return;
	skep_object_close(p->recorded);
	for (size_t i = 0; i < p->options.n; i++) {
		free(p->options.v[i].name);
		free(p->options.v[i].value);
	}
	for (size_t i = 0; i < p->owned.n; i++)
		free(p->owned.v[i]);
	vec_free(&p->options);
	vec_free(&p->progs);
	vec_free(&p->owned);
	vec_free(&p->maps);
	vec_free(&p->calls);
	vec_free(&p->next);
	vec_free(&p->ends);
	free(p->used);
	record_reader_close(p->r);
	free(p);
}

struct skep_object *player_object(const struct player *p) { return p->obj; }

/* ---- between two runs ------------------------------------------------------------------------- */

/* The backend's number of map MAP of the recording; NONE: another object has none. */
static s64 map_of(const struct player *p, u32 map)
{
	return map < p->maps.n && (s32)p->maps.v[map] >= 0 ? (s64)p->maps.v[map] : NONE;
}

static int changed(const struct player *p, int r, struct skep_err *err)
{
	if (!r || p->opts.with)
		return 0;
	return err_set(err, ERR_RECORD_BAD, record_name(p->r), "byte %" PRIu64 ": a map does not "
		       "take what it took: %s", p->item.at, strerror(-r));
}

static int update(struct player *p, u32 map, const struct map_info *info)
{
	const struct record_change *c = &p->item.change;
	const struct image_map *def = map < p->obj->img->nr_maps ? &p->obj->img->maps[map] : NULL;
	u8 *key = mem_alloc(c->key.n + sizeof(u64)), *value = mem_alloc(c->value.n + sizeof(u64));
	int r;

	if (c->key.n)
		memcpy(key, c->key.v, c->key.n);
	if (c->value.n)
		memcpy(value, c->value.v, c->value.n);
	r = c->key.n != info->key_size || c->value.n != info->value_bytes ? -EINVAL :
	    def ? object_map_update(p->obj, def, map, c->key.n ? key : NULL, value, c->flags) :
		  p->obj->backend->ops->map_update(p->obj->backend, map, key, value, c->flags);
	free(key);
	free(value);
	return r;
}

static int delete(struct player *p, u32 map, const struct map_info *info)
{
	const struct record_change *c = &p->item.change;
	u8 *key = mem_alloc(c->key.n + sizeof(u64));
	int r = c->key.n == info->key_size ? 0 : -EINVAL;

	if (!r && c->key.n)
		memcpy(key, c->key.v, c->key.n);
	r = r ? r : p->obj->backend->ops->map_delete(p->obj->backend, map, key);
	free(key);
	return r;
}

static int drop_event(void *arg UNUSED, const struct map_event *e UNUSED) { return 0; }

/* What was read is gone. */
static int take_records(struct backend *b, u32 map)
{
	s64 n = b->ops->map_read(b, map, drop_event, NULL);

	return n < 0 ? (int)n : 0;
}

static int another_map(struct player *p, u32 outer, struct skep_err *err)
{
	u32 made = 0;
	int r = p->obj->backend->ops->map_like(p->obj->backend, outer, &made, err);

	if (!r)
		*vec_push(&p->maps) = made;
	return r;
}

static int change(struct player *p, struct skep_err *err)
{
	const struct record_change *c = &p->item.change;
	struct backend *b = p->obj->backend;
	s64 map = map_of(p, c->map);
	struct map_info info;

	if (map == NONE || (map < p->obj->img->nr_maps && p->obj->maps[map].absent) ||
	    b->ops->map_info(b, (u32)map, &info))
		return changed(p, -EBADF, err);
	switch (p->item.kind) {
	case RECORD_UPDATE:
		return changed(p, update(p, (u32)map, &info), err);
	case RECORD_DELETE:
		return changed(p, delete(p, (u32)map, &info), err);
	case RECORD_READ:
		return changed(p, take_records(b, (u32)map), err);
	case RECORD_WRITE:
		return changed(p, b->ops->map_write(b, (u32)map, c->value.v, c->value.n), err);
	case RECORD_LIKE:
		return another_map(p, (u32)map, err);
	default:
		return changed(p, b->ops->map_drop(b, (u32)map), err);
	}
}

/* The CALL items behind, up to the RESULT that comes then. */
static int collect(struct player *p, struct record_result *want, struct skep_err *err)
{
	int got;

	p->calls.n = p->at = 0;
	free(p->used);
	p->used = NULL;
	p->strict = true;
	take(p);
	while ((got = peek(p, err)) > 0 && p->item.kind != RECORD_RESULT) {
		if (p->item.kind == RECORD_CALL)
			*vec_push(&p->calls) = p->item.call;
		else
			return err_set(err, ERR_RECORD_VERSION, record_name(p->r), "byte %" PRIu64
				       ": memory of the kernel that was read directly cannot be "
				       "replayed yet", p->item.at);
		take(p);
	}
	if (got <= 0)
		return got ? got : bad(p, err, "a run has no result");
	*want = p->item.result;
	take(p);
	return 0;
}

static int timers(struct player *p, struct skep_err *err)
{
	u64 now = p->item.timers.now_ns;
	struct record_result want;
	struct skep_err why;
	u32 waiting;
	int r = collect(p, &want, err);

	if (!r)
		p->obj->backend->ops->timers_run(p->obj->backend, now, p->opts.budget, &waiting,
						 &why);
	return r;
}

/* ---- runs ---------------------------------------------------------------------------------------- */

static int chain(struct player *p, struct skep_err *err)
{
	const struct record_bytes *b = &p->item.run.next;
	u32 index;

	p->next.n = 0;
	if (b->n % sizeof(index))
		return bad(p, err, "programs that go on are not in whole numbers");
	for (u64 i = 0; i < b->n; i += sizeof(index)) {
		const struct skep_prog *prog;

		memcpy(&index, (const u8 *)b->v + i, sizeof(index));
		prog = prog_of(p, index);
		if (!prog || prog->loaded < 0)
			return bad(p, err, "a program goes on that was not loaded");
		*vec_push(&p->next) = (u32)prog->loaded;
	}
	return 0;
}

static int owner(struct player *p, struct skep_err *err)
{
	const struct record_bytes *b = &p->item.run.owner;
	u64 v[6];

	if (!b->n)
		return 0;
	if (b->n != sizeof(v))
		return bad(p, err, "an owner has another size");
	memcpy(v, b->v, sizeof(v));
	p->owner = (struct skb_owner){ v[0], v[1], (u32)v[2], (u32)v[3], (u32)v[4], (u32)v[5] };
	p->t.owner = &p->owner;
	return 0;
}

/* What program RUN->runs is given; the items behind it up to the result. */
static int prepare(struct player *p, struct player_run *run, struct skep_err *err)
{
	const struct record_run *rr = &p->item.run;
	int r;

	*run = (struct player_run){ .number = rr->number, .prog = rr->prog, .same = true,
				    .runs = prog_of(p, rr->prog) };
	if (!run->runs || run->runs->loaded < 0)
		return bad(p, err, "a run is of a program that was not loaded");
	p->t = (struct test_run){
		.data = rr->packet.n ? rr->packet.v : (const void *)"", .bytes = (u32)rr->packet.n,
		.ifindex = rr->ifindex, .rx_queue = rr->rx_queue, .now_ns = rr->now_ns,
		.repeat = p->opts.repeat_max ? (u32)min_u64(p->opts.repeat_max, rr->repeat) :
					       rr->repeat,
		.budget = p->opts.budget ? p->opts.budget : rr->budget, .at_mac = rr->at_mac,
		.alone = rr->alone, .ctx_in = rr->ctx.v, .ctx_in_bytes = (u32)rr->ctx.n,
	};
	r = chain(p, err);
	r = r ? r : owner(p, err);
	p->t.next = p->next.v;
	p->t.nr_next = (u32)p->next.n;
	return r ? r : collect(p, &run->want, err);
}

/* What was done between runs, until the next run is prepared: 1, or there is none: 0. */
static int to_run(struct player *p, struct player_run *run, struct skep_err *err)
{
	int r = 0, got;

	while (!r && (got = peek(p, err)) > 0) {
		switch (p->item.kind) {
		case RECORD_RUN:
			r = prepare(p, run, err);
			return r ? r : 1;
		case RECORD_TIMERS:
			r = timers(p, err);
			continue;
		case RECORD_MAP:
			*vec_push(&p->ends) = p->item.map;
			break;
		case RECORD_END:
			break;
		default:
			r = change(p, err);
		}
		take(p);
	}
	return r ? r : got;
}

static void compare(struct player *p, struct player_run *run)
{
	const struct record_result *w = &run->want, *g = &run->got;

	if (w->error != g->error)
		differ(p, "SKEP-E%04u stopped it, %s", w->error ? w->error : g->error,
		       w->error ? "and does not now" : "and did not when it was recorded");
	if (w->left_out != g->left_out)
		differ(p, "the program is%s asked about the packet", g->left_out ? " not" : "");
	if (w->retval != g->retval)
		differ(p, "the verdict is another one");
	if (w->redirect_ifindex != g->redirect_ifindex)
		differ(p, "the packet is redirected to interface %u, it was to %u",
		       g->redirect_ifindex, w->redirect_ifindex);
	if (w->digest && (w->bytes_out != g->bytes_out || w->digest != g->digest))
		differ(p, "the packet is another one afterwards");
	if (p->strict && p->at < p->calls.n)
		differ(p, "bpf_%s is not called any more, call %zu of those that were recorded",
		       name_of(p->calls.v[p->at].id), p->at + 1);
}

static void execute(struct player *p, struct player_run *run)
{
	struct backend *b = p->obj->backend;
	int r;

	p->run = run;
	r = b->ops->test_run(b, (u32)run->runs->loaded, &p->t, &run->err);
	run->got = (struct record_result){ .left_out = r > 0,
					   .error = r < 0 ? (u32)run->err.id : 0 };
	if (!r) {
		run->err.id = 0;
		run->got.retval = p->t.retval;
		run->got.bytes_out = p->t.bytes_out;
		run->got.redirect_ifindex = p->t.redirect_ifindex;
		run->got.digest = record_digest(p->t.data_out, p->t.bytes_out, 0);
	}
	compare(p, run);
	p->run = NULL;
}

int player_next(struct player *p, struct player_run *run, struct skep_err *err)
{
	int got = to_run(p, run, err);

	if (got > 0)
		execute(p, run);
	return got;
}

u32 player_maps(struct player *p, player_map_fn fn, void *arg)
{
	u32 n = 0;

	for (size_t i = 0; i < p->ends.n; i++) {
		const struct record_map *want = &p->ends.v[i];
		s64 map = map_of(p, want->index);
		struct record_map got;

		if (map == NONE || map >= p->obj->img->nr_maps ||
		    !map_digest(p->obj, (u32)map, &got))
			continue;
		if (got.count == want->count && got.digest == want->digest)
			continue;
		n++;
		if (fn)
			fn(arg, p->obj->img->maps[map].name, want, &got);
	}
	return n;
}

/* ---- one run as a session ------------------------------------------------------------------------ */

static int no_run(const struct player *p, u64 run, u64 last, struct skep_err *err)
{
	return err_set(err, ERR_RECORD_RUN, record_name(p->r), "there is no run %" PRIu64 ", it has %"
		       PRIu64, run, last);
}

/* All before run RUN is done. */
static int seek(struct player *p, u64 run, struct skep_prog **prog, struct skep_err *err)
{
	struct player_run at = { 0 };
	int got;

	while ((got = to_run(p, &at, err)) > 0) {
		*prog = at.runs;
		if (at.number == run)
			return 0;
		if (at.number > run)
			break;
		execute(p, &at);
	}
	return got < 0 ? got : no_run(p, run, at.number, err);
}

static void free_player(void *p) { player_free(p); }

/* The run that P has prepared; the session has P from then on, or it is freed. */
static int session_of(struct replay **out, struct player *p, struct skep_prog *prog,
		      const struct replay_opts *opts, struct skep_err *err)
{
	const struct replay_tape tape = { p->calls.v, p->calls.n, p->tape.wanted,
					  sizeof(p->tape.wanted) };
	struct replay_opts o = *opts;
	int r;

	o.tape = &tape;
	r = replay_open(out, prog, &p->t, &o, err);
	if (r)
		player_free(p);
	else
		replay_owns(*out, p, free_player);
	return r;
}

int replay_open_recorded(struct replay **out, const char *path, u64 run,
			 const struct replay_opts *opts, struct skep_err *err)
{
	const struct player_opts po = { .jit = SKEP_JIT_OFF, .unverified = true };
	const struct replay_opts none = { 0 };
	struct skep_prog *prog = NULL;
	struct player *p;
	int r = player_open(&p, path, &po, err);

	*out = NULL;
	if (r)
		return r;
	r = seek(p, run, &prog, err);
	if (!r)
		return session_of(out, p, prog, opts ? opts : &none, err);
	player_free(p);
	return r;
}

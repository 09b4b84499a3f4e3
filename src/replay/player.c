/* SPDX-License-Identifier: BSD-2-Clause */
/* player.c: see player.h: runs, what was done between two of them, and what differs. */
#include "replay/digest.h"
#include "replay/player_in.h"
#include "replay/session.h"
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>

enum { NONE = -1 };

/* ---- what helpers answer ---------------------------------------------------------------- */

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

/* Of a helper, "bpf_NAME"; or what the machine was asked. */
static const char *name_of(u32 id, char buf[64])
{
	static const char *const facts[] = {
#define AT(fact) [TAPE_##fact - TAPE_FACTS]
		AT(THREAD) = "who runs the program", AT(TASK) = "a thread",
		AT(UNDER) = "a thread's cgroup", AT(CGROUP) = "a cgroup",
		AT(LIVES) = "whether a thread lives", AT(PROBED) = "memory at an address",
		AT(BYTES) = "memory at an address",
#undef AT
	};
	const struct helper_row *row = helper_row(id);

	if (id >= TAPE_FACTS && id - TAPE_FACTS < ARRAY_LEN(facts))
		return facts[id - TAPE_FACTS];
	snprintf(buf, 64, "bpf_%s", row ? row->name : "?");
	return buf;
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
	char one[64], other[64];

	if (p->strict && next && next->id == id) {
		p->at++;
		return next;
	}
	if (p->strict && next)
		differ(p, "call %zu is of %s, %s was recorded", p->at + 1, name_of(id, one),
		       name_of(next->id, other));
	else if (p->strict)
		differ(p, "%s is %s %s", name_of(id, one), id < TAPE_FACTS ? "called" : "asked",
		       p->calls.n ? "after the last call that was recorded" :
				    "and no call was recorded");
	p->strict = false;
	return search(p, id);
}

u64 player_call(struct tape *t, struct run *run, u32 id, const u64 args[5])
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

/* What an object, or memory, was then. */
bool player_knows(struct tape *t, u32 fact, void *out, u64 bytes)
{
	struct player *p = (struct player *)((u8 *)t - offsetof(struct player, tape));
	const struct record_call *c = p->run ? answer(p, fact) : NULL;

	if (!c || c->out.n != bytes)
		return false;
	if (bytes)
		memcpy(out, c->out.v, bytes);
	return true;
}

/* ---- between two runs ------------------------------------------------------------------- */

/* The backend's number of map MAP of the recording; NONE: another object has none. */
static s64 map_of(const struct player *p, u32 map)
{
	return map < p->maps.n && (s32)p->maps.v[map] >= 0 ? (s64)p->maps.v[map] : NONE;
}

static int changed(const struct player *p, int r, struct skep_err *err)
{
	if (!r || p->opts.with)
		return 0;
	if (p->opts.kernel)
		return err_set(err, ERR_RECORD_KERNEL, record_name(p->r), "byte %" PRIu64 ": a map "
			       "does not take in the kernel what it took: %s", p->item.at,
			       strerror(-r));
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
	case RECORD_DROP:
		return changed(p, b->ops->map_drop(b, (u32)map), err);
	default:
		return player_bad(p, err, "an item that is not for recordings of this kind");
	}
}

/* Behind the calls of helpers: what was asked is one, too. */
static bool fact(struct player *p, const struct record_mem *m)
{
	if (p->item.kind != RECORD_MEM || m->fact < TAPE_FACTS || m->fact >= TAPE_FACTS_END)
		return false;
	*vec_push(&p->calls) = (struct record_call){ .id = m->fact, .out = m->bytes };
	return true;
}

/* The CALL and MEM items behind, up to the RESULT that comes then. */
static int collect(struct player *p, struct record_result *want, struct skep_err *err)
{
	int got;

	p->calls.n = p->at = 0;
	free(p->used);
	p->used = NULL;
	p->strict = true;
	player_take(p);
	while ((got = player_peek(p, err)) > 0 && p->item.kind != RECORD_RESULT) {
		if (p->item.kind == RECORD_CALL)
			*vec_push(&p->calls) = p->item.call;
		else if (!fact(p, &p->item.mem))
			return err_set(err, ERR_RECORD_VERSION, record_name(p->r), "byte %" PRIu64
				       ": something was asked that this skep does not know",
				       p->item.at);
		player_take(p);
	}
	if (got <= 0)
		return got ? got : player_bad(p, err, "a run has no result");
	*want = p->item.result;
	player_take(p);
	return 0;
}

static int timers(struct player *p, struct skep_err *err)
{
	u64 now = p->item.timers.now_ns;
	struct record_result want;
	struct skep_err why;
	u32 waiting;
	int r = collect(p, &want, err);

	if (!r && p->obj->backend->ops->timers_run)
		p->obj->backend->ops->timers_run(p->obj->backend, now, p->opts.budget, &waiting,
						 &why);
	return r;
}

/* ---- runs ------------------------------------------------------------------------------- */

static int chain(struct player *p, struct skep_err *err)
{
	const struct record_bytes *b = &p->item.run.next;
	u32 index;

	p->next.n = 0;
	if (b->n % sizeof(index))
		return player_bad(p, err, "programs that go on are not in whole numbers");
	for (u64 i = 0; i < b->n; i += sizeof(index)) {
		const struct skep_prog *prog;

		memcpy(&index, (const u8 *)b->v + i, sizeof(index));
		prog = player_prog(p, index);
		if (!prog || prog->loaded < 0)
			return player_bad(p, err, "a program goes on that was not loaded");
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
		return player_bad(p, err, "an owner has another size");
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
				    .runs = player_prog(p, rr->prog) };
	if (!run->runs || run->runs->loaded < 0)
		return player_bad(p, err, "a run is of a program that was not loaded");
	p->t = (struct test_run){
		.data = rr->packet.n ? rr->packet.v : (const void *)"", .bytes = (u32)rr->packet.n,
		.ifindex = rr->ifindex, .rx_queue = rr->rx_queue, .now_ns = rr->now_ns,
		.repeat = p->opts.repeat_max ? (u32)min_u64(p->opts.repeat_max, rr->repeat) :
					       rr->repeat,
		.budget = p->opts.budget ? p->opts.budget : rr->budget, .at_mac = rr->at_mac,
		.alone = rr->alone, .ctx_in = rr->ctx.v, .ctx_in_bytes = (u32)rr->ctx.n,
	};
	if (p->opts.kernel && rr->next.n)
		return err_set(err, ERR_RECORD_KERNEL, record_name(p->r), "several programs run "
			       "one behind the other, which the kernel's test runs do not");
	r = chain(p, err);
	r = r ? r : owner(p, err);
	p->t.next = p->next.v;
	p->t.nr_next = (u32)p->next.n;
	return r ? r : collect(p, &run->want, err);
}

/* Each map once. */
static int at_end(struct player *p, struct skep_err *err)
{
	const struct record_map *m = &p->item.map;
	bool later = !p->ends.n || p->ends.v[p->ends.n - 1].index < m->index;

	if (m->index >= p->recorded->img->nr_maps || !later)
		return player_bad(p, err, "there is no such map, or it comes twice");
	*vec_push(&p->ends) = *m;
	return 0;
}

/* What was done between runs, until the next run is prepared: 1, or there is none: 0. */
static int to_run(struct player *p, struct player_run *run, struct skep_err *err)
{
	int r = 0, got;

	while (!r && (got = player_peek(p, err)) > 0) {
		switch (p->item.kind) {
		case RECORD_RUN:
			r = prepare(p, run, err);
			return r ? r : 1;
		case RECORD_TIMERS:
			r = timers(p, err);
			continue;
		case RECORD_MAP:
			r = at_end(p, err);
			break;
		case RECORD_END:
			break;
		default:
			r = change(p, err);
		}
		player_take(p);
	}
	return r ? r : got;
}

static void compare(struct player *p, struct player_run *run)
{
	const struct record_result *w = &run->want, *g = &run->got;
	char name[64];

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
	if (p->strict && p->at < p->calls.n && !p->opts.kernel)
		differ(p, "%s is not %s any more, call %zu of those that were recorded",
		       name_of(p->calls.v[p->at].id, name),
		       p->calls.v[p->at].id < TAPE_FACTS ? "called" : "asked", p->at + 1);
}

static void execute(struct player *p, struct player_run *run)
{
	struct backend *b = p->obj->backend;
	int r;

	p->run = run;
	run->asked = p->calls.n != 0;
	r = b->ops->test_run(b, (u32)run->runs->loaded, &p->t, &run->err);
	run->refused = p->opts.kernel && r < 0;
	run->got = (struct record_result){ .left_out = r > 0,
					   .error = r < 0 ? (u32)run->err.id : 0 };
	if (!r) {
		run->err.id = 0;
		run->got.retval = p->t.retval;
		run->got.bytes_out = p->t.bytes_out;
		run->got.redirect_ifindex = p->t.redirect_ifindex;
		run->got.digest = record_digest(p->t.data_out, p->t.bytes_out, 0);
	}
	if (!run->refused)
		compare(p, run);
	p->run = NULL;
}

int player_next(struct player *p, struct player_run *run, struct skep_err *err)
{
	int got = to_run(p, run, err);

	if (got <= 0)
		return got;
	execute(p, run);
	if (!run->refused || run->err.id == ERR_KERNEL_INPUT)
		return got;
	*err = run->err;
	return -EIO;
}

/* Has it a value for each cpu? Runs in the kernel are on any. */
static bool on_any_cpu(const struct player *p, u32 map)
{
	const struct maptype_row *row = maptype_row(p->obj->img->maps[map].type);

	return p->opts.kernel && row && row->percpu;
}

u32 player_maps(struct player *p, player_map_fn fn, void *arg)
{
	u32 n = 0;

	for (size_t i = 0; i < p->ends.n; i++) {
		const struct record_map *want = &p->ends.v[i];
		s64 map = map_of(p, want->index);
		struct record_map got;

		if (map == NONE || map >= p->obj->img->nr_maps || on_any_cpu(p, (u32)map) ||
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

/* ---- one run as a session --------------------------------------------------------------- */

static int no_run(const struct player *p, u64 run, u64 last, struct skep_err *err)
{
	return err_set(err, ERR_RECORD_RUN, record_name(p->r), "there is no run %" PRIu64
		       ", it has %" PRIu64, run, last);
}

/* All before run RUN is done, and that is ready. */
static int seek(struct player *p, u64 run, struct skep_err *err)
{
	int got;

	while ((got = to_run(p, &p->ready, err)) > 0) {
		if (p->ready.number == run)
			return 0;
		if (p->ready.number > run)
			break;
		execute(p, &p->ready);
	}
	return got < 0 ? got : no_run(p, run, p->ready.number, err);
}

static void free_player(void *p) { player_free(p); }

/* The run that P has ready; the session has P from then on, or it is freed. */
static int session_of(struct replay **out, struct player *p, const struct replay_opts *opts,
		      struct skep_err *err)
{
	const struct replay_tape tape = { p->calls.v, p->calls.n, p->tape.wanted,
					  sizeof(p->tape.wanted) };
	struct replay_opts o = { 0 };
	int r;

	if (opts)
		o = *opts;
	o.tape = &tape;
	r = replay_open(out, p->ready.runs, &p->t, &o, err);
	if (r)
		player_free(p);
	else
		replay_owns(*out, p, free_player);
	return r;
}

static int session_at(struct replay **out, struct player *p, u64 run,
		      const struct replay_opts *opts, struct skep_err *err)
{
	int r = seek(p, run, err);

	if (!r)
		return session_of(out, p, opts, err);
	player_free(p);
	return r;
}

static const struct player_opts stepped = { .jit = SKEP_JIT_OFF, .unverified = true };

int replay_open_recorded(struct replay **out, const char *path, u64 run,
			 const struct replay_opts *opts, struct skep_err *err)
{
	struct player *p;
	int r = player_open(&p, path, &stepped, err);

	*out = NULL;
	return r ? r : session_at(out, p, run, opts, err);
}

int replay_open_recorded_mem(struct replay **out, const void *data, u64 bytes, const char *name,
			     u64 run, const struct replay_opts *opts, struct skep_err *err)
{
	struct player *p;
	int r = player_open_mem(&p, data, bytes, name, &stepped, err);

	*out = NULL;
	return r ? r : session_at(out, p, run, opts, err);
}

int replay_next_recorded(struct replay **s, const struct replay_opts *opts, struct skep_err *err)
{
	struct player *p = (*s)->recorded;
	u64 number = p->ready.number + 1;

	replay_owns(*s, NULL, NULL);
	replay_close(*s);
	*s = NULL;
	execute(p, &p->ready);
	return session_at(s, p, number, opts, err);
}

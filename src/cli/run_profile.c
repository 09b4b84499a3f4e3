/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_profile.c: `skep run --profile`: the captures of a run once more in the checked
 * interpreter, which counts, and as often as it takes on the engine of the run, whose
 * thread is looked at 4000 times a second. Each in an object of its own, with the maps as
 * --map fills them: what the run printed stays as it is.
 */
#include "cli/profile.h"
#include "cli/run_job.h"
#include "verify/verify.h"
#include <stdlib.h>

enum {
	EVERY_NS = 250000,
	ENOUGH = 1000,			/* samples in programs */
	LONG_NS = 1500000000,		/* and no further pass after so long */
	BUDGET = INT32_MAX,		/* instructions where they are counted */
};

double profile_ns(const struct run_profile *p, u64 samples)
{
	return p->sampled->samples ?
	       (double)samples / (double)p->sampled->samples * (double)p->ns : 0;
}

/* ---- objects ------------------------------------------------------------------- */

static int open_twin(struct job *j, struct skep_object **out, bool counted)
{
	const struct prog_set only = { j->choice.chain.v, j->choice.chain.n };
	struct skep_load_opts opts = run_load_opts(j);
	struct skep_object *twin = object_twin(j->prog->obj);
	int r;

	opts.print = NULL;
	opts.pins = NULL;
	opts.counts = counted;
	twin->sampled = !counted;
	*out = twin;
	r = object_load(twin, &opts, &only, j->err);
	if (!r && j->o.sockets)
		r = object_sockets(twin, &j->sockets, j->err);
	if (!r)
		r = run_load_maps(j, twin);
	engine_watch(twin, counted);
	return r;
}

/* ---- passes ---------------------------------------------------------------------- */

static int forget(void *arg UNUSED, const struct map_event *e UNUSED)
{
	return 0;
}

/* Records that nobody takes would find no room. */
static void drain(struct skep_object *obj)
{
	struct backend *b = obj->backend;

	for (u32 i = 0; i < obj->img->nr_maps; i++)
		if (obj->img->maps[i].type == BPF_MAP_TYPE_RINGBUF ||
		    obj->img->maps[i].type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			b->ops->map_read(b, i, forget, NULL);
}

static bool has_records(const struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_maps; i++)
		if (obj->img->maps[i].type == BPF_MAP_TYPE_RINGBUF ||
		    obj->img->maps[i].type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			return true;
	return false;
}

static int pass_capture(struct job *j, struct skep_object *obj, struct capture *c, u64 *now)
{
	u32 prog = (u32)obj->progs[j->prog->index].loaded;
	struct test_run t = run_test(j);
	bool records = has_records(obj);
	struct packet p;
	int r;

	if (obj == j->profile->counted && !t.budget)
		t.budget = BUDGET;
	while ((r = capture_next(c, &p, j->err)) > 0) {
		t.data = p.data;
		t.bytes = p.bytes;
		if (!meta_packet(&j->meta, &p))
			continue;
		t.now_ns = *now = max_u64(*now, p.time_ns);
		r = obj->backend->ops->test_run(obj->backend, prog, &t, j->err);
		if (r < 0)
			return r;
		j->profile->packets += !r;
		if (records)
			drain(obj);
	}
	return r;
}

static int pass(struct job *j, struct skep_object *obj)
{
	u64 now = 0;
	u32 waiting;
	int r = 0;

	j->profile->packets = 0;
	for (size_t i = 0; !r && i < j->captures.n; i++) {
		struct capture *c;

		r = capture_open(&c, j->captures.v[i], j->err);
		if (!r)
			r = pass_capture(j, obj, c, &now);
		capture_close(c);
	}
	return r ? r : obj->backend->ops->timers_run(obj->backend, now + j->o.linger * 1000000,
						     j->o.budget, &waiting, j->err);
}

static int time_passes(struct job *j)
{
	struct run_profile *p = j->profile;
	u64 start = os_clock_thread_ns();
	int r = 0;

	if (!runtime_sampler_go(p->sampler))
		return err_set(j->err, ERR_PROFILE, NULL, "the system gives no timer to sample by");
	do {
		r = pass(j, p->timed);
		p->passes++;
		p->ns = os_clock_thread_ns() - start;
	} while (!r && p->packets && p->ns < LONG_NS && p->sampled->inside < ENOUGH);
	runtime_sampler_pause(p->sampler);
	return r;
}

/* ---- what is known of calls -------------------------------------------------------- */

/* Which argument of a helper is a map: 1 to 5, or 0. */
static u32 map_arg(const struct bpf_insn *in)
{
	const struct helper_row *row = in->src_reg ? NULL : helper_row((u32)in->imm);

	for (u32 i = 0; row && i < 5; i++)
		if (row->args[i] == ARG_MAP)
			return i + 1;
	return 0;
}

/* Without a verdict nobody knows which maps calls are about. */
static void find_maps(struct run_profile *p, struct profile_prog *q, const struct image *img)
{
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .flags = VERIFY_FACTS };
	struct verify_result v = { 0 };
	struct skep_err err = { 0 };
	unsigned flags;

	q->map = arena_news(&p->arena, q->prog->nr_insns, u32);
	memset(q->map, 0xff, q->prog->nr_insns * sizeof(u32));
	if (verify_prog(&v, &p->arena, img, q->prog, &opts, &err) || !v.facts)
		return;
	for (u32 i = 0; i < q->prog->nr_insns; i += isa_slots(&q->prog->insns[i])) {
		const struct bpf_insn *in = &q->prog->insns[i];
		u32 arg = in->code == (BPF_JMP | BPF_CALL) ? map_arg(in) : 0;
		u32 map = arg ? facts_call_map(v.facts, i, arg, &flags) : FACT_NO_MAP;

		if (map != FACT_NO_MAP && !(flags & FACT_INNER))
			q->map[i] = map;
	}
}

static void collect(struct run_profile *p)
{
	p->nr_progs = p->sampled->nr_progs;
	p->progs = arena_news(&p->arena, p->nr_progs, struct profile_prog);
	for (u32 i = 0; i < p->nr_progs; i++) {
		const struct sample_prog *s = &p->sampled->progs[i];
		struct profile_prog *q = &p->progs[i];
		const u64 *at, *away;
		u32 n;

		*q = (struct profile_prog){ .prog = &p->timed->img->progs[s->prog],
					    .own = s->own, .called = s->called };
		q->counts = skep_prog_counts(&p->counted->progs[s->prog], &at, &away, &n) ?
			arena_news(&p->arena, q->prog->nr_insns, u64) : at;
		find_maps(p, q, p->timed->img);
	}
}

/* ---- the whole ------------------------------------------------------------------- */

int run_profile_make(struct job *j)
{
	struct run_profile *p = mem_alloc(sizeof(*p));
	int r;

	j->profile = p;
	p->arena = (struct arena)ARENA_INIT;
	r = open_twin(j, &p->counted, true);
	if (!r)
		r = pass(j, p->counted);
	if (!r)
		r = open_twin(j, &p->timed, false);
	if (r)
		return r;
	p->first = &p->timed->progs[j->prog->index];
	p->sampler = runtime_sampler_new(p->timed->backend, EVERY_NS);
	p->sampled = runtime_sampled(p->sampler);
	r = time_passes(j);
	p->runs = p->packets * j->o.repeat;
	if (!r)
		collect(p);
	return r;
}

void run_profile_free(struct run_profile *p)
{
	if (!p)
		return;
	runtime_sampler_free(p->sampler);
	if (p->counted)
		skep_object_close(p->counted);
	if (p->timed)
		skep_object_close(p->timed);
	arena_free(&p->arena);
	free(p);
}

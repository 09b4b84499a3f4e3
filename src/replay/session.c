/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.c: sessions (replay.h). The run has a stack of its own, so that it can stop at any
 * instruction and this thread does something else meanwhile. What is kept on the way are
 * points, the nearer to the present the denser: going back by N costs what N instructions
 * cost, however long the run is.
 */
#include "replay/session.h"
#include "runtime/runtime.h"
#include <stdlib.h>

enum {
	MASK = REPLAY_WINDOW - 1,
	LOOK = 1 << 10,		/* instructions between looks whether somebody interrupts */
	INTERVAL = 1 << 16,	/* instructions between points, at least */
	RETRY = 1 << 12,	/* when the run cannot be kept just now */
};
#define POINTS_BYTES_MAX (256ull << 20)

/* ---- inside of the run --------------------------------------------------------- */

static void note(struct replay *s, const struct vm_step *step)
{
	struct replay_insn *w = &s->window[s->time & MASK];

	w->code = step->code;
	w->prog = &s->prog->obj->progs[s->last_prog];
	w->insn = step->insn;
	w->frame = step->frame;
	memcpy(w->regs, step->regs, sizeof(w->regs));
	if (s->time >= REPLAY_WINDOW && s->win_from < s->time + 1 - REPLAY_WINDOW)
		s->win_from = s->time + 1 - REPLAY_WINDOW;
}

static void began(struct replay *s, const struct vm_step *step)
{
	const struct image *img;

	if (step->code != s->last_code)
		s->last_prog = runtime_prog_of(step->user, &img);
	s->last_code = step->code;
	s->last_insn = step->insn;
	s->last_frame = step->frame;
	s->began = true;
}

/* Whoever has the session goes on, until it lets the run go on. */
static void leave(struct replay *s) { os_fiber_leave(s->fiber); }

static void point_wanted(struct replay *s)
{
	s->want_point = runtime_keepable(s->b);
	if (s->want_point)
		leave(s);
	else
		s->next_point = s->time + RETRY;
}

/* Is this where it is to stop? */
static bool stops(struct replay *s)
{
	const struct replay_insn *w = &s->window[s->time & MASK];
	bool hit = s->stop && s->stop(s->stop_arg, w, s->time);

	if (!s->collect) {
		s->hit |= hit;
		return s->hit || s->time == s->stop_at;
	}
	if (hit && s->time < s->collect_before) {
		s->collected = s->time;
		s->has_event = false;
	}
	return s->time == s->stop_at;
}

static bool is_cut(struct replay *s)
{
	s->cut = s->may_cut && s->opts.interrupted && *s->opts.interrupted;
	return s->cut;
}

static bool on_step(void *arg, struct vm_machine *m UNUSED, const struct vm_step *step)
{
	struct replay *s = arg;

	if (unlikely(s->abandon))
		return false;
	s->now = s->time;
	if (unlikely(s->opts.events | s->stop_events))
		events_step(s, step);
	s->told = max_u64(s->told, s->time + 1);
	if (unlikely(s->time >= s->next_point))
		point_wanted(s);
	began(s, step);
	note(s, step);
	if ((unlikely(s->time == s->stop_at || s->stop || s->hit) && stops(s)) ||
	    (unlikely(!(s->time % LOOK)) && is_cut(s))) {
		leave(s);
		if (s->abandon)
			return false;
	}
	if (unlikely(s->opts.events | s->stop_events))
		events_begin(s, step);
	s->time++;
	return true;
}

static u64 on_call(void *arg, struct vm_machine *m UNUSED, const struct vm_called *c)
{
	struct replay *s = arg;
	bool taped;
	u64 ret;

	if (unlikely(s->opts.events | s->stop_events))
		events_before_call(s, c);
	ret = answer_call(s, c, &taped);
	if (unlikely(s->opts.events | s->stop_events) && !s->abandon)
		events_after_call(s, c, ret, taped);
	return ret;
}

static void run_all(void *arg)
{
	struct replay *s = arg;
	struct skep_err err = { 0 };

	s->result = s->input;
	s->status = s->b->ops->test_run(s->b, (u32)s->prog->loaded, &s->result, &err);
	if (s->differs)
		s->status = s->err.code;
	else if (!s->abandon)
		s->err = err;
}

/* ---- points --------------------------------------------------------------------------- */

static void point_remove(struct replay *s, size_t i)
{
	s->point_bytes -= kept_bytes(s->points.v[i].state);
	kept_free(s->points.v[i].state);
	memmove(&s->points.v[i], &s->points.v[i + 1],
		(--s->points.n - i) * sizeof(*s->points.v));
}

/* How many points are not behind AT. */
static size_t points_until(const struct replay *s, u64 at)
{
	size_t n = 0;

	while (n < s->points.n && s->points.v[n].time <= at)
		n++;
	return n;
}

/* Of the first N points, which are not behind AT, those go whose neighbours do nearly as
 * well: as many stay as there are powers of two below AT. Then what is too much. */
static void points_thin(struct replay *s, size_t n, u64 at)
{
	for (size_t i = 1; i + 1 < n;) {
		const struct point *p = &s->points.v[i];

		if (at - p[-1].time > 2 * (at - p[1].time) + 2 * INTERVAL) {
			i++;
			continue;
		}
		point_remove(s, i);
		n--;
	}
	while (s->point_bytes > POINTS_BYTES_MAX && s->points.n > 1)
		point_remove(s, n < s->points.n ? s->points.n - 1 : 0);
}

static void point_take(struct replay *s)
{
	size_t n = points_until(s, s->time);
	struct point p = { .time = s->time, .answers = s->at_answer };
	u64 bytes;

	p.state = kept_keep(s->b, s->fiber);
	bytes = p.state ? kept_bytes(p.state) : 0;
	s->next_point = s->time + max_u64(INTERVAL, bytes / 32);
	if (!p.state || bytes > POINTS_BYTES_MAX / 4) {
		kept_free(p.state);
		return;
	}
	vec_push(&s->points);
	memmove(&s->points.v[n + 1], &s->points.v[n], (s->points.n - 1 - n) * sizeof(p));
	s->points.v[n] = p;
	s->point_bytes += bytes;
	points_thin(s, n + 1, s->time);
}

/* ---- the machine ------------------------------------------------------------------------- */

/* Nobody looks any more at the run that has stopped. */
static void abandon(struct replay *s)
{
	if (!s->live)
		return;
	s->abandon = true;
	os_fiber_enter(s->fiber);
	s->abandon = s->live = false;
}

/* The machine is as it was at P, or at the start. */
static void stands_at(struct replay *s, const struct point *p)
{
	s->live = s->begun = p != NULL;
	s->time = s->win_from = p ? p->time : 0;
	s->at_answer = p ? p->answers : 0;
	s->next_point = os_fiber_keeps() ? s->time + INTERVAL : UINT64_MAX;
	s->put_back = true;
	s->ended = s->began = s->before.on = s->differs = false;
	s->last_code = NULL;
}

/* The machine becomes what it was at the last point not behind AT, or at the start. */
static void rewind_to(struct replay *s, u64 at)
{
	size_t n = points_until(s, at);
	const struct point *p = n ? &s->points.v[n - 1] : NULL;

	abandon(s);
	kept_restore(p ? p->state : s->start, s->b);
	stands_at(s, p);
}

static void at_end(struct replay *s)
{
	s->live = false;
	s->ended = s->known = true;
	s->length = s->now = s->time;
	events_end(s);
	s->told = s->time + 1;
}

/* Lets the run go on until it stops for what was asked. */
static void machine_go(struct replay *s)
{
	if (!s->begun)
		os_fiber_start(s->fiber, run_all, s);
	s->begun = true;
	s->put_back = false;
	do {
		s->want_point = false;
		s->inside = true;
		s->live = os_fiber_enter(s->fiber);
		s->inside = false;
		if (s->live && s->want_point)
			point_take(s);
	} while (s->live && s->want_point);
	if (!s->live) {
		s->abandon = false;
		at_end(s);
	}
}

static void ask_nothing(struct replay *s)
{
	s->stop = NULL;
	s->stop_events = 0;
	s->stop_at = REPLAY_END;
	s->hit = s->collect = false;
}

/* To AT, which is not behind the end when that is known. The window has what is before. */
static void machine_to(struct replay *s, u64 at)
{
	ask_nothing(s);
	if (at < s->time || (s->ended && at < s->length))
		rewind_to(s, at > REPLAY_WINDOW ? at - REPLAY_WINDOW : 0);
	s->stop_at = at;
	if (!s->ended && (s->put_back || s->time < at))
		machine_go(s);
	ask_nothing(s);
	s->now = s->time;
}

/* ---- where it is --------------------------------------------------------------------------- */

u64 replay_time(const struct replay *s) { return s->now; }
u64 replay_running(const struct replay *s) { return s->time; }
bool replay_ended(const struct replay *s) { return s->known && s->now == s->length; }
u64 replay_length(const struct replay *s) { return s->known ? s->length : 0; }
struct skep_prog *replay_prog(const struct replay *s) { return s->prog; }

const struct replay_insn *replay_insn(struct replay *s)
{
	return replay_ended(s) ? NULL : &s->window[s->now & MASK];
}

struct vm_machine *replay_live(struct replay *s)
{
	if (s->inside)
		return s->m;
	if (s->now != s->time || (s->ended && !replay_ended(s)))
		machine_to(s, s->now);
	return s->live ? s->m : NULL;
}

const struct run *replay_run(struct replay *s)
{
	return replay_live(s) && s->run->pkt.data ? s->run : NULL;
}

/* At the end there is no stack and no context any more. */
int replay_read(struct replay *s, u64 addr, void *to, u64 bytes)
{
	struct vm_machine *m = replay_live(s);
	enum vm_where_kind kind = vm_where(s->m, addr).kind;

	if (!m && kind != VM_MAP && kind != VM_PACKET && kind != VM_PACKET_META)
		return -EFAULT;
	return vm_read(s->m, addr, to, bytes);
}

static struct skep_prog *prog_of(const struct replay *s, const struct vm_code *code)
{
	const struct image *img;

	return &s->prog->obj->progs[runtime_prog_of(vm_code_user(code), &img)];
}

u32 replay_frames(struct replay *s, struct replay_frame *out, u32 max)
{
	struct vm_caller callers[REPLAY_FRAMES_MAX];
	struct vm_machine *m = replay_live(s);
	const struct replay_insn *at = replay_insn(s);
	u32 n;

	if (!m || !at || !max)
		return 0;
	out[0] = (struct replay_frame){ at->prog, at->insn, at->frame, false,
					vm_frame_base(m, at->frame) };
	n = vm_callers(m, callers, (u32)min_u64(max - 1, REPLAY_FRAMES_MAX));
	for (u32 i = 0; i < n; i++) {
		const struct vm_caller *c = &callers[i];

		out[i].callback = c->helper;
		out[i + 1] = (struct replay_frame){ prog_of(s, c->code), c->insn, c->frame, false,
						    vm_frame_base(m, c->frame) };
	}
	return n + 1;
}

const struct test_run *replay_result(const struct replay *s)
{
	return s->ended && replay_ended(s) ? &s->result : NULL;
}

int replay_status(const struct replay *s, const struct skep_err **err)
{
	if (err)
		*err = s->status < 0 ? &s->err : NULL;
	return s->status;
}

const struct replay_event *replay_stopped_by(const struct replay *s)
{
	return s->has_event ? &s->event : NULL;
}

/* ---- where it goes -------------------------------------------------------------------------- */

/* Is the state of registers at AT known without running? */
static bool in_window(const struct replay *s, u64 at)
{
	return at >= s->win_from && (at < s->time || (at == s->time && !s->ended));
}

int replay_goto(struct replay *s, u64 at, struct skep_err *err UNUSED)
{
	s->has_event = s->cut = false;
	if (s->known && at > s->length)
		at = s->length;
	s->may_cut = true;
	if (in_window(s, at) || (s->ended && at == s->length))
		s->now = at;
	else
		machine_to(s, at);
	s->may_cut = false;
	return 0;
}

int replay_until(struct replay *s, replay_stop_fn stop, void *arg, unsigned events,
		 struct skep_err *err UNUSED)
{
	bool hit;

	s->has_event = s->cut = false;
	replay_live(s);
	if (s->ended)
		return 0;
	s->may_cut = true;
	s->stop = stop;
	s->stop_arg = arg;
	s->stop_events = events;
	machine_go(s);
	hit = s->hit || s->cut;
	s->may_cut = false;
	ask_nothing(s);
	s->now = s->time;
	return hit;
}

/* From the last point before TO up to there: the last time that STOP likes is collected. */
static u64 collect_part(struct replay *s, u64 to, replay_stop_fn stop, void *arg,
			unsigned events)
{
	u64 from;

	rewind_to(s, to - 1);
	from = s->time;
	s->stop = stop;
	s->stop_arg = arg;
	s->stop_events = events;
	s->stop_at = to;
	s->collect = true;
	s->collected = REPLAY_END;
	machine_go(s);
	ask_nothing(s);
	return from;
}

int replay_back_until(struct replay *s, replay_stop_fn stop, void *arg, unsigned events,
		      struct skep_err *err UNUSED)
{
	u64 to = s->now;

	s->has_event = s->cut = false;
	s->may_cut = true;
	s->collected = REPLAY_END;
	s->collect_before = to;
	while (to && s->collected == REPLAY_END && !s->cut)
		to = collect_part(s, to, stop, arg, events);
	if (!s->cut)
		machine_to(s, s->collected == REPLAY_END ? 0 : s->collected);
	s->may_cut = false;
	s->now = s->time;
	return s->cut || s->collected != REPLAY_END;
}

/* ---- opening --------------------------------------------------------------------------- */

void replay_load_opts(struct skep_load_opts *opts)
{
	opts->unverified = 1;
	opts->counts = 0;
	opts->engine = SKEP_USER;
	opts->jit = SKEP_JIT_OFF;
}

static int check_prog(const struct skep_prog *prog, struct skep_err *err)
{
	struct prog_tier t = { .tier = TIER_KERNEL };

	if (prog->obj->backend && prog->loaded >= 0 && prog->obj->backend->ops->prog_tier)
		prog->obj->backend->ops->prog_tier(prog->obj->backend, (u32)prog->loaded, &t);
	if (t.tier == TIER_CHECKED)
		return 0;
	return err_set(err, ERR_USAGE, prog->obj->img->file, "program '%s' is not loaded into the "
		       "checked interpreter: it cannot be stepped through", skep_prog_name(prog));
}

/* Time is that of the beginning to timers and to what the engine itself does. */
static void stop_clock(struct replay *s)
{
	s->real_clock = !s->run->clock.is_virtual;
	if (!s->real_clock)
		return;
	s->run->clock.is_virtual = true;
	s->input.now_ns = os_clock_ns();
}

static int no_start(struct replay *s, struct skep_err *err)
{
	if (!s->fiber || !s->window)
		return err_set(err, ERR_NO_MEM, NULL, "no memory for the stack of a session");
	return err_set(err, ERR_USAGE, s->prog->obj->img->file, "a map of it is pinned as a file, "
		       "which other processes may change: there is no way back");
}

int replay_open(struct replay **out, struct skep_prog *prog, const struct test_run *input,
		const struct replay_opts *opts, struct skep_err *err)
{
	struct replay *s;
	int r = check_prog(prog, err);

	*out = NULL;
	if (r)
		return r;
	s = mem_alloc(sizeof(*s));
	s->prog = prog;
	s->b = prog->obj->backend;
	s->input = *input;
	s->input.repeat = 1;
	if (opts)
		s->opts = *opts;
	answers_open(s);
	if (s->opts.tape)
		answers_of_tape(s, s->opts.tape);
	s->opts.tape = NULL;
	r = runtime_look(s->b, &s->m, &s->run, err);
	if (r) {
		free(s->taped);
		vec_free(&s->answers);
		sb_free(&s->outs);
		free(s);
		return r;
	}
	s->before_asked = runtime_tape_set(s->b, &s->asked);
	stop_clock(s);
	vm_step_set(s->m, on_step, s);
	vm_call_set(s->m, on_call);
	s->fiber = os_fiber_new();
	s->window = os_map_lazy(REPLAY_WINDOW * sizeof(*s->window));
	s->start = s->fiber && s->window ? kept_keep(s->b, NULL) : NULL;
	if (!s->start) {
		r = no_start(s, err);
		replay_close(s);
		return r;
	}
	runtime_restoring(s->b);
	stands_at(s, NULL);
	machine_to(s, 0);
	*out = s;
	return 0;
}

void replay_owns(struct replay *s, void *p, void (*give_back)(void *p))
{
	s->recorded = p;
	s->recorded_free = give_back;
}

void replay_close(struct replay *s)
{
	if (!s)
		return;
	abandon(s);
	if (s->start)
		kept_restore(s->start, s->b);
	runtime_tape_set(s->b, s->before_asked);
	vm_step_set(s->m, NULL, NULL);
	vm_call_set(s->m, NULL);
	if (s->real_clock)
		s->run->clock.is_virtual = false;
	while (s->points.n)
		point_remove(s, s->points.n - 1);
	vec_free(&s->points);
	kept_free(s->start);
	os_fiber_free(s->fiber);
	if (s->window)
		os_unmap(s->window, REPLAY_WINDOW * sizeof(*s->window));
	vec_free(&s->answers);
	sb_free(&s->outs);
	free(s->taped);
	events_free(s);
	if (s->recorded_free)
		s->recorded_free(s->recorded);
	free(s);
}

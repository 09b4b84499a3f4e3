/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * move.c: going on and back. Where a command stops is a question about one instruction
 * (struct goal), asked by the session of each that it passes, in whichever order: so
 * that backwards is the same rule as forwards.
 */
#include "debug/debug.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct goal {
	struct debug *d;
	enum dbg_move how;
	bool back;
	u32 frame, inlined;	/* of where it began: how deep that is */
	u32 prog, insn;
	u32 low, high;		/* the line that it began in */
	const struct dbg_loc *locs;
	u32 nr_locs;
	bool watches;
};

/* ---- stops ------------------------------------------------------------------- */

static u32 inlined_at(const struct goal *g, const struct replay_insn *at)
{
	return dbg_inlined(g->d, &g->d->img->progs[at->prog->index], at->insn);
}

/* Deeper (1) or less deep (-1) than where it began. */
static int depth_of(const struct goal *g, const struct replay_insn *at)
{
	u32 inlined;

	if (at->frame != g->frame)
		return at->frame > g->frame ? 1 : -1;
	inlined = inlined_at(g, at);
	return inlined > g->inlined ? 1 : inlined < g->inlined ? -1 : 0;
}

static bool in_line(const struct goal *g, const struct replay_insn *at)
{
	if (at->frame != g->frame || at->prog->index != g->prog ||
	    at->insn < g->low || at->insn >= g->high)
		return false;
	/* backwards, what began within the line goes to its beginning first */
	return !(g->back && at->insn == g->low && g->insn != g->low);
}

/* A line begins here, another one than it began in. */
static bool other_line(const struct goal *g, const struct replay_insn *at)
{
	return dbg_stop_line(g->d, &g->d->img->progs[at->prog->index], at->insn) &&
	       !in_line(g, at);
}

static bool at_locs(const struct goal *g, const struct replay_insn *at)
{
	for (u32 i = 0; i < g->nr_locs; i++)
		if (g->locs[i].insn == at->insn && g->locs[i].prog == at->prog->index)
			return true;
	return false;
}

static bool returned(const struct goal *g, const struct replay_insn *at)
{
	return !g->back && at->frame < g->frame;
}

static bool reached(const struct goal *g, const struct replay_insn *at)
{
	switch (g->how) {
	case MOVE_STEPI:
		return true;
	case MOVE_NEXTI:
		return at->frame <= g->frame;
	case MOVE_STEP:
		return returned(g, at) || other_line(g, at);
	case MOVE_NEXT:
		return returned(g, at) || (other_line(g, at) && depth_of(g, at) <= 0);
	case MOVE_UNTIL:
		return returned(g, at) || (other_line(g, at) && depth_of(g, at) <= 0 &&
					   (at->prog->index != g->prog || at->insn > g->insn));
	case MOVE_FINISH:
		return depth_of(g, at) < 0;
	case MOVE_ADVANCE:
		return at_locs(g, at) || at->frame < g->frame;
	default:
		return false;
	}
}

static bool stops(void *arg, const struct replay_insn *at, u64 time)
{
	const struct goal *g = arg;
	struct debug *d = g->d;
	bool yes;

	if (d->look && !(++d->looks & 1023))
		d->look(d, d->look_arg);
	d->at = at;
	d->at_time = time;
	yes = d->interrupted || reached(g, at) || dbg_hit(d, at, false) ||
	      (g->watches && dbg_watch_hit(d, at, false));
	d->at = NULL;
	return yes;
}

/* ---- why it stopped ------------------------------------------------------------ */

void dbg_verdict_text(struct strbuf *out, struct debug *d, u32 verdict)
{
	const char *name = verdict_name(d->img->progs[d->setup->prog].type, verdict);

	if (name)
		sb_puts(out, name);
	else
		sb_printf(out, "%d", (s32)verdict);
}

static void show_part(struct debug *d, u32 type, u32 bytes, const u8 *data)
{
	const struct show_opts o = { 0 };
	struct value_env env = dbg_env(d, NULL);
	struct value v = { .kind = VALUE_BYTES, .bytes = data, .nr_bytes = bytes };

	if (!data) {
		sb_puts(&d->stop_text, "none");
		return;
	}
	v.type = d->img->btf && type ? types_of(d->types, TYPES_IMAGE, type) :
		types_basic(d->types, BASIC_UCHAR);
	v.repeat = d->img->btf && type ? 0 : bytes;
	value_show(&d->stop_text, &env, &v, &o);
}

static void tell_change(struct debug *d, const struct replay_event *ev)
{
	const struct image_map *m = &d->img->maps[ev->change.map];

	sb_printf(&d->stop_text, "map %s", m->name);
	if (ev->change.key) {
		sb_puts(&d->stop_text, "[");
		show_part(d, m->key_type, m->key_size, ev->change.key);
		sb_puts(&d->stop_text, "]");
	}
	sb_puts(&d->stop_text, ", old value = ");
	show_part(d, m->value_type, m->value_size, ev->change.old_value);
	sb_puts(&d->stop_text, ", new value = ");
	show_part(d, m->value_type, m->value_size, ev->change.new_value);
}

/* The message without its place, which is told anyway, and without its other lines. */
static void tell_fault(struct debug *d, u32 error, const char *text)
{
	const char *from = strstr(text, "error: "), *to;

	from = from ? from + 7 : text;
	to = strstr(from, " [SKEP-");
	sb_printf(&d->stop_text, "SKEP-E%04u: %.*s", error,
		  (int)(to ? to - from : (ptrdiff_t)strcspn(from, "\n")), from);
}

/* What a catchpoint has caught, for people. */
static void tell_event(struct debug *d, const struct replay_event *ev)
{
	sb_reset(&d->stop_text);
	switch (ev->kind) {
	case REPLAY_CALL:
		sb_printf(&d->stop_text, "call of bpf_%s(", ev->call.name ? ev->call.name : "?");
		for (u32 i = 0; i < 5; i++)
			sb_printf(&d->stop_text, "%s0x%" PRIx64, i ? ", " : "",
				  ev->call.args[i]);
		sb_printf(&d->stop_text, "), returned 0x%" PRIx64, ev->call.ret);
		break;
	case REPLAY_CHANGE:
		tell_change(d, ev);
		break;
	case REPLAY_FAULT:
		tell_fault(d, ev->fault.error, ev->fault.text);
		break;
	case REPLAY_VERDICT:
		sb_puts(&d->stop_text, "verdict ");
		dbg_verdict_text(&d->stop_text, d, ev->verdict.retval);
		break;
	default:
		break;
	}
}

/* It has come to the end: it stands at the last instruction, when somebody is to see that,
 * or behind it. */
static int ended(struct debug *d, const struct replay_event *ev, struct skep_err *err)
{
	struct dbg_bp *caught = ev ? dbg_caught(d, ev) : NULL;
	const struct skep_err *why;
	u64 length = replay_length(d->s);
	bool fault = replay_status(d->s, &why) < 0;

	d->stop = DBG_END;
	if (!ev || d->last_seen || !length || !(fault || caught))
		return 0;
	tell_event(d, ev);
	d->stop = fault ? DBG_FAULT : DBG_CATCHPOINT;
	d->stop_bp = caught ? caught->number : 0;
	if (caught)
		caught->hits++;
	d->last_seen = true;
	return replay_goto(d->s, length - 1, err);
}

/* It stands at an instruction: because of a watch, a breakpoint, or what was asked for. */
static void arrived(struct debug *d, const struct goal *g, bool asked)
{
	const struct replay_insn *at = replay_insn(d->s);
	struct dbg_bp *watch = NULL, *bp = NULL;

	if (at) {
		d->at = at;
		d->at_time = replay_time(d->s);
		watch = g->watches ? dbg_watch_hit(d, at, true) : NULL;
		bp = dbg_hit(d, at, true);
		d->at = NULL;
	}
	if (watch && watch->local && at->frame < watch->real) {
		d->stop = DBG_SCOPE_END;
		d->stop_bp = watch->number;
		sb_reset(&d->stop_text);
		sb_puts(&d->stop_text, watch->spec);
		dbg_delete(d, watch);
	} else if (watch) {
		d->stop = DBG_WATCHPOINT;
		d->stop_bp = watch->number;
		dbg_watch_note(d, watch);
	} else if (bp) {
		d->stop = DBG_BREAKPOINT;
		d->stop_bp = bp->number;
		if (bp->once)
			dbg_delete(d, bp);
	} else if (asked) {
		d->stop = g->how == MOVE_FINISH ? DBG_FINISHED : DBG_STEPPED;
	} else {
		d->stop = d->interrupted ? DBG_INTERRUPTED : DBG_NOT_RUN;
	}
}

/* What session G->d has come to after a move gave R; 1: nobody asked for that, go on. */
static int judge(struct debug *d, const struct goal *g, int r, struct skep_err *err)
{
	const struct replay_event *ev = replay_stopped_by(d->s);
	struct dbg_bp *caught;
	const struct replay_insn *at;
	bool asked;

	if (r < 0)
		return r;
	if (replay_ended(d->s))
		return ended(d, ev, err);
	if (!r && g->back) {
		d->stop = DBG_BEGIN;
		return 0;
	}
	caught = ev ? dbg_caught(d, ev) : NULL;
	if (caught) {
		tell_event(d, ev);
		caught->hits++;
		d->stop = DBG_CATCHPOINT;
		d->stop_bp = caught->number;
		if (caught->once)
			dbg_delete(d, caught);
		return 0;
	}
	at = replay_insn(d->s);
	d->at = at;
	asked = at && reached(g, at);
	d->at = NULL;
	arrived(d, g, asked);
	if (d->stop == DBG_NOT_RUN)
		dbg_watch_note(d, NULL);	/* what changed and was not to stop it */
	return d->stop == DBG_NOT_RUN;
}

/* Until G is reached, in this input. */
static int go(struct debug *d, const struct goal *g, struct skep_err *err)
{
	unsigned events = dbg_catches(d) | (g->back ? 0 : REPLAY_FAULT);
	int r;

	do {
		dbg_moved(d);
		if (g->back)
			r = replay_back_until(d->s, stops, (void *)(uintptr_t)g, events, err);
		else
			r = replay_until(d->s, stops, (void *)(uintptr_t)g, events, err);
		r = judge(d, g, r, err);
	} while (r == 1 && !d->interrupted);
	if (r == 1)
		d->stop = DBG_INTERRUPTED;
	if (g->back)
		d->last_seen = false;
	dbg_moved(d);
	if (d->stop != DBG_WATCHPOINT)
		dbg_watch_note(d, NULL);
	return r < 0 ? r : 0;
}

/* ---- inputs ------------------------------------------------------------------------ */

void dbg_end(struct debug *d)
{
	dbg_moved(d);
	replay_close(d->s);
	d->s = NULL;
	if (d->obj)
		skep_object_close(d->obj);
	d->obj = NULL;
	free(d->packet);
	d->packet = NULL;
	d->input = 0;
	d->stop = DBG_NOT_RUN;
}

/* Input NUMBER becomes D's: 1, or 0: there is none. */
static int take_input(struct debug *d, u64 number, struct skep_err *err)
{
	struct test_run t = { .ifindex = 1, .budget = d->setup->budget };
	int r = d->setup->input(d->setup->arg, number, &t, err);
	u8 *copy;

	if (r <= 0)
		return r;
	copy = mem_alloc(t.bytes + 1u);
	if (t.bytes)
		memcpy(copy, t.data, t.bytes);
	free(d->packet);
	d->packet = copy;
	t.data = t.data ? copy : NULL;
	d->run = t;
	d->input = number;
	return 1;
}

/* Ends are looked at by all; of others only what some catchpoint waits for. */
static bool event_stops(void *arg, const struct replay_event *ev)
{
	return ev->kind & (REPLAY_FAULT | REPLAY_VERDICT) || dbg_caught(arg, ev);
}

/* A session of the input at hand; of a recording of the run behind D's, if it has one. */
static int open_session(struct debug *d, struct skep_err *err)
{
	const struct replay_opts o = { .arg = d, .stops = event_stops,
				       .interrupted = &d->interrupted };
	int r;

	if (d->setup->recording && d->s)
		r = replay_next_recorded(&d->s, &o, err);
	else if (d->setup->recording)
		r = replay_open_recorded(&d->s, d->setup->recording, d->input, &o, err);
	else
		r = replay_open(&d->s, &d->obj->progs[d->setup->prog], &d->run, &o, err);
	if (r)
		d->s = NULL;
	d->stopped_here = d->last_seen = false;
	d->printed = 0;
	dbg_moved(d);
	if (!r)		/* nothing has changed yet in this input */
		dbg_watch_note(d, NULL);
	return r;
}

void dbg_print(struct debug *d, const char *text, size_t n)
{
	if (d->passing || !d->s || replay_running(d->s) < d->printed)
		return;
	d->printed = replay_running(d->s) + 1;
	sb_add(d->out, text, n);
}

/* Runs the input at hand as it is, so that the next finds what it leaves. */
static int pass(struct debug *d, struct skep_err *err)
{
	struct test_run t = d->run;
	struct backend *b = d->obj->backend;
	int r;

	d->passing = true;
	r = b->ops->test_run(b, (u32)d->obj->progs[d->setup->prog].loaded, &t, err);
	d->passing = false;
	/* what it does wrong is no reason not to look at the next */
	return r < 0 && err->id != ERR_FAULT && err->id != ERR_BUDGET && err->id != ERR_HELPER &&
	       err->id != ERR_FRAMES ? r : 0;
}

static int load(struct debug *d, struct skep_err *err)
{
	struct skep_load_opts o = d->setup->load;
	const struct prog_set only = { &d->setup->prog, 1 };
	int r;

	o.size = sizeof(o);
	replay_load_opts(&o);
	d->obj = object_twin(d->setup->obj);
	r = object_load(d->obj, &o, &only, err);
	if (!r && d->setup->prepare)
		r = d->setup->prepare(d->setup->arg, d->obj, err);
	return r;
}

static int no_input(struct debug *d, u64 number, struct skep_err *err)
{
	if (number > 1)
		return err_set(err, ERR_DEBUG_INPUT, NULL, "there is no packet %" PRIu64, number);
	return err_set(err, ERR_DEBUG_INPUT, NULL, "there is no input: the capture is empty");
}

int dbg_has_input(struct debug *d, u64 number, struct skep_err *err)
{
	u64 n = number;
	int r = !d->setup->recording && d->setup->count ?
		d->setup->count(d->setup->arg, number, &n, err) : 0;

	if (r || n >= number)
		return r;
	r = no_input(d, number, err);
	if (n)
		err_help(err, "the last one is packet %" PRIu64, n);
	return r;
}

/* A recording has its runs by number. */
static int run_recorded(struct debug *d, u64 number, struct skep_err *err)
{
	d->input = number;
	return open_session(d, err);
}

/* To input NUMBER, through all before it; who interrupts that stands before another. */
static int run_from_start(struct debug *d, u64 number, struct skep_err *err)
{
	int r = load(d, err);

	for (u64 i = 1; !r; i++) {
		r = take_input(d, i, err);
		if (!r)
			r = no_input(d, number, err);
		if (r < 0)
			return r;
		if (i == number || d->interrupted)
			break;
		r = pass(d, err);
	}
	return r < 0 ? r : open_session(d, err);
}

/* The next input: 1; 0: there is none, and the session stays. */
static int next_input(struct debug *d, struct skep_err *err)
{
	u64 number = d->input + 1;
	struct test_run before = d->run;
	u8 *packet = d->packet;
	int r;

	if (d->setup->recording) {
		r = run_recorded(d, number, err);
		if (!r || err->id != ERR_RECORD_RUN)
			return r ? r : 1;
		r = run_recorded(d, number - 1, err);
		return r ? r : replay_goto(d->s, REPLAY_END, err);
	}
	d->packet = NULL;
	r = take_input(d, number, err);
	if (r > 0) {
		struct test_run next = d->run;

		replay_close(d->s);
		d->s = NULL;
		d->run = before;
		r = pass(d, err);
		d->run = next;
		free(packet);
		r = r ? r : open_session(d, err);
		return r ? r : 1;
	}
	d->packet = packet;
	return r;
}

/* ---- the commands ------------------------------------------------------------------ */

int dbg_stands(struct debug *d, struct skep_err *err)
{
	return d->s ? 0 : err_set(err, ERR_DEBUG_STATE, NULL, "The program is not being run.");
}

static struct goal goal_here(struct debug *d, enum dbg_move how, bool back)
{
	struct goal g = { .d = d, .how = how, .back = back, .watches = dbg_watches(d),
		.prog = UINT32_MAX };
	const struct dbg_frame *f = dbg_frames(d) ? &d->frames[0] : NULL;

	if (!f)
		return g;	/* at the end: all is deeper than nothing */
	g.prog = f->index;
	g.insn = f->insn;
	dbg_line_range(f->prog, f->insn, &g.low, &g.high);
	f = how == MOVE_FINISH || how == MOVE_ADVANCE ? &d->frames[d->selected] : f;
	g.frame = f->real;
	g.inlined = f->inlined;
	return g;
}

/* Nothing has been executed yet: is there a breakpoint? */
static bool stops_at_start(struct debug *d)
{
	const struct goal g = { .d = d, .how = MOVE_CONTINUE };

	if (!replay_insn(d->s))
		return false;
	arrived(d, &g, false);
	return d->stop == DBG_BREAKPOINT || d->stop == DBG_INTERRUPTED;
}

/* From input to input until something stops it. */
static int go_on(struct debug *d, struct skep_err *err)
{
	struct goal g;
	int r;

	for (;;) {
		if (!replay_ended(d->s)) {
			g = goal_here(d, MOVE_CONTINUE, false);
			r = go(d, &g, err);
			if (r || d->stop != DBG_END)
				return r;
			if (d->stopped_here)
				dbg_tell_stop(d);
		}
		if (d->look)
			d->look(d, d->look_arg);
		r = d->interrupted ? 0 : next_input(d, err);
		if (r <= 0) {
			d->stop = d->interrupted ? DBG_INTERRUPTED : DBG_NO_INPUT;
			return r;
		}
		if (stops_at_start(d))
			return 0;
	}
}

int dbg_run(struct debug *d, u64 number, bool stay, struct skep_err *err)
{
	int r = number > 1 ? dbg_has_input(d, number, err) : 0;

	if (r)
		return r;
	dbg_end(d);
	r = d->setup->recording ? run_recorded(d, number, err) : run_from_start(d, number, err);
	if (r) {
		dbg_end(d);
		return r;
	}
	d->stop = DBG_AT_START;
	if (!stay && !stops_at_start(d))
		r = go_on(d, err);
	d->stopped_here = true;
	return r;
}

/* What has ended goes on with the next input. */
static int from_end(struct debug *d, enum dbg_move how, struct skep_err *err)
{
	int r;

	if (how == MOVE_CONTINUE)
		return go_on(d, err);
	if (how == MOVE_FINISH || how == MOVE_ADVANCE || how == MOVE_UNTIL)
		return err_set(err, ERR_DEBUG_STATE, NULL, "The run has ended.");
	r = next_input(d, err);
	d->stop = r > 0 ? DBG_AT_START : DBG_NO_INPUT;
	return r < 0 ? r : 0;
}

static int can_finish(struct debug *d, const struct goal *g, struct skep_err *err)
{
	if (g->how == MOVE_FINISH && !g->frame && !g->inlined)
		return err_set(err, ERR_DEBUG_STATE, NULL,
			       "\"finish\" not meaningful in the outermost frame.");
	return 0;
}

/* In the input at hand. */
static int move_here(struct debug *d, enum dbg_move how, bool back, const struct dbg_loc *locs,
		     u32 nr, struct skep_err *err)
{
	struct goal g = goal_here(d, how, back);
	int r;

	if (replay_ended(d->s))
		g.frame = g.inlined = UINT32_MAX;
	g.locs = locs;
	g.nr_locs = nr;
	r = can_finish(d, &g, err);
	return r ? r : go(d, &g, err);
}

/* The input before, at its end: that of a run from the first one on. */
static int previous_input(struct debug *d, struct skep_err *err)
{
	u64 number = d->input - 1;
	int r;

	dbg_end(d);
	r = d->setup->recording ? run_recorded(d, number, err) : run_from_start(d, number, err);
	if (!r)
		r = replay_goto(d->s, REPLAY_END, err);
	if (r) {
		dbg_end(d);
		return r;
	}
	dbg_moved(d);
	dbg_watch_note(d, NULL);
	d->expected = d->said_end = 0;	/* it is told which one it is */
	d->stop = d->interrupted ? DBG_INTERRUPTED : DBG_BEGIN;
	return 0;
}

/* It stands at the end, and comes from behind: does a catchpoint wait for what is there? */
static int catch_end(struct debug *d, struct skep_err *err)
{
	unsigned events = dbg_catches(d) & (REPLAY_VERDICT | REPLAY_FAULT);
	u64 length = replay_length(d->s);
	int r;

	if (!events || !length)
		return 0;
	r = replay_goto(d->s, length - 1, err);
	r = r ? r : replay_until(d->s, NULL, NULL, events, err);
	if (r < 0)
		return r;
	r = ended(d, replay_stopped_by(d->s), err);
	if (d->stop == DBG_END || (d->stop == DBG_FAULT && !d->stop_bp))
		d->stop = DBG_BEGIN;	/* nothing of it: on the way back */
	return r;
}

static bool is_step(enum dbg_move how)
{
	return how == MOVE_STEPI || how == MOVE_NEXTI || how == MOVE_STEP || how == MOVE_NEXT;
}

/* Backwards, also into the inputs before. A step that began within an input ends at its
 * beginning. */
static int move_back(struct debug *d, enum dbg_move how, const struct dbg_loc *locs, u32 nr,
		     struct skep_err *err)
{
	bool at_begin = !replay_time(d->s);
	int r = move_here(d, how, true, locs, nr, err);

	while (!r && d->stop == DBG_BEGIN && d->input > 1 && !d->setup->once &&
	       (is_step(how) || how == MOVE_CONTINUE)) {
		if (is_step(how) && !at_begin) {
			d->stop = DBG_STEPPED;
			break;
		}
		at_begin = false;
		r = previous_input(d, err);
		if (!r && how == MOVE_CONTINUE && d->stop == DBG_BEGIN)
			r = catch_end(d, err);
		if (!r && d->stop == DBG_BEGIN)
			r = move_here(d, how, true, locs, nr, err);
	}
	return r;
}

int dbg_move(struct debug *d, enum dbg_move how, bool back, const struct dbg_loc *locs, u32 nr,
	     struct skep_err *err)
{
	int r = dbg_stands(d, err);

	if (r)
		return r;
	if (!back && replay_ended(d->s))
		r = from_end(d, how, err);
	else if (!back && how == MOVE_CONTINUE)
		r = go_on(d, err);
	else if (back)
		r = move_back(d, how, locs, nr, err);
	else
		r = move_here(d, how, false, locs, nr, err);
	d->stopped_here = true;
	return r;
}

int dbg_goto(struct debug *d, u64 at, struct skep_err *err)
{
	int r = dbg_stands(d, err);

	if (r)
		return r;
	r = replay_goto(d->s, at, err);
	dbg_moved(d);
	d->last_seen = false;
	d->stop = replay_ended(d->s) ? DBG_END : d->interrupted ? DBG_INTERRUPTED : DBG_STEPPED;
	dbg_watch_note(d, NULL);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_session_test.c: wherever a session is put, all is as it was when the run was there
 * first: registers, stack, packet, and every element of every map in its order. A first
 * pass notes a digest of all that before each instruction; then the session jumps about.
 */
#include "replay/replay.h"
#include "base/vec.h"
#include "maps/map.h"
#include "runtime/runtime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "obj_file.h"

struct world {
	struct os_file file;
	struct skep_object *obj;
	struct replay *s;
	u8 packet[64];
	VEC(u64) seen;		/* digests by time */
	VEC(struct replay_event) events;
};

static u64 mix(u64 h, const void *p, u64 n) { return record_digest(p, n, h); }

/* Areas as they are, order and all; but for user space's own words there is nothing else. */
static u64 maps_digest(const struct world *w)
{
	u64 h = 0;

	for (u32 i = 0; i < w->obj->img->nr_maps; i++) {
		const struct map *m = runtime_map(w->obj->backend, i);

		h = mix(h, m->mem, min_u64(m->mem_bytes, 1 << 14));
	}
	return h;
}

static u64 digest(struct world *w, const struct replay_insn *at)
{
	u64 h = mix(0, at->regs, sizeof(at->regs)), base = at->regs[10] - 512;
	u8 stack[512];

	h = mix(h, &at->insn, sizeof(at->insn));
	assert_int_equal(replay_read(w->s, base, stack, sizeof(stack)), 0);
	h = mix(h, stack, sizeof(stack));
	if (replay_run(w->s))
		h = mix(h, replay_run(w->s)->pkt.data, 64);
	return mix(h, &(u64){ maps_digest(w) }, 8);
}

static bool note(void *arg, const struct replay_insn *at, u64 time)
{
	struct world *w = arg;

	if (time == w->seen.n)
		*vec_push(&w->seen) = digest(w, at);
	return false;
}

static void on_event(void *arg, const struct replay_event *ev)
{
	*vec_push(&((struct world *)arg)->events) = *ev;
}

static void make(struct world *w, const char *file, const char *prog, unsigned events)
{
	struct skep_load_opts load_opts = { .size = sizeof(load_opts), .rand_seed = 5, .cpus = 2 };
	struct test_run in = { .data = w->packet, .bytes = sizeof(w->packet), .ifindex = 1 };
	const struct replay_opts opts = { .events = events, .event = on_event, .arg = w };
	struct skep_err err;

	memset(w->packet, 7, sizeof(w->packet));
	w->packet[0] = 0;
	w->packet[1] = 200;
	w->file = load(file);
	replay_load_opts(&load_opts);
	if (skep_object_open_mem(&w->obj, w->file.data, w->file.size, file, &err) ||
	    skep_object_load(w->obj, &load_opts, &err))
		fail_msg("%s", skep_err_text(&err));
	/* timers wait and maps have elements before the session begins */
	for (int i = 0; i < 3 && !strcmp(prog, "all"); i++)
		assert_int_equal(w->obj->backend->ops->test_run(w->obj->backend,
			(u32)skep_object_prog(w->obj, prog)->loaded, &in, &err), 0);
	if (replay_open(&w->s, skep_object_prog(w->obj, prog), &in, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
}

static void end(struct world *w)
{
	replay_close(w->s);
	skep_object_close(w->obj);
	os_file_close(&w->file);
	vec_free(&w->seen);
	vec_free(&w->events);
}

static void first_pass(struct world *w)
{
	const struct replay_insn *at = replay_insn(w->s);

	assert_int_equal(replay_time(w->s), 0);
	note(w, at, 0);
	assert_int_equal(replay_until(w->s, note, w, 0, NULL), 0);
	assert_true(replay_ended(w->s));
	assert_int_equal(replay_length(w->s), w->seen.n);
}

static void same_at(struct world *w, u64 time)
{
	replay_goto(w->s, time, NULL);
	assert_int_equal(replay_time(w->s), time);
	replay_live(w->s);
	assert_int_equal(digest(w, replay_insn(w->s)), w->seen.v[time]);
}

static void test_anywhere(void **state)
{
	struct world w = { 0 };
	u32 x = 1;

	make(&w, "replay.o", "all", 0);
	first_pass(&w);
	assert_in_range(w.seen.n, 500, 10000);
	for (int i = 0; i < 300; i++) {
		x = x * 1103515245 + 12345;
		same_at(&w, (x >> 8) % w.seen.n);
	}
	for (u64 t = w.seen.n; t-- > w.seen.n - 200;)
		same_at(&w, t);
	end(&w);
}

/* The verdict has the clock and the process in it: it comes again all the same. */
static void test_end_again(void **state)
{
	struct world w = { 0 };
	u64 maps;
	u32 ret;

	make(&w, "replay.o", "all", 0);
	replay_goto(w.s, REPLAY_END, NULL);
	maps = maps_digest(&w);
	ret = replay_result(w.s)->retval;
	for (int i = 0; i < 20; i++) {
		replay_goto(w.s, (u64)i * 40, NULL);
		replay_live(w.s);
		assert_null(replay_result(w.s));
		replay_goto(w.s, REPLAY_END, NULL);
		assert_int_equal(replay_status(w.s, NULL), 0);
		assert_int_equal(replay_result(w.s)->retval, ret);
		assert_int_equal(maps_digest(&w), maps);
	}
	end(&w);
}

/* Closing puts all back: a second session begins where the first one did. */
static void test_close(void **state)
{
	struct world w = { 0 };
	struct test_run in = { 0 };
	u64 before;

	make(&w, "replay.o", "all", 0);
	before = maps_digest(&w);
	replay_goto(w.s, REPLAY_END, NULL);
	assert_int_not_equal(maps_digest(&w), before);
	in = *replay_result(w.s);
	in.data = w.packet;
	replay_close(w.s);
	assert_int_equal(maps_digest(&w), before);
	assert_int_equal(replay_open(&w.s, skep_object_prog(w.obj, "all"), &in, NULL, NULL), 0);
	assert_int_equal(maps_digest(&w), before);
	end(&w);
}

static u64 count_events(const struct world *w, unsigned kind)
{
	u64 n = 0;

	for (size_t i = 0; i < w->events.n; i++)
		n += w->events.v[i].kind == kind;
	return n;
}

/* Each event once, however often the run comes by. */
static void test_events(void **state)
{
	struct world w = { 0 };
	size_t n;

	make(&w, "replay.o", "all", ~0u);
	replay_goto(w.s, 700, NULL);
	replay_goto(w.s, 10, NULL);
	replay_live(w.s);
	replay_goto(w.s, REPLAY_END, NULL);
	n = w.events.n;
	replay_goto(w.s, 0, NULL);
	replay_live(w.s);
	replay_goto(w.s, REPLAY_END, NULL);
	assert_int_equal(w.events.n, n);
	assert_int_equal(count_events(&w, REPLAY_VERDICT), 1);
	for (size_t i = 1; i < n; i++)
		assert_true(w.events.v[i].at >= w.events.v[i - 1].at);
	/* 20 steps update an element of `recent` each, each third deletes it again */
	assert_in_range(count_events(&w, REPLAY_CHANGE), 20 + 7 + 20 + 5, 60);
	assert_in_range(count_events(&w, REPLAY_CALL), 50, 120);
	end(&w);
}

static bool at_insn(void *arg, const struct replay_insn *at, u64 time)
{
	return at->insn == *(u32 *)arg && at->frame == 0;
}

/* Forward to each change, then back to each: the same ones. */
static void test_changes_back(void **state)
{
	struct world w = { 0 };
	u64 at[128], n = 0;

	make(&w, "replay.o", "all", 0);
	while (replay_until(w.s, NULL, NULL, REPLAY_CHANGE, NULL) == 1) {
		const struct replay_event *ev = replay_stopped_by(w.s);

		assert_non_null(ev);
		assert_int_equal(ev->at, replay_time(w.s));
		if (!n || at[n - 1] != ev->at)
			at[n++] = ev->at;
	}
	assert_true(replay_ended(w.s));
	assert_true(n > 40);
	while (replay_back_until(w.s, NULL, NULL, REPLAY_CHANGE, NULL) == 1) {
		assert_true(n > 0);
		assert_int_equal(replay_time(w.s), at[--n]);
		assert_int_equal(replay_stopped_by(w.s)->kind, REPLAY_CHANGE);
	}
	assert_int_equal(n, 0);
	assert_int_equal(replay_time(w.s), 0);
	end(&w);
}

static void test_back_to_insn(void **state)
{
	struct world w = { 0 };
	u64 first, times = 0;
	u32 insn;

	make(&w, "replay-long.o", "longest", 0);
	replay_goto(w.s, 30000, NULL);
	insn = replay_insn(w.s)->insn;
	first = replay_time(w.s);
	assert_int_equal(replay_until(w.s, at_insn, &insn, 0, NULL), 1);
	assert_true(replay_time(w.s) > first);
	assert_int_equal(replay_back_until(w.s, at_insn, &insn, 0, NULL), 1);
	assert_int_equal(replay_time(w.s), first);
	while (replay_back_until(w.s, at_insn, &insn, 0, NULL) == 1)
		if (++times == 20)
			break;
	assert_int_equal(times, 20);
	end(&w);
}

/* Beyond the window and across points that were kept on the way. */
static void test_long(void **state)
{
	struct world w = { 0 };
	u64 regs[5][11], times[5] = { 5, 70000, 300000, 411111, 900000 };

	make(&w, "replay-long.o", "longest", 0);
	for (int i = 0; i < 5; i++) {
		replay_goto(w.s, times[i], NULL);
		memcpy(regs[i], replay_insn(w.s)->regs, sizeof(regs[i]));
	}
	for (int i = 4; i >= 0; i--) {
		replay_goto(w.s, times[i], NULL);
		assert_memory_equal(replay_insn(w.s)->regs, regs[i], sizeof(regs[i]));
		replay_live(w.s);
		assert_memory_equal(replay_insn(w.s)->regs, regs[i], sizeof(regs[i]));
	}
	replay_goto(w.s, REPLAY_END, NULL);
	assert_int_equal(replay_status(w.s, NULL) < 0, 1);	/* a million is the budget */
	for (u64 t = replay_length(w.s); t-- > 850000;)
		replay_goto(w.s, t, NULL);
	replay_goto(w.s, times[3], NULL);
	assert_memory_equal(replay_insn(w.s)->regs, regs[3], sizeof(regs[3]));
	end(&w);
}

static void test_frames(void **state)
{
	struct world w = { 0 };
	struct replay_frame f[REPLAY_FRAMES_MAX];
	u32 n, deepest = 0, callbacks = 0;

	make(&w, "replay.o", "all", 0);
	while (replay_until(w.s, NULL, NULL, REPLAY_ENTER, NULL) == 1) {
		n = replay_frames(w.s, f, REPLAY_FRAMES_MAX);
		assert_int_equal(n, replay_insn(w.s)->frame + 1);
		deepest = n > deepest ? n : deepest;
		for (u32 i = 0; i < n; i++)
			callbacks += f[i].callback;
	}
	assert_int_equal(deepest, 3);		/* all, step, count */
	assert_in_range(callbacks, 40, 60);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anywhere), cmocka_unit_test(test_end_again),
		cmocka_unit_test(test_close), cmocka_unit_test(test_events),
		cmocka_unit_test(test_changes_back), cmocka_unit_test(test_back_to_insn),
		cmocka_unit_test(test_long), cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

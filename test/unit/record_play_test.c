/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_play_test.c: recordings made here, changed item by item, and what is said of
 * them: where a run differs, at which instruction, and what cannot be replayed at all.
 */
#include "replay/digest.h"
#include "replay/player.h"
#include "replay/recorder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "obj_file.h"

enum { RUNS = 6 };

static char good[] = "/tmp/record_play.XXXXXX", changed[] = "/tmp/record_play.XXXXXX";
static u32 verdicts[RUNS];

static void run_all(struct skep_object *obj, struct skep_prog *prog)
{
	u8 packet[64] = { 0 };
	struct skep_err err;

	for (u32 i = 0; i < RUNS; i++) {
		struct test_run t = { .data = packet, .bytes = sizeof(packet), .ifindex = 1 };

		packet[13] = (u8)(i / 2);
		if (obj->backend->ops->test_run(obj->backend, (u32)prog->loaded, &t, &err))
			fail_msg("%s", err.text);
		verdicts[i] = t.retval;
	}
}

static int make(void **state)
{
	struct skep_load_opts opts = { .size = sizeof(opts), .cpus = 2, .jit = SKEP_JIT_OFF };
	struct os_file f = load("replay.o");
	struct recorder *rec = recorder_new();
	struct skep_object *obj;
	struct skep_err err;

	close(mkstemp(good));
	close(mkstemp(changed));
	if (skep_object_open_mem(&obj, f.data, f.size, "replay.o", &err))
		return -1;
	recorder_load_opts(rec, obj, f.data, f.size, &opts);
	if (skep_object_load(obj, &opts, &err) || recorder_begin(rec, obj, good, &err))
		return -1;
	assert_int_equal(skep_map_update(skep_object_map(obj, "seen"), &(u32){ 200 },
					 (u64[2]){ 5 }, 0), 0);
	run_all(obj, skep_object_prog(obj, "all"));
	if (recorder_end(rec, &err))
		return -1;
	recorder_free(rec);
	skep_object_close(obj);
	os_file_close(&f);
	return 0;
}

static int drop(void **state)
{
	unlink(good);
	return unlink(changed);
}

/* Changes an item before it is written; false: leaves it out. */
typedef bool (*change_fn)(struct record_item *item, void *arg);

/* All of the good one, but for what FN changes. */
static void rewrite(change_fn fn, void *arg)
{
	struct record_reader *r;
	struct record_writer *w;
	struct record_item item;

	assert_int_equal(record_open(&r, good, NULL), 0);
	assert_int_equal(record_create(&w, changed, NULL), 0);
	while (record_next(r, &item, NULL) > 0)
		if (item.kind != RECORD_END && fn(&item, arg))
			record_add(w, &item);
	assert_int_equal(record_close(w, NULL), 0);
	record_reader_close(r);
}

struct outcome {
	int id;			/* of the error, or 0 */
	u64 runs, first;	/* the first that differs; 0 none */
	u32 maps;
	char differs[256];
};

static struct outcome play(const char *path, bool unverified)
{
	const struct player_opts opts = { .jit = SKEP_JIT_OFF, .unverified = unverified };
	struct outcome o = { 0 };
	struct player_run run;
	struct skep_err err = { 0 };
	struct player *p;
	int got;

	if (player_open(&p, path, &opts, &err)) {
		o.id = err.id;
		return o;
	}
	while ((got = player_next(p, &run, &err)) > 0) {
		o.runs++;
		if (run.same || o.first)
			continue;
		o.first = run.number;
		memcpy(o.differs, run.differs, sizeof(o.differs));
	}
	o.id = got ? err.id : 0;
	o.maps = player_maps(p, NULL, NULL);
	player_free(p);
	return o;
}

static void test_same(void **state)
{
	for (int unverified = 0; unverified < 2; unverified++) {
		struct outcome o = play(good, unverified);

		assert_int_equal(o.id, 0);
		assert_int_equal(o.runs, RUNS);
		assert_int_equal(o.first, 0);
		assert_int_equal(o.maps, 0);
	}
}

/* ---- what differs -------------------------------------------------------------------- */

struct nth { enum record_kind kind; u32 n, seen; };

/* Is ITEM the one that A wants? */
static bool is_nth(const struct record_item *item, struct nth *a)
{
	return item->kind == a->kind && a->seen++ == a->n;
}

static bool without(struct record_item *item, void *arg) { return !is_nth(item, arg); }

/* A run has two CALL items: the time, and the process. */
static void test_call_missing(void **state)
{
	struct nth nth = { RECORD_CALL, 4, 0 };
	const struct skep_err *why;
	struct replay *s;
	struct outcome o;

	rewrite(without, &nth);
	o = play(changed, false);
	assert_int_equal(o.first, 3);
	assert_string_equal(o.differs, "call 1 is of bpf_ktime_get_ns, "
			    "bpf_get_current_pid_tgid was recorded");
	assert_int_equal(replay_open_recorded(&s, changed, 3, NULL, NULL), 0);
	replay_goto(s, REPLAY_END, NULL);
	assert_true(replay_status(s, &why) < 0);
	assert_int_equal(why->id, ERR_RECORD_DIFFERS);
	assert_non_null(strstr(why->text, "instruction 7 of program 'tail' calls bpf_ktime_get_ns, "
			       "the recorded run called bpf_get_current_pid_tgid"));
	replay_close(s);
}

static bool twice_called(struct record_item *item, void *arg)
{
	if (is_nth(item, arg))
		item->call.id = BPF_FUNC_get_current_uid_gid;
	return true;
}

static void test_call_other(void **state)
{
	struct nth nth = { RECORD_CALL, 11, 0 };
	struct outcome o;

	rewrite(twice_called, &nth);
	o = play(changed, true);
	assert_int_equal(o.first, 6);
	assert_string_equal(o.differs, "call 2 is of bpf_get_current_pid_tgid, "
			    "bpf_get_current_uid_gid was recorded");
}

static bool other_verdict(struct record_item *item, void *arg)
{
	if (is_nth(item, arg))
		item->result.retval ^= 3;
	return true;
}

static void test_verdict(void **state)
{
	struct nth nth = { RECORD_RESULT, 1, 0 };
	struct outcome o;

	rewrite(other_verdict, &nth);
	o = play(changed, false);
	assert_int_equal(o.first, 2);
	assert_string_equal(o.differs, "the verdict is another one");
	assert_int_equal(o.maps, 0);
}

static bool without_update(struct record_item *item, void *arg)
{
	return item->kind != RECORD_UPDATE;
}

/* An element that was there from the start. */
static void test_map(void **state)
{
	struct outcome o;

	rewrite(without_update, NULL);
	o = play(changed, false);
	assert_int_equal(o.id, 0);
	assert_int_equal(o.first, 0);
	assert_int_equal(o.maps, 1);
}

/* ---- what cannot be --------------------------------------------------------------------- */

static bool bad_item(struct record_item *item, void *arg)
{
	static struct bpf_insn insns[4096];
	u32 what = *(u32 *)arg;

	if (what == 0 && item->kind == RECORD_RUN)
		item->run.prog = 99;
	if (what == 1 && item->kind == RECORD_UPDATE)
		item->change.key.n--;
	if (what == 2 && item->kind == RECORD_UPDATE)
		item->change.map = 99;
	if (what == 3 && item->kind == RECORD_PROG) {
		memcpy(insns, item->prog.insns.v, item->prog.insns.n);
		insns[1].imm ^= 1;
		item->prog.insns.v = insns;
	}
	if (what == 4 && item->kind == RECORD_PROG)
		item->prog.insns.n -= 8;
	if (what == 5 && item->kind == RECORD_PROG)
		item->prog.type = 999;
	if (what == 6 && item->kind == RECORD_PROG)
		item->prog.loaded = false;
	if (what == 7 && item->kind == RECORD_RUN)
		item->run.owner = (struct record_bytes){ "x", 1 };
	if (what == 8 && item->kind == RECORD_MAP)
		item->map.index = 3;
	return true;
}

static void test_bad(void **state)
{
	for (u32 what = 0; what < 9; what++) {
		rewrite(bad_item, &what);
		if (play(changed, true).id != ERR_RECORD_BAD)
			fail_msg("change %u: SKEP-E%04d", what, play(changed, true).id);
	}
}

static bool other_option(struct record_item *item, void *arg)
{
	if (item->kind == RECORD_OPTION && !memcmp(item->option.name.v, "cpus", 4))
		item->option.name = (struct record_bytes){ "gpus", 4 };
	return true;
}

static void test_option(void **state)
{
	rewrite(other_option, NULL);
	assert_int_equal(play(changed, true).id, ERR_RECORD_VERSION);
}

/* ---- a run as a session -------------------------------------------------------------------- */

static void test_session(void **state)
{
	struct skep_err err;
	struct replay *s;
	u64 end;

	for (u32 run = 1; run <= RUNS; run++) {
		if (replay_open_recorded(&s, good, run, NULL, &err))
			fail_msg("%s", err.text);
		for (int again = 0; again < 3; again++) {
			replay_goto(s, REPLAY_END, NULL);
			end = replay_time(s);
			assert_int_equal(replay_status(s, NULL), 0);
			assert_int_equal(replay_result(s)->retval, verdicts[run - 1]);
			replay_goto(s, end / 2, NULL);
			replay_live(s);
		}
		replay_close(s);
	}
	assert_true(replay_open_recorded(&s, good, RUNS + 1, NULL, &err) < 0);
	assert_int_equal(err.id, ERR_RECORD_RUN);
	assert_true(replay_open_recorded(&s, good, 0, NULL, &err) < 0);
	assert_int_equal(err.id, ERR_RECORD_RUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same), cmocka_unit_test(test_call_missing),
		cmocka_unit_test(test_call_other), cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_map), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_option), cmocka_unit_test(test_session),
	};

	return cmocka_run_group_tests(tests, make, drop);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay: going back in a session by STEPS instructions, in one jump and one by one, near
 * the end of runs of 150,000 and of 30 million: at most 100 ms. And what an instruction of
 * a session costs forward.
 */
#include "bench.h"
#include "base/os.h"
#include "replay/replay.h"

enum { STEPS = 100000, TIMES = 9 };

static double ms_since(u64 start) { return (double)(os_clock_ns() - start) / 1e6; }

static struct skep_object *open_object(struct skep_err *err)
{
	struct skep_load_opts opts = { .size = sizeof(opts) };
	struct skep_object *obj;

	replay_load_opts(&opts);
	must(skep_object_open(&obj, "test/obj/replay-long.o", err), err);
	must(skep_object_load(obj, &opts, err), err);
	return obj;
}

/* Near the end of a run, again and again. The first look behind is not apart. */
static void measure(struct replay *s, const char *what)
{
	double jump[TIMES], steps[TIMES];
	u64 end, start;

	for (int i = 0; i < TIMES; i++) {
		replay_goto(s, REPLAY_END, NULL);
		end = replay_time(s);
		start = os_clock_ns();
		replay_goto(s, end - STEPS, NULL);
		replay_live(s);
		jump[i] = ms_since(start);
		replay_goto(s, REPLAY_END, NULL);
		start = os_clock_ns();
		for (u64 t = end - 1; t >= end - STEPS; t--)
			replay_goto(s, t, NULL);
		replay_live(s);
		steps[i] = ms_since(start);
	}
	printf("%s: back by %d instructions: %.1f ms in one jump, %.1f ms one by one\n", what,
	       STEPS, median(jump, TIMES), median(steps, TIMES));
}

static void run_of(struct skep_object *obj, u32 rounds, const char *what)
{
	const u8 packet[64] = { (u8)(rounds >> 8), (u8)rounds };
	const struct test_run in = { .data = packet, .bytes = sizeof(packet), .ifindex = 1,
		.budget = 1ull << 32 };
	struct skep_err err;
	struct replay *s;
	u64 start;
	double ms;

	must(replay_open(&s, skep_object_prog(obj, "longest"), &in, NULL, &err), &err);
	start = os_clock_ns();
	replay_goto(s, REPLAY_END, &err);
	ms = ms_since(start);
	printf("%s: %.1f million instructions forward, %.1f ns each\n", what,
	       (double)replay_time(s) / 1e6, ms * 1e6 / (double)replay_time(s));
	measure(s, what);
	replay_close(s);
}

int main(void)
{
	struct skep_err err;
	struct skep_object *obj = open_object(&err);

	run_of(obj, 30, "short run");
	run_of(obj, 6000, "long run");
	skep_object_close(obj);
	return 0;
}

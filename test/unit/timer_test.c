/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer_test.c: the end of a timer whose callback runs on another cpu: who cancels it
 * waits, callbacks that cancel each other do not wait for ever; and work.
 */
#include "call/call.h"
#include "call/timer.h"
#include "base/os.h"
#include "maps/map.h"
#include <linux/bpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TIMERS = 4, FUNC = 0x1000 };

static struct timers *timers;
static struct map *map;
static struct run runs[TIMERS];

static u64 addr(const void *p) { return (uintptr_t)p; }

static s64 call(u32 id, u32 cpu, u64 r1, u64 r2, u64 r3)
{
	return (s64)call_helper(id, BPF_PROG_TYPE_XDP)(r1, r2, r3, 0, 0, &runs[cpu]);
}

static s64 kcall(const char *name, u32 cpu, u64 r1, u64 r2, u64 r3)
{
	return (s64)call_kfunc(name, BPF_PROG_TYPE_XDP)(r1, r2, r3, 0, 0, &runs[cpu]);
}

static u8 *value_at(u32 key)
{
	return map->ops->lookup(map, &key, 0);
}

static int open_map(void **state)
{
	struct map_attr a = { .name = "m", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = 40, .max_entries = TIMERS, .timer_at = 1, .work_at = 17 };

	timers = timers_new();
	a.timer_gone = timers_gone;
	a.timer_arg = timers;
	for (u32 i = 0; i < TIMERS; i++) {
		runs[i] = (struct run){ .cpu = i, .nr_cpus = TIMERS, .timers = timers };
		runs[i].clock = (struct run_clock){ .is_virtual = true };
	}
	return map_create(&map, &a, TIMERS, NULL);
}

static int close_map(void **state)
{
	map_free(map);
	timers_free(timers);
	return 0;
}

/* Timer I is due, and its callback runs on CPU. */
static void begin(u32 i, u32 cpu)
{
	struct timer_call c;
	u8 *v = value_at(i);

	assert_int_equal(call(BPF_FUNC_timer_init, cpu, addr(v), addr(map), 1), 0);
	assert_int_equal(call(BPF_FUNC_timer_set_callback, cpu, addr(v), FUNC, 0), 0);
	assert_int_equal(call(BPF_FUNC_timer_start, cpu, addr(v), 0, 0), 0);
	assert_true(timers_take(timers, cpu, 1, &c));
	assert_ptr_equal(c.value, v);
}

struct canceller {
	pthread_t thread;
	u32 cpu, timer;
	bool *over;		/* what must have happened when the wait ends; NULL: nothing */
	s64 result;
	bool was_over, done;
};

static void *cancel(void *arg)
{
	struct canceller *c = arg;

	c->result = call(BPF_FUNC_timer_cancel, c->cpu, addr(value_at(c->timer)), 0, 0);
	c->was_over = !c->over || __atomic_load_n(c->over, __ATOMIC_ACQUIRE);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	timers_done(timers, c->cpu);	/* so its own callback ends */
	return NULL;
}

static void test_waits(void **state)
{
	bool over = false;
	struct canceller c = { .cpu = 1, .timer = 0, .over = &over };
	u64 until = os_clock_ns() + 30000000;

	begin(0, 0);
	assert_int_equal(call(BPF_FUNC_timer_cancel, 0, addr(value_at(0)), 0, 0), -EDEADLK);
	pthread_create(&c.thread, NULL, cancel, &c);
	while (os_clock_ns() < until)
		assert_false(__atomic_load_n(&c.done, __ATOMIC_ACQUIRE));
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	timers_done(timers, 0);
	pthread_join(c.thread, NULL);
	assert_true(c.was_over);
	assert_int_equal(c.result, 0);
	assert_int_equal(call(BPF_FUNC_timer_start, 1, addr(value_at(0)), 0, 0), -EINVAL);
}

/* A callback that starts its own timer anew is stopped as well. */
static void test_again(void **state)
{
	struct canceller c = { .cpu = 1, .timer = 1 };

	begin(1, 0);
	assert_int_equal(call(BPF_FUNC_timer_start, 0, addr(value_at(1)), 0, 0), 0);
	pthread_create(&c.thread, NULL, cancel, &c);
	while (timers_waiting(timers))
		os_yield();
	assert_int_equal(call(BPF_FUNC_timer_start, 0, addr(value_at(1)), 0, 0), -EINVAL);
	timers_done(timers, 0);
	pthread_join(c.thread, NULL);
	assert_int_equal(c.result, 1);
}

static void test_each_other(void **state)
{
	for (u32 round = 0; round < 200; round++) {
		struct canceller c[2] = { { .cpu = 0, .timer = 3 }, { .cpu = 1, .timer = 2 } };

		for (u32 i = 0; i < 2; i++) {
			memset(value_at(2 + i), 0, 16);
			begin(2 + i, i);
		}
		for (u32 i = 0; i < 2; i++)
			pthread_create(&c[i].thread, NULL, cancel, &c[i]);
		for (u32 i = 0; i < 2; i++)
			pthread_join(c[i].thread, NULL);
		for (u32 i = 0; i < 2; i++)
			assert_true(c[i].result == 0 || c[i].result == -EDEADLK);
		assert_true(c[0].result == 0 || c[1].result == 0);
	}
}

static void test_work(void **state)
{
	u64 w = addr(value_at(0) + 16);
	struct timer_call c;

	assert_int_equal(kcall("bpf_wq_start", 0, w, 0, 0), -EINVAL);
	assert_int_equal(kcall("bpf_wq_init", 0, w, addr(map), 4), -EINVAL);
	assert_int_equal(kcall("bpf_wq_init", 0, w - 16, addr(map), 0), -EINVAL);
	assert_int_equal(kcall("bpf_wq_init", 0, w, addr(map), 0), 0);
	assert_int_equal(kcall("bpf_wq_init", 0, w, addr(map), 0), -EBUSY);
	assert_int_equal(kcall("bpf_wq_start", 0, w, 0, 0), -EINVAL);
	assert_int_equal(kcall("bpf_wq_set_callback_impl", 0, w, FUNC, 0), 0);
	assert_int_equal(kcall("bpf_wq_start", 0, w, 1, 0), -EINVAL);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(kcall("bpf_wq_start", 0, w, 0, 0), 0);
	assert_int_equal(timers_waiting(timers), 1);
	assert_true(timers_take(timers, 0, 0, &c));
	assert_ptr_equal(c.value, value_at(0));
	assert_int_equal(kcall("bpf_wq_start", 0, w, 0, 0), 0);	/* by the callback itself */
	assert_false(timers_take(timers, 1, 0, &c));	/* it runs on another cpu */
	assert_true(timers_take(timers, 0, 0, &c));
	timers_done(timers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_each_other),
		cmocka_unit_test(test_work),
	};

	return cmocka_run_group_tests(tests, open_map, close_map);
}

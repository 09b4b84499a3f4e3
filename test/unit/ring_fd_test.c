/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_fd_test.c: waiting for records of a ring buffer in epoll(7): when programs wake
 * the reader and when not, on both engines; several producers and a reader that only
 * reads when it is woken gets every record or counts it as lost.
 */
#include "base/base.h"
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <skep/insn.h>
#include <skep/skep.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
enum { RUNS = 2000 };
#else
enum { RUNS = 50000 };
#endif
enum { THREADS = 3, PACKET = 64 };

static const struct skep_map_def maps[] = {
	{ .name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 1 << 16 },
	{ .name = "other", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
	  .max_entries = 1 },
};

/* A record of 16 bytes by each way of making one; FLAGS of the wake-up. */
#define OUTPUT(flags) \
	BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 1), BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 2), \
	SKEP_LD_MAP(BPF_REG_1, 0), BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), \
	BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -16), BPF_MOV64_IMM(BPF_REG_3, 16), \
	BPF_MOV64_IMM(BPF_REG_4, flags), BPF_EMIT_CALL(BPF_FUNC_ringbuf_output), \
	BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN()
#define RESERVE(end, flags) \
	SKEP_LD_MAP(BPF_REG_1, 0), BPF_MOV64_IMM(BPF_REG_2, 16), BPF_MOV64_IMM(BPF_REG_3, 0), \
	BPF_EMIT_CALL(BPF_FUNC_ringbuf_reserve), BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 5), \
	BPF_ST_MEM(BPF_DW, BPF_REG_0, 0, 1), BPF_ST_MEM(BPF_DW, BPF_REG_0, 8, 2), \
	BPF_MOV64_REG(BPF_REG_1, BPF_REG_0), BPF_MOV64_IMM(BPF_REG_2, flags), \
	BPF_EMIT_CALL(end), BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN()

static const struct bpf_insn
	output[] = { OUTPUT(0) },
	output_silent[] = { OUTPUT(BPF_RB_NO_WAKEUP) },
	output_loud[] = { OUTPUT(BPF_RB_FORCE_WAKEUP) },
	submit[] = { RESERVE(BPF_FUNC_ringbuf_submit, 0) },
	submit_silent[] = { RESERVE(BPF_FUNC_ringbuf_submit, BPF_RB_NO_WAKEUP) },
	submit_loud[] = { RESERVE(BPF_FUNC_ringbuf_submit, BPF_RB_FORCE_WAKEUP) },
	discard[] = { RESERVE(BPF_FUNC_ringbuf_discard, 0) },
	discard_loud[] = { RESERVE(BPF_FUNC_ringbuf_discard, BPF_RB_FORCE_WAKEUP) };

#define PROGRAM(v) v, ARRAY_LEN(v)

static const struct row {
	const char *name;
	const struct bpf_insn *insns;
	size_t n;
	bool first, second;	/* is the reader woken, by the first record and behind it? */
	bool record;		/* is there one? */
} rows[] = {
	{ "output", PROGRAM(output), true, false, true },
	{ "output, silent", PROGRAM(output_silent), false, false, true },
	{ "output, loud", PROGRAM(output_loud), true, true, true },
	{ "submit", PROGRAM(submit), true, false, true },
	{ "submit, silent", PROGRAM(submit_silent), false, false, true },
	{ "submit, loud", PROGRAM(submit_loud), true, true, true },
	{ "discard", PROGRAM(discard), true, false, false },
	{ "discard, loud", PROGRAM(discard_loud), true, true, false },
};

static struct skep_err err;

static struct skep_object *loaded(const struct row *row, int engine)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = engine,
					     .cpus = THREADS + 1 };
	struct skep_object *obj;

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "p", row->insns, row->n, maps,
				   ARRAY_LEN(maps), "GPL", &err))
		fail_msg("%s", err.text);
	if (skep_object_load(obj, &opts, &err)) {
		if (engine == SKEP_KERNEL) {
			skep_object_close(obj);
			return NULL;
		}
		fail_msg("%s: %s", row->name, err.text);
	}
	return obj;
}

static struct skep_map *ring_of(struct skep_object *obj)
{
	return skep_object_map(obj, "ring");
}

static void run(struct skep_object *obj)
{
	static const u8 packet[PACKET];
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = PACKET };

	if (skep_prog_run(skep_object_next_prog(obj, NULL), &r, &err))
		fail_msg("%s", err.text);
}

static bool is_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static int count(void *arg, const struct skep_event *e)
{
	u64 *n = arg;

	++*n;
	return 0;
}

static int first_only(void *arg, const struct skep_event *e) { return 1; }

static s64 drain(struct skep_object *obj)
{
	u64 n = 0;

	return skep_map_read(ring_of(obj), count, &n);
}

static void check_row(const struct row *row, int engine)
{
	struct skep_object *obj = loaded(row, engine);
	int fd;

	if (!obj) {
		print_message("# the kernel does not load it: %s\n", err.text);
		skip();
	}
	fd = skep_map_fd(ring_of(obj));
	assert_true(fd >= 0);
	assert_int_equal(fd, skep_map_fd(ring_of(obj)));
	drain(obj);
	assert_false(is_ready(fd));
	for (int round = 0; round < 3; round++) {
		run(obj);
		/* the kernel's descriptor is readable whenever something lies there */
		if (is_ready(fd) != (engine == SKEP_KERNEL || row->first))
			fail_msg("%s, round %d", row->name, round);
		assert_int_equal(drain(obj), row->record);
		assert_false(is_ready(fd));
	}
	skep_object_close(obj);
}

static void test_wakes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i], SKEP_USER);
}

static void test_kernel(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i], SKEP_KERNEL);
}

/* A second record behind one that was not read wakes nobody, but when it must. */
static void test_second(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct skep_object *obj = loaded(&rows[i], SKEP_USER);
		int fd = skep_map_fd(ring_of(obj));
		u64 counter;

		run(obj);
		while (read(fd, &counter, sizeof(counter)) > 0)	/* as if it had been seen */
			;
		run(obj);
		if (is_ready(fd) != rows[i].second)
			fail_msg("%s: the second record", rows[i].name);
		skep_object_close(obj);
	}
}

/* Who stops reading in between is told again. */
static void test_stops(void **state)
{
	struct skep_object *obj = loaded(&rows[0], SKEP_USER);
	int fd = skep_map_fd(ring_of(obj));

	run(obj);
	run(obj);
	assert_int_equal(skep_map_read(ring_of(obj), first_only, NULL), 1);
	assert_true(is_ready(fd));
	assert_int_equal(drain(obj), 1);
	assert_false(is_ready(fd));
	assert_int_equal(skep_map_fd(skep_object_map(obj, "other")), -524);
	skep_object_close(obj);
}

static void *produce(void *obj)
{
	for (u32 i = 0; i < RUNS; i++)
		run(obj);
	return NULL;
}

/* The reader sleeps until it is woken: no record may lie there meanwhile. */
static void test_producers(void **state)
{
	struct skep_object *obj = loaded(&rows[3], SKEP_USER);
	struct epoll_event want = { .events = EPOLLIN }, got;
	int fd = skep_map_fd(ring_of(obj)), ep = epoll_create1(0);
	pthread_t threads[THREADS];
	u64 n = 0;

	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want), 0);
	for (u32 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, produce, obj), 0);
	while (n + skep_map_lost(ring_of(obj)) < (u64)THREADS * RUNS) {
		int r = epoll_wait(ep, &got, 1, 20000);

		if (!r && n + skep_map_lost(ring_of(obj)) < (u64)THREADS * RUNS)
			fail_msg("nobody woke the reader after %llu records",
				 (unsigned long long)n);
		n += (u64)drain(obj);
	}
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	n += (u64)drain(obj);
	assert_int_equal(n + skep_map_lost(ring_of(obj)), (u64)THREADS * RUNS);
	close(ep);
	skep_object_close(obj);
}

/* ---- a ring in a file, whose reader is another process ------------------------------- */

enum { ROUNDS = 21 };

static u64 now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static int take(void *arg, const struct skep_event *e)
{
	*(u32 *)arg += e->bytes == 16;
	return 0;
}

/* Says on TO when it got a record, which it was told of; and first that it waits. */
static void reader(const char *path, int to)
{
	struct skep_object *obj;
	struct skep_map *ring;
	struct pollfd p = { .events = POLLIN };
	u32 seen = 0;
	u64 us = 0;

	if (skep_object_open_pinned(&obj, path, &err))
		_exit(1);
	ring = skep_object_map(obj, "ring");
	p.fd = skep_map_fd(ring);
	if (p.fd < 0 || skep_map_read(ring, take, &seen) || poll(&p, 1, 0))
		_exit(2);
	for (u32 want = 1; want <= ROUNDS + 1; want++) {
		if (write(to, &us, sizeof(us)) != sizeof(us))
			_exit(3);
		/* it may be woken twice for one record */
		while (seen < want && poll(&p, 1, 10000) == 1)
			if (skep_map_read(ring, take, &seen) < 0)
				_exit(4);
		us = now_us();
		if (seen != want)
			_exit(5);
	}
	skep_object_close(obj);
	_exit(0);
}

static int by_size(const void *a, const void *b)
{
	return *(const u64 *)a < *(const u64 *)b ? -1 : *(const u64 *)a > *(const u64 *)b;
}

/* Sooner than by looking now and then. */
static void test_process(void **state)
{
	struct skep_object *obj = loaded(&rows[0], SKEP_USER);
	char path[] = "/tmp/skep-ring-XXXXXX/ring";
	u64 us[ROUNDS], start = 0;
	int fds[2], status;
	pid_t child;

	path[strlen(path) - 5] = 0;
	assert_non_null(mkdtemp(path));
	path[strlen(path)] = '/';
	if (skep_map_pin(ring_of(obj), path, &err))
		fail_msg("%s", err.text);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child)
		reader(path, fds[1]);
	close(fds[1]);
	for (u32 i = 0; i <= ROUNDS; i++) {
		u64 at = 0;

		if (read(fds[0], &at, sizeof(at)) != sizeof(at))
			break;
		if (i)
			us[i - 1] = at - start;
		usleep(i % 3 * 7000);	/* it waits by then, or not yet */
		start = now_us();
		run(obj);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	qsort(us, ROUNDS, sizeof(*us), by_size);
	assert_in_range(us[ROUNDS / 2], 0, 25000);
	skep_object_close(obj);
	unlink(path);
	path[strlen(path) - 5] = 0;
	rmdir(path);
	close(fds[0]);
}

/* A reader that was there before the map was pinned still is woken. */
static void test_pinned_later(void **state)
{
	struct skep_object *obj = loaded(&rows[0], SKEP_USER);
	struct pollfd p = { .fd = skep_map_fd(ring_of(obj)), .events = POLLIN };
	char path[] = "/tmp/skep-ring-later-XXXXXX";
	u32 seen = 0;
	int status;

	close(mkstemp(path));
	unlink(path);
	assert_int_equal(skep_map_read(ring_of(obj), take, &seen), 0);
	if (skep_map_pin(ring_of(obj), path, &err))
		fail_msg("%s", err.text);
	unlink(path);
	assert_int_equal(poll(&p, 1, 0), 0);
	run(obj);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(skep_map_read(ring_of(obj), take, &seen), 1);
	if (!fork()) {		/* who has neither the thread nor the ring closes, too */
		alarm(10);
		skep_object_close(obj);
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	skep_object_close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wakes), cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_second), cmocka_unit_test(test_stops),
		cmocka_unit_test(test_producers),
		cmocka_unit_test(test_process), cmocka_unit_test(test_pinned_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfbuf_kernel_test.c: the reader of the kernel's perf event arrays, and ring buffers by
 * their descriptor alone. Records are written by programs in test runs; nothing is attached.
 */
#include "kernel/perfbuf.h"
#include "kernel/ring.h"
#include "call/call.h"
#include "kernel_code.h"
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>

enum { PACKET = 64 };

static struct skep_err err;

/* Writes BYTES of its stack, each 8 of them COUNT's number of times that it ran, to map EVENTS;
 * its answer is that of the helper. */
static int writer(int events, int count, s32 bytes)
{
	struct code c = { .n = 0 };

	emit_copy(&c, 6, 1);
	emit(&c, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_VALUE, 0, count);
	emit(&c, 0, 0, 0, 0, 0);
	emit(&c, BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0);
	emit(&c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, 1);
	emit(&c, BPF_STX | BPF_MEM | BPF_DW, 1, 2, 0, 0);
	for (s32 at = 0; at < bytes; at += 8)
		emit(&c, BPF_STX | BPF_MEM | BPF_DW, 10, 2, (s16)(-bytes - bytes % 8 + at), 0);
	emit_copy(&c, 1, 6);
	emit(&c, BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0, events);
	emit(&c, 0, 0, 0, 0, 0);
	emit_mov(&c, 3, -1);
	emit(&c, BPF_ALU64 | BPF_RSH | BPF_K, 3, 0, 0, 32);	/* BPF_F_CURRENT_CPU */
	emit_copy(&c, 4, 10);
	emit(&c, BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, -bytes - bytes % 8);
	emit_mov(&c, 5, bytes);
	emit_call(&c, BPF_FUNC_perf_event_output);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return code_load(&c, BPF_PROG_TYPE_XDP, 0, 0);
}

static s32 run(int prog, u32 times)
{
	static u8 packet[PACKET];
	union bpf_attr t = { .test = { .prog_fd = (u32)prog, .data_in = (uintptr_t)packet,
				       .data_size_in = PACKET, .repeat = times } };

	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &t), 0);
	return (s32)t.test.retval;
}

struct seen {
	u64 next, samples, lost, last_ns;
	u32 bytes, stop_after;
};

static int see(void *arg, const struct perfbuf_record *r)
{
	struct seen *s = arg;
	u64 word;

	if (!r->data) {
		s->lost += r->lost;
		s->next += r->lost;
		return 0;
	}
	assert_int_equal((uintptr_t)r->data % 8, 0);
	assert_int_equal(r->bytes, round_up(s->bytes + 4, 8) - 4);
	assert_true(r->time_ns >= s->last_ns);
	s->last_ns = r->time_ns;
	for (u32 at = 0; at + 8 <= s->bytes; at += 8) {
		memcpy(&word, r->data + at, 8);
		assert_int_equal(word, s->next);
	}
	s->next++;
	s->samples++;
	return s->stop_after && s->samples == s->stop_after;
}

struct world {
	int events, count, prog;
	struct perfbuf *p;
	struct seen seen;
};

static void open_world(struct world *w, s32 bytes, struct perfbuf_opts o)
{
	struct map_attr events = { .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4,
		.value_size = 4, .max_entries = 64 };
	struct map_attr count = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		.max_entries = 1 };
	cpu_set_t one;

	need_kernel();
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	*w = (struct world){ .seen = { .next = 1, .bytes = (u32)bytes } };
	w->events = kmap_create(&events);
	w->count = kmap_create(&count);
	w->prog = writer(w->events, w->count, bytes);
	if (w->prog < 0)
		fail_msg("%s", code_log);
	if (perfbuf_open(&w->p, w->events, 64, &o, &err))
		fail_msg("%s", err.text);
}

static void close_world(struct world *w)
{
	perfbuf_close(w->p);
	assert_int_equal(run(w->prog, 1), -ENOENT);	/* its slots are empty again */
	close(w->prog);
	close(w->count);
	close(w->events);
}

static void records_in_order(void **state)
{
	struct world w;

	open_world(&w, 24, (struct perfbuf_opts){ 0 });
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 0);
	assert_int_equal(run(w.prog, 100), 0);
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 100);
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 0);
	/* many times around the buffer: records that pass its end are whole */
	for (int i = 0; i < 50; i++) {
		run(w.prog, 300);
		assert_int_equal(perfbuf_read(w.p, see, &w.seen), 300);
	}
	assert_int_equal(w.seen.samples, 100 + 50 * 300);
	assert_int_equal(perfbuf_lost(w.p), 0);
	close_world(&w);
}

/* The kernel says how many records found no room before the next that does. */
static void lost_ones_are_counted(void **state)
{
	struct world w;
	s64 n;

	open_world(&w, 248, (struct perfbuf_opts){ .pages = 1 });
	run(w.prog, 1000);
	n = perfbuf_read(w.p, see, &w.seen);
	assert_in_range(n, 2, 20);
	assert_int_equal(perfbuf_lost(w.p), 1000 - n);
	assert_int_equal(perfbuf_told(w.p), 0);
	run(w.prog, 1);
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 1);
	assert_int_equal(w.seen.samples + w.seen.lost, 1001);
	assert_int_equal(perfbuf_lost(w.p), w.seen.lost);
	assert_int_equal(w.seen.next, 1002);
	close_world(&w);
}

static void can_be_waited_for(void **state)
{
	struct world w;
	struct pollfd p = { .events = POLLIN };

	open_world(&w, 16, (struct perfbuf_opts){ .wakeup = 3 });
	p.fd = perfbuf_fd(w.p);
	run(w.prog, 2);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(perfbuf_wait(w.p, 0), 0);
	run(w.prog, 1);
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(perfbuf_wait(w.p, 0), 0);	/* it was told */
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 3);
	run(w.prog, 3);
	assert_int_equal(perfbuf_wait(w.p, 1000), 1);
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 3);
	assert_int_equal(poll(&p, 1, 0), 0);
	close_world(&w);
}

static void reading_may_stop(void **state)
{
	struct world w;

	open_world(&w, 8, (struct perfbuf_opts){ 0 });
	w.seen.stop_after = 2;
	run(w.prog, 5);
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 2);
	w.seen.stop_after = 0;
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 3);
	close_world(&w);
}

/* One cpu's events into a slot of choice, and of another cpu nothing. */
static void one_slot(void **state)
{
	struct world w;

	open_world(&w, 8, (struct perfbuf_opts){ .one = true, .cpu = 0, .index = 7 });
	assert_int_equal(run(w.prog, 1), -ENOENT);	/* it writes to slot 0 */
	assert_int_equal(perfbuf_read(w.p, see, &w.seen), 0);
	close_world(&w);
}

static void errors(void **state)
{
	struct perfbuf_opts far = { .one = true, .cpu = 4096 }, odd = { .pages = 3 },
		slot = { .one = true, .index = 64 };
	struct perfbuf *p;
	struct world w;

	open_world(&w, 8, (struct perfbuf_opts){ 0 });
	assert_true(perfbuf_open(&p, w.events, 64, &far, &err) && !p);
	assert_non_null(strstr(err.text, "events of cpu 4096 cannot be read"));
	assert_true(perfbuf_open(&p, w.events, 64, &odd, &err) && !p);
	assert_true(perfbuf_open(&p, w.events, 64, &slot, &err) && !p);
	assert_non_null(strstr(err.text, "slot 64"));
	assert_true(perfbuf_open(&p, -1, 4, &slot, &err) && !p);
	close_world(&w);
}

/* A slot is empty when the opening of the map that filled it has gone: not so with
 * BPF_F_PRESERVE_ELEMS. */
static void filled_slots(void **state)
{
	struct map_attr a = { .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4,
		.value_size = 4, .max_entries = 4 };
	struct perf_event_attr e = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(e),
		.config = PERF_COUNT_SW_BPF_OUTPUT, .sample_type = PERF_SAMPLE_RAW };
	u32 slot = 1;

	need_kernel();
	for (u32 keeps = 0; keeps < 2; keeps++) {
		struct bpf_map_info info = { 0 };
		union bpf_attr q = { 0 };
		int map, again, event;

		a.map_flags = keeps ? BPF_F_PRESERVE_ELEMS : 0;
		map = kmap_create(&a);
		q.info.bpf_fd = (u32)map;
		q.info.info_len = sizeof(info);
		q.info.info = (uintptr_t)&info;
		assert_int_equal(sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &q), 0);
		q = (union bpf_attr){ .map_id = info.id };
		again = sys_bpf(BPF_MAP_GET_FD_BY_ID, &q);
		event = (int)syscall(__NR_perf_event_open, &e, -1, 0, -1, 0);
		assert_true(again >= 0 && event >= 0);
		assert_int_equal(kmap_op(BPF_MAP_UPDATE_ELEM, again, &slot, &event, 0), 0);
		close(again);
		assert_int_equal(kmap_op(BPF_MAP_DELETE_ELEM, map, &slot, NULL, 0),
				 keeps ? 0 : -ENOENT);
		close(event);
		close(map);
	}
}

/* Flags of maps of records that the kernel refuses, and so do we. */
static void flags_of_records(void **state)
{
	static const struct map_attr maps[] = {
		{ .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 },
		{ .type = BPF_MAP_TYPE_USER_RINGBUF, .max_entries = 4096 },
		{ .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4,
		  .max_entries = 4 },
	};

	need_kernel();
	for (u32 i = 0; i < ARRAY_LEN(maps); i++)
		for (u32 bit = 0; bit < 32; bit++) {
			struct map_attr a = maps[i];
			int fd;

			a.name = "m";
			a.map_flags = 1u << bit;
			/* what these name are descriptors */
			if (bit == 13 || bit == 15 || bit == 16 || a.map_flags == BPF_F_NUMA_NODE)
				continue;
			fd = kmap_create(&a);
			assert_int_equal(fd >= 0, !map_check(&a, &err));
			if (fd >= 0)
				close(fd);
		}
}

/* ---- ring buffers --------------------------------------------------------------------- */

static int count_record(void *arg, const struct map_event *e)
{
	assert_int_equal(e->bytes, 8);
	assert_int_equal(*(const u64 *)e->data, 7);
	++*(u32 *)arg;
	return 0;
}

static void ring_by_descriptor(void **state)
{
	struct map_attr a = { .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 };
	struct kernel_ring r;
	struct code c = { .n = 0 };
	u32 n = 0;
	int fd, prog;

	need_kernel();
	fd = kmap_create(&a);
	emit(&c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 7);
	emit(&c, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, fd);
	emit(&c, 0, 0, 0, 0, 0);
	emit_copy(&c, 2, 10);
	emit(&c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8);
	emit_mov(&c, 3, 8);
	emit_mov(&c, 4, 0);
	emit_call(&c, BPF_FUNC_ringbuf_output);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	prog = code_load(&c, BPF_PROG_TYPE_XDP, 0, 0);
	assert_true(prog >= 0);
	assert_int_equal(kernel_ring_open(&r, fd, a.type, a.max_entries), 0);
	for (u32 i = 1; i < 40; i++) {
		run(prog, 100);
		assert_int_equal(kernel_ring_read(&r, count_record, &n), 100);
		assert_int_equal(n, i * 100);
	}
	run(prog, 1000);
	assert_int_equal(kernel_ring_read(&r, count_record, &n), 4096 / 16 - 1);
	kernel_ring_close(&r);
	kernel_ring_close(&r);
	close(prog);
	close(fd);
	assert_int_equal(kernel_ring_open(&r, -1, a.type, 4096), -EBADF);
	kernel_ring_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_in_order),
		cmocka_unit_test(lost_ones_are_counted),
		cmocka_unit_test(can_be_waited_for),
		cmocka_unit_test(reading_may_stop),
		cmocka_unit_test(one_slot),
		cmocka_unit_test(errors),
		cmocka_unit_test(filled_slots),
		cmocka_unit_test(flags_of_records),
		cmocka_unit_test(ring_by_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

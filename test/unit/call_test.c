/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call_test.c: helper bodies without a kernel: printing, callbacks, packets,
 * clocks. test/unit/call_kernel_test.c compares those that it can.
 */
#include "call/call.h"
#include "call/timer.h"
#include "maps/map.h"
#include "base/os.h"
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CALL(id, run, ...) call_args(BPF_FUNC_##id, run, (const u64[5]){ __VA_ARGS__ })

static u64 call_args(u32 id, struct run *run, const u64 a[5])
{
	bool probe = helper_offered(id, BPF_PROG_TYPE_KPROBE);
	helper_fn fn = call_helper(id, probe ? BPF_PROG_TYPE_KPROBE : BPF_PROG_TYPE_XDP);

	assert_non_null(fn);
	return fn(a[0], a[1], a[2], a[3], a[4], run);
}

static u64 addr(const void *p) { return (uintptr_t)p; }

/* ---- which ------------------------------------------------------------------------ */

static void test_table(void **state)
{
	u32 n = 0;

	for (u32 id = 0; id < 300; id++) {
		if (!call_helper(id, BPF_PROG_TYPE_XDP))
			continue;
		assert_non_null(helper_row(id));
		assert_int_not_equal(helper_row(id)->args[0], ARG_OTHER);
		n++;
	}
	assert_int_equal(n, 88);
	assert_null(call_helper(BPF_FUNC_tail_call, BPF_PROG_TYPE_XDP));
	assert_null(call_helper(BPF_FUNC_xdp_adjust_head, BPF_PROG_TYPE_KPROBE));
	assert_non_null(call_helper(BPF_FUNC_ktime_get_ns, BPF_PROG_TYPE_KPROBE));
	assert_null(call_helper(UINT32_MAX, BPF_PROG_TYPE_XDP));
}

/* ---- of what a program is attached to: nothing ---------------------------------------- */

static u64 of_type(u32 id, u32 type, u64 r1, u64 r2, struct run *run)
{
	helper_fn fn = call_helper(id, type);

	assert_non_null(fn);
	return fn(r1, r2, 0, 0, 0, run);
}

static void test_attached(void **state)
{
	struct run run = { 0 };
	u64 value = 7;

	assert_int_equal(of_type(BPF_FUNC_get_func_ip, BPF_PROG_TYPE_KPROBE, 0, 0, &run), 0);
	assert_int_equal(of_type(BPF_FUNC_get_attach_cookie, BPF_PROG_TYPE_KPROBE, 0, 0, &run), 0);
	assert_int_equal(of_type(BPF_FUNC_get_func_arg_cnt, BPF_PROG_TYPE_TRACING, 0, 0, &run), 0);
	assert_int_equal((s64)of_type(BPF_FUNC_get_func_arg, BPF_PROG_TYPE_TRACING, 0, 0, &run),
			 -EOPNOTSUPP);
	assert_int_equal((s64)of_type(BPF_FUNC_get_func_ret, BPF_PROG_TYPE_TRACING, 0, addr(&value),
				      &run), -EOPNOTSUPP);
	assert_int_equal(CALL(get_current_task, &run), 0);
	/* no variables of a kernel are there, of any cpu */
	assert_int_equal(CALL(per_cpu_ptr, &run, addr(&value), 0), 0);
	assert_int_equal(CALL(this_cpu_ptr, &run, addr(&value)), 0);
}

/* What the system call that is asked about will give. */
static void test_retval(void **state)
{
	static const s64 good[] = { 0, -1, -EPERM, -4095 }, bad[] = { 1, 4095, -4096, INT32_MIN };
	struct run run = { 0 };
	const u32 type = BPF_PROG_TYPE_CGROUP_SOCKOPT;

	assert_int_equal(of_type(BPF_FUNC_get_retval, type, 0, 0, &run), 0);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(of_type(BPF_FUNC_set_retval, type, (u64)good[i], 0, &run), 0);
		assert_int_equal((s64)of_type(BPF_FUNC_get_retval, type, 0, 0, &run), good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal((s64)of_type(BPF_FUNC_set_retval, type, (u64)bad[i], 0, &run),
				 -EINVAL);
	assert_int_equal((s64)of_type(BPF_FUNC_get_retval, type, 0, 0, &run), -4095);
}

/* ---- printing ----------------------------------------------------------------------- */

struct sink {
	char text[4096];
	size_t n;
};

static void sink_print(void *arg, const char *text, size_t n)
{
	struct sink *s = arg;

	memcpy(s->text + s->n, text, n);
	s->n += n;
	s->text[s->n] = 0;
}

static const char readable_text[] = "some text";

static u64 readable(struct run *run, u64 a)
{
	return a - addr(readable_text) < sizeof(readable_text)
	       ? sizeof(readable_text) - (a - addr(readable_text)) : 0;
}

static void printk_gives(const char *fmt, u64 a1, u64 a2, u64 a3, s64 r, const char *text)
{
	struct sink s = { .n = 0 };
	struct run run = { .print = sink_print, .print_arg = &s, .readable = readable };
	s64 got = (s64)CALL(trace_printk, &run, addr(fmt), strlen(fmt) + 1, a1, a2, a3);

	assert_string_equal(s.text, text);
	assert_int_equal(got, r);
}

static void test_trace_printk(void **state)
{
	printk_gives("hello", 0, 0, 0, 5, "hello\n");
	printk_gives("hello\n", 0, 0, 0, 6, "hello\n");
	printk_gives("%d %u %lx", (u64)-1, (u64)-1, (u64)-1, 30,
		     "-1 4294967295 ffffffffffffffff\n");
	printk_gives("%s|%10s|%-10s|", addr(readable_text), addr(readable_text + 5),
		     addr(readable_text + 5), 32, "some text|      text|text      |\n");
	printk_gives("[%s]", 0, 0, 0, 2, "[]\n");
	printk_gives("[%s]", addr(readable_text) - 1, 0, 0, 2, "[]\n");
	printk_gives("%px", 0xabcdef, 0, 0, 16, "0000000000abcdef\n");
	printk_gives("%pS", 0xabcdef, 0, 0, 8, "0xabcdef\n");
	printk_gives("%d %d %d %d", 1, 2, 3, -EINVAL, "");
	printk_gives("%q", 1, 2, 3, -EINVAL, "");
	printk_gives("100%%", 0, 0, 0, 4, "100%\n");
}

/* What is too long for the kernel's line is cut; the result is the whole. */
static void test_printk_long(void **state)
{
	struct sink s = { .n = 0 };
	struct run run = { .print = sink_print, .print_arg = &s };
	const char fmt[] = "%2000d";

	assert_int_equal(CALL(trace_printk, &run, addr(fmt), sizeof(fmt), 5), 2000);
	assert_int_equal(s.n, 1024);
	assert_int_equal(s.text[1023], '\n');
	assert_int_equal((s64)CALL(trace_printk, &run, addr(fmt), sizeof(fmt) - 1),
			 -EINVAL);
	run.print = NULL;
	assert_int_equal(CALL(trace_printk, &run, addr(fmt), sizeof(fmt)), 2000);
}

/* A format that its own output would overwrite. */
static void test_snprintf_overlap(void **state)
{
	char text[64] = "ab%99d";
	struct run run = { 0 };
	u64 args[1] = { 1 };

	for (u32 i = 1; i < 7; i++)
		assert_int_equal((s64)CALL(snprintf, &run, addr(text + i), 20, addr(text),
					   addr(args), 8), -EINVAL);
	for (u32 i = 0; i < 20; i++) {
		memcpy(text + i, "%99d", 5);
		assert_int_equal((s64)CALL(snprintf, &run, addr(text), i + 1, addr(text + i),
					   addr(args), 8), -EINVAL);
	}
	assert_int_equal(CALL(snprintf, &run, addr(text), 19, addr(text + 19),
			      addr(args), 8), 100);
	assert_int_equal(CALL(snprintf, &run, addr(text + 24), 8, addr(text + 19),
			      addr(args), 8), 100);
}

static void test_vprintk(void **state)
{
	struct sink s = { .n = 0 };
	struct run run = { .print = sink_print, .print_arg = &s };
	u64 args[13] = { 1, 2, 3, 4 };
	const char fmt[] = "%d-%d-%d-%d";

	assert_int_equal(CALL(trace_vprintk, &run, addr(fmt), sizeof(fmt),
			      addr(args), 32), 7);
	assert_string_equal(s.text, "1-2-3-4\n");
	assert_int_equal((s64)CALL(trace_vprintk, &run, addr(fmt), sizeof(fmt),
				   addr(args), 31), -EINVAL);
	assert_int_equal((s64)CALL(trace_vprintk, &run, addr(fmt), sizeof(fmt),
				   addr(args), 104), -EINVAL);
	assert_int_equal((s64)CALL(trace_vprintk, &run, addr(fmt), sizeof(fmt),
				   addr(args), 24), -EINVAL);
}

/* ---- callbacks ------------------------------------------------------------------------ */

struct counter {
	u64 calls, stop_at, sum;
	bool fault;
	struct map *remove_from;
};

static u64 count_call(struct run *run, u64 func, const u64 args[5])
{
	struct counter *c = run->engine;

	assert_int_equal(func, 33);
	c->calls++;
	if (c->remove_from) {
		assert_ptr_equal((void *)(uintptr_t)args[0], c->remove_from);
		assert_ptr_equal(run->key, (void *)(uintptr_t)args[1]);
		assert_int_equal(run->key_bytes, c->remove_from->key_size);
		c->sum += *(u64 *)(uintptr_t)args[2];
		assert_int_equal(c->remove_from->ops->remove(c->remove_from, run->key, 0), 0);
		assert_int_equal(args[3], 99);
	} else {
		assert_int_equal(args[0], c->calls - 1);
		assert_int_equal(args[1], 99);
	}
	run->stop = c->fault;
	return c->calls == c->stop_at;
}

static void test_loop(void **state)
{
	struct counter c = { 0 };
	struct run run = { .callback = count_call, .engine = &c };

	assert_int_equal(CALL(loop, &run, 10, 33, 99, 0), 10);
	assert_int_equal(c.calls, 10);
	c = (struct counter){ .stop_at = 4 };
	assert_int_equal(CALL(loop, &run, 10, 33, 99, 0), 4);
	c = (struct counter){ .fault = true };
	CALL(loop, &run, 10, 33, 99, 0);
	assert_int_equal(c.calls, 1);
	run.stop = false;
	c = (struct counter){ 0 };
	assert_int_equal(CALL(loop, &run, 0, 33, 99, 0), 0);
	assert_int_equal((u32)CALL(loop, &run, (8 << 20) + 1, 33, 99, 0), (u32)-E2BIG);
	assert_int_equal((s64)CALL(loop, &run, 1, 33, 99, 1), -EINVAL);
	assert_int_equal(c.calls, 0);
}

static struct map *make(u32 type, u32 key, u32 flags)
{
	struct map_attr a = { .name = "m", .type = type, .key_size = key,
		.value_size = 8, .max_entries = 100, .map_flags = flags };
	struct map *m;

	assert_int_equal(map_create(&m, &a, 2, NULL), 0);
	return m;
}

static void for_each_case(u32 key_size)
{
	struct counter c = { .remove_from = make(BPF_MAP_TYPE_HASH, key_size, 0) };
	struct run run = { .callback = count_call, .engine = &c };
	u64 key[64] = { 0 };

	for (key[0] = 0; key[0] < 100; key[0]++)
		CALL(map_update_elem, &run, addr(c.remove_from), addr(key), addr(key), 0);
	c.stop_at = 30;
	assert_int_equal(CALL(for_each_map_elem, &run, addr(c.remove_from), 33, 99, 0), 30);
	assert_int_equal(CALL(for_each_map_elem, &run, addr(c.remove_from), 33, 99, 0), 70);
	assert_int_equal(c.sum, 99 * 100 / 2);
	assert_null(run.key);
	assert_int_equal((s64)CALL(for_each_map_elem, &run, addr(c.remove_from),
				   33, 99, 1), -EINVAL);
	map_free(c.remove_from);
}

static void test_for_each(void **state)
{
	struct map *lpm = make(BPF_MAP_TYPE_LPM_TRIE, 8, BPF_F_NO_PREALLOC);
	struct run run = { 0 };

	for_each_case(8);
	for_each_case(200);
	assert_int_equal((s64)CALL(for_each_map_elem, &run, addr(lpm), 33, 99, 0),
			 -EINVAL);
	map_free(lpm);
}

/* ---- maps, packets, clocks --------------------------------------------------------------- */

static void test_maps(void **state)
{
	struct run run = { .cpu = 1 };
	struct map *m = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0);
	u32 key = 5;
	u64 v = 6, *p;

	assert_int_equal(CALL(map_update_elem, &run, addr(m), addr(&key), addr(&v), 0), 0);
	p = (u64 *)(uintptr_t)CALL(map_lookup_elem, &run, addr(m), addr(&key));
	assert_int_equal(*p, 6);
	assert_ptr_equal(p, (u64 *)(uintptr_t)CALL(map_lookup_percpu_elem, &run,
						    addr(m), addr(&key), 1));
	assert_int_equal(CALL(map_lookup_percpu_elem, &run, addr(m), addr(&key), 2), 0);
	assert_int_equal((s64)CALL(map_delete_elem, &run, addr(m), addr(&key)), -EINVAL);
	assert_int_equal((s64)CALL(map_update_elem, &run, addr(m), addr(&key),
				   addr(&v), BPF_NOEXIST), -EEXIST);
	map_free(m);
}

static void test_meta(void **state)
{
	u8 buf[512] = { 0 };
	struct run run = { .pkt = { .hard_start = buf, .data = buf + 256,
		.data_meta = buf + 257, .data_end = buf + 300, .hard_end = buf + 400 } };

	assert_int_equal((s64)CALL(xdp_adjust_meta, &run, 0, (u64)-4), -524);
	assert_int_equal(CALL(xdp_adjust_head, &run, 0, (u64)-16), 0);
	assert_ptr_equal(run.pkt.data, buf + 240);
	assert_ptr_equal(run.pkt.data_meta, buf + 241);
	assert_int_equal(CALL(xdp_get_buff_len, &run, 0), 60);
	run.pkt.data_meta = run.pkt.data;
	assert_int_equal(CALL(xdp_adjust_meta, &run, 0, (u64)-4), 0);
	memset(run.pkt.data_meta, 7, 4);
	assert_int_equal(CALL(xdp_adjust_head, &run, 0, 8), 0);
	assert_memory_equal(run.pkt.data_meta, "\7\7\7\7", 4);
}

static void test_redirect(void **state)
{
	struct run run = { 0 };

	assert_int_equal(CALL(redirect, &run, 7, 1), XDP_ABORTED);
	assert_int_equal(run.xdp.redirect_ifindex, 0);
	assert_int_equal(CALL(redirect, &run, 7, 0), XDP_REDIRECT);
	assert_int_equal(run.xdp.redirect_ifindex, 7);
}

static void test_clocks(void **state)
{
	struct run run = { .cpu = 3 }, again;
	u64 t = os_clock_ns(), first = CALL(get_prandom_u32, &run), zeroes = 0;

	assert_true(CALL(ktime_get_ns, &run) >= t);
	assert_true(CALL(ktime_get_boot_ns, &run) >= t);
	assert_true(CALL(ktime_get_tai_ns, &run) > 0);
	assert_true(CALL(ktime_get_coarse_ns, &run) + 100000000 > t);
	assert_true(CALL(jiffies64, &run) > 0);
	assert_int_equal(CALL(get_smp_processor_id, &run), 3);
	assert_int_equal(CALL(get_numa_node_id, &run), 0);
	assert_int_equal(CALL(get_current_pid_tgid, &run), os_pid_tgid());
	again = (struct run){ 0 };
	assert_int_equal(CALL(get_prandom_u32, &again), first);
	for (int i = 0; i < 1000; i++) {
		u64 v = CALL(get_prandom_u32, &run);

		assert_true(v <= UINT32_MAX);
		zeroes += (u64)__builtin_popcountll(v ^ UINT32_MAX);
	}
	assert_in_range(zeroes, 15500, 16500);
}

static void test_virtual_clock(void **state)
{
	struct run run = { .clock = { .is_virtual = true, .ns = 5000000000 } };

	assert_int_equal(CALL(ktime_get_ns, &run), 5000000000);
	assert_int_equal(CALL(ktime_get_boot_ns, &run), 5000000000);
	assert_int_equal(CALL(ktime_get_coarse_ns, &run), 5000000000);
	assert_int_equal(CALL(ktime_get_tai_ns, &run), 5000000000);
	assert_int_equal(CALL(jiffies64, &run), 0xffffffffu - 300 * 250 + 1 + 1250);
}

/* ---- memory at any address ---------------------------------------------------------------- */

static u64 nothing(struct run *run, u64 a) { return 0; }

static void test_probe_refused(void **state)
{
	struct run run = { .readable = nothing };
	char secret[] = "secret", out[8] = "#######";

	assert_int_equal((s64)CALL(probe_read, &run, addr(out), 7, addr(secret)), -EFAULT);
	assert_memory_equal(out, "\0\0\0\0\0\0\0", 8);
	memset(out, '#', sizeof(out));
	assert_int_equal((s64)CALL(probe_read_str, &run, addr(out), 7, addr(secret)), -EFAULT);
	assert_memory_equal(out, "\0\0\0\0\0\0\0#", 8);
	assert_int_equal(CALL(probe_read, &run, addr(out), 0, 0), 0);
}

static void test_probe_own(void **state)
{
	struct run run = { .readable = readable };
	char out[16];

	assert_int_equal(CALL(probe_read_kernel, &run, addr(out), 4, addr(readable_text)), 0);
	assert_memory_equal(out, "some", 4);
	/* one byte more than the program may read */
	assert_int_equal((s64)CALL(probe_read_kernel, &run, addr(out), sizeof(readable_text) + 1,
				   addr(readable_text)), -EFAULT);
	assert_int_equal(CALL(probe_read_user_str, &run, addr(out), 16, addr(readable_text)), 10);
	assert_string_equal(out, "some text");
	assert_int_equal(CALL(probe_read_user_str, &run, addr(out), 5, addr(readable_text)), 5);
	assert_string_equal(out, "some");
}

static void test_probe_process(void **state)
{
	struct run run = { .task.probe = true };
	size_t page = 4096;
	u8 *p = os_map_lazy(2 * page), out[700];

	assert_non_null(p);
	os_unmap(p + page, page);
	memset(p, 'x', page);
	assert_int_equal(CALL(probe_read, &run, addr(out), 100, addr(p + page - 100)), 0);
	assert_int_equal(out[99], 'x');
	assert_int_equal((s64)CALL(copy_from_user, &run, addr(out), 101, addr(p + page - 100)),
			 -EFAULT);
	assert_int_equal(out[99], 0);
	/* a string up to the last byte that is mapped, over several parts */
	p[page - 1] = 0;
	assert_int_equal(CALL(probe_read_str, &run, addr(out), 700, addr(p + page - 600)), 600);
	assert_int_equal(strlen((char *)out), 599);
	p[page - 1] = 'x';
	assert_int_equal((s64)CALL(probe_read_str, &run, addr(out), 700, addr(p + page - 600)),
			 -EFAULT);
	assert_int_equal((s64)CALL(probe_read, &run, addr(out), 8, 0), -EFAULT);
	assert_int_equal((s64)CALL(probe_read, &run, addr(out), 8, ~0ull), -EFAULT);
	assert_int_equal((s64)CALL(probe_write_user, &run, addr(p), addr(out), 8), -EPERM);
	os_unmap(p, page);
}

static void test_dynptr(void **state)
{
	struct run run = { 0 };
	u64 d[2] = { 1, 1 };
	u8 mem[16] = "0123456789abcde", out[16];

	assert_int_equal((s64)CALL(dynptr_from_mem, &run, addr(mem), 16, 1, addr(d)), -EINVAL);
	assert_int_equal(d[0] | d[1], 0);
	assert_int_equal((s64)CALL(dynptr_read, &run, addr(out), 1, addr(d), 0, 0), -EINVAL);
	assert_int_equal(CALL(dynptr_data, &run, addr(d), 0, 1), 0);
	assert_int_equal((s64)CALL(dynptr_from_mem, &run, addr(mem), 1 << 24, 0, addr(d)), -E2BIG);
	assert_int_equal(CALL(dynptr_from_mem, &run, addr(mem), 16, 0, addr(d)), 0);
	assert_int_equal(CALL(dynptr_read, &run, addr(out), 4, addr(d), 12, 0), 0);
	assert_memory_equal(out, "cde", 4);
	assert_int_equal((s64)CALL(dynptr_read, &run, addr(out), 4, addr(d), 13, 0), -E2BIG);
	assert_int_equal(CALL(dynptr_write, &run, addr(d), 1, addr("xy"), 2, 0), 0);
	assert_memory_equal(mem, "0xy3", 4);
	assert_int_equal((s64)CALL(dynptr_write, &run, addr(d), 1, addr("xy"), 2, 1), -EINVAL);
	assert_int_equal(CALL(dynptr_data, &run, addr(d), 5, 11), addr(mem + 5));
	assert_int_equal(CALL(dynptr_data, &run, addr(d), 5, 12), 0);
}

/* ---- timers --------------------------------------------------------------------------------- */

enum { TIMER_AT = 8 };

static struct map *timer_map(u32 type, struct timers *t)
{
	struct map_attr a = { .name = "m", .type = type, .key_size = 4, .value_size = 32,
		.max_entries = 100, .timer_at = 1 + TIMER_AT, .timer_gone = timers_gone,
		.timer_arg = t };
	struct map *m;

	assert_int_equal(map_create(&m, &a, 1, NULL), 0);
	return m;
}

/* The timer of element KEY, which is made new. */
static u64 timer_of(struct map *m, struct run *run, u32 key)
{
	u8 value[32] = { 0 };
	u64 v;

	memset(value + TIMER_AT, 0x55, 16);	/* is not taken over */
	assert_int_equal(CALL(map_update_elem, run, addr(m), addr(&key), addr(value), 0), 0);
	v = CALL(map_lookup_elem, run, addr(m), addr(&key));
	assert_memory_equal((void *)(uintptr_t)(v + TIMER_AT), "\0\0\0\0\0\0\0\0", 8);
	return v + TIMER_AT;
}

static void test_timer_errors(void **state)
{
	struct timers *t = timers_new();
	struct run run = { .timers = t, .clock.is_virtual = true };
	struct map *m = timer_map(BPF_MAP_TYPE_HASH, t), *other = timer_map(BPF_MAP_TYPE_ARRAY, t);
	u64 a = timer_of(m, &run, 1);

	assert_int_equal((s64)CALL(timer_start, &run, a, 1, 0), -EINVAL);
	assert_int_equal((s64)CALL(timer_set_callback, &run, a, 33), -EINVAL);
	assert_int_equal((s64)CALL(timer_cancel, &run, a), -EINVAL);
	assert_int_equal((s64)CALL(timer_init, &run, a, addr(m), 2), -EINVAL);
	assert_int_equal((s64)CALL(timer_init, &run, a, addr(other), 1), -EINVAL);
	assert_int_equal((s64)CALL(timer_init, &run, a + 8, addr(m), 1), -EINVAL);
	assert_int_equal(CALL(timer_init, &run, a, addr(m), 1), 0);
	assert_int_equal((s64)CALL(timer_init, &run, a, addr(m), 1), -EBUSY);
	assert_int_equal((s64)CALL(timer_start, &run, a, 1, 0), -EINVAL);
	assert_int_equal(CALL(timer_set_callback, &run, a, 33), 0);
	assert_int_equal((s64)CALL(timer_start, &run, a, 1, 4), -EINVAL);
	assert_int_equal(CALL(timer_start, &run, a, 1, 3), 0);
	assert_int_equal(CALL(timer_cancel, &run, a), 1);
	assert_int_equal(CALL(timer_cancel, &run, a), 0);
	assert_int_equal((s64)CALL(timer_start, &run, a, 1, 0), -EINVAL);
	map_free(m);
	map_free(other);
	timers_free(t);
}

/* Random starts, cancels and deletes: what comes is sorted and complete. */
static void test_timer_order(void **state)
{
	struct timers *t = timers_new();
	struct run run = { .timers = t, .clock = { .is_virtual = true, .ns = 1000 } };
	struct map *m = timer_map(BPF_MAP_TYPE_HASH, t);
	u64 at[100], due[100] = { 0 }, last = 0;
	struct timer_call c;
	u32 waiting = 0, key;

	for (u32 i = 0; i < 100; i++) {
		at[i] = timer_of(m, &run, i);
		assert_int_equal(CALL(timer_init, &run, at[i], addr(m), i % 2), 0);
		assert_int_equal(CALL(timer_set_callback, &run, at[i], 33 + i), 0);
	}
	for (u32 i = 0; i < 2000; i++) {
		u32 k = (u32)CALL(get_prandom_u32, &run) % 100, ns;

		ns = (u32)CALL(get_prandom_u32, &run) % 500;
		if (i % 7 == 0) {
			CALL(timer_cancel, &run, at[k]);
			CALL(timer_set_callback, &run, at[k], 33 + k);
			due[k] = 0;
		} else {
			CALL(timer_start, &run, at[k], i % 2 ? ns : 1000 + ns, i % 2 ? 0 : 1);
			due[k] = 1000 + ns;
		}
	}
	for (key = 0; key < 100; key += 9) {
		assert_int_equal(CALL(map_delete_elem, &run, addr(m), addr(&key)), 0);
		due[key] = 0;
	}
	for (u32 i = 0; i < 100; i++)
		waiting += due[i] != 0;
	assert_int_equal(timers_waiting(t), waiting);
	assert_false(timers_take(t, 0, 999, &c));
	for (; timers_take(t, 0, 2000, &c); waiting--) {
		assert_true(c.at >= last);
		last = c.at;
		assert_int_equal(due[c.func - 33], c.at);
		map_value_key(c.map, c.value, &key);
		assert_int_equal(key, c.func - 33);
		due[key] = 0;
		assert_int_equal((s64)CALL(timer_cancel, &run, at[key]), -EDEADLK);
	}
	assert_int_equal(waiting, 0);
	map_free(m);
	timers_free(t);
}

/* Elements that are no more have no timers, whatever ended them. */
static void timer_gone_case(u32 type, int how)
{
	struct timers *t = timers_new();
	struct run run = { .timers = t, .clock.is_virtual = true };
	struct map *m = timer_map(type, t);
	u32 key = 1;
	u8 value[32];
	u64 a = timer_of(m, &run, key);

	assert_int_equal(CALL(timer_init, &run, a, addr(m), 1), 0);
	assert_int_equal(CALL(timer_set_callback, &run, a, 33), 0);
	assert_int_equal(CALL(timer_start, &run, a, 1, 0), 0);
	assert_int_equal(map_user_lookup(m, &key, value, 0), 0);
	assert_memory_equal(value + TIMER_AT, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(timers_waiting(t), 1);
	if (how == 0)
		assert_int_equal(map_user_delete(m, &key), 0);
	else if (how == 1)
		assert_int_equal(map_user_update(m, &key, value, 0), 0);
	else
		for (key = 2; key < 400; key++)
			assert_int_equal(map_user_update(m, &key, value, 0), 0);
	assert_int_equal(timers_waiting(t), 0);
	assert_int_equal((s64)CALL(timer_start, &run, a, 1, 0), -EINVAL);
	map_free(m);
	timers_free(t);
}

static void test_timer_gone(void **state)
{
	timer_gone_case(BPF_MAP_TYPE_HASH, 0);
	timer_gone_case(BPF_MAP_TYPE_HASH, 1);
	timer_gone_case(BPF_MAP_TYPE_ARRAY, 1);
	timer_gone_case(BPF_MAP_TYPE_LRU_HASH, 2);
}

/* A handle means nothing elsewhere. */
static void test_timer_copy(void **state)
{
	struct timers *t = timers_new();
	struct run run = { .timers = t, .clock.is_virtual = true };
	struct map *m = timer_map(BPF_MAP_TYPE_ARRAY, t);
	u64 a = timer_of(m, &run, 1), b = timer_of(m, &run, 2);

	assert_int_equal(CALL(timer_init, &run, a, addr(m), 1), 0);
	memcpy((void *)(uintptr_t)b, (void *)(uintptr_t)a, 16);
	assert_int_equal((s64)CALL(timer_set_callback, &run, b, 33), -EINVAL);
	assert_int_equal(CALL(timer_init, &run, b, addr(m), 1), 0);
	memset((void *)(uintptr_t)a, 0xff, 16);
	assert_int_equal((s64)CALL(timer_cancel, &run, a), -EINVAL);
	map_free(m);
	timers_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_retval),
		cmocka_unit_test(test_trace_printk),
		cmocka_unit_test(test_printk_long),
		cmocka_unit_test(test_snprintf_overlap),
		cmocka_unit_test(test_vprintk),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_for_each),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_virtual_clock),
		cmocka_unit_test(test_probe_refused),
		cmocka_unit_test(test_probe_own),
		cmocka_unit_test(test_probe_process),
		cmocka_unit_test(test_dynptr),
		cmocka_unit_test(test_timer_errors),
		cmocka_unit_test(test_timer_order),
		cmocka_unit_test(test_timer_gone),
		cmocka_unit_test(test_timer_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

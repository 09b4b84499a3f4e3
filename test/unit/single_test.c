/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * single_test.c: what skep_prog_run does at once for one packet gives what it gives by the
 * way that everything can go (with a context), whatever was run in between, and who calls it
 * from a program is refused.
 */
#include "base/os.h"
#include "isa/isa.h"
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <skep/skep.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static struct skep_object *load(const char *text, const struct skep_load_opts *opts)
{
	struct isa_code code = { 0 };
	struct skep_object *obj;
	struct skep_err err;

	if (isa_asm(&code, text, strlen(text), "program", &err) ||
	    skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "p", code.v, code.n, NULL, 0, "GPL",
				   &err) ||
	    skep_object_load(obj, opts, &err))
		fail_msg("%s", skep_err_text(&err));
	vec_free(&code);
	return obj;
}

/* Writes to the packet, and answers by all that the context has. */
static const char looks[] =
	"r6 = *(u32 *)(r1 + 12)\n" "r7 = *(u32 *)(r1 + 16)\n"
	"r2 = *(u32 *)(r1 + 0)\n" "r3 = *(u32 *)(r1 + 4)\n" "r5 = *(u32 *)(r1 + 8)\n"
	"r0 = r3\n" "r0 -= r2\n" "r4 = r2\n" "r4 -= r5\n" "r0 += r4\n"
	"r6 *= 5000\n" "r7 *= 500000\n" "r0 += r6\n" "r0 += r7\n"
	"r4 = r2\n" "r4 += 1\n" "if r4 > r3 goto out\n"
	"r4 = *(u8 *)(r2 + 0)\n" "r4 += 1\n" "*(u8 *)(r2 + 0) = r4\n" "r4 *= 7\n" "r0 += r4\n"
	"out: exit\n";
/* The same, and leaves the packet alone. */
static const char reads[] =
	"r6 = *(u32 *)(r1 + 12)\n" "r7 = *(u32 *)(r1 + 16)\n"
	"r2 = *(u32 *)(r1 + 0)\n" "r3 = *(u32 *)(r1 + 4)\n"
	"r0 = r3\n" "r0 -= r2\n" "r6 *= 5000\n" "r7 *= 500000\n" "r0 += r6\n" "r0 += r7\n"
	"*(u64 *)(r10 - 8) = r0\n"
	"r4 = r2\n" "r4 += 1\n" "if r4 > r3 goto out\n"
	"r4 = *(u8 *)(r2 + 0)\n" "r4 *= 7\n" "r0 += r4\n"
	"out: exit\n";
/* Is there anything before the packet? */
static const char meta[] =
	"r2 = *(u32 *)(r1 + 8)\n" "r3 = *(u32 *)(r1 + 0)\n" "r0 = r3\n" "r0 -= r2\n"
	"r4 = r2\n" "r4 += 4\n" "if r4 > r3 goto out\n" "r0 = *(u32 *)(r2 + 0)\n" "out: exit\n";
/* Stores by a function, and by a helper. */
static const char deep[] =
	"r2 = *(u32 *)(r1 + 0)\n" "r3 = *(u32 *)(r1 + 4)\n" "r4 = r2\n" "r4 += 2\n"
	"r0 = 1\n" "if r4 > r3 goto out\n" "r1 = r2\n" "call store\n" "r0 = 2\n" "out: exit\n"
	"store: r2 = 7\n" "*(u16 *)(r1 + 0) = r2\n" "r0 = 0\n" "exit\n";
static const char stores[] =
	"r2 = 0x77665544\n" "*(u64 *)(r10 - 8) = r2\n" "r2 = 0\n" "r3 = r10\n" "r3 += -8\n"
	"r4 = 4\n" "call 190\n" "r0 += 40\n" "exit\n";
/* As often as the packet's first byte says. */
static const char counts[] =
	"r2 = *(u32 *)(r1 + 0)\n" "r3 = *(u32 *)(r1 + 4)\n" "r4 = r2\n" "r4 += 1\n" "r0 = 1\n"
	"if r4 > r3 goto out\n" "r6 = *(u8 *)(r2 + 0)\n" "r0 = 0\n"
	"again: r0 += 3\n" "r6 += -1\n" "if r6 s> 0 goto again\n" "out: exit\n";
static const char redirects[] = "r1 = 9\n" "r2 = 0\n" "call 23\n" "exit\n";
static const char loops[] =
	"r7 = 3000000\n" "again: r7 += -1\n" "if r7 != 0 goto again\n" "r0 = 2\n" "exit\n";

/* All that a run tells but for its time. */
static void expect_same(const struct skep_run *a, const struct skep_run *b, const u8 *out)
{
	assert_int_equal(a->retval, b->retval);
	assert_int_equal(a->data_out_bytes, b->data_out_bytes);
	assert_memory_equal(out, b->data_out, a->data_out_bytes);
	assert_int_equal(a->redirect_ifindex, b->redirect_ifindex);
	assert_int_equal(a->redirect_flags, b->redirect_flags);
	assert_int_equal(a->tc_classid, b->tc_classid);
	assert_ptr_equal(a->ctx_out, b->ctx_out);
	assert_int_equal(a->ctx_out_bytes, b->ctx_out_bytes);
	assert_int_equal(a->socket_cookie, b->socket_cookie);
	assert_int_equal(a->insns, b->insns);
}

static void run_both_ways(struct skep_object *obj, struct skep_run in)
{
	struct skep_prog *p = skep_object_prog(obj, "p");
	const struct xdp_md md = { .data_end = in.data_bytes, .rx_queue_index = in.rx_queue };
	struct skep_run one = in, two = in;
	static _Thread_local u8 out[5000];
	struct skep_err err;

	/* results of a run before are gone */
	one.ctx_out = &one;
	one.retval = one.redirect_ifindex = one.redirect_flags = one.tc_classid = 77;
	one.ctx_out_bytes = one.data_out_bytes = 77;
	one.insns = one.socket_cookie = 77;
	two.ctx_in = &md;
	two.ctx_in_bytes = sizeof(md);
	if (skep_prog_run(p, &one, &err))
		fail_msg("%s", err.text);
	memcpy(out, one.data_out, one.data_out_bytes);
	if (skep_prog_run(p, &two, &err))
		fail_msg("%s", err.text);
	expect_same(&one, &two, out);
	if (skep_prog_run(p, &one, &err) || skep_prog_run(p, &one, &err))
		fail_msg("%s", err.text);
	expect_same(&one, &two, one.data_out);
}

/* Packets of all lengths, asked in several ways, in turns with another program. */
static void same(const char *text, const struct skep_load_opts *opts)
{
	struct skep_object *obj = load(text, opts), *other = load(redirects, opts);
	u8 packet[5000], before[5000];

	for (u32 i = 0; i < sizeof(packet); i++)
		packet[i] = (u8)(i * 7 + 3);
	memcpy(before, packet, sizeof(packet));
	for (u32 bytes = 0; bytes < sizeof(packet); bytes += bytes < 140 ? 1 : 97) {
		struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = bytes };

		run_both_ways(obj, r);
		r.ifindex = bytes % 3;
		r.rx_queue = bytes % 5;
		run_both_ways(obj, r);
		if (bytes % 4 == 0)
			run_both_ways(other, r);
		r.budget = 1000;
		run_both_ways(obj, r);
		assert_memory_equal(packet, before, sizeof(packet));
	}
	skep_object_close(obj);
	skep_object_close(other);
}

static const struct skep_load_opts engines[] = {
	{ .size = sizeof(engines[0]) },
	{ .size = sizeof(engines[0]), .jit = SKEP_JIT_FAST },
	{ .size = sizeof(engines[0]), .jit = SKEP_JIT_OFF },
	{ .size = sizeof(engines[0]), .clock = SKEP_CLOCK_RUN },
};

static const char *const texts[] = { looks, reads, meta, deep, stores, counts, redirects };

static void all_engines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(engines); i++)
		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			same(texts[k], &engines[i]);
}

/* A program that never writes to packets runs on the packet where it lies, others do not. */
static void in_place(void **state)
{
	static const u8 packet[64];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
		struct skep_object *obj = load(texts[k], NULL);
		struct skep_prog *p = skep_object_prog(obj, "p");
		struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = 64 };
		bool writes = texts[k] == looks || texts[k] == deep || texts[k] == stores;
		bool native = true;
		struct skep_prog_engine e = { .size = sizeof(e) };

		if (!skep_prog_engine(p, &e))
			native = e.tier >= SKEP_TIER_JIT_FAST;
		for (u32 i = 0; i < 3; i++) {
			assert_int_equal(skep_prog_run(p, &r, NULL), 0);
			assert_int_equal(r.data_out == packet, native && !writes);
		}
		skep_object_close(obj);
	}
}

static void *thread(void *arg)
{
	struct skep_object *obj = arg;
	u8 packet[200] = { 0 };

	for (u32 i = 0; i < 3000; i++) {
		struct skep_run r = { .size = sizeof(r), .data = packet,
				      .data_bytes = i % sizeof(packet), .ifindex = 1 + i / 100 };

		run_both_ways(obj, r);
	}
	return NULL;
}

static void threads(void **state)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .cpus = 4 };
	struct skep_object *obj = load(looks, &opts);
	pthread_t t[3];

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, thread, obj), 0);
	for (u32 i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	skep_object_close(obj);
}

/* An object that takes the place of one that is closed. */
static void reopened(void **state)
{
	static const u8 packet[64];

	(void)state;
	for (u32 i = 0; i < 200; i++) {
		struct skep_object *obj = load(i % 2 ? looks : redirects, NULL);
		struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = 64,
				      .ifindex = 1 };

		for (u32 k = 0; k < 3; k++) {
			assert_int_equal(skep_prog_run(skep_object_prog(obj, "p"), &r, NULL), 0);
			assert_int_equal(r.retval, i % 2 ? 5000 + 64 + 7 : XDP_REDIRECT);
			assert_int_equal(r.redirect_ifindex, i % 2 ? 0 : 9);
		}
		skep_object_close(obj);
	}
}

/* A budget that ends the program, then one that does not, again and again. */
static void budgets(void **state)
{
	static const u8 packet[64];
	struct skep_object *obj = load(loops, NULL);

	(void)state;
	for (u32 i = 0; i < 6; i++) {
		struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = 64,
				      .budget = i % 3 ? 0 : 1000 };
		struct skep_err err;
		int ret = skep_prog_run(skep_object_prog(obj, "p"), &r, &err);

		assert_int_equal(err.id, i % 3 ? 0 : 802);
		assert_int_equal(ret != 0, i % 3 == 0);
		if (!ret)
			assert_int_equal(r.retval, 2);
	}
	skep_object_close(obj);
}

static struct skep_object *inner_of;
static u32 refused;

static void print(void *arg, const char *text, size_t n)
{
	static const u8 packet[64];
	struct skep_prog *p = skep_object_prog(inner_of, "p");
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = 64 };
	struct skep_packet many = { .data = (void *)packet, .bytes = 64 };
	struct skep_err err;
	size_t one = 1;

	(void)arg;
	(void)text;
	(void)n;
	assert_int_equal(skep_prog_run(p, &r, &err), -EBUSY);
	assert_int_equal(err.id, 870);
	r.repeat = 2;
	assert_int_equal(skep_prog_run(p, &r, &err), -EBUSY);
	assert_int_equal(skep_prog_run_packets(p, &r, &many, &one, &err), -EBUSY);
	assert_int_equal(one, 0);
	assert_int_equal(skep_object_run_timers(inner_of, 0, NULL, &err), -EBUSY);
	refused++;
}

static void nested(void **state)
{
	static const char prints[] =
		"r1 = 0x6f6c6c6568 ll\n" "*(u64 *)(r10 - 8) = r1\n" "r1 = r10\n" "r1 += -8\n"
		"r2 = 6\n" "call 6\n" "r0 = 2\n" "exit\n";
	static const u8 packet[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		struct skep_load_opts opts = engines[i];
		struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = 64 };

		opts.print = print;
		inner_of = load(prints, &opts);
		for (refused = 0; refused < 4;) {
			u32 before = refused;

			r.repeat = refused & 1 ? 2 : 0;
			assert_int_equal(skep_prog_run(skep_object_prog(inner_of, "p"), &r, NULL),
					 0);
			assert_int_equal(r.retval, 2);
			assert_true(refused > before);
		}
		skep_object_close(inner_of);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_engines), cmocka_unit_test(in_place),
		cmocka_unit_test(threads),
		cmocka_unit_test(reopened), cmocka_unit_test(budgets), cmocka_unit_test(nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

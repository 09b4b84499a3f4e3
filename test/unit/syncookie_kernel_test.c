/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syncookie_kernel_test.c: cookies of connections here and on the running kernel. The
 * cookies are each side's own; what is refused, which segment size is agreed on, and which
 * answers are taken is the same. Loads programs, attaches nothing.
 */
#include "kernel_prog.h"
#include "call/call.h"
#include <endian.h>
#include <netinet/tcp.h>

enum { IP = IO_ARGS, TCP = IO_ARGS + 64, IP_BYTES = 40 };

static const u32 gen[2] = { BPF_FUNC_tcp_raw_gen_syncookie_ipv4,
			    BPF_FUNC_tcp_raw_gen_syncookie_ipv6 };
static const u32 check[2] = { BPF_FUNC_tcp_raw_check_syncookie_ipv4,
			      BPF_FUNC_tcp_raw_check_syncookie_ipv6 };

/* Headers and options at random, mostly as SYNs have them. */
static void fill(u8 *io, u32 options)
{
	struct tcphdr *th = (struct tcphdr *)(io + TCP);
	u8 *opt = io + TCP + 20;

	for (u32 i = 0; i < IP_BYTES; i++)
		io[IP + i] = (u8)any(256);
	for (u32 i = 0; i < 20 + options; i++)
		io[TCP + i] = (u8)any(256);
	th->doff = (5 + options / 4) & 15;
	for (u32 at = 0; at < options;) {
		u32 kind = any(6), mss = any(3) ? 400 + any(1300) : any(65536);

		if (kind > 1 && at + 4 <= options) {
			opt[at] = 2;
			opt[at + 1] = any(12) ? 4 : (u8)any(6);
			opt[at + 2] = (u8)(mss >> 8);
			opt[at + 3] = (u8)mss;
			at += 4;
		} else {
			opt[at++] = any(8) ? 1 : (u8)any(5);
		}
	}
}

static u64 kernel_gen(bool six, const u8 *in, u32 bytes)
{
	u8 io[IO_BYTES];
	struct code c;

	memcpy(io, in, sizeof(io));
	code_start(&c);
	emit_value(&c, 1, c.io, IP);
	emit_value(&c, 2, c.io, TCP);
	emit_imm(&c, 3, bytes);
	emit_call(&c, gen[six]);
	emit_result(&c, 0);
	run_io(&c, io);
	return u64_at(io);
}

static s64 kernel_check(bool six, const u8 *in)
{
	u8 io[IO_BYTES];
	struct code c;

	memcpy(io, in, sizeof(io));
	code_start(&c);
	emit_value(&c, 1, c.io, IP);
	emit_value(&c, 2, c.io, TCP);
	emit_call(&c, check[six]);
	emit_result(&c, 0);
	run_io(&c, io);
	return (s64)u64_at(io);
}

static struct run run;

static u64 our_gen(bool six, const u8 *io, u32 bytes)
{
	return ours(gen[six], addr_of(io + IP), addr_of(io + TCP), bytes, 0, 0, &run);
}

static s64 our_check(bool six, const u8 *io)
{
	return (s64)ours(check[six], addr_of(io + IP), addr_of(io + TCP), 0, 0, 0, &run);
}

static void test_sizes(void **state)
{
	u8 io[IO_BYTES] = { 0 };

	need_kernel();
	rng = 17;
	for (u32 i = 0; i < 400; i++) {
		bool six = i & 1;
		u32 options = any(11) * 4, bytes = 20 + options;
		u64 a, b;

		fill(io, options);
		bytes = any(8) ? bytes : any(70);
		a = kernel_gen(six, io, bytes);
		b = our_gen(six, io, bytes);
		if (a >> 32 != b >> 32 || (a >> 63 && a != b))
			fail_msg("IPv%d, %u bytes: kernel %llx, ours %llx", six ? 6 : 4, bytes,
				 (unsigned long long)a, (unsigned long long)b);
	}
}

/* The answer to COOKIE. */
static void answer(u8 *io, u32 cookie)
{
	struct tcphdr *th = (struct tcphdr *)(io + TCP);

	th->seq = htobe32(be32toh(th->seq) + 1);
	th->ack_seq = htobe32(cookie + 1);
}

static void test_answers(void **state)
{
	u8 theirs[IO_BYTES] = { 0 }, mine[IO_BYTES];

	need_kernel();
	rng = 18;
	run.clock = (struct run_clock){ .is_virtual = true, .ns = 1000000000 };
	for (u32 i = 0; i < 100; i++) {
		bool six = i & 1;
		u32 at = any(3) ? IP + 12 + any(8) : TCP + any(4);

		fill(theirs, 0);
		memcpy(mine, theirs, sizeof(mine));
		answer(theirs, (u32)kernel_gen(six, theirs, 20));
		answer(mine, (u32)our_gen(six, mine, 20));
		assert_int_equal(kernel_check(six, theirs), 0);
		assert_int_equal(our_check(six, mine), 0);
		theirs[at] ^= 1 << i % 8;
		mine[at] ^= 1 << i % 8;
		assert_int_equal(kernel_check(six, theirs), -EACCES);
		assert_int_equal(our_check(six, mine), -EACCES);
	}
}

/* Good for the minute and the next. */
static void test_age(void **state)
{
	u8 io[IO_BYTES] = { 0 };

	rng = 19;
	run.clock = (struct run_clock){ .is_virtual = true, .ns = 300ull * 60000000000u };
	fill(io, 0);
	answer(io, (u32)our_gen(false, io, 20));
	for (u32 minutes = 0; minutes < 300; minutes++) {
		if (minutes < 2)
			assert_int_equal(our_check(false, io), 0);
		else
			assert_int_equal(our_check(false, io), -EACCES);
		run.clock.ns += 60000000000u;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

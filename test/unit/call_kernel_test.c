/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call_kernel_test.c: our helper bodies and the model's tables against the
 * running kernel: XDP programs of a few instructions make one call with the
 * same arguments, run by BPF_PROG_TEST_RUN. Loads programs, attaches nothing.
 */
#include "call/call.h"
#include <stdlib.h>
#include "kernel_prog.h"

/* ---- checksums and strings --------------------------------------------------------- */

static void emit_mem(struct code *c, u8 reg, u32 off, u32 size)
{
	if (size)
		emit_value(c, reg, c->io, off);
	else
		emit_imm(c, reg, 0);
}

static void csum_case(u32 from, u32 to, u32 seed, u32 fill)
{
	struct code c;
	u8 io[IO_BYTES] = { 0 };
	u64 mine;

	code_start(&c);
	for (u32 i = IO_ARGS; i < IO_BYTES; i++)
		io[i] = fill < 256 ? (u8)fill : (u8)any(256);
	mine = ours(BPF_FUNC_csum_diff, from ? addr_of(io + IO_ARGS) : 0, from,
		    to ? addr_of(io + IO_OUT) : 0, to, seed, NULL);
	emit_mem(&c, 1, IO_ARGS, from);
	emit_imm(&c, 2, from);
	emit_mem(&c, 3, IO_OUT, to);
	emit_imm(&c, 4, to);
	emit_imm(&c, 5, seed);
	emit_call(&c, BPF_FUNC_csum_diff);
	emit_result(&c, 0);
	run_io(&c, io);
	if (u64_at(io) != mine)
		fail_msg("csum_diff %u %u seed %x fill %u: kernel %llx, ours %llx",
			 from, to, seed, fill, (unsigned long long)u64_at(io),
			 (unsigned long long)mine);
}

static void test_csum_diff(void **state)
{
	static const u32 sizes[] = { 0, 4, 8, 12, 20, 40, 64, 512, 5, 6 };
	static const u32 seeds[] = { 0, 1, 0xffff, 0x10000, 0xffffffff, 0x12345678 };

	need_kernel();
	rng = 5;
	for (u32 i = 0; i < 300; i++)
		csum_case(sizes[any(10)], sizes[any(10)], seeds[any(6)],
			  any(3) ? 256 : any(2) * 255);
}

static void number_case(u32 id, const char *text, u64 flags)
{
	u32 n = (u32)strlen(text);
	u8 io[IO_BYTES] = { 0 }, mine[8];
	struct code c;
	u64 r;

	if (!n)
		return;
	memset(mine, 0x55, 8);
	r = ours(id, addr_of(text), n, flags, addr_of(mine), 0, NULL);
	memcpy(io + IO_ARGS, text, n);
	memset(io + IO_OUT, 0x55, 8);
	code_start(&c);
	emit_value(&c, 1, c.io, IO_ARGS);
	emit_imm(&c, 2, n);
	emit_imm(&c, 3, flags);
	emit_value(&c, 4, c.io, IO_OUT);
	emit_call(&c, id);
	emit_result(&c, 0);
	run_io(&c, io);
	if (u64_at(io) != r || memcmp(io + IO_OUT, mine, 8))
		fail_msg("helper %u '%s' flags %llx: kernel %lld %llx, ours %lld %llx",
			 id, text, (unsigned long long)flags,
			 (long long)u64_at(io),
			 (unsigned long long)u64_at(io + IO_OUT), (long long)r,
			 (unsigned long long)u64_at(mine));
}

static void test_numbers(void **state)
{
	static const char *const texts[] = {
		"0", "1", "-1", "+1", "12345", " 42", "\t\n-42x", "0x1f", "0X1F",
		"0x", "0xg", "017", "08", "-0x10", "ff", "-", " ", "--1", "x",
		"9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775809",
		"18446744073709551615", "18446744073709551616",
		"-18446744073709551615", "\xa0" "7", "1 2", "0b1", "1_000", "00x1",
		"0000000000000000000000000000000000000000000000000000000000000009",
		"00000000000000000000000000000000000000000000000000000000000000091",
		"1234567890123456789012345678901234567890",
	};
	static const u64 flags[] = { 0, 8, 10, 16, 1, 2, 31, 32, 10 | 1ull << 40 };

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		for (size_t f = 0; f < ARRAY_LEN(flags); f++) {
			number_case(BPF_FUNC_strtol, texts[i], flags[f]);
			number_case(BPF_FUNC_strtoul, texts[i], flags[f]);
		}
	}
}

static void strncmp_case(const char *a, u32 n, const char *b)
{
	u8 io[IO_BYTES] = { 0 };
	int text = text_map(b);
	struct code c;
	u64 r;

	memcpy(io + IO_ARGS, a, strlen(a));
	r = ours(BPF_FUNC_strncmp, addr_of(io + IO_ARGS), n, addr_of(b), 0, 0, NULL);
	code_start(&c);
	emit_value(&c, 1, c.io, IO_ARGS);
	emit_imm(&c, 2, n);
	emit_value(&c, 3, text, 0);
	emit_call(&c, BPF_FUNC_strncmp);
	emit_result(&c, 0);
	run_io(&c, io);
	close(text);
	if ((s32)u64_at(io) != (s32)r)
		fail_msg("strncmp '%s' '%s' %u: kernel %d, ours %d", a, b, n,
			 (s32)u64_at(io), (s32)r);
}

static void test_strncmp(void **state)
{
	static const char *const texts[] = { "", "a", "b", "abc", "abd", "ab",
					     "\xff", "abc\x80" };

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t j = 0; j < ARRAY_LEN(texts); j++)
			for (u32 n = 1; n < 6; n++)
				strncmp_case(texts[i], n, texts[j]);
}

/* ---- formats ------------------------------------------------------------------------ */

static u64 all_readable(struct run *run, u64 addr)
{
	return addr ? UINT32_MAX : 0;
}

/* Arguments: numbers, then the address of the string "text" as the third. */
static void format_case(const char *fmt, u32 nr, u32 size)
{
	static const u64 values[] = { 42, 0xfffffffffffffff9u, 0, 0x41,
				      0x123456789abcdef0u };
	struct run run = { .readable = all_readable };
	u8 io[IO_BYTES] = { 0 }, mine[IO_BYTES];
	u32 out = IO_OUT, args = IO_ARGS, str = IO_ARGS + 512;
	int text = text_map(fmt);
	struct code c;
	u64 addr, r;

	for (u32 i = 0; i < nr; i++)
		memcpy(io + args + i * 8, &values[i % 5], 8);
	memcpy(io + str, "text\0\x01\x02", 7);
	memset(io + out, 0x55, 1024);
	memcpy(mine, io, sizeof(io));
	addr = addr_of(mine + str);
	memcpy(mine + args + 16, &addr, 8);
	r = ours(BPF_FUNC_snprintf, size ? addr_of(mine + out) : 0, size,
		 addr_of(fmt), nr ? addr_of(mine + args) : 0, nr * 8, &run);
	code_start(&c);
	emit_value(&c, 1, c.io, str);
	emit_value(&c, 2, c.io, args + 16);
	emit(&c, BPF_STX | BPF_MEM | BPF_DW, 2, 1, 0, 0);
	emit_mem(&c, 1, out, size);
	emit_imm(&c, 2, size);
	emit_value(&c, 3, text, 0);
	emit_mem(&c, 4, args, nr);
	emit_imm(&c, 5, nr * 8);
	emit_call(&c, BPF_FUNC_snprintf);
	emit_result(&c, 0);
	run_io(&c, io);
	close(text);
	if (u64_at(io) != r || memcmp(io + out, mine + out, 1024))
		fail_msg("snprintf \"%s\" with %u args in %u bytes: kernel %lld "
			 "'%.100s', ours %lld '%.100s'", fmt, nr, size,
			 (long long)u64_at(io), io + out, (long long)r,
			 mine + out);
}

/* A format that the verifier refuses at load (it reads constant ones) is one
 * that we refuse when it runs. */
static bool verifier_takes(const char *fmt, u32 nr)
{
	int text = text_map(fmt), fd;
	struct code c;

	code_start(&c);
	emit_imm(&c, 1, 0);
	emit_imm(&c, 2, 0);
	emit_value(&c, 3, text, 0);
	emit_mem(&c, 4, IO_ARGS, nr);
	emit_imm(&c, 5, nr * 8);
	emit_call(&c, BPF_FUNC_snprintf);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	fd = load(&c, BPF_PROG_TYPE_XDP, "GPL", NULL, 0);
	if (fd >= 0)
		close(fd);
	close(text);
	code_end(&c);
	return fd >= 0;
}

static bool we_take(const char *fmt, u32 nr)
{
	u64 args[12] = { 0 };
	struct run run = { 0 };

	return (s64)ours(BPF_FUNC_snprintf, 0, 0, addr_of(fmt), addr_of(args),
			 nr * 8, &run) >= 0;
}

/* The kernel miscounts what %p reads from memory when the room is at its end:
 * those only with room enough. */
static void test_formats(void **state)
{
	static const char *const fmts[] = {
		"", "plain", "100%%", "%d", "%d %d", "%d %u %s", "%i|%x|%s|%X",
		"%ld %lu %s %lx", "%lld %llu %s %c", "%5d|%-5d|%8s|", "%05d %+d",
		"% d %08lx %-8s|", "%lx %llX %s %c %lx", "%d %d %10s %5c|",
		"%d %x %.3s", "%d %d %pks", "%px", "%d %px", "%c%c%s%c",
		"%d %d %pI4", "%d %d %pi4", "%d %d %pI6", "%d %d %pi6",
		"%20px|", "a\nb\tc %d", "%-08d|", "%0-8d|", "%+05d", "%3d%%",
		"%1000d", "% +d", "%lX", "%02x%02x",
	};
	static const u32 sizes[] = { 0, 1, 2, 5, 64, 1024 };

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(fmts); i++)
		for (size_t j = 0; j < ARRAY_LEN(sizes); j++)
			for (u32 nr = 3; nr < 6; nr++)
				if (verifier_takes(fmts[i], nr) &&
				    (sizes[j] > 64 || !strstr(fmts[i], "%p")))
					format_case(fmts[i], nr, sizes[j]);
}

static void test_format_refusals(void **state)
{
	static const char chars[] = "%%%%%dxulics0+- 19pIi46KkSsBX.#z,\x80\x01\n_h";
	char fmt[12];

	need_kernel();
	rng = 77;
	for (int i = 0; i < 3000; i++) {
		u32 n = 1 + any(7), nr = any(4);

		for (u32 j = 0; j < n; j++)
			fmt[j] = chars[any(sizeof(chars) - 1)];
		if (any(2))
			fmt[0] = '%';
		fmt[n] = 0;
		if (verifier_takes(fmt, nr) != we_take(fmt, nr))
			fail_msg("format \"%s\" with %u args: kernel %d, ours %d",
				 fmt, nr, !we_take(fmt, nr), we_take(fmt, nr));
	}
}

/* ---- packets ------------------------------------------------------------------------ */

enum { CALLS = 6 };

struct packet_call {
	u32 id;
	s32 arg;
	u32 len;
};

static struct packet_call any_call(void)
{
	static const u32 ids[] = { BPF_FUNC_xdp_adjust_head,
		BPF_FUNC_xdp_adjust_tail, BPF_FUNC_xdp_adjust_meta,
		BPF_FUNC_xdp_get_buff_len, BPF_FUNC_xdp_load_bytes,
		BPF_FUNC_xdp_store_bytes };
	static const s32 deltas[] = { 0, 4, -4, 8, -8, 3, -32, 20, -20, -216,
		-217, -100, 86, 87, -86, -87, 100, 3420, 3421, 3000, -252, -256,
		-2147483647, 2147483647, 256, 252 };
	struct packet_call call = { .id = ids[any(6)],
		.arg = deltas[any(ARRAY_LEN(deltas))], .len = 1 + any(120) };

	if (call.id == BPF_FUNC_xdp_load_bytes || call.id == BPF_FUNC_xdp_store_bytes)
		call.arg = any(10) ? (s32)any(120) : (s32)any(70000);
	return call;
}

static void emit_packet_call(struct code *c, const struct packet_call *p, u32 i)
{
	bool bytes = p->id == BPF_FUNC_xdp_load_bytes ||
		     p->id == BPF_FUNC_xdp_store_bytes;

	emit_ctx(c, 1);
	emit_imm(c, 2, (u64)(s64)p->arg);
	if (bytes) {
		emit_value(c, 3, c->io, IO_OUT + i * 128);
		emit_imm(c, 4, p->len);
	}
	emit_call(c, p->id);
	emit_result(c, i);
}

static void packet_case(int round)
{
	struct packet_call calls[CALLS];
	u8 io[IO_BYTES] = { 0 }, mine[IO_BYTES], packet[PACKET], out[FRAME];
	static u8 frame[FRAME];
	struct run run = { .pkt = { .hard_start = frame, .data = frame + HEAD,
		.data_meta = frame + HEAD, .data_end = frame + HEAD + PACKET,
		.hard_end = frame + FRAME - TAIL } };
	struct code c;
	u32 n;

	for (u32 i = 0; i < PACKET; i++)
		packet[i] = (u8)any(256);
	for (u32 i = IO_OUT; i < IO_BYTES; i++)
		io[i] = (u8)any(256);
	memset(frame, 0, sizeof(frame));
	memcpy(frame + HEAD, packet, PACKET);
	memcpy(mine, io, sizeof(io));
	code_start(&c);
	for (u32 i = 0; i < CALLS; i++) {
		u64 r;

		calls[i] = any_call();
		emit_packet_call(&c, &calls[i], i);
		r = ours(calls[i].id, 0, (u64)(s64)calls[i].arg,
			 addr_of(mine + IO_OUT + i * 128), calls[i].len, 0, &run);
		memcpy(mine + i * 8, &r, 8);
	}
	io_set(&c, io);
	n = run_kernel(&c, packet, out);
	io_get(&c, io);
	code_end(&c);
	for (u32 i = 0; i < CALLS; i++)
		if (u64_at(io + i * 8) != u64_at(mine + i * 8))
			fail_msg("round %d call %u: helper %u arg %d len %u: "
				 "kernel %lld, ours %lld", round, i, calls[i].id,
				 calls[i].arg, calls[i].len,
				 (long long)u64_at(io + i * 8),
				 (long long)u64_at(mine + i * 8));
	assert_memory_equal(io, mine, IO_BYTES);
	assert_int_equal(n, run.pkt.data_end - run.pkt.data_meta);
	assert_memory_equal(out, run.pkt.data_meta, n);
}

static void test_packets(void **state)
{
	need_kernel();
	rng = 9;
	for (int i = 0; i < 400; i++)
		packet_case(i);
}

/* ---- tables -------------------------------------------------------------------------- */

static const u32 prog_types[] = {
	BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_KPROBE,
	BPF_PROG_TYPE_PERF_EVENT, BPF_PROG_TYPE_SOCK_OPS, BPF_PROG_TYPE_SK_SKB,
	BPF_PROG_TYPE_SK_MSG, BPF_PROG_TYPE_LWT_XMIT, BPF_PROG_TYPE_SYSCALL,
	BPF_PROG_TYPE_SK_REUSEPORT, BPF_PROG_TYPE_LWT_SEG6LOCAL,
};

/* What the kernel says to a call of helper ID by a program of TYPE that is not
 * GPL: -1 not available or unknown, 1 only for GPL programs, 0 something else. */
static int kernel_gpl(u32 id, u32 type)
{
	static char log[1 << 14];
	struct code c;
	int fd;

	c.n = 0;
	emit_call(&c, id);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	fd = load(&c, type, "BSD", log, sizeof(log));
	if (fd >= 0)
		close(fd);
	if (strstr(log, "GPL-restricted"))
		return 1;
	if (strstr(log, "cannot use helper") || strstr(log, "unknown func") ||
	    strstr(log, "invalid func") || strstr(log, "processed 0 insns"))
		return -1;
	return 0;
}

static void test_helper_table(void **state)
{
	u32 known = 0;

	need_kernel();
	for (u32 id = 1; helper_row(id); id++) {
		for (size_t i = 0; i < ARRAY_LEN(prog_types); i++) {
			int gpl = kernel_gpl(id, prog_types[i]);

			if (gpl < 0 && prog_types[i] == BPF_PROG_TYPE_XDP &&
			    call_helper(id, BPF_PROG_TYPE_XDP))
				fail_msg("%s is not for XDP", helper_row(id)->name);
			if (gpl < 0)
				continue;
			if (gpl != helper_row(id)->gpl)
				fail_msg("%s: gpl is %d, in the kernel %d, type %u",
					 helper_row(id)->name,
					 helper_row(id)->gpl, gpl, prog_types[i]);
			known++;
			break;
		}
	}
	assert_true(known > 120);
}

static void test_xdp_context(void **state)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	const struct ctx_desc *d = ctx_desc(BPF_PROG_TYPE_XDP);

	need_kernel();
	for (s16 off = 0; off <= (s16)d->size; off++) {
		for (u32 i = 0; i < 8; i++) {
			const struct ctx_field *f = ctx_field(d, (u64)off, 1u << i % 4);
			struct code c = { .n = 0 };
			int fd;

			if (i < 4)
				emit(&c, BPF_LDX | BPF_MEM | sizes[i], 0, 1, off, 0);
			else
				emit(&c, BPF_ST | BPF_MEM | sizes[i - 4], 1, 0, off, 0);
			emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2);
			emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
			fd = load(&c, BPF_PROG_TYPE_XDP, "GPL", NULL, 0);
			if (fd >= 0)
				close(fd);
			if (f && f->off + 4 > 16 + 4) /* egress: devmap programs only */
				continue;
			if ((fd >= 0) != (f && f->flags & (i < 4 ? CTX_READ : CTX_WRITE)))
				fail_msg("xdp_md offset %d, access %u: kernel %d, "
					 "ours %s", off, i, fd, f ? f->name : "none");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csum_diff),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strncmp),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_format_refusals),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_helper_table),
		cmocka_unit_test(test_xdp_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

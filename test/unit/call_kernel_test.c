/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call_kernel_test.c: our helper bodies and the model's tables against the
 * running kernel: XDP programs of a few instructions make one call with the
 * same arguments, run by BPF_PROG_TEST_RUN. Loads programs, attaches nothing.
 */
#include "call/call.h"
#include "base/os.h"
#include <stdlib.h>
#include "helper_probe.h"
#include "model/format.h"
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

	need_kernel_since(6, 18, "bpf_csum_diff does not fold its sum");
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

	need_old_kernel();
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

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t j = 0; j < ARRAY_LEN(texts); j++)
			for (u32 n = 1; n < 6; n++)
				strncmp_case(texts[i], n, texts[j]);
}

/* ---- the caller, memory, dynptrs ---------------------------------------------------- */

/* Helper ID on SIZE bytes of IO_OUT, and what stands there afterwards. */
static void caller_case(u32 id, u64 arg1, u32 size)
{
	u8 io[IO_BYTES] = { 0 }, mine[64];
	struct run run = { 0 };
	struct code c;
	u64 r;

	memset(io + IO_OUT, 0x55, sizeof(mine));
	memset(mine, 0x55, sizeof(mine));
	r = size ? ours(id, addr_of(mine), size, 0, 0, 0, &run) : ours(id, arg1, 0, 0, 0, 0, &run);
	code_start(&c);
	emit_imm(&c, 1, arg1);
	if (size) {
		emit_value(&c, 1, c.io, IO_OUT);
		emit_imm(&c, 2, size);
	}
	emit_call(&c, id);
	emit_result(&c, 0);
	run_io(&c, io);
	if (u64_at(io) != r || memcmp(io + IO_OUT, mine, sizeof(mine)))
		fail_msg("%s(%llu): kernel %llx, ours %llx, '%.16s', '%.16s'",
			 helper_row(id)->name, (unsigned long long)arg1,
			 (unsigned long long)u64_at(io), (unsigned long long)r,
			 io + IO_OUT, mine);
}

static void test_caller(void **state)
{
	need_kernel_since(6, 18, "XDP programs may not ask for the task");
	caller_case(BPF_FUNC_get_current_pid_tgid, 0, 0);
	caller_case(BPF_FUNC_get_current_uid_gid, 0, 0);
	for (u32 size = 1; size < 40; size++)
		caller_case(BPF_FUNC_get_current_comm, 0, size);
	if (!os_cgroup_id(-1))
		return;
	caller_case(BPF_FUNC_get_current_cgroup_id, 0, 0);
	for (u32 level = 0; level < 12; level++)
		caller_case(BPF_FUNC_get_current_ancestor_cgroup_id, level, 0);
}

/* The kernel's clocks are read between two looks at ours. */
static void test_clocks(void **state)
{
	static const u32 ids[] = { BPF_FUNC_ktime_get_ns, BPF_FUNC_ktime_get_boot_ns,
		BPF_FUNC_ktime_get_coarse_ns, BPF_FUNC_ktime_get_tai_ns };

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		u8 io[IO_BYTES] = { 0 };
		struct run run = { 0 };
		struct code c;
		u64 before;

		code_start(&c);
		emit_call(&c, ids[i]);
		emit_result(&c, 0);
		before = ours(ids[i], 0, 0, 0, 0, 0, &run);
		run_io(&c, io);
		assert_in_range(u64_at(io), before, ours(ids[i], 0, 0, 0, 0, 0, &run));
	}
}

static u64 all_readable(struct run *run, u64 addr)
{
	return addr ? UINT32_MAX : 0;
}

static u64 none_readable(struct run *run, u64 addr) { return 0; }

/* Reads SIZE bytes of the argument area, or at BAD when that is not 0. */
static void probe_case(u32 id, u32 size, const char *text, u64 bad)
{
	u8 io[IO_BYTES] = { 0 }, mine[IO_BYTES];
	struct run run = { .readable = all_readable };
	const s64 fault = -EFAULT;
	struct code c;
	u64 r;

	memset(io + IO_OUT, 0x55, 512);
	memset(io + IO_ARGS, 'x', 1024);
	memcpy(io + IO_ARGS, text, strlen(text) + 1);
	memcpy(mine, io, sizeof(io));
	if (bad)
		run.readable = none_readable;
	r = call_helper(id, BPF_PROG_TYPE_RAW_TRACEPOINT)(addr_of(mine + IO_OUT), size,
		bad ? bad : addr_of(mine + IO_ARGS), 0, 0, &run);
	memcpy(mine, &r, 8);
	code_start(&c);
	emit_value(&c, 1, c.io, IO_OUT);
	emit_imm(&c, 2, size);
	if (bad)
		emit_imm(&c, 3, bad);
	else
		emit_value(&c, 3, c.io, IO_ARGS);
	if (id == BPF_FUNC_probe_read || id == BPF_FUNC_probe_read_str) {	/* not XDP's */
		io_set(&c, io);
		run_bare(&c, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, id, io);
	} else {
		emit_call(&c, id);
		emit_result(&c, 0);
		run_io(&c, io);
	}
	if ((s64)u64_at(io) == -ERANGE)	/* on x86: not the kernel's half; we have no halves */
		memcpy(io, &fault, sizeof(fault));
	if (memcmp(io, mine, sizeof(io)))
		fail_msg("%s of %u bytes, '%.20s', %llx: kernel %lld '%.20s', ours %lld '%.20s'",
			 helper_row(id)->name, size, text, (unsigned long long)bad,
			 (long long)u64_at(io), io + IO_OUT, (long long)r, mine + IO_OUT);
}

static void test_probes(void **state)
{
	static const u32 sizes[] = { 1, 2, 4, 5, 8, 200, 256, 257, 512 };
	static const char *const texts[] = { "", "abc", "abcd", "a rather longer text" };
	static const u64 bad[] = { 1, 4096, 1ull << 63 };

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			probe_case(BPF_FUNC_probe_read_kernel, sizes[i], texts[k], 0);
			probe_case(BPF_FUNC_probe_read_kernel_str, sizes[i], texts[k], 0);
			probe_case(BPF_FUNC_probe_read, sizes[i], texts[k], 0);
			probe_case(BPF_FUNC_probe_read_str, sizes[i], texts[k], 0);
		}
		for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
			probe_case(BPF_FUNC_probe_read_kernel, sizes[i], "", bad[k]);
			probe_case(BPF_FUNC_probe_read_kernel_str, sizes[i], "", bad[k]);
			probe_case(BPF_FUNC_probe_read_user, sizes[i], "", bad[k]);
			probe_case(BPF_FUNC_probe_read_user_str, sizes[i], "", bad[k]);
			probe_case(BPF_FUNC_probe_read, sizes[i], "", bad[k]);
			probe_case(BPF_FUNC_probe_read_str, sizes[i], "", bad[k]);
		}
	}
}

/* SIZE bytes of this process at FROM, by a program that may sleep. */
static void copy_case(const u8 *from, u32 size)
{
	u8 io[IO_BYTES] = { 0 }, mine[IO_BYTES];
	struct run run = { .task.probe = true };
	struct code c;
	u64 r;

	memset(io + IO_OUT, 0x55, 512);
	memcpy(mine, io, sizeof(io));
	r = ours(BPF_FUNC_copy_from_user, addr_of(mine + IO_OUT), size, addr_of(from), 0, 0, &run);
	memcpy(mine, &r, 8);
	code_start(&c);
	io_set(&c, io);
	emit_value(&c, 1, c.io, IO_OUT);
	emit_imm(&c, 2, size);
	emit_imm(&c, 3, addr_of(from));
	run_bare(&c, BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, BPF_FUNC_copy_from_user, io);
	if (memcmp(io, mine, sizeof(io)))
		fail_msg("%u bytes at %p: kernel %lld, ours %lld, or other bytes", size,
			 (const void *)from, (long long)u64_at(io), (long long)r);
}

static void test_copy_from_user(void **state)
{
	static const u32 sizes[] = { 0, 1, 7, 8, 100, 512 };
	u32 page = os_page();
	u8 *p = os_map_lazy(2ul * page);

	need_old_kernel();
	assert_non_null(p);
	os_unmap(p + page, page);
	for (u32 i = 0; i < page; i++)
		p[i] = (u8)(i * 7 + i / 256);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		copy_case(p, sizes[i]);
		copy_case(p + page - sizes[i], sizes[i]);
		copy_case(p + page, sizes[i]);
		copy_case(NULL, sizes[i]);
		if (sizes[i] > 1)	/* what is there before the hole is not given */
			copy_case(p + page - sizes[i] / 2, sizes[i]);
	}
	os_unmap(p, page);
}

/* A test run is attached to nothing, as all of ours are. */
static void test_cookie(void **state)
{
	struct run run = { 0 };
	struct code c;

	need_kernel_since(6, 10, "raw tracepoints have no cookies");
	code_start(&c);
	emit_ctx(&c, 1);
	assert_int_equal(run_raw(&c, BPF_FUNC_get_attach_cookie),
			 call_helper(BPF_FUNC_get_attach_cookie, BPF_PROG_TYPE_RAW_TRACEPOINT)(
				0, 0, 0, 0, 0, &run));
}

/* r10 - 16, the dynptr. */
static void emit_dynptr(struct code *c, u8 reg)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, 10, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, -16);
}

static void dynptr_ours(u8 *mine, u32 size, u64 flags, u32 off, u32 len)
{
	struct run run = { 0 };
	u64 d[2], r[3];

	r[0] = ours(BPF_FUNC_dynptr_from_mem, addr_of(mine + IO_ARGS), size, flags,
		    addr_of(d), 0, &run);
	r[1] = ours(BPF_FUNC_dynptr_read, addr_of(mine + IO_OUT), len, addr_of(d), off, 0, &run);
	r[2] = ours(BPF_FUNC_dynptr_write, addr_of(d), off, addr_of(mine + IO_OUT + 64), len, 0,
		    &run);
	memcpy(mine, r, sizeof(r));
}

static void dynptr_case(u32 size, u64 flags, u32 off, u32 len)
{
	u8 io[IO_BYTES] = { 0 }, mine[IO_BYTES];
	struct code c;

	for (u32 i = IO_ARGS; i < IO_BYTES; i++)
		io[i] = (u8)i;
	memcpy(mine, io, sizeof(io));
	dynptr_ours(mine, size, flags, off, len);
	code_start(&c);
	emit_value(&c, 1, c.io, IO_ARGS);
	emit_imm(&c, 2, size);
	emit_imm(&c, 3, flags);
	emit_dynptr(&c, 4);
	emit_call(&c, BPF_FUNC_dynptr_from_mem);
	emit_result(&c, 0);
	emit_value(&c, 1, c.io, IO_OUT);
	emit_imm(&c, 2, len);
	emit_dynptr(&c, 3);
	emit_imm(&c, 4, off);
	emit_imm(&c, 5, 0);
	emit_call(&c, BPF_FUNC_dynptr_read);
	emit_result(&c, 1);
	emit_dynptr(&c, 1);
	emit_imm(&c, 2, off);
	emit_value(&c, 3, c.io, IO_OUT + 64);
	emit_imm(&c, 4, len);
	emit_imm(&c, 5, 0);
	emit_call(&c, BPF_FUNC_dynptr_write);
	emit_result(&c, 2);
	run_io(&c, io);
	if (memcmp(io, mine, sizeof(io)))
		fail_msg("dynptr of %u bytes, flags %llu, %u..%u: kernel %lld %lld %lld, "
			 "ours %lld %lld %lld", size, (unsigned long long)flags, off, len,
			 (long long)u64_at(io), (long long)u64_at(io + 8),
			 (long long)u64_at(io + 16), (long long)u64_at(mine),
			 (long long)u64_at(mine + 8), (long long)u64_at(mine + 16));
}

static void test_dynptrs(void **state)
{
	static const u32 sizes[] = { 1, 8, 31, 32 }, offs[] = { 0, 1, 8, 31, 32, 0xffffffff };

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t k = 0; k < ARRAY_LEN(offs); k++)
			for (u32 len = 1; len < 34; len += 8)
				for (u64 flags = 0; flags < 2; flags++)
					dynptr_case(sizes[i], flags, offs[k], len);
}

/* ---- formats ------------------------------------------------------------------------ */

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

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(fmts); i++)
		for (size_t j = 0; j < ARRAY_LEN(sizes); j++)
			for (u32 nr = 3; nr < 6; nr++)
				if (verifier_takes(fmts[i], nr) &&
				    (sizes[j] > 64 || !strstr(fmts[i], "%p")))
					format_case(fmts[i], nr, sizes[j]);
}

static void same_answer(const char *fmt, u32 nr)
{
	if (verifier_takes(fmt, nr) != we_take(fmt, nr))
		fail_msg("format \"%s\" with %u args: kernel %d, ours %d",
			 fmt, nr, !we_take(fmt, nr), we_take(fmt, nr));
	assert_int_equal(we_take(fmt, nr), !format_bad(fmt, nr));
}

static void test_format_refusals(void **state)
{
	static const char chars[] = "%%%%%dxulics0+- 19pIi46KkSsBX.#z,\x80\x01\n_h";
	char fmt[12];

	need_old_kernel();
	rng = 77;
	for (int i = 0; i < 3000; i++) {
		u32 n = 1 + any(7), nr = any(4);

		for (u32 j = 0; j < n; j++)
			fmt[j] = chars[any(sizeof(chars) - 1)];
		if (any(2))
			fmt[0] = '%';
		fmt[n] = 0;
		same_answer(fmt, nr);
	}
}

/* Every byte behind each beginning; every conversion of up to three characters. */
static void test_all_conversions(void **state)
{
	static const char *const begins[] = { "", "%", "%l", "%ll", "%p", "%s", "%d", "%pk",
		"%pks", "%pI", "%pI4", "%pB", "%0", "%5", "%-", "%p%" };
	static const char chars[] = "%dlsxpIk40- c";
	char fmt[12];

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		for (u32 c = 1; c < 256; c++) {
			snprintf(fmt, sizeof(fmt), "%s%c", begins[i], (char)c);
			same_answer(fmt, 1);
		}
	for (u32 i = 0; i < 13 * 13 * 13; i++) {
		snprintf(fmt, sizeof(fmt), "%%%c%c%c", chars[i / 169], chars[i / 13 % 13],
			 chars[i % 13]);
		same_answer(fmt, 1);
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
	need_kernel_since(6, 18, "XDP metadata has at most 32 bytes");
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

	need_kernel_since(6, 18, "fewer helpers for some program types");
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

/* helper_types.def. A kernel with other options may offer less to a type. */
static void test_helper_types(void **state)
{
	static u32 ids[ARRAY_LEN(probe_cases)];
	struct arena arena = ARENA_INIT;
	struct btf *btf = NULL;
	struct os_file f;

	need_kernel_since(6, 18, "fewer helpers for some program types");
	if (!os_file_read(&f, "/sys/kernel/btf/vmlinux", NULL))
		btf_parse(&btf, &arena, f.data, f.size, "vmlinux", NULL);
	for (size_t i = 0; i < ARRAY_LEN(probe_cases); i++)
		ids[i] = probe_btf_id(&probe_cases[i], btf);
	for (u32 id = 1; helper_row(id); id++) {
		u64 asked = 0, types = probe_types(id, ids, &asked);

		for (u32 type = 1; type < 64; type++)
			if (asked >> type & 1 && (types >> type & 1) != helper_offered(id, type))
				fail_msg("%s for %s: kernel %d, ours %d", helper_row(id)->name,
					 progtype_row(type)->name, (int)(types >> type & 1),
					 helper_offered(id, type));
	}
	os_file_close(&f);
	arena_free(&arena);
}

static void test_licenses(void **state)
{
	static const char *const texts[] = { "", "GPL", "GPL v2", "GPL v3", "gpl", "BSD",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL", "Dual GPL/BSD", "GPL ",
		"GPL and additional rights", "Apache-2.0", "GPL-2.0" };
	char log[1 << 12];

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		probe_log(&(struct probe_case){ .type = BPF_PROG_TYPE_XDP }, 0,
			  BPF_FUNC_trace_printk, texts[i], log, sizeof(log));
		if (license_is_gpl(texts[i]) != !strstr(log, "cannot call GPL-restricted "
							"function from non-GPL compatible program"))
			fail_msg("license '%s': ours %d, kernel: %s", texts[i],
				 license_is_gpl(texts[i]), log);
	}
}

static void test_xdp_context(void **state)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	const struct ctx_desc *d = ctx_desc(BPF_PROG_TYPE_XDP);

	need_old_kernel();
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
		cmocka_unit_test(test_caller),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_copy_from_user),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_dynptrs),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_format_refusals),
		cmocka_unit_test(test_all_conversions),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_helper_table),
		cmocka_unit_test(test_helper_types),
		cmocka_unit_test(test_licenses),
		cmocka_unit_test(test_xdp_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

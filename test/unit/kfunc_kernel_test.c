/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfunc_kernel_test.c: the kernel's functions that call/ has against the running
 * kernel's own: XDP programs of a few instructions call them with the same
 * arguments, run by BPF_PROG_TEST_RUN. Loads programs, attaches nothing.
 */
#include "base/os.h"
#include "btf/btf.h"
#include "kernel_prog.h"
#include "model/tables.h"
#include <stdlib.h>

static struct btf_file vmlinux;

static int open_types(void **state)
{
	return no_kernel() ? 0 : btf_open_file(&vmlinux, "/sys/kernel/btf/vmlinux", NULL, NULL);
}

static int close_types(void **state)
{
	btf_close_file(&vmlinux);
	return 0;
}

/* The number of bpf_NAME in the kernel's types. */
static u32 kfunc_id(const char *name)
{
	char full[64];
	u32 id;

	snprintf(full, sizeof(full), "bpf_%s", name);
	id = btf_find(vmlinux.btf, full, BTF_KIND_FUNC);
	if (!id)
		fail_msg("the kernel has no function %s", full);
	return id;
}

static void emit_kfunc(struct code *c, const char *name)
{
	emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (s32)kfunc_id(name));
}

static u64 our_kfunc(const char *name, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run)
{
	char full[64];
	helper_fn fn;

	snprintf(full, sizeof(full), "bpf_%s", name);
	fn = call_kfunc(full, BPF_PROG_TYPE_XDP);
	if (!fn)
		fail_msg("no body for %s", full);
	return fn(r1, r2, r3, r4, r5, run);
}

/* ---- who may call what ------------------------------------------------------------- */

static const u32 prog_types[] = {
	BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_SCHED_CLS,
	BPF_PROG_TYPE_SCHED_ACT, BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_XDP,
	BPF_PROG_TYPE_PERF_EVENT, BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_LWT_IN,
	BPF_PROG_TYPE_LWT_OUT, BPF_PROG_TYPE_LWT_XMIT, BPF_PROG_TYPE_SOCK_OPS,
	BPF_PROG_TYPE_SK_SKB, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_PROG_TYPE_SK_MSG,
	BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_LWT_SEG6LOCAL, BPF_PROG_TYPE_SK_REUSEPORT,
	BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_PROG_TYPE_SYSCALL,
};

static bool kernel_allows(const char *name, u32 type)
{
	static char log[1 << 14];
	struct code c = { .n = 0 };
	union bpf_attr a = { .prog_type = type, .insns = (uintptr_t)c.insns, .license =
		(uintptr_t)"GPL", .log_level = 1, .log_size = sizeof(log), .log_buf =
		(uintptr_t)log };
	int fd;

	emit_kfunc(&c, name);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	a.insn_cnt = c.n;
	if (type == BPF_PROG_TYPE_SYSCALL)
		a.prog_flags = BPF_F_SLEEPABLE;
	log[0] = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return !strstr(log, "is not allowed");
}

static void test_types(void **state)
{
	need_kernel();
	for (const struct helper_row *k = kfunc_next(NULL); k; k = kfunc_next(k))
		for (size_t i = 0; i < ARRAY_LEN(prog_types); i++)
			if (kernel_allows(k->name, prog_types[i]) != (k->types >> prog_types[i] & 1))
				fail_msg("bpf_%s for %s: kernel %d", k->name,
					 progtype_row(prog_types[i])->name,
					 kernel_allows(k->name, prog_types[i]));
}

/* ---- text ---------------------------------------------------------------------------- */

enum { TEXT_A = IO_ARGS, TEXT_B = IO_OUT };

/* The memory that programs may read: IO. */
static u8 text_io[IO_BYTES];

static u64 text_readable(struct run *run, u64 addr)
{
	u64 off = addr - addr_of(text_io);

	return off < IO_BYTES ? IO_BYTES - off : 0;
}

struct text_call {
	const char *name;
	u8 args[3];	/* a, b: the texts; c: a character; n: a length */
};

static const struct text_call text_calls[] = {
	{ "strcmp", "ab" }, { "strcasecmp", "ab" }, { "strchr", "ac" }, { "strchrnul", "ac" },
	{ "strnchr", "anc" }, { "strrchr", "ac" }, { "strlen", "a" }, { "strnlen", "an" },
	{ "strspn", "ab" }, { "strcspn", "ab" }, { "strstr", "ab" }, { "strnstr", "abn" },
};

static void any_text(u8 *out, u32 alphabet)
{
	static const u8 chars[] = "aAbzZ\x80\xff [{@";
	u32 n = any(4) ? any(6) : any(2) ? 0 : any(40);

	for (u32 i = 0; i < n; i++)
		out[i] = chars[any(alphabet)];
	out[n] = 0;
}

static u64 text_arg(struct code *c, u8 reg, u8 kind, bool bad)
{
	static const u64 lengths[] = { 0, 1, 2, 3, 5, 6, 7, 50, 70000, UINT64_MAX };
	u64 v = kind == 'c' ? (u64)"aAbzZ\x80\xff\0x"[any(9)] & 0xff :
		kind == 'n' ? lengths[any(ARRAY_LEN(lengths))] : 0;
	u32 off = kind == 'a' ? TEXT_A : TEXT_B;

	if (v || kind == 'c' || kind == 'n' || bad) {
		emit_imm(c, reg, v);
		return v;
	}
	emit_value(c, reg, c->io, off);
	return addr_of(text_io + off);
}

static void text_case(u32 seed, const struct text_call *t)
{
	struct run run = { .readable = text_readable };
	u8 io[IO_BYTES];
	u64 r[3] = { 0 };
	struct code c;
	s32 mine;

	rng = seed;
	memset(text_io, 0, sizeof(text_io));
	any_text(text_io + TEXT_A, 2 + any(9));
	any_text(text_io + TEXT_B, 2 + any(9));
	memcpy(io, text_io, sizeof(io));
	code_start(&c);
	for (u32 i = 0; i < 3 && t->args[i]; i++)
		r[i] = text_arg(&c, (u8)(i + 1), t->args[i], any(30) == 0);
	emit_kfunc(&c, t->name);
	emit_result(&c, 0);
	run_io(&c, io);
	mine = (s32)our_kfunc(t->name, r[0], r[1], r[2], 0, 0, &run);
	if ((s32)u64_at(io) != mine)
		fail_msg("seed %u: %s(%llx, %llx, %llx), '%s' and '%s': kernel %d, ours %d", seed,
			 t->name, (unsigned long long)r[0], (unsigned long long)r[1],
			 (unsigned long long)r[2], text_io + TEXT_A, text_io + TEXT_B,
			 (s32)u64_at(io), mine);
}

static void test_text(void **state)
{
	need_kernel();
	for (u32 i = 0; i < 250; i++)
		for (size_t k = 0; k < ARRAY_LEN(text_calls); k++)
			text_case(i * 100 + (u32)k, &text_calls[k]);
}


/* The kernel looks at 64 KB; more is -E2BIG. */
enum { LONG_BYTES = 70000 };
static u8 long_text[LONG_BYTES];

static u64 long_readable(struct run *run, u64 addr)
{
	u64 off = addr - addr_of(long_text);

	return off < LONG_BYTES ? LONG_BYTES - off : 0;
}

static int long_map(void)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = LONG_BYTES, .max_entries = 1 };
	u32 key = 0;
	int fd = kmap_create(&m);
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&key,
		.value = (uintptr_t)long_text };

	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
	return fd;
}

static void long_case(const char *name, u64 r2, u64 r3, bool text2)
{
	struct run run = { .readable = long_readable };
	u8 io[IO_BYTES] = { 0 };
	struct code c;
	int fd = long_map();
	s32 mine;

	code_start(&c);
	emit_value(&c, 1, fd, 0);
	if (text2)
		emit_value(&c, 2, fd, 0);
	else
		emit_imm(&c, 2, r2);
	emit_imm(&c, 3, r3);
	emit_kfunc(&c, name);
	emit_result(&c, 0);
	run_io(&c, io);
	close(fd);
	mine = (s32)our_kfunc(name, addr_of(long_text), text2 ? addr_of(long_text) : r2, r3, 0, 0,
			      &run);
	if ((s32)u64_at(io) != mine)
		fail_msg("%s(%llu, %llu) of %zu bytes: kernel %d, ours %d", name,
			 (unsigned long long)r2, (unsigned long long)r3,
			 strlen((char *)long_text), (s32)u64_at(io), mine);
}

static void test_long_text(void **state)
{
	static const u32 ends[] = { 65534, 65535, 65536, 65537, 69999 };
	static const u64 counts[] = { 65533, 65534, 65535, 65536, 65537, 80000 };

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		memset(long_text, 'a', LONG_BYTES);
		long_text[ends[i]] = 0;
		long_case("strlen", 0, 0, false);
		long_case("strchr", 'b', 0, false);
		long_case("strchr", 0, 0, false);
		long_case("strchrnul", 'b', 0, false);
		long_case("strrchr", 'a', 0, false);
		long_case("strcmp", 0, 0, true);
		for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
			long_case("strnlen", counts[k], 0, false);
			long_case("strnchr", counts[k], 'b', false);
			long_case("strnstr", 0, counts[k], true);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_long_text),
	};

	return cmocka_run_group_tests(tests, open_types, close_types);
}

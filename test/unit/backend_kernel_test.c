/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend_kernel_test.c: the kernel as a backend: test runs of each program type
 * that has one, elements in batches, pins, memory of maps. Attaches nothing but
 * to the kernel's own test functions; pins in a file system of its own.
 */
#include "runtime/runtime.h"
#include "kernel/kernel.h"
#include "isa/isa.h"
#include "model/tables.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include "kernel_bpf.h"
#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PACKET = 100, PORT = 80 };

static struct skep_err err;

static const struct bpf_insn end = { .code = BPF_JMP | BPF_EXIT };

static struct bpf_insn set(u8 reg, s32 value)
{
	return (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value };
}

static struct bpf_insn load_ctx(u8 size, u8 reg, s16 off)
{
	return (struct bpf_insn){ (u8)(BPF_LDX | BPF_MEM | size), reg, 1, off, 0 };
}

static struct backend *opened(void)
{
	struct backend *b;

	if (kernel_open(&b, NULL, &err))
		fail_msg("%s", err.text);
	return b;
}

/* ---- test runs -------------------------------------------------------------------- */

/* A program as of section SECTION, loaded; false: refused, ERR says why. */
static bool load_as(struct backend *b, struct image **img, const char *section,
		    const struct bpf_insn *insns, size_t n)
{
	const struct sec_row *row = sec_row(section);
	struct image_prog *p;

	assert_non_null(row);
	assert_int_equal(obj_from_insns(img, row->type, "p", insns, n, NULL, 0, "GPL", &err), 0);
	p = (*img)->progs;
	p->section = section;
	p->sec = row;
	p->target = sec_target(row, section);
	p->expected_attach = row->attach;
	return !b->ops->prog_load(b, *img, 0, NULL, NULL, &err);
}

static u8 out[PACKET], ctx_out[1024];

/* Loads and runs; what the run failed with. */
static int run_as(const char *section, const struct bpf_insn *insns, size_t n,
		  struct test_run *t)
{
	struct backend *b = opened();
	struct image *img;
	int r;

	if (!load_as(b, &img, section, insns, n))
		fail_msg("%s: %s", section, err.text);
	r = b->ops->test_run(b, 0, t, &err);
	if (!r && t->bytes_out <= PACKET)
		t->data_out = t->data_out ? memcpy(out, t->data_out, t->bytes_out) : NULL;
	if (!r && t->ctx_out)
		t->ctx_out = memcpy(ctx_out, t->ctx_out, t->ctx_out_bytes);
	b->ops->close(b);
	image_free(img);
	return r;
}

/* An IPv4 packet of UDP, with its Ethernet header. */
static const u8 *packet(void)
{
	static u8 p[PACKET] = { [12] = 8, [14] = 0x45, [17] = PACKET - 14, [22] = 64, [23] = 17,
		[26] = 10, [29] = 1, [30] = 10, [33] = 2, [39] = PACKET - 34 };

	return p;
}

/* The return value comes out, and the packet as it went in. */
static void test_run_packets(void **state)
{
	static const struct { const char *section; bool same; } rows[] = {
		{ "xdp", true }, { "tc", true }, { "action", true }, { "socket", false },
		{ "cgroup_skb/ingress", false }, { "lwt_in", false }, { "lwt_out", false },
		{ "lwt_xmit", false },
	};
	const struct bpf_insn insns[] = { set(0, 1), end };

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct test_run t = { .data = packet(), .bytes = PACKET, .retval = 77 };

		if (run_as(rows[i].section, insns, 2, &t))
			fail_msg("%s: %s", rows[i].section, err.text);
		assert_int_equal(t.retval, 1);
		assert_int_equal(t.bytes_out, PACKET);
		if (rows[i].same)
			assert_memory_equal(t.data_out, packet(), PACKET);
	}
}

static void test_run_netfilter(void **state)
{
	struct test_run t = { .data = packet(), .bytes = PACKET, .retval = 77 };
	const struct bpf_insn insns[] = { set(0, 1), end };

	need_kernel_since(6, 4, "there are no programs of type netfilter");
	if (run_as("netfilter", insns, 2, &t))
		fail_msg("%s", err.text);
	assert_int_equal(t.retval, 1);
	assert_int_equal(t.bytes_out, PACKET);
}

/* What the dissector found out is what comes out. */
static void test_run_dissector(void **state)
{
	struct test_run t = { .data = packet(), .bytes = PACKET, .retval = 77 };
	const struct bpf_insn insns[] = { set(0, 0), end };

	need_old_kernel();
	if (run_as("flow_dissector", insns, 2, &t))
		fail_msg("%s", err.text);
	assert_int_equal(t.retval, 0);
	assert_int_equal(t.bytes_out, PACKET);
	assert_int_equal(t.ctx_out_bytes, sizeof(struct bpf_flow_keys));
	assert_int_equal(((const struct bpf_flow_keys *)t.ctx_out)->nhoff, 14);
}

/* The program says 1 for port 80. */
static void test_run_lookup(void **state)
{
	const struct bpf_insn insns[] = {
		load_ctx(BPF_W, 2, offsetof(struct bpf_sk_lookup, local_port)),
		set(0, 1),
		{ BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1, PORT },
		set(0, 0), end,
	};
	struct bpf_sk_lookup ctx = { .family = AF_INET, .protocol = IPPROTO_TCP,
		.local_port = PORT };
	struct test_run t = { .ctx_in = &ctx, .ctx_in_bytes = sizeof(ctx) }, none = { 0 };

	need_old_kernel();
	if (run_as("sk_lookup", insns, ARRAY_LEN(insns), &t))
		fail_msg("%s", err.text);
	assert_int_equal(t.retval, 1);
	assert_int_equal(((const struct bpf_sk_lookup *)t.ctx_out)->local_port, PORT);
	if (run_as("sk_lookup", insns, ARRAY_LEN(insns), &none))
		fail_msg("%s", err.text);
	assert_int_equal(none.retval, 0);
}

static void test_run_raw_tp(void **state)
{
	const struct bpf_insn insns[] = { load_ctx(BPF_DW, 0, 8), end };
	const u64 args[] = { 1, 4711 };
	struct test_run t = { .ctx_in = args, .ctx_in_bytes = sizeof(args) };

	need_old_kernel();
	if (run_as("raw_tp/task_rename", insns, 2, &t))
		fail_msg("%s", err.text);
	assert_int_equal(t.retval, 4711);
	/* fewer arguments than the program reads */
	t.ctx_in_bytes = 8;
	assert_true(run_as("raw_tp/task_rename", insns, 2, &t) < 0);
	assert_non_null(strstr(err.text, "context of 8 bytes"));
}

static void test_run_syscall(void **state)
{
	const struct bpf_insn insns[] = {
		set(2, 42), { BPF_STX | BPF_MEM | BPF_W, 1, 2, 4, 0 }, set(0, 5), end,
	};
	const u32 words[2] = { 1, 2 };
	struct test_run t = { .ctx_in = words, .ctx_in_bytes = sizeof(words) };
	struct backend *b;
	struct image *img;

	need_old_kernel();
	b = opened();
	if (!load_as(b, &img, "syscall", insns, 4) || b->ops->test_run(b, 0, &t, &err))
		fail_msg("%s", err.text);
	assert_int_equal(t.retval, 5);
	assert_int_equal(t.ctx_out_bytes, sizeof(words));
	assert_int_equal(((const u32 *)t.ctx_out)[0], 1);
	assert_int_equal(((const u32 *)t.ctx_out)[1], 42);
	b->ops->close(b);
	image_free(img);
}

/* A program at one of the kernel's test functions writes 7 to a map. */
static bool run_fentry(struct backend *b, struct image **img, u64 *value)
{
	static const struct image_map def = { .name = "m", .type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4, .value_size = 8, .max_entries = 1 };
	const struct bpf_insn insns[] = {
		{ BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0 }, { 0 },
		{ BPF_ST | BPF_MEM | BPF_DW, 1, 0, 0, 7 }, set(0, 0), end,
	};
	struct test_run t = { 0 };
	struct image_prog *p;
	u32 map = 0, key = 0;

	assert_int_equal(obj_from_insns(img, BPF_PROG_TYPE_TRACING, "p", insns, 5, &def, 1, "GPL",
					&err), 0);
	p = (*img)->progs;
	p->section = "fentry/bpf_fentry_test1";
	p->sec = sec_row(p->section);
	p->target = "bpf_fentry_test1";
	p->expected_attach = BPF_TRACE_FENTRY;
	assert_int_equal(b->ops->map_create(b, &def, &err), 0);
	if (b->ops->prog_load(b, *img, 0, &map, NULL, &err))
		return false;
	if (b->ops->test_run(b, 0, &t, &err))
		fail_msg("%s", err.text);
	return !b->ops->map_lookup(b, 0, &key, value, 0);
}

static void test_run_tracing(void **state)
{
	struct backend *b;
	struct image *img;
	u64 value = 0;
	bool ran;

	need_old_kernel();
	b = opened();
	ran = run_fentry(b, &img, &value);
	b->ops->close(b);
	image_free(img);
	if (ran) {
		assert_int_equal(value, 7);
		return;
	}
	/* refused, and not for what the program is */
	if (!strstr(err.text, "a rule of this system") && !strstr(err.text, "no CAP_"))
		fail_msg("%s", err.text);
	skip_as("this system lets nobody load fentry programs");
}

static void test_no_run(void **state)
{
	const struct bpf_insn insns[] = { set(0, 1), end };
	struct test_run t = { .data = packet(), .bytes = PACKET };

	need_old_kernel();
	assert_true(run_as("lwt_seg6local", insns, 2, &t) < 0);
	assert_non_null(strstr(err.text, "no test run for programs of type lwt_seg6local"));
	assert_true(run_as("sockops", insns, 2, &t) < 0);
	assert_non_null(strstr(err.text, "no test run for programs of type sock_ops"));
}

/* ---- what is not there --------------------------------------------------------------- */

static void refused(const char *section, const char *says)
{
	const struct bpf_insn insns[] = { set(0, 0), end };
	struct backend *b = opened();
	struct image *img;

	assert_false(load_as(b, &img, section, insns, 2));
	if (!strstr(err.text, says))
		fail_msg("%s is not in: %s", says, err.text);
	b->ops->close(b);
	image_free(img);
}

static void test_refusals(void **state)
{
	need_old_kernel();
	refused("tp_btf/sched_swich", "did you mean 'sched_switch'?");
	refused("fentry/no_such_function_here", "has no function 'no_such_function_here'");
	refused("lsm/file_opem", "did you mean 'file_open'?");
	refused("lirc_mode2", "program type lirc_mode2 needs ");
	if (kernel_version() < 6004)
		refused("netfilter", "program type netfilter needs Linux 6.4, this is 6.");
}

/* The reason is at the end of a log of megabytes. */
static void test_long_log(void **state)
{
	enum { LONG = 40000 };
	struct bpf_insn *insns = mem_alloc((LONG + 2) * sizeof(*insns));
	struct backend *b;
	struct image *img;

	need_old_kernel();
	b = opened();
	for (u32 i = 0; i < LONG; i++)
		insns[i] = set(0, (s32)i);
	insns[LONG] = (struct bpf_insn){ BPF_LDX | BPF_MEM | BPF_DW, 0, 0, 0, 0 };
	insns[LONG + 1] = end;
	assert_false(load_as(b, &img, "xdp", insns, LONG + 2));
	assert_int_equal(err.id, ERR_KERNEL_REJECTED);
	assert_non_null(strstr(err.text, "R0 invalid mem access 'scalar'"));
	assert_non_null(strstr(err.text, "instruction 40000"));
	b->ops->close(b);
	image_free(img);
	free(insns);
}

static void test_old_map(void **state)
{
	const struct image_map def = { .name = "a", .type = UAPI_MAP_TYPE_ARENA,
		.max_entries = 1, .map_flags = BPF_F_MMAPABLE };
	const struct image_map flag = { .name = "f", .type = BPF_MAP_TYPE_HASH, .key_size = 4,
		.value_size = 4, .max_entries = 1, .map_flags = 1u << 30 };
	struct backend *b;
	size_t bytes;

	need_old_kernel();
	b = opened();
	if (kernel_version() < 6009) {
		assert_true(b->ops->map_create(b, &def, &err) < 0);
		assert_non_null(strstr(err.text, "map type arena needs Linux 6.9, this is 6."));
	} else {
		assert_int_equal(b->ops->map_create(b, &def, &err), 0);
		assert_non_null(b->ops->map_mem(b, 0, &bytes));
	}
	assert_true(b->ops->map_create(b, &flag, &err) < 0);
	assert_non_null(strstr(err.text, "map_flags has 0x40000000, which no Linux"));
	b->ops->close(b);
}

/* ---- batches ------------------------------------------------------------------------- */

enum { KEYS = 1000, ROOM = 64 };

/* Every key came once, with its value. */
static void check_all(struct backend *b, u32 map, u32 keys, u32 room)
{
	struct map_info info;
	struct map_batch it = { 0 };
	bool seen[KEYS] = { 0 };
	u8 *values;
	u32 *got, n, all = 0;
	int r;

	assert_int_equal(b->ops->map_info(b, map, &info), 0);
	it.value_bytes = info.value_bytes;
	got = mem_alloc(KEYS * sizeof(*got));
	values = mem_alloc(KEYS * info.value_bytes);
	do {
		n = room;
		r = b->ops->map_read_batch(b, map, &it, got, values, &n);
		assert_true(!r || r == -ENOENT || r == -ENOSPC);
		for (u32 i = 0; i < n; i++) {
			assert_true(got[i] < keys && !seen[got[i]]);
			seen[got[i]] = true;
			assert_memory_equal(values + i * info.value_bytes, &got[i], 4);
		}
		all += n;
		room = r == -ENOSPC ? room * 2 : room;
	} while (!r || r == -ENOSPC);
	assert_int_equal(all, keys);
	assert_int_equal(info.count, keys);
	map_batch_free(&it);
	free(got);
	free(values);
}

static void test_batches(void **state)
{
	static const struct image_map defs[] = {
		{ .name = "h", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		  .max_entries = KEYS },
		{ .name = "p", .type = BPF_MAP_TYPE_PERCPU_HASH, .key_size = 4, .value_size = 12,
		  .max_entries = KEYS },
		{ .name = "l", .type = BPF_MAP_TYPE_LRU_HASH, .key_size = 4, .value_size = 4,
		  .max_entries = 4 * KEYS },
		{ .name = "a", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		  .max_entries = KEYS },
	};
	u32 *keys = mem_alloc(KEYS * sizeof(*keys)), n;
	struct backend *b;

	need_old_kernel();
	b = opened();
	for (u32 i = 0; i < KEYS; i++)
		keys[i] = i;
	for (u32 m = 0; m < ARRAY_LEN(defs); m++) {
		struct map_info info;
		u8 *values;

		assert_int_equal(b->ops->map_create(b, &defs[m], &err), 0);
		b->ops->map_info(b, m, &info);
		values = mem_alloc(KEYS * info.value_bytes);
		for (u32 i = 0; i < KEYS; i++)
			memcpy(values + i * info.value_bytes, &i, 4);
		n = KEYS;
		assert_int_equal(b->ops->map_write_batch(b, m, keys, values, &n, 0), 0);
		assert_int_equal(n, KEYS);
		check_all(b, m, KEYS, ROOM);
		check_all(b, m, KEYS, KEYS);
		free(values);
	}
	b->ops->close(b);
	free(keys);
}

/* A type that has no batches, and errors in the middle of one. */
static void test_one_by_one(void **state)
{
	static const struct image_map defs[] = {
		{ .name = "d", .type = BPF_MAP_TYPE_DEVMAP_HASH, .key_size = 4, .value_size = 4,
		  .max_entries = 4 },
		{ .name = "h", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 4,
		  .max_entries = 3 },
	};
	const u32 keys[] = { 1, 5, 9, 13, 17 }, lo[] = { 1, 1, 1, 1, 1 };
	struct map_batch it = { .value_bytes = 4 };
	u32 got[5], values[5], n = 3;
	struct backend *b;

	need_old_kernel();
	b = opened();
	assert_int_equal(b->ops->map_create(b, &defs[0], &err), 0);
	assert_int_equal(b->ops->map_write_batch(b, 0, keys, lo, &n, 0), 0);
	n = 2;
	assert_int_equal(b->ops->map_read_batch(b, 0, &it, got, values, &n), 0);
	assert_int_equal(n, 2);
	n = 5;
	assert_int_equal(b->ops->map_read_batch(b, 0, &it, got, values, &n), -ENOENT);
	assert_int_equal(n, 1);
	assert_int_equal(values[0], 1);
	map_batch_free(&it);
	for (u32 m = 0; m < 2; m++) {
		if (m)
			assert_int_equal(b->ops->map_create(b, &defs[1], &err), 0);
		n = 5;
		assert_int_equal(b->ops->map_write_batch(b, m, keys, lo, &n, 0), -E2BIG);
		assert_int_equal(n, defs[m].max_entries);
	}
	b->ops->close(b);
}

/* ---- memory and pins ------------------------------------------------------------------- */

static void memory_of(struct backend *b)
{
	static const struct image_map defs[] = {
		{ .name = "m", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 12,
		  .max_entries = 3, .map_flags = BPF_F_MMAPABLE },
		{ .name = "n", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 12,
		  .max_entries = 3 },
	};
	const u32 key = 2;
	u8 value[12], *mem;
	size_t bytes = 0;

	assert_int_equal(b->ops->map_create(b, &defs[0], &err), 0);
	assert_int_equal(b->ops->map_create(b, &defs[1], &err), 0);
	mem = b->ops->map_mem(b, 0, &bytes);
	assert_non_null(mem);
	assert_int_equal(bytes, 3 * 16);
	memset(mem + 32, 0x5a, 12);
	assert_int_equal(b->ops->map_lookup(b, 0, &key, value, 0), 0);
	assert_memory_equal(value, mem + 32, 12);
	assert_null(b->ops->map_mem(b, 1, &bytes));
	assert_int_equal(b->ops->map_freeze(b, 1), 0);
	assert_int_equal(b->ops->map_update(b, 1, &key, value, 0), -EPERM);
	assert_int_equal(b->ops->map_freeze(b, 0), -EBUSY);
	b->ops->close(b);
}

static void test_memory(void **state)
{
	need_old_kernel();
	memory_of(opened());
}

static void test_memory_user(void **state)
{
	const struct runtime_opts opts = { .cpus = 2 };
	struct backend *b;

	assert_int_equal(runtime_open(&b, &opts, &err), 0);
	memory_of(b);
}

static void pins(const char *dir)
{
	struct image_map def = { .name = "h", .type = BPF_MAP_TYPE_HASH, .key_size = 4,
		.value_size = 8, .max_entries = 10 };
	struct backend *a = opened(), *b = opened();
	u64 value = 99, got = 0;
	char path[64];
	u32 key = 1;

	snprintf(path, sizeof(path), "%s/h", dir);
	assert_int_equal(b->ops->map_get(b, &def, path, &err), 1);
	assert_int_equal(a->ops->map_create(a, &def, &err), 0);
	assert_int_equal(a->ops->map_update(a, 0, &key, &value, 0), 0);
	assert_int_equal(a->ops->map_pin(a, 0, path, &err), 0);
	assert_true(a->ops->map_pin(a, 0, path, &err) < 0);
	assert_non_null(strstr(err.text, "pinned there already"));
	a->ops->close(a);
	assert_int_equal(b->ops->map_get(b, &def, path, &err), 0);
	assert_int_equal(b->ops->map_lookup(b, 0, &key, &got, 0), 0);
	assert_int_equal(got, 99);
	def.value_size = 16;
	def.type = BPF_MAP_TYPE_LRU_HASH;
	assert_true(b->ops->map_get(b, &def, path, &err) < 0);
	assert_int_equal(err.id, ERR_PIN);
	assert_non_null(strstr(err.text, "a map of type hash, the object wants lru_hash"));
	assert_non_null(strstr(err.text, "its value_size is 8, the object wants 16"));
	assert_true(b->ops->map_pin(b, 0, "/tmp", &err) < 0);
	b->ops->close(b);
}

/* In a name space and a file system that go with the child. */
static void test_pins(void **state)
{
	char dir[] = "/tmp/skep-pins-XXXXXX";
	int status = 0;
	pid_t pid;

	need_old_kernel();
	assert_non_null(mkdtemp(dir));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("bpf", dir, "bpf", 0, NULL))
			_exit(77);
		pins(dir);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_as("no file system of type bpf may be mounted");
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_packets),
		cmocka_unit_test(test_run_netfilter),
		cmocka_unit_test(test_run_dissector),
		cmocka_unit_test(test_run_lookup),
		cmocka_unit_test(test_run_raw_tp),
		cmocka_unit_test(test_run_syscall),
		cmocka_unit_test(test_run_tracing),
		cmocka_unit_test(test_no_run),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_long_log),
		cmocka_unit_test(test_old_map),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_user),
		cmocka_unit_test(test_pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

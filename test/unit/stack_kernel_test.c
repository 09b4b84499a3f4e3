/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack_kernel_test.c: maps of stack traces and the helpers on stacks against the running
 * kernel. Which addresses there are, and what number a chain gets, is each side's own; what
 * is refused, and how, is the same. Raw tracepoint programs run by BPF_PROG_TEST_RUN.
 */
#include "kernel_prog.h"
#include "call/object.h"
#include "btf/btf.h"
#include "base/os.h"
#include "model/uapi.h"
#include <stdlib.h>

enum { ENTRIES = 5, DEPTH = 16, FRAMES = 12 };

#define FLAGS_MAX (1u << 12)

static struct map_attr attr_of(u32 flags)
{
	return (struct map_attr){ .name = "m", .type = BPF_MAP_TYPE_STACK_TRACE, .key_size = 4,
		.value_size = DEPTH * 8, .max_entries = ENTRIES, .map_flags = flags };
}

/* Ours have FRAMES frames, which BASE tells apart. */
static u64 base = 0x1000;

static u32 our_stack(void *arg, bool user, u64 *ips, u32 max)
{
	u32 n = 0;

	for (; n < FRAMES && n < max; n++)
		ips[n] = base + n;
	return n;
}

static struct run our_run(void)
{
	return (struct run){ .nr_cpus = 1, .stack = our_stack };
}

static int op(int cmd, int fd, const void *key, void *value, u64 flags)
{
	return kmap_op(cmd, fd, key, value, flags);
}

/* ---- user space's side ---------------------------------------------------------------- */

static s64 kernel_stackid(int map, u64 flags)
{
	struct code c;

	code_start(&c);
	emit_ctx(&c, 1);
	emit(&c, BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0, map);
	emit(&c, 0, 0, 0, 0, 0);
	emit_imm(&c, 3, flags);
	return run_raw(&c, BPF_FUNC_get_stackid);
}

static s64 our_stackid(struct map *m, u64 flags)
{
	struct run run = our_run();

	return (s64)call_helper(BPF_FUNC_get_stackid, BPF_PROG_TYPE_RAW_TRACEPOINT)(
		0, addr_of(m), flags, 0, 0, &run);
}

/* The same but for numbers. */
static void same(const char *what, s64 kernel, s64 ours)
{
	if ((kernel < 0 || ours < 0) && kernel != ours)
		fail_msg("%s: kernel %lld, ours %lld", what, (long long)kernel, (long long)ours);
}

static void test_user(void **state)
{
	struct map_attr attr = attr_of(0);
	struct map *m;
	int fd;
	u64 a[DEPTH], b[DEPTH];
	u32 keys[2], next[2];
	s64 id[2];

	need_kernel();
	fd = kmap_create(&attr);
	assert_true(fd >= 0);
	assert_int_equal(map_create(&m, &attr, 2, NULL), 0);
	for (u32 round = 0; round < 3; round++) {
		same("empty", op(BPF_MAP_GET_NEXT_KEY, fd, NULL, a, 0),
		     map_user_next_key(m, NULL, b));
		id[0] = kernel_stackid(fd, 0);
		id[1] = our_stackid(m, 0);
		assert_true(id[0] >= 0 && id[1] >= 0 && id[1] < 8);
		assert_int_equal(our_stackid(m, 0), id[1]);
		assert_int_equal(m->ops->count(m), 1);
		for (u32 k = 0; k < 4; k++) {	/* one that is there, and others */
			keys[0] = k ? (u32)id[0] + k : (u32)id[0];
			keys[1] = k ? (u32)id[1] + k : (u32)id[1];
			keys[0] = k == 3 ? 8 : keys[0] & 7;
			keys[1] = k == 3 ? 8 : keys[1] & 7;
			same("lookup", op(BPF_MAP_LOOKUP_ELEM, fd, &keys[0], a, 0),
			     map_user_lookup(m, &keys[1], b, 0));
			same("lookup with a flag", op(BPF_MAP_LOOKUP_ELEM, fd, &keys[0], a, 1),
			     map_user_lookup(m, &keys[1], b, 1));
			for (u64 f = 0; f < 3; f++)
				same("update", op(BPF_MAP_UPDATE_ELEM, fd, &keys[0], a, f),
				     map_user_update(m, &keys[1], b, f));
			if (!k)
				continue;
			same("delete", op(BPF_MAP_DELETE_ELEM, fd, &keys[0], NULL, 0),
			     map_user_delete(m, &keys[1]));
			same("take", op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, &keys[0], a, 0),
			     map_user_take(m, &keys[1], b, 0));
			next[0] = next[1] = 99;
			same("next key", op(BPF_MAP_GET_NEXT_KEY, fd, &keys[0], &next[0], 0),
			     map_user_next_key(m, &keys[1], &next[1]));
			assert_int_equal(next[0] == id[0], next[1] == id[1]);
		}
		keys[0] = (u32)id[0];
		keys[1] = (u32)id[1];
		assert_int_equal(map_user_lookup(m, &keys[1], b, 0), 0);
		for (u32 i = 0; i < DEPTH; i++)
			assert_int_equal(b[i], i < FRAMES ? base + i : 0);
		same("last key", op(BPF_MAP_GET_NEXT_KEY, fd, &keys[0], &next[0], 0),
		     map_user_next_key(m, &keys[1], &next[1]));
		if (round)
			same("take", op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, &keys[0], a, 0),
			     map_user_take(m, &keys[1], b, 0));
		else
			same("delete", op(BPF_MAP_DELETE_ELEM, fd, &keys[0], NULL, 0),
			     map_user_delete(m, &keys[1]));
		if (op(BPF_MAP_GET_NEXT_KEY, fd, NULL, a, 0) == 0)
			assert_int_equal(map_user_next_key(m, NULL, b), 0);
	}
	close(fd);
	map_free(m);
}

/* ---- programs' side ------------------------------------------------------------------ */

static void test_flags(void **state)
{
	struct map_attr attr = attr_of(0);
	struct map *m;
	int fd;

	need_kernel();
	fd = kmap_create(&attr);
	assert_int_equal(map_create(&m, &attr, 2, NULL), 0);
	for (u32 bit = 9; bit < 40; bit++)	/* the lower ones are frames to skip */
		same("get_stackid", kernel_stackid(fd, 1ull << bit | BPF_F_FAST_STACK_CMP),
		     our_stackid(m, 1ull << bit | BPF_F_FAST_STACK_CMP));
	same("all skipped", kernel_stackid(fd, 255), our_stackid(m, 255));
	close(fd);
	map_free(m);
}

/* Chains that differ get places, until there are none. */
static void test_full(void **state)
{
	struct map_attr attr = attr_of(0);
	u32 taken = 0, collided = 0, full = 0;
	struct map *m;

	assert_int_equal(map_create(&m, &attr, 2, NULL), 0);
	for (u32 i = 0; i < 200; i++) {
		s64 id;

		base = 0x1000 + i * 64;
		id = our_stackid(m, 0);
		taken += id >= 0;
		collided += id == -EEXIST;
		full += id == -ENOMEM;
	}
	assert_int_equal(taken + collided + full, 200);
	assert_int_equal(taken, m->ops->count(m));
	assert_true(taken <= ENTRIES && full && collided);
	assert_true(our_stackid(m, BPF_F_REUSE_STACKID) == -ENOMEM || taken < ENTRIES);
	base = 0x1000;
	map_free(m);
}

/* bpf_get_task_stack of the running task, in XDP programs. */
static s64 kernel_task_stack(u32 size, u64 flags)
{
	u8 io[IO_BYTES] = { 0 };
	struct code c;

	code_start(&c);
	emit_call(&c, BPF_FUNC_get_current_task_btf);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 0, 0, 0);
	emit_value(&c, 2, c.io, IO_OUT);
	emit_imm(&c, 3, size);
	emit_imm(&c, 4, flags);
	emit_call(&c, BPF_FUNC_get_task_stack);
	emit_result(&c, 0);
	run_io(&c, io);
	return (s64)u64_at(io);
}

static s64 kernel_stack(u32 size, u64 flags)
{
	struct code c;

	code_start(&c);
	emit_ctx(&c, 1);
	emit_value(&c, 2, c.io, IO_OUT);
	emit_imm(&c, 3, size);
	emit_imm(&c, 4, flags);
	return run_raw(&c, BPF_FUNC_get_stack);
}

static const u64 stack_flags[] = { 0, 1, 2, BPF_F_USER_BUILD_ID, 1u << 9, 1u << 10, 1u << 12,
	1ull << 33, BPF_F_USER_STACK, 255, BPF_F_USER_STACK | BPF_F_USER_BUILD_ID,
	BPF_F_USER_STACK | 255 };
static const u32 stack_sizes[] = { 0, 8, 12, 32, 33, 64, 1024 };

/* What the kernel's own frames are is its secret; with the user's stack, which is not
 * walked in a test run, there may be none. */
static void test_stack(void **state)
{
	struct run run = our_run();
	u8 out[1024] __attribute__((aligned(8)));

	need_kernel();
	for (size_t f = 0; f < ARRAY_LEN(stack_flags); f++)
		for (size_t i = 0; i < ARRAY_LEN(stack_sizes); i++) {
			s64 theirs = kernel_stack(stack_sizes[i], stack_flags[f]), mine;

			memset(out, 0x55, sizeof(out));
			mine = (s64)call_helper(BPF_FUNC_get_stack, BPF_PROG_TYPE_RAW_TRACEPOINT)(
				0, addr_of(out), stack_sizes[i], stack_flags[f], 0, &run);
			if ((theirs < 0 || mine < 0) && theirs != mine)
				fail_msg("size %u flags 0x%llx: kernel %lld, ours %lld",
					 stack_sizes[i], (unsigned long long)stack_flags[f],
					 (long long)theirs, (long long)mine);
			assert_true(mine <= (s64)stack_sizes[i] && (mine < 0 || mine % 8 == 0));
			for (u32 n = mine > 0 ? (u32)mine : 0; n < stack_sizes[i]; n++)
				assert_int_equal(out[n], 0);
			for (u32 n = 0; mine > 0 && n < mine / 8 && !(stack_flags[f] >> 8); n++)
				assert_int_equal(((u64 *)out)[n], base + stack_flags[f] + n);
		}
}

static void test_task_stack(void **state)
{
	static const u64 flags[] = { 0, 1, 2, BPF_F_USER_BUILD_ID, 1u << 9, 1u << 10, 1u << 12,
		1ull << 33 };
	static const u32 sizes[] = { 0, 8, 12, 32, 33, 64, 1024 };
	struct run run = our_run();
	struct map_owner o = { (u32)os_pid_tgid(), 1 };
	u8 out[1024];
	u64 task;

	need_kernel();
	objects_open(&run);
	task = object_keep(run.objects, &o, sizeof(o), LENT_TASK);
	for (size_t f = 0; f < ARRAY_LEN(flags); f++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			s64 theirs = kernel_task_stack(sizes[i], flags[f]), mine;

			memset(out, 0x55, sizeof(out));
			mine = (s64)call_helper(BPF_FUNC_get_task_stack, BPF_PROG_TYPE_XDP)(
				task, addr_of(out), sizes[i], flags[f], 0, &run);
			if ((theirs < 0 || mine < 0) && theirs != mine)
				fail_msg("size %u flags 0x%llx: kernel %lld, ours %lld", sizes[i],
					 (unsigned long long)flags[f], (long long)theirs,
					 (long long)mine);
			for (u32 n = mine > 0 ? (u32)mine : 0; n < sizes[i]; n++)
				assert_int_equal(out[n], 0);
		}
	objects_free(run.objects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_task_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api_maps_test.c: maps through the public interface: elements, one by one and many at
 * once, memory, values of cpus, and what programs see of them.
 */
#include "api_insns.h"

static void map_calls(void **state)
{
	struct skep_object *obj = load_insns(pass, LEN(pass), &counters, 1);
	struct skep_map *map = skep_object_map(obj, "counters");
	uint32_t key = 2, next, seen = 0;
	uint64_t value = 0x1122334455667788, got = 0;

	assert_non_null(map);
	assert_string_equal(skep_map_name(map), "counters");
	assert_int_equal(skep_map_type(map), BPF_MAP_TYPE_ARRAY);
	assert_int_equal(skep_map_key_bytes(map), 4);
	assert_int_equal(skep_map_value_bytes(map), 8);
	assert_int_equal(skep_map_update(map, &key, &value, BPF_ANY), 0);
	assert_int_equal(skep_map_lookup(map, &key, &got), 0);
	assert_true(got == value);
	assert_int_equal(skep_map_update(map, &key, &value, BPF_NOEXIST), -EEXIST);
	assert_int_equal(skep_map_delete(map, &key), -EINVAL);
	key = 4;
	assert_int_equal(skep_map_lookup(map, &key, &got), -ENOENT);
	assert_int_equal(skep_map_update(map, &key, &value, BPF_ANY), -E2BIG);
	for (int r = skep_map_next_key(map, NULL, &next); !r;
	     r = skep_map_next_key(map, &key, &next), seen++)
		key = next;
	assert_int_equal(seen, 4);
	assert_ptr_equal(skep_object_next_map(obj, NULL), map);
	assert_null(skep_object_next_map(obj, map));
	assert_null(skep_object_map(obj, "other"));
	skep_object_close(obj);
}

/* A program and its host see the same values. */
static void program_counts(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_ST_MEM(BPF_W, BPF_REG_10, -4, 3),
		SKEP_LD_MAP(BPF_REG_1, 0),
		BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -4),
		BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
		BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 3),
		BPF_MOV64_IMM(BPF_REG_1, 1),
		BPF_ATOMIC_OP(BPF_DW, BPF_ADD, BPF_REG_0, BPF_REG_1, 0),
		BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load_insns(insns, LEN(insns), &counters, 1);
	struct skep_map *map = skep_object_map(obj, "counters");
	struct skep_run run = { .size = sizeof(run), .data = "x", .data_bytes = 1, .repeat = 5 };
	uint32_t key = 3;
	uint64_t value = 100;
	struct skep_err err;

	assert_int_equal(skep_map_update(map, &key, &value, BPF_ANY), 0);
	if (skep_prog_run(skep_object_prog(obj, "test"), &run, &err))
		fail_msg("%s", skep_err_text(&err));
	assert_int_equal(run.retval, 105);
	assert_int_equal(skep_map_lookup(map, &key, &value), 0);
	assert_int_equal(value, 105);
	skep_object_close(obj);
}

static void per_cpu_values(void **state)
{
	const struct skep_map_def def = {
		.name = "percpu", .type = BPF_MAP_TYPE_PERCPU_ARRAY,
		.key_size = 4, .value_size = 4, .max_entries = 1,
	};
	struct skep_object *obj = open_insns(pass, LEN(pass), &def, 1);
	const struct skep_load_opts opts = { .size = sizeof(opts), .cpus = 3 };
	struct skep_map *map = skep_object_map(obj, "percpu");
	uint64_t in[3] = { 7, 8, 9 }, out[3] = { 0 };
	uint32_t key = 0;
	struct skep_err err;

	assert_int_equal(skep_object_load(obj, &opts, &err), 0);
	assert_int_equal(skep_map_value_bytes(map), 3 * 8);
	assert_int_equal(skep_map_update(map, &key, in, BPF_ANY), 0);
	assert_int_equal(skep_map_lookup(map, &key, out), 0);
	assert_memory_equal(in, out, sizeof(in));
	skep_object_close(obj);
}

static void many_elements(void **state)
{
	const struct skep_map_def defs[] = {
		{ .name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		  .max_entries = 10 },
		{ .name = "queue", .type = BPF_MAP_TYPE_QUEUE, .value_size = 8, .max_entries = 1 },
	};
	struct skep_object *obj = load_insns(pass, LEN(pass), defs, 2);
	struct skep_map *map = skep_object_map(obj, "hash");
	uint32_t keys[10], n = 10, sum = 0;
	uint64_t values[10], at;
	int r = 0;

	for (uint32_t i = 0; i < 10; i++) {
		keys[i] = i;
		values[i] = i * 7;
	}
	assert_int_equal(skep_map_update_batch(map, keys, values, &n, 0), 0);
	assert_int_equal(n, 10);
	n = 5;
	assert_int_equal(skep_map_update_batch(map, keys, values, &n, BPF_NOEXIST), -EINVAL);
	assert_int_equal(n, 0);
	for (int calls = 0; !r; calls++) {
		n = 3;
		r = skep_map_lookup_batch(map, calls ? &at : NULL, &at, keys, values, &n);
		for (uint32_t i = 0; i < n; i++, sum++)
			assert_int_equal(values[i], keys[i] * 7);
	}
	assert_int_equal(r, -ENOENT);
	assert_int_equal(sum, 10);
	n = 10;
	assert_int_equal(skep_map_lookup_delete_batch(map, NULL, &at, keys, values, &n), -ENOENT);
	assert_int_equal(n, 10);
	assert_int_equal(skep_map_delete_batch(map, keys, &n), -ENOENT);
	assert_int_equal(n, 0);
	n = 1;
	map = skep_object_map(obj, "queue");
	assert_int_equal(skep_map_lookup_batch(map, NULL, &at, keys, values, &n), -524);
	assert_int_equal(n, 0);
	skep_object_close(obj);
}

static void memory_of_arrays(void **state)
{
	const struct skep_map_def defs[] = {
		{ .name = "open", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		  .max_entries = 3, .map_flags = BPF_F_MMAPABLE },
		{ .name = "shut", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		  .max_entries = 3 },
	};
	struct skep_object *obj = load_insns(pass, LEN(pass), defs, 2);
	struct skep_map *map = skep_object_map(obj, "open"), *shut = skep_object_map(obj, "shut");
	uint32_t key = 2, value = 0, *memory;
	size_t bytes;

	memory = skep_map_memory(map, &bytes);
	assert_non_null(memory);
	assert_int_equal(bytes, 3 * 8);
	memory[4] = 77;
	assert_int_equal(skep_map_lookup(map, &key, &value), 0);
	assert_int_equal(value, 77);
	assert_int_equal(skep_map_lookup_flags(map, &key, &value, BPF_F_LOCK), -EINVAL);
	assert_int_equal(skep_map_freeze(map), -EBUSY);
	assert_null(skep_map_memory(shut, &bytes));
	assert_int_equal(skep_map_freeze(shut), 0);
	assert_int_equal(skep_map_update(shut, &key, &value, 0), -EPERM);
	assert_int_equal(skep_map_freeze(shut), -EPERM);
	skep_object_close(obj);
}

static uint32_t two_callers(void *arg, bool user, uint64_t *ips, uint32_t max)
{
	ips[0] = (uintptr_t)arg;
	ips[1] = user;
	return max < 2 ? max : 2;
}

/* Who called is what the caller says. */
static void stacks(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
		BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -32),
		BPF_MOV64_IMM(BPF_REG_3, 32),
		BPF_MOV64_IMM(BPF_REG_4, BPF_F_USER_STACK),
		BPF_EMIT_CALL(BPF_FUNC_get_task_stack),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -32),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_1),
		BPF_EXIT_INSN(),
	};
	struct skep_load_opts opts = { .size = sizeof(opts), .stack = two_callers,
				       .stack_arg = (void *)1000 };
	struct skep_run run = { .size = sizeof(run), .data = "x", .data_bytes = 1 };
	struct skep_object *obj;
	struct skep_err err;

	for (int with = 0; with < 2; with++) {
		assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "test", insns,
							LEN(insns), NULL, 0, "GPL", &err), 0);
		if (skep_object_load(obj, with ? &opts : NULL, &err) ||
		    skep_prog_run(skep_object_prog(obj, "test"), &run, &err))
			fail_msg("%s", skep_err_text(&err));
		assert_int_equal((int)run.retval, with ? 16 + 1000 : -EFAULT);
		skep_object_close(obj);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_calls),
		cmocka_unit_test(program_counts),
		cmocka_unit_test(per_cpu_values),
		cmocka_unit_test(many_elements),
		cmocka_unit_test(memory_of_arrays),
		cmocka_unit_test(stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alone_test.c: atomic operations of compiled programs on values of maps do without locks
 * while nobody else can see the map (run.alone): nothing is lost as soon as somebody can,
 * also one that came after the program was compiled and had run. Processes that share
 * the file of a map: test/cli/pin.t.
 */
#include "base/base.h"
#include <linux/bpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <skep/insn.h>
#include <skep/skep.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { OTHERS = 3, TIMES = 20000, RUNS = 800 };

static const struct skep_map_def maps[] = {
	{ .name = "n", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
	  .max_entries = 1 },
};

/* n[0] += 1, TIMES times: half of them give what was there. */
static const struct bpf_insn insns[] = {
	BPF_ST_MEM(BPF_W, BPF_REG_10, -4, 0),
	BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -4),
	SKEP_LD_MAP(BPF_REG_1, 0), BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
	BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 9),
	BPF_MOV64_IMM(BPF_REG_6, 0), BPF_MOV64_IMM(BPF_REG_7, 0),
	BPF_MOV64_IMM(BPF_REG_1, 1),
	BPF_ATOMIC_OP(BPF_DW, BPF_ADD, BPF_REG_0, BPF_REG_1, 0),
	BPF_ATOMIC_OP(BPF_DW, BPF_ADD | BPF_FETCH, BPF_REG_0, BPF_REG_1, 0),
	BPF_ALU64_REG(BPF_XOR, BPF_REG_7, BPF_REG_1),
	BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, 2),
	BPF_JMP_IMM(BPF_JLT, BPF_REG_6, TIMES, -6),
	BPF_MOV64_IMM(BPF_REG_0, 2),
	BPF_EXIT_INSN(),
};

static struct skep_object *load(void)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .cpus = OTHERS + 1 };
	struct skep_object *obj;
	struct skep_err err;

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "add", insns, ARRAY_LEN(insns), maps,
				   ARRAY_LEN(maps), "GPL", &err) ||
	    skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

static pthread_barrier_t barrier;

static void *run(void *arg)
{
	u8 packet[64] = { 0 };
	struct skep_err err;

	for (u32 i = 0; i < RUNS; i++) {
		struct skep_run run = { .size = sizeof(run), .data = packet, .data_bytes = 64 };

		if (skep_prog_run(skep_object_prog(arg, "add"), &run, &err))
			return "failed";
	}
	return NULL;
}

static void *run_together(void *arg)
{
	pthread_barrier_wait(&barrier);
	return run(arg);
}

static u64 sum(struct skep_object *obj)
{
	u32 key = 0;
	u64 n = 0;

	assert_int_equal(skep_map_lookup(skep_object_map(obj, "n"), &key, &n), 0);
	return n;
}

static void test_threads(void **state)
{
	struct skep_object *obj = load();
	pthread_t t[OTHERS];
	void *said;

	pthread_barrier_init(&barrier, NULL, OTHERS + 1);
	assert_null(run(obj));
	assert_int_equal(sum(obj), (u64)RUNS * TIMES);
	for (u32 i = 0; i < OTHERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, run_together, obj), 0);
	assert_null(run_together(obj));
	for (u32 i = 0; i < OTHERS; i++) {
		pthread_join(t[i], &said);
		assert_null(said);
	}
	assert_int_equal(sum(obj), (u64)RUNS * TIMES * (OTHERS + 2));
	skep_object_close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

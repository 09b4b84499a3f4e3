/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threads_test.c: several threads run programs of one object. Counters of cpus and
 * shared ones are exact, records of a ring buffer all arrive or are counted; a thread
 * too many is told so, and one that ended leaves its cpu to the next.
 */
#include "base/base.h"
#include "base/os.h"
#include <linux/bpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <skep/insn.h>
#include <skep/skep.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
enum { RUNS = 2000 };
#else
enum { RUNS = 20000 };
#endif
enum { THREADS = 4, KEY = 3 };

enum { M_PERCPU, M_SHARED, M_HASH, M_RING };

static const struct skep_map_def maps[] = {
	{ .name = "percpu", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 8,
	  .max_entries = 8 },
	{ .name = "shared", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
	  .max_entries = 8 },
	{ .name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
	  .max_entries = 64 },
	{ .name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 1 << 20 },
};

/* r0 = the value of KEY in map M; goes on behind it when there is none. */
#define LOOK_UP(m, then) \
	BPF_ST_MEM(BPF_W, BPF_REG_10, -4, KEY), \
	BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -4), \
	SKEP_LD_MAP(BPF_REG_1, m), BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), \
	BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, then)

static const struct bpf_insn insns[] = {
	LOOK_UP(M_PERCPU, 3),		/* ++ without an atomic operation */
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_0, 0),
	BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1),
	BPF_STX_MEM(BPF_DW, BPF_REG_0, BPF_REG_1, 0),
	LOOK_UP(M_SHARED, 2),
	BPF_MOV64_IMM(BPF_REG_1, 1),
	BPF_ATOMIC_OP(BPF_DW, BPF_ADD, BPF_REG_0, BPF_REG_1, 0),
	/* an element of a random key */
	BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32),
	BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 31),
	BPF_STX_MEM(BPF_W, BPF_REG_10, BPF_REG_0, -4),
	BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_0, -16),
	BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -4),
	BPF_MOV64_REG(BPF_REG_3, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, -16),
	BPF_MOV64_IMM(BPF_REG_4, 0),
	SKEP_LD_MAP(BPF_REG_1, M_HASH), BPF_EMIT_CALL(BPF_FUNC_map_update_elem),
	/* a record */
	SKEP_LD_MAP(BPF_REG_1, M_RING),
	BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -16),
	BPF_MOV64_IMM(BPF_REG_3, 8), BPF_MOV64_IMM(BPF_REG_4, 0),
	BPF_EMIT_CALL(BPF_FUNC_ringbuf_output),
	BPF_MOV64_IMM(BPF_REG_0, 2),
	BPF_EXIT_INSN(),
};

struct job {
	struct skep_object *obj;
	u64 runs, bad;
	int last;		/* what the last run answered */
};

static struct skep_object *load(u32 cpus)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .cpus = cpus };
	struct skep_object *obj;
	struct skep_err err;

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "count", insns, ARRAY_LEN(insns), maps,
				   ARRAY_LEN(maps), "GPL", &err) ||
	    skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

static void *job_run(void *arg)
{
	struct job *j = arg;
	u8 packet[64] = { 0 };
	struct skep_err err;

	for (u64 i = 0; i < j->runs; i++) {
		struct skep_run run = { .size = sizeof(run), .data = packet, .data_bytes = 64 };

		j->last = skep_prog_run(skep_object_prog(j->obj, "count"), &run, &err);
		j->bad += j->last || run.retval != 2;
	}
	return NULL;
}

static int count_record(void *arg, const struct skep_event *e)
{
	++*(u64 *)arg;
	return e->bytes != 8;
}

static void test_counts(void **state)
{
	struct skep_object *obj = load(THREADS);
	struct job jobs[THREADS] = { 0 };
	u64 all[THREADS], sum = 0, shared, records = 0;
	pthread_t t[THREADS];
	u32 key = KEY;

	for (u32 i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ .obj = obj, .runs = RUNS };
		pthread_create(&t[i], NULL, job_run, &jobs[i]);
	}
	for (u32 i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(jobs[i].bad, 0);
	}
	assert_int_equal(skep_map_lookup(skep_object_map(obj, "percpu"), &key, all), 0);
	for (u32 i = 0; i < THREADS; i++)
		sum += all[i];
	assert_int_equal(sum, (u64)THREADS * RUNS);
	assert_int_equal(skep_map_lookup(skep_object_map(obj, "shared"), &key, &shared), 0);
	assert_int_equal(shared, (u64)THREADS * RUNS);
	skep_map_read(skep_object_map(obj, "ring"), count_record, &records);
	assert_int_equal(records + skep_map_lost(skep_object_map(obj, "ring")),
			 (u64)THREADS * RUNS);
	skep_object_close(obj);
}

/* The main thread has one of two cpus; the other goes from thread to thread, but
 * not to two at once. */
static void test_cpus(void **state)
{
	struct skep_object *obj = load(2);
	struct job mine = { .obj = obj, .runs = 1 };
	u64 all[2];
	u32 key = KEY;

	job_run(&mine);
	assert_int_equal(mine.bad, 0);
	for (u32 i = 0; i < 5; i++) {
		struct job j = { .obj = obj, .runs = 1 };
		pthread_t t;

		pthread_create(&t, NULL, job_run, &j);
		pthread_join(t, NULL);
		assert_int_equal(j.bad, 0);
	}
	assert_int_equal(skep_map_lookup(skep_object_map(obj, "percpu"), &key, all), 0);
	assert_int_equal(all[0], 1);
	assert_int_equal(all[1], 5);
	skep_object_close(obj);
}

static void test_too_many(void **state)
{
	struct skep_object *obj = load(1);
	struct job mine = { .obj = obj, .runs = 1 }, other = { .obj = obj, .runs = 3 };
	pthread_t t;

	job_run(&mine);
	assert_int_equal(mine.bad, 0);
	pthread_create(&t, NULL, job_run, &other);
	pthread_join(t, NULL);
	assert_int_equal(other.bad, 3);
	assert_int_equal(other.last, -EAGAIN);
	job_run(&mine);
	assert_int_equal(mine.bad, 0);
	skep_object_close(obj);
}

/* Two objects in turns: a cpu of each. */
static void test_two_objects(void **state)
{
	struct skep_object *a = load(1), *b = load(1);
	struct job x = { .obj = a, .runs = 1 }, y = { .obj = b, .runs = 1 };

	for (u32 i = 0; i < 100; i++) {
		job_run(&x);
		job_run(&y);
	}
	assert_int_equal(x.bad + y.bad, 0);
	skep_object_close(a);
	job_run(&y);
	assert_int_equal(y.bad, 0);
	skep_object_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_two_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inner_test.c: maps that are made for maps of maps while programs run: how long
 * they live, on either engine. Under AddressSanitizer a map that goes too early
 * or not at all is an error.
 */
#include <skep/insn.h>
#include <skep/skep.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { ARRAY, HASH, OUTERS };

static const struct skep_map_def inner_def = { "inner", BPF_MAP_TYPE_HASH, 4, 8, 1000, 0, NULL };
static const struct skep_map_def maps[] = {
	[ARRAY] = { "array", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 3, 0, &inner_def },
	[HASH] = { "hash", BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 3, 0, &inner_def },
};

/* Prints between two look-ups in the map that slot 1 of map N has; 1 without such
 * a map, 2 without the value, else value 1 of the map as it was before. */
#define PROGRAM(n) { \
	BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 1), \
	SKEP_LD_MAP(BPF_REG_1, n), \
	BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -8), \
	BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), \
	BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2), \
	BPF_MOV64_IMM(BPF_REG_0, 1), BPF_EXIT_INSN(), \
	BPF_MOV64_REG(BPF_REG_6, BPF_REG_0), \
	BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 'x'), \
	BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -16), \
	BPF_MOV64_IMM(BPF_REG_2, 2), \
	BPF_EMIT_CALL(BPF_FUNC_trace_printk), \
	BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), \
	BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -8), \
	BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), \
	BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2), \
	BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN(), \
	BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0), BPF_EXIT_INSN(), \
}

struct world {
	struct skep_object *obj;
	struct skep_map *outer;
	int prints;
	int replaces;	/* the print callback puts another map into the slot */
};

static void put_new(struct world *w, uint64_t value, uint32_t *number);

static void printed(void *arg, const char *text, size_t n)
{
	struct world *w = arg;

	(void)text;
	(void)n;
	w->prints++;
	for (int i = 0; i < w->replaces; i++)
		put_new(w, 1000 + (uint64_t)i, NULL);
}

static int try_load(struct world *w, int outer, int engine)
{
	static const struct bpf_insn of_array[] = PROGRAM(ARRAY), of_hash[] = PROGRAM(HASH);
	struct skep_load_opts opts = { .size = sizeof(opts), .engine = engine, .print = printed,
				       .print_arg = w };
	struct skep_err err;
	int r;

	*w = (struct world){ .replaces = 0 };
	assert_int_equal(skep_object_from_insns(&w->obj, BPF_PROG_TYPE_XDP, "test",
						outer == ARRAY ? of_array : of_hash, LEN(of_hash),
						maps, LEN(maps), "GPL", &err), 0);
	r = skep_object_load(w->obj, &opts, &err);
	if (r)
		print_message("skipped: %s", skep_err_text(&err));
	w->outer = skep_object_map(w->obj, maps[outer].name);
	return r;
}

static uint32_t run(struct world *w)
{
	struct skep_run r = { .size = sizeof(r), .data = "sixteen bytes ..", .data_bytes = 16 };
	struct skep_err err;

	if (skep_prog_run(skep_object_prog(w->obj, "test"), &r, &err))
		fail_msg("%s", skep_err_text(&err));
	return r.retval;
}

/* A new map with VALUE in slot 1, which nothing but the slot holds then. */
static void put_new(struct world *w, uint64_t value, uint32_t *number)
{
	struct skep_map *inner;
	struct skep_err err;
	uint32_t key = 1, n;

	if (skep_map_new_inner(&inner, w->outer, &err))
		fail_msg("%s", skep_err_text(&err));
	n = skep_map_number(inner);
	assert_int_equal(skep_map_update(inner, &key, &value, 0), 0);
	assert_int_equal(skep_map_update(w->outer, &key, &n, 0), 0);
	skep_map_drop(inner);
	if (number)
		*number = n;
}

static void replaced(void **state)
{
	(void)state;
	for (int outer = 0; outer < OUTERS; outer++) {
		struct world w;
		uint32_t key = 1;

		assert_int_equal(try_load(&w, outer, SKEP_USER), 0);
		assert_int_equal(run(&w), 1);
		put_new(&w, 7, NULL);
		assert_int_equal(run(&w), 7);
		w.replaces = 3;
		assert_int_equal(run(&w), 7);	/* the map of before, to the end */
		w.replaces = 0;
		assert_int_equal(run(&w), 1002);
		assert_int_equal(w.prints, 3);
		assert_int_equal(skep_map_delete(w.outer, &key), 0);
		assert_int_equal(run(&w), 1);
		skep_object_close(w.obj);
	}
}

/* Numbers of maps that are gone are given again. */
static void numbers(void **state)
{
	(void)state;
	for (int outer = 0; outer < OUTERS; outer++) {
		struct world w;
		uint32_t n = 0, key = 1, got = 0, two = 2;

		assert_int_equal(try_load(&w, outer, SKEP_USER), 0);
		for (int i = 0; i < 1000; i++) {
			put_new(&w, (uint64_t)i + 10, &n);
			assert_true(n < OUTERS + 2);
		}
		assert_int_equal(skep_map_lookup(w.outer, &key, &got), 0);
		assert_int_equal(got, n);
		assert_int_equal(skep_map_update(w.outer, &two, &n, 0), 0);	/* in two slots */
		assert_int_equal(skep_map_delete(w.outer, &key), 0);
		assert_int_equal(skep_map_update(w.outer, &key, &n, 0), 0);
		assert_int_equal(run(&w), 1009);
		assert_int_equal(skep_map_delete(w.outer, &key), 0);
		assert_int_equal(skep_map_delete(w.outer, &two), 0);
		assert_int_equal(skep_map_update(w.outer, &key, &n, 0), -EBADF);
		skep_object_close(w.obj);
	}
}

/* An update that is refused changes nothing about who holds what. */
static void refused(void **state)
{
	struct world w;
	uint32_t n, keys[] = { 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(try_load(&w, HASH, SKEP_USER), 0);
	put_new(&w, 5, &n);
	assert_int_equal(skep_map_update(w.outer, &keys[0], &n, BPF_NOEXIST), -EEXIST);
	assert_int_equal(skep_map_update(w.outer, &keys[1], &n, BPF_EXIST), -ENOENT);
	assert_int_equal(run(&w), 5);
	assert_int_equal(skep_map_update(w.outer, &keys[0], &n, 0), 0);	/* by itself */
	assert_int_equal(run(&w), 5);
	for (int i = 1; i < 3; i++)
		assert_int_equal(skep_map_update(w.outer, &keys[i], &n, 0), 0);
	assert_int_equal(skep_map_update(w.outer, &keys[3], &n, 0), -E2BIG);
	for (int i = 0; i < 3; i++)
		assert_int_equal(skep_map_delete(w.outer, &keys[i]), 0);
	assert_int_equal(skep_map_update(w.outer, &keys[0], &n, 0), -EBADF);
	skep_object_close(w.obj);
}

static void on_the_kernel(void **state)
{
	(void)state;
	for (int outer = 0; outer < OUTERS; outer++) {
		struct world w;
		uint32_t n = 0, key = 1, got = 0;

		if (try_load(&w, outer, SKEP_KERNEL)) {
			skep_object_close(w.obj);
			skip();
		}
		assert_int_equal(run(&w), 1);
		put_new(&w, 7, &n);
		assert_int_equal(run(&w), 7);
		assert_int_equal(skep_map_lookup(w.outer, &key, &got), 0);
		assert_int_equal(got, n);
		put_new(&w, 8, NULL);
		assert_int_equal(run(&w), 8);
		skep_object_close(w.obj);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced),
		cmocka_unit_test(numbers),
		cmocka_unit_test(refused),
		cmocka_unit_test(on_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

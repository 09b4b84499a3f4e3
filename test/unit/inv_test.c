/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_test.c: the verifier's second exploration (verify/inv.h): programs on
 * which following paths explodes are accepted, and quickly; their twins that are
 * wrong are not; loops that do not end are not.
 */
#include "obj/obj.h"
#include "unit/inv_shapes.h"
#include "verify/verify.h"
#include "base/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { QUICK_MS = 50, AGAIN = 20 };

/* ---- judging ------------------------------------------------------------- */

/* For programs that name a second map: maps in it are like the first. */
static struct image_map *maps(void)
{
	static struct image_map all[2];

	all[0] = shape_map;
	all[1] = (struct image_map){ .name = "outer", .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
		.key_size = 4, .value_size = 4, .max_entries = 1, .inner = &shape_map };
	return all;
}

/* Functions of the kernel that programs name. */
static struct image_extern externs[] = {
	{ .name = "bpf_local_irq_save", .kind = IMAGE_KFUNC },
	{ .name = "bpf_local_irq_restore", .kind = IMAGE_KFUNC },
};

static struct verify_result judge(unsigned flags)
{
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .flags = flags };
	static struct arena arena;
	struct verify_result r;
	struct skep_err err;
	struct image *img;
	u64 start;

	if (obj_from_insns(&img, BPF_PROG_TYPE_XDP, "inv", code, n, maps(), 2, "GPL", &err))
		fail_msg("%s", err.text);
	img->externs = externs;
	img->nr_externs = ARRAY_LEN(externs);
	start = os_clock_thread_ns();
	if (verify_prog(&r, &arena, img, &img->progs[0], &opts, &err))
		fail_msg("%s", err.text);
	r.ns = os_clock_thread_ns() - start;	/* others use the machine, too */
	image_free(img);
	return r;
}

/* QUICK_MS in the environment: for builds that are slow. */
static u64 quick_ns(void)
{
	const char *ms = getenv("QUICK_MS");

	return (ms ? strtoull(ms, NULL, 10) : QUICK_MS) * 1000000;
}

static void accepts(const char *what)
{
	struct verify_result r = judge(0);

	print_message("# %s: %s, %.1f ms, %llu instructions visited\n", what,
		      verdict_word(r.verdict), (double)r.ns / 1e6, (unsigned long long)r.visited);
	if (r.verdict != VERDICT_OK)
		fail_msg("%s: %s; invariants gave up at %u (%u)", what,
			 r.nr_errors ? r.errors[0].text : r.construct, r.invariants_insn,
			 r.invariants_id);
	for (u32 i = 0; i < AGAIN && r.ns > quick_ns(); i++)
		r = judge(0);
	assert_true(r.ns < quick_ns());
	assert_true(r.by_invariants);
}

static void refuses(const char *what)
{
	struct verify_result r = judge(VERIFY_NO_PATHS);

	if (r.verdict != VERDICT_REJECTED)
		fail_msg("%s: %s by invariants", what, verdict_word(r.verdict));
	r = judge(0);
	print_message("# %s: %s\n", what, r.nr_errors ? r.errors[0].text : "?");
	if (r.verdict != VERDICT_REJECTED)
		fail_msg("%s: %s", what, verdict_word(r.verdict));
}

/* ---- shapes -------------------------------------------------------------- */

static void shapes(void **unused UNUSED)
{
	sum_diamonds(VALUE_BYTES - 1);
	accepts("24 diamonds that add");
	slot_diamonds(false);
	accepts("24 diamonds of slots");
	long_loop(VALUE_BYTES - 1);
	accepts("300,000 trips");
	nested_loops(1);
	accepts("600 x 600 trips");
	many_jumps(VALUE_BYTES - 1);
	accepts("9,000 jumps");
}

static void twins(void **unused UNUSED)
{
	sum_diamonds(2 * VALUE_BYTES - 1);
	refuses("24 diamonds, a mask too wide");
	slot_diamonds(true);
	refuses("24 diamonds of slots, a number followed");
	long_loop(2 * VALUE_BYTES - 1);
	refuses("300,000 trips, a mask too wide");
	nested_loops(0);
	refuses("600 x 600 trips, the outer counter stands");
	many_jumps(VALUE_BYTES);
	refuses("9,000 jumps, behind the end");
}

/* ---- loops that do not end ----------------------------------------------- */

static void for_ever(void **unused UNUSED)
{
	u32 head;

	begin();
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	jump_to(BPF_JA, 0, 0, head);
	refuses("while (1)");

	begin();
	mov(8, 0);
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	add(8, 1);
	add(8, -1);
	jump_to(BPF_JLT, 8, 10, head);
	end();
	refuses("a counter that stands");

	begin();
	emit(BPF_LDX | BPF_MEM | BPF_W, 8, 7, 0, 0);
	head = n;
	emit(BPF_ALU | BPF_ADD | BPF_K, 8, 0, 0, 2);
	jump_to(BPF_JNE, 8, 7, head);
	end();
	refuses("a counter of 32 bits that wraps");

	begin();
	emit(BPF_LDX | BPF_MEM | BPF_DW, 8, 7, 0, 0);
	head = n;
	add(8, 2);
	jump_to(BPF_JNE, 8, 7, head);
	end();
	refuses("a counter of 64 bits that wraps");

	begin();
	mov(8, 0);
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	add(8, 1);
	jump(BPF_JNE, 0, 1, 1);
	mov(8, 0);
	jump_to(BPF_JLT, 8, 300000, head);
	end();
	refuses("a counter that is reset in the body");

	begin();
	mov(8, 0);
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	add(8, 1);
	jump(BPF_JNE, 0, 1, 1);
	add(8, -2);
	jump_to(BPF_JSLT, 8, 300000, head);
	end();
	refuses("a counter that goes both ways");

	begin();
	head = n;
	emit(BPF_JMP | 0xe0, 0, 0, 1, 0);	/* may_goto */
	call(BPF_FUNC_get_prandom_u32);
	jump_to(BPF_JA, 0, 0, head);
	refuses("may_goto that goes back when its budget is used up");
}

/* r8 goes on by FIRST or by SECOND, on two ways back, as long as it is below r9, 2^BITS. */
static void two_ways(s32 first, s32 second, u32 bits)
{
	u32 head;

	begin();
	emit(BPF_LD | BPF_DW | BPF_IMM, 9, 0, 0, 0);
	emit(0, 0, 0, 0, (s32)(1u << (bits - 32)));
	mov(8, 0);
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	add(8, first);
	jump(BPF_JNE, 0, 1, 1);
	emit(BPF_JMP | BPF_JSLT | BPF_X, 8, 9, (s16)(head - n - 1), 0);
	add(8, second - first);
	emit(BPF_JMP | BPF_JSLT | BPF_X, 8, 9, (s16)(head - n - 1), 0);
	end();
}

static void too_long(void **unused UNUSED)
{
	two_ways(1, -1, 33);
	refuses("up on one way, down on the other");
	two_ways(-1, 1, 33);
	refuses("down on one way, up on the other");
	two_ways(4, 1, 33);
	refuses("2^33 trips on the second way");
	two_ways(1, 4, 33);
	refuses("2^33 trips on the first way");
	two_ways(0, 4, 33);
	refuses("a way that stands");
	two_ways(4, 0, 33);
	refuses("another way that stands");
	two_ways(4, 5, 33);
	accepts("2^31 trips on two ways");
}

/* ---- loops that do -------------------------------------------------------- */

static void ends(void **unused UNUSED)
{
	u32 head, inner;

	begin();
	mov(8, 300000);
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	add(8, -1);
	jump(BPF_JNE, 0, 1, 1);
	add(8, -3);
	jump_to(BPF_JSGT, 8, 0, head);
	end();
	accepts("down by 1 or by 4");

	begin();
	emit(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0);
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	load(1, -8);
	emit(BPF_ALU | BPF_ADD | BPF_K, 1, 0, 0, 1);
	store(1, -8);
	jump_to(BPF_JLT, 1, 300000, head);
	end();
	accepts("a counter of 32 bits on the stack");

	begin();
	mov(8, 0);
	head = n;
	call(BPF_FUNC_get_prandom_u32);
	mov_reg(9, 0);
	and_(9, 7);
	add(9, 1);
	add_reg(8, 9);
	jump_to(BPF_JLT, 8, 300000, head);
	end();
	accepts("by 1 to 8");

	begin();
	mov(8, 0);
	head = n;
	mov(9, 1000);
	inner = n;
	add(9, -1);
	store(8, -16);
	jump_to(BPF_JNE, 9, 0, inner);
	load(8, -16);
	add(8, 1);
	jump_to(BPF_JNE, 8, 1000, head);
	end();
	accepts("the outer counter is spilled by the inner loop");
}

/* 2^24 trips for each element of the map, or of one that is in the other. */
static void for_each_element(bool inner)
{
	u32 out, func;

	begin();
	mov(1, 0);
	store(1, -8);
	if (inner) {
		emit(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_IDX, 0, 1);
		emit(0, 0, 0, 0, 0);
		mov_reg(2, 10);
		add(2, -8);
		call(BPF_FUNC_map_lookup_elem);
		jump(BPF_JEQ, 0, 0, 6);
		mov_reg(1, 0);
	} else {
		emit(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_IDX, 0, 0);
		emit(0, 0, 0, 0, 0);
	}
	func = n;
	emit(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_FUNC, 0, 0);
	emit(0, 0, 0, 0, 0);
	mov(3, 0);
	mov(4, 0);
	call(BPF_FUNC_for_each_map_elem);
	end();
	code[func].imm = (s32)(n - func - 1);
	mov(1, 0);
	out = n;
	add(1, 1);
	jump_to(BPF_JLT, 1, 1 << 24, out);
	end();
}

/* How many elements an inner map has nobody knows. */
static void elements(void **unused UNUSED)
{
	for_each_element(false);
	accepts("a long loop for each element");
	for_each_element(true);
	refuses("for each element of an inner map");
}

/* A function that is called while interrupts are off, where states are joined. */
static void interrupts(void **unused UNUSED)
{
	u32 at;

	begin();
	mov_reg(1, 10);
	add(1, -8);
	emit(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 0);
	mov_reg(1, 10);
	add(1, -8);
	at = n;
	emit(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	end();
	code[at].imm = (s32)(n - at - 1);
	emit(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 1);
	end();
	assert_int_equal(judge(VERIFY_NO_PATHS).verdict, VERDICT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(twins),
		cmocka_unit_test(for_ever),
		cmocka_unit_test(too_long),
		cmocka_unit_test(ends),
		cmocka_unit_test(elements),
		cmocka_unit_test(interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

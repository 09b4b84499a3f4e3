/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge_test.c: stores to words of the stack that a helper gets are joined by the
 * optimising compiler (jit/opt/merge.c). Random programs store in all widths, over each
 * other, with reads and branches between, look a key up there and sum up the stack: the
 * checked interpreter's results are the right ones.
 */
#include "base/base.h"
#include <linux/bpf.h>
#include <setjmp.h>
#include <skep/insn.h>
#include <skep/skep.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { PROGRAMS = 1500, STORES = 14, WORDS = 5, SLOTS = 160 };

struct prog { struct bpf_insn v[SLOTS]; u32 n; };

static u64 seed = 1;

static u32 any(u32 n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (u32)(seed >> 33) % n;
}

static void add(struct prog *p, struct bpf_insn in)
{
	assert_true(p->n < SLOTS);
	p->v[p->n++] = in;
}

/* Of 1 << LOG bytes, where it is aligned. */
static s16 place(u32 log)
{
	return (s16)(-8 * WORDS + (s32)(any(8 * WORDS >> log) << log));
}

static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

static void store(struct prog *p)
{
	u32 log = any(8) ? any(3) : 3;
	s16 at = place(log);

	if (any(3))
		add(p, BPF_STX_MEM(sizes[log], BPF_REG_10, BPF_REG_6 + any(3), at));
	else
		add(p, BPF_ST_MEM(sizes[log], BPF_REG_10, at, (s32)any(1u << 31)));
}

static void step(struct prog *p)
{
	u32 log = any(4);

	switch (any(12)) {
	case 0:		/* what is there goes on in what is stored */
		add(p, BPF_LDX_MEM(sizes[log], BPF_REG_1, BPF_REG_10, place(log)));
		add(p, BPF_ALU64_REG(BPF_ADD, BPF_REG_7, BPF_REG_1));
		break;
	case 1:
		add(p, BPF_JMP_IMM(BPF_JSET, BPF_REG_6, 1 << any(8), 1));
		store(p);
		break;
	case 2:
		add(p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_8, (s32)any(1u << 31)));
		break;
	case 3:
		add(p, BPF_ATOMIC_OP(any(2) ? BPF_DW : BPF_W, BPF_ADD, BPF_REG_10, BPF_REG_6,
				     place(3)));
		break;
	default:
		store(p);
	}
}

static void look_up(struct prog *p)
{
	s32 at = -8 * WORDS + (s32)any(8 * WORDS - 12);

	add(p, BPF_MOV64_REG(BPF_REG_2, BPF_REG_10));
	add(p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, at & ~3));
	add(p, (struct bpf_insn){ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1,
				  .src_reg = BPF_PSEUDO_MAP_IDX });
	add(p, (struct bpf_insn){ .code = 0 });
	add(p, BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem));
	add(p, BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2));
	add(p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_0, 0));
	add(p, BPF_ALU64_REG(BPF_XOR, BPF_REG_8, BPF_REG_1));
}

/* The words of the stack are summed up, each weighted. */
static void end(struct prog *p)
{
	add(p, BPF_ALU64_REG(BPF_ADD, BPF_REG_8, BPF_REG_7));
	for (s16 i = 1; i <= WORDS; i++) {
		add(p, BPF_ALU64_IMM(BPF_MUL, BPF_REG_8, 31));
		add(p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, (s16)(-8 * i)));
		add(p, BPF_ALU64_REG(BPF_ADD, BPF_REG_8, BPF_REG_1));
	}
	add(p, BPF_MOV64_REG(BPF_REG_0, BPF_REG_8));
	add(p, BPF_ALU64_IMM(BPF_RSH, BPF_REG_0, 32));
	add(p, BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_8));
	add(p, BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 0xffffff));
	add(p, BPF_EXIT_INSN());
}

static void make(struct prog *p)
{
	p->n = 0;
	for (u32 r = 6; r <= 8; r++)
		add(p, BPF_MOV64_IMM((u8)r, (s32)any(1u << 31)));
	add(p, BPF_LDX_MEM(BPF_W, BPF_REG_6, BPF_REG_1, offsetof(struct __sk_buff, mark)));
	for (s16 i = 1; i <= WORDS; i++)
		add(p, BPF_ST_MEM(BPF_DW, BPF_REG_10, (s16)(-8 * i), 0));
	for (u32 calls = 1 + any(2); calls--;) {
		for (u32 i = 1 + any(STORES); i--;)
			step(p);
		look_up(p);
	}
	end(p);
}

static u32 result(const struct prog *p, bool compiled)
{
	static const struct skep_map_def map = { .name = "h", .type = BPF_MAP_TYPE_HASH,
		.key_size = 12, .value_size = 8, .max_entries = 4 };
	const struct skep_load_opts opts = { .size = sizeof(opts), .unverified = !compiled,
					     .jit = compiled ? SKEP_JIT_OPT : SKEP_JIT_OFF };
	u8 packet[64] = { 0 };
	struct skep_run run = { .size = sizeof(run), .data = packet, .data_bytes = 64 };
	struct skep_object *obj;
	struct skep_err err;

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_SCHED_CLS, "m", p->v, p->n, &map, 1, "GPL",
				   &err) ||
	    skep_object_load(obj, &opts, &err) ||
	    skep_prog_run(skep_object_prog(obj, "m"), &run, &err))
		fail_msg("%s", skep_err_text(&err));
	skep_object_close(obj);
	return run.retval;
}

static void test_random(void **state)
{
	struct prog p;

	for (u32 i = 0; i < PROGRAMS; i++) {
		u32 want, got;

		make(&p);
		want = result(&p, false);
		got = result(&p, true);
		if (want != got)
			fail_msg("program %u: %#x, compiled %#x", i, want, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

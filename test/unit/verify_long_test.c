/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_long_test.c: programs as long as may be, with as many branches as may wait.
 */
#include "base/vec.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "verify/verify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* In CALLS frames, each of which has a share of the stack. */
static void add_branch(struct isa_code *code, s32 n, u32 calls)
{
	const s32 slots = 64 - 4 * (s32)calls;

	*vec_push(code) = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
					     .imm = BPF_FUNC_get_prandom_u32 };
	*vec_push(code) = (struct bpf_insn){ .code = BPF_JMP | BPF_JEQ | BPF_K, .off = 2,
					     .imm = n };
	*vec_push(code) = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1,
					     .src_reg = 10 };
	*vec_push(code) = (struct bpf_insn){ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 1,
					     .src_reg = 6,
					     .off = (s16)(-8 * (n % slots + 1)) };
}

static void judge(struct isa_code *code, enum verify_policy policy)
{
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .policy = policy };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;
	struct image *img;

	if (obj_from_insns(&img, BPF_PROG_TYPE_XDP, "long", code->v, (u32)code->n, NULL, 0, "GPL",
			   &err) ||
	    verify_prog(&r, &arena, img, &img->progs[0], &opts, &err))
		fail_msg("%s", err.text);
	if (r.verdict != VERDICT_OK)
		fail_msg("%s", r.nr_errors ? r.errors[0].text : r.construct);
	image_free(img);
	arena_free(&arena);
}

static void in_calls(u32 calls)
{
	enum { BRANCHES = 8192, INSNS = 1000000 - 4 * BRANCHES };
	struct isa_code code = { 0 };

	for (u32 i = 0; i < calls; i++) {
		*vec_push(&code) = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
						      .src_reg = BPF_PSEUDO_CALL, .imm = 1 };
		*vec_push(&code) = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	}
	*vec_push(&code) = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6,
					      .src_reg = 1 };
	for (s32 i = 1; i <= BRANCHES; i++)
		add_branch(&code, i, calls);
	while (code.n < INSNS)
		*vec_push(&code) = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
	*vec_push(&code) = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	judge(&code, POLICY_USER);
	judge(&code, POLICY_KERNEL);
	vec_free(&code);
}

/* What was found of the program's end must still be there when the branches are taken up:
 * else each goes on to the end, and there are steps for one. */
static void branches(void **unused UNUSED)
{
	in_calls(0);
}

/* In calls, states are stored at other branches: that behind the last is among them. */
static void branches_in_calls(void **unused UNUSED)
{
	in_calls(7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(branches),
		cmocka_unit_test(branches_in_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.c: the verifier as the judge of verdict.h, with the kernel's policy. A
 * program that it accepts is looked at once more on each path to its end, where
 * that does not take long: pruning must not have accepted it.
 */
#include "diff/verdict.h"
#include "isa/isa.h"
#include "verify/verify.h"
#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_WITHOUT_PRUNING = 20000 };

static bool is_limit(enum reject_id id)
{
	return id == REJECT_TOO_LONG || id == REJECT_TOO_MANY_JUMPS;
}

/*
 * Bytes of the stack that are known to be some number cover a pointer that lies there, as
 * in the kernel: its address is a number, too. What may not be done with pointers
 * is then refused on the one way and not on the other, and safe on both.
 */
static bool is_of_pointers(enum reject_id id)
{
	switch (id) {
	case REJECT_PTR_OP:
	case REJECT_PTR_BITS:
	case REJECT_PTR_PTR:
	case REJECT_PTR_ARITH_32:
	case REJECT_PTR_FROM_NUM:
	case REJECT_PTR_SUB_STACK:
	case REJECT_PTR_NEG:
	case REJECT_PTR_COPY:
	case REJECT_PTR_FAR_NUM:
	case REJECT_SPILL_READ:
		return true;
	default:
		return false;
	}
}

static void check_pruning(const struct image *img, const struct image_prog *prog)
{
	const struct verify_opts opts = { .policy = POLICY_KERNEL, .caps = VERIFY_CAP_ALL,
		.max_errors = 1, .flags = VERIFY_NO_PRUNE, .limit_insns = LIMIT_WITHOUT_PRUNING };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;

	if (!verify_prog(&r, &arena, img, prog, &opts, &err) &&
	    r.verdict == VERDICT_REJECTED && !is_limit(r.errors[0].id) &&
	    !is_of_pointers(r.errors[0].id)) {
		struct strbuf text = { 0 };

		for (u32 i = 0; i < prog->nr_insns; i += isa_slots(&prog->insns[i])) {
			sb_printf(&text, "%5u: ", i);
			isa_disasm(&text, prog->insns, prog->nr_insns, i);
			sb_putc(&text, '\n');
		}
		fprintf(stderr, "%saccepted by pruning alone: instruction %u: %s\n",
			sb_text(&text), r.errors[0].insn, r.errors[0].kernel);
		abort();
	}
	arena_free(&arena);
}

static enum judged judge(const struct image *img, u32 prog, char *why, size_t n)
{
	const struct verify_opts opts = { .policy = POLICY_KERNEL, .caps = VERIFY_CAP_ALL,
					  .max_errors = 1, .as = verdict_as };
	static const enum judged of[] = { [VERDICT_OK] = JUDGED_OK,
		[VERDICT_REJECTED] = JUDGED_REJECTED, [VERDICT_NOT_JUDGED] = JUDGED_NONE };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err = { 0 };
	enum judged verdict = JUDGED_REJECTED;

	if (verify_prog(&r, &arena, img, &img->progs[prog], &opts, &err)) {
		snprintf(why, n, "%.*s", (int)strcspn(err.text, "\n"), err.text);
	} else {
		verdict = of[r.verdict];
		if (r.nr_errors)
			snprintf(why, n, "%u: %s", r.errors[0].insn, r.errors[0].kernel);
		else
			snprintf(why, n, "%s", r.construct ? r.construct : "");
	}
	if (verdict == JUDGED_OK)
		check_pruning(img, &img->progs[prog]);
	arena_free(&arena);
	return verdict;
}

__attribute__((constructor)) static void set_judge(void) { verdict_judge = judge; }

/* SPDX-License-Identifier: BSD-2-Clause */
/* judge.c: the verifier as the judge of verdict.h, with the kernel's policy. */
#include "diff/verdict.h"
#include "verify/verify.h"
#include <stdio.h>

static enum judged judge(const struct image *img, u32 prog, char *why, size_t n)
{
	const struct verify_opts opts = { .policy = POLICY_KERNEL, .caps = VERIFY_CAP_ALL,
					  .max_errors = 1 };
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
		snprintf(why, n, "%s", r.nr_errors ? r.errors[0].kernel :
			 r.construct ? r.construct : "");
	}
	arena_free(&arena);
	return verdict;
}

__attribute__((constructor)) static void set_judge(void) { verdict_judge = judge; }

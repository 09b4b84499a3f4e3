/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nest_test.c: the verdict on programs of nested loops (nested.h), which all end and are
 * safe: what the running kernel accepts we accept. Either may take longer than it may: which
 * of them, hangs by what is stored where; we do for fewer. Nobody may have another reason.
 * Prints the seed.
 *
 *	DIFF_SEED=N	other programs; of one program: NEST_PROG=N
 *	DIFF_RUNS=N	how many programs, instead of what seconds allow
 *
 * Loads; attaches nothing.
 */
#include "diff/nested.h"
#include "diff/refusal.h"
#include "diff/report.h"
#include "diff/verdict.h"
#include "base/os.h"
#include "verify/verify.h"
#include <inttypes.h>
#include <stdio.h>
#include "unit/kernel_bpf.h"

enum { SECONDS = 4, LOST_MAX = 25 };	/* of what the kernel accepts, one in so many */

struct tally { u64 programs, accepted, lost, more, joined, by_kernel, both; };

static void print(const struct diff_prog *p)
{
	struct strbuf text = { 0 };

	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		sb_printf(&text, "%5u: ", i);
		isa_disasm(&text, p->v, p->n, i);
		sb_putc(&text, '\n');
	}
	fprintf(stderr, "%s", sb_text(&text));
	sb_free(&text);
}

static bool is_limit(enum reject_id id)
{
	return id == REJECT_TOO_LONG || id == REJECT_TOO_MANY_JUMPS;
}

static bool judge(const struct image *img, enum verify_policy policy, u64 seed, struct tally *t)
{
	const struct verify_opts opts = { .policy = policy, .caps = VERIFY_CAP_ALL,
					  .max_errors = 1 };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;
	bool ok;

	if (verify_prog(&r, &arena, img, &img->progs[0], &opts, &err))
		fail_msg("%s", err.text);
	ok = r.verdict == VERDICT_OK;
	if (!ok && (!r.nr_errors || !is_limit(r.errors[0].id)))
		fail_msg("nested 0x%" PRIx64 ": %s", seed, r.nr_errors ? r.errors[0].kernel :
			 r.construct);
	t->joined += r.by_invariants;
	arena_free(&arena);
	return ok;
}

static void one(struct world *w, u64 seed, bool show, struct tally *t)
{
	static struct diff_prog p;
	struct diff_verdict kernel;
	const struct refusal *why;
	struct skep_err err;
	struct image *img;
	bool user, same;

	nested_program(&p, seed);
	img = verdict_image(&gen_scene, &p, &err);
	assert_non_null(img);
	if (show)
		print(&p);
	world_judge(w, &p, &kernel);
	why = kernel.error ? refusal_of(&kernel) : NULL;
	if (kernel.error && (!why || (strcmp(why->name, "large") && strcmp(why->name, "slow"))))
		fail_msg("nested 0x%" PRIx64 ": the kernel says %s", seed, kernel.line);
	user = judge(img, POLICY_USER, seed, t);
	same = judge(img, POLICY_KERNEL, seed, t);
	image_free(img);
	t->programs++;
	t->accepted += !kernel.error;
	t->more += kernel.error && user;
	t->lost += !kernel.error && !user;
	t->by_kernel += same;
	t->both += same && !kernel.error;
	if (!kernel.error && !user)
		print_message("# only the kernel accepts 0x%" PRIx64 "\n", seed);
}

static void verdicts(void **unused UNUSED)
{
	u64 state = env_number("DIFF_SEED", os_clock_ns()), only = env_number("NEST_PROG", 0);
	struct effort e = effort_new(SECONDS);
	struct tally t = { 0 };
	struct world *w;
	char why[200];

	need_kernel();
	w = world_new(&gen_scene, why, sizeof(why));
	if (!w)
		fail_msg("%s", why);
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	if (only)
		one(w, only, true, &t);
	while (!only && effort_goes_on(&e))
		one(w, gen_random(&state), false, &t);
	print_message("# %" PRIu64 " programs, the kernel accepts %" PRIu64 "; we all but %" PRIu64
		      " of these and %" PRIu64 " others, %" PRIu64 " by joined states\n",
		      t.programs, t.accepted, t.lost, t.more, t.joined);
	print_message("#   by the kernel's policy %" PRIu64 ", of these by the kernel, too: %"
		      PRIu64 "\n", t.by_kernel, t.both);
	world_free(w);
	assert_true(t.programs > 0);
	assert_true(t.lost <= 2 + t.accepted / LOST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(verdicts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

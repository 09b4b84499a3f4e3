/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_test.c: the verifier's two explorations over generated and mutated
 * programs: what *invariants* accepts alone, *paths* accepts, too, where it
 * comes to an end. Prints the seed.
 *
 *	DIFF_SEED=N	other programs
 *	DIFF_RUNS=N	how many of each kind, instead of what seconds allow
 */
#include "diff/branchy.h"
#include "diff/gen.h"
#include "diff/loopy.h"
#include "diff/mutate.h"
#include "diff/report.h"
#include "diff/verdict.h"
#include "base/os.h"
#include "isa/isa.h"
#include "verify/verify.h"
#include <inttypes.h>
#include <stdlib.h>
#include "unit/kernel_bpf.h"

enum { SECONDS = 4, LIMIT = 200000, LIMIT_WITHOUT_PRUNING = 20000 };

struct tally { u64 programs, paths, invariants, both, more, unpruned, gave_up[1 << 16]; };

static unsigned caps;		/* of the loader of the program at hand */

/* The verdict; *GAVE_UP: a limit ended *paths*, it is no answer. */
static enum verdict judge(const struct image *img, unsigned flags, bool *gave_up, u32 *why)
{
	const struct verify_opts opts = { .caps = caps, .flags = flags,
		.max_errors = 1,
		.limit_insns = flags == VERIFY_NO_PRUNE ? LIMIT_WITHOUT_PRUNING : LIMIT };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;

	*gave_up = true;
	if (verify_prog(&r, &arena, img, &img->progs[0], &opts, &err))
		return VERDICT_NOT_JUDGED;
	*why = flags == VERIFY_NO_PATHS ? r.invariants_id : r.nr_errors ? r.errors[0].id : 0;
	*gave_up = r.verdict == VERDICT_NOT_JUDGED || (r.nr_errors &&
		   (r.errors[0].id == REJECT_TOO_LONG || r.errors[0].id == REJECT_TOO_MANY_JUMPS));
	arena_free(&arena);
	return r.verdict;
}

/*
 * Rules that differ for a constant and for a joined number, as they do in the
 * kernel: pointers that are moved far and not used there; parts of pointers on
 * the stack, which privileged programs may read at variable offsets.
 */
static bool of_constants(u32 id)
{
	return id == REJECT_PTR_FAR_NUM || id == REJECT_PTR_FAR || id == REJECT_PTR_OFF ||
	       id == REJECT_SPILL_READ;
}

/* Each path to its end must not say otherwise, where there are not too many. */
static void check_pruning(const struct image *img, const char *what, u64 seed, struct tally *t)
{
	bool no_answer;
	u32 why = 0;
	enum verdict each = judge(img, VERIFY_NO_PRUNE, &no_answer, &why);

	if (each == VERDICT_REJECTED && !no_answer && !of_constants(why))
		fail_msg("%s 0x%" PRIx64 ": accepted by pruning alone (%s)", what, seed,
			 reject_row(why)->name);
	t->unpruned += each == VERDICT_OK;
}

/*
 * What repeats by itself (may_goto, callbacks, iterators) *paths* widens without
 * knowing any constants: there it may know less.
 */
static bool repeats(const struct diff_prog *p)
{
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		enum isa_op op = isa_op(&p->v[i]);

		if (op == OP_MAY_GOTO || op == OP_CALL_KFUNC || op == OP_LDDW_FUNC)
			return true;
	}
	return false;
}

static void compare(const struct diff_prog *p, const char *what, u64 seed, struct tally *t)
{
	struct skep_err err;
	struct image *img = verdict_image(&gen_scene, p, &err);
	bool no_answer, ignored;
	enum verdict paths, often, invariants;
	u32 why = 0, gave_up = 0;

	if (!img)
		return;
	caps = seed & 3 ? VERIFY_CAP_ALL : 0;	/* some must not learn addresses */
	often = judge(img, VERIFY_NO_INVARIANTS | VERIFY_STORE_OFTEN, &ignored, &why);
	paths = judge(img, VERIFY_NO_INVARIANTS, &no_answer, &why);
	invariants = judge(img, VERIFY_NO_PATHS, &ignored, &gave_up);
	if (paths == VERDICT_OK || often == VERDICT_OK)
		check_pruning(img, what, seed, t);
	image_free(img);
	t->programs++;
	t->paths += paths == VERDICT_OK;
	t->invariants += invariants == VERDICT_OK;
	t->both += paths == VERDICT_OK && invariants == VERDICT_OK;
	if (paths == VERDICT_OK && invariants != VERDICT_OK)
		t->gave_up[gave_up & 0xffff]++;
	t->more += invariants == VERDICT_OK && paths == VERDICT_REJECTED && !no_answer;
	if (invariants == VERDICT_OK && paths != VERDICT_OK && !no_answer &&
	    !of_constants(why) && !repeats(p))
		fail_msg("%s 0x%" PRIx64 ": invariants accepts, paths does not (%s)", what, seed,
			 reject_row(why)->name);
}

static void tell(const struct tally *t, const char *what)
{
	print_message("# %s: %" PRIu64 " programs; paths accepts %" PRIu64 ", invariants alone %"
		      PRIu64 " (%" PRIu64 " of these)\n", what, t->programs, t->paths,
		      t->invariants, t->both);
	print_message("#   %" PRIu64 " of them each path to its end\n", t->unpruned);
	if (t->more)
		print_message("#   and %" PRIu64 " that paths rejects for want of precision\n",
			      t->more);
	for (u32 i = 0; i < ARRAY_LEN(t->gave_up); i++)
		if (t->gave_up[i])
			print_message("#   gave up at %s: %" PRIu64 "\n",
				      i ? reject_row(i)->name : "a loop", t->gave_up[i]);
}

enum kind { GENERATED, MUTATED, BRANCHY, LOOPY };

static bool make(struct diff_prog *p, enum kind kind, u64 seed)
{
	if (kind == BRANCHY)
		branchy_program(p, seed);
	else if (kind == LOOPY)
		loopy_program(p, seed);
	else
		gen_program(p, NULL, seed, 0);
	return kind != MUTATED || mutate_program(p, seed, &gen_scene);
}

static void programs(enum kind kind, const char *what)
{
	static struct diff_prog p;
	static struct tally t;
	u64 state = env_number("DIFF_SEED", os_clock_ns());
	struct effort e = effort_new(SECONDS);

	memset(&t, 0, sizeof(t));
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	while (effort_goes_on(&e)) {
		u64 seed = gen_random(&state);

		if (make(&p, kind, seed))
			compare(&p, what, seed, &t);
	}
	tell(&t, what);
	assert_true(t.programs > 0);
	/* a busy machine judges few, of which most may be the harder ones */
	assert_true(t.paths < 50 || t.both * 2 > t.paths);
}

static void generated(void **unused UNUSED) { programs(GENERATED, "generated"); }
static void mutated(void **unused UNUSED) { programs(MUTATED, "mutated"); }
static void branchy(void **unused UNUSED) { programs(BRANCHY, "branchy"); }
static void loopy(void **unused UNUSED) { programs(LOOPY, "loopy"); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated),
		cmocka_unit_test(mutated),
		cmocka_unit_test(branchy),
		cmocka_unit_test(loopy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

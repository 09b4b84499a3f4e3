/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_test.c: all runs of small programs (model.h) that a verifier accepts, each of
 * its ways by itself: none does what it must not, none goes round for ever, and facts
 * hold in all of them. Prints the seed.
 *
 *	DIFF_SEED=N	other programs; of one program: MODEL_PROG=N
 *	DIFF_RUNS=N	how many programs, instead of what seconds allow
 *	MODEL_WAY=N	by one way only, always: 1, 2, ... of those below
 */
#include "diff/model.h"
#include "diff/report.h"
#include "diff/tiny.h"
#include "diff/verdict.h"
#include "base/os.h"
#include "verify/verify.h"
#include <inttypes.h>
#include <stdio.h>
#include "unit/kernel_bpf.h"

enum { SECONDS = 4, LIMIT_INSNS = 3000 };

static const struct { const char *name; unsigned flags, seldom; } ways[] = {
	{ "paths, stored often", VERIFY_NO_INVARIANTS | VERIFY_STORE_OFTEN, 0 },
	{ "paths", VERIFY_NO_INVARIANTS, 3 },
	{ "invariants", VERIFY_NO_PATHS | VERIFY_FACTS, 3 },
	{ "both", VERIFY_FACTS | VERIFY_STORE_OFTEN, 4 },
};

struct tally { u64 programs, accepted[ARRAY_LEN(ways)], modelled, whole, states; };

static void violated(const struct diff_prog *p, const struct model *m, u64 seed, const char *way)
{
	struct strbuf text = { 0 };

	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		sb_printf(&text, "%s%5u: ", i == m->insn ? ">>" : "  ", i);
		isa_disasm(&text, p->v, p->n, i);
		sb_putc(&text, '\n');
	}
	fprintf(stderr, "%s\n%s", sb_text(&text), sb_text((struct strbuf *)&m->how));
	fail_msg("tiny 0x%" PRIx64 ", accepted by %s: at instruction %u", seed, way, m->insn);
}

/* The program as WAY accepts it, one in four for a loader without CAP_PERFMON; facts are
 * of the arena. */
static bool accepts(const struct image *img, u64 seed, u32 way, struct arena *arena,
		    struct verify_result *r)
{
	const struct verify_opts opts = { .caps = seed & 3 ? VERIFY_CAP_ALL : 0,
		.flags = ways[way].flags, .max_errors = 1, .limit_insns = LIMIT_INSNS };
	struct skep_err err;

	return !verify_prog(r, arena, img, &img->progs[0], &opts, &err) &&
	       r->verdict == VERDICT_OK;
}

static void look(const struct diff_prog *p, const struct facts *facts, u64 seed, u32 way,
		 struct tally *t)
{
	static struct model m;

	model_runs(&m, p, facts);
	t->modelled++;
	t->whole += m.whole;
	t->states += m.states;
	if (m.end)
		violated(p, &m, seed, ways[way].name);
	sb_free(&m.how);
}

static void one(u64 seed, struct tally *t)
{
	static struct diff_prog p;
	u64 way_only = env_number("MODEL_WAY", 0);
	struct skep_err err;
	struct image *img;
	bool looked = false;

	tiny_program(&p, seed);
	img = verdict_image(&gen_scene, &p, &err);
	if (!img)
		return;
	t->programs++;
	for (u32 way = 0; way < ARRAY_LEN(ways); way++) {
		if (way_only ? way + 1 != way_only :
		    seed >> 8 & ((1u << ways[way].seldom) - 1))
			continue;
		struct arena arena = ARENA_INIT;
		struct verify_result r;

		if (accepts(img, seed, way, &arena, &r)) {
			t->accepted[way]++;
			if (!looked || r.facts)
				look(&p, r.facts, seed, way, t);
			looked = true;
		}
		arena_free(&arena);
	}
	image_free(img);
}

static void tiny(void **unused UNUSED)
{
	u64 state = env_number("DIFF_SEED", os_clock_ns()), only = env_number("MODEL_PROG", 0);
	struct effort e = effort_new(SECONDS);
	struct tally t = { 0 };

	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	if (only)
		one(only, &t);
	while (!only && effort_goes_on(&e))
		one(gen_random(&state), &t);
	print_message("# %" PRIu64 " programs; looked at %" PRIu64 " times, %" PRIu64
		      " of these whole, %" PRIu64 " states\n", t.programs, t.modelled, t.whole,
		      t.states);
	for (u32 way = 0; way < ARRAY_LEN(ways); way++)
		print_message("#   accepted by %s: %" PRIu64 "\n", ways[way].name,
			      t.accepted[way]);
	assert_true(t.modelled > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tiny) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

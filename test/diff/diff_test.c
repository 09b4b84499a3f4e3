/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_test.c: programs in both interpreters and on the running kernel: the same
 * results, errors, packets, contexts and maps. Random programs (gen.h); cases
 * that were found (test/diff/cases). Prints the seed; a program that differs is
 * made small and printed as a case.
 *
 *	DIFF_SEED=N	other programs
 *	DIFF_RUNS=N	how many of each kind, instead of what takes seconds
 *
 * Loads; attaches nothing.
 */
#include "diff/case.h"
#include "diff/gen.h"
#include "diff/refusal.h"
#include "diff/shrink.h"
#include "base/os.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include "unit/kernel_bpf.h"

enum {
	RUNS = 1500,
	REFUSED_MAX = 50,	/* one program in so many */
	SHRINK_TRIES = 4000,
	ROW_PROGRAMS = 600,
};

static u64 from_env(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

/* ---- what differs ------------------------------------------------------------------ */

struct found {
	struct world *w;
	const struct diff_packet *pkt;
	char kind[24];		/* the first word of what differs */
};

static void kind_of(char *kind, size_t n, const char *what)
{
	snprintf(kind, n, "%.*s", (int)strcspn(what, " :"), what);
}

/* Still the same kind of difference. */
static bool still_differs(const struct diff_prog *p, void *arg)
{
	struct found *f = arg;
	struct diff_result r;
	char kind[24];

	world_run(f->w, p, f->pkt, &r);
	kind_of(kind, sizeof(kind), r.what);
	return r.outcome == DIFF_DIFFERS && !strcmp(kind, f->kind);
}

static void report(struct world *w, struct diff_prog *p, const struct diff_packet *pkt,
		   const char *from, const struct diff_result *r)
{
	struct found f = { .w = w, .pkt = pkt };
	struct strbuf text = { 0 };
	struct diff_result last;
	char name[120];

	kind_of(f.kind, sizeof(f.kind), r->what);
	print_message("# %s differs: %s\n", from, r->what);
	shrink_program(p, still_differs, &f, SHRINK_TRIES);
	world_run(w, p, pkt, &last);
	snprintf(name, sizeof(name), "%s: %.60s", from, last.what);
	case_print(&text, name, world_scene(w), p, pkt);
	fprintf(stderr, "%s", sb_text(&text));
	sb_free(&text);
	fail_msg("%s differs: %s", from, last.what);
}

/* ---- random programs ----------------------------------------------------------------- */

struct tally {
	u64 runs, refused, slow, by_reason[REFUSALS_MAX];
};

static void explain(struct tally *t, const struct diff_verdict *v, u64 seed)
{
	const struct refusal *why = refusal_of(v);

	t->refused++;
	if (!why || !why->ours)
		fail_msg("seed 0x%" PRIx64 ": the kernel refuses a generated program (%d) for a "
			 "reason that refusal.def does not have: %s", seed, v->error, v->line);
	t->by_reason[refusal_index(why)]++;
}

static void random_program(struct world *w, u64 seed, const struct diff_packet *pkt,
			   struct tally *t)
{
	static struct diff_prog p;
	struct diff_result r;
	char from[40];

	gen_program(&p, seed, 0);
	world_run(w, &p, pkt, &r);
	t->runs++;
	snprintf(from, sizeof(from), "seed 0x%" PRIx64, seed);
	if (r.outcome == DIFF_REFUSED)
		explain(t, &r.kernel, seed);
	else if (r.outcome == DIFF_DIFFERS)
		report(w, &p, pkt, from, &r);
	t->slow += r.outcome == DIFF_BUDGET;
}

static void random_programs(void **unused UNUSED)
{
	u64 state = from_env("DIFF_SEED", os_clock_ns()), runs = from_env("DIFF_RUNS", RUNS);
	struct diff_packet pkt;
	struct tally t = { 0 };
	struct world *w;

	need_kernel();
	w = world_new(&gen_scene);
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	for (u64 i = 0; i < runs; i++) {
		u64 seed = gen_random(&state);

		gen_packet(&pkt, &state);
		random_program(w, seed, &pkt, &t);
	}
	print_message("# %" PRIu64 " programs, %" PRIu64 " refused by the kernel for known "
		      "reasons, %" PRIu64 " too slow\n", t.runs, t.refused, t.slow);
	world_free(w);
	if (runs >= 500)
		assert_true(t.refused < runs / REFUSED_MAX);
	assert_true(t.slow <= runs / REFUSED_MAX);
}

/* ---- every instruction ------------------------------------------------------------------ */

/* Rows that no program can have that both sides run, and why. */
static const struct { enum isa_op op; const char *why; } never[] = {
	{ OP_AS_CAST, "needs an arena, which the embedded engine does not have" },
	{ OP_CALL_REG, "Linux 6.18 has no such instruction" },
	{ OP_LDDW_MAP_FD, "the loader's form of LDDW_MAP_IDX" },
	{ OP_LDDW_MAP_VAL, "the loader's form of LDDW_IDX_VAL" },
	{ OP_LDDW_BTF_ID, "an address in the kernel" },
};

static bool is_never(u32 op)
{
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (never[i].op == op)
			return true;
	return false;
}

/* The generator makes every other row, and within a few hundred programs. */
static void all_rows(void **unused UNUSED)
{
	static struct diff_prog p;
	u64 state = 1, n[OP_MAX] = { 0 };

	for (u32 i = 0; i < ROW_PROGRAMS; i++) {
		gen_program(&p, gen_random(&state), 0);
		for (u32 k = 0; k < p.n; k += isa_slots(&p.v[k]))
			n[isa_op(&p.v[k])]++;
	}
	for (u32 op = 0; op < OP_MAX; op++)
		if (!n[op] != is_never(op))
			fail_msg("row %s: %" PRIu64 " times in %u programs", isa_rows[op].name,
				 n[op], ROW_PROGRAMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows),
		cmocka_unit_test(random_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

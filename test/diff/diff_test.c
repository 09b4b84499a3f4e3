/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_test.c: programs in both interpreters and on the running kernel: the same
 * results, errors, packets, contexts and maps. Random programs (gen.h); cases
 * that were found (test/diff/cases). Prints the seed; a program that differs is
 * made small and printed as a case.
 *
 *	DIFF_SEED=N	other programs
 *	DIFF_RUNS=N	how many of each kind, instead of what seconds allow
 *	DIFF_SECONDS=N	how many seconds
 *	DIFF_VERDICTS=FILE	appends the kernel's verdicts to FILE (verdict.h)
 *
 * Loads; attaches nothing.
 */
#include "diff/branchy.h"
#include "diff/case.h"
#include "diff/edit.h"
#include "diff/gen.h"
#include "diff/knotty.h"
#include "diff/linked.h"
#include "diff/loopy.h"
#include "diff/nested.h"
#include "diff/refusal.h"
#include "diff/report.h"
#include "diff/verdict.h"
#include "base/os.h"
#include <dirent.h>
#include <inttypes.h>
#include <linux/version.h>
#include <skep/insn.h>
#include <stdlib.h>
#include "unit/kernel_bpf.h"

enum {
	SECONDS = 4,
	REFUSED_MAX = 50,	/* one program in so many */
	ROW_PROGRAMS = 600,
	CHUNK = 5000,
	NEWEST = 6018,		/* of the kernels that were compared */
};

/* What the kernel has. The newest has everything, and does everything alike. */
static const struct gen_level *kernel_level(void)
{
	static struct gen_level level;
	struct strbuf text = { 0 };
	char why[400];
	struct world *w = world_new(&gen_scene, why, sizeof(why));

	if (!w || !level_read(&level, w, why, sizeof(why)))
		fail_msg("%s", why);
	world_free(w);
	level_print(&level, &text);
	print_message("# %s\n", sb_text(&text));
	sb_free(&text);
	for (u32 i = 0; i < NR_QUIRKS && kernel_version() >= NEWEST; i++)
		assert_false(level.quirks[i]);
	return &level;
}

/* ---- random programs ----------------------------------------------------------------- */

struct tally {
	struct verdicts verdicts;
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

/* Some packets are no Ethernet frames, or less than they say. */
static void cut(struct diff_packet *pkt, u64 seed)
{
	if (seed % 64 == 0)
		pkt->bytes = (u32)(seed >> 32) % 60;
}

/* Leaves out the statements that a difference does not need. */
static void fewer_statements(struct world *w, const struct gen_level *level, u64 seed,
			     const struct diff_packet *pkt, struct diff_prog *p,
			     struct diff_result *r)
{
	static struct diff_result last;
	u64 skip = 0;

	for (u32 i = 0; i < GEN_STATEMENTS; i++) {
		gen_program(p, level, seed, skip | 1ull << i);
		world_run(w, p, pkt, &last);
		if (last.outcome != DIFF_DIFFERS)
			continue;
		skip |= 1ull << i;
		*r = last;
	}
	gen_program(p, level, seed, skip);
}

static void random_program(struct world *w, const struct gen_level *level, u64 seed,
			   struct diff_packet *pkt, struct tally *t)
{
	static struct diff_prog p;
	struct diff_result r;
	char from[FROM_BYTES];

	gen_program(&p, level, seed, 0);
	cut(pkt, seed);
	world_run(w, &p, pkt, &r);
	t->runs++;
	verdicts_add(&t->verdicts, "gen", seed, &gen_scene, &p, &r.kernel);
	snprintf(from, sizeof(from), "seed 0x%" PRIx64, seed);
	if (r.outcome == DIFF_REFUSED)
		explain(t, &r.kernel, seed);
	if (r.outcome == DIFF_DIFFERS) {
		fewer_statements(w, level, seed, pkt, &p, &r);
		report_difference(w, &p, pkt, from, world_run, &r);
	}
	t->slow += r.outcome == DIFF_BUDGET;
}

/* Of a long run; it can be gone on with. */
static void tell_progress(const struct tally *t, u64 state)
{
	print_message("# %" PRIu64 " programs, refused %" PRIu64 ", too slow %" PRIu64
		      "; the others agree; next DIFF_SEED=0x%" PRIx64 "\n", t->runs, t->refused,
		      t->slow, state);
	fflush(stdout);
}

static void random_programs(void **unused UNUSED)
{
	const struct gen_level *level;
	u64 state = env_number("DIFF_SEED", os_clock_ns());
	struct effort e = effort_new(SECONDS);
	struct diff_packet pkt;
	struct tally t = { 0 };
	struct world *w;
	char why[200];
	u64 fast, not, one_pass;

	need_old_kernel();
	w = world_new(&gen_scene, why, sizeof(why));
	if (!w)
		fail_msg("%s", why);
	level = kernel_level();
	if (kernel_version() < NEWEST)
		verdict_as = KERNEL_VERSION(kernel_version() / 1000, kernel_version() % 1000, 0);
	verdicts_open(&t.verdicts, getenv("DIFF_VERDICTS"));
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	while (effort_goes_on(&e)) {
		u64 seed;

		if (t.runs && t.runs % CHUNK == 0)
			tell_progress(&t, state);
		seed = gen_random(&state);
		gen_packet(&pkt, &state);
		random_program(w, level, seed, &pkt, &t);
	}
	verdicts_close(&t.verdicts, "generated programs");
	world_count_fast(w, &fast, &not, &one_pass);
	print_message("#   %" PRIu64 " ran in the fast interpreter and compiled, too, %" PRIu64
		      " did not; %" PRIu64 " were not optimised\n", fast, not, one_pass);
	print_message("#   of %" PRIu64 ", %" PRIu64 " too slow\n", t.runs, t.slow);
	world_free(w);
	assert_true(not <= t.runs / REFUSED_MAX);
	assert_int_equal(one_pass, 0);
	if (t.runs >= 500)
		assert_true(t.refused < t.runs / REFUSED_MAX);
	assert_true(t.slow <= t.runs / REFUSED_MAX);
	assert_int_equal(t.verdicts.looser, 0);
	assert_int_equal(t.verdicts.n[RELATION_REJECTS], 0);
}

/* ---- programs for verifiers ------------------------------------------------------------- */

static const struct shape {
	const char *name;
	void (*make)(struct diff_prog *p, u64 seed);
} shapes[] = {
	{ "branchy", branchy_program }, { "knotty", knotty_program },
	{ "loopy", loopy_program }, { "linked", linked_program }, { "nested", nested_program },
};

static s32 some_number(u64 *state)
{
	static const s32 some[] = { 0, 1, 2, 7, 8, 15, 31, 60, 63, 64, 127, 128, 255, 256, -1,
				    -2, -8, -128, 0x7fff, 0xffff, 0x7fffffff, INT32_MIN };

	return some[gen_below(state, ARRAY_LEN(some))];
}

/* What the program begins with lies in the first map: numbers that it compares with. */
static void give_numbers(struct diff_prog *p, u64 *state)
{
	struct bpf_insn in[2 + VALUE_BYTES / 4] = { SKEP_LD_MAP_VALUE(BPF_REG_2, MAP_VALUE, 0) };
	u32 n = 2;

	for (s16 i = 0; i < VALUE_BYTES; i += 8) {
		bool whole = gen_below(state, 3);

		in[n++] = BPF_ST_MEM(BPF_DW, BPF_REG_2, i, some_number(state));
		if (!whole)
			in[n++] = BPF_ST_MEM(BPF_W, BPF_REG_2, i + 4, some_number(state));
	}
	edit_insert(p, 0, in, n);
}

/* r8 and r9, which are numbers in all of them, are the result, too. */
static void show_numbers(struct diff_prog *p)
{
	const struct bpf_insn in[] = { SKEP_LD_MAP_VALUE(BPF_REG_1, MAP_RESULT, 0),
		BPF_STX_MEM(BPF_DW, BPF_REG_1, BPF_REG_8, 0),
		BPF_STX_MEM(BPF_DW, BPF_REG_1, BPF_REG_9, 8) };
	u32 at = 0;

	while (at + 1 < p->n && (p->v[at].code != (BPF_ALU64 | BPF_MOV | BPF_K) ||
	       p->v[at].dst_reg || p->v[at + 1].code != (BPF_JMP | BPF_EXIT)))
		at += isa_slots(&p->v[at]);
	if (at + 1 < p->n)
		edit_insert(p, at, in, ARRAY_LEN(in));
}

/* What runs far is compared, too: loops and spills through both compilers. */
static void shaped_programs(void **unused UNUSED)
{
	u64 state = env_number("DIFF_SEED", os_clock_ns()), n[DIFF_SKIPPED + 1] = { 0 };
	u64 fast, not, one;
	struct effort e = effort_new(SECONDS);
	static struct diff_prog p;
	struct diff_packet pkt;
	struct diff_result r;
	char why[200], from[FROM_BYTES];
	struct world *w;

	need_old_kernel();
	w = world_new(&gen_scene, why, sizeof(why));
	if (!w)
		fail_msg("%s", why);
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	while (effort_goes_on(&e)) {
		const struct shape *shape = &shapes[gen_below(&state, ARRAY_LEN(shapes))];
		u64 seed = gen_random(&state);

		shape->make(&p, seed);
		give_numbers(&p, &state);
		show_numbers(&p);
		gen_packet(&pkt, &state);
		world_run_any(w, &p, &pkt, &r);
		n[r.outcome]++;
		snprintf(from, sizeof(from), "%s 0x%" PRIx64, shape->name, seed);
		if (r.outcome == DIFF_DIFFERS)
			report_difference(w, &p, &pkt, from, world_run_any, &r);
	}
	world_count_fast(w, &fast, &not, &one);
	print_message("# the same: %" PRIu64 ", refused: %" PRIu64 ", too slow: %" PRIu64
		      ", not compared: %" PRIu64 "; compiled, too: %" PRIu64 ", not: %" PRIu64
		      "\n", n[DIFF_SAME], n[DIFF_REFUSED], n[DIFF_BUDGET], n[DIFF_SKIPPED], fast,
		      not);
	world_free(w);
	assert_true(n[DIFF_SAME] > 0 && fast > 0);
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
		gen_program(&p, NULL, gen_random(&state), 0);
		for (u32 k = 0; k < p.n; k += isa_slots(&p.v[k]))
			n[isa_op(&p.v[k])]++;
	}
	for (u32 op = 0; op < OP_MAX; op++)
		if (!n[op] != is_never(op))
			fail_msg("row %s: %" PRIu64 " times in %u programs", isa_rows[op].name,
				 n[op], ROW_PROGRAMS);
}

/* ---- cases -------------------------------------------------------------------------------- */

static void one_case(const struct diff_case *c, const struct gen_level *level)
{
	struct diff_result r;
	char why[200];
	struct world *w = world_new(&c->scene, why, sizeof(why));
	u32 retval;
	int e;

	if (!w)
		fail_msg("case '%s': %s", c->name, why);
	e = world_run_user(w, &c->prog, &c->pkt, &retval);
	if (c->has_result && (e || retval != c->result))
		fail_msg("case '%s': error %d, result 0x%x, not 0x%x", c->name, e, retval,
			 c->result);
	if (level && (c->quirk == NR_QUIRKS || !level->quirks[c->quirk])) {
		world_run(w, &c->prog, &c->pkt, &r);
		if (r.outcome != DIFF_SAME)
			fail_msg("case '%s': %s%s", c->name, r.what, r.kernel.line);
	}
	world_free(w);
}

static u32 cases_of(const char *path, const struct gen_level *level)
{
	static struct diff_case c;
	struct os_file file;
	struct skep_err err;
	char why[300], *text;
	size_t at = 0;
	u32 n = 0;
	int r;

	if (os_file_read(&file, path, &err))
		fail_msg("%s", err.text);
	text = mem_alloc(file.size + 1);
	memcpy(text, file.data, file.size);
	os_file_close(&file);
	while ((r = case_next(&c, text, &at, why, sizeof(why))) > 0) {
		one_case(&c, level);
		case_free(&c);
		n++;
	}
	free(text);
	if (r)
		fail_msg("%s: %s", path, why);
	return n;
}

/* Programs that once differed, and whatever else shall stay the same. */
static void cases(void **unused UNUSED)
{
	static const char dir[] = "test/diff/cases";
	const struct gen_level *level = no_kernel() ? NULL : kernel_level();
	DIR *d = opendir(dir);
	struct dirent *e;
	u32 n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[600];

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (strstr(e->d_name, ".txt"))
			n += cases_of(path, level);
	}
	closedir(d);
	assert_true(n > 0);
	print_message("# %u cases, %s\n", n, level ? "on both" : "without the kernel");
}

/* What is printed is what is read. */
static void case_text(void **unused UNUSED)
{
	static struct diff_prog p;
	static struct diff_case c;
	struct strbuf text = { 0 };
	struct diff_packet pkt;
	u64 state = 3;
	char why[300];

	for (u32 i = 0; i < 20; i++) {
		size_t at = 0;

		gen_program(&p, NULL, gen_random(&state), 0);
		gen_packet(&pkt, &state);
		sb_reset(&text);
		case_print(&text, "again", &gen_scene, &p, &pkt);
		if (case_next(&c, sb_text(&text), &at, why, sizeof(why)) != 1)
			fail_msg("%s", why);
		assert_int_equal(c.prog.n, p.n);
		assert_memory_equal(c.prog.v, p.v, p.n * sizeof(*p.v));
		assert_int_equal(c.pkt.bytes, pkt.bytes);
		assert_memory_equal(c.pkt.data, pkt.data, pkt.bytes);
		assert_int_equal(c.prog.type, p.type);
		case_free(&c);
	}
	sb_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows),
		cmocka_unit_test(case_text),
		cmocka_unit_test(cases),
		cmocka_unit_test(random_programs),
		cmocka_unit_test(shaped_programs),
	};

	cmocka_set_test_filter(getenv("DIFF_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}

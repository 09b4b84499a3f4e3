/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutant_test.c: programs that are a little wrong (mutate.h): of the generator, and
 * of compiled objects. What the kernel accepts must do the same on both sides; what
 * it says of each goes into the stream of verdicts (verdict.h).
 *
 *	DIFF_SEED=N		other mutants than those of each check
 *	DIFF_RUNS=N		how many of each kind, instead of what seconds allow
 *	DIFF_MUTANT=N		only the mutants of seed N: of each object's program, and of
 *				the generated program of that seed
 *	DIFF_SHOW=1		programs with different verdicts as text
 *	DIFF_VERDICTS=FILE	appends the verdicts to FILE
 *	DIFF_OBJECTS=DIR	also the objects in DIR (tools/cut-objects fills one)
 *
 * An argument is the name of the only test that runs.
 *
 * Loads; attaches nothing.
 */
#include "diff/compiled.h"
#include "diff/edit.h"
#include "diff/gen.h"
#include "diff/looks.h"
#include "diff/mutate.h"
#include "diff/refusal.h"
#include "diff/report.h"
#include "diff/shrink.h"
#include "diff/verdict.h"
#include "base/os.h"
#include "host/capture.h"
#include <dirent.h>
#include <inttypes.h>
#include <skep/insn.h>
#include <stdlib.h>
#include "unit/kernel_bpf.h"

enum { SEED = 7, SECONDS = 3, OBJECT_MUTANTS = 6, FRAMES = 64, SLOW_INSNS = 200000 };

/* ---- mutants of generated programs ------------------------------------------------ */

struct mutants {
	report_run run;
	struct verdicts verdicts;
	u64 n[DIFF_SKIPPED + 1];
};

/* Mutant SEED of P in W. Without PKT the kernel only judges. */
static void mutant(struct mutants *m, struct world *w, const struct diff_prog *p, u64 seed,
		   const struct diff_packet *pkt, const char *source)
{
	static struct diff_prog changed;
	struct diff_result r;
	char from[FROM_BYTES];

	prog_copy(&changed, p);
	if (!mutate_program(&changed, seed, world_scene(w)))
		return;
	if (pkt) {
		m->run(w, &changed, pkt, &r);
	} else {
		world_judge(w, &changed, &r.kernel);
		r.outcome = r.kernel.error ? DIFF_REFUSED : DIFF_SKIPPED;
	}
	m->n[r.outcome]++;
	verdicts_add(&m->verdicts, source, seed, world_scene(w), &changed, &r.kernel);
	if (r.outcome != DIFF_DIFFERS)
		return;
	snprintf(from, sizeof(from), "%.80s, mutant 0x%" PRIx64, source, seed);
	report_difference(w, &changed, pkt, from, m->run, &r);
}

static void mutants_open(struct mutants *m, report_run run)
{
	memset(m, 0, sizeof(*m));
	m->run = run;
	verdicts_open(&m->verdicts, getenv("DIFF_VERDICTS"));
}

static void mutants_close(struct mutants *m, const char *what)
{
	verdicts_close(&m->verdicts, what);
	print_message("#   ran the same %" PRIu64 ", too slow %" PRIu64 ", not compared %" PRIu64
		      "\n", m->n[DIFF_SAME], m->n[DIFF_BUDGET], m->n[DIFF_SKIPPED]);
}

static void generated(void **unused UNUSED)
{
	static struct diff_prog p;
	u64 state = env_number("DIFF_SEED", SEED);
	const u64 only = env_number("DIFF_MUTANT", 0);
	struct effort e = effort_new(SECONDS);
	struct diff_packet pkt;
	struct mutants m;
	struct world *w;
	char why[200];

	need_kernel();
	w = world_new(&gen_scene, why, sizeof(why));
	assert_non_null(w);
	mutants_open(&m, world_run_any);
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	if (only)
		e.runs = 1;
	while (effort_goes_on(&e)) {
		u64 seed = gen_random(&state);

		seed = only ? only : seed;
		gen_packet(&pkt, &state);
		gen_program(&p, NULL, seed, 0);
		mutant(&m, w, &p, seed, &pkt, "mutant");
	}
	mutants_close(&m, "mutants of generated programs");
	world_free(w);
}

/* ---- mutants of compiled objects ----------------------------------------------------- */

struct frames {
	struct diff_packet v[FRAMES];
	u32 n;
};

static void frames_read(struct frames *f)
{
	struct capture *c;
	struct skep_err err;
	struct packet p;

	f->n = 0;
	assert_int_equal(capture_open(&c, "examples/firewall/traffic.pcapng", &err), 0);
	while (f->n < FRAMES && capture_next(c, &p, &err) > 0) {
		if (p.bytes > PACKET_MAX || p.bytes < 14)
			continue;
		memcpy(f->v[f->n].data, p.data, p.bytes);
		f->v[f->n++].bytes = p.bytes;
	}
	capture_close(c);
	assert_true(f->n > 0);
}

struct objects {
	struct mutants m;
	struct frames frames;
	u64 state, programs, left_out;
	u64 only;		/* the mutant of this seed */
	u32 mutants;		/* of each program */
	char why[300];		/* the last one was left out */
};

static const struct diff_packet *some_frame(struct objects *o)
{
	return &o->frames.v[gen_below(&o->state, o->frames.n)];
}

static void program_mutants(struct objects *o, struct world *w, const struct diff_prog *p,
			    bool runs, const char *source)
{
	struct diff_result r;
	char from[FROM_BYTES];

	o->programs++;
	if (o->only) {
		mutant(&o->m, w, p, o->only, runs ? some_frame(o) : NULL, source);
		return;
	}
	for (u32 i = 0; runs && i < 8; i++) {	/* as it is */
		const struct diff_packet *pkt = some_frame(o);

		world_run_open(w, p, pkt, &r);
		snprintf(from, sizeof(from), "%.150s", source);
		if (r.outcome == DIFF_DIFFERS)
			report_difference(w, p, pkt, from, world_run_open, &r);
	}
	for (u32 i = 0; i < o->mutants; i++)
		mutant(&o->m, w, p, gen_random(&o->state), runs ? some_frame(o) : NULL, source);
}

static void object_mutants(struct objects *o, const char *path)
{
	static struct diff_prog p;
	struct compiled c;
	struct world *w = NULL;
	char source[FROM_BYTES];

	if (compiled_open(&c, path, o->why, sizeof(o->why)))
		w = world_new(&c.scene, o->why, sizeof(o->why));
	if (!w)
		o->left_out++;
	for (u32 i = 0; w && i < c.img->nr_progs; i++) {
		struct diff_verdict v;

		if (!compiled_prog(&c, i, &p))
			continue;
		world_judge(w, &p, &v);
		if (v.error || v.insns > SLOW_INSNS)	/* for its section, its types ... */
			continue;
		snprintf(source, sizeof(source), "%.100s:%.50s", path, c.img->progs[i].name);
		program_mutants(o, w, &p, c.runs && world_runs(p.type), source);
	}
	if (w)
		world_free(w);
	compiled_close(&c);
}

static void folder_mutants(struct objects *o, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		fail_msg("%s: cannot be read", dir);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);
		char path[600];

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (n > 2 && !strcmp(e->d_name + n - 2, ".o"))
			object_mutants(o, path);
	}
	closedir(d);
}

static void compiled_objects(void **unused UNUSED)
{
	static const char *const dirs[] = { "test/obj", "examples/balancer", "examples/constructs",
		"examples/fields", "examples/firewall", "examples/nat64", "examples/shaper" };
	static struct objects o;

	need_kernel();
	o.state = env_number("DIFF_SEED", SEED);
	o.mutants = (u32)env_number("DIFF_RUNS", OBJECT_MUTANTS);
	o.only = env_number("DIFF_MUTANT", 0);
	frames_read(&o.frames);
	mutants_open(&o.m, world_run_open);
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", o.state);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		folder_mutants(&o, dirs[i]);
	if (getenv("DIFF_OBJECTS"))
		folder_mutants(&o, getenv("DIFF_OBJECTS"));
	mutants_close(&o.m, "mutants of compiled programs");
	print_message("#   of %" PRIu64 " programs; %" PRIu64 " objects left out, the last: %s\n",
		      o.programs, o.left_out, o.why);
	assert_true(o.programs >= 10);
}

/* ---- the tools themselves ------------------------------------------------------------- */

/* Every jump, call and function leads to the instruction that it led to. */
static void editing(void **unused UNUSED)
{
	static struct diff_prog p, q;
	const struct bpf_insn nop[] = { BPF_MOV64_REG(BPF_REG_0, BPF_REG_0) };
	u64 state = 5;

	for (u32 i = 0; i < 200; i++) {
		u32 at;

		gen_program(&p, NULL, gen_random(&state), 0);
		prog_copy(&q, &p);
		at = edit_nth(&q, 1 + gen_below(&state, edit_count(&q) - 1));
		assert_true(edit_insert(&q, at, nop, 1));
		assert_int_equal(q.n, p.n + 1);
		assert_int_equal(isa_check(q.v, q.n, "", NULL), 0);
		edit_remove(&q, at, 1);
		assert_int_equal(q.n, p.n);
		assert_memory_equal(q.v, p.v, p.n * sizeof(*p.v));
	}
}

static bool has_mul(const struct diff_prog *p, void *arg)
{
	bool mul = false, exit = false;

	++*(u32 *)arg;
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		mul |= isa_op(&p->v[i]) == OP_MUL64_K;
		exit |= isa_op(&p->v[i]) == OP_EXIT;
	}
	return mul && exit;
}

static void shrinking(void **unused UNUSED)
{
	static struct diff_prog p;
	u64 state = 6;
	u32 asked = 0, n = 0;

	while (n < 20) {
		gen_program(&p, NULL, gen_random(&state), 0);
		if (!has_mul(&p, &asked))
			continue;
		shrink_program(&p, has_mul, &asked, 4000);
		assert_true(has_mul(&p, &asked));
		assert_int_equal(p.n, 2);
		n++;
	}
}

/* A run that takes an address for a number, and what does not. */
static void looking(void **unused UNUSED)
{
	static const struct { const char *says; struct bpf_insn v[12]; u32 n; } progs[] = {
#define PROG(says, ...) { says, { __VA_ARGS__, BPF_EXIT_INSN() }, \
			  ARRAY_LEN(((struct bpf_insn[]){ __VA_ARGS__ })) + 1 }
#define KEEP BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -8)
		PROG("loads", KEEP, BPF_LDX_MEM(BPF_B, BPF_REG_0, BPF_REG_10, -2)),
		PROG("compares", BPF_MOV64_IMM(BPF_REG_0, 0),
		     BPF_JMP32_IMM(BPF_JSGT, BPF_REG_1, 16, 0)),
		PROG("compares", BPF_MOV64_IMM(BPF_REG_0, 0),
		     BPF_JMP_IMM(BPF_JSLE, BPF_REG_1, 0, 0)),
		PROG("reckons", BPF_MOV64_REG(BPF_REG_0, BPF_REG_1),
		     BPF_ALU64_IMM(BPF_RSH, BPF_REG_0, 48)),
		PROG("takes", BPF_MOV32_REG(BPF_REG_0, BPF_REG_1)),
		PROG("returns", BPF_MOV64_REG(BPF_REG_0, BPF_REG_1)),
		PROG("changes", KEEP, BPF_ST_MEM(BPF_W, BPF_REG_10, -8, 0),
		     BPF_MOV64_IMM(BPF_REG_0, 0)),
		PROG("gives", KEEP, BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		     BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -8), BPF_MOV64_IMM(BPF_REG_2, 8),
		     BPF_MOV64_IMM(BPF_REG_3, 0), BPF_MOV64_IMM(BPF_REG_4, 0),
		     BPF_MOV64_IMM(BPF_REG_5, 0), BPF_EMIT_CALL(BPF_FUNC_csum_diff)),
		PROG(NULL, KEEP, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
		     BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_1, 0),
		     BPF_LDX_MEM(BPF_W, BPF_REG_3, BPF_REG_1, 4),
		     BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, 14), BPF_MOV64_IMM(BPF_REG_0, 0),
		     BPF_JMP_IMM(BPF_JEQ, BPF_REG_1, 0, 1),
		     BPF_JMP_REG(BPF_JGT, BPF_REG_2, BPF_REG_3, 0)),
	};
	static struct diff_prog p = { .type = BPF_PROG_TYPE_XDP };
	struct diff_packet pkt = { .bytes = 64 };
	char text[200];
	struct world *w;

	need_kernel();
	w = world_new(&gen_scene, text, sizeof(text));
	assert_non_null(w);
	for (u32 i = 0; i < ARRAY_LEN(progs); i++) {
		text[0] = 0;
		p.n = progs[i].n;
		memcpy(p.v, progs[i].v, sizeof(progs[i].v));
		assert_int_equal(world_looks_at_addresses(w, &p, &pkt, text, sizeof(text)),
				 progs[i].says != NULL);
		if (progs[i].says && !strstr(text, progs[i].says))
			fail_msg("program %u %s, it says: %s", i, progs[i].says, text);
	}
	world_free(w);
}

static enum judged by_length(const struct image *img, u32 prog, char *why, size_t n)
{
	const u32 slots = img->progs[prog].nr_insns;

	snprintf(why, n, "%u slots", slots);
	return slots % 3 == 0 ? JUDGED_OK : slots % 3 == 1 ? JUDGED_REJECTED : JUDGED_NONE;
}

/* All four relations, in the sums and in the stream. */
static void judging(void **unused UNUSED)
{
	static struct diff_prog p = { .type = BPF_PROG_TYPE_XDP };
	enum judged (*before)(const struct image *img, u32 prog, char *why, size_t n);
	const struct bpf_insn nop = BPF_MOV64_IMM(BPF_REG_0, 0), end = BPF_EXIT_INSN();
	char path[] = "/tmp/skep-verdicts-XXXXXX";
	struct diff_verdict kernel = { 0 }, refused = { .error = -13, .line = "R0 !read_ok" };
	struct verdicts v;
	char line[500];
	FILE *f;

	close(mkstemp(path));
	verdicts_open(&v, path);
	before = verdict_judge;
	verdict_judge = by_length;
	for (p.n = 2; p.n < 8; p.n++) {
		for (u32 i = 0; i < p.n - 1; i++)
			p.v[i] = nop;
		p.v[p.n - 1] = end;
		verdicts_add(&v, "gen", p.n, &gen_scene, &p, p.n < 5 ? &kernel : &refused);
	}
	verdict_judge = before;
	verdicts_close(&v, "a judge that counts slots");
	assert_int_equal(v.n[RELATION_AGREE], 2);	/* 3 ok, 7 refused */
	assert_int_equal(v.n[RELATION_REJECTS], 1);	/* 4 */
	assert_int_equal(v.n[RELATION_ACCEPTS], 1);	/* 6 */
	assert_int_equal(v.n[RELATION_OPEN], 2);	/* 2, 5 */
	assert_int_equal(v.first[RELATION_ACCEPTS], 6);
	f = fopen(path, "r");
	assert_non_null(f);
	for (u32 i = 0; i < 5; i++)
		assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "gen\t0x6\t6\t6\t-13\tuninit\t0\t0\t0\tok\taccepts\tR0 !read_ok\t"
			    "6 slots\n");
	fclose(f);
	remove(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(editing),
		cmocka_unit_test(shrinking),
		cmocka_unit_test(judging),
		cmocka_unit_test(looking),
		cmocka_unit_test(compiled_objects),
		cmocka_unit_test(generated),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

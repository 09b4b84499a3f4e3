/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contain_test.c: runs of accepted programs stay inside what the verifier knows
 * of them: each register, each stack byte, each access at each instruction
 * (contain.h). Programs of all generators, mutated ones, and those of compiled
 * objects, on random packets and map values. Prints the seed.
 *
 *	DIFF_SEED=N	other programs; of one program: CONTAIN_PROG=N
 *	DIFF_RUNS=N	how many programs of each kind, instead of what seconds allow
 *	CONTAIN_RUNS=N	how many runs of accepted programs of each kind
 *	CONTAIN_KIND=NAME	one kind only: generated, mutated, ...
 *	DIFF_OBJECTS=DIR	a folder of further objects
 */
#include "diff/branchy.h"
#include "diff/compiled.h"
#include "diff/contain.h"
#include "diff/gen.h"
#include "diff/knotty.h"
#include "diff/linked.h"
#include "diff/loopy.h"
#include "diff/mutate.h"
#include "diff/nested.h"
#include "diff/report.h"
#include "diff/verdict.h"
#include "base/os.h"
#include "host/hosts.h"
#include "obj/obj.h"
#include "verify/verify.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "unit/kernel_bpf.h"

enum { SECONDS = 2, RUNS = 10, RUNS_COMPILED = 200, LEAST_RUNS = 100, RUN_BUDGET = 4000,
       LIMIT_INSNS = 10000 };

struct tally {
	u64 programs, accepted, bounded, runs, cut;
	struct contain c;
};

/* A program under test. */
struct subject {
	struct world *w;
	const struct image *img;
	u32 prog;
	const struct diff_prog *p;
	const char *from;
	u64 seed;
	u32 runs;
};

/* ---- reports ------------------------------------------------------------- */

_Noreturn static void violated(const struct subject *s, const struct contain *c, u32 run)
{
	struct strbuf text = { 0 };

	for (u32 i = 0; i < s->p->n; i += isa_slots(&s->p->v[i])) {
		sb_printf(&text, "%s%5u: ", i == c->insn ? ">>" : "  ", i);
		isa_disasm(&text, s->p->v, s->p->n, i);
		sb_putc(&text, '\n');
	}
	fprintf(stderr, "%s", sb_text(&text));
	fail_msg("%s 0x%" PRIx64 " type %u, run %u, before instruction %u: %s", s->from, s->seed,
		 s->p->type, run, c->insn, c->what);
	abort();
}

static void tell(const struct tally *t, const char *what)
{
	print_message("# %s: %" PRIu64 " programs, %" PRIu64 " accepted, bounds for %" PRIu64
		      "; %" PRIu64 " runs, %" PRIu64 " cut short\n", what, t->programs, t->accepted,
		      t->bounded, t->runs, t->cut);
	print_message("#   %" PRIu64 " instructions: %" PRIu64 " numbers, %" PRIu64 " pointers (%"
		      PRIu64 " of both with bounds), %" PRIu64 " slots, %" PRIu64 " accesses\n",
		      t->c.steps, t->c.numbers, t->c.pointers, t->c.narrow, t->c.slots,
		      t->c.accesses);
}

/* ---- runs ---------------------------------------------------------------- */

/* What programs like to compare with, or next to it. */
static u64 edge(u64 *state)
{
	static const s64 edges[] = { 0, 1, 2, 5, 8, 15, 16, 31, 60, 64, 127, 128, 255, 256, -1, -2,
				     -8, -128, 0x7fff, 0xffff, 0x7fffffff, INT32_MIN,
				     UINT32_MAX, INT64_MIN };

	return (u64)edges[gen_below(state, ARRAY_LEN(edges))] + gen_below(state, 3) - 1;
}

/* Values that programs find in the first map. */
static void stir(struct world *w, u64 *state)
{
	const struct map_mem *mem = &w->vm[0].mem;
	u64 n = min_u64(mem->nr * mem->stride, 256);

	if (w->scene.maps[0].frozen || !mem->base || gen_below(state, 2))
		return;
	for (u64 i = 0; i + 8 <= n; i += 8) {
		u64 v = gen_random(state);

		v = gen_below(state, 3) ? edge(state) : v >> gen_below(state, 64);
		memcpy(mem->base + i, &v, sizeof(v));
	}
}

/* What the engine has too little of is no mistake of the program's. */
static bool is_limit(const struct vm_fault *f)
{
	return f->kind == VM_FAULT_BUDGET || f->kind == VM_FAULT_FRAMES ||
	       f->kind == VM_FAULT_HELPER;
}

static void run_once(const struct subject *s, const struct vm_code *code, struct tally *t,
		     u64 *state, u32 run)
{
	const struct host *host = world_host(s->p->type);
	static struct diff_packet pkt;
	struct test_run in = { .data = pkt.data };
	struct world *w = s->w;
	struct skep_err err;
	u64 ret;

	gen_packet(&pkt, state);
	in.bytes = pkt.bytes;
	stir(w, state);
	if (host->begin(&w->run, w->buffer, &in, &err))
		return;
	w->code = code;
	w->run.rand = gen_random(state);
	t->runs++;
	if (!vm_run(w->machine, code, &w->run, RUN_BUDGET, &ret))
		return;
	if (t->c.what[0])
		violated(s, &t->c, run);
	t->cut++;
	if (!is_limit(vm_fault(w->machine))) {
		t->c.insn = vm_fault(w->machine)->insn;
		snprintf(t->c.what, sizeof(t->c.what), "fault: %s", vm_fault(w->machine)->text);
		violated(s, &t->c, run);
	}
}

static void runs(const struct subject *s, const struct facts *facts, struct tally *t)
{
	struct skep_err err;
	struct vm_code *code = world_code(s->w, s->p, VM_CHECKED, &err);
	u64 state = s->seed;

	if (!code)
		return;
	t->c.facts = facts;
	t->c.insns = s->p->v;
	t->c.nr_insns = s->p->n;
	t->c.world = s->w;
	t->c.what[0] = 0;
	world_reset(s->w);
	vm_step_set(s->w->machine, contain_step, &t->c);
	for (u32 i = 0; i < s->runs; i++)
		run_once(s, code, t, &state, i);
	vm_step_set(s->w->machine, NULL, NULL);
	vm_code_free(code);
}

/* ---- programs ------------------------------------------------------------ */

static void examine(const struct subject *s, struct tally *t)
{
	/* some without CAP_PERFMON, some by invariants alone */
	const struct verify_opts opts = { .caps = s->seed & 3 ? VERIFY_CAP_ALL : 0,
		.flags = VERIFY_FACTS | (s->seed & 12 ? 0 : VERIFY_NO_PATHS),
		.max_errors = 1, .limit_insns = LIMIT_INSNS };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;

	t->programs++;
	if (!verify_prog(&r, &arena, s->img, &s->img->progs[s->prog], &opts, &err) &&
	    r.verdict == VERDICT_OK) {
		assert_non_null(r.facts);
		t->accepted++;
		t->bounded += facts_bounded(r.facts);
		if (world_runs(s->p->type))
			runs(s, r.facts, t);
	}
	arena_free(&arena);
}

enum kind { GENERATED, MUTATED, BRANCHY, KNOTTY, LOOPY, LINKED, NESTED };

static bool make(struct diff_prog *p, enum kind kind, u64 seed)
{
	if (kind == BRANCHY)
		branchy_program(p, seed);
	else if (kind == LOOPY)
		loopy_program(p, seed);
	else if (kind == LINKED)
		linked_program(p, seed);
	else if (kind == NESTED)
		nested_program(p, seed);
	else if (kind == KNOTTY || (kind == MUTATED && seed >> 8 & 1))
		knotty_program(p, seed);
	else
		gen_program(p, NULL, seed, 0);
	return kind != MUTATED || mutate_program(p, seed, &gen_scene);
}

static struct world *world_open(const struct diff_scene *scene)
{
	char why[200];
	struct world *w = world_new(scene, why, sizeof(why));

	if (!w)
		fail_msg("%s", why);
	return w;
}

static void one(struct world *w, enum kind kind, const char *what, u64 seed, struct tally *t)
{
	static struct diff_prog p;
	struct subject s = { .w = w, .p = &p, .from = what, .seed = seed,
			     .runs = RUNS };
	struct image *img;
	struct skep_err err;

	if (!make(&p, kind, seed))
		return;
	img = verdict_image(&gen_scene, &p, &err);
	if (!img)
		return;
	s.img = img;
	examine(&s, t);
	image_free(img);
}

static void programs(enum kind kind, const char *what)
{
	static struct tally t;
	u64 state = env_number("DIFF_SEED", os_clock_ns()), only = env_number("CONTAIN_PROG", 0);
	u64 want = env_number("CONTAIN_RUNS", 0);
	struct effort e = effort_new(SECONDS);
	struct world *w = world_open(&gen_scene);

	memset(&t, 0, sizeof(t));
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	if (only)
		one(w, kind, what, only, &t);
	while (!only && (want ? t.runs < want : effort_goes_on(&e) || t.runs < LEAST_RUNS))
		one(w, kind, what, gen_random(&state), &t);
	tell(&t, what);
	world_free(w);
	if (only)
		return;
	assert_true(t.runs > 0 && t.c.narrow > 0 && t.c.slots > 0);
	assert_true(t.bounded * 2 > t.accepted);
}

static void generated(void **unused UNUSED) { programs(GENERATED, "generated"); }
static void mutated(void **unused UNUSED) { programs(MUTATED, "mutated"); }
static void branchy(void **unused UNUSED) { programs(BRANCHY, "branchy"); }
static void knotty(void **unused UNUSED) { programs(KNOTTY, "knotty"); }
static void loopy(void **unused UNUSED) { programs(LOOPY, "loopy"); }
static void linked(void **unused UNUSED) { programs(LINKED, "linked"); }
static void nested(void **unused UNUSED) { programs(NESTED, "nested"); }

/* ---- compiled objects ---------------------------------------------------- */

static void object(const char *path, struct tally *t)
{
	static struct compiled c;
	static struct diff_prog p;
	char why[200];
	struct world *w;

	if (!compiled_open(&c, path, why, sizeof(why))) {
		compiled_close(&c);
		return;
	}
	for (u32 i = 0; i < c.img->nr_maps; i++)	/* what the world has */
		c.img->maps[i].max_entries = c.maps[i].attr.max_entries;
	w = world_open(&c.scene);
	for (u32 i = 0; i < c.img->nr_progs; i++) {
		struct subject s = { .w = w, .img = c.img, .prog = i, .p = &p, .from = path,
				     .seed = env_number("DIFF_SEED", os_clock_ns()),
				     .runs = RUNS_COMPILED };

		if (compiled_prog(&c, i, &p))
			examine(&s, t);
	}
	world_free(w);
	compiled_close(&c);
}

static void folder(const char *dir, struct tally *t)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, NULL, alphasort);
	char path[512];

	for (int i = 0; i < n; i++) {
		size_t len = strlen(entry[i]->d_name);

		snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
		if (len > 2 && !strcmp(entry[i]->d_name + len - 2, ".o"))
			object(path, t);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

static void compiled(void **unused UNUSED)
{
	static const char *const dirs[] = { "test/diff/objects", "test/obj", "examples/balancer",
		"examples/constructs", "examples/fields", "examples/firewall", "examples/nat64",
		"examples/record-traffic", "examples/shaper" };
	static struct tally t;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		folder(dirs[i], &t);
	if (getenv("DIFF_OBJECTS"))
		folder(getenv("DIFF_OBJECTS"), &t);
	tell(&t, "compiled");
	assert_true(t.accepted > 0 && t.runs > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated),
		cmocka_unit_test(mutated),
		cmocka_unit_test(branchy),
		cmocka_unit_test(knotty),
		cmocka_unit_test(loopy),
		cmocka_unit_test(linked),
		cmocka_unit_test(nested),
		cmocka_unit_test(compiled),
	};

	cmocka_set_test_filter(getenv("CONTAIN_KIND"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}

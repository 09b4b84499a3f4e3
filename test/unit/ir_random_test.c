/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_random_test.c: random intermediate code (ir_gen.h), compiled for instruction sets 3
 * and 4, with and without the passes, must be accepted by our verifier and the kernel's,
 * and do on the embedded engine and in the kernel what an evaluator of the code itself
 * (ir_eval.h) finds: the return value and what is in the maps.
 *	IR_RUNS=N	programs (400)
 *	IR_SEED=N	the first one's seed
 */
#include "kernel_bpf.h"
#include "skep/skep.h"
#include "ir_gen.h"
#include "ir_eval.h"
#include <stdlib.h>
#include <cmocka.h>

enum { ARRAY_BYTES = GEN_ELEMENTS * GEN_ELEMENT, DATA_BYTES = GEN_DATA + 8, PACKET = 64 };

struct outcome { u32 retval; u8 data[DATA_BYTES], array[ARRAY_BYTES]; };
struct variant { u32 isa; bool optimise; };

static const struct variant variants[] = { { 3, false }, { 3, true }, { 4, false }, { 4, true } };
static bool have_kernel;
static u64 counted[4];		/* instructions by variant */

static void fail_with(u64 seed, const struct variant *v, const char *what, const char *more)
{
	struct ir_unit u;
	struct arena a = ARENA_INIT;
	struct strbuf text = { 0 };
	struct gen g;

	ir_open(&u, &a);
	gen_unit(&g, &u, seed);
	for (size_t i = 0; i < u.funcs.n; i++)
		ir_settle(u.funcs.v[i]);
	ir_print(&text, &u);
	fprintf(stderr, "%s\nseed %llu, isa %u, %s: %s\n%s\n", sb_text(&text),
		    (unsigned long long)seed, v->isa, v->optimise ? "optimised" : "plain", what,
		    more);
	fail();
}

static void evaluate(u64 seed, struct outcome *out)
{
	struct ir_unit u;
	struct arena a = ARENA_INIT;
	struct gen g;
	u32 ctx[64] = { PACKET - 14 };	/* len, behind the Ethernet header */
	u8 *maps[2] = { out->data, out->array };
	struct ir_world w = { .u = &u, .maps = maps, .ctx = (const u8 *)ctx, .steps = 1 << 20 };

	ir_open(&u, &a);
	gen_unit(&g, &u, seed);
	memset(out, 0, sizeof(*out));
	memcpy(out->data, u.maps.v[0].init, DATA_BYTES);
	for (size_t i = 0; i < u.funcs.n; i++) {
		const char *bad;

		ir_settle(u.funcs.v[i]);
		bad = ir_check(u.funcs.v[i], &a);
		if (bad)
			fail_with(seed, &variants[0], "not well formed", bad);
	}
	out->retval = (u32)eval_func(&w, u.funcs.v[u.funcs.n - 1], NULL);
	assert_true(w.steps);
	ir_close(&u);
	arena_free(&a);
}

static void compile(u64 seed, const struct variant *v, struct strbuf *elf)
{
	struct ir_unit u;
	struct arena a = ARENA_INIT;
	struct skep_err err = { 0 };
	struct gen g;

	ir_open(&u, &a);
	u.isa_level = v->isa;
	u.optimise = v->optimise;
	gen_unit(&g, &u, seed);
	if (v->optimise) {
		for (size_t i = 0; i < u.funcs.n; i++) {
			ir_opt(u.funcs.v[i]);
			if (ir_check(u.funcs.v[i], &a))
				fail_with(seed, v, "passes broke it", ir_check(u.funcs.v[i], &a));
		}
	}
	if (ir_object(elf, &u, &err))
		fail_with(seed, v, "does not compile", skep_err_text(&err));
	ir_close(&u);
	arena_free(&a);
}

/* The map called NAME, or that ends so: the kernel's have the object's name before it. */
static struct skep_map *map_of(struct skep_object *obj, const char *name)
{
	struct skep_map *m = skep_object_map(obj, name);

	assert_non_null(m);
	return m;
}

static void take_outcome(struct skep_object *obj, struct outcome *out)
{
	u32 key = 0;

	assert_int_equal(skep_map_lookup(map_of(obj, ".data"), &key, out->data), 0);
	for (; key < GEN_ELEMENTS; key++)
		assert_int_equal(skep_map_lookup(map_of(obj, "array"), &key,
						 out->array + key * GEN_ELEMENT), 0);
}

static void run(u64 seed, const struct variant *v, const struct strbuf *elf,
		enum skep_engine engine, enum skep_jit jit, struct outcome *out)
{
	static const u8 packet[PACKET] = { 0 };
	struct skep_load_opts opts = { .size = sizeof(opts), .engine = engine, .jit = jit };
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = PACKET };
	struct skep_object *obj;
	struct skep_err err = { 0 };

	if (skep_object_open_mem(&obj, elf->s, elf->n, "random.o", &err))
		fail_with(seed, v, "no object", skep_err_text(&err));
	if (skep_object_load(obj, &opts, &err))
		fail_with(seed, v, engine == SKEP_KERNEL ? "the kernel refuses it" : "refused",
			  skep_err_text(&err));
	if (skep_prog_run(skep_object_prog(obj, "main"), &r, &err))
		fail_with(seed, v, "does not run", skep_err_text(&err));
	memset(out, 0, sizeof(*out));
	out->retval = r.retval;
	take_outcome(obj, out);
	if (engine == SKEP_USER) {
		struct skep_prog_engine e = { .size = sizeof(e) };

		skep_prog_engine(skep_object_prog(obj, "main"), &e);
		counted[v - variants] += e.insns;
	}
	skep_object_close(obj);
}

static void compare(u64 seed, const struct variant *v, const struct outcome *want,
		    const struct outcome *got, const char *who)
{
	char more[200];

	snprintf(more, sizeof(more), "%s: returns %#x, evaluated %#x; data %s, array %s", who,
		 got->retval, want->retval,
		 memcmp(want->data, got->data, DATA_BYTES) ? "differs" : "equal",
		 memcmp(want->array, got->array, ARRAY_BYTES) ? "differs" : "equal");
	if (memcmp(want, got, sizeof(*want)))
		fail_with(seed, v, "another result", more);
}

static void try_one(u64 seed)
{
	struct outcome want, got;

	evaluate(seed, &want);
	for (u32 i = 0; i < ARRAY_LEN(variants); i++) {
		struct strbuf elf = { 0 };

		compile(seed, &variants[i], &elf);
		run(seed, &variants[i], &elf, SKEP_USER, SKEP_JIT_OFF, &got);
		compare(seed, &variants[i], &want, &got, "interpreter");
		if (have_kernel) {
			run(seed, &variants[i], &elf, SKEP_KERNEL, SKEP_JIT_AUTO, &got);
			compare(seed, &variants[i], &want, &got, "kernel");
		}
		sb_free(&elf);
	}
}

static u64 number_of(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static void test_random(void **state)
{
	u64 n = number_of("IR_RUNS", 400), seed = number_of("IR_SEED", 1);
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
			      .max_entries = 1 };
	int fd = kmap_create(&m);

	have_kernel = fd >= 0;
	if (have_kernel)
		close(fd);
	for (u64 i = 0; i < n; i++)
		try_one(seed + i);
	print_message("%llu programs%s; instructions: v3 %llu, with passes %llu, v4 %llu, %llu\n",
		      (unsigned long long)n, have_kernel ? "" : ", not in the kernel",
		      (unsigned long long)counted[0], (unsigned long long)counted[1],
		      (unsigned long long)counted[2], (unsigned long long)counted[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

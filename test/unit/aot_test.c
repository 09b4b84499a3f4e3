/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot_test.c: what `skep aot` compiles beside what is compiled on the spot: the programs of
 * examples/ on a capture, packet by packet, and what their maps have in the end; budgets,
 * threads, two objects at a time; and what is refused. The object file is left out: code is
 * put into memory that can be executed. (aot.t links it.)
 */
#include "aot_native.h"
#include "cli/cli.h"
#include "host/capture.h"
#include "isa/isa.h"
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CAPTURE "examples/firewall/traffic.pcapng"
#define FIREWALL "examples/firewall/firewall.o"

enum { RUNS = 11000, VALUE_MAX = 1 << 16, FILES = 2 };

static const struct skep_load_opts plain = { .size = sizeof(plain), .cpus = 4, .rand_seed = 7,
					     .clock = SKEP_CLOCK_RUN };

static void must(int r, const struct skep_err *err)
{
	if (r)
		fail_msg("%s", skep_err_text(err));
}

static struct skep_object *native_open(const struct native *n, const struct skep_load_opts *opts)
{
	struct skep_object *obj;
	struct skep_err err;

	must(skep_object_open_aot(&obj, &n->aot, &err), &err);
	must(skep_object_load(obj, opts, &err), &err);
	return obj;
}

static struct skep_object *jit_open(const char *file, const struct skep_load_opts *opts)
{
	struct skep_object *obj;
	struct skep_err err;

	must(skep_object_open(&obj, file, &err), &err);
	must(skep_object_load(obj, opts, &err), &err);
	return obj;
}

static enum skep_tier tier_of(struct skep_object *obj, const char *prog)
{
	struct skep_prog_engine e = { .size = sizeof(e) };

	assert_int_equal(skep_prog_engine(skep_object_prog(obj, prog), &e), 0);
	return e.tier;
}

/* ---- packets ---------------------------------------------------------------------- */

struct traffic { VEC(struct { u8 *data; u32 bytes; u64 ns; }) v; };

static struct traffic traffic;

static void read_traffic(void)
{
	struct capture *c;
	struct packet p;
	struct skep_err err;

	must(capture_open(&c, CAPTURE, &err), &err);
	while (traffic.v.n < RUNS && capture_next(c, &p, &err) > 0) {
		u8 *data = mem_alloc(p.bytes + 1);

		memcpy(data, p.data, p.bytes);
		vec_push(&traffic.v);
		traffic.v.v[traffic.v.n - 1].data = data;
		traffic.v.v[traffic.v.n - 1].bytes = p.bytes;
		traffic.v.v[traffic.v.n - 1].ns = p.time_ns;
	}
	capture_close(c);
	assert_true(traffic.v.n > 10000);
}

static struct skep_run run_of(size_t i)
{
	return (struct skep_run){ .size = sizeof(struct skep_run), .data = traffic.v.v[i].data,
				  .data_bytes = traffic.v.v[i].bytes, .ifindex = 1,
				  .now_ns = traffic.v.v[i].ns };
}

/* Packet I in both; false: the program is not asked about it. */
static bool same_run(struct skep_prog *a, struct skep_prog *b, size_t i)
{
	struct skep_run x = run_of(i), y = run_of(i);
	struct skep_err ex = { 0 }, ey = { 0 };
	int rx = skep_prog_run(a, &x, &ex), ry = skep_prog_run(b, &y, &ey);

	if (rx != ry || strcmp(skep_err_text(&ex), skep_err_text(&ey)))
		fail_msg("packet %zu: %s, or %s", i, skep_err_text(&ex), skep_err_text(&ey));
	if (rx)
		return false;
	if (x.retval != y.retval || x.data_out_bytes != y.data_out_bytes ||
	    x.redirect_ifindex != y.redirect_ifindex || x.ctx_out_bytes != y.ctx_out_bytes ||
	    memcmp(x.data_out, y.data_out, x.data_out_bytes) ||
	    (x.ctx_out && memcmp(x.ctx_out, y.ctx_out, x.ctx_out_bytes)))
		fail_msg("'%s', packet %zu: %u, or %u", skep_prog_name(a), i, x.retval, y.retval);
	return true;
}

/* ---- maps ------------------------------------------------------------------------- */

static u32 same_map(struct skep_map *a, struct skep_map *b)
{
	static u8 x[VALUE_MAX], y[VALUE_MAX];
	u8 key[512], next[512], *from = NULL;
	u32 n = 0;

	if (skep_map_key_bytes(a) > sizeof(key) || skep_map_value_bytes(a) > sizeof(x))
		return 0;
	for (; !skep_map_next_key(a, from, next); n++) {
		memcpy(key, next, sizeof(key));
		from = key;
		if (skep_map_lookup(a, key, x))
			continue;
		if (skep_map_lookup(b, key, y) || memcmp(x, y, skep_map_value_bytes(a)))
			fail_msg("map '%s' differs in element %u", skep_map_name(a), n);
	}
	from = NULL;
	for (u32 i = 0; !skep_map_next_key(b, from, next); i++) {
		memcpy(key, next, sizeof(key));
		from = key;
		assert_in_range(i, 0, n - 1);
	}
	return n;
}

static u32 same_maps(struct skep_object *a, struct skep_object *b)
{
	struct skep_map *m = NULL;
	u32 n = 0;

	while ((m = skep_object_next_map(a, m)))
		n += same_map(m, skep_object_map(b, skep_map_name(m)));
	return n;
}

/* ---- the examples -------------------------------------------------------------------- */

static const struct example {
	const char *file;
	struct { const char *map, *json; } maps[FILES];
	u32 elements;		/* that its maps have in the end, at least */
} examples[] = {
	{ FIREWALL, { { "deny", "examples/firewall/deny.json" } }, 30 },
	{ "examples/balancer/balancer.o", { { "services", "examples/balancer/services.json" },
					    { "backends", "examples/balancer/backends.json" } },
	  20 },
	{ "examples/constructs/ipv4.o", { { 0 } }, 5 },
	{ "examples/constructs/entry.o", { { 0 } }, 256 },
	{ "examples/constructs/loops.o", { { 0 } }, 2 },
	{ "examples/constructs/kconfig.o", { { 0 } }, 1 },
	{ "examples/constructs/symbolic.o", { { 0 } }, 1 },
	{ "examples/nat64/nat64.o", { { "inside", "examples/nat64/inside.json" },
				      { "outside", "examples/nat64/outside.json" } }, 2 },
	{ "examples/shaper/shaper.o", { { "ports", "examples/shaper/ports.json" },
					{ "classes", "examples/shaper/classes.json" } }, 4 },
	{ "examples/fields/fields.o", { { 0 } }, 1 },
	{ "examples/pinned/hosts.o", { { 0 } }, 4 },
};

static void fill(struct skep_object *obj, const struct example *e)
{
	struct skep_err err;

	for (u32 i = 0; i < FILES && e->maps[i].map; i++)
		if (map_load_json(obj, skep_map_number(skep_object_map(obj, e->maps[i].map)),
				  e->maps[i].json, NULL, &err) && err.id != ERR_NO_LIB)
			fail_msg("%s", skep_err_text(&err));
}

static void compare(const struct native *n, const struct example *e, enum skep_jit jit)
{
	struct skep_load_opts opts = plain;
	struct skep_object *a = native_open(n, &opts), *b;
	struct skep_prog *p = NULL;
	size_t ran = 0;
	u32 elements;

	opts.jit = jit;
	b = jit_open(e->file, &opts);
	fill(a, e);
	fill(b, e);
	while ((p = skep_object_next_prog(a, p))) {
		const char *name = skep_prog_name(p);

		assert_int_equal(tier_of(a, name), SKEP_TIER_AOT);
		assert_int_equal(skep_prog_verdict(p), SKEP_VERIFIED);
		for (size_t i = 0; i < traffic.v.n; i++)
			ran += same_run(p, skep_object_prog(b, name), i);
	}
	assert_true(ran > 1000);
	elements = same_maps(a, b);
	if (elements < e->elements)
		fail_msg("%s: only %u elements", e->file, elements);
	skep_object_close(a);
	skep_object_close(b);
}

static void all_examples(void **state UNUSED)
{
	struct native n;
	struct skep_err err;

	for (u32 i = 0; i < ARRAY_LEN(examples); i++) {
		if (native_make(&n, examples[i].file, &err))
			fail_msg("%s", skep_err_text(&err));
		compare(&n, &examples[i], SKEP_JIT_OPT);
		compare(&n, &examples[i], SKEP_JIT_OFF);
		native_free(&n);
	}
}

/* ---- as other objects --------------------------------------------------------------- */

static u64 drops(struct skep_object *obj)
{
	u64 n = 0;

	for (size_t i = 0; i < 2000; i++) {
		struct skep_run r = run_of(i);
		struct skep_err err;

		must(skep_prog_run(skep_object_prog(obj, "firewall"), &r, &err), &err);
		n += r.retval == 1;
	}
	return n;
}

/* Maps are each object's own, and so is the table. */
static void two_objects(void **state UNUSED)
{
	struct native n;
	struct skep_err err;
	struct skep_object *a, *b;
	u64 bss[2] = { 0 };
	u32 zero = 0;

	must(native_make(&n, FIREWALL, &err), &err);
	a = native_open(&n, &plain);
	b = native_open(&n, &plain);
	fill(a, &examples[0]);
	assert_true(drops(a) > 10);
	assert_int_equal(drops(b), 0);
	assert_true(drops(a) > 10);
	assert_int_equal(skep_map_lookup(skep_object_map(a, ".bss"), &zero, bss), 0);
	assert_int_equal(bss[0], 4000);
	assert_int_equal(skep_map_lookup(skep_object_map(b, ".bss"), &zero, bss), 0);
	assert_int_equal(bss[0], 2000);
	skep_object_close(a);
	assert_int_equal(drops(b), 0);
	skep_object_close(b);
	native_free(&n);
}

static void *in_thread(void *obj)
{
	return (void *)(uintptr_t)drops(obj);
}

static void threads(void **state UNUSED)
{
	struct native n;
	struct skep_err err;
	struct skep_object *obj;
	pthread_t t[3];
	u64 here, bss[2];
	u32 zero = 0;

	must(native_make(&n, FIREWALL, &err), &err);
	obj = native_open(&n, &plain);
	fill(obj, &examples[0]);
	for (u32 i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, in_thread, obj), 0);
	here = drops(obj);
	for (u32 i = 0; i < ARRAY_LEN(t); i++) {
		void *there;

		pthread_join(t[i], &there);
		assert_int_equal((uintptr_t)there, here);
	}
	assert_int_equal(skep_map_lookup(skep_object_map(obj, ".bss"), &zero, bss), 0);
	assert_int_equal(bss[0], 8000);
	skep_object_close(obj);
	native_free(&n);
}

/* Any budget ends a program where it ends one that is compiled on the spot. */
static void budgets(void **state UNUSED)
{
	static const char *const progs[] = { "loops" };
	struct native n;
	struct skep_err err;
	struct skep_object *a, *b;

	must(native_make(&n, "examples/constructs/loops.o", &err), &err);
	a = native_open(&n, &plain);
	b = jit_open("examples/constructs/loops.o", &plain);
	for (u64 budget = 1; budget < 3000; budget += 37) {
		struct skep_run x = run_of(100), y = run_of(100);
		struct skep_err ex = { 0 }, ey = { 0 };
		int rx, ry;

		x.budget = y.budget = budget;
		rx = skep_prog_run(skep_object_prog(a, progs[0]), &x, &ex);
		ry = skep_prog_run(skep_object_prog(b, progs[0]), &y, &ey);
		assert_int_equal(rx, ry);
		assert_string_equal(skep_err_text(&ex), skep_err_text(&ey));
	}
	same_maps(a, b);
	skep_object_close(a);
	skep_object_close(b);
	native_free(&n);
}

/* Who asks for another engine gets it, of the same program. */
static void other_engines(void **state UNUSED)
{
	struct skep_load_opts opts = plain;
	struct native n;
	struct skep_err err;
	struct skep_object *obj;

	must(native_make(&n, FIREWALL, &err), &err);
	opts.jit = SKEP_JIT_OFF;
	obj = native_open(&n, &opts);
	assert_int_equal(tier_of(obj, "firewall"), SKEP_TIER_FAST);
	assert_int_equal(drops(obj), 0);
	skep_object_close(obj);
	opts.jit = SKEP_JIT_OPT;
	obj = native_open(&n, &opts);
	assert_int_equal(tier_of(obj, "firewall"), SKEP_TIER_JIT_OPT);
	assert_int_equal(drops(obj), 0);
	skep_object_close(obj);
	opts.unverified = 1;
	obj = native_open(&n, &opts);
	assert_int_equal(tier_of(obj, "firewall"), SKEP_TIER_CHECKED);
	assert_int_equal(drops(obj), 0);
	skep_object_close(obj);
	native_free(&n);
}

/* ---- what is refused ----------------------------------------------------------------- */

static void refused(const struct skep_aot *aot, enum err_id id, const char *text)
{
	struct skep_object *obj = (void *)1;
	struct skep_err err = { 0 };

	assert_true(skep_object_open_aot(&obj, aot, &err) < 0);
	assert_null(obj);
	assert_int_equal(err.id, id);
	if (!strstr(skep_err_text(&err), text))
		fail_msg("%s", skep_err_text(&err));
}

static void others(void **state UNUSED)
{
	struct skep_err err;
	struct native n;
	struct skep_aot d;
	size_t bytes;

	must(native_make(&n, FIREWALL, &err), &err);
	refused(NULL, ERR_AOT_DAMAGED, "something else");
	d = n.aot;
	d.magic[7]++;
	refused(&d, ERR_AOT_DAMAGED, "something else");
	assert_null(skep_aot_object(&d, &bytes));
	d = n.aot;
	d.data_bytes -= 8;
	refused(&d, ERR_AOT_DAMAGED, "changed");
	d = n.aot;
	d.machine = 183;
	refused(&d, ERR_AOT_MACHINE, "another kind of processor");
	d = n.aot;
	d.abi ^= 1;
	memcpy(d.made_by, "9.9.9", 6);
	refused(&d, ERR_AOT_ABI, "native code of skep 9.9.9 does not fit this library");
	for (size_t at = 0; at < n.out.data.n; at += 97) {
		n.out.data.s[at] ^= 0x10;
		refused(&n.aot, ERR_AOT_DAMAGED, "changed");
		n.out.data.s[at] ^= 0x10;
	}
	assert_non_null(skep_aot_object(&n.aot, &bytes));
	native_free(&n);
}

/* The head says what the processor must have. */
static void processors(void **state UNUSED)
{
	struct skep_err err;
	struct native n;
	struct aot_head *h;

	must(native_make(&n, FIREWALL, &err), &err);
	h = (struct aot_head *)n.out.data.s;
	assert_int_equal(h->cpu, jit_cpu());
	h->cpu = ~0u;
	n.aot.hash = aot_hash(n.out.data.s, n.out.data.n);
	refused(&n.aot, ERR_AOT_MACHINE, "this one does not have");
	native_free(&n);
}

static void settings(void **state UNUSED)
{
	const struct skep_load_opts kernel = { .size = sizeof(kernel), .engine = SKEP_KERNEL };
	struct skep_object *obj, *whole;
	struct skep_err err;
	struct native n;
	const void *object;
	size_t bytes;

	must(native_make(&n, "examples/constructs/loops.o", &err), &err);
	must(skep_object_open_aot(&obj, &n.aot, &err), &err);
	assert_true(skep_object_set(obj, "no_such", "1", &err) < 0);
	assert_int_equal(err.id, ERR_GLOBAL);
	must(skep_object_set(obj, "zero", "0", &err), &err);
	assert_true(skep_object_load(obj, &kernel, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "not in the kernel"));
	skep_object_close(obj);
	object = skep_aot_object(&n.aot, &bytes);
	must(skep_object_open_mem(&whole, object, bytes, "it", &err), &err);
	must(skep_object_load(whole, &plain, &err), &err);
	skep_object_close(whole);
	native_free(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_examples), cmocka_unit_test(two_objects),
		cmocka_unit_test(threads), cmocka_unit_test(budgets),
		cmocka_unit_test(other_engines), cmocka_unit_test(others),
		cmocka_unit_test(processors), cmocka_unit_test(settings),
	};

	if (!native_available()) {
		printf("1..0 # SKIP no code without addresses for this processor\n");
		return 0;
	}
	read_traffic();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

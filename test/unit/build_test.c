/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build_test.c: making BTF and finding equal types: cycles, declarations,
 * several units, a split BTF on its base, random types against copies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "btf/build.h"
#include <stdlib.h>

struct world {
	struct arena arena;
	struct btf_build b;
	u32 *map;
};

static void open_world(struct world *w, const struct btf *base)
{
	memset(w, 0, sizeof(*w));
	btf_build_open_split(&w->b, &w->arena, base);
}

static struct btf *finish(struct world *w)
{
	struct strbuf out = { 0 };
	struct skep_err err;
	struct btf *btf;

	w->map = arena_news(&w->arena, btf_build_next(&w->b), u32);
	btf_build_dedup(&w->b, w->map);
	btf_build_write(&w->b, &out);
	if (btf_parse_split(&btf, &w->arena, w->b.base, (u8 *)out.s, out.n, "built", &err))
		fail_msg("%s", err.text);
	sb_free(&out);
	return btf;
}

static void close_world(struct world *w)
{
	btf_build_free(&w->b);
	arena_free(&w->arena);
}

static u32 count(const struct btf *btf, const char *name, u32 kind)
{
	u32 n = 0;

	for (u32 id = 0; (id = btf_find_next(btf, name, kind, id));)
		n++;
	return n;
}

/* struct NAME { TO *next; }, TO a type yet to come or 0 for NAME; its number. */
static u32 add_node(struct btf_build *b, const char *name, u32 to)
{
	u32 id = btf_build_record(b, name, false, 8);

	btf_build_member(b, "next", id + 1, 0, 0);
	btf_build_ref(b, BTF_KIND_PTR, "", to ? to : id);
	return id;
}

static void test_cycle(void **state)
{
	struct world w;
	struct btf *btf;

	open_world(&w, NULL);
	for (int unit = 0; unit < 3; unit++)
		add_node(&w.b, "node", 0);
	btf = finish(&w);
	assert_int_equal(btf->nr_types, 3);
	assert_int_equal(w.map[1], w.map[5]);
	assert_int_equal(w.map[2], w.map[6]);
	close_world(&w);
}

/* Longer than any number of rounds: only the last of each chain differs. */
static void test_long_chain(void **state)
{
	enum { LINKS = 3000 };
	struct world w;
	struct btf *btf;

	open_world(&w, NULL);
	for (int unit = 0; unit < 3; unit++) {
		for (int i = 0; i < LINKS; i++)
			add_node(&w.b, "link", btf_build_next(&w.b) + 2);
		btf_build_int(&w.b, unit == 1 ? "short" : "int", unit == 1 ? 2 : 4, 0);
	}
	btf = finish(&w);
	assert_int_equal(btf->nr_types, 1 + 2 * (2 * LINKS + 1));
	close_world(&w);
}

/* Two structs that know each other only by name, each in a unit of its own. */
static void test_mutual_declarations(void **state)
{
	struct world w;
	struct btf *btf;
	u32 next;

	open_world(&w, NULL);
	add_node(&w.b, "a", btf_build_next(&w.b) + 2);
	btf_build_fwd(&w.b, "b", false);
	add_node(&w.b, "b", btf_build_next(&w.b) + 2);
	btf_build_fwd(&w.b, "a", false);
	next = btf_build_next(&w.b);
	add_node(&w.b, "a", next + 2);
	add_node(&w.b, "b", next);
	btf = finish(&w);
	assert_int_equal(count(btf, "a", 0), 1);
	assert_int_equal(count(btf, "b", 0), 1);
	assert_int_equal(btf->nr_types, 5);
	close_world(&w);
}

/* A name with two types: its declaration stays what it is, and so does all that
 * has it; the other kind of the name does not count. */
static void test_ambiguous(void **state)
{
	struct world w;
	struct btf *btf;
	u32 id;

	open_world(&w, NULL);
	btf_build_record(&w.b, "x", false, 4);
	btf_build_record(&w.b, "x", false, 8);
	add_node(&w.b, "holder", btf_build_next(&w.b) + 2);
	id = btf_build_fwd(&w.b, "x", false);
	btf_build_fwd(&w.b, "u", true);
	btf_build_record(&w.b, "u", false, 4);
	btf = finish(&w);
	assert_int_equal(btf_kind(btf_type(btf, w.map[id])), BTF_KIND_FWD);
	assert_int_equal(count(btf, "x", BTF_KIND_STRUCT), 2);
	assert_int_equal(count(btf, "u", BTF_KIND_FWD), 1);
	close_world(&w);
}

/* Differences that show only behind other types: nothing of it may merge. */
static void test_deep_difference(void **state)
{
	struct world w;
	struct btf *btf;
	u32 decl;

	open_world(&w, NULL);
	for (u32 bytes = 4; bytes <= 8; bytes += 4) {
		u32 outer = add_node(&w.b, "outer", btf_build_next(&w.b) + 2);

		assert_int_equal(add_node(&w.b, "inner", outer + 4), outer + 2);
		btf_build_int(&w.b, "word", bytes, 0);
	}
	decl = btf_build_fwd(&w.b, "outer", false);
	btf = finish(&w);
	assert_int_equal(count(btf, "outer", BTF_KIND_STRUCT), 2);
	assert_int_equal(count(btf, "inner", BTF_KIND_STRUCT), 2);
	assert_int_equal(btf_kind(btf_type(btf, w.map[decl])), BTF_KIND_FWD);
	close_world(&w);
}

static void test_split(void **state)
{
	struct world base, w;
	struct btf *first, *btf;
	u32 known, node, own;

	open_world(&base, NULL);
	btf_build_int(&base.b, "int", 4, BTF_INT_SIGNED);
	add_node(&base.b, "node", 0);
	first = finish(&base);
	open_world(&w, first);
	known = btf_build_int(&w.b, "int", 4, BTF_INT_SIGNED);
	node = add_node(&w.b, "node", 0);
	own = btf_build_record(&w.b, "own", false, 12);
	btf_build_member(&w.b, "i", known, 0, 0);
	btf_build_member(&w.b, "next", node + 1, 32, 0);
	btf = finish(&w);
	assert_int_equal(btf->first_id, first->nr_types);
	assert_int_equal(btf->nr_types, first->nr_types + 1);
	assert_int_equal(w.map[known], btf_find(first, "int", 0));
	assert_int_equal(w.map[node], btf_find(first, "node", 0));
	assert_int_equal(w.map[own], btf_find(btf, "own", 0));
	assert_int_equal(btf_member(btf, btf_type(btf, w.map[own]), 1).type_id,
			 w.map[node + 1]);
	/* the base has "int" and "node": only "own" and "i" are new */
	assert_int_equal(btf->string_bytes - btf->first_string, sizeof("own") + sizeof("i"));
	close_world(&w);
	close_world(&base);
}

static void test_limits(void **state)
{
	struct world w;
	u32 n = 0;

	open_world(&w, NULL);
	btf_build_int(&w.b, "int", 4, 0);
	btf_build_enum(&w.b, "e", 4, false);
	while (btf_build_value(&w.b, "v", n))
		n++;
	assert_int_equal(n, BTF_MAX_VLEN);
	btf_build_record(&w.b, "s", false, 1 << 25);
	assert_true(btf_build_member(&w.b, "far", 1, 1 << 24, 0));
	assert_false(btf_build_member(&w.b, "bits", 1, 0, 3));
	btf_build_record(&w.b, "t", false, 1 << 25);
	assert_true(btf_build_member(&w.b, "first", 1, 64, 0));
	assert_true(btf_build_member(&w.b, "bits", 1, 3, 3));
	assert_false(btf_build_member(&w.b, "far", 1, 1 << 24, 0));
	finish(&w);
	close_world(&w);
}

/* Types of a seed: pointers and structs that refer to each other at random. */
static void add_random(struct btf_build *b, u32 seed)
{
	enum { TYPES = 40 };
	u32 first = btf_build_next(b), x = seed * 2654435761u | 1;

	for (u32 i = 0; i < TYPES; i++) {
		x = x * 1664525 + 1013904223;
		u32 to = first + i / 2 * 2 + 1, any = first + ((x >> 16) % TYPES & ~1u);

		if (i % 2 == 0) {	/* even ones are structs, odd ones pointers */
			btf_build_record(b, x >> 30 ? "s" : "t", false, 8);
			btf_build_member(b, "p", to, 0, 0);
		} else {
			btf_build_ref(b, BTF_KIND_PTR, "", any);
		}
	}
}

/* Units that are there twice add nothing, in one go or in steps. */
static void test_random(void **state)
{
	for (u32 seed = 0; seed < 200; seed++) {
		struct world once, twice;
		struct btf *a, *b;
		u32 *map;

		open_world(&once, NULL);
		open_world(&twice, NULL);
		add_random(&once.b, seed);
		add_random(&once.b, seed + 1);
		add_random(&twice.b, seed);
		map = arena_news(&twice.arena, btf_build_next(&twice.b), u32);
		btf_build_dedup_part(&twice.b, map);
		add_random(&twice.b, seed + 1);
		add_random(&twice.b, seed);
		add_random(&twice.b, seed + 1);
		a = finish(&once);
		b = finish(&twice);
		assert_int_equal(a->nr_types, b->nr_types);
		close_world(&once);
		close_world(&twice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_long_chain),
		cmocka_unit_test(test_mutual_declarations),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_deep_difference),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

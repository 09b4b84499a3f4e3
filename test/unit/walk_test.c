/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_test.c: what lies where in structs of a kernel's types (verify/walk.c): numbers,
 * pointers and what tags say of these, which the types of few kernels have.
 */
#include "btf/build.h"
#include "verify/kobject.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct arena arena = ARENA_INIT;
static const struct btf *btf;
static u32 inner, outer;

/* struct inner { int x; }; struct outer { struct inner <tag> *p[5]; struct inner in; }, each
 * pointer with a tag of its own. */
static int make(void **unused UNUSED)
{
	static const char *const tags[] = { NULL, "user", "percpu", "rcu", "other" };
	u32 pointers[ARRAY_LEN(tags)], number;
	struct strbuf out = { 0 };
	struct skep_err err;
	struct btf_build b;
	struct btf *made;

	btf_build_open(&b, &arena);
	number = btf_build_int(&b, "int", 4, BTF_INT_SIGNED);
	inner = btf_build_record(&b, "inner", false, 4);
	btf_build_member(&b, "x", number, 0, 0);
	for (u32 i = 0; i < ARRAY_LEN(tags); i++)
		pointers[i] = btf_build_ref(&b, BTF_KIND_PTR, "", tags[i] ?
			btf_build_ref(&b, BTF_KIND_TYPE_TAG, tags[i], inner) : inner);
	outer = btf_build_record(&b, "outer", false, 48);
	for (u32 i = 0; i < ARRAY_LEN(tags); i++)
		btf_build_member(&b, "p", pointers[i], 64 * i, 0);
	btf_build_member(&b, "in", inner, 64 * ARRAY_LEN(tags), 0);
	btf_build_write(&b, &out);
	assert_int_equal(btf_parse(&made, &arena, (u8 *)out.s, out.n, "built", &err), 0);
	btf = made;
	sb_free(&out);
	btf_build_free(&b);
	return 0;
}

static int drop(void **unused UNUSED)
{
	arena_free(&arena);
	return 0;
}

static void pointers(void **unused UNUSED)
{
	static const unsigned flags[] = { 0, REG_USER, REG_PERCPU, REG_RCU, 0 };

	for (u32 i = 0; i < ARRAY_LEN(flags); i++) {
		struct walk_at at = { 0 };

		assert_int_equal(btf_walk(btf, outer, 8 * i, 8, &at), WALK_OBJECT);
		assert_int_equal(at.id, inner);
		assert_int_equal(at.flags & (REG_USER | REG_PERCPU | REG_RCU), flags[i]);
		assert_string_equal(at.field, "p");
		assert_int_equal(btf_walk(btf, outer, 8 * i, 4, &at), WALK_BAD);
		assert_int_equal(btf_walk(btf, outer, 8 * i + 4, 8, &at), WALK_BAD);
	}
}

static void numbers(void **unused UNUSED)
{
	struct walk_at at = { 0 };

	assert_int_equal(btf_walk(btf, outer, 40, 4, &at), WALK_NUMBER);
	assert_int_equal(btf_walk(btf, outer, 42, 2, &at), WALK_NUMBER);
	assert_int_equal(btf_walk(btf, outer, 44, 4, &at), WALK_BAD);
	assert_int_equal(btf_walk(btf, outer, 48, 4, &at), WALK_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, make, drop);
}

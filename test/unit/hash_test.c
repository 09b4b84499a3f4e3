/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_test.c: the table of names, also with names that were made to collide:
 * in hash_bytes with a known seed, a word that equals the state makes it 0.
 */
#include "base/hash.h"
#include "base/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { NAMES = 40000, NAME_BYTES = 16 };

/* The state after WORD, as hash.c computes it with seed 0. */
static u64 state_after(u64 word)
{
	unsigned __int128 p = (unsigned __int128)(0x9e3779b97f4a7c15u ^ NAME_BYTES ^ word) *
			      0xd6e8feb86659fd93u;

	return (u64)p ^ (u64)(p >> 64);
}

/* Name I of those that collide under seed 0; false when it would hold a NUL. */
static bool colliding_name(char *name, u32 i)
{
	char first[9];
	u64 word;

	snprintf(first, sizeof(first), "%08x", i);
	memcpy(&word, first, 8);
	memcpy(name, &word, 8);
	word = state_after(word);
	memcpy(name + 8, &word, 8);
	return !memchr(name, 0, NAME_BYTES);
}

static void test_collisions(void **state)
{
	struct arena arena = ARENA_INIT;
	struct strtab t = { .arena = &arena };
	char name[NAME_BYTES + 1] = "";
	u64 start, same = 0;
	u32 n = 0, val;

	for (u32 i = 1; n < NAMES; i++) {
		if (!colliding_name(name, i))
			continue;
		if (!n++)
			same = hash_bytes(name, NAME_BYTES, 0);
		assert_true(hash_bytes(name, NAME_BYTES, 0) == same);
	}
	start = os_clock_ns();
	for (u32 i = 1; t.n < NAMES; i++)
		if (colliding_name(name, i))
			strtab_put(&t, arena_strdup(&arena, name), i);
	assert_true(strtab_get(&t, name, &val));
	/* one chain of them all takes several seconds */
	assert_true(os_clock_ns() - start < 1000000000u);
	arena_free(&arena);
}

static void test_put_get(void **state)
{
	struct arena arena = ARENA_INIT;
	struct strtab t = { .arena = &arena };
	u32 val = 7;

	assert_false(strtab_get(&t, "x", &val));
	for (u32 i = 0; i < 1000; i++)
		strtab_put(&t, arena_printf(&arena, "name%u", i), i);
	strtab_put(&t, "name500", 12);
	assert_int_equal(t.n, 1000);
	for (u32 i = 0; i < 1000; i++) {
		assert_true(strtab_get(&t, arena_printf(&arena, "name%u", i), &val));
		assert_int_equal(val, i == 500 ? 12 : i);
	}
	assert_false(strtab_get(&t, "name1000", &val));
	assert_false(strtab_get(&t, "", &val));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get),
		cmocka_unit_test(test_collisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

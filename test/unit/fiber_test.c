/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fiber_test.c: functions that stop in the middle: they go on where they were, with what
 * they had on their stack; and what is kept of one goes on from there again, any number
 * of times.
 */
#include "base/os.h"
#include "base/vec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { DEPTH = 30, STOPS = 7 };

struct world { struct os_fiber *f; u64 sum; };

/* Stops at each depth, with 1 KiB on the stack, and looks at it afterwards. */
static u64 down(struct world *w, u32 depth)
{
	volatile u8 mine[1024];
	u64 sum = 0;

	for (u32 i = 0; i < sizeof(mine); i++)
		mine[i] = (u8)(depth + i);
	if (depth < DEPTH && depth % STOPS == 0)
		os_fiber_leave(w->f);
	if (depth < DEPTH)
		sum = down(w, depth + 1);
	for (u32 i = 0; i < sizeof(mine); i++)
		sum += mine[i] == (u8)(depth + i);
	return sum;
}

static void body(void *arg)
{
	struct world *w = arg;

	w->sum = down(w, 0);
}

static void test_stops(void **state)
{
	struct world w = { .f = os_fiber_new() };

	for (int again = 0; again < 3; again++) {
		u32 stops = 0;

		w.sum = 0;
		os_fiber_start(w.f, body, &w);
		while (os_fiber_enter(w.f))
			stops++;
		assert_int_equal(stops, (DEPTH + STOPS - 1) / STOPS);
		assert_int_equal(w.sum, (DEPTH + 1) * 1024);
	}
	os_fiber_free(w.f);
}

struct piece { void *p; u8 *copy; size_t n; };
struct kept { VEC(struct piece) v; };

static void keep(void *arg, enum keep_kind kind, void *p, size_t bytes)
{
	struct piece *piece = vec_push(&((struct kept *)arg)->v);

	assert_int_equal(kind, KEEP_BYTES);
	*piece = (struct piece){ p, malloc(bytes), bytes };
	memcpy(piece->copy, p, bytes);
}

static void put_back(const struct kept *k)
{
	for (size_t i = 0; i < k->v.n; i++)
		memcpy(k->v.v[i].p, k->v.v[i].copy, k->v.v[i].n);
}

static void test_again(void **state)
{
	struct world w = { .f = os_fiber_new() };
	struct kept k = { 0 };

	if (!os_fiber_keeps()) {
		print_message("AddressSanitizer's notes about a stack cannot be kept\n");
		os_fiber_free(w.f);
		skip();
	}
	os_fiber_start(w.f, body, &w);
	for (int i = 0; i < 3; i++)
		assert_true(os_fiber_enter(w.f));
	os_fiber_keep(w.f, keep, &k);
	for (int again = 0; again < 4; again++) {
		u32 stops = 0;

		w.sum = 0;
		while (os_fiber_enter(w.f))
			stops++;
		assert_int_equal(stops, (DEPTH + STOPS - 1) / STOPS - 3);
		assert_int_equal(w.sum, (DEPTH + 1) * 1024);
		put_back(&k);
	}
	while (os_fiber_enter(w.f))
		;
	for (size_t i = 0; i < k.v.n; i++)
		free(k.v.v[i].copy);
	vec_free(&k.v);
	os_fiber_free(w.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops), cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

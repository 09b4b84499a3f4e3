/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_random_test.c: random programs in the checked interpreter, see vm_gen.h.
 * VM_RANDOM_SEED and VM_RANDOM_RUNS give other programs and more of them. A
 * failure aborts and shows the program; make SAN=1 sees more.
 */
#include "vm_gen.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { RUNS = 200000, PROGRAM_BYTES = 2 + 8 * 24 };

static u64 from_env(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void random_programs(void **unused UNUSED)
{
	u64 state = from_env("VM_RANDOM_SEED", 0x2545f4914f6cdd1d);
	u64 runs = from_env("VM_RANDOM_RUNS", RUNS), ended = 0;
	struct world w;

	world_init(&w);
	for (u64 i = 0; i < runs; i++) {
		u64 bytes[PROGRAM_BYTES / 8 + 1];
		struct gen g;

		for (size_t j = 0; j < ARRAY_LEN(bytes); j++)
			bytes[j] = next_random(&state);
		gen_make(&g, (const u8 *)bytes, 2 + 8 * (bytes[0] >> 32 & 31) % PROGRAM_BYTES);
		ended += gen_run(&w, &g);
	}
	world_free(&w);
	print_message("# %" PRIu64 " of %" PRIu64 " programs ran to their end\n", ended, runs);
	/* neither nothing but faults nor none: else the programs are worth little */
	assert_in_range(ended, runs / 20, runs - runs / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_programs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpumask.c: sets of cpus, which programs make and give back. The cpus are the
 * virtual ones of maps.
 */
#include "call/cpumask.h"
#include "call/object.h"

enum { WORDS = 128 };	/* of 64 bits: as many cpus as a kernel may have */

struct cpumask {
	u64 bits[WORDS];
};

static u64 *bits_at(u64 at) { return ((struct cpumask *)call_ptr(at))->bits; }

static u32 nr_cpus(const struct run *run) { return run->nr_cpus ? run->nr_cpus : 1; }

/* ---- from the first to the last ------------------------------------------------------- */

HELPER_BODY(kfunc_cpumask_create)
{
	return object_new(run, sizeof(struct cpumask), LENT_CPUMASK);
}

HELPER_BODY(kfunc_cpumask_acquire) { return object_get(run, r1); }

HELPER_BODY(kfunc_cpumask_release)
{
	object_put(r1);
	return 0;
}

/* ---- one cpu ------------------------------------------------------------------------------ */

static bool test(const u64 *bits, u32 cpu) { return bits[cpu / 64] >> cpu % 64 & 1; }

/* Whether CPU was in it, where cpu numbers beyond the last are in none; it is as
 * IN says then. */
static bool put(struct run *run, u64 at, u32 cpu, bool in)
{
	u64 *bits = bits_at(at), bit = 1ull << cpu % 64;
	bool was;

	if (cpu >= nr_cpus(run))
		return false;
	was = test(bits, cpu);
	bits[cpu / 64] = in ? bits[cpu / 64] | bit : bits[cpu / 64] & ~bit;
	return was;
}

HELPER_BODY(kfunc_cpumask_set_cpu) { return put(run, r2, (u32)r1, true), 0; }
HELPER_BODY(kfunc_cpumask_clear_cpu) { return put(run, r2, (u32)r1, false), 0; }
HELPER_BODY(kfunc_cpumask_test_and_set_cpu) { return put(run, r2, (u32)r1, true); }
HELPER_BODY(kfunc_cpumask_test_and_clear_cpu) { return put(run, r2, (u32)r1, false); }

HELPER_BODY(kfunc_cpumask_test_cpu)
{
	return (u32)r1 < nr_cpus(run) && test(bits_at(r2), (u32)r1);
}

/* ---- the first --------------------------------------------------------------------------- */

/* The first cpu from FROM on that is in A and, when B is not NULL, in B; or as many
 * as there are. FLIP: that is not in A. */
static u32 first(struct run *run, const u64 *a, const u64 *b, u64 flip, u32 from)
{
	for (u32 cpu = from; cpu < nr_cpus(run); cpu++)
		if (((a[cpu / 64] ^ flip) & (b ? b[cpu / 64] : ~0ull)) >> cpu % 64 & 1)
			return cpu;
	return nr_cpus(run);
}

HELPER_BODY(kfunc_cpumask_first) { return first(run, bits_at(r1), NULL, 0, 0); }
HELPER_BODY(kfunc_cpumask_first_zero) { return first(run, bits_at(r1), NULL, ~0ull, 0); }
HELPER_BODY(kfunc_cpumask_first_and) { return first(run, bits_at(r1), bits_at(r2), 0, 0); }

/* Another one each time, in turn. */
static u32 any(struct run *run, const u64 *a, const u64 *b)
{
	u32 cpu = first(run, a, b, 0, run->last_any + 1);

	if (cpu == nr_cpus(run))
		cpu = first(run, a, b, 0, 0);
	if (cpu < nr_cpus(run))
		run->last_any = cpu;
	return cpu;
}

HELPER_BODY(kfunc_cpumask_any_distribute) { return any(run, bits_at(r1), NULL); }
HELPER_BODY(kfunc_cpumask_any_and_distribute) { return any(run, bits_at(r1), bits_at(r2)); }

/* ---- all of them ------------------------------------------------------------------------- */

static bool is_empty(struct run *run, u64 at)
{
	return first(run, bits_at(at), NULL, 0, 0) == nr_cpus(run);
}

HELPER_BODY(kfunc_cpumask_setall)
{
	for (u32 cpu = 0; cpu < nr_cpus(run); cpu++)
		put(run, r1, cpu, true);
	return 0;
}

HELPER_BODY(kfunc_cpumask_clear)
{
	memset(bits_at(r1), 0, sizeof(struct cpumask));
	return 0;
}

#define FOR_WORDS(statement) \
	for (u32 i = 0; i < WORDS; i++) { \
		u64 a = bits_at(r2)[i], b = bits_at(r3)[i], *to = &bits_at(r1)[i]; \
		statement; \
	}

HELPER_BODY(kfunc_cpumask_and)
{
	FOR_WORDS(*to = a & b)
	return !is_empty(run, r1);
}

HELPER_BODY(kfunc_cpumask_or)
{
	FOR_WORDS(*to = a | b)
	return 0;
}

HELPER_BODY(kfunc_cpumask_xor)
{
	FOR_WORDS(*to = a ^ b)
	return 0;
}

HELPER_BODY(kfunc_cpumask_copy)
{
	memmove(bits_at(r1), bits_at(r2), sizeof(struct cpumask));
	return 0;
}

HELPER_BODY(kfunc_cpumask_equal)
{
	return !memcmp(bits_at(r1), bits_at(r2), sizeof(struct cpumask));
}

HELPER_BODY(kfunc_cpumask_intersects)
{
	return first(run, bits_at(r1), bits_at(r2), 0, 0) < nr_cpus(run);
}

HELPER_BODY(kfunc_cpumask_subset)
{
	for (u32 i = 0; i < WORDS; i++)
		if (bits_at(r1)[i] & ~bits_at(r2)[i])
			return false;
	return true;
}

HELPER_BODY(kfunc_cpumask_empty) { return is_empty(run, r1); }

HELPER_BODY(kfunc_cpumask_full)
{
	return first(run, bits_at(r1), NULL, ~0ull, 0) == nr_cpus(run);
}

HELPER_BODY(kfunc_cpumask_weight)
{
	u32 n = 0;

	for (u32 i = 0; i < WORDS; i++)
		n += (u32)__builtin_popcountll(bits_at(r1)[i]);
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar_rate: nanoseconds per abstract operation of the verifier, on values
 * such as programs have: small ranges, loads, constants, unknown ones. Each
 * figure is the best and the median of many short rounds.
 */
#include "base/os.h"
#include "bench.h"
#include "isa/isa.h"
#include "verify/scalar.h"

enum { VALUES = 256, ROUNDS = 400 };

static struct scalar values[VALUES];
static u64 sum;		/* of results: keeps them from being dropped */

static u64 any(void)
{
	static u64 x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void make_values(void)
{
	for (u32 i = 0; i < VALUES; i++)
		switch (any() % 6) {
		case 0: values[i] = scalar_const(any() % 64); break;
		case 1: values[i] = scalar_load(1u << any() % 4, false); break;
		case 2: values[i] = scalar_urange(any() % 16, 16 + any() % 2000); break;
		case 3: values[i] = scalar_srange(-(s64)(any() % 300), (s64)(any() % 300)); break;
		case 4: values[i] = scalar_unknown(); break;
		default: values[i] = scalar_urange(0, any() % 64 * 8);
			values[i].bits.mask &= ~(u64)7;
			scalar_sync(&values[i]);
		}
}

static void print(const char *name, double *took)
{
	double mid = median(took, ROUNDS);

	printf("%-14s %6.1f ns best, %6.1f ns median, %6.1f M/s\n", name, took[0], mid,
	       1000 / took[0]);
}

static void measure_alu(const struct isa_row *row)
{
	double took[ROUNDS];

	for (u32 r = 0; r < ROUNDS; r++) {
		u64 start = os_clock_ns();

		for (u32 i = 0; i < VALUES; i++) {
			struct scalar s = values[i];

			scalar_alu(row->kind, row->width, &s, &values[(i + r) % VALUES]);
			sum += s.umax;
		}
		took[r] = (double)(os_clock_ns() - start) / VALUES;
	}
	print(row->name, took);
}

/* Deciding, and both sides when undecided. */
static void measure_jump(const struct isa_row *row)
{
	double took[ROUNDS];

	for (u32 r = 0; r < ROUNDS; r++) {
		u64 start = os_clock_ns();

		for (u32 i = 0; i < VALUES; i++) {
			const struct scalar *a = &values[i], *b = &values[(i + r) % VALUES];

			if (scalar_branch_taken(row->kind, row->width, a, b) != SCALAR_UNSURE)
				continue;
			for (int taken = 0; taken < 2; taken++) {
				struct scalar x = *a, y = *b;

				sum += scalar_refine(row->kind, row->width, &x, &y, taken);
			}
		}
		took[r] = (double)(os_clock_ns() - start) / VALUES;
	}
	print(row->name, took);
}

static void measure_pairs(const char *name, int what)
{
	double took[ROUNDS];

	for (u32 r = 0; r < ROUNDS; r++) {
		u64 start = os_clock_ns();

		for (u32 i = 0; i < VALUES; i++) {
			struct scalar s = values[i];
			const struct scalar *b = &values[(i + r) % VALUES];

			if (what == 0)
				sum += scalar_subset(&s, b);
			else if (what == 1)
				sum += scalar_join(&s, b).umax;
			else if (what == 2)
				sum += scalar_widen(&s, b, NULL, 0).umax;
			else
				sum += scalar_sync(&s);
		}
		took[r] = (double)(os_clock_ns() - start) / VALUES;
	}
	print(name, took);
}

int main(void)
{
	make_values();
	for (u32 op = 0; op < OP_MAX; op++) {
		const struct isa_row *row = &isa_rows[op];

		if (BPF_SRC(row->opcode) != BPF_X && row->kind <= KIND_MOVSX32)
			continue;
		if (row->kind <= KIND_BSWAP && row->kind != KIND_AS_CAST)
			measure_alu(row);
		else if (row->kind >= KIND_JMP_JEQ && row->kind <= KIND_JMP_JSLE &&
			 BPF_SRC(row->opcode) == BPF_X)
			measure_jump(row);
	}
	measure_pairs("subset", 0);
	measure_pairs("join", 1);
	measure_pairs("widen", 2);
	measure_pairs("sync", 3);
	return !sum;
}

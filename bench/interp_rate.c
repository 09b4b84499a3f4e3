/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interp_rate: nanoseconds per instruction of both interpreters, on a loop of
 * arithmetic, moves, shifts, loads, stores and conditions, in turns with a
 * native loop whose time tells how steady the machine was. Prints medians.
 * The fast interpreter's is to be at most 1.2 ns; counting for coverage is to slow the
 * checked one by at most 1.2.
 */
#include "bench.h"
#include "base/os.h"
#include "isa/isa.h"
#include "vm/vm.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, LOOPS = 100000, BODY = 20, HEAD = 6, TAIL = 2 };

/* The mix of a packet parser with a checksum: BODY instructions a turn. */
static const char program[] =
	"	r6 = 0x9e3779b97f4a7c15 ll\n"
	"	r7 = 100000\n"
	"	r8 = 1\n"
	"	r9 = 0\n"
	"	*(u64 *)(r10 - 8) = 0\n"
	"	*(u64 *)(r10 - 16) = 3\n"
	"loop:	r1 = r6\n"
	"	r1 <<= 13\n"
	"	r6 ^= r1\n"
	"	r1 = r6\n"
	"	r1 >>= 7\n"
	"	r6 ^= r1\n"
	"	r2 = *(u64 *)(r10 - 8)\n"
	"	r2 += r6\n"
	"	*(u64 *)(r10 - 8) = r2\n"
	"	w3 = w6\n"
	"	w3 &= 255\n"
	"	if r3 > 300 goto end\n"
	"	r4 = *(u32 *)(r10 - 16)\n"
	"	r4 *= r3\n"
	"	r9 += r4\n"
	"	*(u32 *)(r10 - 16) = w9\n"
	"	r8 += 2\n"
	"	if w8 == 0 goto end\n"
	"	r7 += -1\n"
	"	if r7 != 0 goto loop\n"
	"end:	r0 = r9\n"
	"	exit\n";

static double insns(void)
{
	return HEAD + (double)LOOPS * BODY + TAIL;
}

static struct vm_code *decode(const struct isa_code *code, enum vm_mode mode)
{
	struct vm_bind bind = { .insns = code->v, .nr_insns = (u32)code->n };
	struct skep_err err;
	struct vm_code *out;

	if (vm_code_new(&out, &bind, mode, "program", &err)) {
		fputs(skep_err_text(&err), stderr);
		exit(1);
	}
	return out;
}

/* As many rounds of a dependent multiply as the program has instructions. */
static double native(u64 *sum)
{
	u64 start = os_clock_ns(), v = *sum | 1;

	for (int i = 0; i < LOOPS * BODY; i++) {
		v = v * 0x5851f42d4c957f2d + 1;
		__asm__ volatile("" : "+r"(v));
	}
	*sum = v;
	return (double)(os_clock_ns() - start) / insns();
}

static double fast(struct vm_machine *m, const struct vm_code *code, struct run *run, u64 *ret)
{
	u64 start = os_clock_ns();

	if (vm_run(m, code, run, 1ull << 32, ret))
		abort();
	return (double)(os_clock_ns() - start) / insns();
}

static double checked(struct vm_machine *m, const struct vm_code *code, struct run *run, u64 *ret)
{
	u64 start = os_clock_ns();

	if (vm_run(m, code, run, 1u << 30, ret) || (double)vm_run_insns(m) != insns())
		abort();
	return (double)(os_clock_ns() - start) / insns();
}

static void print(const char *what, double *v)
{
	double mid = median(v, ROUNDS);

	printf("%s: %.2f ns/instruction [median of %d; %.2f to %.2f]\n", what,
	       mid, ROUNDS, v[0], v[ROUNDS - 1]);
}

int main(void)
{
	double n[ROUNDS], f[ROUNDS], c[ROUNDS], counted[ROUNDS], slower[ROUNDS];
	struct isa_code code = { 0 };
	struct vm_machine *m = vm_machine_new();
	struct vm_code *of, *oc, *with;
	struct run run = { 0 };
	struct skep_err err;
	u64 sum = 0, rf = 0, rc = 0;

	if (isa_asm(&code, program, sizeof(program) - 1, "program", &err))
		abort();
	of = decode(&code, VM_FAST);
	oc = decode(&code, VM_CHECKED);
	with = decode(&code, VM_CHECKED);
	vm_count(with);
	for (int i = 0; i < ROUNDS; i++) {
		n[i] = native(&sum);
		f[i] = fast(m, of, &run, &rf);
		c[i] = checked(m, oc, &run, &rc);
		if (rf != rc)
			abort();
		counted[i] = checked(m, with, &run, &rc);
		slower[i] = counted[i] / c[i];
	}
	print("fast interpreter", f);
	print("checked interpreter", c);
	print("the same, counting", counted);
	printf("counting takes %.2f of that [limit 1.20]\n", median(slower, ROUNDS));
	print("native multiplication, for comparison", n);
	vm_code_free(of);
	vm_code_free(oc);
	vm_code_free(with);
	vm_machine_free(m);
	vec_free(&code);
	return 0;
}

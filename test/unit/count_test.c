/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count_test.c: counts of instructions (vm_count), which are made of where control goes
 * on elsewhere, are those of who looks at every instruction (vm_step_set).
 */
#include "base/os.h"
#include "isa/isa.h"
#include "vm/vm.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MAX = 64 };

static const char *const programs[] = {
	"r0 = 0\n exit",
	/* a loop, a condition inside */
	"r0 = 0\n r1 = 10\nloop: r0 += 1\n if r0 s< 5 goto skip\n r0 += 2\nskip: r1 += -1\n"
	" if r1 != 0 goto loop\n exit",
	/* two slots, in a loop and before a jump */
	"r1 = 3\nloop: r0 = 0x100000002 ll\n if r1 == 1 goto out\n r1 += -1\n goto loop\nout: exit",
	/* functions that call functions, the last of them first */
	"r1 = 3\n r6 = 2\nloop: call two\n r1 = 4\n r6 += -1\n if r6 != 0 goto loop\n exit\n"
	"one: r0 = 1\n if r1 == 4 goto l\n r0 = 2\nl: exit\n"
	"two: r7 = r1\n call one\n r1 = r7\n call one\n exit",
	/* a function of two ends */
	"r1 = 0\n call f\n r1 = 1\n call f\n exit\n"
	"f: if r1 == 0 goto l\n r0 = 1\n exit\nl: r0 = 2\n exit",
	/* it ends in the middle, under a call */
	"r6 = 1\n call f\n r0 = 3\n exit\nf: r1 = 5\n r0 = *(u64 *)(r1 + 0)\n r0 = 1\n exit",
	/* jumps that lead to the next instruction */
	"r0 = 1\n if r0 == 1 goto +0\n goto +0\n r0 = 2\n exit",
};

struct seen { u64 at[MAX]; };

static bool see(void *arg, struct vm_machine *m UNUSED, const struct vm_step *step)
{
	((struct seen *)arg)->at[step->insn]++;
	return true;
}

static struct vm_code *decode(const struct isa_code *code)
{
	const struct vm_bind bind = { .insns = code->v, .nr_insns = (u32)code->n };
	struct vm_code *out;
	struct skep_err err;

	if (vm_code_new(&out, &bind, VM_CHECKED, "program", &err))
		fail_msg("%s", skep_err_text(&err));
	return out;
}

static void compare(const char *text, u32 times)
{
	struct isa_code code = { 0 };
	struct vm_machine *m = vm_machine_new();
	struct vm_code *stepped, *counted;
	struct seen seen = { 0 };
	struct run run = { 0 };
	struct vm_counts counts;
	struct skep_err err;
	u64 r0;

	if (isa_asm(&code, text, strlen(text), "program", &err))
		fail_msg("%s", skep_err_text(&err));
	stepped = decode(&code);
	counted = decode(&code);
	vm_count(counted);
	for (u32 i = 0; i < times; i++) {
		vm_step_set(m, see, &seen);
		vm_run(m, stepped, &run, 100000, &r0);
		vm_step_set(m, NULL, NULL);
		vm_run(m, counted, &run, 100000, &r0);
	}
	counts = vm_code_counts(counted);
	for (u32 i = 0; i < code.n; i++)
		if (counts.at[i] != seen.at[i])
			fail_msg("%s\nslot %u ran %llu times, %llu are counted", text, i,
				 (unsigned long long)seen.at[i], (unsigned long long)counts.at[i]);
	vm_code_free(stepped);
	vm_code_free(counted);
	vm_machine_free(m);
	vec_free(&code);
}

static void counts_are_those_of_steps(void **unused UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		compare(programs[i], 1);
		compare(programs[i], 3);
	}
}

static void nobody_counts(void **unused UNUSED)
{
	struct isa_code code = { 0 };
	struct vm_code *c;

	assert_int_equal(isa_asm(&code, programs[0], strlen(programs[0]), "p", NULL), 0);
	c = decode(&code);
	assert_null(vm_code_counts(c).at);
	vm_code_free(c);
	vec_free(&code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_steps),
		cmocka_unit_test(nobody_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

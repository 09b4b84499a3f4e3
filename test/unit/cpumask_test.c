/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpumask_test.c: what programs owe and may touch of sets of cpus, in the checked
 * interpreter: no type of programs that runs on packets may call them.
 */
#include "call/call.h"
#include "call/object.h"
#include "vm/vm.h"
#include <skep/insn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { CREATE, ACQUIRE, RELEASE, SET, TEST, BITS_NEW, BITS_NEXT, BITS_DESTROY };

static const struct image_extern externs[] = {
	[CREATE] = { .name = "bpf_cpumask_create", .kind = IMAGE_KFUNC },
	[ACQUIRE] = { .name = "bpf_cpumask_acquire", .kind = IMAGE_KFUNC },
	[RELEASE] = { .name = "bpf_cpumask_release", .kind = IMAGE_KFUNC },
	[SET] = { .name = "bpf_cpumask_set_cpu", .kind = IMAGE_KFUNC },
	[TEST] = { .name = "bpf_cpumask_test_cpu", .kind = IMAGE_KFUNC },
	[BITS_NEW] = { .name = "bpf_iter_bits_new", .kind = IMAGE_KFUNC },
	[BITS_NEXT] = { .name = "bpf_iter_bits_next", .kind = IMAGE_KFUNC },
	[BITS_DESTROY] = { .name = "bpf_iter_bits_destroy", .kind = IMAGE_KFUNC },
};

#define CALL(n) ((struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .src_reg = \
				    BPF_PSEUDO_KFUNC_CALL, .imm = n })
#define OF_MASK BPF_MOV64_REG(BPF_REG_1, BPF_REG_6)
#define MAKE CALL(CREATE), BPF_MOV64_REG(BPF_REG_6, BPF_REG_0)
#define DROP OF_MASK, CALL(RELEASE)
#define DONE BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EXIT_INSN()
#define CPU(n) BPF_MOV64_IMM(BPF_REG_1, n), BPF_MOV64_REG(BPF_REG_2, BPF_REG_6)

/* The fault of a program, "" without one. */
static const char *run(const struct bpf_insn *insns, size_t n, u64 *ret)
{
	static char text[256];
	struct vm_bind bind = { .insns = insns, .nr_insns = (u32)n, .prog_type =
		BPF_PROG_TYPE_SYSCALL, .externs = externs, .nr_externs = ARRAY_LEN(externs),
		.helper = call_helper, .kfunc = call_kfunc };
	struct vm_machine *m = vm_machine_new();
	struct run r = { .nr_cpus = 70 };
	struct skep_err err = { 0 };
	struct vm_code *code;

	if (vm_code_new(&code, &bind, VM_CHECKED, "test", &err))
		fail_msg("%s", err.text);
	text[0] = 0;
	for (int i = 0; i < 2 && !text[0]; i++)		/* nothing is left for the next run */
		if (vm_run(m, code, &r, 10000, ret))
			memcpy(text, vm_fault(m)->text, sizeof(text));
	vm_code_free(code);
	vm_machine_free(m);
	objects_free(r.objects);
	return text;
}

#define FAULT(part, ...) do { \
	const struct bpf_insn v_[] = { __VA_ARGS__ }; \
	u64 ret_; \
	const char *text_ = run(v_, ARRAY_LEN(v_), &ret_); \
	if (!strstr(text_, part)) \
		fail_msg("'%s' is not in '%s'", part, text_); \
} while (0)

#define RETURNS(value, ...) do { \
	const struct bpf_insn v_[] = { __VA_ARGS__ }; \
	u64 ret_ = 0; \
	assert_string_equal(run(v_, ARRAY_LEN(v_), &ret_), ""); \
	assert_int_equal(ret_, value); \
} while (0)

static void owed(void **state)
{
	RETURNS(0, MAKE, DROP, DONE);
	RETURNS(0, MAKE, OF_MASK, CALL(ACQUIRE), DROP, DROP, DONE);
	FAULT("the cpumask made here is not given back", MAKE, DONE);
	FAULT("the cpumask made here is not given back", MAKE, OF_MASK, CALL(ACQUIRE), DROP, DONE);
	FAULT("is no cpumask of the program", MAKE, DROP, DROP, DONE);
	FAULT("is no cpumask of the program", MAKE, DROP, CPU(1), CALL(SET), DONE);
	FAULT("is no cpumask of the program", BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), CALL(RELEASE),
	      DONE);
	FAULT("a cpumask is read that the program has given back", MAKE, DROP,
	      BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_6, 0), DONE);
}

static void touched(void **state)
{
	RETURNS(1, MAKE, CPU(69), CALL(SET), CPU(69), CALL(TEST),
		BPF_MOV64_REG(BPF_REG_7, BPF_REG_0), DROP, BPF_MOV64_REG(BPF_REG_0, BPF_REG_7),
		BPF_EXIT_INSN());
	RETURNS(32, MAKE, CPU(69), CALL(SET), CPU(70), CALL(SET),
		BPF_LDX_MEM(BPF_DW, BPF_REG_7, BPF_REG_6, 8), DROP,
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_7), BPF_EXIT_INSN());
	FAULT("a cpumask is written, and it is read-only", MAKE,
	      BPF_ST_MEM(BPF_DW, BPF_REG_6, 0, 1), DROP, DONE);
	FAULT("bytes 1024..1031 of a cpumask are read, it has 1024", MAKE,
	      BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_6, 1024), DROP, DONE);
	FAULT("is no record that the program has reserved", MAKE, OF_MASK,
	      BPF_MOV64_IMM(BPF_REG_2, 0), BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit), DONE);
}

#define AT(reg, off) BPF_MOV64_REG(reg, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, reg, off)
/* An iterator at r10 - 16 over two words, bits 3 and 67. */
#define BITS BPF_ST_MEM(BPF_DW, BPF_REG_10, -32, 8), BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 8), \
	AT(BPF_REG_1, -16), AT(BPF_REG_2, -32), BPF_MOV64_IMM(BPF_REG_3, 2), CALL(BITS_NEW)
#define NEXT AT(BPF_REG_1, -16), CALL(BITS_NEXT)

static void bits(void **state)
{
	RETURNS(67, BITS, NEXT, NEXT, BPF_LDX_MEM(BPF_W, BPF_REG_7, BPF_REG_0, 0),
		AT(BPF_REG_1, -16), CALL(BITS_DESTROY), BPF_MOV64_REG(BPF_REG_0, BPF_REG_7),
		BPF_EXIT_INSN());
	FAULT("the iterator made here is not given back", BITS, NEXT, DONE);
	FAULT("is no iterator that bpf_iter_bits_new made", BITS,
	      BPF_ST_MEM(BPF_W, BPF_REG_10, -8, 1 << 20), NEXT, DONE);
	FAULT("is no iterator that bpf_iter_bits_new made", BITS,
	      BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 64), NEXT, DONE);
	FAULT("is no iterator that bpf_iter_bits_new made", BITS,
	      BPF_ST_MEM(BPF_W, BPF_REG_10, -4, -1000), NEXT, DONE);
	FAULT("is no record that the program has reserved", BITS,
	      BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -16), BPF_MOV64_IMM(BPF_REG_2, 0),
	      BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit), DONE);
}

/* What a program leaves at a fault are its own references, however many: another's keep
 * the object. */
static void shared(void **state)
{
	struct bpf_insn insns[] = { BPF_LD_IMM64(BPF_REG_1, 0), CALL(ACQUIRE),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0), CALL(ACQUIRE), DONE };
	struct vm_bind bind = { .insns = insns, .nr_insns = sizeof(insns) / sizeof(*insns),
		.prog_type = BPF_PROG_TYPE_TRACING, .externs = externs, .nr_externs = 8,
		.helper = call_helper, .kfunc = call_kfunc };
	struct run r = { .nr_cpus = 1 };
	struct vm_machine *m = vm_machine_new();
	struct vm_code *code;
	u64 zeroes[128] = { 0 }, mask, ret;

	objects_open(&r);
	mask = object_keep(r.objects, zeroes, sizeof(zeroes), LENT_CPUMASK);
	object_get(&r, mask);		/* somebody else has it, too */
	insns[0].imm = (s32)mask;
	insns[1].imm = (s32)(mask >> 32);
	assert_int_equal(vm_code_new(&code, &bind, VM_CHECKED, "shared", NULL), 0);
	assert_int_equal(vm_run(m, code, &r, 1000, &ret), -EFAULT);
	assert_non_null(strstr(vm_fault(m)->text, "is not given back"));
	object_gone(r.objects, mask);
	assert_non_null(object_of_kind(r.objects, mask, LENT_CPUMASK));
	object_put(mask);
	assert_null(object_of_kind(r.objects, mask, LENT_CPUMASK));
	vm_code_free(code);
	vm_machine_free(m);
	objects_free(r.objects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owed),
		cmocka_unit_test(touched),
		cmocka_unit_test(bits),
		cmocka_unit_test(shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

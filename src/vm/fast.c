/* SPDX-License-Identifier: BSD-2-Clause */
/* fast.c: the interpreter for verified programs: no check at all. */
#include "vm/machine.h"
#include <endian.h>

#define INTERP_NAME run_fast
#if defined(__clang__)
#define INTERP_ATTR
#else
/* one indirect jump per operation, not one shared by all */
#define INTERP_ATTR __attribute__((optimize("no-gcse", "no-crossjumping")))
#endif
#define LOCALS
#define LEAVE
#define TICK
#define GOTO goto *ip->label
#define LOAD_MEM(ctype, addr, out) memcpy(&(out), (const void *)(addr), sizeof(ctype))
#define STORE_MEM(ctype, addr, val) \
	do { ctype v_ = (val); memcpy((void *)(addr), &v_, sizeof(v_)); } while (0)
#define ATOMIC_PTR(ctype, addr, access) ((ctype *)(addr))
#define CHECK_ARGS(c)
#define CALL_HELPER(c) r[0] = (c)->fn(r[1], r[2], r[3], r[4], r[5], m->run)
/* the verifier has proved that neither happens */
#define NO_FRAME __builtin_unreachable()
#define PAST_END __builtin_unreachable()
#define FAULT_CODE

#include "vm/interp.inc"

const void *const *vm_fast_labels(void)
{
	const void *const *labels;

	run_fast(NULL, NULL, NULL, &labels);
	return labels;
}

static u64 callback(struct run *run, u64 func, const u64 args[5])
{
	struct vm_machine *m = run->engine;
	u64 r[11], ret;

	vm_regs_init(r, 0, vm_frame_top(m, m->depth + 1));
	memcpy(r + 1, args, 5 * sizeof(u64));
	vm_frame_push(m, NULL, r);
	ret = run_fast(m, (const struct vm_insn *)func, r, NULL);
	vm_frame_pop(m, r);
	return ret;
}

u64 vm_run_fast(const struct vm_code *code, struct run *run, void *ctx)
{
	struct vm_machine m;
	u64 r[11];

	m.lent.n = 0;
	vm_machine_start(&m, code, run, (u64)ctx);
	run->lend = NULL;
	run->take_back = NULL;
	run->callback = callback;
	r[1] = (u64)ctx;
	r[10] = (u64)vm_frame_top(&m, 0);
	return run_fast(&m, code->insns, r, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checked.c: the interpreter for programs that nobody has verified: each
 * access is looked up, each instruction counted. Must never trust a register.
 */
#include "vm/machine.h"
#include <endian.h>

/* A context load gives what its table row says, not what memory holds. */
#define LOAD_MEM(ctype, addr, out) do { \
	u64 a_ = (addr), v_; \
	void *p_; \
	if (unlikely(vm_is_ctx(m, a_))) { \
		if (!vm_ctx_load(m, a_, sizeof(ctype), &v_)) \
			goto fault; \
		if (sizeof(ctype) == 4 && (ctype)0 < (ctype)-1) { \
			r[ip->dst] = v_;	/* a packet pointer has 8 bytes */ \
			NEXT; \
		} \
		(out) = (ctype)v_; \
	} else { \
		p_ = vm_mem(m, a_, sizeof(ctype), false); \
		if (unlikely(!p_)) \
			goto fault; \
		memcpy(&(out), p_, sizeof(ctype)); \
	} \
} while (0)

#define STORE_MEM(ctype, addr, val) do { \
	u64 a_ = (addr); \
	ctype v_ = (val); \
	if (unlikely(vm_is_ctx(m, a_))) { \
		if (!vm_ctx_store(m, a_, sizeof(ctype), v_)) \
			goto fault; \
	} else { \
		void *p_ = vm_mem(m, a_, sizeof(ctype), true); \
		if (unlikely(!p_)) \
			goto fault; \
		memcpy(p_, &v_, sizeof(v_)); \
	} \
} while (0)

#define ATOMIC_PTR(ctype, addr, access) ({ \
	void *p_ = vm_atomic(m, (addr), sizeof(ctype), access); \
	if (unlikely(!p_)) \
		goto fault; \
	(ctype *)p_; \
})

#define CHECK_ARGS(c) do { \
	m->at = ip; \
	m->left = left; \
	if (unlikely(!vm_check_args(m, (c), r))) \
		goto fault; \
	left = m->left; \
} while (0)

#define CALL_HELPER(c) do { \
	r[0] = (c)->fn(r[1], r[2], r[3], r[4], r[5], m->run); \
	left = m->left; \
	if (unlikely(m->fault.kind)) \
		goto nested_fault; \
} while (0)

#define INTERP_NAME run_checked
#define INTERP_ATTR
#define LOCALS u64 left = m->left
#define LEAVE do { \
	m->left = left; \
	m->run->insns = m->budget - left - m->charged; \
	if (unlikely(m->lock || m->owed) && !base) \
		vm_left(m); \
} while (0)
#define TICK do { if (unlikely(!left--)) goto out_of_budget; } while (0)
#define GOTO goto *ip->label
#define BACK(delta)
#define CALLED
#define MODE VM_CHECKED
#define MORE_LABELS
#define MORE_OPS
#define NO_FRAME do { \
	vm_fault_set(m, VM_FAULT_FRAMES, "call of a subprogram in frame %d: " \
		     "no more than %d frames", VM_FRAMES_MAX, VM_FRAMES_MAX); \
	goto fault; \
} while (0)
#define PAST_END do { \
	vm_fault_set(m, VM_FAULT_END, "control runs past the last instruction"); \
	goto fault; \
} while (0)
#define FAULT_CODE \
out_of_budget: \
	left = 0; \
	vm_fault_set(m, VM_FAULT_BUDGET, "%llu instructions executed and no end", \
		     (unsigned long long)m->budget); \
fault: \
	vm_fault_place(m, ip); \
nested_fault: \
	LEAVE; \
	return 0;

enum access { READ = 1, WRITE = 2, READ_WRITE = READ | WRITE };

static void *vm_atomic(struct vm_machine *m, u64 addr, u32 size, enum access access)
{
	if (vm_is_ctx(m, addr)) {
		vm_fault_set(m, VM_FAULT_MEM, "atomic operation on the context");
		return NULL;
	}
	if (addr % size) {
		vm_fault_set(
			m, VM_FAULT_ALIGN,
			"atomic operation on %u bytes at an address that is not a multiple of %u",
			size, size);
		return NULL;
	}
	if (access == READ_WRITE && !vm_mem(m, addr, size, true))
		return NULL;
	return vm_mem(m, addr, size, access == WRITE);
}

#include "vm/interp.inc"

/* ---- stepping ------------------------------------------------------------ */

void vm_step_set(struct vm_machine *m, vm_step_fn fn, void *arg)
{
	m->step = fn;
	m->step_arg = arg;
	m->ready = NULL;
}

/* Asks who steps; false: the run stops here. */
static bool ask(struct vm_machine *m, const struct vm_insn *ip, const u64 *r)
{
	const struct vm_step step = { .code = m->code, .user = m->code->bind.user,
		.insn = vm_slot(m->code, ip), .frame = m->depth, .regs = r };

	if (m->step(m->step_arg, m, &step))
		return true;
	vm_fault_set(m, VM_FAULT_STOPPED, "the run was stopped here");
	return false;
}

/* Once more, with operations that ask before they go on. */
#undef INTERP_NAME
#undef INTERP_ATTR
#undef TICK
#undef GOTO
#define INTERP_NAME run_stepped
#define INTERP_ATTR __attribute__((cold))
#define TICK do { \
	if (unlikely(!left--)) \
		goto out_of_budget; \
	if (unlikely(!ask(m, ip, r))) \
		goto fault; \
} while (0)
#define GOTO goto *labels[m->code->ops[ip - m->code->insns]]
#include "vm/interp.inc"

/* ---- runs ---------------------------------------------------------------- */

u64 vm_go_checked(struct vm_machine *m, const struct vm_insn *ip, u64 *r)
{
	return unlikely(m->step) ? run_stepped(m, ip, r, NULL) : run_checked(m, ip, r, NULL);
}

const void *const *vm_checked_labels(void)
{
	const void *const *labels;

	run_checked(NULL, NULL, NULL, &labels);
	return labels;
}

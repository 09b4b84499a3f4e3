/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * foreign.c: the checked interpreter for programs whose memory is elsewhere: runs of another
 * machine that are computed again. Stack and registers are here; what a load gives that is
 * none of the stack, what a helper answers, and where a store goes, says who has the record
 * of it (struct vm_foreign). No address is looked at that is not the stack's, or a
 * read-only map's.
 */
#include "vm/machine.h"
#include <endian.h>

/* What the load at IP gives: 1 it is *VAL, as the register has it then; 0 it is memory of
 * ours; -1 after filling the fault. */
static int foreign_load(struct vm_machine *m, const struct vm_insn *ip, u64 addr, u32 size,
			u64 *val)
{
	const struct vm_foreign *f = m->foreign;

	m->at = ip;
	return f->load(f->arg, m, vm_slot(m->code, ip), addr, size, val);
}

bool vm_in_stack(const struct vm_machine *m, u64 addr)
{
	return addr - (u64)m->stack < sizeof(m->stack);
}

void *vm_stack_mem(struct vm_machine *m, u64 addr, u64 size)
{
	return vm_mem(m, addr, size, true);
}

static bool foreign_store(struct vm_machine *m, const struct vm_insn *ip, u64 addr, u32 size,
			  u64 val)
{
	const struct vm_foreign *f = m->foreign;

	m->at = ip;
	return f->store(f->arg, m, vm_slot(m->code, ip), addr, size, val);
}

static void *foreign_atomic(struct vm_machine *m, const struct vm_insn *ip, u64 addr, u32 size)
{
	const struct vm_foreign *f = m->foreign;

	m->at = ip;
	return f->atomic(f->arg, m, vm_slot(m->code, ip), addr, size);
}

static u64 foreign_call(struct vm_machine *m, const struct vm_insn *ip, const u64 *r)
{
	const struct vm_foreign *f = m->foreign;

	m->at = ip;
	return f->call(f->arg, m, vm_slot(m->code, ip), r);
}

/* Whether the loop at IP, a may_goto, goes on. */
static bool foreign_loop(struct vm_machine *m, const struct vm_insn *ip)
{
	const struct vm_foreign *f = m->foreign;
	int on;

	m->at = ip;
	on = f->loop(f->arg, m, vm_slot(m->code, ip));
	m->frames[m->depth].may_goto = on > 0;
	return on >= 0;
}

/* LD_ABS or LD_IND at IP: 1 with r0; 0: outside of the packet; -1 after filling the fault. */
static int foreign_packet(struct vm_machine *m, const struct vm_insn *ip, u64 *r)
{
	const struct vm_foreign *f = m->foreign;
	u64 v;
	int got;

	m->at = ip;
	got = f->packet(f->arg, m, vm_slot(m->code, ip), &v);
	if (got > 0)
		r[0] = v;
	return got;
}

/* A variable of the kernel, which decoding has made a call. */
static bool is_variable(const struct vm_machine *m, const struct vm_insn *ip)
{
	return isa_is_lddw(&m->code->bind.insns[ip - m->code->insns]);
}

#define LOAD_MEM(ctype, addr, out) do { \
	u64 a_ = (addr), v_ = 0; \
	const void *p_; \
	int got_ = foreign_load(m, ip, a_, sizeof(ctype), &v_); \
	if (got_ < 0) \
		goto fault; \
	if (got_) { \
		r[ip->dst] = v_; \
		NEXT; \
	} \
	p_ = vm_mem(m, a_, sizeof(ctype), false); \
	if (!p_) \
		goto fault; \
	memcpy(&(out), p_, sizeof(ctype)); \
} while (0)

#define STORE_MEM(ctype, addr, val) do { \
	u64 a_ = (addr); \
	ctype v_ = (val); \
	void *p_; \
	if (!vm_in_stack(m, a_)) { \
		if (!foreign_store(m, ip, a_, sizeof(ctype), (u64)v_)) \
			goto fault; \
	} else { \
		p_ = vm_mem(m, a_, sizeof(ctype), true); \
		if (!p_) \
			goto fault; \
		memcpy(p_, &v_, sizeof(v_)); \
	} \
} while (0)

#define ATOMIC_PTR(ctype, addr, access) ({ \
	void *p_ = foreign_atomic(m, ip, (addr), sizeof(ctype)); \
	if (!p_) \
		goto fault; \
	(ctype *)p_; \
})

#define CHECK_ARGS(c) do { \
	m->left = left; \
	if ((c)->ext && is_variable(m, ip)) { \
		r[ip->dst] = foreign_call(m, ip, r); \
		if (m->fault.kind) \
			goto fault; \
		ip += 2; \
		DISPATCH; \
	} \
	if ((c)->id == BPF_FUNC_tail_call) { \
		r[0] = foreign_call(m, ip, r); \
		if (m->fault.kind) \
			goto fault; \
		NEXT; \
	} \
} while (0)

#define CALL_HELPER(c) do { \
	r[0] = foreign_call(m, ip, r); \
	left = m->left; \
	if (unlikely(m->fault.kind)) \
		goto nested_fault; \
} while (0)

#define LD_PACKET(ip) ({ \
	int got_ = foreign_packet(m, ip, r); \
	if (got_ < 0) \
		goto fault; \
	got_; \
})

#define INTERP_NAME run_foreign
#define INTERP_ATTR
#define LOCALS u64 left = m->left
#define LEAVE do { \
	m->left = left; \
	m->run->insns = m->budget - left - m->charged; \
} while (0)
#define TICK do { \
	if (unlikely(!left--)) \
		goto out_of_budget; \
	if (m->code->ops[ip - m->code->insns] == OP_MAY_GOTO && !foreign_loop(m, ip)) \
		goto fault; \
} while (0)
#define WENT
#define ENTERED
#define STOPPED
#define GOTO goto *labels[m->code->ops[ip - m->code->insns]]
#define BACK(delta)
#define CALLED
#define MODE VM_CHECKED
#define SAME(to) true
#define MORE_LABELS
#define MORE_OPS

#include "vm/interp.inc"

u64 vm_go_foreign(struct vm_machine *m, const struct vm_insn *ip, u64 *r)
{
	return run_foreign(m, ip, r, NULL);
}

void vm_foreign_set(struct vm_machine *m, const struct vm_foreign *f)
{
	m->foreign = f;
	m->ready = NULL;
}

void vm_foreign_fault(struct vm_machine *m, const char *text)
{
	vm_fault_set(m, VM_FAULT_STOPPED, "%s", text);
	vm_fault_place(m, m->at);
}

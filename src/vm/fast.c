/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fast.c: the interpreter for verified programs, as model/rewrite.h has them: no
 * access is checked. Jumps back and calls are counted, so that who asks for it
 * gets a run that ends; what was taken is kept account of, for when it does.
 */
#include "model/rewrite.h"
#include "vm/machine.h"
#include <endian.h>

#define INTERP_NAME run_fast
#if defined(__clang__)
#define INTERP_ATTR
#else
/* one indirect jump per operation, not one shared by all */
#define INTERP_ATTR __attribute__((optimize("no-gcse", "no-crossjumping")))
#endif
#define LOCALS s64 left = (s64)m->left
#define LEAVE do { \
	m->left = (u64)left; \
	if (unlikely(m->lock || m->owed) && !base) \
		vm_left(m); \
} while (0)
#define TICK
#define WENT
#define ENTERED
#define STOPPED
#define GOTO goto *ip->label
#define MODE VM_FAST
#define SAME(to) true
#define BACK(delta) do { \
	left += (delta) & (delta) >> 63; \
	if (unlikely(left < 0)) \
		goto out_of_budget; \
} while (0)
#define CALLED do { \
	vm_frame_used(m, m->depth); \
	left -= VM_CALL_COST; \
} while (0)
#define LOAD_MEM(ctype, addr, out) memcpy(&(out), (const void *)(addr), sizeof(ctype))
#define STORE_MEM(ctype, addr, val) \
	do { ctype v_ = (val); memcpy((void *)(addr), &v_, sizeof(v_)); } while (0)
#define ATOMIC_PTR(ctype, addr, access) ((ctype *)(addr))
#define CHECK_ARGS(c) m->at = ip
#define CALL_HELPER(c) r[0] = (c)->fn(r[1], r[2], r[3], r[4], r[5], m->run)

#define MORE_LABELS \
	[VM_OP_TAIL_CALL] = &&op_tail_call, \
	[VM_OP_CALL_KEEPS] = &&op_call_keeps, \
	[VM_OP_NO_BODY] = &&op_no_body, \
	[VM_OP_TRAP] = &&op_past_end, [VM_OP_ARENA] = &&op_arena, \
	[VM_OP_PROBE8] = &&op_probe8, [VM_OP_PROBE16] = &&op_probe16, \
	[VM_OP_PROBE32] = &&op_probe32, [VM_OP_PROBE64] = &&op_probe64, \
	[VM_OP_PROBESX8] = &&op_probesx8, [VM_OP_PROBESX16] = &&op_probesx16, \
	[VM_OP_PROBESX32] = &&op_probesx32,

#define OP_PROBE(label, ctype) \
	label: { \
		ctype v = 0; \
		if (vm_probe_ok(m, ADDR(src), sizeof(v))) \
			LOAD_MEM(ctype, ADDR(src), v); \
		r[ip->dst] = (u64)(s64)v; \
		NEXT; \
	}

#define MORE_OPS \
op_tail_call: { \
	const struct vm_code *to = vm_tail_target(m, r); \
\
	if (!to) \
		NEXT; \
	GO_ON_IN(to); \
} \
op_call_keeps: { \
	const struct vm_call *c = &m->code->calls[ip->imm]; \
\
	m->at = ip; \
	m->native = false; \
	vm_keep_account(m, c, r); \
	m->left = left < 0 ? 0 : (u64)left; \
	CALL_HELPER(c); \
	left = (s64)m->left; \
	if (unlikely(m->fault.kind)) \
		goto nested_fault; \
	NEXT; \
} \
op_no_body: \
	m->at = ip; \
	vm_check_args(m, &m->code->calls[ip->imm], r); \
	goto fault; \
op_arena: \
	r[REWRITE_REG] = (u64)vm_arena_at(m, m->code->pages, (s64)(u32)r[ip->src] + ip->off, \
					  (u32)ip->imm & 0xff); \
	NEXT; \
OP_PROBE(op_probe8, u8) \
OP_PROBE(op_probe16, u16) \
OP_PROBE(op_probe32, u32) \
OP_PROBE(op_probe64, u64) \
OP_PROBE(op_probesx8, s8) \
OP_PROBE(op_probesx16, s16) \
OP_PROBE(op_probesx32, s32)


#include "vm/interp.inc"

/* Once more, with operations that note where the program is. */
#undef INTERP_NAME
#undef INTERP_ATTR
#undef LOCALS
#undef LEAVE
#undef TICK
#define INTERP_NAME run_noted
#define INTERP_ATTR __attribute__((cold))
#define LOCALS \
	s64 left = (s64)m->left; \
	const struct vm_insn *outer = m->at
#define LEAVE do { \
	m->left = (u64)left; \
	if (unlikely(m->lock || m->owed) && !base) \
		vm_left(m); \
	vm_note(m, outer); \
} while (0)
#define TICK vm_note(m, ip)
#include "vm/interp.inc"

const void *const *vm_fast_labels(bool noted)
{
	const void *const *labels;

	if (noted)
		run_noted(NULL, NULL, NULL, &labels);
	else
		run_fast(NULL, NULL, NULL, &labels);
	return labels;
}

u64 vm_go_fast(struct vm_machine *m, const struct vm_insn *ip, u64 *r)
{
	if (unlikely(m->code->bind.noted))
		return run_noted(m, ip, r, NULL);
	return run_fast(m, ip, r, NULL);
}

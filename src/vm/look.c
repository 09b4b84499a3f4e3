/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.c: what who steps through a run may know of its machine: callers, and the memory
 * that makes a state of it.
 */
#include "vm/machine.h"

u32 vm_callers(const struct vm_machine *m, struct vm_caller *out, u32 max)
{
	u32 n = 0;

	for (u32 i = m->depth; i > 0 && n < max; i--) {
		const struct vm_frame *f = &m->frames[i];
		const struct vm_insn *ip = f->ip ? f->ip : f->helper;

		out[n++] = (struct vm_caller){ .code = f->code, .insn = vm_slot(f->code, ip),
					       .frame = i - 1, .helper = !f->ip };
	}
	return n;
}

u64 vm_frame_base(struct vm_machine *m, u32 frame) { return (u64)vm_frame_top(m, frame); }

/* One field, or part of one, in the biggest piece that may be read; 0: none there. */
static u32 ctx_piece(struct vm_machine *m, u64 addr, u8 *to, u64 bytes)
{
	size_t lent = m->lent.n;
	bool ok = false;
	u64 val = 0;
	u32 size;

	for (size = 8; size && !ok; size /= 2)
		ok = size <= bytes && vm_ctx_load(m, addr, size, &val);
	m->fault.kind = VM_FAULT_NONE;
	m->run->stop = false;
	if (m->lent.n > lent)	/* a pointer that the program has not loaded */
		vm_region_del(m, val);
	if (!ok)
		return 0;
	size = size ? size * 2 : 1;
	memcpy(to, &val, size);	/* little endian: the low bytes */
	return size;
}

static int ctx_read(struct vm_machine *m, u64 addr, u8 *to, u64 bytes)
{
	for (u32 n; bytes; addr += n, to += n, bytes -= n) {
		n = ctx_piece(m, addr, to, bytes);
		if (!n)
			return -EFAULT;
	}
	return 0;
}

int vm_read(struct vm_machine *m, u64 addr, void *to, u64 bytes)
{
	struct vm_where w = vm_where(m, addr);

	if (w.kind == VM_CTX)
		return ctx_read(m, addr, to, bytes);
	if (w.kind == VM_NOWHERE || !in_bounds(addr - w.start, bytes, w.bytes))
		return -EFAULT;
	memcpy(to, (void *)(uintptr_t)addr, bytes);
	return 0;
}

/* Around the VEC of what is lent, which must not be put back as bytes. */
void vm_keep(struct vm_machine *m, keep_fn keep, void *arg)
{
	u8 *start = (u8 *)m, *lent = (u8 *)&m->lent, *behind = lent + sizeof(m->lent);

	keep(arg, KEEP_BYTES, start, (size_t)(lent - start));
	keep(arg, KEEP_VEC, &m->lent, sizeof(*m->lent.v));
	keep(arg, KEEP_BYTES, behind, (size_t)(start + sizeof(*m) - behind));
}

/* bpf_loop() alone has nothing on the heap while it calls back. */
static bool loops(const struct vm_frame *f)
{
	return f->ip || f->code->calls[f->helper->imm].id == BPF_FUNC_loop;
}

bool vm_keepable(const struct vm_machine *m)
{
	bool keepable = m->ctx && !m->owed;

	for (u32 i = m->depth; keepable && i > 0; i--)
		keepable = loops(&m->frames[i]);
	return keepable;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c: the parts of an execution that both interpreters share. */
#include "vm/machine.h"
#include <endian.h>
#include <stdlib.h>

struct vm_machine *vm_machine_new(void)
{
	struct vm_machine *m = mem_alloc(sizeof(*m));

	m->dirty = m->stack + sizeof(m->stack);
	return m;
}

void vm_machine_free(struct vm_machine *m)
{
	free(m);
}

int vm_region_add(struct vm_machine *m, const struct vm_region *r)
{
	if (m->nr_regions == VM_REGIONS_MAX)
		return -ENOSPC;
	m->regions[m->nr_regions++] = *r;
	return 0;
}

int vm_region_del(struct vm_machine *m, u64 start)
{
	for (u32 i = 0; i < m->nr_regions; i++) {
		if (m->regions[i].start != start)
			continue;
		m->regions[i] = m->regions[--m->nr_regions];
		return 0;
	}
	return -ENOENT;
}

const struct vm_fault *vm_fault(const struct vm_machine *m)
{
	return &m->fault;
}

u64 vm_run_insns(const struct vm_machine *m)
{
	return m->budget - m->left;
}

bool vm_ld_packet(const struct run *run, u64 *r, const struct vm_insn *ip)
{
	const struct isa_row *row = &isa_rows[ip->off];	/* see code.c */
	const struct packet_buf *p = &run->pkt;
	u64 off = (u32)ip->imm;
	u32 v32;
	u16 v16;

	if (row->kind == KIND_LD_IND)
		off = (u32)(off + r[ip->src]);
	if (!in_bounds(off, row->width / 8, (u64)(p->data_end - p->data)))
		return false;
	switch (row->width) {
	case 8:
		r[0] = p->data[off];
		break;
	case 16:
		memcpy(&v16, p->data + off, 2);
		r[0] = be16toh(v16);
		break;
	default:
		memcpy(&v32, p->data + off, 4);
		r[0] = be32toh(v32);
	}
	return true;
}

const struct vm_code *vm_tail_target(struct vm_machine *m, u64 *r)
{
	struct run *run = m->run;
	const struct vm_code *to = NULL;

	if (run->tail_target && m->tail_calls < VM_TAIL_CALLS_MAX)
		to = run->tail_target(run, (struct map *)r[2], (u32)r[3]);
	if (!to) {
		r[0] = (u64)-1;
		return NULL;
	}
	m->tail_calls++;
	m->ready = NULL;
	m->frames[m->depth].may_goto = MAY_GOTO_MAX;
	return to;
}

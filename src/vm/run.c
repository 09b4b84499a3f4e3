/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c: the parts of an execution that both interpreters share. */
#include "vm/machine.h"
#include <endian.h>
#include <linux/filter.h>
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

/*
 * SIZE bytes at OFF of the packet, or NULL. Offsets below 0 count from a
 * header: SKF_NET_OFF and SKF_LL_OFF of classic BPF.
 */
static const u8 *packet_at(const struct run *run, s32 off, u32 size)
{
	const struct packet_buf *p = &run->pkt;
	const u8 *base = off >= 0 ? p->data :
			 off >= SKF_NET_OFF ? run->skb.net :
			 off >= SKF_LL_OFF ? run->skb.mac : NULL;
	s64 from = off >= 0 ? off : off >= SKF_NET_OFF ? off - SKF_NET_OFF : off - SKF_LL_OFF;

	if (!base || base > p->data_end)
		return NULL;
	return in_bounds((u64)from, size, (u64)(p->data_end - base)) ? base + from : NULL;
}

bool vm_ld_packet(const struct run *run, u64 *r, const struct vm_insn *ip)
{
	const struct isa_row *row = &isa_rows[ip->off];	/* see code.c */
	u32 off = (u32)ip->imm + (row->kind == KIND_LD_IND ? (u32)r[ip->src] : 0);
	const u8 *at = packet_at(run, (s32)off, row->width / 8);
	u32 v32;
	u16 v16;

	if (!at)
		return false;
	switch (row->width) {
	case 8:
		r[0] = *at;
		break;
	case 16:
		memcpy(&v16, at, 2);
		r[0] = be16toh(v16);
		break;
	default:
		memcpy(&v32, at, 4);
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

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
	vec_free(&m->lent);
	free(m);
}

u32 vm_region_find(const struct vm_machine *m, u64 addr)
{
	u32 lo = 0, hi = (u32)m->lent.n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (m->lent.v[mid].r.start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void vm_region_add(struct vm_machine *m, const struct vm_region *r)
{
	u32 i = vm_region_find(m, r->start);
	struct vm_lent *l;

	vec_push(&m->lent);
	l = &m->lent.v[i];
	memmove(l + 1, l, (m->lent.n - 1 - i) * sizeof(*l));
	*l = (struct vm_lent){ .r = *r };
	m->owed += r->drop || r->passing;
}


static void lent_remove(struct vm_machine *m, struct vm_lent *l)
{
	size_t i = (size_t)(l - m->lent.v);

	m->owed -= l->r.drop || l->r.passing;
	memmove(l, l + 1, (m->lent.n - 1 - i) * sizeof(*l));
	m->lent.n--;
}

int vm_region_del(struct vm_machine *m, u64 start)
{
	struct vm_lent *l = vm_lent_at(m, start, false);

	if (!l)
		return -ENOENT;
	lent_remove(m, l);
	return 0;
}

void vm_object_add(struct vm_machine *m, u64 at, const struct ctx_desc *d, u64 from,
		   void (*drop)(void *mem))
{
	bool memory = d->kind == OBJ_MEMORY;
	u32 i = vm_region_find(m, at);

	for (; !drop && i && m->lent.v[i - 1].r.start == at; i--)
		if (m->lent.v[i - 1].r.passing && m->lent.v[i - 1].r.from == from)
			return;		/* it has it already */
	vm_region_add(m, &(struct vm_region){ .start = at, .bytes = d->size, .name = d->name,
		.writable = memory, .passing = !drop, .drop = drop, .from = from,
		.desc = memory ? NULL : d });
}

struct vm_lent *vm_lent_at(const struct vm_machine *m, u64 start, bool owed)
{
	u32 i = m->lent.n ? vm_region_find(m, start) : 0;

	for (; i && m->lent.v[i - 1].r.start == start; i--)
		if (!owed || m->lent.v[i - 1].r.drop)
			return &m->lent.v[i - 1];
	return NULL;
}

void vm_object_del(struct vm_machine *m, struct vm_lent *l)
{
	u64 start = l->r.start;

	m->gone = l->r;
	m->ready = NULL;
	lent_remove(m, l);
	if (vm_lent_at(m, start, true))
		return;		/* the program has it once more */
	for (size_t i = m->lent.n; i > 0; i--)
		if (m->lent.v[i - 1].r.from == start)
			lent_remove(m, &m->lent.v[i - 1]);
}

const struct vm_fault *vm_fault(const struct vm_machine *m)
{
	return &m->fault;
}

u64 vm_run_insns(const struct vm_machine *m)
{
	return m->budget - m->left - m->charged;
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

s64 vm_packet_load(const struct run *run, s32 off, u32 size)
{
	const u8 *at = packet_at(run, off, size);
	u32 v32;
	u16 v16;

	if (!at)
		return -1;
	switch (size) {
	case 1:
		return *at;
	case 2:
		memcpy(&v16, at, 2);
		return be16toh(v16);
	default:
		memcpy(&v32, at, 4);
		return be32toh(v32);
	}
}

bool vm_ld_packet(const struct run *run, u64 *r, const struct vm_insn *ip)
{
	const struct isa_row *row = &isa_rows[ip->off];	/* see code.c */
	u32 off = (u32)ip->imm + (row->kind == KIND_LD_IND ? (u32)r[ip->src] : 0);
	s64 v = vm_packet_load(run, (s32)off, row->width / 8);

	if (v >= 0)
		r[0] = (u64)v;
	return v >= 0;
}

const struct vm_code *vm_tail_target(struct vm_machine *m, u64 *r)
{
	struct run *run = m->run;
	const struct vm_code *to = NULL;

	if (run->tail_target && m->tail_calls < VM_TAIL_CALLS_MAX)
		to = run->tail_target(run, (struct map *)r[2], (u32)r[3]);
	/* another type has another context */
	if (!to || to->bind.prog_type != m->code->bind.prog_type) {
		r[0] = (u64)-1;
		return NULL;
	}
	m->tail_calls++;
	m->limit = m->depth + VM_FRAMES_MAX;
	m->ready = NULL;
	m->frames[m->depth].may_goto = MAY_GOTO_MAX;
	return to;
}

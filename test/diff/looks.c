/* SPDX-License-Identifier: BSD-2-Clause */
/* looks.c: see looks.h. */
#include "diff/looks.h"
#include "diff/world_inner.h"
#include "isa/isa.h"
#include "model/tables.h"
#include <stdio.h>

struct look {
	struct world *w;
	const struct diff_prog *p;
	u32 insn;
	const char *what;	/* NULL: nothing so far */
};

/* A run at one instruction. */
struct at {
	const struct look *l;
	struct vm_machine *m;
	const struct vm_step *step;
	const struct bpf_insn *in;
	const struct isa_row *row;
};

static bool is_address(const struct at *at, u64 v)
{
	const struct world *w = at->l->w;

	for (u32 i = 0; i < w->scene.nr_maps; i++)
		if (v == (u64)w->maps[i])
			return true;
	return (w->run.pkt.data_end && v == (u64)w->run.pkt.data_end) ||
	       vm_where(at->m, v).kind != VM_NOWHERE;
}

static bool dst_is(const struct at *at)
{
	return is_address(at, at->step->regs[at->in->dst_reg]);
}

static bool src_is(const struct at *at)
{
	return BPF_SRC(at->in->code) == BPF_X && is_address(at, at->step->regs[at->in->src_reg]);
}

/* ---- memory ---------------------------------------------------------------------- */

/* A slot among the BYTES at ADDR of a frame holds an address, perhaps in part. */
static bool holds_address(const struct at *at, u64 addr, u64 bytes)
{
	struct vm_where w = vm_where(at->m, addr);
	u64 v;

	if (w.kind != VM_STACK || bytes > w.start + w.bytes - addr)
		return false;
	for (u64 slot = addr & ~7ull; slot < addr + bytes; slot += 8) {
		memcpy(&v, (const void *)slot, sizeof(v));
		if (is_address(at, v))
			return true;
	}
	return false;
}

static const char *load(const struct at *at)
{
	u64 addr = at->step->regs[at->in->src_reg] + (u64)(s64)at->in->off;

	if (at->row->width == 64 && !(addr & 7))
		return NULL;
	return holds_address(at, addr, at->row->width / 8) ? "loads a part of an address" : NULL;
}

static const char *store(const struct at *at)
{
	u64 addr = at->step->regs[at->in->dst_reg] + (u64)(s64)at->in->off;
	bool whole = at->row->width == 64 && !(addr & 7);

	if (at->row->kind != KIND_ST && is_address(at, at->step->regs[at->in->src_reg]) &&
	    (!whole || vm_where(at->m, addr).kind != VM_STACK))
		return "stores an address where it is seen, or a part";
	if (at->row->kind != KIND_ST && at->row->kind != KIND_STX &&
	    holds_address(at, addr, at->row->width / 8))
		return "reckons with an address in memory";
	return !whole && holds_address(at, addr, at->row->width / 8) ?
	       "changes a part of an address" : NULL;
}

/* ---- calls ----------------------------------------------------------------------- */

/* Bytes that argument N of the helper ROW is read for. */
static u64 argument_bytes(const struct at *at, const struct helper_row *row, u32 n)
{
	const struct world *w = at->l->w;
	u32 map = 0;

	switch (row->args[n]) {
	case ARG_MEM:
	case ARG_MEM_OR_NULL:
	case ARG_MEM_INOUT:
		return at->step->regs[n + 2];
	case ARG_KEY:
	case ARG_VALUE:
		while (map < w->scene.nr_maps && at->step->regs[1] != (u64)w->maps[map])
			map++;
		if (map == w->scene.nr_maps)
			return 0;
		return row->args[n] == ARG_KEY ? w->scene.maps[map].attr.key_size :
						 w->scene.maps[map].attr.value_size;
	default:
		return 0;
	}
}

static const char *call(const struct at *at)
{
	const struct helper_row *row = helper_proto((u32)at->in->imm, at->l->p->type);

	for (u32 n = 0; row && n < 5; n++) {
		u64 v = at->step->regs[n + 1];

		if ((row->args[n] == ARG_ANY || row->args[n] == ARG_SIZE ||
		     row->args[n] == ARG_SIZE_0) && is_address(at, v))
			return "gives an address for a number";
		if (holds_address(at, v, argument_bytes(at, row, n)))
			return "gives an address for bytes";
	}
	return NULL;
}

/* ---- numbers --------------------------------------------------------------------- */

static const char *reckon(const struct at *at)
{
	bool dst = dst_is(at), src = src_is(at);

	if (at->row->width == 64 && (at->row->kind == KIND_ALU_ADD ? !(dst && src) :
				     at->row->kind == KIND_ALU_SUB && dst))
		return NULL;
	return dst || src ? "reckons with an address" : NULL;
}

/* A copy, the whole or not. */
static const char *copy(const struct at *at)
{
	if (at->row->kind == KIND_MOV && at->row->width == 64)
		return NULL;
	return src_is(at) ? "takes a part of an address" : NULL;
}

static const char *swap(const struct at *at)
{
	return dst_is(at) ? "swaps an address" : NULL;
}

static const char *compare(const struct at *at)
{
	bool equality = at->row->kind == KIND_JMP_JEQ || at->row->kind == KIND_JMP_JNE;
	bool x = BPF_SRC(at->in->code) == BPF_X, dst = dst_is(at), src = src_is(at);
	u64 a = at->step->regs[at->in->dst_reg];
	u64 b = x ? at->step->regs[at->in->src_reg] : (u64)(s64)at->in->imm;

	if (!dst && !src)
		return NULL;
	if (at->row->width == 64 && equality && (!a || !b))
		return NULL;
	if (at->row->width == 64 && dst && src &&
	    (vm_where(at->m, a).kind == VM_PACKET || vm_where(at->m, b).kind == VM_PACKET))
		return NULL;
	return "compares an address with a number, or with another";
}

static const char *look(const struct at *at)
{
	switch ((enum isa_kind)at->row->kind) {
	case KIND_ALU_ADD ... KIND_ALU_ARSH:
		return reckon(at);
	case KIND_NEG:
	case KIND_LE ... KIND_BSWAP:
		return swap(at);
	case KIND_MOV ... KIND_MOVSX32:
		return copy(at);
	case KIND_JMP_JEQ ... KIND_JMP_JSLE:
		return compare(at);
	case KIND_CALL:
		return call(at);
	case KIND_LDX:
	case KIND_LDXSX:
		return load(at);
	case KIND_ST ... KIND_ATOMIC_CMPXCHG:
	case KIND_ATOMIC_STREL:
		return store(at);
	case KIND_EXIT:
		return !at->step->frame && is_address(at, at->step->regs[0]) ?
		       "returns an address" : NULL;
	default:
		return NULL;
	}
}

static bool look_step(void *arg, struct vm_machine *m, const struct vm_step *step)
{
	struct look *l = arg;
	const struct bpf_insn *in = &l->p->v[step->insn];
	const struct at at = { l, m, step, in, &isa_rows[isa_op(in)] };

	l->what = look(&at);
	l->insn = step->insn;
	return !l->what;
}

bool world_looks_at_addresses(struct world *w, const struct diff_prog *p,
			      const struct diff_packet *pkt, char *text, size_t n)
{
	struct look l = { .w = w, .p = p };
	static struct seen ignored;

	vm_step_set(w->machine, look_step, &l);
	world_run_checked(w, p, pkt, &ignored);
	vm_step_set(w->machine, NULL, NULL);
	if (l.what)
		snprintf(text, n, "insn %u %s", l.insn, l.what);
	return l.what;
}

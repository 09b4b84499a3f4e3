/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code.c: from checked raw instructions to decoded code: labels for dispatch,
 * addresses for symbolic references, bodies for helper calls.
 */
#include "model/rewrite.h"
#include "vm/machine.h"
#include <stdio.h>
#include <stdlib.h>

struct decode {
	struct vm_code *code;
	const char *where;
	struct skep_err *err;
	const void *const *labels;	/* of the mode's operations */
};

/* Slot AT is operation OP. */
static void set_op(struct decode *d, u32 at, unsigned op)
{
	struct vm_code *c = d->code;

	c->insns[at].label = d->labels[op];
	if (c->ops)
		c->ops[at] = (u8)op;
}

static int decode_err(struct decode *d, u32 at, const char *what)
{
	char where[256];

	snprintf(where, sizeof(where), "%s:%u", d->where, at);
	return err_set(d->err, ERR_UNSUPPORTED, where, "%s", what);
}

/* Slot AT calls what the last entry of calls[] says. */
static void set_call(struct decode *d, u32 at)
{
	struct vm_code *c = d->code;
	const struct vm_call *call = &c->calls[c->nr_calls];
	unsigned op = OP_CALL;

	c->insns[at].imm = (s32)c->nr_calls++;
	if (c->mode == VM_FAST && call->id == BPF_FUNC_tail_call && !call->ext)
		op = VM_OP_TAIL_CALL;
	else if (c->mode == VM_FAST && !call->fn)
		op = VM_OP_NO_BODY;
	else if (c->mode == VM_FAST && vm_keeps_account(call->row))
		op = VM_OP_CALL_KEEPS;
	set_op(d, at, op);
}

/* A call of helper ID. */
static int decode_call(struct decode *d, u32 at, u32 id)
{
	struct vm_code *c = d->code;
	struct vm_call *call = &c->calls[c->nr_calls];

	call->id = id;
	call->row = helper_row(id);
	call->fn = call->row && c->bind.helper ? c->bind.helper(id, c->bind.prog_type) : NULL;
	if (c->bind.tape)
		call->fn = c->bind.instead(c->bind.tape, id, call->fn);
	set_call(d, at);
	return 0;
}

/* The body that extern INDEX has, a function of the kernel; NULL = none. */
static helper_fn extern_body(const struct vm_bind *b, u32 index)
{
	const struct image_extern *e = index < b->nr_externs ? &b->externs[index] : NULL;

	return e && e->kind == IMAGE_KFUNC && b->kfunc ? b->kfunc(e->name, b->prog_type) :
		NULL;
}

static int decode_kfunc(struct decode *d, u32 at, u32 index, helper_fn fn)
{
	struct vm_call *call = &d->code->calls[d->code->nr_calls];

	call->fn = fn;
	call->row = kfunc_row(d->code->bind.externs[index].name);
	call->id = call->row->id;
	set_call(d, at);
	return 0;
}

/* What only a kernel has: a fault when it is reached. */
static int decode_extern(struct decode *d, u32 at, u32 index)
{
	struct vm_code *c = d->code;

	if (index >= c->bind.nr_externs)
		return decode_err(d, at, "reference to a kernel symbol that does not exist");
	c->calls[c->nr_calls].ext = &c->bind.externs[index];
	set_call(d, at);
	if (c->bind.insns[at].code != (BPF_JMP | BPF_CALL))
		c->no_native = "a variable of the kernel that is not there";
	return 0;
}

static int decode_lddw(struct decode *d, u32 at, enum isa_op op, u64 *imm)
{
	const struct vm_bind *b = &d->code->bind;
	const struct bpf_insn *insn = &b->insns[at];
	u32 idx = (u32)insn->imm;

	switch (op) {
	case OP_LDDW_BTF_ID:
		return 0;
	case OP_LDDW:
		*imm = idx | (u64)(u32)insn[1].imm << 32;
		return 0;
	case OP_LDDW_MAP_IDX:
	case OP_LDDW_IDX_VAL:
		if (idx >= b->nr_maps)
			return decode_err(d, at, "reference to a map that does not exist");
		*imm = op == OP_LDDW_MAP_IDX ? (u64)b->maps[idx].map :
		       (u64)b->maps[idx].mem.base + (u32)insn[1].imm;
		return 0;
	case OP_LDDW_FUNC:
		if ((s64)at + 1 + insn->imm < 0 || (s64)at + 1 + insn->imm >= b->nr_insns)
			return decode_err(d, at, "reference to a function outside the program");
		*imm = (u64)&d->code->insns[(s64)at + 1 + insn->imm];
		return 0;
	default:
		return decode_err(d, at, "reference to a map by file descriptor");
	}
}

static bool is_weak(const struct vm_bind *b, u32 index)
{
	return index < b->nr_externs && b->externs[index].weak;
}

/* What only rewritten programs have: its operation, or OP_MAX. */
static unsigned extra_op(const struct decode *d, const struct bpf_insn *in)
{
	static const u8 probes[] = { VM_OP_PROBE32, VM_OP_PROBE16, VM_OP_PROBE8, VM_OP_PROBE64 };
	static const u8 signed_probes[] = { VM_OP_PROBESX32, VM_OP_PROBESX16, VM_OP_PROBESX8 };
	unsigned size = in->code >> 3 & 3;
	bool sign;

	if (d->code->mode != VM_FAST)
		return OP_MAX;
	if (in->code == REWRITE_TRAP)
		return VM_OP_TRAP;
	if (in->code == REWRITE_ARENA)
		return VM_OP_ARENA;
	if (!rewrite_is_probe(in, &sign))
		return OP_MAX;
	return sign ? signed_probes[size] : probes[size];
}

static int decode_insn(struct decode *d, u32 at)
{
	const struct bpf_insn *in = &d->code->bind.insns[at];
	struct vm_insn *out = &d->code->insns[at];
	unsigned extra = extra_op(d, in);
	enum isa_op op = isa_op(in);
	helper_fn body;
	u64 imm = 0;
	int r;

	*out = (struct vm_insn){ NULL, in->dst_reg, in->src_reg, in->off, in->imm };
	set_op(d, at, extra != OP_MAX ? extra : (unsigned)op);
	if (extra != OP_MAX)
		return 0;
	switch (isa_rows[op].kind) {
	case KIND_LDDW:
		body = op == OP_LDDW_BTF_ID ? extern_body(&d->code->bind, (u32)in->imm) : NULL;
		/* a weak one that is missing is 0 */
		if (op == OP_LDDW_BTF_ID && !body && !is_weak(&d->code->bind, (u32)in->imm))
			return decode_extern(d, at, (u32)in->imm);
		r = decode_lddw(d, at, op, &imm);
		if (body)
			imm = (u64)(uintptr_t)body;	/* it exists */
		if (r)
			return r;
		out->imm = (s32)imm;
		out[1].imm = (s32)(imm >> 32);
		set_op(d, at + 1, OP_MAX);
		return 0;
	case KIND_CALL:
		return decode_call(d, at, (u32)in->imm);
	case KIND_LD_ABS:
	case KIND_LD_IND:
		out->off = (s16)op;	/* for vm_ld_packet; the field is unused */
		return 0;
	case KIND_CALL_KFUNC:
		body = extern_body(&d->code->bind, (u32)in->imm);
		if (body)
			return decode_kfunc(d, at, (u32)in->imm, body);
		return decode_extern(d, at, (u32)in->imm);
	case KIND_CALL_REG:
		return decode_err(d, at, "call through a register (callx)");
	case KIND_AS_CAST:
		return d->code->pages ? 0 :
		       decode_err(d, at, "address-space cast without an arena");
	default:
		return 0;
	}
}

static int by_address(const void *a, const void *b)
{
	const struct vm_map *const *x = a, *const *y = b;

	return (*x)->mem.base < (*y)->mem.base ? -1 : (*x)->mem.base > (*y)->mem.base;
}

static void sort_maps(struct vm_code *c)
{
	c->sorted = arena_news(&c->arena, c->bind.nr_maps, const struct vm_map *);
	for (u32 i = 0; i < c->bind.nr_maps; i++)
		if (c->bind.maps[i].mem.nr && c->bind.maps[i].mem.stride)
			c->sorted[c->nr_sorted++] = &c->bind.maps[i];
	qsort(c->sorted, c->nr_sorted, sizeof(*c->sorted), by_address);
}

/* An upper bound for calls[]. */
static u32 count_calls(const struct vm_bind *b)
{
	u32 n = 0;

	for (u32 i = 0; i < b->nr_insns; i++)
		n += b->insns[i].code == (BPF_JMP | BPF_CALL) || isa_op(&b->insns[i]) ==
			OP_LDDW_BTF_ID;
	return n;
}

static int decode_all(struct decode *d)
{
	struct vm_code *c = d->code;

	d->labels = c->mode == VM_FAST ? vm_fast_labels(c->bind.noted) : vm_checked_labels();
	c->insns = arena_news(&c->arena, c->nr_insns + 1, struct vm_insn);
	c->calls = arena_news(&c->arena, count_calls(&c->bind), struct vm_call);
	for (u32 i = 0; i < c->bind.nr_maps; i++)
		if (c->bind.maps[i].window)
			c->pages = &c->bind.maps[i];
	if (c->mode == VM_CHECKED)
		c->ops = arena_alloc(&c->arena, c->nr_insns + 1);
	set_op(d, c->nr_insns, OP_MAX);
	for (u32 i = 0; i < c->nr_insns; i += isa_slots(&c->bind.insns[i])) {
		int r = decode_insn(d, i);

		if (r)
			return r;
		if (c->ops && isa_slots(&c->bind.insns[i]) == 2)
			c->ops[i + 1] = OP_MAX;	/* no instruction of its own */
	}
	sort_maps(c);
	return 0;
}

int vm_code_new(struct vm_code **out, const struct vm_bind *bind,
		enum vm_mode mode, const char *where, struct skep_err *err)
{
	struct vm_code *c = mem_alloc(sizeof(*c));
	struct decode d = { .code = c, .where = where, .err = err };
	int r;

	c->bind = *bind;
	c->mode = mode;
	c->nr_insns = bind->nr_insns;
	r = decode_all(&d);
	if (r)
		vm_code_free(c);
	else
		*out = c;
	return r;
}

void vm_code_free(struct vm_code *code)
{
	if (!code)
		return;
	arena_free(&code->arena);
	free(code);
}

bool vm_code_holds(const struct vm_code *code, u64 func)
{
	return func - (u64)code->insns < code->nr_insns * sizeof(struct vm_insn) ||
	       func - code->native.start < code->native.bytes;
}

const void *vm_code_user(const struct vm_code *code)
{
	return code->bind.user;
}

bool vm_code_noted(const struct vm_code *code)
{
	return code->bind.noted;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* contain.c: see contain.h. */
#include "diff/contain.h"
#include "vm/machine.h"
#include <inttypes.h>
#include <stdio.h>

/* A run at one instruction. */
struct at {
	struct contain *c;
	struct vm_machine *m;
	const struct vm_step *step;
};

/* ---- what is wrong ------------------------------------------------------- */

/* WHERE holds VALUE, which F excludes. */
static bool wrong(const struct at *at, const char *where, unsigned n, u64 value,
		  const struct fact_reg *f, const char *why)
{
	struct strbuf text = { 0 };

	fact_text(&text, f);
	if (f->kind == FACT_NUMBER) {
		sb_puts(&text, ", ");
		scalar_log(&text, &f->val, 0, NULL);
	}
	snprintf(at->c->what, sizeof(at->c->what), "%s%u is 0x%" PRIx64 " (%" PRId64
		 "); known: %s: %s", where, n, value, (s64)value, sb_text(&text), why);
	at->c->insn = at->step->insn;
	sb_free(&text);
	return false;
}

/* ---- pointers ------------------------------------------------------------ */

/* What keeps a pointer from being what F says; NULL: nothing. OFF is its offset. */
static const char *offset_in(const struct fact_reg *f, u64 off)
{
	return scalar_has(&f->val, off) ? NULL : "the offset";
}

static const char *stack_in(const struct at *at, const struct fact_reg *f, u64 v)
{
	u64 top = (u64)vm_frame_top(at->m, at->m->depth) + (u64)f->up * VM_STACK_BYTES;

	return f->up > at->m->depth ? "the frame" : offset_in(f, v - top);
}

static const char *packet_in(const struct at *at, const struct fact_reg *f, u64 v)
{
	const struct packet_buf *p = &at->m->run->pkt;
	u64 from = f->kind == FACT_PACKET ? (u64)p->data : (u64)p->data_meta;
	u64 end = f->kind == FACT_PACKET ? (u64)p->data_end : (u64)p->data;
	const char *bad = offset_in(f, v - from);

	if (bad || !f->bytes)
		return bad;
	return v <= end && end - v >= f->bytes ? NULL : "the bytes behind";
}

/* One of the map's values is an offset before V that F allows. */
static const char *value_in(const struct at *at, const struct fact_reg *f, u64 v)
{
	const struct map_mem *mem = &at->c->world->vm[f->map].mem;
	__int128 off = (s64)(v - (u64)mem->base), stride = mem->stride, last = (s64)mem->nr - 1;
	__int128 from, to;

	if (f->flags & FACT_INNER)
		return NULL;
	from = (off - f->val.smax) / stride - 1;
	to = (off - f->val.smin) / stride + 1;
	from = from < 0 ? 0 : from;
	to = to > last ? last : to;
	for (__int128 i = from; i <= to; i++)
		if (scalar_has(&f->val, (u64)(off - i * stride)))
			return NULL;
	return "the offset in the value";
}

/* Memory with a beginning: V less its offset. */
static const char *memory_in(const struct at *at, const struct fact_reg *f, u64 v)
{
	struct vm_where w;
	u64 from;

	if (!scalar_is_const(&f->val) || !f->bytes)
		return NULL;
	from = v - scalar_value(&f->val);
	w = vm_where(at->m, from);
	if (w.kind == VM_NOWHERE)
		return "there is no memory";
	if (f->kind == FACT_RECORD &&
	    (w.kind != VM_LENT || w.region->kind != LENT_RECORD || w.start != from))
		return "there is no record";
	if (f->kind == FACT_SLICE && w.kind != VM_PACKET)
		return "it is not in the packet";
	return w.start + w.bytes - from >= f->bytes ? NULL : "the bytes of the memory";
}

static const char *exists(const struct at *at, const struct fact_reg *f, u64 v)
{
	if (f->flags & FACT_FAULTS || !scalar_is_const(&f->val))
		return NULL;
	return vm_where(at->m, v - scalar_value(&f->val)).kind == VM_NOWHERE ?
	       "there is nothing" : NULL;
}

static const char *pointer_in(const struct at *at, const struct fact_reg *f, u64 v)
{
	const struct run *run = at->m->run;

	if (!v && f->flags & FACT_OR_NULL)
		return NULL;
	switch ((enum fact_kind)f->kind) {
	case FACT_CTX:
		return offset_in(f, v - at->m->ctx);
	case FACT_STACK:
		return stack_in(at, f, v);
	case FACT_PACKET:
	case FACT_PACKET_META:
		return packet_in(at, f, v);
	case FACT_PACKET_END:
		return v == (u64)run->pkt.data_end ? NULL : "the end of the packet";
	case FACT_MAP:
		return f->flags & FACT_INNER || v == (u64)at->c->world->maps[f->map] ? NULL :
		       "the map";
	case FACT_MAP_VALUE:
		return value_in(at, f, v);
	case FACT_MAP_KEY:
		return run->key ? offset_in(f, v - (u64)run->key) : "there is no key";
	case FACT_MEM:
	case FACT_RECORD:
	case FACT_SLICE:
	case FACT_BUF:
		return memory_in(at, f, v);
	case FACT_FLOW_KEYS:
		return offset_in(f, v - (u64)run->flow.keys);
	case FACT_SOCK:
	case FACT_SOCK_COMMON:
	case FACT_TCP_SOCK:
	case FACT_XDP_SOCK:
		return exists(at, f, v);
	case FACT_FUNC:
		return v == (u64)&at->step->code->insns[f->bytes] ? NULL : "the function";
	default:
		return v || f->flags & FACT_FAULTS ? NULL : "NULL";
	}
}

static bool value_ok(const struct at *at, const char *where, unsigned n, u64 v,
		     const struct fact_reg *f)
{
	const char *why;

	if (f->kind == FACT_UNKNOWN)
		return true;
	at->c->narrow += !scalar_is_unknown(&f->val);
	if (f->kind == FACT_NUMBER) {
		at->c->numbers++;
		return scalar_has(&f->val, v) || wrong(at, where, n, v, f, "the number");
	}
	at->c->pointers++;
	why = pointer_in(at, f, v);
	return !why || wrong(at, where, n, v, f, why);
}

/* ---- the stack ----------------------------------------------------------- */

static bool slot_ok(const struct at *at, unsigned n)
{
	const struct fact_slot *s = facts_slot(at->c->facts, at->step->insn, n);
	const u8 *mem = vm_frame_top(at->m, at->m->depth) - 8 * (n + 1);
	static const struct fact_reg zero = { .kind = FACT_NUMBER };
	u64 v = 0;
	u32 bytes = 0;

	at->c->slots++;
	for (; bytes < FACT_SLOT_BYTES && s->byte[bytes] == FACT_BYTE_PART; bytes++)
		v |= (u64)mem[bytes] << 8 * bytes;
	if (bytes && !value_ok(at, "slot ", n, v, s->reg))
		return false;
	for (u32 i = bytes; i < FACT_SLOT_BYTES; i++)
		if (s->byte[i] == FACT_BYTE_ZERO && mem[i])
			return wrong(at, "a byte of slot ", n, mem[i], &zero, "not zero");
	return true;
}

/* ---- accesses ------------------------------------------------------------ */

#define K(kind) (1u << FACT_##kind)

/* Kinds of pointers that may lead into memory of a kind. */
static u32 kinds_into(enum vm_where_kind kind)
{
	const u32 any = K(MEM), object = K(SOCK) | K(SOCK_COMMON) | K(TCP_SOCK) | K(XDP_SOCK) |
		K(BTF);

	switch (kind) {
	case VM_CTX:
		return K(CTX);
	case VM_STACK:
		return K(STACK) | any;
	case VM_PACKET:
		return K(PACKET) | K(SLICE) | any;
	case VM_PACKET_META:
		return K(PACKET_META) | any;
	case VM_MAP:
		return K(MAP_VALUE) | any;
	case VM_KEY:
		return K(MAP_KEY) | any;
	case VM_LENT:
		return K(RECORD) | any | object;
	case VM_HELD:
		return object | any;
	default:
		return 0;
	}
}

/* Where the instruction loads or stores; 0: nowhere. */
static u64 accessed(const struct at *at)
{
	const struct bpf_insn *in = &at->c->insns[at->step->insn];
	const u64 *r = at->step->regs;

	switch (isa_rows[isa_op(in)].kind) {
	case KIND_LDX:
	case KIND_LDXSX:
	case KIND_ATOMIC_LDACQ:
		return r[in->src_reg] + (u64)(s64)in->off;
	case KIND_ST:
	case KIND_STX:
	case KIND_ATOMIC_ADD ... KIND_ATOMIC_CMPXCHG:
	case KIND_ATOMIC_STREL:
		return r[in->dst_reg] + (u64)(s64)in->off;
	default:
		return 0;
	}
}

static bool access_ok_at(const struct at *at)
{
	struct fact_access a = facts_access(at->c->facts, at->step->insn);
	struct fact_reg f = { .kind = (u8)fact_one_kind(&a), .flags = a.flags, .map = a.map };
	u64 addr = accessed(at);
	struct vm_where w;

	if (!addr)
		return true;
	at->c->accesses++;
	w = vm_where(at->m, addr);
	if (w.kind == VM_NOWHERE && (a.flags & FACT_FAULTS || a.kinds & K(FLOW_KEYS)))
		return true;
	if (!(a.kinds & kinds_into(w.kind)))
		return wrong(at, "access ", (unsigned)w.kind, addr, &f, "another kind of memory");
	if (w.kind == VM_MAP && a.kinds == K(MAP_VALUE) && a.map != FACT_NO_MAP &&
	    !(a.flags & FACT_INNER) && w.map->map != at->c->world->maps[a.map])
		return wrong(at, "access ", a.map, addr, &f, "another map");
	return true;
}

static bool call_ok(const struct at *at)
{
	const struct bpf_insn *in = &at->c->insns[at->step->insn];
	u8 kind = isa_rows[isa_op(in)].kind;
	unsigned flags;

	for (unsigned r = 1; r <= 5 && (kind == KIND_CALL || kind == KIND_CALL_KFUNC); r++) {
		u32 map = facts_call_map(at->c->facts, at->step->insn, r, &flags);
		struct fact_reg f = { .kind = FACT_MAP, .map = map };

		if (map != FACT_NO_MAP && !flags &&
		    at->step->regs[r] != (u64)at->c->world->maps[map])
			return wrong(at, "argument ", r, at->step->regs[r], &f, "another map");
	}
	return true;
}

/* ---- the step ------------------------------------------------------------ */

static bool reached_ok(const struct at *at)
{
	static const struct fact_reg none = { .map = FACT_NO_MAP };

	if (facts_reached(at->c->facts, at->step->insn))
		return true;
	return wrong(at, "instruction ", at->step->insn, 0, &none, "it is never reached");
}

bool contain_step(void *arg, struct vm_machine *m, const struct vm_step *step)
{
	struct contain *c = arg;
	const struct at at = { c, m, step };
	unsigned n;

	if (step->insn >= c->nr_insns || !reached_ok(&at) || !access_ok_at(&at) || !call_ok(&at))
		return false;
	c->steps++;
	for (unsigned r = 0; r <= 10; r++)
		if (!value_ok(&at, "r", r, step->regs[r], facts_reg(c->facts, step->insn, r)))
			return false;
	n = facts_slots(c->facts, step->insn);
	for (unsigned i = 0; i < n; i++)
		if (!slot_ok(&at, i))
			return false;
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c: loads, stores and atomics: alignment, then by the kind of memory what
 * may be touched (regions.c), then what a load gives.
 */
#include "verify/state.h"
#include "verify/mem.h"

/* ---- alignment ----------------------------------------------------------- */

static const char *const align_names[REG_TYPES] = {
	[REG_CTX] = "context ", [REG_STACK] = "stack ", [REG_PACKET] = "packet ",
	[REG_PACKET_META] = "packet ", [REG_MAP_VALUE] = "value ",
	[REG_MAP_KEY] = "key ", [REG_FLOW_KEYS] = "flow keys ",
	[REG_SOCKET] = "sock ", [REG_SOCK_COMMON] = "sock_common ",
	[REG_TCP_SOCK] = "tcp_sock ", [REG_XDP_SOCK] = "xdp_sock ",
};

/* Stack and context are always aligned, the rest where asked for. */
static bool must_align(const struct verifier *v, const struct reg *r)
{
	return r->type == REG_STACK || (v->opts->flags & VERIFY_STRICT_ALIGN);
}

static bool check_align(struct verifier *v, const struct access *a, const struct reg *r)
{
	struct tnum at = tnum_add(r->val.bits, tnum_const((u64)(s64)r->off + (u64)(s64)a->off));
	struct why why = { .reg = a->reg, .ptr = r, .off = a->off, .size = a->size,
			   .a = r->off, .b = a->off, .t = align_names[r->type] };

	if (a->size <= 1 || r->type == REG_ARENA || (a->is_helper && !a->aligned) ||
	    (!a->aligned && !must_align(v, r)))
		return true;
	if (reg_is_packet(r))	/* the Ethernet header begins 2 bytes off */
		at = tnum_add(at, tnum_const(2)), why.s = "2+";
	why.t = why.t ? why.t : "";
	if (!((at.value | at.mask) & (a->size - 1)))
		return true;
	reject(v, REJECT_ALIGN, a->insn, &why);
	return false;
}

/* ---- ranges -------------------------------------------------------------- */

/* The constant part OFF with SIZE bytes, within LIMIT? */
static bool inside(s64 off, u64 size, u64 limit)
{
	return (u64)off <= limit && size <= limit - (u64)off;
}

static enum reject_id range_id(const struct reg *r)
{
	switch (r->type) {
	case REG_MAP_VALUE:
	case REG_MAP_KEY:
		return REJECT_MAP_VALUE;
	case REG_PACKET:
	case REG_PACKET_META:
		return REJECT_PACKET;
	default:
		return REJECT_MEM;
	}
}

static int bad_range(struct verifier *v, const struct access *a, const struct reg *r,
		     enum reject_id id, s64 off, u64 limit)
{
	return reject(v, id, a->insn, &(struct why){ .reg = a->reg, .ptr = r,
		      .off = off, .size = a->size, .a = (s64)limit }), -EACCES;
}

int check_range(struct verifier *v, const struct access *a, const struct reg *r,
		u64 limit, bool zero_ok)
{
	s64 off = (s64)a->off + r->off;
	bool fixed = scalar_is_const(&r->val);
	s64 var = fixed ? (s64)scalar_value(&r->val) : 0;

	if (!a->size && zero_ok)
		return 0;
	if (fixed)
		return inside(off + var, a->size, limit) ? 0 :
			bad_range(v, a, r, range_id(r), off + var, limit);
	if (r->val.smin < 0 && r->val.smin + off < 0)
		return bad_range(v, a, r, REJECT_NEGATIVE, off, limit);
	if (!inside(off + r->val.smin, a->size, limit))
		return bad_range(v, a, r, REJECT_RANGE_MIN, off + r->val.smin, limit);
	if (r->val.umax >= MAX_VAR_OFF)
		return bad_range(v, a, r, REJECT_UNBOUNDED, off, limit);
	if (!inside(off + (s64)r->val.umax, a->size, limit))
		return bad_range(v, a, r, REJECT_RANGE_MAX, off + (s64)r->val.umax, limit);
	return 0;
}

/* ---- one kind of pointer for each instruction ---------------------------- */

/* The kernel rewrites accesses through these by what they lead to. */
static bool is_rewritten(const struct reg *r)
{
	switch (r->type) {
	case REG_CTX:
	case REG_SOCKET:
	case REG_SOCK_COMMON:
	case REG_TCP_SOCK:
	case REG_XDP_SOCK:
	case REG_ARENA:
	case REG_BTF:
		return true;
	default:
		return false;
	}
}

static void check_same_kind(struct verifier *v, const struct access *a, const struct reg *r)
{
	struct point *p = &v->points[a->insn];
	bool rewritten = is_rewritten(r);

	if (a->is_helper)
		return;
	facts_note_access(v, &p->access, r);
	if (!p->through)
		p->through = r->type;
	else if (p->through != r->type && (rewritten || p->rewritten))
		reject(v, REJECT_PTR_MIX, a->insn, NULL);
	p->rewritten |= rewritten;
}

/* ---- the access ---------------------------------------------------------- */

/* What a load of memory of numbers gives. */
void mem_unknown(struct verifier *v, const struct access *a, struct reg *value)
{
	if (value)
		reg_set_scalar(v, value, scalar_load(a->size, a->sign));
}

/* Memory that holds numbers must not get pointers, where that matters. */
void check_leak(struct verifier *v, struct state *s, const struct access *a,
		const char *where)
{
	const struct reg *r;

	if (!(a->kind & ACCESS_WRITE) || a->store < 0)
		return;
	r = state_reg(s, (unsigned)a->store);
	if (!reg_is_ptr(r) || r->type == REG_ARENA)
		return;
	reject_or_warn(v, REJECT_PTR_LEAK, a->insn, &(struct why){
		.reg = (u32)a->store, .ptr = r, .s = where });
}

void mem_access(struct verifier *v, struct state *s, const struct access *a,
		struct reg *value)
{
	struct reg ptr = *state_reg(s, a->reg);

	check_same_kind(v, a, &ptr);
	if (!check_align(v, a, &ptr) || !region_access(v, s, a, &ptr, value))
		mem_unknown(v, a, value);
}

/* ---- instructions -------------------------------------------------------- */

void step_load(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	const struct isa_row *row = &isa_rows[v->points[at].op];
	struct access a = { .insn = at, .reg = insn->src_reg, .off = insn->off,
			    .size = row->width / 8u, .kind = ACCESS_READ, .store = -1,
			    .sign = row->kind == KIND_LDXSX };
	struct reg value;

	check_readable(v, s, at, insn->src_reg);
	if (insn->dst_reg == REG_FP)
		reject(v, REJECT_FP_WRITE, at, &(struct why){ .reg = REG_FP });
	mem_access(v, s, &a, &value);
	*state_reg(s, insn->dst_reg) = value;
}

void step_store(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	const struct isa_row *row = &isa_rows[v->points[at].op];
	struct access a = { .insn = at, .reg = insn->dst_reg, .off = insn->off,
			    .size = row->width / 8u, .kind = ACCESS_WRITE, .store = -1 };

	check_readable(v, s, at, insn->dst_reg);
	if (row->kind == KIND_STX) {
		check_readable(v, s, at, insn->src_reg);
		a.store = insn->src_reg;
	} else {
		a.has_imm = true;
		a.imm = insn->imm;
	}
	mem_access(v, s, &a, NULL);
}

/* ---- atomics ------------------------------------------------------------- */

static bool is_logic_fetch(unsigned kind)
{
	return kind == KIND_ATOMIC_FAND || kind == KIND_ATOMIC_FOR || kind == KIND_ATOMIC_FXOR;
}

static void check_atomic(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	unsigned kind = isa_rows[v->points[at].op].kind;
	unsigned base = kind == KIND_ATOMIC_LDACQ ? insn->src_reg : insn->dst_reg;
	const struct reg *r = state_reg(s, base);
	struct why why = { .reg = base, .ptr = r,
			   .s = kind == KIND_ATOMIC_LDACQ ? "loads" : "stores" };

	switch (r->type) {
	case REG_ARENA:	/* what kernels' compilers for x86 do not have there, as of 6.18 */
		if (v->opts->policy == POLICY_KERNEL && is_logic_fetch(kind))
			reject(v, REJECT_ATOMIC, at, &why);
		return;
	case REG_CTX:
	case REG_PACKET:
	case REG_PACKET_META:
	case REG_FLOW_KEYS:
	case REG_SOCKET:
	case REG_SOCK_COMMON:
	case REG_TCP_SOCK:
	case REG_XDP_SOCK:
		reject(v, REJECT_ATOMIC, at, &why);
	}
}

static void load_acquire(struct verifier *v, struct state *s, u32 at, u32 size)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct access a = { .insn = at, .reg = insn->src_reg, .off = insn->off,
			    .size = size, .kind = ACCESS_READ, .store = -1, .aligned = true };
	struct reg value;

	if (insn->dst_reg == REG_FP)
		reject(v, REJECT_FP_WRITE, at, &(struct why){ .reg = REG_FP });
	mem_access(v, s, &a, &value);
	*state_reg(s, insn->dst_reg) = value;
}

/* The number that an atomic puts into a register, and where. */
static int fetches(const struct bpf_insn *insn, unsigned kind)
{
	if (kind == KIND_ATOMIC_CMPXCHG)
		return 0;
	return insn->imm & BPF_FETCH ? insn->src_reg : -1;
}

static void check_operand(struct verifier *v, struct state *s, u32 at, unsigned r)
{
	check_readable(v, s, at, r);
	if (reg_is_ptr(state_reg(s, r)) && !v->privileged)
		reject(v, REJECT_PTR_LEAK, at, &(struct why){ .reg = r,
		       .ptr = state_reg(s, r), .s = "mem" });
}

/* The stack is read as helpers read it: at a known offset. */
static void check_atomic_place(struct verifier *v, const struct state *s,
			       const struct access *a)
{
	const struct reg *r = state_reg(s, a->reg);

	if (r->type == REG_STACK && !scalar_is_const(&r->val))
		reject(v, REJECT_STACK_VAR_ATOMIC, a->insn, &(struct why){
			.reg = a->reg, .ptr = r, .off = (s64)a->off + r->off, .size = a->size });
}

void step_atomic(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	const struct isa_row *row = &isa_rows[v->points[at].op];
	struct access a = { .insn = at, .reg = insn->dst_reg, .off = insn->off,
			    .size = row->width / 8u, .kind = ACCESS_READ, .store = -1,
			    .aligned = true };
	struct reg old;
	int fetch = fetches(insn, row->kind);

	if (row->kind != KIND_ATOMIC_LDACQ)	/* it writes dst only */
		check_readable(v, s, at, insn->dst_reg);
	check_readable(v, s, at, insn->src_reg);
	check_atomic(v, s, at);
	if (row->kind == KIND_ATOMIC_LDACQ) {
		load_acquire(v, s, at, a.size);
		return;
	}
	if (row->kind == KIND_ATOMIC_STREL) {
		a.kind = ACCESS_WRITE;
		a.store = insn->src_reg;
		mem_access(v, s, &a, NULL);
		return;
	}
	check_operand(v, s, at, insn->src_reg);
	if (row->kind == KIND_ATOMIC_CMPXCHG)
		check_operand(v, s, at, 0);
	check_atomic_place(v, s, &a);
	mem_access(v, s, &a, &old);
	if (reg_may_be_ptr(&old) && !v->privileged)
		reject(v, REJECT_CORRUPT, at, NULL);
	a.kind = ACCESS_WRITE;
	mem_access(v, s, &a, NULL);
	if (fetch < 0)
		return;
	if (fetch == REG_FP)
		reject(v, REJECT_FP_WRITE, at, &(struct why){ .reg = REG_FP });
	*state_reg(s, (unsigned)fetch) = old;
}

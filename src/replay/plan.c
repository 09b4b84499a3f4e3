/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plan.c: which instructions of a program must tell what they saw, so that its runs can be
 * computed again; see kernel.h. In: an accepted program with facts. Says no to what it is not
 * sure of, by name.
 */
#include "isa/isa.h"
#include "replay/kernel.h"

/* ---- calls ------------------------------------------------------------------- */

/* Who calls back before it returns. */
static const struct { u32 id; u8 func_reg, ctx_reg, cb_args; } callers[] = {
	{ BPF_FUNC_for_each_map_elem, 2, 3, 3 },
	{ BPF_FUNC_loop, 2, 3, 1 },
	{ BPF_FUNC_find_vma, 3, 4, 2 },
	{ BPF_FUNC_user_ringbuf_drain, 2, 3, 1 },
};

static bool calls_back(struct plan_call *out, u32 id)
{
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		if (callers[i].id != id)
			continue;
		out->func_reg = callers[i].func_reg;
		out->ctx_reg = callers[i].ctx_reg;
		out->cb_args = callers[i].cb_args;
		return true;
	}
	return false;
}

static void add_out(struct plan_call *c, u32 arg, u8 size_reg, u32 bytes)
{
	c->outs[c->nr_outs++] = (struct plan_out){ (u8)(arg + 1), size_reg, bytes };
}

/* Argument ARG of ROW: is memory written there? NULL, or why that cannot be told. */
static const char *plan_arg(struct plan_call *c, const struct image *img, u32 id,
			    const struct helper_row *row, u32 arg, u32 map)
{
	switch (row->args[arg]) {
	case ARG_MEM_OUT: case ARG_MEM_OUT_OR_NULL: case ARG_MEM_OUT_OPT: case ARG_MEM_INOUT:
	case ARG_MEM_INOUT_OR_NULL:
		add_out(c, arg, (u8)(arg + 2), 0);
		return NULL;
	case ARG_LONG_OUT:
		add_out(c, arg, 0, 8);
		return NULL;
	case ARG_INT_OUT:
		add_out(c, arg, 0, 4);
		return NULL;
	case ARG_VALUE_OUT:
		if (map >= img->nr_maps)
			return "a value of a map that is not one of the program's";
		add_out(c, arg, 0, img->maps[map].value_size);
		return NULL;
	case ARG_FUNC:
		return calls_back(c, id) ? NULL : "a callback that runs later";
	case ARG_OTHER:
		return "an argument that nobody here knows";
	default:
		return NULL;
	}
}

static const char *plan_row(struct plan_call *out, const struct image *img, u32 id,
			    const struct helper_row *row, u32 map)
{
	const char *why = NULL;

	out->has_ret = row->ret != RET_VOID;
	for (u32 i = 0; !why && i < ARRAY_LEN(row->args) && row->args[i] != ARG_NONE; i++)
		why = plan_arg(out, img, id, row, i, map);
	return why;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static const struct btf_type *kfunc_proto(const struct image *img, const struct image_extern *e)
{
	const struct btf_type *func = img->btf ? btf_type(img->btf, e->type_id) : NULL;
	const struct btf_type *proto = func && btf_kind(func) == BTF_KIND_FUNC ?
		btf_type(img->btf, func->type) : NULL;

	return proto && btf_kind(proto) == BTF_KIND_FUNC_PROTO ? proto : NULL;
}

static u32 kfunc_params(const struct image *img, const struct image_extern *e)
{
	const struct btf_type *proto = kfunc_proto(img, e);

	return proto ? (u32)min_u64(btf_vlen(proto), 5) : 5;
}

/* A function of the kernel that no table describes: what it gives, by its type. */
static const char *plan_typed(struct plan_call *out, const struct image *img,
			      const struct image_extern *e)
{
	const struct btf_type *proto = kfunc_proto(img, e);

	if (!proto)
		return "a kernel function without a type";
	if (starts(e->name, "bpf_throw"))
		return "an exception";
	out->has_ret = proto->type != 0;
	return NULL;
}

static const char *plan_kfunc(struct plan_call *out, const struct image *img, u32 index, u32 map)
{
	const struct image_extern *e = index < img->nr_externs ? &img->externs[index] : NULL;
	const struct helper_row *row = e ? kfunc_row(e->name) : NULL;

	if (!e)
		return "a kernel function that is not there";
	return row ? plan_row(out, img, 0, row, map) : plan_typed(out, img, e);
}

const char *plan_call(struct plan_call *out, const struct image *img,
		      const struct image_prog *prog, const struct bpf_insn *in, u32 map)
{
	const struct helper_row *row;

	*out = (struct plan_call){ 0 };
	if (isa_op(in) == OP_CALL_KFUNC)
		return plan_kfunc(out, img, (u32)in->imm, map);
	if (in->imm == BPF_FUNC_tail_call) {
		out->tail = true;
		return NULL;
	}
	row = helper_proto((u32)in->imm, prog->type);
	return row ? plan_row(out, img, (u32)in->imm, row, map) :
		     "a helper that nobody here knows";
}

/* ---- other instructions ------------------------------------------------------ */

s32 plan_loads(const struct bpf_insn *in)
{
	switch (isa_rows[isa_op(in)].kind) {
	case KIND_LDX: case KIND_LDXSX: case KIND_ATOMIC_LDACQ:
		return in->dst_reg;
	case KIND_ATOMIC_CMPXCHG:
		return 0;
	case KIND_ATOMIC_FADD: case KIND_ATOMIC_FAND: case KIND_ATOMIC_FOR:
	case KIND_ATOMIC_FXOR: case KIND_ATOMIC_XCHG:
		return in->src_reg;
	default:
		return -1;
	}
}

struct planner {
	struct plan *out;
	const struct image *img;
	const struct image_prog *prog;
	const struct verify_result *r;
};

static bool is_own(const struct planner *p, const struct fact_access *a)
{
	if (fact_one_kind(a) == FACT_STACK)
		return true;
	return fact_one_kind(a) == FACT_MAP_VALUE && a->map < p->img->nr_maps &&
	       !(a->flags & FACT_INNER) && p->img->maps[a->map].kind == IMAGE_MAP_RODATA;
}

/* The map among the arguments of the call at AT, or FACT_NO_MAP. */
static u32 map_of(const struct planner *p, u32 at)
{
	unsigned flags;
	u32 map = FACT_NO_MAP;

	for (unsigned reg = 1; map == FACT_NO_MAP && reg <= 5; reg++) {
		map = facts_call_map(p->r->facts, at, reg, &flags);
		if (map != FACT_NO_MAP && flags & FACT_INNER)
			return FACT_NO_MAP;
	}
	return map;
}

static struct plan_func *func_at(const struct planner *p, u32 insn)
{
	for (u32 i = 0; i < p->prog->nr_funcs; i++)
		if (p->prog->funcs[i].insn == insn)
			return &p->out->funcs[i];
	return NULL;
}

static bool walks_map(const struct planner *p, u32 at)
{
	const struct bpf_insn *in = &p->prog->insns[at];

	return isa_op(in) == OP_CALL && in->imm == BPF_FUNC_for_each_map_elem;
}

/* What its elements are must be known when a callback stores there. */
static void note_key(const struct planner *p, u32 at, struct plan_func *func)
{
	u32 map = p->out->maps[at], bytes;

	if (!walks_map(p, at))
		return;
	bytes = map < p->img->nr_maps ? p->img->maps[map].key_size : 0;
	func->any_key |= !bytes || (func->callback && func->key_bytes != bytes);
	func->key_bytes = bytes;
}

static const char *note_callback(const struct planner *p, u32 at, const struct plan_call *c)
{
	const struct fact_reg *f = facts_reg(p->r->facts, at, c->func_reg);
	struct plan_func *func = f->kind == FACT_FUNC ? func_at(p, f->bytes) : NULL;

	if (!func)
		return "a callback that is not the same function each time";
	if (func->callback && func->cb_args != c->cb_args)
		return "a callback of two kinds of helpers";
	note_key(p, at, func);
	func->callback = true;
	func->cb_args = c->cb_args;
	return NULL;
}

/* A kernel function may write to memory of the stack that it gets without a table saying so. */
static const char *check_typed(const struct planner *p, u32 at)
{
	const struct image_extern *e = &p->img->externs[p->prog->insns[at].imm];

	u32 n = kfunc_params(p->img, e);

	if (kfunc_row(e->name) || starts(e->name, "bpf_iter_") || starts(e->name, "bpf_dynptr_"))
		return NULL;
	for (unsigned reg = 1; reg <= n; reg++) {
		unsigned kind = facts_reg(p->r->facts, at, reg)->kind;

		if (kind == FACT_STACK || kind == FACT_UNKNOWN)
			return "a kernel function that may write to memory of the stack";
	}
	return NULL;
}

/* Is AT in the program's first function? */
static bool in_main(const struct planner *p, u32 at)
{
	return p->prog->nr_funcs < 2 || at < p->prog->funcs[1].insn;
}

/* LD_ABS and LD_IND, for which the kernel has a helper that says whether it failed: where
 * that counts from the same byte. */
static const char *plan_packet(const struct planner *p, u32 at)
{
	const struct bpf_insn *in = &p->prog->insns[at];
	const struct fact_reg *f = facts_reg(p->r->facts, at, in->src_reg);
	s64 low = in->imm, high = in->imm;

	if (isa_rows[isa_op(in)].kind == KIND_LD_IND) {
		if (f->kind != FACT_NUMBER)
			return "a load of classic BPF at an offset that nobody knows";
		low += f->val.u32_min;
		high += f->val.u32_max;
	}
	if (low < 0 || high > INT32_MAX)
		return "a load of classic BPF whose offset may be negative";
	p->out->saw[at] = SAW_VALUE;
	return NULL;
}

static const char *plan_call_at(const struct planner *p, u32 at)
{
	const struct bpf_insn *in = &p->prog->insns[at];
	struct plan_call c;
	const char *why;

	p->out->maps[at] = map_of(p, at);
	why = plan_call(&c, p->img, p->prog, in, p->out->maps[at]);
	if (!why && c.tail && !in_main(p, at))
		why = "a tail call in a function: the next program would return to its caller";
	if (!why && isa_op(in) == OP_CALL_KFUNC)
		why = check_typed(p, at);
	if (!why && c.func_reg)
		why = note_callback(p, at, &c);
	if (!why && c.nr_outs && !license_is_gpl(p->img->license))
		why = "memory that a helper writes, which only programs under a licence compatible "
		      "with the GPL can read as a whole";
	p->out->saw[at] = SAW_CALL;
	return why;
}

/* NULL, or what the instruction at AT, which is reached, is that cannot be told. */
static const char *plan_insn(const struct planner *p, u32 at)
{
	const struct bpf_insn *in = &p->prog->insns[at];
	const struct fact_access *a = &p->r->insns[at].access;

	switch (isa_rows[isa_op(in)].kind) {
	case KIND_CALL: case KIND_CALL_KFUNC:
		return plan_call_at(p, at);
	case KIND_LD_ABS: case KIND_LD_IND:
		return plan_packet(p, at);
	case KIND_MAY_GOTO:
		p->out->saw[at] = SAW_LOOP;
		return NULL;
	case KIND_AS_CAST:
		return "an arena";
	case KIND_CALL_REG:
		return "a call through a register";
	case KIND_LDDW:
		if (isa_op(in) == OP_LDDW_BTF_ID)
			p->out->saw[at] = SAW_VALUE;
		return NULL;
	default:
		if (a->kinds & 1u << FACT_ARENA)
			return "an arena";
		if (plan_loads(in) >= 0 && !is_own(p, a))
			p->out->saw[at] = SAW_VALUE;
		return NULL;
	}
}

/* ---- functions --------------------------------------------------------------- */

static u8 spare_arg(u16 live)
{
	for (u8 reg = 5; reg; reg--)
		if (!(live & 1u << reg))
			return reg;
	return 0;
}

static void plan_funcs(struct planner *p)
{
	for (u32 i = 0; i < p->prog->nr_funcs; i++) {
		const struct verify_insn *first = &p->r->insns[p->prog->funcs[i].insn];

		p->out->funcs[i] = (struct plan_func){ .start = p->prog->funcs[i].insn,
			.spare = spare_arg(first->live), .depth = first->stack_bytes };
	}
}

/* The function that AT, a local call, is of. */
static const char *check_called(const struct planner *p, u32 at)
{
	s64 delta = 0;
	const struct plan_func *f;

	isa_target(&p->prog->insns[at], &delta);
	f = func_at(p, (u32)(at + 1 + delta));
	if (!f || !f->start)
		return "a call of a function that is none";
	if (f->callback)
		return "a function that is a callback and called, too";
	return NULL;
}

static const char *check_func(const struct planner *p, u32 at)
{
	const struct bpf_insn *in = &p->prog->insns[at];
	const struct plan_func *f;

	if (walks_map(p, at)) {
		f = func_at(p, facts_reg(p->r->facts, at, 2)->bytes);
		p->out->saw[at] |= f && !f->any_key ? SAW_KEY : 0;
	}
	if (isa_op(in) == OP_CALL_LOCAL)
		return check_called(p, at);
	if (isa_op(in) != OP_LDDW_FUNC)
		return NULL;
	f = func_at(p, (u32)((s64)at + 1 + in->imm));
	return f && f->callback ? NULL : "a callback of a function that nobody here knows";
}

static const char *plan_all(struct planner *p)
{
	const char *why = NULL;
	u32 at;

	for (at = 0; !why && at < p->prog->nr_insns; at += isa_slots(&p->prog->insns[at])) {
		p->out->insn = at;
		if (p->r->insns[at].reached)
			why = plan_insn(p, at);
	}
	for (at = 0; !why && at < p->prog->nr_insns; at += isa_slots(&p->prog->insns[at])) {
		p->out->insn = at;
		if (p->r->insns[at].reached)
			why = check_func(p, at);
	}
	return why;
}

void plan_make(struct plan *out, struct arena *arena, const struct image *img,
	       const struct image_prog *prog, const struct verify_result *r)
{
	struct planner p = { out, img, prog, r };

	*out = (struct plan){ .saw = arena_news(arena, prog->nr_insns, u8),
		.maps = arena_news(arena, prog->nr_insns, u32),
		.funcs = arena_news(arena, prog->nr_funcs, struct plan_func) };
	plan_funcs(&p);
	out->refused = plan_all(&p);
	for (u32 i = 0; i < prog->nr_funcs; i++)
		if (out->funcs[i].callback)
			out->saw[out->funcs[i].start] |= SAW_ENTER;
}

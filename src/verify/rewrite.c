/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rewrite.c: see rewrite.h. Two passes over the slots: how many slots each becomes,
 * then the slots themselves with the distances of jumps and calls as they are now.
 */
#include "verify/rewrite.h"
#include "isa/isa.h"
#include "model/run.h"
#include "model/tables.h"

_Static_assert(sizeof(struct run) < INT16_MAX, "offsets of its members fit an instruction");

enum { MEMSX = 0x80 };	/* mode of BPF_LDX that extends the sign: 6.6 */

struct rewriter {
	const struct image *img;
	const struct image_prog *prog;
	const struct verify_insn *facts;
	const struct ctx_desc *ctx;
	u32 *to;		/* [nr_insns + 1] where each slot has gone */
	struct bpf_insn *out;
	u32 *origin;
	u32 n;			/* slots of OUT so far */
	u32 at;			/* of the program */
	bool tail_calls;
	const char *refused;
};

static void put(struct rewriter *w, struct bpf_insn in)
{
	w->origin[w->n] = w->at;
	w->out[w->n++] = in;
}

/* ---- the context --------------------------------------------------------- */

static bool is_store(const struct bpf_insn *in)
{
	return BPF_CLASS(in->code) == BPF_ST || BPF_CLASS(in->code) == BPF_STX;
}

static u32 access_bytes(const struct bpf_insn *in)
{
	return isa_rows[isa_op(in)].width / 8u;
}

static u8 size_code(u32 bytes)
{
	return bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : bytes == 4 ? BPF_W : BPF_DW;
}

/* The field that the access is one of; NULL: the engine has none such. */
static const struct ctx_field *field_of(const struct rewriter *w, const struct bpf_insn *in)
{
	const struct ctx_field *f = w->ctx && in->off >= 0 ?
		ctx_field(w->ctx, (u64)in->off, access_bytes(in)) : NULL;

	return f && f->flags & (is_store(in) ? CTX_WRITE : CTX_READ) ? f : NULL;
}

/* Stores of the view's greatest value or more do nothing. */
static u64 cap_of(const struct ctx_field *f)
{
	return (1ull << f->view_size * 8) - 1;
}

static bool is_capped(const struct ctx_field *f) { return f->flags & CTX_CAPPED; }

/*
 * The part of the view that SIZE bytes, FROM bytes into the field, are of its
 * number: so many bytes at *AT of it; 0: above all that it has.
 */
static u32 view_part(const struct ctx_field *f, u32 from, u32 size, u32 *at)
{
	u32 low = from, n;

	if (f->flags & CTX_ARRAY) {
		*at = from;
		return size;
	}
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	low = f->size - size - from;
#endif
	if (low >= f->view_size)
		return 0;
	n = (u32)min_u64(size, f->view_size - low);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	*at = f->view_size - low - n;
#else
	*at = low;
#endif
	return n;
}

static void ctx_load(struct rewriter *w, struct bpf_insn in, const struct ctx_field *f)
{
	u32 size = access_bytes(&in), at = 0;
	u32 n = f->flags & CTX_PKT ? 8 : view_part(f, (u32)in.off - f->off, size, &at);
	bool sign = BPF_MODE(in.code) == MEMSX && n == size;

	if (!n) {
		put(w, (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, in.dst_reg, 0, 0, 0 });
		return;
	}
	/* a number that has more bytes than its view is not negative */
	in.code = (u8)(BPF_LDX | (sign ? MEMSX : BPF_MEM) | size_code(n));
	in.off = (s16)(f->view_off + at);
	put(w, in);
}

static void ctx_store(struct rewriter *w, struct bpf_insn in, const struct ctx_field *f)
{
	u32 size = access_bytes(&in), at = 0;
	bool is_imm = BPF_CLASS(in.code) == BPF_ST;
	u32 n = view_part(f, (u32)in.off - f->off, size, &at);

	if (is_capped(f) && is_imm && (u32)in.imm >= cap_of(f)) {
		put(w, (struct bpf_insn){ BPF_JMP | BPF_JA, 0, 0, 0, 0 });
		return;
	}
	if (is_capped(f) && !is_imm)
		put(w, (struct bpf_insn){ BPF_JMP32 | BPF_JGE | BPF_K, in.src_reg, 0, 1,
					  (s32)cap_of(f) });
	in.code = (u8)((in.code & ~0x18) | size_code(n));
	in.off = (s16)(f->view_off + at);
	put(w, in);
}

/* Why the access to the context cannot be rewritten; NULL: it can. */
static const char *check_ctx(const struct rewriter *w, const struct bpf_insn *in)
{
	const struct ctx_field *f = field_of(w, in);
	bool store = is_store(in);

	if (!f)
		return "a field of the context that the embedded engine does not have";
	if (store && !(f->flags & CTX_ARRAY) &&
	    (f->size != access_bytes(in) || f->view_size > f->size ||
	     (is_capped(f) && f->size != 4)))
		return "a store to a part of the context";
	return NULL;
}

/* ---- what each slot becomes ---------------------------------------------- */

enum {
	KERNEL_KINDS = 1 << FACT_MAP | 1 << FACT_XDP_SOCK | 1 << FACT_TP_BUFFER |
		       1 << FACT_BUF,
};

static bool touches_ctx(const struct rewriter *w, u32 at)
{
	return w->facts[at].access.kinds & 1 << FACT_CTX;
}

static bool in_arena(const struct rewriter *w, u32 at)
{
	return w->facts[at].access.kinds & 1 << FACT_ARENA;
}

static bool is_var(const struct rewriter *w, const struct bpf_insn *in)
{
	return isa_op(in) == OP_LDDW_BTF_ID && (u32)in->imm < w->img->nr_externs &&
	       w->img->externs[in->imm].kind != IMAGE_KFUNC && w->img->externs[in->imm].weak;
}

/* Why the instruction, which is reached, is none for engines without checks. */
static const char *check_insn(const struct rewriter *w, u32 at)
{
	const struct bpf_insn *in = &w->prog->insns[at];
	const struct fact_access *a = &w->facts[at].access;

	if (a->flags & FACT_KERNEL || a->kinds & KERNEL_KINDS)
		return "memory that only a kernel has";
	if (is_var(w, in))
		return "a __weak variable of the kernel";
	if (in_arena(w, at))
		return fact_one_kind(a) == FACT_ARENA ? NULL : "a pointer of several kinds";
	if (touches_ctx(w, at))
		return fact_one_kind(a) == FACT_CTX ? check_ctx(w, in) :
						      "a pointer of several kinds";
	if (a->flags & FACT_FAULTS && BPF_CLASS(in->code) != BPF_LDX)
		return "a store to memory that may not exist";
	return NULL;
}

/* How many slots the instruction at AT becomes. */
static u32 slots_of(const struct rewriter *w, u32 at)
{
	const struct bpf_insn *in = &w->prog->insns[at];
	const struct ctx_field *f;

	if (w->facts[at].reached && in_arena(w, at))
		return 2;
	if (!w->facts[at].reached || !touches_ctx(w, at))
		return isa_slots(in);
	f = field_of(w, in);
	return is_capped(f) && BPF_CLASS(in->code) == BPF_STX ? 2 : 1;
}

/* ---- jumps ---------------------------------------------------------------- */

static s64 new_delta(const struct rewriter *w, s64 delta)
{
	return (s64)w->to[(s64)w->at + 1 + delta] - w->n - 1;
}

static void put_jump(struct rewriter *w, struct bpf_insn in)
{
	s64 delta;

	if (isa_op(&in) == OP_LDDW_FUNC)
		delta = in.imm;
	else if (!isa_target(&in, &delta)) {
		put(w, in);
		return;
	}
	delta = new_delta(w, delta);
	switch (isa_op(&in)) {
	case OP_CALL_LOCAL:
	case OP_JA32:
	case OP_LDDW_FUNC:
		in.imm = (s32)delta;
		break;
	default:
		if (delta != (s16)delta)
			w->refused = "a jump over more than 32767 instructions";
		in.off = (s16)delta;
	}
	put(w, in);
}

/* ---- the program ----------------------------------------------------------- */

/* The register that gets what an atomic finds, or -1. */
static s32 atomic_result(const struct bpf_insn *in)
{
	switch (isa_rows[isa_op(in)].kind) {
	case KIND_ATOMIC_CMPXCHG:
		return 0;
	case KIND_ATOMIC_FADD: case KIND_ATOMIC_FAND: case KIND_ATOMIC_FOR:
	case KIND_ATOMIC_FXOR: case KIND_ATOMIC_XCHG:
		return in->src_reg;
	default:
		return -1;
	}
}

/* Where it is, then the access. */
static void arena_access(struct rewriter *w, struct bpf_insn in)
{
	bool by_src = BPF_CLASS(in.code) == BPF_LDX || isa_rows[isa_op(&in)].kind ==
		KIND_ATOMIC_LDACQ;
	u32 base = by_src ? in.src_reg : in.dst_reg;

	put(w, (struct bpf_insn){ REWRITE_ARENA, REWRITE_REG, (u8)(base & 15), in.off,
				  (s32)access_bytes(&in) | (atomic_result(&in) + 1) << 8 });
	if (by_src)
		in.src_reg = REWRITE_REG;
	else
		in.dst_reg = REWRITE_REG;
	in.off = 0;
	put(w, in);
}

static void put_insn(struct rewriter *w)
{
	struct bpf_insn in = w->prog->insns[w->at];
	u8 mode = BPF_MODE(in.code) == MEMSX ? REWRITE_PROBE_SX : REWRITE_PROBE;

	if (touches_ctx(w, w->at)) {
		if (is_store(&in))
			ctx_store(w, in, field_of(w, &in));
		else
			ctx_load(w, in, field_of(w, &in));
		return;
	}
	if (in_arena(w, w->at)) {
		arena_access(w, in);
		return;
	}
	if (w->facts[w->at].access.flags & FACT_FAULTS)
		in.code = (u8)((in.code & 0x1f) | mode);
	put_jump(w, in);
	if (isa_is_lddw(&in))
		put(w, w->prog->insns[w->at + 1]);
}

/* Slots that no run reaches. */
static void put_traps(struct rewriter *w)
{
	for (u32 i = isa_slots(&w->prog->insns[w->at]); i; i--)
		put(w, (struct bpf_insn){ .code = REWRITE_TRAP });
}

static bool is_tail_call(const struct bpf_insn *in)
{
	return isa_op(in) == OP_CALL && in->imm == BPF_FUNC_tail_call;
}

/* ---- how long it may run ----------------------------------------------------- */

static bool calls_global(const struct rewriter *w, u32 at)
{
	const struct bpf_insn *in = &w->prog->insns[at];
	s64 delta;

	return isa_op(in) == OP_CALL_LOCAL && isa_target(in, &delta) &&
	       image_func(w->prog, (u32)(at + 1 + delta)) &&
	       image_func(w->prog, (u32)(at + 1 + delta))->global;
}

static bool is_iterator(const struct rewriter *w, const struct bpf_insn *in)
{
	return isa_op(in) == OP_CALL_KFUNC && (u32)in->imm < w->img->nr_externs &&
	       !strncmp(w->img->externs[in->imm].name, "bpf_iter_", 9);
}

/*
 * What was judged by paths alone has no loop that was not followed to its end: states
 * cover only what comes to them later, so a run goes through each at most once. Not
 * so with what was judged by itself, or by one pass for many.
 */
static u64 bound_of(const struct rewriter *w, const struct verify_result *r)
{
	for (u32 at = 0; at < w->prog->nr_insns; at += isa_slots(&w->prog->insns[at])) {
		const struct bpf_insn *in = &w->prog->insns[at];

		if (isa_op(in) == OP_MAY_GOTO || isa_op(in) == OP_LDDW_FUNC ||
		    calls_global(w, at) || is_iterator(w, in))
			return 0;
	}
	return r->by_invariants ? 0 : r->visited;
}

/* ---- what it does to packets -------------------------------------------------- */

/* Memory that is no packet, wherever it comes from: a parameter (MEM) may be one, and a
 * slice is. */
enum {
	NO_PACKET = 1 << FACT_CTX | 1 << FACT_STACK | 1 << FACT_MAP_VALUE | 1 << FACT_RECORD |
		    1 << FACT_ARENA,
};

/* Helpers that take a packet's memory only read it. */
static bool call_writes(const struct rewriter *w, u32 at)
{
	const struct bpf_insn *in = &w->prog->insns[at];
	enum isa_op op = isa_op(in);
	u32 id = (u32)in->imm;

	if (op != OP_CALL)
		return op == OP_CALL_KFUNC || (op == OP_CALL_LOCAL && calls_global(w, at));
	return helper_moves_packet(id) || id == BPF_FUNC_dynptr_write ||
	       id == BPF_FUNC_dynptr_data ||
	       helper_effects(id) & (1u << EFFECT_PKT_WRITE | 1u << EFFECT_PKT_SIZE);
}

/* May the program write to packets? */
static bool writes_packet(const struct rewriter *w)
{
	for (u32 at = 0; at < w->prog->nr_insns; at += isa_slots(&w->prog->insns[at])) {
		const struct bpf_insn *in = &w->prog->insns[at];
		u32 kinds = w->facts[at].access.kinds;

		if (!w->facts[at].reached)
			continue;
		if (is_store(in) ? !kinds || kinds & ~NO_PACKET : call_writes(w, at))
			return true;
	}
	return false;
}

/* Where each slot goes; NULL, or what cannot be rewritten. */
static const char *lay_out(struct rewriter *w, u32 *n)
{
	u32 slots = 0;

	for (; w->at < w->prog->nr_insns; w->at += isa_slots(&w->prog->insns[w->at])) {
		const char *why = w->facts[w->at].reached ? check_insn(w, w->at) : NULL;

		if (why)
			return why;
		w->tail_calls |= w->facts[w->at].reached && is_tail_call(&w->prog->insns[w->at]);
		w->to[w->at] = slots;
		if (isa_is_lddw(&w->prog->insns[w->at]))
			w->to[w->at + 1] = slots + 1;
		slots += slots_of(w, w->at);
	}
	w->to[w->prog->nr_insns] = *n = slots;
	return NULL;
}

const char *rewrite_prog(struct rewrite *out, struct arena *arena, const struct image *img,
			 const struct image_prog *prog, const struct verify_result *r, u32 *insn)
{
	struct rewriter w = { .img = img, .prog = prog, .facts = r->insns,
			      .ctx = ctx_desc(prog->type) };
	struct arena scratch = ARENA_INIT;
	u32 n = 0;

	w.to = arena_news(&scratch, prog->nr_insns + 1ul, u32);
	w.refused = lay_out(&w, &n);
	*insn = w.at;
	if (!w.refused) {
		w.out = arena_news(arena, n, struct bpf_insn);
		w.origin = arena_news(arena, n, u32);
		w.at = 0;
	}
	while (!w.refused && w.at < prog->nr_insns) {
		if (w.facts[w.at].reached)
			put_insn(&w);
		else
			put_traps(&w);
		*insn = w.at;
		w.at += isa_slots(&prog->insns[w.at]);
	}
	arena_free(&scratch);
	/* the next program gets the stack as this one found it */
	*out = (struct rewrite){ w.out, n, w.origin, r->stale_slots || w.tail_calls,
				 r->stack_bytes, r->stale_slots, !r->by_invariants,
				 writes_packet(&w), bound_of(&w, r) };
	return w.refused;
}

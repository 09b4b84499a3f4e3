/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar_gen.h: what the tests of the scalar domain share: the concrete
 * instructions, random numbers, random scalars with known members.
 */
#ifndef TEST_SCALAR_GEN_H
#define TEST_SCALAR_GEN_H

#include "isa/isa.h"
#include "verify/scalar.h"

/* ---- concrete instructions ------------------------------------------------ */

#define GEN_OP(ut, st, w, expr) { \
	typedef ut T; \
	enum { W = w }; \
	T D = (T)d, S = (T)s; \
	st SD = (st)D, SS = (st)S; \
	(void)S; (void)SD; (void)SS; (void)W; \
	return (u64)(T)(expr); }
#define GEN_CASE(kind, expr) \
	case kind: \
		if (width == 32) GEN_OP(u32, s32, 32, expr) else GEN_OP(u64, s64, 64, expr)

static inline u64 swap_bytes(u64 v, unsigned width)
{
	return __builtin_bswap64(v) >> (64 - width);
}

static inline u64 concrete_alu(unsigned kind, unsigned width, u64 d, u64 s)
{
#define ALU(name, code, sym, g32, g64, expr) GEN_CASE(KIND_ALU_##name, expr)
#define ALU2(un, usym, uexpr, sn, ssym, sexpr, code) \
	ALU(un, code, usym, , , uexpr) \
	ALU(sn, code, ssym, , , sexpr)
	switch (kind) {
#include "isa/insn.def"
	GEN_CASE(KIND_NEG, (T)0 - D)
	GEN_CASE(KIND_MOV, S)
	GEN_CASE(KIND_MOVSX8, (T)(sizeof(T) == 4 ? (s32)(s8)S : (s64)(s8)S))
	GEN_CASE(KIND_MOVSX16, (T)(sizeof(T) == 4 ? (s32)(s16)S : (s64)(s16)S))
	GEN_CASE(KIND_MOVSX32, (T)(s64)(s32)S)
	case KIND_LE: return width == 64 ? d : d & (((u64)1 << width) - 1);
	default: return swap_bytes(d, width);
	}
}

static inline bool concrete_jump(unsigned kind, unsigned width, u64 d, u64 s)
{
#define JMP(name, code, sym, cond) GEN_CASE(KIND_JMP_##name, cond)
	switch (kind) {
#include "isa/insn.def"
	default: return false;
	}
}

struct gen_op { unsigned kind, width; const char *name; };

/* The rows of insn.def from KIND FROM to TO, those of one kind and width once. */
static inline size_t gen_ops(struct gen_op *ops, unsigned from, unsigned to)
{
	size_t n = 0;

	for (unsigned i = 0; i < OP_MAX; i++) {
		const struct isa_row *r = &isa_rows[i];
		size_t j = 0;

		if (r->kind < from || r->kind > to || r->kind == KIND_AS_CAST)
			continue;
		while (j < n && (ops[j].kind != r->kind || ops[j].width != r->width))
			j++;
		if (j == n)
			ops[n++] = (struct gen_op){ r->kind, r->width, r->name };
	}
	return n;
}

/* ---- random scalars ------------------------------------------------------- */

static u64 gen_state = 88172645463325252u;

static inline u64 gen_any(void)
{
	gen_state ^= gen_state << 13;
	gen_state ^= gen_state >> 7;
	gen_state ^= gen_state << 17;
	return gen_state * 0x9e3779b97f4a7c15u;
}

static inline u64 gen_below(u64 n) { return (gen_any() >> 11) % n; }

/* Numbers near those where something changes. */
static inline u64 gen_value(void)
{
	u64 v = gen_any();

	switch (gen_below(8)) {
	case 0: return v;
	case 1: return v >> gen_below(64);
	case 2: return (u64)((s64)v >> gen_below(64));
	case 3: return gen_below(17);
	case 4: return 0 - gen_below(17);
	case 5: return ((u64)1 << gen_below(64)) + gen_below(9) - 4;
	case 6: return ((u64)1 << 31 << gen_below(3)) + gen_below(33) - 16;
	default: return (u64)(s64)(s32)v >> gen_below(32);
	}
}

enum { GEN_MEMBERS = 10 };

struct gen { struct scalar s; u64 member[GEN_MEMBERS]; unsigned n; };

static inline void gen_member(struct gen *g, u64 v)
{
	if (g->n < GEN_MEMBERS && scalar_has(&g->s, v))
		g->member[g->n++] = v;
}

/* Bounds, and numbers made of the halves of bounds. */
static inline void gen_near(struct gen *g)
{
	const struct scalar *s = &g->s;
	u64 v, b[] = { s->umin, s->umax, (u64)s->smin, (u64)s->smax };

	gen_member(g, b[gen_below(4)]);
	gen_member(g, b[gen_below(4)] + gen_below(5) - 2);
	gen_member(g, (b[gen_below(4)] >> 32 << 32) | s->u32_min);
	gen_member(g, (b[gen_below(4)] >> 32 << 32) | s->u32_max);
	gen_member(g, (b[gen_below(4)] >> 32 << 32) | (u32)s->s32_min);
	gen_member(g, (b[gen_below(4)] >> 32 << 32) | (u32)s->s32_max);
	if (tnum_ceil(s->bits, b[gen_below(4)], &v))
		gen_member(g, v);
	gen_member(g, s->bits.value | (gen_any() & s->bits.mask));
	gen_member(g, s->bits.value | (gen_any() & s->bits.mask));
}

static inline void gen_include(struct scalar *s, u64 v)
{
	struct scalar c = scalar_const(v);

	s->bits = tnum_join(s->bits, c.bits);
	if (c.umin < s->umin) s->umin = v;
	if (c.umax > s->umax) s->umax = v;
	if (c.smin < s->smin) s->smin = (s64)v;
	if (c.smax > s->smax) s->smax = (s64)v;
	if (c.u32_min < s->u32_min) s->u32_min = (u32)v;
	if (c.u32_max > s->u32_max) s->u32_max = (u32)v;
	if (c.s32_min < s->s32_min) s->s32_min = (s32)v;
	if (c.s32_max > s->s32_max) s->s32_max = (s32)v;
}

/* Forgets some of what is known. */
static inline void gen_loosen(struct scalar *s)
{
	u64 what = gen_any();

	if (what & 1) { s->bits.mask |= gen_any() & gen_any(); s->bits.value &= ~s->bits.mask; }
	if (what & 2) s->bits = TNUM_UNKNOWN;
	if ((what & 12) == 12) s->umin = 0;
	if ((what & 48) == 48) s->umax = UINT64_MAX;
	if ((what & 192) == 192) s->smin = INT64_MIN;
	if ((what & 768) == 768) s->smax = INT64_MAX;
	if (what & 1024) { s->u32_min = 0; s->u32_max = UINT32_MAX; }
	if (what & 2048) { s->s32_min = INT32_MIN; s->s32_max = INT32_MAX; }
	if ((what & 3 << 12) == 3 << 12) { s->umin = 0; s->umax = UINT64_MAX; }
	if ((what & 3 << 14) == 3 << 14) { s->smin = INT64_MIN; s->smax = INT64_MAX; }
}

/* A scalar that holds a few numbers which have something to do with each other;
 * not reduced. */
static inline void gen_raw(struct gen *g)
{
	u64 base = gen_value(), vary = gen_value() & gen_any(), v;
	unsigned how = (unsigned)gen_below(4), n = 1 + (unsigned)gen_below(4);

	g->n = 0;
	for (unsigned i = 0; i < n; i++) {
		v = how == 0 ? gen_value() : how == 1 ? base ^ (gen_any() & vary) :
		    how == 2 ? base + (gen_any() & 31) : base + (gen_any() & vary);
		if (!i)
			g->s = scalar_const(v);
		gen_include(&g->s, v);
		g->member[g->n++] = v;
	}
	if (gen_below(4))
		gen_loosen(&g->s);
}

static inline void gen_scalar(struct gen *g)
{
	gen_raw(g);
	if (gen_below(16))
		scalar_sync(&g->s);
	gen_near(g);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_fold.c: what an instruction of known operands comes to: a constant, another value, or
 * a cheaper instruction that does the same. Looks a few operands deep and at nothing else;
 * ir_value.c calls it for each instruction, operands first.
 */
#include "lang/opt_in.h"

enum { DEEP = 4 };	/* operands of operands that are looked at */

static s64 num(const struct ir_insn *v)
{
	return v->imm;
}

static u64 mask_of(u32 width)
{
	return width == 32 ? UINT32_MAX : UINT64_MAX;
}

static bool fits_imm(s64 v, u32 width)
{
	return width == 32 || v == (s32)v;
}

static bool is_power(u64 v)
{
	return v && !(v & (v - 1));
}

static u32 log_of(u64 v)
{
	return (u32)__builtin_ctzll(v);
}

static bool is(const struct ir_insn *v, s64 n)
{
	return ir_is_number(v) && v->imm == n;
}

/* ---- making ------------------------------------------------------------------------- */

static struct ir_insn *make(struct opt *o, struct ir_insn *at, enum ir_op op, u32 width,
			    struct ir_insn *a, struct ir_insn *b)
{
	struct ir_insn *i = ir_insn_new(o->f, op), *r;

	i->line = at->line;
	i->width = (u8)width;
	i->args[i->nr_args++] = a;
	if (b)
		i->args[i->nr_args++] = b;
	i->uses = 1;
	ir_insert(at->block, at, i);
	r = opt_fold(o, i);
	return r ? (ir_remove(i), r) : i;
}

static struct ir_insn *make_k(struct opt *o, struct ir_insn *at, enum ir_op op, u32 width,
			      struct ir_insn *a, s64 k)
{
	return make(o, at, op, width, a, opt_number(o, k));
}

static struct ir_insn *zext(struct opt *o, struct ir_insn *at, struct ir_insn *a, u32 size)
{
	struct ir_insn *i = ir_insn_new(o->f, IR_ZEXT), *r;

	i->line = at->line;
	i->size = (u8)size;
	i->args[i->nr_args++] = a;
	i->uses = 1;
	ir_insert(at->block, at, i);
	r = opt_fold(o, i);
	return r ? (ir_remove(i), r) : i;
}

/* X as a value of WIDTH: of 32 the upper half is 0. */
static struct ir_insn *as_width(struct opt *o, struct ir_insn *at, struct ir_insn *x, u32 width)
{
	return width == 64 ? x : zext(o, at, x, 4);
}

/* The instruction stays, and is another one now. */
static struct ir_insn *become(struct opt *o, struct ir_insn *i, enum ir_op op, u32 width,
			      struct ir_insn *a, struct ir_insn *b)
{
	i->op = op;
	i->width = (u8)width;
	i->nr_args = b ? 2 : 1;
	i->args[0] = a;
	i->args[1] = b;
	i->sx = false;
	return opt_fold(o, i);
}

static struct ir_insn *become_k(struct opt *o, struct ir_insn *i, enum ir_op op, u32 width,
				struct ir_insn *a, s64 k)
{
	return become(o, i, op, width, a, opt_number(o, k));
}

/* ---- constants ---------------------------------------------------------------------- */

static u64 divide(enum ir_op op, u32 w, u64 a, u64 b)
{
	bool div = op == IR_UDIV || op == IR_SDIV;
	s64 x = w == 32 ? (s32)a : (s64)a, y = w == 32 ? (s32)b : (s64)b;

	if (!b)
		return div ? 0 : a;
	if (op == IR_UDIV || op == IR_UMOD)
		return div ? a / b : a % b;
	if (y == -1)
		return div ? 0 - (u64)x : 0;
	return (u64)(div ? x / y : x % y);
}

static u64 compute(enum ir_op op, u32 w, u64 a, u64 b)
{
	u64 m = mask_of(w), n = b & (w - 1);

	a &= m;
	b &= m;
	switch (op) {
	case IR_ADD: return (a + b) & m;
	case IR_SUB: return (a - b) & m;
	case IR_MUL: return (a * b) & m;
	case IR_AND: return a & b;
	case IR_OR: return a | b;
	case IR_XOR: return a ^ b;
	case IR_SHL: return (a << n) & m;
	case IR_SHR: return a >> n;
	case IR_SAR: return (w == 32 ? (u64)((s32)a >> n) : (u64)((s64)a >> n)) & m;
	case IR_NEG: return (0 - a) & m;
	default: return divide(op, w, a, b) & m;
	}
}

static bool holds(enum ir_cc cc, u32 w, u64 a, u64 b)
{
	s64 x = w == 32 ? (s32)a : (s64)a, y = w == 32 ? (s32)b : (s64)b;

	a &= mask_of(w);
	b &= mask_of(w);
	switch (cc) {
	case CC_EQ: return a == b;
	case CC_NE: return a != b;
	case CC_ULT: return a < b;
	case CC_ULE: return a <= b;
	case CC_UGT: return a > b;
	case CC_UGE: return a >= b;
	case CC_SLT: return x < y;
	case CC_SLE: return x <= y;
	case CC_SGT: return x > y;
	case CC_SGE: return x >= y;
	default: return a & b;
	}
}

static s64 extended(s64 v, u32 size, bool sx)
{
	u32 bits = 64 - 8 * size;

	return sx ? (s64)((u64)v << bits) >> bits : (s64)((u64)v << bits >> bits);
}

/* ---- what is known of a value ------------------------------------------------------- */

static u32 bits_of(const struct ir_insn *v, u32 deep);

static u32 bits_alu(const struct ir_insn *v, u32 deep)
{
	u32 a = bits_of(v->args[0], deep), b = bits_of(v->args[1], deep), n;

	switch (v->op) {
	case IR_AND: n = a < b ? a : b; break;
	case IR_OR: case IR_XOR: n = a > b ? a : b; break;
	case IR_ADD: n = (a > b ? a : b) + 1; break;
	case IR_MUL: n = a + b; break;
	case IR_SHR:
		n = a;
		if (ir_is_number(v->args[1]))
			n = a > (v->args[1]->imm & (v->width - 1)) ?
			    a - (u32)(v->args[1]->imm & (v->width - 1)) : 0;
		break;
	case IR_SHL:
		n = ir_is_number(v->args[1]) ? a + (u32)(v->args[1]->imm & (v->width - 1)) : 64;
		break;
	default: n = 64;
	}
	return n < v->width ? n : v->width;
}

/* A verifier looks at each way by itself. */
static u32 bits_phi(const struct ir_insn *v, u32 deep)
{
	u32 n = 0;

	if (v->block->preds.n > 4)
		return 64;
	for (size_t p = 0; p < v->block->preds.n && n < 64; p++) {
		u32 m = v->phi[p] == v ? 0 : bits_of(ir_real(v->phi[p]), deep);

		n = m > n ? m : n;
	}
	return n;
}

/* How many of the low bits may be other than 0: no more than what a verifier finds out,
 * which knows nothing of quotients, so that no bound that it needs is taken away. */
static u32 bits_of(const struct ir_insn *v, u32 deep)
{
	v = ir_real((struct ir_insn *)v);	/* of a loop's phi, which is looked at early */
	switch (v->op) {
	case IR_CONST:
		if (v->core || v->imm < 0)
			return 64;
		return v->imm ? 64 - (u32)__builtin_clzll((u64)v->imm) : 0;
	case IR_LOAD: return v->sx ? 64 : 8u * v->size;
	case IR_SET: return 1;
	case IR_PHI: return deep ? bits_phi(v, deep - 1) : 64;
	case IR_ZEXT: case IR_BSWAP: return 8u * v->size;
	case IR_NEG: return v->width;
	default:
		if (v->op < IR_ADD || v->op > IR_SAR)
			return 64;
		return deep ? bits_alu(v, deep - 1) : v->width;
	}
}

u32 opt_bits(const struct ir_insn *v)
{
	return bits_of(v, DEEP);
}

/* X, when only its lower SIZE bytes matter. */
static struct ir_insn *low_bytes(struct ir_insn *x, u32 size)
{
	for (;;) {
		bool conv = (x->op == IR_ZEXT || x->op == IR_SEXT) && x->size >= size;
		bool mask = x->op == IR_AND && ir_is_number(x->args[1]) &&
			    !extended(~x->args[1]->imm, size, false);

		if (!conv && !mask)
			return x;
		x = ir_real(x->args[0]);
	}
}

/* ---- arithmetic --------------------------------------------------------------------- */

/* (x op a) op b, for operations where a op b can be computed first. */
static struct ir_insn *fold_chain(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *in = i->args[0];

	if (in->op != i->op || in->width != i->width || !ir_is_number(in->args[1]) ||
	    (i->op != IR_ADD && i->op != IR_AND && i->op != IR_OR && i->op != IR_XOR &&
	     i->op != IR_MUL))
		return NULL;
	i->args[1] = opt_number(o, (s64)compute(i->op, i->width, (u64)num(in->args[1]),
						  (u64)num(i->args[1])));
	i->args[0] = in->args[0];
	return opt_fold(o, i);
}

static struct ir_insn *fold_shift_pair(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *in = i->args[0];
	s64 n = num(i->args[1]), sum;

	if (in->op != i->op || in->width != i->width || !ir_is_number(in->args[1]))
		return NULL;
	sum = n + (in->args[1]->imm & (i->width - 1));
	if (sum >= i->width && i->op != IR_SAR)
		return opt_number(o, 0);
	return become_k(o, i, i->op, i->width, in->args[0], sum < i->width ? sum : i->width - 1);
}

static struct ir_insn *fold_shift(struct opt *o, struct ir_insn *i)
{
	s64 n = num(i->args[1]);

	if (n & ~(s64)(i->width - 1))
		return become_k(o, i, i->op, i->width, i->args[0], n & (i->width - 1));
	if (!n)
		return as_width(o, i, i->args[0], i->width);
	if (i->op == IR_SHR && opt_bits(i->args[0]) <= n && i->width == 64)
		return opt_number(o, 0);
	if (i->op == IR_SAR && opt_bits(i->args[0]) < i->width)
		return become(o, i, IR_SHR, i->width, i->args[0], i->args[1]);
	return fold_shift_pair(o, i);
}

static struct ir_insn *fold_and(struct opt *o, struct ir_insn *i)
{
	u64 m = (u64)num(i->args[1]) & mask_of(i->width);
	struct ir_insn *a = i->args[0];
	u32 bits = opt_bits(a);

	if (!m)
		return opt_number(o, 0);
	if (bits < 64 && !(~m & ((1ull << bits) - 1)) && a->op != IR_BSWAP)
		return as_width(o, i, a, i->width);
	if (m == UINT64_MAX)
		return a;
	if (m == UINT32_MAX)
		return zext(o, i, a, 4);
	if (i->width == 64 && m <= INT32_MAX && low_bytes(a, 4) != a && m <= UINT32_MAX)
		return become(o, i, IR_AND, 64, low_bytes(a, 4), i->args[1]);
	return fold_chain(o, i);
}

static struct ir_insn *fold_mul(struct opt *o, struct ir_insn *i)
{
	u64 k = (u64)num(i->args[1]) & mask_of(i->width);

	if (!k)
		return opt_number(o, 0);
	if (is_power(k))
		return become_k(o, i, IR_SHL, i->width, i->args[0], log_of(k));
	return fold_chain(o, i);
}

/* x / 2^n of signed x: rounded to 0, as C has it. */
static struct ir_insn *fold_signed_power(struct opt *o, struct ir_insn *i, u32 n)
{
	u32 w = i->width;
	struct ir_insn *x = i->args[0], *sign, *up;

	if (!n)
		return i->op == IR_SDIV ? as_width(o, i, x, w) : opt_number(o, 0);
	sign = make_k(o, i, IR_SAR, w, x, w - 1);
	up = make_k(o, i, IR_SHR, w, sign, w - n);
	if (i->op == IR_SDIV)
		return become_k(o, i, IR_SAR, w, make(o, i, IR_ADD, w, x, up), n);
	if (!fits_imm((s64)((1ull << n) - 1), w))
		return NULL;
	return become(o, i, IR_SUB, w, make_k(o, i, IR_AND, w, make(o, i, IR_ADD, w, x, up),
					      (s64)((1ull << n) - 1)), up);
}

/* Without instructions for it: of the magnitudes, with the sign put right. */
static struct ir_insn *fold_signed(struct opt *o, struct ir_insn *i)
{
	u32 w = i->width;
	bool div = i->op == IR_SDIV;
	struct ir_insn *a = i->args[0], *b = i->args[1], *sa, *sb, *q, *s;

	if (opt_bits(a) < w && opt_bits(b) < w)
		return become(o, i, div ? IR_UDIV : IR_UMOD, w, a, b);
	if (o->f->unit->isa_level >= 4)
		return NULL;
	if (ir_is_number(b) && w == 64 && num(b) > 0 && is_power((u64)num(b)))
		return fold_signed_power(o, i, log_of((u64)num(b)));
	sa = make_k(o, i, IR_SAR, w, a, w - 1);
	sb = make_k(o, i, IR_SAR, w, b, w - 1);
	a = make(o, i, IR_SUB, w, make(o, i, IR_XOR, w, a, sa), sa);
	b = make(o, i, IR_SUB, w, make(o, i, IR_XOR, w, b, sb), sb);
	q = make(o, i, div ? IR_UDIV : IR_UMOD, w, a, b);
	s = div ? make(o, i, IR_XOR, w, sa, sb) : sa;
	return become(o, i, IR_SUB, w, make(o, i, IR_XOR, w, q, s), s);
}

static struct ir_insn *fold_division(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0];
	u64 k = (u64)num(i->args[1]) & mask_of(i->width);
	bool div = i->op == IR_UDIV;

	if (!k)
		return div ? opt_number(o, 0) : as_width(o, i, a, i->width);
	if (!is_power(k))
		return NULL;
	if (div)
		return become_k(o, i, IR_SHR, i->width, a, log_of(k));
	if (!fits_imm((s64)(k - 1), i->width))
		return NULL;
	return become_k(o, i, IR_AND, i->width, a, (s64)(k - 1));
}

/* The right operand is a constant. */
static struct ir_insn *fold_right(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0];
	s64 k = num(i->args[1]);

	switch (i->op) {
	case IR_ADD: case IR_OR: case IR_XOR:
		return !((u64)k & mask_of(i->width)) ? as_width(o, i, a, i->width) :
						      fold_chain(o, i);
	case IR_SUB:
		return become_k(o, i, IR_ADD, i->width, a, (s64)compute(IR_NEG, i->width,
									 (u64)k, 0));
	case IR_AND: return fold_and(o, i);
	case IR_MUL: return fold_mul(o, i);
	case IR_UDIV: case IR_UMOD: return fold_division(o, i);
	case IR_SDIV: case IR_SMOD: return fold_signed(o, i);
	default: return fold_shift(o, i);
	}
}

/* x op x */
static struct ir_insn *fold_twins(struct opt *o, struct ir_insn *i)
{
	switch (i->op) {
	case IR_SUB: case IR_XOR: return opt_number(o, 0);
	case IR_AND: case IR_OR: return as_width(o, i, i->args[0], i->width);
	default: return NULL;
	}
}

static void order_operands(struct ir_insn *i)
{
	struct ir_insn *a = i->args[0];

	if (!ir_is(i, IRF_C) || a->op != IR_CONST || ir_is_number(i->args[1]))
		return;
	i->args[0] = i->args[1];
	i->args[1] = a;
}

static struct ir_insn *fold_alu(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a, *b;

	order_operands(i);
	if (i->width == 32 && i->op != IR_SHL && i->op != IR_SHR && i->op != IR_SAR)
		i->args[1] = low_bytes(i->args[1], 4);
	if (i->width == 32)
		i->args[0] = low_bytes(i->args[0], 4);
	a = i->args[0];
	b = i->args[1];
	if (ir_is_number(a) && ir_is_number(b))
		return opt_number(o, (s64)compute(i->op, i->width, (u64)num(a), (u64)num(b)));
	if (ir_is_number(b))
		return fold_right(o, i);
	if (is(a, 0) && i->op != IR_SUB)	/* what commutes has it on the right */
		return a;
	if (i->op == IR_SDIV || i->op == IR_SMOD)
		return fold_signed(o, i);
	if (a == b)
		return fold_twins(o, i);
	if (i->op == IR_SUB && is(a, 0))
		return become(o, i, IR_NEG, i->width, b, NULL);
	return NULL;
}

/* ---- conversions -------------------------------------------------------------------- */

static bool narrows(enum ir_op op)
{
	return op == IR_ADD || op == IR_SUB || op == IR_MUL || op == IR_AND || op == IR_OR ||
	       op == IR_XOR;
}

/* The lower bytes of what is in memory; where that is, this machine's order says. */
static struct ir_insn *narrow_load(struct ir_insn *i, struct ir_insn *load)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (load->op != IR_LOAD || load->uses != 1 || load->core || load->block != i->block ||
	    load->args[0]->op == IR_CTX || i->size > load->size)
		return NULL;
	load->off += little ? 0 : load->size - i->size;
	load->size = i->size;
	load->sx = i->op == IR_SEXT && i->size < 8;
	return load;
}

static struct ir_insn *fold_zext(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0] = low_bytes(i->args[0], i->size), *r;

	if (ir_is_number(a))
		return opt_number(o, extended(num(a), i->size, false));
	if (opt_bits(a) <= 8u * i->size)
		return a;
	r = narrow_load(i, a);
	if (r)
		return r;
	if (i->size == 4 && a->uses == 1 && a->width == 64 && narrows(a->op) &&
	    a->block == i->block)
		return become(o, i, a->op, 32, a->args[0], a->args[1]);
	return NULL;
}

static struct ir_insn *fold_sext(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0];

	if (ir_is_number(a))
		return opt_number(o, extended(num(a), i->size, true));
	if (i->size == 8 || opt_bits(a) < 8u * i->size ||
	    (a->op == IR_SEXT && a->size <= i->size) ||
	    (a->op == IR_LOAD && a->sx && a->size <= i->size))
		return a;
	if (low_bytes(a, i->size) != a) {
		i->args[0] = low_bytes(a, i->size);
		return opt_fold(o, i);
	}
	return narrow_load(i, a);
}

static struct ir_insn *fold_bswap(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0] = low_bytes(i->args[0], i->size);

	if (ir_is_number(a))
		return opt_number(o, (s64)(__builtin_bswap64((u64)num(a)) >>
					     (64 - 8 * i->size)));
	if (a->op == IR_BSWAP && a->size == i->size)
		return zext(o, i, a->args[0], i->size);
	return NULL;
}

/* ---- comparisons -------------------------------------------------------------------- */

enum ir_cc opt_cc_swapped(enum ir_cc cc)
{
	static const u8 by[CC_COUNT] = {
		CC_EQ, CC_NE, CC_UGT, CC_UGE, CC_ULT, CC_ULE, CC_SGT, CC_SGE, CC_SLT, CC_SLE,
		CC_TEST,
	};

	return (enum ir_cc)by[cc];
}

/* Not for TEST. */
enum ir_cc opt_cc_opposite(enum ir_cc cc)
{
	static const u8 by[CC_COUNT] = {
		CC_NE, CC_EQ, CC_UGE, CC_UGT, CC_ULE, CC_ULT, CC_SGE, CC_SGT, CC_SLE, CC_SLT,
		CC_TEST,
	};

	return (enum ir_cc)by[cc];
}

static bool is_signed(enum ir_cc cc)
{
	return cc >= CC_SLT && cc <= CC_SGE;
}

/* Puts a constant on the right, drops conversions that do not matter, and makes of numbers
 * without sign what has an immediate. */
static void tidy_compare(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0];

	if (a->op == IR_CONST && !ir_is_number(i->args[1])) {
		i->args[0] = i->args[1];
		i->args[1] = a;
		i->cc = opt_cc_swapped(i->cc);
	}
	if (i->width == 32) {
		i->args[0] = low_bytes(i->args[0], 4);
		i->args[1] = low_bytes(i->args[1], 4);
	}
	if (!ir_is_number(i->args[1]))
		return;
	if (is_signed(i->cc) && num(i->args[1]) >= 0 && opt_bits(i->args[0]) < i->width &&
	    (i->width == 64 || num(i->args[1]) <= INT32_MAX))
		i->cc = (enum ir_cc)(i->cc - CC_SLT + CC_ULT);
	if (i->width == 64 && !is_signed(i->cc) && num(i->args[1]) != (s32)num(i->args[1]) &&
	    num(i->args[1]) == (u32)num(i->args[1]) && opt_bits(i->args[0]) <= 32)
		i->width = 32;
	if (i->width == 64 && !is_signed(i->cc) && i->args[0]->op == IR_ZEXT &&
	    i->args[0]->size == 4 && num(i->args[1]) == (u32)num(i->args[1])) {
		i->width = 32;
		i->args[0] = low_bytes(i->args[0], 4);
	}
	if (i->cc == CC_ULT && is(i->args[1], 1)) {
		i->cc = CC_EQ;
		i->args[1] = opt_number(o, 0);
	} else if ((i->cc == CC_UGT && is(i->args[1], 0)) ||
		   (i->cc == CC_UGE && is(i->args[1], 1))) {
		i->cc = CC_NE;
		i->args[1] = opt_number(o, 0);
	} else if (i->cc == CC_ULE && is(i->args[1], 0)) {
		i->cc = CC_EQ;
	}
}

/* x + a against b: x against b - a, where only equality is asked. */
static void fold_compare_sum(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0], *b = i->args[1];

	if ((i->cc != CC_EQ && i->cc != CC_NE) || !ir_is_number(b) || a->op != IR_ADD ||
	    a->uses != 1 || a->width != i->width || !ir_is_number(a->args[1]))
		return;
	i->args[0] = a->args[0];
	i->args[1] = opt_number(o, (s64)compute(IR_SUB, i->width, (u64)num(b),
						  (u64)num(a->args[1])));
}

/* x / c against k: x against a multiple of c. */
static void fold_compare_quotient(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a = i->args[0], *b = i->args[1];
	bool up = i->cc == CC_UGT || i->cc == CC_ULE;
	u64 c, k;

	if (i->cc < CC_ULT || i->cc > CC_UGE || !ir_is_number(b) || a->op != IR_UDIV ||
	    a->uses != 1 || a->width != i->width || !ir_is_number(a->args[1]))
		return;
	c = (u64)num(a->args[1]);
	k = (u64)num(b);
	if (k >= INT32_MAX || c - 1 >= INT32_MAX || (k + up) * c > INT32_MAX)
		return;
	i->args[0] = a->args[0];
	i->args[1] = opt_number(o, (s64)((k + up) * c));
	i->cc = i->cc == CC_UGT ? CC_UGE : i->cc == CC_ULE ? CC_ULT : i->cc;
}

static struct ir_insn *fold_set(struct opt *o, struct ir_insn *i)
{
	struct ir_insn *a, *b;

	tidy_compare(o, i);
	fold_compare_sum(o, i);
	fold_compare_quotient(o, i);
	a = i->args[0];
	b = i->args[1];
	if (ir_is_number(a) && ir_is_number(b))
		return opt_number(o, holds(i->cc, i->width, (u64)num(a), (u64)num(b)));
	if (a == b && i->cc != CC_TEST)
		return opt_number(o, holds(i->cc, 64, 0, 0));
	if (!is(b, 0) || (i->cc != CC_NE && i->cc != CC_EQ) || opt_bits(a) > 1)
		return NULL;
	if (i->cc == CC_NE)	/* of what is 0 or 1 */
		return a;
	if (a->op != IR_SET || a->cc == CC_TEST)
		return become_k(o, i, IR_XOR, 64, a, 1);
	i->cc = opt_cc_opposite(a->cc);
	i->width = a->width;
	i->args[0] = a->args[0];
	i->args[1] = a->args[1];
	return opt_fold(o, i);
}

static void swap_ways(struct ir_insn *i)
{
	struct ir_block *yes = i->to[0];

	i->to[0] = i->to[1];
	i->to[1] = yes;
}

/* A jump by a comparison's result, or by bits, compares itself. */
static bool fuse_branch(struct ir_insn *i)
{
	struct ir_insn *a = i->args[0];
	bool none = i->cc == CC_EQ;	/* jumps when it is 0 */

	if (!is(i->args[1], 0) || (i->cc != CC_NE && !none))
		return false;
	if (a->op == IR_XOR && is(a->args[1], 1) && opt_bits(a) == 1) {
		i->cc = none ? CC_NE : CC_EQ;
		i->args[0] = a->args[0];
		return true;
	}
	if (a->op != IR_SET && (a->op != IR_AND || a->uses != 1))
		return false;
	if (a->op == IR_SET || a->width < i->width)
		i->width = a->width;
	i->cc = a->op == IR_SET ? a->cc : CC_TEST;
	i->args[0] = a->args[0];
	i->args[1] = a->args[1];
	if (none)
		swap_ways(i);
	return true;
}

/* Which way a jump surely goes: 0, 1; 2: it is not known. */
u32 opt_way(const struct ir_insn *i)
{
	const struct ir_insn *a = i->args[0], *b = i->args[1];

	if (a == b && i->cc != CC_TEST)
		return !holds(i->cc, 64, 0, 0);
	if (ir_is_number(a) && ir_is_number(b))
		return !holds(i->cc, i->width, (u64)num(a), (u64)num(b));
	return 2;
}

static struct ir_insn *fold_br(struct opt *o, struct ir_insn *i)
{
	do {
		tidy_compare(o, i);
		fold_compare_sum(o, i);
		fold_compare_quotient(o, i);
	} while (fuse_branch(i));
	return NULL;
}

/* ---- memory ------------------------------------------------------------------------- */

static void fold_base(struct ir_insn *i, u32 k, s32 *off)
{
	struct ir_insn *base = i->args[k];

	while (base->op == IR_ADD && base->width == 64 && ir_is_number(base->args[1]) &&
	       num(base->args[1]) == (s16)num(base->args[1]) &&
	       *off + num(base->args[1]) == (s16)(*off + num(base->args[1]))) {
		*off += (s32)num(base->args[1]);
		base = base->args[0];
	}
	i->args[k] = base;
}

/* The address of a byte of data with its number. */
static void fold_mapval(struct opt *o, struct ir_insn *i, u32 k, s32 *off)
{
	struct ir_insn *base = i->args[k];

	if (base->op != IR_MAPVAL || !base->off || base->off + *off != (s16)(base->off + *off) ||
	    base->off + *off < 0)
		return;
	*off += base->off;
	i->args[k] = opt_mapval(o, base->imm);
}

/* What stands in read-only data. */
static struct ir_insn *fold_rodata(struct opt *o, struct ir_insn *i)
{
	const struct ir_insn *base = i->args[0];
	const struct ir_map *m = base->op == IR_MAPVAL ? &o->f->unit->maps.v[base->imm] : NULL;
	u64 v = 0;

	if (!m || !m->rodata || i->core ||
	    !in_bounds((u64)((s64)base->off + i->off), i->size, m->value_bytes))
		return NULL;
	if (m->init)
		memcpy(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (u8 *)&v :
		       (u8 *)&v + 8 - i->size, (const u8 *)m->init + base->off + i->off, i->size);
	return opt_number(o, extended((s64)v, i->size, i->sx));
}

static struct ir_insn *fold_memory(struct opt *o, struct ir_insn *i)
{
	if (!i->core)
		fold_base(i, 0, &i->off);
	fold_mapval(o, i, 0, &i->off);
	if (i->op == IR_COPY) {
		fold_base(i, 1, &i->src_off);
		fold_mapval(o, i, 1, &i->src_off);
	}
	if (i->op == IR_STORE)
		i->args[1] = low_bytes(i->args[1], i->size);
	return i->op == IR_LOAD ? fold_rodata(o, i) : NULL;
}

struct ir_insn *opt_fold(struct opt *o, struct ir_insn *i)
{
	switch (i->op) {
	case IR_CONST: return ir_is_number(i) ? opt_number(o, i->imm) : NULL;
	case IR_NEG:
		if (!ir_is_number(i->args[0]))
			return NULL;
		return opt_number(o, (s64)compute(IR_NEG, i->width, (u64)num(i->args[0]), 0));
	case IR_SEXT: return fold_sext(o, i);
	case IR_ZEXT: return fold_zext(o, i);
	case IR_BSWAP: return fold_bswap(o, i);
	case IR_SET: return fold_set(o, i);
	case IR_BR: return fold_br(o, i);
	case IR_LOAD: case IR_STORE: case IR_ADDTO: case IR_ZERO: case IR_COPY:
		return fold_memory(o, i);
	default:
		return i->op >= IR_ADD && i->op <= IR_SAR ? fold_alu(o, i) : NULL;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar_alu.c: the arithmetic instructions on scalars. Bits and bounds are
 * computed each for itself, the bounds for 64 bits and for the lower 32, and
 * then improve each other. Where an operation works on integers, its bounds are
 * an arc (range.h): what the exact result may be, modulo the word.
 */
#include "isa/isa.h"
#include "verify/range.h"
#include "verify/scalar.h"

typedef __int128 s128;

/* One instruction on its way: operands as words of WIDTH bits, and results. */
struct alu {
	unsigned kind, width;
	const struct scalar *dst, *src;
	struct tnum bits;	/* of the result */
	struct range r;		/* of the result, at WIDTH */
	struct range low;	/* of the result's lower half, where WIDTH is 64 */
};

/* ---- operands ------------------------------------------------------------ */

static struct range range_of(const struct scalar *s, unsigned w)
{
	if (w == 64)
		return (struct range){ s->umin, s->umax, s->smin, s->smax };
	return (struct range){ s->u32_min, s->u32_max, s->s32_min, s->s32_max };
}

static struct tnum bits_of(const struct scalar *s, unsigned w)
{
	return w == 64 ? s->bits : tnum_zext(s->bits, w);
}

/* ---- results ------------------------------------------------------------- */

static void set_low(struct scalar *s, const struct range *r)
{
	s->u32_min = (u32)r->umin;
	s->u32_max = (u32)r->umax;
	s->s32_min = (s32)r->smin;
	s->s32_max = (s32)r->smax;
}

/* A word of W < 64 bits, zero-extended. */
static struct scalar from_word(struct tnum bits, const struct range *r, unsigned w)
{
	struct scalar s = scalar_unknown();

	s.bits = tnum_zext(bits, w);
	s.umin = r->umin;
	s.umax = r->umax;
	if (w == 32)
		set_low(&s, r);
	scalar_sync(&s);
	return s;
}

static struct scalar result_of(const struct alu *a)
{
	struct scalar s;

	if (a->width == 32)
		return from_word(a->bits, &a->r, 32);
	s.bits = a->bits;
	s.umin = a->r.umin;
	s.umax = a->r.umax;
	s.smin = a->r.smin;
	s.smax = a->r.smax;
	set_low(&s, &a->low);
	scalar_sync(&s);
	return s;
}

/* ---- bounds of sums and products ----------------------------------------- */

static u64 span(const struct range *r, bool sign)
{
	return sign ? (u64)r->smax - (u64)r->smin : r->umax - r->umin;
}

/* No word has its sign bit set, so that both orders are the same. */
static bool same_orders(const struct range *r)
{
	return r->smin >= 0;
}

static struct range range_add(const struct range *a, const struct range *b, unsigned w)
{
	struct range r = range_full(w);

	cut_by(&r, w, a->umin + b->umin, a->umax + b->umax,
	       (u128)span(a, false) + span(b, false));
	if (same_orders(a) && same_orders(b))
		return r;
	cut_by(&r, w, (u64)a->smin + (u64)b->smin, (u64)a->smax + (u64)b->smax,
	       (u128)span(a, true) + span(b, true));
	return r;
}

static struct range range_sub(const struct range *a, const struct range *b, unsigned w)
{
	struct range r = range_full(w);

	cut_by(&r, w, a->umin - b->umax, a->umax - b->umin,
	       (u128)span(a, false) + span(b, false));
	if (same_orders(a) && same_orders(b))
		return r;
	cut_by(&r, w, (u64)a->smin - (u64)b->smax, (u64)a->smax - (u64)b->smin,
	       (u128)span(a, true) + span(b, true));
	return r;
}

static s128 min_s128(s128 a, s128 b) { return a < b ? a : b; }
static s128 max_s128(s128 a, s128 b) { return a > b ? a : b; }

static struct range range_mul(const struct range *a, const struct range *b, unsigned w)
{
	struct range r = range_full(w);
	u128 from = (u128)a->umin * b->umin, to = (u128)a->umax * b->umax;
	s128 p, q, s, t, least, most;

	cut_by(&r, w, (u64)from, (u64)to, to - from);
	if (same_orders(a) && same_orders(b))
		return r;
	p = (s128)a->smin * b->smin;
	q = (s128)a->smin * b->smax;
	s = (s128)a->smax * b->smin;
	t = (s128)a->smax * b->smax;
	least = min_s128(min_s128(p, q), min_s128(s, t));
	most = max_s128(max_s128(p, q), max_s128(s, t));
	cut_by(&r, w, (u64)least, (u64)most, (u128)(most - least));
	return r;
}

/* ---- bounds of bitwise operations ---------------------------------------- */

/* The least K such that -2^K <= MIN and MAX < 2^K, as 2^K - 1. */
static u64 magnitude(s64 min, s64 max)
{
	u64 m = (u64)(min < 0 ? ~min : min) | (u64)(max < 0 ? ~max : max);

	return m ? ~(u64)0 >> __builtin_clzll(m) : 0;
}

static struct range range_and(const struct range *a, const struct range *b, unsigned w)
{
	u64 spare = word_max(w) - b->umin;
	struct range r = { .umax = min_u64(a->umax, b->umax) };

	/* both miss few bits, so the result misses few: a & b >= a + b - max */
	if (a->umin > spare)
		r.umin = a->umin - spare;
	if (a->smin >= 0 || b->smin >= 0) {
		r.smax = min_s64(a->smin < 0 ? INT64_MAX : a->smax,
				 b->smin < 0 ? INT64_MAX : b->smax);
		return r;
	}
	r.smin = ~(s64)(magnitude(a->smin, a->smin) | magnitude(b->smin, b->smin));
	r.smax = a->smax < 0 && b->smax < 0 ? min_s64(a->smax, b->smax)
					    : max_s64(a->smax, b->smax);
	return r;
}

static struct range range_not(const struct range *a, unsigned w)
{
	return (struct range){ word_max(w) - a->umax, word_max(w) - a->umin, ~a->smax, ~a->smin };
}

static struct range range_or(const struct range *a, const struct range *b, unsigned w)
{
	struct range x = range_not(a, w), y = range_not(b, w), r = range_and(&x, &y, w);

	return range_not(&r, w);
}

static struct range range_xor(const struct range *a, const struct range *b, unsigned w)
{
	u64 m = magnitude(a->smin, a->smax) | magnitude(b->smin, b->smax);
	struct range r = { 0, word_max(w), ~(s64)m, (s64)m };

	if (a->umax <= word_max(w) - b->umax)
		r.umax = a->umax + b->umax;
	if (a->umin > b->umax)
		r.umin = a->umin - b->umax;
	if (b->umin > a->umax)
		r.umin = b->umin - a->umax;
	return r;
}

/* ---- add, sub, mul, and, or, xor, neg ------------------------------------ */

typedef struct range range_fn(const struct range *, const struct range *, unsigned);
typedef struct tnum tnum_fn(struct tnum, struct tnum);

/* Operations whose lower half is a function of the lower halves. */
static void alu_ring(struct alu *a, tnum_fn *bits, range_fn *range)
{
	struct range d = range_of(a->dst, a->width), s = range_of(a->src, a->width);

	a->bits = bits(bits_of(a->dst, a->width), bits_of(a->src, a->width));
	a->r = range(&d, &s, a->width);
	if (a->width == 32)
		return;
	d = range_of(a->dst, 32);
	s = range_of(a->src, 32);
	a->low = range(&d, &s, 32);
}

static void alu_neg(struct alu *a)
{
	static const struct scalar zero;

	a->src = a->dst;
	a->dst = &zero;
	alu_ring(a, tnum_sub, range_sub);
}

/* ---- shifts -------------------------------------------------------------- */

/* The counts that SRC may mean, and known bits of them. */
struct count { unsigned min, max; struct tnum bits; };

static struct count count_of(const struct scalar *src, unsigned w)
{
	struct count c = { .bits = { src->bits.value & (w - 1), src->bits.mask & (w - 1) } };

	c.min = (unsigned)c.bits.value;
	c.max = (unsigned)(c.bits.value | c.bits.mask);
	if (src->u32_max < w) {
		c.min = src->u32_min;
		c.max = src->u32_max;
	}
	return c;
}

typedef struct tnum shift_fn(struct tnum, unsigned, unsigned);

static struct tnum shift_bits(struct tnum t, const struct count *c, unsigned w, shift_fn *shift)
{
	struct tnum r = shift(t, c->min, w);

	for (unsigned n = c->min + 1; n <= c->max && r.mask != word_max(w); n++)
		if (tnum_has(c->bits, n))
			r = tnum_join(r, shift(t, n, w));
	return r;
}

static void cut_lsh(struct range *r, const struct range *a, const struct count *c, unsigned w)
{
	u128 from = (u128)a->umin << c->min, to = (u128)a->umax << c->max;
	s128 least = a->smin * ((s128)1 << (a->smin < 0 ? c->max : c->min));
	s128 most = a->smax * ((s128)1 << (a->smax < 0 ? c->min : c->max));

	cut_by(r, w, (u64)from, (u64)to, to - from);
	cut_by(r, w, (u64)least, (u64)most, (u128)(most - least));
}

static struct range range_rsh(const struct range *a, const struct count *c, unsigned w)
{
	struct range r = range_full(w);

	range_cut(&r, w, a->umin >> c->max, a->umax >> c->min);
	return r;
}

static struct range range_arsh(const struct range *a, const struct count *c, unsigned w)
{
	struct range r = range_full(w);

	range_cut(&r, w, (u64)(a->smin >> (a->smin < 0 ? c->min : c->max)),
		  (u64)(a->smax >> (a->smax < 0 ? c->max : c->min)));
	return r;
}

static void alu_lsh(struct alu *a)
{
	struct count c = count_of(a->src, a->width);
	struct range d = range_of(a->dst, a->width);

	a->bits = shift_bits(a->dst->bits, &c, a->width, tnum_lsh);
	a->r = range_full(a->width);
	cut_lsh(&a->r, &d, &c, a->width);
	if (a->width == 32)
		return;
	d = range_of(a->dst, 32);
	cut_lsh(&a->low, &d, &c, 32);
	if (c.min >= 32)	/* no more than the lower half is left */
		cut_lsh(&a->r, &d, &c, 64);
}

static void alu_rsh(struct alu *a)
{
	struct count c = count_of(a->src, a->width);
	struct range d = range_of(a->dst, a->width);

	a->bits = shift_bits(a->dst->bits, &c, a->width, tnum_rsh);
	a->r = range_rsh(&d, &c, a->width);
}

static void alu_arsh(struct alu *a)
{
	struct count c = count_of(a->src, a->width);
	struct range d = range_of(a->dst, a->width);

	a->bits = shift_bits(a->dst->bits, &c, a->width, tnum_arsh);
	a->r = range_arsh(&d, &c, a->width);
}

/* ---- division ------------------------------------------------------------ */

/* Operands and result of one division at its width. */
struct division { struct range a, b, r; struct tnum abits, bbits, bits; unsigned w; };

static bool power_of_two(u64 v) { return v && !(v & (v - 1)); }

static bool one_divisor(const struct division *d)
{
	return d->b.umin == d->b.umax;
}

/* Division by 0 gives 0. */
static void udiv(struct division *d)
{
	u64 most = d->a.umax / max_u64(d->b.umin, 1);
	u64 least = d->b.umin ? d->a.umin / d->b.umax : 0;

	if (!d->b.umax)
		most = 0;
	range_cut(&d->r, d->w, least, most);
	if (one_divisor(d) && power_of_two(d->b.umin))
		d->bits = tnum_rsh(d->abits, (unsigned)__builtin_ctzll(d->b.umin), d->w);
}

/*
 * Modulo keeps the low bits that a power of two in every divisor leaves alone;
 * the divisor 0, which gives the dividend, has them all.
 */
static struct tnum mod_bits(const struct division *d)
{
	unsigned n = tnum_trailing_zeros(d->bbits);
	u64 kept = n >= d->w ? word_max(d->w) : ((u64)1 << n) - 1;

	return (struct tnum){ d->abits.value & kept,
			      (d->abits.mask | ~kept) & word_max(d->w) };
}

/* Modulo 0 gives the dividend. */
static void umod(struct division *d)
{
	u64 most = min_u64(d->a.umax, d->b.umax - 1), least = 0, b = d->b.umin;

	d->bits = mod_bits(d);
	if (!d->b.umax || d->a.umax < b) {	/* nothing happens */
		d->bits = d->abits;
		d->r = d->a;
		return;
	}
	if (!b)
		most = d->a.umax;
	else if (one_divisor(d) && d->a.umin / b == d->a.umax / b) {
		least = d->a.umin % b;
		most = d->a.umax % b;
	}
	range_cut(&d->r, d->w, least, most);
	if (one_divisor(d) && power_of_two(b))
		d->bits = tnum_and(d->abits, tnum_const(b - 1));
}

static u64 abs_s64(s64 v) { return v < 0 ? -(u64)v : (u64)v; }

/* V / BY, towards 0; BY >= 1, up to 2^63. */
static s64 quotient(s64 v, u64 by)
{
	return v < 0 ? (s64)-(abs_s64(v) / by) : (s64)((u64)v / by);
}

/* The set of integers so far, as FROM..TO; ANY once it has one. */
struct hull { s128 from, to; bool any; };

static void hull_add(struct hull *h, s128 from, s128 to)
{
	h->from = h->any ? min_s128(h->from, from) : from;
	h->to = h->any ? max_s128(h->to, to) : to;
	h->any = true;
}

/* Quotients by BY..LAST, 1 <= BY <= LAST, or by their negatives. */
static void hull_quotients(struct hull *h, const struct range *a, u64 by, u64 last, bool negative)
{
	s128 least = quotient(a->smin, a->smin < 0 ? by : last);
	s128 most = quotient(a->smax, a->smax < 0 ? last : by);

	if (negative)
		hull_add(h, -most, -least);
	else
		hull_add(h, least, most);
}

static void sdiv(struct division *d)
{
	struct hull h = { .any = false };

	if (d->b.smin <= 0 && d->b.smax >= 0)
		hull_add(&h, 0, 0);
	if (d->b.smax > 0)
		hull_quotients(&h, &d->a, (u64)max_s64(d->b.smin, 1), (u64)d->b.smax, false);
	if (d->b.smin < 0)
		hull_quotients(&h, &d->a, abs_s64(min_s64(d->b.smax, -1)),
			       abs_s64(d->b.smin), true);
	/* the smallest number by -1 wraps to itself, as the arc does */
	cut_by(&d->r, d->w, (u64)h.from, (u64)h.to, (u128)(h.to - h.from));
}

/* The remainder has the dividend's sign and is smaller than the divisor. */
static void smod(struct division *d)
{
	u64 small = d->b.smin > 0 ? (u64)d->b.smin : d->b.smax < 0 ? abs_s64(d->b.smax) : 0;
	u64 big = max_u64(abs_s64(d->b.smin), abs_s64(d->b.smax));
	s64 least = d->a.smin, most = d->a.smax;

	d->bits = mod_bits(d);
	if (!big || (small && abs_s64(least) < small && abs_s64(most) < small)) {
		d->bits = d->abits;
		d->r = d->a;
		return;
	}
	if (!small) {		/* by 0, perhaps */
		least = min_s64(least, 0);
		most = max_s64(most, 0);
	} else if (one_divisor(d) && (least < 0) == (most < 0) &&
		   quotient(least, small) == quotient(most, small)) {
		s64 q = quotient(least, small);

		least = (s64)((u64)least - (u64)q * small);
		most = (s64)((u64)most - (u64)q * small);
	} else {
		least = least < 0 ? max_s64(least, -(s64)(big - 1)) : 0;
		most = most > 0 ? min_s64(most, (s64)(big - 1)) : 0;
	}
	range_cut(&d->r, d->w, (u64)least, (u64)most);
}

static void divide(struct alu *a, void (*fn)(struct division *))
{
	struct division d = { .w = a->width, .r = range_full(a->width),
		.a = range_of(a->dst, a->width), .b = range_of(a->src, a->width),
		.abits = bits_of(a->dst, a->width), .bbits = bits_of(a->src, a->width),
		.bits = { 0, word_max(a->width) } };

	fn(&d);
	a->bits = d.bits;
	a->r = d.r;
}

/* With no negative operand, signed and unsigned division are the same. */
static void alu_sdiv(struct alu *a)
{
	struct range d = range_of(a->dst, a->width), s = range_of(a->src, a->width);

	divide(a, d.smin >= 0 && s.smin >= 0 ? udiv : sdiv);
}

static void alu_smod(struct alu *a)
{
	struct range d = range_of(a->dst, a->width), s = range_of(a->src, a->width);

	divide(a, d.smin >= 0 && s.smin >= 0 ? umod : smod);
}

/* ---- moves and byte order ------------------------------------------------ */

/* Bounds of the low W <= 32 bits alone. */
static struct range narrow(const struct scalar *s, unsigned w)
{
	struct range r = range_full(w);

	if (s->u32_max - s->u32_min <= word_max(w))
		range_cut(&r, w, s->u32_min, s->u32_max);
	if ((u32)s->s32_max - (u32)s->s32_min <= word_max(w))
		range_cut(&r, w, (u64)s->s32_min, (u64)s->s32_max);
	return r;
}

static struct scalar zero_extended(const struct scalar *s, unsigned w)
{
	struct range r;

	if (w == 64)
		return *s;
	r = narrow(s, w);
	return from_word(s->bits, &r, w);
}

void scalar_cast(struct scalar *s, unsigned bytes)
{
	*s = zero_extended(s, bytes * 8);
}

/* The low FROM bits, sign-extended to WIDTH, then zero-extended. */
static struct scalar sign_extended(const struct scalar *s, unsigned from, unsigned width)
{
	struct range r = narrow(s, from);
	struct scalar t = scalar_unknown();

	t.bits = tnum_sext(s->bits, from);
	t.smin = r.smin;
	t.smax = r.smax;
	scalar_sync(&t);
	return width == 32 ? zero_extended(&t, 32) : t;
}

static struct scalar swapped(const struct scalar *s, unsigned w)
{
	struct range r = range_full(w);

	if (w == 64) {
		struct scalar t = scalar_unknown();

		t.bits = tnum_bswap(s->bits, 64);
		scalar_sync(&t);
		return t;
	}
	return from_word(tnum_bswap(s->bits, w), &r, w);
}

/* ---- constants ----------------------------------------------------------- */

/* Both operands are known: what the instruction set says. */
#define CONST_OP(ut, st, w, expr) { \
	typedef ut T; \
	enum { W = w }; \
	T D = (T)d, S = (T)s; \
	st SD = (st)D, SS = (st)S; \
	(void)SD; (void)SS; (void)W; \
	return (u64)(T)(expr); }
#define ALU(name, code, sym, g32, g64, expr) \
	case KIND_ALU_##name: \
		if (width == 32) \
			CONST_OP(u32, s32, 32, expr) \
		CONST_OP(u64, s64, 64, expr)
#define ALU2(un, usym, uexpr, sn, ssym, sexpr, code) \
	ALU(un, code, usym, , , uexpr) \
	ALU(sn, code, ssym, , , sexpr)

static u64 alu_const(unsigned kind, unsigned width, u64 d, u64 s)
{
	switch (kind) {
#include "isa/insn.def"
	default:
		assert(!"an arithmetic kind");
		return 0;
	}
}

/* ---- the instructions ---------------------------------------------------- */

static bool is_binary(unsigned kind) { return kind <= KIND_ALU_ARSH; }

static void alu_binary(struct alu *a)
{
	switch (a->kind) {
	case KIND_ALU_ADD: alu_ring(a, tnum_add, range_add); break;
	case KIND_ALU_SUB: alu_ring(a, tnum_sub, range_sub); break;
	case KIND_ALU_MUL: alu_ring(a, tnum_mul, range_mul); break;
	case KIND_ALU_AND: alu_ring(a, tnum_and, range_and); break;
	case KIND_ALU_OR: alu_ring(a, tnum_or, range_or); break;
	case KIND_ALU_XOR: alu_ring(a, tnum_xor, range_xor); break;
	case KIND_ALU_LSH: alu_lsh(a); break;
	case KIND_ALU_RSH: alu_rsh(a); break;
	case KIND_ALU_ARSH: alu_arsh(a); break;
	case KIND_ALU_DIV: divide(a, udiv); break;
	case KIND_ALU_SDIV: alu_sdiv(a); break;
	case KIND_ALU_MOD: divide(a, umod); break;
	case KIND_ALU_SMOD: alu_smod(a); break;
	case KIND_NEG: alu_neg(a); break;
	default: assert(!"an arithmetic kind");
	}
}

static struct scalar alu_move(unsigned kind, unsigned width, const struct scalar *dst,
			      const struct scalar *src)
{
	switch (kind) {
	case KIND_MOV: return zero_extended(src, width);
	case KIND_MOVSX8: return sign_extended(src, 8, width);
	case KIND_MOVSX16: return sign_extended(src, 16, width);
	case KIND_MOVSX32: return sign_extended(src, 32, width);
	case KIND_LE: return zero_extended(dst, width);
	default: return swapped(dst, width);
	}
}

static void alu_unknown(unsigned kind, unsigned width, struct scalar *dst,
			const struct scalar *src)
{
	struct alu a = { .kind = kind, .width = width, .dst = dst, .src = src,
		.low = range_full(32) };

	alu_binary(&a);
	*dst = result_of(&a);
}

void scalar_alu(unsigned kind, unsigned width, struct scalar *dst, const struct scalar *src)
{
	if (!is_binary(kind) && kind != KIND_NEG)
		*dst = alu_move(kind, width, dst, src);
	else if (is_binary(kind) && scalar_is_const(dst) && scalar_is_const(src))
		*dst = scalar_const(alu_const(kind, width, dst->bits.value, src->bits.value));
	else
		alu_unknown(kind, width, dst, src);
}

void scalar_alu_self(unsigned kind, unsigned width, struct scalar *dst)
{
	struct scalar src = *dst;

	if (kind == KIND_ALU_SUB || kind == KIND_ALU_XOR)
		*dst = scalar_const(0);
	else if (kind == KIND_ALU_AND || kind == KIND_ALU_OR)
		*dst = zero_extended(dst, width);
	else
		scalar_alu(kind, width, dst, &src);
}

bool scalar_fork(unsigned kind, const struct scalar *dst, const struct scalar *src,
		 struct scalar parts[2])
{
	parts[0] = parts[1] = *dst;
	if ((kind != KIND_ALU_AND && kind != KIND_ALU_OR) || !scalar_is_const(src) ||
	    dst->s32_min != -1 || dst->s32_max != 0)
		return false;
	if (dst->smin == -1 && dst->smax == 0) {
		parts[0] = scalar_const(~(u64)0);
		parts[1] = scalar_const(0);
		return true;
	}
	parts[0].s32_max = -1;
	parts[1].s32_min = 0;
	return scalar_sync(&parts[0]) && scalar_sync(&parts[1]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lemmas.c: what the scalar domain promises, for all numbers of 64 bits. Each
 * LEMMA is a function of free words that must be true whatever they are; the
 * file "prove" compiles them together with the code they are about and asks an
 * SMT solver for a counterexample. Included code is what is proved, unchanged.
 *
 * A lemma says "it does not hold that all premises are true and the conclusion
 * is not": premises are tests that return true.
 */
#include "verify/tnum.c"
#include "verify/scalar.c"
#include "verify/scalar_alu.c"
#include "verify/scalar_branch.c"

#define LEMMA(name, ...) \
	bool lemma_##name(__VA_ARGS__); \
	bool lemma_##name(__VA_ARGS__)
#define PREMISE(cond) do { if (!(cond)) return true; } while (0)

/* Two tnums and a member of each. */
#define TNUMS u64 av, u64 am, u64 bv, u64 bm, u64 x, u64 y
#define GIVEN_TNUMS \
	struct tnum a = { av, am }, b = { bv, bm }; \
	PREMISE(!(av & am) && !(bv & bm) && tnum_has(a, x) && tnum_has(b, y))
#define TNUM u64 av, u64 am, u64 x
#define GIVEN_TNUM \
	struct tnum a = { av, am }; \
	PREMISE(!(av & am) && tnum_has(a, x))

static bool well_formed(struct tnum t) { return !(t.value & t.mask); }
static bool holds(struct tnum t, u64 v) { return well_formed(t) && tnum_has(t, v); }

/* ---- tnums ---------------------------------------------------------------- */

LEMMA(tnum_add, TNUMS) { GIVEN_TNUMS; return holds(tnum_add(a, b), x + y); }
LEMMA(tnum_sub, TNUMS) { GIVEN_TNUMS; return holds(tnum_sub(a, b), x - y); }
LEMMA(tnum_and, TNUMS) { GIVEN_TNUMS; return holds(tnum_and(a, b), x & y); }
LEMMA(tnum_or, TNUMS) { GIVEN_TNUMS; return holds(tnum_or(a, b), x | y); }
LEMMA(tnum_xor, TNUMS) { GIVEN_TNUMS; return holds(tnum_xor(a, b), x ^ y); }
LEMMA(tnum_neg, TNUM) { GIVEN_TNUM; return holds(tnum_neg(a), -x); }
LEMMA(tnum_not, TNUM) { GIVEN_TNUM; return holds(tnum_not(a), ~x); }

LEMMA(tnum_join, TNUMS)
{
	GIVEN_TNUMS;
	return holds(tnum_join(a, b), x) && holds(tnum_join(a, b), y);
}

LEMMA(tnum_meet, TNUMS)
{
	GIVEN_TNUMS;
	PREMISE(tnum_has(b, x));
	return tnum_meet(&a, b) && holds(a, x);
}

LEMMA(tnum_meet_exact, TNUMS)
{
	struct tnum a = { av, am }, b = { bv, bm }, m = a;

	PREMISE(well_formed(a) && well_formed(b) && tnum_meet(&m, b) && tnum_has(m, x));
	return tnum_has(a, x) && tnum_has(b, x);
}

LEMMA(tnum_subset, TNUMS)
{
	GIVEN_TNUMS;
	PREMISE(tnum_subset(a, b));
	return tnum_has(b, x);
}

LEMMA(tnum_lsh64, TNUM, unsigned n)
{
	GIVEN_TNUM;
	PREMISE(n < 64);
	return holds(tnum_lsh(a, n, 64), x << n);
}

LEMMA(tnum_lsh32, TNUM, unsigned n)
{
	GIVEN_TNUM;
	PREMISE(n < 32);
	return holds(tnum_lsh(a, n, 32), (u32)x << n);
}

LEMMA(tnum_rsh64, TNUM, unsigned n)
{
	GIVEN_TNUM;
	PREMISE(n < 64);
	return holds(tnum_rsh(a, n, 64), x >> n);
}

LEMMA(tnum_rsh32, TNUM, unsigned n)
{
	GIVEN_TNUM;
	PREMISE(n < 32);
	return holds(tnum_rsh(a, n, 32), (u32)x >> n);
}

LEMMA(tnum_arsh64, TNUM, unsigned n)
{
	GIVEN_TNUM;
	PREMISE(n < 64);
	return holds(tnum_arsh(a, n, 64), (u64)((s64)x >> n));
}

LEMMA(tnum_arsh32, TNUM, unsigned n)
{
	GIVEN_TNUM;
	PREMISE(n < 32);
	return holds(tnum_arsh(a, n, 32), (u32)((s32)x >> n));
}

LEMMA(tnum_sext8, TNUM) { GIVEN_TNUM; return holds(tnum_sext(a, 8), (u64)(s64)(s8)x); }
LEMMA(tnum_sext16, TNUM) { GIVEN_TNUM; return holds(tnum_sext(a, 16), (u64)(s64)(s16)x); }
LEMMA(tnum_sext32, TNUM) { GIVEN_TNUM; return holds(tnum_sext(a, 32), (u64)(s64)(s32)x); }
LEMMA(tnum_zext16, TNUM) { GIVEN_TNUM; return holds(tnum_zext(a, 16), (u16)x); }
LEMMA(tnum_bswap16, TNUM)
{
	GIVEN_TNUM;
	return holds(tnum_bswap(a, 16), __builtin_bswap16((u16)x));
}

LEMMA(tnum_bswap32, TNUM)
{
	GIVEN_TNUM;
	return holds(tnum_bswap(a, 32), __builtin_bswap32((u32)x));
}

LEMMA(tnum_bswap64, TNUM) { GIVEN_TNUM; return holds(tnum_bswap(a, 64), __builtin_bswap64(x)); }

LEMMA(tnum_range, u64 min, u64 max, u64 x)
{
	PREMISE(min <= x && x <= max);
	return holds(tnum_range(min, max), x);
}

/* The member found is one, on the right side, and none is nearer. */
LEMMA(tnum_ceil, TNUM, u64 v)
{
	u64 m;

	GIVEN_TNUM;
	PREMISE(x >= v);
	return tnum_ceil(a, v, &m) && tnum_has(a, m) && m >= v && m <= x;
}

LEMMA(tnum_floor, TNUM, u64 v)
{
	u64 m;

	GIVEN_TNUM;
	PREMISE(x <= v);
	return tnum_floor(a, v, &m) && tnum_has(a, m) && m <= v && m >= x;
}

LEMMA(tnum_ceil_none, TNUM, u64 v)
{
	u64 m;

	GIVEN_TNUM;
	PREMISE(!tnum_ceil(a, v, &m));
	return x < v;
}

/* ---- bounds ---------------------------------------------------------------- */

static bool in(const struct range *r, u64 v, unsigned w)
{
	s64 s = word_signed(v, w);

	return r->umin <= v && v <= r->umax && r->smin <= s && s <= r->smax;
}

/* X is a word of W bits within R, whose bounds are words of W bits. */
static bool given(const struct range *r, u64 x, unsigned w)
{
	return in(r, x, w) && r->umax <= word_max(w) && r->smin >= -(s64)(word_max(w) >> 1) - 1 &&
	       r->smax <= (s64)(word_max(w) >> 1);
}

#define RANGE(r) u64 r##0, u64 r##1, s64 r##2, s64 r##3
#define THE(r) struct range r = { r##0, r##1, r##2, r##3 }

LEMMA(arc_cut, u64 min, u64 max, u64 lo, u64 hi, u64 x)
{
	PREMISE(min <= x && x <= max && x - lo <= hi - lo);
	return arc_cut(&min, &max, lo, hi) && min <= x && x <= max;
}

/* No smaller range would do. */
LEMMA(arc_cut_exact, u64 min, u64 max, u64 lo, u64 hi)
{
	PREMISE(min <= max && arc_cut(&min, &max, lo, hi));
	return min - lo <= hi - lo && max - lo <= hi - lo;
}

#define LEMMA_CUT(w) \
LEMMA(arc_cut_signed##w, s64 min, s64 max, u64 lo, u64 hi, u64 x) \
{ \
	u64 all = word_max(w); \
	s64 sx = word_signed(x, w); \
	PREMISE(lo <= all && hi <= all && x <= all && min == word_signed((u64)min, w) && \
		max == word_signed((u64)max, w)); \
	PREMISE(min <= sx && sx <= max && ((x - lo) & all) <= ((hi - lo) & all)); \
	return arc_cut_signed(&min, &max, lo, hi, w) && min <= sx && sx <= max; \
} \
LEMMA(range_cut##w, RANGE(r), u64 lo, u64 hi, u64 x) \
{ \
	THE(r); \
	PREMISE(given(&r, x, w) && ((x - lo) & word_max(w)) <= ((hi - lo) & word_max(w))); \
	return range_cut(&r, w, lo, hi) && in(&r, x, w); \
}
LEMMA_CUT(32)
LEMMA_CUT(64)

/*
 * Sums lie on the arc that range_add cuts by when it is no longer than the word,
 * and differences on that of range_sub; with range_cut this is range_add and
 * range_sub in parts.
 */
#define LEMMA_ARC(w, order, in_order) \
LEMMA(arc_sum_##order##w, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	u64 all = word_max(w), from, to; \
	THE(a); \
	THE(b); \
	PREMISE(given(&a, x, w) && given(&b, y, w)); \
	PREMISE((u128)span(&a, in_order) + span(&b, in_order) <= all); \
	from = in_order ? (u64)a.smin + (u64)b.smin : a.umin + b.umin; \
	to = in_order ? (u64)a.smax + (u64)b.smax : a.umax + b.umax; \
	return ((x + y - from) & all) <= ((to - from) & all); \
} \
LEMMA(arc_difference_##order##w, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	u64 all = word_max(w), from, to; \
	THE(a); \
	THE(b); \
	PREMISE(given(&a, x, w) && given(&b, y, w)); \
	PREMISE((u128)span(&a, in_order) + span(&b, in_order) <= all); \
	from = in_order ? (u64)a.smin - (u64)b.smax : a.umin - b.umax; \
	to = in_order ? (u64)a.smax - (u64)b.smin : a.umax - b.umin; \
	return ((x - y - from) & all) <= ((to - from) & all); \
}
LEMMA_ARC(32, unsigned, false)
LEMMA_ARC(64, unsigned, false)
LEMMA_ARC(32, signed, true)
LEMMA_ARC(64, signed, true)

#define LEMMA_RANGE(name, w, result) \
LEMMA(range_##name##w, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	struct range r; \
	THE(a); \
	THE(b); \
	PREMISE(given(&a, x, w) && given(&b, y, w)); \
	r = range_##name(&a, &b, w); \
	return in(&r, (result) & word_max(w), w); \
}
LEMMA_RANGE(add, 32, x + y)
LEMMA_RANGE(add, 64, x + y)
LEMMA_RANGE(sub, 32, x - y)
LEMMA_RANGE(sub, 64, x - y)
LEMMA_RANGE(and, 32, x & y)
LEMMA_RANGE(and, 64, x & y)
LEMMA_RANGE(or, 32, x | y)
LEMMA_RANGE(or, 64, x | y)
LEMMA_RANGE(xor, 32, x ^ y)
LEMMA_RANGE(xor, 64, x ^ y)
LEMMA_RANGE(mul, 32, x * y)
LEMMA_RANGE(mul, 64, x * y)

#define LEMMA_SHIFT(w, st) \
LEMMA(range_rsh##w, RANGE(a), u64 x, unsigned n, unsigned min, unsigned max) \
{ \
	struct count c = { min, max, { 0, 63 } }; \
	struct range r; \
	THE(a); \
	PREMISE(given(&a, x, w) && min <= n && n <= max && max < w); \
	r = range_rsh(&a, &c, w); \
	return in(&r, x >> n, w); \
} \
LEMMA(range_arsh##w, RANGE(a), u64 x, unsigned n, unsigned min, unsigned max) \
{ \
	struct count c = { min, max, { 0, 63 } }; \
	struct range r; \
	THE(a); \
	PREMISE(given(&a, x, w) && min <= n && n <= max && max < w); \
	r = range_arsh(&a, &c, w); \
	return in(&r, (u64)((st)x >> n) & word_max(w), w); \
} \
LEMMA(range_lsh##w, RANGE(a), u64 x, unsigned n, unsigned min, unsigned max) \
{ \
	struct count c = { min, max, { 0, 63 } }; \
	struct range r = range_full(w); \
	THE(a); \
	PREMISE(given(&a, x, w) && min <= n && n <= max && max < w); \
	cut_lsh(&r, &a, &c, w); \
	return in(&r, x << n & word_max(w), w); \
}
LEMMA_SHIFT(32, s32)
LEMMA_SHIFT(64, s64)

/* ---- division -------------------------------------------------------------- */

#define LEMMA_DIVISION(name, n, result) \
LEMMA(name##n, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	struct division d = { .w = n, .r = range_full(n), .a = { a0, a1, a2, a3 }, \
		.b = { b0, b1, b2, b3 }, .abits = { 0, word_max(n) }, \
		.bbits = { 0, word_max(n) }, .bits = { 0, word_max(n) } }; \
	PREMISE(given(&d.a, x, n) && given(&d.b, y, n)); \
	name(&d); \
	return in(&d.r, (u64)(result) & word_max(n), n); \
}
LEMMA_DIVISION(udiv, 32, (u32)y ? (u32)x / (u32)y : 0)
LEMMA_DIVISION(udiv, 64, y ? x / y : 0)
LEMMA_DIVISION(umod, 32, (u32)y ? (u32)x % (u32)y : x)
LEMMA_DIVISION(umod, 64, y ? x % y : x)

/* ---- reducing --------------------------------------------------------------- */

#define LEMMA_WORD(w) \
LEMMA(word_sync##w, RANGE(r), u64 tv, u64 tm, u64 x) \
{ \
	THE(r); \
	struct tnum t = { tv, tm }; \
	PREMISE(!(tv & tm) && given(&r, x, w) && tnum_has(t, x) && (tv | tm) <= word_max(w)); \
	return word_sync(&r, &t, w) && in(&r, x, w) && holds(t, x); \
}
LEMMA_WORD(32)
LEMMA_WORD(64)

#define LOW u64 l0, u64 l1, s32 l2, s32 l3
#define GIVEN_LOW \
	struct range low = { l0, l1, l2, l3 }; \
	PREMISE(l0 <= l1 && l1 <= UINT32_MAX && l2 <= l3 && in(&low, (u32)x, 32))

LEMMA(cut_low, LOW, u64 min, u64 max, u64 x)
{
	GIVEN_LOW;
	PREMISE(min <= x && x <= max);
	return cut_low(&low, min, max) && in(&low, (u32)x, 32);
}

/* As word_sync leaves both orders: neither improves the other. */
static bool orders_agree(const struct range *low)
{
	struct range l = *low;

	return arc_cut(&l.umin, &l.umax, (u32)l.smin, (u32)l.smax) &&
	       arc_cut_signed(&l.smin, &l.smax, l.umin, l.umax, 32) &&
	       l.umin == low->umin && l.umax == low->umax && l.smin == low->smin &&
	       l.smax == low->smax;
}

LEMMA(lift, LOW, RANGE(r), u64 x)
{
	GIVEN_LOW;
	THE(r);
	PREMISE(orders_agree(&low) && in(&r, x, 64));
	return lift(&r, &low) && in(&r, x, 64);
}

LEMMA(low_sync, LOW, RANGE(r), u64 tv, u64 tm, u64 x)
{
	struct scalar s = { { tv, tm }, r2, r3, r0, r1, l2, l3, (u32)l0, (u32)l1 };

	GIVEN_LOW;
	PREMISE(!(tv & tm) && r1 <= UINT32_MAX && scalar_has(&s, x));
	return low_sync(&s) && scalar_has(&s, x) && well_formed(s.bits);
}

/* ---- jumps ------------------------------------------------------------------ */

#define SIDES RANGE(a), RANGE(b), u64 av, u64 am, u64 bv, u64 bm, u64 x, u64 y
#define LEMMA_TEST(name, kind, w, cond) \
LEMMA(refine_##name##w, SIDES) \
{ \
	struct side a = { { a0, a1, a2, a3 }, { av, am } }; \
	struct side b = { { b0, b1, b2, b3 }, { bv, bm } }; \
	bool is; \
	PREMISE(!(av & am) && !(bv & bm) && given(&a.r, x, w) && given(&b.r, y, w) && \
		tnum_has(a.bits, x) && tnum_has(b.bits, y)); \
	is = cond; \
	return refine(kind, &a, &b, w, is) && in(&a.r, x, w) && in(&b.r, y, w) && \
	       holds(a.bits, x) && holds(b.bits, y); \
} \
LEMMA(decide_##name##w, SIDES) \
{ \
	struct side a = { { a0, a1, a2, a3 }, { av, am } }; \
	struct side b = { { b0, b1, b2, b3 }, { bv, bm } }; \
	PREMISE(!(av & am) && !(bv & bm) && given(&a.r, x, w) && given(&b.r, y, w) && \
		tnum_has(a.bits, x) && tnum_has(b.bits, y)); \
	return decide(kind, &a, &b) != ((cond) ? SCALAR_NEVER : SCALAR_ALWAYS); \
}
LEMMA_TEST(eq, TEST_EQ, 32, x == y)
LEMMA_TEST(eq, TEST_EQ, 64, x == y)
LEMMA_TEST(set, TEST_SET, 32, (x & y) != 0)
LEMMA_TEST(set, TEST_SET, 64, (x & y) != 0)
LEMMA_TEST(lt, TEST_LT, 32, x < y)
LEMMA_TEST(lt, TEST_LT, 64, x < y)
LEMMA_TEST(slt, TEST_SLT, 32, (s32)x < (s32)y)
LEMMA_TEST(slt, TEST_SLT, 64, (s64)x < (s64)y)

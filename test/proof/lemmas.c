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
#include "verify/range.h"
#include "verify/tnum.h"

/* What the compiler would leave as calls. */
#define INLINED static inline __attribute__((always_inline))
__attribute__((always_inline)) bool tnum_ceil(struct tnum t, u64 v, u64 *member);
__attribute__((always_inline)) bool tnum_floor(struct tnum t, u64 v, u64 *member);
__attribute__((always_inline)) bool tnum_meet(struct tnum *a, struct tnum b);
INLINED bool bits_cut(struct tnum t, u64 *min, u64 *max);
INLINED bool bits_cut_signed(struct tnum t, s64 *min, s64 *max, unsigned w);
INLINED bool word_one_sign(struct range *r, struct tnum *t, unsigned w);
struct side;
INLINED bool exclude(struct side *a, u64 v, unsigned w);
INLINED bool refine_set(struct side *a, struct side *b, unsigned w);
INLINED bool refine_clear(struct side *a, struct side *b);
INLINED bool word_sync(struct range *r, struct tnum *t, unsigned w);

#include "verify/tnum.c"
#include "verify/scalar.c"
#include "verify/scalar_alu.c"
#include "verify/scalar_branch.c"
#include "lemma.h"

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

/* What operations give that cut by arcs is in arcs.c. */
#define LEMMA_CUT_BY(w) \
LEMMA(cut_by##w, RANGE(r), u64 from, u64 to, u64 low, u64 high, u64 x) \
{ \
	u128 length = (u128)high << 64 | low; \
	THE(r); \
	PREMISE(given(&r, x, w) && (length > word_max(w) || on_arc(x, from, to, w))); \
	cut_by(&r, w, from, to, length); \
	return given(&r, x, w); \
}
LEMMA_CUT_BY(32)
LEMMA_CUT_BY(64)

/* ---- bitwise operations ------------------------------------------------------- */

/* One bound of the four in each case. */
static bool bound(const struct range *r, u64 v, unsigned w, unsigned the_case)
{
	switch (the_case) {
	case 0: return r->umin <= v;
	case 1: return v <= r->umax;
	case 2: return r->smin <= word_signed(v, w);
	default: return word_signed(v, w) <= r->smax;
	}
}

#define LEMMA_BITWISE(w) \
LEMMA_CASES(4, range_and##w, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	struct range r; \
	THE(a); \
	THE(b); \
	PREMISE(given(&a, x, w) && given(&b, y, w)); \
	r = range_and(&a, &b, w); \
	return bound(&r, x & y, w, the_case); \
} \
LEMMA(range_not##w, RANGE(a), u64 x) \
{ \
	struct range r; \
	THE(a); \
	PREMISE(given(&a, x, w)); \
	r = range_not(&a, w); \
	return given(&r, ~x & word_max(w), w); \
} \
LEMMA_CASES(4, range_or##w, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	struct range r, na, nb; \
	THE(a); \
	THE(b); \
	PREMISE(given(&a, x, w) && given(&b, y, w)); \
	na = range_not(&a, w); \
	nb = range_not(&b, w); \
	r = range_and(&na, &nb, w); \
	ASSUME(in(&r, ~x & ~y & word_max(w), w)); \
	r = range_or(&a, &b, w); \
	return bound(&r, x | y, w, the_case); \
} \
LEMMA_CASES(4, range_xor##w, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	struct range r; \
	THE(a); \
	THE(b); \
	PREMISE(given(&a, x, w) && given(&b, y, w)); \
	r = range_xor(&a, &b, w); \
	return bound(&r, x ^ y, w, the_case); \
}
LEMMA_BITWISE(32)
LEMMA_BITWISE(64)

/* ---- shifts --------------------------------------------------------------------- */

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
}
LEMMA_SHIFT(32, s32)
LEMMA_SHIFT(64, s64)

/* ---- reducing --------------------------------------------------------------- */

/*
 * word_sync and what calls it do nothing but cut, each time by what holds of all that is
 * left: so the lemmas are on the cuts. Those by arcs are above.
 */
INLINED bool ceil_holds(struct tnum t, u64 v, u64 x)
{
	u64 m;

	return x < v || (tnum_ceil(t, v, &m) && m >= v && m <= x);
}

INLINED bool floor_holds(struct tnum t, u64 v, u64 x)
{
	u64 m;

	return x > v || (tnum_floor(t, v, &m) && m <= v && m >= x);
}

LEMMA(bits_cut, TNUM, u64 min, u64 max)
{
	GIVEN_TNUM;
	PREMISE(min <= x && x <= max);
	ASSUME(ceil_holds(a, min, x) && floor_holds(a, max, x));
	return bits_cut(a, &min, &max) && min <= x && x <= max;
}

#define LEMMA_WORD(w) \
LEMMA(bits_cut_signed##w, TNUM, s64 min, s64 max) \
{ \
	u64 sign = word_sign(w); \
	struct tnum t; \
	GIVEN_TNUM; \
	PREMISE((av | am) <= word_max(w) && min == word_signed((u64)min, w) && \
		max == word_signed((u64)max, w)); \
	PREMISE(min <= word_signed(x, w) && word_signed(x, w) <= max); \
	t = (struct tnum){ av ^ (sign & ~am), am }; \
	ASSUME(ceil_holds(t, ((u64)min & word_max(w)) ^ sign, x ^ sign)); \
	ASSUME(floor_holds(t, ((u64)max & word_max(w)) ^ sign, x ^ sign)); \
	return bits_cut_signed(a, &min, &max, w) && min <= word_signed(x, w) && \
	       word_signed(x, w) <= max; \
} \
LEMMA(one_sign##w, RANGE(r), TNUM) \
{ \
	struct tnum t; \
	THE(r); \
	GIVEN_TNUM; \
	PREMISE((av | am) <= word_max(w) && given(&r, x, w)); \
	PREMISE(!((r0 ^ r1) & word_sign(w)));	/* arc_cut_exact */ \
	t = a; \
	ASSUME(tnum_meet(&t, tnum_range(r0, r1)) && holds(t, x)); \
	ASSUME(ceil_holds(t, r0, x) && floor_holds(t, r1, x)); \
	return word_one_sign(&r, &a, w) && in(&r, x, w) && holds(a, x); \
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

LEMMA(low_ceil, LOW, u64 v, u64 x)
{
	u64 m = v;

	GIVEN_LOW;
	PREMISE(orders_agree(&low) && v <= x);
	return low_ceil(&low, &m) && v <= m && m <= x;
}

LEMMA(low_floor, LOW, u64 v, u64 x)
{
	u64 m = v;

	GIVEN_LOW;
	PREMISE(orders_agree(&low) && v >= x);
	return low_floor(&low, &m) && v >= m && m >= x;
}

/* lift asks both for both orders. */
LEMMA(low_sync, LOW, RANGE(r), u64 tv, u64 tm, u64 x)
{
	struct scalar s = { { tv, tm }, r2, r3, r0, r1, l2, l3, (u32)l0, (u32)l1 };

	GIVEN_LOW;
	PREMISE(!(tv & tm) && r1 <= UINT32_MAX && scalar_has(&s, x));
	return low_sync(&s) && scalar_has(&s, x) && well_formed(s.bits);
}

/* ---- jumps ------------------------------------------------------------------ */

#define SIDES RANGE(a), RANGE(b), u64 av, u64 am, u64 bv, u64 bm, u64 x, u64 y
#define LEMMA_REFINE(name, kind, w, cond) \
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
}
#define LEMMA_DECIDE(name, kind, w, cond) \
LEMMA(decide_##name##w, SIDES) \
{ \
	struct side a = { { a0, a1, a2, a3 }, { av, am } }; \
	struct side b = { { b0, b1, b2, b3 }, { bv, bm } }; \
	PREMISE(!(av & am) && !(bv & bm) && given(&a.r, x, w) && given(&b.r, y, w) && \
		tnum_has(a.bits, x) && tnum_has(b.bits, y)); \
	return decide(kind, &a, &b) != ((cond) ? SCALAR_NEVER : SCALAR_ALWAYS); \
}
#define LEMMA_TEST(name, kind, w, cond) \
LEMMA_REFINE(name, kind, w, cond) \
LEMMA_DECIDE(name, kind, w, cond)
LEMMA_TEST(eq, TEST_EQ, 32, x == y)
LEMMA_TEST(eq, TEST_EQ, 64, x == y)
LEMMA_TEST(lt, TEST_LT, 32, x < y)
LEMMA_TEST(lt, TEST_LT, 64, x < y)
LEMMA_TEST(slt, TEST_SLT, 32, (s32)x < (s32)y)
LEMMA_TEST(slt, TEST_SLT, 64, (s64)x < (s64)y)
LEMMA_DECIDE(set, TEST_SET, 32, (x & y) != 0)
LEMMA_DECIDE(set, TEST_SET, 64, (x & y) != 0)

/* Taken or not, and one part of what is said of one side. */
#define LEMMA_SET(w) \
LEMMA_CASES(8, refine_set##w, SIDES) \
{ \
	struct side a = { { a0, a1, a2, a3 }, { av, am } }; \
	struct side b = { { b0, b1, b2, b3 }, { bv, bm } }; \
	bool is = the_case & 1; \
	PREMISE(!(av & am) && !(bv & bm) && given(&a.r, x, w) && given(&b.r, y, w) && \
		tnum_has(a.bits, x) && tnum_has(b.bits, y)); \
	CASE_IF(0, x & y); \
	if (!(is ? refine_set(&a, &b, w) : refine_clear(&a, &b))) \
		return false; \
	switch (the_case >> 1) { \
	case 0: return in(&a.r, x, w); \
	case 1: return in(&b.r, y, w); \
	case 2: return holds(a.bits, x); \
	default: return holds(b.bits, y); \
	} \
}
LEMMA_SET(32)
LEMMA_SET(64)

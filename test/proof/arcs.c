/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arcs.c: lemmas on operations that bound what they give by arcs (range.h). cut_by and
 * range_cut are another function here: it notes the arcs, of which no operation has more
 * than two. The lemmas say that the result lies on both; that the real ones keep what lies
 * on the arc that they are given are the lemmas cut_by and range_cut of lemmas.c.
 */
#include "verify/range.h"
#include "verify/tnum.c"

/* Before the first all words of R, which are an arc in either order, are both arcs. */
static void note_arc(struct range *r, unsigned w, u64 from, u64 to, u128 length)
{
	if (length > word_max(w))
		return;
	r->smin = (s64)r->umin;
	r->smax = (s64)r->umax;
	r->umin = from;
	r->umax = to;
}

#define cut_by note_arc
#define range_cut(r, w, from, to) note_arc(r, w, from, to, 0)
static inline __attribute__((always_inline)) struct range
range_mul(const struct range *a, const struct range *b, unsigned w);
#include "verify/scalar_alu.c"
#include "lemma.h"

/* One of the two arcs in each case. */
static bool on_one(const struct range *r, u64 v, unsigned w, unsigned the_case)
{
	return the_case ? on_arc(v, (u64)r->smin, (u64)r->smax, w)
			: on_arc(v, r->umin, r->umax, w);
}

#define LEMMA_RING(name, w, result) \
LEMMA_CASES(2, arcs_##name##w, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	struct range r; \
	THE(a); \
	THE(b); \
	PREMISE(given(&a, x, w) && given(&b, y, w)); \
	r = range_##name(&a, &b, w); \
	return on_one(&r, (result) & word_max(w), w, the_case); \
}
LEMMA_RING(add, 32, x + y)
LEMMA_RING(add, 64, x + y)
LEMMA_RING(sub, 32, x - y)
LEMMA_RING(sub, 64, x - y)

/*
 * Products and shifts: "prove" lets any number stand for those that the code computes.
 * U and S stand for the exact result of members, of words without sign and with it, in
 * 128 bits, where nothing is lost. What is assumed of them are facts on integers
 * (integers.smt2), where a shift by N is a product with 2^N.
 */
#define ALIKE(w) ASSUME(!((U ^ (u128)S) & word_max(w)))

#define LEMMA_MUL(w) \
LEMMA_CASES(2, arcs_mul##w, RANGE(a), RANGE(b), u128 U, s128 S) \
{ \
	struct range r; \
	s128 p = (s128)a2 * b2, q = (s128)a2 * b3, s = (s128)a3 * b2, t = (s128)a3 * b3; \
	THE(a); \
	THE(b); \
	ALIKE(w); \
	/* product_grows, product_hull */ \
	ASSUME((u128)a0 * b0 <= U && U <= (u128)a1 * b1); \
	ASSUME(min_s128(min_s128(p, q), min_s128(s, t)) <= S); \
	ASSUME(max_s128(max_s128(p, q), max_s128(s, t)) >= S); \
	r = range_mul(&a, &b, w); \
	return on_one(&r, (u64)U & word_max(w), w, the_case); \
}
LEMMA_MUL(32)
LEMMA_MUL(64)

#define LEMMA_LSH(w) \
LEMMA_CASES(2, arcs_lsh##w, RANGE(a), unsigned min, unsigned max, u128 U, s128 S) \
{ \
	struct count c = { min, max, { 0, 63 } }; \
	struct range r = range_full(w); \
	THE(a); \
	PREMISE(min <= max && max < w); \
	ALIKE(w); \
	/* product_grows, shift_between */ \
	ASSUME((u128)a0 << min <= U && U <= (u128)a1 << max); \
	ASSUME(a2 * ((s128)1 << (a2 < 0 ? max : min)) <= S); \
	ASSUME(a3 * ((s128)1 << (a3 < 0 ? min : max)) >= S); \
	cut_lsh(&r, &a, &c, w); \
	return on_one(&r, (u64)U & word_max(w), w, the_case); \
}
LEMMA_LSH(32)
LEMMA_LSH(64)

/* ---- division -------------------------------------------------------------- */

#define LEMMA_DIVISION(name, n, result) \
LEMMA_CASES(2, name##n, RANGE(a), RANGE(b), u64 x, u64 y) \
{ \
	struct division d = { .w = n, .r = range_full(n), .a = { a0, a1, a2, a3 }, \
		.b = { b0, b1, b2, b3 }, .abits = { 0, word_max(n) }, \
		.bbits = { 0, word_max(n) }, .bits = { 0, word_max(n) } }; \
	PREMISE(given(&d.a, x, n) && given(&d.b, y, n)); \
	name(&d); \
	return on_one(&d.r, (u64)(result) & word_max(n), n, the_case); \
}
LEMMA_DIVISION(udiv, 32, (u32)y ? (u32)x / (u32)y : 0)
LEMMA_DIVISION(udiv, 64, y ? x / y : 0)
LEMMA_DIVISION(umod, 32, (u32)y ? (u32)x % (u32)y : x)
LEMMA_DIVISION(umod, 64, y ? x % y : x)

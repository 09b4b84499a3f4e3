/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lemma.h: what lemmas are made of; after the code that they are about.
 *
 * A lemma says "it does not hold that all premises are true and the conclusion is not":
 * premises are tests that return true. What another lemma says may be a premise, too
 * (ASSUME).
 */
#ifndef PROOF_LEMMA_H
#define PROOF_LEMMA_H

#define LEMMA(name, ...) \
	bool lemma_##name(__VA_ARGS__); \
	bool lemma_##name(__VA_ARGS__)
#define PREMISE(cond) do { if (!(cond)) return true; } while (0)
#define ASSUME PREMISE

/*
 * N lemmas, which "prove" asks for one by one: CASE is 0 to N - 1. They must cover all:
 * by CASE_IF, a bit each and N the power of two, or by a part of the conclusion each.
 */
#define LEMMA_CASES(n, name, ...) LEMMA_CASES_OF(n, name, __VA_ARGS__)
#define LEMMA_CASES_OF(n, name, ...) LEMMA(name##__##n, unsigned the_case, __VA_ARGS__)
#define CASE_IF(bit, cond) PREMISE(!!(cond) == (the_case >> (bit) & 1))

/* ---- bounds --------------------------------------------------------------- */

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

/* V is on the arc FROM..TO of words of W bits. */
static inline bool on_arc(u64 v, u64 from, u64 to, unsigned w)
{
	return ((v - from) & word_max(w)) <= ((to - from) & word_max(w));
}

#endif

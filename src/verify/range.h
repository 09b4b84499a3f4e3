/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * range.h: bounds of a word of W bits (1..64), in both orders. Private to the
 * scalar domain. Values of fewer than 64 bits stand zero-extended in umin and
 * umax, sign-extended in smin and smax.
 *
 * An arc is the words LO, LO + 1, ... HI modulo 2^W, all there are when
 * HI + 1 is LO. Any unbroken set of integers, seen modulo 2^W, is one as long as
 * it has at most 2^W members; so wrap-around needs no case of its own.
 */
#ifndef VERIFY_RANGE_H
#define VERIFY_RANGE_H

#include "base/base.h"

typedef unsigned __int128 u128;

struct range {
	u64 umin, umax;
	s64 smin, smax;
};

static inline u64 word_max(unsigned w) { return ~(u64)0 >> (64 - w); }
static inline u64 word_sign(unsigned w) { return (u64)1 << (w - 1); }
static inline s64 word_signed(u64 v, unsigned w)
{
	return (s64)(v << (64 - w)) >> (64 - w);
}

static inline s64 min_s64(s64 a, s64 b) { return a < b ? a : b; }
static inline s64 max_s64(s64 a, s64 b) { return a > b ? a : b; }

static inline struct range range_full(unsigned w)
{
	return (struct range){ 0, word_max(w), word_signed(word_sign(w), w),
			       (s64)(word_max(w) >> 1) };
}

/* MIN..MAX without what is outside of the arc LO..HI; false when empty. */
static inline bool arc_cut(u64 *min, u64 *max, u64 lo, u64 hi)
{
	bool below, above;

	if (lo <= hi) {
		*min = max_u64(*min, lo);
		*max = min_u64(*max, hi);
		return *min <= *max;
	}
	below = *min <= hi;
	above = *max >= lo;
	if (below && !above)
		*max = min_u64(*max, hi);
	if (above && !below)
		*min = max_u64(*min, lo);
	return below || above;
}

/* The same for signed bounds: with the sign bit inverted they order as unsigned. */
static inline bool arc_cut_signed(s64 *min, s64 *max, u64 lo, u64 hi, unsigned w)
{
	u64 sign = word_sign(w), all = word_max(w);
	u64 from = ((u64)*min & all) ^ sign, to = ((u64)*max & all) ^ sign;

	if (!arc_cut(&from, &to, lo ^ sign, hi ^ sign))
		return false;
	*min = word_signed(from ^ sign, w);
	*max = word_signed(to ^ sign, w);
	return true;
}

/* LO and HI may have bits above W. */
static inline bool range_cut(struct range *r, unsigned w, u64 lo, u64 hi)
{
	lo &= word_max(w);
	hi &= word_max(w);
	return arc_cut(&r->umin, &r->umax, lo, hi) &&
	       arc_cut_signed(&r->smin, &r->smax, lo, hi, w);
}

/* The integers FROM..TO modulo the word; nothing when there are too many. */
static inline void cut_by(struct range *r, unsigned w, u64 from, u64 to, u128 length)
{
	if (length <= word_max(w))
		range_cut(r, w, from, to);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* scalar.c: scalars apart from instructions; see scalar.h. */
#include "verify/range.h"
#include "verify/scalar.h"

/* Values need few rounds. Each round that goes on has improved something, so
 * stopping early would only be less precise. */
enum { ROUNDS = 16 };

/* ---- making -------------------------------------------------------------- */

struct scalar scalar_unknown(void)
{
	return (struct scalar){ TNUM_UNKNOWN, INT64_MIN, INT64_MAX, 0, UINT64_MAX,
				INT32_MIN, INT32_MAX, 0, UINT32_MAX };
}

struct scalar scalar_const(u64 v)
{
	return (struct scalar){ tnum_const(v), (s64)v, (s64)v, v, v,
				(s32)v, (s32)v, (u32)v, (u32)v };
}

struct scalar scalar_urange(u64 min, u64 max)
{
	struct scalar s = scalar_unknown();

	s.umin = min;
	s.umax = max;
	scalar_sync(&s);
	return s;
}

struct scalar scalar_srange(s64 min, s64 max)
{
	struct scalar s = scalar_unknown();

	s.smin = min;
	s.smax = max;
	scalar_sync(&s);
	return s;
}

struct scalar scalar_load(unsigned bytes, bool sign)
{
	u64 max = word_max(bytes * 8);

	if (sign)
		return scalar_srange(-(s64)(max >> 1) - 1, (s64)(max >> 1));
	return scalar_urange(0, max);
}

/* ---- asking -------------------------------------------------------------- */

bool scalar_eq(const struct scalar *a, const struct scalar *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool scalar_is_unknown(const struct scalar *s)
{
	struct scalar any = scalar_unknown();

	return scalar_eq(s, &any);
}

bool scalar_has(const struct scalar *s, u64 v)
{
	return tnum_has(s->bits, v) && s->umin <= v && v <= s->umax &&
	       s->smin <= (s64)v && (s64)v <= s->smax &&
	       s->u32_min <= (u32)v && (u32)v <= s->u32_max &&
	       s->s32_min <= (s32)v && (s32)v <= s->s32_max;
}

bool scalar_subset(const struct scalar *new, const struct scalar *old)
{
	return tnum_subset(new->bits, old->bits) &&
	       old->umin <= new->umin && new->umax <= old->umax &&
	       old->smin <= new->smin && new->smax <= old->smax &&
	       old->u32_min <= new->u32_min && new->u32_max <= old->u32_max &&
	       old->s32_min <= new->s32_min && new->s32_max <= old->s32_max;
}

/* ---- reducing ------------------------------------------------------------ */

/* MIN..MAX from its first member of T to its last. */
static bool bits_cut(struct tnum t, u64 *min, u64 *max)
{
	return tnum_ceil(t, *min, min) && tnum_floor(t, *max, max) && *min <= *max;
}

/* The same for signed bounds of words of W bits. */
static bool bits_cut_signed(struct tnum t, s64 *min, s64 *max, unsigned w)
{
	u64 sign = word_sign(w), all = word_max(w);
	u64 from = ((u64)*min & all) ^ sign, to = ((u64)*max & all) ^ sign;

	t.value ^= sign & ~t.mask;
	if (!bits_cut(t, &from, &to))
		return false;
	*min = word_signed(from ^ sign, w);
	*max = word_signed(to ^ sign, w);
	return true;
}

/* All words have the same sign, so both orders have the same bounds. */
static bool word_one_sign(struct range *r, struct tnum *t, unsigned w)
{
	if (!tnum_meet(t, tnum_range(r->umin, r->umax)) || !bits_cut(*t, &r->umin, &r->umax))
		return false;
	tnum_meet(t, tnum_range(r->umin, r->umax));
	r->smin = word_signed(r->umin, w);
	r->smax = word_signed(r->umax, w);
	return true;
}

/*
 * Words of W bits: both orders and the bits improve each other until nothing
 * changes. With both signs there is no common high bit, and each bound moves to
 * its next member once; if a sign has no members then, the other remains.
 */
static bool word_sync(struct range *r, struct tnum *t, unsigned w)
{
	for (int i = 0; i < 2; i++) {
		if (!arc_cut(&r->umin, &r->umax, (u64)r->smin & word_max(w),
			     (u64)r->smax & word_max(w)) ||
		    !arc_cut_signed(&r->smin, &r->smax, r->umin, r->umax, w))
			return false;
		if ((r->smin < 0) == (r->smax < 0))
			return word_one_sign(r, t, w);
		if (i || t->mask == word_max(w))
			break;
		if (!bits_cut(*t, &r->umin, &r->umax) ||
		    !bits_cut_signed(*t, &r->smin, &r->smax, w))
			return false;
	}
	return true;
}

/* The lower half of words of MIN..MAX in either order, when these are few. */
static bool cut_low(struct range *low, u64 min, u64 max)
{
	return max - min > UINT32_MAX || range_cut(low, 32, min, max);
}

static bool any_low(const struct range *low)
{
	return !low->umin && low->umax == UINT32_MAX && low->smin == INT32_MIN &&
	       low->smax == INT32_MAX;
}

/* The smallest word >= *V whose lower half is in LOW; false past the last. The
 * signed bounds of LOW leave out the middle of the unsigned ones, or nothing. */
static bool low_ceil(const struct range *low, u64 *v)
{
	u64 high = *v >> 32, half = (u32)*v;

	if (half > low->umax) {
		if (++high >> 32)
			return false;
		half = low->umin;
	}
	half = max_u64(half, low->umin);
	if ((s32)half < low->smin || (s32)half > low->smax)
		half = (u32)low->smin;
	*v = high << 32 | half;
	return true;
}

static bool low_floor(const struct range *low, u64 *v)
{
	u64 high = *v >> 32, half = (u32)*v;

	if (half < low->umin) {
		if (!high--)
			return false;
		half = low->umax;
	}
	half = min_u64(half, low->umax);
	if ((s32)half < low->smin || (s32)half > low->smax)
		half = (u32)low->smax;
	*v = high << 32 | half;
	return true;
}

/* From the bounds of the lower half to those of the whole. */
static bool lift(struct range *r, const struct range *low)
{
	u64 min = (u64)r->smin ^ word_sign(64), max = (u64)r->smax ^ word_sign(64);

	if (!low_ceil(low, &r->umin) || !low_floor(low, &r->umax) || r->umin > r->umax ||
	    !low_ceil(low, &min) || !low_floor(low, &max) || min > max)
		return false;
	r->smin = (s64)(min ^ word_sign(64));
	r->smax = (s64)(max ^ word_sign(64));
	return true;
}

static bool range_eq(const struct range *a, const struct range *b)
{
	return a->umin == b->umin && a->umax == b->umax && a->smin == b->smin &&
	       a->smax == b->smax;
}

/* The whole and its lower half in turn. */
static bool halves_sync(struct range *r, struct range *low, struct tnum *t)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct range r_before, low_before;
		struct tnum half, half_before;

		if (!word_sync(r, t, 64))
			return false;
		half = tnum_zext(*t, 32);
		if (!cut_low(low, r->umin, r->umax) ||
		    !cut_low(low, (u64)r->smin, (u64)r->smax))
			return false;
		if (any_low(low) && half.mask == UINT32_MAX)
			break;
		half_before = half;
		low_before = *low;
		r_before = *r;
		if (!word_sync(low, &half, 32) || !lift(r, low))
			return false;
		*t = tnum_with_low(*t, half);
		if (range_eq(r, &r_before) && range_eq(low, &low_before) &&
		    tnum_eq(half, half_before))
			break;
	}
	return true;
}

static void put(struct scalar *s, const struct range *r, const struct range *low, struct tnum t)
{
	*s = (struct scalar){ t, r->smin, r->smax, r->umin, r->umax, (s32)low->smin,
			      (s32)low->smax, (u32)low->umin, (u32)low->umax };
}

/* The upper half is 0: what is known of the whole is known of the lower half. */
static bool low_sync(struct scalar *s)
{
	struct range low = { max_u64(s->umin, s->u32_min), min_u64(s->umax, s->u32_max),
			     s->s32_min, s->s32_max };
	struct tnum t = s->bits;

	if (s->smin > 0)
		low.umin = max_u64(low.umin, (u64)s->smin);
	if (s->smax < 0)
		return false;
	low.umax = min_u64(low.umax, (u64)s->smax);
	if (low.umin > low.umax || low.smin > low.smax ||
	    !tnum_meet(&t, (struct tnum){ 0, UINT32_MAX }) || !word_sync(&low, &t, 32))
		return false;
	put(s, &(struct range){ low.umin, low.umax, (s64)low.umin, (s64)low.umax }, &low, t);
	return true;
}

bool scalar_sync(struct scalar *s)
{
	struct range r = { s->umin, s->umax, s->smin, s->smax };
	struct range low = { s->u32_min, s->u32_max, s->s32_min, s->s32_max };
	struct tnum t = s->bits;

	if (!t.mask) {
		if (!scalar_has(s, t.value))
			return false;
		*s = scalar_const(t.value);
		return true;
	}
	if (s->umax <= UINT32_MAX)
		return low_sync(s);
	if (r.umin > r.umax || r.smin > r.smax || low.umin > low.umax || low.smin > low.smax ||
	    !halves_sync(&r, &low, &t))
		return false;
	put(s, &r, &low, t);
	return true;
}

/* ---- combining ----------------------------------------------------------- */

bool scalar_meet(struct scalar *a, const struct scalar *b)
{
	if (!tnum_meet(&a->bits, b->bits))
		return false;
	a->umin = max_u64(a->umin, b->umin);
	a->umax = min_u64(a->umax, b->umax);
	a->smin = max_s64(a->smin, b->smin);
	a->smax = min_s64(a->smax, b->smax);
	a->u32_min = (u32)max_u64(a->u32_min, b->u32_min);
	a->u32_max = (u32)min_u64(a->u32_max, b->u32_max);
	a->s32_min = (s32)max_s64(a->s32_min, b->s32_min);
	a->s32_max = (s32)min_s64(a->s32_max, b->s32_max);
	return scalar_sync(a);
}

/* Each part of both, not reduced. */
static struct scalar hull(const struct scalar *a, const struct scalar *b)
{
	return (struct scalar){
		.bits = tnum_join(a->bits, b->bits),
		.umin = min_u64(a->umin, b->umin),
		.umax = max_u64(a->umax, b->umax),
		.smin = min_s64(a->smin, b->smin),
		.smax = max_s64(a->smax, b->smax),
		.u32_min = (u32)min_u64(a->u32_min, b->u32_min),
		.u32_max = (u32)max_u64(a->u32_max, b->u32_max),
		.s32_min = (s32)min_s64(a->s32_min, b->s32_min),
		.s32_max = (s32)max_s64(a->s32_max, b->s32_max),
	};
}

struct scalar scalar_join(const struct scalar *a, const struct scalar *b)
{
	struct scalar s = hull(a, b);

	scalar_sync(&s);
	return s;
}

/* The number of thresholds below V. */
static size_t below(const s64 *list, size_t n, s64 v)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (list[mid] < v)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

/* The smallest threshold >= V, at most MAX; the largest <= V, at least MIN. */
static s64 next_up(const s64 *list, size_t n, s64 v, s64 max)
{
	size_t i = below(list, n, v);

	return i < n && list[i] < max ? list[i] : max;
}

static s64 next_down(const s64 *list, size_t n, s64 v, s64 min)
{
	size_t i = v == INT64_MAX ? n : below(list, n, v + 1);

	return i && list[i - 1] > min ? list[i - 1] : min;
}

/* In unsigned order the negative thresholds follow the others. */
static u64 next_up_unsigned(const s64 *list, size_t n, u64 v)
{
	size_t i = below(list, n, (s64)v);

	if (i < n && (list[i] < 0 || (s64)v >= 0))
		return (u64)list[i];
	return (s64)v >= 0 && n && list[0] < 0 ? (u64)list[0] : UINT64_MAX;
}

static u64 next_down_unsigned(const s64 *list, size_t n, u64 v)
{
	size_t i = (s64)v == INT64_MAX ? n : below(list, n, (s64)v + 1);

	if (i && (list[i - 1] >= 0 || (s64)v < 0))
		return (u64)list[i - 1];
	return (s64)v < 0 && n && list[n - 1] >= 0 ? (u64)list[n - 1] : 0;
}

struct scalar scalar_widen(const struct scalar *old, const struct scalar *new,
			   const s64 *t, size_t n)
{
	struct scalar s = hull(old, new);
	u64 lost = s.bits.mask & ~old->bits.mask;

	if (lost)
		s.bits.mask |= -(lost & -lost);
	s.bits.value &= ~s.bits.mask;
	if (s.umax != old->umax)
		s.umax = next_up_unsigned(t, n, s.umax);
	if (s.umin != old->umin)
		s.umin = next_down_unsigned(t, n, s.umin);
	if (s.smax != old->smax)
		s.smax = next_up(t, n, s.smax, INT64_MAX);
	if (s.smin != old->smin)
		s.smin = next_down(t, n, s.smin, INT64_MIN);
	if (s.u32_max != old->u32_max)
		s.u32_max = (u32)next_up(t, n, s.u32_max, UINT32_MAX);
	if (s.u32_min != old->u32_min)
		s.u32_min = (u32)next_down(t, n, s.u32_min, 0);
	if (s.s32_max != old->s32_max)
		s.s32_max = (s32)next_up(t, n, s.s32_max, INT32_MAX);
	if (s.s32_min != old->s32_min)
		s.s32_min = (s32)next_down(t, n, s.s32_min, INT32_MIN);
	return s;
}

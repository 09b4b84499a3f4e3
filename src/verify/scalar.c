/* SPDX-License-Identifier: BSD-2-Clause */
/* scalar.c: scalars apart from instructions; see scalar.h. */
#include "verify/range.h"
#include "verify/scalar.h"

/* Far more than any value was seen to need (4); each round that goes on has
 * improved something, so stopping early would only be less precise. */
enum { ROUNDS = 16 };

#define SIGN64 ((u64)1 << 63)
#define SIGN32 ((u32)1 << 31)

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

/* The lower half lies on the arc LO..HI. */
static bool cut_low(struct scalar *s, u32 lo, u32 hi)
{
	u64 umin = s->u32_min, umax = s->u32_max;
	s64 smin = s->s32_min, smax = s->s32_max;

	if (!arc_cut(&umin, &umax, lo, hi) || !arc_cut_signed(&smin, &smax, lo, hi, 32))
		return false;
	s->u32_min = (u32)umin;
	s->u32_max = (u32)umax;
	s->s32_min = (s32)smin;
	s->s32_max = (s32)smax;
	return true;
}

/* The whole lies in MIN..MAX of either order: if that is short, so does the half. */
static bool cut_low_by(struct scalar *s, u64 min, u64 max)
{
	return max - min > UINT32_MAX || cut_low(s, (u32)min, (u32)max);
}

/* Both orders of 64 bits, then from 64 to 32, then both orders of 32. */
static bool sync_orders(struct scalar *s)
{
	return arc_cut(&s->umin, &s->umax, (u64)s->smin, (u64)s->smax) &&
	       arc_cut_signed(&s->smin, &s->smax, s->umin, s->umax, 64) &&
	       cut_low_by(s, s->umin, s->umax) &&
	       cut_low_by(s, (u64)s->smin, (u64)s->smax) &&
	       cut_low(s, (u32)s->s32_min, (u32)s->s32_max) &&
	       cut_low(s, s->u32_min, s->u32_max);
}

/* The smallest word >= *V whose lower half is allowed; false past the last. */
static bool low_ceil(const struct scalar *s, u64 *v)
{
	u32 low = (u32)*v;
	u64 high = *v >> 32;

	if (low > s->u32_max) {
		if (++high >> 32)
			return false;
		low = s->u32_min;
	}
	if (low < s->u32_min)
		low = s->u32_min;
	/* the signed bounds leave out the middle, or nothing more */
	if ((s32)low < s->s32_min || (s32)low > s->s32_max)
		low = (u32)s->s32_min;
	*v = high << 32 | low;
	return true;
}

static bool low_floor(const struct scalar *s, u64 *v)
{
	u32 low = (u32)*v;
	u64 high = *v >> 32;

	if (low < s->u32_min) {
		if (!high--)
			return false;
		low = s->u32_max;
	}
	if (low > s->u32_max)
		low = s->u32_max;
	if ((s32)low < s->s32_min || (s32)low > s->s32_max)
		low = (u32)s->s32_max;
	*v = high << 32 | low;
	return true;
}

/* From the bounds of the lower half to those of the whole. */
static bool sync_high(struct scalar *s)
{
	u64 min = (u64)s->smin ^ SIGN64, max = (u64)s->smax ^ SIGN64;

	if (s->u32_min == 0 && s->u32_max == UINT32_MAX && s->s32_min == INT32_MIN &&
	    s->s32_max == INT32_MAX)
		return true;
	if (!low_ceil(s, &s->umin) || !low_floor(s, &s->umax) || s->umin > s->umax ||
	    !low_ceil(s, &min) || !low_floor(s, &max) || min > max)
		return false;
	s->smin = (s64)(min ^ SIGN64);
	s->smax = (s64)(max ^ SIGN64);
	return true;
}

static bool sync_bits(struct scalar *s)
{
	struct tnum low = tnum_zext(s->bits, 32);

	if (!tnum_meet(&low, tnum_range(s->u32_min, s->u32_max)))
		return false;
	s->bits = tnum_with_low(s->bits, low);
	return tnum_meet(&s->bits, tnum_range(s->umin, s->umax));
}

/* MIN..MAX from its first member of T to its last. */
static bool bits_cut(struct tnum t, u64 *min, u64 *max)
{
	return tnum_ceil(t, *min, min) && tnum_floor(t, *max, max) && *min <= *max;
}

/* T with the bit SIGN of every member inverted. */
static struct tnum flip(struct tnum t, u64 sign)
{
	return (struct tnum){ (t.value ^ sign) & ~t.mask, t.mask };
}

static bool sync_bounds(struct scalar *s)
{
	struct tnum low = tnum_zext(s->bits, 32);
	u64 smin = (u64)s->smin ^ SIGN64, smax = (u64)s->smax ^ SIGN64;
	u64 u32_min = s->u32_min, u32_max = s->u32_max;
	u64 s32_min = (u32)s->s32_min ^ SIGN32, s32_max = (u32)s->s32_max ^ SIGN32;

	if (!bits_cut(s->bits, &s->umin, &s->umax) ||
	    !bits_cut(flip(s->bits, SIGN64), &smin, &smax) ||
	    !bits_cut(low, &u32_min, &u32_max) ||
	    !bits_cut(flip(low, SIGN32), &s32_min, &s32_max))
		return false;
	s->smin = (s64)(smin ^ SIGN64);
	s->smax = (s64)(smax ^ SIGN64);
	s->u32_min = (u32)u32_min;
	s->u32_max = (u32)u32_max;
	s->s32_min = (s32)((u32)s32_min ^ SIGN32);
	s->s32_max = (s32)((u32)s32_max ^ SIGN32);
	return true;
}

static bool sync_const(struct scalar *s)
{
	u64 v = s->bits.value;

	if (!scalar_has(s, v))
		return false;
	*s = scalar_const(v);
	return true;
}

bool scalar_sync(struct scalar *s)
{
	struct scalar before;

	for (int i = 0; i < ROUNDS; i++) {
		if (!s->bits.mask)
			return sync_const(s);
		before = *s;
		if (s->umin > s->umax || s->smin > s->smax || s->u32_min > s->u32_max ||
		    s->s32_min > s->s32_max)
			return false;
		if (!sync_orders(s) || !sync_high(s) || !sync_bits(s))
			return false;
		if (~s->bits.mask && !sync_bounds(s))
			return false;
		if (scalar_eq(&before, s))
			break;
	}
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

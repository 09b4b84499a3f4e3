/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar_branch.c: the conditional jumps on scalars. All conditions are one of
 * four, perhaps with operands exchanged or negated.
 */
#include "isa/isa.h"
#include "verify/range.h"
#include "verify/scalar.h"

enum test { TEST_EQ, TEST_SET, TEST_LT, TEST_SLT };

struct cond { enum test test; bool exchange, negate; };

static struct cond cond_of(unsigned kind)
{
	static const struct cond conds[] = {
		[KIND_JMP_JEQ] = { TEST_EQ, false, false },
		[KIND_JMP_JNE] = { TEST_EQ, false, true },
		[KIND_JMP_JSET] = { TEST_SET, false, false },
		[KIND_JMP_JLT] = { TEST_LT, false, false },
		[KIND_JMP_JGE] = { TEST_LT, false, true },
		[KIND_JMP_JGT] = { TEST_LT, true, false },
		[KIND_JMP_JLE] = { TEST_LT, true, true },
		[KIND_JMP_JSLT] = { TEST_SLT, false, false },
		[KIND_JMP_JSGE] = { TEST_SLT, false, true },
		[KIND_JMP_JSGT] = { TEST_SLT, true, false },
		[KIND_JMP_JSLE] = { TEST_SLT, true, true },
	};

	assert(kind >= KIND_JMP_JEQ && kind <= KIND_JMP_JSLE);
	return conds[kind];
}

/* What is compared: a word of 64 bits or its lower half. */
struct side { struct range r; struct tnum bits; };

static struct side side_of(const struct scalar *s, unsigned w)
{
	if (w == 64)
		return (struct side){ { s->umin, s->umax, s->smin, s->smax }, s->bits };
	return (struct side){ { s->u32_min, s->u32_max, s->s32_min, s->s32_max },
			      tnum_zext(s->bits, 32) };
}

static bool apply(struct scalar *s, const struct side *side, unsigned w)
{
	if (w == 64) {
		s->bits = side->bits;
		s->umin = side->r.umin;
		s->umax = side->r.umax;
		s->smin = side->r.smin;
		s->smax = side->r.smax;
		return scalar_sync(s);
	}
	s->bits = tnum_with_low(s->bits, side->bits);
	s->u32_min = (u32)side->r.umin;
	s->u32_max = (u32)side->r.umax;
	s->s32_min = (s32)side->r.smin;
	s->s32_max = (s32)side->r.smax;
	return scalar_sync(s);
}

/* ---- deciding ------------------------------------------------------------ */

static bool disjoint(const struct side *a, const struct side *b)
{
	return a->r.umin > b->r.umax || b->r.umin > a->r.umax ||
	       a->r.smin > b->r.smax || b->r.smin > a->r.smax ||
	       !tnum_overlap(a->bits, b->bits);
}

static enum scalar_truth truth(bool always, bool never)
{
	return always ? SCALAR_ALWAYS : never ? SCALAR_NEVER : SCALAR_UNSURE;
}

static enum scalar_truth decide(enum test test, const struct side *a, const struct side *b)
{
	switch (test) {
	case TEST_EQ:
		return truth(!a->bits.mask && tnum_eq(a->bits, b->bits), disjoint(a, b));
	case TEST_SET:
		return truth(a->bits.value & b->bits.value,
			     !((a->bits.value | a->bits.mask) & (b->bits.value | b->bits.mask)));
	case TEST_LT:
		return truth(a->r.umax < b->r.umin, a->r.umin >= b->r.umax);
	default:
		return truth(a->r.smax < b->r.smin, a->r.smin >= b->r.smax);
	}
}

enum scalar_truth scalar_branch_taken(unsigned kind, unsigned width, const struct scalar *a,
				      const struct scalar *b)
{
	struct cond c = cond_of(kind);
	struct side x = side_of(c.exchange ? b : a, width), y = side_of(c.exchange ? a : b, width);
	enum scalar_truth t = decide(c.test, &x, &y);

	if (c.test == TEST_EQ && width == 64 && t == SCALAR_UNSURE) {
		x = side_of(a, 32);
		y = side_of(b, 32);
		if (disjoint(&x, &y))
			t = SCALAR_NEVER;
	}
	if (c.negate && t != SCALAR_UNSURE)
		t = t == SCALAR_ALWAYS ? SCALAR_NEVER : SCALAR_ALWAYS;
	return t;
}

/* ---- refining ------------------------------------------------------------ */

static bool refine_equal(struct side *a, struct side *b)
{
	if (disjoint(a, b) || !tnum_meet(&a->bits, b->bits))
		return false;
	a->r.umin = max_u64(a->r.umin, b->r.umin);
	a->r.umax = min_u64(a->r.umax, b->r.umax);
	a->r.smin = max_s64(a->r.smin, b->r.smin);
	a->r.smax = min_s64(a->r.smax, b->r.smax);
	*b = *a;
	return true;
}

/* A is not V: bounds that are V move. False when nothing is left. */
static bool exclude(struct side *a, u64 v, unsigned w)
{
	s64 sv = word_signed(v, w);

	if (a->r.umin == a->r.umax)
		return a->r.umin != v;
	if (a->r.smin == a->r.smax)
		return a->r.smin != sv;
	a->r.umin += a->r.umin == v;
	a->r.umax -= a->r.umax == v;
	a->r.smin += a->r.smin == sv;
	a->r.smax -= a->r.smax == sv;
	return true;
}

static bool refine_unequal(struct side *a, struct side *b, unsigned w)
{
	if (!b->bits.mask && !exclude(a, b->bits.value, w))
		return false;
	return a->bits.mask || exclude(b, a->bits.value, w);
}

/* Some bit is 1 in both: where only one can be, it is. */
static bool refine_set(struct side *a, struct side *b, unsigned w)
{
	u64 both = (a->bits.value | a->bits.mask) & (b->bits.value | b->bits.mask);

	if (!both)
		return false;
	if (!(both & (both - 1)))
		return tnum_meet(&a->bits, (struct tnum){ both, ~both }) &&
		       tnum_meet(&b->bits, (struct tnum){ both, ~both });
	return exclude(a, 0, w) && exclude(b, 0, w);
}

/* No bit is 1 in both. */
static bool refine_clear(struct side *a, struct side *b)
{
	struct tnum without_b = { 0, ~b->bits.value }, without_a = { 0, ~a->bits.value };

	return tnum_meet(&a->bits, without_b) && tnum_meet(&b->bits, without_a);
}

/* A < B, or A <= B when OR_EQUAL. */
static bool refine_less(struct side *a, struct side *b, bool or_equal)
{
	u64 step = !or_equal;

	if (a->r.umin > b->r.umax || (step && a->r.umin == b->r.umax))
		return false;
	a->r.umax = min_u64(a->r.umax, b->r.umax - step);
	b->r.umin = max_u64(b->r.umin, a->r.umin + step);
	return true;
}

static bool refine_less_signed(struct side *a, struct side *b, bool or_equal)
{
	s64 step = !or_equal;

	if (a->r.smin > b->r.smax || (step && a->r.smin == b->r.smax))
		return false;
	a->r.smax = min_s64(a->r.smax, b->r.smax - step);
	b->r.smin = max_s64(b->r.smin, a->r.smin + step);
	return true;
}

static bool refine(enum test test, struct side *a, struct side *b, unsigned w, bool holds)
{
	switch (test) {
	case TEST_EQ:
		return holds ? refine_equal(a, b) : refine_unequal(a, b, w);
	case TEST_SET:
		return holds ? refine_set(a, b, w) : refine_clear(a, b);
	case TEST_LT:
		return holds ? refine_less(a, b, false) : refine_less(b, a, true);
	default:
		return holds ? refine_less_signed(a, b, false) : refine_less_signed(b, a, true);
	}
}

bool scalar_refine(unsigned kind, unsigned width, struct scalar *a, struct scalar *b, bool taken)
{
	struct cond c = cond_of(kind);
	bool holds = taken != c.negate;
	struct side x = side_of(a, width), y = side_of(b, width);

	if (c.test == TEST_EQ && holds && width == 64) {
		if (!scalar_meet(a, b))
			return false;
		*b = *a;
		return true;
	}
	if (!(c.exchange ? refine(c.test, &y, &x, width, holds)
			 : refine(c.test, &x, &y, width, holds)))
		return false;
	return apply(a, &x, width) && apply(b, &y, width);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tnum.h: known bits. A struct tnum stands for the words that agree with VALUE
 * wherever MASK is 0. In: tnums that are well formed (VALUE & MASK is 0); out:
 * the same. Never looks at ranges; that is scalar.h.
 *
 * Every operation is sound: what the concrete operation gives for members of
 * its operands is a member of the result. Addition, subtraction and the bitwise
 * operations give the smallest such tnum (Vishwanathan et al., "Sound, Precise,
 * and Fast Abstract Interpretation with Tristate Numbers", CGO 2022).
 */
#ifndef VERIFY_TNUM_H
#define VERIFY_TNUM_H

#include "base/base.h"

struct tnum {
	u64 value;	/* the bits that are known to be 1 */
	u64 mask;	/* the bits that are not known */
};

#define TNUM_UNKNOWN ((struct tnum){ 0, ~(u64)0 })

static inline struct tnum tnum_const(u64 v) { return (struct tnum){ v, 0 }; }
static inline bool tnum_is_const(struct tnum t) { return !t.mask; }
static inline bool tnum_is_unknown(struct tnum t) { return !~t.mask; }
static inline bool tnum_eq(struct tnum a, struct tnum b)
{
	return a.value == b.value && a.mask == b.mask;
}
/* V is a member of T. */
static inline bool tnum_has(struct tnum t, u64 v) { return (v & ~t.mask) == t.value; }
/* Every member of A is one of B. */
static inline bool tnum_subset(struct tnum a, struct tnum b)
{
	return !(a.mask & ~b.mask) && (a.value & ~b.mask) == b.value;
}
/* Some word is a member of both. */
static inline bool tnum_overlap(struct tnum a, struct tnum b)
{
	return !((a.value ^ b.value) & ~a.mask & ~b.mask);
}

/* The smallest tnum that holds all of MIN..MAX, MIN <= MAX unsigned. */
struct tnum tnum_range(u64 min, u64 max);
/* The smallest member >= V, the largest <= V, unsigned; false when none is. */
bool tnum_ceil(struct tnum t, u64 v, u64 *member);
bool tnum_floor(struct tnum t, u64 v, u64 *member);

struct tnum tnum_join(struct tnum a, struct tnum b);
/* *A becomes what both allow; false when that is nothing, *A is then as before. */
bool tnum_meet(struct tnum *a, struct tnum b);

struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_neg(struct tnum a);
struct tnum tnum_mul(struct tnum a, struct tnum b);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);
struct tnum tnum_not(struct tnum a);

/* Shifts of WIDTH (32 or 64) bits by a constant N < WIDTH. The upper half of A
 * is ignored when WIDTH is 32, and is 0 in the result. */
struct tnum tnum_lsh(struct tnum a, unsigned n, unsigned width);
struct tnum tnum_rsh(struct tnum a, unsigned n, unsigned width);
struct tnum tnum_arsh(struct tnum a, unsigned n, unsigned width);

/* The low BITS (1..64) bits of A, zero-extended or sign-extended. */
struct tnum tnum_zext(struct tnum a, unsigned bits);
struct tnum tnum_sext(struct tnum a, unsigned bits);
/* The low BITS (16, 32, 64) bits of A, their bytes swapped, zero-extended. */
struct tnum tnum_bswap(struct tnum a, unsigned bits);

/* A's upper half with LOW's lower half. */
static inline struct tnum tnum_with_low(struct tnum a, struct tnum low)
{
	return (struct tnum){ (a.value >> 32 << 32) | (u32)low.value,
			      (a.mask >> 32 << 32) | (u32)low.mask };
}

/* Number of low bits that are 0 in every member; 64 for the constant 0. */
static inline unsigned tnum_trailing_zeros(struct tnum t)
{
	u64 maybe = t.value | t.mask;

	return maybe ? (unsigned)__builtin_ctzll(maybe) : 64;
}

#endif

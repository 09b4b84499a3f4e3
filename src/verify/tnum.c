/* SPDX-License-Identifier: BSD-2-Clause */
/* tnum.c: the arithmetic of known bits; see tnum.h. */
#include "verify/tnum.h"

/* The tnum with known 1 bits ONES and unknown bits MASK. */
static struct tnum make(u64 ones, u64 mask)
{
	return (struct tnum){ ones & ~mask, mask };
}

static u64 low_bits(unsigned n) { return n < 64 ? ((u64)1 << n) - 1 : ~(u64)0; }

/* All bits up to and including the highest one of V. */
static u64 smear(u64 v) { return v ? ~(u64)0 >> __builtin_clzll(v) : 0; }

struct tnum tnum_range(u64 min, u64 max)
{
	return make(min, smear(min ^ max));
}

/*
 * V itself, when it is a member. Else V's highest bit P that is known to be
 * otherwise decides: if it is 1, V's bits above, 1, and the smallest rest. If it
 * is 0, an unknown bit above P that V has as 0 must become 1; the lowest such.
 */
bool tnum_ceil(struct tnum t, u64 v, u64 *member)
{
	u64 wrong = (v ^ t.value) & ~t.mask, tail = smear(wrong), up;

	if (!wrong) {
		*member = v;
		return true;
	}
	if (v < (v ^ (tail ^ tail >> 1))) {
		*member = (v & ~tail) | (t.value & tail);
		return true;
	}
	up = t.mask & ~v & ~tail;
	if (!up)
		return false;
	up &= -up;
	*member = (v & ~(up - 1)) | up | (t.value & (up - 1));
	return true;
}

/* Complements turn the order round. */
bool tnum_floor(struct tnum t, u64 v, u64 *member)
{
	if (!tnum_ceil(tnum_not(t), ~v, member))
		return false;
	*member = ~*member;
	return true;
}

struct tnum tnum_join(struct tnum a, struct tnum b)
{
	return make(a.value, a.mask | b.mask | (a.value ^ b.value));
}

bool tnum_meet(struct tnum *a, struct tnum b)
{
	if (!tnum_overlap(*a, b))
		return false;
	*a = make(a->value | b.value, a->mask & b.mask);
	return true;
}

/* A bit of the sum is unknown where one of the operands is, or where the carry
 * into it differs between the smallest and the largest sum. */
struct tnum tnum_add(struct tnum a, struct tnum b)
{
	u64 least = a.value + b.value, most = least + a.mask + b.mask;

	return make(least, (least ^ most) | a.mask | b.mask);
}

struct tnum tnum_sub(struct tnum a, struct tnum b)
{
	u64 diff = a.value - b.value;

	return make(diff, ((diff + a.mask) ^ (diff - b.mask)) | a.mask | b.mask);
}

struct tnum tnum_neg(struct tnum a) { return tnum_sub(tnum_const(0), a); }

struct tnum tnum_not(struct tnum a) { return (struct tnum){ ~(a.value | a.mask), a.mask }; }

/*
 * Long multiplication: a known 1 of A adds B, shifted; an unknown bit adds it or
 * not. One turn for each bit of A that may be 1.
 */
static struct tnum mul_long(struct tnum a, struct tnum b)
{
	struct tnum sum = tnum_const(0);
	u64 todo = a.value | a.mask;

	for (; todo; todo &= todo - 1) {
		unsigned n = (unsigned)__builtin_ctzll(todo);
		struct tnum part = { b.value << n, b.mask << n };
		struct tnum more = tnum_add(sum, part);

		sum = a.value >> n & 1 ? more : tnum_join(sum, more);
		if (!~(sum.mask >> n))
			break;
	}
	return sum;
}

/* Nothing is known of T but zeros at both ends. */
static bool is_block(struct tnum t)
{
	u64 up = t.mask | (t.mask - 1);

	return !t.value && t.mask && !(up & (up + 1));
}

/* Products of N-bit and M-bit numbers have up to N + M bits, and all zeros that
 * both have below; nothing more is common to them. */
static struct tnum mul_blocks(struct tnum a, struct tnum b)
{
	int zeros = __builtin_ctzll(a.mask) + __builtin_ctzll(b.mask);
	int bits = 128 - __builtin_clzll(a.mask) - __builtin_clzll(b.mask);
	u64 mask = bits < 64 ? ((u64)1 << bits) - 1 : ~(u64)0;

	return (struct tnum){ 0, zeros < 64 ? mask >> zeros << zeros : 0 };
}

struct tnum tnum_mul(struct tnum a, struct tnum b)
{
	struct tnum r, other;

	if (!a.mask && !b.mask)
		return tnum_const(a.value * b.value);
	if (is_block(a) && is_block(b))
		return mul_blocks(a, b);
	r = mul_long(a, b);
	if (!a.mask)
		return r;
	other = mul_long(b, a);
	tnum_meet(&r, other);
	return r;
}

struct tnum tnum_and(struct tnum a, struct tnum b)
{
	u64 ones = a.value & b.value;

	return make(ones, (a.value | a.mask) & (b.value | b.mask) & ~ones);
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
	u64 ones = a.value | b.value;

	return make(ones, (a.mask | b.mask) & ~ones);
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
	return make(a.value ^ b.value, a.mask | b.mask);
}

struct tnum tnum_lsh(struct tnum a, unsigned n, unsigned width)
{
	return tnum_zext((struct tnum){ a.value << n, a.mask << n }, width);
}

struct tnum tnum_rsh(struct tnum a, unsigned n, unsigned width)
{
	a = tnum_zext(a, width);
	return (struct tnum){ a.value >> n, a.mask >> n };
}

struct tnum tnum_arsh(struct tnum a, unsigned n, unsigned width)
{
	a = tnum_sext(a, width);
	a = (struct tnum){ (u64)((s64)a.value >> n), (u64)((s64)a.mask >> n) };
	return tnum_zext(a, width);
}

struct tnum tnum_zext(struct tnum a, unsigned bits)
{
	return (struct tnum){ a.value & low_bits(bits), a.mask & low_bits(bits) };
}

struct tnum tnum_sext(struct tnum a, unsigned bits)
{
	unsigned n = 64 - bits;

	return (struct tnum){ (u64)((s64)(a.value << n) >> n), (u64)((s64)(a.mask << n) >> n) };
}

struct tnum tnum_bswap(struct tnum a, unsigned bits)
{
	unsigned n = 64 - bits;

	return (struct tnum){ __builtin_bswap64(a.value) >> n, __builtin_bswap64(a.mask) >> n };
}

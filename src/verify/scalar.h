/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar.h: what the verifier knows of a number in a register or stack slot:
 * known bits and eight bounds, which all hold at once. In: instructions as kind
 * and width of isa/insn.def; out: the abstract value of their result. Knows no
 * registers, no pointers, no program. Everything is a pure function of its
 * arguments, allocates nothing and cannot fail.
 *
 * Sound: members of the operands lead to members of the result. On every
 * operation at least as precise as Linux 6.18 (test/unit/scalar_kernel_test.c).
 *
 * Values that functions here return are reduced (scalar_sync) unless they say
 * otherwise; arguments need not be.
 *
 *	scalar.c         making, reducing, comparing, joining, widening
 *	scalar_alu.c     the arithmetic instructions
 *	scalar_branch.c  the conditional jumps
 *	scalar_text.c    for people, and as the kernel's log has it
 *	range.h          the arithmetic of bounds (private)
 */
#ifndef VERIFY_SCALAR_H
#define VERIFY_SCALAR_H

#include "base/strbuf.h"
#include "verify/tnum.h"

struct scalar {
	struct tnum bits;
	s64 smin, smax;		/* of all 64 bits, signed */
	u64 umin, umax;		/* of all 64 bits, unsigned */
	s32 s32_min, s32_max;	/* of the lower 32 bits, signed */
	u32 u32_min, u32_max;	/* of the lower 32 bits, unsigned */
};

/* ---- making -------------------------------------------------------------- */

struct scalar scalar_unknown(void);
struct scalar scalar_const(u64 v);
struct scalar scalar_urange(u64 min, u64 max);	/* MIN <= MAX */
struct scalar scalar_srange(s64 min, s64 max);	/* MIN <= MAX */
/* What a load of BYTES (1, 2, 4, 8) of unknown memory gives, zero-extended or
 * sign-extended. */
struct scalar scalar_load(unsigned bytes, bool sign);
/* Keeps the low BYTES (1, 2, 4, 8) and zero-extends: what is read back of a
 * value that was stored whole. */
void scalar_cast(struct scalar *s, unsigned bytes);

/* ---- asking -------------------------------------------------------------- */

static inline bool scalar_is_const(const struct scalar *s) { return !s->bits.mask; }
/* The constant, where scalar_is_const. */
static inline u64 scalar_value(const struct scalar *s) { return s->bits.value; }
/* Nothing is known. */
bool scalar_is_unknown(const struct scalar *s);
/* V is allowed by everything that is known. */
bool scalar_has(const struct scalar *s, u64 v);
bool scalar_eq(const struct scalar *a, const struct scalar *b);
/* The pruning test: each thing known of OLD is known of NEW; so every member of
 * NEW is one of OLD. */
bool scalar_subset(const struct scalar *new, const struct scalar *old);

/* ---- reducing and combining ---------------------------------------------- */

/*
 * Lets each part of *S improve the others until nothing changes. False when no
 * number satisfies them all; *S is then unspecified. Loses no member.
 */
bool scalar_sync(struct scalar *s);
/* *A becomes what both allow. False when that is nothing. */
bool scalar_meet(struct scalar *a, const struct scalar *b);
/* The smallest scalar that holds both. */
struct scalar scalar_join(const struct scalar *a, const struct scalar *b);
/*
 * A scalar that holds both, for the head of a loop: a bound of OLD that NEW
 * exceeds goes on to the next of the N constants at THRESHOLDS (ascending,
 * signed), then to its type's end; of bits that differ all higher ones are
 * forgotten. NOT reduced, and must be compared and widened again as it is:
 * then it changes at most 8 * (N + 2) + 64 times. The loop's body may start
 * from a reduced copy.
 */
struct scalar scalar_widen(const struct scalar *old, const struct scalar *new,
			   const s64 *thresholds, size_t n);

/* ---- instructions -------------------------------------------------------- */

/*
 * DST = DST op SRC for a row of isa/insn.def: KIND is KIND_ALU_*, KIND_NEG,
 * KIND_MOV, KIND_MOVSX*, KIND_LE, KIND_BE or KIND_BSWAP, WIDTH the row's width.
 * An immediate is scalar_const of its sign extension. SRC is not read by NEG
 * and the byte swaps (may be NULL) and may be DST (the same abstract value, not
 * known to be the same number: scalar_alu_self knows). The machine is
 * little-endian.
 */
void scalar_alu(unsigned kind, unsigned width, struct scalar *dst, const struct scalar *src);
/* The same for one register in both places: r1 -= r1 is 0. */
void scalar_alu_self(unsigned kind, unsigned width, struct scalar *dst);

/*
 * DST, or its lower half, is a mask (-1 or 0), and KIND is AND or OR with a
 * constant: Linux 6.18 then follows the instruction with PARTS[0], where it is
 * -1, and later with PARTS[1], where it is 0, which says more than any scalar.
 * False when it does not.
 */
bool scalar_fork(unsigned kind, const struct scalar *dst, const struct scalar *src,
		 struct scalar parts[2]);

enum scalar_truth { SCALAR_NEVER, SCALAR_ALWAYS, SCALAR_UNSURE };

/*
 * Whether the jump "if A op B" is taken: KIND is KIND_JMP_J*, WIDTH 32 or 64.
 * UNSURE may still be one that scalar_refine finds impossible.
 */
enum scalar_truth scalar_branch_taken(unsigned kind, unsigned width, const struct scalar *a,
				      const struct scalar *b);
/*
 * Restricts *A and *B (different objects) to pairs for which the jump is TAKEN
 * or is not. False when there are none; *A and *B are then unspecified. The
 * comparison of a register with itself is the caller's.
 */
bool scalar_refine(unsigned kind, unsigned width, struct scalar *a, struct scalar *b, bool taken);

/* ---- text ---------------------------------------------------------------- */

/* Appends "5", "0..15", "a multiple of 4 in 0..60", "any number", ... */
void scalar_text(struct strbuf *out, const struct scalar *s);
/* Appends what the log of Linux 6.18 has after "R1=": "5" or "scalar(...)". ID
 * is that of linked registers, 0 for none; DELTA what was added to this one of
 * them since ("id=1+4"), or NULL. */
void scalar_log(struct strbuf *out, const struct scalar *s, u32 id, const s32 *delta);

#endif

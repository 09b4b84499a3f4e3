/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit.h: AArch64 machine code, one function for each form of instruction that we
 * use (Arm Architecture Reference Manual for A-profile, chapter C6). Writes at *P
 * and moves it; the caller sees to the room. Registers are the processor's numbers;
 * 31 is the zero register, and the stack pointer where an address or a sum wants it.
 * All of it is ARMv8.0 but the functions of the part on ARMv8.1.
 */
#ifndef JIT_A64_EMIT_H
#define JIT_A64_EMIT_H

#include "base/base.h"
#include <endian.h>

enum a64_reg {
	X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, X17, X18,
	X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, X29, X30, XZR, SP = XZR,
};

/* Conditions as in B.cond; the opposite is ^ 1. */
enum a64_cc {
	A_EQ, A_NE, A_HS, A_LO, A_MI, A_PL, A_VS, A_VC, A_HI, A_LS, A_GE, A_LT, A_GT, A_LE,
};

static inline u32 a_word(const u8 *at)
{
	u32 w;

	memcpy(&w, at, 4);
	return le32toh(w);
}

static inline void a_write(u8 *at, u32 word)
{
	word = htole32(word);
	memcpy(at, &word, 4);
}

static inline void a_put(u8 **p, u32 word)
{
	a_write(*p, word);
	*p += 4;
}

/* W = 64-bit. */
static inline u32 a_wide(bool w) { return (u32)w << 31; }

/* ---- registers ------------------------------------------------------------- */

/* OP rd, rn, rm */
static inline void a_rrr(u8 **p, bool w, u32 op, u32 rd, u32 rn, u32 rm)
{
	a_put(p, a_wide(w) | op | rm << 16 | rn << 5 | rd);
}

enum a64_alu {
	A_ADD = 0x0b000000, A_SUB = 0x4b000000, A_SUBS = 0x6b000000,
	A_AND = 0x0a000000, A_ORR = 0x2a000000, A_EOR = 0x4a000000, A_ANDS = 0x6a000000,
	A_ORN = 0x2a200000,
	A_UDIV = 0x1ac00800, A_SDIV = 0x1ac00c00,
	A_LSL = 0x1ac02000, A_LSR = 0x1ac02400, A_ASR = 0x1ac02800,
};

static inline void a_alu(u8 **p, bool w, enum a64_alu op, u32 rd, u32 rn, u32 rm)
{
	a_rrr(p, w, (u32)op, rd, rn, rm);
}

static inline void a_mov(u8 **p, bool w, u32 rd, u32 rm) { a_alu(p, w, A_ORR, rd, XZR, rm); }
static inline void a_mvn(u8 **p, bool w, u32 rd, u32 rm) { a_alu(p, w, A_ORN, rd, XZR, rm); }
static inline void a_neg(u8 **p, bool w, u32 rd, u32 rm) { a_alu(p, w, A_SUB, rd, XZR, rm); }
static inline void a_cmp(u8 **p, bool w, u32 rn, u32 rm) { a_alu(p, w, A_SUBS, XZR, rn, rm); }
static inline void a_tst(u8 **p, bool w, u32 rn, u32 rm) { a_alu(p, w, A_ANDS, XZR, rn, rm); }

static inline void a_mul(u8 **p, bool w, u32 rd, u32 rn, u32 rm)
{
	a_rrr(p, w, 0x1b007c00, rd, rn, rm);
}

/* rd = ra - rn * rm */
static inline void a_msub(u8 **p, bool w, u32 rd, u32 rn, u32 rm, u32 ra)
{
	a_rrr(p, w, 0x1b008000 | ra << 10, rd, rn, rm);
}

/* Bits of rn from R on to S: the signed and unsigned moves of fields. */
static inline void a_bitfield(u8 **p, bool w, bool sign, u32 rd, u32 rn, u32 r, u32 s)
{
	a_put(p, a_wide(w) | (u32)w << 22 | (sign ? 0x13000000u : 0x53000000u) | r << 16 |
	      s << 10 | rn << 5 | rd);
}

static inline void a_lsl_imm(u8 **p, bool w, u32 rd, u32 rn, u32 n)
{
	u32 last = w ? 63 : 31;

	a_bitfield(p, w, false, rd, rn, (last + 1 - n) & last, last - n);
}

static inline void a_lsr_imm(u8 **p, bool w, u32 rd, u32 rn, u32 n)
{
	a_bitfield(p, w, false, rd, rn, n, w ? 63 : 31);
}

static inline void a_asr_imm(u8 **p, bool w, u32 rd, u32 rn, u32 n)
{
	a_bitfield(p, w, true, rd, rn, n, w ? 63 : 31);
}

/* From BITS (8, 16, 32) of rn. */
static inline void a_uxt(u8 **p, u32 bits, u32 rd, u32 rn)
{
	if (bits == 32)
		a_mov(p, false, rd, rn);
	else
		a_bitfield(p, false, false, rd, rn, 0, bits - 1);
}

static inline void a_sxt(u8 **p, bool w, u32 bits, u32 rd, u32 rn)
{
	a_bitfield(p, w, true, rd, rn, 0, bits - 1);
}

/* The bytes of each 16 bits of wn; of wn; of xn. */
static inline void a_rev16(u8 **p, u32 rd, u32 rn) { a_put(p, 0x5ac00400 | rn << 5 | rd); }

static inline void a_rev(u8 **p, bool w, u32 rd, u32 rn)
{
	a_put(p, (w ? 0xdac00c00 : 0x5ac00800) | rn << 5 | rd);
}

/* ---- numbers ----------------------------------------------------------------- */

/* Does ADD or SUB take V, below 2^24, as 12 bits, perhaps shifted by 12? */
static inline bool a_fits_add(u64 v)
{
	return v < 4096 || (v < 1 << 24 && !(v & 4095));
}

/* OP (with its bit for numbers) rd, rn, #v */
static inline void a_add12(u8 **p, bool w, u32 op, u32 rd, u32 rn, u64 v)
{
	u32 high = v >= 4096;

	a_put(p, a_wide(w) | op | high << 22 | (u32)(high ? v >> 12 : v) << 10 | rn << 5 | rd);
}

enum { A_ADD_IMM = 0x11000000, A_SUB_IMM = 0x51000000 };
enum { A_ADDS_IMM = 0x31000000, A_SUBS_IMM = 0x71000000 };

/* rd = rn + v, when one instruction can; rd and rn may be SP. */
static inline bool a_add_imm(u8 **p, bool w, u32 rd, u32 rn, s64 v)
{
	u64 size = v < 0 ? 0 - (u64)v : (u64)v;

	if (!a_fits_add(size))
		return false;
	a_add12(p, w, v < 0 ? A_SUB_IMM : A_ADD_IMM, rd, rn, size);
	return true;
}

static inline bool a_cmp_imm(u8 **p, bool w, u32 rn, s64 v)
{
	u64 size = v < 0 ? 0 - (u64)v : (u64)v;

	if (!a_fits_add(size))
		return false;
	a_add12(p, w, v < 0 ? A_ADDS_IMM : A_SUBS_IMM, XZR, rn, size);
	return true;
}

static inline u64 a_ones(u32 n) { return n == 64 ? ~0ull : (1ull << n) - 1; }

/*
 * Numbers of logical instructions: a run of ones, rotated, in an element of 2, 4 ..
 * 64 bits that is repeated. The 13 bits that stand for V (of 64 bits, the halves
 * equal when the instruction has 32), or 0 when none do.
 */
static inline u32 a_bitmask(u64 v)
{
	u32 size = 64, ones, rotate;
	u64 el;

	if (!v || !~v)
		return 0;
	while (size > 2 && (v & a_ones(size / 2)) == (v >> size / 2 & a_ones(size / 2)))
		size /= 2;
	el = v & a_ones(size);
	ones = (u32)__builtin_popcountll(el);
	rotate = el & 1 ? (u32)__builtin_clzll(~(el << (64 - size))) :
			  size - (u32)__builtin_ctzll(el);
	/* turned back, it must be a run at the bottom */
	el = (el << rotate | (rotate ? el >> (size - rotate) : 0)) & a_ones(size);
	if (el != a_ones(ones))
		return 0;
	return (u32)(size == 64) << 12 | rotate << 6 | (~(2 * size - 1) & 0x3f) | (ones - 1);
}

/* The same for an instruction of 32 or 64 bits. */
static inline u32 a_bitmask_of(bool w, u64 v)
{
	return a_bitmask(w ? v : (u64)(u32)v << 32 | (u32)v);
}

/* OP rd, rn, #v, when one instruction can; rd 31 is SP but for ANDS. */
static inline bool a_logic_imm(u8 **p, bool w, enum a64_alu op, u32 rd, u32 rn, u64 v)
{
	u32 bits = a_bitmask_of(w, v);

	if (bits)
		a_put(p, a_wide(w) | ((u32)op ^ 0x18000000) | bits << 10 | rn << 5 | rd);
	return bits;
}

enum a64_move { A_MOVN = 0x12800000, A_MOVZ = 0x52800000, A_MOVK = 0x72800000 };

static inline void a_move16(u8 **p, bool w, enum a64_move op, u32 rd, u32 part, u64 v)
{
	a_put(p, a_wide(w) | (u32)op | part << 21 | (u32)(v & 0xffff) << 5 | rd);
}

/* How many of the PARTS of 16 bits in V are not WHAT. */
static inline u32 a_parts_other(u64 v, u32 parts, u64 what)
{
	u32 n = 0;

	for (u32 i = 0; i < parts; i++)
		n += (v >> 16 * i & 0xffff) != what;
	return n;
}

/* Any number, in one to four instructions. */
static inline void a_mov_imm(u8 **p, u32 rd, u64 v)
{
	bool w = v >> 32;
	u32 parts = w ? 4 : 2;
	u32 zero = a_parts_other(v, parts, 0), full = a_parts_other(v, parts, 0xffff);
	bool inverse = full < zero, first = true;
	u32 others = inverse ? full : zero;

	if (zero > 1 && full > 1 && a_logic_imm(p, w, A_ORR, rd, XZR, v))
		return;
	for (u32 i = 0; i < parts; i++) {
		u64 part = v >> 16 * i & 0xffff;

		if (part == (inverse ? 0xffff : 0) && (others || i))
			continue;
		if (first)
			a_move16(p, w, inverse ? A_MOVN : A_MOVZ, rd, i, inverse ? ~part : part);
		else
			a_move16(p, w, A_MOVK, rd, i, part);
		first = false;
	}
}

/* ---- memory -------------------------------------------------------------------- */

/* What is loaded or stored: bits 31..30 the size, 23..22 what is done. */
enum a64_access { A_STORE = 0u << 22, A_LOAD = 1u << 22, A_LOAD_SIGNED = 2u << 22 };

static inline u32 a_size(u32 bits)
{
	return (u32)__builtin_ctz(bits / 8) << 30;
}

/* rt and BITS at [base + disp], when one instruction can; base may be SP. */
static inline bool a_mem(u8 **p, enum a64_access what, u32 bits, u32 rt, u32 base, s64 disp)
{
	u32 op = a_size(bits) | 0x38000000 | (u32)what | base << 5 | rt;
	s64 scaled = disp / (s64)(bits / 8);

	if (disp >= 0 && disp % (s64)(bits / 8) == 0 && scaled < 4096)
		a_put(p, op | 1u << 24 | (u32)scaled << 10);
	else if (disp >= -256 && disp < 256)
		a_put(p, op | ((u32)disp & 0x1ff) << 12);
	else
		return false;
	return true;
}

/* [base + index], which has 64 bits. */
static inline void a_mem_index(u8 **p, enum a64_access what, u32 bits, u32 rt, u32 base,
			       u32 index)
{
	a_put(p, a_size(bits) | 0x38206800 | (u32)what | index << 16 | base << 5 | rt);
}

/* Two registers at [base + disp]; before: base = base + disp first; after: at [base],
 * then that. */
enum a64_pair {
	A_STP = 0xa9000000, A_LDP = 0xa9400000, A_STP_BEFORE = 0xa9800000,
	A_STP_AFTER = 0xa8800000, A_LDP_AFTER = 0xa8c00000,
};

static inline void a_pair(u8 **p, enum a64_pair op, u32 rt, u32 rt2, u32 base, s32 disp)
{
	a_put(p, (u32)op | ((u32)(disp / 8) & 0x7f) << 15 | rt2 << 10 | base << 5 | rt);
}

/* ---- memory that others change ----------------------------------------------------- */

/* By [base]: exclusive, with the order of acquire or release. */
static inline void a_ldxr(u8 **p, u32 bits, u32 rt, u32 base)
{
	a_put(p, a_size(bits) | 0x085f7c00 | base << 5 | rt);
}

/* rs = 0 when it was stored; it is none of the others. */
static inline void a_stxr(u8 **p, bool release, u32 bits, u32 rs, u32 rt, u32 base)
{
	a_put(p, a_size(bits) | (release ? 0x0800fc00 : 0x08007c00) | rs << 16 | base << 5 | rt);
}

static inline void a_ldar(u8 **p, u32 bits, u32 rt, u32 base)
{
	a_put(p, a_size(bits) | 0x08dffc00 | base << 5 | rt);
}

static inline void a_stlr(u8 **p, u32 bits, u32 rt, u32 base)
{
	a_put(p, a_size(bits) | 0x089ffc00 | base << 5 | rt);
}

/* All accesses before it come before all after it. */
static inline void a_dmb_ish(u8 **p) { a_put(p, 0xd5033bbf); }

/* ---- ARMv8.1: the same in one instruction -------------------------------------------- */

enum a64_atomic {
	A_LDADD = 0x38200000, A_LDCLR = 0x38201000, A_LDEOR = 0x38202000,
	A_LDSET = 0x38203000, A_SWP = 0x38208000,
};

/* rt = [base], [base] = that OP rs; ORDERED: as acquire and release. */
static inline void a_atomic(u8 **p, enum a64_atomic op, bool ordered, u32 bits, u32 rs, u32 rt,
			    u32 base)
{
	a_put(p, a_size(bits) | (u32)op | (ordered ? 3u << 22 : 0) | rs << 16 | base << 5 | rt);
}

/* If [base] is rs it becomes rt; rs becomes what it was. In order. */
static inline void a_casal(u8 **p, u32 bits, u32 rs, u32 rt, u32 base)
{
	a_put(p, a_size(bits) | 0x08e0fc00 | rs << 16 | base << 5 | rt);
}

/* ---- control -------------------------------------------------------------------------- */

/* Jumps to a place that is filled in later by a_patch; they give where they are. */
static inline u8 *a_jump(u8 **p, u32 word)
{
	a_put(p, word);
	return *p - 4;
}

static inline u8 *a_b(u8 **p) { return a_jump(p, 0x14000000); }
static inline u8 *a_bl(u8 **p) { return a_jump(p, 0x94000000); }
static inline u8 *a_bcc(u8 **p, enum a64_cc cc) { return a_jump(p, 0x54000000 | (u32)cc); }

/* When rt is 0, or is not: NONZERO. */
static inline u8 *a_cbz(u8 **p, bool w, bool nonzero, u32 rt)
{
	return a_jump(p, a_wide(w) | 0x34000000 | (u32)nonzero << 24 | rt);
}

/* When bit BIT of rt is 0, or 1. */
static inline u8 *a_tbz(u8 **p, bool one, u32 bit, u32 rt)
{
	return a_jump(p, 0x36000000 | (u32)one << 24 | (bit >> 5) << 31 | (bit & 31) << 19 | rt);
}

/* rd = an address that is filled in later, in two instructions. */
static inline u8 *a_adr(u8 **p, u32 rd)
{
	a_put(p, 0x90000000 | rd);
	a_add12(p, true, A_ADD_IMM, rd, rd, 0);
	return *p - 8;
}

static inline void a_br(u8 **p, u32 rn) { a_put(p, 0xd61f0000 | rn << 5); }
/* The same of what is at most 1 MiB away, in code that may be moved by less than a page. */
static inline u8 *a_adr_near(u8 **p, u32 rd)
{
	u8 *at = *p;

	a_put(p, 0x10000000 | rd);
	return at;
}

static inline void a_blr(u8 **p, u32 rn) { a_put(p, 0xd63f0000 | rn << 5); }
static inline void a_ret(u8 **p) { a_put(p, 0xd65f03c0); }

/* A distance of BITS from bit AT on, in instructions. */
static inline bool a_patch_field(u8 *at, const u8 *to, u32 bits, u32 shift)
{
	s64 d = (to - at) / 4, half = (s64)1 << (bits - 1);

	if (d < -half || d >= half)
		return false;
	a_write(at, a_word(at) | ((u32)d & ((1u << bits) - 1)) << shift);
	return true;
}

/* Pages have 4096 bytes, whatever the system's have. */
static inline bool a_patch_adr(u8 *at, const u8 *to)
{
	s64 d = (s64)((u64)(uintptr_t)to >> 12) - (s64)((u64)(uintptr_t)at >> 12);

	if (d < -(1 << 20) || d >= 1 << 20)
		return false;
	a_write(at, a_word(at) | ((u32)d & 3) << 29 | ((u32)(d >> 2) & 0x7ffff) << 5);
	a_write(at + 4, a_word(at + 4) | ((u32)(uintptr_t)to & 4095) << 10);
	return true;
}

static inline bool a_patch_near(u8 *at, const u8 *to)
{
	s64 d = to - at;

	if (d < -(1 << 20) || d >= 1 << 20)
		return false;
	a_write(at, a_word(at) | ((u32)d & 3) << 29 | ((u32)(d >> 2) & 0x7ffff) << 5);
	return true;
}

/* Lets the jump, call or address at AT lead to TO; false: it is too far away. */
static inline bool a_patch(u8 *at, const u8 *to)
{
	u32 word = a_word(at);

	if ((word & 0x7c000000) == 0x14000000)
		return a_patch_field(at, to, 26, 0);
	if ((word & 0x9f000000) == 0x90000000)
		return a_patch_adr(at, to);
	if ((word & 0x9f000000) == 0x10000000)
		return a_patch_near(at, to);
	return a_patch_field(at, to, (word & 0x7e000000) == 0x36000000 ? 14 : 19, 5);
}

#endif

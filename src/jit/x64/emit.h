/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit.h: x86-64 machine code, one function for each form of instruction that
 * we use (Intel SDM volume 2, chapters 2 to 5). Writes at *P and moves it; the
 * caller sees to the room. Registers are the processor's numbers.
 */
#ifndef JIT_X64_EMIT_H
#define JIT_X64_EMIT_H

#include "base/base.h"

enum x64_reg {
	RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
};

/* The number of register R in DWARF. */
static inline u8 x64_dwarf(u32 r)
{
	static const u8 low[] = { 0, 2, 1, 3, 7, 6, 4, 5 };

	return r < ARRAY_LEN(low) ? low[r] : (u8)r;
}

/* Conditions as in the low four bits of Jcc, SETcc, CMOVcc. */
enum x64_cc {
	CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_A = 7,
	CC_S = 8, CC_NS = 9, CC_L = 12, CC_GE = 13, CC_LE = 14, CC_G = 15,
};

/* Arithmetic by its row in opcode bytes 00..3f and /digit of 81, 83. */
enum x64_alu {
	X_ADD = 0, X_OR = 1, X_ADC = 2, X_SBB = 3, X_AND = 4, X_SUB = 5, X_XOR = 6, X_CMP = 7,
};
enum x64_shift { X_ROR = 1, X_SHL = 4, X_SHR = 5, X_SAR = 7 };

static inline void put1(u8 **p, u32 b) { *(*p)++ = (u8)b; }

static inline void put4(u8 **p, u32 v)
{
	memcpy(*p, &v, 4);
	*p += 4;
}

static inline void put8(u8 **p, u64 v)
{
	memcpy(*p, &v, 8);
	*p += 8;
}

static inline bool fits8(s64 v) { return v == (s8)v; }
static inline bool fits32(s64 v) { return v == (s32)v; }

/* REX for REG and RM, W = 64-bit; left away when it says nothing, unless BYTE
 * registers 4..7 (spl, bpl, sil, dil) are meant. */
static inline void x_rex(u8 **p, bool w, u32 reg, u32 rm, bool byte)
{
	u32 rex = 0x40u | (u32)w << 3 | (reg >> 3) << 2 | rm >> 3;

	if (rex != 0x40 || byte)
		put1(p, rex);
}

static inline void x_modrr(u8 **p, u32 reg, u32 rm)
{
	put1(p, 0xc0u | (reg & 7) << 3 | (rm & 7));
}

/* [BASE + DISP] */
static inline void x_modmem(u8 **p, u32 reg, u32 base, s32 disp)
{
	u32 mod = disp == 0 && (base & 7) != RBP ? 0 : fits8(disp) ? 1 : 2;

	put1(p, mod << 6 | (reg & 7) << 3 | (base & 7));
	if ((base & 7) == RSP)
		put1(p, 0x24);
	if (mod == 1)
		put1(p, (u8)disp);
	else if (mod == 2)
		put4(p, (u32)disp);
}

/* [BASE + (INDEX << SCALE) + DISP]; INDEX is not rsp. */
static inline void x_modsib(u8 **p, u32 reg, u32 base, u32 index, u32 scale, s32 disp)
{
	u32 mod = disp == 0 && (base & 7) != RBP ? 0 : fits8(disp) ? 1 : 2;

	put1(p, mod << 6 | (reg & 7) << 3 | 4);
	put1(p, scale << 6 | (index & 7) << 3 | (base & 7));
	if (mod == 1)
		put1(p, (u8)disp);
	else if (mod == 2)
		put4(p, (u32)disp);
}

/* ---- registers ------------------------------------------------------------ */

/* OP rm, reg with one opcode byte. */
static inline void x_rr(u8 **p, bool w, u32 op, u32 reg, u32 rm)
{
	x_rex(p, w, reg, rm, false);
	put1(p, op);
	x_modrr(p, reg, rm);
}

/* 0f OP reg, rm */
static inline void x_0f_rr(u8 **p, bool w, u32 op, u32 reg, u32 rm, bool byte)
{
	x_rex(p, w, reg, rm, byte && rm >= 4);
	put1(p, 0x0f);
	put1(p, op);
	x_modrr(p, reg, rm);
}

static inline void x_mov(u8 **p, bool w, u32 dst, u32 src) { x_rr(p, w, 0x89, src, dst); }

static inline void x_alu(u8 **p, bool w, enum x64_alu op, u32 dst, u32 src)
{
	x_rr(p, w, (u32)op << 3 | 1, src, dst);
}

static inline void x_test(u8 **p, bool w, u32 a, u32 b) { x_rr(p, w, 0x85, b, a); }

static inline void x_alu_imm(u8 **p, bool w, enum x64_alu op, u32 dst, s32 imm)
{
	if (!fits8(imm) && dst == RAX) {	/* without a byte for registers */
		x_rex(p, w, 0, 0, false);
		put1(p, (u32)op << 3 | 5);
		put4(p, (u32)imm);
		return;
	}
	x_rr(p, w, fits8(imm) ? 0x83 : 0x81, op, dst);
	if (fits8(imm))
		put1(p, (u8)imm);
	else
		put4(p, (u32)imm);
}

static inline void x_test_imm(u8 **p, bool w, u32 dst, s32 imm)
{
	if (imm >= 0)
		w = false;	/* the upper half of the mask is 0 */
	x_rr(p, w, 0xf7, 0, dst);
	put4(p, (u32)imm);
}

/* Any number in few bytes, leaving flags alone. */
static inline void x_mov_imm_flags(u8 **p, u32 dst, u64 v)
{
	if (v == (u32)v) {
		x_rex(p, false, 0, dst, false);
		put1(p, 0xb8 | (dst & 7));
		put4(p, (u32)v);
	} else if (fits32((s64)v)) {
		x_rr(p, true, 0xc7, 0, dst);
		put4(p, (u32)v);
	} else {
		x_rex(p, true, 0, dst, false);
		put1(p, 0xb8 | (dst & 7));
		put8(p, v);
	}
}

/* In the fewest bytes; changes flags. */
static inline void x_mov_imm(u8 **p, u32 dst, u64 v)
{
	if (!v)
		x_alu(p, false, X_XOR, dst, dst);
	else
		x_mov_imm_flags(p, dst, v);
}

static inline void x_shift_imm(u8 **p, bool w, enum x64_shift op, u32 dst, u32 n)
{
	x_rr(p, w, n == 1 ? 0xd1 : 0xc1, op, dst);
	if (n != 1)
		put1(p, n);
}

/* BMI2: dst = src rotated right by N. */
static inline void x_rorx(u8 **p, bool w, u32 dst, u32 src, u32 n)
{
	put1(p, 0xc4);
	put1(p, (~(dst >> 3) & 1) << 7 | 1 << 6 | (~(src >> 3) & 1) << 5 | 3);
	put1(p, (u32)w << 7 | 0x7b);
	put1(p, 0xf0);
	x_modrr(p, dst, src);
	put1(p, n);
}

static inline void x_xchg(u8 **p, u32 a, u32 b) { x_rr(p, true, 0x87, a, b); }

static inline void x_cmov(u8 **p, bool w, enum x64_cc cc, u32 dst, u32 src)
{
	x_rex(p, w, dst, src, false);
	put1(p, 0x0f);
	put1(p, 0x40 | (u32)cc);
	x_modrr(p, dst, src);
}

/* The low byte of DST is 1 or 0. */
static inline void x_setcc(u8 **p, enum x64_cc cc, u32 dst)
{
	x_rex(p, false, 0, dst, dst >= 4);
	put1(p, 0x0f);
	put1(p, 0x90 | (u32)cc);
	x_modrr(p, 0, dst);
}

/* By cl. */
static inline void x_shift_cl(u8 **p, bool w, enum x64_shift op, u32 dst)
{
	x_rr(p, w, 0xd3, op, dst);
}

/* BMI2: dst = src shifted by COUNT; no flags. */
static inline void x_shiftx(u8 **p, bool w, enum x64_shift op, u32 dst, u32 src, u32 count)
{
	u32 pp = op == X_SHL ? 1 : op == X_SHR ? 3 : 2;

	put1(p, 0xc4);
	put1(p, (~(dst >> 3) & 1) << 7 | 1 << 6 | (~(src >> 3) & 1) << 5 | 2);
	put1(p, (u32)w << 7 | (~count & 15) << 3 | pp);
	put1(p, 0xf7);
	x_modrr(p, dst, src);
}

static inline void x_imul(u8 **p, bool w, u32 dst, u32 src)
{
	x_0f_rr(p, w, 0xaf, dst, src, false);
}

static inline void x_imul_imm(u8 **p, bool w, u32 dst, u32 src, s32 imm)
{
	x_rr(p, w, fits8(imm) ? 0x6b : 0x69, dst, src);
	if (fits8(imm))
		put1(p, (u8)imm);
	else
		put4(p, (u32)imm);
}

/* f7 /DIGIT: 3 neg, 6 div, 7 idiv. */
static inline void x_f7(u8 **p, bool w, u32 digit, u32 rm) { x_rr(p, w, 0xf7, digit, rm); }

static inline void x_cqo(u8 **p, bool w)
{
	x_rex(p, w, 0, 0, false);
	put1(p, 0x99);
}

static inline void x_bswap(u8 **p, bool w, u32 dst)
{
	x_rex(p, w, 0, dst, false);
	put1(p, 0x0f);
	put1(p, 0xc8 | (dst & 7));
}

static inline void x_ror16(u8 **p, u32 dst, u32 n)
{
	put1(p, 0x66);
	x_shift_imm(p, false, X_ROR, dst, n);
}

/* From BITS (8, 16, 32) of src. */
static inline void x_movzx(u8 **p, u32 bits, u32 dst, u32 src)
{
	if (bits == 32)
		x_mov(p, false, dst, src);
	else
		x_0f_rr(p, false, bits == 8 ? 0xb6 : 0xb7, dst, src, bits == 8);
}

static inline void x_movsx(u8 **p, bool w, u32 bits, u32 dst, u32 src)
{
	if (bits == 32)
		x_rr(p, true, 0x63, dst, src);
	else
		x_0f_rr(p, w, bits == 8 ? 0xbe : 0xbf, dst, src, bits == 8);
}

/* ---- memory ------------------------------------------------------------------ */

/* dst = BITS at [base + disp], the upper bits 0. */
static inline void x_load(u8 **p, u32 bits, u32 dst, u32 base, s32 disp)
{
	x_rex(p, bits == 64, dst, base, false);
	if (bits >= 32) {
		put1(p, 0x8b);
	} else {
		put1(p, 0x0f);
		put1(p, bits == 8 ? 0xb6 : 0xb7);
	}
	x_modmem(p, dst, base, disp);
}

static inline void x_load_sx(u8 **p, u32 bits, u32 dst, u32 base, s32 disp)
{
	x_rex(p, true, dst, base, false);
	if (bits == 32) {
		put1(p, 0x63);
	} else {
		put1(p, 0x0f);
		put1(p, bits == 8 ? 0xbe : 0xbf);
	}
	x_modmem(p, dst, base, disp);
}

static inline void x_store(u8 **p, u32 bits, u32 base, s32 disp, u32 src)
{
	if (bits == 16)
		put1(p, 0x66);
	x_rex(p, bits == 64, src, base, bits == 8 && src >= 4);
	put1(p, bits == 8 ? 0x88 : 0x89);
	x_modmem(p, src, base, disp);
}

static inline void x_store_imm(u8 **p, u32 bits, u32 base, s32 disp, s32 imm)
{
	if (bits == 16)
		put1(p, 0x66);
	x_rex(p, bits == 64, 0, base, false);
	put1(p, bits == 8 ? 0xc6 : 0xc7);
	x_modmem(p, 0, base, disp);
	if (bits == 8)
		put1(p, (u8)imm);
	else if (bits == 16)
		*(*p)++ = (u8)imm, *(*p)++ = (u8)(imm >> 8);
	else
		put4(p, (u32)imm);
}

/* A place in memory: INDEX is NO_INDEX or a register but rsp. */
enum { NO_INDEX = 0xff };
struct x64_addr { u8 base, index, scale; s32 disp; };

/* One or two (0f, OP) opcode bytes, then REG and the place. */
static inline void x_at(u8 **p, bool w, bool two, u32 op, u32 reg, const struct x64_addr *a,
			bool byte)
{
	u32 x = a->index == NO_INDEX ? 0 : (u32)a->index >> 3;
	u32 rex = 0x40u | (u32)w << 3 | (reg >> 3) << 2 | x << 1 | (u32)a->base >> 3;

	if (rex != 0x40 || byte)
		put1(p, rex);
	if (two)
		put1(p, 0x0f);
	put1(p, op);
	if (a->index == NO_INDEX)
		x_modmem(p, reg, a->base, a->disp);
	else
		x_modsib(p, reg, a->base, a->index, a->scale, a->disp);
}

/* ALU operation OP of BITS at the place with IMM. */
static inline void x_at_imm(u8 **p, u32 bits, u32 op, const struct x64_addr *a, s32 imm)
{
	bool small = bits > 8 && fits8(bits == 16 ? (s16)imm : imm);

	if (bits == 16)
		put1(p, 0x66);
	x_at(p, bits == 64, false, bits == 8 ? 0x80 : small ? 0x83 : 0x81, op, a, false);
	if (bits == 8 || small)
		put1(p, (u8)imm);
	else if (bits == 16)
		put1(p, (u8)imm), put1(p, (u8)(imm >> 8));
	else
		put4(p, (u32)imm);
}

/* The same with f6, f7 /0: test. */
static inline void x_at_test_imm(u8 **p, u32 bits, const struct x64_addr *a, s32 imm)
{
	x_at(p, bits == 64, false, bits == 8 ? 0xf6 : 0xf7, 0, a, false);
	if (bits == 8)
		put1(p, (u8)imm);
	else
		put4(p, (u32)imm);
}

static inline void x_lea(u8 **p, bool w, u32 dst, const struct x64_addr *a)
{
	x_at(p, w, false, 0x8d, dst, a, false);
}

/* OP reg, [base + disp] with one opcode byte; LOCK before it. */
static inline void x_mem(u8 **p, bool lock, bool w, u32 op, u32 reg, u32 base, s32 disp)
{
	if (lock)
		put1(p, 0xf0);
	x_rex(p, w, reg, base, false);
	put1(p, op);
	x_modmem(p, reg, base, disp);
}

/* 0f OP */
static inline void x_0f(u8 **p, bool w, u32 op, u32 reg, u32 base, s32 disp)
{
	x_rex(p, w, reg, base, false);
	put1(p, 0x0f);
	put1(p, op);
	x_modmem(p, reg, base, disp);
}

static inline void x_lock_0f(u8 **p, bool w, u32 op, u32 reg, u32 base, s32 disp)
{
	put1(p, 0xf0);
	x_0f(p, w, op, reg, base, disp);
}

/* test byte [base + disp], MASK */
static inline void x_test_byte(u8 **p, u32 base, s32 disp, u32 mask)
{
	x_rex(p, false, 0, base, false);
	put1(p, 0xf6);
	x_modmem(p, 0, base, disp);
	put1(p, mask);
}

/* ---- control ------------------------------------------------------------------- */

static inline void x_push(u8 **p, u32 reg)
{
	x_rex(p, false, 0, reg, false);
	put1(p, 0x50 | (reg & 7));
}

static inline void x_pop(u8 **p, u32 reg)
{
	x_rex(p, false, 0, reg, false);
	put1(p, 0x58 | (reg & 7));
}

/* At most N bytes, and 9, that do nothing, as one instruction (Intel's advice). */
static inline void x_nop(u8 **p, u32 n)
{
	static const u8 nops[9][9] = {
		{ 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0 }, { 0x0f, 0x1f, 0x40, 0 },
		{ 0x0f, 0x1f, 0x44, 0, 0 }, { 0x66, 0x0f, 0x1f, 0x44, 0, 0 },
		{ 0x0f, 0x1f, 0x80, 0, 0, 0, 0 }, { 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 },
		{ 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 },
	};

	n = n < 9 ? n : 9;
	memcpy(*p, nops[n - 1], n);
	*p += n;
}

static inline void x_leave(u8 **p) { put1(p, 0xc9); }
static inline void x_ret(u8 **p) { put1(p, 0xc3); }

/* Jumps of 4 bytes to a place that is filled in later by x_patch; they give it. */
static inline u8 *x_jcc(u8 **p, enum x64_cc cc)
{
	put1(p, 0x0f);
	put1(p, 0x80 | (u32)cc);
	put4(p, 0);
	return *p - 4;
}

static inline u8 *x_jmp(u8 **p)
{
	put1(p, 0xe9);
	put4(p, 0);
	return *p - 4;
}

static inline u8 *x_call(u8 **p)
{
	put1(p, 0xe8);
	put4(p, 0);
	return *p - 4;
}

static inline void x_patch(u8 *at, const u8 *to)
{
	s32 d = (s32)(to - (at + 4));

	memcpy(at, &d, 4);
}

/* Short forms inside one instruction's code. */
static inline u8 *x_jcc8(u8 **p, enum x64_cc cc)
{
	put1(p, 0x70 | (u32)cc);
	put1(p, 0);
	return *p - 1;
}

static inline u8 *x_jmp8(u8 **p)
{
	put1(p, 0xeb);
	put1(p, 0);
	return *p - 1;
}

static inline void x_patch8(u8 *at, const u8 *to) { *at = (u8)(to - (at + 1)); }

static inline void x_call_reg(u8 **p, u32 reg) { x_rr(p, false, 0xff, 2, reg); }
static inline void x_jmp_reg(u8 **p, u32 reg) { x_rr(p, false, 0xff, 4, reg); }

/* ---- the stack ------------------------------------------------------------- */

/* movups [r11 - 16 i], xmm0 */
static inline void x_clear16(u8 **p, u32 i)
{
	put1(p, 0x41);
	put1(p, 0x0f);
	put1(p, 0x11);
	put1(p, 0x43);
	put1(p, (u8)(-16 * (s32)i));
}

/* Clears BYTES, a multiple of 16 and from 128 on of 64, below what R11 points to, by r10
 * and xmm0. */
static inline void x_clear_stack(u8 **p, u32 bytes)
{
	static const u8 head[] = {
		0x0f, 0x57, 0xc0,				/* xorps xmm0, xmm0 */
		0x4d, 0x8d, 0x93,				/* lea r10, [r11 - bytes] */
	}, tail[] = {
		0x49, 0x83, 0xeb, 0x40,				/* sub r11, 64 */
		0x4d, 0x39, 0xd3,				/* cmp r11, r10 */
	};
	u8 *again;

	for (u32 i = 0; i < (bytes < 128 ? 3 : sizeof(head)); i++)
		put1(p, head[i]);
	if (bytes < 128) {
		for (u32 i = 1; i <= bytes / 16; i++)
			x_clear16(p, i);
		return;
	}
	put4(p, -bytes);
	again = *p;
	for (u32 i = 1; i <= 4; i++)
		x_clear16(p, i);
	for (u32 i = 0; i < sizeof(tail); i++)
		put1(p, tail[i]);
	put1(p, 0x75);						/* jne */
	put1(p, (u8)(again - (*p + 1)));
}

#endif

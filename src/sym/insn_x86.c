/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn_x86.c: how long instructions of x86-64 in 64-bit mode are, by the opcode maps of
 * the processors' manuals: prefixes, opcode, ModRM, SIB, displacement, immediate. What an
 * instruction does is of no interest here, so one letter says all of an opcode.
 */
#include "sym/insn.h"

/*
 * n nothing follows; b a byte; w two; z four, or two with prefix 66; d four; v as z, eight
 * with REX.W; e three (enter); a an address; upper case letters have a ModRM before: M
 * nothing else, B and a byte, Z and z; T as B when its middle field is 0 or 1 (test), U as
 * Z then; C control registers, whose ModRM names no memory; . is none in 64-bit mode.
 * Prefixes and the bytes that lead to other maps are dealt with before.
 */
static const char one[257] =
	"MMMMbz..MMMMbz.." "MMMMbz..MMMMbz.." "MMMMbz..MMMMbz.." "MMMMbz..MMMMbz.."
	"................" "nnnnnnnnnnnnnnnn" "...M....zZbBnnnn" "bbbbbbbbbbbbbbbb"
	"BZ.BMMMMMMMMMMMM" "nnnnnnnnnn.nnnnn" "aaaannnnbznnnnnn" "bbbbbbbbvvvvvvvv"
	"BBwn..BZenwnnb.n" "MMMM...nMMMMMMMM" "bbbbbbbbdd.bnnnn" ".n..nnTUnnnnnnMM";

static const char two[257] =	/* behind 0f */
	"MMMM.nnnnn.n.Mn." "MMMMMMMMMMMMMMMM" "CCCC....MMMMMMMM" "nnnnnn.n........"
	"MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "BBBBMMMnMM..MMMM"
	"dddddddddddddddd" "MMMMMMMMMMMMMMMM" "nnnMBMMMnnnMBMMM" "MMMMMMMMMMBMMMMM"
	"MMBMBBBMnnnnnnnn" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM";

enum { LENGTH_MAX = 15, REX_W = 8 };

struct insn {
	const u8 *c;
	u64 n, max;
	u8 rex;
	bool half, addr32;	/* prefixes 66 and 67 */
	bool repne;		/* f2 */
};

static u8 take(struct insn *i) { return i->n < i->max ? i->c[i->n++] : (i->n = i->max + 1, 0); }

static u8 peek(const struct insn *i, u64 k) { return i->n + k < i->max ? i->c[i->n + k] : 0; }

/* The ModRM at hand and what belongs to it: its middle field. */
static u32 operand(struct insn *i)
{
	const u8 m = take(i), mod = m >> 6, rm = m & 7;
	u8 base = rm;

	if (mod < 3 && rm == 4)
		base = take(i) & 7;
	if (mod == 1)
		i->n++;
	else if (mod == 2 || (!mod && base == 5))
		i->n += 4;
	return m >> 3 & 7;
}

static u32 word(const struct insn *i) { return i->half && !(i->rex & REX_W) ? 2 : 4; }

/* What follows an opcode of KIND; false: there is no such. */
static bool rest(struct insn *i, char kind)
{
	switch (kind) {
	case 'n': break;
	case 'b': i->n++; break;
	case 'w': i->n += 2; break;
	case 'e': i->n += 3; break;
	case 'd': i->n += 4; break;
	case 'z': i->n += word(i); break;
	case 'v': i->n += i->rex & REX_W ? 8 : word(i); break;
	case 'a': i->n += i->addr32 ? 4 : 8; break;
	case 'C': i->n++; break;
	case 'M': operand(i); break;
	case 'B': operand(i); i->n++; break;
	case 'Z': operand(i); i->n += word(i); break;
	case 'T': i->n += operand(i) < 2; break;
	case 'U': i->n += operand(i) < 2 ? word(i) : 0; break;
	default: return false;
	}
	return true;
}

/* VEX, EVEX and XOP name their map by number; theirs have no immediate of another size. */
static bool vector(struct insn *i, u32 map)
{
	const u8 op = take(i);

	switch (map) {
	case 1: return rest(i, op == 0x77 ? 'n' : two[op] == 'B' ? 'B' : 'M');
	case 2: case 5: case 6: case 9: return rest(i, 'M');
	case 3: case 8: return rest(i, 'B');
	case 10: return rest(i, 'Z');
	default: return false;
	}
}

static bool escaped(struct insn *i)
{
	const u8 op = take(i);

	switch (op) {
	case 0x0f: return rest(i, 'B');		/* 3DNow! */
	case 0x38: take(i); return rest(i, 'M');
	case 0x3a: take(i); return rest(i, 'B');
	case 0x78:				/* SSE4a: extrq, insertq with two bytes */
		if (i->half || i->repne)
			return rest(i, 'B') && rest(i, 'b');
		return rest(i, 'M');
	default: return rest(i, two[op]);
	}
}

static bool opcode(struct insn *i)
{
	const u8 op = take(i);
	u8 p;

	switch (op) {
	case 0x0f: return escaped(i);
	case 0xc5: take(i); return vector(i, 1);
	case 0xc4: p = take(i); take(i); return vector(i, p & 31);
	case 0x62: p = take(i); i->n += 2; return vector(i, p & 7);
	case 0x8f:
		if ((peek(i, 0) & 31) < 8)
			return rest(i, 'M');
		p = take(i);
		take(i);
		return vector(i, p & 31);
	default: return rest(i, one[op]);
	}
}

/* A REX that is not right before the opcode does not count. */
static void prefixes(struct insn *i)
{
	for (;; i->n++) {
		const u8 c = peek(i, 0);

		switch (c) {
		case 0x66: i->half = true; break;
		case 0x67: i->addr32 = true; break;
		case 0xf2: i->repne = true; break;
		case 0xf0: case 0xf3: case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64:
		case 0x65: break;
		default:
			if ((c & 0xf0) != 0x40)
				return;
			i->rex = c;
			continue;
		}
		i->rex = 0;
	}
}

u32 sym_x86_length(const u8 *c, u64 max)
{
	struct insn i = { .c = c, .max = min_u64(max, LENGTH_MAX) };

	prefixes(&i);
	return opcode(&i) && i.n <= i.max ? (u32)i.n : 0;
}

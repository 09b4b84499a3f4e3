/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.h: what the verifier knows of an accepted program, instruction by
 * instruction, for those who make it run: what is never reached, through what
 * kind of pointer an instruction reaches memory, between what bounds numbers
 * and offsets lie. In: a verdict that was asked for with VERIFY_FACTS; out:
 * answers that hold each time that the program is at the instruction, before it
 * is executed, whichever way it came. Knows no engine and changes nothing.
 *
 * Kinds of pointers, maps and what is never reached come from any exploration
 * that accepted. Bounds and what lies on the stack come from *invariants* alone,
 * since *paths* leaves out numbers that do not matter to it; facts_bounded says
 * whether there are any. What is not known is FACT_UNKNOWN, and never wrong.
 */
#ifndef VERIFY_FACTS_H
#define VERIFY_FACTS_H

#include "base/arena.h"
#include "verify/scalar.h"

struct facts;			/* lives in the arena of its verdict */

/* What a register or a stack slot holds, and what memory an access touches. */
#define FACT_KINDS(X) \
	X(UNKNOWN, "unknown")	/* anything, or what nobody may read any more */ \
	X(NUMBER, "number") \
	X(CTX, "ctx") \
	X(STACK, "stack") \
	X(PACKET, "packet") \
	X(PACKET_META, "packet meta")	/* what lies before the packet */ \
	X(PACKET_END, "packet end") \
	X(MAP, "map")		/* the map itself */ \
	X(MAP_VALUE, "map value") \
	X(MAP_KEY, "map key")	/* an argument of a callback */ \
	X(MEM, "mem")		/* bytes that a helper or the caller lends */ \
	X(RECORD, "record")	/* of a ring buffer */ \
	X(SLICE, "slice")	/* of a packet, by a dynptr */ \
	X(BUF, "buf")		/* of an iterator */ \
	X(FLOW_KEYS, "flow keys") \
	X(SOCK, "sock") \
	X(SOCK_COMMON, "sock common") \
	X(TCP_SOCK, "tcp sock") \
	X(XDP_SOCK, "xdp sock") \
	X(TP_BUFFER, "tp buffer") \
	X(BTF, "btf")		/* an object of a type */ \
	X(ARENA, "arena") \
	X(FUNC, "func")		/* a subprogram, for callbacks */ \
	X(DYNPTR, "dynptr")	/* one that is a callback's argument */

enum fact_kind {
#define X(name, text) FACT_##name,
	FACT_KINDS(X)
#undef X
	FACT_NR_KINDS
};

enum fact_flag {
	FACT_OR_NULL	= 1 << 0,	/* or NULL */
	FACT_RDONLY	= 1 << 1,
	FACT_FAULTS	= 1 << 2,	/* a load may fault, and gives 0 then */
	FACT_INNER	= 1 << 3,	/* MAP*: of a map that lies in map MAP */
	FACT_KERNEL	= 1 << 4,	/* BTF, MEM: what only a kernel has */
};

#define FACT_NO_MAP 0xffffffffu

/* A register, or a number or pointer on the stack. */
struct fact_reg {
	struct scalar val;	/* NUMBER: the number. Pointers: bytes from where
				   the memory begins (STACK: from the frame
				   pointer, below 0; PACKET: from its first byte) */
	u8 kind;		/* enum fact_kind */
	u8 up;			/* STACK: whose: 0 is this function's, 1 its
				   caller's, ... */
	u16 flags;		/* enum fact_flag */
	u32 map;		/* MAP*: index in the image's maps; or FACT_NO_MAP */
	u32 bytes;		/* MEM, RECORD, SLICE: at least so many from where it
				   begins; PACKET*: exist beyond the pointer; FUNC:
				   the function's first slot */
};

/* A byte of the stack. */
enum fact_byte {
	FACT_BYTE_UNKNOWN,	/* perhaps never written */
	FACT_BYTE_PART,		/* of the register that begins with the slot */
	FACT_BYTE_NUMBER,	/* written, and no part of a pointer that counts */
	FACT_BYTE_ZERO,
	FACT_BYTE_OBJECT,	/* of a dynptr, an iterator, an interrupt state */
};

enum { FACT_SLOT_BYTES = 8 };

struct fact_slot {
	u8 byte[FACT_SLOT_BYTES];	/* enum fact_byte, lowest address first */
	const struct fact_reg *reg;	/* of FACT_BYTE_PART: a register was stored
					   whole, with as many bytes; or NULL */
};

/* Memory that a load, a store or an atomic touches. */
struct fact_access {
	u32 kinds;		/* bit 1 << enum fact_kind for each that it may be;
				   0: nobody knows */
	u32 map;		/* MAP_VALUE, MAP_KEY: the one map, or FACT_NO_MAP */
	u16 flags;		/* enum fact_flag of any of them; never OR_NULL */
};

/* The one kind that it is each time, or FACT_UNKNOWN. */
static inline enum fact_kind fact_one_kind(const struct fact_access *a)
{
	if (!a->kinds || a->kinds & (a->kinds - 1))
		return FACT_UNKNOWN;
	return (enum fact_kind)__builtin_ctz(a->kinds);
}

/* ---- asking: INSN is a slot of the program, of a wide instruction the first */

/* False: no run gets there. */
bool facts_reached(const struct facts *f, u32 insn);
/* There are facts of numbers, offsets and the stack; else all are UNKNOWN. */
bool facts_bounded(const struct facts *f);
/* Of a load, store or atomic; of other instructions kinds is 0. */
struct fact_access facts_access(const struct facts *f, u32 insn);
/* Argument register REG (1..5) of the helper or kernel function that INSN calls
 * is this map each time (with FACT_INNER in *FLAGS: one that lies in it), or
 * FACT_NO_MAP. */
u32 facts_call_map(const struct facts *f, u32 insn, unsigned reg, unsigned *flags);
/* Register REG (0..10) before INSN is executed; never NULL. */
const struct fact_reg *facts_reg(const struct facts *f, u32 insn, unsigned reg);
/* Register REG is *VALUE each time. */
bool facts_const(const struct facts *f, u32 insn, unsigned reg, u64 *value);
/* Bytes -8(n+1) .. -8n-1 from the frame pointer; never NULL. */
const struct fact_slot *facts_slot(const struct facts *f, u32 insn, unsigned n);
/* Slots of the frame of INSN of which anything is known: those below it. */
unsigned facts_slots(const struct facts *f, u32 insn);

const char *fact_kind_name(enum fact_kind kind);
/* Appends "number 0..15", "stack at -8, 1 up", "map value 0 at 8 or NULL", ... */
void fact_text(struct strbuf *out, const struct fact_reg *f);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rewrite.h: the instructions of a verified program as the engines run them that
 * check nothing: the fast interpreter and compilers to native code. What verify
 * makes (verify/rewrite.c) and what runtime binds. No address is in it and
 * nothing of any engine's inside; all layouts are those of model.
 *
 * They are BPF instructions of RFC 9669, with maps, functions and externs as in
 * an image (BPF_PSEUDO_MAP_IDX, ..._IDX_VALUE, ..._CALL, ..._FUNC, ..._KFUNC_CALL)
 * and these differences:
 *
 * - r1 at the start of a program is a struct run (model/run.h), and so is whatever
 *   had the context: loads and stores of its fields have become loads and stores of
 *   what the rows of ctx/<type>.def call their view. Pointers are 8 bytes wide.
 *   Where a field is wider than its view the load is one of the view; where
 *   nothing of it is left it is a move of 0.
 * - REWRITE_PROBE: a load through a pointer that may be to no memory of the
 *   program: gives 0 then. Only run.readable and run.held_at know.
 * - REWRITE_ARENA: r11 is where 1 to 8 bytes are, at the lower half of register SRC as an
 *   address in the program's arena plus OFF: or, when not all of them are in pages that
 *   are there, where nobody looks at them later and they are 0; but what an atomic that
 *   gives a value finds there is what the register has that gets it, so that it keeps
 *   that. The next slot is the load, store or atomic, through r11, which nothing else
 *   names; nothing jumps there.
 * - REWRITE_TRAP: no run comes here; an engine that does stops with a fault.
 *
 * Left to the engine: casts between address spaces give what is in the arena's window, and
 * NULL for NULL; may_goto counts down from 8,388,608 in each frame; LD_ABS
 * and LD_IND read run.pkt and end the function with 0 outside of it; calls of
 * helper 12 go on in the program of the map's slot; helpers get the struct run as
 * their sixth argument; one that has no body, and a variable of the kernel, is a
 * fault where it is reached. Numbers and pointers need no check at all: alignment
 * of atomics, sizes, NULL, locks and references were judged.
 *
 * Each frame has 512 bytes of stack below r10; callees must not use the caller's.
 */
#ifndef MODEL_REWRITE_H
#define MODEL_REWRITE_H

#include "base/base.h"
#include <linux/bpf.h>

enum {
	REWRITE_PROBE = 0x20,	/* mode of BPF_LDX: as BPF_MEM */
	REWRITE_PROBE_SX = 0xa0,	/* as BPF_MEMSX */
	REWRITE_TRAP = BPF_JMP | 0xf0,
	REWRITE_ARENA = BPF_ALU64 | BPF_X | 0xe0,
	REWRITE_REG = 11,
};

struct rewrite {
	const struct bpf_insn *insns;
	u32 nr_insns;		/* slots */
	const u32 *origin;	/* [nr_insns] the program's slot that each is made of */
	bool stale_stack;	/* it may read stack that it did not write: clear that
				   before each run, or it sees what others left */
	u32 stack_bytes;	/* of the deepest chain of calls */
	u64 stale_reads;	/* where: bit N is the 8 bytes from -8 (N + 1) of any
				   function's stack on. Nothing that only the program
				   reads which a tail call goes on in */
	bool ends;		/* so do all of its loops, but for those by may_goto,
				   iterators, calls and callbacks */
	bool writes_packet;	/* it may write to packets, but for the program that a tail
				   call goes on in */
	u64 bound;		/* a run executes no more instructions, without those of
				   programs that it goes on in; 0: nobody knows */
};

/* Of REWRITE_ARENA: the bytes, and the register that keeps what it has, or -1. */
static inline u32 rewrite_arena_bytes(const struct bpf_insn *in) { return (u32)in->imm & 0xff; }
static inline s32 rewrite_arena_keeps(const struct bpf_insn *in) { return (in->imm >> 8) - 1; }

/* A load that REWRITE_PROBE marks; *SIGN: it extends the sign. */
static inline bool rewrite_is_probe(const struct bpf_insn *in, bool *sign)
{
	*sign = BPF_MODE(in->code) == REWRITE_PROBE_SX;
	return BPF_CLASS(in->code) == BPF_LDX &&
	       (*sign || BPF_MODE(in->code) == REWRITE_PROBE);
}

#endif

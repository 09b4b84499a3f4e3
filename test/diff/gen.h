/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen.h: random programs that a verifier accepts: every instruction of
 * insn.def but those that name addresses, branches, bounded loops,
 * subprograms, spills, a map value at constant and at variable offsets, a hash
 * map, queues, a trie, a per-cpu array, a ring buffer, the packet of an XDP
 * program or a classifier, helpers, callbacks, tail calls into the program
 * itself. A program is a list of statements, each a function of its own seed,
 * so that statements can be left out to shrink it.
 *
 * Roles: r6 the context, r7 the value of map 0, r8 the packet (PACKET_BYTES are
 * proved to exist), r0..r5 and r9 numbers. Stack: 8 slots of numbers below r10,
 * then keys and values for helpers.
 */
#ifndef DIFF_GEN_H
#define DIFF_GEN_H

#include "isa/isa.h"

enum {
	GEN_STATEMENTS = 40, GEN_MAX = 1600,
	VALUE_BYTES = 64,	/* of map 0, an array */
	KEYS = 8,		/* of map 1, a hash: 0..KEYS-1 */
	HASH_BYTES = 16,	/* its values */
	RESULT_BYTES = 16 * 8,	/* of map 2, an array: registers and slots at the end */
	PACKET_BYTES = 64,
	QUEUE_ENTRIES = 4,	/* of u64 */
	TEXT_BYTES = 256,	/* of the strings that helpers take */
	RING_BYTES = 4096,
};

enum gen_map {
	MAP_VALUE, MAP_HASH, MAP_RESULT, MAP_QUEUE, MAP_LIFO, MAP_LPM, MAP_PERCPU,
	MAP_TEXT, MAP_RING, MAP_PROGS, NR_MAPS
};

/* Functions that a program may have. */
enum gen_func { FN_SUB, FN_LOOP, FN_TAIL, NR_FUNCS };

/* Of the trie: its key. */
struct gen_prefix {
	u32 bits;
	u8 addr[4];
};
enum { PREFIXES = 8 };
extern const struct gen_prefix gen_prefixes[PREFIXES];
enum { TEXTS = 8 };
extern const char gen_text[TEXTS][TEXT_BYTES / TEXTS];	/* what MAP_TEXT holds */

struct gen_prog {
	struct bpf_insn v[GEN_MAX];
	u32 n;
	u32 type;		/* BPF_PROG_TYPE_XDP or _SCHED_CLS */
	bool packet;		/* uses context and packet */
	bool tails;		/* may call itself by MAP_PROGS */
	u32 funcs[1 + NR_FUNCS], nr_funcs;	/* where they begin */
};

/* The program of SEED; bit I of SKIP leaves statement I out. */
void gen_program(struct gen_prog *p, u64 seed, u64 skip);

static inline u64 gen_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

#endif

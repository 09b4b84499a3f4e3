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

#include "diff/level.h"

enum {
	GEN_STATEMENTS = 40,
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
	MAP_TEXT, MAP_RING, MAP_PROGS, MAP_LRU, MAP_PERCPU_HASH, NR_MAPS
};

/* Of the trie: its key. */
struct gen_prefix {
	u32 bits;
	u8 addr[4];
};
enum { PREFIXES = 8 };
extern const struct gen_prefix gen_prefixes[PREFIXES];
enum { TEXTS = 8 };
extern const char gen_text[TEXTS][TEXT_BYTES / TEXTS];	/* what MAP_TEXT holds */

enum gen_extern {
	EXT_RCU_LOCK, EXT_RCU_UNLOCK, EXT_ITER_NEW, EXT_ITER_NEXT, EXT_ITER_DESTROY, NR_EXTERNS
};

/* What the programs run in. */
extern const struct diff_scene gen_scene;

/* The program of SEED of what LEVEL has (NULL: of everything); bit I of SKIP leaves
 * statement I out. */
void gen_program(struct diff_prog *p, const struct gen_level *level, u64 seed, u64 skip);
/* Are there programs of TYPE? */
bool gen_makes(u32 type);
/* A packet for it. */
void gen_packet(struct diff_packet *pkt, u64 *state);

#endif

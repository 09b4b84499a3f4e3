/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opt_in.h: what the passes over intermediate code share. Each takes a settled function
 * and leaves one that ir_check() accepts; values that were found to be others have left
 * their blocks and say so (same), until the next pass has looked at every operand.
 */
#ifndef LANG_OPT_IN_H
#define LANG_OPT_IN_H

#include "lang/ir_in.h"

struct opt {
	struct ir_func *f;
	struct arena arena;	/* of this run */
	struct ir_insn **numbers;	/* constants, by hash of the value */
	u32 nr_numbers, cap_numbers;
	struct ir_insn **slots;		/* ir_value.c's, by hash */
	u32 cap_slots;
	struct ir_insn **data;	/* by map: the address of its data, or NULL */
	bool changed;		/* jumps, by ir_flow.c */
};

/* ---- ir_fold.c ---------------------------------------------------------------------- */

/* What I is instead, perhaps made right before it; NULL: it stays, perhaps changed. */
struct ir_insn *opt_fold(struct opt *o, struct ir_insn *i);
/* Which way a jump by comparison surely goes, 0 or 1; 2: that is not known. */
u32 opt_way(const struct ir_insn *i);
/* How many low bits may be other than 0. */
u32 opt_bits(const struct ir_insn *v);
enum ir_cc opt_cc_swapped(enum ir_cc cc);
enum ir_cc opt_cc_opposite(enum ir_cc cc);

/* ---- ir_value.c --------------------------------------------------------------------- */

/* Equal values are computed once, where one computation comes before the other; what has
 * a known value is folded. */
void opt_values(struct opt *o);
bool ir_is_steady_call(const struct ir_insn *i);
/* The constant N, made at the function's start. */
struct ir_insn *opt_number(struct opt *o, s64 n);
/* The address of the first byte of data map MAP. */
struct ir_insn *opt_mapval(struct opt *o, s64 map);

/* ---- ir_flow.c ---------------------------------------------------------------------- */

/* Jumps that always go one way, jumps through blocks that only jump on, blocks that follow
 * each other, blocks that nothing reaches, equal ends. */
void opt_flow(struct opt *o);

/* ---- ir_mem.c ----------------------------------------------------------------------- */

/* Loads of what was stored or loaded before, stores that nobody reads, constants side by
 * side in one store. */
void opt_memory(struct opt *o);

/* ---- ir_lookup.c -------------------------------------------------------------------- */

/* Look-ups of what was looked up before, in the whole function: has anything changed? */
bool opt_lookups(struct opt *o);

/* ---- ir_loop.c ------------------------------------------------------------------------- */

/* What is the same in each round of a loop is computed before it. */
void opt_loops(struct opt *o);

/* ---- legal.c ------------------------------------------------------------------------ */

void ir_count_uses(struct ir_func *f);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_in.h: what the files of the intermediate code share among themselves: instructions
 * and blocks as lists, facts of operations. lower.c needs none of it.
 */
#ifndef LANG_IR_IN_H
#define LANG_IR_IN_H

#include "lang/ir.h"

struct ir_row { const char *name; u8 what; };
extern const struct ir_row ir_rows[IR_COUNT];
extern const char *const ir_cc_names[];
enum { CC_COUNT = CC_TEST + 1 };

static inline bool ir_is(const struct ir_insn *i, enum ir_flag what)
{
	return ir_rows[i->op].what & what;
}

static inline bool ir_has_end(const struct ir_block *b)
{
	return b->last && ir_is(b->last, IRF_T);
}

static inline bool ir_is_call(const struct ir_insn *i)
{
	return i->op == IR_CALL || i->op == IR_KFUNC || i->op == IR_SUBCALL ||
	       i->op == IR_CCALL;
}

/* Where B goes: 0, 1 or 2 blocks. */
static inline u32 ir_nr_to(const struct ir_block *b)
{
	return b->last->op == IR_BR ? 2 : b->last->op == IR_JMP;
}

/* A constant whose value is known now. */
static inline bool ir_is_number(const struct ir_insn *v)
{
	return v->op == IR_CONST && !v->core;
}

/* ---- ir.c --------------------------------------------------------------------------- */

/* Of no block yet. */
struct ir_insn *ir_insn_new(struct ir_func *f, enum ir_op op);
/* Into B before BEFORE; NULL: at its end. */
void ir_insert(struct ir_block *b, struct ir_insn *before, struct ir_insn *i);
void ir_remove(struct ir_insn *i);
u32 ir_slot_new(struct ir_func *f, u32 bytes, u32 align);
/* Predecessor AT of B no longer goes there. */
void ir_pred_remove(struct ir_block *b, u32 at);
void ir_drop_unreached(struct ir_func *f);
/* Every operand becomes what it really is. */
void ir_settle_operands(struct ir_func *f);

/* ---- ir_order.c --------------------------------------------------------------------- */

struct ir_loop {
	struct ir_loop *parent;
	struct ir_block *head, *last;	/* LAST: in the list; others may lie between them */
	u32 depth;			/* from 1 */
};

/* The list of blocks becomes reverse postorder; sets order, idom, loop, depth. */
void ir_arrange(struct ir_func *f);
/* After ir_arrange(). */
bool ir_dominates(const struct ir_block *a, const struct ir_block *b);
/* No way leads from a block with two ways out to one with several in. */
void ir_split_edges(struct ir_func *f);

/* ---- legal.c ------------------------------------------------------------------------ */

/* Values that nobody uses go, with what only they use. */
void ir_drop_unused(struct ir_func *f);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_loop.c: what is the same in each round of a loop is computed once before it: numbers
 * made by division, multiplication, shifts and masks, and calls that give the same all
 * through a run. Sums stay, which may be pointers that a check in the loop makes safe; so
 * do constants and addresses, which cost nothing. Inner loops are gone through first, so
 * that values leave all loops they can.
 */
#include "lang/opt_in.h"

static bool may_leave(const struct ir_insn *i)
{
	switch (i->op) {
	case IR_MUL: case IR_UDIV: case IR_UMOD: case IR_SDIV: case IR_SMOD: case IR_AND:
	case IR_SHL: case IR_SHR: case IR_SAR: case IR_BSWAP: case IR_SEXT:
		return true;
	default:
		return ir_is_steady_call(i);
	}
}

static bool is_in(const struct ir_block *b, const struct ir_loop *l)
{
	const struct ir_loop *of = b->loop;

	while (of && of != l)
		of = of->parent;
	return of == l;
}

static bool is_invariant(const struct ir_insn *i, const struct ir_loop *l)
{
	for (u32 k = 0; k < i->nr_args; k++)
		if (is_in(i->args[k]->block, l))
			return false;
	return true;
}

/* The block that leads into L and nowhere else; NULL: there is none. */
static struct ir_block *entry_of(const struct ir_loop *l)
{
	struct ir_block *entry = NULL;

	for (size_t p = 0; p < l->head->preds.n; p++) {
		struct ir_block *from = l->head->preds.v[p];

		if (is_in(from, l))
			continue;
		if (entry || from->last->op != IR_JMP)
			return NULL;
		entry = from;
	}
	return entry;
}

/* Out of its loop, and on out of those around that. */
static void move_out(struct ir_insn *i)
{
	for (struct ir_loop *l = i->block->loop; l && is_invariant(i, l); l = l->parent) {
		struct ir_block *to = entry_of(l);

		if (!to)
			return;
		ir_remove(i);
		ir_insert(to, to->last, i);
	}
}

void opt_loops(struct opt *o)
{
	for (struct ir_block *b = o->f->first; b; b = b->next) {
		if (!b->loop)
			continue;
		for (struct ir_insn *i = b->first, *next; i; i = next) {
			next = i->next;
			if (may_leave(i))
				move_out(i);
		}
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alone.c: which atomic operations need no lock while nobody else is there. Those on values
 * of maps: no other thread sees these while the process has one, and no other process as
 * long as no map is in a file (run.alone). A lock costs some twenty cycles, the question
 * one. Other memory is the caller's, who may share it with processes that we do not know.
 *
 * They get the run as another operand.
 */
#include "jit/opt/ir.h"

/* V comes from a lookup, inlined or not: verified programs add numbers to pointers only. */
static bool is_lookup(const struct ir_func *f, const struct ir *v)
{
	return !ir_is(v, IR_PARAM) && f->b->ops[v->slot] == OP_CALL &&
	       f->b->bind->insns[v->slot].imm == BPF_FUNC_map_lookup_elem;
}

/* V plus a number. */
static bool is_moved(const struct ir *v)
{
	return (ir_is(v, IR_ADD) && ir_is_const(ir_rep(v->arg[1]))) ||
	       (ir_is(v, IR_LEA) && !v->index);
}

enum { LOOKED_AT = 16 };	/* values, where ways meet, one behind the other */

/* Pointers that are numbers are those of global data. *LEFT: values that are looked at. */
static bool in_map(const struct ir_func *f, const struct ir *v, u32 *left)
{
	if (!*left)
		return false;
	--*left;
	while (!is_lookup(f, v) && is_moved(v))
		v = ir_rep(v->arg[0]);
	if (ir_is_fixed(v) || (is_lookup(f, v) && !ir_is(v, IR_PHI)))
		return true;
	if (!ir_is(v, IR_PHI))
		return false;
	for (u32 i = 0; i < v->n; i++)
		if (!in_map(f, ir_rep(v->arg[i]), left))
			return false;
	return true;
}

static bool can_do_without(const struct ir *v)
{
	switch ((enum isa_kind)v->cc) {
	case KIND_ATOMIC_ADD: case KIND_ATOMIC_AND: case KIND_ATOMIC_OR: case KIND_ATOMIC_XOR:
	case KIND_ATOMIC_FADD:
		return true;
	default:
		return false;
	}
}

void ir_alone(struct ir_func *f)
{
	/* addresses of arenas are numbers, too, and the memory may be anybody's */
	if (f->b->bind->arena.window)
		return;
	for (size_t b = 0; b < f->blocks.n; b++) {
		const ir_list *nodes = &f->blocks.v[b]->nodes;

		for (size_t i = 0; i < nodes->n; i++) {
			struct ir *v = nodes->v[i];
			u32 left = LOOKED_AT;

			if (!v->rep && ir_is(v, IR_ATOMIC) && can_do_without(v) &&
			    in_map(f, ir_rep(v->arg[0]), &left))
				v->arg[v->n++] = f->params[IR_RUN];
		}
	}
}

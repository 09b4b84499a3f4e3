/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_check.c: is intermediate code what ir.h says it is? Blocks end once, predecessors and
 * jumps agree, operands are there and are computed before they are used, numbers are in
 * range. Changes nothing. The first thing that is wrong is said.
 */
#include "lang/ir_in.h"

struct checker {
	const struct ir_func *f;
	struct arena *a;
	const char *bad;
	struct ir_block **idom;		/* by block id */
	u32 *order, *place;		/* of blocks; of instructions in their block */
	bool *seen;			/* instructions that are in a block */
};

static void say(struct checker *c, const struct ir_insn *i, const char *what)
{
	if (!c->bad)
		c->bad = arena_printf(c->a, "%s: b%u: %%%u %s: %s", c->f->name,
				      i->block ? i->block->id : 0, i->id,
				      i->op < IR_COUNT ? ir_rows[i->op].name : "?", what);
}

static u32 args_of(const struct ir_insn *i)
{
	switch (i->op) {
	case IR_NEG: case IR_SEXT: case IR_ZEXT: case IR_BSWAP: case IR_LOAD: case IR_ZERO:
	case IR_EXIT:
		return 1;
	case IR_STORE: case IR_ADDTO: case IR_XCHG: case IR_COPY: case IR_SET: case IR_BR:
		return 2;
	case IR_CALL: case IR_KFUNC: case IR_SUBCALL: case IR_CCALL:
		return i->nr_args;
	default:
		return i->op >= IR_ADD && i->op <= IR_SAR ? 2 : 0;
	}
}

static bool size_ok(const struct ir_insn *i)
{
	switch (i->op) {
	case IR_ADDTO: return i->size == 4 || i->size == 8;
	case IR_BSWAP: return i->size == 2 || i->size == 4 || i->size == 8;
	default: return i->size == 1 || i->size == 2 || i->size == 4 || i->size == 8;
	}
}

static bool index_ok(const struct checker *c, const struct ir_insn *i)
{
	const struct ir_unit *u = c->f->unit;
	u64 n = (u64)i->imm;

	switch (i->op) {
	case IR_SLOT: case IR_FRESH: return n < c->f->slots.n;
	case IR_MAP: return n < u->maps.n && u->maps.v[n].name[0] != '.';
	case IR_MAPVAL:
		return n < u->maps.n && u->maps.v[n].name[0] == '.' && i->off >= 0 &&
		       (u32)i->off <= u->maps.v[n].value_bytes;
	case IR_FUNC: case IR_SUBCALL: return n < u->funcs.n && !u->funcs.v[n]->section;
	case IR_KVAR: return n < u->ksyms.n && u->ksyms.v[n].is_var;
	case IR_ARG: return n < c->f->nr_args;
	case IR_ZERO: case IR_COPY: return n > 0 && n <= INT32_MAX;
	default: return true;
	}
}

static bool blocks_ok(const struct ir_insn *i)
{
	for (u32 t = 0; t < 2 && ir_is(i, IRF_T); t++) {
		const struct ir_block *to = i->to[t];
		bool want = t < ir_nr_to(i->block), found = false;

		if (!want)
			continue;
		for (size_t p = 0; to && p < to->preds.n; p++)
			found |= to->preds.v[p] == i->block;
		if (!found)
			return false;
	}
	return i->op != IR_BR || i->to[0] != i->to[1];
}

static void check_insn(struct checker *c, const struct ir_insn *i)
{
	if ((u32)i->op >= IR_COUNT)
		return say(c, i, "no operation");
	if (i->nr_args != args_of(i) || i->nr_args > 5)
		say(c, i, "wrong number of operands");
	if (i->width != 32 && i->width != 64)
		say(c, i, "the width is neither 32 nor 64");
	if (!size_ok(i))
		say(c, i, "no such size");
	if (!index_ok(c, i))
		say(c, i, "a number that is out of range");
	if (ir_is(i, IRF_T) != !i->next)
		say(c, i, i->next ? "goes on behind the block's end" : "the block does not end");
	else if (!blocks_ok(i))
		say(c, i, "jumps and predecessors disagree");
	if (i->op == IR_PHI && i->prev && i->prev->op != IR_PHI)
		say(c, i, "behind an instruction");
	c->seen[i->id] = true;
}

static void check_preds(struct checker *c, const struct ir_block *b)
{
	for (size_t p = 0; p < b->preds.n; p++) {
		const struct ir_block *from = b->preds.v[p];
		u32 n = 0, same = 0;

		for (u32 t = 0; ir_has_end(from) && t < ir_nr_to(from); t++)
			n += from->last->to[t] == b;
		for (size_t q = 0; q < b->preds.n; q++)
			same += b->preds.v[q] == from;
		if ((n != 1 || same != 1) && b->first)
			say(c, b->first, "a predecessor that does not go here");
	}
}

/* ---- values before their uses ------------------------------------------------ */

struct visit { struct ir_block *b; u32 next; };

static u32 visit_all(struct checker *c, struct ir_block **post)
{
	struct visit *todo = arena_news(c->a, c->f->nr_blocks + 1, struct visit);
	u32 n = 0, depth = 1;

	todo[0].b = c->f->first;
	c->order[c->f->first->id] = 1;
	while (depth) {
		struct visit *v = &todo[depth - 1];

		if (v->next < ir_nr_to(v->b)) {
			struct ir_block *to = v->b->last->to[v->next++];

			if (!c->order[to->id]) {
				c->order[to->id] = 1;
				todo[depth++] = (struct visit){ to, 0 };
			}
			continue;
		}
		c->order[v->b->id] = n + 1;
		post[n++] = v->b;
		depth--;
	}
	return n;
}

static struct ir_block *meet(const struct checker *c, struct ir_block *a, struct ir_block *b)
{
	while (a != b) {
		while (c->order[a->id] < c->order[b->id])
			a = c->idom[a->id];
		while (c->order[b->id] < c->order[a->id])
			b = c->idom[b->id];
	}
	return a;
}

/* Cooper, Harvey, Kennedy: "A simple, fast dominance algorithm". */
static void find_idoms(struct checker *c)
{
	struct ir_block **post = arena_news(c->a, c->f->nr_blocks + 1, struct ir_block *);
	u32 n = visit_all(c, post);
	bool changed = true;

	c->idom[c->f->first->id] = c->f->first;
	while (changed) {
		changed = false;
		for (u32 k = n - 1; k-- > 0; ) {
			struct ir_block *b = post[k], *d = NULL;

			for (size_t p = 0; p < b->preds.n; p++)
				if (c->idom[b->preds.v[p]->id])
					d = d ? meet(c, d, b->preds.v[p]) : b->preds.v[p];
			changed |= c->idom[b->id] != d;
			c->idom[b->id] = d;
		}
	}
}

/* Is V there at the end of B, or before instruction number BEFORE of it? */
static bool is_there(const struct checker *c, const struct ir_insn *v, struct ir_block *b,
		     u32 before)
{
	if (!v || !v->block || !c->seen[v->id] || !ir_is(v, IRF_V))
		return false;
	if (v->block == b)
		return c->place[v->id] < before;
	while (b != v->block && b != c->f->first)
		b = c->idom[b->id];
	return b == v->block;
}

static void check_uses(struct checker *c, const struct ir_insn *i)
{
	struct ir_block *b = i->block;

	for (u32 a = 0; a < i->nr_args; a++)
		if (!is_there(c, ir_real(i->args[a]), b, c->place[i->id]))
			say(c, i, "an operand is not there");
	for (size_t p = 0; i->op == IR_PHI && p < b->preds.n; p++)
		if (!i->phi || !i->phi[p] ||
		    (c->order[b->preds.v[p]->id] &&
		     !is_there(c, ir_real(i->phi[p]), b->preds.v[p], UINT32_MAX)))
			say(c, i, "an operand is not there at a predecessor's end");
}

static void check_list(struct checker *c, const struct ir_block *b)
{
	const struct ir_insn *prev = NULL;
	u32 n = 0;

	if (!b->first && !c->bad)
		c->bad = arena_printf(c->a, "%s: b%u is empty", c->f->name, b->id);
	for (const struct ir_insn *i = b->first; i; prev = i, i = i->next) {
		c->place[i->id] = ++n;
		if (i->block != b || i->prev != prev)
			say(c, i, "not in the list where it says");
		check_insn(c, i);
	}
}

const char *ir_check(const struct ir_func *f, struct arena *a)
{
	struct checker c = { .f = f, .a = a };

	c.idom = arena_news(a, f->nr_blocks + 1, struct ir_block *);
	c.order = arena_news(a, f->nr_blocks + 1, u32);
	c.place = arena_news(a, f->nr_insns + 1, u32);
	c.seen = arena_news(a, f->nr_insns + 1, bool);
	if (!f->first)
		return "a function without a block";
	if (f->first->preds.n)
		return "a jump to a function's first block";
	for (const struct ir_block *b = f->first; b; b = b->next)
		check_list(&c, b);
	for (const struct ir_block *b = f->first; b && !c.bad; b = b->next)
		check_preds(&c, b);
	if (c.bad)
		return c.bad;
	find_idoms(&c);
	for (const struct ir_block *b = f->first; b && !c.bad; b = b->next)
		for (const struct ir_insn *i = c.order[b->id] ? b->first : NULL; i; i = i->next)
			check_uses(&c, i);
	return c.bad;
}

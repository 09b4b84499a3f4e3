/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * induct.c: what counts a loop. A PHI that begins with a number, grows by another on the
 * only way back, and is tested there against a third has a greatest value; and its test
 * may look at the value after it grew, so that the one before need not live so long.
 *
 * All numbers are small, and so is what the PHI can reach before a test ends the loop:
 * nothing wraps, and a comparison of 32 bits sees the whole value, which is no negative.
 */
#include "jit/opt/ir.h"

enum { SMALL = 1 << 28 };

struct count {
	struct ir *next, *branch;	/* phi + step; of the way back */
	u32 way;			/* number of the predecessor that leads back */
	u64 start, step, end;
	enum ir_cc cc;			/* what is true on the way back */
	bool after;			/* next is what is tested */
};

static bool small(const struct ir *v, u64 *n)
{
	*n = v->imm;
	return ir_is_const(v) && v->imm < SMALL;
}

/* The branch at the end of B, one of whose ways leads to H; what is true on that way. */
static struct ir *branch_to(const struct ir_block *b, const struct ir_block *h, enum ir_cc *cc)
{
	struct ir *v = b->nodes.n ? b->nodes.v[b->nodes.n - 1] : NULL;

	if (!v || !ir_is(v, IR_BR) || b->nr_succ != 2 || b->succ[0] == b->succ[1])
		return NULL;
	*cc = b->succ[0] == h ? (enum ir_cc)v->cc : ir_negated(v->cc);
	return v;
}

static bool grows(struct ir *phi, struct count *c)
{
	c->next = ir_rep(phi->arg[c->way]);
	return small(ir_rep(phi->arg[!c->way]), &c->start) && ir_is(c->next, IR_ADD) &&
	       ir_rep(c->next->arg[0]) == phi && small(ir_rep(c->next->arg[1]), &c->step) &&
	       c->step;
}

static bool find_count(struct ir *phi, struct count *c)
{
	const struct ir_block *h = phi->block;
	struct ir *tested;

	if (h->nr_pred != 2 || phi->n != 2)
		return false;
	c->way = ir_dominates(h, h->pred[1]);
	if (!ir_dominates(h, h->pred[c->way]) || ir_dominates(h, h->pred[!c->way]) ||
	    !grows(phi, c))
		return false;
	c->branch = branch_to(h->pred[c->way], h, &c->cc);
	if (!c->branch || !small(ir_rep(c->branch->arg[1]), &c->end))
		return false;
	tested = ir_rep(c->branch->arg[0]);
	c->after = tested == c->next;
	return (c->after || tested == phi) && c->branch->w <= c->next->w;
}

/* The greatest value that is tested and leads back, when none is passed over. */
static bool last_tested(const struct count *c, u64 *last)
{
	u64 first = c->start + (c->after ? c->step : 0);

	switch (c->cc) {
	case IR_ULT: case IR_SLT: *last = c->end ? c->end - 1 : 0; return true;
	case IR_ULE: case IR_SLE: *last = c->end; return true;
	case IR_NE: *last = c->end; return c->end >= first && (c->end - first) % c->step == 0;
	default: return false;
	}
}

u64 ir_phi_max(struct ir *phi)
{
	struct count c;
	u64 last;

	if (!find_count(phi, &c) || !last_tested(&c, &last))
		return ~0ull;
	last += c.after ? 0 : c.step;
	return last > c.start ? last : c.start;
}

static void test_after(struct ir_func *f, struct ir *phi)
{
	struct count c;
	u64 last;

	if (!find_count(phi, &c) || c.after || !last_tested(&c, &last))
		return;
	phi->uses--;
	c.next->uses++;
	c.branch->arg[0] = c.next;
	c.branch->arg[1] = ir_constant(f, c.end + c.step);
}

void ir_induct(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->phis.n; i++)
			test_after(f, f->blocks.v[b]->phis.v[i]);
}

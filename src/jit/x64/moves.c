/* SPDX-License-Identifier: BSD-2-Clause */
/* moves.c: values to registers all at once, and where blocks meet; see opt.h. */
#include "jit/x64/opt.h"

/* ---- parallel moves ---------------------------------------------------- */

/* Moves between registers: from[d] is where register d gets its value, or NOREG. */
static void permute(struct ra *a, u8 from[REGS])
{
	u32 left = 1;

	while (left) {
		u32 readers[REGS] = { 0 }, moved = 0, cycle = NOREG;

		left = 0;
		for (u32 d = 0; d < REGS; d++)
			if (from[d] != NOREG)
				readers[from[d]]++;
		for (u32 d = 0; d < REGS; d++) {
			if (from[d] == NOREG)
				continue;
			left++;
			if (readers[d]) {
				cycle = d;
				continue;
			}
			x_mov(&a->p, true, d, from[d]);
			readers[from[d]]--;
			from[d] = NOREG;
			moved++;
		}
		if (moved || !left)
			continue;
		/* all are in cycles: d has what it wants, its old value is elsewhere */
		x_xchg(&a->p, cycle, from[cycle]);
		for (u32 d = 0; d < REGS; d++)
			if (d != cycle && from[d] == cycle)
				from[d] = from[cycle];
		if (from[from[cycle]] == from[cycle])
			from[from[cycle]] = NOREG;
		from[cycle] = NOREG;
	}
}

void ra_moves(struct ra *a, const struct move *m, u32 n)
{
	u8 from[REGS];

	memset(from, NOREG, sizeof(from));
	for (u32 i = 0; i < n; i++)
		if (m[i].v->reg != NOREG && m[i].v->reg != m[i].dst &&
		    a->left[m[i].dst] != m[i].v)
			from[m[i].dst] = m[i].v->reg;
	permute(a, from);
	for (u32 i = 0; i < n; i++)
		if (m[i].v->reg == NOREG)
			ra_load(a, m[i].v, m[i].dst);
}

/* ---- entries ----------------------------------------------------------- */

static u32 pred_index(const struct ir_block *to, const struct ir_block *from)
{
	return from->at_succ[from->succ[0] != to];
}

static u32 entry_free(const struct entry *e)
{
	u32 mask = ALL_REGS;

	for (u32 r = 0; r < REGS; r++)
		if (e->reg[r])
			mask &= ~BIT(r);
	return mask;
}

static void give_phi(struct ra *a, struct entry *e, struct ir *phi, u32 r)
{
	phi->phi_reg = (u8)r;
	e->reg[r] = phi;
	a->used |= BIT(r) & CALLEE_SAVED;
}

/* One that becomes a PHI elsewhere is best where that one is. */
static bool enter_as_later(struct ra *a, struct entry *e, struct ir *phi)
{
	u32 r = ra_phi_hint(phi);

	if (r == NOREG || e->reg[r])
		return false;
	give_phi(a, e, phi, r);
	return true;
}

/* Registers that the loop of TO, or around it, takes again and again. */
static u32 taken_in_loop(const struct ir_block *to)
{
	return to->loop && to->loop->divides ? BIT(RAX) | BIT(RDX) : 0;
}

static void enter_phi(struct ra *a, struct entry *e, struct ir *phi)
{
	u32 open = entry_free(e);
	u32 best = open & (ra_crosses(a, phi) ? CALLEE_SAVED : CALLER_SAVED | a->used);

	if (!open)
		return;
	if (best & ~taken_in_loop(phi->block))
		best &= ~taken_in_loop(phi->block);
	else if (open & ~taken_in_loop(phi->block))
		best = open & ~taken_in_loop(phi->block);
	best = best & ~a->wanted ? best & ~a->wanted : best;
	give_phi(a, e, phi, (u32)__builtin_ctz(best ? best : open));
}

/* Registers of values that end here go to PHIs that get them. */
static void enter_phis(struct ra *a, struct entry *e, struct ir_block *to)
{
	u32 p = pred_index(to, a->block);

	for (size_t i = 0; i < to->phis.n; i++) {
		struct ir *phi = to->phis.v[i], *v = phi->arg[p];

		phi->phi_reg = NOREG;
		if (enter_as_later(a, e, phi) || v->reg == NOREG || e->reg[v->reg])
			continue;
		if (ra_crosses(a, phi) && !(BIT(v->reg) & CALLEE_SAVED) &&
		    entry_free(e) & CALLEE_SAVED)
			continue;	/* it would have to move at the call */
		if (to->header && BIT(v->reg) & taken_in_loop(to))
			continue;
		phi->phi_reg = v->reg;
		e->reg[v->reg] = phi;
	}
	for (size_t i = 0; i < to->phis.n; i++)
		if (to->phis.v[i]->phi_reg == NOREG)
			enter_phi(a, e, to->phis.v[i]);
}

/* What a loop uses is best loaded before it. */
static void enter_loop(struct ra *a, struct entry *e, struct ir_block *to)
{
	for (size_t i = 0; i < to->live.n; i++) {
		struct ir *v = to->live.v[i];
		u32 open = entry_free(e), u = v->at_use;

		open &= ~taken_in_loop(to);
		if (v->reg != NOREG || !(open & (open - 1)))
			continue;
		while (u < v->nr_use && v->use[u] < to->pos)
			u++;
		if (u == v->nr_use || v->use[u] > to->loop_last)
			continue;
		if (ra_crosses(a, v))
			open = open & CALLEE_SAVED ? open & CALLEE_SAVED : 0;
		else if (open & (CALLER_SAVED | a->used))
			open &= CALLER_SAVED | a->used;
		if (!open)
			continue;
		e->reg[__builtin_ctz(open)] = v;
		a->used |= BIT(__builtin_ctz(open)) & CALLEE_SAVED;
	}
}

/* What lives through the loop lies elsewhere, as far as there is room. */
static void leave_taken(struct ra *a, struct entry *e, const struct ir_block *to)
{
	for (u32 r = 0; r < REGS; r++) {
		u32 open = entry_free(e) & ~taken_in_loop(to), best;

		if (!e->reg[r] || !(BIT(r) & taken_in_loop(to)) || !open)
			continue;
		best = open & (ra_crosses(a, e->reg[r]) ? CALLEE_SAVED : CALLER_SAVED | a->used);
		best = best ? best : open;
		e->reg[__builtin_ctz(best)] = e->reg[r];
		e->reg[r] = NULL;
		a->used |= BIT(__builtin_ctz(best)) & CALLEE_SAVED;
	}
}

void ra_enter(struct ra *a, struct ir_block *to)
{
	struct entry *e = to->entry;
	bool alone = to->nr_pred == 1;

	if (e->set)
		return;
	e->set = true;
	if (a->run)
		e->reg[RUN_REG] = a->run;
	for (size_t i = 0; i < to->live.n; i++)
		if (to->live.v[i]->reg != NOREG)
			e->reg[to->live.v[i]->reg] = to->live.v[i];
	if (to->header && taken_in_loop(to))
		leave_taken(a, e, to);
	enter_phis(a, e, to);
	if (to->header)
		enter_loop(a, e, to);
	for (u32 r = 0; r < REGS; r++) {
		struct ir *v = e->reg[r];

		if (!v)
			continue;
		if (v->block == to && ir_is(v, IR_PHI) ? a->second && v->home :
		    v->in_mem && (alone || to->header || (a->second && v->home)))
			e->in_mem |= (u16)BIT(r);
	}
}

void ra_live_out(struct ir_block *block)
{
	for (u32 s = 0; s < block->nr_succ; s++)
		for (size_t i = 0; i < block->succ[s]->live.n; i++)
			block->succ[s]->live.v[i]->stamp = block->id + 1;
}

/* Registers of the PHIs behind BLOCK that are decided. */
static u32 wanted(const struct ir_block *block)
{
	u32 mask = 0;

	for (u32 s = 0; s < block->nr_succ; s++)
		for (size_t i = 0; i < block->succ[s]->phis.n; i++) {
			u32 r = block->succ[s]->phis.v[i]->phi_reg;
			u32 later = r == NOREG ? ra_phi_hint(block->succ[s]->phis.v[i]) : r;

			mask |= later == NOREG ? 0 : BIT(later);
		}
	return mask;
}

void ra_start(struct ra *a, struct ir_block *block)
{
	const struct entry *e = block->entry;

	for (u32 r = 0; r < REGS; r++)
		ra_drop(a, r);
	a->block = block;
	a->pos = block->pos;
	a->wanted = wanted(block);
	ra_live_out(block);
	for (size_t i = 0; i < block->live.n; i++)
		block->live.v[i]->in_mem = true;
	for (size_t i = 0; i < block->phis.n; i++)
		block->phis.v[i]->in_mem = true;
	for (u32 r = 0; r < REGS; r++) {
		if (!e->reg[r])
			continue;
		a->reg[r] = e->reg[r];
		a->reg[r]->reg = (u8)r;
		a->reg[r]->in_mem = ir_remade(a->reg[r]) || (e->in_mem >> r & 1);
	}
}

/* ---- edges ------------------------------------------------------------- */

static bool expected_in_mem(const struct entry *e, const struct ir *v)
{
	for (u32 r = 0; r < REGS; r++)
		if (e->reg[r] == v)
			return e->in_mem >> r & 1;
	return true;
}

/* To V's place from where it is; the state stays as it is. */
static void store_to(struct ra *a, struct ir *v, struct ir *place)
{
	struct x64_addr at;
	u32 r = v->reg;

	if (r == NOREG) {
		r = SCRATCH;
		ra_load(a, v, r);
	}
	at = ra_place(a, place);
	x_at(&a->p, true, false, 0x89, r, &at, false);
	place->home = true;
}

/* What lives on and must be in the frame there. */
static bool edge_stores(struct ra *a, const struct ir_block *to, bool dry)
{
	const struct entry *e = to->entry;
	bool any = false;

	for (size_t i = 0; i < to->live.n; i++) {
		struct ir *v = to->live.v[i];

		if (v->in_mem || !expected_in_mem(e, v))
			continue;
		any = true;
		if (!dry)
			store_to(a, v, v);
	}
	return any;
}

/* The value of PHI over this edge is what another PHI of the block is now, in the
 * frame: it must be read before that one's place is written. */
static bool entangled(const struct ir_block *to, u32 p)
{
	for (size_t i = 0; i < to->phis.n; i++) {
		const struct ir *v = to->phis.v[i]->arg[p];

		if (v != to->phis.v[i] && v->block == to && ir_is(v, IR_PHI) && v->reg == NOREG)
			return true;
	}
	return false;
}

static struct x64_addr temp_place(struct ra *a, u32 i)
{
	while (a->temps.n <= i) {
		*vec_push(&a->temps) = (u32)a->places.n;
		*vec_push(&a->places) = ~0u;
	}
	return (struct x64_addr){ RSP, NO_INDEX, 0, (s32)a->fp_at + 8 * (s32)a->temps.v[i] };
}

/* To its place from where it is, or to temporary place TEMP. */
static void store_phi(struct ra *a, struct ir *phi, struct ir *v, bool temp, u32 i)
{
	struct x64_addr at;
	u32 r = v->reg;

	if (!temp) {
		store_to(a, v, phi);
		return;
	}
	if (r == NOREG) {
		r = SCRATCH;
		ra_load(a, v, r);
	}
	at = temp_place(a, i);
	x_at(&a->p, true, false, 0x89, r, &at, false);
}

static void settle_phi(struct ra *a, struct ir *phi, u32 i)
{
	struct x64_addr from = temp_place(a, i), to = ra_place(a, phi);

	x_at(&a->p, true, false, 0x8b, SCRATCH, &from, false);
	x_at(&a->p, true, false, 0x89, SCRATCH, &to, false);
	phi->home = true;
}

/* PHIs that are in the frame, there or also; SETTLE: the temporary places of a first
 * round go where they belong. */
static bool edge_phis(struct ra *a, const struct ir_block *to, u32 p, bool dry, bool settle)
{
	bool any = false, temp = entangled(to, p);

	for (size_t i = 0; i < to->phis.n && (temp || !settle); i++) {
		struct ir *phi = to->phis.v[i], *v = phi->arg[p];

		if (!expected_in_mem(to->entry, phi) || (v == phi && v->in_mem))
			continue;
		any = true;
		if (settle)
			settle_phi(a, phi, (u32)i);
		else if (!dry)
			store_phi(a, phi, v, temp, (u32)i);
	}
	return any;
}

/* The moves between registers, and numbers to them, of the edge to TO. */
static u32 edge_moves(const struct ra *a, const struct ir_block *to, u32 p, struct move m[REGS])
{
	const struct entry *e = to->entry;
	u32 n = 0;

	for (u32 r = 0; r < REGS; r++) {
		struct ir *v = e->reg[r];

		if (!v)
			continue;
		if (ir_is(v, IR_PHI) && v->block == to)
			v = v->arg[p];
		if (v->reg == r)
			continue;
		m[n++] = (struct move){ r, v };
	}
	return n;
}

bool ra_edge(struct ra *a, struct ir_block *to, bool dry)
{
	u32 p = pred_index(to, a->block), n;
	struct move m[REGS];
	bool any = edge_stores(a, to, dry);

	any |= edge_phis(a, to, p, dry, false);
	n = edge_moves(a, to, p, m);
	if (dry)
		return any || n;
	ra_moves(a, m, n);
	edge_phis(a, to, p, false, true);
	return any || n;
}

enum { EARLY_MAX = 2 };

bool ra_edge_early(struct ra *a, struct ir_block *to)
{
	u32 p = pred_index(to, a->block), n;
	struct move m[REGS];

	if (edge_stores(a, to, true) || edge_phis(a, to, p, true, false))
		return false;
	n = edge_moves(a, to, p, m);
	for (u32 i = 0; i < n; i++)
		if (a->reg[m[i].dst] || (a->pinned & BIT(m[i].dst)))
			return false;
	if (n > EARLY_MAX)
		return false;
	ra_moves(a, m, n);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* regs.c: which register has which value; see opt.h. */
#include "jit/x64/opt.h"

enum { PHI_CHAIN = 4, HINT_DEPTH = 4 };

static const u8 arg_reg[6] = { RDI, RSI, RDX, RCX, R8, R9 };

/* ---- uses --------------------------------------------------------------------- */

/* The next position behind this one where V is used, or where its life ends. */
static u32 next_use(struct ra *a, struct ir *v)
{
	while (v->at_use < v->nr_use && v->use[v->at_use] <= a->pos)
		v->at_use++;
	return v->at_use < v->nr_use ? v->use[v->at_use] : v->last > a->pos ? v->last : 0;
}

bool ra_dead(struct ra *a, struct ir *v)
{
	if (ir_loose(v) || v == a->run)
		return false;
	while (v->at_use < v->nr_use && v->use[v->at_use] <= a->pos)
		v->at_use++;
	if (v->at_use < v->nr_use && v->use[v->at_use] <= a->block->edge)
		return false;
	return v->stamp != a->block->id + 1;
}

/* Is there a call between V's birth and its end? */
bool ra_crosses(const struct ra *a, const struct ir *v)
{
	u32 lo = 0, hi = v->held ? 0 : a->nr_calls;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (a->calls[mid] <= v->first)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < a->nr_calls && !v->held && a->calls[lo] < v->last;
}

static u32 hint_of_call(const struct ir *call, const struct ir *v)
{
	for (u32 i = 0; i < call->n; i++)
		if (call->arg[i] == v)
			return i + 1 == call->n ? R9 : arg_reg[i];
	return NOREG;
}

/* The PHI that V ends in may be far away: through PHIs of joins before it. */
u32 ra_phi_hint(const struct ir *v)
{
	for (u32 i = 0; i < PHI_CHAIN && v->phi; i++) {
		v = v->phi;
		if (v->phi_reg != NOREG)
			return v->phi_reg;
	}
	return NOREG;
}

/* USER's result is made where V, its first operand, ends. */
static bool made_in(const struct ir *user, const struct ir *v)
{
	switch ((enum ir_op)user->op) {
	case IR_ADD: case IR_SUB: case IR_AND: case IR_OR: case IR_XOR: case IR_MUL:
	case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_NEG: case IR_BSWAP:
	case IR_ZEXT: case IR_SEXT:
		return user->arg[0] == v || (ir_flags[user->op] & COMM && user->arg[1] == v);
	default:
		return false;
	}
}

static u32 hint_of(struct ra *a, const struct ir *v, u32 depth)
{
	const struct ir *user = v->nr_use ? a->at[v->use[0]] : NULL;
	u32 phi = ra_phi_hint(v);

	if (phi != NOREG && !a->reg[phi] && !(a->pinned & BIT(phi)))
		return phi;
	if (!user || ra_crosses(a, v))
		return NOREG;
	if (ir_is(user, IR_RET))
		return RAX;
	if (depth && v->nr_use == 1 && made_in(user, v))
		return hint_of(a, user, depth - 1);
	return ir_is(user, IR_CALL) || ir_is(user, IR_LOCAL) ? hint_of_call(user, v) : NOREG;
}

u32 ra_hint(struct ra *a, const struct ir *v) { return hint_of(a, v, HINT_DEPTH); }

/* ---- the frame -------------------------------------------------------------------- */

enum { LOOK_AT = 64 };

/* A PHI's place is written at the ends of all predecessors. */
static u32 last_of(const struct ir *v)
{
	u32 last = v->last;

	for (u32 p = 0; ir_is(v, IR_PHI) && p < v->block->nr_pred; p++)
		if (v->block->pred[p]->edge > last)
			last = v->block->pred[p]->edge;
	return last;
}

static s32 new_place(struct ra *a, const struct ir *v)
{
	u32 n = (u32)a->places.n, last = last_of(v);

	for (u32 i = 0; i < n && i < LOOK_AT; i++) {
		u32 at = (v->id + i) % n;

		if (a->places.v[at] >= v->first)
			continue;
		a->places.v[at] = last;
		return (s32)at;
	}
	*vec_push(&a->places) = last;
	return (s32)n;
}

struct x64_addr ra_place(struct ra *a, struct ir *v)
{
	if (v->place < 0)
		v->place = new_place(a, v);
	return (struct x64_addr){ RSP, NO_INDEX, 0, (s32)a->fp_at + 8 * v->place };
}

struct x64_addr ra_fp(struct ra *a, s64 off)
{
	a->fp_used = true;
	return (struct x64_addr){ RSP, NO_INDEX, 0, (s32)(a->fp + off) };
}

static void store_reg(struct ra *a, struct ir *v, u32 r)
{
	struct x64_addr at = ra_place(a, v);

	x_at(&a->p, true, false, 0x89, r, &at, false);
}

void ra_store(struct ra *a, struct ir *v)
{
	store_reg(a, v, v->reg);
	v->in_mem = true;
	v->home = true;		/* the second time: from the start */
}

static void load_func(struct ra *a, const struct ir *v, u32 r)
{
	x_rex(&a->p, true, r, 0, false);
	put1(&a->p, 0x8d);
	put1(&a->p, (r & 7) << 3 | 5);
	put4(&a->p, 0);
	*vec_push(a->links) = (struct link){ a->p - 4, (u32)v->imm };
}

void ra_load(struct ra *a, struct ir *v, u32 r)
{
	struct x64_addr at;

	if (v->reg != NOREG) {
		if (v->reg != r)
			x_mov(&a->p, true, r, v->reg);
		return;
	}
	switch ((enum ir_op)v->op) {
	case IR_CONST:
		x_mov_imm_flags(&a->p, r, v->imm);
		break;
	case IR_ENTRY:
		x_load(&a->p, 64, r, RUN_REG, v->entry);
		break;
	case IR_FP:
		at = ra_fp(a, (s64)v->imm);
		x_lea(&a->p, true, r, &at);
		break;
	case IR_FUNC:
		load_func(a, v, r);
		break;
	default:
		at = ra_place(a, v);
		x_at(&a->p, true, false, 0x8b, r, &at, false);
	}
}

/* ---- registers ------------------------------------------------------------------------ */

static u32 busy(const struct ra *a)
{
	u32 mask = 0;

	for (u32 r = 0; r < REGS; r++)
		mask |= a->reg[r] ? BIT(r) : 0;
	return mask;
}

void ra_drop(struct ra *a, u32 r)
{
	if (a->reg[r])
		a->reg[r]->reg = NOREG;
	a->reg[r] = NULL;
}

static void evict(struct ra *a, u32 r)
{
	struct ir *v = a->reg[r];

	if (!ir_remade(v) && !v->in_mem && next_use(a, v))
		ra_store(a, v);
	ra_drop(a, r);
}

/* The one of MASK whose value is used last. */
static u32 victim(struct ra *a, u32 mask)
{
	u32 best = NOREG, far = 0;

	for (u32 r = 0; r < REGS; r++) {
		u32 use;

		if (!(mask & BIT(r)))
			continue;
		if (ir_loose(a->reg[r]))
			return r;
		use = next_use(a, a->reg[r]);
		if (best == NOREG || use > far || !use) {
			best = r;
			far = use ? use : ~0u;
		}
	}
	return best;
}

static u32 first_of(u32 mask)
{
	/* without a prefix byte first */
	return (u32)__builtin_ctz(mask);
}

u32 ra_alloc(struct ra *a, u32 allowed, u32 hint, const struct ir *v)
{
	u32 open, can, r;

	allowed &= ALL_REGS & ~a->pinned & ~(a->run ? BIT(RUN_REG) : 0);
	open = allowed & ~busy(a);
	can = v && ra_crosses(a, v) ? open & CALLEE_SAVED : open & (CALLER_SAVED | a->used);
	if (hint != NOREG && open & BIT(hint))
		r = hint;
	else if (can)
		r = first_of(can & ~a->wanted ? can & ~a->wanted : can);
	else if (open)
		r = first_of(open & ~a->wanted ? open & ~a->wanted : open);
	else {
		r = victim(a, allowed);
		evict(a, r);
	}
	a->used |= BIT(r) & CALLEE_SAVED;
	return r;
}

static void hold(struct ra *a, struct ir *v, u32 r)
{
	a->reg[r] = v;
	v->reg = (u8)r;
	a->used |= BIT(r) & CALLEE_SAVED;
}

u32 ra_get(struct ra *a, struct ir *v)
{
	if (v->reg == NOREG) {
		u32 r = ra_alloc(a, ALL_REGS, NOREG, ir_loose(v) ? NULL : v);

		ra_load(a, v, r);
		hold(a, v, r);
	}
	a->pinned |= BIT(v->reg);
	return v->reg;
}

void ra_set(struct ra *a, struct ir *v, u32 r)
{
	bool home = a->second && v->home;

	hold(a, v, r);
	v->in_mem = false;
	if (!home)
		return;
	store_reg(a, v, r);
	v->in_mem = true;
}

static void free_one(struct ra *a, struct ir *v, const struct ir *keep)
{
	if (v == keep || v->reg == NOREG || !ra_dead(a, v))
		return;
	a->pinned &= ~BIT(v->reg);
	ra_drop(a, v->reg);
}

void ra_free_dead(struct ra *a, const struct ir *node, const struct ir *keep)
{
	struct ir *read[IR_OPERANDS];
	u32 n = ir_operands(node, read);

	for (u32 i = 0; i < n; i++)
		free_one(a, read[i], keep);
}

static bool is_operand(const struct ra *a, u32 r) { return a->pinned & BIT(r); }

void ra_clear(struct ra *a, u32 r)
{
	struct ir *v = a->reg[r];
	u32 to;

	if (!v)
		return;
	/* a held number is expected in a register again */
	if (!is_operand(a, r) && (!next_use(a, v) || (v->held ? !(ALL_REGS & ~busy(a)) :
						      ir_remade(v) || v->in_mem))) {
		ra_drop(a, r);
		return;
	}
	to = ra_alloc(a, ALL_REGS & ~BIT(r), NOREG, v);
	x_mov(&a->p, true, to, r);
	if (is_operand(a, r))
		a->pinned |= BIT(to);
	a->pinned &= ~BIT(r);
	a->reg[r] = NULL;
	hold(a, v, to);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool is_among(const struct ir *v, struct ir *const *list, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (list[i] == v)
			return true;
	return false;
}

/* A copy where the call leaves it: a register, or the frame. */
static void keep_safe(struct ra *a, struct ir *v)
{
	u32 from = v->reg, open = CALLEE_SAVED & ~busy(a);

	if (v->in_mem)
		return;
	if (!open) {
		ra_store(a, v);
		return;
	}
	/* those that are kept already first */
	open = open & a->used ? open & a->used : open;
	x_mov(&a->p, true, first_of(open), from);
	a->reg[from] = NULL;
	a->left[from] = v;
	hold(a, v, first_of(open));
}

void ra_before_call(struct ra *a, struct ir *const *extra, u32 nr_extra)
{
	for (u32 r = 0; r < REGS; r++) {
		struct ir *v = a->reg[r];

		if (!v || ir_remade(v) || !(BIT(r) & CALLER_SAVED))
			continue;
		if (!ra_dead(a, v) || is_among(v, extra, nr_extra))
			keep_safe(a, v);
	}
	a->calls_made = true;
}

void ra_after_call(struct ra *a)
{
	for (u32 r = 0; r < REGS; r++)
		if (BIT(r) & CALLER_SAVED)
			ra_drop(a, r);
	memset(a->left, 0, sizeof(a->left));
}

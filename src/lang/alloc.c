/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc.c: registers and stack for the values of a legal function: linear scan over
 * lifetimes with gaps, which are split where a register is lost (Wimmer, Franz: "Linear
 * scan register allocation on SSA form", 2010). A value that loses its register was
 * written to its place on the stack right where it was made, whole and once, so that a
 * verifier knows the copy for the same value: pointers too. r0-r5 do not outlive calls.
 * Emits nothing.
 */
#include "lang/emit_in.h"

enum { NEVER = UINT32_MAX };

/* ---- positions and uses ------------------------------------------------------------- */

static void number_all(struct ra *ra)
{
	struct ir_func *f = ra->f;
	u32 id = 0, pos = 0, calls = 0;

	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next) {
			i->id = ++id;
			calls += ir_is_call(i);
		}
	f->nr_insns = id;
	ra->nr_ids = id + 1;
	ra->pos = arena_news(&ra->arena, id + 1, u32);
	ra->calls = arena_news(&ra->arena, calls + 1, u32);
	ra->vals = arena_news(&ra->arena, id + 1, struct ra_val *);
	for (struct ir_block *b = f->first; b; b = b->next) {
		b->from = pos + 2;
		for (struct ir_insn *i = b->first; i; i = i->next) {
			if (i->op != IR_PHI && i->op != IR_CTX && i->op != IR_ARG)
				pos += 2;
			ra->pos[i->id] = i->op == IR_PHI || pos < b->from ? b->from : pos;
			if (ir_is_call(i))
				ra->calls[ra->nr_calls++] = pos;
		}
		b->to = pos + 2;
	}
}

/* Is it there from a block's start on, without an instruction? */
static bool is_given(const struct ir_insn *v)
{
	return v->op == IR_PHI || v->op == IR_CTX || v->op == IR_ARG;
}

static u32 def_pos(const struct ra *ra, const struct ir_insn *v)
{
	return ra->pos[v->id] + !is_given(v);
}

/* The operand is read after the value is written: they need two registers. */
static bool is_late(const struct ir_insn *i, u32 k)
{
	if (i->op == IR_SET)
		return true;
	return k == 1 && ir_is(i, IRF_V) && !ir_is(i, IRF_C) && !ir_is_call(i) &&
	       i->args[0] != i->args[1];
}

static bool wants_reg(const struct ir_insn *i)
{
	return !ir_is_call(i) && i->op != IR_EXIT;
}

/* A use as the analysis of lives wants it. */
struct site { struct ir_block *b; u32 pos; bool phi, reg; };

struct lives {
	struct ra *ra;
	u32 *first;		/* by id: its sites are sites[first[id] .. first[id + 1]) */
	struct site *sites;
	u32 *stamp, *end;	/* by block's order */
	u8 *flags;
	struct ir_block **touched, **todo;
	u32 nr_touched, nr_todo;
};

enum { LIVE_IN = 1, LIVE_OUT = 2 };

static void count_site(struct lives *l, const struct ir_insn *v)
{
	if (v->mark)
		l->first[v->id + 1]++;
}

static void add_site(struct lives *l, u32 *fill, const struct ir_insn *v, struct site s)
{
	if (v->mark)
		l->sites[fill[v->id]++] = s;
}

static void each_site(struct lives *l, u32 *fill, struct ir_insn *i)
{
	struct ir_block *b = i->block;
	u32 pos = l->ra->pos[i->id];

	for (u32 k = 0; k < i->nr_args; k++) {
		struct site s = { b, pos + is_late(i, k), false, wants_reg(i) };

		if (fill)
			add_site(l, fill, i->args[k], s);
		else
			count_site(l, i->args[k]);
	}
	for (size_t p = 0; i->op == IR_PHI && p < b->preds.n; p++) {
		struct site s = { b->preds.v[p], b->preds.v[p]->to - 1, true, false };

		if (fill)
			add_site(l, fill, i->phi[p], s);
		else
			count_site(l, i->phi[p]);
	}
}

static void all_sites(struct lives *l, u32 *fill)
{
	for (struct ir_block *b = l->ra->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			each_site(l, fill, i);
}

static void find_sites(struct lives *l)
{
	struct arena *a = &l->ra->arena;
	u32 n = l->ra->nr_ids, *fill = arena_news(a, n + 1, u32);

	l->first = arena_news(a, n + 2, u32);
	all_sites(l, NULL);
	for (u32 i = 0; i <= n; i++)
		l->first[i + 1] += l->first[i];
	memcpy(fill, l->first, (n + 1) * sizeof(*fill));
	l->sites = arena_news(a, l->first[n] + 1, struct site);
	all_sites(l, fill);
}

/* ---- lives -------------------------------------------------------------------------- */

static void touch(struct lives *l, struct ir_block *b, u32 id)
{
	if (l->stamp[b->order] == id)
		return;
	l->stamp[b->order] = id;
	l->flags[b->order] = 0;
	l->end[b->order] = 0;
	l->touched[l->nr_touched++] = b;
}

static void live_in(struct lives *l, struct ir_block *b, const struct ir_insn *v)
{
	if (b == v->block || l->flags[b->order] & LIVE_IN)
		return;
	l->flags[b->order] |= LIVE_IN;
	l->todo[l->nr_todo++] = b;
}

/* Up from B, where V is wanted, to where it is made. */
static void walk_up(struct lives *l, struct ir_block *b, const struct ir_insn *v)
{
	live_in(l, b, v);
	while (l->nr_todo) {
		b = l->todo[--l->nr_todo];
		for (size_t p = 0; p < b->preds.n; p++) {
			struct ir_block *from = b->preds.v[p];

			touch(l, from, v->id);
			l->flags[from->order] |= LIVE_OUT;
			live_in(l, from, v);
		}
	}
}

static int by_order(const void *a, const void *b)
{
	const struct ir_block *x = *(struct ir_block *const *)a, *y = *(struct ir_block *const *)b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static int by_pos(const void *a, const void *b)
{
	const struct ra_use *x = a, *y = b;

	return x->pos < y->pos ? -1 : x->pos > y->pos;
}

static void sort_uses(struct ra_use *v, u32 n)
{
	bool sorted = true;

	for (u32 i = 1; i < n; i++)
		sorted &= v[i - 1].pos <= v[i].pos;
	if (!sorted)
		qsort(v, n, sizeof(*v), by_pos);
}

static void take_uses(struct lives *l, struct ra_val *x)
{
	u32 id = x->v->id, n = l->first[id + 1] - l->first[id];

	x->uses = arena_news(&l->ra->arena, n + 1, struct ra_use);
	if (!is_given(x->v))
		x->uses[x->nr_uses++] = (struct ra_use){ def_pos(l->ra, x->v), true };
	for (u32 i = 0; i < n; i++) {
		const struct site *s = &l->sites[l->first[id] + i];

		x->uses[x->nr_uses++] = (struct ra_use){ s->pos, s->reg };
	}
	sort_uses(x->uses, x->nr_uses);
}

static void add_range(struct ra_val *x, u32 from, u32 to)
{
	if (x->nr_ranges && x->ranges[x->nr_ranges - 1].to == from)
		x->ranges[x->nr_ranges - 1].to = to;
	else
		x->ranges[x->nr_ranges++] = (struct ra_range){ from, to };
}

static void take_ranges(struct lives *l, struct ra_val *x)
{
	u32 def = def_pos(l->ra, x->v), n = l->nr_touched;

	if (n > 1)
		qsort(l->touched, n, sizeof(struct ir_block *), by_order);
	x->ranges = arena_news(&l->ra->arena, n, struct ra_range);
	x->in = arena_news(&l->ra->arena, n, struct ir_block *);
	for (u32 i = 0; i < n; i++) {
		struct ir_block *b = l->touched[i];
		u32 from = b == x->v->block ? def : b->from;
		u32 to = l->flags[b->order] & LIVE_OUT ? b->to : l->end[b->order];

		if (l->flags[b->order] & LIVE_IN)
			x->in[x->nr_in++] = b;
		add_range(x, from, to > from ? to : from + 1);
	}
}

static void find_life(struct lives *l, struct ir_insn *v)
{
	struct ra_val *x = arena_new(&l->ra->arena, struct ra_val);

	l->nr_touched = 0;
	touch(l, v->block, v->id);
	for (u32 s = l->first[v->id]; s < l->first[v->id + 1]; s++) {
		const struct site *at = &l->sites[s];
		u32 o = at->b->order;

		touch(l, at->b, v->id);
		if (at->phi)
			l->flags[o] |= LIVE_OUT;
		else if (l->end[o] < at->pos + 1)
			l->end[o] = at->pos + 1;
		walk_up(l, at->b, v);
	}
	*x = (struct ra_val){ .v = v, .hint = REG_MEM };
	take_uses(l, x);
	take_ranges(l, x);
	l->ra->vals[v->id] = x;
}

static void find_lives(struct ra *ra)
{
	struct lives l = { .ra = ra };
	u32 n = ra->f->last->order + 1;

	l.stamp = arena_news(&ra->arena, n, u32);
	l.end = arena_news(&ra->arena, n, u32);
	l.flags = arena_news(&ra->arena, n, u8);
	l.touched = arena_news(&ra->arena, n + 1, struct ir_block *);
	l.todo = arena_news(&ra->arena, n + 1, struct ir_block *);
	find_sites(&l);
	for (struct ir_block *b = ra->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			if (i->mark && (l.first[i->id] < l.first[i->id + 1] || !ir_is_call(i)))
				find_life(&l, i);
}

/* ---- wishes ------------------------------------------------------------------------- */

static void wish(const struct ra *ra, const struct ir_insn *v, u8 reg)
{
	if (v->mark && ra->vals[v->id] && reg != REG_MEM)
		ra->vals[v->id]->hint = reg;
}

/* From the last instruction to the first: the nearest use decides. */
static void find_wishes(struct ra *ra, struct ir_insn **all, u32 n)
{
	while (n--) {
		struct ir_insn *i = all[n];
		struct ra_val *x = ra->vals[i->id];

		for (u32 k = 0; ir_is_call(i) && k < i->nr_args; k++)
			wish(ra, i->args[k], (u8)(k + 1));
		if (i->op == IR_EXIT)
			wish(ra, i->args[0], 0);
		if (!x)
			continue;
		if (ir_is_call(i) && x->hint == REG_MEM)
			x->hint = 0;
		if (i->nr_args && !ir_is_call(i) && i->op != IR_SET && i->op != IR_LOAD &&
		    x->hint != REG_MEM)
			wish(ra, i->args[0], x->hint);
		if (i->op == IR_CTX || i->op == IR_ARG)
			x->hint = (u8)(i->imm + 1);
	}
}

static void all_wishes(struct ra *ra)
{
	struct ir_insn **all = arena_news(&ra->arena, ra->nr_ids, struct ir_insn *);
	u32 n = 0;

	for (struct ir_block *b = ra->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			all[n++] = i;
	find_wishes(ra, all, n);
}

/* ---- the scan ----------------------------------------------------------------------- */

struct scan {
	struct ra *ra;
	VEC(struct ra_part *) heap;	/* to be placed; the earliest first */
	struct ra_part *active[REG_COUNT];
	struct ra_part *idle[REG_COUNT];
	struct ra_part *cur;
	u32 free_until[REG_COUNT];
};

static bool before(const struct ra_part *a, const struct ra_part *b)
{
	return a->from != b->from ? a->from < b->from : a->val->v->id < b->val->v->id;
}

static void heap_push(struct scan *s, struct ra_part *p)
{
	size_t i = s->heap.n;

	*vec_push(&s->heap) = p;
	for (; i && before(p, s->heap.v[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap.v[i] = s->heap.v[(i - 1) / 2];
	s->heap.v[i] = p;
}

static struct ra_part *heap_pop(struct scan *s)
{
	struct ra_part *top = s->heap.v[0], *last = s->heap.v[--s->heap.n];
	size_t i = 0, n = s->heap.n;

	for (size_t k; (k = 2 * i + 1) < n; i = k) {
		if (k + 1 < n && before(s->heap.v[k + 1], s->heap.v[k]))
			k++;
		if (!before(s->heap.v[k], last))
			break;
		s->heap.v[i] = s->heap.v[k];
	}
	if (n)
		s->heap.v[i] = last;
	return top;
}

/* The first range of P that ends behind POS; nr_ranges when there is none. */
static u32 range_at(struct ra_part *p, u32 pos)
{
	const struct ra_val *x = p->val;

	while (p->range < x->nr_ranges && x->ranges[p->range].to <= pos)
		p->range++;
	return p->range;
}

static bool covers(struct ra_part *p, u32 pos)
{
	u32 r = range_at(p, pos);

	return pos >= p->from && pos < p->to && r < p->val->nr_ranges &&
	       p->val->ranges[r].from <= pos;
}

/* The first position at or behind POS at which V can be read only in a register. */
static u32 next_reg_use(const struct ra_part *p, u32 pos)
{
	const struct ra_use *u = p->val->uses;
	u32 lo = 0, hi = p->val->nr_uses;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (u[mid].pos < pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < p->val->nr_uses && !u[lo].reg)
		lo++;
	return lo < p->val->nr_uses && u[lo].pos < p->to ? u[lo].pos : NEVER;
}

/* The first call that P does not outlive in r0 .. r5. */
static u32 next_call(const struct scan *s, struct ra_part *p, u32 pos)
{
	const u32 *c = s->ra->calls;
	const struct ra_val *x = p->val;

	for (u32 r = range_at(p, pos); r < x->nr_ranges; r++) {
		u32 from = x->ranges[r].from, lo = 0, hi = s->ra->nr_calls;

		from = from < pos ? pos : from;
		if (from >= p->to)
			break;
		while (lo < hi) {
			u32 mid = (lo + hi) / 2;

			if (c[mid] + 1 <= from)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo < s->ra->nr_calls && c[lo] + 1 < x->ranges[r].to && c[lo] + 1 < p->to)
			return c[lo];
	}
	return NEVER;
}

/* Where A and B, of which B may be in a gap, are first both alive from POS on. */
static u32 meeting(struct ra_part *a, struct ra_part *b, u32 pos)
{
	u32 i = range_at(a, pos), j = range_at(b, pos);
	const struct ra_val *x = a->val, *y = b->val;

	while (i < x->nr_ranges && j < y->nr_ranges) {
		u32 from = x->ranges[i].from > y->ranges[j].from ? x->ranges[i].from :
								   y->ranges[j].from;
		u32 to = x->ranges[i].to < y->ranges[j].to ? x->ranges[i].to : y->ranges[j].to;

		from = from < pos ? pos : from;
		if (from >= a->to || from >= b->to)
			return NEVER;
		if (from < to)
			return from;
		if (x->ranges[i].to < y->ranges[j].to)
			i++;
		else
			j++;
	}
	return NEVER;
}

/* P ends at POS; the rest of it, which begins there or at its next range. */
static struct ra_part *split(struct scan *s, struct ra_part *p, u32 pos)
{
	struct ra_part *rest = arena_new(&s->ra->arena, struct ra_part);
	u32 r = range_at(p, p->from < s->cur->from ? s->cur->from : p->from);

	while (p->val->ranges[r].to <= pos)
		r++;
	*rest = (struct ra_part){ .val = p->val, .from = pos, .to = p->to, .range = r,
				  .reg = REG_MEM, .next = p->next };
	if (rest->from < p->val->ranges[r].from)
		rest->from = p->val->ranges[r].from;
	p->to = pos;
	p->next = rest;
	return rest;
}

/* From its start on P is on the stack, until a use wants a register. */
static void spill(struct scan *s, struct ra_part *p)
{
	u32 use = next_reg_use(p, p->from);

	p->reg = REG_MEM;
	p->val->spilled = true;
	if (use == NEVER)
		return;
	use &= ~1u;
	assert(use > p->from && "what must be in a register is not spilled");
	heap_push(s, split(s, p, use));
}

static void expire(struct scan *s, u32 pos)
{
	for (u32 r = 0; r < REG_COUNT; r++) {
		struct ra_part *a = s->active[r], **at = &s->idle[r];

		if (a && (a->to <= pos || range_at(a, pos) == a->val->nr_ranges)) {
			s->active[r] = a = NULL;
		} else if (a && !covers(a, pos)) {
			s->active[r] = NULL;
			a->idle = s->idle[r];
			s->idle[r] = a;
		}
		while (*at) {
			struct ra_part *p = *at;

			if (p->to <= pos || range_at(p, pos) == p->val->nr_ranges) {
				*at = p->idle;
			} else if (covers(p, pos)) {
				*at = p->idle;
				s->active[r] = p;
			} else {
				at = &p->idle;
			}
		}
	}
}

static void take(struct scan *s, u32 reg)
{
	s->cur->reg = (u8)reg;
	s->active[reg] = s->cur;
}

/* A value that was never split meets none that is in a gap: the code is SSA. */
static u32 free_until(struct scan *s, u32 reg, u32 call)
{
	struct ra_part *cur = s->cur;
	u32 until = reg < REG_CALLER ? call : NEVER;

	if (s->active[reg])
		return 0;
	if (cur == cur->val->parts)
		return until;
	for (struct ra_part *p = s->idle[reg]; p; p = p->idle) {
		u32 m = meeting(cur, p, cur->from);

		until = m < until ? m : until;
	}
	return until;
}

/* Of the registers that are free to the end: the one that is wished, then one that calls
 * spoil, then any. */
static u32 pick_free(const struct scan *s, u32 hint)
{
	static const u8 order[REG_COUNT] = { 0, 5, 4, 3, 2, 1, 6, 7, 8, 9 };

	if (hint < REG_COUNT && s->free_until[hint] >= s->cur->to)
		return hint;
	for (u32 k = 0; k < REG_COUNT; k++)
		if (s->free_until[order[k]] >= s->cur->to)
			return order[k];
	return REG_MEM;
}

/* The register of an operand that ends here, or of a phi that the value goes into. */
static u32 hint_of(const struct scan *s)
{
	const struct ra_val *x = s->cur->val;
	struct ir_insn *v = x->v;

	if (s->cur != x->parts)
		return REG_MEM;
	if (x->hint != REG_MEM && s->free_until[x->hint] >= s->cur->to)
		return x->hint;
	for (size_t p = 0; v->op == IR_PHI && p < v->block->preds.n; p++) {
		const struct ra_val *o = v->phi[p]->mark ? s->ra->vals[v->phi[p]->id] : NULL;

		if (o && o->parts && o->parts->reg < REG_COUNT &&
		    s->free_until[o->parts->reg] >= s->cur->to)
			return o->parts->reg;
	}
	if (v->op != IR_PHI && v->nr_args && v->args[0]->mark && s->ra->vals[v->args[0]->id])
		return ra_at(s->ra, v->args[0], s->cur->from - 1);
	return REG_MEM;
}

static bool try_free(struct scan *s)
{
	u32 call = next_call(s, s->cur, s->cur->from), best = 0, reg;

	for (u32 r = 0; r < REG_COUNT; r++) {
		s->free_until[r] = free_until(s, r, call);
		if (s->free_until[r] > s->free_until[best])
			best = r;
	}
	reg = pick_free(s, hint_of(s));
	if (reg != REG_MEM)
		return take(s, reg), true;
	/* for a while, when that is of use */
	if ((s->free_until[best] & ~1u) <= s->cur->from ||
	    next_reg_use(s->cur, s->cur->from) >= (s->free_until[best] & ~1u))
		return false;
	heap_push(s, split(s, s->cur, s->free_until[best] & ~1u));
	take(s, best);
	return true;
}

/* Who has REG goes to the stack from here on, also those in gaps that would come back. */
static void evict(struct scan *s, u32 reg)
{
	struct ra_part *a = s->active[reg], *cur = s->cur;

	if (a && a->from == cur->from)
		spill(s, a);
	else if (a)
		spill(s, split(s, a, cur->from));
	s->active[reg] = NULL;
	for (struct ra_part **at = &s->idle[reg]; *at; ) {
		struct ra_part *p = *at;

		if (cur == cur->val->parts || meeting(cur, p, cur->from) == NEVER) {
			at = &p->idle;
			continue;
		}
		*at = p->idle;
		heap_push(s, split(s, p, cur->from));
	}
}

/* The register whose value is wanted last. */
static void take_blocked(struct scan *s)
{
	struct ra_part *cur = s->cur;
	u32 first = next_reg_use(cur, cur->from), best = REG_MEM, far = 0;
	u32 call = next_call(s, cur, cur->from);

	for (u32 r = 0; r < REG_COUNT; r++) {
		u32 use = s->active[r] ? next_reg_use(s->active[r], cur->from) : NEVER;

		if (r < REG_CALLER && call <= cur->from)
			continue;
		if (use > far) {
			far = use;
			best = r;
		}
	}
	if (first == NEVER || ((first & ~1u) > cur->from && first >= far)) {
		spill(s, cur);
		return;
	}
	assert(best != REG_MEM && far > cur->from && "ten registers are enough");
	evict(s, best);
	if (best < REG_CALLER && call < cur->to)
		heap_push(s, split(s, cur, call));
	take(s, best);
}

static void scan_all(struct scan *s)
{
	for (u32 i = 1; i < s->ra->nr_ids; i++) {
		struct ra_val *x = s->ra->vals[i];

		if (!x)
			continue;
		x->parts = arena_new(&s->ra->arena, struct ra_part);
		*x->parts = (struct ra_part){ .val = x, .from = x->ranges[0].from,
					      .to = x->ranges[x->nr_ranges - 1].to,
					      .reg = REG_MEM };
		heap_push(s, x->parts);
	}
	while (s->heap.n) {
		s->cur = heap_pop(s);
		expire(s, s->cur->from);
		if (!try_free(s))
			take_blocked(s);
	}
	vec_free(&s->heap);
}

/* ---- what came out ------------------------------------------------------------------ */

u8 ra_at(const struct ra *ra, const struct ir_insn *v, u32 pos)
{
	struct ra_val *x = ra->vals[v->id];
	struct ra_part *p = x->seen && x->seen->from <= pos ? x->seen : x->parts;

	while (p->next && p->next->from <= pos)
		p = p->next;
	x->seen = p;
	return p->reg;
}

static void note_busy(struct ra *ra, const struct ra_val *x)
{
	for (u32 i = 0; i < x->nr_in; i++) {
		struct ir_block *b = x->in[i];
		u8 reg = ra_at(ra, x->v, b->from);

		ra->busy_in[b->order] |= reg < REG_COUNT ? (u16)(1 << reg) : 0;
		for (size_t p = 0; p < b->preds.n; p++) {
			reg = ra_at(ra, x->v, b->preds.v[p]->to - 1);
			if (reg < REG_COUNT)
				ra->busy_out[b->preds.v[p]->order] |= (u16)(1 << reg);
		}
	}
}

static int moves_by_pos(const void *a, const void *b)
{
	const struct ra_part *x = *(struct ra_part *const *)a, *y = *(struct ra_part *const *)b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* Parts that go on where the last one ended; on the stack the value is already. */
static void note_moves(struct ra *ra, const struct ra_val *x)
{
	for (struct ra_part *p = x->parts; p->next; p = p->next)
		if (p->next->from == p->to && p->next->reg != REG_MEM && p->next->reg != p->reg)
			*vec_push(&ra->moves) = p->next;
}

static void note_all(struct ra *ra)
{
	ra->busy_in = arena_news(&ra->arena, ra->f->last->order + 1, u16);
	ra->busy_out = arena_news(&ra->arena, ra->f->last->order + 1, u16);
	for (u32 i = 1; i < ra->nr_ids; i++) {
		if (!ra->vals[i])
			continue;
		note_busy(ra, ra->vals[i]);
		note_moves(ra, ra->vals[i]);
	}
	if (ra->moves.n)
		qsort(ra->moves.v, ra->moves.n, sizeof(struct ra_part *), moves_by_pos);
}

void ra_run(struct ra *ra, struct ir_func *f)
{
	struct scan s = { .ra = ra };

	*ra = (struct ra){ .f = f };
	number_all(ra);
	find_lives(ra);
	all_wishes(ra);
	scan_all(&s);
	note_all(ra);
	frame_place(ra);
}

void ra_free(struct ra *ra)
{
	vec_free(&ra->moves);
	arena_free(&ra->arena);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_lookup.c: look-ups in maps that were made before. A call of bpf_map_lookup_elem() gives
 * what an earlier one gave when the map and the key are the same, the earlier one is on every
 * way there, and nothing on these ways adds to the map or takes from it. What a jump says of
 * the earlier result, NULL or not, holds for the later one. Other processors may change the
 * map between the two: then the element of before is used, as by a program that looks once.
 * A key is known by the stores into its slot right before the call. Where ways meet that each
 * have looked by themselves, a phi is the result. Nothing is known at the heads of loops.
 */
#include "lang/opt_in.h"

enum { PARTS_MAX = 4, BACK_MAX = 32, KNOWN_MAX = 24, PREDS_MAX = 8, MAPS_ALL = -1 };

struct key {
	s64 map;
	u32 n;
	struct { s32 off; u32 size; struct ir_insn *v; } part[PARTS_MAX];	/* by offset */
};

enum state { UNKNOWN, IS_NULL, IS_THERE };

/* A result: of a call, or of those of the ways into a block, whose phi is made on demand. */
struct look {
	struct ir_insn *v;
	struct ir_block *at;
	struct look **from;	/* by predecessor of AT */
};

/* What is known at a place: the newest first, a list that others go on sharing. */
struct known {
	const struct key *key;
	struct look *look;
	enum state state;
	u32 n;			/* how many there are from here on */
	struct known *next;
};

struct lookups {
	struct opt *o;
	struct known **out;	/* by block's order: at its end */
	struct known *now;
	bool changed;
};

/* ---- keys --------------------------------------------------------------------------- */

static bool is_slot(const struct ir_insn *v, s64 slot)
{
	return v->op == IR_SLOT && v->imm == slot;
}

/* Reads maps, and of memory only keys and values? */
static bool is_map_call(const struct ir_insn *i)
{
	return i->op == IR_CALL && (i->imm == BPF_FUNC_map_lookup_elem ||
	       i->imm == BPF_FUNC_map_update_elem || i->imm == BPF_FUNC_map_delete_elem);
}

/* May I write to SLOT, or hide that it does? */
static bool may_write(const struct ir_insn *i, s64 slot)
{
	if (i->op == IR_LOAD || is_map_call(i))
		return false;
	if (i->op == IR_FRESH)
		return i->imm == slot;
	for (u32 k = 0; k < i->nr_args; k++)
		if (is_slot(ir_real(i->args[k]), slot))
			return true;
	return false;
}

static bool overlaps(const struct key *k, s32 off, u32 size)
{
	for (u32 p = 0; p < k->n; p++)
		if (off < k->part[p].off + (s64)k->part[p].size && k->part[p].off < off + (s64)size)
			return true;
	return false;
}

/* Takes store I into K; false: it is no such part. */
static bool take_part(struct key *k, struct ir_insn *i, u32 bytes)
{
	u32 p = k->n;

	if (k->n == PARTS_MAX || overlaps(k, i->off, i->size) || i->off < 0 ||
	    i->off + (u32)i->size > bytes)
		return false;
	for (; p && k->part[p - 1].off > i->off; p--)
		k->part[p] = k->part[p - 1];
	k->part[p].off = i->off;
	k->part[p].size = i->size;
	k->part[p].v = ir_real(i->args[1]);
	k->n++;
	return true;
}

/* What runs before I on every way; NULL: ways meet there. */
static struct ir_insn *before(const struct ir_insn *i)
{
	if (i->prev || i->block->preds.n != 1)
		return i->prev;
	return i->block->preds.v[0]->last;
}

/* The key that CALL looks for, from the stores before it; false: it is not known. */
static bool find_key(const struct lookups *l, const struct ir_insn *call, struct key *k)
{
	const struct ir_insn *map = ir_real(call->args[0]), *at = ir_real(call->args[1]);
	u32 bytes, have = 0, steps = 0;

	if (map->op != IR_MAP || at->op != IR_SLOT)
		return false;
	*k = (struct key){ .map = map->imm };
	bytes = l->o->f->unit->maps.v[map->imm].key_bytes;
	for (struct ir_insn *i = before(call); i && have < bytes && steps++ < BACK_MAX;
	     i = before(i)) {
		if (i->op == IR_STORE && is_slot(ir_real(i->args[0]), at->imm) &&
		    !is_slot(ir_real(i->args[1]), at->imm)) {
			if (!take_part(k, i, bytes))
				return false;
			have += i->size;
		} else if (may_write(i, at->imm)) {
			return false;
		}
	}
	return have == bytes;
}

static bool same_key(const struct key *a, const struct key *b)
{
	if (a->map != b->map || a->n != b->n)
		return false;
	for (u32 p = 0; p < a->n; p++)
		if (a->part[p].off != b->part[p].off || a->part[p].size != b->part[p].size ||
		    a->part[p].v != b->part[p].v)
			return false;
	return true;
}

/* ---- what is known ------------------------------------------------------------------ */

static struct known *push(struct lookups *l, struct known *list, const struct key *key,
			  struct look *look, enum state state)
{
	struct known *k = arena_new(&l->o->arena, struct known);

	if (list && list->n >= KNOWN_MAX)
		list = NULL;
	*k = (struct known){ key, look, state, list ? list->n + 1 : 1, list };
	return k;
}

/* Whose result V is. */
static const struct known *of_value(const struct known *list, const struct ir_insn *v)
{
	while (list && list->look->v != v)
		list = list->next;
	return list;
}

static const struct known *of_key(const struct known *list, const struct key *key)
{
	while (list && !same_key(list->key, key))
		list = list->next;
	return list;
}

/* Of LIST without what is known of MAP. */
static struct known *without(struct lookups *l, struct known *list, s64 map)
{
	struct known *rest;

	if (!list || map == MAPS_ALL)
		return NULL;
	rest = without(l, list->next, map);
	if (list->key->map == map)
		return rest;
	return rest == list->next ? list : push(l, rest, list->key, list->look, list->state);
}

/* What the jump from FROM to B says of a look-up's result. */
static struct known *on_edge(struct lookups *l, const struct ir_block *from,
			     const struct ir_block *b)
{
	const struct ir_insn *t = from->last;
	struct known *list = l->out[from->order];
	const struct known *k;

	if (t->op != IR_BR || (t->cc != CC_NE && t->cc != CC_EQ) || t->width != 64 ||
	    !ir_is_number(ir_real(t->args[1])) || ir_real(t->args[1])->imm ||
	    t->to[0] == t->to[1])
		return list;
	k = of_value(list, ir_real(t->args[0]));
	if (!k)
		return list;
	return push(l, list, k->key, k->look,
		    (t->cc == CC_NE) == (t->to[0] == b) ? IS_THERE : IS_NULL);
}

/* What all ways into B, IN, know of KEY, onto l->now. */
static void meet(struct lookups *l, struct ir_block *b, struct known **in, const struct key *key)
{
	const u32 n = (u32)b->preds.n;
	const struct known *first = of_key(in[0], key);
	struct look *look = first->look, *from[PREDS_MAX];
	enum state state = first->state;

	for (u32 p = 0; p < n; p++) {
		const struct known *k = of_key(in[p], key);

		if (!k)
			return;
		from[p] = k->look;
		state = k->state == state ? state : UNKNOWN;
		look = k->look == look ? look : NULL;
	}
	if (!look) {
		look = arena_new(&l->o->arena, struct look);
		look->at = b;
		look->from = arena_copy(&l->o->arena, from, n * sizeof(struct look *));
	}
	l->now = push(l, l->now, key, look, state);
}

static void enter(struct lookups *l, struct ir_block *b)
{
	struct known *in[PREDS_MAX];

	l->now = NULL;
	if (!b->preds.n || b->preds.n > PREDS_MAX)
		return;
	for (size_t p = 0; p < b->preds.n; p++) {
		if (b->preds.v[p]->order >= b->order)
			return;
		in[p] = on_edge(l, b->preds.v[p], b);
	}
	if (b->preds.n == 1) {
		l->now = in[0];
		return;
	}
	for (const struct known *k = in[0]; k; k = k->next)
		if (!of_key(l->now, k->key))
			meet(l, b, in, k->key);
}

/* The result as a value. */
static struct ir_insn *value_of(struct lookups *l, struct look *look)
{
	const u32 n = look->v ? 0 : (u32)look->at->preds.n;
	struct ir_insn *phi;

	if (look->v)
		return look->v;
	phi = ir_insn_new(l->o->f, IR_PHI);
	phi->line = 0;
	phi->phi = arena_news(l->o->f->unit->arena, n + 1, struct ir_insn *);
	look->v = phi;
	for (u32 p = 0; p < n; p++)
		phi->phi[p] = value_of(l, look->from[p]);
	ir_insert(look->at, look->at->first, phi);
	return phi;
}

/* ---- the walk ----------------------------------------------------------------------- */

static void see_lookup(struct lookups *l, struct ir_insn *i)
{
	struct key *key = arena_new(&l->o->arena, struct key);
	const struct known *k;
	struct look *look;

	if (!find_key(l, i, key))
		return;
	k = of_key(l->now, key);
	if (!k) {
		look = arena_new(&l->o->arena, struct look);
		look->v = i;
		l->now = push(l, l->now, key, look, UNKNOWN);
		return;
	}
	ir_remove(i);
	i->same = value_of(l, k->look);
	l->changed = true;
}

/* Calls that add and take; what is not known does so everywhere. */
static void see_call(struct lookups *l, struct ir_insn *i)
{
	const struct ir_insn *map = i->nr_args ? ir_real(i->args[0]) : NULL;

	if (i->op != IR_CALL)
		l->now = NULL;
	else if (i->imm == BPF_FUNC_map_lookup_elem)
		see_lookup(l, i);
	else if (i->imm == BPF_FUNC_for_each_map_elem || i->imm == BPF_FUNC_loop)
		l->now = NULL;
	else if (is_map_call(i))
		l->now = without(l, l->now, map->op == IR_MAP ? map->imm : MAPS_ALL);
}

/* A jump by a result that is known goes one way. */
static void see_jump(struct lookups *l, struct ir_insn *t)
{
	const struct known *k = t->op == IR_BR ? of_value(l->now, ir_real(t->args[0])) : NULL;

	if (!k || k->state == UNKNOWN || (t->cc != CC_NE && t->cc != CC_EQ) || t->width != 64 ||
	    !ir_is_number(ir_real(t->args[1])) || ir_real(t->args[1])->imm)
		return;
	t->args[0] = opt_number(l->o, k->state == IS_THERE);
	l->changed = true;
}

/* ---- keys that nobody reads any more ------------------------------------------------ */

static bool fills_slot(const struct ir_insn *i)
{
	return (i->op == IR_STORE || i->op == IR_ZERO) && i->args[0]->op == IR_SLOT;
}

static void note_reads(const struct ir_insn *i, bool *read)
{
	for (u32 k = fills_slot(i); k < i->nr_args; k++)
		if (i->args[k]->op == IR_SLOT)
			read[i->args[k]->imm] = true;
	for (size_t p = 0; i->op == IR_PHI && p < i->block->preds.n; p++)
		if (i->phi[p]->op == IR_SLOT)
			read[i->phi[p]->imm] = true;
}

static void drop_unread(struct opt *o)
{
	bool *read = arena_news(&o->arena, o->f->slots.n + 1, bool);

	for (struct ir_block *b = o->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			note_reads(i, read);
	for (struct ir_block *b = o->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first, *next; i; i = next) {
			next = i->next;
			if (fills_slot(i) && !read[i->args[0]->imm])
				ir_remove(i);
		}
}

bool opt_lookups(struct opt *o)
{
	struct lookups l = { .o = o };

	l.out = arena_news(&o->arena, o->f->last->order + 1, struct known *);
	for (struct ir_block *b = o->f->first; b; b = b->next) {
		enter(&l, b);
		for (struct ir_insn *i = b->first, *next; i; i = next) {
			next = i->next;
			if (ir_is_call(i))
				see_call(&l, i);
		}
		see_jump(&l, b->last);
		l.out[b->order] = l.now;
	}
	ir_settle_operands(o->f);
	if (l.changed)
		drop_unread(o);
	return l.changed;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_join.c: what two states have in common. Numbers join (scalar.h); pointers
 * of one identity do, and offsets that differ go into the variable part; what
 * differs otherwise becomes "any". Relations by id stay where both states have
 * them: a pair of ids, one of each state, is one id of the result. The result is
 * written over the first state, field by field, so that a state to which nothing
 * is added stays as it is to the last bit.
 */
#include "verify/inv.h"

enum { MAX_PAIRS = 512, NULL_ID = 0xffffffffu };

/* Ids of numbers and packet pointers stand for values, others for objects. */
enum id_kind { ID_VALUE, ID_OBJECT };

struct join {
	struct verifier *v;
	struct state *n;
	const struct state *s;
	bool widen, changed;
	bool tired;		/* changed often: relations that move are dropped */
	const s64 *steps;
	u32 nr_steps;
	u32 nr_pairs;
	struct pair { u32 a, b, id; s64 delta; u8 kind; } pairs[MAX_PAIRS];
};

/* ---- ids ----------------------------------------------------------------- */

/* The id of the result for A here and B there, where B is DELTA ahead. The first
 * pair of A keeps it. */
static u32 pair_id(struct join *j, enum id_kind kind, u32 a, u32 b, s64 delta)
{
	bool used = !a || a == NULL_ID;
	struct pair *p;

	for (u32 i = 0; i < j->nr_pairs; i++) {
		p = &j->pairs[i];
		if (p->kind != kind || p->a != a)
			continue;
		if (p->b == b && p->delta == delta)
			return p->id;
		used = true;
	}
	if (j->nr_pairs == MAX_PAIRS)
		return ++j->v->next_id;
	p = &j->pairs[j->nr_pairs++];
	*p = (struct pair){ a, b, used ? ++j->v->next_id : a, delta, (u8)kind };
	return p->id;
}

static void set_u32(struct join *j, u32 *to, u32 val)
{
	j->changed |= *to != val;
	*to = val;
}

static s64 ref_index(const struct state *s, u32 id)
{
	for (u32 i = 0; i < s->nr_refs; i++)
		if (s->refs[i].id == id)
			return i;
	return -1;
}

/* Both need the same reference; those of the result are the first state's. */
static bool same_ref(const struct join *j, u32 a, u32 b)
{
	if (!a || !b)
		return a == b;
	return ref_index(j->n, a) == ref_index(j->s, b) && (ref_index(j->n, a) >= 0 || a == b);
}

/* ---- numbers ------------------------------------------------------------- */

static void set_any(struct join *j, struct reg *r)
{
	if (r->type == REG_ANY)
		return;
	reg_set_none(r);
	r->type = REG_ANY;
	j->changed = true;
}

static void join_val(struct join *j, struct scalar *n, const struct scalar *s)
{
	if (scalar_subset(s, n))
		return;
	*n = j->widen ? scalar_widen(n, s, j->steps, j->nr_steps) : scalar_join(n, s);
	j->changed = true;
}

static void join_seed(struct join *j, struct reg *n, const struct reg *s)
{
	s32 min = n->step_min < s->step_min ? n->step_min : s->step_min;
	s32 max = n->step_max > s->step_max ? n->step_max : s->step_max;

	if (!n->seed)
		return;
	if (n->seed == s->seed && min == n->step_min && max == n->step_max)
		return;
	j->changed = true;
	if (n->seed != s->seed || j->tired) {
		n->seed = 0;
		n->step_min = n->step_max = 0;
		return;
	}
	n->step_min = min;
	n->step_max = max;
}

static s64 added(const struct reg *r)
{
	return r->flags & REG_LINKED ? r->off : 0;
}

static void join_number(struct join *j, struct reg *n, const struct reg *s)
{
	u32 id = 0;

	join_val(j, &n->val, &s->val);
	join_seed(j, n, s);
	if (!n->id)
		return;
	if (s->id && !((n->flags ^ s->flags) & REG_NARROW))
		id = pair_id(j, ID_VALUE, n->id, s->id, added(s) - added(n));
	j->changed |= id != n->id;
	n->id = id;
	if (id)
		return;
	n->off = 0;
	n->flags &= (u16)~REG_LINKS;
}

/* ---- pointers ------------------------------------------------------------ */

enum { JOINS_FLAGS = REG_OR_NULL | REG_RDONLY };

/* Where it is NULL there is nothing to give back. So it is not with what was made of it. */
static bool ends_ref(const struct reg *r)
{
	return r->ref && r->id == r->ref;
}

/* Where the dynptr with ID lies, or -1. */
static s32 dynptr_place(const struct state *s, u32 id)
{
	for (u32 i = 0; i < s->nr_frames; i++)
		for (u32 k = 0; k < s->frames[i]->nr_slots; k++) {
			const struct slot *t = &s->frames[i]->slots[k];

			if (t->kind[0] == SLOT_DYNPTR && t->reg.id == id)
				return (s32)(i * MAX_SLOTS + k);
		}
	return -1;
}

/* Slices go with their dynptr: it must be one and the same. */
static bool same_dynptr(const struct join *j, const struct reg *n, const struct reg *s)
{
	return n->type != REG_MEM || !n->uid ||
	       dynptr_place(j->n, n->uid) == dynptr_place(j->s, s->uid);
}

static bool same_object(struct join *j, const struct reg *n, const struct reg *s)
{
	if ((n->flags & s->flags & REG_OR_NULL) && ends_ref(n) != ends_ref(s))
		return false;
	if (n->type != s->type || n->frame != s->frame || n->btf != s->btf ||
	    n->buffer != s->buffer ||
	    (n->flags & ~JOINS_FLAGS) != (s->flags & ~JOINS_FLAGS) ||
	    !n->uid != !s->uid || !same_ref(j, n->ref, s->ref) || !same_dynptr(j, n, s))
		return false;
	if (reg_is_packet(n) || n->type == REG_MEM || n->type == REG_BUF)
		return true;
	return n->map == s->map;
}

/* Bytes that exist from N's place; S is DELTA ahead of its own. */
static s32 join_range(s32 n, s32 s, s64 delta)
{
	s64 there = s;

	if (n < 0 || s < 0)
		return n == s && !delta ? n : 0;
	if (delta > 0)
		there = s > delta ? s - delta : 0;
	return there < n ? (s32)there : n;
}

static void join_extent(struct join *j, struct reg *n, const struct reg *s, s64 delta)
{
	if (reg_is_packet(n))
		set_u32(j, (u32 *)&n->range, (u32)join_range(n->range, s->range, delta));
	else if (n->type == REG_MEM || n->type == REG_BUF)
		set_u32(j, &n->bytes, n->bytes < s->bytes ? n->bytes : s->bytes);
}

/* Id of a pointer: packets' stand for the variable part, others for objects. */
static u32 pointer_id(struct join *j, const struct reg *n, const struct reg *s, s64 delta)
{
	if (reg_is_packet(n))
		return !n->id && !s->id && !delta ? 0 :
			pair_id(j, ID_VALUE, n->id, s->id, delta);
	return n->id || s->id ? pair_id(j, ID_OBJECT, n->id, s->id, 0) : 0;
}

static void join_pointer(struct join *j, struct reg *n, const struct reg *s)
{
	s64 delta = (s64)s->off - n->off;
	struct scalar val = s->val, off = scalar_const((u64)delta);
	u16 flags = n->flags | s->flags;

	if (delta)
		scalar_alu(KIND_ALU_ADD, 64, &val, &off);
	set_u32(j, &n->id, pointer_id(j, n, s, delta));
	if (n->uid && !reg_is_packet(n))
		set_u32(j, &n->uid, pair_id(j, ID_OBJECT, n->uid, s->uid, 0));
	join_val(j, &n->val, &val);
	join_extent(j, n, s, delta);
	j->changed |= flags != n->flags;
	n->flags = flags;
}

/* ---- NULL ---------------------------------------------------------------- */

/* Pointers that may be NULL until they are compared. */
static bool nullable(const struct reg *r)
{
	/* a dynptr's slice goes when that is overwritten: its id must stay the dynptr's */
	if (r->type == REG_MEM && r->uid)
		return false;
	switch (r->type) {
	case REG_MAP_VALUE:
	case REG_SOCKET:
	case REG_SOCK_COMMON:
	case REG_TCP_SOCK:
	case REG_MEM:
		return !r->ref && !r->off && reg_is_null(&(struct reg){
			.type = REG_SCALAR, .val = r->val });
	default:
		return false;
	}
}

/* One is NULL, the other a pointer that could be. False: not so. */
static bool join_null(struct join *j, struct reg *n, const struct reg *s)
{
	u32 id;

	if (reg_is_null(s) && nullable(n)) {
		id = n->id ? pair_id(j, ID_OBJECT, n->id, NULL_ID, 0) : ++j->v->next_id;
		j->changed |= !(n->flags & REG_OR_NULL) || id != n->id;
	} else if (reg_is_null(n) && nullable(s)) {
		id = s->id ? pair_id(j, ID_OBJECT, NULL_ID, s->id, 0) : ++j->v->next_id;
		*n = *s;
		if (n->uid)	/* the other state's; here it is none yet */
			n->uid = pair_id(j, ID_OBJECT, NULL_ID, s->uid, 0);
		j->changed = true;
	} else {
		return false;
	}
	n->flags |= REG_OR_NULL;
	n->id = id;
	return true;
}

static void join_reg(struct join *j, struct reg *n, const struct reg *s)
{
	if (n->type == REG_NONE || (n->type == REG_ANY && s->type != REG_NONE))
		return;
	if (s->type == REG_NONE) {
		reg_set_none(n);
		j->changed = true;
	} else if (n->type == REG_SCALAR && s->type == REG_SCALAR) {
		join_number(j, n, s);
	} else if (!join_null(j, n, s)) {
		if (reg_is_ptr(n) && reg_is_ptr(s) && same_object(j, n, s))
			join_pointer(j, n, s);
		else
			set_any(j, n);
	}
}

/* ---- stack --------------------------------------------------------------- */

static bool is_special(const struct slot *t)
{
	return t->kind[0] >= SLOT_DYNPTR || t->kind[SLOT_BYTES - 1] >= SLOT_DYNPTR;
}

static bool no_number(const struct slot *t)
{
	return slot_spilled(t) && reg_may_be_ptr(&t->reg);
}

/* Was a pointer, of what is given back. */
static bool is_gone(const struct slot *t)
{
	return slot_spilled(t) && t->reg.type == REG_NONE;
}

static bool has_none(const struct slot *t)
{
	return memchr(t->kind, SLOT_NONE, SLOT_BYTES);
}

static void set_kinds(struct join *j, struct slot *n, u8 kind)
{
	if (n->kind[0] == kind && !memcmp(n->kind, n->kind + 1, SLOT_BYTES - 1))
		return;
	memset(n->kind, kind, SLOT_BYTES);
	j->changed = true;
}

/* A byte of a slot as plain byte. */
static u8 plain(const struct slot *t, u32 i)
{
	if (t->kind[i] != SLOT_SPILL)
		return t->kind[i];
	return reg_is_null(&t->reg) ? SLOT_ZERO : SLOT_MISC;
}

static u8 join_byte(u8 a, u8 b)
{
	if (a == b)
		return a;
	return a == SLOT_NONE || b == SLOT_NONE ? SLOT_NONE : SLOT_MISC;
}

static void join_bytes(struct join *j, struct slot *n, const struct slot *s, u32 from)
{
	for (u32 i = from; i < SLOT_BYTES; i++) {
		u8 kind = join_byte(plain(n, i), plain(s, i));

		j->changed |= kind != n->kind[i];
		n->kind[i] = kind;
	}
	if (!from && n->reg.type != REG_NONE)
		reg_set_none(&n->reg);
}

/* A pointer here, something else there: nothing that may be read, but as what a run before
 * left, where that may be. */
static void join_unlike(struct join *j, struct slot *n, const struct slot *s)
{
	bool none = has_none(n) || has_none(s), gone = is_gone(n) || is_gone(s);

	j->changed |= gone && !none && !is_gone(n);
	set_kinds(j, n, none ? SLOT_NONE : SLOT_SPILL);
	if (none || gone)
		reg_set_none(&n->reg);
	else
		set_any(j, &n->reg);
}

static void join_slot(struct join *j, struct slot *n, const struct slot *s)
{
	u32 bytes = slot_spilled(n);

	if (is_special(n)) {	/* of one class */
		join_seed(j, &n->reg, &s->reg);
		if (n->reg.id)
			set_u32(j, &n->reg.id, pair_id(j, ID_OBJECT, n->reg.id, s->reg.id, 0));
	} else if (bytes && bytes == slot_spilled(s)) {
		join_reg(j, &n->reg, &s->reg);
		if (bytes < SLOT_BYTES)
			join_bytes(j, n, s, bytes);
	} else if (no_number(n) || no_number(s)) {
		join_unlike(j, n, s);
	} else {
		join_bytes(j, n, s, 0);
	}
}

static void join_slots(struct join *j, u32 i)
{
	static const struct slot none;
	const struct frame *s = j->s->frames[i];
	struct frame *n = state_grow(j->v, j->n, i, s->nr_slots);

	for (u32 k = 0; k < n->nr_slots; k++)
		join_slot(j, &n->slots[k], k < s->nr_slots ? &s->slots[k] : &none);
}

/* ---- states -------------------------------------------------------------- */

static void join_refs(struct join *j)
{
	for (u32 i = 0; i < j->n->nr_refs; i++) {
		struct ref *r = &j->n->refs[i];

		if (r->uid || j->s->refs[i].uid)
			set_u32(j, &r->uid, pair_id(j, ID_OBJECT, r->uid,
						    j->s->refs[i].uid, 0));
	}
}

enum { PATIENCE = 3, TIRED = 12, STEPS_MAX = 48 };

bool join_into(struct verifier *v, struct inv_node *n, const struct state *s,
	       const s64 *steps, u32 nr_steps)
{
	struct join j;

	j.v = v;
	j.n = n->state;
	j.s = s;
	j.changed = false;
	j.widen = n->widens && n->changes >= PATIENCE;
	j.tired = n->changes >= TIRED;
	j.steps = steps;
	j.nr_steps = n->changes < STEPS_MAX ? nr_steps : 0;
	j.nr_pairs = 0;
	join_refs(&j);
	for (u32 i = 0; i < s->nr_frames; i++) {
		for (unsigned r = 0; r < REG_FP; r++)
			join_reg(&j, &j.n->frames[i]->regs[r], &s->frames[i]->regs[r]);
		join_slots(&j, i);
	}
	n->changes += j.changed;
	return j.changed;
}

/* ---- classes ------------------------------------------------------------- */

static bool same_frame(const struct frame *a, const struct frame *b)
{
	return a->func == b->func && a->kind == b->kind && a->callsite == b->callsite &&
	       a->callback == b->callback && a->ret_min == b->ret_min &&
	       a->ret_max == b->ret_max;
}

static bool same_special(struct state *sa, const struct slot *a, struct state *sb,
			 const struct slot *b)
{
	if (!is_special(a) && !is_special(b))
		return true;
	return !memcmp(a->kind, b->kind, SLOT_BYTES) && a->reg.type == b->reg.type &&
	       a->reg.map == b->reg.map && a->reg.flags == b->reg.flags &&
	       a->reg.btf == b->reg.btf && a->reg.frame == b->reg.frame &&
	       (a->kind[0] == SLOT_ITER || (a->reg.off == b->reg.off &&
		!a->reg.id == !b->reg.id && a->reg.uid == b->reg.uid)) &&
	       ref_index(sa, a->reg.ref) == ref_index(sb, b->reg.ref) &&
	       ref_index(sa, a->reg.buffer & ~BUFFER_REF) ==
	       ref_index(sb, b->reg.buffer & ~BUFFER_REF);
}

static bool same_slots(struct state *sa, struct state *sb, u32 i)
{
	static const struct slot none;
	const struct frame *a = sa->frames[i], *b = sb->frames[i];
	u32 n = a->nr_slots > b->nr_slots ? a->nr_slots : b->nr_slots;

	for (u32 k = 0; k < n; k++)
		if (!same_special(sa, k < a->nr_slots ? &a->slots[k] : &none,
				  sb, k < b->nr_slots ? &b->slots[k] : &none))
			return false;
	return true;
}

static bool same_refs(const struct state *a, const struct state *b)
{
	if (a->nr_refs != b->nr_refs)
		return false;
	for (u32 i = 0; i < a->nr_refs; i++)
		if (a->refs[i].kind != b->refs[i].kind || a->refs[i].insn != b->refs[i].insn ||
		    a->refs[i].frame != b->refs[i].frame || a->refs[i].map != b->refs[i].map ||
		    !a->refs[i].uid != !b->refs[i].uid)
			return false;
	return true;
}

bool join_same_class(const struct state *a, const struct state *b)
{
	if (a->nr_frames != b->nr_frames || a->rcu != b->rcu || a->preempt != b->preempt ||
	    !a->irq != !b->irq || a->sleepable != b->sleepable || !same_refs(a, b))
		return false;
	for (u32 i = 0; i < a->nr_frames; i++)
		if (!same_frame(a->frames[i], b->frames[i]) ||
		    !same_slots((struct state *)a, (struct state *)b, i))
			return false;
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prune.c: is a state covered by an older one? Then every run from the new one
 * is a run from the old one, as far as it matters: registers that are not read
 * any more, slots that were not read again and numbers whose ranges never
 * mattered are left out. All fields of struct reg are compared here.
 */
#include "verify/explore.h"
#include "verify/pack.h"

/* ---- ids ----------------------------------------------------------------- */

/* OLD stands for NEW from now on; false when one of them already has another. */
static bool same_id(struct idmap *m, u32 old, u32 new)
{
	if (!old || !new)
		return old == new;
	for (u32 i = 0; i < m->n; i++) {
		if (m->v[i].old == old)
			return m->v[i].new == new;
		if (m->v[i].new == new)
			return false;
	}
	if (m->n == ARRAY_LEN(m->v))
		return false;
	m->v[m->n].old = old;
	m->v[m->n++].new = new;
	return true;
}

/* ---- registers ----------------------------------------------------------- */

static bool number_covers(const struct reg *old, const struct reg *new,
			  struct idmap *m, enum covers how)
{
	bool alike = old->off == new->off && !((old->flags ^ new->flags) & REG_NARROW);

	if (how == COVERS_EXACT)
		return scalar_eq(&old->val, &new->val) &&
		       (!old->id || same_id(m, old->id, new->id)) && alike;
	if (!scalar_subset(&new->val, &old->val))
		return false;
	if (!old->id)
		return true;
	return alike && same_id(m, old->id, new->id);
}

static bool identity_same(const struct reg *old, const struct reg *new, struct idmap *m)
{
	switch (old->type) {
	case REG_MAP:
	case REG_MAP_VALUE:
	case REG_MAP_KEY:	/* of one callback */
		return old->map == new->map && old->frame == new->frame &&
		       same_id(m, old->uid, new->uid);
	case REG_PACKET:	/* uid is for messages */
	case REG_PACKET_META:
		return old->range < 0 ? old->range == new->range :
		       old->range <= new->range;
	case REG_STACK:
		return old->frame == new->frame;
	default:
		return old->map == new->map && old->btf == new->btf &&
		       old->frame == new->frame && old->buffer == new->buffer &&
		       same_id(m, old->uid, new->uid);
	}
}

static bool pointer_covers(const struct reg *old, const struct reg *new,
			   struct idmap *m, enum covers how)
{
	if (old->flags != new->flags || old->off != new->off)
		return false;
	if (!identity_same(old, new, m) || !same_id(m, old->ref, new->ref))
		return false;
	if (!same_id(m, old->id, new->id))
		return false;
	if (how == COVERS_EXACT || old->type == REG_STACK)
		return scalar_eq(&old->val, &new->val);
	return scalar_subset(&new->val, &old->val);
}

/* PRECISE: if it is a number, it mattered. */
static bool reg_covers(const struct reg *old, bool precise, const struct reg *new,
		       struct idmap *m, enum covers how)
{
	if (old->type == REG_NONE)
		return how != COVERS_EXACT || new->type == REG_NONE;
	if (old->type != new->type)
		return false;
	if (old->type == REG_SCALAR)
		return (how == COVERS_PRUNE && !precise) || number_covers(old, new, m, how);
	return pointer_covers(old, new, m, how);
}

/* ---- slots --------------------------------------------------------------- */

static const struct slot no_slot;

/* Bytes of T as one number of nothing known. */
static bool as_number(const struct slot *t, bool privileged)
{
	for (u32 i = 0; i < SLOT_BYTES; i++)
		if (t->kind[i] == SLOT_SPILL ? reg_may_be_ptr(&t->reg) :
		    t->kind[i] >= SLOT_DYNPTR || (t->kind[i] == SLOT_NONE && !privileged))
			return false;
	return true;
}

static bool byte_covers(u8 old, u8 new, const struct slot *t, bool privileged)
{
	switch (old) {
	case SLOT_NONE:
		return true;
	case SLOT_MISC:
		if (new == SLOT_NONE || (new == SLOT_SPILL && reg_may_be_ptr(&t->reg)))
			return privileged;
		return new <= SLOT_ZERO;
	case SLOT_ZERO:
		return new == SLOT_ZERO;
	default:
		return old == new;
	}
}

static bool bytes_cover(const struct packed_slot *old, const struct slot *new, bool privileged)
{
	for (u32 i = 0; i < SLOT_BYTES; i++)
		if (!byte_covers(old->kind[i], new->kind[i], new, privileged))
			return false;
	return true;
}

/* The number of a slot where something was spilled in OLD and not in NEW. */
static bool number_slot_covers(const struct packed_slot *old, u32 spilled,
			       const struct slot *new, struct idmap *m, enum covers how,
			       bool privileged)
{
	struct reg any = { .type = REG_SCALAR, .val = scalar_unknown() };

	if (old->reg->type != REG_SCALAR || spilled != SLOT_BYTES || how == COVERS_EXACT)
		return false;
	return as_number(new, privileged) && reg_covers(old->reg, old->precise, &any, m, how);
}

/* A dynptr, an iterator, a saved interrupt state: whole and alike. An iterator's
 * offset counts its elements, which is no difference. */
static bool object_covers(const struct reg *old, const struct reg *new, struct idmap *m)
{
	u32 of = old->buffer & ~BUFFER_REF, to = new->buffer & ~BUFFER_REF;

	return old->map == new->map && old->uid == new->uid && old->frame == new->frame &&
	       old->flags == new->flags && same_id(m, old->id, new->id) &&
	       same_id(m, old->ref, new->ref) && same_id(m, of, to);
}

static bool slot_covers(const struct packed_slot *old, const struct slot *new,
			struct idmap *m, enum covers how, bool privileged)
{
	u32 n;

	if (how == COVERS_PRUNE && !old->live)
		return true;
	if (slot_kind_is_object(old->kind[0]) || slot_kind_is_object(new->kind[0]))
		return !memcmp(old->kind, new->kind, SLOT_BYTES) &&
		       object_covers(old->reg, &new->reg, m);
	if (how == COVERS_EXACT && memcmp(old->kind, new->kind, SLOT_BYTES))
		return false;
	n = kinds_spilled(old->kind);
	if (!n)
		return bytes_cover(old, new, privileged);
	if (slot_spilled(new) != n)
		return number_slot_covers(old, n, new, m, how, privileged);
	return bytes_cover(old, new, privileged) &&
	       reg_covers(old->reg, old->precise, &new->reg, m, how);
}

static bool slots_cover(const struct packed_frame *old, const struct frame *new,
			struct idmap *m, enum covers how, bool privileged)
{
	u32 n = old->nr_slots > new->nr_slots ? old->nr_slots : new->nr_slots;

	for (u32 i = 0; i < n; i++)
		if (!slot_covers(packed_slot(old, i),
				 i < new->nr_slots ? &new->slots[i] : &no_slot,
				 m, how, privileged))
			return false;
	return true;
}

/* ---- frames and the rest ------------------------------------------------- */

static bool same_frame(const struct frame *old, const struct frame *new)
{
	/* from OLD no more passes were followed than its count left: see goes_on */
	return old->func == new->func && old->kind == new->kind && old->depth <= new->depth &&
	       old->callsite == new->callsite && old->callback == new->callback;
}

static bool frame_covers(const struct packed_frame *old, const struct frame *new, u32 live,
			 struct idmap *m, enum covers how, bool privileged)
{
	for (unsigned r = 0; r < REG_FP; r++)
		if ((live >> r & 1) &&
		    !reg_covers(old->regs[r], old->precise >> r & 1, &new->regs[r], m, how))
			return false;
	return slots_cover(old, new, m, how, privileged);
}

static bool refs_same(const struct state *old, const struct state *new, struct idmap *m)
{
	if (old->nr_refs != new->nr_refs)
		return false;
	for (u32 i = 0; i < old->nr_refs; i++)
		if (old->refs[i].kind != new->refs[i].kind ||
		    old->refs[i].frame != new->refs[i].frame ||
		    old->refs[i].map != new->refs[i].map ||
		    (old->refs[i].kind == REF_LOCK &&
		     !same_id(m, old->refs[i].uid, new->refs[i].uid)) ||
		    !same_id(m, old->refs[i].id, new->refs[i].id))
			return false;
	return true;
}

u32 state_live(const struct verifier *v, const struct state *s, u32 i, u32 insn)
{
	u32 at;

	if (i + 1 == s->nr_frames)
		return v->points[insn].live;
	at = s->frames[i + 1]->callsite;
	if (s->frames[i + 1]->kind == FRAME_CALLBACK)	/* it goes back to the call */
		return v->points[at].live;
	return v->points[at + isa_slots(&v->insns[at])].live & ~0x3fu;
}

bool state_covers(struct verifier *v, const struct packed *packed,
		  const struct state *new, u32 insn, enum covers how)
{
	const struct state *old = &packed->head;
	struct idmap m;

	m.n = 0;
	if (old->nr_frames != new->nr_frames || old->rcu != new->rcu ||
	    old->preempt != new->preempt || !old->irq != !new->irq ||
	    old->sleepable != new->sleepable || !refs_same(old, new, &m))
		return false;
	for (u32 i = old->nr_frames; i-- > 0;)
		if (!same_frame(old->frames[i], new->frames[i]) ||
		    !frame_covers(&packed->frames[i], new->frames[i],
				  state_live(v, old, i, insn), &m, how, v->privileged))
			return false;
	return true;
}

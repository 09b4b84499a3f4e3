/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c: making, copying and freeing states; registers' elementary changes;
 * references. States and frames go back to free lists of their job.
 */
#include "verify/call.h"

/* ---- frames -------------------------------------------------------------- */

static struct frame *frame_alloc(struct verifier *v, u32 nr)
{
	u32 class = (nr + FRAME_SLOTS - 1) / FRAME_SLOTS;
	struct frame *f = v->free_frames[class];

	if (f) {
		v->free_frames[class] = *(struct frame **)f;
	} else {
		f = arena_alloc(&v->mem, sizeof(*f) +
				class * FRAME_SLOTS * sizeof(struct slot));
	}
	f->cap = (u8)(class * FRAME_SLOTS);
	return f;
}

static void frame_free(struct verifier *v, struct frame *f)
{
	u32 class = f->cap / FRAME_SLOTS;

	*(struct frame **)f = v->free_frames[class];
	v->free_frames[class] = f;
}

/* A frame like FROM with room for NR slots; registers and slots are not copied. */
static struct frame *frame_like(struct verifier *v, const struct frame *from, u32 nr)
{
	struct frame *f = frame_alloc(v, nr);
	u8 cap = f->cap;

	memcpy(f, from, offsetof(struct frame, regs));
	f->cap = cap;
	return f;
}

static void frame_fill(struct frame *f, const struct frame *from)
{
	memcpy(f->regs, from->regs,
	       sizeof(f->regs) + from->nr_slots * sizeof(struct slot));
}

struct frame *state_grow(struct verifier *v, struct state *s, u32 n, u32 nr)
{
	struct frame *f = s->frames[n];

	if (nr <= f->nr_slots)
		return f;
	if (nr > f->cap) {
		f = frame_like(v, f, nr);
		frame_fill(f, s->frames[n]);
		frame_free(v, s->frames[n]);
		s->frames[n] = f;
	}
	memset(&f->slots[f->nr_slots], 0, (nr - f->nr_slots) * sizeof(struct slot));
	f->nr_slots = (u8)nr;
	return f;
}

void state_push_frame(struct verifier *v, struct state *s, u32 func, u32 callsite)
{
	struct frame *f = frame_alloc(v, 0);

	assert(s->nr_frames < MAX_FRAMES);
	memset(f, 0, sizeof(*f));
	f->func = func;
	f->callsite = callsite;
	f->serial = ++v->next_frame;
	f->regs[REG_FP].type = REG_STACK;
	f->regs[REG_FP].frame = (u8)s->nr_frames;
	s->frames[s->nr_frames++] = f;
}

void state_pop_frame(struct verifier *v, struct state *s)
{
	frame_free(v, s->frames[--s->nr_frames]);
}

/* ---- states -------------------------------------------------------------- */

struct state *state_new(struct verifier *v)
{
	struct state *s = v->free_states;
	struct ref *refs;
	u32 cap;

	if (!s)
		return arena_new(&v->mem, struct state);
	v->free_states = *(struct state **)s;
	refs = s->refs;
	cap = s->cap_refs;
	memset(s, 0, sizeof(*s));
	s->refs = refs;
	s->cap_refs = cap;
	return s;
}

/* Room for one more reference; what is outgrown stays in the arena. */
static void refs_reserve(struct verifier *v, struct state *s, u32 nr)
{
	struct ref *refs;

	if (nr <= s->cap_refs)
		return;
	s->cap_refs = nr < 4 ? 4 : nr * 2;
	refs = arena_news(&v->mem, s->cap_refs, struct ref);
	if (s->nr_refs)
		memcpy(refs, s->refs, s->nr_refs * sizeof(*refs));
	s->refs = refs;
}

struct state *state_new_like(struct verifier *v, const struct state *from)
{
	struct state *s = state_new(v);
	struct ref *refs = s->refs;
	u32 cap = s->cap_refs;

	*s = *from;
	s->refs = refs;
	s->cap_refs = cap;
	s->nr_refs = 0;
	refs_reserve(v, s, from->nr_refs);
	s->nr_refs = from->nr_refs;
	if (s->nr_refs)
		memcpy(s->refs, from->refs, s->nr_refs * sizeof(*s->refs));
	for (u32 i = 0; i < s->nr_frames; i++)
		s->frames[i] = frame_like(v, from->frames[i], from->frames[i]->nr_slots);
	return s;
}

struct state *state_copy(struct verifier *v, const struct state *from)
{
	struct state *s = state_new_like(v, from);

	for (u32 i = 0; i < s->nr_frames; i++)
		frame_fill(s->frames[i], from->frames[i]);
	return s;
}

void state_free(struct verifier *v, struct state *s)
{
	while (s->nr_frames)
		state_pop_frame(v, s);
	*(struct state **)s = v->free_states;
	v->free_states = s;
}

void state_each(struct state *s, void (*fn)(struct reg *r, void *arg), void *arg)
{
	for (u32 i = 0; i < s->nr_frames; i++) {
		struct frame *f = s->frames[i];

		for (u32 r = 0; r < REG_FP; r++)
			fn(&f->regs[r], arg);
		for (u32 n = 0; n < f->nr_slots; n++)
			if (f->slots[n].kind[SLOT_BYTES - 1] == SLOT_SPILL ||
			    f->slots[n].kind[0] == SLOT_SPILL)
				fn(&f->slots[n].reg, arg);
	}
}

/* ---- registers ----------------------------------------------------------- */

void reg_set_none(struct reg *r)
{
	memset(r, 0, sizeof(*r));
}

void reg_set_scalar(struct verifier *v, struct reg *r, struct scalar val)
{
	memset(r, 0, sizeof(*r));
	r->type = REG_SCALAR;
	r->val = val;
	r->def = def_new(v, 0, 0);
}

void reg_set_unknown(struct verifier *v, struct reg *r)
{
	reg_set_scalar(v, r, scalar_unknown());
}

void reg_set_const(struct verifier *v, struct reg *r, u64 value)
{
	reg_set_scalar(v, r, scalar_const(value));
}

void reg_set_ptr(struct reg *r, enum reg_type type, unsigned flags)
{
	memset(r, 0, sizeof(*r));	/* val: the number 0 */
	r->type = (u8)type;
	r->flags = (u16)flags;
}

void reg_invalidate(struct verifier *v, struct reg *r, u32 at, u32 why)
{
	if (v->privileged)
		reg_set_unknown(v, r);
	else
		reg_set_none(r);
	r->at = (at + 1) | why;
}

void reg_link(struct verifier *v, struct reg *r)
{
	if (r->type != REG_SCALAR)
		return;
	if (r->flags & REG_NARROW) {	/* sums of 64 bits of the copy tell more */
		r->id = 0;
		r->off = 0;
		r->flags &= (u16)~REG_LINKS;
	}
	if (!r->id && !scalar_is_const(&r->val))
		r->id = ++v->next_id;
}

void reg_unlink(struct reg *r)
{
	if (r->type != REG_SCALAR)
		return;
	r->id = 0;
	r->off = 0;
	r->seed = 0;
	r->flags &= (u16)~REG_LINKS;
}

/* ---- references ---------------------------------------------------------- */

u32 ref_acquire(struct verifier *v, struct state *s, enum ref_kind kind)
{
	refs_reserve(v, s, s->nr_refs + 1);
	s->refs[s->nr_refs++] = (struct ref){
		.id = ++v->next_id,
		.insn = s->insn,
		.kind = (u8)kind,
		.frame = (u8)(s->nr_frames - 1),
	};
	return v->next_id;
}

struct ref *ref_find(struct state *s, u32 id)
{
	for (u32 i = 0; i < s->nr_refs; i++)
		if (s->refs[i].id == id)
			return &s->refs[i];
	return NULL;
}

struct forget { struct verifier *v; u32 ref, at; };

static void forget_ref(struct reg *r, void *arg)
{
	struct forget *f = arg;

	if (r->ref != f->ref && (r->type != REG_BTF || r->buffer != (BUFFER_REF | f->ref)))
		return;
	reg_invalidate(f->v, r, f->at, AT_GONE);
}

void ref_release(struct verifier *v, struct state *s, u32 id)
{
	struct ref *ref = ref_find(s, id);
	struct forget f = { v, id, s->insn - 1 };	/* the call; S is behind it */

	if (ref) {
		u32 i = (u32)(ref - s->refs);

		memmove(ref, ref + 1, (s->nr_refs - i - 1) * sizeof(*ref));
		s->nr_refs--;
	}
	state_each(s, forget_ref, &f);
	iter_leave_owner(s, id);
}

/* ---- ids that nobody shares ---------------------------------------------- */

enum { MAX_COUNTED = 256 };

struct count { u32 n; struct { u32 id, uses; } v[MAX_COUNTED]; };

static void count_id(struct reg *r, void *arg)
{
	struct count *c = arg;

	if (r->type != REG_SCALAR || !r->id)
		return;
	for (u32 i = 0; i < c->n; i++) {
		if (c->v[i].id == r->id) {
			c->v[i].uses++;
			return;
		}
	}
	if (c->n < MAX_COUNTED) {
		c->v[c->n].id = r->id;
		c->v[c->n++].uses = 1;
	}
}

static void clear_id(struct reg *r, void *arg)
{
	struct count *c = arg;

	if (r->type != REG_SCALAR || !r->id)
		return;
	for (u32 i = 0; i < c->n; i++)
		if (c->v[i].id == r->id && c->v[i].uses == 1) {
			/* what relates it to the head of a loop stays */
			r->id = 0;
			r->off = 0;
			r->flags &= (u16)~REG_LINKS;
			return;
		}
}

void state_unlink_single(struct state *s)
{
	struct count c;

	c.n = 0;
	state_each(s, count_id, &c);
	state_each(s, clear_id, &c);
}

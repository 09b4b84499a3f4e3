/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack.c: packing and unpacking states; see pack.h. A packed state is one block:
 * the heads of its frames, registers, slots, references, in this order. Blocks go
 * back to free lists by size.
 */
#include "verify/explore.h"
#include "verify/pack.h"

enum { STEP_BYTES = 128, NR_STEPS = 64, HEAD_BYTES = offsetof(struct frame, regs),
	LIVE_REGS = (1 << REG_FP) - 1 };

const struct reg packed_no_reg;
const struct packed_slot packed_no_slot;

/* ---- memory -------------------------------------------------------------- */

/* Small blocks differ by steps, big ones double. */
static u32 class_of(size_t bytes, size_t *room)
{
	u32 class = (u32)((bytes + STEP_BYTES - 1) / STEP_BYTES);

	*room = class * (size_t)STEP_BYTES;
	if (class < NR_STEPS)
		return class;
	for (class = NR_STEPS, *room = NR_STEPS * STEP_BYTES; *room < bytes; *room *= 2)
		class++;
	return class;
}

/* A free block of CLASS, of a higher one where memory is scarce; or NULL. */
static struct packed *take_free(struct verifier *v, u32 class, bool scarce)
{
	struct packed *p = v->free_packed[class];

	while (!p && scarce && ++class < ARRAY_LEN(v->free_packed))
		p = v->free_packed[class];
	if (p)
		v->free_packed[class] = p->next;
	return p;
}

static struct packed *packed_alloc(struct verifier *v, size_t bytes)
{
	bool scarce = v->mem.used > v->budget;
	size_t room;
	u32 class = class_of(bytes, &room);
	struct packed *p;

	assert(class < ARRAY_LEN(v->free_packed));
	do
		p = take_free(v, class, scarce);
	while (!p && scarce && kept_evict(v));
	if (p)
		return p;
	p = arena_alloc(&v->mem, room);
	p->bytes = (u32)room;
	return p;
}

void packed_free(struct verifier *v, struct packed *p)
{
	size_t room;
	u32 class = class_of(p->bytes, &room);

	p->next = v->free_packed[class];
	v->free_packed[class] = p;
}

/* ---- what there is ------------------------------------------------------- */

/* Nothing but, perhaps, a value that nobody asks for. */
static bool reg_is_empty(const struct reg *r)
{
	u64 w[4];

	memcpy(w, &r->type, sizeof(w));
	return !(w[0] | w[1] | w[2] | w[3]);
}

_Static_assert(offsetof(struct reg, uid) + sizeof(u32) - offsetof(struct reg, type) == 32,
	       "reg_is_empty looks at what tells registers apart");

/* What a frame holds: registers as bits, and how many with those of slots. */
struct holds { u32 regs, n; };

static struct holds holds(const struct frame *f, u32 live)
{
	struct holds h = { 0 };

	for (unsigned r = 0; r < NR_REGS; r++)
		if ((live >> r & 1) && !reg_is_empty(&f->regs[r]))
			h.regs |= 1u << r, h.n++;
	for (u32 n = 0; n < f->nr_slots; n++)
		h.n += !reg_is_empty(&f->slots[n].reg);
	return h;
}

/* ---- packing ------------------------------------------------------------- */

static void pack_frame(struct packed_frame *to, const struct frame *f, const struct holds *h)
{
	u32 n = 0;

	to->nr_slots = f->nr_slots;
	for (unsigned r = 0; r < NR_REGS; r++) {
		to->reg[r] = 0;
		if (!(h->regs >> r & 1))
			continue;
		to->regs[n++] = f->regs[r];
		to->reg[r] = (u8)n;
	}
	for (u32 i = 0; i < f->nr_slots; i++) {
		const struct slot *t = &f->slots[i];
		struct packed_slot *p = &to->slots[i];

		memcpy(p->kind, t->kind, SLOT_BYTES);
		p->def = t->def;
		p->live = t->live;
		p->reg = 0;
		if (reg_is_empty(&t->reg))
			continue;
		to->regs[n++] = t->reg;
		p->reg = (u8)n;
	}
}

/* Lays out P for what H says that the frames of S hold. */
static void lay_out(struct packed *p, const struct state *s, const struct holds *h)
{
	u8 *at = (u8 *)&p->frames[s->nr_frames];

	p->nr_regs = 0;
	for (u32 i = 0; i < s->nr_frames; i++, at += HEAD_BYTES) {
		p->head.frames[i] = (struct frame *)at;
		memcpy(at, s->frames[i], HEAD_BYTES);
	}
	p->regs = (struct reg *)at;
	for (u32 i = 0; i < s->nr_frames; i++) {
		p->frames[i].regs = p->regs + p->nr_regs;
		p->nr_regs += h[i].n;
	}
	at += p->nr_regs * sizeof(struct reg);
	for (u32 i = 0; i < s->nr_frames; i++) {
		p->frames[i].slots = (struct packed_slot *)at;
		at += s->frames[i]->nr_slots * sizeof(struct packed_slot);
	}
	p->head.refs = (struct ref *)at;
	if (s->nr_refs)
		memcpy(at, s->refs, s->nr_refs * sizeof(*s->refs));
}

static size_t packed_bytes(const struct state *s, const struct holds *h)
{
	size_t bytes = sizeof(struct packed) + s->nr_refs * sizeof(*s->refs);

	for (u32 i = 0; i < s->nr_frames; i++)
		bytes += sizeof(struct packed_frame) + HEAD_BYTES +
			 h[i].n * sizeof(struct reg) +
			 s->frames[i]->nr_slots * sizeof(struct packed_slot);
	return bytes;
}

struct packed *state_pack(struct verifier *v, const struct state *s, bool live)
{
	struct holds h[MAX_FRAMES];
	struct packed *p;

	for (u32 i = 0; i < s->nr_frames; i++)
		h[i] = holds(s->frames[i], live ? state_live(v, s, i, s->insn) & LIVE_REGS : ~0u);
	p = packed_alloc(v, packed_bytes(s, h));
	p->head = *s;
	lay_out(p, s, h);
	for (u32 i = 0; i < s->nr_frames; i++)
		pack_frame(&p->frames[i], s->frames[i], &h[i]);
	return p;
}

/* ---- unpacking ----------------------------------------------------------- */

static void unpack_frame(struct frame *f, const struct packed_frame *from)
{
	for (unsigned r = 0; r < NR_REGS; r++)
		f->regs[r] = *packed_reg(from, r);
	for (u32 i = 0; i < from->nr_slots; i++) {
		const struct packed_slot *t = &from->slots[i];

		memcpy(f->slots[i].kind, t->kind, SLOT_BYTES);
		f->slots[i].def = t->def;
		f->slots[i].live = t->live;
		f->slots[i].reg = *packed_slot_reg(from, t);
	}
}

struct state *state_unpack(struct verifier *v, struct packed *p)
{
	struct state *s = state_new_like(v, &p->head);

	for (u32 i = 0; i < s->nr_frames; i++)
		unpack_frame(s->frames[i], &p->frames[i]);
	packed_free(v, p);
	return s;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack.c: packing and unpacking states; see pack.h. A packed state is one block:
 * the heads of its frames, slots, references, in this order; its registers are
 * shared, found by hash, and counted. Blocks go back to free lists by size.
 */
#include "verify/explore.h"
#include "verify/pack.h"

enum { STEP_BYTES = 128, NR_STEPS = 64, HEAD_BYTES = offsetof(struct frame, regs),
	LIVE_REGS = (1 << REG_FP) - 1 };

static const struct reg no_reg;
const struct packed_slot packed_no_slot = { .reg = &no_reg };

/* ---- shared registers ---------------------------------------------------- */

struct shared {
	struct reg reg;
	struct shared *next;
	u32 hash, uses;
};

enum { BUCKETS_MIN = 256, WORDS = sizeof(struct reg) / sizeof(u64) };

_Static_assert(WORDS * sizeof(u64) == sizeof(struct reg), "registers are whole words");

static u32 hash_of(const struct reg *r)
{
	u64 w[WORDS], a = 0, b = 0;

	memcpy(w, r, sizeof(w));
	for (u32 i = 0; i + 1 < WORDS; i += 2) {
		a = (a ^ w[i]) * 0x9e3779b97f4a7c15u;
		b = (b ^ w[i + 1]) * 0xc2b2ae3d27d4eb4fu;
	}
	a = (a ^ b >> 29 ^ w[WORDS - 1]) * 0x9e3779b97f4a7c15u;
	return (u32)(a >> 32) ^ (u32)b;
}

static void shared_grow(struct verifier *v)
{
	u32 old = v->nr_shared_buckets, n = old ? old * 2 : BUCKETS_MIN;
	struct shared **buckets = mem_alloc(n * sizeof(*buckets));

	for (u32 i = 0; i < old; i++)
		for (struct shared *s = v->shared[i], *next; s; s = next) {
			next = s->next;
			s->next = buckets[s->hash & (n - 1)];
			buckets[s->hash & (n - 1)] = s;
		}
	free(v->shared);
	v->shared = buckets;
	v->nr_shared_buckets = n;
}

static struct shared *shared_new(struct verifier *v, const struct reg *r, u32 hash)
{
	struct shared *s;

	if (v->nr_shared >= v->nr_shared_buckets)
		shared_grow(v);
	while (!v->free_shared && v->mem.used > v->budget && kept_evict(v))
		;
	s = v->free_shared;
	if (s)
		v->free_shared = s->next;
	else
		s = arena_new(&v->mem, struct shared);
	s->reg = *r;
	s->hash = hash;
	s->uses = 0;
	s->next = v->shared[hash & (v->nr_shared_buckets - 1)];
	v->shared[hash & (v->nr_shared_buckets - 1)] = s;
	v->nr_shared++;
	return s;
}

static struct shared *shared_find(const struct verifier *v, const struct reg *r, u32 hash)
{
	struct shared *s = v->shared ? v->shared[hash & (v->nr_shared_buckets - 1)] : NULL;

	while (s && (s->hash != hash || memcmp(&s->reg, r, sizeof(*r))))
		s = s->next;
	return s;
}

/* The register equal to R; *LAST is what was at its place in the state before. */
static const struct reg *share(struct verifier *v, const struct reg *r, struct shared **last)
{
	struct shared *s = *last;
	u32 hash;

	if (!s || !s->uses || memcmp(&s->reg, r, sizeof(*r))) {
		hash = hash_of(r);
		s = shared_find(v, r, hash);
		if (!s)
			s = shared_new(v, r, hash);
		*last = s;
	}
	s->uses++;
	return &s->reg;
}

static void unshare(struct verifier *v, const struct reg *r)
{
	struct shared *s = (struct shared *)r, **at;

	if (r == &no_reg || --s->uses)
		return;
	at = &v->shared[s->hash & (v->nr_shared_buckets - 1)];
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->next = v->free_shared;
	v->free_shared = s;
	v->nr_shared--;
}

void shared_free(struct verifier *v)
{
	free(v->shared);
	v->shared = NULL;
}

/* ---- blocks -------------------------------------------------------------- */

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

	for (u32 i = 0; i < p->head.nr_frames; i++) {
		for (unsigned r = 0; r < NR_REGS; r++)
			unshare(v, p->frames[i].regs[r]);
		for (u32 n = 0; n < p->frames[i].nr_slots; n++)
			unshare(v, p->frames[i].slots[n].reg);
	}
	p->next = v->free_packed[class];
	v->free_packed[class] = p;
}

/* ---- ids that nobody shares ---------------------------------------------- */

enum { MAX_COUNTED = 256 };

struct count { u32 n; struct { u32 id, uses; } v[MAX_COUNTED]; };

static void count_id(struct count *c, const struct reg *r)
{
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

static bool is_single(const struct count *c, const struct reg *r)
{
	if (r->type != REG_SCALAR || !r->id)
		return false;
	for (u32 i = 0; i < c->n; i++)
		if (c->v[i].id == r->id)
			return c->v[i].uses == 1;
	return false;
}

/* ---- packing ------------------------------------------------------------- */

/* Nothing but, perhaps, a value that nobody asks for. */
static bool reg_is_empty(const struct reg *r)
{
	u64 w[4];

	memcpy(w, &r->type, sizeof(w));
	return !(w[0] | w[1] | w[2] | w[3]);
}

_Static_assert(offsetof(struct reg, uid) + sizeof(u32) - offsetof(struct reg, type) == 32,
	       "reg_is_empty looks at what tells registers apart");

/* One state on its way: which registers of each frame go with it, and ids. */
struct packing {
	struct verifier *v;
	u32 live[MAX_FRAMES];
	struct count ids;	/* none: all are kept */
};

static const struct reg *pack_reg(struct packing *k, const struct reg *r, struct shared **last)
{
	struct reg alone;

	if (reg_is_empty(r))
		return &no_reg;
	if (!is_single(&k->ids, r))
		return share(k->v, r, last);
	alone = *r;
	alone.id = 0;
	alone.off = 0;
	alone.flags &= (u16)~REG_LINKS;
	return share(k->v, &alone, last);
}

static void pack_frame(struct packing *k, struct packed_frame *to, const struct frame *f, u32 n)
{
	struct shared **last = k->v->last_shared[n];
	u32 live = k->live[n];

	to->precise = to->known = 0;
	to->nr_slots = f->nr_slots;
	for (unsigned r = 0; r < NR_REGS; r++)
		to->regs[r] = live >> r & 1 ? pack_reg(k, &f->regs[r], &last[r]) : &no_reg;
	for (u32 i = 0; i < f->nr_slots; i++) {
		const struct slot *t = &f->slots[i];
		struct packed_slot *p = &to->slots[i];

		memcpy(p->kind, t->kind, SLOT_BYTES);
		p->def = t->def;
		p->live = p->precise = p->known = false;
		p->reg = pack_reg(k, &t->reg, &last[NR_REGS + i]);
	}
}

/* Lays out P for the frames of S. */
static void lay_out(struct packed *p, const struct state *s)
{
	u8 *at = (u8 *)&p->frames[s->nr_frames];

	for (u32 i = 0; i < s->nr_frames; i++, at += HEAD_BYTES) {
		p->head.frames[i] = (struct frame *)at;
		memcpy(at, s->frames[i], HEAD_BYTES);
	}
	for (u32 i = 0; i < s->nr_frames; i++) {
		p->frames[i].slots = (struct packed_slot *)at;
		at += s->frames[i]->nr_slots * sizeof(struct packed_slot);
	}
	p->head.refs = (struct ref *)at;
	if (s->nr_refs)
		memcpy(at, s->refs, s->nr_refs * sizeof(*s->refs));
}

static size_t packed_bytes(const struct state *s)
{
	size_t bytes = sizeof(struct packed) + s->nr_refs * sizeof(*s->refs);

	for (u32 i = 0; i < s->nr_frames; i++)
		bytes += sizeof(struct packed_frame) + HEAD_BYTES +
			 s->frames[i]->nr_slots * sizeof(struct packed_slot);
	return bytes;
}

static struct packed *pack(struct packing *k, const struct state *s)
{
	struct packed *p = packed_alloc(k->v, packed_bytes(s));

	p->head = *s;
	lay_out(p, s);
	for (u32 i = 0; i < s->nr_frames; i++)
		pack_frame(k, &p->frames[i], s->frames[i], i);
	return p;
}

struct packed *state_pack(struct verifier *v, const struct state *s)
{
	struct packing k;

	k.v = v;
	k.ids.n = 0;
	for (u32 i = 0; i < s->nr_frames; i++)
		k.live[i] = ~0u;
	return pack(&k, s);
}

struct packed *state_pack_live(struct verifier *v, const struct state *s)
{
	struct packing k;

	k.v = v;
	k.ids.n = 0;
	for (u32 i = 0; i < s->nr_frames; i++) {
		const struct frame *f = s->frames[i];

		k.live[i] = state_live(v, s, i, s->insn) & LIVE_REGS;
		for (unsigned r = 0; r < REG_FP; r++)
			if (k.live[i] >> r & 1)
				count_id(&k.ids, &f->regs[r]);
		for (u32 n = 0; n < f->nr_slots; n++)
			count_id(&k.ids, &f->slots[n].reg);
	}
	return pack(&k, s);
}

/* ---- unpacking ----------------------------------------------------------- */

static void unpack_frame(struct frame *f, const struct packed_frame *from)
{
	for (unsigned r = 0; r < NR_REGS; r++)
		f->regs[r] = *from->regs[r];
	for (u32 i = 0; i < from->nr_slots; i++) {
		const struct packed_slot *t = &from->slots[i];

		memcpy(f->slots[i].kind, t->kind, SLOT_BYTES);
		f->slots[i].def = t->def;
		f->slots[i].reg = *t->reg;
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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_mend.c: what is to be done in a shared hash table after somebody died in it. By
 * the invariants of doc/maps.md the table is whole after every store; what is left are
 * locks, a slot's extra element that is in a place already, and elements that were in
 * the hands of who died. Those are found by a sweep, when nobody else is there.
 */
#include "maps/hash.h"
#include "base/os.h"
#include <stdlib.h>

static u32 nr_slots(const struct map *m) { return m->cpus + 1; }

static bool is_elem(const struct map *m, u32 e) { return e && e < m->nr_elems; }

static bool is_in_place(const struct map *m, u32 e)
{
	struct place at;

	return hash_place(m, &at, e);
}

/* ---- locks and slots ---------------------------------------------------------------- */

static void bury_bucket(struct bucket *b, u32 owner)
{
	u64 ver = load_relaxed(&b->ver);

	if ((ver & OWNER_MASK) == owner)
		store_release(&b->ver, (ver & ~(u64)OWNER_MASK) + (1u << OWNER_BITS));
}

static void bury_lock(u32 *lock, u32 owner)
{
	__atomic_compare_exchange_n(lock, &owner, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void hash_bury(struct map *m, u32 owner)
{
	struct hash_slot *shared = hash_slot(m, m->cpus);

	if (load_relaxed(&shared->busy) == owner)
		hash_adopt(m, m->cpus);
	for (u32 i = 0; i < m->nr_index; i++)
		bury_bucket((struct bucket *)m->index + i, owner);
	for (u32 i = 0; i < nr_slots(m); i++)
		bury_lock(&hash_slot(m, i)->lock, owner);
	bury_lock(&shared->busy, owner);
}

/* An extra element that is in a place was published by who died next, who has the bucket
 * locked still: so it is where it was put. */
void hash_adopt(struct map *m, u32 cpu)
{
	struct hash_slot *s = hash_slot(m, cpu);
	u32 e = load_relaxed(&s->extra), next = load_relaxed(&s->next_extra);

	if (is_elem(m, e) && !is_in_place(m, e)) {
		store_relaxed(&s->next_extra, e);
		return;
	}
	if (!is_elem(m, next) || is_in_place(m, next))
		next = 0;
	store_relaxed(&s->next_extra, next);
	store_relaxed(&s->extra, next);
}

/* ---- sweeping: nobody else is there ---------------------------------------------------- */

struct sweep {
	struct map *m;
	u64 *elems, *buckets;	/* bits: in a place, an extra, never used; in a chain */
};

/* True the first time. */
static bool mark(u64 *bits, u32 i)
{
	u64 bit = 1ull << i % 64;
	bool first = !(bits[i / 64] & bit);

	bits[i / 64] |= bit;
	return first;
}

static bool is_marked(const u64 *bits, u32 i) { return bits[i / 64] >> i % 64 & 1; }

/* Places of elements that there are not, or that are elsewhere, are emptied. */
static void sweep_bucket(struct sweep *w, struct bucket *b)
{
	struct map *m = w->m;

	for (u32 i = 0; i < BUCKET_SLOTS; i++) {
		u32 e = b->elem[i];

		if (!b->tags[i])
			continue;
		if (!is_elem(m, e) || !mark(w->elems, e))
			b->tags[i] = 0;
		else if (m->marks)
			m->marks[e] = MARK_IN_USE | (m->marks[e] & MARK_USED);
	}
}

static void sweep_chain(struct sweep *w, struct bucket *b)
{
	for (;;) {
		u32 n = b->next;

		sweep_bucket(w, b);
		if (!n)
			return;
		if (n >= w->m->nr_overflow || !mark(w->buckets, n)) {
			b->next = 0;
			return;
		}
		b = overflow_bucket(w->m, n);
	}
}

/* What no chain has is free. */
static void sweep_overflow(struct sweep *w)
{
	struct map *m = w->m;
	struct pool *pool = &area_head(m)->overflow;
	struct pool_mem mem = { m->overflow, sizeof(struct bucket), m->nr_overflow };
	u32 used = (u32)min_u64(pool->fresh, m->nr_overflow - 1);

	pool->top = pool->top >> 32 << 32;
	pool->fresh = used;
	for (u32 n = 1; n < m->nr_overflow; n++) {
		if (is_marked(w->buckets, n) && n > used)
			pool->fresh = used = n;
		if (n <= used && !is_marked(w->buckets, n))
			pool_put(pool, &mem, n);
	}
}

/* Elements that were never used stay with their slot. */
static void sweep_slot(struct sweep *w, u32 i, u32 used)
{
	struct map *m = w->m;
	struct hash_slot *s = hash_slot(m, i);

	s->lock = s->busy = s->top = s->nr = 0;
	if (!is_elem(m, s->extra) || !mark(w->elems, s->extra))
		s->extra = 0;
	s->next_extra = s->extra;
	if (!s->fresh || s->fresh > used || s->fresh_end > used + 1 || s->fresh > s->fresh_end)
		s->fresh = s->fresh_end = 0;
	for (u32 e = s->fresh; e < s->fresh_end; e++)
		if (!mark(w->elems, e)) {	/* it is in use after all: the rest is freed */
			s->fresh_end = e;
			break;
		}
}

/* All that is left goes to the slots by turns, or to its own. */
static void sweep_free(struct sweep *w, u32 used)
{
	struct map *m = w->m;
	u32 turn = 0;

	for (u32 e = 1; e <= used; e++) {
		if (is_marked(w->elems, e))
			continue;
		elem_mark(m, e, 0);
		elem_put(m, hash_slot(m, turn++ % nr_slots(m)), e);
	}
}

/* Elements above the mark of used ones that are in use are as in no table of ours. */
static u32 sweep_used(struct sweep *w)
{
	u32 *fresh = &area_head(w->m)->elems.fresh;
	u32 used = *fresh < w->m->nr_elems ? *fresh : w->m->nr_elems - 1;

	for (u32 e = w->m->nr_elems - 1; e > used; e--)
		if (is_marked(w->elems, e)) {
			used = e;
			break;
		}
	return *fresh = used;
}

void hash_sweep(struct map *m)
{
	struct sweep w = { .m = m };
	u32 used;

	w.elems = mem_alloc((m->nr_elems / 64 + 1) * sizeof(u64));
	w.buckets = mem_alloc((m->nr_overflow / 64 + 1) * sizeof(u64));
	for (u32 i = 0; i < m->nr_index; i++)
		sweep_chain(&w, (struct bucket *)m->index + i);
	used = sweep_used(&w);
	for (u32 i = 0; i < nr_slots(m); i++)
		sweep_slot(&w, i, used);
	sweep_overflow(&w);
	sweep_free(&w, used);
	for (u32 i = 0; i < nr_slots(m); i++)
		if (!hash_slot(m, i)->extra)
			elem_extra(m, hash_slot(m, i));
	free(w.elems);
	free(w.buckets);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_elem.c: the free elements of hash types, and what LRU types give up.
 *
 * Every slot has a list of free elements, the newest first, and takes from
 * another's when its own is empty, so that an insert fails only when all
 * max_entries are in use. Besides, every slot has one extra element: the next
 * update fills it and publishes it, and what it replaced is extra then. So
 * overwriting needs no free element and no lock but the bucket's.
 *
 * LRU types give up an element when a new one finds no room. Every element has
 * a mark: in use, and used since the hand passed. The hand goes around the
 * elements, takes that second mark away and gives up those without it (second
 * chance), a few at a time. With BPF_F_NO_COMMON_LRU elements belong to cpus, as
 * in the kernel: each cpu has its share of them, and a hand; callers without a
 * cpu take what is free anywhere, then give up of each in turn.
 */
#include "maps/hash.h"

enum {
	FRESH_BATCH = 16,	/* elements that a slot gets at once */
	STEAL_MAX = 16,
	CHUNK_MAX = 16,		/* elements that the hand passes at once */
	EVICTIONS_MAX = 64,	/* for one insert; others may take the room */
};

/* Extra elements: of the cpus, and of callers without one. */
static u32 nr_slots(const struct map *m) { return m->cpus + 1; }

u64 elem_share(u32 max_entries, u32 cpus) { return ((u64)max_entries + cpus - 1) / cpus; }

u64 elem_count(const struct map_attr *a, u32 cpus)
{
	u64 n = a->map_flags & BPF_F_NO_COMMON_LRU ? elem_share(a->max_entries, cpus) * cpus :
						     a->max_entries;

	return 1 + (cpus + 1ull) + n;
}

/* Of a cpu with BPF_F_NO_COMMON_LRU; they lie behind the extra elements. */
static u32 share_of(const struct map *m) { return (u32)elem_share(m->max_entries, m->cpus); }

void elem_format(struct map *m)
{
	struct area_head *head = area_head(m);
	u32 first = nr_slots(m) + 1, share = share_of(m);

	for (u32 i = 0; i < nr_slots(m); i++) {
		struct hash_slot *s = hash_slot(m, i);

		s->extra = s->next_extra = i + 1;
		if (!hash_own_lists(m) || i == m->cpus)
			continue;
		s->fresh = first + i * share;
		s->fresh_end = s->fresh + share;
	}
	head->elems.fresh = hash_own_lists(m) ? m->nr_elems - 1 : nr_slots(m);
}

/* ---- lists of free ones -------------------------------------------------------- */

static u32 *elem_link(const struct map *m, u32 e) { return (u32 *)elem_key(m, e); }

/* What a link says, 0 when that is no element. */
static u32 link_read(const struct map *m, const u32 *link)
{
	u32 e = load_relaxed(link);

	return e < m->nr_elems ? e : 0;
}

/* How many elements are in a thread's hands at a time: lost when it dies. */
static u32 hands(const struct map *m, u32 n) { return unlikely(m->share) ? 1 : n; }

/* Never used elements for a slot without any, from those of the map. The slot's range is
 * empty until its end is stored, which is last. */
static void fresh_take(const struct map *m, struct hash_slot *s)
{
	u32 *fresh = &area_head(m)->elems.fresh, used = load_relaxed(fresh), n;

	do {
		if (used >= m->nr_elems - 1)
			return;
		n = (u32)min_u64(m->nr_elems - 1 - used, hands(m, FRESH_BATCH));
	} while (!__atomic_compare_exchange_n(fresh, &used, used + n, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	store_relaxed(&s->fresh, used + 1);
	store_release(&s->fresh_end, used + 1 + n);
}

static u32 pop_locked(const struct map *m, struct hash_slot *s)
{
	u32 e = link_read(m, &s->top);

	if (e) {
		store_relaxed(&s->top, load_relaxed(elem_link(m, e)));
		store_relaxed(&s->nr, s->nr - 1);
		return e;
	}
	if (load_relaxed(&s->fresh) >= load_relaxed(&s->fresh_end))
		fresh_take(m, s);
	e = load_relaxed(&s->fresh);
	if (e >= load_relaxed(&s->fresh_end) || e >= m->nr_elems)
		return 0;
	store_relaxed(&s->fresh, e + 1);
	return e;
}

static void push_locked(const struct map *m, struct hash_slot *s, u32 e)
{
	store_relaxed(elem_link(m, e), s->top);
	store_release(&s->top, e);
	store_relaxed(&s->nr, s->nr + 1);
}

static u32 list_take(const struct map *m, struct hash_slot *s)
{
	u32 e;

	area_lock(m, &s->lock);
	e = pop_locked(m, s);
	lock_drop(&s->lock);
	return e;
}

static bool list_empty(const struct hash_slot *s)
{
	return !load_relaxed(&s->top) && load_relaxed(&s->fresh) >= load_relaxed(&s->fresh_end);
}

/* Up to half of what FROM has; the first returns, and S gets the others. */
static u32 steal_from(const struct map *m, struct hash_slot *s, struct hash_slot *from)
{
	u32 got[STEAL_MAX], n = 0, want;

	area_lock(m, &from->lock);
	want = (u32)min_u64(load_relaxed(&from->nr) / 2 + 1, hands(m, STEAL_MAX));
	while (n < want && (got[n] = pop_locked(m, from)))
		n++;
	lock_drop(&from->lock);
	if (n < 2)
		return n ? got[0] : 0;
	area_lock(m, &s->lock);
	while (n > 1)
		push_locked(m, s, got[--n]);
	lock_drop(&s->lock);
	return got[0];
}

static u32 steal(const struct map *m, struct hash_slot *s)
{
	u32 me = (u32)(s - hash_slot(m, 0)), e = 0;

	for (u32 i = 1; !e && i < nr_slots(m); i++) {
		struct hash_slot *from = hash_slot(m, (me + i) % nr_slots(m));

		if (!list_empty(from))
			e = steal_from(m, s, from);
	}
	return e;
}

/* ---- giving up ------------------------------------------------------------------- */

struct hash_slot *elem_home(const struct map *m, u32 e)
{
	u32 first = nr_slots(m) + 1;
	u32 i = e < first ? e - 1 : (e - first) / share_of(m);

	return hash_slot(m, i < m->cpus ? i : 0);
}

/* The element at turn N of the hand of S, or 0. */
static u32 elem_at(const struct map *m, const struct hash_slot *s, u32 n)
{
	u32 i = (u32)(s - hash_slot(m, 0)), share = share_of(m);

	if (!hash_own_lists(m))
		return n % (m->nr_elems - 1) + 1;
	n %= share + 2;
	if (n < share)
		return nr_slots(m) + 1 + i * share + n;
	if (n == share)
		return i + 1;
	return i ? 0 : nr_slots(m);
}

/* E may be free, or hold another key, by the time that its bucket is locked. With
 * FORCE it goes even when it is in use. */
static bool evict(struct map *m, struct hash_slot *home, u32 e, bool force)
{
	u8 spared = force ? 0 : MARK_USED;
	struct place at;

	if (!hash_place(m, &at, e) || !bucket_lock(m, &at))
		return false;
	if (load_relaxed(&m->marks[e]) & spared) {
		bucket_unlock(&at);
		return false;
	}
	bucket_unlink(m, &at, e);
	value_retire(m, elem_value(m, e, 0));
	elem_put(m, home, e);
	return true;
}

/* How many elements the hand passes at once. */
static u32 chunk_of(const struct map *m)
{
	u32 n = (hash_own_lists(m) ? share_of(m) : m->max_entries) / 256;

	return n < 1 ? 1 : n < CHUNK_MAX ? n : CHUNK_MAX;
}

/* One step of the hand: how many were given up. */
static u32 hand_step(struct map *m, struct hash_slot *home, bool force)
{
	u32 *hand = hash_own_lists(m) ? &home->hand : &area_head(m)->hand;
	u32 chunk = chunk_of(m), turn = __atomic_fetch_add(hand, chunk, __ATOMIC_RELAXED);
	u32 found[CHUNK_MAX], n = 0, given = 0;

	for (u32 i = 0; i < chunk; i++) {
		u32 e = elem_at(m, home, turn + i);
		u8 mark = e ? load_relaxed(&m->marks[e]) : 0;

		if (mark & MARK_USED && !force)
			store_relaxed(&m->marks[e], MARK_IN_USE);
		else if (mark)
			hash_prefetch(m, found[n++] = e);
	}
	for (u32 i = 0; i < n; i++)
		given += evict(m, home, found[i], force);
	return given;
}

/* Twice around, then whatever is met: others may mark all elements as used as
 * fast as the hand takes the marks away. */
static void give_up(struct map *m, struct hash_slot *home)
{
	u64 all = hash_own_lists(m) ? share_of(m) + 2ull : m->nr_elems;

	for (u64 passed = 0; passed < 3 * all + CHUNK_MAX; passed += chunk_of(m))
		if (hand_step(m, home, passed > 2 * all))
			return;
}

/* ---- slots --------------------------------------------------------------------------- */

struct hash_slot *slot_take_shared(struct map *m)
{
	struct hash_slot *s = hash_slot(m, m->cpus);

	area_lock(m, &s->busy);
	return s;
}

/* Is S for callers without a cpu, where elements belong to cpus? */
static bool takes_turns(const struct map *m, const struct hash_slot *s)
{
	return unlikely(hash_own_lists(m)) && s == hash_slot(m, m->cpus);
}

/* A free element of any cpu. */
static u32 take_any(const struct map *m)
{
	u32 e = 0;

	for (u32 i = 0; !e && i < m->cpus; i++)
		e = list_take(m, hash_slot(m, i));
	return e;
}

u32 elem_get(struct map *m, struct hash_slot *s)
{
	u32 e = takes_turns(m, s) ? take_any(m) : list_take(m, s);

	return likely(e) || hash_own_lists(m) ? e : steal(m, s);
}

u32 elem_evict(struct map *m, struct hash_slot *s)
{
	struct hash_slot *home = takes_turns(m, s) ? hash_slot(m, s->turn++ % m->cpus) : s;
	u32 e = 0;

	for (u32 i = 0; !e && i < EVICTIONS_MAX; i++) {
		give_up(m, home);	/* or others did: then none of its elements is in use */
		e = elem_get(m, s);
	}
	return e;
}

void elem_put(struct map *m, struct hash_slot *s, u32 e)
{
	if (unlikely(hash_own_lists(m)))
		s = elem_home(m, e);
	area_lock(m, &s->lock);
	push_locked(m, s, e);
	lock_drop(&s->lock);
}

bool elem_extra(struct map *m, struct hash_slot *s)
{
	u32 e = elem_get(m, s);

	if (!e && hash_is_lru(m->type))
		e = elem_evict(m, s);
	if (!e)
		return false;
	store_relaxed(&s->next_extra, e);
	store_relaxed(&s->extra, e);
	return true;
}

/* Who died while it took some leaves a range that ends before it begins. */
static u32 fresh_left(const struct hash_slot *s)
{
	u32 from = load_relaxed(&s->fresh), end = load_relaxed(&s->fresh_end);

	return end > from ? end - from : 0;
}

u64 elem_used(const struct map *m)
{
	u64 all = m->nr_elems - 1 - nr_slots(m);
	u64 free = m->nr_elems - 1 - load_relaxed(&area_head(m)->elems.fresh);

	for (u32 i = 0; i < nr_slots(m); i++) {
		const struct hash_slot *s = hash_slot(m, i);

		free += load_relaxed(&s->nr);
		free += fresh_left(s);
	}
	return free < all ? all - free : 0;
}

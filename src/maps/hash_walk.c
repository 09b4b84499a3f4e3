/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_walk.c: the order of hash types: buckets by number, places along a
 * bucket's chain. A position is bucket << 32 | place; elements keep theirs.
 */
#include "maps/hash.h"

/* The element at or after place *FROM of the chain of AT->first; its own place
 * goes to *FROM. 0: none, or the version is not AT->ver any more. */
static u32 chain_at(const struct map *m, struct place *at, u32 *from)
{
	u32 place = 0, hops = 0;

	for (at->b = at->first; at->b; at->b = chain_next(m, at, &hops)) {
		u32 used = ~bucket_match(at->b, 0);

		for (u32 i = 0; i < BUCKET_SLOTS; i++, place++) {
			if (place < *from || !(used >> i & 1))
				continue;
			*from = place;
			return load_acquire(&at->b->elem[i]);
		}
	}
	return 0;
}

/* As chain_at for bucket N, and KEY gets the element's. */
static u32 walk_bucket(struct map *m, u32 n, u32 *place, void *key)
{
	struct place at = { .first = (struct bucket *)m->index + n };
	u32 e, from;

	do {
		from = *place;
		at.ver = load_acquire(&at.first->ver);
		e = chain_at(m, &at, &from);
		if (e && e < m->nr_elems)
			words_get(key, elem_key(m, e), m->key_size);
		fence_acquire();
	} while (!same_version(load_relaxed(&at.first->ver), at.ver));
	*place = from;
	return e < m->nr_elems ? e : 0;
}

bool hash_walk(struct map *m, u64 *pos, void *key, void **value, u32 cpu)
{
	u64 n = *pos >> 32;
	u32 place = (u32)*pos, e;

	for (; n < m->nr_index; n++, place = 0) {
		e = walk_bucket(m, (u32)n, &place, key);
		if (!e)
			continue;
		*value = elem_value(m, e, cpu == MAP_USER ? 0 : cpu);
		*pos = n << 32 | (place + 1);
		return true;
	}
	*pos = n << 32;
	return false;
}

/* The position after KEY; 0, the start, when it is not there. */
static u64 position_after(struct map *m, const void *key)
{
	struct place at;
	struct bucket *b;
	u32 e, place = 0, n, hops;

	do {
		e = hash_find(m, &at, key);
		place = at.slot + 1;
		b = at.first;
		hops = 0;
		for (; e && b && b != at.b && hops++ < m->nr_overflow; place += BUCKET_SLOTS) {
			n = load_acquire(&b->next);
			b = n ? overflow_bucket(m, n) : NULL;
		}
		fence_acquire();
	} while (!same_version(load_relaxed(&at.first->ver), at.ver));
	n = (u32)(at.first - (struct bucket *)m->index);
	return e ? (u64)n << 32 | place : 0;
}

int hash_next_key(struct map *m, const void *key, void *next)
{
	u64 pos = key ? position_after(m, key) : 0;
	void *value;

	return hash_walk(m, &pos, next, &value, MAP_USER) ? 0 : -ENOENT;
}

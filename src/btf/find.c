/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * find.c: types by name. A single name is looked for in the records, which
 * takes well under a millisecond in a kernel's 130,000 types; who has many
 * asks for an index first. An index covers the own types only: a split BTF
 * asks its base for the others.
 */
#include "btf/btf.h"
#include "base/hash.h"
#include "base/os.h"

/* Types with a name of one hash form a list in order of their ids. */
struct btf_index {
	u32 *heads;	/* [mask + 1] position in next[] plus one; 0 = none */
	u32 *next;	/* [own types] the same */
	u32 mask;
	u64 seed;	/* nobody can choose names that collide */
};

static u32 bucket(const struct btf_index *x, const char *name)
{
	return (u32)hash_bytes(name, strlen(name), x->seed) & x->mask;
}

void btf_index(struct btf *btf, struct arena *arena)
{
	u32 n = btf->nr_types - btf->first_id;
	struct btf_index *x;

	if (btf->index)
		return;
	x = arena_new(arena, struct btf_index);
	for (x->mask = 15; x->mask < n / 2; x->mask = x->mask * 2 + 1)
		;
	x->seed = os_clock_ns() ^ (uintptr_t)x;
	x->heads = arena_news(arena, x->mask + 1, u32);
	x->next = arena_news(arena, n, u32);
	while (n--) {
		const char *name = btf_str(btf, btf_own(btf, n)->name_off);
		u32 *head;

		if (!*name)
			continue;
		head = &x->heads[bucket(x, name)];
		x->next[n] = *head;
		*head = n + 1;
	}
	btf->index = x;
}

static bool fits(const struct btf *btf, u32 i, const char *name, u32 kind)
{
	const char *s;

	if (kind && btf_own_kind(btf, i) != kind)
		return false;
	s = btf_str(btf, btf_own(btf, i)->name_off);
	return s[0] == name[0] && !strcmp(s, name);
}

/* Own types from position I on. */
static u32 find_own(const struct btf *btf, const char *name, u32 kind, u32 i)
{
	const struct btf_index *x = btf->index;
	u32 n = btf->nr_types - btf->first_id;

	if (!x) {
		while (i < n && !fits(btf, i, name, kind))
			i++;
		return i < n ? btf->first_id + i : 0;
	}
	for (u32 k = x->heads[bucket(x, name)]; k; k = x->next[k - 1])
		if (k > i && fits(btf, k - 1, name, kind))
			return btf->first_id + k - 1;
	return 0;
}

u32 btf_find_next(const struct btf *btf, const char *name, u32 kind, u32 after)
{
	u32 id = 0;

	if (!*name)
		return 0;
	if (btf->base && after + 1 < btf->first_id)
		id = btf_find_next(btf->base, name, kind, after);
	if (id || after >= btf->nr_types)
		return id;
	return find_own(btf, name, kind, after < btf->first_id ? 0 :
			after + 1 - btf->first_id);
}

u32 btf_find(const struct btf *btf, const char *name, u32 kind)
{
	return btf_find_next(btf, name, kind, 0);
}

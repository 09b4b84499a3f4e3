/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.c: how often a map is looked up in and changed, while somebody wants to know: who
 * has a cpu counts in a line of its own, callers without one share another. Of maps in
 * files lines and the word that says so lie in the file, so that any process may watch.
 */
#include "maps/area.h"
#include "maps/share_in.h"
#include "base/os.h"

enum { LINE_WORDS = sizeof(struct map_counts) / sizeof(u64) };

void map_count(struct map *m, u32 cpu, enum map_did did)
{
	struct map_counts *c;
	u64 *at;

	fence_acquire();	/* after m->watched: counts are there */
	c = &m->counts[cpu < m->cpus ? cpu : m->cpus];
	at = did == MAP_DELETED ? &c->deletes : did == MAP_UPDATED ? &c->updates :
		  &c->lookups;

	if (cpu >= m->cpus) {
		__atomic_fetch_add(at, 1, __ATOMIC_RELAXED);
		if (did == MAP_FOUND)
			__atomic_fetch_add(&c->hits, 1, __ATOMIC_RELAXED);
		return;
	}
	store_relaxed(at, load_relaxed(at) + 1);
	if (did == MAP_FOUND)
		store_relaxed(&c->hits, load_relaxed(&c->hits) + 1);
}

void *map_count_lookup(struct map *m, const void *key, u32 cpu)
{
	void *v = m->ops->lookup(m, key, cpu);

	map_count(m, cpu, v ? MAP_FOUND : MAP_MISSED);
	return v;
}

/* Before somebody else may use M, or M's own thread does. */
int map_watch(struct map *m, bool on)
{
	if (m->share)
		return share_watch(m, on);
	if (on && !m->counts)
		m->counts = os_map_lazy((m->cpus + 1) * sizeof(*m->counts));
	if (on && !m->counts)
		return -ENOMEM;
	__atomic_store_n(&m->watched_here, on, __ATOMIC_RELEASE);
	return 0;
}

void map_counts_free(struct map *m)
{
	if (m->counts && !m->share)
		os_unmap(m->counts, (m->cpus + 1) * sizeof(*m->counts));
	m->counts = NULL;
}

void map_counts(const struct map *m, struct map_counts *out)
{
	u64 *sum = (u64 *)out;

	*out = (struct map_counts){ 0 };
	if (!m->counts)
		return;
	for (u32 i = 0; i <= m->cpus; i++)
		for (u32 w = 0; w < LINE_WORDS; w++)
			sum[w] += load_relaxed((const u64 *)&m->counts[i] + w);
}

void map_counts_keep(struct map *m, keep_fn keep, void *arg)
{
	if (m->counts)
		keep(arg, KEEP_BYTES, m->counts, (m->cpus + 1) * sizeof(*m->counts));
}

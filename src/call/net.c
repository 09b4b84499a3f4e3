/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.c: the parts of a described network, and finding links and neighbours.
 * Numbers and addresses are found by hashing with a seed of each net's own, so
 * that no description can be made slow.
 */
#include "base/hash.h"
#include "base/vec.h"
#include "call/net_in.h"

struct net *net_new(void)
{
	struct net *n = mem_alloc(sizeof(*n));

	n->seed = os_clock_ns() ^ (u64)(uintptr_t)n;
	n->names = (struct strtab){ .arena = &n->arena };
	return n;
}

void net_free(struct net *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->tables.n; i++)
		net_trie_free(n->tables.v[i].trie);
	vec_free(&n->tables);
	vec_free(&n->links);
	vec_free(&n->addrs);
	vec_free(&n->neighs);
	vec_free(&n->routes);
	vec_free(&n->rules[NET_IP4]);
	vec_free(&n->rules[NET_IP6]);
	free(n->by_index.slots);
	free(n->by_neigh.slots);
	free(n->by_route.slots);
	free(n->by_table.slots);
	arena_free(&n->arena);
	free(n);
}

/* ---- index ----------------------------------------------------------------------- */

static void index_put(struct net_index *x, u64 hash, u32 number)
{
	size_t i = hash & (x->cap - 1);

	while (x->slots[i].number)
		i = (i + 1) & (x->cap - 1);
	x->slots[i] = (struct net_slot){ hash, number };
	x->n++;
}

static void index_grow(struct net_index *x)
{
	struct net_index old = *x;

	x->cap = old.cap ? old.cap * 2 : 16;
	x->n = 0;
	x->slots = mem_alloc(x->cap * sizeof(*x->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].number)
			index_put(x, old.slots[i].hash, old.slots[i].number);
	free(old.slots);
}

void net_index_add(struct net_index *x, u64 hash, u32 number)
{
	if (x->n * 2 >= x->cap)
		index_grow(x);
	index_put(x, hash, number);
}

u32 net_index_next(const struct net_index *x, u64 hash, size_t *at)
{
	for (; x->cap; ++*at) {
		const struct net_slot *s = &x->slots[(hash + *at) & (x->cap - 1)];

		if (!s->number)
			return 0;
		if (s->hash == hash) {
			++*at;
			return s->number;
		}
	}
	return 0;
}

/* ---- links --------------------------------------------------------------------------- */

static u64 hash_u32(const struct net *n, u32 v)
{
	return hash_bytes(&v, sizeof(v), n->seed);
}

struct net_link *net_link(const struct net *n, u32 ifindex)
{
	u64 hash = hash_u32(n, ifindex);
	size_t at = 0;
	u32 i;

	while ((i = net_index_next(&n->by_index, hash, &at)))
		if (n->links.v[i - 1].ifindex == ifindex)
			return &n->links.v[i - 1];
	return NULL;
}

struct net_link *net_link_named(const struct net *n, const char *name)
{
	u32 i;

	return strtab_get(&n->names, name, &i) ? &n->links.v[i] : NULL;
}

int net_add_link(struct net *n, const struct net_link *l)
{
	struct net_link *to;

	if (net_link(n, l->ifindex) || net_link_named(n, l->name))
		return -EEXIST;
	to = vec_push(&n->links);
	*to = *l;
	to->name = arena_strdup(&n->arena, l->name);
	strtab_put(&n->names, to->name, (u32)n->links.n - 1);
	net_index_add(&n->by_index, hash_u32(n, l->ifindex), (u32)n->links.n);
	return 0;
}

void net_add_addr(struct net *n, const struct net_addr *a)
{
	*vec_push(&n->addrs) = *a;
}

/* ---- neighbours ------------------------------------------------------------------------ */

static u64 hash_neigh(const struct net *n, u8 family, u32 ifindex, const struct net_ip *ip)
{
	return hash_bytes(ip->b, net_ip_bytes(family), n->seed ^ (u64)ifindex << 1 ^ family);
}

static const struct net_neigh *find_neigh(const struct net *n, u8 family, u32 ifindex,
					  const struct net_ip *ip)
{
	u64 hash = hash_neigh(n, family, ifindex, ip);
	size_t at = 0;
	u32 i;

	while ((i = net_index_next(&n->by_neigh, hash, &at))) {
		const struct net_neigh *e = &n->neighs.v[i - 1];

		if (e->family == family && e->ifindex == ifindex && net_ip_same(family, &e->ip, ip))
			return e;
	}
	return NULL;
}

/* Loopback and point-to-point devices have one IPv4 neighbour, 0.0.0.0. */
const struct net_neigh *net_neigh(const struct net *n, u8 family, u32 ifindex,
				  const struct net_ip *ip)
{
	static const struct net_ip zero;
	const struct net_link *l = net_link(n, ifindex);

	if (family == NET_IP4 && l && (l->loopback || l->point_to_point))
		ip = &zero;
	return find_neigh(n, family, ifindex, ip);
}

int net_add_neigh(struct net *n, const struct net_neigh *e)
{
	if (find_neigh(n, e->family, e->ifindex, &e->ip))
		return -EEXIST;
	*vec_push(&n->neighs) = *e;
	net_index_add(&n->by_neigh, hash_neigh(n, e->family, e->ifindex, &e->ip),
		      (u32)n->neighs.n);
	return 0;
}

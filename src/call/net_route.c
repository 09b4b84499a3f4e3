/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_route.c: routes and rules: which route a packet takes, as Linux 6.18
 * decides. IPv4 and IPv6 differ in more than the size of addresses: in what ends
 * a search, in how routes of one prefix are ordered and in which devices count.
 */
#include "call/net_in.h"
#include <endian.h>
#include <linux/rtnetlink.h>

enum { DSCP = 0xfc, TOS_OF_ROUTES = 0x1c };

/* ---- adding ------------------------------------------------------------------------ */

static u64 hash_route(const struct net *n, const struct net_route *r)
{
	u64 seed = n->seed ^ (u64)r->table << 32 ^ (u64)r->metric << 8 ^ r->plen;

	return hash_bytes(r->dst.b, 16, seed ^ (u64)r->tos << 24);
}

static bool same_hops(const struct net_route *a, const struct net_route *b)
{
	if (a->nr_hops != b->nr_hops)
		return false;
	for (u32 i = 0; i < a->nr_hops; i++) {
		const struct net_hop *x = &a->hops[i], *y = &b->hops[i];

		if (x->ifindex != y->ifindex || x->has_gw != y->has_gw ||
		    x->gw_family != y->gw_family || memcmp(&x->gw, &y->gw, sizeof(x->gw)))
			return false;
	}
	return true;
}

static bool same_route(const struct net_route *a, const struct net_route *b)
{
	return a->family == b->family && a->table == b->table && a->plen == b->plen &&
	       a->src_plen == b->src_plen && a->tos == b->tos && a->metric == b->metric &&
	       a->type == b->type && a->scope == b->scope && a->rest == b->rest &&
	       !memcmp(&a->dst, &b->dst, sizeof(a->dst)) &&
	       !memcmp(&a->src, &b->src, sizeof(a->src)) && same_hops(a, b);
}

int net_add_route(struct net *n, const struct net_route *r)
{
	u64 hash = hash_route(n, r);
	struct net_route *to;
	size_t at = 0;
	u32 i;

	while ((i = net_index_next(&n->by_route, hash, &at)))
		if (same_route(&n->routes.v[i - 1], r))
			return -EEXIST;
	to = vec_push(&n->routes);
	*to = *r;
	to->order = (u32)n->routes.n;
	to->hops = arena_copy(&n->arena, r->hops, r->nr_hops * sizeof(*r->hops));
	net_index_add(&n->by_route, hash, (u32)n->routes.n);
	return 0;
}

void net_add_rule(struct net *n, const struct net_rule *r)
{
	struct net_rule *to = vec_push(&n->rules[r->family]);

	*to = *r;
	to->order = (u32)n->rules[r->family].n;
	to->iif = r->iif ? arena_strdup(&n->arena, r->iif) : NULL;
	to->oif = r->oif ? arena_strdup(&n->arena, r->oif) : NULL;
}

/* ---- getting ready -------------------------------------------------------------------- */

static bool is_usual(const struct net_rule *r)
{
	return r->action == NET_TO_TABLE && !r->invert && !r->never && !r->has_uid &&
	       !r->src_plen && !r->dst_plen && !r->tos && !r->proto && !r->mask && !r->iif &&
	       !r->oif && !r->sport[1] && !r->dport[1] && r->suppress_plen < 0 &&
	       r->suppress_group < 0;
}

static void usual_rules(struct net *n, u8 family)
{
	static const struct { u32 priority, table; } rows[] = {
		{ 0, NET_TABLE_LOCAL }, { 32766, NET_TABLE_MAIN }, { 32767, NET_TABLE_DEFAULT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		net_add_rule(n, &(struct net_rule){ .family = family, .suppress_plen = -1,
			.priority = rows[i].priority, .table = rows[i].table,
			.suppress_group = -1 });
}

/* Nothing but what is there from the start. */
static bool all_usual(const struct net *n)
{
	static const u32 tables[] = { NET_TABLE_LOCAL, NET_TABLE_MAIN, NET_TABLE_DEFAULT };

	if (n->rules[NET_IP4].n != ARRAY_LEN(tables))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (!is_usual(&n->rules[NET_IP4].v[i]) ||
		    n->rules[NET_IP4].v[i].table != tables[i])
			return false;
	return true;
}

static int by_priority(const void *a, const void *b)
{
	const struct net_rule *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void ready_rules(struct net *n, u8 family)
{
	if (!n->rules[family].n)
		usual_rules(n, family);
	qsort(n->rules[family].v, n->rules[family].n, sizeof(struct net_rule), by_priority);
	for (size_t i = 0; i < n->rules[family].n; i++) {
		struct net_rule *r = &n->rules[family].v[i];
		const struct net_link *in = r->iif ? net_link_named(n, r->iif) : NULL;
		const struct net_link *out = r->oif ? net_link_named(n, r->oif) : NULL;

		r->iif_index = in ? in->ifindex : 0;
		r->oif_index = out ? out->ifindex : 0;
	}
}

/* IPv4 without rules of its own keeps local in main's tables. */
static u32 table_id(const struct net *n, u8 family, u32 id)
{
	return family == NET_IP4 && n->merged && id == NET_TABLE_LOCAL ? (u32)NET_TABLE_MAIN : id;
}

static u64 hash_table(const struct net *n, u8 family, u32 id)
{
	return hash_bytes(&id, sizeof(id), n->seed ^ family);
}

static struct net_trie *find_table(const struct net *n, u8 family, u32 id)
{
	size_t at = 0;
	u32 i;

	id = table_id(n, family, id);
	while ((i = net_index_next(&n->by_table, hash_table(n, family, id), &at)))
		if (n->tables.v[i - 1].family == family && n->tables.v[i - 1].id == id)
			return n->tables.v[i - 1].trie;
	return NULL;
}

static struct net_trie *add_table(struct net *n, u8 family, u32 id)
{
	struct net_trie *t = net_trie_new();

	id = table_id(n, family, id);
	*vec_push(&n->tables) = (struct net_table){ family, id, t };
	net_index_add(&n->by_table, hash_table(n, family, id), (u32)n->tables.n);
	return t;
}

static int compare(u64 a, u64 b) { return a < b ? -1 : a > b; }

/* In which order routes to one destination are looked at. */
static int by_rank(const void *a, const void *b)
{
	const struct net_route *x = *(struct net_route *const *)a;
	const struct net_route *y = *(struct net_route *const *)b;
	int c = compare(y->src_plen, x->src_plen);

	if (!c)
		c = memcmp(&x->src, &y->src, sizeof(x->src));
	if (!c && x->family == NET_IP4 && y->family == NET_IP4)
		c = compare(y->table, x->table);
	if (!c)
		c = compare(y->tos, x->tos);
	if (!c)
		c = compare(x->metric, y->metric);
	return c ? c : compare(x->order, y->order);
}

/* In front of those that hang there. */
static void hang(struct net *n, struct net_route *r)
{
	struct net_trie *t = find_table(n, r->family, r->table);
	u32 *at = net_trie_at(t ? t : add_table(n, r->family, r->table), &r->dst, r->plen);

	r->next = *at;
	*at = r->order;
}

static void hang_all(struct net *n)
{
	struct net_route **v = mem_alloc(n->routes.n * sizeof(*v));

	for (size_t i = 0; i < n->routes.n; i++)
		v[i] = &n->routes.v[i];
	qsort(v, n->routes.n, sizeof(*v), by_rank);
	for (size_t i = n->routes.n; i; i--)
		hang(n, v[i - 1]);
	free(v);
}

/* A hop gets its share of the 2^31 hashes. */
static void ready_hops(struct net *n, struct net_route *r)
{
	u64 total = 0, so_far = 0;

	for (u32 i = 0; i < r->nr_hops; i++)
		total += r->hops[i].dead ? 0 : r->hops[i].weight;
	for (u32 i = 0; i < r->nr_hops; i++) {
		struct net_hop *h = &r->hops[i];

		so_far += h->dead ? 0 : h->weight;
		h->bound = h->dead || !total ? -1 :
			   (s64)(((so_far << 31) + total / 2) / total) - 1;
		if (r->family == NET_IP4)
			net_select_addr4(n, h->ifindex, &h->gw, r->scope, &h->source);
	}
}

void net_ready(struct net *n)
{
	ready_rules(n, NET_IP4);
	ready_rules(n, NET_IP6);
	n->merged = all_usual(n);
	hang_all(n);
	for (size_t i = 0; i < n->routes.n; i++)
		ready_hops(n, &n->routes.v[i]);
}

/* ---- one table -------------------------------------------------------------------------- */

static int type_error(u8 type)
{
	switch (type) {
	case RTN_UNICAST:
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
		return 0;
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_THROW:
		return -EAGAIN;
	}
	return -EINVAL;
}

static const struct net_hop *usable_hop4(const struct net_route *r, const struct net_flow *f)
{
	for (u32 i = 0; i < r->nr_hops; i++)
		if (!r->hops[i].dead && (!f->oif || f->oif == r->hops[i].ifindex))
			return &r->hops[i];
	return NULL;
}

/* 1: goes on. */
static int try_route4(const struct net_route *r, const struct net_flow *f, struct net_result *res)
{
	int err;

	if (r->tos && r->tos != (f->tos & TOS_OF_ROUTES))
		return 1;
	err = type_error(r->type);
	if (err)
		return err;
	res->route = r;
	res->hop = usable_hop4(r, f);
	return res->hop ? 0 : 1;
}

static int lookup4(const struct net *n, const struct net_trie *t, const struct net_flow *f,
		   struct net_result *res)
{
	u32 heads[129], nr = net_trie_walk(t, &f->daddr, 32, heads);

	for (u32 i = 0; i < nr; i++)
		for (u32 at = heads[i]; at; at = n->routes.v[at - 1].next) {
			int r = try_route4(&n->routes.v[at - 1], f, res);

			if (r <= 0)
				return r;
		}
	return -EAGAIN;
}

/* Routes of one metric: the best score wins, the first of equals. */
struct best6 { struct net_result res; int score; };

static void score6(const struct net_route *r, const struct net_flow *f, struct best6 *b)
{
	for (u32 i = 0; i < r->nr_hops; i++) {
		const struct net_hop *h = &r->hops[i];
		int score = !f->prefer || h->ifindex == f->prefer ? 2 : 0;

		score |= r->pref << 2;
		if (h->dead || score <= b->score)
			continue;
		*b = (struct best6){ { r, h }, score };
	}
}

/* From route AT on those of the same source prefix; *AT is the first after them. */
static bool group6(const struct net *n, u32 *at, const struct net_flow *f, struct net_result *res)
{
	const struct net_route *first = &n->routes.v[*at - 1];
	struct best6 b = { .score = -1 };
	u32 metric = first->metric;

	for (; *at; *at = n->routes.v[*at - 1].next) {
		const struct net_route *r = &n->routes.v[*at - 1];

		if (r->src_plen != first->src_plen || memcmp(&r->src, &first->src, sizeof(r->src)))
			break;
		if (r->metric != metric && b.score >= 0)
			continue;
		metric = r->metric;
		score6(r, f, &b);
	}
	*res = b.res;
	return b.score >= 0;
}

/* Where a destination has routes by source, and none is for this one, the kernel
 * passes over its plain routes, too, unless it comes back to them (*TRIED). The
 * default route is where it ends anyway. */
static bool is_seen6(const struct net_route *r, const struct net_route *first,
		     const struct net_flow *f, bool tried)
{
	if (r->src_plen)
		return net_ip_under(&f->saddr, &r->src, r->src_plen);
	return tried || !first->src_plen || !r->plen;
}

static void skip6(const struct net *n, u32 *at)
{
	const struct net_route *first = &n->routes.v[*at - 1];

	while (*at && n->routes.v[*at - 1].src_plen == first->src_plen &&
	       !memcmp(&n->routes.v[*at - 1].src, &first->src, sizeof(first->src)))
		*at = n->routes.v[*at - 1].next;
}

static int lookup6(const struct net *n, const struct net_trie *t, const struct net_flow *f,
		   struct net_result *res)
{
	u32 heads[129], nr = net_trie_walk(t, &f->daddr, 128, heads);
	bool tried = false;

	for (u32 i = 0; i < nr; i++)
		for (u32 at = heads[i]; at;) {
			if (!is_seen6(&n->routes.v[at - 1], &n->routes.v[heads[i] - 1], f, tried)) {
				skip6(n, &at);
				continue;
			}
			tried = true;
			if (group6(n, &at, f, res))
				return 0;
		}
	return -EAGAIN;
}

int net_lookup_table(const struct net *n, u32 table, const struct net_flow *f,
		     struct net_result *res)
{
	const struct net_trie *t = find_table(n, f->family, table ? table : NET_TABLE_MAIN);

	*res = (struct net_result){ 0 };
	if (!t)
		return -EAGAIN;
	return f->family == NET_IP4 ? lookup4(n, t, f, res) : lookup6(n, t, f, res);
}

/* ---- rules ---------------------------------------------------------------------------- */

static bool in_range(u16 v, const u16 range[2])
{
	return !range[1] || (v >= range[0] && v <= range[1]);
}

static bool from_and_to(const struct net_rule *r, const struct net_flow *f)
{
	if (!net_ip_under(&f->daddr, &r->dst, r->dst_plen))
		return false;
	if (r->src_plen && f->family == NET_IP6 && !f->has_source)
		return false;
	return net_ip_under(&f->saddr, &r->src, r->src_plen);
}

static bool tos_fits(const struct net_rule *r, const struct net_flow *f)
{
	u8 tos = f->family == NET_IP4 ? f->tos & TOS_OF_ROUTES :
					(u8)(be32toh(f->label) >> 20 & DSCP);

	return !r->tos || r->tos == tos;
}

/* Lookups of programs are root's and of no tunnel. */
static bool wanted(const struct net_rule *r, const struct net_flow *f)
{
	return !r->never && (!r->iif || (r->iif_index && r->iif_index == f->iif)) &&
	       (!r->oif || (r->oif_index && r->oif_index == f->oif)) &&
	       !((r->mark ^ f->mark) & r->mask) && (!r->has_uid || !r->uid[0]) &&
	       from_and_to(r, f) && tos_fits(r, f) && (!r->proto || r->proto == f->proto) &&
	       in_range(f->sport, r->sport) && in_range(f->dport, r->dport);
}

static bool suppressed(const struct net *n, const struct net_rule *r, const struct net_result *res)
{
	const struct net_link *l = net_link(n, res->hop->ifindex);

	if (r->suppress_plen >= 0 && res->route->plen <= r->suppress_plen)
		return true;
	return r->suppress_group >= 0 && l && l->group == (u32)r->suppress_group;
}

static int act(const struct net *n, const struct net_rule *r, const struct net_flow *f,
	       struct net_result *res)
{
	int err;

	switch (r->action) {
	case NET_TO_TABLE:
		err = net_lookup_table(n, r->table, f, res);
		return !err && suppressed(n, r, res) ? -EAGAIN : err;
	case NET_UNREACHABLE:
		return -ENETUNREACH;
	case NET_PROHIBIT:
		return -EACCES;
	}
	return -EINVAL;
}

/* The first rule of priority TARGET, from FROM on; jumps only lead ahead. */
static size_t rule_at(const struct net *n, u8 family, size_t from, u32 target)
{
	while (from < n->rules[family].n && n->rules[family].v[from].priority < target)
		from++;
	if (from < n->rules[family].n && n->rules[family].v[from].priority == target)
		return from;
	return SIZE_MAX;
}

static int by_rules(const struct net *n, const struct net_flow *f, struct net_result *res)
{
	size_t i = 0;

	while (i < n->rules[f->family].n) {
		const struct net_rule *r = &n->rules[f->family].v[i++];
		size_t to;
		int err;

		if (r->invert == wanted(r, f) || r->action == NET_NOP)
			continue;
		if (r->action == NET_GOTO) {
			to = rule_at(n, f->family, i, r->target);
			i = to == SIZE_MAX ? i : to;
			continue;
		}
		err = act(n, r, f, res);
		if (err != -EAGAIN)
			return err;
	}
	return -ENETUNREACH;
}

/* Without rules of its own IPv4 asks main, which has local's routes too. */
static int by_tables4(const struct net *n, const struct net_flow *f, struct net_result *res)
{
	int err = net_lookup_table(n, NET_TABLE_MAIN, f, res);

	if (err == -EAGAIN)
		err = net_lookup_table(n, NET_TABLE_DEFAULT, f, res);
	return err == -EAGAIN ? -ENETUNREACH : err;
}

int net_lookup(const struct net *n, const struct net_flow *f, struct net_result *res)
{
	*res = (struct net_result){ 0 };
	return f->family == NET_IP4 && n->merged ? by_tables4(n, f, res) : by_rules(n, f, res);
}

/* ---- hops ------------------------------------------------------------------------------- */

static u32 flow_hash(const struct net_flow *f)
{
	u32 bytes = net_ip_bytes(f->family);
	u64 h = hash_bytes(f->daddr.b, bytes, hash_bytes(f->saddr.b, bytes, f->family));

	if (f->family == NET_IP6)
		h = hash_bytes(&f->label, sizeof(f->label), h ^ f->proto);
	return (u32)h >> 1;
}

/* IPv4 prefers hops whose packets come from the flow's own source. */
static const struct net_hop *choose4(const struct net_route *r, const struct net_flow *f, u32 hash)
{
	static const struct net_ip zero;
	bool from = !net_ip_same(NET_IP4, &f->saddr, &zero);
	const struct net_hop *best = NULL;
	int most = -1;

	for (u32 i = 0; i < r->nr_hops; i++) {
		const struct net_hop *h = &r->hops[i];
		int score = from && net_ip_same(NET_IP4, &h->source, &f->saddr) ? 2 : 0;

		if (h->bound < 0)
			continue;
		score += hash <= h->bound;
		if (score <= most)
			continue;
		most = score;
		best = h;
		if (score == 3 || (!from && score == 1))
			break;
	}
	return best;
}

void net_select_hop(const struct net_flow *f, struct net_result *res)
{
	const struct net_route *r = res->route;
	const struct net_hop *h = NULL;
	u32 hash;

	if (r->nr_hops < 2 || f->oif)
		return;
	hash = flow_hash(f);
	if (r->family == NET_IP4)
		h = choose4(r, f, hash);
	for (u32 i = 0; r->family == NET_IP6 && !h && i < r->nr_hops; i++)
		if (hash <= r->hops[i].bound)
			h = &r->hops[i];
	if (h)
		res->hop = h;
}

enum { IP4_MTU_MAX = 0xffff, IP6_MTU_MIN = 1280 };

/* Only a locked metric says more than the device. */
u32 net_mtu(const struct net *n, const struct net_result *res)
{
	const struct net_link *l = net_link(n, res->hop->ifindex);

	if (res->route->mtu && res->route->mtu_locked)
		return res->route->mtu;
	if (res->route->family == NET_IP4)
		return (u32)min_u64(l->mtu, IP4_MTU_MAX);
	return (u32)max_u64(l->mtu, IP6_MTU_MIN);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_trie.c: prefixes in a path-compressed binary trie: a lookup visits at most
 * as many nodes as the address has bits, whatever the number of prefixes.
 */
#include "base/vec.h"
#include "call/net.h"

struct node {
	struct net_ip ip;
	u32 plen;
	u32 child[2];		/* number + 1; 0 = none */
	u32 head;		/* of the routes here; 0 = only a fork */
};

struct net_trie {
	VEC(struct node) nodes;	/* the first is the root, of length 0 */
};

static bool bit_of(const struct net_ip *ip, u32 i)
{
	return ip->b[i / 8] >> (7 - i % 8) & 1;
}

/* The bits that A and B have in common, at most MOST. */
static u32 common(const struct net_ip *a, const struct net_ip *b, u32 most)
{
	u32 i = 0;

	while (i + 8 <= most && a->b[i / 8] == b->b[i / 8])
		i += 8;
	while (i < most && bit_of(a, i) == bit_of(b, i))
		i++;
	return i;
}

bool net_ip_under(const struct net_ip *ip, const struct net_ip *prefix, u32 plen)
{
	return common(ip, prefix, plen) == plen;
}

static u32 add_node(struct net_trie *t, const struct net_ip *ip, u32 plen)
{
	*vec_push(&t->nodes) = (struct node){ .ip = *ip, .plen = plen };
	return (u32)t->nodes.n - 1;
}

struct net_trie *net_trie_new(void)
{
	static const struct net_ip zero;
	struct net_trie *t = mem_alloc(sizeof(*t));

	add_node(t, &zero, 0);
	return t;
}

void net_trie_free(struct net_trie *t)
{
	if (t)
		vec_free(&t->nodes);
	free(t);
}

/* A node of length PLEN between AT and its child on SIDE, which goes on. */
static u32 split(struct net_trie *t, u32 at, u32 side, const struct net_ip *ip, u32 plen)
{
	u32 below = t->nodes.v[at].child[side], mid = add_node(t, ip, plen);

	t->nodes.v[mid].child[bit_of(&t->nodes.v[below - 1].ip, plen)] = below;
	t->nodes.v[at].child[side] = mid + 1;
	return mid;
}

u32 *net_trie_at(struct net_trie *t, const struct net_ip *ip, u32 plen)
{
	u32 at = 0;

	while (t->nodes.v[at].plen < plen) {
		u32 side = bit_of(ip, t->nodes.v[at].plen), down = t->nodes.v[at].child[side], n;

		if (!down) {
			n = add_node(t, ip, plen);
			t->nodes.v[at].child[side] = n + 1;
			at = n;
			continue;
		}
		n = t->nodes.v[down - 1].plen < plen ? t->nodes.v[down - 1].plen : plen;
		n = common(ip, &t->nodes.v[down - 1].ip, n);
		at = n == t->nodes.v[down - 1].plen ? down - 1 : split(t, at, side, ip, n);
	}
	return &t->nodes.v[at].head;
}

u32 net_trie_walk(const struct net_trie *t, const struct net_ip *ip, u32 bits, u32 heads[129])
{
	u32 found[129], n = 0, at = 0;

	for (;;) {
		const struct node *node = &t->nodes.v[at];
		u32 down;

		if (!net_ip_under(ip, &node->ip, node->plen))
			break;
		if (node->head)
			found[n++] = node->head;
		down = node->plen < bits ? node->child[bit_of(ip, node->plen)] : 0;
		if (!down)
			break;
		at = down - 1;
	}
	for (u32 i = 0; i < n; i++)
		heads[i] = found[n - 1 - i];
	return n;
}

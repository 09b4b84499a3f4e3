/* SPDX-License-Identifier: BSD-2-Clause */
/* net_in.h: the inside of struct net, for net*.c. */
#ifndef CALL_NET_IN_H
#define CALL_NET_IN_H

#include "base/hash.h"
#include "base/vec.h"
#include "call/net.h"

/* Numbers by hash: linear probing, a power of two of slots. */
struct net_slot { u64 hash; u32 number; };	/* 0 = free */
struct net_index { struct net_slot *slots; size_t cap, n; };

void net_index_add(struct net_index *x, u64 hash, u32 number);
/* The next number under HASH, or 0; *AT is 0 at first. */
u32 net_index_next(const struct net_index *x, u64 hash, size_t *at);

struct net_table { u8 family; u32 id; struct net_trie *trie; };

struct net {
	struct arena arena;
	u64 seed;
	VEC(struct net_link) links;
	struct net_index by_index, by_neigh, by_route, by_table;
	struct strtab names;		/* of links */
	VEC(struct net_addr) addrs;
	VEC(struct net_neigh) neighs;
	VEC(struct net_route) routes;
	VEC(struct net_rule) rules[2];
	VEC(struct net_table) tables;
	bool merged;	/* IPv4 has no rules of its own: local and main are one */
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h: what the embedded engine knows of a network: links, their addresses,
 * neighbours, routes and rules, as a user described them. Whoever reads such a
 * description fills a struct net and calls net_ready(); from then on it is only
 * read. Lookups answer as Linux 6.18 does. Addresses are in network order, IPv4
 * in the first 4 bytes.
 */
#ifndef CALL_NET_H
#define CALL_NET_H

#include "base/base.h"

enum { NET_IP4, NET_IP6 };	/* families */
enum {
	NET_TABLE_DEFAULT = 253, NET_TABLE_MAIN = 254, NET_TABLE_LOCAL = 255,
	NET_LOOPBACK = 1,	/* ifindex */
};

struct net_ip { u8 b[16]; };

struct net_link {
	u32 ifindex;
	const char *name;
	u32 mtu, group;
	u8 mac[6];
	bool up, loopback, point_to_point, no_arp;
	u8 header;		/* bytes of its link layer header: 14, or 0 */
	bool forward[2];	/* by family */
};

struct net_addr {
	u8 family, plen, scope;
	u32 ifindex;
	struct net_ip ip, net;	/* net: what PLEN is of, the other end's or its own */
	bool secondary, deprecated, tentative, temporary, home;
};

struct net_neigh {
	u8 family;
	u32 ifindex;
	struct net_ip ip;
	u8 mac[6];
	bool valid;		/* its state is one that has an address */
};

struct net_hop {
	u32 ifindex;
	bool has_gw, dead, encap;
	u8 gw_family;
	struct net_ip gw;
	u32 weight;
	s64 bound;		/* hashes up to here come to it; -1 none */
	struct net_ip source;	/* of IPv4: what packets by this hop come from */
};

/* Values of type are the kernel's RTN_*, of scope RT_SCOPE_*. */
struct net_route {
	u8 family, type, scope, tos, plen, src_plen, pref;
	bool has_source, mtu_locked;
	u32 table, metric, mtu;
	struct net_ip dst, src, source;
	struct net_hop *hops;	/* at least one, but for types without device */
	u32 nr_hops;
	u32 order;		/* as it was added */
	u64 rest;		/* hash of what no lookup looks at: for net_add_route */
	u32 next;		/* of the same destination: number + 1; 0 = none */
};

enum net_action { NET_TO_TABLE, NET_GOTO, NET_NOP, NET_BLACKHOLE, NET_UNREACHABLE, NET_PROHIBIT };

struct net_rule {
	u8 family, action, src_plen, dst_plen, tos, proto;
	u32 order;		/* as it was added */
	bool invert, never;	/* never: asks for what no lookup of a program has */
	bool has_uid;
	u32 priority, table, target, mark, mask;
	const char *iif, *oif;	/* names, or NULL */
	u32 iif_index, oif_index;	/* by net_ready; 0 = no such device */
	u16 sport[2], dport[2];	/* first and last; 0, 0 = any */
	u32 uid[2];
	s32 suppress_plen;	/* -1 = not */
	s64 suppress_group;	/* -1 = not */
	struct net_ip src, dst;
};

struct net;
struct net *net_new(void);
void net_free(struct net *n);	/* NULL is fine */

/* These give 0 or -EEXIST. Text and hops are copied. */
int net_add_link(struct net *n, const struct net_link *l);
int net_add_neigh(struct net *n, const struct net_neigh *e);
int net_add_route(struct net *n, const struct net_route *r);
void net_add_addr(struct net *n, const struct net_addr *a);
void net_add_rule(struct net *n, const struct net_rule *r);
/* When nobody added rules of a family, it has Linux's three. */
void net_ready(struct net *n);

struct net_link *net_link(const struct net *n, u32 ifindex);	/* or NULL */
struct net_link *net_link_named(const struct net *n, const char *name);
const struct net_neigh *net_neigh(const struct net *n, u8 family, u32 ifindex,
				  const struct net_ip *ip);

/* ---- lookups ------------------------------------------------------------------ */

struct net_flow {
	u8 family, proto, tos;
	bool has_source;	/* IPv6: sources are compared with those of rules */
	u32 label;		/* IPv6 flow information, network order */
	u32 iif, oif, mark;
	u32 prefer;		/* IPv6: the device that routes score by; 0 = none */
	u16 sport, dport;	/* host order */
	struct net_ip saddr, daddr;
};

struct net_result {
	const struct net_route *route;
	const struct net_hop *hop;
};

/* In one table, or as the rules say: 0 or -errno. IPv6 answers with routes of
 * all types, IPv4 with those that are no error. */
int net_lookup_table(const struct net *n, u32 table, const struct net_flow *f,
		     struct net_result *res);
int net_lookup(const struct net *n, const struct net_flow *f, struct net_result *res);
/* Chooses among the route's hops. The kernel's hash is keyed with a secret of
 * each boot; ours is the same in every run, with the same shares. */
void net_select_hop(const struct net_flow *f, struct net_result *res);

/* The source address of packets by RES; false when there is none (IPv6). */
bool net_source(const struct net *n, const struct net_result *res, const struct net_ip *daddr,
		struct net_ip *out);
u32 net_mtu(const struct net *n, const struct net_result *res);

static inline u32 net_ip_bytes(u8 family) { return family == NET_IP4 ? 4 : 16; }
static inline bool net_ip_same(u8 family, const struct net_ip *a, const struct net_ip *b)
{
	return !memcmp(a->b, b->b, net_ip_bytes(family));
}
/* Do the first PLEN bits agree? */
bool net_ip_under(const struct net_ip *ip, const struct net_ip *prefix, u32 plen);

/* ---- for the files of net -------------------------------------------------------- */

struct net_trie;
/* Lists of routes by destination. */
struct net_trie *net_trie_new(void);
void net_trie_free(struct net_trie *t);
/* Where routes to the prefix hang: a list's head to change. */
u32 *net_trie_at(struct net_trie *t, const struct net_ip *ip, u32 plen);
/* The heads that are not 0 of all prefixes of IP, the longest first, at most 129. */
u32 net_trie_walk(const struct net_trie *t, const struct net_ip *ip, u32 bits, u32 heads[129]);

/* The IPv4 address that the kernel would give packets that go to DST (all
 * zeroes: anywhere) out of IFINDEX. */
void net_select_addr4(const struct net *n, u32 ifindex, const struct net_ip *dst, u8 scope,
		      struct net_ip *out);
bool net_select_addr6(const struct net *n, u32 ifindex, const struct net_ip *dst,
		      struct net_ip *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_source.c: the address that packets of this machine come from: for IPv4 the
 * first that fits, for IPv6 the best by the rules of RFC 6724 with Linux's table
 * of labels.
 */
#include "call/net_in.h"
#include <linux/rtnetlink.h>

/* ---- IPv4 ------------------------------------------------------------------------ */

/* The first address of IFINDEX of a scope that SCOPE may use; one of DST's net is
 * better. */
static const struct net_addr *own_addr4(const struct net *n, u32 ifindex, const struct net_ip *dst,
					u8 scope)
{
	static const struct net_ip zero;
	const struct net_addr *first = NULL;

	for (size_t i = 0; i < n->addrs.n; i++) {
		const struct net_addr *a = &n->addrs.v[i];

		if (a->family != NET_IP4 || a->ifindex != ifindex || a->secondary ||
		    a->scope > scope)
			continue;
		if (net_ip_same(NET_IP4, dst, &zero) || net_ip_under(dst, &a->net, a->plen))
			return a;
		if (!first)
			first = a;
	}
	return first;
}

static const struct net_addr *any_addr4(const struct net *n, u8 scope)
{
	for (size_t i = 0; i < n->addrs.n; i++) {
		const struct net_addr *a = &n->addrs.v[i];

		if (a->family == NET_IP4 && !a->secondary && a->scope != RT_SCOPE_LINK &&
		    a->scope <= scope)
			return a;
	}
	return NULL;
}

void net_select_addr4(const struct net *n, u32 ifindex, const struct net_ip *dst, u8 scope,
		      struct net_ip *out)
{
	const struct net_addr *a = own_addr4(n, ifindex, dst, scope);

	if (!a)
		a = any_addr4(n, scope);
	*out = a ? a->ip : (struct net_ip){ 0 };
}

/* ---- IPv6 ------------------------------------------------------------------------ */

static const struct { struct net_ip prefix; u8 plen, label; } labels[] = {
	{ { { [15] = 1 } }, 128, 0 },
	{ { { [10] = 0xff, 0xff } }, 96, 4 },
	{ { { 0 } }, 96, 3 },
	{ { { 0x20, 0x01 } }, 32, 6 },
	{ { { 0x20, 0x01, 0, 0x10 } }, 28, 7 },
	{ { { 0x3f, 0xfe } }, 16, 12 },
	{ { { 0x20, 0x02 } }, 16, 2 },
	{ { { 0xfe, 0xc0 } }, 10, 11 },
	{ { { 0xfc } }, 7, 5 },
	{ { { 0 } }, 0, 1 },
};

static u8 label_of(const struct net_ip *ip)
{
	size_t i = 0;

	while (!net_ip_under(ip, &labels[i].prefix, labels[i].plen))
		i++;
	return labels[i].label;
}

enum { LINK_LOCAL = 2, SITE_LOCAL = 5, GLOBAL = 14 };	/* scopes of RFC 4007 */

static int scope_of(const struct net_ip *ip)
{
	static const struct net_ip loopback = { { [15] = 1 } };

	if (ip->b[0] == 0xff)
		return ip->b[1] & 15;
	if (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80)
		return LINK_LOCAL;
	if (!memcmp(ip, &loopback, sizeof(loopback)))
		return LINK_LOCAL;
	if (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0xc0)
		return SITE_LOCAL;
	return GLOBAL;
}

static bool is_orchid(const struct net_ip *ip)
{
	static const struct net_ip prefix = { { 0x20, 0x01, 0, 0x10 } };

	return net_ip_under(ip, &prefix, 28);
}

static int shared_bits(const struct net_addr *a, const struct net_ip *dst)
{
	u32 n = 0;

	while (n < a->plen && net_ip_under(dst, &a->ip, n + 1))
		n++;
	return (int)n;
}

enum { RULES6 = 9 };

/* What rule I has to say for address A; more is better. */
static int score(const struct net_addr *a, u32 ifindex, const struct net_ip *dst, u32 i)
{
	int scope;

	switch (i) {
	case 0:
		return !memcmp(&a->ip, dst, sizeof(*dst));
	case 1:
		scope = scope_of(&a->ip);
		return scope >= scope_of(dst) ? -scope : scope - 128;
	case 2:
		return !a->deprecated;
	case 3:
		return a->home;
	case 4:
		return a->ifindex == ifindex;
	case 5:
		return label_of(&a->ip) == label_of(dst);
	case 6:
		return !a->temporary;
	case 7:
		return is_orchid(&a->ip) == is_orchid(dst);
	}
	return shared_bits(a, dst);
}

static bool better(const struct net_addr *a, const struct net_addr *b, u32 ifindex,
		   const struct net_ip *dst)
{
	for (u32 i = 0; i < RULES6; i++) {
		int x = score(a, ifindex, dst, i), y = score(b, ifindex, dst, i);

		if (x != y)
			return x > y;
	}
	return false;
}

static bool is_candidate(const struct net_addr *a, u32 ifindex, const struct net_ip *dst)
{
	bool near = dst->b[0] == 0xff || scope_of(dst) <= LINK_LOCAL;

	return a->family == NET_IP6 && !a->tentative && (!near || a->ifindex == ifindex);
}

/* Those of IFINDEX are looked at first. */
bool net_select_addr6(const struct net *n, u32 ifindex, const struct net_ip *dst,
		      struct net_ip *out)
{
	const struct net_addr *best = NULL;

	for (int own = 1; own >= 0; own--)
		for (size_t i = 0; i < n->addrs.n; i++) {
			const struct net_addr *a = &n->addrs.v[i];

			if ((a->ifindex == ifindex) == own && is_candidate(a, ifindex, dst) &&
			    (!best || better(a, best, ifindex, dst)))
				best = a;
		}
	if (best)
		*out = best->ip;
	return best;
}

bool net_source(const struct net *n, const struct net_result *res, const struct net_ip *daddr,
		struct net_ip *out)
{
	if (res->route->has_source)
		*out = res->route->source;
	else if (res->route->family == NET_IP4)
		*out = res->hop->source;
	else
		return net_select_addr6(n, res->hop->ifindex, daddr, out);
	return true;
}

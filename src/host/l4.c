/* SPDX-License-Identifier: BSD-2-Clause */
/* l4.c: the TCP or UDP flow of an Ethernet frame, by its headers. */
#include "host/l4.h"
#include <endian.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>

enum { TAGS_MAX = 8, EXTENSIONS_MAX = 16,
       V4_OFFSET = 0x1fff, V6_OFFSET = 0xfff8 };

static u16 get16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool is_vlan(u16 proto)
{
	return proto == htobe16(ETH_P_8021Q) || proto == htobe16(ETH_P_8021AD);
}

/* The network header's place, behind VLAN tags. */
static bool network(struct l4 *l, const u8 *p, u32 bytes)
{
	u32 at = ETH_HLEN;

	if (bytes < ETH_HLEN)
		return false;
	l->eth_protocol = get16(p + 12);
	for (u32 n = 0; is_vlan(l->eth_protocol); at += 4) {
		if (++n > TAGS_MAX || bytes < at + 4)
			return false;
		l->eth_protocol = get16(p + at + 2);
	}
	l->net = at;
	return true;
}

static bool ipv4(struct l4 *l, const u8 *p, u32 bytes)
{
	const u8 *ip = p + l->net;
	u32 have = bytes - l->net, header;

	if (have < sizeof(struct iphdr) || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15) * 4u;
	if (header < sizeof(struct iphdr) ||
	    be16toh(get16(ip + offsetof(struct iphdr, frag_off))) & V4_OFFSET)
		return false;
	l->family = AF_INET;
	l->protocol = ip[offsetof(struct iphdr, protocol)];
	memcpy(l->remote, ip + offsetof(struct iphdr, saddr), 4);
	memcpy(l->local, ip + offsetof(struct iphdr, daddr), 4);
	l->transport = l->net + header;
	return true;
}

static bool is_extension(u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT;
}

/* Behind extension headers; false when it is a later fragment or they are cut. */
static bool extensions(struct l4 *l, const u8 *p, u32 bytes, u8 next)
{
	for (u32 n = 0; is_extension(next); n++) {
		const u8 *h = p + l->transport;

		if (n == EXTENSIONS_MAX || bytes < l->transport + 8)
			return false;
		if (next == IPPROTO_FRAGMENT && be16toh(get16(h + 2)) & V6_OFFSET)
			return false;
		l->transport += next == IPPROTO_FRAGMENT ? 8 : (h[1] + 1u) * 8;
		next = h[0];
	}
	l->protocol = next;
	return true;
}

static bool ipv6(struct l4 *l, const u8 *p, u32 bytes)
{
	const u8 *ip = p + l->net;

	if (bytes - l->net < sizeof(struct ipv6hdr) || ip[0] >> 4 != 6)
		return false;
	l->family = AF_INET6;
	memcpy(l->remote, ip + offsetof(struct ipv6hdr, saddr), 16);
	memcpy(l->local, ip + offsetof(struct ipv6hdr, daddr), 16);
	l->transport = l->net + sizeof(struct ipv6hdr);
	return extensions(l, p, bytes, ip[offsetof(struct ipv6hdr, nexthdr)]);
}

bool l4_parse(struct l4 *l, const u8 *frame, u32 bytes)
{
	bool ip;

	memset(l, 0, sizeof(*l));
	if (!network(l, frame, bytes))
		return false;
	ip = l->eth_protocol == htobe16(ETH_P_IP) ? ipv4(l, frame, bytes) :
	     l->eth_protocol == htobe16(ETH_P_IPV6) && ipv6(l, frame, bytes);
	if (!ip || (l->protocol != IPPROTO_TCP && l->protocol != IPPROTO_UDP) ||
	    bytes < 4 || l->transport > bytes - 4)
		return false;
	l->remote_port = get16(frame + l->transport);
	l->local_port = get16(frame + l->transport + 2);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layers: walks the headers of a packet: VLAN tags, MPLS labels, IPv4 and IPv6 with
 * extension headers, TCP options, GRE and VXLAN with all of it once more inside.
 */
#include "common.h"

struct flow {
	__u32 src[4], dst[4];
	__u16 sport, dport, vlan[2];
	__u8 proto, depth, mss, ws;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* One option; 0: there is another, 1: it was the last. */
static __always_inline int tcp_option(struct span *s, struct flow *f, int *left)
{
	__u8 *kind, *len;

	if (*left <= 0)
		return 1;
	kind = take(s, 1);
	if (!kind || *kind == 0)
		return 1;
	--*left;
	if (*kind == 1)
		return 0;
	len = take(s, 1);
	if (!len || *len < 2 || *len > 40)
		return -1;
	*left -= *len - 1;
	if (*kind == 3 && *len == 3) {
		__u8 *ws = take(s, 1);

		if (!ws)
			return -1;
		f->ws = *ws;
	} else if (*kind == 2 && *len == 4) {
		__u16 *mss = take(s, 2);

		if (!mss)
			return -1;
		f->mss = bpf_ntohs(*mss) >> 8;
	} else if (!take(s, (*len - 2) & 0x3f)) {
		return -1;
	}
	return 0;
}

static __always_inline int tcp_options(struct span *s, struct flow *f, struct tcphdr *tcp)
{
	int left = tcp->doff * 4 - (int)sizeof(*tcp), r;

	(r = tcp_option(s, f, &left)) || (r = tcp_option(s, f, &left)) ||
		(r = tcp_option(s, f, &left)) || (r = tcp_option(s, f, &left));
	return r < 0 ? r : 0;
}

static __always_inline int ports(struct span *s, struct flow *f)
{
	if (f->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = take(s, sizeof(*tcp));

		if (!tcp)
			return -1;
		f->sport = tcp->source;
		f->dport = tcp->dest;
		return tcp_options(s, f, tcp);
	}
	if (f->proto == IPPROTO_UDP) {
		struct udphdr *udp = take(s, sizeof(*udp));

		if (!udp)
			return -1;
		f->sport = udp->source;
		f->dport = udp->dest;
	}
	return 0;
}

static __always_inline int v4(struct span *s, struct flow *f)
{
	struct iphdr *ip = take(s, sizeof(*ip));

	if (!ip || ip->ihl < 5)
		return -1;
	if (!take(s, (ip->ihl * 4 - sizeof(*ip)) & 0x3c))
		return -1;
	f->src[0] = ip->saddr;
	f->dst[0] = ip->daddr;
	f->proto = ip->protocol;
	return ip->frag_off & bpf_htons(0x1fff) ? 1 : 0;
}

struct ext { __u8 next, len; };

static __always_inline int v6(struct span *s, struct flow *f)
{
	struct ipv6hdr *ip = take(s, sizeof(*ip));

	if (!ip)
		return -1;
	__builtin_memcpy(f->src, &ip->saddr, 16);
	__builtin_memcpy(f->dst, &ip->daddr, 16);
	f->proto = ip->nexthdr;
#pragma clang loop unroll(full)
	for (int i = 0; i < 6; i++) {
		struct ext *e;

		switch (f->proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			e = take(s, sizeof(*e));
			if (!e || !take(s, e->len * 8 + 6))
				return -1;
			f->proto = e->next;
			break;
		case IPPROTO_FRAGMENT:
			return 1;
		default:
			return 0;
		}
	}
	return 0;
}

static __always_inline int net(struct span *s, struct flow *f, __u16 proto)
{
	if (proto == bpf_htons(ETH_P_IP))
		return v4(s, f);
	if (proto == bpf_htons(ETH_P_IPV6))
		return v6(s, f);
	return -1;
}

static __always_inline int link(struct span *s, struct flow *f, __u16 *proto)
{
	struct ethhdr *eth = take(s, sizeof(*eth));
	__u16 p;

	if (!eth)
		return -1;
	p = eth->h_proto;
#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		__u16 *tag;

		if (p != bpf_htons(ETH_P_8021Q) && p != bpf_htons(ETH_P_8021AD))
			break;
		tag = take(s, 4);
		if (!tag)
			return -1;
		f->vlan[i] = tag[0];
		p = tag[1];
	}
	if (p == bpf_htons(ETH_P_MPLS_UC)) {
#pragma clang loop unroll(full)
		for (int i = 0; i < 4; i++) {
			__u32 *label = take(s, 4);

			if (!label)
				return -1;
			if (*label & bpf_htonl(0x100)) {
				p = bpf_htons(ETH_P_IP);
				break;
			}
		}
	}
	*proto = p;
	return 0;
}

SEC("xdp")
int layers(struct xdp_md *ctx)
{
	struct span s = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct flow f = {};
	__u64 one = 1, *n;
	__u16 proto = 0;
	int r;

	if (link(&s, &f, &proto) || (r = net(&s, &f, proto)) < 0) {
		count(0);
		return XDP_PASS;
	}
	if (r) {
		count(1);
		return XDP_DROP;
	}
	if (f.proto == IPPROTO_GRE) {
		__u16 *gre = take(&s, 4);

		if (!gre)
			return XDP_DROP;
		f.depth = 1;
		if (net(&s, &f, gre[1])) {
			count(2);
			return XDP_PASS;
		}
	}
	if (ports(&s, &f)) {
		count(3);
		return XDP_DROP;
	}
	if (f.proto == IPPROTO_UDP && f.dport == bpf_htons(4789)) {
		if (!take(&s, 8) || link(&s, &f, &proto) || net(&s, &f, proto)) {
			count(4);
			return XDP_PASS;
		}
		f.depth = 2;
	}
	n = bpf_map_lookup_elem(&flows, &f);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&flows, &f, &one, BPF_ANY);
	count(5 + (f.proto & 0xf));
	return XDP_PASS;
}

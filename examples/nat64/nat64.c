// SPDX-License-Identifier: BSD-2-Clause
/*
 * nat64.c: lets hosts with IPv6 only talk to IPv4 hosts (RFC 6146, RFC 7915):
 * IPv4 address a.b.c.d is 64:ff9b::a.b.c.d (RFC 6052) to them. Two tc programs:
 * nat64_out turns what they send into IPv4, nat64_in turns the answers back.
 * TCP, UDP and echo requests; each inside address has an IPv4 address of its
 * own from map `inside` (one to one, so ports stay).
 *
 *	clang -O2 -g -target bpf -mcpu=v3 -c nat64.c -o nat64.o
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ICMP_ECHO 8
#define ICMP_ECHO_REPLY 0
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129
#define IP_DF bpf_htons(0x4000)
#define IP_FRAGMENT bpf_htons(0x3fff)
#define L3_OFF ETH_HLEN
#define L4_OFF4 (ETH_HLEN + sizeof(struct iphdr))
#define L4_OFF6 (ETH_HLEN + sizeof(struct ipv6hdr))

struct icmp {
	__u8 type, code;
	__be16 check;
};

/* IPv6 address inside -> IPv4 address outside, and the other way round. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct in6_addr);
	__type(value, __be32);
} inside SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct in6_addr);
} outside SEC(".maps");

enum reason {
	OUT,		/* became IPv4 */
	IN,		/* became IPv6 */
	NOT_OURS,	/* other protocols and addresses: left alone */
	FRAGMENT,
	HOP_LIMIT,	/* its hops are used up */
	FAILED,		/* a helper refused */
	REASONS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

static __always_inline int verdict(enum reason reason)
{
	__u32 index = reason;
	__u64 *n = bpf_map_lookup_elem(&stats, &index);

	if (n)
		++*n;
	return reason == OUT || reason == IN || reason == NOT_OURS ? TC_ACT_OK : TC_ACT_SHOT;
}

static __always_inline _Bool has_prefix(const struct in6_addr *a)
{
	return a->s6_addr32[0] == bpf_htonl(0x0064ff9b) && !a->s6_addr32[1] &&
	       !a->s6_addr32[2];
}

static __always_inline void with_prefix(struct in6_addr *a, __be32 v4)
{
	a->s6_addr32[0] = bpf_htonl(0x0064ff9b);
	a->s6_addr32[1] = a->s6_addr32[2] = 0;
	a->s6_addr32[3] = v4;
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Where the checksum of PROTO is in its header, -1 = none that we know. */
static __always_inline int check_offset(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	}
	return -1;
}

/*
 * The checksum of an ICMP message covers a pseudo header in IPv6 only. DIFF
 * takes it in or out; TYPE replaces the message's. False: not translated.
 */
static __always_inline _Bool icmp_set(struct __sk_buff *skb, __u32 off, __u8 from[2],
				      __u8 to[2], __s64 diff)
{
	struct icmp old, new;
	__u32 a = 0, b = 0;

	if (bpf_skb_load_bytes(skb, off, &old, sizeof(old)))
		return 0;
	new = old;
	if (old.type == from[0])
		new.type = to[0];
	else if (old.type == from[1])
		new.type = to[1];
	else
		return 0;
	__builtin_memcpy(&a, &old, 2);
	__builtin_memcpy(&b, &new, 2);
	diff = bpf_csum_diff(&a, sizeof(a), &b, sizeof(b), diff);
	if (bpf_l4_csum_replace(skb, off + 2, 0, diff, 0))
		return 0;
	return !bpf_skb_store_bytes(skb, off, &new.type, 1, 0);
}

static __always_inline enum reason out_l4(struct __sk_buff *skb, __u8 proto, __s64 diff,
					  __s64 icmp_diff)
{
	__u8 from[2] = { ICMP6_ECHO, ICMP6_ECHO_REPLY }, to[2] = { ICMP_ECHO, ICMP_ECHO_REPLY };
	__u64 flags = BPF_F_PSEUDO_HDR;

	if (proto == IPPROTO_ICMP)
		return icmp_set(skb, L4_OFF4, from, to, icmp_diff) ? OUT : FAILED;
	if (proto == IPPROTO_UDP)
		flags |= BPF_F_MARK_MANGLED_0;
	return bpf_l4_csum_replace(skb, L4_OFF4 + check_offset(proto), 0, diff, flags) ?
	       FAILED : OUT;
}

static __always_inline enum reason out(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr ip = { .version = 4, .ihl = 5, .frag_off = IP_DF };
	__be32 pseudo[10] = {}, *own;
	__s64 diff, gone;

	if ((void *)(ip6 + 1) > end || eth->h_proto != bpf_htons(ETH_P_IPV6) ||
	    !has_prefix(&ip6->daddr))
		return NOT_OURS;
	own = bpf_map_lookup_elem(&inside, &ip6->saddr);
	if (!own)
		return NOT_OURS;
	if (ip6->nexthdr == IPPROTO_FRAGMENT)
		return FRAGMENT;
	if (check_offset(ip6->nexthdr) < 0 || ip6->nexthdr == IPPROTO_ICMP)
		return NOT_OURS;
	if (ip6->hop_limit <= 1)
		return HOP_LIMIT;
	ip.tos = ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
	ip.tot_len = bpf_htons(bpf_ntohs(ip6->payload_len) + sizeof(ip));
	ip.ttl = ip6->hop_limit - 1;
	ip.protocol = ip6->nexthdr == IPPROTO_ICMPV6 ? IPPROTO_ICMP : ip6->nexthdr;
	ip.saddr = *own;
	ip.daddr = ip6->daddr.s6_addr32[3];
	ip.check = ~fold(bpf_csum_diff(0, 0, (void *)&ip, sizeof(ip), 0));
	__builtin_memcpy(pseudo, &ip6->saddr, 32);
	diff = bpf_csum_diff(pseudo, 32, &ip.saddr, 8, 0);
	pseudo[8] = bpf_htonl(bpf_ntohs(ip6->payload_len));
	pseudo[9] = bpf_htonl(IPPROTO_ICMPV6);
	gone = bpf_csum_diff(pseudo, sizeof(pseudo), 0, 0, 0);
	if (bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0) ||
	    bpf_skb_store_bytes(skb, L3_OFF, &ip, sizeof(ip), 0))
		return FAILED;
	return out_l4(skb, ip.protocol, diff, gone);
}

static __always_inline enum reason in_l4(struct __sk_buff *skb, __u8 proto, __s64 diff,
					 __s64 icmp_diff)
{
	__u8 from[2] = { ICMP_ECHO, ICMP_ECHO_REPLY }, to[2] = { ICMP6_ECHO, ICMP6_ECHO_REPLY };
	__u64 flags = BPF_F_PSEUDO_HDR;

	if (proto == IPPROTO_ICMPV6)
		return icmp_set(skb, L4_OFF6, from, to, icmp_diff) ? IN : FAILED;
	if (proto == IPPROTO_UDP)
		flags |= BPF_F_MARK_MANGLED_0;
	return bpf_l4_csum_replace(skb, L4_OFF6 + check_offset(proto), 0, diff, flags) ?
	       FAILED : IN;
}

static __always_inline enum reason in(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct ipv6hdr ip6 = { .version = 6 };
	struct in6_addr *host;
	__be32 pseudo[10] = {}, old[2];
	__s64 diff, more;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return NOT_OURS;
	host = bpf_map_lookup_elem(&outside, &ip->daddr);
	if (!host)
		return NOT_OURS;
	if (ip->frag_off & IP_FRAGMENT)
		return FRAGMENT;
	if (check_offset(ip->protocol) < 0 || ip->protocol == IPPROTO_ICMPV6)
		return NOT_OURS;
	if (ip->ttl <= 1)
		return HOP_LIMIT;
	ip6.priority = ip->tos >> 4;
	ip6.flow_lbl[0] = ip->tos << 4;
	ip6.payload_len = bpf_htons(bpf_ntohs(ip->tot_len) - sizeof(*ip));
	ip6.nexthdr = ip->protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : ip->protocol;
	ip6.hop_limit = ip->ttl - 1;
	with_prefix(&ip6.saddr, ip->saddr);
	ip6.daddr = *host;
	old[0] = ip->saddr;
	old[1] = ip->daddr;
	__builtin_memcpy(pseudo, &ip6.saddr, 32);
	diff = bpf_csum_diff(old, 8, pseudo, 32, 0);
	pseudo[8] = bpf_htonl(bpf_ntohs(ip6.payload_len));
	pseudo[9] = bpf_htonl(IPPROTO_ICMPV6);
	more = bpf_csum_diff(0, 0, pseudo, sizeof(pseudo), 0);
	if (bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0) ||
	    bpf_skb_store_bytes(skb, L3_OFF, &ip6, sizeof(ip6), 0))
		return FAILED;
	return in_l4(skb, ip6.nexthdr, diff, more);
}

/* change_proto leaves the Ethernet header alone. */
static __always_inline enum reason with_type(struct __sk_buff *skb, enum reason r, __be16 type)
{
	return bpf_skb_store_bytes(skb, ETH_ALEN * 2, &type, sizeof(type), 0) ? FAILED : r;
}

SEC("tc")
int nat64_out(struct __sk_buff *skb)
{
	enum reason r = out(skb);

	return verdict(r == OUT ? with_type(skb, r, bpf_htons(ETH_P_IP)) : r);
}

SEC("tc")
int nat64_in(struct __sk_buff *skb)
{
	enum reason r = in(skb);

	return verdict(r == IN ? with_type(skb, r, bpf_htons(ETH_P_IPV6)) : r);
}

char _license[] SEC("license") = "Dual BSD/GPL";

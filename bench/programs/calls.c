/* SPDX-License-Identifier: BSD-2-Clause */
/* calls: a load balancer of functions that are called, not inlined. */
#include "common.h"

struct key { __u32 src[4], dst[4]; __u16 sport, dport; __u8 proto, pad[3]; };
struct backend { __u32 addr[4]; __u16 port, weight; __u8 mac[6], flags[2]; };
struct conn { __u64 last, packets, bytes; __u32 backend, state; };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct key);
	__type(value, struct conn);
} conns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65537);
	__type(key, __u32);
	__type(value, __u32);
} ring SEC(".maps");

static __noinline __u32 mix(__u32 a, __u32 b, __u32 c)
{
	a -= c; a ^= rotl(c, 4); c += b;
	b -= a; b ^= rotl(a, 6); a += c;
	c -= b; c ^= rotl(b, 8); b += a;
	a -= c; a ^= rotl(c, 16); c += b;
	b -= a; b ^= rotl(a, 19); a += c;
	c -= b; c ^= rotl(b, 4); b += a;
	c ^= b; c -= rotl(b, 14);
	a ^= c; a -= rotl(c, 11);
	b ^= a; b -= rotl(a, 25);
	return a ^ b ^ c;
}

static __noinline __u32 hash(const struct key *k, __u32 seed)
{
	__u32 h = seed;

#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++) {
		h = mix(h, k->src[i], k->dst[i]);
		h = mix(h, h >> 7, k->src[3 - i]);
	}
	return mix(h, (__u32)k->sport << 16 | k->dport, k->proto);
}

static __noinline int parse(struct __sk_buff *skb, struct key *k)
{
	struct span s = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	struct ethhdr *eth = take(&s, sizeof(*eth));
	__u16 *ports;

	if (!eth)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take(&s, sizeof(*ip));

		if (!ip || ip->ihl != 5)
			return -1;
		k->src[0] = ip->saddr;
		k->dst[0] = ip->daddr;
		k->proto = ip->protocol;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = take(&s, sizeof(*ip));

		if (!ip)
			return -1;
		__builtin_memcpy(k->src, &ip->saddr, 16);
		__builtin_memcpy(k->dst, &ip->daddr, 16);
		k->proto = ip->nexthdr;
	} else {
		return -1;
	}
	if (k->proto != 6 && k->proto != 17)
		return -1;
	ports = take(&s, 4);
	if (!ports)
		return -1;
	k->sport = ports[0];
	k->dport = ports[1];
	return 0;
}

static __noinline struct conn *track(struct key *k, __u32 len)
{
	struct conn fresh = { .packets = 1, .bytes = len, .last = bpf_ktime_get_ns() };
	struct conn *c = bpf_map_lookup_elem(&conns, k);
	__u32 slot, *b;

	if (c) {
		c->packets++;
		c->bytes += len;
		c->last = fresh.last;
		if (c->state < 8)
			c->state++;
		return c;
	}
	slot = hash(k, 17) % 65537;
	b = bpf_map_lookup_elem(&ring, &slot);
	if (!b)
		return 0;
	fresh.backend = *b;
	bpf_map_update_elem(&conns, k, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&conns, k);
}

static __noinline __u16 fold(__u64 sum)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++)
		if (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __noinline int rewrite(struct __sk_buff *skb, const struct backend *b, const struct key *k)
{
	__u32 from = k->dst[0], to = b->addr[0];
	__s64 diff;

	if (k->dst[1] | k->dst[2] | k->dst[3]) {
		diff = bpf_csum_diff((void *)k->dst, 16, (void *)b->addr, 16, 0);
		if (bpf_skb_store_bytes(skb, 38, b->addr, 16, 0))
			return -1;
		return bpf_l4_csum_replace(skb, k->proto == 6 ? 70 : 60, 0, diff, 0x10);
	}
	diff = bpf_csum_diff(&from, 4, &to, 4, 0);
	if (bpf_l4_csum_replace(skb, k->proto == 6 ? 50 : 40, 0, diff, 0x10) ||
	    bpf_l3_csum_replace(skb, 24, 0, diff, 0) ||
	    bpf_skb_store_bytes(skb, 30, &to, 4, 0))
		return -1;
	return bpf_skb_store_bytes(skb, 0, b->mac, 6, 0);
}

static __noinline int icmp(struct __sk_buff *skb)
{
	__u8 head[64];
	__u64 sum = 0;

	if (bpf_skb_load_bytes(skb, 34, head, sizeof(head)) || head[0] != 8)
		return 0;
	head[0] = 0;
#pragma clang loop unroll(full)
	for (int i = 0; i < 64; i += 2)
		sum += (__u32)head[i] << 8 | head[i + 1];
	head[2] = fold(sum) >> 8;
	head[3] = fold(sum);
	if (bpf_skb_store_bytes(skb, 34, head, sizeof(head), 0))
		return 0;
	return bpf_redirect(skb->ifindex, 0);
}

SEC("tc")
int calls(struct __sk_buff *skb)
{
	struct key k = {};
	struct backend *b;
	struct conn *c;

	if (skb->protocol == bpf_htons(ETH_P_IP) && skb->len == 98)
		return icmp(skb);
	if (parse(skb, &k))
		return 0;
	c = track(&k, skb->len);
	if (!c)
		return 2;
	b = bpf_map_lookup_elem(&backends, &c->backend);
	if (!b)
		return 2;
	if (rewrite(skb, b, &k))
		return 2;
	skb->mark = hash(&k, c->state) ^ hash(&k, b->weight);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* rules: a packet filter whose rules were compiled in: a long chain of conditions. */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[64]);
} others SEC(".maps");

struct match { __u32 saddr, daddr, mark; __u16 sport, dport; __u8 proto, tos; __u16 len; };

#define NET(n) ((n) * 2654435761u)
#define RULE(n) { \
	__u32 net = m.saddr ^ NET(n), host = m.daddr ^ m.sport << (n) % 16, port = m.dport; \
	keep(net); keep(host); keep(port); \
	if ((net >> (n) % 17) == 0 && (port & 0xff0) == (n) * 97 % 256 * 16) { \
		hit = n; verdict = (n) & 1; goto out; } \
	if ((host * 31 & 0xffff) == (n) && (m.len & 0x400)) { \
		seen[(n) & 63]++; } }
#define RULES8(n) RULE(n) RULE(n + 1) RULE(n + 2) RULE(n + 3) RULE(n + 4) RULE(n + 5) \
	RULE(n + 6) RULE(n + 7)
#define RULES64(n) RULES8(n) RULES8(n + 8) RULES8(n + 16) RULES8(n + 24) RULES8(n + 32) \
	RULES8(n + 40) RULES8(n + 48) RULES8(n + 56)

static __always_inline int read_match(struct __sk_buff *skb, struct match *m)
{
	struct span s = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	struct ethhdr *eth = take(&s, sizeof(*eth));
	struct iphdr *ip;
	__u16 *ports;

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return -1;
	ip = take(&s, sizeof(*ip));
	if (!ip || ip->ihl != 5)
		return -1;
	ports = take(&s, 4);
	if (!ports)
		return -1;
	*m = (struct match){ bpf_ntohl(ip->saddr), bpf_ntohl(ip->daddr), skb->mark,
		bpf_ntohs(ports[0]), bpf_ntohs(ports[1]), ip->protocol, ip->tos,
		bpf_ntohs(ip->tot_len) };
	return 0;
}

#define FILTER(name, all) \
SEC("tc") int name(struct __sk_buff *skb) \
{ \
	__u32 hit = 0, verdict = 1; \
	__u64 *n, *seen = bpf_map_lookup_elem(&others, &hit); \
	struct match m; \
	if (!seen || read_match(skb, &m)) \
		return 0; \
	all \
out: \
	skb->mark = m.mark + hit; \
	n = bpf_map_lookup_elem(&hits, &hit); \
	if (n) \
		*n += 1; \
	return verdict ? 0 : 2; \
}

FILTER(rules64, RULES64(1))
FILTER(rules256, RULES64(1) RULES64(65) RULES64(129) RULES64(193))

// SPDX-License-Identifier: BSD-2-Clause
/*
 * balancer.c: a layer 4 load balancer for XDP. A packet to a service (address,
 * port, protocol) goes to one of its backends inside an IPv4 header of our own
 * (IPIP, RFC 2003), out of the interface it came in by; the backend answers
 * the client directly.
 *
 * Which backend: the healthy one with the greatest hash over flow and backend
 * (rendezvous hashing), so that a backend that comes or goes moves only its
 * own flows; flows that are known stay where they are as long as their backend
 * is healthy.
 *
 *	clang -O2 -g -target bpf -mcpu=v3 -c balancer.c -o balancer.o
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BACKENDS_MAX 64		/* over all services */
#define SLOTS_MAX 16		/* backends of one service */
#define IP_DF bpf_htons(0x4000)
#define IP_FRAGMENT bpf_htons(0x3fff)	/* more fragments, or an offset */

struct service_key {
	__be32 addr;
	__u16 port;		/* in host order, so that people can write it */
	__u8 proto;
	__u8 pad;
};

/* Backends are numbers in `backends`. */
struct service {
	__u32 slots;		/* in use */
	__u32 slot[SLOTS_MAX];
};

struct backend {
	__be32 addr;
	__u32 healthy;		/* set by whoever checks it */
	__u8 mac[6];		/* of the next hop towards it */
	__u8 pad[2];
};

struct flow {
	__be32 src, dst;
	__be16 src_port, dst_port;
	__u8 proto, pad[3];
};

struct counter {
	__u64 packets, bytes;
};

enum reason {
	FORWARDED,
	FORWARDED_KNOWN,	/* of a flow that has its backend */
	NO_SERVICE,
	NO_BACKEND,		/* none of them is healthy */
	FRAGMENT,		/* has no ports: not for us */
	TOO_SHORT,
	NO_ROOM,		/* no headroom for another header */
	REASONS,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* Which backend a flow has. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, __u32);
} flows SEC(".maps");

/* By number of the backend. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct counter);
} sent SEC(".maps");

/* By enum reason. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, struct counter);
} stats SEC(".maps");

const volatile __be32 own_addr = bpf_htonl(0x0a080001);	/* source of what we wrap */
const volatile __u32 hash_seed = 0x5bd1e995;

static __always_inline void counter_add(void *map, __u32 index, __u64 bytes)
{
	struct counter *c = bpf_map_lookup_elem(map, &index);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	}
}

/* The finalizer of MurmurHash3 (public domain) as mixing step. */
static __always_inline __u32 mix(__u32 h, __u32 v)
{
	h ^= v;
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	return h ^ h >> 16;
}

static __always_inline __u32 flow_hash(const struct flow *f)
{
	__u32 h = mix(hash_seed, f->src);

	h = mix(h, f->dst);
	h = mix(h, (__u32)f->src_port << 16 | f->dst_port);
	return mix(h, f->proto);
}

static __always_inline struct backend *backend_healthy(__u32 number)
{
	struct backend *b = bpf_map_lookup_elem(&backends, &number);

	return b && b->healthy ? b : 0;
}

/* The number of the backend for a flow that has none, or -1. */
static __noinline long choose(const struct service *s, __u32 hash)
{
	__u32 best = 0;
	long chosen = -1;

	if (!s)
		return -1;
	for (__u32 i = 0; i < SLOTS_MAX; i++) {
		__u32 number = s->slot[i], weight;

		if (i >= s->slots)
			break;
		if (!backend_healthy(number))
			continue;
		weight = mix(hash, number + 1);
		if (chosen < 0 || weight > best) {
			best = weight;
			chosen = number;
		}
	}
	return chosen;
}

static __always_inline struct backend *backend_of(const struct service *s,
						  const struct flow *f,
						  enum reason *reason, __u32 *number)
{
	__u32 *known = bpf_map_lookup_elem(&flows, f);
	struct backend *b;
	long n;

	*reason = FORWARDED_KNOWN;
	if (known) {
		*number = *known;
		b = backend_healthy(*known);
		if (b)
			return b;
	}
	*reason = NO_BACKEND;
	n = choose(s, flow_hash(f));
	if (n < 0)
		return 0;
	*reason = FORWARDED;
	*number = n;
	bpf_map_update_elem(&flows, f, number, BPF_ANY);
	return backend_healthy(*number);
}

static __always_inline __u16 ip_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const void *)ip;
	__u32 sum = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < (int)sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* Puts the packet into an IPv4 packet to B and sends it back. */
static __always_inline enum reason wrap(struct xdp_md *ctx, const struct backend *b,
					__u16 bytes, __u8 tos)
{
	struct ethhdr *old, *eth;
	struct iphdr *ip;
	void *end;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)))
		return NO_ROOM;
	eth = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	ip = (void *)(eth + 1);
	old = (void *)ip + sizeof(*ip) - sizeof(*old);
	if ((void *)(ip + 1) > end || (void *)(old + 1) > end)
		return TOO_SHORT;
	/* what came in for us goes out from us */
	__builtin_memcpy(eth->h_source, old->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, b->mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);
	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .tos = tos, .ttl = 64, .protocol = IPPROTO_IPIP,
		.tot_len = bpf_htons(bytes + sizeof(*ip)), .frag_off = IP_DF,
		.saddr = own_addr, .daddr = b->addr,
	};
	ip->check = ip_checksum(ip);
	return FORWARDED;
}

/* Ports are at the same place in TCP and UDP. */
static __always_inline int parse_flow(const struct iphdr *ip, void *end, struct flow *f)
{
	const __be16 *ports = (const void *)(ip + 1);

	if ((void *)(ports + 2) > end)
		return 0;
	f->src = ip->saddr;
	f->dst = ip->daddr;
	f->proto = ip->protocol;
	f->src_port = ports[0];
	f->dst_port = ports[1];
	return 1;
}

static __always_inline enum reason balance(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct service_key key = {};
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	enum reason reason, wrapped;
	struct flow flow = {};
	struct service *s;
	struct backend *b;
	__u32 number = 0;
	__u16 bytes;

	if ((void *)(ip + 1) > end)
		return TOO_SHORT;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->version != 4 || ip->ihl != 5 ||
	    (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP))
		return NO_SERVICE;
	if (ip->frag_off & IP_FRAGMENT)
		return FRAGMENT;
	if (!parse_flow(ip, end, &flow))
		return TOO_SHORT;
	key.addr = flow.dst;
	key.port = bpf_ntohs(flow.dst_port);
	key.proto = flow.proto;
	s = bpf_map_lookup_elem(&services, &key);
	if (!s)
		return NO_SERVICE;
	b = backend_of(s, &flow, &reason, &number);
	if (!b)
		return NO_BACKEND;
	bytes = bpf_ntohs(ip->tot_len);
	wrapped = wrap(ctx, b, bytes, ip->tos);
	if (wrapped != FORWARDED)
		return wrapped;
	counter_add(&sent, number, bytes);
	return reason;
}

SEC("xdp")
int balancer(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;
	enum reason reason = balance(ctx);

	counter_add(&stats, reason, bytes);
	switch (reason) {
	case FORWARDED:
	case FORWARDED_KNOWN:
		return XDP_TX;
	case NO_BACKEND:
	case NO_ROOM:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";

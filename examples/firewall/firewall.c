// SPDX-License-Identifier: BSD-2-Clause
/*
 * firewall.c: an XDP firewall. Drops what comes from an address in one of two
 * deny lists (longest prefix, IPv4 and IPv6), under up to two VLAN tags, and
 * counts: per entry of the list, per reason and CPU, per source.
 *
 *	clang -O2 -g -target bpf -mcpu=v3 -c firewall.c -o firewall.o
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_TAGS_MAX 2

enum reason {
	PASS_OTHER,	/* neither IPv4 nor IPv6 */
	PASS_IPV4,
	PASS_IPV6,
	DROP_DENY4,
	DROP_DENY6,
	BAD_SHORT,	/* ends inside a header */
	BAD_HEADER,	/* a header that contradicts itself */
	BAD_TAGS,	/* more VLAN tags than allowed */
	REASONS,
};

struct vlan_tag {
	__be16 tci, next_proto;
};

struct key {
	__u32 prefixlen;
	__be32 addr;
};

struct key6 {
	__u32 prefixlen;
	struct in6_addr addr;
};

struct counter {
	__u64 packets, bytes;
};

/* The value counts the packets that the entry dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct key);
	__type(value, __u64);
} deny SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct key6);
	__type(value, __u64);
} deny6 SEC(".maps");

/* By enum reason. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, struct counter);
} stats SEC(".maps");

/* By source; IPv4 as ::ffff:a.b.c.d. Sources beyond the limit are not counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct in6_addr);
	__type(value, struct counter);
} sources SEC(".maps");

/* Settings: constants for the verifier once the object is loaded. */
const volatile __u32 vlan_tags_max = VLAN_TAGS_MAX;
const volatile _Bool count_sources = 1;
const volatile _Bool drop_malformed = 0;

/* Since loading, over all CPUs. */
__u64 packets_seen;
__u64 sources_lost;

static __always_inline void counter_add(struct counter *c, __u64 bytes)
{
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, bytes);
}

static __noinline int count_source(const struct in6_addr *addr, __u64 bytes)
{
	struct counter first = { 1, bytes };
	struct counter *c = bpf_map_lookup_elem(&sources, addr);

	if (c) {
		counter_add(c, bytes);
		return 0;
	}
	if (bpf_map_update_elem(&sources, addr, &first, BPF_NOEXIST)) {
		__sync_fetch_and_add(&sources_lost, 1);
		return -1;
	}
	return 0;
}

/* Counts the packet under REASON and says what becomes of it. */
static __noinline int verdict(enum reason reason, __u64 bytes)
{
	__u32 index = reason;
	struct counter *c = bpf_map_lookup_elem(&stats, &index);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	}
	if (reason >= BAD_SHORT)
		return drop_malformed ? XDP_DROP : XDP_PASS;
	return reason >= DROP_DENY4 ? XDP_DROP : XDP_PASS;
}

static __always_inline enum reason check_ipv4(void *at, void *end, __u64 bytes)
{
	struct iphdr *ip = at;
	struct in6_addr source = {};
	struct key key = { .prefixlen = 32 };
	__u64 *hits;

	if ((void *)(ip + 1) > end)
		return BAD_SHORT;
	if (ip->version != 4 || ip->ihl < 5)
		return BAD_HEADER;
	key.addr = ip->saddr;
	if (count_sources) {
		source.s6_addr32[2] = bpf_htonl(0xffff);
		source.s6_addr32[3] = ip->saddr;
		count_source(&source, bytes);
	}
	hits = bpf_map_lookup_elem(&deny, &key);
	if (!hits)
		return PASS_IPV4;
	__sync_fetch_and_add(hits, 1);
	return DROP_DENY4;
}

static __always_inline enum reason check_ipv6(void *at, void *end, __u64 bytes)
{
	struct ipv6hdr *ip = at;
	struct key6 key = { .prefixlen = 128 };
	__u64 *hits;

	if ((void *)(ip + 1) > end)
		return BAD_SHORT;
	if (ip->version != 6)
		return BAD_HEADER;
	key.addr = ip->saddr;
	if (count_sources)
		count_source(&key.addr, bytes);
	hits = bpf_map_lookup_elem(&deny6, &key);
	if (!hits)
		return PASS_IPV6;
	__sync_fetch_and_add(hits, 1);
	return DROP_DENY6;
}

static __always_inline _Bool is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) ||
	       proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline enum reason classify(void *at, void *end, __u64 bytes)
{
	struct ethhdr *eth = at;
	struct vlan_tag *tag;
	__be16 proto;

	if ((void *)(eth + 1) > end)
		return BAD_SHORT;
	proto = eth->h_proto;
	at = eth + 1;
	for (__u32 i = 0; i < VLAN_TAGS_MAX && is_vlan(proto); i++) {
		tag = at;
		if (i >= vlan_tags_max)
			break;
		if ((void *)(tag + 1) > end)
			return BAD_SHORT;
		proto = tag->next_proto;
		at = tag + 1;
	}
	if (is_vlan(proto))
		return BAD_TAGS;
	if (proto == bpf_htons(ETH_P_IP))
		return check_ipv4(at, end, bytes);
	if (proto == bpf_htons(ETH_P_IPV6))
		return check_ipv6(at, end, bytes);
	return PASS_OTHER;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u64 bytes = end - data;

	__sync_fetch_and_add(&packets_seen, 1);
	return verdict(classify(data, end, bytes), bytes);
}

char _license[] SEC("license") = "Dual BSD/GPL";

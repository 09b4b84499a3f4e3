// SPDX-License-Identifier: BSD-2-Clause
/*
 * ipv4.c: the smallest useful XDP parser: Ethernet, IPv4, the two addresses.
 * Counts bytes per pair of addresses; what is cut short is dropped.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__be32 from, to;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct pair);
	__type(value, __u64);
} bytes SEC(".maps");

SEC("xdp")
int ipv4(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct pair pair;
	__u64 first, *sum;

	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->version != 4)
		return XDP_PASS;
	pair.from = ip->saddr;
	pair.to = ip->daddr;
	first = bpf_ntohs(ip->tot_len);
	sum = bpf_map_lookup_elem(&bytes, &pair);
	if (sum)
		__sync_fetch_and_add(sum, first);
	else
		bpf_map_update_elem(&bytes, &pair, &first, BPF_NOEXIST);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";

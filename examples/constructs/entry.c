// SPDX-License-Identifier: BSD-2-Clause
/*
 * entry.c: the entry of a load balancer in restricted C: one program that
 * finds out the protocol and passes the packet on to functions of its own, and
 * by tail calls to a program per protocol.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum stage { STAGE_IPV4, STAGE_IPV6, STAGES };

int entry_ipv4(struct xdp_md *ctx);
int entry_ipv6(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGES);
	__uint(key_size, sizeof(__u32));
	__array(values, int (struct xdp_md *));
} stages SEC(".maps") = {
	.values = {
		[STAGE_IPV4] = (void *)&entry_ipv4,
		[STAGE_IPV6] = (void *)&entry_ipv6,
	},
};

/* Packets by protocol number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} protocols SEC(".maps");

static __noinline int process_packet(struct xdp_md *ctx, __u32 nh_off, _Bool is_ipv6)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + nh_off;
	struct ipv6hdr *ip6 = data + nh_off;
	__u32 protocol;
	__u64 *n;

	if (nh_off > 64 || (is_ipv6 ? (void *)(ip6 + 1) : (void *)(ip + 1)) > end)
		return XDP_DROP;
	protocol = is_ipv6 ? ip6->nexthdr : ip->protocol;
	n = bpf_map_lookup_elem(&protocols, &protocol);
	if (n)
		__sync_fetch_and_add(n, 1);
	return XDP_PASS;
}

SEC("xdp")
int entry_ipv4(struct xdp_md *ctx)
{
	return process_packet(ctx, sizeof(struct ethhdr), 0);
}

SEC("xdp")
int entry_ipv6(struct xdp_md *ctx)
{
	return process_packet(ctx, sizeof(struct ethhdr), 1);
}

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		bpf_tail_call(ctx, &stages, STAGE_IPV4);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		bpf_tail_call(ctx, &stages, STAGE_IPV6);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";

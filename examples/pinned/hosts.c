/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosts.c: counts packets and bytes of every IPv4 source, and tells of each that is new.
 * Both maps are pinned by name: other processes read them while this runs.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct count {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct count);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} hosts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} seen SEC(".maps");

/* 0: it is there already, or nothing more fits. */
static int add_host(__be32 addr, __u64 bytes)
{
	struct count first = { 1, bytes };
	__be32 *rec;

	if (bpf_map_update_elem(&hosts, &addr, &first, BPF_NOEXIST))
		return 0;
	rec = bpf_ringbuf_reserve(&seen, sizeof(*rec), 0);
	if (rec) {
		*rec = addr;
		bpf_ringbuf_submit(rec, 0);
	}
	return 1;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct ethhdr *eth = data;
	struct count *n;
	__be32 addr;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	addr = ip->saddr;
	n = bpf_map_lookup_elem(&hosts, &addr);
	if (!n && add_host(addr, bpf_ntohs(ip->tot_len)))
		return XDP_PASS;
	if (!n)		/* another process was faster, or the table is full */
		n = bpf_map_lookup_elem(&hosts, &addr);
	if (!n)
		return XDP_PASS;
	__sync_fetch_and_add(&n->packets, 1);
	__sync_fetch_and_add(&n->bytes, bpf_ntohs(ip->tot_len));
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";

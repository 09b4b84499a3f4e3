/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.c: for the debugger: subprograms, a loop, a callback, inlined code, bit fields,
 * variables in registers, on the stack and in pieces; a fault; a run without an end.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct flow {
	__u32 source;
	__u16 bytes:12, seen:4;
	char name[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

enum kind { KIND_NONE, KIND_SHORT, KIND_LONG = 7 };
enum kind last_kind = KIND_SHORT;
int total;
const volatile int limit = 5;

static __attribute__((noinline)) int sum(const __u8 *data, int n)
{
	int s = 0;

	for (int i = 0; i < n; i++) {
		s += data[i];
		total += data[i];
	}
	return s;
}

static __attribute__((noinline)) int remember(__u32 source, int bytes)
{
	struct flow f = { .source = source, .bytes = bytes, .seen = 1, .name = "eth" };

	last_kind = bytes > 100 ? KIND_LONG : KIND_SHORT;
	return bpf_map_update_elem(&flows, &source, &f, BPF_ANY);
}

static int each(__u32 i, void *ctx)
{
	*(int *)ctx += i;
	return 0;
}

SEC("xdp")
int walk(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	__u32 zero = 0;
	__u64 *n;
	int s, acc = 0;

	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	s = sum(data, limit);
	if (remember(ip->saddr, end - data))
		return XDP_ABORTED;
	bpf_loop(3, each, &acc, 0);
	n = bpf_map_lookup_elem(&counts, &zero);
	if (n)
		*n += s + acc;
	return XDP_PASS;
}

SEC("xdp")
int reach(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct iphdr *ip = data + 14;
	__u32 key = 9;
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	*n = ip->ttl;
	return XDP_PASS;
}

SEC("xdp")
int endless(struct xdp_md *ctx)
{
	volatile int go = 1;

	while (go)
		total++;
	return XDP_DROP;
}

SEC("xdp")
int talk(struct xdp_md *ctx)
{
	bpf_printk("first");
	total++;
	bpf_printk("second %d", total);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";

/* SPDX-License-Identifier: BSD-2-Clause */
/* replay-long.c: for tests of sessions: a run as long as the packet says. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* As long as the packet says, in units of about 5000 instructions. */
SEC("xdp") int longest(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 n, x = 1, key = 0;
	__u64 *c;

	if (data + 14 > end)
		return XDP_ABORTED;
	n = *(__u8 *)data * 256 + *(__u8 *)(data + 1);
	for (__u32 i = 0; i < n; i++) {
		for (__u32 j = 0; j < 1000; j++) {
			x = x * 1664525 + 1013904223;
			asm volatile("" : "+r"(x));
		}
		c = bpf_map_lookup_elem(&counts, &key);
		if (c)
			*c += x & 1;
		key = x >> 8 & 3;
	}
	return x & 1 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";

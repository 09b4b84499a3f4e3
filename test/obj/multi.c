/* SPDX-License-Identifier: BSD-2-Clause */
/* Several programs, in one section and in several; a prog array with values;
 * recursion between subprograms. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int one(struct xdp_md *ctx);
int tail(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int (void *));
} jumps SEC(".maps") = {
	.values = { [0] = (void *)&tail, [3] = (void *)&one },
};

__attribute__((noinline)) int odd(int n);
__attribute__((noinline)) int even(int n)
{
	if (n <= 0)
		return 1;
	asm volatile("%0 += -1" : "+r"(n));
	return odd(n) ^ 1;
}

__attribute__((noinline)) int odd(int n)
{
	if (n <= 0)
		return 0;
	asm volatile("%0 += -1" : "+r"(n));
	return even(n) + 2;
}

SEC("xdp") int one(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 3);
	return XDP_PASS;
}

SEC("xdp") int two(struct xdp_md *ctx)
{
	return even(ctx->rx_queue_index) ? XDP_DROP : XDP_TX;
}

SEC("xdp.frags") int tail(struct xdp_md *ctx) { return XDP_DROP; }
SEC("?tc") int filter(struct __sk_buff *skb) { return skb->len & 1; }
SEC("kprobe/do_nothing") int probe(void *ctx) { return 0; }
SEC("nothing/we/know") int odd_name(void *ctx) { return 0; }
SEC("cgroup/connect4") int conn(struct bpf_sock_addr *ctx) { return 1; }

char _license[] SEC("license") = "Dual BSD/GPL";
int _version SEC("version") = 1;

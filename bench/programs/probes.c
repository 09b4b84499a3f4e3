/* SPDX-License-Identifier: BSD-2-Clause */
/* probes.c: for bench/kernel_read.c: a program that writes records into a ring buffer, and
 * two on functions of the process that attaches them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} records SEC(".maps");

SEC("xdp") int record(struct xdp_md *ctx)
{
	__u64 *r = bpf_ringbuf_reserve(&records, 32, 0);

	if (!r)
		return 1;
	r[0] = ctx->rx_queue_index;
	r[1] = r[2] = r[3] = 7;
	bpf_ringbuf_submit(r, 0);
	return 2;
}

SEC("uprobe.multi//proc/self/exe:bench_f_*") int on_all(void *ctx) { return 0; }
SEC("uprobe") int on_one(void *ctx) { return 0; }
char _license[] SEC("license") = "GPL";

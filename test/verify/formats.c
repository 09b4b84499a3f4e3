/* SPDX-License-Identifier: BSD-2-Clause */
/* formats.c: constant formats, which the kernel reads when it loads bpf_snprintf. */
static const char two[] = "%d %s", pointers[] = "%p %px %pK %ps %pS %pB %pks %pus %pi4 %pI6";
char _license[] SEC("license") = "GPL";
static const char precision[] = "%.3d", octal[] = "%o", symbol[] = "%pB%pS %5d%%";
static const char four[] = "%d %d %d %d";
char out[64];

// ok: two conversions, two values
SEC("xdp") int enough(struct xdp_md *ctx)
{
	__u64 args[2] = { ctx->rx_queue_index, (long)"eth0" };

	bpf_snprintf(out, sizeof(out), two, args, sizeof(args));
	return XDP_PASS;
}
// rejected 0250: two conversions, one value
SEC("xdp") int few(struct xdp_md *ctx)
{
	__u64 args[1] = { ctx->rx_queue_index };

	bpf_snprintf(out, sizeof(out), two, args, sizeof(args));
	return XDP_PASS;
}
// ok: more values than conversions
SEC("xdp") int many(struct xdp_md *ctx)
{
	__u64 args[3] = { 1, (long)"eth0", 3 };

	bpf_snprintf(out, sizeof(out), two, args, sizeof(args));
	return XDP_PASS;
}
// ok: all that %p may be followed by
SEC("xdp") int all_pointers(struct xdp_md *ctx)
{
	__u64 args[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

	bpf_snprintf(out, sizeof(out), pointers, args, sizeof(args));
	return XDP_PASS;
}
// ok: conversions without a space between them
SEC("xdp") int close(struct xdp_md *ctx)
{
	__u64 args[3] = { 1, 2, 3 };

	bpf_snprintf(out, sizeof(out), symbol, args, sizeof(args));
	return XDP_PASS;
}
// rejected 0250: a precision
SEC("xdp") int with_precision(struct xdp_md *ctx)
{
	__u64 args[1] = { 1 };

	bpf_snprintf(out, sizeof(out), precision, args, sizeof(args));
	return XDP_PASS;
}
// rejected 0250: no such conversion
SEC("xdp") int in_octal(struct xdp_md *ctx)
{
	__u64 args[1] = { 1 };

	bpf_snprintf(out, sizeof(out), octal, args, sizeof(args));
	return XDP_PASS;
}
// ok: what bpf_trace_printk refuses when it runs
SEC("xdp") int printed(struct xdp_md *ctx)
{
	bpf_trace_printk(octal, sizeof(octal), 1);
	return XDP_PASS;
}
// ok 0251: a warning: two conversions, one value
SEC("xdp") int vprintk_few(struct xdp_md *ctx)
{
	__u64 args[1] = { ctx->rx_queue_index };

	bpf_trace_vprintk(two, sizeof(two), args, sizeof(args));
	return XDP_PASS;
}
// ok 0251: a warning: no such conversion
SEC("iter/bpf_map") int seq_octal(__u64 *ctx)
{
	__u64 args[1] = { 1 };
	void *seq = *(void **)ctx[0];

	bpf_seq_printf(seq, octal, sizeof(octal), args, sizeof(args));
	return 0;
}
// ok 0251: a warning: four conversions, three values
SEC("xdp") int printk_many(struct xdp_md *ctx)
{
	bpf_trace_printk(four, sizeof(four), 1, 2, 3);
	return XDP_PASS;
}

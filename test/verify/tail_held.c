/* SPDX-License-Identifier: BSD-2-Clause */
/* tail_held.c: tail calls of functions, whose callers hold something: the other program
 * returns to these. With an array of programs all of an object are loaded, so that each of
 * these must be accepted. */
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
	__uint(value_size, 4); } progs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
char _license[] SEC("license") = "GPL";
static __attribute__((noinline)) int tails(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &progs, 0);
	return 0;
}
// ok: a record of the caller's
SEC("xdp") int caller_holds(struct xdp_md *ctx)
{
	long *r = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!r)
		return XDP_PASS;
	tails(ctx);
	*r = 1;
	bpf_ringbuf_submit(r, 0);
	return XDP_PASS;
}
static __attribute__((noinline)) int between(struct xdp_md *ctx)
{
	return tails(ctx) + 1;
}
// ok: two calls away
SEC("xdp") int farther(struct xdp_md *ctx)
{
	long *r = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!r)
		return XDP_PASS;
	between(ctx);
	bpf_ringbuf_discard(r, 0);
	return XDP_PASS;
}

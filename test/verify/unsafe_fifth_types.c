/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fifth_types.c: programs whose parameters are another one's. */

// not judged, kernel none: what is no context goes to a helper as one
SEC("freplace/other") int replaces(void *ctx)
{
	return bpf_skb_pull_data(ctx, 4);
}
// not judged, kernel none: a number
SEC("freplace/other") int number(int x)
{
	return x;
}
char _license[] SEC("license") = "GPL";

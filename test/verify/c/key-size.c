/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0204: argument 2 is the key of map 'm': 4 bytes wanted, 2 there */
#include "common.h"

struct { __uint(type, HASH); __uint(max_entries, 1);
	__type(key, __u32); __type(value, __u64); } m SEC(".maps");
SEC("xdp") int prog(struct xdp_md *ctx)
{
#ifdef FIXED
	__u32 k = 1;
#else
	__u16 k = 1;
#endif
	__u64 *v = bpf_map_lookup_elem(&m, &k);

	return v ? XDP_PASS : XDP_DROP;
}

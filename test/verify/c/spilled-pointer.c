/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0369: may be of an address, which this loader may not give away */
/* with --caps bpf an error */
#include "common.h"

struct { __uint(type, HASH); __uint(max_entries, 1);
	__type(key, __u32); __type(value, __u64); } m SEC(".maps");
SEC("socket") int prog(struct __sk_buff *ctx)
{
	__u32 k = 1;
	__u64 v = (__u64)(long)ctx;
#ifdef FIXED
	v = 1;
#endif
	bpf_map_update_elem(&m, &k, &v, 0);
	return 0;
}

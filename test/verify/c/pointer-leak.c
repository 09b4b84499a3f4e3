/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0118: a pointer (the context in r6) is stored in map */
#include "common.h"

/* With CAP_PERFMON the kernel lets it pass: a warning; with --caps bpf an error. */
struct {
	__uint(type, HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

SEC("socket") int prog(void *ctx)
{
	__u32 key = 1;
	__u64 *n = bpf_map_lookup_elem(&stats, &key);

	if (!n)
		return 0;
#ifdef FIXED
	*n = 1;
#else
	*n = (__u64)ctx;
#endif
	return 0;
}

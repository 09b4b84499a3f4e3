/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0369: a helper reads 16 bytes of stack at */
#include "common.h"

/* With CAP_PERFMON the kernel lets it pass: a warning; with --caps bpf an error. */
struct key { __u64 kind, addr; };
struct {
	__uint(type, HASH);
	__uint(max_entries, 8);
	__type(key, struct key);
	__type(value, __u64);
} stats SEC(".maps");

SEC("socket") int prog(void *ctx)
{
#ifdef FIXED
	struct key key;

	__builtin_memset(&key, 0, sizeof(key));
#else
	struct key key;
#endif
	key.kind = 1;
	return bpf_map_lookup_elem(&stats, &key) != 0;
}

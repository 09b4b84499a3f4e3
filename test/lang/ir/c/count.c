/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf.h"
struct { __uint(type, 5); __uint(max_entries, 4096); __type(key, u64); __type(value, u64);
	} m SEC(".maps");
SEC("raw_tp/sys_enter") int prog(u64 *ctx) {
	u64 key = ctx[1]; u64 *v = lookup(&m, &key);
	if (v) { *v += 1; return 0; }
	u64 one = 1; update(&m, &key, &one, 0);
	return 0; }

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf.h"
struct { __uint(type, 6); __uint(max_entries, 8); __type(key, u32); __type(value, u64);
	} m SEC(".maps");
SEC("raw_tp/sys_enter") int prog(u64 *ctx) {
	u64 len = ctx[3], prot = ctx[4]; s64 off = ctx[7]; u32 k; u64 *v;
	u32 pid = pid_tgid() >> 32;
	if (!((len > 4096 && (prot & 4)) || pid == 1) || off % 3 == 1) return 0;
	k = cpu() & 7;
	if (len / 100 > 10 ) k = 0;
	v = lookup(&m, &k); if (!v) return 0;
	*v = (len + *v) * (pid == 1 ? 3 : 2) + (off / 8);
	return 0; }

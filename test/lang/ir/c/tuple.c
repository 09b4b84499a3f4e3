/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf.h"
struct key { u64 pid; char comm[16]; };
struct { __uint(type, 1); __uint(max_entries, 4096); __type(key, struct key);
	__type(value, u64[2]); } m SEC(".maps");
SEC("raw_tp/sys_enter") int prog(u64 *ctx) {
	struct key k = { 0 }; u64 init[2] = { 0 }, *v;
	s64 n = ctx[2];
	if (n < 0 || (u32)uid_gid() != 1000) return 0;
	k.pid = pid_tgid() >> 32; comm(k.comm, 16);
	v = lookup(&m, &k);
	if (!v) { init[0] = 1; init[1] = n; update(&m, &k, init, 1); return 0; }
	v[0] += 1; v[1] += n;
	return 0; }

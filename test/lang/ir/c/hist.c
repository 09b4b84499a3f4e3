/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf.h"
struct { __uint(type, 6); __uint(max_entries, 1); __type(key, u32); __type(value, u64[65]);
	} m SEC(".maps");
SEC("raw_tp/sys_enter") int prog(u64 *ctx) {
	s64 n = ctx[2]; u32 zero = 0; u64 *v, b, r;
	if (n <= 0) return 0;
	v = lookup(&m, &zero); if (!v) return 0;
	b = n; r = 0;
	if (b >> 32) { r += 32; b >>= 32; }
	if (b >> 16) { r += 16; b >>= 16; }
	if (b >> 8) { r += 8; b >>= 8; }
	if (b >> 4) { r += 4; b >>= 4; }
	if (b >> 2) { r += 2; b >>= 2; }
	if (b >> 1) r += 1;
	if (r > 64) return 0;
	v[r] += 1;
	return 0; }

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf.h"
struct { __uint(type, 27); __uint(max_entries, 65536); } rb SEC(".maps");
struct { __uint(type, 2); __uint(max_entries, 4); __type(key, u32); __type(value, u64);
	} cnt SEC(".maps");
struct ev { u32 id, pad; u64 pid; char comm[16]; char name[64]; };
SEC("raw_tp/sys_enter") int prog(u64 *ctx) {
	struct ev *e = reserve(&rb, sizeof(*e), 0);
	if (!e) { u32 k = 0; u64 *v = lookup(&cnt, &k); if (v) __sync_fetch_and_add(v, 1);
		return 0; }
	e->id = 3; e->pad = 0;
	e->pid = pid_tgid() >> 32;
	comm(e->comm, 16);
	*(u64 *)&e->name[0] = 0; *(u64 *)&e->name[8] = 0; *(u64 *)&e->name[16] = 0;
		*(u64 *)&e->name[24] = 0;
	*(u64 *)&e->name[32] = 0; *(u64 *)&e->name[40] = 0; *(u64 *)&e->name[48] = 0;
		*(u64 *)&e->name[56] = 0;
	probe_read_user_str(e->name, 64, (void *)ctx[3]);
	submit(e, 0);
	return 0; }

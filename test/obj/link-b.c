/* SPDX-License-Identifier: BSD-2-Clause */
/* The other of two objects that need each other. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct shared { int a; struct shared *next; };
long dummy = 3;
long counter = 40;
static volatile int loc = 6;
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int);
	__type(value, long);
	__uint(max_entries, 16);
} m SEC(".maps");
static __noinline int deep(int x) { loc++; return x * 2 + loc; }
int helper_b(struct shared *s, int x) { return s ? deep(s->a) + x + (int)counter + (int)dummy: 0; }
int pick(int x) { return x + 4; }
SEC("xdp") int other(struct xdp_md *ctx) { return helper_b(0, 3); }
char _license[] SEC("license") = "GPL";

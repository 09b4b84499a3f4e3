/* SPDX-License-Identifier: BSD-2-Clause */
/* One of two objects that need each other. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct shared { int a; struct shared *next; };
extern int helper_b(struct shared *s, int x);
extern long counter;
extern struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int);
	__type(value, long);
	__uint(max_entries, 16);
} m SEC(".maps");
__weak int pick(int x) { return x + 1; }
static int loc = 5;
int priv = 9;
SEC("xdp") int prog(struct xdp_md *ctx) {
  struct shared s = { .a = 3 };
  int k = 1; long v = 7;
  bpf_map_update_elem(&m, &k, &v, 0);
  counter += 2;
  loc += ctx->rx_queue_index;
  return pick(helper_b(&s, priv)) & 1 ? XDP_PASS : XDP_DROP + (loc == 77);
}
char _license[] SEC("license") = "GPL";

/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps, all kinds of data, static and global subprograms, a callback. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key { __u32 prefixlen; __u32 addr; };
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct key);
	__type(value, __u64);
} deny SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

const volatile __u32 limit = 7;
const volatile __u32 table[4] = { 1, 2, 3, 4 };
__u32 start = 0x11223344, second = 5;
static __u32 hidden = 9;
__u64 count;
static __u64 misses[3];

static __attribute__((noinline)) int small(int x)
{
	return x * (int)limit + (int)hidden;
}

__attribute__((noinline)) int shared(int x)
{
	hidden += (__u32)x;
	return small(x) + (int)table[x & 3] + 3;
}

static long step(__u32 i, void *ctx)
{
	*(__u64 *)ctx += i + second;
	return 0;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	struct key k = { .prefixlen = 32, .addr = start };
	__u64 *hit = bpf_map_lookup_elem(&deny, &k);
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&stats, &zero);
	__u64 sum = 0;

	count++;
	if (!n || !hit) {
		misses[2]++;
		return shared((int)count);
	}
	bpf_loop(3, step, &sum, 0);
	*n += sum;
	return small((int)*hit) + shared(2);
}

char _license[] SEC("license") = "GPL";

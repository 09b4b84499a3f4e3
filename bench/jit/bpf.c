/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf.c: the bodies as programs: one of type tc each, named as the body. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned char mem[65536] __attribute__((aligned(64)));

#define BODY(name) \
	static __attribute__((always_inline)) unsigned long long body_##name(void); \
	SEC("tc") int name(struct __sk_buff *skb) { \
		unsigned long long r = body_##name(); return (int)(r ^ r >> 32); } \
	static unsigned long long body_##name(void)
#include "bodies.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, u32);
	__type(value, u64);
	__uint(max_entries, 256);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, u64);
	__type(value, u64);
	__uint(max_entries, 256);
} hash SEC(".maps");

SEC("tc") int amap(struct __sk_buff *skb)
{
	u64 s = 0;

	for (u32 i = 0; i < 64; i++) {
		u32 key = mem[i];
		u64 *v = bpf_map_lookup_elem(&array, &key);

		if (v)
			s += *v + i;
	}
	return s;
}

SEC("tc") int hmap(struct __sk_buff *skb)
{
	u64 s = 0;

	for (u32 i = 0; i < 64; i++) {
		u64 key = mem[i];
		u64 *v = bpf_map_lookup_elem(&hash, &key);

		s += v ? *v + i : 1;
	}
	return s;
}

char LICENSE[] SEC("license") = "GPL";

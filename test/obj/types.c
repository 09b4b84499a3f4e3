/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of all kinds for printing, map definitions of all kinds. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE };
enum big { HUGE = 0x1234567890ll, SMALL = -1 };
typedef int (*handler)(void *ctx, const char *name, ...);
struct node { struct node *next; struct key *unknown; };

struct value {
	__u8 small;
	signed char minus;
	_Bool flag;
	char name[8];
	enum color color;
	enum big big;
	__u32 a:3, b:7, c:22;
	int d:5;
	__be32 addr;
	struct in6_addr addr6;
	struct ethhdr eth;
	union { __u32 word; __u8 bytes[4]; };
	struct { int x, y; } point[2];
	volatile const __u16 *const restrict pointer;
	handler call;
	int (*table[3])(int, unsigned long);
	int (*grid)[2][3];
	struct node node;
	double ratio;
};

struct { __u32 prefixlen; __u32 addr; __u8 mac[6]; } lpm;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__uint(pinning, 1);
	__uint(map_flags, BPF_F_NUMA_NODE);
	__uint(numa_node, 2);
	__type(key, enum color);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 64);
	__uint(map_extra, 3);
	__type(value, __u64);
} bloom SEC(".maps");

struct value held;
char text[12] = "hello";
int custom SEC(".data.custom") = 42;
static const int answer SEC(".rodata.extra") = 43;

SEC("socket")
int filter(struct __sk_buff *skb)
{
	struct value *v;
	enum color k = RED;

	bpf_perf_event_output(skb, &events, 0, &k, sizeof(k));
	bpf_ringbuf_output(&ring, &k, sizeof(k), 0);
	bpf_map_push_elem(&bloom, &held, 0);
	v = bpf_map_lookup_elem(&values, &k);
	if (v)
		held.small = v->small;
	return *(volatile const int *)&answer + custom + text[skb->len & 7] + (int)lpm.addr;
}

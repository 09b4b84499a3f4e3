/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs here share: types and helpers, without any header but clang's. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) __typeof__(val) *name

enum { ARRAY = 2, HASH = 1, RINGBUF = 27 };
enum { XDP_DROP = 1, XDP_PASS = 2 };

struct xdp_md { __u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index; };
struct __sk_buff {
	__u32 len, pkt_type, mark, queue_mapping, protocol, vlan[3], priority;
	__u32 ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end;
};
struct bpf_sock { __u32 bound_dev_if, family; };
struct bpf_sock_tuple { __u32 saddr, daddr; __u16 sport, dport; };
struct ethhdr { __u8 h_dest[6], h_source[6]; __u16 h_proto; };
struct iphdr {
	__u8 ihl, tos;
	__u16 len, id, frag;
	__u8 ttl, protocol;
	__u16 check;
	__u32 saddr, daddr;
};

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags)
	= (void *)2;
static __u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static __u32 (*bpf_get_prandom_u32)(void) = (void *)7;
static long (*bpf_xdp_adjust_head)(void *ctx, int delta) = (void *)44;
static struct bpf_sock *(*bpf_sk_lookup_tcp)(void *ctx, void *tuple, __u32 size, __u64 netns,
					     __u64 flags) = (void *)84;
static long (*bpf_sk_release)(void *sk) = (void *)86;
static long (*bpf_setsockopt)(void *ctx, int level, int name, void *value, int len) = (void *)49;
static void *(*bpf_ringbuf_reserve)(void *ring, __u64 size, __u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *data, __u64 flags) = (void *)132;
static void (*bpf_ringbuf_discard)(void *data, __u64 flags) = (void *)133;

char _license[] SEC("license") = "GPL";

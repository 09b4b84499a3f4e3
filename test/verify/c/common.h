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
static long (*bpf_setsockopt)(void *ctx, int level, int name, void *value, int len) = (void *)49;
static void *(*bpf_ringbuf_reserve)(void *ring, __u64 size, __u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *data, __u64 flags) = (void *)132;
static void (*bpf_ringbuf_discard)(void *data, __u64 flags) = (void *)133;

char _license[] SEC("license") = "GPL";

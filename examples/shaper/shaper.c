// SPDX-License-Identifier: BSD-2-Clause
/*
 * shaper.c: a tc egress program that marks, shapes and steers. The destination
 * port gives a packet its class; the class gives it a DSCP, a rate and maybe
 * another way out. Shaping is by earliest departure time: each packet is told
 * when it may leave (skb->tstamp, which the fq queueing discipline obeys), and
 * what would have to wait too long is dropped.
 *
 *	clang -O2 -g -target bpf -mcpu=v3 -c shaper.c -o shaper.o
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NSEC_PER_SEC 1000000000ull
#define CLASSES 8
#define TOS_OFF (ETH_HLEN + offsetof(struct iphdr, tos))
#define CHECK_OFF (ETH_HLEN + offsetof(struct iphdr, check))
#define ECN_MASK 3

/* Class 0 is what no port is given to. */
struct class {
	__u64 bytes_per_sec;	/* 0 = not shaped */
	__u32 ifindex;		/* to go out of; 0 = where it was going */
	__u8 dscp;
	__u8 pad[3];
};

struct state {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 next_ns;		/* when the class may send again */
	__u64 packets, bytes, late, dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);		/* destination port */
	__type(value, __u32);		/* class */
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASSES);
	__type(key, __u32);
	__type(value, struct class);
} classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASSES);
	__type(key, __u32);
	__type(value, struct state);
} states SEC(".maps");

const volatile __u64 wait_max_ns = 2 * NSEC_PER_SEC;

static __always_inline __u32 class_of(struct __sk_buff *skb, const struct iphdr *ip)
{
	__u32 off = ETH_HLEN + ip->ihl * 4 + 2, port, *class;
	__be16 dst;

	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return 0;
	if (bpf_skb_load_bytes(skb, off, &dst, sizeof(dst)))
		return 0;
	port = bpf_ntohs(dst);
	class = bpf_map_lookup_elem(&ports, &port);
	return class ? *class : 0;
}

static __always_inline int mark(struct __sk_buff *skb, __u8 old, __u8 dscp)
{
	__u8 tos = (old & ECN_MASK) | dscp << 2;

	if (tos == old)
		return 0;
	if (bpf_l3_csum_replace(skb, CHECK_OFF, bpf_htons(old), bpf_htons(tos), 2))
		return -1;
	return bpf_skb_store_bytes(skb, TOS_OFF, &tos, sizeof(tos), 0);
}

/* When a packet of BYTES may leave, 0 = never. */
static __always_inline __u64 departure(struct state *s, const struct class *c, __u64 bytes,
				       __u64 now)
{
	__u64 at;

	bpf_spin_lock(&s->lock);
	at = s->next_ns > now ? s->next_ns : now;
	if (at - now > wait_max_ns) {
		s->dropped++;
		at = 0;
	} else {
		s->next_ns = at + bytes * NSEC_PER_SEC / c->bytes_per_sec;
		s->packets++;
		s->bytes += bytes;
		s->late += at > now;
	}
	bpf_spin_unlock(&s->lock);
	return at;
}

SEC("tc")
int shaper(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u64 now = skb->tstamp, at;
	struct class *c;
	struct state *s;
	__u32 class;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	class = class_of(skb, ip);
	c = bpf_map_lookup_elem(&classes, &class);
	s = bpf_map_lookup_elem(&states, &class);
	if (!c || !s || mark(skb, ip->tos, c->dscp))
		return TC_ACT_SHOT;
	if (!now)
		now = bpf_ktime_get_ns();
	if (c->bytes_per_sec) {
		at = departure(s, c, skb->wire_len, now);
		if (!at)
			return TC_ACT_SHOT;
		skb->tstamp = at;
	}
	return c->ifindex ? bpf_redirect(c->ifindex, 0) : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";

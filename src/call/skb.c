/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skb.c: helpers on the bytes, checksums and fields of a packet behind struct
 * __sk_buff. What changes a packet's bounds is in skb_room.c.
 */
#include "call/bodies.h"
#include "call/skb.h"
#include "maps/map.h"
#include <endian.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

enum {
	OFFSET_MAX = 0xffff,
	CSUM_MANGLED_0 = 0xffff,
	CSUM_VALID_MAX = 4,	/* levels 0..3 */
	CE = 3,			/* congestion experienced, in the ECN field */
};

/* ---- bytes ------------------------------------------------------------------ */

/* LEN bytes at FROM, which the packet must have; else zeroes and -EFAULT. */
static u64 copy_out(const struct run *run, const u8 *from, u32 offset, void *to, u32 len)
{
	const u8 *end = run->pkt.data_end;

	if (from && from <= end && in_bounds(offset, len, (u64)(end - from))) {
		memmove(to, from + offset, len);
		return 0;
	}
	memset(to, 0, len);
	return call_error(-EFAULT);
}

HELPER_BODY(call_skb_load)
{
	return copy_out(run, (u32)r2 > INT32_MAX ? NULL : run->pkt.data, (u32)r2,
			call_ptr(r3), (u32)r4);
}

/* A flow dissector's: a test run has no struct sk_buff behind the context. */
HELPER_BODY(call_flow_load)
{
	return copy_out(run, NULL, (u32)r2, call_ptr(r3), (u32)r4);
}

HELPER_BODY(call_skb_load_relative)
{
	const u8 *base = r5 == BPF_HDR_START_MAC ? run->skb.mac :
			 r5 == BPF_HDR_START_NET ? run->skb.net : NULL;

	return copy_out(run, (u32)r2 > OFFSET_MAX ? NULL : base, (u32)r2, call_ptr(r3), (u32)r4);
}

HELPER_BODY(call_skb_store)
{
	if (r5 & ~(u64)(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return call_error(-EINVAL);
	if ((u32)r2 > INT32_MAX || !in_bounds((u32)r2, (u32)r4, run->skb.len))
		return call_error(-EFAULT);
	memmove(run->pkt.data + (u32)r2, call_ptr(r3), (u32)r4);
	if (r5 & BPF_F_INVALIDATE_HASH)
		run->skb.hash = 0;
	return 0;
}

HELPER_BODY(call_skb_pull)
{
	return (u32)r2 > run->skb.len ? call_error(-ENOMEM) : 0;
}

/* ---- checksums ------------------------------------------------------------------ */

static u32 csum_add(u32 a, u32 b)
{
	a += b;
	return a + (a < b);
}

static u16 csum_fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

static u16 csum_by_diff(u16 sum, u32 diff)
{
	return csum_fold(csum_add(diff, ~(u32)sum));
}

/* FROM in what was summed becomes TO. */
static u16 csum_replace(u16 sum, u32 from, u32 to)
{
	return csum_fold(csum_add(csum_add(~(u32)sum, ~from), to));
}

static u16 csum16_add(u16 a, u16 b)
{
	a = (u16)(a + b);
	return (u16)(a + (a < b));
}

/* The same for 16 bits of an IP header. */
static u16 csum_replace16(u16 sum, u16 from, u16 to)
{
	return (u16)~csum16_add(csum16_add((u16)~sum, (u16)~from), to);
}

/* The checksum at OFFSET, or NULL. */
static u8 *csum_at(struct run *run, u32 offset)
{
	if (offset > OFFSET_MAX || offset & 1 || !in_bounds(offset, 2, run->skb.len))
		return NULL;
	return run->pkt.data + offset;
}

/* A field of BYTES under the checksum SUM changed, or, with 0, by difference TO.
 * IP: the sum of an IP header, which the kernel reckons in another way. */
static bool csum_change(u16 *sum, u64 bytes, u64 from, u64 to, bool ip)
{
	switch (bytes) {
	case 0:
		*sum = csum_by_diff(*sum, (u32)to);
		return !from;
	case 2:
		*sum = ip ? csum_replace16(*sum, (u16)from, (u16)to) :
			    csum_replace(*sum, (u16)from, (u16)to);
		return true;
	case 4:
		*sum = csum_replace(*sum, (u32)from, (u32)to);
		return true;
	}
	return false;
}

HELPER_BODY(call_l3_csum)
{
	u8 *at = csum_at(run, (u32)r2);
	u16 sum;

	if (r5 & ~(u64)BPF_F_HDR_FIELD_MASK)
		return call_error(-EINVAL);
	if (!at)
		return call_error(-EFAULT);
	memcpy(&sum, at, 2);
	if (!csum_change(&sum, r5 & BPF_F_HDR_FIELD_MASK, r3, r4, true))
		return call_error(-EINVAL);
	memcpy(at, &sum, 2);
	return 0;
}

enum {
	L4_IPV6 = 1 << 7,	/* BPF_F_IPV6, which is newer than some headers */
	L4_FLAGS = BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_PSEUDO_HDR | L4_IPV6 |
		   BPF_F_HDR_FIELD_MASK,
};

HELPER_BODY(call_l4_csum)
{
	bool keep_0 = r5 & BPF_F_MARK_MANGLED_0;
	u8 *at = csum_at(run, (u32)r2);
	u16 sum;

	if (r5 & ~(u64)L4_FLAGS)
		return call_error(-EINVAL);
	if (!at)
		return call_error(-EFAULT);
	memcpy(&sum, at, 2);
	if (keep_0 && !(r5 & BPF_F_MARK_ENFORCE) && !sum)
		return 0;
	if (!csum_change(&sum, r5 & BPF_F_HDR_FIELD_MASK, r3, r4, false))
		return call_error(-EINVAL);
	if (keep_0 && !sum)
		sum = CSUM_MANGLED_0;
	memcpy(at, &sum, 2);
	return 0;
}

/* No packet of ours carries the sum of its bytes from the device. */
HELPER_BODY(call_csum_update)
{
	return call_error(-KERNEL_ENOTSUPP);
}

HELPER_BODY(call_csum_level)
{
	u8 *valid = &run->skb.csum_valid;

	switch (r2) {
	case BPF_CSUM_LEVEL_INC:
		*valid = (u8)min_u64(*valid + 1, CSUM_VALID_MAX);
		return 0;
	case BPF_CSUM_LEVEL_DEC:
		*valid -= *valid > 0;
		return 0;
	case BPF_CSUM_LEVEL_RESET:
		*valid = 0;
		return 0;
	case BPF_CSUM_LEVEL_QUERY:
		return *valid ? *valid - 1u : call_error(-EACCES);
	default:
		return call_error(-EINVAL);
	}
}

/* ---- fields ---------------------------------------------------------------------- */

HELPER_BODY(call_skb_change_type)
{
	if (run->skb.pkt_type > PACKET_OTHERHOST || (u32)r2 > PACKET_OTHERHOST)
		return call_error(-EINVAL);
	run->skb.pkt_type = (u8)r2;
	return 0;
}

/* The bytes that tell a flow: addresses and, without extension, ports. */
static u32 flow_bytes(const struct run *run, const u8 **at)
{
	const struct skb_view *s = &run->skb;
	bool v6 = s->protocol == htobe16(ETH_P_IPV6);
	u64 have = s->net && s->net < run->pkt.data_end ? (u64)(run->pkt.data_end - s->net) : 0;
	u64 from = v6 ? offsetof(struct ipv6hdr, saddr) : offsetof(struct iphdr, saddr);
	u64 bytes = v6 ? 36 : 12;

	*at = s->net;
	if ((!v6 && s->protocol != htobe16(ETH_P_IP)) || have < from)
		return (u32)have;
	*at += from;
	return (u32)min_u64(bytes, have - from);
}

/* The kernel's is keyed with a secret of each boot; ours is the same in every
 * run. Never 0. */
HELPER_BODY(call_skb_hash)
{
	const u8 *p;
	u32 n, h = 0x811c9dc5u;

	if (run->skb.hash)
		return run->skb.hash;
	n = flow_bytes(run, &p);
	for (u32 i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x01000193u;
	run->skb.hash = h ? h : 1;
	return run->skb.hash;
}

HELPER_BODY(call_skb_hash_clear)
{
	run->skb.hash = 0;
	return 0;
}

HELPER_BODY(call_skb_hash_set)
{
	run->skb.hash = (u32)r2;
	return 0;
}

static u64 ipv4_set_ce(u8 *ip)
{
	u32 ecn = (ip[1] + 1u) & 3;
	u16 sum;

	if (!(ecn & 2))		/* CE already, or not capable */
		return !ecn;
	memcpy(&sum, ip + offsetof(struct iphdr, check), 2);
	sum = csum16_add(sum, (u16)(htobe16(0xfffb) + htobe16((u16)ecn)));
	memcpy(ip + offsetof(struct iphdr, check), &sum, 2);
	ip[1] |= CE;
	return 1;
}

static bool is_vlan(u16 proto)
{
	return proto == htobe16(ETH_P_8021Q) || proto == htobe16(ETH_P_8021AD);
}

/* The protocol behind the VLAN tags, at most 7; 0 when they do not end. */
static u16 inner_protocol(const struct run *run)
{
	const struct skb_view *s = &run->skb;
	u32 at = s->mac_len ? s->mac_len - 4u : ETH_HLEN;	/* from data, as in the kernel */
	u16 proto = s->protocol;

	for (u32 depth = 8; is_vlan(proto); at += 4) {
		if (!in_bounds(at, 4, s->len) || !--depth)
			return 0;
		memcpy(&proto, run->pkt.data + at + 2, 2);
	}
	return proto;
}

HELPER_BODY(call_skb_ecn_ce)
{
	struct skb_view *s = &run->skb;
	u64 have = (u64)(run->pkt.data_end - s->net);
	u16 proto = inner_protocol(run);

	if (s->net >= run->pkt.data_end)
		return 0;
	if (proto == htobe16(ETH_P_IP) && have >= sizeof(struct iphdr))
		return ipv4_set_ce(s->net);
	if (proto != htobe16(ETH_P_IPV6) || have < sizeof(struct ipv6hdr))
		return 0;
	if (!(s->net[1] & CE << 4))
		return 0;
	s->net[1] |= CE << 4;
	return 1;
}

HELPER_BODY(call_skb_tstamp)
{
	struct skb_view *s = &run->skb;
	u32 type = (u32)r3;

	if (s->protocol != htobe16(ETH_P_IP) && s->protocol != htobe16(ETH_P_IPV6))
		return call_error(-EOPNOTSUPP);
	if (type > 2 || (type && !r2))
		return call_error(-EINVAL);
	s->tstamp = r2;
	s->tstamp_type = (u8)type;
	return 0;
}

/* ---- where it goes ------------------------------------------------------------------ */

static u64 redirect(struct run *run, u32 ifindex, u32 flags)
{
	run->skb.redirect_ifindex = ifindex;
	run->skb.redirect_flags = flags;
	return 7;		/* TC_ACT_REDIRECT, BPF_REDIRECT */
}

enum { SHOT = 2 };		/* TC_ACT_SHOT, BPF_DROP */

HELPER_BODY(call_skb_redirect)
{
	return r2 & ~(u64)BPF_F_INGRESS ? SHOT : redirect(run, (u32)r1, (u32)r2);
}

HELPER_BODY(call_skb_redirect_peer)
{
	return r2 ? SHOT : redirect(run, (u32)r1, SKB_REDIRECT_PEER);
}

HELPER_BODY(call_skb_redirect_neigh)
{
	if ((r3 && r3 < sizeof(struct bpf_redir_neigh)) || r4)
		return SHOT;
	if (r3)
		memcpy(run->skb.neigh, call_ptr(r2), sizeof(run->skb.neigh));
	return redirect(run, (u32)r1, SKB_REDIRECT_NEIGH | (r3 ? SKB_REDIRECT_NEXTHOP : 0));
}

HELPER_BODY(call_skb_clone_redirect)
{
	if (r3 & ~(u64)BPF_F_INGRESS || !(u32)r2)
		return call_error(-EINVAL);
	run->skb.clones++;
	return run->copy ? call_error(run->copy(run, (u32)r2)) : 0;
}

/* ---- what a packet belongs to ---------------------------------------------------------- */

HELPER_BODY(call_skb_socket_cookie)
{
	return run->owner.socket_cookie;
}

HELPER_BODY(call_skb_netns_cookie)
{
	return run->owner.netns_cookie;
}

HELPER_BODY(call_skb_realm)
{
	return run->owner.realm;
}

HELPER_BODY(call_skb_classid)
{
	return run->owner.classid;
}

HELPER_BODY(call_skb_uid)
{
	return run->owner.uid;
}

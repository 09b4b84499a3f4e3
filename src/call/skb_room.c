/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skb_room.c: helpers that add bytes to a packet behind struct __sk_buff, or
 * take some away. The bounds in run->pkt change; the engine makes the program
 * load them again.
 */
#include "call/skb.h"
#include "maps/map.h"
#include <endian.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

enum {
	LEN_MAX = 16384 - 320,	/* of a packet that grows: the kernel's SKB_MAX_ALLOC */
	ROOM_MAX = 0xfff,
	VLAN_BYTES = 4,
	SMALL_HEAD = 576 - 320,
	ENCAP_L3 = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
	ENCAP_L4 = BPF_F_ADJ_ROOM_ENCAP_L4_GRE | BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
	/* newer than some headers */
	DECAP_L3_IPV4 = 1 << 7, DECAP_L3_IPV6 = 1 << 8,
	DECAP_L3 = DECAP_L3_IPV4 | DECAP_L3_IPV6,
};

static bool is_ip(const struct skb_view *s) { return s->protocol == htobe16(ETH_P_IP); }
static bool is_ipv6(const struct skb_view *s) { return s->protocol == htobe16(ETH_P_IPV6); }

/* ---- room ---------------------------------------------------------------------- */

/* The kernel's buffer grows by N bytes: as it is always as big as was allocated,
 * into twice the memory or more, which has an end. The smallest grow into a size
 * that the kernel keeps for them. */
static bool buffer_grow(struct skb_view *s, u64 n)
{
	u64 bytes = round_up(s->head_bytes + n, SKB_PAD_BYTES);
	u32 now = bytes <= SMALL_HEAD ? SMALL_HEAD : skb_head_bytes(bytes);

	if (now)
		s->head_bytes = now;
	return now;
}

/* Where a header is after the buffer has grown by BY in front. The kernel adds in
 * 16 bits, also to the 0xffff of a header that nobody has set: such a transport
 * header is set from then on, one byte before what was the buffer. */
static u8 *header_moved(const struct skb_view *s, const u8 *header, u64 by)
{
	u16 off = (u16)((header ? (u64)(header - s->head) : UINT16_MAX) + by);

	return off == UINT16_MAX ? NULL : s->head - by + off;
}

/* N bytes in front of the packet; false when there is no such room. */
static bool head_room(struct run *run, u32 n)
{
	struct skb_view *s = &run->skb;
	u64 have, by;

	if (!skb_room(run, n + SKB_PAD_BYTES, 0))
		return false;
	have = (u64)(run->pkt.data - s->head);
	if (n <= have)
		return true;
	by = round_up(n - have, SKB_PAD_BYTES);
	if (!buffer_grow(s, by))
		return false;
	s->mac = header_moved(s, s->mac, by);
	s->net = header_moved(s, s->net, by);
	s->transport = header_moved(s, s->transport, by);
	s->head -= by;
	return true;
}

/* The same behind it. */
static bool tail_room(struct run *run, u32 n)
{
	struct skb_view *s = &run->skb;
	u64 have = s->head_bytes - (u64)(run->pkt.data_end - s->head);

	return (n <= have || buffer_grow(s, n - have)) && skb_room(run, 0, n);
}

/* ---- at the ends -------------------------------------------------------------- */

HELPER_BODY(call_skb_change_head)
{
	struct skb_view *s = &run->skb;
	u32 n = (u32)r2;

	if (r3 || n > INT32_MAX || (!s->gso_size && (u64)s->len + n > LEN_MAX))
		return call_error(-EINVAL);
	if (!head_room(run, n))
		return call_error(-ENOMEM);
	run->pkt.data -= n;
	memset(run->pkt.data, 0, n);
	s->mac = run->pkt.data;
	s->mac_len = (u16)(s->net - s->mac);
	skb_changed(run);
	return 0;
}

/* No packet gets shorter than its headers are. */
static u64 len_min(const struct run *run)
{
	const u8 *data = run->pkt.data;
	u64 min = run->skb.net > data ? (u64)(run->skb.net - data) : 0;

	return run->skb.transport > data ? (u64)(run->skb.transport - data) : min;
}

HELPER_BODY(call_skb_change_tail)
{
	u32 len = (u32)r2, old = run->skb.len;

	if (r3 || len > LEN_MAX || len < len_min(run))
		return call_error(-EINVAL);
	if (run->skb.encapsulated)
		return call_error(-KERNEL_ENOTSUPP);
	if (len > old) {
		if (!tail_room(run, len - old))
			return call_error(-ENOMEM);
		memset(run->pkt.data_end, 0, len - old);
	}
	run->pkt.data_end = run->pkt.data + len;
	if (run->skb.gso_size)
		run->skb.gso_size = run->skb.gso_segs = 0;
	skb_changed(run);
	return 0;
}

/* ---- between the headers -------------------------------------------------------- */

/* N bytes of zeroes behind the first OFF. */
static int push(struct run *run, u32 off, u32 n)
{
	struct skb_view *s = &run->skb;
	struct packet_buf *p = &run->pkt;
	bool same = s->transport == s->net;

	if (off > s->len + SKB_OVERRUN_BYTES || !head_room(run, n))
		return -ENOMEM;
	memmove(p->data - n, p->data, off);
	p->data -= n;
	memset(p->data + off, 0, n);
	s->mac -= n;
	s->net -= n;
	if (same)
		s->transport = s->net;
	skb_changed(run);
	return 0;
}

/* Takes away the N bytes behind the first OFF. */
static int pop(struct run *run, u32 off, u32 n)
{
	struct skb_view *s = &run->skb;
	struct packet_buf *p = &run->pkt;
	bool same = s->transport == s->net;

	if ((u64)off + n > s->len)
		return -ENOMEM;
	memmove(p->data + n, p->data, off);
	p->data += n;
	s->mac += n;
	s->net += n;
	if (same)
		s->transport = s->net;
	skb_changed(run);
	return 0;
}

HELPER_BODY(call_skb_change_proto)
{
	struct skb_view *s = &run->skb;
	const u32 diff = sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	u32 off = (u32)(s->net - s->mac);
	u16 to = (u16)r2;
	int r;

	if (r3)
		return call_error(-EINVAL);
	if (is_ip(s) && to == htobe16(ETH_P_IPV6))
		r = push(run, off, diff);
	else if (is_ipv6(s) && to == htobe16(ETH_P_IP))
		r = pop(run, off, diff);
	else
		return call_error(-KERNEL_ENOTSUPP);
	if (r)
		return call_error(r);
	s->protocol = to;
	s->hash = 0;
	return 0;
}

/* What bpf_skb_adjust_room refuses of an outer header. */
static int check_encap(const struct skb_view *s, u64 flags, u32 n)
{
	u8 l2 = (u8)(flags >> BPF_ADJ_ROOM_ENCAP_L2_SHIFT);

	if ((flags & ENCAP_L3) == ENCAP_L3 || (flags & ENCAP_L4) == ENCAP_L4)
		return -EINVAL;
	if (flags & BPF_F_ADJ_ROOM_ENCAP_L2_ETH && l2 < ETH_HLEN)
		return -EINVAL;
	if (s->encapsulated)
		return -EALREADY;
	return l2 > n ? -EINVAL : 0;
}

static int room_grow(struct run *run, u32 off, u32 n, u64 flags)
{
	struct skb_view *s = &run->skb;
	u32 mac_len = (u32)(s->net - s->mac);
	bool v6 = flags & BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	int r;

	if (s->gso_size)	/* and neither TCP nor UDP segments, as far as is known */
		return -KERNEL_ENOTSUPP;
	r = flags & ENCAP_L3 ? check_encap(s, flags, n) : 0;
	if (!r)
		r = push(run, off, n);
	if (r)
		return r;
	if (!(flags & ENCAP_L3))
		return 0;
	s->encapsulated = true;
	s->net = run->pkt.data + mac_len;
	s->protocol = htobe16(v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (flags & ENCAP_L4)
		s->transport = s->net + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	return 0;
}

static int room_shrink(struct run *run, u32 off, u32 n, u64 flags)
{
	struct skb_view *s = &run->skb;
	int r;

	if (flags & ~(u64)(BPF_F_ADJ_ROOM_FIXED_GSO | DECAP_L3 | BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		return -EINVAL;
	if (s->gso_size)	/* and neither TCP nor UDP segments, as far as is known */
		return -KERNEL_ENOTSUPP;
	r = pop(run, off, n);
	if (r)
		return r;
	if (is_ip(s) && flags & DECAP_L3_IPV6)
		s->protocol = htobe16(ETH_P_IPV6);
	else if (is_ipv6(s) && flags & DECAP_L3_IPV4)
		s->protocol = htobe16(ETH_P_IP);
	return 0;
}

#define ROOM_FLAGS (BPF_F_ADJ_ROOM_FIXED_GSO | ENCAP_L3 | ENCAP_L4 | \
		    BPF_F_ADJ_ROOM_ENCAP_L2_ETH | BPF_F_ADJ_ROOM_NO_CSUM_RESET | DECAP_L3 | \
		    BPF_F_ADJ_ROOM_ENCAP_L2(BPF_ADJ_ROOM_ENCAP_L2_MASK))

HELPER_BODY(call_skb_adjust_room)
{
	struct skb_view *s = &run->skb;
	s32 diff = (s32)r2;
	u32 n = diff < 0 ? 0u - (u32)diff : (u32)diff;
	u32 base = is_ip(s) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	u32 off = (u32)(s->net - s->mac), min = base, have;
	int r;

	if (r4 & ~(u64)ROOM_FLAGS)
		return call_error(-EINVAL);
	if (n > ROOM_MAX)
		return call_error(-EFAULT);
	if (!is_ip(s) && !is_ipv6(s))
		return call_error(-KERNEL_ENOTSUPP);
	if ((u32)r3 > BPF_ADJ_ROOM_MAC)
		return call_error(-KERNEL_ENOTSUPP);
	if ((u32)r3 == BPF_ADJ_ROOM_NET)
		off += base;
	if (r4 & DECAP_L3) {
		if (diff >= 0 || (r4 & DECAP_L3) == DECAP_L3)
			return call_error(-EINVAL);
		min = r4 & DECAP_L3_IPV4 ? sizeof(struct iphdr) :
							  sizeof(struct ipv6hdr);
	}
	have = s->len - (u32)(s->net - run->pkt.data);
	if (diff < 0 ? n >= have || have - n < min : s->len + n > LEN_MAX && !s->gso_size)
		return call_error(-KERNEL_ENOTSUPP);
	r = diff < 0 ? room_shrink(run, off, n, r4) : room_grow(run, off, n, r4);
	if (!r && !(r4 & BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		s->csum_valid = 0;
	return call_error(r);
}

/* ---- VLAN tags -------------------------------------------------------------------- */

static bool is_vlan(u16 proto)
{
	return proto == htobe16(ETH_P_8021Q) || proto == htobe16(ETH_P_8021AD);
}

static void put16(u8 *at, u16 v) { memcpy(at, &v, 2); }

static u16 get16(const u8 *at)
{
	u16 v;

	memcpy(&v, at, 2);
	return v;
}

/* Puts the tag that the packet carries aside into its bytes. */
static int tag_insert(struct run *run)
{
	struct skb_view *s = &run->skb;
	struct packet_buf *p = &run->pkt;

	if (p->data != s->mac)
		return -EINVAL;
	if (!head_room(run, VLAN_BYTES))
		return -ENOMEM;
	p->data -= VLAN_BYTES;
	memmove(p->data, p->data + VLAN_BYTES, 2 * ETH_ALEN);
	s->mac -= VLAN_BYTES;
	s->net -= VLAN_BYTES;
	put16(p->data + 2 * ETH_ALEN, s->vlan_proto);
	put16(p->data + ETH_HLEN, htobe16(s->vlan_tci));
	s->protocol = s->vlan_proto;
	skb_changed(run);
	return 0;
}

HELPER_BODY(call_skb_vlan_push)
{
	struct skb_view *s = &run->skb;
	u16 proto = (u16)r2;
	int r = s->vlan_present ? tag_insert(run) : 0;

	if (r)
		return call_error(r);
	s->vlan_present = 1;
	s->vlan_proto = is_vlan(proto) ? proto : htobe16(ETH_P_8021Q);
	s->vlan_tci = (u16)r3;
	s->mac_len = (u16)(s->net - s->mac);
	return 0;
}

/* Takes the outermost tag out of the packet's bytes. */
static int tag_remove(struct run *run, u16 *tci)
{
	struct skb_view *s = &run->skb;
	struct packet_buf *p = &run->pkt;
	u16 inner;

	if (p->data != s->mac)
		return -EINVAL;
	if (s->len < ETH_HLEN + VLAN_BYTES)
		return -ENOMEM;
	*tci = be16toh(get16(p->data + ETH_HLEN));
	inner = get16(p->data + ETH_HLEN + 2);
	if (be16toh(inner) >= ETH_P_802_3_MIN)
		s->protocol = inner;
	else
		s->protocol = htobe16(s->len >= ETH_HLEN + VLAN_BYTES + 2 &&
				      get16(p->data + ETH_HLEN + VLAN_BYTES) == 0xffff ?
				      ETH_P_802_3 : ETH_P_802_2);
	memmove(p->data + VLAN_BYTES, p->data, 2 * ETH_ALEN);
	p->data += VLAN_BYTES;
	s->mac += VLAN_BYTES;
	if (s->net - p->data < ETH_HLEN)
		s->net = p->data + ETH_HLEN;
	s->mac_len = (u16)(s->net - s->mac);
	skb_changed(run);
	return 0;
}

HELPER_BODY(call_skb_vlan_pop)
{
	struct skb_view *s = &run->skb;
	u16 tci, proto;
	int r;

	if (s->vlan_present) {
		s->vlan_present = s->vlan_proto = s->vlan_tci = 0;
	} else {
		r = is_vlan(s->protocol) ? tag_remove(run, &tci) : 0;
		if (r)
			return call_error(r);
	}
	if (!is_vlan(s->protocol))
		return 0;
	proto = s->protocol;
	r = tag_remove(run, &tci);
	if (r)
		return call_error(r);
	s->vlan_present = 1;
	s->vlan_proto = proto;
	s->vlan_tci = tci;
	return 0;
}

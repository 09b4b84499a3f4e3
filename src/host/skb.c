/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skb.c: gives packets to the program types whose context is struct __sk_buff,
 * as BPF_PROG_TEST_RUN of Linux 6.18 does.
 *
 * In: an Ethernet frame, and what struct __sk_buff of test_run.ctx_in says.
 * Out: the packet and its fields in struct run. Classifiers see the frame, all
 * others what follows its Ethernet header.
 */
#include "host/capture.h"
#include "host/hosts.h"
#include "model/sock.h"
#include <endian.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

enum {
	LOOPBACK = 1,		/* ifindex of the packet when nobody gives one */
	GSO_SEGS_MAX = 65535,
	WIRE_LEN_MAX = 65536,	/* the kernel's GSO_LEGACY_MAX_SIZE */
	/* a packet with the room around it; the packet's socket follows */
	PACKET_ROOM = SKB_HEAD_BYTES + CAPTURE_PACKET_MAX + SKB_TAIL_BYTES,
};

/* ---- fields from the packet ------------------------------------------------ */

static u16 get16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Of an Ethernet header with BYTES in all, in network order. */
static u16 eth_protocol(const u8 *eth, u32 bytes)
{
	u16 type = get16(eth + 12);

	if (be16toh(type) >= ETH_P_802_3_MIN)
		return type;
	if (bytes >= ETH_HLEN + 2 && get16(eth + ETH_HLEN) == 0xffff)
		return htobe16(ETH_P_802_3);
	return htobe16(ETH_P_802_2);
}

/* For a device whose addresses are all zeroes, as the loopback device's: there
 * is no broadcast. */
static u8 eth_pkt_type(const u8 *eth)
{
	static const u8 none[ETH_ALEN];

	if (eth[0] & 1)
		return PACKET_MULTICAST;
	return memcmp(eth, none, ETH_ALEN) ? PACKET_OTHERHOST : PACKET_HOST;
}

/* The same for who reads it by skb->sk. */
static void fill_socket(struct run *run)
{
	const struct skb_view *v = &run->skb;
	struct bpf_sock f = { .family = v->family, .src_ip4 = v->local_ip4,
		.dst_ip4 = v->remote_ip4, .state = SOCK_CLOSE, .rx_queue_mapping = -1 };

	memcpy(f.src_ip6, v->local_ip6, 16);
	memcpy(f.dst_ip6, v->remote_ip6, 16);
	*run->skb_sock = (struct sock){ .common = f, .full = f, .cookie = 1 };
	run->skb.sk = (uintptr_t)&run->skb_sock->common;
}

/* The socket that the packet belongs to has the packet's own addresses. */
static void set_socket(struct run *run)
{
	struct skb_view *s = &run->skb;
	size_t bytes = (size_t)(run->pkt.data_end - s->net);

	if (s->protocol == htobe16(ETH_P_IP)) {
		s->family = 2;		/* AF_INET */
		if (bytes < sizeof(struct iphdr))
			return;
		s->local_ip4 = get32(s->net + offsetof(struct iphdr, saddr));
		s->remote_ip4 = get32(s->net + offsetof(struct iphdr, daddr));
	} else if (s->protocol == htobe16(ETH_P_IPV6)) {
		s->family = 10;		/* AF_INET6 */
		if (bytes < sizeof(struct ipv6hdr))
			return;
		memcpy(s->local_ip6, s->net + offsetof(struct ipv6hdr, saddr), 16);
		memcpy(s->remote_ip6, s->net + offsetof(struct ipv6hdr, daddr), 16);
	}
}

/* ---- fields from the caller ------------------------------------------------- */

/* Bytes of struct __sk_buff that BPF_PROG_TEST_RUN takes. */
static const struct { u16 from, to; } taken[] = {
#define TAKEN(first, last) { offsetof(struct __sk_buff, first), \
	offsetof(struct __sk_buff, last) + sizeof(((struct __sk_buff *)0)->last) }
	TAKEN(mark, mark), TAKEN(priority, ifindex), TAKEN(cb, cb),
	TAKEN(tstamp, gso_segs), TAKEN(gso_size, gso_size), TAKEN(hwtstamp, hwtstamp),
};

static int check_ctx(const struct __sk_buff *in, u32 len, struct skep_err *err)
{
	const u8 *p = (const u8 *)in;
	size_t k = 0;

	for (size_t i = 0; i < sizeof(*in); i++) {
		while (k < ARRAY_LEN(taken) && i >= taken[k].to)
			k++;
		if (p[i] && (k == ARRAY_LEN(taken) || i < taken[k].from))
			return err_set(err, ERR_RUN, NULL, "byte %zu of struct __sk_buff is "
				       "not 0, and it is no field that a run takes", i);
	}
	if (in->wire_len && (in->wire_len < len || in->wire_len > WIRE_LEN_MAX))
		return err_set(err, ERR_RUN, NULL, "wire_len is %u, for a packet of %u bytes; "
			       "at most %u", in->wire_len, len, WIRE_LEN_MAX);
	if (in->gso_segs > GSO_SEGS_MAX)
		return err_set(err, ERR_RUN, NULL, "gso_segs is %u; at most %u", in->gso_segs,
			       GSO_SEGS_MAX);
	return 0;
}

static int take_ctx(struct run *run, const struct test_run *t, struct skep_err *err)
{
	struct skb_view *s = &run->skb;
	struct __sk_buff in = { 0 };
	int r;

	if (t->ctx_in_bytes > sizeof(in))
		return err_set(err, ERR_RUN, NULL, "a context of %u bytes; struct __sk_buff "
			       "has %zu", t->ctx_in_bytes, sizeof(in));
	memcpy(&in, t->ctx_in, t->ctx_in_bytes);
	r = check_ctx(&in, s->len, err);
	if (r)
		return r;
	s->mark = in.mark;
	s->priority = in.priority;
	s->ingress_ifindex = in.ingress_ifindex;
	if (in.ifindex > LOOPBACK)
		s->ifindex = in.ifindex;
	memcpy(s->cb, in.cb, sizeof(s->cb));
	s->tstamp = in.tstamp;
	if (in.wire_len)
		s->wire_len = in.wire_len;
	s->gso_segs = (u16)in.gso_segs;
	s->gso_size = (u16)in.gso_size;
	s->hwtstamp = in.hwtstamp;
	return 0;
}

/* ---- the host ------------------------------------------------------------------ */

int host_check_packet(const struct test_run *t, struct skep_err *err)
{
	if (t->bytes < ETH_HLEN)
		return err_set(err, ERR_RUN, NULL, "a packet of %u bytes; an Ethernet "
			       "header alone has %d", t->bytes, ETH_HLEN);
	if (t->bytes > CAPTURE_PACKET_MAX)
		return err_set(err, ERR_RUN, NULL, "a packet of %u bytes; at most %u",
			       t->bytes, CAPTURE_PACKET_MAX);
	return 0;
}

static void place(struct run *run, u8 *buffer, const struct test_run *t)
{
	struct packet_buf *p = &run->pkt;

	p->hard_start = buffer;
	p->hard_end = buffer + PACKET_ROOM;
	p->data = buffer + SKB_HEAD_BYTES;
	p->data_end = p->data + t->bytes;
	memcpy(p->data, t->data, t->bytes);
	memset(p->data_end, 0, SKB_OVERRUN_BYTES);
	run->skb = (struct skb_view){ .mac = p->data, .net = p->data + ETH_HLEN,
		.head = p->data - SKB_PAD_BYTES,
		.head_bytes = skb_head_bytes(SKB_PAD_BYTES + (u64)t->bytes),
		.ifindex = t->ifindex ? t->ifindex : LOOPBACK,
		.protocol = eth_protocol(p->data, t->bytes),
		.pkt_type = eth_pkt_type(p->data), .queue_mapping = (u16)t->rx_queue };
	run->tunnel.present = false;
	run->owner = t->owner ? *t->owner :
		     (struct skb_owner){ .socket_cookie = 1, .netns_cookie = 1 };
	run->skb.hash = run->owner.hash;
	set_socket(run);
	run->skb_sock = (struct sock *)(buffer + PACKET_ROOM);
	fill_socket(run);
}

static int begin(struct run *run, u8 *buffer, const struct test_run *t, bool l2,
		 struct skep_err *err)
{
	int r = host_check_packet(t, err);

	if (r)
		return r;
	place(run, buffer, t);
	if (!l2 && !t->at_mac)
		run->pkt.data = run->skb.net;
	skb_changed(run);
	run->skb.wire_len = run->skb.len;
	return t->ctx_in ? take_ctx(run, t, err) : 0;
}

static int l2_begin(struct run *run, u8 *buffer, const struct test_run *t,
		    struct skep_err *err)
{
	return begin(run, buffer, t, true, err);
}

static int l3_begin(struct run *run, u8 *buffer, const struct test_run *t,
		    struct skep_err *err)
{
	return begin(run, buffer, t, false, err);
}

static void give_ctx(struct run *run, struct test_run *t)
{
	const struct skb_view *s = &run->skb;
	struct __sk_buff out = { 0 };

	if (t->ctx_in)
		memcpy(&out, t->ctx_in, t->ctx_in_bytes);
	out.mark = s->mark;
	out.priority = s->priority;
	out.ingress_ifindex = s->ingress_ifindex;
	out.ifindex = s->ifindex;
	memcpy(out.cb, s->cb, sizeof(s->cb));
	out.tstamp = s->tstamp;
	out.wire_len = s->wire_len;
	out.gso_segs = s->gso_segs;
	out.hwtstamp = s->hwtstamp;
	memcpy(run->ctx_out, &out, sizeof(out));
	t->ctx_out = run->ctx_out;
	t->ctx_out_bytes = sizeof(out);
	t->redirect_ifindex = s->redirect_ifindex;
	t->redirect_flags = s->redirect_flags & ~(u32)SKB_REDIRECT_NEXTHOP;
	t->tc_classid = s->tc_classid;
	t->sock = s->sk ? sock_at(run, s->sk) : NULL;
	if (t->sock == run->skb_sock)
		t->sock = NULL;		/* nobody assigned another */
}

static void l2_finish(struct run *run, struct test_run *t)
{
	t->data_out = run->pkt.data;
	t->bytes_out = run->skb.len;
	give_ctx(run, t);
}

/* An Ethernet header of zeroes comes back in front. */
static void l3_finish(struct run *run, struct test_run *t)
{
	if (t->at_mac) {
		l2_finish(run, t);
		return;
	}
	skb_room(run, ETH_HLEN, 0);
	t->data_out = run->pkt.data - ETH_HLEN;
	memset(run->pkt.data - ETH_HLEN, 0, ETH_HLEN);
	t->bytes_out = run->skb.len + ETH_HLEN;
	give_ctx(run, t);
}

#define SKB_HOST(id, type, layer) \
	const struct host host_##id = { \
		.prog_type = BPF_PROG_TYPE_##type, \
		.buffer_bytes = PACKET_ROOM + sizeof(struct sock), \
		.begin = layer##_begin, .finish = layer##_finish, \
	}
SKB_HOST(socket_filter, SOCKET_FILTER, l3);
SKB_HOST(sched_cls, SCHED_CLS, l2);
SKB_HOST(sched_act, SCHED_ACT, l2);
SKB_HOST(cgroup_skb, CGROUP_SKB, l3);
SKB_HOST(lwt_in, LWT_IN, l3);
SKB_HOST(lwt_out, LWT_OUT, l3);
SKB_HOST(lwt_xmit, LWT_XMIT, l3);
SKB_HOST(lwt_seg6local, LWT_SEG6LOCAL, l3);

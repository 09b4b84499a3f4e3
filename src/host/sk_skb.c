/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sk_skb.c: verdict programs of sockmaps: what a described socket receives, a TCP
 * segment's or UDP packet's payload, and which socket gets it. Linux has no test
 * run for them.
 *
 * In: an Ethernet frame to a connection (others are left out: begin gives 1). Out:
 * test_run.sock, where the payload was redirected.
 */
#include "call/sock.h"
#include "host/capture.h"
#include "host/hosts.h"
#include "host/l4.h"
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

/* Where the payload of FRAME begins and ends; false: it has none. */
static bool payload(const struct l4 *l, const u8 *frame, u32 bytes, u32 *from, u32 *end)
{
	u32 have = bytes - l->transport, header = sizeof(struct udphdr), total;
	u16 length;

	if (l->protocol == IPPROTO_TCP)
		header = have >= sizeof(struct tcphdr) ? (frame[l->transport + 12] >> 4) * 4u : 0;
	if (header < sizeof(struct udphdr) || header > have)
		return false;
	/* a short frame is filled up behind the packet */
	memcpy(&length, frame + l->net + (l->family == AF_INET ? 2 : 4), sizeof(length));
	total = l->net + ntohs(length) + (l->family == AF_INET ? 0 : 40);
	*from = l->transport + header;
	*end = total < bytes ? total : bytes;
	return *from < *end;
}

static void set_view(struct run *run, const struct sock *s, const struct l4 *l,
		     const struct test_run *t)
{
	const struct bpf_sock *f = &s->full;

	run->skb = (struct skb_view){ .protocol = l->eth_protocol, .ifindex = t->ifindex,
		.family = f->family, .remote_ip4 = f->dst_ip4, .local_ip4 = f->src_ip4,
		.remote_port = (u32)f->dst_port << 16, .local_port = f->src_port,
		.sk = (uintptr_t)&s->common };
	memcpy(run->skb.remote_ip6, f->dst_ip6, 16);
	memcpy(run->skb.local_ip6, f->src_ip6, 16);
}

static int skskb_begin(struct run *run, u8 *buffer, const struct test_run *t,
		       struct skep_err *err)
{
	struct sock_tuple k = { .ifindex = t->ifindex };
	struct sock *s;
	struct l4 l;
	u32 from, end;

	if (t->bytes > CAPTURE_PACKET_MAX)
		return err_set(err, ERR_RUN, NULL, "a packet of %u bytes; at most %u",
			       t->bytes, CAPTURE_PACKET_MAX);
	if (!l4_parse(&l, t->data, t->bytes) || !payload(&l, t->data, t->bytes, &from, &end))
		return 1;
	k.family = l.family;
	k.protocol = l.protocol;
	memcpy(k.remote, l.remote, 16);
	memcpy(k.local, l.local, 16);
	k.remote_port = l.remote_port;
	k.local_port = l.local_port;
	s = run->socks ? sock_find(run->socks, &k) : NULL;
	if (!s || s->full.state == SOCK_LISTEN)
		return 1;
	memcpy(buffer, t->data, end);
	set_view(run, s, &l, t);
	run_packet(run, buffer + from, end - from);
	run->pkt.hard_start = buffer;
	run->skb.mac = buffer;
	run->skb.net = buffer + l.net;
	run->skb.transport = buffer + l.transport;
	skb_changed(run);
	return 0;
}

static void skskb_finish(struct run *run, struct test_run *t)
{
	bool to = t->retval == SK_PASS && run->skb.redirect_sk;

	t->sock = to ? sock_at(run, run->skb.redirect_sk) : NULL;
	t->redirect_flags = to ? run->skb.redirect_flags : 0;
	t->redirect_ifindex = t->tc_classid = 0;
	t->data_out = t->data;
	t->bytes_out = t->bytes;
	t->ctx_out = NULL;
	t->ctx_out_bytes = 0;
}

const struct host host_sk_skb = {
	.prog_type = BPF_PROG_TYPE_SK_SKB,
	.buffer_bytes = CAPTURE_PACKET_MAX,
	.begin = skskb_begin,
	.finish = skskb_finish,
};

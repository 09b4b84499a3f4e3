/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sk_lookup.c: programs that choose the socket for a packet, before the kernel
 * looks for one, as BPF_PROG_TEST_RUN of Linux 6.18 runs them; and those that
 * choose among the sockets of a SO_REUSEPORT group, for which it has no test
 * run.
 *
 * In: an Ethernet frame with a TCP or UDP header (others are left out: begin
 * gives 1), or for sk_lookup a struct bpf_sk_lookup in test_run.ctx_in. Out:
 * test_run.sock, and for sk_lookup the struct with the socket's cookie.
 */
#include "call/sock.h"
#include "host/capture.h"
#include "host/hosts.h"
#include "host/l4.h"
#include <endian.h>
#include <netinet/in.h>

/* ---- sk_lookup --------------------------------------------------------------- */

static int check_ctx(const struct bpf_sk_lookup *in, struct skep_err *err)
{
	static const u8 none[16];

	if (in->cookie)
		return err_set(err, ERR_RUN, NULL, "struct bpf_sk_lookup: cookie is not 0");
	if (in->family != AF_INET && in->family != AF_INET6)
		return err_set(err, ERR_RUN, NULL, "struct bpf_sk_lookup: family is %u; AF_INET is "
			       "%d, AF_INET6 %d", in->family, AF_INET, AF_INET6);
	if (in->local_port > UINT16_MAX)
		return err_set(err, ERR_RUN, NULL, "struct bpf_sk_lookup: local_port is %u, at "
			       "most 65535", in->local_port);
	if (memcmp(&in->ingress_ifindex, none, sizeof(*in) - offsetof(struct bpf_sk_lookup,
								      ingress_ifindex)))
		return err_set(err, ERR_RUN, NULL, "struct bpf_sk_lookup: ingress_ifindex, or what "
			       "follows it, is not 0");
	return 0;
}

static int take_ctx(struct lookup_view *v, const struct test_run *t, struct skep_err *err)
{
	struct bpf_sk_lookup in = { 0 };
	int r;

	if (t->ctx_in_bytes != sizeof(in))
		return err_set(err, ERR_RUN, NULL, "a context of %u bytes; struct bpf_sk_lookup "
			       "has %zu", t->ctx_in_bytes, sizeof(in));
	memcpy(&in, t->ctx_in, sizeof(in));
	r = check_ctx(&in, err);
	if (r)
		return r;
	v->family = in.family;
	v->protocol = (u16)in.protocol;
	v->remote_port = in.remote_port;
	v->local_port = in.local_port;
	if (in.family == AF_INET) {
		v->remote_ip4 = in.remote_ip4;
		v->local_ip4 = in.local_ip4;
	} else {
		memcpy(v->remote_ip6, in.remote_ip6, 16);
		memcpy(v->local_ip6, in.local_ip6, 16);
	}
	return 0;
}

static int take_packet(struct lookup_view *v, const struct test_run *t)
{
	struct l4 l;

	if (!l4_parse(&l, t->data, t->bytes))
		return 1;
	v->family = l.family;
	v->protocol = l.protocol;
	v->remote_port = l.remote_port;
	v->local_port = be16toh(l.local_port);
	v->ingress_ifindex = t->ifindex;
	if (l.family == AF_INET) {
		v->remote_ip4 = l.remote[0];
		v->local_ip4 = l.local[0];
	} else {
		memcpy(v->remote_ip6, l.remote, 16);
		memcpy(v->local_ip6, l.local, 16);
	}
	return 0;
}

static int lookup_begin(struct run *run, u8 *buffer, const struct test_run *t,
			struct skep_err *err)
{
	run->pkt = (struct packet_buf){ 0 };
	run->lookup = (struct lookup_view){ 0 };
	return t->ctx_in ? take_ctx(&run->lookup, t, err) : take_packet(&run->lookup, t);
}

/* A choice counts when the answer is to pass. */
static void lookup_finish(struct run *run, struct test_run *t)
{
	const struct lookup_view *v = &run->lookup;
	struct bpf_sk_lookup out = { .family = v->family, .protocol = v->protocol,
		.remote_ip4 = v->remote_ip4, .remote_port = (u16)v->remote_port,
		.local_ip4 = v->local_ip4, .local_port = v->local_port };

	memcpy(out.remote_ip6, v->remote_ip6, 16);
	memcpy(out.local_ip6, v->local_ip6, 16);
	if (t->ctx_in)
		memcpy(&out, t->ctx_in, sizeof(out));
	t->sock = t->retval == SK_PASS && v->sk ? sock_at(run, v->sk) : NULL;
	out.cookie = t->sock ? t->sock->cookie : 0;
	memcpy(run->ctx_out, &out, sizeof(out));
	t->ctx_out = run->ctx_out;
	t->ctx_out_bytes = sizeof(out);
	t->data_out = t->data;
	t->bytes_out = t->bytes;
}

const struct host host_sk_lookup = {
	.prog_type = BPF_PROG_TYPE_SK_LOOKUP,
	.begin = lookup_begin,
	.finish = lookup_finish,
};

/* ---- sk_reuseport --------------------------------------------------------------- */

/* Linux' hash is keyed anew with each boot; this one is the same in every run. */
static u32 flow_hash(const struct l4 *l)
{
	const u8 *p = (const u8 *)l->remote;
	u32 h = 0x811c9dc5u;

	for (size_t i = 0; i < sizeof(l->remote) + sizeof(l->local) + 4; i++)
		h = (h ^ p[i]) * 0x01000193u;
	return h;
}
_Static_assert(offsetof(struct l4, local_port) + 2 - offsetof(struct l4, remote) == 36,
	       "what is hashed");

static bool is_any(const struct bpf_sock *s)
{
	static const u8 any[16];

	return s->family == AF_INET ? !s->src_ip4 : !memcmp(s->src_ip6, any, 16);
}

static void place(struct run *run, u8 *buffer, const struct l4 *l, const struct test_run *t)
{
	memcpy(buffer, t->data, t->bytes);
	run_packet(run, buffer + l->transport, t->bytes - l->transport);
	run->skb.mac = buffer;
	run->skb.net = buffer + l->net;
	run->pkt.hard_start = buffer;
}

/* The group is that of the socket that the packet is for. */
static int reuse_begin(struct run *run, u8 *buffer, const struct test_run *t,
		       struct skep_err *err)
{
	struct sock_tuple k = { .ifindex = t->ifindex };
	struct sock *s;
	struct l4 l;

	if (t->bytes > CAPTURE_PACKET_MAX)
		return err_set(err, ERR_RUN, NULL, "a packet of %u bytes; at most %u",
			       t->bytes, CAPTURE_PACKET_MAX);
	if (!l4_parse(&l, t->data, t->bytes))
		return 1;
	k.family = l.family;
	k.protocol = l.protocol;
	memcpy(k.remote, l.remote, 16);
	memcpy(k.local, l.local, 16);
	k.remote_port = l.remote_port;
	k.local_port = l.local_port;
	s = run->socks ? sock_find(run->socks, &k) : NULL;
	if (!s || !s->group)
		return 1;
	place(run, buffer, &l, t);
	run->reuse = (struct reuse_view){ .len = t->bytes - l.transport,
		.eth_protocol = l.eth_protocol, .ip_protocol = l.protocol,
		.bind_inany = is_any(&s->full), .hash = flow_hash(&l),
		.sk = (uintptr_t)&s->full };
	return 0;
}

static void reuse_finish(struct run *run, struct test_run *t)
{
	bool chose = t->retval == SK_PASS && run->reuse.chosen;

	t->sock = chose ? sock_at(run, run->reuse.chosen) : NULL;
	t->data_out = t->data;
	t->bytes_out = t->bytes;
	t->ctx_out = NULL;
	t->ctx_out_bytes = 0;
}

const struct host host_sk_reuseport = {
	.prog_type = BPF_PROG_TYPE_SK_REUSEPORT,
	.buffer_bytes = CAPTURE_PACKET_MAX,
	.begin = reuse_begin,
	.finish = reuse_finish,
	.read_only = true,
};

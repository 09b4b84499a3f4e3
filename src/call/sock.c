/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.c: helpers that look sockets up, choose one, and let programs read them.
 * Sockets are those that the user describes; what a helper gives is lent to the
 * program until it releases it.
 */
#include "call/sock.h"
#include "maps/map.h"
#include <endian.h>
#include <netinet/in.h>

static void nothing(void *at) { }

/* S as a pointer of the kind that DESC says. */
static u64 lend_view(struct run *run, void *at, const struct ctx_desc *desc, u64 from)
{
	if (run->lend_object)
		run->lend_object(run, at, desc, from, NULL);
	return (uintptr_t)at;
}

u64 sock_acquired(struct run *run, struct sock *s)
{
	if (s && run->lend_object)
		run->lend_object(run, &s->full, &sock_full_desc, 0, nothing);
	return s ? (uintptr_t)&s->full : 0;
}

static u64 acquired_common(struct run *run, struct sock *s)
{
	if (s && run->lend_object)
		run->lend_object(run, &s->common, &sock_common_desc, 0, nothing);
	return s ? (uintptr_t)&s->common : 0;
}

/* ---- by addresses -------------------------------------------------------------- */

/* What the program asks for; false when it is nothing that a socket has. */
static bool read_tuple(struct sock_tuple *k, const struct bpf_sock_tuple *t, u32 bytes)
{
	if (bytes == sizeof(t->ipv4)) {
		k->family = AF_INET;
		k->remote[0] = t->ipv4.saddr;
		k->local[0] = t->ipv4.daddr;
		k->remote_port = t->ipv4.sport;
		k->local_port = t->ipv4.dport;
	} else if (bytes == sizeof(t->ipv6)) {
		k->family = AF_INET6;
		memcpy(k->remote, t->ipv6.saddr, 16);
		memcpy(k->local, t->ipv6.daddr, 16);
		k->remote_port = t->ipv6.sport;
		k->local_port = t->ipv6.dport;
	} else {
		return false;
	}
	return true;
}

/* There is one network namespace, the packets' own. */
static struct sock *lookup(struct run *run, u64 tuple, u32 bytes, u64 netns, u64 flags,
			   u32 protocol)
{
	struct sock_tuple k = { .protocol = protocol, .ifindex = run->skb.ifindex ?
		run->skb.ifindex : run->xdp.ingress_ifindex };
	struct bpf_sock_tuple t;

	if (flags || (s32)netns >= 0 || bytes > sizeof(t) || !run->socks)
		return NULL;
	memcpy(&t, call_ptr(tuple), bytes);
	return read_tuple(&k, &t, bytes) ? sock_find(run->socks, &k) : NULL;
}

static struct sock *only_full(struct sock *s)
{
	return s && sock_is_full(s) ? s : NULL;
}

HELPER_BODY(call_sk_lookup_tcp)
{
	return sock_acquired(run, only_full(lookup(run, r2, (u32)r3, r4, r5, IPPROTO_TCP)));
}

HELPER_BODY(call_sk_lookup_udp)
{
	return sock_acquired(run, only_full(lookup(run, r2, (u32)r3, r4, r5, IPPROTO_UDP)));
}

HELPER_BODY(call_skc_lookup_tcp)
{
	return acquired_common(run, lookup(run, r2, (u32)r3, r4, r5, IPPROTO_TCP));
}

HELPER_BODY(call_sk_release)
{
	return 0;
}

/* ---- what a pointer is to ------------------------------------------------------- */

HELPER_BODY(call_sk_fullsock)
{
	struct sock *s = sock_at(run, r1);

	return s && sock_is_full(s) ? lend_view(run, &s->full, &sock_full_desc, r1) : 0;
}

HELPER_BODY(call_tcp_sock)
{
	struct sock *s = sock_at(run, r1);

	return s && sock_is_full(s) && s->full.protocol == IPPROTO_TCP ?
		lend_view(run, &s->tcp, &sock_tcp_desc, r1) : 0;
}

HELPER_BODY(call_listener_sock)
{
	struct sock *s = sock_at(run, r1);

	return s && s->full.state == SOCK_LISTEN ?
		lend_view(run, &s->full, &sock_full_desc, r1) : 0;
}

HELPER_BODY(call_sock_cookie)
{
	const struct sock *s = r1 ? sock_at(run, r1) : NULL;

	return s ? s->cookie : 0;
}

/* That of the packet's socket: one that is described, or what is said of it. */
HELPER_BODY(call_skb_sock_cookie)
{
	const struct sock *s = sock_at(run, run->skb.sk);

	return s && s != run->skb_sock ? s->cookie : run->owner.socket_cookie;
}

/* ---- choosing one -------------------------------------------------------------- */

/* A classifier's. A test run is no ingress of a device; where sockets are
 * described it is taken for one. */
HELPER_BODY(call_sk_assign)
{
	struct sock *s = sock_at(run, r2);

	if (!s || r3)
		return call_error(-EINVAL);
	if (!run->socks || !run->socks->described || s == run->skb_sock)
		return call_error(-EOPNOTSUPP);
	run->skb.sk = (uintptr_t)&s->common;
	return 0;
}

enum { LOOKUP_FLAGS = BPF_SK_LOOKUP_F_REPLACE | BPF_SK_LOOKUP_F_NO_REUSEPORT };

/* Why S does not do for the packet: 0 or -errno. */
static int lookup_fits(const struct lookup_view *v, const struct sock *s)
{
	const struct bpf_sock *f = &s->full;

	if (f->protocol == IPPROTO_TCP && f->state != SOCK_LISTEN)
		return -ESOCKTNOSUPPORT;
	if (f->protocol == IPPROTO_UDP && f->state != SOCK_CLOSE)
		return -ESOCKTNOSUPPORT;
	if (f->protocol != v->protocol)
		return -EPROTOTYPE;
	if (f->family != v->family && (f->family == AF_INET || s->v6_only))
		return -EAFNOSUPPORT;
	return 0;
}

HELPER_BODY(call_lookup_assign)
{
	struct lookup_view *v = &run->lookup;
	struct sock *s = r2 ? sock_at(run, r2) : NULL;
	int r = s ? lookup_fits(v, s) : 0;

	if (r3 & ~(u64)LOOKUP_FLAGS)
		return call_error(-EINVAL);
	if (r)
		return call_error(r);
	if (v->sk && !(r3 & BPF_SK_LOOKUP_F_REPLACE))
		return call_error(-EEXIST);
	v->sk = s ? (uintptr_t)&s->full : 0;
	v->no_reuseport = r3 & BPF_SK_LOOKUP_F_NO_REUSEPORT;
	return 0;
}

/* Why S is not one of the group that the packet is for: 0 or -errno. */
static int group_fits(const struct sock *of, const struct sock *s)
{
	if (s->group == of->group)
		return 0;
	if (s->full.protocol != of->full.protocol)
		return -EPROTOTYPE;
	return s->full.family != of->full.family ? -EAFNOSUPPORT : -EBADFD;
}

HELPER_BODY(call_select_reuseport)
{
	struct map *m = call_ptr(r2);
	struct reuse_view *v = &run->reuse;
	struct sock *s = m->ops->lookup(m, call_ptr(r3), run->cpu), *of = sock_at(run, v->sk);
	int r;

	if (!s)
		return call_error(-ENOENT);
	if (!s->group)
		return call_error(m->type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY ? -ENOENT : -EINVAL);
	r = group_fits(of, s);
	if (!r)
		v->chosen = (uintptr_t)&s->full;
	return call_error(r);
}

/* ---- where a stream goes on --------------------------------------------------------- */

/* To S, which does not listen: into its queue of what it received, or out of it. */
static u64 redirect_to(struct run *run, struct sock *s, u64 flags)
{
	if (flags & ~(u64)BPF_F_INGRESS || !s ||
	    (s->full.protocol == IPPROTO_TCP && s->full.state == SOCK_LISTEN))
		return SK_DROP;
	run->skb.redirect_sk = (uintptr_t)&s->full;
	run->skb.redirect_flags = (u32)flags;
	return SK_PASS;
}

HELPER_BODY(call_sk_redirect_map)
{
	struct map *m = call_ptr(r2);
	u32 key = (u32)r3;

	return redirect_to(run, m->ops->lookup(m, &key, run->cpu), r4);
}

HELPER_BODY(call_sk_redirect_hash)
{
	struct map *m = call_ptr(r2);

	return redirect_to(run, m->ops->lookup(m, call_ptr(r3), run->cpu), r4);
}

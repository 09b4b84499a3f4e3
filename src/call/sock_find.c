/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_find.c: which of the described sockets a packet is for. TCP: the
 * connection of these four, else a listener on the address, else one on any.
 * UDP: the socket that says most about the packet, on the address before any.
 *
 * Of equals the first in the list wins: where Linux has a SO_REUSEPORT group
 * its hash, which is keyed anew with each boot, would choose.
 */
#include "call/sock.h"
#include <endian.h>
#include <netinet/in.h>

static const u32 any_addr[4];

static bool same(const u32 a[4], const u32 b[4]) { return !memcmp(a, b, 16); }

static bool on_device(const struct bpf_sock *s, const struct sock_tuple *k)
{
	return !s->bound_dev_if || s->bound_dev_if == k->ifindex;
}

static bool local_port(const struct bpf_sock *s, const struct sock_tuple *k)
{
	return s->src_port == be16toh(k->local_port) && s->protocol == k->protocol;
}

/* The socket's own address is ADDR, for packets of the tuple's family. */
static bool local_is(const struct sock *s, const struct sock_tuple *k, const u32 addr[4])
{
	const struct bpf_sock *f = &s->full;

	if (k->family == AF_INET)
		return !s->v6_only && f->src_ip4 == addr[0];
	return f->family == AF_INET6 && same(f->src_ip6, addr);
}

static bool remote_is(const struct bpf_sock *f, const struct sock_tuple *k, const u32 addr[4])
{
	return k->family == AF_INET ? f->dst_ip4 == addr[0] :
				      f->family == AF_INET6 && same(f->dst_ip6, addr);
}

/* Linux keeps connections of IPv4 where packets of IPv4 look, those of IPv6
 * sockets included. */
static bool is_connection(const struct bpf_sock *f, u32 family)
{
	bool mapped = !f->dst_ip6[0] && !f->dst_ip6[1] && f->dst_ip6[2] == htobe32(0xffff);

	return f->state != SOCK_LISTEN && f->state != SOCK_CLOSE &&
	       (family == AF_INET) == (f->family == AF_INET || mapped);
}

struct sock *sock_find_connected(const struct sock_table *t, const struct sock_tuple *k)
{
	for (u32 i = 0; i < t->n; i++) {
		struct sock *s = &t->v[i];
		const struct bpf_sock *f = &s->full;

		if (is_connection(f, k->family) && local_port(f, k) &&
		    f->dst_port == k->remote_port && on_device(f, k) &&
		    local_is(s, k, k->local) && remote_is(f, k, k->remote))
			return s;
	}
	return NULL;
}

/* How well a listener on ADDR fits; -1 not at all. */
static int listener_score(const struct sock *s, const struct sock_tuple *k, const u32 addr[4])
{
	const struct bpf_sock *f = &s->full;

	if (f->state != SOCK_LISTEN || !local_port(f, k) || !on_device(f, k) ||
	    !local_is(s, k, addr))
		return -1;
	return (f->bound_dev_if ? 2 : 1) + (k->family == AF_INET && f->family == AF_INET);
}

/* The remote end counts when the socket has one, and must be the packet's. */
static int udp_score(const struct sock *s, const struct sock_tuple *k, const u32 addr[4])
{
	const struct bpf_sock *f = &s->full;
	bool v4 = k->family == AF_INET;
	int score = v4 ? 1 + (f->family == AF_INET) : 0, more = v4 ? 4 : 1;

	if (!local_port(f, k) || !on_device(f, k) || !local_is(s, k, addr))
		return -1;
	if (!remote_is(f, k, any_addr)) {
		if (!remote_is(f, k, k->remote))
			return -1;
		score += more;
	}
	if (f->dst_port) {
		if (f->dst_port != k->remote_port)
			return -1;
		score += more;
	}
	return f->bound_dev_if ? score + more : score;
}

static struct sock *best(const struct sock_table *t, const struct sock_tuple *k,
			 const u32 addr[4],
			 int (*score)(const struct sock *, const struct sock_tuple *, const u32 *))
{
	struct sock *found = NULL;
	int most = -1;

	for (u32 i = 0; i < t->n; i++) {
		int n = score(&t->v[i], k, addr);

		if (n > most) {
			most = n;
			found = &t->v[i];
		}
	}
	return found;
}

struct sock *sock_find(const struct sock_table *t, const struct sock_tuple *k)
{
	bool tcp = k->protocol == IPPROTO_TCP;
	struct sock *s = tcp ? sock_find_connected(t, k) : NULL;

	if (!s)
		s = best(t, k, k->local, tcp ? listener_score : udp_score);
	return s ? s : best(t, k, any_addr, tcp ? listener_score : udp_score);
}

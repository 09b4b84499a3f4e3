/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.h: bodies of the helpers on sockets (sock.c) and the look-up of one by
 * addresses (sock_find.c).
 */
#ifndef CALL_SOCK_H
#define CALL_SOCK_H

#include "call/bodies.h"
#include "model/sock.h"

/* Whose socket is asked for: addresses and ports as a packet that comes in has
 * them, the remote end first. Ports in network order, IPv4 in addr[0]. */
struct sock_tuple {
	u32 family, protocol, ifindex;
	u32 remote[4], local[4];
	u16 remote_port, local_port;
};

/* The socket that such a packet is for, as Linux 6.18 finds it; or NULL. */
struct sock *sock_find(const struct sock_table *t, const struct sock_tuple *k);
/* The same among connections alone. */
struct sock *sock_find_connected(const struct sock_table *t, const struct sock_tuple *k);

/* S for the program, which has to release it. S may be NULL. */
u64 sock_acquired(struct run *run, struct sock *s);

HELPER_BODY(call_sk_lookup_tcp);
HELPER_BODY(call_sk_lookup_udp);
HELPER_BODY(call_skc_lookup_tcp);
HELPER_BODY(call_sk_release);
HELPER_BODY(call_sk_fullsock);
HELPER_BODY(call_tcp_sock);
HELPER_BODY(call_listener_sock);
HELPER_BODY(call_sk_assign);
HELPER_BODY(call_lookup_assign);
HELPER_BODY(call_select_reuseport);
HELPER_BODY(call_sk_redirect_map);
HELPER_BODY(call_sk_redirect_hash);
HELPER_BODY(call_sock_cookie);
HELPER_BODY(call_skb_sock_cookie);

#endif

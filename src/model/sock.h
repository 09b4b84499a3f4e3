/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.h: a socket as programs of the embedded engine know it. Users describe
 * sockets (host/sockets.h); nothing here is one of the system's.
 */
#ifndef MODEL_SOCK_H
#define MODEL_SOCK_H

#include "model/run.h"
#include "model/tables.h"
#include <linux/bpf.h>

/*
 * COMMON and FULL have the same values. They are two so that a pointer says by
 * its address which fields a program may read through it (ctx/sock.def).
 */
struct sock {
	struct bpf_sock common, full;
	struct bpf_tcp_sock tcp;
	u64 cookie;
	const char *name;
	u32 group;		/* SO_REUSEPORT: that of a group; 0 = not set */
	bool v6_only;
	bool array;		/* a REUSEPORT_SOCKARRAY has it */
	u32 maps;		/* elements of SOCKMAPs and SOCKHASHes that have it */
};

struct sock_table {
	struct sock *v;
	u32 n;
	bool described;		/* there is a list, which may be empty */
};

/* As <netinet/tcp.h> has them, and one that it has not. */
enum {
	SOCK_ESTABLISHED = 1, SOCK_TIME_WAIT = 6, SOCK_CLOSE = 7, SOCK_LISTEN = 10,
	SOCK_NEW_SYN_RECV = 12,
};

/* The kinds of pointers to sockets (ctx_desc.kind). */
extern const struct ctx_desc sock_common_desc, sock_full_desc, sock_tcp_desc;

/* Has it all fields, unlike what stands for a connection that begins or is over? */
static inline bool sock_is_full(const struct sock *s)
{
	return s->full.state != SOCK_TIME_WAIT && s->full.state != SOCK_NEW_SYN_RECV;
}

/* The socket that a program's pointer is to, of whatever kind; or NULL. */
static inline struct sock *sock_at(const struct run *run, u64 addr)
{
	const struct sock_table *t = run->socks;
	u64 off = t ? addr - (u64)(uintptr_t)t->v : UINT64_MAX;

	if (run->skb_sock && addr - (u64)(uintptr_t)run->skb_sock < sizeof(struct sock))
		return run->skb_sock;
	return off < (u64)(t ? t->n : 0) * sizeof(struct sock) ? &t->v[off / sizeof(struct sock)]
							       : NULL;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets.h: the sockets that users describe for programs that look them up: as
 * `ss -tuaneH` prints those of a system, or field by field.
 */
#ifndef HOST_SOCKETS_H
#define HOST_SOCKETS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "model/sock.h"

enum { SOCKETS_MAX = 1 << 20, SOCK_WHY_BYTES = 160 };

struct sockets {
	VEC(struct sock) v;
	VEC(const char *) groups;	/* of SO_REUSEPORT; group N is [N - 1] */
	struct arena names;
};

/* A description that is not complete yet. Addresses in network order, an IPv4
 * address in [0]. */
struct sock_text {
	const char *name, *group;	/* NULL: none is given */
	u32 protocol, family, state;	/* 0: not given */
	u32 local[4], remote[4];
	u16 local_port, remote_port;	/* in the order of this machine */
	bool has_local, has_remote, v6_only, has_v6_only, has_cookie;
	bool own_group;			/* with those of the same address */
	u32 mark, priority, ifindex;
	s32 queue;
	u64 cookie;
	struct bpf_tcp_sock tcp;
};

void sock_text_init(struct sock_text *t);
/* Field KEY ("protocol", "local" ...) gets VALUE; -EINVAL and the reason in WHY.
 * Strings stay where they are. */
int sock_text_set(struct sock_text *t, const char *key, const char *value,
		  char why[SOCK_WHY_BYTES]);
/* "protocol, state, ..." for messages. */
const char *sock_text_keys(void);
/* Adds what T describes; -EINVAL and the reason in WHY. */
int sockets_add(struct sockets *l, const struct sock_text *t, char why[SOCK_WHY_BYTES]);

/* Adds what the N bytes of TEXT, output of `ss -tuaneH`, list. FILE is for
 * messages. Errors: SOCKETS. */
int sockets_read_ss(struct sockets *l, const char *text, size_t n, const char *file,
		    struct skep_err *err);
/* Names and cookies tell sockets apart: else SOCKETS. */
int sockets_check(const struct sockets *l, const char *file, struct skep_err *err);
/* By name, or by cookie; -1. */
s64 sockets_find(const struct sockets *l, const char *name);
s64 sockets_by_cookie(const struct sockets *l, u64 cookie);
void sockets_free(struct sockets *l);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* args.h: between the files that judge arguments of helpers (private to verify). */
#ifndef VERIFY_ARGS_H
#define VERIFY_ARGS_H

#include "verify/call.h"

struct arg {
	struct call *call;
	unsigned i;		/* from 0 */
	unsigned reg;		/* i + 1 */
	struct reg *r;
	u8 kind;		/* enum helper_arg, enum proto_arg */
};

typedef void arg_fn(struct verifier *v, struct state *s, struct arg *a);

/* What arguments must be, in the kernel's words. */
#define ARG_WANTS_MEM \
	"fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"
#define ARG_WANTS_SOCK_COMMON "sock_common, sock, tcp_sock, xdp_sock"
#define ARG_WANTS_SOCK ARG_WANTS_SOCK_COMMON ", ptr_, trusted_ptr_"
#define ARG_WANTS_OBJECT "ptr_, trusted_ptr_, rcu_ptr_"
#define ARG_WANTS_PERCPU "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_"

struct why arg_why(const struct arg *a, const char *expected);
/* The argument is not what is EXPECTED, in the kernel's words. */
void arg_wrong(struct verifier *v, const struct arg *a, const char *expected);
/* NULL where that is allowed; it matters then that it is. */
bool arg_takes_null(struct verifier *v, const struct arg *a);

/* args_object.c: sockets, objects of the kernel's types. */
void arg_sock(struct verifier *v, struct state *s, struct arg *a);
void arg_object(struct verifier *v, struct state *s, struct arg *a);
void arg_object_or_null(struct verifier *v, struct state *s, struct arg *a);
void arg_percpu(struct verifier *v, struct state *s, struct arg *a);

#endif

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

struct why arg_why(const struct arg *a, const char *expected);
/* The argument is not what is EXPECTED, in the kernel's words. */
void arg_wrong(struct verifier *v, const struct arg *a, const char *expected);
bool arg_is_null(const struct reg *r);
/* NULL where that is allowed; it matters then that it is. */
bool arg_takes_null(struct verifier *v, const struct arg *a);

/* args_object.c: sockets, objects of the kernel's types. */
void arg_sock(struct verifier *v, struct state *s, struct arg *a);
void arg_object(struct verifier *v, struct state *s, struct arg *a);
void arg_object_or_null(struct verifier *v, struct state *s, struct arg *a);
void arg_percpu(struct verifier *v, struct state *s, struct arg *a);

#endif

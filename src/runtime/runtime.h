/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.h: the embedded engine: owns maps and decoded programs and runs them:
 * those that were verified in the fast interpreter, others in the checked one. One
 * thread at a time may use a runtime; separate runtimes are independent.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "model/host.h"

struct runtime_opts {
	const struct host *const *hosts;	/* NULL-terminated */
	u32 cpus;		/* virtual cpu slots; 0 = as many as the machine has */
	u64 rand_seed;		/* of bpf_get_prandom_u32; 0 = from the clock */
	void (*print)(void *arg, const char *text, size_t n);	/* bpf_printk */
	void *print_arg;
	bool probe;		/* programs may read all memory of this process */
	bool virtual_clock;	/* time is that of struct test_run */
	struct net *net;	/* what programs see of a network, or NULL; the runtime
				   frees it */
};

/* A backend whose ops->close frees it. */
int runtime_open(struct backend **out, const struct runtime_opts *opts,
		 struct skep_err *err);

#endif

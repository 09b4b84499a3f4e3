/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.h: the embedded engine: owns maps and decoded programs and runs them: those
 * that were verified compiled to native code, or in the fast interpreter where there is
 * no compiler or no memory for code; others in the checked one. Several
 * threads may run programs, each on a virtual cpu of its own (seat.c), and use maps;
 * what opens, loads and closes is for one thread. Separate runtimes are independent.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "jit/jit.h"
#include "model/host.h"
#include "model/rewrite.h"
#include <skep/skep.h>

/* Which compiler is for verified programs. */
enum runtime_jit {
	RUNTIME_JIT_AUTO,	/* the optimising one up to a size (native.c) */
	RUNTIME_JIT_OFF, RUNTIME_JIT_FAST, RUNTIME_JIT_OPT,
};

struct runtime_opts {
	const struct host *const *hosts;	/* NULL-terminated */
	u32 cpus;		/* virtual cpu slots; 0 = as many as the machine has */
	u64 rand_seed;		/* of bpf_get_prandom_u32; 0 = from the clock */
	void (*print)(void *arg, const char *text, size_t n);	/* bpf_printk */
	void *print_arg;
	bool probe;		/* programs may read all memory of this process */
	enum runtime_jit jit;
	bool counts;		/* vm_count() of what runs in the checked interpreter */
	u32 (*stack)(void *arg, bool user, u64 *ips, u32 max);	/* run->stack */
	void *stack_arg;
	bool virtual_clock;	/* time is that of struct test_run */
	struct net *net;	/* what programs see of a network, or NULL; the runtime
				   frees it */
};

/* A backend whose ops->close frees it. */
int runtime_open(struct backend **out, const struct runtime_opts *opts,
		 struct skep_err *err);

/*
 * What the calling thread is ready to run at once (single.c): the program with TICKET
 * (prog_ticket) on a packet as RUN says. Any other run, and what changes the runtime, makes
 * that out of date.
 */
struct runtime_single {
	u64 ticket;		/* 0: nothing */
	u32 ifindex, rx_queue;	/* as users ask */
	u64 asked;		/* of a budget */
	const u32 *version_at;	/* the runtime's, which must be VERSION */
	u32 version;
	const u32 *running;	/* of the seat: a program runs that may have called us */
	struct run *run;
	helper_fn fn;
	u64 budget;
};
extern _Thread_local __attribute__((tls_model("initial-exec"))) struct runtime_single
	runtime_single;

_Static_assert(offsetof(struct skep_run, rx_queue) == offsetof(struct skep_run, ifindex) + 4,
	       "both are compared at once");

static inline bool runtime_single_fits(const struct runtime_single *q, u64 ticket,
				       const struct skep_run *run)
{
	return likely(q->ticket == ticket && run->data && run->budget == q->asked &&
		      !memcmp(&run->ifindex, &q->ifindex, 8) && run->repeat <= 1 &&
		      run->data_bytes <= XDP_LINEAR_BYTES && !run->ctx_in && !*q->running &&
		      __atomic_load_n(q->version_at, __ATOMIC_ACQUIRE) == q->version);
}

/* Runs it, if it fits. Errors as of test_run. */
int runtime_single_run(struct skep_run *run, struct skep_err *err, struct runtime_single *q);

/* Compiles CODE, which was decoded from RW, and makes it run so until *OUT is freed, which
 * is after CODE. Errors as of jit_compile. */
int runtime_native(struct jit_code **out, struct vm_code *code, const struct rewrite *rw,
		   enum jit_tier tier, const char *where, struct skep_err *err);

#endif

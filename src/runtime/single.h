/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * single.h: one packet to a compiled program, when the calling thread is ready for it
 * (single.c makes it so, and says when). Inline, for a call would be half of it: an empty
 * program takes 70 instructions in all, and each counts.
 */
#ifndef RUNTIME_SINGLE_H
#define RUNTIME_SINGLE_H

#include "base/err.h"
#include "model/run.h"
#include <skep/skep.h>

/*
 * Ready for the program with TICKET (backend.h) on a packet as RUN says. Any other run, and
 * what changes the runtime, makes that out of date.
 */
struct runtime_single {
	u64 ticket;		/* 0: nothing */
	u64 plain;		/* the same, or 0: the program may write to packets, so that
				   it gets a copy, or leaves more in the run than r0 */
	u32 ifindex, rx_queue;	/* as users ask */
	u64 asked;		/* of a budget */
	struct run *run;
	helper_fn fn;
	u64 budget;
	bool copies;		/* the program may write to packets */
};
extern _Thread_local __attribute__((tls_model("initial-exec"))) struct runtime_single
	runtime_single;

_Static_assert(offsetof(struct skep_run, rx_queue) == offsetof(struct skep_run, ifindex) + 4,
	       "both are compared at once");

/* The same for any program; 1: not ready. */
int runtime_single_other(const u64 *ticket, struct skep_run *t, struct skep_err *err);
/* What stopped RUN, in run->err. */
int runtime_single_stopped(struct run *run);

/* Programs may have pointers to maps and objects between the two: plain stores, which
 * others make visible before they look (seat.c). */
static inline void run_begins(struct run *run)
{
	__atomic_store_n(&run->turn.on, 1, __ATOMIC_RELAXED);
	__asm__ volatile("" : : : "memory");
}

static inline void run_ends(struct run *run)
{
	__atomic_store_n(&run->turn.both, 0, __ATOMIC_RELEASE);
}

/* Is it asked as it was made ready, and is no other program of the thread under way? */
static inline bool single_asked(const struct runtime_single *q, const struct skep_run *t)
{
	return likely(t->data_bytes <= XDP_LINEAR_BYTES) && likely(t->data) &&
	       likely(t->repeat <= 1) && likely(t->budget == q->asked) &&
	       likely(!memcmp(&t->ifindex, &q->ifindex, 8)) && likely(!t->ctx_in) &&
	       likely(!q->run->turn.on);
}

/* All results but RETVAL, before it is there: the fewer registers live through the run. */
static inline void single_results(struct skep_run *t, const void *data, u64 bytes,
				  struct skep_err *err)
{
	t->data_out = data;
	t->data_out_bytes = (u32)bytes;
	memset(&t->redirect_ifindex, 0,
	       sizeof(*t) - offsetof(struct skep_run, redirect_ifindex));
	err_clear(err);
	__asm__ volatile("" : : : "memory");	/* stores to a line of the cache lie together */
}

/* r2 to r5 are what they are: no verified program reads them. */
static inline void single_call(const struct runtime_single *q, struct run *run)
{
	u64 r2, r3, r4, r5, ret;

	__asm__("" : "=r"(r2), "=r"(r3), "=r"(r4), "=r"(r5));
	run_begins(run);
	ret = q->fn((u64)run, r2, r3, r4, r5, run);
	run_ends(run);
	run->user->retval = (u32)ret;
}

/* A program that neither writes to packets nor leaves anything behind. */
static inline bool runtime_single_fits(const struct runtime_single *q, const u64 *ticket,
				       const struct skep_run *t)
{
	u64 now = __atomic_load_n(ticket, __ATOMIC_ACQUIRE);

	return likely(now == q->plain) && single_asked(q, t);
}

/* Then it runs on the packet where it lies. Errors as of test_run. */
static inline int runtime_single_run(const struct runtime_single *q, struct skep_run *t,
				     struct skep_err *err)
{
	struct run *run = q->run;
	u8 *data = (u8 *)t->data;
	u64 bytes = t->data_bytes;

	single_results(t, data, bytes, err);
	run->pkt.data = data;
	__asm__ volatile("" : : : "memory");	/* no detour by a vector */
	run->pkt.data_end = data + bytes;
	run->user = t;
	run->err = err;
	single_call(q, run);
	return unlikely(run->stop) ? runtime_single_stopped(run) : 0;
}

#endif

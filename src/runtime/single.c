/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * single.c: one packet to a compiled program, as fast as can be. In: a program that
 * neither moves nor forwards packets, and is asked for nothing else. What a run sets up is
 * the same from one packet to the next: it is made when the program, or what is asked, is
 * another, and noted in the thread until any other run comes (runtime_seat_run). What
 * does not fit is for test_run (runtime.c), to which nothing of this is known.
 */
#include "runtime/private.h"

_Thread_local struct runtime_single runtime_single;

u64 rt_prog_ticket(struct backend *b, u32 prog)
{
	return rt_of(b)->progs.v[prog]->ticket;
}

static bool is_for_us(const struct seat *s, const struct runtime_prog *p)
{
	return (p->jit || p->tier.tier == TIER_AOT) && p->in_place &&
	       !s->run.clock.is_virtual && !s->run.timers &&
	       !s->running && !__atomic_load_n(&s->rt->dead, __ATOMIC_RELAXED);
}

/* 1: it takes a run of the other kind. */
__attribute__((noinline))
static int get_ready(struct seat *s, const struct runtime_prog *p, const struct skep_run *t,
		     struct skep_err *err)
{
	const struct test_run none = { .ifindex = t->ifindex, .rx_queue = t->rx_queue };
	struct runtime_single q = {
		.ticket = p->ticket, .version_at = &s->rt->version, .version = s->version,
		.ifindex = t->ifindex, .rx_queue = t->rx_queue,
		.asked = t->budget, .budget = t->budget ? t->budget : p->budget,
		.run = &s->run, .running = &s->running,
	};
	int r;

	runtime_single.ticket = 0;
	if (s->copies.v.n)
		forward_reset(s);
	r = p->host->begin(&s->run, s->buffer, &none, err);
	if (r)
		return r;
	s->run.pkt_read_only = p->host->read_only;
	if (!vm_many(s->machine, p->code, &s->run, q.budget, &q.fn))
		return 1;
	runtime_single = q;
	return 0;
}

int rt_test_run_single(struct backend *b, u32 prog, struct skep_run *t, struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	struct seat *s;
	int r = runtime_seat(rt, &s, err);

	if (r)
		return r;
	if (prog >= rt->progs.n || !is_for_us(s, rt->progs.v[prog]))
		return 1;
	r = get_ready(s, rt->progs.v[prog], t, err);
	if (r)
		return r;
	return runtime_single_fits(&runtime_single, runtime_single.ticket, t) ?
		runtime_single_run(t, err, &runtime_single) : 1;
}

/* Most packets are short: without a call. */
static inline void copy_packet(u8 *to, const u8 *from, u32 bytes)
{
	if (likely(bytes - 32 <= 32)) {
		memcpy(to + bytes - 32, from + bytes - 32, 32);
		memcpy(to, from, 32);
	} else {
		memcpy(to, from, bytes);
	}
}

__attribute__((noinline))
static int stopped(struct seat *s, struct skep_err *err)
{
	runtime_single.ticket = 0;
	vm_many_end(s->machine);
	return runtime_fault(s, err);
}

/* All results that there are. */
static inline void give(struct skep_run *t, const struct run *run, u32 ret)
{
	t->ctx_out_bytes = 0;
	t->ctx_out = NULL;
	t->retval = ret;
	t->data_out_bytes = t->data_bytes;
	t->data_out = run->pkt.data;
	t->redirect_ifindex = run->xdp.redirect_ifindex;
	t->redirect_flags = 0;
	t->tc_classid = 0;
	t->insns = t->duration_ns = t->socket_cookie = 0;
}

int runtime_single_run(struct skep_run *t, struct skep_err *err, struct runtime_single *q)
{
	struct run *run = q->run;
	struct seat *s = seat_of_run(run);
	u32 ret;

	copy_packet(run->pkt.data, t->data, t->data_bytes);
	run->pkt.data_end = run->pkt.data + t->data_bytes;
	run->xdp.redirect_ifindex = 0;
	run->redirect.map = NULL;
	run->frames = NULL;
	run->left = (s64)q->budget;
	/* run_enter and run_leave of who knows that it was 0: nothing waits for what a run
	   before has stored */
	__atomic_store_n(&s->running, 1, __ATOMIC_RELAXED);
	__asm__ volatile("" : : : "memory");
	ret = (u32)q->fn((u64)run, 0, 0, 0, 0, run);
	run_ended(s);
	__atomic_store_n(&s->running, 0, __ATOMIC_RELEASE);
	if (unlikely(run->stop))
		return stopped(s, err);
	give(t, run, ret);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * single.c: one packet to a compiled program, as fast as can be. In: a program that
 * neither moves nor forwards packets, and is asked for nothing else. What a run sets up is
 * the same from one packet to the next: it is made when the program, or what is asked, is
 * another, and noted in the thread until any other run comes (runtime_seat_run). What
 * does not fit is for test_run (runtime.c), to which nothing of this is known.
 */
#include "call/call.h"
#include "model/rewrite.h"
#include "model/tables.h"
#include "runtime/private.h"

_Thread_local struct runtime_single runtime_single;

const u64 *rt_prog_ticket(struct backend *b, u32 prog)
{
	return &rt_of(b)->progs.v[prog]->ticket;
}

void runtime_new_tickets(struct runtime *rt)
{
	static u64 given;	/* by all runtimes */

	for (size_t i = 0; i < rt->progs.n; i++)
		__atomic_store_n(&rt->progs.v[i]->ticket,
				 __atomic_add_fetch(&given, 1, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
}

/* Is there anything after a run but what it answers, that the next must not find? */
static bool leaves_something(const struct rewrite *code)
{
	for (u32 i = 0; i < code->nr_insns; i++) {
		const struct bpf_insn *in = &code->insns[i];

		if (in->code != (BPF_JMP | BPF_CALL) || in->src_reg == BPF_PSEUDO_CALL)
			continue;
		if (in->src_reg || helper_effects((u32)in->imm) & 1u << EFFECT_PKT_SEND)
			return true;
	}
	return !code->bound;
}

/* Perhaps; programs that do not are not told. */
static bool asks_for_meta(const struct rewrite *code)
{
	for (u32 i = 0; i < code->nr_insns; i++)
		if (code->insns[i].code == (BPF_LDX | BPF_MEM | BPF_DW) &&
		    code->insns[i].off == offsetof(struct run, pkt.data_meta))
			return true;
	return false;
}

void runtime_single_judge(struct runtime_prog *p, const struct rewrite *code)
{
	p->copies = !code || code->writes_packet;
	p->plain = !p->copies && !leaves_something(code) && !asks_for_meta(code) &&
		   !vm_native_frames(p->code, call_asks);
}

static bool is_for_us(const struct seat *s, const struct runtime_prog *p)
{
	return (p->jit || p->tier.tier == TIER_AOT) && p->in_place &&
	       !s->run.clock.is_virtual && !s->run.timers && !run_under_way(s) &&
	       !__atomic_load_n(&s->rt->dead, __ATOMIC_RELAXED);
}

/* 1: it takes a run of the other kind. */
__attribute__((noinline))
static int get_ready(struct seat *s, const struct runtime_prog *p, const struct skep_run *t,
		     struct skep_err *err)
{
	const struct test_run none = { .ifindex = t->ifindex, .rx_queue = t->rx_queue };
	struct runtime_single q = {
		.ticket = __atomic_load_n(&p->ticket, __ATOMIC_ACQUIRE),
		.ifindex = t->ifindex, .rx_queue = t->rx_queue,
		.asked = t->budget, .budget = t->budget ? t->budget : p->budget,
		.run = &s->run, .copies = p->copies,
	};
	int r;

	runtime_single.ticket = runtime_single.plain = 0;
	if (s->copies.v.n)
		forward_reset(s);
	r = p->host->begin(&s->run, s->buffer, &none, err);
	if (r)
		return r;
	s->run.pkt_read_only = p->host->read_only;
	if (!vm_many(s->machine, p->code, &s->run, q.budget, &q.fn))
		return 1;
	q.plain = p->plain ? q.ticket : 0;
	runtime_single = q;
	return 0;
}

int rt_test_run_single(struct backend *b, u32 prog, struct skep_run *t, struct skep_err *err)
{
	const struct runtime_prog *p;
	struct runtime *rt = rt_of(b);
	struct seat *s;
	int r = runtime_seat(rt, &s, err);

	if (r)
		return r;
	if (prog >= rt->progs.n || !is_for_us(s, rt->progs.v[prog]))
		return 1;
	p = rt->progs.v[prog];
	r = get_ready(s, p, t, err);
	if (r)
		return r;
	return runtime_single_other(&p->ticket, t, err);
}

/* Most packets are short: without a call. */
static inline void copy_packet(struct packet_buf *p, const u8 *from, u32 bytes)
{
	if (likely(bytes - 32 <= 32)) {
		memcpy(p->data + bytes - 32, from + bytes - 32, 32);
		memcpy(p->data, from, 32);
	} else {
		memcpy(p->data, from, bytes);
	}
}

int runtime_single_other(const u64 *ticket, struct skep_run *t, struct skep_err *err)
{
	const struct runtime_single *q = &runtime_single;
	struct run *run = q->run;

	if (unlikely(__atomic_load_n(ticket, __ATOMIC_ACQUIRE) != q->ticket || !single_asked(q, t)))
		return 1;
	if (q->copies)
		copy_packet(&run->pkt, t->data, t->data_bytes);
	else
		run->pkt.data = run->pkt.data_meta = (u8 *)t->data;
	run->pkt.data_end = run->pkt.data + t->data_bytes;
	run->xdp.redirect_ifindex = 0;
	run->redirect.map = NULL;
	run->frames = NULL;
	run->left = (s64)q->budget;
	run->user = t;
	run->err = err;
	single_results(t, run->pkt.data, t->data_bytes, err);
	single_call(q, run);
	t->redirect_ifindex = run->xdp.redirect_ifindex;
	return unlikely(run->stop) ? runtime_single_stopped(run) : 0;
}

__attribute__((noinline))
int runtime_single_stopped(struct run *run)
{
	struct seat *s = seat_of_run(run);

	runtime_single.ticket = runtime_single.plain = 0;
	vm_many_end(s->machine);
	return runtime_fault(s, run->err);
}

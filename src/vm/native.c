/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native.c: compiled programs as the interpreters see them: what their calls, probes
 * and ends are bound to, and the ways between engines. In: decoded code of mode
 * VM_FAST, whose slots compiled code names. Knows no compiler: who has one takes the
 * vm_native_* functions for its struct jit_bind.
 *
 * Compiled code has its frames on the stack of the thread. It keeps account of the
 * same things as the fast interpreter, by the same functions; so that what it took is
 * given back when the budget ends a program.
 */
#include "model/rewrite.h"
#include "vm/machine.h"

/* A place that compiled code stops at, or calls from. */
struct vm_site {
	const struct vm_code *code;
	u32 slot;
};

void vm_code_native(struct vm_code *code, const struct vm_native *n)
{
	code->native = *n;
}

const char *vm_native_lacks(const struct vm_code *code) { return code->no_native; }

/* ---- what compiled code is bound to ------------------------------------------ */

static const struct vm_call *call_at(const struct vm_code *code, u32 at)
{
	return &code->calls[code->insns[at].imm];
}

u64 vm_native_address(const struct vm_code *code, u32 at)
{
	const struct vm_insn *in = &code->insns[at];

	return (u32)in[0].imm | (u64)(u32)in[1].imm << 32;
}

u32 vm_native_params(const struct vm_code *code, u32 at)
{
	const struct vm_call *c = call_at(code, at);
	u32 mask = 0;

	if (!c->row)
		return 0x3e;
	for (u32 i = 0; i < 5 && c->row->args[i] != ARG_NONE; i++)
		mask |= 2u << i;
	return mask;
}

/* Loops over iterators end when these say so. */
u32 vm_native_cost(const struct vm_code *code, u32 at)
{
	const struct vm_call *c = call_at(code, at);
	const char *name = c->row ? c->row->name : "";

	return !strncmp(name, "bpf_iter_", 9) || !strncmp(name, "iter_", 5) ? VM_CALL_COST : 0;
}

static bool is_tail_call(const struct vm_call *c)
{
	return c->id == BPF_FUNC_tail_call && !c->ext;
}

/* Does it take more than a call? */
static bool is_watched(const struct vm_call *c)
{
	return !is_tail_call(c) && (!c->fn || vm_keeps_account(c->row));
}

static bool is_call(const struct vm_code *code, u32 at)
{
	return code->bind.insns[at].code == (BPF_JMP | BPF_CALL) &&
	       code->bind.insns[at].src_reg != BPF_PSEUDO_CALL;
}

static struct vm_site *sites(struct vm_code *code)
{
	if (!code->sites)
		code->sites = arena_news(&code->arena, code->nr_insns, struct vm_site);
	return code->sites;
}

u64 vm_native_site(struct vm_code *code, u32 at, bool calls)
{
	if (calls && is_call(code, at) && !is_watched(call_at(code, at)))
		return 0;
	sites(code)[at] = (struct vm_site){ code, at };
	return (uintptr_t)&code->sites[at];
}

u64 vm_native_sites(struct vm_code *code)
{
	for (u32 at = 0; at < code->nr_insns; at++)
		sites(code)[at] = (struct vm_site){ code, at };
	return (uintptr_t)code->sites;
}

u32 vm_native_at(const void *at, const void **user)
{
	const struct vm_site *s = at;

	*user = s->code->bind.user;
	return s->slot;
}

u64 vm_native_site_off(u32 at) { return (u64)at * sizeof(struct vm_site); }

bool vm_native_frames(const struct vm_code *code, bool (*asks)(helper_fn fn))
{
	bool tail = false, local = false, probe = false, sign;

	for (u32 i = 0; i < code->nr_calls; i++) {
		tail |= is_tail_call(&code->calls[i]);
		probe |= code->calls[i].fn && asks(code->calls[i].fn);
	}
	for (u32 i = 0; i < code->bind.nr_insns && !probe; i++) {
		const struct bpf_insn *in = &code->bind.insns[i];

		local |= in->code == (BPF_JMP | BPF_CALL) && in->src_reg == BPF_PSEUDO_CALL;
		probe = rewrite_is_probe(in, &sign);
	}
	return probe || (tail && local);
}

/* ---- stops -------------------------------------------------------------------- */

static void place_at(struct vm_machine *m, const struct vm_code *code, u32 slot)
{
	m->fault.user = code->bind.user;
	m->fault.insn = vm_slot(code, code->insns + slot);
}

static void place(struct vm_machine *m, const struct vm_site *s)
{
	place_at(m, s->code, s->slot);
}

static void no_budget(struct vm_machine *m)
{
	vm_fault_budget(m);
}

void vm_native_stopped(struct vm_machine *m)
{
	const struct vm_site *s = m->run->at;

	if (m->fault.kind)
		return;
	if (s->code->bind.insns[s->slot].code == REWRITE_TRAP)
		vm_fault_set(m, VM_FAULT_END, "control is where the verifier ruled out "
			     "that it comes");
	else
		no_budget(m);
	place(m, s);
}

/* Calls FN, which is compiled, with what is left of the budget. */
static u64 call_native(struct vm_machine *m, helper_fn fn, const u64 r[6])
{
	struct run *run = m->run;
	const struct run_frame *frames = run->frames;
	u64 ret;

	m->native = true;
	run->callback = vm_native_callback;
	run->left = (s64)m->left;
	ret = fn(r[1], r[2], r[3], r[4], r[5], run);
	run->frames = frames;
	m->left = run->left < 0 ? 0 : (u64)run->left;
	if (unlikely(run->stop))
		vm_native_stopped(m);
	return ret;
}

/* ---- calls ---------------------------------------------------------------------- */

/* A call that something is noted of, or that has no body. */
static u64 watched(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run)
{
	const u64 r[6] = { 0, r1, r2, r3, r4, r5 };
	const struct vm_site *s = run->at;
	const struct vm_call *c = call_at(s->code, s->slot);
	struct vm_machine *m = run->engine;
	u64 ret;

	m->code = s->code;
	m->at = &s->code->insns[s->slot];
	m->native = true;
	if (unlikely(!c->fn)) {
		vm_check_args(m, c, r);
		place(m, s);
		return 0;
	}
	vm_keep_account(m, c, r);
	m->left = run->left < 0 ? 0 : (u64)run->left;
	ret = c->fn(r1, r2, r3, r4, r5, run);
	run->left = (s64)m->left;
	return ret;
}

/* A callback that there is no budget for. */
__attribute__((noinline))
static u64 callback_refused(struct run *run, u64 func)
{
	struct vm_machine *m = run->engine;
	const struct vm_site *s = run->at;
	s64 at = s->code->native.slot(s->code->native.arg, func);

	if (run->stop)
		return 0;
	no_budget(m);
	place_at(m, s->code, at < 0 ? s->slot : (u32)at);
	return 0;
}

u64 vm_native_callback(struct run *run, u64 func, const u64 args[5])
{
	helper_fn fn = (helper_fn)(uintptr_t)func;
	struct vm_machine *m = run->engine;
	const struct vm_code *code = m->code;
	const struct run_frame *frames = run->frames;
	const void *at = run->at;
	u64 ret;

	if (unlikely(run->stop || m->left < VM_CALL_COST))
		return callback_refused(run, func);
	run->left = (s64)(m->left - VM_CALL_COST);
	ret = fn(args[0], args[1], args[2], args[3], args[4], run);
	run->frames = frames;
	m->left = run->left < 0 ? 0 : (u64)run->left;
	if (unlikely(run->stop))
		vm_native_stopped(m);
	m->code = code;
	run->at = at;
	return ret;
}

/* bpf_loop, without a detour for each callback: kernels put that loop into the program.
 * call/loop.c says the same to who interprets. */
static u64 loop(u64 r1, u64 func, u64 ctx, u64 flags, u64 r5 UNUSED, struct run *run)
{
	helper_fn fn = (helper_fn)(uintptr_t)func;
	const struct run_frame *frames = run->frames;
	const void *at = run->at;
	u32 nr = (u32)r1, i = 0;
	u64 stop = 0;

	if (flags)
		return (u64)-EINVAL;
	if (nr > MAY_GOTO_MAX)
		return (u32)-E2BIG;
	while (i < nr && !stop) {
		if (unlikely(run->left < VM_CALL_COST)) {
			run->at = at;
			return callback_refused(run, func);
		}
		run->left -= VM_CALL_COST;
		stop = fn(i++, ctx, 0, 0, 0, run);
		run->frames = frames;
		if (unlikely(run->stop))
			return 0;
	}
	return i;
}

/* bpf_spin_lock and bpf_spin_unlock, with what vm_keep_account would note of them. */
static u64 spin_lock(u64 lock, u64 r2 UNUSED, u64 r3 UNUSED, u64 r4 UNUSED, u64 r5 UNUSED,
		     struct run *run)
{
	const struct vm_site *s = run->at;
	struct vm_machine *m = run->engine;

	m->code = s->code;
	m->lock = (u32 *)lock;
	m->lock_at = &s->code->insns[s->slot];
	return call_at(s->code, s->slot)->fn(lock, 0, 0, 0, 0, run);
}

static u64 spin_unlock(u64 lock, u64 r2 UNUSED, u64 r3 UNUSED, u64 r4 UNUSED, u64 r5 UNUSED,
		       struct run *run)
{
	const struct vm_site *s = run->at;
	struct vm_machine *m = run->engine;

	m->lock = NULL;
	return call_at(s->code, s->slot)->fn(lock, 0, 0, 0, 0, run);
}

/* A body of our own for a helper that has one, or NULL. */
static helper_fn own_body(const struct vm_call *c)
{
	if (!c->fn || c->row != helper_row(c->id))
		return NULL;
	switch (c->id) {
	case BPF_FUNC_loop:
		return loop;
	case BPF_FUNC_spin_lock:
		return spin_lock;
	case BPF_FUNC_spin_unlock:
		return spin_unlock;
	default:
		return NULL;
	}
}

helper_fn vm_native_body(const struct vm_code *code, u32 at)
{
	const struct vm_call *c = call_at(code, at);
	helper_fn own = own_body(c);

	if (own)
		return own;
	return is_watched(c) ? watched : c->fn;
}

/* ---- from program to program ------------------------------------------------------ */

u64 vm_func_native(struct vm_machine *m, u64 func, const u64 *r)
{
	u64 ret;

	ret = call_native(m, (helper_fn)(uintptr_t)func, r);
	m->native = false;
	vm_left(m);
	return m->fault.kind ? 0 : ret;
}

u64 vm_go_native(struct vm_machine *m)
{
	const u64 r[6] = { 0, m->ctx };
	u32 depth = m->depth;
	bool was = m->native;
	u64 ret = call_native(m, m->code->native.fn, r);

	m->depth = depth;
	m->native = was;
	if (!was)
		m->run->callback = vm_callback;
	return ret;
}

/* The machine's program, which is interpreted, after one that is compiled. */
static u64 interpret(u64 r1 UNUSED, u64 r2 UNUSED, u64 r3 UNUSED, u64 r4 UNUSED, u64 r5 UNUSED,
		     struct run *run)
{
	struct vm_machine *m = run->engine;
	u32 depth = m->depth;
	u64 r[VM_REGS], ret;

	m->left = run->left < 0 ? 0 : (u64)run->left;
	m->native = false;
	run->callback = vm_callback;
	m->frames[depth].may_goto = MAY_GOTO_MAX;
	vm_regs_init(r, m->ctx, vm_frame_top(m, depth));
	ret = vm_go_other(m, r);
	run->left = (s64)m->left;
	run->callback = vm_native_callback;
	m->depth = depth;
	m->native = true;
	return ret;
}

void *vm_native_tail(struct run *run, struct map *map, u32 index)
{
	u64 r[4] = { 0, 0, (uintptr_t)map, index }, left = run->left < 0 ? 0 : (u64)run->left;
	struct vm_machine *m = run->engine;
	const struct vm_code *to = vm_tail_target(m, r);

	if (!to)
		return NULL;
	/* the frame below stays the former program's, whose maps count */
	m->frames[++m->depth].code = m->code;
	m->limit++;
	m->code = to;
	return vm_runs_native(to, left) ? to->native.entry : (void *)(uintptr_t)interpret;
}

/* ---- loads that may fault ----------------------------------------------------------- */

#define PROBE(name, ctype) \
	static u64 name(u64 addr, u64 r2 UNUSED, u64 r3 UNUSED, u64 r4 UNUSED, u64 r5 UNUSED, \
			struct run *run) \
	{ \
		ctype v = 0; \
\
		if (vm_probe_ok(run->engine, addr, sizeof(v))) \
			memcpy(&v, (const void *)addr, sizeof(v)); \
		return (u64)(s64)v; \
	}

PROBE(probe8, u8)
PROBE(probe16, u16)
PROBE(probe32, u32)
PROBE(probe64, u64)
PROBE(probesx8, s8)
PROBE(probesx16, s16)
PROBE(probesx32, s32)

helper_fn vm_native_probe(u32 bytes, bool sign)
{
	switch (bytes) {
	case 1:
		return sign ? probesx8 : probe8;
	case 2:
		return sign ? probesx16 : probe16;
	case 4:
		return sign ? probesx32 : probe32;
	default:
		return probe64;
	}
}

/* ---- arenas ------------------------------------------------------------------------- */

static u64 arena_at(u64 off, u64 bytes, u64 map, u64 keep, u64 r5 UNUSED, struct run *run)
{
	struct vm_machine *m = run->engine;
	void *p = vm_arena_at(m, (const struct vm_map *)(uintptr_t)map, (s64)off, (u32)bytes);

	if (unlikely(p == (void *)m->nowhere))
		memcpy(p, &keep, sizeof(keep));
	return (u64)p;
}

const struct vm_map *vm_native_arena(const struct vm_code *code) { return code->pages; }
helper_fn vm_native_arena_at(void) { return arena_at; }

s64 vm_native_packet(struct run *run, s32 off, u32 size)
{
	return vm_packet_load(run, off, size);
}

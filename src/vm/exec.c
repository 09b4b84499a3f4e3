/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec.c: runs, in either interpreter: how they begin and end, what helpers lend
 * to them, callbacks, and the way from one engine to the other.
 */
#include "vm/machine.h"

/* ---- what is lent ----------------------------------------------------------- */

/* A lock that is left would stop the next program that wants it. */
static void lock_left(struct vm_machine *m)
{
	*m->lock = 0;
	if (!m->fault.kind) {
		m->fault.user = m->code->bind.user;
		m->fault.insn = vm_slot(m->code, m->lock_at);
		m->fault.helper = BPF_FUNC_spin_lock;
	}
	vm_fault_set(m, VM_FAULT_ARG, "the program ends without releasing "
		     "the spin lock that it takes here");
}

static void tell_left(struct vm_machine *m, const char *name)
{
	if (!strcmp(name, "record"))
		vm_fault_set(m, VM_FAULT_ARG, "the record reserved here is neither "
			     "submitted nor discarded");
	else if (strstr(name, "sock"))
		vm_fault_set(m, VM_FAULT_ARG, "the socket that is acquired here is not released");
	else
		vm_fault_set(m, VM_FAULT_ARG, "the %s made here is not given back", name);
}

/* Records that are left would stop the reader. The first one taken is told. */
static void records_left(struct vm_machine *m)
{
	const char *name = NULL;
	u32 first = 0;
	size_t keep = 0;

	for (size_t i = 0; i < m->lent.n; i++) {
		const struct vm_lent *l = &m->lent.v[i];

		if (!l->r.drop) {
			if (!l->r.passing)
				m->lent.v[keep++] = *l;
			continue;
		}
		if (!m->fault.kind && (!name || l->insn < first)) {
			m->fault.user = l->user;
			m->fault.insn = first = l->insn;
			name = l->r.name;
		}
		for (u32 times = 0; times <= l->r.more; times++)
			l->r.drop((void *)l->r.start);
	}
	m->lent.n = keep;
	m->owed = 0;
	if (name)
		tell_left(m, name);
}

void vm_left(struct vm_machine *m)
{
	if (m->lock)
		lock_left(m);
	if (m->owed)
		records_left(m);
}

static void take_back(struct run *run, void *mem)
{
	struct vm_machine *m = run->engine;
	u32 n = vm_region_find(m, (u64)mem);

	if (n)
		m->gone = m->lent.v[n - 1].r;
	vm_region_del(m, (u64)mem);
	m->ready = NULL;
}

static void lend(struct run *run, const struct lent *lent)
{
	const struct vm_region r = { .start = (u64)lent->mem, .bytes = lent->bytes,
		.writable = !lent->read_only, .name = lent->name, .kind = lent->kind,
		.drop = lent->drop };
	struct vm_machine *m = run->engine;
	u32 n = vm_region_find(m, r.start);
	struct vm_lent *l = n ? &m->lent.v[n - 1] : NULL;

	if (l && l->r.start == r.start && r.kind >= LENT_CPUMASK) {
		l->r.more++;
		return;
	}
	vm_region_add(m, &r);
	l = &m->lent.v[vm_region_find(m, r.start) - 1];
	l->user = m->code->bind.user;
	l->insn = vm_slot(m->code, m->at);
}

/* What a view of a region that is owed comes from is that one, at any distance. */
static u64 lent_root(const struct vm_machine *m, u64 from)
{
	const struct vm_lent *l = from ? vm_lent_at(m, from, true) : NULL;

	if (l)
		return from;
	l = from ? vm_lent_at(m, from, false) : NULL;
	return l ? l->r.from : 0;
}

static void lend_object(struct run *run, void *at, const struct ctx_desc *desc, u64 from,
			void (*drop)(void *at))
{
	struct vm_machine *m = run->engine;
	struct vm_lent *l;

	if (m->code->mode == VM_FAST)
		return;		/* nobody asks */
	vm_object_add(m, (u64)at, desc, drop ? 0 : lent_root(m, from), drop);
	l = vm_lent_at(m, (u64)at, drop != NULL);
	l->user = m->code->bind.user;
	l->insn = vm_slot(m->code, m->at);
}

/* ---- from one program to another -------------------------------------------- */

u64 vm_budget(const struct vm_code *code, u64 asked)
{
	return asked ? min_u64(asked, INT64_MAX) :
	       code->mode == VM_FAST ? VM_BUDGET_FAST : VM_BUDGET_CHECKED;
}

/* A program that nobody has verified gets no more than such programs get, when
 * nobody said how much that is. */
u64 vm_go_other(struct vm_machine *m, u64 *r)
{
	if (vm_runs_native(m->code, m->left))
		return vm_go_native(m);
	if (m->code->mode == VM_FAST)
		vm_frame_used(m, m->depth);
	else if (m->budget == VM_BUDGET_FAST)
		m->budget = m->left = VM_BUDGET_CHECKED;
	return vm_go(m, m->code->insns, r);
}

/* Why FUNC cannot be called now; true after filling the fault. */
static bool callback_fault(struct vm_machine *m, const struct vm_insn *func)
{
	bool fast = m->code->mode == VM_FAST;

	if (m->depth + 1 >= m->limit)
		vm_fault_set(m, VM_FAULT_FRAMES, "callback in frame %d: no more than %d frames",
			     VM_FRAMES_MAX, VM_FRAMES_MAX);
	else if (fast && m->left < VM_CALL_COST)
		vm_fault_budget(m);
	else
		return false;
	vm_fault_place(m, func);
	return true;
}

u64 vm_callback(struct run *run, u64 func, const u64 args[5])
{
	struct vm_machine *m = run->engine;
	const struct vm_insn *ip = (const struct vm_insn *)func;
	u64 r[VM_REGS], ret;

	if (run->stop || callback_fault(m, ip))
		return 0;
	vm_regs_init(r, 0, vm_frame_top(m, m->depth + 1));
	memcpy(r + 1, args, 5 * sizeof(u64));
	vm_frame_push(m, NULL, r);
	m->frames[m->depth].helper = m->at;
	if (m->code->mode == VM_FAST) {
		m->left -= VM_CALL_COST;
		vm_frame_used(m, m->depth);
	}
	ret = vm_go(m, ip, r);
	if (!run->stop)
		vm_frame_pop(m, r);
	return ret;
}

/* ---- runs ---------------------------------------------------------------------- */

/* What an earlier run left on the stack must not be readable by the next. */
static void stack_clear(struct vm_machine *m)
{
	u8 *top = m->stack + sizeof(m->stack);

	memset(m->dirty, 0, (size_t)(top - m->dirty));
	m->dirty = top;
}

static void start(struct vm_machine *m, const struct vm_code *code, struct run *run, u64 ctx)
{
	vm_machine_start(m, code, run, ctx);
	run->callback = vm_callback;
	run->lend = lend;
	run->take_back = take_back;
	run->lend_object = lend_object;
}

static inline void exec_init(struct vm_machine *m, struct run *run, u64 budget)
{
	m->budget = m->left = budget;
	m->charged = 0;
	vm_regs_init(m->r, (u64)run, vm_frame_top(m, 0));
}

/* Both apart, so that vm_exec is a short function. */
__attribute__((noinline))
static u64 exec_checked(struct vm_machine *m, const struct vm_code *code, struct run *run,
			u64 budget)
{
	if (m->ready != code || run->engine != m || m->native || m->dirty < vm_frame_top(m, 0)) {
		stack_clear(m);
		start(m, code, run, (u64)run);
	}
	exec_init(m, run, budget);
	if (m->step)
		m->ready = NULL;
	return vm_go_checked(m, code->insns, m->r);
}

__attribute__((noinline))
static u64 exec_fast(struct vm_machine *m, const struct vm_code *code, struct run *run,
		     u64 budget)
{
	start(m, code, run, (u64)run);
	if (code->bind.stale_stack) {
		stack_clear(m);
		m->ready = NULL;
	}
	vm_frame_used(m, 0);
	run->insns = 0;
	exec_init(m, run, budget);
	return vm_go_fast(m, code->insns, m->r);
}

/* How a compiled program ended when it was not as usual. */
__attribute__((noinline))
static u64 end_native(struct vm_machine *m, u64 ret)
{
	if (m->run->stop)
		vm_native_stopped(m);
	m->native = false;
	vm_left(m);
	return m->fault.kind ? 0 : ret;
}

static inline u64 go_compiled(struct vm_machine *m, const struct vm_code *code, struct run *run,
			      u64 budget)
{
	u64 ret;

	m->budget = m->left = budget;
	run->frames = NULL;
	run->left = (s64)budget;
	ret = code->native.fn((u64)run, 0, 0, 0, 0, run);
	return likely(m->ready == code && !run->stop) ? ret : end_native(m, ret);
}

__attribute__((noinline))
static u64 exec_native(struct vm_machine *m, const struct vm_code *code, struct run *run,
		       u64 budget)
{
	start(m, code, run, (u64)run);
	run->insns = 0;
	exec_init(m, run, budget);
	m->native = true;
	run->callback = vm_native_callback;
	return go_compiled(m, code, run, budget);
}

/* A verified program that finds all as it left it, but for r1. */
u64 vm_exec(struct vm_machine *m, const struct vm_code *code, struct run *run, u64 budget)
{
	if (likely(vm_runs_native(code, budget)))
		return likely(m->ready == code && run->engine == m && m->native) ?
			go_compiled(m, code, run, budget) :
			exec_native(m, code, run, budget);
	if (likely(m->ready == code && run->engine == m && code->mode == VM_FAST && !m->native)) {
		m->budget = m->left = budget;
		m->r[1] = (u64)run;
		return vm_go_fast(m, code->insns, m->r);
	}
	return code->mode == VM_FAST ? exec_fast(m, code, run, budget) :
				       exec_checked(m, code, run, budget);
}

bool vm_many(struct vm_machine *m, const struct vm_code *code, struct run *run, u64 budget,
	     helper_fn *fn)
{
	if (!vm_runs_native(code, budget))
		return false;
	start(m, code, run, (u64)run);
	run->insns = 0;
	exec_init(m, run, budget);
	m->native = true;
	run->callback = vm_native_callback;
	*fn = code->native.fn;
	return true;
}

const struct vm_code *const *vm_many_ready(const struct vm_machine *m)
{
	return &m->ready;
}

void vm_many_end(struct vm_machine *m)
{
	end_native(m, 0);
}

u64 vm_exec_func(struct vm_machine *m, const struct vm_code *code, struct run *run,
		 u64 func, const u64 args[3], u32 key_bytes, u64 budget)
{
	const struct packet_buf pkt = run->pkt;
	u64 ret;

	stack_clear(m);
	start(m, code, run, 0);
	m->ready = NULL;
	run->pkt = (struct packet_buf){ 0 };
	run->key = (const u8 *)args[1];
	run->key_bytes = key_bytes;
	m->budget = m->left = budget;
	m->charged = 0;
	if (code->mode == VM_FAST)
		vm_frame_used(m, 0);
	vm_regs_init(m->r, 0, vm_frame_top(m, 0));
	memcpy(m->r + 1, args, 3 * sizeof(*args));
	if (func - code->native.start < code->native.bytes)
		ret = vm_func_native(m, func, m->r);
	else
		ret = vm_go(m, (const struct vm_insn *)func, m->r);
	m->ready = NULL;
	run->pkt = pkt;
	run->key = NULL;
	run->key_bytes = 0;
	return ret;
}

u64 vm_run_fast(const struct vm_code *code, struct run *run, void *ctx)
{
	struct vm_machine *m = vm_machine_new();
	u64 ret;

	start(m, code, run, (u64)ctx);
	m->budget = m->left = VM_BUDGET_FAST;
	vm_regs_init(m->r, (u64)ctx, vm_frame_top(m, 0));
	ret = vm_go_fast(m, code->insns, m->r);
	vm_machine_free(m);
	return ret;
}

int vm_run(struct vm_machine *m, const struct vm_code *code, struct run *run,
	   u64 budget, u64 *ret)
{
	*ret = vm_exec(m, code, run, budget);
	return run->stop ? -EFAULT : 0;
}

/* ---- looking on ---------------------------------------------------------------- */

/* The callers' saved places lie in a stack of frames; a callback's is the call of the helper. */
u32 vm_spots(const struct vm_machine *m, struct vm_spot *out, u32 max)
{
	const struct vm_insn *at = *(const struct vm_insn *const volatile *)&m->at;
	const struct vm_code *code = m->code;
	u32 n = 0;

	if (!at || !code || m->native)
		return 0;
	for (u32 i = m->depth;; i--) {
		if (n == max || at < code->insns || at > code->insns + code->nr_insns)
			break;
		out[n++] = (struct vm_spot){ code->bind.user, vm_slot(code, at) };
		if (!i)
			break;
		code = m->frames[i].code;
		at = m->frames[i].ip ? m->frames[i].ip : m->frames[i].helper;
	}
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checked.c: the interpreter for programs that nobody has verified: each
 * access is looked up, each instruction counted. Must never trust a register.
 */
#include "vm/machine.h"
#include <endian.h>

/* A context load gives what its table row says, not what memory holds. */
#define LOAD_MEM(ctype, addr, out) do { \
	u64 a_ = (addr), v_; \
	void *p_; \
	if (unlikely(vm_is_ctx(m, a_))) { \
		if (!vm_ctx_load(m, a_, sizeof(ctype), &v_)) \
			goto fault; \
		if (sizeof(ctype) == 4 && (ctype)0 < (ctype)-1) { \
			r[ip->dst] = v_;	/* a packet pointer has 8 bytes */ \
			NEXT; \
		} \
		(out) = (ctype)v_; \
	} else { \
		p_ = vm_mem(m, a_, sizeof(ctype), false); \
		if (unlikely(!p_)) \
			goto fault; \
		memcpy(&(out), p_, sizeof(ctype)); \
	} \
} while (0)

#define STORE_MEM(ctype, addr, val) do { \
	u64 a_ = (addr); \
	ctype v_ = (val); \
	if (unlikely(vm_is_ctx(m, a_))) { \
		if (!vm_ctx_store(m, a_, sizeof(ctype), v_)) \
			goto fault; \
	} else { \
		void *p_ = vm_mem(m, a_, sizeof(ctype), true); \
		if (unlikely(!p_)) \
			goto fault; \
		memcpy(p_, &v_, sizeof(v_)); \
	} \
} while (0)

#define ATOMIC_PTR(ctype, addr, access) ({ \
	void *p_ = vm_atomic(m, (addr), sizeof(ctype), access); \
	if (unlikely(!p_)) \
		goto fault; \
	(ctype *)p_; \
})

#define CHECK_ARGS(c) do { \
	m->at = ip; \
	m->left = left; \
	if (unlikely(!vm_check_args(m, (c), r))) \
		goto fault; \
	left = m->left; \
} while (0)

#define CALL_HELPER(c) do { \
	r[0] = (c)->fn(r[1], r[2], r[3], r[4], r[5], m->run); \
	left = m->left; \
	if (unlikely(m->fault.kind)) \
		goto nested_fault; \
} while (0)

#define INTERP_NAME run_checked
#define INTERP_ATTR
#define LOCALS u64 left = m->left
#define LEAVE do { \
	m->left = left; \
	m->run->insns = m->budget - left - m->charged; \
	if (unlikely(m->lock) && !base) \
		lock_left(m); \
	if (unlikely(m->owed) && !base) \
		records_left(m); \
} while (0)
#define TICK do { if (unlikely(!left--)) goto out_of_budget; } while (0)
#define GOTO goto *ip->label
#define NO_FRAME do { \
	vm_fault_set(m, VM_FAULT_FRAMES, "call of a subprogram in frame %d: " \
		     "no more than %d frames", VM_FRAMES_MAX, VM_FRAMES_MAX); \
	goto fault; \
} while (0)
#define PAST_END do { \
	vm_fault_set(m, VM_FAULT_END, "control runs past the last instruction"); \
	goto fault; \
} while (0)
#define FAULT_CODE \
out_of_budget: \
	left = 0; \
	vm_fault_set(m, VM_FAULT_BUDGET, "%llu instructions executed and no end", \
		     (unsigned long long)m->budget); \
fault: \
	m->fault.user = m->code->bind.user; \
	m->fault.insn = (u32)(ip - m->code->insns); \
nested_fault: \
	LEAVE; \
	return 0;

enum access { READ = 1, WRITE = 2, READ_WRITE = READ | WRITE };

static void *vm_atomic(struct vm_machine *m, u64 addr, u32 size, enum access access)
{
	if (vm_is_ctx(m, addr)) {
		vm_fault_set(m, VM_FAULT_MEM, "atomic operation on the context");
		return NULL;
	}
	if (addr % size) {
		vm_fault_set(
			m, VM_FAULT_ALIGN,
			"atomic operation on %u bytes at an address that is not a multiple of %u",
			size, size);
		return NULL;
	}
	if (access == READ_WRITE && !vm_mem(m, addr, size, true))
		return NULL;
	return vm_mem(m, addr, size, access == WRITE);
}

/* A lock that is left would stop the next program that wants it. */
static void lock_left(struct vm_machine *m)
{
	*m->lock = 0;
	if (!m->fault.kind) {
		m->fault.user = m->code->bind.user;
		m->fault.insn = (u32)(m->lock_at - m->code->insns);
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
		l->r.drop((void *)l->r.start);
	}
	m->lent.n = keep;
	m->owed = 0;
	if (name)
		tell_left(m, name);
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
	l->insn = (u32)(m->at - m->code->insns);
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

	vm_object_add(m, (u64)at, desc, drop ? 0 : lent_root(m, from), drop);
	l = vm_lent_at(m, (u64)at, drop != NULL);
	l->user = m->code->bind.user;
	l->insn = (u32)(m->at - m->code->insns);
}

#include "vm/interp.inc"

/* ---- stepping ------------------------------------------------------------ */

void vm_step_set(struct vm_machine *m, vm_step_fn fn, void *arg)
{
	m->step = fn;
	m->step_arg = arg;
	m->ready = NULL;
}

/* Asks who steps; false: the run stops here. */
static bool ask(struct vm_machine *m, const struct vm_insn *ip, const u64 *r)
{
	const struct vm_step step = { .code = m->code, .user = m->code->bind.user,
		.insn = (u32)(ip - m->code->insns), .frame = m->depth, .regs = r };

	if (m->step(m->step_arg, m, &step))
		return true;
	vm_fault_set(m, VM_FAULT_STOPPED, "the run was stopped here");
	return false;
}

/* Once more, with operations that ask before they go on. */
#undef INTERP_NAME
#undef INTERP_ATTR
#undef TICK
#undef GOTO
#define INTERP_NAME run_stepped
#define INTERP_ATTR __attribute__((cold))
#define TICK do { \
	if (unlikely(!left--)) \
		goto out_of_budget; \
	if (unlikely(!ask(m, ip, r))) \
		goto fault; \
} while (0)
#define GOTO goto *labels[m->code->ops[ip - m->code->insns]]
#include "vm/interp.inc"

/* ---- runs ---------------------------------------------------------------- */

static u64 run_code(struct vm_machine *m, const struct vm_insn *ip, u64 r[11])
{
	return unlikely(m->step) ? run_stepped(m, ip, r, NULL) : run_checked(m, ip, r, NULL);
}

const void *const *vm_checked_labels(void)
{
	const void *const *labels;

	run_checked(NULL, NULL, NULL, &labels);
	return labels;
}

static u64 callback(struct run *run, u64 func, const u64 args[5])
{
	struct vm_machine *m = run->engine;
	u64 r[11], ret;

	if (run->stop)
		return 0;
	if (m->depth + 1 >= m->limit) {
		vm_fault_set(m, VM_FAULT_FRAMES, "callback in frame %d: no more than %d frames",
			     VM_FRAMES_MAX, VM_FRAMES_MAX);
		m->fault.user = m->code->bind.user;
		m->fault.insn = (u32)((const struct vm_insn *)func - m->code->insns);
		run->stop = true;
		return 0;
	}
	vm_regs_init(r, 0, vm_frame_top(m, m->depth + 1));
	memcpy(r + 1, args, 5 * sizeof(u64));
	vm_frame_push(m, NULL, r);
	ret = run_code(m, (const struct vm_insn *)func, r);
	if (!run->stop)
		vm_frame_pop(m, r);
	return ret;
}

/* What an earlier run left on the stack must not be readable by the next. */
static void stack_clear(struct vm_machine *m)
{
	u8 *top = m->stack + sizeof(m->stack);

	memset(m->dirty, 0, (size_t)(top - m->dirty));
	m->dirty = top;
}

static inline void exec_init(struct vm_machine *m, struct run *run, u64 budget)
{
	m->budget = m->left = budget;
	m->charged = 0;
	vm_regs_init(m->r, (u64)run, vm_frame_top(m, 0));
}

/* Apart, so that vm_exec is a short function. */
__attribute__((noinline))
static u64 exec_from_start(struct vm_machine *m, const struct vm_code *code,
			   struct run *run, u64 budget)
{
	stack_clear(m);
	vm_machine_start(m, code, run, (u64)run);
	run->callback = callback;
	run->lend = lend;
	run->take_back = take_back;
	run->lend_object = lend_object;
	exec_init(m, run, budget);
	if (m->step)
		m->ready = NULL;
	return run_code(m, code->insns, m->r);
}

u64 vm_exec(struct vm_machine *m, const struct vm_code *code, struct run *run, u64 budget)
{
	if (unlikely(m->ready != code || run->engine != m || m->dirty < vm_frame_top(m, 0)))
		return exec_from_start(m, code, run, budget);
	exec_init(m, run, budget);
	return run_checked(m, code->insns, m->r, NULL);
}

u64 vm_exec_func(struct vm_machine *m, const struct vm_code *code, struct run *run,
		 u64 func, const u64 args[3], u32 key_bytes, u64 budget)
{
	const struct packet_buf pkt = run->pkt;
	u64 ret;

	stack_clear(m);
	vm_machine_start(m, code, run, 0);
	m->ready = NULL;
	run->callback = callback;
	run->lend = lend;
	run->take_back = take_back;
	run->lend_object = lend_object;
	run->pkt = (struct packet_buf){ 0 };
	run->key = (const u8 *)args[1];
	run->key_bytes = key_bytes;
	m->budget = m->left = budget;
	m->charged = 0;
	vm_regs_init(m->r, 0, vm_frame_top(m, 0));
	memcpy(m->r + 1, args, 3 * sizeof(*args));
	ret = run_code(m, (const struct vm_insn *)func, m->r);
	m->ready = NULL;
	run->pkt = pkt;
	run->key = NULL;
	run->key_bytes = 0;
	return ret;
}

int vm_run(struct vm_machine *m, const struct vm_code *code, struct run *run,
	   u64 budget, u64 *ret)
{
	*ret = vm_exec(m, code, run, budget);
	return run->stop ? -EFAULT : 0;
}

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
	if (unlikely(m->lock || m->owed) && !base) \
		vm_left(m); \
} while (0)
#define TICK do { if (unlikely(!left--)) goto out_of_budget; } while (0)
#define WENT
#define ENTERED
#define STOPPED
#define GOTO goto *ip->label
#define BACK(delta)
#define CALLED
#define MODE VM_CHECKED
#define SAME(to) (!(to)->counts.at)
#define MORE_LABELS
#define MORE_OPS

enum access { READ = 1, WRITE = 2, READ_WRITE = READ | WRITE };

static void *vm_atomic(struct vm_machine *m, u64 addr, u32 size, enum access access)
{
	if (vm_is_ctx(m, addr)) {
		vm_fault_set(m, VM_FAULT_MEM, "atomic operation on the context");
		return NULL;
	}
	if (access == READ_WRITE && !vm_mem(m, addr, size, true))
		return NULL;
	return vm_mem(m, addr, size, access == WRITE);
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
		.insn = vm_slot(m->code, ip), .frame = m->depth, .regs = r };

	if (m->step(m->step_arg, m, &step))
		return true;
	vm_fault_set(m, VM_FAULT_STOPPED, "the run was stopped here");
	return false;
}

static u64 ask_call(struct vm_machine *m, const struct vm_call *c, const u64 *r)
{
	const struct vm_called called = { .row = c->row, .fn = c->fn, .args = r + 1,
		.id = helper_row(c->id) == c->row ? c->id : 0, .run = m->run };

	if (m->call)
		return m->call(m->step_arg, m, &called);
	return c->fn(r[1], r[2], r[3], r[4], r[5], m->run);
}

void vm_call_set(struct vm_machine *m, vm_call_fn fn) { m->call = fn; }

/* Once more, with operations that ask before they go on. */
#undef INTERP_NAME
#undef INTERP_ATTR
#undef TICK
#undef GOTO
#undef CALL_HELPER
#define CALL_HELPER(c) do { \
	r[0] = ask_call(m, (c), r); \
	left = m->left; \
	if (unlikely(m->fault.kind)) \
		goto nested_fault; \
} while (0)
#define INTERP_NAME run_stepped
#define INTERP_ATTR __attribute__((cold))
#define TICK do { \
	if (unlikely(!left--)) \
		goto out_of_budget; \
	if (unlikely(!ask(m, ip, r))) \
		goto fault; \
} while (0)
#define GOTO goto *labels[m->code->ops[ip - m->code->insns]]
#undef SAME
#define SAME(to) true
#include "vm/interp.inc"

/* ---- counting ------------------------------------------------------------ */

static u64 *count_at(const struct vm_code *code, u64 *counts, const struct vm_insn *ip)
{
	return &counts[ip - code->insns];
}

/* The run ends at IP: neither it nor the calls on the way there, which are above BASE,
 * are followed by what stands behind them. */
static void count_stop(struct vm_machine *m, const struct vm_insn *ip, u32 base)
{
	++*count_at(m->code, m->code->counts.away, ip);
	for (u32 i = m->depth; i > base; i--)
		++*count_at(m->frames[i].code, m->frames[i].code->counts.away, m->frames[i].ip);
}

/* And once more, with operations that count. */
#undef INTERP_NAME
#undef INTERP_ATTR
#define INTERP_ATTR
#undef TICK
#undef GOTO
#undef CALL_HELPER
#undef WENT
#undef ENTERED
#undef STOPPED
#define INTERP_NAME run_counted
#define CALL_HELPER(c) do { \
	r[0] = (c)->fn(r[1], r[2], r[3], r[4], r[5], m->run); \
	left = m->left; \
	if (unlikely(m->fault.kind)) \
		goto nested_fault; \
} while (0)
#define TICK do { if (unlikely(!left--)) goto out_of_budget; } while (0)
#define GOTO goto *ip->label
#undef SAME
#define SAME(to) ((to)->counts.at && !(to)->bind.noted)
#define WENT (++*count_at(m->code, m->code->counts.away, ip))
#define ENTERED (++*count_at(m->code, m->code->counts.enter, ip))
#define STOPPED count_stop(m, ip, base)
#include "vm/interp.inc"

/* The same, which note where the program is, too: a store for each. */
#undef INTERP_NAME
#undef LOCALS
#undef LEAVE
#undef TICK
#define INTERP_NAME run_noted
#define LOCALS \
	u64 left = m->left; \
	const struct vm_insn *outer = m->at
#define LEAVE do { \
	m->left = left; \
	m->run->insns = m->budget - left - m->charged; \
	if (unlikely(m->lock || m->owed) && !base) \
		vm_left(m); \
	vm_note(m, outer); \
} while (0)
#define TICK do { \
	if (unlikely(!left--)) \
		goto out_of_budget; \
	vm_note(m, ip); \
} while (0)
#undef SAME
#define SAME(to) ((to)->counts.at && (to)->bind.noted)
#include "vm/interp.inc"

/* Its operations are those of the interpreter that counts. */
void vm_count(struct vm_code *code)
{
	struct vm_counts *c = &code->counts;
	const void *const *labels;

	c->at = arena_news(&code->arena, code->nr_insns + 1, u64);
	c->away = arena_news(&code->arena, code->nr_insns + 1, u64);
	c->enter = arena_news(&code->arena, code->nr_insns + 1, u64);
	if (code->bind.noted)
		run_noted(NULL, NULL, NULL, &labels);
	else
		run_counted(NULL, NULL, NULL, &labels);
	for (u32 i = 0; i <= code->nr_insns; i++)
		code->insns[i].label = labels[code->ops[i]];
}

/* How often slot I ran, when all before it in its function are known: those that fell
 * through to it, jumped to it, called it. */
static u64 arrivals(const struct vm_code *code, u32 i, const u64 *into)
{
	const struct vm_counts *c = &code->counts;
	u32 before = i && i > 1 && code->ops[i - 1] == OP_MAX ? i - 2 : i - 1;
	u64 n = c->enter[i] + into[i];

	if (i && code->ops[before] != OP_EXIT)
		n += c->at[before] - c->away[before];
	return n;
}

/* Where the jump at I leads, or the call; -1: it is none. */
static s64 leads_to(const struct vm_code *code, u32 i, bool *call)
{
	const struct vm_insn *in = &code->insns[i];
	enum isa_op op = (enum isa_op)code->ops[i];
	unsigned kind;

	*call = op == OP_CALL_LOCAL;
	if (op >= OP_MAX)
		return -1;
	if (*call || op == OP_JA32)
		return (s64)i + 1 + in->imm;
	kind = isa_rows[op].kind;
	return kind >= KIND_JMP_JEQ && kind <= KIND_MAY_GOTO ? (s64)i + 1 + in->off : -1;
}

/* One pass over the slots; true when something changed. */
static bool count_pass(const struct vm_code *code, u64 *into)
{
	struct vm_counts c = code->counts;
	bool changed = false, call;

	memset(into, 0, (code->nr_insns + 1) * sizeof(*into));
	for (u32 i = 0; i < code->nr_insns; i++) {
		s64 to = leads_to(code, i, &call);

		if (to >= 0)
			into[to] += call ? c.at[i] : c.away[i];
	}
	for (u32 i = 0; i < code->nr_insns; i++) {
		u64 n = code->ops[i] == OP_MAX ? 0 : arrivals(code, i, into);

		changed = changed || n != c.at[i];
		c.at[i] = n;
	}
	return changed;
}

/* Control goes on behind an instruction but where it was seen to go elsewhere, so that
 * the rest follows: callers first, which takes a pass for each call on the way. */
struct vm_counts vm_code_counts(const struct vm_code *code)
{
	u64 *into;

	if (!code->counts.at)
		return code->counts;
	into = mem_alloc((code->nr_insns + 1) * sizeof(*into));
	while (count_pass(code, into))
		;
	free(into);
	return code->counts;
}

/* ---- runs ---------------------------------------------------------------- */

u64 vm_go_checked(struct vm_machine *m, const struct vm_insn *ip, u64 *r)
{
	if (unlikely(m->foreign))
		return vm_go_foreign(m, ip, r);
	if (unlikely(m->step))
		return run_stepped(m, ip, r, NULL);
	if (likely(!m->code->counts.at))
		return run_checked(m, ip, r, NULL);
	++*count_at(m->code, m->code->counts.enter, ip);
	return m->code->bind.noted ? run_noted(m, ip, r, NULL) : run_counted(m, ip, r, NULL);
}

const void *const *vm_checked_labels(void)
{
	const void *const *labels;

	run_checked(NULL, NULL, NULL, &labels);
	return labels;
}

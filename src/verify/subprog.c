/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * subprog.c: calls of the program's own functions, returns from them, the end
 * of the program, and how deep the stack gets. Static functions are followed
 * with what the caller knows; global ones are judged alone, by their types.
 */
#include "verify/call.h"
#include "verify/kobject.h"
#include "verify/explore.h"
#include "model/uapi.h"
#include <stdio.h>

/* ---- calls --------------------------------------------------------------- */

static enum step call_static(struct verifier *v, struct state *s, u32 at, u32 func)
{
	struct frame *caller = state_frame(s), *callee;

	if (s->nr_frames == MAX_FRAMES) {
		reject(v, REJECT_FRAMES, at, &(struct why){ .a = MAX_FRAMES + 1 });
		return STEP_END;
	}
	state_push_frame(v, s, func, at);
	callee = state_frame(s);
	callee->kind = FRAME_CALL;
	for (unsigned r = 1; r <= 5; r++)
		callee->regs[r] = caller->regs[r];
	for (unsigned r = 0; r <= 5; r++)
		reg_set_none(&caller->regs[r]);
	s->insn = v->funcs[func].start;
	return STEP_NEXT;
}

enum step step_call_local(struct verifier *v, struct state *s, u32 at)
{
	u32 func = cfg_func_at(v, at + (u32)v->insns[at].imm + 1);

	if (v->funcs[func].global && dated_rule(v, RULE_GLOBAL))
		return call_global(v, s, at, func);
	if (lock_held(s) && !dated_rule(v, RULE_LOCK_CALL))
		check_locked(v, s, at, false);
	return call_static(v, s, at, func);
}

/* ---- the end ------------------------------------------------------------- */

bool check_refs(struct verifier *v, struct state *s, u32 at, enum reject_id id)
{
	struct ref *r = s->nr_refs ? &s->refs[s->nr_refs - 1] : NULL;

	if (!r)
		return true;
	if (r->kind == REF_LOCK && id == REJECT_LEAK)
		reject(v, REJECT_LOCK_EXIT, at, &(struct why){
			.b = r->insn, .s = "BPF_EXIT instruction in main prog" });
	else
		reject(v, id, at, &(struct why){ .a = r->id, .b = r->insn });
	return false;
}

/* Hooks give an int: half of the register. */
static struct scalar result_of(const struct verifier *v, const struct reg *r0)
{
	if (v->prog->type == BPF_PROG_TYPE_LSM && v->prog->expected_attach == BPF_LSM_MAC)
		return scalar_srange(r0->val.s32_min, r0->val.s32_max);
	return r0->val;
}

static void say_limits(char *out, size_t size, s64 min, s64 max)
{
	if (min == max)
		snprintf(out, size, "%lld only", (long long)min);
	else if (!max)
		snprintf(out, size, "0 or a negative errno (%lld..0)", (long long)min);
	else
		snprintf(out, size, "%lld..%lld", (long long)min, (long long)max);
}

static void check_limits(struct verifier *v, struct state *s, u32 at)
{
	struct reg *r0 = state_reg(s, 0);
	struct scalar val = result_of(v, r0);
	struct strbuf text = { 0 };
	char limits[64];
	struct why why = { .ptr = r0, .s = "program exit", .want = limits };

	if (!attach_limits(v, &why.a, &why.b))
		return;
	if (r0->type != REG_SCALAR) {
		reject(v, REJECT_RET_TYPE, at, &why);
		return;
	}
	reg_mark(v, r0);
	if (val.smin >= why.a && val.smax <= why.b)
		return;
	say_limits(limits, sizeof(limits), why.a, why.b);
	scalar_text(&text, &val);
	why.t = sb_text(&text);
	reject(v, scalar_is_unknown(&r0->val) ? REJECT_RET_UNKNOWN : REJECT_RET_RANGE,
	       at, &why);
	sb_free(&text);
}

static void check_global_exit(struct verifier *v, struct state *s, u32 at)
{
	struct reg *r0 = state_reg(s, 0);

	if (r0->type != REG_SCALAR)
		reject(v, REJECT_GLOBAL_EXIT, at, &(struct why){ .ptr = r0 });
}

void check_held(struct verifier *v, struct state *s, u32 at)
{
	if (s->irq)
		reject(v, REJECT_SECTION_EXIT, at, &(struct why){ .s = "bpf_local_irq_save" });
	check_refs(v, s, at, REJECT_LEAK);
	if (s->rcu)
		reject(v, REJECT_SECTION_EXIT, at, &(struct why){ .s = "bpf_rcu_read_lock" });
	if (s->preempt)
		reject(v, REJECT_SECTION_EXIT, at, &(struct why){ .s = "bpf_preempt_disable" });
}

static enum step exit_program(struct verifier *v, struct state *s, u32 at)
{
	struct reg *r0 = state_reg(s, 0);

	check_held(v, s, at);
	if (check_readable(v, s, at, 0))
		return STEP_END;
	if (reg_is_ptr(r0) && !v->privileged)
		reject(v, REJECT_RET_LEAK, at, &(struct why){ .ptr = r0 });
	if (v->entry)
		check_global_exit(v, s, at);
	else
		check_limits(v, s, at);
	return STEP_END;
}

static enum step exit_function(struct verifier *v, struct state *s, u32 at)
{
	struct reg r0 = *state_reg(s, 0);
	u32 callsite = state_frame(s)->callsite;

	if (r0.type == REG_STACK) {
		reject(v, REJECT_STACK_RETURN, at, NULL);
		reg_set_unknown(v, &r0);
	}
	state_pop_frame(v, s);
	*state_reg(s, 0) = r0;
	slices_overwrite(v, s, s->nr_frames, 0, MAX_SLOTS);
	s->insn = callsite + 1;
	return STEP_NEXT;
}

enum step step_exit(struct verifier *v, struct state *s, u32 at)
{
	u8 kind = state_frame(s)->kind;

	if (kind == FRAME_CALLBACK || kind == FRAME_ASYNC)
		return callback_exit(v, s, at);
	return s->nr_frames > 1 ? exit_function(v, s, at) : exit_program(v, s, at);
}

void leave_function(struct verifier *v, struct state *s, u32 at, bool zero)
{
	struct state *out = explore_push(v, s, at);

	if (!out)
		return;
	if (zero) {
		reg_set_const(v, state_reg(out, 0), 0);
	} else {
		forget_packet(v, out, at);
		reg_set_unknown(v, state_reg(out, 0));
	}
	if (step_exit(v, out, at) == STEP_END)
		explore_unpush(v);
	else
		explore_settle(v);
}

/* ---- stack depth --------------------------------------------------------- */

enum { ROUND = 16, TAIL_STACK = 256 };

/* How a function is reached on the deepest chain of calls. */
struct reach { u32 frames, before; };	/* its own included; bytes of the others */

static u32 frame_bytes(const struct func *f)
{
	return (u32)round_up(f->stack_bytes ? f->stack_bytes : 1, ROUND);
}

/* The function that AT calls, or that a helper may call for it; -1: none. */
static s64 callee_of(const struct verifier *v, u32 at)
{
	u8 op = v->points[at].op;

	if (op != OP_CALL_LOCAL && op != OP_LDDW_FUNC)
		return -1;
	return cfg_func_at(v, at + (u32)v->insns[at].imm + 1);
}

/* The call at AT does not wait for F. (Nor does any for the kernel, where a timer may call
 * F, too.) */
static bool runs_later(const struct verifier *v, u32 at, const struct func *f)
{
	return v->points[at].op == OP_LDDW_FUNC && f->is_async &&
	       (!f->called_back || v->opts->policy == POLICY_KERNEL);
}

/* One more frame on every chain; true when some chain became deeper. */
static bool deepen(const struct verifier *v, struct reach *r)
{
	bool changed = false;

	for (u32 at = 0; at < v->nr_insns; at++) {
		const struct reach *from = &r[v->points[at].func];
		s64 to = callee_of(v, at);
		u32 before = from->before + frame_bytes(&v->funcs[v->points[at].func]);

		if (to < 0 || !from->frames || runs_later(v, at, &v->funcs[to]))
			continue;
		if (from->frames + 1 > r[to].frames || before > r[to].before) {
			r[to].frames = (u32)max_u64(r[to].frames, from->frames + 1);
			r[to].before = (u32)max_u64(r[to].before, before);
			changed = true;
		}
	}
	return changed;
}

static void check_reach(struct verifier *v, const struct func *f, const struct reach *r)
{
	u32 bytes = r->before + frame_bytes(f);
	struct why why = { .a = (s64)min_u64(r->frames, MAX_FRAMES + 1), .b = bytes };

	if (!r->frames)
		return;
	if (bytes > v->result->stack_bytes)
		v->result->stack_bytes = bytes;
	why.s = " !";
	if (r->frames > MAX_FRAMES)
		reject(v, REJECT_FRAMES, f->start, &why);
	else if (bytes > STACK_BYTES)
		reject(v, REJECT_STACK_TOTAL, f->start, &why);
	why.a = r->before;
	if (f->tail_calls && r->before >= TAIL_STACK)
		reject(v, REJECT_TAIL_STACK, f->start, &why);
}

void stack_depth_check(struct verifier *v)
{
	struct reach *r = arena_news(&v->mem, v->nr_funcs, struct reach);

	r[0].frames = 1;
	for (u32 i = 1; i < v->nr_funcs; i++)
		r[i].frames = v->funcs[i].is_async;
	for (u32 i = 0; i < MAX_FRAMES && deepen(v, r); i++)
		;
	for (u32 i = 0; i < v->nr_funcs && !v->stop; i++)
		check_reach(v, &v->funcs[i], &r[i]);
}

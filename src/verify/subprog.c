/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * subprog.c: calls of the program's own functions, returns from them, the end
 * of the program, and how deep the stack gets. Static functions are followed
 * with what the caller knows; global ones are judged alone, by their types.
 */
#include "verify/call.h"
#include "verify/explore.h"
#include "model/uapi.h"

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

	if (v->funcs[func].global)
		return call_global(v, s, at, func);
	return call_static(v, s, at, func);
}

/* ---- the end ------------------------------------------------------------- */

bool check_refs(struct verifier *v, struct state *s, u32 at, enum reject_id id)
{
	struct ref *r = s->nr_refs ? &s->refs[s->nr_refs - 1] : NULL;

	if (!r)
		return true;
	reject(v, id, at, &(struct why){ .a = r->id, .b = r->insn });
	return false;
}

/* What a program of some types may return (Linux 6.18). */
static bool ret_limits(const struct verifier *v, s64 *min, s64 *max)
{
	u32 attach = v->prog->expected_attach;

	*min = 0;
	*max = 1;
	switch (v->prog->type) {
	case BPF_PROG_TYPE_CGROUP_SKB:
		*max = attach == BPF_CGROUP_INET_EGRESS ? 3 : 1;
		return true;
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
		if (attach == BPF_CGROUP_INET4_BIND || attach == BPF_CGROUP_INET6_BIND)
			*max = 3;
		return true;
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_SOCK_OPS:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_SK_LOOKUP:
	case UAPI_PROG_TYPE_NETFILTER:
		return true;
	default:
		return false;
	}
}

static void check_limits(struct verifier *v, struct state *s, u32 at)
{
	struct reg *r0 = state_reg(s, 0);
	struct strbuf text = { 0 };
	struct why why = { .ptr = r0 };

	if (!ret_limits(v, &why.a, &why.b))
		return;
	if (r0->type != REG_SCALAR) {
		reject(v, REJECT_RET_TYPE, at, &why);
		return;
	}
	reg_mark(v, r0);
	if (r0->val.smin >= why.a && r0->val.smax <= why.b)
		return;
	scalar_text(&text, &r0->val);
	why.t = sb_text(&text);
	why.s = why.t;
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

static enum step exit_program(struct verifier *v, struct state *s, u32 at)
{
	struct reg *r0 = state_reg(s, 0);

	check_refs(v, s, at, REJECT_LEAK);
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

	if (r0.type == REG_STACK)
		reject(v, REJECT_STACK_RETURN, at, NULL);
	state_pop_frame(v, s);
	*state_reg(s, 0) = r0;
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

/* ---- stack depth --------------------------------------------------------- */

enum { ROUND = 16, TAIL_STACK = 256 };

struct chain { u32 func, at, bytes; };

static u32 frame_bytes(const struct func *f)
{
	return (u32)round_up(f->stack_bytes ? f->stack_bytes : 1, ROUND);
}

/* The next call in [AT, end) of its function, or the end. What a helper is to
 * call counts as called where its address is taken. */
static u32 next_call(const struct verifier *v, u32 at, u32 end)
{
	for (; at < end; at++)
		if ((v->points[at].flags & POINT_SEEN) &&
		    (v->points[at].op == OP_CALL_LOCAL || v->points[at].op == OP_LDDW_FUNC))
			break;
	return at;
}

static bool check_depth(struct verifier *v, const struct chain *c, u32 depth)
{
	u32 bytes = c[depth].bytes;

	if (bytes > v->result->stack_bytes)
		v->result->stack_bytes = bytes;
	if (bytes > STACK_BYTES) {
		reject(v, REJECT_STACK_TOTAL, v->funcs[c[depth].func].start,
		       &(struct why){ .a = depth + 1, .b = bytes });
		return false;
	}
	return true;
}

void stack_depth_check(struct verifier *v, u32 start)
{
	struct chain c[MAX_FRAMES + 1] = { { start, v->funcs[start].start,
					     frame_bytes(&v->funcs[start]) } };
	s32 d = 0;

	check_depth(v, c, 0);
	while (d >= 0 && !v->stop) {
		const struct func *f = &v->funcs[c[d].func];
		u32 at = next_call(v, c[d].at, f->end), callee;

		c[d].at = at + 1;
		if (at >= f->end) {
			d--;
			continue;
		}
		if (d + 1 == MAX_FRAMES)
			continue;
		callee = cfg_func_at(v, at + (u32)v->insns[at].imm + 1);
		c[d + 1] = (struct chain){ callee, v->funcs[callee].start,
			c[d].bytes + frame_bytes(&v->funcs[callee]) };
		if (v->funcs[callee].tail_calls && c[d].bytes >= TAIL_STACK)
			reject(v, REJECT_TAIL_STACK, at, &(struct why){ .a = c[d].bytes });
		if (!check_depth(v, c, (u32)++d))
			return;
	}
}

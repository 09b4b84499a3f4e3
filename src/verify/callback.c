/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callback.c: functions that a helper calls. The body of a synchronous callback
 * (bpf_loop, bpf_for_each_map_elem) may run any number of times: it is followed
 * from the call, and where it returns the call is looked at once more, until
 * nothing new comes of it. Numbers that differ from pass to pass and did not
 * matter so far are forgotten on the way, so that this ends. A timer's callback
 * runs later, by itself: it is a path of its own.
 */
#include "verify/call.h"
#include "verify/explore.h"
#include "verify/kobject.h"
#include "model/dynptr.h"

/* ---- what a callback gets ------------------------------------------------ */

static void arg_map_value(struct verifier *v, struct reg *r, const struct reg *map, u8 type)
{
	reg_set_ptr(r, (enum reg_type)type, 0);
	r->map = map->map;
	r->uid = map->uid;
	r->id = type == REG_MAP_VALUE ? ++v->next_id : 0;
}

/* An object of the target kernel's struct NAME. */
static bool object_arg(struct verifier *v, struct reg *r, const char *name)
{
	const struct btf *btf = v->opts->vmlinux;
	u32 id = btf ? btf_find(btf, name, BTF_KIND_STRUCT) : 0;

	if (id)
		reg_set_btf(v, r, btf, id, 0);
	return id;
}

/* Parameters of the frame that was pushed, from the call's registers. */
static bool callback_args(struct verifier *v, const struct call *c, struct frame *caller,
			  struct frame *f)
{
	switch (c->row->id) {
	case BPF_FUNC_loop:		/* (index, ctx) */
		reg_set_unknown(v, &f->regs[1]);
		f->regs[2] = caller->regs[3];
		return true;
	case BPF_FUNC_for_each_map_elem:	/* (map, key, value, ctx) */
		f->regs[1] = c->map_reg;
		arg_map_value(v, &f->regs[2], &c->map_reg, REG_MAP_KEY);
		f->regs[2].frame = f->regs[REG_FP].frame;
		arg_map_value(v, &f->regs[3], &c->map_reg, REG_MAP_VALUE);
		f->regs[4] = caller->regs[3];
		return true;
	case BPF_FUNC_user_ringbuf_drain:	/* (sample, ctx) */
		reg_set_ptr(&f->regs[1], REG_DYNPTR, 0);
		f->regs[1].dynptr = DYNPTR_LOCAL;
		f->regs[1].frame = f->regs[REG_FP].frame;
		f->regs[2] = caller->regs[3];
		return true;
	case CALLBACK_LESS:		/* (node, node), of objects in the tree */
		for (unsigned r = 1; r <= 2; r++) {
			reg_set_btf(v, &f->regs[r], c->kptr.btf, c->kptr.id,
				    REG_ALLOC | REG_NON_OWN);
			f->regs[r].off = (s32)c->const_size;
		}
		return true;
	case BPF_FUNC_find_vma:		/* (task, area, ctx) */
		f->regs[1] = caller->regs[1];
		f->regs[3] = caller->regs[4];
		return object_arg(v, &f->regs[2], "vm_area_struct");
	default:
		return false;
	}
}

/* ---- synchronous ones ---------------------------------------------------- */

static void set_frame(struct frame *f, enum frame_kind kind, u32 helper, s64 max)
{
	f->kind = (u8)kind;
	f->callback = helper;
	f->ret_max = max;
}

/* bpf_loop says how often; more passes need not be looked at. */
static bool goes_on(struct verifier *v, struct state *s, const struct call *c)
{
	const struct reg *times = state_reg(s, 1);

	if (c->row->id != BPF_FUNC_loop)
		return true;
	if (times->type != REG_SCALAR) {	/* an address is many times */
		reject(v, REJECT_ARG_TYPE, c->insn, &(struct why){ .reg = 1, .ptr = times,
		       .a = 1, .s = "scalar", .t = c->row->name });
		return true;
	}
	reg_mark(v, times);
	return state_frame(s)->depth < times->val.umax;
}

static void leave_call(struct state *s)
{
	state_frame(s)->depth = 0;
	state_frame(s)->left++;
}

/* S goes on behind the call; a copy of it goes into the body. */
static void enter(struct verifier *v, struct state *s, const struct call *c)
{
	struct state *body;
	u32 func = (u32)c->func;

	if (!goes_on(v, s, c)) {
		leave_call(s);
		return;
	}
	if (s->nr_frames == MAX_FRAMES) {
		reject(v, REJECT_FRAMES, c->insn, &(struct why){ .a = MAX_FRAMES + 1 });
		return;
	}
	body = explore_push(v, s, v->funcs[func].start);
	if (!body)
		return;
	v->funcs[func].called_back = true;
	state_frame(body)->depth++;
	state_push_frame(v, body, func, c->insn);
	set_frame(state_frame(body), FRAME_CALLBACK, c->row->id, 1);
	if (!callback_args(v, c, body->frames[body->nr_frames - 2], state_frame(body)))
		not_judged(v, c->insn, "callbacks of bpf_%s", c->row->name);
	explore_settle(v);
	leave_call(s);
}

/* Does the call that frame I of S was entered by keep readers or the address space waiting
 * for the callback? (The kernel lets it sleep.) */
static bool keeps_waiting(const struct verifier *v, const struct state *s, u32 i)
{
	const struct reg *map = &s->frames[i - 1]->regs[1];
	u32 type = map->type == REG_MAP ? map_of(v, map)->type : 0;

	switch (s->frames[i]->kind == FRAME_CALLBACK ? s->frames[i]->callback : 0) {
	case BPF_FUNC_for_each_map_elem:
		return type != BPF_MAP_TYPE_ARRAY && type != BPF_MAP_TYPE_PERCPU_ARRAY;
	case BPF_FUNC_find_vma:
		return true;
	default:
		return false;
	}
}

const char *section_open(const struct verifier *v, const struct state *s)
{
	const char *iter = v->opts->policy == POLICY_USER ? iter_locking(s) : NULL;

	for (u32 i = 1; i < s->nr_frames && v->opts->policy == POLICY_USER; i++)
		if (keeps_waiting(v, s, i))
			return "callback";
	if (iter)
		return iter;
	return s->rcu ? "rcu_read_lock" : s->preempt ? "non-preemptible" :
	       s->irq ? "IRQ-disabled" : NULL;
}

/* ---- timers and work ----------------------------------------------------- */

bool callback_is_work(const struct helper_row *row)
{
	return !strcmp(row->name, "wq_set_callback_impl");
}


static void enter_async(struct verifier *v, struct state *s, const struct call *c)
{
	struct state *body = explore_push(v, s, v->funcs[c->func].start);
	struct frame *f;

	v->funcs[c->func].is_async = true;
	if (!body)
		return;
	while (body->nr_frames)
		state_pop_frame(v, body);
	body->nr_refs = 0;
	body->rcu = body->preempt = body->irq = 0;
	body->sleepable = callback_is_work(c->row);	/* a timer interrupts */
	state_push_frame(v, body, (u32)c->func, 0);
	f = state_frame(body);
	set_frame(f, FRAME_ASYNC, c->row->id, 0);
	reg_set_ptr(&f->regs[1], REG_MAP, 0);
	f->regs[1].map = c->map_reg.map;
	f->regs[1].uid = c->map_reg.uid;
	arg_map_value(v, &f->regs[2], &c->map_reg, REG_MAP_KEY);
	arg_map_value(v, &f->regs[3], &c->map_reg, REG_MAP_VALUE);
	explore_settle(v);
}

void callback_enter(struct verifier *v, struct state *s, const struct call *c)
{
	if (c->row->id == BPF_FUNC_timer_set_callback || callback_is_work(c->row))
		enter_async(v, s, c);
	else
		enter(v, s, c);
}

/* ---- the way back -------------------------------------------------------- */

static void check_result(struct verifier *v, struct state *s, u32 at)
{
	const struct frame *f = state_frame(s);
	struct reg *r0 = state_reg(s, 0);
	struct why why = { .ptr = r0, .a = f->ret_min, .b = f->ret_max, .s = "callback return",
			   .want = f->ret_max ? "0..1" : "0 only" };
	struct strbuf text = { 0 };

	if (check_readable(v, s, at, 0))
		return;
	if (r0->type != REG_SCALAR) {
		reject(v, REJECT_RET_TYPE, at, &why);
		return;
	}
	reg_mark(v, r0);
	if (r0->val.smin >= f->ret_min && r0->val.smax <= f->ret_max)
		return;
	scalar_text(&text, &r0->val);
	why.t = sb_text(&text);
	reject(v, REJECT_RET_RANGE, at, &why);
	sb_free(&text);
}

struct leave { struct verifier *v; u32 frame; };

/* The key that a callback is shown is a copy, which is gone when it returns; a sample
 * of user space is given back then. */
static void forget_given(struct reg *r, void *arg)
{
	struct leave *l = arg;

	if ((r->type != REG_MAP_KEY && r->type != REG_MEM) || r->frame != l->frame)
		return;
	if (l->v->privileged)
		reg_set_unknown(l->v, r);
	else
		reg_set_none(r);
}

enum step callback_exit(struct verifier *v, struct state *s, u32 at)
{
	u32 callsite = state_frame(s)->callsite;
	struct leave leave = { v, s->nr_frames - 1 };

	check_result(v, s, at);
	if (state_frame(s)->kind == FRAME_ASYNC) {
		check_held(v, s, at);
		return STEP_END;
	}
	state_pop_frame(v, s);
	slices_overwrite(v, s, s->nr_frames, 0, MAX_SLOTS);
	if (v->opts->policy == POLICY_USER) {
		dynptr_leave(v, s, leave.frame);
		state_each(s, forget_given, &leave);
	}
	s->insn = callsite;
	widen_pass(v, s);
	return STEP_NEXT;
}

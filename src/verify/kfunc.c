/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfunc.c: calls of the kernel's functions by name. Those with a meaning of
 * their own stand in the table below: read sections, iterators. The others are
 * judged by their row of kfunc.def, as helpers are.
 *
 * An iterator lies on the stack: new makes it active, next gives an element or
 * drains it, destroy gives it back. The loop around next is followed pass by
 * pass like a callback's body: the state after "an element" begins a pass.
 */
#include "verify/call.h"
#include "verify/explore.h"

typedef enum step kfunc_fn(struct verifier *v, struct state *s, u32 at);

/* ---- read sections ------------------------------------------------------- */

static enum step rcu_lock(struct verifier *v, struct state *s, u32 at)
{
	(void)v, (void)at;
	s->rcu++;
	return STEP_NEXT;
}

static enum step rcu_unlock(struct verifier *v, struct state *s, u32 at)
{
	if (!s->rcu)
		reject(v, REJECT_RCU_NONE, at, &(struct why){ .s = "bpf_rcu_read_unlock" });
	else
		s->rcu--;
	return STEP_NEXT;
}

static enum step preempt_disable(struct verifier *v, struct state *s, u32 at)
{
	(void)v, (void)at;
	s->preempt++;
	return STEP_NEXT;
}

static enum step preempt_enable(struct verifier *v, struct state *s, u32 at)
{
	if (!s->preempt)
		reject(v, REJECT_RCU_NONE, at, &(struct why){ .s = "bpf_preempt_enable" });
	else
		s->preempt--;
	return STEP_NEXT;
}

/* ---- iterators ----------------------------------------------------------- */

enum { ITER_ACTIVE = 1, ITER_DRAINED = 2 };

/* The slot that R points at, made where there is none; NULL: no such place. */
static struct slot *iter_slot(struct verifier *v, struct state *s, const struct reg *r)
{
	s64 off = r->off;
	struct frame *f;
	u32 n;

	if (r->type != REG_STACK || !scalar_is_const(&r->val))
		return NULL;
	off += (s64)scalar_value(&r->val);
	if (off >= 0 || off < -STACK_BYTES || off % SLOT_BYTES)
		return NULL;
	n = (u32)(-off / SLOT_BYTES) - 1;
	f = state_grow(v, s, r->frame, n + 1);
	v->funcs[f->func].stack_bytes = (u32)max_u64(v->funcs[f->func].stack_bytes, (u64)-off);
	return &f->slots[n];
}

static bool is_iter(const struct slot *t)
{
	return t && t->kind[0] == SLOT_ITER;
}

static struct slot *initialized(struct verifier *v, struct state *s, u32 at)
{
	struct slot *t = iter_slot(v, s, state_reg(s, 1));

	if (is_iter(t)) {
		def_read(v, t->def);
		return t;
	}
	reject(v, REJECT_ITER_NONE, at, &(struct why){ .s = "iter_num" });
	return NULL;
}

static enum step iter_num_new(struct verifier *v, struct state *s, u32 at)
{
	struct slot *t = iter_slot(v, s, state_reg(s, 1));
	u32 ref;

	for (unsigned r = 2; r <= 3; r++)
		if (!check_readable(v, s, at, r) && state_reg(s, r)->type != REG_SCALAR)
			reject(v, REJECT_ARG_TYPE, at, &(struct why){ .reg = r, .a = r,
			       .ptr = state_reg(s, r), .s = "scalar", .t = "bpf_iter_num_new" });
	if (!t || is_iter(t)) {
		reject(v, REJECT_ITER_USED, at, &(struct why){ .s = "iter_num" });
		return STEP_NEXT;
	}
	ref = ref_acquire(v, s, REF_PTR);
	ref_find(s, ref)->insn = at;
	memset(t->kind, SLOT_ITER, SLOT_BYTES);
	reg_set_none(&t->reg);
	t->def = def_new(v, 0, 0);
	t->reg.ref = ref;
	t->reg.map = ITER_ACTIVE;
	return STEP_NEXT;
}

/* What the kernel knows of an element: four bytes that may be read. */
static void set_element(struct verifier *v, struct reg *r0, u32 ref)
{
	(void)v;
	reg_set_ptr(r0, REG_MEM, REG_RDONLY);
	r0->bytes = 4;
	r0->ref = ref;
}

static enum step iter_num_next(struct verifier *v, struct state *s, u32 at)
{
	struct slot *t = initialized(v, s, at);
	struct state *pass;

	if (!t)
		return STEP_NEXT;
	if (t->reg.map == ITER_ACTIVE) {
		pass = explore_push(v, s, s->insn);
		if (!pass)
			return STEP_END;
		/* the copy begins another pass with what this one left */
		widen_from(v, pass, at);
		t = iter_slot(v, pass, state_reg(pass, 1));
		t->reg.off++;
		for (unsigned r = 1; r <= 5; r++)
			reg_set_none(state_reg(pass, r));
		set_element(v, state_reg(pass, 0), t->reg.ref);
		explore_settle(v);
	}
	t = iter_slot(v, s, state_reg(s, 1));
	t->reg.map = ITER_DRAINED;
	reg_set_const(v, state_reg(s, 0), 0);
	return STEP_NEXT;
}

static enum step iter_num_destroy(struct verifier *v, struct state *s, u32 at)
{
	struct slot *t = initialized(v, s, at);
	u32 ref;

	if (!t)
		return STEP_NEXT;
	ref = t->reg.ref;
	memset(t->kind, v->privileged ? SLOT_NONE : SLOT_MISC, SLOT_BYTES);
	reg_set_none(&t->reg);
	t->def = 0;
	ref_release(v, s, ref);
	return STEP_NEXT;
}

/* ---- calls --------------------------------------------------------------- */

enum result { GIVES_NOTHING, GIVES_NUMBER, GIVES_OWN };

static const struct kfunc {
	const char *name;
	kfunc_fn *fn;
	enum result gives;
	bool iterates;
	u8 args;
} kfuncs[] = {
	{ "bpf_rcu_read_lock", rcu_lock, GIVES_NOTHING, false, 0 },
	{ "bpf_rcu_read_unlock", rcu_unlock, GIVES_NOTHING, false, 0 },
	{ "bpf_preempt_disable", preempt_disable, GIVES_NOTHING, false, 0 },
	{ "bpf_preempt_enable", preempt_enable, GIVES_NOTHING, false, 0 },
	{ "bpf_iter_num_new", iter_num_new, GIVES_NUMBER, false, 3 },
	{ "bpf_iter_num_next", iter_num_next, GIVES_OWN, true, 1 },
	{ "bpf_iter_num_destroy", iter_num_destroy, GIVES_NOTHING, false, 1 },
};

static const char *kfunc_name(const struct verifier *v, u32 at)
{
	u32 i = (u32)v->insns[at].imm;

	return i < v->img->nr_externs ? v->img->externs[i].name : "?";
}

static const struct kfunc *kfunc_find(const struct verifier *v, u32 at)
{
	const char *name = kfunc_name(v, at);

	for (size_t i = 0; i < ARRAY_LEN(kfuncs); i++)
		if (!strcmp(kfuncs[i].name, name))
			return &kfuncs[i];
	return NULL;
}

bool kfunc_moves_packet(const struct verifier *v, u32 at)
{
	return !strcmp(kfunc_name(v, at), "bpf_xdp_pull_data");
}

bool kfunc_iterates(const struct verifier *v, u32 at)
{
	const struct kfunc *k = kfunc_find(v, at);

	return k && k->iterates;
}

enum step step_call_kfunc(struct verifier *v, struct state *s, u32 at)
{
	const struct kfunc *k = kfunc_find(v, at);
	const struct helper_row *row = kfunc_row(kfunc_name(v, at));
	enum step step;

	if (row)
		check_kfunc(v, at, row);
	if (!k && row) {
		check_locked(v, s, at, false);
		return step_call_row(v, s, at, row);
	}
	if (!k) {
		not_judged(v, at, "calls of %s", kfunc_name(v, at));
		return STEP_END;
	}
	if (k->args && check_readable(v, s, at, 1))
		return STEP_NEXT;
	check_locked(v, s, at, k->iterates);
	step = k->fn(v, s, at);
	for (unsigned r = 1; r <= 5; r++)
		reg_set_none(state_reg(s, r));
	if (k->gives == GIVES_NUMBER)
		reg_set_unknown(v, state_reg(s, 0));
	else if (k->gives == GIVES_NOTHING)
		reg_set_none(state_reg(s, 0));
	return step;
}

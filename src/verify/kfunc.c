/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfunc.c: calls of the kernel's functions by name. Those with a meaning of
 * their own stand in the table below or in iter.c: sections, iterators. The others
 * are judged by their row of kfunc.def, as helpers are.
 */
#include "verify/call.h"
#include "model/uapi.h"
#include "verify/explore.h"
#include "verify/fields.h"

const char *kfunc_name(const struct verifier *v, u32 at)
{
	u32 i = (u32)v->insns[at].imm;

	return i < v->img->nr_externs ? v->img->externs[i].name : "?";
}

/* ---- read sections ------------------------------------------------------- */

static enum step rcu_lock(struct verifier *v, struct state *s, u32 at)
{
	if (s->rcu)
		reject(v, REJECT_RCU_NESTED, at, NULL);
	else
		s->rcu++;
	return STEP_NEXT;
}

/* What was good until the section's end is so no more. */
static void leave_section(struct reg *r, void *arg)
{
	(void)arg;
	if (!(r->flags & REG_RCU) || !reg_is_ptr(r))
		return;
	r->flags &= (u16)~(REG_RCU | REG_OR_NULL | REG_NON_OWN);
	r->flags |= REG_UNTRUSTED;
}

/* Iterators that needed the section are of no use any more, too. */
static void leave_sections(struct state *s)
{
	state_each(s, leave_section, NULL);
	for (u32 i = 0; i < s->nr_frames; i++)
		for (u32 n = 0; n < s->frames[i]->nr_slots; n++)
			if (s->frames[i]->slots[n].kind[0] == SLOT_ITER)
				iter_leave_section(&s->frames[i]->slots[n]);
}

static enum step rcu_unlock(struct verifier *v, struct state *s, u32 at)
{
	if (!s->rcu)
		reject(v, REJECT_RCU_NONE, at, &(struct why){ .s = "bpf_rcu_read_unlock" });
	else if (!--s->rcu)
		leave_sections(s);
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

/* ---- slots of objects ---------------------------------------------------- */

struct slot *slots_at(struct verifier *v, struct state *s, const struct reg *r, u32 nr)
{
	s64 off = r->off;
	struct frame *f;
	u32 n;

	if (r->type != REG_STACK || !scalar_is_const(&r->val))
		return NULL;
	off += (s64)scalar_value(&r->val);
	if (off > -(s64)nr * SLOT_BYTES || off < -STACK_BYTES || off % SLOT_BYTES)
		return NULL;
	n = (u32)(-off / SLOT_BYTES) - 1;
	f = state_grow(v, s, r->frame, n + 1);
	v->funcs[f->func].stack_bytes = (u32)max_u64(v->funcs[f->func].stack_bytes, (u64)-off);
	return &f->slots[n];
}

void slots_overwrite(struct verifier *v, struct state *s, u32 at, const struct reg *r,
		     struct slot *t, u32 nr)
{
	u32 first = (u32)(t - s->frames[r->frame]->slots);

	slices_overwrite(v, s, r->frame, first - (nr - 1), first);
	for (u32 n = 0; n < nr; n++)
		if (slot_kind_is_object(t[-(s32)n].kind[0]))
			object_overwrite(v, s, at, r->frame, (u32)(t - n -
					 s->frames[r->frame]->slots));
}

/* ---- interrupts ---------------------------------------------------------- */

static enum step irq_save(struct verifier *v, struct state *s, u32 at)
{
	const struct reg *r = state_reg(s, 1);
	struct slot *t = slots_at(v, s, r, 1);
	u32 ref;

	if (!t || t->kind[0] == SLOT_IRQ) {
		reject(v, REJECT_IRQ_USED, at, &(struct why){ .b = 0 });
		return STEP_NEXT;
	}
	slots_overwrite(v, s, at, r, t, 1);
	ref = ref_acquire(v, s, REF_IRQ);
	ref_find(s, ref)->insn = at;
	memset(t->kind, SLOT_IRQ, SLOT_BYTES);
	reg_set_none(&t->reg);
	t->def = def_new(v, 0, 0);
	t->reg.ref = ref;
	s->irq = ref;
	return STEP_NEXT;
}

static u32 last_irq(const struct state *s)
{
	for (u32 i = s->nr_refs; i-- > 0;)
		if (s->refs[i].kind == REF_IRQ)
			return s->refs[i].id;
	return 0;
}

static enum step irq_restore(struct verifier *v, struct state *s, u32 at)
{
	struct slot *t = slots_at(v, s, state_reg(s, 1), 1);
	const struct ref *last = ref_find(s, s->irq);
	u32 ref;

	if (!t || t->kind[0] != SLOT_IRQ) {
		reject(v, REJECT_IRQ_NONE, at, &(struct why){ .b = 0 });
		return STEP_NEXT;
	}
	def_read(v, t->def);
	ref = t->reg.ref;
	if (ref != s->irq)
		reject(v, REJECT_IRQ_ORDER, at, &(struct why){
			.a = s->irq, .b = last ? last->insn : 0 });
	slot_clear(v, t);
	ref_release(v, s, ref);
	s->irq = last_irq(s);
	return STEP_NEXT;
}

/* ---- calls --------------------------------------------------------------- */

static const struct kfunc kfuncs[] = {
	{ "bpf_rcu_read_lock", rcu_lock, GIVES_NOTHING, false, 0, false },
	{ "bpf_rcu_read_unlock", rcu_unlock, GIVES_NOTHING, false, 0, false },
	{ "bpf_preempt_disable", preempt_disable, GIVES_NOTHING, false, 0, false },
	{ "bpf_preempt_enable", preempt_enable, GIVES_NOTHING, false, 0, false },
	{ "bpf_obj_new_impl", step_obj_new, GIVES_OWN, false, 1, false },
	{ "bpf_percpu_obj_new_impl", step_percpu_new, GIVES_OWN, false, 1, false },
	{ "bpf_percpu_obj_drop_impl", step_percpu_drop, GIVES_NOTHING, false, 1, false },
	{ "bpf_obj_drop_impl", step_obj_drop, GIVES_NOTHING, false, 1, false },
	{ "bpf_cast_to_kern_ctx", step_cast_ctx, GIVES_OWN, false, 1, false },
	{ "bpf_rdonly_cast", step_rdonly_cast, GIVES_OWN, false, 0, false },
	{ "bpf_local_irq_save", irq_save, GIVES_NOTHING, false, 1, false },
	{ "bpf_local_irq_restore", irq_restore, GIVES_NOTHING, false, 1, false },
};

static const struct kfunc *kfunc_find(const struct verifier *v, u32 at)
{
	const char *name = kfunc_name(v, at);
	const struct kfunc *k;

	for (size_t i = 0; i < ARRAY_LEN(kfuncs); i++)
		if (!strcmp(kfuncs[i].name, name))
			return &kfuncs[i];
	k = iter_kfunc(name);
	return k ? k : graph_kfunc(name);
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

/* Bits by type of who may call the function, attached as this program is. */
static u64 typed_types(const struct verifier *v, const struct kfunc_typed_row *row)
{
	u32 attach = v->prog->expected_attach;

	if ((row->flags & KFUNC_ITER) && attach != BPF_TRACE_ITER)
		return 0;
	if ((row->flags & KFUNC_SESSION) && attach != UAPI_TRACE_KPROBE_SESSION &&
	    attach != UAPI_TRACE_UPROBE_SESSION)
		return 0;
	return row->types;
}

enum step step_call_kfunc(struct verifier *v, struct state *s, u32 at)
{
	const struct kfunc *k = kfunc_find(v, at);
	const struct helper_row *row = kfunc_row(kfunc_name(v, at));
	const struct kfunc_typed_row *typed = kfunc_typed_row(kfunc_name(v, at));
	enum step step;

	if (row)
		check_kfunc(v, at, kfunc_name(v, at), row->types);
	else if (typed)
		check_kfunc(v, at, typed->name, typed_types(v, typed));
	if (!k && typed) {
		check_locked(v, s, at, false);
		return step_call_typed(v, s, at, typed);
	}
	if (row)
		dated_kfunc(v, at, row);
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
	check_locked(v, s, at, k->inside);
	step = k->fn(v, s, at);
	for (unsigned r = 1; r <= 5; r++)
		reg_set_none(state_reg(s, r));
	if (k->gives == GIVES_NUMBER)
		reg_set_unknown(v, state_reg(s, 0));
	else if (k->gives == GIVES_NOTHING)
		reg_set_none(state_reg(s, 0));
	return step;
}

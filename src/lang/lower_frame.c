/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_frame.c: what is around a function's code: the memory of this cpu that a program has
 * while it runs, and the memory for variables that loops over maps share with it.
 */
#include "lang/lower.h"

/* Memory number KEY of this cpu. It is not there only when the kernel is out of its mind. */
static struct ir_insn *cpu_memory(struct low *w, u32 number)
{
	struct ir_block *has = low_block_new(w), *none = low_block_new(w);
	struct ir_insn *key = ir_slot(w->f, 4, 4), *p;

	ir_store(w->f, 4, key, 0, num(w, number));
	p = ir_call(w->f, BPF_FUNC_map_lookup_elem, 2, ir_map(w->f, w->l->scratch_map), key);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, none);
	low_at(w, none);
	ir_exit(w->f, num(w, 0));
	low_at(w, has);
	return p;
}

/*
 * May another run of the same program begin on this processor before one has ended? The kernel
 * drops such a run of all kinds (prog->active, bpf_prog_active) but those on events of user
 * space: where it is preemptible, a task may be in the middle of the program, and the next task
 * of this processor comes to the probe.
 */
bool low_is_guarded(const struct prog *p)
{
	return probe_flags(p->place->kind) & PF_USER;
}

/*
 * The first of the program's memories that nobody is in: its first word says so. When tasks are
 * in all of them this run is counted as lost.
 */
static void claim_scratch(struct low *w)
{
	struct ir_block *got = low_block_new(w);
	const u32 var = ir_var(w->f);

	for (u32 i = 0; i < LOW_SCRATCH_LEVELS; i++) {
		struct ir_block *taken = low_block_new(w);
		struct ir_insn *p = cpu_memory(w, w->p->scratch + i);

		ir_write(w->f, var, p);
		ir_br(w->f, CC_EQ, 64, ir_xchg(w->f, p, num(w, 1)), num(w, 0), got, taken);
		low_at(w, taken);
	}
	low_count(w, LC_LOST);
	ir_exit(w->f, num(w, 0));
	low_at(w, got);
	w->scratch = ir_read(w->f, var);
}

/* Before the program ends. */
void low_release_scratch(struct low *w)
{
	if (w->scratch && low_is_guarded(w->p))
		ir_store(w->f, 8, w->scratch, 0, num(w, 0));
}

/* The program's memory of this cpu, which runs that interrupt this one do not use. */
void low_get_scratch(struct low *w)
{
	if (low_is_guarded(w->p))
		claim_scratch(w);
	else
		w->scratch = cpu_memory(w, w->p->scratch);
}

static u32 caps_bytes(struct low *w)
{
	u32 bytes = CAPS_VARS;

	for (struct var *v = w->p->vars; v; v = v->next) {
		if (!v->captured || v->depth != w->depth || !v->ty)
			continue;
		if (v->ty->bytes <= 64) {
			v->at = (s32)bytes;
			bytes += (u32)round_up(v->ty->bytes, 8);
		} else {
			v->at = (s32)*w->scratch_at;
			*w->scratch_at += (u32)round_up(v->ty->bytes, 8);
			*w->wants_scratch = true;
		}
	}
	if (*w->scratch_at > *w->scratch_max)
		*w->scratch_max = *w->scratch_at;
	if (w->scratch && low_is_guarded(w->p)) {
		w->scratch_caps = (s32)bytes;
		bytes += 8;
	}
	return bytes;
}

bool low_has_callbacks(const struct node *n)
{
	for (; n; n = n->next)
		if (n->kind == N_FORMAP || (n->a && low_has_callbacks(n->a)) ||
		    (n->b && low_has_callbacks(n->b)) || (n->c && low_has_callbacks(n->c)) ||
		    (n->list && low_has_callbacks(n->list)))
			return true;
	return false;
}

static bool any_captured(const struct low *w)
{
	for (const struct var *v = w->p->vars; v; v = v->next)
		if (v->captured && v->depth == w->depth)
			return true;
	return false;
}

void low_open_caps(struct low *w, bool callbacks)
{
	const u32 bytes = caps_bytes(w);

	if (!callbacks && !any_captured(w))
		return;
	w->own = ir_slot(w->f, bytes, 8);
	w->stack_used += bytes;
	ir_zero(w->f, w->own, 0, bytes);
	if (w->up)
		ir_store(w->f, 8, w->own, CAPS_UP, w->up);
	if (w->ctx)
		ir_store(w->f, 8, w->own, CAPS_CTX, w->ctx);
	if (w->scratch_caps)
		ir_store(w->f, 8, w->own, w->scratch_caps, w->scratch);
}

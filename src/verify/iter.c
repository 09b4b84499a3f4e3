/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iter.c: iterators that a program opens itself. One lies on the stack: new makes
 * it active, next gives an element or drains it, destroy gives it back. The loop
 * around next is followed pass by pass like a callback's body: the state after "an
 * element" begins a pass. Those over what only a read section keeps are good as
 * long as the section is.
 */
#include "verify/call.h"
#include "verify/explore.h"
#include "verify/kobject.h"

enum { ITER_ACTIVE = 1, ITER_DRAINED = 2, ITER_GONE = 3 };	/* GONE: what it goes over */

enum iter_flag {
	ITER_UNREAD = 1,	/* the second argument is not looked at */
	ITER_SECTION = 2,	/* only in a read section */
	ITER_SELDOM = 4,	/* takes a lock that other programs may hold */
	ITER_AGAIN = 8,		/* after the end it begins anew (the kernel's verifier takes
				   it for one that ended) */
	ITER_ONE = 16,		/* an object is given back when the next one is asked for */
	/* of these two the kernel's verifier does not ask: */
	ITER_MEMBERS = 32,	/* of what it was begun with, which it does not keep */
	ITER_LOCKS = 64,	/* an address space, until it is destroyed */
};

/* Kinds; of the functions of each the names begin with "bpf_" and its. */
static const struct iter {
	const char *name;
	u32 slots;		/* of stack */
	unsigned flags;		/* enum iter_flag */
	const char *element;	/* struct of the kernel; NULL: an int */
} iters[] = {
	{ "iter_num", 1, 0, NULL },
	{ "iter_bits", 2, ITER_UNREAD, NULL },
	{ "iter_task_vma", 1, ITER_LOCKS, "vm_area_struct" },
	{ "iter_task", 3, ITER_SECTION, "task_struct" },
	{ "iter_css_task", 1, ITER_SELDOM | ITER_ONE | ITER_MEMBERS, "task_struct" },
	{ "iter_css", 3, ITER_SECTION | ITER_AGAIN, "cgroup_subsys_state" },
	{ "iter_kmem_cache", 1, ITER_ONE, "kmem_cache" },
	{ "iter_dmabuf", 1, ITER_AGAIN | ITER_ONE, "dma_buf" },
};

/* The kind that NAME, a function, is of, and *WHAT follows it; NULL: none. */
static const struct iter *iter_named(const char *name, const char **what)
{
	for (size_t i = 0; i < ARRAY_LEN(iters) && !strncmp(name, "bpf_iter_", 9); i++) {
		size_t n = strlen(iters[i].name);

		*what = name + 4 + n;
		if (!strncmp(name + 4, iters[i].name, n) &&
		    (!strcmp(*what, "_new") || !strcmp(*what, "_next") ||
		     !strcmp(*what, "_destroy")))
			return &iters[i];
	}
	return NULL;
}

/* What instruction AT calls is a function of. */
static const struct iter *iter_of(const struct verifier *v, u32 at)
{
	const char *what;

	return iter_named(kfunc_name(v, at), &what);
}

/* ---- where it lies ------------------------------------------------------- */

/* Are the slots from T down whole, and of iterators of kind I? */
static bool is_iter(const struct slot *t, const struct iter *i)
{
	for (u32 n = 0; t && n < i->slots; n++)
		if (t[-(s32)n].kind[0] != SLOT_ITER || t[-(s32)n].reg.uid != i - iters ||
		    t[-(s32)n].reg.frame != n)
			return false;
	return t;
}

static bool has_iter(const struct slot *t, const struct iter *i)
{
	for (u32 n = 0; n < i->slots; n++)
		if (t[-(s32)n].kind[0] == SLOT_ITER)
			return true;
	return false;
}

static struct slot *initialized(struct verifier *v, struct state *s, u32 at)
{
	const struct iter *i = iter_of(v, at);
	struct slot *t = slots_at(v, s, state_reg(s, 1), i->slots);

	if (!is_iter(t, i)) {
		reject(v, REJECT_ITER_NONE, at, &(struct why){ .s = i->name });
		return NULL;
	}
	if (t->reg.flags & REG_UNTRUSTED)
		reject(v, REJECT_ITER_SECTION, at, &(struct why){ .s = kfunc_name(v, at) });
	for (u32 n = 0; n < i->slots; n++)
		def_read(v, t[-(s32)n].def);
	return t;
}

void iter_leave_section(struct slot *t)
{
	if (!(t->reg.flags & REG_RCU))
		return;
	t->reg.flags &= (u16)~REG_RCU;
	t->reg.flags |= REG_UNTRUSTED;
}

/* ---- what goes on meanwhile ---------------------------------------------- */

static void owner_left(struct slot *t, u32 ref)
{
	if (t->kind[0] == SLOT_ITER && t->reg.buffer == (BUFFER_REF | ref))
		t->reg.map = ITER_GONE;
}

void iter_leave_owner(struct state *s, u32 ref)
{
	for (u32 i = 0; i < s->nr_frames; i++)
		for (u32 n = 0; n < s->frames[i]->nr_slots; n++)
			owner_left(&s->frames[i]->slots[n], ref);
}

const char *iter_locking(const struct state *s)
{
	for (u32 i = 0; i < s->nr_frames; i++)
		for (u32 n = 0; n < s->frames[i]->nr_slots; n++) {
			const struct slot *t = &s->frames[i]->slots[n];

			if (t->kind[0] == SLOT_ITER && iters[t->reg.uid].flags & ITER_LOCKS)
				return iters[t->reg.uid].name;
		}
	return NULL;
}

/* ---- new ----------------------------------------------------------------- */

static void check_numbers(struct verifier *v, struct state *s, u32 at, const struct iter *i)
{
	if (i->flags & ITER_UNREAD)
		check_unread(v, s, at, 1, kfunc_name(v, at));
	for (unsigned r = i->flags & ITER_UNREAD ? 3 : 2; r <= 3; r++)
		if (!check_readable(v, s, at, r) && state_reg(s, r)->type != REG_SCALAR)
			reject(v, REJECT_KFUNC_NUMBER, at, &(struct why){ .reg = r, .a = r,
			       .ptr = state_reg(s, r), .t = kfunc_name(v, at) });
}

/* May the program have such an iterator here? */
static void check_place(struct verifier *v, const struct state *s, u32 at,
			const struct iter *i)
{
	struct why why = { .s = kfunc_name(v, at) };

	if ((i->flags & ITER_SECTION) && !in_read_section(s))
		reject(v, REJECT_SECTION_NEEDED, at, &why);
	if ((i->flags & ITER_SELDOM) && !s->sleepable &&
	    v->prog->type != BPF_PROG_TYPE_LSM && v->prog->expected_attach != BPF_TRACE_ITER)
		reject(v, REJECT_ITER_SELDOM, at, &why);
}

static void make(struct verifier *v, struct state *s, u32 at, const struct iter *i,
		 struct slot *t)
{
	u32 ref = ref_acquire(v, s, REF_PTR), owner = state_reg(s, 2)->ref;

	ref_find(s, ref)->insn = at;
	for (u32 n = 0; n < i->slots; n++, t--) {
		memset(t->kind, SLOT_ITER, SLOT_BYTES);
		reg_set_none(&t->reg);
		t->def = def_new(v, 0, 0);
		t->reg.uid = (u32)(i - iters);
		t->reg.frame = (u8)n;
		t->reg.ref = n ? 0 : ref;
		t->reg.map = ITER_ACTIVE;
		if (i->flags & ITER_SECTION)
			t->reg.flags = REG_RCU;
		if (i->flags & ITER_MEMBERS && v->opts->policy == POLICY_USER && owner)
			t->reg.buffer = BUFFER_REF | owner;
	}
}

static enum step iter_new(struct verifier *v, struct state *s, u32 at)
{
	const struct iter *i = iter_of(v, at);
	struct slot *t;

	check_place(v, s, at, i);
	if (!i->element)
		check_numbers(v, s, at, i);
	else if (!check_typed_args(v, s, at, 1))
		return STEP_END;
	t = slots_at(v, s, state_reg(s, 1), i->slots);
	if (!t || has_iter(t, i)) {
		reject(v, REJECT_ITER_USED, at, &(struct why){ .s = i->name });
		return STEP_NEXT;
	}
	slots_overwrite(v, s, at, state_reg(s, 1), t, i->slots);
	make(v, s, at, i, t);
	return STEP_NEXT;
}

/* ---- next, destroy ------------------------------------------------------- */

/* What goes with the iterator in R: 1 + its place. */
static u32 place_of(const struct reg *r)
{
	s64 off = -(r->off + (s64)scalar_value(&r->val));

	return 1 + ((u32)r->frame << 8 | (u32)(off / SLOT_BYTES));
}

struct forget { struct verifier *v; u32 place; };

static void forget_element(struct reg *r, void *arg)
{
	const struct forget *f = arg;

	if (r->type != REG_BTF || r->buffer != f->place)
		return;
	if (f->v->privileged)
		reg_set_unknown(f->v, r);
	else
		reg_set_none(r);
}

/* What the iterator in R1 gave is not there any more. */
static void forget_elements(struct verifier *v, struct state *s)
{
	struct forget f = { v, place_of(state_reg(s, 1)) };

	state_each(s, forget_element, &f);
}

/* What is known of an element: four bytes that may be read, or an object, which the section
 * or the iterator keeps. (The kernel takes the latter to outlive that.) */
static void set_element(struct verifier *v, struct state *s, const struct iter *i,
			const struct slot *t)
{
	struct reg *r0 = state_reg(s, 0);
	const struct btf *btf = v->opts->vmlinux;
	u32 place = place_of(state_reg(s, 1));

	if (!i->element) {
		reg_set_ptr(r0, REG_MEM, REG_RDONLY);
		r0->bytes = 4;
		r0->ref = t->reg.ref;
		return;
	}
	reg_set_btf(v, r0, btf, btf_find(btf, i->element, BTF_KIND_STRUCT),
		    t->reg.flags & REG_RCU ? REG_RCU :
		    t->reg.flags & REG_UNTRUSTED ? REG_UNTRUSTED : REG_TRUSTED);
	if (r0->flags & REG_TRUSTED && v->opts->policy == POLICY_USER)
		r0->buffer = place;
}

static bool knows_element(struct verifier *v, u32 at, const struct iter *i)
{
	const struct btf *btf = v->opts->vmlinux;

	if (!i->element || (btf && btf_find(btf, i->element, BTF_KIND_STRUCT)))
		return true;
	not_judged(v, at, "elements of bpf_%s without the kernel's types", i->name);
	return false;
}

/* There is no element. */
static void drain(struct verifier *v, struct state *s, const struct iter *i, struct slot *t)
{
	u32 ref = ++v->next_id;

	if (!(i->flags & ITER_AGAIN) || v->opts->policy != POLICY_USER) {
		t->reg.map = ITER_DRAINED;
		return;
	}
	/* as good as a new one: a loop around it does not end by it */
	ref_find(s, t->reg.ref)->id = ref;
	t->reg.ref = ref;
	t->reg.off = 0;
	t->reg.seed = 0;
	t->reg.step_min = t->reg.step_max = 0;
}

static enum step iter_next(struct verifier *v, struct state *s, u32 at)
{
	const struct iter *i = iter_of(v, at);
	struct slot *t = initialized(v, s, at);
	struct state *pass;

	if (i->element && !check_typed_args(v, s, at, 1))
		return STEP_END;
	if (!t || !knows_element(v, at, i))
		return STEP_NEXT;
	if (t->reg.map == ITER_GONE)
		reject(v, REJECT_ITER_NONE, at, &(struct why){ .s = i->name });
	if (i->flags & ITER_ONE)
		forget_elements(v, s);
	if (t->reg.map == ITER_ACTIVE) {
		pass = explore_push(v, s, s->insn);
		if (!pass)
			return STEP_END;
		/* the copy begins another pass with what this one left */
		widen_from(v, pass, at);
		t = slots_at(v, pass, state_reg(pass, 1), i->slots);
		t->reg.off++;
		set_element(v, pass, i, t);
		for (unsigned r = 1; r <= 5; r++)
			reg_set_none(state_reg(pass, r));
		explore_settle(v);
	}
	t = slots_at(v, s, state_reg(s, 1), i->slots);
	drain(v, s, i, t);
	reg_set_const(v, state_reg(s, 0), 0);
	return STEP_NEXT;
}

static enum step iter_destroy(struct verifier *v, struct state *s, u32 at)
{
	const struct iter *i = iter_of(v, at);
	struct slot *t = initialized(v, s, at);
	u32 ref;

	if (i->element && !check_typed_args(v, s, at, 1))
		return STEP_END;
	if (!t)
		return STEP_NEXT;
	ref = t->reg.ref;
	forget_elements(v, s);
	for (u32 n = i->slots; n-- > 0; t--)
		slot_clear(v, t);
	ref_release(v, s, ref);
	return STEP_NEXT;
}

/* ---- by name ------------------------------------------------------------- */

const struct kfunc *iter_kfunc(const char *name)
{
	/* of numbers they may be called with a lock held: the second row of each */
	static const struct kfunc funcs[][2] = {
		{ { "_new", iter_new, GIVES_NUMBER, false, 1, false },
		  { "_new", iter_new, GIVES_NUMBER, false, 1, true } },
		{ { "_next", iter_next, GIVES_OWN, true, 1, false },
		  { "_next", iter_next, GIVES_OWN, true, 1, true } },
		{ { "_destroy", iter_destroy, GIVES_NOTHING, false, 1, false },
		  { "_destroy", iter_destroy, GIVES_NOTHING, false, 1, true } },
	};
	const char *what;
	const struct iter *iter = iter_named(name, &what);

	for (size_t i = 0; iter && i < ARRAY_LEN(funcs); i++)
		if (!strcmp(funcs[i][0].name, what))
			return &funcs[i][iter == &iters[0]];
	return NULL;
}

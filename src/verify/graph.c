/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * graph.c: lists and trees of objects that a program made. Their heads lie in map
 * values, global variables or objects, beside the spin lock that must be held. What
 * goes in is owned by the list from then on: pointers to it stay good until the lock
 * is given back. What comes out is owed.
 */
#include "verify/call.h"
#include "verify/fields.h"
#include "verify/kobject.h"
#include <stdio.h>

enum op_kind { OP_PUT, OP_TAKE, OP_SHOW, OP_REMOVE, OP_NEXT };

static const struct op {
	const char *name;
	u8 kind;		/* enum op_kind */
	u8 head, node;		/* enum field_kind */
	u8 off;			/* register of the offset; 0: none */
	bool less;		/* r3 compares */
} ops[] = {
	{ "bpf_list_push_front_impl", OP_PUT, FIELD_LIST, FIELD_LIST_NODE, 4, false },
	{ "bpf_list_push_back_impl", OP_PUT, FIELD_LIST, FIELD_LIST_NODE, 4, false },
	{ "bpf_list_pop_front", OP_TAKE, FIELD_LIST, FIELD_LIST_NODE, 0, false },
	{ "bpf_list_pop_back", OP_TAKE, FIELD_LIST, FIELD_LIST_NODE, 0, false },
	{ "bpf_list_front", OP_SHOW, FIELD_LIST, FIELD_LIST_NODE, 0, false },
	{ "bpf_list_back", OP_SHOW, FIELD_LIST, FIELD_LIST_NODE, 0, false },
	{ "bpf_rbtree_add_impl", OP_PUT, FIELD_TREE, FIELD_TREE_NODE, 5, true },
	{ "bpf_rbtree_first", OP_SHOW, FIELD_TREE, FIELD_TREE_NODE, 0, false },
	{ "bpf_rbtree_root", OP_SHOW, FIELD_TREE, FIELD_TREE_NODE, 0, false },
	{ "bpf_rbtree_left", OP_NEXT, FIELD_TREE, FIELD_TREE_NODE, 0, false },
	{ "bpf_rbtree_right", OP_NEXT, FIELD_TREE, FIELD_TREE_NODE, 0, false },
	{ "bpf_rbtree_remove", OP_REMOVE, FIELD_TREE, FIELD_TREE_NODE, 0, false },
};

static const struct op *op_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	return NULL;
}

bool in_less(const struct state *s)
{
	for (u32 i = 0; i < s->nr_frames; i++)
		if (s->frames[i]->kind == FRAME_CALLBACK && s->frames[i]->callback == CALLBACK_LESS)
			return true;
	return false;
}

static bool is_object(const struct reg *r)
{
	return r->type == REG_BTF && (r->flags & REG_ALLOC) && !(r->flags & REG_OR_NULL);
}

/* ---- arguments ----------------------------------------------------------- */

struct graph {
	u32 at;
	const struct op *op;
	const struct field *head;
};

static struct why why_of(const struct graph *g, const struct reg *r, unsigned i)
{
	return (struct why){ .reg = i + 1, .ptr = r, .a = i + 1, .b = i, .t = g->op->name,
			     .s = field_name((enum field_kind)g->op->head) };
}

/* Is the lock held that lies beside the head? */
static void check_lock(struct verifier *v, struct state *s, const struct graph *g,
		       const struct reg *r, const struct field *lock)
{
	struct why why = why_of(g, r, 0);
	u32 map, uid;

	lock_place(r, &map, &uid);
	for (u32 i = 0; lock && i < s->nr_refs; i++)
		if (s->refs[i].kind == REF_LOCK && s->refs[i].map == map && s->refs[i].uid == uid)
			return;
	why.a = lock ? lock->off : 0;
	reject(v, REJECT_GRAPH_LOCK, g->at, &why);
}

static bool check_head(struct verifier *v, struct state *s, struct graph *g)
{
	const struct reg *r = state_reg(s, 1);
	const struct fields *f = fields_at(v, r);
	s64 off = (s64)r->off + (s64)scalar_value(&r->val);
	struct why why = why_of(g, r, 0);

	if ((r->type != REG_MAP_VALUE || (r->flags & REG_OR_NULL)) && !is_object(r))
		return reject(v, REJECT_GRAPH_HEAD, g->at, &why);
	if (!scalar_is_const(&r->val))
		return reject(v, REJECT_ARG_FIELD, g->at, &why);
	g->head = field_at(f, (enum field_kind)g->op->head, off);
	why.a = off;
	if (!g->head)
		return reject(v, REJECT_GRAPH_NONE, g->at, &why);
	check_lock(v, s, g, r, field_first(f, FIELD_LOCK));
	return true;
}

/* The node that lies where the head's type says. */
static bool check_place(struct verifier *v, const struct graph *g, const struct reg *r)
{
	const struct btf *btf = v->img->btf;
	struct why why = why_of(g, r, 1);
	const char *node = field_name((enum field_kind)g->op->node);
	char text[256];

	why.a = r->off;
	if (!scalar_is_const(&r->val) || scalar_value(&r->val)) {
		why.s = node;
		return reject(v, REJECT_ARG_FIELD, g->at, &why);
	}
	if (!field_at(fields_at(v, r), (enum field_kind)g->op->node, r->off)) {
		why.s = node;
		return reject(v, REJECT_GRAPH_NONE, g->at, &why);
	}
	if (r->btf_id == g->head->type && (u32)r->off == g->head->node)
		return true;
	snprintf(text, sizeof(text), "operation on %s expects arg#1 %s at offset=%u in struct %s, "
		 "but arg is at offset=%d in struct %s", why.s, node, g->head->node,
		 btf_type_name(btf, g->head->type), r->off, btf_type_name(btf, r->btf_id));
	why.s = text;
	why.want = btf_type_name(btf, g->head->type);
	return reject(v, REJECT_GRAPH_TYPE, g->at, &why);
}

static bool check_node(struct verifier *v, struct state *s, const struct graph *g)
{
	const struct reg *r = state_reg(s, 2);
	struct why why = why_of(g, r, 1);

	if (check_readable(v, s, g->at, 2))
		return false;
	why.s = g->op->name;
	if (g->op->kind == OP_PUT ? !is_object(r) || !r->ref : !is_object(r))
		return reject(v, g->op->kind == OP_PUT ? REJECT_GRAPH_OBJECT : REJECT_GRAPH_NODE,
			      g->at, &why);
	if (g->op->kind != OP_PUT && in_less(s))
		return reject(v, REJECT_GRAPH_LESS, g->at, &why);
	return check_place(v, g, r);
}

static void check_offset(struct verifier *v, struct state *s, const struct graph *g)
{
	unsigned reg = g->op->off;

	if (reg && !check_readable(v, s, g->at, reg) && state_reg(s, reg)->type != REG_SCALAR)
		reject(v, REJECT_KFUNC_NUMBER, g->at, &(struct why){ .reg = reg, .a = reg,
		       .ptr = state_reg(s, reg), .t = g->op->name });
}

/* ---- effects ------------------------------------------------------------- */

static void lend(struct reg *r, void *arg)
{
	const u32 *ref = arg;

	if (r->type != REG_BTF || r->ref != *ref)
		return;
	r->ref = 0;
	r->flags |= REG_NON_OWN;
}

/* What needs REF belongs to the list, and is lent. */
static void give_away(struct verifier *v, struct state *s, u32 ref)
{
	state_each(s, lend, &ref);
	ref_release(v, s, ref);
}

static void forget_lent(struct reg *r, void *arg)
{
	struct verifier *v = arg;

	if (r->type != REG_BTF || !(r->flags & REG_NON_OWN))
		return;
	if (v->privileged)
		reg_set_unknown(v, r);
	else
		reg_set_none(r);
}

void graph_unlock(struct verifier *v, struct state *s)
{
	state_each(s, forget_lent, v);
}

static void set_node(struct verifier *v, struct state *s, const struct graph *g)
{
	bool owned = g->op->kind == OP_TAKE || g->op->kind == OP_REMOVE;
	struct reg *r0 = state_reg(s, 0);

	reg_set_btf(v, r0, v->img->btf, g->head->type,
		    REG_ALLOC | REG_OR_NULL | (owned ? 0 : REG_NON_OWN));
	r0->off = (s32)g->head->node;
	if (!owned)
		return;
	r0->ref = r0->id = ref_acquire(v, s, REF_PTR);
	ref_find(s, r0->ref)->insn = g->at;
}

/* The comparison runs for some of the tree's elements. */
static void compare(struct verifier *v, struct state *s, const struct graph *g)
{
	static const struct helper_row row = { .id = CALLBACK_LESS, .name = "rbtree_add_impl" };
	const struct reg *r = state_reg(s, 3);
	struct call c = { .insn = g->at, .row = &row, .is_kfunc = true,
			  .kptr = { v->img->btf, g->head->type }, .const_size = g->head->node };

	if (check_readable(v, s, g->at, 3))
		return;
	if (r->type != REG_FUNC || r->off || !scalar_is_const(&r->val)) {
		reject(v, REJECT_GRAPH_FUNC, g->at, &(struct why){ .reg = 3, .ptr = r, .a = 3,
			.b = 2, .t = g->op->name });
		return;
	}
	if (in_less(s)) {
		not_judged(v, g->at, "trees that change while they compare");
		return;
	}
	c.func = r->func;
	callback_enter(v, s, &c);
}

static enum step graph_call(struct verifier *v, struct state *s, u32 at)
{
	struct graph g = { .at = at, .op = op_named(kfunc_name(v, at)) };
	bool node = g.op->kind == OP_PUT || g.op->kind == OP_REMOVE || g.op->kind == OP_NEXT;
	u32 ref;

	if (!check_head(v, s, &g) || (node && !check_node(v, s, &g)))
		return STEP_END;
	check_offset(v, s, &g);
	if (g.op->less)
		compare(v, s, &g);
	if (v->stop)
		return STEP_END;
	if (g.op->kind == OP_PUT) {
		ref = state_reg(s, 2)->ref;
		give_away(v, s, ref);
		reg_set_unknown(v, state_reg(s, 0));
	} else {
		set_node(v, s, &g);
	}
	return STEP_NEXT;
}

/* ---- counts of references ------------------------------------------------- */

static enum step refcount_acquire(struct verifier *v, struct state *s, u32 at)
{
	struct reg *r1 = state_reg(s, 1), *r0 = state_reg(s, 0), from = *r1;
	struct why why = { .reg = 1, .ptr = r1, .a = 1, .t = "bpf_refcount_acquire_impl" };

	if (reg_is_null(r1) || (r1->flags & REG_OR_NULL))
		reject(v, REJECT_KFUNC_NULL, at, &why);
	else if (!is_object(r1) || (!r1->ref && !(r1->flags & (REG_NON_OWN | REG_RCU))))
		reject(v, REJECT_REFCOUNT_OBJECT, at, &why);
	else if (!field_first(fields_at(v, r1), FIELD_REFCOUNT))
		reject(v, REJECT_REFCOUNT_NONE, at, &why);
	else if (r1->off || !scalar_is_const(&r1->val) || scalar_value(&r1->val))
		reject(v, REJECT_RELEASE_OFF, at, &why);
	if (v->stop || from.type != REG_BTF)
		return STEP_END;
	reg_set_btf(v, r0, from.btf, from.btf_id, REG_ALLOC | (from.ref ? 0 : REG_OR_NULL));
	r0->ref = ref_acquire(v, s, REF_PTR);
	ref_find(s, r0->ref)->insn = at;
	if (r0->id)
		r0->id = r0->ref;
	return STEP_NEXT;
}

/* ---- by name ------------------------------------------------------------- */

const struct kfunc *graph_kfunc(const char *name)
{
	static const struct kfunc plain = { "", graph_call, GIVES_OWN, false, 1, true };
	static const struct kfunc less = { "", graph_call, GIVES_OWN, true, 1, true };
	static const struct kfunc acquire = { "", refcount_acquire, GIVES_OWN, false, 1, true };
	const struct op *op = op_named(name);

	if (op)
		return op->less ? &less : &plain;
	return strcmp(name, "bpf_refcount_acquire_impl") ? NULL : &acquire;
}

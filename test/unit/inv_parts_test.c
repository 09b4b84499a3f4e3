/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_parts_test.c: joining states (verify/inv_join.c), field by field: what two states
 * of one class must have in common, and what is left of one thing in which they differ.
 */
#include "unit/two_states.h"
#include "verify/inv.h"

/* ---- classes ------------------------------------------------------------- */

static void same_class(bool want, const char *what, int line)
{
	if (join_same_class(old, new) != want || join_same_class(new, old) != want)
		fail_msg("line %d: %s: of %s class", line, what, want ? "another" : "one");
}

/* After BEFORE in both they are of one class, after AFTER in one they are not. */
#define APART(before, after) do {					\
	begin();							\
	ON(old, before);						\
	ON(new, before);						\
	same_class(true, #before, __LINE__);				\
	ON(new, after);							\
	same_class(false, #before "; " #after, __LINE__);		\
} while (0)

static void special(struct slot *t, u8 kind)
{
	bytes(t, kind);
	t->reg.map = 1;
}

static void of_sections(void **unused UNUSED)
{
	APART(s->rcu = 0, s->rcu = 1);
	APART(s->preempt = 0, s->preempt = 1);
	APART(s->irq = 0, s->irq = 1);
	APART(s->sleepable = false, s->sleepable = true);
}

static void of_frames(void **unused UNUSED)
{
	APART(f->func = 1, state_pop_frame(&v, s));
	APART(f->func = 1, f->func = 2);
	APART(f->func = 1, f->kind = FRAME_CALLBACK);
	APART(f->func = 1, f->callsite = 5);
	APART(f->func = 1, f->callback = 5);
	APART(f->func = 1, f->ret_min = -1);
	APART(f->func = 1, f->ret_max = 1);
}

static void of_refs(void **unused UNUSED)
{
	APART(ref(s, REF_PTR), ref(s, REF_PTR));
	APART(ref(s, REF_PTR), s->refs[0].kind = REF_IRQ);
	APART(ref(s, REF_PTR), s->refs[0].insn = 77);
	APART(ref(s, REF_PTR), s->refs[0].frame = 0);
	APART(ref(s, REF_LOCK), s->refs[0].map = 2);
	APART(ref(s, REF_LOCK), s->refs[0].uid = 2);
}

static void of_objects(void **unused UNUSED)
{
	APART(special(t, SLOT_ITER), special(t, SLOT_IRQ));
	APART(special(t, SLOT_ITER), bytes(t, SLOT_MISC));
	APART(special(t, SLOT_ITER), t->kind[7] = SLOT_MISC);
	APART(special(t, SLOT_ITER), t->reg.map = 2);
	APART(special(t, SLOT_ITER), t->reg.frame = 1);
	APART(special(t, SLOT_DYNPTR), t->reg.type = REG_DYNPTR);
	APART(special(t, SLOT_DYNPTR), t->reg.flags = REG_RDONLY);
	APART(special(t, SLOT_DYNPTR), t->reg.btf = &types[1]);
	APART(special(t, SLOT_DYNPTR), t->reg.off = 1);
	APART(special(t, SLOT_DYNPTR), t->reg.id = 1);
	APART(special(t, SLOT_DYNPTR), t->reg.uid = 1);
	APART((special(t, SLOT_DYNPTR), ref(s, REF_PTR), t->reg.ref = s->refs[0].id),
	      t->reg.ref = 0);
	APART((special(t, SLOT_DYNPTR), ref(s, REF_PTR), ref(s, REF_PTR),
	       t->reg.ref = s->refs[0].id), t->reg.ref = s->refs[1].id);
	/* in a slot that the other does not have */
	APART((special(t + 2, SLOT_ITER), f->nr_slots = 3), f->nr_slots = 2);
}

/* ---- what is left -------------------------------------------------------- */

static struct inv_node node;

/* Joins the new state into the old one: whether that changed it. */
static bool join(void)
{
	node.state = old;
	node.changes = 0;
	return join_into(&v, &node, new, NULL, 0);
}

static void holds(bool good, const char *what, int line)
{
	if (!good)
		fail_msg("line %d: %s", line, what);
}

/* The old state, made by BEFORE and FIRST, and the new one, by BEFORE and OTHER, joined:
 * LEFT holds, it was a change, and joining again is none. */
#define JOINED(before, first, other, left) do {				\
	begin();							\
	ON(old, before; first);						\
	ON(new, before; other);						\
	holds(join(), "a change: " #first "; " #other, __LINE__);	\
	ON(old, holds(left, #first "; " #other ": " #left, __LINE__));	\
	holds(!join(), "no change the second time: " #other, __LINE__);	\
} while (0)
/* The same, but nothing changes. */
#define KEPT(before, first, other, left) do {				\
	begin();							\
	ON(old, before; first);						\
	ON(new, before; other);						\
	holds(!join(), "no change: " #first "; " #other, __LINE__);	\
	ON(old, holds(left, #first "; " #other ": " #left, __LINE__));	\
} while (0)

static bool has(const struct reg *r, u64 low, u64 high)
{
	return r->type != REG_NONE && r->val.umin <= low && r->val.umax >= high;
}

static void numbers(void **unused UNUSED)
{
	JOINED(, number(r, scalar_const(1)), number(r, scalar_const(5)), has(r, 1, 5));
	KEPT(, number(r, scalar_urange(0, 9)), number(r, scalar_const(5)), has(r, 0, 9));
	JOINED(, number(r, scalar_const(1)), reg_set_none(r), r->type == REG_NONE);
	KEPT(, reg_set_none(r), number(r, scalar_const(1)), r->type == REG_NONE);
	JOINED(, number(r, scalar_const(1)), pointer(r, REG_CTX), r->type == REG_ANY && !r->ref);
	JOINED(, pointer(r, REG_CTX), number(r, scalar_const(1)), r->type == REG_ANY);
	KEPT(, (pointer(r, REG_CTX), r->type = REG_ANY), number(r, scalar_const(1)),
	     r->type == REG_ANY);
	JOINED(, (pointer(r, REG_CTX), r->type = REG_ANY), reg_set_none(r),
	       r->type == REG_NONE);
}

#define TWO (number(r, scalar_unknown()), number(r + 1, scalar_unknown()), r->id = r[1].id = 5)

/* Relations stay where both have them. */
static void links(void **unused UNUSED)
{
	KEPT(TWO,, r->id = r[1].id = 6, r->id && r->id == r[1].id);
	JOINED(TWO,, r[1].id = 6, r->id != r[1].id);
	JOINED(TWO,, r[1].id = 0, r->id != r[1].id);
	JOINED((TWO, r->id = r[1].id = 0), r->id = 5, r->off = 0, !r->id);
	JOINED((TWO, r[1].flags = REG_LINKED), r[1].off = 4, r[1].off = 5, r->id != r[1].id);
	KEPT((TWO, r[1].flags = REG_LINKED, r[1].off = 4),, r->id = r[1].id = 9,
	     r->id == r[1].id && r[1].off == 4);
	JOINED((TWO, r[1].flags = REG_LINKED, r[1].off = 4),, r[1].flags = REG_LINKS,
	       !r[1].id && !r[1].off && !(r[1].flags & REG_LINKS));
	JOINED((TWO, r[1].flags = REG_LINKED, r[1].off = 4),, r[1].id = 0,
	       !r[1].id && !r[1].off && !(r[1].flags & REG_LINKED));
}

static void seeds(void **unused UNUSED)
{
#define COUNTS (number(r, scalar_unknown()), r->seed = 7, r->step_min = 1, r->step_max = 2)
	JOINED(COUNTS,, r->step_min = 0, r->seed == 7 && !r->step_min && r->step_max == 2);
	JOINED(COUNTS,, r->step_max = 4, r->seed == 7 && r->step_min == 1 && r->step_max == 4);
	JOINED(COUNTS,, r->seed = 8, !r->seed && !r->step_min && !r->step_max);
	JOINED(COUNTS,, r->seed = 0, !r->seed);
	KEPT(COUNTS, r->seed = r->step_min = r->step_max = 0, r->step_min = 1, !r->seed);
	JOINED((special(t, SLOT_ITER), t->reg.seed = 7, t->reg.step_min = 1, t->reg.step_max = 1),,
	       t->reg.step_min = 0, t->reg.step_min == 0 && t->reg.step_max == 1);
	JOINED((special(t, SLOT_DYNPTR), special(t + 1, SLOT_DYNPTR), t->reg.id = t[1].reg.id = 5),,
	       t[1].reg.id = 6, t->reg.id != t[1].reg.id);
}

static void identities(void **unused UNUSED)
{
	JOINED(, pointer(r, REG_CTX), pointer(r, REG_MAP), r->type == REG_ANY);
	JOINED(pointer(r, REG_STACK),, r->frame = 1, r->type == REG_ANY);
	JOINED(pointer(r, REG_BTF),, r->btf = &types[1], r->type == REG_ANY);
	JOINED(pointer(r, REG_BTF),, r->flags = REG_TRUSTED, r->type == REG_ANY);
	JOINED(pointer(r, REG_BTF),, r->btf_id = 3, r->type == REG_ANY);
	JOINED(pointer(r, REG_MAP_VALUE),, r->map = 1, r->type == REG_ANY);
	JOINED(pointer(r, REG_MAP_VALUE),, r->uid = 1, r->type == REG_ANY);
	JOINED((pointer(r, REG_SOCKET), ref(s, REF_PTR)),, r->ref = s->refs[0].id,
	       r->type == REG_ANY);
	JOINED((pointer(r, REG_SOCKET), ref(s, REF_PTR), ref(s, REF_PTR)),
	       r->ref = s->refs[0].id, r->ref = s->refs[1].id, r->type == REG_ANY);
	KEPT((pointer(r, REG_SOCKET), ref(s, REF_PTR)), r->ref = s->refs[0].id,
	     r->ref = s->refs[0].id, r->type == REG_SOCKET);
	JOINED(pointer(r, REG_SOCKET), r->ref = 90, r->ref = 91, r->type == REG_ANY);
	JOINED(pointer(r, REG_MEM),, r->buffer = 1, r->type == REG_ANY);
	/* NULL, there is nothing to give back; of what was made of it there is */
	JOINED((pointer(r, REG_SOCKET), ref(s, REF_PTR), r->flags = REG_OR_NULL,
		r->ref = s->refs[0].id), r->id = r->ref, r->id = 77, r->type == REG_ANY);
	KEPT((pointer(r, REG_SOCKET), ref(s, REF_PTR), r->flags = REG_OR_NULL,
	      r->ref = s->refs[0].id), r->id = r->ref, r->id = r->ref, r->type == REG_SOCKET);
}

static void offsets(void **unused UNUSED)
{
	JOINED(pointer(r, REG_MAP_VALUE),, r->off = 8, !r->off && has(r, 0, 8));
	JOINED(pointer(r, REG_MAP_VALUE), r->off = 8,, r->off == 8 && r->val.smin <= -8);
	JOINED(pointer(r, REG_MAP_VALUE),, r->val = scalar_const(8), has(r, 0, 8));
	JOINED(pointer(r, REG_MAP_VALUE),, r->flags = REG_OR_NULL, r->flags & REG_OR_NULL);
	JOINED((pointer(r, REG_MAP_VALUE), pointer(r + 1, REG_MAP_VALUE), r->id = r[1].id = 5),,
	       r[1].id = 6, r->id != r[1].id);
	JOINED((pointer(r, REG_MAP_VALUE), pointer(r + 1, REG_MAP_VALUE), r->uid = r[1].uid = 5),,
	       r[1].uid = 6, r->uid != r[1].uid);
	JOINED(pointer(r, REG_MEM), r->bytes = 8, r->bytes = 4, r->bytes == 4);
	KEPT(pointer(r, REG_MEM), r->bytes = 4, r->bytes = 8, r->bytes == 4);
	JOINED(pointer(r, REG_PACKET), r->range = 8, r->range = 4, r->range == 4);
	KEPT(pointer(r, REG_PACKET), r->range = 4, r->range = 8, r->range == 4);
	JOINED(pointer(r, REG_PACKET), r->range = 8, r->range = RANGE_BEYOND, r->range == 0);
	JOINED(pointer(r, REG_PACKET), r->range = 8, (r->range = 8, r->off = 4), r->range == 4);
	JOINED((pointer(r, REG_PACKET), pointer(r + 1, REG_PACKET), r->id = r[1].id = 5),,
	       r[1].id = 6, r->id != r[1].id);
}

/* A pointer here, NULL there. */
static void nulls(void **unused UNUSED)
{
#define ZERO_IN(r) number(r, scalar_const(0))
	JOINED(, pointer(r, REG_MAP_VALUE), ZERO_IN(r), r->flags & REG_OR_NULL && r->id);
	JOINED(, ZERO_IN(r), pointer(r, REG_MAP_VALUE), r->type == REG_MAP_VALUE &&
	       r->flags & REG_OR_NULL && r->id);
	KEPT(, (pointer(r, REG_MAP_VALUE), r->flags = REG_OR_NULL, r->id = 5), ZERO_IN(r),
	     r->flags & REG_OR_NULL && r->id);
	JOINED(, (pointer(r, REG_MAP_VALUE), r->off = 4), ZERO_IN(r), r->type == REG_ANY);
	JOINED(, (pointer(r, REG_MAP_VALUE), r->val = scalar_const(4)), ZERO_IN(r),
	       r->type == REG_ANY);
	JOINED(, ZERO_IN(r), (pointer(r, REG_SOCKET), r->ref = 4), r->type == REG_ANY);
	JOINED(, pointer(r, REG_CTX), ZERO_IN(r), r->type == REG_ANY);
	/* two that are NULL together, or not */
	JOINED((pointer(r, REG_MAP_VALUE), pointer(r + 1, REG_MAP_VALUE),
		r->flags = r[1].flags = REG_OR_NULL, r->id = 5, r[1].id = 6),,
	       (ZERO_IN(r), r[1].off = 0, r[1].flags = REG_OR_NULL, r[1].map = 0,
		r[1].type = REG_SCALAR, r[1].val = scalar_const(1)), r->id != r[1].id);
}

static bool all_of(const struct slot *t, u8 kind)
{
	for (u32 i = 0; i < SLOT_BYTES; i++)
		if (t->kind[i] != kind)
			return false;
	return true;
}

static void slots(void **unused UNUSED)
{
	JOINED(, bytes(t, SLOT_ZERO), bytes(t, SLOT_MISC), all_of(t, SLOT_MISC));
	KEPT(, bytes(t, SLOT_MISC), bytes(t, SLOT_ZERO), all_of(t, SLOT_MISC));
	JOINED(, bytes(t, SLOT_ZERO), bytes(t, SLOT_NONE), all_of(t, SLOT_NONE));
	KEPT(, bytes(t, SLOT_NONE), bytes(t, SLOT_ZERO), all_of(t, SLOT_NONE));
	JOINED(, spill(t, 8, REG_SCALAR), bytes(t, SLOT_MISC), all_of(t, SLOT_MISC) &&
	       t->reg.type == REG_NONE);
	JOINED(, (spill(t, 8, REG_SCALAR), t->reg.val = scalar_const(0)), bytes(t, SLOT_ZERO),
	       all_of(t, SLOT_ZERO));
	JOINED(spill(t, 8, REG_SCALAR),, t->reg.val = scalar_const(9), has(&t->reg, 7, 9));
	JOINED(spill(t, 4, REG_SCALAR),, t->kind[5] = SLOT_NONE, t->kind[5] == SLOT_NONE &&
	       t->kind[0] == SLOT_SPILL);
	JOINED(, bytes(t, SLOT_MISC), f->nr_slots = 0, all_of(t, SLOT_NONE));
	KEPT(, f->nr_slots = 0, (f->nr_slots = 1, bytes(t, SLOT_MISC)), all_of(t, SLOT_NONE));
}

/* A pointer here, something else there: nothing that may be read. */
static void unlike_slots(void **unused UNUSED)
{
	JOINED(v.privileged = true, spill(t, 8, REG_CTX), bytes(t, SLOT_MISC),
	       all_of(t, SLOT_SPILL) && t->reg.type == REG_ANY);
	JOINED(v.privileged = true, bytes(t, SLOT_MISC), spill(t, 8, REG_CTX),
	       all_of(t, SLOT_SPILL) && t->reg.type == REG_ANY);
	JOINED(, spill(t, 8, REG_CTX), spill(t, 8, REG_SCALAR), t->reg.type == REG_ANY);
	JOINED(, spill(t, 8, REG_CTX), bytes(t, SLOT_NONE), all_of(t, SLOT_NONE) &&
	       t->reg.type == REG_NONE);
	JOINED(, bytes(t, SLOT_MISC), spill(t, 8, REG_CTX), all_of(t, SLOT_SPILL) &&
	       t->reg.type == REG_ANY);
}

static void held(void **unused UNUSED)
{
	JOINED((ref(s, REF_LOCK), pointer(r, REG_MAP_VALUE), r->id = s->refs[0].uid = 5),,
	       s->refs[0].uid = 6, s->refs[0].uid != r->id);
	KEPT((ref(s, REF_LOCK), pointer(r, REG_MAP_VALUE), r->id = s->refs[0].uid = 5),,
	     r->id = s->refs[0].uid = 6, s->refs[0].uid == r->id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_sections),
		cmocka_unit_test(of_frames),
		cmocka_unit_test(of_refs),
		cmocka_unit_test(of_objects),
		cmocka_unit_test(numbers),
		cmocka_unit_test(links),
		cmocka_unit_test(seeds),
		cmocka_unit_test(identities),
		cmocka_unit_test(offsets),
		cmocka_unit_test(nulls),
		cmocka_unit_test(slots),
		cmocka_unit_test(unlike_slots),
		cmocka_unit_test(held),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * passes_test.c: what a path takes over that ends in a loop of which not all is known yet
 * (verify/explore.c): numbers that matter, slots that are read, where what was stored leads
 * back to, and who may not end there.
 */
#include "two_states.h"

static struct verify_opts opts;
static struct verify_result result;
static struct kept *kept[ARRAY_LEN(points)];

static int over(void **unused)
{
	vec_free(&v.open);
	vec_free(&v.loops);
	return end(unused);
}

static void start(void)
{
	over(NULL);
	begin();
	memset(kept, 0, sizeof(kept));
	v.opts = &opts;
	v.result = &result;
	v.kept = kept;
	v.budget = SIZE_MAX;
	for (u32 i = 0; i < old->nr_frames; i++)	/* of the same run */
		new->frames[i]->serial = old->frames[i]->serial;
}

/* S is stored: open. */
static struct kept *store(struct state *s)
{
	kept_store(&v, s);
	return v.open.v[v.open.n - 1];
}

/* So many numbers that nobody has. */
static void defines(u32 n)
{
	while (n--)
		def_new(&v, 0, 0);
}

static const struct loop_back *back(const struct kept *k) { return &v.loops.v[k->time]; }

static void leads(const struct kept *k, u32 to, u32 defs, u32 last, int line)
{
	struct loop_back l = *back(k);

	if (l.to != to || l.defs != defs || l.last != last)
		fail_msg("line %d: to %u, %u definitions, last %u", line, l.to, l.defs, l.last);
}
#define LEADS(k, to, defs, last) leads(k, to, defs, last, __LINE__)

/* ---- where it leads ----------------------------------------------------------- */

/* The program alone, without the function that it called. */
static struct state *outer(void)
{
	struct state *s = state_copy(&v, old);

	state_pop_frame(&v, s);
	return s;
}

/* What was stored since leads to the oldest; numbers are those of all. */
static void stored_since(void **unused UNUSED)
{
	struct kept *k[4];

	start();
	for (u32 i = 0; i < 4; i++) {
		defines(3);
		k[i] = store(i < 2 ? outer() : old);
	}
	join_pass(&v, k[2], new);
	LEADS(k[3], k[2]->time, k[2]->nr_defs, k[2]->time);
	LEADS(k[2], 0, 0, 0);
	join_pass(&v, k[0], outer());
	LEADS(k[3], k[0]->time, k[2]->nr_defs, k[2]->time);
	LEADS(k[2], k[0]->time, k[0]->nr_defs, k[0]->time);
	LEADS(k[1], k[0]->time, k[0]->nr_defs, k[0]->time);
	LEADS(k[0], 0, 0, 0);
	join_pass(&v, k[2], new);
	LEADS(k[3], k[0]->time, k[2]->nr_defs, k[2]->time);
	join_pass(&v, k[3], new);
	LEADS(k[3], k[0]->time, k[2]->nr_defs, k[2]->time);
}

/* What it led to is complete now, and leads back itself. */
static void to_what_is_complete(void **unused UNUSED)
{
	struct kept *first, *second, *third;
	struct loop_back l;

	start();
	defines(2);
	first = store(old);
	second = store(outer());
	defines(2);
	third = store(outer());
	join_pass(&v, second, outer());
	kept_close_down_to(&v, 2);
	join_pass(&v, first, new);
	assert_int_equal(loop_of(&v, third).to, second->time);
	kept_close_down_to(&v, 1);
	l = loop_of(&v, third);
	assert_int_equal(l.to, first->time);
	assert_int_equal(l.last, first->time);
	assert_int_equal(l.defs, max_u64(first->nr_defs, second->nr_defs));
	kept_close_down_to(&v, 0);
	assert_int_equal(loop_of(&v, third).to, 0);
}

/* Numbers of before the inner loop that only the outer one has. */
static void to_more_numbers(void **unused UNUSED)
{
	struct kept *first, *second, *third;

	start();
	first = store(old);
	defines(5);
	second = store(old);
	third = store(old);
	join_pass(&v, first, new);
	v.loops.v[third->time] = (struct loop_back){ second->time, 1, second->time };
	v.loops.v[second->time] = (struct loop_back){ first->time, 7, first->time };
	kept_close_down_to(&v, 1);
	assert_int_equal(loop_of(&v, third).defs, 7);
	assert_int_equal(loop_of(&v, third).last, first->time);
}

/* ---- an open pass ------------------------------------------------------------- */

static bool marked(const struct reg *r) { return def_marked(&v, r->def); }

/* After STMTS on the old state, which is stored, and on the new one, which joins it: do
 * register and slot of the new one matter? */
#define JOINS(on_old, on_new, want_reg, want_slot) do {			\
	start();							\
	ON(old, on_old);						\
	{ struct kept *k = store(old); ON(new, on_new); join_pass(&v, k, new); }	\
	ON(new, if (marked(r) != (want_reg) || marked(&t->reg) != (want_slot))	\
		fail_msg("line %d: %d %d", __LINE__, marked(r), marked(&t->reg)));	\
} while (0)

static void numbers_of_a_pass(void **unused UNUSED)
{
	JOINS(number(r, scalar_const(1)), number(r, scalar_const(1)), true, false);
	JOINS(spill(t, 8, REG_SCALAR), spill(t, 8, REG_SCALAR), false, true);
	/* which may be any in the pass, and is no copy */
	JOINS(number(r, scalar_unknown()), number(r, scalar_const(1)), false, false);
	JOINS((number(r, scalar_unknown()), number(r + 1, scalar_unknown()), r->id = r[1].id = 5),
	      (number(r, scalar_unknown()), number(r + 1, scalar_unknown()), r->id = r[1].id = 5),
	      true, false);
	/* the same one: what is marked later reaches both */
	JOINS((number(r, scalar_const(1)), *state_reg(new, 1) = *r), (void)0, false, false);
	/* nothing was there */
	JOINS(reg_set_none(r), number(r, scalar_const(1)), false, false);
}

/* Nobody knows yet what is read. */
static void slots_of_a_pass(void **unused UNUSED)
{
	struct kept *k;

	start();
	ON(new, bytes(t, SLOT_MISC); t->def = def_new(&v, 0, 0));
	k = store(old);
	assert_false(v.stale_slots);
	join_pass(&v, k, new);
	ON(new, assert_true(def_read_since(&v, t->def, v.now)));
	/* it has written all that the former had; then less */
	assert_int_equal(v.stale_slots, 0);
	start();
	ON(old, bytes(t, SLOT_MISC));
	join_pass(&v, store(old), new);
	assert_int_equal(v.stale_slots, 1);
}

/* ---- a part of a loop, which is complete ----------------------------------------- */

/* The old state, made by BEFORE, and complete, leads to another that is open still. */
#define PART(before) do {						\
	start();							\
	ON(old, before);						\
	store(old);							\
	part = store(old);						\
	join_pass(&v, v.open.v[0], new);				\
	kept_close_down_to(&v, 1);					\
	v.stale_slots = 0;						\
} while (0)

static struct kept *part;

static void numbers_of_a_part(void **unused UNUSED)
{
	/* it stands for one that may matter where the loop begins */
	PART(number(r, scalar_const(1)); spill(t, 8, REG_SCALAR));
	ON(new, number(r, scalar_const(1)); spill(t, 8, REG_SCALAR));
	covered_by(&v, part, new);
	ON(new, assert_true(marked(r)); assert_true(marked(&t->reg)));
	/* the same one */
	PART(number(r, scalar_const(1)));
	ON(old, *state_reg(new, 1) = *r);
	covered_by(&v, part, new);
	ON(new, assert_false(marked(r)));
}

/* A number that the loop has made would be marked if it came to where it begins. */
static void numbers_of_the_loop(void **unused UNUSED)
{
	start();
	store(old);
	ON(old, number(r, scalar_const(1)));
	part = store(old);
	join_pass(&v, v.open.v[0], new);
	kept_close_down_to(&v, 1);
	ON(new, number(r, scalar_const(1)));
	covered_by(&v, part, new);
	ON(new, assert_false(marked(r)));
}

static void slots_of_a_part(void **unused UNUSED)
{
	struct kept *later;

	PART((void)0);
	ON(new, bytes(t, SLOT_MISC); t->def = def_new(&v, 0, 0));
	later = store(new);
	covered_by(&v, part, new);
	ON(new, assert_true(def_read_since(&v, t->def, v.now)));
	assert_int_equal(v.stale_slots, 0);
	/* what was stored meanwhile is in the loop */
	LEADS(later, part->time - 1, 0, part->time - 1);
	PART(bytes(t, SLOT_MISC));
	covered_by(&v, part, new);
	assert_int_equal(v.stale_slots, 1);
}

/* Without a loop only what is known matters. */
static void complete(void **unused UNUSED)
{
	start();
	ON(old, number(r, scalar_const(1)); number(r + 1, scalar_const(1)));
	part = store(old);
	ON(old, reg_mark(&v, r));
	kept_close_down_to(&v, 0);
	ON(new, number(r, scalar_const(1)); number(r + 1, scalar_const(1)));
	covered_by(&v, part, new);
	ON(new, assert_true(marked(r)); assert_false(marked(r + 1)));
	assert_false(v.stale_slots);
}

/* ---- another run of the loop -------------------------------------------------------- */

/* The open state is at OP, the part leads to it. */
#define WAY_BACK(op_, flags_, before, on_part, on_new) ({		\
	start();							\
	points[HERE].op = (op_);					\
	points[HERE].flags = (flags_);					\
	ON(old, before);						\
	store(old);							\
	ON(old, on_part);						\
	part = store(old);						\
	join_pass(&v, v.open.v[0], new);				\
	kept_close_down_to(&v, 1);					\
	ON(new, on_new);						\
	points[HERE].op = points[HERE].flags = 0;			\
	same_way_back(&v, part, new); })
#define RUN(on_part, on_new) WAY_BACK(OP_CALL, POINT_FORCE, (void)0, on_part, on_new)
#define BUDGET(before, on_part, on_new) WAY_BACK(OP_MAY_GOTO, 0, before, on_part, on_new)
#define ITER(on_part, on_new) WAY_BACK(OP_CALL_KFUNC, POINT_FORCE, asks(f, 1), on_part, on_new)

static void asks(struct frame *f, u32 ref)
{
	bytes(&f->slots[0], SLOT_ITER);
	f->slots[0].reg.ref = ref;
	reg_set_ptr(&f->regs[1], REG_STACK, 0);
	f->regs[1].frame = 1;
	f->regs[1].off = -SLOT_BYTES;
}

static void runs(void **unused UNUSED)
{
	assert_true(RUN((void)0, (void)0));
	assert_false(RUN((void)0, f->serial++));
	assert_false(RUN((void)0, f->left++));
	/* the part is of another one itself; what is open has no run */
	assert_true(RUN(f->left++, f->left += 2));
	assert_true(WAY_BACK(OP_CALL, 0, (void)0, (void)0, f->serial++));
	/* a timer called it */
	assert_true(RUN((void)0, (s->frames[0]->serial++, f->serial++)));
}

static void budgets(void **unused UNUSED)
{
	assert_true(BUDGET((void)0, f->fell = 1, f->fell = 2));
	assert_false(BUDGET((void)0, (void)0, f->serial++));
	assert_true(BUDGET((void)0, (void)0, f->left++));
	/* the part had used more: has the way from the open state used any? */
	assert_false(BUDGET((void)0, f->fell = 2, (void)0));
	assert_true(BUDGET((void)0, f->fell = 2, f->fell = 1));
	assert_false(BUDGET(f->fell = 1, f->fell = 3, f->fell = 1));
}

/* An iterator that was made anew, and one that nobody asked yet. */
static void iterators(void **unused UNUSED)
{
	assert_true(ITER((void)0, asks(f, 1)));
	assert_false(ITER((void)0, asks(f, 2)));
	assert_false(ITER((void)0, (void)0));
	assert_true(ITER(f->slots[0].reg.ref = 3, asks(f, 2)));
	assert_true(ITER((void)0, (asks(f, 1), bytes(t + 1, SLOT_ITER), t[1].reg.ref = 7)));
}

/* A budget that the loop around relies on is used up meanwhile. */
static void ends_anyway(void **unused UNUSED)
{
	for (u32 used = 0; used < 2; used++) {
		start();
		points[HERE].op = OP_MAY_GOTO;
		store(old);
		points[HERE].op = OP_CALL_KFUNC;
		ON(old, asks(f, 1));
		store(old);
		part = store(old);
		join_pass(&v, v.open.v[1], new);
		kept_close_down_to(&v, 2);
		ON(new, (asks(f, 2), f->fell = used));
		assert_int_equal(same_way_back(&v, part, new), used);
		points[HERE].op = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_since),
		cmocka_unit_test(to_what_is_complete),
		cmocka_unit_test(to_more_numbers),
		cmocka_unit_test(numbers_of_a_pass),
		cmocka_unit_test(slots_of_a_pass),
		cmocka_unit_test(numbers_of_a_part),
		cmocka_unit_test(numbers_of_the_loop),
		cmocka_unit_test(slots_of_a_part),
		cmocka_unit_test(complete),
		cmocka_unit_test(runs),
		cmocka_unit_test(budgets),
		cmocka_unit_test(iterators),
		cmocka_unit_test(ends_anyway),
	};

	return cmocka_run_group_tests(tests, NULL, over);
}

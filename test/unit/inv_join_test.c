/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_join_test.c: laws of joining states (verify/inv_join.c) on random states of
 * numbers, linked ones, spilled ones and bytes: the joined state covers both, by
 * the comparison that *paths* prunes with; joining what is covered changes
 * nothing; widening comes to an end.
 */
#include "verify/inv.h"
#include "verify/pack.h"
#include "base/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { RUNS = 20000, MAX_CHANGES = 3000, TEST_SLOTS = 6 };

static const struct verify_opts opts = { .caps = VERIFY_CAP_ALL };
static struct bpf_insn insns[2];
static struct point points[2];
static u64 rng = 88172645463325252u;

static u64 any(u64 below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng % below;
}

static struct scalar number(void)
{
	switch (any(6)) {
	case 0: return scalar_const(any(8));
	case 1: return scalar_urange(any(16), 16 + any(2000));
	case 2: return scalar_srange(-(s64)any(300), (s64)any(300));
	case 3: return scalar_load(1u << any(4), any(2));
	case 4: return scalar_const(any(UINT64_MAX));
	default: return scalar_unknown();
	}
}

/* Ids of few values, so that some registers share one: then they are equal. */
static void set_number(struct verifier *v, struct reg *r, const struct scalar *of_id)
{
	u32 id = (u32)any(5);

	reg_set_scalar(v, r, id && id < 4 ? of_id[id] : number());
	r->id = id < 4 ? id : 0;
}

static void set_slot(struct verifier *v, struct slot *t, const struct scalar *of_id)
{
	u32 bytes = any(2) ? SLOT_BYTES : 1u << any(4);

	for (u32 i = 0; i < SLOT_BYTES; i++)
		t->kind[i] = (u8[]){ SLOT_NONE, SLOT_MISC, SLOT_ZERO }[any(3)];
	if (!any(3))
		return;
	memset(t->kind, SLOT_SPILL, bytes);
	set_number(v, &t->reg, of_id);
	if (bytes < SLOT_BYTES) {
		reg_unlink(&t->reg);
		scalar_cast(&t->reg.val, bytes);
	}
	/* a spilled 0 joins with bytes of 0, which the comparison does not know */
	if (scalar_is_const(&t->reg.val) && !scalar_value(&t->reg.val))
		t->reg.val = scalar_const(1);
}

static struct state *random_state(struct verifier *v)
{
	struct state *s = state_new(v);
	struct scalar of_id[4];
	struct frame *f;

	for (u32 i = 0; i < 4; i++)
		of_id[i] = number();
	state_push_frame(v, s, 0, 0);
	for (unsigned r = 0; r < REG_FP; r++)
		if (any(8))
			set_number(v, state_reg(s, r), of_id);
	f = state_grow(v, s, 0, (u32)any(TEST_SLOTS));
	for (u32 i = 0; i < f->nr_slots; i++)
		set_slot(v, &f->slots[i], of_id);
	join_normalise(v, s);
	return s;
}

static struct verifier new_verifier(struct inv *inv)
{
	points[0].live = 0x3ff;
	return (struct verifier){ .opts = &opts, .insns = insns, .nr_insns = 1,
				  .points = points, .inv = inv, .privileged = true,
				  .next_id = 100 };
}

static void drop_id(struct reg *r, void *arg)
{
	(void)arg;
	reg_unlink(r);
}

/* Registers that the joined state says are equal are so in S. */
static bool links_hold(struct state *j, struct state *s)
{
	for (unsigned a = 0; a < REG_FP; a++)
		for (unsigned b = 0; b < a; b++) {
			u32 id = state_reg(j, a)->id, of_s = state_reg(s, a)->id;

			if (id && id == state_reg(j, b)->id &&
			    (!of_s || of_s != state_reg(s, b)->id))
				return false;
		}
	return true;
}

/*
 * The comparison wants one id for one id; joined states split groups, so ids
 * are looked at alone.
 */
static bool covers(struct verifier *v, struct state *joined, struct state *s)
{
	struct state *plain = state_copy(v, joined);
	struct packed *packed;
	bool holds;

	state_each(plain, drop_id, NULL);
	packed = state_pack(v, plain);
	holds = links_hold(joined, s) && state_covers(v, packed, s, 0, COVERS_RANGE);
	packed_free(v, packed);
	state_free(v, plain);
	return holds;
}

static void covers_both(void **unused UNUSED)
{
	for (u32 i = 0; i < RUNS; i++) {
		struct inv inv = { 0 };
		struct verifier v = new_verifier(&inv);
		struct state *a = random_state(&v), *b = random_state(&v);
		struct inv_node n = { .state = state_copy(&v, a) };

		assert_true(join_same_class(a, b));
		join_into(&v, &n, b, NULL, 0);
		assert_true(covers(&v, n.state, a));
		assert_true(covers(&v, n.state, b));
		join_normalise(&v, n.state);	/* ids that nobody shares */
		join_into(&v, &n, a, NULL, 0);
		join_into(&v, &n, b, NULL, 0);
		assert_false(join_into(&v, &n, a, NULL, 0));
		assert_false(join_into(&v, &n, b, NULL, 0));
		shared_free(&v);
		arena_free(&v.mem);
	}
}

static void widening_ends(void **unused UNUSED)
{
	static const s64 steps[] = { -5, 0, 7, 100, 1000 };

	for (u32 i = 0; i < RUNS / 200; i++) {
		struct inv inv = { 0 };
		struct verifier v = new_verifier(&inv);
		struct inv_node n = { .widens = true };
		u32 quiet = 0;

		n.state = random_state(&v);
		while (quiet < 200 && n.changes < MAX_CHANGES) {
			struct state *s = random_state(&v);
			bool changed = join_into(&v, &n, s, steps, ARRAY_LEN(steps));

			assert_true(covers(&v, n.state, s));
			quiet = changed ? 0 : quiet + 1;
			state_free(&v, s);
		}
		assert_true(n.changes < MAX_CHANGES);
		shared_free(&v);
		arena_free(&v.mem);
	}
}

/* What differs is nothing that can be read; what may be NULL stays checkable. */
static void of_kinds(void **unused UNUSED)
{
	struct inv inv = { 0 };
	struct verifier v = new_verifier(&inv);
	struct state *a = random_state(&v), *b = random_state(&v);
	struct inv_node n = { .state = a };

	reg_set_ptr(state_reg(a, 1), REG_CTX, 0);
	reg_set_const(&v, state_reg(b, 1), 1);
	reg_set_ptr(state_reg(a, 2), REG_MAP_VALUE, 0);
	reg_set_const(&v, state_reg(b, 2), 0);
	reg_set_ptr(state_reg(a, 3), REG_PACKET, 0);
	reg_set_ptr(state_reg(b, 3), REG_PACKET, 0);
	state_reg(a, 3)->range = 14;
	state_reg(b, 3)->off = 4;
	state_reg(b, 3)->range = 20;
	reg_set_ptr(state_reg(a, 4), REG_MAP_VALUE, 0);
	reg_set_ptr(state_reg(b, 4), REG_MAP_VALUE, 0);
	state_reg(b, 4)->map = 1;
	join_into(&v, &n, b, NULL, 0);
	assert_int_equal(state_reg(a, 1)->type, REG_ANY);
	assert_int_equal(state_reg(a, 2)->type, REG_MAP_VALUE);
	assert_true(state_reg(a, 2)->flags & REG_OR_NULL);
	assert_true(state_reg(a, 2)->id);
	assert_int_equal(state_reg(a, 3)->type, REG_PACKET);
	assert_int_equal(state_reg(a, 3)->range, 14);
	assert_int_equal(state_reg(a, 3)->val.umax, 4);
	assert_true(state_reg(a, 3)->id);
	assert_int_equal(state_reg(a, 4)->type, REG_ANY);
	arena_free(&v.mem);
}

/* A value of one inner map here and of another there, or NULL: two maps, whose ids are
 * alike by chance. */
static void of_inner_maps(void **unused UNUSED)
{
	struct inv inv = { 0 };
	struct verifier v = new_verifier(&inv);
	struct state *a = random_state(&v), *b = random_state(&v);
	struct inv_node n = { .state = a };

	for (unsigned r = 1; r <= 2; r++) {
		reg_set_const(&v, state_reg(a, r), 0);
		reg_set_const(&v, state_reg(b, r), 0);
	}
	reg_set_ptr(state_reg(a, 1), REG_MAP_VALUE, REG_OR_NULL);
	reg_set_ptr(state_reg(b, 2), REG_MAP_VALUE, REG_OR_NULL);
	state_reg(a, 1)->id = state_reg(b, 2)->id = 7;
	state_reg(a, 1)->uid = state_reg(b, 2)->uid = 8;
	join_into(&v, &n, b, NULL, 0);
	for (unsigned r = 1; r <= 2; r++) {
		assert_int_equal(state_reg(a, r)->type, REG_MAP_VALUE);
		assert_true(state_reg(a, r)->flags & REG_OR_NULL);
		assert_true(state_reg(a, r)->uid);
	}
	assert_int_not_equal(state_reg(a, 1)->uid, state_reg(a, 2)->uid);
	assert_int_not_equal(state_reg(a, 1)->id, state_reg(a, 2)->id);
	arena_free(&v.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(covers_both),
		cmocka_unit_test(widening_ends),
		cmocka_unit_test(of_kinds),
		cmocka_unit_test(of_inner_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

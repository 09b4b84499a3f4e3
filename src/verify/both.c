/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * both.c: the two explorations of a function take turns: *paths* (explore.c)
 * begins; when it takes long, *invariants* (inv.c) gets as much, then both
 * budgets double. Either may accept; only *paths* rejects.
 */
#include "verify/explore.h"
#include "verify/inv.h"

enum { FIRST_STEPS = 8192, ROUNDS = 4 };

/* Where *paths* ends without an answer. */
static void give_up(struct verifier *v, const struct state *s)
{
	if (v->full)
		reject(v, REJECT_TOO_MANY_JUMPS, v->full_at, &(struct why){
			.a = MAX_PENDING + 1, .b = MAX_PENDING });
	else
		reject(v, REJECT_TOO_LONG, s->insn, &(struct why){
			.a = (s64)v->visited + 1, .b = (s64)v->visited });
	v->stop = true;
}

/*
 * *paths* is paused in S: what *invariants* says with a budget as big. Once a
 * rule was violated on a path, it is not asked any more.
 */
static bool invariants_accept(struct verifier *v, struct inv **inv, u64 budget)
{
	if (v->opts->policy == POLICY_KERNEL || v->errors.n ||
	    v->opts->flags & (VERIFY_NO_PRUNE | VERIFY_NO_INVARIANTS))
		return false;
	if (!*inv)
		*inv = inv_new(v, v->entry);
	/* never less than some rounds over the program */
	budget = max_u64(budget, ROUNDS * (u64)v->nr_insns);
	if (inv_run(v, *inv, paths_at_end(v) ? max_u64(v->limit, budget) : budget) == INV_ACCEPTS)
		return true;
	v->result->invariants_id = (*inv)->id;
	v->result->invariants_insn = (*inv)->insn;
	return false;
}

static void accepted(struct verifier *v, struct inv *inv)
{
	inv_adopt(v, inv);
	v->visited_joined += inv->visited;
	v->result->by_invariants = true;
	paths_drop(v);
}

void explore(struct verifier *v, u32 func)
{
	struct state *s = explore_entry(v, func);
	struct inv *inv = NULL;
	u64 start = v->visited;
	/* a long program needs many where no path is followed twice */
	u64 steps = max_u64(FIRST_STEPS, 2 * (u64)v->nr_insns);

	v->entry = func;
	v->log_state = true;
	v->full = v->crowded = v->was_crowded = false;
	for (;;) {
		if (!(v->opts->flags & VERIFY_NO_PATHS))
			paths_run(v, &s, min_u64(v->limit, start + steps));
		if (!s || v->stop)
			break;
		if (invariants_accept(v, &inv, steps)) {
			accepted(v, inv);
			break;
		}
		if (paths_at_end(v) ||
		    (v->opts->flags & VERIFY_NO_PATHS && (!inv || inv->failed))) {
			give_up(v, s);
			break;
		}
		v->crowded = false;
		steps *= 2;
	}
	if (s)
		state_free(v, s);
	if (inv)
		inv_free(v, inv);
	paths_close(v);
}

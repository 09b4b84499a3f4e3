/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_trips.c: that loops end. A state that starts from the head of a loop
 * relates each number to itself there: its "seed", a place at a head, and the
 * distance from it, which additions change (step_alu.c). Where a loop comes back
 * to its head, a place that is its own seed plus 1 or more, or minus 1 or more,
 * each time, and whose range at the head leaves no room to wrap, counts the
 * trips. An iterator on the stack counts its elements.
 *
 * A head's state relates its numbers to the heads around it, as they arrived: so
 * what an inner loop leaves alone is known in the outer one.
 */
#include "verify/inv.h"

enum { LOC_BITS = 10, MAX_LOOPS = 1 << 23 };
#define LIMIT_TRIPS (1ull << 32)

struct counter { u32 loc; s32 min, max; };

/* What comes back to a head. */
struct trips {
	bool back;		/* something does, to the same node */
	struct counter *v;	/* places that count every trip */
	u32 n;
	struct inv_node **to;	/* other nodes of the head that are gone to */
	u32 nr_to;
	u8 mark;		/* of the search for circles */
};

/* ---- seeds --------------------------------------------------------------- */

static struct inv_node *seed_node(const struct inv *inv, u32 seed)
{
	return inv->all.v[(seed >> LOC_BITS) - 1];
}

static void forget(struct reg *r)
{
	r->seed = 0;
	r->step_min = r->step_max = 0;
}

static void seed_here(struct reg *r, u32 loc, void *arg)
{
	const struct inv_node *n = arg;

	r->seed = n->index << LOC_BITS | loc;
	r->step_min = r->step_max = 0;
}

void trips_start(struct verifier *v, struct inv_node *n, struct state *s)
{
	(void)v;
	if (n->index < 1u << (32 - LOC_BITS))
		join_each(s, seed_here, n);
}

static bool around(const struct inv_node *origin, const struct inv_node *n)
{
	while (origin && origin != n)
		origin = origin->origin;
	return origin;
}

static bool far(s64 n) { return n <= -MAX_VAR_OFF || n >= MAX_VAR_OFF; }

/* R is its seed's own seed, a level further out. */
static void step_out(struct inv *inv, struct reg *r)
{
	struct inv_node *n = seed_node(inv, r->seed);
	const struct reg *from = join_at(n->state, r->seed & ((1u << LOC_BITS) - 1));
	s64 min, max;

	if (!from || !from->seed) {
		forget(r);
		return;
	}
	min = (s64)r->step_min + from->step_min;
	max = (s64)r->step_max + from->step_max;
	if (far(min) || far(max)) {
		forget(r);
		return;
	}
	r->seed = from->seed;
	r->step_min = (s32)min;
	r->step_max = (s32)max;
}

struct leave { struct inv *inv; struct inv_node *origin; };

static void leave_reg(struct reg *r, u32 loc, void *arg)
{
	struct leave *l = arg;

	(void)loc;
	while (r->seed && !around(l->origin, seed_node(l->inv, r->seed)))
		step_out(l->inv, r);
}

void trips_leave(struct verifier *v, struct state *s, struct inv_node *origin)
{
	struct leave l = { v->inv, origin };

	join_each(s, leave_reg, &l);
}

/* ---- what comes back ----------------------------------------------------- */

enum { MAX_LOCS = 1 << LOC_BITS };

struct found { const struct inv_node *n; struct counter v[MAX_LOCS]; u32 nr; };

static void find_counter(struct reg *r, u32 loc, void *arg)
{
	struct found *f = arg;

	if (r->seed == (f->n->index << LOC_BITS | loc) &&
	    (r->step_min > 0 || r->step_max < 0))
		f->v[f->nr++] = (struct counter){ loc, r->step_min, r->step_max };
}

static const struct counter *counter_at(const struct found *f, u32 loc)
{
	for (u32 i = 0; i < f->nr; i++)
		if (f->v[i].loc == loc)
			return &f->v[i];
	return NULL;
}

/* Only what counts each time, in one direction, counts. */
static void narrow(struct trips *t, const struct found *f)
{
	u32 n = 0;

	for (u32 i = 0; i < t->n; i++) {
		struct counter c = t->v[i];
		const struct counter *other = counter_at(f, c.loc);

		if (!other || (other->min > 0) != (c.min > 0))
			continue;
		c.min = c.min < other->min ? c.min : other->min;
		c.max = c.max > other->max ? c.max : other->max;
		t->v[n++] = c;
	}
	t->n = n;
}

static void note_other(struct verifier *v, struct trips *t, struct inv_node *to)
{
	struct inv_node **list;

	for (u32 i = 0; i < t->nr_to; i++)
		if (t->to[i] == to)
			return;
	list = arena_news(&v->mem, t->nr_to + 1, struct inv_node *);
	if (t->nr_to)
		memcpy(list, t->to, t->nr_to * sizeof(*list));
	list[t->nr_to++] = to;
	t->to = list;
}

void trips_back(struct verifier *v, struct inv_node *from, struct inv_node *to, struct state *s)
{
	struct trips *t = from->trips;
	struct found f;

	if (from != to) {
		note_other(v, t, to);
		return;
	}
	f.n = from;
	f.nr = 0;
	join_each(s, find_counter, &f);
	if (t->back) {
		narrow(t, &f);
		return;
	}
	t->back = true;
	t->n = f.nr;
	t->v = arena_copy(&v->mem, f.v, f.nr * sizeof(*f.v));
}

void trips_reset(struct verifier *v, struct inv_node *n)
{
	if (n->head)
		n->trips = arena_new(&v->mem, struct trips);
}

/* ---- how many ------------------------------------------------------------ */

/* Trips while the number goes from LO to HI by at least STEP. */
static u64 count(u64 width, u32 step)
{
	return width / step < UINT64_MAX ? width / step + 1 : UINT64_MAX;
}

static u64 count_up(const struct scalar *s, const struct counter *c)
{
	u64 n = UINT64_MAX;

	if (s->smax <= INT64_MAX - c->max)
		n = count((u64)s->smax - (u64)s->smin, (u32)c->min);
	if (s->umax <= UINT64_MAX - (u64)c->max)
		n = min_u64(n, count(s->umax - s->umin, (u32)c->min));
	return n;
}

static u64 count_down(const struct scalar *s, const struct counter *c)
{
	u64 n = UINT64_MAX, farthest = (u64)-(s64)c->min;
	u32 step = (u32)-(s64)c->max;

	if (s->smin >= INT64_MIN + (s64)farthest)
		n = count((u64)s->smax - (u64)s->smin, step);
	if (s->umin >= farthest)
		n = min_u64(n, count(s->umax - s->umin, step));
	return n;
}

/* At most so many trips; *SELF: the runtime bounds them by itself. */
static u64 trips_of(struct verifier *v, const struct inv_node *n, bool *self)
{
	const struct loops *l = &v->inv->loops;
	u64 best = UINT64_MAX;

	*self = l->v[l->of[n->insn]].budgeted;
	if (*self)
		return MAX_LOOPS;
	if (!n->trips->back)
		return 1;
	for (u32 i = 0; i < n->trips->n; i++) {
		const struct counter *c = &n->trips->v[i];
		const struct reg *r = join_at(n->state, c->loc);

		if (!r)
			continue;
		if (r->type != REG_SCALAR) {	/* an iterator's elements */
			*self = true;
			return MAX_LOOPS;
		}
		best = min_u64(best, c->min > 0 ? count_up(&r->val, c) :
			       count_down(&r->val, c));
	}
	return best;
}

/* How often the call at AT may call its function. */
static u64 calls_at(struct verifier *v, u32 at)
{
	u64 most = 1;

	for (const struct inv_node *n = v->inv->nodes[at]; n; n = n->next) {
		const struct reg *r = state_reg(n->state, 1);
		u64 calls = MAX_LOOPS;

		if (r->type == REG_SCALAR)
			calls = min_u64(calls, r->val.umax);
		else if (r->type == REG_MAP)
			calls = r->uid ? UINT32_MAX : v->img->maps[r->map].max_entries;
		most = max_u64(most, calls);
	}
	return most;
}

static u64 times(u64 a, u64 b)
{
	u64 n;

	return __builtin_mul_overflow(a, b, &n) ? UINT64_MAX : n;
}

/*
 * What the runtime bounds by itself may be as much as the kernel allows; only
 * where a loop that was proved to end is among it must all be within the limit.
 */
static bool nest_bounded(struct verifier *v, const struct inv_node *n)
{
	u64 proved = 1, own = 1;

	for (const struct inv_node *at = n; at; at = at->origin) {
		bool self;
		u64 trips = trips_of(v, at, &self);

		if (trips == UINT64_MAX)
			return false;
		if (self)
			own = times(own, trips);
		else
			proved = times(proved, trips);
	}
	for (u32 i = 0; i < n->state->nr_frames; i++)
		if (n->state->frames[i]->kind == FRAME_CALLBACK)
			own = times(own, calls_at(v, n->state->frames[i]->callsite));
	return proved == 1 || times(proved, own) <= LIMIT_TRIPS;
}

/* ---- circles ------------------------------------------------------------- */

enum { NEW, OPEN, DONE };

/*
 * States of one head that differ in class may follow each other, but not in a
 * circle: nothing counts there. At most MAX_CLASSES deep.
 */
static bool circle(struct inv_node *n)
{
	struct trips *t = n->trips;

	if (t->mark == DONE)
		return false;
	if (t->mark == OPEN)
		return true;
	t->mark = OPEN;
	for (u32 i = 0; i < t->nr_to; i++)
		if (circle(t->to[i]))
			return true;
	t->mark = DONE;
	return false;
}

bool trips_bounded(struct verifier *v)
{
	const struct loops *l = &v->inv->loops;

	for (size_t i = 0; i < v->inv->all.n; i++) {
		struct inv_node *n = v->inv->all.v[i];

		if (!n->head)
			continue;
		if (!nest_bounded(v, n) ||
		    (!l->v[l->of[n->insn]].budgeted && circle(n)))
			return false;
	}
	return true;
}

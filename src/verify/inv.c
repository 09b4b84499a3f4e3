/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv.c: the second exploration (inv.h): a worklist of joined states. A node is
 * what all states have in common that are at one instruction with one chain of
 * calls, the same things held, and came from the same heads of loops. From its
 * node a state is followed to the next points where paths meet; there it is
 * joined. When nothing changes any more, all nodes are gone through once more:
 * that nothing changes then is the proof, and what comes back to heads of loops
 * in this round says whether they end.
 */
#include "verify/explore.h"
#include "verify/inv.h"

enum { MAX_NODES_AT = 1024 };

/* ---- the hooks ----------------------------------------------------------- */

int inv_refuse(struct verifier *v, enum reject_id id, u32 insn)
{
	if (v->inv->unchecked && id) {
		v->inv->refused = true;
		return 0;
	}
	if (!v->inv->failed) {
		v->inv->id = id;
		v->inv->insn = insn;
	}
	v->inv->failed = true;
	v->stop = true;
	return 0;
}

struct state *inv_push(struct verifier *v, struct state *s, u32 insn)
{
	struct state *copy = state_copy(v, s);

	copy->insn = insn;
	*vec_push(&v->inv->pushed) = copy;
	return copy;
}

void inv_unpush(struct verifier *v)
{
	state_free(v, v->inv->pushed.v[--v->inv->pushed.n]);
}

/* ---- the order of the work ----------------------------------------------- */

/* Instruction at which N stands in frame I. */
static u32 place(const struct inv_node *n, u32 i)
{
	return i + 1 < n->state->nr_frames ? n->state->frames[i + 1]->callsite : n->insn;
}

/* A comes before B: callees before what follows the call. */
static bool before(const struct inv *inv, const struct inv_node *a, const struct inv_node *b)
{
	for (u32 i = 0; i < a->state->nr_frames && i < b->state->nr_frames; i++) {
		u32 x = inv->loops.order[place(a, i)], y = inv->loops.order[place(b, i)];

		if (x != y)
			return x < y;
	}
	return a->state->nr_frames > b->state->nr_frames;
}

static void queue(struct inv *inv, struct inv_node *n)
{
	size_t i = inv->heap.n;
	struct inv_node **h;

	if (n->queued)
		return;
	n->queued = true;
	*vec_push(&inv->heap) = n;
	for (h = inv->heap.v; i && before(inv, n, h[(i - 1) / 2]); i = (i - 1) / 2)
		h[i] = h[(i - 1) / 2];
	h[i] = n;
}

static struct inv_node *take(struct inv *inv)
{
	struct inv_node **h = inv->heap.v, *first = h[0], *last = h[--inv->heap.n];
	size_t i = 0, n = inv->heap.n;

	while (2 * i + 1 < n) {
		size_t k = 2 * i + 1;

		if (k + 1 < n && before(inv, h[k + 1], h[k]))
			k++;
		if (!before(inv, h[k], last))
			break;
		h[i] = h[k];
		i = k;
	}
	h[i] = last;
	first->queued = false;
	return first;
}

/* ---- nodes --------------------------------------------------------------- */

static bool is_head(const struct loops *l, u32 insn)
{
	return l->of[insn] && l->v[l->of[insn]].head == insn;
}

static struct inv_node *node_new(struct verifier *v, struct state *s, struct inv_node *origin)
{
	struct inv *inv = v->inv;
	struct inv_node *n = arena_new(&v->mem, struct inv_node);
	u8 op = v->points[s->insn].op;

	n->insn = s->insn;
	n->origin = origin;
	n->state = state_copy(v, s);
	n->head = is_head(&inv->loops, n->insn);
	n->widens = n->head || ((op == OP_CALL || op == OP_CALL_KFUNC) &&
				v->points[n->insn].flags & POINT_FORCE);
	n->depth = (origin ? origin->depth : 0) + n->head;
	*vec_push(&inv->all) = n;
	n->index = (u32)inv->all.n;
	n->next = inv->nodes[n->insn];
	inv->nodes[n->insn] = n;
	trips_reset(v, n);
	return n;
}

/* The node that S belongs to, coming from heads ORIGIN; NULL: there is none. */
static struct inv_node *node_find(struct verifier *v, const struct state *s,
			      const struct inv_node *origin)
{
	u32 nr = 0;

	for (struct inv_node *n = v->inv->nodes[s->insn]; n; n = n->next) {
		if (n->origin == origin && join_same_class(n->state, s))
			return n;
		nr++;
	}
	if (nr >= MAX_NODES_AT)
		inv_refuse(v, (enum reject_id)0, s->insn);
	return NULL;
}

static void merge(struct verifier *v, struct inv_node *n, const struct state *s)
{
	const struct loops *l = &v->inv->loops;
	const struct loop *loop = n->head ? &l->v[l->of[n->insn]] : NULL;

	if (!join_into(v, n, s, loop ? loop->steps : l->steps,
		       loop ? loop->nr_steps : l->nr_steps))
		return;
	v->inv->changed = true;
	queue(v->inv, n);
}

/* ---- arriving ------------------------------------------------------------ */

/* How many loops are around the instruction at hand, over all frames. */
static u32 loops_around(const struct inv *inv, const struct state *s)
{
	u32 n = 0;

	for (u32 i = 0; i < s->nr_frames; i++) {
		u32 at = i + 1 < s->nr_frames ? s->frames[i + 1]->callsite : s->insn;

		n += inv->loops.of[at] ? inv->loops.v[inv->loops.of[at]].depth : 0;
	}
	return n;
}

static struct inv_node *out_to(struct inv_node *origin, u32 depth)
{
	while (origin && origin->depth > depth)
		origin = origin->origin;
	return origin;
}

/* S comes round to the head it left. */
static struct inv_node *arrive_back(struct verifier *v, struct state *s, u32 depth)
{
	struct inv_node *from = out_to(s->origin, depth), *to;

	assert(from && from->insn == s->insn && "a loop is left by its head's node");
	trips_leave(v, s, from);
	to = node_find(v, s, from->origin);
	if (!to && !v->stop) {
		struct state *first = state_copy(v, s);

		trips_leave(v, first, from->origin);
		to = node_new(v, first, from->origin);
		state_free(v, first);
		v->inv->changed = true;
		queue(v->inv, to);
	}
	if (to && v->inv->checking)
		trips_back(v, from, to, s);
	return from->origin;
}

/* S, which is at a join, came over an edge that leads BACK in a loop or not. */
static void arrive(struct verifier *v, struct state *s, bool back)
{
	struct inv *inv = v->inv;
	u32 depth;
	struct inv_node *origin, *n;

	join_normalise(v, s);
	depth = loops_around(inv, s);
	if (back)
		origin = arrive_back(v, s, depth);
	else
		origin = out_to(s->origin, depth - is_head(&inv->loops, s->insn));
	if (v->stop)
		return;
	trips_leave(v, s, origin);
	n = node_find(v, s, origin);
	if (n) {
		merge(v, n, s);
	} else if (!v->stop) {
		inv->changed = true;
		queue(inv, node_new(v, s, origin));
	}
}

/* ---- following ----------------------------------------------------------- */

/* Where a step began: to tell what edge a state came over. */
struct left { u32 at, frames, callsite; u8 op; };

static bool comes_back(struct verifier *v, const struct state *s, const struct left *from)
{
	const struct loops *l = &v->inv->loops;
	u32 at = from->at;

	if (!is_head(l, s->insn) || s->nr_frames > from->frames)
		return false;
	if (s->nr_frames < from->frames)	/* by an exit, or by what ends functions */
		at = from->callsite;
	return loops_has(l, l->of[s->insn], at);
}

/* A timer's callback begins, outside of everything. */
static bool begins(const struct verifier *v, const struct state *s, const struct left *from)
{
	const struct frame *f = s->frames[0];

	return s->nr_frames == 1 && f->kind == FRAME_ASYNC &&
	       (from->op == OP_CALL || from->op == OP_CALL_KFUNC) &&
	       s->insn == v->funcs[f->func].start;
}

/* True when S has arrived somewhere; it is used up then. */
static bool settle(struct verifier *v, struct state *s, const struct left *from)
{
	bool async = begins(v, s, from);

	if (!v->inv->loops.join[s->insn])
		return false;
	if (async)
		s->origin = NULL;
	arrive(v, s, !async && comes_back(v, s, from));
	state_free(v, s);
	return true;
}

static void settle_pushed(struct verifier *v, const struct left *from)
{
	struct inv *inv = v->inv;

	for (size_t i = 0; i < inv->pushed.n; i++)
		if (v->stop)
			state_free(v, inv->pushed.v[i]);
		else if (!settle(v, inv->pushed.v[i], from))
			*vec_push(&inv->todo) = inv->pushed.v[i];
	inv->pushed.n = 0;
}

/* S goes on to where paths meet, or to its end. */
static void follow(struct verifier *v, struct state *s)
{
	while (!v->stop) {
		struct left from = { s->insn, s->nr_frames, state_frame(s)->callsite,
				     v->points[s->insn].op };
		enum step next = step(v, s);

		if (unlikely(v->inv->refused))
			inv_forgive(v, s, from.at, next == STEP_END);
		settle_pushed(v, &from);
		if (v->stop || next == STEP_END)
			break;
		if (settle(v, s, &from))
			return;
	}
	state_free(v, s);
}

static void reduce(struct reg *r, void *arg)
{
	struct scalar val = r->val;

	(void)arg;
	if ((r->type == REG_SCALAR || reg_is_ptr(r)) && scalar_sync(&val))
		r->val = val;
}

static void follow_node(struct verifier *v, struct inv_node *n)
{
	struct inv *inv = v->inv;
	struct state *s = state_copy(v, n->state);

	s->insn = n->insn;
	s->origin = n->head ? n : n->origin;
	if (n->widens)
		state_each(s, reduce, NULL);
	if (n->head)
		trips_start(v, n, s);
	follow(v, s);
	while (inv->todo.n) {
		s = inv->todo.v[--inv->todo.n];
		follow(v, s);
	}
}

/* ---- the job ------------------------------------------------------------- */

/* Bytes that nodes may take when stored states have taken all that they may. */
enum { BUDGET_JOINED = 6 << 20 };

/* Once more over all of it, to see that nothing changes. */
static void check_all(struct verifier *v)
{
	struct inv *inv = v->inv;

	inv->checking = true;
	inv->changed = false;
	if (inv->unchecked)
		facts_round(v);
	for (size_t i = 0; i < inv->all.n; i++) {
		trips_reset(v, inv->all.v[i]);
		queue(inv, inv->all.v[i]);
	}
}

static enum inv_verdict work(struct verifier *v, u64 budget)
{
	struct inv *inv = v->inv;

	for (;;) {
		while (inv->heap.n && !v->stop) {
			/* the last round, each node once, is not put off */
			if (v->visited >= budget && (inv->changed || !inv->checking))
				return INV_GOES_ON;
			if (v->mem.used > v->budget + BUDGET_JOINED)
				return INV_FAILS;
			follow_node(v, take(inv));
		}
		if (v->stop)
			return INV_FAILS;
		if (inv->checking && !inv->changed)
			break;
		check_all(v);
	}
	inv->failed = !inv->unchecked && !trips_bounded(v);
	return inv->failed ? INV_FAILS : INV_ACCEPTS;
}

static void begin(struct verifier *v, u32 func)
{
	struct state *s = explore_entry(v, func);

	if (!v->stop)
		arrive(v, s, false);
	state_free(v, s);
}

static void swap(struct verifier *v, struct inv *inv)
{
	struct point *points = v->points;
	struct func *funcs = v->funcs;
	u64 visited = v->visited;

	v->points = inv->points;
	v->funcs = inv->funcs;
	v->visited = inv->visited;
	inv->points = points;
	inv->funcs = funcs;
	inv->visited = visited;
}

struct inv *inv_new(struct verifier *v, u32 func)
{
	struct inv *inv = arena_new(&v->mem, struct inv);
	size_t used = v->mem.used;

	inv->entry = func;
	loops_build(v, &inv->loops);
	inv->failed = inv->loops.irreducible;
	inv->nodes = arena_news(&v->mem, v->nr_insns, struct inv_node *);
	inv->points = arena_copy(&v->mem, v->points, v->nr_insns * sizeof(*v->points));
	inv->funcs = arena_copy(&v->mem, v->funcs, v->nr_funcs * sizeof(*v->funcs));
	v->budget += v->mem.used - used;	/* it is for states alone */
	return inv;
}

static void nodes_free(struct verifier *v, struct inv *inv)
{
	for (size_t i = 0; i < inv->all.n; i++)
		state_free(v, inv->all.v[i]->state);
	inv->all.n = 0;
}

enum inv_verdict inv_run(struct verifier *v, struct inv *inv, u64 budget)
{
	u32 jumps = v->step_jumps, insns = v->step_insns;	/* of the path that waits */
	enum inv_verdict verdict;

	if (inv->failed)
		return INV_FAILS;
	swap(v, inv);
	v->inv = inv;
	if (!inv->all.n)
		begin(v, inv->entry);
	verdict = v->stop ? INV_FAILS : work(v, budget);
	v->inv = NULL;
	v->stop = false;
	v->step_jumps = jumps;
	v->step_insns = insns;
	swap(v, inv);
	inv->failed = verdict == INV_FAILS;
	if (inv->failed)
		nodes_free(v, inv);
	return verdict;
}

void inv_adopt(struct verifier *v, struct inv *inv)
{
	for (u32 i = 0; i < v->nr_insns; i++) {
		v->points[i].flags |= inv->points[i].flags;
		v->points[i].through = inv->points[i].through;
		v->points[i].rewritten = inv->points[i].rewritten;
		facts_join_access(&v->points[i].access, &inv->points[i].access);
	}
	for (u32 i = 0; i < v->nr_funcs; i++) {
		struct func *to = &v->funcs[i], *from = &inv->funcs[i];

		to->shown |= from->shown;
		to->callers |= from->callers;
		to->tail_calls |= from->tail_calls;
		to->is_async |= from->is_async;
		to->called_back |= from->called_back;
		to->stack_bytes = (u32)max_u64(to->stack_bytes, from->stack_bytes);
	}
}

void inv_free(struct verifier *v, struct inv *inv)
{
	nodes_free(v, inv);
	vec_free(&inv->all);
	vec_free(&inv->heap);
	vec_free(&inv->pushed);
	vec_free(&inv->todo);
}

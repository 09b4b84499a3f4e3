/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfg.c: the shape of a program before anything is executed: its functions,
 * that jumps stay inside them, that nothing is unreachable, where paths meet.
 * In: slots that isa_check has passed. Out: points and functions.
 */
#include "verify/call.h"

/* ---- functions ----------------------------------------------------------- */

static int func_order(const void *a, const void *b)
{
	const struct func *fa = a, *fb = b;

	return fa->start < fb->start ? -1 : fa->start > fb->start;
}

static bool func_known(const struct verifier *v, u32 start)
{
	for (u32 i = 0; i < v->nr_funcs; i++)
		if (v->funcs[i].start == start)
			return true;
	return false;
}

static int func_add(struct verifier *v, u32 start)
{
	if (func_known(v, start))
		return 0;
	if (v->nr_funcs == MAX_FUNCS) {
		reject(v, REJECT_TOO_MANY_FUNCS, start,
		       &(struct why){ .a = MAX_FUNCS });
		return -E2BIG;
	}
	v->funcs[v->nr_funcs++].start = start;
	return 0;
}

/* The function that a call or an address of one at AT names, or -1. */
static s64 named_func(const struct verifier *v, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	u8 op = v->points[at].op;

	if (op == OP_CALL_LOCAL || op == OP_LDDW_FUNC)
		return (s64)at + insn->imm + 1;
	return -1;
}

static void name_funcs(struct verifier *v)
{
	for (u32 i = 0; i < v->nr_funcs; i++) {
		struct func *f = &v->funcs[i];
		const struct image_func *named = image_func(v->prog, f->start);

		f->end = i + 1 < v->nr_funcs ? v->funcs[i + 1].start : v->nr_insns;
		f->name = "?";
		if (named && named->insn == f->start) {
			f->name = named->name;
			f->type_id = named->type_id;
			f->global = named->global && named->type_id;
		}
		for (u32 at = f->start; at < f->end; at++)
			v->points[at].func = (u16)i;
	}
}

static int find_funcs(struct verifier *v)
{
	v->funcs = arena_news(&v->mem, MAX_FUNCS, struct func);
	if (func_add(v, 0))
		return -E2BIG;
	for (u32 i = 0; i < v->nr_insns; i++) {
		s64 target = named_func(v, i);

		if (target >= 0 && func_add(v, (u32)target))
			return -E2BIG;
	}
	qsort(v->funcs, v->nr_funcs, sizeof(*v->funcs), func_order);
	name_funcs(v);
	return 0;
}

u32 cfg_func_at(const struct verifier *v, u32 insn)
{
	return v->points[insn].func;
}

/* ---- edges --------------------------------------------------------------- */

static void decode(struct verifier *v)
{
	for (u32 i = 0; i < v->nr_insns; i++) {
		v->points[i].op = (u8)isa_op(&v->insns[i]);
		if (isa_slots(&v->insns[i]) == 2)
			v->points[++i].flags = POINT_LDDW2;
	}
}

unsigned cfg_next(const struct verifier *v, u32 at, u32 next[2])
{
	u8 op = v->points[at].op;
	unsigned kind = isa_rows[op].kind;
	s64 delta;

	if (op == OP_EXIT)
		return 0;
	next[0] = at + isa_slots(&v->insns[at]);
	if (kind < KIND_JMP_JEQ || kind > KIND_MAY_GOTO)
		return 1;
	isa_op_target(op, &v->insns[at], &delta);
	next[1] = (u32)(at + 1 + delta);
	if (op != OP_JA && op != OP_JA32)
		return 2;
	next[0] = next[1];
	return 1;
}

/* Is the way from AT to TO inside one function? Says so when it is not. */
static bool check_edge(struct verifier *v, u32 at, u32 to, bool jump)
{
	const struct func *f = &v->funcs[v->points[at].func];

	if (to >= f->start && to < f->end)
		return true;
	if (jump)
		reject(v, REJECT_JUMP_RANGE, at, &(struct why){ .a = at, .b = to });
	else
		reject(v, REJECT_FALL_THROUGH, at, NULL);
	return false;
}

static void meet_at(struct verifier *v, u32 at, bool force)
{
	v->points[at].flags |= force ? POINT_PRUNE | POINT_FORCE : POINT_PRUNE;
}

/* ---- what is reached ----------------------------------------------------- */

struct walk {
	struct verifier *v;
	bool *seen, *open;	/* OPEN: in STACK */
	VEC(u32) stack;
	bool bad;
};

static void visit(struct walk *w, u32 from, u32 to, bool jump)
{
	struct verifier *v = w->v;

	if (from != to && !check_edge(v, from, to, jump)) {
		w->bad = true;
		return;
	}
	if (!jump && from != to && w->open[to])
		dated_loop_middle(v, from, to);
	if (!w->seen[to])
		*vec_push(&w->stack) = to;
	w->open[to] |= !w->seen[to];
	w->seen[to] = true;
}

/* A helper that may call a function any number of times. */
static bool repeats(const struct verifier *v, const struct bpf_insn *insn)
{
	const struct helper_row *row = helper_proto((u32)insn->imm, v->prog->type);

	for (unsigned i = 0; row && i < 5; i++)
		if (row->args[i] == ARG_FUNC)
			return row->id != BPF_FUNC_timer_set_callback;
	return false;
}

/* Where states are worth comparing: at conditions, behind jumps, around calls. */
static void mark_points(struct verifier *v, u32 at, const u32 *next, unsigned n)
{
	u8 op = v->points[at].op;

	if (n == 2) {
		meet_at(v, at, op == OP_MAY_GOTO);
		meet_at(v, next[1], false);
	} else if (op == OP_JA || op == OP_JA32) {
		meet_at(v, next[0], false);
	} else if (op == OP_CALL_LOCAL) {
		meet_at(v, at, false);
		meet_at(v, at + 1 + (u32)v->insns[at].imm, false);
		meet_at(v, next[0], false);
	} else if ((op == OP_CALL && repeats(v, &v->insns[at])) ||
		   (op == OP_CALL_KFUNC && kfunc_iterates(v, at))) {
		meet_at(v, at, true);
	}
}

/* The next way from AT that was not gone yet; false when there is none. */
static bool advance(struct walk *w, u32 at, u8 *step)
{
	struct verifier *v = w->v;
	u32 next[2];
	unsigned n = cfg_next(v, at, next);
	bool jump = n == 2 || v->points[at].op == OP_JA || v->points[at].op == OP_JA32;

	if (*step >= n)
		return false;
	visit(w, at, next[*step], jump);
	if (!*step && !w->bad && check_edge(v, at, next[n - 1], jump))
		mark_points(v, at, next, n);
	(*step)++;
	return true;
}

/* Depth first from START. STEPS counts the ways gone from each slot. */
static void walk_from(struct walk *w, u32 start, u8 *steps)
{
	visit(w, start, start, false);
	while (w->stack.n && !w->bad) {
		u32 at = w->stack.v[w->stack.n - 1];

		if (!advance(w, at, &steps[at])) {
			w->open[at] = false;
			w->stack.n--;
		}
	}
}

static void check_reached(struct verifier *v, const bool *seen)
{
	for (u32 i = 0; i < v->nr_insns; i++)
		if (!seen[i] && !(v->points[i].flags & POINT_LDDW2)) {
			reject(v, REJECT_UNREACHABLE, i, &(struct why){ .a = i });
			return;
		}
}

/* The map of an instruction that names one. */
static void check_map(struct verifier *v, u32 at)
{
	u8 op = v->points[at].op;

	if (op == OP_LDDW_IDX_VAL)
		check_map_value(v, at);
	if (op == OP_LDDW_IDX_VAL || op == OP_LDDW_MAP_IDX) {
		check_map_use(v, at);
		arena_use(v, at);
	}
}

static int walk_all(struct verifier *v)
{
	struct walk w = {
		.v = v,
		.seen = arena_news(&v->mem, v->nr_insns, bool),
		.open = arena_news(&v->mem, v->nr_insns, bool),
	};
	u8 *steps = arena_news(&v->mem, v->nr_insns, u8);

	for (u32 i = 0; i < v->nr_funcs && !w.bad; i++) {
		walk_from(&w, v->funcs[i].start, steps);
		meet_at(v, v->funcs[i].start, false);
	}
	vec_free(&w.stack);
	if (!w.bad)
		check_reached(v, w.seen);
	for (u32 i = 0; i < v->nr_insns; i++)
		check_map(v, i);
	return v->errors.n ? -EINVAL : 0;
}

int cfg_build(struct verifier *v)
{
	int rc;

	if (!v->nr_insns) {
		reject(v, REJECT_EMPTY, 0, NULL);
		return -EINVAL;
	}
	v->points = arena_news(&v->mem, v->nr_insns, struct point);
	decode(v);
	rc = find_funcs(v);
	return rc ? rc : walk_all(v);
}

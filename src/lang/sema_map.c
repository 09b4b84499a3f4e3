/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sema_map.c: functions of maps: values that are added up in them (count, hist, ...), and
 * what is done with maps as a whole and with their elements.
 */
#include "lang/sema.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- aggregations ------------------------------------------------------------ */

static const struct ty *histogram(struct sema *s, struct node *n, struct ty t, const char *name)
{
	struct node *a = n->list->next;

	for (u32 i = 0; a; a = a->next, i++)
		if (a->kind != N_STR && !sem_const(s, a, &t.par[i]))
			return sem_error(s, a->at, "%s: argument %u is a literal number", name,
					 i + 2);
	if (t.kind == TY_HIST) {
		if (t.par[0] < 0 || t.par[0] > 5)
			return sem_error(s, n->at, "hist: bits %lld must be 0..5",
					 (long long)t.par[0]);
		t.bytes = 8 * (1 + ((65 - (u32)t.par[0]) << t.par[0]));
	} else if (t.kind == TY_LHIST) {
		const s64 min = t.par[0], max = t.par[1], step = t.par[2];

		if (step <= 0)
			return sem_error(s, n->at, "lhist() step must be >= 1 (%lld provided)",
					 (long long)step);
		if (max <= min)
			return sem_error(s, n->at,
					 "lhist() min must be less than max (provided min "
					 "%lld and max %lld)",
					 (long long)min, (long long)max);
		if (((u64)max - (u64)min) / (u64)step > 1000)
			return sem_error(s, n->at,
					 "lhist() too many buckets, must be <= 1000 (would "
					 "need %llu)",
					 (unsigned long long)(((u64)max - (u64)min) / (u64)step));
		t.bytes = 8 * (u32)(((u64)max - (u64)min + (u64)step - 1) / (u64)step + 2);
	}
	return ty_make(&s->l->types, &t);
}

static const struct ty *tseries(struct sema *s, struct node *n, struct ty t)
{
	static const char *const aggs[] = { "", "avg", "max", "min", "sum" };
	const struct node *a = n->list->next, *agg = a->next->next;
	u32 i = 0;

	if (!sem_const(s, a, &t.par[0]) || !sem_const(s, a->next, &t.par[1]) || t.par[0] < 1 ||
	    t.par[1] < 1 || t.par[1] > 1000000)
		return sem_error(s, n->at,
				 "tseries() takes an interval in nanoseconds and a number "
				 "of intervals, as literals");
	if (agg) {
		for (i = 1; agg->kind == N_STR && i < ARRAY_LEN(aggs); i++)
			if (!strcmp(aggs[i], agg->text))
				break;
		if (agg->kind != N_STR || i == ARRAY_LEN(aggs))
			return sem_error(s, agg->at, "tseries() expects one of the following "
					 "aggregation functions: avg, max, min, sum");
	}
	t.par[2] = i;
	t.bytes = (u32)(t.par[1] * (s64)sizeof(struct lang_tseries));
	return ty_make(&s->l->types, &t);
}

const struct ty *sem_aggregation(struct sema *s, struct node *n, int f)
{
	const struct ty *a = n->list ? sem_number(s, n->list) : NULL;
	struct ty t = { .bytes = 16,
			.align = 8,
			.is_signed = a ? a->kind != TY_INT || a->is_signed : false };

	if (a && !ty_is_number(a) && a->kind != TY_PTR)
		return sem_error(s, n->list->at,
				 "%s() only supports integer arguments (%s provided)", n->text,
				 sem_name(s->l, a));
	switch (f) {
	case F_count: t.kind = TY_COUNT; t.bytes = 8; break;
	case F_sum: t.kind = TY_SUM; t.bytes = 8; break;
	case F_avg: t.kind = TY_AVG; break;
	case F_min: t.kind = TY_MIN; break;
	case F_max: t.kind = TY_MAX; break;
	case F_stats: t.kind = TY_STATS; break;
	case F_hist: t.kind = TY_HIST; t.is_signed = false; return histogram(s, n, t, "hist");
	case F_lhist: t.kind = TY_LHIST; t.is_signed = false; return histogram(s, n, t, "lhist");
	default: t.kind = TY_TSERIES; return tseries(s, n, t);
	}
	return ty_make(&s->l->types, &t);
}

/* ---- maps -------------------------------------------------------------------- */

/* The first argument is a map without key; the second fits its keys. */
const struct ty *sem_map_call(struct sema *s, struct node *n, int f)
{
	struct node *m = n->list, *key = m->next;
	struct map_var *var = m->sem;

	if (m->kind != N_MAP)
		return sem_error(s, m->at, "%s() expects a map to be provided", n->text);
	if (m->a || !key) {		/* delete(@x[1]), delete(@x) */
		if (m->a)
			sem_key(s, m);
		else if (f == F_delete && var->keyed)
			return sem_error(s, n->at, "delete() of %s needs a key", var->name);
		return ty_bool(&s->l->types);
	}
	if (var->scalar && f != F_delete)
		return sem_error(s, n->at, "call to %s() expects a map with explicit keys "
				 "(non-scalar map)", n->text);
	m->a = key;			/* typed as any other access, and no longer than that */
	sem_key(s, m);
	m->a = NULL;
	if (f == F_find && var->value) {
		struct node *to = key->next;
		struct var *v = to->sem;

		if (to->kind != N_VAR)
			return sem_error(s, to->at, "find() expects a variable");
		if (!v->ty)
			v->ty = var->value, s->changed = true;
		to->ty = v->ty;
	}
	return ty_bool(&s->l->types);
}

const struct ty *sem_print(struct sema *s, struct node *n)
{
	struct node *a = n->list;

	if (a->kind == N_MAP && !a->a && !((struct map_var *)a->sem)->scalar) {
		a->ty = ((struct map_var *)a->sem)->value;
		sem_list(s, a->next);
	} else {
		const struct ty *t = sem_expr(s, a);

		if (t && t->kind == TY_VOID)
			return sem_error(s, a->at, "%s type passed to print() is not printable",
					 "none");
		if (a->next && a->kind != N_MAP)
			return sem_error(s, n->at,
					 "Non-map print() only takes 1 argument, %s found",
					 a->next->next ? "3" : "2");
		sem_list(s, a->next);
	}
	return ty_void(&s->l->types);
}

const struct ty *sem_map_only(struct sema *s, struct node *n)
{
	if (n->list->kind != N_MAP || n->list->a)
		return sem_error(s, n->list->at, "%s() expects a map to be provided", n->text);
	return ty_void(&s->l->types);
}

const struct ty *sem_len(struct sema *s, struct node *n)
{
	if (n->list->kind == N_MAP && !n->list->a && ((struct map_var *)n->list->sem)->scalar)
		return sem_error(s, n->at, "call to len() expects a map with explicit keys "
				 "(non-scalar map)");
	if (n->list->kind != N_MAP || n->list->a) {
		const struct ty *t = sem_expr(s, n->list);

		if (t && t->kind != TY_STACK)
			return sem_error(s, n->list->at,
					 "len() expects a map or stack to be provided");
		if (n->list->kind != N_IDENT && n->list->kind != N_CALL)
			return sem_error(s, n->list->at,
					 "len() of a stack that was stored is not there: "
					 "len(kstack) and len(ustack) count where they stand");
	}
	return ty_int(&s->l->types, 8, true);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_map.c: maps as they are printed: elements sorted by value; values per cpu are
 * added up here. out_hist.c has histograms and time series.
 */
#include "lang/out_in.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* An element with its cpus' values in one. */
struct item {
	const u8 *key, *value;
	u64 *sum;		/* histograms: buckets; others: value, count */
	s64 order;		/* what it is sorted by */
};

struct printer {
	struct out *o;
	const struct lang_map *m;
	struct item *v;
	size_t n;
	u32 words;		/* of sum */
	u64 div;
	u64 last;		/* TY_TSERIES: the newest interval of all */
};

/* ---- adding up --------------------------------------------------------------- */

static u64 word_at(const u8 *p, u32 i)
{
	u64 v;

	memcpy(&v, p + 8 * (size_t)i, 8);
	return v;
}

static bool better(const struct ty *t, u64 a, u64 b)
{
	if (t->kind == TY_MIN)
		return t->is_signed ? (s64)a < (s64)b : a < b;
	return t->is_signed ? (s64)a > (s64)b : a > b;
}

static void add_cpu(const struct ty *t, struct item *it, const u8 *v, u32 words)
{
	if (t->kind == TY_MIN || t->kind == TY_MAX) {
		if (word_at(v, 1) && (!it->sum[1] || better(t, word_at(v, 0), it->sum[0]))) {
			it->sum[0] = word_at(v, 0);
			it->sum[1] = 1;
		}
		return;
	}
	for (u32 w = 0; w < words; w++)
		it->sum[w] += word_at(v, w);
}

static s64 average(const struct ty *t, const u64 *sum)
{
	if (!sum[1])
		return 0;
	return t->is_signed ? (s64)sum[0] / (s64)sum[1] : (s64)(sum[0] / sum[1]);
}

static s64 order_of(const struct printer *p, const struct item *it)
{
	const struct ty *t = p->m->value;
	u64 all = 0;

	switch (t->kind) {
	case TY_AVG:
	case TY_STATS: return average(t, it->sum);
	case TY_HIST:
	case TY_LHIST:
		for (u32 w = 0; w < p->words; w++)
			all += it->sum[w];
		return (s64)all;
	case TY_COUNT:
	case TY_SUM:
	case TY_MIN:
	case TY_MAX: return (s64)it->sum[0];
	case TY_INT:
	case TY_BOOL:
	case TY_ENUM:
	case TY_PTR: memcpy(&all, it->value, t->bytes); return (s64)all;
	default: return 0;
	}
}

static void add_up(struct printer *p, const struct out_elem *e, u32 stride)
{
	const struct ty *t = p->m->value;
	const u32 cpus = p->m->percpu ? p->o->cpus : 1;

	for (size_t i = 0; i < p->n; i++) {
		struct item *it = &p->v[i];

		*it = (struct item){ .key = e[i].key, .value = e[i].value };
		if (ty_is_agg(t) && t->kind != TY_TSERIES) {
			it->sum = mem_alloc((p->words + 2) * 8);
			for (u32 c = 0; c < cpus; c++)
				add_cpu(t, it, e[i].value + (size_t)c * stride, p->words);
		}
		it->order = order_of(p, it);
	}
}

/* ---- order ------------------------------------------------------------------- */

static int compare_value(const struct ty *t, const u8 *a, const u8 *b)
{
	u64 x = 0, y = 0;

	if (t->kind == TY_TUPLE || t->kind == TY_RECORD) {
		for (u32 i = 0; i < t->nr_fields; i++) {
			const u32 off = t->fields[i].off;
			int r = compare_value(t->fields[i].ty, a + off, b + off);

			if (r)
				return r;
		}
		return 0;
	}
	if (t->bytes > 8 || t->kind == TY_STR || t->kind == TY_MAC)
		return memcmp(a, b, t->bytes);
	memcpy(&x, a, t->bytes);
	memcpy(&y, b, t->bytes);
	if (t->kind == TY_INT && t->is_signed)
		return (s64)x < (s64)y ? -1 : (s64)x > (s64)y;
	return x < y ? -1 : x > y;
}

static int by_order(const void *a, const void *b, void *arg)
{
	const struct item *x = a, *y = b;
	const struct ty *t = ((const struct lang_map *)arg)->value;
	const bool is_unsigned = (t->kind == TY_INT || t->kind == TY_COUNT || t->kind == TY_SUM ||
				  t->kind == TY_MAX || t->kind == TY_MIN) && !t->is_signed;

	if (x->order != y->order)
		return is_unsigned ? ((u64)x->order < (u64)y->order ? -1 : 1) :
				     (x->order < y->order ? -1 : 1);
	return x->key ? compare_value(((const struct lang_map *)arg)->key, x->key, y->key) : 0;
}

/* ---- one element ------------------------------------------------------------- */

static s64 divided(const struct printer *p, s64 v)
{
	if (p->div <= 1)
		return v;
	return p->m->value->is_signed ? v / (s64)p->div : (s64)((u64)v / p->div);
}

static void one_number(struct printer *p, struct strbuf *b, const struct item *it)
{
	const struct ty *t = p->m->value;
	const s64 v = t->kind == TY_AVG ? average(t, it->sum) : (s64)it->sum[0];

	sb_printf(b, t->is_signed ? "%" PRId64 : "%" PRIu64, divided(p, v));
}

static bool is_plain_int(const struct ty *t)
{
	return t->kind == TY_INT && t->bytes == 8;
}

static void value_text(struct printer *p, const struct item *it)
{
	const struct ty *t = p->m->value;
	struct strbuf *b = p->o->b;

	if (t->kind == TY_STATS)
		sb_printf(b, t->is_signed ?
			  "{ .count = %" PRIu64 ", .average = %" PRId64 ", .total = %" PRId64 " }" :
			  "{ .count = %" PRIu64 ", .average = %" PRIu64 ", .total = %" PRIu64 " }",
			  it->sum[1], divided(p, average(t, it->sum)), divided(p, (s64)it->sum[0]));
	else if (ty_is_agg(t))
		one_number(p, b, it);
	else if (is_plain_int(t) && p->div > 1)
		sb_printf(b, t->is_signed ? "%" PRId64 : "%" PRIu64, t->is_signed ?
			  divided(p, it->order) : (s64)((u64)it->order / p->div));
	else
		out_value(p->o, b, t, it->value);
}

static void value_json(struct printer *p, struct strbuf *b, const struct item *it)
{
	const struct ty *t = p->m->value;

	if (t->kind == TY_HIST || t->kind == TY_LHIST)
		out_hist_json(b, t, (const u8 *)it->sum, p->div);
	else if (t->kind == TY_TSERIES)
		out_series_json(p->o, t, it->value, p->last);
	else if (t->kind == TY_STATS)
		sb_printf(b, t->is_signed ?
			  "{\"count\": %" PRIu64 ", \"average\": %" PRId64 ", \"total\": %" PRId64
			  "}" : "{\"count\": %" PRIu64 ", \"average\": %" PRIu64 ", \"total\": %"
			  PRIu64 "}",
			  it->sum[1], divided(p, average(t, it->sum)), divided(p, (s64)it->sum[0]));
	else if (ty_is_agg(t))
		one_number(p, b, it);
	else
		out_value_json(p->o, b, t, it->value);
}

/* Keys of several values have no parentheses. */
static void key_text(struct printer *p, struct strbuf *b, const struct item *it,
		     const char *between)
{
	const struct ty *t = p->m->key;

	p->o->indent = 4;
	if (t->kind != TY_TUPLE) {
		out_value(p->o, b, t, it->key);
		return;
	}
	for (u32 i = 0; i < t->nr_fields; i++) {
		if (i)
			sb_puts(b, between);
		out_value(p->o, b, t->fields[i].ty, it->key + t->fields[i].off);
	}
}

static void item_text(struct printer *p, const struct item *it)
{
	const enum ty_kind kind = p->m->value->kind;
	struct strbuf *b = p->o->b;

	sb_puts(b, p->m->name);
	if (p->m->key) {
		sb_putc(b, '[');
		key_text(p, b, it, ", ");
		sb_putc(b, ']');
	}
	if (kind == TY_HIST || kind == TY_LHIST || kind == TY_TSERIES) {
		sb_puts(b, ":\n");
		if (kind == TY_TSERIES)
			out_series_text(p->o, p->m->value, it->value, p->last);
		else
			out_hist_text(b, p->m->value, (const u8 *)it->sum, p->div);
		sb_putc(b, '\n');
		return;
	}
	sb_puts(b, ": ");
	p->o->indent = 4;
	value_text(p, it);
	sb_putc(b, '\n');
}

static const char *json_type(const struct ty *t)
{
	switch (t->kind) {
	case TY_HIST:
	case TY_LHIST: return "hist";
	case TY_TSERIES: return "tseries";
	case TY_AVG:
	case TY_STATS: return "stats";
	default: return "map";
	}
}

static void all_json(struct printer *p, size_t first)
{
	struct strbuf *b = p->o->b;

	sb_printf(b, "{\"type\": \"%s\", \"data\": {\"%s\": ", json_type(p->m->value), p->m->name);
	if (p->m->key)
		sb_putc(b, '{');
	for (size_t i = first; i < p->n; i++) {
		struct strbuf key = { 0 };

		if (p->m->key) {
			key_text(p, &key, &p->v[i], ",");
			sb_puts(b, i > first ? ", " : "");
			out_json_string(b, sb_text(&key), key.n);
			sb_puts(b, ": ");
			sb_free(&key);
		}
		value_json(p, b, &p->v[i]);
	}
	if (p->m->key)
		sb_putc(b, '}');
	else if (p->n == first)
		sb_puts(b, "null");
	sb_puts(b, "}}\n");
}

/* ---- the whole --------------------------------------------------------------- */

void out_map(struct out *o, const struct lang_map *m, struct out_elem *e, size_t n, u32 stride,
	     u64 top, u64 div)
{
	struct printer p = { .o = o, .m = m, .n = n, .div = div, .words = m->value->bytes / 8 };
	size_t first = top && top < n ? n - (size_t)top : 0;

	p.v = mem_alloc((n + 1) * sizeof(*p.v));
	add_up(&p, e, stride);
	for (size_t i = 0; i < n && m->value->kind == TY_TSERIES; i++) {
		const u64 last = out_series_last(m->value, e[i].value);

		p.last = last > p.last ? last : p.last;
	}
	qsort_r(p.v, n, sizeof(*p.v), by_order, (void *)(uintptr_t)m);
	if (o->json)
		all_json(&p, first);
	for (size_t i = first; i < n && !o->json; i++)
		item_text(&p, &p.v[i]);
	for (size_t i = 0; i < n; i++)
		free(p.v[i].sum);
	free(p.v);
}

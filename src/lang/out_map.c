/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_map.c: maps as they are printed: elements sorted by value, histograms, time series.
 * Values per cpu are added up here.
 */
#include "lang/out.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
};

/* ---- adding up ------------------------------------------------------------------------------- */

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
	case TY_AVG: return average(t, it->sum);
	case TY_STATS: return (s64)it->sum[0];
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

/* ---- order ------------------------------------------------------------------------------------------- */

static int compare_value(const struct ty *t, const u8 *a, const u8 *b)
{
	u64 x = 0, y = 0;

	if (t->kind == TY_TUPLE || t->kind == TY_RECORD) {
		for (u32 i = 0; i < t->nr_fields; i++) {
			int r = compare_value(t->fields[i].ty, a + t->fields[i].off, b + t->fields[i].off);

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

/* ---- histograms ---------------------------------------------------------------------------------------- */

/* Where bucket I begins: LOW; the first value above it: HIGH. */
static void bucket(const struct ty *t, u32 i, s64 *low, s64 *high)
{
	if (t->kind == TY_LHIST) {
		*low = t->par[0] + (s64)(i - 1) * t->par[2];
		*high = *low + t->par[2];
		if (*high > t->par[1])
			*high = t->par[1];
	} else {
		const u32 k = (u32)t->par[0], n = 1u << k;

		if (i <= n) {
			*low = (s64)i - 1;
			*high = (s64)i;
		} else {
			const u32 e = (i - 1 - n) / n + k, part = (i - 1 - n) % n;

			*low = (s64)((1ull << e) + ((u64)part << (e - k)));
			*high = (s64)((u64)*low + (1ull << (e - k)));
		}
	}
}

/* 2048 is 2K. */
static void scaled(char *out, size_t size, s64 v)
{
	static const char units[] = " KMGTPE";
	u32 u = 0;

	while (u < 6 && v && v % 1024 == 0 && (v >= 1024 || v <= -1024)) {
		v /= 1024;
		u++;
	}
	snprintf(out, size, u ? "%" PRId64 "%c" : "%" PRId64, v, units[u]);
}

static void label(char *out, size_t size, const struct ty *t, u32 i, u32 n)
{
	char a[32], b[32];
	s64 low = 0, high = 0;

	bucket(t, i, &low, &high);
	if (t->kind == TY_LHIST && i == n - 1)
		low = t->par[1];
	scaled(a, sizeof(a), low);
	scaled(b, sizeof(b), high);
	if (!i) {
		scaled(b, sizeof(b), t->kind == TY_LHIST ? t->par[0] : 0);
		snprintf(out, size, "(..., %s)", b);
	} else if (t->kind == TY_LHIST && i == n - 1) {
		snprintf(out, size, "[%s, ...)", a);
	} else if (t->kind == TY_HIST && high == low + 1) {
		snprintf(out, size, "[%s]", a);
	} else {
		snprintf(out, size, "[%s, %s)", a, b);
	}
}

/* The buckets between the first and the last that have something: false, none has. */
static bool range(const u64 *v, u32 n, u32 *first, u32 *last, u64 *most)
{
	bool any = false;

	*most = 0;
	for (u32 i = 0; i < n; i++) {
		if (!v[i])
			continue;
		if (!any)
			*first = i;
		any = true;
		*last = i;
		*most = v[i] > *most ? v[i] : *most;
	}
	return any;
}

enum { BAR = 52 };

static void hist_text(struct printer *p, const struct item *it)
{
	u32 first = 0, last = 0;
	u64 most;

	if (!range(it->sum, p->words, &first, &last, &most))
		return;
	for (u32 i = first; i <= last; i++) {
		char text[80], bar[BAR + 1];
		const u32 stars = (u32)((double)it->sum[i] / (double)most * BAR);

		label(text, sizeof(text), p->m->value, i, p->words);
		memset(bar, '@', stars);
		bar[stars] = 0;
		sb_printf(p->o->b, "%-16s%8" PRIu64 " |%-52s|\n", text,
			  p->div > 1 ? it->sum[i] / p->div : it->sum[i], bar);
	}
}

static void hist_json(struct printer *p, struct strbuf *b, const struct item *it)
{
	const struct ty *t = p->m->value;
	u32 first = 1, last = 0;
	u64 most;

	sb_putc(b, '[');
	if (!range(it->sum, p->words, &first, &last, &most))
		first = 1, last = 0;
	for (u32 i = first; i <= last; i++) {
		s64 low, high;

		bucket(t, i, &low, &high);
		if (i > first)
			sb_puts(b, ", ");
		sb_putc(b, '{');
		if (!i)
			sb_printf(b, "\"max\": %" PRId64, (t->kind == TY_LHIST ? t->par[0] : 0) - 1);
		else if (t->kind == TY_LHIST && i == p->words - 1)
			sb_printf(b, "\"min\": %" PRId64, t->par[1]);
		else
			sb_printf(b, "\"min\": %" PRId64 ", \"max\": %" PRId64, low, high - 1);
		sb_printf(b, ", \"count\": %" PRIu64 "}", p->div > 1 ? it->sum[i] / p->div : it->sum[i]);
	}
	sb_putc(b, ']');
}

/* ---- time series ------------------------------------------------------------------------------------------ */

struct point { s64 value; u64 epoch; };

static int by_epoch(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return x->epoch < y->epoch ? -1 : x->epoch > y->epoch;
}

/* What is there, in order; those that are too old are not. */
static u32 points(const struct ty *t, const u8 *v, struct point *out)
{
	u64 newest = 0;
	u32 n = 0;

	for (u32 i = 0; i < (u32)t->par[1]; i++) {
		struct lang_tseries s;

		memcpy(&s, v + i * sizeof(s), sizeof(s));
		if (!s.meta)
			continue;
		out[n++] = (struct point){ t->par[2] == 1 ? s.value / (s64)s.meta : s.value, s.epoch };
		newest = s.epoch > newest ? s.epoch : newest;
	}
	for (u32 i = 0; i < n;)
		if (out[i].epoch + (u64)t->par[1] <= newest)
			out[i] = out[--n];
		else
			i++;
	if (n)
		qsort(out, n, sizeof(*out), by_epoch);
	return n;
}

static void clock_text(struct out *o, char *out, size_t size, const struct ty *t, u64 epoch, bool all)
{
	const u64 ns = epoch * (u64)t->par[0] + (u64)o->boot_to_real;
	const time_t s = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n;

	localtime_r(&s, &tm);
	n = strftime(out, size, all ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	if (all)
		snprintf(out + n, size - n, ".%09u", (unsigned)(ns % 1000000000));
	else
		snprintf(out + n, size - n, ".%03u", (unsigned)(ns % 1000000000 / 1000000));
}

static void series_line(struct out *o, const char *time, u32 at, s64 zero, s64 value)
{
	char line[BAR + 1];

	memset(line, ' ', BAR);
	line[BAR] = 0;
	line[0] = line[BAR - 1] = '|';
	if (zero >= 0)
		line[zero] = '.';
	line[at] = '*';
	sb_printf(o->b, "%s %s %" PRId64 "\n", time, line, value);
}

static void series_text(struct printer *p, const struct item *it)
{
	const struct ty *t = p->m->value;
	struct point *v = mem_alloc(((size_t)t->par[1] + 1) * sizeof(*v));
	const u32 n = points(t, it->value, v);
	s64 low = 0, high = 0;
	char low_text[32], high_text[32], time[64];

	for (u32 i = 0; i < n; i++) {
		low = !i || v[i].value < low ? v[i].value : low;
		high = !i || v[i].value > high ? v[i].value : high;
	}
	if (low == high)
		low--, high++;
	snprintf(low_text, sizeof(low_text), "%" PRId64, low);
	snprintf(high_text, sizeof(high_text), "%" PRId64, high);
	if (n) {
		sb_printf(p->o->b, "%13s%s%*s\n%-12s |", "", low_text,
			  BAR - 1 - (int)strlen(low_text) + 1, high_text, "hh:mm:ss.ms");
		sb_puts(p->o->b, "___________________________________________________|\n");
	}
	for (u32 i = 0; i < n; i++) {
		const double part = (double)(v[i].value - low) / (double)(high - low);
		const s64 zero = low < 0 && high > 0 ? (s64)((double)-low / (double)(high - low) * (BAR - 1)) :
				 -1;

		clock_text(p->o, time, sizeof(time), t, v[i].epoch, false);
		series_line(p->o, time, (u32)(part * (BAR - 1)), zero, v[i].value);
	}
	if (n)
		sb_printf(p->o->b, "%13sv___________________________________________________v\n%13s%s%*s\n", "", "",
			  low_text, BAR - 1 - (int)strlen(low_text) + 1, high_text);
	free(v);
}

static void series_json(struct printer *p, struct strbuf *b, const struct item *it)
{
	const struct ty *t = p->m->value;
	struct point *v = mem_alloc(((size_t)t->par[1] + 1) * sizeof(*v));
	const u32 n = points(t, it->value, v);
	char time[64];

	sb_putc(b, '[');
	for (u32 i = 0; i < n; i++) {
		clock_text(p->o, time, sizeof(time), t, v[i].epoch, true);
		sb_printf(b, "%s{\"interval_start\": \"%s\", \"value\": %" PRId64 "}", i ? ", " : "", time,
			  v[i].value);
	}
	sb_putc(b, ']');
	free(v);
}

/* ---- one element ---------------------------------------------------------------------------------------------- */

static s64 divided(const struct printer *p, s64 v)
{
	return p->div > 1 ? v / (s64)p->div : v;
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
		sb_printf(b, "{ .count = %" PRIu64 ", .average = %" PRId64 ", .total = %" PRId64 " }", it->sum[1],
			  divided(p, average(t, it->sum)), divided(p, (s64)it->sum[0]));
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
		hist_json(p, b, it);
	else if (t->kind == TY_TSERIES)
		series_json(p, b, it);
	else if (t->kind == TY_STATS)
		sb_printf(b, "{\"count\": %" PRIu64 ", \"average\": %" PRId64 ", \"total\": %" PRId64 "}",
			  it->sum[1], divided(p, average(t, it->sum)), divided(p, (s64)it->sum[0]));
	else if (ty_is_agg(t))
		one_number(p, b, it);
	else
		out_value_json(p->o, b, t, it->value);
}

/* Keys of several values have no parentheses. */
static void key_text(struct printer *p, struct strbuf *b, const struct item *it, const char *between)
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
			series_text(p, it);
		else
			hist_text(p, it);
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

/* ---- the whole --------------------------------------------------------------------------------------------------- */

void out_map(struct out *o, const struct lang_map *m, struct out_elem *e, size_t n, u32 stride,
	     u64 top, u64 div)
{
	struct printer p = { .o = o, .m = m, .n = n, .div = div, .words = m->value->bytes / 8 };
	size_t first = top && top < n ? n - (size_t)top : 0;

	p.v = mem_alloc((n + 1) * sizeof(*p.v));
	add_up(&p, e, stride);
	qsort_r(p.v, n, sizeof(*p.v), by_order, (void *)(uintptr_t)m);
	if (o->json)
		all_json(&p, first);
	for (size_t i = first; i < n && !o->json; i++)
		item_text(&p, &p.v[i]);
	if (!o->json && (m->value->kind == TY_AVG || m->value->kind == TY_STATS))
		sb_putc(o->b, '\n');
	for (size_t i = 0; i < n; i++)
		free(p.v[i].sum);
	free(p.v);
}

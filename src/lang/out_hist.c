/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_hist.c: histograms and time series. Lines and labels are bpftrace's: a bucket of one
 * number is "[3]", others "[2, 4)"; limits of 1024 and more are 1K where the range of a
 * power of two begins there.
 */
#include "lang/out_in.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BAR = 52, GRAPH = 53, LEFT = 21 };

/* A string of JSON when a double cannot hold it. */
static void put_number(struct strbuf *b, u64 v, bool is_signed)
{
	const double d = is_signed ? (double)(s64)v : (double)v;
	const bool same = is_signed ? d < 0x1p63 && (s64)d == (s64)v : d < 0x1p64 && (u64)d == v;
	const char *quote = same ? "" : "\"";

	if (is_signed)
		sb_printf(b, "%s%lld%s", quote, (long long)v, quote);
	else
		sb_printf(b, "%s%llu%s", quote, (unsigned long long)v, quote);
}

static u64 count_at(const u8 *p, u32 i)
{
	u64 v;

	memcpy(&v, p + (size_t)i * 8, 8);
	return v;
}

/* The buckets from the first to the last that has something; false: none has. */
static bool range_of(const struct ty *ty, const u8 *p, u32 *first, u32 *last)
{
	u32 n = ty->bytes / 8;

	*first = UINT32_MAX;
	for (u32 i = 0; i < n; i++)
		if (count_at(p, i)) {
			*first = *first == UINT32_MAX ? i : *first;
			*last = i;
		}
	return *first != UINT32_MAX;
}

/* ---- limits --------------------------------------------------------------------- */

/* Where a bucket begins: a number, and how it is written. */
struct limit {
	bool none, plain;	/* plain: as it is, so that neighbours can be told */
	s64 value;
	char text[24];
};

static struct limit plain_limit(s64 v)
{
	struct limit l = { .plain = true, .value = v };

	snprintf(l.text, sizeof(l.text), "%lld", (long long)v);
	return l;
}

/* Bucket I of a histogram with K bits, I >= 1, begins here. */
static struct limit hist_limit(u32 i, u32 k)
{
	u32 j = i - 1, n = 1u << k, power, part;
	struct limit l = { 0 };

	if (j <= 2 * n)
		return plain_limit(j);
	power = (j >> k) - 1;
	part = j & (n - 1);
	l.value = power > 63 ? 0 : (s64)((u64)(n + part) << power);
	snprintf(l.text, sizeof(l.text), "%llu%.1s", (1ull << power % 10) * (n + part),
		 &"\0KMGTPE"[power / 10]);
	return l;
}

static struct limit lhist_limit(const struct ty *ty, u32 i)
{
	s64 v = (s64)((u64)ty->par[0] + (u64)(i - 1) * (u64)ty->par[2]);
	struct limit l = plain_limit(v > ty->par[1] ? ty->par[1] : v);

	if (ty->par[2] % 1024)
		return l;
	l.plain = false;
	if (v && v % (1024 * 1024) == 0)
		snprintf(l.text, sizeof(l.text), "%lldM", (long long)(v / (1024 * 1024)));
	else if (v && v % 1024 == 0)
		snprintf(l.text, sizeof(l.text), "%lldK", (long long)(v / 1024));
	return l;
}

static struct limit limit_of(const struct ty *ty, u32 i)
{
	struct limit none = { .none = true };

	if (!i || i >= ty->bytes / 8)
		return none;
	return ty->kind == TY_HIST ? hist_limit(i, (u32)ty->par[0]) : lhist_limit(ty, i);
}

/* Where bucket I ends: the last of a histogram at 2^64. */
static struct limit end_of(const struct ty *ty, u32 i)
{
	if (ty->kind == TY_HIST && i)
		return hist_limit(i + 1, (u32)ty->par[0]);
	return limit_of(ty, i + 1);
}

/* ---- histograms ----------------------------------------------------------------- */

static void put_bucket(char *text, size_t size, const struct ty *ty, u32 i)
{
	struct limit from = limit_of(ty, i), to = end_of(ty, i);

	if (from.none)
		snprintf(text, size, "(..., %s)", to.text);
	else if (to.none)
		snprintf(text, size, "[%s, ...)", from.text);
	else if (from.plain && to.plain && from.value + 1 == to.value)
		snprintf(text, size, "[%s]", from.text);
	else
		snprintf(text, size, "[%s, %s)", from.text, to.text);
}

/* Counts of linear histograms are never divided. */
static u64 shown(const struct ty *ty, u64 count, u64 div)
{
	return div > 1 && ty->kind == TY_HIST ? count / div : count;
}

void out_hist_text(struct strbuf *b, const struct ty *ty, const u8 *p, u64 div)
{
	static const char bar[] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
	u32 first, last = 0;
	u64 max = 0;
	char head[64];

	if (!range_of(ty, p, &first, &last))
		return;
	for (u32 i = first; i <= last; i++)
		if (shown(ty, count_at(p, i), div) > max)
			max = shown(ty, count_at(p, i), div);
	for (u32 i = first; i <= last; i++) {
		u64 count = shown(ty, count_at(p, i), div);
		int width = max ? (int)((float)count / (float)max * BAR) : 0;

		put_bucket(head, sizeof(head), ty, i);
		sb_printf(b, "%-16s%8llu |%-*.*s|\n", head, (unsigned long long)count, BAR, width,
			  bar);
	}
}

void out_hist_json(struct strbuf *b, const struct ty *ty, const u8 *p, u64 div)
{
	u32 first, last = 0;

	sb_putc(b, '[');
	if (!range_of(ty, p, &first, &last)) {
		sb_putc(b, ']');
		return;
	}
	for (u32 i = first; i <= last; i++) {
		struct limit from = limit_of(ty, i), to = end_of(ty, i);

		sb_puts(b, i > first ? ",{" : "{");
		if (!from.none) {
			sb_puts(b, "\"min\": ");
			put_number(b, (u64)from.value, ty->kind == TY_LHIST);
			sb_puts(b, ", ");
		}
		if (!to.none) {
			sb_puts(b, "\"max\": ");
			put_number(b, (u64)to.value - 1, true);
			sb_puts(b, ", ");
		}
		sb_printf(b, "\"count\": %llu}",
			  (unsigned long long)shown(ty, count_at(p, i), div));
	}
	sb_putc(b, ']');
}

/* ---- time series ---------------------------------------------------------------- */

static struct lang_tseries at_index(const u8 *p, u32 i)
{
	struct lang_tseries v;

	memcpy(&v, p + i * sizeof(v), sizeof(v));
	return v;
}

u64 out_series_last(const struct ty *ty, const u8 *p)
{
	u64 last = 0;

	for (u32 i = 0; i < ty->par[1]; i++) {
		struct lang_tseries v = at_index(p, i);

		if (v.meta && v.epoch > last)
			last = v.epoch;
	}
	return last;
}

/* The value of interval EPOCH; false: it has none. */
static bool value_at(const struct ty *ty, const u8 *p, u64 epoch, s64 *value)
{
	struct lang_tseries v = at_index(p, (u32)(epoch % (u64)ty->par[1]));

	if (!v.meta || v.epoch != epoch)
		return false;
	*value = ty->par[2] == 1 ? v.value / (s64)v.meta : v.value;
	return true;
}

/* The first interval up to LAST that has a value; LAST + 1: none has. */
static u64 first_of(const struct ty *ty, const u8 *p, u64 last)
{
	u64 n = (u64)ty->par[1], epoch = last >= n ? last - n + 1 : 0;
	s64 v;

	while (epoch <= last && !value_at(ty, p, epoch, &v))
		epoch++;
	return epoch;
}

/* Digits behind the second that an interval of NS needs. */
static u32 digits_of(u64 ns)
{
	return ns % 1000000000 == 0 ? 0 : ns % 1000000 == 0 ? 3 : ns % 1000 == 0 ? 6 : 9;
}

static void put_time(struct strbuf *b, u64 ns, u32 digits, bool utc)
{
	time_t s = (time_t)(ns / 1000000000);
	u64 rest = ns % 1000000000;
	struct tm tm;
	char text[40];

	if (utc)
		gmtime_r(&s, &tm);
	else
		localtime_r(&s, &tm);
	strftime(text, sizeof(text), utc ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	sb_puts(b, text);
	for (u32 i = digits; i < 9; i++)
		rest /= 10;
	if (digits)
		sb_printf(b, ".%0*llu", (int)digits, (unsigned long long)rest);
}

struct graph { s64 min, max; u32 digits; };

static struct graph graph_of(const struct ty *ty, const u8 *p, u64 first, u64 last)
{
	struct graph g = { INT64_MAX, INT64_MIN, digits_of((u64)ty->par[0]) };
	s64 v;

	for (u64 e = first; e <= last; e++) {
		if (!value_at(ty, p, e, &v))
			continue;
		g.min = v < g.min ? v : g.min;
		g.max = v > g.max ? v : g.max;
	}
	if (g.min == g.max) {
		s64 low = ty->is_signed ? INT64_MIN : 0;

		g.min -= g.min > low;
		g.max += g.max < INT64_MAX;
	}
	return g;
}

static int place_in(const struct graph *g, s64 v, int width)
{
	float at = (float)width * (float)((u64)v - (u64)g->min) /
		   (float)((u64)g->max - (u64)g->min);

	return at < 0 ? 0 : at > GRAPH - 1 ? GRAPH - 1 : (int)at;
}

static void put_scale(struct strbuf *b, const struct graph *g)
{
	sb_printf(b, "%*s%-*lld%*lld\n", 9 + (g->digits ? 1 + (int)g->digits : 0), "", LEFT,
		  (long long)g->min, GRAPH - LEFT, (long long)g->max);
}

static void put_edge(struct strbuf *b, const struct graph *g, const char *head, char side)
{
	static const char line[] = "___________________________________________________";

	sb_printf(b, "%-*s%c%s%c\n", 9 + (g->digits ? 1 + (int)g->digits : 0), head, side, line,
		  side);
}

static void put_point(struct strbuf *b, const struct graph *g, bool has, s64 v)
{
	char line[GRAPH + 1];

	memset(line, ' ', GRAPH);
	line[GRAPH] = 0;
	line[0] = line[GRAPH - 1] = '|';
	if (g->min < 0 && g->max > 0 && place_in(g, 0, GRAPH))
		line[place_in(g, 0, GRAPH)] = '.';
	if (has)
		line[place_in(g, v, GRAPH - 1)] = '*';
	if (has)
		sb_printf(b, " %s %lld\n", line, (long long)v);
	else
		sb_printf(b, " %s -\n", line);
}

void out_series_text(struct out *o, const struct ty *ty, const u8 *p, u64 last)
{
	static const char *const units[] = { "hh:mm:ss", "hh:mm:ss.ms", "hh:mm:ss.us",
					     "hh:mm:ss.ns" };
	u64 first = first_of(ty, p, last);
	struct graph g;
	s64 v = 0;

	if (first > last) {
		sb_puts(o->b, "<no data>\n");
		return;
	}
	g = graph_of(ty, p, first, last);
	put_scale(o->b, &g);
	put_edge(o->b, &g, units[g.digits / 3], '|');
	for (u64 e = first; e <= last; e++) {
		bool has = value_at(ty, p, e, &v);

		put_time(o->b, e * (u64)ty->par[0] + (u64)o->boot_to_real, g.digits, false);
		put_point(o->b, &g, has, v);
	}
	put_edge(o->b, &g, "", 'v');
	put_scale(o->b, &g);
}

void out_series_json(struct out *o, const struct ty *ty, const u8 *p, u64 last)
{
	bool any = false;
	s64 v;

	sb_putc(o->b, '[');
	for (u64 e = first_of(ty, p, last); e <= last; e++) {
		if (!value_at(ty, p, e, &v))
			continue;
		sb_puts(o->b, any ? ",{\"interval_start\":\"" : "{\"interval_start\":\"");
		put_time(o->b, e * (u64)ty->par[0] + (u64)o->boot_to_real, 9, true);
		sb_puts(o->b, "\",\"value\":");
		put_number(o->b, (u64)v, true);
		sb_putc(o->b, '}');
		any = true;
	}
	sb_putc(o->b, ']');
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang_out_test.c: values of maps as bpftrace prints them: limits of histograms, bars,
 * time series, statistics, what all cpus have together, order, top and divisor; as text
 * and as JSON. Bytes go in as they are in maps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "lang/out.h"
#include <stdlib.h>
#include <time.h>

struct world {
	struct arena arena;
	struct ty_table types;
	struct lang_unit unit;
	struct strbuf b;
	struct out o;
	struct lang_map map;
	struct out_elem elems[40];
	u64 keys[40];
	size_t n;
};

static void begin(struct world *w, const struct ty *value, bool keyed)
{
	memset(w, 0, sizeof(*w));
	w->types.arena = &w->arena;
	w->unit.arena = &w->arena;
	w->unit.config.str_trunc_trailer = "..";
	w->unit.config.max_strlen = 1024;
	w->o = (struct out){ .u = &w->unit, .cpus = 1, .b = &w->b, .types = &w->types };
	w->map = (struct lang_map){ .name = "@", .value = ty_make(&w->types, value) };
	if (keyed)
		w->map.key = ty_int(&w->types, 8, true);
}

static void end(struct world *w)
{
	sb_free(&w->b);
	arena_free(&w->arena);
}

/* An element KEY, all bytes of it 0. */
static u8 *add(struct world *w, u64 key)
{
	size_t bytes = round_up(w->map.value->bytes, 8) * (w->map.percpu ? w->o.cpus : 1);
	u8 *value = arena_alloc(&w->arena, bytes);

	w->keys[w->n] = key;
	w->elems[w->n] = (struct out_elem){ (u8 *)&w->keys[w->n], value };
	w->n++;
	return value;
}

static void same(struct world *w, u64 top, u64 div, const char *want)
{
	sb_reset(&w->b);
	out_map(&w->o, &w->map, w->elems, w->n, (u32)round_up(w->map.value->bytes, 8), top, div);
	if (strcmp(sb_text(&w->b), want))
		fail_msg("expected:\n%sgot:\n%s", want, sb_text(&w->b));
}

#define FULL "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
#define HALF "|@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
#define NONE "|                                                    |\n"

static const struct ty hist0 = { .kind = TY_HIST, .bytes = 8 * 66, .align = 8 };
static const struct ty hist2 = { .kind = TY_HIST, .bytes = 8 * (1 + (63 << 2)), .align = 8,
				 .par = { 2 } };

static void test_hist(void **state)
{
	struct world w;
	u64 *p;

	begin(&w, &hist0, false);
	p = (u64 *)add(&w, 0);
	p[0] = 1;
	p[2] = 2;
	p[4] = 1;
	same(&w, 0, 0, "@:\n"
	     "(..., 0)               1 " HALF
	     "[0]                    0 " NONE
	     "[1]                    2 " FULL
	     "[2, 4)                 0 " NONE
	     "[4, 8)                 1 " HALF "\n");
	memset(p, 0, hist0.bytes);
	p[10] = 4;
	p[11] = 4;
	same(&w, 0, 2, "@:\n"
	     "[256, 512)             2 " FULL
	     "[512, 1K)              2 " FULL "\n");
	memset(p, 0, hist0.bytes);
	p[31] = p[32] = 1;
	same(&w, 0, 0, "@:\n"
	     "[512M, 1G)             1 " FULL
	     "[1G, 2G)               1 " FULL "\n");
	w.o.json = true;
	same(&w, 0, 0, "{\"type\": \"hist\", \"data\": {\"@\": ["
	     "{\"min\": 536870912, \"max\": 1073741823, \"count\": 1},"
	     "{\"min\": 1073741824, \"max\": 2147483647, \"count\": 1}]}}\n");
	end(&w);
}

/* Four steps for each power of two: 8, 10, 12, 14, 16 ... */
static void test_fine_hist(void **state)
{
	struct world w;
	u64 *p;

	begin(&w, &hist2, false);
	p = (u64 *)add(&w, 0);
	p[1 + 3] = 1;		/* 3 */
	p[1 + 7] = 1;		/* 7 */
	p[1 + 8] = 1;		/* 8, 9 */
	same(&w, 0, 0, "@:\n"
	     "[3]                    1 " FULL
	     "[4]                    0 " NONE
	     "[5]                    0 " NONE
	     "[6]                    0 " NONE
	     "[7]                    1 " FULL
	     "[8, 10)                1 " FULL "\n");
	end(&w);
}

static void test_lhist(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_LHIST, .bytes = 8 * 5, .align = 8, .par = { -2, 4, 2 } };
	u64 *p;

	begin(&w, &t, false);
	p = (u64 *)add(&w, 0);
	p[0] = 1;
	p[2] = 2;
	p[4] = 1;
	same(&w, 0, 0, "@:\n"
	     "(..., -2)              1 " HALF
	     "[-2, 0)                0 " NONE
	     "[0, 2)                 2 " FULL
	     "[2, 4)                 0 " NONE
	     "[4, ...)               1 " HALF "\n");
	w.o.json = true;
	same(&w, 0, 0, "{\"type\": \"hist\", \"data\": {\"@\": [{\"max\": -3, \"count\": 1},"
	     "{\"min\": -2, \"max\": -1, \"count\": 0},{\"min\": 0, \"max\": 1, \"count\": 2},"
	     "{\"min\": 2, \"max\": 3, \"count\": 0},{\"min\": 4, \"count\": 1}]}}\n");
	end(&w);
}

/* Units only where each limit has one. */
static void test_lhist_units(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_LHIST, .bytes = 8 * 4, .align = 8,
			.par = { 0, 2 << 20, 1 << 20 } };
	u64 *p;

	begin(&w, &t, false);
	p = (u64 *)add(&w, 0);
	p[1] = p[2] = p[3] = 1;
	same(&w, 0, 0, "@:\n"
	     "[0, 1M)                1 " FULL
	     "[1M, 2M)               1 " FULL
	     "[2M, ...)              1 " FULL "\n");
	end(&w);
	t.par[0] = 640000;
	t.par[1] = 660000;
	t.par[2] = 10000;
	begin(&w, &t, false);
	p = (u64 *)add(&w, 0);
	p[1] = p[2] = 1;
	same(&w, 0, 0, "@:\n"
	     "[640000, 650000)       1 " FULL
	     "[650000, 660000)       1 " FULL "\n");
	end(&w);
}

/* Keyed histograms are in the order of how much is in them; TOP shows the last. */
static void test_keyed_hist(void **state)
{
	struct world w;

	begin(&w, &hist0, true);
	((u64 *)add(&w, 7))[2] = 3;
	((u64 *)add(&w, 8))[2] = 1;
	((u64 *)add(&w, 9))[2] = 2;
	same(&w, 2, 0, "@[9]:\n"
	     "[1]                    2 " FULL "\n"
	     "@[7]:\n"
	     "[1]                    3 " FULL "\n");
	w.o.json = true;
	same(&w, 1, 0, "{\"type\": \"hist\", \"data\": {\"@\": {\"7\": "
	     "[{\"min\": 1, \"max\": 1, \"count\": 3}]}}}\n");
	end(&w);
}

static void set_point(u8 *p, u32 n, u64 epoch, s64 value, u64 count)
{
	struct lang_tseries v = { value, count, epoch };

	memcpy(p + epoch % n * sizeof(v), &v, sizeof(v));
}

static void test_series(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_TSERIES, .bytes = 5 * sizeof(struct lang_tseries), .align = 8,
			.is_signed = true, .par = { 100000000, 5, 0 } };
	u8 *p;

	begin(&w, &t, false);
	p = add(&w, 0);
	for (u64 e = 5; e < 10; e++)
		set_point(p, 5, e, 9, 1);
	same(&w, 0, 0, "@:\n"
	     "             8                                                  10\n"
	     "hh:mm:ss.ms  |___________________________________________________|\n"
	     "00:00:00.500 |                         *                         | 9\n"
	     "00:00:00.600 |                         *                         | 9\n"
	     "00:00:00.700 |                         *                         | 9\n"
	     "00:00:00.800 |                         *                         | 9\n"
	     "00:00:00.900 |                         *                         | 9\n"
	     "             v___________________________________________________v\n"
	     "             8                                                  10\n\n");
	memset(p, 0, t.bytes);
	set_point(p, 5, 6, -5, 1);
	set_point(p, 5, 7, 0, 1);
	set_point(p, 5, 9, 5, 1);
	same(&w, 0, 0, "@:\n"
	     "             -5                                                  5\n"
	     "hh:mm:ss.ms  |___________________________________________________|\n"
	     "00:00:00.600 *                         .                         | -5\n"
	     "00:00:00.700 |                         *                         | 0\n"
	     "00:00:00.800 |                         .                         | -\n"
	     "00:00:00.900 |                         .                         * 5\n"
	     "             v___________________________________________________v\n"
	     "             -5                                                  5\n\n");
	w.o.json = true;
	same(&w, 0, 0, "{\"type\": \"tseries\", \"data\": {\"@\": ["
	     "{\"interval_start\":\"1970-01-01 00:00:00.600000000\",\"value\":-5},"
	     "{\"interval_start\":\"1970-01-01 00:00:00.700000000\",\"value\":0},"
	     "{\"interval_start\":\"1970-01-01 00:00:00.900000000\",\"value\":5}]}}\n");
	end(&w);
}

/* avg: the mean of each interval; seconds need no more digits. */
static void test_series_of_means(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_TSERIES, .bytes = 2 * sizeof(struct lang_tseries), .align = 8,
			.is_signed = true, .par = { 1000000000, 2, 1 } };
	u8 *p;

	begin(&w, &t, false);
	p = add(&w, 0);
	set_point(p, 2, 4, 30, 3);
	set_point(p, 2, 5, 8, 2);
	same(&w, 0, 0, "@:\n"
	     "         4                                                  10\n"
	     "hh:mm:ss |___________________________________________________|\n"
	     "00:00:04 |                                                   * 10\n"
	     "00:00:05 *                                                   | 4\n"
	     "         v___________________________________________________v\n"
	     "         4                                                  10\n\n");
	end(&w);
}

/* All series of a map end with the newest interval of any. */
static void test_series_with_keys(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_TSERIES, .bytes = 4 * sizeof(struct lang_tseries), .align = 8,
			.is_signed = true, .par = { 1000000000, 4, 0 } };

	begin(&w, &t, true);
	set_point(add(&w, 1), 4, 4, 1, 1);
	set_point(add(&w, 2), 4, 5, 1, 1);
	same(&w, 0, 0, "@[1]:\n"
	     "         0                                                   2\n"
	     "hh:mm:ss |___________________________________________________|\n"
	     "00:00:04 |                         *                         | 1\n"
	     "00:00:05 |                                                   | -\n"
	     "         v___________________________________________________v\n"
	     "         0                                                   2\n\n"
	     "@[2]:\n"
	     "         0                                                   2\n"
	     "hh:mm:ss |___________________________________________________|\n"
	     "00:00:05 |                         *                         | 1\n"
	     "         v___________________________________________________v\n"
	     "         0                                                   2\n\n");
	end(&w);
}

static void test_stats(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_STATS, .bytes = 16, .align = 8, .is_signed = true };
	struct lang_avg *v;

	begin(&w, &t, false);
	w.o.cpus = 2;
	w.map.percpu = true;
	v = (struct lang_avg *)add(&w, 0);
	v[0] = (struct lang_avg){ -10, 1 };
	v[1] = (struct lang_avg){ -20, 4 };
	same(&w, 0, 0, "@: { .count = 5, .average = -6, .total = -30 }\n");
	w.o.json = true;
	same(&w, 0, 0, "{\"type\": \"stats\", \"data\": {\"@\": "
	     "{\"count\": 5, \"average\": -6, \"total\": -30}}}\n");
	end(&w);
}

static void test_avg(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_AVG, .bytes = 16, .align = 8 };

	begin(&w, &t, true);
	*(struct lang_avg *)add(&w, 1) = (struct lang_avg){ 60, 2 };
	*(struct lang_avg *)add(&w, 2) = (struct lang_avg){ 20, 2 };
	*(struct lang_avg *)add(&w, 3) = (struct lang_avg){ 40, 2 };
	same(&w, 2, 10, "@[3]: 2\n@[1]: 3\n");
	w.o.json = true;
	same(&w, 0, 0, "{\"type\": \"stats\", \"data\": {\"@\": {\"2\": 10, \"3\": 20, "
	     "\"1\": 30}}}\n");
	end(&w);
}

/* Integers by value, with their sign; numbers that a double cannot hold are strings. */
static void test_numbers(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_INT, .bytes = 8, .align = 8, .is_signed = true };

	begin(&w, &t, true);
	*(s64 *)add(&w, 1) = 5;
	*(s64 *)add(&w, 2) = -7;
	*(s64 *)add(&w, (u64)-3) = INT64_MAX;
	same(&w, 0, 0, "@[2]: -7\n@[1]: 5\n@[-3]: 9223372036854775807\n");
	w.o.json = true;
	same(&w, 0, 0, "{\"type\": \"map\", \"data\": {\"@\": {\"2\": -7, \"1\": 5, "
	     "\"-3\": \"9223372036854775807\"}}}\n");
	end(&w);
}

/* Text is in the order of keys. */
static void test_text(void **state)
{
	struct world w;
	struct ty t = { .kind = TY_STR, .bytes = 8, .align = 1 };

	begin(&w, &t, true);
	strcpy((char *)add(&w, 3), "a\"\n\1");
	strcpy((char *)add(&w, 1), "z");
	same(&w, 0, 0, "@[1]: z\n@[3]: a\"\n\1\n");
	w.o.json = true;
	same(&w, 0, 0, "{\"type\": \"map\", \"data\": {\"@\": {\"1\": \"z\", "
	     "\"3\": \"a\\\"\\n\\u0001\"}}}\n");
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hist), cmocka_unit_test(test_fine_hist),
		cmocka_unit_test(test_lhist), cmocka_unit_test(test_lhist_units),
		cmocka_unit_test(test_keyed_hist), cmocka_unit_test(test_series),
		cmocka_unit_test(test_series_of_means),
		cmocka_unit_test(test_series_with_keys), cmocka_unit_test(test_stats),
		cmocka_unit_test(test_avg), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_text),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

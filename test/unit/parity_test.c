/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parity_test.c: what doc/parity/kernel.md says of helpers and map types against what
 * is there: ticks, counts, and a reason for each that is missing.
 */
#include "call/call.h"
#include "host/hosts.h"
#include "maps/map.h"
#include "model/host.h"
#include "model/tables.h"
#include "model/uapi.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { HELPERS = 211, WANTED = 120, TYPES_MAX = 64 };

static char *text;

static int read_doc(void **state)
{
	FILE *f = fopen("doc/parity/kernel.md", "r");
	size_t n;

	assert_non_null(f);
	text = calloc(1, 1 << 20);
	n = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	return n ? 0 : -1;
}

static int drop_doc(void **state)
{
	free(text);
	return 0;
}

/* From the heading on, and what follows the next one of its kind is cut off. */
static char *section(const char *heading)
{
	char *from = strstr(text, heading), *copy, *end;

	assert_non_null(from);
	copy = strdup(from + strlen(heading));
	end = strstr(copy, "\n## ");
	if (end)
		*end = 0;
	return copy;
}

/* The row of NAME: what follows its name to the end of the line; TICK. */
static const char *row_of(const char *part, const char *name, bool *tick)
{
	char want[2][100];
	const char *at;

	for (int i = 0; i < 2; i++) {
		snprintf(want[i], sizeof(want[i]), "\n- [%c] `%s`", i ? 'x' : ' ', name);
		at = strstr(part, want[i]);
		if (at) {
			*tick = i;
			return at + strlen(want[i]);
		}
	}
	fail_msg("no row for %s", name);
	return NULL;
}

static bool has_body(u32 id)
{
	if (id == BPF_FUNC_tail_call)
		return true;		/* the engine's own */
	for (u32 type = 1; type < TYPES_MAX; type++)
		if (call_helper(id, type))
			return true;
	return false;
}

/* In some type that the embedded engine runs. */
static bool runs(u32 id)
{
	if (id == BPF_FUNC_tail_call)
		return true;
	for (const struct host *const *h = host_all; *h; h++)
		if (call_helper(id, (*h)->prog_type))
			return true;
	return false;
}

/* A reason is a colon and words after it, on this line or the next. */
static void check_row(const char *name, const char *rest, bool there, bool tick)
{
	if (there != tick)
		fail_msg("%s is %s, and its row says otherwise", name, there ? "there" : "missing");
	if (!there && strncmp(rest, ": ", 2))
		fail_msg("%s is missing, and its row gives no reason", name);
}

static void check_count(const char *part, const char *format, u32 a, u32 b)
{
	char want[200];

	snprintf(want, sizeof(want), format, a, b);
	if (!strstr(part, want))
		fail_msg("the page does not say: %s", want);
}

static void test_helpers(void **state)
{
	char *part = section("\n## Helper functions");
	u32 there = 0, running = 0;

	for (u32 id = 1; id <= HELPERS; id++) {
		const struct helper_row *row = helper_row(id);
		const char *rest;
		bool tick;

		assert_non_null(row);
		rest = row_of(part, row->name, &tick);
		check_row(row->name, rest, has_body(id), tick);
		there += has_body(id);
		running += runs(id);
	}
	check_count(part, "%u of 211 helpers have a body, %u of them", there, running);
	assert_true(there >= WANTED);
	free(part);
}

/* Can a map of TYPE be made? With attributes that do not fit it says so, and not
 * that there is no such type. */
static bool can_make(u32 type)
{
	const struct map_attr a = { .name = "m", .type = type };
	struct skep_err err = { 0 };
	struct map *m = NULL;
	bool there = !map_create(&m, &a, 1, &err) || err.id != ERR_MAP_TYPE;

	map_free(m);
	return there;
}

static void test_maps(void **state)
{
	char *part = section("\n## Map types");
	u32 there = 0, all = 0;

	for (u32 type = 1; type < TYPES_MAX; type++) {
		const struct maptype_row *row = maptype_row(type);
		char name[40] = "";
		const char *rest;
		bool tick;

		if (!row)
			continue;
		for (size_t i = 0; row->name[i]; i++)
			name[i] = (char)(row->name[i] - (row->name[i] >= 'a' ? 32 : 0));
		if (strstr(name, "CGROUP_STORAGE"))
			strcat(name, "_DEPRECATED");
		rest = row_of(part, name, &tick);
		check_row(name, rest, can_make(type), tick);
		there += can_make(type);
		all++;
	}
	check_count(part, "%u of %u map types", there, all);
	free(part);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_maps),
	};

	return cmocka_run_group_tests(tests, read_doc, drop_doc);
}

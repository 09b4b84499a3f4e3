/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parity_test.c: what doc/parity/kernel.md says of helpers and map types against what
 * is there: ticks, counts, and a reason for each that is missing. And which test calls a
 * helper (helper_tests.def): none is without.
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

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *all = calloc(1, 1 << 20);

	if (!f)
		fail_msg("there is no %s", path);
	assert_true(fread(all, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return all;
}

static int read_doc(void **state)
{
	text = read_file("doc/parity/kernel.md");
	return 0;
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

/* ---- tests of helpers --------------------------------------------------------------- */

static const struct tested {
	u32 id;
	const char *name, *file, *why;
} tested[] = {
#define HELPER_TEST(...) { HELPER_TEST_(__VA_ARGS__) },
#define HELPER_TEST_(number, helper, path, reason) number, #helper, path, reason
#include "unit/helper_tests.def"
};

/* PREFIX and NAME, and no letter after it. */
static bool has_word(const char *all, const char *prefix, const char *name)
{
	char word[100];
	size_t n = (size_t)snprintf(word, sizeof(word), "%s%s", prefix, name);

	for (const char *at = all; (at = strstr(at, word)); at++)
		if (!strchr("_abcdefghijklmnopqrstuvwxyz0123456789", at[n]) || !at[n])
			return true;
	return false;
}

static bool names(const char *all, const struct tested *t)
{
	static const char *const prefixes[] = { "FUNC_", "bpf_", "CALL(", "call_" };
	char number[20];

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (has_word(all, prefixes[i], t->name))
			return true;
	snprintf(number, sizeof(number), "(void *)%u", t->id);
	return has_word(all, "", number);
}

static bool asks_kernel(const char *file, const char *all)
{
	return !strncmp(file, "test/diff/", 10) || strstr(all, "need_kernel") ||
	       strstr(all, "need_old_kernel") || strstr(all, "--on both");
}

static void check_test(const struct tested *t)
{
	char *all = read_file(t->file);

	if (strcmp(helper_row(t->id)->name, t->name))
		fail_msg("helper %u is %s, not %s", t->id, helper_row(t->id)->name, t->name);
	if (!names(all, t))
		fail_msg("%s does not name %s", t->file, t->name);
	if (!t->why && !asks_kernel(t->file, all))
		fail_msg("%s does not compare %s with the kernel", t->file, t->name);
	if (t->why && strlen(t->why) < 5)
		fail_msg("why %s is not compared is missing", t->name);
	free(all);
}

static void test_helper_tests(void **state)
{
	u32 n = 0, compared = 0;
	char *doc;

	for (u32 id = 1; id <= HELPERS; id++) {
		if (!has_body(id))
			continue;
		if (n == ARRAY_LEN(tested) || tested[n].id != id)
			fail_msg("%s has a body, and no row in helper_tests.def in its place",
				 helper_row(id)->name);
		check_test(&tested[n]);
		compared += !tested[n++].why;
	}
	assert_int_equal(n, ARRAY_LEN(tested));
	doc = read_file("doc/testing.md");
	check_count(doc, "of %u helpers %u are compared", n, compared);
	free(doc);
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
		cmocka_unit_test(test_helper_tests),
		cmocka_unit_test(test_maps),
	};

	return cmocka_run_group_tests(tests, read_doc, drop_doc);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_class_test.c: what is recorded of each helper and kernel function: all that any type
 * of program may call has a class, the tape stands for those that it must, and doc/record.md
 * says the same.
 */
#include "base/err.h"
#include "base/os.h"
#include "call/call.h"
#include "model/tape.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { TYPES = 40, IDS = 256 };

static u64 answer(struct tape *t, struct run *run, u32 id, const u64 args[5])
{
	return 0;
}

/* All types. */
static void test_helpers(void **state)
{
	struct tape tape = { .call = answer };
	u32 bodies = 0;

	for (u32 id = 0; id < IDS; id++)
		if (helper_is_outside(id))
			tape.wanted[id / 8] |= (u8)(1u << id % 8);
	for (u32 id = 1; id < IDS; id++)
		for (u32 type = 0; type < TYPES; type++) {
			helper_fn fn = call_helper(id, type);
			enum replay_class how = helper_replay(id);

			if (!fn)
				continue;
			bodies++;
			if (how == REPLAY_NONE)
				fail_msg("helper %u has no class", id);
			assert_int_equal(call_taped(&tape, id, fn) != fn, how == REPLAY_TAPED);
		}
	assert_true(bodies > 500);
}

/* Tapes are for helpers alone. */
static void test_kfuncs(void **state)
{
	const struct helper_row *row = NULL;
	u32 n = 0;

	while ((row = kfunc_next(row))) {
		enum replay_class how = kfunc_replay(row);

		n++;
		if (how != REPLAY_SAME && how != REPLAY_ASKS)
			fail_msg("kernel function %s has class %u", row->name, how);
	}
	assert_true(n > 80);
}

/* ---- the document --------------------------------------------------------------------- */

static const char *const marks[] = {
	[REPLAY_TAPED] = "(TAPED):", [REPLAY_ASKS] = "(ASKS):", [REPLAY_SAME] = "(SAME):",
};

/* The list behind the mark of HOW: between two empty lines, to its full stop. */
static void list_of(char *out, size_t bytes, const char *doc, enum replay_class how)
{
	const char *at = strstr(doc, marks[how]), *end;

	assert_non_null(at);
	at = strstr(at, "\n\n");
	assert_non_null(at);
	end = strchr(at, '.');
	assert_non_null(end);
	assert_true((size_t)(end - at) + 3 < bytes);
	out[0] = ' ';
	memcpy(out + 1, at, (size_t)(end - at));
	strcpy(out + 1 + (end - at), ",");
	for (char *p = out; *p; p++)
		if (*p == '\n')
			*p = ' ';
}

static void check_row(char lists[][8192], const char *name, enum replay_class how)
{
	char word[96];

	snprintf(word, sizeof(word), " %s,", name);
	for (enum replay_class c = REPLAY_SAME; c <= REPLAY_ASKS; c++)
		if ((strstr(lists[c], word) != NULL) != (c == how))
			fail_msg("doc/record.md: %s is class %u, and is%s listed in %u", name, how,
				 c == how ? " not" : "", c);
}

static u32 count(const char *list)
{
	u32 n = 0;

	while (*list)
		n += *list++ == ',';
	return n;
}

static void test_document(void **state)
{
	static char lists[REPLAY_ASKS + 1][8192];
	const struct helper_row *row = NULL;
	struct skep_err err;
	struct os_file f;
	char *doc;
	u32 n = 0;

	if (os_file_read(&f, "doc/record.md", &err))
		fail_msg("%s", err.text);
	doc = mem_alloc(f.size + 1);
	memcpy(doc, f.data, f.size);
	for (enum replay_class c = REPLAY_SAME; c <= REPLAY_ASKS; c++)
		list_of(lists[c], sizeof(lists[c]), doc, c);
	for (u32 id = 1; id < IDS; id++)
		if (helper_replay(id) && ++n)
			check_row(lists, helper_row(id)->name, helper_replay(id));
	while ((row = kfunc_next(row)) && ++n)
		check_row(lists, row->name, kfunc_replay(row));
	assert_int_equal(n, count(lists[REPLAY_SAME]) + count(lists[REPLAY_TAPED]) +
			 count(lists[REPLAY_ASKS]));
	free(doc);
	os_file_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_kfuncs),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

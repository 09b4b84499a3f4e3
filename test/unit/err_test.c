/* SPDX-License-Identifier: BSD-2-Clause */
/* err_test.c: messages as values: their lines, what they quote, their limits. */
#include "base/err.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void test_lines(void **state)
{
	struct skep_err err = { 0 };

	assert_string_equal(skep_err_text(&err), "");
	assert_int_equal(err_set(&err, ERR_BTF, "a.o:.BTF", "%d types", 3), -EINVAL);
	err_note(&err, "first");
	err_help(&err, "try %s", "this");
	assert_int_equal(err.code, -EINVAL);
	assert_int_equal(err.id, ERR_BTF);
	assert_string_equal(skep_err_text(&err),
			    "a.o:.BTF: error: 3 types [SKEP-E0405]\n"
			    "note: first\nhelp: try this\n");
	err_set(&err, ERR_NO_MEM, NULL, "again");
	assert_string_equal(skep_err_text(&err), "error: again [SKEP-E0012]\n");
	err_clear(&err);
	assert_string_equal(skep_err_text(&err), "");
}

static void test_without_value(void **state)
{
	assert_int_equal(err_set(NULL, ERR_NO_MEM, NULL, "x"), -ENOMEM);
	err_note(NULL, "x");
	err_source(NULL, 1, 1, "x");
	err_clear(NULL);
	assert_string_equal(skep_err_text(NULL), "");
}

/* A name from a file neither clears the screen nor adds lines. */
static void test_control_characters(void **state)
{
	struct skep_err err = { 0 };

	err_set(&err, ERR_EXTERN, "a\033.o", "'%s' is not defined", "x\033[2J\nerror:\x7f");
	assert_string_equal(skep_err_text(&err),
			    "a?.o: error: 'x?[2J?error:?' is not defined [SKEP-E0413]\n");
	err_source(&err, 1, 0, "\r\033]0;title\007");
	assert_non_null(strstr(skep_err_text(&err), "\n    1 | ??" "]0;title?\n"));
}

static void test_source(void **state)
{
	struct skep_err err = { 0 };
	char text[400];

	err_source(&err, 12, 3, "\tr0 = x");
	assert_string_equal(skep_err_text(&err),
			    "   12 |         r0 = x\n      |          ^\n");
	err_clear(&err);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	err_source(&err, 1, 399, text);
	assert_null(strchr(skep_err_text(&err), '^'));
	assert_non_null(strstr(skep_err_text(&err), "xxx...\n"));
}

/* Whatever is added, the text ends in a line's end and says that it was cut. */
static void test_cut(void **state)
{
	struct skep_err err;

	for (int n = SKEP_ERR_TEXT_BYTES - 40; n < SKEP_ERR_TEXT_BYTES + 40; n++) {
		const char *text = skep_err_text(&err);
		size_t len;

		memset(&err, 0, sizeof(err));
		err_set(&err, ERR_BTF, NULL, "%*s", n, "");
		err_note(&err, "more");
		len = strlen(text);
		assert_true(len < SKEP_ERR_TEXT_BYTES);
		assert_true(text[len - 1] == '\n');
		assert_true(!strcmp(text + len - 11, "note: more\n") ||
			    !strcmp(text + len - 4, "...\n"));
	}
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "inspect", NULL, "disasm", "run" };

	assert_string_equal(err_nearest("inspct", names, ARRAY_LEN(names)), "inspect");
	assert_string_equal(err_nearest("disams", names, ARRAY_LEN(names)), "disasm");
	assert_null(err_nearest("compile", names, ARRAY_LEN(names)));
	assert_null(err_nearest("x", names, 0));
	assert_null(err_nearest("run", names, ARRAY_LEN(names)));	/* nothing to correct */
	assert_null(err_nearest("foo", (const char *const[]){ "now" }, 1));	/* most differs */
	assert_string_equal(err_nearest("rum", names, ARRAY_LEN(names)), "run");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_without_value),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

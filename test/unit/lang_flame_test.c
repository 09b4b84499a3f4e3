/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang_flame_test.c: flame graphs of stacks that are known: what is drawn, how wide; and the
 * page at work, in node where it is installed (test/lang/flame.js): zoom, search, colours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/os.h"
#include "lang/flame.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char now[] =
	"srv;main;inner;leaf_[i] 20\nsrv;main;inner;read_[k] 10\nsrv;main;inner 10\n"
	"srv;main;deep<int>(\"a\" & c) 10\nsrv;main 10\nsrv;other;0x1234 40\n";
static const char then[] = "srv;main;inner 10\nsrv;other 90\n";

static void test_drawing(void **state)
{
	struct strbuf b = { 0 };
	struct flame_stats s;

	(void)state;
	flame_html(&b, "a <title>", now, NULL, &s);
	assert_int_equal(s.samples, 100);
	assert_int_equal(s.stacks, 6);
	assert_int_equal(s.frames, 8);
	assert_non_null(strstr(b.s, "<title>main (60 samples, 60.00%)</title>"));
	assert_non_null(strstr(b.s, "deep&lt;int&gt;(&quot;a&quot; &amp; c) (10 samples"));
	assert_non_null(strstr(b.s, "a &lt;title&gt;"));
	assert_null(strstr(b.s, "src="));
	assert_null(strstr(b.s, "href="));
	sb_reset(&b);
	flame_html(&b, "none", "", NULL, &s);
	assert_int_equal(s.samples, 0);
	assert_non_null(strstr(b.s, "</svg>"));
	sb_free(&b);
}

static void test_lines(void **state)
{
	static const char *const good[] = { "", "a 1", "a;b 12\n", "\na 1\n", "a b;c 3" };
	static const char *const bad[] = { "a", "a 1\nb\n", "1", " 1", "a;b 1x", "a;b\t1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_null(flame_bad_line(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(flame_bad_line(bad[i]));
}

/* Its checks are lines of their own when one fails. */
static void page_works(const char *before, const char *kind)
{
	char path[] = "/tmp/skep-flame-XXXXXX", command[256];
	struct strbuf b = { 0 };
	struct flame_stats s;
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	flame_html(&b, "page", now, before, &s);
	assert_int_equal(write(fd, b.s, b.n), (ssize_t)b.n);
	close(fd);
	snprintf(command, sizeof(command), "node %s/lang/flame.js %s %s | grep -v '^ok' >&2",
		 TEST_DIR, path, kind);
	assert_int_not_equal(system(command), 0);	/* grep finds none that is not ok */
	snprintf(command, sizeof(command), "node %s/lang/flame.js %s %s >/dev/null", TEST_DIR,
		 path, kind);
	assert_int_equal(system(command), 0);
	unlink(path);
	sb_free(&b);
}

static void test_page(void **state)
{
	(void)state;
	if (system("node --version >/dev/null 2>&1"))
		skip();
	page_works(NULL, "plain");
	page_works(then, "diff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drawing), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

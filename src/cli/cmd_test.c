/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_test.c: `skep test`: tests that stand in the source of programs (testcase.h), each
 * on the embedded engine and, when asked, on the running kernel, one after the other or by
 * several processes (test_jobs.c). TAP on standard output, JUnit's XML in a file. A file
 * that cannot be used is a test that failed; the others go on.
 */
#include "cli/testcase.h"
#include "base/json.h"
#include "obj/obj.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct outcome {
	const char *file, *name;
	enum test_outcome result;
	const char *why;	/* lines; "" */
	const char *at;		/* "FILE:LINE" of the program, or NULL */
	u64 ns;
};

struct test_cmd {
	const char *on, *filter, *junit;
	bool kernel;
	struct arena arena;
	struct test_types types;
	struct coverage coverage;
	const char *lcov;	/* of --coverage, or NULL */
	u64 jobs;
	VEC(struct object_list) objs;	/* of each file: they are not linked */
	VEC(const char *) files;	/* of each case */
	struct test_cases cases;
	VEC(struct outcome) done;
	u32 failed, skipped;
};

/* ---- what is printed ----------------------------------------------------------- */

/* Lines of TEXT, each behind "# ". */
static void put_comment(struct strbuf *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		sb_printf(out, "# %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* '#' begins a directive in TAP, and a line's end a line of its own. */
static void put_name(struct strbuf *out, const struct outcome *o)
{
	for (const char *s = o->name; *s; s++)
		if ((u8)*s < ' ' || *s == 0x7f)
			sb_printf(out, "\\x%02x", *s);
		else
			sb_printf(out, *s == '#' || *s == '\\' ? "\\%c" : "%c", *s);
}

static void tell(struct test_cmd *c, const struct outcome *o)
{
	struct strbuf out = { 0 };

	sb_printf(&out, "%sok %zu - %s: ", o->result == TEST_FAILED ? "not " : "", c->done.n,
		  o->file);
	put_name(&out, o);
	if (o->result == TEST_SKIPPED)
		sb_printf(&out, " # SKIP %s", o->why);
	sb_putc(&out, '\n');
	if (o->result == TEST_FAILED && o->at)
		sb_printf(&out, "# at %s\n", o->at);
	if (o->result == TEST_FAILED)
		put_comment(&out, o->why);
	write_text(stdout, out.s, out.n);
	fflush(stdout);
	sb_free(&out);
}

/* Keeps and tells. WHY is emptied. */
static void add(struct test_cmd *c, struct outcome o, enum test_outcome result,
		struct strbuf *why)
{
	o.result = result;
	o.why = arena_strdup(&c->arena, sb_text(why));

	*vec_push(&c->done) = o;
	c->failed += result == TEST_FAILED;
	c->skipped += result == TEST_SKIPPED;
	tell(c, &o);
	sb_reset(why);
}

/* ---- JUnit ------------------------------------------------------------------------ */

static void xml(struct strbuf *out, const char *s)
{
	static const struct { char c; const char *text; } marks[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
	};

	for (const char *end = s + strlen(s); s < end; s++) {
		size_t n = json_utf8((const u8 *)s, (size_t)(end - s));
		const char *text = NULL;

		for (size_t i = 0; i < ARRAY_LEN(marks); i++)
			if (marks[i].c == *s)
				text = marks[i].text;
		if (text)
			sb_puts(out, text);
		else if (!n || ((u8)*s < ' ' && *s != '\n' && *s != '\t'))
			sb_putc(out, '?');	/* XML 1.0 has no other control characters */
		else
			sb_add(out, s, n);
		s += n > 1 ? n - 1 : 0;
	}
}

static void junit_case(struct strbuf *out, const struct outcome *o)
{
	struct strbuf first = { 0 };

	sb_puts(out, "    <testcase classname=\"");
	xml(out, o->file);
	sb_puts(out, "\" name=\"");
	xml(out, o->name);
	sb_printf(out, "\" time=\"%.6f\"", (double)o->ns / 1e9);
	if (o->result == TEST_PASSED) {
		sb_puts(out, "/>\n");
		return;
	}
	sb_printf(out, ">\n      <%s message=\"", o->result == TEST_FAILED ? "failure" : "skipped");
	sb_add(&first, o->why, strcspn(o->why, "\n"));
	xml(out, sb_text(&first));
	sb_free(&first);
	sb_puts(out, o->result == TEST_FAILED ? "\">" : "\"/>");
	if (o->result == TEST_FAILED) {
		xml(out, o->why);
		sb_puts(out, "</failure>");
	}
	sb_puts(out, "\n    </testcase>\n");
}

static int junit_write(const struct test_cmd *c, struct skep_err *err)
{
	struct strbuf out = { 0 };
	struct os_out f;
	int r = os_out_open(&f, c->junit, err);

	if (r)
		return r;
	sb_puts(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	sb_printf(&out, "  <testsuite name=\"skep test\" tests=\"%zu\" failures=\"%u\" "
		  "skipped=\"%u\">\n", c->done.n, c->failed, c->skipped);
	for (size_t i = 0; i < c->done.n; i++)
		junit_case(&out, &c->done.v[i]);
	sb_puts(&out, "  </testsuite>\n</testsuites>\n");
	fwrite(out.s, 1, out.n, f.f);
	sb_free(&out);
	return os_out_commit(&f, err);
}

/* ---- files --------------------------------------------------------------------------- */

/* The folder that PATH is in. */
static const char *folder(struct test_cmd *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_printf(&c->arena, "%.*s", (int)(slash - path), path) : NULL;
}

static bool wanted(const struct test_cmd *c, const struct test_case *t, const char *file)
{
	return !c->filter || strstr(t->name, c->filter) || strstr(file, c->filter);
}

/* Only what --filter wants stays. */
static void pick(struct test_cmd *c, size_t first, const char *file)
{
	size_t kept = first;

	for (size_t i = first; i < c->cases.n; i++) {
		if (wanted(c, &c->cases.v[i], file)) {
			c->cases.v[kept++] = c->cases.v[i];
			continue;
		}
		testcase_drop(&c->cases.v[i]);
	}
	c->cases.n = kept;
}

static void tell_stray(struct test_cmd *c, const char *path, const struct skep_object *obj)
{
	const char *name;
	struct strbuf why = { 0 };

	for (u32 id = 0; (name = testcase_stray(obj, &id));) {
		const char *title = arena_printf(&c->arena, "%s: it is a program", name);

		if (c->filter && !strstr(title, c->filter) && !strstr(path, c->filter))
			continue;
		sb_printf(&why, "'%s' has a test, and is no program: SEC() makes one", name);
		add(c, (struct outcome){ .file = path, .name = title }, TEST_FAILED, &why);
	}
	sb_free(&why);
}

static void read_file(struct test_cmd *c, const char *path, const struct load_opts *load)
{
	const char *const one[] = { path };
	const struct str_list paths = { (const char **)one, 1, 1 };
	struct object_list *objs = vec_push(&c->objs);
	struct strbuf why = { 0 };
	size_t first = c->cases.n;
	struct skep_err err = { 0 };

	*objs = (struct object_list){ 0 };
	if (input_objects(objs, &paths, load, &err)) {
		sb_puts(&why, skep_err_text(&err));
		add(c, (struct outcome){ .file = path, .name = "it can be read" }, TEST_FAILED,
		    &why);
	}
	for (size_t i = 0; i < objs->n; i++) {
		testcase_find(&c->cases, &c->arena, objs->v[i], folder(c, path));
		tell_stray(c, path, objs->v[i]);
	}
	if (objs->n && c->cases.n == first && !c->filter)
		fprintf(stderr, "%s: note: no program of it has a test (skep-test(1) says how)\n",
			path);
	pick(c, first, path);
	while (c->files.n < c->cases.n)
		*vec_push(&c->files) = path;
	sb_free(&why);
}

/* ---- cases --------------------------------------------------------------------------- */

/* Run N: of each case one or two. */
static size_t case_of(const struct test_cmd *c, size_t n) { return c->kernel ? n / 2 : n; }

static enum test_on on_of(const struct test_cmd *c, size_t n)
{
	return !c->kernel ? TEST_USER : n % 2 ? TEST_KERNEL : TEST_FIRST;
}

static struct test_done run_one(void *arg, size_t n)
{
	struct test_cmd *c = arg;
	struct test_done d = { 0 };
	u64 from = os_clock_ns();

	d.outcome = test_run_case(&c->cases.v[case_of(c, n)], &c->types, on_of(c, n), &d.why);
	d.ns = os_clock_ns() - from;
	return d;
}

static void tell_one(void *arg, size_t n, struct test_done *d)
{
	struct test_cmd *c = arg;
	const struct test_case *t = &c->cases.v[case_of(c, n)];
	struct outcome o = { .file = c->files.v[case_of(c, n)], .name = t->name, .at = t->at,
			     .ns = d->ns };

	if (on_of(c, n) == TEST_KERNEL)
		o.name = arena_printf(&c->arena, "%s (kernel)", t->name);
	add(c, o, d->outcome, &d->why);
	sb_free(&d->why);
}

/* Programs that no case runs have lines, too. */
static void cover_all(struct test_cmd *c)
{
	for (size_t i = 0; i < c->objs.n; i++)
		for (size_t k = 0; k < c->objs.v[i].n; k++)
			coverage_add(&c->coverage, c->objs.v[i].v[k]);
}

static int run_all(struct test_cmd *c, const struct str_list *paths, const struct load_opts *load)
{
	struct skep_err err = { 0 };

	c->types.coverage = c->lcov ? &c->coverage : NULL;
	for (size_t i = 0; i < paths->n; i++)
		read_file(c, paths->v[i], load);
	if (c->lcov)
		cover_all(c);
	if (c->lcov && c->jobs > 1 && !coverage_share(&c->coverage))
		c->jobs = 1;
	test_jobs(c->cases.n, c->kernel ? 2 : 1, (u32)c->jobs, run_one, tell_one, c);
	printf("1..%zu\n", c->done.n);
	fflush(stdout);
	fprintf(stderr, "%zu passed, %u failed, %u skipped\n",
		c->done.n - c->failed - c->skipped, c->failed, c->skipped);
	if (c->junit && junit_write(c, &err))
		return report(&err);
	if (c->lcov && coverage_write(&c->coverage, c->lcov, &err))
		return report(&err);
	if (!c->done.n)
		return EXIT_NO_ANSWER;
	return c->failed ? EXIT_NO : EXIT_YES;
}

static void test_free(struct test_cmd *c)
{
	testcase_free(&c->cases);
	for (size_t i = 0; i < c->objs.n; i++)
		input_close(&c->objs.v[i]);
	vec_free(&c->objs);
	vec_free(&c->files);
	vec_free(&c->done);
	coverage_free(&c->coverage);
	target_close(&c->types.target);
	arena_free(&c->arena);
}

static int check_outputs(const struct test_cmd *c, const struct str_list *in, struct skep_err *err)
{
	struct str_list out = { 0 };
	int r;

	if (c->junit)
		*vec_push(&out) = c->junit;
	if (c->lcov)
		*vec_push(&out) = c->lcov;
	r = outputs_check(&out, in, err);
	vec_free(&out);
	return r;
}

/* ---- --watch ----------------------------------------------------------------------- */

/* A number that is another one when one of the files has been changed or is gone. */
static u64 state_of(const struct str_list *paths)
{
	u64 state = 0;

	for (size_t i = 0; i < paths->n; i++) {
		struct stat st;

		state *= 0x9e3779b97f4a7c15;
		if (!stat(paths->v[i], &st))
			state += (u64)st.st_mtim.tv_sec * 1000000000 + (u64)st.st_mtim.tv_nsec +
				 (u64)st.st_size + (u64)st.st_ino;
	}
	return state;
}

/* The file that a field of a case names. */
static void watch_field(struct arena *arena, const char *dir, const struct test_field *f,
			struct str_list *out)
{
	bool packet = !strcmp(f->key, "packet") || !strcmp(f->key, "out");
	bool map = !strcmp(f->key, "map") || !strcmp(f->key, "expect") ||
		   !strcmp(f->key, "records");
	const char *end = packet ? strrchr(f->value, '#') : NULL;
	const char *name = map ? strchr(f->value, ':') : f->value;

	if (!name || (packet && !end) ||
	    (!packet && !map && strcmp(f->key, "routes") && strcmp(f->key, "sockets")))
		return;
	name += map;
	name += strspn(name, " \t");
	if (*name == '[' || *name == '{')
		return;
	name = arena_strndup(arena, name, end ? (size_t)(end - name) : strlen(name));
	*vec_push(out) = *name == '/' || !dir ? name : arena_printf(arena, "%s/%s", dir, name);
}

/* What the tests depend on: sources, what these include, and what cases name. */
static void watch_list(const struct test_cmd *c, struct arena *arena,
		       const struct str_list *paths, struct str_list *out)
{
	for (size_t i = 0; i < paths->n; i++) {
		*vec_push(out) = paths->v[i];
		cc_includes(paths->v[i], arena, out);
	}
	for (size_t i = 0; i < c->cases.n; i++)
		for (size_t k = 0; k < c->cases.v[i].fields.n; k++)
			watch_field(arena, c->cases.v[i].dir, &c->cases.v[i].fields.v[k], out);
}

/* Ends with the signal that ends skep. */
static void watch(struct test_cmd *c, const struct str_list *paths, const struct load_opts *load)
{
	struct str_list list = { 0 };
	struct arena arena = ARENA_INIT;

	for (;;) {
		const struct timespec wait = { .tv_nsec = 200 * 1000 * 1000 };
		struct test_cmd next = { .on = c->on, .filter = c->filter, .junit = c->junit,
			.lcov = c->lcov, .coverage.arena = ARENA_INIT, .kernel = c->kernel,
			.arena = ARENA_INIT, .jobs = c->jobs,
			.types.target.opts = c->types.target.opts };
		u64 before = state_of(list.n ? &list : paths), now;
		bool changed;

		run_all(&next, paths, load);
		changed = state_of(list.n ? &list : paths) != before;
		list.n = 0;
		arena_free(&arena);
		watch_list(&next, &arena, paths, &list);
		test_free(&next);
		now = state_of(&list);
		while (!changed && state_of(&list) == now)
			nanosleep(&wait, NULL);
		printf("\n");
	}
}

int cmd_test(const struct command *cmd, int argc, char **argv)
{
	struct test_cmd c = { .arena = ARENA_INIT, .coverage.arena = ARENA_INIT, .jobs = 1 };
	bool watches = false;
	struct load_opts load = { 0 };
	const struct opt opts[] = {
		{ "filter", 'f', OPT_STR, "TEXT", "only tests whose name or file has TEXT",
		  &c.filter },
		{ "on", 0, OPT_STR, "ENGINE", "both: each on the running kernel, too", &c.on },
		{ "junit", 0, OPT_STR, "FILE", "write the results to FILE as JUnit's XML",
		  &c.junit },
		{ "coverage", 0, OPT_STR, "FILE", "write which lines ran to FILE (LCOV)", &c.lcov },
		{ "jobs", 'j', OPT_U64, "N", "run up to N tests at the same time", &c.jobs },
		{ "watch", 0, OPT_FLAG, NULL, "again whenever a file changes", &watches },
		LOAD_OPTS(&load),
		{ 0 }
	};
	struct opt_result res;
	struct skep_err err = { 0 };
	int status = 0;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return load_opts_free(&load), res.status;
	c.kernel = c.on && !strcmp(c.on, "both");
	c.types.target.opts = (struct target_opts){ .btf = load.btf, .modules = load.modules.v,
						    .nr_modules = load.modules.n };
	if (c.on && !c.kernel && strcmp(c.on, "user"))
		status = usage_error("--on takes user or both");
	else if (!c.jobs || c.jobs > TEST_JOBS_MAX)
		status = usage_error("-j takes 1 to %d", TEST_JOBS_MAX);
	else if (!res.operands.n)
		status = usage_error("an object or a C file with tests is needed");
	else if (check_outputs(&c, &res.operands, &err))
		status = report(&err);
	if (!status && watches)
		watch(&c, &res.operands, &load);
	if (!status)
		status = run_all(&c, &res.operands, &load);
	test_free(&c);
	vec_free(&res.operands);
	load_opts_free(&load);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_cover.c: `skep cover`: source with how often each line ran, from LCOV tracefiles,
 * in the form of gcov(1): "-" is no code, "#####" did not run, "=====" cannot run, as the
 * verifier proves. Below a line are the branches of its conditions: those of conditions
 * that went one way only, or all.
 */
#include "cli/cli.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NO_CODE = -1, UNREACHABLE = -2, LINES_MAX = 10000000 };

struct line { u32 number; s64 count; };	/* how often it ran, or what it is */

/* A way out of condition BLOCK of a line; COUNT NO_CODE: the condition never ran. */
struct branch { u32 line, block, number; s64 count; };

struct source {
	const char *name;
	VEC(struct line) lines;		/* as they are read; by number after settle() */
	VEC(struct branch) branches;	/* the same */
};

struct cover {
	struct arena arena;
	VEC(struct source) sources;
	const char *only;	/* files whose name has it; or NULL */
	struct str_list dirs;	/* where sources are looked for first */
	bool summary, branches;		/* BRANCHES: all of them are printed */
};

/* ---- tracefiles ------------------------------------------------------------------ */

static struct source *source_of(struct cover *c, const char *name)
{
	for (size_t i = 0; i < c->sources.n; i++)
		if (!strcmp(c->sources.v[i].name, name))
			return &c->sources.v[i];
	*vec_push(&c->sources) = (struct source){ .name = arena_strdup(&c->arena, name) };
	return &c->sources.v[c->sources.n - 1];
}

static void add_line(struct source *s, u64 number, s64 count)
{
	*vec_push(&s->lines) = (struct line){ (u32)number, count };
}

static int line_order(const void *a, const void *b)
{
	const struct line *la = a, *lb = b;

	return (la->number > lb->number) - (la->number < lb->number);
}

/* Counts of several files add up; what ran somewhere is not unreachable. */
static void settle(struct source *s)
{
	size_t kept = 0;

	if (s->lines.n)
		qsort(s->lines.v, s->lines.n, sizeof(*s->lines.v), line_order);
	for (size_t i = 0; i < s->lines.n; i++) {
		const struct line one = s->lines.v[i];
		struct line *to = kept ? &s->lines.v[kept - 1] : NULL;

		if (!to || to->number != one.number)
			s->lines.v[kept++] = one;
		else if (to->count >= 0 && one.count >= 0)
			to->count = (s64)min_u64((u64)to->count + (u64)one.count, INT64_MAX);
		else if (to->count < 0)
			to->count = one.count;
	}
	s->lines.n = kept;
}

static bool read_da(struct source *s, const char *text)
{
	char *end;
	u64 line = strtoull(text, &end, 10), count;

	if (end == text || *end != ',' || !line || line > LINES_MAX)
		return false;
	text = end + 1;
	count = strtoull(text, &end, 10);
	if (!isdigit((u8)*text) || (*end && *end != ','))
		return false;
	add_line(s, line, (s64)min_u64(count, INT64_MAX));
	return true;
}

static int branch_order(const void *a, const void *b)
{
	const struct branch *ba = a, *bb = b;

	if (ba->line != bb->line)
		return ba->line < bb->line ? -1 : 1;
	if (ba->block != bb->block)
		return ba->block < bb->block ? -1 : 1;
	return (ba->number > bb->number) - (ba->number < bb->number);
}

static void settle_branches(struct source *s)
{
	size_t kept = 0;

	if (s->branches.n)
		qsort(s->branches.v, s->branches.n, sizeof(*s->branches.v), branch_order);
	for (size_t i = 0; i < s->branches.n; i++) {
		const struct branch one = s->branches.v[i];
		struct branch *to = kept ? &s->branches.v[kept - 1] : NULL;

		if (!to || branch_order(to, &one))
			s->branches.v[kept++] = one;
		else if (to->count == NO_CODE)
			to->count = one.count;
		else if (one.count != NO_CODE)
			to->count = (s64)min_u64((u64)to->count + (u64)one.count, INT64_MAX);
	}
	s->branches.n = kept;
}

/* "LINE,BLOCK,BRANCH,COUNT", where COUNT may be "-". */
static bool read_branch(struct source *s, const char *text)
{
	u64 v[3];
	char *end;

	for (u32 i = 0; i < ARRAY_LEN(v); i++, text = end + 1) {
		v[i] = strtoull(text, &end, 10);
		if (end == text || !isdigit((u8)*text) || *end != ',' || v[i] > LINES_MAX)
			return false;
	}
	if (!v[0] || (strcmp(text, "-") && !isdigit((u8)*text)))
		return false;
	*vec_push(&s->branches) = (struct branch){ (u32)v[0], (u32)v[1], (u32)v[2], NO_CODE };
	if (*text == '-')
		return true;
	s->branches.v[s->branches.n - 1].count = (s64)min_u64(strtoull(text, &end, 10), INT64_MAX);
	return !*end;
}

static bool read_unreachable(struct source *s, const char *text)
{
	char *end;
	u64 line = strtoull(text, &end, 10);

	if (end == text || *end || !line || line > LINES_MAX)
		return false;
	add_line(s, line, UNREACHABLE);
	return true;
}

/* One record; records that are not about lines are passed over. */
static bool read_record(struct cover *c, struct source **s, const char *text)
{
	if (!strncmp(text, "SF:", 3)) {
		*s = source_of(c, text + 3);
		return text[3];
	}
	if (!strcmp(text, "end_of_record")) {
		*s = NULL;
		return true;
	}
	if (!strncmp(text, "DA:", 3))
		return *s && read_da(*s, text + 3);
	if (!strncmp(text, "BRDA:", 5))
		return *s && read_branch(*s, text + 5);
	if (!strncmp(text, "#unreachable:", 13))
		return *s && read_unreachable(*s, text + 13);
	return !*text || *text == '#' || strchr(text, ':');
}

static int read_tracefile(struct cover *c, const char *path, struct skep_err *err)
{
	struct source *s = NULL;
	struct os_file f;
	char *text, *next, *line, where[512];
	u32 number = 0, files = 0;
	int r = os_file_read(&f, path, err);

	if (r)
		return r;
	if (f.size && memchr(f.data, 0, f.size)) {
		os_file_close(&f);
		return err_set(err, ERR_FILE_KIND, path, "no LCOV tracefile: it has bytes that "
			       "are zero");
	}
	text = arena_alloc(&c->arena, f.size + 1);
	memcpy(text, f.data, f.size);
	text[f.size] = 0;
	os_file_close(&f);
	for (next = text; !r && (line = strsep(&next, "\n"));) {
		size_t n = strlen(line);

		number++;
		if (n && line[n - 1] == '\r')
			line[n - 1] = 0;
		files += !strncmp(line, "SF:", 3);
		snprintf(where, sizeof(where), "%s:%u", path, number);
		if (!read_record(c, &s, line))
			r = err_set(err, ERR_FILE_KIND, where, "no record of an LCOV tracefile, as "
				    "--coverage writes it");
	}
	if (!r && !files)
		r = err_set(err, ERR_FILE_KIND, path, "no LCOV tracefile: it names no source");
	return r;
}

/* ---- what is printed ---------------------------------------------------------------- */

static void put_line(struct strbuf *out, s64 count, u32 number, const char *text, size_t n)
{
	if (count == NO_CODE)
		sb_puts(out, "        -");
	else if (count == UNREACHABLE)
		sb_puts(out, "    =====");
	else if (!count)
		sb_puts(out, "    #####");
	else
		sb_printf(out, "%9" PRId64, count);
	sb_printf(out, ":%5u:%.*s\n", number, (int)n, text);
}

/* How many branches from AT on are of the same condition; *ONE_WAY: it ran, and not all ways. */
static size_t condition(const struct source *s, size_t at, bool *one_way)
{
	const struct branch *b = &s->branches.v[at];
	u32 taken = 0;
	size_t n = 0;

	for (; at + n < s->branches.n && b[n].line == b->line && b[n].block == b->block; n++)
		taken += b[n].count > 0;
	*one_way = taken && taken < n;
	return n;
}

/* Those of line NUMBER, from *AT on, which goes behind them. */
static void put_branches(struct strbuf *out, const struct cover *c, const struct source *s,
			 u32 number, size_t *at)
{
	bool one_way;

	while (*at < s->branches.n && s->branches.v[*at].line < number)
		++*at;
	for (size_t n; *at < s->branches.n && s->branches.v[*at].line == number; *at += n) {
		n = condition(s, *at, &one_way);
		for (size_t i = 0; i < n && (one_way || c->branches); i++) {
			const struct branch *b = &s->branches.v[*at + i];

			sb_printf(out, "branch %2u.%u ", b->block, b->number);
			if (b->count == NO_CODE)
				sb_puts(out, "never executed\n");
			else
				sb_printf(out, "taken %" PRId64 "\n", b->count);
		}
	}
}

static void put_totals(struct strbuf *out, const struct source *s)
{
	u32 code = 0, ran = 0, ruled_out = 0, taken = 0;

	for (size_t i = 0; i < s->lines.n; i++) {
		code += s->lines.v[i].count >= 0;
		ran += s->lines.v[i].count > 0;
		ruled_out += s->lines.v[i].count == UNREACHABLE;
	}
	sb_printf(out, "%s: %u of %u lines ran (%.1f %%)", s->name, ran, code,
		  code ? 100.0 * ran / code : 0.0);
	if (ruled_out)
		sb_printf(out, ", %u cannot", ruled_out);
	for (size_t i = 0; i < s->branches.n; i++)
		taken += s->branches.v[i].count > 0;
	if (s->branches.n)
		sb_printf(out, "; %u of %zu branches were taken (%.1f %%)", taken, s->branches.n,
			  100.0 * taken / (double)s->branches.n);
	sb_putc(out, '\n');
}

/* The file of source NAME: below a folder of --source-dir with as much of its path as leads
 * to one, or NAME itself. */
static void find_source(struct strbuf *path, const struct cover *c, const char *name)
{
	for (size_t i = 0; i < c->dirs.n; i++) {
		for (const char *rest = name; rest; rest = strchr(rest, '/')) {
			rest += strspn(rest, "/");
			sb_reset(path);
			sb_printf(path, "%s/%s", c->dirs.v[i], rest);
			if (*rest && !access(sb_text(path), R_OK))
				return;
		}
	}
	sb_reset(path);
	sb_puts(path, name);
}

static int open_source(struct os_file *f, const struct cover *c, const char *name,
		       struct skep_err *err)
{
	struct strbuf path = { 0 };
	int r;

	find_source(&path, c, name);
	r = os_file_read(f, sb_text(&path), err);
	if (r && !c->dirs.n)
		err_help(err, "-S DIR says in which folder the sources are");
	sb_free(&path);
	return r;
}

static int put_source(struct strbuf *out, const struct cover *c, const struct source *s,
		      struct skep_err *err)
{
	struct os_file f;
	size_t next = 0, branch = 0;
	u32 number = 0;
	int r = open_source(&f, c, s->name, err);

	if (r)
		return r;
	for (size_t at = 0; at < f.size;) {
		const char *text = (const char *)f.data + at;
		const char *end = memchr(text, '\n', f.size - at);
		size_t n = end ? (size_t)(end - text) : f.size - at;
		bool known;

		number++;
		known = next < s->lines.n && s->lines.v[next].number == number;
		put_line(out, known ? s->lines.v[next].count : NO_CODE, number, text, n);
		put_branches(out, c, s, number, &branch);
		next += known;
		at += n + 1;
	}
	os_file_close(&f);
	if (next < s->lines.n)
		fprintf(stderr, "%s: note: it has %u lines, and line %u ran or could have: it is "
			"not as it was compiled\n", s->name, number, s->lines.v[next].number);
	return 0;
}

static int put_all(const struct cover *c, struct strbuf *out, struct skep_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < c->sources.n; i++) {
		const struct source *s = &c->sources.v[i];

		if (c->only && !strstr(s->name, c->only))
			continue;
		settle(&c->sources.v[i]);
		settle_branches(&c->sources.v[i]);
		put_totals(out, s);
		if (!c->summary)
			r = put_source(out, c, s, err);
	}
	return r;
}

int cmd_cover(const struct command *cmd, int argc, char **argv)
{
	struct cover c = { .arena = ARENA_INIT };
	const struct opt opts[] = {
		{ "file", 'f', OPT_STR, "TEXT", "only sources whose name has TEXT", &c.only },
		{ "branches", 'b', OPT_FLAG, NULL,
		  "all branches, not only where one was never taken", &c.branches },
		{ "source-dir", 'S', OPT_LIST, "DIR", "look for the sources below DIR first",
		  &c.dirs },
		{ "summary", 's', OPT_FLAG, NULL, "only how much of each ran", &c.summary },
		{ 0 }
	};
	struct strbuf out = { 0 };
	struct opt_result res;
	struct skep_err err = { 0 };
	int status = 0, r = 0;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (!res.operands.n)
		status = usage_error("a tracefile is needed, as `skep run --coverage FILE` writes "
				     "it");
	for (size_t i = 0; !status && !r && i < res.operands.n; i++)
		r = read_tracefile(&c, res.operands.v[i], &err);
	if (!status && !r)
		r = put_all(&c, &out, &err);
	if (r)
		status = report(&err);
	else if (!status)
		status = print_out(&out);
	for (size_t i = 0; i < c.sources.n; i++) {
		vec_free(&c.sources.v[i].lines);
		vec_free(&c.sources.v[i].branches);
	}
	vec_free(&c.sources);
	vec_free(&c.dirs);
	sb_free(&out);
	arena_free(&c.arena);
	vec_free(&res.operands);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdicts.c: counting answers; files of lines NUMBER VERDICT, written by
 * --verdicts and compared by --expect ("#" starts a comment).
 */
#include "cli/run.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

enum { DIFFERENCES_SHOWN = 10 };

const char *verdict_text(u32 prog_type, u32 value, char buf[16])
{
	const char *name = verdict_name(prog_type, value);

	if (name)
		return name;
	snprintf(buf, 16, "%d", (s32)value);
	return buf;
}

/* ---- counting ---------------------------------------------------------------- */

/* The slot of VALUE, or the free one where it belongs. */
static u32 *big_slot(const struct verdicts *v, u32 value)
{
	size_t i = value * 0x9e3779b1u;

	for (;; i++) {
		u32 *slot = &v->slots[i & (v->nr_slots - 1)];

		if (!*slot || v->big.v[*slot - 1].value == value)
			return slot;
	}
}

static void big_grow(struct verdicts *v)
{
	free(v->slots);
	v->nr_slots = v->nr_slots ? v->nr_slots * 2 : 64;
	v->slots = mem_alloc(v->nr_slots * sizeof(*v->slots));
	for (size_t i = 0; i < v->big.n; i++)
		*big_slot(v, v->big.v[i].value) = (u32)i + 1;
}

/* A program may return anything, and as many values as there are packets. */
void verdicts_count_big(struct verdicts *v, u32 value)
{
	u32 *slot;

	if (v->big.n * 2 >= v->nr_slots)
		big_grow(v);
	slot = big_slot(v, value);
	if (!*slot) {
		*vec_push(&v->big) = (struct verdict_count){ value, 0 };
		*slot = (u32)v->big.n;
	}
	v->big.v[*slot - 1].n++;
}

static int more_first(const void *a, const void *b)
{
	const struct verdict_count *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

struct verdict_count *verdicts_sorted(const struct verdicts *v, size_t *n)
{
	struct verdict_count *all = mem_alloc((VERDICT_SLOTS + v->big.n) * sizeof(*all));

	*n = 0;
	for (u32 i = 0; i < VERDICT_SLOTS; i++)
		if (v->small[i])
			all[(*n)++] = (struct verdict_count){ i, v->small[i] };
	for (size_t i = 0; i < v->big.n; i++)
		all[(*n)++] = v->big.v[i];
	qsort(all, *n, sizeof(*all), more_first);
	return all;
}

void verdicts_json(const struct verdicts *v, struct json *j)
{
	struct verdict_count *all;
	char buf[16];
	size_t n;

	all = verdicts_sorted(v, &n);
	json_obj(j, "verdicts");
	for (size_t i = 0; i < n; i++)
		json_u64(j, verdict_text(v->prog_type, all[i].value, buf), all[i].n);
	json_obj_end(j);
	free(all);
}

/* ---- the file of expectations ---------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct expectation *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* One line; false when it is not understood. */
static bool parse_line(struct verdicts *v, char *line)
{
	char *comment = strchr(line, '#');
	char *number, *name, *end;
	struct expectation e;
	s64 value;

	if (comment)
		*comment = 0;
	number = strtok(line, " \t\r");
	name = strtok(NULL, " \t\r");
	if (!number)
		return true;
	errno = 0;
	e.number = strtoull(number, &end, 10);
	if (!isdigit((unsigned char)*number) || *end || errno || !e.number || !name ||
	    strtok(NULL, " \t\r"))
		return false;
	value = verdict_value(v->prog_type, name);
	if (value < 0)
		return false;
	e.value = (u32)value;
	*vec_push(&v->expect) = e;
	return true;
}

static void list_names(struct skep_err *err, const char *const *names)
{
	struct strbuf list = { 0 };

	for (u32 i = 0; i < VERDICT_SLOTS; i++)
		if (names[i])
			sb_printf(&list, "%s%s", list.n ? ", " : "", names[i]);
	if (list.n)
		err_help(err, "verdicts are %s, and numbers", sb_text(&list));
	else
		err_help(err, "verdicts of this program type are numbers");
	sb_free(&list);
}

/* The verdict nearest to the last word of TEXT goes with the message. */
static int bad_line(const struct verdicts *v, const char *text, size_t n, const char *where,
		    struct skep_err *err)
{
	const char *names[VERDICT_SLOTS], *near;
	char word[64];
	size_t at;

	err_set(err, ERR_EXPECT, where, "a line NUMBER VERDICT is needed, e.g. \"1 XDP_PASS\"");
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	for (at = n; at && !isspace((unsigned char)text[at - 1]); at--)
		;
	snprintf(word, sizeof(word), "%.*s", (int)(n - at), text + at);
	for (u32 i = 0; i < VERDICT_SLOTS; i++)
		names[i] = verdict_name(v->prog_type, i);
	near = err_nearest(word, names, VERDICT_SLOTS);
	if (near)
		err_help(err, "did you mean %s?", near);
	list_names(err, names);
	return err->code;
}

/* Does a comment, if anything, begin before byte KEEP of N, and no NUL? */
static bool is_whole(const char *line, size_t n, size_t keep)
{
	const char *comment = memchr(line, '#', keep);
	size_t used = comment ? (size_t)(comment - line) : n;

	return used <= keep && !memchr(line, 0, used);
}

static int parse_expect(struct verdicts *v, const char *text, size_t bytes, struct skep_err *err)
{
	char line[256], where[512];
	u64 at = 1;

	for (size_t i = 0; i < bytes; at++) {
		const char *nl = memchr(text + i, '\n', bytes - i);
		size_t n = nl ? (size_t)(nl - text) - i : bytes - i;
		size_t keep = n < sizeof(line) - 1 ? n : sizeof(line) - 1;

		memcpy(line, text + i, keep);
		line[keep] = 0;
		if (!is_whole(text + i, n, keep) || !parse_line(v, line)) {
			snprintf(where, sizeof(where), "%s:%" PRIu64, v->expect_file, at);
			return bad_line(v, text + i, keep, where, err);
		}
		i += n + 1;
	}
	if (!v->expect.n)
		return err_set(err, ERR_EXPECT, v->expect_file,
			       "it expects no verdict at all");
	qsort(v->expect.v, v->expect.n, sizeof(*v->expect.v), by_number);
	return 0;
}

int verdicts_open(struct verdicts *v, u32 prog_type, const char *out, const char *expect,
		  struct skep_err *err)
{
	struct os_file f;
	int r;

	v->prog_type = prog_type;
	v->expect_file = expect;
	if (expect) {
		r = os_file_read(&f, expect, err);
		if (r)
			return r;
		r = parse_expect(v, (const char *)f.data, f.size, err);
		os_file_close(&f);
		if (r)
			return r;
	}
	return out ? os_out_open(&v->out, out, err) : 0;
}

/* ---- packet by packet --------------------------------------------------------------- */

static PRINTF_LIKE(2, 3) void differs(struct verdicts *v, const char *fmt, ...)
{
	va_list ap;

	if (++v->differ > DIFFERENCES_SHOWN)
		return;
	va_start(ap, fmt);
	vfprintf(v->report, fmt, ap);
	va_end(ap);
}

void verdicts_add(struct verdicts *v, u64 number, u32 value)
{
	char got[16], want[16];

	verdicts_count(v, value);
	if (v->out.f)
		fprintf(v->out.f, "%" PRIu64 " %s\n", number,
			verdict_text(v->prog_type, value, got));
	for (; v->at < v->expect.n && v->expect.v[v->at].number <= number; v->at++) {
		const struct expectation *e = &v->expect.v[v->at];

		if (e->number < number)
			differs(v, "packet %" PRIu64 ": expected %s, and the program was not "
				"asked\n", e->number,
				verdict_text(v->prog_type, e->value, want));
		else if (e->value != value)
			differs(v, "packet %" PRIu64 ": expected %s, got %s\n", number,
				verdict_text(v->prog_type, e->value, want),
				verdict_text(v->prog_type, value, got));
	}
}

void verdicts_end(struct verdicts *v, u64 packets)
{
	char want[16];

	for (; v->at < v->expect.n; v->at++)
		differs(v,
			"packet %" PRIu64 ": expected %s, and there are only %" PRIu64
			" packets\n",
			v->expect.v[v->at].number,
			verdict_text(v->prog_type, v->expect.v[v->at].value, want),
			packets);
	if (v->differ > DIFFERENCES_SHOWN)
		fprintf(v->report, "... and %" PRIu64 " more differences\n",
			v->differ - DIFFERENCES_SHOWN);
	if (v->expect_file)
		fprintf(v->report, "%s: %" PRIu64 " of %zu expected verdicts differ\n",
			v->expect_file, v->differ, v->expect.n);
}

int verdicts_commit(struct verdicts *v, struct skep_err *err)
{
	return v->out.f ? os_out_commit(&v->out, err) : 0;
}

void verdicts_free(struct verdicts *v)
{
	if (v->out.f)
		os_out_abort(&v->out);
	vec_free(&v->big);
	free(v->slots);
	vec_free(&v->expect);
}

/* ---- the table ---------------------------------------------------------------- */

enum { VERDICTS_SHOWN = 24 };	/* the rest is counted */

void verdicts_text(struct strbuf *out, const struct verdicts *v, u64 packets)
{
	struct verdict_count *all;
	char buf[16];
	size_t n;
	int w = 7;

	all = verdicts_sorted(v, &n);
	for (size_t i = 0; i < n; i++) {
		int len = (int)strlen(verdict_text(v->prog_type, all[i].value, buf));

		w = len > w ? len : w;
	}
	sb_printf(out, "%-*s%10s%7s\n", w, "verdict", "packets", "%");
	for (size_t i = 0; i < n && i < VERDICTS_SHOWN; i++)
		sb_printf(out, "%-*s%10" PRIu64 "%7.1f\n", w,
			  verdict_text(v->prog_type, all[i].value, buf), all[i].n,
			  100.0 * (double)all[i].n / (double)packets);
	if (v->stopped)
		sb_printf(out, "%-*s%10" PRIu64 "%7.1f\n", w, "stopped", v->stopped,
			  100.0 * (double)v->stopped / (double)packets);
	if (n > VERDICTS_SHOWN)
		sb_printf(out, "... and %zu more values (--json has all)\n", n - VERDICTS_SHOWN);
	free(all);
}

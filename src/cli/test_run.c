/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_run.c: one case: the verifier's verdict and log, then a run of the program with the
 * inputs that the case names, in an object of its own, and what came out.
 */
#include "cli/test_in.h"
#include "cli/verify_out.h"
#include "obj/obj.h"
#include "host/capture.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	SELFTEST_BYTES = 64,	/* zeroes, the packet of cases that name none */
	BUDGET = 1 << 26,	/* of cases that name none: less than a second */
};

void test_tell(struct run_case *r, enum test_outcome o, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sb_printf(r->why, "%s%s", text, o == TEST_FAILED ? "\n" : "");
	if (r->outcome != TEST_FAILED)
		r->outcome = o;
}

void test_failed_err(struct run_case *r, const struct skep_err *err)
{
	sb_puts(r->why, skep_err_text(err));
	r->outcome = TEST_FAILED;
}

/* ---- messages --------------------------------------------------------------------- */

/* PATTERN as an extended regular expression: what stands in {{ }} is one already. */
static void pattern_text(struct strbuf *out, const char *pattern)
{
	for (const char *s = pattern; *s;) {
		const char *end = !strncmp(s, "{{", 2) ? strstr(s, "}}") : NULL;

		if (end) {
			sb_printf(out, "(%.*s)", (int)(end - s - 2), s + 2);
			s = end + 2;
			continue;
		}
		if (strchr("\\^$.|?*+()[]{}", *s))
			sb_putc(out, '\\');
		sb_putc(out, *s++);
	}
}

/* Where PATTERN is in TEXT, and where that ends; false: nowhere. */
bool test_find_pattern(struct run_case *r, const char *text, const char *pattern, regmatch_t *at)
{
	struct strbuf ere = { 0 };
	regex_t re;
	bool found;

	pattern_text(&ere, pattern);
	if (regcomp(&re, sb_text(&ere), REG_EXTENDED | REG_NEWLINE)) {
		failed(r, "'%s' is no regular expression", pattern);
		sb_free(&ere);
		return false;
	}
	found = !regexec(&re, text, 1, at, 0);
	regfree(&re);
	sb_free(&ere);
	return found;
}

/* Messages come in order; one that must not come is looked for up to the next that must. */
static void check_msgs(struct run_case *r, const char *log)
{
	const struct test_texts *m = &r->c->msgs;
	const char *from = log;
	regmatch_t at;

	for (size_t i = 0; i < m->n; i++) {
		bool found = test_find_pattern(r, from, m->v[i].text, &at);

		if (m->v[i].absent && found) {
			failed(r, "the log has '%s', which it must not", m->v[i].text);
		} else if (!m->v[i].absent && !found) {
			failed(r, "the log lacks '%s'%s", m->v[i].text, from > log ?
			       " behind the messages before it" : "");
			return;
		} else if (found) {
			from += at.rm_eo;
		}
	}
}

/* ---- the verdict -------------------------------------------------------------------- */

static void check_verdict(struct run_case *r, const struct verify_result *v,
			  const struct strbuf *log)
{
	const struct test_case *c = r->c;
	struct strbuf reasons = { 0 };

	if (v->verdict == VERDICT_NOT_JUDGED && c->fields.n)
		return;		/* it runs with checks */
	if (v->verdict == VERDICT_NOT_JUDGED) {
		skipped(r, "the verifier does not support it yet: %s", v->construct);
		return;
	}
	verify_reasons(&reasons, c->obj->img, r->prog, v);
	if (c->expect == EXPECT_SUCCESS && v->verdict == VERDICT_REJECTED) {
		failed(r, "it is rejected, and was to be accepted");
		sb_add(r->why, sb_text(&reasons), reasons.n);
	} else if (c->expect == EXPECT_FAILURE && v->verdict == VERDICT_OK) {
		failed(r, "it is accepted, and was to be rejected");
	} else if (c->msgs.n) {
		struct strbuf all = { 0 };

		sb_add(&all, sb_text(log), log->n);
		sb_add(&all, sb_text(&reasons), reasons.n);
		check_msgs(r, sb_text(&all));
		if (r->outcome == TEST_FAILED)
			sb_printf(r->why, "the log:\n%s", sb_text(log));
		sb_free(&all);
	}
	sb_free(&reasons);
}

static void judge(struct run_case *r)
{
	const struct test_case *c = r->c;
	struct verify_opts *opts = &r->types->opts;
	struct strbuf log = { 0 };
	struct verify_result v;
	struct skep_err err = { 0 };

	opts->policy = POLICY_KERNEL;
	opts->caps = VERIFY_CAP_ALL;
	opts->flags = c->flags;
	opts->log = &log;
	opts->log_level = c->log_level ? c->log_level : 1;
	if (verify_types(opts, &r->types->target, &r->types->tried, c->obj->img, r->prog, &err) ||
	    verify_prog(&v, &r->arena, c->obj->img, r->prog, opts, &err))
		test_failed_err(r, &err);
	else
		check_verdict(r, &v, &log);
	sb_free(&log);
}

/* ---- what goes in ---------------------------------------------------------------------- */

/* NAME beside the file that the case is in, unless it says where it is. */
const char *test_path(struct run_case *r, const char *name)
{
	return *name == '/' || !r->c->dir ? name :
	       arena_printf(&r->arena, "%s/%s", r->c->dir, name);
}

bool test_u64(struct run_case *r, const char *key, u64 max, u64 *out)
{
	size_t at = 0;
	const char *s = testcase_field(r->c, key, &at);
	char *end;

	if (!s)
		return false;
	errno = 0;
	*out = strtoull(s, &end, 0);
	if (end == s || *end || !isdigit((u8)*s))
		failed(r, "%s=%s: a number is needed", key, s);
	else if (errno || *out > max)
		failed(r, "%s=%s: the greatest is %" PRIu64, key, s, max);
	return true;
}

static void read_u32(struct run_case *r, const char *key, u32 *out)
{
	u64 n;

	if (test_u64(r, key, UINT32_MAX, &n))
		*out = (u32)n;
}

/* Packet N of a capture, "FILE#N". */
static bool captured(struct run_case *r, const char *text, u8 **bytes, u32 *n)
{
	const char *hash = strrchr(text, '#');
	char *end, *name = arena_strdup(&r->arena, text);
	struct capture *in = NULL;
	struct packet p = { 0 };
	struct skep_err err = { 0 };
	u64 number;
	int more = 1;

	number = strtoull(hash + 1, &end, 10);
	name[hash - text] = 0;
	if (!number || *end) {
		failed(r, "'%s': the first packet of a capture is FILE#1", text);
		return false;
	}
	if (capture_open(&in, test_path(r, name), &err)) {
		test_failed_err(r, &err);
		return false;
	}
	for (u64 i = 0; i < number && more > 0; i++)
		more = capture_next(in, &p, &err);
	if (more < 0)
		test_failed_err(r, &err);
	else if (!more)
		failed(r, "'%s' has no packet %" PRIu64, name, number);
	*n = p.bytes;
	*bytes = more > 0 ? arena_copy(&r->arena, p.data, p.bytes) : NULL;
	capture_close(in);
	return more > 0;
}

/* Bytes in hexadecimal, with spaces or ':' between them as one likes. */
bool test_hex(struct run_case *r, const char *text, u8 **bytes, u32 *n)
{
	u8 *out = arena_alloc(&r->arena, strlen(text) / 2 + 1);
	u32 digits = 0;

	for (const char *s = text; *s; s++) {
		unsigned d = digit_value(*s);

		if (d < 16) {
			out[digits / 2] = (u8)(digits % 2 ? out[digits / 2] << 4 | d : d);
			digits++;
		} else if (*s != ' ' && *s != ':') {
			failed(r, "'%s': bytes in hexadecimal or FILE#N are needed", text);
			return false;
		}
	}
	if (digits % 2)
		failed(r, "'%s': half a byte is missing", text);
	*bytes = out;
	*n = digits / 2;
	return !(digits % 2);
}

static bool packet_of(struct run_case *r, const char *text, u8 **bytes, u32 *n)
{
	return strchr(text, '#') ? captured(r, text, bytes, n) : test_hex(r, text, bytes, n);
}

static void set_inputs(struct run_case *r)
{
	static const u8 zeroes[SELFTEST_BYTES];
	size_t at = 0;
	const char *s = testcase_field(r->c, "packet", &at);

	r->run.size = sizeof(r->run);
	r->run.data = zeroes;
	r->run.data_bytes = sizeof(zeroes);
	if (s && packet_of(r, s, &r->packet, &r->run.data_bytes))
		r->run.data = r->packet;
	read_u32(r, "ifindex", &r->run.ifindex);
	read_u32(r, "rx_queue", &r->run.rx_queue);
	read_u32(r, "repeat", &r->run.repeat);
	if (test_u64(r, "now", UINT64_MAX, &r->run.now_ns))
		r->opts.clock = SKEP_CLOCK_RUN;
	r->run.budget = BUDGET;
	test_u64(r, "budget", UINT64_MAX, &r->run.budget);
	r->opts.rand_seed = 1;	/* the same each time, and everywhere */
	r->opts.cpus = 1;
	test_u64(r, "seed", UINT64_MAX, &r->opts.rand_seed);
	at = 0;
	s = testcase_field(r->c, "routes", &at);
	if (s)
		r->opts.routes = test_path(r, s);
	test_task(r);
	test_context(r);
}

/* "NAME:FILE", or with the elements themselves: fills the map of OBJ; its index, or -1. */
static int fill_map(struct run_case *r, struct skep_object *obj, const char *text)
{
	const char *colon = strchr(text, ':');
	char *name = arena_strdup(&r->arena, text);
	struct skep_err err = { 0 };
	int map, rc;

	if (!colon) {
		failed(r, "'%s': NAME:FILE or NAME:[elements] is needed", text);
		return -1;
	}
	name[colon - text] = 0;
	map = image_map_find(obj->img, name);
	if (map < 0) {
		failed(r, "there is no map '%s'", name);
		return -1;
	}
	colon += 1 + strspn(colon + 1, " \t");
	rc = *colon == '[' || *colon == '{' ?
	     map_load_json(obj, (u32)map, name, colon, &err) :
	     map_load_json(obj, (u32)map, test_path(r, colon), NULL, &err);
	if (!rc)
		return map;
	test_failed_err(r, &err);
	return -1;
}

static void fill_sockets(struct run_case *r)
{
	size_t at = 0;
	const char *s = testcase_field(r->c, "sockets", &at);
	struct skep_err err = { 0 };
	struct os_file f;

	if (!s)
		return;
	if (os_file_read(&f, test_path(r, s), &err)) {
		test_failed_err(r, &err);
		return;
	}
	if (skep_object_sockets(r->obj, (const char *)f.data, f.size, &err))
		test_failed_err(r, &err);
	os_file_close(&f);
}

static void fill_maps(struct run_case *r)
{
	const char *s;

	for (size_t at = 0; (s = testcase_field(r->c, "map", &at));)
		fill_map(r, r->obj, s);
}

/* ---- what comes out ----------------------------------------------------------------------- */

/* What `retval` says, or -1. */
static s64 wanted_retval(struct run_case *r, const char *s)
{
	s64 want = verdict_value(r->prog->type, s);
	char *end;

	if (want >= 0)
		return want;
	errno = 0;
	want = strtoll(s, &end, 0);
	if (end == s || *end)
		failed(r, "retval=%s: neither a number nor a verdict of this type", s);
	else if (errno || want < INT32_MIN || want > UINT32_MAX)
		failed(r, "retval=%s: programs return 32 bits", s);
	else
		return (u32)want;
	return -1;
}

static void check_retval(struct run_case *r, u32 got)
{
	size_t at = 0;
	const char *s = testcase_field(r->c, "retval", &at);
	char a[16], b[16];
	s64 want = r->c->retval;

	if (s ? !strcmp(s, "any") : !r->c->has_retval)
		return;
	if (s)
		want = wanted_retval(r, s);
	if (want >= 0 && got != want)
		failed(r, "it returns %s, expected %s", verdict_text(r->prog->type, got, a),
		       verdict_text(r->prog->type, (u32)want, b));
}

static void check_packet(struct run_case *r)
{
	size_t at = 0;
	const char *s = testcase_field(r->c, "out", &at);
	const u8 *got = r->run.data_out;
	u32 n, i = 0;
	u8 *want;

	if (!s || !packet_of(r, s, &want, &n))
		return;
	if (n != r->run.data_out_bytes) {
		failed(r, "the packet has %u bytes afterwards, expected %u",
		       r->run.data_out_bytes, n);
		return;
	}
	while (i < n && got[i] == want[i])
		i++;
	if (i < n)
		failed(r, "byte %u of the packet is 0x%02x afterwards, expected 0x%02x", i, got[i],
		       want[i]);
}

/* Does one processor hold WANT, and no other anything else? Maps that are not per CPU, and
 * all of the embedded engine's here, have one value. */
static bool is_value(const u8 *v, size_t bytes, const u8 *want, size_t size)
{
	static const u8 zeroes[64];
	u32 hits = 0;

	if (!size)
		return true;
	for (size_t at = 0; at + size <= bytes; at += round_up(size, 8)) {
		size_t n = 0;

		if (!memcmp(v + at, want, size)) {
			hits++;
			continue;
		}
		while (n < size && !memcmp(v + at + n, zeroes, min_u64(size - n, sizeof(zeroes))))
			n += min_u64(size - n, sizeof(zeroes));
		if (n < size)
			return false;
	}
	return hits;
}

/* Does each element of A lie in B, and with the same value? WANTS: A says what B is to have. */
static bool contains(struct skep_map *a, struct skep_map *b, bool wants)
{
	size_t na = skep_map_value_bytes(a), nb = skep_map_value_bytes(b);
	u8 *key = mem_alloc(skep_map_key_bytes(a) + 8);
	u8 *va = mem_alloc(na + nb), *vb = va + na;
	bool same = true;

	for (int e = skep_map_next_key(a, NULL, key); !e && same;
	     e = skep_map_next_key(a, key, key)) {
		int ra = skep_map_lookup(a, key, va), rb = skep_map_lookup(b, key, vb);

		same = ra == rb && (ra || (wants ? is_value(vb, nb, va, a->def->value_size) :
						   is_value(va, na, vb, a->def->value_size)));
	}
	free(key);
	free(va);
	return same;
}

/* Queues and their like have no keys: nothing of theirs can be told apart. */
static bool has_keys(struct run_case *r, struct skep_map *map)
{
	u8 *key = mem_alloc(skep_map_key_bytes(map) + 8);
	int e = skep_map_next_key(map, NULL, key);

	free(key);
	if (e && e != -ENOENT)
		failed(r, "map '%s' has no keys: what it holds cannot be compared",
		       map->def->name);
	return !e || e == -ENOENT;
}

/* What a map is to hold is put into that of another object, which is compared. */
static void check_map(struct run_case *r, const char *text)
{
	struct skep_object *twin = object_twin(r->c->obj);
	const struct prog_set only = { &r->c->prog, 1 };
	const struct skep_load_opts opts = { .size = sizeof(opts), .jit = SKEP_JIT_OFF,
					     .cpus = 1 };
	struct strbuf show = { 0 };
	struct skep_err err = { 0 };
	int map = -1;

	if (object_load(twin, &opts, &only, &err))
		test_failed_err(r, &err);
	else
		map = fill_map(r, twin, text);
	if (map >= 0 && has_keys(r, &twin->maps[map]) &&
	    (!contains(&twin->maps[map], &r->obj->maps[map], true) ||
	     !contains(&r->obj->maps[map], &twin->maps[map], false))) {
		map_show_text(&show, r->obj, (u32)map, &(struct str_list){ 0 });
		sb_puts(&show, "expected:\n");
		map_show_text(&show, twin, (u32)map, &(struct str_list){ 0 });
		failed(r, "map '%s' does not hold what it was to", twin->maps[map].def->name);
		sb_add(r->why, sb_text(&show), show.n);
	}
	sb_free(&show);
	skep_object_close(twin);
}

static void check_results(struct run_case *r)
{
	const char *s;
	u64 n;

	check_retval(r, r->run.retval);
	check_packet(r);
	if (test_u64(r, "redirect", UINT32_MAX, &n) && r->run.redirect_ifindex != n)
		failed(r, "it redirects to %u, expected %" PRIu64, r->run.redirect_ifindex, n);
	for (size_t at = 0; (s = testcase_field(r->c, "expect", &at));)
		check_map(r, s);
	for (size_t at = 0; (s = testcase_field(r->c, "records", &at));)
		test_records(r, s);
}

/* Can the other engine do what this one cannot? What none can has failed. */
static bool elsewhere(const struct run_case *r, const struct skep_err *err)
{
	if (r->opts.engine == SKEP_KERNEL)
		return err->id == ERR_UNSUPPORTED || err->id == ERR_KERNEL ||
		       err->id == ERR_KERNEL_INPUT;
	return r->kernel_too && (err->id == ERR_UNSUPPORTED || err->id == ERR_PROG_TYPE);
}

static void skip_run(struct run_case *r, const struct skep_err *err)
{
	if (err->id == ERR_KERNEL_INPUT)
		skipped(r, "the kernel's test run does not take a packet as this one, of %u bytes: "
			"below 14, above a page, or IP without its header [SKEP-E%04d]",
			r->run.data_bytes, (int)ERR_KERNEL_INPUT);
	else
		skipped(r, "%.*s", (int)strcspn(skep_err_text(err), "\n"), skep_err_text(err));
}

/* ---- the run ------------------------------------------------------------------------------- */

static void run(struct run_case *r)
{
	const struct prog_set only = { &r->c->prog, 1 };
	struct skep_err err = { 0 };
	int rc;

	set_inputs(r);
	r->opts.counts = r->types->coverage && r->opts.engine == SKEP_USER;
	if (r->outcome != TEST_PASSED)
		return;
	r->obj = object_twin(r->c->obj);
	r->obj->who = &r->who;
	rc = object_load(r->obj, &r->opts, &only, &err);
	if (!rc)
		test_records_open(r);
	if (!rc) {
		fill_sockets(r);
		fill_maps(r);
	}
	if (!rc && r->outcome == TEST_PASSED)
		rc = skep_prog_run(&r->obj->progs[r->c->prog], &r->run, &err);
	r->no_end = rc && err.id == ERR_BUDGET;
	if (rc && elsewhere(r, &err))
		skip_run(r, &err);
	else if (rc)
		test_failed_err(r, &err);
	else if (r->outcome == TEST_PASSED)
		check_results(r);
	if (r->opts.counts)
		coverage_add(r->types->coverage, r->obj);
	skep_object_close(r->obj);
}

/* The kernel's verdict is that of loading. */
static void judge_kernel(struct run_case *r)
{
	const struct prog_set only = { &r->c->prog, 1 };
	struct skep_object *twin = object_twin(r->c->obj);
	struct skep_err err = { 0 };
	int rc = object_load(twin, &r->opts, &only, &err);

	if (!rc && r->c->xlated.n)
		test_xlated(r, twin);
	skep_object_close(twin);
	if (rc && err.id != ERR_KERNEL_REJECTED)
		skipped(r, "%.*s", (int)strcspn(skep_err_text(&err), "\n"), skep_err_text(&err));
	else if (rc && r->c->expect == EXPECT_SUCCESS)
		test_failed_err(r, &err);
	else if (!rc && r->c->expect == EXPECT_FAILURE)
		failed(r, "the kernel accepts it, and was to reject it");
}

/* What nobody can give a kernel's programs. */
static void kernel_has_own(struct run_case *r)
{
	static const char *const own[] = { "now", "seed", "routes", "sockets", "pid", "tgid",
					   "uid", "gid", "comm" };

	for (size_t i = 0, at = 0; i < ARRAY_LEN(own); i++, at = 0)
		if (testcase_field(r->c, own[i], &at)) {
			skipped(r, "%s: a kernel has its own", own[i]);
			return;
		}
}

enum test_outcome test_run_case(const struct test_case *c, struct test_types *types,
				enum test_on on, struct strbuf *why)
{
	struct run_case r = { .c = c, .types = types, .why = why,
			      .prog = &c->obj->img->progs[c->prog], .kernel_too = on != TEST_USER,
			      .arena = ARENA_INIT, .opts = { .size = sizeof(r.opts) } };

	if (c->wrong)
		failed(&r, "%s", c->wrong);
	else if (c->skip)
		skipped(&r, "%s", c->skip);
	else if (on == TEST_KERNEL && types->no_end)
		skipped(&r, "it does not end on the embedded engine");
	else if (on == TEST_KERNEL)
		kernel_has_own(&r);
	if (r.outcome == TEST_PASSED && on == TEST_KERNEL) {
		r.opts.engine = SKEP_KERNEL;
		judge_kernel(&r);
	} else if (r.outcome == TEST_PASSED) {
		judge(&r);
	}
	if (r.outcome == TEST_PASSED && c->runs)
		run(&r);
	if (r.outcome == TEST_PASSED && on == TEST_USER && c->xlated.n)
		skipped(&r, "what a program is translated to says --on both");
	types->no_end = r.no_end;
	arena_free(&r.arena);
	return r.outcome;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place.c: attach points: the text before a block becomes the places where its program
 * goes. Wildcards become all that match. What is not there is an error with the nearest
 * names, or a warning when the script says so (missing_probes).
 */
#include "lang/place.h"
#include "kernel/tracefs.h"
#include "sym/symbols.h"
#include <ctype.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const struct { const char *name, *brief, *old, *section; unsigned flags; } rows[] = {
#define PROBE(kind, name, brief, old, section, flags) \
	[LP_##kind] = { name, brief, old, section, flags },
#include "lang/probe.def"
#undef PROBE
};

static bool is_word(const char *word, const char *name, size_t n)
{
	return *word && strlen(word) == n && !strncmp(word, name, n);
}

int probe_kind(const char *name, size_t n)
{
	for (int i = 0; i < LP_COUNT; i++)
		if (is_word(rows[i].name, name, n) || is_word(rows[i].brief, name, n) ||
		    is_word(rows[i].old, name, n))
			return i;
	if (n == 5 && (!strncasecmp(name, "begin", n)))
		return LP_BEGIN;
	return n == 3 && !strncasecmp(name, "end", n) ? LP_END : -1;
}

const char *probe_name(enum lang_probe kind) { return rows[kind].name; }
unsigned probe_flags(enum lang_probe kind) { return rows[kind].flags; }

/* ---- the parts of the text --------------------------------------------------- */

/* Cuts at colons that are not in quotes, and takes the quotes off. */
static void cut(struct at *a, const char *text)
{
	char *s = arena_strdup(a->l->arena, text), *to = s;
	bool quoted = false;

	a->part[a->n++] = to;
	for (; *s; s++) {
		if (*s == '"') {
			quoted = !quoted;
		} else if (*s == ':' && !quoted &&
			   !(s[1] == ':' || (s > a->part[0] && s[-1] == ':'))) {
			*to++ = 0;
			if (a->n < PARTS_MAX)
				a->part[a->n++] = to;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

struct place *place_add(struct at *a, const char *text, const char *at)
{
	struct place *p = arena_new(a->l->arena, struct place);

	*p = (struct place){ .kind = a->kind, .text = arena_strdup(a->l->arena, text),
		.at = arena_strdup(a->l->arena, at), .node = a->node,
		.provider = rows[a->kind].name };
	p->section = arena_printf(a->l->arena, "%s%s", rows[a->kind].section,
				  strchr(rows[a->kind].section, '/') ? at : "");
	*vec_push(a->out) = p;
	return p;
}

void place_missing(struct at *a, const char *what)
{
	const char *how = a->l->config.missing_probes;

	a->missed = true;
	if (!strcmp(how, "ignore"))
		return;
	if (!strcmp(how, "warn"))
		diag_warn(a->l->script, a->node->at, "%s", what);
	else
		diag_error(a->l->script, a->node->at, "%s", what);
}

static void bad(struct at *a, const char *form)
{
	diag_error(a->l->script, a->node->at, "%s probe type takes %s", rows[a->kind].name, form);
}

bool place_is_pattern(const char *s) { return strpbrk(s, "*?[") != NULL; }

/* ---- the tracer's own -------------------------------------------------------- */

static void own_event(struct at *a)
{
	if (a->n != 1)
		bad(a, "nothing behind it");
	else
		place_add(a, rows[a->kind].name, "");
}

static void self(struct at *a)
{
	struct place *p;

	if (a->n != 3 || strcmp(a->part[1], "signal")) {
		bad(a, "self:signal:SIGNAL");
		return;
	}
	p = place_add(a, arena_printf(a->l->arena, "self:signal:%s", a->part[2]), "");
	for (int i = 1; i < 32; i++)
		if (sigabbrev_np(i) && (!strcmp(sigabbrev_np(i), a->part[2]) ||
		    (!strncmp(a->part[2], "SIG", 3) && !strcmp(sigabbrev_np(i), a->part[2] + 3))))
			p->signal = (u32)i;
	if (!p->signal)
		diag_error(a->l->script, a->node->at, "%s is not a supported signal", a->part[2]);
}

static void named(struct at *a)
{
	if (a->n != 2 || !*a->part[1])
		bad(a, "a name");
	else
		place_add(a, arena_printf(a->l->arena, "%s:%s", rows[a->kind].name, a->part[1]),
			  "");
}

/* ---- time -------------------------------------------------------------------- */

/* A number with or without a unit, in ns; 0: it is none. */
static u64 duration(const char *s, const char *unit)
{
	static const struct { const char *unit; u64 ns; } units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 } };
	char *end;
	double v = strtod(s, &end);

	while (*end == '_')
		end++;
	if (end == s || v <= 0 || v > 1e15)
		return 0;
	if (!*end)
		end = (char *)(uintptr_t)unit;
	if (!strcmp(end, "hz"))
		return (u64)(1e9 / v);
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(units[i].unit, end))
			return (u64)(v * (double)units[i].ns);
	return 0;
}

static void timed(struct at *a)
{
	const char *text = a->n == 3 ? arena_printf(a->l->arena, "%s:%s:%s", rows[a->kind].name,
						    a->part[1], a->part[2]) :
			   arena_printf(a->l->arena, "%s:%s", rows[a->kind].name,
					a->n > 1 ? a->part[1] : "");
	const bool hz = a->n == 3 && !strcmp(a->part[1], "hz");
	u64 ns = a->n == 3 ? duration(a->part[2], a->part[1]) : a->n == 2 ?
		 duration(a->part[1], "ns") : 0;
	struct place *p;

	if (!ns) {
		bad(a, "a time: 1s, 10ms, s:1, ms:10, us:10, hz:99");
		return;
	}
	p = place_add(a, text, a->kind == LP_INTERVAL ? "" :
		      hz ? arena_printf(a->l->arena, "cpu-clock@%shz", a->part[2]) :
		      arena_printf(a->l->arena, "cpu-clock@%llu", (unsigned long long)ns));
	p->period = ns;
}

/* ---- events of perf ---------------------------------------------------------- */

static const char *event_name(const char *s)
{
	static const char *const same[][2] = { { "cpu", "cpu-clock" }, { "branch-instructions",
		"branches" }, { "dummy", "bpf-output" } };

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (!strcmp(s, same[i][0]))
			return same[i][1];
	return s;
}

static void counted(struct at *a)
{
	char *end = NULL;
	double n = a->n == 3 && *a->part[2] ? strtod(a->part[2], &end) : 0;
	const char *at;

	if (a->n < 2 || a->n > 3 || (end && *end) || n < 0) {
		bad(a, "EVENT or EVENT:COUNT");
		return;
	}
	at = event_name(a->part[1]);
	if (n > 0)
		at = arena_printf(a->l->arena, "%s@%llu", at, (unsigned long long)n);
	place_add(a, a->n == 3 ? arena_printf(a->l->arena, "%s:%s:%s", rows[a->kind].name,
					      a->part[1], a->part[2]) :
		  arena_printf(a->l->arena, "%s:%s", rows[a->kind].name, a->part[1]), at);
}

static void watch(struct at *a)
{
	if (a->n != 4) {
		bad(a, "ADDRESS:LENGTH:MODE");
		return;
	}
	place_add(a, arena_printf(a->l->arena, "watchpoint:%s:%s:%s", a->part[1], a->part[2],
				  a->part[3]),
		  arena_printf(a->l->arena, "mem:%s/%s:%s", a->part[1], a->part[2], a->part[3]));
}

/* ---- tracepoints ------------------------------------------------------------- */

static void add_event(void *arg, const char *category, const char *name)
{
	struct at *a = arg;

	place_add(a, arena_printf(a->l->arena, "tracepoint:%s:%s", category, name),
		  arena_printf(a->l->arena, "%s/%s", category, name));
}

/* err_help's lines without what is put before them. */
static void hints_of(struct at *a, const struct skep_err *err)
{
	const char *at = strstr(err->text, "did you mean '");
	char near[160];
	size_t n;

	if (!at || !a->missed)
		return;
	at += 14;
	n = strcspn(at, "'");
	snprintf(near, sizeof(near), "%.*s", (int)n, at);
	if (strchr(near, '/'))
		*strchr(near, '/') = ':';
	diag_hint(a->l->script, "did you mean %s:%s?", rows[a->kind].name, near);
}

static void tracepoint(struct at *a)
{
	struct skep_err err;
	s64 id;

	if (a->n == 2 && place_is_pattern(a->part[1]))	/* tracepoint:* */
		a->part[a->n++] = a->part[1];
	if (a->n != 3) {
		bad(a, "CATEGORY:EVENT");
		return;
	}
	if (place_is_pattern(a->part[1]) || place_is_pattern(a->part[2])) {
		if (tracefs_each_event(a->part[1], a->part[2], add_event, a) <= 0)
			place_missing(a,
				      arena_printf(a->l->arena, "No matches for tracepoint:%s:%s",
						   a->part[1], a->part[2]));
		return;
	}
	id = tracefs_event_id(a->part[1], a->part[2]);
	if (id >= 0) {
		add_event(a, a->part[1], a->part[2]);
		return;
	}
	if (id != -ENOENT) {
		place_missing(a, arena_printf(a->l->arena, "tracepoints cannot be looked up: %s",
					      strerror((int)-id)));
		if (id == -EACCES || id == -EPERM)
			diag_hint(a->l->script,
				  "tracing the kernel needs CAP_BPF and CAP_PERFMON, and "
				  "to read tracefs: sudo");
		return;
	}
	place_missing(a, arena_printf(a->l->arena, "tracepoint not found: %s:%s", a->part[1],
				      a->part[2]));
	err_set(&err, ERR_ATTACH_FIND, NULL, "%s", "");
	tracefs_suggest(a->part[1], a->part[2], &err);
	hints_of(a, &err);
}

static void raw_tracepoint(struct at *a)
{
	const struct btf *btf = lang_kernel(a->l);
	const char *event = a->n == 3 ? a->part[2] : a->n == 2 ? a->part[1] : "";
	u32 found = 0;

	if (!*event || a->n > 3) {
		bad(a, "EVENT or MODULE:EVENT");
		return;
	}
	for (u32 id = 1; btf && id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);
		const char *name = btf_kind(t) == BTF_KIND_TYPEDEF ? btf_str(btf, t->name_off) : "";

		if (strncmp(name, "btf_trace_", 10) || fnmatch(event, name + 10, 0))
			continue;
		place_add(a,
			  arena_printf(a->l->arena, "rawtracepoint:%s%s",
				       a->n == 3 ? "vmlinux:" : "", name + 10),
			  name + 10);
		found++;
	}
	if (!found)
		place_missing(a,
			      arena_printf(a->l->arena, "No matches for rawtracepoint:%s", event));
}

/* ---- functions of the kernel ------------------------------------------------- */

static void typed_function(struct at *a)
{
	const struct btf *btf = lang_kernel(a->l);
	const char *fn = a->n == 3 ? a->part[2] : a->n == 2 ? a->part[1] : "";
	u32 found = 0;

	if (a->n > 2 && !strcmp(a->part[1], "bpf")) {
		place_prog_function(a);
		return;
	}
	if (!*fn || a->n > 3) {
		bad(a, "FUNCTION or MODULE:FUNCTION");
		return;
	}
	if (!place_is_pattern(fn)) {
		found = btf ? btf_find(btf, fn, BTF_KIND_FUNC) : 0;
		if (found)
			place_add(a, arena_printf(a->l->arena, "%s:%s%s", rows[a->kind].name,
						  a->n == 3 ? "vmlinux:" : "", fn), fn)->func = fn;
	}
	for (u32 id = 1; btf && !found && place_is_pattern(fn) && id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);
		const char *name = btf_kind(t) == BTF_KIND_FUNC ? btf_str(btf, t->name_off) : "";

		if (*name && !fnmatch(fn, name, 0)) {
			place_add(a, arena_printf(a->l->arena, "%s:%s", rows[a->kind].name, name),
				  name)->func = name;
		}
	}
	if (!a->out->n)
		place_missing(a, arena_printf(a->l->arena, "%s: no BTF for function %s",
					      rows[a->kind].name, fn));
}

static void kernel_function(struct at *a)
{
	const char *fn = a->n == 3 ? a->part[2] : a->n == 2 ? a->part[1] : "";
	struct place *p;

	if (!*fn || a->n > 3) {
		bad(a, "FUNCTION, FUNCTION+OFFSET or MODULE:FUNCTION");
		return;
	}
	if (!kernel_has_kprobes(a->l)) {
		place_missing(a, arena_printf(a->l->arena, "no %ss: this kernel was built without "
					      "CONFIG_KPROBES", rows[a->kind].name));
		if (a->missed)
			place_hint_instead(a, fn);
		return;
	}
	if (place_is_pattern(fn)) {
		place_kernel_matches(a, fn);
		return;
	}
	p = place_add(a,
		      arena_printf(a->l->arena, "%s:%s%s", rows[a->kind].name,
				   a->n == 3 ? arena_printf(a->l->arena, "%s:", a->part[1]) : "",
				   fn),
		      fn);
	p->func = arena_strndup(a->l->arena, fn, strcspn(fn, "+"));
}

/* ---- iterators --------------------------------------------------------------- */

static void iterator(struct at *a)
{
	struct place *p;

	if (a->n < 2 || a->n > 3) {
		bad(a, "task, task_file, task_vma and where to pin it");
		return;
	}
	if (!lang_kernel(a->l) || !btf_find(a->l->kernel, arena_printf(a->l->arena, "bpf_iter__%s",
								      a->part[1]), BTF_KIND_STRUCT)) {
		place_missing(a, arena_printf(a->l->arena, "iter %s not available for your kernel "
					      "version", a->part[1]));
		return;
	}
	p = place_add(a, arena_printf(a->l->arena, "iter:%s", a->part[1]), a->part[1]);
	if (a->n == 3)
		p->pin = *a->part[2] == '/' ? a->part[2] :
			 arena_printf(a->l->arena, "/sys/fs/bpf/%s", a->part[2]);
}

/* ---- the dispatcher ---------------------------------------------------------- */

/* The event of that name, whose kind and category were left out. */
static void hint_event(void *arg, const char *category, const char *name)
{
	struct at *a = arg;

	if (a->kind == LP_COUNT)
		diag_hint(a->l->script, "did you mean tracepoint:%s:%s?", category, name);
	a->kind = LP_TRACEPOINT;
}

static void unknown(struct at *a)
{
	const char *names[LP_COUNT], *near;

	for (u32 i = 0; i < LP_COUNT; i++)
		names[i] = rows[i].name;
	near = err_nearest(a->part[0], names, LP_COUNT);
	diag_error(a->l->script, a->node->at, "Invalid probe type: %s", a->part[0]);
	a->kind = LP_COUNT;
	if (a->n == 1)
		tracefs_each_event("*", a->part[0], hint_event, a);
	if (near && a->kind == LP_COUNT)
		diag_hint(a->l->script, "did you mean %s?", near);
}

void place_resolve(struct lang *l, struct node *attach, struct places *out)
{
	struct at a = { .l = l, .node = attach, .out = out };
	int kind;

	cut(&a, attach->text);
	kind = probe_kind(a.part[0], strlen(a.part[0]));
	if (kind < 0) {
		unknown(&a);
		return;
	}
	a.kind = (enum lang_probe)kind;
	switch (a.kind) {
	case LP_BEGIN:
	case LP_END: own_event(&a); break;
	case LP_SELF: self(&a); break;
	case LP_TEST:
	case LP_BENCH: named(&a); break;
	case LP_INTERVAL:
	case LP_PROFILE: timed(&a); break;
	case LP_TRACEPOINT: tracepoint(&a); break;
	case LP_RAWTP: raw_tracepoint(&a); break;
	case LP_FENTRY:
	case LP_FEXIT: typed_function(&a); break;
	case LP_KPROBE:
	case LP_KRETPROBE: kernel_function(&a); break;
	case LP_UPROBE:
	case LP_URETPROBE: place_user_function(&a); break;
	case LP_USDT: place_usdt(&a); break;
	case LP_SOFTWARE:
	case LP_HARDWARE: counted(&a); break;
	case LP_WATCHPOINT: watch(&a); break;
	default: iterator(&a);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: runs a compiled script: loads its object, runs what is the tracer's own (begin,
 * end, interval, signals), attaches the rest, prints records as they come. Whatever ends
 * it, everything is detached.
 */
#include "lang/run.h"
#include "api/object.h"
#include "api/registry.h"
#include "kernel/link.h"
#include "lang/run_in.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 100, FIRST_MS = 4, FIRST_TICKS = 50 };

/* ---- loading ----------------------------------------------------------------- */

/* For who asks what runs where (api/registry.h). */
static void tell_places(const struct run *r)
{
	const struct lang_unit *u = r->o->unit;

	for (size_t i = 0; i < u->places.n; i++) {
		const struct skep_prog *p = skep_object_prog(r->obj, u->places.v[i].prog);

		if (p)
			registry_link(r->obj, p->index, "trace", u->places.v[i].text);
	}
}

/* Programs that trace other programs are made for them before they are loaded. */
static void set_traced(struct run *r)
{
	const struct lang_unit *u = r->o->unit;

	for (size_t i = 0; i < u->places.n; i++) {
		const struct skep_prog *p = skep_object_prog(r->obj, u->places.v[i].prog);

		if (p && u->places.v[i].of_prog)
			r->obj->img->progs[p->index].of_prog = u->places.v[i].of_prog;
	}
}

/* The map of rows is as large as the processes ask for. */
static void set_rows(struct run *r)
{
	struct image *img = r->obj->img;

	for (u32 i = 0; r->o->unit->rows && i < img->nr_maps; i++)
		if (!strcmp(img->maps[i].name, r->o->unit->rows))
			img->maps[i].max_entries = run_unwind_rows(r->o);
}

static int load(struct run *r)
{
	const struct lang_unit *u = r->o->unit;
	const struct skep_load_opts opts = { .size = sizeof(opts),
		.engine = r->o->user ? SKEP_USER : SKEP_KERNEL, .probe = 1,
		.clock = SKEP_CLOCK_REAL };
	int rc = skep_object_open_mem(&r->obj, u->elf.s, u->elf.n, "script", r->err);

	if (rc)
		return rc;
	set_traced(r);
	set_rows(r);
	rc = skep_object_load(r->obj, &opts, r->err);
	if (rc)
		return rc;
	r->b = r->obj->backend;
	if (r->o->user)
		tell_places(r);
	for (size_t i = 0; i < u->maps.n; i++)
		r->map[i] = run_map(r, u->maps.v[i].bpf_name);
	r->ring = u->ring ? run_map(r, u->ring) : -1;
	r->counters = u->counters ? run_map(r, u->counters) : -1;
	return 0;
}

s32 run_map(struct run *r, const char *name)
{
	const struct skep_map *m = skep_object_map(r->obj, name);

	return m ? (s32)m->index : -1;
}

/* ---- counters ---------------------------------------------------------------- */

static u64 now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

/* All of them; N: how many there are. */
static u64 *read_counters(struct run *r, u32 *n)
{
	const u32 zero = 0;
	struct map_info info;
	u64 *v;

	*n = 0;
	if (r->counters < 0 || r->b->ops->map_info(r->b, (u32)r->counters, &info))
		return NULL;
	v = mem_alloc(info.value_bytes);
	if (r->b->ops->map_lookup(r->b, (u32)r->counters, &zero, v, 0)) {
		free(v);
		return NULL;
	}
	*n = (u32)(info.value_bytes / 8);
	return v;
}

static int set_counters(struct run *r)
{
	const u32 zero = 0;
	u32 n;
	u64 *v = read_counters(r, &n);
	int rc;

	if (!v)
		return 0;
	v[LC_CPID] = r->o->child;
	v[LC_START] = now_ns(CLOCK_BOOTTIME);
	rc = r->b->ops->map_update(r->b, (u32)r->counters, &zero, v, BPF_ANY);
	free(v);
	return rc ? err_set(r->err, ERR_RUN, NULL, "map %s: %s", r->o->unit->counters,
			    strerror(-rc)) : 0;
}

/* What was lost since it was last looked at. */
static void say_lost(struct run *r)
{
	u32 n;
	u64 *v = read_counters(r, &n);

	if (v && v[LC_LOST] > r->lost) {
		out_lost(&r->out, v[LC_LOST] - r->lost, &r->errors);
		r->lost = v[LC_LOST];
	}
	free(v);
}

static void say_full(struct run *r)
{
	const struct lang_unit *u = r->o->unit;
	u32 n;
	u64 *v = read_counters(r, &n);

	for (size_t i = 0; v && i < u->maps.n; i++) {
		const struct lang_map *m = &u->maps.v[i];
		struct map_info info = { 0 };

		if (m->lost >= n || !v[m->lost])
			continue;
		r->b->ops->map_info(r->b, (u32)r->map[i], &info);
		sb_printf(&r->errors, "WARNING: %s is full: %u keys kept, %llu events not counted\n"
			  "HINT: config = { max_map_keys = %u }\n", m->name, m->max_entries,
			  (unsigned long long)v[m->lost], m->max_entries * 2);
	}
	if (v && v[LC_STACK_LOST])
		sb_printf(&r->errors,
			  "WARNING: %llu stacks not kept: their tables are full\n"
			  "HINT: fewer frames, as kstack(8), or config = { max_map_keys = %u }\n",
			  (unsigned long long)v[LC_STACK_LOST],
			  (unsigned)max_u64(131072, u->config.max_map_keys));
	run_unwind_say(r, v ? v[LC_NO_ROWS] : 0);
	free(v);
}

/* ---- programs of the tracer itself ------------------------------------------- */

static const struct skep_prog *prog_of(struct run *r, const struct lang_place *p)
{
	return skep_object_prog(r->obj, p->prog);
}

static int run_once(struct run *r, const struct lang_place *p, u32 repeat, struct test_run *t)
{
	const struct skep_prog *prog = prog_of(r, p);
	static const u64 ctx[12];

	*t = (struct test_run){ .repeat = repeat, .ctx_in = ctx, .ctx_in_bytes = sizeof(ctx) };
	if (!prog || prog->loaded < 0)
		return err_set(r->err, ERR_RUN, NULL, "program '%s' is not loaded", p->prog);
	return r->b->ops->test_run(r->b, (u32)prog->loaded, t, r->err);
}

static int run_kind(struct run *r, enum lang_probe kind)
{
	struct test_run t;
	int rc = 0;

	for (size_t i = 0; !rc && i < r->o->unit->places.n && !r->ended; i++)
		if (r->o->unit->places.v[i].kind == kind) {
			rc = run_once(r, &r->o->unit->places.v[i], 1, &t);
			run_read(r);
		}
	return rc;
}

static int open_timers(struct run *r)
{
	for (size_t i = 0; i < r->o->unit->places.n; i++) {
		const struct lang_place *p = &r->o->unit->places.v[i];
		struct itimerspec t = { .it_interval = { (time_t)(p->period / 1000000000),
							 (long)(p->period % 1000000000) } };
		int fd;

		if (p->kind != LP_INTERVAL)
			continue;
		t.it_value = t.it_interval;
		fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (fd < 0 || timerfd_settime(fd, 0, &t, NULL))
			return err_set(r->err, ERR_RUN, NULL, "%s: %s", p->text, strerror(errno));
		*vec_push(&r->timers) = (struct run_timer){ fd, p };
	}
	return 0;
}

static int open_signals(struct run *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	for (size_t i = 0; i < r->o->unit->places.n; i++)
		if (r->o->unit->places.v[i].kind == LP_SELF)
			sigaddset(&set, (int)r->o->unit->places.v[i].signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? err_set(r->err, ERR_RUN, NULL, "%s", strerror(errno)) : 0;
}

static int on_signal(struct run *r)
{
	struct signalfd_siginfo s;
	struct test_run t;
	bool own = false;
	int rc = 0;

	if (read(r->signals, &s, sizeof(s)) != sizeof(s))
		return 0;
	for (size_t i = 0; !rc && i < r->o->unit->places.n; i++) {
		const struct lang_place *p = &r->o->unit->places.v[i];

		if (p->kind == LP_SELF && p->signal == s.ssi_signo) {
			own = true;
			rc = run_once(r, p, 1, &t);
		}
	}
	if (!own)
		r->ended = true;
	return rc;
}

/* ---- attaching --------------------------------------------------------------- */

static bool is_attached(const struct lang_place *p)
{
	switch (p->kind) {
	case LP_BEGIN:
	case LP_END:
	case LP_SELF:
	case LP_TEST:
	case LP_BENCH:
	case LP_INTERVAL:
		return false;
	default:
		return true;
	}
}

static int attach_one(struct run *r, const struct lang_place *p)
{
	const struct skep_prog *prog = prog_of(r, p);
	struct link_where w;
	struct link *l;
	int rc;

	link_where_init(&w);
	w.at = p->at;
	w.ref = p->ref;
	w.pid = p->kind == LP_UPROBE || p->kind == LP_URETPROBE || p->kind == LP_USDT ||
		p->kind == LP_PROFILE || p->kind == LP_SOFTWARE || p->kind == LP_HARDWARE ||
		p->kind == LP_WATCHPOINT ? (r->o->child ? r->o->child : r->o->pid) : 0;
	if (!prog || prog->loaded < 0)
		return err_set(r->err, ERR_RUN, NULL, "program '%s' is not loaded", p->prog);
	l = vec_push(&r->links);
	*l = (struct link){ .fd = -1 };
	rc = link_attach(l, r->b, (u32)prog->loaded, &w, r->err);
	if (rc)
		r->links.n--;
	else
		*vec_push(&r->linked) = p;
	return rc;
}

void run_unwatch(struct run *r, const struct lang_record *rec, u64 addr)
{
	static const char before[] = "mem:";
	bool found = false;

	for (size_t i = 0; i < r->linked.n; i++) {
		const struct lang_place *p = r->linked.v[i];

		if (p->kind != LP_WATCHPOINT ||
		    strtoull(p->at + sizeof(before) - 1, NULL, 0) != addr)
			continue;
		link_detach(&r->links.v[i]);
		r->links.v[i] = (struct link){ .fd = -1 };
		found = true;
	}
	if (!found && !r->o->no_warnings)
		sb_printf(&r->errors, "%s: WARNING: unwatch(): there is no watchpoint at 0x%llx\n",
			  rec->where, (unsigned long long)addr);
}

static int attach_all(struct run *r)
{
	const struct lang_unit *u = r->o->unit;
	const bool must = !strcmp(u->config.missing_probes, "error");
	int rc = 0;

	for (size_t i = 0; !rc && i < u->places.n; i++) {
		if (!is_attached(&u->places.v[i])) {
			r->attached +=
				u->places.v[i].kind != LP_TEST && u->places.v[i].kind != LP_BENCH;
			continue;
		}
		rc = attach_one(r, &u->places.v[i]);
		if (!rc)
			r->attached++;
		else if (!must) {
			if (strcmp(u->config.missing_probes, "ignore"))
				sb_printf(&r->errors, "WARNING: %s\n", r->err->text);
			rc = 0;
		}
	}
	return rc;
}

static void nothing(void *arg, const char *text, size_t n)
{
	struct run *r = arg;

	sb_add(&r->text, text, n);
	run_read(r);
}

/* Iterators run when they are read. */
static int read_iterators(struct run *r)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->links.n; i++)
		if (r->links.v[i].flags & LINK_READS)
			rc = link_read(&r->links.v[i], nothing, r);
	run_read(r);
	return rc ? err_set(r->err, ERR_ATTACH, NULL, "iterator: %s", strerror(-rc)) : 0;
}

static void detach_all(struct run *r)
{
	while (r->links.n)
		link_detach(&r->links.v[--r->links.n]);
	vec_free(&r->links);
	vec_free(&r->linked);
}

/* ---- waiting ----------------------------------------------------------------- */

static int on_timers(struct run *r, const struct pollfd *v)
{
	struct test_run t;
	u64 times;
	int rc = 0;

	for (size_t i = 0; !rc && !r->ended && i < r->timers.n; i++)
		if (v[i].revents && read(r->timers.v[i].fd, &times, 8) == 8) {
			rc = run_once(r, r->timers.v[i].place, 1, &t);
			run_read(r);
		}
	return rc;
}

/* Is there something that can still happen? */
static bool waits(const struct run *r)
{
	size_t others = r->timers.n;

	for (size_t i = 0; i < r->links.n; i++)
		others += !(r->links.v[i].flags & (LINK_READS | LINK_ONCE));
	for (size_t i = 0; i < r->o->unit->places.n; i++)
		others += r->o->unit->places.v[i].kind == LP_SELF;
	return others;
}

static int wait_all(struct run *r)
{
	const size_t n = 5 + r->timers.n;
	struct pollfd *v = mem_alloc(n * sizeof(*v));
	int rc = 0;

	v[0] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
	v[1] = (struct pollfd){ .fd = r->o->pidfd, .events = POLLIN };
	v[2] = (struct pollfd){ .fd = r->ring >= 0 && r->b->ops->map_fd ?
		r->b->ops->map_fd(r->b, (u32)r->ring) : -1, .events = POLLIN };
	v[3] = (struct pollfd){ .fd = run_space_fd(r), .events = POLLIN };
	v[4] = (struct pollfd){ .fd = run_pcap_fd(r), .events = POLLIN };
	for (size_t i = 0; i < r->timers.n; i++)
		v[5 + i] = (struct pollfd){ .fd = r->timers.v[i].fd, .events = POLLIN };
	for (u32 round = 0; !rc && !r->ended; round++) {
		if (poll(v, n, round < FIRST_TICKS ? FIRST_MS : TICK_MS) < 0 && errno != EINTR)
			rc = err_set(r->err, ERR_RUN, NULL, "%s", strerror(errno));
		run_space_read(r);
		run_read(r);
		run_pcap_read(r);
		if (!rc && v[0].revents)
			rc = on_signal(r);
		if (!rc)
			rc = on_timers(r, v + 5);
		if (v[1].revents)
			r->ended = true;
		say_lost(r);
		run_flush(r, false);
	}
	free(v);
	return rc;
}

/* ---- tests and benchmarks ---------------------------------------------------- */

static int benches(struct run *r)
{
	const struct lang_unit *u = r->o->unit;
	size_t width = strlen("BENCHMARK");
	struct strbuf rows = { 0 };
	int rc = 0;

	for (size_t i = 0; i < u->places.n; i++)
		if (u->places.v[i].kind == LP_BENCH)
			width = max_u64(width, strlen(u->places.v[i].text + 6));
	for (size_t i = 0; !rc && i < u->places.n; i++) {
		struct test_run t;

		if (u->places.v[i].kind != LP_BENCH)
			continue;
		rc = run_bench(r, &u->places.v[i], &t);
		if (r->o->json)
			sb_printf(&rows,
				  "{\"type\": \"benchmark_result\", \"data\": {\"%s\": %llu}}\n",
				  u->places.v[i].text + 6, (unsigned long long)t.duration_ns);
		else
			sb_printf(&rows, "| %-*s | %-11llu |\n", (int)width,
				  u->places.v[i].text + 6, (unsigned long long)t.duration_ns);
	}
	if (!r->o->json) {
		struct strbuf line = { 0 };

		sb_putc(&line, '+');
		for (size_t i = 0; i < width + 2; i++)
			sb_putc(&line, '-');
		sb_puts(&line, "+-------------+\n");
		sb_printf(&r->text, "\n\n%s| %-*s | NANOSECONDS |\n%s%s%s\n", sb_text(&line),
			  (int)width, "BENCHMARK", sb_text(&line), sb_text(&rows), sb_text(&line));
		sb_free(&line);
	} else {
		sb_puts(&r->text, sb_text(&rows));
	}
	sb_free(&rows);
	return rc;
}

/* The mean of enough runs to take a while; an engine that repeats by itself measures. */
int run_bench(struct run *r, const struct lang_place *p, struct test_run *t)
{
	u32 n = 16;
	int rc;

	for (;;) {
		u64 began = now_ns(CLOCK_MONOTONIC), took;

		rc = run_once(r, p, r->o->user ? n : 1, t);
		for (u32 i = 1; !rc && !r->o->user && i < n; i++)
			rc = run_once(r, p, 1, t);
		took = now_ns(CLOCK_MONOTONIC) - began;
		r->discard = true;
		run_read(r);
		r->discard = false;
		if (rc || took > 50000000 || n > 1u << 24) {
			if (!t->duration_ns)
				t->duration_ns = took / n;
			return rc;
		}
		n *= 4;
	}
}

static int tests(struct run *r)
{
	const struct lang_unit *u = r->o->unit;
	u32 failed = 0, all = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < u->places.n; i++) {
		const struct lang_place *p = &u->places.v[i];
		struct strbuf was = r->text;
		struct test_run t;
		bool bad;

		if (p->kind != LP_TEST)
			continue;
		r->text = (struct strbuf){ 0 };
		r->status = 0;
		r->holds = true;
		rc = run_once(r, p, 1, &t);
		run_read(r);
		r->holds = false;
		bad = rc || t.retval || r->status;
		failed += bad;
		all++;
		if (r->o->json)
			sb_printf(&was, "{\"type\": \"test_result\", \"data\": {\"%s\": %s}}\n",
				  p->text + 5, bad ? "false" : "true");
		else
			sb_printf(&was, "%s %s\n%s", bad ? "FAILED" : "PASSED", p->text,
				  bad ? sb_text(&r->text) : "");
		sb_free(&r->text);
		r->text = was;
		r->ended = false;
	}
	if (!r->o->json)
		sb_printf(&r->text, "%u of %u tests passed\n", all - failed, all);
	r->status = failed ? 1 : 0;
	return rc;
}

/* ---- the whole --------------------------------------------------------------- */

static void open_out(struct run *r)
{
	r->types.arena = r->o->unit->arena;
	r->out = (struct out){ .u = r->o->unit,
			       .types = &r->types,
			       .json = r->o->json,
			       .b = &r->text,
			       .arg = r,
			       .boot_to_real =
				       (s64)(now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME)) };
	run_names_open(r);
}

static int by_name(const void *a, const void *b, void *arg)
{
	const struct lang_unit *u = arg;

	return strcmp(u->maps.v[*(const u32 *)a].name, u->maps.v[*(const u32 *)b].name);
}

static void print_maps(struct run *r)
{
	const size_t n = r->o->unit->maps.n;
	u32 *order = mem_alloc((n + 1) * sizeof(*order));

	if (!r->o->json && !r->o->folded)
		sb_putc(&r->text, '\n');
	for (size_t i = 0; i < n; i++)
		order[i] = (u32)i;
	qsort_r(order, n, sizeof(*order), by_name, (void *)(uintptr_t)r->o->unit);
	for (size_t i = 0; i < n && r->o->unit->config.print_maps_on_exit; i++)
		run_print_map(r, order[i], 0, 0, true);
	free(order);
}

/* Detaching takes the kernel a while: without an end results come before it. */
static bool has_end(const struct run *r)
{
	for (size_t i = 0; i < r->o->unit->places.n; i++)
		if (r->o->unit->places.v[i].kind == LP_END)
			return true;
	return false;
}

static int probes(struct run *r)
{
	int rc = run_kind(r, LP_BEGIN);

	run_space_open(r);
	run_unwind_open(r);
	if (!rc && !r->ended)
		rc = attach_all(r);
	if (rc)
		return rc;
	if (!r->ended && !r->o->quiet)
		out_attached(&r->out, r->attached, &r->errors);
	run_flush(r, true);
	if (!rc && !r->ended)
		rc = open_timers(r);
	if (!rc && r->o->go)
		rc = r->o->go(r->o->go_arg, r->err);
	if (!rc && r->unwind && r->o->child)
		run_space_watch(r, r->o->child);
	if (!rc && r->o->go_on)
		rc = r->o->go_on(r->o->go_arg, r->err);
	r->began = !rc;
	if (!rc && !r->ended)
		rc = read_iterators(r);
	if (!rc && !r->ended && waits(r))
		rc = wait_all(r);
	run_read(r);
	r->ended = false;
	if (rc || !has_end(r))
		return rc;
	detach_all(r);
	run_read(r);
	r->ended = false;
	return run_kind(r, LP_END);
}

static int run(struct run *r)
{
	int rc;

	rc = open_signals(r);
	if (!rc)
		rc = load(r);
	if (rc || r->o->dry_run)
		return rc;
	open_out(r);
	rc = set_counters(r);
	if (!rc)
		rc = run_pcap_open(r);
	if (!rc)
		rc = r->o->test ? tests(r) : r->o->bench ? benches(r) : probes(r);
	say_lost(r);
	say_full(r);		/* as it was at the end: some probes are still attached */
	if (r->began)
		print_maps(r);
	run_space_say(r);
	run_pcap_close(r);
	return rc;
}

int trace_run(const struct trace_run *o, struct skep_err *err)
{
	struct run r = { .o = o, .err = err, .signals = -1, .ring = -1, .counters = -1,
			 .packets = -1 };
	int rc;

	r.map = mem_alloc((o->unit->maps.n + 1) * sizeof(*r.map));
	rc = run(&r);
	run_flush(&r, true);
	detach_all(&r);
	for (size_t i = 0; i < r.timers.n; i++)
		close(r.timers.v[i].fd);
	vec_free(&r.timers);
	if (r.signals >= 0)
		close(r.signals);
	run_names_close(&r);
	run_space_close(&r);
	run_unwind_close(&r);
	skep_object_close(r.obj);
	free(r.map);
	sb_free(&r.text);
	sb_free(&r.errors);
	return rc ? rc : r.status;
}

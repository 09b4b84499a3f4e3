/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_profile.c: `skep prog profile`: counters of the processor while a program runs
 * (kernel/profile.h), in bpftool's form. Says which of them this machine has not.
 */
#include "cli/prog_cmd.h"
#include "cli/prog_view.h"
#include "kernel/profile.h"
#include <inttypes.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CACHE(what, op, result) \
	(PERF_COUNT_HW_CACHE_##what | PERF_COUNT_HW_CACHE_OP_##op << 8 | \
	 PERF_COUNT_HW_CACHE_RESULT_##result << 16)

enum { CYCLES, INSTRUCTIONS, NO_RATIO = -1 };

static const struct metric {
	const char *name;
	u32 type;
	u64 config;
	int per;		/* the metric that it is told per, when that is counted, too */
	double times;
	const char *what;
} metrics[PROFILE_MAX] = {
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, NO_RATIO, 0, "" },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, CYCLES, 1,
	  "insns per cycle" },
	{ "l1d_loads", PERF_TYPE_HW_CACHE, CACHE(L1D, READ, ACCESS), NO_RATIO, 0, "" },
	{ "llc_misses", PERF_TYPE_HW_CACHE, CACHE(LL, READ, MISS), INSTRUCTIONS, 1e6,
	  "LLC misses per million insns" },
	{ "itlb_misses", PERF_TYPE_HW_CACHE, CACHE(ITLB, READ, MISS), INSTRUCTIONS, 1e6,
	  "itlb misses per million insns" },
	{ "dtlb_misses", PERF_TYPE_HW_CACHE, CACHE(DTLB, READ, MISS), INSTRUCTIONS, 1e6,
	  "dtlb misses per million insns" },
};

/* What was asked for: in the order of the table, whatever that of the words is. */
struct wanted {
	bool is[PROFILE_MAX];
	struct profile_metric list[PROFILE_MAX];
	u32 n;
	struct profile_value value[PROFILE_MAX];	/* by number in the table */
	u64 runs;
};

static const struct metric *find_metric(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		if (!strcmp(metrics[i].name, name))
			return &metrics[i];
	return NULL;
}

/* Why the machine does not count M: an errno, 0 when it does. */
static int why_not(const struct metric *m)
{
	struct perf_event_attr a = { .size = sizeof(a), .type = m->type, .config = m->config,
				     .disabled = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int no_metric(const char *name, struct skep_err *err)
{
	const char *names[ARRAY_LEN(metrics)], *near;
	int r = err_set(err, ERR_USAGE, NULL, "%s%s%s: there are cycles, instructions, l1d_loads, "
			"llc_misses, itlb_misses and dtlb_misses", name ? "no metric '" : "which "
			"metrics?", name ? name : "", name ? "'" : "");

	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		names[i] = metrics[i].name;
	near = name ? err_nearest(name, names, ARRAY_LEN(metrics)) : NULL;
	if (near)
		err_help(err, "did you mean %s?", near);
	return r;
}

static int no_counter(const struct metric *m, int code, struct skep_err *err)
{
	err_set(err, ERR_COUNTERS, NULL, "this machine does not count %s: %s", m->name,
		strerror(code));
	if (code == ENOENT || code == EOPNOTSUPP)
		err_note(err, "its processor has no such counter, or its hypervisor does not "
			 "show it to this system");
	return err->code;
}

/* All metrics that are asked for are ones, and are counted here. */
static int parse_metrics(struct tool *t, struct wanted *w)
{
	const char *name = word_next(&t->w);
	int code;

	if (!name)
		return no_metric(NULL, &t->err);
	for (; name; name = word_next(&t->w)) {
		const struct metric *m = find_metric(name);

		if (!m)
			return no_metric(name, &t->err);
		code = why_not(m);
		if (code)
			return no_counter(m, code, &t->err);
		w->is[m - metrics] = true;
	}
	for (u32 i = 0; i < PROFILE_MAX; i++)
		if (w->is[i])
			w->list[w->n++] = (struct profile_metric){ metrics[i].name,
				metrics[i].type, metrics[i].config };
	return 0;
}

/* ---- the time ------------------------------------------------------------------------ */

/* SECONDS, UINT32_MAX no end, or until somebody wants an end. */
static void wait_until(u32 seconds, const sigset_t *ends)
{
	const struct timespec time = { .tv_sec = seconds };

	while (sigtimedwait(ends, NULL, seconds == UINT32_MAX ? NULL : &time) < 0 &&
	       errno == EINTR)
		;
}

/* Signals are blocked before anything is attached: an end takes all with it. */
static int count(struct tool *t, struct wanted *w, const struct live_prog *p, u32 seconds)
{
	struct profile_value v[PROFILE_MAX];
	char *name = prog_full_name(p);
	struct profile *profile;
	sigset_t ends, old;
	u32 n = 0;
	int r;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &old);
	r = profile_open(&profile, p->id, name, w->list, w->n, &t->err);
	free(name);
	if (!r) {
		wait_until(seconds, &ends);
		r = profile_read(profile, &w->runs, v);
		if (r)
			err_set(&t->err, ERR_KERNEL, NULL, "what was counted cannot be read: %s",
				strerror(-r));
		profile_close(profile);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (u32 i = 0; !r && i < PROFILE_MAX; i++)
		if (w->is[i])
			w->value[i] = v[n++];
	return r;
}

/* ---- output --------------------------------------------------------------------------- */

static void print_json(struct json *j, const struct wanted *w)
{
	json_arr(j, NULL);
	for (u32 i = 0; i < PROFILE_MAX; i++) {
		if (!w->is[i])
			continue;
		json_obj(j, NULL);
		json_str(j, "metric", metrics[i].name);
		json_u64(j, "run_cnt", w->runs);
		json_u64(j, "value", w->value[i].counter);
		json_u64(j, "enabled", w->value[i].enabled);
		json_u64(j, "running", w->value[i].running);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void print_metric(struct strbuf *out, const struct wanted *w, u32 i)
{
	const struct profile_value *v = &w->value[i];
	const int per = metrics[i].per;

	sb_printf(out, "%18" PRIu64 " %-20s", v->counter, metrics[i].name);
	if (per != NO_RATIO && w->is[per] && w->value[per].counter)
		sb_printf(out, "# %8.2f %-30s", (double)v->counter * metrics[i].times /
			  (double)w->value[per].counter, metrics[i].what);
	else
		sb_printf(out, "%-41s", "");
	if (v->enabled > v->running)	/* it shared a counter with others */
		sb_printf(out, "(%4.2f%%)", (double)v->running * 100 / (double)v->enabled);
	sb_putc(out, '\n');
}

static int print(struct tool *t, const struct wanted *w)
{
	if (t->form.json)
		print_json(&t->j, w);
	else
		sb_printf(&t->out, "\n%18" PRIu64 " %-20s\n", w->runs, "run_cnt");
	for (u32 i = 0; !t->form.json && i < PROFILE_MAX; i++)
		if (w->is[i])
			print_metric(&t->out, w, i);
	return tool_finish(t);
}

int prog_profile(struct tool *t)
{
	int fd = prog_parse(&t->w, &t->err), r = 0;
	struct wanted w = { 0 };
	u32 seconds = UINT32_MAX;
	struct live_prog p;

	if (fd < 0)
		return fd;
	r = live_prog_read(&p, fd, &t->err);
	if (r)
		return r;
	if (word_take(&t->w, "duration"))
		r = word_u32(&t->w, "the duration in seconds", &seconds, &t->err);
	if (!r)
		r = parse_metrics(t, &w);
	if (!r)
		r = count(t, &w, &p, seconds);
	close(fd);
	return r ? r : print(t, &w);
}

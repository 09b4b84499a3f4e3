/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_profile.c: `skep prog profile`: counters of the processor while a program runs.
 * Says which of them this machine has not.
 */
#include "cli/prog_cmd.h"
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CACHE(what, op, result) \
	(PERF_COUNT_HW_CACHE_##what | PERF_COUNT_HW_CACHE_OP_##op << 8 | \
	 PERF_COUNT_HW_CACHE_RESULT_##result << 16)

static const struct metric { const char *name; u32 type; u64 config; } metrics[] = {
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "l1d_loads", PERF_TYPE_HW_CACHE, CACHE(L1D, READ, ACCESS) },
	{ "llc_misses", PERF_TYPE_HW_CACHE, CACHE(LL, READ, MISS) },
	{ "itlb_misses", PERF_TYPE_HW_CACHE, CACHE(ITLB, READ, MISS) },
	{ "dtlb_misses", PERF_TYPE_HW_CACHE, CACHE(DTLB, READ, MISS) },
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

/* All metrics that are asked for are ones, and are counted here. */
static int check_metrics(struct tool *t)
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
		if (!code)
			continue;
		err_set(&t->err, ERR_COUNTERS, NULL, "this machine does not count %s: %s", name,
			strerror(code));
		if (code == ENOENT || code == EOPNOTSUPP)
			err_note(&t->err, "its processor has no such counter, or its hypervisor "
				 "does not show it to this system");
		return t->err.code;
	}
	return 0;
}

int prog_profile(struct tool *t)
{
	int fd = prog_parse(&t->w, &t->err), r = 0;
	u32 seconds;

	if (fd < 0)
		return fd;
	close(fd);
	if (word_take(&t->w, "duration"))
		r = word_u32(&t->w, "the duration in seconds", &seconds, &t->err);
	if (!r)
		r = check_metrics(t);
	return r ? r : err_set(&t->err, ERR_UNSUPPORTED, NULL,
			       "counting what the processor does while one program runs");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_perf.c: programs on events of perf: software and hardware counters that sample,
 * breakpoints, and what other families attach through such an event.
 */
#include "kernel/link_priv.h"
#include "base/os.h"
#include <ctype.h>
#include <linux/hw_breakpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A link (5.15) keeps the event by itself. The first one of a program is its link. */
static int by_link(struct link_job *j, int event)
{
	const struct link_attr a = { .prog_fd = (u32)j->prog_fd, .target_fd = (u32)event,
		.attach_type = BPF_PERF_EVENT, .u.perf_event.cookie = j->w->cookie };
	int fd = link_create(&a);

	if (fd < 0)
		return fd;
	if (j->l->fd < 0)
		j->l->fd = fd;
	else
		*vec_push(&j->l->fds) = fd;
	return 0;
}

int link_perf_attach(struct link_job *j, int fd)
{
	int r = link_kernel_before(j, "5.15") ? -EINVAL : by_link(j, fd);

	if (r == -EINVAL && !j->w->has_cookie)
		r = ioctl(fd, PERF_EVENT_IOC_SET_BPF, j->prog_fd) ? -errno : 0;
	if (!r && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		r = -errno;
	if (r) {
		close(fd);
		return r;
	}
	*vec_push(&j->l->fds) = fd;
	j->l->places++;
	return 0;
}

/* ---- which event ----------------------------------------------------------- */

static const struct { const char *name; u32 type; u64 config; u64 period; } events[] = {
#define SW(name, id, period) { name, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##id, period }
#define HW(name, id, period) { name, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##id, period }
	SW("cpu-clock", CPU_CLOCK, 0), SW("task-clock", TASK_CLOCK, 0),
	SW("page-faults", PAGE_FAULTS, 1), SW("faults", PAGE_FAULTS, 1),
	SW("minor-faults", PAGE_FAULTS_MIN, 1), SW("major-faults", PAGE_FAULTS_MAJ, 1),
	SW("context-switches", CONTEXT_SWITCHES, 1), SW("cs", CONTEXT_SWITCHES, 1),
	SW("cpu-migrations", CPU_MIGRATIONS, 1), SW("migrations", CPU_MIGRATIONS, 1),
	SW("alignment-faults", ALIGNMENT_FAULTS, 1), SW("emulation-faults", EMULATION_FAULTS, 1),
	SW("bpf-output", BPF_OUTPUT, 1),
	HW("cycles", CPU_CYCLES, 1000000), HW("cpu-cycles", CPU_CYCLES, 1000000),
	HW("instructions", INSTRUCTIONS, 1000000),
	HW("cache-references", CACHE_REFERENCES, 10000),
	HW("cache-misses", CACHE_MISSES, 10000),
	HW("branches", BRANCH_INSTRUCTIONS, 100000), HW("branch-misses", BRANCH_MISSES, 10000),
	HW("bus-cycles", BUS_CYCLES, 100000), HW("ref-cycles", REF_CPU_CYCLES, 1000000),
#undef SW
#undef HW
};

enum { FREQUENCY = 99 };	/* of clocks, a second, when nobody says */

/* "@N": each N; "@Nhz": N a second. Without it what suits the event. */
static int parse_rate(struct link_job *j, struct perf_event_attr *a, const char *text, u64 period)
{
	char *end = NULL;
	u64 n = text ? strtoull(text, &end, 10) : 0;

	a->sample_period = period ? period : FREQUENCY;
	a->freq = !period;
	if (!text)
		return 0;
	a->freq = !strcmp(end, "hz");
	a->sample_period = n;
	if (!n || !isdigit((unsigned char)*text) || (*end && !a->freq))
		return link_bad_where(j, "'@%s' is neither @N, each N events, nor @Nhz, N a second",
				      text);
	return 0;
}

/* "mem:ADDRESS[/BYTES][:rwx]" as perf writes it. */
static int parse_breakpoint(struct link_job *j, struct perf_event_attr *a, const char *text)
{
	char *end;

	a->type = PERF_TYPE_BREAKPOINT;
	a->bp_len = HW_BREAKPOINT_LEN_4;
	a->bp_addr = strtoull(text, &end, 0);
	if (*end == '/')
		a->bp_len = strtoull(end + 1, &end, 10);
	if (*end == ':')
		while (*++end && strchr("rwx", *end))
			a->bp_type |= *end == 'r' ? HW_BREAKPOINT_R : *end == 'w' ?
				      HW_BREAKPOINT_W : HW_BREAKPOINT_X;
	if (!a->bp_type)
		a->bp_type = HW_BREAKPOINT_RW;
	if (a->bp_type == HW_BREAKPOINT_X)
		a->bp_len = sizeof(long);
	if (end == text || *end || !a->bp_addr)
		return link_bad_where(j, "'mem:%s' is not mem:ADDRESS[/BYTES][:rwx]", text);
	return 0;
}

static int no_event(struct link_job *j, const char *name)
{
	const char *names[ARRAY_LEN(events)], *near;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		names[i] = events[i].name;
	near = err_nearest(name, names, ARRAY_LEN(events));
	r = link_bad_where(j, "there is no event '%s'", name);
	if (near)
		err_help(j->err, "did you mean '%s'?", near);
	return r;
}

static int parse_event(struct link_job *j, struct perf_event_attr *a, char *text)
{
	char *rate = strchr(text, '@');

	if (rate)
		*rate++ = 0;
	if (!strncmp(text, "mem:", 4)) {
		int r = parse_breakpoint(j, a, text + 4);

		return r ? r : parse_rate(j, a, rate, 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (!strcmp(events[i].name, text)) {
			a->type = events[i].type;
			a->config = events[i].config;
			return parse_rate(j, a, rate, events[i].period);
		}
	return no_event(j, text);
}

/* ---- attaching ------------------------------------------------------------- */

/* An event is of a thread: one for each that there is, which those that it makes have,
 * too (5.13; before, also processes that it makes). */
static int open_threads(struct link_job *j, const struct perf_event_attr *attr)
{
	struct perf_event_attr a = *attr;
	char path[64], **names;
	size_t n;
	int r = 0, fd;

	a.inherit = 1;
	a.inherit_thread = !link_kernel_before(j, "5.13");
	snprintf(path, sizeof(path), "/proc/%u/task", j->w->pid);
	names = os_dir_names(path, &n);
	for (size_t i = 0; i < n; i++) {
		fd = r ? r : sys_perf_open(&a, atoi(names[i]), -1);
		free(names[i]);
		if (fd == -ESRCH && n > 1)	/* one that has ended meanwhile */
			continue;
		r = fd < 0 ? fd : link_perf_attach(j, fd);
	}
	free(names);
	return r || j->l->places ? r : -ESRCH;
}

/* Of a process, else one event for each cpu that is there. */
static int open_all(struct link_job *j, const struct perf_event_attr *a)
{
	int r = 0, fd;

	if (j->w->pid)
		return open_threads(j, a);
	for (u32 cpu = 0; !r && cpu < j->k->cpus; cpu++) {
		fd = sys_perf_open(a, -1, (s32)cpu);
		if (fd == -ENODEV)	/* not online */
			continue;
		r = fd < 0 ? fd : link_perf_attach(j, fd);
	}
	return r;
}

int link_perf_event(struct link_job *j)
{
	struct perf_event_attr a = { .size = sizeof(a), .disabled = 1 };
	char *text = mem_strdup(*j->w->at ? j->w->at : "cpu-clock");
	int r = parse_event(j, &a, text);

	if (!r && (r = open_all(j, &a))) {
		r = link_refused(j, r, "event %s", text);
		if (a.type == PERF_TYPE_HARDWARE)
			err_note(j->err, "a virtual machine may have no hardware counters; "
				 "cpu-clock is one of software");
	}
	if (!r)
		link_says(j, "%s", *j->w->at ? j->w->at : "cpu-clock");
	free(text);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks_perf.c: events that have programs, by BPF_TASK_FD_QUERY on what processes have
 * open. */
#include "kernel/hooks.h"
#include "base/os.h"
#include "kernel/sys.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_BYTES = 4096 };

struct walk {
	void (*fn)(void *arg, const struct hook_perf *p);
	void *arg;
	char name[NAME_BYTES];
};

/* Only such descriptors are asked for: the question costs more than this. */
static bool may_be(u32 pid, const char *fd)
{
	char path[64], to[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/fd/%.16s", pid, fd);
	n = readlink(path, to, sizeof(to) - 1);
	to[n < 0 ? 0 : n] = 0;
	return strstr(to, "[perf_event]") || strstr(to, "bpf") || strstr(to, "raw-tracepoint");
}

static int ask(struct walk *w, struct hook_perf *p)
{
	union bpf_attr a = { .task_fd_query = { .pid = p->pid, .fd = p->fd,
		.buf_len = sizeof(w->name), .buf = (uintptr_t)w->name } };
	int r;

	w->name[0] = 0;
	r = sys_bpf(BPF_TASK_FD_QUERY, &a);
	if (r)
		return r;
	p->prog = a.task_fd_query.prog_id;
	p->event = (enum hook_event)a.task_fd_query.fd_type;
	p->offset = a.task_fd_query.probe_offset;
	p->addr = a.task_fd_query.probe_addr;
	p->name = w->name;
	return 0;
}

static bool is_number(const char *s)
{
	return s[strspn(s, "0123456789")] == 0 && isdigit((unsigned char)*s);
}

static void free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int by_number(const void *a, const void *b)
{
	unsigned long x = strtoul(*(char *const *)a, NULL, 10);
	unsigned long y = strtoul(*(char *const *)b, NULL, 10);

	return x < y ? -1 : x > y;
}

static int walk_process(struct walk *w, u32 pid)
{
	char path[32];
	size_t n = 0;
	char **fds;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	fds = os_dir_names(path, &n);
	if (n)
		qsort(fds, n, sizeof(*fds), by_number);
	for (size_t i = 0; r != -EPERM && i < n; i++) {
		struct hook_perf p = { .pid = pid, .fd = (u32)strtoul(fds[i], NULL, 10) };

		if (!may_be(pid, fds[i]))
			continue;
		r = ask(w, &p);
		if (!r)
			w->fn(w->arg, &p);
	}
	free_names(fds, n);
	return r == -EPERM ? r : 0;
}

int hook_perf_each(void (*fn)(void *arg, const struct hook_perf *p), void *arg)
{
	struct walk w = { .fn = fn, .arg = arg };
	size_t n = 0;
	char **pids = os_dir_names("/proc", &n);
	int r = pids ? 0 : -ENOENT;

	if (n)
		qsort(pids, n, sizeof(*pids), by_number);
	for (size_t i = 0; !r && i < n; i++)
		if (is_number(pids[i]))
			r = walk_process(&w, (u32)strtoul(pids[i], NULL, 10));
	free_names(pids, n);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printk.c: an instance of tracefs with the event of bpf_trace_printk and kernel stacks,
 * read as text: a line for the event, at the columns that the kernel gives all events,
 * then one for its stack and one for each frame.
 */
#include "kernel/printk.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "kernel/link_priv.h"
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
enum { SYS_close_range = 436 };
#endif

enum { COMM = 16, TAG = 16, RMDIR_TRIES = 200, GUARD_TRIES = 12000, PART = 1 << 16 };

/* An event of which the end, or the stack, may be still to come. */
struct pending {
	struct printk_line line;
	struct strbuf text;
	bool has_stack, is_own;
	bool aged;		/* nothing came for it since the reading before this one */
};

struct printk {
	struct kernel *k;
	int instances;		/* the folder */
	char name[48];
	int pipe;		/* trace_pipe */
	int alive;		/* whose closing ends the child */
	pid_t child;
	struct strbuf in;	/* what was read and has no newline yet */
	VEC(struct pending) open;	/* at most one of a cpu */
	struct pending *at;	/* that lines without a head belong to, or NULL */
	u64 lost;
	printk_fn *fn;
	void *arg;
};

/* ---- the instance ---------------------------------------------------------- */

static void remove_instance(const struct printk *p, int tries)
{
	/* it is busy for as long as somebody who ends has it open */
	for (int i = 0; i < tries; i++) {
		if (!unlinkat(p->instances, p->name, AT_REMOVEDIR) || errno != EBUSY)
			return;
		usleep(5000);
	}
}

/* What is attached would stay as long as somebody has it open. */
static void close_all_but(u32 a, u32 b)
{
	const u32 low = a < b ? a : b, high = a < b ? b : a;

	if (low)
		syscall(SYS_close_range, 0, low - 1, 0);
	if (high > low + 1)
		syscall(SYS_close_range, low + 1, high - 1, 0);
	syscall(SYS_close_range, high + 1, UINT32_MAX, 0);
}

/* Lives until the other end of the pipe is closed, by whatever end of its owner. */
static void guard(const struct printk *p, int end)
{
	char byte;

	close_all_but((u32)end, (u32)p->instances);
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	remove_instance(p, GUARD_TRIES);
	_exit(0);
}

static int start_guard(struct printk *p)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	p->child = fork();
	if (!p->child)
		guard(p, ends[0]);
	close(ends[0]);
	p->alive = ends[1];
	return p->child < 0 ? -errno : 0;
}

static int write_file(const struct printk *p, const char *path, const char *text)
{
	char name[160];
	int fd, r;

	snprintf(name, sizeof(name), "%s/%s", p->name, path);
	fd = openat(p->instances, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int open_pipe(struct printk *p)
{
	char name[80];

	snprintf(name, sizeof(name), "%s/trace_pipe", p->name);
	p->pipe = openat(p->instances, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return p->pipe < 0 ? -errno : 0;
}

static int make(struct printk *p)
{
	int r;

	p->instances = tracefs_open("instances");
	if (p->instances < 0)
		return p->instances;
	/* all name spaces of processes, which count by themselves, have these in common */
	snprintf(p->name, sizeof(p->name), "skep-%u-%" PRIx64, (unsigned)getpid(),
		 os_clock_real_ns());
	r = start_guard(p);	/* first: who is killed behind mkdir leaves it to the guard */
	if (!r && mkdirat(p->instances, p->name, 0700))
		r = -errno;
	if (!r)
		r = open_pipe(p);
	if (!r && p->k)
		write_file(p, "options/stacktrace", "1");
	return r ? r : write_file(p, "events/bpf_trace/bpf_trace_printk/enable", "1");
}

int printk_open(struct printk **out, struct backend *b, struct skep_err *err)
{
	struct printk *p = mem_alloc(sizeof(*p));
	int r;

	p->k = b ? kernel_of(b) : NULL;
	p->pipe = p->alive = p->instances = -1;
	r = make(p);
	*out = p;
	if (!r)
		return 0;
	printk_close(p);
	*out = NULL;
	err_set(err, ERR_KERNEL, NULL, "what programs print (bpf_printk) cannot be read: %s",
		sys_error(r));
	err_note(err, "it needs a trace buffer of its own, an instance of tracefs");
	kernel_why(err, r);
	return r;
}

void printk_close(struct printk *p)
{
	if (!p)
		return;
	if (p->pipe >= 0)
		close(p->pipe);
	if (p->instances >= 0)
		remove_instance(p, RMDIR_TRIES);
	if (p->alive >= 0)
		close(p->alive);
	if (p->child > 0)
		waitpid(p->child, NULL, 0);
	if (p->instances >= 0)
		close(p->instances);
	for (size_t i = 0; i < p->open.n; i++)
		sb_free(&p->open.v[i].text);
	vec_free(&p->open);
	sb_free(&p->in);
	free(p);
}

int printk_fd(const struct printk *p) { return p->pipe; }
u64 printk_lost(const struct printk *p) { return p->lost; }

/* ---- lines ----------------------------------------------------------------- */

static void emit(struct printk *p, struct pending *e)
{
	if (e->is_own || !e->has_stack) {
		e->line.text = sb_text(&e->text);
		e->line.n = e->text.n;
		while (e->line.n && e->line.text[e->line.n - 1] == '\n')
			e->line.n--;
		p->fn(p->arg, &e->line);
	}
	sb_free(&e->text);
	*e = p->open.v[--p->open.n];
	p->at = NULL;
}

static struct pending *of_cpu(struct printk *p, u32 cpu)
{
	for (size_t i = 0; i < p->open.n; i++)
		if (p->open.v[i].line.cpu == cpu)
			return &p->open.v[i];
	return NULL;
}

/* "            comm-123     [001] ...11   12.345678: ": *REST is what follows. */
static bool parse_head(struct printk_line *l, const char *line, size_t n, const char **rest)
{
	unsigned pid, cpu, sec, us;
	char flags[sizeof(l->flags)] = "";
	int used = 0;
	const char *comm = line;

	if (n < COMM + 1 || line[COMM] != '-' ||
	    sscanf(line + COMM + 1, "%u [%u] %15s %u.%u: %n", &pid, &cpu, flags, &sec, &us,
		   &used) < 5 ||
	    !used)
		return false;
	while (comm < line + COMM - 1 && *comm == ' ')
		comm++;
	*l = (struct printk_line){ .pid = pid, .cpu = cpu, .time_us = sec * 1000000ull + us };
	memcpy(l->comm, comm, (size_t)(line + COMM - comm));
	memcpy(l->flags, flags, sizeof(flags));
	*rest = line + COMM + 1 + used;
	return true;
}

/* The program of K that TEXT, a tag in hexadecimal, "_" and a name, is of, or NULL.
 * Programs of the same instructions have one tag. */
static const char *program_of(struct kernel *k, const char *text)
{
	const char *found = NULL;
	char tag[TAG + 1];

	for (size_t i = 0; i < k->progs.n; i++) {
		const char *name = k->progs.v[i].prog->name;

		for (int b = 0; b < TAG / 2; b++)
			snprintf(tag + 2 * b, 3, "%02x", k->progs.v[i].tag[b]);
		if (memcmp(tag, text, TAG))
			continue;
		if (!found || !strncmp(text + TAG + 1, name, strlen(name)))
			found = name;
	}
	return found;
}

static void take_frame(struct printk *p, const char *line)
{
	const char *at = strstr(line, "bpf_prog_");
	const char *name;

	if (!at || strlen(at) < 9 + TAG)
		return;
	name = program_of(p->k, at + 9);
	if (name) {
		p->at->is_own = true;
		p->at->line.program = name;
	}
}

static void begin(struct printk *p, const struct printk_line *l, const char *text)
{
	struct pending *old = of_cpu(p, l->cpu), *e;

	if (old)
		emit(p, old);
	e = vec_push(&p->open);
	*e = (struct pending){ .line = *l };
	sb_puts(&e->text, text);
	p->at = e;
}

/* A line of N bytes, without its newline; NUL-terminated. */
static void take_line(struct printk *p, const char *line, size_t n)
{
	static const char event[] = "bpf_trace_printk: ", stack[] = "<stack trace>";
	struct printk_line l;
	const char *rest;
	unsigned long long lost;

	if (parse_head(&l, line, n, &rest)) {
		if (p->at && p->at->has_stack)
			emit(p, p->at);
		p->at = NULL;
		if (!strncmp(rest, event, sizeof(event) - 1))
			begin(p, &l, rest + sizeof(event) - 1);
		else if (!strncmp(rest, stack, sizeof(stack) - 1) && (p->at = of_cpu(p, l.cpu)))
			p->at->has_stack = true;
	} else if (!strncmp(line, "CPU:", 4) &&
		   sscanf(line, "CPU:%*u [LOST %llu EVENTS]", &lost) == 1) {
		p->lost += lost;
	} else if (p->at && p->at->has_stack) {
		take_frame(p, line);
	} else if (p->at) {
		sb_putc(&p->at->text, '\n');
		sb_add(&p->at->text, line, n);
	}
}

static void take_lines(struct printk *p)
{
	char *at = p->in.s, *end = at + p->in.n, *nl;
	struct strbuf rest = { 0 };

	while (at < end && (nl = memchr(at, '\n', (size_t)(end - at)))) {
		*nl = 0;
		take_line(p, at, (size_t)(nl - at));
		at = nl + 1;
	}
	sb_add(&rest, at, (size_t)(end - at));
	sb_free(&p->in);
	p->in = rest;
}

int printk_read(struct printk *p, printk_fn *fn, void *arg)
{
	char *part = mem_alloc(PART);
	ssize_t n;

	p->fn = fn;
	p->arg = arg;
	while ((n = read(p->pipe, part, PART)) > 0) {
		sb_add(&p->in, part, (size_t)n);
		take_lines(p);
	}
	n = n < 0 ? -errno : 0;
	for (size_t i = p->open.n; i--;)
		if (p->open.v[i].has_stack || p->open.v[i].aged)
			emit(p, &p->open.v[i]);
		else
			p->open.v[i].aged = true;
	free(part);
	return n == -EAGAIN ? 0 : (int)n;
}

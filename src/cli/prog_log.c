/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_log.c: `skep prog tracelog`: what one program has written to its streams; or what all
 * programs print with bpf_trace_printk, until a signal ends it: from a trace buffer of its
 * own, so that others who read trace_pipe, as bpftool does, miss nothing.
 */
#include "cli/prog_cmd.h"
#include "kernel/printk.h"
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TICK_MS = 100 };

struct log {
	struct tool *t;
	u64 lines;
	bool broken;		/* standard output takes nothing more */
};

/* As a line of trace_pipe, without its newline. */
static void put_line(struct strbuf *out, const struct printk_line *l)
{
	sb_printf(out, "%16s-%-7u [%03u] %s %5" PRIu64 ".%06" PRIu64 ": bpf_trace_printk: ",
		  l->comm, l->pid, l->cpu, l->flags, l->time_us / 1000000, l->time_us % 1000000);
	sb_add(out, l->text, l->n);
}

static void json_line(struct json *j, const struct printk_line *l)
{
	json_obj(j, NULL);
	json_str(j, "comm", l->comm);
	json_u64(j, "pid", l->pid);
	json_u64(j, "cpu", l->cpu);
	json_str(j, "flags", l->flags);
	json_num(j, "time", (double)l->time_us / 1e6, 6);
	json_strn(j, "text", l->text, l->n);
	json_obj_end(j);
}

static void on_line(void *arg, const struct printk_line *l)
{
	struct log *log = arg;
	struct tool *t = log->t;

	if (t->form.json)
		json_line(&t->j, l);
	else {
		put_line(&t->out, l);
		sb_putc(&t->out, '\n');
	}
	log->lines++;
	log->broken |= !write_text(stdout, t->out.s, t->out.n) || fflush(stdout);
	sb_reset(&t->out);
}

/* For those that end it; -1 when the system has none to give. */
static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int follow(struct log *log, struct printk *p, int fd)
{
	struct pollfd v[] = { { .fd = fd, .events = POLLIN },
			      { .fd = printk_fd(p), .events = POLLIN } };
	int r = 0;

	while (!r && !log->broken && !v[0].revents) {
		if (poll(v, ARRAY_LEN(v), TICK_MS) < 0 && errno != EINTR)
			return -errno;
		r = printk_read(p, on_line, log);
	}
	/* twice: a line is told when another came, or nothing did since it was read */
	if (!r)
		r = printk_read(p, on_line, log);
	return r ? r : printk_read(p, on_line, log);
}

static int tracelog(struct tool *t, struct printk *p)
{
	struct log log = { .t = t };
	int fd = signals(), r = fd < 0 ? -errno : 0;

	tool_begin(t, false);
	if (!r)
		r = follow(&log, p, fd);
	if (fd >= 0)
		close(fd);
	if (printk_lost(p))
		fprintf(stderr, "warning: %" PRIu64 " lines found no room\n", printk_lost(p));
	return r ? err_set(&t->err, ERR_KERNEL, NULL, "what programs print cannot be read: %s",
			   strerror(-r)) : tool_end(t, false);
}

/* ---- what one program wrote to its streams --------------------------------------------- */

static int no_stream(struct tool *t, int code)
{
	int r = err_set(&t->err, ERR_KERNEL, NULL, "the program's stream cannot be read: %s",
			strerror(-code));

	if (code == -EINVAL)
		err_note(&t->err, "programs have streams since Linux 6.17");
	return r;
}

/* All that is there; what is read is there no longer. */
static int read_stream(struct tool *t, int fd, u32 stream)
{
	char part[4096];
	struct strbuf all = { 0 };
	int n;

	while ((n = live_prog_stream(fd, stream, part, sizeof(part))) > 0)
		sb_add(&all, part, (size_t)n);
	if (n < 0 && !all.n)
		n = no_stream(t, n);
	else if (t->form.json)
		json_strn(&t->j, NULL, sb_text(&all), all.n);
	else
		sb_add(&t->out, sb_text(&all), all.n);
	sb_free(&all);
	return n < 0 ? n : tool_finish(t);
}

static int stream_of(struct tool *t, u32 stream)
{
	int fd = prog_parse(&t->w, &t->err), r;

	if (fd < 0)
		return fd;
	r = tool_no_more(t);
	if (!r)
		r = read_stream(t, fd, stream);
	close(fd);
	return r;
}

int prog_tracelog(struct tool *t)
{
	struct printk *p;
	int r;

	if (word_take(&t->w, "stdout"))
		return stream_of(t, 1);
	if (word_take(&t->w, "stderr"))
		return stream_of(t, 2);
	r = tool_no_more(t);
	if (!r)
		r = printk_open(&p, NULL, &t->err);
	if (r)
		return r;
	r = tracelog(t, p);
	printk_close(p);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_profile.c: where processors spend their time: stacks of all or of one process,
 * sampled by a clock, as a table, as folded stacks or as a flame graph. It is a script of
 * one line.
 */
#include "cli/attach.h"
#include "cli/trace.h"
#include "lang/flame.h"
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_SECONDS = 1000000000 };

struct profile {
	const char *format, *output, *command, *before;
	u64 pid, hz, seconds;
	bool kernel_only, user_only, dwarf;
	struct child child;
	char script[512];
	struct script s;
	struct lang l;
	struct lang_unit unit;
	struct strbuf folded, old;
	char title[256];
};

static int seconds(struct profile *p, const char *text)
{
	char *end;

	errno = 0;
	p->seconds = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || !p->seconds || *end || errno ||
	    p->seconds > MAX_SECONDS)
		return usage_error("'%s' is no number of seconds: 1 to %d", text, MAX_SECONDS);
	return 0;
}

/* What the kernel takes (sysctl kernel.perf_event_max_sample_rate); 0: it does not say. */
static u64 rate_max(void)
{
	FILE *f = fopen("/proc/sys/kernel/perf_event_max_sample_rate", "re");
	unsigned long long v = 0;

	if (f && fscanf(f, "%llu", &v) != 1)
		v = 0;
	if (f)
		fclose(f);
	return v;
}

static int check_rate(const struct profile *p)
{
	const u64 max = rate_max();

	if (!p->hz || p->hz > 10000)
		return usage_error("-F takes 1 to 10000 samples a second");
	if (max && p->hz > max)
		return usage_error("this kernel takes at most %" PRIu64 " samples a second "
				   "(sysctl kernel.perf_event_max_sample_rate)", max);
	return 0;
}

static int check(struct profile *p, const struct str_list *operands)
{
	int status;

	if (operands->n > 1)
		return usage_error("one number of seconds is enough");
	status = operands->n ? seconds(p, operands->v[0]) : 0;
	if (!status)
		status = check_rate(p);
	if (status)
		return status;
	if (p->before && strcmp(p->format, "flame"))
		return usage_error("--compare makes a flame graph: -f flame");
	if (p->pid && p->command)
		return usage_error("-p and -c exclude each other");
	if (p->dwarf && !p->pid && !p->command)
		return usage_error("--dwarf is for one process: -p PID or -c CMD");
	if (p->kernel_only && (p->user_only || p->dwarf))
		return usage_error("-K and %s exclude each other", p->dwarf ? "--dwarf" : "-U");
	for (const char *const *f = (const char *const[]){ "text", "folded", "flame", NULL };;
	     f++) {
		if (!*f)
			return usage_error("-f takes text, folded or flame, not '%s'", p->format);
		if (!strcmp(p->format, *f))
			return 0;
	}
}

/* The script: whose samples, and what of their stacks. */
static void write_script(struct profile *p)
{
	const char *ustack = p->dwarf ? "dw_ustack" : "ustack";
	char who[64] = "", what[128] = "all processes";
	int n;

	if (p->command)
		snprintf(what, sizeof(what), "%.100s", p->command);
	else if (p->pid)
		snprintf(what, sizeof(what), "process %" PRIu64, p->pid);
	snprintf(p->title, sizeof(p->title), "skep profile: %s, %" PRIu64 " Hz", what, p->hz);
	if (p->pid || p->command)
		snprintf(who, sizeof(who), "/pid == %u/ ", p->command ? p->child.pid : (u32)p->pid);
	n = snprintf(p->script, sizeof(p->script), "config = { max_map_keys = 65536; "
		     "unstable_dw_ustack = enable } profile:hz:%" PRIu64 " %s{ @[%s%s%s, comm] = "
		     "count(); }", p->hz, who, p->user_only ? "" : "kstack",
		     p->user_only || p->kernel_only ? "" : ", ",
		     p->kernel_only ? "" : ustack);
	if (p->seconds)
		snprintf(p->script + n, sizeof(p->script) - (size_t)n, " interval:s:%" PRIu64
			 " { exit(); }", p->seconds);
}

static int go(void *arg, struct skep_err *err)
{
	struct profile *p = arg;

	if (!p->child.own)
		return 0;
	return p->dwarf ? child_go_stopped(&p->child, p->command, err) :
			  child_go(&p->child, p->command, err);
}

static int go_on(void *arg, struct skep_err *err)
{
	struct profile *p = arg;

	(void)err;
	if (p->child.own)
		child_go_on(&p->child);
	return 0;
}

static int sample(struct profile *p, int out, struct skep_err *err)
{
	const struct lang_opts lo = { .nr_args = 0 };
	const u32 pid = (u32)p->pid;
	struct trace_run run = { .unit = &p->unit, .pidfd = p->child.pidfd, .quiet = true,
		.child = p->child.own ? p->child.pid : 0, .pid = pid, .go = go,
		.go_on = p->dwarf ? go_on : NULL, .go_arg = p, .dwarf_pids = &pid,
		.nr_dwarf_pids = p->dwarf && pid, .out = out,
		.folded = strcmp(p->format, "text") ? &p->folded : NULL };
	int rc;

	script_open(&p->s);
	rc = lang_compile(&p->l, &p->s, &p->unit, script_source(&p->s, "profile", p->script,
			  (u32)strlen(p->script)), &lo, err);
	if (rc == LANG_WRONG) {
		struct strbuf b = { 0 };

		diag_print(&b, &p->s);
		report_text(&b);
		sb_free(&b);
	}
	return rc == LANG_WRONG ? err_set(err, ERR_USAGE, NULL, "nothing was sampled") :
	       rc ? rc : trace_run(&run, err);
}

static bool write_all(int fd, const struct strbuf *b)
{
	size_t at = 0;

	while (at < b->n) {
		const ssize_t w = write(fd, b->s + at, b->n - at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		at += (size_t)w;
	}
	return true;
}

/* What was sampled, as it is asked for. */
static int finish(struct profile *p, int out, struct skep_err *err)
{
	struct strbuf page = { 0 };
	struct flame_stats s = { 0 };
	bool good;
	int why;

	if (!strcmp(p->format, "text"))
		return 0;
	flame_html(&page, p->title, sb_text(&p->folded), p->before ? sb_text(&p->old) : NULL, &s);
	good = write_all(out, strcmp(p->format, "flame") ? &p->folded : &page);
	why = good ? 0 : errno;
	sb_free(&page);
	if (!good && why == EPIPE)	/* who reads has gone: nothing to say */
		return 0;
	if (!good)
		return err_set(err, ERR_FILE_WRITE, p->output, "%s", strerror(why));
	if (p->output)
		fprintf(stderr, "%s: %" PRIu64 " sample%s, %u stack%s\n", p->output, s.samples,
			s.samples == 1 ? "" : "s", s.stacks, s.stacks == 1 ? "" : "s");
	return 0;
}

/* What it is compared with, before anything is sampled. */
static int read_before(struct profile *p, struct skep_err *err)
{
	struct os_file f;
	int rc = p->before ? os_file_read(&f, p->before, err) : 0;
	const char *bad;

	if (rc || !p->before)
		return rc;
	sb_add(&p->old, f.data, f.size);
	os_file_close(&f);
	bad = flame_bad_line(sb_text(&p->old));
	if (!bad)
		return 0;
	err_set(err, ERR_USAGE, p->before, "these are no folded stacks: '%.*s'",
		(int)min_u64(strcspn(bad, "\n"), 40), bad);
	err_help(err, "skep profile -f folded -o FILE writes them");
	return err->code;
}

static int open_process(struct profile *p, struct skep_err *err)
{
	if (p->command)
		return child_start(&p->child, p->command, err);
	return p->pid ? child_open(&p->child, (u32)p->pid, err) : 0;
}

static int run(struct profile *p)
{
	struct skep_err err = { 0 };
	int out = STDOUT_FILENO, rc = read_before(p, &err);

	if (!rc)
		rc = open_process(p, &err);
	if (!rc && p->output) {
		out = open(p->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		rc = out < 0 ? err_set(&err, ERR_FILE_OPEN, p->output, "%s", strerror(errno)) : 0;
	}
	if (!rc) {
		write_script(p);
		rc = sample(p, out, &err);
	}
	if (!rc)
		rc = finish(p, out, &err);
	if (rc < 0)
		report(&err);
	child_close(&p->child);
	if (out > STDERR_FILENO)
		close(out);
	lang_free(&p->l);
	script_free(&p->s);
	sb_free(&p->folded);
	sb_free(&p->old);
	return rc < 0 ? EXIT_NO_ANSWER : rc;
}

int cmd_profile(const struct command *cmd, int argc, char **argv)
{
	struct profile p = { .format = "text", .hz = 49,
		.child = { .pidfd = -1, .go = -1, .failed = -1 } };
	const struct opt opts[] = {
		{ "pid", 'p', OPT_U64, "PID", "only this process; ends when it does", &p.pid },
		{ "command", 'c', OPT_STR, "COMMAND", "the same of a process that runs COMMAND",
		  &p.command },
		{ "frequency", 'F', OPT_U64, "HZ", "samples a second on each cpu; 49", &p.hz },
		{ "format", 'f', OPT_STR, "text|folded|flame", "how results are written",
		  &p.format },
		{ "output", 'o', OPT_STR, "FILE", "write results to FILE", &p.output },
		{ "compare", 0, OPT_STR, "FILE", "with folded stacks, of -f flame: what changed",
		  &p.before },
		{ "kernel", 'K', OPT_FLAG, NULL, "stacks of the kernel alone", &p.kernel_only },
		{ "user", 'U', OPT_FLAG, NULL, "stacks of processes alone", &p.user_only },
		{ "dwarf", 0, OPT_FLAG, NULL, "of -p and -c, x86-64: stacks without frame "
		  "pointers", &p.dwarf },
		{ 0 }
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	status = check(&p, &res.operands);
	if (!status)
		status = run(&p);
	vec_free(&res.operands);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* run_check.c: which options and operands of `skep run` go together. */
#include "cli/run_job.h"
#include <stdlib.h>
#include <sys/stat.h>

static void push_name(struct str_list *list, const char *path)
{
	if (path)
		*vec_push(list) = path;
}

/* What follows the first MARK in ARG, or NULL. */
static const char *behind(const char *arg, const char *mark)
{
	const char *at = strstr(arg, mark);

	return at ? at + strlen(mark) : NULL;
}

/* A file whose name has a "=" needs a "/" before that. */
static bool is_record_file(const char *arg)
{
	const char *eq = strchr(arg, '='), *slash = strchr(arg, '/');

	return !eq || (slash && slash < eq);
}

int run_check_record(const struct command *cmd, struct job *j)
{
	struct str_list *l = &j->o.records;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!is_record_file(l->v[i])) {
			l->v[n++] = l->v[i];
			continue;
		}
		if (j->o.record)
			return usage_error("--record takes one FILE, and MAP=TYPE any number of "
					   "times: '%s' is a second file", l->v[i]);
		j->o.record = l->v[i];
	}
	l->n = n;
	j->o.load.keep = j->o.record != NULL;
	return EXIT_YES;
}

int run_check_files(struct job *j, const struct str_list *paths)
{
	const struct run_opts *o = &j->o;
	const char *const read[] = { o->expect, o->load.btf, o->load.kconfig, o->routes,
				     o->sockets };
	struct str_list in = { 0 }, out = { 0 };
	int r;

	for (size_t i = 0; i < paths->n; i++)
		push_name(&in, paths->v[i]);
	for (size_t i = 0; i < j->captures.n; i++)
		push_name(&in, j->captures.v[i]);
	for (size_t i = 0; i < o->maps.n; i++)
		push_name(&in, behind(o->maps.v[i], "="));
	for (size_t i = 0; i < ARRAY_LEN(read); i++)
		push_name(&in, read[i]);
	for (size_t i = 0; i < o->load.modules.n; i++)
		push_name(&in, o->load.modules.v[i]);
	push_name(&out, o->output);
	push_name(&out, o->verdicts);
	push_name(&out, o->coverage);
	push_name(&out, o->record);
	if (o->profile && *o->profile)
		push_name(&out, o->profile);
	for (size_t i = 0; i < o->ports.targets.n; i++)
		push_name(&out, behind(o->ports.targets.v[i], ",out="));
	r = outputs_check(&out, &in, j->err);
	vec_free(&in);
	vec_free(&out);
	return r;
}

static int check_engine(const struct command *cmd, struct job *j)
{
	static const char *const names[] = { "user", "kernel", "both" };

	for (size_t i = 0; j->o.on && i < ARRAY_LEN(names); i++)
		if (!strcmp(j->o.on, names[i])) {
			j->on = (enum engines)i;
			return EXIT_YES;
		}
	return j->o.on ? usage_error("--on takes user, kernel or both, not '%s'", j->o.on) :
			 EXIT_YES;
}

static int check_ports(const struct command *cmd, const struct job *j)
{
	const struct ports_opts *o = &j->o.ports;

	if (j->on != ON_USER && (o->in.n || o->targets.n || o->pass))
		return usage_error("live ports and --port are for --on user");
	if (j->on != ON_USER && j->o.sockets)
		return usage_error("--sockets is for --on user: a kernel has its own");
	if (!o->in.n && (o->count || o->seconds))
		return usage_error("--count and --seconds are for live ports");
	if (o->seconds > UINT32_MAX)
		return usage_error("--seconds is at most 4294967295");
	return EXIT_YES;
}

/* Two outputs in one file would be of no use to anyone. */
static int check_outputs(const struct command *cmd, const struct run_opts *o)
{
	bool packets = is_stdout(o->output), verdicts = is_stdout(o->verdicts);
	bool both = o->on && !strcmp(o->on, "both");

	if (packets && verdicts)
		return usage_error("-o and --verdicts cannot both be standard output");
	if ((packets || verdicts) && (o->json || o->verbose || o->expect || both))
		return usage_error("%s - leaves no room on standard output for "
				   "--json, --verbose, --expect and --on both",
				   packets ? "-o" : "--verdicts");
	return EXIT_YES;
}

static int check_clock(const struct command *cmd, struct job *j)
{
	j->capture_clock = j->o.clock && !strcmp(j->o.clock, "capture");
	if (j->o.clock && !j->capture_clock && strcmp(j->o.clock, "real"))
		return usage_error("--clock is real or capture, not '%s'", j->o.clock);
	if (j->o.linger && !j->capture_clock)
		return usage_error("--linger needs --clock capture");
	if (j->o.linger > UINT32_MAX)
		return usage_error("--linger is at most 4294967295");
	if (j->capture_clock && j->on != ON_USER)
		return usage_error("--clock capture is for the embedded engine");
	return EXIT_YES;
}

static bool is_regular(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* Captures are read several times. */
static int check_profile(const struct command *cmd, struct job *j)
{
	static const char *const formats[] = { "table", "json", "folded", "flame" };
	struct run_opts *o = &j->o;
	bool known = !o->format;

	for (size_t i = 0; o->format && i < ARRAY_LEN(formats); i++)
		known |= !strcmp(o->format, formats[i]);
	if (!o->profile)
		return o->format || o->insns ? usage_error("%s is for --profile", o->format ?
							   "--format" : "--insns") : EXIT_YES;
	if (!known)
		return usage_error("--format takes table, json, folded or flame, not '%s'",
				   o->format);
	if (j->on != ON_USER)
		return usage_error("--profile is about the embedded engine; `skep prog profile` "
				   "and `skep profile` look at a kernel");
	if (o->coverage)
		return usage_error("--profile and --coverage are two runs: one runs as fast as it "
				   "can, one is counted");
	for (size_t i = 0; i < j->captures.n; i++)
		if (!is_regular(j->captures.v[i]))
			return usage_error("--profile reads captures several times: '%s' can be "
					   "read once; put it in a file", j->captures.v[i]);
	if (o->ports.in.n)
		return usage_error("--profile reads captures several times, and live ports do not "
				   "come again; `skep run -o FILE` keeps what comes");
	if (!*o->profile && !o->json && (is_stdout(o->output) || is_stdout(o->verdicts)))
		return usage_error("--profile needs a file, --profile=FILE: standard output is "
				   "taken");
	if (!*o->profile && o->json && o->format)
		return usage_error("--json has the profile in it; another format needs "
				   "--profile=FILE");
	return EXIT_YES;
}

int run_check(const struct command *cmd, struct job *j)
{
	if (!j->o.budget)
		return usage_error("--budget is at least 1");
	if (j->o.budget == NO_BUDGET)
		j->o.budget = 0;
	if (!j->o.repeat)
		return usage_error("--repeat is at least 1");
	if (!j->o.cpus)
		return usage_error("--cpus is at least 1");
	if (j->o.repeat > UINT32_MAX || j->o.cpus > 4096)
		return usage_error("--repeat is at most 4294967295, --cpus 4096");
	if (!j->choice.objs.n)
		return usage_error("an object or a C file is needed "
				   "(what is no regular file is taken for a capture)");
	if (!j->captures.n && !j->o.ports.in.n)
		return usage_error("a packet capture is needed, or - for one on standard input, "
			"or a live port such as tap:NAME");
	if (check_engine(cmd, j) || engine_jit(cmd, j->o.jit_name, j->on == ON_KERNEL, &j->o.jit))
		return EXIT_NO_ANSWER;
	if (j->o.stats && j->on == ON_KERNEL)
		return usage_error("--stats is about the embedded engine");
	if (j->o.pin && !j->o.pins)
		j->o.pins = j->on == ON_KERNEL ? "/sys/fs/bpf" : "";
	if (j->o.routes && j->on == ON_KERNEL)
		return usage_error("--routes is for --on user: the kernel looks at skep's own");
	if (j->o.pins && j->on == ON_BOTH)
		return usage_error("--pin-dir is for one engine: two cannot have the same maps");
	if (j->o.coverage && (j->on == ON_KERNEL || j->o.unverified))
		return usage_error("--coverage is of verified programs on the embedded engine");
	if (j->o.record && j->on != ON_USER)
		return usage_error("--record is for --on user: what the kernel runs is recorded "
				   "by `skep attach --record`");
	if (j->o.record && j->o.pins)
		return usage_error("--record is not for pinned maps: what other processes do to "
				   "them cannot be recorded");
	if (check_ports(cmd, j) || check_outputs(cmd, &j->o) || check_profile(cmd, j))
		return EXIT_NO_ANSWER;
	return check_clock(cmd, j);
}

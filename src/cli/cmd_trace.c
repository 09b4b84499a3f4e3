/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_trace.c: scripts in bpftrace's language. Exit status and messages are bpftrace's:
 * 1 when the script is wrong or something fails, and "stdin:1:1-5: ERROR: ..." at the
 * place.
 */
#include "cli/cli.h"
#include "cli/trace.h"
#include <stdlib.h>

enum { MAX_SCRIPT = 64 << 20 };

/* The options of `skep trace`: bpftrace's. */
#define TRACE_OPTS(o) \
	{"eval", 'e', OPT_STR, "SCRIPT", "the script", &(o)->script}, \
	{"command", 'c', OPT_STR, "CMD", "run CMD, end with it", &(o)->command}, \
	{"pid", 'p', OPT_LIST, "PID", "only this process; end with it", &(o)->pids}, \
	{"output", 'o', OPT_STR, "FILE", "write results to FILE", &(o)->output}, \
	{"format", 'f', OPT_STR, "text|json", "how results are written", &(o)->format}, \
	{"buffer", 'B', OPT_STR, "none|line|full", "when results are written out", \
	 &(o)->buffer}, \
	{"list", 'l', OPT_FLAG, NULL, "list probes; with -v their arguments", &(o)->list}, \
	{"fmt", 0, OPT_FLAG, NULL, "print the script as it should look", &(o)->fmt}, \
	{"debug", 'd', OPT_STR, "STAGE", "print what it becomes: parse, ast, types, ir, " \
	 "bpf, verifier", \
	 &(o)->stage}, \
	{"dry-run", 0, OPT_FLAG, NULL, "compile and load, but attach nothing", \
	 &(o)->dry_run}, \
	{"on", 0, OPT_STR, "user|kernel", "the engine", &(o)->on}, \
	{"emit-elf", 0, OPT_STR, "FILE", "write the BPF object, and end", &(o)->emit_elf}, \
	{"unsafe", 0, OPT_FLAG, NULL, "allow what changes the system", &(o)->unsafe}, \
	{"quiet", 'q', OPT_FLAG, NULL, "only what the script prints", &(o)->quiet}, \
	{"verbose", 'v', OPT_FLAG, NULL, "say more", &(o)->verbose}, \
	{"warnings", 'k', OPT_FLAG, NULL, "warn when memory cannot be read", &(o)->keep}, \
	{"no-warnings", 0, OPT_FLAG, NULL, "print no warnings", &(o)->no_warnings}, \
	{"info", 0, OPT_FLAG, NULL, "say what this kernel can trace", &(o)->info}, \
	{"test", 0, OPT_FLAG, NULL, "run the probes of test", &(o)->test}, \
	{"bench", 0, OPT_FLAG, NULL, "run the probes of bench", &(o)->bench}, \
	{"probe-filter", 0, OPT_STR, "REGEX", "only probes whose name it fits", &(o)->filter}, \
	{"traceable-functions", 0, OPT_STR, "FILE", "which functions kprobes may have", \
	 &(o)->functions}, \
	{"usdt-file-activation", 0, OPT_FLAG, NULL, "set semaphores of USDT by file", \
	 &(o)->usdt_files}, \
	{"dwarf-pid", 0, OPT_LIST, "PID", "unwind stacks of PID by its debug information", \
	 &(o)->dwarf_pids}, \
	{"include-dir", 'I', OPT_LIST, "DIR", "where #include looks", &(o)->include_dirs}, \
	{"include", 0, OPT_LIST, "FILE", "as if the script began with #include", \
	 &(o)->includes}, \
	{"debuginfo", 0, OPT_FLAG, NULL, "keep debug information", &(o)->debuginfo}, \
	{"no-feature", 0, OPT_FLAG, NULL, "taken and ignored: features are found out", \
	 &(o)->no_feature}, \
	{"aot", 0, OPT_FLAG, NULL, "make a program of the script", &(o)->aot}, \
	{"version-only", 'V', OPT_FLAG, NULL, "print the version", &(o)->version}

/* An option whose feature is not there. */
static int check_opts(const struct trace_opts *o, struct skep_err *err)
{
	const struct { const char *name; bool given; } later[] = {
		{ "--aot", o->aot }, { "--debuginfo", o->debuginfo },
	};

	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (later[i].given)
			return err_set(err, ERR_UNSUPPORTED, NULL, "%s", later[i].name);
	if (o->format && strcmp(o->format, "text") && strcmp(o->format, "json"))
		return err_set(err, ERR_USAGE, NULL, "Invalid output format \"%s\": text, json",
			       o->format);
	if (o->on && strcmp(o->on, "user") && strcmp(o->on, "kernel"))
		return err_set(err, ERR_USAGE, NULL, "--on takes user or kernel, not '%s'", o->on);
	if (o->buffer && strcmp(o->buffer, "none") && strcmp(o->buffer, "line") &&
	    strcmp(o->buffer, "full"))
		return err_set(err, ERR_USAGE, NULL, "-B takes none, line or full, not '%s'",
			       o->buffer);
	return 0;
}

/* ---- the script ------------------------------------------------------------------ */

struct job {
	struct script s;
	struct trace_opts o;
	struct str_list args;		/* of the script */
	const struct source *src;
	struct str_list dirs;		/* where import and #include look: its folder, -I */
};

static int read_script(struct job *j, const char *path, struct skep_err *err)
{
	struct os_file f;
	const char *slash = strrchr(path, '/');
	int rc = os_file_read(&f, path, err);

	if (rc && strchr(path, '{'))
		err_help(err, "a script that is no file is given by -e: skep trace -e '%.60s%s'",
			 path, strlen(path) > 60 ? "..." : "");
	if (rc)
		return rc;
	if (f.size > MAX_SCRIPT) {
		os_file_close(&f);
		return err_set(err, ERR_LIMIT, path, "a script has at most 64 MiB");
	}
	j->src = script_source_copy(&j->s, strcmp(path, "-") ? path : "stdin", f.data,
				    (u32)f.size);
	j->dirs.v[0] = slash ? arena_strndup(&j->s.arena, path, (size_t)(slash - path) + 1) : ".";
	os_file_close(&f);
	return 0;
}

/* --include FILE: as if the script began with them. */
static void include(struct job *j, const char *file)
{
	const char *text = arena_printf(&j->s.arena, "#include \"%s\"\n", file);

	parse_script(&j->s, script_source(&j->s, "--include", text, (u32)strlen(text)));
}

static int open_script(struct job *j, const struct opt_result *res, struct skep_err *err)
{
	size_t first = j->o.script ? 0 : 1;
	size_t n;

	*vec_push(&j->dirs) = ".";
	for (size_t i = 0; i < j->o.include_dirs.n; i++)
		*vec_push(&j->dirs) = j->o.include_dirs.v[i];
	for (size_t i = 0; i < j->o.includes.n; i++)
		include(j, j->o.includes.v[i]);
	if (!j->o.script && !res->operands.n)
		return err_set(err, ERR_USAGE, NULL, "no script: give a FILE, or -e SCRIPT");
	for (size_t i = first; i < res->operands.n; i++)
		*vec_push(&j->args) = res->operands.v[i];
	for (char **arg = res->rest; arg && *arg; arg++)
		*vec_push(&j->args) = *arg;
	if (!j->o.script)
		return read_script(j, res->operands.v[0], err);
	n = strlen(j->o.script);
	j->src = script_source(&j->s, "stdin", j->o.script, (u32)n);
	return 0;
}

/* What is wrong with the script, to stderr; bpftrace's status. */
static int say_diags(struct job *j)
{
	struct strbuf b = { 0 };

	diag_print(&b, &j->s);
	report_text(&b);
	sb_free(&b);
	return j->s.nr_errors ? 1 : 0;
}

static int print_ast(struct job *j)
{
	struct strbuf b = { 0 };
	int status;

	ast_print(&b, &j->s);
	status = print_out(&b);
	sb_free(&b);
	return status;
}

static int print_fmt(struct job *j)
{
	struct strbuf b = { 0 };
	int status = 1;

	if (fmt_script(&b, &j->s, j->src))
		status = print_out(&b);
	sb_free(&b);
	return say_diags(j) ? 1 : status;
}

static int run_script(struct job *j)
{
	struct expand_opts eo = { .args = j->args.v, .nr_args = (u32)j->args.n,
				  .dirs = j->dirs.v, .nr_dirs = (u32)j->dirs.n };
	int status;

	if (!j->o.stage || (strcmp(j->o.stage, "parse") && strcmp(j->o.stage, "ast")))
		return trace_script(&j->s, j->src, &j->o, &j->args, &j->dirs);
	parse_script(&j->s, j->src);
	if (j->s.nr_errors)
		return say_diags(j);
	if (j->o.stage && !strcmp(j->o.stage, "parse"))
		return print_ast(j);
	expand_script(&j->s, &eo);
	status = say_diags(j);
	if (status)
		return status;
	if (j->o.stage)
		return print_ast(j);
	return 1;
}

/* BPFTRACE_COLOR: auto, always, never. */
static void choose_colour(void)
{
	const char *v = getenv("BPFTRACE_COLOR");

	if (!v || !strcmp(v, "auto"))
		return;
	if (!strcmp(v, "always"))
		report_colour(REPORT_ALWAYS);
	else if (!strcmp(v, "never"))
		report_colour(REPORT_NEVER);
	else
		fprintf(stderr, "WARNING: Invalid env value! The valid values of `BPFTRACE_COLOR` "
			"are [auto|always|never]. The current value is %s!\n", v);
}

/* What the options ask for, of a script that is read anew. */
static int one_job(struct job *j, const struct opt_result *res)
{
	struct skep_err err;
	int status = 1;

	script_open(&j->s);
	j->args.n = j->dirs.n = 0;
	if (check_opts(&j->o, &err) || (!j->o.list && open_script(j, res, &err)))
		report(&err);
	else
		status = j->o.list ? trace_list(&j->o, &res->operands) :
			 j->o.fmt ? print_fmt(j) : run_script(j);
	script_free(&j->s);
	return status;
}

/* -d STAGE,STAGE or all: each with its name before it. */
static int stages(struct job *j, const struct opt_result *res)
{
	const bool all = !strcmp(j->o.stage, "all");
	const char *list = all ? "parse,ast,types,ir,bpf,verifier" : j->o.stage;
	int status = 0;

	while (*list && !status) {
		const size_t n = strcspn(list, ",");
		char *name = mem_strdup(list);

		name[n] = 0;
		printf("== %s\n", name);
		j->o.stage = name;
		status = one_job(j, res);
		free(name);
		list += n + (list[n] == ',');
	}
	return status;
}

int cmd_trace(const struct command *cmd, int argc, char **argv)
{
	struct job j = { 0 };
	const struct opt opts[] = { TRACE_OPTS(&j.o), { 0 } };
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	choose_colour();
	if (j.o.version)
		status = printf("skep %s\n", skep_version()) < 0;
	else if (j.o.info)
		status = trace_info();
	else if (j.o.stage && (strchr(j.o.stage, ',') || !strcmp(j.o.stage, "all")))
		status = stages(&j, &res);
	else
		status = one_job(&j, &res);
	vec_free(&j.args);
	vec_free(&j.dirs);
	vec_free(&j.o.pids);
	vec_free(&j.o.include_dirs);
	vec_free(&j.o.includes);
	vec_free(&j.o.dwarf_pids);
	vec_free(&res.operands);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* tool.c: what the commands in bpftool's grammar share. */
#include "cli/tool.h"
#include "cli/prog_view.h"
#include "kernel/hooks.h"

int tool_finish(struct tool_job *job)
{
	return view_finish(&job->form, &job->out);
}

int tool_done(struct tool_job *job)
{
	return view_done(&job->form, &job->out, &job->j);
}

int tool_end_of_words(struct tool_job *job)
{
	return words_end(&job->w, &job->err);
}

const char *tool_word(struct tool_job *job, const char *what)
{
	const char *word = word_next(&job->w);

	if (!word)
		err_set(&job->err, ERR_USAGE, NULL, "%s is missing", what);
	return word;
}

int tool_refused(struct tool_job *job, int code, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return hook_said_no(what, code, &job->err);
}

int tool_prog(struct tool_job *job)
{
	return prog_parse(&job->w, &job->err);
}

void tool_str(struct tool_job *job, const char *key, const char *format, const char *v)
{
	if (job->form.json)
		json_str(&job->j, key, v);
	else
		sb_printf(&job->out, format, v);
}

void tool_u64(struct tool_job *job, const char *key, const char *format, u64 v)
{
	if (job->form.json)
		json_u64(&job->j, key, v);
	else
		sb_printf(&job->out, format, v);
}

/* ---- commands --------------------------------------------------------------- */

int tool_help(struct tool_job *job)
{
	const struct tool_row *rows = job->tool->rows;
	int wide = 0;

	for (size_t i = 0; rows[i].name; i++)
		wide = strlen(rows[i].name) > (size_t)wide ? (int)strlen(rows[i].name) : wide;
	for (size_t i = 0; rows[i].name; i++)
		sb_printf(&job->out, "%s %s %-*s %s\n", i ? "       skep" : "Usage: skep",
			  job->tool->kind, wide, rows[i].name, rows[i].usage);
	sb_printf(&job->out, "\n%s", job->tool->notes);
	return print_out(&job->out);
}

static const struct tool_row *find(const struct tool *tool, const char *name)
{
	for (size_t i = 0; tool->rows[i].name; i++)
		if (!strncmp(tool->rows[i].name, name, strlen(name)))
			return &tool->rows[i];
	return NULL;
}

static int unknown(struct tool_job *job, const char *name)
{
	VEC(const char *) names = { 0 };
	const char *near;
	int r = err_set(&job->err, ERR_USAGE, NULL, "no command '%s' for '%s'", name,
			job->tool->kind);

	for (size_t i = 0; job->tool->rows[i].name; i++)
		*vec_push(&names) = job->tool->rows[i].name;
	near = err_nearest(name, names.v, (u32)names.n);
	vec_free(&names);
	if (near)
		err_help(&job->err, "did you mean 'skep %s %s'?", job->tool->kind, near);
	else
		err_help(&job->err, "`skep %s help` lists them", job->tool->kind);
	return r;
}

/* Without a word the first row is meant. */
static int run(struct tool_job *job)
{
	const char *name = word_next(&job->w);
	const struct tool_row *row = find(job->tool, name ? name : job->tool->rows[0].name);

	return row && (!name || *name) ? row->run(job) : unknown(job, name);
}

int tool_main(const struct tool *tool, const struct command *cmd, int argc, char **argv)
{
	struct tool_job job = { .tool = tool };
	const struct opt own[] = {
		{ "json", 'j', OPT_FLAG, NULL, "as JSON, with bpftool's keys", &job.form.json },
		{ "pretty", 'p', OPT_FLAG, NULL, "the same in lines", &job.form.pretty },
		{ 0 },
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, own, argc, argv))
		return res.status;
	job.form.json |= job.form.pretty;
	job.w = (struct words){ res.operands.v, res.operands.n, 0 };
	job.j = (struct json){ .out = &job.out, .pretty = job.form.pretty, .tool = true };
	status = run(&job);
	if (status < 0)
		status = view_failed(&job.form, &job.out, &job.j, &job.err);
	sb_free(&job.out);
	vec_free(&res.operands);
	return status;
}

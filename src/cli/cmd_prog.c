/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_prog.c: programs and links that the running kernel has, in bpftool's grammar:
 * shows, dumps and pins them, detaches links. Commands may be shortened, as in cmd_map.c.
 * Never loads or attaches a program.
 */
#include "cli/prog_view.h"
#include <unistd.h>

struct job {
	const char *kind;	/* "prog", "link" */
	struct words w;
	struct map_form form;
	struct live_pins pins;	/* with form.pins */
	struct strbuf out;
	struct json j;
	struct skep_err err;
};

/* ---- output ------------------------------------------------------------------------ */

static int finish(struct job *job)
{
	return view_finish(&job->form, &job->out);
}

/* The error of JOB, as the form wants it. */
static int failed(struct job *job)
{
	return view_failed(&job->form, &job->out, &job->j, &job->err);
}

/* Done, and nothing to say. */
static int done(struct job *job)
{
	return view_done(&job->form, &job->out, &job->j);
}

static int no_more_words(struct job *job)
{
	return words_end(&job->w, &job->err);
}

/* An array where there may be several things. */
static void begin(struct job *job, bool one)
{
	if (job->form.json && !one)
		json_arr(&job->j, NULL);
}

static int end(struct job *job, bool one)
{
	if (job->form.json && !one)
		json_arr_end(&job->j);
	return finish(job);
}

/* ---- show -------------------------------------------------------------------------- */

static void read_pins(struct job *job)
{
	if (job->form.pins)
		live_pins_read(&job->pins);
}

static void show_prog(void *arg, const struct live_prog *p)
{
	struct job *job = arg;

	if (job->form.json)
		prog_json_facts(&job->j, p, &job->pins);
	else
		prog_print_facts(&job->out, p, &job->pins);
}

static int show_progs(struct job *job)
{
	struct prog_list l = { 0 };
	int r = prog_list_parse(&l, &job->w, &job->err);
	bool one = l.n == 1;

	if (!r)
		r = no_more_words(job);
	if (!r)
		begin(job, one);
	for (size_t i = 0; !r && i < l.n; i++)
		show_prog(job, &l.v[i]);
	prog_list_free(&l);
	return r ? r : end(job, one);
}

static int prog_show(struct job *job)
{
	int r;

	read_pins(job);
	if (word_peek(&job->w))
		return show_progs(job);
	begin(job, false);
	r = prog_each(show_prog, job, &job->err);
	return r ? r : end(job, false);
}

static void show_link(void *arg, const struct live_link *l)
{
	struct job *job = arg;

	if (job->form.json)
		link_json_facts(&job->j, l, &job->pins);
	else
		link_print_facts(&job->out, l, &job->pins);
}

static int show_links(struct job *job)
{
	struct link_list l = { 0 };
	int r = link_list_parse(&l, &job->w, &job->err);

	if (!r)
		r = no_more_words(job);
	if (!r)
		show_link(job, &l.v[0]);
	link_list_free(&l);
	return r ? r : end(job, true);
}

static int link_show(struct job *job)
{
	int r;

	read_pins(job);
	if (word_peek(&job->w))
		return show_links(job);
	begin(job, false);
	r = link_each(show_link, job, &job->err);
	return r ? r : end(job, false);
}

/* ---- dump --------------------------------------------------------------------------- */

static int dump_words(struct job *job, struct prog_dump_opts *o, const char **file)
{
	int r = 0;

	while (!r && word_peek(&job->w)) {
		if (word_take(&job->w, "file")) {
			*file = word_next(&job->w);
			if (!*file)
				r = err_set(&job->err, ERR_USAGE, NULL, "file FILE: which one?");
		} else if (word_take(&job->w, "opcodes")) {
			o->opcodes = true;
		} else if (word_take(&job->w, "linum")) {
			o->linum = true;
		} else {
			r = err_set(&job->err, ERR_USAGE, NULL, "'%s' is nothing that a dump "
				    "takes; there are file FILE, opcodes and linum",
				    word_peek(&job->w));
		}
	}
	return r;
}

static int write_code(const char *path, const struct live_code *code, struct skep_err *err)
{
	struct os_out out;
	int r = os_out_open(&out, path, err);

	if (r)
		return r;
	fwrite(code->insns, sizeof(*code->insns), code->nr_insns, out.f);
	return os_out_commit(&out, err);
}

static int dump_to_file(struct job *job, const struct prog_list *l, const char *path)
{
	struct live_code code;
	int r;

	if (l->n > 1)
		return err_set(&job->err, ERR_LIVE, NULL, "%zu programs are called so; a file "
			       "takes one: give an id", l->n);
	r = live_code_read(&code, l->v[0].fd, &job->err);
	if (!r)
		r = write_code(path, &code, &job->err);
	live_code_free(&code);
	return r ? r : done(job);
}

/* One of several: which, and its instructions. */
static int dump_named(struct job *job, const struct live_prog *p, const struct prog_dump_opts *o)
{
	int r;

	if (!o->json) {
		prog_print_head(&job->out, p);
		sb_putc(&job->out, '\n');
		return prog_dump(&job->out, NULL, p, o, &job->err);
	}
	json_obj(&job->j, NULL);
	prog_json_head(&job->j, p);
	json_arr(&job->j, "insns");
	r = prog_dump(&job->out, &job->j, p, o, &job->err);
	json_arr_end(&job->j);
	json_obj_end(&job->j);
	return r;
}

static int dump_list(struct job *job, const struct prog_list *l, const struct prog_dump_opts *o)
{
	int r = 0;

	begin(job, false);
	for (size_t i = 0; !r && i < l->n; i++) {
		if (i && !o->json)
			sb_putc(&job->out, '\n');
		if (l->n == 1)
			r = prog_dump(&job->out, &job->j, &l->v[i], o, &job->err);
		else
			r = dump_named(job, &l->v[i], o);
	}
	return r ? r : end(job, false);
}

static int prog_dump_command(struct job *job)
{
	struct prog_dump_opts o = { .json = job->form.json };
	struct prog_list l = { 0 };
	const char *file = NULL;
	int r;

	if (!word_take(&job->w, "xlated"))
		return err_set(&job->err, ERR_USAGE, NULL, "what is dumped? `dump xlated PROG`");
	r = prog_list_parse(&l, &job->w, &job->err);
	if (!r)
		r = dump_words(job, &o, &file);
	if (!r)
		r = file ? dump_to_file(job, &l, file) : dump_list(job, &l, &o);
	prog_list_free(&l);
	return r;
}

/* ---- pin, detach -------------------------------------------------------------------- */

static int pin_to(struct job *job, int fd)
{
	const char *path = word_next(&job->w);
	int r = path ? no_more_words(job) :
		err_set(&job->err, ERR_USAGE, NULL, "where to? give the pin's path");

	if (!r)
		r = live_pin_as(fd, *job->kind == 'l' ? "the link" : "the program", path,
				&job->err);
	return r ? r : done(job);
}

static int prog_pin(struct job *job)
{
	int fd = prog_parse(&job->w, &job->err), r;

	if (fd < 0)
		return fd;
	r = pin_to(job, fd);
	close(fd);
	return r;
}

static int link_pin(struct job *job)
{
	struct link_list l = { 0 };
	int r = link_list_parse(&l, &job->w, &job->err);

	if (!r)
		r = pin_to(job, l.v[0].fd);
	link_list_free(&l);
	return r;
}

static int link_detach_command(struct job *job)
{
	struct link_list l = { 0 };
	int r = link_list_parse(&l, &job->w, &job->err);

	if (!r)
		r = no_more_words(job);
	if (!r)
		r = live_link_detach(&l.v[0], &job->err);
	link_list_free(&l);
	return r ? r : done(job);
}

/* ---- commands ------------------------------------------------------------------------ */

static int help(struct job *job);

static const struct row {
	const char *kind, *name, *usage;
	int (*run)(struct job *job);	/* >= 0 the exit status; else job->err says why */
} rows[] = {
	{ "prog", "show", "[PROG]", prog_show },
	{ "prog", "list", "[PROG]", prog_show },
	{ "prog", "help", "", help },
	{ "prog", "dump", "xlated PROG [file FILE] [opcodes] [linum]", prog_dump_command },
	{ "prog", "pin", "PROG FILE", prog_pin },
	{ "link", "show", "[LINK]", link_show },
	{ "link", "list", "[LINK]", link_show },
	{ "link", "help", "", help },
	{ "link", "pin", "LINK FILE", link_pin },
	{ "link", "detach", "LINK", link_detach_command },
};

static int help(struct job *job)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].kind, job->kind))
			continue;
		sb_printf(&job->out, "%s %s %-6s %s\n", first ? "Usage: skep" : "       skep",
			  job->kind, rows[i].name, rows[i].usage);
		first = false;
	}
	sb_puts(&job->out, *job->kind == 'p' ?
		"\nPROG is id N, name NAME, tag TAG or pinned FILE.\n" :
		"\nLINK is id N or pinned FILE.\n");
	return print_out(&job->out);
}

static const struct row *find(const char *kind, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].kind, kind) && !strncmp(rows[i].name, name, strlen(name)))
			return &rows[i];
	return NULL;
}

static int unknown(struct job *job, const char *name)
{
	const char *names[ARRAY_LEN(rows)], *near;
	int r = err_set(&job->err, ERR_USAGE, NULL, "no command '%s' for %ss", name,
			*job->kind == 'p' ? "program" : "link");
	u32 n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].kind, job->kind))
			names[n++] = rows[i].name;
	near = err_nearest(name, names, n);
	if (near)
		err_help(&job->err, "did you mean 'skep %s %s'?", job->kind, near);
	return r;
}

static int run(struct job *job)
{
	const char *name = word_next(&job->w);
	const struct row *row = find(job->kind, name && *name ? name : "show");

	return row ? row->run(job) : unknown(job, name);
}

static int run_command(const char *kind, const struct command *cmd, int argc, char **argv)
{
	struct job job = { .kind = kind };
	const struct opt opts[] = {
		{ "json", 'j', OPT_FLAG, NULL, "as JSON, with bpftool's keys", &job.form.json },
		{ "pretty", 'p', OPT_FLAG, NULL, "the same in lines", &job.form.pretty },
		{ "bpffs", 'f', OPT_FLAG, NULL, "show where they are pinned", &job.form.pins },
		{ 0 },
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	job.form.json |= job.form.pretty;
	job.w = (struct words){ res.operands.v, res.operands.n, 0 };
	job.j = (struct json){ .out = &job.out, .pretty = job.form.pretty, .tool = true };
	status = run(&job);
	if (status < 0)
		status = failed(&job);
	live_pins_free(&job.pins);
	sb_free(&job.out);
	vec_free(&res.operands);
	return status;
}

int cmd_prog(const struct command *cmd, int argc, char **argv)
{
	return run_command("prog", cmd, argc, argv);
}

int cmd_link(const struct command *cmd, int argc, char **argv)
{
	return run_command("link", cmd, argc, argv);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_replay.c: `skep replay`: the runs of a recording once more, in the object that is in it
 * or in a changed one, and where they differ.
 */
#include "cli/replay_kernel.h"
#include "cli/replay_on.h"
#include "cli/run.h"
#include "replay/player.h"
#include <inttypes.h>
#include <stdlib.h>

struct replay_job {
	const char *file, *with, *verdicts, *jit_name, *on;
	bool kernel;			/* of --on */
	const char *only;		/* of --run */
	u64 number;			/* that it is; 0: all */
	struct os_file in;		/* FILE, which may be a pipe: read once */
	bool json, verbose, quiet, unverified;
	enum skep_jit jit;
	struct load_opts load;
	struct object_list objs;	/* of --with */
	struct player *p;
	struct verdicts v;
	bool opened;			/* V */
	u64 runs, differ, left_out, maps_differ;
	u64 refused, asked;		/* by the kernel; of those that differ: ask it anew */
	bool shown;			/* run NUMBER was */
	struct strbuf out;		/* the results */
	struct json js;
	struct skep_err *err;
};

static bool is_with(const struct replay_job *j) { return j->with != NULL; }

static const char *object_name(const struct replay_job *j)
{
	return player_object(j->p)->img->file;
}

/* What came of a run: a verdict, or what stopped it. */
static const char *outcome(u32 prog_type, const struct record_result *r, char buf[32])
{
	char number[16];

	if (r->error)
		snprintf(buf, 32, "SKEP-E%04u", r->error);
	else if (r->left_out)
		snprintf(buf, 32, "not asked");
	else
		snprintf(buf, 32, "%s", verdict_text(prog_type, r->retval, number));
	return buf;
}

/* With another object helpers may be called in another order; what counts is what comes of
 * it. */
static bool differs(const struct replay_job *j, const struct player_run *run)
{
	const struct record_result *w = &run->want, *g = &run->got;

	if (run->refused)
		return false;
	if (!is_with(j))
		return !run->same;
	return w->retval != g->retval || w->error != g->error || w->left_out != g->left_out ||
	       w->redirect_ifindex != g->redirect_ifindex ||
	       (w->digest && (w->digest != g->digest || w->bytes_out != g->bytes_out));
}

/* ---- where a run differs first ----------------------------------------------------------- */

/* The instruction at which helpers are called otherwise, by the checked interpreter; "" when
 * that is not it. */
static void find_place(const struct replay_job *j, u64 number, struct strbuf *out)
{
	struct skep_err err;
	const struct skep_err *why;
	struct replay *s;

	if (is_with(j) || j->kernel || replay_open_recorded_mem(&s, j->in.data, j->in.size, j->file,
							 number, NULL, &err))
		return;
	if (!replay_goto(s, REPLAY_END, &err) && replay_status(s, &why) < 0 && why &&
	    why->id == ERR_RECORD_DIFFERS)
		sb_puts(out, skep_err_text(why));
	replay_close(s);
}

static void tell_json(struct replay_job *j, const struct player_run *run, bool differ)
{
	u32 type = skep_prog_type(run->runs);
	char want[32], got[32];

	json_obj(&j->js, NULL);
	json_u64(&j->js, "run", run->number);
	json_str(&j->js, "program", skep_prog_name(run->runs));
	json_bool(&j->js, "differs", differ);
	json_str(&j->js, "recorded", outcome(type, &run->want, want));
	json_str(&j->js, "replayed", outcome(type, &run->got, got));
	if (run->differs[0])
		json_str(&j->js, "reason", run->differs);
	json_obj_end(&j->js);
}

static void tell_text(struct replay_job *j, const struct player_run *run, bool differ)
{
	u32 type = skep_prog_type(run->runs);
	char want[32], got[32];

	outcome(type, &run->want, want);
	outcome(type, &run->got, got);
	if (!differ)
		sb_printf(&j->out, "run %" PRIu64 ": %s\n", run->number, got);
	else if (strcmp(want, got))
		sb_printf(&j->out, "run %" PRIu64 ": %s was recorded, %s comes out%s%s\n",
			  run->number, want, got, is_with(j) ? "" : "; ",
			  is_with(j) ? "" : run->differs);
	else
		sb_printf(&j->out, "run %" PRIu64 ": %s, but %s\n", run->number, got,
			  run->differs);
	if (run->err.id && (differ || j->verbose || j->number))
		sb_puts(&j->out, skep_err_text(&run->err));
	if (differ && j->differ == 1)
		find_place(j, run->number, &j->out);
}

/* Results go out as they come: a recording may have millions of runs. */
static int flush_out(struct replay_job *j)
{
	int r = j->json || j->out.n < 1 << 16 ? 0 : print_out(&j->out);

	if (!j->json && j->out.n >= 1 << 16)
		sb_reset(&j->out);
	return r;
}

/* The kernel does not run programs on such packets. The first one is told why. */
static void refused(struct replay_job *j, const struct player_run *run)
{
	j->shown = true;
	if (!j->refused++ && !j->quiet)
		fprintf(stderr, "note: run %" PRIu64 " is not replayed: %s\n", run->number,
			run->err.text);
}

static int on_run(struct replay_job *j, const struct player_run *run)
{
	bool differ = differs(j, run), wanted = !j->number || j->number == run->number;

	if (!j->opened && verdicts_open(&j->v, skep_prog_type(run->runs), j->verdicts, NULL,
					j->err))
		return report(j->err);
	j->opened = true;
	if (!wanted)
		return 0;
	if (run->refused) {
		refused(j, run);
		return 0;
	}
	j->runs++;
	j->shown = true;
	j->asked += differ && run->asked;
	j->differ += differ;
	j->left_out += run->got.left_out;
	if (!run->got.left_out && !run->got.error)
		verdicts_add(&j->v, run->number, run->got.retval);
	j->v.stopped += run->got.error && !run->got.left_out;
	if (!differ && !j->verbose && !j->number)
		return 0;
	if (j->json)
		tell_json(j, run, differ);
	else if (!j->quiet)
		tell_text(j, run, differ);
	return flush_out(j);
}

/* ---- results --------------------------------------------------------------------------------- */

static void on_map(void *arg, const char *map, const struct record_map *want,
		   const struct record_map *got)
{
	struct replay_job *j = arg;

	if (j->json) {
		json_obj(&j->js, NULL);
		json_str(&j->js, "name", map);
		json_u64(&j->js, "recorded", want->count);
		json_u64(&j->js, "replayed", got->count);
		json_obj_end(&j->js);
		return;
	}
	sb_printf(&j->out, "map %s: ", map);
	if (want->count == got->count)
		sb_printf(&j->out, "its %" PRIu64 " elements are not those that were recorded\n",
			  got->count);
	else
		sb_printf(&j->out, "%" PRIu64 " elements at the end, %" PRIu64
			  " were recorded\n", got->count, want->count);
}

static void summary(struct replay_job *j)
{
	sb_printf(&j->out, "%s: %" PRIu64 " run%s replayed", object_name(j), j->runs,
		  j->runs == 1 ? "" : "s");
	if (j->differ)
		sb_printf(&j->out, ", %" PRIu64 " differ%s", j->differ, j->differ == 1 ? "s" : "");
	else
		sb_printf(&j->out, ", %s as recorded", j->runs == 1 ? "it ended" : "all ended");
	sb_putc(&j->out, '\n');
	if (j->runs > 1)
		verdicts_text(&j->out, &j->v, j->runs);
}

/* What the kernel does in its own way, and how often. */
static void kernel_notes(struct replay_job *j)
{
	struct strbuf names = { 0 };

	replay_on_names(&names, player_object(j->p));
	if (names.n)
		fprintf(stderr, "note: the kernel answers %s anew, and not as recorded\n",
			sb_text(&names));
	if (j->asked)
		fprintf(stderr, "note: %" PRIu64 " of the runs that differ asked such things\n",
			j->asked);
	if (j->refused)
		fprintf(stderr, "note: %" PRIu64 " runs are not replayed: the kernel does not run "
			"programs on such input\n", j->refused);
	sb_free(&names);
}

static void json_end(struct replay_job *j, bool whole)
{
	json_arr_end(&j->js);
	json_u64(&j->js, "runs", j->runs);
	json_u64(&j->js, "differ", j->differ);
	json_u64(&j->js, "stopped", j->v.stopped);
	json_bool(&j->js, "whole", whole);
	if (j->kernel)
		json_u64(&j->js, "not_replayed", j->refused);
	verdicts_json(&j->v, &j->js);
	json_arr(&j->js, "maps_differ");
	if (whole)
		j->maps_differ = player_maps(j->p, on_map, j);
	json_arr_end(&j->js);
	json_obj_end(&j->js);
	sb_putc(&j->out, '\n');
}

static int results(struct replay_job *j, bool whole)
{
	if (j->json)
		json_end(j, whole);
	else if (whole && !j->number)
		j->maps_differ = player_maps(j->p, j->quiet ? NULL : on_map, j);
	if (!j->json && !j->quiet)
		summary(j);
	if (j->kernel && !j->quiet)
		kernel_notes(j);
	return print_out(&j->out);
}

/* ---- the command ---------------------------------------------------------------------- */

static int open_with(struct replay_job *j)
{
	struct str_list paths = { 0 };
	int r;

	*vec_push(&paths) = j->with;
	r = input_objects(&j->objs, &paths, &j->load, j->err);
	vec_free(&paths);
	return r;
}

static int open_player(struct replay_job *j)
{
	struct player_opts o = { .jit = j->jit, .unverified = j->unverified,
				 .kernel = j->kernel };
	int r = is_with(j) ? open_with(j) : 0;

	if (!r && is_with(j))
		o.with = j->objs.v[0];
	return r ? r : player_open_mem(&j->p, j->in.data, j->in.size, j->file, &o, j->err);
}

static void json_begin(struct replay_job *j)
{
	j->js = (struct json){ .out = &j->out, .pretty = true };
	json_obj(&j->js, NULL);
	json_str(&j->js, "recording", j->file);
	json_str(&j->js, "object", object_name(j));
	json_str(&j->js, "source", player_option(j->p, "source"));
	json_str(&j->js, "recorded_by", player_option(j->p, "skep"));
	json_arr(&j->js, "results");
}

/* Runs behind the one that is wanted need not be had. */
static int all_runs(struct replay_job *j)
{
	struct player_run run;
	int got = 0, r = 0;

	while (!r && !(j->number && j->shown) && (got = player_next(j->p, &run, j->err)) > 0)
		r = on_run(j, &run);
	return r ? r : j->shown && j->number ? 0 : got;
}

static int no_run(const struct replay_job *j)
{
	return err_set(j->err, ERR_RECORD_RUN, j->file, "there is no run %" PRIu64, j->number);
}

static int replay_all(struct replay_job *j)
{
	int r = open_player(j), status;

	if (r)
		return report(j->err);
	if (j->json)
		json_begin(j);
	r = all_runs(j);
	if (r > 0)
		return r;
	if (!r && j->number && !j->shown)
		return no_run(j), report(j->err);
	if (r && j->err->id != ERR_RECORD_CUT)
		return report(j->err);
	status = results(j, !r && !j->number);
	if (r)
		return report(j->err);
	if (!status && j->opened && verdicts_commit(&j->v, j->err))
		return report(j->err);
	return status ? status : j->differ || (j->maps_differ && !is_with(j)) ? EXIT_NO : EXIT_YES;
}

static void job_free(struct replay_job *j)
{
	player_free(j->p);
	if (j->in.data)
		os_file_close(&j->in);
	input_close(&j->objs);
	verdicts_free(&j->v);
	load_opts_free(&j->load);
	sb_free(&j->out);
}

/* What is for opening another object. */
static bool has_load_opts(const struct load_opts *lo)
{
	return lo->btf || lo->kconfig || lo->modules.n || lo->set.n || lo->types.n ||
	       cc_dirs.n || cc_macros.n;
}

/* All of TEXT is a decimal number. */
static bool number_of(const char *text, u64 *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

static int check(const struct command *cmd, struct replay_job *j, const struct str_list *operands)
{
	if (operands->n != 1)
		return usage_error(operands->n ? "one recording at a time" :
				   "a recording is needed, as `skep run --record FILE` writes it");
	j->file = operands->v[0];
	if (j->only && (!number_of(j->only, &j->number) || !j->number))
		return usage_error("--run takes the number of a run, not '%s': the first is 1",
				   j->only);
	j->kernel = j->on && !strcmp(j->on, "kernel");
	if (j->on && !j->kernel && strcmp(j->on, "user"))
		return usage_error("--on takes user or kernel, not '%s'", j->on);
	if (j->kernel && (j->unverified || j->jit_name))
		return usage_error("--jit and --unverified are for --on user");
	if (!j->with && has_load_opts(&j->load))
		return usage_error("--set, --type, --btf, --module-btf, --kconfig, -I and -D are "
				   "for the object of --with, and there is none");
	if (j->verdicts && output_check(j->verdicts, j->file, j->err))
		return report(j->err);
	return engine_jit(cmd, j->jit_name, false, &j->jit);
}

/* What was recorded in the kernel is had again in another way: true, and *STATUS. */
static bool of_kernel(struct replay_job *j, int *status)
{
	const struct replay_kernel how = { .only = j->number, .verbose = j->verbose,
					   .json = j->json, .quiet = j->quiet };
	struct record_reader *r;
	bool is;

	if (os_file_read(&j->in, j->file, j->err) ||
	    record_open_mem(&r, j->in.data, j->in.size, j->file, j->err)) {
		*status = report(j->err);
		return true;
	}
	is = replay_is_kernel(r);
	if (is && (j->with || j->verdicts || j->jit_name || j->unverified || j->kernel))
		*status = usage_error("%s was recorded in the kernel: --with, --verdicts, --on, "
				      "--jit and --unverified are for recordings of skep run",
				      j->file);
	else if (is)
		*status = replay_kernel(r, &how);
	record_reader_close(r);
	return is;
}

int cmd_replay(const struct command *cmd, int argc, char **argv)
{
	struct skep_err err = { 0 };
	struct replay_job j = { .v.report = stderr, .err = &err };
	const struct opt opts[] = {
		{"run", 0, OPT_STR, "N", "show run N only", &j.only},
		{"with", 0, OPT_STR, "OBJ|FILE.c",
		 "run a changed object on what was recorded; list the runs that differ", &j.with},
		{"verdicts", 0, OPT_STR, "FILE", "write one line NUMBER VERDICT per run",
		 &j.verdicts},
		{"on", 0, OPT_STR, "ENGINE",
		 "user (default), or kernel: by its test runs, which ask it what helpers tell",
		 &j.on},
		{"jit", 0, OPT_STR, "HOW",
		 "native code: off, fast (in one pass), opt (default: opt, or fast when big)",
		 &j.jit_name},
		{"unverified", 0, OPT_FLAG, NULL, "check accesses as they come", &j.unverified},
		LOAD_OPTS(&j.load),
		{"json", 'j', OPT_FLAG, NULL, "print JSON", &j.json},
		{"verbose", 'v', OPT_FLAG, NULL, "print one line per run", &j.verbose},
		{"quiet", 'q', OPT_FLAG, NULL, "print nothing; the exit status tells", &j.quiet},
		{0}};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return job_free(&j), res.status;
	status = check(cmd, &j, &res.operands);
	if (!status && !of_kernel(&j, &status))
		status = replay_all(&j);
	job_free(&j);
	vec_free(&res.operands);
	return status;
}

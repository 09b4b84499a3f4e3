/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c: what becomes of a script: printed as a stage of its way, written as an object,
 * or run, with the process that is traced. Exit status is bpftrace's.
 */
#include "cli/trace.h"
#include "cli/attach.h"
#include "lang/sema.h"
#include "api/object.h"
#include "skep/skep.h"
#include "kernel/kernel.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <unistd.h>

struct tracing {
	const struct trace_opts *o;
	struct lang l;
	struct lang_unit unit;
	struct child child;
	u32 *pids, *dwarf_pids;	/* the second has those of the first, too */
	u32 nr_pids, nr_dwarf_pids;
	int out;
};

/* What is wrong with the script, to standard error. */
static void say_diags(const struct script *s)
{
	struct strbuf b = { 0 };

	diag_print(&b, s);
	report_text(&b);
	sb_free(&b);
}

/* ---- stages ------------------------------------------------------------------ */

static void maps_text(struct strbuf *b, const struct lang *l)
{
	for (size_t i = 0; i < l->maps.n; i++) {
		const struct map_var *m = l->maps.v[i];

		sb_puts(b, m->name);
		if (m->key) {
			sb_putc(b, '[');
			ty_name(b, m->key);
			sb_putc(b, ']');
		}
		sb_puts(b, ": ");
		ty_name(b, m->value);
		sb_putc(b, '\n');
	}
}

static void types_text(struct strbuf *b, const struct lang *l)
{
	maps_text(b, l);
	for (size_t i = 0; i < l->progs.n; i++) {
		const struct prog *p = l->progs.v[i];

		sb_printf(b, "%s:", p->place->text);
		for (const struct var *v = p->vars; v; v = v->next) {
			sb_printf(b, " %s ", v->name);
			ty_name(b, v->ty);
		}
		sb_putc(b, '\n');
	}
}

/* What our verifier says of each program. */
static int judge(struct strbuf *b, struct skep_object *obj)
{
	u32 *all = mem_alloc((obj->img->nr_progs + 1) * sizeof(*all));
	struct skep_err err = { 0 };
	int r;

	for (u32 i = 0; i < obj->img->nr_progs; i++)
		all[i] = i;
	r = object_judge(obj, all, obj->img->nr_progs, &err);
	free(all);
	if (r)
		sb_puts(b, *skep_object_reasons(obj) ? skep_object_reasons(obj) : err.text);
	for (struct skep_prog *p = NULL; (p = skep_object_next_prog(obj, p));)
		sb_printf(b, "%s: %s%s%s\n", skep_prog_name(p), r ? "not accepted" :
			  skep_prog_verdict(p) == SKEP_VERIFIED ? "ok" : "not judged",
			  *skep_prog_note(p) ? ": " : "", skep_prog_note(p));
	return r ? 1 : 0;
}

/* The object's programs through what there is for objects. */
static int print_object(struct tracing *t, const char *stage)
{
	struct skep_object *obj;
	struct skep_err err;
	struct strbuf b = { 0 };
	int status = 1;

	if (skep_object_open_mem(&obj, t->unit.elf.s, t->unit.elf.n, "script", &err)) {
		report(&err);
		return 1;
	}
	if (!strcmp(stage, "bpf")) {
		disasm_image(&b, obj->img);
		status = print_out(&b);
	} else {
		status = judge(&b, obj);
		print_out(&b);
	}
	sb_free(&b);
	skep_object_close(obj);
	return status;
}

static int print_stage(struct tracing *t, const char *stage)
{
	struct strbuf b = { 0 };
	int status;

	if (!strcmp(stage, "bpf") || !strcmp(stage, "dis") || !strcmp(stage, "verifier"))
		return print_object(t, strcmp(stage, "dis") ? stage : "bpf");
	if (!strcmp(stage, "ir") || !strcmp(stage, "codegen-opt"))
		ir_print(&b, &t->l.ir);
	else if (!strcmp(stage, "types"))
		types_text(&b, &t->l);
	else
		return usage_error("-d takes parse, ast, types, ir, bpf or verifier, not '%s'",
				   stage), 1;
	status = print_out(&b);
	sb_free(&b);
	return status;
}

static int write_elf(struct tracing *t, struct skep_err *err)
{
	const char *path = t->o->emit_elf;
	FILE *f = fopen(path, "we");
	bool good = f && fwrite(t->unit.elf.s, 1, t->unit.elf.n, f) == t->unit.elf.n;

	if (f)
		good &= !fclose(f);
	return good ? 0 : err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
}

/* ---- running ----------------------------------------------------------------- */

static int go(void *arg, struct skep_err *err)
{
	struct tracing *t = arg;

	if (!t->child.own)
		return 0;
	return t->unit.spaces ? child_go_stopped(&t->child, t->o->command, err) :
				child_go(&t->child, t->o->command, err);
}

static int go_on(void *arg, struct skep_err *err)
{
	struct tracing *t = arg;

	(void)err;
	if (t->child.own)
		child_go_on(&t->child);
	return 0;
}

static int open_child(struct tracing *t, struct skep_err *err)
{
	t->child = (struct child){ .pidfd = -1, .go = -1, .failed = -1 };
	if (t->o->command && t->nr_pids)
		return err_set(err, ERR_USAGE, NULL, "-p and -c exclude each other");
	if (t->o->command)
		return child_start(&t->child, t->o->command, err);
	return t->nr_pids == 1 ? child_open(&t->child, t->pids[0], err) : 0;
}

static int open_output(struct tracing *t, struct skep_err *err)
{
	t->out = STDOUT_FILENO;
	if (!t->o->output)
		return 0;
	t->out = open(t->o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return t->out < 0 ? err_set(err, ERR_FILE_OPEN, t->o->output, "%s", strerror(errno)) : 0;
}

static int run(struct tracing *t, struct skep_err *err)
{
	const struct trace_opts *o = t->o;
	struct trace_run r = { .unit = &t->unit, .json = o->format && !strcmp(o->format, "json"),
		.user = o->on && !strcmp(o->on, "user"), .unsafe = o->unsafe, .quiet = o->quiet,
		.no_warnings = o->no_warnings, .dry_run = o->dry_run, .test = o->test,
		.bench = o->bench, .say = report_lines, .pid = t->nr_pids == 1 ? t->pids[0] : 0,
		.flush = o->buffer && !strcmp(o->buffer, "full") ? 1 << 16 : 0, .go = go,
		.go_on = t->unit.spaces ? go_on : NULL, .go_arg = t,
		.dwarf_pids = t->dwarf_pids, .nr_dwarf_pids = t->nr_dwarf_pids };
	int rc = open_child(t, err);

	if (!rc)
		rc = open_output(t, err);
	r.out = t->out;
	r.pidfd = t->child.pidfd;
	r.child = t->child.own ? t->child.pid : 0;
	if (!rc)
		rc = trace_run(&r, err);
	child_close(&t->child);
	if (t->out > STDERR_FILENO)
		close(t->out);
	return rc;
}

/* -p 1,2 and several -p: LIST goes to *V. */
static int read_pids(const struct str_list *list, u32 **v, u32 *n, struct skep_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *s = list->v[i], *last;

		do {	/* behind a comma is another one */
			char *end;
			const unsigned long pid = strtoul(s, &end, 10);

			if (end == s || (*end && *end != ',') || !pid || pid > 4194304)
				return err_set(err, ERR_USAGE, NULL, "Failed to parse pid: invalid "
					       "integer: %s", *s ? s : list->v[i]);
			*v = mem_resize(*v, (*n + 1) * sizeof(u32));
			(*v)[(*n)++] = (u32)pid;
			last = end;
			s = end + 1;
		} while (*last);
	}
	return 0;
}

static int use(struct tracing *t, struct script *s, const struct source *src,
	       const struct lang_opts *lo, struct skep_err *err)
{
	int rc = lang_compile(&t->l, s, &t->unit, src, lo, err);

	if (!t->o->no_warnings || s->nr_errors)
		say_diags(s);
	if (rc)
		return rc;
	if (t->o->emit_elf)
		return write_elf(t, err);
	if (t->o->stage)
		return print_stage(t, t->o->stage);
	if (!t->unit.places.n)
		return err_set(err, ERR_USAGE, NULL, "No probes to attach");
	return run(t, err);
}

/* Without privilege nothing of the kernel's is the cause. */
static void say_failed(const struct lang_opts *o, const struct skep_err *err)
{
	const u64 need = 1ull << CAP_BPF | 1ull << CAP_PERFMON, all = 1ull << CAP_SYS_ADMIN;
	const u64 has = kernel_caps();

	if (o->user || has & all || (has & need) == need) {
		report(err);
		return;
	}
	fprintf(stderr, "ERROR: tracing the kernel needs CAP_BPF and CAP_PERFMON; this process has "
		"%s\nHINT: sudo skep trace ...; what needs no kernel runs with --on user\n",
		has & need ? "one of them" : "neither");
}

int trace_script(struct script *s, const struct source *src, const struct trace_opts *o,
		 const struct str_list *args, const struct str_list *dirs)
{
	struct tracing t = { .o = o, .child = { .pidfd = -1, .go = -1, .failed = -1 } };
	struct lang_opts lo = { .args = args->v, .nr_args = (u32)args->n, .dirs = dirs->v,
		.nr_dirs = (u32)dirs->n, .unsafe = o->unsafe, .keep_tests = o->test,
		.keep_benches = o->bench, .report_errors = o->keep, .filter = o->filter,
		.functions = o->functions,
		.portable = o->emit_elf != NULL, .has_child = o->command != NULL,
		.user = o->on && !strcmp(o->on, "user"), .compile_c = input_compile };
	struct skep_err err = { 0 };
	int rc = read_pids(&o->pids, &t.pids, &t.nr_pids, &err);

	if (!rc)
		rc = read_pids(&o->pids, &t.dwarf_pids, &t.nr_dwarf_pids, &err);
	if (!rc)
		rc = read_pids(&o->dwarf_pids, &t.dwarf_pids, &t.nr_dwarf_pids, &err);
	lo.pids = t.pids;
	lo.nr_pids = t.nr_pids;
	if (!rc)
		rc = use(&t, s, src, &lo, &err);
	if (rc < 0)
		say_failed(&lo, &err);
	lang_free(&t.l);
	free(t.pids);
	free(t.dwarf_pids);
	return rc < 0 ? 1 : rc;
}

/* ---- which probes there are -------------------------------------------------- */

int trace_list(const struct trace_opts *o, const struct str_list *patterns)
{
	const struct lang_opts lo = { .functions = o->functions };
	struct lang_unit unit = { 0 };
	struct script s;
	struct lang l;
	struct strbuf b = { 0 };
	u32 n;

	script_open(&s);
	lang_open(&l, &s, &unit, &lo);
	n = lang_list(&l, patterns->n ? patterns->v[0] : NULL, o->verbose, &b);
	say_diags(&s);
	print_out(&b);
	sb_free(&b);
	lang_free(&l);
	script_free(&s);
	return n ? 0 : 1;
}

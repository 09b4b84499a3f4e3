/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_verify.c: `skep verify`: are the programs of objects safe? Reasons go to
 * stderr, a line for each program to stdout. Loads nothing, unless the kernel is
 * asked, too.
 */
#include "cli/inspect.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "verify/verify.h"
#include <stdio.h>
#include <stdlib.h>

struct verify_cmd {
	const char *prog, *on, *policy, *caps;
	bool json, stats, kernel;
	struct verify_opts opts;
	const char *btf;	/* --btf, or NULL */
	struct btf_file types;	/* the target's, opened when a program needs them */
	bool types_tried;
	/* counts */
	u32 rejected, not_judged, differ;
};

/* ---- reasons ------------------------------------------------------------- */

static void source_line(struct strbuf *out, const struct image_line *line)
{
	const char *text = line->text;
	u32 indent = 0, col = line->col;

	if (!text || !*text)
		return;
	sb_printf(out, "%5u | %s\n", line->line, text);
	while (text[indent] && (text[indent] == ' ' || text[indent] == '\t'))
		indent++;
	if (!col)
		return;
	sb_puts(out, "      | ");
	for (u32 i = 0; i + 1 < col && text[i]; i++)
		sb_putc(out, text[i] == '\t' ? '\t' : ' ');
	sb_puts(out, "^\n");
}

static void print_error(const struct image *img, const struct image_prog *p,
			const struct verify_error *e, const char *word)
{
	char where[512];
	const struct image_line *line = image_line(p, e->insn);
	struct strbuf out = { 0 };

	image_where(where, sizeof(where), img, p, e->insn);
	sb_printf(&out, "%s: %s: %s [SKEP-E%04d]\n", where, word, e->text, (int)e->id);
	if (line)
		source_line(&out, line);
	for (u32 i = 0; i < e->nr_notes; i++) {
		image_where(where, sizeof(where), img, p, e->note_insns[i]);
		sb_printf(&out, "%s: note: %s\n", where, e->notes[i]);
	}
	if (e->help)
		sb_printf(&out, "help: %s\n", e->help);
	sb_printf(&out, "kernel: %s\n", e->kernel);
	write_text(stderr, out.s, out.n);
	sb_free(&out);
}

static void print_reasons(const struct image *img, const struct image_prog *p,
			  const struct verify_result *r)
{
	char where[512];

	for (u32 i = 0; i < r->nr_errors; i++)
		print_error(img, p, &r->errors[i], "error");
	for (u32 i = 0; i < r->nr_warnings; i++)
		print_error(img, p, &r->warnings[i], "warning");
	if (r->verdict == VERDICT_OK && r->by_invariants) {
		image_where(where, sizeof(where), img, p, 0);
		fprintf(stderr, "%s: note: '%s' is safe by what holds where its paths meet; "
			"following them all takes longer than the kernel may have patience for "
			"(--policy kernel)\n", where, p->name);
	}
	if (r->verdict != VERDICT_NOT_JUDGED)
		return;
	image_where(where, sizeof(where), img, p, r->construct_insn);
	fprintf(stderr, "%s: note: '%s' is not judged: the verifier does not support it yet: %s\n",
		where, p->name, r->construct);
}

/* ---- the kernel's verdict ------------------------------------------------ */

/* "ok", "rejected" or "no answer"; *REASON is its message. */
static const char *ask_kernel(struct skep_object *obj, u32 prog, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	const struct prog_set only = { &prog, 1 };
	struct skep_object *twin = object_twin(obj);
	int rc = object_load(twin, &opts, &only, err);
	char about[256];

	skep_object_close(twin);
	if (!rc)
		return "ok";
	snprintf(about, sizeof(about), "rejects '%s'", obj->img->progs[prog].name);
	/* programs that it goes on in are loaded, too, and may be those refused */
	return err->id == ERR_KERNEL_REJECTED && strstr(err->text, about) ? "rejected" :
									      "no answer";
}

static const char *compare_kernel(struct verify_cmd *c, struct skep_object *obj, u32 i,
				  const struct verify_result *r)
{
	struct skep_err err = { 0 };
	const char *verdict = ask_kernel(obj, i, &err);

	if (!strcmp(verdict, "no answer") ||
	    (r->verdict != VERDICT_NOT_JUDGED && strcmp(verdict, verdict_word(r->verdict)))) {
		fprintf(stderr, "%s", skep_err_text(&err));
		c->differ += r->verdict != VERDICT_NOT_JUDGED && strcmp(verdict, "no answer");
	}
	return verdict;
}

/* ---- the table ----------------------------------------------------------- */

static void cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void cell(struct table *t, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

static void head(const struct verify_cmd *c, struct table *t)
{
	static const char *const names[] = { "program", "section", "insns", "verdict",
					     "visited", "states", "stack", "us", "kernel" };

	t->columns = c->kernel ? 9 : 8;
	for (u32 i = 0; i < t->columns; i++)
		table_cell(t, names[i]);
}

static void row(struct verify_cmd *c, struct table *t, struct skep_object *obj, u32 i,
		const struct verify_result *r)
{
	const struct image_prog *p = &obj->img->progs[i];

	table_cell(t, p->name);
	table_cell(t, p->section);
	cell(t, "%u", p->nr_insns);
	table_cell(t, verdict_word(r->verdict));
	cell(t, "%llu", (unsigned long long)r->visited);
	cell(t, "%u", r->states);
	cell(t, "%u", r->stack_bytes);
	cell(t, "%llu", (unsigned long long)r->ns / 1000);
	if (c->kernel)
		table_cell(t, compare_kernel(c, obj, i, r));
}

/* ---- the kernel's types --------------------------------------------------- */

#define VMLINUX "/sys/kernel/btf/vmlinux"

/* Does judging P take them? Helpers that give or take the kernel's objects, its
 * functions and variables, pointers in map values, arguments of what is traced. */
static bool needs_types(const struct image *img, const struct image_prog *p)
{
	for (u32 i = 0; i < img->nr_maps; i++)
		if (img->maps[i].nr_kptrs)
			return true;
	if (p->sec && (p->sec->flags & SEC_ATTACH_BTF))
		return true;
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		enum isa_op op = isa_op(&p->insns[i]);
		const struct helper_row *row;

		if (op == OP_CALL_KFUNC || op == OP_LDDW_BTF_ID)
			return true;
		row = op == OP_CALL ? helper_row((u32)p->insns[i].imm) : NULL;
		if (row && row->ret == RET_OTHER)
			return true;
	}
	return p->type == BPF_PROG_TYPE_TRACING || p->type == BPF_PROG_TYPE_LSM;
}

static int open_types(struct verify_cmd *c, const struct image *img,
		      const struct image_prog *p, struct skep_err *err)
{
	int rc = 0;

	if (c->types_tried || !needs_types(img, p))
		return 0;
	c->types_tried = true;
	if (c->btf)
		rc = obj_open_btf(&c->types, c->btf, NULL, err);
	else if (btf_open_file(&c->types, VMLINUX, NULL, NULL))
		c->types.btf = NULL;	/* what takes them is not judged then */
	if (!rc && c->types.btf)
		btf_index(c->types.btf, &c->types.arena);
	c->opts.vmlinux = c->types.btf;
	return rc;
}

static int verify_one(struct verify_cmd *c, struct table *t, struct skep_object *obj, u32 i)
{
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err = { 0 };
	int rc = open_types(c, obj->img, &obj->img->progs[i], &err);

	if (!rc)
		rc = verify_prog(&r, &arena, obj->img, &obj->img->progs[i], &c->opts, &err);
	if (rc) {
		arena_free(&arena);
		return report(&err);
	}
	print_reasons(obj->img, &obj->img->progs[i], &r);
	c->rejected += r.verdict == VERDICT_REJECTED;
	c->not_judged += r.verdict == VERDICT_NOT_JUDGED;
	row(c, t, obj, i, &r);
	arena_free(&arena);
	return 0;
}

static int verify_all(struct verify_cmd *c, const struct object_list *objs)
{
	struct table t = { 0 };
	struct strbuf out = { 0 };
	int status = 0;

	head(c, &t);
	for (size_t n = 0; n < objs->n && !status; n++)
		for (u32 i = 0; i < objs->v[n]->img->nr_progs && !status; i++)
			if (!c->prog || !strcmp(c->prog, objs->v[n]->img->progs[i].name))
				status = verify_one(c, &t, objs->v[n], i);
	table_print(&out, &t);
	if (!status)
		status = print_out(&out);
	sb_free(&out);
	if (status)
		return status;
	if (c->rejected || c->differ)
		return EXIT_NO;
	return c->not_judged ? EXIT_NO_ANSWER : EXIT_YES;
}

/* ---- the command --------------------------------------------------------- */

/* That there is something to judge: silence is no verdict. */
static int check_progs(const struct verify_cmd *c, const struct object_list *objs,
		       struct skep_err *err)
{
	u32 found = 0;

	for (size_t n = 0; n < objs->n; n++)
		found += c->prog ? skep_object_prog(objs->v[n], c->prog) != NULL :
				   objs->v[n]->img->nr_progs;
	if (found)
		return 0;
	return c->prog ? no_program(objs, c->prog, err) :
			 err_set(err, ERR_PROG_NONE, objs->v[0]->img->file, "it has no program");
}

static int verify_paths(struct verify_cmd *c, struct load_opts *load,
			const struct str_list *paths)
{
	struct object_list objs = { 0 };
	struct skep_err err = { 0 };
	int status;

	c->btf = load->btf;
	if (c->prog)
		*vec_push(&load->progs) = c->prog;
	if (input_objects(&objs, paths, load, &err) || check_progs(c, &objs, &err))
		status = report(&err);
	else
		status = verify_all(c, &objs);
	input_close(&objs);
	btf_close_file(&c->types);
	return status;
}

static int set_opts(const struct command *cmd, struct verify_cmd *c)
{
	c->opts.caps = VERIFY_CAP_ALL;
	if (c->on && !strcmp(c->on, "both"))
		c->kernel = true;
	else if (c->on && strcmp(c->on, "user"))
		return usage_error("--on takes user or both");
	if (c->policy && !strcmp(c->policy, "kernel"))
		c->opts.policy = POLICY_KERNEL;
	else if (c->policy && strcmp(c->policy, "user"))
		return usage_error("--policy takes user or kernel");
	if (c->caps && !strcmp(c->caps, "bpf"))
		c->opts.caps = 0;
	else if (c->caps && strcmp(c->caps, "all"))
		return usage_error("--caps takes all or bpf");
	return 0;
}

int cmd_verify(const struct command *cmd, int argc, char **argv)
{
	struct verify_cmd c = { 0 };
	struct load_opts load = { 0 };
	const struct opt opts[] = {
		{ "prog", 0, OPT_STR, "NAME", "only the program NAME", &c.prog },
		{ "policy", 0, OPT_STR, "POLICY", "user, or kernel: its limits", &c.policy },
		{ "caps", 0, OPT_STR, "CAPS", "of the loader: all, or bpf alone", &c.caps },
		{ "on", 0, OPT_STR, "ENGINE", "both: ask this kernel, too, and compare", &c.on },
		LOAD_OPTS(&load),
		{ 0 }
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return load_opts_free(&load), res.status;
	status = set_opts(cmd, &c);
	if (!status && !res.operands.n)
		status = usage_error("an object or a C file is needed");
	if (!status)
		status = verify_paths(&c, &load, &res.operands);
	vec_free(&res.operands);
	load_opts_free(&load);
	return status;
}

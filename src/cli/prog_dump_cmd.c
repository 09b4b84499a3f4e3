/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_dump_cmd.c: `skep prog dump`: instructions of programs of the kernel, as its
 * verifier left them (xlated), also as a graph, or as its compiler made them (jited); as
 * text, JSON or bytes.
 */
#include "cli/prog_cmd.h"

/* ---- dump --------------------------------------------------------------------------- */

enum { XLATED, JITED };

/* What one word asks for. */
static int dump_word(struct tool *t, struct prog_dump_opts *o, int what, const char **file)
{
	if (word_take(&t->w, "file"))
		return tool_word(t, "FILE", file);
	if (word_take(&t->w, "opcodes"))
		o->opcodes = true;
	else if (word_take(&t->w, "linum"))
		o->linum = true;
	else if (what == XLATED && word_take(&t->w, "visual"))
		o->visual = true;
	else
		return err_set(&t->err, ERR_USAGE, NULL, "'%s' is nothing that a dump takes; there "
			       "are file FILE, opcodes, linum%s", word_peek(&t->w),
			       what == XLATED ? " and visual" : "");
	return 0;
}

static int dump_words(struct tool *t, struct prog_dump_opts *o, int what, const char **file)
{
	int r = 0;

	while (!r && word_peek(&t->w))
		r = dump_word(t, o, what, file);
	if (!r && o->visual && (*file || o->opcodes || o->linum))
		r = err_set(&t->err, ERR_USAGE, NULL, "visual is by itself: a graph has no file, "
			    "opcodes or linum");
	return r;
}

/* ---- files ------------------------------------------------------------------------- */

static int write_bytes(const char *path, const void *data, size_t n, struct skep_err *err)
{
	struct os_out out;
	int r = os_out_open(&out, path, err);

	if (r)
		return r;
	fwrite(data, 1, n, out.f);
	return os_out_commit(&out, err);
}

static int xlated_to_file(const struct live_prog *p, const char *path, struct skep_err *err)
{
	struct live_code code;
	int r = live_code_read(&code, p->fd, err);

	if (!r)
		r = write_bytes(path, code.insns, code.nr_insns * sizeof(*code.insns), err);
	live_code_free(&code);
	return r;
}

static int jited_to_file(const struct live_prog *p, const char *path, struct skep_err *err)
{
	struct live_jit jit;
	int r = live_jit_read(&jit, p->fd, err);

	if (!r)
		r = write_bytes(path, jit.bytes, jit.nr_bytes, err);
	live_jit_free(&jit);
	return r;
}

/* What cannot be told apart in a file or a graph. */
static int only_one(struct tool *t, const struct prog_list *l)
{
	return l->n == 1 ? 0 : err_set(&t->err, ERR_LIVE, NULL, "%zu programs are called so; a "
				       "file or a graph takes one: give an id", l->n);
}

static int dump_to_file(struct tool *t, const struct prog_list *l, int what, const char *path)
{
	int r = only_one(t, l);

	if (!r)
		r = what == XLATED ? xlated_to_file(&l->v[0], path, &t->err) :
				     jited_to_file(&l->v[0], path, &t->err);
	return r ? r : tool_done(t);
}

/* A graph is no JSON, as in bpftool, which says nothing then. */
static int dump_graph(struct tool *t, const struct prog_list *l)
{
	int r = only_one(t, l);

	if (r)
		return r;
	if (t->form.json)
		return tool_done(t);
	r = prog_dump_graph(&t->out, &l->v[0], &t->err);
	return r ? r : tool_finish(t);
}

/* ---- text -------------------------------------------------------------------------- */

static int dump_code(struct tool *t, const struct live_prog *p, const struct prog_dump_opts *o,
		     int what)
{
	struct json *j = o->json ? &t->j : NULL;

	return what == XLATED ? prog_dump(&t->out, j, p, o, &t->err) :
				prog_dump_jited(&t->out, j, p, o, &t->err);
}

/* One of several: which, and its instructions. */
static int dump_named(struct tool *t, const struct live_prog *p, const struct prog_dump_opts *o,
		      int what)
{
	int r;

	if (!o->json) {
		prog_print_head(&t->out, p);
		sb_putc(&t->out, '\n');
		return dump_code(t, p, o, what);
	}
	json_obj(&t->j, NULL);
	prog_json_head(&t->j, p);
	json_arr(&t->j, "insns");
	r = dump_code(t, p, o, what);
	json_arr_end(&t->j);
	json_obj_end(&t->j);
	return r;
}

static int dump_list(struct tool *t, const struct prog_list *l, const struct prog_dump_opts *o,
		     int what)
{
	int r = 0;

	tool_begin(t, false);
	for (size_t i = 0; !r && i < l->n; i++) {
		if (i && !o->json)
			sb_putc(&t->out, '\n');
		r = l->n == 1 ? dump_code(t, &l->v[i], o, what) : dump_named(t, &l->v[i], o, what);
	}
	return r ? r : tool_end(t, false);
}

int prog_dump_command(struct tool *t)
{
	struct prog_dump_opts o = { .json = t->form.json };
	struct prog_list l = { 0 };
	const char *file = NULL;
	int what = word_take(&t->w, "xlated") ? XLATED : word_take(&t->w, "jited") ? JITED : -1, r;

	if (what < 0)
		return err_set(&t->err, ERR_USAGE, NULL, "what is dumped? `dump xlated PROG` or "
			       "`dump jited PROG`");
	r = prog_list_parse(&l, &t->w, &t->err);
	if (!r)
		r = dump_words(t, &o, what, &file);
	if (!r)
		r = file ? dump_to_file(t, &l, what, file) : o.visual ? dump_graph(t, &l) :
			   dump_list(t, &l, &o, what);
	prog_list_free(&l);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.c: the way from an image to what the embedded engine runs without checks:
 * verify, then rewrite. What the verifier refuses is not loaded; what it cannot
 * judge, and what has no place in the fast interpreter, is left to the checked one
 * and says why.
 */
#include "api/object.h"
#include "btf/btf.h"
#include "obj/obj.h"
#include "verify/rewrite.h"
#include <stdlib.h>

struct judge {
	struct skep_object *obj;
	struct verify_opts opts;
	struct target target;	/* its types are opened when a program wants them */
	bool tried;
};

/* What wants types that nobody has is not judged. */
static int open_types(struct judge *j, const struct image_prog *p, struct skep_err *err)
{
	int r;

	if (j->tried || !verify_wants_types(j->obj->img, p))
		return 0;
	j->tried = true;
	j->target.opts.btf = j->obj->btf;
	r = target_btf(&j->target, &j->opts.vmlinux, err);
	if (r || !j->opts.vmlinux)
		return r;
	btf_index(j->target.btf.btf, &j->target.btf.arena);
	return target_modules(&j->target, &j->opts.modules, &j->opts.nr_modules, err);
}

/* ---- reasons ------------------------------------------------------------- */

/* Names of a hostile object may hold what terminals obey. */
static void make_plain(struct strbuf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (((u8)b->s[i] < ' ' && b->s[i] != '\n' && b->s[i] != '\t') || b->s[i] == 0x7f)
			b->s[i] = '?';
}

static const char *copy(struct skep_object *obj, const char *s)
{
	return s ? arena_strdup(&obj->arena, s) : NULL;
}

static struct skep_reason reason_of(struct skep_object *obj, const struct image_prog *p,
				    const struct verify_error *e)
{
	const struct image_line *line = image_line(p, e->insn);
	struct skep_reason r = { .size = sizeof(r), .id = (int)e->id, .program = p->name,
		.insn = e->insn, .message = copy(obj, e->text), .help = copy(obj, e->help),
		.kernel = copy(obj, e->kernel) };
	struct strbuf text = { 0 };

	if (line) {
		r.file = image_line_file(line);
		r.line = line->line;
		r.column = line->col;
	}
	verify_error_text(&text, obj->img, p, e, "error");
	make_plain(&text);
	r.text = copy(obj, sb_text(&text));
	sb_puts(&obj->reasons, r.text);
	sb_free(&text);
	return r;
}

static void keep_reasons(struct skep_object *obj, const struct image_prog *p,
			 const struct verify_result *v)
{
	struct skep_reason *all = arena_news(&obj->arena, obj->nr_reasons + v->nr_errors,
					     struct skep_reason);

	if (obj->nr_reasons)
		memcpy(all, obj->reason, obj->nr_reasons * sizeof(*all));
	obj->reason = all;
	for (u32 i = 0; i < v->nr_errors; i++)
		all[obj->nr_reasons++] = reason_of(obj, p, &v->errors[i]);
}

/* The first reason is the error. */
static int refused(const struct skep_object *obj, struct skep_err *err)
{
	if (!err)
		return -EACCES;
	err->code = -EACCES;
	err->id = obj->reason[0].id;
	snprintf(err->text, sizeof(err->text), "%s", obj->reason[0].text);
	if (strlen(obj->reason[0].text) >= sizeof(err->text))
		memcpy(err->text + sizeof(err->text) - 5, "...\n", 5);
	return -EACCES;
}

/* ---- a program ----------------------------------------------------------- */

static void rewrite(struct skep_object *obj, struct skep_prog *prog, const struct verify_result *v)
{
	const char *lacks = rewrite_prog(&prog->code, &obj->arena, obj->img,
					 &obj->img->progs[prog->index], v, &prog->note_insn);

	prog->verdict = SKEP_VERIFIED;
	prog->fast = !lacks;
	if (lacks)
		prog->note = arena_printf(&obj->arena, "the fast interpreter does not have %s",
					  lacks);
}

static int judge_one(struct judge *j, struct skep_prog *prog, struct skep_err *err)
{
	struct skep_object *obj = j->obj;
	const struct image_prog *p = &obj->img->progs[prog->index];
	struct arena arena = ARENA_INIT;
	struct verify_result v;
	int r = open_types(j, p, err);

	if (!r)
		r = verify_prog(&v, &arena, obj->img, p, &j->opts, err);
	if (!r && v.verdict == VERDICT_REJECTED) {
		keep_reasons(obj, p, &v);
	} else if (!r && v.verdict == VERDICT_OK) {
		rewrite(obj, prog, &v);
	} else if (!r) {
		prog->verdict = SKEP_NOT_JUDGED;
		prog->note = arena_printf(&obj->arena, "the verifier does not support it yet: %s",
					  v.construct);
		prog->note_insn = v.construct_insn;
	}
	arena_free(&arena);
	return r;
}

int object_judge(struct skep_object *obj, const u32 *progs, u32 n, struct skep_err *err)
{
	struct judge j = { .obj = obj, .opts = { .caps = VERIFY_CAP_ALL } };
	int r = 0;

	for (u32 i = 0; !r && i < n; i++)
		r = judge_one(&j, &obj->progs[progs[i]], err);
	target_close(&j.target);
	return r || !obj->nr_reasons ? r : refused(obj, err);
}

void object_judge_free(struct skep_object *obj)
{
	sb_free(&obj->reasons);
	arena_free(&obj->arena);
	obj->reason = NULL;
	obj->nr_reasons = 0;
	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		obj->progs[i].verdict = SKEP_UNVERIFIED;
		obj->progs[i].fast = false;
		obj->progs[i].note = NULL;
	}
}

/* ---- what users see ------------------------------------------------------- */

const char *skep_object_reasons(const struct skep_object *obj)
{
	return obj->reasons.n ? obj->reasons.s : "";
}

int skep_object_reason(const struct skep_object *obj, uint32_t n, struct skep_reason *reason)
{
	if (reason->size != sizeof(*reason))
		return -EINVAL;
	if (n >= obj->nr_reasons)
		return -ENOENT;
	*reason = obj->reason[n];
	return 0;
}

enum skep_verdict skep_prog_verdict(const struct skep_prog *prog) { return prog->verdict; }

const char *skep_prog_note(const struct skep_prog *prog)
{
	return prog->note ? prog->note : "";
}

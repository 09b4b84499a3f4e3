/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang_judge.h: a script through the whole way: compiled, and what comes out judged by our
 * verifier and, when asked and allowed, by the kernel. Both must accept it.
 */
#ifndef FUZZ_LANG_JUDGE_H
#define FUZZ_LANG_JUDGE_H

#include "api/object.h"
#include "base/vec.h"
#include "lang/cdecl.h"
#include "lang/lang.h"
#include "skep/skep.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum judge_result { JUDGE_WRONG, JUDGE_LIMIT, JUDGE_GOOD };

/* Kinds of programs that this kernel lets nobody load, whatever is in them. */
static inline bool judge_kernel_takes(const struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		const char *s = obj->img->progs[i].section;

		if (s && (!strncmp(s, "fentry", 6) || !strncmp(s, "fexit", 5) ||
			  !strncmp(s, "iter", 4)))
			return false;
	}
	return true;
}

static inline void judge_fail(const char *text, const char *who, const char *why)
{
	fprintf(stderr, "%s refuses what was compiled:\n%s\n%s\n", who, text, why);
	abort();
}

static inline void judge_ours(struct skep_object *obj, const char *text)
{
	u32 *all = malloc((obj->img->nr_progs + 1) * sizeof(*all));
	struct skep_err err = { 0 };

	for (u32 i = 0; i < obj->img->nr_progs; i++)
		all[i] = i;
	if (object_judge(obj, all, obj->img->nr_progs, &err))
		judge_fail(text, "our verifier", *skep_object_reasons(obj) ?
			   skep_object_reasons(obj) : err.text);
	for (struct skep_prog *p = NULL; (p = skep_object_next_prog(obj, p));)
		if (skep_prog_verdict(p) != SKEP_VERIFIED)
			judge_fail(text, "our verifier (not judged)", skep_prog_note(p));
	free(all);
}

static inline void judge_kernel(const struct lang_unit *u, const char *text)
{
	const struct skep_load_opts o = { .size = sizeof(o), .engine = SKEP_KERNEL, .probe = 1 };
	struct skep_object *obj;
	struct skep_err err = { 0 };

	if (skep_object_open_mem(&obj, u->elf.s, u->elf.n, "script", &err))
		judge_fail(text, "the loader", err.text);
	/* memory that runs out is nobody's mistake */
	if (judge_kernel_takes(obj) && skep_object_load(obj, &o, &err) &&
	    err.code != -ENOMEM && !strstr(err.text, "Cannot allocate memory") && !geteuid())
		judge_fail(text, "the kernel", err.text);
	skep_object_close(obj);
}

/* What a script may be refused for that is right but for its constants, or its size, or that
 * this system cannot run. */
static inline bool judge_excused(const char *said)
{
	static const char *const why[] = { "unable to fold literals", "no kprobes",
		"could not find", "does not exist", "No such file" };
	bool is = false;

	for (size_t i = 0; i < ARRAY_LEN(why); i++)
		is |= strstr(said, why[i]) != NULL;
	return is;
}

static inline enum judge_result judge_script(const char *text, size_t bytes, bool kernel,
					     bool must)
{
	static const char *const args[] = { "12", "vfs_read", "-7" };
	static const char *const dirs[] = { "test/fuzz/corpus/lang/dir" };
	const struct lang_opts lo = { .args = args, .nr_args = 3, .dirs = dirs, .nr_dirs = 1,
				      .unsafe = false };
	struct script s;
	struct lang l = { 0 };
	struct lang_unit unit = { 0 };
	struct skep_err err = { 0 };
	struct strbuf said = { 0 };
	struct skep_object *obj;
	enum judge_result result = JUDGE_GOOD;
	int rc;

	script_open(&s);
	rc = lang_compile(&l, &s, &unit, script_source(&s, "stdin", text, (u32)bytes), &lo, &err);
	diag_print(&said, &s);
	if (rc == LANG_WRONG && must && !judge_excused(said.s))
		judge_fail(text, "the compiler", said.s);
	if (rc < 0 && err.id != ERR_LANG_LIMIT)
		judge_fail(text, "the back end", err.text);
	if (rc) {
		result = rc == LANG_WRONG ? JUDGE_WRONG : JUDGE_LIMIT;
	} else if (unit.places.n) {
		if (skep_object_open_mem(&obj, unit.elf.s, unit.elf.n, "script", &err))
			judge_fail(text, "the loader", err.text);
		judge_ours(obj, text);
		skep_object_close(obj);
		if (kernel)
			judge_kernel(&unit, text);
	}
	sb_free(&said);
	lang_free(&l);
	script_free(&s);
	return result;
}

#endif

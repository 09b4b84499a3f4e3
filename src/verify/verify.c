/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.c: the job from its beginning to the verdict: shape, liveness, paths,
 * depth of the stack. See state.h for what goes through it.
 */
#include "verify/call.h"
#include "verify/explore.h"
#include "verify/kobject.h"
#include "verify/log.h"
#include "verify/pack.h"
#include "base/os.h"

enum { LIMIT_INSNS = 1000000, MAX_ERRORS = 5, MAX_PROG_INSNS = 1000000,
	/* programs that took longer are not run again for their paths */
	TRACE_MAX = 500000,
	/* bytes that states may take, beside what is there for each instruction */
	BUDGET = 16 << 20 };

static const struct verify_opts default_opts = { .caps = VERIFY_CAP_ALL };

static void set_limits(struct verifier *v)
{
	const struct verify_opts *o = v->opts;

	v->limit = o->limit_insns ? o->limit_insns : LIMIT_INSNS;
	v->max_errors = o->max_errors ? o->max_errors : MAX_ERRORS;
	v->privileged = o->caps & VERIFY_CAP_PERFMON;
}

/* Whom F is to be judged for yet: those that sleep or those that do not. */
static bool judge_for(struct verifier *v, struct func *f)
{
	if (f->judged_shown != f->shown)
		f->judged = 0;
	f->judged_shown = f->shown;
	if (!(f->callers & ~f->judged))
		return false;
	v->entry_sleeps = f->callers & ~f->judged & 2;
	f->judged |= (u8)(1u << v->entry_sleeps);
	return true;
}

/* A global function that something called and that was not judged yet for what it is
 * given. */
static bool next_global(struct verifier *v, u32 *func)
{
	for (u32 i = 1; i < v->nr_funcs; i++) {
		if (!judge_for(v, &v->funcs[i]))
			continue;
		*func = i;
		return true;
	}
	return false;
}

static void judge(struct verifier *v)
{
	u32 func;

	if (cfg_build(v))
		return;
	if (!v->prog->type) {
		not_judged(v, 0, "programs without a type (SEC(\"%s\"))", v->prog->section ?
			   v->prog->section : "");
		return;
	}
	if (v->prog->type == BPF_PROG_TYPE_EXT) {	/* with its parameters, and its type */
		not_judged(v, 0, "programs that replace a function of another one");
		return;
	}
	dated_check(v);
	attach_find(v);
	attach_check(v);
	live_build(v);
	global_effects(v);
	log_head(v);
	if (v->opts->flags & VERIFY_FACTS)
		facts_begin(v);
	v->kept = arena_news(&v->mem, v->nr_insns, struct kept *);
	v->budget = v->mem.used + BUDGET;
	v->entry_sleeps = prog_sleeps(v);
	explore(v, 0);
	while (!v->stop && next_global(v, &func))
		explore(v, func);
	if (!v->stop)
		stack_depth_check(v);
}

/* What those need who make the program run. */
static void tell_insns(struct verifier *v, struct verify_result *r)
{
	struct verify_insn *insns = arena_news(v->arena, v->nr_insns, struct verify_insn);

	for (u32 i = 0; i < v->nr_insns; i++) {
		const struct point *p = &v->points[i];

		insns[i] = (struct verify_insn){ p->access, (p->flags & POINT_SEEN) != 0, p->live,
			(u16)v->funcs[p->func].stack_bytes };
	}
	r->insns = insns;
	r->stale_slots = v->stale_slots;
}

static void report(struct verifier *v, struct verify_result *r)
{
	r->nr_errors = (u32)v->errors.n;
	r->errors = arena_copy(v->arena, v->errors.v, v->errors.n * sizeof(*v->errors.v));
	r->nr_warnings = (u32)v->warnings.n;
	r->warnings = arena_copy(v->arena, v->warnings.v,
				 v->warnings.n * sizeof(*v->warnings.v));
	r->read = arena_copy(v->arena, v->read.v, v->read.n * sizeof(*v->read.v));
	r->nr_read = (u32)v->read.n;
	r->construct = v->construct;
	r->construct_insn = v->construct_insn;
	r->visited = v->visited + v->visited_joined;
	r->peak_states = v->peak_kept;
	r->since = v->since;
	r->rules = v->rules;
	/* a mistake that was found stands, whatever else is in the program */
	r->verdict = v->errors.n ? VERDICT_REJECTED :
		     v->construct ? VERDICT_NOT_JUDGED : VERDICT_OK;
	if (r->verdict == VERDICT_OK)
		tell_insns(v, r);
}

static void release(struct verifier *v)
{
	vec_free(&v->pending);
	vec_free(&v->open);
	vec_free(&v->loops);
	vec_free(&v->defs);
	vec_free(&v->marks);
	vec_free(&v->read);
	vec_free(&v->errors);
	vec_free(&v->warnings);
	shared_free(v);
	facts_free(v);
	arena_free(&v->mem);
}

static int check_input(const struct image *img, const struct image_prog *prog,
		       struct skep_err *err)
{
	char where[256];

	image_where(where, sizeof(where), img, prog, 0);
	if (prog->nr_insns > MAX_PROG_INSNS)
		return err_set(err, ERR_LIMIT, where, "%u instructions; %u are the limit",
			       prog->nr_insns, MAX_PROG_INSNS);
	return isa_check(prog->insns, prog->nr_insns, where, err);
}

/* TRACE: keeps what messages tell of paths. */
static void run(struct verifier *v, bool trace)
{
	v->trace = trace;
	set_limits(v);
	if (v->opts->log)
		v->opts->log->n = 0;
	judge(v);
	log_tail(v);
	if (v->facts && !v->errors.n && !v->construct)
		v->result->facts = facts_end(v);
	report(v, v->result);
}

int verify_prog(struct verify_result *result, struct arena *arena,
		const struct image *img, const struct image_prog *prog,
		const struct verify_opts *opts, struct skep_err *err)
{
	const struct verifier job = {
		.img = img, .prog = prog, .opts = opts ? opts : &default_opts,
		.result = result, .arena = arena, .err = err,
		.insns = prog->insns, .nr_insns = prog->nr_insns,
		.step_insns = 1,	/* the first one counts, as in the kernel */
		.ctx = access_ctx(prog->type, prog->expected_attach),
	};
	struct verifier v = job;
	u64 start = os_clock_ns();
	int rc;

	memset(result, 0, sizeof(*result));
	rc = check_input(img, prog, err);
	if (rc)
		return rc;
	run(&v, false);
	if (v.errors.n && result->visited < TRACE_MAX) {
		release(&v);
		v = job;
		memset(result, 0, sizeof(*result));
		run(&v, true);
	}
	release(&v);
	result->ns = os_clock_ns() - start;
	return 0;
}

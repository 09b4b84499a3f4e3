/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testcase.h: the parts of `skep test`: cases are read from the declaration tags of
 * programs (include/skep/test.h, and those of the kernel's selftests), run on an engine,
 * and reported.
 */
#ifndef CLI_TESTCASE_H
#define CLI_TESTCASE_H

#include "cli/coverage.h"
#include "model/target.h"
#include "verify/verify.h"

/* ---- testcase.c: what is tested ------------------------------------------------ */

enum test_expect { EXPECT_NOTHING, EXPECT_SUCCESS, EXPECT_FAILURE };

struct test_text { u32 order, line; const char *text; bool absent; };	/* LINE 0: unknown */
struct test_texts { struct test_text *v; size_t n, cap; };	/* a VEC */
struct test_field { const char *key, *value; };

/* A case; texts live in the arena that it was made in. */
struct test_case {
	struct skep_object *obj;
	u32 prog;
	const char *name;
	const char *dir;	/* files that it names are looked for there; or NULL */
	const char *at;		/* "FILE:LINE" of it, or of the program; or NULL */
	u8 expect;		/* enum test_expect: of the verifier */
	struct test_texts msgs;	/* of its log, in order */
	struct test_texts xlated;	/* of what the kernel makes of the program, in order */
	unsigned log_level;	/* 1, 2; 0: none said */
	unsigned flags;		/* enum verify_flag */
	bool runs;		/* the program is run */
	bool has_retval;
	u32 retval;
	VEC(struct test_field) fields;	/* of __test */
	const char *wrong;	/* why the annotations mean nothing, or NULL */
	const char *skip;	/* why it cannot be done here, or NULL */
};
struct test_cases { struct test_case *v; size_t n, cap; };	/* a VEC */

/* Adds the cases of OBJ. Nothing fails: a case that is wrong says so when it runs. */
void testcase_find(struct test_cases *all, struct arena *arena, struct skep_object *obj,
		   const char *dir);
/* What has a __test and is no program, and so would never be tested: the next behind the
 * type *ID (0 to begin with), or NULL. */
const char *testcase_stray(const struct skep_object *obj, u32 *id);
void testcase_drop(struct test_case *c);	/* what it holds */
void testcase_free(struct test_cases *all);
/* The value of field KEY, or NULL; *AT (0 at first) goes on behind it. */
const char *testcase_field(const struct test_case *c, const char *key, size_t *at);

/* ---- test_jobs.c: several at a time -------------------------------------------------- */

enum test_outcome { TEST_PASSED, TEST_FAILED, TEST_SKIPPED };

enum { TEST_JOBS_MAX = 256 };

/* What became of a case. */
struct test_done { enum test_outcome outcome; u64 ns; struct strbuf why; };

/*
 * Runs RUN on the numbers 0 to N * PER - 1, PER of them in order by the same process, by up to
 * JOBS processes, and TELL on each result in order. One that a signal ends has failed the
 * test that it was at; the others go on. One job: in this process.
 */
void test_jobs(size_t n, u32 per, u32 jobs, struct test_done (*run)(void *arg, size_t n),
	       void (*tell)(void *arg, size_t n, struct test_done *d), void *arg);

/* ---- test_run.c: whether it holds ------------------------------------------------ */

/* The kernel's types, opened when a case wants them. */
struct test_types {
	struct verify_opts opts;
	struct target target;
	bool tried;
	struct coverage *coverage;	/* of all runs; NULL: nobody asks */
	bool no_end;		/* the last case used up its budget */
};

/* TEST_FIRST: on the embedded engine, and then on the kernel. */
enum test_on { TEST_USER, TEST_FIRST, TEST_KERNEL };

/* Runs C there. WHY gets lines that say what is not as it was to be, or why it was
 * skipped: what other machines or engines can tell. */
enum test_outcome test_run_case(const struct test_case *c, struct test_types *types,
				enum test_on on, struct strbuf *why);

#endif

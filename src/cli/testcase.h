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

struct test_text { u32 order; const char *text; bool absent; };
struct test_texts { struct test_text *v; size_t n, cap; };	/* a VEC */
struct test_field { const char *key, *value; };

/* A case; texts live in the arena that it was made in. */
struct test_case {
	struct skep_object *obj;
	u32 prog;
	const char *name;
	const char *dir;	/* files that it names are looked for there; or NULL */
	u8 expect;		/* enum test_expect: of the verifier */
	struct test_texts msgs;	/* of its log, in order */
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
void testcase_free(struct test_cases *all);
/* The value of field KEY, or NULL; *AT (0 at first) goes on behind it. */
const char *testcase_field(const struct test_case *c, const char *key, size_t *at);

/* ---- test_run.c: whether it holds ------------------------------------------------ */

enum test_outcome { TEST_PASSED, TEST_FAILED, TEST_SKIPPED };

/* The kernel's types, opened when a case wants them. */
struct test_types {
	struct verify_opts opts;
	struct target target;
	bool tried;
	struct coverage *coverage;	/* of all runs; NULL: nobody asks */
};

/* Runs C on the embedded engine, or the running kernel. WHY gets lines that say what is
 * not as it was to be, or why it was skipped. */
enum test_outcome test_run_case(const struct test_case *c, struct test_types *types,
				bool on_kernel, struct strbuf *why);

#endif

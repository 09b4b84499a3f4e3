/* SPDX-License-Identifier: BSD-2-Clause */
/* test_in.h: between the files that run a case of `skep test`. */
#ifndef CLI_TEST_IN_H
#define CLI_TEST_IN_H

#include "cli/run.h"
#include "cli/testcase.h"
#include <regex.h>

struct run_case {
	const struct test_case *c;
	struct test_types *types;
	const struct image_prog *prog;
	struct skep_object *obj;	/* its own */
	struct skep_load_opts opts;
	struct skep_run run;
	struct run_who who;
	u8 *packet;
	struct arena arena;
	struct strbuf *why;
	enum test_outcome outcome;
	bool kernel_too;	/* it is (also) for the kernel */
	bool no_end;		/* the run used up its budget */
};

/* ---- test_run.c ------------------------------------------------------------------ */

/* Adds to why. What failed stays so, whatever is skipped after it. */
void test_tell(struct run_case *r, enum test_outcome o, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define failed(r, ...) test_tell(r, TEST_FAILED, __VA_ARGS__)
#define skipped(r, ...) test_tell(r, TEST_SKIPPED, __VA_ARGS__)
void test_failed_err(struct run_case *r, const struct skep_err *err);
/* Where PATTERN, with {{ERE}} in it, is in TEXT, and where that ends; false: nowhere. */
bool test_find_pattern(struct run_case *r, const char *text, const char *pattern, regmatch_t *at);
/* NAME beside the file that the case is in, unless it says where it is. */
const char *test_path(struct run_case *r, const char *name);
/* The number of field KEY; false: it is not given. */
bool test_u64(struct run_case *r, const char *key, u64 max, u64 *out);
/* Bytes in hexadecimal, with spaces or ':' between them as one likes. */
bool test_hex(struct run_case *r, const char *text, u8 **bytes, u32 *n);

/* ---- test_parts.c ------------------------------------------------------------------ */

/* Who the program is told that calls it; what it gets besides the packet. */
void test_task(struct run_case *r);
void test_context(struct run_case *r);
/* Before the run: buffers where the kernel has none yet. "MAP:[...]", "MAP=TYPE:FILE":
 * compares what it left there. */
void test_records_open(struct run_case *r);
void test_records(struct run_case *r, const char *text);
/* Compares what the kernel made of the program, which OBJ has loaded there. */
void test_xlated(struct run_case *r, struct skep_object *obj);

#endif

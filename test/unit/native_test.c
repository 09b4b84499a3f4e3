/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native_test.c: compiled programs in the engine, beside interpreted ones: the budget
 * ends them wherever they are and leaves nothing behind, tail calls go on and come
 * back, callbacks call back, and without executable memory they are interpreted.
 */
#include "api/object.h"
#include "isa/isa.h"
#include "jit/jit.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNTS, RING, PROGS, MAPS };
static const struct skep_map_def maps[MAPS] = {
	[COUNTS] = { "counts", BPF_MAP_TYPE_ARRAY, 4, 64, 1, 0, NULL },
	[RING] = { "ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, NULL },
	[PROGS] = { "progs", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, NULL },
};

static struct skep_object *load(const char *text, enum skep_jit jit)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .jit = jit, .cpus = 1 };
	struct isa_code code = { 0 };
	struct skep_object *obj;
	struct skep_err err;

	if (isa_asm(&code, text, strlen(text), "program", &err) ||
	    skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "p", code.v, code.n, maps, MAPS, "GPL",
				   &err) ||
	    skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	vec_free(&code);
	return obj;
}

static struct skep_prog_engine engine(struct skep_object *obj)
{
	struct skep_prog_engine e = { .size = sizeof(e) };

	assert_int_equal(skep_prog_engine(skep_object_prog(obj, "p"), &e), 0);
	return e;
}

/* What the run gives, or 0 and the error. */
static u32 run(struct skep_object *obj, u64 budget, struct skep_err *err)
{
	static const u8 packet[64];
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet),
			      .budget = budget };

	*err = (struct skep_err){ 0 };
	return skep_prog_run(skep_object_prog(obj, "p"), &r, err) ? 0 : r.retval;
}

static u64 count(struct skep_object *obj, u32 n)
{
	u64 v[8];
	u32 key = 0;

	assert_int_equal(skep_map_lookup(skep_object_map(obj, "counts"), &key, v), 0);
	return v[n];
}

static void expect_tier(struct skep_object *obj, enum skep_jit jit)
{
	static const enum skep_tier tiers[] = { [SKEP_JIT_OFF] = SKEP_TIER_FAST,
		[SKEP_JIT_FAST] = SKEP_TIER_JIT_FAST, [SKEP_JIT_OPT] = SKEP_TIER_JIT_OPT };

	if (jit == SKEP_JIT_OPT && !jit_optimises())
		jit = SKEP_JIT_FAST;
	if (jit_available())
		assert_int_equal(engine(obj).tier, tiers[jit]);
}

/* ---- budgets ----------------------------------------------------------------- */

/* Each has counts[0] before it takes long and counts[1] after. */
#define BEFORE "r9 = map[idx:0][0]+0\n" "r1 = *(u64 *)(r9 + 0)\n" "r1 += 1\n" \
	"*(u64 *)(r9 + 0) = r1\n"
#define AFTER "r1 = *(u64 *)(r9 + 8)\n" "r1 += 1\n" "*(u64 *)(r9 + 8) = r1\n" "r0 = 2\n" "exit\n"
#define LONG "r7 = 3000000\n" "again: r7 += -1\n" "if r7 != 0 goto again\n"

static const struct { const char *what, *text; } endless[] = {
	{ "a loop", BEFORE LONG AFTER },
	{ "a loop in a function", BEFORE "call f\n" AFTER "f:\n" LONG "r0 = 0\nexit\n" },
	{ "a loop two functions deep", BEFORE "call f\n" AFTER
	  "f: call g\n" "r9 = map[idx:0][0]+0\n" "r1 = *(u64 *)(r9 + 16)\n" "r1 += 1\n"
	  "*(u64 *)(r9 + 16) = r1\n" "r0 = 0\n" "exit\n"
	  "g:\n" LONG "r0 = 0\nexit\n" },
	{ "a loop in a callback", BEFORE
	  "r1 = 4\nr2 = subprog[cb]\nr3 = 0\nr4 = 0\ncall 181\n" AFTER
	  "cb:\n" LONG "r0 = 0\nexit\n" },
	{ "many callbacks", BEFORE
	  "r1 = 1000000\nr2 = subprog[cb]\nr3 = 0\nr4 = 0\ncall 181\n" AFTER
	  "cb: r0 = 0\nexit\n" },
	{ "with a record", BEFORE
	  "r1 = map[idx:1]\nr2 = 8\nr3 = 0\ncall 131\nif r0 == 0 goto none\nr8 = r0\n"
	  "r7 = 7\n" "*(u64 *)(r8 + 0) = r7\n" LONG "r1 = r8\nr2 = 0\ncall 132\nnone:\n" AFTER },
};

static int ignore(void *arg, const struct skep_event *e)
{
	(void)arg;
	(void)e;
	return 0;
}

static void budget_ends(const char *what, const char *text, enum skep_jit jit)
{
	struct skep_object *obj = load(text, jit);
	struct skep_err err;

	expect_tier(obj, jit);
	for (u32 i = 1; i <= 3; i++) {
		run(obj, 100000, &err);
		if (err.id != 802)
			fail_msg("%s, jit %d: no budget error: %s", what, jit, err.text);
		assert_int_equal(count(obj, 0), 2 * i - 1);
		assert_int_equal(count(obj, 1), i - 1);
		assert_true(count(obj, 2) <= i - 1);
		if (run(obj, 0, &err) != 2)
			fail_msg("%s, jit %d: %s", what, jit, err.text);
		assert_int_equal(count(obj, 0), 2 * i);
		assert_int_equal(count(obj, 1), i);
		if (strstr(what, "record"))	/* the one of the stopped run is not in its way */
			assert_int_equal(skep_map_read(skep_object_map(obj, "ring"), ignore, NULL),
					 1);
	}
	skep_object_close(obj);
}

static void budgets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endless); i++)
		for (enum skep_jit jit = SKEP_JIT_OFF; jit <= SKEP_JIT_OPT; jit++)
			budget_ends(endless[i].what, endless[i].text, jit);
}

/* ---- tail calls --------------------------------------------------------------------- */

/* In a function, so that each of the 33 programs comes back to the one before. */
static const char itself[] =
	"r6 = r1\n"
	"r9 = map[idx:0][0]+0\n" "r2 = *(u64 *)(r9 + 0)\n" "r2 += 1\n" "*(u64 *)(r9 + 0) = r2\n"
	"r7 = 5\n"
	"*(u64 *)(r10 - 8) = r7\n"
	"call f\n"
	"r1 = *(u64 *)(r9 + 8)\n" "r2 = *(u64 *)(r10 - 8)\n" "r1 += r2\n" "r1 += r7\n"
	"*(u64 *)(r9 + 8) = r1\n"
	"r0 = 2\n" "exit\n"
	"f: r2 = map[idx:2]\n" "r3 = 0\n" "call 12\n" "r0 = 0\n" "exit\n";

static void tail_calls(void **state)
{
	u32 slot = 0, self = 0;

	(void)state;
	for (enum skep_jit jit = SKEP_JIT_OFF; jit <= SKEP_JIT_OPT; jit++) {
		struct skep_object *obj = load(itself, jit);
		struct skep_err err;

		expect_tier(obj, jit);
		assert_int_equal(skep_map_update(skep_object_map(obj, "progs"), &slot, &self, 0),
				 0);
		for (u64 i = 1; i <= 3; i++) {
			if (run(obj, 0, &err) != 2)
				fail_msg("jit %d: %s", jit, err.text);
			assert_int_equal(count(obj, 0), 34 * i);
			assert_int_equal(count(obj, 1), 10 * 34 * i);
		}
		skep_object_close(obj);
	}
}

/* ---- what can be read at any address ------------------------------------------------ */

/* Each function that has been entered and not left shows its 512 bytes, and nothing else
 * around can be read: no address that a call returns to, no register of a caller. What is
 * a pointer given away is known to the program by way of a map. */
#define SHOW "r1 = map[idx:0][0]+0\n" "*(u64 *)(r1 + 56) = r10\n"
#define CALL_SCAN "call scan\n" "r1 = map[idx:0][0]+0\n" "r2 = *(u64 *)(r1 + 8)\n" \
	"*(u64 *)(r1 + 16) = r2\n" "*(u64 *)(r1 + 8) = r0\n"
/* 8 KiB down and 24 KiB up, the words that can be read. */
#define SCAN \
	"scan:\n" SHOW "r6 = *(u64 *)(r1 + 56)\n" "r6 += -8192\n" "r7 = 0\n" "r8 = 0\n" \
	"again: r1 = r10\n" "r1 += -8\n" "r2 = 8\n" "r3 = r6\n" "call 113\n" \
	"if r0 != 0 goto none\n" "r8 += 1\n" \
	"none: r6 += 8\n" "r7 += 1\n" "if r7 < 4096 goto again\n" "r0 = r8\n" "exit\n"
#define END "r0 = 2\n" "exit\n"

/* How many frames the last scan sees, and the one before; without LESS, which are of
 * functions that do not use them, and compiled have none. */
static const struct { const char *what, *text; u32 last, before, less; } shown[] = {
	{ "main", SHOW CALL_SCAN END SCAN, 2, 0, 0 },
	{ "main without a frame", CALL_SCAN END SCAN, 2, 0, 1 },
	{ "a function, then main", SHOW "call f\n" CALL_SCAN END
	  "f:\n" SHOW CALL_SCAN "r0 = 0\nexit\n" SCAN, 2, 3, 0 },
	{ "a function without a frame between", SHOW "call f\n" CALL_SCAN END
	  "f:\n" CALL_SCAN "r0 = 0\nexit\n" SCAN, 2, 3, 1 },
	{ "a callback, then main", SHOW
	  "r1 = 3\nr2 = subprog[cb]\nr3 = 0\nr4 = 0\ncall 181\n" CALL_SCAN END
	  "cb:\n" SHOW CALL_SCAN "r0 = 0\nexit\n" SCAN, 2, 3, 0 },
	/* the program again, in the place of f */
	{ "after a tail call", "r6 = r1\n" SHOW "r7 = *(u64 *)(r1 + 0)\n" "r8 = r7\n"
	  "r7 += 1\n" "*(u64 *)(r1 + 0) = r7\n" "if r8 s> 0 goto second\n" "r1 = r6\n"
	  "call f\n" CALL_SCAN END
	  "second:\n" "r2 = 0\n" "*(u64 *)(r1 + 0) = r2\n" CALL_SCAN END
	  "f:\n" "r6 = r1\n" SHOW "r2 = map[idx:2]\n" "r3 = 0\n" "r1 = r6\n" "call 12\n"
	  "r0 = 0\nexit\n" SCAN, 2, 3, 0 },
	/* none there: f goes on */
	{ "after a tail call that fails", "r6 = r1\n" SHOW "r1 = r6\n" "call f\n"
	  CALL_SCAN END
	  "f:\n" "r6 = r1\n" SHOW "r2 = map[idx:2]\n" "r3 = 3\n" "r1 = r6\n" "call 12\n"
	  CALL_SCAN "r0 = 0\nexit\n" SCAN, 2, 3, 0 },
};

static bool frames_are(u64 words, u32 n, u32 less)
{
	return words == 64 * n || words == 64 * (n - less);
}

static void scan(const char *what, const char *text, enum skep_jit jit, const u32 frames[3])
{
	struct skep_object *obj = load(text, jit);
	u32 slot = 0, self = 0;
	struct skep_err err;

	expect_tier(obj, jit);
	assert_int_equal(skep_map_update(skep_object_map(obj, "progs"), &slot, &self, 0), 0);
	for (u32 i = 0; i < 2; i++) {
		if (run(obj, 0, &err) != 2)
			fail_msg("%s, jit %d: %s", what, jit, err.text);
		if (!frames_are(count(obj, 1), frames[0], frames[1] ? 0 : frames[2]) ||
		    (i && frames[1] && !frames_are(count(obj, 2), frames[1], frames[2])))
			fail_msg("%s, jit %d: %u and %u words can be read, not %u and %u frames",
				 what, jit, (u32)count(obj, 1), (u32)count(obj, 2), frames[0],
				 frames[1]);
	}
	skep_object_close(obj);
}

static void frames_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		for (enum skep_jit jit = SKEP_JIT_OFF; jit <= SKEP_JIT_OPT; jit++)
			scan(shown[i].what, shown[i].text, jit,
			     (u32[]){ shown[i].last, shown[i].before, shown[i].less });
}

/* ---- where nothing may be executed -------------------------------------------------- */

/* mprotect and mmap with PROT_EXEC are refused from here on. */
static void forbid_code(void)
{
#define SYSCALL_FIELD(f) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, f))
	struct sock_filter filter[] = {
		SYSCALL_FIELD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
		SYSCALL_FIELD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { ARRAY_LEN(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(77);
}

static void child(void)
{
	struct skep_object *obj;
	struct skep_err err;
	struct skep_prog_engine e = { .size = sizeof(e) };

	forbid_code();
	obj = load(itself, SKEP_JIT_OPT);
	e = engine(obj);
	_exit(e.tier != SKEP_TIER_FAST ? 1 :
	      strcmp(e.note, "the system gives no memory for native code") ? 2 :
	      run(obj, 0, &err) != 2 ? 3 : 0);
}

static void no_executable_memory(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (!jit_available())
		skip();
	pid = fork();
	if (!pid)
		child();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* No memory of a process is ever writable and executable. */
static void never_both(void **state)
{
	struct skep_object *obj = load(itself, SKEP_JIT_OPT);
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		assert_null(strstr(line, "rwx"));
	fclose(f);
	skep_object_close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budgets),
		cmocka_unit_test(tail_calls),
		cmocka_unit_test(frames_alone),
		cmocka_unit_test(no_executable_memory),
		cmocka_unit_test(never_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

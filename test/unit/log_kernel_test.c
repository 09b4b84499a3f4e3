/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_kernel_test.c: loading programs whose log does not fit into the buffer, and
 * being interrupted meanwhile. bpf(2) goes through here, so that what the kernel
 * answered is counted, and answers that it seldom gives come as often as a test
 * wants. Attaches nothing.
 */
#include "kernel/kernel.h"
#include "isa/isa.h"
#include "model/tables.h"
#include "obj/obj.h"
#include "kernel_bpf.h"
#include <skep/insn.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/time.h>

enum { LONG = 6000, TRIPS = 150000 };

static struct skep_err err;

/* ---- the system call -------------------------------------------------------------- */

static struct { int code; int cmd; u32 times; } wanted;	/* instead of the kernel's answer */
static volatile sig_atomic_t answers[ERANGE + 1];	/* of BPF_PROG_LOAD, by errno */

static bool answer_wanted(int cmd)
{
	if (!wanted.times || cmd != wanted.cmd)
		return false;
	wanted.times--;
	errno = wanted.code;
	return true;
}

/* Stands before libc's, for the calls of src/kernel/sys.c. */
long syscall(long nr, ...)
{
	static long (*libc)(long, ...);
	long a[6], r;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!libc)
		*(void **)&libc = dlsym(RTLD_NEXT, "syscall");
	if (nr == SYS_bpf && answer_wanted((int)a[0]))
		r = -1;
	else
		r = libc(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (nr == SYS_bpf && a[0] == BPF_PROG_LOAD && r < 0 && errno <= ERANGE)
		answers[errno]++;
	return r;
}

static void answer(int cmd, int code, u32 times)
{
	wanted.cmd = cmd;
	wanted.code = code;
	wanted.times = times;
	memset((void *)answers, 0, sizeof(answers));
}

/* ---- programs ----------------------------------------------------------------------- */

/* 0, or what loading failed with; ERR says why. */
static int load(const struct bpf_insn *insns, size_t n)
{
	struct backend *b;
	struct image *img;
	int r;

	err = (struct skep_err){ 0 };
	if (kernel_open(&b, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(obj_from_insns(&img, BPF_PROG_TYPE_XDP, "p", insns, n, NULL, 0, "GPL",
					&err), 0);
	r = b->ops->prog_load(b, img, 0, NULL, NULL, &err);
	b->ops->close(b);
	image_free(img);
	return r;
}

/* N additions and a read above the stack. */
static int load_long(u32 n)
{
	static struct bpf_insn insns[LONG + 3];
	u32 at = 0;

	insns[at++] = BPF_MOV64_IMM(BPF_REG_0, 0);
	while (at <= n)
		insns[at++] = BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 1);
	insns[at++] = BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_10, 8);
	insns[at++] = BPF_EXIT_INSN();
	return load(insns, at);
}

/* TRIPS rounds of a loop, and a read at OFF of the frame. */
static int load_loop(u32 trips, s16 off)
{
	const struct bpf_insn insns[] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		BPF_MOV64_IMM(BPF_REG_6, 0),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, 1),
		BPF_JMP_IMM(BPF_JLT, BPF_REG_6, (s32)trips, -2),
		BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_10, off),
		BPF_EXIT_INSN(),
	};

	return load(insns, ARRAY_LEN(insns));
}

/* ---- the log ------------------------------------------------------------------------- */

static void assert_reason(u32 insn)
{
	char place[64];

	snprintf(place, sizeof(place), "instruction %u", insn);
	if (!strstr(err.text, "R10") || !strstr(err.text, place))
		fail_msg("the reason is lost: %s", err.text);
}

/* It grows until it fits: the reason stands at its end. */
static void test_grows(void **state)
{
	need_old_kernel();
	answer(0, 0, 0);
	assert_int_not_equal(load_long(LONG), 0);
	assert_int_equal(err.id, ERR_KERNEL_REJECTED);
	assert_reason(LONG + 1);
	assert_true(answers[ENOSPC] > 0);
}

/* A log that is longer than the largest buffer: what newer kernels leave of it is
 * its end. That it does not fit is never the reason. */
static void test_never_fits(void **state)
{
	need_kernel_since(6, 4, "logs that do not fit lose their end");
	answer(0, 0, 0);
	assert_int_not_equal(load_loop(TRIPS, 8), 0);
	assert_int_equal(err.id, ERR_KERNEL_REJECTED);
	assert_reason(4);
	assert_true(answers[ENOSPC] >= 4);
	assert_null(strstr(err.text, strerror(ENOSPC)));
}

/* Kernels that leave nothing. */
static void test_no_log(void **state)
{
	need_old_kernel();
	answer(BPF_PROG_LOAD, ENOSPC, UINT32_MAX);
	assert_int_not_equal(load_loop(1, 8), 0);
	answer(0, 0, 0);
	assert_int_equal(err.id, ERR_KERNEL);
	assert_non_null(strstr(err.text, strerror(ENOSPC)));
}

/* ---- interruptions --------------------------------------------------------------------- */

static void start_timer(void)
{
	const struct itimerval soon = { .it_value.tv_usec = 2000 };

	setitimer(ITIMER_REAL, &soon, NULL);
}

static void on_alarm(int signal)
{
	if (!answers[EAGAIN])
		start_timer();
}

/* The verifier ends its work when a signal comes. */
static void test_signal(void **state)
{
	const struct sigaction own = { .sa_handler = on_alarm };
	struct sigaction old;
	int r;

	need_old_kernel();
	answer(0, 0, 0);
	sigaction(SIGALRM, &own, &old);
	start_timer();
	r = load_loop(TRIPS, -8);
	sigaction(SIGALRM, &old, NULL);
	if (r)
		fail_msg("%s", err.text);
	assert_true(answers[EAGAIN] > 0);
}

static void test_interrupted(void **state)
{
	static const struct { int cmd, code; } rows[] = {
		{ BPF_PROG_LOAD, EINTR }, { BPF_PROG_LOAD, EAGAIN },
		{ BPF_MAP_CREATE, EINTR }, { BPF_BTF_LOAD, EINTR },
		{ BPF_OBJ_GET_INFO_BY_FD, EINTR },
	};

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		answer(rows[i].cmd, rows[i].code, 5);
		if (load_loop(1, -8))
			fail_msg("%d: %s", rows[i].cmd, err.text);
	}
}

/* Not for ever. */
static void test_always_interrupted(void **state)
{
	need_old_kernel();
	answer(BPF_PROG_LOAD, EAGAIN, UINT32_MAX);
	assert_int_not_equal(load_loop(1, -8), 0);
	answer(0, 0, 0);
	assert_non_null(strstr(err.text, strerror(EAGAIN)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_never_fits),
		cmocka_unit_test(test_no_log),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_always_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

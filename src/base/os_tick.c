/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_tick.c: the calling thread, interrupted at intervals: where it was is given to a
 * function, which runs as a signal handler. One thread of a process at a time.
 */
#include "base/os.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

struct ticks {
	os_tick_fn *fn;
	void *arg;
	timer_t timer;
	struct sigaction before;
};

static struct ticks *ticking;

/* Where the thread was, of processors that programs are compiled for. */
static struct os_tick place_of(const void *context)
{
	const ucontext_t *uc = context;
#if defined(__x86_64__)
	return (struct os_tick){ .pc = (u64)uc->uc_mcontext.gregs[REG_RIP],
				 .sp = (u64)uc->uc_mcontext.gregs[REG_RSP] };
#elif defined(__aarch64__)
	return (struct os_tick){ .pc = uc->uc_mcontext.pc, .sp = uc->uc_mcontext.sp,
				 .link = uc->uc_mcontext.regs[30] };
#else
	(void)uc;
	return (struct os_tick){ 0 };
#endif
}

static void on_tick(int sig UNUSED, siginfo_t *info UNUSED, void *context)
{
	int was = errno;
	const struct ticks *t = ticking;

	if (t) {
		const struct os_tick at = place_of(context);

		t->fn(t->arg, &at);
	}
	errno = was;
}

struct ticks *os_ticks_start(u64 every_ns, os_tick_fn *fn, void *arg)
{
	struct sigaction act = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF };
	const struct timespec every = { .tv_sec = (time_t)(every_ns / 1000000000),
					.tv_nsec = (long)(every_ns % 1000000000) };
	const struct itimerspec when = { every, every };
	struct ticks *t = mem_alloc(sizeof(*t));

	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	*t = (struct ticks){ .fn = fn, .arg = arg };
	if (ticking || timer_create(CLOCK_MONOTONIC, &ev, &t->timer)) {
		free(t);
		return NULL;
	}
	ticking = t;
	if (!sigaction(SIGPROF, &act, &t->before) && !timer_settime(t->timer, 0, &when, NULL))
		return t;
	os_ticks_end(t);
	return NULL;
}

void os_ticks_end(struct ticks *t)
{
	if (!t)
		return;
	timer_delete(t->timer);
	ticking = NULL;
	sigaction(SIGPROF, &t->before, NULL);
	free(t);
}

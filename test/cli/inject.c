/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inject.c: loaded before a program (LD_PRELOAD): one call to the system fails, or all
 * from one on, without being made.
 *
 *	INJECT=CALL:N:ERRNO	the Nth call (1 is the first) of CALL, which is bpf, perf (of
 *				perf_event_open), poll or read; N+ is that and all behind
 *	INJECT_LOG=FILE		gets, at the end, how many calls there were
 *
 * In the process that starts alone, not in those that it makes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static pid_t self;
static char call[16];
static unsigned long calls, wanted;
static int code, on;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("INJECT");
	char plus = 0;

	self = getpid();
	if (!text || (sscanf(text, "%15[a-z]:%lu:%d", call, &wanted, &code) != 3 &&
		      sscanf(text, "%15[a-z]:%lu%c:%d", call, &wanted, &plus, &code) != 4))
		call[0] = 0;
	on = plus == '+';
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("INJECT_LOG");
	FILE *f = path && getpid() == self ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%lu\n", calls);
		fclose(f);
	}
}

/* Does this call, of the kind NAME, fail? */
static int fails(const char *name)
{
	if (strcmp(name, call) || getpid() != self)
		return 0;
	calls++;
	if (!wanted || calls < wanted || (calls > wanted && !on))
		return 0;
	errno = code;
	return 1;
}

long syscall(long nr, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if ((nr == SYS_bpf && fails("bpf")) || (nr == SYS_perf_event_open && fails("perf")))
		return -1;
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int poll(struct pollfd *v, nfds_t n, int ms)
{
	int (*real)(struct pollfd *, nfds_t, int) =
		(int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");

	return fails("poll") ? -1 : real(v, n, ms);
}

ssize_t read(int fd, void *buf, size_t n)
{
	ssize_t (*real)(int, void *, size_t) =
		(ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");

	return fails("read") ? -1 : real(fd, buf, n);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * broken.c: what is asked for in the environment (broken.h), and the kernel's answers:
 * it is asked for its verdicts once. BREAK_ANSWERS=FILE: programs are loaded and the
 * answers written to FILE where there is none yet, else they come from FILE, in which
 * they stand in the order of the questions. What is not found there is loaded.
 */
#define _GNU_SOURCE
#include "broken.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

unsigned broken_at = BROKEN_MAX;
char broken_seen[BROKEN_MAX];

/* ---- answers ------------------------------------------------------------------ */

enum { FAR = 4096, FAR_FD = 500 };	/* FAR: how many answers ahead are looked at */

struct answer {
	unsigned long long key;
	int error;		/* 0: loaded */
	unsigned log;		/* bytes that follow */
};

static FILE *record;
static const char *known, *known_end;

static unsigned long long add(unsigned long long h, const void *p, size_t n)
{
	for (const unsigned char *s = p; n--; s++)
		h = (h ^ *s) * 0x100000001b3;
	return h;
}

static unsigned long long key_of(const union bpf_attr *a)
{
	unsigned long long h = 0xcbf29ce484222325;
	const unsigned v[] = { a->prog_type, a->expected_attach_type, a->prog_flags,
			       a->attach_btf_id, a->log_level };

	h = add(h, v, sizeof(v));
	h = add(h, (const void *)(size_t)a->insns, a->insn_cnt * sizeof(struct bpf_insn));
	return add(h, (const void *)(size_t)a->license, strlen((const void *)(size_t)a->license));
}

static const struct answer *find(unsigned long long key)
{
	const char *p = known;

	for (int i = 0; i < FAR && p < known_end; i++) {
		const struct answer *a = (const void *)p;

		p += sizeof(*a) + (a->log + 7) / 8 * 8;
		if (a->key == key) {
			known = p;
			return a;
		}
	}
	return NULL;
}

static void note(unsigned long long key, long fd, int error, const union bpf_attr *a)
{
	const char *log = (const void *)(size_t)a->log_buf;
	struct answer got = { key, fd < 0 ? error : 0, log ? (unsigned)strlen(log) : 0 };

	fwrite(&got, sizeof(got), 1, record);
	fwrite(log, 1, got.log, record);
	fwrite("\0\0\0\0\0\0\0", 1, (8 - got.log % 8) % 8, record);
}

static long say(const struct answer *a, const union bpf_attr *attr)
{
	char *log = (void *)(size_t)attr->log_buf;

	if (log && a->log < attr->log_size) {
		memcpy(log, a + 1, a->log);
		log[a->log] = 0;
	}
	errno = a->error;
	return a->error ? -1 : open("/dev/null", O_RDONLY);
}

static long asks(long n, const long *v)
{
	static long (*real)(long n, ...);

	if (!real)
		real = (long (*)(long n, ...))dlsym(RTLD_NEXT, "syscall");
	return real(n, v[0], v[1], v[2], v[3], v[4], v[5]);
}

long syscall(long n, ...)
{
	const struct answer *got;
	long v[6], fd;
	va_list ap;
	int error;

	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		v[i] = va_arg(ap, long);
	va_end(ap);
	if (n != SYS_bpf || v[0] != BPF_PROG_LOAD || (!record && !known))
		return asks(n, v);
	got = known ? find(key_of((const void *)v[1])) : NULL;
	if (got)
		return say(got, (const void *)v[1]);
	fd = asks(n, v);
	error = errno;
	if (record)
		note(key_of((const void *)v[1]), fd, error, (const void *)v[1]);
	errno = error;
	return fd;
}

/* Programs name maps by their descriptors, which must be the same in each run. */
static FILE *write_to(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int far = fcntl(fd, F_DUPFD_CLOEXEC, FAR_FD);

	close(fd);
	return far < 0 ? NULL : fdopen(far, "w");
}

static void answers_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		record = write_to(path);
		return;
	}
	if (!fstat(fd, &st) && st.st_size) {
		known = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		known_end = known + st.st_size;
	}
	close(fd);
}

/* ---- children ------------------------------------------------------------------ */

enum { JOBS_MAX = 16 };

static struct child { pid_t pid; unsigned n; } children[JOBS_MAX];
static unsigned nr_children, nr_jobs = 1;
static char each[BROKEN_MAX];
static const char *out_dir;
static FILE *status_file;
static rlim_t limit = 10;
static bool is_child;

/* The oldest ends. */
static void reap(void)
{
	int status = 0;

	waitpid(children[0].pid, &status, 0);
	fprintf(status_file, "%u %d\n", children[0].n, status);
	fflush(status_file);
	memmove(children, children + 1, --nr_children * sizeof(*children));
}

/* What was printed so far, BYTES, is the child's, too. */
static void redirect(unsigned n, off_t bytes)
{
	char path[512], buf[4096];
	off_t at = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%u", out_dir, n);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	while (at < bytes && (got = pread(1, buf, sizeof(buf), at)) > 0) {
		got = got < bytes - at ? got : bytes - at;
		if (write(fd, buf, (size_t)got) != got)
			break;
		at += got;
	}
	dup2(fd, 1);
	close(fd);
}

static void become(unsigned n, off_t bytes)
{
	const struct rlimit cpu = { limit, limit }, mem = { 4UL << 30, 4UL << 30 }, core = { 0, 0 };

	is_child = true;
	broken_at = n;
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_AS, &mem);
	setrlimit(RLIMIT_CORE, &core);
	redirect(n, bytes);
}

void broken_first(unsigned n)
{
	off_t bytes;
	pid_t pid;

	broken_seen[n] = 1;
	if (is_child || each[n] != '1')
		return;
	if (nr_children == nr_jobs)
		reap();
	bytes = lseek(1, 0, SEEK_CUR);	/* the parent goes on meanwhile */
	pid = fork();
	if (!pid)
		become(n, bytes);
	else if (pid > 0)
		children[nr_children++] = (struct child){ pid, n };
}

/* cmocka's: the first failure of a child is enough. */
void _fail(const char *file, int line)
{
	static void (*real)(const char *file, int line);

	if (is_child)
		_exit(1);
	if (!real)
		real = (void (*)(const char *, int))dlsym(RTLD_NEXT, "_fail");
	real(file, line);
}

static void each_open(const char *path)
{
	const char *seconds = getenv("BREAK_LIMIT"), *jobs = getenv("BREAK_JOBS");
	FILE *f = fopen(path, "r");
	char status[512];

	out_dir = getenv("BREAK_OUT");
	snprintf(status, sizeof(status), "%s/status", out_dir);
	status_file = write_to(status);
	if (!f || !status_file || !fread(each, 1, sizeof(each), f))
		abort();
	fclose(f);
	limit = seconds ? (rlim_t)atoi(seconds) : limit;
	nr_jobs = jobs && atoi(jobs) > 0 && atoi(jobs) <= JOBS_MAX ? (unsigned)atoi(jobs) : 1;
}

/* ---- the environment ---------------------------------------------------------- */

__attribute__((constructor)) static void read_environment(void)
{
	const char *at = getenv("BREAK"), *answers = getenv("BREAK_ANSWERS");

	if (at)
		broken_at = (unsigned)atoi(at);
	if (answers)
		answers_open(answers);
	if (getenv("BREAK_EACH"))
		each_open(getenv("BREAK_EACH"));
}

/* Of a script, every program's. */
static void write_seen(const char *path)
{
	FILE *f = fopen(path, "r");
	int c;

	for (unsigned i = 0; f && i < BROKEN_MAX && (c = getc(f)) != EOF; i++)
		broken_seen[i] |= c == '1';
	if (f)
		fclose(f);
	f = fopen(path, "w");

	for (unsigned i = 0; f && i < BROKEN_MAX; i++)
		putc(broken_seen[i] ? '1' : '0', f);
	if (f)
		fclose(f);
}

__attribute__((destructor)) static void leave(void)
{
	if (is_child)
		return;
	while (nr_children)
		reap();
	if (status_file)
		fclose(status_file);
	if (record)
		fclose(record);
	if (getenv("BREAK_SEEN"))
		write_seen(getenv("BREAK_SEEN"));
}

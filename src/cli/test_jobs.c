/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_jobs.c: cases of `skep test` by several processes, children that take the next case
 * from a number in shared memory and write what came of it to a pipe of their own. So no
 * case disturbs another, and one that ends its process has failed, and no more.
 */
#include "cli/testcase.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_CASE = UINT32_MAX };

/* Between the processes. */
struct shared { u32 next, at[TEST_JOBS_MAX]; };	/* cases: to be taken, of each child */

struct child {
	pid_t pid;		/* 0: it has ended */
	int fd;			/* what it writes */
	struct strbuf in;	/* of it, not yet a whole result */
};

struct head { u64 n, ns; u32 outcome, bytes; };	/* of a result; then the text */

struct jobs {
	size_t n;		/* cases */
	u32 per, jobs;
	struct test_done (*run)(void *arg, size_t n);
	void (*tell)(void *arg, size_t n, struct test_done *d);
	void *arg;
	pid_t parent;
	struct shared *shared;
	struct child *children;
	struct test_done *done;	/* [n * per] */
	bool *known;
	size_t told;
};

/* ---- children ------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t n)
{
	const u8 *p = data;

	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static bool send_one(const struct jobs *j, int fd, size_t n)
{
	struct test_done d = j->run(j->arg, n);
	const struct head h = { n, d.ns, d.outcome, (u32)d.why.n };
	bool good = write_all(fd, &h, sizeof(h)) && write_all(fd, sb_text(&d.why), d.why.n);

	sb_free(&d.why);
	return good;
}

/* Its standard output has what the parent had not written yet: it must not be flushed. */
static _Noreturn void be_child(const struct jobs *j, u32 number, int fd)
{
	bool good = true;

	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* cases may be endless */
	if (getppid() != j->parent)
		_exit(1);
	while (good) {
		u32 at = __atomic_fetch_add(&j->shared->next, 1, __ATOMIC_RELAXED);

		if (at >= j->n)
			break;
		__atomic_store_n(&j->shared->at[number], at, __ATOMIC_RELAXED);
		for (u32 i = 0; good && i < j->per; i++)
			good = send_one(j, fd, (size_t)at * j->per + i);
		__atomic_store_n(&j->shared->at[number], NO_CASE, __ATOMIC_RELAXED);
	}
	fflush(stderr);
	_exit(!good);
}

static bool start(struct jobs *j, u32 number)
{
	struct child *c = &j->children[number];
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return false;
	j->shared->at[number] = NO_CASE;
	c->pid = fork();
	if (!c->pid)
		be_child(j, number, fds[1]);
	close(fds[1]);
	c->fd = fds[0];
	if (c->pid > 0)
		return true;
	close(fds[0]);
	c->pid = 0;
	return false;
}

/* ---- results ----------------------------------------------------------------------- */

static void keep(struct jobs *j, size_t n, struct test_done d)
{
	if (n >= j->n * j->per || j->known[n]) {
		sb_free(&d.why);
		return;
	}
	j->done[n] = d;
	j->known[n] = true;
	for (; j->told < j->n * j->per && j->known[j->told]; j->told++)
		j->tell(j->arg, j->told, &j->done[j->told]);
}

/* The whole results in what C has written. */
static void take_results(struct jobs *j, struct child *c)
{
	size_t at = 0;
	struct head h;

	while (c->in.n - at >= sizeof(h)) {
		struct test_done d = { 0 };

		memcpy(&h, c->in.s + at, sizeof(h));
		if (c->in.n - at - sizeof(h) < h.bytes)
			break;
		d.outcome = (enum test_outcome)h.outcome;
		d.ns = h.ns;
		sb_add(&d.why, c->in.s + at + sizeof(h), h.bytes);
		at += sizeof(h) + h.bytes;
		keep(j, h.n, d);
	}
	if (!at)
		return;
	memmove(c->in.s, c->in.s + at, c->in.n - at);
	c->in.n -= at;
}

/* What C was at has failed: it ended there. */
static void blame(struct jobs *j, u32 number, int status)
{
	u32 at = j->shared->at[number];

	for (u32 i = 0; at < j->n && i < j->per; i++) {
		struct test_done d = { .outcome = TEST_FAILED };

		if (WIFSIGNALED(status))
			sb_printf(&d.why, "the process that ran it was ended: %s\n",
				  strsignal(WTERMSIG(status)));
		else
			sb_puts(&d.why, "the process that ran it has ended\n");
		keep(j, (size_t)at * j->per + i, d);
	}
}

static void ended(struct jobs *j, u32 number)
{
	struct child *c = &j->children[number];
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(c->fd);
	c->pid = 0;
	sb_free(&c->in);
	if (status)
		blame(j, number, status);
	if (status && j->shared->next < j->n)
		start(j, number);
}

static void read_child(struct jobs *j, u32 number)
{
	struct child *c = &j->children[number];
	char buf[65536];
	ssize_t n = read(c->fd, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		ended(j, number);
		return;
	}
	sb_add(&c->in, buf, (size_t)n);
	take_results(j, c);
}

static void collect(struct jobs *j)
{
	struct pollfd fds[TEST_JOBS_MAX];
	u32 who[TEST_JOBS_MAX];

	for (;;) {
		u32 n = 0;

		for (u32 i = 0; i < j->jobs; i++)
			if (j->children[i].pid) {
				who[n] = i;
				fds[n++] = (struct pollfd){ j->children[i].fd, POLLIN, 0 };
			}
		if (!n)
			return;
		if (poll(fds, n, -1) <= 0)
			continue;
		for (u32 i = 0; i < n; i++)
			if (fds[i].revents)
				read_child(j, who[i]);
	}
}

/* ---- all of them ------------------------------------------------------------------- */

/* Those that nobody has run: all of one job, or what is left where no process could start. */
static void run_here(struct jobs *j)
{
	for (size_t i = 0; i < j->n * j->per; i++)
		if (!j->known[i])
			keep(j, i, j->run(j->arg, i));
}

void test_jobs(size_t n, u32 per, u32 jobs, struct test_done (*run)(void *arg, size_t n),
	       void (*tell)(void *arg, size_t n, struct test_done *d), void *arg)
{
	struct jobs j = { .n = n, .per = per, .jobs = (u32)min_u64(jobs, n), .run = run,
			  .tell = tell, .arg = arg, .parent = getpid() };
	void *mem = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	j.shared = mem == MAP_FAILED ? NULL : mem;
	j.done = mem_alloc(n * per * sizeof(*j.done) + 1);
	j.known = mem_alloc(n * per + 1);
	j.children = mem_alloc(jobs * sizeof(*j.children));
	fflush(stdout);
	for (u32 i = 0; j.shared && j.jobs > 1 && i < j.jobs; i++)
		start(&j, i);
	if (j.shared && j.jobs > 1)
		collect(&j);
	run_here(&j);
	if (j.shared)
		munmap(j.shared, sizeof(*j.shared));
	free(j.done);
	free(j.known);
	free(j.children);
}

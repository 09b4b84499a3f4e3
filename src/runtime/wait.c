/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c: reading ring buffers, and waiting for that in poll(2): an eventfd that a
 * program's commit writes to when the reader has nothing else to read, under the
 * kernel's rules.
 *
 * Programs of other processes, whose ring is in a file, cannot write to that. They wake a
 * futex in the file, for which a thread waits here and writes to the eventfd. It looks by
 * itself, too, so that nobody waits longer than LOOK_MS for a record whose producer died
 * before it said so.
 */
#include "runtime/private.h"
#include "base/os.h"
#include "maps/share.h"
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* NULL: no such map, or gone for users. */
static struct runtime_map *map_at(struct backend *b, u32 map)
{
	struct runtime *rt = rt_of(b);

	return rt_map(b, map) ? __atomic_load_n(&rt->maps.v, __ATOMIC_ACQUIRE)[map] : NULL;
}

static int fd_of(const struct runtime_map *r)
{
	return __atomic_load_n(&r->event_fd, __ATOMIC_ACQUIRE);
}

/* ---- waking ----------------------------------------------------------------------- */

static const struct runtime_map *ring_of(const struct runtime *rt, const void *record)
{
	size_t n = __atomic_load_n(&rt->maps.n, __ATOMIC_ACQUIRE);
	struct runtime_map **v = __atomic_load_n(&rt->maps.v, __ATOMIC_ACQUIRE);

	for (size_t i = 0; i < n; i++) {
		const struct runtime_map *r = __atomic_load_n(&v[i], __ATOMIC_ACQUIRE);

		if (r && ring_has(r->m, record))
			return r;
	}
	return NULL;
}

static void wake(int fd)
{
	const u64 one = 1;

	/* it fails when the counter is full: readable as well */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void wake_reader(const struct runtime_map *r)
{
	if (r->m->share)
		ring_wake(r->m);
	if (fd_of(r) >= 0)
		wake(fd_of(r));
}

void runtime_committed(struct run *run, const void *record, u64 flags)
{
	const struct runtime_map *r = ring_of(rt_of_run(run), record);

	if (!r || (fd_of(r) < 0 && !r->m->share))
		return;
	/* the record is there before the reader's place is looked at; the other way
	   round there: one of the two sees the other */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (flags & BPF_RB_FORCE_WAKEUP ||
	    (!(flags & BPF_RB_NO_WAKEUP) && ring_is_next(r->m, record)))
		wake_reader(r);
}

/* ---- other processes ---------------------------------------------------------------- */

enum { LOOK_MS = 100 };

struct sleeper {
	pthread_t thread;
	struct map *m;
	int fd;
	u32 ends;
	u32 pid;
};

static void *sleep_for(void *arg)
{
	struct sleeper *s = arg;

	while (!__atomic_load_n(&s->ends, __ATOMIC_ACQUIRE)) {
		u32 seen = ring_watch(s->m);

		if (ring_query(s->m, BPF_RB_AVAIL_DATA))
			wake(s->fd);
		if (!__atomic_load_n(&s->ends, __ATOMIC_ACQUIRE))
			ring_sleep(s->m, seen, LOOK_MS);
	}
	return NULL;
}

/* Signals are for the threads of the process. */
static int sleeper_start(struct runtime_map *r, int fd)
{
	struct sleeper *s = mem_alloc(sizeof(*s));
	sigset_t all, before;
	int code;

	*s = (struct sleeper){ .m = r->m, .fd = fd, .pid = os_pid() };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&s->thread, NULL, sleep_for, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code)
		free(s);
	else
		r->sleeper = s;
	return -code;
}

/* Where there can be no thread, this process's own programs still wake its reader. */
void runtime_ring_shared(struct runtime *rt, const struct map *m)
{
	__atomic_store_n(&rt->watch.on, 1, __ATOMIC_SEQ_CST);
	runtime_lock(rt);
	for (size_t i = 0; i < rt->maps.n; i++) {
		struct runtime_map *r = rt->maps.v[i];

		if (r && r->m == m && fd_of(r) >= 0 && !r->sleeper)
			sleeper_start(r, fd_of(r));
	}
	runtime_unlock(rt);
}

void runtime_sleeper_end(struct runtime_map *r)
{
	struct sleeper *s = r->sleeper;

	if (!s)
		return;
	if (s->pid == os_pid()) {	/* a child of fork has neither thread nor ring */
		__atomic_store_n(&s->ends, 1, __ATOMIC_SEQ_CST);
		ring_wake(s->m);
		pthread_join(s->thread, NULL);
	}
	free(s);
	r->sleeper = NULL;
}

/* ---- reading ------------------------------------------------------------------------- */

static int fd_open(struct runtime *rt, struct runtime_map *r)
{
	int fd = fd_of(r), code;

	if (fd >= 0)
		return fd;
	fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);	/* records may wait already */
	if (fd < 0)
		return -errno;
	code = r->m->share ? sleeper_start(r, fd) : 0;
	if (code) {
		close(fd);
		return code;
	}
	__atomic_store_n(&r->event_fd, fd, __ATOMIC_RELEASE);
	__atomic_store_n(&rt->watch.on, 1, __ATOMIC_SEQ_CST);
	return fd;
}

int rt_map_fd(struct backend *b, u32 map)
{
	struct runtime_map *r = map_at(b, map);
	int fd;

	if (!r)
		return -EBADF;
	if (r->m->type != BPF_MAP_TYPE_RINGBUF)
		return -KERNEL_ENOTSUPP;
	runtime_lock(rt_of(b));
	fd = fd_open(rt_of(b), r);
	runtime_unlock(rt_of(b));
	return fd;
}

static void calm(int fd)
{
	u64 count;

	if (read(fd, &count, sizeof(count)) < 0)	/* nobody woke it */
		return;
}

struct reader {
	map_event_fn fn;
	void *arg;
	int stopped;
};

static int give(void *arg, const struct map_event *e)
{
	struct reader *r = arg;

	r->stopped = r->fn(r->arg, e);
	return r->stopped;
}

/* Reads until there is nothing that a program would not wake for; a reader that stops
 * before is woken at once. */
static s64 read_watched(struct map *m, int fd, map_event_fn fn, void *arg)
{
	struct reader reader = { fn, arg, 0 };
	s64 n = 0, r;

	calm(fd);
	do {
		r = m->ops->read(m, give, &reader);
		n += r > 0 ? r : 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while (r > 0 && !reader.stopped && ring_query(m, BPF_RB_AVAIL_DATA));
	if (reader.stopped && ring_query(m, BPF_RB_AVAIL_DATA))
		wake(fd);
	return r < 0 && !n ? r : n;
}

s64 rt_map_read(struct backend *b, u32 map, map_event_fn fn, void *arg)
{
	struct runtime_map *r = map_at(b, map);

	if (!r)
		return -EBADF;
	if (!r->m->ops->read)
		return -KERNEL_ENOTSUPP;
	return fd_of(r) < 0 ? r->m->ops->read(r->m, fn, arg) :
			      read_watched(r->m, fd_of(r), fn, arg);
}

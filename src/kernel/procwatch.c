/* SPDX-License-Identifier: BSD-2-Clause */
/* procwatch.c: a software event on each cpu that counts nothing and tells of mappings. */
#include "kernel/procwatch.h"
#include "base/vec.h"
#include "kernel/sys.h"
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PAGES = 64, RECORD_MAX = 1 << 16 };

struct watch_cpu {
	int fd;
	u32 pages;
	struct perf_event_mmap_page *page;	/* then the data */
};

struct procwatch {
	VEC(struct watch_cpu) cpus;
	size_t page;
	int epoll_fd;
	u64 record[RECORD_MAX / 8 + 1];	/* one that is looked at, and a zero behind it */
};

/* ---- opening ------------------------------------------------------------------- */

static int event_open(u32 cpu)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(a), .config = PERF_COUNT_SW_DUMMY,
		.mmap = 1, .mmap2 = 1, .task = 1, .comm = 1, .comm_exec = 1,
		.watermark = 1, .wakeup_watermark = 1,	/* at each record */
	};

	return sys_perf_open(&a, -1, (s32)cpu);
}

/* Who may lock little memory gets a smaller buffer. */
static bool map_buffer(struct procwatch *w, struct watch_cpu *c)
{
	for (c->pages = PAGES; c->pages; c->pages /= 2) {
		void *at = mmap(NULL, w->page * (1 + c->pages), PROT_READ | PROT_WRITE,
				MAP_SHARED, c->fd, 0);

		if (at != MAP_FAILED) {
			c->page = at;
			return true;
		}
	}
	return false;
}

static int open_cpu(struct procwatch *w, u32 cpu, struct skep_err *err)
{
	struct watch_cpu *c = vec_push(&w->cpus);
	struct epoll_event e = { .events = EPOLLIN };

	*c = (struct watch_cpu){ .fd = event_open(cpu) };
	if (c->fd >= 0 && map_buffer(w, c) &&
	    !epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, c->fd, &e))
		return 0;
	return err_set(err, ERR_KERNEL, NULL, "mappings on cpu %u cannot be watched: %s", cpu,
		       strerror(errno));
}

/* All cpus of "0-3,8". */
static int open_online(struct procwatch *w, struct skep_err *err)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	u32 from, to;
	int r = 0, c = ',';

	if (!f)
		return err_set(err, ERR_KERNEL, NULL, "/sys/devices/system/cpu/online: %s",
			       strerror(errno));
	while (!r && c == ',' && fscanf(f, "%u", &from) == 1) {
		to = from;
		c = fgetc(f);
		if (c == '-' && fscanf(f, "%u", &to) == 1)
			c = fgetc(f);
		for (; !r && from <= to; from++)
			r = open_cpu(w, from, err);
	}
	fclose(f);
	return r;
}

int procwatch_open(struct procwatch **out, struct skep_err *err)
{
	struct procwatch *w = mem_alloc(sizeof(*w));
	int r;

	memset(w, 0, sizeof(*w));
	w->page = (size_t)sysconf(_SC_PAGESIZE);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r = w->epoll_fd < 0 ? err_set(err, ERR_KERNEL, NULL, "epoll: %s", strerror(errno)) :
	    open_online(w, err);
	if (r)
		procwatch_close(w);
	*out = r ? NULL : w;
	return r;
}

void procwatch_close(struct procwatch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->cpus.n; i++) {
		if (w->cpus.v[i].page)
			munmap(w->cpus.v[i].page, w->page * (1 + w->cpus.v[i].pages));
		if (w->cpus.v[i].fd >= 0)
			close(w->cpus.v[i].fd);
	}
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	vec_free(&w->cpus);
	free(w);
}

/* ---- reading ------------------------------------------------------------------------ */

/* The records of perf_event_open(2), behind their headers. */
struct rec_map {
	u32 pid, tid;
	u64 addr, len, off;
	u32 maj, min;
	u64 ino, generation;
	u32 prot, flags;
	char path[];
};
struct rec_task { u32 pid, parent, tid, parent_tid; u64 time; };
struct rec_comm { u32 pid, tid; };
struct rec_lost { u64 id, lost; };

static bool decode(const struct perf_event_header *h, const void *data, struct procwatch_event *e)
{
	const struct rec_map *m = data;
	const struct rec_task *t = data;
	const struct rec_comm *c = data;

	switch (h->type) {
	case PERF_RECORD_MMAP2:
		*e = (struct procwatch_event){ .kind = PROCWATCH_MAP, .pid = m->pid,
			.from = m->addr, .bytes = m->len, .off = m->off, .path = m->path,
			.dev = makedev(m->maj, m->min), .ino = m->ino };
		return true;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:	/* of threads, too: a process' first has its number */
		*e = (struct procwatch_event){ .pid = t->pid, .parent = t->parent,
			.kind = h->type == PERF_RECORD_FORK ? PROCWATCH_FORK : PROCWATCH_END };
		return h->type == PERF_RECORD_FORK ? t->pid != t->parent : t->pid == t->tid;
	case PERF_RECORD_COMM:
		*e = (struct procwatch_event){ .kind = PROCWATCH_EXEC, .pid = c->pid };
		return h->misc & PERF_RECORD_MISC_COMM_EXEC;
	case PERF_RECORD_LOST:
		*e = (struct procwatch_event){ .kind = PROCWATCH_LOST,
			.lost = ((const struct rec_lost *)data)->lost };
		return true;
	default:
		return false;
	}
}

static void copy(const struct procwatch *w, const struct watch_cpu *c, u64 at, void *to,
		 size_t bytes)
{
	const u8 *data = (const u8 *)c->page + w->page;
	const size_t size = w->page * c->pages, from = at & (size - 1),
		     first = min_u64(bytes, size - from);

	memcpy(to, data + from, first);
	memcpy((u8 *)to + first, data, bytes - first);
}

static void read_cpu(struct procwatch *w, struct watch_cpu *c, procwatch_fn fn, void *arg)
{
	u64 at = c->page->data_tail;
	const u64 end = __atomic_load_n(&c->page->data_head, __ATOMIC_ACQUIRE);

	while (at < end) {
		struct procwatch_event e;
		struct perf_event_header h;

		copy(w, c, at, &h, sizeof(h));
		if (h.size < sizeof(h) || h.size > end - at)
			break;	/* nobody but the kernel writes there: not seen */
		memset(w->record, 0, sizeof(struct rec_map) + sizeof(h));
		copy(w, c, at, w->record, h.size);
		((u8 *)w->record)[h.size] = 0;
		if (decode(&h, w->record + 1, &e))
			fn(arg, &e);
		at += h.size;
	}
	__atomic_store_n(&c->page->data_tail, at, __ATOMIC_RELEASE);
}

int procwatch_fd(const struct procwatch *w) { return w->epoll_fd; }

void procwatch_read(struct procwatch *w, procwatch_fn fn, void *arg)
{
	for (size_t i = 0; i < w->cpus.n; i++)
		read_cpu(w, &w->cpus.v[i], fn, arg);
}

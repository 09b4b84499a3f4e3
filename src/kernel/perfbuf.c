/* SPDX-License-Identifier: BSD-2-Clause */
/* perfbuf.c: a reader of the kernel's perf event arrays. */
#include "kernel/perfbuf.h"
#include "kernel/sys.h"
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 16, RECORD_MAX = 1 << 16 };
enum { FORMAT_LOST = 1 << 4 };	/* PERF_FORMAT_LOST, 6.0 */

struct buffer {
	u32 cpu, index;
	int fd;
	struct perf_event_mmap_page *page;	/* NULL: not mapped; then the data */
	bool stored;				/* in the map's slot */
};

struct perfbuf {
	VEC(struct buffer) bufs;
	size_t bytes, page;		/* of the data of each, a power of two; of a page */
	int map_fd, epoll_fd;
	u64 told;
	u64 record[RECORD_MAX / 8];	/* one that is looked at, in one piece */
};

/* ---- opening ------------------------------------------------------------------------- */

static int no_buffer(u32 cpu, const char *what, int code, struct skep_err *err)
{
	int r = err_set(err, ERR_KERNEL, NULL, "events of cpu %u cannot be read: %s: %s", cpu, what,
			strerror(code));

	if (code == EPERM && !strcmp(what, "mmap"))
		err_note(err, "the memory of such buffers is limited "
			 "(/proc/sys/kernel/perf_event_mlock_kb, and RLIMIT_MEMLOCK)");
	else
		kernel_why(err, -code);
	return r;
}

static int event_open(u32 cpu, u32 wakeup)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(a), .config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_period = 1, .sample_type = PERF_SAMPLE_RAW | PERF_SAMPLE_TIME,
		.wakeup_events = wakeup ? wakeup : 1, .read_format = FORMAT_LOST,
	};
	int fd = sys_perf_open(&a, -1, (s32)cpu);

	if (fd != -EINVAL)
		return fd;
	a.read_format = 0;
	return sys_perf_open(&a, -1, (s32)cpu);
}

static bool buffer_map(const struct perfbuf *p, struct buffer *b)
{
	void *at = mmap(NULL, p->page + p->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);

	b->page = at == MAP_FAILED ? NULL : at;
	return b->page;
}

static int buffer_store(const struct perfbuf *p, struct buffer *b)
{
	union bpf_attr a = { .map_fd = (u32)p->map_fd, .key = (uintptr_t)&b->index,
			     .value = (uintptr_t)&b->fd, .flags = BPF_ANY };
	int r = sys_bpf(BPF_MAP_UPDATE_ELEM, &a);

	b->stored = !r;
	return r;
}

/* What was opened stays in P, also after an error. */
static int buffer_open(struct perfbuf *p, u32 cpu, u32 index, u32 wakeup, struct skep_err *err)
{
	struct buffer *b = vec_push(&p->bufs);
	struct epoll_event e = { .events = EPOLLIN };
	int r;

	*b = (struct buffer){ .cpu = cpu, .index = index, .fd = event_open(cpu, wakeup) };
	if (b->fd < 0)
		return no_buffer(cpu, "perf_event_open", -b->fd, err);
	if (!buffer_map(p, b))
		return no_buffer(cpu, "mmap", errno, err);
	r = buffer_store(p, b);
	if (r)
		return err_set(err, ERR_KERNEL, NULL, "slot %u of the perf event array cannot be "
			       "filled: %s", index, sys_error(r));
	if (ioctl(b->fd, PERF_EVENT_IOC_ENABLE, 0) ||
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, b->fd, &e))
		return no_buffer(cpu, "enable", errno, err);
	return 0;
}

/* All cpus of "0-3,8" that have a slot. */
static int open_online(struct perfbuf *p, u32 entries, u32 wakeup, struct skep_err *err)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	u32 from, to;
	int r = 0, c = ',';

	if (!f)
		return no_buffer(0, "/sys/devices/system/cpu/online", errno, err);
	while (!r && c == ',' && fscanf(f, "%u", &from) == 1) {
		to = from;
		c = fgetc(f);
		if (c == '-' && fscanf(f, "%u", &to) == 1)
			c = fgetc(f);
		for (; !r && from <= to && from < entries; from++)
			r = buffer_open(p, from, from, wakeup, err);
	}
	fclose(f);
	return r;
}

int perfbuf_open(struct perfbuf **out, int map_fd, u32 entries, const struct perfbuf_opts *o,
		 struct skep_err *err)
{
	u32 pages = o->pages ? o->pages : PAGES;
	struct perfbuf *p;
	int r;

	*out = NULL;
	if (pages & (pages - 1))
		return err_set(err, ERR_USAGE, NULL, "%u pages for a buffer: no power of two",
			       pages);
	p = mem_alloc(sizeof(*p));
	p->page = (size_t)sysconf(_SC_PAGESIZE);
	p->bytes = p->page * pages;
	p->map_fd = fcntl(map_fd, F_DUPFD_CLOEXEC, 0);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->map_fd < 0 || p->epoll_fd < 0)
		r = no_buffer(0, "descriptors", errno, err);
	else if (o->one)
		r = buffer_open(p, o->cpu, o->index, o->wakeup, err);
	else
		r = open_online(p, entries, o->wakeup, err);
	if (r)
		perfbuf_close(p);
	else
		*out = p;
	return r;
}

/* A slot that somebody else has filled meanwhile goes, too: the kernel does not say
 * whose it is. */
static void buffer_close(const struct perfbuf *p, struct buffer *b)
{
	union bpf_attr a = { .map_fd = (u32)p->map_fd, .key = (uintptr_t)&b->index };

	if (b->stored)
		sys_bpf(BPF_MAP_DELETE_ELEM, &a);
	if (b->page)
		munmap(b->page, p->page + p->bytes);
	if (b->fd >= 0)
		close(b->fd);
}

void perfbuf_close(struct perfbuf *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->bufs.n; i++)
		buffer_close(p, &p->bufs.v[i]);
	if (p->epoll_fd >= 0)
		close(p->epoll_fd);
	if (p->map_fd >= 0)
		close(p->map_fd);
	vec_free(&p->bufs);
	free(p);
}

/* ---- reading ---------------------------------------------------------------------------- */

int perfbuf_fd(const struct perfbuf *p) { return p->epoll_fd; }

int perfbuf_wait(struct perfbuf *p, int timeout_ms)
{
	struct epoll_event ready[64];
	int n = epoll_wait(p->epoll_fd, ready, ARRAY_LEN(ready), timeout_ms);

	return n < 0 ? -errno : n;
}

/* BYTES of B's data from position AT on, which may pass its end. */
static void ring_copy(const struct perfbuf *p, const struct buffer *b, u64 at, void *to, u32 bytes)
{
	const u8 *data = (const u8 *)b->page + p->page;
	size_t from = at & (p->bytes - 1), first = min_u64(bytes, p->bytes - from);

	memcpy(to, data + from, first);
	memcpy((u8 *)to + first, data, bytes - first);
}

/* A sample: header, time, u32 size, data. It moves by 4 bytes, so that data is aligned. */
static void sample(struct perfbuf *p, struct perfbuf_record *r)
{
	u8 *raw = (u8 *)p->record + 16;
	u32 bytes;

	memcpy(&bytes, raw, sizeof(bytes));
	r->time_ns = p->record[1];
	r->bytes = (u32)min_u64(bytes, r->record_bytes - 20);
	r->data = memmove(raw, raw + 4, r->bytes);
}

static void decode(struct perfbuf *p, struct perfbuf_record *r)
{
	if (r->type == PERF_RECORD_SAMPLE && r->record_bytes >= 20) {
		sample(p, r);
	} else if (r->type == PERF_RECORD_LOST && r->record_bytes >= 24) {
		r->id = p->record[1];
		r->lost = p->record[2];
		p->told += r->lost;
	}
}

static s64 buffer_read(struct perfbuf *p, struct buffer *b, perfbuf_fn fn, void *arg, int *stop)
{
	u64 at = b->page->data_tail, end = __atomic_load_n(&b->page->data_head, __ATOMIC_ACQUIRE);
	s64 n = 0;

	while (!*stop && at < end) {
		struct perfbuf_record r = { .cpu = b->cpu, .index = b->index };
		struct perf_event_header head;

		ring_copy(p, b, at, &head, sizeof(head));
		if (head.size < sizeof(head) || head.size > end - at)
			break;		/* nobody but the kernel writes there: not seen */
		r.type = head.type;
		r.record_bytes = head.size;
		ring_copy(p, b, at, p->record, head.size);
		decode(p, &r);
		*stop = fn(arg, &r);
		n += r.type == PERF_RECORD_SAMPLE;
		at += head.size;
		__atomic_store_n(&b->page->data_tail, at, __ATOMIC_RELEASE);
	}
	return n;
}

s64 perfbuf_read(struct perfbuf *p, perfbuf_fn fn, void *arg)
{
	int stop = 0;
	s64 n = 0;

	for (size_t i = 0; !stop && i < p->bufs.n; i++)
		n += buffer_read(p, &p->bufs.v[i], fn, arg, &stop);
	return stop < 0 ? stop : n;
}

u64 perfbuf_told(const struct perfbuf *p) { return p->told; }

u64 perfbuf_lost(const struct perfbuf *p)
{
	u64 now[2], n = 0;	/* the event's value, which is 0, and how many it lost */

	for (size_t i = 0; i < p->bufs.n; i++)
		if (read(p->bufs.v[i].fd, now, sizeof(now)) == sizeof(now))
			n += now[1];
	return n > p->told ? n : p->told;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.c: records out of the kernel's ring buffers (BPF_MAP_TYPE_RINGBUF, 5.8) and
 * samples into those that it reads (USER_RINGBUF, 6.1). It shows them as pages: the
 * consumer's position, the producer's, and the data twice, so that a record never
 * wraps.
 */
#include "kernel/ring.h"
#include "kernel/sys.h"
#include <sys/mman.h>
#include <unistd.h>

enum { RING_BUSY = 1u << 31, RING_DISCARD = 1u << 30, RING_HEADER = 8 };

/* ---- by the descriptor --------------------------------------------------------------- */

/* The side that is not the kernel's may be written. */
int kernel_ring_open(struct kernel_ring *r, int map_fd, u32 type, u32 entries)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	bool writes = type == BPF_MAP_TYPE_USER_RINGBUF;
	void *own, *theirs;

	*r = (struct kernel_ring){ .entries = entries };
	own = mmap(NULL, page, writes ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, map_fd,
		   0);
	if (own == MAP_FAILED)
		return -errno;
	theirs = mmap(NULL, page + 2 * (size_t)entries, writes ? PROT_READ | PROT_WRITE : PROT_READ,
		      MAP_SHARED, map_fd, (off_t)page);
	if (theirs == MAP_FAILED) {
		munmap(own, page);
		return -errno;
	}
	r->consumer = own;
	r->producer = theirs;
	r->data = (u8 *)theirs + page;
	return 0;
}

void kernel_ring_close(struct kernel_ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!r->consumer)
		return;
	munmap(r->consumer, page);
	munmap(r->producer, page + 2 * (size_t)r->entries);
	r->consumer = NULL;
}

/* What FN does is unknown to the compiler: what it needs of R is kept beside. */
s64 kernel_ring_read(struct kernel_ring *r, map_event_fn fn, void *arg)
{
	const u64 mask = r->entries - 1;
	const u8 *const data = r->data;
	u64 *const consumer = r->consumer;
	u64 at = *consumer, end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
	struct map_event e = { 0 };
	int stop = 0;
	s64 n = 0;

	while (!stop && at < end) {
		const u8 *record = data + (at & mask);
		u32 head = __atomic_load_n((const u32 *)record, __ATOMIC_ACQUIRE);

		if (head & RING_BUSY)
			break;
		e.bytes = head & ~RING_DISCARD;
		if (!(head & RING_DISCARD)) {
			e.data = record + RING_HEADER;
			stop = fn(arg, &e);
			n++;
		}
		at += round_up((head & ~RING_DISCARD) + RING_HEADER, 8);
		__atomic_store_n(consumer, at, __ATOMIC_RELEASE);
	}
	return n;
}

int kernel_ring_write(struct kernel_ring *r, const void *data, u64 bytes)
{
	u64 need = round_up(bytes, 8) + RING_HEADER, at = *r->producer;
	u32 len = (u32)bytes;
	u8 *to;

	if (bytes >= RING_DISCARD || need > r->entries)
		return -E2BIG;
	if (need > r->entries - (at - __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE)))
		return -ENOSPC;
	to = r->data + (at & (r->entries - 1));
	memset(to, 0, RING_HEADER);
	memcpy(to, &len, sizeof(len));
	memcpy(to + RING_HEADER, data, bytes);
	__atomic_store_n(r->producer, at + need, __ATOMIC_RELEASE);
	return 0;
}

/* ---- the backend's operations ------------------------------------------------------------ */

/* Perf event arrays have buffers from the first reading on, which come with a reader. */
static int perf_open(struct kernel_map *m)
{
	const struct perfbuf_opts o = { 0 };

	return m->perf ? 0 : perfbuf_open(&m->perf, m->fd, m->max_entries, &o, NULL);
}

int kernel_perf_pages(struct backend *b, u32 map, u32 pages, struct skep_err *err)
{
	struct kernel_map *m = kernel_map(b, map);
	const struct perfbuf_opts o = { .pages = pages };

	if (!m || m->perf)
		return err_set(err, ERR_KERNEL, NULL, "the buffers of map %u are there", map);
	return perfbuf_open(&m->perf, m->fd, m->max_entries, &o, err);
}

/* The kernel's own can be waited for. */
int kernel_map_fd(struct backend *b, u32 map)
{
	struct kernel_map *m = kernel_map(b, map);
	int r;

	if (!m)
		return -EBADF;
	if (m->def->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return m->def->type == BPF_MAP_TYPE_RINGBUF ? m->fd : NOT_SUPPORTED;
	r = perf_open(m);
	return r ? r : perfbuf_fd(m->perf);
}

struct perf_to {
	map_event_fn fn;
	void *arg;
};

static int perf_record(void *arg, const struct perfbuf_record *r)
{
	const struct map_event e = { .cpu = r->cpu, .bytes = r->bytes, .data = r->data };
	struct perf_to *to = arg;

	return r->data ? to->fn(to->arg, &e) : 0;
}

/* Hands all records that are complete to FN; their number, or -errno. */
s64 kernel_map_read(struct backend *b, u32 map, map_event_fn fn, void *arg)
{
	struct kernel_map *m = kernel_map(b, map);
	struct perf_to to = { fn, arg };
	int r = 0;

	if (!m)
		return -EBADF;
	if (m->def->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
		r = perf_open(m);
		return r ? r : perfbuf_read(m->perf, perf_record, &to);
	}
	if (m->def->type != BPF_MAP_TYPE_RINGBUF)
		return NOT_SUPPORTED;
	if (!m->ring.consumer)
		r = kernel_ring_open(&m->ring, m->fd, m->def->type, m->max_entries);
	return r ? r : kernel_ring_read(&m->ring, fn, arg);
}

int kernel_map_write(struct backend *b, u32 map, const void *data, u64 bytes)
{
	struct kernel_map *m = kernel_map(b, map);
	int r = 0;

	if (!m)
		return -EBADF;
	if (m->def->type != BPF_MAP_TYPE_USER_RINGBUF)
		return NOT_SUPPORTED;
	if (!m->ring.consumer)
		r = kernel_ring_open(&m->ring, m->fd, m->def->type, m->max_entries);
	return r ? r : kernel_ring_write(&m->ring, data, bytes);
}

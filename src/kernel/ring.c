/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.c: records out of the kernel's ring buffers (BPF_MAP_TYPE_RINGBUF, 5.8) and
 * samples into those that it reads (USER_RINGBUF, 6.1). It shows them as pages: the
 * consumer's position, the producer's, and the data twice, so that a record never
 * wraps.
 */
#include "kernel/sys.h"
#include "base/os.h"
#include <sys/mman.h>
#include <unistd.h>

enum { RING_BUSY = 1u << 31, RING_DISCARD = 1u << 30, RING_HEADER = 8 };

/* The side that is not the kernel's may be written. */
static int ring_open(struct kernel_map *m)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	bool writes = m->def->type == BPF_MAP_TYPE_USER_RINGBUF;
	void *own, *theirs;

	own = mmap(NULL, page, writes ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (own == MAP_FAILED)
		return -errno;
	theirs = mmap(NULL, page + 2 * (size_t)m->max_entries,
		      writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, m->fd,
		      (off_t)page);
	if (theirs == MAP_FAILED) {
		munmap(own, page);
		return -errno;
	}
	m->consumer = own;
	m->producer = theirs;
	m->data = (u8 *)theirs + page;
	return 0;
}

void kernel_ring_close(struct kernel_map *m)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!m->consumer)
		return;
	munmap(m->consumer, page);
	munmap(m->producer, page + 2 * (size_t)m->max_entries);
}

/* The kernel's own can be waited for. */
int kernel_map_fd(struct backend *b, u32 map)
{
	const struct kernel_map *m = kernel_map(b, map);

	if (!m)
		return -EBADF;
	return m->def->type == BPF_MAP_TYPE_RINGBUF ? m->fd : NOT_SUPPORTED;
}

/* Hands all records that are complete to FN; their number, or -errno. */
s64 kernel_map_read(struct backend *b, u32 map, map_event_fn fn, void *arg)
{
	struct kernel *k = kernel_of(b);
	struct kernel_map *m = map < k->maps.n ? &k->maps.v[map] : NULL;
	u64 at, end, n = 0;
	int r = 0;

	if (!m)
		return -EBADF;
	if (m->def->type != BPF_MAP_TYPE_RINGBUF)
		return -524;	/* ENOTSUPP */
	if (!m->consumer && (r = ring_open(m)))
		return r;
	at = *m->consumer;
	end = __atomic_load_n(m->producer, __ATOMIC_ACQUIRE);
	while (!r && at < end) {
		const u8 *record = m->data + (at & (m->max_entries - 1));
		u32 head = __atomic_load_n((const u32 *)record, __ATOMIC_ACQUIRE);
		u32 bytes = head & ~(RING_BUSY | RING_DISCARD);
		const struct map_event e = { .bytes = bytes, .data = record + RING_HEADER };

		if (head & RING_BUSY)
			break;
		if (!(head & RING_DISCARD)) {
			r = fn(arg, &e);
			n++;
		}
		at += round_up(bytes + RING_HEADER, 8);
		__atomic_store_n(m->consumer, at, __ATOMIC_RELEASE);
	}
	return (s64)n;
}

int kernel_map_write(struct backend *b, u32 map, const void *data, u64 bytes)
{
	struct kernel *k = kernel_of(b);
	struct kernel_map *m = map < k->maps.n ? &k->maps.v[map] : NULL;
	u64 need = round_up(bytes, 8) + RING_HEADER, at;
	u32 len = (u32)bytes;
	u8 *to;
	int r;

	if (!m)
		return -EBADF;
	if (m->def->type != BPF_MAP_TYPE_USER_RINGBUF)
		return -524;	/* ENOTSUPP */
	if (bytes >= RING_DISCARD || need > m->max_entries)
		return -E2BIG;
	if (!m->consumer && (r = ring_open(m)))
		return r;
	at = *m->producer;
	if (need > m->max_entries - (at - __atomic_load_n(m->consumer, __ATOMIC_ACQUIRE)))
		return -ENOSPC;
	to = m->data + (at & (m->max_entries - 1));
	memset(to, 0, RING_HEADER);
	memcpy(to, &len, sizeof(len));
	memcpy(to + RING_HEADER, data, bytes);
	__atomic_store_n(m->producer, at + need, __ATOMIC_RELEASE);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.h: one of the kernel's ring buffers as its pages show it, by the map's descriptor
 * alone: reading records (BPF_MAP_TYPE_RINGBUF, 5.8) and writing samples that programs
 * drain (USER_RINGBUF, 6.1). One thread at a time. Readable, for poll and epoll, is the
 * map's descriptor itself.
 */
#ifndef KERNEL_RING_H
#define KERNEL_RING_H

#include "model/event.h"

struct kernel_ring {
	u64 *consumer, *producer;	/* positions; NULL: it is not open */
	u8 *data;			/* ENTRIES bytes, twice in a row */
	u32 entries;			/* the map's max_entries */
};

/* TYPE is one of the two: 0 or -errno. */
int kernel_ring_open(struct kernel_ring *r, int map_fd, u32 type, u32 entries);
void kernel_ring_close(struct kernel_ring *r);	/* fine when it is not open */
/* Hands all records that are complete to FN, and frees them: their number. Whoever wants
 * all calls it once more after a wake-up, until it gives 0. */
s64 kernel_ring_read(struct kernel_ring *r, map_event_fn fn, void *arg);
/* 0, -E2BIG (it will never fit), -ENOSPC (not now). */
int kernel_ring_write(struct kernel_ring *r, const void *data, u64 bytes);

#endif

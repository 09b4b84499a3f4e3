/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perfbuf.h: a reader of the kernel's perf event arrays (bpf_perf_event_output and its
 * relatives): one software event and one buffer for each cpu, put into the map's slots,
 * all waited for through one descriptor. Records that found no room are counted by the
 * kernel and told in their order. What goes in is a descriptor of the map; nothing is
 * attached, and all goes with the reader. Its slots of the map are empty again then,
 * which is a change that other readers of the same map see: a slot has one reader.
 */
#ifndef KERNEL_PERFBUF_H
#define KERNEL_PERFBUF_H

#include "base/err.h"

struct perfbuf;

struct perfbuf_opts {
	u32 pages;		/* of each buffer, a power of two; 0: 16 */
	u32 wakeup;		/* the descriptor is readable after so many records; 0: 1 */
	bool one;		/* CPU's events into slot INDEX, and no others */
	u32 cpu, index;
};

/* What a program put there; or, with LOST, so many records found no room before the
 * next one of that cpu; or, with both data and LOST empty, a record of a TYPE
 * (PERF_RECORD_*) that nobody asked for. */
struct perfbuf_record {
	u32 type, cpu, index;
	u32 bytes;		/* of data; up to 7 more than the program gave: 4 less
				   than a multiple of 8. What is in those is nothing */
	const u8 *data;		/* aligned to 8; gone after the call */
	u64 time_ns;		/* when: the kernel's CLOCK_MONOTONIC, or near it */
	u64 lost, id;		/* id: of the event that lost */
	u32 record_bytes;	/* of all, as in the buffer */
};
/* Anything but 0 ends the reading, after this record. */
typedef int (*perfbuf_fn)(void *arg, const struct perfbuf_record *r);

/*
 * A reader of the map MAP_FD, whose number of slots is ENTRIES: of all cpus that are online
 * and below that. MAP_FD may be closed, but slots are empty again as soon as the last
 * descriptor of the same opening is (without BPF_F_PRESERVE_ELEMS): the reader keeps one.
 * Error: KERNEL.
 */
int perfbuf_open(struct perfbuf **out, int map_fd, u32 entries, const struct perfbuf_opts *o,
		 struct skep_err *err);
void perfbuf_close(struct perfbuf *p);	/* NULL is fine */
/* Readable, for poll and epoll, when there are new records: the kernel says so once for each
 * time, so whoever was woken reads all before waiting again. */
int perfbuf_fd(const struct perfbuf *p);
/* Waits for records, at most TIMEOUT_MS (below 0: for ever): buffers that have some, 0 or
 * -errno, -EINTR among them. */
int perfbuf_wait(struct perfbuf *p, int timeout_ms);
/* Gives FN all records that are there, cpu by cpu: how many samples, or what FN said
 * when that is negative. */
s64 perfbuf_read(struct perfbuf *p, perfbuf_fn fn, void *arg);
/* Records that found no room so far; before Linux 6.0 as far as records were read that say
 * so. Those that records have told of. */
u64 perfbuf_lost(const struct perfbuf *p);
u64 perfbuf_told(const struct perfbuf *p);

#endif

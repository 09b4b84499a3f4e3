/* SPDX-License-Identifier: BSD-2-Clause */
/* event.c: helpers that leave records in ring buffers and perf event arrays. */
#include "call/bodies.h"
#include "maps/map.h"

static void *reserve(struct map *m, u64 bytes, const struct run *run)
{
	if (map_watched(m))
		map_count(m, run->cpu, MAP_UPDATED);
	return ring_reserve(m, bytes, run->cpu);
}

static void discard(void *record) { ring_commit(record, true); }

void call_ring_commit(struct run *run, void *record, bool is_discarded, u64 flags)
{
	ring_commit(record, is_discarded);
	if (run->watch && __atomic_load_n(&run->watch->on, __ATOMIC_RELAXED))
		run->watch->committed(run, record, flags);
}

HELPER_BODY(call_ringbuf_output)
{
	void *rec;

	if (r4 & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return call_error(-EINVAL);
	rec = reserve(call_ptr(r1), r3, run);
	if (!rec)
		return call_error(-EAGAIN);
	if (r3)
		memcpy(rec, call_ptr(r2), r3);
	call_ring_commit(run, rec, false, r4);
	return 0;
}

HELPER_BODY(call_ringbuf_reserve)
{
	void *rec = r3 ? NULL : reserve(call_ptr(r1), r2, run);

	if (rec && run->lend)
		run->lend(run, &(struct lent){
			rec, r2, "record", false, LENT_RECORD, discard });
	return (uintptr_t)rec;
}

HELPER_BODY(call_ringbuf_submit)
{
	call_ring_commit(run, call_ptr(r1), false, r2);
	return 0;
}

HELPER_BODY(call_ringbuf_discard)
{
	call_ring_commit(run, call_ptr(r1), true, r2);
	return 0;
}

HELPER_BODY(call_ringbuf_query) { return ring_query(call_ptr(r1), r2); }

/* ---- perf events ------------------------------------------------------------------ */

/* The upper half of the flags: so many bytes of the packet come behind. */
HELPER_BODY(call_perf_output)
{
	const struct packet_buf *p = &run->pkt;
	u64 index = r3 & BPF_F_INDEX_MASK, more = (r3 & BPF_F_CTXLEN_MASK) >> 32;

	if (r3 & ~(BPF_F_INDEX_MASK | (p->data ? BPF_F_CTXLEN_MASK : 0)))
		return call_error(-EINVAL);
	if (more > packet_bytes(p))
		return call_error(-EFAULT);
	return call_error(perf_output(call_ptr(r2), index, call_ptr(r4), r5, p->data,
				      more, run->cpu));
}

/* The buffers count nothing: a slot has a value no more than in the kernel
 * without an event. */
static s64 counter_error(const struct map *m, u64 flags, const struct run *run)
{
	u64 index = flags & BPF_F_INDEX_MASK;

	if (flags & ~BPF_F_INDEX_MASK)
		return -EINVAL;
	if (index == BPF_F_CURRENT_CPU)
		index = run->cpu;
	return index >= m->max_entries ? -E2BIG : -ENOENT;
}

HELPER_BODY(call_perf_read) { return (u64)counter_error(call_ptr(r1), r2, run); }

HELPER_BODY(call_perf_read_value)
{
	bool whole = r4 == sizeof(struct bpf_perf_event_value);
	s64 r = whole ? counter_error(call_ptr(r1), r2, run) : -EINVAL;

	memset(call_ptr(r3), 0, r4);
	return (u64)r;
}

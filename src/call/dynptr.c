/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dynptr.c: memory with its size: map values, ring buffer records and packets,
 * by helpers and by functions of the kernel.
 */
#include "call/bodies.h"
#include "call/skb.h"
#include "maps/map.h"
#include "model/dynptr.h"
#include "model/tape.h"

static struct dynptr dynptr_get(u64 at)
{
	struct dynptr d;

	memcpy(&d, call_ptr(at), sizeof(d));
	return d;
}

static void dynptr_put(u64 at, struct dynptr d) { memcpy(call_ptr(at), &d, sizeof(d)); }

static const struct dynptr nothing;

static bool holds(const struct dynptr *d, u64 offset, u64 bytes)
{
	return in_bounds(offset, bytes, dynptr_size(d));
}

/* BYTES at OFFSET, which it holds; NULL when the packet is shorter by now. */
static u8 *dynptr_at(struct run *run, const struct dynptr *d, u32 offset, u32 bytes)
{
	u64 off = (u64)d->offset + offset;

	if (!dynptr_is_packet(d))
		return call_ptr(d->data + off);
	return in_bounds(off, bytes, (u64)(run->pkt.data_end - run->pkt.data)) ?
	       run->pkt.data + off : NULL;
}

/* ---- where they come from --------------------------------------------------------- */

static int dynptr_new(u64 at, u64 data, enum dynptr_kind kind, u64 size, u64 flags)
{
	int r = size > DYNPTR_SIZE_MAX ? -E2BIG : flags ? -EINVAL : 0;

	dynptr_put(at, r ? nothing :
		   (struct dynptr){ .data = data, .info = dynptr_info(kind, (u32)size) });
	return r;
}

HELPER_BODY(call_dynptr_from_mem)
{
	return call_error(dynptr_new(r4, r1, DYNPTR_LOCAL, (u32)r2, r3));
}

static void discard(void *record) { ring_commit(record, true); }

HELPER_BODY(call_ringbuf_reserve_dynptr)
{
	u32 size = (u32)r2;
	void *rec;

	dynptr_put(r4, nothing);
	if (r3)
		return call_error(-EINVAL);
	if (size > DYNPTR_SIZE_MAX)
		return call_error(-E2BIG);
	rec = ring_reserve(call_ptr(r1), size, run->cpu);
	if (!rec)
		return call_error(-EINVAL);
	if (run->lend)
		run->lend(run, &(struct lent){
			rec, size, "record", false, LENT_RECORD, discard });
	return call_error(dynptr_new(r4, (uintptr_t)rec, DYNPTR_RECORD, size, 0));
}

/* ---- samples of user space -------------------------------------------------------- */

enum { SAMPLES_MAX = 128 << 10 };	/* of one call, as in the kernel */

/* FUNC gets a sample as a dynptr; what it answers. */
static u64 give_sample(struct run *run, u64 func, u64 ctx, void *data, u32 bytes)
{
	struct dynptr d = { .data = (uintptr_t)data, .info = dynptr_info(DYNPTR_LOCAL, bytes) };
	u64 args[5] = { (uintptr_t)&d, ctx }, r;

	if (run->lend) {
		run->lend(run, &(struct lent){ .mem = data, .bytes = bytes, .name = "sample" });
		run->lend(run, &(struct lent){
			.mem = &d, .bytes = sizeof(d), .name = "dynptr", .read_only = true });
	}
	r = run->callback(run, func, args);
	if (run->take_back) {
		run->take_back(run, &d);
		run->take_back(run, data);	/* told of when it is used later */
	}
	return r;
}

/* All samples until FUNC answers other than 0; how many, or -errno. */
static s64 drain(struct run *run, struct map *m, u64 func, u64 ctx)
{
	s64 n = 0;
	u64 stop = 0;

	for (u32 i = 0; i < SAMPLES_MAX && !stop && !run->stop; i++) {
		void *data;
		u32 bytes;
		int r = user_ring_peek(m, &data, &bytes);

		if (r == -ENODATA)
			break;
		if (r == -EAGAIN)	/* one that was discarded */
			continue;
		if (r)
			return r;
		stop = give_sample(run, func, ctx, data, bytes);
		user_ring_release(m, bytes);
		n++;
	}
	return n;
}

HELPER_BODY(call_user_ringbuf_drain)
{
	struct map *m = call_ptr(r1);
	s64 n;

	if (r4 & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return call_error(-EINVAL);
	if (!user_ring_lock(m, run->cpu))
		return call_error(-EBUSY);
	n = drain(run, m, r2, r3);
	user_ring_unlock(m);
	return (u64)n;
}

/* ---- records ----------------------------------------------------------------------- */

static u64 record_end(struct run *run, u64 at, bool is_discarded, u64 flags)
{
	struct dynptr d = dynptr_get(at);

	if (d.data)
		call_ring_commit(run, call_ptr(d.data), is_discarded, flags);
	dynptr_put(at, nothing);
	return 0;
}

HELPER_BODY(call_ringbuf_submit_dynptr) { return record_end(run, r1, false, r2); }
HELPER_BODY(call_ringbuf_discard_dynptr) { return record_end(run, r1, true, r2); }

static int from_packet(struct run *run, enum dynptr_kind kind, u64 flags, u64 at)
{
	u64 bytes = (u64)(run->pkt.data_end - run->pkt.data);

	return dynptr_new(at, (uintptr_t)run, kind, min_u64(bytes, DYNPTR_SIZE_MAX), flags);
}

HELPER_BODY(kfunc_dynptr_from_xdp)
{
	return call_error(from_packet(run, DYNPTR_XDP, r2, r3));
}

HELPER_BODY(kfunc_dynptr_from_skb)
{
	return call_error(from_packet(run, DYNPTR_SKB, r2, r3));
}

/* For types of programs that only read packets. */
HELPER_BODY(kfunc_dynptr_from_skb_rdonly)
{
	int r = from_packet(run, DYNPTR_SKB, r2, r3);
	struct dynptr d = dynptr_get(r3);

	if (!r) {
		d.info |= DYNPTR_READ_ONLY;
		dynptr_put(r3, d);
	}
	return call_error(r);
}

/* ---- reading and writing ------------------------------------------------------------ */

static int read_part(struct run *run, void *to, u32 bytes, const struct dynptr *d, u64 offset)
{
	const u8 *from;

	if (!d->data)
		return -EINVAL;
	if (!holds(d, offset, bytes))
		return -E2BIG;
	from = dynptr_at(run, d, (u32)offset, bytes);
	if (!from)
		return dynptr_kind(d) == DYNPTR_SKB ? -EFAULT : -EINVAL;
	memmove(to, from, bytes);
	return 0;
}

static int write_part(struct run *run, const struct dynptr *d, u64 offset, const void *from,
		      u32 bytes, u64 flags)
{
	u8 *to;

	if (!d->data || dynptr_read_only(d))
		return -EINVAL;
	if (!holds(d, offset, bytes))
		return -E2BIG;
	if (dynptr_kind(d) == DYNPTR_SKB)
		return (int)call_skb_store(0, d->offset + offset, (uintptr_t)from, bytes, flags,
					   run);
	to = flags ? NULL : dynptr_at(run, d, (u32)offset, bytes);
	if (!to)
		return -EINVAL;
	memmove(to, from, bytes);
	return 0;
}

HELPER_BODY(call_dynptr_read)
{
	struct dynptr d = dynptr_get(r3);

	return call_error(r5 ? -EINVAL : read_part(run, call_ptr(r1), (u32)r2, &d, (u32)r4));
}

HELPER_BODY(call_dynptr_write)
{
	struct dynptr d = dynptr_get(r1);

	return call_error(write_part(run, &d, (u32)r2, call_ptr(r3), (u32)r4, r5));
}

/* Packets may lie in pieces: they have slices. */
HELPER_BODY(call_dynptr_data)
{
	struct dynptr d = dynptr_get(r1);

	if (!d.data || dynptr_is_packet(&d) || dynptr_read_only(&d) ||
	    !holds(&d, (u32)r2, (u32)r3))
		return 0;
	return (uintptr_t)dynptr_at(run, &d, (u32)r2, (u32)r3);
}

/* Packets lie in one piece here, so that the buffer for those that do not is
 * never needed. */
static void *slice(struct run *run, const struct dynptr *d, u64 offset, u64 bytes, bool write)
{
	if (!d->data || (write && dynptr_read_only(d)) || !holds(d, offset, bytes))
		return NULL;
	return dynptr_at(run, d, (u32)offset, (u32)bytes);
}

HELPER_BODY(kfunc_dynptr_slice)
{
	struct dynptr d = dynptr_get(r1);

	return (uintptr_t)slice(run, &d, (u32)r2, (u32)r4, false);
}

HELPER_BODY(kfunc_dynptr_slice_rdwr)
{
	struct dynptr d = dynptr_get(r1);

	return (uintptr_t)slice(run, &d, (u32)r2, (u32)r4, true);
}

/* ---- what they are -------------------------------------------------------------------- */

HELPER_BODY(kfunc_dynptr_adjust)
{
	struct dynptr d = dynptr_get(r1);
	u32 start = (u32)r2, end = (u32)r3;

	if (!d.data || start > end)
		return call_error(-EINVAL);
	if (start > dynptr_size(&d) || end > dynptr_size(&d))
		return call_error(-ERANGE);
	d.offset += start;
	d.info = (d.info & ~(u32)DYNPTR_SIZE_MAX) | (end - start);
	dynptr_put(r1, d);
	return 0;
}

HELPER_BODY(kfunc_dynptr_is_null) { return !dynptr_get(r1).data; }

HELPER_BODY(kfunc_dynptr_is_rdonly)
{
	struct dynptr d = dynptr_get(r1);

	return d.data && dynptr_read_only(&d);
}

HELPER_BODY(kfunc_dynptr_size)
{
	struct dynptr d = dynptr_get(r1);

	return d.data ? dynptr_size(&d) : call_error(-EINVAL);
}

HELPER_BODY(kfunc_dynptr_clone)
{
	struct dynptr d = dynptr_get(r1);

	dynptr_put(r2, d);
	return call_error(d.data ? 0 : -EINVAL);
}

HELPER_BODY(kfunc_dynptr_copy)
{
	struct dynptr to = dynptr_get(r1), from = dynptr_get(r3);
	const u8 *src = slice(run, &from, (u32)r4, (u32)r5, false);
	u8 *dst = slice(run, &to, (u32)r2, (u32)r5, true);

	if (src)
		return call_error(write_part(run, &to, (u32)r2, src, (u32)r5, 0));
	if (dst)
		return call_error(read_part(run, dst, (u32)r5, &from, (u32)r4));
	return call_error(dynptr_read_only(&to) ? -EINVAL : -E2BIG);
}

HELPER_BODY(kfunc_dynptr_memset)
{
	struct dynptr d = dynptr_get(r1);
	u8 *to = slice(run, &d, (u32)r2, (u32)r3, true);

	if (to)
		memset(to, (u8)r4, (u32)r3);
	else if (dynptr_read_only(&d))
		return call_error(-EINVAL);
	else if (!holds(&d, (u32)r2, (u32)r3))
		return call_error(-E2BIG);
	if (to || !(u32)r3)
		return 0;
	return call_error(dynptr_kind(&d) == DYNPTR_SKB ? -EFAULT : -EINVAL);
}

/* ---- memory at any address ---------------------------------------------------------- */

/* Where SIZE bytes may be written at OFFSET, or NULL with *R set; no bytes need
 * no place. */
static u8 *room(struct run *run, u64 at, u32 offset, u32 size, int *r)
{
	struct dynptr d = dynptr_get(at);
	u8 *to = size ? slice(run, &d, offset, size, true) : NULL;

	*r = !holds(&d, offset, size) ? -E2BIG : to || !size ? 0 : -EINVAL;
	return to;
}

/* N bytes at TO are what a tape has of them: true, and in *RET what reading them gave. */
static bool probed_before(struct run *run, u8 *to, u32 n, u64 *ret)
{
	if (!tape_knows(run->tape, TAPE_PROBED, ret, sizeof(*ret)))
		return false;
	return tape_knows(run->tape, TAPE_BYTES, to, n);
}

static u64 probed(struct run *run, const u8 *to, u32 n, u64 ret)
{
	tape_note(run->tape, TAPE_PROBED, &ret, sizeof(ret));
	tape_note(run->tape, TAPE_BYTES, to, n);
	return ret;
}

HELPER_BODY(kfunc_probe_dynptr)
{
	int r;
	u8 *to = room(run, r1, (u32)r2, (u32)r3, &r);
	u64 ret;

	if (!to)
		return call_error(r);
	if (probed_before(run, to, (u32)r3, &ret))
		return ret;
	return probed(run, to, (u32)r3, call_error(probe_bytes(run, to, r4, (u32)r3)));
}

/* How many bytes there are then, with the NUL. */
HELPER_BODY(kfunc_probe_str_dynptr)
{
	int r;
	u8 *to = room(run, r1, (u32)r2, (u32)r3, &r);
	u64 ret;

	if (!to)
		return call_error(r);
	if (probed_before(run, to, (u32)r3, &ret))
		return ret;
	return probed(run, to, (u32)r3,
		      call_probe_str((uintptr_t)to, (u32)r3, r4, 0, 0, run));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp.c: helpers on the packet of an XDP program. They change the bounds in
 * run->pkt; the engine makes the program load them again. Fragments lie behind
 * the linear part, so that a packet is one run of bytes.
 */
#include "call/bodies.h"
#include "maps/map.h"
#include <linux/bpf.h>

enum {
	FRAME_BYTES = 40,	/* the kernel keeps a struct xdp_frame in front */
	ETH_BYTES = 14,		/* no packet gets shorter */
	META_MAX = 255,
	OFFSET_MAX = 0xffff,
};

static bool has_meta(const struct packet_buf *p) { return p->data_meta <= p->data; }

/* Distances from hard_start, so that no pointer ever leaves the buffer. */
static s64 at(const struct packet_buf *p, const u8 *where)
{
	return where - p->hard_start;
}

HELPER_BODY(call_xdp_adjust_head)
{
	struct packet_buf *p = &run->pkt;
	s64 meta = has_meta(p) ? p->data - p->data_meta : 0;
	s64 offset = (s32)r2, data = at(p, p->data) + offset;

	if (data < FRAME_BYTES + meta || data > at(p, p->data_end) - ETH_BYTES)
		return call_error(-EINVAL);
	if (meta)
		memmove(p->data_meta + offset, p->data_meta, (size_t)meta);
	p->data_meta += offset;
	p->data += offset;
	return 0;
}

/* Only the last fragment grows, and only to its end. */
static u64 frags_grow(struct packet_buf *p, u32 bytes)
{
	u32 last = (p->frags - 1) % XDP_FRAG_BYTES + 1;

	if (bytes > XDP_FRAG_BYTES - last)
		return call_error(-EINVAL);
	memset(p->data_end + p->frags, 0, bytes);
	p->frags += bytes;
	return 0;
}

/* From the end; when no fragment is left the linear part is the packet. */
static u64 frags_shrink(struct packet_buf *p, s64 bytes)
{
	u32 of_frags = (u32)min_u64((u64)bytes, p->frags);

	if (bytes > (s64)packet_bytes(p) - ETH_BYTES)
		return call_error(-EINVAL);
	p->frags -= of_frags;
	p->data_end -= bytes - of_frags;
	return 0;
}

HELPER_BODY(call_xdp_adjust_tail)
{
	struct packet_buf *p = &run->pkt;
	s64 offset = (s32)r2, end = at(p, p->data_end) + offset;

	if (p->frags)
		return offset >= 0 ? frags_grow(p, (u32)offset) : frags_shrink(p, -offset);
	if (end > at(p, p->hard_end) || end < at(p, p->data) + ETH_BYTES)
		return call_error(-EINVAL);
	if (offset > 0)
		memset(p->data_end, 0, (size_t)offset);
	p->data_end += offset;
	return 0;
}

HELPER_BODY(call_xdp_adjust_meta)
{
	struct packet_buf *p = &run->pkt;
	s64 offset = (s32)r2, meta = at(p, p->data_meta) + offset, size;

	if (!has_meta(p))
		return call_error(-KERNEL_ENOTSUPP);
	size = at(p, p->data) - meta;
	if (meta < FRAME_BYTES || size < 0)
		return call_error(-EINVAL);
	if (size % 4 || size > META_MAX)
		return call_error(-EACCES);
	p->data_meta += offset;
	return 0;
}

HELPER_BODY(call_xdp_buff_len)
{
	return packet_bytes(&run->pkt);
}

/* LEN bytes at OFFSET of the packet, or NULL with *R set. */
static u8 *packet_part(struct run *run, u32 offset, u32 len, int *r)
{
	u64 have = packet_bytes(&run->pkt);

	*r = offset > OFFSET_MAX || len > OFFSET_MAX ? -EFAULT :
	     in_bounds(offset, len, have) ? 0 : -EINVAL;
	return *r ? NULL : run->pkt.data + offset;
}

HELPER_BODY(call_xdp_load)
{
	int r;
	const u8 *p = packet_part(run, (u32)r2, (u32)r4, &r);

	if (p)
		memmove(call_ptr(r3), p, (u32)r4);
	return call_error(r);
}

HELPER_BODY(call_xdp_store)
{
	int r;
	u8 *p = packet_part(run, (u32)r2, (u32)r4, &r);

	if (p)
		memmove(p, call_ptr(r3), (u32)r4);
	return call_error(r);
}

HELPER_BODY(call_xdp_redirect)
{
	if (r2)
		return XDP_ABORTED;
	run->redirect.map = NULL;
	run->xdp.redirect_ifindex = (u32)r1;
	return XDP_REDIRECT;
}

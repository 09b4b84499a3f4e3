/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp.c: gives packets to XDP programs as a network driver would: a frame of
 * 256 bytes of headroom, the packet and its tailroom. Frames are as big as the
 * kernel's (a page without its skb_shared_info), bigger packets get what they
 * need.
 */
#include "host/capture.h"
#include "host/hosts.h"

/* 320: struct skb_shared_info, aligned */
enum { FRAME_BYTES = 4096 - 320 };

static int xdp_begin(struct run *run, u8 *buffer, const struct test_run *t,
		     struct skep_err *err)
{
	struct packet_buf *p = &run->pkt;

	if (unlikely(t->bytes > CAPTURE_PACKET_MAX))
		return err_set(err, ERR_RUN, NULL, "a packet of %u bytes; at most %u",
			       t->bytes, CAPTURE_PACKET_MAX);
	p->hard_start = buffer;
	p->data = p->data_meta = buffer + XDP_HEADROOM_BYTES;
	p->data_end = p->data + t->bytes;
	p->hard_end = buffer + max_u64(FRAME_BYTES, XDP_HEADROOM_BYTES + t->bytes);
	memset(buffer, 0, XDP_HEADROOM_BYTES);	/* not the packet before */
	if (t->bytes)
		memcpy(p->data, t->data, t->bytes);
	run->xdp.ingress_ifindex = t->ifindex;
	run->xdp.rx_queue_index = t->rx_queue;
	run->xdp.redirect_ifindex = 0;
	run->redirect.map = NULL;
	return 0;
}

const struct host host_xdp = {
	.prog_type = BPF_PROG_TYPE_XDP,
	.buffer_bytes = XDP_HEADROOM_BYTES + CAPTURE_PACKET_MAX + FRAME_BYTES,
	.begin = xdp_begin,
	.same_context = true,
};

const struct host *const host_all[] = { &host_xdp, NULL };

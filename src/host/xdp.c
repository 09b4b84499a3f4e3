/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp.c: gives packets to XDP programs as a network driver would: a frame of
 * 256 bytes of headroom, the packet and its tailroom. Frames are as big as the
 * kernel's (a page without its skb_shared_info), bigger packets get what they
 * need.
 */
#include "host/capture.h"
#include "host/hosts.h"
#include <linux/bpf.h>

/* 320: struct skb_shared_info, aligned */
enum { FRAME_BYTES = 4096 - 320, META_MAX = 252, LOOPBACK = 1 };

/* As BPF_PROG_TEST_RUN takes it: data is the size of the metadata that the
 * packet's bytes begin with. */
static int take_ctx(struct run *run, const struct test_run *t, struct skep_err *err)
{
	struct xdp_md in = { 0 };

	if (t->ctx_in_bytes > sizeof(in))
		return err_set(err, ERR_RUN, NULL, "a context of %u bytes; struct xdp_md has %zu",
			       t->ctx_in_bytes, sizeof(in));
	memcpy(&in, t->ctx_in, t->ctx_in_bytes);
	if (in.data_meta || in.egress_ifindex || in.data_end != t->bytes || in.data > in.data_end)
		return err_set(err, ERR_RUN, NULL, "struct xdp_md: data_meta and egress_ifindex "
			       "are 0, data_end is the packet's %u bytes, data within",
			       t->bytes);
	if (in.data % 4 || in.data > META_MAX)
		return err_set(err, ERR_RUN, NULL, "%u bytes of metadata; a multiple of 4, at "
			       "most %d", in.data, META_MAX);
	run->pkt.data += in.data;
	if (in.ingress_ifindex)
		run->xdp.ingress_ifindex = in.ingress_ifindex;
	run->xdp.rx_queue_index = in.rx_queue_index;
	return 0;
}

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
	run->xdp.ingress_ifindex = t->ifindex ? t->ifindex : LOOPBACK;
	run->xdp.rx_queue_index = t->rx_queue;
	run->xdp.redirect_ifindex = 0;
	run->redirect.map = NULL;
	return unlikely(t->ctx_in) ? take_ctx(run, t, err) : 0;
}

const struct host host_xdp = {
	.prog_type = BPF_PROG_TYPE_XDP,
	.buffer_bytes = XDP_HEADROOM_BYTES + CAPTURE_PACKET_MAX + FRAME_BYTES,
	.begin = xdp_begin,
	.same_context = true,
};

const struct host *const host_all[] = {
	&host_xdp, &host_socket_filter, &host_sched_cls, &host_sched_act,
	&host_cgroup_skb, &host_lwt_in, &host_lwt_out, &host_lwt_xmit,
	&host_lwt_seg6local, NULL,
};

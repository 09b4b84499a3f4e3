/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp.c: gives packets to XDP programs as BPF_PROG_TEST_RUN of Linux 6.18 does:
 * a frame of a page, in which a packet has 256 bytes of headroom. What does not
 * fit into it is in fragments, for programs that say so (xdp.frags) and those
 * that do not.
 */
#include "host/capture.h"
#include "host/hosts.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>

/* struct xdp_frame stays in front of metadata */
enum { META_MAX = XDP_HEADROOM_BYTES - 40, LOOPBACK = 1 };

/* As BPF_PROG_TEST_RUN takes it: data is the size of the metadata that the
 * packet's bytes begin with, data_end where its linear part ends. */
/* The bytes of T in their buffer: META of them in front of data, and LINEAR in
 * all, or as many as fit, in the linear part. */
static void place(struct packet_buf *p, const struct test_run *t, u32 meta, u32 linear)
{
	u8 *start = p->hard_start + XDP_HEADROOM_BYTES - meta;

	if (linear > XDP_LINEAR_BYTES + meta)
		linear = XDP_LINEAR_BYTES + meta;
	p->data_meta = start;
	p->data = start + meta;
	p->data_end = start + linear;
	p->hard_end = p->hard_start + XDP_FRAME_BYTES;
	p->frags = t->bytes - linear;
	if (t->bytes)
		memcpy(start, t->data, t->bytes);
}

static int take_ctx(struct run *run, const struct test_run *t, struct skep_err *err)
{
	struct xdp_md in = { 0 };

	if (t->ctx_in_bytes > sizeof(in))
		return err_set(err, ERR_RUN, NULL, "a context of %u bytes; struct xdp_md has %zu",
			       t->ctx_in_bytes, sizeof(in));
	memcpy(&in, t->ctx_in, t->ctx_in_bytes);
	if (in.data_meta || in.egress_ifindex || in.data_end > t->bytes || in.data > in.data_end)
		return err_set(err, ERR_RUN, NULL, "struct xdp_md: data_meta and egress_ifindex "
			       "are 0, data_end is at most the packet's %u bytes, data at most "
			       "data_end", t->bytes);
	if (in.data % 4 || in.data > META_MAX)
		return err_set(err, ERR_RUN, NULL, "%u bytes of metadata; a multiple of 4, at "
			       "most %d", in.data, META_MAX);
	if (in.data && t->bytes - in.data < ETH_HLEN)
		return err_set(err, ERR_RUN, NULL, "%u bytes behind the metadata; an Ethernet "
			       "header alone has %d", t->bytes - in.data, ETH_HLEN);
	place(&run->pkt, t, in.data, in.data_end);
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
	memset(buffer, 0, XDP_HEADROOM_BYTES);	/* not the packet before */
	place(p, t, 0, t->bytes);
	run->xdp.ingress_ifindex = t->ifindex ? t->ifindex : LOOPBACK;
	run->xdp.rx_queue_index = t->rx_queue;
	run->xdp.redirect_ifindex = 0;
	run->skb.ifindex = 0;		/* of no other host's packet */
	run->redirect.map = NULL;
	return unlikely(t->ctx_in) ? take_ctx(run, t, err) : 0;
}

const struct host host_xdp = {
	.prog_type = BPF_PROG_TYPE_XDP,
	.buffer_bytes = XDP_HEADROOM_BYTES + CAPTURE_PACKET_MAX + XDP_FRAG_BYTES,
	.begin = xdp_begin,
	.same_context = true,
};

const struct host *const host_all[] = {
	&host_xdp, &host_socket_filter, &host_sched_cls, &host_sched_act,
	&host_cgroup_skb, &host_lwt_in, &host_lwt_out, &host_lwt_xmit,
	&host_lwt_seg6local, &host_flow_dissector,
	&host_sk_lookup, &host_sk_reuseport, &host_sk_skb, &host_raw_tp, NULL,
};

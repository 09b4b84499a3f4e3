/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_packet.c: AF_PACKET sockets. Frames come as copies in a ring of blocks
 * that is shared with the kernel (TPACKET_V3), as they would be on the wire:
 * the VLAN tag that the kernel took off is put back, and a checksum that was
 * left to the hardware is completed.
 * Never: sees what the interface sends, ours included.
 */
#include "host/port.h"
#include <endian.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/os.h"

enum {
	BLOCK_BYTES = 256 << 10,	/* more than the biggest frame */
	BLOCKS = 32,
	RETIRE_MS = 1,		/* a block that is not full comes after that */
	TAG_BYTES = 4,
	OUT_BYTES = 256 << 10,	/* frames that wait for flush */
	OUT_FRAMES = 64,
	SEND_WAIT_MS = 100,	/* for room in the socket's buffer */
};

struct packet_port {
	struct port p;
	u8 *ring;		/* BLOCKS of BLOCK_BYTES, or NULL */
	u32 block;		/* the one at hand */
	bool held;		/* it is ours to read */
	u32 left;		/* frames in it not delivered yet */
	u8 *next;		/* the next of them */
	u64 taken;		/* frames out of the ring, delivered or not */
	u64 counted;		/* that the kernel says came, without the lost */
	u8 *out;		/* OUT_BYTES */
	u32 out_bytes, out_frames;
	struct iovec vec[OUT_FRAMES][2];	/* header, frame */
};

static const char needs_raw[] = "CAP_NET_RAW in the network namespace";

/* ---- opening --------------------------------------------------------------- */

static int set(struct port *p, int opt, const void *value, socklen_t n, const char *what,
	       struct skep_err *err)
{
	return setsockopt(p->fd, SOL_PACKET, opt, value, n) ?
	       port_failed(p, what, needs_raw, err) : 0;
}

static int make_ring(struct packet_port *s, struct skep_err *err)
{
	const struct tpacket_req3 req = {
		.tp_block_size = BLOCK_BYTES, .tp_block_nr = BLOCKS,
		.tp_frame_size = 2048, .tp_frame_nr = BLOCKS * (BLOCK_BYTES / 2048),
		.tp_retire_blk_tov = RETIRE_MS,
	};
	const int version = TPACKET_V3;
	const unsigned reserve = TAG_BYTES;
	struct port *p = &s->p;
	int r;

	r = set(p, PACKET_VERSION, &version, sizeof(version), "TPACKET_V3", err);
	if (!r)
		r = set(p, PACKET_RESERVE, &reserve, sizeof(reserve), "PACKET_RESERVE", err);
	if (!r)
		r = set(p, PACKET_RX_RING, &req, sizeof(req), "the receive ring", err);
	if (r)
		return r;
	s->ring = mmap(NULL, BLOCKS * BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (s->ring != MAP_FAILED)
		return 0;
	s->ring = NULL;
	return port_failed(p, "mapping the receive ring", needs_raw, err);
}

static int join(struct port *p, struct skep_err *err)
{
	const struct packet_mreq all = {
		.mr_ifindex = (int)p->ifindex, .mr_type = PACKET_MR_PROMISC,
	};
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)p->ifindex,
		.sll_protocol = p->dirs & PORT_IN ? htobe16(ETH_P_ALL) : 0,
	};
	const int one = 1;

	/* older than 4.20: recv sorts them out */
	setsockopt(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (bind(p->fd, (const struct sockaddr *)&to, sizeof(to)))
		return port_failed(p, "binding to the interface", needs_raw, err);
	if (!(p->dirs & PORT_IN))
		return 0;
	if (port_check_socket(p, err))	/* it is down */
		return err ? err->code : -EIO;
	return set(p, PACKET_ADD_MEMBERSHIP, &all, sizeof(all), "promiscuous mode", err);
}

static int packet_open(struct port *p, struct skep_err *err)
{
	struct packet_port *s = (struct packet_port *)p;
	const int one = 1;
	int r = port_find_iface(p, err);

	if (r)
		return r;
	p->queue = 0;
	s->out = mem_alloc(OUT_BYTES);
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (p->fd < 0 && errno == EAFNOSUPPORT)
		return err_set(err, ERR_PORT_OPEN, p->name,
			       "the kernel has no CONFIG_PACKET");
	if (p->fd < 0)
		return port_failed(p, "a packet socket", needs_raw, err);
	r = set(p, PACKET_VNET_HDR, &one, sizeof(one), "PACKET_VNET_HDR", err);
	if (!r && p->dirs & PORT_IN)
		r = make_ring(s, err);
	return r ? r : join(p, err);
}

static void packet_close(struct port *p)
{
	struct packet_port *s = (struct packet_port *)p;

	if (s->ring)
		munmap(s->ring, BLOCKS * BLOCK_BYTES);
	free(s->out);
}

/* ---- receiving ---------------------------------------------------------------- */

static struct tpacket_hdr_v1 *block_head(const struct packet_port *s)
{
	struct tpacket_block_desc *b = (void *)(s->ring + (size_t)s->block * BLOCK_BYTES);

	return &b->hdr.bh1;
}

/* Gives the block at hand back, when all of it was delivered, and takes the
 * next one, when there is one. */
static bool next_block(struct packet_port *s)
{
	struct tpacket_hdr_v1 *h = block_head(s);

	if (s->held) {
		__atomic_store_n(&h->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		s->block = (s->block + 1) % BLOCKS;
		s->held = false;
		h = block_head(s);
	}
	if (!(__atomic_load_n(&h->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	s->held = true;
	s->left = h->num_pkts;
	s->next = s->ring + (size_t)s->block * BLOCK_BYTES + h->offset_to_first_pkt;
	return true;
}

/* The Internet checksum of FRAME from START to its end, put at AT; its seed, the
 * pseudo header, stands there. */
static void complete_checksum(u8 *frame, u32 bytes, u32 start, u32 at)
{
	u64 sum = 0;
	u16 word;

	if (start >= bytes || !in_bounds(at, 2, bytes))
		return;
	for (u32 i = start; i + 1 < bytes; i += 2) {
		memcpy(&word, frame + i, 2);
		sum += word;
	}
	if ((bytes - start) & 1) {
		word = 0;
		memcpy(&word, frame + bytes - 1, 1);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	word = (u16)~sum;
	word = word ? word : 0xffff;	/* 0 says "none" in UDP */
	memcpy(frame + at, &word, 2);
}

/* In front of the frame is room for it. */
static void put_tag_back(struct packet *pkt, const struct tpacket3_hdr *h)
{
	u8 *data = (u8 *)(uintptr_t)pkt->data - TAG_BYTES;
	u16 proto = htobe16(h->tp_status & TP_STATUS_VLAN_TPID_VALID ?
			    h->hv1.tp_vlan_tpid : ETH_P_8021Q);
	u16 tci = htobe16((u16)h->hv1.tp_vlan_tci);

	memmove(data, pkt->data, 2 * ETH_ALEN);
	memcpy(data + 2 * ETH_ALEN, &proto, 2);
	memcpy(data + 2 * ETH_ALEN + 2, &tci, 2);
	pkt->data = data;
	pkt->bytes += TAG_BYTES;
	pkt->wire_bytes += TAG_BYTES;
}

static void restore(struct packet *pkt, const struct tpacket3_hdr *h)
{
	u8 *data = (u8 *)(uintptr_t)pkt->data;
	struct virtio_net_hdr v;

	memcpy(&v, data - sizeof(v), sizeof(v));
	if (v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && pkt->bytes == pkt->wire_bytes)
		complete_checksum(data, pkt->bytes, v.csum_start,
				  (u32)v.csum_start + v.csum_offset);
	if (h->tp_status & TP_STATUS_VLAN_VALID && pkt->bytes >= 2 * ETH_ALEN)
		put_tag_back(pkt, h);
}

/* The next frame of the block; false when it is one that the interface sent. */
static bool take_frame(struct packet_port *s, struct packet *pkt)
{
	struct tpacket3_hdr *h = (void *)s->next;
	const struct sockaddr_ll *from = (const void *)(s->next + TPACKET_ALIGN(sizeof(*h)));

	s->left--;
	s->taken++;
	*pkt = (struct packet){ .data = s->next + h->tp_mac, .bytes = h->tp_snaplen,
		.wire_bytes = h->tp_len,
		.time_ns = h->tp_sec * 1000000000ull + h->tp_nsec };
	s->next += h->tp_next_offset;
	if (from->sll_pkttype == PACKET_OUTGOING)
		return false;
	restore(pkt, h);
	return true;
}

static int packet_recv(struct port *p, struct packet *pkts, u32 n, struct skep_err *err)
{
	struct packet_port *s = (struct packet_port *)p;
	u32 got = 0;

	if (!s->left && !next_block(s))
		return port_check_socket(p, err);
	while (got < n && s->left)
		got += take_frame(s, &pkts[got]);
	return (int)got;
}

static void packet_count(struct port *p)
{
	struct packet_port *s = (struct packet_port *)p;
	struct tpacket_stats_v3 st;
	socklen_t n = sizeof(st);

	if (!s->ring || getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &st, &n))
		return;
	p->stats.lost += st.tp_drops;	/* reading resets them */
	s->counted += st.tp_packets - st.tp_drops;
	p->stats.unread = s->counted > s->taken ? s->counted - s->taken : 0;
}

/* ---- sending -------------------------------------------------------------------- */

static bool wait_for_room(struct port *p)
{
	struct pollfd f = { .fd = p->fd, .events = POLLOUT };

	return poll(&f, 1, SEND_WAIT_MS) > 0;
}

/* Sends MSG[0..n-1]; a message that the kernel refuses is counted and skipped. */
static void packet_flush(struct port *p)
{
	struct packet_port *s = (struct packet_port *)p;
	struct mmsghdr msg[OUT_FRAMES] = { 0 };
	u32 done = 0;

	for (u32 i = 0; i < s->out_frames; i++) {
		msg[i].msg_hdr.msg_iov = s->vec[i];
		msg[i].msg_hdr.msg_iovlen = 2;
	}
	while (done < s->out_frames) {
		int r = sendmmsg(p->fd, msg + done, s->out_frames - done, MSG_DONTWAIT);

		if (r > 0) {
			p->stats.sent += (u32)r;
			done += (u32)r;
		} else if (errno == EAGAIN ? !wait_for_room(p) : errno != EINTR) {
			port_not_sent(p, 1, errno);
			done++;
		}
	}
	s->out_frames = s->out_bytes = 0;
}

static void packet_send(struct port *p, const u8 *data, u32 bytes)
{
	static const struct virtio_net_hdr plain;
	struct packet_port *s = (struct packet_port *)p;
	struct iovec *v;

	if (s->out_frames == OUT_FRAMES || bytes > OUT_BYTES - s->out_bytes)
		packet_flush(p);
	if (bytes > OUT_BYTES) {
		port_not_sent(p, 1, EMSGSIZE);
		return;
	}
	v = s->vec[s->out_frames++];
	v[0] = (struct iovec){ (void *)(uintptr_t)&plain, sizeof(plain) };
	v[1] = (struct iovec){ memcpy(s->out + s->out_bytes, data, bytes), bytes };
	s->out_bytes += bytes;
}

const struct port_ops port_packet = {
	.kind = "packet",
	.bytes = sizeof(struct packet_port),
	.open = packet_open,
	.recv = packet_recv,
	.send = packet_send,
	.flush = packet_flush,
	.count = packet_count,
	.close = packet_close,
};

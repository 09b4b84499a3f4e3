/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host/capture.h: packets out of pcap and pcapng files and into pcapng files.
 *
 * Reading:
 *
 *	struct capture *c;
 *	struct packet p;
 *	int r = capture_open(&c, path, err);
 *
 *	while (!r && (r = capture_next(c, &p, err)) > 0)
 *		use(p.data, p.bytes), r = 0;
 *	capture_close(c);
 *
 * In: a file, pipe or memory, read once from front to back in blocks, so that
 * packets of a pipe come out as they arrive and a file may be of any size.
 * Out: packets in the order of the file, times in nanoseconds, numbers of the
 * packet headers in host order. Errors: ERR_FILE_OPEN, ERR_FILE_READ,
 * ERR_PCAP (not well-formed), ERR_PCAP_CUT (ends in mid-packet); the place is
 * FILE+0xOFFSET. All packets before the place are delivered first.
 *
 * Formats: pcap 2.4 and draft-ietf-opsawg-pcapng, as libpcap 1.10 takes them,
 * but a packet that is longer than its snaplen comes whole.
 */
#ifndef HOST_CAPTURE_H
#define HOST_CAPTURE_H

#include "base/err.h"

/* The most bytes of one packet that a capture may hold; libpcap's limit. */
#define CAPTURE_PACKET_MAX 262144u

/* LINKTYPE_ numbers that hosts ask for by name. */
enum {
	LINK_ETHERNET = 1,
	LINK_RAW = 101,		/* IPv4 or IPv6 without a link header */
};

struct test_packet;	/* model/backend.h */

struct packet {
	const u8 *data;		/* valid until the next call on its capture */
	u32 bytes;		/* captured: at data; <= CAPTURE_PACKET_MAX */
	u32 wire_bytes;		/* length on the wire; >= bytes */
	u64 time_ns;		/* since 1970-01-01 UTC; 0 when not recorded */
	u64 number;		/* 1, 2, ... over all sections of the capture */
	u32 link;		/* LINKTYPE_ number of the packet's interface */
	u32 iface;		/* 0, 1, ... over all sections; see capture_iface */
};

/* ---- reading ---------------------------------------------------------- */

/* What capture_next needs at hand; the rest is pcap_read.c's own. */
struct capture {
	const u8 *next, *end;	/* bytes read and not yet delivered */
	size_t plain_bytes;	/* record header, when capture_next may do it
				   itself (pcap in host order), else SIZE_MAX */
	u64 packets;		/* delivered so far */
	u32 tick_ns;		/* unit of the fraction in a pcap record */
	u32 link;		/* of a pcap file */
};

struct capture_iface {
	u32 link;		/* LINKTYPE_ number, without FCS bits */
	u32 snaplen;		/* 0 when not limited */
	const char *name;	/* NULL when not recorded */
};

/* Does HEAD, the first N bytes of something, begin a pcap or pcapng? */
bool capture_is(const u8 *head, size_t n);

/*
 * Opens PATH ("-" is standard input) and reads its header. On error *C is
 * NULL, which capture_close accepts.
 */
int capture_open(struct capture **c, const char *path, struct skep_err *err);
/* The same for SIZE bytes of memory that outlive C; NAME is for messages. */
int capture_open_mem(struct capture **c, const char *name, const void *data,
		     size_t size, struct skep_err *err);
void capture_close(struct capture *c);

/*
 * Back to the first packet; numbers start at 1 again. Only for files and
 * memory: ERR_FILE_READ for what cannot be read twice.
 */
int capture_rewind(struct capture *c, struct skep_err *err);

/*
 * The interface with number I (packet.iface) of those seen so far, or NULL.
 * Valid until the next call of capture_next or capture_rewind.
 */
const struct capture_iface *capture_iface(const struct capture *c, u32 i);

/* "EN10MB" for 1; NULL for a link type that has no name here. */
const char *capture_link_name(u32 link);

/* All that capture_next does not do inline. */
int capture_next_slow(struct capture *c, struct packet *p,
		      struct skep_err *err);

/* The next packet, when it is a pcap record in host order that was read
 * already: what was delivered before stays valid. */
static inline bool capture_quick(struct capture *c, struct packet *p)
{
	size_t left = (size_t)(c->end - c->next);
	u32 h[4];	/* seconds, fraction, captured, wire length */

	if (unlikely(left < c->plain_bytes))
		return false;
	memcpy(h, c->next, sizeof(h));
	if (unlikely(h[2] > left - sizeof(h) || h[2] > CAPTURE_PACKET_MAX))
		return false;
	p->data = c->next + sizeof(h);
	p->bytes = h[2];
	p->wire_bytes = h[3] > h[2] ? h[3] : h[2];
	p->time_ns = h[0] * 1000000000ull + (u64)h[1] * c->tick_ns;
	p->number = ++c->packets;
	p->link = c->link;
	p->iface = 0;
	c->next = p->data + h[2];
	return true;
}

/*
 * 1 and the next packet in *P, 0 at the end, negative errno on error. After an
 * error only capture_rewind and capture_close make sense.
 */
static inline int capture_next(struct capture *c, struct packet *p,
			       struct skep_err *err)
{
	return likely(capture_quick(c, p)) ? 1 : capture_next_slow(c, p, err);
}

/*
 * Up to N packets of one link type at once, which stay valid together and may
 * be written to unless the capture is memory: their number with the link type
 * in *LINK, 0 at the end, or a negative errno.
 */
int capture_batch(struct capture *c, struct test_packet *p, u32 n, u32 *link,
		  struct skep_err *err);

/* ---- writing (pcapng) --------------------------------------------------- */

struct capture_out;

/* Which hook a verdict comes from: the type byte of option epb_verdict. */
enum capture_verdict {
	VERDICT_NONE = 0,	/* no verdict is recorded */
	VERDICT_TC = 1,		/* TC_ACT_* */
	VERDICT_XDP = 2,	/* XDP_* */
};

/*
 * Starts a capture that appears under PATH only at capture_out_commit (see
 * os_out). On error *W is NULL, which capture_out_abort accepts. Errors of
 * this and the following calls: ERR_FILE_WRITE.
 */
int capture_out_open(struct capture_out **w, const char *path,
		     struct skep_err *err);

/*
 * *IFACE is the number of the interface with these properties, which is
 * recorded at the first call with them. NAME may be NULL.
 */
int capture_out_iface(struct capture_out *w, const struct capture_iface *i,
		      u32 *iface, struct skep_err *err);

/*
 * Records P's data, lengths and time on interface P->iface, a number of
 * capture_out_iface (P->link and P->number do not count), and VALUE as the
 * verdict of KIND. -EINVAL with ERR_PCAP when P could not be read back: too
 * long, or on an interface that is not there.
 */
int capture_out_write(struct capture_out *w, const struct packet *p,
		      enum capture_verdict kind, u64 value,
		      struct skep_err *err);

/* Ends W in either case; abort leaves no file. */
int capture_out_commit(struct capture_out *w, struct skep_err *err);
void capture_out_abort(struct capture_out *w);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap_read.c: packets out of pcap and pcapng captures (capture.h).
 *
 * In: a descriptor or memory, seen through a window that moves forward only.
 * Out: packets that point into the window.
 * Never: trusts a length of the file, or keeps more of it than one block.
 */
#include "host/capture.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/arena.h"
#include "base/os.h"
#include "base/vec.h"
#include "host/pcapng.h"
#include "model/backend.h"

enum {
	BLOCK_BYTES = 128 << 10,	/* of one read(): stays in a core's cache,
					   which mapping the file does not */
	PAGE_BYTES = 4096,
	NG_BLOCK_MAX = 16 << 20,	/* of a pcapng block that is interpreted */
	FILE_HEAD_BYTES = 24,		/* of pcap */
	RECORD_BYTES = 16,
	RECORD_MODIFIED_BYTES = 24,
};

#define MAGIC_USEC 0xa1b2c3d4u
#define MAGIC_NSEC 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u	/* A. Kuznetsov's longer records */

/* An interface and how its time stamps become nanoseconds. */
struct iface {
	struct capture_iface shown;
	u64 mul, div;		/* ns = ticks * mul / div, if binary is 0;
				   div is 0 for 10^20 and above */
	unsigned binary;	/* ticks are of 2^-binary seconds */
	u64 shift_ns;		/* added (modulo 2^64) */
};

struct reader {
	struct capture c;
	const char *name;
	int fd;			/* -1 for memory */
	bool eof;
	off_t start;		/* of the capture in fd; -1: cannot seek */
	u8 *buf;		/* holds the window; NULL for memory */
	size_t buf_bytes;
	const u8 *base;		/* buf or the memory */
	size_t mem_bytes;
	u64 base_off;		/* offset of *base in the capture */
	bool swap;		/* the file has the other byte order */
	bool ng;
	u32 record_bytes;	/* header of a pcap record */
	VEC(struct iface) ifaces;
	size_t section;		/* first interface of this section */
	struct arena names;
	char place[PATH_MAX + 32];
};

static struct reader *reader_of(struct capture *c)
{
	return (struct reader *)c;
}

static u64 offset(const struct reader *r)
{
	return r->base_off + (u64)(r->c.next - r->base);
}

/* For the "where" of errors. */
static const char *place(struct reader *r, u64 off)
{
	snprintf(r->place, sizeof(r->place), "%.*s+0x%llx", PATH_MAX, r->name,
		 (unsigned long long)off);
	return r->place;
}

static u16 get16(const struct reader *r, const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return r->swap ? __builtin_bswap16(v) : v;
}

static u32 get32(const struct reader *r, const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return r->swap ? __builtin_bswap32(v) : v;
}

/* ---- the window ------------------------------------------------------- */

/*
 * Moves what is left of the window to the front of a buffer in which N bytes
 * of it fit. The next read goes 64 bytes behind a page border: where address
 * and file offset agree in their low 12 bits the copy stalls.
 */
static void window_move(struct reader *r, size_t n)
{
	size_t tail = (size_t)(r->c.end - r->c.next), bytes = r->buf_bytes;
	size_t lead = round_up(tail, PAGE_BYTES) - tail + 64;
	u64 off = offset(r);
	u8 *old = r->buf;

	while (bytes < lead + n)
		bytes *= 2;
	if (bytes != r->buf_bytes) {
		r->buf = mem_alloc(bytes);
		r->buf_bytes = bytes;
	}
	memmove(r->buf + lead, r->c.next, tail);
	if (r->buf != old)
		free(old);
	r->base = r->buf;
	r->base_off = off - lead;
	r->c.next = r->buf + lead;
	r->c.end = r->c.next + tail;
}

/* One read() into the window: 1 when it grew, 0 at the file's end, or <0. */
static int window_read(struct reader *r, size_t n)
{
	ssize_t got;

	if (r->c.next == r->c.end ||
	    n > (size_t)(r->buf + r->buf_bytes - r->c.next))
		window_move(r, n);
	do
		got = read(r->fd, r->buf + (r->c.end - r->buf),
			   (size_t)(r->buf + r->buf_bytes - r->c.end));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	r->c.end += got;
	return got > 0;
}

/* 1 and at least N bytes in the window, 0 when the end comes first, or <0. */
static int window_need(struct reader *r, size_t n, struct skep_err *err)
{
	while ((size_t)(r->c.end - r->c.next) < n) {
		int got;

		if (r->fd < 0 || r->eof)
			return 0;
		got = window_read(r, n);
		if (got < 0)
			return err_set(err, ERR_FILE_READ, r->name,
				       "%s at byte %llu", strerror(-got),
				       (unsigned long long)offset(r));
		r->eof = got == 0;
	}
	return 1;
}

/* Goes N bytes forward without keeping them; results as window_need. */
static int window_skip(struct reader *r, u64 n, struct skep_err *err)
{
	while (n) {
		int got = window_need(r, 1, err);
		size_t step;

		if (got <= 0)
			return got;
		step = min_u64(n, (u64)(r->c.end - r->c.next));
		r->c.next += step;
		n -= step;
	}
	return 1;
}

/* ---- telling formats apart ---------------------------------------------- */

struct foreign {
	u8 magic[6];
	u8 bytes;
	const char *what, *help;
};

#define DECOMPRESS(tool) "decompress it first: " tool " -dc FILE | skep ... -"
#define CONVERT "convert it first: editcap -F pcapng FILE OUT"

static const struct foreign foreigns[] = {
	{ { 0x1f, 0x8b }, 2, "gzip data", DECOMPRESS("gzip") },
	{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, "zstd data", DECOMPRESS("zstd") },
	{ { 0x04, 0x22, 0x4d, 0x18 }, 4, "lz4 data", DECOMPRESS("lz4") },
	{ { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, "xz data", DECOMPRESS("xz") },
	{ { 'B', 'Z', 'h' }, 3, "bzip2 data", DECOMPRESS("bzip2") },
	{ { 's', 'n', 'o', 'o', 'p', 0 }, 6, "a snoop capture", CONVERT },
	{ { 'G', 'M', 'B', 'U' }, 4, "a Network Monitor capture", CONVERT },
	{ { 'R', 'T', 'S', 'S' }, 4, "a Network Monitor 1 capture", CONVERT },
	{ { 0x7f, 'E', 'L', 'F' }, 4, "an ELF file", NULL },
};

static const u32 magics[] = {
	MAGIC_USEC, MAGIC_NSEC, MAGIC_MODIFIED, BLOCK_SECTION,
};

/* The magic number at HEAD in host order, or 0; *SWAP for the other order. */
static u32 known_magic(const u8 *head, bool *swap)
{
	u32 v;

	memcpy(&v, head, sizeof(v));
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		*swap = v != magics[i];
		if (!*swap || __builtin_bswap32(v) == magics[i])
			return magics[i];
	}
	return 0;
}

bool capture_is(const u8 *head, size_t n)
{
	bool swap;
	u32 magic = n >= 4 ? known_magic(head, &swap) : 0, order;

	if (magic != BLOCK_SECTION || n < 12)
		return magic != 0;
	memcpy(&order, head + 8, sizeof(order));
	return order == BYTE_ORDER_MAGIC || __builtin_bswap32(order) == BYTE_ORDER_MAGIC;
}

static int refuse_magic(struct reader *r, struct skep_err *err)
{
	const u8 *p = r->c.next;
	int code;

	for (size_t i = 0; i < ARRAY_LEN(foreigns); i++) {
		const struct foreign *f = &foreigns[i];

		if (window_need(r, f->bytes, err) <= 0 ||
		    memcmp(r->c.next, f->magic, f->bytes))
			continue;
		code = err_set(err, ERR_PCAP, r->name, "this is %s, not a pcap "
			       "or pcapng capture", f->what);
		if (f->help)
			err_help(err, "%s", f->help);
		return code;
	}
	return err_set(err, ERR_PCAP, r->name, "not a pcap or pcapng capture: "
		       "begins with bytes %02x %02x %02x %02x", p[0], p[1],
		       p[2], p[3]);
}

/* ---- pcap ------------------------------------------------------------- */

/* Bits of the header's link field that are no part of the LINKTYPE_. */
#define LINK_MASK 0x03ffffffu

static struct iface *iface_new(struct reader *r, u32 link, u32 snaplen)
{
	struct iface *i = vec_push(&r->ifaces);

	*i = (struct iface){
		.shown = { .link = link, .snaplen = snaplen },
		.mul = 1000, .div = 1,
	};
	return i;
}

static int pcap_begin(struct reader *r, u32 magic, struct skep_err *err)
{
	int got = window_need(r, FILE_HEAD_BYTES, err);
	const u8 *h = r->c.next;

	if (got < 0)
		return got;
	if (!got)
		return err_set(err, ERR_PCAP_CUT, r->name, "ends after %zu "
			       "bytes, within the pcap header of %d",
			       (size_t)(r->c.end - h), FILE_HEAD_BYTES);
	if (get16(r, h + 4) != 2 || get16(r, h + 6) != 4)
		return err_set(err, ERR_PCAP, place(r, 4), "pcap version %u.%u; "
			       "expected 2.4", get16(r, h + 4),
			       get16(r, h + 6));
	r->record_bytes = magic == MAGIC_MODIFIED ? RECORD_MODIFIED_BYTES
						  : RECORD_BYTES;
	r->c.tick_ns = magic == MAGIC_NSEC ? 1 : 1000;
	r->c.link = get32(r, h + 20) & LINK_MASK;
	if (!r->swap && r->record_bytes == RECORD_BYTES)
		r->c.plain_bytes = RECORD_BYTES;
	iface_new(r, r->c.link, get32(r, h + 16));
	r->c.next += FILE_HEAD_BYTES;
	return 0;
}

static void packet_set(struct packet *p, const u8 *data, u32 bytes, u32 wire)
{
	p->data = data;
	p->bytes = bytes;
	p->wire_bytes = wire > bytes ? wire : bytes;
}

static int pcap_cut(struct reader *r, size_t want, struct skep_err *err)
{
	return err_set(err, ERR_PCAP_CUT, place(r, offset(r)),
		       "capture ends in packet %llu: %zu bytes of it and its "
		       "header are there, %zu needed",
		       (unsigned long long)r->c.packets + 1,
		       (size_t)(r->c.end - r->c.next), want);
}

static int pcap_next(struct reader *r, struct packet *p, struct skep_err *err)
{
	u32 bytes;
	int got = window_need(r, r->record_bytes, err);

	if (got < 0 || (!got && r->c.next == r->c.end))
		return got;
	if (!got)
		return pcap_cut(r, r->record_bytes, err);
	bytes = get32(r, r->c.next + 8);
	if (bytes > CAPTURE_PACKET_MAX)
		return err_set(err, ERR_PCAP, place(r, offset(r) + 8),
			       "packet %llu has a captured length of %u; at "
			       "most %u is allowed",
			       (unsigned long long)r->c.packets + 1, bytes,
			       CAPTURE_PACKET_MAX);
	got = window_need(r, r->record_bytes + bytes, err);
	if (got <= 0)
		return got ? got : pcap_cut(r, r->record_bytes + bytes, err);
	packet_set(p, r->c.next + r->record_bytes, bytes,
		   get32(r, r->c.next + 12));
	p->time_ns = get32(r, r->c.next) * 1000000000ull +
		     (u64)get32(r, r->c.next + 4) * r->c.tick_ns;
	p->number = ++r->c.packets;
	p->link = r->c.link;
	p->iface = 0;
	r->c.next += r->record_bytes + bytes;
	return 1;
}

/* ---- pcapng: blocks ----------------------------------------------------- */

/* A block in the window; the handlers' view of it. */
struct block {
	const u8 *body;
	u32 bytes;		/* of the body */
	u64 off;		/* of the block */
};

static int ng_section(struct reader *r, const struct block *b,
		      struct packet *p, struct skep_err *err)
{
	if (get16(r, b->body + 4) != 1)
		return err_set(err, ERR_PCAP, place(r, b->off + 12),
			       "pcapng version %u.%u; expected 1.0",
			       get16(r, b->body + 4), get16(r, b->body + 6));
	r->section = r->ifaces.n;
	return 0;
}

/* 10^N, or 0 when that is above 64 bits. */
static u64 power_of_ten(unsigned n)
{
	u64 v = 1;

	while (n-- && v)
		v = v > UINT64_MAX / 10 ? 0 : v * 10;
	return v;
}

/* if_tsresol: the unit is 10^-N seconds, or 2^-N with the top bit set. */
static void iface_set_unit(struct iface *i, u8 resol)
{
	unsigned n = resol & 0x7f;

	i->binary = resol & 0x80 ? n : 0;
	i->mul = resol & 0x80 ? 1000000000 : n < 9 ? power_of_ten(9 - n) : 1;
	i->div = resol & 0x80 || n < 9 ? 1 : power_of_ten(n - 9);
}

static u64 iface_time(const struct iface *i, u64 ticks)
{
	u64 ns;

	if (i->binary)
		ns = (u64)((unsigned __int128)ticks * 1000000000 >> i->binary);
	else	/* without a divisor no count of ticks makes a nanosecond */
		ns = i->div ? ticks * i->mul / i->div : 0;
	return ns + i->shift_ns;
}

static int iface_option(struct reader *r, struct iface *i, u16 code,
			const u8 *v, u16 bytes)
{
	u64 seconds;

	switch (code) {
	case OPT_IF_NAME:
		i->shown.name = arena_strndup(&r->names, (const char *)v,
					      bytes);
		return 0;
	case OPT_IF_TSRESOL:
		if (bytes != 1)
			return -EINVAL;
		iface_set_unit(i, *v);
		return 0;
	case OPT_IF_TSOFFSET:
		if (bytes != 8)
			return -EINVAL;
		memcpy(&seconds, v, sizeof(seconds));
		if (r->swap)
			seconds = __builtin_bswap64(seconds);
		i->shift_ns = seconds * 1000000000;
		return 0;
	}
	return 0;
}

static int ng_iface(struct reader *r, const struct block *b, struct packet *p,
		    struct skep_err *err)
{
	struct iface *i = iface_new(r, get16(r, b->body),
				    get32(r, b->body + 4));
	u32 at = 8;

	while (in_bounds(at, 4, b->bytes)) {
		u16 code = get16(r, b->body + at);
		u16 bytes = get16(r, b->body + at + 2);

		if (code == OPT_END)
			break;
		if (!in_bounds(at + 4, bytes, b->bytes) ||
		    iface_option(r, i, code, b->body + at + 4, bytes))
			return err_set(err, ERR_PCAP, place(r, b->off + 8 + at),
				       "option %u of interface %zu has a wrong "
				       "length, %u", code,
				       r->ifaces.n - 1 - r->section, bytes);
		at += 4 + (u32)round_up(bytes, 4);
	}
	return 0;
}

/* Interface ID of this section, or NULL with ERR set. */
static struct iface *iface_find(struct reader *r, const struct block *b,
				u32 id, struct skep_err *err)
{
	size_t n = r->ifaces.n - r->section;

	if (id < n)
		return &r->ifaces.v[r->section + id];
	err_set(err, ERR_PCAP, place(r, b->off), "packet %llu is of interface "
		"%u, but the section describes %zu before it",
		(unsigned long long)r->c.packets + 1, id, n);
	return NULL;
}

/* Sets what is left of P, whose data of BYTES begin at DATA in block B. */
static int ng_packet(struct reader *r, const struct block *b, struct packet *p,
		     u32 data, u32 bytes, u32 wire, const struct iface *i,
		     struct skep_err *err)
{
	if (bytes > CAPTURE_PACKET_MAX || !in_bounds(data, bytes, b->bytes))
		return err_set(err, ERR_PCAP, place(r, b->off),
			       "packet %llu has a captured length of %u; its "
			       "block has room for %u and at most %u is allowed",
			       (unsigned long long)r->c.packets + 1, bytes,
			       b->bytes - data, CAPTURE_PACKET_MAX);
	packet_set(p, b->body + data, bytes, wire);
	p->number = ++r->c.packets;
	p->link = i->shown.link;
	p->iface = (u32)(i - r->ifaces.v);
	return 1;
}

/* Enhanced packets and the obsolete kind, which has a shorter interface id. */
static int ng_timed(struct reader *r, const struct block *b, struct packet *p,
		    u32 id, struct skep_err *err)
{
	const struct iface *i = iface_find(r, b, id, err);
	const u8 *h = b->body;

	if (!i)
		return -EINVAL;
	p->time_ns = iface_time(i, (u64)get32(r, h + 4) << 32 |
				   get32(r, h + 8));
	return ng_packet(r, b, p, 20, get32(r, h + 12), get32(r, h + 16), i,
			 err);
}

static int ng_enhanced(struct reader *r, const struct block *b,
		       struct packet *p, struct skep_err *err)
{
	return ng_timed(r, b, p, get32(r, b->body), err);
}

static int ng_obsolete(struct reader *r, const struct block *b,
		       struct packet *p, struct skep_err *err)
{
	return ng_timed(r, b, p, get16(r, b->body), err);
}

static int ng_simple(struct reader *r, const struct block *b, struct packet *p,
		     struct skep_err *err)
{
	const struct iface *i = iface_find(r, b, 0, err);
	u32 wire = get32(r, b->body), bytes = wire;

	if (!i)
		return -EINVAL;
	if (i->shown.snaplen && bytes > i->shown.snaplen)
		bytes = i->shown.snaplen;
	p->time_ns = 0;
	return ng_packet(r, b, p, 4, bytes, wire, i, err);
}

/* Handlers return 1 for a packet in *P, 0 for no packet, or <0. */
static const struct block_kind {
	u32 type, body_bytes;	/* at least */
	int (*take)(struct reader *r, const struct block *b, struct packet *p,
		    struct skep_err *err);
	const char *name;
} block_kinds[] = {
	{ BLOCK_PACKET, 20, ng_enhanced, "enhanced packet" },
	{ BLOCK_SIMPLE, 4, ng_simple, "simple packet" },
	{ BLOCK_IFACE, 8, ng_iface, "interface description" },
	{ BLOCK_SECTION, 16, ng_section, "section header" },
	{ BLOCK_OBSOLETE, 20, ng_obsolete, "packet" },
};

static const struct block_kind *block_kind(u32 type)
{
	for (size_t i = 0; i < ARRAY_LEN(block_kinds); i++)
		if (block_kinds[i].type == type)
			return &block_kinds[i];
	return NULL;
}

static int ng_cut(struct reader *r, u64 off, u64 want, struct skep_err *err)
{
	return err_set(err, ERR_PCAP_CUT, place(r, off), "capture ends in a "
		       "block after packet %llu: %llu bytes of it are there, "
		       "%llu needed", (unsigned long long)r->c.packets,
		       (unsigned long long)(r->base_off - off +
					    (u64)(r->c.end - r->base)),
		       (unsigned long long)want);
}

/* The byte order of the section that begins at the window's first byte. */
static int ng_order(struct reader *r, struct skep_err *err)
{
	int got = window_need(r, 12, err);
	u32 order;

	if (got <= 0)
		return got ? got : ng_cut(r, offset(r), 28, err);
	memcpy(&order, r->c.next + 8, sizeof(order));
	if (order != BYTE_ORDER_MAGIC && __builtin_bswap32(order) != BYTE_ORDER_MAGIC)
		return err_set(err, ERR_PCAP, place(r, offset(r) + 8),
			       "byte-order magic 0x%08x of a section header; "
			       "expected 0x%08x in either order", order,
			       BYTE_ORDER_MAGIC);
	r->swap = order != BYTE_ORDER_MAGIC;
	return 0;
}

/* The length at both ends of the block at OFF must be the same. */
static int ng_trailer(struct reader *r, u64 off, const u8 *at, u32 len,
		      struct skep_err *err)
{
	if (get32(r, at) == len)
		return 0;
	return err_set(err, ERR_PCAP, place(r, off), "block length %u at the "
		       "front, %u at the end", len, get32(r, at));
}

/* A block of a type that says nothing about packets. */
static int ng_unknown(struct reader *r, u32 len, struct skep_err *err)
{
	u64 off = offset(r);
	int got = window_skip(r, len - 4, err);

	if (got > 0)
		got = window_need(r, 4, err);
	if (got <= 0)
		return got ? got : ng_cut(r, off, len, err);
	got = ng_trailer(r, off, r->c.next, len, err);
	r->c.next += 4;
	return got;
}

static int ng_known(struct reader *r, const struct block_kind *k, u32 len,
		    struct packet *p, struct skep_err *err)
{
	struct block b = { .bytes = len - 12, .off = offset(r) };
	int got;

	if (b.bytes < k->body_bytes || len > NG_BLOCK_MAX)
		return err_set(err, ERR_PCAP, place(r, b.off + 4), "block "
			       "length %u of a block of type %s; expected %u "
			       "to %u", len, k->name, k->body_bytes + 12,
			       NG_BLOCK_MAX);
	got = window_need(r, len, err);
	if (got <= 0)
		return got ? got : ng_cut(r, b.off, len, err);
	b.body = r->c.next + 8;
	got = ng_trailer(r, b.off, r->c.next + len - 4, len, err);
	if (!got)
		got = k->take(r, &b, p, err);
	if (got >= 0)
		r->c.next += len;
	return got;
}

/* One block. *DONE at the end of the capture; else as its handler returns. */
static int ng_block(struct reader *r, struct packet *p, bool *done,
		    struct skep_err *err)
{
	int got = window_need(r, 8, err);
	const struct block_kind *k;
	u32 type, len;

	*done = !got && r->c.next == r->c.end;
	if (got < 0 || *done)
		return got;
	if (!got)
		return ng_cut(r, offset(r), 12, err);
	type = get32(r, r->c.next);
	if (type == BLOCK_SECTION && (got = ng_order(r, err)) < 0)
		return got;
	len = get32(r, r->c.next + 4);
	if (len < 12 || len % 4)
		return err_set(err, ERR_PCAP, place(r, offset(r) + 4),
			       "block length %u; expected a multiple of 4, "
			       "at least 12", len);
	k = block_kind(type);
	return k ? ng_known(r, k, len, p, err) : ng_unknown(r, len, err);
}

/*
 * The common case at once: an enhanced packet in host order that lies wholly
 * in the window, with decimal time. False, and nothing done, for all others
 * and for damage, which ng_block tells apart.
 */
static bool ng_quick(struct reader *r, struct packet *p)
{
	size_t left = (size_t)(r->c.end - r->c.next);
	u32 h[7], trailer;	/* type, length, interface, time, time, ... */
	const struct iface *i;

	if (left < 32 || r->swap)
		return false;
	memcpy(h, r->c.next, sizeof(h));
	if (h[0] != BLOCK_PACKET || h[1] > left || h[1] % 4 || h[1] < 32 ||
	    h[5] > h[1] - 32 || h[5] > CAPTURE_PACKET_MAX ||
	    h[2] >= r->ifaces.n - r->section)
		return false;
	memcpy(&trailer, r->c.next + h[1] - 4, sizeof(trailer));
	i = &r->ifaces.v[r->section + h[2]];
	if (trailer != h[1] || i->binary || i->div != 1)
		return false;
	packet_set(p, r->c.next + sizeof(h), h[5], h[6]);
	p->time_ns = ((u64)h[3] << 32 | h[4]) * i->mul + i->shift_ns;
	p->number = ++r->c.packets;
	p->link = i->shown.link;
	p->iface = (u32)r->section + h[2];
	r->c.next += h[1];
	return true;
}

static int ng_next(struct reader *r, struct packet *p, struct skep_err *err)
{
	bool done = false;
	int got = 0;

	if (likely(ng_quick(r, p)))
		return 1;
	while (!got && !done)
		got = ng_block(r, p, &done, err);
	return got;
}

/* ---- entry points ------------------------------------------------------- */

int capture_next_slow(struct capture *c, struct packet *p,
		      struct skep_err *err)
{
	struct reader *r = reader_of(c);

	return r->ng ? ng_next(r, p, err) : pcap_next(r, p, err);
}

static void batch_add(struct test_packet *to, const struct packet *p)
{
	to->data = (u8 *)(uintptr_t)p->data;
	to->bytes = p->bytes;
	to->wire_bytes = p->wire_bytes;
}

/* One more packet of type LINK for a batch, when it is at hand. */
static bool batch_next(struct reader *r, struct packet *p, u32 link)
{
	const u8 *next = r->c.next;

	if (!r->ng)
		return capture_quick(&r->c, p);
	if (!ng_quick(r, p))
		return false;
	if (p->link == link)
		return true;
	r->c.next = next;	/* the first of the next batch */
	r->c.packets--;
	return false;
}

int capture_batch(struct capture *c, struct test_packet *p, u32 n, u32 *link,
		  struct skep_err *err)
{
	struct packet one;
	int r = capture_next(c, &one, err);
	u32 i = 0;

	if (r <= 0)
		return r;
	*link = one.link;
	do
		batch_add(&p[i++], &one);
	while (i < n && batch_next(reader_of(c), &one, one.link));
	return (int)i;
}

static int read_header(struct reader *r, struct skep_err *err)
{
	int got = window_need(r, 4, err);
	size_t bytes = (size_t)(r->c.end - r->c.next);
	struct packet none;
	bool done;
	u32 magic;

	if (got < 0)
		return got;
	if (!bytes)
		return err_set(err, ERR_PCAP, r->name, "empty; expected a pcap "
			       "or pcapng capture");
	if (!got)
		return err_set(err, ERR_PCAP_CUT, r->name, "ends after %zu "
			       "bytes, too few for any capture", bytes);
	magic = known_magic(r->c.next, &r->swap);
	if (!magic)
		return refuse_magic(r, err);
	r->ng = magic == BLOCK_SECTION;
	return r->ng ? ng_block(r, &none, &done, err) : pcap_begin(r, magic, err);
}

/* A reader at byte 0, whatever it was before. */
static int reader_begin(struct reader *r, struct skep_err *err)
{
	r->c.packets = 0;
	r->c.plain_bytes = SIZE_MAX;
	r->c.next = r->base;
	r->c.end = r->base + r->mem_bytes;
	r->base_off = 0;
	r->eof = false;
	r->ifaces.n = r->section = 0;
	arena_free(&r->names);
	return read_header(r, err);
}

static int reader_open(struct capture **c, struct reader *r,
		       struct skep_err *err)
{
	int code = reader_begin(r, err);

	*c = &r->c;
	if (code) {
		capture_close(*c);
		*c = NULL;
	}
	return code;
}

static struct reader *reader_new(const char *name, int fd)
{
	struct reader *r = mem_alloc(sizeof(*r));

	r->name = mem_strdup(name);
	r->fd = fd;
	return r;
}

int capture_open(struct capture **c, const char *path, struct skep_err *err)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? 0 : open(path, O_RDONLY | O_CLOEXEC);
	struct reader *r;

	*c = NULL;
	if (fd < 0)
		return err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	r = reader_new(is_stdin ? "<stdin>" : path, fd);
	r->start = lseek(fd, 0, SEEK_CUR);
	r->buf_bytes = BLOCK_BYTES + PAGE_BYTES;
	r->base = r->buf = mem_alloc(r->buf_bytes);
	return reader_open(c, r, err);
}

int capture_open_mem(struct capture **c, const char *name, const void *data,
		     size_t size, struct skep_err *err)
{
	struct reader *r = reader_new(name, -1);

	r->base = data;
	r->mem_bytes = size;
	return reader_open(c, r, err);
}

void capture_close(struct capture *c)
{
	struct reader *r = reader_of(c);

	if (!c)
		return;
	if (r->fd > 0)
		close(r->fd);
	free(r->buf);
	free((char *)(uintptr_t)r->name);
	vec_free(&r->ifaces);
	arena_free(&r->names);
	free(r);
}

int capture_rewind(struct capture *c, struct skep_err *err)
{
	struct reader *r = reader_of(c);

	if (r->fd >= 0 && (r->start < 0 || lseek(r->fd, r->start, SEEK_SET) < 0))
		return err_set(err, ERR_FILE_READ, r->name, "cannot be read "
			       "twice: not a regular file");
	return reader_begin(r, err);
}

const struct capture_iface *capture_iface(const struct capture *c, u32 i)
{
	const struct reader *r = (const struct reader *)c;

	return i < r->ifaces.n ? &r->ifaces.v[i].shown : NULL;
}

const char *capture_link_name(u32 link)
{
	static const struct { u32 link; const char *name; } names[] = {
		{ 0, "NULL" }, { LINK_ETHERNET, "EN10MB" }, { 9, "PPP" },
		{ LINK_RAW, "RAW" }, { 105, "IEEE802_11" },
		{ 108, "LOOP" }, { 113, "LINUX_SLL" },
		{ 127, "IEEE802_11_RADIO" }, { 189, "USB_LINUX" },
		{ 195, "IEEE802_15_4" }, { 220, "USB_LINUX_MMAPPED" },
		{ 227, "CAN_SOCKETCAN" }, { 228, "IPV4" }, { 229, "IPV6" },
		{ 239, "NFLOG" }, { 253, "NETLINK" }, { 276, "LINUX_SLL2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].link == link)
			return names[i].name;
	return NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap_write.c: packets with verdicts into pcapng files (capture.h).
 *
 * In: packets in memory. Out: one section in host order, times in ns, as
 * draft-ietf-opsawg-pcapng describes it.
 * Never: writes a block that our own reader would refuse, or loses an error
 * of the file system.
 */
#include "host/capture.h"
#include <stdlib.h>
#include "base/hash.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "host/pcapng.h"

enum {
	FLUSH_BYTES = 256 << 10,
	/* The longest block: a packet, or a name of 65535 bytes. */
	BLOCK_MAX = CAPTURE_PACKET_MAX + 256,
};

struct capture_out {
	struct os_out out;
	u8 *next;		/* in buf: where the next byte goes */
	int failed;		/* errno of the first write that failed */
	u32 ifaces;
	struct arena names;
	struct strtab known;	/* properties to interface number */
	struct strbuf key;	/* for a look-up in known */
	u8 buf[FLUSH_BYTES + BLOCK_MAX];
};

/* ---- blocks in the buffer ----------------------------------------------- */

static void put(struct capture_out *w, const void *data, size_t n)
{
	memcpy(w->next, data, n);
	w->next += n;
}

static void put16(struct capture_out *w, u16 v)
{
	put(w, &v, sizeof(v));
}

static void put32(struct capture_out *w, u32 v)
{
	put(w, &v, sizeof(v));
}

static void put_padded(struct capture_out *w, const void *data, size_t n)
{
	put(w, data, n);
	memset(w->next, 0, 3);
	w->next += -n & 3;
}

static void put_option(struct capture_out *w, u16 code, const void *data,
		       size_t n)
{
	put16(w, code);
	put16(w, (u16)n);
	put_padded(w, data, n);
}

/* Begins a block; block_end fills in the length. */
static u8 *block_begin(struct capture_out *w, u32 type)
{
	u8 *block = w->next;

	put32(w, type);
	put32(w, 0);
	return block;
}

static int write_failed(struct capture_out *w, struct skep_err *err)
{
	return err_set(err, ERR_FILE_WRITE, w->out.path, "%s",
		       strerror(w->failed));
}

static int flush(struct capture_out *w, struct skep_err *err)
{
	size_t n = (size_t)(w->next - w->buf);

	w->next = w->buf;
	if (w->failed)
		return write_failed(w, err);
	if (fwrite(w->buf, 1, n, w->out.f) == n)
		return 0;
	w->failed = errno ? errno : EIO;
	return write_failed(w, err);
}

static int block_end(struct capture_out *w, u8 *block, struct skep_err *err)
{
	u32 bytes = (u32)(w->next - block) + 4;

	put32(w, bytes);
	memcpy(block + 4, &bytes, sizeof(bytes));
	return likely(w->next < w->buf + FLUSH_BYTES) ? 0 : flush(w, err);
}

/* ---- entry points ------------------------------------------------------- */

static void put_section(struct capture_out *w)
{
	static const char appl[] = "skep " SKEP_VERSION;
	u8 *block = block_begin(w, BLOCK_SECTION);

	put32(w, BYTE_ORDER_MAGIC);
	put16(w, 1);			/* version 1.0 */
	put16(w, 0);
	put32(w, UINT32_MAX);		/* length not known, 64 bits */
	put32(w, UINT32_MAX);
	put_option(w, OPT_USERAPPL, appl, strlen(appl));
	put_option(w, OPT_END, "", 0);
	block_end(w, block, NULL);	/* far from a flush */
}

int capture_out_open(struct capture_out **w, const char *path,
		     struct skep_err *err)
{
	struct capture_out *n = mem_alloc(sizeof(*n));
	int code = os_out_open(&n->out, path, err);

	*w = NULL;
	if (code) {
		free(n);
		return code;
	}
	n->next = n->buf;
	n->known.arena = &n->names;
	put_section(n);
	*w = n;
	return 0;
}

int capture_out_iface(struct capture_out *w, const struct capture_iface *i,
		      u32 *iface, struct skep_err *err)
{
	size_t name_bytes = i->name ? strlen(i->name) : 0;
	u8 ns = 9;		/* ticks of 10^-9 s */
	u8 *block;

	if (i->link > UINT16_MAX || name_bytes > UINT16_MAX)
		return err_set(err, ERR_PCAP, w->out.path, "interface with "
			       "link type %u and a name of %zu bytes: pcapng "
			       "has room for 65535 each", i->link, name_bytes);
	sb_reset(&w->key);
	sb_printf(&w->key, "%u/%u%s%s", i->link, i->snaplen,
		  i->name ? "/" : "", i->name ? i->name : "");
	if (strtab_get(&w->known, sb_text(&w->key), iface))
		return 0;
	*iface = w->ifaces++;
	strtab_put(&w->known, arena_strdup(&w->names, sb_text(&w->key)),
		   *iface);
	block = block_begin(w, BLOCK_IFACE);
	put16(w, (u16)i->link);
	put16(w, 0);
	put32(w, i->snaplen);
	if (i->name)
		put_option(w, OPT_IF_NAME, i->name, name_bytes);
	put_option(w, OPT_IF_TSRESOL, &ns, 1);
	put_option(w, OPT_END, "", 0);
	return block_end(w, block, err);
}

static int refuse_packet(struct capture_out *w, const struct packet *p,
			 struct skep_err *err)
{
	return err_set(err, ERR_PCAP, w->out.path, "packet of %u bytes on "
		       "interface %u: at most %u bytes and %u interfaces are "
		       "there", p->bytes, p->iface, CAPTURE_PACKET_MAX,
		       w->ifaces);
}

static void put_verdict(struct capture_out *w, enum capture_verdict kind,
			u64 value)
{
	u8 v[1 + sizeof(value)];

	v[0] = (u8)kind;
	memcpy(v + 1, &value, sizeof(value));
	put_option(w, OPT_VERDICT, v, sizeof(v));
	put_option(w, OPT_END, "", 0);
}

int capture_out_write(struct capture_out *w, const struct packet *p,
		      enum capture_verdict kind, u64 value,
		      struct skep_err *err)
{
	u8 *block = w->next;
	u32 head[7] = {
		BLOCK_PACKET, 0, p->iface, (u32)(p->time_ns >> 32),
		(u32)p->time_ns, p->bytes,
		p->wire_bytes > p->bytes ? p->wire_bytes : p->bytes,
	};

	if (p->bytes > CAPTURE_PACKET_MAX || p->iface >= w->ifaces)
		return refuse_packet(w, p, err);
	put(w, head, sizeof(head));
	if (p->bytes)
		put_padded(w, p->data, p->bytes);
	if (kind != VERDICT_NONE)
		put_verdict(w, kind, value);
	return block_end(w, block, err);
}

static void out_free(struct capture_out *w)
{
	arena_free(&w->names);
	sb_free(&w->key);
	free(w);
}

int capture_out_commit(struct capture_out *w, struct skep_err *err)
{
	int code = flush(w, err);

	if (code)
		os_out_abort(&w->out);
	else
		code = os_out_commit(&w->out, err);
	out_free(w);
	return code;
}

void capture_out_abort(struct capture_out *w)
{
	if (!w)
		return;
	os_out_abort(&w->out);
	out_free(w);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_bytes.h: captures made byte by byte in either byte order, and what
 * a test wants of their packets. Packet data tell their position and length,
 * so that data from a wrong place show.
 */
#ifndef TEST_CAPTURE_BYTES_H
#define TEST_CAPTURE_BYTES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/vec.h"
#include "host/capture.h"

/* ---- making captures ---------------------------------------------------- */

struct bytes {
	u8 *v;
	size_t n, cap;
	bool big;		/* byte order of what is added */
};

static inline void add(struct bytes *b, const void *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*vec_push(b) = ((const u8 *)data)[i];
}

static inline void add_int(struct bytes *b, u64 v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		*vec_push(b) = (u8)(v >> 8 * (b->big ? n - 1 - i : i));
}

static inline void add16(struct bytes *b, u16 v) { add_int(b, v, 2); }
static inline void add32(struct bytes *b, u32 v) { add_int(b, v, 4); }
static inline void add64(struct bytes *b, u64 v) { add_int(b, v, 8); }

static inline void set32(struct bytes *b, size_t at, u32 v)
{
	size_t n = b->n;

	b->n = at;
	add32(b, v);
	b->n = n;
}

/* N bytes that tell their position. */
static inline void add_data(struct bytes *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*vec_push(b) = (u8)(i * 7 + n);
}

static inline void add_pcap_head(struct bytes *b, u32 magic, u32 link)
{
	add32(b, magic);
	add16(b, 2);
	add16(b, 4);
	add64(b, 0);
	add32(b, 262144);	/* libpcap cuts longer packets */
	add32(b, link);
}

static inline void add_record(struct bytes *b, u32 sec, u32 frac, u32 bytes, u32 wire)
{
	add32(b, sec);
	add32(b, frac);
	add32(b, bytes);
	add32(b, wire);
	add_data(b, bytes);
}

static inline size_t begin_block(struct bytes *b, u32 type)
{
	add32(b, type);
	add32(b, 0);
	return b->n - 8;
}

static inline void end_block(struct bytes *b, size_t start)
{
	while (b->n % 4)
		*vec_push(b) = 0;
	set32(b, start + 4, (u32)(b->n + 4 - start));
	add32(b, (u32)(b->n + 4 - start));
}

static inline void add_section(struct bytes *b)
{
	size_t start = begin_block(b, 0x0a0d0d0a);

	add32(b, 0x1a2b3c4d);
	add16(b, 1);
	add16(b, 0);
	add64(b, UINT64_MAX);
	end_block(b, start);
}

static inline void add_option(struct bytes *b, u16 code, const void *v, u16 n)
{
	add16(b, code);
	add16(b, n);
	add(b, v, n);
	while (b->n % 4)
		*vec_push(b) = 0;
}

/* RESOL < 0 leaves the option out. */
static inline void add_iface(struct bytes *b, u16 link, u32 snaplen, const char *name,
		      int resol)
{
	size_t start = begin_block(b, 1);
	u8 unit = (u8)resol;

	add16(b, link);
	add16(b, 0);
	add32(b, snaplen);
	if (name)
		add_option(b, 2, name, (u16)strlen(name));
	add_option(b, 1, "a comment", 9);
	if (resol >= 0)
		add_option(b, 9, &unit, 1);
	add_option(b, 0, "", 0);
	end_block(b, start);
}

static inline void add_epb(struct bytes *b, u32 iface, u64 ticks, u32 bytes, u32 wire)
{
	size_t start = begin_block(b, 6);

	add32(b, iface);
	add32(b, (u32)(ticks >> 32));
	add32(b, (u32)ticks);
	add32(b, bytes);
	add32(b, wire);
	add_data(b, bytes);
	end_block(b, start);
}

static inline void add_unknown(struct bytes *b, size_t n)
{
	size_t start = begin_block(b, 0x0bad);

	add_data(b, n);
	end_block(b, start);
}

/* ---- checking ----------------------------------------------------------- */

static struct skep_err err;

static inline struct capture *opened(const struct bytes *b)
{
	struct capture *c;

	assert_int_equal(capture_open_mem(&c, "mem", b->v, b->n, &err), 0);
	return c;
}

static inline void want(struct capture *c, u64 time_ns, u32 bytes, u32 wire, u32 link,
		 u32 iface)
{
	u64 number = c->packets + 1;
	struct packet p;

	assert_int_equal(capture_next(c, &p, &err), 1);
	assert_int_equal(p.number, number);
	assert_int_equal(p.time_ns, time_ns);
	assert_int_equal(p.bytes, bytes);
	assert_int_equal(p.wire_bytes, wire);
	assert_int_equal(p.link, link);
	assert_int_equal(p.iface, iface);
	for (u32 i = 0; i < bytes; i++)
		assert_int_equal(p.data[i], (u8)(i * 7 + bytes));
}

static inline void want_end(struct capture *c)
{
	struct packet p;

	assert_int_equal(capture_next(c, &p, &err), 0);
	assert_int_equal(capture_next(c, &p, &err), 0);
	capture_close(c);
}

/* The error has this id and its text contains PART. */
static inline void want_text(int r, int id, const char *part)
{
	assert_true(r < 0);
	assert_int_equal(r, err.code);
	assert_int_equal(err.id, id);
	if (!strstr(err.text, part))
		fail_msg("no \"%s\" in: %s", part, err.text);
}

static inline void want_error(struct capture *c, int id, const char *part)
{
	struct packet p;

	want_text(capture_next(c, &p, &err), id, part);
	capture_close(c);
}

/* Reads to the end: the number of packets, and the last result in *R. */
static inline size_t count(struct capture *c, int *r)
{
	struct packet p;
	size_t n = 0;

	while ((*r = capture_next(c, &p, &err)) > 0)
		n++;
	return n;
}

static inline int open_bytes(struct capture **c, const void *data, size_t n)
{
	return capture_open_mem(c, "mem", data, n, &err);
}

/* A temporary file with these bytes; the caller unlinks it. */
static inline void file_of(const struct bytes *b, char path[32])
{
	int fd;

	strcpy(path, "/tmp/capture-test.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->v, b->n), (ssize_t)b->n);
	close(fd);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading captures: bytes made by hand in both byte orders, every truncation
 * point, damage in each field, pipes, and libpcap as the second opinion.
 */
#include "unit/capture_bytes.h"
#include "model/backend.h"
#ifndef NO_PCAP
#define bpf_insn pcap_insn	/* libpcap has a structure of that name, too */
#include <pcap/pcap.h>
#undef bpf_insn
#endif

/* ---- pcap --------------------------------------------------------------- */

static void pcap_orders(void **state)
{
	for (int big = 0; big < 2; big++) {
		for (int nsec = 0; nsec < 2; nsec++) {
			struct bytes b = { .big = big };
			u32 unit = nsec ? 1 : 1000;
			struct capture *c;

			add_pcap_head(&b, nsec ? 0xa1b23c4d : 0xa1b2c3d4, 1);
			add_record(&b, 1, 2, 60, 60);
			add_record(&b, 0xffffffff, 999999, 0, 10);
			add_record(&b, 3, 4, 5, 4);
			c = opened(&b);
			want(c, 1000000000 + 2 * unit, 60, 60, 1, 0);
			want(c, 4294967295000000000 + 999999ull * unit, 0, 10,
			     1, 0);
			want(c, 3000000000 + 4 * unit, 5, 5, 1, 0);
			want_end(c);
			vec_free(&b);
		}
	}
}

static void pcap_modified(void **state)
{
	struct bytes b = { .big = true };
	struct capture *c;

	add_pcap_head(&b, 0xa1b2cd34, 1);
	for (u32 i = 0; i < 3; i++) {
		add32(&b, 7);
		add32(&b, i);
		add32(&b, 20 + i);
		add32(&b, 100);
		add64(&b, 0x0123456789abcdef);
		add_data(&b, 20 + i);
	}
	c = opened(&b);
	for (u32 i = 0; i < 3; i++)
		want(c, 7000000000 + i * 1000, 20 + i, 100, 1, 0);
	want_end(c);
	vec_free(&b);
}

static void pcap_link_bits(void **state)
{
	struct bytes b = { 0 };
	struct capture *c;

	add_pcap_head(&b, 0xa1b2c3d4, 0x54000000 | 113);
	add_record(&b, 0, 0, 1, 1);
	c = opened(&b);
	assert_int_equal(capture_iface(c, 0)->link, 113);
	assert_int_equal(capture_iface(c, 0)->snaplen, 262144);
	assert_null(capture_iface(c, 0)->name);
	assert_null(capture_iface(c, 1));
	want(c, 0, 1, 1, 113, 0);
	want_end(c);
	vec_free(&b);
	assert_string_equal(capture_link_name(1), "EN10MB");
	assert_string_equal(capture_link_name(113), "LINUX_SLL");
	assert_null(capture_link_name(9999));
}

static void pcap_lengths(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct bytes b = { .big = big };
		struct capture *c;

		add_pcap_head(&b, 0xa1b2c3d4, 1);
		add_record(&b, 1, 0, 262144, 262144);
		add_record(&b, 1, 0, 262145, 262145);
		c = opened(&b);
		want(c, 1000000000, 262144, 262144, 1, 0);
		want_error(c, ERR_PCAP, "mem+0x40030: error: packet 2 has a "
			   "captured length of 262145");
		set32(&b, 24 + 8, 0xffffffff);
		want_error(opened(&b), ERR_PCAP, "mem+0x20: error: packet 1 "
			   "has a captured length of 4294967295");
		vec_free(&b);
	}
}

static void not_a_capture(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int id;
		const char *text;
	} rows[] = {
		{ "", 0, ERR_PCAP, "mem: error: empty" },
		{ "\xd4\xc3\xb2", 3, ERR_PCAP_CUT, "ends after 3 bytes" },
		{ "\xd4\xc3\xb2\xa1\2", 5, ERR_PCAP_CUT, "within the pcap" },
		{ "GET / HTTP", 10, ERR_PCAP, "bytes 47 45 54 20" },
		{ "\x1f\x8b\x08\x00\x00\x00", 6, ERR_PCAP, "gzip -dc" },
		{ "\xfd\x37zXZ\0", 6, ERR_PCAP, "xz data" },
		{ "\xfd\x37zXZ", 5, ERR_PCAP, "bytes fd 37" },
		{ "BZh9", 4, ERR_PCAP, "bzip2 data" },
		{ "\x28\xb5\x2f\xfd", 4, ERR_PCAP, "zstd data" },
		{ "snoop\0\0\0", 8, ERR_PCAP, "a snoop capture" },
		{ "\177ELF\2", 5, ERR_PCAP, "an ELF file" },
		{ "\n\r\r\n\0\0\0\x1c....", 12, ERR_PCAP,
		  "mem+0x8: error: byte-order magic 0x2e2e2e2e" },
		{ "\n\r\r\n\0\0", 6, ERR_PCAP_CUT, "mem+0x0: error: " },
		{ "\xd4\xc3\xb2\xa1\2\0\3\0________________", 24, ERR_PCAP,
		  "mem+0x4: error: pcap version 2.3; expected 2.4" },
		{ "\xa1\xb2\xc3\xd4\0\3\0\4________________", 24, ERR_PCAP,
		  "pcap version 3.4" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct capture *c;
		int r = open_bytes(&c, rows[i].bytes, rows[i].n);

		want_text(r, rows[i].id, rows[i].text);
		assert_null(c);
	}
}

static void capture_is_told(void **state)
{
	static const struct { const char *head; size_t n; bool is; } rows[] = {
		{ "\xd4\xc3\xb2\xa1", 4, true },
		{ "\xa1\xb2\xc3\xd4zzzzzzzz", 12, true },
		{ "\x4d\x3c\xb2\xa1", 4, true },
		{ "\xa1\xb2\x3c\x4d", 4, true },
		{ "\xa1\xb2\xcd\x34", 4, true },
		{ "\n\r\r\n", 4, true },
		{ "\n\r\r\n\0\0\0\x1c\x1a\x2b\x3c\x4d", 12, true },
		{ "\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a", 12, true },
		{ "\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1b", 12, false },
		{ "\xd4\xc3\xb2", 3, false },
		{ "\177ELF", 4, false },
		{ "", 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(capture_is((const u8 *)rows[i].head,
					    rows[i].n), rows[i].is);
}

/* ---- pcapng ------------------------------------------------------------- */

/* Packets straight after one another and after other blocks. */
static void add_full_section(struct bytes *b, bool big, u16 link)
{
	b->big = big;
	add_section(b);
	add_unknown(b, 0);
	add_iface(b, link, 0, big ? NULL : "veth0", -1);
	add_epb(b, 0, 0x100000002, 60, 60);
	add_unknown(b, 1000);
	add_iface(b, 101, 96, "tun0", 9);
	add_epb(b, 1, 0x1bcdef0123456789, 97, 1500);
	add_epb(b, 0, 5, 0, 9);
	add_epb(b, 1, 6, 33, 32);
}

/* Two sections in all pairs of byte orders. */
static void ng_sections(void **state)
{
	for (u32 orders = 0; orders < 4; orders++) {
		struct bytes b = { 0 };
		struct capture *c;

		add_full_section(&b, orders & 1, 1);
		add_full_section(&b, orders & 2, 113);
		c = opened(&b);
		for (u32 i = 0; i < 4; i += 2) {
			u32 link = i ? 113 : 1;

			want(c, 0x100000002 * 1000, 60, 60, link, i);
			want(c, 0x1bcdef0123456789, 97, 1500, 101, i + 1);
			want(c, 5000, 0, 9, link, i);
			want(c, 6, 33, 33, 101, i + 1);
		}
		if (orders & 2)
			assert_null(capture_iface(c, 2)->name);
		else
			assert_string_equal(capture_iface(c, 2)->name, "veth0");
		assert_int_equal(capture_iface(c, 3)->snaplen, 96);
		assert_string_equal(capture_iface(c, 3)->name, "tun0");
		assert_null(capture_iface(c, 4));
		want_end(c);
		vec_free(&b);
	}
}

static void ng_time_units(void **state)
{
	static const struct { int resol; u64 ticks, ns; } rows[] = {
		{ -1, 7, 7000 },
		{ 0, 7, 7000000000 },
		{ 3, 7, 7000000 },
		{ 9, 7, 7 },
		{ 12, 7999, 7 },
		{ 28, UINT64_MAX, 1 },
		{ 29, UINT64_MAX, 0 },
		{ 127, UINT64_MAX, 0 },
		{ 0x80, 7, 7000000000 },
		{ 0x80 + 10, 7 * 1024 + 512, 7500000000 },
		{ 0x80 + 32, 7ull << 32 | 1u << 31, 7500000000 },
		{ 0x80 + 63, UINT64_MAX, 1999999999 },
		{ 0x80 + 64, UINT64_MAX, 999999999 },
		{ 0xff, UINT64_MAX, 0 },
	};
	struct bytes b = { 0 };
	struct capture *c;

	add_section(&b);
	for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
		add_iface(&b, 1, 0, NULL, rows[i].resol);
		add_epb(&b, i, rows[i].ticks, 1, 1);
		add_epb(&b, i, rows[i].ticks, 2, 2);
	}
	c = opened(&b);
	for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
		want(c, rows[i].ns, 1, 1, 1, i);
		want(c, rows[i].ns, 2, 2, 1, i);
	}
	want_end(c);
	vec_free(&b);
}

static void ng_time_offset(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct bytes b = { .big = big }, v = { .big = big };
		struct capture *c;
		size_t start;

		add_section(&b);
		add64(&v, (u64)-3);
		start = begin_block(&b, 1);
		add16(&b, 1);
		add16(&b, 0);
		add32(&b, 0);
		add_option(&b, 14, v.v, 8);
		end_block(&b, start);
		add_epb(&b, 0, 5000001, 1, 1);
		add_epb(&b, 0, 5000002, 1, 1);
		c = opened(&b);
		want(c, 2000001000, 1, 1, 1, 0);
		want(c, 2000002000, 1, 1, 1, 0);
		want_end(c);
		vec_free(&b);
		vec_free(&v);
	}
}

static void add_spb(struct bytes *b, u32 bytes, u32 wire)
{
	size_t start = begin_block(b, 3);

	add32(b, wire);
	add_data(b, bytes);
	end_block(b, start);
}

static void ng_older_packets(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct bytes b = { .big = big };
		struct capture *c;
		size_t start;

		add_section(&b);
		add_iface(&b, 1, 61, NULL, -1);
		add_spb(&b, 60, 60);
		add_spb(&b, 61, 1000);
		start = begin_block(&b, 2);
		add16(&b, 0);		/* interface */
		add16(&b, 0xffff);	/* drops */
		add64(&b, big ? 9 : 9ull << 32);
		add32(&b, 10);
		add32(&b, 11);
		add_data(&b, 10);
		end_block(&b, start);
		c = opened(&b);
		want(c, 0, 60, 60, 1, 0);
		want(c, 0, 61, 1000, 1, 0);
		want(c, 9000, 10, 11, 1, 0);
		want_end(c);
		vec_free(&b);
	}
}

/* A section with an interface, a packet at 0x44 and one at 0x68. */
static void two_packets(struct bytes *b)
{
	add_section(b);				/* 28 bytes */
	add_iface(b, 1, 0, NULL, -1);		/* 40: 0x1c */
	add_epb(b, 0, 0, 4, 4);			/* 36: 0x44 */
	add_epb(b, 0, 0, 4, 4);			/* 36: 0x68 */
}

static void ng_damage(void **state)
{
	static const struct {
		size_t at;
		u32 v;
		size_t packets;		/* before the error */
		int id;
		const char *text;
	} rows[] = {
		{ 0x68 + 4, 35, 1, ERR_PCAP, "mem+0x6c: error: block length 35" },
		{ 0x68 + 4, 8, 1, ERR_PCAP, "mem+0x6c: error: block length 8" },
		{ 0x68 + 4, 28, 1, ERR_PCAP, "expected 32 to 16777216" },
		{ 0x68 + 4, 0x7ffffffc, 1, ERR_PCAP, "length 2147483644" },
		{ 0x68 + 4, 0xfffffffc, 1, ERR_PCAP, "length 4294967292" },
		{ 0x68 + 4, 40, 1, ERR_PCAP_CUT, "36 bytes of it are there, 40" },
		{ 0x68 + 32, 40, 1, ERR_PCAP, "length 36 at the front, 40 at" },
		{ 0x68 + 8, 1, 1, ERR_PCAP, "mem+0x68: error: packet 2 is of "
		  "interface 1, but the section describes 1" },
		{ 0x68 + 8, 0xffffffff, 1, ERR_PCAP, "interface 4294967295" },
		{ 0x68 + 20, 5, 1, ERR_PCAP, "room for 4" },
		{ 0x68 + 20, 0xffffffff, 1, ERR_PCAP, "length of 4294967295" },
		{ 0x68, 0x0bad, 1, 0, "" },
		{ 0x68 + 0, 7, 1, 0, "" },
		{ 0x1c + 4, 16, 0, ERR_PCAP, "expected 20 to" },
		{ 0x1c + 16, 0x00210001, 0, ERR_PCAP,
		  "mem+0x2c: error: option 1 of interface 0 has a wrong "
		  "length, 33" },
		{ 0x1c + 16, 9 | 9 << 16, 0, ERR_PCAP, "option 9" },
		{ 0x1c + 16, 14 | 9 << 16, 0, ERR_PCAP, "option 14" },
		{ 0x1c + 16, 2 | 9 << 16, 2, 0, "" },
		{ 0x44, 0x0a0d0d0a, 0, ERR_PCAP, "mem+0x4c: error: byte-order" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = { 0 };
		struct capture *c;
		int r;

		two_packets(&b);
		assert_int_equal(b.n, 0x68 + 36);
		set32(&b, rows[i].at, rows[i].v);
		c = opened(&b);
		assert_int_equal(count(c, &r), rows[i].packets);
		if (rows[i].id)
			want_text(r, rows[i].id, rows[i].text);
		else
			assert_int_equal(r, 0);
		capture_close(c);
		vec_free(&b);
	}
}

/* A length that is the same at both ends but no multiple of 4. */
static void ng_unaligned(void **state)
{
	struct bytes b = { 0 };
	struct capture *c;

	two_packets(&b);
	set32(&b, 0x68 + 4, 37);
	add32(&b, 0);		/* room for one more byte */
	set32(&b, 0x68 + 33, 37);
	b.n = 0x68 + 37;
	c = opened(&b);
	want(c, 0, 4, 4, 1, 0);
	want_error(c, ERR_PCAP, "mem+0x6c: error: block length 37");
	vec_free(&b);
}

static void ng_bad_section(void **state)
{
	struct bytes b = { .big = true };
	struct capture *c;

	add_section(&b);
	add_spb(&b, 4, 4);
	want_error(opened(&b), ERR_PCAP, "packet 1 is of interface 0, but the "
		   "section describes 0");
	set32(&b, 12, 2 << 16);
	want_text(open_bytes(&c, b.v, b.n), ERR_PCAP,
		  "mem+0xc: error: pcapng version 2.0; expected 1.0");
	set32(&b, 4, 24);
	want_text(open_bytes(&c, b.v, b.n), ERR_PCAP, "expected 28 to");
	vec_free(&b);
}

/* An unknown block may be of any size; one that is interpreted may not. */
static void ng_large_blocks(void **state)
{
	struct bytes b = { 0 };
	struct capture *c;
	char path[32];

	two_packets(&b);
	add_unknown(&b, 3 << 20);
	add_epb(&b, 0, 0, 262144, 262144);
	add_epb(&b, 0, 0, 262145, 262145);
	file_of(&b, path);
	assert_int_equal(capture_open(&c, path, &err), 0);
	want(c, 0, 4, 4, 1, 0);
	want(c, 0, 4, 4, 1, 0);
	want(c, 0, 262144, 262144, 1, 0);
	want_error(c, ERR_PCAP, "packet 4 has a captured length of 262145");
	unlink(path);
	vec_free(&b);
}

/* ---- cut captures ------------------------------------------------------- */

/*
 * Every prefix of B gives the packets that lie wholly in it, then a clean end
 * when it ends on one of the N borders and ERR_PCAP_CUT otherwise. PACKETS[i]
 * of them end at or before BORDER[i].
 */
static void cut_everywhere(const struct bytes *b, const size_t *border,
			   const size_t *packets, size_t n)
{
	size_t last = 0;

	for (size_t size = 1; size <= b->n; size++) {
		u8 *copy = memcpy(malloc(size), b->v, size);
		struct capture *c;
		int r = open_bytes(&c, copy, size);

		while (last + 1 < n && border[last + 1] <= size)
			last++;
		if (size >= border[0])
			assert_int_equal(r, 0);
		if (c)
			assert_int_equal(count(c, &r), packets[last]);
		if (size == border[last])
			assert_int_equal(r, 0);
		else
			want_text(r, ERR_PCAP_CUT, "mem");
		capture_close(c);
		free(copy);
	}
}

static void cut_pcap(void **state)
{
	static const size_t border[] = { 24, 100, 116, 139 };
	static const size_t packets[] = { 0, 1, 2, 3 };

	for (int big = 0; big < 2; big++) {
		struct bytes b = { .big = big };

		add_pcap_head(&b, 0xa1b2c3d4, 1);
		add_record(&b, 0, 0, 60, 60);
		add_record(&b, 0, 0, 0, 60);
		add_record(&b, 0, 0, 7, 60);
		cut_everywhere(&b, border, packets, 4);
		vec_free(&b);
	}
}

static void cut_pcapng(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct bytes b = { .big = big };
		size_t border[7], packets[7] = { 0, 0, 1, 1, 1, 1, 2 };

		add_section(&b);
		border[0] = b.n;
		add_iface(&b, 1, 0, "veth0", 9);
		border[1] = b.n;
		add_epb(&b, 0, 1, 61, 61);
		border[2] = b.n;
		add_unknown(&b, 20);
		border[3] = b.n;
		b.big = !b.big;
		add_section(&b);
		border[4] = b.n;
		add_iface(&b, 1, 0, NULL, -1);
		border[5] = b.n;
		add_spb(&b, 6, 6);
		border[6] = b.n;
		cut_everywhere(&b, border, packets, 7);
		vec_free(&b);
	}
}

static void cut_message(void **state)
{
	struct bytes b = { 0 };
	struct capture *c;

	add_pcap_head(&b, 0xa1b2c3d4, 1);
	add_record(&b, 0, 0, 60, 60);
	add_record(&b, 0, 0, 60, 60);
	b.n -= 10;
	c = opened(&b);
	want(c, 0, 60, 60, 1, 0);
	want_error(c, ERR_PCAP_CUT, "mem+0x64: error: capture ends in packet "
		   "2: 66 bytes of it and its header are there, 76 needed "
		   "[SKEP-E0502]");
	vec_free(&b);
}

/* ---- files and pipes ---------------------------------------------------- */

static void file_errors(void **state)
{
	struct capture *c;

	want_text(capture_open(&c, "/nonexistent/x.pcap", &err), ERR_FILE_OPEN,
		  "/nonexistent/x.pcap: error: No such file");
	assert_null(c);
	want_text(capture_open(&c, "/", &err), ERR_FILE_READ, "Is a directory");
	want_text(capture_open(&c, "/dev/null", &err), ERR_PCAP, "empty");
	capture_close(NULL);
}

static void rewinds(void **state)
{
	struct bytes b = { 0 };
	struct capture *c;
	char path[32];

	two_packets(&b);
	file_of(&b, path);
	for (int mem = 0; mem < 2; mem++) {
		if (mem)
			c = opened(&b);
		else
			assert_int_equal(capture_open(&c, path, &err), 0);
		want(c, 0, 4, 4, 1, 0);
		for (int i = 0; i < 3; i++) {
			struct packet p;

			assert_int_equal(capture_rewind(c, &err), 0);
			assert_int_equal(c->packets, 0);
			want(c, 0, 4, 4, 1, 0);
			want(c, 0, 4, 4, 1, 0);
			assert_non_null(capture_iface(c, 0));
			assert_null(capture_iface(c, 1));
			assert_int_equal(capture_next(c, &p, &err), 0);
		}
		want_end(c);
	}
	unlink(path);
	vec_free(&b);
}

/* Packets come out of a pipe before the next ones have been written. */
static void pipe_as_it_arrives(void **state)
{
	struct bytes b = { 0 };
	struct capture *c;
	char path[32];
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd[0]);
	alarm(60);		/* a reader that waits for more hangs here */
	two_packets(&b);
	assert_int_equal(write(fd[1], b.v, 28), 28);
	assert_int_equal(capture_open(&c, path, &err), 0);
	assert_int_equal(write(fd[1], b.v + 28, 40 + 36), 40 + 36);
	want(c, 0, 4, 4, 1, 0);
	for (size_t i = 0; i < 36; i++)
		assert_int_equal(write(fd[1], b.v + 28 + 40 + 36 + i, 1), 1);
	want(c, 0, 4, 4, 1, 0);
	assert_int_equal(write(fd[1], b.v + 28 + 40, 20), 20);
	close(fd[1]);
	want_text(capture_rewind(c, &err), ERR_FILE_READ, "read twice");
	want_error(c, ERR_PCAP_CUT, "after packet 2: 20 bytes of it are there, "
		   "36 needed");
	close(fd[0]);
	alarm(0);
	vec_free(&b);
}

/* ---- a large capture, and libpcap ----------------------------------------- */

static u32 random_u32(u64 *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (u32)(*seed >> 33);
}

/* Lengths so that packets and headers lie across all borders of the window. */
static u32 some_length(u64 *seed)
{
	u32 kind = random_u32(seed) % 100;

	return kind == 0 ? random_u32(seed) % 262145 :
	       kind < 50 ? random_u32(seed) % 70 : random_u32(seed) % 1600;
}

static void large_capture(struct bytes *b, bool ng, size_t packets)
{
	u64 seed = 1;

	if (ng) {
		add_section(b);
		add_iface(b, 1, 0, "a", 9);
	} else {
		add_pcap_head(b, 0xa1b23c4d, 1);
	}
	for (u32 i = 0; i < packets; i++) {
		u32 n = some_length(&seed);

		if (ng)
			add_epb(b, 0, i * 1000000001ull, n, n + i);
		else
			add_record(b, i, i, n, n + i);
	}
}

static void want_large(struct capture *c, size_t packets)
{
	u64 seed = 1;

	for (u32 i = 0; i < packets; i++) {
		u32 n = some_length(&seed);

		want(c, i * 1000000001ull, n, n + i, 1, 0);
	}
}

/* The place of an error is right wherever the window has got to. */
static void far_place(void **state)
{
	for (int ng = 0; ng < 2; ng++) {
		struct bytes b = { 0 };
		char path[32], place[32];
		struct capture *c;
		int r;

		large_capture(&b, ng, 2000);
		snprintf(place, sizeof(place), "+0x%zx: error: ", b.n);
		if (ng)
			add_epb(&b, 0, 0, 99, 99);
		else
			add_record(&b, 0, 0, 99, 99);
		b.n -= 1;
		file_of(&b, path);
		assert_int_equal(capture_open(&c, path, &err), 0);
		assert_int_equal(count(c, &r), 2000);
		want_text(r, ERR_PCAP_CUT, place);
		capture_close(c);
		unlink(path);
		vec_free(&b);
	}
}

static void large_file(void **state)
{
	enum { PACKETS = 2000 };

	for (int kind = 0; kind < 4; kind++) {
		struct bytes b = { .big = kind & 1 };
		struct capture *c;
		char path[32];

		large_capture(&b, kind & 2, PACKETS);
		file_of(&b, path);
		assert_int_equal(capture_open(&c, path, &err), 0);
		want_large(c, PACKETS);
		assert_int_equal(capture_rewind(c, &err), 0);
		want_large(c, PACKETS);
		want_end(c);
		unlink(path);
		vec_free(&b);
	}
}

/* Batches have the packets that come one by one, each of one link type. */
static void batches_as(const struct bytes *b, u32 max)
{
	struct capture *one, *many;
	struct test_packet t[32];
	struct packet p;
	char path[32];
	u32 link;
	int n;

	file_of(b, path);
	assert_int_equal(capture_open(&one, path, &err), 0);
	assert_int_equal(capture_open(&many, path, &err), 0);
	while ((n = capture_batch(many, t, max, &link, &err)) > 0) {
		assert_in_range(n, 1, max);
		for (int i = 0; i < n; i++) {
			assert_int_equal(capture_next(one, &p, &err), 1);
			assert_int_equal(link, p.link);
			assert_int_equal(t[i].bytes, p.bytes);
			assert_int_equal(t[i].wire_bytes, p.wire_bytes);
			assert_memory_equal(t[i].data, p.data, p.bytes);
		}
	}
	assert_int_equal(n, 0);
	assert_int_equal(many->packets, one->packets);
	want_end(one);
	capture_close(many);
	unlink(path);
}

static void batches(void **state)
{
	for (u32 kind = 0; kind < 8; kind++) {
		struct bytes b = { .big = kind & 1 };

		if (kind & 4) {
			add_full_section(&b, kind & 1, 1);
			add_full_section(&b, kind & 2, 113);
		} else {
			large_capture(&b, kind & 2, 500);
		}
		batches_as(&b, 1);
		batches_as(&b, 32);
		vec_free(&b);
	}
}

#ifdef NO_PCAP
static void as_libpcap(void **state)
{
	print_message("built without libpcap\n");
	skip();
}
#else
static void as_libpcap_one(const struct bytes *b)
{
	struct pcap_pkthdr *h;
	char text[PCAP_ERRBUF_SIZE], path[32];
	const u_char *data;
	struct capture *c;
	struct packet p;
	pcap_t *pcap;

	file_of(b, path);
	assert_int_equal(capture_open(&c, path, &err), 0);
	pcap = pcap_open_offline_with_tstamp_precision(path,
			PCAP_TSTAMP_PRECISION_NANO, text);
	assert_non_null(pcap);
	while (pcap_next_ex(pcap, &h, &data) == 1) {
		assert_int_equal(capture_next(c, &p, &err), 1);
		assert_int_equal(p.bytes, h->caplen);
		assert_int_equal(p.wire_bytes, h->len);
		assert_int_equal(p.time_ns, (u64)h->ts.tv_sec * 1000000000 +
					    (u64)h->ts.tv_usec);
		assert_memory_equal(p.data, data, p.bytes);
	}
	want_end(c);
	pcap_close(pcap);
	unlink(path);
}

static void as_libpcap(void **state)
{
	for (int kind = 0; kind < 4; kind++) {
		struct bytes b = { .big = kind & 1 };

		large_capture(&b, kind & 2, 500);
		if (kind & 2) {
			add_spb(&b, 50, 50);
			add_section(&b);	/* same order for libpcap */
			add_iface(&b, 1, 0, "z", 0x80 + 20);
			add_epb(&b, 0, 0x123456789abc, 9, 9);
		}
		as_libpcap_one(&b);
		vec_free(&b);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_orders),
		cmocka_unit_test(pcap_modified),
		cmocka_unit_test(pcap_link_bits),
		cmocka_unit_test(pcap_lengths),
		cmocka_unit_test(not_a_capture),
		cmocka_unit_test(capture_is_told),
		cmocka_unit_test(ng_sections),
		cmocka_unit_test(ng_time_units),
		cmocka_unit_test(ng_time_offset),
		cmocka_unit_test(ng_older_packets),
		cmocka_unit_test(ng_damage),
		cmocka_unit_test(ng_unaligned),
		cmocka_unit_test(ng_bad_section),
		cmocka_unit_test(ng_large_blocks),
		cmocka_unit_test(cut_pcap),
		cmocka_unit_test(cut_pcapng),
		cmocka_unit_test(cut_message),
		cmocka_unit_test(file_errors),
		cmocka_unit_test(rewinds),
		cmocka_unit_test(batches),
		cmocka_unit_test(pipe_as_it_arrives),
		cmocka_unit_test(far_place),
		cmocka_unit_test(large_file),
		cmocka_unit_test(as_libpcap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

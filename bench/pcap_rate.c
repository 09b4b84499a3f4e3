/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap_rate: packets per second out of a capture in the page cache, by
 * capture_next and by libpcap's pcap_next_ex, in turns in one process.
 *
 * Each reads all headers and the first byte of each packet. Prints the median
 * of each and the ratio of the medians, for pcap and pcapng, and how fast
 * capture_out_write writes the same packets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifndef NO_PCAP
#include <pcap/pcap.h>
#endif
#include "bench.h"
#include "base/os.h"
#include "host/capture.h"

enum { PACKETS = 1000000, BYTES = 60, ROUNDS = 15 };

static void fill(u8 *data, u32 i)
{
	memset(data, (int)i, BYTES);
	memcpy(data, &i, sizeof(i));
}

static void make_pcap(const char *path)
{
	static const u32 head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 };
	FILE *f = fopen(path, "wb");
	u8 data[BYTES];

	if (!f || fwrite(head, sizeof(head), 1, f) != 1)
		abort();
	for (u32 i = 0; i < PACKETS; i++) {
		u32 record[4] = { i / 1000, i % 1000 * 1000, BYTES, BYTES };

		fill(data, i);
		if (fwrite(record, sizeof(record), 1, f) != 1 ||
		    fwrite(data, BYTES, 1, f) != 1)
			abort();
	}
	if (fclose(f))
		abort();
}

static void make_pcapng(const char *path, enum capture_verdict kind)
{
	static const struct capture_iface eth = { .link = LINK_ETHERNET };
	struct capture_out *w;
	struct skep_err err;
	u8 data[BYTES];
	struct packet p = {
		.data = data, .bytes = BYTES, .wire_bytes = BYTES,
	};

	must(capture_out_open(&w, path, &err), &err);
	must(capture_out_iface(w, &eth, &p.iface, &err), &err);
	for (u32 i = 0; i < PACKETS; i++) {
		p.time_ns = i * 1000000ull;
		fill(data, i);
		must(capture_out_write(w, &p, kind, 2, &err), &err);
	}
	must(capture_out_commit(w, &err), &err);
}

/* Each pass returns nanoseconds per packet and adds what it saw to *SUM. */
static double pass_own(const char *path, u64 *sum)
{
	u64 start = os_clock_ns(), n = 0;
	struct skep_err err;
	struct capture *c;
	struct packet p;
	int r;

	must(capture_open(&c, path, &err), &err);
	while ((r = capture_next(c, &p, &err)) > 0) {
		*sum += p.data[0] + p.bytes + p.time_ns;
		n++;
	}
	must(r, &err);
	capture_close(c);
	if (n != PACKETS)
		abort();
	return (double)(os_clock_ns() - start) / PACKETS;
}

#ifndef NO_PCAP
static double pass_libpcap(const char *path, u64 *sum)
{
	u64 start = os_clock_ns(), n = 0;
	struct pcap_pkthdr *h;
	const u_char *data;
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path,
			PCAP_TSTAMP_PRECISION_NANO, text);

	if (!pcap)
		abort();
	while (pcap_next_ex(pcap, &h, &data) == 1) {
		*sum += data[0] + h->caplen +
			(u64)h->ts.tv_sec * 1000000000 + (u64)h->ts.tv_usec;
		n++;
	}
	pcap_close(pcap);
	if (n != PACKETS)
		abort();
	return (double)(os_clock_ns() - start) / PACKETS;
}
#endif

static void race(const char *what, const char *path)
{
	double own[ROUNDS], lib[ROUNDS];
	u64 own_sum = 0, lib_sum = 0;

	for (int i = 0; i < ROUNDS; i++) {
		own[i] = pass_own(path, &own_sum);
#ifndef NO_PCAP
		lib[i] = pass_libpcap(path, &lib_sum);
		if (own_sum != lib_sum)
			abort();
#endif
	}
	printf("%s: capture_next %.1f Mpps (%.1f ns)", what,
	       1000 / median(own, ROUNDS), median(own, ROUNDS));
#ifndef NO_PCAP
	printf(", pcap_next_ex %.1f Mpps (%.1f ns), ratio %.2f",
	       1000 / median(lib, ROUNDS), median(lib, ROUNDS),
	       median(lib, ROUNDS) / median(own, ROUNDS));
#else
	(void)lib, (void)lib_sum;
#endif
	printf(" [medians of %d, %d packets of %d bytes]\n", ROUNDS, PACKETS,
	       BYTES);
}

static void write_rate(const char *path)
{
	double ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		u64 start = os_clock_ns();

		make_pcapng(path, VERDICT_XDP);
		ns[i] = (double)(os_clock_ns() - start) / PACKETS;
	}
	printf("pcapng with verdicts: capture_out_write %.1f Mpps (%.1f ns)\n",
	       1000 / median(ns, ROUNDS), median(ns, ROUNDS));
}

int main(void)
{
	char dir[] = "/tmp/pcap_rate.XXXXXX", path[64];

	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/a", dir);
	make_pcap(path);
	race("pcap", path);
	make_pcapng(path, VERDICT_NONE);
	race("pcapng", path);
	write_rate(path);
	unlink(path);
	rmdir(dir);
	return 0;
}

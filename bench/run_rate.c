/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_rate: packets per second of `skep run` on a program that returns at
 * once, in the checked interpreter, from the file's first byte to the last
 * verdict; in turns with a loop over libpcap's pcap_next_ex that does nothing
 * but sum up lengths. The first is to be at least 2.5 times as fast.
 *
 * What src/cli/cmd_run.c does for each packet stands here again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifndef NO_PCAP
#define bpf_insn pcap_insn	/* libpcap has a structure of that name, too */
#include <pcap/pcap.h>
#undef bpf_insn
#endif
#include "bench.h"
#include "api/object.h"
#include "base/arena.h"
#include "base/os.h"
#include "host/capture.h"
#include <skep/insn.h>

enum { PACKETS = 1000000, BYTES = 60, ROUNDS = 15 };

/* Written at once, as a copy is: the page cache keeps the file in parts as big
 * as those of a file that comes from the disk. */
static void make_pcap(const char *path)
{
	static const u32 head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, LINK_ETHERNET };
	size_t bytes = sizeof(head) + (size_t)PACKETS * (16 + BYTES);
	u8 *file = mem_alloc(bytes), *at = file + sizeof(head);
	FILE *f = fopen(path, "wb");

	memcpy(file, head, sizeof(head));
	for (u32 i = 0; i < PACKETS; i++, at += 16 + BYTES) {
		const u32 record[4] = { i / 1000, i % 1000 * 1000, BYTES, BYTES };

		memcpy(at, record, sizeof(record));
		memset(at + sizeof(record), (int)i, BYTES);
	}
	if (!f || fwrite(file, bytes, 1, f) != 1 || fclose(f))
		abort();
	free(file);
}

static struct skep_object *load(void)
{
	const struct bpf_insn pass[] = { BPF_MOV64_IMM(BPF_REG_0, XDP_PASS), BPF_EXIT_INSN() };
	struct skep_object *obj;
	struct skep_err err;

	must(skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "pass", pass, ARRAY_LEN(pass),
				    NULL, 0, "GPL", &err), &err);
	must(skep_object_load(obj, NULL, &err), &err);
	return obj;
}

/* Both passes give nanoseconds per packet. */
static double pass_skep(const char *path, struct skep_object *obj)
{
	struct backend *b = obj->backend;
	const struct backend_ops *ops = b->ops;
	struct test_run t = { .budget = 1000000, .ifindex = 1 };
	struct test_packet p[64];
	u64 start = os_clock_ns(), verdicts[8] = { 0 }, cut = 0;
	struct skep_err err;
	struct capture *c;
	u32 link;
	int r;

	must(capture_open(&c, path, &err), &err);
	while ((r = capture_batch(c, p, ARRAY_LEN(p), &link, &err)) > 0) {
		u32 n = (u32)r;

		must(ops->test_run_batch(b, 0, &t, p, &n, &err), &err);
		for (u32 i = 0; i < n; i++) {
			cut += p[i].bytes < p[i].wire_bytes;
			verdicts[p[i].retval & 7]++;
		}
	}
	must(r, &err);
	capture_close(c);
	if (verdicts[XDP_PASS] != PACKETS || cut)
		abort();
	return (double)(os_clock_ns() - start) / PACKETS;
}

#ifndef NO_PCAP
static double pass_libpcap(const char *path)
{
	u64 start = os_clock_ns(), n = 0, sum = 0;
	char text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *data;
	pcap_t *pcap = pcap_open_offline(path, text);

	if (!pcap)
		abort();
	while (pcap_next_ex(pcap, &h, &data) == 1) {
		sum += h->len;
		n++;
	}
	pcap_close(pcap);
	if (n != PACKETS || sum != (u64)PACKETS * BYTES)
		abort();
	return (double)(os_clock_ns() - start) / PACKETS;
}
#endif

static void race(const char *path, struct skep_object *obj)
{
	double own[ROUNDS], lib[ROUNDS] UNUSED;

	for (int i = 0; i < ROUNDS; i++) {
		own[i] = pass_skep(path, obj);
#ifndef NO_PCAP
		lib[i] = pass_libpcap(path);
#endif
	}
	printf("run of a program that returns at once: %.1f Mpps (%.1f ns)",
	       1000 / median(own, ROUNDS), median(own, ROUNDS));
#ifndef NO_PCAP
	printf(", pcap_next_ex %.1f Mpps (%.1f ns), ratio %.2f",
	       1000 / median(lib, ROUNDS), median(lib, ROUNDS),
	       median(lib, ROUNDS) / median(own, ROUNDS));
#endif
	printf(" [medians of %d, %d packets of %d bytes]\n", ROUNDS, PACKETS, BYTES);
}

int main(void)
{
	char dir[] = "/tmp/run_rate.XXXXXX", path[64];
	struct skep_object *obj = load();

	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/a.pcap", dir);
	make_pcap(path);
	race(path, obj);
	unlink(path);
	rmdir(dir);
	skep_object_close(obj);
	return 0;
}

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
#include "api/object.h"
#include "base/os.h"
#include "host/capture.h"
#include <skep/insn.h>

enum { PACKETS = 1000000, BYTES = 60, ROUNDS = 15 };

static void must(int r, const struct skep_err *err)
{
	if (r >= 0)
		return;
	fputs(skep_err_text(err), stderr);
	exit(1);
}

static void make_pcap(const char *path)
{
	static const u32 head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, LINK_ETHERNET };
	FILE *f = fopen(path, "wb");
	bool good = f && fwrite(head, sizeof(head), 1, f) == 1;

	for (u32 i = 0; good && i < PACKETS; i++) {
		const u32 record[4] = { i / 1000, i % 1000 * 1000, BYTES, BYTES };
		u8 data[BYTES];

		memset(data, (int)i, BYTES);
		good = fwrite(record, sizeof(record), 1, f) == 1 && fwrite(data, BYTES, 1, f) == 1;
	}
	if (!good || fclose(f))
		abort();
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
	int (*test_run)(struct backend *, u32, struct test_run *, struct skep_err *) =
		b->ops->test_run;
	struct test_run t = { .budget = BUDGET_DEFAULT, .ifindex = 1 };
	u64 start = os_clock_ns(), verdicts[8] = { 0 };
	struct skep_err err;
	struct capture *c;
	struct packet p;
	int r;

	must(capture_open(&c, path, &err), &err);
	while ((r = capture_next(c, &p, &err)) > 0) {
		t.data = p.data;
		t.bytes = p.bytes;
		must(test_run(b, 0, &t, &err), &err);
		verdicts[t.retval & 7]++;
	}
	must(r, &err);
	capture_close(c);
	if (verdicts[XDP_PASS] != PACKETS)
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

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_size);
	return v[ROUNDS / 2];
}

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
	       1000 / median(own), median(own));
#ifndef NO_PCAP
	printf(", pcap_next_ex %.1f Mpps (%.1f ns), ratio %.2f",
	       1000 / median(lib), median(lib), median(lib) / median(own));
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

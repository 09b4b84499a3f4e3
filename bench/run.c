/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run: what the engine costs around a compiled program, each figure in turns, medians of
 * ROUNDS: a program that returns at once, through the public interface, packet by packet
 * and many at once (at most 3 ns); a helper call less a call of the same C function (at
 * most 1.5 ns); a lookup in an array, inlined. bench/run.sh has the examples.
 */
#include "api/object.h"
#include "base/os.h"
#include "bench.h"
#include "call/call.h"
#include "host/capture.h"
#include "isa/isa.h"
#include <skep/skep.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, CALLS = 64, LOOPS = 3000, PACKETS = 64, TIMES = 4000 };

static const struct skep_map_def maps[] = {
	{ "array", BPF_MAP_TYPE_ARRAY, 4, 8, 64, 0, NULL },
	{ "percpu", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 64, 0, NULL },
};

static struct skep_object *load(const char *text, enum skep_jit jit)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .jit = jit };
	struct isa_code code = { 0 };
	struct skep_object *obj;
	struct skep_err err;

	must(isa_asm(&code, text, strlen(text), "program", &err), &err);
	must(skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "p", code.v, code.n, maps,
				    ARRAY_LEN(maps), "GPL", &err), &err);
	must(skep_object_load(obj, &opts, &err), &err);
	vec_free(&code);
	return obj;
}

/* ---- programs that are called often ---------------------------------------------- */

/* Nanoseconds of a run, of TIMES. */
static double one_by_one(struct skep_object *obj)
{
	static const u8 packet[64];
	struct skep_prog *p = skep_object_prog(obj, "p");
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet) };
	struct skep_err err;
	u64 start = os_clock_thread_ns();

	for (u32 i = 0; i < TIMES; i++)
		must(skep_prog_run(p, &r, &err), &err);
	return (double)(os_clock_thread_ns() - start) / TIMES;
}

static double many(struct skep_object *obj)
{
	static u8 packets[PACKETS][64];
	struct skep_prog *p = skep_object_prog(obj, "p");
	struct skep_packet v[PACKETS];
	struct skep_run r = { .size = sizeof(r) };
	struct skep_err err;
	u64 start = os_clock_thread_ns();

	for (u32 i = 0; i < PACKETS; i++)
		v[i] = (struct skep_packet){ .data = packets[i], .bytes = sizeof(packets[i]) };
	for (u32 i = 0; i < TIMES / PACKETS; i++) {
		size_t n = PACKETS;

		must(skep_prog_run_packets(p, &r, v, &n, &err), &err);
	}
	return (double)(os_clock_thread_ns() - start) / (TIMES / PACKETS * PACKETS);
}

/* ---- calls in a program ------------------------------------------------------------ */

/* A loop of CALLS times WHAT. */
static struct skep_object *repeated(const char *what, enum skep_jit jit)
{
	struct strbuf text = { 0 };
	struct skep_object *obj;

	sb_printf(&text, "r6 = map[idx:0]\nr7 = %d\n*(u32 *)(r10 - 4) = r7\nloop:\n", LOOPS);
	for (u32 i = 0; i < CALLS; i++)
		sb_puts(&text, what);
	sb_puts(&text, "r7 += -1\nif r7 != 0 goto loop\nr0 = 2\nexit\n");
	obj = load(sb_text(&text), jit);
	sb_free(&text);
	return obj;
}

static double per_call(struct skep_object *obj)
{
	struct skep_run r = { .size = sizeof(r) };
	struct skep_err err;
	u64 start = os_clock_thread_ns();

	must(skep_prog_run(skep_object_prog(obj, "p"), &r, &err), &err);
	return (double)(os_clock_thread_ns() - start) / CALLS / LOOPS;
}

/* The same C function, called by C through a pointer that is not known before. */
static double per_c_call(void)
{
	helper_fn volatile at = call_helper(BPF_FUNC_get_numa_node_id, BPF_PROG_TYPE_XDP);
	static struct run run;
	helper_fn fn = at;
	u64 start = os_clock_thread_ns(), sum = 0;

	for (u32 i = 0; i < LOOPS; i++)
		for (u32 k = 0; k < CALLS; k++)
			sum += fn(0, 0, 0, 0, 0, &run);
	if (sum)
		abort();
	return (double)(os_clock_thread_ns() - start) / CALLS / LOOPS;
}

static double middle(double (*fn)(struct skep_object *), struct skep_object *obj)
{
	double v[ROUNDS];

	for (u32 i = 0; i < ROUNDS; i++)
		v[i] = fn(obj);
	return median(v, ROUNDS);
}

static void empty(const char *what, enum skep_jit jit)
{
	struct skep_object *obj = load("r0 = 2\nexit\n", jit);

	printf("empty program, %-9s %5.1f ns one by one, %.1f ns many at once\n", what,
	       middle(one_by_one, obj), middle(many, obj));
	skep_object_close(obj);
}

static void calls(const char *what, const char *text)
{
	double ns[ROUNDS], c[ROUNDS];
	struct skep_object *obj = repeated(text, SKEP_JIT_OPT);

	for (u32 i = 0; i < ROUNDS; i++) {
		ns[i] = per_call(obj);
		c[i] = per_c_call();
	}
	printf("%-24s %5.2f ns, a call in C %.2f ns\n", what, median(ns, ROUNDS),
	       median(c, ROUNDS));
	skep_object_close(obj);
}

/* ---- a few packets of many: run pick CAPTURE EVERY OUT ------------------------------- */

static void put_packet(FILE *f, const struct test_packet *p)
{
	const u32 head[4] = { 0, 0, p->bytes, p->wire_bytes };

	if (fwrite(head, sizeof(head), 1, f) != 1 || fwrite(p->data, p->bytes, 1, f) != 1)
		abort();
}

/* Writes every EVERYth packet of the capture at PATH to OUT, which is a pcap file. */
static int pick(const char *path, u32 every, const char *out)
{
	static const u32 head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, LINK_ETHERNET };
	struct test_packet p[64];
	FILE *f = fopen(out, "wb");
	struct capture *c;
	struct skep_err err;
	u32 link, at = 0;
	int r;

	if (!f || fwrite(head, sizeof(head), 1, f) != 1)
		abort();
	must(capture_open(&c, path, &err), &err);
	while ((r = capture_batch(c, p, ARRAY_LEN(p), &link, &err)) > 0)
		for (int i = 0; i < r; i++)
			if (at++ % every == 0)
				put_packet(f, &p[i]);
	must(r, &err);
	capture_close(c);
	return fclose(f) != 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "pick"))
		return pick(argv[2], (u32)atoi(argv[3]), argv[4]);
	empty("optimised", SKEP_JIT_OPT);
	empty("one pass", SKEP_JIT_FAST);
	empty("interp", SKEP_JIT_OFF);
	calls("helper (numa node)", "call 42\n");
	calls("cpu number", "call 8\n");
	calls("array lookup", "r1 = r6\nr2 = r10\nr2 += -4\ncall 1\n");
	calls("per-cpu array lookup", "r1 = map[idx:1]\nr2 = r10\nr2 += -4\ncall 1\n");
	calls("ktime", "call 5\n");
	calls("pid and tgid", "call 14\n");
	return 0;
}

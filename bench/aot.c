/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot: nanoseconds per packet of the examples, as native code that was compiled before
 * (`skep aot`) and compiled on the spot, one skep_prog_run() after the other, in turns,
 * medians of ROUNDS; figure: at most 1.05.
 * And how long it takes to have an object ready to run, both ways.
 */
#include "bench.h"
#include "unit/aot_native.h"

enum { ROUNDS = 31, TIMES = 400 };

static const char *const files[] = {
	"examples/firewall/firewall.o", "examples/balancer/balancer.o",
	"examples/constructs/ipv4.o", "examples/constructs/loops.o",
	"examples/shaper/shaper.o", "examples/nat64/nat64.o", "examples/fields/fields.o",
};

/* An IPv4 packet with UDP. */
static u8 packet[128] = { [12] = 8, [14] = 0x45, [17] = 114, [22] = 64, [23] = 17, [26] = 10,
			  [27] = 8, [29] = 1, [30] = 10, [31] = 9, [33] = 7, [36] = 0, [37] = 53 };

static double turn(struct skep_prog *p)
{
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet) };
	struct skep_err err;
	u64 start = os_clock_thread_ns();

	for (u32 i = 0; i < TIMES; i++)
		must(skep_prog_run(p, &r, &err), &err);
	return (double)(os_clock_thread_ns() - start) / TIMES;
}

static void measure(const char *file, struct skep_prog *aot, struct skep_prog *jit)
{
	double a[ROUNDS], j[ROUNDS], ratio[ROUNDS];
	const char *base = strrchr(file, '/') + 1;

	for (u32 i = 0; i < ROUNDS; i++) {
		j[i] = turn(jit);
		a[i] = turn(aot);
		ratio[i] = a[i] / j[i];
	}
	printf("%-12.*s %-12s %7.0f ns aot, %7.0f ns jit: %.2f\n", (int)strcspn(base, "."), base,
	       skep_prog_name(aot), median(a, ROUNDS), median(j, ROUNDS), median(ratio, ROUNDS));
}

static double ready(const struct native *n, const char *file)
{
	double us[ROUNDS];

	for (u32 i = 0; i < ROUNDS; i++) {
		u64 start = os_clock_thread_ns();
		struct skep_object *obj;
		struct skep_err err;

		must(n ? skep_object_open_aot(&obj, &n->aot, &err) :
		     skep_object_open(&obj, file, &err), &err);
		must(skep_object_load(obj, NULL, &err), &err);
		us[i] = (double)(os_clock_thread_ns() - start) / 1000;
		skep_object_close(obj);
	}
	return median(us, ROUNDS);
}

int main(void)
{
	struct skep_err err;

	if (!native_available())
		return puts("no code without addresses for this processor"), 0;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct skep_object *a, *j;
		struct skep_prog *p = NULL;
		struct native n;

		must(native_make(&n, files[i], &err), &err);
		must(skep_object_open_aot(&a, &n.aot, &err), &err);
		must(skep_object_load(a, NULL, &err), &err);
		must(skep_object_open(&j, files[i], &err), &err);
		must(skep_object_load(j, NULL, &err), &err);
		while ((p = skep_object_next_prog(a, p)))
			measure(files[i], p, skep_object_prog(j, skep_prog_name(p)));
		skep_object_close(a);
		skep_object_close(j);
		printf("%25s %7.0f us aot, %7.0f us jit\n", "ready to run:", ready(&n, files[i]),
		       ready(NULL, files[i]));
		native_free(&n);
	}
	return 0;
}

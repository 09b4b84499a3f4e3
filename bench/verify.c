/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify: how long a verdict takes: programs on which following paths explodes,
 * and a straight line, beside the running kernel's verifier, which says how long
 * it took itself (BPF_LOG_STATS, "verification time"). Each is the median of
 * some rounds; load time is not in it.
 */
#include "bench.h"
#include "base/os.h"
#include "obj/obj.h"
#include "unit/inv_shapes.h"
#include "verify/verify.h"
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 5, STATS = 4, LOG_BYTES = 1 << 16 };

static struct image *image;

static double ours(bool *ok)
{
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;

	must(verify_prog(&r, &arena, image, &image->progs[0], &opts, &err), &err);
	*ok = r.verdict == VERDICT_OK;
	arena_free(&arena);
	return (double)r.ns / 1000;
}

static int bpf(int cmd, union bpf_attr *a)
{
	return (int)syscall(SYS_bpf, cmd, a, sizeof(*a));
}

/* A file descriptor of the map of the shapes, or -1. */
static int map_fd(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
			     .value_size = VALUE_BYTES, .max_entries = 1 };

	return bpf(BPF_MAP_CREATE, &a);
}

/* Microseconds that the kernel's verifier took; negative: it was not asked. */
static double kernels(int map, bool *ok)
{
	static char log[LOG_BYTES];
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_XDP, .insns = (u64)(uintptr_t)code,
		.insn_cnt = n, .license = (u64)(uintptr_t)"GPL", .log_level = STATS,
		.log_buf = (u64)(uintptr_t)log, .log_size = LOG_BYTES };
	double us = -1;
	char *at;
	int fd;

	if (map < 0)
		return us;
	code[1].src_reg = BPF_PSEUDO_MAP_VALUE;
	code[1].imm = map;
	log[0] = 0;
	fd = bpf(BPF_PROG_LOAD, &a);
	*ok = fd >= 0;
	if (fd >= 0)
		close(fd);
	at = strstr(log, "verification time ");
	if (at)
		us = atof(at + strlen("verification time "));
	return us;
}

static void measure(const char *name, int map)
{
	double us[ROUNDS], theirs[ROUNDS];
	bool ok = false, kernel_ok = false;
	struct skep_err err;

	must(obj_from_insns(&image, BPF_PROG_TYPE_XDP, name, code, n, &shape_map, 1, "GPL",
			    &err), &err);
	for (u32 i = 0; i < ROUNDS; i++) {
		us[i] = ours(&ok);
		theirs[i] = kernels(map, &kernel_ok);
	}
	printf("%-28s %-8s %9.0f us", name, ok ? "ok" : "rejected", median(us, ROUNDS));
	if (median(theirs, ROUNDS) >= 0)
		printf("; kernel: %-8s %9.0f us, %.1fx", kernel_ok ? "ok" : "rejected",
		       theirs[ROUNDS / 2], theirs[ROUNDS / 2] / us[ROUNDS / 2]);
	printf("\n");
	image_free(image);
}

int main(void)
{
	int map = map_fd();

	sum_diamonds(VALUE_BYTES - 1);
	measure("24 diamonds that add", map);
	slot_diamonds(false);
	measure("24 diamonds of slots", map);
	long_loop(VALUE_BYTES - 1);
	measure("300,000 trips", map);
	nested_loops(1);
	measure("600 x 600 trips", map);
	many_jumps(VALUE_BYTES - 1);
	measure("9,000 jumps to one exit", map);
	straight_line(100000);
	measure("100,000 in a straight line", map);
	if (map >= 0)
		close(map);
	return 0;
}

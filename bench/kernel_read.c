/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_read: ring buffers of the kernel read, and many functions of a process attached
 * to, by us and by libbpf, in turns in this process, medians of ratios. Figures: records
 * a second at least as many as libbpf's ring_buffer__poll reads; attaching FUNCTIONS uprobes
 * at once, each at most as long as libbpf takes for one, and all at most 1.5 times as long as
 * the system call alone with all offsets known. libbpf before 1.3 attaches them one by one,
 * and detaching one takes the kernel a tenth of a second: of those there are BY_ONE. With a
 * newer one (make bench LIBBPF=DIR) all at once by it, too: at most its time.
 *
 * Attaches to functions of this program alone. Needs the right to load programs, and clang.
 */
#include "api/object.h"
#include "base/os.h"
#include "bench.h"
#include "kernel/link_priv.h"
#include "kernel/ring.h"
#include "model/uapi.h"
#include "skep/skep.h"
#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>
#ifdef HAVE_LIBBPF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum { RUNS = 31, RECORDS = 100000, FUNCTIONS = 1000, BY_ONE = 8, ATTACH_RUNS = 9 };

/* ---- functions -------------------------------------------------------------------- */

#define F(n) __attribute__((noinline, used)) int bench_f_##n(int x) { return x ^ 1 ## n; }
#define F10(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define F100(n) F10(n##0) F10(n##1) F10(n##2) F10(n##3) F10(n##4) \
	F10(n##5) F10(n##6) F10(n##7) F10(n##8) F10(n##9)
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
F100(0) F100(1) F100(2) F100(3) F100(4) F100(5) F100(6) F100(7) F100(8) F100(9)

#undef F
#define F(n) bench_f_##n,
static int (*const functions[])(int) = {
	F100(0) F100(1) F100(2) F100(3) F100(4) F100(5) F100(6) F100(7) F100(8) F100(9)
};

/* ---- reading ----------------------------------------------------------------------- */

static u64 sum_ours, sum_theirs;

static int see_ours(void *arg, const struct map_event *e)
{
	sum_ours += ((const u64 *)e->data)[1];
	return 0;
}

static int see_theirs(void *arg, void *data, size_t size)
{
	sum_theirs += ((const u64 *)data)[1];
	return 0;
}

static void fill(int prog)
{
	static u8 packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = RECORDS);

	if (bpf_prog_test_run_opts(prog, &o))
		exit((perror("test run"), 1));
}

static double time_ours(struct kernel_ring *r, int map)
{
	struct pollfd ready = { .fd = map, .events = POLLIN };
	u64 start = os_clock_ns();
	s64 n = 0, got;

	poll(&ready, 1, 100);
	while ((got = kernel_ring_read(r, see_ours, NULL)) > 0)
		n += got;
	if (n != RECORDS)
		exit((fprintf(stderr, "%lld records\n", (long long)n), 1));
	return (double)(os_clock_ns() - start);
}

static double time_theirs(struct ring_buffer *rb)
{
	u64 start = os_clock_ns();
	int n = ring_buffer__poll(rb, 100);

	if (n != RECORDS)
		exit((fprintf(stderr, "libbpf: %d records\n", n), 1));
	return (double)(os_clock_ns() - start);
}

static void reading(struct bpf_object *obj)
{
	int map = bpf_object__find_map_fd_by_name(obj, "records");
	int prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "record"));
	struct ring_buffer *rb = ring_buffer__new(map, see_theirs, NULL, NULL);
	double ratio[RUNS], ours[RUNS], theirs[RUNS];
	struct kernel_ring r;

	if (!rb || kernel_ring_open(&r, map, BPF_MAP_TYPE_RINGBUF, 1 << 22))
		exit((perror("ring buffer"), 1));
	for (int i = 0; i < RUNS; i++) {
		bool first = i % 2;

		fill(prog);
		if (first)
			ours[i] = time_ours(&r, map);
		else
			theirs[i] = time_theirs(rb);
		fill(prog);
		if (first)
			theirs[i] = time_theirs(rb);
		else
			ours[i] = time_ours(&r, map);
		ratio[i] = theirs[i] / ours[i];
	}
	if (sum_ours != sum_theirs)
		exit((fputs("the records differ\n", stderr), 1));
	printf("ring buffer, 32 bytes: %.1f M records/s, libbpf %.1f: %.2f (at least 1.0)\n",
	       RECORDS * 1e3 / median(ours, RUNS), RECORDS * 1e3 / median(theirs, RUNS),
	       median(ratio, RUNS));
	kernel_ring_close(&r);
	ring_buffer__free(rb);
}

/* ---- attaching --------------------------------------------------------------------- */

/* The kernel takes probes out later than it says: without a pause who comes next pays. */
static void settle(void) { usleep(300000); }

static double attach_ours(struct skep_object *obj, u32 prog)
{
	struct link_where w;
	struct skep_err err;
	struct link l = { 0 };
	u64 start;
	double ns;

	link_where_init(&w);
	w.at = "/proc/self/exe:bench_f_*";
	w.pid = (u32)getpid();
	settle();
	start = os_clock_ns();
	must(link_attach(&l, obj->backend, prog, &w, &err), &err);
	ns = (double)(os_clock_ns() - start);
	if (l.places != FUNCTIONS)
		exit((fprintf(stderr, "%u places\n", l.places), 1));
	link_detach(&l);
	return ns;
}

/* The system call alone. */
static double attach_bare(int prog)
{
	static u64 offsets[FUNCTIONS];
	struct link_attr a = { .prog_fd = (u32)prog, .attach_type = UAPI_TRACE_UPROBE_MULTI };
	Dl_info at;
	u64 start;
	double ns;
	int fd;

	dladdr((const void *)(uintptr_t)functions[0], &at);
	for (int i = 0; i < FUNCTIONS; i++)
		offsets[i] = (uintptr_t)functions[i] - (uintptr_t)at.dli_fbase;
	a.u.uprobe_multi.path = (uintptr_t)"/proc/self/exe";
	a.u.uprobe_multi.offsets = (uintptr_t)offsets;
	a.u.uprobe_multi.cnt = FUNCTIONS;
	a.u.uprobe_multi.pid = (u32)getpid();
	settle();
	start = os_clock_ns();
	fd = link_create(&a);
	ns = (double)(os_clock_ns() - start);
	if (fd < 0)
		exit((fprintf(stderr, "link: %s\n", strerror(-fd)), 1));
	close(fd);
	return ns;
}

/* Of one of BY_ONE. */
static double attach_theirs(struct bpf_program *prog)
{
	struct bpf_link *links[BY_ONE];
	u64 start = os_clock_ns();
	double ns;

	for (int i = 0; i < BY_ONE; i++) {
		char name[32];
		LIBBPF_OPTS(bpf_uprobe_opts, o, .func_name = name);

		snprintf(name, sizeof(name), "bench_f_%03d", i);
		links[i] = bpf_program__attach_uprobe_opts(prog, getpid(), "/proc/self/exe", 0, &o);
		if (!links[i])
			exit((perror("libbpf: uprobe"), 1));
	}
	ns = (double)(os_clock_ns() - start);
	for (int i = 0; i < BY_ONE; i++)
		bpf_link__destroy(links[i]);
	return ns / BY_ONE;
}

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
#define ALL_AT_ONCE 1
static double attach_all_theirs(struct bpf_program *prog)
{
	struct bpf_link *link;
	u64 start;
	double ns;

	settle();
	start = os_clock_ns();
	link = bpf_program__attach_uprobe_multi(prog, getpid(), "/proc/self/exe", "bench_f_*",
						NULL);
	ns = (double)(os_clock_ns() - start);
	if (!link)
		exit((perror("libbpf: uprobe.multi"), 1));
	bpf_link__destroy(link);
	return ns;
}
#else
#define ALL_AT_ONCE 0
static double attach_all_theirs(struct bpf_program *prog) { return 0; }
#endif

static struct skep_object *load_ours(const char *path, u32 *prog)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	struct skep_object *obj;
	struct skep_err err;

	must(skep_object_open(&obj, path, &err), &err);
	must(skep_object_load(obj, &opts, &err), &err);
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (!strcmp(obj->img->progs[i].name, "on_all"))
			*prog = (u32)obj->progs[i].loaded;
	return obj;
}

static void attaching(struct bpf_object *theirs, const char *path)
{
	struct bpf_program *by_one = bpf_object__find_program_by_name(theirs, "on_one");
	struct bpf_program *at_once = bpf_object__find_program_by_name(theirs, "on_all");
	double ratio[ATTACH_RUNS], ratio_one[ATTACH_RUNS], ratio_all[ATTACH_RUNS];
	double ours[ATTACH_RUNS], one[ATTACH_RUNS], bare[ATTACH_RUNS], all[ATTACH_RUNS];
	u32 prog = 0;
	struct skep_object *obj = load_ours(path, &prog);

	for (int i = 0; i < ATTACH_RUNS; i++) {
		/* who comes first after the probes before are gone takes longer */
		if (i & 1)
			all[i] = attach_all_theirs(at_once);
		ours[i] = attach_ours(obj, prog);
		bare[i] = attach_bare(kernel_prog_fd(obj->backend, prog));
		one[i] = attach_theirs(by_one);
		ratio[i] = ours[i] / bare[i];
		ratio_one[i] = ours[i] / FUNCTIONS / one[i];
		if (!(i & 1))
			all[i] = attach_all_theirs(at_once);
		ratio_all[i] = ours[i] / all[i];
	}
	printf("attaching %d uprobes: %.2f ms, the system call %.2f: %.2f (at most 1.5)\n",
	       FUNCTIONS, median(ours, ATTACH_RUNS) / 1e6, median(bare, ATTACH_RUNS) / 1e6,
	       median(ratio, ATTACH_RUNS));
	printf("one of these: %.1f us, by libbpf %d.%d %.1f: %.4f (at most 1.0)\n",
	       median(ours, ATTACH_RUNS) / FUNCTIONS / 1e3, LIBBPF_MAJOR_VERSION,
	       LIBBPF_MINOR_VERSION, median(one, ATTACH_RUNS) / 1e3,
	       median(ratio_one, ATTACH_RUNS));
	if (ALL_AT_ONCE)
		printf("all at once by libbpf %d.%d: %.2f ms: %.2f (at most 1.0)\n",
		       LIBBPF_MAJOR_VERSION, LIBBPF_MINOR_VERSION,
		       median(all, ATTACH_RUNS) / 1e6, median(ratio_all, ATTACH_RUNS));
	else
		printf("all at once by libbpf: version %d.%d cannot\n", LIBBPF_MAJOR_VERSION,
		       LIBBPF_MINOR_VERSION);
	skep_object_close(obj);
}

int main(void)
{
	const char *build = getenv("BUILD");
	char path[4096];
	struct bpf_object *obj;

	snprintf(path, sizeof(path), "%s/bench/programs/probes.o", build ? build : "build");
	if (access(path, R_OK))
		return puts("kernel_read: no probes.o (clang is not installed)"), 0;
	setlinebuf(stdout);
	libbpf_set_print(NULL);
	obj = bpf_object__open(path);
	if (!obj)
		return perror(path), 1;
	bpf_program__set_autoload(bpf_object__find_program_by_name(obj, "on_all"), ALL_AT_ONCE);
	if (bpf_object__load(obj))
		return puts("kernel_read: the kernel loads no programs for this process"), 0;
	reading(obj);
	attaching(obj, path);
	bpf_object__close(obj);
	return 0;
}
#else
int main(void)
{
	puts("kernel_read: built without libbpf");
	return 0;
}
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load: opening an object and making all of its relocations with the running
 * kernel's types, from nothing: median wall time of RUNS runs, and memory. At
 * most 0.5 of what libbpf takes up to the moment when it would create the
 * first program, without creating maps, in the same runs.
 *
 * In: a file that holds objects (default: all of /usr/sbin); the largest that
 * has CO-RE relocations is taken. libbpf's side needs the right to load.
 */
#include "base/os.h"
#include "bench.h"
#include "obj/obj.h"
#include "unit/embedded.h"
#include <glob.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef HAVE_LIBBPF
#include "unit/libbpf_oracle.h"
#endif

enum { RUNS = 31 };

static struct { u8 *data; size_t bytes; char name[256]; } input;

static u64 load_ours(void)
{
	struct target t = { .opts = { 0 } };
	struct skep_err err = { 0 };
	u64 start = os_clock_ns();
	struct image *img;

	must(obj_open_for(&img, &t, input.data, input.bytes, input.name, &err), &err);
	target_close(&t);
	start = os_clock_ns() - start;
	image_free(img);
	return start;
}

static u64 load_theirs(void)
{
#ifdef HAVE_LIBBPF
	u64 start = os_clock_ns();
	struct oracle o;
	bool ok = oracle_run(&o, input.data, input.bytes, NULL);

	start = o.ns - start;
	oracle_free(&o);
	return ok ? start : 0;
#else
	return 0;
#endif
}

/* ---- the object ----------------------------------------------------------------- */

static bool has_cores(const u8 *data, size_t bytes)
{
	struct image *img;
	u32 n = 0;

	if (obj_open(&img, data, bytes, "", NULL))
		return false;
	for (u32 i = 0; i < img->nr_progs; i++)
		n += img->progs[i].nr_cores;
	image_free(img);
	return n;
}

static void look_into(const char *path)
{
	struct os_file f;
	size_t n;

	if (os_file_read(&f, path, NULL))
		return;
	for (size_t at = 0; f.size < 3 << 20 && (n = embedded_next(&f, &at)); at += n) {
		if (n <= input.bytes || !has_cores(f.data + at, n))
			continue;
		free(input.data);
		input.data = mem_alloc(n);
		input.bytes = n;
		memcpy(input.data, f.data + at, n);
		snprintf(input.name, sizeof(input.name), "%s", path);
	}
	os_file_close(&f);
}

static void find_input(int argc, char **argv)
{
	glob_t files;

	if (argc > 1) {
		look_into(argv[1]);
		return;
	}
	if (glob("/usr/sbin/*", 0, NULL, &files))
		return;
	for (size_t i = 0; i < files.gl_pathc; i++)
		look_into(files.gl_pathv[i]);
	globfree(&files);
}

/* ---- measuring ------------------------------------------------------------------- */

/* KiB that a child has at most: with LOAD, less those of one without. */
static long child_kib(u64 (*load)(void))
{
	struct rusage used;
	pid_t pid = fork();

	if (!pid) {
		if (load)
			load();
		_exit(0);
	}
	return pid > 0 && wait4(pid, NULL, 0, &used) == pid ? used.ru_maxrss : 0;
}

int main(int argc, char **argv)
{
	double ours[RUNS], theirs[RUNS], a, b;
	long none, mem_a, mem_b;

	find_input(argc, argv);
	if (!input.bytes) {
		puts("skipped: no object with CO-RE relocations");
		return 0;
	}
	none = child_kib(NULL);
	mem_a = child_kib(load_ours) - none;
	mem_b = child_kib(load_theirs) - none;
	for (int i = 0; i < RUNS; i++) {
		ours[i] = (double)load_ours() / 1e6;
		theirs[i] = (double)load_theirs() / 1e6;
	}
	a = median(ours, RUNS);
	b = median(theirs, RUNS);
	printf("%s, %zu bytes: %.2f ms, %ld KiB [median of %d; %.2f to %.2f ms]\n", input.name,
	       input.bytes, a, mem_a, RUNS, ours[0], ours[RUNS - 1]);
	if (b <= 0) {
		puts("libbpf is not installed or may not load: no ratio");
		return 0;
	}
	printf("libbpf, the same: %.2f ms, %ld KiB [%.2f to %.2f ms]\n", b, mem_b, theirs[0],
	       theirs[RUNS - 1]);
	printf("ratio: %.3f of libbpf's time, %.3f of its memory\n", a / b,
	       (double)mem_a / (double)mem_b);
	free(input.data);
	return 0;
}

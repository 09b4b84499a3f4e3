/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_real: how long a verdict takes on compiled programs, beside the running
 * kernel's verifier, which says how long it took itself (BPF_LOG_STATS,
 * "verification time"). Both in turns, ROUNDS times; the figure is the median of
 * the rounds' ratios. Figures: at most 1.0 as the median of all programs, at most
 * 2.0 for any, memory at most 30 MiB and 32 bytes for each instruction.
 *
 * In: files that hold objects; default: those of programs/ beside this command, which
 * the Makefile compiles, and all in /usr/sbin. Programs count that both accept and
 * that have, or of which the kernel looks at, LEAST instructions. A process of its
 * own verifies each for its memory. Needs the right to load; attaches nothing.
 */
#include "api/object.h"
#include "base/os.h"
#include "bench.h"
#include "btf/btf.h"
#include "unit/embedded.h"
#include "verify/verify.h"
#include <dlfcn.h>
#include <glob.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 15, STATS = 4, LEAST = 1000, LOG_BYTES = 1 << 16, MAX_RATIOS = 4096 };

/* ---- the kernel's time ------------------------------------------------------- */

/* Which program's load is to tell, and what it told. */
static struct asked {
	const struct image_prog *prog;
	double us;		/* negative: nothing */
	u32 visited;
} asked;

static char log_text[LOG_BYTES];

static bool is_asked(int cmd, const union bpf_attr *a)
{
	return cmd == BPF_PROG_LOAD && asked.prog && a->insn_cnt == asked.prog->nr_insns &&
	       !strncmp(a->prog_name, asked.prog->name, sizeof(a->prog_name) - 1);
}

static double number_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at ? atof(at + strlen(word)) : -1;
}

/* In place of libc's: the load that is asked about gets a log. */
long syscall(long nr, ...)
{
	static long (*real)(long nr, ...);
	union bpf_attr attr = { 0 };
	long a[6], r;
	va_list ap;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr != SYS_bpf || !is_asked((int)a[0], (void *)a[1]))
		return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	memcpy(&attr, (void *)a[1], min_u64((u64)a[2], sizeof(attr)));
	attr.log_level = STATS;
	attr.log_buf = (uintptr_t)log_text;
	attr.log_size = LOG_BYTES;
	log_text[0] = 0;
	r = real(nr, a[0], &attr, sizeof(attr));
	if (r >= 0) {
		asked.us = number_after(log_text, "verification time ");
		asked.visited = (u32)number_after(log_text, "processed ");
	}
	return r;
}

static double kernels(struct skep_object *obj, u32 i)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	const struct prog_set only = { &i, 1 };
	struct skep_object *twin = object_twin(obj);
	struct skep_err err = { 0 };

	asked = (struct asked){ .prog = &obj->img->progs[i], .us = -1 };
	object_load(twin, &opts, &only, &err);
	skep_object_close(twin);
	return asked.us;
}

/* ---- ours -------------------------------------------------------------------- */

static struct btf_file types;

static void open_types(void)
{
	struct skep_err err;

	if (types.btf || btf_open_file(&types, "/sys/kernel/btf/vmlinux", NULL, &err))
		return;
	btf_index(types.btf, &types.arena);
}

static double ours(const struct image *img, u32 i, struct verify_result *r)
{
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .vmlinux = types.btf };
	struct arena arena = ARENA_INIT;
	struct skep_err err;

	must(verify_prog(r, &arena, img, &img->progs[i], &opts, &err), &err);
	arena_free(&arena);
	return (double)r->ns / 1000;
}

/* ---- memory ------------------------------------------------------------------ */

/* This process's highest, in KiB; getrusage(2) would count its parent's, too. */
static long peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "VmHWM: %ld", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib;
}

static int once(const char *path, u32 i)
{
	struct skep_object *obj;
	struct verify_result r;
	struct skep_err err;

	must(skep_object_open(&obj, path, &err), &err);
	open_types();
	ours(obj->img, i, &r);
	printf("%ld\n", peak_kib());
	skep_object_close(obj);
	return 0;
}

/* KiB that a process has at most which does nothing but judge program I. */
static long process_kib(const void *data, size_t bytes, u32 i)
{
	char command[128];
	int fd = os_temp_open();
	long kib = 0;
	FILE *f;

	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
		return 0;
	snprintf(command, sizeof(command), "/proc/%d/exe --once /proc/%d/fd/%d %u", (int)getpid(),
		 (int)getpid(), fd, i);
	f = popen(command, "re");
	if (!f || fscanf(f, "%ld", &kib) != 1)
		kib = 0;
	if (f)
		pclose(f);
	close(fd);
	return kib;
}

/* ---- measuring --------------------------------------------------------------- */

static double ratios[MAX_RATIOS];
static size_t nr_ratios;
static u32 over_memory;

static void measure(struct skep_object *obj, u32 i, const void *data, size_t bytes)
{
	const struct image_prog *p = &obj->img->progs[i];
	double us[ROUNDS], theirs[ROUNDS], ratio[ROUNDS], mid;
	long kib = process_kib(data, bytes, i), limit = (30 << 10) + 32 * (long)p->nr_insns / 1024;
	struct verify_result r;

	for (u32 n = 0; n < ROUNDS; n++) {
		us[n] = ours(obj->img, i, &r);
		theirs[n] = kernels(obj, i);
		ratio[n] = us[n] / theirs[n];
	}
	mid = median(ratio, ROUNDS);
	printf("%-24.24s %-24.24s %6u insns; kernel %7u visited %8.0f us; ours %7llu %8.0f us; "
	       "ratio %.2f (%.2f to %.2f)%s; %ld KiB%s%s\n", obj->img->file, p->name, p->nr_insns,
	       asked.visited, median(theirs, ROUNDS), (unsigned long long)r.visited,
	       median(us, ROUNDS), mid, ratio[0], ratio[ROUNDS - 1], mid > 2 ? " OVER" : "",
	       kib, kib > limit ? " OVER" : "", r.by_invariants ? "; by invariants" : "");
	fflush(stdout);
	over_memory += kib > limit;
	if (nr_ratios < MAX_RATIOS)
		ratios[nr_ratios++] = mid;
}

static void look_at(const u8 *data, size_t bytes, const char *name)
{
	struct skep_object *obj;
	struct verify_result r;
	struct skep_err err;

	if (object_open(&obj, NULL, data, bytes, name, &err))
		return;
	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		const struct image_prog *p = &obj->img->progs[i];

		if (!p->nr_insns || kernels(obj, i) < 0 ||
		    (p->nr_insns < LEAST && asked.visited < LEAST))
			continue;
		ours(obj->img, i, &r);
		if (r.verdict == VERDICT_OK)
			measure(obj, i, data, bytes);
		else
			printf("%-24.24s %-24.24s %6u insns; kernel ok, ours %s\n", name, p->name,
			       p->nr_insns, verdict_word(r.verdict));
	}
	skep_object_close(obj);
}

static void look_into(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct os_file f;
	size_t n;

	if (os_file_read(&f, path, NULL))
		return;
	for (size_t at = 0; f.size < 3 << 20 && (n = embedded_next(&f, &at)); at += n)
		look_at(f.data + at, n, slash ? slash + 1 : path);
	os_file_close(&f);
}

static void look_at_all(const char *pattern)
{
	glob_t files;

	if (glob(pattern, 0, NULL, &files))
		return;
	for (size_t i = 0; i < files.gl_pathc; i++)
		look_into(files.gl_pathv[i]);
	globfree(&files);
}

/* The objects in the folder programs beside this command. */
static void look_beside(const char *self)
{
	const char *slash = strrchr(self, '/');
	char pattern[4096];

	snprintf(pattern, sizeof(pattern), "%.*sprograms/*.o", slash ? (int)(slash + 1 - self) : 0,
		 self);
	look_at_all(pattern);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--once"))
		return once(argv[2], (u32)atoi(argv[3]));
	open_types();
	for (int i = 1; i < argc; i++)
		look_into(argv[i]);
	if (argc == 1) {
		look_beside(argv[0]);
		look_at_all("/usr/sbin/*");
	}
	if (!nr_ratios) {
		puts("skipped: no program that this kernel lets this process load");
		return 0;
	}
	printf("%zu programs: median %.2f of the kernel's time (at most 1.0), ", nr_ratios,
	       median(ratios, nr_ratios));
	printf("most %.2f (at most 2.0); %u above 30 MiB and 32 bytes for each instruction\n",
	       ratios[nr_ratios - 1], over_memory);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_kernel: opening an object and loading it into the running kernel, by us
 * and by libbpf (bpf_object__open_mem and __load), in turns, median of RUNS.
 * Processor time, the kernel's included, which other loads disturb less. Time
 * inside bpf(2) is told apart by this program's own syscall(3), which
 * both sides call. Figures: our time outside bpf(2) at most 0.25 of all that
 * libbpf takes, our whole at most 1.0 of it, memory at most 0.5.
 *
 * In: files that hold objects (default: all of /usr/sbin); the OBJECTS largest that
 * both load are measured. Needs the right to load; attaches nothing.
 */
#include "base/os.h"
#include "bench.h"
#include "skep/skep.h"
#include "unit/embedded.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HAVE_LIBBPF
#include <bpf/libbpf.h>
#include <glob.h>

enum { RUNS = 31, OBJECTS = 5, CANDIDATES = 256 };

/* ---- time inside bpf(2) ------------------------------------------------------------ */

static u64 bpf_ns;

/* In place of libc's, for this program and the libraries under it. */
long syscall(long nr, ...)
{
	static long (*real)(long nr, ...);
	u64 start = nr == SYS_bpf ? os_clock_cpu_ns() : 0;
	long a[6], r;
	va_list ap;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	r = real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (nr == SYS_bpf)
		bpf_ns += os_clock_cpu_ns() - start;
	return r;
}

/* ---- both sides --------------------------------------------------------------------- */

struct object { u8 *data; size_t bytes; char name[64]; };
struct took { u64 all, bpf; };	/* ns */

static bool load_ours(const struct object *o, struct took *t)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	u64 start = os_clock_cpu_ns();
	struct skep_object *obj;
	bool ok;

	bpf_ns = 0;
	if (skep_object_open_mem(&obj, o->data, o->bytes, o->name, NULL))
		return false;
	ok = !skep_object_load(obj, &opts, NULL);
	*t = (struct took){ os_clock_cpu_ns() - start, bpf_ns };
	skep_object_close(obj);
	return ok;
}

static bool load_theirs(const struct object *o, struct took *t)
{
	u64 start = os_clock_cpu_ns();
	struct bpf_object *obj;
	bool ok;

	bpf_ns = 0;
	obj = bpf_object__open_mem(o->data, o->bytes, NULL);
	ok = obj && !bpf_object__load(obj);
	*t = (struct took){ os_clock_cpu_ns() - start, bpf_ns };
	bpf_object__close(obj);
	return ok;
}

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

/* KiB that a process of its own has at most which loads O as HOW says ("none":
 * not at all). Nothing that this one has freed is there to be used again. */
static long process_kib(const struct object *o, const char *how)
{
	char path[32], command[128];
	int fd = os_temp_open();
	long kib = 0;
	FILE *f;

	if (fd < 0 || write(fd, o->data, o->bytes) != (ssize_t)o->bytes)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	snprintf(command, sizeof(command), "/proc/%d/exe --once %s %s", (int)getpid(), how, path);
	f = popen(command, "re");
	if (!f || fscanf(f, "%ld", &kib) != 1)
		kib = 0;
	if (f)
		pclose(f);
	close(fd);
	return kib;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap) { return 0; }

static int once(const char *how, const char *path)
{
	struct object o = { .name = "once" };
	struct os_file f;
	struct took t;

	libbpf_set_print(quiet);
	if (os_file_read(&f, path, NULL))
		return 1;
	o.data = mem_alloc(f.size);	/* as the parent has it */
	o.bytes = f.size;
	memcpy(o.data, f.data, f.size);
	if (!strcmp(how, "ours"))
		load_ours(&o, &t);
	else if (!strcmp(how, "theirs"))
		load_theirs(&o, &t);
	printf("%ld\n", peak_kib());
	return 0;
}

/* ---- objects ------------------------------------------------------------------------- */

static struct object objects[CANDIDATES];
static size_t nr_objects;

static void look_into(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct os_file f;
	size_t n;

	if (os_file_read(&f, path, NULL))
		return;
	for (size_t at = 0; f.size < 3 << 20 && (n = embedded_next(&f, &at)); at += n) {
		struct object *o = &objects[nr_objects];

		if (nr_objects == CANDIDATES)
			break;
		o->data = mem_alloc(n);
		o->bytes = n;
		memcpy(o->data, f.data + at, n);
		snprintf(o->name, sizeof(o->name), "%s", slash ? slash + 1 : path);
		nr_objects++;
	}
	os_file_close(&f);
}

static int larger_first(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static void find_objects(int argc, char **argv)
{
	glob_t files;

	for (int i = 1; i < argc; i++)
		look_into(argv[i]);
	if (argc == 1 && !glob("/usr/sbin/*", 0, NULL, &files)) {
		for (size_t i = 0; i < files.gl_pathc; i++)
			look_into(files.gl_pathv[i]);
		globfree(&files);
	}
	qsort(objects, nr_objects, sizeof(*objects), larger_first);
}

/* ---- measuring ------------------------------------------------------------------------ */

static void measure(const struct object *o)
{
	double ours[RUNS], own[RUNS], theirs[RUNS], a, b, c;
	struct took t = { 0 };
	long none = process_kib(o, "none");
	long mine = process_kib(o, "ours") - none, other = process_kib(o, "theirs") - none;

	for (int i = 0; i < RUNS; i++) {
		load_ours(o, &t);
		ours[i] = (double)t.all / 1e6;
		own[i] = (double)(t.all - t.bpf) / 1e6;
		load_theirs(o, &t);
		theirs[i] = (double)t.all / 1e6;
	}
	a = median(own, RUNS);
	b = median(ours, RUNS);
	c = median(theirs, RUNS);
	printf("%s, %zu bytes: %.2f ms, of them %.2f outside bpf(2), %ld KiB; libbpf %.2f ms, "
	       "%ld KiB [median of %d; %.2f to %.2f, libbpf %.2f to %.2f ms]\n", o->name, o->bytes,
	       b, a, mine, c, other, RUNS, ours[0], ours[RUNS - 1], theirs[0], theirs[RUNS - 1]);
	printf("ratio: outside bpf(2) %.3f, whole %.3f, memory %.3f of libbpf's whole\n", a / c,
	       b / c, other > 0 ? (double)mine / (double)other : 0);
}

int main(int argc, char **argv)
{
	struct took t;
	int done = 0;

	if (argc == 4 && !strcmp(argv[1], "--once"))
		return once(argv[2], argv[3]);
	libbpf_set_print(quiet);
	find_objects(argc, argv);
	for (size_t i = 0; i < nr_objects && done < OBJECTS; i++) {
		if (!load_theirs(&objects[i], &t) || !load_ours(&objects[i], &t))
			continue;
		measure(&objects[i]);
		done++;
	}
	if (!done)
		puts("skipped: no object that this kernel lets this process load");
	for (size_t i = 0; i < nr_objects; i++)
		free(objects[i].data);
	return 0;
}
#else
int main(void)
{
	puts("skipped: built without libbpf");
	return 0;
}
#endif

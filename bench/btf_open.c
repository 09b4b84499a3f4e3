/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_open: opening the kernel's BTF and looking up three types by name (a
 * struct, another, a function): median wall time of RUNS runs, each from
 * nothing. At most 4 ms. libbpf does the same in the same runs when it is
 * installed. Then 500 further names with an index, its making included.
 *
 * In: /sys/kernel/btf/vmlinux.
 */
#include "base/os.h"
#include "btf/btf.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 41, MANY = 500 };

#define VMLINUX "/sys/kernel/btf/vmlinux"

static const struct { const char *name; u32 kind; } wanted[] = {
	{ "task_struct", BTF_KIND_STRUCT },
	{ "sk_buff", BTF_KIND_STRUCT },
	{ "vfs_read", BTF_KIND_FUNC },
};

static u32 open_ours(void)
{
	struct btf_file f;
	u32 sum = 0;

	if (btf_open_file(&f, VMLINUX, NULL, NULL))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		sum += btf_find(f.btf, wanted[i].name, wanted[i].kind);
	btf_close_file(&f);
	return sum;
}

/* ---- libbpf, by dlopen: its names are those of ours ---------------------------- */

struct libbpf {
	void *(*parse)(const char *path, void *base);
	int (*find)(const void *btf, const char *name, u32 kind);
	void (*free)(void *btf);
} libbpf;

static bool load_libbpf(void)
{
	void *lib = os_lib_open("libbpf.so.1");

	if (!lib)
		return false;
	libbpf.parse = os_lib_sym(lib, "btf__parse_split");
	libbpf.find = os_lib_sym(lib, "btf__find_by_name_kind");
	libbpf.free = os_lib_sym(lib, "btf__free");
	return libbpf.parse && libbpf.find && libbpf.free;
}

static u32 open_theirs(void)
{
	void *btf = libbpf.parse(VMLINUX, NULL);
	u32 sum = 0;

	for (size_t i = 0; btf && i < ARRAY_LEN(wanted); i++)
		sum += (u32)libbpf.find(btf, wanted[i].name, wanted[i].kind);
	libbpf.free(btf);
	return sum;
}

/* ---- many names ------------------------------------------------------------------ */

static u32 find_many(void)
{
	struct btf_file f;
	u32 found = 0;

	if (btf_open_file(&f, VMLINUX, NULL, NULL))
		return 0;
	btf_index(f.btf, &f.arena);
	for (u32 i = 0; i < MANY; i++) {
		u32 id = f.btf->nr_types / MANY * i + 1;
		const char *name = btf_type_name(f.btf, id);
		u32 kind = btf_kind(btf_type(f.btf, id));

		found += *name && btf_find(f.btf, name, kind) <= id;
	}
	btf_close_file(&f);
	return found;
}

/* ---- measuring -------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double time_once(u32 (*run)(void), u32 *result)
{
	u64 start = os_clock_ns();

	*result = run();
	return (double)(os_clock_ns() - start) / 1e6;
}

static double print(const char *what, double *ms)
{
	qsort(ms, RUNS, sizeof(*ms), by_value);
	printf("%s: %.2f ms [median of %d; %.2f to %.2f]\n", what, ms[RUNS / 2],
	       RUNS, ms[0], ms[RUNS - 1]);
	return ms[RUNS / 2];
}

/* Bytes that a process gets for RUN, in KiB: those of a child that does it
 * less those of one that does nothing. */
static long child_kib(u32 (*run)(void))
{
	struct rusage used;
	pid_t pid = fork();

	if (pid == 0) {
		if (run)
			run();
		_exit(0);
	}
	return pid > 0 && wait4(pid, NULL, 0, &used) == pid ? used.ru_maxrss : 0;
}

int main(void)
{
	double ours[RUNS], theirs[RUNS], many[RUNS], first, other;
	u32 a, b = 0, c;
	bool both = load_libbpf();
	long none = child_kib(NULL);

	if (access(VMLINUX, R_OK)) {
		printf("skipped: no %s\n", VMLINUX);
		return 0;
	}
	printf("memory: %ld KiB", child_kib(open_ours) - none);
	if (both)
		printf(", libbpf %ld KiB", child_kib(open_theirs) - none);
	printf("\n");
	for (int i = 0; i < RUNS; i++) {
		ours[i] = time_once(open_ours, &a);
		if (both)
			theirs[i] = time_once(open_theirs, &b);
		many[i] = time_once(find_many, &c);
	}
	if (!a || !c || (both && a != b)) {
		fprintf(stderr, "different types were found: %u, %u, %u\n", a, b, c);
		return 1;
	}
	first = print("open and 3 names", ours);
	if (both) {
		other = print("libbpf, the same", theirs);
		printf("ratio: %.2f of libbpf's time\n", first / other);
	} else {
		printf("libbpf is not installed: no ratio\n");
	}
	print("open, index and 500 names", many);
	return 0;
}

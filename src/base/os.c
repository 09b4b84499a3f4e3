/* SPDX-License-Identifier: BSD-2-Clause */
/* os.c: Linux behind os.h. */
#include "base/os.h"
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/vec.h"
#if __has_include(<sys/single_threaded.h>)	/* glibc 2.32 */
#include <sys/single_threaded.h>
#define SINGLE_THREADED 1
#endif

/* ---- memory --------------------------------------------------------- */

_Noreturn void mem_out(size_t bytes)
{
	fprintf(stderr, "skep: out of memory (%zu bytes)\n", bytes);
	abort();
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		mem_out(size);
	return p;
}

enum { HUGE_BYTES = 2 << 20 };

void os_mem_huge(void *p, size_t bytes)
{
	u8 *from = (u8 *)round_up((uintptr_t)p, HUGE_BYTES), *end = (u8 *)p + bytes;

	if (from < end && end - from >= HUGE_BYTES)
		madvise(from, (size_t)(end - from) / HUGE_BYTES * HUGE_BYTES, MADV_HUGEPAGE);
}

void *mem_resize(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		mem_out(size);
	return p;
}

char *mem_strdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_alloc(n), s, n);
}

void *vec_grow(void *v, size_t *cap, size_t size)
{
	*cap = *cap ? *cap * 2 : 8;
	return mem_resize(v, *cap * size);
}

void *os_map_lazy(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Where a large page begins in more than was asked for, and the rest is given back. */
static u8 *large_start(u8 *p, size_t size)
{
	u8 *start = (u8 *)round_up((uintptr_t)p, HUGE_BYTES);

	if (start > p)
		munmap(p, (size_t)(start - p));
	if (start < p + HUGE_BYTES)
		munmap(start + size, (size_t)(p + HUGE_BYTES - start));
	return start;
}

void *os_map_dense(size_t size, size_t often)
{
	size_t large = min_u64(round_up(often, HUGE_BYTES), size / HUGE_BYTES * HUGE_BYTES);
	size_t all = round_up(size, os_page());
	u8 *p;

	if (often < 2 * HUGE_BYTES)
		return os_map_lazy(size);
	p = os_map_lazy(all + HUGE_BYTES);
	if (!p)
		return NULL;
	p = large_start(p, all);
	madvise(p, large, MADV_HUGEPAGE);
	return p;
}

static void *map_at(u64 at, size_t size, int flags)
{
	void *p = mmap((void *)(uintptr_t)at, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *os_map_window(u64 wanted, size_t size, size_t more)
{
	u8 *p = wanted ? map_at(wanted, size + more, MAP_FIXED_NOREPLACE) : NULL, *start;

	if (p)
		return p;
	p = map_at(0, 2 * size + more, 0);
	if (!p)
		return NULL;
	start = (u8 *)(uintptr_t)round_up((uintptr_t)p, size);
	if (start > p)
		munmap(p, (size_t)(start - p));
	if (start < p + size)
		munmap(start + size + more, (size_t)(p + size - start));
	return start;
}

bool os_page_touched(const void *p)
{
	unsigned char there = 0;

	return !mincore((void *)(uintptr_t)p, 1, &there) && there & 1;
}

void os_page_drop(void *p, size_t size) { madvise(p, size, MADV_DONTNEED); }

/* Below NEAR, since the heap grows above a program's code; each below the last
 * one, so that a free place is found at once. */
void *os_exec_alloc(size_t size, const void *near)
{
	static uintptr_t last;
	const uintptr_t step = 16 << 20, reach = 1 << 30, at = (uintptr_t)near;
	uintptr_t from = __atomic_load_n(&last, __ATOMIC_RELAXED);

	if (from >= at || at - from > reach)
		from = at > step ? at - step : 0;
	for (uintptr_t away = 0; away < reach && from > away + size; away += step) {
		uintptr_t want = (from - away - size) & ~(uintptr_t)4095;
		void *p = mmap((void *)want, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p == (void *)want) {
			__atomic_store_n(&last, want, __ATOMIC_RELAXED);
			return p;
		}
		if (p != MAP_FAILED)	/* a kernel that does not know the flag */
			munmap(p, size);
		else if (errno != EEXIST)
			break;
	}
	return os_map_lazy(size);
}

int os_exec_seal(void *p, size_t *size, size_t bytes)
{
	size_t keep = (size_t)round_up(bytes, 4096);

	if (keep < *size)
		munmap((u8 *)p + keep, *size - keep);
	*size = keep;
	if (mprotect(p, keep, PROT_READ | PROT_EXEC))
		return -1;
	/* where what was written does not reach the instruction cache by itself */
	__builtin___clear_cache((char *)p, (char *)p + keep);
	return 0;
}

void os_exec_free(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

/* By a file without a name, whose pages may be mapped as often as one likes. */
static void *ring_of_file(size_t head, size_t data)
{
	int fd = os_temp_open();
	void *p = NULL;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, (off_t)(head + data)))
		p = os_shared_ring(fd, 0, head, data, NULL);
	close(fd);
	return p;
}

void *os_map_ring(size_t head, size_t data)
{
	u8 *p = mmap(NULL, head + 2 * data, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* an old size of 0 makes a second mapping of the same shared pages; emulators of
	   a kernel do not know that */
	if (mremap(p + head, 0, data, MREMAP_MAYMOVE | MREMAP_FIXED,
		   p + head + data) != MAP_FAILED)
		return p;
	munmap(p, head + 2 * data);
	return ring_of_file(head, data);
}

void os_unmap(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

enum { PAGEMAP_BATCH = 4096 };	/* pages asked for at once */

/* The flags of N pages from number PAGE on; how many came. */
static size_t read_pagemap(int fd, u64 page, u64 *flags, size_t n)
{
	ssize_t got = pread(fd, flags, n * sizeof(*flags), (off_t)(page * sizeof(*flags)));

	return got < 0 ? 0 : (size_t)got / sizeof(*flags);
}

/* In memory or in swap space. */
static bool is_touched(u64 flags) { return flags >> 62; }

/* Pages [*PAGE, the result) are touched; both are END when none is. */
static u64 touched_pages(int fd, u64 *page, u64 end)
{
	u64 flags[PAGEMAP_BATCH];
	size_t n, i, k;

	for (; *page < end; *page += n) {
		n = end - *page < PAGEMAP_BATCH ? end - *page : PAGEMAP_BATCH;
		if (read_pagemap(fd, *page, flags, n) != n)
			return end;
		for (i = 0; i < n && !is_touched(flags[i]); i++)
			;
		for (k = i; k < n && is_touched(flags[k]); k++)
			;
		if (i < n) {
			*page += i;
			return *page + (k - i);
		}
	}
	*page = end;
	return end;
}

/* What ioctl PAGEMAP_SCAN of linux/fs.h takes, which headers have since Linux 6.7 only. */
struct page_scan {
	u64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
	u64 inverted, all_of, any_of, given;
};
struct page_run { u64 start, end, is; };
enum { PAGE_PRESENT = 1 << 3, PAGE_SWAPPED = 1 << 4 };

/* As touched_pages(), by one call that passes over what was never touched; false: this kernel
 * does not have it. */
static bool scanned_pages(int fd, u64 *page, u64 end, u64 size, u64 *last)
{
	struct page_run run = { 0 };
	struct page_scan scan = { .size = sizeof(scan), .start = *page * size, .end = end * size,
		.vec = (uintptr_t)&run, .vec_len = 1, .any_of = PAGE_PRESENT | PAGE_SWAPPED,
		.given = PAGE_PRESENT | PAGE_SWAPPED };
	int n = ioctl(fd, _IOWR('f', 16, struct page_scan), &scan);

	if (n < 0)
		return false;
	*page = n ? run.start / size : end;
	*last = n ? run.end / size : end;
	return true;
}

size_t os_map_touched(const void *base, size_t *from, size_t to)
{
	u64 size = (u64)sysconf(_SC_PAGESIZE), start = (uintptr_t)base;
	u64 page = (start + *from) / size, end = (start + to + size - 1) / size, last;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return to;
	if (!scanned_pages(fd, &page, end, size, &last))
		last = touched_pages(fd, &page, end);
	close(fd);
	if (page * size > start + *from)
		*from = page * size - start < to ? page * size - start : to;
	return last * size - start < to ? last * size - start : to;
}

/* ---- time and machine ------------------------------------------------ */

static u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

u64 os_clock_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
u64 os_clock_real_ns(void) { return clock_ns(CLOCK_REALTIME); }
u64 os_clock_boot_ns(void) { return clock_ns(CLOCK_BOOTTIME); }
u64 os_clock_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
u64 os_clock_thread_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }
u64 os_clock_tai_ns(void) { return clock_ns(CLOCK_TAI); }
u64 os_clock_coarse_ns(void) { return clock_ns(CLOCK_MONOTONIC_COARSE); }

int os_cpu_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	return n > 0 ? (int)n : 1;
}

void os_yield(void) { sched_yield(); }

void os_kernel(char *release, char *build, size_t size)
{
	struct utsname u;

	if (uname(&u))
		memset(&u, 0, sizeof(u));
	snprintf(release, size, "%s", u.release);
	snprintf(build, size, "%s", u.version);
}

/* Two system calls, but for the first time in a thread; a child asks again. */
static _Thread_local u64 pid_tgid;

static void forget_pid(void) { pid_tgid = 0; }
static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_pid); }

static u64 ask_pid_tgid(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	pid_tgid = (u64)(u32)getpid() << 32 | (u32)gettid();
	return pid_tgid;
}

const char *os_single_threaded(void)
{
#ifdef SINGLE_THREADED
	return &__libc_single_threaded;
#else
	return NULL;
#endif
}

u64 os_pid_tgid(void)
{
	return pid_tgid ? pid_tgid : ask_pid_tgid();
}

bool os_thread_lives(u32 id)
{
	return !syscall(SYS_tgkill, getpid(), id, 0) || errno != ESRCH;
}

void os_random(void *to, size_t bytes)
{
	if (getrandom(to, bytes, 0) != (ssize_t)bytes) {
		fprintf(stderr, "skep: the system gives no random bytes\n");
		abort();
	}
}

bool os_membarrier(void)
{
	if (!syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
		return true;
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) &&
	       !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

u64 os_uid_gid(void)
{
	return (u64)(u32)getgid() << 32 | (u32)getuid();
}

void os_comm(char name[16])
{
	memset(name, 0, 16);
	prctl(PR_GET_NAME, name);
}

/* Where the tree of cgroups is mounted, or NULL. */
static const char *cgroup_root(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char file[64];

	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		snprintf(file, sizeof(file), "%s/cgroup.controllers", roots[i]);
		if (!access(file, F_OK))
			return roots[i];
	}
	return NULL;
}

/* PATH up to its LEVELth part; false when it has fewer. */
static bool path_cut(char *path, int level)
{
	if (!strcmp(path, "/"))
		*path = 0;
	for (; level > 0; level--) {
		if (*path != '/')
			return false;
		path += 1 + strcspn(path + 1, "/");
	}
	*path = 0;
	return true;
}

u64 os_cgroup_at(const char *path, int level)
{
	const char *root = cgroup_root();
	char line[PATH_MAX], dir[PATH_MAX + 64];
	struct stat st;

	snprintf(line, sizeof(line), "%s", path);
	if (!root || (level >= 0 && !path_cut(line, level)))
		return 0;
	snprintf(dir, sizeof(dir), "%s%s", root, line);
	return stat(dir, &st) ? 0 : st.st_ino;
}

/* The line of FILE that tells of v2. */
static bool cgroup_path(const char *file, char *path, size_t size)
{
	FILE *f = cgroup_root() ? fopen(file, "re") : NULL;
	char line[PATH_MAX];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "0::", 3);
	if (f)
		fclose(f);
	line[found ? strcspn(line, "\n") : 0] = 0;
	if (found && strlen(line + 3) < size)
		strcpy(path, line + 3);
	return found && strlen(line + 3) < size;
}

bool os_cgroup_of_thread(u32 id, char *path, size_t size)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/self/task/%u/cgroup", id);
	return cgroup_path(file, path, size);
}

u64 os_cgroup_id(int level)
{
	char path[PATH_MAX];

	return cgroup_path("/proc/self/cgroup", path, sizeof(path)) ? os_cgroup_at(path, level) : 0;
}

/* Looks in the directory DIR, of N bytes, for the one with ID; DIR becomes it. */
static bool cgroup_search(char *dir, size_t n, size_t size, u64 id)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    n + 2 + strlen(e->d_name) > size)
			continue;
		snprintf(dir + n, size - n, "/%s", e->d_name);
		found = e->d_ino == id || cgroup_search(dir, strlen(dir), size, id);
	}
	if (d)
		closedir(d);
	if (!found)
		dir[n] = 0;
	return found;
}

bool os_cgroup_find(u64 id, char *path, size_t size)
{
	const char *root = cgroup_root();
	char dir[PATH_MAX];
	struct stat st;

	if (!root || stat(root, &st))
		return false;
	snprintf(dir, sizeof(dir), "%s", root);
	if (st.st_ino != id && !cgroup_search(dir, strlen(dir), sizeof(dir), id))
		return false;
	snprintf(path, size, "%s", st.st_ino == id ? "/" : dir + strlen(root));
	return st.st_ino == id || strlen(dir + strlen(root)) < size;
}

u64 os_cgroup_of_fd(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC || fstat(fd, &st))
		return 0;
	return S_ISDIR(st.st_mode) ? st.st_ino : 0;
}

bool os_inode_of_fd(int fd, u64 *dev, u64 *ino)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	*dev = st.st_dev;
	*ino = st.st_ino;
	return true;
}

bool os_pid_ns(u64 *dev, u64 *ino)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		return false;
	*dev = st.st_dev;
	*ino = st.st_ino;
	return true;
}

int os_mem_read(void *to, u64 from, u64 bytes)
{
	const struct iovec local = { to, bytes }, remote = { (void *)(uintptr_t)from, bytes };
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	return n == (ssize_t)bytes ? 0 : -EFAULT;
}

/* ---- libraries on first use ------------------------------------------ */

#ifdef SKEP_STATIC
/* A static program has what it was linked with. */
void *os_lib_open(const char *soname) { return NULL; }
void *os_lib_sym(void *lib, const char *name) { return NULL; }
#else
void *os_lib_open(const char *soname)
{
	return dlopen(soname, RTLD_NOW | RTLD_LOCAL);
}

void *os_lib_sym(void *lib, const char *name)
{
	return dlsym(lib, name);
}
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_share.c: files that several processes map at the same time. All their bytes are
 * allocated before anybody sees them, so that a full disk is an error code and no
 * signal; what another process cuts off a file that is mapped reads as zero then.
 * Locks on bytes end with who holds them, however that ends.
 */
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* ---- new files ---------------------------------------------------------------- */

/* The folder that PATH is in; for free(). */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = mem_strdup(slash ? path : ".");

	if (slash)
		dir[slash == path ? 1 : slash - path] = 0;
	return dir;
}

/* A file without a name, or with one of its own where the file system cannot. */
static int open_new(const char *path, char **temp)
{
	char *dir = folder_of(path);
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	free(dir);
	*temp = NULL;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd < 0 ? -errno : fd;
	*temp = mem_alloc(strlen(path) + 8);
	sprintf(*temp, "%s.XXXXXX", path);
	fd = mkostemp(*temp, O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A process whose files may not grow so far would get a signal. */
static int allocate(int fd, u64 bytes)
{
	struct rlimit most;
	int r;

	if (!getrlimit(RLIMIT_FSIZE, &most) && bytes > most.rlim_cur)
		return -EFBIG;
	do
		r = posix_fallocate(fd, 0, (off_t)bytes);
	while (r == EINTR);
	return -r;
}

int os_shared_new(const char *path, u64 bytes, char **temp)
{
	int fd = open_new(path, temp), r;

	r = fd < 0 ? fd : allocate(fd, bytes);
	if (!r)
		return fd;
	os_shared_drop(fd, *temp);
	*temp = NULL;
	return r;
}

int os_shared_name(int fd, const char *path, char *temp)
{
	char link_to[64];
	int r;

	snprintf(link_to, sizeof(link_to), "/proc/self/fd/%d", fd);
	r = temp ? link(temp, path) :
		   linkat(AT_FDCWD, link_to, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
	return r ? -errno : 0;
}

void os_shared_drop(int fd, char *temp)
{
	if (temp)
		unlink(temp);
	free(temp);
	if (fd >= 0)
		close(fd);
}

int os_shared_open(const char *path, u64 *bytes)
{
	struct stat st;
	/* a pipe would wait for somebody to write */
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK), r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (r) {
		close(fd);
		return r;
	}
	*bytes = (u64)st.st_size;
	return fd;
}

bool os_shared_read(int fd, u64 at, void *to, size_t bytes)
{
	u8 *p = to;
	ssize_t n;

	for (; bytes; p += n, at += (u64)n, bytes -= (size_t)n) {
		n = pread(fd, p, bytes, (off_t)at);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return false;
	}
	return true;
}

u64 os_shared_room(const char *path)
{
	char *dir = folder_of(path);
	u64 room = os_dir_room(dir);

	free(dir);
	return room;
}

enum { BPF_FS = (int)0xcafe4a11 };

int os_in_bpf_fs(const char *path)
{
	char *dir = folder_of(path);
	struct statfs fs;
	int r = statfs(path, &fs) && statfs(*dir ? dir : "/", &fs);

	free(dir);
	return r ? -1 : (int)fs.f_type == BPF_FS;
}

bool os_is_plain_file(const char *path)
{
	struct statfs fs;
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !statfs(path, &fs) &&
	       (int)fs.f_type != BPF_FS;
}

u64 os_dir_room(const char *dir)
{
	struct statvfs v;

	return statvfs(dir, &v) ? 0 : (u64)v.f_bavail * v.f_frsize;
}

char *os_runtime_dir(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char path[64];
	struct stat st;

	if (dir && *dir == '/')
		return mem_strdup(dir);
	snprintf(path, sizeof(path), "/run/user/%u", getuid());
	return !stat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == getuid() ?
	       mem_strdup(path) : NULL;
}

bool os_dir_make(const char *path)
{
	struct stat st;

	return !mkdir(path, 0700) || (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode));
}

u32 os_pid(void) { return (u32)getpid(); }
bool os_process_lives(u32 pid) { return !kill((pid_t)pid, 0) || errno != ESRCH; }
u32 os_page(void) { return (u32)sysconf(_SC_PAGESIZE); }

void os_shared_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- locks -------------------------------------------------------------------- */

/* Of the open file: a process's own would end when it closes any descriptor of the
 * file. */
static int lock_call(int fd, int call, short type, u64 byte, struct flock *l)
{
	int r;

	*l = (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_len = 1,
		.l_start = (off_t)(OS_LOCKS_AT + byte) };
	do
		r = fcntl(fd, call, l);
	while (r && errno == EINTR);
	return r;
}

bool os_shared_lock(int fd, u64 byte, bool wait)
{
	struct flock l;

	return !lock_call(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, F_WRLCK, byte, &l);
}

void os_shared_unlock(int fd, u64 byte)
{
	struct flock l;

	lock_call(fd, F_OFD_SETLK, F_UNLCK, byte, &l);
}

bool os_shared_locked(int fd, u64 byte)
{
	struct flock l;

	return lock_call(fd, F_OFD_GETLK, F_WRLCK, byte, &l) || l.l_type != F_UNLCK;
}

/* ---- mappings ----------------------------------------------------------------- */

void *os_shared_map(int fd, u64 at, u64 bytes, void *where)
{
	void *p = mmap(where, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | (where ? MAP_FIXED : 0), fd, (off_t)at);

	if (p == MAP_FAILED)
		return NULL;
	/* a child has no part in it: it would do the same as its parent, twice */
	madvise(p, bytes, MADV_DONTFORK);
	return p;
}

void *os_shared_ring(int fd, u64 at, u64 head, u64 data, void *where)
{
	u8 *p = where;

	if (!p)
		p = mmap(NULL, head + 2 * data, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (os_shared_map(fd, at, head + data, p) &&
	    os_shared_map(fd, at + head, data, p + head + data))
		return p;
	if (!where)
		munmap(p, head + 2 * data);
	return NULL;
}

/* ---- what is cut off ------------------------------------------------------------ */

/* A range that the handler knows. Places stay, as it may be looking at them. */
struct guard {
	uintptr_t from, to;	/* from 0: free */
	u32 *torn;
	struct guard *next;
};

static struct guard *guards;
static struct sigaction before;

static bool mend_page(const struct guard *g, uintptr_t at)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	if (mmap((void *)(at & ~(page - 1)), page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	__atomic_store_n(g->torn, 1, __ATOMIC_RELAXED);
	return true;
}

static bool mend(const siginfo_t *info)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	const struct guard *g = __atomic_load_n(&guards, __ATOMIC_ACQUIRE);

	for (; g; g = g->next) {
		uintptr_t from = __atomic_load_n(&g->from, __ATOMIC_ACQUIRE);

		if (from && at >= from && at < g->to)
			return mend_page(g, at);
	}
	return false;
}

/* What is not ours goes to who was there before, who may give it back. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	static _Thread_local bool passing;
	bool again = passing;

	passing = true;
	if (again || (!(before.sa_flags & SA_SIGINFO) &&
		      (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)))
		signal(sig, SIG_DFL);	/* it happens again, and ends the process */
	else if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(sig, info, context);
	else
		before.sa_handler(sig);
	passing = again;
}

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code != BUS_ADRERR || !mend(info))
		pass_on(sig, info, context);
	errno = saved;
}

/* Again when somebody else has installed one since. */
static void guard_install(void)
{
	struct sigaction now = { .sa_sigaction = on_bus_error,
		.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK }, is;

	if (sigaction(SIGBUS, NULL, &is) || is.sa_sigaction == on_bus_error)
		return;
	before = is;
	sigaction(SIGBUS, &now, NULL);
}

static struct guard *guard_free(void)
{
	struct guard *g = __atomic_load_n(&guards, __ATOMIC_ACQUIRE);
	uintptr_t none = 0;

	for (; g; g = g->next, none = 0)
		if (__atomic_compare_exchange_n(&g->from, &none, 1, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return g;
	g = mem_alloc(sizeof(*g));
	g->from = 1;
	g->next = __atomic_load_n(&guards, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&guards, &g->next, g, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	return g;
}

/* From 1, a place that is taken, holds nothing: TO is 0 as long. */
struct guard *os_guard(const void *p, size_t bytes, u32 *torn)
{
	struct guard *g = guard_free();

	guard_install();
	g->torn = torn;
	g->to = (uintptr_t)p + bytes;
	__atomic_store_n(&g->from, (uintptr_t)p, __ATOMIC_RELEASE);
	return g;
}

void os_guard_end(struct guard *g)
{
	if (!g)
		return;
	__atomic_store_n(&g->from, 1, __ATOMIC_RELEASE);
	g->to = 0;
	__atomic_store_n(&g->from, 0, __ATOMIC_RELEASE);
}

/* ---- waiting ------------------------------------------------------------------- */

void os_shared_sleep(const u32 *word, u32 seen, u32 ms)
{
	struct timespec most = { ms / 1000, (long)(ms % 1000) * 1000000 };

	syscall(SYS_futex, word, FUTEX_WAIT, seen, &most, NULL, 0);
}

void os_shared_wake(const u32 *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

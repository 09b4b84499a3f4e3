/* SPDX-License-Identifier: BSD-2-Clause */
/* os.c: Linux behind os.h. */
#include "base/os.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/vec.h"

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

void os_unmap(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

/* ---- files ---------------------------------------------------------- */

/* Reads to the end what cannot be mapped: a pipe, standard input, /proc. */
static int read_stream(struct os_file *f, int fd)
{
	VEC(u8) buf = { 0 };
	ssize_t got;

	do {
		if (buf.cap - buf.n < 1 << 16) {
			buf.cap = buf.cap ? buf.cap * 2 : 1 << 18;
			buf.v = mem_resize(buf.v, buf.cap);
		}
		got = read(fd, buf.v + buf.n, buf.cap - buf.n);
		if (got > 0)
			buf.n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	f->data = buf.v;
	f->size = buf.n;
	return got < 0 ? -errno : 0;
}

static int read_fd(struct os_file *f, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return read_stream(f, fd);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return read_stream(f, fd);
	f->data = p;
	f->size = (size_t)st.st_size;
	f->mapped = true;
	return 0;
}

int os_file_read(struct os_file *f, const char *path, struct skep_err *err)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? 0 : open(path, O_RDONLY | O_CLOEXEC), r;

	memset(f, 0, sizeof(*f));
	if (fd < 0)
		return err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	r = read_fd(f, fd);
	if (!is_stdin)
		close(fd);
	if (r) {
		os_file_close(f);
		return err_set(err, ERR_FILE_READ, path, "%s", strerror(-r));
	}
	return 0;
}

void os_file_close(struct os_file *f)
{
	if (f->mapped)
		munmap((void *)(uintptr_t)f->data, f->size);
	else
		free((void *)(uintptr_t)f->data);
	memset(f, 0, sizeof(*f));
}

static bool written_in_place(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static FILE *open_temp(struct os_out *o)
{
	size_t n = strlen(o->path) + sizeof(".XXXXXX");
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	o->temp = mem_alloc(n);
	snprintf(o->temp, n, "%s.XXXXXX", o->path);
	fd = mkostemp(o->temp, O_CLOEXEC);
	if (fd < 0) {
		free(o->temp);
		o->temp = NULL;
		return NULL;
	}
	fchmod(fd, 0666 & ~mask);
	return fdopen(fd, "wb");
}

int os_out_open(struct os_out *o, const char *path, struct skep_err *err)
{
	memset(o, 0, sizeof(*o));
	o->path = mem_strdup(path);
	if (!strcmp(path, "-"))
		o->f = stdout;
	else if (written_in_place(path))
		o->f = fopen(path, "wbe");
	else
		o->f = open_temp(o);
	if (o->f)
		return 0;
	err_set(err, ERR_FILE_WRITE, path, "%s", strerror(errno));
	os_out_abort(o);
	return err ? err->code : -EIO;
}

static void out_free(struct os_out *o)
{
	free(o->path);
	free(o->temp);
	memset(o, 0, sizeof(*o));
}

int os_out_commit(struct os_out *o, struct skep_err *err)
{
	bool bad = ferror(o->f) | fflush(o->f);
	int r = 0;

	if (o->f != stdout)
		bad |= fclose(o->f);
	if (!bad && o->temp)
		bad = rename(o->temp, o->path) != 0;
	if (bad) {
		r = err_set(err, ERR_FILE_WRITE, o->path, "%s", strerror(errno));
		if (o->temp)
			unlink(o->temp);
	}
	out_free(o);
	return r;
}

void os_out_abort(struct os_out *o)
{
	if (o->f && o->f != stdout)
		fclose(o->f);
	if (o->temp)
		unlink(o->temp);
	out_free(o);
}

/* ---- time and machine ------------------------------------------------ */

static u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

u64 os_clock_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
u64 os_clock_boot_ns(void) { return clock_ns(CLOCK_BOOTTIME); }
u64 os_clock_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
u64 os_clock_tai_ns(void) { return clock_ns(CLOCK_TAI); }
u64 os_clock_coarse_ns(void) { return clock_ns(CLOCK_MONOTONIC_COARSE); }

int os_cpu_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	return n > 0 ? (int)n : 1;
}

void os_yield(void) { sched_yield(); }

u64 os_pid_tgid(void)
{
	return (u64)(u32)getpid() << 32 | (u32)gettid();
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

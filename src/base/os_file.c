/* SPDX-License-Identifier: BSD-2-Clause */
/* os_file.c: reading files and folders, and writing files that are whole or not there. */
#include "base/os.h"
#include "base/vec.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { STREAM_MAX = 1 << 30 };	/* bytes of a pipe: /dev/zero has no end */

/* Reads to the end what cannot be mapped: a pipe, standard input, /proc. */
static int read_stream(struct os_file *f, int fd)
{
	VEC(u8) buf = { 0 };
	ssize_t got;

	do {
		if (buf.n > STREAM_MAX) {
			errno = EFBIG;
			got = -1;
			break;
		}
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
	struct statfs fs;
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		return -errno;
	f->sysfs = !fstatfs(fd, &fs) && fs.f_type == SYSFS_MAGIC;
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

static int is_name(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

char **os_dir_names(const char *path, size_t *n)
{
	struct dirent **entry;
	int found = scandir(path, &entry, is_name, name_order);
	char **names;

	*n = 0;
	if (found < 0)
		return NULL;
	names = mem_alloc(((size_t)found + 1) * sizeof(*names));
	for (int i = 0; i < found; i++) {
		names[(*n)++] = mem_strdup(entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	return names;
}

int os_temp_open(void)
{
	int fd = memfd_create("skep", MFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int os_temp_read(int fd, struct os_file *f, struct skep_err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	u8 *data = size < 0 ? NULL : mem_alloc((size_t)size);
	ssize_t n = data ? pread(fd, data, (size_t)size, 0) : -1;

	close(fd);
	*f = (struct os_file){ .data = data, .size = (size_t)size };
	if (n == size)
		return 0;
	free(data);
	return err_set(err, ERR_FILE_READ, NULL, "a file in memory: %s", strerror(errno));
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

/* BASE in the directory of PATH. */
static char *beside(const char *path, const char *base)
{
	const char *slash = strrchr(path, '/');
	size_t dir = slash ? (size_t)(slash + 1 - path) : 0;
	char *name = mem_alloc(dir + strlen(base) + 1);

	memcpy(name, path, dir);
	strcpy(name + dir, base);
	return name;
}

/* A file that goes away with the process, however that ends. */
static FILE *open_unnamed(struct os_out *o)
{
	char *dir = beside(o->to, ".");
	int fd = -1;

	if (!access("/proc/self/fd", X_OK))	/* for name_it */
		fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(dir);
	o->unnamed = fd >= 0;
	return o->unnamed ? fdopen(fd, "wb") : NULL;
}

/* The file behind FD takes the place of the one called TO; -1 and errno. */
static int replace(const char *fd, const char *to)
{
	char base[64], *temp = NULL;
	int r = -1, code = EEXIST;

	for (int i = 0; r && code == EEXIST && i < 100; i++) {
		free(temp);
		snprintf(base, sizeof(base), ".skep-%d-%d", getpid(), i);
		temp = beside(to, base);
		r = linkat(AT_FDCWD, fd, AT_FDCWD, temp, AT_SYMLINK_FOLLOW);
		code = errno;
	}
	if (!r && rename(temp, to)) {
		r = -1;
		code = errno;
		unlink(temp);
	}
	free(temp);
	errno = code;
	return r;
}

/* Gives an unnamed file its name. No signal may come in between: it could
 * leave the other name behind that replacing a file needs for a moment. */
static int name_it(const struct os_out *o)
{
	sigset_t all, old;
	char fd[64];
	int r;

	snprintf(fd, sizeof(fd), "/proc/self/fd/%d", fileno(o->f));
	r = linkat(AT_FDCWD, fd, AT_FDCWD, o->to, AT_SYMLINK_FOLLOW);
	if (!r || errno != EEXIST)
		return r;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = replace(fd, o->to);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

static FILE *open_temp(struct os_out *o)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	o->temp = beside(o->to, ".skep-XXXXXX");
	fd = mkostemp(o->temp, O_CLOEXEC);
	if (fd < 0) {
		free(o->temp);
		o->temp = NULL;
		return NULL;
	}
	fchmod(fd, 0666 & ~mask);
	return fdopen(fd, "wb");
}

static FILE *open_out(struct os_out *o)
{
	size_t n = strlen(o->path);

	if (!strcmp(o->path, "-"))
		return stdout;
	o->to = realpath(o->path, NULL);
	if (!o->to && errno == ENAMETOOLONG)
		return NULL;
	if (!o->to)
		o->to = mem_strdup(o->path);
	if (written_in_place(o->path))
		return fopen(o->path, "wbe");
	if (!n || o->path[n - 1] == '/') {
		errno = n ? EISDIR : ENOENT;
		return NULL;
	}
	o->f = open_unnamed(o);
	return o->f ? o->f : open_temp(o);
}

int os_out_open(struct os_out *o, const char *path, struct skep_err *err)
{
	memset(o, 0, sizeof(*o));
	o->path = mem_strdup(path);
	o->f = open_out(o);
	if (o->f)
		return 0;
	err_set(err, ERR_FILE_WRITE, path, "%s", strerror(errno));
	os_out_abort(o);
	return err ? err->code : -EIO;
}

static void out_free(struct os_out *o)
{
	free(o->path);
	free(o->to);
	free(o->temp);
	memset(o, 0, sizeof(*o));
}

int os_out_commit(struct os_out *o, struct skep_err *err)
{
	bool bad = ferror(o->f) | fflush(o->f) || (o->unnamed && name_it(o));
	int r = bad ? errno ? errno : EIO : 0;

	if (o->f != stdout && fclose(o->f) && !r)
		r = errno;
	if (!r && o->temp && rename(o->temp, o->to))
		r = errno;
	if (r) {
		r = err_set(err, ERR_FILE_WRITE, o->path, "%s", strerror(r));
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

int os_append(const char *path, const void *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t done = fd < 0 ? -1 : write(fd, data, n);
	int r = done == (ssize_t)n ? 0 : done < 0 ? -errno : -EIO;

	if (fd >= 0)
		close(fd);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracefs.c: files of the tracing file system: numbers and names of tracepoints. Where
 * it is not mounted a mount without a place is made (fsmount, 5.2), which nobody else
 * sees and which goes with the process. Writes nothing there.
 */
#include "kernel/link_priv.h"
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { TRACEFS = 0x74726163, NEAR_MAX = 8192 };

#ifndef SYS_fsopen
enum { SYS_fsopen = 430, SYS_fsconfig = 431, SYS_fsmount = 432 };
#endif
enum { CLOEXEC = 1, CMD_CREATE = 6 };	/* FSOPEN_, FSMOUNT_CLOEXEC; FSCONFIG_ */

static int mount_own(void)
{
	int fs = (int)syscall(SYS_fsopen, "tracefs", CLOEXEC), fd = -1;

	if (fs < 0)
		return -errno;
	if (!syscall(SYS_fsconfig, fs, CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, fs, CLOEXEC, 0);
	fd = fd < 0 ? -errno : fd;
	close(fs);
	return fd;
}

/* Its root: a descriptor or -errno. */
static int open_root(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == TRACEFS)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return mount_own();
}

int tracefs_open(const char *path)
{
	int root = open_root(), fd;

	if (root < 0)
		return root;
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	close(root);
	return fd;
}

s64 tracefs_event_id(const char *category, const char *name)
{
	char path[320], text[32] = "";
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "events/%s/%s/id", category, name);
	fd = tracefs_open(path);
	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n <= 0 ? -EIO : atoll(text);
}

int tracefs_read(struct strbuf *out, const char *path)
{
	int fd = tracefs_open(path);
	char buf[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		sb_add(out, buf, (size_t)n);
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* ---- names that resemble --------------------------------------------------- */

struct names { const char **v; size_t n, cap; };	/* a VEC */

static void read_names(struct names *names, const char *path)
{
	int fd = tracefs_open(path);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && names->n < NEAR_MAX && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			*vec_push(names) = mem_strdup(e->d_name);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free((void *)(uintptr_t)names->v[i]);
	vec_free(names);
}

/* The category nearest to CATEGORY of those that have NAME. */
static const char *near_category(struct names *all, const char *category, const char *name)
{
	size_t n = 0;

	read_names(all, "events");
	for (size_t i = 0; i < all->n; i++)
		if (tracefs_event_id(all->v[i], name) >= 0) {
			const char *found = all->v[i];

			all->v[i] = all->v[n];
			all->v[n++] = found;
		}
	return err_nearest(category, all->v, n ? n : all->n);
}

void tracefs_suggest(const char *category, const char *name, struct skep_err *err)
{
	struct names all = { 0 };
	const char *near;
	char path[320];

	snprintf(path, sizeof(path), "events/%s", category);
	read_names(&all, path);
	near = err_nearest(name, all.v, all.n);
	if (near)
		err_help(err, "did you mean '%s/%s'?", category, near);
	if (!all.n && (near = near_category(&all, category, name)))
		err_help(err, "did you mean '%s/%s'?", near, name);
	free_names(&all);
}

/* ---- all of them ------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sorted(struct names *names, const char *path)
{
	read_names(names, path);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
}

int tracefs_each_event(const char *category, const char *name, tracefs_event_fn *fn, void *arg)
{
	struct names all = { 0 }, in;
	char path[320];
	int n = 0, fd = tracefs_open("events");

	if (fd < 0)
		return fd;
	close(fd);
	sorted(&all, "events");
	for (size_t i = 0; i < all.n; i++) {
		if (fnmatch(category, all.v[i], 0))
			continue;
		in = (struct names){ 0 };
		snprintf(path, sizeof(path), "events/%s", all.v[i]);
		sorted(&in, path);
		for (size_t k = 0; k < in.n; k++)
			if (!fnmatch(name, in.v[k], 0)) {
				fn(arg, all.v[i], in.v[k]);
				n++;
			}
		free_names(&in);
	}
	free_names(&all);
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* input.c: operands, told apart by what is in them. */
#include "cli/cli.h"
#include "host/capture.h"
#include "obj/linker.h"
#include "obj/obj.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEAR_MAX = 4096 };	/* names of a folder that are looked at */

static bool ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && !strcmp(s + n - t, tail);
}

static enum input_kind kind_of(const u8 *head, size_t n, const char *path)
{
	if (obj_is_elf(head, n))
		return INPUT_ELF;
	if (capture_is(head, n))
		return INPUT_CAPTURE;
	return ends_in(path, ".c") ? INPUT_C : INPUT_OTHER;
}

const char *input_name(const char *path)
{
	return strcmp(path, "-") ? path : "<stdin>";
}

/* Adds to the error that PATH does not exist what is there and looks like it. */
static void suggest_file(const char *path, struct skep_err *err)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *near;
	char *dir = mem_strdup(path);
	VEC(const char *) names = { 0 };
	struct dirent *e;
	DIR *d;

	dir[base - path] = 0;
	d = opendir(*dir ? dir : ".");
	while (d && names.n < NEAR_MAX && (e = readdir(d)))
		if (e->d_name[0] != '.')
			*vec_push(&names) = mem_strdup(e->d_name);
	if (d)
		closedir(d);
	near = err_nearest(base, names.v, names.n);
	if (near)
		err_help(err, "did you mean %s%s?", dir, near);
	for (size_t i = 0; i < names.n; i++)
		free((void *)(uintptr_t)names.v[i]);
	vec_free(&names);
	free(dir);
}

static int no_file(const char *path, struct skep_err *err)
{
	int r = errno == ENOENT;

	err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	if (r)
		suggest_file(path, err);
	return err->code;
}

/* What the pipe FD holds first, left in it: the bytes, or -1 where there is
 * no looking ahead. Waits until there are some. */
static ssize_t peek_pipe(int fd, u8 *head, size_t size)
{
	int copy[2];
	ssize_t n = -1;

	if (pipe2(copy, O_CLOEXEC))
		return -1;
	n = tee(fd, copy[1], size, 0);
	if (n > 0)
		n = read(copy[0], head, size);
	close(copy[0]);
	close(copy[1]);
	return n;
}

/* Standard input, a pipe or a file. What cannot be looked into is a capture. */
static enum input_kind stdin_kind(void)
{
	u8 head[64];
	off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	ssize_t n = at < 0 ? peek_pipe(STDIN_FILENO, head, sizeof(head))
			   : pread(STDIN_FILENO, head, sizeof(head), at);

	return n >= 4 && obj_is_elf(head, (size_t)n) ? INPUT_ELF : INPUT_CAPTURE;
}

/* The same for a pipe that the shell made, as of <(...). Those with a name of
 * their own are not opened: who opens one twice waits for a second writer. */
static enum input_kind pipe_kind(const char *path)
{
	u8 head[64];
	ssize_t n;
	int fd;

	if (strncmp(path, "/dev/fd/", 8) && strncmp(path, "/proc/self/fd/", 14))
		return INPUT_CAPTURE;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : peek_pipe(fd, head, sizeof(head));
	if (fd >= 0)
		close(fd);
	return n >= 4 && obj_is_elf(head, (size_t)n) ? INPUT_ELF : INPUT_CAPTURE;
}

static int file_kind(enum input_kind *kind, const char *path, struct skep_err *err)
{
	u8 head[64];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	n = read(fd, head, sizeof(head));
	close(fd);
	if (n < 0)
		return err_set(err, ERR_FILE_READ, path, "%s", strerror(errno));
	*kind = kind_of(head, (size_t)n, path);
	return 0;
}

int input_kind(enum input_kind *kind, const char *path, struct skep_err *err)
{
	struct stat st;

	*kind = INPUT_CAPTURE;
	if (!strcmp(path, "-")) {
		*kind = stdin_kind();
		return 0;
	}
	if (stat(path, &st))
		return no_file(path, err);
	if (S_ISDIR(st.st_mode)) {
		err_set(err, ERR_FILE_READ, path, "%s", strerror(EISDIR));
		err_help(err, "name the files in it");
		return err->code;
	}
	if (S_ISREG(st.st_mode))
		return file_kind(kind, path, err);
	if (S_ISFIFO(st.st_mode))
		*kind = pipe_kind(path);
	return 0;
}

/* A path of its own in the directory for temporary files, removed by caller. */
static int temp_object(char *path, size_t size, struct skep_err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, size, "%s/skep-XXXXXX.o", dir && *dir ? dir : "/tmp");
	fd = mkstemps(path, 2);
	if (fd < 0)
		return err_set(err, ERR_FILE_WRITE, path, "%s", strerror(errno));
	close(fd);
	return 0;
}

int input_compile(struct os_file *f, const char *path, char *const *extra, struct skep_err *err)
{
	char temp[512];
	int r = temp_object(temp, sizeof(temp), err);

	if (r)
		return r;
	r = cc_compile(path, temp, extra, err);
	if (!r)
		r = os_file_read(f, temp, err);
	unlink(temp);
	return r;
}

int input_read(struct os_file *f, const char *path, struct skep_err *err)
{
	enum input_kind kind;
	int r = input_kind(&kind, path, err);

	if (!r)
		r = kind == INPUT_C ? input_compile(f, path, NULL, err) :
				      os_file_read(f, path, err);
	if (r || obj_is_elf(f->data, f->size))
		return r;
	os_file_close(f);
	return err_set(err, ERR_FILE_KIND, path,
		       "neither an ELF object nor a file whose name ends in .c");
}

int input_object(struct skep_object **obj, const char *path, const struct load_opts *lo,
		 struct skep_err *err)
{
	struct os_file f;
	int r = input_read(&f, path, err);

	if (r)
		return r;
	r = load_open(obj, lo, f.data, f.size, input_name(path), err);
	os_file_close(&f);
	return r;
}

static void suggest(struct skep_err *err, const char *name, const char *const *names, u32 n)
{
	const char *near = err_nearest(name, names, n);

	if (near)
		err_help(err, "did you mean '%s'?", near);
}

void suggest_prog(struct skep_err *err, const struct skep_object *obj, const char *name)
{
	VEC(const char *) names = { 0 };

	for (u32 i = 0; i < obj->img->nr_progs; i++)
		*vec_push(&names) = obj->img->progs[i].name;
	suggest(err, name, names.v, (u32)names.n);
	vec_free(&names);
}

void suggest_map(struct skep_err *err, const struct skep_object *obj, const char *name)
{
	VEC(const char *) names = { 0 };

	for (u32 i = 0; i < obj->img->nr_maps; i++)
		*vec_push(&names) = obj->img->maps[i].name;
	suggest(err, name, names.v, (u32)names.n);
	vec_free(&names);
}

/* All of IN as one object, called "a.o+b.o". */
static int open_linked(struct object_list *objs, const struct linker_input *in, u32 n,
		       const struct load_opts *lo, struct skep_err *err)
{
	struct strbuf name = { 0 };
	struct os_file f;
	int r = obj_link(&f, in, n, err);

	if (r)
		return r;
	for (u32 i = 0; i < n; i++)
		sb_printf(&name, "%s%s", i ? "+" : "", in[i].file);
	r = load_open(vec_push(objs), lo, f.data, f.size, sb_text(&name), err);
	objs->n -= r != 0;
	sb_free(&name);
	os_file_close(&f);
	return r;
}

int input_objects(struct object_list *objs, const struct str_list *paths,
		  const struct load_opts *lo, struct skep_err *err)
{
	struct linker_input *in = mem_alloc(paths->n * sizeof(*in));
	struct os_file *f = mem_alloc(paths->n * sizeof(*f));
	u32 n = 0;
	int r = 0;

	for (; !r && n < paths->n; n += !r) {
		r = input_read(&f[n], paths->v[n], err);
		in[n] = (struct linker_input){ f[n].data, f[n].size, input_name(paths->v[n]) };
	}
	if (!r && n > 1 && obj_link_needed(in, n)) {
		r = open_linked(objs, in, n, lo, err);
	} else {
		for (u32 i = 0; !r && i < n; i++) {
			r = load_open(vec_push(objs), lo, in[i].data, in[i].bytes, in[i].file,
				      err);
			objs->n -= r != 0;
		}
	}
	while (n-- > 0)
		os_file_close(&f[n]);
	free(f);
	free(in);
	return r;
}

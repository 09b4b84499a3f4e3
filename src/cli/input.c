/* SPDX-License-Identifier: BSD-2-Clause */
/* input.c: operands, told apart by what is in them. */
#include "cli/cli.h"
#include "host/capture.h"
#include "obj/linker.h"
#include "obj/obj.h"
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <linux/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEAR_MAX = 4096 };	/* names of a folder that are looked at */

static bool ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && !strcmp(s + n - t, tail);
}

/* By the first N of SIZE bytes. */
static enum input_kind kind_of(const u8 *head, size_t n, u64 size, const char *path)
{
	if (obj_is_elf(head, n))
		return INPUT_ELF;
	if (capture_is(head, n))
		return INPUT_CAPTURE;
	if (ends_in(path, ".c"))
		return INPUT_C;
	if (size % sizeof(struct bpf_insn) == 0 && code_is_raw(head, n))
		return INPUT_CODE;
	return code_is_classic(head, n) ? INPUT_CODE : INPUT_OTHER;
}

/* A stream by its first N bytes: what says nothing of itself is a capture. */
static enum input_kind stream_kind(const u8 *head, ssize_t n)
{
	if (n < 4)
		return INPUT_CAPTURE;
	if (obj_is_elf(head, (size_t)n))
		return INPUT_ELF;
	return code_is_classic(head, (size_t)n) ? INPUT_CODE : INPUT_CAPTURE;
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
	if (if_nametoindex(path))
		err_help(err, "what interface %s receives is packet:%s", path, path);
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

	return stream_kind(head, n);
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
	return stream_kind(head, n);
}

static int file_kind(enum input_kind *kind, const char *path, u64 size, struct skep_err *err)
{
	u8 head[64];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	do
		n = read(fd, head, sizeof(head));
	while (n < 0 && errno == EINTR);
	close(fd);
	if (n < 0)
		return err_set(err, ERR_FILE_READ, path, "%s", strerror(errno));
	*kind = kind_of(head, (size_t)n, size, path);
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
		return file_kind(kind, path, (u64)st.st_size, err);
	if (S_ISFIFO(st.st_mode))
		*kind = pipe_kind(path);
	return 0;
}

int input_compile(struct os_file *f, const char *path, char *const *extra, struct skep_err *err)
{
	int fd = os_temp_open(), r;

	if (fd < 0)
		return err_set(err, ERR_FILE_WRITE, path, "no file in memory: %s", strerror(-fd));
	r = cc_compile(path, fd, extra, err);
	if (!r)
		return os_temp_read(fd, f, err);
	close(fd);
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
	return err_set(err, ERR_FILE_KIND, input_name(path),
		       "neither an ELF object nor a file whose name ends in .c");
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

int no_program(const struct object_list *objs, const char *name, struct skep_err *err)
{
	err_set(err, ERR_PROG_NONE, objs->n == 1 ? objs->v[0]->img->file : NULL,
		"there is no program '%s'", name);
	for (size_t i = 0; i < objs->n; i++) {
		const struct image *img = objs->v[i]->img;

		for (u32 k = 0; k < img->nr_progs; k++)
			err_note(err, "%s has '%s' in section '%s'", img->file,
				 img->progs[k].name, img->progs[k].section);
		if (!img->nr_progs)
			err_note(err, "%s has no program", img->file);
	}
	for (size_t i = 0; i < objs->n; i++)
		suggest_prog(err, objs->v[i], name);
	return err->code;
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

/* Reads an operand that is instructions by themselves, or else an object. */
static int read_loadable(struct os_file *f, const char *path, struct skep_err *err)
{
	enum input_kind kind;
	int r = input_kind(&kind, path, err);

	if (r)
		return r;
	return kind == INPUT_CODE ? os_file_read(f, path, err) : input_read(f, path, err);
}

static int open_one(struct object_list *objs, const struct os_file *f, const char *name,
		    const struct load_opts *lo, struct skep_err *err)
{
	struct skep_object *obj;
	int r = obj_is_elf(f->data, f->size) ? load_open(&obj, lo, f->data, f->size, name, err)
					     : load_code(&obj, lo, f, name, err);

	if (!r)
		*vec_push(objs) = obj;
	return r;
}

/* The N objects of F, linked when one needs another; instructions by
 * themselves need none. */
static int open_all(struct object_list *objs, const struct str_list *paths,
		    const struct os_file *f, const struct load_opts *lo, struct skep_err *err)
{
	struct linker_input *in = mem_alloc(paths->n * sizeof(*in));
	bool link = paths->n > 1;
	int r = 0;

	for (u32 i = 0; i < paths->n; i++) {
		in[i] = (struct linker_input){ f[i].data, f[i].size, input_name(paths->v[i]) };
		link = link && obj_is_elf(f[i].data, f[i].size);
	}
	if (link && obj_link_needed(in, (u32)paths->n))
		r = open_linked(objs, in, (u32)paths->n, lo, err);
	else
		for (u32 i = 0; !r && i < paths->n; i++)
			r = open_one(objs, &f[i], in[i].file, lo, err);
	free(in);
	return r;
}

/* Files that are given twice, under whatever names. */
static int check_twice(const struct str_list *paths, struct skep_err *err)
{
	struct stat a, b;

	for (size_t i = 0, n = 0; i < paths->n; i++) {
		n += !strcmp(paths->v[i], "-");
		if (n > 1)
			return err_set(err, ERR_USAGE, "<stdin>", "it can be one operand only");
	}
	for (size_t i = 0; i < paths->n; i++)
		for (size_t k = 0; k < i && !stat(paths->v[i], &a); k++)
			if (S_ISREG(a.st_mode) && !stat(paths->v[k], &b) &&
			    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
				return err_set(err, ERR_USAGE, paths->v[i],
					       "this object is given twice");
	return 0;
}

int input_objects(struct object_list *objs, const struct str_list *paths,
		  const struct load_opts *lo, struct skep_err *err)
{
	struct os_file *f = mem_alloc(paths->n * sizeof(*f));
	size_t n = 0;
	int r = check_twice(paths, err);

	for (; !r && n < paths->n; n += !r)
		r = read_loadable(&f[n], paths->v[n], err);
	if (!r)
		r = open_all(objs, paths, f, lo, err);
	if (!r)
		r = load_ready(objs->v, objs->n, lo, err);
	while (n-- > 0)
		os_file_close(&f[n]);
	free(f);
	return r;
}

void input_close(struct object_list *objs)
{
	for (size_t i = 0; i < objs->n; i++)
		skep_object_close(objs->v[i]);
	vec_free(objs);
}

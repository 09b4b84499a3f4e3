/* SPDX-License-Identifier: BSD-2-Clause */
/* input.c: operands, told apart by what is in them. */
#include "cli/cli.h"
#include "host/capture.h"
#include "obj/obj.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

int input_kind(enum input_kind *kind, const char *path, struct skep_err *err)
{
	struct stat st;
	u8 head[64];
	ssize_t n = -1;
	int fd;

	*kind = INPUT_CAPTURE;
	if (!strcmp(path, "-"))
		return 0;
	if (stat(path, &st))
		return err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_FILE_READ, path, "%s", strerror(EISDIR));
	if (!S_ISREG(st.st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	n = read(fd, head, sizeof(head));
	close(fd);
	if (n < 0)
		return err_set(err, ERR_FILE_READ, path, "%s", strerror(errno));
	*kind = kind_of(head, (size_t)n, path);
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

int input_object(struct skep_object **obj, const char *path, const struct load_opts *lo,
		 struct skep_err *err)
{
	enum input_kind kind;
	struct os_file f;
	int r = input_kind(&kind, path, err);

	if (!r && kind == INPUT_C)
		r = input_compile(&f, path, NULL, err);
	else if (!r)
		r = os_file_read(&f, path, err);
	if (r)
		return r;
	if (obj_is_elf(f.data, f.size))
		r = load_open(obj, lo, f.data, f.size, input_name(path), err);
	else
		r = err_set(err, ERR_FILE_KIND, path,
			    "neither an ELF object nor a file whose name ends in .c");
	os_file_close(&f);
	return r;
}

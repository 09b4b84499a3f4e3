/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outputs.c: files that a command is to write, compared with those that it
 * reads and with each other, under whatever names. Nothing is lost by a slip.
 */
#include "cli/cli.h"
#include <stdlib.h>
#include <sys/stat.h>

/* Is it a file that stays, and not standard output, a pipe or a device? */
static bool is_kept(const char *path)
{
	struct stat st;

	return path && strcmp(path, "-") && (stat(path, &st) || S_ISREG(st.st_mode));
}

/* The folder of PATH with all links followed, or NULL. */
static char *folder_of(const char *path)
{
	char *copy = mem_strdup(path), *slash = strrchr(copy, '/'), *real;

	if (slash)
		slash[slash == copy] = 0;
	real = realpath(slash ? copy : ".", NULL);
	free(copy);
	return real;
}

static const char *last_part(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static bool same_name(const char *a, const char *b)
{
	char *x = folder_of(a), *y = folder_of(b);
	bool same = x && y && !strcmp(x, y) && !strcmp(last_part(a), last_part(b));

	free(x);
	free(y);
	return same;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;
	bool there = !stat(a, &x), both = there && !stat(b, &y);

	return both ? x.st_dev == y.st_dev && x.st_ino == y.st_ino : same_name(a, b);
}

int output_check(const char *out, const char *in, struct skep_err *err)
{
	struct str_list to = { .v = &out, .n = 1 }, from = { .v = &in, .n = 1 };

	return outputs_check(&to, &from, err);
}

int outputs_check(const struct str_list *out, const struct str_list *in, struct skep_err *err)
{
	for (size_t i = 0; i < out->n; i++) {
		const char *to = out->v[i];

		size_t len = strlen(to);

		if (!is_kept(to))
			continue;
		if (len > 2 && !strcmp(to + len - 2, ".c"))
			return err_set(err, ERR_USAGE, to, "the output has the name of a C file");
		for (size_t k = 0; k < i; k++)
			if (is_kept(out->v[k]) && same_file(to, out->v[k]))
				return err_set(err, ERR_USAGE, to,
					       "two outputs are to go to the same file");
		for (size_t k = 0; k < in->n; k++)
			if (is_kept(in->v[k]) && same_file(to, in->v[k]))
				return err_set(err, ERR_USAGE, to, "the output is an input, too");
	}
	return 0;
}

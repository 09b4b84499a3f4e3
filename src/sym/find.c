/* SPDX-License-Identifier: BSD-2-Clause */
/* find.c: programs and libraries by the names that people use. */
#include "sym/symbols.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_elf(const char *path)
{
	char head[SELFMAG] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool yes = fd >= 0 && read(fd, head, SELFMAG) == SELFMAG && !memcmp(head, ELFMAG, SELFMAG);

	if (fd >= 0)
		close(fd);
	return yes;
}

/* Is FILE, a file's name, the library NAME: "libc.so.6" for that, "libc.so" and "libc"? */
static bool is_library(const char *file, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(file, name, n))
		return false;
	return !file[n] || !strncmp(file + n, ".so", 3) || (strstr(name, ".so") && file[n] == '.');
}

/* The one of DIR with the shortest name, which is the one of current programs. */
static char *library_in(const char *dir, const char *name)
{
	struct strbuf path = { 0 };
	char *best = NULL;
	size_t n;
	char **names = os_dir_names(dir, &n);

	for (size_t i = 0; i < n; i++) {
		sb_reset(&path);
		sb_printf(&path, "%s/%s", dir, names[i]);
		if (is_library(names[i], name) && is_elf(sb_text(&path)) &&
		    (!best || path.n < strlen(best))) {
			free(best);
			best = mem_strdup(sb_text(&path));
		}
		free(names[i]);
	}
	free(names);
	sb_free(&path);
	return best;
}

/* In the folders of LIST, separated by colons. */
static char *in_list(const char *list, const char *name, bool library)
{
	struct strbuf path = { 0 };
	char *found = NULL;

	while (list && *list && !found) {
		size_t n = strcspn(list, ":");

		sb_reset(&path);
		sb_add(&path, list, n);
		if (library)
			found = library_in(sb_text(&path), name);
		else {
			sb_printf(&path, "/%s", name);
			if (!access(sb_text(&path), X_OK) && is_elf(sb_text(&path)))
				found = mem_strdup(sb_text(&path));
		}
		list += n + (list[n] == ':');
	}
	sb_free(&path);
	return found;
}

#define LIB_DIRS "/lib:/usr/lib:/lib64:/usr/lib64:/usr/local/lib"
#if defined(__x86_64__)
#define MACHINE_DIRS "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:"
#elif defined(__aarch64__)
#define MACHINE_DIRS "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu:"
#else
#define MACHINE_DIRS ""
#endif

/* ---- of a process ---------------------------------------------------------------------- */

/* What PID has mapped and is called NAME. */
static char *mapped_in(const char *name, u32 pid)
{
	char file[64], line[4096], *path, *base, *found = NULL;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%u/maps", pid);
	f = fopen(file, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		path = strchr(line, '/');
		if (!path)
			continue;
		path[strcspn(path, "\n")] = 0;
		base = strrchr(path, '/') + 1;
		if (!strcmp(base, name) || is_library(base, name))
			found = mem_strdup(path);
	}
	if (f)
		fclose(f);
	return found;
}

/* PATH as PID sees it, when it sees another file there than this process does. */
static char *seen_by(char *path, u32 pid)
{
	struct stat own, theirs;
	char *other;

	if (!pid || path[0] != '/')
		return path;
	if (!strncmp(path, "/proc/self/", 11)) {
		if (asprintf(&other, "/proc/%u/%s", pid, path + 11) < 0)
			mem_out(strlen(path));
		free(path);
		return other;
	}
	if (asprintf(&other, "/proc/%u/root%s", pid, path) < 0)
		mem_out(strlen(path));
	if (!stat(other, &theirs) && (stat(path, &own) || own.st_ino != theirs.st_ino ||
				      own.st_dev != theirs.st_dev)) {
		free(path);
		return other;
	}
	free(other);
	return path;
}

char *sym_find_file(const char *name, u32 pid)
{
	bool library = strstr(name, ".so") || !strncmp(name, "lib", 3);
	char *found = NULL;

	if (strchr(name, '/'))
		return seen_by(mem_strdup(name), pid);
	if (pid)
		found = mapped_in(name, pid);
	if (found)
		return seen_by(found, pid);
	if (library)
		found = in_list(getenv("LD_LIBRARY_PATH"), name, true);
	if (library && !found)
		found = in_list(MACHINE_DIRS LIB_DIRS, name, true);
	if (!found)
		found = in_list(getenv("PATH"), name, false);
	if (!found && is_elf(name))
		found = mem_strdup(name);
	return found;
}

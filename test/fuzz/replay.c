/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c: a main for a fuzz target without libFuzzer. Runs the target once
 * over each file of its corpus (test/fuzz/corpus/NAME for NAME_replay) and
 * prints TAP. A file that crashes the target is the last one named.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_input(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* The bytes in a block of exactly their size, so that ASan sees its end. */
static uint8_t *slurp(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long end;

	if (!f || fseek(f, 0, SEEK_END) || (end = ftell(f)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(f);
	*size = (size_t)end;
	data = malloc(*size);
	if ((!data && *size) || fread(data, 1, *size, f) != *size) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return data;
}

static void replay(const char *dir, const char *name, int number)
{
	char path[8192];
	uint8_t *data;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	printf("# %s\n", path);
	fflush(stdout);
	data = slurp(path, &size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	printf("ok %d - %s\n", number, name);
}

/* build/test/fuzz/NAME_replay -> test/fuzz/corpus/NAME */
static void corpus_dir(char *dir, size_t size, const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	const char *end = strstr(name, "_replay");

	snprintf(dir, size, "test/fuzz/corpus/%.*s",
		 (int)(end ? end - name : (long)strlen(name)), name);
}

int main(int argc, char **argv)
{
	struct dirent **entry;
	char dir[4096];
	int n;

	corpus_dir(dir, sizeof(dir), argv[0]);
	n = scandir(argc > 1 ? argv[1] : dir, &entry, is_input, alphasort);
	if (n < 0) {
		perror(dir);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		replay(argc > 1 ? argv[1] : dir, entry[i]->d_name, i + 1);
		free(entry[i]);
	}
	free(entry);
	return 0;
}

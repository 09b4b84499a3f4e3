/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * set_fuzz.c: --set. Each line VAR=VALUE is set in an object with variables of
 * many types; what is refused has a message.
 */
#include "obj/obj.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static struct image *object(const char *path)
{
	struct image *img;
	struct os_file f;

	if (os_file_read(&f, path, NULL) || obj_open(&img, f.data, f.size, path, NULL))
		abort();
	os_file_close(&f);
	return img;
}

static void set(struct image *img, char *line)
{
	char *eq = strchr(line, '=');
	struct skep_err err = { 0 };

	if (!eq)
		return;
	*eq = 0;
	if (obj_set(img, line, eq + 1, &err) && !strstr(err.text, "error: "))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	static struct image *img[2];
	char *text = malloc(bytes + 1), *save = NULL;

	if (!img[0]) {
		img[0] = object(TEST_DIR "/obj/externs.o");
		img[1] = object(TEST_DIR "/obj/types.o");
	}
	memcpy(text, data, bytes);
	text[bytes] = 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *again = strdup(l);

		set(img[0], l);
		set(img[1], again);
		free(again);
	}
	free(text);
	return 0;
}

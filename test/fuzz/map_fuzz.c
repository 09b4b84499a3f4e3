/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_fuzz.c: map files. The first byte chooses a map, the rest is JSON for it;
 * what was loaded is printed, and what was refused has a message.
 */
#include "cli/cli.h"
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static struct skep_object *object(const char *path)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .cpus = 2 };
	const struct skep_open_opts open = { .size = sizeof(open),
		.kconfig = TEST_DIR "/obj/kconfig.txt" };
	const struct prog_set none = { NULL, 0 };
	struct skep_object *obj;

	if (skep_object_open_opts(&obj, path, &open, NULL) || object_load(obj, &opts, &none, NULL))
		abort();
	return obj;
}

static void load(struct skep_object *obj, u32 map, const char *path)
{
	struct skep_err err = { 0 };

	if (map_load_json(obj, map, path, NULL, &err) && !strstr(err.text, "error: "))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	static struct skep_object *obj[2];
	char path[64];
	int fd = os_temp_open();

	if (!obj[0]) {
		obj[0] = object(TEST_DIR "/obj/externs.o");
		obj[1] = object(TEST_DIR "/obj/types.o");
	}
	if (fd < 0 || !bytes || write(fd, data + 1, bytes - 1) != (ssize_t)bytes - 1) {
		close(fd);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (u32 i = 0; i < 2; i++)
		load(obj[i], data[0] % obj[i]->img->nr_maps, path);
	close(fd);
	return 0;
}

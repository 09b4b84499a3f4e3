/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kconfig_fuzz.c: --kconfig. The input is a kernel's configuration, plain or by
 * gzip; an object with variables of all types is opened for it.
 */
#include "obj/obj.h"
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	static struct os_file object;
	struct target t = { .btf_tried = true, .version = 0x60000 };
	struct skep_err err = { 0 };
	struct image *img;
	char path[64];
	int fd = os_temp_open();

	if (!object.data && os_file_read(&object, TEST_DIR "/obj/config.o", NULL))
		abort();
	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	t.opts.kconfig = path;
	if (!obj_open_for(&img, &t, object.data, object.size, "config.o", &err))
		image_free(img);
	else if (!strstr(err.text, "error: "))
		abort();
	target_close(&t);
	close(fd);
	return 0;
}

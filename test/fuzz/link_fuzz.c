/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_fuzz.c: the linker. The input is linked with itself and with an object
 * that is sound; what comes out must be an object that can be linked again.
 */
#include "obj/linker.h"
#include "obj/obj.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static void link_pair(const struct linker_input *in, u32 n)
{
	struct skep_err err = { 0 };
	struct os_file out, again;
	struct linker_input one;

	if (obj_link(&out, in, n, &err)) {
		if (!err.code || !strstr(err.text, "error: "))
			abort();
		return;
	}
	one = (struct linker_input){ out.data, out.size, "linked.o" };
	if (obj_link(&again, &one, 1, &err)) {
		fputs(err.text, stderr);
		abort();
	}
	os_file_close(&again);
	os_file_close(&out);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	static struct os_file sound;
	struct linker_input in[2] = { { data, bytes, "a.o" }, { data, bytes, "b.o" } };
	struct skep_err err;

	link_pair(in, 1);
	link_pair(in, 2);
	if (!sound.data && os_file_read(&sound, TEST_DIR "/obj/link-b.o", &err))
		return 0;
	in[1] = (struct linker_input){ sound.data, sound.size, "sound.o" };
	link_pair(in, 2);
	obj_link_needed(in, 2);
	return 0;
}

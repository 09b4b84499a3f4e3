/* SPDX-License-Identifier: BSD-2-Clause */
/* obj_file.h: the objects of test/obj as files in memory. */
#ifndef OBJ_FILE_H
#define OBJ_FILE_H

#include "base/os.h"
#include <stdio.h>

static inline struct os_file load(const char *name)
{
	struct os_file f;
	struct skep_err err;
	char path[256];

	snprintf(path, sizeof(path), TEST_DIR "/obj/%s", name);
	if (os_file_read(&f, path, &err))
		fail_msg("%s", err.text);
	return f;
}

#endif

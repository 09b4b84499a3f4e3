/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linker.h: several objects into one object, before any loading: sections of
 * one name are joined, symbols resolved, BTF and .BTF.ext merged.
 */
#ifndef OBJ_LINKER_H
#define OBJ_LINKER_H

#include "base/os.h"

struct linker_input { const u8 *data; size_t bytes; const char *file; };

/*
 * *OUT gets the bytes of an ELF object (os_file_close). What nothing defines
 * stays undefined. Errors: as of obj_open, LINK.
 */
int obj_link(struct os_file *out, const struct linker_input *in, u32 n,
	     struct skep_err *err);

/* Whether some object uses what only another one defines. False also for
 * objects that cannot be read. */
bool obj_link_needed(const struct linker_input *in, u32 n);

#endif

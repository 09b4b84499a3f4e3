/* SPDX-License-Identifier: BSD-2-Clause */
/* aot_file.h: what `skep aot` writes: an object file and a header. */
#ifndef CLI_AOT_FILE_H
#define CLI_AOT_FILE_H

#include "api/aot.h"

/*
 * Appends a relocatable ELF object: the code of AOT with a symbol
 * for each function (NAME_prog, local ones for their subprograms), its data, and the
 * struct skep_aot called NAME that names both.
 */
void aot_elf(struct strbuf *file, const struct aot_out *aot, const char *name);
/* Appends the header for C of NAME; FILE is the object's name, for people. */
void aot_header(struct strbuf *text, const struct skep_object *obj, const char *name,
		const char *file);

#endif

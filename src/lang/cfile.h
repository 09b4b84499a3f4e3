/* SPDX-License-Identifier: BSD-2-Clause */
/* cfile.h: functions in C that a script imports. */
#ifndef LANG_CFILE_H
#define LANG_CFILE_H

#include "lang/lang.h"

/* An imported file: its object, and the types of that. */
struct lang_c { const char *path; const u8 *data; size_t bytes; struct btf_file btf; };

/* Compiles what the script imports; errors are the script's. */
void cfile_open(struct lang *l);
void cfile_close(struct lang *l);
/* The types that function NAME is of, and its number there; NULL: there is none. */
const struct btf *cfile_function(const struct lang *l, const char *name, u32 *id);
/* ELF, the script's object, with those of C. Errors: as of obj_link. */
int cfile_link(struct lang *l, struct strbuf *elf, struct skep_err *err);

#endif

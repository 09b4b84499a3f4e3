/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skep/aot.h: programs that `skep aot` compiled (skep-aot(1)): native code and all that
 * belongs to it are in an object file which is linked into the program that runs it.
 *
 *	#include "fw_native.h"			// written with fw_native.o
 *
 *	if (fw_native_open(&obj, &err) || skep_object_load(obj, NULL, &err))
 *		return fputs(skep_err_text(&err), stderr), 1;
 *
 * From then on it is an object as any other (skep/skep.h): maps, pins, tail calls, timers,
 * runs, several objects of it at the same time. Nothing is verified or compiled again, no
 * file is read and no memory made executable.
 *
 * The native code is trusted as all of the program that it is linked into.
 */
#ifndef SKEP_AOT_H
#define SKEP_AOT_H

#include <skep/skep.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define SKEP_AOT_MAGIC "skepaot1"

/* What the object file has. Read it by the functions below. */
struct skep_aot {
	char magic[8];		/* SKEP_AOT_MAGIC, without a NUL */
	uint32_t size;		/* sizeof(struct skep_aot) */
	uint32_t machine;	/* EM_* of elf.h */
	char made_by[16];	/* skep_version() */
	uint64_t abi;		/* what the code relies on of the library, as a number */
	uint64_t hash;		/* of data */
	const void *text;	/* the code */
	uint64_t text_bytes;
	const void *data;	/* the BPF object, and what was made of it */
	uint64_t data_bytes;
};

/*
 * Opens it as skep_object_open() opens a file. Errors: AOT_DAMAGED (-EINVAL), AOT_ABI
 * (-ENOEXEC: this is another version of the library), AOT_MACHINE (-ENOEXEC: another
 * processor, or one that lacks instructions).
 *
 * Then skep_object_set() changes variables but those that the code has as constants
 * (AOT_SET). skep_object_load() runs programs that were compiled as native code, whatever
 * skep_load_opts.unverified and .jit do not say otherwise; all others are not loaded.
 * AOT_MAP (-EINVAL): a pinned map is there that the code is not for. Not for SKEP_KERNEL.
 */
int skep_object_open_aot(struct skep_object **obj, const struct skep_aot *aot,
			 struct skep_err *err);

/* The BPF object in it, for skep_object_open_mem(): what is opened so is verified and
 * compiled as ever, and for a kernel. NULL when AOT is damaged. */
const void *skep_aot_object(const struct skep_aot *aot, size_t *bytes);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif

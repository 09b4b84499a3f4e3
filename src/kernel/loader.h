/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loader.h: a BPF program that loads an image: of type syscall, it makes the maps, gives
 * the kernel the types and loads the programs, which decide their CO-RE relocations by that
 * kernel's types. What light skeletons (`skep gen skeleton -L`) hold, so that programs need
 * no library and no ELF file to load theirs. Making one asks no kernel anything.
 */
#ifndef KERNEL_LOADER_H
#define KERNEL_LOADER_H

#include "model/image.h"
#include "base/err.h"

/*
 * The program refers to one map, number 0 of its fd_array: an array of one value, which is
 * DATA. Its context begins with LOADER_HEAD bytes (size, flags, level, size and place of a
 * log), then for each map of the image a descriptor (out), the number of entries (in; 0: as
 * the image has it) and the address of the first value (in; 0: as the image has it), then
 * for each program a descriptor (out; 0: not loaded). It returns 0 or -errno; then nothing
 * stays.
 */
struct kernel_loader {
	u8 *data;
	u32 data_bytes;
	struct bpf_insn *insns;
	u32 nr_insns;
};

enum { LOADER_HEAD = 24, LOADER_MAP = 16, LOADER_PROG = 4 };

/* IMG comes from obj_open_undecided. Error: LIGHT, which names what a loader cannot do. */
int kernel_loader_make(struct kernel_loader *out, const struct image *img,
		       struct skep_err *err);
void kernel_loader_free(struct kernel_loader *l);

#endif

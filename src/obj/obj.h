/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * obj.h: from an object file to an image: ELF by libelf, sections, symbols,
 * relocations, linking of subprograms across sections, map definitions, global
 * data, licence, BTF. Reads objects of clang 14..19 and gcc-bpf, of the
 * machine's byte order. Never changes its input, never runs anything.
 */
#ifndef OBJ_OBJ_H
#define OBJ_OBJ_H

#include "model/image.h"

/* Does the content look like ELF? */
bool obj_is_elf(const u8 *data, size_t bytes);

/*
 * Reads an object of BYTES bytes; FILE is for messages. The image owns all it
 * needs; DATA may go. Programs of unknown section names are kept with sec NULL
 * and type 0 (BPF_PROG_TYPE_UNSPEC), so that inspect and disasm show them; so
 * are the global functions of an object that has code in .text only.
 * Every program passes isa_check; map indexes exist and offsets into values
 * lie inside them. Errors: ELF*, BTF*, MAP_DEF, INSN, JUMP, EXTERN,
 * UNSUPPORTED, LIMIT (8 M linked instructions, 1 GiB of .bss).
 */
int obj_open(struct image **out, const u8 *data, size_t bytes,
	     const char *file, struct skep_err *err);

/* An image of one program without object: N slots, maps by index into MAPS. */
int obj_from_insns(struct image **out, u32 prog_type, const char *name,
		   const struct bpf_insn *insns, size_t n,
		   const struct image_map *maps, u32 nr_maps,
		   const char *license, struct skep_err *err);

/*
 * The BTF of a file, raw or an ELF file's .BTF section, as btf_open_file does
 * it; close with btf_close_file. Errors: FILE_*, ELF*, BTF.
 */
int obj_open_btf(struct btf_file *f, const char *path, const struct btf *base,
		 struct skep_err *err);

#endif

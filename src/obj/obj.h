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
#include "model/target.h"

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
/*
 * The same for TARGET: CO-RE relocations are made with its types, external
 * variables get its values. obj_open takes the object's own types and no values.
 * What TARGET lacks does not fail here: what is poisoned or missing is in the
 * image, and obj_ready says whether it may be loaded. Further errors: CORE,
 * KCONFIG, those of opening the target's files.
 */
int obj_open_for(struct image **out, struct target *target, const u8 *data,
		 size_t bytes, const char *file, struct skep_err *err);
/*
 * The same for whichever kernel gets the image, which decides itself: instructions are
 * as the compiler made them, each CO-RE relocation is in the image without values, and
 * symbols stay symbolic, weak ones, too.
 */
int obj_open_undecided(struct image **out, const u8 *data, size_t bytes, const char *file,
		       struct skep_err *err);
/* Error: KCONFIG for a configuration value that must be there and is not. */
int obj_ready(const struct image *img, struct skep_err *err);

/*
 * Stores VALUE in the global variable VAR ("limit", "cfg.ports[2]") as its type
 * wants it: integers, 'c', true, names of enumerations, text for char arrays,
 * IPv4, IPv6 and MAC addresses in network order where the size fits. Error:
 * GLOBAL.
 */
int obj_set(struct image *img, const char *var, const char *value, struct skep_err *err);

/* ---- target.c ----------------------------------------------------------- */

/* The target's types; *OUT NULL when the running kernel has none to show. */
int target_btf(struct target *t, const struct btf **out, struct skep_err *err);
/*
 * Those of its modules, after target_btf() found types: the named ones, or of
 * the running kernel those in sysfs in the order of their loading.
 */
int target_modules(struct target *t, const struct core_module **out, u32 *n,
		   struct skep_err *err);
void target_close_modules(struct target *t);	/* target_close does it */
/* The text of a configuration value; *OUT NULL when it is not set. */
int target_config(struct target *t, const char *name, const char **out,
		  struct skep_err *err);
/* KERNEL_VERSION() of the target; 0 unknown. */
u32 target_version(struct target *t);
/*
 * Addresses of N symbols; FOUND[i] says which exist. False when the system
 * shows none at all.
 */
bool target_symbols(struct target *t, const char *const *names, u32 n, u64 *addrs,
		    bool *found);
void target_close(struct target *t);

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
/* The same of FROM, which was read from PATH; it is closed, or f's. */
int obj_read_btf(struct btf_file *f, struct os_file *from, const char *path,
		 const struct btf *base, struct skep_err *err);

#endif

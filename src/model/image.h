/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h: a loaded object: programs, maps, types. What obj makes, what verify
 * judges, what either engine loads. An image is data without addresses: the
 * instructions refer to maps by BPF_PSEUDO_MAP_IDX and BPF_PSEUDO_MAP_IDX_VALUE
 * (imm = index into maps[]), to subprograms by BPF_PSEUDO_CALL (imm relative)
 * and BPF_PSEUDO_FUNC (imm relative to the next slot's next instruction), to
 * what a kernel has by BPF_PSEUDO_KFUNC_CALL and BPF_PSEUDO_BTF_ID (imm = index
 * into externs[]). What a target has no value for is a call of helper
 * IMAGE_POISON, which dead code may hold.
 * Everything lives in the image's arena and is not changed after loading,
 * except initial map contents (--set).
 */
#ifndef MODEL_IMAGE_H
#define MODEL_IMAGE_H

#include "base/arena.h"
#include "btf/btf.h"
#include "model/tables.h"
#include "model/mapmem.h"
#include <linux/bpf.h>

enum image_map_kind {
	IMAGE_MAP_USER,		/* declared in .maps */
	IMAGE_MAP_DATA,		/* .data*, .bss*: one element, the section */
	IMAGE_MAP_RODATA,	/* the same, read-only and frozen */
};

struct image_map {
	const char *name;	/* as declared, or the section's name */
	enum image_map_kind kind;
	u32 type;		/* BPF_MAP_TYPE_* */
	u32 key_size, value_size;	/* bytes */
	u32 max_entries;	/* 0 = not given; obj fills in cpu counts etc. */
	bool entries_by_cpu;	/* not given: as many as the system has cpus */
	u32 map_flags;
	u64 map_extra;
	u32 pinning;		/* 0 none, 1 by name (LIBBPF_PIN_BY_NAME) */
	const char *pin_path;	/* below the file system for pins, when the
				   definition names one; else NULL */
	u32 numa_node;		/* with BPF_F_NUMA_NODE */
	u32 key_type, value_type;	/* BTF ids; 0 unknown */
	u32 lock_at;		/* 1 + offset of a struct bpf_spin_lock in the
				   value; 0 none */
	u32 timer_at;		/* the same of a struct bpf_timer */
	u32 work_at;		/* the same of a struct bpf_wq */
	u32 kptrs[MAP_KPTRS_MAX];	/* offsets of __kptr pointers in the value */
	u32 kptr_types[MAP_KPTRS_MAX];	/* what each points to */
	u32 nr_kptrs;
	/* Initial bytes: value_size for kinds DATA and RODATA and struct_ops,
	   init_bytes from an arena's beginning; NULL: all zero (.bss). */
	const u8 *init;
	u32 init_bytes;		/* of an ARENA's variables; else 0 */
	const struct image_map *inner;	/* what the maps in it are like, or NULL */
	/* initial values, index or -1, [nr_slots]: programs of a PROG_ARRAY,
	   maps of a map of maps */
	s32 *slots;
	u32 nr_slots;
	struct image_op *ops;	/* STRUCT_OPS: the members that are programs */
	u32 nr_ops;
};

struct image_op {
	const char *member;	/* of the struct value_type; "" unknown */
	u32 off;		/* bytes into the value */
	u32 prog;		/* index */
};

struct image_line {
	u32 insn;		/* applies from here to the next record */
	u32 line, col;
	const char *file, *text;
};

struct image_func {
	u32 insn;		/* first slot; funcs are sorted, funcs[0].insn = 0 */
	const char *name;
	u32 type_id;		/* BTF FUNC; 0 unknown */
	bool global;		/* STB_GLOBAL or STB_WEAK, and not hidden */
};

enum { IMAGE_POISON = 0xbad2310 };	/* libbpf's number for the same */

enum image_core_status { IMAGE_CORE_OK, IMAGE_CORE_POISONED, IMAGE_CORE_GUARDED };

/* A CO-RE relocation that was made (btf/core.h). */
struct image_core {
	u32 insn;
	struct btf_core_relo relo;	/* type_id and strings of the image's BTF */
	u64 local, target;	/* values */
	enum image_core_status status;	/* GUARDED: poisoned and never reached */
	const char *reason;	/* of POISONED: why the target has no value */
};

enum image_extern_kind {
	IMAGE_KCONFIG,		/* __kconfig: a variable in map .kconfig */
	IMAGE_KSYM_ADDR,	/* __ksym of type void: an address */
	IMAGE_KSYM_VAR,		/* __ksym with a type */
	IMAGE_KFUNC,
};

/* Something that the object expects of a kernel. */
struct image_extern {
	const char *name;
	enum image_extern_kind kind;
	u32 type_id;		/* BTF of the object: VAR's type, or FUNC */
	bool weak;		/* may be missing */
	bool found;		/* KCONFIG, KSYM_ADDR: the target has it */
	u32 off;		/* KCONFIG: in the map's value */
	u64 addr;		/* KSYM_ADDR */
};

struct image_prog {
	const char *name;	/* of the function */
	const char *section;	/* as in SEC() */
	const struct sec_row *sec;	/* what the section name means; NULL = nothing */
	const char *target;	/* what it says after that: "vfs_read"; or "" */
	u32 of_prog;		/* TARGET is a function of the program that the kernel
				   has loaded under this id; 0: of the kernel itself */
	bool guessed;		/* SEC is a guess from an unknown name */
	u32 type;		/* BPF_PROG_TYPE_* */
	u32 expected_attach;	/* BPF_* attach type */
	bool at_mac;		/* a filter for packet sockets: see struct test_run */
	bool autoload;		/* false for SEC("?...") */
	const struct bpf_insn *insns;	/* subprograms appended, linked */
	u32 nr_insns;		/* slots */
	const struct image_func *funcs;
	u32 nr_funcs;
	const struct image_line *lines;	/* sorted by insn; may be empty */
	u32 nr_lines;
	const struct image_core *cores;	/* sorted by insn; may be empty */
	u32 nr_cores;
};

/* A section of the ELF file. */
struct image_section {
	const char *name;
	u64 size, flags;	/* SHF_* */
	u32 type;		/* SHT_* */
	const char *use;	/* what it is taken for: "programs", "maps"; "" nothing */
};

struct image {
	struct arena arena;
	const char *file;	/* for messages */
	struct btf *btf;	/* NULL when the object has none */
	struct image_map *maps;
	u32 nr_maps;
	struct image_prog *progs;
	u32 nr_progs;
	const char *license;	/* "" when there is none */
	struct image_extern *externs;
	u32 nr_externs;
	const char *types;	/* whose types CO-RE relocations were made for: a
				   file; NULL: the object's own, or none made */
	struct image_section *sections;	/* of the file, in order; none of instructions */
	u32 nr_sections;
	const char **notes;	/* what a user should know about this image */
	u32 nr_notes;
};

void image_free(struct image *img);	/* NULL is fine */

/* The line record that INSN of PROG belongs to, or NULL. */
const struct image_line *image_line(const struct image_prog *prog, u32 insn);
/* Its file as people write it: without the "./" of relocated builds. */
const char *image_line_file(const struct image_line *line);
/* The function that INSN of PROG belongs to. Never NULL for linked programs. */
const struct image_func *image_func(const struct image_prog *prog, u32 insn);
/* The CO-RE relocation of INSN, or NULL. */
const struct image_core *image_core(const struct image_prog *prog, u32 insn);
/* Adds a note, each text once. */
void image_note(struct image *img, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Does P name map MAP, or a place in its value? */
bool image_uses_map(const struct image_prog *p, u32 map);
/* P's tag as Linux 6.18 makes it: the same instructions have the same, whichever maps they
 * use. Of a program that names functions or variables of a kernel it is another one there. */
void image_tag(u8 tag[8], const struct image_prog *p);
/* Index of the map called NAME, or -1. */
int image_map_find(const struct image *img, const char *name);
/* Writes "FILE:LINE:COL" or "OBJ:PROG:INSN" to BUF: where a message points. */
void image_where(char *buf, size_t size, const struct image *img,
		 const struct image_prog *prog, u32 insn);

#endif

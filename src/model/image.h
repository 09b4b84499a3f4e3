/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h: a loaded object: programs, maps, types. What obj makes, what verify
 * judges, what either engine loads. An image is data without addresses: the
 * instructions refer to maps by BPF_PSEUDO_MAP_IDX and BPF_PSEUDO_MAP_IDX_VALUE
 * (imm = index into maps[]), to subprograms by BPF_PSEUDO_CALL (imm relative)
 * and BPF_PSEUDO_FUNC (imm relative to the next slot's next instruction).
 * Everything lives in the image's arena and is not changed after loading,
 * except initial map contents (--set).
 */
#ifndef MODEL_IMAGE_H
#define MODEL_IMAGE_H

#include "base/arena.h"
#include "btf/btf.h"
#include "model/tables.h"
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
	u32 map_flags;
	u64 map_extra;
	u32 pinning;		/* 0 none, 1 by name (LIBBPF_PIN_BY_NAME) */
	u32 numa_node;		/* with BPF_F_NUMA_NODE */
	u32 key_type, value_type;	/* BTF ids; 0 unknown */
	u32 lock_at;		/* 1 + offset of a struct bpf_spin_lock in the
				   value; 0 none */
	u32 timer_at;		/* the same of a struct bpf_timer */
	/* value_size bytes for kinds DATA and RODATA; NULL: all zero (.bss) */
	const u8 *init;
	const struct image_map *inner;	/* what the maps in it are like, or NULL */
	/* initial values, index or -1, [nr_slots]: programs of a PROG_ARRAY,
	   maps of a map of maps */
	s32 *slots;
	u32 nr_slots;
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

struct image_prog {
	const char *name;	/* of the function */
	const char *section;	/* as in SEC() */
	const struct sec_row *sec;	/* what the section name means; NULL = nothing */
	u32 type;		/* BPF_PROG_TYPE_* */
	u32 expected_attach;	/* BPF_* attach type */
	bool autoload;		/* false for SEC("?...") */
	const struct bpf_insn *insns;	/* subprograms appended, linked */
	u32 nr_insns;		/* slots */
	const struct image_func *funcs;
	u32 nr_funcs;
	const struct image_line *lines;	/* sorted by insn; may be empty */
	u32 nr_lines;
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
};

void image_free(struct image *img);	/* NULL is fine */

/* The line record that INSN of PROG belongs to, or NULL. */
const struct image_line *image_line(const struct image_prog *prog, u32 insn);
/* Its file as people write it: without the "./" of relocated builds. */
const char *image_line_file(const struct image_line *line);
/* The function that INSN of PROG belongs to. Never NULL for linked programs. */
const struct image_func *image_func(const struct image_prog *prog, u32 insn);
/* Index of the map called NAME, or -1. */
int image_map_find(const struct image *img, const char *name);
/* Writes "FILE:LINE:COL" or "OBJ:PROG:INSN" to BUF: where a message points. */
void image_where(char *buf, size_t size, const struct image *img,
		 const struct image_prog *prog, u32 insn);

#endif

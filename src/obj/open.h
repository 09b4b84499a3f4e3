/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open.h: what the files of obj share while one object is opened. Reading goes
 * in this order, each step trusting only those before it:
 *
 *	elf.c	sections, symbols
 *	types.c	.BTF and .BTF.ext
 *	maps.c	.maps -> image maps; legacy.c: maps*; ops.c: .struct_ops*;
 *		data.c: .data, .rodata, .bss -> image maps
 *	kconfig.c, ksyms.c	what is expected of a kernel
 *	func.c	functions, their lines and types from .BTF.ext
 *	reloc.c	what each instruction refers to
 *	core.c	CO-RE relocations, made in the sections' code
 *	link.c	programs: functions laid one after another
 *
 * A struct obj dies at the end of obj_open; only what is in img->arena stays.
 */
#ifndef OBJ_OPEN_H
#define OBJ_OPEN_H

#include "base/hash.h"
#include "base/vec.h"
#include "model/image.h"
#include "model/target.h"
#include <linux/bpf.h>

enum { INSN_BYTES = sizeof(struct bpf_insn) };

enum sec_kind {
	SEC_OTHER,	/* nothing that programs may refer to */
	SEC_CODE,
	SEC_DATA, SEC_RODATA, SEC_BSS,
	SEC_ARENA,	/* variables in the object's arena */
	SEC_MAPS,
	SEC_LICENSE,
	SEC_BTF, SEC_BTF_EXT,
	SEC_SYMTAB, SEC_SYM_INDEX,
	SEC_OLD_MAPS, SEC_STRUCT_OPS,
};

struct obj_sec {
	const char *name;
	enum sec_kind kind;
	u32 type;		/* SHT_* */
	u32 link, info;
	u64 flags, size, entsize, align;
	const u8 *data;		/* size bytes; NULL for SHT_NOBITS */
	u32 rel;		/* section of its relocations; 0 none */
	int map;		/* index of the image map that it became, or -1 */
	struct bpf_insn *code;	/* SEC_CODE: aligned copy */
	u32 first_func, nr_funcs;	/* in obj.funcs */
	const struct btf_ext_sec *ext;	/* SEC_CODE; NULL when there is none */
};

/* Sections of global variables, each of which becomes a map. */
static inline bool sec_is_data(const struct obj_sec *s)
{
	return s->kind == SEC_DATA || s->kind == SEC_RODATA || s->kind == SEC_BSS;
}

enum { SYM_UNDEF = 0 };
#define SYM_NOWHERE UINT32_MAX	/* absolute, common */

struct obj_sym {
	const char *name;
	u64 value, size;
	u32 sec;		/* index, SYM_UNDEF or SYM_NOWHERE */
	u8 type, bind, vis;	/* STT_*, STB_*, STV_* */
};

struct obj_func {
	const char *name;
	u32 sec, insn, nr_insns;	/* place in its section, in slots */
	u32 type_id;
	bool global;		/* visible to others: not static, not hidden */
	bool local;		/* STB_LOCAL */
	bool called;		/* some instruction refers to it */
	u32 first_ref, nr_refs;		/* in obj.refs */
	u32 first_line, nr_lines;	/* in its section's ext->lines */
	u32 first_core, nr_cores;	/* in obj.cores */
	u32 placed_for, placed_at;	/* link.c: program number from 1, slot */
	int prog;		/* index in img->progs, or -1 */
};

enum ref_kind { REF_MAP, REF_VALUE, REF_CALL, REF_FUNC, REF_EXTERN, REF_ADDR, REF_NOTHING };

/* One instruction that needs its operand filled in. */
struct obj_ref {
	u32 insn;		/* slot, relative to its function */
	enum ref_kind kind;
	u32 target;		/* index of map, function or img->externs */
	u32 off;		/* REF_VALUE: bytes into the map's value */
};

/* A relocation as read; the addend is in place unless has_addend. */
struct obj_reloc {
	u64 off;
	u32 type, sym;
	s64 addend;
	bool has_addend;
};

/* Where a map is defined. Bytes begin..end of the section hold what `values`
 * of the map starts with; begin == end: it has none. */
struct map_place { u32 sec, off, begin, end; };

struct obj {
	struct image *img;
	struct arena tmp;
	const char *file;
	struct skep_err *err;
	const u8 *data;
	size_t bytes;
	struct obj_sec *secs;
	u32 nr_secs;
	u64 sec_bytes;		/* of all sections that have contents */
	struct obj_sym *syms;
	u32 nr_syms;
	struct strtab globals;	/* name -> symbol, not local */
	struct strtab datasecs;	/* section name -> BTF id */
	struct strtab externs;	/* name in .ksyms, .kconfig -> BTF id of that */
	struct btf_ext *ext;	/* NULL when there is none */
	u32 nr_user_maps;	/* img->maps[0..nr_user_maps) are not of data */
	struct map_place *places;	/* [nr_user_maps] by section, offset */
	struct obj_func *funcs;	/* by section, then place */
	u32 nr_funcs;
	VEC(struct obj_ref) refs;
	struct target *target;	/* NULL: no kernel */
	bool undecided;		/* a kernel decides later: see obj_open_undecided */
	VEC(struct image_core) cores;	/* insn relative to the function */
	struct strtab extern_index;	/* name -> img->externs */
	bool old_gas;		/* see reloc.c */
};

/* ---- obj.c: an object up to its types, for who needs no image ----------- */

int obj_scan(struct obj *o, const u8 *data, size_t bytes, const char *file,
	     struct skep_err *err);
void obj_drop(struct obj *o);

/* ---- elf.c ----------------------------------------------------------- */

int elf_read(struct obj *o);
/* "FILE:SECTION+0xOFF", or without offset. Lives in o->tmp. */
const char *elf_at(struct obj *o, const struct obj_sec *s, u64 off);
const char *elf_in(struct obj *o, const struct obj_sec *s);
/* The relocations of S, rising by offset, each at whole 8 bytes; *N of them. */
int elf_relocs(struct obj *o, const struct obj_sec *s, struct obj_reloc **out,
	       u32 *n);
/* The only section of KIND, 0 when there is none; two are an error. */
int elf_only(struct obj *o, enum sec_kind kind, u32 *out);

/* ---- sections.c: what was made of them, into the image ---------------------- */

int sections_note(struct obj *o);

/* ---- types.c, maps.c, data.c ------------------------------------------- */

/* .BTF and .BTF.ext; fills in what compilers leave to the loader. */
int types_read(struct obj *o);
/* All maps of the image. */
int maps_read(struct obj *o);
/* Initial contents of maps of programs and maps; after the programs are known. */
int maps_values(struct obj *o);
/* The map defined at byte OFF of section SEC, or -1; the last at or before it. */
int maps_at(const struct obj *o, u32 sec, u64 off);
int maps_before(const struct obj *o, u32 sec, u64 off);
/* Where relocation R of section S, whose addend is in 8 bytes, leads: false
 * when to no section. */
bool maps_target(const struct obj *o, const struct obj_sec *s, const struct obj_reloc *r,
		 u32 *sec, u64 *off);
/* Adds a map defined at OFF of section SEC, up to END. */
struct image_map *maps_add(struct obj *o, u32 sec, u32 off, u32 end, const char *name);
/* How many maps sections of old definitions hold; those maps. */
u32 legacy_count(const struct obj *o, u32 sec);
int legacy_read(struct obj *o, u32 sec);
/* fields.c: fills in where values of MAP have locks, timers, work queues and pointers to
 * objects; false: more pointers than there is room for. */
bool fields_find(const struct btf *btf, struct image_map *map);
/* The maps of a section of struct_ops; their programs, once known. */
int ops_read(struct obj *o, u32 sec, const struct btf_type *datasec);
int ops_values(struct obj *o, u32 sec);
/* Appends one map for each section of data to MAPS, which has room. */
int data_read(struct obj *o, struct image_map *maps, u32 *n);

/* ---- kconfig.c, ksyms.c, core.c, dead.c -------------------------------------- */

/* Lists what the object expects of a kernel in img->externs. */
int externs_read(struct obj *o);
/* The values of __kconfig variables, as the last map of the image. */
int kconfig_read(struct obj *o);
/* Addresses for what takes one. */
int ksyms_read(struct obj *o);
/* A reference to the undefined symbol SYM. */
int ref_extern(struct obj *o, const struct obj_sym *sym, const char *where,
	       struct obj_ref *ref);
/* Makes all CO-RE relocations. */
int cores_apply(struct obj *o);
/* Tells which poisoned relocations of PROG no run can reach. */
void dead_mark(struct image_prog *prog, struct image_core *cores);

/* ---- func.c, reloc.c, link.c ------------------------------------------- */

int funcs_read(struct obj *o);
/* The function that begins at byte OFF of section SEC, or -1. */
int funcs_at(const struct obj *o, u32 sec, u64 off);
int relocs_read(struct obj *o);
/* Sets old_gas. */
int relocs_dialect(struct obj *o);
/* Refuses an undefined or weak symbol with the text that fits. */
int reloc_undefined(struct obj *o, const struct obj_sym *sym, const char *where);
/* Chooses the programs, numbers them in obj_func.prog. */
int progs_choose(struct obj *o);
int progs_link(struct obj *o);

#endif

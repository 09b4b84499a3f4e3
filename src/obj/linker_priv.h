/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linker_priv.h: what the files of the linker share:
 *
 *	linker.c	sections, symbols, relocations
 *	linker_btf.c	.BTF and .BTF.ext
 *	linker_elf.c	the file
 */
#ifndef OBJ_LINKER_PRIV_H
#define OBJ_LINKER_PRIV_H

#include "obj/linker.h"
#include "obj/open.h"
#include <elf.h>

/* Relocations of data that elf.h may lack (LLVM's numbers). */
enum { RELOC_ABS64 = 2, RELOC_ABS32 = 3, RELOC_NODYLD32 = 4 };

struct out_sec {
	const char *name;
	u32 type;
	u64 flags, align, size;
	struct strbuf data;	/* size bytes unless SHT_NOBITS */
	struct strbuf relocs;	/* Elf64_Rel */
	struct linker_obj *from;	/* the first input with it */
};

/* One input. */
struct linker_obj {
	struct obj o;
	u32 *sec;		/* [nr_secs] output section, from 1; 0 none */
	u64 *place;		/* [nr_secs] where its bytes begin there */
	u32 *sym;		/* [nr_syms] output symbol; 0 none */
};

struct out_sym {
	const char *name;
	Elf64_Sym y;		/* st_name is not set; st_shndx: output section */
	struct linker_obj *from;
	u32 index;		/* of the symbol there */
};

struct linker {
	struct arena arena;
	struct skep_err *err;
	struct linker_obj *in;
	u32 n;
	VEC(struct out_sec) secs;	/* output section i + 1 */
	VEC(struct out_sym) syms;	/* [0] is the null symbol; locals first */
	u32 nr_locals;
	struct strtab globals;
	struct strbuf btf, ext;
};

/* linker_btf.c: fills btf and ext. */
int linker_types(struct linker *l);
/* linker_elf.c */
int linker_write(struct linker *l, struct os_file *out);

#endif

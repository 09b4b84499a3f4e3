/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf.h: BPF Type Format (Documentation/bpf/btf.rst): parsing and checking,
 * walking, printing types as C and values as text or JSON; .BTF.ext's function
 * and line records. A parsed struct btf is fully checked: ids, names, sizes
 * and chains can be followed without further tests, and no chain is endless.
 */
#ifndef BTF_BTF_H
#define BTF_BTF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"
#include <linux/btf.h>

struct btf {
	const struct btf_type **types;	/* [nr_types]; types[0] is void */
	u32 nr_types;			/* ids are 0..nr_types-1 */
	const char *strings;		/* NUL-terminated blob */
	u32 string_bytes;
	u64 *sizes;			/* [nr_types] in bytes; 0 = none */
	u32 addr_bytes;			/* of a pointer: 8 */
};

/* ---- parse.c --------------------------------------------------------- */

/*
 * Parses and checks DATA, of either byte order; honours hdr_len. What is kept
 * lives in ARENA; DATA is not needed afterwards. WHERE prefixes messages
 * ("fw.o:.BTF"). Error: BTF.
 */
int btf_parse(struct btf **out, struct arena *arena, const u8 *data,
	      size_t bytes, const char *where, struct skep_err *err);

/*
 * Compilers leave a DATASEC's size and its variables' offsets 0; who knows the
 * object fills them in. OFFSETS has one entry a variable. Error: BTF.
 */
int btf_datasec_set(struct btf *btf, u32 id, u32 bytes, const u32 *offsets,
		    const char *where, struct skep_err *err);

/* One record of .BTF.ext's func_info and line_info (struct bpf_func_info,
 * bpf_line_info), names resolved. insn_bytes is the offset in its section. */
struct btf_func { u32 insn_bytes; u32 type_id; };
struct btf_line {
	u32 insn_bytes;
	u32 line, col;			/* from 1; 0 unknown */
	const char *file, *text;	/* "" when unknown */
};
struct btf_ext_sec {
	const char *name;		/* ELF section, e.g. "xdp" */
	struct btf_func *funcs;
	struct btf_line *lines;
	u32 nr_funcs, nr_lines, nr_core_relos;
};
struct btf_ext { struct btf_ext_sec *secs; u32 nr_secs; };

/* Error: BTF_EXT. BTF supplies the strings. */
int btf_ext_parse(struct btf_ext **out, struct arena *arena,
		  const struct btf *btf, const u8 *data, size_t bytes,
		  const char *where, struct skep_err *err);

/* ---- walk.c ---------------------------------------------------------- */

static inline u32 btf_kind(const struct btf_type *t) { return BTF_INFO_KIND(t->info); }
static inline u32 btf_vlen(const struct btf_type *t) { return BTF_INFO_VLEN(t->info); }
static inline bool btf_kflag(const struct btf_type *t) { return BTF_INFO_KFLAG(t->info); }

/* Never NULL for id < nr_types; NULL above. */
const struct btf_type *btf_type(const struct btf *btf, u32 id);
/* The string at OFF, "" when out of range. */
const char *btf_str(const struct btf *btf, u32 off);
const char *btf_type_name(const struct btf *btf, u32 id);
/* ID without typedef, const, volatile, restrict, type tags. */
u32 btf_skip_mods(const struct btf *btf, u32 id);
/* Size in bytes after skipping modifiers; -ENOENT for void, functions. */
s64 btf_size(const struct btf *btf, u32 id);
/* First type of KIND called NAME, or 0. */
u32 btf_find(const struct btf *btf, const char *name, u32 kind);

struct btf_member_info {
	const char *name;	/* "" when anonymous */
	u32 type_id;
	u32 bit_off, bit_size;	/* bit_size 0: no bit field */
};
/* Member I (< vlen) of a struct or union. */
struct btf_member_info btf_member(const struct btf *btf, const struct btf_type *t, u32 i);

/* ---- show.c: values ---------------------------------------------------- */

enum btf_show_flag {
	BTF_SHOW_NET = 1,	/* integers of 4 and byte arrays of 4, 6 and 16
				   bytes are addresses in network order (keys of
				   LPM tries; also what is typed __be32 or
				   in6_addr, ethernet h_dest alike, always) */
};
/*
 * The value of TYPE_ID at DATA (BYTES >= its size, else what is missing is
 * left out) as bpftool prints it: structs as objects, char arrays as strings
 * when printable, enums by name, bit fields, pointers as hex, addresses as
 * strings. Keys and members in order of declaration.
 */
void btf_show_json(struct json *j, const char *key, const struct btf *btf,
		   u32 type_id, const void *data, size_t bytes, unsigned flags);

/* ---- dump_c.c: types --------------------------------------------------- */

/* Appends the C declaration of TYPE_ID under NAME ("" for none), without the
 * bodies of named structs: "struct key", "unsigned int x[4]", "int (*f)(void *)". */
void btf_decl_c(struct strbuf *out, const struct btf *btf, u32 type_id,
		const char *name);
/* Appends the definition of a named struct, union, enum or typedef. */
void btf_def_c(struct strbuf *out, const struct btf *btf, u32 type_id);

#endif

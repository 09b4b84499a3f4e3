/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf.h: BPF Type Format (Documentation/bpf/btf.rst): parsing and checking,
 * walking, printing types as C and values as text or JSON; .BTF.ext's function,
 * line and CO-RE records. A struct btf is fully checked: ids, names, sizes and
 * chains can be followed without further tests, and no chain is endless. Only
 * what the kernel itself hands out in sysfs is taken as it is.
 */
#ifndef BTF_BTF_H
#define BTF_BTF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/os.h"
#include "base/strbuf.h"
#include <linux/btf.h>

struct btf {
	const struct btf *base;		/* of a split BTF: ids and strings go on
					   after its; NULL for none */
	u32 first_id;			/* of the own types: 1, or base's nr_types */
	u32 nr_types;			/* ids are 0..nr_types-1, base's included */
	const u8 *records;		/* the own types, in this byte order */
	const u32 *own;			/* [nr_types - first_id]: where in records they
					   are, and their kinds; see btf_own */
	const char *strings;		/* the own ones, a NUL-terminated blob */
	u32 first_string;		/* its offset: 0, or base's string_bytes */
	u32 string_bytes;		/* offsets are below it, base's included */
	u32 addr_bytes;			/* of a pointer: 8 */
	bool swapped;			/* it came in the other byte order */
	bool trusted;			/* from the kernel, as its base is */
	struct btf_index *index;	/* of names; NULL until btf_index() */
};

/* ---- parse.c --------------------------------------------------------- */

/*
 * Parses and checks DATA, of either byte order; honours hdr_len. What is kept
 * lives in ARENA; DATA is not needed afterwards. WHERE prefixes messages
 * ("fw.o:.BTF"). Error: BTF.
 */
int btf_parse(struct btf **out, struct arena *arena, const u8 *data,
	      size_t bytes, const char *where, struct skep_err *err);
/* The same for BTF that goes on after BASE, which must live as long. */
int btf_parse_split(struct btf **out, struct arena *arena,
		    const struct btf *base, const u8 *data, size_t bytes,
		    const char *where, struct skep_err *err);

/*
 * Compilers leave a DATASEC's size and its variables' offsets 0; who knows the
 * object fills them in. OFFSETS has one entry a variable. Error: BTF.
 */
int btf_datasec_set(struct btf *btf, u32 id, u32 bytes, const u32 *offsets,
		    const char *where, struct skep_err *err);

/* ---- relocate.c -------------------------------------------------------- */

/*
 * SPLIT goes on after a distilled base (section .BTF.base of a module); *OUT is
 * the same types after BASE, which must live as long. Error: BTF for a type of
 * the old base that BASE lacks or has twice.
 */
int btf_relocate(struct btf **out, struct arena *arena, const struct btf *split,
		 const struct btf *base, const char *where, struct skep_err *err);

/* ---- raw.c ------------------------------------------------------------ */

/* The own types and strings of BTF as a new allocation of *BYTES for free(). */
void *btf_raw(const struct btf *btf, u32 *bytes);

/* ---- ext.c ------------------------------------------------------------ */

/* One record of .BTF.ext's func_info, line_info and core_relo (struct
 * bpf_func_info, bpf_line_info, bpf_core_relo), names resolved. insn_bytes is
 * the offset in its section. */
struct btf_func { u32 insn_bytes; u32 type_id; };
struct btf_line {
	u32 insn_bytes;
	u32 line, col;			/* from 1; 0 unknown */
	const char *file, *text;	/* "" when unknown */
};
struct btf_core_relo {
	u32 insn_bytes, type_id;	/* type_id < nr_types */
	const char *access;		/* "0:1:2" */
	u32 kind;			/* enum bpf_core_relo_kind, unchecked */
};
struct btf_ext_sec {
	const char *name;		/* ELF section, e.g. "xdp" */
	struct btf_func *funcs;
	struct btf_line *lines;
	struct btf_core_relo *cores;
	u32 nr_funcs, nr_lines, nr_cores;
};
struct btf_ext { struct btf_ext_sec *secs; u32 nr_secs; };

/* Error: BTF_EXT. BTF supplies the strings. */
int btf_ext_parse(struct btf_ext **out, struct arena *arena,
		  const struct btf *btf, const u8 *data, size_t bytes,
		  const char *where, struct skep_err *err);

/* ---- file.c ---------------------------------------------------------- */

/* The BTF of a file; btf is NULL when nothing is open. */
struct btf_file {
	struct btf *btf;
	struct arena arena;
	struct os_file file;	/* what btf points into, if it does */
};

/*
 * Opens raw BTF, like /sys/kernel/btf/vmlinux, which is mapped, taken as it is
 * and ready in a millisecond; other files are copied and checked. obj_open_btf
 * (obj/obj.h) takes ELF files too. BASE as for btf_parse_split or NULL. Error:
 * FILE_*, BTF.
 */
int btf_open_file(struct btf_file *f, const char *path, const struct btf *base,
		  struct skep_err *err);
/* The same for a FILE that was read; it is f's then, also after an error. */
int btf_open_read(struct btf_file *f, const struct os_file *file,
		  const char *path, const struct btf *base, struct skep_err *err);
void btf_close_file(struct btf_file *f);
/* addr_bytes from the size of "long", which the types of a machine have. */
void btf_guess_addr(struct btf *btf);

/* ---- walk.c ---------------------------------------------------------- */

/* A word of own: the offset, a multiple of 4 below BTF_OFF_MAX, and the kind, which
 * can so be looked at without the record. */
#define BTF_OFF_MAX (1u << 29)
static inline u32 btf_own_word(u32 off, u32 kind) { return off << 3 | kind; }
static inline u32 btf_own_off(const struct btf *btf, u32 i) { return btf->own[i] >> 5 << 2; }
static inline u32 btf_own_kind(const struct btf *btf, u32 i) { return btf->own[i] & 31; }
/* Own type I, whose id is first_id + I. */
static inline const struct btf_type *btf_own(const struct btf *btf, u32 i)
{
	return (const void *)(btf->records + btf_own_off(btf, i));
}

static inline u32 btf_kind(const struct btf_type *t) { return BTF_INFO_KIND(t->info); }
static inline u32 btf_vlen(const struct btf_type *t) { return BTF_INFO_VLEN(t->info); }
static inline bool btf_kflag(const struct btf_type *t) { return BTF_INFO_KFLAG(t->info); }

/* Never NULL for id < nr_types; NULL above. Type 0 is void. */
const struct btf_type *btf_type(const struct btf *btf, u32 id);
/* The string at OFF, "" when out of range. */
const char *btf_str(const struct btf *btf, u32 off);
const char *btf_type_name(const struct btf *btf, u32 id);
/* ID without typedef, const, volatile, restrict, type tags. */
u32 btf_skip_mods(const struct btf *btf, u32 id);
/* Size in bytes after skipping modifiers; -ENOENT for void, functions. */
s64 btf_size(const struct btf *btf, u32 id);
/* The same, 0 for what has none. */
u64 btf_bytes(const struct btf *btf, u32 id);
/*
 * The first type called NAME of KIND (0: of any kind), or 0; the next one with
 * an id above AFTER. They go through all types unless there is an index.
 */
u32 btf_find(const struct btf *btf, const char *name, u32 kind);
u32 btf_find_next(const struct btf *btf, const char *name, u32 kind, u32 after);
/*
 * Makes the above fast: worth it for more than about ten names. Does nothing
 * the second time, and not for the base. Memory from ARENA, 10 bytes a type.
 */
void btf_index(struct btf *btf, struct arena *arena);

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
/* The same; what of 4, 6 or 16 bytes is called one of the NR NAMES is an address
 * in network order, too. */
struct btf_show_as {
	unsigned flags;
	const char *const *names;
	size_t nr;
	/* NULL; or prints pointer V of type ID in another way, under KEY in J */
	void (*pointer)(void *arg, struct json *j, const char *key, const struct btf *btf,
			u32 id, u64 v);
	void *arg;
};
void btf_show_json_as(struct json *j, const char *key, const struct btf *btf, u32 type_id,
		      const void *data, size_t bytes, const struct btf_show_as *as);
/* BYTES (4, 6 or 16) in network order as text. */
void btf_show_address(struct json *j, const char *key, const u8 *a, u64 bytes);

/* ---- dump_c.c: types --------------------------------------------------- */

/* Appends the C declaration of TYPE_ID under NAME ("" for none), without the
 * bodies of named structs: "struct key", "unsigned int x[4]", "int (*f)(void *)". */
void btf_decl_c(struct strbuf *out, const struct btf *btf, u32 type_id,
		const char *name);
/* The same without const, volatile and restrict; lines of bodies after INDENT tabs. */
void btf_plain_c(struct strbuf *out, const struct btf *btf, u32 type_id, const char *name,
		 u32 indent);
/* Appends the definition of a named struct, union, enum or typedef. */
void btf_def_c(struct strbuf *out, const struct btf *btf, u32 type_id);

/* ---- header.c: all types as C -------------------------------------------- */

/*
 * Appends a header that declares the own types of BTF, and of its base what
 * they need, for clang -target bpf: in an order that compiles, laid out as the
 * types say, with prototypes of the kernel's functions for BPF (kfuncs). With
 * ROOTS, only these N types and what they need. Error: LIMIT for types that
 * expand without bound.
 */
int btf_header_c(struct strbuf *out, const struct btf *btf, const u32 *roots,
		 size_t n, const char *where, struct skep_err *err);

/* ---- dump_raw.c: one type as bpftool's raw format -------------------------- */

/* One line, and one more for each member; nothing for void. */
void btf_raw_text(struct strbuf *out, const struct btf *btf, u32 id);
void btf_raw_json(struct json *j, const struct btf *btf, u32 id);

#endif

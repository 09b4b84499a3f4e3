/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.h: functions of a program or library by name, and where their code is in the
 * file: of its own tables, and for a stripped one of the file with its debug information
 * (/usr/lib/debug/.build-id). A library may lie in a zip archive, PATH!/MEMBER: places in
 * the file are the archive's then. Errors: FILE_*, ATTACH_FIND.
 */
#ifndef SYM_SYMBOLS_H
#define SYM_SYMBOLS_H

#include "base/arena.h"
#include "base/os.h"

struct sym_part { u64 addr, off, bytes; bool exec; };	/* a PT_LOAD: bytes of the file */

struct sym_file {
	char *path;
	struct os_file file;	/* of a member of an archive: all of the archive */
	u64 base, bytes;	/* where in it the program or library is */
	void *elf;		/* libelf's */
	u16 machine;		/* EM_* */
	bool is64;
	struct sym_part *parts;
	u32 nr_parts;
	struct os_file debug_file;	/* the same of where its symbols are, or empty */
	void *debug;
	struct guard *guards[2];	/* of both: somebody may cut them meanwhile */
};

struct sym {
	const char *name;
	const char *version;	/* "GLIBC_2.2.5", or NULL */
	bool old;		/* not the one that is linked to: name@VERSION */
	u64 addr, bytes;	/* as linked */
};

int sym_open(struct sym_file *f, const char *path, struct skep_err *err);
void sym_close(struct sym_file *f);

/* Has it, or the file with its debug information, symbols that `strip` takes away? */
bool sym_has_all(const struct sym_file *f);

/* Calls FN for each function, until that gives other than 0, which comes back. */
typedef int sym_fn(void *arg, const struct sym *s);
int sym_each(const struct sym_file *f, sym_fn *fn, void *arg);

/*
 * The function called TEXT: "malloc", "memcpy@GLIBC_2.2.5", "memcpy@@GLIBC_2.14"; a name
 * alone is the one that programs are linked to. Its strings live as long as F.
 * Error: ATTACH_FIND, with the nearest name.
 */
int sym_find(const struct sym_file *f, const char *text, struct sym *out, struct skep_err *err);
/* The address of the function or variable NAME; false: it is not defined there. */
bool sym_value(const struct sym_file *f, const char *name, u64 *addr);
/* The function that has code at ADDR; false: none is known. */
bool sym_at(const struct sym_file *f, u64 addr, struct sym *out);
/* The place in the file of what is at ADDR, and the other way round; -1: nowhere. */
s64 sym_offset(const struct sym_file *f, u64 addr);
s64 sym_address(const struct sym_file *f, u64 off);
/* BYTES of the file at OFF, or NULL. */
const u8 *sym_bytes(const struct sym_file *f, u64 off, u64 bytes);

/* ---- zip.c ----------------------------------------------------------------------- */

struct sym_member { u64 off, bytes; };
/* Where the member of PATH, ARCHIVE!/MEMBER, is in F, the archive. Error: FILE_KIND. */
int sym_zip_find(const struct os_file *f, const char *path, struct sym_member *m,
		 struct skep_err *err);
/* What libdw reads of PATH: a copy of a member of an archive, for close(); -1: PATH itself. */
int sym_member_fd(const char *path);
/* How much of PATH is the name of a file: up to !/, or all of it. */
size_t sym_archive_len(const char *path);

/* ---- find.c ---------------------------------------------------------------------- */

/*
 * The file that NAME stands for, for free(): a path as it is; else a program of PATH, or
 * a library by its file name ("libc.so.6") or without version ("libc", "libssl.so").
 * PID: what that process has mapped comes first, and paths are those that it sees; 0: of
 * nobody. NULL: there is none.
 */
char *sym_find_file(const char *name, u32 pid);

/* ---- place.c --------------------------------------------------------------------- */

/* PATH:SYMBOL[@VERSION][+OFFSET] or PATH:OFFSET; USDT: PATH:PROVIDER:NAME. */
struct sym_place {
	char *path;		/* owned, and what the others point into */
	const char *provider;	/* USDT; else NULL */
	const char *symbol;	/* "" of PATH:OFFSET */
	u64 off;		/* from the symbol, or in the file */
};
/* False when TEXT is of neither form. */
bool sym_place_parse(struct sym_place *p, const char *text, bool usdt);
void sym_place_free(struct sym_place *p);

#endif

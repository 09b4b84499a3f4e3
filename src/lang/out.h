/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out.h: what scripts print, to the byte as bpftrace prints it (0.26): text, or one JSON
 * object a line, {"type": ..., "data": ...}. In: a value's type and bytes, records, maps'
 * elements. Out: bytes appended to a strbuf. Names of addresses come from whoever runs
 * the script. Nothing here reads maps or writes files.
 */
#ifndef LANG_OUT_H
#define LANG_OUT_H

#include "lang/unit.h"
#include "sym/names.h"

struct out {
	const struct lang_unit *u;
	bool json;
	u32 cpus;		/* values of an element of a map with a value per cpu */
	struct strbuf *b;	/* where all of it goes */
	/* The name of an address, "vfs_read+17" with OFFSET; its hexadecimal form when there
	   is none. PID, PROBE: of struct lang_usym. */
	void (*ksym)(void *arg, struct strbuf *b, u64 addr, bool offset);
	void (*usym)(void *arg, struct strbuf *b, u64 addr, u32 pid, bool offset);
	/* The frames at ADDR of process PID, innermost first, at most MAX; 0: no name. RETURNS:
	   a call returns there. */
	u32 (*frames)(void *arg, struct sym_frame *v, u32 max, u64 addr, u32 pid, bool returns);
	/* Appends which file ADDR of PID is of: "[libc.so.6]"; false: of none. */
	bool (*module)(void *arg, struct strbuf *b, u64 addr, u32 pid);
	/* Up to MAX return addresses, innermost first; how many. */
	u32 (*stack)(void *arg, const struct ty *t, const struct lang_stack *s, u64 *ips, u32 max);
	/* A path of cgroup ID, an account's name: appended. */
	void (*cgroup)(void *arg, struct strbuf *b, u64 id, const char *filter);
	void (*user)(void *arg, struct strbuf *b, u64 uid);
	void *arg;
	struct ty_table *types;	/* of members of structs */
	u32 indent;		/* of a stack's lines */
	s64 boot_to_real;	/* ns from CLOCK_BOOTTIME to the time of day */
};

/* ---- out_value.c ------------------------------------------------------------- */

/* V as print() shows it in text, without newline: also with o->json, for keys of text. */
void out_value(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v);
/* The same as JSON. */
void out_value_json(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v);
/* What FORMAT and the arguments make, in B. */
void out_format(struct out *o, struct strbuf *b, const char *format, const struct lang_arg *args,
		u32 nr_args, const u8 *record);

/* S in quotes. */
void out_json_string(struct strbuf *b, const char *s, size_t n);
/* The name of system call NR of this machine, or NULL. */
const char *out_syscall_name(u64 nr);
s64 out_syscall_number(const char *name);	/* -1: there is none */
/* ---- out_map.c --------------------------------------------------------------- */

struct out_elem {
	const u8 *key;
	const u8 *value;	/* per cpu: o->cpus of them, each of round_up(bytes, 8) + what
				   is behind in the object's map */
};
/* All elements (of a scalar map: one, without key; or none), sorted as bpftrace sorts them;
 * TOP 0: all of them; DIV 0 or 1: as they are. STRIDE: from one cpu's value to the next. */
void out_map(struct out *o, const struct lang_map *m, struct out_elem *e, size_t n, u32 stride,
	     u64 top, u64 div);

/* ---- out_folded.c ------------------------------------------------------------ */

/* Is it a map of numbers whose keys have stacks? */
bool out_is_folded(const struct lang_map *m);
/* Appends its elements as folded stacks. */
void out_folded(struct out *o, struct strbuf *b, const struct lang_map *m,
		const struct out_elem *e, size_t n, u32 stride);

/* ---- out_record.c ------------------------------------------------------------ */

/* What is printed of a record by itself: PRINTF, PRINT, TIME, JOIN; ERRORF, WARNF, ASSERT,
 * HELPER_ERROR go to ERR, which is text always. False: it is none of these. */
bool out_record(struct out *o, const struct lang_record *r, const u8 *record, u32 bytes,
		struct strbuf *err);
/* Lines of the tracer itself: "Attached 2 probes", JSON type TYPE and a number. */
void out_attached(struct out *o, u32 probes, struct strbuf *err);
void out_lost(struct out *o, u64 events, struct strbuf *err);
/* Text that came from a file or a command: types "cat" and "syscall". */
void out_text(struct out *o, const char *type, const char *text, size_t n);

#endif

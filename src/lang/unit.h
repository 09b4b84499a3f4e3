/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit.h: a compiled script: the object that runs, and what whoever attaches it and reads
 * its records must know. lower.c makes it; run.c attaches and reads; out_text.c and
 * out_json.c print.
 */
#ifndef LANG_UNIT_H
#define LANG_UNIT_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "lang/type.h"

/* Where a program of the object goes, by probe.def. */
enum lang_probe {
#define PROBE(name, ...) LP_##name,
#include "lang/probe.def"
#undef PROBE
	LP_COUNT
};

struct lang_place {		/* one attachment of one program */
	enum lang_probe kind;
	const char *text;	/* as the builtin "probe" says it:
				   "tracepoint:syscalls:sys_enter_open" */
	const char *prog;	/* of the object */
	const char *at;		/* what its section says after the prefix, for
				   link_where.at */
	u64 period;		/* interval, profile: ns; software, hardware: count */
	u64 cookie;		/* 1 + index of the place, when the program asks */
	u32 signal;		/* self:signal */
};

/* A map of the script. */
struct lang_map {
	const char *name;	/* "@x"; "@" */
	const char *bpf_name;
	const struct ty *key;	/* NULL: scalar */
	const struct ty *value;
	u32 max_entries;
	bool percpu;		/* a value per cpu: out adds them up as the type says */
	u32 lost_at;		/* index of the counter of updates that found no room */
	struct span_text { const char *at; } decl;
};

/* A record of the ring buffer: u32 action; u32 of nothing; then the arguments. */
enum lang_action {
#define ACTION(name) LA_##name,
#include "lang/action.def"
#undef ACTION
	LA_COUNT
};

struct lang_arg { const struct ty *ty; u32 off; };	/* from the record's start */

struct lang_record {
	enum lang_action action;
	const char *format;	/* of printf and its like; NULL else */
	struct lang_arg *args;
	u32 nr_args;
	u32 bytes;
	s32 map;		/* print, clear, zero of map; -1 none */
	const char *where;	/* "FILE:LINE:COL", for errors of helpers */
};

struct lang_config {
#define CONFIG(name, type, value) type name;
#include "lang/config.def"
#undef CONFIG
};

struct lang_unit {
	struct arena *arena;
	struct strbuf elf;	/* the object */
	VEC(struct lang_place) places;
	VEC(struct lang_map) maps;
	VEC(struct lang_record) records;	/* a record's first u32 is its index here */
	struct lang_config config;
	const char *ring;	/* bpf names of the maps that every script has; NULL: not there */
	const char *counters;	/* an array of u64: lost records, exit code, ... */
	const char *stacks[2];	/* kernel's, user's */
	u32 nr_begin, nr_end;
};

/* What the object's counters mean, by index; those of maps follow. */
enum lang_counter { LC_LOST, LC_EXIT, LC_ELAPSED, LC_CPID, LC_COUNT };

#endif

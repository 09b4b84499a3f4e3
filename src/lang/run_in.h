/* SPDX-License-Identifier: BSD-2-Clause */
/* run_in.h: between the files that run a script. Private to run*.c. */
#ifndef LANG_RUN_IN_H
#define LANG_RUN_IN_H

#include "kernel/link.h"
#include "lang/out.h"
#include "lang/run.h"
#include "skep/skep.h"
#include <stdio.h>

struct run_timer { int fd; const struct lang_place *place; };
struct run_pcap { const char *path; FILE *f; };

struct run {
	const struct trace_run *o;
	struct skep_err *err;
	struct skep_object *obj;
	struct backend *b;
	s32 *map;		/* of unit.maps: the backend's numbers */
	s32 ring, counters, packets;	/* -1: not there */
	VEC(struct run_pcap) pcaps;	/* skboutput()'s files */
	int pcap_failed;	/* errno of a packet that was not written; 0 */
	struct out out;
	struct ty_table types;
	struct strbuf text, errors;	/* that are not written yet */
	VEC(struct link) links;
	VEC(const struct lang_place *) linked;	/* of each of them */
	VEC(struct run_timer) timers;
	int signals;
	u32 attached;
	u64 lost;		/* events, said already */
	int status;		/* to exit with */
	bool ended;		/* nothing more is waited for */
	bool holds;		/* nothing is written meanwhile */
	bool discard;		/* records are read and forgotten */
	bool began;		/* what is traced: there are results */
	bool broken;		/* nobody reads what is written */
	struct names *names;
	struct unwind *unwind;	/* NULL: nobody asks for dw_ustack */
	struct spaces *spaces;	/* NULL: nothing of processes' code is printed */
};

/* ---- run.c ------------------------------------------------------------------- */

s32 run_map(struct run *r, const char *name);
/* unwatch(): the watchpoint at ADDR is taken away; REC is where that stands. */
void run_unwatch(struct run *r, const struct lang_record *rec, u64 addr);
int run_bench(struct run *r, const struct lang_place *p, struct test_run *t);

/* ---- run_read.c -------------------------------------------------------------- */

/* Does what the records ask for that are there. */
void run_read(struct run *r);
/* Writes what was printed; ALL: also what -B keeps. */
void run_flush(struct run *r, bool all);
/* Prints map I; at the end empty ones are not. */
void run_print_map(struct run *r, u32 i, u64 top, u64 div, bool at_end);

/* ---- run_pcap.c: packets of skboutput() -------------------------------------- */

int run_pcap_open(struct run *r);	/* makes the files; before anything is attached */
int run_pcap_fd(struct run *r);		/* readable when there are packets; -1: never */
void run_pcap_read(struct run *r);
void run_pcap_close(struct run *r);

/* ---- run_names.c: names of addresses, stacks, cgroups, accounts -------------- */

void run_names_open(struct run *r);
void run_names_close(struct run *r);

/* ---- run_space.c: what processes have mapped, names of their code ------------ */

enum { RUN_FRAMES = 64 };	/* at one address: a function and what was inlined */

void run_space_open(struct run *r);	/* before anything is attached */
void run_space_close(struct run *r);
int run_space_fd(const struct run *r);	/* readable when something was mapped; -1: never */
void run_space_read(struct run *r);	/* what was mapped meanwhile */
void run_space_say(struct run *r);	/* what is missing */
/* out.frames, out.module, out.usym */
u32 run_space_frames(void *arg, struct sym_frame *v, u32 max, u64 addr, u32 pid, bool returns);
bool run_space_module(void *arg, struct strbuf *b, u64 addr, u32 pid);
void run_space_name(void *arg, struct strbuf *b, u64 addr, u32 pid, bool offset);


/* A part of what a process has mapped, of a file: open, or by its path. */
struct run_part { u64 from, to, off, dev, ino; const char *path; int fd; };
/* What of PID is code of files: at most MAX, none over another one. */
u32 run_space_parts(struct run *r, u32 pid, struct run_part *v, u32 max);
/* PID and what it starts is told to run_unwind.c, now and whenever it maps something. */
void run_space_watch(struct run *r, u32 pid);

/* ---- run_unwind.c: rows of .eh_frame for dw_ustack --------------------------- */

u32 run_unwind_rows(const struct trace_run *o);	/* how many the map should have */
void run_unwind_open(struct run *r);
void run_unwind_close(struct run *r);
void run_unwind_put(struct run *r, u32 pid);	/* as PID is now */
void run_unwind_drop(struct run *r, u32 pid);
void run_unwind_say(struct run *r, u64 without);

#endif

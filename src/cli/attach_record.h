/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach_record.h: `skep attach --record FILE`: programs that tell what they saw, and the
 * file that it goes to (replay/kernel.h, replay/record.h).
 */
#ifndef CLI_ATTACH_RECORD_H
#define CLI_ATTACH_RECORD_H

#include "cli/cli.h"
#include "replay/kernel.h"

/* A run as it came, or the part of it before a tail call. */
struct told {
	struct tell_head h;
	u8 *words;
	u64 bytes, read;	/* of WORDS; at which read it came */
};

struct attach_record {
	const char *path;	/* NULL: nothing is recorded */
	bool all;		/* a program that cannot be recorded is an error */
	bool quiet;
	struct skep_object *from;	/* that was opened */
	struct skep_object *obj;	/* with the programs that tell; NULL before */
	struct tell tell;
	bool *tells;		/* [nr_progs] */
	struct record_writer *w;
	u64 runs, cut;
	VEC(struct told) told;	/* runs that are not written yet, in their order */
	u64 reads, late;	/* times that was read; runs whose end came too late */
	u64 flushed, flushed_ns;	/* so many runs are in the file, since when */
	struct target types;	/* that programs were judged by */
	bool types_tried;
	struct verify_opts opts;
};

/* The argument of --record: does it name a file, and no map's type? */
bool record_names_file(const char *arg);
/* An object whose programs WANTED[i] tell, as far as they can: *OBJ from now on, which
 * record_close frees. Errors: RECORD_NONE, RECORD_PROG with ALL. */
int attach_record_open(struct attach_record *r, struct skep_object **obj, const bool *wanted,
		       struct skep_err *err);
/* Programs did not load with ERR: is there one that loads as it was? Then true, and it is to
 * be tried again. */
bool attach_record_again(struct attach_record *r, const bool *wanted, struct skep_err *err);
/* They are loaded, and not yet attached. Errors: FILE_WRITE, MAP_UPDATE. */
int attach_record_begin(struct attach_record *r, struct skep_err *err);
/* What maps have before programs are attached; ARRAYS: these, too. */
void attach_record_maps(struct attach_record *r, bool arrays);
/* Writes what was told. */
void attach_record_read(struct attach_record *r);
/* All are detached: writes the end, and says how many there were. Errors: FILE_WRITE. */
int attach_record_end(struct attach_record *r, struct skep_err *err);
void attach_record_close(struct attach_record *r);	/* whatever was done before */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorder.h: records what an object of the embedded engine is given: stands between its
 * backend and who uses it, and notes what goes by. Programs run in the engine that they
 * would run in anyway; batches of packets run one by one.
 *
 *	rec = recorder_new();
 *	recorder_load_opts(rec, obj, elf, bytes, &opts);	before loading
 *	object_load(obj, &opts, ...);
 *	recorder_begin(rec, obj, "a.rec", err);	all that is done to OBJ from now on is recorded
 *	recorder_end(rec, err);
 */
#ifndef REPLAY_RECORDER_H
#define REPLAY_RECORDER_H

#include "api/object.h"

struct recorder;

struct recorder *recorder_new(void);
/* OBJ, whose file is ELF in BYTES of memory that stays until recorder_begin, is to be loaded
 * with OPTS, which this completes. */
void recorder_load_opts(struct recorder *rec, struct skep_object *obj, const void *elf,
			u64 bytes, struct skep_load_opts *opts);
/* Makes the file PATH. Errors: FILE_*, USAGE (a map is pinned: others may change it). */
int recorder_begin(struct recorder *rec, struct skep_object *obj, const char *path,
		   struct skep_err *err);
/* Nothing more is recorded; the file is complete. Errors: FILE_WRITE. */
int recorder_end(struct recorder *rec, struct skep_err *err);
/* Can be recorded what user space puts into maps of MAP_TYPE: nothing of this machine alone? */
bool recorder_fills(u32 map_type);
u64 recorder_runs(const struct recorder *rec);
u64 recorder_bytes(const struct recorder *rec);
/* Also gives up a recording that is not complete: the file stays, and says so. OBJ must not
 * be used any more, only closed, unless recorder_end was called. NULL is fine. */
void recorder_free(struct recorder *rec);

#endif

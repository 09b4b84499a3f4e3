/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share.h: maps in files, which any process of the user may open: the format of
 * such a file, and who takes part. doc/maps.md has what it promises.
 *
 *	struct share_head | BTF | struct share_state, on pages | the area, on pages
 *
 * The head and the BTF are written once, before the file has its name, and are read
 * into memory of the reader's own before anything is believed. The state and the area
 * are mapped, and no number in them is trusted at any time.
 */
#ifndef MAPS_SHARE_H
#define MAPS_SHARE_H

#include "btf/btf.h"
#include "maps/map.h"

#define SHARE_MAGIC "skepmap"

enum {
	SHARE_VERSION = 2,
	SHARE_ORDER = 0x01020304,	/* as a machine of the writer's kind reads it */
	SHARE_MEMBERS = 255,		/* opened at the same time; numbers from 1 */
	SHARE_NAME = 64,
	SHARE_CPUS_MAX = 4096,
	SHARE_BTF_MAX = 64 << 20,
};

struct share_head {
	char magic[8];
	u32 version, order;
	u32 head_bytes;		/* of this struct */
	u32 page;		/* what the parts are aligned to */
	u64 file_bytes;
	u64 btf_at, btf_bytes;	/* raw BTF of the key and value, 0 bytes: none */
	u64 state_at, state_bytes;
	u64 area_at, area_bytes;	/* a ring's data pages once */
	/* the definition; cpus: slots and values of per-cpu maps */
	u32 type, key_size, value_size, max_entries, map_flags, cpus;
	u64 map_extra;
	u32 key_type, value_type;	/* in the BTF; 0 unknown */
	char name[SHARE_NAME];	/* padded with zeroes, at least one */
	u64 seed;		/* of hashes */
	u64 sum;		/* of all before it and of the BTF */
};
_Static_assert(sizeof(struct share_head) == 200, "head of a pinned file");

/*
 * Who has the file open. A member holds the lock of its byte (os_shared_lock) as
 * long as it lives; where pids of its name space are known, its end is seen by that
 * as well: a child that it left may still have the open file.
 */
struct share_member {
	u32 used;		/* 1 from joining to leaving */
	u32 pid;
	u64 pid_ns;		/* inode; 0 unknown */
};

struct share_state {
	u32 frozen;		/* no writes from outside programs */
	u32 dirty;		/* somebody died in it while others went on: elements
				   may be lost until it is put in order */
	u32 watched;		/* operations are counted: one of WATCHERS is not 0 */
	u32 watchers[8];	/* bits of members; only under the lock of byte 0 */
	u32 pad[5];
	struct share_member members[SHARE_MEMBERS + 1];	/* 0 unused */
	u32 cpus[];		/* the member that has cpu I, 0 = nobody; then, at a multiple
				   of 64, a struct map_counts for each, and one more */
};
_Static_assert(SHARE_MEMBERS < 8 * 32, "a bit for each member");

/* The types of a map's keys and values; ids 0: unknown. */
struct share_types {
	const struct btf *btf;		/* NULL: unknown */
	u32 key_type, value_type;
};

/*
 * Puts map M into a new file PATH, where all pointers into it stay good; no other
 * thread may use M meanwhile. TYPES may be NULL. Errors: SHARE_FIELD, SHARE_SPACE,
 * SHARE_MEMBERS, PIN (-EEXIST: PATH is there).
 */
int share_create(struct map *m, const char *path, const struct share_types *types,
		 struct skep_err *err);
/*
 * The map in file PATH. TYPES, which may be NULL, live in ARENA. -ENOENT: there is no
 * such file, and ERR is not filled. Errors: SHARE_FILE, SHARE_MEMBERS, PIN.
 */
int share_open(struct map **out, const char *path, struct share_types *types,
	       struct arena *arena, struct skep_err *err);

/* Is M in a file and has something of its own for each cpu? */
bool share_has_cpus(const struct map *m);
/* CPU is this process's in M, which is shared; false: another process has it. */
bool share_cpu(struct map *m, u32 cpu);
void share_cpu_drop(struct map *m, u32 cpu);
/* Was a part of the file cut off? Its contents are lost then. */
bool share_torn(const struct map *m);
const char *share_path(const struct map *m);
u32 share_users(const struct map *m);	/* that have it open, without this process */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.h: recordings: files that say all that programs were given, so that the same runs
 * can be had again on any machine: the object, as it was applied to its target, what its
 * maps were told from outside, and of each run the context, the packet and what helpers
 * answered that depends on the machine. doc/replay.md has the format byte by byte.
 *
 * A recording is a sequence of items, in the order in which things happened:
 *
 *	OBJECT, OPTION*, PROG*, DATA*, PLAN*, TAPED	what runs have in common, before all else
 *	UPDATE, DELETE, READ, WRITE, LIKE, DROP	what was done from outside between two runs
 *	RUN, (MEM, CALL)*, RESULT	a run: these belong together, nothing is between them
 *	RUN, SEEN, RESULT		the same of a recording of source "kernel"
 *	TIMERS, (MEM, CALL)*, RESULT	timers that were due, between two runs
 *	MAP*				what maps were at the end
 *	END				nothing is missing
 *
 * Items are collected in blocks with a checksum, so that a file that was cut says so and
 * what is whole of it is good. Numbers are those of the object's image: program I is
 * image.progs[I], map I is image.maps[I].
 */
#ifndef REPLAY_RECORD_H
#define REPLAY_RECORD_H

#include "base/err.h"

#define RECORD_MAGIC "SKEPREC\n"	/* the first 8 bytes */
enum { RECORD_VERSION = 1 };

enum record_kind {
	RECORD_OBJECT = 1, RECORD_OPTION, RECORD_PROG, RECORD_TAPED,
	RECORD_UPDATE, RECORD_DELETE, RECORD_READ, RECORD_WRITE, RECORD_TIMERS,
	RECORD_RUN, RECORD_MEM, RECORD_CALL, RECORD_RESULT,
	RECORD_MAP, RECORD_END,
	RECORD_DATA, RECORD_LIKE, RECORD_DROP,
	RECORD_PLAN, RECORD_SEEN,
	RECORD_KINDS,
};

/* Bytes in a recording: lengths are at most 2^30. NULL only with 0 bytes. */
struct record_bytes { const void *v; u64 n; };

/* The ELF file that the programs are of; NAME for messages, no path is needed. */
struct record_object { struct record_bytes name, elf; };

/*
 * What the engine was opened with, as text (numbers in decimal). Readers refuse names that
 * they do not know, as they cannot do what these ask for.
 *
 *	"skep"		version of who wrote it
 *	"source"	"run" or "kernel": whose runs these are
 *	"kernel"	release of the kernel, of source "kernel"
 *	"cpus"		values of per-cpu maps
 *	"rand_seed", "map_seed"
 *	"clock"		"run": time stands still while a program runs
 *	"sockets"	those that were described, each as struct sock of model/sock.h
 *	"routes"	contents of the file of that option
 *	"unverified"	"1": nobody had asked the verifier
 */
struct record_option { struct record_bytes name, value; };

/*
 * Program INDEX as it was loaded: its instructions after CO-RE and externs, with maps by
 * BPF_PSEUDO_MAP_IDX as images have them. What the object's ELF file gives on another
 * machine is replaced by them. LOADED: runs may be of it.
 */
struct record_prog {
	u32 index, type;
	bool loaded;
	struct record_bytes name, insns;
};

/*
 * The helpers whose answers are in CALL items: bit ID % 8 of byte ID / 8. All others are
 * called again by the replay: they must depend on nothing but what is recorded.
 */
struct record_taped { struct record_bytes bits; };

/* What map INDEX has at first, of variables of the object (image_map.init). */
struct record_data { u32 map; struct record_bytes bytes; };

/* UPDATE: KEY (none of queues and stacks), VALUE (per-cpu: of all), FLAGS; a value of a
 * prog array is an image's program index (u32). DELETE: KEY. READ: all records of a ring
 * buffer or perf event array were taken. WRITE: VALUE is a sample of a user ring buffer.
 * LIKE: another map for map of maps MAP was made; it has the next number behind the image's
 * maps. DROP: who made it has given it up. */
struct record_change {
	u32 map;
	u64 flags;
	struct record_bytes key, value;
};

/* Timers that were due at NOW_NS were to run. */
struct record_timers { u64 now_ns; };

/* What a run is given; as in struct test_run (model/backend.h), whose words these are. */
struct record_run {
	u64 number;		/* from 1: of runs, in this recording */
	u32 prog;
	u32 repeat;		/* 0 = 1 */
	u64 budget;		/* 0: the usual one */
	u32 ifindex, rx_queue, cpu;
	u64 now_ns;
	bool at_mac, alone;
	struct record_bytes packet;
	struct record_bytes ctx;	/* the UAPI struct of the type's context; raw
					   tracepoints: words; none: n is 0 */
	struct record_bytes owner;	/* struct skb_owner as six u64 (socket_cookie,
					   netns_cookie, realm, classid, hash, uid); or none */
	struct record_bytes next;	/* u32 each: programs that go on after it */
};

/*
 * What the machine said when it was asked FACT (enum tape_fact of model/tape.h): of threads
 * and cgroups, which are objects to programs, and of memory that kernel functions read. The
 * bytes lie in objects that programs load from, wherever these are.
 */
struct record_mem { u32 fact; struct record_bytes bytes; };

/*
 * What helper ID answered, in the order of the calls. OUT is what it left in the memory that
 * its argument of kind MEM_OUT points to (helper.def); none when it has no such argument.
 */
struct record_call {
	u32 id;
	u64 ret;
	struct record_bytes out;
};

/* What came of a run. */
struct record_result {
	u32 retval;
	u32 error;		/* N of SKEP-EN: the program was stopped; 0: it ended */
	u32 bytes_out;		/* of the packet */
	u32 redirect_ifindex;
	u64 digest;		/* of the packet (record_digest), 0: nobody looked */
	u32 left_out;		/* 1: the program was not asked */
};

/* Map INDEX at the end, in the order of these: COUNT elements; DIGEST is the sum of
 * record_digest() of each, of the value with that of the key as its seed. */
struct record_map { u32 index; u64 count, digest; };

struct record_end { u64 runs; };

/*
 * Of source "kernel", whose programs ran where nobody could look at their memory: which
 * instructions of program PROG told what they saw. A byte for each slot (enum plan_saw of
 * replay/kernel.h).
 */
struct record_plan { u32 prog; struct record_bytes saw; };

/* What they told in a run, in the order in which they ran: WORDS of 8 bytes. */
enum record_seen_flag {
	RECORD_SEEN_CUT = 1,	/* there was no room for all of it */
	RECORD_SEEN_LEFT = 2,	/* it ended in a tail call: there is no result */
};
struct record_seen { u32 flags; struct record_bytes words; };

struct record_item {
	enum record_kind kind;
	u64 at;			/* place in the file of the block that it is in */
	union {
		struct record_object object;
		struct record_option option;
		struct record_prog prog;
		struct record_taped taped;
		struct record_data data;
		struct record_change change;	/* UPDATE, DELETE, READ, WRITE, LIKE, DROP */
		struct record_timers timers;
		struct record_run run;
		struct record_mem mem;
		struct record_call call;
		struct record_result result;
		struct record_map map;
		struct record_end end;
		struct record_plan plan;
		struct record_seen seen;
	};
};

u64 record_digest(const void *data, u64 bytes, u64 seed);

/* ---- writing ------------------------------------------------------------------ */

struct record_writer;

/* A new file, or one that is replaced; it is there under its name from now on, so that
 * what is whole stays when this process is killed. Errors: FILE_WRITE. */
int record_create(struct record_writer **w, const char *path, struct skep_err *err);
/* Adds a copy of ITEM (AT does not count). What fails is told by record_close. */
void record_add(struct record_writer *w, const struct record_item *item);
/* Runs added so far, and bytes. */
u64 record_runs(const struct record_writer *w);
u64 record_bytes_written(const struct record_writer *w);
/* What was added is in the file afterwards, should this process be killed. */
void record_flush(struct record_writer *w);
/* Closes and frees; what is in it is whole, but END is not there. NULL is fine. */
void record_abandon(struct record_writer *w);
/* Adds END, closes, frees; W may be NULL. Errors: FILE_WRITE. */
int record_close(struct record_writer *w, struct skep_err *err);

/* ---- reading ------------------------------------------------------------------- */

struct record_reader;

/* Errors: FILE_*, RECORD_KIND (no recording), RECORD_VERSION. */
int record_open(struct record_reader **r, const char *path, struct skep_err *err);
/* The same of what is in memory, which stays the caller's. */
int record_open_mem(struct record_reader **r, const void *data, u64 bytes, const char *name,
		    struct skep_err *err);
/*
 * The next item, whose bytes are good as long as R: 1; 0 behind the last; -errno: RECORD_CUT
 * (the file ends before its end; all items before were whole), RECORD_BAD (it is damaged, or
 * items stand where they must not).
 */
int record_next(struct record_reader *r, struct record_item *item, struct skep_err *err);
/* To the first item again. */
void record_rewind(struct record_reader *r);
const char *record_name(const struct record_reader *r);
void record_reader_close(struct record_reader *r);	/* NULL is fine */

#endif

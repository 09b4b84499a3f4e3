/* SPDX-License-Identifier: BSD-2-Clause */
/* run_job.h: between the files of `skep run`: what was asked for, and how far it is. */
#ifndef CLI_RUN_JOB_H
#define CLI_RUN_JOB_H

#include "cli/ports.h"
#include "cli/run.h"
#include "replay/recorder.h"

#define NO_BUDGET UINT64_MAX	/* --budget was not given */

struct run_opts {
	const char *output, *verdicts, *expect, *on, *routes, *pins;
	struct str_list maps;		/* NAME=FILE */
	struct str_list records;	/* MAP=TYPE */
	struct str_list net;		/* names of what is an address */
	struct ports_opts ports;
	const char *clock, *sockets, *coverage, *record;
	const char *profile, *format;	/* FILE of --profile, "" none; NULL: not given */
	u64 repeat, budget, cpus, linger;
	struct load_opts load;
	bool json, verbose, quiet, unverified, stats, pin, insns;
	const char *jit_name;
	enum skep_jit jit;
};

struct job {
	struct run_opts o;
	struct str_list captures;
	struct choice choice;
	struct skep_prog *prog;		/* the one that runs */
	enum engines { ON_USER, ON_KERNEL, ON_BOTH } on;
	struct both both;
	struct events events;
	struct messages messages;
	bool prints;			/* messages may come */
	struct meta meta;
	struct verdicts v;
	struct ports ports;
	struct capture_out *out;	/* of -o; NULL = none */
	u64 packets;			/* of all captures so far */
	u64 cut;			/* captured in part */
	u64 left_out;			/* that the kernel would not ask the program about */
	struct recorder *recorder;	/* of --record FILE, or NULL */
	struct sockets sockets;		/* of --sockets */
	u64 ns;				/* of cpu time for all packets, reading included */
	u64 repeat_ns;			/* of --repeat: means of all packets, added */
	bool capture_clock;		/* time is that of the packets */
	u64 now;			/* ns: of the last packet */
	u32 timers;			/* that wait at the end */
	struct strbuf text;		/* of the packet at hand (-v) */
	struct run_profile *profile;	/* NULL: nobody asked */
	struct skep_err *err;
};

static inline bool is_stdout(const char *path) { return path && !strcmp(path, "-"); }

/* ---- cmd_run.c ----------------------------------------------------------------- */

/* How the job's object is loaded. */
struct skep_load_opts run_load_opts(struct job *j);
/* Fills the maps of OBJ as --map says. */
int run_load_maps(struct job *j, struct skep_object *obj);
/* The input of each packet. */
struct test_run run_test(const struct job *j);

/* Rows of the options of a profile. */
#define RUN_PROFILE_OPTS(o) \
	{"profile", 0, OPT_MAYBE, "FILE", \
	 "show where the time goes, by source line, helper and map", &(o)->profile}, \
	{"format", 'f', OPT_STR, "FORMAT", \
	 "of the profile: table, json, folded or flame (HTML)", &(o)->format}, \
	{"insns", 0, OPT_FLAG, NULL, "the profile has the instructions of each line", \
	 &(o)->insns}

/* ---- run_profile.c: where the time goes ----------------------------------------- */

/* Runs the job's captures again, to count instructions and to see where the time goes. */
int run_profile_make(struct job *j);
void run_profile_free(struct run_profile *p);	/* NULL is fine */

/* ---- profile_out.c --------------------------------------------------------------- */

/* Does all of the profile go to standard output, and nothing else? */
bool profile_is_alone(const struct run_opts *o);
/* Appends it in the format that was asked for: "table", "json", "folded", "flame". */
void profile_put(struct strbuf *out, const struct run_profile *p, const char *format, bool insns);
/* Member "profile". */
void profile_json(struct json *j, const struct run_profile *p, bool insns);

/* ---- run_check.c: what goes together ----------------------------------------- */

/* Tells FILE of --record from MAP=TYPE; EXIT_YES, or the status of a usage error. */
int run_check_record(const struct command *cmd, struct job *j);
/* That what is written is none of what is read; PATHS are the objects. Error: USAGE. */
int run_check_files(struct job *j, const struct str_list *paths);
/* Sets what follows from the options; EXIT_YES, or the status of a usage error. */
int run_check(const struct command *cmd, struct job *j);

#endif

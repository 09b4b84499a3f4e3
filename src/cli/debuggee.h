/* SPDX-License-Identifier: BSD-2-Clause */
/* debuggee.h: what `skep debug` debugs: an object with its input, or a recording. */
#ifndef CLI_DEBUGGEE_H
#define CLI_DEBUGGEE_H

#include "cli/run.h"
#include "debug/debug.h"

struct debuggee_opts {
	const char *prog, *routes, *sockets, *clock;
	struct str_list maps;		/* NAME=FILE */
	u64 budget, cpus;
	struct load_opts load;
	struct meta_opts meta;
};

struct debuggee {
	struct debuggee_opts o;
	struct dbg_setup setup;
	struct debug debug;
	struct os_file elf;		/* the object's bytes */
	struct skep_object *obj;
	char *file, *input;		/* the operands */
	struct capture *capture;
	u64 taken;			/* packets of it so far */
	struct meta meta;
	struct sockets socks;
	bool opened;
};

/*
 * Opens FILE, an object, C or a recording, to be debugged with the packets of CAPTURE (NULL:
 * none). D is zeroed but for o; what is said of it comes to OUT. Errors also: DEBUG_INPUT.
 */
int debuggee_open(struct debuggee *d, const char *file, const char *capture,
		  struct strbuf *out, struct skep_err *err);
/* The verdict on its program, when that is not "ok", in words. */
void debuggee_verdict(struct debuggee *d, struct strbuf *out);
/* Are there all maps that are to be filled? Errors: MAP_NAME. */
int debuggee_check_maps(const struct debuggee *d, struct skep_err *err);
void debuggee_close(struct debuggee *d);

#endif

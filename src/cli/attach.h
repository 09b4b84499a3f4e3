/* SPDX-License-Identifier: BSD-2-Clause */
/* attach.h: the parts of `skep attach`. */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include "cli/cli.h"
#include "kernel/link.h"
#include "kernel/printk.h"
#include <sys/types.h>

/* ---- child.c: the process that is looked at ------------------------------------- */

struct child {
	u32 pid;		/* 0: none */
	int pidfd;		/* readable when it has ended; -1 */
	bool own;		/* started here: -c */
	int go;			/* a byte there lets it begin; -1 */
	int failed;		/* errno comes out of it when it could not; -1 */
};

/* One that runs already. Error: ATTACH_PROCESS. */
int child_open(struct child *c, u32 pid, struct skep_err *err);
/* COMMAND in a new process, which waits until child_go. */
int child_start(struct child *c, const char *command, struct skep_err *err);
int child_go(struct child *c, const char *command, struct skep_err *err);
/* The same, and it stops with all its libraries before its own code, until child_go_on. */
int child_go_stopped(struct child *c, const char *command, struct skep_err *err);
void child_go_on(struct child *c);
/* Ends one that was started here, and waits for it. */
void child_close(struct child *c);

/* ---- where.c: what options name ---------------------------------------------------- */

struct where_opts {
	struct str_list at;	/* [PROG=]WHERE */
	struct str_list cookies;	/* [PROG=]N */
	const char *dev, *cgroup, *netns;
	u64 sock;		/* a descriptor of the process; UINT64_MAX none */
};

/* This process, and those that it starts, go into the network name space of O, if one is
 * named there. Errors: ATTACH_WHERE, ATTACH_FIND. */
int where_enter(const struct where_opts *o, struct skep_err *err);
/* Enters the network name space that NETNS is: a name of `ip netns`, a process id, a
 * file. Fills W, all but what is of one program; where_close frees. PID: of a process
 * or 0. Errors: ATTACH_FIND, ATTACH_WHERE, ATTACH_PROCESS. */
int where_open(struct link_where *w, const struct where_opts *o, u32 pid, struct skep_err *err);
void where_close(struct link_where *w);
/* W for program P. Error: USAGE. */
int where_of(struct link_where *w, const struct where_opts *o, const struct image_prog *p,
	     struct skep_err *err);
/* Does each PROG of the options exist? Errors: PROG_NONE. */
int where_check(const struct where_opts *o, const struct object_list *objs,
		struct skep_err *err);

/* ---- stream.c: what programs say ----------------------------------------------------- */

struct stream_map {
	u32 index;		/* of the image */
	u32 type;		/* of its records, in BTF; 0: as the map's */
	u64 records;
};

struct stream {
	bool json;
	const struct str_list *records;	/* MAP=TYPE */
	const struct str_list *net;	/* names of addresses */
	u32 nr_shown;		/* the first maps of OBJ, whose contents JSON has at the end */
	struct skep_object *obj;
	VEC(struct stream_map) maps;
	struct printk *printk;	/* NULL: no program prints */
	u64 printed;
	struct stream_map *at;	/* that is read */
	struct strbuf out;
	int broken;		/* errno: standard output takes nothing more; or 0 */
};

struct fds { int *v; size_t n, cap; };	/* a VEC */

/* S is zeroed but for JSON, RECORDS and NET; OBJ, whose first MAPS maps are looked at, is
 * loaded into the kernel. What cannot
 * be read of bpf_printk is a note. Errors: USAGE, MAP_NAME. */
int stream_open(struct stream *s, struct skep_object *obj, u32 maps, struct skep_err *err);
/* Descriptors that are readable when there is something. */
void stream_fds(const struct stream *s, struct fds *out);
/* Prints what is there. */
void stream_read(struct stream *s);
/* A record of map MAP of OBJ that comes from elsewhere; S as before stream_open. */
void stream_show(struct stream *s, struct skep_object *obj, u32 map, const struct map_event *e);
/* TEXT as it is: not once it is broken. */
void stream_put(struct stream *s, const struct strbuf *text);
/* An iterator's text, and what a program that ran once returned. */
void stream_text(struct stream *s, const char *program, const char *text, size_t n);
void stream_retval(struct stream *s, const char *program, s64 retval);
/* How many there were, and how many found no room. */
void stream_end(struct stream *s, bool quiet);
/* Is a map called NAME one that link_usdt.c fills, which nobody wants to see? */
bool stream_hides(const char *name);
void stream_close(struct stream *s);

#endif
